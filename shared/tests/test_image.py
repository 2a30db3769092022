"""The base image: what was left out must not be missed, and what must not be in it is not."""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import shutil
import ssl
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from flotilla_launcher.naming import image

ROOT = Path(__file__).parents[2]
BASE = image("base")
HARDENED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=10001", "--tmpfs=/tmp"]
HARDENED += ["--cpus=1", "--memory=512m"]

spec = importlib.util.spec_from_file_location("assemble", ROOT / "shared/image/assemble.py")
assert spec
assert spec.loader
assemble = importlib.util.module_from_spec(spec)
spec.loader.exec_module(assemble)


def docker(*arguments: str, **more: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.fixture(scope="module")
def base() -> str:
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "image", "inspect", BASE], capture_output=True).returncode
    ):
        pytest.skip(f"{BASE} is not there: scripts/build makes it")
    return BASE


@pytest.fixture(scope="module")
def content(base: str) -> Iterator[tarfile.TarFile]:
    container = docker("create", base, "none").strip()
    try:
        exported = subprocess.run(["docker", "export", container], capture_output=True, check=True).stdout
    finally:
        docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        yield archive


def python(code: str, *options: str) -> str:
    """Run code in the base image as a server runs, and return what it printed."""
    start = "import sys; sys.path.append('/app/lib')\n"
    command = ["run", "-i", "--rm", *HARDENED, *options, "--entrypoint", "/usr/bin/python3.13", BASE, "-I", "-S", "-"]
    return docker(*command, input=start + code)


@pytest.mark.docker
def test_image_compiled_modules_find_their_libraries(base: str) -> None:
    out = python("""
import importlib, os
for name in sorted(os.listdir("/usr/lib/python3.13/lib-dynload")):
    importlib.import_module(name.split(".")[0])
for here, _, names in os.walk("/app/lib"):
    for name in names:
        if ".so" in name:
            parts = os.path.relpath(os.path.join(here, name), "/app/lib").split("/")
            importlib.import_module(".".join([*parts[:-1], name.split(".")[0]]))
print("all")
""")
    assert out == "all\n"


@pytest.mark.docker
def test_image_imports_the_whole_library(base: str) -> None:
    out = python("""
import importlib, os
for folder, _, names in os.walk("/app/lib/flotilla"):
    for name in sorted(names):
        if name.endswith(".pyc"):
            path = os.path.relpath(os.path.join(folder, name), "/app/lib").removesuffix(".pyc")
            importlib.import_module(path.replace("/", ".").removesuffix(".__init__"))
print("all")
""")
    assert out == "all\n"


@pytest.mark.docker
def test_image_works_unprivileged_on_a_read_only_root(base: str) -> None:
    out = python(
        """
import datetime, decimal, email.message, importlib.metadata, json, os, pwd, smtplib, ssl, subprocess, zipfile, zoneinfo
from authlib.oauth2.rfc6749 import OAuth2Token
from cryptography.fernet import Fernet
from joserfc import jwt
from joserfc.jwk import RSAKey
import opentelemetry.trace, structlog, yaml
import fastmcp.server.transforms.search
from mcp.server.request_state import AESGCMRequestStateCodec

codec, box = AESGCMRequestStateCodec([b"k" * 32]), Fernet(Fernet.generate_key())
try:
    open("/data/../x", "w")
except OSError as problem:
    refused = problem.strerror
with open("/tmp/note", "w") as file:
    file.write("é€")
print(json.dumps({
    "user": [os.getuid(), pwd.getpwuid(os.getuid()).pw_name, os.environ["HOME"]],
    "paris": datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")).isoformat(),
    "authorities": len(ssl.create_default_context().get_ca_certs()) > 100,
    "state": codec.unseal(codec.seal(b"x")).decode() + box.decrypt(box.encrypt(b"y")).decode(),
    "jwt": len(jwt.encode({"alg": "RS256"}, {"iss": "x"}, RSAKey.generate_key(2048))) > 300,
    "fastmcp": importlib.metadata.version("fastmcp"),
    "refused": refused,
    "text": open("/tmp/note").read(),
    "child": subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True).stdout,
}))
""",
        "--network=none",
    )
    assert json.loads(out) == {
        "user": [10001, "flotilla", "/tmp"],
        "paris": "2026-07-01T00:00:00+02:00",
        "authorities": True,
        "state": "xy",
        "jwt": True,
        "fastmcp": "4.1.2",
        "refused": "Read-only file system",
        "text": "é€",
        "child": "1\n",
    }


