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


async def deliver(
    action: str, path: str, draft: Draft, thread: str = "", answers: str = "", forwards: str = "", own: str = ""
) -> Any:
    """Send a draft to `path`, which takes a message or wraps one, and return the API's answer.

    `answers` and `forwards` are ids of messages. What goes out is base64, so a dry run shows the mail itself; of one
    that is forwarded its id, and what is the sender's `own` in it.
    """
    mail = await in_thread(build, draft)
    shown: dict[str, Any] = {
        "from": str(draft.sender or ""),
        "to": [str(address) for address in draft.to],
        "cc": [str(address) for address in draft.cc],
        "bcc": [str(address) for address in draft.bcc],
        "subject": draft.subject,
        "text": own if forwards else draft.text,
        "html": "" if forwards else draft.html,
        "attachments": [name for name, _ in draft.attachments],
        "answers": answers,
        "forwards": forwards,
        "thread": thread,
    }
    return await put(action, "POST", path, mail, thread, shown)


async def put(action: str, method: str, path: str, mail: bytes, thread: str, shown: Mapping[str, Any]) -> Any:
    """Send the bytes of a mail to `path`, and return the API's answer. A dry run ends with what is `shown`."""
    details = {"method": method, **shown, "bytes": len(mail)}
    announce(action=action, **{name: value for name, value in details.items() if value})
    message: dict[str, Any] = {"threadId": thread} if thread else {}
    wrapped = path.startswith("/drafts")
    cost = COST["messages.send" if not wrapped else "drafts.create" if method == "POST" else "drafts.update"]
    if len(mail) > BIG:
        return await resumable(
            api,
            f"{ME}{path}",
            prefix="/resumable/upload",
            metadata={"message": message} if wrapped else message,
            content=io.BytesIO(mail),
            size=len(mail),
            content_type="message/rfc822",
            method=method,
            cost=cost,
        )
    message["raw"] = base64.urlsafe_b64encode(mail).decode()
    body = {"message": message} if wrapped else message
    return await api.request(method, f"{ME}{path}", json=body, cost=cost)


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
