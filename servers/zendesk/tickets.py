"""Tickets as they are read and changed by several tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flotilla import errors, files, in_thread, progress, readable

from .client import api, numbered
from .lookup import account_zone, known_names, names_in, number_of
from .models import Changed, Done, Job, TicketRow

BESIDE = "users,groups"  # what a list of tickets brings along: the names of people and groups
LARGEST_UPLOAD = 50_000_000  # bytes: https://support.zendesk.com/hc/en-us/articles/4408832757146
POLLS = 15  # times, a second apart, that a job is looked at


def link(number: object) -> str:
    """Return the address of a ticket in the agents' workspace."""
    return f"{api.base.rstrip('/')}/agent/tickets/{number}"


def with_names(raw: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return a ticket with the names of its people, as far as they came beside it."""
    people, groups = names_in(answer, "users"), names_in(answer, "groups")
    companies = names_in(answer, "organizations")
    names = {
        "requester": people.get(str(raw.get("requester_id"))),
        "assignee": people.get(str(raw.get("assignee_id"))),
        "group": groups.get(str(raw.get("group_id"))),
        "organization": companies.get(str(raw.get("organization_id"))),
        "link": link(raw.get("id")),
    }
    return {**raw, **names}


async def rows_of(answer: dict[str, Any], at: str) -> list[TicketRow]:
    """Return the tickets of a list, with names and local times."""
    zone = await account_zone()
    rows = readable(TicketRow, [with_names(raw, answer) for raw in api.rows_in(answer, at)])
    return [row.within(zone) for row in rows]


async def search(query: str, limit: int, cursor: str | None = None) -> tuple[list[TicketRow], str | None]:
    """Return one page of the tickets that a query in Zendesk's syntax finds, last changed first."""
    style = numbered("results")
    params = {"query": f"type:ticket {query}".strip(), "sort_by": "updated_at", "sort_order": "desc"}
    beside = {"include": f"tickets({BESIDE})"}
    answer = await api.get("/api/v2/search", params={**params, **beside, **style.query(limit, cursor)})
    rows, (_, following) = await rows_of(answer, "results"), style.read(answer, {}, limit, cursor)
    return rows, following


async def ticket_of(ticket: str) -> dict[str, Any]:
    """Return a ticket that can be changed, with names; raises errors.InvalidInputError for a closed one."""
    answer = await api.get(f"/api/v2/tickets/{number_of(ticket)}", params={"include": BESIDE})
    raw = with_names(answer["ticket"], answer)
    if raw.get("status") == "closed":
        raise errors.InvalidInputError(
            f"Ticket {number_of(ticket)} is closed, and cannot be changed any more.",
            "Open a new one with zendesk_create_ticket.",
        )
    return raw


def titled(raw: Mapping[str, Any]) -> str:
    """Return a ticket as a person is asked about it."""
    return f"ticket {raw.get('id')} «{errors.excerpt(raw.get('subject') or 'without subject', 80)}»"


def unchanged_since(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that have Zendesk refuse a change of a ticket that somebody else has changed since."""
    stamp = raw.get("updated_at")
    return {"safe_update": True, "updated_stamp": stamp} if stamp else {}


async def save(number: object, changes: Mapping[str, Any]) -> Changed:
    """Change a ticket."""
    answer = await api.put(f"/api/v2/tickets/{number}", json={"ticket": dict(changes)})
    return changed(answer["ticket"])


def changed(raw: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> Changed:
    """Return what a tool tells of a ticket after a change."""
    return Changed.model_validate(shown(raw) | dict(more or {}))


def shown(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ticket with its link, and with whom it is assigned to as far as that name is known."""
    names = known_names()
    who = raw.get("assignee_id") or raw.get("group_id")
    return {**raw, "assigned_to": names.get(str(who), f"number {who}") if who else None, "link": link(raw.get("id"))}


def tags_after(raw: Mapping[str, Any], add: Iterable[str], remove: Iterable[str]) -> list[str]:
    """Return a ticket's tags after a change: Zendesk replaces all of them, and has no spaces in one."""
    gone = {_tag(one) for one in remove}
    return [one for one in dict.fromkeys([*(raw.get("tags") or []), *map(_tag, add)]) if one and one not in gone]


def _tag(text: str) -> str:
    return "_".join(text.strip().lower().split())


def tag_names(texts: Sequence[str] | None) -> list[str]:
    """Return tags as Zendesk writes them: small letters, no spaces."""
    return [one for one in map(_tag, texts or []) if one]


async def attach(paths: Sequence[str] | None, request: tuple[str, dict[str, Any]]) -> list[str]:
    """Upload files of the data folder, and return their tokens.

    `request` is the path and body of the ticket request that follows. Raises errors.InvalidInputError for a file that
    is too large, before anything is sent.
    """
    contents = [(path, await in_thread(files.read, path, LARGEST_UPLOAD)) for path in paths or []]
    uploads = [
        {
            "params": {"filename": path.rsplit("/", 1)[-1]},
            "content": data,
            "headers": {"Content-Type": files.content_type(path)},
        }
        for path, data in contents
    ]
    for _ in uploads[1:]:
        api.follows("POST", "/api/v2/uploads")
    if uploads:
        api.follows("PUT", request[0], json=request[1])
    tokens = []
    for upload in uploads:
        answer = await api.post("/api/v2/uploads", **upload)  # type: ignore[arg-type]
        tokens.append(str(answer["upload"]["token"]))
    return tokens


async def finished(answer: dict[str, Any], tickets: int) -> Done:
    """Wait for a job, and return how it ended, or its number where it takes longer."""
    job = Job.model_validate(answer["job_status"])
    for turn in range(POLLS):
        if job.status not in ("queued", "working"):
            break
        await progress(turn, POLLS)
        await api.connection.network.retry.sleep(1)
        job = Job.model_validate((await api.get(f"/api/v2/job_statuses/{job.id}"))["job_status"])
    if job.status in ("queued", "working"):
        return Done(done=False, tickets=tickets, job=job.id)
    results = job.results if isinstance(job.results, list) else []
    wrong = [one for one in results if isinstance(one, dict) and (one.get("error") or one.get("success") is False)]
    failed = [
        errors.excerpt(f"{one.get('id', '')} {one.get('details') or one.get('error') or ''}", 160) for one in wrong
    ]
    if job.status in ("failed", "killed"):
        failed = failed or [errors.excerpt(job.message or job.status, 160)]
    return Done(done=not failed, tickets=tickets, failed=failed or None)
