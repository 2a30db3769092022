"""A standup: yesterday's unread of #ventes, a summary in the thread, tomorrow's meeting moved, its people told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.outlook_calendar.tests.fake import PARIS, FakeGraph
from flotilla_servers.slack.tests.fake import MARIE, PAUL, FakeSlack
from flotilla_servers.teams.tests.fake import MARIE as TEAMS_MARIE
from flotilla_servers.teams.tests.fake import ME, FakeTeams
from flotilla_servers.teams.tests.fake import PAUL as TEAMS_PAUL
from tests.scenarios.harness import KINDS, Gateway, call_error, call_ok
from tests.scenarios.vendors import connected

pytestmark = pytest.mark.timeout(180)
FRIDAY, YESTERDAY, TODAY, TOMORROW = "2030-05-31", "2030-06-03", "2030-06-04", "2030-06-05"
GUESTS = ["marie@atelier.example", "paul@atelier.example"]
SUMMARY = "**Résumé d’hier**\n- Dupont a signé : 12 500 €\n- Lambert attend son devis, @paul s’en charge"
TOLD = "Bonjour, le point ventes de demain est à 15 h au lieu de 10 h."


@dataclass
class Standup:
    """A gateway to Slack, Outlook and Teams on the morning of TODAY; `point` is the weekly meeting."""

    gateway: Gateway
    slack: FakeSlack
    outlook: FakeGraph
    teams: FakeTeams
    point: str

    def starts(self, day: str) -> datetime:
        """Return when the meeting of a day begins, in Paris."""
        begins: datetime = self.outlook.one(f"{self.point}.{day}")["begins"]
        return begins.astimezone(PARIS)


def write(slack: FakeSlack, when: str, user: str, text: str, **more: str) -> str:
    """Write a message in #ventes at a time of Paris, and return its timestamp."""
    slack.clock = int(datetime.fromisoformat(when).replace(tzinfo=PARIS).timestamp()) - 60  # writing takes a minute
    return slack.write(slack.ventes, user, text, **more)


def mentions(blocks: Any) -> list[Any]:
    """Return the people whom the blocks of a message mention."""
    if isinstance(blocks, list):
        return [one for block in blocks for one in mentions(block)]
    return [blocks] if blocks.get("type") == "user" else mentions(blocks.get("elements", []))


@pytest.fixture(params=KINDS)
def standup(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Standup]:
    """What was written since Friday, and a weekly meeting at a time at which Paul is busy tomorrow."""
    slack, outlook, teams = FakeSlack(), FakeGraph(), FakeTeams()
    slack.read[slack.ventes] = write(slack, f"{FRIDAY}T17:00", MARIE, "Bon week-end !")
    signed = write(slack, f"{YESTERDAY}T09:12", MARIE, "Devis Dupont signé : 12 500 € :tada:")
    write(slack, f"{YESTERDAY}T11:40", PAUL, "Lambert attend son devis révisé.")
    write(slack, f"{YESTERDAY}T14:05", PAUL, f"Bravo <@{MARIE}>, je prépare la commande.", thread_ts=signed)
    write(slack, f"{TODAY}T08:30", PAUL, "Bonjour à tous.")
    point = outlook.add("Point ventes", "2030-05-29T10:00", guests=GUESTS, weekly=8)
    taken = (f"{TOMORROW}T07:00", f"{TOMORROW}T13:00", "busy")  # in UTC: from 9 to 15 h in Paris
    outlook.busy = {GUESTS[0]: [], GUESTS[1]: [taken]}
    fakes = {"slack": slack, "outlook-calendar": outlook, "teams": teams}
    with connected(request.param, tmp_path, "standup", fakes) as gateway:
        yield Standup(gateway, slack, outlook, teams, point)


