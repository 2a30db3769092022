"""The shell scripts on machines that are not ours: other locales, macOS's programs, a half-made environment."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT


def bash(script: str, **environ: str) -> str:
    """Run lines of a shell that has read scripts/lib.sh."""
    command = ["bash", "-euo", "pipefail", "-c", f". scripts/lib.sh\n{script}"]
    return subprocess.check_output(command, text=True, cwd=ROOT, env={**os.environ, **environ})


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "fr_FR.ISO-8859-1"}])
def test_commands_read_and_write_utf8(locale: dict[str, str]) -> None:
    """So that a checkout in a folder with an accent works, and a name with one is printed."""
    asked = f"{shlex.quote(sys.executable)} -c 'import locale; print(locale.getencoding())'"
    assert bash(asked, **locale) == "UTF-8\n"


def test_packages_are_found_in_a_french_shell(tmp_path: Path) -> None:
    program = tmp_path / "apt-cache"
    program.write_text('#!/bin/sh\n[ "$LC_ALL" = C ] && echo "  Candidate: 1" || echo "  Candidat : 1"\n')
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert bash("apt_has docker.io && echo there", PATH=path, LC_ALL="", LANG="fr_FR.UTF-8") == "there\n"


def programs_without(folder: Path, *missing: str) -> str:
    """Return a PATH with the programs of this machine but for some."""
    folder.mkdir()
    for there in reversed(os.environ["PATH"].split(":")):
        for program in Path(there).glob("*"):
            link = folder / program.name
            link.unlink(missing_ok=True)
            if program.name not in missing:
                link.symlink_to(program)
    return str(folder)


def test_an_engine_is_found_without_timeout(home: Path, tmp_path: Path) -> None:
    """macOS has no `timeout`."""
    path = programs_without(tmp_path / "bin", "timeout", "docker")
    docker = Path(path) / "docker"
    docker.write_text("#!/bin/sh\necho 28.0\n")
    docker.chmod(0o755)
    done = subprocess.run(
        ["bash", ROOT / "scripts" / "engine", "--check"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path, "FLOTILLA_ENGINE": ""},
    )
    assert (done.returncode, done.stderr) == (0, "Engine: Docker 28.0.\n")


def checkout(folder: Path) -> Path:
    """A copy of what scripts/setup reads."""
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "scripts" / "setup"


def test_setup_makes_an_interrupted_environment_anew_and_says_what_to_do_without_network(tmp_path: Path) -> None:
    """An environment that was interrupted has a Python, but no pip."""
    setup = checkout(tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    environ = {**os.environ, "PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    done = subprocess.run([setup], capture_output=True, text=True, check=False, env=environ)
    assert "creating .venv" in done.stderr
    assert "No module named pip" not in done.stderr
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2].startswith("Error: the packages could not be installed")


def test_setup_says_that_the_named_python_does_not_fit(tmp_path: Path) -> None:
    environ = {**os.environ, "FLOTILLA_PYTHON": "/usr/bin/false"}
    done = subprocess.run([checkout(tmp_path)], capture_output=True, text=True, check=False, env=environ)
    assert done.stderr.startswith("Error: FLOTILLA_PYTHON=/usr/bin/false is not a Python 3.11 or newer")
