"""Measurements and spans, each only where it is asked for: read by Prometheus, or sent to a collector over OTLP.

Where neither is set, nothing is imported and nothing is kept. One table names what is measured; the same names come out
of both ways, since a collector writes `flotilla.server.call.duration` in seconds as Prometheus has it.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flotilla_launcher.version import VERSION


@dataclass(frozen=True)
class Measure:
    """What is measured: durations in seconds are histograms, the others gauges."""

    about: str
    labels: tuple[str, ...]
    duration: bool = True


GATEWAY_CALL = "flotilla_gateway_call_duration_seconds"
GATEWAY_SERVER = "flotilla_gateway_server_duration_seconds"
SERVER_CALL = "flotilla_server_call_duration_seconds"
VENDOR_REQUEST = "flotilla_vendor_request_duration_seconds"
VENDOR_LEFT = "flotilla_vendor_requests_left"
MEASURES = {
    GATEWAY_CALL: Measure("A call through the gateway, until its result.", ("server", "tool", "outcome")),
    GATEWAY_SERVER: Measure("The part of a call during which its server had it.", ("server",)),
    SERVER_CALL: Measure("A call in its server, until its result.", ("server", "tool", "outcome")),
    VENDOR_REQUEST: Measure("A request to the vendor, until its headers.", ("server", "method", "status")),
    VENDOR_LEFT: Measure("Requests that the vendor still allows, by its header.", ("server", "limit"), duration=False),
}
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds
LIMIT_HEADER = re.compile(r"rate-?limit.*remaining")
MOST_LIMITS = 10  # headers of a vendor that are kept: each is a series of its own

Recorder = Callable[[str, float, Mapping[str, str]], None]
_recorders: list[Recorder] = []
_limits: dict[str, set[str]] = {}  # the headers of each server's vendor that were seen
_metrics: Any = None  # OpenTelemetry's provider


def measure(name: str, value: float, **labels: str) -> None:
    """Note a value of one of MEASURES for everything that was asked for."""
    for record in _recorders:
        record(name, value, labels)


def note_limits(server: str, headers: Mapping[str, str]) -> None:
    """Note what a vendor's response says about the requests that it still allows."""
    for header, text in headers.items() if _recorders else ():
        limit, known = header.lower(), _limits.setdefault(server, set())
        if LIMIT_HEADER.search(limit) and (number := re.match(r"\d+", text.strip())):
            if len(known) < MOST_LIMITS:
                known.add(limit)
            if limit in known:
                measure(VENDOR_LEFT, float(number[0]), server=server, limit=limit)


def for_prometheus() -> Callable[[], bytes]:
    """Measure from now on, and return the function that writes all values in Prometheus's text format."""
    import prometheus_client as prometheus

    # When a series began would be another series for each, which nobody asks for.
    prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = prometheus.CollectorRegistry()
    instruments: dict[str, Any] = {
        name: prometheus.Histogram(name, it.about, it.labels, registry=registry, buckets=BUCKETS)
        if it.duration
        else prometheus.Gauge(name, it.about, it.labels, registry=registry)
        for name, it in MEASURES.items()
    }

    def record(name: str, value: float, labels: Mapping[str, str]) -> None:
        one = instruments[name].labels(**labels)
        (one.observe if MEASURES[name].duration else one.set)(value)

    _recorders.append(record)
    return lambda: prometheus.generate_latest(registry)


def configure(slug: str) -> None:
    """Send spans and measurements to `OTEL_EXPORTER_OTLP_ENDPOINT`; without it the API costs nothing.

    Only the first call in a process counts: a second provider would send everything twice.
    """
    from opentelemetry import trace

    spans, measurements = (
        os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get(f"OTEL_EXPORTER_OTLP_{kind}_ENDPOINT")
        for kind in ("TRACES", "METRICS")
    )
    try:
        if spans and not _sends(trace.get_tracer_provider()):
            _send_spans(slug)
        if measurements and not _sends(_metrics):
            _send_measurements(slug)
    except ImportError:
        logging.getLogger(__name__).warning(
            "no spans and measurements: no exporter is installed (pip install -r requirements/otel.txt)"
        )


def _send_spans(slug: str) -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # type: ignore[import-not-found,unused-ignore]
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=_resource(slug))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def _send_measurements(slug: str) -> None:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # type: ignore[import-not-found,unused-ignore]
        OTLPMetricExporter,
    )
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    global _metrics
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    _metrics = MeterProvider([reader], resource=_resource(slug))
    meter = _metrics.get_meter("flotilla")
    instruments: dict[str, Any] = {}
    for name, it in MEASURES.items():
        dotted = name.removesuffix("_seconds").replace("_", ".")
        if it.duration:
            histogram = meter.create_histogram(dotted, "s", it.about, explicit_bucket_boundaries_advisory=BUCKETS)
            instruments[name] = histogram.record
        else:
            instruments[name] = meter.create_gauge(dotted, "{request}", it.about).set
    _recorders.append(lambda name, value, labels: instruments[name](value, dict(labels)))


def _resource(slug: str) -> Any:
    from opentelemetry.sdk.resources import Resource

    return Resource.create({"service.name": f"flotilla-{slug}", "service.version": VERSION})


@contextmanager
def span(name: str, meta: dict[str, Any], **attributes: str) -> Iterator[None]:
    """Run a block in a span of the trace that a request's metadata names; the metadata then names this span."""
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    w3c = TraceContextTextMapPropagator()
    tracer, parent = trace.get_tracer("flotilla"), w3c.extract(meta)
    with tracer.start_as_current_span(name, parent, kind=trace.SpanKind.SERVER, attributes=attributes):
        w3c.inject(meta)
        yield


def flush(seconds: float = 0.5) -> None:
    """Send the waiting spans and measurements within so many seconds, before the process ends."""
    from opentelemetry import trace

    providers, end = filter(_sends, (trace.get_tracer_provider(), _metrics)), time.monotonic() + seconds
    threads = [threading.Thread(target=provider.force_flush, daemon=True) for provider in providers]
    for thread in threads:
        thread.start()
    for thread in threads:  # a collector that does not answer delays the end once, not for each of them
        thread.join(max(0.0, end - time.monotonic()))


def _sends(provider: Any) -> bool:
    """Tell whether a provider is one of the SDK's, and not what stands for it before."""
    return hasattr(provider, "force_flush")
