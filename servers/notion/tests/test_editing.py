"""Pages edited in place: text replaced, to-dos ticked, blocks added under a heading, comments, pages moved."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.notion.server import server
from flotilla_servers.notion.tests.fake import FakeNotion, rich_text, text
from flotilla_servers.notion.tests.workspace import Workspace
from flotilla_testing import call
from flotilla_testing.dry_runs import problems

PAGE = """# Décisions

Le prix est de **4 500 €** pour [le site](https://exemple.fr), dit Marie.

- [ ] Envoyer le devis
- [ ] Envoyer le contrat
  - [x] Relire

| Poste | Prix |
|---|---|
| Site | 4 500 € |

# Suite

Rien."""


@pytest.fixture
async def page(tool: Any, space: Workspace) -> str:
    made = await tool("create_page", parent=space.home, title="Réunion", markdown=PAGE)
    return str(made["id"])


def blocks(notion: FakeNotion, kind: str) -> list[dict[str, Any]]:
    """Return the blocks of a kind that are there, in the order in which they were made."""
    return [block for block in notion.blocks.values() if block["type"] == kind and not block["in_trash"]]


def writes(notion: FakeNotion) -> int:
    return len([request for request in notion.vendor.requests if request.writes])


async def test_edit_page_ticks_a_to_do(tool: Any, notion: FakeNotion, page: str) -> None:
    done = await tool("edit_page", page=page, find="Envoyer le devis", checked=True)
    assert done["id"] == page
    ticked = {
        block["to_do"]["rich_text"][0]["plain_text"]: block["to_do"]["checked"] for block in blocks(notion, "to_do")
    }
    assert ticked == {"Envoyer le devis": True, "Envoyer le contrat": False, "Relire": True}
    await tool("edit_page", page=page, find="- [x] Relire", checked=False)
    assert "  - [ ] Relire" in (await tool("get_page", page=page))["markdown"]


async def test_edit_page_replaces_within_styled_text(tool: Any, notion: FakeNotion, page: str) -> None:
    await tool("edit_page", page=page, find="prix est de **4 500 €**", replace="prix était de **4 800 €**")
    await tool("edit_page", page=page, find="le site", replace="la boutique")
    assert (
        "Le prix était de **4 800 €** pour [la boutique](https://exemple.fr), dit Marie."
        in (await tool("get_page", page=page))["markdown"]
    )


async def test_edit_page_new_words_take_the_style_of_the_old(tool: Any, notion: FakeNotion, page: str) -> None:
    place = blocks(notion, "paragraph")[0]
    place["paragraph"]["rich_text"] = rich_text([
        {"type": "text", "text": {"content": "Budget : "}, "annotations": {"color": "red"}},
        {"type": "text", "text": {"content": "4\u202f900\u00a0€ net"}, "annotations": {"bold": True, "color": "blue"}},
        {"type": "mention", "mention": {"type": "user", "user": {"id": notion.people[0]["id"]}}},
        {"type": "equation", "equation": {"expression": "x^2"}},
    ])  # fmt: skip
    await tool("edit_page", page=page, find="4 900 €", replace="5 000 €")
    parts = place["paragraph"]["rich_text"]
    assert [part["plain_text"] for part in parts] == ["Budget : ", "5 000 €", " net", "@Marie", "x^2"]
    assert [part["annotations"]["color"] for part in parts] == ["red", "blue", "blue", "default", "default"]
    assert [part["annotations"]["bold"] for part in parts[:3]] == [False, True, True]
    assert parts[3]["mention"]["user"]["id"] == notion.people[0]["id"]


async def test_edit_page_part_of_a_mention_refused(problem: Any, tool: Any, notion: FakeNotion, page: str) -> None:
    place = blocks(notion, "paragraph")[0]
    mention = {"type": "mention", "mention": {"type": "user", "user": {"id": notion.people[0]["id"]}}}
    place["paragraph"]["rich_text"] = rich_text([*text("Pour "), mention])
    before = writes(notion)
    assert "part of a mention" in await problem("edit_page", page=page, find="@Mar", replace="Zoé")
    assert writes(notion) == before
    await tool("edit_page", page=page, find="Pour @Marie", replace="Pour Zoé")
    assert [part["plain_text"] for part in place["paragraph"]["rich_text"]] == ["Pour Zoé"]


async def test_edit_page_cell_of_a_table(tool: Any, page: str) -> None:
    done = await tool("edit_page", page=page, find="Prix", replace="Montant")
    assert "note" not in done
    assert "| Poste | Montant |" in (await tool("get_page", page=page))["markdown"]


async def test_edit_page_several_places_refused_or_all_changed(
    tool: Any, problem: Any, notion: FakeNotion, page: str
) -> None:
    before = writes(notion)
    message = await problem("edit_page", page=page, find="Envoyer", replace="Signer")
    assert "`Envoyer` stands at 2 places: `Envoyer le devis`; `Envoyer le contrat`" in message
    assert "every=true" in message
    assert writes(notion) == before
    done = await tool("edit_page", page=page, find="Envoyer", replace="Signer", every=True)
    assert done["note"] == "2 blocks were changed."
    markdown = (await tool("get_page", page=page))["markdown"]
    assert "- [ ] Signer le devis\n- [ ] Signer le contrat" in markdown


async def test_edit_page_whole_text_of_a_cell_is_not_preferred(problem: Any, notion: FakeNotion, page: str) -> None:
    before = writes(notion)
    message = await problem("edit_page", page=page, find="4 500 €", replace="4 800 €")
    assert "stands at 2 places: `Le prix est de 4 500 € pour le site, dit Marie.`; `4 500 €`" in message
    assert writes(notion) == before


async def test_edit_page_emptied_block_removed(tool: Any, notion: FakeNotion, page: str) -> None:
    done = await tool("edit_page", page=page, find="Rien.", replace="")
    assert "removed" in done["note"]
    assert (await tool("get_page", page=page))["markdown"].endswith("# Suite")
    emptied = await tool("edit_page", page=page, find="Envoyer le contrat", replace="")  # Relire stands below it
    assert "note" not in emptied
    assert "  - [x] Relire" in (await tool("get_page", page=page))["markdown"]


async def test_edit_page_refusals(problem: Any, notion: FakeNotion, page: str) -> None:
    before = writes(notion)
    assert "has no text `Absent`" in await problem("edit_page", page=page, find="Absent", replace="x")
    assert "has no text `3 500 €`" in await problem("edit_page", page=page, find="3 500 €", replace="x")
    assert "nothing to change" in await problem("edit_page", page=page, find="Rien.")
    assert "not the text of a to-do" in await problem("edit_page", page=page, find="Rien.", checked=True)
    assert "is empty" in await problem("edit_page", page=page, find="  ", replace="x")
    assert writes(notion) == before


async def test_edit_page_too_many_blocks_refused(tool: Any, problem: Any, notion: FakeNotion, page: str) -> None:
    await tool("append_block", page=page, markdown="\n".join(f"- point {n}" for n in range(61)))
    before = writes(notion)
    assert "in 61 blocks" in await problem("edit_page", page=page, find="point", replace="item", every=True)
    assert writes(notion) == before


async def test_edit_page_not_read_whole_refused(tool: Any, problem: Any, notion: FakeNotion, page: str) -> None:
    """A text that stands once in what was read could stand in the rest too."""
    await tool("append_block", page=page, markdown="\n".join(f"- {n}\n  - {n} bis" for n in range(80)))
    before = writes(notion)
    assert "too long to be searched" in await problem("edit_page", page=page, find="Rien.", replace="x")
    assert writes(notion) == before


async def test_edit_page_interrupted_reports_how_many(problem: Any, notion: FakeNotion, page: str) -> None:
    notion.call_error(400, after=1, method="PATCH")
    message = await problem("edit_page", page=page, find="Envoyer", replace="Signer", every=True)
    assert "1 of 2 blocks are changed" in message


async def test_edit_page_dry_run_shows_every_request(notion: FakeNotion, page: str) -> None:
    arguments = {"page": page, "find": "Envoyer", "replace": "Signer", "every": True}
    before = writes(notion)
    result = await call(server, "notion_edit_page", **arguments, dry_run=True)
    assert writes(notion) == before
    begun = len(notion.vendor.requests)
    await call(server, "notion_edit_page", **arguments)
    sent = notion.vendor.requests[begun:]
    assert problems((result.structured_content or {})["dry_run"], {}, sent, server) == []


async def test_append_block_under_a_heading(tool: Any, notion: FakeNotion, page: str) -> None:
    await tool("append_block", page=page, after="# Décisions", markdown="- Refonte\n- Été")
    kinds = [(kind, terms) for kind, terms, _ in notion.tree(page)][:4]
    assert kinds[:3] == [("heading_1", "Décisions"), ("bulleted_list_item", "Refonte"), ("bulleted_list_item", "Été")]
    await tool("append_block", page=page, after="Relire", markdown="- [ ] Signer")
    assert "  - [x] Relire\n  - [ ] Signer" in (await tool("get_page", page=page))["markdown"]


async def test_append_block_long_text_stays_in_order(tool: Any, notion: FakeNotion, page: str) -> None:
    await tool("append_block", page=page, after="Décisions", markdown="\n\n".join(f"ligne {n}" for n in range(230)))
    terms = [terms for _, terms, _ in notion.tree(page)]
    assert terms[:231] == ["Décisions", *(f"ligne {n}" for n in range(230))]
    assert terms[-1] == "Rien."


async def test_append_block_under_a_heading_that_folds(tool: Any, notion: FakeNotion, page: str) -> None:
    heading = blocks(notion, "heading_1")[1]
    heading["heading_1"]["is_toggleable"] = True
    await tool("append_block", page=page, after="Suite", markdown="Dedans")
    assert [item for item in notion.tree(page) if item[1] == "Suite"] == [
        ["heading_1", "Suite", [["paragraph", "Dedans", []]]]
    ]


async def test_append_block_unclear_place_refused(problem: Any, notion: FakeNotion, page: str) -> None:
    before = writes(notion)
    assert "stands at 2 places" in await problem("append_block", page=page, after="Envoyer", markdown="x")
    assert "has no text" in await problem("append_block", page=page, after="Conclusion", markdown="x")
    assert "stands in a table" in await problem("append_block", page=page, after="Poste", markdown="x")
    assert writes(notion) == before


async def test_comments_listed_and_answered(tool: Any, problem: Any, notion: FakeNotion, space: Workspace) -> None:
    first = await tool("add_comment", page=space.dupont, text="Devis **validé** ?")
    answer = await tool("add_comment", page=space.dupont, text="Oui", discussion=first["discussion_id"])
    assert answer["discussion_id"] == first["discussion_id"]
    await tool("add_comment", page=space.home, text="Ailleurs")
    listed = await tool("list_comments", page=space.dupont, limit=1)
    assert [(one["author"], one["text"]) for one in listed["items"]] == [("Flotilla", "Devis **validé** ?")]
    rest = await tool("list_comments", page=space.dupont, cursor=listed["next_cursor"])
    assert [one["text"] for one in rest["items"]] == ["Oui"]
    unknown = "00000000-2cf9-4fdf-8782-e53db20768a5"
    assert "does not have this" in await problem("add_comment", page=space.dupont, text="x", discussion=unknown)


async def test_move_page_into_a_page_and_a_database(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    archive = notion.page("Archives")
    moved = notion.page("Vieux projet", space.home)
    await tool("move_page", page=moved, parent=archive)
    assert [terms for _, terms, _ in notion.tree(archive)] == ["Vieux projet"]
    assert notion.tree(space.home) == []
    done = await tool("move_page", page=moved, database="Clients")
    assert done["url"].endswith(moved.replace("-", ""))
    assert "Vieux projet" in notion.titles(space.clients)


async def test_move_page_unclear_place_refused(problem: Any, notion: FakeNotion, space: Workspace) -> None:
    for place in ({}, {"parent": space.home, "database": "Clients"}):
        assert "either parent or database" in await problem("move_page", page=space.dupont, **place)
    assert "into itself" in await problem("move_page", page=space.home, parent=space.home)
    assert writes(notion) == 0
