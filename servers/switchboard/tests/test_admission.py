"""A person is asked before a call, in every way that a client has."""

import asyncio
import json
import subprocess
import time
from contextlib import AsyncExitStack
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from mcp.client.subscriptions import ToolsListChanged, listen

from flotilla_launcher.protocol import CAPABILITIES_KEY, VERSION_KEY
from flotilla_servers.switchboard.action_log import read
from flotilla_servers.switchboard.approvals import Approvals
from flotilla_servers.switchboard.client_request import ClientRequest
from flotilla_servers.switchboard.database import Database

from .conftest import ERAS

ON = ("--permissions", "on")


def answering(person: Any, gateway: Any, era: str, *answers: Any) -> Any:
    """Return a client whose person gives these answers, one after the other."""
    left = list(answers)
    it = person(gateway, era, "marie")

    async def answer(message: str, *_: Any) -> Any:
        it.asked.append(message)
        return left.pop(0)

    it.client = type(it.client)(it.client.transport, mode=era, elicitation_handler=answer)
    return it


def approvals(fleet: Any) -> Approvals:
    return Approvals(Database(fleet.folder / "state"))


def modern_request() -> ClientRequest:
    can: dict[str, Any] = {"elicitation": {}}
    meta = {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: can}
    return ClientRequest({"_meta": meta}, modern=True, client_id=1, capabilities=can, log_level=None)


def log(fleet: Any) -> list[tuple[str, str]]:
    """Return how calls were decided and ended, the last one first."""
    return [(row["decision"], row["outcome"]) for row in read(fleet.folder / "state")]


