"""A newsletter: a customer of the shop subscribed with consent, added to a list, and a campaign scheduled for many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.klaviyo.tests.fake import FakeKlaviyo
from flotilla_servers.shopify.tests.fake import FakeShopify
from tests.scenarios.harness import KINDS, Gateway, call_error, call_ok
from tests.scenarios.vendors import connected

pytestmark = pytest.mark.timeout(180)
CALLER, MARIE = "06 12 34 56 78", "marie@exemple.fr"
CONSENT = "Demandé au téléphone le 3 juin 2030"
CAMPAIGN = {"name": "Rentrée", "audiences": ["Newsletter"], "subject": "Les nouveautés", "template": "Soldes d’été"}


@dataclass
class Shop:
    """A gateway to a shop and to its newsletter, which remember."""

    gateway: Gateway
    shopify: FakeShopify
    klaviyo: FakeKlaviyo

    def list_named(self, name: str) -> list[str]:
        """Return the e-mail addresses of a list of Klaviyo."""
        key = next(key for key, one in self.klaviyo.lists.items() if one["name"] == name)
        return [self.klaviyo.profiles[person]["email"] for person in self.klaviyo.members[key]]


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """Marie has bought something: Klaviyo knows her orders, not that she wants mail. Luc has subscribed before."""
    shopify, klaviyo = FakeShopify(), FakeKlaviyo()
    marie = klaviyo.add_person(MARIE, first_name="Marie", last_name="Dupont")
    klaviyo.add_event(marie, "Placed Order", "2030-05-02T09:58:00+00:00", **{"$value": 138.0, "Items": ["Foulard"]})
    klaviyo.add_event(marie, "Opened Email", "2030-05-03T07:00:00+00:00")
    luc = klaviyo.add_person("luc@exemple.fr", consent={"email": "SUBSCRIBED", "sms": "NEVER_SUBSCRIBED"})
    newsletter = next(key for key, one in klaviyo.lists.items() if one["name"] == "Newsletter")
    klaviyo.members[newsletter][luc] = "2030-01-01T00:00:00+00:00"
    with connected(request.param, tmp_path, "newsletter", {"shopify": shopify, "klaviyo": klaviyo}) as gateway:
        yield Shop(gateway, shopify, klaviyo)


async def customer(client: Client[Any]) -> dict[str, Any]:
    """Return the only customer of the shop with the caller's number."""
    (row,) = (await call_ok(client, "shopify_search_customers", text=CALLER))["items"]
    return dict(row)


async def test_newsletter_scenario(shop: Shop) -> None:
    """Her consent and the number of recipients stand in the two questions; nothing else is asked."""
    gateway, klaviyo = shop.gateway, shop.klaviyo
    async with gateway.client(answer=True) as client:
        marie = await customer(client)
        assert (marie["name"], marie["email"]) == ("Marie Dupont", MARIE)
        who = {"person": marie["email"]}
        await call_ok(client, "klaviyo_add_subscription", **who, consent=CONSENT, audience="newsletter")
        await call_ok(client, "klaviyo_add_to_list", audience="vip", people=[marie["email"]])
        known = await call_ok(client, "klaviyo_get_profile", **who)
        assert (known["email_consent"]["status"], known["lists"]) == ("SUBSCRIBED", ["Newsletter", "VIP"])
        events = (await call_ok(client, "klaviyo_list_events", **who))["items"]
        assert [event["metric"] for event in events] == ["Opened Email", "Placed Order"]
        assert events[1]["value"] == 138.0

        draft = await call_ok(client, "klaviyo_create_campaign", **CAMPAIGN)
        when = {"campaign": "rentree", "send_at": "2030-09-03T09:00"}
        scheduled = await call_ok(client, "klaviyo_schedule_campaign", **when)
        assert (scheduled["estimated_recipients"], scheduled["send_at"]) == (2, "2030-09-03T09:00:00+02:00")

    of_subscription, of_campaign = gateway.asked
    assert of_subscription.startswith(f"Subscribe Marie Dupont ({MARIE}) to e-mail marketing and add them to the list")
    assert CONSENT in of_subscription
    assert of_campaign == (
        "Send the e-mail campaign «Rentrée», subject «Les nouveautés» on 3 September 2030, 09:00 (Europe/Paris) to "
        "about 2 recipients (Newsletter)?"
    )
    assert klaviyo.profiles[klaviyo.id_of(MARIE)]["consent"]["email"] == "SUBSCRIBED"
    assert klaviyo.sources == [CONSENT]
    assert (shop.list_named("Newsletter"), shop.list_named("VIP")) == (["luc@exemple.fr", MARIE], [MARIE])
    campaign = klaviyo.campaigns[draft["id"]]
    assert campaign["status"] == "Scheduled"
    assert campaign["send_strategy"]["datetime"].startswith("2030-09-03T07:00:00")  # in UTC


async def test_newsletter_scenario_declined_sends_nothing(shop: Shop) -> None:
    """Nobody is subscribed, and the campaign stays a draft."""
    klaviyo = shop.klaviyo
    async with shop.gateway.client(answer=False) as client:
        marie = await customer(client)
        consent = {"person": marie["email"], "consent": CONSENT, "audience": "Newsletter"}
        assert "did not agree" in await call_error(client, "klaviyo_add_subscription", **consent)
        draft = await call_ok(client, "klaviyo_create_campaign", **CAMPAIGN)
        when = {"campaign": draft["id"], "send_at": "2030-09-03T09:00"}
        assert "did not agree" in await call_error(client, "klaviyo_schedule_campaign", **when)
    assert len(shop.gateway.asked) == 2
    assert "1 recipient " in shop.gateway.asked[1]  # Luc alone
    assert klaviyo.profiles[klaviyo.id_of(MARIE)]["consent"]["email"] == "NEVER_SUBSCRIBED"
    assert shop.list_named("Newsletter") == ["luc@exemple.fr"]
    assert klaviyo.campaigns[draft["id"]]["status"] == "Draft"


async def test_newsletter_scenario_customer_whom_klaviyo_does_not_know(shop: Shop) -> None:
    """A list takes known people alone; with her consent Luce is made known, subscribed and put into both lists."""
    shop.shopify.add_customer("Luce", "Petit", "luce@exemple.fr", "+33700000001")
    async with shop.gateway.client(answer=True) as client:
        (luce,) = (await call_ok(client, "shopify_search_customers", text="07 00 00 00 01"))["items"]
        vip = {"audience": "VIP", "people": [luce["email"]]}
        error = await call_error(client, "klaviyo_add_to_list", **vip)
        assert "no profile with luce@exemple.fr; nothing was done." in error
        consent = {"person": luce["email"], "consent": CONSENT, "audience": "Newsletter"}
        await call_ok(client, "klaviyo_add_subscription", **consent)
        await call_ok(client, "klaviyo_add_to_list", **vip)
        assert (await call_ok(client, "klaviyo_list_events", person=luce["email"]))["items"] == []
    (question,) = shop.gateway.asked
    assert "luce@exemple.fr" in question
    assert shop.list_named("Newsletter") == ["luc@exemple.fr", "luce@exemple.fr"]
    assert shop.list_named("VIP") == ["luce@exemple.fr"]
