"""The route /metrics: what a Prometheus reads, with a token of its own or from this machine."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from fastmcp import FastMCP

from flotilla.http.loopback import is_loopback
from flotilla.serving import telemetry

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")  # a proxy of this machine speaks for others


def add_metrics_route(mcp: FastMCP[Any], token: str) -> None:
    """Measure, and add /metrics: for whoever shows the token, and without one for programs of this machine."""
    from starlette.responses import PlainTextResponse

    written = telemetry.for_prometheus()

    async def metrics(request: Request) -> Response:
        if not (_shows(request, token) or _is_local(request)):
            return PlainTextResponse(
                "Show FLOTILLA_METRICS_TOKEN as a bearer token, or ask from this machine.\n",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        return PlainTextResponse(written(), media_type="text/plain; version=0.0.4; charset=utf-8")

    mcp.custom_route("/metrics", methods=["GET"])(metrics)


def _shows(request: Request, token: str) -> bool:
    shown = request.headers.get("authorization", "")
    return bool(token) and compare_digest(shown.encode(), f"Bearer {token}".encode())


def _is_local(request: Request) -> bool:
    """Tell whether a program of this machine asks for itself, and no proxy for somebody else."""
    peer = request.client.host if request.client else ""
    return (
        is_loopback(peer)
        and is_loopback(request.url.hostname or "")
        and not any(name in request.headers for name in FORWARDED)
    )
