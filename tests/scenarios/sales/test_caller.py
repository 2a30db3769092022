"""A caller's number in three sales systems: who it is, a deal opened or a lead converted, the next step, and won."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flotilla_servers.pipedrive.tests.fake import TOKEN, FakePipedrive
from flotilla_servers.salesforce.tests.fake import FakeSalesforce
from flotilla_servers.zoho_crm.tests.fake import FakeZoho
from flotilla_testing import FakeVendor
from tests.scenarios.harness import KINDS, Gateway, call_error, call_ok
from tests.scenarios.vendors import Fake, connected

pytestmark = pytest.mark.timeout(180)
ZOE, MARIE = "06 12 34 56 78", "06 98 76 54 32"


class Pipedrive(FakePipedrive):
    """With an address of its own, as the other vendors have."""

    vendor: FakeVendor

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"PIPEDRIVE_TOKEN": TOKEN, "PIPEDRIVE_BASE_URL": self.vendor.url}


@dataclass
class Sales:
    """A gateway to three sales systems that remember, and the lead that the last two have of Marie Durand."""

    gateway: Gateway
    pipedrive: Pipedrive
    zoho: FakeZoho
    salesforce: FakeSalesforce
    in_zoho: str
    in_salesforce: str


@pytest.fixture(params=KINDS)
def sales(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sales]:
    """Zoé is a person of Pipedrive; Marie's number is written differently in each of the two others."""
    pipedrive, zoho, salesforce = Pipedrive(), FakeZoho(), FakeSalesforce()
    lead = {"Company": "Atelier Durand", "Email": "marie@durand.example"}
    marie = {"First_Name": "Marie", "Last_Name": "Durand", "Phone": "+33698765432", "Lead_Status": "Contacted"}
    in_zoho = zoho.put("Leads", **lead, **marie)
    in_salesforce = salesforce.add("Lead", FirstName="Marie", LastName="Durand", Phone="06.98.76.54.32", **lead)
    fakes: dict[str, Fake] = {"pipedrive": pipedrive, "zoho-crm": zoho, "salesforce": salesforce}
    with connected(request.param, tmp_path, "sales", fakes) as gateway:
        yield Sales(gateway, pipedrive, zoho, salesforce, in_zoho, in_salesforce)


