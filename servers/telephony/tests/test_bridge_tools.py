"""Tools during a call: a model on the phone, the bridge, a real switchboard and a server behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from flotilla_servers.telephony.bridge import call as call_module
from flotilla_servers.telephony.bridge import functions, tools
from flotilla_servers.telephony.tests.bridge_fakes import (
    BOARD_TOKEN,
    Board,
    FakeModel,
    FakeTwilio,
    ModelCall,
    RunningBridge,
    running_bridge,
    switchboard,
)
from flotilla_testing.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def board_process() -> Iterator[Board]:
    with switchboard() as running:
        yield running


@pytest.fixture
def board(board_process: Board) -> Iterator[Board]:
    yield board_process
    for name in ("done", "wait"):
        (board_process.data / name).unlink(missing_ok=True)


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with FakeModel() as running:
        yield running


@pytest.fixture
async def bridge(model: FakeModel, board: Board) -> AsyncIterator[RunningBridge]:
    async with running_bridge(model.url, **board.settings) as running:
        yield running
    assert [call.violations for call in model.calls] == [[]] * len(model.calls)


async def begin(bridge: RunningBridge, model: FakeModel) -> tuple[FakeTwilio, ModelCall]:
    """Return both sides of a call whose greeting is over."""
    twilio = await bridge.twilio().call()
    call = await model.call()
    await eventually(lambda: call.responses)
    return twilio, call


async def use(call: ModelCall, name: str, arguments: dict[str, str] | str) -> str:
    """Call a tool as the model; return its output once the model was asked to say it."""
    responses, call_id = call.responses, f"call_{len(call.outputs) + 1}"
    await call.call_tool(name, arguments, call_id)
    output = await call.output(call_id)
    await eventually(lambda: call.responses > responses)
    return output


async def test_tools_reach_the_model_as_functions(bridge: RunningBridge, model: FakeModel) -> None:
    twilio, call = await begin(bridge, model)
    offered = {tool["name"]: tool for tool in call.session["tools"]}
    assert {"shop_get_order", "shop_cancel_order", "shop_book_visit"} <= set(offered)
    order = offered["shop_get_order"]
    assert order["type"] == "function"
    assert order["description"].startswith("Return one order")
    assert order["parameters"]["required"] == ["number"]
    await twilio.hang_up()
    await bridge.ended()


async def test_tools_only_those_that_are_named(model: FakeModel, board: Board) -> None:
    async with running_bridge(model.url, **{**board.settings, "tools": "shop_get_*"}) as bridge:
        twilio, call = await begin(bridge, model)
        assert [tool["name"] for tool in call.session["tools"]] == ["shop_get_order", "end_call"]
        await call.call_tool("shop_book_visit", {"day": "lundi"})
        assert await call.output() == "Error: There is no tool shop_book_visit. Nothing was done."
        await twilio.hang_up()
        await bridge.ended()
    assert board.done() == []


@pytest.mark.parametrize("shape", ["current", "older", "flat"])
async def test_tool_call_answers_the_model(board: Board, shape: str) -> None:
    async with FakeModel(shape) as model, running_bridge(model.url, **board.settings) as bridge:
        twilio, call = await begin(bridge, model)
        output = await use(call, "shop_get_order", {"number": "A-17"})
        assert json.loads(output) == {"number": "A-17", "state": "expédiée", "arrives": "jeudi"}
        assert call.responses == 2  # the greeting, and the one that says what the tool answered
        await twilio.hang_up()
        line = await bridge.ended()
        assert (line["tools"], call.violations) == (1, [])
        (tool,) = bridge.audit.of("tool")
        assert (tool["tool_name"], tool["outcome"]) == ("shop_get_order", "ok")


async def test_tool_that_asks_is_spoken_and_done_after_the_callers_yes(
    bridge: RunningBridge, model: FakeModel, board: Board
) -> None:
    twilio, call = await begin(bridge, model)
    asked = json.loads(await use(call, "shop_cancel_order", {"number": "A-17"}))
    assert asked["question"] == "Cancel order A-17 of 1 250,50 €?"
    assert "Say this question to the caller" in asked["next"]
    again = {"number": "A-17", "confirm_token": asked["confirm_token"]}
    assert "has not answered" in await use(call, "shop_cancel_order", again)
    assert board.done() == []
    await call.hears_speech()
    other = await use(call, "shop_cancel_order", {**again, "number": "B-18"})  # not what was asked about
    assert other.startswith("Error:")
    assert board.done() == []
    asked = json.loads(await use(call, "shop_cancel_order", {"number": "A-17"}))
    await call.hears_speech()
    again = {"number": "A-17", "confirm_token": asked["confirm_token"]}
    assert json.loads(await use(call, "shop_cancel_order", again))["state"] == "annulée"
    repeated = await use(call, "shop_cancel_order", again)  # one yes allows one execution
    assert repeated.startswith("Error:")
    assert board.done() == ["cancelled A-17"]
    await twilio.hang_up()
    await bridge.ended()


async def test_tool_errors_are_for_the_model(bridge: RunningBridge, model: FakeModel) -> None:
    twilio, call = await begin(bridge, model)
    for name, arguments, part in (
        ("shop_get_order", "no JSON", "not a JSON object"),
        ("shop_get_order", "{}", "number"),
        ("shop_none", "{}", "shop_none"),
        ("other_tool", "{}", "There is no tool other_tool"),
    ):
        output = await use(call, name, arguments)
        assert output.startswith("Error:")
        assert part in output
    await twilio.hang_up()
    await bridge.ended()


async def test_speech_goes_on_while_a_tool_runs(bridge: RunningBridge, model: FakeModel, board: Board) -> None:
    (board.data / "wait").touch()
    twilio, call = await begin(bridge, model)
    await call.call_tool("shop_book_visit", {"day": "mardi"}, "call_1")
    await call.call_tool("shop_get_order", {"number": "1"}, "call_2")
    await eventually(lambda: board.done() == ["begun mardi"])
    await twilio.say(b"\x01" * 1600)
    await eventually(lambda: call.heard == b"\x01" * 1600)
    await call.speak("item_1", b"\x02" * 1600)
    await eventually(lambda: twilio.received == b"\x02" * 1600)
    await call.output("call_2")
    assert call.responses == 1  # only once both have ended
    (board.data / "wait").unlink()
    await call.output("call_1")
    await eventually(lambda: call.responses == 2)
    await twilio.hang_up()
    await bridge.ended()


async def test_hang_up_during_a_tool_lets_it_finish(bridge: RunningBridge, model: FakeModel, board: Board) -> None:
    """The caller says yes and hangs up: what they asked for is done."""
    (board.data / "wait").touch()
    twilio, call = await begin(bridge, model)
    await call.call_tool("shop_book_visit", {"day": "mercredi"})
    await eventually(board.done)
    await twilio.hang_up()
    await eventually(lambda: call.close_code)
    assert bridge.bridge.admission.running == 1
    (board.data / "wait").unlink()
    await bridge.ended()
    assert board.done() == ["begun mercredi", "booked mercredi"]
    assert [line["outcome"] for line in bridge.audit.of("tool")] == ["ok"]


async def test_hang_up_during_a_tool_that_does_not_end(
    bridge: RunningBridge, model: FakeModel, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_module, "FINISHING", 0)
    (board.data / "wait").touch()
    twilio, call = await begin(bridge, model)
    await call.call_tool("shop_book_visit", {"day": "jeudi"})
    await eventually(board.done)
    await twilio.hang_up()
    await bridge.ended()
    assert [line["outcome"] for line in bridge.audit.of("tool")] == ["cancelled: it may have been done or not"]


async def test_tools_beyond_the_limit_at_once(
    bridge: RunningBridge, model: FakeModel, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions, "MOST", 1)
    (board.data / "wait").touch()
    twilio, call = await begin(bridge, model)
    await call.call_tool("shop_book_visit", {"day": "samedi"}, "call_1")
    await call.call_tool("shop_get_order", {"number": "1"}, "call_2")
    assert "Too many tools" in await call.output("call_2")
    (board.data / "wait").unlink()
    await call.output("call_1")
    await twilio.hang_up()
    await bridge.ended()


async def test_tools_beyond_what_a_session_may_have(
    bridge: RunningBridge, model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "MOST_TOOLS", 2)
    twilio, call = await begin(bridge, model)
    assert len(call.session["tools"]) == 3  # and the bridge's own
    await twilio.hang_up()
    await bridge.ended()
    assert bridge.audit.of("tools left out")


@pytest.mark.parametrize(
    "broken", [{"switchboard_url": "http://127.0.0.1:9/mcp"}, {"switchboard_token": "wrong-token"}]
)
async def test_call_goes_on_without_a_switchboard(board: Board, model: FakeModel, broken: dict[str, str]) -> None:
    async with running_bridge(model.url, **{**board.settings, **broken}) as bridge:
        twilio, call = await begin(bridge, model)
        assert [tool["name"] for tool in call.session["tools"]] == ["end_call"]
        assert "cannot be reached" in call.session["instructions"]
        await call.call_tool("shop_get_order", {"number": "1"})
        assert (await call.output()).endswith("Nothing was done.")
        await twilio.hang_up()
        await bridge.ended()
        assert bridge.audit.of("no tools")
        assert BOARD_TOKEN not in json.dumps(bridge.audit.lines)


async def test_tool_whose_answer_does_not_come_may_have_been_done(
    bridge: RunningBridge, model: FakeModel, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    twilio, call = await begin(bridge, model)
    (board.data / "wait").touch()
    monkeypatch.setattr(tools, "CALL_SECONDS", 0.1)
    await call.call_tool("shop_book_visit", {"day": "dimanche"})
    assert "look before you try again" in await call.output()
    await twilio.hang_up()
    await bridge.ended()
