"""Events and invitations, against a mailbox that keeps state."""

from __future__ import annotations

import pytest

from flotilla.state import digest
from flotilla_servers.outlook_calendar.tests.fake import FakeGraph
from flotilla_testing import Tool

TUESDAY = "2030-06-04T14:00"


async def test_get_account_work(tool: Tool) -> None:
    assert await tool("get_account") == {
        "name": "Hélène Martin",
        "address": "helene@atelier.example",
        "kind": "work",
        "timezone": "Europe/Paris",
    }


async def test_list_events_one_day_in_the_zone_of_the_mailbox(graph: FakeGraph, tool: Tool) -> None:
    graph.add("Tard la veille", "2030-06-03T23:00", "2030-06-04T00:30")
    graph.add("Point", TUESDAY, guests=["marie@client.example"], location={"displayName": "Salle bleue"})
    graph.add("Lendemain", "2030-06-05T00:00")
    page = await tool("list_events", after="2030-06-04", before="2030-06-04")
    assert [one["title"] for one in page["items"]] == ["Tard la veille", "Point"]
    assert page["items"][1] == {
        "id": "AAkEV2",
        "title": "Point",
        "start": "2030-06-04T14:00:00+02:00",
        "end": "2030-06-04T15:00:00+02:00",
        "utc": "2030-06-04T12:00:00Z/2030-06-04T13:00:00Z",
        "location": "Salle bleue",
        "categories": [],
    }
    request = graph.vendor.requests[-1]
    assert request.headers["prefer"] == 'outlook.timezone="Romance Standard Time", IdType="ImmutableId"'


async def test_list_events_pages_by_the_next_link(graph: FakeGraph, tool: Tool, problem: Tool) -> None:
    for hour in range(9, 14):
        graph.add(f"Point {hour}", f"2030-06-04T{hour:02}:00")
    titles, cursor = [], None
    for _ in range(3):
        page = await tool("list_events", after="2030-06-04", before="2030-06-04", limit=2, cursor=cursor)
        titles += [one["title"] for one in page["items"]]
        cursor = page.get("next_cursor")
    assert (titles, cursor) == ([f"Point {hour}" for hour in range(9, 14)], None)
    assert "The cursor is not valid." in await problem(
        "list_events", after="2030-06-04", cursor="https://evil.example/"
    )


async def test_list_events_of_another_calendar_by_name_and_of_a_colleague(
    graph: FakeGraph, tool: Tool, problem: Tool
) -> None:
    graph.add("Grue", TUESDAY, calendar="CAL2")
    page = await tool("list_events", after="2030-06-04", calendar="chantiers")
    assert [one["title"] for one in page["items"]] == ["Grue"]
    graph.add("De Paul", TUESDAY)
    page = await tool("list_events", after="2030-06-04", calendar="paul@atelier.example")
    assert page["items"][0]["id"] == "paul@atelier.example/AAkEV2"
    assert graph.vendor.requests[-1].path == "/v1.0/users/paul%40atelier.example/calendarView"
    assert "There are: Calendrier, Chantiers." in await problem("list_events", after="2030-06-04", calendar="Congés")


async def test_search_events_folds_accents_and_reads_guests(graph: FakeGraph, tool: Tool) -> None:
    for day in range(1, 9):
        graph.add("Équipe du chantier", f"2030-06-0{day}T09:00", guests=["zoe@client.example"])
    graph.add("Autre", TUESDAY)
    page = await tool("search_events", query="equipe zoe", after="2030-06-01", limit=5)
    assert len(page["items"]) == 5
    last = await tool("search_events", query="equipe zoe", after="2030-06-01", limit=5, cursor=page["next_cursor"])
    assert [one["start"][:10] for one in last["items"]] == ["2030-06-06", "2030-06-07", "2030-06-08"]
    assert "next_cursor" not in last
    assert (await tool("search_events", query="personne", after="2030-06-01"))["items"] == []


