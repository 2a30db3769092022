"""What each tool sends, and what it makes of the answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

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
    assert sent(gsheets) == ("PUT", f"{HOME}/values/'Suivi'!A2:D2", {"valueInputOption": "RAW"})
    assert gsheets.requests[-1].json() == {"values": [ROW]}  # numbers stay numbers
    assert done == {"range": "Suivi!A2:D2", "rows": 1, "cells": 4}
    await gsheets.call_ok("write_range", spreadsheet=ID, cells="A:A", rows=[["=1+1"]], entry="USER_ENTERED")
    assert sent(gsheets) == ("PUT", f"{HOME}/values/A:A", {"valueInputOption": "USER_ENTERED"})


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
        ({"entry": "TYPED"}, "does not fit"),
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
        {"valueInputOption": "RAW", "insertDataOption": "INSERT_ROWS"},
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


async def test_add_sheet(gsheets: Session) -> None:
    made = await gsheets.call_ok("add_sheet", spreadsheet=ID, title="Juin")
    assert made == {"id": 77, "title": "Juin", "rows": 1000, "columns": 26}
    assert sent(gsheets)[1] == f"{HOME}:batchUpdate"


async def test_read_range_marks_untrusted_cells(gsheets: Session) -> None:
    tools = {tool.name: tool for tool in await gsheets.client.list_tools()}
    cells = (tools["gsheets_read_range"].output_schema or {})["properties"]["rows"]["items"]["items"]
    assert "Untrusted text" in cells["description"]
    assert "anyOf" not in str(cells)
