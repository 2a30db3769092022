"""A support morning in Crisp: what waits is listed, one is answered, another noted and assigned, one resolved."""

from __future__ import annotations

import pytest

from flotilla_servers.crisp.tests.conftest import Tool
from flotilla_servers.crisp.tests.fake import CHLOE, OTHER, SESSION, ZOE, FakeCrisp


async def test_support_morning(fake: FakeCrisp, tool: Tool) -> None:
    (row,) = (await tool("list_conversations"))["items"]
    assert (row["conversation"], row["name"], row["assigned"], row["unread"]) == (
        SESSION, "Zoé Lefèvre", "Marc Petit", "1",
    )  # fmt: skip
    assert row["waiting_since"] == "2030-05-26T10:00:00+02:00"
    detail = await tool("get_conversation", conversation_id=SESSION)
    assert [one["text"] for one in detail["messages"]] == ["Où est mon colis ?", "Colis perdu ?", "photo.jpg"]
    assert detail["messages"][2]["file"] == "https://storage.crisp.chat/photo.jpg"
    await tool("send_message", conversation_id=SESSION, text="Il part demain.")
    await tool("add_note", conversation_id=SESSION, text="À rembourser ?", mention="chloé")
    message, note = fake.messages[SESSION][-2:]
    assert (message["type"], message["from"], message["content"]) == ("text", "operator", "Il part demain.")
    assert (note["type"], note["mentions"]) == ("note", [CHLOE])
    await tool("assign_conversation", conversation_id=SESSION, operator="chloe@boutique.example")
    assert fake.sessions[SESSION]["assigned"] == {"user_id": CHLOE}
    await tool("set_conversation_state", conversation_id=SESSION, state="resolved")
    assert (await tool("list_conversations"))["items"] == []
    assert len((await tool("list_conversations", state="resolved", assigned="Chloé Durand"))["items"]) == 1


async def test_get_conversation_older_messages(tool: Tool) -> None:
    newest = await tool("get_conversation", conversation_id=SESSION, limit=1)
    before = newest["note"].rpartition("=")[2].rstrip(".")
    older = await tool("get_conversation", conversation_id=SESSION, before=before)
    assert [one["type"] for one in older["messages"]] == ["text", "note"]


async def test_list_conversations_by_words_and_segment(fake: FakeCrisp, tool: Tool, problem: Tool) -> None:
    assert len((await tool("list_conversations", query="colis", unread=True, since="2030-05-01"))["items"]) == 1
    assert (await tool("list_conversations", segment="vip"))["items"] == []
    assert (await tool("list_conversations", assigned="nobody"))["items"] == []
    assert "by words or by segment" in await problem("list_conversations", query="colis", segment="vip")
    assert "There is no operator `Paul`" in await problem("list_conversations", assigned="Paul")


async def test_list_conversations_pages_end(fake: FakeCrisp, tool: Tool, problem: Tool) -> None:
    for number in range(3):
        fake.sessions[f"session_{number}"] = {**fake.sessions[SESSION], "session_id": f"session_{number}"}
    cursor, keys = None, []
    while True:
        page = await tool("list_conversations", limit=3, **({"cursor": cursor} if cursor else {}))
        keys += [row["conversation"] for row in page["items"]]
        if not (cursor := page.get("next_cursor")):
            break
    assert keys == [SESSION, "session_0", "session_1", "session_2"]
    assert "cursor is not valid" in await problem("list_conversations", cursor="two")


async def test_create_conversation_asks_with_text_and_address(fake: FakeCrisp, tool: Tool, asked: list[str]) -> None:
    made = await tool(
        "create_conversation", email="paul@martin.example", text="Votre commande est prête.", phone="06 00 00 00 01"
    )
    assert asked == ["Send «Votre commande est prête.» to paul@martin.example as a new conversation?"]
    assert made["conversation"] == OTHER
    assert fake.sessions[OTHER]["meta"] == {
        "nickname": "paul", "email": "paul@martin.example", "phone": "+33600000001"
    }  # fmt: skip
    assert fake.messages[OTHER][0]["origin"] == "email"


async def test_update_conversation_keeps_other_data(fake: FakeCrisp, tool: Tool, problem: Tool) -> None:
    await tool("update_conversation", conversation_id=SESSION, subject="Retour", segments=["retour"], details={"n": 2})
    meta = fake.sessions[SESSION]["meta"]
    assert (meta["subject"], meta["segments"], meta["data"]) == ("Retour", ["retour"], {"commande": "1042", "n": 2})
    assert "nothing to change" in await problem("update_conversation", conversation_id=SESSION)
    message = await problem("update_conversation", conversation_id=SESSION, details={"a": [1]})
    assert "is not a text, a number, true or false" in message


