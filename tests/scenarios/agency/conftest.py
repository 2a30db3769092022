"""An agency: a GoHighLevel and a Notion that remember, each gateway of this machine, and an agent that uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.gohighlevel.tests.fake import FakeGoHighLevel
from flotilla_servers.notion.tests.fake import FakeNotion
from flotilla_servers.notion.tests.workspace import Workspace, furnish
from tests.scenarios.harness import KINDS, Gateway
from tests.scenarios.vendors import connected


@dataclass
class Agent:
    """Calls the tools for a request, and reports at the end what was done, what was not, and what is uncertain."""

    client: Client[Any]
    key: str  # of the conversation: the idempotency keys begin with it
    calls: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)

    async def call(self, tool: str, **arguments: Any) -> tuple[dict[str, Any], str]:
        """Return a tool's result, and the text of its error: one of the two is empty."""
        self.calls.append(tool)
        result = await self.client.call_tool_mcp(tool, arguments)
        text = "".join(getattr(part, "text", "") for part in result.content)
        return ({}, text) if result.is_error else (dict(result.structured_content or {}), "")

    async def does(self, step: str, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that changes something, and note how it went."""
        result, error = await self.call(tool, **arguments)
        if not error:
            self.done.append(step)
        else:
            (self.doubtful if "may or may not" in error else self.undone).append(f"{step} ({error})")
        return result

    def confirmed(self, step: str) -> None:
        """Note that a step in doubt was looked up, and was done."""
        self.forget(step)
        self.done.append(step)

    def forget(self, step: str) -> None:
        """Note that a step in doubt was looked up, and was not done: it will be tried again."""
        self.doubtful = [line for line in self.doubtful if not line.startswith(step)]

    @property
    def report(self) -> str:
        """The final text."""
        sections = {"Done": self.done, "Not done": self.undone, "In doubt": self.doubtful}
        return "\n".join(f"{head}: {'; '.join(lines)}." for head, lines in sections.items() if lines)


@dataclass
class Agency:
    """The two vendors, and a gateway to them. The vendors outlive each start of the gateway."""

    gateway: Gateway
    ghl: FakeGoHighLevel
    notion: FakeNotion
    workspace: Workspace

    @asynccontextmanager
    async def agent(self, key: str = "call-7") -> AsyncIterator[Agent]:
        """Start the gateway with an agent as its client."""
        async with self.gateway.client() as client:
            yield Agent(client, key)


@pytest.fixture(params=KINDS)
def agency(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Agency]:
    """An agency with each kind of gateway that is on this machine."""
    ghl, notion = FakeGoHighLevel(), FakeNotion()
    with connected(request.param, tmp_path, "agency", {"gohighlevel": ghl, "notion": notion}) as gateway:
        yield Agency(gateway, ghl, notion, furnish(notion))
