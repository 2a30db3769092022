"""A server that waits, logs and asks."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastmcp.server.dependencies import get_context
from pydantic import Field

from flotilla import Model, announce, progress
from flotilla_testing.scratch import ScratchServer

server = ScratchServer("probe", title="Probe", description="Waits, logs and asks.", category="test")


class Text(Model):
    """A text."""

    text: str


@server.reads
async def get_later(seconds: Annotated[float, Field(description="How long", examples=[1])]) -> Text:
    """Wait, with progress and log messages."""
    for step in (1, 2):
        await progress(step, 2)
        await asyncio.sleep(seconds / 2)
    await get_context().info("info")
    await get_context().warning("warning")
    return Text(text="late")


@server.destroys(confirm="Delete {name} for good?")
async def delete_thing(name: Annotated[str, Field(description="Name", examples=["x"])]) -> Text:
    """Delete nothing, but ask first."""
    announce(action="delete_thing", name=name)
    return Text(text=f"deleted {name}")
