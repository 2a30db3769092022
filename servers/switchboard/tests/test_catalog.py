"""The gateway's formats, read as the gateway reads them, and better where it is silent."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from flotilla_servers.switchboard.catalog import Problem, choose, fill, read_catalog, read_document, read_secrets

CONFIG: dict[str, Any] = {
    "x": {"name": "a b", "num": 42, "on": True, "paths": ["/a", "/b"], "deep": {"er": "d"}, "empty": ""}
}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", ["plain"]),
        ("{{x.name}}", ["a b"]),
        ("{{ x.name }}", ["a b"]),
        ("--n={{x.num}}/{{x.deep.er}}", ["--n=42/d"]),
        ("{{x.on}}", ["true"]),
        ("{{x.none}}", [""]),
        ("{{x.none|or:y:z}}", ["y:z"]),
        ("{{x.empty|or:y}}", ["y"]),
        ("{{x.name|or:y}}", ["a b"]),
        ("{{x.paths|volume|into}}", ["/a:/a", "/b:/b"]),
        ("{{x.paths|volume | into}}", ["/a:/a", "/b:/b"]),
        ("{{x.none|volume|into}}", []),
        ("{{x.none|or:[p,q]|into}}", ["p", "q"]),
        ("{{x.paths|first}}", ["/a"]),
        ("{{x.paths|unknown}}", ["/a,/b"]),
        ("{{x.name.more}}", [""]),
    ],
)
def test_templates(text: str, parts: list[str]) -> None:
    assert fill(text, CONFIG) == parts


def entry(tmp_path: Path, given: dict[str, str], **spec: Any) -> Any:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"registry": {"x": spec}}))
    return read_catalog(tmp_path / "c.yaml", given, CONFIG)["x"]


def test_environment_of_a_server(tmp_path: Path) -> None:
    made = entry(
        tmp_path,
        {"x.key": "pa$$=word", "y.key": "not mine"},
        secrets=[{"name": "x.key", "env": "X_KEY"}, {"name": "x.more", "env": "X_MORE"}],
        env=[
            {"name": "A", "value": "{{x.name}}"},
            {"name": "B", "value": "u:${X_KEY}@$A$HOME"},
            {"name": "C", "value": "{{x.none}}"},
            {"name": "D", "value": "{{x.name}}$A"},
            {"name": "N", "value": 7},
        ],
        command=["--name={{x.name}}", "{{x.paths|into}}", "$A"],
        volumes=["data:/data", "{{x.paths|volume|into}}", "/host:/h:rw", "{{x.none}}"],
    )
    assert made.env == {"X_KEY": "pa$$=word", "A": "a b", "B": "u:pa$$=word@a b", "D": "a b$A", "N": "7"}
    assert made.command == ["--name=a b", "/a", "/b", "a b"]
    assert made.volumes == ["data:/data", "/a:/a:ro", "/b:/b:ro", "/host:/h:rw"]
    assert made.secrets == {"pa$$=word"}


BROKEN = ["", "{", "[]", "\xff", '{"tools": 7}', '{"tools": [7]}', '{"tools": [{}]}', '{"tools": [{"name": "x_a"}]}']


@pytest.mark.parametrize("text", BROKEN)
async def test_build_leaves_out_a_server_whose_discovery_is_broken(
    fleet: Any, person: Any, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """One broken file of many: a sentence, and the others are there."""
    fleet.options()
    both = {"registry": {"other": {"image": "x"}, "probe": fleet.spec}}
    (fleet.folder / "both.yaml").write_text(yaml.safe_dump(both))
    (fleet.folder / "other").mkdir()
    (fleet.folder / "other" / "discovery.json").write_bytes(text.encode("latin-1"))
    async with fleet.inside("--catalog", str(fleet.folder / "both.yaml")) as (front, backends):
        async with person(front, "auto").client as client:
            assert "probe_echo" in [tool.name for tool in await client.list_tools()]
    assert [backend.entry.slug for backend in backends] == ["probe"]
    said = capsys.readouterr().err
    assert "flotilla-switchboard: other is left out: " in said
    assert "Run `make generate` to write it anew." in said


async def test_build_leaves_out_a_server_without_discovery(fleet: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.options()
    both = {"registry": {"other": {"image": "x"}, "probe": fleet.spec}}
    (fleet.folder / "both.yaml").write_text(yaml.safe_dump(both))
    async with fleet.inside("--catalog", str(fleet.folder / "both.yaml")) as (_, backends):
        assert len(backends) == 1
    assert "other is left out: " in capsys.readouterr().err


def test_settings_of_the_whole_fleet_reach_every_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_READ_ONLY", "1")
    monkeypatch.setenv("FLOTILLA_TIER", "all")
    monkeypatch.setenv("FLOTILLA_HTTP_TOKEN", "the front's")
    made = entry(tmp_path, {}, env=[{"name": "FLOTILLA_TIER", "value": "{{x.tier|or:core}}"}])
    assert made.env == {"FLOTILLA_READ_ONLY": "1", "FLOTILLA_TIER": "core"}


def test_a_secret_must_not_steer_the_docker_command(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="DOCKER_HOST of x"):
        entry(tmp_path, {"x.h": "tcp://evil"}, secrets=[{"name": "x.h", "env": "DOCKER_HOST"}])


def test_secrets_file(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("# comment\n\nx.key=a=b 'c'  \nx.key=last\nz=\n")
    assert read_secrets(path) == {"x.key": "last", "z": ""}
    path.write_text("x.key=a\nhunter2\n")
    with pytest.raises(Problem, match="line 2, has no `=`") as problem:
        read_secrets(path)
    assert "hunter2" not in str(problem.value)
    with pytest.raises(Problem, match="No such file"):
        read_secrets(tmp_path / "none")


def test_documents_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    for text, words in (("a: [", "neither YAML nor JSON"), ("[]", "has no `registry`"), ("- 1", "must hold a mapping")):
        path.write_text(text)
        with pytest.raises(Problem, match=words):
            read_catalog(path, {}, {})
    path.write_text('{"registry": {}}')
    assert read_document(path) == {"registry": {}}


def test_which_servers(tmp_path: Path) -> None:
    registry = {
        "free": {},
        "keyed": {"secrets": [{"name": "keyed.k", "env": "K"}]},
        "set": {"config": [{"name": "set", "required": ["host"]}]},
    }
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump({"registry": registry}))

    def chosen(wanted: list[str], secrets: dict[str, str], config: dict[str, Any], *elsewhere: str) -> list[str]:
        return [entry.slug for entry in choose(read_catalog(path, secrets, config), wanted, elsewhere, tmp_path)]

    assert chosen([], {}, {}) == ["free"]
    assert chosen([], {"keyed.k": "v"}, {"set": {"host": "h"}}) == ["free", "keyed", "set"]
    assert chosen([], {}, {}, "keyed") == ["free", "keyed"]
    assert chosen(["all"], {}, {}) == ["free", "keyed", "set"]
    assert chosen(["set", "free", "set"], {}, {}) == ["set", "free"]
    with pytest.raises(Problem, match="no server nope; it has free, keyed, set"):
        chosen(["nope"], {}, {})


@pytest.mark.parametrize(
    ("needs", "secrets", "ready"),
    [
        ([[]], {}, True),  # nothing is needed, whatever may be given
        ([["K"]], {}, False),
        ([["K"]], {"keyed.k": "v"}, True),
        ([["HOST", "K"]], {"keyed.k": "v"}, False),
        ([["HOST"], ["K"]], {"keyed.k": "v"}, True),  # one of two ways in
    ],
)
def test_what_a_server_needs(tmp_path: Path, needs: list[list[str]], secrets: dict[str, str], ready: bool) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"registry": {"keyed": {"secrets": [{"name": "keyed.k", "env": "K"}]}}}))
    (tmp_path / "keyed").mkdir()
    (tmp_path / "keyed/discovery.json").write_text(json.dumps({"needs": needs}))
    assert bool(choose(read_catalog(path, secrets, {}), [], [], tmp_path)) is ready


def test_the_list_needs_no_fastmcp() -> None:
    code = (
        "import sys, flotilla_servers.switchboard.catalog; print([m for m in ('fastmcp', 'mcp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