@pytest.mark.parametrize("era", ERAS)
async def test_write_asked_once_for_a_tool(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside(*ON) as (gateway, _):
        it = answering(person, gateway, era, {"confirm": True})
        async with it.client:
            assert await it.call("probe_note", text="reçu €") == "noted reçu €"
            assert await it.call("probe_note", text="again") == "noted again"
    assert it.asked == ["Allow this call?\nProbe: Probe Note (probe_note)\n  text: reçu €"]
    gateway.close()
    asked = [] if era == "legacy" else [("waiting", "asked")]  # there the question is a result of its own
    assert log(fleet) == [("allowed", "ok"), ("approved by mcp", "ok"), *asked]


@pytest.mark.parametrize("era", ERAS)
async def test_destroying_asked_each_time(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside(*ON) as (gateway, _):
        it = answering(person, gateway, era, {"confirm": True}, {"confirm": False}, {"confirm": True})
        async with it.client:
            assert await it.call("probe_delete", text="1") == "deleted 1"
            declined = await it.call("probe_delete", text="1")
            assert await it.call("probe_delete", text="1") == "deleted 1"
    assert declined.startswith("Error: The user declined `probe_delete`. Nothing was done.")
    assert (len(it.asked), fleet.lines("deleted")) == (3, ["1", "1"])


@pytest.mark.parametrize("era", ERAS)
async def test_yes_not_remembered_where_the_person_says_so(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside(*ON) as (gateway, _):
        it = answering(person, gateway, era, *[{"confirm": True, "remember": False}] * 2)
        async with it.client:
            for text in "ab":
                await it.call("probe_note", text=text)
    assert (len(it.asked), fleet.lines("notes")) == (2, ["a", "b"])


@pytest.mark.parametrize("era", ERAS)
async def test_server_that_asks_too_gets_its_own_answer(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside(*ON) as (gateway, _):
        it = answering(person, gateway, era, {"confirm": True}, {"answer": "Zoé"})
        async with it.client:
            assert (await it.call("probe_ask", question="Who?")).startswith("Who?: accept Zoé by")
    assert it.asked[1:] == ["Who?"]
    assert fleet.lines("asked") == ["Who?"]


async def test_client_that_cannot_be_asked_passes_a_token(fleet: Any, person: Any) -> None:
    async with fleet.inside(*ON) as (gateway, _), person(gateway, "2026-07-28").client as client:

        async def call(name: str, **arguments: Any) -> str:
            result: Any = await client.call_tool_mcp(name, arguments)
            return str(result.content[0].text)

        held = await call("probe_delete", text="é")
        assert held.startswith("Error: Nothing was done: `probe_delete` needs the user's yes.")
        assert "Probe: Probe Delete (probe_delete)\n  text: é\n" in held
        token = held.partition("with token ")[2].split()[0]
        assert fleet.lines("deleted") == []
        assert await call("approve_call", token=token) == "deleted é"
        assert (await call("approve_call", token=token)).startswith("Error: This token was used")
        assert (await call("approve_call", token="x")).startswith("Error: There is no call with this token")
        assert "needs the user's yes" in await call("probe_delete", text="é")
    assert fleet.lines("deleted") == ["é"]


async def test_token_is_not_offered_where_only_the_console_may_say_yes(fleet: Any, person: Any) -> None:
    (fleet.folder / "settings.json").write_text('{"approvals": {"ask": "console"}}')
    async with fleet.inside(*ON) as (gateway, _):
        it = answering(person, gateway, "2026-07-28")
        async with it.client:
            held = await it.call("probe_delete", text="x")
            assert "needs a yes in the switchboard's console" in held
            [waiting] = approvals(fleet).waiting()
            assert (await it.call("approve_call", token=waiting.id)).startswith("Error: There is no call with")
            assert "approve_call" not in {tool.name for tool in await it.client.list_tools()}
            assert approvals(fleet).answer(waiting.id, True, "console")
            assert await it.call("probe_delete", text="x") == "deleted x"
            assert "needs a yes" in await it.call("probe_delete", text="x")
    assert it.asked == []


@pytest.mark.parametrize("yes", [True, False])
async def test_call_waits_for_an_open_console(fleet: Any, person: Any, yes: bool) -> None:
    console = approvals(fleet)
    console.note_presence("console")
    async with fleet.inside(*ON) as (gateway, _), person(gateway, "legacy").client as client:
        call = asyncio.create_task(client.call_tool_mcp("probe_delete", {"text": "x"}))
        [waiting] = await fleet.until(console.waiting)
        assert (waiting.title, waiting.tool, json.loads(waiting.arguments)) == ("Probe", "probe_delete", {"text": "x"})
        assert console.answer(waiting.id, yes, "console")
        assert not console.answer(waiting.id, yes, "console")
        text = (await call).content[0].text
    assert text == "deleted x" if yes else text.startswith("Error: The user declined")


async def test_yes_in_the_console_ends_the_client_s_question(fleet: Any, person: Any) -> None:
    console, never = approvals(fleet), asyncio.Event()
    async with fleet.inside(*ON) as (gateway, _):
        it = person(gateway, "legacy", "marie")

        async def answer(message: str, *_: Any) -> Any:
            await never.wait()

        it.client = type(it.client)(it.client.transport, mode="legacy", elicitation_handler=answer)
        async with it.client:
            call = asyncio.create_task(it.call("probe_delete", text="x"))
            [waiting] = await fleet.until(console.waiting)
            console.answer(waiting.id, True, "console")
            assert await call == "deleted x"


async def test_approval_fits_only_its_arguments(fleet: Any, person: Any) -> None:
    console = approvals(fleet)
    async with fleet.inside(*ON) as (gateway, _):
        it = person(gateway, "legacy")
        async with it.client:
            await it.call("probe_delete", text="1")
            [waiting] = console.waiting()
            console.answer(waiting.id, True, "console")
            assert "needs the user's yes" in await it.call("probe_delete", text="2")
            assert await it.call("probe_delete", text="1") == "deleted 1"


async def test_approval_expires(fleet: Any, person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    console, now = approvals(fleet), time.time()
    async with fleet.inside(*ON) as (gateway, _):
        it = person(gateway, "legacy")
        async with it.client:
            await it.call("probe_delete", text="1")
            [waiting] = console.waiting()
            console.answer(waiting.id, True, "console")
            monkeypatch.setattr("time.time", lambda: now + 700)
            assert "needs the user's yes" in await it.call("probe_delete", text="1")
    assert fleet.lines("deleted") == []


@pytest.mark.parametrize("era", ERAS)
async def test_denied_tool_neither_listed_nor_called(fleet: Any, person: Any, era: str) -> None:
    (fleet.folder / "settings.json").write_text('{"permissions": [{"tool": "probe_delete", "decision": "deny"}]}')
    async with fleet.inside(*ON) as (gateway, _):
        it = answering(person, gateway, era)
        async with it.client:
            assert "probe_delete" not in {tool.name for tool in await it.client.list_tools()}
            assert (await it.call("probe_delete", text="x")).startswith("Error: Unknown tool `probe_delete`")
    assert fleet.lines("deleted") == []


async def test_denied_tool_not_found_by_search(fleet: Any, person: Any) -> None:
    (fleet.folder / "settings.json").write_text('{"permissions": [{"tool": "probe_delete", "decision": "deny"}]}')
    async with fleet.inside(*ON, "--search", "on") as (gateway, _), person(gateway, "legacy").client as client:
        result: Any = await client.call_tool_mcp("search_tools", {"query": "delete a text", "limit": 20})
        assert "probe_delete" not in {tool["name"] for tool in result.structured_content["tools"]}
        call: Any = await client.call_tool_mcp("call_destructive_tool", {"name": "probe_delete", "arguments": {}})
        assert call.content[0].text.startswith("Error: There is no tool `probe_delete`")


@pytest.mark.parametrize("era", ERAS)
async def test_changed_definition_asks_again_and_shows_the_change(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside(*ON) as (gateway, _):
        it = answering(person, gateway, era, {"confirm": True}, {"confirm": True}, {"confirm": True})
        async with it.client:
            await it.call("probe_note", text="1")
            gateway.offers.tool("probe_note")[1]["description"] = "Sends it to everybody."
            await it.call("probe_note", text="2")
            await it.call("probe_note", text="3")
    assert len(it.asked) == 2
    assert 'has changed since it was looked at:\n+ "description": "Sends it to everybody."' in it.asked[1]


async def test_hidden_characters_are_shown_to_the_person(fleet: Any, person: Any) -> None:
    async with fleet.inside(*ON) as (gateway, _):
        it = answering(person, gateway, "legacy", {"confirm": False})
        async with it.client:
            await it.call("probe_delete", text="a\u202eb\nconfirm: done")
    assert it.asked[0].endswith("  text: a⟨U+202E⟩b⟨U+000A⟩confirm: done")


async def test_state_of_a_yes_cannot_be_used_again(fleet: Any) -> None:
    """A client of 2026-07-28 that sends its answered question twice runs the tool once."""
    params: dict[str, Any] = {"name": "probe_delete", "arguments": {"text": "x"}}
    async with fleet.inside(*ON) as (gateway, _):
        asked = await gateway.answer(modern_request(), "tools/call", dict(params))
        yes = {"flotilla_approval": {"action": "accept", "content": {"confirm": True}}}
        params |= {"requestState": asked["requestState"], "inputResponses": yes}
        assert (await gateway.answer(modern_request(), "tools/call", dict(params)))["content"][0]["text"] == "deleted x"
        again = await gateway.answer(modern_request(), "tools/call", dict(params))
        assert again["resultType"] == "input_required"
        with pytest.raises(Exception, match="requestState"):
            await gateway.answer(modern_request(), "tools/call", {**params, "arguments": {"text": "y"}})
    assert fleet.lines("deleted") == ["x"]


async def test_yes_counts_for_the_definition_it_was_given_for(fleet: Any) -> None:
    """The server asks in mid-call, and its tool is another one when the answer comes: a person is asked anew."""
    async with fleet.inside(*ON) as (gateway, _):
        ask = {"name": "probe_ask", "arguments": {"question": "Who?"}}
        first = await gateway.answer(modern_request(), "tools/call", dict(ask))
        yes = {"flotilla_approval": {"action": "accept", "content": {"confirm": True, "remember": False}}}
        second = await gateway.answer(
            modern_request(), "tools/call", ask | {"requestState": first["requestState"], "inputResponses": yes}
        )
        [key] = second["inputRequests"]
        assert key != "flotilla_approval"
        gateway.offers.tool("probe_ask")[1]["description"] = "Sends it to everybody."
        answer = {key: {"action": "accept", "content": {"answer": "Zoé"}}}
        third = await gateway.answer(
            modern_request(), "tools/call", ask | {"requestState": second["requestState"], "inputResponses": answer}
        )
        assert list(third["inputRequests"]) == ["flotilla_approval"]
    assert fleet.lines("asked") == []  # the answer has not reached the server


async def test_dry_run_is_free_only_where_the_tool_has_one(fleet: Any, person: Any) -> None:
    async with fleet.inside(*ON) as (gateway, _):
        it = answering(person, gateway, "2026-07-28", {"confirm": False})
        async with it.client:
            assert "declined" in await it.call("probe_delete", text="x", dry_run=True)
    assert fleet.lines("deleted") == []


async def test_yes_that_comes_too_late_is_said_so(fleet: Any, person: Any) -> None:
    """Nobody has declined: the console is open, but the call's approval has expired."""
    async with fleet.inside(*ON) as (gateway, _):
        it = person(gateway, "legacy", "marie")
        approvals_of_fleet = approvals(fleet)

        async def late(*_: Any) -> Any:
            [waiting] = approvals_of_fleet.waiting()
            approvals_of_fleet._execute("UPDATE approval SET expires = 0 WHERE id = ?", (waiting.id,))
            return {"confirm": True}

        it.client = type(it.client)(it.client.transport, mode="legacy", elicitation_handler=late)
        async with it.client:
            assert "nobody has answered in time" in await it.call("probe_delete", text="x")
    assert fleet.lines("deleted") == []


async def test_watch_survives_what_cannot_be_read(
    fleet: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("flotilla_servers.switchboard.gateway.LOOK_EVERY", 0.01)
    async with fleet.inside(*ON) as (gateway, _):
        looked = []

        def follow() -> None:
            looked.append(1)
            if len(looked) < 3:
                raise OSError("disk full")

        monkeypatch.setattr(gateway.own, "follow", follow)
        watching = asyncio.create_task(gateway.watch())
        await fleet.until(lambda: len(looked) > 3)
        watching.cancel()
    assert capsys.readouterr().err.count("changes of settings cannot be followed: disk full") == 1


async def test_plain_asks_and_changes_nothing(fleet: Any, person: Any) -> None:
    (fleet.folder / "settings.json").write_text('{"permissions": [{"tool": "*", "decision": "deny"}]}')
    async with fleet.inside(*ON, "--plain") as (gateway, _):
        it = person(gateway, "legacy")
        async with it.client:
            assert "approve_call" not in {tool.name for tool in await it.client.list_tools()}
            assert await it.call("probe_delete", text="x") == "deleted x"
    assert not (fleet.folder / "state" / "switchboard" / "host.db").exists()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("http", [False, True], ids=["stdio", "http"])
async def test_client_told_of_changed_lists(fleet: Any, person: Any, era: str, http: bool) -> None:
    """A rule that is written while a client is connected counts at once, and the client hears of it."""
    heard: list[str] = []

    async def hear(message: Any) -> None:
        heard.append(type(getattr(message, "root", message)).__name__)

    async with AsyncExitStack() as stack:
        if http:
            url, _ = await stack.enter_async_context(fleet.listening(*ON))
            transport: Any = StreamableHttpTransport(url, auth="client-token-1")
        else:
            transport = fleet.command(*ON)
        client = await stack.enter_async_context(Client(transport, mode=era, message_handler=hear))
        assert "probe_note" in {tool.name for tool in await client.list_tools()}
        await client.call_tool_mcp("probe_echo", {})
        stream = None
        if era != "legacy":
            stream = await stack.enter_async_context(listen(client.session, tools_list_changed=True))
        (fleet.folder / "settings.json").write_text('{"permissions": [{"tool": "probe_note", "decision": "deny"}]}')
        if stream:
            assert isinstance(await asyncio.wait_for(anext(aiter(stream)), 20), ToolsListChanged)
        else:
            await fleet.until(lambda: "ToolListChangedNotification" in heard)
        assert "probe_note" not in {tool.name for tool in await client.list_tools()}


def test_settings_broken_at_the_start_is_an_error(fleet: Any) -> None:
    (fleet.folder / "settings.json").write_text('{"permisions": []}')
    line = fleet.command(*ON)
    opening = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}) + "\n"
    command = [line.command, *line.args]
    done = subprocess.run(command, input=opening, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "settings.json: there is no setting permisions. Did you mean permissions?" in done.stderr
