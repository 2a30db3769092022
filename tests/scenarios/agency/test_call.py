"""I'm out of a call: create the contact Jean Dupont, tag him "Lead Chaud" and put him into the nurturing workflow."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_testing import faults

from .conftest import Agency, Agent

pytestmark = pytest.mark.timeout(180)
NURTURING = "78559bb3-b920-461e-b010-7b2a2816d2a9"
CONTACT, TAG, FLOW = "contact Jean Dupont", "tag Lead Chaud", "nurturing workflow"


async def after_the_call(agent: Agent) -> None:
    """Do it as a careful client does: a key a step, and a look at what is in doubt before anything is repeated."""
    who: dict[str, Any] = {"first_name": "Jean", "last_name": "Dupont"}
    jean = await agent.does(CONTACT, "ghl_create_contact", **who, idempotency_key=f"{agent.key}-contact")
    if agent.doubtful and (jean := await find(agent)):
        agent.confirmed(CONTACT)
    elif agent.doubtful:
        agent.forget(CONTACT)
        jean = await agent.does(CONTACT, "ghl_create_contact", **who, idempotency_key=f"{agent.key}-contact-2")
    if not jean:
        agent.undone += [TAG, FLOW]
        return
    tagged = await agent.does(TAG, "ghl_add_tags", contact_id=jean["id"], tags=["Lead Chaud"])
    if agent.doubtful and "Lead Chaud" in (await find(agent)).get("tags", ()):
        agent.confirmed(TAG)
    elif not tagged:
        agent.undone.append(FLOW)
        return
    await agent.does(
        FLOW, "ghl_trigger_automation", contact_id=jean["id"], workflow="nurturing leads chauds",
        idempotency_key=f"{agent.key}-flow",
    )  # fmt: skip


async def find(agent: Agent) -> dict[str, Any]:
    """Look for Jean."""
    result, _ = await agent.call("ghl_search_contacts", query="Jean Dupont")
    return next((one for one in result["items"] if one["name"] == "Jean Dupont"), {})  # there is a Jeanne, too


def all_there(agency: Agency) -> None:
    """Check each field, and that nothing is there twice."""
    (jean,) = agency.ghl.named("Jean Dupont")
    assert {k: v for k, v in jean.items() if k not in ("id", "dateAdded", "dateUpdated")} == {
        "locationId": "ve9EPM428h8vShlRW1KT", "firstName": "Jean", "lastName": "Dupont", "tags": ["Lead Chaud"],
    }  # fmt: skip
    assert agency.ghl.enrolled == [(NURTURING, jean["id"])]
    assert len(agency.ghl.contacts) == 2  # with the one that was there before


@pytest.fixture(autouse=True)
def somebody_else(agency: Agency) -> None:
    agency.ghl.contact(firstName="Jeanne", lastName="Dupont", tags=["Client"])


async def test_contact_scenario_takes_three_calls(agency: Agency) -> None:
    async with agency.agent() as agent:
        await after_the_call(agent)
        assert agent.calls == ["ghl_create_contact", "ghl_add_tags", "ghl_trigger_automation"]
        assert agent.report == f"Done: {CONTACT}; {TAG}; {FLOW}."
    all_there(agency)
    versions = {r.headers["version"] for r in agency.ghl.vendor.requests}
    assert versions == {"2021-07-28"}


async def test_contact_scenario_repeated_is_done_once(agency: Agency) -> None:
    for _ in range(2):  # the second time with a gateway of its own: what was done is remembered
        async with agency.agent() as agent:
            await after_the_call(agent)
            assert agent.report == f"Done: {CONTACT}; {TAG}; {FLOW}."
    all_there(agency)


async def test_contact_scenario_rate_limit_waited_for(agency: Agency) -> None:
    agency.ghl.call_error(429, after=1, method="write")
    async with agency.agent() as agent:
        await after_the_call(agent)
        assert len(agent.calls) == 3
        assert agent.report == f"Done: {CONTACT}; {TAG}; {FLOW}."
    all_there(agency)


async def test_contact_scenario_rate_limit_for_too_long(agency: Agency) -> None:
    agency.ghl.call_error(429, times=-1, after=1, method="write")
    async with agency.agent() as agent:
        await after_the_call(agent)
        assert agent.report.startswith(f"Done: {CONTACT}.\nNot done: {TAG} (Error: GoHighLevel refuses more requests")
        assert agent.report.endswith(f"; {FLOW}.")
        assert "may or may not" not in agent.report
        agency.ghl.plans.clear()
        again = Agent(agent.client, agent.key)
        await after_the_call(again)
        assert again.report == f"Done: {CONTACT}; {TAG}; {FLOW}."
    all_there(agency)


@pytest.mark.parametrize("step", [0, 1, 2], ids=["contact", "tag", "workflow"])
async def test_contact_scenario_server_error(agency: Agency, step: int) -> None:
    """Nothing was done, but that is not certain: what can be looked up is looked up, the rest is reported."""
    agency.ghl.call_error(500, after=step, method="write")
    async with agency.agent() as agent:
        await after_the_call(agent)
        if step == 0:
            assert agent.report == f"Done: {CONTACT}; {TAG}; {FLOW}."
            all_there(agency)
            return
        done, late = ([CONTACT], TAG) if step == 1 else ([CONTACT, TAG], FLOW)
        assert agent.report.startswith(f"Done: {'; '.join(done)}.")
        refusal = 'Error: GoHighLevel failed (500): "Refused on purpose"'
        assert f"In doubt: {late} ({refusal}. It may or may not" in agent.report
        assert (f"Not done: {FLOW}." in agent.report) == (step == 1)
        assert agency.ghl.enrolled == []
        again = Agent(agent.client, "looked-it-was-not-done")
        await after_the_call(again)
        assert again.report == f"Done: {CONTACT}; {TAG}; {FLOW}."
    all_there(agency)


@pytest.mark.parametrize("step", [0, 1, 2], ids=["contact", "tag", "workflow"])
async def test_contact_scenario_connection_lost_after_the_work(agency: Agency, step: int) -> None:
    agency.ghl.vendor.fails(faults.cut(), after=step, times=1, method="write")
    async with agency.agent() as agent:
        await after_the_call(agent)
        if step < 2:
            assert agent.report.endswith(f"{FLOW}.")
            assert "In doubt" not in agent.report
            assert len(agent.calls) == 4  # one look more
        else:
            assert agent.report == (
                f"Done: {CONTACT}; {TAG}.\nIn doubt: {FLOW} (Error: GoHighLevel cut the connection. It may or may not "
                "have been done: look before you repeat it. Try again later.)."
            )
        all_there(agency)
        again = Agent(agent.client, agent.key)  # somebody says it all once more, with the same keys
        await after_the_call(again)
        assert ("In doubt" in again.report) == (step == 2)
    all_there(agency)
