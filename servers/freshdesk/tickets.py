"""Tickets as they are read and changed by several tools."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flotilla import errors, files, in_thread, progress, readable
from flotilla.parsing import html_to_text

from .client import V2, api, changes, lists
from .lookup import PRIORITIES, account_zone, known_names, me, number_of, status_names
from .models import Changed, Contact, Done, Job, TicketRow

LARGEST_UPLOAD = 20_000_000  # bytes of all files of a message: https://developers.freshdesk.com/api/#attachments
POLLS = 15  # times, a second apart, that a job is looked at
EVER = "2010-01-01T00:00:00Z"  # Freshdesk lists the tickets of 30 days unless a request says since when
_PLACEHOLDER = re.compile(r"{{\s*([\w.]+)\s*}}")


def link(number: object) -> str:
    """Return the address of a ticket in the agents' portal."""
    return f"{api.base.rstrip('/')}/a/tickets/{number}"


def with_names(raw: Mapping[str, Any], statuses: Mapping[int, str], people: Mapping[str, str]) -> dict[str, Any]:
    """Return a ticket with names in place of numbers, as far as they are known."""
    requester = raw.get("requester")
    who = requester.get("name") if isinstance(requester, dict) else None
    contact = f"contact:{raw['requester_id']}" if raw.get("requester_id") else None
    status, priority = raw.get("status"), raw.get("priority")
    return {
        **raw,
        "status_name": statuses.get(status, str(status)) if isinstance(status, int) else None,
        "priority_name": PRIORITIES.get(priority) if isinstance(priority, int) else None,
        "requester_name": who or contact,
        "contact": contact,
        "assignee": _named(raw.get("responder_id"), "agent", people),
        "group": _named(raw.get("group_id"), "group", people),
        "link": link(raw.get("id")),
    }


def _named(number: object, kind: str, people: Mapping[str, str]) -> str | None:
    return people.get(str(number), f"{kind} {number}") if number else None


async def rows_of(rows: list[Any], people: Mapping[str, str]) -> list[TicketRow]:
    """Return the tickets of a list, with names and local times. `people`: see `lookup.names`."""
    zone, statuses = await account_zone(), await status_names([one for one in rows if one.get("status")])
    return [row.within(zone) for row in readable(TicketRow, [with_names(one, statuses, people) for one in rows])]


async def tickets_of(number: int, limit: int) -> list[TicketRow]:
    """Return the newest tickets of a person."""
    params = {"requester_id": number, "updated_since": EVER, "order_by": "updated_at", "include": "requester"}
    rows = await lists.rows(f"{V2}/tickets", params={**params, "per_page": limit}, cost=1)
    return await rows_of(rows, known_names())


async def ticket_of(ticket: str) -> dict[str, Any]:
    """Return a ticket with its requester, and with names."""
    raw = await api.get(f"{V2}/tickets/{number_of(ticket)}", params={"include": "requester"}, cost=2)
    return with_names(raw, await status_names([raw]), known_names())


async def conversation(number: str) -> list[dict[str, Any]]:
    """Return the messages of a ticket, up to 500: Freshdesk gives the oldest first."""
    rows: list[dict[str, Any]] = []
    for page in range(1, 6):
        part = await api.rows(f"{V2}/tickets/{number}/conversations", params={"per_page": 100, "page": page})
        rows += part
        if len(part) < 100:
            break
    return rows


def titled(raw: Mapping[str, Any]) -> str:
    """Return a ticket as a person is asked about it."""
    return f"ticket {raw.get('id')} «{errors.excerpt(raw.get('subject') or 'without subject', 80)}»"


async def save(number: object, fields: Mapping[str, Any]) -> Changed:
    """Change a ticket."""
    return await changed(await changes.put(f"{V2}/tickets/{number}", json=dict(fields), idempotent=True))


async def changed(raw: Mapping[str, Any]) -> Changed:
    """Return what a tool tells of a ticket after a change."""
    known = known_names()
    who = _named(raw.get("responder_id"), "agent", known) or _named(raw.get("group_id"), "group", known)
    status = raw.get("status")
    plain = await status_names([raw]) if isinstance(status, int) else {}
    return Changed.model_validate({**with_names(raw, plain, known), "assigned_to": who})


