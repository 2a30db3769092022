"""Prompts and resources run as tools do: a deadline, an audit line, errors in sentences, nothing of an exception."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from fastmcp import Client
from mcp.shared.exceptions import MCPError
from pydantic import Field

from flotilla import errors
from flotilla_testing.client import MODES, client
from flotilla_testing.scratch import ScratchServer

Make = Callable[..., ScratchServer]
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def shelf(acme: ScratchServer) -> ScratchServer:
    @acme.prompt
    async def plan_month(month: Annotated[int, Field(ge=1, le=12, description="Number of the month")]) -> str:
        """Plan a month."""
        if month == 2:
            raise ValueError("canary-7f3a9c and what a customer wrote")
        if month == 3:
            raise errors.NotFoundError("There is no March.", "Take April.")
        if month == 4:
            await asyncio.sleep(30)
        return f"Plan month {month}."

    @acme.resource("acme://about/{number}")
    async def about(number: int) -> str:
        """What this is."""
        if number == 2:
            raise ValueError("canary-7f3a9c and what a customer wrote")
        if number == 4:
            await asyncio.sleep(30)
        return f"About {number}"

    return acme


@pytest.fixture(params=MODES)
async def connected(
    shelf: ScratchServer, environ: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Client[Any]]:
    environ.setenv("FLOTILLA_DEADLINE", "0.2")
    environ.setenv("FLOTILLA_USER", "dana")
    shelf.reset()
    async with client(shelf, request.param) as c:
        yield c


async def refusal(asked: Any) -> str:
    with pytest.raises(MCPError) as caught:
        await asked
    return caught.value.error.message


async def test_prompt_audit_line(connected: Client[Any], audit: Lines) -> None:
    got = await connected.get_prompt("acme_plan_month", {"month": "5"})
    assert got.messages[0].content.text == "Plan month 5."  # type: ignore[union-attr]
    (line,) = audit()
    assert (line["event"], line["prompt_name"], line["user_id"], line["outcome"]) == (
        "call",
        "acme_plan_month",
        "dana",
        "ok",
    )
    assert (line["arguments"], line["mcp_response"]) == ({"month": "5"}, len("Plan month 5."))


async def test_resource_audit_line(connected: Client[Any], audit: Lines) -> None:
    (part,) = await connected.read_resource("acme://about/5")
    assert part.text == "About 5"  # type: ignore[union-attr]
    (line,) = audit()
    assert (line["resource_uri"], line["outcome"], line["mcp_response"]) == ("acme://about/5", "ok", len("About 5"))


@pytest.mark.parametrize(
    ("arguments", "outcome", "sentence"),
    [
        ({}, "input", "Error: Argument `month` is missing. Call acme_plan_month again with it."),
        ({"month": "x"}, "input", "Error: Argument `month` does not fit: "),
        ({"month": "1", "mont": "1"}, "input", "Error: Unknown argument `mont`; did you mean `month`?"),
        ({"month": "3"}, "not_found", "Error: There is no March. Take April."),
        (
            {"month": "4"},
            "upstream",
            "Error: acme_plan_month took longer than 0.2 seconds and was stopped. Ask for less",
        ),
        ({"month": "2"}, "upstream", "Error: acme_plan_month failed inside Flotilla (ValueError). Tell the user"),
    ],
)
async def test_prompt_errors(
    connected: Client[Any], audit: Lines, arguments: dict[str, str], outcome: str, sentence: str
) -> None:
    text = await refusal(connected.get_prompt("acme_plan_month", arguments))
    assert text.startswith(sentence)
    assert "customer" not in text
    lines = audit()
    (line,) = [line for line in lines if line["event"] == "call"]
    assert (line["prompt_name"], line["outcome"]) == ("acme_plan_month", outcome)
    assert "canary" not in json.dumps(lines)


@pytest.mark.parametrize(
    ("number", "outcome", "sentence"),
    [
        ("x", "input", "Error: Argument `number` does not fit: "),
        ("2", "upstream", "Error: acme_about failed inside Flotilla (ValueError). Tell the user"),
        ("4", "upstream", "Error: acme_about took longer than 0.2 seconds and was stopped."),
    ],
)
async def test_resource_errors(connected: Client[Any], audit: Lines, number: str, outcome: str, sentence: str) -> None:
    text = await refusal(connected.read_resource(f"acme://about/{number}"))
    assert text.startswith(sentence)
    assert "customer" not in text
    (line,) = [line for line in audit() if line["event"] == "call"]
    assert (line["resource_uri"], line["outcome"]) == (f"acme://about/{number}", outcome)


async def test_prompt_unknown_is_audited(connected: Client[Any], audit: Lines) -> None:
    await refusal(connected.get_prompt("acme_nothing"))
    (line,) = audit()
    assert (line["prompt_name"], line["outcome"]) == ("acme_nothing", "not_found")


async def test_prompt_wrong_fleet_setting(
    connected: Client[Any], shelf: ScratchServer, environ: pytest.MonkeyPatch, audit: Lines
) -> None:
    environ.setenv("FLOTILLA_DEADLINE", "soon")
    shelf.reset()
    assert "Error: FLOTILLA_DEADLINE is wrong" in await refusal(connected.get_prompt("acme_plan_month", {"month": "5"}))
    assert audit()[-1]["outcome"] == "setup"
