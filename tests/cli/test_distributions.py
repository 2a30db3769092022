"""The published installer in the userland of other distributions, from nothing to an answered call.

Minutes each, so with `--every-tool` alone. A distribution's packages come from the mirrors that this machine's package
lists name, so Ubuntu is tried where such a list has one. BusyBox stands for Alpine's userland, but for its C library:
Alpine's own packages, and Fedora's, are in none of these lists.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flotilla_launcher.version import VERSION

from .conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
SUITES = {"bookworm": "Debian", "trixie": "Debian", "forky": "Debian", "noble": "Ubuntu"}
NEEDED = "python3,python3-venv,ca-certificates,curl"  # beside the smallest system
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
OPTIONS = ["--servers", "filesystem,export", "--clients", "found", "--yes"]


@pytest.fixture(autouse=True)
def asked_for(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--every-tool"):
        pytest.skip("takes minutes: --every-tool")


def mirror(distribution: str) -> str:
    """Return where this machine's package lists get a distribution's packages from; "" for nowhere."""
    if not shutil.which("apt-get"):
        return ""
    command = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return next((line.split()[1] for line in lines if line.startswith(f"{distribution} ")), "")


def package_index() -> dict[str, str]:
    """Return what this machine knows of mirrors of Python's packages, as variables that hold in another system."""
    command = [sys.executable, ROOT / "scripts" / "package_environment.py", "container"]
    lines = subprocess.check_output(command, text=True).splitlines()
    known = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    return {**known, "SSL_CERT_FILE": str(CERTIFICATES), "PIP_CERT": str(CERTIFICATES)}


def run(command: list[str], environ: dict[str, str]) -> str:
    variables = [f"{name}={value}" for name, value in environ.items()]
    at = command.index("sh")
    done = subprocess.run(
        [*command[:at], "env", "-i", *variables, *command[at:]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


@pytest.fixture
def root(request: pytest.FixtureRequest, published: Path, tmp_path: Path) -> Iterator[Path]:
    """The smallest system of a suite, with the published files in its /tmp."""
    suite, distribution = request.param, SUITES[request.param]
    keyring = Path(f"/usr/share/keyrings/{distribution.lower()}-archive-keyring.gpg")
    address = mirror(distribution)
    for there, why in (
        (os.geteuid() == 0, "only root can make another system's files"),
        (shutil.which("mmdebstrap"), "mmdebstrap is not installed"),
        (address, f"no package list of this machine is {distribution}'s"),
        (keyring.is_file(), f"{keyring} is missing"),
    ):
        if not there:
            pytest.skip(why)
    root = tmp_path / "root"
    components = "main,universe" if distribution == "Ubuntu" else "main"
    make = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={NEEDED}", f"--components={components}"]
    make.append('--aptopt=Acquire::Check-Valid-Until "false"')  # a mirror may be weeks behind with a suite
    done = subprocess.run(
        [*make, f"--keyring={keyring}", suite, root, address], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for path in (Path("/etc/resolv.conf"), CERTIFICATES):  # how this machine reaches the package index
        if path.is_file():
            shutil.copyfile(path, root / path.relative_to("/"))
    shutil.copytree(published, root / "tmp" / "release")
    yield root
    shutil.rmtree(root)


@pytest.mark.parametrize("root", SUITES, indirect=True)
def test_install_in_the_smallest_system(root: Path) -> None:
    (root / "root" / ".cursor").mkdir(parents=True)
    inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--root={root}", "--mount-proc"]
    environ = {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **package_index()}
    archive = f"/tmp/release/flotilla-{VERSION}.tar.gz"
    output = run([*inside, "sh", "/tmp/release/install", "--from", archive, *OPTIONS], environ)
    assert "the first call was answered" in output
    assert "Done: 2 of 2 servers." in output


@pytest.fixture
def busybox(tmp_path: Path) -> str:
    if there := shutil.which("busybox"):
        return there
    get = ["apt-get", "-qq", "-o", "APT::Sandbox::User=", "download", "busybox-static"]
    try:
        subprocess.run(get, cwd=tmp_path, check=True, capture_output=True, timeout=120)
        (package,) = tmp_path.glob("busybox-static_*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, tmp_path / "busybox"], check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError) as problem:
        pytest.skip(f"there is no busybox, and its package cannot be had: {problem}")
    return next(str(path) for path in (tmp_path / "busybox").glob("**/bin/busybox"))


def test_install_with_the_programs_of_busybox(busybox: str, published: Path, tmp_path: Path) -> None:
    """With bash and Python beside them, which it needs and asks for."""
    programs, home = tmp_path / "bin", tmp_path / "home"
    programs.mkdir()
    for name in subprocess.check_output([busybox, "--list"], text=True).split():
        if name != "setpriv":  # BusyBox's has no --pdeathsig, with which the switchboard starts a server
            (programs / name).symlink_to(busybox)
    (home / ".cursor").mkdir(parents=True)
    archive = published / f"flotilla-{VERSION}.tar.gz"
    command = [busybox, "sh", str(published / "install"), "--from", str(archive), *OPTIONS]
    environ = {"HOME": str(home), "PATH": str(programs), "FLOTILLA_ENGINE": "none", **package_index()}
    refused = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert refused.stderr.splitlines()[-1].startswith("Error: bash is not installed")
    for name, path in (("bash", shutil.which("bash")), ("python3", sys.executable)):
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(str(path))
    output = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    shutil.rmtree(home / ".local")
    assert "Done: 2 of 2 servers." in output.stdout, (output.stdout + output.stderr)[-3000:]
    assert "the first call was answered" in output.stdout
