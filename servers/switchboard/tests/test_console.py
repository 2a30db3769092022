"""The console's routes: who may open them, what they show of hostile text, and what their forms do."""

from __future__ import annotations

import asyncio
import csv
import errno
import html
import io
import json
import re
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from flotilla_launcher.environment import SettingError
from flotilla_servers.switchboard import selection
from flotilla_servers.switchboard.browser_login import LoginError
from flotilla_servers.switchboard.console.access import Access, console_token
from flotilla_servers.switchboard.notes import list_notes, notes_folder
from flotilla_servers.switchboard.settings_file import Rule

from .console_client import ARGUMENTS, TOKEN, Visitor, console

PAGES = ("/", "/approvals", "/servers", "/tools", "/tools/probe", "/activity", "/notes", "/health", "/settings")
FOLDER = Path(__file__).resolve().parents[1] / "console"


@pytest.fixture
def app(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    monkeypatch.setenv("FLOTILLA_CONSOLE_TOKEN", TOKEN)
    return console(fleet)


@pytest.fixture
async def visitor(app: Any) -> Visitor:
    return await Visitor(app[1]).sign_in()


@pytest.fixture
def host(app: Any) -> Any:
    return app[0]


def waiting(host: Any, **more: str) -> Any:
    """Let a call wait for a yes."""
    call = {"server": "probe", "tool": "probe_block", "title": "Probe", "arguments": ARGUMENTS, "request": "r1",
            "client": "voice agent", "reason": "default for tools that destroy"}  # fmt: skip
    return host.approvals.open(**{**call, **more})


def log(state: Path, *tools: str, **more: Any) -> None:
    """Log calls in a state folder."""
    from flotilla_servers.switchboard.action_log import Action, ActionLog

    written = ActionLog(state)
    for number, tool in enumerate(tools):
        row = {"time": time.time() + number, "trace_id": f"{number:032x}", "user_id": "", "client": "voice agent",
               "era": "2026-07-28", "mcp_server": "probe", "tool_name": tool, "arguments": "{}", "decision": "allowed",
               "outcome": "ok", "latency_ms": 120.0, "gateway_ms": 2.0, "server_ms": 118.0, "vendor_ms": 100.0,
               "mcp_response": None}  # fmt: skip
        written.add(Action(**{**row, **more}))
    written.close()


# -- who may open it


async def test_console_without_token_shows_nothing(app: Any) -> None:
    waiting(app[0])
    visitor = Visitor(app[1])
    for path in (*PAGES, "/events", "/activity.json", "/activity.csv", "/approvals/waiting"):
        response = await visitor.get(path)
        assert (response.status_code, "70451" in response.text) == (401, False), path
        assert "probe" not in response.text, path
    assert (await visitor.get("/", token="console-token-2")).status_code == 401
    assert (await visitor.post("/sign-in", token="console-token-2")).status_code == 401


async def test_console_token_becomes_a_cookie(app: Any) -> None:
    visitor = Visitor(app[1])
    response = await visitor.get("/tools", token=TOKEN, q="write")
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie + response.text
    assert 'content="0;url=/console/tools?q=write"' in response.text  # the address that stays has no token
    assert "Find a tool" in await visitor.page("/tools")
    assert (await visitor.post("/sign-out")).status_code == 303
    assert (await visitor.get("/tools")).status_code == 401


async def test_console_token_can_be_pasted(app: Any) -> None:
    visitor = Visitor(app[1])
    assert (await visitor.post("/sign-in", token=f" {TOKEN} ")).status_code == 303
    await visitor.page("/health")


async def test_console_token_is_kept_for_the_user_alone(fleet: Any) -> None:
    path = fleet.folder / "state" / "switchboard" / "console-token"
    token = console_token(fleet.folder / "state")
    assert len(token) > 30
    assert (path.stat().st_mode & 0o777, console_token(fleet.folder / "state")) == (0o600, token)


@pytest.mark.parametrize("content", ["", " \n", "short"])
def test_console_token_file_without_a_token_opens_nothing(fleet: Any, content: str) -> None:
    path = fleet.folder / "state" / "switchboard" / "console-token"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(SettingError, match=r"console-token holds no key\. Delete that file, or set FLOTILLA_CONSOLE"):
        console(fleet)
    path.write_text("x" * 43 + "\n")  # as it was made before
    assert console_token(fleet.folder / "state") == "x" * 43


def test_console_token_is_made_on_a_disk_without_links(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    assert len(console_token(fleet.folder / "state")) > 30


async def test_console_empty_token_opens_nothing(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="would let anybody in"):
        Access("", ["127.0.0.1"])
    for empty in ("", " "):
        monkeypatch.setenv("FLOTILLA_CONSOLE_TOKEN", empty)
        assert (await Visitor(console(fleet)[1]).get("/", token=empty)).status_code == 401


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example:8812", "[::2]:8812", ""])
async def test_console_of_another_host_is_refused(visitor: Visitor, name: str) -> None:
    response = await visitor.http.get("/console/", headers={"host": name})
    assert (response.status_code, "Approvals" in response.text) == (421, False)


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1:8811", "https:127.0.0.1:8812"]
)
async def test_console_form_of_another_page_is_refused(visitor: Visitor, host: Any, origin: str | None) -> None:
    approval = waiting(host)
    headers = {"origin": origin} if origin else {}
    response = await visitor.post(f"/approvals/{approval.id}", headers, answer="approve")
    assert (response.status_code, host.approvals.get(approval.id).state) == (403, "waiting")


async def test_console_pages_run_only_their_own_script(visitor: Visitor, host: Any) -> None:
    waiting(host)
    log(host.state, "probe_block")
    for path in PAGES:
        response = await visitor.get(path)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.findall(r"<script(?! src=\"/console/static/)|\son\w+=|\sstyle=|javascript:", response.text), path
    assert (await visitor.get("/static/..%2Fapp.py")).status_code == 404


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("fd00::1", "[fd00::1]")],
)
def test_console_address_can_be_opened(app: Any, fleet: Any, host: str, address: str) -> None:
    from flotilla_servers.switchboard.console.app import Console
    from flotilla_servers.switchboard.options import arguments

    made = Console(arguments(fleet.options()))
    assert made.address(host, 8812) == f"http://{address}:8812/console/"


