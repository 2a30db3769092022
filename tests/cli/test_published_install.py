"""What `make release` publishes for a machine without a checkout: the archive, and the installer that checks it."""

from __future__ import annotations

import functools
import json
import shutil
import ssl
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flotilla_cli.release import archive
from flotilla_cli.release.progress import ReleaseError
from flotilla_launcher.version import VERSION

from .conftest import ROOT, publish

NAME = f"flotilla-{VERSION}"


def install(folder: Path, *args: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the published installer, alone in a folder, as a person without a terminal does."""
    alone = folder / "download" / "install"
    alone.parent.mkdir(exist_ok=True)
    shutil.copyfile(folder / "install", alone)
    done = subprocess.run(["sh", alone, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=550)
    assert done.returncode == status, done.stdout + done.stderr
    return done


@contextmanager
def served(folder: Path, certificates: Path) -> Iterator[str]:
    """Serve a folder at https://localhost; give its address. The certificate is in `certificates`/cert.pem."""
    certificate, key = certificates / "cert.pem", certificates / "cert.key"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    request += ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run(request, check=True, capture_output=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=str(folder)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_archive_same_commit_same_bytes(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the time zone, and what the user has set for git's archives."""
    settings = {"tar.umask": "0", "tar.tar.gz.command": "gzip -1"}
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for number, (name, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    again = publish(tmp_path)
    for name in (f"{NAME}.tar.gz", "install"):
        assert (again / name).read_bytes() == (published / name).read_bytes()


def test_archive_holds_the_commit_without_its_tests(published: Path) -> None:
    listed = subprocess.check_output(["git", "ls-tree", "-r", "-z", "--name-only", "HEAD"], cwd=ROOT).decode()
    with tarfile.open(published / f"{NAME}.tar.gz") as file:
        members = {member.name.removeprefix(f"{NAME}/"): member for member in file if member.isfile()}
    assert members.keys() == {name for name in listed.split("\0") if name and "/tests/" not in f"/{name}"}
    assert {member.mode for member in members.values()} == {0o644, 0o755}
    assert members["scripts/flotilla"].mode == 0o755


def test_published_needs_a_place_for_the_checksum() -> None:
    with pytest.raises(ReleaseError, match="has 0 lines `SHA256=`"):
        archive.published("VERSION=\nSHA256=old\n", VERSION, "new")


def test_changed_byte_is_refused(published: Path, home: Path, tmp_path: Path) -> None:
    content = bytearray((published / f"{NAME}.tar.gz").read_bytes())
    content[len(content) // 2] ^= 1
    (changed := tmp_path / "changed.tar.gz").write_bytes(content)
    refused = install(published, "--from", str(changed), status=1)
    assert "the archive's checksum is not" in refused.stderr
    assert list(home.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
def test_published_install_ends_with_a_call(
    published: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive comes over HTTPS; its environment is made anew, and a server answers."""
    (home / ".cursor").mkdir()
    monkeypatch.setenv("FLOTILLA_SECRETS", str(home / "secrets.env"))
    with served(published, tmp_path) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURL_CA_BUNDLE", str(tmp_path / "cert.pem"))
        done = install(
            published, "--from", f"{address}/{NAME}.tar.gz", "--servers", "filesystem,export", "--clients", "found"
        )
    app = home / ".local" / "share" / "flotilla-app"
    entry = json.loads((home / ".cursor" / "mcp.json").read_text())["mcpServers"]["flotilla"]
    shutil.rmtree(app)
    assert entry["command"].startswith(f"{app}/")
    assert "the first call was answered" in done.stdout
    assert "Done: 2 of 2 servers." in done.stdout
