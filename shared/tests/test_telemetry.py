"""What is measured of calls and requests, for whom, and that nothing is where nobody asked."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from starlette.requests import Request

from flotilla import Bearer
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
    telemetry.measure(telemetry.GATEWAY_SERVER, 0.2, server="acme")
    telemetry.note_limits("acme", {"X-RateLimit-Remaining": "12"})
    data: Any = json.loads(reader.get_metrics_data().to_json())["resource_metrics"][0]
    assert data["resource"]["attributes"]["service.name"] == "flotilla-acme"
    metrics = {m["name"]: (m["unit"], m["data"]["data_points"]) for m in data["scope_metrics"][0]["metrics"]}
    unit, [point] = metrics["flotilla.gateway.server.duration"]
    assert (unit, point["sum"], point["attributes"]) == ("s", 0.2, {"server": "acme"})
    assert metrics["flotilla.vendor.requests.left"][1][0]["value"] == 12


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


def _expressions(dashboard: Any) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
