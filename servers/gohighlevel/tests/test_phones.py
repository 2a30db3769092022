"""Phone numbers are read in the sub-account's country."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.gohighlevel.tests.fake import FakeGoHighLevel


@pytest.mark.parametrize(
    ("phone", "stored"),
    [
        ("06 12 34 56 78", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "+33612345678"),
        ("0033 6 12 34 56 78", "+33612345678"),
        ("06\u202f12\u00a034\u202f56\u202f78", "+33612345678"),
        ("+687 26 12 34", "+687261234"),
    ],
)
async def test_create_contact_phone(tool: Any, ghl: FakeGoHighLevel, phone: str, stored: str) -> None:
    made = await tool("create_contact", first_name="Zoé", phone=phone)
    assert ghl.contacts[made["id"]]["phone"] == stored


@pytest.mark.parametrize("phone", ["06 12 34 56 78 9", "+33 6 12 34", "+0612345678", "06;DROP", "1" * 40])
async def test_create_contact_refuses_what_is_not_a_phone(problem: Any, ghl: FakeGoHighLevel, phone: str) -> None:
    assert "is not a phone number" in await problem("create_contact", first_name="Zoé", phone=phone)
    assert ghl.contacts == {}


@pytest.mark.parametrize("query", ["Dupont 2030", "12", "06 12 34"])
async def test_search_contacts_by_what_is_no_whole_number(tool: Any, ghl: FakeGoHighLevel, query: str) -> None:
    await tool("search_contacts", query=query)
    assert ghl.vendor.requests[-1].json()["query"] == query