async def test_get_event_people_link_and_files(graph: FakeGraph, tool: Tool) -> None:
    event = graph.add(
        "Point",
        TUESDAY,
        guests=["marie@client.example"],
        isOnlineMeeting=True,
        onlineMeetingProvider="teamsForBusiness",
        body={"contentType": "text", "content": "Relire le devis."},
        hasAttachments=True,
        categories=["Clients"],
    )
    result = await tool("get_event", event=event)
    assert result["guests"] == ["marie@client.example needsAction"]
    assert result["organizer"] == "helene@atelier.example"
    assert result["meet_url"] == f"https://teams.microsoft.com/l/meetup-join/{event}"
    assert result["description"].startswith("Relire le devis.")
    assert (result["attachments"], result["timezone"]) == (["devis.pdf"], "Europe/Paris")
    assert (result["reminder"], result["categories"]) == (15, ["Clients"])


async def test_create_event_with_room_teams_category_and_key(graph: FakeGraph, tool: Tool, asked: list[str]) -> None:
    arguments = {
        "title": "Devis",
        "start": TUESDAY,
        "guests": "Marie <marie@client.example>",
        "teams": True,
        "rooms": "salle bleue",
        "location": "Lyon",
        "categories": ["equipe"],
        "private": True,
        "show_as": "outOfOffice",
        "reminder": 30,
        "idempotency_key": "k1",
    }
    result = await tool("create_event", **arguments)
    body = graph.writes[-1].json()
    assert body["start"] == {"dateTime": "2030-06-04T14:00:00", "timeZone": "Romance Standard Time"}
    assert [(one["emailAddress"]["address"], one["type"]) for one in body["attendees"]] == [
        ("marie@client.example", "required"),
        ("salle.bleue@atelier.example", "resource"),
    ]
    assert [one["displayName"] for one in body["locations"]] == ["Salle bleue", "Lyon"]
    assert (body["categories"], body["sensitivity"], body["showAs"]) == (["Équipe"], "private", "oof")
    assert (body["isReminderOn"], body["reminderMinutesBeforeStart"]) == (True, 30)
    assert len(body["transactionId"]) == 32
    assert result["meet_url"].startswith("https://teams.microsoft.com/")
    assert result["notified"] == "2 guests by e-mail"
    assert asked == []
    assert await tool("create_event", **arguments) == result
    assert len(graph.writes) == 1


@pytest.mark.parametrize("refused", [True, False])
async def test_create_event_transaction_id_known_to_outlook(
    graph: FakeGraph, tool: Tool, problem: Tool, refused: bool
) -> None:
    """Another installation, which has no record of the key, sends the same transactionId: nothing is booked twice."""
    graph.duplicates_refused = refused
    first = await tool("create_event", title="Devis", start=TUESDAY, idempotency_key="k1")
    again = {"title": "Devis bis", "start": TUESDAY, "idempotency_key": "k2"}
    graph.events[first["id"]]["transactionId"] = digest("outlook_create_event", "k2")
    if refused:
        assert "This was created before with the same idempotency key" in await problem("create_event", **again)
    else:
        assert (await tool("create_event", **again))["id"] == first["id"]
    assert len(graph.events) == 1


async def test_create_event_whole_days_and_another_zone(graph: FakeGraph, tool: Tool) -> None:
    await tool("create_event", title="Congés", start="2030-07-14", end="2030-07-28")
    body = graph.writes[-1].json()
    assert (body["isAllDay"], body["start"]["dateTime"], body["end"]["dateTime"]) == (
        True, "2030-07-14T00:00:00", "2030-07-29T00:00:00",
    )  # fmt: skip
    page = await tool("list_events", after="2030-07-14", before="2030-07-14")
    assert (page["items"][0]["start"], page["items"][0]["end"]) == ("2030-07-14", "2030-07-28")
    result = await tool("create_event", title="Call", start="2030-06-04T09:00", timezone="America/New_York")
    assert graph.writes[-1].json()["start"]["timeZone"] == "Eastern Standard Time"
    assert (result["start"], result["timezone"]) == ("2030-06-04T15:00:00+02:00", "America/New_York")


