"""What a day's work does to a company that keeps it: a caller found, a deal opened, the next call booked, won."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.pipedrive.tests.conftest import Tool
from flotilla_servers.pipedrive.tests.fake import LEAD, FakePipedrive
from flotilla_testing import Response

BUDGET, ORIGIN, OPTIONS, BOSS = ("a" * 40), ("b" * 40), ("c" * 40), ("0" * 40)


async def test_sales_day_caller_to_won_deal(fake: FakePipedrive, tool: Tool) -> None:
    caller = await tool("get_caller", caller="+33 6 12 34 56 78")  # kept as 06.12.34.56.78
    assert caller["details"]["record"] == "person:5"
    assert caller["details"]["organization_name"] == "Boulangerie Roy"
    assert caller["details"]["Préférence"] == "Matin"
    assert caller["leads"][0]["title"] == "Refonte boutique"
    opened = await tool("create_deal", title="Refonte du site", person="person:5", value="12 500,50 €")
    assert opened["stage"] == "Ventes/Qualification"
    assert opened["url"].startswith("https://agence.pipedrive.com/deal/")
    deal = fake.deals[int(opened["record"].removeprefix("deal:"))]
    assert (deal["value"], deal["currency"], deal["person_id"], deal["org_id"]) == (12500.5, "EUR", 5, 9)
    booked = await tool(
        "create_activity", subject="Appeler", due="2030-06-03T09:00", about=[opened["record"]], type="Appel", minutes=30
    )
    assert booked["due"] == "2030-06-03T09:00:00+02:00"
    (activity,) = fake.activities.values()
    assert (activity["due_date"], activity["due_time"], activity["duration"]) == ("2030-06-03", "07:00", "00:30")
    assert (activity["person_id"], activity["org_id"], activity["deal_id"]) == (5, 9, deal["id"])
    await tool("add_note", text="Budget < 13 000 €\nRappeler jeudi", about=[opened["record"]])
    (note,) = fake.kinds["notes"].values()
    assert note["content"] == "Budget &lt; 13 000 €<br>Rappeler jeudi"
    moved = await tool("update_deal", deal="Refonte du site", stage="devis envoye")
    assert moved["stage"] == "Ventes/Devis envoyé"
    won = await tool("update_deal", deal=opened["record"], stage="gagné")
    assert (won["status"], deal["status"], deal["stage_id"]) == ("won", "won", 2)
    detail = await tool("get_record", record=opened["record"])
    assert detail["notes"][0]["text"] == "Budget < 13 000 €\nRappeler jeudi"
    assert detail["activities"][0]["due"] == "2030-06-03T09:00:00+02:00"


async def test_create_deal_from_lead(fake: FakePipedrive, tool: Tool) -> None:
    made = await tool("create_deal_from_lead", lead="Refonte boutique", stage="Renouvellements/Négociation")
    assert made["stage"] == "Renouvellements/Négociation"
    assert made["record"] == f"deal:{fake.conversion['deal_id']}"
    assert fake.conversion["looks"] == 2
    assert LEAD not in fake.kinds["leads"]


async def test_create_deal_from_lead_failed_conversion_reported(fake: FakePipedrive, problem: Tool) -> None:
    fake.conversion["status"] = "rejected"
    assert "could not convert the lead (rejected)" in await problem("create_deal_from_lead", lead=f"lead:{LEAD}")


# -- callers and search -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["06 12 34 56 78", "0033612345678", "zoe@lefevre.example", "zoé lefèvre", "Lefèvre"]
)
async def test_get_caller_however_written(fake: FakePipedrive, tool: Tool, problem: Tool, written: str) -> None:
    assert (await tool("get_caller", caller=written))["details"]["record"] == "person:5"


async def test_get_caller_shared_number_lists_the_others(fake: FakePipedrive, tool: Tool) -> None:
    fake.persons[6] = {**fake.persons[5], "id": 6, "name": "Paul Roy"}
    result = await tool("get_caller", caller="0612345678")
    assert result["others"][0]["record"] == "person:6"
    assert "2 people have `0612345678`" in result["note"]


async def test_get_caller_unknown_number_says_how_to_create(fake: FakePipedrive, problem: Tool) -> None:
    message = await problem("get_caller", caller="04 72 00 00 00")
    assert "pipedrive_create_person" in message


async def test_get_record_without_a_scope_says_what_is_missing(fake: FakePipedrive, tool: Tool) -> None:
    fake.fails.append(("/v1/leads", Response.of({"success": False, "error": "Scope and URL mismatch"}, 403)))
    result = await tool("get_record", record="person:5")
    assert "leads may not be read" in result["note"]
    assert result["details"]["name"] == "Zoé Lefèvre"


async def test_search_all_by_words_and_by_phone(fake: FakePipedrive, tool: Tool) -> None:
    rows = (await tool("search_all", query="Roy"))["items"]
    assert [row["record"] for row in rows] == ["organization:9"]
    rows = (await tool("search_all", query="+33612345678"))["items"]
    assert [row["record"] for row in rows] == ["person:5"]


async def test_name_of_several_lists_candidates(fake: FakePipedrive, problem: Tool) -> None:
    for key in (21, 22):
        fake.deals[key] = {"id": key, "title": "Site", "status": "open", "stage_id": 1, "pipeline_id": 1}
    message = await problem("update_deal", deal="Site", status="won")
    assert "Site (21), Site (22)" in message
    assert not fake.writes


# -- persons and organizations ----------------------------------------------------------------------------------------


async def test_create_person_keeps_number_as_e164(fake: FakePipedrive, tool: Tool) -> None:
    made = await tool(
        "create_person", name="Paul Martin", phone="04 72 00 00 01", email="paul@martin.example",
        organization="boulangerie roy", owner="marc", fields={"Préférence": "apres-midi", "Fonction": "Chef"},
    )  # fmt: skip
    person = fake.persons[int(made["record"].removeprefix("person:"))]
    assert person["phones"] == [{"value": "+33472000001", "primary": True, "label": "work"}]
    assert (person["org_id"], person["owner_id"], person["job_title"]) == (9, 12, "Chef")
    assert person["custom_fields"] == {"5" * 40: 52}


@pytest.mark.parametrize(
    ("arguments", "shared"),
    [
        ({"name": "Z. L.", "phone": "+33612345678"}, "phone number"),
        ({"name": "Z. L.", "email": "ZOE@lefevre.example"}, "e-mail address"),
        ({"name": "Zoé Lefèvre"}, "name"),
    ],
)
async def test_create_person_existing_refused(
    fake: FakePipedrive, problem: Tool, arguments: dict[str, Any], shared: str
) -> None:
    message = await problem("create_person", **arguments)
    assert f"a person with this {shared} already: person:5 (Zoé Lefèvre)" in message
    assert not fake.writes


async def test_create_organization_existing_refused(fake: FakePipedrive, problem: Tool, tool: Tool) -> None:
    assert "organization:9" in await problem("create_organization", name="boulangerie ROY")
    made = await tool("create_organization", name="Fromagerie Blanc", address="2 rue du Lac, Lyon")
    assert fake.kinds["organizations"][int(made["record"][13:])]["address"] == {"value": "2 rue du Lac, Lyon"}


async def test_update_record_new_number_goes_first(fake: FakePipedrive, tool: Tool) -> None:
    await tool("update_record", record="person:5", add_phone="07 00 00 00 01", add_email="z@roy.example")
    assert [one["value"] for one in fake.persons[5]["phones"]] == ["+33700000001", "06.12.34.56.78"]
    assert [one["primary"] for one in fake.persons[5]["emails"]] == [True, False]
    await tool("update_record", record="organization:9", fields={"SIRET": None})
    assert fake.kinds["organizations"][9]["custom_fields"] == {"6" * 40: None}


async def test_merge_records_asks_with_both_names(fake: FakePipedrive, tool: Tool, asked: list[str]) -> None:
    fake.persons[6] = {**fake.persons[5], "id": 6, "name": "Zoé Roy"}
    assert (await tool("merge_records", keep="person:5", merge="person:6"))["record"] == "person:5"
    assert asked == ["Merge the person «Zoé Roy» (person:6) into the person «Zoé Lefèvre» (person:5) for good?"]
    assert set(fake.persons) == {5}


async def test_delete_record_asks_with_the_name(
    fake: FakePipedrive, tool: Tool, asked: list[str], problem: Tool
) -> None:
    await tool("delete_record", kind="lead", number=LEAD)
    assert asked == [f"Delete the lead «Refonte boutique» (lead:{LEAD})?"]
    assert not fake.kinds["leads"]
    assert "is not the number of a deal" in await problem("delete_record", kind="deal", number=LEAD)


async def test_lists_of_persons_and_organizations(tool: Tool) -> None:
    rows = (await tool("list_persons", organization="boulangerie roy", owner="Chloé"))["items"]
    assert [(row["record"], row["owner"]) for row in rows] == [("person:5", "Chloé Durand")]
    assert (await tool("list_persons", owner="marc@agence.example"))["items"] == []
    assert (await tool("list_organizations", owner="me"))["items"][0]["name"] == "Boulangerie Roy"


# -- deals ------------------------------------------------------------------------------------------------------------


async def test_create_deal_same_title_refused(fake: FakePipedrive, tool: Tool, problem: Tool) -> None:
    first = await tool("create_deal", title="Site", person="zoe@lefevre.example")
    assert first["record"] in await problem("create_deal", title="SITE", person="person:5")
    again = await tool("create_deal", title="Site", person="person:5", same_title=True)
    assert again["record"] != first["record"]


async def test_update_deal_custom_fields_by_name(fake: FakePipedrive, tool: Tool, problem: Tool) -> None:
    fake.deals[21] = {"id": 21, "title": "Site", "status": "open", "stage_id": 1, "pipeline_id": 1, "custom_fields": {}}
    await tool(
        "update_deal", deal="deal:21",
        fields={
            "budget": "9 000 €", "Origine": "site web", "Options": ["Hébergement", "référencement"],
            "Date de livraison": "2030-09-01", "Effectif": "12,5", "Chantier": "2030-06-03/2030-06-07",
            "Chef de projet": "Marc Petit", "Heure": "14h30", "Adresse du chantier": "Lyon", "Urgent": "oui",
            "Remarque": "dès que possible", "Étiquettes": "Chaud",
        },
    )  # fmt: skip
    custom = fake.deals[21]["custom_fields"]
    assert custom == {
        BUDGET: {"value": 9000, "currency": "EUR"}, ORIGIN: 32, OPTIONS: [41, 42], "d" * 40: "2030-09-01",
        "e" * 40: 12.5, "f" * 40: {"value": "2030-06-03", "until": "2030-06-07"}, BOSS: 12,
        "2" * 40: {"value": "14:30:00"}, "3" * 40: {"value": "Lyon"}, "4" * 40: True, "1" * 40: "dès que possible",
    }  # fmt: skip
    assert fake.deals[21]["label_ids"] == [21]
    shown = (await tool("get_record", record="deal:21"))["details"]
    assert (shown["Budget"], shown["Origine"], shown["Options"], shown["Chef de projet"]) == (
        "9000 EUR", "Site web", "Hébergement, Référencement", "Marc Petit",
    )  # fmt: skip
    assert "There are: Salon, Site web" in await problem("update_deal", deal="deal:21", fields={"Origine": "Foire"})
    assert "Budget" in await problem("update_deal", deal="deal:21", fields={"Budjet": "1"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stage": "Signature"}, "There is no stage `Signature`"),
        ({"lost_reason": "Trop cher"}, "Only a lost deal has a reason"),
        ({}, "There is nothing to change"),
        ({"value": "-5 €"}, "below zero"),
        ({"owner": "Ancien Collègue"}, "There is no user"),
    ],
)
async def test_update_deal_impossible_refused(
    fake: FakePipedrive, problem: Tool, arguments: dict[str, Any], message: str
) -> None:
    fake.deals[21] = {"id": 21, "title": "Site", "status": "open", "stage_id": 1, "pipeline_id": 1}
    assert message in await problem("update_deal", deal="deal:21", **arguments)
    assert not fake.writes


async def test_update_deal_stage_of_its_own_pipeline_first(fake: FakePipedrive, tool: Tool, problem: Tool) -> None:
    fake.deals[21] = {"id": 21, "title": "Bail", "status": "open", "stage_id": 4, "pipeline_id": 2}
    assert (await tool("update_deal", deal="deal:21", stage="négociation"))["stage"] == "Renouvellements/Négociation"
    lost = await tool("update_deal", deal="deal:21", stage="perdu", lost_reason="Trop cher")
    assert (lost["status"], fake.deals[21]["lost_reason"], fake.deals[21]["stage_id"]) == ("lost", "Trop cher", 5)
    assert "More than one stage" in await problem("list_deals", stage="Négociation")


async def test_list_deals_filters_by_name(fake: FakePipedrive, tool: Tool) -> None:
    fake.deals[21] = {"id": 21, "title": "Bail", "status": "open", "stage_id": 4, "pipeline_id": 2, "person_id": 5}
    rows = (await tool("list_deals", stage="À relancer", person="06 12 34 56 78"))["items"]
    assert rows == [
        {
            "record": "deal:21", "title": "Bail", "status": "open", "pipeline": "Renouvellements",
            "stage": "À relancer", "person": "person:5", "person_name": "Zoé Lefèvre",
        }
    ]  # fmt: skip
    assert (await tool("list_deals", status="won", pipeline="Ventes"))["items"] == []


# -- activities -------------------------------------------------------------------------------------------------------


async def test_list_activities_of_a_day_in_the_persons_zone(fake: FakePipedrive, tool: Tool) -> None:
    for key, day, clock in ((1, "2030-06-02", "21:59"), (2, "2030-06-02", "22:00"), (3, "2030-06-03", None),
                            (4, "2030-06-03", "22:00"), (5, None, None)):  # fmt: skip
        fake.activities[key] = {
            "id": key, "subject": f"A{key}", "due_date": day, "due_time": clock, "done": False, "owner_id": 11
        }  # fmt: skip
    rows = (await tool("list_activities", start="2030-06-03", end="2030-06-03"))["items"]
    assert [row["subject"] for row in rows] == ["A2", "A3"]
    assert [row["due"] for row in rows] == ["2030-06-03T00:00:00+02:00", "2030-06-03"]


async def test_update_activity_day_keeps_the_time(fake: FakePipedrive, tool: Tool, problem: Tool) -> None:
    fake.activities[1] = {"id": 1, "subject": "A", "due_date": "2030-06-03", "due_time": "07:00:00", "done": False}
    moved = await tool("update_activity", activity="activity:1", due="2030-12-03")
    assert moved["due"] == "2030-12-03T09:00:00+01:00"  # nine in winter too
    done = await tool("update_activity", activity="activity:1", done=True)
    assert (done["status"], fake.activities[1]["done"]) == ("done", True)
    assert "is not an activity" in await problem("update_activity", activity="A", done=True)


async def test_create_activity_whole_day_has_no_time(fake: FakePipedrive, tool: Tool, problem: Tool) -> None:
    await tool("create_activity", subject="Relancer", due="2030-06-03", about=[f"lead:{LEAD}"], text="a & b")
    (made,) = fake.activities.values()
    assert (made["due_date"], made.get("due_time"), made["lead_id"], made["note"]) == (
        "2030-06-03",
        None,
        LEAD,
        "a &amp; b",
    )
    message = await problem("create_activity", subject="X", due="2030-06-03", about=["person:5", "person:6"])
    assert "An activity has one person" in message
    assert "There are: Appel, Réunion, Tâche" in await problem(
        "create_activity", subject="X", due="2030-06-03", type="Fax"
    )


# -- leads, notes, products, files, setup -----------------------------------------------------------------------------


async def test_leads_created_changed_listed(fake: FakePipedrive, tool: Tool, problem: Tool) -> None:
    assert "belongs to a person or an organization" in await problem("create_lead", title="Site")
    made = await tool("create_lead", title="Site", person="person:5", value="900 €", expected_close="2030-06-30")
    lead = fake.kinds["leads"][made["record"].removeprefix("lead:")]
    assert (lead["value"], lead["expected_close_date"]) == ({"amount": 900, "currency": "EUR"}, "2030-06-30")
    assert "already" in await problem("create_lead", title="site", person="person:5")
    await tool("update_lead", lead=made["record"], archived=True)
    assert lead["is_archived"] is True
    assert len((await tool("list_leads", person="person:5"))["items"]) == 2


async def test_notes_listed_and_replaced(fake: FakePipedrive, tool: Tool) -> None:
    made = await tool("add_note", text="Ancien", about=["person:5", "organization:9"])
    await tool("update_note", note=made["record"], text="Nouveau")
    rows = (await tool("list_notes", about="person:5"))["items"]
    assert [row["text"] for row in rows] == ["Nouveau"]
    assert rows[0]["organization"] == "organization:9"


async def test_products_on_a_deal(fake: FakePipedrive, tool: Tool, asked: list[str]) -> None:
    fake.deals[21] = {"id": 21, "title": "Bail", "status": "open", "stage_id": 1, "pipeline_id": 1, "currency": "EUR"}
    line = (await tool("add_deal_product", deal="deal:21", product="product:3", quantity="2", discount="10 %"))[
        "items"
    ][0]
    assert (line["price"], line["sum"], line["discount"]) == ("12.5 EUR", "22.5 EUR", "10 %")
    assert len((await tool("list_deal_products", deal="deal:21"))["items"]) == 1
    changed = await tool("update_deal_product", deal="deal:21", line=line["line"], quantity="4", discount="0")
    assert (changed["items"][0]["quantity"], changed["items"][0]["sum"]) == ("4", "50.0 EUR")
    await tool("delete_deal_product", deal="deal:21", line=line["line"])
    assert asked == ["Take «Crayon» (50.0 EUR) off the deal:21?"]
    assert not fake.lines


async def test_products_found_by_name(fake: FakePipedrive, tool: Tool, problem: Tool) -> None:
    fake.deals[21] = {"id": 21, "title": "Bail", "status": "open", "stage_id": 1, "pipeline_id": 1, "currency": "CHF"}
    (row,) = (await tool("search_products", query="crayon"))["items"]
    assert (row["record"], row["price"]) == ("product:3", "12.5 EUR")
    assert "no price in CHF" in await problem("add_deal_product", deal="deal:21", product="crayon")
    await tool("add_deal_product", deal="deal:21", product="crayon", price="11,90", quantity="3")
    (line,) = fake.lines.values()
    assert (line["product_id"], line["item_price"], line["quantity"]) == (3, 11.9, 3)


async def test_upload_file_from_the_data_folder(fake: FakePipedrive, tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "data" / "devis.txt").write_text("12 500 €", encoding="utf-8")
    made = await tool("upload_file", path="devis.txt", about="person:5")
    name, body = fake.files[int(made["record"].removeprefix("file:"))]
    assert name == "devis.txt"
    assert b'name="person_id"\r\n\r\n5' in body


async def test_files_listed_and_saved(fake: FakePipedrive, tool: Tool, tmp_path: Path) -> None:
    (row,) = (await tool("list_files", about="person:5"))["items"]
    saved = await tool("download_file", file=row["record"])
    assert (saved["path"], saved["bytes"], saved["next"]) == (
        "pipedrive/123/devis.pdf",
        9,
        "Read it with fs_read_document.",
    )
    assert (tmp_path / "data" / saved["path"]).read_bytes() == b"%PDF-1.4 "


async def test_deal_totals_by_currency(tool: Tool) -> None:
    totals = await tool("get_deal_totals", owner="me", pipeline="Ventes")
    assert totals == {"count": 2, "total": {"EUR": "15500.5"}, "weighted": {"EUR": "7750.25"}}


async def test_setup_listed_by_name(tool: Tool) -> None:
    assert [one["name"] for one in (await tool("list_users"))["items"]] == ["Chloé Durand", "Marc Petit"]
    fields = {one["name"]: one.get("choices") for one in (await tool("list_fields", kind="deal"))["items"]}
    assert fields["Origine"] == ["Salon", "Site web"]
    stages = (await tool("list_pipelines"))["items"][0]["stages"]
    assert stages == ["Qualification", "Devis envoyé", "Négociation"]


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Response.of({"success": False, "error": "Daily API token limit exceeded"}, 429), "used up for today"),
        (Response(403, b"<html>blocked</html>", {"content-type": "text/html"}), "network refuses requests for now"),
        (Response.of({"success": False, "error": "Scope and URL mismatch"}, 403), "lacks a scope"),
        (
            Response.of({"success": False, "error": "Something is off", "data": None}),
            'refuses this: "Something is off"',
        ),
    ],
)
async def test_refusals_as_sentences(fake: FakePipedrive, problem: Tool, answer: Response, message: str) -> None:
    fake.fails.append(("/api/v2/persons", answer))
    assert message in await problem("list_persons")
