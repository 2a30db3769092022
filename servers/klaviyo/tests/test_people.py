"""People, their consent and their lists, against a Klaviyo that keeps state."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.klaviyo.server import server
from flotilla_servers.klaviyo.tests.conftest import Tool
from flotilla_servers.klaviyo.tests.fake import FakeKlaviyo
from flotilla_testing import call, client

JEAN, MOBILE = "jean.dupont@exemple.fr", "+33612345678"
SAID = "Asked for it on the phone on 3 June 2030"


@pytest.fixture
def jean(fake: FakeKlaviyo) -> str:
    """A customer whom Klaviyo knows, by mail and phone."""
    return fake.add_person(JEAN, MOBILE, first_name="Jean", last_name="Dupont", properties={"Pointure": "42"})


# -- result, made, changed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [JEAN, "Jean.Dupont@Exemple.fr", "06 12 34 56 78", "+33 (0)6 12 34 56 78"])
async def test_get_profile_by_address_or_number(jean: str, fake: FakeKlaviyo, tool: Tool, person: str) -> None:
    fake.members["L00001"][jean] = "2030-05-01T08:00:00+00:00"
    result = await tool("get_profile", person=person)
    assert (result["id"], result["name"], result["lists"]) == (jean, "Jean Dupont", ["Newsletter"])
    assert result["email_consent"]["status"] == "NEVER_SUBSCRIBED"
    assert result["properties"] == {"Pointure": "42"}
    assert result["url"] == f"https://www.klaviyo.com/profile/{jean}"
    assert result["created"] == "2030-01-01T01:00:00+01:00"  # in the account's zone


async def test_get_profile_by_id(jean: str, tool: Tool) -> None:
    assert (await tool("get_profile", person=jean))["email"] == JEAN


async def test_get_profile_unknown_says_what_to_do(problem: Tool) -> None:
    assert await problem("get_profile", person="06 99 99 99 99") == (
        "Error: Klaviyo has no profile with +33699999999. Ask for another address or number, or make one with "
        "klaviyo_update_profile."
    )


@pytest.mark.parametrize("person", ["Jean Dupont", "é", "jean@", "../lists"])
async def test_person_neither_address_nor_number_refused(fake: FakeKlaviyo, problem: Tool, person: str) -> None:
    assert "`person`" in await problem("get_profile", person=person)
    assert fake.vendor.requests == []


async def test_update_profile_creates_who_is_unknown(fake: FakeKlaviyo, tool: Tool) -> None:
    saved = await tool("update_profile", person="06 11 22 33 44", first_name="Zoé", place={"city": "Lyon"})
    assert saved["created"] is True
    assert fake.profiles[saved["id"]]["phone_number"] == "+33611223344"
    assert fake.profiles[saved["id"]]["location"] == {"city": "Lyon"}


async def test_update_profile_changes_only_what_is_passed(jean: str, fake: FakeKlaviyo, tool: Tool) -> None:
    saved = await tool("update_profile", person=MOBILE, email="jean@nouveau.example", properties={"pointure": 43})
    assert (saved["id"], saved["created"], saved["email"]) == (jean, False, "jean@nouveau.example")
    assert fake.profiles[jean]["properties"] == {"Pointure": 43}  # not a second property
    assert fake.profiles[jean]["first_name"] == "Jean"
    await tool("update_profile", person=jean, properties={"POINTURE": None})
    assert fake.profiles[jean]["properties"] == {}


async def test_update_profile_address_of_another_person_refused(jean: str, fake: FakeKlaviyo, problem: Tool) -> None:
    other = fake.add_person("marie@exemple.fr")
    message = await problem("update_profile", person=JEAN, email="marie@exemple.fr")
    assert f"Another profile has this e-mail address or phone number already, {other}; nothing was done." in message
    assert "There is nothing to change." in await problem("update_profile", person=JEAN)


async def test_merge_profiles_asks_and_names_both(jean: str, fake: FakeKlaviyo, tool: Tool, asked: list[str]) -> None:
    double = fake.add_person("jd@ancien.example")
    await tool("merge_profiles", keep=JEAN, merge="jd@ancien.example")
    assert fake.merged == [(jean, double)]
    assert asked == [
        f"Merge jd@ancien.example [{double}] into Jean Dupont ({JEAN}) [{jean}]? The first is deleted for good."
    ]


async def test_merge_profiles_one_profile_twice_refused(jean: str, fake: FakeKlaviyo, problem: Tool) -> None:
    assert "Both are the same profile." in await problem("merge_profiles", keep=JEAN, merge=MOBILE)
    assert fake.writes == []


async def test_delete_profile_asks(jean: str, fake: FakeKlaviyo, tool: Tool, problem: Tool, asked: list[str]) -> None:
    assert "did not agree" in await problem("delete_profile", person=JEAN, answer="decline")
    assert jean in fake.profiles
    await tool("delete_profile", person=JEAN)
    assert jean not in fake.profiles
    assert f"Jean Dupont ({JEAN}) [{jean}] and all of their data" in asked[-1]


async def test_list_profiles_newest_of_a_period(jean: str, fake: FakeKlaviyo, tool: Tool) -> None:
    fake.add_person("marie@exemple.fr", created="2030-02-01T00:00:00+00:00")
    page = await tool("list_profiles", created_after="2030-01-15")
    assert [one["email"] for one in page["items"]] == ["marie@exemple.fr"]


# -- consent ----------------------------------------------------------------------------------------------------------


async def test_add_subscription_with_consent_to_a_list(
    jean: str, fake: FakeKlaviyo, tool: Tool, asked: list[str]
) -> None:
    done = await tool("add_subscription", person="06 12 34 56 78", consent=SAID, audience="newsletter")
    assert fake.profiles[jean]["consent"] == {"email": "SUBSCRIBED", "sms": "NEVER_SUBSCRIBED"}
    assert jean in fake.members["L00001"]
    assert fake.sources == [SAID]
    assert asked == [
        f"Subscribe Jean Dupont ({JEAN}) to e-mail marketing and add them to the list «Newsletter»? Consent: «{SAID}». "
        "Klaviyo sends them a message in which they must confirm."
    ]
    assert (done["status"], done["audience"]) == ("requested", "Newsletter")


async def test_add_subscription_not_agreed_sends_nothing(fake: FakeKlaviyo, problem: Tool) -> None:
    message = await problem("add_subscription", person=JEAN, consent=SAID, answer="decline")
    assert "did not agree" in message
    assert fake.writes == []


async def test_add_subscription_new_person_by_sms(fake: FakeKlaviyo, tool: Tool, asked: list[str]) -> None:
    await tool("add_subscription", person="0611223344", consent=SAID, channels="sms", audience="VIP")
    assert fake.profiles[fake.id_of("+33611223344")]["consent"]["sms"] == "SUBSCRIBED"
    assert asked[0].startswith("Subscribe +33611223344 to SMS marketing")
    assert asked[0].endswith("They are subscribed at once.")


async def test_add_subscription_channel_without_address_refused(fake: FakeKlaviyo, problem: Tool) -> None:
    fake.add_person(phone=MOBILE)
    message = await problem("add_subscription", person=MOBILE, consent=SAID)
    assert "Klaviyo knows no e-mail address of this person, which e-mail marketing needs" in message
    assert fake.writes == []


async def test_add_subscription_says_that_they_had_left(
    jean: str, fake: FakeKlaviyo, tool: Tool, asked: list[str]
) -> None:
    fake.profiles[jean]["consent"]["email"] = "UNSUBSCRIBED"
    await tool("add_subscription", person=JEAN, consent=SAID)
    assert "They had unsubscribed from e-mail: this takes it back." in asked[0]


async def test_add_subscription_twice_changes_nothing(
    jean: str, fake: FakeKlaviyo, tool: Tool, asked: list[str]
) -> None:
    fake.profiles[jean]["consent"]["email"] = "SUBSCRIBED"
    assert (await tool("add_subscription", person=JEAN, consent=SAID))["status"] == "unchanged"
    assert (fake.writes, asked) == ([], [])
    await tool("add_subscription", person=JEAN, consent=SAID, audience="VIP")  # not in the list yet
    assert jean in fake.members["L00002"]


async def test_cancel_subscription_from_everything(jean: str, fake: FakeKlaviyo, tool: Tool, asked: list[str]) -> None:
    fake.profiles[jean]["consent"] = {"email": "SUBSCRIBED", "sms": "SUBSCRIBED"}
    await tool("cancel_subscription", person=MOBILE, channels=["email", "sms"])
    assert fake.profiles[jean]["consent"] == {"email": "UNSUBSCRIBED", "sms": "UNSUBSCRIBED"}
    assert asked == [
        f"Unsubscribe Jean Dupont ({JEAN}) from all e-mail and SMS marketing? Only a new consent takes it back."
    ]


async def test_cancel_subscription_of_a_list_the_person_is_not_in_refused(
    jean: str, fake: FakeKlaviyo, tool: Tool, problem: Tool
) -> None:
    """Klaviyo would end all subscriptions of somebody who is not in the list."""
    fake.profiles[jean]["consent"]["email"] = "SUBSCRIBED"
    message = await problem("cancel_subscription", person=JEAN, audience="VIP")
    assert "is not in the list VIP, and Klaviyo would end all of their subscriptions" in message
    assert fake.writes == []
    fake.members["L00002"][jean] = "2030-05-01T08:00:00+00:00"
    await tool("cancel_subscription", person=JEAN, audience="VIP")
    assert fake.profiles[jean]["consent"]["email"] == "SUBSCRIBED"
    assert jean not in fake.members["L00002"]


async def test_set_suppression_and_lift_it(jean: str, fake: FakeKlaviyo, tool: Tool, asked: list[str]) -> None:
    await tool("set_suppression", person=MOBILE, suppressed=True)
    assert (await tool("get_profile", person=JEAN))["email_consent"]["suppressed"] == ["USER_SUPPRESSED"]
    await tool("set_suppression", person=JEAN, suppressed=False)
    assert fake.profiles[jean]["suppression"] == []
    assert asked[0] == f"Block marketing e-mails to Jean Dupont ({JEAN})? Their consent stays as it is."


# -- lists and segments -----------------------------------------------------------------------------------------------


async def test_list_audiences_more_than_a_page_of_the_vendor(fake: FakeKlaviyo, tool: Tool) -> None:
    for number in range(15):
        fake.add_list(f"Salon {number}")
    assert len((await tool("list_audiences", limit=100))["items"]) == 18
    page = await tool("list_audiences", query="fidele", kind="segment")
    assert [(one["name"], one["kind"]) for one in page["items"]] == [("Clients fidèles", "segment")]


async def test_list_members_with_total(jean: str, fake: FakeKlaviyo, tool: Tool) -> None:
    fake.members["Seng01"] = {jean: "2030-05-01T08:00:00+00:00"}
    page = await tool("list_members", audience="clients fideles")
    assert (page["total"], page["items"][0]["joined"]) == (1, "2030-05-01T10:00:00+02:00")
    assert (await tool("list_members", audience="Clients fidèles", joined_after="2030-05-02"))["items"] == []


async def test_list_named_candidates_where_there_is_none(problem: Tool) -> None:
    message = await problem("list_members", audience="Nouveautés")
    assert message.startswith("Error: There is no list or segment `Nouveautés`. There are: ")
    assert "Newsletter" in message


async def test_add_to_list_and_remove(jean: str, fake: FakeKlaviyo, tool: Tool, asked: list[str]) -> None:
    marie = fake.add_person("marie@exemple.fr")
    done = await tool("add_to_list", audience="vip", people=["06 12 34 56 78", "marie@exemple.fr", JEAN])
    assert done == {"audience": "VIP", "people": [JEAN, "marie@exemple.fr"]}
    assert set(fake.members["L00002"]) == {jean, marie}
    assert asked == []  # nothing is started by it
    await tool("remove_from_list", audience="VIP", people=JEAN)
    assert set(fake.members["L00002"]) == {marie}
    assert fake.profiles[jean]["consent"]["email"] == "NEVER_SUBSCRIBED"


async def test_add_to_list_that_starts_a_live_flow_asks(
    jean: str, fake: FakeKlaviyo, tool: Tool, problem: Tool, asked: list[str]
) -> None:
    fake.add_flow("Bienvenue", "L00002")
    fake.add_flow("Ancien", "L00002", status="draft")
    assert "did not agree" in await problem("add_to_list", audience="VIP", people=[JEAN], answer="decline")
    assert fake.members["L00002"] == {}
    assert asked == [
        f"Add 1 person (Jean Dupont ({JEAN})) to the list «VIP»? It starts what is live and may send messages: "
        "Bienvenue."
    ]
    await tool("add_to_list", audience="VIP", people=[JEAN])
    assert list(fake.members["L00002"]) == [jean]


async def test_add_to_list_flows_that_may_not_be_read_asks(
    jean: str, fake: FakeKlaviyo, tool: Tool, asked: list[str]
) -> None:
    fake.forbidden = {"flow-triggers"}
    await tool("add_to_list", audience="VIP", people=[JEAN])
    assert "It may start flows" in asked[0]


async def test_add_to_list_unknown_people_named_and_nothing_done(jean: str, fake: FakeKlaviyo, problem: Tool) -> None:
    message = await problem("add_to_list", audience="VIP", people=[JEAN, "nobody@exemple.fr"])
    assert "Klaviyo has no profile with nobody@exemple.fr; nothing was done." in message
    assert fake.writes == []


async def test_add_to_list_segment_refused(jean: str, problem: Tool) -> None:
    message = await problem("add_to_list", audience="clients fidèles", people=[JEAN])
    assert "is a segment, which fills itself by its conditions" in message


async def test_add_to_list_finds_a_list_made_since(jean: str, fake: FakeKlaviyo) -> None:
    """The lists are kept for the process; a name that is not among them is looked for again."""
    async with client(server, answer="accept") as connected:
        for name, added in (("VIP", False), ("Salon", True)):
            if added:
                fake.add_list(name)
            result: Any = await call(connected, "klaviyo_add_to_list", audience=name, people=[JEAN])
            assert result.structured_content["audience"] == name


async def test_create_list_refuses_a_second_one_of_a_name(fake: FakeKlaviyo, tool: Tool, problem: Tool) -> None:
    made = await tool("create_list", name="Salon 2030", opt_in="double_opt_in")
    assert fake.lists[made["id"]]["opt_in_process"] == "double_opt_in"
    assert "There is a list Salon 2030 already" in await problem("create_list", name="SALON 2030")
    assert len(fake.writes) == 1
