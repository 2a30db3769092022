"""What is installed without Docker: the wheels, the bundles for Claude Desktop (.mcpb), and everybody's checksums."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

from flotilla_cli import paths
from flotilla_cli.release import contents, images
from flotilla_cli.release.progress import Release
from flotilla_launcher.naming import PROJECT

MCPB = "@anthropic-ai/mcpb@2.1.2"  # signs bundles
START = '''"""Starts Flotilla's gateway, the switchboard, with the servers as processes of this machine."""

import sys

from flotilla_launcher.__main__ import main

sys.argv[0] = "flotilla-switchboard"
main()
'''
LOCAL = "${__dirname}"
SECRETS = {
    "type": "file",
    "title": "Secrets file",
    "description": "The keys of your accounts, one name=value a line; without it, only files can be worked with",
    "required": False,
    "default": "${HOME}/.docker/mcp/flotilla.secrets.env",
}
DATA = {
    "type": "directory",
    "title": "Folder for files",
    "description": "The only folder of this machine whose files can be read and changed",
    "required": True,
    "default": "${DOCUMENTS}/Flotilla",
}


def wheels(release: Release) -> list[str]:
    """Build the wheels and source distributions of the library and of the servers, from what git has; return names.

    The same commit makes the same bytes: setuptools takes a wheel's dates from SOURCE_DATE_EPOCH, and `_normalize` does
    it for a source distribution.
    """
    target = release.folder / "dist"
    uv, environ = str(paths.VENV / "uv"), {"SOURCE_DATE_EPOCH": release.epoch(), "UV_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        if not release.dry_run:
            _checkout(release, Path(folder))
        for project in ("shared", "."):
            release.run(
                uv, "build", "--quiet", "--no-build-isolation", "--python", str(paths.VENV / "python"),
                "--out-dir", str(target), str(Path(folder) / project), **environ,
            )  # fmt: skip
    for path in target.glob("*.tar.gz"):
        _normalize(path, int(release.epoch()))
    return sorted(path.name for path in target.glob("*.*") if path.name != ".gitignore")


def _checkout(release: Release, folder: Path) -> None:
    """Write the files of the commit, with the discovery data that is current, which the build would make again."""
    release.run("git", "archive", "--output", str(folder / "tree.tar"), "HEAD")
    with tarfile.open(folder / "tree.tar") as archive:
        archive.extractall(folder, filter="data")
    for path in [*release.root.glob("servers/*/discovery.json"), release.root / "catalog" / "flotilla.json"]:
        copy = Path(shutil.copyfile(path, folder / path.relative_to(release.root)))
        copy.chmod(0o644)  # the wheel has it too, so it must not depend on this machine's umask


def _normalize(path: Path, when: int) -> None:
    """Write a source distribution again: sorted, every file with the date `when` (seconds since 1970) and no owner."""
    with tarfile.open(path) as archive:
        members = sorted(archive.getmembers(), key=lambda member: member.name)
        contents = [file.read() if (file := archive.extractfile(member)) else b"" for member in members]
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=when) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for member, content in zip(members, contents, strict=True):
            made = tarfile.TarInfo(member.name)
            made.type, made.size, made.mtime = member.type, member.size, when
            made.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            archive.addfile(made, io.BytesIO(content))


def manifest(name: str, title: str, description: str, version: str) -> dict[str, Any]:
    """Return the manifest of a bundle (version 0.4, type uv): `switchboard`, all servers, or `files`, two of them."""
    config, arguments = {"data": DATA}, ["--servers", "filesystem,export"]
    if name == "switchboard":
        config, arguments = {"secrets": SECRETS, "data": DATA}, ["--secrets", "${user_config.secrets}"]
    return {
        "manifest_version": "0.4",
        "name": f"flotilla-{name}",
        "display_name": title,
        "version": version,
        "description": description,
        "author": {"name": "Flotilla", "url": PROJECT},
        "repository": {"type": "git", "url": f"{PROJECT}.git"},
        "documentation": f"{PROJECT}/blob/main/docs/index.md",
        "support": f"{PROJECT}/issues",
        "license": "MIT",
        "keywords": ["mcp", "files", "crm", "calendar", "mail"],
        "server": {
            "type": "uv",
            "entry_point": "main.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", LOCAL, "main.py", "--run", "process", *arguments],
                "env": {"FLOTILLA_DATA": "${user_config.data}"},
            },
        },
        "tools_generated": True,
        "compatibility": {"platforms": ["darwin", "linux", "win32"], "runtimes": {"python": ">=3.11"}},
        "user_config": config,
    }


def project(name: str, version: str, wheel_names: list[str], root: Path = paths.ROOT) -> str:
    """Return the pyproject.toml of a bundle: our wheels from beside it, all others in the versions that were tried."""
    locks = sorted(path for path in root.glob("requirements/*.txt") if path.stem not in contents.NOT_INSTALLED)
    pinned = sorted({pin[0] for pin in contents.pinned(locks)})
    library, fleet = (next(w for w in wheel_names if w.startswith(f"flotilla_{part}-")) for part in ("mcp", "fleet"))
    return "\n".join(
        [
            "[project]",
            f'name = "flotilla-{name}-bundle"',
            f'version = "{version}"',
            'requires-python = ">=3.11"',
            f"dependencies = {json.dumps([f'flotilla-fleet=={version}', f'flotilla-mcp=={version}'])}",
            "",
            "[tool.uv]",
            "package = false",
            f"constraint-dependencies = {json.dumps(pinned, indent=2)}",
            "",
            "[tool.uv.sources]",
            f'flotilla-fleet = {{ path = "wheels/{fleet}" }}',
            f'flotilla-mcp = {{ path = "wheels/{library}" }}',
            "",
        ]
    )


def bundle(name: str, version: str, dist: Path, when: int) -> bytes:
    """Return a bundle as a ZIP file whose entries all have the date `when`, in seconds since 1970."""
    about = {
        "switchboard": ("Flotilla", "Your business tools: mail, calendars, CRM, help desks, shops, invoices, files."),
        "files": (
            "Flotilla Files",
            "Read documents, write files, make spreadsheets and PDFs, in one folder you choose.",
        ),
    }
    wheel_files = sorted(dist.glob("flotilla_*.whl"))  # Python writes 1.3.0-rc.1 as 1.3.0rc1
    files: dict[str, bytes] = {
        "manifest.json": json.dumps(manifest(name, *about[name], version), indent=2).encode(),
        "pyproject.toml": project(name, version, [path.name for path in wheel_files]).encode(),
        "main.py": START.encode(),
        "LICENSE": (paths.ROOT / "LICENSE").read_bytes(),
        **{f"wheels/{path.name}": path.read_bytes() for path in wheel_files},
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path, time.gmtime(max(when, 315532800))[:6])  # ZIP begins with 1980
            info.external_attr = 0o644 << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def pack(release: Release) -> dict[str, str]:
    """Write both bundles, signed where there is a certificate; return their SHA-256 by file name."""
    sums = {}
    for name in ("switchboard", "files"):
        made = b"" if release.dry_run else bundle(name, release.version, release.folder / "dist", int(release.epoch()))
        path = release.write(f"{name}.mcpb", made)
        if release.certificate:
            key = str(Path(release.certificate).with_suffix(".key"))
            release.run("npx", "--yes", MCPB, "sign", "--cert", release.certificate, "--key", key, str(path))
        sums[path.name] = "" if release.dry_run else hashlib.sha256(path.read_bytes()).hexdigest()
    return sums


def checksums(release: Release) -> None:
    """Write SHA256SUMS of everything that a person downloads, and sign it."""
    downloads = [
        *release.folder.glob("dist/flotilla*"),
        *release.folder.glob("*.mcpb"),
        *(release.folder / name for name in (f"flotilla-{release.version}.tar.gz", "install", "flotilla.yaml")),
    ]
    lines = (
        []
        if release.dry_run
        else [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}" for p in sorted(downloads)]
    )
    sums = release.write("SHA256SUMS", "\n".join(lines) + "\n")
    signature = ["--bundle", f"{sums}.bundle"] if not release.key else ["--output-signature", f"{sums}.sig"]
    release.run("cosign", "sign-blob", "--yes", *images.secret_options(release), *signature, str(sums))
