"""What is linked to a record: notes, tasks, meetings, calls, deals and people, the newest first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flotilla.parsing import html_to_text

from . import pipelines, query, records, values
from .client import api
from .models import Row

# By module: how a query finds the others, by the field that names the record.
_BY_CONTACT = {"Tasks": "Who_Id", "Events": "Who_Id", "Calls": "Who_Id", "Deals": "Contact_Name"}
_BY_RECORD = {"Tasks": "What_Id", "Events": "What_Id", "Calls": "What_Id"}
OWN: dict[str, dict[str, str]] = {
    "Contacts": _BY_CONTACT,
    "Leads": _BY_RECORD,
    "Deals": _BY_RECORD,
    "Accounts": {**_BY_RECORD, "Deals": "Account_Name", "Contacts": "Account_Name"},
}
# What is shown of each: fields of its name, of its time, of its state, of its text.
_SHOWN: dict[str, tuple[str, str, str]] = {
    "Tasks": ("Due_Date", "Status", "Description"),
    "Events": ("Start_DateTime", "Venue", "Description"),
    "Calls": ("Call_Start_Time", "Call_Type", "Description"),
    "Deals": ("Closing_Date", "Stage", ""),
    "Contacts": ("", "Email", ""),
}
NOTES = ("Note_Title", "Note_Content", "Created_Time")


async def newest(module: str, number: str, limit: int) -> list[Row]:
    """Return the newest of each kind that is linked to a record."""

    async def of(kind: str) -> list[Row]:
        if kind == "Notes":
            return await notes(module, number, limit)
        time, state, text = _SHOWN[kind]
        names = [*records.NAMES[kind], *(one for one in (time, state, text) if one)]
        where = f"{OWN[module][kind]} = {query.quoted(number)}"
        order = f"{time} desc" if time else "id desc"
        rows, _ = await query.select(kind, names, where, order=order, limit=limit)
        return [_row(kind, row, time, state, text) for row in rows if row.get("id")]

    linked = [row for some in await records.each(["Notes", *OWN[module]], of) for row in some]
    if any(row["record"].startswith("deal:") for row in linked):
        known = await pipelines.fetch()
        for row in linked:
            if row["record"].startswith("deal:") and "status" in row:
                row["status"] = pipelines.stage_name(known, row["status"])
    return linked


def _row(kind: str, raw: Mapping[str, Any], time: str, state: str, text: str) -> Row:
    row = {
        "record": records.ref_of(kind, raw["id"]),
        "name": records.name_of(kind, raw),
        "at": values.shown(None, raw.get(time)),
        "status": values.shown(None, raw.get(state)),
        "text": _plain(values.shown(None, raw.get(text))),
    }
    return {key: value for key, value in row.items() if value}


def _plain(text: str) -> str:
    """Return a text without the tags that Zoho's rich text has; plain text keeps its lines."""
    return html_to_text(text) if re.search(r"</?[a-z][^>]*>", text, re.IGNORECASE) else text


async def notes(module: str, number: str, limit: int) -> list[Row]:
    """Return the newest notes of a record."""
    params = {"fields": ",".join(NOTES), "sort_by": "Created_Time", "sort_order": "desc"}
    answer = await api.request("GET", f"/{module}/{number}/Notes", params=params)
    rows = api.rows_in(answer, "data") if answer is not None else []
    return [_row("Notes", row, "Created_Time", "", "Note_Content") for row in rows[:limit] if row.get("id")]
