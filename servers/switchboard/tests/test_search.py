"""Four tools in place of all: the index, what is found, and how the tools behind it are called in both eras."""

import json
from typing import Any

import pytest

from flotilla_servers.switchboard.tool_index import Searchable, ToolIndex
from flotilla_servers.switchboard.tool_search import (
    DESTROY,
    READ,
    SEARCH,
    WRITE,
    ToolSearch,
    caller_of,
    definitions,
    is_on,
)

from .conftest import BOTH

TOOLS = [
    Searchable("crm_create_contact", "HubSpot", "Create a contact.", "ajoute personne client nouveau"),
    Searchable("ghl_create_contact", "GoHighLevel", "Create a contact.", "ajoute personne client nouveau"),
    Searchable("mail_send_email", "Gmail", "Send an e-mail.", "envoie mail courriel message écrire à"),
    Searchable("books_list_invoices", "Facturation", "List invoices.", "factures impayées relance en retard"),
]


@pytest.fixture
def index() -> ToolIndex:
    return ToolIndex(TOOLS)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("envoie un e-mail à Zoé", "mail_send_email"),
        ("Send Marie an email", "mail_send_email"),
        ("ENVOYER UN COURRIEL", "mail_send_email"),
        ("quelles factures sont impayees ?", "books_list_invoices"),
        ("relancer les retards", "books_list_invoices"),
        ("facturer", "books_list_invoices"),  # by the pieces of the word alone
        ("crée un contact dans GoHighLevel", "ghl_create_contact"),
        ("add a new contact to HubSpot", "crm_create_contact"),
        ("what does ghl_create_contact do with a mail?", "ghl_create_contact"),
    ],
)
def test_index_ranks_first(index: ToolIndex, query: str, first: str) -> None:
    assert index.search(query)[0] == first


@pytest.mark.parametrize("query", ["", "?!", "le la les", "zzzz", "漢字"])
def test_index_without_a_match(index: ToolIndex, query: str) -> None:
    assert index.search(query) == []


def test_index_of_allowed_tools_only(index: ToolIndex) -> None:
    allowed = {"crm_create_contact"}
    assert index.search("crée un contact dans GoHighLevel", allowed=allowed) == ["crm_create_contact"]
    assert index.search("ghl_create_contact", allowed=allowed) == ["crm_create_contact"]
    assert len(index.search("contact", limit=1)) == 1


def test_index_of_nothing() -> None:
    assert ToolIndex([]).search("contact") == []


@pytest.mark.parametrize(
    ("hints", "caller"),
    [
        ({"readOnlyHint": True}, READ),
        ({"readOnlyHint": False, "destructiveHint": False}, WRITE),
        ({"readOnlyHint": False, "destructiveHint": True}, DESTROY),
        ({"readOnlyHint": False}, DESTROY),
        ({}, DESTROY),
        (None, DESTROY),
    ],
)
def test_caller_of_a_tool(hints: Any, caller: str) -> None:
    assert caller_of({"name": "x", "annotations": hints}) == caller


def test_definitions_are_small_and_carry_hints() -> None:
    tools = definitions([f"A Long Product Name {n}" for n in range(33)])
    assert len(json.dumps(tools, ensure_ascii=False)) < 3_000 + 33 * 22
    assert [caller_of(tool) for tool in tools] == [READ, READ, WRITE, DESTROY]
    assert len(json.dumps(definitions(["HubSpot"]), ensure_ascii=False)) < 3_000


@pytest.mark.parametrize(
    ("option", "count", "searched"),
    [("auto", 40, False), ("auto", 41, True), ("on", 1, True), ("off", 500, False)],
)
def test_search_is_on(option: str, count: int, searched: bool) -> None:
    assert is_on(option, count) is searched


async def test_search_of_an_unknown_type_is_refused() -> None:
    search = ToolSearch(list, list)
    for arguments in ({"query": 1}, {"query": "x", "limit": 0}, {"query": "x", "limit": "3"}, {"limit": 21}):
        assert (await search.search(arguments))["isError"] is True


@BOTH
async def test_search_lists_four_tools_and_starts_nothing(fleet: Any, person: Any, era: str) -> None:
    async with person(fleet.command("--search", "on"), era).client as it:
        tools = await it.list_tools()
        assert [tool.name for tool in tools] == [SEARCH, READ, WRITE, DESTROY]
        assert "Probe" in (tools[0].description or "")
        result = await it.call_tool_mcp(SEARCH, {"query": "ask a question"})
        best = result.structured_content["tools"][0]
        assert (best["name"], best["call_with"]) == ("probe_ask", DESTROY)
        assert best["inputSchema"]["required"] == ["question"]
        assert json.loads(result.content[0].text) == result.structured_content
        names = (await it.call_tool_mcp(SEARCH, {})).structured_content["names"]
        assert "probe_echo" in names
        assert "probe_extra" not in names  # of a tier that is not shown
        assert fleet.lines("starts") == []


@BOTH
async def test_search_calls_the_tools_behind_it(fleet: Any, person: Any, era: str) -> None:
    ada = person(fleet.command("--search", "on"), era, "Ada")
    async with ada.client as it:
        direct = await it.call_tool_mcp("probe_echo", {"value": "é"})
        called = await it.call_tool_mcp(READ, {"name": "probe_echo", "arguments": {"value": "é"}})
        assert called.structured_content == direct.structured_content == {"value": "é"}
        await ada.call(READ, name="probe_wait", arguments={"seconds": 0.1})
        assert ada.steps == [1, 2, 3, 4]
        answer = await ada.call(DESTROY, name="probe_ask", arguments={"question": "Really?"})
        assert answer.startswith("Really?: accept Ada")
        assert ada.asked == ["Really?"]


@BOTH
async def test_search_refuses_what_does_not_fit(fleet: Any, person: Any, era: str) -> None:
    async with person(fleet.command("--search", "on"), era).client as it:
        for caller, name, sentence in (
            (READ, "probe_ask", "`probe_ask` is called with call_destructive_tool. Nothing was done; call it so."),
            (DESTROY, "probe_echo", "`probe_echo` is called with call_read_tool. Nothing was done; call it so."),
            (READ, "probe_ech", "There is no tool `probe_ech`. Did you mean probe_echo"),
            (READ, "probe_extra", "There is no tool `probe_extra`."),
            (READ, SEARCH, "There is no tool `search_tools`."),
            (READ, None, "There is no tool `None`. Find it with search_tools."),
        ):
            result = await it.call_tool_mcp(caller, {"name": name, "arguments": {}})
            assert result.is_error, name
            assert sentence in result.content[0].text
        assert fleet.lines("starts") == []
