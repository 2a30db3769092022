"""Templates: listed, read, created, changed, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.whatsapp.tests.fake import DELIVERY, FakeWhatsApp
from flotilla_testing import Tool

NEW = {"name": "rappel_rendez_vous", "language": "fr", "category": "UTILITY"}


async def test_list_templates_to_the_end(fake: FakeWhatsApp, tool: Tool) -> None:
    first = await tool("list_templates", limit=3)
    last = await tool("list_templates", limit=3, cursor=first["next_cursor"])
    assert "next_cursor" not in last
    rows = [*first["items"], *last["items"]]
    assert [row["name"] for row in rows] == ["livraison_prevue", "rappel_simple", "promo_ete", "photo_produit"]
    assert rows[0]["placeholders"] == ["1", "2", "button 1"]
    assert rows[2]["rejected_reason"] == "its text does not fit its category (INCORRECT_CATEGORY)"
    assert "EAAJ" not in first["next_cursor"]  # the vendor's own address of the next page holds the token


async def test_list_templates_filters(fake: FakeWhatsApp, tool: Tool) -> None:
    async def names(**filters: str) -> list[str]:
        return [row["name"] for row in (await tool("list_templates", **filters))["items"]]

    assert await names(status="REJECTED") == ["promo_ete"]
    assert await names(query="colis") == ["livraison_prevue"]
    assert await names(language="en_US") == []


async def test_list_templates_odd_ones(fake: FakeWhatsApp, tool: Tool) -> None:
    """Broken components, other kinds of values and missing ones fail no list."""
    broken = {"status": None, "quality_score": "x", "components": ["x", {"type": "BUTTONS", "buttons": None}]}
    fake.odd = [{"id": "1"}, "x", {**fake.named("rappel_simple"), **broken, "name": "abime"}]
    listed = await tool("list_templates")
    assert [row["name"] for row in listed["items"]][4:] == ["abime"]


async def test_get_template(fake: FakeWhatsApp, tool: Tool) -> None:
    got = await tool("get_template", template="livraison_prevue")
    assert got == {
        "name": "livraison_prevue",
        "language": "fr",
        "status": "APPROVED",
        "category": "UTILITY",
        "text": "Bonjour {{1}}, votre colis arrive le {{2}}. À bientôt !",
        "placeholders": ["1", "2", "button 1"],
        "id": DELIVERY,
        "header": "Livraison",
        "footer": "Atelier Lefèvre",
        "buttons": ["Suivre (url)"],
        "values": [
            {"placeholder": "1", "content": "a text in one line", "example": "Zoé"},
            {"placeholder": "2", "content": "a text in one line", "example": "3 juin"},
            {
                "placeholder": "button 1",
                "content": "a text in one line",
                "example": "https://atelier.example/suivi/{{1}}A1042",
            },
        ],
        "quality": "GREEN",
    }


async def test_get_template_refused_one_says_why(fake: FakeWhatsApp, tool: Tool) -> None:
    got = await tool("get_template", template="promo ete")
    assert got["cannot_be_sent"].startswith("its status is rejected: its text does not fit its category")


async def test_create_template(fake: FakeWhatsApp, tool: Tool) -> None:
    saved = await tool(
        "create_template",
        **NEW,
        text="Bonjour {{1}}, votre rendez-vous est le {{2}}. À bientôt !",
        examples=["Zoé", "3 juin"],
        header="Rappel",
        footer="Atelier",
        buttons=[
            {"label": "Je viens"},
            {"label": "Appeler", "kind": "phone", "target": "01 42 68 53 00"},
            {"label": "Voir", "kind": "url", "target": "https://a.example/{{1}}", "example": "https://a.example/7"},
        ],
    )
    assert (saved["status"], saved["name"]) == ("PENDING", "rappel_rendez_vous")
    assert fake.named("rappel_rendez_vous")["components"] == [
        {"type": "HEADER", "format": "TEXT", "text": "Rappel"},
        {
            "type": "BODY",
            "text": "Bonjour {{1}}, votre rendez-vous est le {{2}}. À bientôt !",
            "example": {"body_text": [["Zoé", "3 juin"]]},
        },
        {"type": "FOOTER", "text": "Atelier"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Je viens"},
                {"type": "PHONE_NUMBER", "text": "Appeler", "phone_number": "+33142685300"},
                {"type": "URL", "text": "Voir", "url": "https://a.example/{{1}}", "example": ["https://a.example/7"]},
            ],
        },
    ]


async def test_create_template_named_placeholders(fake: FakeWhatsApp, tool: Tool) -> None:
    await tool("create_template", **NEW, text="Bonjour {{first_name}}, à demain !", examples=["Zoé"])
    one = fake.named("rappel_rendez_vous")
    assert one["parameter_format"] == "NAMED"
    assert one["components"][0]["example"] == {
        "body_text_named_params": [{"param_name": "first_name", "example": "Zoé"}]
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": "{{1}}, bonjour", "examples": ["Zoé"]}, "begins or ends with a placeholder"),
        ({"text": "Bonjour {{1}} !"}, "has 1 placeholders and there are 0 examples"),
        ({"text": "Bonjour {{2}} !", "examples": ["Zoé"]}, "not numbered from 1 without a gap"),
        ({"text": "Bonjour {{1}} et {{nom}} !", "examples": ["a", "b"]}, "not numbered from 1"),
        ({"text": "Bonjour {{Prénom}} !", "examples": ["Zoé"]}, "other characters than a-z"),
        ({"text": "Bonjour !", "header": "{{1}}"}, "Header and footer take no placeholder"),
        ({"text": "Bonjour !", "footer": "x" * 61}, "has 61 characters, and WhatsApp takes 60"),
        ({"text": "Bonjour !", "buttons": [{"label": "Voir", "kind": "url"}]}, "has no link"),
        ({"text": "Bonjour !", "buttons": [{"label": "Appeler", "kind": "phone"}]}, "is not a phone number"),
    ],
)
async def test_create_template_that_meta_would_refuse(
    fake: FakeWhatsApp, problem: Tool, arguments: dict[str, Any], message: str
) -> None:
    assert message in await problem("create_template", **NEW, **arguments)
    assert fake.writes == []


async def test_create_template_that_exists(fake: FakeWhatsApp, problem: Tool) -> None:
    error = await problem("create_template", name="promo_ete", language="fr", category="MARKETING", text="Soldes !")
    assert "«promo_ete» (fr) exists already, with the status rejected." in error
    assert fake.writes == []


async def test_update_template_refused_one(fake: FakeWhatsApp, tool: Tool, asked: list[str]) -> None:
    one = fake.named("livraison_prevue")
    one |= {"status": "REJECTED", "rejected_reason": "INVALID_FORMAT"}
    saved = await tool("update_template", template="livraison_prevue", text="Colis {{1}} prêt.", examples=["A1042"])
    assert saved["status"] == "PENDING"
    assert [part["type"] for part in one["components"]] == ["HEADER", "BODY", "FOOTER", "BUTTONS"]
    assert one["components"][1]["text"] == "Colis {{1}} prêt."
    assert asked == [
        "Replace the text of the template «livraison_prevue» (fr, rejected)? Old: «Bonjour {{1}}, votre colis arrive "
        "le {{2}}. À bientôt !» New: «Colis {{1}} prêt.»"
    ]


async def test_update_template_in_review(fake: FakeWhatsApp, problem: Tool) -> None:
    fake.named("rappel_simple")["status"] = "PENDING"
    assert "has the status pending" in await problem("update_template", template="rappel_simple", text="Bonjour.")


async def test_update_template_with_a_picture(fake: FakeWhatsApp, problem: Tool) -> None:
    error = await problem("update_template", template="photo_produit", text="Voici votre lampe.")
    assert "The header of «photo_produit» takes a file" in error
    assert fake.writes == []


async def test_update_template_other_kind_of_placeholders(fake: FakeWhatsApp, problem: Tool) -> None:
    arguments = {"template": "livraison_prevue", "text": "Bonjour {{nom}} !", "examples": ["Zoé"]}
    assert "not of the template's kind" in await problem("update_template", **arguments)


async def test_delete_template(fake: FakeWhatsApp, tool: Tool, asked: list[str]) -> None:
    english = {**fake.named("rappel_simple"), "id": "920070352646150", "language": "en_US"}
    fake.templates.append(english)
    await tool("delete_template", template="rappel_simple", language="en_US")
    assert english not in fake.templates
    fake.templates.append(english)
    await tool("delete_template", template="rappel_simple")
    assert [one["name"] for one in fake.templates] == ["livraison_prevue", "promo_ete", "photo_produit"]
    assert asked[0].startswith("Delete the template «rappel_simple» in en_US for good? «Bonjour,")
    assert "in fr, en_US for good?" in asked[1]
