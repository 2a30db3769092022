"""What each tool sends, and what it makes of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla.http.scopes import scopes
from flotilla_servers.google_calendar.server import server
from flotilla_testing import Response, Session, connect
from flotilla_testing.client import MODES

API = "https://www.googleapis.com/calendar/v3"
PRIMARY = f"{API}/calendars/primary/events"
EVENT = f"{PRIMARY}/7ohk4v1mfq0d2c"


def sent(session: Session) -> tuple[str, str, dict[str, str]]:
    """The last request: method, address without the query, query."""
    request = session.requests[-1]
    return request.method, request.url.partition("?")[0], dict(request.query)


async def test_list_calendars(gcal: Session) -> None:
    page = await gcal.call_ok("list_calendars", limit=1)
    assert sent(gcal) == ("GET", f"{API}/users/me/calendarList", {"maxResults": "1"})
    mine = {"id": "helene@atelier.example", "name": "Hélène Martin", "timezone": "Europe/Paris", "role": "owner"}
    assert page["items"] == [{**mine, "primary": True}]
    last = await gcal.call_ok("list_calendars", cursor=page["next_cursor"])
    assert last["items"][0]["name"] == "Atelier"  # the name that the user gave wins


async def test_get_calendar(gcal: Session) -> None:
    assert (await gcal.call_ok("get_calendar"))["timezone"] == "Europe/Paris"
    await gcal.call_ok("get_calendar", calendar="fr#holiday@group.v.calendar.google.com")
    assert sent(gcal)[1] == f"{API}/calendars/fr%23holiday%40group.v.calendar.google.com"


async def test_list_events(gcal: Session) -> None:
    page = await gcal.call_ok("list_events", after="2030-06-03T00:00:00+02:00", before="2030-08-01T00:00:00+02:00")
    wanted = {"singleEvents": "true", "orderBy": "startTime", "maxResults": "20"}
    span = {"timeMin": "2030-06-02T22:00:00Z", "timeMax": "2030-07-31T22:00:00Z"}
    assert sent(gcal) == ("GET", PRIMARY, {**wanted, **span})
    assert page["items"] == [
        {
            "id": "7ohk4v1mfq0d2c",
            "title": "Point avec Marie",
            "start": "2030-06-04T14:00:00+02:00",
            "end": "2030-06-04T14:45:00+02:00",
            "utc": "2030-06-04T12:00:00Z/2030-06-04T12:45:00Z",
            "response": "accepted",
            "location": "Salle bleue",
        }
    ]
    last = await gcal.call_ok("list_events", after="2030-06-03T00:00:00+02:00", cursor=page["next_cursor"])
    assert last["items"][0] == {"id": "conges2030", "title": "Congés", "start": "2030-07-14", "end": "2030-07-28"}


async def test_list_events_local_times_are_the_calendars(gcal: Session) -> None:
    """Read in Europe/Paris, which the calendar tells once; a day counts whole."""
    await gcal.call_ok("list_events", after="2030-06-03", before="2030-06-04")
    first, _ = gcal.requests
    assert dict(first.query) == {"maxResults": "1", "fields": "timeZone"}
    asked = sent(gcal)[2]
    assert (asked["timeMin"], asked["timeMax"]) == ("2030-06-02T22:00:00Z", "2030-06-04T22:00:00Z")
    await gcal.call_ok("search_events", query="Marie", after="2030-06-03T09:00")
    assert sent(gcal)[2]["timeMin"] == "2030-06-03T07:00:00Z"
    assert len(gcal.requests) == 3
    assert "`before` is not after `after`" in await gcal.call_error(
        "list_events", after="2030-06-04", before="2030-06-02"
    )


async def test_list_events_status_response_and_series(gcal: Session) -> None:
    times = {"start": {"dateTime": "2030-06-04T14:00:00+02:00"}, "end": {"dateTime": "2030-06-04T15:00:00+02:00"}}
    guests = [None, {"email": "helene@atelier.example", "self": True, "responseStatus": "declined"}]
    odd = {"id": "s1_2030", "status": "cancelled", "recurringEventId": "s1"}
    event = {"id": "s1_2031", "status": "tentative", "recurringEventId": "s1", "attendees": guests, **times}
    gcal.respond("GET /calendar/v3/calendars/{id}/events", Response.of({"items": [odd, event]}))
    page = await gcal.call_ok("list_events", after="2030-06-03T00:00:00Z", calendar="team@example.org")
    assert page["left_out"].startswith("1 item")
    (line,) = page["items"]
    assert (line["status"], line["response"], line["series"]) == ("tentative", "declined", "team@example.org/s1")


async def test_event_id_carries_another_calendar(gcal: Session) -> None:
    """Events of another calendar carry its id."""
    team = "equipe@group.calendar.google.com"
    page = await gcal.call_ok("search_events", query="Marie", calendar=team)
    assert sent(gcal)[2]["q"] == "Marie"
    (line,) = page["items"]
    assert line["id"] == f"{team}/7ohk4v1mfq0d2c"
    event = await gcal.call_ok("get_event", event=line["id"])
    assert sent(gcal)[1] == f"{API}/calendars/equipe%40group.calendar.google.com/events/7ohk4v1mfq0d2c"
    assert event["id"] == line["id"]


async def test_get_event(gcal: Session) -> None:
    event = await gcal.call_ok("get_event", event="7ohk4v1mfq0d2c")
    assert event["description"] == "Relire le devis."  # without the invisible characters
    assert event["guests"] == ["helene@atelier.example accepted", "marie@client.example needsAction"]
    assert (event["timezone"], event["meet_url"]) == ("Europe/Paris", "https://meet.google.com/abc-defg-hij")


async def test_get_event_links_and_people(gcal: Session) -> None:
    entries = [
        {"entryPointType": "video", "uri": "https://zoom.example/j/1"},
        {"entryPointType": "phone", "uri": "tel:+33100000000", "label": "+33 1 00 00 00 00", "pin": "123"},
    ]
    extra = {
        "conferenceData": {"entryPoints": entries},
        "organizer": {"email": "marie@client.example"},
        "attachments": [{"title": "Devis", "fileUrl": "https://drive.google.com/open?id=1"}],
        "attendees": [{"email": "p@x.example", "responseStatus": "declined", "optional": True, "comment": "Congés"}],
    }
    gcal.respond("GET /calendar/v3/calendars/{id}/events/{event}", Response.of({**SERIES, **extra}))
    event = await gcal.call_ok("get_event", event="s1")
    assert event["meet_url"] == "https://zoom.example/j/1"
    assert event["dial_in"] == ["phone +33 1 00 00 00 00, PIN 123"]
    assert event["organizer"] == "marie@client.example"
    assert event["attachments"] == ["Devis https://drive.google.com/open?id=1"]
    assert event["guests"] == ["p@x.example declined (optional): Congés"]


CANCELLED = {"id": "s1_2030", "status": "cancelled", "recurringEventId": "s1", "originalStartTime": {}}


async def test_cancelled_occurrence_is_not_there(gcal: Session) -> None:
    """Google guarantees no more than id, series and original start of it, and goes on to give it."""
    gcal.respond("GET /calendar/v3/calendars/{id}/events/{event}", Response.of(CANCELLED))
    for tool, arguments in (
        ("get_event", {}),
        ("cancel_event", {}),
        ("update_event", {"title": "x"}),
        ("update_event", {"start": "2030-06-04T09:00"}),
        ("respond_to_invitation", {"response": "accepted"}),
    ):
        assert "This occurrence was cancelled already." in await gcal.call_error(tool, event="s1_2030", **arguments)
    assert (gcal.writes, gcal.asked) == ([], [])


async def test_cancelled_event_with_details(gcal: Session) -> None:
    gcal.respond("GET /calendar/v3/calendars/{id}/events/{event}", Response.of({**SERIES, "status": "cancelled"}))
    assert (await gcal.call_ok("get_event", event="s1"))["status"] == "cancelled"
    assert "This event was cancelled already." in await gcal.call_error("update_event", event="s1", title="x")
    assert gcal.writes == []


AVAILABLE: dict[str, Any] = {
    "calendars": ["primary", "marie@client.example"],
    "after": "2030-06-04T00:00:00+02:00",
    "before": "2030-06-05T00:00:00+02:00",
    "timezone": "Europe/Paris",
}


async def test_check_availability(gcal: Session) -> None:
    busy = [{"start": "2030-06-04T08:00:00Z", "end": "2030-06-04T10:00:00Z"}]
    nobody = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    answer = {"calendars": {"primary": {"busy": busy}, "marie@client.example": nobody}}
    gcal.respond("POST /calendar/v3/freeBusy", Response.of(answer))
    result = await gcal.call_ok("check_availability", **AVAILABLE, minutes=120)
    assert gcal.requests[-1].json() == {
        "timeMin": "2030-06-03T22:00:00Z",
        "timeMax": "2030-06-04T22:00:00Z",
        "items": [{"id": "primary"}, {"id": "marie@client.example"}],
    }
    assert result == {
        "free": [
            {
                "start": "2030-06-04T12:00:00+02:00",
                "end": "2030-06-04T18:00:00+02:00",
                "utc": "2030-06-04T10:00:00Z/2030-06-04T16:00:00Z",
            }
        ],
        "unreadable": ["marie@client.example: notFound"],
    }
    gcal.respond("POST /calendar/v3/freeBusy", Response.of({"calendars": {"primary": nobody}}))
    assert "None of the calendars can be read" in await gcal.call_error("check_availability", **AVAILABLE)
    late = {**AVAILABLE, "before": "2031-06-05T00:00:00+02:00"}
    assert "within 60 days" in await gcal.call_error("check_availability", **late)


async def test_check_availability_is_a_read_despite_post(gcal: Session) -> None:
    """The request is a POST, but it changes nothing: it is sent again, and a failure leaves no doubt."""
    gcal.respond("POST /calendar/v3/freeBusy", Response.of({"error": {"code": 503}}, 503))
    statement = await gcal.call_error("check_availability", **AVAILABLE)
    assert "may or may not" not in statement
    assert len(gcal.requests) == 3
    assert gcal.writes == []


async def test_check_availability_limits_results_and_continues(gcal: Session) -> None:
    """A hundred stretches an answer, and where to go on from: nobody may take the end of an answer for the end."""
    days = [f"2030-06-{day:02}" for day in range(1, 31)]
    busy = [{"start": f"{d}T{h:02}:00:00Z", "end": f"{d}T{h:02}:30:00Z"} for d in days for h in range(8, 16)]
    gcal.respond("POST /calendar/v3/freeBusy", Response.of({"calendars": {"primary": {"busy": busy}}}))
    june = {**AVAILABLE, "after": "2030-06-01T00:00:00+02:00", "before": "2030-06-30T00:00:00+02:00"}
    result = await gcal.call_ok("check_availability", **june)
    assert len(result["free"]) == 100
    rest = await gcal.call_ok("check_availability", **{**june, "after": result["more_after"]})
    assert rest["free"][0]["start"] == result["more_after"] > result["free"][-1]["start"]
    assert "more_after" not in rest


async def test_create_event(gcal: Session) -> None:
    await gcal.call_ok(
        "create_event",
        title="Point hebdo",
        start="2030-06-04T14:00",
        end="2030-06-04T14:45",
        timezone="Europe/Paris",
        guests=["marie@client.example"],
        recurrence="FREQ=WEEKLY;BYDAY=TU\nEXDATE;TZID=Europe/Paris:20300611T140000",
        meet=True,
        send_updates="all",
    )
    assert sent(gcal) == ("POST", PRIMARY, {"sendUpdates": "all", "conferenceDataVersion": "1"})
    body = gcal.requests[-1].json()
    request = body.pop("conferenceData")["createRequest"]
    assert request["conferenceSolutionKey"] == {"type": "hangoutsMeet"}
    assert request["requestId"]
    assert body == {
        "summary": "Point hebdo",
        "start": {"dateTime": "2030-06-04T14:00:00+02:00", "timeZone": "Europe/Paris"},
        "end": {"dateTime": "2030-06-04T14:45:00+02:00", "timeZone": "Europe/Paris"},
        "attendees": [{"email": "marie@client.example"}],
        "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=TU", "EXDATE;TZID=Europe/Paris:20300611T140000"],
    }
    assert gcal.asked == []


@pytest.mark.parametrize(
    ("choice", "parameter", "notified"),
    [
        (None, "all", "1 guest by e-mail"),
        (
            "external_only",
            "externalOnly",
            "guests without Google Calendar by e-mail; the others only see it in their calendar",
        ),
        ("none", "none", "nobody: tell the guests yourself"),
    ],
)
async def test_create_event_guests_are_notified(
    gcal: Session, choice: str | None, parameter: str, notified: str
) -> None:
    """Google's default is nobody, of which its documentation warns."""
    arguments = {"send_updates": choice} if choice else {}
    booked = await gcal.call_ok(
        "create_event", title="x", start="2030-07-14", guests="marie@client.example", **arguments
    )
    assert sent(gcal)[2] == {"sendUpdates": parameter}
    assert gcal.requests[-1].json()["end"] == {"date": "2030-07-15"}
    assert booked["notified"] == notified


