"""Gmail: search, read, answer, send, draft, label, trash.

API: https://developers.google.com/workspace/gmail/api/reference/rest
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

from pydantic import Field

from flotilla import (
    ByCursor,
    Cursor,
    Limit,
    Page,
    Server,
    Toolset,
    confirm,
    confirm_recipients,
    connection_of,
    errors,
    files,
    in_thread,
    segment,
    sliced,
)
from flotilla.parsing.addresses import AddressList
from flotilla_servers._google import confirm_new, scope

from . import reading
from .client import ME, api, integration
from .download import content_of
from .labels import ids_of, known
from .mime import Draft, addresses, mailboxes
from .models import Drafted, Label, Labelled, Line, Message, Profile, Sent, Trashed
from .sending import answered, attached, deliver, threaded

tools = Toolset()

READ = [scope("gmail.readonly"), scope("gmail.modify")]
MODIFY = [scope("gmail.modify")]
PAGES = ByCursor("messages", "nextPageToken", cursor="pageToken", limit="maxResults")
MessageId = Annotated[str, Field(description="Message id", examples=["18f2a7c4d9e0b1a3"])]
To = Annotated[AddressList, Field(description="Addresses", examples=[["Marie Dupont <marie@example.org>"]])]
People = Annotated[AddressList | None, Field(description="Addresses")]
Text = Annotated[str, Field(description="Plain text", examples=["Bonjour, voici le devis."])]
Html = Annotated[str | None, Field(description="HTML beside it")]
Files = Annotated[list[str] | None, Field(description="Paths in the data folder")]


@tools.reads(scopes=READ)
async def search_messages(
    query: Annotated[str, Field(description="As in Gmail's search box", examples=["from:marie has:attachment"])],
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Page[Line]:
    """Find mail, newest first. Operators: from: to: subject: after:2030/06/01 is:unread in:anywhere."""
    return await _listed(limit, cursor, q=query)


@tools.reads(scopes=READ)
async def list_messages(
    label: Annotated[str, Field(description="Name or id")] = "INBOX", limit: Limit = 10, cursor: Cursor = None
) -> Page[Line]:
    """List the mail under a label, newest first."""
    return await _listed(limit, cursor, labelIds=(await ids_of([label]))[0])


async def _listed(limit: int, cursor: str | None, **params: Any) -> Page[Line]:
    """The API lists ids alone: what stands in a line is asked for, ten at a time."""
    page = await api.page(f"{ME}/messages", Sent, params=params, limit=limit, cursor=cursor, paging=PAGES)
    wanted = {"format": "metadata", "metadataHeaders": ["From", "Subject"]}
    turn = asyncio.Semaphore(10)

    async def one(message: str) -> Line:
        async with turn:
            return Line.of(await api.get(f"{ME}/messages/{segment(message)}", params=wanted))

    lines = await asyncio.gather(*(one(sent.id) for sent in page.items))
    return Page(items=lines, next_cursor=page.next_cursor)


@tools.reads(scopes=READ)
async def get_message(message: MessageId) -> Message:
    """Read a message: headers, text, attachments."""
    return Message.of(await api.get(f"{ME}/messages/{segment(message)}", params={"format": "full"}))


@tools.writes(
    creates=True, additive=False, asks=True, scopes=[scope(s) for s in ("gmail.send", "gmail.compose", "gmail.modify")]
)
async def send_email(
    to: To,
    subject: Annotated[str, Field(description="Subject", examples=["Devis n° 42"])],
    text: Text,
    html: Html = None,
    cc: People = None,
    bcc: People = None,
    attachments: Files = None,
) -> Sent:
    """Send a new mail. To answer one: gmail_reply_to_message."""
    draft = Draft(to, subject, text, html or "", cc or (), bcc or (), await attached(attachments or ()))
    everybody = mailboxes([*to, *(cc or ()), *(bcc or ())], "to")
    doing = f"Send the mail «{errors.excerpt(subject, 80)}»"
    if not await confirm_new(integration, everybody, f"{doing} to"):
        await confirm_recipients(everybody, doing)
    return Sent.model_validate(await deliver("send a mail", "/messages/send", draft))


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    scopes=[*map(scope, ("gmail.readonly gmail.send", "gmail.readonly gmail.compose", "gmail.modify"))],
)
async def reply_to_message(
    message: MessageId,
    text: Text,
    html: Html = None,
    everybody: Annotated[bool, Field(description="All recipients too")] = False,
    cc: People = None,
    attachments: Files = None,
) -> Sent:
    """Answer a message in its thread."""
    raw = await answered(segment(message))
    head, thread = reading.headers(raw), str(raw.get("threadId", ""))
    mine = "SENT" in raw.get("labelIds", ())
    to = addresses(head.get("To", "") if mine else head.get("Reply-To") or head.get("From", ""))
    if everybody:
        me = (await api.get(f"{ME}/profile"))["emailAddress"].lower()
        others = [a for a in addresses(f"{head.get('To', '')}, {head.get('Cc', '')}") if a != me and a not in to]
        cc = [*(cc or ()), *others]
    if not to:
        raise errors.InvalidInputError("The message names nobody to answer.", "Send a new mail in its place.")
    draft = Draft(
        to, text=text, html=html or "", cc=cc or (), attachments=await attached(attachments or ()), **threaded(raw)
    )
    readers, doing = mailboxes([*to, *(cc or ())], "cc"), f"Answer «{errors.excerpt(draft.subject, 80)}»"
    there = await _participants(thread) if connection_of(integration).fleet.confirm == "new-recipients" else set[str]()
    if not await confirm_new(integration, [a for a in readers if a.lower() not in there], f"{doing} to"):
        await confirm_recipients(readers, doing)
    return Sent.model_validate(await deliver("answer a mail", "/messages/send", draft, thread, message))


async def _participants(thread: str) -> set[str]:
    """Return everybody who wrote or got a mail of a thread. Reply-To does not count: anybody can write there."""
    params = {"format": "metadata", "metadataHeaders": ["From", "To", "Cc"]}
    found = await api.get(f"{ME}/threads/{segment(thread)}", params=params)
    heads = [reading.headers(one) for one in api.rows_in(found, "messages", missing=True)]
    return {a for head in heads for name in ("From", "To", "Cc") for a in addresses(head.get(name, ""))}


@tools.writes(creates=True, scopes=[*map(scope, ("gmail.readonly gmail.compose", "gmail.modify"))])
async def create_draft(
    text: Text,
    to: People = None,
    subject: Annotated[str | None, Field(description="Subject")] = None,
    html: Html = None,
    cc: People = None,
    attachments: Files = None,
    answers: Annotated[str | None, Field(description="Message id: the draft answers it")] = None,
) -> Drafted:
    """Write a draft that the user sends, or an answer's."""
    raw = await answered(segment(answers)) if answers else {}
    about = threaded(raw) if raw else {"subject": subject or ""}
    if raw and not to:
        head = reading.headers(raw)
        to = addresses(head.get("Reply-To") or head.get("From", ""))
    draft = Draft(
        to or (), text=text, html=html or "", cc=cc or (), attachments=await attached(attachments or ()), **about
    )
    thread = str(raw.get("threadId", ""))
    return Drafted.model_validate(await deliver("write a draft", "/drafts", draft, thread, answers or ""))


