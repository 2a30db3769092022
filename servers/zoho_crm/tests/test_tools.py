"""What each tool does to an account, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.zoho_crm.client import error_of, map_error
from flotilla_servers.zoho_crm.server import server
from flotilla_servers.zoho_crm.tests.conftest import Tool
from flotilla_servers.zoho_crm.tests.fake import OWNER, FakeZoho
from flotilla_testing import call, text_of

MARIE = "5725767000000040002"


def contact(zoho: FakeZoho, last: str = "Dupont", **more: Any) -> str:
    values = {"First_Name": "Jean", "Last_Name": last, "Email": f"{last.lower()}@roy.example", **more}
    return zoho.put("Contacts", **values)


def deal(zoho: FakeZoho, name: str, stage: str = "Qualification", **more: Any) -> str:
    return zoho.put(
        "Deals", Deal_Name=name, Stage=stage, Pipeline="Standard (Standard)", Closing_Date="2030-06-30", **more
    )


# -- searching


@pytest.mark.parametrize("stored", ["+33612345678", "06 12 34 56 78", "06.12.34.56.78", "0033612345678"])
async def test_search_records_phone_however_it_is_stored(zoho: FakeZoho, tool: Tool, stored: str) -> None:
    number = contact(zoho, Mobile=stored)
    contact(zoho, "Autre", Phone="+33611111111")
    result = await tool("search_records", text="+33 (0)6 12 34 56 78")
    assert [row["record"] for row in result["items"]] == [f"contact:{number}"]


async def test_search_records_phone_in_an_unknown_spelling_is_left_to_zoho(zoho: FakeZoho, tool: Tool) -> None:
    number = contact(zoho, Mobile="(0)612 345 678")
    result = await tool("search_records", text="06 12 34 56 78")
    assert [row["record"] for row in result["items"]] == [f"contact:{number}"]


async def test_search_records_new_person_is_found_by_mail_at_once(zoho: FakeZoho, tool: Tool) -> None:
    zoho.lag = True
    made = await tool("create_contact", name="Zoé Lefèvre", email="zoe@lefevre.example")
    result = await tool("search_records", text="ZOE@lefevre.example")
    assert [row["record"] for row in result["items"]] == [made["record"]]


async def test_search_records_words_page_by_page(zoho: FakeZoho, tool: Tool) -> None:
    people = [contact(zoho, f"Dupont{n}") for n in range(3)]
    zoho.put("Accounts", Account_Name="Dupont et fils")
    first = await tool("search_records", text="dupont", limit=2)
    assert [row["record"].partition(":")[0] for row in first["items"]] == ["contact", "contact", "account"]
    last = await tool("search_records", text="dupont", limit=2, cursor=first["next_cursor"])
    assert [row["record"] for row in last["items"]] == [f"contact:{people[2]}"]
    assert "next_cursor" not in last


async def test_search_records_beyond_what_zoho_shows_is_refused(problem: Tool) -> None:
    assert "2,000" in await problem("search_records", text="dupont", limit=100, cursor="21")


async def test_search_records_in_a_module_by_its_label(zoho: FakeZoho, tool: Tool, problem: Tool) -> None:
    number = deal(zoho, "Refonte du site")
    result = await tool("search_records", text="Refonte", module="Affaires")
    assert [row["record"] for row in result["items"]] == [f"deal:{number}"]
    assert "There are:" in await problem("search_records", text="Refonte", module="Gâteaux")


async def test_get_record_name_that_fits_several_is_refused_with_all(zoho: FakeZoho, problem: Tool) -> None:
    numbers = [contact(zoho), contact(zoho)]
    text = await problem("get_record", record="contact:Jean Dupont")
    assert all(number in text for number in numbers)


async def test_get_record_part_of_a_name_without_accents(zoho: FakeZoho, tool: Tool) -> None:
    number = contact(zoho, "Lefèvre")
    contact(zoho, "Lefebvre")
    shown = await tool("get_record", record="contact:Lefèvre", linked=False)
    assert shown["details"]["record"] == f"contact:{number}"
    assert "linked" not in shown


async def test_get_record_ten_digits_are_a_phone_number(zoho: FakeZoho, tool: Tool) -> None:
    number = contact(zoho, Mobile="+33612345678")
    shown = await tool("get_record", record="contact:0612345678", linked=False)
    assert shown["details"]["record"] == f"contact:{number}"


async def test_get_record_gone_says_so(problem: Tool) -> None:
    assert "does not have the record deal:5725767000000999999" in await problem(
        "get_record", record="deal:5725767000000999999"
    )


async def test_query_records_conditions_by_label_owner_and_outcome(zoho: FakeZoho, tool: Tool) -> None:
    account = zoho.put("Accounts", Account_Name="L'Atelier")
    lookup = {"Account_Name": {"id": account, "name": "L'Atelier"}}
    number = deal(zoho, "Refonte", "Negotiation/Review", Amount=12500, **lookup)
    deal(zoho, "Petite", "Negotiation/Review", Amount=10, **lookup)
    deal(zoho, "Autre", "Closed Won", Amount=99999, **lookup)
    where = [
        "Étape=négociation",
        "Montant>=1 000,00",
        "Owner=me",
        "Account_Name=L'Atelier",
        "Date de clôture<=2030-12-31",
    ]
    result = await tool("query_records", module="Deals", where=where)
    assert [row["record"] for row in result["items"]] == [f"deal:{number}"]
    assert result["items"][0]["Stage"] == "Négociation"
    assert result["items"][0]["Account_Name"] == f"L'Atelier ({account})"
    won = await tool("query_records", module="deal", where=["Stage=won"], fields=["Amount"], sort="-Amount")
    assert [row["Amount"] for row in won["items"]] == ["99999"]


async def test_query_records_day_of_a_time_is_the_whole_day_of_the_user(zoho: FakeZoho, tool: Tool) -> None:
    start = {"Start_DateTime": "2030-06-03T23:30:00+02:00", "End_DateTime": "2030-06-03T23:45:00+02:00"}
    number = zoho.put("Events", Event_Title="Tard", **start)
    zoho.put(
        "Events",
        Event_Title="Demain",
        Start_DateTime="2030-06-04T00:00:00+02:00",
        End_DateTime="2030-06-04T01:00:00+02:00",
    )
    result = await tool("query_records", module="Events", where=["Start_DateTime=2030-06-03"])
    assert [row["record"] for row in result["items"]] == [f"event:{number}"]


async def test_query_records_contains_has_and_has_none(zoho: FakeZoho, tool: Tool) -> None:
    number = contact(zoho, "L'Hôte", Phone="+33123456789")
    contact(zoho, "Dupont")
    for where in (["Last_Name~l'hô"], ["Phone=*"], ["Prénom=Jean", "Phone=*"]):
        result = await tool("query_records", module="Contacts", where=where)
        assert [row["record"] for row in result["items"]] == [f"contact:{number}"]
    without = await tool("query_records", module="Contacts", where=["Phone!=*"], sort="Last_Name", limit=1)
    assert [row["name"] for row in without["items"]] == ["Jean Dupont"]


async def test_query_records_pages(zoho: FakeZoho, tool: Tool) -> None:
    numbers = [deal(zoho, f"Affaire {n}") for n in range(3)]
    seen, cursor = [], {}
    for _ in range(2):
        page = await tool("query_records", module="Deals", limit=2, **cursor)
        seen += [row["record"] for row in page["items"]]
        cursor = {"cursor": page.get("next_cursor")}
    assert seen == [f"deal:{number}" for number in numbers]
    assert cursor == {"cursor": None}


@pytest.mark.parametrize(
    ("where", "error_message"),
    [
        ("Montan>=3", "Similar ones: Amount"),
        ("Stage=Inconnue", "There is no stage `Inconnue`"),
        ("Owner=Personne", "There is no user `Personne`"),
        ("Montant", "cannot be read"),
        ("Nom du compte~Roy", "only be compared by = or !="),
        ("Amount>=beaucoup", "beaucoup"),
    ],
)
async def test_query_records_condition_that_does_not_fit(
    problem: Tool, zoho: FakeZoho, where: str, error_message: str
) -> None:
    assert error_message in await problem("query_records", module="Deals", where=[where])
    assert not zoho.queries


# -- creating


async def test_create_lead_saves_name_phone_and_fields_by_label(zoho: FakeZoho, tool: Tool) -> None:
    made = await tool(
        "create_lead",
        name="Lefèvre, Zoé",
        company="Atelier",
        email="Zoé <zoe@lefevre.example>",
        phone="+33 (0)6 98 76 54 32",
        fields={"Origine du lead": "site web", "Chiffre d’affaires": "12 500,50 €", "Owner": "Marie"},
    )
    lead = zoho.records["Leads"][made["record"].removeprefix("lead:")]
    assert (lead["First_Name"], lead["Last_Name"], lead["Phone"]) == ("Zoé", "Lefèvre", "+33698765432")
    assert (lead["Lead_Source"], lead["Annual_Revenue"], lead["Owner"]["id"]) == ("Web Download", 12500.5, MARIE)


@pytest.mark.parametrize("params", [{"email": "dupont@roy.example"}, {"phone": "0612345678"}])
async def test_create_lead_known_person_is_refused_with_the_contact(
    zoho: FakeZoho, tool: Tool, problem: Tool, params: dict[str, str]
) -> None:
    number = contact(zoho, Mobile="+33612345678")
    text = await problem("create_lead", name="Jean Dupont", company="Roy", **params)
    assert f"Jean Dupont (contact:{number})" in text
    assert not zoho.writes
    await tool("create_lead", name="Jean Dupont", company="Roy", duplicate=True, **params)
    assert len(zoho.records["Leads"]) == 1


async def test_create_contact_joins_an_account_by_name(zoho: FakeZoho, tool: Tool, problem: Tool) -> None:
    account = zoho.put("Accounts", Account_Name="Boulangerie Roy")
    made = await tool(
        "create_contact", name="Anne Roy", account="boulangerie roy", fields={"Centres d’intérêt": "Pain;Levain"}
    )
    saved = zoho.records["Contacts"][made["record"].removeprefix("contact:")]
    assert saved["Account_Name"] == {"id": account, "name": "Boulangerie Roy"}
    assert saved["Interets"] == ["Pain", "Levain"]
    assert "contact with this name" in await problem("create_contact", name="Anne Roy")


async def test_create_deal_for_a_contact_with_defaults(zoho: FakeZoho, tool: Tool, problem: Tool) -> None:
    number = contact(zoho)
    made = await tool("create_deal", name="Refonte", amount="12 500,50 €", contact="Jean Dupont")
    saved = zoho.records["Deals"][made["record"].removeprefix("deal:")]
    assert (saved["Stage"], saved["Amount"], saved["Pipeline"]) == ("Qualification", 12500.5, "Standard (Standard)")
    assert saved["Contact_Name"]["id"] == number
    assert made["closing"] == saved["Closing_Date"]
    assert f"already: Refonte ({made['record']})" in await problem(
        "create_deal", name="Refonte", contact=f"contact:{number}"
    )
    await tool(
        "create_deal", name="Refonte", contact=f"contact:{number}", same_name=True, stage="Partenaires/Qualification"
    )
    assert sorted(d["Pipeline"] for d in zoho.records["Deals"].values()) == ["Partenaires", "Standard (Standard)"]


async def test_create_deal_in_a_currency_that_the_account_lacks(zoho: FakeZoho, problem: Tool) -> None:
    assert "counts in EUR, not in USD" in await problem("create_deal", name="Refonte", amount="12,500.50 USD")
    assert not zoho.writes


async def test_amounts_in_a_field_are_of_the_currency_that_is_named(zoho: FakeZoho, tool: Tool, problem: Tool) -> None:
    number = deal(zoho, "Refonte")
    assert "counts in EUR" in await problem("update_record", record=f"deal:{number}", fields={"Montant": "900 USD"})
    choice = {**zoho.fields["Deals"]["Pipeline"]["pick_list_values"][0], "actual_value": "USD", "display_value": "USD"}
    currency = {**zoho.fields["Deals"]["Pipeline"], "api_name": "Currency", "pick_list_values": [choice]}
    zoho.fields["Deals"]["Currency"] = {**currency, "field_label": "Devise", "display_label": "Devise"}
    await tool("list_fields", module="Deals")  # reads them anew
    await tool("update_record", record=f"deal:{number}", fields={"Montant": "900,50 USD"})
    assert (zoho.records["Deals"][number]["Amount"], zoho.records["Deals"][number]["Currency"]) == (900.5, "USD")


async def test_create_record_account_once(zoho: FakeZoho, tool: Tool, problem: Tool) -> None:
    made = await tool("create_record", module="Comptes", fields={"Nom du compte": "L'Atelier", "Effectif": "12"})
    assert zoho.records["Accounts"][made["record"].removeprefix("account:")]["Employees"] == 12
    again = await problem("create_record", module="Accounts", fields={"Account_Name": "L'Atelier"})
    assert f"account with this name already: L'Atelier ({made['record']})" in again
    product = await tool("create_record", module="Products", fields={"Product_Name": "Levain"})
    assert product["record"].startswith("product:")


async def test_create_refused_inside_of_a_success_is_an_error_and_nothing_done(zoho: FakeZoho) -> None:
    zoho.softly = True
    result = await call(server, "zoho_create_lead", name="Zoé Lefèvre", idempotency_key="one")
    text = text_of(result)
    assert result.is_error
    assert "needs a field that is missing (Company)" in text
    assert "nothing was done" in text
    assert not zoho.records["Leads"]
    zoho.softly = False
    again = await call(server, "zoho_create_lead", name="Zoé Lefèvre", company="Atelier", idempotency_key="one")
    assert not again.is_error, text_of(again)


async def test_create_duplicate_by_a_unique_field_of_zoho_names_the_record(zoho: FakeZoho, problem: Tool) -> None:
    zoho.unique.add(("Contacts", "Email"))
    number = contact(zoho)
    text = await problem("create_contact", name="Autre", email="dupont@roy.example", duplicate=True)
    assert f"with the id {number} (Email)" in text


# -- changing


@pytest.mark.parametrize(
    ("error_message", "stage"),
    [("won", "Closed Won"), ("Négociation", "Negotiation/Review"), ("Closed Lost", "Closed Lost")],
)
async def test_update_record_stage_by_outcome_label_or_own_name(
    zoho: FakeZoho, tool: Tool, error_message: str, stage: str
) -> None:
    number = deal(zoho, "Refonte")
    await tool("update_record", record="deal:Refonte", fields={"Étape": error_message})
    assert zoho.records["Deals"][number]["Stage"] == stage


async def test_update_record_outcome_of_several_stages_is_asked_back(zoho: FakeZoho, problem: Tool) -> None:
    deal(zoho, "Refonte")
    text = await problem("update_record", record="deal:Refonte", fields={"Stage": "perdu"})
    assert "Several stages mean lost: Standard/Fermé perdu, Standard/Perdu face à la concurrence" in text
    assert not zoho.writes


async def test_update_record_stage_stays_in_its_pipeline(zoho: FakeZoho, tool: Tool) -> None:
    number = deal(zoho, "Partenariat")
    zoho.records["Deals"][number]["Pipeline"] = "Partenaires"
    await tool("update_record", record=f"deal:{number}", fields={"Stage": "lost", "Montant": "900"})
    saved = zoho.records["Deals"][number]
    assert (saved["Stage"], saved["Pipeline"], saved["Amount"]) == ("Closed Lost", "Partenaires", 900)


async def test_update_record_stage_of_the_pipeline_that_is_named_with_it(zoho: FakeZoho, tool: Tool) -> None:
    number = deal(zoho, "Refonte")
    await tool("update_record", record=f"deal:{number}", fields={"Étape": "perdu", "Pipeline": "Partenaires"})
    saved = zoho.records["Deals"][number]
    assert (saved["Stage"], saved["Pipeline"]) == ("Closed Lost", "Partenaires")


async def test_update_record_of_all_types(zoho: FakeZoho, tool: Tool) -> None:
    number = contact(zoho, Phone="+33123456789")
    fields = {
        "Téléphone": None,
        "Client fidèle": "oui",
        "Date de naissance": "1980-05-04",
        "owner": "marie@atelier.example",
    }
    await tool("update_record", record="dupont@roy.example", fields=fields)
    saved = zoho.records["Contacts"][number]
    assert (saved["Phone"], saved["Client_fidele"], saved["Date_of_Birth"]) == (None, True, "1980-05-04")
    assert saved["Owner"]["id"] == MARIE


@pytest.mark.parametrize(
    ("fields", "error_message"),
    [
        ({"Created_Time": "2030-01-01"}, "Zoho CRM sets `Created_Time` itself"),
        ({"Origine du lead": "Bouche à oreille"}, "Allowed: Publicité, Site web, Partenaire"),
        ({"Prénom": "A", "First_Name": "B"}, "`First_Name` is set twice"),
        ({"Client fidèle": "peut-être"}, "takes yes or no"),
        ({"Prénom": {"a": 1}}, "takes one text"),
    ],
)
async def test_update_record_refuses_before_sending(
    zoho: FakeZoho, problem: Tool, fields: dict[str, Any], error_message: str
) -> None:
    contact(zoho)
    assert error_message in await problem("update_record", record="dupont@roy.example", fields=fields)
    assert not zoho.writes


async def test_update_record_completes_a_task(zoho: FakeZoho, tool: Tool) -> None:
    number = zoho.put("Tasks", Subject="Relancer", Status="Not Started", Due_Date="2030-06-03")
    await tool("update_record", record="task:Relancer", fields={"Statut": "Terminée", "Due_Date": "2030-06-04"})
    assert (zoho.records["Tasks"][number]["Status"], zoho.records["Tasks"][number]["Due_Date"]) == (
        "Completed",
        "2030-06-04",
    )


async def test_import_records_creates_updates_and_reports_what_was_refused(zoho: FakeZoho, tool: Tool) -> None:
    number = contact(zoho)
    rows = [
        {"Last_Name": "Dupont", "Email": "dupont@roy.example", "Phone": "+33 1 23 45 67 89"},
        {"Nom": "Curie", "E-mail": "marie@curie.example"},
        {"First_Name": "Sans nom", "Email": "x@y.example"},
    ]
    done = await tool("import_records", module="Contacts", rows=rows, match=["E-mail"])
    assert (done["created"], done["updated"]) == (1, 1)
    assert done["refused"] == ["3: required field not found"]
    assert zoho.records["Contacts"][number]["Phone"] == "+33123456789"


async def test_import_records_all_refused_is_an_error(problem: Tool) -> None:
    assert "Last_Name" in await problem("import_records", module="Contacts", rows=[{"First_Name": "Anne"}])


async def test_delete_record_asks_with_the_name(zoho: FakeZoho, tool: Tool, problem: Tool, asked: list[str]) -> None:
    number = contact(zoho)
    assert "did not agree" in await problem("delete_record", record=f"contact:{number}")
    assert not zoho.writes
    await tool("delete_record", record="dupont@roy.example")
    assert asked == [f"Delete the contact «Jean Dupont» (contact:{number})?"] * 2
    assert not zoho.records["Contacts"]


async def test_tags_are_added_to_the_others_and_removed(zoho: FakeZoho, tool: Tool) -> None:
    number = contact(zoho)
    await tool("add_tags", record=f"contact:{number}", tags=["VIP"])
    await tool("add_tags", record=f"contact:{number}", tags=["Lyon", "VIP"])
    shown = await tool("get_record", record=f"contact:{number}", linked=False)
    assert shown["details"]["Tag"] == "VIP, Lyon"
    await tool("remove_tags", record=f"contact:{number}", tags=["VIP"])
    assert [tag["name"] for tag in zoho.records["Contacts"][number]["Tag"]] == ["Lyon"]


# -- activities


async def test_create_event_invites_after_a_yes(zoho: FakeZoho, tool: Tool, problem: Tool, asked: list[str]) -> None:
    plan = {"title": "Démo", "start": "2030-06-04T14:00", "end": "2030-06-04T14:30", "invite": ["zoe@lefevre.example"]}
    assert "did not agree" in await problem("create_event", **plan)
    assert not zoho.writes
    await tool("create_event", **plan)
    assert asked[-1] == "Invite zoe@lefevre.example by e-mail to «Démo» on 2030-06-04T14:00:00+02:00?"
    saved = next(iter(zoho.records["Events"].values()))
    assert saved["Participants"] == [{"type": "email", "participant": "zoe@lefevre.example"}]
    assert saved["$send_notification"] is True
    assert saved["End_DateTime"] == "2030-06-04T14:30:00+02:00"


async def test_create_event_of_a_day_lasts_all_day(zoho: FakeZoho, tool: Tool) -> None:
    await tool("create_event", title="Salon", start="2030-06-04")
    saved = next(iter(zoho.records["Events"].values()))
    assert (saved["All_day"], saved["Start_DateTime"]) == (True, "2030-06-04T00:00:00+02:00")
    assert saved["End_DateTime"].startswith("2030-06-04T23:59")


async def test_activity_of_two_contacts_is_refused(zoho: FakeZoho, problem: Tool) -> None:
    refs = [f"contact:{contact(zoho)}", f"contact:{contact(zoho, 'Roy')}"]
    assert "one contact at most" in await problem("create_task", title="Relancer", due="2030-06-03", linked_to=refs)


async def test_create_call_still_to_come_has_no_result(problem: Tool, zoho: FakeZoho) -> None:
    number = contact(zoho)
    text = await problem("create_call", linked_to=[f"contact:{number}"], at="2030-06-03T09:00", minutes=3)
    assert "still to come" in text


async def test_list_activities_of_a_user_until_a_day(zoho: FakeZoho, tool: Tool) -> None:
    person = contact(zoho)
    mine = zoho.put(
        "Tasks", Subject="A", Status="Not Started", Due_Date="2030-06-03", Who_Id={"id": person, "name": "Jean"}
    )
    zoho.put("Tasks", Subject="B", Status="Completed", Due_Date="2030-06-03")
    zoho.put("Tasks", Subject="C", Status="Not Started", Due_Date="2030-06-05")
    zoho.put("Tasks", Subject="D", Status="Not Started", Due_Date="2030-06-01", Owner={"id": MARIE})
    result = await tool("list_activities", before="2030-06-03")
    assert [row["record"] for row in result["items"]] == [f"task:{mine}"]
    everybody = await tool("list_activities", owner="all", status="all", limit=3)
    assert [row["name"] for row in everybody["items"]] == ["D", "A", "B"]
    assert everybody["items"][0]["Owner"] == "Marie Durand"
    rest = await tool("list_activities", owner="all", status="all", limit=3, cursor=everybody["next_cursor"])
    assert [row["name"] for row in rest["items"]] == ["C"]
    of_person = await tool("list_activities", linked_to="dupont@roy.example")
    assert [row["record"] for row in of_person["items"]] == [f"task:{mine}"]


async def test_list_activities_meetings_and_calls_by_time(zoho: FakeZoho, tool: Tool) -> None:
    zoho.put(
        "Events",
        Event_Title="Hier",
        Start_DateTime="2026-01-02T09:00:00+01:00",
        End_DateTime="2026-01-02T10:00:00+01:00",
    )
    zoho.put(
        "Events",
        Event_Title="Salon",
        Start_DateTime="2030-06-03T09:00:00+02:00",
        End_DateTime="2030-06-03T10:00:00+02:00",
    )
    zoho.put("Calls", Subject="Rappel", Call_Start_Time="2030-06-03T11:00:00+02:00", Call_Type="Outbound")
    coming = await tool("list_activities", kind="events", after="2026-01-01", before="2030-06-03")
    assert [row["name"] for row in coming["items"]] == ["Salon"]
    past = await tool("list_activities", kind="events", status="done")
    assert [row["name"] for row in past["items"]] == ["Hier"]
    calls = await tool("list_activities", kind="calls")
    assert [row["name"] for row in calls["items"]] == ["Rappel"]


# -- what the account is made of


async def test_lists_of_the_account(tool: Tool) -> None:
    pipelines = await tool("list_pipelines")
    assert [row["name"] for row in pipelines["items"]] == ["Standard", "Partenaires"]
    assert pipelines["items"][0]["stages"][:3] == ["Qualification", "Négociation", "Fermé gagné"]
    modules = await tool("list_modules", limit=100)
    assert {"name": "Fournees", "singular": "Fournée", "plural": "Fournées"} in modules["items"]
    users = await tool("list_users")
    assert [(one["name"], one["active"]) for one in users["items"]][-1] == ("Paul Ancien", False)
    fields = await tool("list_fields", module="Leads", text="statut")
    assert [(one["name"], one["choices"]) for one in fields["items"]] == [
        ("Lead_Status", ["Contact tenté", "Contacté", "Non contacté"])
    ]


async def test_list_related_records_by_label(zoho: FakeZoho, tool: Tool, problem: Tool) -> None:
    number = contact(zoho)
    own = deal(zoho, "Refonte", Contact_Name={"id": number, "name": "Jean Dupont"})
    result = await tool("list_related_records", record=f"contact:{number}", related="affaires")
    assert [row["record"] for row in result["items"]] == [f"deal:{own}"]
    assert "Produits" in await problem("list_related_records", record=f"contact:{number}", related="Recettes")


async def test_attachments_up_and_down(zoho: FakeZoho, tool: Tool, tmp_path: Path) -> None:
    number = contact(zoho)
    (tmp_path / "data" / "devis.pdf").write_bytes(b"%PDF-1.4 un devis")
    made = await tool("upload_attachment", record=f"contact:{number}", path="devis.pdf")
    listed = await tool("list_attachments", record=f"contact:{number}")
    assert [(one["id"], one["name"], one["bytes"]) for one in listed["items"]] == [
        (made["attachment"], "devis.pdf", 17)
    ]
    saved = await tool("download_attachment", record=f"contact:{number}", attachment="devis.pdf")
    assert saved["path"] == f"zoho/{made['attachment']}/devis.pdf"
    assert (tmp_path / "data" / saved["path"]).read_bytes() == b"%PDF-1.4 un devis"
    assert saved["sha256"]


async def test_metadata_is_read_once_a_day_and_again_for_what_is_new(zoho: FakeZoho, tool: Tool) -> None:
    def read() -> int:
        return sum(request.path == "/crm/v8/settings/fields" for request in zoho.vendor.requests)

    contact(zoho)
    for _ in range(3):
        await tool("update_record", record="dupont@roy.example", fields={"Prénom": "Anne"})
    assert read() == 1
    zoho.fields["Contacts"]["Surnom"] = {
        **zoho.fields["Contacts"]["First_Name"],
        "api_name": "Surnom",
        "field_label": "Surnom",
        "display_label": "Surnom",
    }
    await tool("update_record", record="dupont@roy.example", fields={"Surnom": "Nana"})
    assert read() == 2


# -- errors


@pytest.mark.parametrize(
    ("status", "item", "kind", "error_message"),
    [
        (401, {"code": "OAUTH_SCOPE_MISMATCH"}, "scope", "lacks a scope"),
        (403, {"code": "NO_PERMISSION", "message": "permission denied"}, "scope", "permission denied"),
        (
            400,
            {"code": "DUPLICATE_DATA", "details": {"id": "57250", "api_name": "Email"}},
            "input",
            "with the id 57250 (Email)",
        ),
        (400, {"code": "ID_ALREADY_CONVERTED"}, "input", "converted already"),
        (400, {"code": "RECORD_IN_BLUEPRINT", "message": "in blueprint"}, "input", "blueprint"),
        (400, {"code": "INVALID_MODULE"}, "input", "no such module"),
        (
            400,
            {"code": "INVALID_DATA", "message": "the id given seems to be invalid"},
            "not_found",
            "does not have this record",
        ),
        (
            200,
            {"code": "INVALID_DATA", "message": "invalid data", "details": {"api_name": "Email"}},
            "input",
            "(Email)",
        ),
    ],
)
def test_map_error_by_code(status: int, item: dict[str, Any], kind: str, error_message: str) -> None:
    for body in ({"status": "error", **item}, {"data": [{"status": "error", **item}]}):
        mapped = map_error(status, body)
        assert mapped
        assert mapped.kind == kind
        assert error_message in mapped.message
        assert mapped.hint


@pytest.mark.parametrize("body", [None, [], "x", {}, {"data": [1, None]}, {"data": None}])
def test_map_error_of_another_shape_leaves_it_to_the_status(body: Any) -> None:
    assert map_error(500, body) is None


def test_error_of_an_unknown_code_leaves_it_to_the_status() -> None:
    assert error_of(500, {"code": "INTERNAL_ERROR", "message": "x"}) is None


async def test_two_requests_of_one_user_are_of_the_same_person(zoho: FakeZoho, tool: Tool) -> None:
    zoho.put("Tasks", Subject="A", Status="Not Started", Due_Date="2030-06-03")
    await tool("list_activities")
    assert f"Owner = '{OWNER['id']}'" in zoho.queries[-1]


def test_nothing_is_left_to_do() -> None:
    folder = Path(__file__).parents[1]
    texts = [
        path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.suffix in (".py", ".md", ".yaml") and "tests" not in path.parts
    ]
    assert not [text for text in texts if "TO" + "DO" in text]
