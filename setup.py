"""What setuptools cannot read from pyproject.toml: every folder of servers/ is a package, a command and an extra."""

from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
SLUGS = sorted(p.parent.name for p in HERE.glob("servers/*/server.py"))


def requirements(slug: str) -> list[str]:
    """Read the direct dependencies of one server, none for most."""
    path = HERE / "requirements" / f"{slug}.in"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in (raw.split("#")[0].strip() for raw in lines) if line and not line.startswith("-")]


COMMON = sorted(p.parent.name for p in HERE.glob("servers/_*/__init__.py"))  # what several servers share
packages = {f"flotilla_servers.{slug.replace('-', '_')}": f"servers/{slug}" for slug in [*COMMON, *SLUGS]}
setup(
    packages=list(packages),
    package_dir=packages,
    entry_points={"console_scripts": [f"flotilla-{slug} = flotilla.boot:main" for slug in SLUGS]},
    extras_require={slug: requirements(slug) for slug in SLUGS if requirements(slug)},
)
