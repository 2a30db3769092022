"""Own servers through the switchboard: every era and transport, quarantine, names, changes, cleaned texts."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.switchboard import own_servers, settings_file
from flotilla_servers.switchboard.backend import ConnectionLostError, NotStartedError
from flotilla_servers.switchboard.client_request import ClientRequest
from flotilla_servers.switchboard.commands import Commands
from flotilla_servers.switchboard.database import Database
from flotilla_servers.switchboard.options import arguments
from flotilla_servers.switchboard.own_backends import backend_of, refresh
from flotilla_servers.switchboard.own_servers import Secrets
from flotilla_servers.switchboard.permissions import Permissions
from flotilla_servers.switchboard.settings_file import Rule
from flotilla_servers.switchboard.time_limits import TimeLimits

from .conftest import BOTH

FOREIGN = Path(__file__).with_name("foreign.py")


class Owner:
    """Declares own servers for a fleet, as the command line does."""

    def __init__(self, fleet: Any) -> None:
        self.options = arguments(fleet.options())
        self.state = Path(self.options.state)
        self.settings = settings_file.of(self.options)
        self.permissions = Permissions(Database(self.state), self.settings)

    def add(self, name: str, value: dict[str, Any], **secrets: Any) -> own_servers.OwnServer:
        return own_servers.add(self.settings, self.state, name, value, Secrets(**secrets), ["probe"])

    async def read(self, server: own_servers.OwnServer, *, again: bool = False) -> bool:
        backend = backend_of(server, self.state, Commands(self.options), 0, 20)
        try:
            await backend.forget()
            return await refresh(backend, Path(self.options.discovery), again=again)
        finally:
            await backend.close()

    def saved(self, server: own_servers.OwnServer) -> dict[str, Any]:
        return own_servers.saved(self.state, server)

    def accept(self, server: own_servers.OwnServer) -> None:
        own_servers.accept(self.permissions, self.state, server, "test")

    async def added(self, name: str, value: dict[str, Any], **secrets: Any) -> own_servers.OwnServer:
        server = self.add(name, value, **secrets)
        await self.read(server)
        self.accept(server)
        return server


def command(*options: str) -> dict[str, Any]:
    return {"command": [sys.executable, str(FOREIGN), *options]}


@contextmanager
def serving(*options: str) -> Iterator[str]:
    process = subprocess.Popen([sys.executable, str(FOREIGN), *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def owner(fleet: Any) -> Owner:
    return Owner(fleet)


@contextmanager
def placed(kind: str, *options: str) -> Iterator[dict[str, Any]]:
    """Give the declaration of a foreign server over stdio, http or sse."""
    if kind == "stdio":
        yield command(*options)
        return
    with serving(f"--{kind}", *options) as url:
        yield {"url": f"{url}/{'sse' if kind == 'sse' else 'mcp'}", "local": True}


@BOTH
@pytest.mark.parametrize(
    ("kind", "version"),
    [("stdio", "2025-06-18"), ("stdio", "2025-11-25"), ("http", "2025-11-25"), ("sse", "2025-06-18")],
)
async def test_own_server_asks_a_person_in_mid_call(
    fleet: Any, owner: Owner, person: Any, era: str, kind: str, version: str
) -> None:
    with placed(kind, "--version", version) as value:
        await owner.added("foreign", value)
        async with fleet.inside() as (gateway, _):
            one, two = person(gateway, era, "one"), person(gateway, era, "two")
            async with one.client, two.client:
                answers = await asyncio.gather(
                    *(who.call("ask", text=f"{who.name}?") for who in (one, two)), one.call("echo", text="é")
                )
    assert [json.loads(answer)["content"]["answer"] for answer in answers[:2]] == ["one", "two"]
    assert (one.asked, two.asked, answers[2]) == (["one?"], ["two?"], "é")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("stdio", ("--version", "2024-11-05")),
        ("stdio", ("--version", "2025-03-26", "--probe", "exit")),
        ("http", ("--version", "2025-03-26")),
        ("sse", ("--version", "2024-11-05")),
    ],
)
async def test_own_server_of_old_revision_lists_and_works(
    fleet: Any, owner: Owner, person: Any, kind: str, options: tuple[str, ...]
) -> None:
    with placed(kind, *options) as value:
        server = await owner.added("foreign", value)
        async with fleet.inside() as (gateway, _):
            who = person(gateway, "2026-07-28", "a")
            async with who.client:
                listed = [tool.name for tool in await who.client.list_tools()]
                assert await who.call("echo", text="é") == "é"
                assert await who.call("count") == "counted"
                assert await who.call("files_read") == "read"
                refused = await who.call("sample")
                prompt = await who.client.get_prompt("echo")
    assert [name for name in listed if "probe" not in name][:8] == [
        "echo",
        "ask",
        "sample",
        "count",
        "grow",
        "who",
        "files_read",
        "end",
    ]
    assert who.steps == [1, 2]
    assert "not" in refused
    assert prompt.messages[0].content.text == "prompt echo"  # type: ignore[union-attr]
    assert owner.saved(server)["own"]["version"] == options[1]


async def test_own_server_silent_to_newest_revision_is_initialized(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flotilla_servers.switchboard.own_backends.PROBE", 0.2)
    server = owner.add("foreign", command("--probe", "silent"))
    assert await owner.read(server)
    assert owner.saved(server)["own"]["older"] is True


async def test_own_server_that_speaks_newest_revision(fleet: Any, owner: Owner, person: Any) -> None:
    value = {"command": [str(fleet.folder / "flotilla-probe")], "env": {"FLOTILLA_DATA": str(fleet.data)}}
    server = await owner.added("second", value)
    assert owner.saved(server)["own"]["version"] == "2026-07-28"
    async with fleet.inside() as (gateway, _):
        who = person(gateway, "legacy", "me")
        async with who.client:
            assert "probe_ask" in {tool.name for tool in await who.client.list_tools()}
            assert (await who.call("second_probe_ask", question="ok?")).startswith("ok?: accept me")  # its own name
    assert who.asked == ["ok?"]


@pytest.mark.parametrize("kind", ["stdio", "http"])
async def test_own_server_call_over_its_limit_is_in_doubt(fleet: Any, owner: Owner, person: Any, kind: str) -> None:
    with placed(kind) as value:
        await owner.added("foreign", value)
        async with fleet.inside("--permissions", "off") as (gateway, _), (who := person(gateway, "2026-07-28")).client:
            await who.call("echo", text="x")
            gateway.limits = lambda: TimeLimits(0.3)
            text = await who.call("echo", text="slow")
    assert text.startswith("Error: foreign did not answer within 0.3 seconds: `echo` may or may not have been done.")


async def test_own_server_is_not_looked_at_by_a_rule(fleet: Any, owner: Owner, person: Any) -> None:
    (fleet.folder / "settings.json").write_text('{"permissions": [{"tool": "*", "decision": "allow"}]}')
    await owner.read(owner.add("foreign", command()))
    async with fleet.inside("--permissions", "on") as (gateway, _), (who := person(gateway, "2026-07-28")).client:
        assert "Unknown tool `echo`" in await who.call("echo", text="x")
    owner.permissions.add_rule(Rule(tool="ec*", decision="allow"), [("foreign", {"name": "echo"})])
    assert owner.permissions.hides("foreign", {"name": "echo"}, foreign=True)


async def test_own_server_at_another_address_is_looked_at_anew(owner: Owner) -> None:
    await owner.added("foreign", command())
    assert owner.permissions.row("foreign", "echo")
    moved = json.dumps({"servers": {"foreign": command("--version", "2025-06-18")}})
    owner.settings.path.write_text(moved)  # by a person, in an editor
    await owner.read(own_servers.declared(owner.settings.current().servers)["foreign"])
    assert owner.permissions.version
    assert owner.permissions.row("foreign", "echo") is None


async def test_own_server_is_in_quarantine_until_looked_at(fleet: Any, owner: Owner, person: Any) -> None:
    server = owner.add("foreign", command())
    await owner.read(server)
    async with fleet.inside() as (gateway, _):
        who = person(gateway, "2026-07-28", "a")
        async with who.client:
            assert "echo" not in {tool.name for tool in await who.client.list_tools()}
            assert "Unknown tool `echo`" in await who.call("echo", text="x")
            assert "echo" not in {prompt.name for prompt in await who.client.list_prompts()}
            owner.accept(server)
            assert await who.call("echo", text="x") == "x"


async def test_own_server_added_and_removed_while_it_runs(fleet: Any, owner: Owner, person: Any) -> None:
    async with fleet.inside() as (gateway, _):
        who = person(gateway, "2026-07-28", "a")
        async with who.client:
            await owner.added("foreign", command())
            gateway.own.follow()
            assert await who.call("echo", text="x") == "x"
            pid = json.loads(await who.call("who"))["pid"]
            own_servers.remove(owner.settings, owner.state, "foreign")
            gateway.own.follow()
            assert "Unknown tool" in await who.call("echo", text="x")
            await fleet.until(lambda: not is_alive(pid))
    assert not (own_servers.folder(owner.state) / "foreign").exists()


async def test_own_server_removed_while_it_is_read_leaves_nothing(owner: Owner) -> None:
    """A gateway that has read its lists, or has renewed its login, does not bring its folder back."""
    server = await owner.added("foreign", command(), token="s3cr3t")
    own_servers.remove(owner.settings, owner.state, "foreign")
    await owner.read(server, again=True)
    own_servers.write_private(owner.state, server, "login", {"access_token": "s3cr3t"}, again=True)
    assert list(own_servers.folder(owner.state).iterdir()) == []
    assert await owner.read(server)  # a command reads it for the first time
    assert owner.saved(server)["tools"]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it has ended, before or while it was read
        return False


@pytest.mark.parametrize("kind", ["stdio", "http"])
async def test_own_server_changed_list_is_read_again(fleet: Any, owner: Owner, person: Any, kind: str) -> None:
    with placed(kind) as value:
        server = await owner.added("foreign", value)
        async with fleet.inside() as (gateway, _):
            who = person(gateway, "2026-07-28", "a")
            async with who.client:
                await who.call("grow")
                await fleet.until(lambda: "grown" in [tool["name"] for tool in owner.saved(server)["tools"]])
                gateway.own.follow()
                assert "grown" not in {tool.name for tool in await who.client.list_tools()}  # nobody has looked at it
                owner.accept(server)
                assert "grown" in {tool.name for tool in await who.client.list_tools()}


async def test_own_server_gets_its_own_variables_and_secrets_alone(
    fleet: Any, owner: Owner, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOTILLA_REMOTE_TOKEN", "not yours")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=not yours either")
    await owner.added("foreign", {**command(), "env": {"PLACE": "Paris"}}, env={"API_KEY": "s3cr3t"})
    async with fleet.inside() as (gateway, _):
        who = person(gateway, "2026-07-28", "a")
        async with who.client:
            env = json.loads(await who.call("who"))["env"]
    assert (env["PLACE"], env["API_KEY"]) == ("Paris", "s3cr3t")
    assert "not yours" not in str(env)
    assert "s3cr3t" not in owner.settings.path.read_text()


@pytest.mark.parametrize("kind", ["http", "sse"])
async def test_own_server_gets_its_token(fleet: Any, owner: Owner, person: Any, kind: str) -> None:
    with placed(kind, "--token", "t0ken") as value:
        await owner.added("foreign", {**value, "auth": "token"}, token="t0ken")
        async with fleet.inside() as (gateway, _):
            who = person(gateway, "2026-07-28", "a")
            async with who.client:
                headers = json.loads(await who.call("who"))["headers"]
    assert headers["Authorization"] == "Bearer t0ken"
    file = own_servers.private_path(owner.state, "foreign", "secrets")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "t0ken" not in owner.settings.path.read_text()


async def test_own_server_refuses_wrong_token(owner: Owner) -> None:
    with placed("http", "--token", "t0ken") as value:
        server = owner.add("foreign", {**value, "auth": "token"}, token="wrong")
        with pytest.raises(NotStartedError, match="foreign does not accept the token; the user must give it"):
            await owner.read(server)


def test_own_server_token_goes_with_its_address(owner: Owner) -> None:
    value = {"url": "https://a.example/mcp", "auth": "token"}
    owner.add("crm", value, token="t0ken")
    same = owner.add("crm", {**value, "title": "CRM"})
    assert own_servers.read_secrets(owner.state, same).token == "t0ken"
    with pytest.raises(settings_file.SettingsError, match="a token is needed"):
        owner.add("crm", {**value, "url": "https://b.example/mcp"})
    moved = owner.add("crm", {"url": "https://b.example/mcp"})
    assert own_servers.read_secrets(owner.state, moved) == Secrets()


async def test_own_server_name_of_the_fleet_gets_prefix_and_keeps_it(fleet: Any, owner: Owner) -> None:
    first = await owner.added("first", command())
    second = await owner.added("second", command())
    assert [tool["name"] for tool in owner.saved(second)["tools"]][:2] == ["second_echo", "second_ask"]
    own_servers.remove(owner.settings, owner.state, first.name)
    assert not await owner.read(second)  # a name that changed would have to be looked at again


async def test_own_server_answer_to_call_that_has_ended(owner: Owner) -> None:
    server = await owner.added("foreign", command())
    backend = backend_of(server, owner.state, Commands(owner.options), 60, 20)
    client = ClientRequest({}, modern=True, client_id=1, capabilities={"elicitation": {}}, log_level=None)
    try:
        asked = await backend.send(client, "tools/call", {"name": "ask", "arguments": {"text": "?"}}, False)
        state = asked["requestState"]
        backend.parked.close()
        params = {"name": "ask", "arguments": {"text": "?"}, "requestState": state, "inputResponses": {}}
        with pytest.raises(ConnectionLostError, match="does not wait any more"):
            await backend.send(client, "tools/call", params, False)
    finally:
        await backend.close()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({}, "one of url, command and image"),
        ({"url": "https://a.example", "image": "x"}, "one of url, command and image"),
        ({"url": "http://a.example/mcp"}, "must begin with https"),
        ({"url": "https://10.0.0.1/mcp"}, "of this machine or network"),
        ({"url": "https://localhost/mcp"}, "of this machine or network"),
        ({"url": "https://u:p@a.example/mcp"}, "holds a secret"),
        ({"url": "https://a.example/mcp?api_key=1"}, "holds a secret"),
        ({"url": "https://a.example", "headers": {"X-Api-Key": "1"}}, "would keep a secret"),
        ({"command": ["x"], "env": {"API_TOKEN": "1"}}, "would keep a secret"),
        ({"command": ["x"], "env": {"LD_PRELOAD": "/x"}}, "would change how programs"),
        ({"command": ["x"], "auth": "token"}, "are for a URL"),
        ({"comand": ["x"]}, "Did you mean command"),
        ({"url": "https://a.example", "transport": "ws"}, "must be auto, http or sse"),
    ],
)
def test_own_server_declaration_refused(value: dict[str, Any], problem: str) -> None:
    with pytest.raises(settings_file.SettingsError, match=problem):
        own_servers.parsed("crm", value)


@pytest.mark.parametrize("name", ["Crm", "1crm", "a/b", "probe", ""])
def test_own_server_name_refused(name: str) -> None:
    with pytest.raises(settings_file.SettingsError):
        own_servers.parsed(name, {"command": ["x"]}, ["probe"])


async def test_own_server_wrong_arguments_are_not_sent(fleet: Any, owner: Owner, person: Any, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    await owner.added("foreign", command("--calls", str(calls)))
    async with fleet.inside() as (gateway, _):
        who = person(gateway, "2026-07-28", "a")
        async with who.client:
            refused = await who.client.call_tool_mcp("echo", {"txet": "x"})
    assert refused.is_error
    assert refused.content[0].text == (
        "Error: The arguments do not fit `echo`: `text` is missing (text); you gave `txet`; `txet` is unknown "
        "(allowed: `text`); did you mean `text`?. Nothing was sent. Correct them, and call again."
    )
    assert not calls.exists()


async def test_own_server_that_cannot_start_says_why(owner: Owner) -> None:
    server = owner.add("foreign", {"command": ["/does/not/exist"]})
    with pytest.raises(NotStartedError, match="foreign could not start"):
        await owner.read(server)


async def test_own_server_that_was_updated_is_asked_anew(fleet: Any, owner: Owner) -> None:
    program = fleet.folder / "program"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {FOREIGN} --probe exit\n")
    program.chmod(0o755)
    server = owner.add("foreign", {"command": [str(program)], "env": {"FLOTILLA_DATA": str(fleet.data)}})
    await owner.read(server)
    assert owner.saved(server)["own"]["older"] is True
    program.write_text((fleet.folder / "flotilla-probe").read_text())  # it speaks the newest revision now
    await owner.read(server)
    assert owner.saved(server)["own"]["version"] == "2026-07-28"
