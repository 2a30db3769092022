"""Campaigns from the draft to the send, flows, templates, reports."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.klaviyo.server import server
from flotilla_servers.klaviyo.tests.conftest import Tool
from flotilla_servers.klaviyo.tests.fake import FakeKlaviyo
from flotilla_testing import Response, Session, call, client, connect, text_of

NEWS, VIP = "L00001", "L00002"
TUESDAY = "2030-06-04T09:00"


@pytest.fixture
def people(fake: FakeKlaviyo) -> FakeKlaviyo:
    """The account with three people in the newsletter, one of whom is a VIP too."""
    for name in ("jean", "marie", "paul"):
        fake.members[NEWS][fake.add_person(f"{name}@exemple.fr")] = "2030-05-01T08:00:00+00:00"
    fake.members[VIP][fake.id_of("jean@exemple.fr")] = "2030-05-01T08:00:00+00:00"
    return fake


async def test_schedule_campaign_names_the_recipients_in_the_question(
    people: FakeKlaviyo, tool: Tool, asked: list[str]
) -> None:
    key = people.add_campaign("Soldes d’été", [NEWS], subject="Soldes : -20 %")
    people.campaigns[key]["audiences"]["excluded"] = [VIP]
    people.polls = 3
    done = await tool("schedule_campaign", campaign="soldes d'ete", send_at=TUESDAY)
    assert asked == [
        "Send the e-mail campaign «Soldes d’été», subject «Soldes : -20 %» on 4 June 2030, 09:00 (Europe/Paris) to "
        "about 2 recipients (Newsletter, without VIP)?"
    ]
    assert people.campaigns[key]["status"] == "Scheduled"
    assert done["estimated_recipients"] == 2
    assert done["send_at"] == "2030-06-04T09:00:00+02:00"
    assert [one.path for one in people.writes] == ["/api/campaign-send-jobs"]  # the time stood there already


async def test_schedule_campaign_at_another_time_or_now(people: FakeKlaviyo, tool: Tool, asked: list[str]) -> None:
    later, now = people.add_campaign("Plus tard", [NEWS]), people.add_campaign("Vite", [VIP])
    await tool("schedule_campaign", campaign="Plus tard", send_at="2030-07-01T10:30+02:00")
    assert people.campaigns[later]["send_strategy"] == {
        "method": "static",
        "datetime": "2030-07-01T08:30:00Z",
        "options": {"is_local": False},
    }
    await tool("schedule_campaign", campaign="Vite", send_at="maintenant")
    assert people.campaigns[now]["send_strategy"] == {"method": "immediate"}
    assert people.campaigns[now]["status"] == "Sending"
    assert "now, at once to about 1 recipient (VIP)?" in asked[1]


@pytest.mark.parametrize("answer", ["unticked", "decline", "cancel"])
@pytest.mark.parametrize("name", ["schedule_campaign", "cancel_campaign"])
async def test_campaign_not_agreed_changes_nothing(people: FakeKlaviyo, problem: Tool, name: str, answer: Any) -> None:
    key = people.add_campaign("Soldes", [NEWS], status="Draft" if name == "schedule_campaign" else "Scheduled")
    more = {"send_at": TUESDAY} if name == "schedule_campaign" else {}
    assert "did not agree" in await problem(name, campaign=key, answer=answer, **more)
    assert people.writes == []


async def test_cancel_campaign_token_is_for_these_arguments_and_once(people: FakeKlaviyo) -> None:
    for name in ("Soldes", "Rentrée"):
        people.add_campaign(name, [NEWS], status="Scheduled")
    async with client(server) as connected:
        shown: Any = (await call(connected, "klaviyo_cancel_campaign", campaign="Soldes")).structured_content
        token = shown["preview"]["confirm_token"]
        other = await call(connected, "klaviyo_cancel_campaign", campaign="Rentrée", confirm_token=token)
        assert "other arguments" in text_of(other)
        assert people.writes == []
        assert not (await call(connected, "klaviyo_cancel_campaign", campaign="Soldes", confirm_token=token)).is_error
        assert (await call(connected, "klaviyo_cancel_campaign", campaign="Soldes", confirm_token=token)).is_error
        assert len(people.writes) == 1


@pytest.mark.parametrize(
    ("send_at", "reason"), [("2020-01-01T09:00", "in the past"), ("2030-06-04", "`send_at`"), ("soon", "`send_at`")]
)
async def test_schedule_campaign_unfit_time_refused(
    people: FakeKlaviyo, problem: Tool, send_at: str, reason: str
) -> None:
    people.add_campaign("Soldes", [NEWS])
    assert reason in await problem("schedule_campaign", campaign="Soldes", send_at=send_at)
    assert people.writes == []


async def test_schedule_campaign_that_is_not_ready_refused(people: FakeKlaviyo, problem: Tool) -> None:
    people.add_campaign("Déjà prévue", [NEWS], status="Scheduled")
    message = await problem("schedule_campaign", campaign="Déjà prévue", send_at=TUESDAY)
    assert "is not a draft: Klaviyo calls it Scheduled; nothing was done. To change the time" in message
    people.add_campaign("Vide", [NEWS], subject="")
    assert "«Vide» has not got a subject yet" in await problem("schedule_campaign", campaign="Vide", send_at="now")


async def test_schedule_campaign_recipients_not_counted_in_time(people: FakeKlaviyo, problem: Tool) -> None:
    people.add_campaign("Soldes", [NEWS])
    people.polls = 100
    message = await problem("schedule_campaign", campaign="Soldes", send_at=TUESDAY)
    assert "Klaviyo has not counted the recipients of «Soldes» yet; nothing was done." in message
    assert people.writes == []


async def test_cancel_campaign_makes_a_draft_or_ends_it(
    people: FakeKlaviyo, tool: Tool, problem: Tool, asked: list[str]
) -> None:
    first, second = (people.add_campaign(name, [NEWS], status="Scheduled") for name in ("Un", "Deux"))
    assert (await tool("cancel_campaign", campaign="Un"))["status"] == "Draft"
    await tool("cancel_campaign", campaign="Deux", for_good=True)
    assert [people.campaigns[key]["status"] for key in (first, second)] == ["Draft", "Cancelled"]
    assert asked[0] == (
        "Stop the campaign «Un», planned for 4 June 2030, 09:00 (Europe/Paris)? It becomes a draft again."
    )
    assert "neither scheduled nor being sent" in await problem("cancel_campaign", campaign="Un")


async def test_count_recipients(people: FakeKlaviyo, tool: Tool) -> None:
    people.add_campaign("Soldes", [NEWS, VIP])
    people.polls = 2
    assert (await tool("count_recipients", campaign="Soldes"))["estimated_recipients"] == 3
    assert people.writes == []


async def test_create_campaign_with_a_template(people: FakeKlaviyo, tool: Tool) -> None:
    made = await tool(
        "create_campaign",
        name="Soldes 2030",
        audiences=["newsletter", "Clients fidèles"],
        without=["vip"],
        subject="Soldes : -20 %",
        preview_text="Dès mardi",
        template="soldes d'été",
    )
    assert (made["status"], made["audiences"], made["without"]) == ("Draft", ["Newsletter", "Clients fidèles"], ["VIP"])
    (message,) = made["messages"]
    assert (message["subject"], message["template"]) == ("Soldes : -20 %", "TmpL01")
    assert message["sender"] == "Atelier Lefèvre bonjour@atelier.example"


async def test_create_campaign_sms_and_what_does_not_go_together(
    people: FakeKlaviyo, tool: Tool, problem: Tool
) -> None:
    message = await problem("create_campaign", name="SMS", audiences="VIP", text="-20 % ce soir", subject="Soldes")
    assert "A text makes an SMS" in message
    made = await tool("create_campaign", name="SMS", audiences="VIP", text="-20 % ce soir")
    assert (made["messages"][0]["channel"], made["messages"][0]["text"]) == ("sms", "-20 % ce soir")


async def test_create_campaign_second_draft_of_a_name_refused(people: FakeKlaviyo, problem: Tool) -> None:
    key = people.add_campaign("Soldes", [NEWS])
    message = await problem("create_campaign", name="Soldes", audiences=["VIP"])
    assert f"There is a draft Soldes already ({key}); nothing was done." in message
    assert people.writes == []


async def test_create_campaign_dry_run_shows_the_template_too(people: FakeKlaviyo, tool: Tool) -> None:
    shown = await tool(
        "create_campaign", name="Soldes", audiences="VIP", subject="Oui", template="TmpL01", dry_run=True
    )
    assert shown["dry_run"]["body"]["data"]["attributes"]["name"] == "Soldes"
    assert shown["dry_run"]["then"][0]["url"].endswith("/api/campaign-message-assign-template")
    assert people.writes == []


async def test_copy_campaign_that_was_sent(people: FakeKlaviyo, tool: Tool, problem: Tool) -> None:
    people.add_campaign("Mai", [NEWS], status="Sent", subject="Mai !")
    made = await tool("copy_campaign", campaign="mai", name="Juin")
    assert (made["name"], made["status"], made["audiences"]) == ("Juin", "Draft", ["Newsletter"])
    assert made["messages"][0]["subject"] == "Mai !"
    assert "There is a draft Juin already" in await problem("copy_campaign", campaign="Mai", name="juin")


async def test_schedule_campaign_other_way_of_sending(
    people: FakeKlaviyo, tool: Tool, problem: Tool, asked: list[str]
) -> None:
    test, slow = people.add_campaign("Test A/B", [NEWS]), people.add_campaign("Lente", [NEWS])
    people.campaigns[test]["send_strategy"] = {"method": "ab_test_campaign"}
    people.campaigns[slow]["send_strategy"] = {"method": "throttled", "datetime": "2030-06-04T07:00:00+00:00"}
    assert "is an A/B test" in await problem("schedule_campaign", campaign="Test A/B", send_at=TUESDAY)
    await tool("schedule_campaign", campaign="Lente", send_at=TUESDAY)
    assert asked[0].endswith("(Newsletter)? Its way of sending (throttled) is replaced by this.")
    assert people.campaigns[slow]["send_strategy"]["method"] == "static"


async def test_update_campaign_keeps_what_is_not_passed(people: FakeKlaviyo, tool: Tool, problem: Tool) -> None:
    key = people.add_campaign("Soldes", [NEWS], subject="Soldes")
    changed = await tool("update_campaign", campaign="Soldes", subject="Derniers jours", without=["VIP"])
    assert people.campaigns[key]["audiences"] == {"included": [NEWS], "excluded": [VIP]}
    assert changed["messages"][0]["subject"] == "Derniers jours"
    assert changed["messages"][0]["sender"] == "bonjour@atelier.example"
    assert "has a subject and a template" in await problem("update_campaign", campaign="Soldes", text="Court")
    people.campaigns[key]["status"] = "Scheduled"
    assert "is not a draft" in await problem("update_campaign", campaign="Soldes", name="Autre")


async def test_list_campaigns_and_names_with_quotes(people: FakeKlaviyo, tool: Tool) -> None:
    people.add_campaign('Le "grand" soir', [NEWS], status="Sent")
    people.add_campaign("Soldes", [NEWS])
    page = await tool("list_campaigns", status="sent")
    assert [one["name"] for one in page["items"]] == ['Le "grand" soir']
    assert (await tool("get_campaign", campaign='le "GRAND" soir'))["audiences"] == ["Newsletter"]
    assert (await tool("list_campaigns", channel="sms"))["items"] == []


async def test_set_flow_status_asks(fake: FakeKlaviyo, tool: Tool, asked: list[str]) -> None:
    key = fake.add_flow("Bienvenue", NEWS)
    assert (await tool("set_flow_status", flow="bienvenue", status="draft"))["status"] == "draft"
    assert fake.flows[key]["status"] == "draft"
    assert asked[0].startswith("Set the flow «Bienvenue» from live to draft? It then sends nothing")
    page = await tool("list_flows", status="draft", query="bien")
    assert [one["name"] for one in page["items"]] == ["Bienvenue"]


async def test_preview_template_as_text(tool: Tool) -> None:
    assert (await tool("list_templates"))["items"][0]["name"] == "Soldes d’été"
    shown = await tool("preview_template", template="Soldes d'ete", values={"name": "Zoé"})
    assert shown["text"].strip() == "Bonjour Zoé"


async def test_reports(recorded: Session) -> None:
    report = await recorded.call_ok("get_campaign_report", campaign="Rentrée", period="last_90_days")
    sent = recorded.requests[-1].json()["data"]["attributes"]
    assert sent["filter"] == 'equals(campaign_id,"01J0CAMPA1GN000000000000C2")'
    assert (sent["timeframe"], sent["conversion_metric_id"]) == ({"key": "last_90_days"}, "Mplac1")
    assert report["messages"][0]["revenue"] == 1310.4
    flows = await recorded.call_ok("get_flow_report", flow="Bienvenue")
    assert flows["messages"][0]["id"] == "FLow01"


async def test_get_account(recorded: Session) -> None:
    account = await recorded.call_ok("get_account")
    assert (account["organization"], account["timezone"], account["currency"]) == (
        "Atelier Lefèvre",
        "Europe/Paris",
        "EUR",
    )


# -- what goes wrong --------------------------------------------------------------------------------------------------


async def test_error_detail_and_field_reach_the_client(recorded: Session) -> None:
    detail = {
        "status": 400,
        "code": "invalid",
        "detail": "Not a valid name.",
        "source": {"pointer": "/data/attributes/name"},
    }
    recorded.respond("POST /api/lists", Response.of({"errors": [detail]}, 400))
    assert await recorded.call_error("create_list", name="Salon 2030") == (
        'Error: Klaviyo refuses the request (400): "Not a valid name. (name)". Correct the arguments and try again.'
    )


async def test_missing_scope_is_said(recorded: Session) -> None:
    refusal = {"errors": [{"status": 403, "code": "permission_denied", "detail": "No permission."}]}
    recorded.respond("GET /api/flows", Response.of(refusal, 403))
    assert "The API key or the consent lacks a scope for this" in await recorded.call_error("list_flows")
    assert recorded.outcome == "scope"


async def test_recipients_that_are_no_number_ask_nobody(recorded: Session) -> None:
    body = {"data": {"type": "campaign-recipient-estimation", "id": "1", "attributes": {}}}
    recorded.respond("GET /api/campaign-recipient-estimations/{id}", Response.of(body))
    message = await recorded.call_error("schedule_campaign", campaign="Soldes d'été", send_at=TUESDAY)
    assert "Klaviyo answered without what is expected" in message
    assert (recorded.asked, recorded.writes) == ([], [])


async def test_key_refused_with_400_is_a_question_of_credentials(recorded: Session) -> None:
    refusal = {"errors": [{"status": 400, "code": "authentication_failed", "detail": "Missing or invalid key."}]}
    recorded.respond("GET /api/accounts", Response.of(refusal, 400))
    assert "does not accept the credentials" in await recorded.call_error("get_account")
    assert recorded.outcome == "auth"


async def test_key_missing_says_where_to_get_one() -> None:
    empty = {f"KLAVIYO_{name}": "" for name in ("REFRESH_TOKEN", "CLIENT_ID", "CLIENT_SECRET")}
    async with connect("klaviyo", {"KLAVIYO_API_KEY": "<UNKNOWN>", **empty}) as session:
        message = await session.call_error("list_audiences")
        assert "KLAVIYO_API_KEY" in message
        assert "Create private API key" in message
        assert session.requests == []