async def test_create_event_asks_before_many_guests(graph: FakeGraph, tool: Tool, asked: list[str]) -> None:
    guests = [f"p{number}@client.example" for number in range(6)]
    await tool("create_event", title="Fête", start=TUESDAY, guests=guests)
    assert asked == [f"Invite to «Fête» and send an e-mail to 6 recipients: {', '.join(guests)}?"]


async def test_create_event_unknown_names_list_candidates(graph: FakeGraph, problem: Tool) -> None:
    message = await problem("create_event", title="x", start=TUESDAY, rooms=["salle rouge"])
    assert (
        message == ("Error: There is no room `salle rouge`. There are: Salle verte, Salle bleue.")
        or "Salle bleue" in message
    )
    assert "There are: Clients, Équipe." in await problem(
        "create_event", title="x", start=TUESDAY, categories=["Vente"]
    )
    assert graph.writes == []


async def test_create_events_names_those_that_were_refused(graph: FakeGraph, tool: Tool) -> None:
    rows = [
        {"title": "Dentiste", "start": TUESDAY},
        {"title": "Congés", "start": "2030-07-14"},
    ]
    result = await tool("create_events", events=rows)
    assert [one["start"] for one in result["events"]] == ["2030-06-04T14:00:00+02:00", "2030-07-14"]
    assert len(graph.events) == 2


async def test_update_event_moves_and_keeps_length_and_zone(graph: FakeGraph, tool: Tool, asked: list[str]) -> None:
    event = graph.add("Point", TUESDAY, "2030-06-04T14:45", guests=["marie@client.example"])
    result = await tool("update_event", event=event, start="2030-12-04T10:00")
    assert (result["start"], result["utc"]) == (
        "2030-12-04T10:00:00+01:00",
        "2030-12-04T09:00:00Z/2030-12-04T09:45:00Z",
    )
    assert result["notified"] == "1 guest by e-mail"
    assert graph.writes[-1].headers["if-match"] == 'W/"1"'
    assert asked == []


async def test_update_event_guests_and_room(graph: FakeGraph, tool: Tool) -> None:
    event = graph.add("Point", TUESDAY, guests=["marie@client.example", "paul@client.example"])
    await tool(
        "update_event", event=event, add_guests="zoe@client.example", remove_guests="PAUL@client.example",
        rooms=["verte"], location="Au fond",
    )  # fmt: skip
    body = graph.writes[-1].json()
    assert [one["emailAddress"]["address"] for one in body["attendees"]] == [
        "marie@client.example", "zoe@client.example", "salle.verte@atelier.example",
    ]  # fmt: skip
    assert [one["displayName"] for one in body["locations"]] == ["Salle verte", "Au fond"]


async def test_update_event_text_keeps_the_link_of_an_online_meeting(graph: FakeGraph, tool: Tool) -> None:
    event = graph.add(
        "Point", TUESDAY, isOnlineMeeting=True, onlineMeetingProvider="teamsForBusiness",
        body={"contentType": "text", "content": "Ancien ordre du jour"},
    )  # fmt: skip
    await tool("update_event", event=event, description="Nouveau <ordre> du jour")
    content = graph.one(event)["body"]["content"]
    assert content.startswith("<div>Nouveau &lt;ordre&gt; du jour</div>")
    assert "meetup-join" in content
    assert "Ancien" not in content


async def test_update_event_changed_meanwhile_is_refused(graph: FakeGraph, tool: Tool, problem: Tool) -> None:
    event = graph.add("Point", TUESDAY)
    shown = graph.shown

    def older(one: dict[str, object], request: object) -> dict[str, object]:
        return {**shown(one, request), "@odata.etag": 'W/"0"'}  # type: ignore[arg-type]

    graph.shown = older  # type: ignore[method-assign,assignment]
    assert "It was changed by somebody else meanwhile." in await problem("update_event", event=event, title="x")
    assert "There is nothing to change." in await problem("update_event", event=event)


