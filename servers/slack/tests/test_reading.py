"""Reading channels, threads and what is unread; searching."""

from __future__ import annotations

import pytest

from flotilla_servers.slack.tests.fake import MARIE, PAUL, START, ZOE, FakeSlack
from flotilla_testing import Response, Tool

DAY = 86_400


async def test_unread_of_yesterday_read_and_summary_posted(slack: FakeSlack, tool: Tool) -> None:
    """Two calls of the core tier."""
    slack.write(slack.ventes, MARIE, "Lu déjà")
    slack.read[slack.ventes] = slack.messages[slack.ventes][-1]["ts"]
    slack.clock = START + 2 * DAY
    old = slack.write(slack.ventes, PAUL, "Avant-hier")
    slack.clock = START + 3 * DAY
    first = slack.write(slack.ventes, MARIE, "Devis Dupont : 12\u00a0500 €, <@U00000ZOE> ?")
    slack.write(slack.ventes, PAUL, "Relance faite")
    page = await tool("read_channel", channel="#ventes", unread=True, after="2030-01-04")
    assert [(one["author"], one["text"]) for one in page["items"]] == [
        ("paul", "Relance faite"),
        ("marie", "Devis Dupont : 12\u00a0500 €, @zoe ?"),
    ]
    assert page["unread_since"] == "2030-01-01T00:01:00+01:00"
    assert old not in str(page)
    await tool("send_message", thread=page["items"][-1]["id"], text="- Devis Dupont : 12 500 €\n- Relance faite")
    assert slack.messages[slack.ventes][-1]["thread_ts"] == first


async def test_read_channel_pages_newest_first(slack: FakeSlack, tool: Tool) -> None:
    for number in range(3):
        slack.write(slack.ventes, MARIE, f"n° {number}")
    slack.messages[slack.ventes].append(
        {"type": "message", "subtype": "channel_join", "user": PAUL, "ts": "1893459999.1", "text": "x"}
    )
    page = await tool("read_channel", channel="ventes", limit=3)
    assert [one["text"] for one in page["items"]] == ["n° 2", "n° 1"]
    last = await tool("read_channel", channel="ventes", limit=3, cursor=page["next_cursor"])
    assert [one["text"] for one in last["items"]] == ["n° 0"]
    assert "next_cursor" not in last


async def test_read_channel_direct_conversation(slack: FakeSlack, tool: Tool, problem: Tool) -> None:
    slack.write(slack.direct, MARIE, "Tu viens ?")
    page = await tool("read_channel", channel="@Marie Curie")
    assert (page["channel"], page["items"][0]["text"]) == ("@marie", "Tu viens ?")
    assert "There is no direct conversation with Paul Roy yet." in await problem("read_channel", channel="Paul Roy")


async def test_read_channel_name_of_channel_and_person_refused(slack: FakeSlack, problem: Tool) -> None:
    slack.add_channel("paul", [ZOE])
    message = await problem("read_channel", channel="Paul")
    assert message == "Error: `Paul` is a channel and a person: #paul and Paul Roy. Write #paul or @Paul."


async def test_read_channel_odd_messages_left_out(slack: FakeSlack, tool: Tool) -> None:
    slack.write(slack.ventes, MARIE, "Bon")
    odd = [
        {"type": "message"},
        {"ts": "x", "text": 1},
        None,
        {"ts": "1893456000.1", "user": None, "files": "x", "text": "!"},
    ]
    slack.odd = True
    rows = [*odd, *slack.messages[slack.ventes]]
    slack.fail["conversations.history"] = [Response.of({"ok": True, "messages": rows})]
    page = await tool("read_channel", channel="ventes")
    assert [one["text"] for one in page["items"]] == ["!", "Bon"]


async def test_read_channel_of_stranger_names_them(slack: FakeSlack, tool: Tool) -> None:
    slack.write(slack.ventes, "U000OTHER", "Bonjour")
    slack.fail["users.info"] = [
        Response.of({"ok": True, "user": slack.users[ZOE]}),
        Response.of({"ok": True, "user": {"id": "U000OTHER", "profile": {"real_name": "Client Dupont"}}}),
    ]
    page = await tool("read_channel", channel="ventes")
    assert page["items"][0]["author"] == "Client Dupont"