# -- what it shows


async def test_console_escapes_what_servers_and_clients_wrote(fleet: Any, visitor: Visitor, host: Any) -> None:
    path = fleet.folder / "probe" / "discovery.json"
    document = json.loads(path.read_text())
    document["tools"][0] |= {"description": "<script>alert(1)</script> see\u200b it\u202e", "title": "<b>bold</b>"}
    path.write_text(json.dumps(document))
    hostile = {"<img src=x>": "</dd><script>2</script>", "to": "\u202egpj.exe"}
    waiting(host, client="<i>client</i>", arguments=json.dumps(hostile), title='"><script>3</script>')
    log(host.state, "<script>4</script>", client="<u>", outcome="error", arguments='["<script>5</script>\\u200b"]')
    for page in (*PAGES, "/approvals/waiting"):
        text = await visitor.page(page)
        assert not re.search(r"<script>|<img|<i>|<u>|<b>|[\u200b\u202e]", text), page
    approvals = html.unescape(await visitor.page("/approvals"))
    assert "</dd><script>2</script>" in approvals
    assert "⟨U+202E⟩gpj.exe" in approvals
    assert "<script>alert(1)</script> see⟨U+200B⟩ it⟨U+202E⟩" in html.unescape(await visitor.page("/tools/probe"))


async def test_console_shows_no_secret(visitor: Visitor, host: Any) -> None:
    log(host.state, "probe_block")
    for path in (*PAGES, "/activity.json", "/activity.csv"):
        assert not re.search("s3cr=et value|console-token", await visitor.page(path)), path


