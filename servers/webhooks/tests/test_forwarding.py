"""Forwards: signed, tried again for three days, given up, never to a private address."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from email.utils import formatdate

import httpx2 as httpx
import pytest

from flotilla.audit import Audit
from flotilla_servers.webhooks.receive.forwarding import PAUSES, Forwarder, signatures
from flotilla_servers.webhooks.schemes import Incoming
from flotilla_servers.webhooks.server import server
from flotilla_servers.webhooks.store import Arrival, Store, store_of
from flotilla_servers.webhooks.tests.conftest import Log, forwarders, receiving
from flotilla_servers.webhooks.tests.senders import WHSEC, google, sent
from flotilla_servers.webhooks.vendors import VENDORS
from flotilla_testing.waiting import eventually, loop_clock

NOW = 1_764_410_400.0
OLDER = "whsec_" + "QUJD" * 11
Answer = Callable[[httpx.Request], httpx.Response]


class Target:
    """The operator's address: what it got, and what it answers."""

    def __init__(self, answer: Answer = lambda _: httpx.Response(204)) -> None:
        self.requests: list[httpx.Request] = []
        self.answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        return self.answer(request)


@pytest.fixture
def clock() -> list[float]:
    return [NOW]


@pytest.fixture
def waiting(settings: dict[str, str], clock: list[float], log: Log) -> Store:
    """A database with one event that is to be forwarded."""
    store = store_of(server.connection, lambda: clock[0])
    store.add([Arrival("calendly", "main", "k1", "invitee.created", "U1", NOW - 60, {"name": "Émile"}, forward=True)])
    return store


