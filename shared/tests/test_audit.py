"""The line that each call leaves on stderr, and the trace it belongs to."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from flotilla import Model, errors
from flotilla.audit import Audit
from flotilla.calls.context import Call, current
from flotilla.serving import telemetry
from flotilla.settings import remember_secret
from flotilla_launcher.protocol import TIMINGS_KEY
from flotilla_testing.client import MODES, call, client
from flotilla_testing.scratch import ScratchServer
from flotilla_testing.waiting import loop_clock

Make = Callable[..., ScratchServer]
Lines = Callable[[], list[dict[str, Any]]]
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


class Out(Model):
    text: str = "été"


@pytest.fixture
def server(make: Make) -> ScratchServer:
    server = make(masked=["iban"])

    @server.writes
    async def update_it(
        password: str = "",
        iban: str = "",
        note: str = "",
        rows: list[list[int]] | None = None,
        options: dict[str, Any] | None = None,
    ) -> Out:
        """It."""
        assert server.connection.settings
        return Out()

    return server


@pytest.mark.parametrize("mode", MODES)
async def test_audit_line_fields(server: ScratchServer, environ: pytest.MonkeyPatch, audit: Lines, mode: str) -> None:
    environ.setenv("FLOTILLA_USER", "dana")
    server.reset()
    async with client(server, mode) as c:
        await call(c, "acme_update_it", note="hello")
    (line,) = audit()
    when = datetime.fromisoformat(line.pop("timestamp"))
    assert abs(datetime.now(UTC) - when) < timedelta(seconds=10)
    assert len(line.pop("trace_id")) == 32
    assert line.pop("latency_ms") > 0
    assert line.pop("vendor_ms") == 0
    assert line == {
        "event": "call",
        "level": "info",
        "mcp_server": "acme",
        "tool_name": "acme_update_it",
        "user_id": "dana",
        "arguments": {"note": "hello"},
        "outcome": "ok",
        "mcp_response": len('{"text":"été"}'),
    }


async def test_vendor_time_counts_parallel_requests_once() -> None:
    called = Call("acme_get_it")
    with loop_clock() as clock:
        with called.at_vendor():
            clock.advance(200)
            with called.at_vendor():
                clock.advance(300)
            clock.advance(100)
        clock.advance(10_000)
        with called.at_vendor():
            clock.advance(400)
    assert round(called.vendor_seconds, -1) == 1000


@pytest.mark.parametrize("mode", MODES)
async def test_vendor_time_told_to_the_switchboard_alone(
    make: Make, environ: pytest.MonkeyPatch, audit: Lines, mode: str
) -> None:
    server, payloads = make(), []

    @server.reads
    async def get_it(fail: bool = False) -> Out:
        """It."""
        with current().at_vendor():
            await asyncio.sleep(0.002)
        if fail:
            raise errors.UpstreamError("Acme fails.", "Try again later.")
        return Out()

    async with client(server, mode) as c:
        for fail in (False, True):
            asked = await c.call_tool_mcp("acme_get_it", {"fail": fail}, meta={TIMINGS_KEY: True})
            assert asked.is_error is fail
            payloads.append((asked.meta or {})[TIMINGS_KEY]["vendor_ms"])
        plain = await c.call_tool_mcp("acme_get_it", {})
        assert TIMINGS_KEY not in (plain.meta or {})
    assert payloads == [line["vendor_ms"] for line in audit()[:2]]
    assert min(payloads) > 0


async def test_audit_masks_secrets_and_cuts_long_values(server: ScratchServer, audit: Lines) -> None:
    await call(server, "acme_update_it")
    audit()
    await call(
        server,
        "acme_update_it",
        password="hunter2",
        iban="FR76",
        note="x" * 500 + "canary-7f3a9c",
        rows=[[n] for n in range(1000)],
        options={"Api_Key": "k", "nested": [{"refresh_token": "r", "ok": "canary-7f3a9c", "none": None}], "n": 1},
        confirm_token="never",
    )
    (line,) = audit()
    assert line["arguments"] == {
        "password": "***",
        "iban": "***",
        "note": "x" * 200 + "… (503 characters)",
        "rows": [[n] for n in range(20)] + ["… 980 more"],
        "options": {"Api_Key": "***", "nested": [{"refresh_token": "***", "ok": "***", "none": None}], "n": 1},
        "confirm_token": "***",
    }
    assert line["outcome"] == "input"  # it takes no confirm_token
    assert "canary" not in json.dumps(line)


async def test_audit_line_size_limited(server: ScratchServer, audit: Lines) -> None:
    many = {f"name-{number}" + "x" * 200: "y" * 300 for number in range(2000)}
    await call(server, "acme_" + "z" * 10_000, **many)
    (text,) = [json.dumps(line, ensure_ascii=False) for line in audit() if line["event"] == "call"]
    assert len(text.encode()) <= 8_000
    await call(server, "acme_update_it", options={str(number): number for number in range(200)})
    (line,) = [line for line in audit() if line["event"] == "call"]
    assert len(line["arguments"]["options"]) == 51
    assert line["arguments"]["options"]["…"] == "150 more"


async def test_audit_masks_secrets_in_names_and_numbers(server: ScratchServer, audit: Lines) -> None:
    remember_secret("4711471147")
    await call(server, "acme_update_it", options={"canary-7f3a9c": 1, "pin": 4711471147})
    await call(server, "acme_update_it", options={"x": "y"})
    first, _ = audit()
    assert first["arguments"]["options"] == {"***": 1, "pin": "***"}


@pytest.mark.parametrize("depth", [70, 480, 600])
async def test_audit_of_deeply_nested_arguments(server: ScratchServer, audit: Lines, depth: int) -> None:
    result = await call(server, "acme_update_it", options='{"a":' * depth + "1" + "}" * depth)
    assert result.is_error
    nested: Any = 1
    for _ in range(depth):
        nested = {"a": nested}
    Audit("acme", frozenset()).call(
        arguments={"options": nested}, figures={}, tool_name="acme_update_it", outcome="input"
    )
    lines = [line for line in audit() if line["event"] == "call"]
    assert [line["outcome"] for line in lines] == ["input", "input"]


class Broken:
    def write(self, _: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


@pytest.mark.parametrize("stream", [Broken(), None])
async def test_audit_broken_stderr_breaks_no_call(
    server: ScratchServer, environ: pytest.MonkeyPatch, stream: Any
) -> None:
    @server.reads
    async def get_bug() -> Out:
        """Bug."""
        raise ValueError

    environ.setattr(sys, "stderr", stream)
    assert not (await call(server, "acme_update_it")).is_error
    assert (await call(server, "acme_get_bug")).is_error


def test_audit_values_that_are_no_json(audit: Lines) -> None:
    Audit("acme", frozenset()).line("event", thing={1, 2}, when=datetime(2030, 1, 1, tzinfo=UTC))
    (line,) = audit()
    assert line["thing"] == "{1, 2}"


@pytest.mark.parametrize("mode", MODES)
async def test_trace_of_the_client_continued(server: ScratchServer, audit: Lines, mode: str) -> None:
    async with client(server, mode) as c:
        for meta, saved in (
            ({"traceparent": PARENT, "tracestate": "a=1"}, True),
            ({"traceparent": "00-broken\r\nX-Evil: 1"}, False),
            ({"traceparent": 7}, False),
        ):
            await c.call_tool_mcp("acme_update_it", {}, meta=meta)
            (line,) = audit()
            assert (line["trace_id"] == TRACE) == saved


@pytest.mark.slow
def test_trace_spans() -> None:
    program = Path(__file__).parent / "programs" / "spans.py"
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True)
    line = json.loads(done.stderr.splitlines()[-1])
    spans = [json.loads(text) for text in done.stdout.splitlines()]
    (served,) = [span for span in spans if span["kind"] == "SpanKind.SERVER" and "tools/call" in span["name"]]
    assert served["context"]["trace_id"] == "0x" + line["trace_id"]
    assert served["attributes"]["gen_ai.tool.name"] == "acme_get_it"
    assert {span["name"].split()[0] for span in spans} >= {"tools/call", "prompts/get", "resources/read"}
    assert "canary" not in done.stdout


def test_telemetry_without_exporter_sets_no_provider(environ: pytest.MonkeyPatch) -> None:
    set_to: list[object] = []
    environ.setattr(trace, "set_tracer_provider", set_to.append)
    telemetry.configure("acme")
    assert set_to == []


def test_telemetry_exporter_not_installed(environ: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    environ.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    environ.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    telemetry.configure("acme")
    assert "no exporter is installed" in caplog.text


def test_telemetry_exporter(environ: pytest.MonkeyPatch) -> None:
    """With one in place of the real one, which only some installations have."""
    module = ModuleType("trace_exporter")
    module.OTLPSpanExporter = InMemorySpanExporter  # type: ignore[attr-defined]
    environ.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", module)
    environ.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9")
    set_to: list[Any] = []
    environ.setattr(trace, "set_tracer_provider", set_to.append)
    telemetry.configure("acme")
    (provider,) = set_to
    assert provider.resource.attributes["service.name"] == "flotilla-acme"
    provider.shutdown()
