"""Sending and drafting: attachments from the data folder, big mail in parts."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from flotilla import announce, errors, files, in_thread, segment
from flotilla_servers._google import resumable

from .client import COST, ME, api
from .mime import LARGEST, Draft, build, cleaned
from .reading import SHOWN, headers

BIG = 4_000_000  # bytes of a mail that no longer goes as JSON
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")  # printable ASCII alone: it is written into a header


async def attached(paths: Sequence[str]) -> list[tuple[str, bytes]]:
    """Read files of the data folder; raises errors.InvalidInputError when all together are more than Gmail takes."""
    contents, left = [], LARGEST
    for path in paths:
        content = await in_thread(files.read, path, left)
        left -= len(content)
        contents.append((PurePosixPath(files.shown(path)).name, content))
    return contents


async def deliver(action: str, path: str, draft: Draft, thread: str = "", answers: str = "") -> Any:
    """Send a draft to `path`, which takes a message or wraps one, and return the API's answer.

    `answers` is the id of the message that it answers. What goes out is base64, so a dry run shows the mail itself.
    """
    mail = await in_thread(build, draft)
    shown: dict[str, Any] = {
        "method": "POST",
        "to": [str(address) for address in draft.to],
        "cc": [str(address) for address in draft.cc],
        "bcc": [str(address) for address in draft.bcc],
        "subject": draft.subject,
        "text": draft.text,
        "html": draft.html,
        "attachments": [name for name, _ in draft.attachments],
        "answers": answers,
        "thread": thread,
        "bytes": len(mail),
    }
    announce(action=action, **{name: value for name, value in shown.items() if value})
    message: dict[str, Any] = {"threadId": thread} if thread else {}
    drafts = path.endswith("/drafts")
    cost = COST["drafts.create" if drafts else "messages.send"]
    if len(mail) > BIG:
        return await resumable(
            api,
            f"{ME}{path}",
            prefix="/resumable/upload",
            metadata={"message": message} if drafts else message,
            content=io.BytesIO(mail),
            size=len(mail),
            content_type="message/rfc822",
            cost=cost,
        )
    message["raw"] = base64.urlsafe_b64encode(mail).decode()
    return await api.post(f"{ME}{path}", json={"message": message} if drafts else message, cost=cost)


async def headers_of(message: str) -> dict[str, Any]:
    """Return a message of the API with the headers that an answer needs, and no text."""
    params = {"format": "metadata", "metadataHeaders": list(SHOWN)}
    return await api.get(f"{ME}/messages/{segment(message)}", params=params, cost=COST["messages.get"])


def threaded(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a mail part of a thread: subject, In-Reply-To and References.

    Others wrote these headers: what cannot stand in a header is cleaned, not refused. A mail without a Message-ID is
    answered without In-Reply-To (RFC 5322 §3.6.4).
    """
    head = headers(raw)
    subject = cleaned(head.get("Subject", ""))[:800]
    answered = _MESSAGE_ID.findall(head.get("Message-ID", ""))[:1]
    return {
        "subject": subject if subject.lower().startswith("re:") else f"Re: {subject}".strip(),
        "reply_to": "".join(answered),
        "references": _MESSAGE_ID.findall(head.get("References", ""))[-20:],
    }


def must_have_recipients(draft: Draft) -> None:
    """Raise errors.InvalidInputError for an answer to a mail that names nobody."""
    if not draft.to:
        raise errors.InvalidInputError(
            "The message names nobody to answer.", "Send a new mail with gmail_send_email instead."
        )
