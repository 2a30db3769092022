"""Workflows, calendars, opportunities and messages against the fake, field by field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from flotilla_servers.gohighlevel.server import server
from flotilla_servers.gohighlevel.tests.fake import LOCATION, FakeGoHighLevel
from flotilla_testing import call, client, environment, faults
from flotilla_testing.amounts import NUMBERS, READ, TWO_WAYS

NURTURING, DRAFT = "78559bb3-b920-461e-b010-7b2a2816d2a9", "89660cc4-c031-472f-c121-8c3b3927e3ba"
DEMO = "CVokAlI8fgw4WYWoCtQz"


@pytest.fixture
def jean(ghl: FakeGoHighLevel) -> str:
    return ghl.contact(firstName="Jean", lastName="Dupont", phone="+33612345678", email="jean@exemple.fr")


def sent(ghl: FakeGoHighLevel) -> Any:
    return [r for r in ghl.vendor.requests if r.writes][-1].json()


# -- workflows --------------------------------------------------------------------------------------------------------


async def test_list_workflows(tool: Any) -> None:
    assert await tool("list_workflows") == {
        "items": [
            {"id": NURTURING, "name": "Nurturing leads chauds", "status": "published"},
            {"id": DRAFT, "name": "Relance d’été", "status": "draft"},
        ]
    }
    assert [one["id"] for one in (await tool("list_workflows", query="ÉTE"))["items"]] == [DRAFT]


async def test_trigger_automation_and_remove_from_automation(tool: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    assert await tool("trigger_automation", contact_id=jean, workflow="nurturing leads CHAUDS") == {"done": True}
    assert ghl.enrolled == [(NURTURING, jean)]
    assert sent(ghl) == {}
    assert await tool("remove_from_automation", contact_id=jean, workflow=NURTURING) == {"done": True}
    assert ghl.enrolled == []


async def test_trigger_automation_unknown_workflow(problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    assert await problem("trigger_automation", contact_id=jean, workflow="none") == (
        "Error: There is no published workflow `none`. There are: Nurturing leads chauds."
    )
    assert ghl.enrolled == []


async def test_trigger_automation_refuses_a_draft(problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    assert await problem("trigger_automation", contact_id=jean, workflow="relance d'été") == (
        "Error: The workflow «Relance d’été» is a draft, so it would not run. Ask the user to publish it in "
        "GoHighLevel, or choose another one: Nurturing leads chauds."
    )
    assert ghl.enrolled == []


async def test_trigger_automation_not_sent_again_after_lost_response(
    problem: Any, ghl: FakeGoHighLevel, jean: str
) -> None:
    ghl.vendor.fails(faults.cut(), times=1, method="write")
    message = {"contact_id": jean, "workflow": NURTURING, "idempotency_key": "appel-7"}
    assert "It may or may not have been done" in await problem("trigger_automation", **message)
    assert "may or may not have been done" in await problem("trigger_automation", **message)
    assert ghl.enrolled == [(NURTURING, jean)]


# -- calendars --------------------------------------------------------------------------------------------------------


async def test_list_calendars(tool: Any, ghl: FakeGoHighLevel) -> None:
    ghl.calendars["DWplBmJ9ghx5XZXpDuRa"] = {"name": "Brouillon", "isActive": False}
    assert await tool("list_calendars") == {"items": [{"id": DEMO, "name": "Démo"}]}


async def test_get_free_slots_in_the_given_timezone(tool: Any, ghl: FakeGoHighLevel) -> None:
    result = await tool("get_free_slots", calendar="demo", start="2030-06-03", days=1)
    assert result["items"] == [f"2030-06-03T{t}:00+02:00" for t in ("09:00", "09:30", "10:00", "10:30")]
    query = dict(ghl.vendor.requests[-1].query)
    assert query == {"startDate": "1906668000000", "endDate": "1906754399999", "timezone": "Europe/Paris"}
    there = await tool(
        "get_free_slots", calendar=DEMO, start="2030-06-03", days=1, timezone="America/Montreal", limit=2
    )
    assert there["items"] == ["2030-06-03T03:00:00-04:00", "2030-06-03T03:30:00-04:00"]
    rest = await tool(
        "get_free_slots", calendar=DEMO, start="2030-06-03", days=1, timezone="America/Montreal", limit=2,
        cursor=there["next_cursor"],
    )  # fmt: skip
    assert rest["items"] == ["2030-06-03T04:00:00-04:00", "2030-06-03T04:30:00-04:00"]


@pytest.mark.parametrize(
    ("start", "hours"), [("2030-03-31", 23), ("2030-10-27", 25), ("2030-06-03", 24)]
)  # the clocks of Paris go forward, back
async def test_get_free_slots_day_length_at_clock_changes(
    tool: Any, ghl: FakeGoHighLevel, start: str, hours: int
) -> None:
    await tool("get_free_slots", calendar=DEMO, start=start, days=1)
    query = dict(ghl.vendor.requests[-1].query)
    assert int(query["endDate"]) + 1 - int(query["startDate"]) == hours * 3_600_000


async def test_get_free_slots_longest_span_at_clock_change(tool: Any, problem: Any) -> None:
    assert (await tool("get_free_slots", calendar=DEMO, start="2030-10-10", days=30))["items"]
    assert "`days`" in await problem("get_free_slots", calendar=DEMO, start="2030-10-10", days=31)


@pytest.mark.parametrize(
    ("arguments", "terms"),
    [
        ({"timezone": "Europe/Lyon"}, "is not a known time zone"),
        ({"start": "0001-01-01"}, "out of range"),
        ({"start": "lundi"}, "`lundi` is not a time or a day"),
        ({"calendar": "Nobody"}, "There is no calendar `Nobody`. There are: Démo."),
    ],
)
async def test_get_free_slots_invalid_span(problem: Any, arguments: dict[str, str], terms: str) -> None:
    assert terms in await problem("get_free_slots", **{"calendar": "Démo", "start": "2030-06-03", **arguments})


async def test_book_appointment_once(tool: Any, problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    params = {"calendar": "Démo", "contact_id": jean, "start_time": "2030-06-03T09:30:00+02:00"}
    made = await tool("book_appointment", **params, title="Démo à distance", notify=False)
    assert sent(ghl) == {
        "calendarId": DEMO, "locationId": LOCATION, "contactId": jean, "startTime": "2030-06-03T09:30:00+02:00",
        "title": "Démo à distance", "toNotify": False,
    }  # fmt: skip
    assert made == {
        "id": next(iter(ghl.appointments)), "start_time": "2030-06-03T09:30:00+02:00",
        "end_time": "2030-06-03T10:00:00+02:00", "status": "confirmed", "title": "Démo à distance",
        "calendar_id": DEMO, "contact_id": jean,
    }  # fmt: skip
    assert await problem("book_appointment", **params) == (
        'Error: The time is not free: "The slot you have selected is no longer available". '
        "Choose one from ghl_get_free_slots."
    )
    assert "2030-06-03T09:30" not in str(await tool("get_free_slots", calendar=DEMO, start="2030-06-03", days=1))


async def test_book_appointment_in_the_accounts_zone(tool: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    """A time without an offset is read in GOHIGHLEVEL_TIMEZONE."""
    made = await tool("book_appointment", calendar="Démo", contact_id=jean, start_time="2030-06-03T09:30")
    assert sent(ghl)["startTime"] == made["start_time"] == "2030-06-03T09:30:00+02:00"


async def test_get_free_slots_from_a_time(tool: Any, ghl: FakeGoHighLevel) -> None:
    """The day of a time is the one that it is in the account's zone."""
    await tool("get_free_slots", calendar="demo", start="2030-06-02T23:30:00Z", days=1)
    assert dict(ghl.vendor.requests[-1].query)["startDate"] == "1906668000000"  # 3 June in Paris


