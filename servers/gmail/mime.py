"""One mail as bytes (RFC 5322, MIME): headers that cannot be forged, names and subjects in any script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses
from typing import Any

from flotilla import Address, errors, files
from flotilla.parsing import html_to_text, unique_addresses

MOST_RECIPIENTS = 500  # Gmail's limit for one message
LARGEST = 25_000_000  # bytes of all attachments, Gmail's limit; base64 makes 34 MB of them
_ENCODED_WORD = re.compile(r"=\?[^?]*\?[bq]\?", re.IGNORECASE)
_NEWLINE = "\r\n"


@dataclass(frozen=True)
class Draft:
    """What is to be sent, with `text` or `html` or both."""

    to: Sequence[Address]
    subject: str
    text: str = ""
    html: str = ""
    cc: Sequence[Address] = ()
    bcc: Sequence[Address] = ()
    attachments: Sequence[tuple[str, bytes]] = ()
    sender: Address | None = None  # an alias; Gmail adds the account's default address without one
    reply_to: str = ""  # Message-ID of the mail that this one answers
    references: Sequence[str] = ()

    @property
    def recipients(self) -> list[str]:
        """Every address that the mail goes to, each once, without names."""
        return [one.address for one in unique_addresses([*self.to, *self.cc, *self.bcc])]


def build(draft: Draft) -> bytes:
    """Return the mail; Gmail adds From, Date and Message-ID.

    Raises errors.InvalidInputError for what cannot be sent.
    """
    if not (draft.text.strip() or draft.html.strip()):
        raise errors.InvalidInputError("The mail has no body.", "Pass `text`, or `html`, or both.")
    if len(draft.to) + len(draft.cc) + len(draft.bcc) > MOST_RECIPIENTS:
        raise errors.InvalidInputError(
            f"The mail has more than {MOST_RECIPIENTS} recipients.", "Send it in several calls."
        )
    lists = {"From": [draft.sender] if draft.sender else (), "To": draft.to, "Cc": draft.cc, "Bcc": draft.bcc}
    head = {name: _people(people) for name, people in lists.items() if people}
    head["Subject"] = _encoded(cleaned(draft.subject))
    if draft.reply_to:
        chain = dict.fromkeys([*draft.references, draft.reply_to])
        head |= {"In-Reply-To": draft.reply_to, "References": f"{_NEWLINE} ".join(chain)}
    return _written(head) + _body(draft)


@dataclass(frozen=True)
class Changes:
    """What a draft shall have in place of what it has; None leaves that as it is. `attachments` are added."""

    to: Sequence[Address] | None = None
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    cc: Sequence[Address] | None = None
    bcc: Sequence[Address] | None = None
    attachments: Sequence[tuple[str, bytes]] = ()


def changed(mail: bytes, changes: Changes) -> bytes:
    """Return a mail with some parts replaced. What is not named stays byte for byte; attachments stay in any case."""
    head, _, body = re.sub(rb"\r?\n", b"\r\n", mail).partition(b"\r\n\r\n")
    lists = {"To": changes.to, "Cc": changes.cc, "Bcc": changes.bcc}
    new = {name: _people(people) for name, people in lists.items() if people is not None}
    if changes.subject is not None:
        new["Subject"] = _encoded(cleaned(changes.subject))
    dropped = tuple(f"{name.lower()}:".encode() for name in new)
    if changes.text is not None or changes.html is not None or changes.attachments:
        dropped += (b"content-", b"mime-version:")
        body = _changed_body(mail, changes)
    else:
        body = b"\r\n" + body
    fields = re.split(rb"\r\n(?![ \t])", head)
    unchanged = b"".join(one + b"\r\n" for one in fields if one and not one.lower().startswith(dropped))
    return _written({name: value for name, value in new.items() if value}) + unchanged + body


def _changed_body(mail: bytes, changes: Changes) -> bytes:
    """Return the headers Content-* and the body of a mail whose text is new, or that gets more attachments."""
    old = message_from_bytes(mail, policy=SMTP.clone(cte_type="7bit"))
    assert isinstance(old, EmailMessage)
    if changes.text is None and changes.html is None:
        for name in {name for name, _ in old.items() if not name.lower().startswith(("content-", "mime-version"))}:
            del old[name]
        _attach(old, changes.attachments)
        return old.as_bytes()
    leaves = [part for part in old.walk() if not part.is_multipart()]
    others = [part for part in leaves if part.get_filename() or part.get_content_maintype() != "text"]
    files = [(cleaned(part.get_filename() or "attachment"), _bytes_of(part)) for part in others]
    text = changes.text if changes.text is not None else html_to_text(changes.html or "")
    return _body(Draft((), "", text, changes.html or "", attachments=[*files, *changes.attachments]))


def _bytes_of(part: Any) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _written(head: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}{_NEWLINE}" for name, value in head.items()).encode()


def _people(people: Sequence[Address]) -> str:
    return f",{_NEWLINE} ".join(one.header() for one in people)


def _body(draft: Draft) -> bytes:
    mime = EmailMessage(policy=SMTP.clone(cte_type="7bit"))  # base64 or quoted-printable: survives every server
    for body in (draft.text, draft.html):
        if any(0xD800 <= ord(char) <= 0xDFFF for char in body):
            raise errors.InvalidInputError(
                "The text holds half a character (a lone surrogate).", "Send it as valid Unicode."
            )
    mime.set_content(draft.text or html_to_text(draft.html))
    if draft.html.strip():
        mime.add_alternative(draft.html, subtype="html")
    _attach(mime, draft.attachments)
    return mime.as_bytes()


def _attach(mime: EmailMessage, attachments: Sequence[tuple[str, bytes]]) -> None:
    for name, content in attachments:
        main, _, sub = files.content_type(name).partition("/")
        if main in ("message", "multipart"):
            main, sub = "application", "octet-stream"
        mime.add_attachment(content, maintype=main, subtype=sub, filename=line(name, "attachment's name"))


def line(text: str, kind: str) -> str:
    """Return `text` if it can stand in a header; raises errors.InvalidInputError, which says `kind`."""
    if len(text) > 900:
        raise errors.InvalidInputError(f"The {kind} has {len(text)} characters, more than 900.", "Shorten it.")
    if any(map(_breaks, text)) or _ENCODED_WORD.search(text):
        raise errors.InvalidInputError(
            f"The {kind} holds a line break, a control character or an encoded word (=?…?=).",
            "Write it as one line of plain text; accents are encoded for you.",
        )
    return text.strip()


def cleaned(text: str) -> str:
    """Return somebody else's text as one line that can stand in a header."""
    return " ".join("".join(" " if _breaks(char) else char for char in text).split())


def addresses(header: str) -> list[Address]:
    """Return the addresses of a header that others wrote, without names, each once; what is none is left out."""
    pairs = getaddresses([cleaned(header)])
    return unique_addresses(Address(address) for _, address in pairs if "@" in address.strip("@"))


def _breaks(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")


def _encoded(text: str) -> str:
    if text.isascii() and len(text) <= 66 and not _ENCODED_WORD.search(text):
        return text
    return Header(text, "utf-8", header_name="Subject").encode(linesep=_NEWLINE)