async def test_create_event_many_guests_are_asked_about(gcal: Session) -> None:
    guests = ", ".join(f"g{n}@x.example" for n in range(6))
    await gcal.call_ok("create_event", title="Fête", start="2030-07-14", guests=guests, send_updates="none")
    assert gcal.asked == []
    await gcal.call_ok("create_event", title="Fête", start="2030-07-14", guests=guests)
    assert gcal.asked == [f"Invite to «Fête» and send an e-mail to 6 recipients: {guests}?"]


async def test_create_event_local_time_is_the_calendars(gcal: Session) -> None:
    booked = await gcal.call_ok("create_event", title="x", start="2030-06-04 14:00")
    begins = {"dateTime": "2030-06-04T14:00:00+02:00", "timeZone": "Europe/Paris"}
    assert gcal.requests[-1].json()["start"] == begins
    assert booked["timezone"] == "Europe/Paris"
    await gcal.call_ok("create_event", title="x", start="2030-06-04T12:00Z", recurrence="FREQ=DAILY")
    assert gcal.requests[-1].json()["start"] == begins  # what repeats needs a zone: its clock changes count


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("2026-03-29T02:30", "There is no 02:30 on 2026-03-29 in Europe/Paris"),
        ("2026-10-25T02:30", "There are two times 02:30"),
        ("Tuesday", "is not a time or a day"),
        ("2030-13-04", "does not exist"),
    ],
)
async def test_create_event_time_that_is_not_guessed(gcal: Session, start: str, message: str) -> None:
    assert message in await gcal.call_error("create_event", title="x", start=start, timezone="Europe/Paris")
    assert gcal.writes == []


