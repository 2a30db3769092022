"""`flotilla new`: the server as written fails only for what is to be filled in, and is green once it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flotilla_cli.generator.scaffold import CREDENTIALS, LAYOUTS, write
from flotilla_cli.generator.servers import ROOT
from flotilla_testing.rules import read_quality

FILES = {
    "single": ["server.py"],
    "modules": ["client.py", "server.py", "tools/__init__.py", "tools/things.py"],
}
COMMON = ["README.md", "models.py", "quality.yaml"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without servers: the library, the commands and the test settings."""
    ignored = shutil.ignore_patterns("*.egg-info")  # not __pycache__: each command would compile everything again
    for name in ("shared", "scripts", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "servers").mkdir()
    shutil.copy(ROOT / "servers/__init__.py", tmp_path / "servers")
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/flotilla_servers").symlink_to(tmp_path / "servers")
    return tmp_path


def run(checkout: Path, *arguments: str) -> tuple[int, str]:
    paths = [str(checkout / name) for name in ("shared/src", "scripts", "packages")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=checkout, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def suite(checkout: Path, *options: str) -> tuple[int, str]:
    return run(checkout, "-m", "pytest", "servers/acme", "-p", "no:cacheprovider", "-rf", *options)


def failures(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("FAILED", "ERROR"))]


def fill_in(folder: Path) -> None:
    """Replace everything that says TODO, as an author would."""
    for path in folder.rglob("*"):
        if path.is_file() and "tests" not in path.parts:
            text = path.read_text(encoding="utf-8")
            path.write_text(re.sub(r'["\']?todo["\']?', '"things"', text.replace("TODO", "Really")), encoding="utf-8")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("auth", CREDENTIALS)
def test_scaffold_as_written_is_clean(checkout: Path, auth: str, layout: str) -> None:
    """Formatted, without lint, importable; every variant, with the names in it that its credentials need."""
    made = [path.relative_to(checkout / "servers/acme") for path in write("acme", checkout, auth, layout)]
    assert sorted(str(path) for path in made if path.parts[0] != "tests") == sorted(FILES[layout] + COMMON)
    for options in (["check"], ["format", "--check"]):
        code, text = run(checkout, "-m", "ruff", *options, "--no-cache", "servers/acme")
        assert code == 0, text
    code, text = run(checkout, "-c", "from flotilla_servers.acme.server import server; print(*server.attributes)")
    assert code == 0, text
    assert text.split() == ["acme_list_things", "acme_get_thing", "acme_create_thing", "acme_delete_thing"]


def test_scaffold_suite_fails_in_one_test_that_lists_what_to_fill_in(checkout: Path) -> None:
    """The next step that the command prints, with nothing edited: the server works, and one test says what is left."""
    code, text = run(checkout, "-m", "flotilla_cli.generator.scaffold", "acme")
    assert code == 0, text
    assert "wrote servers/acme/server.py" in text
    code, text = suite(checkout)
    assert code == 1
    (failed,) = failures(text)
    assert "test_tools.py::test_nothing_is_left_to_do" in failed
    for line in (
        "README.md:8: TODO the clicks",
        "quality.yaml:1: contract: {exempt:",
        "server.py:",
        'description="TODO one sentence',
    ):
        assert line in text


@pytest.mark.slow
@pytest.mark.parametrize(("auth", "layout"), [("basic", "modules"), ("oauth", "single")])
def test_scaffold_variant_suite_fails_in_one_test(checkout: Path, auth: str, layout: str) -> None:
    write("acme", checkout, auth, layout)
    code, text = suite(checkout)
    assert code == 1
    (failed,) = failures(text)
    assert "test_tools.py::test_nothing_is_left_to_do" in failed


@pytest.mark.slow
def test_scaffold_filled_in_is_green_and_generated(checkout: Path) -> None:
    """And deleting the folder deletes the integration."""
    write("acme", checkout)
    fill_in(checkout / "servers/acme")
    code, text = suite(checkout)
    assert code == 0, text
    shutil.copytree(ROOT / "servers/switchboard", checkout / "servers/switchboard")
    code, text = run(checkout, "-m", "flotilla_cli.generator")
    assert code == 0, text
    assert (checkout / "servers/acme/discovery.json").is_file()
    assert "acme" in (checkout / "catalog/flotilla.yaml").read_text()
    assert run(checkout, "-m", "flotilla_cli.generator", "--check") == (0, "")
    assert run(checkout, "-m", "flotilla_cli.generator.registry_rules")[0] == 0
    shutil.rmtree(checkout / "servers/acme")
    assert run(checkout, "-m", "flotilla_cli.generator")[0] == 0
    assert "acme" not in (checkout / "catalog/flotilla.yaml").read_text()
    assert not (checkout / "catalog/servers/acme.yaml").exists()


@pytest.mark.parametrize("name", ["Acme", "a--b", "1a", "a_b", "", "x" * 21])
def test_write_refuses_a_name_that_is_not_valid(checkout: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is not a valid name"):
        write(name, checkout)


@pytest.mark.parametrize("name", ["class", "import", "async"])
def test_write_refuses_a_python_keyword(checkout: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is a word of Python"):
        write(name, checkout)
    assert not (checkout / "servers" / name).exists()


def test_write_refuses_the_prefix_of_another_server(checkout: Path) -> None:
    (checkout / "servers/filesystem").mkdir()
    (checkout / "servers/filesystem/server.py").write_text('integration = Integration("filesystem", prefix="fs")')
    with pytest.raises(ValueError, match=r"The tools of servers/filesystem begin with fs_ already\. Choose another"):
        write("fs", checkout)


@pytest.mark.parametrize("auth", CREDENTIALS)
def test_quality_holds_exceptions_only(checkout: Path, auth: str) -> None:
    """Sentences with commas, colons and quotes stay sentences."""
    write("acme", checkout, auth)
    path = checkout / "servers/acme/quality.yaml"
    exceptions = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(exceptions) == {"contract", "oauth_refresh", "real_server"}
    claims = read_quality(path)
    assert {name for name, claim in claims.items() if claim.state == "exempt" or claim.reason} == set(exceptions)


def test_write_overwrites_nothing(checkout: Path) -> None:
    write("acme", checkout)
    with pytest.raises(ValueError, match="exists already"):
        write("acme", checkout)
