"""The formats of Docker's gateway, read as it reads them, and more strictly where it ignores mistakes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flotilla_launcher.environment import SettingError
from flotilla_servers.switchboard.catalog import (
    CatalogError,
    fill,
    read_catalog,
    read_document,
    read_secrets,
)
from flotilla_servers.switchboard.discovery import definitions, searchables, title
from flotilla_servers.switchboard.options import arguments, remotes
from flotilla_servers.switchboard.selection import choose, selected

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
def test_fill_templates(text: str, parts: list[str]) -> None:
    assert fill(text, CONFIG) == parts


def entry(tmp_path: Path, values: dict[str, str], **spec: Any) -> Any:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"registry": {"x": spec}}))
    return read_catalog(tmp_path / "c.yaml", values, CONFIG)["x"]


def test_entry_environment_command_and_volumes(tmp_path: Path) -> None:
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
    async with fleet.inside("--catalog", str(fleet.folder / "both.yaml")) as (gateway, backends):
        async with person(gateway, "auto").client as client:
            assert "probe_echo" in [tool.name for tool in await client.list_tools()]
    assert [backend.entry.slug for backend in backends] == ["probe"]
    output = capsys.readouterr().err
    assert "flotilla-switchboard: other is left out: " in output
    assert "Run `make generate` to write it again." in output


async def test_build_leaves_out_a_server_without_discovery(fleet: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.options()
    both = {"registry": {"other": {"image": "x"}, "probe": fleet.spec}}
    (fleet.folder / "both.yaml").write_text(yaml.safe_dump(both))
    async with fleet.inside("--catalog", str(fleet.folder / "both.yaml")) as (_, backends):
        assert len(backends) == 1
    assert "other is left out: " in capsys.readouterr().err


def test_fleet_settings_reach_every_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_READ_ONLY", "1")
    monkeypatch.setenv("FLOTILLA_TIER", "all")
    monkeypatch.setenv("FLOTILLA_HTTP_TOKEN", "the gateway's")
    made = entry(tmp_path, {}, env=[{"name": "FLOTILLA_TIER", "value": "{{x.tier|or:core}}"}])
    assert made.env == {"FLOTILLA_READ_ONLY": "1", "FLOTILLA_TIER": "core"}


def test_secrets_cannot_control_the_docker_command(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="DOCKER_HOST of x"):
        entry(tmp_path, {"x.h": "tcp://evil"}, secrets=[{"name": "x.h", "env": "DOCKER_HOST"}])


GUARDED: dict[str, Any] = {
    "filesystem": {
        "secrets": [
            {"name": f"filesystem.{leaf}", "env": f"FLOTILLA_{leaf.upper()}"}
            for leaf in ("deny", "allow", "groups", "tier", "read_only", "confirm")
        ]
    },
    "mail": {
        "secrets": [
            *({"name": f"mail.{leaf}", "env": f"FLOTILLA_{leaf.upper()}"} for leaf in ("deny", "allow", "groups")),
            {"name": "mail.base_url", "env": "MAIL_BASE_URL"},
        ],
        "config": [{"name": "mail", "properties": {"language": {"type": "string"}}}],
    },
}


def guarded(folder: Path, secrets: str = "", config: dict[str, Any] | None = None) -> dict[str, list[str]]:
    """Return the tools that each server of a small fleet would list."""
    (folder / "c.json").write_text(json.dumps({"registry": GUARDED}))
    (folder / "secrets").write_text(secrets)
    (folder / "config").write_text(json.dumps(config or {}))
    for slug, names in (("filesystem", ("fs_read", "fs_delete")), ("mail", ("mail_send", "mail_list"))):
        (folder / slug).mkdir(exist_ok=True)
        effects = {name: "reads" if name in ("fs_read", "mail_list") else "destroys" for name in names}
        document = {
            "needs": [[]],
            "guards": ["MAIL_BASE_URL"] if slug == "mail" else [],
            "tools": [{"name": name} for name in names],
            "attributes": {
                "tools": {n: {"effect": effects[n], "group": slug if slug == "mail" else ""} for n in names}
            },
        }
        (folder / slug / "discovery.json").write_text(json.dumps(document))
    files = ("catalog", "c.json"), ("secrets", "secrets"), ("config", "config"), ("discovery", "")
    options = arguments([f"--{name}={folder / path}" for name, path in files])
    return {e.slug: [tool["name"] for tool in definitions(e, folder)["tools"]] for e in selected(options)}


ALL = {"filesystem": ["fs_read", "fs_delete"], "mail": ["mail_send", "mail_list"]}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith(("FLOTILLA_", "FILESYSTEM_", "MAIL_"))]:
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize(
    ("secrets", "offered"),
    [
        ("filesystem.deny=\n", ALL),
        ("filesystem.deny=<UNKNOWN>\n", ALL),
        ("filesystem.deny=[fs_delete]\n", ALL | {"filesystem": ["fs_read"]}),
        ('filesystem.read_only="true"\n', ALL | {"filesystem": ["fs_read"]}),
        ("mail.allow=MAIL_LIST; mail_list\n", ALL | {"mail": ["mail_list"]}),
        ("other.deny_list=x\n", ALL),
    ],
)
def test_guards_in_the_secrets_file(
    tmp_path: Path, bare: pytest.MonkeyPatch, secrets: str, offered: dict[str, list[str]]
) -> None:
    assert guarded(tmp_path, secrets) == offered


@pytest.mark.parametrize(
    ("secrets", "config", "environ", "says"),
    [
        ("", {"filesystem": {"read_only": True}}, {}, "filesystem.read_only stands in the settings file"),
        ("", {"filesystem": {"deny": ["fs_delete"]}}, {}, "filesystem.deny stands in the settings file"),
        ("", {"mail": {"base_url": "https://x"}}, {}, "mail.base_url stands in the settings file"),
        ("", {"file-system": {"read_only": True}}, {}, "file-system.read_only stands in the settings file"),
        (
            "filesystem.read_onyl=true\n",
            {},
            {},
            "sets filesystem.read_onyl, which no server has. Did you mean filesystem.read_only?",
        ),
        ("renamed.read_only=true\n", {}, {}, "sets renamed.read_only, which no server has"),
        ("filesystem.deny=fs_delet\n", {}, {}, "filesystem: FLOTILLA_DENY names fs_delet"),
        ("filesystem.read_only=se://x\n", {}, {}, "filesystem: FLOTILLA_READ_ONLY holds a reference"),
        ("mail.base_url=your_url\n", {}, {}, "mail: MAIL_BASE_URL holds what looks like a placeholder"),
        ("", {}, {"FLOTILLA_DENY": "fs_delet"}, "FLOTILLA_DENY names fs_delet"),
        ("", {}, {"FLOTILLA_GROUPS": "mails"}, "FLOTILLA_GROUPS names mails"),
        ("", {}, {"FLOTILLA_READ_ONLY": "tru"}, "FLOTILLA_READ_ONLY must be yes or no"),
        ("", {}, {"FILESYSTEM_DENY_FILE": "/nonexistent"}, "FILESYSTEM_DENY_FILE names a file that cannot be read"),
    ],
)
def test_guards_ineffective_are_refused(
    tmp_path: Path,
    bare: pytest.MonkeyPatch,
    secrets: str,
    config: dict[str, Any],
    environ: dict[str, str],
    says: str,
) -> None:
    """Nothing is offered, and the operator reads why: a guard never fails open."""
    for name, value in environ.items():
        bare.setenv(name, value)
    with pytest.raises(SettingError) as problem:
        guarded(tmp_path, secrets, config)
    assert says in str(problem.value)


def test_preferences_stay_in_the_settings_file(tmp_path: Path, bare: pytest.MonkeyPatch) -> None:
    assert guarded(tmp_path, "", {"mail": {"language": "fr"}, "filesystem": None}) == ALL


@pytest.mark.parametrize(
    ("environ", "secrets", "offered"),
    [
        ({"FLOTILLA_DENY": "fs_delete,mail_send"}, "", {"filesystem": ["fs_read"], "mail": ["mail_list"]}),
        ({"FLOTILLA_DENY": "[fs_delete]"}, "mail.deny=mail_send\n", {"filesystem": ["fs_read"], "mail": ["mail_list"]}),
        ({"FLOTILLA_ALLOW": "fs_read"}, "", {"filesystem": ["fs_read"], "mail": []}),
        ({"FLOTILLA_GROUPS": "mail"}, "", {"filesystem": [], "mail": ALL["mail"]}),
        ({"FLOTILLA_ALLOW": "fs_read"}, "mail.allow=mail_send\n", {"filesystem": ["fs_read"], "mail": ["mail_send"]}),
        ({"FILESYSTEM_DENY": "fs_delete"}, "", {"filesystem": ["fs_read"], "mail": ALL["mail"]}),
        ({"FLOTILLA_READ_ONLY": "on", "MAIL_READ_ONLY": "off"}, "", {"filesystem": ["fs_read"], "mail": ALL["mail"]}),
    ],
)
def test_guards_for_all_servers_split_by_server(
    tmp_path: Path,
    bare: pytest.MonkeyPatch,
    environ: dict[str, str],
    secrets: str,
    offered: dict[str, list[str]],
) -> None:
    """Each server gets its own words: it would refuse a list that names a tool of another server."""
    for name, value in environ.items():
        bare.setenv(name, value)
    assert guarded(tmp_path, secrets) == offered
    (tmp_path / "c.json").write_text(json.dumps({"registry": GUARDED}))
    options = arguments(
        [f"--catalog={tmp_path / 'c.json'}", f"--secrets={tmp_path / 'secrets'}", f"--discovery={tmp_path}"]
    )
    for entry in selected(options):
        for name in ("FLOTILLA_DENY", "FLOTILLA_ALLOW", "FLOTILLA_GROUPS"):
            known = {*ALL[entry.slug], *(["mail"] if entry.slug == "mail" else [])}
            assert entry.hidden or set(entry.env.get(name, "").replace(",", " ").split()) <= known


def test_remote_server_without_account_not_ready(tmp_path: Path, bare: pytest.MonkeyPatch) -> None:
    """In compose the switchboard knows which variables are set; elsewhere a remote server counts as ready."""
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"registry": {"keyed_requests": {}}}))
    (tmp_path / "keyed_requests").mkdir()
    (tmp_path / "keyed_requests/discovery.json").write_text(json.dumps({"needs": [["KEYED_TOKEN"]]}))

    def ready() -> bool:
        return bool(choose(read_catalog(path, {}, {}), [], ["keyed_requests"], tmp_path))

    bare.delenv("KEYED_TOKEN", raising=False)
    assert ready()
    bare.setenv("KEYED_TOKEN", "")
    assert not ready()
    bare.setenv("KEYED_TOKEN", "set")
    assert ready()


def test_read_secrets_file(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("# comment\n\nx.key=a=b 'c'  \nx.key=last\nz=\n")
    assert read_secrets(path) == {"x.key": "last", "z": ""}
    path.write_text("x.key=a\nhunter2\n")
    with pytest.raises(CatalogError, match="line 2 has no `=`") as problem:
        read_secrets(path)
    assert "hunter2" not in str(problem.value)
    with pytest.raises(CatalogError, match="No such file"):
        read_secrets(tmp_path / "none")


def test_read_catalog_invalid_documents(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    for text, terms in (
        ("a: [", "neither YAML nor JSON"),
        ("[]", "has no `registry`"),
        ("- 1", "does not hold a mapping"),
    ):
        path.write_text(text)
        with pytest.raises(CatalogError, match=terms):
            read_catalog(path, {}, {})
    path.write_text('{"registry": {}}')
    assert read_document(path) == {"registry": {}}


def test_choose_servers(tmp_path: Path) -> None:
    registry = {
        "free": {},
        "keyed_requests": {"secrets": [{"name": "keyed_requests.k", "env": "K"}]},
        "set": {"config": [{"name": "set", "required": ["host"]}]},
    }
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump({"registry": registry}))

    def chosen(wanted: list[str], secrets: dict[str, str], config: dict[str, Any], *elsewhere: str) -> list[str]:
        return [entry.slug for entry in choose(read_catalog(path, secrets, config), wanted, elsewhere, tmp_path)]

    assert chosen([], {}, {}) == ["free"]
    assert chosen([], {"keyed_requests.k": "v"}, {"set": {"host": "h"}}) == ["free", "keyed_requests", "set"]
    assert chosen([], {}, {}, "keyed_requests") == ["free", "keyed_requests"]
    assert chosen(["all"], {}, {}) == ["free", "keyed_requests", "set"]
    assert chosen(["set", "free", "set"], {}, {}) == ["set", "free"]
    with pytest.raises(CatalogError, match=r"no server nope\. Its servers are free, keyed_requests, set"):
        chosen(["nope"], {}, {})


@pytest.mark.parametrize(
    ("needs", "secrets", "ready"),
    [
        ([[]], {}, True),  # nothing is needed, whatever may be given
        ([["K"]], {}, False),
        ([["K"]], {"keyed_requests.k": "v"}, True),
        ([["HOST", "K"]], {"keyed_requests.k": "v"}, False),
        ([["HOST"], ["K"]], {"keyed_requests.k": "v"}, True),  # one of two ways in
    ],
)
def test_choose_servers_by_their_needs(
    tmp_path: Path, needs: list[list[str]], secrets: dict[str, str], ready: bool
) -> None:
    path = tmp_path / "c.json"
    path.write_text(
        json.dumps({"registry": {"keyed_requests": {"secrets": [{"name": "keyed_requests.k", "env": "K"}]}}})
    )
    (tmp_path / "keyed_requests").mkdir()
    (tmp_path / "keyed_requests/discovery.json").write_text(json.dumps({"needs": needs}))
    assert bool(choose(read_catalog(path, secrets, {}), [], [], tmp_path)) is ready


def test_catalog_does_not_import_fastmcp() -> None:
    """The list of servers needs no FastMCP."""
    code = (
        "import sys, flotilla_servers.switchboard.combined; print([m for m in ('fastmcp', 'mcp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("asked", ["notion", "flotilla-notion", "notion,flotilla-notion"])
def test_servers_by_slug_and_by_catalog_name(tmp_path: Path, asked: str) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"registry": {"flotilla-notion": {}, "other": {}}}))
    options = arguments(["--catalog", str(tmp_path / "c.yaml"), "--servers", asked])
    assert [entry.slug for entry in selected(options)] == ["notion"]


def test_servers_with_and_without_prefix_are_distinct(tmp_path: Path) -> None:
    """A catalog may hold somebody else's `notion` beside ours: each is started by its whole name."""
    registry = {"flotilla-notion": {"image": "ours"}, "notion": {"image": "theirs"}}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"registry": registry}))
    for asked, image in (("flotilla-notion", "ours"), ("notion", "theirs")):
        options = arguments(["--catalog", str(tmp_path / "c.yaml"), "--servers", asked])
        assert [entry.spec["image"] for entry in selected(options)] == [image]


