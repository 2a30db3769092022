"""What people did: events, metrics and counts, against a Klaviyo that keeps state."""

from __future__ import annotations

import pytest

from flotilla_servers.klaviyo.tests.conftest import Tool
from flotilla_servers.klaviyo.tests.fake import FakeKlaviyo

JEAN = "jean.dupont@exemple.fr"


@pytest.fixture
def jean(fake: FakeKlaviyo) -> str:
    """A customer with two events; somebody else has one."""
    key = fake.add_person(JEAN, "+33612345678")
    fake.add_event(
        key, "Placed Order", "2030-05-02T09:58:00+00:00", **{"$value": 49.9, "$extra": {}, "Items": ["Chaise"]}
    )
    fake.add_event(key, "Opened Email", "2030-05-01T18:00:00+00:00", Subject="Soldes")
    fake.add_event(fake.add_person("marie@exemple.fr"), "Placed Order", "2030-05-03T08:00:00+00:00", **{"$value": 100})
    return key


async def test_list_events_last_of_a_person(jean: str, tool: Tool) -> None:
    page = await tool("list_events", person="06 12 34 56 78")
    assert [one["metric"] for one in page["items"]] == ["Placed Order", "Opened Email"]
    first = page["items"][0]
    assert (first["at"], first["value"], first["profile"]) == ("2030-05-02T11:58:00+02:00", 49.9, jean)
    assert first["properties"] == {"Items": "Chaise"}


async def test_list_events_of_a_metric_in_a_period(jean: str, tool: Tool, problem: Tool) -> None:
    page = await tool("list_events", metric="placed order", after="2030-05-03", before="2030-05-03")
    assert [one["value"] for one in page["items"]] == [100]
    assert "There is no metric `Ordered`. There are: " in await problem("list_events", metric="Ordered")


async def test_list_events_pages(jean: str, tool: Tool) -> None:
    first = await tool("list_events", limit=2)
    last = await tool("list_events", limit=2, cursor=first["next_cursor"])
    assert [len(first["items"]), len(last["items"])] == [2, 1]
    assert "next_cursor" not in last


async def test_create_event_with_amount_and_time(jean: str, fake: FakeKlaviyo, tool: Tool, asked: list[str]) -> None:
    done = await tool(
        "create_event",
        person=JEAN,
        metric="visite du showroom",
        properties={"Ville": "Lyon"},
        value="1 250,50 €",
        at="2030-05-04T10:00",
        unique_id="visite-1",
    )
    assert done["metric"] == "Visite du showroom"
    assert fake.events[-1]["event_properties"] == {"Ville": "Lyon", "$value": 1250.5}
    assert fake.events[-1]["datetime"] == "2030-05-04T08:00:00Z"
    sent = fake.writes[-1].json()["data"]["attributes"]
    assert (sent["unique_id"], sent["value_currency"]) == ("visite-1", "EUR")
    assert asked == []


async def test_create_event_that_starts_a_live_flow_asks(
    jean: str, fake: FakeKlaviyo, problem: Tool, asked: list[str]
) -> None:
    fake.add_flow("Merci de votre visite", fake.metric("Visite du showroom"))
    await problem("create_event", person=JEAN, metric="Visite du showroom", answer="decline")
    assert fake.writes == []
    assert asked == [
        f"Record «Visite du showroom» for {JEAN}? It starts what is live and may send messages: Merci de votre visite."
    ]


async def test_create_event_new_metric_only_where_it_is_wanted(fake: FakeKlaviyo, tool: Tool, problem: Tool) -> None:
    assert "There is no metric `Atelier`" in await problem("create_event", person=JEAN, metric="Atelier")
    await tool("create_event", person=JEAN, metric="Atelier", new_metric=True)
    assert fake.metric("Atelier")


async def test_query_metric(jean: str, tool: Tool, problem: Tool) -> None:
    series = await tool(
        "query_metric", metric="Placed Order", after="2030-05-01", before="2030-05-31", interval="month"
    )
    assert series["total"] == {"count": 2, "value": 149.9}
    assert series["points"] == [{"period": "2030-05-01T00:00:00+02:00", "count": 2, "unique": 2, "value": 149.9}]
    assert series["timezone"] == "Europe/Paris"
    assert "over a year at most" in await problem("query_metric", metric="Placed Order", after="2025-01-01")


async def test_list_metrics(tool: Tool) -> None:
    page = await tool("list_metrics", query="order")
    assert [(one["name"], one["source"]) for one in page["items"]] == [("Placed Order", "Shopify")]
