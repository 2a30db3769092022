"""Bookings, moves, answers and what they rest on, against a Cal.com that keeps state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flotilla_servers.calcom.server import server
from flotilla_servers.calcom.tests.fake import FakeCalcom, field, person
from flotilla_testing import Response, Tool, call, environment, text_of

MONDAY = datetime(2030, 6, 3, 7, tzinfo=UTC)  # 09:00 in Paris
JEAN: dict[str, Any] = {"email": "jean.dupont@exemple.fr", "name": "Jean Dupont"}
PAGES = dict.fromkeys(("totalItems", "remainingItems", "returnedItems", "itemsPerPage", "currentPage"), 0)
NONE = {**PAGES, "itemsPerPage": 100, "currentPage": 1, "totalPages": 0, "hasNextPage": False, "hasPreviousPage": False}
NOTHING = Response.of({"status": "success", "data": [], "pagination": NONE})
REFUSED = Response.of({"status": "error", "error": {"code": "Internal", "message": "no"}}, 500)


def sent(fake: FakeCalcom) -> Any:
    """The body of the last request that may have changed something."""
    return fake.writes[-1].json()


def jean(**more: Any) -> dict[str, Any]:
    return person("Jean Dupont", "jean.dupont@exemple.fr", **more)


# -- booking ----------------------------------------------------------------------------------------------------------


async def test_book_event(fake: FakeCalcom, tool: Tool, asked: list[str]) -> None:
    booked = await tool(
        "book_event",
        event_type="premier echange",
        start="2030-06-03T14:00",
        **JEAN,
        phone="06 12 34 56 78",
        answers=[{"question": "votre projet ?", "answer": "Une cuisine à 12 000 €"}],
        guests="paul@exemple.fr, jean.dupont@exemple.fr",
    )
    assert sent(fake) == {
        "eventTypeId": fake.id_of("Premier échange"),
        "start": "2030-06-03T12:00:00Z",
        "attendee": {
            "name": "Jean Dupont",
            "email": "jean.dupont@exemple.fr",
            "phoneNumber": "+33612345678",
            "timeZone": "Europe/Paris",
            "language": "fr",
        },
        "bookingFieldsResponses": {"projet": "Une cuisine à 12 000 €"},
        "guests": ["paul@exemple.fr"],
    }
    assert booked["uid"] in fake.bookings
    assert booked["start_time"] == "2030-06-03T14:00:00+02:00"
    assert booked["notified"] == ["jean.dupont@exemple.fr", "paul@exemple.fr"]
    made = await tool("get_booking", booking=booked["uid"])
    assert made["answers"] == [{"question": "projet", "answer": "Une cuisine à 12 000 €"}]
    assert made["attendees"][0]["phone"] == "+33612345678"
    assert asked == []  # two people: no more than a person would write to


async def test_requests_carry_the_version_of_their_resource(fake: FakeCalcom, tool: Tool) -> None:
    await tool("book_event", event_type="Premier échange", start="2030-06-03T14:00", **JEAN)
    versions = {request.path: request.headers["cal-api-version"] for request in fake.vendor.requests}
    assert versions == {
        "/v2/me": "2024-08-13",
        "/v2/event-types": "2024-06-14",
        "/v2/bookings": "2024-08-13",
        "/v2/slots": "2024-09-04",
    }


async def test_book_event_by_phone_alone(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    booked = await tool(
        "book_event", event_type="Premier échange", start="2030-06-03T14:00", name="Luc", phone="0612345678"
    )
    assert (await tool("get_booking", booking=booked["uid"]))["attendees"] == [
        {"name": "Luc", "phone": "+33612345678", "timezone": "Europe/Paris", "no_show": False}
    ]
    again = {"event_type": "Premier échange", "start": "2030-06-03T14:00", "name": "Luc", "phone": "+33 6 12 34 56 78"}
    assert "+33612345678 has booked this time already" in await problem("book_event", **again)
    assert "Pass the attendee's e-mail address or phone." in await problem(
        "book_event", event_type="Premier échange", start="2030-06-03T15:00", name="Luc"
    )
    assert len(fake.writes) == 1


async def test_book_event_language_is_a_setting(fake: FakeCalcom) -> None:
    with environment(server, **fake.settings, CALCOM_LANGUAGE="de"):
        result = await call(
            server, "calcom_book_event", event_type="Équipe", start="2030-06-03T09:00", **JEAN, timezone="Europe/Berlin"
        )
    assert not result.is_error, text_of(result)
    assert sent(fake)["attendee"]["language"] == "de"
    assert sent(fake)["attendee"]["timeZone"] == "Europe/Berlin"


async def test_book_event_time_not_free_lists_free_times(fake: FakeCalcom, problem: Tool) -> None:
    fake.book("Visite", MONDAY, person("Luc", "luc@exemple.fr"))
    message = await problem("book_event", event_type="Visite", start="2030-06-03T09:00", location="address", **JEAN)
    assert message == (
        "Error: 3 June 2030, 09:00 (Europe/Paris) is not free. "
        "Free on that day: 10:00, 11:00, 12:00, 13:00, 14:00, 15:00, 16:00."
    )
    weekend = await problem(
        "book_event",
        event_type="Devis",
        start="2030-06-01T09:00",
        answers=[{"question": "Budget", "answer": "Petit"}],
        **JEAN,
    )
    assert weekend.endswith("Choose another day with calcom_list_available_times.")
    assert fake.writes == []


async def test_book_event_taken_in_between_says_so(fake: FakeCalcom, problem: Tool) -> None:
    taken = "User either already has booking at this time or is not available"
    fake.refuse.append(("/v2/bookings", NOTHING))
    fake.refuse.append(("/v2/bookings", Response.of({"status": "error", "error": {"message": taken}}, 400)))
    message = await problem("book_event", event_type="Premier échange", start="2030-06-03T14:00", **JEAN)
    assert message == (
        f'Error: The time is not free any more: "{taken}". Choose another one with calcom_list_available_times.'
    )


async def test_book_event_twice_books_once(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    arguments = {"event_type": "Équipe", "start": "2030-06-03T09:00", **JEAN}
    booked = await tool("book_event", **arguments)
    message = await problem("book_event", **{**arguments, "email": "Jean.Dupont@exemple.fr"})
    assert "has booked this time already; nothing was done." in message
    assert booked["uid"] in message
    assert len(fake.writes) == 1


async def test_book_event_with_idempotency_key_returns_the_first_result(fake: FakeCalcom, tool: Tool) -> None:
    arguments = {"event_type": "Équipe", "start": "2030-06-03T09:00", "idempotency_key": "k1", **JEAN}
    assert await tool("book_event", **arguments) == await tool("book_event", **arguments)
    assert len(fake.writes) == 1


async def test_book_event_failure_warns_that_it_may_have_been_done(fake: FakeCalcom, problem: Tool) -> None:
    fake.refuse.append(("/v2/bookings", NOTHING))
    fake.refuse.append(("/v2/bookings", REFUSED))
    message = await problem("book_event", event_type="Équipe", start="2030-06-03T09:00", **JEAN)
    assert "It may or may not have been done: look before you repeat it." in message
    assert len(fake.writes) == 1


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("2030-06-03", "The start has no time of day."),
        ("2020-06-03T09:00", "3 June 2020, 09:00 (Europe/Paris) is in the past."),
        ("2030-03-31T02:30", "the clocks go forward over it"),
    ],
)
async def test_book_event_start_refused(fake: FakeCalcom, problem: Tool, start: str, message: str) -> None:
    assert message in await problem("book_event", event_type="Équipe", start=start, **JEAN)
    assert fake.writes == []


@pytest.mark.parametrize(
    ("name", "location", "expected"),
    [
        ("Visite", "address", {"type": "address"}),
        ("Visite", "12 rue de l'œuvre, lyon", {"type": "address"}),
        ("Visite", "cal-video", {"type": "integration", "integration": "cal-video"}),
        ("Appel", "06 12 34 56 78", {"type": "attendeePhone", "phone": "+33612345678"}),
        ("Premier échange", None, None),  # the only place goes without saying
    ],
)
async def test_book_event_location(
    fake: FakeCalcom, tool: Tool, name: str, location: str | None, expected: dict[str, str] | None
) -> None:
    chosen = {"location": location} if location else {}
    await tool("book_event", event_type=name, start="2030-06-03T09:00", **JEAN, **chosen)
    assert sent(fake).get("location") == expected


async def test_book_event_call_goes_to_the_attendees_phone(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    booking = {"event_type": "Appel", "start": "2030-06-03T09:00", **JEAN}
    assert "Pass the attendee's phone number as location." in await problem("book_event", **booking)
    await tool("book_event", **booking, phone="06 12 34 56 78")
    assert sent(fake)["location"] == {"type": "attendeePhone", "phone": "+33612345678"}


@pytest.mark.parametrize(
    ("name", "location", "message"),
    [
        ("Visite", None, "Pass one as location: cal-video, 12 rue de l’Œuvre, Lyon."),
        ("Visite", "Paris", "Pass one as location: cal-video, 12 rue de l’Œuvre, Lyon."),
        ("Équipe", "Lyon", "This event type has no place to choose. Leave the location out."),
    ],
)
async def test_book_event_location_unclear(
    fake: FakeCalcom, problem: Tool, name: str, location: str | None, message: str
) -> None:
    chosen = {"location": location} if location else {}
    assert message in await problem("book_event", event_type=name, start="2030-06-03T09:00", **JEAN, **chosen)
    assert fake.writes == []


async def test_book_event_answers_required_and_checked(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    booking = {"event_type": "Devis", "start": "2030-06-03T09:00", **JEAN}
    assert "Answer: Budget (Petit, Grand)." in await problem("book_event", **booking)
    unknown = [{"question": "Couleur", "answer": "bleu"}]
    assert "There is no question `Couleur`." in await problem("book_event", **booking, answers=unknown)
    unfit = [{"question": "budget", "answer": "Moyen"}]
    assert "There is no choice `Moyen`. There are: Petit, Grand." in await problem(
        "book_event", **booking, answers=unfit
    )
    assert fake.writes == []
    values = [{"question": "budget", "answer": "grand"}, {"question": "notes", "answer": "Sonnez deux fois"}]
    await tool("book_event", **booking, answers=values)
    assert sent(fake)["bookingFieldsResponses"] == {"budget": "Grand", "notes": "Sonnez deux fois"}


async def test_book_event_answers_as_their_fields_take_them(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    fields = [
        field("surface", "Surface en m²", "number"),
        field("pieces", "Pièces", "multiselect", options=["Cuisine", "Salon", "Bain"]),
        field("clefs", "Avez-vous les clefs ?", "boolean"),
        field("mobile", "Mobile", "phone"),
        field("attendeePhoneNumber", "Téléphone", "phone", required=True),
    ]
    fake.add_type("Chantier", fields=fields)
    answers = {
        "surface en m²": "12,5",
        "pieces": "bain, cuisine",
        "avez-vous les clefs ?": "oui",
        "mobile": "0612345678",
    }
    await tool(
        "book_event",
        event_type="chantier",
        start="2030-06-03T09:00",
        **JEAN,
        phone="01 44 55 66 77",
        answers=[{"question": question, "answer": answer} for question, answer in answers.items()],
    )
    assert sent(fake)["bookingFieldsResponses"] == {
        "surface": 12.5,
        "pieces": ["Bain", "Cuisine"],
        "clefs": True,
        "mobile": "+33612345678",
        "attendeePhoneNumber": "+33144556677",
    }
    perhaps = [{"question": "clefs", "answer": "peut-être"}]
    assert "wants yes or no" in await problem(
        "book_event", event_type="chantier", start="2030-06-03T10:00", **JEAN, answers=perhaps
    )


async def test_book_event_length(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    booking = {"event_type": "Conseil", "start": "2030-06-03T09:00", **JEAN}
    assert "It can last 30, 60, 90 minutes." in await problem("book_event", **booking, minutes=45)
    booked = await tool("book_event", **booking, minutes=60)
    assert sent(fake)["lengthInMinutes"] == 60
    assert booked["end_time"] == "2030-06-03T10:00:00+02:00"


async def test_book_event_many_people_are_asked_about(fake: FakeCalcom, tool: Tool, asked: list[str]) -> None:
    guests = [f"g{number}@exemple.fr" for number in range(6)]
    await tool("book_event", event_type="Équipe", start="2030-06-03T09:00", **JEAN, guests=guests)
    assert len(asked) == 1
    assert asked[0].startswith(
        "Book «Équipe» of 3 June 2030, 09:00 (Europe/Paris) and send an e-mail to 7 recipients: jean.dupont@exemple.fr"
    )


async def test_book_event_series_is_asked_about(fake: FakeCalcom, tool: Tool, asked: list[str]) -> None:
    fake.add_type("Cours", recurrence={"interval": 1, "occurrences": 4, "frequency": "weekly"})
    booked = await tool("book_event", event_type="Cours", start="2030-06-03T09:00", **JEAN)
    assert asked == [
        "Book «Cours» 4 times, from 3 June 2030, 09:00 (Europe/Paris) on, for Jean Dupont? "
        "jean.dupont@exemple.fr will be notified."
    ]
    assert len(booked["further"]) == 3
    assert len(fake.bookings) == 4


async def test_book_event_unknown_event_type_lists_names(fake: FakeCalcom, problem: Tool) -> None:
    message = await problem("book_event", event_type="Démo", start="2030-06-03T09:00", **JEAN)
    assert "There is no event type `Démo`." in message
    assert "Premier échange" in message


async def test_book_event_dry_run_sends_nothing(fake: FakeCalcom, tool: Tool) -> None:
    shown = await tool("book_event", event_type="Équipe", start="2030-06-03T09:00", dry_run=True, **JEAN)
    assert shown["dry_run"]["body"]["start"] == "2030-06-03T07:00:00Z"
    assert shown["dry_run"]["headers"]["cal-api-version"] == "2024-08-13"
    assert fake.writes == []


# -- moving -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def old(fake: FakeCalcom) -> str:
    """A meeting of Jean, at 09:00 on a Monday; returns its uid."""
    return str(fake.book("Premier échange", MONDAY, jean(), guests=["paul@exemple.fr"])["uid"])


async def test_reschedule_booking(fake: FakeCalcom, tool: Tool, asked: list[str], old: str) -> None:
    moved = await tool("reschedule_booking", booking=old, start="2030-06-04T10:00", reason="Salon")
    assert asked == [
        "Move «Premier échange entre Zoé Lefèvre et Jean Dupont» from 3 June 2030, 09:00 (Europe/Paris) to 4 June "
        "2030, 10:00 (Europe/Paris)? jean.dupont@exemple.fr, paul@exemple.fr will be notified."
    ]
    assert sent(fake) == {
        "start": "2030-06-04T08:00:00Z",
        "rescheduledBy": "zoe@atelier.example",
        "reschedulingReason": "Salon",
    }
    assert moved["start_time"] == "2030-06-04T10:00:00+02:00"
    assert fake.bookings[old]["status"] == "cancelled"
    assert fake.bookings[moved["uid"]]["status"] == "accepted"
    assert (await tool("get_booking", booking=old))["moved_to"] == moved["uid"]


async def test_reschedule_booking_may_overlap_its_old_time(fake: FakeCalcom, tool: Tool) -> None:
    uid = fake.book("Conseil", MONDAY, jean(), minutes=60)["uid"]
    free = await tool("list_available_times", event_type="Conseil", start="2030-06-03", days=1, minutes=60)
    own = await tool("list_available_times", event_type="Conseil", start="2030-06-03", days=1, minutes=60, booking=uid)
    assert len(own["items"]) == len(free["items"]) + 1
    assert (await tool("reschedule_booking", booking=uid, start="2030-06-03T10:00"))["status"] == "accepted"


async def test_reschedule_booking_new_time_not_free_keeps_the_old(fake: FakeCalcom, problem: Tool, old: str) -> None:
    assert "is not free" in await problem("reschedule_booking", booking=old, start="2030-06-04T20:00")
    assert "at this time already" in await problem("reschedule_booking", booking=old, start="2030-06-03T09:00")
    assert fake.writes == []
    assert fake.bookings[old]["status"] == "accepted"


async def test_reschedule_booking_of_an_unlisted_event_type(fake: FakeCalcom, tool: Tool, old: str) -> None:
    """A booking may be of an event type that somebody else manages."""
    kind = fake.types[fake.id_of("Premier échange")]
    del kind["ownerId"]
    moved = await tool("reschedule_booking", booking=old, start="2030-06-04T10:00")
    assert moved["start_time"] == "2030-06-04T10:00:00+02:00"


async def test_reschedule_booking_one_seat_of_several(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    people = [jean(seatUid="seat-1"), person("Luc", "luc@exemple.fr", seatUid="seat-2")]
    for one in people:
        one |= {"bookingFieldsResponses": {}, "metadata": {}}
    uid = fake.book("Équipe", MONDAY, *people)["uid"]
    message = await problem("reschedule_booking", booking=uid, start="2030-06-04T10:00")
    assert "Several people take part. Pass one as attendee: jean.dupont@exemple.fr, luc@exemple.fr." in message
    await tool("reschedule_booking", booking=uid, start="2030-06-04T10:00", attendee="luc@exemple.fr")
    assert sent(fake)["seatUid"] == "seat-2"
    assert [one["name"] for one in fake.bookings[uid]["attendees"]] == ["Jean Dupont"]
    await tool("cancel_booking", booking=uid, reason="Malade", attendee="Jean.Dupont@exemple.fr")
    assert sent(fake) == {"cancellationReason": "Malade", "seatUid": "seat-1"}


async def test_reschedule_booking_dry_run_sends_nothing(fake: FakeCalcom, tool: Tool, old: str) -> None:
    shown = (await tool("reschedule_booking", booking=old, start="2030-06-04T10:00", dry_run=True))["dry_run"]
    assert shown["url"].endswith(f"/v2/bookings/{old}/reschedule")
    assert fake.writes == []


# -- cancelling and answering -----------------------------------------------------------------------------------------


async def test_cancel_booking(fake: FakeCalcom, tool: Tool, problem: Tool, asked: list[str], old: str) -> None:
    done = await tool("cancel_booking", booking=old, reason="Salon à Lyon")
    assert asked == [
        "Cancel «Premier échange entre Zoé Lefèvre et Jean Dupont» of 3 June 2030, 09:00 (Europe/Paris)? "
        "jean.dupont@exemple.fr, paul@exemple.fr will be notified."
    ]
    assert sent(fake) == {"cancellationReason": "Salon à Lyon"}
    assert done["status"] == "cancelled"
    assert (await tool("get_booking", booking=old))["reason"] == "Salon à Lyon"
    assert "cancelled already; nothing was done" in await problem("cancel_booking", booking=old, reason="Encore")
    assert len(asked) == len(fake.writes) == 1


async def test_cancel_booking_of_a_series(
    fake: FakeCalcom, tool: Tool, problem: Tool, asked: list[str], old: str
) -> None:
    fake.add_type("Cours", recurrence={"interval": 1, "occurrences": 3, "frequency": "weekly"})
    booked = await tool("book_event", event_type="Cours", start="2030-06-03T10:00", **JEAN)
    series = fake.bookings[booked["uid"]]["recurringBookingUid"]
    assert f"Pass the uid of one of them: {booked['uid']}" in await problem("get_booking", booking=series)
    second = booked["further"][0]
    await tool("cancel_booking", booking=second, reason="Vacances", following=True)
    assert " and the later ones of its series? " in asked[-1]
    assert [one["status"] for one in fake.bookings.values() if "recurringBookingUid" in one] == [
        "accepted",
        "cancelled",
        "cancelled",
    ]
    assert "is not one of a series" in await problem("cancel_booking", booking=old, reason="x", following=True)


async def test_cancel_booking_over_or_without_seats_refused(fake: FakeCalcom, problem: Tool, old: str) -> None:
    past = fake.book("Équipe", datetime(2020, 6, 3, 7, tzinfo=UTC), jean())["uid"]
    assert "This meeting is over." in await problem("cancel_booking", booking=past, reason="x")
    assert "has no seats" in await problem("cancel_booking", booking=old, reason="x", attendee=JEAN["email"])
    assert fake.writes == []


async def test_respond_to_booking_confirm(fake: FakeCalcom, tool: Tool, problem: Tool, asked: list[str]) -> None:
    uid = fake.book("Équipe", MONDAY, jean(), status="pending")["uid"]
    waiting = await tool("list_bookings", status="unconfirmed")
    assert [one["uid"] for one in waiting["items"]] == [uid]
    done = await tool("respond_to_booking", booking=uid, answer="confirm")
    assert done["status"] == "accepted"
    assert asked == []
    message = await problem("respond_to_booking", booking=uid, answer="decline")
    assert "This booking is accepted, and waits for no answer; nothing was done." in message
    assert len(fake.writes) == 1


async def test_respond_to_booking_decline_is_asked_about(fake: FakeCalcom, tool: Tool, asked: list[str]) -> None:
    uid = fake.book("Équipe", MONDAY, jean(), status="pending")["uid"]
    done = await tool("respond_to_booking", booking=uid, answer="decline", reason="Complet")
    assert sent(fake) == {"reason": "Complet"}
    assert done["status"] == fake.bookings[uid]["status"] == "rejected"
    assert asked == [
        "Decline «Équipe entre Zoé Lefèvre et Jean Dupont» of 3 June 2030, 09:00 (Europe/Paris)? "
        "jean.dupont@exemple.fr will be notified."
    ]


async def test_respond_to_booking_confirm_takes_no_reason(fake: FakeCalcom, problem: Tool) -> None:
    uid = fake.book("Équipe", MONDAY, jean(), status="pending")["uid"]
    assert "Leave the reason out." in await problem("respond_to_booking", booking=uid, answer="confirm", reason="Oui")
    assert fake.writes == []


async def test_mark_no_show_and_undo(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    people = [jean(), person("Luc", "luc@exemple.fr")]
    uid = fake.book("Équipe", MONDAY - timedelta(days=4000), *people)["uid"]
    assert "Several people take part." in await problem("mark_no_show", booking=uid)
    assert "x@exemple.fr does not take part." in await problem("mark_no_show", booking=uid, attendee="x@exemple.fr")
    done = await tool("mark_no_show", booking=uid, attendee="luc@exemple.fr")
    assert sent(fake) == {"attendees": [{"email": "luc@exemple.fr", "absent": True}]}
    assert done == {"marked": True, "attendee": "luc@exemple.fr", "booking": uid}
    shown = (await tool("get_booking", booking=uid))["attendees"]
    assert [one["no_show"] for one in shown] == [False, True]
    assert (await tool("mark_no_show", booking=uid, attendee="luc@exemple.fr", undo=True))["marked"] is False
    assert [one["absent"] for one in fake.bookings[uid]["attendees"]] == [False, False]


async def test_mark_no_show_of_the_only_attendee(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    uid = fake.book("Équipe", MONDAY - timedelta(days=4000), jean())["uid"]
    assert (await tool("mark_no_show", booking=uid))["attendee"] == "jean.dupont@exemple.fr"
    phone = fake.book("Équipe", MONDAY - timedelta(days=3999), person("Luc", None, "+33612345678"))["uid"]
    assert "this one has none" in await problem("mark_no_show", booking=phone)


async def test_add_guests(fake: FakeCalcom, tool: Tool, problem: Tool, asked: list[str], old: str) -> None:
    done = await tool("add_guests", booking=old, guests="Marie Curie <marie@exemple.fr>, paul@exemple.fr")
    assert sent(fake) == {"guests": [{"email": "marie@exemple.fr", "language": "fr", "name": "Marie Curie"}]}
    assert done["notified"] == ["marie@exemple.fr"]
    assert "All of them take part already" in await problem("add_guests", booking=old, guests="Marie@exemple.fr")
    await tool("add_guests", booking=old, guests=[f"g{n}@exemple.fr" for n in range(6)])
    assert len(asked) == 1
    assert "to 6 recipients" in asked[0]
