"""Databases created and changed: their columns, options and names."""

from __future__ import annotations

from typing import Any

from flotilla_servers.notion.server import server
from flotilla_servers.notion.tests.fake import FakeNotion
from flotilla_servers.notion.tests.workspace import Workspace
from flotilla_testing import call

COLUMNS = [
    {"name": "Projet", "type": "title"},
    {"name": "Budget", "type": "euro"},
    {"name": "État", "type": "select", "options": ["À faire", "Fait", "Fait"]},
    {"name": "Client", "type": "relation", "database": "Clients"},
    {"name": "Notes", "type": "text"},
]


async def test_create_database(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    made = await tool("create_database", parent=space.home, title="Projets", properties=COLUMNS)
    assert made["created"]
    described = await tool("get_database", database=made["id"])
    assert described["properties"] == [
        {"name": "Projet", "type": "title"},
        {"name": "Budget", "type": "number"},
        {"name": "État", "type": "select", "allowed": ["À faire", "Fait"]},
        {"name": "Client", "type": "relation", "database": space.clients},
        {"name": "Notes", "type": "rich_text"},
    ]
    item = {"Projet": "Site", "Client": "Jean Dupont", "Budget": "1 250,50 €"}
    assert (await tool("create_database_item", database="Projets", properties=item))["created"]
    again = await tool("create_database", parent=space.home, title="projets", properties=COLUMNS)
    assert not again["created"]


async def test_create_database_adds_a_title(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    columns = [{"name": "Échéance", "type": "date"}]
    made = await tool("create_database", parent=space.home, title="Suivi", properties=columns)
    assert [prop["type"] for prop in notion.sources[made["id"]]["properties"].values()] == ["title", "date"]


async def test_create_database_refusals(problem: Any, notion: FakeNotion, space: Workspace) -> None:
    wrong = [
        ({"name": "A", "type": "couleur"}, "cannot have the type"),
        ({"name": "A", "type": "text", "options": ["x"]}, "has no options"),
        ({"name": "A", "type": "select", "options": ["x, y"]}, "no comma"),
        ({"name": "A", "type": "relation"}, "where the relation"),
        ({"name": "A", "type": "select", "choices": ["x"]}, "Unknown argument `choices`"),
    ]
    for column, message in wrong:
        assert message in await problem("create_database", parent=space.home, title="X", properties=[column])
    twice = [{"name": "A", "type": "text"}, {"name": "a", "type": "text"}]
    assert "two columns" in await problem("create_database", parent=space.home, title="X", properties=twice)
    assert not any(request.writes for request in notion.vendor.requests)


async def test_update_database_adds_columns_and_options(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    add = [
        {"name": "Priorité", "type": "select", "options": ["Haute", "Basse"]},
        {"name": "Statut", "type": "select", "options": ["Client", "Partenaire"]},
    ]
    await tool("update_database", database="Clients", add=add, rename={"Notes": "Remarques"}, title="Clients 2030")
    described = await tool("get_database", database=space.clients)
    columns = {prop["name"]: prop.get("allowed") for prop in described["properties"]}
    assert columns["Statut"] == ["Lead chaud", "Client", "Perdu", "Partenaire"]
    assert columns["Priorité"] == ["Haute", "Basse"]
    assert "Remarques" in columns
    assert "Notes" not in columns
    assert (await tool("search", query="Clients 2030"))["items"][0]["id"] == space.clients


async def test_update_database_asks_before_a_column_is_removed(notion: FakeNotion, space: Workspace) -> None:
    asked = await call(server, "notion_update_database", database="Clients", remove=["budget"])
    preview = asked.structured_content["preview"]
    assert preview["question"] == ("Remove Budget from the Notion database «Clients», with the values in all its rows?")
    assert "Budget" in notion.sources[space.clients]["properties"]
    token = preview["confirm_token"]
    done = await call(server, "notion_update_database", database="Clients", remove=["budget"], confirm_token=token)
    assert not done.is_error
    assert "Budget" not in notion.sources[space.clients]["properties"]


async def test_update_database_refusals(problem: Any, notion: FakeNotion, space: Workspace) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "nothing to change"),
        ({"add": [{"name": "Budget", "type": "text"}]}, "already"),
        ({"add": [{"name": "Statut", "type": "select", "options": ["client"]}]}, "has these options already"),
        ({"rename": {"Budget": "statut"}}, "cannot be called"),
        ({"rename": {"Couleur": "x"}}, "There is no property"),
        ({"remove": ["Nom"]}, "keeps its title"),
        ({"add": [{"name": "Autre", "type": "title"}]}, "one column of the type title"),
    ]
    for arguments, message in wrong:
        assert message in await problem("update_database", database="Clients", **arguments)
    assert not any(request.writes for request in notion.vendor.requests)
