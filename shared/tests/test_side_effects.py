"""What is said of a write: refused, perhaps done, or done though its answer cannot be read; and of odd shapes."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flotilla import Bearer, Model, errors, in_doubt
from flotilla.http.responses import Record, decoded_json, patience
from flotilla_testing import faults
from flotilla_testing.client import call, text_of
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.responses import RecordedResponses, Response
from flotilla_testing.scratch import ScratchApi, ScratchServer

Make = Callable[..., ScratchServer]
DOUBT = "It may or may not have been done: look before you repeat it."
DONE = "It was done, but the answer could not be read: do not repeat it; look it up."
PARTLY = "A part of it was done already: look before you repeat it."


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor(
        RecordedResponses({"GET /things": {"json": {"id": 1}}, "POST /things": {"json": {"thing": {"id": 8}}}})
    ) as running:
        yield running


class Thing(Model):
    id: str


@pytest.fixture
def api(make: Make, vendor: FakeVendor, environ: pytest.MonkeyPatch) -> ScratchApi:
    environ.setenv("ACME_BASE_URL", vendor.url)
    api = ScratchApi(make(), auth=Bearer("token"), read_timeout=5)

    @api.server.writes(creates=True)
    async def create_thing(more: bool = False) -> Thing:
        """Create."""
        answer = await api.post("/things", json={})
        if more:
            await api.get("/things")
        return Thing.model_validate(answer["thing"])

    @api.server.reads(deadline=1.5)
    async def get_thing() -> Thing:
        """Get."""
        return Thing.model_validate(await api.get("/things"))

    return api


async def create(api: ScratchApi, key: str | None = None, **more: Any) -> str:
    return text_of(await call(api.server, "acme_create_thing", idempotency_key=key, **more))


@pytest.mark.parametrize("code", [300, 301, 302, 303, 304, 307, 308])
async def test_write_redirected_is_uncertain_and_keeps_its_key(api: ScratchApi, vendor: FakeVendor, code: int) -> None:
    vendor.fails(faults.redirect("/elsewhere/x?secret=y", code), times=1)
    text = await create(api, "k")
    assert DOUBT in text
    assert f"({code}) to {vendor.url.removeprefix('http://')}/elsewhere/x" in text
    assert "secret" not in text
    assert "broke off: it may or may not have been done" in await create(api, "k")
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(("code", "doubtful"), [(400, False), (302, True), (503, True)])
async def test_in_doubt_says_where_to_look(api: ScratchApi, vendor: FakeVendor, code: int, doubtful: bool) -> None:
    @api.server.writes(creates=True)
    async def send_thing() -> Thing:
        """Send."""
        with in_doubt("Look with acme_get_thing first.", "It may have been sent."):
            return Thing.model_validate((await api.post("/things", json={}))["thing"])

    vendor.fails(faults.redirect("/", code) if code == 302 else faults.status(code), method="POST")
    text = text_of(await call(api.server, "acme_send_thing"))
    assert text.endswith("It may have been sent. Look with acme_get_thing first.") is doubtful
    assert ("It may have been sent" in text) is doubtful
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 405, 409, 413, 422, 451])
async def test_write_refused_frees_its_key(api: ScratchApi, vendor: FakeVendor, code: int) -> None:
    vendor.fails(faults.status(code), times=1)
    text = await create(api, "k")
    assert text.startswith("Error: ")
    assert "done" not in text
    assert await create(api, "k") == '{"id":"8"}'


@pytest.mark.parametrize("code", [408, 444, 460, 499, 500, 502])
async def test_write_without_a_clear_refusal_is_uncertain(api: ScratchApi, vendor: FakeVendor, code: int) -> None:
    vendor.fails(faults.status(code))
    assert DOUBT in await create(api)
    assert len(vendor.requests) == 1


async def test_write_redirected_is_never_a_refusal(api: ScratchApi, vendor: FakeVendor) -> None:
    """Whatever `classify` of the server says."""
    api.transport._map_error = lambda status, body: errors.PermissionDeniedError("No.", "Ask.")
    vendor.fails(faults.redirect("/x"), times=1)
    assert DOUBT in await create(api, "k")
    await create(api, "k")
    assert len(vendor.requests) == 1


async def test_write_refused_by_classify_frees_its_key(api: ScratchApi, vendor: FakeVendor) -> None:
    api.transport._map_error = lambda status, body: (
        errors.RateLimitError("Overloaded.", "Wait.", again=False) if status == 529 else None
    )
    vendor.fails(faults.status(529), times=1)
    assert await create(api, "k") == "Error: Overloaded. Wait."
    assert await create(api, "k") == '{"id":"8"}'


UNREADABLE = {
    "empty": (faults.answer(Response(200)), "answered with nothing in place of an object."),
    "204": (faults.answer(Response(204)), "answered with nothing in place of an object."),
    "null": (faults.answer(Response.of(None)), "answered with nothing in place of an object."),
    "list": (faults.answer(Response.of([])), "answered with a list in place of an object."),
    "text": (faults.answer(Response.of("x")), "answered with a text in place of an object."),
    "object": (faults.answer(Response.of({})), "answered without `thing`."),
    "inner": (faults.answer(Response.of({"thing": {"name": "x"}})), "answered without what is expected at `id`."),
    "page": (faults.html(200), "answered with text/html that is not JSON."),
    "deep": (faults.answer(Response(200, b"[" * 100_000 + b"]" * 100_000)), "answered with JSON that cannot be read."),
    "huge": (faults.huge(), "answered with more than 10 MB."),
    "cut": (faults.broken(), "cut the connection."),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_write_done_is_never_uncertain(api: ScratchApi, vendor: FakeVendor, name: str) -> None:
    fault, how = UNREADABLE[name]
    vendor.fails(fault, times=1)
    assert await create(api, "k") == f"Error: Acme {how} {DONE}"
    assert await create(api, "k") == (
        "Error: The call with this idempotency_key was done already, but its result was not kept. "
        "Do not repeat it; look it up."
    )
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("name", ["empty", "list", "text", "object"])
async def test_read_of_another_shape_blames_the_vendor(api: ScratchApi, vendor: FakeVendor, name: str) -> None:
    vendor.fails(UNREADABLE[name][0])
    text = text_of(await call(api.server, "acme_get_thing"))
    assert text.startswith("Error: Acme answered with")
    assert text.endswith("Try again; if it stays, tell the user.")


@pytest.mark.parametrize("code", [404, 503])
async def test_failure_after_a_write_reports_the_write(api: ScratchApi, vendor: FakeVendor, code: int) -> None:
    vendor.fails(faults.status(code), method="GET")
    text = await create(api, more=True)
    assert PARTLY in text
    assert "may or may not" not in text


async def test_failed_read_does_not_hide_an_uncertain_write(api: ScratchApi, vendor: FakeVendor) -> None:
    """The doubt about a write outlasts a later error."""

    @api.server.writes
    async def update_thing() -> Thing:
        """Update."""
        first: errors.FlotillaError | None = None
        try:
            await api.post("/things", json={})
        except errors.UpstreamError as problem:
            first = problem
        try:
            await api.get("/things")
        except errors.NotFoundError:
            raise RuntimeError from first
        return Thing(id="1")

    vendor.fails(faults.cut(), method="POST")
    vendor.fails(faults.status(404), method="GET")
    assert DOUBT in text_of(await call(api.server, "acme_update_thing"))


async def test_deadline_while_the_vendor_is_silent_blames_the_vendor(api: ScratchApi, vendor: FakeVendor) -> None:
    vendor.fails(faults.hang(9))
    assert text_of(await call(api.server, "acme_get_thing")) == (
        "Error: Acme did not answer, so acme_get_thing was stopped after 1.5 seconds. Try again later."
    )


async def test_deadline_of_own_work_asks_for_less(api: ScratchApi) -> None:
    @api.server.reads(deadline=0.3)
    async def list_thing() -> Thing:
        """List."""
        await api.get("/things")
        await asyncio.sleep(5)
        return Thing(id="1")

    assert "took longer than 0.3 seconds" in text_of(await call(api.server, "acme_list_thing"))


def test_record_missing_key() -> None:
    record = decoded_json('{"a": {"b": 1}, "c": [{}]}')
    assert (record["a"]["b"], record.get("x"), {**record}.get("x")) == (1, None, None)
    for lacking in (record, record["a"], record["c"][0]):
        assert isinstance(lacking, Record)
        with pytest.raises(errors.UpstreamError, match="answered without `x`"):
            lacking["x"]
        with pytest.raises(KeyError):
            lacking["x"]


def test_rows_in_another_shape(api: ScratchApi) -> None:
    assert api.rows_in({"a": {"b": [{"id": 1}, "odd", None]}}, "a.b") == [{"id": 1}]
    assert api.rows_in({}, "a", missing=True) == []
    for wrong in ({}, {"a": None}, {"a": "x"}, {"a": {}}, [], None, "x"):
        with pytest.raises(errors.UpstreamError, match="in place of"):
            api.rows_in(wrong, "a")


def test_patience_sentences() -> None:
    assert patience(20) == "Wait 20 seconds, then retry."
    assert patience(9_999).startswith("Try again after 20")
    assert patience(9_999).endswith(" UTC.")
    assert patience(float("inf")) == "Do not try again now: tell the user."
