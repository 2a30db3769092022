"""The story an agency tells after a call, against a HubSpot that remembers, over real HTTP: and nothing twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.hubspot.server import server
from flotilla_servers.hubspot.tests.fake import TOKEN, FakeHubSpot, running
from flotilla_testing import FakeVendor, Process, Response, call, client, environment, faults, impatient, text_of
from flotilla_testing.contract import declared, read
from flotilla_testing.process import command

pytestmark = pytest.mark.slow

DUE = "2030-06-03T09:00:00+02:00"
RATE = Response.of(
    {"status": "error", "message": "limit reached", "correlationId": "c", "category": "RATE_LIMITS",
     "policyName": "SECONDLY"}, 429, {"retry-after": "0"},
)  # fmt: skip
BROKEN = Response.of({"status": "error", "message": "internal error", "correlationId": "c", "category": "X"}, 500)


class Crm:
    """A client at the server, and the HubSpot behind it."""

    def __init__(self, mcp: Any, hubspot: FakeHubSpot, vendor: FakeVendor) -> None:
        self.mcp, self.hubspot, self.vendor = mcp, hubspot, vendor

    async def call_ok(self, tool: str, **arguments: Any) -> Any:
        result = await call(self.mcp, f"hubspot_{tool}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    async def call_error(self, tool: str, **arguments: Any) -> str:
        result = await call(self.mcp, f"hubspot_{tool}", **arguments)
        assert result.is_error, text_of(result)
        return text_of(result)

    def counts(self) -> dict[str, int]:
        return {kind: len(rows) for kind, rows in self.hubspot.records.items() if rows}


@asynccontextmanager
async def opened(data: Path, **settings: str) -> AsyncIterator[Crm]:
    with running() as (hubspot, vendor):
        values = {"HUBSPOT_TOKEN": TOKEN, "HUBSPOT_BASE_URL": vendor.url, "FLOTILLA_STATE": str(data), **settings}
        with environment(server, **values), impatient(server):
            async with client(server) as mcp:
                yield Crm(mcp, hubspot, vendor)


@pytest.fixture
async def crm(tmp_path: Path) -> AsyncIterator[Crm]:
    async with opened(tmp_path, FLOTILLA_TIER="all") as one:
        yield one


STEPS: list[tuple[str, dict[str, Any]]] = [
    ("create_company", {"name": "Boulangerie Lefèvre", "domain": "https://www.lefevre.example/",
                        "properties": {"Ville": "Lyon"}}),
    ("create_contact", {"name": "Zoé Lefèvre", "email": "zoe@lefevre.example", "phone": "+33 (0)6 12 34 56 78",
                        "linked_to": ["company:101"], "properties": {"statut du lead": "En cours"}}),
    ("create_deal", {"name": "Refonte du site", "amount": "12 500,50 €", "stage": "devis envoyé",
                     "close_date": "2030-06-30", "linked_to": ["contact:102", "company:101"]}),
    ("add_note", {"text": "Budget < 13 000 €\nVeut un « blog »", "linked_to": ["contact:102", "deal:103"],
                  "at": "2030-05-31T18:05:00+02:00"}),
    ("create_task", {"title": "Envoyer le devis", "due": DUE, "owner": "chloe@agence.example",
                     "linked_to": ["deal:103", "contact:102"]}),
]  # fmt: skip


async def reported(crm: Crm) -> None:
    """Tell the story: each step with a key, as a careful client does."""
    for tool, arguments in STEPS:
        await crm.call_ok(tool, **arguments, idempotency_key=f"{tool}-1")


def proper(crm: Crm) -> None:
    """Check all of it, field by field."""
    records = crm.hubspot.records
    assert crm.counts() == {"contacts": 1, "companies": 1, "deals": 1, "notes": 1, "tasks": 1}
    assert records["companies"]["101"]["properties"] == {
        "name": "Boulangerie Lefèvre",
        "domain": "lefevre.example",
        "city": "Lyon",
    }
    assert records["contacts"]["102"]["properties"] == {
        "firstname": "Zoé",
        "lastname": "Lefèvre",
        "email": "zoe@lefevre.example",
        "phone": "+33612345678",
        "hs_lead_status": "IN_PROGRESS",
    }
    assert records["deals"]["103"]["properties"] == {
        "dealname": "Refonte du site",
        "amount": "12500.50",
        "deal_currency_code": "EUR",
        "pipeline": "default",
        "dealstage": "devis",
        "closedate": "2030-06-30T10:00:00Z",  # noon in Paris
    }
    assert records["notes"]["104"]["properties"] == {
        "hs_note_body": "Budget &lt; 13 000 €<br>Veut un « blog »",
        "hs_timestamp": "2030-05-31T16:05:00Z",
    }
    assert records["tasks"]["105"]["properties"] == {
        "hs_task_subject": "Envoyer le devis",
        "hs_timestamp": "2030-06-03T07:00:00Z",
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
        "hubspot_owner_id": "71",
    }
    linked = crm.hubspot.linked
    assert linked("contacts", "102", "companies") == linked("deals", "103", "companies") == ["101"]
    assert linked("deals", "103", "contacts") == ["102"]
    assert linked("notes", "104", "deals") == linked("tasks", "105", "deals") == ["103"]
    assert linked("notes", "104", "contacts") == linked("tasks", "105", "contacts") == ["102"]


async def test_scenario_after_a_call(crm: Crm) -> None:
    await reported(crm)
    proper(crm)
    seen = await crm.call_ok("get_record", record="zoe@lefevre.example")
    assert seen["details"]["record"] == "contact:102"
    assert {row["record"]: row["name"] for row in seen["linked"]} == {
        "company:101": "Boulangerie Lefèvre",
        "deal:103": "Refonte du site",
        "note:104": "Budget < 13 000 €\nVeut un « blog »",
        "task:105": "Envoyer le devis",
    }
    assert [row["at"] for row in seen["linked"] if row["record"] == "task:105"] == [DUE]
    matches = await crm.call_ok("search_deals", linked_to="contact:102")
    assert [(d["dealname"], d["amount"], d["currency"], d["stage"]) for d in matches["items"]] == [
        ("Refonte du site", "12500.50", "EUR", "Devis envoyé")
    ]
    moved = await crm.call_ok("update_deal", deal="deal:103", stage="Ventes / Gagné")
    assert moved == {"record": "deal:103", "stage": "Gagné"}
    assert crm.hubspot.records["deals"]["103"]["properties"]["dealstage"] == "closedwon"


async def test_merge_and_delete(tmp_path: Path) -> None:
    """What hung on the one that ends hangs on the one that stays."""
    async with opened(tmp_path, FLOTILLA_TIER="all", FLOTILLA_CONFIRM="off") as crm:
        one = (await crm.call_ok("create_contact", name="Zoé Lefèvre", email="zoe@lefevre.example"))["record"]
        two = (await crm.call_ok("create_contact", name="Z. Lefèvre", email="z@lefevre.example"))["record"]
        await crm.call_ok("add_note", text="Budget", linked_to=[two])
        assert (await crm.call_ok("merge_records", keep=one, merge=two))["record"] == one
        linked = (await crm.call_ok("get_record", record=one))["linked"]
        assert [row["name"] for row in linked if row["record"].startswith("note")] == ["Budget"]
        assert (await crm.call_ok("delete_record", record=one)) == {"done": True}
        assert crm.hubspot.records["contacts"] == {}


async def test_search_deals_by_each_operator(crm: Crm) -> None:
    for name, amount, day in (("A", "1000 €", "2030-06-01"), ("B", "2000 €", "2030-06-15"), ("C", None, None)):
        more = {"amount": amount, "close_date": day} if amount else {}
        await crm.call_ok("create_deal", name=name, **more)
    for condition, names in {
        "amount>=1000": "AB", "amount>1000": "B", "amount<2000": "A", "amount<=2000": "AB", "amount!=1000": "BC",
        "amount=2 000,00": "B", "amount=*": "AB", "amount!=*": "C", "dealname~b": "B",
        "closedate=2030-06-15": "B", "closedate<2030-06-15": "A", "closedate>2030-06-01": "B",
    }.items():  # fmt: skip
        rows = (await crm.call_ok("search_deals", where=[condition]))["items"]
        assert "".join(row["dealname"] for row in rows) == names, condition


async def test_scenario_repeated_creates_nothing_twice(crm: Crm) -> None:
    await reported(crm)
    await reported(crm)
    proper(crm)


async def test_contract_fits_all_requests_and_responses(crm: Crm) -> None:
    declaration = declared(Path(__file__).parents[1])
    assert declaration
    if not declaration.path.is_file():
        pytest.skip("no contract here; set FLOTILLA_SPECS")
    contract = read(declaration)
    await reported(crm)
    await crm.call_ok("get_record", record="contact:102")
    await crm.call_ok("associate_records", record="deal:103", others=["contact:102", "contact:999"])
    await crm.call_ok("search_contacts", query="zoé")
    await crm.call_ok("update_record", record="contact:102", properties={"Ville": "Lyon"})
    wrong: list[str] = []
    for request, answer in crm.hubspot.seen_answers:
        request = replace(request, url=f"https://api.hubapi.com{request.url.removeprefix(crm.vendor.url)}")
        wrong += contract.problems(request)
        if answer.status != 207 or "batch/read" in request.path:  # not declared for the default associations
            wrong += contract.answer_problems(request, answer)
    assert len(crm.hubspot.seen_answers) > 15
    assert wrong == []


@pytest.mark.parametrize("after", range(14))
async def test_rate_limit_waited_for(crm: Crm, after: int) -> None:
    crm.hubspot.call_error(RATE, after=after)
    await reported(crm)
    proper(crm)


async def test_rate_limit_daily_reported_at_once(crm: Crm) -> None:
    """A limit that lasts for the day is not waited for."""
    daily = {
        "status": "error",
        "message": "daily limit",
        "correlationId": "c",
        "policyName": "DAILY",
        "category": "RATE_LIMITS",
    }
    crm.hubspot.call_error(Response.of(daily, 429), times=-1, method="POST")
    message = await crm.call_error("add_note", text="Bonjour", linked_to=["contact:51"], idempotency_key="n")
    assert "today are used up" in message
    assert "Nothing was done" in message
    assert len(crm.vendor.requests) == 1


@pytest.mark.parametrize(("tool", "arguments"), STEPS)
async def test_upstream_failure_reported_as_uncertain_and_not_repeated(
    crm: Crm, tool: str, arguments: dict[str, Any]
) -> None:
    for name, params in STEPS[: STEPS.index((tool, arguments))]:
        await crm.call_ok(name, **params)
    before = crm.counts()
    crm.vendor.fails(faults.answer(BROKEN), method="write", times=1)  # carried out, and yet answered with 500
    message = await crm.call_error(tool, **arguments, idempotency_key="k")
    assert "may or may not have been done: look before you repeat it" in message
    after = crm.counts()
    assert sum(after.values()) == sum(before.values()) + 1
    assert "may or may not" in await crm.call_error(tool, **arguments, idempotency_key="k")
    assert crm.counts() == after


@pytest.mark.parametrize(("tool", "arguments"), STEPS)
async def test_connection_lost_after_a_write_duplicates_nothing(crm: Crm, tool: str, arguments: dict[str, Any]) -> None:
    """A new key after the look that the message asks for: what is there is found or told, and only the rest is done."""
    for name, params in STEPS:
        if name != tool:
            await crm.call_ok(name, **params)
            continue
        crm.vendor.fails(faults.cut(), method="write", times=1)
        assert "may or may not" in await crm.call_error(name, **params, idempotency_key="first")
        if name == "create_company":
            assert "company:101 (Boulangerie Lefèvre lefevre.example)" in await crm.call_error(name, **params)
        elif name == "create_contact":
            assert "already, with the id 102; nothing was done" in await crm.call_error(name, **params)
        elif name == "create_deal":
            matches = await crm.call_ok("search_deals", linked_to="contact:102")
            assert [row["record"] for row in matches["items"]] == ["deal:103"]
        else:
            linked = (await crm.call_ok("get_record", record="contact:102"))["linked"]
            assert [row["record"] for row in linked][-1] in ("note:104", "task:105")
    proper(crm)


async def test_upstream_500_without_effect(crm: Crm) -> None:
    """A 500 on the search for duplicates leaves nothing and no doubt."""
    crm.hubspot.call_error(BROKEN, method="POST")
    crm.hubspot.lag = True
    message = await crm.call_error("create_company", name="Lefèvre")  # the look for duplicates: a read
    assert "may or may not" not in message
    assert crm.counts() == {}


async def test_create_contact_duplicate_reported_when_searches_lag(crm: Crm) -> None:
    crm.hubspot.lag = True
    await crm.call_ok("create_contact", name="Jean Dupont", email="jean@exemple.fr")
    message = await crm.call_error("create_contact", name="J. Dupont", email="JEAN@exemple.fr")
    assert message == (
        "Error: HubSpot has this record already, with the id 101; nothing was done. Use that id, or update that record."
    )
    assert crm.counts() == {"contacts": 1}


@pytest.mark.parametrize(
    "phone", ["+33 6 12 34 56 78", "06 12 34 56 78", "0612345678", "06.12.34.56.78", "06-12-34-56-78", "0033612345678"]
)
async def test_create_contact_duplicate_phone_in_another_notation(crm: Crm, phone: str) -> None:
    await crm.call_ok("create_contact", name="Jean Dupont", phone="+33612345678")
    message = await crm.call_error("create_contact", name="Jean D.", phone=phone)
    assert "this phone number already: contact:101 (Jean Dupont)" in message
    assert crm.counts() == {"contacts": 1}


async def test_create_contact_finds_a_number_with_dots(crm: Crm) -> None:
    """A number that HubSpot holds as it was typed is found from its international form."""
    await crm.call_ok("create_contact", name="Jean Dupont", phone="06.98.76.54.32")
    assert "phone number already" in await crm.call_error("create_contact", name="J. D.", phone="+33698765432")


async def test_create_contact_duplicate_name(crm: Crm) -> None:
    """The same name without any other detail is a duplicate."""
    await crm.call_ok("create_contact", name="Dupont, Jean")
    assert "this name already: contact:101 (Jean Dupont)" in await crm.call_error("create_contact", name="Jean Dupont")
    await crm.call_ok("create_contact", name="Jean Dupont", email="autre.jean@exemple.fr")
    assert crm.counts() == {"contacts": 2}


async def test_dry_run_writes_nothing(crm: Crm) -> None:
    for tool, arguments in STEPS:
        shown = (await crm.call_ok(tool, **arguments, dry_run=True))["dry_run"]
        assert shown["method"] == "POST"
    assert crm.counts() == {}


def test_scenario_through_a_process(tmp_path: Path) -> None:
    """The server as its own process, over its pipes; it ends behind a lost answer, and a new one goes on."""
    with running() as (hubspot, vendor):
        values = {"HUBSPOT_TOKEN": TOKEN, "HUBSPOT_BASE_URL": vendor.url, "FLOTILLA_STATE": str(tmp_path)}
        vendor.fails(faults.cut(), method="write", after=1, times=1)
        lost = False
        for _ in range(2):
            with Process(command("hubspot"), values) as server_process:
                server_process.start()
                for tool, arguments in STEPS:
                    result = server_process.call(f"hubspot_{tool}", **arguments, idempotency_key=f"{tool}-1")
                    if tool == "create_contact":
                        lost = True
                        assert "may or may not have been done" in result["content"][0]["text"]
                    else:
                        assert not result.get("isError"), result
        assert lost
        proper(Crm(None, hubspot, vendor))
