"""A day in sales: a caller is found, a lead converted with a deal, the next activity booked, the deal won."""

from __future__ import annotations

from typing import Any

from flotilla_servers.zoho_crm.server import server
from flotilla_servers.zoho_crm.tests.conftest import Tool
from flotilla_servers.zoho_crm.tests.fake import FakeZoho
from flotilla_testing import environment


def caller(zoho: FakeZoho, **more: Any) -> str:
    return zoho.put(
        "Leads", First_Name="Zoé", Last_Name="Lefèvre", Company="Atelier L'Œuvre", Phone="+33698765432",
        Email="zoe@lefevre.example", Lead_Status="Contacted", **more,
    )  # fmt: skip


async def test_sales_day_with_the_core_tier_alone(zoho: FakeZoho, tool: Tool, asked: list[str]) -> None:
    lead = caller(zoho)
    with environment(server, **zoho.settings, FLOTILLA_TIER="core"):
        result = await tool("search_records", text="06 98 76 54 32")
        assert [(row["record"], row["name"], row["Owner"]) for row in result["items"]] == [
            (f"lead:{lead}", "Zoé Lefèvre", "Chloé Martin")
        ]
        made = await tool(
            "convert_lead", lead=f"lead:{lead}", deal="Refonte du site", amount="12 500,50 €", close_date="2030-06-30"
        )
        assert asked == [
            f"Convert the lead «Zoé Lefèvre» (lead:{lead}) of Atelier L'Œuvre into a contact and an account, with the "
            "deal «Refonte du site» (12500.5 Qualification, closing 2030-06-30)? It cannot be undone."
        ]
        assert made["deal"].startswith("deal:")
        assert made["contact"].startswith("contact:")
        assert (made["stage"], made["closing"]) == ("Qualification", "2030-06-30")
        task = await tool(
            "create_task",
            title="Envoyer le devis",
            due="2030-06-03T09:00",
            linked_to=["zoe@lefevre.example", made["deal"]],
        )
        assert task["at"] == "2030-06-03"
        event = await tool("create_event", title="Démonstration", start="2030-06-04T14:00", linked_to=[made["contact"]])
        assert event["at"] == "2030-06-04T14:00:00+02:00"
        planned = await tool("create_call", linked_to=["+33698765432"], at="2030-06-05T10:00")
        assert planned["at"] == "2030-06-05T10:00:00+02:00"
        won = await tool("update_record", record=made["deal"], fields={"Stage": "gagné"})
        assert won["stage"] == "Fermé gagné"
        shown = await tool("get_record", record="06 98 76 54 32")
    deal = zoho.records["Deals"][made["deal"].removeprefix("deal:")]
    assert (deal["Stage"], deal["Amount"], deal["Pipeline"]) == ("Closed Won", 12500.5, "Standard (Standard)")
    booked = zoho.records["Tasks"][task["record"].removeprefix("task:")]
    assert booked["Who_Id"]["id"] == made["contact"].removeprefix("contact:")
    assert (booked["What_Id"]["id"], booked["$se_module"]) == (made["deal"].removeprefix("deal:"), "Deals")
    assert booked["Remind_At"] == {"ALARM": "FREQ=NONE;ACTION=POPUP;TRIGGER=DATE-TIME:2030-06-03T09:00:00+02:00"}
    call = zoho.records["Calls"][planned["record"].removeprefix("call:")]
    assert (call["Outgoing_Call_Status"], call["Call_Type"]) == ("Scheduled", "Outbound")
    assert {row["record"].partition(":")[0]: row.get("status") for row in shown["linked"]} == {
        "task": "Not Started",
        "event": None,
        "call": "Outbound",
        "deal": "Fermé gagné",
    }


async def test_convert_lead_declined_changes_nothing(zoho: FakeZoho, problem: Tool, asked: list[str]) -> None:
    lead = caller(zoho)
    text = await problem("convert_lead", lead="Zoé Lefèvre")
    assert "did not agree" in text
    assert asked == [
        f"Convert the lead «Zoé Lefèvre» (lead:{lead}) of Atelier L'Œuvre into a contact and an account, "
        "without a deal? It cannot be undone."
    ]
    assert not zoho.writes
    assert lead in zoho.records["Leads"]


async def test_convert_lead_joins_the_account_of_the_same_name(zoho: FakeZoho, tool: Tool) -> None:
    caller(zoho)
    account = zoho.put("Accounts", Account_Name="Atelier L'Œuvre")
    made = await tool("convert_lead", lead="zoe@lefevre.example", owner="marie")
    assert made["account"] == f"account:{account}"
    assert "deal" not in made
    assert zoho.writes[-1].json()["data"][0]["assign_to"] == {"id": "5725767000000040002"}


async def test_note_and_logged_call_are_shown_before_the_next_one(zoho: FakeZoho, tool: Tool) -> None:
    lead = caller(zoho)
    await tool("add_note", record="06 98 76 54 32", text="Budget 12 000 €\nRappeler jeudi", title="Appel")
    logged = await tool(
        "create_call", linked_to=[f"lead:{lead}"], at="2026-01-05T10:00", minutes=7.5, inbound=True, result="Intéressé"
    )
    call = zoho.records["Calls"][logged["record"].removeprefix("call:")]
    assert (call["Call_Duration"], call["Call_Type"], call["Call_Result"]) == ("07:30", "Inbound", "Interested")
    assert "Outgoing_Call_Status" not in call
    shown = await tool("get_record", record=f"lead:{lead}")
    assert [row.get("text") for row in shown["linked"] if row["record"].startswith("note:")] == [
        "Budget 12 000 €\nRappeler jeudi"
    ]
    assert shown["details"]["Lead_Status"] == "Contacté"
    assert shown["details"]["url"].endswith(f"/crm/EntityInfo.do?module=Leads&id={lead}")
