"""Gmail: mailboxes by account, threads, labels, and mail between the accounts that are here.

As its documentation says: files, and text that is big, stand behind an attachmentId, which is another one in every
answer; an answer belongs to a thread only when threadId, In-Reply-To and subject agree.
"""

from __future__ import annotations

import base64
import email
import email.policy
import itertools
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

from flotilla_testing import Request, Response

from .app import Google, Refusal, body, paged

ME = "/gmail/v1/users/me"
READ = "gmail.readonly gmail.modify mail"
SEND = "gmail.send gmail.compose gmail.modify mail"
APART = 100_000  # bytes of text from which on it stands behind an attachmentId; Gmail's own limit is not documented
LABELS = frozenset(("INBOX", "SENT", "TRASH", "UNREAD", "STARRED", "IMPORTANT", "SPAM", "DRAFT"))
TOKENS = itertools.count(1)


@dataclass
class Stored:
    """One message in one mailbox."""

    id: str
    thread: str
    labels: list[str]
    at: float
    mail: EmailMessage

    def of(self, form: str = "full", names: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return it as the API does."""
        text = self.mail.get_body(("plain", "html"))
        message: dict[str, Any] = {
            "id": self.id,
            "threadId": self.thread,
            "labelIds": self.labels,
            "snippet": (text.get_content() if text else "")[:100].strip(),
            "internalDate": str(int(self.at * 1000)),
        }
        if form != "minimal":
            message["payload"] = _payload(self.mail, "", form == "full", names)
        return message


@dataclass
class Mail:
    """All mailboxes."""

    google: Google
    boxes: dict[str, list[Stored]] = field(default_factory=dict)
    drafts: list[Stored] = field(default_factory=list)
    ids: Any = field(default_factory=lambda: itertools.count(0x18F2A7C4D9E00000))

    def deliver(self, sender: str, mail: EmailMessage, thread: str = "") -> Stored:
        """Take a mail from an account, file it as sent, and bring it to the accounts that are here."""
        for name, value in (("From", sender), ("Message-ID", f"<{next(self.ids):x}@mail.gmail.example>")):
            if not mail[name]:
                mail[name] = value
        saved = self._file(sender, mail, ["SENT"], thread)
        for _, address in getaddresses([str(mail[name]) for name in ("To", "Cc", "Bcc") if mail[name]]):
            if address.lower() in self.boxes and address.lower() != sender:
                self._file(address.lower(), mail, ["INBOX", "UNREAD"])
        return saved

    def _file(self, account: str, mail: EmailMessage, labels: list[str], thread: str = "") -> Stored:
        box = self.boxes.setdefault(account, [])
        answers = str(mail["In-Reply-To"] or "")
        answered = next((s for s in box if answers and str(s.mail["Message-ID"]) == answers), None)
        same = answered.thread if answered and _topic(answered.mail) == _topic(mail) else ""
        if thread and thread != same:  # the API's rule: thread, In-Reply-To and subject must agree
            raise Refusal(400, "invalidArgument", "The mail does not belong to the thread")
        result = f"{next(self.ids):x}"
        stored = Stored(result, same or result, labels, self.google.now(), mail)
        box.append(stored)
        return stored

    def find(self, account: str, message: str) -> Stored:
        """Return a message of an account."""
        for stored in self.boxes.get(account, ()):
            if stored.id == message:
                return stored
        raise Refusal(404, "notFound", "Requested entity was not found.")


def mount(google: Google) -> None:
    """Add the API."""
    mail = google.mail = Mail(google)

    def listed(account: str, request: Request) -> dict[str, Any]:
        query = dict(request.query)
        labels = [value for name, value in request.query if name == "labelIds"]
        hidden = {"SPAM", "TRASH"} - set(labels) if "in:anywhere" not in query.get("q", "") else set()
        result = [s for s in reversed(mail.boxes.get(account, [])) if not hidden & set(s.labels)]
        result = [s for s in result if set(labels) <= set(s.labels) and _fits(s, query.get("q", ""))]
        return paged([{"id": s.id, "threadId": s.thread} for s in result], request, "maxResults", "messages")

    def got(account: str, request: Request, message: str) -> dict[str, Any]:
        names = tuple(value for name, value in request.query if name == "metadataHeaders")
        return mail.find(account, message).of(dict(request.query).get("format", "full"), names)

    def thread(account: str, request: Request, thread: str) -> dict[str, Any]:
        result = [s.of("metadata") for s in mail.boxes.get(account, ()) if s.thread == thread]
        if not result:
            raise Refusal(404, "notFound")
        return {"id": thread, "messages": result}

    def attachment(account: str, request: Request, message: str, part: str) -> dict[str, Any]:
        number = part.removeprefix("token-").partition("-")[0]
        content = _content(dict(_numbered(mail.find(account, message).mail))[number])
        return {"size": len(content), "data": base64.urlsafe_b64encode(content).decode()}

    def sent(account: str, request: Request) -> dict[str, Any]:
        params = body(request)
        stored = mail.deliver(account, _read(base64.urlsafe_b64decode(params["raw"])), params.get("threadId", ""))
        return stored.of("minimal")

    def sent_in_parts(account: str, request: Request) -> Response:
        params = body(request)

        def finish(content: bytes) -> Response:
            return Response.of(mail.deliver(account, _read(content), params.get("threadId", "")).of("minimal"))

        return google.upload(request, finish)

    def drafted(account: str, request: Request) -> dict[str, Any]:
        params = body(request)["message"]
        result = f"{next(mail.ids):x}"
        content = _read(base64.urlsafe_b64decode(params["raw"]))
        mail.drafts.append(Stored(result, params.get("threadId", result), ["DRAFT"], google.now(), content))
        return {"id": f"r{result}", "message": mail.drafts[-1].of("minimal")}

    def labelled(account: str, request: Request, message: str) -> dict[str, Any]:
        stored, params = mail.find(account, message), body(request)
        if unknown := {*params.get("addLabelIds", ()), *params.get("removeLabelIds", ())} - LABELS:
            raise Refusal(400, "invalidArgument", f"Invalid label: {unknown.pop()}")
        saved = [label for label in stored.labels if label not in params.get("removeLabelIds", ())]
        stored.labels = [*saved, *(label for label in params.get("addLabelIds", ()) if label not in saved)]
        return stored.of("minimal")

    def trashed(account: str, request: Request, message: str) -> dict[str, Any]:
        stored = mail.find(account, message)
        stored.labels = [label for label in stored.labels if label != "INBOX"] + ["TRASH"]
        return stored.of("minimal")

    def labels(account: str, request: Request) -> dict[str, Any]:
        names = ("INBOX", "SENT", "TRASH", "UNREAD", "STARRED")
        return {"labels": [{"id": name, "name": name, "type": "system"} for name in names]}

    def profile(account: str, request: Request) -> dict[str, Any]:
        return {"emailAddress": account, "messagesTotal": len(mail.boxes.get(account, ()))}

    one = rf"{ME}/messages/(?P<message>[^/]+)"
    google.api("GET", f"{ME}/profile", READ + " gmail.compose", profile)
    google.api("GET", f"{ME}/messages", READ, listed)
    google.api("GET", one, READ, got)
    google.api("GET", rf"{one}/attachments/(?P<part>[^/]+)", READ, attachment)
    google.api("GET", rf"{ME}/threads/(?P<thread>[^/]+)", READ, thread)
    google.api("GET", f"{ME}/labels", READ + " gmail.labels", labels)
    google.api("POST", f"{ME}/messages/send", SEND, sent)
    google.api("POST", f"/resumable/upload{ME}/messages/send", SEND, sent_in_parts)
    google.api("POST", f"{ME}/drafts", "gmail.compose gmail.modify mail", drafted)
    google.api("POST", f"{one}/modify", "gmail.modify mail", labelled)
    google.api("POST", f"{one}/trash", "gmail.modify mail", trashed)


def _read(content: bytes) -> EmailMessage:
    if b"\r\n\r\n" not in content:
        raise Refusal(400, "invalidArgument", "No mail")
    read = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def _fits(stored: Stored, query: str) -> bool:
    """Tell whether a message fits a query: from:, to:, subject:, has:attachment, and words."""
    whole = str(stored.of("minimal")["snippet"]) + str(stored.mail["Subject"])
    for word in query.lower().split():
        name, colon, value = word.partition(":")
        text = str(stored.mail[name] or "") if colon and name in ("from", "to", "subject") else whole
        if word == "in:anywhere":
            continue
        if word == "has:attachment":
            if not list(stored.mail.iter_attachments()):
                return False
        elif (value if colon else word) not in text.lower():
            return False
    return True


def _numbered(mail: Any, number: str = "") -> list[tuple[str, Any]]:
    parts = list(mail.iter_parts()) if mail.is_multipart() else []
    inner = [pair for i, part in enumerate(parts) for pair in _numbered(part, f"{number}.{i}".lstrip("."))]
    return [(number, mail), *inner]


def _payload(mail: Any, number: str, full: bool, names: tuple[str, ...] = ()) -> dict[str, Any]:
    wanted = {name.lower() for name in names}
    headers = [{"name": n, "value": str(v)} for n, v in mail.items() if not wanted or n.lower() in wanted]
    payload: dict[str, Any] = {"partId": number, "mimeType": mail.get_content_type(), "headers": headers}
    payload["filename"] = mail.get_filename() or ""
    if not full:
        return payload
    if mail.is_multipart():
        parts = enumerate(mail.iter_parts())
        return {
            **payload,
            "body": {"size": 0},
            "parts": [_payload(p, f"{number}.{i}".lstrip("."), True) for i, p in parts],
        }
    content = _content(mail)
    if payload["filename"] or mail.get_content_maintype() != "text" or len(content) > APART:
        return {**payload, "body": {"size": len(content), "attachmentId": f"token-{number}-{next(TOKENS)}"}}
    return {**payload, "body": {"size": len(content), "data": base64.urlsafe_b64encode(content).decode()}}


def _content(mail: Any) -> bytes:
    """Return what a part holds: text as UTF-8, whatever it was sent in."""
    if mail.get_content_maintype() == "text" and not mail.get_filename():
        return bytes(mail.get_content().encode())
    return bytes(mail.get_payload(decode=True) or b"")


def _topic(mail: EmailMessage) -> str:
    """Return a subject without what an answer puts in front of it."""
    return re.sub(r"^(re:\s*)+", "", " ".join(str(mail["Subject"] or "").lower().split()))
