"""Bookings, moves and what they rest on, against a Calendly that keeps state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flotilla_servers.calendly.tests.conftest import Tool
from flotilla_servers.calendly.tests.fake import HOME, ME, FakeCalendly
from flotilla_testing import Response

MONDAY = datetime(2030, 6, 3, 7, tzinfo=UTC)  # 09:00 in Paris
JEAN: dict[str, Any] = {"email": "jean.dupont@exemple.fr", "name": "Jean Dupont"}
REFUSED = Response.of({"title": "Internal Server Error", "message": "no"}, 500)


def sent(fake: FakeCalendly) -> Any:
    """The body of the last request that may have changed something."""
    return fake.writes[-1].json()


# -- booking ----------------------------------------------------------------------------------------------------------


async def test_book_event(fake: FakeCalendly, tool: Tool, asked: list[str]) -> None:
    booked = await tool(
        "book_event",
        event_type="premier echange",
        start="2030-06-03T14:00",
        **JEAN,
        answers=[{"question": "votre projet ?", "answer": "Une cuisine à 12 000 €"}],
        guests="paul@exemple.fr, jean.dupont@exemple.fr",
    )
    assert sent(fake) == {
        "event_type": fake.uri("Premier échange"),
        "start_time": "2030-06-03T12:00:00Z",
        "invitee": {"name": "Jean Dupont", "email": "jean.dupont@exemple.fr", "timezone": "Europe/Paris"},
        "location": {"kind": "zoom_conference"},
        "questions_and_answers": [{"question": "Votre projet ?", "answer": "Une cuisine à 12 000 €", "position": 0}],
        "event_guests": ["paul@exemple.fr"],
    }
    event = next(iter(fake.events))
    assert booked["event"] == event
    assert booked["invitee"] == next(iter(fake.invitees))
    assert booked["start_time"] == "2030-06-03T14:00:00+02:00"
    assert booked["notified"] == ["jean.dupont@exemple.fr", "paul@exemple.fr"]
    assert booked["reschedule_url"].startswith("https://calendly.com/reschedulings/")
    assert asked == []  # two people: no more than a person would write to


async def test_book_event_time_not_free_lists_free_times(fake: FakeCalendly, problem: Tool) -> None:
    fake.book("Visite", MONDAY, "luc@exemple.fr")
    message = await problem("book_event", event_type="Visite", start="2030-06-03T09:00", location="physical", **JEAN)
    assert message == (
        "Error: 3 June 2030, 09:00 (Europe/Paris) is not free. "
        "Free on that day: 10:00, 11:00, 12:00, 13:00, 14:00, 15:00, 16:00."
    )
    weekend = await problem("book_event", event_type="Équipe", start="2030-06-01T09:00", **JEAN)
    assert weekend.endswith("Choose another day with calendly_list_available_times.")
    assert fake.writes == []


async def test_book_event_twice_books_once(fake: FakeCalendly, tool: Tool, problem: Tool) -> None:
    arguments = {"event_type": "Équipe", "start": "2030-06-03T09:00", **JEAN}
    booked = await tool("book_event", **arguments)
    message = await problem("book_event", **arguments)
    assert "jean.dupont@exemple.fr has booked this time already; nothing was done." in message
    assert booked["event"] in message
    assert len(fake.writes) == 1


async def test_book_event_with_idempotency_key_returns_the_first_result(fake: FakeCalendly, tool: Tool) -> None:
    arguments = {"event_type": "Équipe", "start": "2030-06-03T09:00", "idempotency_key": "k1", **JEAN}
    assert await tool("book_event", **arguments) == await tool("book_event", **arguments)
    assert len(fake.writes) == 1


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("2030-06-03", "The start has no time of day."),
        ("2020-06-03T09:00", "3 June 2020, 09:00 (Europe/Paris) is in the past."),
    ],
)
async def test_book_event_start_refused(fake: FakeCalendly, problem: Tool, start: str, message: str) -> None:
    assert message in await problem("book_event", event_type="Équipe", start=start, **JEAN)
    assert fake.writes == []


@pytest.mark.parametrize(
    ("name", "location", "expected"),
    [
        ("Visite", "physical", {"kind": "physical", "location": "12 rue de l’Œuvre, Lyon"}),
        ("Visite", "12 rue de l'œuvre, lyon", {"kind": "physical", "location": "12 rue de l’Œuvre, Lyon"}),
        ("Visite", "zoom_conference", {"kind": "zoom_conference"}),
        ("Appel", "+33 6 12 34 56 78", {"kind": "outbound_call", "location": "+33 6 12 34 56 78"}),
        ("Équipe", None, None),  # a host is chosen by Calendly, and the place with them
    ],
)
async def test_book_event_location(
    fake: FakeCalendly, tool: Tool, name: str, location: str | None, expected: dict[str, str] | None
) -> None:
    chosen = {"location": location} if location else {}
    await tool("book_event", event_type=name, start="2030-06-03T09:00", **JEAN, **chosen)
    assert sent(fake).get("location") == expected


@pytest.mark.parametrize(
    ("name", "location", "message"),
    [
        ("Visite", None, "Pass one as location: zoom_conference, 12 rue de l’Œuvre, Lyon."),
        ("Visite", "Paris", "Pass one as location: zoom_conference, 12 rue de l’Œuvre, Lyon."),
        ("Appel", None, "Pass the invitee's phone number, with +33 or the like, as location."),
        ("Équipe", "Lyon", "This event type has no place to choose. Leave the location out."),
    ],
)
async def test_book_event_location_unclear(
    fake: FakeCalendly, problem: Tool, name: str, location: str | None, message: str
) -> None:
    chosen = {"location": location} if location else {}
    assert message in await problem("book_event", event_type=name, start="2030-06-03T09:00", **JEAN, **chosen)
    assert fake.writes == []


async def test_book_event_answers_required_and_checked(fake: FakeCalendly, tool: Tool, problem: Tool) -> None:
    booking = {"event_type": "Devis", "start": "2030-06-03T09:00", **JEAN}
    assert "Answer: Budget (Petit, Grand)." in await problem("book_event", **booking)
    unknown = [{"question": "Couleur", "answer": "bleu"}]
    assert "There is no question `Couleur`. There are: Adresse, Budget." in await problem(
        "book_event", **booking, answers=unknown
    )
    unfit = [{"question": "budget", "answer": "Moyen"}]
    assert "There is no choice `Moyen`. There are: Petit, Grand." in await problem(
        "book_event", **booking, answers=unfit
    )
    assert fake.writes == []
    await tool("book_event", **booking, answers=[{"question": "budget", "answer": "grand"}])
    assert sent(fake)["questions_and_answers"] == [{"question": "Budget", "answer": "Grand", "position": 1}]


async def test_book_event_many_people_are_asked_about(fake: FakeCalendly, tool: Tool, asked: list[str]) -> None:
    guests = [f"g{number}@exemple.fr" for number in range(6)]
    await tool("book_event", event_type="Équipe", start="2030-06-03T09:00", **JEAN, guests=guests)
    assert len(asked) == 1
    assert asked[0].startswith(
        "Book «Équipe» of 3 June 2030, 09:00 (Europe/Paris) and send an e-mail to 7 recipients: jean.dupont@exemple.fr"
    )


async def test_book_event_unknown_event_type_lists_names(fake: FakeCalendly, problem: Tool) -> None:
    message = await problem("book_event", event_type="Démo", start="2030-06-03T09:00", **JEAN)
    assert "There is no event type `Démo`." in message
    assert "Premier échange" in message


async def test_book_event_dry_run_sends_nothing(fake: FakeCalendly, tool: Tool) -> None:
    shown = await tool("book_event", event_type="Équipe", start="2030-06-03T09:00", dry_run=True, **JEAN)
    assert shown["dry_run"]["body"]["start_time"] == "2030-06-03T07:00:00Z"
    assert fake.writes == []


# -- moving -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def old(fake: FakeCalendly) -> str:
    """A meeting of Jean, at 09:00 on a Monday; returns its uri."""
    answer = {"question": "Votre projet ?", "answer": "Une cuisine", "position": 0}
    invitee = fake.book("Premier échange", MONDAY, JEAN["email"], guests=["paul@exemple.fr"], answers=[answer])
    return str(invitee["event"])


async def test_reschedule_event(fake: FakeCalendly, tool: Tool, asked: list[str], old: str) -> None:
    moved = await tool("reschedule_event", event=old, start="2030-06-04T10:00")
    assert asked == [
        "Move «Premier échange» with Jean Dupont from 3 June 2030, 09:00 (Europe/Paris) to 4 June 2030, 10:00 "
        "(Europe/Paris)? jean.dupont@exemple.fr, paul@exemple.fr will be notified by e-mail."
    ]
    booking, cancellation = fake.writes
    assert booking.json() == {
        "event_type": fake.uri("Premier échange"),
        "start_time": "2030-06-04T08:00:00Z",
        "invitee": {"name": "Jean Dupont", "email": "jean.dupont@exemple.fr", "timezone": "Europe/Paris"},
        "location": {"kind": "zoom_conference"},
        "questions_and_answers": [{"question": "Votre projet ?", "answer": "Une cuisine", "position": 0}],
        "event_guests": ["paul@exemple.fr"],
    }
    assert cancellation.path.endswith("/cancellation")
    assert cancellation.json() == {"reason": "Moved to 4 June 2030, 10:00 (Europe/Paris)"}
    assert moved["start_time"] == "2030-06-04T10:00:00+02:00"
    assert fake.events[old]["status"] == "canceled"
    assert fake.events[moved["event"]]["status"] == "active"


async def test_reschedule_event_keeps_the_place(fake: FakeCalendly, tool: Tool) -> None:
    place = {"kind": "physical", "location": "12 rue de l’Œuvre, Lyon"}
    event = fake.book("Visite", MONDAY, JEAN["email"], location=place)["event"]
    await tool("reschedule_event", event=event, start="2030-06-04T10:00", reason="Salon")
    assert fake.writes[0].json()["location"] == place
    assert sent(fake) == {"reason": "Salon"}


async def test_reschedule_event_new_time_not_free_keeps_the_old(fake: FakeCalendly, problem: Tool, old: str) -> None:
    assert "is not free" in await problem("reschedule_event", event=old, start="2030-06-04T20:00")
    assert fake.writes == []
    assert fake.events[old]["status"] == "active"


async def test_reschedule_event_booking_refused_keeps_the_old(fake: FakeCalendly, problem: Tool, old: str) -> None:
    fake.refuse.append(("/invitees", REFUSED))
    await problem("reschedule_event", event=old, start="2030-06-04T10:00")
    assert [request.path for request in fake.writes] == ["/invitees"]
    assert fake.events[old]["status"] == "active"


async def test_reschedule_event_repeated_after_half_of_it_books_once(
    fake: FakeCalendly, tool: Tool, problem: Tool, old: str
) -> None:
    """The old meeting could not be cancelled: the same call again does that alone."""
    fake.refuse.append(("/cancellation", REFUSED))
    message = await problem("reschedule_event", event=old, start="2030-06-04T10:00")
    assert "before you repeat it" in message
    assert fake.events[old]["status"] == "active"
    moved = await tool("reschedule_event", event=old, start="2030-06-04T10:00")
    assert fake.events[old]["status"] == "canceled"
    assert [request.path for request in fake.writes].count("/invitees") == 1
    assert fake.events[moved["event"]]["status"] == "active"


async def test_reschedule_event_several_invitees_refused(fake: FakeCalendly, problem: Tool, old: str) -> None:
    fake.invite(old, "luc@exemple.fr", name="Luc")
    message = await problem("reschedule_event", event=old, start="2030-06-04T10:00")
    assert "This meeting has 2 invitees" in message
    assert "reschedule_url" in message
    assert fake.writes == []


async def test_reschedule_event_canceled_or_over_refused(fake: FakeCalendly, problem: Tool, old: str) -> None:
    fake.events[old]["status"] = "canceled"
    assert "cancelled already" in await problem("reschedule_event", event=old, start="2030-06-04T10:00")
    past = fake.book("Équipe", datetime(2020, 6, 3, 7, tzinfo=UTC), JEAN["email"])["event"]
    assert "has begun or is over" in await problem("reschedule_event", event=past, start="2030-06-04T10:00")
    assert fake.writes == []


async def test_reschedule_event_dry_run_shows_both_requests(fake: FakeCalendly, tool: Tool, old: str) -> None:
    shown = (await tool("reschedule_event", event=old, start="2030-06-04T10:00", dry_run=True))["dry_run"]
    assert shown["url"].endswith("/invitees")
    assert shown["then"][0]["url"].endswith("/cancellation")
    assert fake.writes == []


async def test_cancel_event_canceled_one_asks_nobody(
    fake: FakeCalendly, tool: Tool, problem: Tool, asked: list[str], old: str
) -> None:
    await tool("cancel_event", event=old)
    assert fake.events[old]["status"] == "canceled"
    assert "cancelled already; nothing was done" in await problem("cancel_event", event=old)
    assert len(asked) == 1


# -- looking up -------------------------------------------------------------------------------------------------------


async def test_list_available_times_today_begins_now(fake: FakeCalendly, tool: Tool) -> None:
    """Calendly refuses a start that is past, which the first instant of today is."""
    today = datetime.now(UTC).date()
    for start in ({"start": today.isoformat()}, {"start": (today - timedelta(days=1)).isoformat()}, {}):
        page = await tool("list_available_times", event_type="Équipe", days=4, **start)
        assert all(datetime.fromisoformat(one["start_time"]) > datetime.now(UTC) for one in page["items"])
    assert all(request.path != "/event_types" or request.query for request in fake.vendor.requests)


async def test_list_available_times_past_days_refused(fake: FakeCalendly, problem: Tool) -> None:
    message = await problem("list_available_times", event_type="Équipe", start="2020-06-01")
    assert message == "Error: These days are in the past. Pass a start of today or later."


async def test_event_types_by_name(fake: FakeCalendly, tool: Tool, problem: Tool) -> None:
    page = await tool("list_available_times", event_type="  VISITE ", start="2030-06-03", days=1)
    assert page["items"][0]["start_time"] == "2030-06-03T09:00:00+02:00"
    link = await tool("create_scheduling_link", event_type="premier échange")
    assert link["booking_url"].startswith("https://calendly.com/d/")
    assert fake.links == [fake.uri("Premier échange")]
    fake.add_type("Visite")
    message = await problem("get_event_type", event_type="visite")
    assert message.startswith("Error: More than one event type is called `visite`:")


async def test_event_type_name_beyond_the_first_page(fake: FakeCalendly, tool: Tool) -> None:
    for number in range(120):
        fake.add_type(f"Type {number}")
    kind = await tool("get_event_type", event_type="Type 119")
    assert kind["name"] == "Type 119"


async def test_get_event_type(fake: FakeCalendly, tool: Tool) -> None:
    kind = await tool("get_event_type", event_type="Devis")
    assert [(one["question"], one["required"]) for one in kind["questions"]] == [("Adresse", False), ("Budget", True)]
    assert kind["questions"][1]["choices"] == ["Petit", "Grand"]
    assert kind["owner"] == "Zoé Lefèvre"
    assert kind["places"] == []
    visit = await tool("get_event_type", event_type=fake.uri("Visite"))
    assert [one["kind"] for one in visit["places"]] == ["zoom_conference", "physical"]


async def test_list_events_of_a_member(fake: FakeCalendly, tool: Tool, problem: Tool) -> None:
    fake.book("Équipe", MONDAY, JEAN["email"])
    mine = await tool("list_events", after="2030-06-03", before="2030-06-03")
    assert mine["items"][0]["start_time"] == "2030-06-03T09:00:00+02:00"
    assert mine["items"][0]["hosts"] == [{"uri": ME, "name": "Zoé Lefèvre", "email": "zoe@atelier.example"}]
    assert (await tool("list_events", whose="Marie@atelier.example"))["items"] == []
    assert (await tool("list_event_types", whose="marie@atelier.example"))["items"] == []
    assert "Nobody in the organization" in await problem("list_events", whose="luc@atelier.example")
    assert "is not me, organization or the e-mail address" in await problem("list_events", whose="Marie")


async def test_list_members(fake: FakeCalendly, tool: Tool) -> None:
    members = (await tool("list_members"))["items"]
    assert [(one["name"], one["role"]) for one in members] == [("Zoé Lefèvre", "owner"), ("Marie Curie", "user")]
    only = (await tool("list_members", email="marie@atelier.example"))["items"]
    assert [one["uri"] for one in only] == [f"{HOME}/users/MARIE"]


async def test_list_busy_times(fake: FakeCalendly, tool: Tool) -> None:
    event = fake.book("Équipe", MONDAY, JEAN["email"])["event"]
    busy = (await tool("list_busy_times", start="2030-06-03", days=7))["items"]
    assert busy == [
        {
            "type": "calendly",
            "start_time": "2030-06-03T09:00:00+02:00",
            "end_time": "2030-06-03T09:30:00+02:00",
            "event": event,
        }
    ]
    assert (await tool("list_busy_times", start="2030-06-03", whose="marie@atelier.example"))["items"] == []


# -- no-shows and event types -----------------------------------------------------------------------------------------


async def test_mark_no_show_and_undo(fake: FakeCalendly, tool: Tool, problem: Tool, old: str) -> None:
    invitee = next(iter(fake.invitees))
    assert (await tool("mark_no_show", invitee=invitee))["marked"] is True
    listed = await tool("list_invitees", event=old)
    assert listed["items"][0]["no_show"] is True
    assert (await tool("mark_no_show", invitee=invitee, undo=True)) == {"marked": False}
    assert fake.no_shows == {}
    assert "is not marked" in await problem("mark_no_show", invitee=invitee, undo=True)


async def test_update_event_type_switched_off_and_on(fake: FakeCalendly, tool: Tool, problem: Tool) -> None:
    off = await tool("update_event_type", event_type="Visite", active=False)
    assert off["active"] is False
    assert sent(fake) == {"active": False}
    assert (await tool("list_available_times", event_type="Visite", start="2030-06-03"))["items"] == []
    on = await tool("update_event_type", event_type="Visite", active=True, name="Visite du chantier", duration=45)
    assert (on["active"], on["name"], on["duration"]) == (True, "Visite du chantier", 45)
    assert "No change is named." in await problem("update_event_type", event_type="Appel")


async def test_create_one_off_event_type(fake: FakeCalendly, tool: Tool, problem: Tool) -> None:
    days = {"first_day": "2030-06-03", "last_day": "2030-06-07"}
    made = await tool(
        "create_one_off_event_type", name="Chantier", duration=45, **days, place="physical", address="Lyon"
    )
    assert sent(fake) == {
        "name": "Chantier",
        "host": ME,
        "duration": 45,
        "timezone": "Europe/Paris",
        "date_setting": {"type": "date_range", "start_date": "2030-06-03", "end_date": "2030-06-07"},
        "location": {"kind": "physical", "location": "Lyon"},
    }
    assert made["scheduling_url"] == fake.types[made["uri"]]["scheduling_url"]
    backwards = {"first_day": "2030-06-07", "last_day": "2030-06-03"}
    assert "`last_day` is not after `first_day`" in await problem(
        "create_one_off_event_type", name="Chantier", duration=45, **backwards
    )
    assert "do not fit" in await problem("create_one_off_event_type", name="C", duration=45, **days, place="physical")
    assert "do not fit" in await problem("create_one_off_event_type", name="C", duration=45, **days, address="Lyon")
    assert len(fake.writes) == 1
