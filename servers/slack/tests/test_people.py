"""People, channels, files, status, reminders, and the webhook."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flotilla_servers.slack.server import server
from flotilla_servers.slack.tests.conftest import UNSET
from flotilla_servers.slack.tests.fake import MARIE, PAUL, ROBOT, ZOE, FakeSlack
from flotilla_testing import Tool, environment, errors_of, impatient, results_of
from flotilla_testing.client import tools_of

PDF = b"%PDF-1.4 devis"


@pytest.mark.parametrize("query", ["curie", "Marie C", "marie@atelier.example", "06 98 76 54 32"])
async def test_search_people(slack: FakeSlack, tool: Tool, query: str) -> None:
    page = await tool("search_people", query=query)
    assert [(one["name"], one["email"]) for one in page["items"]] == [("Marie Curie", "marie@atelier.example")]


async def test_search_people_leaves_out_who_left(slack: FakeSlack, tool: Tool) -> None:
    slack.users[PAUL]["deleted"] = True
    names = [one["name"] for one in (await tool("search_people"))["items"]]
    assert names == ["Zoé Lefèvre", "Marie Curie", "Marie Bernard", "Robot"]


async def test_get_person_with_presence(slack: FakeSlack, tool: Tool, problem: Tool) -> None:
    assert (await tool("get_person", who="@marie"))["present"] is True
    assert (await tool("get_person", who="moi"))["name"] == "Zoé Lefèvre"
    assert "Nobody in the workspace has this e-mail address" in await problem("get_person", who="x@y.example")


async def test_search_channels_own_first(slack: FakeSlack, tool: Tool) -> None:
    page = await tool("search_channels")
    assert [(one["name"], one["member"]) for one in page["items"]] == [
        ("#direction", True),
        ("#ventes", True),
        ("#équipe-commerciale", True),
        ("#support", False),
    ]
    assert [one["name"] for one in (await tool("search_channels", query="equipe"))["items"]] == ["#équipe-commerciale"]
    assert "#support" not in str(await tool("search_channels", joined=True))


async def test_get_channel_with_members(slack: FakeSlack, tool: Tool) -> None:
    about = await tool("get_channel", channel="#ventes")
    assert (about["name"], about["members"], about["people"]) == ("#ventes", 4, ["zoe", "marie", "paul", "robot"])


async def test_create_channel_with_topic_and_people(slack: FakeSlack, tool: Tool, problem: Tool) -> None:
    made = await tool("create_channel", name="Projet Dupont", private=True, topic="Cuisine", people=["@marie", "Paul"])
    channel = slack.channels[made["id"]]
    assert (made["name"], channel["is_private"], channel["topic"]["value"]) == ("#projet-dupont", True, "Cuisine")
    assert channel["people"] == [ZOE, MARIE, PAUL]
    message = await problem("create_channel", name="Projet Dupont")
    assert message == (
        "Error: A channel of this name exists already (name_taken). Look at it with slack_search_channels."
    )


async def test_add_channel_members_who_are_in_it_stay(slack: FakeSlack, tool: Tool) -> None:
    await tool("add_channel_members", channel="#équipe-commerciale", people=["@marie", "Paul Roy"])
    assert slack.channels[slack.equipe]["people"] == [ZOE, MARIE, PAUL]
    await tool("add_channel_members", channel="#équipe-commerciale", people=["Paul Roy"])
    assert slack.channels[slack.equipe]["people"] == [ZOE, MARIE, PAUL]


async def test_add_channel_members_me_joins(bot: FakeSlack, tool: Tool) -> None:
    assert await tool("add_channel_members", channel="#support", people=["me"]) == {"done": "#support: joined."}
    assert ROBOT in bot.channels[bot.support]["people"]


async def test_add_channel_members_more_than_five_are_asked_about(
    slack: FakeSlack, tool: Tool, asked: list[str]
) -> None:
    for number in range(6):
        key = f"U000NEW0{number}"
        slack.users[key] = slack.person(key, f"neuf{number}", f"Neuf {number}", f"neuf{number}@atelier.example")
    await tool("add_channel_members", channel="#ventes", people=[f"neuf{number}" for number in range(6)])
    assert asked[0].startswith("Invite to #ventes to 6 recipients: Neuf 0, ")


async def test_set_channel_topic(slack: FakeSlack, tool: Tool) -> None:
    await tool("set_channel_topic", channel="#ventes", topic="Soldes d’été")
    assert slack.channels[slack.ventes]["topic"]["value"] == "Soldes d’été"


async def test_upload_and_download_file(slack: FakeSlack, tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "data" / "devis.pdf").write_bytes(PDF)
    sent = await tool("upload_file", path="devis.pdf", to="#ventes", text="Le **devis**", title="Devis Dupont")
    message = slack.messages[slack.ventes][0]
    assert (message["text"], message["files"][0]["title"]) == ("Le devis", "Devis Dupont")
    assert slack.contents[sent["id"]] == PDF
    assert sent["link"].endswith(f"/{sent['id']}/devis.pdf")
    page = await tool("read_channel", channel="#ventes")
    file = page["items"][0]["files"][0]["id"]
    saved = await tool("download_file", file=file)
    assert (saved["path"], saved["bytes"]) == (f"slack/{file}/devis.pdf", len(PDF))
    assert saved["read_with"] == "fs_read_document"
    assert (tmp_path / "data" / saved["path"]).read_bytes() == PDF
    assert [one["id"] for one in (await tool("search_files", query="devis"))["items"]] == [file]


async def test_download_file_login_page_is_a_missing_scope(slack: FakeSlack, tool: Tool, problem: Tool) -> None:
    slack.files["F00000001"] = {"id": "F00000001", "name": "a.pdf", "mimetype": "application/pdf", "size": 3}
    address = f"{slack.vendor.url}/files-pri/F00000001/download/a.pdf"
    slack.files["F00000001"]["url_private_download"] = address
    slack.contents["F00000001"] = b"abc"
    slack.on("GET", "/never", lambda request: None)
    tokens, slack.tokens = slack.tokens, dict(slack.tokens)
    original = slack.files_info

    def ended(me: str, file: str) -> dict[str, object]:
        answer = original(me, file)
        slack.tokens.clear()  # between the two requests
        return answer

    slack.files_info = ended  # type: ignore[method-assign]
    assert "the token lacks the scope files:read" in await problem("download_file", file="F00000001")
    slack.tokens = tokens


async def test_download_file_outside_of_slack_is_named(slack: FakeSlack, problem: Tool) -> None:
    outside = {"is_external": True, "url_private": "https://drive.example/x"}
    slack.files["F00000001"] = {"id": "F00000001", "name": "plan", **outside}
    message = await problem("download_file", file="F00000001")
    assert message == "Error: «plan» is kept outside of Slack. Open it there: https://drive.example/x."


async def test_download_file_other_host_refused(slack: FakeSlack, problem: Tool) -> None:
    slack.files["F00000001"] = {"id": "F00000001", "name": "a", "url_private": "https://evil.example/a", "size": 1}
    assert "pointed to another host" in await problem("download_file", file="F00000001")


async def test_set_status_until_a_day(slack: FakeSlack, tool: Tool, problem: Tool) -> None:
    done = await tool("set_status", text="En congé", emoji="🌴", until="2090-06-04")
    assert slack.profile["status_emoji"] == ":palm_tree:"
    assert slack.profile["status_expiration"] == int(datetime(2090, 6, 4, 22, tzinfo=UTC).timestamp())
    assert done["until"] == "2090-06-05T00:00:00+02:00"
    await tool("set_status", text="")
    assert slack.profile == {"status_text": "", "status_emoji": "", "status_expiration": 0}
    assert "in the past" in await problem("set_status", text="x", until="2020-01-01")


async def test_reminders(slack: FakeSlack, tool: Tool, problem: Tool) -> None:
    at = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    made = await tool("create_reminder", text="Appeler Marie", at=at.isoformat())
    assert slack.reminders[0]["time"] == int(at.timestamp())
    assert [one["text"] for one in (await tool("list_reminders"))["items"]] == ["Appeler Marie"]
    await tool("complete_reminder", reminder=made["id"])
    assert (await tool("list_reminders"))["items"] == []
    assert (await tool("list_reminders", completed=True))["items"][0]["completed"] is True
    await tool("delete_reminder", reminder=made["id"])
    assert "There is no such reminder" in await problem("complete_reminder", reminder=made["id"])
    assert "in the past" in await problem("create_reminder", text="x", at="2020-01-01")


# -- an incoming webhook alone ----------------------------------------------------------------------------------------


async def test_webhook_alone_offers_its_tool_only(tmp_path: Path) -> None:
    hook = "https://hooks.slack.com/services/T0000TEAM/B0000HOOK/secret0123"
    with FakeSlack() as slack:
        settings = {
            **UNSET,
            "SLACK_TOKEN": "",
            "SLACK_WEBHOOK_URL": hook,
            "SLACK_HOOKS_URL": f"{slack.vendor.url}/services",
        }
        with environment(server, **settings, FLOTILLA_STATE=str(tmp_path)), impatient(server):
            assert [one["name"] for one in await tools_of(server)] == ["slack_send_webhook"]
            asked: list[str] = []
            tool = results_of(server, "slack", asked)
            done = await tool("send_webhook", text="# Sauvegarde\n\n**Finie** à 10 h", idempotency_key="k1")
            await tool("send_webhook", text="@channel Finie")
            shown = await tool("send_webhook", text="x", dry_run=True)
        assert done == {"done": "The message was posted in the webhook's channel."}
        assert slack.hooked[0]["text"] == "Sauvegarde\nFinie à 10 h"
        assert [block["type"] for block in slack.hooked[0]["blocks"]] == ["header", "rich_text"]
        assert asked == ["Post this message to the webhook's channel? It notifies everybody: @channel."]
        assert "secret0123" not in str(shown)


async def test_webhook_refusals(tmp_path: Path) -> None:
    with FakeSlack() as slack:
        settings = {**UNSET, "SLACK_TOKEN": "", "SLACK_HOOKS_URL": f"{slack.vendor.url}/services"}
        for value, message in (
            ("T0000TEAM/B0000HOOK/gone", "Error: The webhook was switched off or deleted (no_service)."),
            ("not a webhook", "Error: SLACK_WEBHOOK_URL is not the address of a webhook."),
            ("https://evil.example/services/T/B/x", "it must begin with https://hooks.slack.com/services/"),
        ):
            own = {**settings, "SLACK_WEBHOOK_URL": value, "FLOTILLA_STATE": str(tmp_path)}
            with environment(server, **own), impatient(server):
                assert message in await errors_of(server, "slack")("send_webhook", text="x")
        assert slack.hooked == []


async def test_webhook_beside_a_token_offers_the_core_tier(tmp_path: Path) -> None:
    settings = {**UNSET, "SLACK_TOKEN": "xoxp-1234567890", "SLACK_WEBHOOK_URL": "T/B/x"}
    with environment(server, **settings, FLOTILLA_STATE=str(tmp_path)):
        names = [one["name"] for one in await tools_of(server)]
    assert len(names) == 14
    assert "slack_send_webhook" not in names