async def test_console_in_two_languages(app: Any) -> None:
    french = await Visitor(app[1], "de, fr-CA;q=0.9, en;q=0.8").sign_in()
    waiting(app[0], arguments='{"note": "Approve"}')
    text = await french.page("/approvals")
    assert '<html lang="fr">' in text
    assert "Approuver" in text
    assert ">Approve<" in text  # the user's own word
    assert "Approve<" in await french.page("/approvals", lang="en")
    assert '<html lang="en">' in await french.page("/servers")  # the choice is kept


def test_console_texts_are_complete() -> None:
    """Every text has both languages with the same places to fill, and every key of a template exists."""
    from flotilla_servers.switchboard.console.settings_form import _leaves
    from flotilla_servers.switchboard.console.texts import OPTIONS_FR, TEXTS

    for key, (english, french) in TEXTS.items():
        assert english, key
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", french)), key
    used = {key for path in FOLDER.glob("templates/*.html") for key in re.findall(r"\bt\(\"(\w+)\"", path.read_text())}
    assert {key for key in used if not key.endswith("_")} <= TEXTS.keys()
    assert {name for name, _ in _leaves()} <= OPTIONS_FR.keys()


def test_console_names_every_outcome() -> None:
    from flotilla_servers.switchboard.console.pages import OUTCOMES
    from flotilla_servers.switchboard.console.texts import TEXTS

    folder = FOLDER.parent
    source = "".join((folder / f"{name}.py").read_text() for name in ("gateway", "admission", "call"))
    lines = [line for line in source.splitlines() if re.search(r"\boutcome(: str)? = ", line)]
    others = {"denied", "waiting", "declined", "expired", "isError"}  # beside outcomes
    outcomes = {name for line in lines for name in re.findall(r'"(\w+)"', line)}
    assert outcomes - others == {*OUTCOMES} - others
    assert {f"outcome_{name}" for name in OUTCOMES} <= TEXTS.keys()


async def test_console_missing_page(visitor: Visitor) -> None:
    response = await visitor.get("/tools/nothing")
    assert (response.status_code, "There is nothing at this address." in response.text) == (404, True)
    response = await visitor.post("/tools/nothing/decide", number="0")
    assert response.status_code == 404


# -- activity


async def test_console_activity_filters_and_draws(visitor: Visitor, host: Any) -> None:
    log(host.state, "probe_echo", "probe_block", "probe_echo")
    text = await visitor.page("/activity", tool="probe_echo")
    assert len(re.findall('class="dot', text)) == 2
    assert "2 calls. Half of them took at most 120 ms" in text
    assert text.count('<span class="name">probe_echo</span>') == 2
    assert "No call fits these filters." in await visitor.page("/activity", trace="f")
    text = await visitor.page("/activity", trace=f"{1:032x}")
    assert [*re.findall('<span class="name">(.*)</span>', text)] == ["probe_block"]


async def test_console_exports(visitor: Visitor, host: Any) -> None:
    log(host.state, "probe_echo", "=HYPERLINK(1)", "probe_echo")
    rows = json.loads(await visitor.page("/activity.json", tool="probe_echo"))
    assert [row["trace_id"] for row in rows] == [f"{2:032x}", f"{0:032x}"]
    assert json.loads(await visitor.page("/activity.json", tool="none")) == []
    response = await visitor.get("/activity.csv")
    assert response.headers["content-disposition"] == 'attachment; filename="flotilla-activity.csv"'
    table = list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"))))
    assert [row["tool_name"] for row in table] == ["probe_echo", "'=HYPERLINK(1)", "probe_echo"]


# -- what it does


@pytest.mark.parametrize(("answer", "state"), [("approve", "approved"), ("decline", "declined")])
async def test_console_answers_a_call_once(visitor: Visitor, host: Any, answer: str, state: str) -> None:
    approval = waiting(host)
    text = html.unescape(re.sub("<[^>]*>", " ", await visitor.page("/approvals")))
    assert re.search(r"Target\s+contact_id\s+70451", text)
    assert re.search(r"Filter\s+filter\s+status = inactive", text)
    assert "voice agent" in text
    assert (await visitor.post(f"/approvals/{approval.id}", answer="")).status_code == 400
    assert (await visitor.post(f"/approvals/{approval.id}", answer=answer)).status_code == 303
    ended = host.approvals.get(approval.id)
    assert (ended.state, ended.by) == (state, "console")
    again = await visitor.post(f"/approvals/{approval.id}", answer="approve")
    assert (again.status_code, "does not wait any more" in again.text) == (400, True)
    assert host.approvals.get(approval.id).state == state


