"""An appointment by phone: the customer is called, presses 1 or 2, and Cal.com follows; then the same by the bridge."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.calcom.tests.fake import PARIS, FakeCalcom, person
from flotilla_servers.telephony.tests.bridge_fakes import BOARD_TOKEN, CALLED, FakeModel, ModelCall, running_bridge
from flotilla_servers.telephony.tests.bridge_fakes import FakeTwilio as FakeStream
from flotilla_servers.telephony.tests.fake import KNOWN, NEW, FakeTwilio
from flotilla_testing.waiting import eventually
from tests.scenarios.harness import KINDS, Gateway, call_error, call_ok
from tests.scenarios.vendors import connected

pytestmark = pytest.mark.timeout(180)
NUMBER, SLOT = "06 12 34 56 78", "2030-06-04T14:00:00+02:00"
DAY = {"event_type": "Appel", "start": "2030-06-04T14:00", "days": 1}
TEXT = "Bonjour, l’atelier peut vous rappeler mardi 4 juin à 14 heures. Pour confirmer, tapez 1. Pour refuser, tapez 2."
STANDING = "Bonjour, nous vous rappelons mardi 4 juin à 14 heures. Pour confirmer, tapez 1. Pour annuler, tapez 2."


@dataclass
class Workshop:
    """A gateway to the workshop's phone and its bookings."""

    gateway: Gateway
    twilio: FakeTwilio
    calcom: FakeCalcom

    def booked(self) -> list[tuple[str, str]]:
        """Return start and status of what is booked in Cal.com."""
        return [(one["start"], one["status"]) for one in self.calcom.bookings.values()]

    def book_jean(self) -> dict[str, Any]:
        """Book the call with Jean, who gave his phone number alone."""
        jean = person("Jean Dupont", None, KNOWN)
        return self.calcom.book("Appel", datetime(2030, 6, 4, 12, tzinfo=UTC), jean)


@pytest.fixture(params=KINDS)
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workshop]:
    """The workshop with each kind of gateway that is on this machine."""
    twilio, calcom = FakeTwilio(), FakeCalcom()
    with connected(request.param, tmp_path, "phone", {"telephony": twilio, "calcom": calcom}) as gateway:
        yield Workshop(gateway, twilio, calcom)


async def ask(client: Client[Any], text: str) -> str:
    """Call Jean with a question while his phone rings, and return its id."""
    asked = await call_ok(client, "tel_start_question", to=NUMBER, text=text)
    assert (asked["to"], asked["language"]) == (KNOWN, "fr-FR")
    waiting = await call_ok(client, "tel_get_answer", question=asked["question"], wait=0)
    assert waiting["state"] == "waiting"
    return str(asked["question"])


async def test_phone_scenario(workshop: Workshop) -> None:
    """A free time is proposed; Jean presses 1, and the time is booked for him by his number."""
    gateway, twilio = workshop.gateway, workshop.twilio
    async with gateway.client(answer=True) as client:
        free = (await call_ok(client, "calcom_list_available_times", **DAY))["items"]
        assert free[0]["start_time"] == SLOT
        question = await ask(client, TEXT)
        assert twilio.runs[-1]["data"] == {"text": TEXT, "closing": "Merci. Au revoir."}
        twilio.press("1")
        answer = await call_ok(client, "tel_get_answer", question=question)
        assert (answer["state"], answer["digits"]) == ("answered", "1")
        attendee = {"name": "Jean Dupont", "phone": NUMBER}
        made = await call_ok(client, "calcom_book_event", event_type="Appel", start=free[0]["start_time"], **attendee)
        assert (made["status"], made["start_time"], made["notified"]) == ("accepted", SLOT, [KNOWN])
        again = await call_error(client, "calcom_book_event", event_type="Appel", start=SLOT, **attendee)
        assert "has booked this time already" in again
    assert gateway.asked == []  # Jean is known to both
    assert workshop.booked() == [("2030-06-04T12:00:00.000Z", "accepted")]
    assert len(twilio.runs) == 1


async def test_phone_scenario_two_cancels(workshop: Workshop) -> None:
    """What Jean has booked is found by his number and said to him; he presses 2, and it is cancelled after a yes."""
    workshop.book_jean()
    gateway = workshop.gateway
    async with gateway.client(answer=True) as client:
        (mine,) = (await call_ok(client, "calcom_list_bookings", attendee=NUMBER))["items"]
        question = await ask(client, STANDING)
        workshop.twilio.press("2")
        answer = await call_ok(client, "tel_get_answer", question=question)
        assert answer["digits"] == "2"
        reason = "Annulé par téléphone par le client."
        gone = await call_ok(client, "calcom_cancel_booking", booking=mine["uid"], reason=reason)
        assert gone["status"] == "cancelled"
    (asked,) = gateway.asked
    assert "Cancel «Appel entre Zoé Lefèvre et Jean Dupont»" in asked
    assert workshop.booked() == [("2030-06-04T12:00:00.000Z", "cancelled")]


async def test_phone_scenario_nobody_picks_up(workshop: Workshop) -> None:
    """No second call while it rings; once the answer says that nobody was reached, Jean can be called again."""
    async with workshop.gateway.client(answer=True) as client:
        first = await ask(client, TEXT)
        assert "is under way already" in await call_error(client, "tel_start_question", to=NUMBER, text=TEXT)
        workshop.twilio.refuse_call()
        answer = await call_ok(client, "tel_get_answer", question=first)
        assert answer["state"] == "not_reached"
        assert "digits" not in answer
        await ask(client, TEXT)
    assert len(workshop.twilio.runs) == 2
    assert workshop.booked() == []


