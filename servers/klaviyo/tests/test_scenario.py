"""The newsletter, from a caller to the send, with the tools of the core tier alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.klaviyo.server import server
from flotilla_servers.klaviyo.tests.fake import FakeKlaviyo
from flotilla_testing import call, client, environment, impatient, text_of


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_newsletter_scenario_in_the_core_tier(tmp_path: Path, mode: Any) -> None:
    """A caller subscribed with consent, put into a list, asked about; a campaign scheduled for so many recipients."""
    asked: list[str] = []
    with (
        FakeKlaviyo() as fake,
        environment(server, **fake.settings, FLOTILLA_TIER="core", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        marie = fake.add_person("marie@exemple.fr", "+33612345678", first_name="Marie", last_name="Curie")
        fake.add_event(marie, "Placed Order", "2030-05-02T09:58:00+00:00", **{"$value": 49.9, "Items": ["Chaise"]})

        async with client(server, mode=mode, answer="accept", asked=asked) as connected:

            async def done(name: str, /, **arguments: Any) -> Any:
                result = await call(connected, f"klaviyo_{name}", **arguments)
                assert not result.is_error, text_of(result)
                return result.structured_content

            caller = await done("get_profile", person="06 12 34 56 78")
            assert (caller["name"], caller["lists"]) == ("Marie Curie", [])
            agreed = "Demandé au téléphone le 3 juin 2030"
            await done("add_subscription", person="06 12 34 56 78", consent=agreed, audience="newsletter")
            await done("add_to_list", audience="vip", people=["marie@exemple.fr"])
            caller = await done("get_profile", person="marie@exemple.fr")
            assert (caller["email_consent"]["status"], caller["lists"]) == ("SUBSCRIBED", ["Newsletter", "VIP"])
            (order,) = (await done("list_events", person="marie@exemple.fr"))["items"]
            assert (order["metric"], order["value"], order["properties"]) == ("Placed Order", 49.9, {"Items": "Chaise"})

            await done("create_campaign", name="Rentrée", audiences="Newsletter", subject="-20 %", template="TmpL01")
            scheduled = await done("schedule_campaign", campaign="rentree", send_at="2030-09-03T09:00")
            assert scheduled["send_at"] == "2030-09-03T09:00:00+02:00"
            (campaign,) = (await done("list_campaigns", status="scheduled"))["items"]
            assert campaign["name"] == "Rentrée"
    assert asked[0].startswith("Subscribe Marie Curie (marie@exemple.fr) to e-mail marketing and add them to the list")
    assert asked[1] == (
        "Send the e-mail campaign «Rentrée», subject «-20 %» on 3 September 2030, 09:00 (Europe/Paris) to about "
        "1 recipient (Newsletter)?"
    )