async def test_standup_scenario(standup: Standup) -> None:
    """Eight calls, and no question: nothing reaches anybody new, and one occurrence of the series is moved."""
    gateway = standup.gateway
    async with gateway.client(answer=True) as client:
        unread = await call_ok(
            client, "slack_read_channel", channel="#ventes", unread=True, after=YESTERDAY, before=YESTERDAY
        )
        assert [(one["author"], one["text"]) for one in unread["items"]] == [
            ("paul", "Lambert attend son devis révisé."),
            ("marie", "Devis Dupont signé : 12 500 € :tada:"),
        ]
        (threaded,) = [one for one in unread["items"] if one.get("replies")]
        thread = await call_ok(client, "slack_read_thread", message=threaded["id"])
        assert thread["items"][1]["text"] == "Bravo @marie, je prépare la commande."
        posted = await call_ok(client, "slack_send_message", thread=threaded["id"], text=SUMMARY)
        assert posted["channel"] == "#ventes"

        (meeting,) = (await call_ok(client, "outlook_list_events", after=TOMORROW, before=TOMORROW))["items"]
        assert meeting["title"] == "Point ventes"
        event = await call_ok(client, "outlook_get_event", event=meeting["id"])
        guests = [guest.split()[0] for guest in event["guests"]]
        assert guests == GUESTS
        span = {"after": TOMORROW, "before": TOMORROW, "minutes": 60, "timezone": "Europe/Paris"}
        times = await call_ok(client, "outlook_check_availability", calendars=["primary", *guests], **span)
        start = times["free"][0]["start"]
        assert start == "2030-06-05T15:00:00+02:00"
        moved = await call_ok(client, "outlook_update_event", event=meeting["id"], start=start)
        assert moved["start"] == start
        sent = await call_ok(client, "teams_create_chat", members=guests, text=TOLD)
        assert sent["to"] == "Marie Dupont, Paul Petit"

    assert gateway.asked == []
    _, signed, *_, summary = standup.slack.messages[standup.slack.ventes]
    assert summary["thread_ts"] == signed["ts"]
    assert {"type": "user", "user_id": PAUL} in mentions(summary["blocks"])
    hours = [standup.starts(day).hour for day in ("2030-05-29", TOMORROW, "2030-06-12")]
    assert hours == [10, 15, 10]
    assert [kind for kind, *_ in standup.outlook.mails] == ["invitation", "update"]
    chat = standup.teams.chats[sent["chat"]]
    assert set(chat["members"]) == {ME, TEAMS_MARIE, TEAMS_PAUL}
    assert [one["body"]["content"] for one in standup.teams.messages[sent["chat"]]] == [TOLD]


async def test_standup_scenario_series_stays_without_a_yes(standup: Standup) -> None:
    """To move every meeting of the series is another matter: it is asked about, with their number."""
    gateway = standup.gateway
    async with gateway.client(answer=False) as client:
        (meeting,) = (await call_ok(client, "outlook_search_events", query="point ventes", after=TOMORROW, limit=1))[
            "items"
        ]
        every = {"event": meeting["id"], "scope": "this_and_following", "start": f"{TOMORROW}T15:00"}
        assert "did not agree" in await call_error(client, "outlook_update_event", **every)
    (asked,) = gateway.asked
    assert "Move «Point ventes» from" in asked
    assert standup.starts(TOMORROW).hour == 10
    assert [kind for kind, *_ in standup.outlook.mails] == ["invitation"]


async def test_standup_scenario_unknown_names_list_what_there_is(standup: Standup) -> None:
    async with standup.gateway.client(answer=True) as client:
        assert "#ventes" in await call_error(client, "slack_read_channel", channel="#vente", unread=True)
        assert "teams_search_people" in await call_error(client, "teams_send_chat_message", chat="Marc", text=TOLD)
        wanted = {"members": ["Marie", "Marc"], "text": TOLD}
        assert "`Marc`" in await call_error(client, "teams_create_chat", **wanted)
    assert [fake.writes for fake in (standup.slack, standup.teams)] == [[], []]
