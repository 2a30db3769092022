"""A call from its arguments to its result: what is accepted, what is returned, and the format of errors."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import mcp_types as mt
import pytest
from fastmcp.tools.base import ToolResult
from hypothesis import given
from hypothesis import strategies as some
from mcp.shared.exceptions import MCPError
from pydantic import AwareDatetime, Field

from flotilla import Cursor, Limit, Model, Page, UntrustedText, announce, errors, in_thread, link
from flotilla.calls.context import Call, current, entered, progress
from flotilla.calls.results import BIGGEST
from flotilla.errors import excerpt
from flotilla.files import FileRef
from flotilla.text import plain
from flotilla_testing.client import MODES, call, client, raw, text_of
from flotilla_testing.scratch import ScratchServer

Make = Callable[..., ScratchServer]
Audit = Callable[[], list[dict[str, Any]]]


class Echo(Model):
    """What came in."""

    n: int | None = None
    ratio: float | None = None
    flag: bool | None = None
    text: str | None = None
    tags: list[str] | None = None
    where: dict[str, Any] | None = None
    day: date | None = None
    unit: str | None = None


@pytest.fixture
def echo(acme: ScratchServer) -> ScratchServer:
    @acme.reads
    async def get_echo(
        n: Annotated[int, Field(ge=0)],
        ratio: float | None = None,
        flag: bool | None = None,
        text: str | None = None,
        tags: list[str] | None = None,
        where: dict[str, Any] | None = None,
        day: date | None = None,
        unit: Literal["km", "mi"] | None = None,
    ) -> Echo:
        """Echo."""
        return Echo(n=n, ratio=ratio, flag=flag, text=text, tags=tags, where=where, day=day, unit=unit)

    return acme


# --- lenient arguments


@pytest.mark.parametrize("mode", MODES)
async def test_arguments_each_accepted_as_text(echo: ScratchServer, mode: str) -> None:
    sent = {
        "n": "5",
        "ratio": "0.5",
        "flag": "true",
        "text": 12,
        "tags": '["a"]',
        "where": '{"x": 1}',
        "day": "2030-01-02",
        "unit": None,
    }
    async with client(echo, mode) as c:
        result = await call(c, "acme_get_echo", **sent)
    assert result.structured_content == {
        "n": 5,
        "ratio": 0.5,
        "flag": True,
        "text": "12",
        "tags": ["a"],
        "where": {"x": 1},
        "day": "2030-01-02",
    }


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-11-25", "2026-07-28"])
async def test_arguments_accepted_as_one_text(echo: ScratchServer, revision: str) -> None:
    async with raw(echo, revision) as session:
        answer = await session.request("tools/call", name="acme_get_echo", arguments='{"n": "7"}')
        assert answer["result"]["structuredContent"] == {"n": 7}
        for wrong in ("seven", "[7]"):
            answer = await session.request("tools/call", name="acme_get_echo", arguments=wrong)
            assert answer["error"]["code"] == -32602
        assert "tools" in (await session.request("tools/list"))["result"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "Argument `n` is missing. Call acme_get_echo again with it."),
        ({"n": None}, "Argument `n` is missing."),
        ({"nn": 1}, "Unknown argument `nn`; did you mean `n`? acme_get_echo takes: n, ratio, flag, text,"),
        ({"n": 1, "zzz": 1}, "Unknown argument `zzz`. acme_get_echo takes: n,"),
        ({"n": 1, "z" * 500: 1}, f"Unknown argument `{'z' * 59}…`."),
        ({"n": "five"}, "Argument `n` does not fit: it must be a whole number. Correct"),
        (
            {"n": -1},
            "Argument `n` does not fit: it must be at least 0. Correct it and call again.",
        ),
        ({"n": 1, "unit": "m"}, "Argument `unit` does not fit: it must be one of 'km' or 'mi'."),
        ({"n": 1, "tags": [1, {}]}, "Argument `tags.1` does not fit"),
        ({"n": 1, "day": "2030-13-01"}, "Argument `day` does not fit"),
    ],
)
async def test_arguments_wrong_explained(echo: ScratchServer, arguments: Any, sentence: str) -> None:
    result = await call(echo, "acme_get_echo", **arguments)
    assert result.is_error
    assert text_of(result).startswith(f"Error: {sentence}")
    assert "http" not in text_of(result)
    assert result.structured_content is None


async def test_arguments_of_a_tool_without_any(acme: ScratchServer) -> None:
    @acme.reads
    async def get_me() -> Echo:
        """Me."""
        return Echo()

    assert (await call(acme, "acme_get_me")).structured_content == {}
    assert "acme_get_me takes: no arguments." in text_of(await call(acme, "acme_get_me", x=1))


# --- results


@pytest.mark.parametrize("mode", MODES)
async def test_result_text_is_compact_json_of_the_structure(acme: ScratchServer, mode: str) -> None:
    class Row(Model):
        id: str
        name: str | None = None
        price: Any = None

    @acme.reads
    async def list_rows() -> Page[Row]:
        """Rows."""
        return Page(items=[Row(id=2**60, name="Été — 3 €", price=2**60), Row(id="b")])  # type: ignore[arg-type]

    async with client(acme, mode) as c:
        result = await call(c, "acme_list_rows")
    first = '{"id":"1152921504606846976","name":"Été — 3 €","price":"1152921504606846976"}'
    assert text_of(result) == f'{{"items":[{first},{{"id":"b"}}]}}'
    assert json.loads(text_of(result)) == result.structured_content


async def test_result_of_wrong_shape_is_an_internal_error(acme: ScratchServer, audit: Audit) -> None:
    """A result that does not fit its model is an error of the server, not of the caller."""

    @acme.reads
    async def get_bad() -> Echo:
        """Bad."""
        return {"n": "many"}  # type: ignore[return-value]

    result = await call(acme, "acme_get_bad")
    assert text_of(result) == (
        "Error: acme_get_bad failed inside Flotilla (ValidationError). Tell the user; the server's log has the details."
    )
    bug, line = audit()
    assert bug["level"] == "error"
    assert "ValidationError" in bug["exception"]
    assert line["outcome"] == "upstream"


async def test_result_built_by_the_tool(acme: ScratchServer) -> None:
    @acme.reads
    async def get_own() -> Echo:
        """Own."""
        return ToolResult(content=[mt.TextContent(type="text", text="hi")], structured_content={"n": 1})  # type: ignore[return-value]

    result = await call(acme, "acme_get_own")
    assert (text_of(result), result.structured_content) == ("hi", {"n": 1})


def big(acme: ScratchServer) -> None:
    class Row(Model):
        text: str

    class Document(Model):
        name: str
        text: str

    @acme.reads
    async def list_rows(limit: Limit = 100, cursor: Cursor = None) -> Page[Row]:
        """Rows."""
        return Page(items=[Row(text="é€\n" * 2000) for _ in range(limit)], next_cursor="next")

    @acme.reads
    async def list_all() -> Page[Row]:
        """Rows."""
        return Page(items=[Row(text="x" * 9000) for _ in range(100)])

    @acme.reads
    async def get_document(sign: str) -> Document:
        """Document."""
        return Document(name="bilan", text=sign * 200_000)

    @acme.reads
    async def get_nested() -> dict[str, Document]:
        """Nested."""
        return {"a": Document(name="bilan", text="x" * 300_000)}

    @acme.reads
    async def list_one() -> Page[Row]:
        """One row too big."""
        return Page(items=[Row(text="x" * 300_000)])


async def test_result_list_too_large_cut_with_advice(acme: ScratchServer) -> None:
    """The advice says how to read the rest."""
    big(acme)
    result = await call(acme, "acme_list_rows")
    assert result.structured_content is not None
    saved = len(result.structured_content["items"])
    assert 0 < saved < 100
    assert len(text_of(result).encode()) <= BIGGEST
    assert result.structured_content["cut"] == (
        f"`items` is cut after {saved} of 100 items. Ask with limit={saved}, same cursor."
    )
    assert "next_cursor" not in result.structured_content  # it would skip what was cut
    again = await call(acme, "acme_list_rows", limit=saved)
    assert again.structured_content is not None
    assert again.structured_content["next_cursor"] == "next"
    assert "cut" not in again.structured_content

    result = await call(acme, "acme_list_all")
    assert result.structured_content is not None
    assert result.structured_content["cut"].endswith("of 100 items. Ask for a smaller part.")


@pytest.mark.parametrize("sign", ["x", "€", '"', "é\n"])
async def test_result_text_too_large_cut(acme: ScratchServer, sign: str) -> None:
    big(acme)
    result = await call(acme, "acme_get_document", sign=sign * 2)
    assert result.structured_content is not None
    assert BIGGEST * 0.9 < len(text_of(result).encode()) <= BIGGEST
    assert result.structured_content["name"] == "bilan"
    length = len(result.structured_content["text"])
    assert f"`text` is cut after {length} of {len(sign) * 400_000} characters." in result.structured_content["cut"]


@pytest.mark.parametrize("tool", ["acme_get_nested", "acme_list_one"])
async def test_result_too_large_and_uncuttable_refused(acme: ScratchServer, tool: str) -> None:
    """What cannot be cut in parts is an error."""
    big(acme)
    assert text_of(await call(acme, tool)).startswith("Error: The result has 3000")


# --- errors

KINDS = {
    "ConfigurationError": "setup",
    "AuthenticationError": "auth",
    "PermissionDeniedError": "scope",
    "InvalidInputError": "input",
    "NotFoundError": "not_found",
    "RateLimitError": "rate",
    "UpstreamError": "upstream",
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
async def test_errors_each_class(acme: ScratchServer, audit: Audit, kind: str, mode: str) -> None:
    problem: errors.FlotillaError = getattr(errors, kind)(" What is wrong. ", "What to do next.")

    @acme.reads
    async def get_it() -> Echo:
        """It."""
        raise problem

    async with client(acme, mode) as c:
        result = await call(c, "acme_get_it")
    assert (result.is_error, text_of(result)) == (True, "Error: What is wrong. What to do next.")
    (line,) = audit()
    assert line["outcome"] == problem.kind == KINDS[kind]


async def test_errors_internal_reported_and_logged(acme: ScratchServer, audit: Audit) -> None:
    acme.connection.settings  # noqa: B018 - the secret is known from here on

    @acme.writes
    async def update_it() -> Echo:
        """It."""
        announce(action="update")
        raise ZeroDivisionError("the token is canary-7f3a9c")

    result = await call(acme, "acme_update_it")
    assert text_of(result) == (
        "Error: acme_update_it failed inside Flotilla (ZeroDivisionError). It may or may not have been done: look "
        "before you repeat it. Tell the user; the server's log has the details."
    )
    bug, _ = audit()
    assert "the token is ***" in bug["exception"]
    assert "canary" not in json.dumps(bug)


async def test_errors_masked_and_shortened(acme: ScratchServer) -> None:
    acme.connection.settings  # noqa: B018

    @acme.reads
    async def get_it() -> Echo:
        """It."""
        raise errors.UpstreamError(f"It said: canary-7f3a9c {errors.excerpt('b' * 5000)}", "c" * 5000)

    text = text_of(await call(acme, "acme_get_it"))
    assert "canary" not in text
    assert "b" * 299 + "…" in text
    assert "b" * 300 not in text
    assert len(text) < 1000


@pytest.mark.parametrize("mode", MODES)
async def test_unknown_tools(echo: ScratchServer, audit: Audit, mode: str) -> None:
    async with client(echo, mode) as c:
        near = await call(c, "acme_get_eco")
        far = await call(c, "x" * 300)
    assert text_of(near) == "Error: There is no tool acme_get_eco. Did you mean acme_get_echo?"
    assert text_of(far) == f"Error: There is no tool {'x' * 59}…. Available tools: acme_get_echo."
    assert [line["outcome"] for line in audit()] == ["not_found", "not_found"]


async def test_errors_of_fastmcp_are_explained(
    echo: ScratchServer, monkeypatch: pytest.MonkeyPatch, audit: Audit
) -> None:
    async def explode(*_: object, **__: object) -> None:
        raise RuntimeError("internal")

    monkeypatch.setattr(echo._mcp, "get_tool", explode)
    text = text_of(await call(echo, "acme_get_echo", n=1))
    assert text == "Error: acme_get_echo failed inside Flotilla (RuntimeError). Tell the user."
    assert "internal" in audit()[0]["exception"]


async def test_errors_of_the_protocol_stay(acme: ScratchServer) -> None:
    @acme.reads
    async def get_sampled() -> Echo:
        """Needs a client that can sample."""
        raise MCPError(mt.MISSING_REQUIRED_CLIENT_CAPABILITY, "sampling", {"requiredCapabilities": {"sampling": {}}})

    async with raw(acme, "2026-07-28") as session:
        answer = await session.request("tools/call", name="acme_get_sampled", arguments={})
    assert answer["error"]["code"] == -32021
    assert answer["error"]["data"] == {"requiredCapabilities": {"sampling": {}}}


# --- beside the result


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"])
async def test_links_to_files_follow_the_text(acme: ScratchServer, revision: str) -> None:
    @acme.writes
    async def create_report() -> Echo:
        """Report."""
        link(FileRef(path="out/é 1.pdf", bytes=12, sha256="00", content_type="application/pdf"))
        return Echo(n=1)

    async with raw(acme, revision) as session:
        result = (await session.request("tools/call", name="acme_create_report", arguments={}))["result"]
    first, *links = result["content"]
    assert json.loads(first["text"]) == {"n": 1}
    if revision < "2025-06-18":  # a client of that time does not know what a link is
        assert links == []
    else:
        (shown,) = links
        assert shown == {
            "type": "resource_link",
            "uri": "file:///data/out/%C3%A9%201.pdf",
            "name": "é 1.pdf",
            "mimeType": "application/pdf",
            "size": 12,
        }


@pytest.mark.parametrize("mode", MODES)
async def test_progress(acme: ScratchServer, mode: str) -> None:
    reported: list[tuple[float, float | None]] = []

    @acme.reads
    async def get_far() -> Echo:
        """Far."""
        await progress(1, 2)
        await progress(2, 2)
        return Echo()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        reported.append((progress, total))

    async with client(acme, mode) as c:
        assert not (await c.call_tool_mcp("acme_get_far", {}, progress_handler=hear)).is_error
        assert not (await call(c, "acme_get_far")).is_error
        await asyncio.sleep(0.05)
    assert reported == [(1, 2), (2, 2)]
    await progress(1, 2)  # outside of a call, nothing happens


# --- the deadline


async def test_deadline(make: Make, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("FLOTILLA_DEADLINE", "0.1")
    server = make()
    late = []

    def work() -> None:
        time.sleep(0.5)
        late.append(1)

    @server.reads
    async def get_slow() -> Echo:
        """Slow."""
        await asyncio.sleep(5)
        return Echo()

    @server.writes
    async def update_slow() -> Echo:
        """Slow."""
        announce(action="update")
        await in_thread(work)
        return Echo()

    @server.reads(deadline=0.05)
    async def get_slower() -> Echo:
        """Slow."""
        await asyncio.sleep(5)
        return Echo()

    @server.reads(deadline=5)
    async def get_slowly() -> Echo:
        """Slow, with a time limit of its own inside."""
        async with asyncio.timeout(0.01):
            await asyncio.sleep(1)
        return Echo()

    assert text_of(await call(server, "acme_get_slow")) == (
        "Error: acme_get_slow took longer than 0.1 seconds and was stopped. Ask for less at a time, or try again later."
    )
    assert "0.1 seconds and was stopped. It may or may not" in text_of(await call(server, "acme_update_slow"))
    assert late == []  # the thread is left behind, not waited for
    assert "longer than 0.05 seconds" in text_of(await call(server, "acme_get_slower"))
    assert "failed inside Flotilla (TimeoutError)" in text_of(await call(server, "acme_get_slowly"))


async def test_cancelled_calls_are_audited(acme: ScratchServer, audit: Audit) -> None:
    started = asyncio.Event()

    @acme.reads
    async def get_slow() -> Echo:
        """Slow."""
        started.set()
        await asyncio.sleep(30)
        return Echo()

    task = asyncio.ensure_future(call(acme, "acme_get_slow"))
    await started.wait()
    assert acme.running == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.1)
    assert acme.running == 0
    assert [line["outcome"] for line in audit()] == ["cancelled"]


async def test_call_deadline_suspended_by_unhurried() -> None:
    """Outside of a call nothing has a deadline."""
    assert current().left() == float("inf")
    with current().pause_deadline():
        pass
    with entered(Call("x")) as running:
        assert current() is running
        async with asyncio.timeout(5) as running.timer:
            assert 4 < running.left() <= 5
            with running.pause_deadline():
                assert running.left() == float("inf")
                await asyncio.sleep(0.05)
            assert running.left() > 4.96


# --- text of others


def test_plain_drops_hidden_characters() -> None:
    hidden = "a\u200bb\u202ec\u2066d\u2060e\ufefff\U000e0041g\ufe0fh\U000e0100i\x1bj\x00k\u3164l\U000f0000m\ud800n"
    assert plain(hidden) == "abcdefghijklmn"
    saved = "Été\t— 3 €\r\n日本語 العربية 👍 „x“ \u2028"
    assert plain(saved) == saved
    assert excerpt("a\u200b\n\n b" * 3) == "a ba ba b"


@given(some.text())
def test_plain_is_stable_and_encodable(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    plain(text).encode()


async def test_untrusted_fields(acme: ScratchServer) -> None:
    class Note(Model):
        body: UntrustedText

    @acme.reads
    async def get_note() -> Note:
        """Note."""
        return Note(body="do \u202ethis\u200b")

    async with client(acme) as c:
        (tool,) = await c.list_tools()
        assert tool.output_schema is not None
        assert tool.output_schema["properties"]["body"]["description"] == "Untrusted text"
        assert (await call(c, "acme_get_note")).structured_content == {
            "body": "do this",
            "removed": "2 hidden characters",
        }


# --- refusals without a validator's words


async def test_arguments_wrong_types_explained_in_plain_words(acme: ScratchServer) -> None:
    class Condition(Model):
        property: str
        value: int = 0

    @acme.reads
    async def list_things(
        count: Annotated[int, Field(ge=1, le=9)] = 1,
        ratio: float | None = None,
        flag: bool = False,
        at: AwareDatetime | None = None,
        day: date | None = None,
        unit: Literal["km", "mi"] | None = None,
        code: Annotated[str | None, Field(pattern="^[A-Z]{3}$", examples=["EUR"])] = None,
        tags: Annotated[list[str] | None, Field(min_length=1, max_length=2)] = None,
        cells: list[list[bool | int | str]] | None = None,
        conditions: list[Condition] | None = None,
        values: dict[str, Any] | None = None,
    ) -> Echo:
        """List."""
        return Echo()

    for arguments, sentence in (
        ({"count": "x"}, "`count` does not fit: it must be a whole number."),
        ({"count": 1.5}, "`count` does not fit: it must be a whole number."),
        ({"count": 10}, "`count` does not fit: it must be at most 9."),
        ({"ratio": "x"}, "`ratio` does not fit: it must be a number."),
        ({"flag": "perhaps"}, "`flag` does not fit: it must be true or false."),
        ({"at": "2030-06-03T09:00:00"}, "`at` does not fit: it needs an offset, such as 2030-06-03T09:00:00+02:00."),
        ({"at": "soon"}, "`at` does not fit: it must be a time with an offset, such as 2030"),
        ({"day": "2030-13-01"}, "`day` does not fit: it must be a date such as 2030-06-03."),
        ({"unit": "m"}, "`unit` does not fit: it must be one of 'km' or 'mi'."),
        ({"code": "eur"}, "`code` does not fit: it is not of the right form, such as EUR."),
        ({"tags": ["a", "b", "c"]}, "`tags` does not fit: it must have at most 2 items."),
        ({"tags": []}, "`tags` does not fit: it must have at least 1 item."),
        ({"cells": ["x"]}, "`cells.0` does not fit: it must be a list."),
        (
            {"cells": [[{"a": 1}]]},
            "`cells.0.0` does not fit: it must be true or false or must be a whole number or must",
        ),
        (
            {"conditions": [{"property": "x", "value": "y"}]},
            "`conditions.0.value` does not fit: it must be a whole num",
        ),
        ({"conditions": [{"value": 1}]}, "`conditions.0.property` is missing."),
        (
            {"conditions": {"property": "x", "valeu": 1}},
            "Unknown argument `valeu` in `conditions.0`; did you mean `value`? `conditions.0` takes: property, value.",
        ),
    ):
        text = text_of(await call(acme, "acme_list_things", **arguments))
        assert text.removeprefix("Error: Argument ").removeprefix("Error: ").startswith(sentence), text
        assert "Input should" not in text
        assert "pattern" not in text
    left_out = {"count": "", "ratio": "null", "flag": "", "at": "", "unit": "", "tags": ["null"], "conditions": ""}
    given = {"values": {"any": 1}, "conditions": {"property": "x"}, "unit": "KM"}
    for arguments in (left_out, given):
        result = await call(acme, "acme_list_things", **arguments)
        assert not result.is_error, text_of(result)
