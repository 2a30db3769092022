"""A sales call from end to end with the core tools alone, and what must hold of a conversion."""

from __future__ import annotations

import pytest

from flotilla_servers.salesforce.server import server
from flotilla_servers.salesforce.tests.conftest import Tool
from flotilla_servers.salesforce.tests.fake import FakeSalesforce

CORE = ("search_records", "convert_lead", "update_opportunity", "create_task", "create_event", "list_tasks")


def lead(org: FakeSalesforce, **more: object) -> str:
    about = {"FirstName": "Marie", "LastName": "Durand", "Company": "Atelier Durand", "Email": "marie@durand.example"}
    return org.add("Lead", **{**about, "Phone": "06.98.76.54.32", **more})


async def test_sales_call_from_caller_to_closed_won_with_core_tools(
    org: FakeSalesforce, tool: Tool, asked: list[str]
) -> None:
    """A caller's number is found, the lead converted, the next step booked, the opportunity won by its stage."""
    assert all(server.attributes[f"salesforce_{name}"]["tier"] == "core" for name in CORE)
    marie = lead(org)
    caller = (await tool("search_records", query="+33 6 98 76 54 32"))["items"][0]
    assert (caller["object"], caller["Id"], caller["Company"]) == ("Lead", marie, "Atelier Durand")

    converted = await tool("convert_lead", lead="0698765432", opportunity="Refonte du site")
    assert asked == [
        "Convert the lead «Marie Durand» for good into a new account «Atelier Durand», a new contact «Marie Durand» "
        "and an opportunity «Refonte du site»?"
    ]
    deal = org.records["Opportunity"][converted["opportunity"]]
    assert (deal["Name"], deal["AccountId"], deal["StageName"]) == (
        "Refonte du site", converted["account"], "Prospecting"
    )  # fmt: skip

    task = await tool(
        "create_task",
        subject="Rappeler Marie",
        due="2030-06-03T09:00",
        about=[converted["contact"], converted["opportunity"]],
    )
    assert task["at"] == "2030-06-03T09:00:00+02:00"
    row = org.records["Task"][task["id"]]
    assert (row["WhoId"], row["WhatId"]) == (converted["contact"], converted["opportunity"])
    assert (row["ActivityDate"], row["ReminderDateTime"]) == ("2030-06-03", "2030-06-03T07:00:00Z")
    event = await tool("create_event", subject="Démo", start="2030-06-04T14:00", about=["marie@durand.example"])
    assert (event["at"], event["end"]) == ("2030-06-04T14:00:00+02:00", "2030-06-04T15:00:00+02:00")

    won = await tool("update_opportunity", opportunity="Refonte du site", stage="won", amount="12 500,50 €")
    assert (won["stage"], won["closed"], won["won"]) == ("Signée", True, True)
    assert won["note"] == "This org has one currency, so EUR was not sent: check that it is."
    assert (deal["StageName"], deal["IsWon"], deal["Amount"]) == ("Signed", True, 12500.5)
    assert [row["Name"] for row in (await tool("list_opportunities", state="won"))["items"]] == ["Refonte du site"]


async def test_convert_lead_uses_account_and_contact_that_are_there(
    org: FakeSalesforce, tool: Tool, asked: list[str]
) -> None:
    account = org.add("Account", Name="ATELIER durand")
    contact = org.add("Contact", LastName="Durand", Email="marie@durand.example", AccountId=account)
    result = await tool("convert_lead", lead=lead(org))
    assert (result["account"], result["contact"]) == (account, contact)
    assert asked[0].startswith("Convert the lead «Marie Durand» for good into the account «ATELIER durand», which is")
    assert len(org.records["Account"]) == 1


async def test_convert_lead_two_accounts_of_the_name_listed(org: FakeSalesforce, problem: Tool, tool: Tool) -> None:
    first, second = (org.add("Account", Name="Atelier Durand") for _ in range(2))
    marie = lead(org)
    message = await problem("convert_lead", lead=marie)
    assert first in message
    assert second in message
    assert "Pass the id of one as account, or new" in message
    assert (await tool("convert_lead", lead=marie, account=second))["account"] == second


async def test_convert_lead_twice_returns_the_first_result(org: FakeSalesforce, tool: Tool, asked: list[str]) -> None:
    marie = lead(org)
    first = await tool("convert_lead", lead=marie)
    again = await tool("convert_lead", lead=marie)
    assert {**again, "converted": True} == first
    assert (again["converted"], len(asked), len(org.records["Opportunity"])) == (False, 1, 1)


async def test_convert_lead_without_opportunity(org: FakeSalesforce, tool: Tool, asked: list[str]) -> None:
    result = await tool("convert_lead", lead=lead(org), no_opportunity=True)
    assert "opportunity" not in result
    assert asked[0].endswith("and no opportunity?")


async def test_convert_lead_refused_by_a_rule_says_why(org: FakeSalesforce, problem: Tool) -> None:
    org.soap_error = "Le numéro SIRET est obligatoire"
    message = await problem("convert_lead", lead=lead(org))
    assert 'Salesforce does not convert the lead (CANNOT_INSERT): "Le numéro SIRET est obligatoire".' in message
    assert "may or may not" not in message
    assert "was done" not in message