async def test_create_event_unknown_time_zone(gcal: Session) -> None:
    message = await gcal.call_error("create_event", title="x", start="2030-06-04T14:00", timezone="Paris")
    assert "`Paris` is not a known time zone" in message


async def test_update_event_moves_and_keeps_the_rest(gcal: Session) -> None:
    await gcal.call_ok(
        "update_event", event="7ohk4v1mfq0d2c", start="2030-06-05T10:00", remove_guests=["MARIE@client.example"]
    )
    assert sent(gcal)[:2] == ("PATCH", EVENT)
    assert gcal.requests[-1].headers["if-match"] == '"3181161784712000"'
    body = gcal.requests[-1].json()
    assert body["start"] == {"dateTime": "2030-06-05T10:00:00+02:00", "timeZone": "Europe/Paris"}
    assert body["end"] == {"dateTime": "2030-06-05T10:45:00+02:00", "timeZone": "Europe/Paris"}
    assert [g["email"] for g in body["attendees"]] == ["helene@atelier.example"]
    assert "There is nothing to change" in await gcal.call_error("update_event", event="7ohk4v1mfq0d2c")
    message = await gcal.call_error("update_event", event="7ohk4v1mfq0d2c", timezone="Europe/Paris")
    assert "`timezone` only says how `start` and `end` are read" in message


