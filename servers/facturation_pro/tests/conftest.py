"""A pretended Facturation.PRO with its state in memory, the server's settings that lead there, and clients."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.facturation_pro.server import server
from flotilla_testing import FakeVendor, client, environment, impatient, text_of

HERE = Path(__file__).parent


def load(name: str) -> Any:
    """Return a module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(f"facturation_pro_{name}", HERE / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Firm:
    """A client in front of the server, the vendor behind it, and the data folder."""

    client: Client[Any]
    books: Any
    vendor: FakeVendor
    data: Path
    scenario: Any

    async def ask(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool that is to work; returns its result."""
        result = await self.client.call_tool_mcp(f"facturation_{tool}", arguments)
        assert not result.is_error, text_of(result)
        return dict(result.structured_content or {})

    async def no(self, tool: str, /, **arguments: Any) -> str:
        """Call a tool that is to fail; returns what it says."""
        result = await self.client.call_tool_mcp(f"facturation_{tool}", arguments)
        assert result.is_error, text_of(result)
        return text_of(result)

    def sent(self, method: str) -> list[Any]:
        """Return the requests of a method that arrived."""
        return [request for request in self.vendor.requests if request.method == method]


@pytest.fixture
def books() -> Any:
    return load("fake").Accounts()


@pytest.fixture
def vendor(books: Any) -> Iterator[FakeVendor]:
    with FakeVendor(books) as running:
        yield running


@pytest.fixture
def settings(vendor: FakeVendor, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "data").mkdir()
    (tmp_path / "state").mkdir()
    return {
        "FACTURATION_PRO_BASE_URL": vendor.url,
        "FACTURATION_PRO_IDENTIFIER": "12345",
        "FACTURATION_PRO_API_KEY": "clef-de-test",
        "FLOTILLA_DATA": str(tmp_path / "data"),
        "FLOTILLA_STATE": str(tmp_path / "state"),
        "FLOTILLA_TIER": "all",
        "FLOTILLA_CONFIRM": "off",
    }


@pytest.fixture
async def firm(settings: dict[str, str], vendor: FakeVendor, books: Any) -> AsyncIterator[Firm]:
    with environment(server, **settings), impatient(server):
        async with client(server) as connected:
            yield Firm(connected, books, vendor, Path(os.environ["FLOTILLA_DATA"]), load("accountant"))


@pytest.fixture
async def asking(firm: Firm, settings: dict[str, str]) -> AsyncIterator[tuple[Firm, list[str]]]:
    """The same with a person who says yes, and the questions that were asked."""
    asked: list[str] = []
    with environment(server, **{**settings, "FLOTILLA_CONFIRM": "on"}), impatient(server):
        async with client(server, answer="accept", asked=asked) as connected:
            yield Firm(connected, firm.books, firm.vendor, firm.data, firm.scenario), asked


@pytest.fixture
async def customer(firm: Firm) -> int:
    made = await firm.ask("create_customer", company_name="Atelier Lefèvre", siret="53165179200016")
    return int(made["id"])
