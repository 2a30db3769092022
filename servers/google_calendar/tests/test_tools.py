"""What each tool sends, and what it makes of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla.http.consent import scopes
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
        }
    ]
    last = await gcal.call_ok("list_events", after="2030-06-03T00:00:00+02:00", cursor=page["next_cursor"])
    assert last["items"][0] == {"id": "conges2030", "title": "Congés", "start": "2030-07-14", "end": "2030-07-28"}


async def test_events_of_another_calendar_carry_its_id(gcal: Session) -> None:
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
    found = await gcal.call_ok("check_availability", **AVAILABLE, minutes=120)
    assert gcal.requests[-1].json() == {
        "timeMin": "2030-06-03T22:00:00Z",
        "timeMax": "2030-06-04T22:00:00Z",
        "items": [{"id": "primary"}, {"id": "marie@client.example"}],
    }
    assert found == {
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


async def test_availability_is_only_asked_for(gcal: Session) -> None:
    """The request is a POST, but it changes nothing: it is sent again, and a failure leaves no doubt."""
    gcal.respond("POST /calendar/v3/freeBusy", Response.of({"error": {"code": 503}}, 503))
    said = await gcal.call_error("check_availability", **AVAILABLE)
    assert "may or may not" not in said
    assert len(gcal.requests) == 3
    assert gcal.writes == []


async def test_what_is_too_much_free_time_goes_on(gcal: Session) -> None:
    """A hundred stretches an answer, and where to go on from: nobody may take the end of an answer for the end."""
    days = [f"2030-06-{day:02}" for day in range(1, 31)]
    busy = [{"start": f"{d}T{h:02}:00:00Z", "end": f"{d}T{h:02}:30:00Z"} for d in days for h in range(8, 16)]
    gcal.respond("POST /calendar/v3/freeBusy", Response.of({"calendars": {"primary": {"busy": busy}}}))
    june = {**AVAILABLE, "after": "2030-06-01T00:00:00+02:00", "before": "2030-06-30T00:00:00+02:00"}
    found = await gcal.call_ok("check_availability", **june)
    assert len(found["free"]) == 100
    rest = await gcal.call_ok("check_availability", **{**june, "after": found["more_after"]})
    assert rest["free"][0]["start"] == found["more_after"] > found["free"][-1]["start"]
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


async def test_nobody_gets_mail_unless_asked(gcal: Session) -> None:
    await gcal.call_ok("create_event", title="x", start="2030-07-14", guests=["marie@client.example"])
    assert sent(gcal)[2] == {"sendUpdates": "none"}
    assert gcal.requests[-1].json()["end"] == {"date": "2030-07-15"}


async def test_what_repeats_needs_a_zone(gcal: Session) -> None:
    said = await gcal.call_error("create_event", title="x", start="2030-06-04T14:00:00+02:00", recurrence="FREQ=DAILY")
    assert "needs `timezone`" in said
    assert gcal.writes == []


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
    assert "Nothing is to be changed" in await gcal.call_error("update_event", event="7ohk4v1mfq0d2c")


async def test_somebody_else_was_faster(gcal: Session) -> None:
    refusal = {"error": {"code": 412, "errors": [{"reason": "conditionNotMet"}]}}
    gcal.respond("PATCH /calendar/v3/calendars/{id}/events/{event}", Response.of(refusal, 412))
    said = await gcal.call_error("update_event", event="7ohk4v1mfq0d2c", title="x")
    assert said == "Error: It was changed by somebody else meanwhile. Get it again, then repeat the change."


async def test_cancel_event(gcal: Session) -> None:
    assert await gcal.call_ok("cancel_event", event="7ohk4v1mfq0d2c", send_updates="all") == {
        "cancelled": "7ohk4v1mfq0d2c"
    }
    assert sent(gcal) == ("DELETE", EVENT, {"sendUpdates": "all"})
    assert gcal.asked == ["Cancel «Point avec Marie» of 2030-06-04T14:00:00+02:00? Mail to guests: all."]


SERIES = {
    "id": "s1", "summary": "Point", "recurrence": ["RRULE:FREQ=WEEKLY"], "etag": '"1"',
    "start": {"dateTime": "2020-01-07T09:00:00+01:00", "timeZone": "Europe/Paris"},
    "end": {"dateTime": "2020-01-07T10:00:00+01:00", "timeZone": "Europe/Paris"},
}  # fmt: skip


async def test_cancel_event_says_that_it_is_a_series_and_how_many(gcal: Session) -> None:
    gcal.respond("GET /calendar/v3/calendars/{id}/events/{event}", Response.of(SERIES))
    await gcal.call_ok("cancel_event", event="s1")
    assert gcal.asked == [
        "Cancel the whole series «Point» since 2020-01-07T09:00:00+01:00, all 3 occurrences, 2 past ones too? "
        "Mail to guests: none."
    ]


async def test_update_event_asks_before_it_moves_a_whole_series(gcal: Session) -> None:
    """A new start of a series makes it begin there: what was before vanishes."""
    gcal.respond("GET /calendar/v3/calendars/{id}/events/{event}", Response.of(SERIES))
    await gcal.call_ok("update_event", event="s1", title="Point hebdo")
    assert gcal.asked == []
    await gcal.call_ok("update_event", event="s1", start="2030-06-11T15:00:00+02:00")
    assert gcal.asked == [
        "Move the whole series «Point», all 3 occurrences, 2 past ones too? It begins at 2030-06-11T15:00:00+02:00 "
        "then: occurrences before that are gone, and those changed by hand may be lost."
    ]


async def test_respond_to_invitation_touches_one_answer(gcal: Session) -> None:
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
    assert sent(gcal) == ("POST", f"{EVENT}/move", {"destination": team})
    assert moved["id"] == f"{team}/7ohk4v1mfq0d2c"


INVITE = {"title": "Devis", "start": "2030-06-04", "guests": ["marie@client.example"]}


@pytest.mark.parametrize("mode", MODES)
async def test_new_guests_are_asked_about_where_the_operator_says_so(mode: str) -> None:
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


def test_only_the_scopes_of_the_tools_on_show() -> None:
    def short(**environ: str) -> set[str]:
        return {s.removeprefix("https://www.googleapis.com/auth/") for s in scopes(server, environ)}

    assert short() == {"calendar.events", "calendar.freebusy", "calendar.calendarlist.readonly"}
    assert short(FLOTILLA_READ_ONLY="1") == {
        "calendar.events.readonly",
        "calendar.freebusy",
        "calendar.calendarlist.readonly",
    }
    assert short(FLOTILLA_ALLOW="gcal_check_availability") == {"calendar.freebusy"}
    assert "calendar.calendars.readonly" in short(FLOTILLA_TIER="all")