async def test_update_event_local_time_is_the_calendars(gcal: Session) -> None:
    """Listed as 20:00 in Paris, an event of New York moves to 21:00 in Paris."""
    times = {
        "start": {"dateTime": "2030-06-04T20:00:00+02:00", "timeZone": "America/New_York"},
        "end": {"dateTime": "2030-06-04T21:00:00+02:00", "timeZone": "America/New_York"},
    }
    gcal.respond("GET /calendar/v3/calendars/{id}/events/{event}", Response.of({"id": "ny", "etag": '"1"', **times}))
    await gcal.call_ok("update_event", event="ny", start="2030-06-04T21:00")
    begins = {"dateTime": "2030-06-04T21:00:00+02:00", "timeZone": "America/New_York"}
    assert gcal.requests[-1].json()["start"] == begins


async def test_update_event_conflict(gcal: Session) -> None:
    """The event was changed by somebody else meanwhile."""
    refusal = {"error": {"code": 412, "errors": [{"reason": "conditionNotMet"}]}}
    gcal.respond("PATCH /calendar/v3/calendars/{id}/events/{event}", Response.of(refusal, 412))
    statement = await gcal.call_error("update_event", event="7ohk4v1mfq0d2c", title="x")
    assert statement == "Error: It was changed by somebody else meanwhile. Get it again, then repeat the change."


async def test_cancel_event(gcal: Session) -> None:
    assert await gcal.call_ok("cancel_event", event="7ohk4v1mfq0d2c", send_updates="all") == {
        "cancelled": "7ohk4v1mfq0d2c",
        "notified": "1 guest by e-mail",
    }
    assert sent(gcal) == ("DELETE", EVENT, {"sendUpdates": "all"})
    assert gcal.asked == [
        "Cancel «Point avec Marie» of 4 June 2030, 14:00 (Europe/Paris)? 1 guest will be notified by e-mail."
    ]
    await gcal.call_ok("cancel_event", event="7ohk4v1mfq0d2c", send_updates="none")
    assert gcal.asked[-1].endswith("? The guests will not be notified.")


SERIES = {
    "id": "s1", "summary": "Point", "recurrence": ["RRULE:FREQ=WEEKLY"], "etag": '"1"',
    "start": {"dateTime": "2020-01-07T09:00:00+01:00", "timeZone": "Europe/Paris"},
    "end": {"dateTime": "2020-01-07T10:00:00+01:00", "timeZone": "Europe/Paris"},
}  # fmt: skip


