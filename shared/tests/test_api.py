"""The only way out, against a real HTTP server that fails in every way: what is tried again, and what never is."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Any

import httpx2 as httpx
import pytest
from pydantic import Field

from flotilla import Bearer, ByCursor, Cursor, HeaderKey, Limit, Model, Page, errors, segment
from flotilla.calls.context import Call, entered
from flotilla.calls.dry_run import DryRunResult
from flotilla.connection import Network
from flotilla.http.responses import retry_after, usual_message
from flotilla.http.retry import Retry
from flotilla_testing import faults
from flotilla_testing.client import call, client, text_of
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.responses import RecordedResponses, Response
from flotilla_testing.scratch import ScratchApi, ScratchServer
from flotilla_testing.waiting import eventually, loop_clock

Make = Callable[..., ScratchServer]
Lines = Callable[[], list[dict[str, Any]]]
ANSWERS = RecordedResponses(
    {
        "GET /things": {"json": {"items": [{"id": 1}, {"id": 2}], "next": "p2"}},
        "GET /things?cursor=p2": {"json": {"items": [{"id": 3}]}},
        "GET /things/{id}": {"json": {"id": 7, "name": "é€"}},
        "POST /things": {"status": 201, "json": {"id": 8}},
        "POST /things/search": {"json": {"items": [{"id": 1}], "next": 2}},
        "POST /things/search?page=2": {"json": {"items": []}},
        "PUT /things/{id}": {"json": {"id": 9}},
        "PATCH /things/{id}": {"json": {"id": 10}},
        "DELETE /things/{id}": {"status": 204},
        "GET /file": {"text": "abc" * 1000},
    },
    reads=["POST /things/search"],
)
UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor(ANSWERS) as running:
        yield running


@pytest.fixture
def connected(make: Make, vendor: FakeVendor, environ: pytest.MonkeyPatch) -> Callable[..., ScratchApi]:
    """Return a maker of clients of the vendor."""

    def connect(**options: Any) -> ScratchApi:
        environ.setenv("ACME_BASE_URL", vendor.url)
        hosts = options.pop("hosts", [])
        return ScratchApi(make(hosts=hosts), **{"auth": Bearer("token"), "read_timeout": 0.3, **options})

    return connect


async def problem_of(asked: Awaitable[Any], within: float = 45) -> errors.FlotillaError:
    """Return the problem that a request ends in, inside a call with a deadline."""
    with entered(Call("acme_test")) as running:
        with pytest.raises(errors.FlotillaError) as caught:
            async with asyncio.timeout(within) as running.timer:
                await asked
    return caught.value


def noted(waits: list[float]) -> Callable[[float], Awaitable[None]]:
    """Return a sleep that takes no time and notes for how long it was asked."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    return sleep


# --- plain requests


