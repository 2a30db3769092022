"""What each message looks like at WhatsApp, and what happens when it does not get there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.whatsapp.tests.fake import JEAN, PHONE, ZOE, FakeWhatsApp, Refusal
from flotilla_testing import Tool, faults

NUMBER = "06 12 34 56 78"
VALUES = {"1": "Jean", "2": "mardi 3 juin", "button 1": "A1042"}


@pytest.fixture
def jean(fake: FakeWhatsApp) -> str:
    """Jean has written: the id of his message."""
    return fake.wrote(JEAN)


# -- text, and the window ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [NUMBER, "+33 6 12 34 56 78", "0033612345678", "+33612345678"])
async def test_send_text_number_as_people_write_it(fake: FakeWhatsApp, tool: Tool, jean: str, number: str) -> None:
    result = await tool("send_text", to=number, text="Bonjour, c'est réparé : 120,00 €.")
    assert (result["to"], result["status"]) == ("+33612345678", "accepted")
    assert "not yet delivered" in result["note"]
    (sent,) = fake.sent
    assert result["message_id"] == sent["id"]
    assert (sent["to"], sent["text"]["body"]) == ("+33612345678", "Bonjour, c'est réparé : 120,00 €.")
    assert "context" not in sent


async def test_send_text_quotes_a_message(fake: FakeWhatsApp, tool: Tool, jean: str) -> None:
    await tool("send_text", to=NUMBER, text="https://atelier.example", preview_link=True, reply_to=jean)
    assert fake.sent[0]["context"] == {"message_id": jean}
    assert fake.sent[0]["text"]["preview_url"] is True


async def test_send_text_not_a_number(fake: FakeWhatsApp, problem: Tool) -> None:
    assert "not a phone number" in await problem("send_text", to="06 12", text="Bonjour")
    assert fake.writes == []


async def test_send_text_window_closed_names_the_templates_that_fit(fake: FakeWhatsApp, problem: Tool) -> None:
    """The one that says what was to be told comes first; a refused one is not offered."""
    error = await problem("send_text", to=NUMBER, text="Votre colis arrive le 3 juin")
    assert error.startswith(
        "Error: The customer has not written within the last 24 hours, so WhatsApp takes only a template; nothing was "
        "sent. Send one with whatsapp_send_template: livraison_prevue (fr, utility) «Bonjour {{1}}, votre colis"
    )
    assert "» with values for 1, 2, button 1; rappel_simple (fr, utility)" in error
    assert "promo_ete" not in error
    assert fake.sent == []


async def test_send_text_window_closed_no_template(fake: FakeWhatsApp, problem: Tool) -> None:
    fake.templates = [fake.named("promo_ete")]
    assert "There is no approved template" in await problem("send_text", to=NUMBER, text="Bonjour")


async def test_send_text_window_closed_templates_unreadable(fake: FakeWhatsApp, problem: Tool) -> None:
    """The reason stays what it is when the templates cannot be listed."""
    fake.vendor.fails(faults.status(500), after=1)
    error = await problem("send_text", to=NUMBER, text="Bonjour")
    assert "has not written within the last 24 hours" in error
    assert "whatsapp_send_template" in error


async def test_send_text_accepted_although_the_window_is_closed(fake: FakeWhatsApp, tool: Tool) -> None:
    """Meta may say so only to the webhook: the result does not claim that it arrived."""
    fake.silent = True
    result = await tool("send_text", to=NUMBER, text="Bonjour")
    assert "may not get it although no error comes: then use whatsapp_send_template" in result["note"]
    assert fake.sent == []


@pytest.mark.parametrize("tool_name", ["send_text", "send_location", "send_buttons"])
async def test_send_cut_connection_says_where_to_look(
    fake: FakeWhatsApp, problem: Tool, jean: str, tool_name: str
) -> None:
    content: dict[str, dict[str, Any]] = {
        "send_text": {"text": "Bonjour"},
        "send_location": {"latitude": 45.7, "longitude": 4.8},
        "send_buttons": {"text": "Quand ?", "buttons": ["Mardi"]},
    }
    fake.vendor.fails(faults.cut())
    error = await problem(tool_name, to=NUMBER, **content[tool_name])
    assert "may or may not have been done" in error
    assert error.endswith("No tool shows sent messages: ask the user to look into the chat before it is sent again.")
    assert len(fake.vendor.requests) == 1


async def test_send_text_once_per_key(fake: FakeWhatsApp, tool: Tool, jean: str) -> None:
    first = await tool("send_text", to=NUMBER, text="Bonjour", idempotency_key="k")
    assert await tool("send_text", to=NUMBER, text="Bonjour", idempotency_key="k") == first
    assert len(fake.sent) == 1


# -- templates --------------------------------------------------------------------------------------------------------


async def test_send_template_asks_with_the_finished_text(fake: FakeWhatsApp, tool: Tool, asked: list[str]) -> None:
    result = await tool("send_template", to=NUMBER, template="livraison_prevue", values=VALUES)
    assert asked == [
        "Send to +33 6 12 34 56 78 the template «livraison_prevue» (fr, utility; WhatsApp may bill it)? "
        "«Bonjour Jean, votre colis arrive le mardi 3 juin. À bientôt !»; button 1: A1042"
    ]
    assert result["text"] == "Bonjour Jean, votre colis arrive le mardi 3 juin. À bientôt !"
    assert fake.sent[0]["template"] == {
        "name": "livraison_prevue",
        "language": {"code": "fr"},
        "components": [
            {
                "type": "body",
                "parameters": [{"type": "text", "text": "Jean"}, {"type": "text", "text": "mardi 3 juin"}],
            },
            {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "A1042"}]},
        ],
    }


async def test_send_template_name_as_people_say_it(fake: FakeWhatsApp, tool: Tool) -> None:
    """Without placeholders there are no components."""
    await tool("send_template", to=NUMBER, template="Rappel simple")
    assert fake.sent[0]["template"] == {"name": "rappel_simple", "language": {"code": "fr"}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "it has no value for 1, 2, button 1."),
        ({"1": "Jean", "2": "mardi"}, "it has no value for button 1."),
        ({**VALUES, "date": "mardi"}, "there is no placeholder date."),
        ({**VALUES, "2": ""}, "The value of 2 is not a text or number."),
        ({**VALUES, "2": ["mardi"]}, "The value of 2 is not a text or number."),
        ({**VALUES, "2": "x" * 1100}, "more than 1024 characters"),
    ],
)
async def test_send_template_values_that_do_not_fit(
    fake: FakeWhatsApp, problem: Tool, asked: list[str], values: dict[str, Any], message: str
) -> None:
    assert message in await problem("send_template", to=NUMBER, template="livraison_prevue", values=values)
    assert asked == []
    assert fake.writes == []


async def test_send_template_values_in_one_line(fake: FakeWhatsApp, tool: Tool) -> None:
    """Line breaks and many spaces, which WhatsApp refuses, become one; numbers and braces in names are fine."""
    values = {"{{1}}": "Jean\n  Dupont", "2": 3, "BUTTON 1": "A1042"}
    result = await tool("send_template", to=NUMBER, template="livraison_prevue", values=values)
    assert result["text"] == "Bonjour Jean Dupont, votre colis arrive le 3. À bientôt !"


async def test_send_template_named_placeholders_and_picture(
    fake: FakeWhatsApp, tool: Tool, asked: list[str], data: Path
) -> None:
    """The picture is uploaded after the yes, and the header carries its id."""
    (data / "lampe.jpg").write_bytes(b"\xff\xd8\xffLAMPE")
    values = {"header": "lampe.jpg", "first_name": "Zoé"}
    await tool("send_template", to="06 87 65 43 21", template="photo_produit", values=values)
    assert asked[0].endswith("«Bonjour Zoé, voici votre lampe.»; header: lampe.jpg")
    header, body = fake.sent[0]["template"]["components"]
    assert fake.media[header["parameters"][0]["image"]["id"]] == ("image/jpeg", b"\xff\xd8\xffLAMPE")
    assert body["parameters"] == [{"type": "text", "text": "Zoé", "parameter_name": "first_name"}]
    assert fake.sent[0]["to"] == f"+{ZOE}"


async def test_send_template_picture_by_link(fake: FakeWhatsApp, tool: Tool) -> None:
    link = "https://atelier.example/lampe.jpg"
    await tool("send_template", to=NUMBER, template="photo_produit", values={"header": link, "first_name": "Zoé"})
    assert fake.sent[0]["template"]["components"][0]["parameters"] == [{"type": "image", "image": {"link": link}}]


async def test_send_template_file_of_another_kind(fake: FakeWhatsApp, problem: Tool, data: Path) -> None:
    (data / "tarifs.txt").write_text("120 €")
    values = {"header": "tarifs.txt", "first_name": "Zoé"}
    error = await problem("send_template", to=NUMBER, template="photo_produit", values=values)
    assert "tarifs.txt is text/plain, and the header of «photo_produit» wants a picture" in error
    assert fake.writes == []


async def test_send_template_refused_one(fake: FakeWhatsApp, problem: Tool) -> None:
    error = await problem("send_template", to=NUMBER, template="promo_ete")
    assert (
        "cannot be sent: its status is rejected: its text does not fit its category (INCORRECT_CATEGORY). "
        "Choose another one with whatsapp_list_templates." in error
    )


async def test_send_template_unknown_name(fake: FakeWhatsApp, problem: Tool) -> None:
    error = await problem("send_template", to=NUMBER, template="facture")
    assert "There is no template `facture`. There are: livraison_prevue, rappel_simple" in error


async def test_send_template_language(fake: FakeWhatsApp, tool: Tool, problem: Tool) -> None:
    """Several languages: one must be chosen; fr_FR finds fr, and en finds the only English one."""
    fake.templates.append({**fake.named("rappel_simple"), "id": "920070352646150", "language": "en_US"})
    error = await problem("send_template", to=NUMBER, template="rappel_simple")
    assert "exists in several languages. Pass language, one of: fr, en_US." in error
    assert "no single variant for `de`" in await problem(
        "send_template", to=NUMBER, template="rappel_simple", language="de"
    )
    for language in ("fr_FR", "en", "en-US"):
        await tool("send_template", to=NUMBER, template="rappel_simple", language=language)
    assert [one["template"]["language"]["code"] for one in fake.sent] == ["fr", "en_US", "en_US"]


async def test_send_template_one_time_code(fake: FakeWhatsApp, tool: Tool) -> None:
    """The button takes the code of the body."""
    button = {"type": "URL", "text": "Copier", "url": "https://www.whatsapp.com/otp/code/?code=otp{{1}}"}
    parts = [{"type": "BODY", "text": "*{{1}}* est votre code."}, {"type": "BUTTONS", "buttons": [button]}]
    fake.templates.append(
        {**fake.named("rappel_simple"), "name": "code", "category": "AUTHENTICATION", "components": parts}
    )
    await tool("send_template", to=NUMBER, template="code", values={"1": "123456"})
    body, copied = fake.sent[0]["template"]["components"]
    assert body["parameters"] == copied["parameters"] == [{"type": "text", "text": "123456"}]


async def test_send_template_coupon(fake: FakeWhatsApp, tool: Tool, problem: Tool) -> None:
    button = {"type": "COPY_CODE", "text": "Copier", "example": ["ETE20"]}
    fake.named("rappel_simple")["components"].append({"type": "BUTTONS", "buttons": [button]})
    error = await problem("send_template", to=NUMBER, template="rappel_simple", values={"button 1": "x" * 16})
    assert "A coupon code has at most 15 characters." in error
    await tool("send_template", to=NUMBER, template="rappel_simple", values={"button 1": "ETE20"})
    assert fake.sent[0]["template"]["components"] == [
        {
            "type": "button",
            "sub_type": "copy_code",
            "index": "0",
            "parameters": [{"type": "coupon_code", "coupon_code": "ETE20"}],
        }
    ]


async def test_send_template_held_back(fake: FakeWhatsApp, tool: Tool) -> None:
    """Meta may keep a message until it has judged the template."""
    fake.status = "held_for_quality_assessment"
    result = await tool("send_template", to=NUMBER, template="rappel_simple")
    assert result["status"] == "held_for_quality_assessment"
    assert result["note"].startswith("WhatsApp holds it back")


async def test_send_template_part_that_cannot_be_filled(fake: FakeWhatsApp, problem: Tool) -> None:
    fake.named("rappel_simple")["components"].append({"type": "CAROUSEL", "cards": []})
    error = await problem("send_template", to=NUMBER, template="rappel_simple")
    assert "a part that these tools do not fill (carousel)" in error


# -- files ------------------------------------------------------------------------------------------------------------


async def test_send_media_file_of_the_data_folder(fake: FakeWhatsApp, tool: Tool, jean: str, data: Path) -> None:
    (data / "photos").mkdir()
    (data / "photos" / "lampe.jpg").write_bytes(b"\xff\xd8\xffLAMPE")
    result = await tool("send_media", to=NUMBER, source="photos/lampe.jpg", caption="Votre lampe")
    assert fake.sent[0]["image"] == {"id": result["media_id"], "caption": "Votre lampe"}
    assert fake.media[result["media_id"]] == ("image/jpeg", b"\xff\xd8\xffLAMPE")
    again = await tool("send_media", to=NUMBER, source=result["media_id"])
    assert again["media_id"] == result["media_id"]
    assert len(fake.media) == 1


async def test_send_media_document_keeps_its_name(fake: FakeWhatsApp, tool: Tool, jean: str, data: Path) -> None:
    (data / "Facture été.pdf").write_bytes(b"%PDF-1.7")
    await tool("send_media", to=NUMBER, source="Facture été.pdf")
    assert fake.sent[0]["document"]["filename"] == "Facture été.pdf"


async def test_send_media_link(fake: FakeWhatsApp, tool: Tool, problem: Tool, jean: str) -> None:
    link = "https://atelier.example/notice.pdf?v=2"
    await tool("send_media", to=NUMBER, source=link, filename="Notice.pdf")
    assert fake.sent[0]["document"] == {"link": link, "filename": "Notice.pdf"}
    error = await problem("send_media", to=NUMBER, source="https://atelier.example/f?id=1")
    assert "does not tell what kind of file it is. Pass kind too." in error


@pytest.mark.parametrize(
    ("name", "size", "arguments", "message"),
    [
        ("liste.csv", 5, {}, "text/csv, which WhatsApp does not take as a file"),
        ("lampe.png", 5_000_001, {}, "more than 5000000 bytes"),
        ("lampe.png", 0, {}, "is empty"),
        ("lampe.png", 5, {"kind": "audio"}, "cannot be sent as audio. Send it as image."),
        ("mot.mp3", 5, {"caption": "Écoutez"}, "WhatsApp shows no caption with audio"),
    ],
)
async def test_send_media_file_that_does_not_fit(
    fake: FakeWhatsApp,
    problem: Tool,
    jean: str,
    data: Path,
    name: str,
    size: int,
    arguments: dict[str, str],
    message: str,
) -> None:
    (data / name).write_bytes(b"x" * size)
    assert message in await problem("send_media", to=NUMBER, source=name, **arguments)
    assert fake.writes == []


async def test_send_media_voice_message(fake: FakeWhatsApp, tool: Tool, jean: str, data: Path) -> None:
    (data / "mot.ogg").write_bytes(b"OggS")
    result = await tool("send_media", to=NUMBER, source="mot.ogg")
    assert fake.sent[0]["audio"] == {"id": result["media_id"]}


async def test_send_media_window_closed_keeps_the_upload(fake: FakeWhatsApp, problem: Tool, data: Path) -> None:
    (data / "lampe.jpg").write_bytes(b"\xff\xd8\xffLAMPE")
    error = await problem("send_media", to=NUMBER, source="lampe.jpg", caption="Votre lampe")
    (key,) = fake.media
    assert f"The file is uploaded already, as media {key}." in error
    assert "with whatsapp_send_template: photo_produit (fr, marketing)" in error
    assert fake.sent == []


# -- interactive ------------------------------------------------------------------------------------------------------


async def test_send_buttons(fake: FakeWhatsApp, tool: Tool, jean: str) -> None:
    await tool("send_buttons", to=NUMBER, text="Quand livrer ?", buttons=["Mardi", " Jeudi "], footer="Atelier")
    assert fake.sent[0]["interactive"] == {
        "type": "button",
        "body": {"text": "Quand livrer ?"},
        "footer": {"text": "Atelier"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "Mardi", "title": "Mardi"}},
                {"type": "reply", "reply": {"id": "Jeudi", "title": "Jeudi"}},
            ]
        },
    }


@pytest.mark.parametrize(
    ("buttons", "message"),
    [
        (["Mardi", "mardi"], "differ from the others"),
        (["Mardi", " "], "Each label must be there"),
        (["Mardi matin avant dix heures"], "has 28 characters, and WhatsApp takes 20"),
        (["a", "b", "c", "d"], "`buttons`"),
    ],
)
async def test_send_buttons_labels_that_do_not_fit(
    fake: FakeWhatsApp, problem: Tool, jean: str, buttons: list[str], message: str
) -> None:
    assert message in await problem("send_buttons", to=NUMBER, text="Quand ?", buttons=buttons)
    assert fake.writes == []


async def test_send_list_in_sections(fake: FakeWhatsApp, tool: Tool, problem: Tool, jean: str) -> None:
    rows = [
        {"title": "Mardi 9 h", "section": "Matin", "description": "Par Marc"},
        {"title": "Mardi 14 h", "section": "Après-midi"},
        {"title": "Jeudi 9 h", "section": "Matin"},
    ]
    await tool("send_list", to=NUMBER, text="Quel créneau ?", rows=rows, button="Choisir", header="Livraison")
    action = fake.sent[0]["interactive"]["action"]
    assert action["button"] == "Choisir"
    assert [(one["title"], [row["title"] for row in one["rows"]]) for one in action["sections"]] == [
        ("Matin", ["Mardi 9 h", "Jeudi 9 h"]),
        ("Après-midi", ["Mardi 14 h"]),
    ]
    assert action["sections"][0]["rows"][0]["description"] == "Par Marc"
    rows.append({"title": "Plus tard"})
    error = await problem("send_list", to=NUMBER, text="Quel créneau ?", rows=rows)
    assert "Some rows have a section and others do not." in error


# -- places, cards, reactions -----------------------------------------------------------------------------------------


async def test_send_location(fake: FakeWhatsApp, tool: Tool, jean: str) -> None:
    """An address without a name, which WhatsApp does not show, becomes the name too."""
    await tool("send_location", to=NUMBER, latitude=45.7578, longitude=4.832, address="12 rue de l’Œuvre, Lyon")
    assert fake.sent[0]["location"] == {
        "latitude": 45.7578,
        "longitude": 4.832,
        "name": "12 rue de l’Œuvre, Lyon",
        "address": "12 rue de l’Œuvre, Lyon",
    }


async def test_send_contact(fake: FakeWhatsApp, tool: Tool, jean: str) -> None:
    card = {"name": "Marie Le Roy", "phones": ["04 72 00 00 00"], "email": "Marie <marie@atelier.example>"}
    await tool("send_contact", to=NUMBER, **card, company="Atelier")
    assert fake.sent[0]["contacts"] == [
        {
            "name": {"formatted_name": "Marie Le Roy", "first_name": "Marie", "last_name": "Le Roy"},
            "phones": [{"phone": "+33472000000", "type": "WORK"}],
            "emails": [{"email": "marie@atelier.example", "type": "WORK"}],
            "org": {"company": "Atelier"},
        }
    ]


async def test_send_reaction_and_take_it_back(fake: FakeWhatsApp, tool: Tool, jean: str) -> None:
    await tool("send_reaction", to=NUMBER, message_id=jean, emoji="👍")
    assert fake.reactions == {jean: "👍"}
    await tool("send_reaction", to=NUMBER, message_id=jean)
    assert fake.reactions == {jean: ""}


async def test_mark_message_read(fake: FakeWhatsApp, tool: Tool, jean: str) -> None:
    assert await tool("mark_message_read", message_id=jean) == {"done": True}
    await tool("mark_message_read", message_id=jean, typing=True)
    assert [one.get("typing_indicator") for one in fake.read] == [None, {"type": "text"}]


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "details", "message"),
    [
        (131026, "Message undeliverable", "WhatsApp cannot deliver to this number"),
        (131030, "Recipient not in allowed list", "A test number writes only to the numbers of its list"),
        (131042, "Payment issue", "WhatsApp cannot charge the account"),
        (131049, "", "Meta does not deliver more marketing to this person for now. Do not send it again"),
        (131056, "Pair rate limit", "Too many messages went to this person in a short time"),
        (4, "Application request limit", "WhatsApp takes no more requests of this account for now"),
        (10, "Not allowed", "The access token lacks a permission"),
        (100, "Bad", 'WhatsApp refuses the request (400): "Bad"'),
        (131000, "Something", "WhatsApp failed for a reason of its own"),
    ],
)
async def test_error_codes_become_sentences(
    fake: FakeWhatsApp, problem: Tool, jean: str, code: int, details: str, message: str
) -> None:
    fake.refuse = [Refusal(code, details).answer] * 3
    error = await problem("send_text", to=NUMBER, text="Bonjour")
    assert message in error
    assert f"(#{code})" not in error
    assert fake.sent == []


async def test_error_of_throughput_is_tried_again(fake: FakeWhatsApp, tool: Tool, jean: str) -> None:
    """What was refused for the number of messages a second was not sent, so it is sent a little later."""
    fake.refuse = [Refusal(130429, "Rate limit hit").answer]
    await tool("send_text", to=NUMBER, text="Bonjour")
    assert len(fake.sent) == 1


async def test_send_dry_run_sends_nothing(fake: FakeWhatsApp, tool: Tool, asked: list[str]) -> None:
    shown = await tool("send_template", to=NUMBER, template="livraison_prevue", values=VALUES, dry_run=True)
    assert shown["dry_run"]["url"].endswith(f"/{PHONE}/messages")
    assert shown["dry_run"]["body"]["template"]["name"] == "livraison_prevue"
    assert (asked, fake.writes) == ([], [])


async def test_send_media_dry_run_shows_both_requests(fake: FakeWhatsApp, tool: Tool, data: Path) -> None:
    (data / "lampe.jpg").write_bytes(b"\xff\xd8\xffLAMPE")
    shown = (await tool("send_media", to=NUMBER, source="lampe.jpg", dry_run=True))["dry_run"]
    assert shown["url"].endswith(f"/{PHONE}/media")
    assert [step["body"]["image"] for step in shown["then"]] == [{"id": "{media}"}]
    assert fake.writes == []
