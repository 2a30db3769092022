"""One mail as bytes (RFC 5322, MIME): headers that cannot be forged, names and subjects in any script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, getaddresses

from flotilla import errors, files
from flotilla_servers._mail.plaintext import text_of

MOST_RECIPIENTS = 500  # Gmail's limit for one message
LARGEST = 25_000_000  # bytes of all attachments, Gmail's limit; base64 makes 34 MB of them
_ENCODED_WORD = re.compile(r"=\?[^?]*\?[bq]\?", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_NEWLINE = "\r\n"


@dataclass(frozen=True)
class Draft:
    """What is to be sent. Addresses are `a@b.c` or `Name <a@b.c>`; `text` or `html` or both."""

    to: Sequence[str]
    subject: str
    text: str = ""
    html: str = ""
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    attachments: Sequence[tuple[str, bytes]] = ()
    reply_to: str = ""  # Message-ID of the mail that this one answers
    references: Sequence[str] = field(default=())


def build(draft: Draft) -> bytes:
    """Return the mail; raises errors.InvalidInputError for what cannot be sent.

    Gmail adds From, Date and Message-ID.
    """
    if not (draft.text.strip() or draft.html.strip()):
        raise errors.InvalidInputError("The mail has no body.", "Give `text`, or `html`, or both.")
    lists = {name: mailboxes(getattr(draft, name.lower()), name) for name in ("To", "Cc", "Bcc")}
    if sum(map(len, lists.values())) > MOST_RECIPIENTS:
        raise errors.InvalidInputError(
            f"The mail has more than {MOST_RECIPIENTS} recipients.", "Send it in several calls."
        )
    head = {name: f",{_NEWLINE} ".join(map(_mailbox, boxes.items())) for name, boxes in lists.items() if boxes}
    head["Subject"] = _encoded(line(draft.subject, "subject"))
    if draft.reply_to:
        chain = dict.fromkeys([*draft.references, draft.reply_to])
        head |= {"In-Reply-To": draft.reply_to, "References": f"{_NEWLINE} ".join(chain)}
    written = "".join(f"{name}: {value}{_NEWLINE}" for name, value in head.items())
    return written.encode() + _body(draft)


def _body(draft: Draft) -> bytes:
    mime = EmailMessage(policy=SMTP.clone(cte_type="7bit"))  # base64 or quoted-printable: survives every server
    for body in (draft.text, draft.html):
        if any(0xD800 <= ord(char) <= 0xDFFF for char in body):
            raise errors.InvalidInputError(
                "The text holds half a character (a lone surrogate).", "Send it as valid Unicode."
            )
    mime.set_content(draft.text or text_of(draft.html))
    if draft.html.strip():
        mime.add_alternative(draft.html, subtype="html")
    for name, content in draft.attachments:
        main, _, sub = files.content_type(name).partition("/")
        if main in ("message", "multipart"):
            main, sub = "application", "octet-stream"
        mime.add_attachment(content, maintype=main, subtype=sub, filename=line(name, "attachment's name"))
    return mime.as_bytes()


def line(text: str, what: str) -> str:
    """Return `text` if it can stand in a header; raises errors.InvalidInputError."""
    if len(text) > 900:
        raise errors.InvalidInputError(f"The {what} has {len(text)} characters, more than 900.", "Shorten it.")
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text) or _ENCODED_WORD.search(text):
        raise errors.InvalidInputError(
            f"The {what} holds a line break, a control character or an encoded word (=?…?=).",
            "Write it as one line of plain text: it is encoded here.",
        )
    return text.strip()


def mailboxes(given: Iterable[str], what: str) -> dict[str, str]:
    """Return names by address, each address once; raises errors.InvalidInputError for what is no address."""
    found: dict[str, str] = {}
    for text in given:
        pairs = getaddresses([line(text, f"address in `{what.lower()}`")])
        name, address = pairs[0] if len(pairs) == 1 else ("", "")
        local, at, domain = address.rpartition("@")
        try:
            address = f"{local}{at}{domain.encode('idna').decode()}"
        except UnicodeError:
            address = ""
        if not _ADDRESS.fullmatch(address):
            raise errors.InvalidInputError(
                f"`{errors.excerpt(text, 80)}` in `{what.lower()}` is no e-mail address.",
                "Give one address an item, as jean@exemple.fr or Jean Dupont <jean@exemple.fr>.",
            )
        if address.lower() not in (known.lower() for known in found):
            found[address] = name
    return found


def addresses(header: str) -> list[str]:
    """Return the bare addresses of a header, in lower case."""
    return [address.lower() for _, address in getaddresses([header]) if "@" in address]


def _mailbox(box: tuple[str, str]) -> str:
    address, name = box
    if name.isascii():
        return formataddr((name, address))
    return f"{Header(name, 'utf-8').encode(linesep=_NEWLINE)} <{address}>"


def _encoded(text: str) -> str:
    if text.isascii() and len(text) <= 66:
        return text
    return Header(text, "utf-8", header_name="Subject").encode(linesep=_NEWLINE)
