"""The tools: events listed once, read, acknowledged, put back, forwarded again; endpoints and counts."""

from __future__ import annotations

import hmac

from flotilla_servers.webhooks.server import server
from flotilla_servers.webhooks.store import Arrival, Store
from flotilla_servers.webhooks.tests.conftest import Log, Post, receiving
from flotilla_servers.webhooks.tests.senders import SENDERS, Sent, secret_of, sent
from flotilla_testing import Tool, environment


async def test_events_listed_read_and_acknowledged(post: Post, tool: Tool) -> None:
    await post(sent("calendly"))
    await post(sent("hubspot"))
    listed = await tool("list_events", vendor="calendly")
    [event] = listed["items"]
    assert (event["kind"], event["state"]) == ("invitee.created", "new")
    assert event["happened_at"] == "2026-11-29T11:00:00+01:00"
    details = await tool("get_event", event=event["event"])
    assert details["payload"]["payload"]["email"] == "emile@exemple.fr"
    marked = await tool("mark_events", events=[event["event"], "99"])
    assert ([one["state"] for one in marked["events"]], marked["not_found"]) == (["acknowledged"], ["99"])
    await post(sent("calendly"))
    assert (await tool("list_events", vendor="calendly"))["items"] == []
    done = await tool("list_events", state="acknowledged")
    assert [(one["event"], one["duplicates"]) for one in done["items"]] == [(event["event"], 1)]
    assert len((await tool("list_events", state="all"))["items"]) == 3
    await tool("mark_events", events=[event["event"]], state="new")
    assert len((await tool("list_events"))["items"]) == 3


async def test_events_pages_and_filters(store: Store, tool: Tool, problem: Tool) -> None:
    store.add([Arrival("slack", "main", str(n), f"kind.{n % 2}", "T1", None, {"n": n}) for n in range(5)])
    first = await tool("list_events", kind="kind.0", limit=2)
    second = await tool("list_events", kind="kind.0", limit=2, cursor=first["next_cursor"])
    assert [one["event"] for one in first["items"] + second["items"]] == ["1", "3", "5"]
    assert "next_cursor" not in second
    assert (await tool("list_events", endpoint="other"))["items"] == []
    assert (await tool("list_events", before="2020-01-01"))["items"] == []
    assert len((await tool("list_events", after="2020-01-01"))["items"]) == 5
    assert "There is no vendor `slak`" in await problem("list_events", vendor="slak")
    assert "There is no event 99" in await problem("get_event", event="99")
    assert "not the number of an event" in await problem("get_event", event="1; --")


async def test_event_of_a_list_and_hidden_characters(post: Post, store: Store, tool: Tool) -> None:
    store.add([Arrival("token", "main", "k", "", "", None, ["a\u200bb", {"c": "d\u202ee"}])])
    details = await tool("get_event", event="1")
    assert details["payload"] == ["ab", {"c": "de"}]


async def test_mark_events_dry_run(store: Store, tool: Tool) -> None:
    store.add([Arrival("slack", "main", "k", "", "", None, {})])
    shown = await tool("mark_events", events=["1"], dry_run=True)
    assert shown["dry_run"] == {"action": "mark_events", "events": ["1"], "state": "acknowledged"}
    assert [one.state for one in store.events()] == ["new"]


async def test_endpoints_with_addresses(post: Post, tool: Tool) -> None:
    await post(sent("zendesk"))
    listed = await tool("list_endpoints", limit=100)
    rows = {row["vendor"]: row for row in listed["items"]}
    assert set(rows) == set(SENDERS)
    zendesk = rows["zendesk"]
    assert zendesk["url"] == "https://hooks.example.com/hooks/zendesk/main"
    assert (zendesk["ready"], zendesk["new_events"]) == (True, 1)
    assert "last_event_at" not in rows["slack"]
    assert "canary" not in str(listed)
    assert [row["vendor"] for row in (await tool("list_endpoints", vendor="slack"))["items"]] == ["slack"]


async def test_statistics(store: Store, tool: Tool, log: Log) -> None:
    requests = [sent("slack"), sent("slack"), sent("slack", "wrong"), Sent("graph", query="validationToken=x")]
    async with receiving(store, accounts="intercom/main=another") as client:
        for one in (*requests, sent("intercom")):
            await client.post(one.path, content=one.body, headers=dict(one.headers))
    counted = await tool("get_statistics")
    assert counted["events"] == [
        {"vendor": "intercom", "endpoint": "main", "kind": "contact.created", "state": "parked", "number": 1},
        {"vendor": "slack", "endpoint": "main", "kind": "app_mention", "state": "new", "number": 1},
    ]
    outcomes = {(one["vendor"], one["outcome"]): one["number"] for one in counted["requests"]}
    assert outcomes == {
        ("slack", "received"): 1,
        ("slack", "duplicate"): 1,
        ("slack", "refused: the signature does not match"): 1,
        ("graph", "challenge"): 1,
        ("intercom", "parked"): 1,
    }


async def test_forwards_listed_and_put_back(store: Store, tool: Tool) -> None:
    store.add(
        [
            Arrival("slack", "main", "a", "k", "", None, {}, forward=True),
            Arrival("slack", "main", "b", "k", "", None, {}),
        ]
    )
    [forward] = store.claim(60, 10)
    store.attempted(forward, "dead", 0, "it answered 410")
    [dead] = (await tool("list_forwards", state="dead"))["items"]
    assert (dead["event"], dead["attempts"], dead["problem"]) == ("1", 1, "it answered 410")
    assert "next_attempt_at" not in dead
    again = await tool("forward_events", events=["1", "2", "7"])
    assert again == {"events": ["1", "2"], "not_found": ["7"]}
    waiting = await tool("list_forwards", limit=1)
    assert waiting["items"][0]["state"] == "waiting"
    assert waiting["next_cursor"] == "1"
    assert (await tool("get_statistics"))["forwards"] == {"waiting": 2}


async def test_forward_events_without_an_address(store: Store, problem: Tool, settings: dict[str, str]) -> None:
    with environment(server, **{**settings, "WEBHOOKS_FORWARD_URL": ""}):
        assert "WEBHOOKS_FORWARD_URL is not set" in await problem("forward_events", events=["1"])


async def test_event_of_the_last_year_is_listed(post: Post, tool: Tool) -> None:
    """A time that the calendar ends before spoils no page."""
    secret, body = secret_of("calcom"), b'{"createdAt":"9999-12-31T23:59:59-01:00"}'
    signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
    await post(Sent("calcom", {"X-Cal-Signature-256": signature}, body))
    [event] = (await tool("list_events"))["items"]
    assert "happened_at" not in event