def tags_after(raw: Mapping[str, Any], add: Iterable[str], remove: Iterable[str]) -> list[str]:
    """Return a ticket's tags after a change: Freshdesk replaces all of them."""
    gone = {one.strip().casefold() for one in remove}
    every = [*(raw.get("tags") or []), *(one.strip() for one in add)]
    return [one for one in dict.fromkeys(every) if one and one.casefold() not in gone]


def as_html(text: str) -> str:
    """Return plain text as the HTML that Freshdesk takes: its signs and line ends stay what they are."""
    return html.escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br>")


async def filled(template: str, raw: Mapping[str, Any]) -> str:
    """Return a canned response with its placeholders filled in, which Freshdesk leaves to its own editor.

    Raises errors.InvalidInputError for one that is not known here.
    """
    if not _PLACEHOLDER.search(template):
        return template
    requester: Mapping[str, Any] = raw.get("requester") if isinstance(raw.get("requester"), dict) else {}  # type: ignore[assignment]
    name, agent = str(requester.get("name") or ""), (await me()).name
    first, _, last = name.partition(" ")
    values = {
        "ticket.id": str(raw.get("id") or ""),
        "ticket.subject": str(raw.get("subject") or ""),
        "ticket.status": str(raw.get("status_name") or ""),
        "ticket.priority": str(raw.get("priority_name") or ""),
        "ticket.requester.name": name,
        "ticket.from_name": name,
        "ticket.requester.firstname": first,
        "ticket.requester.lastname": last,
        "ticket.requester.email": str(requester.get("email") or ""),
        "ticket.from_email": str(requester.get("email") or ""),
        "ticket.agent.name": agent,
        "ticket.url": link(raw.get("id")),
    }
    unknown = [one for one in dict.fromkeys(_PLACEHOLDER.findall(template)) if one not in values]
    if unknown:
        raise errors.InvalidInputError(
            f"This canned response has placeholders that cannot be filled in here: {', '.join(unknown[:5])}.",
            "Write the reply as `text`, or ask the user to send it from Freshdesk.",
        )
    return _PLACEHOLDER.sub(lambda match: html.escape(values[match[1]], quote=False), template)


def plain(text: str) -> str:
    """Return HTML as text, for a question."""
    return errors.excerpt(html_to_text(text))


async def message(paths: Sequence[str] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a reply or note as arguments of a request: a form where files of the data folder go along.

    Raises errors.InvalidInputError where these are too large.
    """
    contents = [(path, await in_thread(files.read, path, LARGEST_UPLOAD)) for path in paths or []]
    if sum(len(data) for _, data in contents) > LARGEST_UPLOAD:
        raise errors.InvalidInputError("Freshdesk takes 20 MB of files with a message.", "Attach fewer files.")
    if not contents:
        return {"json": dict(fields)}
    uploads = [("attachments[]", (path.rsplit("/", 1)[-1], data, files.content_type(path))) for path, data in contents]
    form = {key: str(value).lower() if isinstance(value, bool) else value for key, value in fields.items()}
    return {"data": form, "files": uploads}


async def finished(answer: Mapping[str, Any], tickets: int) -> Done:
    """Wait for a job, and return how it ended, or its number where it takes longer."""
    number = str(answer["job_id"])
    for turn in range(POLLS):
        job = Job.model_validate(await api.get(f"{V2}/jobs/{number}"))
        state = job.status.upper().replace("_", " ")
        if state in ("FAILED", "ERROR", "KILLED"):
            raise errors.UpstreamError(
                "Freshdesk could not carry all of it out; some of it may be done.", "Look at the tickets."
            )
        if state not in ("", "QUEUED", "PENDING", "IN PROGRESS", "PROCESSING"):
            return Done(tickets=tickets)
        await progress(turn, POLLS)
        await api.connection.network.retry.sleep(1)
    return Done(done=False, tickets=tickets, job=number)


def reached(raw: Mapping[str, Any]) -> str:
    """Return whom a reply goes to, as a person is asked about it."""
    requester = raw.get("requester")
    parts = (requester.get("name"), requester.get("email")) if isinstance(requester, dict) else ()
    return " ".join(str(part) for part in parts if part) or "the customer"


def shown_name(someone: Contact | None, otherwise: str) -> str:
    """Return the name of a person, as far as it is known."""
    return (someone.name if someone else None) or otherwise