async def test_sales_scenario(sales: Sales) -> None:
    """Pipedrive, Zoho CRM, Salesforce: from the number to the deal that is won, with a question before a conversion."""
    gateway = sales.gateway
    async with gateway.client(answer=True) as client:
        who = await call_ok(client, "pipedrive_get_caller", caller=ZOE)
        assert (who["details"]["name"], who["details"]["organization_name"]) == ("Zoé Lefèvre", "Boulangerie Roy")
        new = {"title": "Refonte du site", "person": who["details"]["record"], "value": "12 500,50 €"}
        deal = (await call_ok(client, "pipedrive_create_deal", **new))["record"]
        step = {"subject": "Rappeler Zoé", "due": "2030-06-03T09:00", "about": [deal], "type": "Appel"}
        assert (await call_ok(client, "pipedrive_create_activity", **step))["due"] == "2030-06-03T09:00:00+02:00"
        moved = await call_ok(client, "pipedrive_update_deal", deal="Refonte du site", stage="Devis envoyé")
        assert moved["stage"] == "Ventes/Devis envoyé"
        assert (await call_ok(client, "pipedrive_update_deal", deal=deal, status="won"))["status"] == "won"
        assert gateway.asked == []

        (row,) = (await call_ok(client, "zoho_search_records", text=MARIE))["items"]
        assert (row["record"], row["name"]) == (f"lead:{sales.in_zoho}", "Marie Durand")
        new = {"deal": "Refonte du site", "amount": "12 500,50 €", "close_date": "2030-06-30"}
        in_zoho = await call_ok(client, "zoho_convert_lead", lead=row["record"], **new)
        step = {"linked_to": [in_zoho["contact"], in_zoho["deal"]], "at": "2030-06-05T10:00"}
        assert (await call_ok(client, "zoho_create_call", **step))["at"] == "2030-06-05T10:00:00+02:00"
        won = await call_ok(client, "zoho_update_record", record=in_zoho["deal"], fields={"Stage": "gagné"})
        assert won["stage"] == "Fermé gagné"

        (row,) = (await call_ok(client, "salesforce_search_records", query=MARIE))["items"]
        assert (row["object"], row["Id"]) == ("Lead", sales.in_salesforce)
        new = {"lead": row["Id"], "opportunity": "Refonte du site"}
        in_salesforce = await call_ok(client, "salesforce_convert_lead", **new)
        about = [in_salesforce["contact"], in_salesforce["opportunity"]]
        step = {"subject": "Rappeler Marie", "due": "2030-06-03T09:00", "about": about}
        assert (await call_ok(client, "salesforce_create_task", **step))["at"] == "2030-06-03T09:00:00+02:00"
        change = {"opportunity": "Refonte du site", "stage": "won", "amount": "12 500,50 €"}
        won = await call_ok(client, "salesforce_update_opportunity", **change)
        assert (won["stage"], won["won"]) == ("Signée", True)

    of_zoho, of_salesforce = gateway.asked
    assert of_zoho.startswith(f"Convert the lead «Marie Durand» (lead:{sales.in_zoho}) of Atelier Durand ")
    assert "«Refonte du site» (12500.5 " in of_zoho
    assert of_salesforce.startswith("Convert the lead «Marie Durand» for good into a new account «Atelier Durand», ")
    assert of_salesforce.endswith("an opportunity «Refonte du site»?")

    (pipedrive_deal,) = sales.pipedrive.deals.values()
    assert {name: pipedrive_deal[name] for name in ("title", "value", "currency", "person_id", "status")} == {
        "title": "Refonte du site", "value": 12500.5, "currency": "EUR", "person_id": 5, "status": "won",
    }  # fmt: skip
    (activity,) = sales.pipedrive.activities.values()
    assert (activity["due_date"], activity["due_time"]) == ("2030-06-03", "07:00")  # in UTC
    assert (activity["deal_id"], activity["person_id"], activity["done"]) == (pipedrive_deal["id"], 5, False)

    records = sales.zoho.records
    (zoho_deal,) = records["Deals"].values()
    assert (zoho_deal["Deal_Name"], zoho_deal["Stage"], zoho_deal["Amount"]) == (
        "Refonte du site", "Closed Won", 12500.5,
    )  # fmt: skip
    (call,) = records["Calls"].values()
    assert (call["What_Id"]["id"], call["Outgoing_Call_Status"]) == (zoho_deal["id"], "Scheduled")
    assert f"contact:{call['Who_Id']['id']}" == in_zoho["contact"]
    assert [len(records[module]) for module in ("Contacts", "Accounts")] == [1, 1]

    org = sales.salesforce.records
    (opportunity,) = org["Opportunity"].values()
    assert (opportunity["StageName"], opportunity["IsWon"], opportunity["Amount"]) == ("Signed", True, 12500.5)
    (task,) = org["Task"].values()
    assert [task["WhoId"], task["WhatId"]] == about
    assert (task["ActivityDate"], task["ReminderDateTime"]) == ("2030-06-03", "2030-06-03T07:00:00Z")
    assert org["Lead"][sales.in_salesforce]["IsConverted"] is True


async def test_sales_scenario_declined_converts_nothing(sales: Sales) -> None:
    """The lead can still be read afterwards, and there is no deal."""
    async with sales.gateway.client(answer=False) as client:
        zoho = {"lead": f"lead:{sales.in_zoho}", "deal": "Refonte du site"}
        assert "did not agree" in await call_error(client, "zoho_convert_lead", **zoho)
        salesforce = {"lead": sales.in_salesforce, "opportunity": "Refonte du site"}
        assert "did not agree" in await call_error(client, "salesforce_convert_lead", **salesforce)
        (row,) = (await call_ok(client, "zoho_search_records", text=MARIE))["items"]
        assert row["record"] == f"lead:{sales.in_zoho}"
    assert len(sales.gateway.asked) == 2
    assert sales.zoho.writes == []
    assert not sales.zoho.records["Deals"]
    assert sales.salesforce.records["Lead"][sales.in_salesforce]["IsConverted"] is False
    assert "Opportunity" not in sales.salesforce.records


async def test_sales_scenario_repeated_opens_no_second_deal(sales: Sales) -> None:
    """A second call for the same deal is refused with the first one; a lead that is converted stays so."""
    async with sales.gateway.client(answer=True) as client:
        new = {"title": "Refonte du site", "person": "person:5"}
        first = await call_ok(client, "pipedrive_create_deal", **new)
        assert first["record"] in await call_error(client, "pipedrive_create_deal", **new)
        lead = {"lead": sales.in_salesforce, "opportunity": "Refonte du site"}
        converted = await call_ok(client, "salesforce_convert_lead", **lead)
        again = await call_ok(client, "salesforce_convert_lead", **lead)
        assert again == {**converted, "converted": False}
    assert len(sales.pipedrive.deals) == 1
    assert len(sales.salesforce.records["Opportunity"]) == 1
    assert len(sales.gateway.asked) == 1