async def test_methods_and_what_they_send(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    api = connected(headers={"Acme-Version": "2"})
    assert await api.get("/things/7", params={"a": None, "b": ["x", "y"], "c": True}) == {"id": 7, "name": "é€"}
    assert await api.post("/things", json={"name": "x", "none": None, "deep": {"none": None}}) == {"id": 8}
    assert await api.put("/things/9", json=[1, None]) == {"id": 9}
    assert await api.patch("/things/9", content="text") == {"id": 10}
    assert await api.patch("/things/9", json={"name": None}, params={"a": None}, nulls=True) == {"id": 10}
    assert await api.delete("/things/9", headers={"If-Match": "3"}) is None
    get, post, put, patch, clear, delete = vendor.requests
    assert (clear.json(), clear.query) == ({"name": None}, [])
    assert get.query == [("b", "x"), ("b", "y"), ("c", "true")]
    assert get.headers["authorization"] == "Bearer canary-7f3a9c"
    assert get.headers["acme-version"] == "2"
    assert get.headers["user-agent"].startswith("flotilla-acme/")
    assert (post.json(), put.json(), patch.body) == ({"name": "x", "deep": {"none": None}}, [1, None], b"text")
    assert delete.headers["if-match"] == "3"


async def test_page_by_path_and_absolute_url(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    class Thing(Model):
        id: str

    api = connected(paging=ByCursor("items", "next"))
    first = await api.page("/things", Thing, limit=2, cursor=None, params={"q": "x", "none": None})
    assert first == Page(items=[Thing(id="1"), Thing(id="2")], next_cursor="p2")
    last = await api.page(f"{vendor.url}/things", Thing, limit=2, cursor=first.next_cursor)
    assert last == Page(items=[Thing(id="3")])
    assert [r.query for r in vendor.requests] == [[("q", "x"), ("limit", "2")], [("limit", "2"), ("cursor", "p2")]]
    with pytest.raises(AssertionError, match="paging style"):
        await connected().page("/things", Thing, limit=2, cursor=None)
    await api.get("/things/7", params={"next": "http://x/?a=b"})  # an address in a parameter is not an address


def test_segment_quoted_and_never_empty() -> None:
    assert segment("a/b?c#d é") == "a%2Fb%3Fc%23d%20%C3%A9"
    for wrong in ("", ".", ".."):
        with pytest.raises(errors.InvalidInputError, match="An id is empty"):
            segment(wrong)


async def test_trace_context_passed_to_the_vendor(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    api = connected()

    @api.server.reads
    async def get_it() -> dict[str, Any]:
        """It."""
        return dict(await api.get("/things/7"))

    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with client(api.server) as c:
        await c.call_tool_mcp("acme_get_it", {}, meta={"traceparent": parent, "tracestate": "a=1"})
        await c.call_tool_mcp("acme_get_it", {}, meta={"traceparent": "broken"})
    with_it, without = vendor.requests
    assert with_it.headers["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert with_it.headers["tracestate"] == "a=1"
    assert "broken" not in without.headers.get("traceparent", "")


# --- what is tried again


SAFE: Any = ("GET", {})
REPEATABLE: Any = ("PUT", {"idempotent": True})
UNSAFE: Any = ("POST", {})
#                                    GET, PUT that may be repeated, POST
MATRIX = [
    (faults.rate(0), 3, 3, 3),  # the vendor did nothing
    (faults.rate(0, date=True), 3, 3, 3),
    (faults.rate(), 3, 3, 3),
    (faults.status(502), 3, 3, 1),
    (faults.status(503), 3, 3, 1),
    (faults.status(503, headers={"retry-after": "0"}), 3, 3, 1),
    (faults.html(504), 3, 3, 1),
    (faults.status(500), 1, 1, 1),
    (faults.status(501), 1, 1, 1),
    (faults.status(404), 1, 1, 1),
    (faults.status(408), 3, 3, 1),
    (faults.status(425), 3, 3, 3),
    (faults.cut(), 3, 3, 1),
    (faults.broken(), 3, 3, 1),
    (faults.hang(5), 3, 3, 1),
    (faults.redirect("/elsewhere", 307), 6, 1, 1),  # each GET follows it, to a 307 again
    (faults.bad_json(), 1, 1, 1),
]
NAMES = [
    "429-seconds", "429-date", "429", "502", "503", "503-after", "504-html", "500", "501", "404", "408", "425", "cut",
    "broken-body", "silence", "redirect", "bad-json",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "gets", "puts", "posts"), MATRIX, ids=NAMES)
async def test_retries_by_method_and_fault(
    connected: Callable[..., ScratchApi], vendor: FakeVendor, fault: faults.Fault, gets: int, puts: int, posts: int
) -> None:
    """Reads, repeatable writes and other writes are tried as often as each allows."""
    api = connected()
    for (method, options), times in ((SAFE, gets), (REPEATABLE, puts), (UNSAFE, posts)):
        vendor.recovers()
        vendor.fails(fault)
        path = "/things" if method == "POST" else "/things/9"
        await problem_of(api.request(method, path, **options))
        assert len(vendor.requests) == times, method


async def test_get_that_acts_is_announced_and_sent_once(
    connected: Callable[..., ScratchApi], vendor: FakeVendor
) -> None:
    """Some vendors start things by a GET: with reads=False it is treated as any other write."""
    api = connected()
    with entered(Call("acme_test", dry_run=True)), pytest.raises(DryRunResult) as shown:
        await api.get("/things", params={"name": "é"}, reads=False)
    assert shown.value.request["method"] == "GET"
    assert vendor.requests == []
    vendor.fails(faults.cut())
    assert "may or may not" in str(await problem_of(api.get("/things", reads=False)))
    assert len(vendor.requests) == 1


async def test_post_with_reads_is_a_read(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    api = connected(idempotency_header="Idempotency-Key")
    vendor.fails(faults.cut(), times=2)
    with entered(Call("acme_test", dry_run=True, idempotency_key="k")) as running:
        assert (await api.post("/things/search", json={"q": "é"}, reads=True))["next"] == 2
        assert await api.post("/things/search", json={"page": 2}, reads=True) == {"items": []}
    assert len(vendor.requests) == 4
    assert not any(request.writes for request in vendor.requests)
    assert not any("idempotency-key" in request.headers for request in vendor.requests)
    assert not (running.may_have_side_effects)
    assert not (running.side_effect_confirmed)
    assert not (running.keyed_requests)
    vendor.recovers()
    vendor.fails(faults.cut(), method="write")
    problem = await problem_of(api.post("/things"))
    assert "may or may not" in str(problem)
    assert [r.writes for r in vendor.requests] == [True]


@pytest.mark.parametrize("fault", [faults.rate(0), faults.status(503), faults.cut(), faults.broken(), faults.hang(5)])
@pytest.mark.parametrize("times", [1, 2])
async def test_retries_succeed_when_the_vendor_recovers(
    connected: Callable[..., ScratchApi], vendor: FakeVendor, fault: faults.Fault, times: int
) -> None:
    vendor.fails(fault, times=times)
    assert (await connected().get("/things/7"))["id"] == 7
    assert len(vendor.requests) == times + 1


@pytest.mark.parametrize(("fault", "least"), [(faults.rate(40), 40), (faults.rate(40, date=True), 38)])
async def test_rate_limit_waits_as_long_as_retry_after(
    connected: Callable[..., ScratchApi],
    vendor: FakeVendor,
    environ: pytest.MonkeyPatch,
    fault: faults.Fault,
    least: float,
) -> None:
    """In seconds and as a date, on a clock that does not run."""
    waits: list[float] = []
    api = connected()
    api.connection.network = Network(retry=Retry(sleep=noted(waits)))
    vendor.fails(fault, times=1)
    assert (await api.post("/things", json={}))["id"] == 8
    assert len(waits) == 1
    assert least <= waits[0] <= 40 + Retry.jitter


async def test_rate_limit_waits_have_jitter(
    connected: Callable[..., ScratchApi], vendor: FakeVendor, environ: pytest.MonkeyPatch
) -> None:
    """Parallel calls do not come back together."""
    waits: list[float] = []
    api = connected()
    api.connection.network = Network(retry=Retry(sleep=noted(waits)))
    for _ in range(8):
        vendor.fails(faults.rate(2), times=1)
        await api.get("/things/7")
    assert len(set(waits)) == 8
    assert all(2 <= seconds <= 2 + Retry.jitter for seconds in waits)


async def test_rate_limit_that_lasts_not_retried(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    api = connected(
        map_error=lambda status, body: errors.RateLimitError("The day's requests are used up.", again=False)
    )
    vendor.fails(faults.rate())
    assert type(await problem_of(api.get("/things/7"))) is errors.RateLimitError
    assert len(vendor.requests) == 1


async def test_rate_limit_wait_within_the_deadline(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    api = connected()
    vendor.fails(faults.rate(20))
    problem = await problem_of(api.get("/things/7"), within=3)
    assert type(problem) is errors.RateLimitError
    assert problem.hint == "Wait 20 seconds, then retry."
    assert len(vendor.requests) == 1
    vendor.recovers()
    vendor.fails(faults.rate(90))  # longer than anybody waits, whatever the deadline
    await problem_of(api.get("/things/7"), within=1000)
    assert len(vendor.requests) == 1


async def test_connection_refused_retried_even_for_a_post(make: Make, environ: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    environ.setenv("ACME_BASE_URL", UNREACHABLE)
    api = ScratchApi(make())
    api.connection.network = Network(retry=Retry(sleep=noted(waits), random=lambda low, high: high))
    for asked in (api.get("/x"), api.post("/x", json={})):
        problem = await problem_of(asked)
        assert type(problem) is errors.UpstreamError
        assert str(problem) == (
            "Acme cannot be reached (ConnectError); nothing was sent. "
            "Try again later, or check the network and the address."
        )
    assert waits == [0.5, 1.0] * 2


async def test_connection_lost_never_repeats_a_post(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    api = connected()
    await api.get("/things/7")  # the connection is kept
    vendor.fails(faults.cut())
    problem = await problem_of(api.post("/things", json={}))
    assert str(problem) == (
        "Acme cut the connection. It may or may not have been done: look before you repeat it. Try again later."
    )
    assert [r.method for r in vendor.requests] == ["GET", "POST"]


async def test_connection_closed_by_the_vendor_replaced(
    connected: Callable[..., ScratchApi], vendor: FakeVendor
) -> None:
    """A kept connection that the vendor closed is noticed."""

    async def last(exchange: faults.Exchange) -> None:
        await exchange.send(exchange.usual)
        exchange.writer.close()
        await exchange.writer.wait_closed()
        closed.set()

    closed = threading.Event()
    api = connected()
    vendor.fails(last, times=1)
    await api.get("/things/7")
    await eventually(closed.is_set)
    assert (await api.post("/things", json={}))["id"] == 8  # over a new one, once
    assert [r.method for r in vendor.requests] == ["GET", "POST"]


def test_backoff_grows_with_jitter() -> None:
    for attempt, low, high in ((1, 0.25, 0.5), (2, 0.5, 1.0)):
        waits = {Retry().backoff(attempt) for _ in range(50)}
        assert low <= min(waits) < max(waits) <= high


# --- one error voice


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        (400, errors.InvalidInputError, 'Acme refuses the request (400): "Why". Correct the arguments and try again.'),
        (401, errors.AuthenticationError, 'Acme does not accept the credentials: "Why". Ask the user to renew them.'),
        (
            402,
            errors.PermissionDeniedError,
            'Acme wants a payment or another plan for this (402): "Why". Tell the user.',
        ),
        (403, errors.PermissionDeniedError, 'Acme does not allow this: "Why". Tell the user: the reason may be'),
        (404, errors.NotFoundError, 'Acme does not have this: "Why". Check the id, or list or search first.'),
        (408, errors.UpstreamError, 'Acme failed (408): "Why". Try again later.'),
        (
            405,
            errors.UpstreamError,
            'Acme does not offer this (405): "Why". Tell the user: other arguments will not help.',
        ),
        (409, errors.InvalidInputError, 'Acme refuses the request (409): "Why".'),
        (410, errors.NotFoundError, 'Acme does not have this: "Why".'),
        (413, errors.InvalidInputError, 'Acme does not take so much at a time (413): "Why". Send less: a smaller file'),
        (422, errors.InvalidInputError, 'Acme refuses the request (422): "Why".'),
        (425, errors.RateLimitError, 'Acme is not ready for this yet (425): "Why". Wait a few seconds, then retry.'),
        (429, errors.RateLimitError, 'Acme refuses more requests for now: "Why". Wait 60 seconds, then retry.'),
        (451, errors.PermissionDeniedError, 'Acme may not give this for legal reasons (451): "Why". Tell the user'),
        (500, errors.UpstreamError, 'Acme failed (500): "Why". Try again later.'),
        (304, errors.UpstreamError, "Acme failed (304). Try again later."),
    ],
)
async def test_status_has_its_error_class_and_next_step(
    connected: Callable[..., ScratchApi],
    vendor: FakeVendor,
    status: int,
    kind: type[errors.FlotillaError],
    sentence: str,
) -> None:
    vendor.fails(faults.status(status, {"message": "Why."}))
    problem = await problem_of(connected().get("/things/7"))
    assert type(problem) is kind
    assert str(problem).startswith(sentence)


@pytest.mark.parametrize(
    ("body", "terms"),
    [
        ({"message": "a"}, "a"),
        ({"error": {"message": "a", "code": 3}}, "a"),
        ({"error": "invalid", "error_description": "a"}, "a"),
        ({"errors": [{"detail": "a"}, {"detail": "b"}, "c"]}, "a; b; c"),
        ({"title": "a", "details": [{"message": "b"}]}, "b"),
        ({"code": 3}, ""),
        ([], ""),
        (None, ""),
        ("plain", "plain"),
    ],
)
def test_said_error_bodies(body: Any, terms: str) -> None:
    assert usual_message(400, body) == terms


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Response(500, b"<html>nginx</html>"), "Acme failed (500). Try again later."),
        (Response(500, b""), "Acme failed (500). Try again later."),
        (Response(500, "caf\u202eé".encode()), 'Acme failed (500): "café". Try again later.'),
        (Response(500, b"\xff\xfe"), 'Acme failed (500): "\ufffd\ufffd". Try again later.'),
        (Response.of({"message": "x y " * 5000}, 500), f'Acme failed (500): "{"x y " * 74}x y…". Try again later.'),
        (Response.of({"message": "x" * 5000}, 500), "Acme failed (500). Try again later."),
        (
            Response.of({"message": "\x1b[31mred\x1b[0m ![a](http://x/y)"}, 500),
            'Acme failed (500): "red ![a](http://x/y)".',
        ),
        (Response.of({"message": 'say "yes"'}, 500), "Acme failed (500): \"say 'yes'\". Try"),
        (Response(500, b'{"message": "' + b"x " * 100_000 + b'"}'), "Acme failed (500). Try again later."),
        (Response(500, b'{"message":' * 5000 + b"1" + b"}" * 5000), "Acme failed (500). Try again later."),
        (Response(200, b"[" * 100_000 + b"]" * 100_000), "Acme answered with JSON that cannot be read. Try again"),
        (Response.of({"message": "token canary-7f3a9c"}, 500), 'Acme failed (500): "token ***". Try again later.'),
        (Response(500, b"x" * 200_000), "Acme failed (500). Try again later."),
        (Response(500, b"x" * 10, {"content-length": "20"}), 'Acme failed (500): "xxxxxxxxxx". Try again later.'),
        (
            Response(200, b"<html>", {"content-type": "text/html; x"}),
            "Acme answered with text/html that is not JSON. Try",
        ),
        (Response(200, b"\xff"), "Acme answered with no content type that is not JSON. Try again; if it stays, tell"),
        (Response(200, b"zz", {"content-encoding": "gzip"}), "Acme answered in a way that cannot be read (DecodingErr"),
    ],
)
async def test_responses_that_are_no_json(
    connected: Callable[..., ScratchApi], vendor: FakeVendor, answer: Response, sentence: str
) -> None:
    vendor.fails(faults.answer(answer))
    assert str(await problem_of(connected().get("/things/7"))).startswith(sentence)


async def test_reason_and_classify_options(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    def classify(status: int, body: Any) -> errors.FlotillaError | None:
        return (
            errors.PermissionDeniedError("Only with the Pro plan.", "Upgrade.") if body.get("code") == "plan" else None
        )

    api = connected(error_message=lambda status, body: f"{status}/{body['code']}", map_error=classify)
    vendor.fails(faults.status(404, {"code": "plan"}), times=1)
    assert type(await problem_of(api.get("/things/7"))) is errors.PermissionDeniedError
    vendor.fails(faults.status(404, {"code": "gone"}), times=1)
    assert str(await problem_of(api.get("/things/7"))).startswith('Acme does not have this: "404/gone".')


async def test_reason_phrase_passed_on(connected: Callable[..., ScratchApi]) -> None:
    api, phrases = connected(), iter([b"No such thing here", b"Not Found", b""])
    api.connection.network = Network(
        httpx.MockTransport(lambda request: httpx.Response(404, extensions={"reason_phrase": next(phrases)}))
    )
    reported = [(await problem_of(api.get("/things/7"))).message for _ in range(3)]
    assert reported == ['Acme does not have this: "No such thing here".', *["Acme does not have this."] * 2]


async def test_expected_status_returned(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    vendor.fails(faults.status(308, {"range": "0-1"}), times=1)
    response = await connected().send("PUT", "/things/9", content=b"x", expected=(308,))
    assert (response.status_code, response.json()) == (308, {"range": "0-1"})


async def test_nulls_option_clears_a_field(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    await connected().patch("/things/9", params={"a": None}, json={"name": None}, nulls=True)
    assert vendor.requests[0].json() == {"name": None}
    assert vendor.requests[0].query == []


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("12", 12, 12),
        ("0.5", 0.5, 0.5),
        ("-3", 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("soon", None, 0),
        ("99999999999999999999 Oct 2015 07:28:00 GMT", None, 0),
        ("", None, 0),
    ],
)
def test_retry_after(value: str, low: float | None, high: float) -> None:
    response = httpx.Response(429, headers={"retry-after": value} if value else {})
    wait = retry_after(response, "X-Reset")
    assert wait is None if low is None else low <= (wait or 0) <= high


def test_retry_after_another_header() -> None:
    """Another header may say how long to wait, in seconds or as a Unix time."""

    def wait(**headers: str) -> float | None:
        return retry_after(httpx.Response(429, headers={n.replace("_", "-"): v for n, v in headers.items()}), "X-Reset")

    assert wait(x_reset="7") == 7
    assert wait(x_reset="7", retry_after="3") == 3
    assert 28 < (wait(x_reset=str(time.time() + 30)) or 0) <= 30  # a Unix time
    assert wait(x_reset="soon") is None


async def test_wait_header_option(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    api = connected(wait_header="X-RateLimit-Reset")
    vendor.fails(faults.status(429, headers={"x-ratelimit-reset": "20"}))
    problem = await problem_of(api.get("/things/7"), within=3)
    assert problem.hint == "Wait 20 seconds, then retry."
    assert len(vendor.requests) == 1


# --- size


async def test_gzip(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    vendor.fails(faults.zipped(), times=1)
    response = await connected().send("GET", "/things/7")
    assert response.json()["id"] == 7
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("compressed", [False, True])
async def test_response_too_large_not_read_to_its_end(
    connected: Callable[..., ScratchApi], vendor: FakeVendor, compressed: bool
) -> None:
    vendor.fails(faults.huge(40_000_000, compressed=compressed))
    problem = await problem_of(connected(read_timeout=5).get("/things/7"))
    assert str(problem) == "Acme answered with more than 10 MB. Ask for less."
    assert len(vendor.requests) == 1


async def parts(api: ScratchApi) -> AsyncIterator[bytes]:
    async with api.stream("GET", "/file") as response:
        yield b"".join([part async for part in response.aiter_bytes()])


async def test_stream_downloads(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    api = connected()
    async with api.stream("GET", "/file") as response:
        assert not response.is_stream_consumed
        assert b"".join([part async for part in response.aiter_bytes()]) == b"abc" * 1000
    vendor.fails(faults.broken(), times=1)
    with pytest.raises(errors.UpstreamError, match="Acme cut the connection"):
        await anext(parts(api))
    vendor.fails(faults.status(404), times=1)
    with pytest.raises(errors.NotFoundError):
        async with api.stream("GET", "/file"):
            pass
    assert (await api.get("/things/7"))["id"] == 7  # no connection was lost


# --- limits


async def test_limits_shared_by_parallel_calls(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    """Three at once, then one each third of the window."""
    api = connected(limits=[(3, 3600)], read_timeout=60)
    with loop_clock() as clock:
        calls = asyncio.gather(*(api.get("/things/7") for _ in range(7)))
        await eventually(lambda: len(vendor.requests) >= 3)
        assert len(vendor.requests) == 3
        clock.advance(1200)
        await eventually(lambda: len(vendor.requests) >= 4)
        assert len(vendor.requests) == 4
        clock.advance(3600)
        await calls
    assert len(vendor.requests) == 7


async def test_limits_exhausted_reported(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    api = connected(limits=[(1, 60)])
    await api.get("/things/7")
    problem = await problem_of(api.get("/things/7"), within=1.2)
    assert str(problem) == "The request limit of Acme is used up for now. Wait a minute, then try again."
    api.server.reset()  # another connection has limits of its own
    await api.get("/things/7")
    assert len(vendor.requests) == 2


async def test_path_limits_count_each_path_apart(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    api = connected(path_limits={"/things/7": (1, 60)})
    await api.get("/things/7")
    assert "request limit of Acme is used up" in str(await problem_of(api.get("/things/7"), within=1.2))
    await api.request("GET", "/things")
    assert len(vendor.requests) == 2


# --- host guard


async def test_hosts_only_declared_ones_contacted(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    with FakeVendor(ANSWERS) as other:
        api = connected()
        problem = await problem_of(api.get(f"{other.url}/things/7"))
        assert str(problem) == (f"Acme pointed to {other.url}, which this server may not contact. Do not follow it.")
        vendor.fails(faults.redirect(f"{other.url}/things/7"))
        assert "may not contact" in str(await problem_of(api.get("/things/7")))
        assert other.requests == []
        assert len(vendor.requests) == 1


async def test_redirect_to_another_host_drops_the_key(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    with FakeVendor(ANSWERS) as other:
        api = connected(auth=HeaderKey("token", "X-Api-Key"), hosts=[other.url.removeprefix("http://")])
        vendor.fails(faults.redirect(f"{other.url}/things/7"), times=1)
        assert (await api.get("/things/7", headers={"X-More": "1"}))["id"] == 7
        (moved,) = other.requests
        assert {"x-api-key", "authorization", "x-more"}.isdisjoint(moved.headers)
        assert vendor.requests[0].headers["x-api-key"] == "canary-7f3a9c"
        vendor.fails(faults.redirect("/things/7"), times=1)
        await api.get("/things/8")
        assert vendor.requests[-1].headers["x-api-key"] == "canary-7f3a9c"  # the same host keeps it


async def test_hosts_wildcard(make: Make) -> None:
    api = ScratchApi(make(hosts=["*.acme.example:443", "acme.test:8443"]))
    api.connection.network = Network(httpx.MockTransport(lambda request: httpx.Response(200, json={})))
    for url in ("https://files.acme.example/x", "https://a.b.acme.example/x", "https://ACME.test:8443/x"):
        assert await api.get(url) == {}
    for url in (
        "https://acme.example/x",
        "https://evilacme.example/x",
        "https://files.acme.example:444/x",
        "http://files.acme.example/x",
        "https://acme.test/x",
        "https://acme.test.evil:8443/x",
        "https://files.acme.example@evil.test/x",
    ):
        assert "may not contact" in str(await problem_of(api.get(url))), url


async def test_redirect_of_a_post_not_followed(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    vendor.fails(faults.redirect("/things/7"))
    assert str(await problem_of(connected().post("/things", json={}))) == (
        f"Acme answered with a redirect (302) to {vendor.url.removeprefix('http://')}/things/7, which is not followed. "
        "It may or may not have been done: look before you repeat it. "
        "If it stays, ask the user to check the address of the API."
    )
    assert len(vendor.requests) == 1


async def test_redirects_endless(connected: Callable[..., ScratchApi], vendor: FakeVendor) -> None:
    vendor.fails(faults.redirect("/things/7"))
    assert "(TooManyRedirects)" in str(await problem_of(connected().get("/things/7")))


# --- dry run


@pytest.fixture
def writer(connected: Callable[..., ScratchApi]) -> ScratchApi:
    api = connected(headers={"Acme-Version": "2"}, idempotency_header="Idempotency-Key")

    @api.server.writes(creates=True)
    async def create_thing(name: Annotated[str, Field()], upload: bool = False) -> dict[str, Any]:
        """Create."""
        await api.get("/things/7")
        body: dict[str, Any] = {"json": {"name": name, "password": "p", "none": None}}
        if upload:
            body = {"files": {"file": ("a.bin", b"\xff\x00", "application/x")}}
        got = await api.post("/things", params={"key": "canary-7f3a9c"}, **body)
        await api.post("/things", content=b"second")
        return dict(got)

    return api


async def test_dry_run_shows_the_exact_request(writer: ScratchApi, vendor: FakeVendor) -> None:
    result = await call(writer.server, "acme_create_thing", name="é canary-7f3a9c", dry_run=True, idempotency_key="k1")
    assert result.structured_content == {
        "dry_run": {
            "method": "POST",
            "url": f"{vendor.url}/things?key=***",
            "headers": {
                "authorization": "***",
                "acme-version": "2",
                "content-type": "application/json",
                "idempotency-key": "k1",
            },
            "body": {"name": "é ***", "password": "***"},
        }
    }
    assert json.loads(text_of(result)) == result.structured_content
    assert [r.method for r in vendor.requests] == ["GET"]  # nothing else was sent
    with entered(Call("acme_test", dry_run=True)), pytest.raises(DryRunResult) as shown:
        await writer.post("/things", json={})
    assert shown.value.request["body"] == {}  # it would be sent too
    uploaded = await call(writer.server, "acme_create_thing", name="x", upload=True, dry_run="true")
    assert uploaded.structured_content is not None
    reported = uploaded.structured_content["dry_run"]
    assert reported["headers"]["content-type"] == "multipart/form-data"
    assert [sorted(file) for file in reported["body"]["files"]] == [["bytes", "field", "name", "type"]]


async def test_dry_run_setting_for_the_whole_server(
    writer: ScratchApi, vendor: FakeVendor, environ: pytest.MonkeyPatch
) -> None:
    environ.setenv("FLOTILLA_DRY_RUN", "on")
    writer.server.reset()
    result = await call(writer.server, "acme_create_thing", name="x", dry_run=False)
    assert result.structured_content is not None
    assert "dry_run" in result.structured_content
    assert [r.method for r in vendor.requests] == ["GET"]


async def test_idempotency_key_sent_to_the_vendor(writer: ScratchApi, vendor: FakeVendor) -> None:
    result = await call(writer.server, "acme_create_thing", name="x", idempotency_key="k1")
    assert not result.is_error
    got, first, second = vendor.requests
    assert "idempotency-key" not in got.headers
    assert first.headers["idempotency-key"] == "k1"
    assert second.headers["idempotency-key"] == "k1-2"  # another action: the vendor must not take it for the first
    vendor.recovers()
    await call(writer.server, "acme_create_thing", name="x")
    assert all("idempotency-key" not in r.headers for r in vendor.requests)


async def test_page_through_a_tool(connected: Callable[..., ScratchApi]) -> None:
    api = connected(paging=ByCursor("items", "next"))

    class Thing(Model):
        id: str

    @api.server.reads
    async def list_things(limit: Limit = 20, cursor: Cursor = None) -> Page[Thing]:
        """Things."""
        return await api.page("/things", Thing, limit=limit, cursor=cursor)

    first = (await call(api.server, "acme_list_things", limit="2")).structured_content
    assert first == {"items": [{"id": "1"}, {"id": "2"}], "next_cursor": "p2"}
    last = (await call(api.server, "acme_list_things", limit="2", cursor="p2")).structured_content
    assert last == {"items": [{"id": "3"}]}
    for limit in (0, 101):
        assert "Argument `limit` does not fit" in text_of(await call(api.server, "acme_list_things", limit=limit))
