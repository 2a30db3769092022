"""Records of any object: found as people name them, checked against the org's own fields, never made twice."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.salesforce import queries
from flotilla_servers.salesforce.records import is_id, whole_id
from flotilla_servers.salesforce.server import server
from flotilla_servers.salesforce.tests.conftest import Tool
from flotilla_servers.salesforce.tests.fake import COLLEAGUE, QUEUE, USER, FakeSalesforce, Refusal
from flotilla_testing import Response


def names_in(page: dict[str, Any]) -> list[str]:
    return [row.get("Name") or row.get("CaseNumber") or row["Subject"] for row in page["items"]]


# -- searching --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", ["06 12 34 56 78", "+33.6.12.34.56.78", "0033 6 12 34 56 78", "6 12345678", "new"])
async def test_search_records_by_number_however_it_is_stored(org: FakeSalesforce, tool: Tool, stored: str) -> None:
    """The search index finds some spellings; the digits of the number find the others, and what is new."""
    luc = org.add("Contact", FirstName="Luc", LastName="Roy", MobilePhone=stored.replace("new", "+33612345678"))
    org.add("Contact", LastName="Autre", Phone="06 12 34 56 79")
    if stored == "new":
        org._indexed.discard(luc)
    for spelling in ("06 12 34 56 78", "+33612345678"):
        assert names_in(await tool("search_records", query=spelling)) == ["Luc Roy"]


async def test_search_records_by_number_leaves_converted_leads_out(org: FakeSalesforce, tool: Tool) -> None:
    org.add("Lead", LastName="Ancienne", Company="Roy", Phone="+33612345678", IsConverted=True)
    org.add("Account", Name="Boulangerie Roy", Phone="+33612345678")
    assert names_in(await tool("search_records", query="0612345678")) == ["Boulangerie Roy"]
    assert names_in(await tool("search_records", query="0612345678", objects=["Contact"])) == []


async def test_search_records_without_a_field_that_is_hidden(org: FakeSalesforce, tool: Tool) -> None:
    org.hidden = {"Lead.MobilePhone", "Contact.HomePhone", "Contact.Title"}
    org.add("Lead", LastName="Durand", Company="Atelier", Phone="0612345678")
    assert names_in(await tool("search_records", query="+33612345678")) == ["Durand"]


@pytest.mark.parametrize("query", ["dupont", "Jean Dup", "jean.dupont@exemple.fr"])
async def test_search_records_by_words_and_address(org: FakeSalesforce, tool: Tool, query: str) -> None:
    org.add("Contact", FirstName="Jean", LastName="Dupont", Email="jean.dupont@exemple.fr")
    org.add("Lead", LastName="Durand", Company="Atelier")
    assert names_in(await tool("search_records", query=query)) == ["Jean Dupont"]


async def test_search_records_new_record_found_before_the_index_knows_it(org: FakeSalesforce, tool: Tool) -> None:
    org.lag = True
    await tool("create_record", object_name="Compte", values={"Nom du compte": "Boulangerie Lefèvre"})
    assert names_in(await tool("search_records", query="boulangerie lefevre")) == ["Boulangerie Lefèvre"]


async def test_search_records_signs_cannot_change_the_search(org: FakeSalesforce, tool: Tool) -> None:
    org.add("Contact", LastName="Dupont")
    for query in ("O'Brien} IN ALL FIELDS", "a AND b", "d*up'ont", "100% _x_"):
        assert (await tool("search_records", query=query))["items"] == []


async def test_search_records_case_number(org: FakeSalesforce, tool: Tool) -> None:
    case = org.add("Case", Subject="Four en panne")
    number = org.records["Case"][case]["CaseNumber"]
    assert names_in(await tool("search_records", query=number)) == [number]


# -- queries ----------------------------------------------------------------------------------------------------------


async def test_query_records_pages_counts_and_limits(org: FakeSalesforce, tool: Tool) -> None:
    for number in range(5):
        org.add("Account", Name=f"Compte {number}", AnnualRevenue=1250.0)
    org.batch_size = 2  # further rows come by nextRecordsUrl
    soql = "SELECT Id, Name, Owner.Name, AnnualRevenue, CreatedDate FROM Account ORDER BY Name"
    page = await tool("query_records", soql=soql, limit=3)
    assert names_in(page) == ["Compte 0", "Compte 1", "Compte 2"]
    row = page["items"][0]
    assert (row["Owner.Name"], row["AnnualRevenue"], row["CreatedDate"][-6:]) == ("Chloé Martin", "1250", "+01:00")
    last = await tool("query_records", soql=soql, limit=3, cursor=page["next_cursor"])
    assert (names_in(last), "next_cursor" in last) == (["Compte 3", "Compte 4"], False)
    assert len((await tool("query_records", soql=f"{soql} LIMIT 2"))["items"]) == 2
    assert (await tool("query_records", soql="SELECT COUNT() FROM Account"))["items"] == [{"count": "5"}]


@pytest.mark.parametrize(
    ("soql", "reason"),
    [
        ("DELETE FROM Account", "not a SELECT"),
        ("SELECT Id FROM Account FOR UPDATE", "do more than read"),
        ("SELECT Prix__c FROM Account", "does not know a field"),
        ("SELECT Id FROM Nimporte__c", "cannot read the query"),
    ],
)
async def test_query_records_refused(org: FakeSalesforce, problem: Tool, soql: str, reason: str) -> None:
    assert reason in await problem("query_records", soql=soql)


async def test_query_records_text_in_quotes_is_not_a_lock(org: FakeSalesforce, tool: Tool) -> None:
    org.add("Account", Name="For Update")
    assert names_in(await tool("query_records", soql="SELECT Name FROM Account WHERE Name = 'For Update'")) == [
        "For Update"
    ]


@pytest.mark.parametrize(
    ("value", "literal"),
    [("O'Brien", r"'O\'Brien'"), ("a\\' OR Name != '", r"'a\\\' OR Name != \''"), ("x\ny", r"'x\ny'")],
)
def test_text_cannot_end_its_literal(value: str, literal: str) -> None:
    assert queries.text(value) == literal


def test_id_in_fifteen_characters_is_made_eighteen() -> None:
    assert whole_id("001D000000IqhSL") == "001D000000IqhSLIAZ"  # the vendor's own example
    assert [is_id(text) for text in ("001D000000IqhSL", "Boulangerie Roy", "Etablissements1")] == [True, False, False]


# -- reading ----------------------------------------------------------------------------------------------------------


async def test_get_record_by_number_with_what_belongs_to_it(org: FakeSalesforce, tool: Tool) -> None:
    account = org.add("Account", Name="Boulangerie Roy")
    luc = org.add("Contact", FirstName="Luc", LastName="Roy", Phone="0612345678", AccountId=account, Langues__c="fr;en")
    org.add("Task", Subject="Appel", Description="Budget 12 000 €", WhoId=luc, Status="Finished")
    shown = await tool("get_record", record="06 12 34 56 78")
    assert (shown["object"], shown["id"], shown["url"]) == ("Contact", luc, f"{org.vendor.url}/{luc}")
    fields = shown["fields"]
    assert (fields["Account.Name"], fields["Owner.Name"], fields["Langues__c"]) == (
        "Boulangerie Roy", "Chloé Martin", "fr;en"
    )  # fmt: skip
    task = next(row for row in shown["related"] if row["object"] == "Task")
    assert (task["Description"], task["Status"]) == ("Budget 12 000 €", "Finished")
    alone = await tool("get_record", record=f"Account:{'boulangerie roy'}", related=False)
    assert "related" not in alone
    assert alone["fields"]["Name"] == "Boulangerie Roy"


async def test_get_record_names_that_fit_several_or_none(org: FakeSalesforce, tool: Tool, problem: Tool) -> None:
    first, second = (org.add("Account", Name="Boulangerie Lefèvre") for _ in range(2))
    message = await problem("get_record", record="Account:boulangerie lefevre")
    assert first in message
    assert second in message
    assert "There is no Account `Zzz`" in await problem("get_record", record="Account:Zzz")
    assert "Nobody in Salesforce has" in await problem("get_record", record="nobody@exemple.fr")
    assert "does not have this" in await problem("get_record", record="001AP00000zzz99AAA")
    assert "is not a record" in await problem("get_record", record="quelque chose")


# -- creating ---------------------------------------------------------------------------------------------------------


async def test_create_record_by_labels_with_values_as_people_write_them(org: FakeSalesforce, tool: Tool) -> None:
    account = org.add("Account", Name="Boulangerie Roy")
    made = await tool(
        "create_record",
        object_name="contact",
        values={
            "Nom": "Roy", "Prénom": "Luc", "compte": "Boulangerie Roy", "Mobile": "+33 (0)6 12 34 56 78",
            "Date de naissance": "1980-02-29", "Refus des e-mails": "oui", "Langues": ["Français", "de"],
            "origine": "salon", "propriétaire": "Hugo",
        },
    )  # fmt: skip
    row = org.records["Contact"][made["id"]]
    assert (row["Name"], row["AccountId"], row["MobilePhone"]) == ("Luc Roy", account, "+33612345678")
    assert (row["Birthdate"], row["HasOptedOutOfEmail"], row["Langues__c"]) == ("1980-02-29", True, "fr;de")
    assert (row["LeadSource"], row["OwnerId"]) == ("Fair", COLLEAGUE)


async def test_create_record_of_the_orgs_own_object(org: FakeSalesforce, tool: Tool) -> None:
    roy = org.add("Account", Name="Boulangerie Roy")
    values = {"Numéro": "F-1", "montant": "1 250,50 €", "payee": False, "Compte": roy}
    made = await tool("create_record", object_name="Factures", values=values)
    row = org.records["Facture__c"][made["id"]]
    assert (row["Name"], row["Montant__c"], row["Payee__c"], row["Compte__c"]) == ("F-1", 1250.5, False, roy)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"LastName": "Roy"}, "Lead needs more: Company (Société)."),
        ({"LastName": "Roy", "Company": "R", "Évaluation": "tiède"}, "Allowed: Chaude (Hot), Froide (Cold)."),
        ({"LastName": "Roy", "Company": "R", "Telefone": "06"}, "Similar ones: "),
        ({"LastName": "Roy", "Company": "R", "IsConverted": True}, "Salesforce sets `IsConverted` of Lead itself."),
        ({"LastName": "Roy", "Company": "R", "AnnualRevenue": "12.500"}, "can be read in two ways"),
        ({"LastName": "Roy", "Company": "x" * 121}, "is longer than 120 characters"),
        ({"LastName": "Roy", "Nom": "Roy", "Company": "R"}, "`LastName` is set twice."),
    ],
)
async def test_create_record_wrong_values_refused_before_anything_is_sent(
    org: FakeSalesforce, problem: Tool, values: dict[str, Any], reason: str
) -> None:
    assert reason in await problem("create_record", object_name="Lead", values=values)
    assert not org.records.get("Lead")


@pytest.mark.parametrize(
    "there", [{"Email": "marie@durand.example"}, {"Phone": "06 98 76 54 32"}, {"MobilePhone": "+33698765432"}]
)
async def test_create_record_person_who_is_there_refused(
    org: FakeSalesforce, tool: Tool, problem: Tool, there: dict[str, str]
) -> None:
    known = org.add("Contact", FirstName="Marie", LastName="Durand", **there)
    values = {"LastName": "Durand", "Company": "Atelier", "Email": "marie@durand.example", "Phone": "0698765432"}
    message = await problem("create_record", object_name="Lead", values=values)
    assert f"Salesforce has this Contact already: Marie Durand ({known})" in message
    await tool("create_record", object_name="Lead", values=values, allow_duplicate=True)
    assert len(org.records["Lead"]) == 1


async def test_create_record_account_of_the_name_with_other_accents_refused(
    org: FakeSalesforce, tool: Tool, problem: Tool
) -> None:
    known = org.add("Account", Name="Boulangerie Lefèvre")
    assert known in await problem("create_record", object_name="Account", values={"Name": "BOULANGERIE LEFEVRE"})


async def test_create_record_duplicate_rule_of_the_org_names_the_record(org: FakeSalesforce, problem: Tool) -> None:
    known = "001AP00000zzz99AAA"
    match = {"matchResults": [{"matchRecords": [{"record": {"Id": known}}]}]}
    org.rule = Refusal(400, "DUPLICATES_DETECTED", "Use one of these records?", duplicateResut=match)
    message = await problem("create_record", object_name="Account", values={"Name": "Roy"})
    assert f"has such a record already, with the id {known}" in message


# -- changing ---------------------------------------------------------------------------------------------------------


async def test_update_record_owner_status_and_clearing(org: FakeSalesforce, tool: Tool) -> None:
    case = org.add("Case", Subject="Four en panne", Description="Froid")
    await tool(
        "update_record", record=case, values={"owner": "support niveau 1", "statut": "done", "Description": None}
    )
    row = org.records["Case"][case]
    assert (row["OwnerId"], row["Status"], row["IsClosed"], row["Description"]) == (QUEUE, "Done", True, None)
    await tool("update_record", record=case, values={"owner": "moi", "Status": "En cours"})
    assert (row["OwnerId"], row["Status"]) == (USER, "Working")
    deal = org.add("Opportunity", Name="Refonte", StageName="Quote", CloseDate="2030-06-30")
    await tool("update_record", record=deal, values={"étape": "won"})
    assert org.records["Opportunity"][deal]["IsWon"] is True


async def test_update_record_unknown_owner_lists_people(org: FakeSalesforce, problem: Tool) -> None:
    lead = org.add("Lead", LastName="Roy", Company="Roy")
    message = await problem("update_record", record=lead, values={"OwnerId": "Zoé"})
    assert "There is no user `Zoé`. There are: Chloé Martin, Hugo Petit." in message
    assert "There is nothing to change." in await problem("update_record", record=lead, values={})


async def test_delete_record_asks_with_the_name(org: FakeSalesforce, tool: Tool, asked: list[str]) -> None:
    account = org.add("Account", Name="Boulangerie Roy")
    assert (await tool("delete_record", record="Account:boulangerie roy"))["deleted"] is True
    assert asked == ["Delete the Account «Boulangerie Roy» and what belongs to it?"]
    assert account not in org.records["Account"]


async def test_set_record_by_external_id_creates_once_then_updates(
    org: FakeSalesforce, tool: Tool, problem: Tool
) -> None:
    arguments = {"object_name": "Account", "field": "numéro client", "value": "C/1042"}
    first = await tool("set_record_by_external_id", **arguments, values={"Name": "Roy"})
    again = await tool("set_record_by_external_id", **arguments, values={"Name": "Boulangerie Roy"})
    assert (first["created"], again["created"], first["id"] == again["id"]) == (True, False, True)
    assert [row["Name"] for row in org.records["Account"].values()] == ["Boulangerie Roy"]
    org.add("Account", Name="Autre", Numero_client__c="C/1042")
    assert "Several records have" in await problem("set_record_by_external_id", **arguments, values={"Name": "X"})
    message = await problem("set_record_by_external_id", object_name="Account", field="Name", value="x", values={})
    assert "`Name` is not an External ID field of Account. There are: Numero_client__c." in message


async def test_create_related_records_all_or_none(org: FakeSalesforce, tool: Tool, problem: Tool) -> None:
    children = [{"object": "Contact", "values": {"Nom": "Roy"}}, {"object": "Contact", "values": {"LastName": "Petit"}}]
    made = await tool("create_related_records", object_name="Account", values={"Name": "Roy"}, children=children)
    account, *people = [item["id"] for item in made["items"]]
    assert [org.records["Contact"][one]["AccountId"] for one in people] == [account, account]
    message = await problem(
        "create_related_records", object_name="Account", values={"Name": "Roy"}, children=children
    )  # the org's duplicate rule refuses the second account
    assert "has such a record already" in message
    assert "was done" not in message
    assert (len(org.records["Account"]), len(org.records["Contact"])) == (1, 2)


# -- the org itself ---------------------------------------------------------------------------------------------------


async def test_list_fields_objects_and_users(org: FakeSalesforce, tool: Tool) -> None:
    fields = (await tool("list_fields", object_name="Piste", query="évaluation"))["items"]
    assert fields == [
        {"name": "Rating", "label": "Évaluation", "type": "picklist", "choices": ["Chaude (Hot)", "Froide (Cold)"]}
    ]
    objects = (await tool("list_objects", query="factu"))["items"]
    assert objects == [{"name": "Facture__c", "label": "Facture", "custom": True}]
    assert [one["name"] for one in (await tool("list_users"))["items"]] == ["Chloé Martin", "Hugo Petit"]
    assert [one["id"] for one in (await tool("list_users", query="chloe"))["items"]] == [USER]


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", "of the last 24 hours are used up"),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", "Too many requests run in the org"),
        (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", "Somebody else is changing this record"),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights", "does not allow this"),
        (403, "API_DISABLED_FOR_ORG", "The REST API is not enabled", "the sharing or the edition"),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Le SIRET manque", '"Le SIRET manque (Siret__c)"'),
        (400, "QUERY_TIMEOUT", "Your query request was running for too long.", "takes Salesforce too long"),
    ],
)
async def test_refusals_of_the_org_say_what_to_do(
    org: FakeSalesforce, problem: Tool, status: int, code: str, message: str, expected: str
) -> None:
    refusal = Response.of([{"errorCode": code, "message": message, "fields": ["Siret__c"]}], status)
    org.to = lambda request: refusal  # type: ignore[method-assign]
    assert expected in await problem("list_users")


async def test_times_are_read_in_the_fleet_zone_where_the_user_is_unknown(org: FakeSalesforce, tool: Tool) -> None:
    org.records["User"].pop(USER)
    event = await tool("create_event", subject="Démo", start="2030-06-04T14:00", minutes=30)
    assert (event["at"], event["end"]) == ("2030-06-04T14:00:00+00:00", "2030-06-04T14:30:00+00:00")
    assert server.connection.fleet.timezone == "UTC"