@tools.reads(scopes=[scope(s) for s in ("gmail.labels", "gmail.readonly", "gmail.modify")])
async def list_labels(limit: Limit = 50, cursor: Cursor = None) -> Page[Label]:
    """List labels; INBOX, UNREAD and STARRED are Gmail's own."""
    return sliced([Label.model_validate(label) for label in await known()], limit, cursor)


@tools.writes(additive=False, idempotent=True, scopes=MODIFY)
async def modify_labels(
    message: MessageId,
    add: Annotated[list[str] | None, Field(description="Names or ids")] = None,
    remove: Annotated[list[str] | None, Field(description="INBOX archives, UNREAD marks as read")] = None,
) -> Labelled:
    """Add and remove labels of a message."""
    if not (add or remove):
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass labels in `add` or `remove`.")
    if any(label.strip().upper() == "TRASH" for label in add or []):
        raise errors.InvalidInputError("TRASH is no label to add.", "Use gmail_trash_message, which asks first.")
    body = {"addLabelIds": await ids_of(add or []), "removeLabelIds": await ids_of(remove or [])}
    answer = await api.post(f"{ME}/messages/{segment(message)}/modify", json={n: v for n, v in body.items() if v})
    return Labelled.model_validate(answer)


@tools.reads(scopes=READ)
async def get_attachment(
    message: MessageId,
    attachment: Annotated[str, Field(description="Its id in the message", examples=["1"])],
    path: Annotated[str | None, Field(description="New file; else mail/<message>/<name>")] = None,
) -> files.FileRef:
    """Save an attachment in the data folder."""
    name, content = await content_of(message, attachment)
    place = path or f"mail/{re.sub(r'[^A-Za-z0-9_-]', '_', message)[:80]}/{name}"
    return await in_thread(files.write, place, content, path is None)


@tools.destroys(asks=True, idempotent=True, scopes=MODIFY)
async def trash_message(message: MessageId) -> Trashed:
    """Move a message to the trash; Gmail deletes it after 30 days."""
    about = await get_message(message)
    await confirm(f"Move the mail «{about.subject}» from {about.sender} to the trash?")
    await api.send("POST", f"{ME}/messages/{segment(message)}/trash")
    return Trashed(trashed=message)


@tools.writes(core=False, idempotent=True, scopes=MODIFY)
async def restore_message(message: MessageId) -> Labelled:
    """Take a message out of the trash."""
    return Labelled.model_validate(await api.post(f"{ME}/messages/{segment(message)}/untrash"))


@tools.writes(core=False, creates=True, scopes=[scope("gmail.labels"), scope("gmail.modify")])
async def create_label(
    name: Annotated[str, Field(description="Parent/child nests", examples=["Clients/Dupont"])],
) -> Label:
    """Make a label."""
    return Label.model_validate(await api.post(f"{ME}/labels", json={"name": name}))


@tools.reads(core=False, scopes=READ)
async def get_current_user() -> Profile:
    """Whose mailbox is connected."""
    return Profile.model_validate(await api.get(f"{ME}/profile"))


server = Server(integration, toolsets=[tools])