def slot(day: str, clock: str = "09:00", **fields: Any) -> dict[str, Any]:
    """An occurrence of a series in Paris, as `instances` gives it."""
    time = {"dateTime": f"{day}T{clock}:00+01:00", "timeZone": "Europe/Paris"}
    return {"status": "confirmed", "start": time, "originalStartTime": time, **fields}


def told_series(gcal: Session, days: list[Any], **fields: Any) -> None:
    """Make Google answer with a weekly series s1 of these occurrences; one of them, s1_3, is the third."""
    slots = [one if isinstance(one, dict) else slot(one) for one in days]
    first, third = slots[0]["originalStartTime"], slots[min(2, len(slots) - 1)]["originalStartTime"]
    guests = [{"email": "helene@atelier.example", "self": True}, {"email": "marie@client.example"}]

    def after(time: dict[str, Any]) -> dict[str, Any]:
        return {**time, "dateTime": time["dateTime"].replace("T09:00", "T10:00")}

    shared = {"summary": "Point", "attendees": guests, "location": "Salle bleue", "etag": '"1"'}
    series = {"id": "s1", "start": first, "end": after(first), **shared, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}
    series |= fields
    one = {"id": "s1_3", "start": third, "end": after(third), **shared, "recurringEventId": "s1"}
    one |= {"originalStartTime": third}
    route = "GET /calendar/v3/calendars/{id}/events"
    gcal.respond(f"{route}/s1", Response.of(series))
    gcal.respond(f"{route}/s1_3", Response.of(one))
    gcal.respond(f"{route}/{{event}}/instances", Response.of({"items": slots}))


FUTURE = ["2130-01-03", "2130-01-10", "2130-01-17", "2130-01-24"]
MIXED = ["2020-01-07", "2020-01-14", "2130-01-17", "2130-01-24"]


