"""Databases: found by name, asked in plain words, filled by plain values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from flotilla_servers.notion import properties
from flotilla_servers.notion.server import server
from flotilla_servers.notion.tests.fake import FakeNotion
from flotilla_servers.notion.tests.workspace import Workspace
from flotilla_testing.amounts import NUMBERS, READ, TWO_WAYS

FULL = {
    "Nom": "Ève & Fils — « Œuvres »",
    "statut": "lead CHAUD",
    "E-mail": "eve@exemple.fr",
    "Telephone": "+33 6 12 34 56 78",
    "Budget": "12 500,50 €",
    "Site": "https://exemple.fr/ève",
    "Étiquettes": ["vip", "Nurturing"],
    "Responsable": "marie@exemple.fr",
    "Rendez-vous": "2030-06-03T14:00:00+02:00",
    "Notes": "Très **intéressée**, voir https://exemple.fr",
    "Actif": "oui",
    "Documents": "https://exemple.fr/devis.pdf",
}


async def test_get_database(tool: Any, space: Workspace) -> None:
    reported = await tool("get_database", database="taches")  # without its accent and capital
    assert reported["id"] == space.tasks
    assert reported["properties"] == [
        {"name": "Tâche", "type": "title"},
        {"name": "Échéance", "type": "date"},
        {"name": "État", "type": "status", "allowed": ["À faire", "En cours", "Fait"]},
        {"name": "Client", "type": "relation", "database": space.clients},
        {"name": "Assignée à", "type": "people"},
    ]


async def test_get_database_by_id_and_address(tool: Any, problem: Any, notion: FakeNotion, space: Workspace) -> None:
    database = notion.sources[space.clients]["parent"]["database_id"]
    bare = database.replace("-", "")
    for named in (space.clients, database, bare, f"https://www.notion.so/agence/Clients-{bare}?v={space.home}"):
        assert (await tool("get_database", database=named))["id"] == space.clients
    assert "no database" in (await problem("get_database", database="Fournisseurs")).lower()
    assert "404" not in await problem("get_database", database="00000000-2cf9-4fdf-8782-e53db20768a5")
    again = notion.database("Clients", {"Nom": "title"})
    reported = await problem("get_database", database="Clients")
    assert space.clients in reported
    assert again in reported
    notion.databases[database]["data_sources"].append({"id": again, "name": "Autre"})
    assert f"Autre ({again})" in await problem("get_database", database=database)


async def test_create_database_item_with_every_property_type(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    reported = await tool("create_database_item", database="Clients", properties=FULL, markdown="# Appel\nBien passé.")
    page = notion.pages[reported["id"]]
    saved = {name: value[value["type"]] for name, value in page["properties"].items()}
    assert reported == {"id": page["id"], "url": page["url"], "created": True}
    assert saved["Nom"][0]["plain_text"] == FULL["Nom"]
    assert saved["Statut"]["name"] == "Lead chaud"
    assert (saved["E-mail"], saved["Téléphone"]) == ("eve@exemple.fr", "+33 6 12 34 56 78")
    assert (saved["Budget"], saved["Actif"]) == (12500.5, True)
    assert [one["name"] for one in saved["Étiquettes"]] == ["VIP", "Nurturing"]
    assert saved["Responsable"][0]["id"] == space.marie
    assert saved["Rendez-vous"]["start"] == "2030-06-03T14:00:00+02:00"
    assert saved["Notes"][1]["annotations"]["bold"] is True
    assert saved["Notes"][3]["href"] == "https://exemple.fr"
    assert saved["Documents"][0]["external"]["url"] == "https://exemple.fr/devis.pdf"
    assert notion.tree(page["id"]) == [["heading_1", "Appel", []], ["paragraph", "Bien passé.", []]]
    row = (await tool("query_database", database="Clients", filters=[{"property": "Nom", "value": FULL["Nom"]}]))[
        "items"
    ][0]
    assert row["properties"]["Responsable"] == ["Marie Lefèvre"]
    assert row["properties"]["Créé le"] == "2030-06-02T09:30:00+00:00"
    assert row["properties"]["Numéro"].startswith("T-")
    assert row["properties"]["Documents"] == ["https://exemple.fr/devis.pdf"]


async def test_create_database_item_relations_by_title_and_date_span(
    tool: Any, problem: Any, notion: FakeNotion, space: Workspace
) -> None:
    values = {
        "Tâche": "Envoyer le devis",
        "Échéance": "2030-06-03/2030-06-05",
        "Client": "jean dupont",
        "État": "à faire",
    }
    reported = await tool("create_database_item", database="Tâches", properties=values)
    saved = notion.pages[reported["id"]]["properties"]
    assert saved["Client"]["relation"] == [{"id": space.dupont}]
    assert saved["Échéance"]["date"] == {"start": "2030-06-03", "end": "2030-06-05", "time_zone": None}
    rows = await tool(
        "query_database", database="Tâches", filters=[{"property": "Client", "is": "contains", "value": "Jean Dupont"}]
    )
    assert rows["items"][0]["properties"]["Échéance"] == "2030-06-03/2030-06-05"
    assert "has no page `Durand`" in await problem(
        "create_database_item", database="Tâches", properties={"Tâche": "x", "Client": "Durand"}
    )
    notion.row(space.clients, {"Nom": "Jean Dupont"})
    assert "2 related pages" in await problem(
        "create_database_item", database="Tâches", properties={"Tâche": "x", "Client": "Jean Dupont"}
    )


MISFITS = [
    ({"Statut": "Tiède"}, "Lead chaud, Client, Perdu"),
    ({"Étiquettes": ["VIP", "Neuf"]}, "Nurturing, VIP"),
    ({"Budget": "beaucoup"}, "1250.5"),
    ({"Budget": "1,250"}, "in two ways. Write 1250"),
    ({"Budget": "1.250 €"}, "in two ways"),
    ({"Budget": True}, "1250.5"),
    ({"Rendez-vous": "demain"}, "2030-06-01"),
    ({"Rendez-vous": "03/06/2030"}, "2030-06-01"),
    ({"Rendez-vous": "2030-06-03T14:00/2030-06-03T13:00"}, "before its start"),
    ({"Rendez-vous": "du 03/06 au 05/06"}, "does not take `du 03/06 au 05/06`"),
    ({"Rendez-vous": "2030-02-30"}, "2030-06-01"),
    ({"Rendez-vous": "2030-06-05/2030-06-03"}, "before its start"),
    ({"E-mail": "eve"}, "one e-mail address"),
    ({"Téléphone": "appeler Ève"}, "+33"),
    ({"Site": "exemple.fr"}, "https://"),
    ({"Actif": "peut-être"}, "true or false"),
    ({"Responsable": "Paul"}, "Marie Lefèvre (marie@exemple.fr)"),
    ({"Responsable": "me"}, "belongs to the workspace"),
    ({"Étiquettes": "Urgent"}, "pass new_options=true"),
    ({"Notes": {"a": 1}}, "one text"),
    ({"Score": 3}, "filled by Notion"),
    ({"Créé le": "2030-06-03"}, "filled by Notion"),
    ({"Statuts": "Client"}, "did you mean `Statut`"),
    ({"Couleur": "bleu"}, "Rendez-vous (date)"),
    ({"Nom": ""}, "a title"),
    ({"statut": "Client", "Statut": "Client"}, "twice"),
]


@pytest.mark.parametrize(("values", "reported"), MISFITS, ids=[str(v) for v, _ in MISFITS])
async def test_create_database_item_invalid_values_refused(
    problem: Any, notion: FakeNotion, values: dict[str, Any], reported: str
) -> None:
    message = await problem("create_database_item", database="Clients", properties={"Nom": "Nouveau", **values})
    assert reported in message
    assert not any(request.writes for request in notion.vendor.requests)


async def test_numbers_read_as_in_every_server(tool: Any, problem: Any, notion: FakeNotion, space: Workspace) -> None:
    """One table for all servers: what is read, what is refused because it has two readings, and JSON numbers."""
    for value, number in {**READ, **{one: Decimal(str(one)) for one in NUMBERS}}.items():
        params = {"Nom": "Nouveau", "Budget": value}
        shown = await tool("create_database_item", database="Clients", properties=params, dry_run=True)
        sent = shown["dry_run"]["body"]["properties"]["Budget"]["number"]
        assert Decimal(str(sent)) == number, value
    for text, readings in TWO_WAYS.items():
        params = {"Nom": "Nouveau", "Budget": text}
        assert f"Write {readings}" in await problem("create_database_item", database="Clients", properties=params)
    assert not any(request.writes for request in notion.vendor.requests)


@pytest.mark.parametrize(("form", "number"), [("percent", 0.2), ("number", 20)])
async def test_number_percentage_stored_as_the_property_shows_it(form: str, number: float) -> None:
    """Notion shows 0.2 as 20 % where the number's format is percent."""
    schema = {"Taux": {"type": "number", "number": {"format": form}}}
    assert await properties.values(schema, {"Taux": "20 %"}) == {"Taux": {"number": number}}