def forwarder(
    store: Store,
    target: Target,
    clock: list[float],
    url: str = "https://inbox.example.com/in?a=1",
    addresses: Sequence[str] = ("93.184.216.34",),
    **more: bool,
) -> Forwarder:
    """Return a forwarder whose network and clock are the test's."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        if not addresses:
            raise OSError("Name or service not known")
        return addresses

    return Forwarder(
        store,
        url,
        [WHSEC, OLDER],
        Audit("webhooks-receive", frozenset()),
        transport=httpx.MockTransport(target),
        resolve=resolve,
        clock=lambda: clock[0],
        **more,
    )


async def test_forward_is_signed_and_delivered_once(waiting: Store, clock: list[float]) -> None:
    target = Target()
    one = forwarder(waiting, target, clock)
    assert (await one.step(), await one.step()) == (1, 0)
    [request] = target.requests
    # To the very address that was checked, under the name that it has.
    assert (request.url.host, request.headers["host"]) == ("93.184.216.34", "inbox.example.com")
    assert request.extensions["sni_hostname"] == b"inbox.example.com"
    assert request.url.raw_path == b"/in?a=1"
    assert json.loads(request.content) == {
        "type": "calendly.invitee.created",
        "timestamp": "2025-11-29T09:59:00+00:00",
        "vendor": "calendly",
        "endpoint": "main",
        "account": "U1",
        "event": "1",
        "data": {"name": "Émile"},
    }
    for secret in (WHSEC, OLDER):  # while the operator changes the secret, both fit
        incoming = Incoming("POST", str(request.url), dict(request.headers), request.content)
        await VENDORS["standard"].verification.check(incoming, [secret], NOW, google)
    [forward] = waiting.forwards()
    assert (forward.state, forward.attempts) == ("delivered", 1)


def test_forward_signature_published_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks, libraries/python/tests/test_webhooks.py"""
    signed = signatures([WHSEC], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_forward_is_tried_for_three_days_and_given_up(waiting: Store, clock: list[float], log: Log) -> None:
    target = Target(lambda _: httpx.Response(500))
    one = forwarder(waiting, target, clock)
    for pause in PAUSES:
        assert await one.step() == 1
        clock[0] += pause - 1
        assert await one.step() == 0
        clock[0] += 1
    assert await one.step() == 1
    [dead] = waiting.forwards("dead")
    assert (dead.attempts, dead.problem) == (len(PAUSES) + 1, "it answered 500")
    assert 3 < (clock[0] - NOW) / 86_400 < 4
    assert len({request.headers["webhook-id"] for request in target.requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in target.requests}) == len(target.requests)
    target.answer = lambda _: httpx.Response(200)
    waiting.forward_again([1])
    assert await one.step() == 1
    assert [forward.state for forward in waiting.forwards()] == ["delivered"]
    assert target.requests[-1].headers["webhook-id"] == target.requests[0].headers["webhook-id"]


@pytest.mark.parametrize(
    ("answer", "state", "pause"),
    [
        (httpx.Response(410), "dead", None),
        (httpx.Response(302, headers={"location": "http://127.0.0.1/"}), "waiting", PAUSES[0]),
        (httpx.Response(429, headers={"retry-after": "77"}), "waiting", 77),
        (httpx.Response(429, headers={"retry-after": "1"}), "waiting", PAUSES[0]),
        (httpx.Response(429, headers={"retry-after": "9" * 5000}), "waiting", PAUSES[-1]),
        (httpx.Response(503, headers={"retry-after": "99999999"}), "waiting", PAUSES[-1]),
        (httpx.Response(503, headers={"retry-after": "soon"}), "waiting", PAUSES[0]),
        (httpx.Response(401, headers={"retry-after": "77"}), "waiting", PAUSES[0]),
    ],
)
async def test_forward_answers(
    waiting: Store, clock: list[float], answer: httpx.Response, state: str, pause: float | None
) -> None:
    target = Target(lambda _: answer)
    await forwarder(waiting, target, clock).step()
    [forward] = waiting.forwards()
    assert forward.state == state
    assert len(target.requests) == 1  # no redirect is followed
    if pause:
        assert forward.due == NOW + pause


@pytest.mark.parametrize(("seconds", "least", "most"), [(7200, 7100, 7200), (-60, PAUSES[0], PAUSES[0])])
async def test_forward_waits_until_the_date_of_retry_after(
    waiting: Store, clock: list[float], seconds: int, least: float, most: float
) -> None:
    date = formatdate(time.time() + seconds, usegmt=True)
    target = Target(lambda _: httpx.Response(503, headers={"retry-after": date}))
    await forwarder(waiting, target, clock).step()
    [forward] = waiting.forwards()
    assert least <= forward.due - NOW <= most


async def test_forward_attempts_after_retry_after_end(waiting: Store, clock: list[float]) -> None:
    """An address that always asks to come later gets as many attempts as any other."""
    target = Target(lambda _: httpx.Response(503, headers={"retry-after": "60"}))
    one = forwarder(waiting, target, clock)
    for pause in PAUSES:
        assert await one.step() == 1
        clock[0] += max(pause, 60)
    assert await one.step() == 1
    [dead] = waiting.forwards("dead")
    assert (dead.attempts, dead.problem) == (len(PAUSES) + 1, "it answered 503")


async def test_forward_answer_without_end_is_given_up(waiting: Store, clock: list[float], log: Log) -> None:
    with loop_clock() as time:

        async def dripping() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b" "
                time.advance(1)
                await asyncio.sleep(0)

        await forwarder(waiting, Target(lambda _: httpx.Response(200, content=dripping())), clock).step()
    [forward] = waiting.forwards()
    assert (forward.state, forward.problem) == ("waiting", "it took longer than 20 seconds")


async def test_forward_failure_of_any_kind_is_an_attempt(waiting: Store, clock: list[float], log: Log) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise RuntimeError("unforeseen")

    await forwarder(waiting, Target(fail), clock).step()
    [forward] = waiting.forwards()
    assert (forward.attempts, forward.due) == (1, clock[0] + PAUSES[0])
    assert forward.problem == "it could not be sent: RuntimeError"
    assert "unforeseen" in log.text


async def test_forward_that_cannot_be_opened_is_set_aside(waiting: Store, clock: list[float], log: Log) -> None:
    """A payload that another key sealed stops no other one."""
    waiting.add([Arrival("calendly", "main", "k2", "", "", None, {}, forward=True)])
    with waiting._writing() as db:
        db.execute("UPDATE event SET payload = x'00' WHERE id = 1")
    target = Target()
    assert await forwarder(waiting, target, clock).step() == 2
    assert [request.headers["webhook-id"] for request in target.requests] == [waiting.events()[1].message_id]
    [dead] = waiting.forwards("dead")
    assert (dead.event.id, "cannot be opened" in dead.problem) == (1, True)


async def test_forward_cut_connection_is_tried_again(waiting: Store, clock: list[float]) -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("connection reset")

    await forwarder(waiting, Target(cut), clock).step()
    await forwarder(waiting, Target(), clock, addresses=()).step()
    [forward] = waiting.forwards()
    assert (forward.state, forward.attempts) == ("waiting", 1)
    assert "cannot be reached: ReadError" in forward.problem
    clock[0] += PAUSES[0]
    await forwarder(waiting, Target(), clock, addresses=()).step()
    assert "Name or service not known" in waiting.forwards()[0].problem


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["10.1.2.3"],
        ["192.168.0.9"],
        ["169.254.169.254"],
        ["93.184.216.34", "172.17.0.2"],
        ["0.0.0.0"],
    ],
)
async def test_forward_not_to_a_private_address(waiting: Store, clock: list[float], addresses: list[str]) -> None:
    target = Target()
    await forwarder(waiting, target, clock, addresses=addresses).step()
    assert target.requests == []
    assert "WEBHOOKS_FORWARD_PRIVATE" in waiting.forwards()[0].problem
    clock[0] += PAUSES[0]
    await forwarder(waiting, target, clock, addresses=addresses, private=True).step()
    assert len(target.requests) == 1


