"""What setuptools cannot read from pyproject.toml: every folder of servers/ is a package and a command.

A wheel also holds what the launcher and the switchboard read, and what nobody commits: each server's discovery.json,
and the catalog as JSON. They are made here where the checkout, or the source distribution, has none that is current.
"""

import os
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "shared" / "src"))  # whose launcher decides which discovery data is current
SOURCES = runpy.run_path(str(ROOT / "scripts" / "flotilla_cli" / "generator" / "sources.py"))
VERSION = runpy.run_path(str(ROOT / "shared" / "src" / "flotilla_launcher" / "version.py"))["VERSION"]
SERVERS = sorted(path.parent.name for path in ROOT.glob("servers/*/server.py"))
COMMON = sorted(path.parent.name for path in ROOT.glob("servers/_*/__init__.py"))  # what several servers share
SLUGS = [name.replace("_", "-") for name in SERVERS]


def requirements(slug: str) -> list[str]:
    """Read the direct dependencies of one server, none for most."""
    path = ROOT / "requirements" / f"{slug}.in"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line for line in (raw.split("#")[0].strip() for raw in lines) if line and not line.startswith("-")]


def packages() -> list[str]:
    """Return the package of each server, and those inside it."""
    names = ["flotilla_servers"]
    for name in [*COMMON, *SERVERS]:
        folders = [path.parent for path in (ROOT / "servers" / name).rglob("*.py") if "tests" not in path.parts]
        names += {".".join(["flotilla_servers", *path.relative_to(ROOT / "servers").parts]) for path in folders}
    return sorted(set(names))


def needed_to_build() -> list[str]:
    """Return what discovery data is made with: everything that the servers import, nothing where all is current."""
    if not SOURCES["stale"](ROOT):
        return []
    with open(ROOT / "shared" / "pyproject.toml", "rb") as file:
        library = tomllib.load(file)["project"]["dependencies"]
    return [*library, *(requirement for slug in SLUGS for requirement in requirements(slug))]


class BuildWithDiscovery(build_py):
    """Adds the discovery data; the catalog goes beside the switchboard, since it stands outside of servers/."""

    def run(self) -> None:
        """Make what is missing, build the packages, add the catalog; an editable installation reads the checkout's."""
        if self.editable_mode:
            super().run()
            return
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "scripts"), *sys.path])}
        command = [sys.executable, "-m", "flotilla_cli.generator.precompute", "--strict"]
        subprocess.run(command, env=environ, cwd=ROOT, check=True)
        super().run()
        target = Path(self.build_lib) / "flotilla_servers" / "switchboard" / "catalog.json"
        shutil.copyfile(ROOT / "catalog" / "flotilla.json", target)


setup(
    version=VERSION,
    install_requires=[
        f"flotilla-mcp=={VERSION}",  # a discovery.json is right for one version of the library
        *sorted({line for slug in SLUGS for line in requirements(slug)}),  # so that `uvx` runs every server
    ],
    setup_requires=needed_to_build(),
    packages=packages(),
    package_dir={"flotilla_servers": "servers"},
    package_data={
        **{f"flotilla_servers.{name}": ["discovery.json"] for name in SERVERS},
        "flotilla_servers.switchboard.console": ["templates/*", "static/*"],
        "flotilla_servers.switchboard.connecting": ["templates/*"],
    },
    cmdclass={"build_py": BuildWithDiscovery},
    entry_points={
        "console_scripts": [
            "flotilla-fleet = flotilla_launcher.__main__:main",  # `uvx flotilla-fleet gmail`
            *(f"flotilla-{slug} = flotilla_launcher.__main__:main" for slug in SLUGS),
        ]
    },
    extras_require={"postgresql": requirements("postgresql")},
)