async def test_invitation_answered_with_a_word_and_another_time(graph: FakeGraph, tool: Tool, problem: Tool) -> None:
    event = graph.add("Chantier", TUESDAY, by="paul@client.example")
    assert (await tool("list_events", after="2030-06-04"))["items"][0]["response"] == "needsAction"
    result = await tool(
        "respond_to_invitation",
        event=event,
        response="tentative",
        comment="Plus tard ?",
        propose_start="2030-06-04T16:00",
    )
    assert result["proposed"] == "4 June 2030, 16:00 (Europe/Paris)"
    assert result["notified"] == "the organizer by e-mail"
    assert graph.mails[-1] == ("tentativelyAccept", event, "Plus tard ?")
    assert graph.writes[-1].json()["proposedNewTime"]["end"]["dateTime"] == "2030-06-04T17:00:00"
    await tool("respond_to_invitation", event=event, response="declined", send_updates="none")
    assert graph.mails[-1][0] == "tentativelyAccept"
    message = await problem("respond_to_invitation", event=event, response="accepted", propose_start="2030-06-04T16:00")
    assert "Another time can only be proposed with declined or tentative" in message
    graph.events[event]["allowNewTimeProposals"] = False
    message = await problem("respond_to_invitation", event=event, response="declined", propose_start="2030-06-04T16:00")
    assert "takes no proposals of other times" in message


async def test_event_of_somebody_else_cannot_be_changed(graph: FakeGraph, problem: Tool) -> None:
    event = graph.add("Chantier", TUESDAY, by="paul@client.example")
    for tool, arguments in (("update_event", {"title": "x"}), ("cancel_event", {})):
        assert "Somebody else organizes this meeting" in await problem(tool, event=event, **arguments)
    own = graph.add("Point", TUESDAY)
    message = await problem("respond_to_invitation", event=own, response="accepted")
    assert "The account organizes this event" in message
    assert graph.writes == []


async def test_cancel_event_with_a_word(graph: FakeGraph, tool: Tool, asked: list[str]) -> None:
    event = graph.add("Point", TUESDAY, guests=["marie@client.example"])
    result = await tool("cancel_event", event=event, comment="Je suis malade.")
    assert asked == ["Cancel «Point» of 4 June 2030, 14:00 (Europe/Paris)? 1 guest will be notified by e-mail."]
    assert graph.mails[-1] == ("cancellation", event, "Je suis malade.")
    assert (result["notified"], graph.events) == ("1 guest by e-mail", {})
    alone = graph.add("Dentiste", TUESDAY)
    await tool("cancel_event", event=alone)
    assert graph.writes[-1].method == "DELETE"


async def test_forward_event(graph: FakeGraph, tool: Tool) -> None:
    event = graph.add("Chantier", TUESDAY, by="paul@client.example")
    result = await tool("forward_event", event=event, to="zoe@client.example", comment="Viens !")
    assert result == {"event": event, "to": ["zoe@client.example"]}
    assert graph.mails[-1] == ("forward", event, "zoe@client.example")


async def test_calendars_and_categories(graph: FakeGraph, tool: Tool, problem: Tool) -> None:
    page = await tool("list_calendars", limit=1)
    assert page["items"][0] == {"id": "CAL1", "name": "Calendrier", "primary": True, "can_edit": True}
    assert (await tool("list_calendars", limit=1, cursor=page["next_cursor"]))["items"][0]["name"] == "Chantiers"
    assert "There is a calendar «chantiers» already" in await problem("create_calendar", name="chantiers")
    made = await tool("create_calendar", name="Congés")
    await tool("create_event", title="Grèce", start="2030-07-14", calendar="conges")
    assert graph.writes[-1].path == f"/v1.0/me/calendars/{made['id']}/events"
    assert [one["name"] for one in (await tool("list_categories"))["items"]] == ["Clients", "Équipe"]
    assert "already" in await problem("create_category", name="équipe")
    await tool("create_category", name="Chantier", color="green")
    assert graph.categories["Chantier"] == "preset4"


async def test_error_of_graph_says_what_to_do(graph: FakeGraph, problem: Tool) -> None:
    message = await problem("get_event", event="gone")
    assert message.startswith("Error: Outlook Calendar does not have this")