async def test_console_that_is_open_is_noted(visitor: Visitor, host: Any) -> None:
    assert not host.approvals.is_watched()
    await visitor.page("/approvals")
    assert host.approvals.is_watched()


def decision(host: Any, name: str) -> str:
    [server] = host.overview().servers
    tool = next(tool for tool in server.tools if tool["name"] == name)
    host.permissions.version  # noqa: B018 - it reads what another process has written
    return str(host.verdict(server, tool).decision)


def form_of(text: str, tool: str) -> dict[str, str]:
    """Return the hidden fields of a tool's form."""
    card = text[text.index(f"<code>{tool}</code>") :]
    number, digest = re.findall(r'name="(?:number|digest)" value="(\w+)"', card)[:2]
    return {"number": number, "digest": digest}


async def test_console_decides_about_the_tool_that_was_seen(fleet: Any, visitor: Visitor, host: Any) -> None:
    form = form_of(await visitor.page("/tools/probe"), "probe_block")
    assert (await visitor.post("/tools/probe/decide", **form, decision="deny")).status_code == 303
    assert decision(host, "probe_block") == "deny"
    assert (await visitor.post("/tools/probe/decide", **form, decision="sometimes")).status_code == 400
    path = fleet.folder / "probe" / "discovery.json"
    path.write_text(path.read_text().replace('"name": "probe_block",', '"name": "probe_block", "description": "new",'))
    refused = await visitor.post("/tools/probe/decide", **form, decision="allow")
    assert (refused.status_code, "This has changed since" in refused.text) == (400, True)
    assert decision(host, "probe_block") == "deny"


async def test_console_shows_a_changed_definition_side_by_side(fleet: Any, visitor: Visitor, host: Any) -> None:
    await visitor.post("/tools/rules", server="probe", tool="probe_block", decision="allow")
    assert decision(host, "probe_block") == "allow"
    path = fleet.folder / "probe" / "discovery.json"
    document = json.loads(path.read_text())
    tool = next(tool for tool in document["tools"] if tool["name"] == "probe_block")
    tool["description"] = "Write, and send a copy to us."
    path.write_text(json.dumps(document))
    text = await visitor.page("/tools/probe")
    assert re.search(r"<ins>.*send a copy to us", html.unescape(text))
    assert text.count("<del>") == 1
    assert re.search(r"<pre[^>]*>{\n", text)  # a line each
    assert decision(host, "probe_block") == "ask"
    assert (await visitor.post("/tools/probe/accept", **form_of(text, "probe_block"))).status_code == 303
    assert decision(host, "probe_block") == "allow"


async def test_console_rules(visitor: Visitor, host: Any) -> None:
    refused = await visitor.post("/tools/rules", server="*", tool="nothing_*", decision="deny")
    assert (refused.status_code, "matches no tool" in refused.text) == (400, True)
    assert 'value="nothing_*"' in refused.text  # what was written is still there
    assert (await visitor.post("/tools/rules", server="*", tool="probe_bl*", decision="deny")).status_code == 303
    assert decision(host, "probe_block") == "deny"
    wrong = await visitor.post("/tools/rules/remove", number="0", rule="another")
    assert (wrong.status_code, len(host.settings.current().permissions)) == (400, 1)
    await visitor.post("/tools/rules/remove", number="0", rule="* / probe_bl*: deny")
    assert host.settings.current().permissions == ()


