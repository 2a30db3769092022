"""Conversations and tickets as rows and threads, and what is done to either."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flotilla import errors, readable, segment
from flotilla.parsing import html_to_text

from .client import api
from .lookup import account_zone, link_to, local, name_of, split, writer_id
from .models import Attachment, Author, Item, Message, Named, Part, Row, Saved, TicketItem

PREVIEW = 200  # characters of a first message in a list
CHANGES = {
    "close": "closed",
    "open": "reopened",
    "snoozed": "snoozed",
    "unsnoozed": "snooze ended",
    "assignment": "assigned",
    "assign_and_reopen": "assigned",
    "ticket_state_updated_by_admin": "ticket state changed",
}
ROLES = {"admin": "teammate", "team": "teammate", "bot": "bot", "user": "customer", "lead": "customer"}


def path_of(ref: str) -> str:
    """Return the path of a conversation or ticket."""
    kind, number = split(ref)
    return f"/{kind}s/{segment(number)}"


async def fetch(ref: str) -> Item:
    """Return a conversation or ticket with its parts."""
    model = TicketItem if split(ref)[0] == "ticket" else Item
    return model.model_validate(await api.get(path_of(ref)))


def compact(row: dict[str, Any]) -> Row:
    """Return a row without its empty values, all as text."""
    return {name: str(value) for name, value in row.items() if value not in (None, "", "none", [], {})}


def excerpt(html: str | None) -> str:
    """Return the beginning of a message as one line."""
    return errors.excerpt(html_to_text(html or ""), PREVIEW)


def tag_names(box: dict[str, Any] | None) -> list[str]:
    """Return the names of the tags in a list object of Intercom's."""
    listed = (box or {}).get("tags") or (box or {}).get("data") or []
    return [one.name for one in readable(Named, [tag for tag in listed if isinstance(tag, dict)]) if one.name]


def contact_ids(item: Item) -> list[str]:
    """Return the ids of the people in a conversation."""
    listed = (item.contacts or {}).get("contacts") or []
    return [one.id for one in readable(Named, [one for one in listed if isinstance(one, dict)])]


def is_customer(author: Author | None) -> bool:
    """Tell whether somebody of outside wrote."""
    return bool(author and ROLES.get(author.type or "") == "customer")


async def row_of(item: Item, zone: ZoneInfo) -> Row:
    """Return a conversation or ticket as a row."""
    source = item.source
    author = source.author if source and is_customer(source.author) else None
    ids = contact_ids(item)
    row: dict[str, Any] = {
        "record": f"{'ticket' if isinstance(item, TicketItem) else 'conversation'}:{item.id}",
        "title": item.title or (html_to_text(source.subject or "") if source else ""),
        "state": item.state or {True: "open", False: "closed"}.get(item.open),  # type: ignore[arg-type]
        "contact": author.name if author else None,
        "email": author.email if author else None,
        "contact_id": ids[0] if ids else None,
        "assignee": await name_of("teammate", item.admin_assignee_id),
        "team": await name_of("team", item.team_assignee_id),
        "priority": item.priority if item.priority != "not_priority" else None,
        "channel": source.type if source else None,
        "waiting_since": local(item.waiting_since, zone),
        "snoozed_until": local(item.snoozed_until, zone),
        "updated": local(item.updated_at, zone),
        "tags": ", ".join(tag_names(item.tags)),
        "text": excerpt(source.body) if source else None,
    }
    if isinstance(item, TicketItem):
        state = item.ticket_state or {}
        row |= {
            "title": item.attributes.get("_default_title_"),
            "number": item.number,
            "type": (item.ticket_type or {}).get("name"),
            "state": state.get("internal_label") or state.get("category") or row["state"],
            "text": excerpt(str(item.attributes.get("_default_description_") or "")),
        }
    return compact(row)


async def details_of(item: Item, zone: ZoneInfo) -> Row:
    """Return a row with what only one conversation shows: its link and its own attributes."""
    row = await row_of(item, zone)
    own = item.attributes if isinstance(item, TicketItem) else item.custom_attributes or {}
    more = {name: value for name, value in own.items() if not name.startswith("_default_") and name not in row}
    row.pop("text", None)
    return {**row, **compact({"created": local(item.created_at, zone), **more, "url": await link_to("", item.id)})}


def messages_of(item: Item, zone: ZoneInfo) -> list[Message]:
    """Return the messages, notes and changes of a conversation or ticket, oldest first."""
    result = []
    if isinstance(item, TicketItem):
        if text := str(item.attributes.get("_default_description_") or ""):
            opened = {"at": local(item.created_at, zone), "role": "customer", "kind": "description", "text": text}
            result.append(Message.model_validate(opened))
    elif item.source and (item.source.body or item.source.attachments):
        source = item.source
        first = Part(
            id="", part_type="message", body=source.body, created_at=item.created_at, author=source.author,
            attachments=source.attachments,
        )  # fmt: skip
        result.append(_message(first, zone))
    parts = (item.parts or {}).get("conversation_parts") or (item.parts or {}).get("ticket_parts") or []
    for part in readable(Part, [one for one in parts if isinstance(one, dict)]):
        if part.body or part.attachments or part.part_type in CHANGES:
            result.append(_message(part, zone))
    return result


def files_of(listed: list[Any] | None) -> list[Attachment]:
    """Return the attachments of a message."""
    return readable(Attachment, [one for one in listed or [] if isinstance(one, dict)])


def _message(part: Part, zone: ZoneInfo) -> Message:
    kind = {"comment": "message", "quick_reply": "message"}.get(part.part_type, part.part_type)
    author = part.author or Author()
    return Message(
        at=local(part.created_at, zone),
        by=author.name or author.email,
        role=ROLES.get(author.type or "", author.type or "unknown"),
        kind=kind if kind in ("message", "note") else CHANGES.get(kind, "message" if part.body else kind),
        text=html_to_text(part.body or "") or None,
        files=files_of(part.attachments),
    )


async def write(ref: str, body: dict[str, Any]) -> None:
    """Post a comment or a note on a conversation or ticket."""
    await api.post(f"{path_of(ref)}/reply", json={"type": "admin", "admin_id": await writer_id(), **body})


async def change(ref: str, part: dict[str, Any], ticket: dict[str, Any], *, only_declare: bool = False) -> Saved:
    """Close, open, snooze or assign: `part` is how a conversation takes it, `ticket` how a ticket does.

    With `only_declare` the request is announced as one that follows another, for dry runs, and not sent.
    """
    kind, number = split(ref)
    admin = await writer_id()
    if kind == "ticket":
        method, path, body = "PUT", path_of(ref), {**ticket, "admin_id": int(admin) if admin.isdecimal() else admin}
    else:
        method, path, body = "POST", f"{path_of(ref)}/parts", {**part, "admin_id": admin}
    if only_declare:
        api.follows(method, path, json=body)
        return Saved(record=ref)
    answer = await (api.put if method == "PUT" else api.post)(path, json=body)
    return await saved(ref, Item.model_validate({"id": number, **answer}))


async def saved(ref: str, item: Item) -> Saved:
    """Return what is true of a conversation or ticket after a change."""
    zone = await account_zone()
    return Saved(
        record=ref,
        state=item.state or {True: "open", False: "closed"}.get(item.open),  # type: ignore[arg-type]
        assignee=await name_of("teammate", item.admin_assignee_id),
        team=await name_of("team", item.team_assignee_id),
        snoozed_until=local(item.snoozed_until, zone),
    )
