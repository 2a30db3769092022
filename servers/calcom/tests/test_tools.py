"""Lists, slots, event types, hours, teams, webhooks and errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flotilla_servers.calcom.client import version_of
from flotilla_servers.calcom.server import server
from flotilla_servers.calcom.tests.fake import FakeCalcom, person
from flotilla_testing import Response, Tool, call, connect, environment, text_of

MONDAY = datetime(2030, 6, 3, 7, tzinfo=UTC)  # 09:00 in Paris


def sent(fake: FakeCalcom) -> Any:
    """The body of the last request that may have changed something."""
    return fake.writes[-1].json()


def queries(fake: FakeCalcom, path: str) -> list[dict[str, str]]:
    """What was asked for at a path."""
    return [dict(request.query) for request in fake.vendor.requests if request.path == path]


# -- bookings ---------------------------------------------------------------------------------------------------------


async def test_get_current_user(fake: FakeCalcom, tool: Tool) -> None:
    assert await tool("get_current_user") == {
        "id": "7",
        "name": "Zoé Lefèvre",
        "username": "zoe",
        "email": "zoe@atelier.example",
        "timezone": "Europe/Paris",
    }


async def test_list_bookings_of_a_day_in_the_users_zone(fake: FakeCalcom, tool: Tool) -> None:
    jean = person("Jean Dupont", "jean@exemple.fr", "+33612345678")
    uid = fake.book("Premier échange", MONDAY, jean, form={"projet": "Une cuisine"})["uid"]
    fake.book("Visite", MONDAY + timedelta(days=1), jean)
    page = await tool("list_bookings", after="2030-06-03", before="2030-06-03")
    assert queries(fake, "/v2/bookings") == [
        {
            "afterStart": "2030-06-02T22:00:00Z",
            "beforeEnd": "2030-06-03T22:00:00Z",
            "sortStart": "asc",
            "take": "20",
            "skip": "0",
        }
    ]
    assert page["items"] == [
        {
            "uid": uid,
            "title": "Premier échange entre Zoé Lefèvre et Jean Dupont",
            "status": "accepted",
            "start_time": "2030-06-03T09:00:00+02:00",
            "end_time": "2030-06-03T09:30:00+02:00",
            "location": f"https://app.cal.com/video/{uid}",
            "event_type": str(fake.id_of("Premier échange")),
            "hosts": [{"name": "Zoé Lefèvre", "email": "zoe@atelier.example"}],
            "attendees": [
                {
                    "name": "Jean Dupont",
                    "email": "jean@exemple.fr",
                    "phone": "+33612345678",
                    "timezone": "Europe/Paris",
                    "no_show": False,
                }
            ],
            "guests": [],
            "answers": [{"question": "projet", "answer": "Une cuisine"}],
            "series": False,
        }
    ]


@pytest.mark.parametrize("attendee", ["jean@exemple.fr", "jean dup", "06 12 34 56 78", "+33612345678", "0033612345678"])
async def test_list_bookings_of_somebody(fake: FakeCalcom, tool: Tool, attendee: str) -> None:
    mine = fake.book("Équipe", MONDAY, person("Jean Dupont", "jean@exemple.fr", "+33612345678"))["uid"]
    fake.book("Équipe", MONDAY + timedelta(hours=1), person("Luc Martin", "luc@exemple.fr", "+33699999999"))
    assert [one["uid"] for one in (await tool("list_bookings", attendee=attendee))["items"]] == [mine]


async def test_list_bookings_by_phone_beyond_the_first_hundred(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    for number in range(120):
        fake.book("Équipe", MONDAY + timedelta(days=number), person("Luc", "luc@exemple.fr"))
    last = fake.book("Équipe", MONDAY + timedelta(days=200), person("Jean", None, "+33612345678"))["uid"]
    assert [one["uid"] for one in (await tool("list_bookings", attendee="06 12 34 56 78"))["items"]] == [last]
    assert "is not a phone number" in await problem("list_bookings", attendee="06 12 34")


async def test_list_bookings_pages_to_the_end(fake: FakeCalcom, tool: Tool) -> None:
    for number in range(5):
        fake.book("Équipe", MONDAY + timedelta(days=number), person("Luc", "luc@exemple.fr"))
    seen, cursor = [], {}
    for _ in range(3):
        page = await tool("list_bookings", limit=2, **cursor)
        seen += page["items"]
        cursor = {"cursor": page.get("next_cursor", "")}
    assert cursor == {"cursor": ""}
    assert len({one["uid"] for one in seen}) == 5


async def test_list_bookings_of_an_event_type_and_of_a_team(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    fake.book("Visite", MONDAY, person("Luc", "luc@exemple.fr"))
    team = fake.book("Équipe", MONDAY + timedelta(days=1), person("Luc", "luc@exemple.fr"))["uid"]
    assert [one["uid"] for one in (await tool("list_bookings", team="commerciaux"))["items"]] == [team]
    assert [one["uid"] for one in (await tool("list_bookings", event_type="equipe"))["items"]] == [team]
    assert "There is no team `Ventes`. There are: Commerciaux." in await problem("list_bookings", team="Ventes")


async def test_list_bookings_past_ones_newest_first(fake: FakeCalcom, tool: Tool) -> None:
    for day in (1, 2):
        fake.book("Équipe", datetime(2020, 6, day, 7, tzinfo=UTC), person("Luc", "luc@exemple.fr"))
    starts = [one["start_time"] for one in (await tool("list_bookings", status="past"))["items"]]
    assert starts == ["2020-06-02T09:00:00+02:00", "2020-06-01T09:00:00+02:00"]


async def test_get_booking_by_the_address_of_its_page(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    uid = fake.book("Équipe", MONDAY, person("Luc", "luc@exemple.fr"))["uid"]
    assert (await tool("get_booking", booking=f"https://app.cal.com/booking/{uid}"))["uid"] == uid
    for wrong in ("../me", "a?b", "", "x y z w"):
        assert "is not the uid of a booking" in await problem("get_booking", booking=wrong)
    assert "does not have this" in await problem("get_booking", booking="nobodysbooking")


# -- event types and slots --------------------------------------------------------------------------------------------


async def test_list_event_types_own_and_of_a_team(fake: FakeCalcom, tool: Tool) -> None:
    own = await tool("list_event_types", limit=2)
    assert [one["name"] for one in own["items"]] == ["Premier échange", "Visite"]
    assert own["items"][0] == {
        "id": "101",
        "name": "Premier échange",
        "duration": 30,
        "durations": [],
        "booking_url": "https://cal.com/zoe/type-101",
        "hidden": False,
        "description": "Un café et vos idées.",
    }
    assert own["next_cursor"] == "2"
    team = await tool("list_event_types", team="Commerciaux")
    assert [(one["name"], one["team"]) for one in team["items"]] == [("Équipe", "Commerciaux")]


async def test_get_event_type(fake: FakeCalcom, tool: Tool) -> None:
    kind = await tool("get_event_type", event_type="devis")
    asked = [(one["question"], one["required"]) for one in kind["questions"]]
    assert asked == [("notes", False), ("Adresse", False), ("Budget", True)]
    assert kind["questions"][2]["choices"] == ["Petit", "Grand"]
    visit = await tool("get_event_type", event_type=str(fake.id_of("Visite")))
    assert visit["places"] == [
        {"kind": "integration", "location": "cal-video"},
        {"kind": "address", "location": "12 rue de l’Œuvre, Lyon"},
    ]
    paid = fake.add_type("Stage", price=12050, confirmationPolicy={"type": "always"}, seats={"seatsPerTimeSlot": 8})
    shown = await tool("get_event_type", event_type=str(paid["id"]))
    assert (shown["price"], shown["needs_confirmation"], shown["seats"]) == ("120.50 EUR", True, 8)


async def test_get_event_type_of_a_team_by_name(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    assert (await tool("get_event_type", event_type="EQUIPE"))["team"] == "Commerciaux"
    fake.add_type("Visite")
    message = await problem("get_event_type", event_type="visite")
    assert message.startswith("Error: More than one event type is called `visite`:")


async def test_list_available_times(fake: FakeCalcom, tool: Tool) -> None:
    fake.book("Visite", MONDAY, person("Luc", "luc@exemple.fr"))
    page = await tool("list_available_times", event_type="Visite", start="2030-06-03", days=2, limit=3)
    assert queries(fake, "/v2/slots") == [
        {
            "eventTypeId": str(fake.id_of("Visite")),
            "start": "2030-06-02T22:00:00Z",
            "end": "2030-06-04T22:00:00Z",
            "timeZone": "Europe/Paris",
        }
    ]
    assert [one["start_time"] for one in page["items"]] == [
        "2030-06-03T10:00:00+02:00",
        "2030-06-03T11:00:00+02:00",
        "2030-06-03T12:00:00+02:00",
    ]
    assert page["next_cursor"] == "3"


async def test_list_available_times_begin_now_and_not_before(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    today = datetime.now(UTC).date()
    for start in ({"start": (today - timedelta(days=1)).isoformat()}, {}):
        page = await tool("list_available_times", event_type="Équipe", days=4, **start)
        assert all(datetime.fromisoformat(one["start_time"]) > datetime.now(UTC) for one in page["items"])
    message = await problem("list_available_times", event_type="Équipe", start="2020-06-01")
    assert message == "Error: These days are in the past. Pass a start of today or later."


async def test_list_available_times_of_a_length(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    page = await tool("list_available_times", event_type="Conseil", start="2030-06-03", days=1, minutes=90)
    assert len(page["items"]) == 5
    message = await problem("list_available_times", event_type="Visite", start="2030-06-03", minutes=15)
    assert "«Visite» does not last 15 minutes. It can last 60 minutes." in message


async def test_create_scheduling_link(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    link = await tool("create_scheduling_link", event_type="premier échange", idempotency_key="devis-42")
    assert sent(fake) == {"maxUsageCount": 1}
    assert link == {"booking_url": fake.links[0]["bookingUrl"]}
    assert await tool("create_scheduling_link", event_type="premier échange", idempotency_key="devis-42") == link
    await tool("create_scheduling_link", event_type="premier échange", expires="2030-06-30")
    assert sent(fake) == {"expiresAt": "2030-07-01T00:00:00+02:00"}
    assert "own event types only" in await problem("create_scheduling_link", event_type="Équipe")
    assert len(fake.writes) == 2


async def test_create_event_type(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    made = await tool(
        "create_event_type", name="Visite d’été (chantier)", minutes=45, place="address", where="Lyon", buffer=15
    )
    assert sent(fake) == {
        "title": "Visite d’été (chantier)",
        "slug": "visite-d-ete-chantier",
        "lengthInMinutes": 45,
        "locations": [{"type": "address", "address": "Lyon", "public": True}],
        "afterEventBuffer": 15,
    }
    assert made["booking_url"].startswith("https://cal.com/zoe/")
    assert "There is an event type «Visite» already" in await problem("create_event_type", name="VISITE", minutes=60)
    assert "do not fit" in await problem("create_event_type", name="A", minutes=30, place="address")
    assert "do not fit" in await problem("create_event_type", name="A", minutes=30, place="zoom", where="Lyon")
    assert "no letter" in await problem("create_event_type", name="!!!", minutes=30)
    await tool("create_event_type", name="Démo", minutes=20, place="google-meet", notice=60)
    assert sent(fake)["locations"] == [{"type": "integration", "integration": "google-meet"}]
    assert len(fake.writes) == 2


async def test_update_event_type(fake: FakeCalcom, tool: Tool, problem: Tool) -> None:
    done = await tool("update_event_type", event_type="Visite", hidden=True, name="Visite du chantier", minutes=45)
    assert sent(fake) == {"hidden": True, "title": "Visite du chantier", "lengthInMinutes": 45}
    assert (done["hidden"], done["name"], done["duration"]) == (True, "Visite du chantier", 45)
    assert "No change is named." in await problem("update_event_type", event_type="Appel")
    assert "belongs to the team Commerciaux" in await problem("update_event_type", event_type="Équipe", hidden=True)
    assert "several lengths" in await problem("update_event_type", event_type="Conseil", minutes=30)
    assert len(fake.writes) == 1


# -- hours ------------------------------------------------------------------------------------------------------------


async def test_list_availability_schedules(fake: FakeCalcom, tool: Tool) -> None:
    page = await tool("list_availability_schedules")
    assert [(one["id"], one["name"], one["default"]) for one in page["items"]] == [
        ("31", "Horaires d’atelier", True),
        ("32", "Été", False),
    ]
    days = {one["day"]: one["hours"] for one in page["items"][0]["days"]}
    assert days["monday"] == ["09:00-12:00", "14:00-17:30"]
    assert days["saturday"] == days["2030-12-24"] == []


async def test_update_availability_schedule_weekday_in_french(fake: FakeCalcom, tool: Tool, asked: list[str]) -> None:
    done = await tool("update_availability_schedule", days=["samedi", "le vendredi"], hours=["9h-12h30"])
    assert asked == ["Set Saturday, Friday of the schedule «Horaires d’atelier» to 09:00-12:30?"]
    rest = ["Monday", "Tuesday", "Wednesday", "Thursday"]
    assert sent(fake) == {
        "availability": [
            {"days": rest, "startTime": "09:00", "endTime": "12:00"},
            {"days": rest, "startTime": "14:00", "endTime": "17:30"},
            {"days": ["Saturday", "Friday"], "startTime": "09:00", "endTime": "12:30"},
        ]
    }
    days = {one["day"]: one["hours"] for one in done["days"]}
    assert days["saturday"] == days["friday"] == ["09:00-12:30"]
    assert days["2030-12-24"] == []


async def test_update_availability_schedule_day_off(fake: FakeCalcom, tool: Tool, asked: list[str]) -> None:
    await tool("update_availability_schedule", days="2030-12-26", hours=[])
    assert asked == ["Set 2030-12-26 of the schedule «Horaires d’atelier» to closed?"]
    closed = {"startTime": "00:00", "endTime": "00:00"}
    assert sent(fake) == {"overrides": [{"date": "2030-12-24", **closed}, {"date": "2030-12-26", **closed}]}
    await tool("update_availability_schedule", days=["2030-12-24"], hours=["14:00-24:00", "10:00-12:00"])
    assert sent(fake)["overrides"] == [
        {"date": "2030-12-26", **closed},
        {"date": "2030-12-24", "startTime": "10:00", "endTime": "12:00"},
        {"date": "2030-12-24", "startTime": "14:00", "endTime": "23:59"},
    ]


@pytest.mark.parametrize(
    ("days", "meant"),
    [
        (["en semaine"], ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]),
        (["week-end"], ["Saturday", "Sunday"]),
        (["mon", "Tuesdays", "mercredi"], ["Monday", "Tuesday", "Wednesday"]),
    ],
)
async def test_update_availability_schedule_days_as_people_say_them(
    fake: FakeCalcom, tool: Tool, days: list[str], meant: list[str]
) -> None:
    await tool("update_availability_schedule", days=days, hours=["10h30-11h"], schedule="ete", timezone="Europe/Rome")
    assert sent(fake)["availability"][-1] == {"days": meant, "startTime": "10:30", "endTime": "11:00"}
    assert sent(fake)["timeZone"] == "Europe/Rome"


@pytest.mark.parametrize(
    ("days", "hours", "message"),
    [
        (["demain"], [], "`demain` is not a day."),
        (["lundi"], ["12:00-09:00"], "is not a span of hours of one day"),
        (["lundi"], ["25:00-26:00"], "is not a span of hours of one day"),
        (["lundi"], ["09:00-12:00", "11:00-13:00"], "overlap"),
        (["2030-02-30"], [], "does not exist"),
    ],
)
async def test_update_availability_schedule_refused(
    fake: FakeCalcom, problem: Tool, days: list[str], hours: list[str], message: str
) -> None:
    assert message in await problem("update_availability_schedule", days=days, hours=hours)
    assert fake.writes == []


async def test_list_busy_times(fake: FakeCalcom, tool: Tool) -> None:
    fake.busy = [
        ("2030-06-03T12:00:00.000Z", "2030-06-03T13:00:00.000Z"),
        ("2030-06-03T08:00:00.000Z", "2030-06-03T09:00:00.000Z"),
    ]
    busy = (await tool("list_busy_times", start="2030-06-03"))["items"]
    request = fake.vendor.requests[-1]
    assert "calendarsToLoad[0][credentialId]=135&calendarsToLoad[0][externalId]=zoe%40atelier.example" in request.url
    assert "group.example" not in request.url  # which is not checked for conflicts
    assert busy[0] == {
        "start_time": "2030-06-03T10:00:00+02:00",
        "end_time": "2030-06-03T11:00:00+02:00",
        "source": "zoe@atelier.example",
    }
    assert busy[1]["start_time"] == "2030-06-03T14:00:00+02:00"
    fake.calendars = []
    assert await tool("list_busy_times", start="2030-06-03") == {"items": []}


# -- teams and webhooks -----------------------------------------------------------------------------------------------


async def test_list_teams_and_members(fake: FakeCalcom, tool: Tool) -> None:
    teams = (await tool("list_teams"))["items"]
    assert teams == [{"id": "5", "name": "Commerciaux", "slug": "commerciaux", "timezone": "Europe/Paris"}]
    members = (await tool("list_members", team="commerciaux"))["items"]
    assert [(one["email"], one["role"]) for one in members] == [
        ("zoe@atelier.example", "OWNER"),
        ("marie@atelier.example", "MEMBER"),
    ]


async def test_webhooks(fake: FakeCalcom, tool: Tool, problem: Tool, asked: list[str]) -> None:
    hook = {"url": "https://exemple.fr/hook", "events": ["BOOKING_CREATED"], "secret": "shh-0815-shh"}
    made = await tool("create_webhook", **hook)
    assert asked == [
        "Send all bookings of the user to exemple.fr (https://exemple.fr/hook) from now on: BOOKING_CREATED?"
    ]
    assert sent(fake)["secret"] == "shh-0815-shh"
    assert made["signed"] is True
    assert "shh-0815" not in str(made)
    assert "There is a webhook to this address already" in await problem("create_webhook", **hook)
    assert "Pass an https address." in await problem("create_webhook", **{**hook, "url": "http://exemple.fr/h"})
    assert (await tool("list_webhooks"))["items"] == [made]
    assert (await tool("delete_webhook", webhook="https://exemple.fr/hook"))["id"] == made["id"]
    assert fake.webhooks == {}
    assert asked[1:] == ["Delete the webhook to https://exemple.fr/hook (BOOKING_CREATED)?"]


# -- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/v2/bookings/uid/cancel", "2024-08-13"),
        ("/v2/teams/5/bookings", "2024-08-13"),
        ("/v2/event-types/1", "2024-06-14"),
        ("/v2/teams/5/event-types", "2024-06-14"),
        ("/v2/event-types/1/private-links", "2024-09-04"),
        ("/v2/slots?a=schedules", "2024-09-04"),
        ("/v2/schedules/3", "2024-06-11"),
        ("/v2/webhooks", "2024-08-13"),
    ],
)
def test_version_of(path: str, version: str) -> None:
    assert version_of(path) == version


async def test_route_that_is_not_there_names_the_address(fake: FakeCalcom, problem: Tool) -> None:
    fake.refuse.append(("/v2/me", Response.of({"statusCode": 404, "message": "Cannot GET /v2/me"}, 404)))
    assert "Ask the operator to check CALCOM_BASE_URL" in await problem("get_current_user")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://app.cal.com", "the API of app.cal.com stands at https://api.cal.com"),
        ("https://cal.example.com/api/v2?x=1", "it must be a plain address"),
        ("https://me:pw@cal.example.com", "it must be a plain address"),
        ("http://cal.example.com/api/v2", "it must begin with https://"),
    ],
)
async def test_base_url_checked(url: str, message: str) -> None:
    with environment(server, CALCOM_API_KEY="cal_live_x", CALCOM_BASE_URL=url):
        result = await call(server, "calcom_get_current_user")
    assert result.is_error
    assert "CALCOM_BASE_URL is wrong" in text_of(result)
    assert message in text_of(result)


@pytest.mark.parametrize("end", ["", "/", "/v2", "/v2/"])
async def test_base_url_of_a_cal_com_of_ones_own(fake: FakeCalcom, end: str) -> None:
    with environment(server, **{**fake.settings, "CALCOM_BASE_URL": fake.vendor.url + end}):
        result = await call(server, "calcom_get_current_user")
    assert not result.is_error, text_of(result)
    assert fake.vendor.requests[-1].path == "/v2/me"


async def test_rate_limit_wait_read_from_the_vendors_header(fake: FakeCalcom, problem: Tool) -> None:
    many = {"status": "error", "error": {"message": "ThrottlerException: Too Many Requests"}}
    fake.refuse += [("/v2/me", Response.of(many, 429, {"X-RateLimit-Reset-Default": "50"}))] * 3
    assert "Wait 50 seconds, then retry." in await problem("get_current_user")


async def test_oauth_scope_that_is_missing(fake: FakeCalcom, problem: Tool) -> None:
    body = {"status": "error", "error": {"message": "insufficient_scope: token lacks TEAM_PROFILE_READ"}}
    fake.refuse.append(("/v2/teams", Response.of(body, 403)))
    assert "run `scripts/login calcom` again" in await problem("list_teams")


async def test_third_parties_texts_lose_hidden_characters() -> None:
    async with connect("calcom") as session:
        page = await session.call_ok("list_bookings")
        assert page["items"][1]["attendees"][0]["name"] == "Marie Curie"  # U+202E and U+200B are gone


async def test_api_key_missing_says_where_to_get_one() -> None:
    empty = {f"CALCOM_{name}": "" for name in ("REFRESH_TOKEN", "CLIENT_ID", "CLIENT_SECRET")}
    async with connect("calcom", {"CALCOM_API_KEY": "<UNKNOWN>", **empty}) as session:
        message = await session.call_error("list_bookings")
        assert "CALCOM_API_KEY" in message
        assert "Settings > Developer > API keys" in message
        assert session.requests == []