async def test_conversation_unassigned_reminded_deleted(fake: FakeCrisp, tool: Tool, asked: list[str]) -> None:
    await tool("assign_conversation", conversation_id=SESSION, operator="personne")
    assert fake.sessions[SESSION]["assigned"] is None
    await tool("schedule_reminder", conversation_id=SESSION, at="2030-06-03T09:00", text="Relancer")
    assert fake.reminders == [{"date": "2030-06-03T07:00:00Z", "note": "Relancer"}]
    await tool("delete_conversation", conversation_id=SESSION)
    assert asked == [
        "Delete the conversation with Zoé Lefèvre, last active 26 May 2030, 10:00 (Europe/Paris) for good?"
    ]
    assert not fake.sessions


@pytest.mark.parametrize("written", ["+33 6 12 34 56 78", "0612345678", "zoe@lefevre.example", "Lefèvre", ZOE])
async def test_get_person_however_written(tool: Tool, written: str) -> None:
    result = await tool("get_person", person=written)
    assert (result["details"]["person"], result["details"]["points"]) == (ZOE, "120")
    assert result["conversations"][0]["conversation"] == SESSION


async def test_get_person_shared_number_and_unknown(fake: FakeCrisp, tool: Tool, problem: Tool) -> None:
    other = ZOE.replace("c3b5", "e5b5")
    fake.people[other] = {**fake.people[ZOE], "people_id": other, "email": "paul@lefevre.example"}
    assert "ask which one" in (await tool("get_person", person="06 12 34 56 78"))["note"]
    assert "More than one person fits" in await problem("update_person", person="06 12 34 56 78", notepad="x")
    assert "crisp_create_person" in await problem("get_person", person="04 72 00 00 00")


async def test_people_created_changed_deleted(fake: FakeCrisp, tool: Tool, problem: Tool, asked: list[str]) -> None:
    message = await problem("create_person", email="z@roy.example", name="Z", phone="+33612345678")
    assert f"has this person already: Zoé Lefèvre ({ZOE})" in message
    assert not fake.writes
    made = await tool("create_person", email="paul@martin.example", name="Paul Martin", phone="0600000001")
    assert fake.people[made["person"]]["person"] == {"nickname": "Paul Martin", "phone": "+33600000001"}
    await tool("update_person", person="zoe@lefevre.example", add_segments=["pro"], remove_segments=["vip"],
               phone="07 00 00 00 01", details={"points": 130})  # fmt: skip
    assert (fake.people[ZOE]["segments"], fake.people[ZOE]["person"]["phone"]) == (["pro"], "+33700000001")
    assert fake.people[ZOE]["person"]["nickname"] == "Zoé Lefèvre"
    assert fake.data[ZOE] == {"points": 130}
    assert [row["name"] for row in (await tool("search_people", segment="pro"))["items"]] == ["Zoé Lefèvre"]
    await tool("delete_person", person=ZOE)
    assert asked == ["Delete the profile of Zoé Lefèvre (zoe@lefevre.example) for good?"]
    assert ZOE not in fake.people


@pytest.mark.parametrize("wrapped", [False, True])
async def test_update_person_details_in_either_form(fake: FakeCrisp, tool: Tool, wrapped: bool) -> None:
    fake.wrapped = wrapped
    await tool("update_person", person=ZOE, details={"ville": "Lyon"})
    assert fake.data[ZOE] == {"points": 120, "ville": "Lyon"}


async def test_events_added_and_listed(fake: FakeCrisp, tool: Tool) -> None:
    await tool("add_person_event", person=ZOE, text="Commande payée", details={"montant": "12 €"})
    (event,) = (await tool("list_person_events", person=ZOE))["items"]
    assert (event["text"], event["data"]) == ("Commande payée", "montant: 12 €")


async def test_help_desk_searched_and_read(tool: Tool, problem: Tool) -> None:
    rows = (await tool("search_articles", query="retours"))["items"]
    assert rows[0] == {"path": "commandes/retours", "title": "Retours"}
    assert rows[1]["state"] == "draft"
    article = await tool("get_article", path="commandes/retours")
    assert (article["title"], article["text"]) == ("Retours", "# Retours\n\nQuatorze jours.")
    assert "There are: fr, en" in await problem("search_articles", locale="de")


async def test_workspace_lists(tool: Tool) -> None:
    assert [row["name"] for row in (await tool("list_operators"))["items"]] == ["Marc Petit", "Chloé Durand"]
    assert (await tool("list_segments", query="VI"))["items"] == [{"segment": "vip", "people": "12"}]
    assert (await tool("list_campaigns"))["items"][0]["state"] == "dispatched"


async def test_wrong_tier_is_said(fake: FakeCrisp, problem: Tool) -> None:
    fake.tier = "plugin"
    message = await problem("list_operators")
    assert "as one of the tier website" in message
    assert "CRISP_TOKEN_TIER should be plugin" in message
