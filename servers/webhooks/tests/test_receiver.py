"""The receiver: stored before the 2xx, once each, under the right id; all else is refused or answered as documented."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2 as httpx
import pytest

from flotilla import errors
from flotilla_servers.webhooks.receive import web
from flotilla_servers.webhooks.store import Store
from flotilla_servers.webhooks.tests.conftest import Log, Post, inboxes_of, receiving
from flotilla_servers.webhooks.tests.senders import SENDERS, Sent, secret_of, sent, wrong_secret_of
from flotilla_testing.waiting import loop_clock

# What is read from each vendor's request: key (a digest where it begins so), kind, account; keys of further events.
READ = {
    "calcom": ("sha256:", "BOOKING_CREATED", "moi@exemple.fr"),
    "calendly": ("sha256:", "invitee.created", "https://api.calendly.com/users/U1"),
    "crisp": ("sha256:", "message:send", "w1"),
    "freshdesk": ("sha256:", "", ""),
    "gmail": ("2070443601311540", "projects/p/subscriptions/gmail", "moi@exemple.fr"),
    "gohighlevel": ("w-1", "ContactCreate", "L1"),
    "google": ("c1:7", "exists", "r1"),
    "graph": ("sha256:", "updated", "", "sha256:"),
    "hubspot": (
        "contact.creation:100:1:1764410400000",
        "contact.creation",
        "62515",
        "contact.creation:101:1:1764410400000",
    ),
    "intercom": ("notif_1", "contact.created", "a1"),
    "klaviyo": ("event:klaviyo.opened_email:e1", "event:klaviyo.opened_email", "K1", "event:klaviyo.opened_email:e2"),
    "notion": ("n-1", "page.created", "ws"),
    "pipedrive": ("m-1:77", "change.deal", "12"),
    "shopify": ("b54557e4", "orders/create", "atelier.myshopify.com"),
    "slack": ("Ev1", "app_mention", "T1"),
    "standard": ("msg_1", "invoice.paid", ""),
    "stripe": ("evt_1", "charge.succeeded", ""),
    "token": ("sha256:", "form", ""),
    "twilio": ("i-1", "delivered", "AC1"),
    "whatsapp": ("sha256:", "messages", "P1", "sha256:"),
    "woocommerce": ("d1", "order.created", "https://boutique.fr/"),
    "zendesk": ("01H", "zen:event-type:ticket.created", "9"),
    "zoho": ("sha256:", "Leads.insert", "1"),
}


def signed(body: bytes) -> Sent:
    """Return a request of Cal.com with this body."""
    signature = hmac.new(secret_of("calcom").encode(), body, hashlib.sha256).hexdigest()
    return Sent("calcom", {"X-Cal-Signature-256": signature}, body)


@pytest.mark.parametrize("vendor", sorted(SENDERS))
async def test_receiver_stores_each_vendor_once(vendor: str, post: Post, store: Store) -> None:
    key, kind, account, *more = READ[vendor]
    first = sent(vendor)
    assert (await post(first)).status_code == 200
    stored = store.events()
    assert [one.kind for one in stored] == [kind] * (1 + len(more))
    assert {one.account for one in stored} == {account}
    assert all(one.key.startswith(wanted) for one, wanted in zip(stored, [key, *more], strict=True))
    assert (await post(first)).status_code == 200  # a replay
    assert [(one.id, one.duplicates) for one in store.events()] == [(one.id, 1) for one in stored]


@pytest.mark.parametrize("vendor", sorted(SENDERS))
async def test_receiver_refuses_a_wrong_secret(vendor: str, post: Post, store: Store) -> None:
    assert (await post(sent(vendor, wrong_secret_of(vendor)))).status_code == 401
    assert store.events() == []


async def test_receiver_keeps_no_secret_of_a_body(post: Post, store: Store) -> None:
    for vendor in ("graph", "slack", "zoho"):
        await post(sent(vendor))
    payloads = str([store.event(one.id) for one in store.events()])
    assert "me/messages/2" in payloads
    assert not [name for name in ("legacy-token-of-slack", secret_of("graph"), secret_of("zoho")) if name in payloads]


async def test_receiver_hubspot_repeats_with_another_attempt_number(post: Post, store: Store) -> None:
    await post(sent("hubspot"))
    await post(sent("hubspot", attempt=1))
    assert [one.duplicates for one in store.events()] == [1, 1]


async def test_receiver_refuses_without_a_secret(store: Store, log: Log) -> None:
    async with receiving(store, "slack/other=abcdefgh") as client:
        for path in ("/hooks/slack/main", "/hooks/slack", "/hooks/calendly/main", "/hooks/slack/Other"):
            assert (await client.post(path, content=b"{}")).status_code == 401
        assert (await client.post("/hooks/nobody/main", content=b"{}")).status_code == 404
        assert (await client.get("/hooks/slack/other")).status_code == 405
        assert (await client.get("/")).status_code == 404
    # An endpoint that nobody set up leaves no name of a stranger's choice in the database.
    assert store.outcomes() == [
        ("calendly", "", "refused: there is no secret for this endpoint", 1),
        ("slack", "", "refused: there is no secret for this endpoint", 3),
    ]


async def test_receiver_two_endpoints_of_a_vendor(store: Store, log: Log) -> None:
    """Each has secrets of its own, and the same id in both is two events."""
    async with receiving(store, "shopify/fr=secret-of-fr shopify/be=secret-of-be shopify/be=newer-one-of-be") as client:

        async def status(endpoint: str, secret: str) -> int:
            one = sent("shopify", secret)
            answer = await client.post(f"/hooks/shopify/{endpoint}", content=one.body, headers=dict(one.headers))
            return answer.status_code

        assert await status("fr", "secret-of-be") == 401
        assert [await status(*pair) for pair in (("fr", "secret-of-fr"), ("be", "secret-of-be"))] == [200, 200]
        assert await status("be", "newer-one-of-be") == 200
    assert [(one.endpoint, one.duplicates) for one in store.events()] == [("fr", 0), ("be", 1)]


async def test_receiver_parks_an_unknown_account(store: Store, log: Log) -> None:
    known = "calendly/main=https://api.calendly.com/users/U1"
    async with receiving(store, accounts=known) as client:
        for account in ("https://api.calendly.com/users/U1", "https://api.calendly.com/users/U2"):
            one = sent("calendly", account=account)
            answer = await client.post(one.path, content=one.body, headers=dict(one.headers))
            assert answer.status_code == 200
    assert [(one.account[-2:], one.state) for one in store.events()] == [("U1", "new"), ("U2", "parked")]


async def test_receiver_caps_the_body(post: Post, store: Store) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 100_000

    big = replace(sent("calcom"), body=b" " * (web.MOST_BODY + 1))
    assert (await post(big)).status_code == 413
    async with receiving(store) as client:
        assert (await client.post("/hooks/calcom/main", content=endless())).status_code == 413
    assert store.events() == []


async def test_receiver_bounds_the_time_of_a_body(store: Store, log: Log) -> None:
    """A sender that sends a byte now and then keeps no place from others; its connection ends."""

    with loop_clock() as clock:

        async def drip() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b" "
                clock.advance(1)
                await asyncio.sleep(0)

        async with receiving(store) as client:
            answer = await client.post("/hooks/calcom/main", content=drip())
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"7", b'"text"', b"[" * 100_000, b"\xff\xfe", b'{"a":"\\ud800"}']
)
async def test_receiver_takes_any_signed_body(body: bytes, post: Post, store: Store) -> None:
    assert (await post(signed(body))).status_code == 200
    assert len(store.events()) == 1
    assert store.event(1)


LONE = b'{"triggerEvent":"\\ud800"}'  # half a character, which no database takes as text


async def test_receiver_one_that_cannot_be_stored_fails_alone(post: Post, store: Store) -> None:
    """What came in the same moment is stored, and answered so."""
    good = [sent("calcom", name=f"n{number}") for number in range(20)]
    answers = await asyncio.gather(*(post(one) for one in [*good[:10], signed(LONE), *good[10:]]))
    assert [answer.status_code for answer in answers] == [200] * 10 + [400] + [200] * 10
    assert len(store.events(limit=100)) == 20
    assert [(outcome, number) for *_, outcome, number in store.outcomes()] == [("received", 20)]


async def test_receiver_of_many_levels_ends_with_an_answer(post: Post) -> None:
    """At some depth JSON can still be read, but not be written any more."""
    bodies = [b"[" * depth + b"]" * depth for depth in range(900, 1000)]
    answers = await asyncio.gather(*(post(signed(body)) for body in bodies))
    assert {answer.status_code for answer in answers} <= {200, 400}


async def test_challenge_that_is_not_valid_text(store: Store, log: Log) -> None:
    async with receiving(store, f"slack/main={secret_of('slack')} notion/main") as client:
        token = await client.post("/hooks/notion/main", content=b'{"verification_token":"\\ud800"}')
        body, stamp = b'{"challenge":"\\ud800"}', str(int(time.time()))
        signature = hmac.new(secret_of("slack").encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {"X-Slack-Signature": f"v0={signature}", "X-Slack-Request-Timestamp": stamp}
        echo = await client.post("/hooks/slack/main", content=body, headers=headers)
    assert (token.status_code, echo.status_code) == (400, 400)
    assert store.offered() == []


async def test_receiver_not_stored_is_not_acknowledged(
    post: Post, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails: the vendor gets a 503 and comes again, and the next request is stored."""
    broken = sqlite3.OperationalError("disk I/O error")

    def fail(*_: object) -> bool:
        raise broken

    with monkeypatch.context() as patched:
        patched.setattr(Store, "_add", fail)
        answer = await post(sent("calendly"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (await post(sent("calendly"))).status_code == 200
    assert len(store.events()) == 1


async def test_receiver_many_at_once_in_few_transactions(
    post: Post, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, add = [], Store.add

    def counted(self: Store, arrivals: list[object]) -> int:
        calls.append(len(arrivals))
        return add(self, arrivals)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "add", counted)
    answers = await asyncio.gather(*(post(sent("calcom", name=f"n{number}")) for number in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(calls) == len(store.events(limit=200)) == 100
    assert len(calls) < 50


async def test_receiver_more_than_it_bears(post: Post, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MOST_AT_ONCE", 3)
    answers = await asyncio.gather(*(post(sent("calcom", name=f"n{number}")) for number in range(10)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) == len(store.events())


async def test_receiver_logs_refusals_together(store: Store, log: Log) -> None:
    """Whoever floods the address fills neither the log nor the database."""
    async with receiving(store) as client:
        for _ in range(50):
            assert (await client.post("/hooks/slack/main", content=b"{}")).status_code == 401
        assert store.outcomes() == []
    assert log.text.count("webhook refused") == 1
    assert [number for *_, number in store.outcomes()] == [50]


async def test_receiver_counts_later_what_a_full_disk_refuses(
    store: Store, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = inboxes_of(store).by_tenant[""]
    inbox.outcomes.update({("slack", "main", "refused: no secret"): 3, ("calcom", "main", "refused: no secret"): 2})
    count = Store.count

    def full(self: Store, vendor: str, *rest: object) -> None:
        if vendor == "calcom":
            raise errors.ConfigurationError("The disk is full.", "Make room.")
        count(self, vendor, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Store, "count", full)
        await inbox.tidy()
    inbox.outcomes["calcom", "main", "refused: no secret"] += 1
    for _ in range(2):
        await inbox.tidy()
        assert sorted(number for *_, number in store.outcomes()) == [3, 3]
    assert log.text.count("webhook refused") == 2


# -- challenges ------------------------------------------------------------------------------------------------------


async def test_challenge_slack(post: Post, store: Store) -> None:
    """https://docs.slack.dev/reference/events/url_verification: signed like everything else."""
    answer = await post(sent("slack", type="url_verification", challenge="3eZbrw1aB"))
    assert (answer.status_code, answer.text, store.events()) == (200, "3eZbrw1aB", [])
    assert (await post(sent("slack", "wrong", type="url_verification", challenge="x"))).status_code == 401


@pytest.mark.parametrize("vendor", ["slack", "notion", "woocommerce"])
async def test_challenge_of_a_parameter_without_a_name(vendor: str, post: Post, store: Store) -> None:
    """Only vendors that have a parameter echoed get an answer that is not signed."""
    assert (await post(Sent(vendor, query="=x"))).status_code == 401


async def test_challenge_graph(post: Post, store: Store) -> None:
    """https://learn.microsoft.com/graph/change-notifications-delivery-webhooks: as plain text, decoded."""
    answer = await post(Sent("graph", query="validationToken=Validation%3A+Testing+%3Cb%3E"))
    assert (answer.status_code, answer.text) == (200, "Validation: Testing <b>")
    assert answer.headers["content-type"].startswith("text/plain")
    assert store.events() == []


async def test_challenge_whatsapp(store: Store, log: Log) -> None:
    """https://developers.facebook.com/docs/graph-api/webhooks/getting-started"""
    async with receiving(store, "whatsapp/main=app-secret whatsapp/main:verify=meatyhamhock") as client:
        query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "meatyhamhock"}
        right = await client.get("/hooks/whatsapp/main", params=query)
        assert (right.status_code, right.text) == (200, "1158201444")
        wrong = await client.get("/hooks/whatsapp/main", params=query | {"hub.verify_token": "app-secret"})
        assert wrong.status_code == 401
    async with receiving(store, "whatsapp/main=app-secret") as client:
        empty = await client.get("/hooks/whatsapp/main", params=query | {"hub.verify_token": ""})
        assert empty.status_code == 401


async def test_challenge_woocommerce(post: Post, store: Store) -> None:
    """Its first request is a form that is not signed, and it wants a 200."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await post(Sent("woocommerce", form, b"webhook_id=12"))).status_code == 200
    assert (await post(Sent("woocommerce", form, b"webhook_id=12&order=1"))).status_code == 401
    assert store.events() == []


async def test_challenge_intercom(store: Store, log: Log) -> None:
    async with receiving(store) as client:
        assert (await client.head("/hooks/intercom/main")).status_code == 200


async def test_challenge_notion(store: Store, log: Log) -> None:
    """The token is kept for the operator, never used by itself: anybody can send one."""
    offer = {"verification_token": "secret_canary-of-notion-77"}
    async with receiving(store, "notion/main notion/done=another-secret") as client:
        assert (await client.post("/hooks/notion/main", json=offer)).status_code == 200
        assert (await client.post("/hooks/notion/main", json=offer | {"id": "n"})).status_code == 401
        assert (await client.post("/hooks/notion/done", json=offer)).status_code == 401
        signed = sent("notion", offer["verification_token"])
        answer = await client.post(signed.path, content=signed.body, headers=dict(signed.headers))
        assert answer.status_code == 401
    assert [(offered[:2], offered[3]) for offered in store.offered()] == [
        (("notion", "main"), offer["verification_token"])
    ]
    assert "canary" not in log.text


async def test_answer_twilio(post: Post) -> None:
    answer: httpx.Response = await post(sent("twilio"))
    assert (answer.headers["content-type"].split(";")[0], answer.text) == ("text/xml", "<Response/>")
