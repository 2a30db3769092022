"""What is measured of calls and requests, for whom, and that nothing is where nobody asked."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from starlette.requests import Request

from flotilla import Bearer, errors
from flotilla.serving import scrape, telemetry
from flotilla_testing import faults
from flotilla_testing.client import client
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.responses import RecordedResponses
from flotilla_testing.scratch import ScratchApi, ScratchServer

Make = Callable[..., ScratchServer]
DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana-dashboard.json"


@pytest.fixture
def values(environ: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Return what a Prometheus would read of a name: its lines, without the buckets."""
    environ.setattr(telemetry, "_recorders", [])
    environ.setattr(telemetry, "_limits", {})
    written = telemetry.for_prometheus()

    def lines(name: str) -> list[str]:
        return [line for line in written().decode().splitlines() if line.startswith(name) and "_bucket" not in line]

    return lines


async def test_measure_calls_and_requests(
    make: Make, environ: pytest.MonkeyPatch, values: Callable[[str], list[str]]
) -> None:
    with FakeVendor(RecordedResponses({"GET /things/{id}": {"json": {"id": 7}}})) as vendor:
        environ.setenv("ACME_BASE_URL", vendor.url)
        server = make()
        api = ScratchApi(server, auth=Bearer("token"))

        @server.reads
        async def get_thing() -> dict[str, Any]:
            """One."""
            return dict(await api.get("/things/7"))

        vendor.fails(faults.status(200, headers={"X-Acme-RateLimit-Daily-Remaining": "41"}), times=1)
        async with client(server) as c:
            await c.call_tool_mcp("acme_get_thing", {})
            vendor.fails(faults.status(403))
            await c.call_tool_mcp("acme_get_thing", {})
            await c.call_tool_mcp("made_up_by_a_client", {})
    calls = "flotilla_server_call_duration_seconds_count"
    assert values(calls) == [
        f'{calls}{{outcome="ok",server="acme",tool="acme_get_thing"}} 1.0',
        f'{calls}{{outcome="scope",server="acme",tool="acme_get_thing"}} 1.0',
        f'{calls}{{outcome="not_found",server="acme",tool="other"}} 1.0',
    ]
    requests = "flotilla_vendor_request_duration_seconds_count"
    assert values(requests) == [
        f'{requests}{{method="GET",server="acme",status="200"}} 1.0',
        f'{requests}{{method="GET",server="acme",status="403"}} 1.0',
    ]
    left = "flotilla_vendor_requests_left"
    assert values(left) == [f'{left}{{limit="x-acme-ratelimit-daily-remaining",server="acme"}} 41.0']


def test_limits_of_a_vendor_are_few(values: Callable[[str], list[str]]) -> None:
    """A vendor that names its header otherwise in each response makes no series without end."""
    for number in range(100):
        telemetry.note_limits("acme", {f"RateLimit-{number}-Remaining": "1", "RateLimit-0-Remaining": str(number)})
    left = values("flotilla_vendor_requests_left")
    assert len(left) == telemetry.MOST_LIMITS
    assert 'flotilla_vendor_requests_left{limit="ratelimit-0-remaining",server="acme"} 99.0' in left


def test_values_are_no_more_than_was_asked_for(values: Callable[[str], list[str]]) -> None:
    telemetry.measure(telemetry.GATEWAY_SERVER, 0.2, server="acme")
    name = "flotilla_gateway_server_duration_seconds"
    assert values(name) == [f'{name}_count{{server="acme"}} 1.0', f'{name}_sum{{server="acme"}} 0.2']


