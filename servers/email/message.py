"""Build one mail (RFC 5322, MIME): headers that cannot be forged, text made from HTML.

The body is the standard library's `EmailMessage`. The address and subject headers are written here, one mailbox a
folded line: the standard library's folding of accented address lists has been wrong in ways that differ between
Python releases (CVE-2024-6923, CVE-2025-1795), and it decodes an encoded word (`=?utf-8?q?…?=`) that a caller wrote,
line breaks included.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from flotilla import Address, errors
from flotilla.parsing import AddressError, html_to_text

MOST_RECIPIENTS = 100  # RFC 5321 §4.5.3.1.8: what every server takes in one mail
MOST_ATTACHMENTS = 20
LONGEST_SUBJECT = 500
LONGEST_NAME = 200
_ENCODED_WORD = re.compile(r"=\?[^?]*\?[bq]\?", re.IGNORECASE)
_REORDERING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # make a name read as another one
_NO_NAME = str.maketrans('"\\/', "'__")
_NEWLINE = "\r\n"
_FOLDED = re.compile(r"[^\r\n]+(\r\n [^\r\n]+)*")

# The standard library's table differs between releases and machines, and lacks most office formats.
_TYPES = mimetypes.MimeTypes(filenames=())
_OFFICE = "application/vnd.openxmlformats-officedocument."
for _ending, _type in {
    ".csv": "text/csv",
    ".docx": _OFFICE + "wordprocessingml.document",
    ".heic": "image/heic",
    ".ics": "text/calendar",
    ".md": "text/markdown",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pptx": _OFFICE + "presentationml.presentation",
    ".webp": "image/webp",
    ".xlsx": _OFFICE + "spreadsheetml.sheet",
}.items():
    _TYPES.add_type(_type, _ending)


@dataclass(frozen=True)
class Attachment:
    """A file to send along: the name that the reader sees, and its bytes."""

    name: str
    content: bytes = field(repr=False)

    @property
    def type(self) -> str:
        """The media type, from the ending; `application/octet-stream` where nothing else is certain."""
        guess, encoding = _TYPES.guess_type(self.name.lower())
        if guess is None or encoding or guess.startswith(("message/", "multipart/")):
            return "application/octet-stream"
        return guess


@dataclass(frozen=True)
class Draft:
    """What is to be sent: addresses, subject, one or both bodies, files."""

    sender: Address
    to: tuple[Address, ...]
    subject: str
    text: str = ""
    html: str = ""
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Mail:
    """A finished mail. `content` is what follows DATA, CRLF line ends, without dot stuffing."""

    message_id: str
    date: datetime
    sender: str
    recipients: tuple[str, ...]
    headers: dict[str, str]
    text: str
    content: bytes = field(repr=False)
    utf8: bool = False

    @property
    def size(self) -> int:
        """Octets, as the SIZE limit of RFC 1870 counts them."""
        return len(self.content)


def line(text: str, field: str, longest: int = LONGEST_SUBJECT) -> str:
    """Return `text` if it can stand in a header.

    Raises errors.InvalidInputError that names `what` and what is wrong with it.
    """
    if len(text) > longest:
        raise errors.InvalidInputError(f"The {field} has {len(text)} characters, more than {longest}.", "Shorten it.")
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in _REORDERING:
            raise errors.InvalidInputError(
                f"The {field} holds a line break or a control character (U+{ord(char):04X}).",
                "Write it as one line of plain text.",
            )
    if _ENCODED_WORD.search(text):
        raise errors.InvalidInputError(
            f"The {field} holds an encoded word (=?…?=).", "Write the text itself, with its accents."
        )
    return text.strip()


def check_allowed(addresses: Iterable[Address], rules: Iterable[str]) -> None:
    """Raise errors.PermissionDeniedError for an address that an allow-list of addresses and domains does not name.

    Without rules every address is allowed. Raises errors.ConfigurationError for a rule that is neither.
    """
    allowed = {_rule(rule) for rule in rules}
    for recipient in addresses if allowed else ():
        if not {recipient.key, "@" + recipient.domain} & allowed:
            raise errors.PermissionDeniedError(
                f"{recipient.address} is not among the recipients that the operator allows (EMAIL_ALLOWED_RECIPIENTS).",
                "Leave it out, or ask the user to add the address or its domain.",
            )


def _rule(rule: str) -> str:
    """Return the key of an address, or `@` and a domain, of `jean@exemple.fr`, `exemple.fr` or `@exemple.fr`."""
    whole = "@" in rule.lstrip("@")
    try:
        address = Address.read(rule if whole else "x@" + rule.lstrip("@"))
    except AddressError:
        raise errors.ConfigurationError(
            f"EMAIL_ALLOWED_RECIPIENTS holds `{errors.excerpt(rule, 80)}`, which is neither an address nor a domain.",
            "Ask the user to correct it: addresses and domains with commas between them.",
        ) from None
    return address.key if whole else "@" + address.domain


def message_id(draft: Draft, key: str = "") -> str:
    """Return the Message-ID: random, or with a key always the same one for this key, sender, recipients and subject.

    So a mail that is sent again with its key can be recognised as the same one, by people and by servers that drop
    duplicates; another mail under a key used long ago cannot be mistaken for it.
    """
    if not key:
        return make_msgid(domain=draft.sender.domain)
    envelope = [one.address for one in (draft.sender, *draft.to, *draft.cc, *draft.bcc)]
    digest = hashlib.sha256("\0".join([key, *envelope, draft.subject]).encode("utf-8", "surrogatepass")).hexdigest()
    return f"<{digest[:40]}@{draft.sender.domain}>"


def build(draft: Draft, key: str = "", now: datetime | None = None) -> Mail:
    """Turn a draft into bytes.

    Raises errors.InvalidInputError for what cannot be sent. bcc stands in the envelope alone.
    """
    draft = replace(draft, subject=line(draft.subject, "subject"))
    recipients: dict[str, str] = {}
    for recipient in (*draft.to, *draft.cc, *draft.bcc):
        recipients.setdefault(recipient.key, recipient.address)
    _check(draft, len(recipients))
    date = (now or datetime.now()).astimezone()
    identity = message_id(draft, key)
    lists = {"To": draft.to, "Cc": draft.cc, "Reply-To": draft.reply_to}
    raw_headers = {
        "From": draft.sender.header(),
        **{
            name: f",{_NEWLINE} ".join(one.header() for one in addresses)
            for name, addresses in lists.items()
            if addresses
        },
        "Subject": _subject(draft.subject),
        "Date": format_datetime(date),
        "Message-ID": identity,
    }
    readable_headers = {
        "From": str(draft.sender),
        **{name: ", ".join(map(str, addresses)) for name, addresses in lists.items() if addresses},
        "Subject": draft.subject,
    }
    text = draft.text or html_to_text(draft.html)
    head = "".join(f"{name}: {_unbroken(value)}{_NEWLINE}" for name, value in raw_headers.items())
    visible = (draft.sender, *draft.to, *draft.cc, *draft.bcc, *draft.reply_to)
    return Mail(
        message_id=identity,
        date=date.replace(microsecond=0),
        sender=draft.sender.address,
        recipients=tuple(recipients.values()),
        headers=readable_headers,
        text=text,
        content=head.encode() + _body(text, draft),
        utf8=not all(one.is_ascii for one in visible),
    )


def _check(draft: Draft, recipients: int) -> None:
    if not (draft.text.strip() or draft.html.strip()):
        raise errors.InvalidInputError("The mail has no body.", "Give `text`, or `html`, or both.")
    if not draft.subject:
        raise errors.InvalidInputError("The subject is empty.", "Give `subject`.")
    if not recipients:
        raise errors.InvalidInputError("The mail has no recipient.", "Give at least one address in `to`.")
    if recipients > MOST_RECIPIENTS:
        raise errors.InvalidInputError(
            f"The mail has {recipients} recipients, more than {MOST_RECIPIENTS}.", "Send it in several calls."
        )
    if len(draft.attachments) > MOST_ATTACHMENTS:
        raise errors.InvalidInputError(
            f"The mail has {len(draft.attachments)} attachments, more than {MOST_ATTACHMENTS}.",
            "Send fewer, or put them into one archive.",
        )
    for name, body in (("text", draft.text), ("html", draft.html)):
        if any(0xD800 <= ord(char) <= 0xDFFF for char in body):
            raise errors.InvalidInputError(
                f"The {name} holds half a character (a lone surrogate).", "Pass it as valid Unicode."
            )


def _subject(text: str) -> str:
    # A short ASCII subject stands as it is. A long one is encoded too: folding plain words would change the spaces.
    if text.isascii() and len(text) <= 66:
        return text
    return Header(text, "utf-8", header_name="Subject").encode(linesep=_NEWLINE)


def _unbroken(value: str) -> str:
    # The last check, whatever was checked before: a header has its own lines and no others.
    if not _FOLDED.fullmatch(value):
        raise errors.InvalidInputError(
            "A header of the mail would hold a line break.", "Write names and subject as plain text."
        )
    return value


def _body(text: str, draft: Draft) -> bytes:
    mime = EmailMessage(policy=SMTP.clone(cte_type="7bit"))  # base64 or quoted-printable: survives every server
    mime.set_content(text)
    inline, html = _inline(draft)
    if draft.html.strip():
        mime.add_alternative(html, subtype="html")
        page = list(mime.iter_parts())[1]
        for identity, file in inline.items():
            main, _, sub = file.type.partition("/")
            page.add_related(file.content, maintype=main, subtype=sub, cid=f"<{identity}>", disposition="inline")
    for file in draft.attachments:
        if file in inline.values():
            continue
        main, _, sub = file.type.partition("/")
        # Quotes and slashes have no place in a file's name on some reader's system, and parsers stumble over them.
        name = line(file.name, "attachment's name", LONGEST_NAME).translate(_NO_NAME) or "file"
        params = {"charset": "utf-8"} if main == "text" and _is_utf8(file.content) else None
        mime.add_attachment(file.content, maintype=main, subtype=sub, filename=name, params=params)
    return mime.as_bytes()


def _inline(draft: Draft) -> tuple[dict[str, Attachment], str]:
    """Return the pictures that the HTML shows, by Content-ID, and the HTML that names them so (RFC 2392)."""
    pictures: dict[str, Attachment] = {}
    html = draft.html
    for number, file in enumerate(draft.attachments, 1):
        shown = re.compile(rf"cid:{re.escape(file.name)}(?=[\"'\s>)])", re.IGNORECASE)
        if file.type.startswith("image/") and shown.search(html):
            identity = f"{number}.{hashlib.sha256(file.content).hexdigest()[:16]}@{draft.sender.domain}"
            html = shown.sub(f"cid:{identity}", html)
            pictures[identity] = file
    return pictures, html


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
