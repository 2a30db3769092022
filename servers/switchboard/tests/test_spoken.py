"""What a person hears: a sentence while a call takes long, and one for a server that cannot be reached."""

import asyncio
from typing import Any

import pytest

from flotilla_launcher.naming import words_of
from flotilla_servers.switchboard.circuit import FAILURES, LONGEST, PAUSE, Circuit
from flotilla_servers.switchboard.spoken import Sentences, language

from .conftest import BOTH


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        ("fr", {"LANG": "en_US.UTF-8"}, "fr"),
        ("auto", {"LANG": "fr_FR.UTF-8"}, "fr"),
        ("auto", {"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ("auto", {}, "en"),
    ],
)
def test_language(option: str, environ: dict[str, str], expected: str) -> None:
    assert language(option, environ) == expected


@pytest.mark.parametrize(
    ("tool", "reads", "sentence"),
    [
        ("hubspot_search_contacts", True, "Je cherche dans HubSpot …"),
        ("hubspot_create_contact", False, "Je m’en occupe dans HubSpot …"),
        ("gmail_send_email", False, "Je prépare l’envoi avec HubSpot …"),
        ("make_run_scenario", False, "Je lance cela dans HubSpot …"),
        ("gcal_check_availability", True, "Je vérifie dans HubSpot …"),
        ("send", False, "Je m’en occupe dans HubSpot …"),
    ],
)
def test_working_sentence_by_the_verb_of_the_tool(tool: str, reads: bool, sentence: str) -> None:
    assert Sentences("fr").working(words_of(tool), "HubSpot", reads) == sentence


async def heard(
    fleet: Any, person: Any, era: str, tool: str, *options: str, **arguments: Any
) -> list[tuple[float, str]]:
    """Return the progress that a client gets during one call, each with its message."""
    steps: list[tuple[float, str]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        steps.append((progress, message or ""))

    async with fleet.inside(*options) as (gateway, _), person(gateway, era).client as client:
        await client.call_tool_mcp("probe_echo", {})
        await client.call_tool_mcp(tool, arguments, progress_handler=note)
    return steps


@BOTH
async def test_long_read_is_announced(fleet: Any, person: Any, era: str) -> None:
    fleet.spec["title"] = "Été & Cie"
    options = ("--say-after", "0.05", "--language", "fr")
    steps = await heard(fleet, person, era, "probe_say", *options, text="x", pause=1)
    assert steps == [(0, "Je cherche dans Été & Cie …")]


@BOTH
async def test_long_write_is_announced(fleet: Any, person: Any, era: str) -> None:
    steps = await heard(fleet, person, era, "probe_block", "--say-after", "0.05", "--language", "en", seconds=1)
    assert steps == [(0, "Working on it in Probe …")]


@BOTH
async def test_progress_of_the_server_is_left_alone(fleet: Any, person: Any, era: str) -> None:
    steps = await heard(fleet, person, era, "probe_wait", "--say-after", "0.5", seconds=2, name="own")
    assert steps == [(step, "own") for step in (1, 2, 3, 4)]


async def test_short_call_is_not_announced(fleet: Any, person: Any) -> None:
    assert await heard(fleet, person, "auto", "probe_echo", "--say-after", "30") == []
    assert await heard(fleet, person, "auto", "probe_say", "--say-after", "0", text="x", pause=0.3) == []


def test_circuit_opens_after_failures_in_a_row_and_closes_with_a_success() -> None:
    now = 100.0
    circuit = Circuit(lambda: now)
    for _ in range(FAILURES - 1):
        circuit.note(reached=False, began=now)
    circuit.note(reached=True, began=now)
    for _ in range(FAILURES - 1):
        circuit.note(reached=False, began=now)
    assert circuit.left() == 0
    circuit.note(reached=False, began=now)
    assert circuit.left() == PAUSE
    now += PAUSE
    assert circuit.left() == 0
    for pause in (2 * PAUSE, 4 * PAUSE, 8 * PAUSE, LONGEST, LONGEST):
        circuit.note(reached=False, began=now)
        assert circuit.left() == pause
        now += pause
    circuit.note(reached=True, began=now)
    circuit.note(reached=False, began=now)
    assert circuit.left() == 0


def test_circuit_counts_calls_that_fail_together_once() -> None:
    now = 100.0
    circuit = Circuit(lambda: now)
    for _ in range(FAILURES):
        circuit.note(reached=False, began=99)
    assert circuit.left() == 0
    for began in range(100, 100 + FAILURES - 1):
        now = began + 0.5
        circuit.note(reached=False, began=began)
    assert circuit.left() == PAUSE


async def test_server_that_cannot_start_is_left_alone_and_tried_again(fleet: Any, person: Any) -> None:
    command = fleet.folder / "flotilla-probe"
    working = command.read_text()
    command.write_text("#!/bin/sh\necho nobody home >&2\nexit 3\n")
    options = ("--language", "fr")
    async with fleet.inside(*options) as (gateway, [backend]), (one := person(gateway, "auto")).client:
        for _ in range(FAILURES):
            text = await one.call("probe_echo")
            assert text.startswith("Error: probe could not start: nobody home. Nothing was done.")
            assert text.endswith("Tell the user: “Je ne peux pas accéder à Probe pour le moment.”")
        command.write_text(working)
        text = await one.call("probe_echo")
        assert text.startswith(f"Error: probe failed {FAILURES} times in a row, and is tried again in ")
        assert fleet.lines("starts") == []
        backend.circuit._until = asyncio.get_running_loop().time() - 1
        assert not (await one.call("probe_echo")).startswith("Error")
