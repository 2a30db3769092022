"""A message of the API as people read it: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from flotilla_servers._mail.plaintext import text_of

SHOWN = ("From", "To", "Cc", "Reply-To", "Subject", "Message-ID", "References")


def headers(message: Mapping[str, Any]) -> dict[str, str]:
    """Return a message's headers by their usual names; of one that comes twice, the first."""
    found: dict[str, str] = {}
    usual = {name.lower(): name for name in SHOWN}
    for header in (message.get("payload") or {}).get("headers", ()):
        found.setdefault(usual.get(header["name"].lower(), header["name"]), header["value"])
    return found


def when(message: Mapping[str, Any]) -> datetime:
    """Return when Gmail got it: the header's own date is whatever the sender wrote."""
    return datetime.fromtimestamp(int(message.get("internalDate") or 0) / 1000, UTC)


def leaves(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the parts that hold something, in order; a mail that is attached is one of them."""
    inner = part.get("parts") or ()
    if not inner or part.get("mimeType") == "message/rfc822":
        yield part
    else:
        for one in inner:
            yield from leaves(one)


def is_file(part: Mapping[str, Any]) -> bool:
    """Tell whether a part is an attachment and no text of the mail."""
    return bool(part.get("filename")) or not str(part.get("mimeType", "")).startswith("text/")


def text(message: Mapping[str, Any]) -> str:
    """Return the plain text; where there is only HTML, that reduced to text."""
    parts = [part for part in leaves(message.get("payload") or {}) if not is_file(part)]
    plain = [decoded(part) for part in parts if part.get("mimeType") == "text/plain"]
    if any(body.strip() for body in plain):
        return "\n".join(plain).replace("\r\n", "\n").strip()
    return "\n".join(text_of(decoded(part)) for part in parts if part.get("mimeType") == "text/html")


def decoded(part: Mapping[str, Any]) -> str:
    """Return a part's text; Gmail gives all text as UTF-8, base64url."""
    return data(str((part.get("body") or {}).get("data", ""))).decode("utf-8", "replace")


def data(encoded: str) -> bytes:
    """Return what base64url text stands for, with or without padding; nothing where it is none."""
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (ValueError, binascii.Error):
        return b""


def attachments(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the parts that are files; their `partId` is the same in every answer, their attachmentId is not."""
    return [part for part in leaves(message.get("payload") or {}) if is_file(part)]