async def test_console_settings(visitor: Visitor, host: Any) -> None:
    text = await visitor.page("/settings")
    form = {"time.limit_seconds": "12.5", "search.mode": "off", "log.days": "30", "time.tools": "probe_* = 90\n"}
    assert all(f'name="{name}"' in text for name in form)
    assert (await visitor.post("/settings", **form)).status_code == 303
    settings = host.settings.current()
    assert (settings.time.limit_seconds, settings.time.tools) == (12.5, {"probe_*": 90})
    assert (settings.search.mode, settings.log.days) == ("off", 30)
    refused = await visitor.post("/settings", **{**form, "time.limit_seconds": "soon"})
    assert (refused.status_code, "“soon” is not a number" in refused.text) == (400, True)
    assert 'value="soon"' in refused.text
    await visitor.post(
        "/settings", **{"time.limit_seconds": "30", "search.mode": "auto", "log.days": "90", "time.tools": ""}
    )
    assert json.loads(host.settings.path.read_text()) == {}  # what is as by default is not written


@pytest.mark.parametrize(
    ("language", "written", "rows"),
    [
        ("en", "100,000", 100_000),
        ("en", "100 000", 100_000),
        ("en", "1,234,567", 1_234_567),
        ("fr", "100 000", 100_000),
        ("fr", "100\u202f000", 100_000),
        ("fr", "1\u00a0234\u202f567", 1_234_567),
    ],
)
async def test_console_settings_read_numbers_as_people_write_them(
    app: Any, language: str, written: str, rows: int
) -> None:
    visitor = await Visitor(app[1], language).sign_in()
    saved = await visitor.post("/settings", **{"log.rows": written, "log.days": "7"})
    assert (saved.status_code, app[0].settings.current().log.rows) == (303, rows)


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "12,5"), ("en", "1,00,000"), ("en", "1e3"), ("en", "inf"), ("en", "-1"), ("en", ""), ("en", "9" * 41),
     ("fr", "100,000"), ("fr", "100.000"), ("fr", "1.5"), ("fr", "10 00")],
)  # fmt: skip
async def test_console_settings_refuse_numbers_that_can_be_misread(app: Any, language: str, written: str) -> None:
    visitor = await Visitor(app[1], language).sign_in()
    name = "log.rows" if written == "100,000" else "time.limit_seconds"  # which is a whole number
    refused = await visitor.post("/settings", **{name: written})
    sentence = "is not a number that can stand here" if language == "en" else "n’est pas un nombre possible ici"
    assert (refused.status_code, sentence in refused.text) == (400, True)


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_console_settings_page_is_saved_as_it_is_shown(app: Any, language: str) -> None:
    visitor, settings = await Visitor(app[1], language).sign_in(), app[0].settings
    values = {"log": {"rows": 1_234_567}, "time": {"limit_seconds": 0.125, "tools": {"probe_*": 1000.5}}}
    settings.path.write_text(json.dumps(values))
    text = html.unescape(await visitor.page("/settings"))
    form = dict(re.findall(r'<input id="option[^"]*" name="([^"]+)" value="([^"]*)"', text))
    form |= re.findall(r'<textarea id="option[^"]*" name="([^"]+)"[^>]*>([^<]*)', text)
    assert form["log.rows"] == "1234567"
    assert form["time.limit_seconds"] == ("0,125" if language == "fr" else "0.125")
    assert (await visitor.post("/settings", **form)).status_code == 303
    assert json.loads(settings.path.read_text()) == values


async def test_console_settings_of_the_command_line_are_fixed(fleet: Any, visitor: Visitor) -> None:
    text = html.unescape(await visitor.page("/settings"))
    assert "en, set on the command line" in text
    assert 'name="language"' not in text


async def test_console_broken_settings_are_said_everywhere(visitor: Visitor, host: Any) -> None:
    host.settings.path.write_text('{"tyme": {}}')
    for path in PAGES:
        assert "there is no setting tyme" in await visitor.page(path), path


# -- health