async def test_read_channel_bot_outside_is_told_what_to_do(bot: FakeSlack, problem: Tool) -> None:
    message = await problem("read_channel", channel="#support")
    assert message.startswith("Error: The token's owner is not a member of this channel (not_in_channel). Let it join")
    assert "slack_add_channel_members" in message


async def test_unread_needs_a_person(bot: FakeSlack, problem: Tool) -> None:
    for name, more in (("list_unread", {}), ("read_channel", {"channel": "#ventes", "unread": True})):
        assert (await problem(name, **more)).startswith("Error: What is unread is known of people only")


async def test_list_unread_direct_first(slack: FakeSlack, tool: Tool) -> None:
    slack.write(slack.ventes, ZOE, "Moi")
    slack.read[slack.ventes] = slack.messages[slack.ventes][0]["ts"]
    slack.write(slack.ventes, PAUL, "Une commande")
    slack.write(slack.equipe, ZOE, "Encore moi")
    slack.write(slack.direct, MARIE, "Tu viens ?")
    page = await tool("list_unread")
    assert [(one["channel"], one["unread"], one["newest"]["text"]) for one in page["items"]] == [
        ("@marie", 1, "Tu viens ?"),
        ("#ventes", 1, "Une commande"),
    ]
    only = await tool("list_unread", kind="channels", limit=1)
    assert [one["channel"] for one in only["items"]] == ["#ventes"]
    assert only["next_cursor"] == "1"


async def test_read_thread_and_mark_read(slack: FakeSlack, tool: Tool, problem: Tool) -> None:
    ts = slack.write(slack.ventes, MARIE, "Devis ?")
    reply = slack.write(slack.ventes, PAUL, "Signé", thread_ts=ts)
    page = await tool("read_channel", channel="ventes")
    assert page["items"][0]["replies"] == 1
    for message in (page["items"][0]["id"], f"{slack.ventes}/{reply}/{ts}"):
        thread = await tool("read_thread", message=message)
        assert [one["text"] for one in thread["items"]] == ["Devis ?", "Signé"]
    await tool("mark_channel_read", message=page["items"][0]["id"])
    assert slack.read[slack.ventes] == ts
    assert "cannot be marked" in await problem("mark_channel_read", message=thread["items"][1]["id"])


@pytest.mark.parametrize("message", ["", "hello", "C1/x", "https://evil.example/archives/C01234567/p1893456000000100"])
async def test_message_reference_unreadable_refused(slack: FakeSlack, problem: Tool, message: str) -> None:
    assert "is not a message" in await problem("read_thread", message=message)
    assert slack.vendor.requests == []


async def test_search_messages_in_slacks_words(slack: FakeSlack, tool: Tool) -> None:
    slack.write(slack.ventes, MARIE, "Le devis est prêt")
    page = await tool(
        "search_messages", query="devis", channel="#ventes", author="marie", after="2030-01-01", before="2030-01-02"
    )
    sent = next(one for one in slack.vendor.requests if one.path.endswith("search.messages"))
    assert dict(sent.fields)["query"] == (f"devis in:ventes from:<@{MARIE}> after:2029-12-31 before:2030-01-03")
    assert [(one["channel"], one["author"], one["text"]) for one in page["items"]] == [
        ("#ventes", "marie", "Le devis est prêt")
    ]
    await tool("read_thread", message=page["items"][0]["id"])


async def test_search_messages_pages(slack: FakeSlack, tool: Tool, problem: Tool) -> None:
    for number in range(3):
        slack.write(slack.ventes, MARIE, f"devis {number}")
    page = await tool("search_messages", query="devis", limit=2)
    assert page["next_cursor"] == "2"
    assert len((await tool("search_messages", query="devis", limit=2, cursor="2"))["items"]) == 1
    assert "The search is empty" in await problem("search_messages")


async def test_search_messages_bot_is_told_which_token(bot: FakeSlack, problem: Tool) -> None:
    assert await problem("search_messages", query="devis") == (
        "Error: This needs a user token (xoxp-…), and the token that is set is a bot's (not_allowed_token_type). Ask "
        "the user to set SLACK_USER_TOKEN, or to run `scripts/login slack`."
    )
