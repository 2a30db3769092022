"""Pages: made, read, lengthened, changed, thrown away, commented on."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.notion.server import server
from flotilla_servers.notion.tests.fake import FakeNotion, title
from flotilla_servers.notion.tests.test_markdown import DOCUMENT, nested
from flotilla_servers.notion.tests.workspace import Workspace
from flotilla_testing import call, text_of


async def test_search(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    matches = (await tool("search", query="clients"))["items"]
    assert [(one["title"], one["kind"], one["id"]) for one in matches] == [("Clients", "database", space.clients)]
    pages = (await tool("search", kind="page", limit=1))["items"]
    assert [one["kind"] for one in pages] == ["page"]
    assert len((await tool("search", limit=100))["items"]) == 5
    assert notion.vendor.requests[-1].json()["sort"]["direction"] == "descending"


async def test_create_page_and_get_page(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    made = await tool("create_page", parent=space.home, title="Compte rendu — été", markdown=DOCUMENT)
    assert made["created"] is True
    assert title(notion.pages[made["id"]]) == "Compte rendu — été"
    read = await tool("get_page", page=made["url"])
    assert read["markdown"] == DOCUMENT
    assert read["properties"] == {"title": "Compte rendu — été"}
    assert "note" not in read
    assert f"[Compte rendu — été]({made['url']})" in (await tool("get_page", page=space.home))["markdown"]
    again = await tool("create_page", parent=space.home, title="compte rendu — ÉTÉ", markdown="x")
    assert (again["id"], again["created"]) == (made["id"], False)
    other = await tool("create_page", parent=space.home, title="Compte rendu — été", allow_duplicate=True)
    assert other["id"] != made["id"]
    assert "fourth level" in (await tool("create_page", parent=space.home, title="Autre", markdown="##### x"))["note"]


@pytest.mark.slow
async def test_create_page_long_and_deep_written_whole(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    table = "| a |\n|---|\n" + "".join(f"| {n} |\n" for n in range(230))
    markdown = "\n\n".join([*(f"ligne {n}" for n in range(150)), nested(8), table, "fin"])
    made = await tool("create_page", parent=space.home, title="Long", markdown=markdown)
    tree = notion.tree(made["id"])
    assert [terms for kind, terms, _ in tree[:150]] == [f"ligne {n}" for n in range(150)]
    item, level = tree[150], 0
    while item[2]:
        assert item[1] == f"niveau {level}"
        item, level = item[2][0], level + 1
    assert level == 7
    assert (tree[151][0], len(tree[151][2]), tree[152][1]) == ("table", 231, "fin")
    writes = [request for request in notion.vendor.requests if request.writes]
    assert len(writes) == 9  # the page, a chunk, five levels, two parts of the table
    first = await tool("get_page", page=made["id"])
    second = await tool("get_page", page=made["id"], cursor=first["next_cursor"])
    assert (first["markdown"] + "\n\n" + second["markdown"]).startswith("ligne 0\n\nligne 1\n\n")
    assert second["markdown"].endswith("fin")
    assert "              - niveau 7" in second["markdown"]
    assert second["markdown"].count("\n| ") == 231


async def test_append_block(tool: Any, problem: Any, notion: FakeNotion, space: Workspace) -> None:
    made = await tool("append_block", page=space.dupont, markdown="## Appel\n- [ ] Envoyer le devis\n\n<sub>x</sub>")
    assert made == {"id": space.dupont, "note": "Not kept as it was: HTML tags stand as text."}
    assert notion.tree(space.dupont) == [
        ["heading_2", "Appel", []],
        ["to_do", "Envoyer le devis", []],
        ["paragraph", "<sub>x</sub>", []],
    ]
    block = notion.below[space.dupont][1]
    await tool(
        "append_block",
        page=f"https://www.notion.so/x-{space.dupont}#{block.replace('-', '')}",
        markdown="avant midi",
    )
    assert notion.tree(space.dupont)[1] == ["to_do", "Envoyer le devis", [["paragraph", "avant midi", []]]]
    assert "holds nothing" in await problem("append_block", page=space.dupont, markdown=" \n<!-- x -->")
    assert "is not the id or address" in await problem("append_block", page="Accueil", markdown="x")
    assert "more than 3000" in await problem("append_block", page=space.dupont, markdown="x\n\n" * 3001)


async def test_update_page(tool: Any, problem: Any, notion: FakeNotion, space: Workspace) -> None:
    await tool("update_page", page=space.dupont, properties={"statut": "Client", "Budget": None, "Actif": True})
    saved = notion.pages[space.dupont]["properties"]
    assert (saved["Statut"]["select"]["name"], saved["Budget"]["number"], saved["Actif"]["checkbox"]) == (
        "Client",
        None,
        True,
    )
    await tool("update_page", page=space.home, properties={"titre": "Accueil"})
    assert title(notion.pages[space.home]) == "Accueil"
    before = len([r for r in notion.vendor.requests if r.writes])
    assert "Lead chaud, Client, Perdu" in await problem(
        "update_page", page=space.dupont, properties={"Statut": "Gagné"}
    )
    assert "There are: title (title)" in await problem("update_page", page=space.home, properties={"Statut": "Client"})
    assert "no property to change" in await problem("update_page", page=space.home, properties={})
    assert len([r for r in notion.vendor.requests if r.writes]) == before


async def test_archive_page(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    asked = await call(server, "notion_archive_page", page=space.dupont)
    preview = asked.structured_content["preview"]  # a client that cannot be asked
    assert preview["question"] == "Move the Notion page «Jean Dupont» to the trash?"
    assert not notion.pages[space.dupont]["in_trash"]
    rehearsed = await call(server, "notion_archive_page", page=space.dupont, dry_run=True)
    assert rehearsed.structured_content["dry_run"]["body"] == {"in_trash": True}
    done = await call(server, "notion_archive_page", page=space.dupont, confirm_token=preview["confirm_token"])
    assert done.structured_content["id"] == space.dupont
    assert notion.pages[space.dupont]["in_trash"]
    assert "trash" in (await tool("get_page", page=space.dupont))["note"]


async def test_add_comment_and_list_users(tool: Any, problem: Any, notion: FakeNotion, space: Workspace) -> None:
    made = await tool(
        "add_comment", page=space.dupont, text="Devis **validé** : https://exemple.fr/d.pdf " + "é" * 3000
    )
    assert notion.comments[0]["id"] == made["id"]
    assert notion.comments[0]["rich_text"][1]["annotations"]["bold"]
    assert "empty" in await problem("add_comment", page=space.dupont, text="  ")
    assert (await tool("list_users"))["items"][0] == {
        "id": space.marie, "name": "Marie Lefèvre", "type": "person", "email": "marie@exemple.fr",
    }  # fmt: skip


async def test_invisible_characters_removed(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    hidden = "Bonjour\u202e\u200b\U000e0041 à tous"
    page = notion.page(hidden, space.home)
    await tool("append_block", page=page, markdown=hidden)
    notion.row(space.clients, {"Nom": hidden})
    read = await tool("get_page", page=page)
    rows = await tool("query_database", database="Clients")
    matches = await tool("search", query="Bonjour")
    message = [
        read["markdown"],
        read["properties"]["title"],
        rows["items"][-1]["properties"]["Nom"],
        matches["items"][0]["title"],
    ]
    assert message == ["Bonjour à tous"] * 4


async def test_version_header_pinned(tool: Any, notion: FakeNotion) -> None:
    await tool("list_users")
    assert {request.headers["notion-version"] for request in notion.vendor.requests} == {"2026-03-11"}


async def test_get_page_not_shared(space: Workspace) -> None:
    result = await call(server, "notion_get_page", page="00000000-2cf9-4fdf-8782-e53db20768a5")
    assert "Connections" in text_of(result)