async def test_forwarder_keeps_no_connection_without_work(waiting: Store, clock: list[float]) -> None:
    """Those of two hundred tenants would be open files."""
    one = forwarder(waiting, Target(), clock)
    running = asyncio.create_task(one.run())
    try:
        await eventually(lambda: waiting.forward_totals() == {"delivered": 1})
        await eventually(lambda: one._client is None)
    finally:
        running.cancel()


async def test_forwarder_ends_after_what_it_sends(waiting: Store, clock: list[float]) -> None:
    """What has arrived is recorded, so that the one with the next settings does not send it again."""
    arrived, answer = asyncio.Event(), asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        arrived.set()
        await answer.wait()
        return httpx.Response(204)

    one = forwarder(waiting, slow, clock)  # type: ignore[arg-type]
    running = asyncio.create_task(one.run())
    await arrived.wait()
    one.end()
    waiting.add([Arrival("calendly", "main", "k2", "", "", None, {}, forward=True)])
    answer.set()
    await running
    assert waiting.forward_totals() == {"delivered": 1, "waiting": 1}


async def test_forward_of_chosen_vendors(store: Store, log: Log) -> None:
    """What came in is forwarded at once, those vendors' alone."""
    target = Target()
    chosen = {"forward_url": "https://inbox.example.com/in", "forward_secret": WHSEC, "forward_vendors": "slack"}
    async with receiving(store, forwarder=forwarders(target), **chosen) as client:
        for request in (sent("slack"), sent("intercom")):
            await client.post(request.path, content=request.body, headers=dict(request.headers))
        await eventually(lambda: target.requests)
    assert [json.loads(request.content)["vendor"] for request in target.requests] == ["slack"]
    assert [forward.event.vendor for forward in store.forwards()] == ["slack"]


async def test_forwarder_goes_on_after_a_full_disk(waiting: Store, clock: list[float], log: Log) -> None:
    target, failures = Target(), [sqlite3.OperationalError("disk I/O error")]
    claim = waiting.claim

    def once(lease: float, limit: int) -> object:
        if failures:
            raise failures.pop()
        return claim(lease, limit)

    waiting.claim = once  # type: ignore[method-assign, assignment]
    one = forwarder(waiting, target, clock)
    running = asyncio.create_task(one.run())
    try:
        await eventually(lambda: not failures)
        await eventually(lambda: one.wake() or target.requests)
    finally:
        running.cancel()
    assert "disk I/O error" in log.text