async def test_convert_lead_envelope_is_escaped(org: FakeSalesforce, tool: Tool) -> None:
    await tool("convert_lead", lead=lead(org), opportunity="R&D <Lyon>")
    assert [row["Name"] for row in org.records["Opportunity"].values()] == ["R&D <Lyon>"]


async def test_convert_lead_dry_run_hides_the_session(org: FakeSalesforce, tool: Tool) -> None:
    shown = (await tool("convert_lead", lead=lead(org), dry_run=True))["dry_run"]
    assert "<sessionId>***</sessionId>" in shown["body"]
    assert "<convertedStatus>Qualified</convertedStatus>" in shown["body"]


@pytest.mark.parametrize("stage", ["won", "gagnée", "Signée", "signee", "Signed"])
async def test_update_opportunity_won_by_metadata(org: FakeSalesforce, tool: Tool, stage: str) -> None:
    deal = org.add("Opportunity", Name="Refonte", StageName="Quote", CloseDate="2030-06-30")
    assert (await tool("update_opportunity", opportunity=deal, stage=stage))["won"] is True
    assert org.records["Opportunity"][deal]["StageName"] == "Signed"


async def test_update_opportunity_lost_and_several_won_stages(org: FakeSalesforce, tool: Tool, problem: Tool) -> None:
    deal = org.add("Opportunity", Name="Refonte", StageName="Quote", CloseDate="2030-06-30")
    result = await tool("update_opportunity", opportunity="Refonte", stage="perdu")
    assert (result["stage"], result["closed"], result["won"]) == ("Abandonnée", True, False)
    org.add("OpportunityStage", MasterLabel="Renouvelée", ApiName="Renewed", IsClosed=True, IsWon=True, IsActive=True,
            SortOrder=9)  # fmt: skip
    server.connection.metadata.clear()
    message = await problem("update_opportunity", opportunity=deal, stage="won")
    assert "More than one stage counts as won: Signée, Renouvelée." in message
    assert "There is no stage `tiède`" in await problem("update_opportunity", opportunity=deal, stage="tiède")


async def test_create_opportunity_for_a_contact_gives_the_contact_a_role(org: FakeSalesforce, tool: Tool) -> None:
    account = org.add("Account", Name="Boulangerie Roy")
    luc = org.add("Contact", FirstName="Luc", LastName="Roy", MobilePhone="+33612345678", AccountId=account)
    made = await tool("create_opportunity", name="Four neuf", about="06 12 34 56 78", amount=8000, stage="devis envoyé")
    deal = org.records["Opportunity"][made["id"]]
    assert (deal["AccountId"], deal["StageName"], deal["Amount"]) == (account, "Quote", 8000)
    roles = list(org.records["OpportunityContactRole"].values())
    assert [(r["ContactId"], r["OpportunityId"], r["IsPrimary"]) for r in roles] == [(luc, made["id"], True)]


async def test_create_opportunity_same_name_refused_unless_meant(
    org: FakeSalesforce, tool: Tool, problem: Tool
) -> None:
    org.add("Account", Name="Boulangerie Roy")
    first = await tool("create_opportunity", name="Four neuf", about="Account:boulangerie roy")
    assert first["stage"] == "Prospection"
    message = await problem("create_opportunity", name="four neuf", about="Account:Boulangerie Roy")
    assert first["id"] in message
    await tool("create_opportunity", name="Four neuf", about="Account:Boulangerie Roy", same_name=True)
    assert len(org.records["Opportunity"]) == 2


async def test_list_opportunities_by_owner_customer_and_day(org: FakeSalesforce, tool: Tool) -> None:
    account = org.add("Account", Name="Roy")
    org.add("Opportunity", Name="Mine", StageName="Quote", CloseDate="2030-06-30", AccountId=account)
    org.add("Opportunity", Name="Late", StageName="Quote", CloseDate="2031-01-31", AccountId=account)
    org.add("Opportunity", Name="Lost", StageName="Dropped", CloseDate="2030-01-31")

    async def names(**arguments: object) -> list[str]:
        return [row["Name"] for row in (await tool("list_opportunities", **arguments))["items"]]

    assert await names() == ["Mine", "Late"]
    assert await names(closing_before="2030-06-30") == ["Mine"]
    assert await names(about="Account:Roy", owner="me") == ["Mine", "Late"]
    assert await names(owner="Hugo") == []
    assert await names(state="lost") == ["Lost"]
    assert await names(stage="lost") == ["Lost"]
    page = await tool("list_opportunities", state="all", limit=2)
    assert (len(page["items"]), page["next_cursor"]) == (2, "2")
    last = await tool("list_opportunities", state="all", limit=2, cursor="2")
    assert ([row["Name"] for row in last["items"]], "next_cursor" in last) == (["Late"], False)


async def test_session_that_ended_is_reported_with_the_next_step(org: FakeSalesforce, problem: Tool) -> None:
    org.tokens = {"another"}
    message = await problem("list_tasks")
    assert message.startswith("Error: Salesforce does not accept the access token: the session has ended")
    assert "SALESFORCE_INSTANCE_URL" in message