async def test_phone_scenario_somebody_new_is_not_called_without_a_yes(workshop: Workshop) -> None:
    async with workshop.gateway.client(answer=False) as client:
        assert "did not agree" in await call_error(client, "tel_start_question", to=NEW, text=TEXT)
    (asked,) = workshop.gateway.asked
    assert f"ask «{TEXT}» to +33 6 98 76 54 32? New to this account" in asked
    assert workshop.twilio.calls == []


# -- by the bridge: a stand-in model on the line calls the same tools


@asynccontextmanager
async def on_the_phone(workshop: Workshop) -> AsyncIterator[tuple[FakeStream, ModelCall]]:
    """Call Jean by the bridge, which has the tools of Cal.com; yield both sides of the call, its greeting over."""
    async with workshop.gateway.served(BOARD_TOKEN) as address, FakeModel() as model:
        tools = {"switchboard_url": address, "switchboard_token": BOARD_TOKEN, "tools": "calcom_*"}
        async with running_bridge(model.url, **tools) as bridge:
            caller = bridge.twilio()
            await caller.announce(Direction="outbound-api", From=CALLED, To=KNOWN)
            await caller.open()
            call = await model.call()
            assert f"You called {KNOWN} from {CALLED}" in call.session["instructions"]
            await eventually(lambda: call.responses)
            yield caller, call
            await caller.hang_up()
            await bridge.ended()
            assert {line["outcome"] for line in bridge.audit.of("tool")} == {"ok"}
            assert (caller.violations, call.violations) == ([], [])


async def use(call: ModelCall, tool: str, /, **arguments: Any) -> dict[str, Any]:
    """Call a tool as the model does; return its output once the model was asked to say it."""
    responses, call_id = call.responses, f"call_{len(call.outputs) + 1}"
    await call.call_tool(tool, arguments, call_id)
    output = await call.output(call_id)
    await eventually(lambda: call.responses > responses)
    assert not output.startswith("Error:"), output
    return dict(json.loads(output))


async def say_and_hear_key(caller: FakeStream, call: ModelCall, key: str) -> None:
    """Say the appointment, and let the caller press a key, which the model reads."""
    spoken = b"\x01" * 1600
    await call.speak(f"item_{key}", spoken)
    await eventually(lambda: caller.received.endswith(spoken))
    await caller.hear(1000)
    await caller.press(f"{key}#")
    await eventually(lambda: call.texts)
    assert call.texts.pop() == f"(The caller pressed on the keypad: {key} #)"


@pytest.mark.parametrize("workshop", ["process"], indirect=True)
async def test_phone_scenario_by_the_bridge(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model, told what day it is, finds the time, says it, and books it after the caller has pressed 1."""
    monkeypatch.setenv("FLOTILLA_TIMEZONE", "Europe/Paris")
    began = datetime.now(PARIS)
    async with on_the_phone(workshop) as (caller, call):
        clock = re.search(r"It is (\w+ \d+ \w+ \d+, \d+:\d+) in Europe/Paris\.", call.session["instructions"])
        assert clock
        now = datetime.strptime(clock[1], "%A %d %B %Y, %H:%M").replace(tzinfo=PARIS)
        assert began.replace(second=0, microsecond=0) <= now <= datetime.now(PARIS)
        names = {tool["name"] for tool in call.session["tools"]}
        assert {"calcom_list_available_times", "calcom_book_event"} <= names
        assert "calcom_create_event_type" not in names  # the core tier
        assert not any(name.startswith("tel_") for name in names)
        free = await use(call, "calcom_list_available_times", **DAY)
        assert free["items"][0]["start_time"] == SLOT
        await say_and_hear_key(caller, call, "1")
        booking = {"event_type": "Appel", "start": SLOT, "name": "Jean Dupont", "phone": NUMBER}
        made = await use(call, "calcom_book_event", **booking)
        assert (made["status"], made["notified"]) == ("accepted", [KNOWN])
    assert workshop.booked() == [("2030-06-04T12:00:00.000Z", "accepted")]


@pytest.mark.parametrize("workshop", ["process"], indirect=True)
async def test_phone_scenario_by_the_bridge_two_cancels(workshop: Workshop) -> None:
    """The caller presses 2 to cancel; the question is said to them, and only their own yes cancels."""
    workshop.book_jean()
    async with on_the_phone(workshop) as (caller, call):
        (mine,) = (await use(call, "calcom_list_bookings", attendee=NUMBER))["items"]
        await say_and_hear_key(caller, call, "2")
        wanted = {"booking": mine["uid"], "reason": "Annulé par téléphone par le client."}
        asked = await use(call, "calcom_cancel_booking", **wanted)
        assert "Cancel «Appel entre Zoé Lefèvre et Jean Dupont»" in asked["question"]
        assert workshop.booked() == [("2030-06-04T12:00:00.000Z", "accepted")]
        await say_and_hear_key(caller, call, "1")
        gone = await use(call, "calcom_cancel_booking", **wanted, confirm_token=asked["confirm_token"])
        assert gone["status"] == "cancelled"
    assert workshop.booked() == [("2030-06-04T12:00:00.000Z", "cancelled")]
