"""Bulk API 2.0: many records as CSV, in a job that Salesforce works off in the background.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_0.htm
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from flotilla import errors, files, in_thread, progress, segment
from flotilla.calls.context import current

from . import schema
from .client import ROOT, api

ENDED = ("JobComplete", "Failed", "Aborted")
LARGEST = 100_000_000  # bytes of one upload
MOST = 150_000  # rows of one import: above that, an ETL tool is the right one
PAUSE, LONGEST_PAUSE = 1.0, 5.0  # seconds between two looks
LOOKS = 14  # which take as long as a call may
RESERVE = 8.0  # seconds of the call that are kept for what comes after the waiting
FORM = {"contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA"}


def read_csv(data: bytes, path: str) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of a CSV file in UTF-8, with commas or semicolons; raises errors.InvalidInputError."""
    text = data.decode("utf-8-sig", "replace")
    if "\ufffd" in text:
        raise errors.InvalidInputError(f"{path} is not in UTF-8.", "Save it as CSV UTF-8.")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    if len(rows) < 2:
        raise errors.InvalidInputError(f"{path} holds no rows below its header.", "Give a CSV file with a header line.")
    header, body = [name.strip() for name in rows[0]], rows[1:]
    if len(body) > MOST:
        raise errors.InvalidInputError(f"{path} has {len(body):,} rows, more than {MOST:,}.", "Split it.")
    if wrong := next((number for number, row in enumerate(body, 2) if len(row) != len(header)), 0):
        raise errors.InvalidInputError(
            f"Row {wrong} of {path} has another number of columns than its header.", "Correct the file."
        )
    return header, body


def columns(known: Mapping[str, schema.FieldInfo], header: Sequence[str], kind: str, operation: str) -> list[str]:
    """Return the API names of columns, which go by API name or label; raises errors.InvalidInputError."""
    names = []
    for column in header:
        if "." in column and not column.startswith("."):  # a parent by its external id, such as Account.Numero__c
            names.append(column)
            continue
        field = schema.field_named(known, column, kind)
        may = field.createable or field.updateable or field.name == "Id"
        if not may:
            raise errors.InvalidInputError(f"Salesforce sets `{field.name}` itself.", "Take this column out.")
        names.append(field.name)
    if doubled := next((name for name in names if names.count(name) > 1), ""):
        raise errors.InvalidInputError(f"Two columns are the field {doubled}.", "Take one of them out.")
    if operation in ("update", "delete") and "Id" not in names:
        raise errors.InvalidInputError(f"To {operation}, a column Id is needed.", "Add the records' ids.")
    if operation == "insert" and "Id" in names:
        raise errors.InvalidInputError("New records have no Id yet.", "Take the column out, or update instead.")
    return names


def as_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Return rows as the CSV that a job takes; raises errors.InvalidInputError where they are too many."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    data = out.getvalue().encode()
    if len(data) > LARGEST:
        raise errors.InvalidInputError("The file has more than 100 MB, the most of one job.", "Split it.")
    return data


async def waited(path: str, total: int | None) -> dict[str, Any]:
    """Return a job when it has ended, or as it is when the call's time is nearly over; reports progress."""
    job, pause, call = await api.get(path), PAUSE, current()
    for _ in range(LOOKS):
        await progress(float(job.get("numberRecordsProcessed") or 0), total)
        if str(job.get("state")) in ENDED or call.left() < RESERVE + pause:
            break
        await api.connection.network.retry.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
        job = await api.get(path)
    return job


async def saved(path: str, target: str, overwrite: bool = False) -> tuple[files.FileRef, int]:
    """Write a job's results, all pages of them, into one CSV file; return it, and the number of its rows."""
    parts: list[bytes] = []
    locator: str | None = None
    while True:
        params = {"locator": locator} if locator else None
        response = await api.send("GET", path, params=params, headers={"Accept": "text/csv"}, largest=files.MAX_FILE)
        body = response.content
        parts.append(body if not parts else body.partition(b"\n")[2])
        locator = response.headers.get("sforce-locator") or ""
        if locator in ("", "null"):
            break
    data = b"".join(part if part.endswith(b"\n") or not part else part + b"\n" for part in parts)
    rows = sum(1 for row in csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline="")) if row) - 1
    return await in_thread(files.write, target, data, overwrite), max(rows, 0)


def job_path(job: str, kind: str) -> str:
    """Return the address of an ingest or query job."""
    return f"{ROOT}/jobs/{kind}/{segment(job)}"
