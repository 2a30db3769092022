"""Segments (lists), against a HubSpot that keeps state."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.hubspot.server import server
from flotilla_servers.hubspot.tests.fake import TOKEN, FakeHubSpot, running
from flotilla_testing import FakeVendor, call, client, environment, impatient, text_of


class Crm:
    """A client at the server, and the HubSpot behind it."""

    def __init__(self, mcp: Any, hubspot: FakeHubSpot, vendor: FakeVendor) -> None:
        self.mcp, self.hubspot, self.vendor = mcp, hubspot, vendor

    async def call_ok(self, tool: str, **arguments: Any) -> Any:
        result = await call(self.mcp, f"hubspot_{tool}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    async def call_error(self, tool: str, **arguments: Any) -> str:
        result = await call(self.mcp, f"hubspot_{tool}", **arguments)
        assert result.is_error, text_of(result)
        return text_of(result)


@pytest.fixture
async def crm(tmp_path: Path) -> AsyncIterator[Crm]:
    """Two contacts, and segments of which one fills itself."""
    with running() as (hubspot, vendor):
        settings = {"HUBSPOT_TOKEN": TOKEN, "HUBSPOT_BASE_URL": vendor.url, "FLOTILLA_STATE": str(tmp_path)}
        with environment(server, **settings, FLOTILLA_TIER="all"), impatient(server):
            async with client(server) as mcp:
                one = Crm(mcp, hubspot, vendor)
                hubspot.add_segment("12", "Newsletter d’été")
                hubspot.add_segment("13", "Clients lyonnais", "DYNAMIC")
                hubspot.add_segment("14", "Fournisseurs", kind="0-2")
                await one.call_ok("create_contact", name="Zoé Lefèvre", email="zoe@lefevre.example")
                await one.call_ok("create_contact", name="Luc Roy", email="luc@roy.example")
                yield one


async def test_search_segments(crm: Crm) -> None:
    page = await crm.call_ok("search_segments", query="newsletter")
    assert [(one["id"], one["name"], one["type"]) for one in page["items"]] == [("12", "Newsletter d’été", "manual")]
    first = await crm.call_ok("search_segments", limit=2)
    last = await crm.call_ok("search_segments", limit=2, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + last["items"]] == ["12", "13", "14"]
    assert "next_cursor" not in last


async def test_segment_filled_and_emptied(crm: Crm) -> None:
    people = ["zoe@lefevre.example", "contact:Luc Roy", "contact:999"]
    added = await crm.call_ok("add_to_segment", segment="newsletter d'ete", records=people)
    assert added == {
        "segment": "Newsletter d’été",
        "changed": ["contact:101", "contact:102"],
        "unchanged": ["contact:999"],
    }
    again = await crm.call_ok("add_to_segment", segment="12", records="contact:101")
    assert (again["changed"], again["unchanged"]) == ([], ["contact:101"])
    members = (await crm.call_ok("list_segment_members", segment="Newsletter d’été"))["items"]
    assert [(one["record"], one["lastname"], one["email"]) for one in members] == [
        ("contact:101", "Lefèvre", "zoe@lefevre.example"),
        ("contact:102", "Roy", "luc@roy.example"),
    ]
    removed = await crm.call_ok("remove_from_segment", segment="12", records=["contact:101"])
    assert removed["changed"] == ["contact:101"]
    assert crm.hubspot.segments["12"]["members"] == ["102"]
    assert len(crm.hubspot.records["contacts"]) == 2  # the records themselves stay


async def test_segment_dynamic_or_of_another_kind_refused(crm: Crm) -> None:
    before = len(crm.vendor.requests)
    message = await crm.call_error("add_to_segment", segment="Clients lyonnais", records=["contact:101"])
    assert "fills itself by its filters" in message
    message = await crm.call_error("remove_from_segment", segment="14", records=["contact:101"])
    assert "The segment Fournisseurs takes no contact. Pass records of the kind company." in message
    assert not [request for request in crm.vendor.requests[before:] if request.method == "PUT"]


async def test_segment_unknown_name_or_id(crm: Crm) -> None:
    assert "There is no segment `Clients`" in await crm.call_error("list_segment_members", segment="Clients")
    assert "does not exist" in await crm.call_error("list_segment_members", segment="99")


async def test_list_segment_members_empty(crm: Crm) -> None:
    assert (await crm.call_ok("list_segment_members", segment="12"))["items"] == []
