"""What each tool sends, and what it makes of the answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from flotilla import errors
from flotilla_servers.google_sheets.entries import entered
from flotilla_servers.google_sheets.formats import number_format
from flotilla_testing import Response, Session, connect

ID = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgVE2upms"
HOME = f"https://sheets.googleapis.com/v4/spreadsheets/{ID}"
ROW = ["2030-06-03", "Marie Dupont", 1250.5, True]
VALUES = "GET /v4/spreadsheets/{id}/values/{range}"


def sent(session: Session, number: int = -1) -> tuple[str, str, dict[str, str]]:
    """A request: method, address without the query, query."""
    request = session.requests[number]
    return request.method, unquote(request.url.partition("?")[0]), dict(request.query)


async def test_create_spreadsheet(gsheets: Session) -> None:
    made = await gsheets.call_ok("create_spreadsheet", title="Suivi des devis", sheets=["Suivi", "Archive"])
    assert made == {"id": ID, "title": "Suivi des devis", "url": f"https://docs.google.com/spreadsheets/d/{ID}/edit"}
    assert gsheets.requests[-1].json() == {
        "properties": {"title": "Suivi des devis"},
        "sheets": [{"properties": {"title": "Suivi"}}, {"properties": {"title": "Archive"}}],
    }


async def test_get_spreadsheet(gsheets: Session) -> None:
    result = await gsheets.call_ok(
        "get_spreadsheet", spreadsheet=f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=0"
    )
    assert sent(gsheets)[:2] == ("GET", HOME)
    assert result["sheets"][1] == {"id": 1203, "title": "L'été 2030", "rows": 40, "columns": 4}
    assert result["named_ranges"] == ["Clients"]
    assert (result["url"], result["locale"]) == (f"https://docs.google.com/spreadsheets/d/{ID}/edit", "fr_FR")


async def test_read_range(gsheets: Session) -> None:
    result = await gsheets.call_ok("read_range", spreadsheet=ID, cells="Suivi!A2:D40")
    assert sent(gsheets) == (
        "GET",
        f"{HOME}/values/'Suivi'!A2:D40",
        {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "FORMATTED_STRING"},
    )
    rows = [ROW, [], ["2030-06-04", "Paul", 80]]  # nothing invisible in it
    assert result == {"range": "Suivi!A2:D40", "rows": rows, "removed": "1 hidden character"}
    assert len(gsheets.requests) == 1  # all four ends are known
    await gsheets.call_ok("read_range", spreadsheet=ID, cells="Suivi!A2:D40", values="formulas")
    assert sent(gsheets)[2]["valueRenderOption"] == "FORMULA"


async def test_read_range_pages_of_ten_thousand_cells(gsheets: Session) -> None:
    gsheets.respond(VALUES, Response.of({"range": "x", "values": [[n] for n in range(384)]}))
    page = await gsheets.call_ok("read_range", spreadsheet=ID, cells="suivi")
    assert sent(gsheets)[1] == f"{HOME}/values/'Suivi'!A1:Z384"  # 26 columns, of 1,000 rows
    assert page["next_cursor"] == "385"
    page = await gsheets.call_ok("read_range", spreadsheet=ID, cells="suivi", cursor="385")
    assert sent(gsheets)[1] == f"{HOME}/values/'Suivi'!A385:Z768"
    gsheets.respond(VALUES, Response.of({"range": "x", "values": [["last"]]}))
    page = await gsheets.call_ok("read_range", spreadsheet=ID, cells="suivi", cursor="769")
    assert sent(gsheets)[1] == f"{HOME}/values/'Suivi'!A769:Z1000"
    assert "next_cursor" not in page
    for cursor in ("0", "1001", "x", "-1"):
        assert "does not belong to this range" in await gsheets.call_error(
            "read_range", spreadsheet=ID, cells="suivi", cursor=cursor
        )


async def test_read_range_empty_rest_and_gaps(gsheets: Session) -> None:
    """An empty rest is not a page, and a gap is passed over."""
    gsheets.respond(VALUES, Response.of({"range": "x", "values": [["only"]]}))
    below = "GET /v4/spreadsheets/{id}/values/%27Suivi%27%21A385%3AZ1000"
    gsheets.respond(below, Response.of({"range": "x"}))
    assert "next_cursor" not in await gsheets.call_ok("read_range", spreadsheet=ID, cells="Suivi")
    gsheets.respond(below, Response.of({"range": "x", "values": [[], [], ["more"]]}))
    assert (await gsheets.call_ok("read_range", spreadsheet=ID, cells="Suivi"))["next_cursor"] == "387"


async def test_read_range_shorter_pages_for_much_text(gsheets: Session) -> None:
    gsheets.respond(VALUES, Response.of({"range": "x", "values": [["é" * 20_000]] * 9}))
    page = await gsheets.call_ok("read_range", spreadsheet=ID, cells="Suivi!A11:A19")
    assert (len(page["rows"]), page["next_cursor"]) == (4, "15")
    assert "cut" not in page


async def test_read_range_names(gsheets: Session) -> None:
    await gsheets.call_ok("read_range", spreadsheet=ID, cells="Clients")
    assert sent(gsheets)[1] == f"{HOME}/values/'L''été 2030'!A2:B11"
    await gsheets.call_ok("read_range", spreadsheet=ID, cells="'L''été 2030'!B:B")
    assert sent(gsheets)[1] == f"{HOME}/values/'L''été 2030'!B1:B40"
    await gsheets.call_ok("read_range", spreadsheet=ID, cells="A3:C")
    assert sent(gsheets)[1] == f"{HOME}/values/'Suivi'!A3:C1000"  # without a name, the first sheet
    assert "There are: Suivi, L'été 2030." in await gsheets.call_error("read_range", spreadsheet=ID, cells="Nope")


async def test_write_range(gsheets: Session) -> None:
    done = await gsheets.call_ok("write_range", spreadsheet=ID, cells="Suivi!A2", rows=[ROW])
    assert sent(gsheets) == ("PUT", f"{HOME}/values/'Suivi'!A2:D2", {"valueInputOption": "USER_ENTERED"})
    assert gsheets.requests[-1].json() == {"values": [ROW]}  # numbers stay numbers
    assert done == {"range": "Suivi!A2:D2", "rows": 1, "cells": 4}
    await gsheets.call_ok("write_range", spreadsheet=ID, cells="A:A", rows=[["=1+1"]], entry="formulas")
    assert sent(gsheets) == ("PUT", f"{HOME}/values/A:A", {"valueInputOption": "USER_ENTERED"})
    assert gsheets.requests[-1].json() == {"values": [["=1+1"]]}
    await gsheets.call_ok("write_range", spreadsheet=ID, cells="A:B", rows=[["=1+1", "12,50 €"]], entry="exact")
    assert sent(gsheets)[2] == {"valueInputOption": "RAW"}
    assert gsheets.requests[-1].json() == {"values": [["=1+1", "12,50 €"]]}


async def test_write_range_confirms_overwriting_other_values(gsheets: Session) -> None:
    gsheets.respond(VALUES, Response.of({"range": "x", "values": [["a", "", 5], ["b"]]}))
    await gsheets.call_ok("write_range", spreadsheet=ID, cells="Suivi!A2", rows=[["a", "new", 6], ["c", "d"]])
    assert gsheets.asked == ["Write over 2 filled cells in x?"]
    gsheets.respond(VALUES, Response.of({"range": "x"}))
    await gsheets.call_ok("write_range", spreadsheet=ID, cells="Suivi!A2", rows=[["a"]])
    assert len(gsheets.asked) == 1


@pytest.mark.parametrize(
    ("wrong", "statement"),
    [
        ({"cells": "Suivi!A0"}, "is not a valid range"),
        ({"cells": "Suivi!A2:C9"}, "do not fit into"),
        ({"rows": []}, "does not fit"),
        ({"rows": [[]]}, "not 1 to 10,000 cells"),
        ({"rows": [[1] * 101] * 100}, "not 1 to 10,000 cells"),
        ({"rows": [[{"a": 1}]]}, "does not fit"),
        ({"entry": "as a person"}, "does not fit"),
        ({"spreadsheet": "../../x"}, "is not a valid id"),
    ],
)
async def test_write_range_refused(gsheets: Session, wrong: dict[str, Any], statement: str) -> None:
    arguments = {"spreadsheet": ID, "cells": "Suivi!A2", "rows": [ROW], **wrong}
    assert statement in await gsheets.call_error("write_range", **arguments)
    assert gsheets.requests == []


async def test_append_rows(gsheets: Session) -> None:
    done = await gsheets.call_ok("append_rows", spreadsheet=ID, cells="Suivi", rows=[ROW])
    assert sent(gsheets) == (
        "POST",
        f"{HOME}/values/'Suivi':append",
        {"valueInputOption": "USER_ENTERED", "insertDataOption": "INSERT_ROWS"},
    )
    assert done["range"] == "Suivi!A5:D5"


async def test_clear_range_confirms_sheet_range_and_filled_cells(gsheets: Session) -> None:
    assert await gsheets.call_ok("clear_range", spreadsheet=ID, cells="Suivi!A2:D40") == {"cleared": "Suivi!A2:D40"}
    await gsheets.call_ok("clear_range", spreadsheet=ID, cells="Suivi")
    await gsheets.call_ok("clear_range", spreadsheet=ID, cells="clients")
    assert gsheets.asked == [
        "Empty 'Suivi'!A2:D40 of «Suivi des devis», 7 filled cells?",
        "Empty the whole sheet 'Suivi' of «Suivi des devis», 7 filled cells?",
        "Empty Clients, 'L''été 2030'!A2:B11 of «Suivi des devis», 7 filled cells?",
    ]


# -- a name that is also an expression --------------------------------------------------------------------------------


def quarters(session: Session, columns: int = 26) -> None:
    """Let the spreadsheet have the sheets Q1, Q2 and FY24, and a named range that is called as a sheet is."""
    grid = {"rowCount": 1000, "columnCount": columns}
    sheets = [
        {"properties": {"sheetId": n, "title": title, "gridProperties": grid}}
        for n, title in enumerate(("Q1", "Q2", "FY24", "Ventes"))
    ]
    where = {"startRowIndex": 0, "endRowIndex": 9, "startColumnIndex": 0, "endColumnIndex": 2}
    named = [{"name": "Ventes", "range": {"sheetId": 1, **where}}, {"name": "Clients", "range": where}]
    shape = {"spreadsheetId": ID, "properties": {"title": "B"}, "sheets": sheets, "namedRanges": named}
    session.respond("GET /v4/spreadsheets/{id}", Response.of(shape))


async def test_write_range_refuses_a_name_of_both_sheet_and_cell(gsheets: Session) -> None:
    """A sheet called Q2 was silently taken for the cell Q2 of the first sheet, and written over."""
    quarters(gsheets)
    message = await gsheets.call_error("write_range", spreadsheet=ID, cells="Q2", rows=[["Mois", "CA"]])
    assert message == (
        "Error: `Q2` is the name of a sheet here, and also a cell, 'Q1'!Q2. "
        "Pass 'Q2' or 'Q2'!A1 with the quotes for the sheet, or 'Q1'!Q2 for the other."
    )
    assert "also a cell, 'Q1'!Q1" in await gsheets.call_error("clear_range", spreadsheet=ID, cells="q1")
    assert "also a named range, 'Q2'!A1:B9" in await gsheets.call_error("clear_range", spreadsheet=ID, cells="ventes")
    assert (gsheets.writes, gsheets.asked) == ([], [])


@pytest.mark.parametrize(("cells", "sent_to"), [("'Q2'", "'Q2'"), ("FY24", "'FY24'"), ("Q1!Q2", "'Q1'!Q2:R2")])
async def test_write_range_unambiguous_names(gsheets: Session, cells: str, sent_to: str) -> None:
    """FY24 is not a cell of a sheet with 26 columns."""
    quarters(gsheets)
    await gsheets.call_ok("write_range", spreadsheet=ID, cells=cells, rows=[["Mois", "CA"]])
    assert sent(gsheets)[:2] == ("PUT", f"{HOME}/values/{sent_to}")


async def test_append_rows_and_read_range_prefer_the_sheet(gsheets: Session) -> None:
    quarters(gsheets)
    await gsheets.call_ok("append_rows", spreadsheet=ID, cells="Q1", rows=[ROW])
    assert sent(gsheets)[1] == f"{HOME}/values/'Q1':append"
    await gsheets.call_ok("read_range", spreadsheet=ID, cells="q2")
    assert sent(gsheets, -2)[1] == f"{HOME}/values/'Q2'!A1:Z384"
    await gsheets.call_ok("read_range", spreadsheet=ID, cells="$Q$2")
    assert sent(gsheets)[1] == f"{HOME}/values/Q2"


async def test_write_range_bare_cell_without_a_sheet_of_that_name(gsheets: Session) -> None:
    await gsheets.call_ok("write_range", spreadsheet=ID, cells="B2", rows=[["x", "y"]])
    assert sent(gsheets)[:2] == ("PUT", f"{HOME}/values/B2:C2")
    await gsheets.call_ok("read_range", spreadsheet=ID, cells="B2")
    assert sent(gsheets)[1] == f"{HOME}/values/B2"


async def test_named_ranges_written_under_their_own_name(gsheets: Session) -> None:
    """In quotes it would be a sheet of this name."""
    await gsheets.call_ok("append_rows", spreadsheet=ID, cells="clients", rows=[["Durand", 80]])
    assert sent(gsheets)[1] == f"{HOME}/values/Clients:append"
    await gsheets.call_ok("write_range", spreadsheet=ID, cells="Clients", rows=[["Durand", 80]])
    assert sent(gsheets)[1] == f"{HOME}/values/Clients"
    await gsheets.call_ok("clear_range", spreadsheet=ID, cells="Clients")
    assert sent(gsheets)[1] == f"{HOME}/values/Clients:clear"
    assert "do not fit" in await gsheets.call_error("write_range", spreadsheet=ID, cells="Clients", rows=[[1, 2, 3]])
    assert "There is no sheet `Nope`" in await gsheets.call_error(
        "append_rows", spreadsheet=ID, cells="Nope", rows=[[1]]
    )


# -- cells that are filled --------------------------------------------------------------------------------------------


async def test_write_range_confirmed_only_when_filled_cells_change(gsheets: Session) -> None:
    gsheets.respond(VALUES, Response.of({"range": "Suivi!A2:D3", "values": [["2030-06-03", "", 80], [], ["below"]]}))
    params: dict[str, Any] = {"spreadsheet": ID, "cells": "Suivi!A2"}
    await gsheets.call_ok("write_range", **params, rows=[["2030-06-03", "Marie", 80], ["new"]])
    assert gsheets.asked == []  # the same value, or none before
    await gsheets.call_ok("write_range", **params, rows=[[None, "Marie", None]])
    assert gsheets.asked == []  # null leaves a cell as it is
    assert gsheets.requests[-1].json() == {"values": [[None, "Marie", None]]}
    await gsheets.call_ok("write_range", **params, rows=[["2030-06-04", "Marie", 90]])
    assert gsheets.asked == ["Write over 2 filled cells in Suivi!A2:D3?"]
    assert [request.method for request in gsheets.requests[-2:]] == ["GET", "PUT"]


async def test_write_range_declined_writes_nothing() -> None:
    async with connect("google-sheets", answer="decline") as session:
        assert "did not agree" in await session.call_error(
            "write_range", spreadsheet=ID, cells="Suivi!A2", rows=[["x"]]
        )
        assert session.writes == []


async def test_write_range_reads_nothing_when_confirmation_is_off() -> None:
    async with connect("google-sheets", {"FLOTILLA_CONFIRM": "off"}) as session:
        await session.call_ok("write_range", spreadsheet=ID, cells="Suivi!A2", rows=[["x"]])
        assert [request.method for request in session.requests] == ["PUT"]


async def test_rows_schema_without_union(gsheets: Session) -> None:
    tools = {tool.name: tool for tool in await gsheets.client.list_tools()}
    for name in ("gsheets_write_range", "gsheets_append_rows"):
        cell = tools[name].input_schema["properties"]["rows"]["items"]["items"]
        assert cell == {"description": "Text, number, true or false; null leaves the cell as it is."}


async def test_search_spreadsheets(gsheets: Session) -> None:
    page = await gsheets.call_ok("search_spreadsheets", title="devis d'été", limit=1)
    method, address, query = sent(gsheets)
    assert (method, address) == ("GET", "https://www.googleapis.com/drive/v3/files")
    assert query["q"] == (
        "mimeType = 'application/vnd.google-apps.spreadsheet' and trashed = false and name contains 'devis d\\'été'"
    )
    assert (query["corpora"], query["includeItemsFromAllDrives"]) == ("allDrives", "true")
    assert page["items"] == [
        {
            "id": ID,
            "title": "Suivi des devis",
            "url": f"https://docs.google.com/spreadsheets/d/{ID}/edit",
            "modified": "2030-06-02T11:00:00Z",
            "last_editor": "Marie Dupont",
            "owner": "helene@atelier.example",
        }
    ]
    last = await gsheets.call_ok("search_spreadsheets", cursor=page["next_cursor"])
    assert last["items"] == [{"id": "1Second", "title": "Devis 2029"}]


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("1 250,50 €", 1250.5),
        ("1\u202f250,50\u00a0€", 1250.5),
        ("12.5", 12.5),  # in France, Google would take it for the 12th of May
        ("-5", -5),
        ("(12,50)", -12.5),
        ("2030", 2030),
        ("75 001", 75001),
    ],
)
def test_typed_amounts_become_numbers(typed: str, number: float) -> None:
    assert entered([[typed]], "typed") == [[number]]


@pytest.mark.parametrize(
    "text",
    ["0612345678", "01000", "12E5", "+33612345678", "=IMPORTDATA(A1)", " =1+1", "@marie", "- lait", "'cité",
     "1234567890123456", "-A1+B1"],
)  # fmt: skip
def test_typed_texts_that_google_would_change_stay_text(text: str) -> None:
    """A number would lose a digit, and a formula would be carried out; the apostrophe is not part of the text."""
    assert entered([[text]], "typed") == [[f"'{text}"]]


def test_typed_values_left_to_google_or_untouched() -> None:
    rows: list[list[Any]] = [["2030-06-03", "03/06/2030", "12.500", "20 %", "Marie", "", None, True, 1250.5]]
    assert entered(rows, "typed") == rows
    assert entered([["1.5e999"]], "typed") == [["1.5e999"]]
    assert entered([["=SUM(A1:A3)", "0612345678"]], "formulas") == [["=SUM(A1:A3)", "'0612345678"]]


async def test_write_range_does_not_ask_about_the_same_amount(gsheets: Session) -> None:
    gsheets.respond(VALUES, Response.of({"range": "x", "values": [[1250.5, "0612345678"]]}))
    await gsheets.call_ok("write_range", spreadsheet=ID, cells="Suivi!A2", rows=[["1 250,50 €", "0612345678"]])
    assert gsheets.asked == []
    assert gsheets.requests[-1].json() == {"values": [[1250.5, "'0612345678"]]}


async def test_read_range_finds_rows_by_their_text(gsheets: Session) -> None:
    rows = [["2030-06-03", "Hélène Dûpont"], [], ["2030-06-04", "Paul"], ["2030-06-05", "DUPONT & fils", 80]]
    gsheets.respond(VALUES, Response.of({"range": "x", "values": rows}))
    result = await gsheets.call_ok("read_range", spreadsheet=ID, cells="Suivi!A2:D40", containing="dupont")
    assert (result["rows"], result["numbers"]) == ([rows[0], rows[3]], [2, 5])
    assert "next_cursor" not in result
    none = await gsheets.call_ok("read_range", spreadsheet=ID, cells="Suivi!A2:D40", containing="Durand")
    assert none == {"range": "'Suivi'!A2:D40", "rows": [], "numbers": []}


async def test_read_range_search_goes_on_below(gsheets: Session) -> None:
    """200,000 cells are searched at once."""
    columns = {"properties": {"sheetId": 0, "title": "Suivi", "gridProperties": {"rowCount": 9000, "columnCount": 100}}}
    gsheets.respond("GET /v4/spreadsheets/{id}", Response.of({"sheets": [columns]}))
    gsheets.respond(VALUES, Response.of({"range": "x", "values": [["Marie"]]}))
    result = await gsheets.call_ok("read_range", spreadsheet=ID, cells="Suivi", containing="marie")
    assert (result["numbers"], result["next_cursor"]) == ([1], "2001")
    assert sent(gsheets)[1] == f"{HOME}/values/'Suivi'!A1:CV2000"
    result = await gsheets.call_ok("read_range", spreadsheet=ID, cells="Suivi", containing="marie", cursor="8001")
    assert (result["numbers"], "next_cursor" in result) == ([8001], False)


# -- sheets, rows, looks ----------------------------------------------------------------------------------------------


def changed(session: Session, number: int = -1) -> dict[str, Any]:
    """The one request of a batch that was sent."""
    request = session.requests[number]
    assert (request.method, request.url) == ("POST", f"{HOME}:batchUpdate")
    (one,) = request.json()["requests"]
    return dict(one)


def replies(session: Session, reply: dict[str, Any]) -> None:
    session.respond("POST /v4/spreadsheets/{id}:batchUpdate", Response.of({"spreadsheetId": ID, "replies": [reply]}))


async def test_copy_sheet_in_the_same_spreadsheet(gsheets: Session) -> None:
    properties = {"sheetId": 5, "title": "Juin", "gridProperties": {"rowCount": 40, "columnCount": 4}}
    replies(gsheets, {"duplicateSheet": {"properties": properties}})
    made = await gsheets.call_ok("copy_sheet", spreadsheet=ID, sheet="l'ete 2030", title="Juin")
    assert made == {"id": 5, "title": "Juin", "rows": 40, "columns": 4}
    assert changed(gsheets) == {
        "duplicateSheet": {"sourceSheetId": 1203, "newSheetName": "Juin", "insertSheetIndex": 2}
    }  # at the end, so that the first sheet stays the first


async def test_copy_sheet_to_another_spreadsheet_and_names_it(gsheets: Session) -> None:
    made = await gsheets.call_ok("copy_sheet", spreadsheet="1Other", sheet="Suivi", title="Juin", to=ID)
    assert made == {"id": 78, "title": "Juin", "rows": 1000, "columns": 26}
    copy = gsheets.requests[-2]
    assert copy.url == "https://sheets.googleapis.com/v4/spreadsheets/1Other/sheets/0:copyTo"
    assert copy.json() == {"destinationSpreadsheetId": ID}
    assert changed(gsheets) == {
        "updateSheetProperties": {"properties": {"sheetId": 78, "title": "Juin"}, "fields": "title"}
    }
    sent_before = len(gsheets.writes)
    error = await gsheets.call_error("copy_sheet", spreadsheet="1Other", sheet="Suivi", title="suivi", to=ID)
    assert "has this title already" in error
    assert len(gsheets.writes) == sent_before
    gsheets.respond("POST /v4/spreadsheets/{id}:batchUpdate", Response.of({"error": {"message": "No"}}, 400))
    error = await gsheets.call_error("copy_sheet", spreadsheet="1Other", sheet="Suivi", title="Mai", to=ID)
    assert "is called «Copie de Suivi»" in error


async def test_update_sheet(gsheets: Session) -> None:
    done = await gsheets.call_ok("update_sheet", spreadsheet=ID, sheet="suivi", title="Ventes", frozen_rows=1)
    assert done == {"id": 0, "title": "Ventes", "url": f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=0"}
    assert changed(gsheets) == {
        "updateSheetProperties": {
            "properties": {"sheetId": 0, "title": "Ventes", "gridProperties": {"frozenRowCount": 1}},
            "fields": "title,gridProperties.frozenRowCount",
        }
    }
    await gsheets.call_ok("update_sheet", spreadsheet=ID, sheet="Suivi", position=1)
    assert changed(gsheets)["updateSheetProperties"]["properties"] == {"sheetId": 0, "index": 0}
    assert "at least one new value" in await gsheets.call_error("update_sheet", spreadsheet=ID, sheet="Suivi")
    assert "There are: Suivi" in await gsheets.call_error("update_sheet", spreadsheet=ID, sheet="Nope", title="x")


async def test_delete_sheet_confirms_with_the_filled_cells(gsheets: Session) -> None:
    assert await gsheets.call_ok("delete_sheet", spreadsheet=ID, sheet="Suivi") == {"deleted": "Suivi"}
    assert gsheets.asked == ["Delete the sheet «Suivi» of «Suivi des devis», 7 filled cells?"]
    assert changed(gsheets) == {"deleteSheet": {"sheetId": 0}}
    only = {"properties": {"title": "B"}, "sheets": [{"properties": {"sheetId": 0, "title": "Suivi"}}]}
    gsheets.respond("GET /v4/spreadsheets/{id}", Response.of(only))
    assert "It is the only sheet" in await gsheets.call_error("delete_sheet", spreadsheet=ID, sheet="Suivi")


@pytest.mark.parametrize(
    ("cells", "sheet", "kind", "start", "end"),
    [
        ("Suivi!12:14", 0, "ROWS", 11, 14),
        ("5:5", 0, "ROWS", 4, 5),
        ("'L''été 2030'!B:C", 1203, "COLUMNS", 1, 3),
        ("A:A", 0, "COLUMNS", 0, 1),
    ],
)
async def test_insert_rows(gsheets: Session, cells: str, sheet: int, kind: str, start: int, end: int) -> None:
    await gsheets.call_ok("insert_rows", spreadsheet=ID, cells=cells)
    place = {"sheetId": sheet, "dimension": kind, "startIndex": start, "endIndex": end}
    assert changed(gsheets) == {"insertDimension": {"range": place, "inheritFromBefore": start > 0}}


@pytest.mark.parametrize("cells", ["Suivi!A2:C4", "Suivi!A2:C", "Suivi", "B5", "Clients", "Suivi!5:2000", "Nope!1:2"])
async def test_insert_and_delete_rows_take_whole_rows_only(gsheets: Session, cells: str) -> None:
    for tool in ("insert_rows", "delete_rows"):
        assert (await gsheets.call_error(tool, spreadsheet=ID, cells=cells)).startswith("Error: ")
    assert (gsheets.writes, gsheets.asked) == ([], [])


async def test_delete_rows_confirms_rows_and_filled_cells(gsheets: Session) -> None:
    assert await gsheets.call_ok("delete_rows", spreadsheet=ID, cells="Suivi!12:14") == {"range": "'Suivi'!12:14"}
    place = {"sheetId": 0, "dimension": "ROWS", "startIndex": 11, "endIndex": 14}
    assert changed(gsheets) == {"deleteDimension": {"range": place}}
    await gsheets.call_ok("delete_rows", spreadsheet=ID, cells="C:C")
    assert gsheets.asked == [
        "Delete the rows 12 to 14 of the sheet «Suivi» of «Suivi des devis», 7 filled cells?",
        "Delete the column C of the sheet «Suivi» of «Suivi des devis», 7 filled cells?",
    ]


async def test_sort_rows_keeps_the_header_and_takes_columns_by_name(gsheets: Session) -> None:
    gsheets.respond(VALUES, Response.of({"range": "x", "values": [["Date", "Client", "CA"]]}))
    done = await gsheets.call_ok("sort_rows", spreadsheet=ID, cells="Suivi", by=["ca desc", "A"])
    assert sent(gsheets, -2)[1] == f"{HOME}/values/'Suivi'!A1:Z1"
    assert done == {"range": "'Suivi'!A2:Z1000"}
    assert changed(gsheets)["sortRange"] == {
        "range": {
            "sheetId": 0, "startRowIndex": 1, "endRowIndex": 1000, "startColumnIndex": 0, "endColumnIndex": 26,
        },
        "sortSpecs": [
            {"dimensionIndex": 2, "sortOrder": "DESCENDING"},
            {"dimensionIndex": 0, "sortOrder": "ASCENDING"},
        ],
    }  # fmt: skip
    await gsheets.call_ok("sort_rows", spreadsheet=ID, cells="Suivi!A2:C9", by=["B"])
    assert changed(gsheets)["sortRange"]["range"]["startRowIndex"] == 1  # no header: it begins below row 1
    error = await gsheets.call_error("sort_rows", spreadsheet=ID, cells="Suivi", by=["Total"])
    assert "There are: Date, Client, CA" in error


async def test_sort_rows_refuses_a_letter_that_is_another_columns_header(gsheets: Session) -> None:
    gsheets.respond(VALUES, Response.of({"range": "x", "values": [["B", "Client"]]}))
    error = await gsheets.call_error("sort_rows", spreadsheet=ID, cells="Suivi", by=["B"])
    assert "`B` is a column's letter, and the header of column A." in error
    assert gsheets.writes == []


async def test_set_format(gsheets: Session) -> None:
    await gsheets.call_ok("set_format", spreadsheet=ID, cells="Suivi!1:1", bold=True, background="#FF9900")
    assert changed(gsheets)["repeatCell"] == {
        "range": {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1},
        "cell": {
            "userEnteredFormat": {
                "textFormat": {"bold": True},
                "backgroundColorStyle": {"rgbColor": {"red": 1.0, "green": 0.6, "blue": 0.0}},
            }
        },
        "fields": "userEnteredFormat.textFormat.bold,userEnteredFormat.backgroundColorStyle",
    }
    await gsheets.call_ok("set_format", spreadsheet=ID, cells="Clients", number="EUR", align="right", color="none")
    assert changed(gsheets)["repeatCell"] == {
        "range": {
            "sheetId": 1203, "startRowIndex": 1, "endRowIndex": 11, "startColumnIndex": 0, "endColumnIndex": 2,
        },
        "cell": {
            "userEnteredFormat": {
                "numberFormat": {"type": "CURRENCY", "pattern": "#,##0.00\\ [$€]"},
                "horizontalAlignment": "RIGHT",
            }
        },
        "fields": "userEnteredFormat.textFormat.foregroundColorStyle,userEnteredFormat.numberFormat,"
        "userEnteredFormat.horizontalAlignment",
    }  # fmt: skip
    assert "at least one of the formats" in await gsheets.call_error("set_format", spreadsheet=ID, cells="A1")
    assert "is not a colour" in await gsheets.call_error("set_format", spreadsheet=ID, cells="A1", color="reddish")


@pytest.mark.parametrize(
    ("text", "kind", "pattern"),
    [
        ("percent", "PERCENT", "0.00%"),
        ("euros", "CURRENCY", "#,##0.00\\ [$€]"),
        ("CHF", "CURRENCY", "#,##0.00\\ [$CHF]"),
        ("#,##0.00 €", "NUMBER", "#,##0.00 [$€]"),
        ("0.0%", "PERCENT", "0.0%"),
        ("dd/mm/yyyy", "DATE", "dd/mm/yyyy"),
        ("dd/mm/yyyy hh:mm", "DATE_TIME", "dd/mm/yyyy hh:mm"),
        ("hh:mm", "TIME", "hh:mm"),
        ("Date", "DATE", None),
    ],
)
def test_number_formats(text: str, kind: str, pattern: str | None) -> None:
    assert number_format(text) == {"type": kind, **({"pattern": pattern} if pattern else {})}


def test_number_format_refused() -> None:
    with pytest.raises(errors.InvalidInputError, match="is not a number format"):
        number_format("large")


async def test_add_chart(gsheets: Session) -> None:
    replies(gsheets, {"addChart": {"chart": {"chartId": 9}}})
    done = await gsheets.call_ok("add_chart", spreadsheet=ID, cells="Suivi!A1:C5", kind="bar", title="Ventes")
    assert done == {"id": 9, "sheet": "Suivi"}
    chart = changed(gsheets)["addChart"]["chart"]
    basic = chart["spec"]["basicChart"]
    rows = {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 5}

    def column(n: int) -> dict[str, Any]:
        return {"sourceRange": {"sources": [{**rows, "startColumnIndex": n, "endColumnIndex": n + 1}]}}

    assert (chart["spec"]["title"], basic["chartType"], basic["headerCount"]) == ("Ventes", "BAR", 1)
    assert basic["domains"] == [{"domain": column(0)}]
    assert basic["series"] == [{"series": column(n), "targetAxis": "BOTTOM_AXIS"} for n in (1, 2)]
    assert chart["position"]["overlayPosition"]["anchorCell"] == {"sheetId": 0, "rowIndex": 0, "columnIndex": 4}


async def test_add_chart_pie_and_whole_sheet(gsheets: Session) -> None:
    gsheets.respond(VALUES, Response.of({"range": "x", "values": [["Mois", "CA"], ["mai", 80], ["juin", 90]]}))
    await gsheets.call_ok("add_chart", spreadsheet=ID, cells="Suivi", kind="pie", at="H2")
    chart = changed(gsheets)["addChart"]["chart"]
    (source,) = chart["spec"]["pieChart"]["series"]["sourceRange"]["sources"]
    assert source == {
        "sheetId": 0, "startRowIndex": 1, "endRowIndex": 3, "startColumnIndex": 1, "endColumnIndex": 2,
    }  # fmt: skip
    assert chart["position"]["overlayPosition"]["anchorCell"] == {"sheetId": 0, "rowIndex": 1, "columnIndex": 7}
    for wrong in ({"cells": "Suivi!A1:A9"}, {"cells": "Suivi!A1:C5", "at": "Other!F2"}):
        assert (await gsheets.call_error("add_chart", spreadsheet=ID, **wrong)).startswith("Error: ")


async def test_add_sheet(gsheets: Session) -> None:
    made = await gsheets.call_ok("add_sheet", spreadsheet=ID, title="Juin")
    assert made == {"id": 77, "title": "Juin", "rows": 1000, "columns": 26}
    assert sent(gsheets)[1] == f"{HOME}:batchUpdate"


async def test_read_range_marks_untrusted_cells(gsheets: Session) -> None:
    tools = {tool.name: tool for tool in await gsheets.client.list_tools()}
    cells = (tools["gsheets_read_range"].output_schema or {})["properties"]["rows"]["items"]["items"]
    assert "Untrusted text" in cells["description"]
    assert "anyOf" not in str(cells)
