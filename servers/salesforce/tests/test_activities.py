"""Tasks, events, calls and cases: on the right records, in the user's time zone, done by what the org calls done."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.salesforce.tests.conftest import Tool
from flotilla_servers.salesforce.tests.fake import COLLEAGUE, FakeSalesforce


def subjects(page: dict[str, Any]) -> list[str]:
    return [row["Subject"] for row in page["items"]]


async def test_list_tasks_of_an_owner_a_day_and_a_record(org: FakeSalesforce, tool: Tool) -> None:
    account = org.add("Account", Name="Roy")
    luc = org.add("Contact", LastName="Roy", Email="luc@roy.example", AccountId=account)
    org.add("Task", Subject="Later", ActivityDate="2030-07-01", WhatId=account)
    org.add("Task", Subject="Soon", ActivityDate="2030-06-01", WhoId=luc)
    org.add("Task", Subject="Someday")
    org.add("Task", Subject="Done", Status="Finished", ActivityDate="2030-01-01")
    org.add("Task", Subject="His", OwnerId=COLLEAGUE, ActivityDate="2030-06-01")
    assert subjects(await tool("list_tasks")) == ["Soon", "Later", "Someday"]
    assert subjects(await tool("list_tasks", before="2030-06-01")) == ["Soon"]
    assert subjects(await tool("list_tasks", status="done")) == ["Done"]
    assert subjects(await tool("list_tasks", owner="hugo@agence.example")) == ["His"]
    assert subjects(await tool("list_tasks", about="luc@roy.example")) == ["Soon"]
    assert subjects(await tool("list_tasks", about="Account:Roy", owner="all")) == ["Later"]


async def test_update_task_done_open_and_moved(org: FakeSalesforce, tool: Tool, problem: Tool) -> None:
    task = org.add("Task", Subject="Appeler Marie", ActivityDate="2030-06-01")
    await tool("update_task", task="Appeler Marie", status="fait")
    row = org.records["Task"][task]
    assert (row["Status"], row["IsClosed"]) == ("Finished", True)
    await tool("update_task", task=task, status="open", due="2030-06-07", owner="Hugo Petit", subject="Rappeler Marie")
    assert (row["Status"], row["ActivityDate"], row["OwnerId"], row["Subject"]) == (
        "Todo", "2030-06-07", COLLEAGUE, "Rappeler Marie"
    )  # fmt: skip
    message = await problem("update_task", task=task, status="plus tard")
    assert "There is no status `plus tard`. There are: À faire, En cours, Terminée." in message


async def test_create_task_about_two_people_or_a_lead_and_a_record_refused(org: FakeSalesforce, problem: Tool) -> None:
    lead = org.add("Lead", LastName="Durand", Company="Atelier")
    contact, account = org.add("Contact", LastName="Roy"), org.add("Account", Name="Roy")
    two = await problem("create_task", subject="Appeler", due="2030-06-03", about=[contact, lead])
    assert "about one contact or lead only" in two
    both = await problem("create_task", subject="Appeler", due="2030-06-03", about=[lead, account])
    assert "of a lead cannot be about another record" in both
    assert not org.records.get("Task")


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({"start": "2030-06-04T14:00"}, ("2030-06-04T12:00:00Z", "2030-06-04T13:00:00Z", False)),
        ({"start": "2030-12-04T14:00", "minutes": 30}, ("2030-12-04T13:00:00Z", "2030-12-04T13:30:00Z", False)),
        (
            {"start": "2030-06-04T14:00+00:00", "end": "2030-06-04T17:30"},
            ("2030-06-04T14:00:00Z", "2030-06-04T15:30:00Z", False),
        ),
        ({"start": "2030-06-04", "end": "2030-06-05"}, ("2030-06-04T00:00:00Z", "2030-06-05T00:00:00Z", True)),
    ],
)
async def test_create_event_times(
    org: FakeSalesforce, tool: Tool, arguments: dict[str, Any], sent: tuple[str, str, bool]
) -> None:
    event = await tool("create_event", subject="Démo", location="Lyon", **arguments)
    row = org.records["Event"][event["id"]]
    assert (row["StartDateTime"], row["EndDateTime"], row["IsAllDayEvent"], row["Location"]) == (*sent, "Lyon")


async def test_create_event_times_that_do_not_fit_refused(org: FakeSalesforce, problem: Tool) -> None:
    both = {"end": "2030-06-04T15:00", "minutes": 30}
    assert "Both end and minutes" in await problem("create_event", subject="x", start="2030-06-04T14:00", **both)
    long = await problem("create_event", subject="x", start="2030-06-04T14:00", end="2030-07-04T14:00")
    assert "lasts 14 days at most" in long


async def test_list_events_of_a_period_and_a_record(org: FakeSalesforce, tool: Tool) -> None:
    account = org.add("Account", Name="Roy")
    for subject, start, end, related in (
        ("First", "2030-06-04T12:00:00.000+0000", "2030-06-04T13:00:00.000+0000", account),
        ("Second", "2030-06-05T12:00:00.000+0000", "2030-06-05T13:00:00.000+0000", None),
    ):
        org.add("Event", Subject=subject, StartDateTime=start, EndDateTime=end, WhatId=related, AccountId=related)
    page = await tool("list_events", start="2030-06-04", end="2030-06-04")
    assert subjects(page) == ["First"]
    assert page["items"][0]["StartDateTime"] == "2030-06-04T14:00:00+02:00"
    assert subjects(await tool("list_events")) == ["First", "Second"]
    assert subjects(await tool("list_events", about="Account:Roy")) == ["First"]


async def test_list_events_all_day_stays_a_day_in_every_zone(org: FakeSalesforce, tool: Tool) -> None:
    org.records["User"]["005AP000000chloEAA"]["TimeZoneSidKey"] = "America/New_York"
    await tool("create_event", subject="Salon", start="2030-06-04", end="2030-06-05")
    for day, expected in (("2030-06-03", []), ("2030-06-04", ["Salon"]), ("2030-06-05", ["Salon"]), ("2030-06-06", [])):
        page = await tool("list_events", start=day, end=day)
        assert subjects(page) == expected, day
    row = (await tool("list_events", start="2030-06-04"))["items"][0]
    assert (row["StartDateTime"], row["EndDateTime"]) == ("2030-06-04", "2030-06-05")


async def test_log_call_is_a_task_that_is_done(org: FakeSalesforce, tool: Tool) -> None:
    luc = org.add("Contact", LastName="Roy", Phone="0612345678")
    call = await tool(
        "log_call", text="Budget 12 000 €.", about=["06 12 34 56 78"], inbound=True, minutes=12, at="2030-06-03"
    )
    row = org.records["Task"][call["id"]]
    assert (row["WhoId"], row["Status"], row["IsClosed"], row["TaskSubtype"]) == (luc, "Finished", True, "Call")
    assert (row["CallType"], row["CallDurationInSeconds"], row["ActivityDate"]) == ("Inbound", 720, "2030-06-03")


async def test_case_for_a_caller_listed_commented_and_read(org: FakeSalesforce, tool: Tool, problem: Tool) -> None:
    luc = org.add("Contact", LastName="Roy", Phone="0612345678")
    made = await tool(
        "create_case", subject="Four en panne", about="+33612345678", priority="haute", origin="téléphone",
        owner="Support niveau 1",
    )  # fmt: skip
    row = org.records["Case"][made["id"]]
    assert (row["ContactId"], row["Priority"], row["Origin"], row["OwnerId"][:3]) == (luc, "High", "Phone", "00G")
    number = row["CaseNumber"]
    assert [one["CaseNumber"] for one in (await tool("list_cases", about=luc))["items"]] == [number]
    assert (await tool("list_cases", state="closed"))["items"] == []
    comment = await tool("add_case_comment", case=number.lstrip("0"), text="Pièce commandée.")
    assert org.records["CaseComment"][comment["id"]]["IsPublished"] is False
    shown = await tool("get_record", record=f"Case:{number}")
    assert [one["CommentBody"] for one in shown["related"] if one["object"] == "CaseComment"] == ["Pièce commandée."]
    assert "Nobody in Salesforce has `06 99 99 99 99`" in await problem(
        "create_case", subject="x", about="06 99 99 99 99"
    )