async def test_cancel_event_of_a_series_leaves_the_past(gcal: Session) -> None:
    told_series(gcal, MIXED)
    for event, scope in (("s1", "this"), ("s1_3", "all"), ("s1_3", "this_and_following")):
        result = await gcal.call_ok("cancel_event", event=event, scope=scope)
        assert gcal.asked[-1] == (
            "Cancel «Point» from 17 January 2130, 09:00 (Europe/Paris) on, 2 occurrences? The 2 earlier ones stay. "
            "1 guest will be notified by e-mail."
        )
        assert sent(gcal) == ("PATCH", f"{PRIMARY}/s1", {"sendUpdates": "all"})
        assert gcal.requests[-1].json() == {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=21300117T075959Z"]}
        assert gcal.requests[-1].headers["if-match"] == '"1"'
        assert result["from_start"] == "17 January 2130, 09:00 (Europe/Paris)"
    await gcal.call_ok("cancel_event", event="s1_3")
    assert gcal.asked[-1].startswith("Cancel the one occurrence of «Point» of 17 January 2130, 09:00 (Europe/Paris)?")
    assert sent(gcal)[:2] == ("DELETE", f"{PRIMARY}/s1_3")


async def test_cancel_event_of_a_series_to_come_or_past(gcal: Session) -> None:
    told_series(gcal, FUTURE)
    await gcal.call_ok("cancel_event", event="s1_3", scope="all", send_updates="none")
    assert gcal.asked == [
        "Cancel the whole series «Point» from 3 January 2130, 09:00 (Europe/Paris) on, 4 occurrences? "
        "The guests will not be notified."
    ]
    assert sent(gcal) == ("DELETE", f"{PRIMARY}/s1", {"sendUpdates": "none"})
    told_series(gcal, FUTURE, recurrence=["RRULE:FREQ=WEEKLY"])
    await gcal.call_ok("cancel_event", event="s1")
    assert ", all occurrences?" in gcal.asked[-1]
    told_series(gcal, ["2020-01-07", "2020-01-14"])
    assert "Every occurrence of this series is past" in await gcal.call_error("cancel_event", event="s1")
    assert "from which occurrence on" in await gcal.call_error("cancel_event", event="s1", scope="this_and_following")


async def test_update_event_this_and_following_parts_the_series(gcal: Session) -> None:
    """What was before keeps its times; what was cancelled later stays cancelled; one Meet link is not used twice."""
    gone = {"status": "cancelled", "originalStartTime": slot("2130-01-24")["originalStartTime"]}
    told_series(gcal, [*MIXED[:3], gone], hangoutLink="https://meet.example/a", colorId="3")
    booked = await gcal.call_ok(
        "update_event", event="s1_3", scope="this_and_following", start="2130-01-17T15:00", title="Point hebdo"
    )
    assert gcal.asked == [
        "Move «Point» from 17 January 2130, 09:00 (Europe/Paris) on, 1 occurrence? The first of these is then at "
        "17 January 2130, 15:00 (Europe/Paris). The earlier ones stay as they are."
    ]
    made, trimmed = gcal.writes
    assert (made.method, made.url.partition("?")[0]) == ("POST", PRIMARY)
    assert dict(made.query) == {"sendUpdates": "all", "conferenceDataVersion": "1"}
    body = made.json()
    assert body.pop("conferenceData")["createRequest"]["conferenceSolutionKey"] == {"type": "hangoutsMeet"}
    assert body == {
        "summary": "Point hebdo",
        "location": "Salle bleue",
        "colorId": "3",
        "attendees": [{"email": "helene@atelier.example"}, {"email": "marie@client.example"}],
        "start": {"dateTime": "2130-01-17T15:00:00+01:00", "timeZone": "Europe/Paris"},
        "end": {"dateTime": "2130-01-17T16:00:00+01:00", "timeZone": "Europe/Paris"},
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2", "EXDATE;TZID=Europe/Paris:21300124T150000"],
    }
    assert (trimmed.method, trimmed.url) == ("PATCH", f"{PRIMARY}/s1?sendUpdates=all")
    assert trimmed.json() == {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=21300117T075959Z"]}
    assert booked["earlier"] == "s1"


async def test_update_event_this_and_following_dry_run_shows_both_requests(gcal: Session) -> None:
    told_series(gcal, MIXED)
    change = {"event": "s1_3", "scope": "this_and_following", "location": "Salle verte"}
    plan = (await gcal.call_ok("update_event", **change, dry_run=True))["dry_run"]
    assert gcal.writes == []
    await gcal.call_ok("update_event", **change)
    made, trimmed = gcal.writes
    assert (plan["body"], plan["then"][0]["body"]) == (made.json(), trimmed.json())
    assert plan["then"][0]["url"] == trimmed.url
    assert gcal.asked == []  # nothing is moved


async def test_update_event_of_all_keeps_the_first_day(gcal: Session) -> None:
    told_series(gcal, MIXED, recurrence=["RRULE:FREQ=WEEKLY;BYDAY=TU;UNTIL=21300124T080000Z"])
    await gcal.call_ok("update_event", event="s1_3", scope="all", start="2130-01-18T15:30")
    assert gcal.asked == [
        "Move the whole series «Point», all 4 occurrences, 2 past ones too? Each is then at 15:30, moved by 1 day."
    ]
    assert sent(gcal)[:2] == ("PATCH", f"{PRIMARY}/s1")
    assert gcal.requests[-1].json() == {
        "start": {"dateTime": "2020-01-08T15:30:00+01:00", "timeZone": "Europe/Paris"},
        "end": {"dateTime": "2020-01-08T16:30:00+01:00", "timeZone": "Europe/Paris"},
        "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=WE;UNTIL=21300125T143000Z"],
    }
    await gcal.call_ok("update_event", event="s1_3", scope="all", title="Point hebdo")
    assert gcal.requests[-1].json() == {"summary": "Point hebdo"}
    assert len(gcal.asked) == 1


async def test_update_event_of_a_series_never_cuts_its_past(gcal: Session) -> None:
    told_series(gcal, MIXED)
    message = await gcal.call_error("update_event", event="s1", start="2130-01-17T15:00:00+01:00")
    assert "The series began on 7 January 2020, 09:00 (Europe/Paris): a start on another day" in message
    await gcal.call_ok("update_event", event="s1", start="2020-01-07T15:00")
    assert gcal.requests[-1].json()["start"]["dateTime"] == "2020-01-07T15:00:00+01:00"
    told_series(gcal, MIXED, recurrence=["RRULE:FREQ=MONTHLY;BYDAY=2TU"])
    arguments = {"event": "s1_3", "scope": "this_and_following", "start": "2130-01-18T09:00"}
    writes = len(gcal.writes)
    assert "Pass the new rule in `recurrence` too" in await gcal.call_error("update_event", **arguments)
    assert len(gcal.writes) == writes
    await gcal.call_ok("update_event", **arguments, recurrence="FREQ=MONTHLY;BYDAY=2WE")
    assert gcal.writes[writes].json()["recurrence"] == ["RRULE:FREQ=MONTHLY;BYDAY=2WE"]


async def test_update_event_series_of_days(gcal: Session) -> None:
    def day(date: str) -> dict[str, Any]:
        return {"start": {"date": date}, "originalStartTime": {"date": date}}

    told_series(gcal, [slot("2130-01-03")], start={"date": "2130-01-03"}, end={"date": "2130-01-04"})
    one = {"id": "s1_3", "recurringEventId": "s1", **day("2130-01-17"), "end": {"date": "2130-01-18"}}
    route = "GET /calendar/v3/calendars/{id}/events"
    gcal.respond(f"{route}/s1_3", Response.of(one))
    items = [day(date) for date in FUTURE]
    gcal.respond(f"{route}/{{event}}/instances", Response.of({"items": items}))
    await gcal.call_ok("update_event", event="s1_3", scope="this_and_following", start="2130-01-18")
    made, trimmed = gcal.writes
    assert (made.json()["start"], made.json()["end"]) == ({"date": "2130-01-18"}, {"date": "2130-01-19"})
    assert trimmed.json() == {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=21300116"]}


async def test_update_event_repeats_from_now_on(gcal: Session) -> None:
    await gcal.call_ok("update_event", event="7ohk4v1mfq0d2c", recurrence="FREQ=WEEKLY;COUNT=5")
    body = gcal.requests[-1].json()
    assert body["recurrence"] == ["RRULE:FREQ=WEEKLY;COUNT=5"]
    assert body["start"] == {"dateTime": "2030-06-04T14:00:00+02:00", "timeZone": "Europe/Paris"}
    told_series(gcal, FUTURE)
    assert "cannot repeat by itself" in await gcal.call_error("update_event", event="s1_3", recurrence="FREQ=DAILY")
    await gcal.call_ok("update_event", event="s1", recurrence="FREQ=WEEKLY;INTERVAL=2")
    assert gcal.asked == [
        "Change the whole series «Point», all 4 occurrences? It then repeats by RRULE:FREQ=WEEKLY;INTERVAL=2."
    ]
    assert gcal.requests[-1].json() == {"recurrence": ["RRULE:FREQ=WEEKLY;INTERVAL=2"]}


async def test_update_event_meet_link_reminders_and_visibility(gcal: Session) -> None:
    await gcal.call_ok("update_event", event="7ohk4v1mfq0d2c", meet=True, reminders=[10, 1440], visibility="private")
    assert sent(gcal)[2] == {"sendUpdates": "all", "conferenceDataVersion": "1"}
    body = gcal.requests[-1].json()
    assert body.pop("conferenceData")["createRequest"]["requestId"]
    overrides = [{"method": "popup", "minutes": 10}, {"method": "popup", "minutes": 1440}]
    assert body == {"visibility": "private", "reminders": {"useDefault": False, "overrides": overrides}}
    await gcal.call_ok("create_event", title="x", start="2030-06-04", reminders=[])
    assert gcal.requests[-1].json()["reminders"] == {"useDefault": False, "overrides": []}
    assert "at most five" in await gcal.call_error("create_event", title="x", start="2030-06-04", reminders=[50_000])


async def test_list_events_working_location(gcal: Session) -> None:
    days = {"start": {"date": "2030-06-04"}, "end": {"date": "2030-06-05"}, "eventType": "workingLocation"}
    home = {"id": "w1", "summary": "Home", **days, "workingLocationProperties": {"type": "homeOffice"}}
    office = {"type": "officeLocation", "officeLocation": {"label": "Lyon"}}
    items = [home, {"id": "w2", **days, "workingLocationProperties": office}]
    gcal.respond("GET /calendar/v3/calendars/{id}/events", Response.of({"items": items}))
    page = await gcal.call_ok("list_events", after="2030-06-03T00:00:00Z")
    assert [(one["kind"], one["location"]) for one in page["items"]] == [
        ("workingLocation", "home"),
        ("workingLocation", "Lyon"),
    ]


async def test_create_calendar(gcal: Session) -> None:
    await gcal.call_ok("create_calendar", name="Congés")
    assert sent(gcal)[:2] == ("POST", f"{API}/calendars")
    assert gcal.requests[-1].json() == {"summary": "Congés", "timeZone": "Europe/Paris"}
    mine = {"id": "c1", "summary": "Congés", "accessRole": "owner"}
    gcal.respond("GET /calendar/v3/users/me/calendarList", Response.of({"items": [mine]}))
    assert "There is a calendar «conges» already: c1" in await gcal.call_error("create_calendar", name="conges")
    assert len(gcal.writes) == 1


async def test_create_events(gcal: Session) -> None:
    events = [
        {"title": "Dentiste", "start": "2030-06-04T14:00"},
        {"title": "Congés", "start": "2030-07-14", "end": "2030-07-16", "location": "Lyon"},
    ]
    result = await gcal.call_ok("create_events", events=events)
    assert [write.json() for write in gcal.writes] == [
        {
            "summary": "Dentiste",
            "start": {"dateTime": "2030-06-04T14:00:00+02:00", "timeZone": "Europe/Paris"},
            "end": {"dateTime": "2030-06-04T15:00:00+02:00", "timeZone": "Europe/Paris"},
        },
        {"summary": "Congés", "start": {"date": "2030-07-14"}, "end": {"date": "2030-07-17"}, "location": "Lyon"},
    ]
    assert (len(result["events"]), result["failed"]) == (2, [])
    late = [*events, {"title": "x", "start": "Tuesday"}]
    assert "is not a time or a day" in await gcal.call_error("create_events", events=late)
    assert len(gcal.writes) == 2
    guests = [{**events[0], "guests": f"a{n}@x.example, b{n}@x.example"} for n in range(3)]
    await gcal.call_ok("create_events", events=guests)
    assert gcal.asked[-1].startswith("Invite to 3 events and send an e-mail to 6 recipients: a0@x.example,")


async def test_create_events_one_that_is_refused(gcal: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are booked: who called must know which one to correct, and not book them twice."""
    refusal = {"error": {"code": 400, "message": "Bad Request", "errors": [{"reason": "timeRangeEmpty"}]}}
    assert gcal.recorder
    usual = gcal.recorder.answers.to
    monkeypatch.setattr(
        gcal.recorder.answers,
        "to",
        lambda request: Response.of(refusal, 400) if b"deux" in request.body else usual(request),
    )
    events = [{"title": title, "start": "2030-06-04"} for title in ("un", "deux", "trois")]
    result = await gcal.call_ok("create_events", events=events)
    assert len(result["events"]) == 2
    assert result["failed"] == ['deux: Google Calendar refuses the request (400): "Bad Request".']


async def test_respond_to_invitation_changes_one_response_only(gcal: Session) -> None:
    await gcal.call_ok("respond_to_invitation", event="7ohk4v1mfq0d2c", response="declined", send_updates="all")
    assert gcal.requests[-1].json() == {
        "attendees": [{"email": "helene@atelier.example", "responseStatus": "declined"}],
        "attendeesOmitted": True,
    }
    gcal.respond("GET /calendar/v3/calendars/{id}/events/{event}", Response.of({"id": "a", "attendees": []}))
    assert "not among the guests" in await gcal.call_error("respond_to_invitation", event="a", response="accepted")


async def test_move_event(gcal: Session) -> None:
    team = "equipe@group.calendar.google.com"
    moved = await gcal.call_ok("move_event", event="7ohk4v1mfq0d2c", to=team)
    assert sent(gcal) == ("POST", f"{EVENT}/move", {"destination": team, "sendUpdates": "all"})
    assert moved["notified"] == "1 guest by e-mail"
    assert moved["id"] == f"{team}/7ohk4v1mfq0d2c"


INVITE = {"title": "Devis", "start": "2030-06-04", "guests": ["marie@client.example"]}


@pytest.mark.parametrize("mode", MODES)
async def test_confirmation_of_new_guests_setting(mode: str) -> None:
    """New guests are asked about where the operator says so."""
    wary = {"FLOTILLA_CONFIRM": "new-recipients"}
    async with connect("google-calendar", wary, mode=mode, answer="decline") as session:
        assert "did not agree" in await session.call_error("create_event", **INVITE)
        assert session.asked == ["Invite to «Devis»: marie@client.example? They are new to this conversation."]
        assert session.writes == []
        await session.call_ok("create_event", title="Seule", start="2030-06-04")  # nobody is written to
        await session.call_ok(
            "update_event", event="7ohk4v1mfq0d2c", add_guests=["marie@client.example"]
        )  # known already
        assert len(session.asked) == 1
    async with connect("google-calendar", wary, mode=mode, answer="accept") as session:
        await session.call_ok("create_event", **INVITE)
        await session.call_ok("update_event", event="7ohk4v1mfq0d2c", add_guests=["paul@client.example"])
        assert [question.partition(":")[0] for question in session.asked] == [
            "Invite to «Devis»",
            "Invite to «Point avec Marie»",
        ]
    async with connect("google-calendar", wary, mode=mode) as session:  # a client that cannot ask
        preview = (await session.call_ok("create_event", **INVITE))["preview"]
        await session.call_ok("create_event", **INVITE, confirm_token=preview["confirm_token"])
        assert len(session.writes) == 1


def test_scopes_only_for_the_tools_shown() -> None:
    def short(**environ: str) -> set[str]:
        return {s.removeprefix("https://www.googleapis.com/auth/") for s in scopes(server.integration, environ)}

    assert short() == {"calendar.events", "calendar.freebusy", "calendar.calendarlist.readonly"}
    assert short(FLOTILLA_READ_ONLY="1") == {
        "calendar.events.readonly",
        "calendar.freebusy",
        "calendar.calendarlist.readonly",
    }
    assert short(FLOTILLA_ALLOW="gcal_check_availability") == {"calendar.freebusy"}
    assert "calendar.calendars.readonly" in short(FLOTILLA_TIER="all")
