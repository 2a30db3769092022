"""`make new`: the scaffold fails until it is filled in, and is green, on the whole quality scale, once it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla_cli.generator.scaffold import EXEMPT, write
from flotilla_cli.generator.servers import ROOT
from flotilla_testing.rules import read_quality

FILLED = {
    "server.py": {
        "TODO what one does with it here": "things, one by one",
        "from TODO where to get it": "from acme.example > Settings > API",
        "TODO one sentence: what these tools are for.": "List, make and delete the things of Acme.",
        '"todo"': '"things"',
    },
    "README.md": {
        "TODO the clicks, and the least rights that suffice.": "Settings > API > New token.",
        "TODO requests a minute, page sizes, what the plan allows.": "60 requests a minute.",
        "TODO what a user says": "Which things do we have?",
        "TODO ce que dit une utilisatrice": "Crée une chose « Été ».",
    },
    "quality.yaml": {
        "TODO declare the vendor's contract in tests/contract.yaml, or say why there is none.": "Acme publishes none.",
        "TODO an API token is used; it does not expire.": "An API token is used; it does not expire.",
        "TODO a service that cannot be installed.": "A service that cannot be installed.",
    },
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without servers: the library's sources and the test settings."""
    shutil.copytree(ROOT / "shared", tmp_path / "shared", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "servers").mkdir()
    return tmp_path


def run(checkout: Path, *arguments: str) -> tuple[int, str]:
    env = {**os.environ, "PYTHONPATH": str(checkout / "shared/src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=checkout, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_scaffold_as_written_fails_only_for_what_is_to_be_filled_in(checkout: Path) -> None:
    """The next step that `make new` prints: the server works as written, and one test lists what says TODO."""
    code, text = run(checkout, "-m", "flotilla_cli.generator.scaffold", "acme")
    assert code == 0, text
    code, text = run(checkout, "-m", "pytest", "servers/acme", "-p", "no:cacheprovider", "-rf")
    failed = [line for line in text.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert len(failed) == 1, text
    assert "test_tools.py::test_nothing_is_left_to_do" in failed[0]
    assert "fill in what says TODO in README.md, quality.yaml, server.py" in text
    assert code == 1


@pytest.mark.slow
def test_scaffold_fill_green(checkout: Path) -> None:
    code, text = run(checkout, "-m", "flotilla_cli.generator.scaffold", "acme")
    assert code == 0, text
    assert "servers/acme/server.py" in text
    tests = ("-m", "pytest", "servers/acme", "-p", "no:cacheprovider")
    code, text = run(checkout, *tests, "-k", "left_to_do")
    assert code == 1
    assert "fill in what says TODO in README.md, quality.yaml, server.py" in text
    for name, changes in FILLED.items():
        path = checkout / "servers/acme" / name
        content = path.read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in content, f"{name} no longer says {old}"
            content = content.replace(old, new)
        path.write_text(content, encoding="utf-8")
    code, text = run(checkout, *tests)
    assert code == 0, text
    assert " passed" in text
    code, text = run(checkout, "-m", "flotilla_cli.generator")
    assert code == 0, text
    assert "wrote servers/acme/discovery.json" in text
    assert "acme" in (checkout / "catalog/flotilla.yaml").read_text()
    assert run(checkout, "-m", "flotilla_cli.generator.registry_rules")[0] == 0
    shutil.rmtree(checkout / "servers/acme")  # deleting the folder deletes the integration
    assert run(checkout, "-m", "flotilla_cli.generator")[0] == 0
    assert "acme" not in (checkout / "catalog/flotilla.yaml").read_text()
    assert not (checkout / "catalog/servers/acme.yaml").exists()


@pytest.mark.parametrize("name", ["Acme", "a--b", "1a", "a_b", "", "x" * 21])
def test_names_that_cannot_be(checkout: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a server"):
        write(name, checkout)


@pytest.mark.parametrize("name", ["class", "import", "async"])
def test_write_refuses_a_word_of_python(checkout: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is a word of Python"):
        write(name, checkout)
    assert not (checkout / "servers" / name).exists()


def test_write_refuses_the_prefix_of_another_server(checkout: Path) -> None:
    (checkout / "servers/filesystem").mkdir()
    (checkout / "servers/filesystem/server.py").write_text('server = ScratchServer("filesystem", prefix="fs")')
    with pytest.raises(ValueError, match=r"The tools of servers/filesystem begin with fs_ already\. Choose another"):
        write("fs", checkout)


def test_quality_reads_as_the_claims_that_it_dumps(checkout: Path) -> None:
    """Sentences with commas, colons and quotes stay sentences."""
    write("acme", checkout)
    claims = read_quality(checkout / "servers/acme/quality.yaml")
    assert {name: claim.reason for name, claim in claims.items() if claim.state == "exempt"} == EXEMPT


def test_nothing_is_overwritten(checkout: Path) -> None:
    write("acme", checkout)
    with pytest.raises(ValueError, match="there already"):
        write("acme", checkout)
