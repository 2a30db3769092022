"""Sending, scheduling, changing and deleting messages; what is asked first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flotilla_servers.slack.server import server
from flotilla_servers.slack.tests.fake import BOT_ID, MARIE, PAUL, PERSON, ROBOT, ZOE, FakeSlack
from flotilla_testing import Response, Tool, call, client, environment, impatient, text_of


async def test_send_message_to_channel_by_name(slack: FakeSlack, tool: Tool, asked: list[str]) -> None:
    done = await tool("send_message", to="#Ventes", text="**Signé** : @Paul voit #support :tada:")
    message = slack.messages[slack.ventes][0]
    assert message["blocks"][0]["elements"][0]["elements"] == [
        {"type": "text", "text": "Signé", "style": {"bold": True}},
        {"type": "text", "text": " : "},
        {"type": "user", "user_id": PAUL},
        {"type": "text", "text": " voit "},
        {"type": "channel", "channel_id": slack.support},
        {"type": "text", "text": " "},
        {"type": "emoji", "name": "tada"},
    ]
    assert done["id"] == f"{slack.ventes}/{message['ts']}"
    assert done["channel"] == "#ventes"
    assert done["link"] == f"https://atelier.slack.com/archives/{slack.ventes}/p{message['ts'].replace('.', '')}"
    assert done["time"].endswith("+01:00")
    assert asked == []


@pytest.mark.parametrize("to", ["équipe commerciale", "Equipe-Commerciale", "#equipe_commerciale"])
async def test_send_message_channel_name_folded(slack: FakeSlack, tool: Tool, to: str) -> None:
    await tool("send_message", to=to, text="Bonjour")
    assert slack.texts(slack.equipe) == ["Bonjour"]


@pytest.mark.parametrize("to", ["Marie Curie", "@marie", "marie@atelier.example", MARIE])
async def test_send_message_to_person(slack: FakeSlack, tool: Tool, asked: list[str], to: str) -> None:
    done = await tool("send_message", to=to, text="À demain")
    assert slack.texts(slack.direct) == ["À demain"]
    assert done["channel"] == "@marie"
    assert asked == []


async def test_send_message_new_person_asked_first(slack: FakeSlack, tool: Tool, asked: list[str]) -> None:
    await tool("send_message", to="Paul", text="Enchantée")
    assert asked == ["Send this message to @paul? There is no conversation with them yet."]
    opened = next(one for one in slack.channels.values() if one["people"] == [ZOE, PAUL])
    assert slack.texts(opened["id"]) == ["Enchantée"]


async def test_send_message_refused_by_person_sends_nothing(slack: FakeSlack) -> None:
    async with client(server, answer="decline") as connected:
        result = await call(connected, "slack_send_message", to="Paul", text="Enchantée")
    assert "did not agree" in text_of(result)
    assert slack.writes == []


async def test_send_message_to_group_asked_once(slack: FakeSlack, tool: Tool, asked: list[str]) -> None:
    for text in ("Réunion à 10 h", "Salle 2"):
        await tool("send_message", to="@marie, Paul", text=text)
    group = next(one for one in slack.channels.values() if one["is_mpim"])
    assert group["people"] == [ZOE, MARIE, PAUL]
    assert slack.texts(group["id"]) == ["Réunion à 10 h", "Salle 2"]
    assert asked == ["Send this message to @marie, @paul? There is no conversation with them yet."]


async def test_send_message_ambiguous_person_lists_candidates(slack: FakeSlack, problem: Tool) -> None:
    slack.users[MARIE]["profile"]["display_name"] = slack.users[MARIE]["name"] = "mcurie"
    assert await problem("send_message", to="@Marie", text="x") == (
        "Error: More than one person is called `Marie`: Marie Curie (marie@atelier.example), Marie Bernard "
        "(bernard@atelier.example). Pass the e-mail address or the id of one."
    )
    assert slack.writes == []


async def test_send_message_unknown_channel_lists_names(slack: FakeSlack, problem: Tool) -> None:
    message = await problem("send_message", to="#vente", text="x")
    assert message.startswith("Error: There is no channel `#vente`. There are: #ventes")
    assert slack.writes == []


@pytest.mark.parametrize("word", ["here", "channel"])
async def test_send_message_notifying_a_channel_is_asked(
    slack: FakeSlack, tool: Tool, asked: list[str], word: str
) -> None:
    await tool("send_message", to="#ventes", text=f"@{word} pause")
    assert asked == [f"Send this message to #ventes (4 members)? It notifies everybody: @{word}."]
    assert {"type": "broadcast", "range": word} in slack.messages[slack.ventes][0]["blocks"][0]["elements"][0][
        "elements"
    ]


async def test_send_message_in_thread_by_link_and_id(slack: FakeSlack, tool: Tool, problem: Tool) -> None:
    ts = slack.write(slack.ventes, MARIE, "Devis ?")
    link = f"https://atelier.slack.com/archives/{slack.ventes}/p{ts.replace('.', '')}"
    answer = await tool("send_message", thread=link, text="Signé")
    assert slack.messages[slack.ventes][-1]["thread_ts"] == ts
    assert answer["thread"] == f"{slack.ventes}/{ts}"
    await tool("send_message", thread=answer["id"], text="Merci")  # an answer's id leads to its thread
    assert slack.messages[slack.ventes][-1]["thread_ts"] == ts
    assert "The thread is not in #support." in await problem("send_message", to="#support", thread=link, text="x")


async def test_send_message_same_key_sent_once(slack: FakeSlack, tool: Tool) -> None:
    first = await tool("send_message", to="#ventes", text="Une fois", idempotency_key="k1")
    assert await tool("send_message", to="#ventes", text="Une fois", idempotency_key="k1") == first
    assert slack.texts("ventes") == ["Une fois"]


async def test_send_message_accident_says_how_to_look(slack: FakeSlack, problem: Tool) -> None:
    slack.fail["chat.postMessage"] = [Response.of({"ok": False, "error": "fatal_error"})]
    assert await problem("send_message", to="#ventes", text="x") == (
        "Error: Slack failed (fatal_error). It may or may not have been done: look before you repeat it. To see "
        "whether it was sent, use slack_read_channel (slack_read_thread for a reply)."
    )
    assert len([one for one in slack.writes if one.path.endswith("chat.postMessage")]) == 1


async def test_send_message_refusal_was_not_sent(slack: FakeSlack, problem: Tool) -> None:
    slack.channels[slack.ventes]["is_archived"] = True
    message = await problem("send_message", to=slack.ventes, text="x")
    assert message == "Error: The channel is archived (is_archived). Choose another one."


async def test_missing_scope_names_it(slack: FakeSlack, problem: Tool) -> None:
    slack.scopes = {"users:read"}
    message = await problem("send_message", to="#ventes", text="x")
    assert message.startswith("Error: The Slack token lacks the scope chat:write. Ask the user to add it at")


async def test_bot_not_in_channel_offers_to_join(bot: FakeSlack, tool: Tool, asked: list[str]) -> None:
    await tool("send_message", to="#support", text="Bonjour")
    assert asked == ["The app is not a member of #support. Join it, and send this message?"]
    assert ROBOT in bot.channels[bot.support]["people"]
    assert [one["bot_id"] for one in bot.messages[bot.support]] == [BOT_ID]


async def test_bot_declined_to_join_posts_nothing(bot: FakeSlack) -> None:
    async with client(server, answer="decline") as connected:
        assert "did not agree" in text_of(await call(connected, "slack_send_message", to="#support", text="x"))
    assert bot.texts("support") == []
    assert ROBOT not in bot.channels[bot.support]["people"]


async def test_schedule_list_and_cancel(slack: FakeSlack, tool: Tool, problem: Tool, asked: list[str]) -> None:
    at = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    done = await tool("schedule_message", to="#ventes", text="*Soldes*", at=at.isoformat())
    assert slack.scheduled[0]["post_at"] == int(at.timestamp())
    listed = await tool("list_scheduled_messages")
    assert [(one["id"], one["channel"], one["text"]) for one in listed["items"]] == [(done["id"], "#ventes", "Soldes")]
    await tool("cancel_scheduled_message", scheduled=done["id"])
    assert asked[-1].startswith("Cancel the message «Soldes» of ")
    assert slack.scheduled == []
    assert "may have been sent" in await problem("cancel_scheduled_message", scheduled=done["id"])


@pytest.mark.parametrize(
    ("at", "reason"),
    [("2020-01-01T10:00", "within the next 120 days"), ("2090-01-01T10:00", "120 days"), ("2090-01-01", "no hour")],
)
async def test_schedule_message_wrong_time_refused(slack: FakeSlack, problem: Tool, at: str, reason: str) -> None:
    assert reason in await problem("schedule_message", to="#ventes", text="x", at=at)
    assert slack.writes == []


async def test_update_and_delete_own_message(slack: FakeSlack, tool: Tool, asked: list[str]) -> None:
    done = await tool("send_message", to="#ventes", text="Sigé")
    await tool("update_message", message=done["id"], text="Signé")
    assert slack.texts("ventes") == ["Signé"]
    await tool("delete_message", message=done["link"])
    assert asked == ["Delete the message «Signé» for everybody?"]
    assert slack.texts("ventes") == []


async def test_update_own_answer_in_a_thread(slack: FakeSlack, tool: Tool) -> None:
    ts = slack.write(slack.ventes, MARIE, "Devis ?")
    slack.write(slack.ventes, PAUL, "Vu", thread_ts=ts)
    done = await tool("send_message", thread=f"{slack.ventes}/{ts}", text="Sigé")
    changed = await tool("update_message", message=done["id"], text="Signé")
    assert slack.texts("ventes") == ["Devis ?", "Vu", "Signé"]
    assert changed["id"] == done["id"]


async def test_message_of_somebody_else_is_left_alone(slack: FakeSlack, problem: Tool) -> None:
    ts = slack.write(slack.ventes, MARIE, "À moi")
    for name, more in (("update_message", {"text": "x"}), ("delete_message", {})):
        message = await problem(name, message=f"{slack.ventes}/{ts}", **more)
        assert message == (
            "Error: The message is somebody else's, and only own ones can be changed or deleted. Ask its author."
        )
    assert slack.writes == []


async def test_reactions(slack: FakeSlack, tool: Tool) -> None:
    ts = slack.write(slack.ventes, MARIE, "Signé")
    for _ in range(2):
        await tool("add_reaction", message=f"{slack.ventes}/{ts}", emoji="👍")
    assert slack.messages[slack.ventes][0]["reactions"] == [{"name": "thumbsup", "count": 1, "users": [ZOE]}]
    for _ in range(2):
        await tool("remove_reaction", message=f"{slack.ventes}/{ts}", emoji=":thumbsup:")
    assert slack.messages[slack.ventes][0]["reactions"] == []


async def test_dry_run_to_new_person_shows_both_requests(slack: FakeSlack, tool: Tool) -> None:
    shown = (await tool("send_message", to="Paul", text="Bonjour", dry_run=True))["dry_run"]
    assert shown["url"].endswith("/conversations.open")
    assert shown["then"][0]["url"].endswith("/chat.postMessage")
    assert slack.writes == []


async def test_bot_posts_and_person_reads_where_both_tokens_are_set(tmp_path: Path) -> None:
    from flotilla_servers.slack.tests.fake import BOT

    with FakeSlack() as both:
        settings = {**both.settings, "SLACK_TOKEN": BOT, "SLACK_USER_TOKEN": PERSON, "FLOTILLA_TIER": "all"}
        with environment(server, **settings, FLOTILLA_STATE=str(tmp_path)), impatient(server):
            async with client(server, answer="accept") as mcp:
                sent = await call(mcp, "slack_send_message", to="#ventes", text="Vu")
                read = await call(mcp, "slack_read_channel", channel="#ventes", unread=True)
                await call(mcp, "slack_delete_message", message=(sent.structured_content or {})["id"])
        assert [one["text"] for one in (read.structured_content or {})["items"]] == ["Vu"]
        assert both.texts("ventes") == []