async def test_console_health_shows_the_rest_beside_a_server_with_an_unclear_guard(
    fleet: Any, visitor: Visitor, host: Any
) -> None:
    host.settings.path.write_text('{"servers": {"crm": {"url": "https://crm.example/mcp"}, "Bad": {}}}')
    log(host.state, "probe_block", mcp_server="crm", outcome="not_started")
    host.permissions.add_rule(Rule(tool="probe_*", server="probe", decision="ask"), host.overview().tools())
    (fleet.folder / "config.yaml").write_text("probe: {tier: some}")
    text = html.unescape(await visitor.page("/health"))
    assert '<li><span class="mark lost" aria-hidden="true"></span>probe: FLOTILLA_TIER' in text
    assert "servers.Bad: a name has small letters" in text
    assert "matches no tool" not in text  # of a server whose tools are not known now
    assert "What crm offers was never read" in text
    assert "FLOTILLA_TIER" in await visitor.page("/servers")


@pytest.mark.parametrize("name", ["catalog.yaml", "state/switchboard/actions.db"])
async def test_console_health_shows_the_rest_beside_a_broken_file(
    fleet: Any, visitor: Visitor, host: Any, name: str
) -> None:
    host.settings.path.write_text('{"servers": {"crm": {"url": "https://crm.example/mcp"}}}')
    (fleet.folder / name).parent.mkdir(parents=True, exist_ok=True)
    (fleet.folder / name).write_text("no: [such")
    text = html.unescape(await visitor.page("/health"))
    assert re.search(r"catalog.yaml cannot be used: |The log of calls cannot be read: file is not a database", text)
    assert "What crm offers was never read" in text
    broken = "/servers" if name == "catalog.yaml" else "/activity"
    refused = await visitor.get(broken)
    assert (refused.status_code, "cannot be " in refused.text) == (500, True)


@pytest.mark.parametrize(
    ("database", "form", "values"),
    [("host.db", "/approvals/1", {"answer": "approve"}), ("actions.db", "/activity.csv", None)],
)
async def test_console_form_or_export_beside_a_broken_database_says_why(
    fleet: Any, visitor: Visitor, database: str, form: str, values: dict[str, str] | None
) -> None:
    (fleet.folder / "state/switchboard").mkdir(parents=True, exist_ok=True)
    (fleet.folder / "state/switchboard" / database).write_text("no database")
    answer = await (visitor.get(form) if values is None else visitor.post(form, **values))
    assert (answer.status_code, "cannot be read: file is not a database" in answer.text) == (500, True)
    assert (await visitor.get("/settings")).status_code == 200  # which needs neither


