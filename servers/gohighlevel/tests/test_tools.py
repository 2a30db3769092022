"""Workflows, calendars, opportunities and messages against the fake, field by field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from flotilla_servers.gohighlevel.tests.fake import LOCATION, FakeGoHighLevel
from flotilla_testing import faults
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
    assert await tool("trigger_automation", contact_id=jean, workflow_id=NURTURING) == {"done": True}
    assert ghl.enrolled == [(NURTURING, jean)]
    assert sent(ghl) == {}
    assert await tool("remove_from_automation", contact_id=jean, workflow_id=NURTURING) == {"done": True}
    assert ghl.enrolled == []


async def test_trigger_automation_unknown_workflow(problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    assert await problem("trigger_automation", contact_id=jean, workflow_id="none") == (
        'Error: GoHighLevel does not have this: "The workflow does not exist". Check the id, or list or search first.'
    )


async def test_trigger_automation_refuses_a_draft(problem: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    assert await problem("trigger_automation", contact_id=jean, workflow_id=DRAFT) == (
        "Error: The workflow «Relance d’été» is a draft, so it would not run. Ask the user to publish it in "
        "GoHighLevel, or choose another one from ghl_list_workflows."
    )
    assert ghl.enrolled == []


async def test_trigger_automation_not_sent_again_after_lost_response(
    problem: Any, ghl: FakeGoHighLevel, jean: str
) -> None:
    ghl.vendor.fails(faults.cut(), times=1, method="write")
    message = {"contact_id": jean, "workflow_id": NURTURING, "idempotency_key": "appel-7"}
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
        "end_time": "2030-06-03T10:00:00+02:00", "status": "confirmed",
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


async def test_cancel_appointment(tool: Any, ghl: FakeGoHighLevel, jean: str) -> None:
    made = await tool("book_appointment", calendar=DEMO, contact_id=jean, start_time="2030-06-03T07:00:00Z")
    assert made["start_time"] == "2030-06-03T07:00:00Z"
    gone = await tool("cancel_appointment", appointment_id=made["id"])
    assert (gone["status"], gone["start_time"]) == ("cancelled", "2030-06-03T09:00:00+02:00")
    assert sent(ghl) == {"appointmentStatus": "cancelled"}
    assert len((await tool("get_free_slots", calendar=DEMO, start="2030-06-03", days=1))["items"]) == 4


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
        "id": next(iter(ghl.opportunities)), "amount": "1250.50", "status": "open",
        "stage_id": "8026efed-9029-45e6-9cd4-88d15faa5b21",
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
    assert (await tool("update_opportunity", opportunity_id=one, status="won", amount=0))["status"] == "won"
    assert sent(ghl) == {"monetaryValue": 0.0, "status": "won"}
    moved = await tool("update_opportunity", opportunity_id=one, stage="Devis envoyé")
    assert moved["stage_id"] == "8026efed-9029-45e6-9cd4-88d15faa5b21"
    assert "nothing to change" in await problem("update_opportunity", opportunity_id=one)


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
