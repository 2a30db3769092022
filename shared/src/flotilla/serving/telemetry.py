"""OpenTelemetry, only where an exporter is configured and the SDK is installed: FastMCP makes the spans."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any


def configure(slug: str) -> None:
    """Send spans to `OTEL_EXPORTER_OTLP_ENDPOINT`; without it the API costs nothing."""
    if not (os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")):
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # type: ignore[import-not-found,unused-ignore]
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        logging.getLogger(__name__).warning("no spans: no exporter is installed (pip install -r requirements/otel.txt)")
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"flotilla-{slug}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def flush(seconds: float = 0.5) -> None:
    """Send the waiting spans within so many seconds, before the process ends."""
    from opentelemetry import trace

    provider: Any = trace.get_tracer_provider()
    if hasattr(provider, "force_flush"):
        thread = threading.Thread(target=provider.force_flush, daemon=True)
        thread.start()
        thread.join(seconds)