def test_nothing_is_imported_where_nobody_asked() -> None:
    program = (
        "import sys, flotilla\n"
        "from flotilla.serving import telemetry\n"
        "telemetry.configure('acme'); telemetry.measure(telemetry.GATEWAY_SERVER, 1.0, server='acme')\n"
        "print([m for m in sys.modules if m.startswith(('prometheus_client', 'opentelemetry.sdk'))])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_measurements_over_otlp(environ: pytest.MonkeyPatch) -> None:
    """With a reader in place of the exporter, which only some installations have."""
    reader = InMemoryMetricReader()
    module = ModuleType("metric_exporter")
    module.OTLPMetricExporter = object  # type: ignore[attr-defined]
    environ.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", module)
    environ.setattr("opentelemetry.sdk.metrics.export.PeriodicExportingMetricReader", lambda exporter: reader)
    environ.setattr(telemetry, "_recorders", [])
    environ.setattr(telemetry, "_metrics", None)
    environ.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:9")
    telemetry.configure("acme")
    telemetry.configure("acme")  # as each tenant's gateway does
    telemetry.measure(telemetry.GATEWAY_SERVER, 0.2, server="acme")
    telemetry.note_limits("acme", {"X-RateLimit-Remaining": "12"})
    data: Any = json.loads(reader.get_metrics_data().to_json())["resource_metrics"][0]
    assert data["resource"]["attributes"]["service.name"] == "flotilla-acme"
    metrics = {m["name"]: (m["unit"], m["data"]["data_points"]) for m in data["scope_metrics"][0]["metrics"]}
    unit, [point] = metrics["flotilla.gateway.server.duration"]
    assert (unit, point["sum"], point["count"], point["attributes"]) == ("s", 0.2, 1, {"server": "acme"})
    unit, [point] = metrics["flotilla.vendor.requests.left"]
    assert (unit, point["value"]) == ("{request}", 12)


def test_flush_of_spans_and_measurements_at_the_same_time(environ: pytest.MonkeyPatch) -> None:
    """A collector that does not answer delays the end of a process once."""
    both = threading.Barrier(2)

    class Provider:
        def force_flush(self) -> None:
            both.wait(5)

    environ.setattr(telemetry, "_metrics", Provider())
    environ.setattr(trace, "get_tracer_provider", Provider)
    telemetry.flush(60)
    assert not both.broken
    assert both.n_waiting == 0


@pytest.mark.parametrize(
    ("peer", "headers", "allowed"),
    [
        ("127.0.0.1", {"host": "127.0.0.1:8811"}, True),
        ("::1", {"host": "localhost:8811"}, True),
        ("127.0.0.1", {"host": "mcp.example.com"}, False),  # a proxy of this machine, for somebody else
        ("127.0.0.1", {"host": "127.0.0.1", "x-forwarded-for": "127.0.0.1"}, False),
        ("10.0.0.7", {"host": "127.0.0.1"}, False),
        ("10.0.0.7", {"host": "gmail", "authorization": "Bearer metrics-token"}, True),
        ("10.0.0.7", {"host": "gmail", "authorization": "Bearer metrics-tokem"}, False),
        ("10.0.0.7", {"host": "gmail", "authorization": "Bearer "}, False),
    ],
)
async def test_metrics_route_admits(
    environ: pytest.MonkeyPatch, peer: str, headers: dict[str, str], allowed: bool
) -> None:
    environ.setattr(telemetry, "_recorders", [])
    for token in ("metrics-token", ""):
        routes: list[Any] = []

        class Routes:
            def custom_route(self, path: str, methods: list[str]) -> Callable[[Any], None]:
                assert (path, methods) == ("/metrics", ["GET"])
                return routes.append  # noqa: B023

        scrape.add_metrics_route(Routes(), token)  # type: ignore[arg-type]
        scope = {
            "type": "http", "method": "GET", "path": "/metrics", "query_string": b"", "scheme": "http",
            "headers": [(n.encode(), v.encode()) for n, v in headers.items()], "client": (peer, 40000),
        }  # fmt: skip
        answer = await routes[0](Request(scope))
        by_token = "authorization" in headers
        assert answer.status_code == (200 if allowed and (token or not by_token) else 401)
        assert (b"flotilla_gateway_call_duration_seconds" in answer.body) == (answer.status_code == 200)


def test_dashboard_uses_only_what_is_measured() -> None:
    text = DASHBOARD.read_text()
    used = set(re.findall(r"flotilla_\w+", " ".join(_expressions(json.loads(text)))))
    names = {
        name + suffix: it
        for name, it in telemetry.MEASURES.items()
        for suffix in (("_bucket", "_count", "_sum") if it.duration else ("",))
    }
    assert used <= names.keys()
    assert {names[name] for name in used} == set(telemetry.MEASURES.values())  # and all of it
    for expression in _expressions(json.loads(text)):
        labels = {label for name in re.findall(r"flotilla_\w+", expression) for label in (*names[name].labels, "le")}
        for group in re.findall(r"by \(([^)]*)\)", expression):
            assert {label.strip() for label in group.split(",")} <= labels, expression


def test_dashboard_shows_errors_alone() -> None:
    """A preview, a question, a dry run and a repeated answer are no errors; each class of error is one."""
    no_errors = {"ok", "asked", "preview", "dry_run", "repeated"}
    classes = {kind.kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "kind")}
    texts = _expressions(json.loads(DASHBOARD.read_text()))
    excluded = [pattern for text in texts for pattern in re.findall(r'outcome!~"([^"]*)"', text)]
    assert len(excluded) == 2
    for pattern in excluded:
        assert {outcome for outcome in no_errors | classes if re.fullmatch(pattern, outcome)} == no_errors


def _expressions(dashboard: Any) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