@pytest.mark.docker
def test_image_signs_seals_and_parses(base: str) -> None:
    """What is imported only when it is needed; cryptography is Debian's in the images: docs/decisions/0017."""
    out = python(
        """
import json, ssl, sys
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7523 import JWTBearerGrant
from cryptography.hazmat.backends.openssl.backend import backend
from flotilla.parsing.phones import Phone
from flotilla.sealing import Keys
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey, import_key

keys, verified = Keys.of_this_process("x"), {}
for alg, kind, made in (("RS256", "RSA", RSAKey.generate_key(2048)), ("ES256", "EC", ECKey.generate_key("P-256"))):
    private = import_key(made.as_pem(private=True).decode(), kind)
    signed = JWTBearerGrant.sign(private, "iss", "https://example.com/token", alg=alg)
    verified[alg] = jwt.decode(signed, import_key(made.as_pem(private=False), kind), algorithms=[alg]).claims["iss"]
print(json.dumps({
    "verified": verified,
    "opened": keys.open(keys.seal(b"note", "a"), "a").decode(),
    "codec": keys.codec("questions").unseal(keys.codec("questions").seal(b"state")).decode(),
    "phone": Phone.read("06 12 34 56 78").spellings("FR")[0],
    "one OpenSSL": backend.openssl_version_text() == ssl.OPENSSL_VERSION,
}))
""",
        "--network=none",
    )
    assert json.loads(out) == {
        "verified": {"RS256": "iss", "ES256": "iss"},
        "opened": "note",
        "codec": "state",
        "phone": "+33612345678",
        "one OpenSSL": True,
    }


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.docker
def test_image_checks_certificates_against_the_given_authorities(base: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    tmp_path.chmod(0o755)
    bundle.chmod(0o644)
    server = HTTPServer(("127.0.0.1", 0), _Hello)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = f"""
import asyncio, httpx2
async def main():
    async with httpx2.AsyncClient() as client:
        try:
            print((await client.get("https://localhost:{server.server_port}/")).text)
        except httpx2.ConnectError as problem:
            print("CERTIFICATE_VERIFY_FAILED" in str(problem))
asyncio.run(main())
"""
    try:
        assert python(code, "--network=host") == "True\n"
        trusting = ["--network=host", f"--volume={bundle}:/ca.pem:ro", "--env=SSL_CERT_FILE=/ca.pem"]
        assert python(code, *trusting) == "hello\n"
    finally:
        server.shutdown()


@pytest.mark.docker
def test_image_without_sources_shell_installer_and_dates(content: tarfile.TarFile) -> None:
    made_by_docker = {
        "dev",
        "etc",
        "proc",
        "sys",
        ".dockerenv",
        "etc/hostname",
        "etc/hosts",
        "etc/mtab",
        "etc/resolv.conf",
    }
    ours = [m for m in content.getmembers() if m.name not in made_by_docker and not m.name.startswith("dev/")]
    names = {member.name for member in ours}
    assert not [n for n in names if n.endswith((".py", ".pyi", ".a", ".h")) or "__pycache__" in n]
    assert {n for n in names if n.startswith(("usr/bin/", "usr/sbin/", "opt/"))} == {"usr/bin/python3.13"}
    assert not [n for n in names if n.startswith(("app/lib/pip", "app/lib/setuptools", "app/lib/flotilla_testing"))]
    assert {m.mtime for m in ours if m.isfile()} == {0}
    assert not [m.name for m in ours if m.isfile() and m.mode & 0o6022]  # no setuid, nobody but root may write
    assert (content.getmember("data").uid, content.getmember("tmp").mode) == (10001, 0o1777)


@pytest.mark.docker
def test_image_names_versions_and_licences_found_by_scanners(content: tarfile.TarFile) -> None:
    names = set(content.getnames())
    debian = ["libc6", "libssl3t64", "libpython3.13-minimal", "python3.13-minimal", "tzdata", "ca-certificates"]
    for package in (*debian, "python3-cryptography", "python3-cffi-backend"):
        assert f"var/lib/dpkg/status.d/{package}" in names
        assert f"usr/share/doc/{package}/copyright" in names or package.endswith("-minimal")
    heads = [n for n in names if n.startswith("app/lib/") and n.endswith(".dist-info/METADATA")]
    assert len(heads) > 30
    assert not [n for n in heads if n.startswith("app/lib/cryptography-")]  # scanners judge it as Debian's package
    for name in heads:
        file = content.extractfile(name)
        assert file
        assert b"\nVersion: " in file.read()


@pytest.mark.docker
def test_image_size(base: str) -> None:
    size = int(docker("image", "inspect", base, "--format", "{{.Size}}"))
    saved = subprocess.run(["docker", "save", base], capture_output=True, check=True).stdout
    assert size <= 49.5e6  # and half a MB for a server's own layer: docs/decisions/0017
    assert len(gzip.compress(saved, 6)) <= 18.5e6


def test_compile_one_without_docstrings(tmp_path: Path) -> None:
    """Code that works on its docstrings still does."""
    source = tmp_path / "module.py"
    source.write_text(
        '"""Long words."""\ndef f():\n    """More."""\n    return "kept"\nf.__doc__ += "x"\n'
        'class C:\n    """Even more."""\n'
    )
    for docstrings in (True, False):
        assemble.compile_one(str(source), str(tmp_path / "module.pyc"), "/app/module.py", docstrings)
        loaded = importlib.util.spec_from_file_location("module", tmp_path / "module.pyc")
        assert loaded
        assert loaded.loader
        module = importlib.util.module_from_spec(loaded)
        loaded.loader.exec_module(module)
        assert module.f() == "kept"
        assert module.f.__code__.co_filename == "/app/module.py"
        assert (b"Even more" in (tmp_path / "module.pyc").read_bytes()) is docstrings


def test_compile_one_deterministic(tmp_path: Path) -> None:
    """The same source gives the same byte code."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'shared/image')!r}); import assemble, inspect; "
        "assemble.compile_one(inspect.__file__, sys.argv[1], '/x.py', False)"
    )
    outputs = []
    for seed in "0123":
        target = tmp_path / seed
        subprocess.run([sys.executable, "-c", code, str(target)], check=True, env={"PYTHONHASHSEED": seed})
        outputs.append(target.read_bytes())
    assert len(set(outputs)) == 1


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("pkg/tests/test_a.py", True),
        ("pkg/latests/a.py", False),
        ("pygments/lexers/python.py", False),
        ("pygments/lexers/php.py", True),
        ("pygments/lexers/_mapping.py", False),
        ("pygments/lexers/_php_builtins.py", True),
        ("fastmcp/cli/run.py", True),
        ("fastmcp/client/client.py", True),
        ("fastmcp/server/server.py", False),
        ("rich/_unicode_data/unicode17-0-0.py", False),
        ("rich/_unicode_data/unicode9-0-0.py", True),
        ("rinoh_typeface_dejavusans/DejaVuSansCondensed-Bold.ttf", False),
        ("rinoh_typeface_dejavusans/DejaVuSans.ttf", True),
    ],
)
def test_left_out_patterns(path: str, out: bool) -> None:
    assert assemble.left_out(path, assemble.patterns_of(assemble.UNUSED_PARTS)) is out


def test_leave_out_takes_the_files_of_one_distribution(tmp_path: Path) -> None:
    for name in ("kept", "gone"):
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}-1.dist-info").mkdir()
        (tmp_path / f"{name}-1.dist-info/RECORD").write_text(f"{name}/__init__.py,,\n{name}-1.dist-info/RECORD,,\n")
    (tmp_path / "stray.py").touch()
    assemble.leave_out(tmp_path, ["gone"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept", "kept-1.dist-info"]