async def test_update_appointment_cancels(tool: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    made = await tool("book_appointment", calendar=DEMO, contact_id=jean, start_time="2030-06-03T07:00:00Z")
    assert made["start_time"] == "2030-06-03T07:00:00Z"
    gone = await tool("update_appointment", appointment_id=made["id"], status="cancelled")
    assert (gone["status"], gone["start_time"]) == ("cancelled", "2030-06-03T09:00:00+02:00")
    assert sent(ghl) == {"appointmentStatus": "cancelled"}
    assert len((await tool("get_free_slots", calendar=DEMO, start="2030-06-03", days=1))["items"]) == 4


async def test_update_appointment_moves_and_keeps_the_length(
    tool: Any, problem: Any, ghl: FakeGoHighLevel, jean: str
) -> None:
    one = (await tool("book_appointment", contact_id=jean, start_time="2030-06-03T09:00"))["id"]
    moved = await tool("update_appointment", appointment_id=one, start_time="2030-06-04T10:00", notify=False)
    assert sent(ghl) == {
        "startTime": "2030-06-04T10:00:00+02:00", "endTime": "2030-06-04T10:30:00+02:00", "calendarId": DEMO,
        "toNotify": False,
    }  # fmt: skip
    assert (moved["start_time"], moved["end_time"]) == ("2030-06-04T10:00:00+02:00", "2030-06-04T10:30:00+02:00")
    assert "is not free" in await problem("update_appointment", appointment_id=one, start_time="2030-06-04T18:00")
    assert (await tool("update_appointment", appointment_id=one, status="noshow"))["status"] == "noshow"
    assert "nothing to change" in await problem("update_appointment", appointment_id=one)
    assert "either moved or cancelled" in await problem(
        "update_appointment", appointment_id=one, start_time="2030-06-05T09:00", status="cancelled"
    )


async def test_update_appointment_asks_before_it_cancels(ghl: FakeGoHighLevel, jean: str, tmp_path: Any) -> None:
    settings = {**ghl.settings, "FLOTILLA_STATE": str(tmp_path)}
    with environment(server, **settings):
        made = await call(server, "ghl_book_appointment", contact_id=jean, start_time="2030-06-03T09:00", title="Démo")
        assert made.structured_content
        asked: list[str] = []
        one = made.structured_content["id"]
        async with client(server, answer="decline", asked=asked) as connected:
            assert (await call(connected, "ghl_update_appointment", appointment_id=one, status="cancelled")).is_error
            assert not (
                await call(connected, "ghl_update_appointment", appointment_id=one, start_time="2030-06-03T09:30")
            ).is_error
    assert asked == ["Cancel the appointment «Démo» of 3 June 2030, 09:00 (Europe/Paris)?"]
    assert ghl.appointments[one]["appointmentStatus"] == "confirmed"


async def test_list_appointments(tool: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    ghl.calendars["DWplBmJ9ghx5XZXpDuRa"] = {"name": "Conseil"}
    for calendar, start in (
        ("Conseil", "2030-06-03T10:00"),
        ("Démo", "2030-06-03T09:00"),
        ("Démo", "2030-06-04T09:00"),
    ):
        await tool("book_appointment", contact_id=jean, calendar=calendar, start_time=start, title=f"{calendar} site")
    day = await tool("list_appointments", start="2030-06-03")
    assert [row["start_time"] for row in day["items"]] == ["2030-06-03T09:00:00+02:00", "2030-06-03T10:00:00+02:00"]
    assert len((await tool("list_appointments", start="2030-06-03", days=2, calendar="demo"))["items"]) == 2
    assert len((await tool("list_appointments", start="2030-06-03", days=2, query="CONSEIL"))["items"]) == 1


async def test_calendar_must_be_named_where_there_are_several(problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    ghl.calendars["DWplBmJ9ghx5XZXpDuRa"] = {"name": "Conseil"}
    assert await problem("book_appointment", contact_id=jean, start_time="2030-06-03T09:00") == (
        "Error: There are several calendars. Pass one of: Démo, Conseil."
    )


# -- opportunities ----------------------------------------------------------------------------------------------------


async def test_list_pipelines(tool: Any) -> None:
    (sales,) = (await tool("list_pipelines"))["items"]
    assert (sales["name"], [stage["name"] for stage in sales["stages"]]) == ("Ventes", ["Découverte", "Devis envoyé"])


async def test_create_opportunity(tool: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    made = await tool("create_opportunity", contact_id=jean, name="Refonte d’été", amount=1250.5, stage="devis envoye")
    assert sent(ghl) == {
        "pipelineId": "VDm7RPYC2GLUvdpKmBfC", "locationId": LOCATION, "name": "Refonte d’été", "status": "open",
        "pipelineStageId": "8026efed-9029-45e6-9cd4-88d15faa5b21", "contactId": jean, "monetaryValue": 1250.5,
    }  # fmt: skip
    assert made == {
        "id": next(iter(ghl.opportunities)), "amount": "1250.50", "status": "open", "name": "Refonte d’été",
        "pipeline": "Ventes", "stage": "Devis envoyé", "contact": "Jean Dupont", "contact_id": jean, "created": True,
    }  # fmt: skip


async def test_create_opportunity_amounts_read_as_in_every_server(
    tool: Any, problem: Any, ghl: FakeGoHighLevel, jean: str
) -> None:
    """One table for all servers: what is read, what is refused because it has two readings, and JSON numbers."""
    params = {"contact_id": jean, "name": "Site"}
    for value, amount in {**READ, **{number: Decimal(str(number)) for number in NUMBERS}}.items():
        shown = await tool("create_opportunity", **params, amount=value, dry_run=True)
        assert Decimal(str(shown["dry_run"]["body"]["monetaryValue"])) == amount, value
    for text, readings in TWO_WAYS.items():
        assert f"Write {readings}" in await problem("create_opportunity", **params, amount=text)
    assert "The amount is negative" in await problem("create_opportunity", **params, amount="-12,50 €")
    assert ghl.opportunities == {}


async def test_create_opportunity_unclear_pipeline_or_stage(problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    params = {"contact_id": jean, "name": "x"}
    assert "There is no stage `Signé`. There are: Découverte, Devis envoyé." in await problem(
        "create_opportunity", **params, stage="Signé"
    )
    ghl.pipelines["WEn8SQZD3HMVweqLnCgD"] = {"name": "Après-vente", "stages": []}
    assert "There are several pipelines. Pass one of: Ventes, Après-vente." in await problem(
        "create_opportunity", **params
    )
    assert ghl.opportunities == {}


async def test_update_opportunity(tool: Any, problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    one = (await tool("create_opportunity", contact_id=jean, name="Site"))["id"]
    assert (await tool("update_opportunity", opportunity=one, status="won", amount=0))["status"] == "won"
    assert sent(ghl) == {"monetaryValue": 0.0, "status": "won"}
    moved = await tool("update_opportunity", opportunity=one, stage="Devis envoyé")
    assert moved["stage"] == "Devis envoyé"
    assert "nothing to change" in await problem("update_opportunity", opportunity=one)


async def test_create_opportunity_of_the_same_name_returns_existing(tool: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    first = await tool("create_opportunity", contact_id=jean, name="Refonte du site", amount=1000)
    again = await tool("create_opportunity", contact_id=jean, name="refonte  du SITE", amount=9)
    assert (again["id"], again["created"], again["amount"]) == (first["id"], False, "1000.00")
    assert "same_name=true" in again["note"]
    await tool("update_opportunity", opportunity=first["id"], status="won")
    assert (await tool("create_opportunity", contact_id=jean, name="Refonte du site"))["created"]
    assert (await tool("create_opportunity", contact_id=jean, name="Refonte du site", same_name=True))["created"]
    assert len(ghl.opportunities) == 3


async def test_update_opportunity_by_name(tool: Any, problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    """By its own name, or by its contact's where that has one only; several are listed and nothing is done."""
    site = (await tool("create_opportunity", contact_id=jean, name="Refonte du site"))["id"]
    zoe = ghl.contact(firstName="Zoé", lastName="Lefèvre")
    await tool("create_opportunity", contact_id=zoe, name="Logo")
    won = await tool("update_opportunity", opportunity="dupont", status="won")
    assert (won["id"], won["status"], won["contact"]) == (site, "won", "Jean Dupont")
    assert (await tool("update_opportunity", opportunity="LOGO", status="lost"))["status"] == "lost"
    assert "No opportunity is called `Martin`" in await problem(
        "update_opportunity", opportunity="Martin", status="won"
    )
    for name in ("Maintenance", "Référencement"):
        await tool("create_opportunity", contact_id=zoe, name=name)
    before = len([r for r in ghl.vendor.requests if r.writes])
    message = await problem("update_opportunity", opportunity="Zoé Lefèvre", status="won")
    assert "More than one opportunity fits `Zoé Lefèvre`: Référencement of Zoé Lefèvre" in message
    assert len([r for r in ghl.vendor.requests if r.writes]) == before


async def test_search_opportunities(tool: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    for n in range(3):
        await tool("create_opportunity", contact_id=jean, name=f"Site {n}", amount=1000 + n)
    await tool("update_opportunity", opportunity="Site 1", status="won", stage="Devis envoyé")
    rows = (await tool("search_opportunities", query="site"))["items"]
    assert [row["name"] for row in rows] == ["Site 2", "Site 1", "Site 0"]
    assert rows[1] == {
        "id": rows[1]["id"], "name": "Site 1", "amount": "1001.00", "status": "won", "pipeline": "Ventes",
        "stage": "Devis envoyé", "contact_id": jean, "contact": "Jean Dupont",
    }  # fmt: skip
    assert [row["name"] for row in (await tool("search_opportunities", status="won"))["items"]] == ["Site 1"]
    assert [row["name"] for row in (await tool("search_opportunities", stage="devis envoye"))["items"]] == ["Site 1"]
    assert (await tool("search_opportunities", contact_id=ghl.contact(firstName="Zoé")))["items"] == []
    first = await tool("search_opportunities", limit=2)
    rest = await tool("search_opportunities", limit=2, cursor=first["next_cursor"])
    assert [row["name"] for row in first["items"] + rest["items"]] == ["Site 2", "Site 1", "Site 0"]


# -- messages ---------------------------------------------------------------------------------------------------------


async def test_send_message(tool: Any, problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    assert (await tool("send_message", contact_id=jean, channel="SMS", text="À demain, 9 h !"))["message_id"]
    assert sent(ghl) == {"type": "SMS", "contactId": jean, "status": "pending", "message": "À demain, 9 h !"}
    text = "Bonjour,\n\nvotre devis <b>ici</b>\net là."
    await tool("send_message", contact_id=jean, channel="Email", subject="Devis n° 7", text=text)
    assert sent(ghl) == {
        "type": "Email", "contactId": jean, "status": "pending", "subject": "Devis n° 7",
        "html": "<p>Bonjour,</p><p>votre devis &lt;b&gt;ici&lt;/b&gt;<br>et là.</p>",
    }  # fmt: skip
    assert "needs a subject" in await problem("send_message", contact_id=jean, channel="Email", text="x")
    assert "no other channel has one" in await problem(
        "send_message", contact_id=jean, channel="SMS", subject="x", text="x"
    )
    assert "text is empty" in await problem("send_message", contact_id=jean, channel="SMS", text=" \n")
    assert len(ghl.messages) == 2


async def test_list_messages_of_a_contact(tool: Any, problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    """Both directions, newest first; of an e-mail the subject and all of its text, which the list does not have."""
    await tool("send_message", contact_id=jean, channel="SMS", text="Jeudi ?")
    ghl.received(jean, "Oui, jeudi me va.\u202e")
    ghl.emails["e1"] = {
        "subject": "Votre devis", "body": "<p>Bonjour,</p><p>merci.</p>", "threadId": "t", "locationId": LOCATION,
        "contactId": jean, "conversationId": "c", "dateAdded": "2030-06-01T08:00:00.000Z", "direction": "inbound",
        "contentType": "text/html", "from": "Jean <jean@exemple.fr>", "to": ["a@agence.example"],
    }  # fmt: skip
    ghl.received(jean, "", "Email", meta={"email": {"messageIds": ["e1"]}})
    rows = (await tool("list_messages", contact_id=jean))["items"]
    assert [(row["direction"], row["channel"], row.get("text")) for row in rows] == [
        ("inbound", "email", "Bonjour,\n\nmerci."),
        ("inbound", "sms", "Oui, jeudi me va."),
        ("outbound", "sms", "Jeudi ?"),
    ]
    assert rows[0]["subject"] == "Votre devis"
    first = await tool("list_messages", contact_id=jean, limit=2)
    rest = await tool("list_messages", contact_id=jean, limit=2, cursor=first["next_cursor"])
    assert [row["text"] for row in rest["items"]] == ["Jeudi ?"]
    assert "next_cursor" not in rest
    assert "cursor is not valid" in await problem("list_messages", contact_id=jean, cursor="2")
    assert (await tool("list_messages", contact_id=ghl.contact(firstName="Zoé")))["items"] == []


async def test_list_messages_unread(tool: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    zoe = ghl.contact(firstName="Zoé", phone="+33698765432")
    ghl.received(zoe, "Bonjour")
    await tool("send_message", contact_id=jean, channel="SMS", text="Jeudi ?")
    rows = (await tool("list_messages"))["items"]
    assert [(row["contact"], row["text"], row["unread"]) for row in rows] == [
        ("Jean Dupont", "Jeudi ?", 0), ("Zoé", "Bonjour", 1),
    ]  # fmt: skip
    unread = await tool("list_messages", unread=True)
    assert [row["contact_id"] for row in unread["items"]] == [zoe]
    first = await tool("list_messages", limit=1)
    rest = await tool("list_messages", limit=1, cursor=first["next_cursor"])
    assert [row["contact_id"] for row in rest["items"]] == [zoe]


async def test_list_messages_one_level_deeper(tool: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    """Live answers hold the list and its cursor in one more object than the contract says."""
    ghl.received(jean, "Oui")
    ghl.nested_messages = True
    assert [row["text"] for row in (await tool("list_messages", contact_id=jean))["items"]] == ["Oui"]


# -- tasks, forms, the account ----------------------------------------------------------------------------------------


async def test_tasks(tool: Any, problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    made = await tool("add_note", contact_id=jean, body="Rappeler Jean\nDevis n° 7", due="2030-06-06")
    assert (made["kind"], made["due"]) == ("task", "2030-06-06T09:00:00+02:00")
    assert sent(ghl) == {
        "title": "Rappeler Jean", "body": "Devis n° 7", "dueDate": "2030-06-06T07:00:00Z", "completed": False,
    }  # fmt: skip
    (task,) = (await tool("list_tasks"))["items"]
    assert task == {
        "id": made["id"], "title": "Rappeler Jean", "body": "Devis n° 7", "due": "2030-06-06T07:00:00Z",
        "completed": False, "contact_id": jean,
    }  # fmt: skip
    await tool("update_task", contact_id=jean, task_id=task["id"], due="2030-06-07T14:30")
    assert sent(ghl) == {"dueDate": "2030-06-07T12:30:00Z"}
    assert (await tool("update_task", contact_id=jean, task_id=task["id"], completed=True))["completed"]
    assert (await tool("list_tasks"))["items"] == []
    assert len((await tool("list_tasks", status="all"))["items"]) == 1
    assert "nothing to change" in await problem("update_task", contact_id=jean, task_id=task["id"])


async def test_list_form_submissions(tool: Any, problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    ghl.submissions.append(
        {
            "id": "s1", "contactId": jean, "createdAt": "2030-06-01T06:07:04.000Z", "formId": "jjusM6EOngDExnbo2DbU",
            "name": "Jean Dupont", "email": "jean@exemple.fr",
            "others": {"MgobCB14YMVKuE4Ka8p1": "12 000 €", "choix": ["a", "b"], "eventData": {"source": "x"}},
        }
    )  # fmt: skip
    (row,) = (await tool("list_form_submissions", form="contact du site", after="2030-05-15"))["items"]
    assert row == {
        "id": "s1", "form": "Contact du site", "contact_id": jean, "name": "Jean Dupont", "email": "jean@exemple.fr",
        "time": "2030-06-01T06:07:04Z",
        "answers": [{"field": "Budget", "answer": "12 000 €"}, {"field": "choix", "answer": "a, b"}],
    }  # fmt: skip
    assert (await tool("list_form_submissions", before="2030-05-20"))["items"] == []
    assert "There is no form `Devis`. There are: Contact du site." in await problem(
        "list_form_submissions", form="Devis"
    )
    ghl.no_scopes = {"customFields"}
    (row,) = (await tool("list_form_submissions"))["items"]
    assert row["answers"][0]["field"] == "MgobCB14YMVKuE4Ka8p1"


async def test_list_custom_fields(tool: Any) -> None:
    rows = (await tool("list_custom_fields"))["items"]
    assert [row["name"] for row in rows] == ["Anniversaire", "Budget", "Intérêts"]
    assert rows[2]["options"] == ["Site", "Référencement"]
    assert [row["name"] for row in (await tool("list_custom_fields", belongs_to="opportunity"))["items"]] == ["Origine"]


async def test_list_locations(tool: Any, ghl: FakeGoHighLevel) -> None:
    assert (await tool("list_locations"))["items"] == [
        {"id": LOCATION, "name": "Agence Lumière", "timezone": "Europe/Paris", "in_use": True}
    ]
    ghl.locations.append({"id": "other", "name": "Studio Été"})
    server.reset()
    rows = (await tool("list_locations", query="ete"))["items"]
    assert rows == [{"id": "other", "name": "Studio Été"}]
