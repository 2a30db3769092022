"""What stands in an image: its files, and the packages that a scanner finds, as a bill of materials (CycloneDX)."""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flotilla_cli import paths

# Programs that start programs, and those that install some.
UNWANTED = re.compile(r"^(usr/)?(local/)?s?bin/(\w{0,2}sh|busybox|apt(-get)?|dpkg|rpm|apk|pip3?|uv|su|sudo)$")
NOT_INSTALLED = ("dev", "openbao", "otel", "site", "uv")  # lock files of what no server imports
# A requirement of a lock file: name, version, and perhaps where it holds (`; sys_platform == 'linux'`).
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]+\])?==([^\s;\\]+)(?: *;[^\\\n]*[^\\\s])?", re.MULTILINE)


@dataclass
class Contents:
    """The files of an image with their modes, and its packages: deb or pypi, name, version, architecture."""

    modes: dict[str, int] = field(default_factory=dict)
    packages: list[tuple[str, str, str, str]] = field(default_factory=list)

    def unwanted(self) -> list[str]:
        """Return the shells, package managers and files that run as somebody else."""
        return sorted(name for name, mode in self.modes.items() if UNWANTED.search(name) or mode & 0o6000)

    def unpinned(self, pins: dict[str, str]) -> list[str]:
        """Return the Python packages whose version is not the one that a lock file pins."""
        return sorted(
            f"{name} {version}"
            for kind, name, version, _ in self.packages
            if kind == "pypi" and pins.get(name) != version
        )


def of_image(image: str) -> Contents:
    """Return what is in an image of this machine. Raises subprocess.CalledProcessError."""
    contents = Contents()
    with _exported(image) as archive:
        for member in archive:
            if member.isfile():
                contents.modes[member.name] = member.mode
            kind = _kind(member.name)
            if kind and (file := archive.extractfile(member)):
                head = HeaderParser().parsestr(file.read().decode("utf-8", "replace"))
                name = head["Package"] if kind == "deb" else normalized(head["Name"])
                contents.packages.append((kind, name, head["Version"], head["Architecture"] or ""))
    contents.packages.sort()
    return contents


def pins(slug: str, root: Path = paths.ROOT) -> dict[str, str]:
    """Return the versions that requirements/ pins for an image, by normalized name; `fleet` has what any server has."""
    names = ("*",) if slug == "fleet" else ("base", slug, f"{slug}-*")
    files = [path for name in names for path in sorted(root.glob(f"requirements/{name}.txt"))]
    return {normalized(pin[1]): pin[2] for pin in pinned(p for p in files if p.stem not in NOT_INSTALLED)}


def pinned(files: Iterable[Path]) -> Iterator[re.Match[str]]:
    """Yield what lock files pin, as PIN matches it."""
    for path in files:
        yield from PIN.finditer(path.read_text(encoding="utf-8"))


def normalized(name: str) -> str:
    """Return a Python package's name as an index knows it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def bill_of_materials(image: str, version: str, packages: Iterable[tuple[str, str, str, str]]) -> dict[str, Any]:
    """Return a CycloneDX document without date and serial number: the same image, the same document."""
    components = []
    for kind, name, number, architecture in packages:
        purl = f"pkg:pypi/{name}@{quote(number)}"
        if kind == "deb":
            purl = f"pkg:deb/debian/{name}@{quote(number, safe='')}?arch={architecture}&distro=debian-13"
        components.append({"type": "library", "bom-ref": purl, "name": name, "version": number, "purl": purl})
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "bom-ref": image, "name": image, "version": version}},
        "components": components,
    }


def _kind(path: str) -> str:
    if re.fullmatch(r"var/lib/dpkg/status\.d/[^/]+", path):
        return "deb"
    return "pypi" if re.fullmatch(r"app/lib/[^/]+\.dist-info/METADATA", path) else ""


@contextmanager
def _exported(image: str) -> Iterator[tarfile.TarFile]:
    """Give the file system of a container of the image that is never started."""
    made = subprocess.run(
        ["docker", "create", "--pull=never", image, "none"], capture_output=True, text=True, check=True
    )
    container = made.stdout.strip()
    process = subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE)
    try:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            yield archive
    finally:
        assert process.stdout
        process.stdout.close()
        process.wait()
        subprocess.run(["docker", "rm", container], capture_output=True, check=False)
