"""Sending and drafting: attachments from the data folder, big mail in parts."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from flotilla import announce, errors, files, in_thread
from flotilla_servers._google import resumable

from .client import ME, api
from .mime import LARGEST, Draft, build
from .reading import SHOWN, headers

BIG = 4_000_000  # bytes of a mail that no longer goes as JSON


async def attached(paths: Sequence[str]) -> list[tuple[str, bytes]]:
    """Read files of the data folder; raises errors.InvalidInputError when all together are more than Gmail takes."""
    found, left = [], LARGEST
    for path in paths:
        content = await in_thread(files.read, path, left)
        left -= len(content)
        found.append((PurePosixPath(files.shown(path)).name, content))
    return found


async def deliver(action: str, path: str, draft: Draft, thread: str = "", answers: str = "") -> Any:
    """Send a draft to `path`, which takes a message or wraps one, and return the API's answer.

    `answers` is the id of the message that it answers, for a dry run.

    A dry run shows the mail in readable form: what goes out is base64.
    """
    mail = await in_thread(build, draft)
    told: dict[str, Any] = {
        "method": "POST",
        "to": list(draft.to),
        "cc": list(draft.cc),
        "bcc": list(draft.bcc),
        "subject": draft.subject,
        "text": draft.text,
        "html": draft.html,
        "attachments": [name for name, _ in draft.attachments],
        "answers": answers,
        "thread": thread,
        "bytes": len(mail),
    }
    announce(action=action, **{name: value for name, value in told.items() if value})
    message: dict[str, Any] = {"threadId": thread} if thread else {}
    drafts = path.endswith("/drafts")
    if len(mail) > BIG:
        return await resumable(
            api,
            f"{ME}{path}",
            prefix="/resumable/upload",
            metadata={"message": message} if drafts else message,
            content=io.BytesIO(mail),
            size=len(mail),
            content_type="message/rfc822",
        )
    message["raw"] = base64.urlsafe_b64encode(mail).decode()
    return await api.post(f"{ME}{path}", json={"message": message} if drafts else message)


async def answered(message: str) -> dict[str, Any]:
    """Return the message that is to be answered, with the headers that an answer needs."""
    wanted = {"format": "metadata", "metadataHeaders": list(SHOWN)}
    raw: dict[str, Any] = await api.get(f"{ME}/messages/{message}", params=wanted)
    return raw


def threaded(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a mail part of a thread: subject, In-Reply-To and References."""
    head = headers(raw)
    subject = " ".join(head.get("Subject", "").split())[:800]  # others may write tabs and much text into it
    known = head.get("Message-ID", "").strip()
    chain = [word for word in head.get("References", "").split() if word.startswith("<")]
    if not known:
        raise errors.InvalidInputError(
            "The message has no Message-ID, so nothing can answer it.", "Send a new mail in its place."
        )
    return {
        "subject": subject if subject.lower().startswith("re:") else f"Re: {subject}".strip(),
        "reply_to": known,
        "references": chain[-20:],
    }