async def test_create_database_item_with_a_local_time(
    tool: Any, notion: FakeNotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time without an offset is read in FLOTILLA_TIMEZONE."""
    monkeypatch.setenv("FLOTILLA_TIMEZONE", "Europe/Paris")
    server.reset()
    params = {"Nom": "Durand", "Rendez-vous": "2030-06-03T14:00"}
    made = await tool("create_database_item", database="Clients", properties=params)
    saved = notion.pages[made["id"]]["properties"]["Rendez-vous"]["date"]
    assert saved["start"] == "2030-06-03T14:00:00+02:00"
    row = (await tool("query_database", database="Clients", filters=[{"property": "Nom", "value": "Durand"}]))["items"][
        0
    ]
    assert row["properties"]["Créé le"] == "2030-06-02T11:30:00+02:00"  # Notion keeps it in UTC


async def test_create_database_item_needs_a_title(
    problem: Any, tool: Any, notion: FakeNotion, space: Workspace
) -> None:
    assert "`Nom`" in await problem("create_database_item", database="Clients", properties={"Statut": "Client"})
    await tool("create_database_item", database="Clients", properties={"titre": "Sans nom de colonne"})
    assert "Sans nom de colonne" in notion.titles(space.clients)


async def test_create_database_item_returns_a_duplicate(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    reported = await tool("create_database_item", database="Clients", properties={"Nom": "jean dupont"})
    assert (reported["id"], reported["created"]) == (space.dupont, False)
    assert "nothing was created" in reported["note"]
    assert not any(request.writes for request in notion.vendor.requests)
    other = await tool(
        "create_database_item", database="Clients", properties={"Nom": "Jean Dupont"}, allow_duplicate=True
    )
    assert other["created"]
    assert notion.titles(space.clients).count("Jean Dupont") == 2


async def test_create_database_item_second_meeting_of_a_title(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    """Another text is another meeting; the same text, or a page without text, is the one that is there."""
    item = {"database": "Clients", "properties": {"Nom": "Point hebdo"}}
    first = await tool("create_database_item", **item, markdown="## Lundi\n\n- Devis")
    second = await tool("create_database_item", **item, markdown="## Mardi\n\n- Contrat")
    assert (first["created"], second["created"]) == (True, True)
    again = await tool("create_database_item", **item, markdown="## Mardi\n\n- Contrat")
    assert (again["id"], again["created"]) == (second["id"], False)
    assert "no text was written" in again["note"]
    empty = {"database": "Clients", "properties": {"Nom": "Jean Dupont"}, "markdown": "Appel"}
    assert (await tool("create_database_item", **empty))["id"] == space.dupont


async def test_create_database_item_finished_task_is_no_duplicate(
    tool: Any, notion: FakeNotion, space: Workspace
) -> None:
    task = {"Tâche": "Relancer Dupont"}
    first = await tool("create_database_item", database="Tâches", properties=task)
    await tool("update_page", page=first["id"], properties={"État": "Fait"})
    second = await tool("create_database_item", database="Tâches", properties=task)
    assert second["created"]
    assert not (await tool("create_database_item", database="Tâches", properties=task))["created"]
    done = await tool("create_database_item", database="Tâches", properties={**task, "État": "Fait"})
    assert (done["id"], done["created"]) == (first["id"], False)


async def test_new_options_added_on_request(tool: Any, problem: Any, notion: FakeNotion, space: Workspace) -> None:
    values = {"Étiquettes": ["vip", "Urgent"], "Statut": "Gagné"}
    await tool("update_page", page=space.dupont, properties=values, new_options=True)
    saved = notion.pages[space.dupont]["properties"]
    assert [one["name"] for one in saved["Étiquettes"]["multi_select"]] == ["VIP", "Urgent"]
    assert saved["Statut"]["select"]["name"] == "Gagné"
    refused = await problem("update_page", page=space.dupont, properties={"Étiquettes": ["a, b"]}, new_options=True)
    assert "no comma" in refused
    task = {"Tâche": "x", "État": "Annulé"}  # the API adds no options to a status
    assert "À faire, En cours, Fait" in await problem(
        "create_database_item", database="Tâches", properties=task, new_options=True
    )


async def test_people_by_first_name_and_me(tool: Any, problem: Any, notion: FakeNotion, space: Workspace) -> None:
    await tool("update_page", page=space.dupont, properties={"Responsable": "marie"})
    saved = notion.pages[space.dupont]["properties"]["Responsable"]
    assert [one["id"] for one in saved["people"]] == [space.marie]
    notion.owner = notion.person("Luc Roy", "luc@exemple.fr")
    await tool("update_page", page=space.dupont, properties={"Responsable": "me"})
    saved = notion.pages[space.dupont]["properties"]["Responsable"]
    assert [one["id"] for one in saved["people"]] == [notion.owner]
    notion.person("Marie Curie", "curie@exemple.fr")
    assert "Several people are called `Marie`" in await problem(
        "update_page", page=space.dupont, properties={"Responsable": "Marie"}
    )


async def test_relation_by_part_of_a_title(tool: Any, problem: Any, notion: FakeNotion, space: Workspace) -> None:
    made = await tool("create_database_item", database="Tâches", properties={"Tâche": "x", "Client": "Dupont"})
    assert notion.pages[made["id"]]["properties"]["Client"]["relation"] == [{"id": space.dupont}]
    notion.row(space.clients, {"Nom": "Luc Dupont"})
    message = await problem("create_database_item", database="Tâches", properties={"Tâche": "y", "Client": "Dupont"})
    assert f"Jean Dupont ({space.dupont})" in message


async def test_create_database_item_other_date_is_no_duplicate(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    first = {"Tâche": "Relancer", "Échéance": "2030-06-03T09:00:00+02:00", "Client": space.dupont}
    assert (await tool("create_database_item", database="Tâches", properties=first))["created"]
    same = {**first, "Échéance": "2030-06-03T07:00:00Z"}  # the same moment
    assert not (await tool("create_database_item", database="Tâches", properties=same))["created"]
    later = {**first, "Échéance": "2030-06-10"}
    assert (await tool("create_database_item", database="Tâches", properties=later))["created"]
    assert notion.titles(space.tasks) == ["Relancer", "Relancer"]


FILTERS: list[tuple[list[dict[str, Any]], list[str]]] = [
    ([], ["Jean Dupont", "Hélène Œuvrard"]),
    ([{"property": "Nom", "is": "contains", "value": "œuvr"}], ["Hélène Œuvrard"]),
    ([{"property": "nom", "is": "starts", "value": "Jean"}], ["Jean Dupont"]),
    ([{"property": "Nom", "is": "ends", "value": "Dupont"}], ["Jean Dupont"]),
    ([{"property": "Nom", "is": "excludes", "value": "Dupont"}], ["Hélène Œuvrard"]),
    ([{"property": "Statut", "value": "lead chaud"}], ["Jean Dupont"]),
    ([{"property": "Statut", "is": "!=", "value": "Client"}], ["Jean Dupont", "Hélène Œuvrard"]),
    ([{"property": "Statut", "is": "empty"}], ["Hélène Œuvrard"]),
    ([{"property": "Budget", "is": ">=", "value": "4 500"}], ["Jean Dupont"]),
    ([{"property": "Budget", "is": "<", "value": 4500}], []),
    ([{"property": "Étiquettes", "is": "contains", "value": "VIP"}], []),
    ([{"property": "Responsable", "is": "contains", "value": "Marie Lefèvre"}], []),
    ([{"property": "Responsable", "is": "contains", "value": "me"}], []),
    ([{"property": "Actif", "value": False}], ["Jean Dupont", "Hélène Œuvrard"]),
    ([{"property": "Rendez-vous", "is": "within", "value": "next_week"}], []),
    ([{"property": "Rendez-vous", "is": "<=", "value": "2030-06-03"}], []),
    ([{"property": "Documents", "is": "filled"}], []),
    ([{"property": "Numéro", "is": ">", "value": 1}], ["Jean Dupont", "Hélène Œuvrard"]),
    ([{"property": "created_time", "is": ">", "value": "2030-01-01"}], ["Jean Dupont", "Hélène Œuvrard"]),
    ([{"property": "last_edited_time", "is": "within", "value": "past_week"}], ["Jean Dupont", "Hélène Œuvrard"]),
]


@pytest.mark.parametrize(("filters", "names"), FILTERS, ids=[str(f) for f, _ in FILTERS])
async def test_query_database(tool: Any, filters: list[dict[str, Any]], names: list[str]) -> None:
    reported = await tool("query_database", database="Clients", filters=filters)
    assert [row["properties"]["Nom"] for row in reported["items"]] == names


async def test_query_database_combined_filters_sorts_and_pages(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    either = [{"property": "Nom", "value": "Jean Dupont"}, {"property": "Notes", "is": "contains", "value": "juin"}]
    assert len((await tool("query_database", database="Clients", filters=either, match="or"))["items"]) == 2
    assert (await tool("query_database", database="Clients", filters=either))["items"] == []
    for number in range(5):
        notion.row(space.clients, {"Nom": f"Client {number}", "Budget": {"number": number}})
    page = await tool("query_database", database="Clients", sorts=["-Budget", "created_time"], limit=3)
    assert [row["properties"]["Nom"] for row in page["items"]] == ["Jean Dupont", "Client 4", "Client 3"]
    page = await tool("query_database", database="Clients", sorts=["-Budget"], limit=3, cursor=page["next_cursor"])
    assert [row["properties"]["Nom"] for row in page["items"]] == ["Client 2", "Client 1", "Client 0"]


WRONG = [
    ({"property": "Statut", "is": ">", "value": "Client"}, "=, !=, empty, filled"),
    ({"property": "Statut", "value": "Tiède"}, "Lead chaud, Client, Perdu"),
    ({"property": "Étiquettes", "value": "VIP"}, "contains, excludes"),
    ({"property": "Budget", "value": "cher"}, "a number"),
    ({"property": "Rendez-vous", "is": "within", "value": "soon"}, "past_week"),
    ({"property": "Rendez-vous", "value": "demain"}, "2030-06-01"),
    ({"property": "Nom"}, "one value"),
    ({"property": "Prix", "value": 1}, "There are: Nom (title)"),
    ({"property": "Nom", "is": "like", "value": "x"}, "is"),
]


@pytest.mark.parametrize(("params", "reported"), WRONG, ids=[str(g) for g, _ in WRONG])
async def test_query_database_invalid_filters_refused(problem: Any, params: dict[str, Any], reported: str) -> None:
    assert reported in await problem("query_database", database="Clients", filters=[params])


async def test_filter_formula_compared_by_the_given_type(tool: Any, notion: FakeNotion) -> None:
    for params, reported in (
        ({"is": ">", "value": 1}, {"number": {"greater_than": 1}}),
        ({"value": True}, {"checkbox": {"equals": True}}),
        ({"is": "contains", "value": "é"}, {"string": {"contains": "é"}}),
        ({"is": ">", "value": "2030-06-03"}, {"date": {"after": "2030-06-03"}}),
    ):
        from flotilla_servers.notion.filters import Filter, filter_of

        made = await filter_of(
            {"Score": {"type": "formula"}}, [Filter.model_validate({"property": "Score", **params})], "and"
        )
        assert made == {"property": "Score", "formula": reported}


async def test_query_database_notes_the_limit_of_ten_thousand_rows(tool: Any, notion: FakeNotion) -> None:
    usual = notion.query

    def cut(request: Any, one: str) -> Any:
        return {
            **usual(request, one),
            "request_status": {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"},
        }

    from flotilla_servers.notion.tests import fake

    routes = [(m, p, (lambda self, r, one: cut(r, one)) if "query" in p else h) for m, p, h in fake.ROUTES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake, "ROUTES", routes)
        assert "10,000" in (await tool("query_database", database="Clients"))["note"]


async def test_query_database_unknown_filter_key_refused(problem: Any) -> None:
    """A condition that would be lost shows other rows than were asked for."""
    for key in ("valeur", "value_"):
        text = await problem("query_database", database="Clients", filters=[{"property": "Nom", key: "x"}])
        assert f"Unknown argument `{key}` in `filters.0`" in text
        assert "`filters.0` takes: property, is, value." in text