@pytest.mark.parametrize("name", ["notion", "flotilla-notion"])
def test_remote_by_slug_and_by_catalog_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"registry": {"flotilla-notion": {}}}))
    (tmp_path / "notion").mkdir()
    (tmp_path / "notion" / "discovery.json").write_text('{"needs": [["NOTION_TOKEN"]]}')
    options = arguments(["--catalog", str(tmp_path / "c.yaml"), "--remote", f"{name}=http://notion:8000/mcp"])
    options.discovery = str(tmp_path)
    assert remotes(options) == {"notion": "http://notion:8000/mcp"}
    assert [entry.slug for entry in selected(options)] == ["notion"]


def test_settings_under_a_short_server_name_refused(tmp_path: Path) -> None:
    """They would count for nothing: a `read_only` among them would let everything be written."""
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"registry": {"flotilla-notion": {}}}))
    (tmp_path / "config.yaml").write_text("notion: {read_only: true}\n")
    options = arguments(["--catalog", str(tmp_path / "c.yaml"), "--config", str(tmp_path / "config.yaml")])
    with pytest.raises(CatalogError, match="of `notion` must stand under `flotilla-notion`"):
        selected(options)


def test_searchables_adds_words_that_no_list_holds(tmp_path: Path, bare: pytest.MonkeyPatch) -> None:
    guarded(tmp_path, "filesystem.deny=fs_delete\n")
    path = tmp_path / "filesystem" / "discovery.json"
    schema = {"properties": {"path": {"description": "Where it stands."}}}
    tools = [{"name": "fs_read", "description": "Read a file.", "inputSchema": schema}, {"name": "fs_delete"}]
    search = {"fs_read": "lis ouvre fichier", "fs_delete": "supprime"}
    path.write_text(json.dumps({**json.loads(path.read_text()), "tools": tools, "search": search}))
    options = arguments(
        [f"--catalog={tmp_path / 'c.json'}", f"--secrets={tmp_path / 'secrets'}", f"--discovery={tmp_path}"]
    )
    filesystem, mail = selected(options)
    [read] = searchables(filesystem, tmp_path)
    assert (read.name, read.server) == ("fs_read", title(filesystem))
    assert (read.description, read.search, read.arguments) == (
        "Read a file.",
        "lis ouvre fichier",
        "path Where it stands.",
    )
    assert "fichier" not in json.dumps(definitions(filesystem, tmp_path))
    assert [tool.name for tool in searchables(mail, tmp_path)] == ["mail_send", "mail_list"]


def test_preferences_of_the_whole_fleet_reach_every_server(tmp_path: Path, bare: pytest.MonkeyPatch) -> None:
    bare.setenv("FLOTILLA_TIMEZONE", "Europe/Paris")
    bare.setenv("FLOTILLA_COUNTRY", "<UNKNOWN>")
    assert entry(tmp_path, {}).env == {"FLOTILLA_TIMEZONE": "Europe/Paris"}