async def test_console_reads_the_catalog_once_a_page(
    visitor: Visitor, host: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    host.settings.path.write_text('{"servers": {"crm": {"url": "https://crm.example/mcp"}, "Bad": {}}}')
    read, reads = selection.read_catalog, list[str]()

    def counted(*arguments: Any) -> Any:
        reads.append(path)
        return read(*arguments)

    monkeypatch.setattr(selection, "read_catalog", counted)
    for path in PAGES:
        await visitor.page(path)
    assert {path: reads.count(path) for path in reads if reads.count(path) > 1} == {}
    assert len(reads) >= 5
    assert capfd.readouterr().err == ""  # what is wrong is for the person who looks, at the Health page


async def test_console_knows_the_last_call_of_a_server_that_was_called_long_ago(visitor: Visitor, host: Any) -> None:
    log(host.state, "probe_block")
    log(host.state, *["crm_echo"] * 2_001, mcp_server="crm")
    assert "not called yet" not in await visitor.page("/servers")


def command() -> str:
    """Return the command of a foreign server, as a person writes it."""
    return shlex.join([sys.executable, str(Path(__file__).with_name("foreign.py"))])


async def test_console_adds_a_server_that_nobody_sees_before_it_was_looked_at(visitor: Visitor, host: Any) -> None:
    added = await visitor.post(
        "/servers", name="crm", title="Our <CRM>", command=command(), secrets="API_KEY=hush-hush"
    )
    assert added.headers["location"] == "/console/servers?done=server_read"
    text = await visitor.page("/servers")
    assert "Clients see nothing of it yet." in text
    assert "hush-hush" not in text + host.settings.path.read_text()
    text = await visitor.page("/tools/crm")
    assert "read them as you would a stranger" in html.unescape(text)
    assert "broken: " in text  # what could not be repaired
    [crm] = (server for server in host.overview().servers if server.slug == "crm")
    assert {host.verdict(crm, tool).decision for tool in crm.tools} == {"deny"}
    [digest] = re.findall(r'name="digest" value="(\w+)">\s*<button class="primary">I have', text)
    stale = await visitor.post("/tools/crm/accept", digest="0" * 64)
    assert (stale.status_code, "This has changed" in stale.text) == (400, True)
    assert (await visitor.post("/tools/crm/accept", digest=digest)).status_code == 303
    [crm] = (server for server in host.overview().servers if server.slug == "crm")
    decisions = {tool["name"]: host.verdict(crm, tool).decision for tool in crm.tools}
    assert (decisions["echo"], decisions["ask"]) == ("allow", "ask")
    assert (await visitor.post("/servers/crm/remove")).status_code == 303
    assert host.settings.current().servers == {}


async def test_console_refused_server_says_why_and_keeps_no_secret(visitor: Visitor, host: Any) -> None:
    form = {"name": "crm", "url": "http://crm.example/mcp", "auth": "token", "token": "hush-hush"}
    refused = await visitor.post("/servers", **form)
    assert (refused.status_code, "must begin with https://" in refused.text) == (400, True)
    assert 'value="http://crm.example/mcp"' in refused.text
    assert "hush-hush" not in refused.text
    refused = await visitor.post("/servers", name="crm", command="/nowhere/server")
    assert (refused.status_code, "could not be read" in refused.text) == (400, True)
    refused = await visitor.post("/servers", name="crm", command=command())  # it is declared, and can be corrected
    assert "There is a server crm already" in refused.text
    corrected = await visitor.post("/servers", name="crm", command=command(), replace="true")
    assert corrected.headers["location"] == "/console/servers?done=server_read"
    assert (await visitor.post("/servers/nothing/read")).status_code == 404


@pytest.fixture
def crm(host: Any) -> None:
    """A server with a login of its own is declared."""
    from flotilla_servers.switchboard import own_servers

    value = {"url": "https://crm.example/mcp", "auth": "oauth"}
    own_servers.add(host.settings, host.state, "crm", value, own_servers.Secrets(), [])


@pytest.mark.usefixtures("crm")
@pytest.mark.parametrize(
    ("error", "english", "french"),
    [
        (ValueError("none"), "crm: the login failed: none.", "crm : la connexion a échoué : none."),
        (LoginError("crm", "none."), "crm: the login failed: none.", "crm : la connexion a échoué : none."),
        (LoginError("crm"), "crm did not ask for a login.", "crm n’a pas demandé de connexion."),
    ],
)
async def test_console_login_that_fails_says_why(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, error: Exception, english: str, french: str
) -> None:
    async def log_in(*_: Any) -> None:
        raise error

    monkeypatch.setattr("flotilla_servers.switchboard.browser_login.log_in", log_in)
    for language, reason in (("en", english), ("fr", french)):
        visitor.http.headers["accept-language"] = language
        refused = await visitor.post("/servers/crm/connect")
        assert refused.status_code == 400
        assert reason in html.unescape(refused.text)


@pytest.mark.usefixtures("crm")
async def test_console_login_without_an_address_is_waited_for_a_while(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def log_in(*_: Any) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr("flotilla_servers.switchboard.browser_login.log_in", log_in)
    first = asyncio.create_task(visitor.post("/servers/crm/connect"))
    await begun.wait()
    monkeypatch.setattr("flotilla_servers.switchboard.console.own_form.LONGEST_WAIT", 0.01)
    answers = [await visitor.post("/servers/crm/connect"), await first]  # the second ends the first one
    assert ["has not said where to log in" in answer.text for answer in answers] == [True, True]
    await ended.wait()


def saved_note(fleet: Any, **more: Any) -> str:
    from flotilla_servers.switchboard.notes import Note, save_note

    note = Note(name="", intent="Dis <b>bonjour</b> à Zoé", tool="probe_echo", server="probe", replayable=True, **more)
    return save_note(notes_folder(fleet.data), note).name


async def test_console_replays_a_note(fleet: Any, visitor: Visitor, host: Any) -> None:
    name = saved_note(fleet, arguments={"value": "bonjour Zoé"})
    assert name in html.unescape(await visitor.page("/notes"))
    text = await visitor.page(f"/notes/{name}")
    assert "Dis &lt;b&gt;bonjour" in text
    assert "bonjour Zoé" in text
    assert (await visitor.post(f"/notes/{name}/replay")).status_code == 303
    again = await visitor.post(f"/notes/{name}/replay")
    assert (again.status_code, "could be made twice" in again.text) == (400, True)
    ended = await fleet.until(lambda: next((n for n in list_notes(host.notes) if n.state != "started"), None), 60)
    assert (ended.state, ended.result) == ("done", '{"value":"bonjour Zoé"}')
    assert (await visitor.post(f"/notes/{name}/delete")).status_code == 303
    assert list_notes(host.notes) == []
    assert (await visitor.get(f"/notes/{name}")).status_code == 404


async def test_console_note_whose_server_is_still_down_stays_open(fleet: Any, visitor: Visitor, host: Any) -> None:
    (fleet.folder / "flotilla-probe").unlink()
    name = saved_note(fleet)
    await visitor.post(f"/notes/{name}/replay")
    note = await fleet.until(lambda: next((n for n in list_notes(host.notes) if n.state != "started"), None), 60)
    assert (note.state, "Nothing was done" in note.result) == ("open", True)


async def test_console_inside_a_switchboard(fleet: Any) -> None:
    """It is there beside /mcp, knows which servers run, and keeps nobody from stopping the switchboard."""
    fleet.environ = {"FLOTILLA_CONSOLE_TOKEN": TOKEN}
    async with fleet.listening() as (url, process):
        address = url.removesuffix("/mcp")
        async with httpx2.AsyncClient(headers={"origin": address}) as http:
            assert (await http.get(f"{address}/console/")).status_code == 401
            assert (await http.get(f"{address}/console/", params={"token": TOKEN})).status_code == 200
            assert "servers running" in (await http.get(f"{address}/console/health")).text
            assert (await http.post(f"{address}/console/settings", data={"log.days": "7"})).status_code == 303
            name = saved_note(fleet, arguments={"value": "from inside"})
            assert (await http.post(f"{address}/console/notes/{name}/replay")).status_code == 303
            await fleet.until(lambda: list_notes(notes_folder(fleet.data))[0].state == "done")
            assert "running" in (await http.get(f"{address}/console/servers")).text
            async with http.stream("GET", f"{address}/console/events") as events:
                async for line in events.aiter_lines():
                    assert line == "event: waiting"
                    break
                process.terminate()
                await fleet.until(lambda: process.poll() is not None, 15)
    assert f"the console: {address}/console/\n" in fleet.stderr_text()  # without the token that the operator has set


async def test_console_alone(fleet: Any) -> None:
    """`flotilla-switchboard console` prints an address that opens it, and imports neither FastMCP nor mcp."""
    import os
    import subprocess

    command = [sys.executable, "-X", "importtime", "-m", "flotilla_launcher.__main__", "switchboard", "console"]
    options = fleet.options("--port", "0")
    with (fleet.folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen([*command, *options], env={**os.environ, **fleet.environ}, stderr=stderr)  # noqa: ASYNC220
    try:
        address = await fleet.until(fleet._url)
        async with httpx2.AsyncClient() as http:
            assert (await http.get(address)).status_code == 200
            assert "Probe" in (await http.get(address.partition("?")[0] + "servers")).text
    finally:
        process.terminate()
        process.wait()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in fleet.stderr_text().splitlines()}
    assert {"jinja2", "starlette"} <= imported
    assert not {"fastmcp", "mcp", "pydantic"} & imported
