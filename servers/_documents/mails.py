"""Mails: RFC 5322 (.eml) by the standard library, Outlook's own (.msg) by python-oxmsg."""

from __future__ import annotations

import email
import mimetypes
import re
from email.message import EmailMessage
from email.policy import default
from typing import BinaryIO

from oxmsg import Message

from .document import Attachment, Document, TextDocument, contents
from .markup import decoded, markdown

_HEADERS = ("From", "To", "Cc", "Reply-To", "Date", "Subject")
_ADDRESS = re.compile(r"\]\([^)]*\)|https?://\S+")


def open_eml(file: BinaryIO) -> Document:
    """Open a mail; the text is that of the readable parts, the rest are attachments."""
    message: EmailMessage = email.message_from_bytes(contents(file), policy=default)
    attachments: list[Attachment] = []
    text = body(message, attachments)
    headers = {name: header(message, name) for name in _HEADERS}
    return mail(headers, text, attachments)


def open_msg(file: BinaryIO) -> Document:
    """Open a mail that Outlook saved."""
    message = Message.load(contents(file))
    sent = message.sent_date
    headers = {
        "From": message.sender or "",
        "To": ", ".join(f"{one.name} <{one.email_address}>" for one in message.recipients),
        "Date": sent.isoformat(" ", "seconds") if sent else "",
        "Subject": message.subject,
    }
    html = message.html_body
    text = better(message.body or "", markdown(html) if html else "")
    attachments = [
        Attachment(one.file_name or f"attachment-{n}", one.mime_type or "application/octet-stream", one.file_bytes)
        for n, one in enumerate(message.attachments, 1)
        if one.file_bytes is not None
    ]
    return mail(headers, text, attachments)


def mail(headers: dict[str, str], text: str, attachments: list[Attachment]) -> Document:
    """Return a mail with its headers at the top of its text."""
    top = "".join(f"{name}: {value}\n" for name, value in headers.items() if value)
    title = {"title": headers["Subject"][:500]} if headers.get("Subject") else {}
    return TextDocument(f"{top}\n{text.strip()}\n", facts=title, attachments=attachments)


def header(message: EmailMessage, name: str) -> str:
    """Return a header, "" for one that is missing or broken beyond reading."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except Exception:  # the parser of structured headers fails in its own ways
        return ""


def body(part: EmailMessage, attachments: list[Attachment]) -> str:
    """Return the text of a part and of those in it; anything else goes to the attachments."""
    kind = part.get_content_type()
    if kind == "multipart/alternative":
        texts = {one.get_content_type(): body(one, attachments) for one in parts_of(part)}
        plain = texts.pop("text/plain", "")
        return better(plain, max(texts.values(), key=len, default=""))
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        return "\n\n".join(text for one in parts_of(part) if (text := body(one, attachments).strip()))
    named = part.get_filename() or part.get_content_disposition() == "attachment"
    if kind in ("text/plain", "text/html") and not named:
        text = text_of(part)
        return markdown(text) if kind == "text/html" else text
    if kind == "message/rfc822" or part.get_content_disposition() != "inline" or not part.get("Content-ID"):
        attachments.append(attachment(part, len(attachments) + 1))
    return ""


def parts_of(part: EmailMessage) -> list[EmailMessage]:
    """Return the parts of a multipart part; a broken one may be text."""
    inner = part.get_payload()
    return [one for one in inner if isinstance(one, EmailMessage)] if isinstance(inner, list) else []


def attachment(part: EmailMessage, number: int) -> Attachment:
    """Return a part as a file."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        inner = (parts_of(part) or [EmailMessage()])[0]
        return Attachment(part.get_filename() or f"{header(inner, 'Subject') or 'mail'}.eml", kind, bytes(inner))
    name = part.get_filename() or f"attachment-{number}{mimetypes.guess_extension(kind) or ''}"
    content = part.get_payload(decode=True)
    return Attachment(name, kind, content if isinstance(content, bytes) else b"")


def text_of(part: EmailMessage) -> str:
    """Return a part's text, also where its character set is unknown or wrong."""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        content = part.get_payload(decode=True)
        return decoded(content) if isinstance(content, bytes) else ""


def better(plain: str, html: str) -> str:
    """Return the plain text, unless it is only a stub of the HTML: "this mail needs a program that shows HTML"."""
    letters = len(_ADDRESS.sub("", html))
    return plain if plain.strip() and len(plain) * 2 >= letters else html or plain
