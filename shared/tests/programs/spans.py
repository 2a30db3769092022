"""One call with OpenTelemetry's SDK in place, in a process of its own: tracers keep the first provider for ever."""

import asyncio
import json
from contextlib import suppress

from mcp.shared.exceptions import MCPError
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from flotilla import Model
from flotilla.serving import telemetry
from flotilla_testing.client import client
from flotilla_testing.scratch import ScratchServer

exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
server = ScratchServer("acme", title="Acme", description="Test.", category="test")


class Out(Model):
    """Nothing."""


@server.reads
async def get_it(note: str) -> Out:
    """It."""
    return Out()


@server.prompt
async def plan_it() -> str:
    """Plan."""
    raise ValueError("canary-span")


@server.resource("acme://about")
async def about() -> str:
    """About."""
    raise ValueError("canary-span")


async def main() -> None:
    """Call it."""
    async with client(server) as c:
        with suppress(MCPError):
            await c.get_prompt("acme_plan_it")
        with suppress(MCPError):
            await c.read_resource("acme://about")
        await c.call_tool_mcp("acme_get_it", {"note": "canary-span"})


asyncio.run(main())
telemetry.flush()
for span in exporter.get_finished_spans():
    print(json.dumps(json.loads(span.to_json())))
