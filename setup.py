"""What setuptools cannot read from pyproject.toml: every folder of servers/ is a package, a command and an extra.

A wheel also holds what the launcher and the switchboard read: each server's discovery.json, and the catalog.
"""

import runpy
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
SERVERS = sorted(p.parent.name for p in HERE.glob("servers/*/server.py"))
PARTS = sorted(p.parent.name for p in HERE.glob("servers/_*/__init__.py"))  # what several servers share


def requirements(slug: str) -> list[str]:
    """Read the direct dependencies of one server, none for most."""
    path = HERE / "requirements" / f"{slug}.in"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in (raw.split("#")[0].strip() for raw in lines) if line and not line.startswith("-")]


class BuildWithCatalog(build_py):
    """The catalog stands outside of servers/, so setuptools does not see it: it goes beside the switchboard."""

    def run(self) -> None:
        """Build the packages, then add the catalog; an editable installation reads it where it is."""
        super().run()
        if not self.editable_mode:
            shutil.copyfile(
                HERE / "catalog" / "flotilla.json",
                Path(self.build_lib) / "flotilla_servers" / "switchboard" / "catalog.json",
            )


VERSION = runpy.run_path(str(HERE / "shared" / "src" / "flotilla_launcher" / "version.py"))["VERSION"]
SLUGS = [name.replace("_", "-") for name in SERVERS]
packages = ["flotilla_servers", *(f"flotilla_servers.{name}" for name in [*PARTS, *SERVERS])]
packages += [
    f"flotilla_servers.{name}.tools" for name in SERVERS if (HERE / "servers" / name / "tools" / "__init__.py").exists()
]
setup(
    version=VERSION,
    install_requires=[f"flotilla-mcp=={VERSION}"],  # a discovery.json is right for one version of the library
    packages=packages,
    package_dir={"flotilla_servers": "servers"},
    package_data={f"flotilla_servers.{name}": ["discovery.json"] for name in SERVERS},
    cmdclass={"build_py": BuildWithCatalog},
    entry_points={"console_scripts": [f"flotilla-{slug} = flotilla_launcher.__main__:main" for slug in SLUGS]},
    extras_require={slug: requirements(slug) for slug in SLUGS if requirements(slug)},
)
