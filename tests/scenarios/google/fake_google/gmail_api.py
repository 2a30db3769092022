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
    owner: str = ""  # of a draft
    draft: str = ""  # a draft's own number, which stays when its message gets another one

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

    def draft(self, account: str, draft: str) -> Stored:
        """Return a draft of an account; its id is that of its message after an r."""
        for stored in self.drafts:
            if f"r{stored.draft}" == draft and stored.owner == account:
                return stored
        raise Refusal(404, "notFound", "Requested entity was not found.")

    def thread(self, account: str, thread: str) -> list[Stored]:
        """Return the messages of a conversation of an account, the oldest first, its drafts too."""
        drafts = [draft for draft in self.drafts if draft.owner == account]
        stored = [s for s in [*self.boxes.get(account, ()), *drafts] if s.thread == thread]
        if not stored:
            raise Refusal(404, "notFound", "Requested entity was not found.")
        return stored

    def find(self, account: str, message: str) -> Stored:
        """Return a message of an account, also one that is a draft."""
        drafts = [draft for draft in self.drafts if draft.owner == account]
        for stored in [*self.boxes.get(account, ()), *drafts]:
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
        names = tuple(value for name, value in request.query if name == "metadataHeaders")
        form = dict(request.query).get("format", "full")
        return {"id": thread, "messages": [s.of(form, names) for s in mail.thread(account, thread)]}

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
        thread = params.get("threadId", result)
        mail.drafts.append(Stored(result, thread, ["DRAFT"], google.now(), content, account, result))
        return {"id": f"r{result}", "message": mail.drafts[-1].of("minimal")}

    def drafts(account: str, request: Request) -> dict[str, Any]:
        mine = [draft for draft in reversed(mail.drafts) if draft.owner == account]
        rows = [{"id": f"r{d.draft}", "message": {"id": d.id, "threadId": d.thread}} for d in mine]
        return paged(rows, request, "maxResults", "drafts")

    def draft(account: str, request: Request, draft: str) -> dict[str, Any]:
        form = dict(request.query).get("format", "full")
        stored = mail.draft(account, draft)
        if form == "raw":
            raw = {"raw": base64.urlsafe_b64encode(stored.mail.as_bytes()).decode()}
            return {"id": draft, "message": {**stored.of("minimal"), **raw}}
        return {"id": draft, "message": stored.of(form)}

    def redrafted(account: str, request: Request, draft: str) -> dict[str, Any]:
        stored, params = mail.draft(account, draft), body(request)["message"]
        stored.id, stored.mail = f"{next(mail.ids):x}", _read(base64.urlsafe_b64decode(params["raw"]))
        stored.thread = params.get("threadId", stored.id)
        return {"id": draft, "message": stored.of("minimal")}

    def draft_sent(account: str, request: Request) -> dict[str, Any]:
        stored = mail.draft(account, body(request)["id"])
        mail.drafts.remove(stored)
        thread = stored.thread if stored.thread in {s.thread for s in mail.boxes.get(account, ())} else ""
        return mail.deliver(account, stored.mail, thread).of("minimal")

    def undrafted(account: str, request: Request, draft: str) -> Response:
        mail.drafts.remove(mail.draft(account, draft))
        return Response(204)

    def label(stored: Stored, params: dict[str, Any]) -> None:
        if unknown := {*params.get("addLabelIds", ()), *params.get("removeLabelIds", ())} - LABELS:
            raise Refusal(400, "invalidArgument", f"Invalid label: {unknown.pop()}")
        saved = [label for label in stored.labels if label not in params.get("removeLabelIds", ())]
        stored.labels = [*saved, *(label for label in params.get("addLabelIds", ()) if label not in saved)]

    def labelled(account: str, request: Request, message: str) -> dict[str, Any]:
        stored = mail.find(account, message)
        label(stored, body(request))
        return stored.of("minimal")

    def batch_labelled(account: str, request: Request) -> Response:
        params = body(request)
        if not 0 < len(params["ids"]) <= 1000:
            raise Refusal(400, "invalidArgument", "Invalid ids")
        for stored in [mail.find(account, one) for one in params["ids"]]:
            label(stored, params)
        return Response(204)

    def thread_labelled(account: str, request: Request, thread: str) -> dict[str, Any]:
        for stored in mail.thread(account, thread):
            label(stored, body(request))
        return {"id": thread, "messages": [s.of("minimal") for s in mail.thread(account, thread)]}

    def trashed(account: str, request: Request, message: str) -> dict[str, Any]:
        stored = mail.find(account, message)
        label(stored, {"addLabelIds": ["TRASH"], "removeLabelIds": ["INBOX"]})
        return stored.of("minimal")

    def thread_trashed(account: str, request: Request, thread: str) -> dict[str, Any]:
        for stored in mail.thread(account, thread):
            label(stored, {"addLabelIds": ["TRASH"], "removeLabelIds": ["INBOX"]})
        return {"id": thread}

    def labels(account: str, request: Request) -> dict[str, Any]:
        names = ("INBOX", "SENT", "TRASH", "UNREAD", "STARRED")
        return {"labels": [{"id": name, "name": name, "type": "system"} for name in names]}

    def profile(account: str, request: Request) -> dict[str, Any]:
        return {"emailAddress": account, "messagesTotal": len(mail.boxes.get(account, ()))}

    def senders(account: str, request: Request) -> dict[str, Any]:
        return {"sendAs": [{"sendAsEmail": account, "displayName": "", "isPrimary": True, "isDefault": True}]}

    one = rf"{ME}/messages/(?P<message>[^/]+)"
    conversation, a_draft = rf"{ME}/threads/(?P<thread>[^/]+)", rf"{ME}/drafts/(?P<draft>[^/]+)"
    compose = "gmail.compose gmail.modify mail"
    google.api("GET", f"{ME}/profile", READ + " gmail.compose", profile)
    google.api("GET", f"{ME}/messages", READ, listed)
    google.api("GET", one, READ, got)
    google.api("GET", rf"{one}/attachments/(?P<part>[^/]+)", READ, attachment)
    google.api("GET", conversation, READ, thread)
    google.api("POST", f"{conversation}/modify", "gmail.modify mail", thread_labelled)
    google.api("POST", f"{conversation}/trash", "gmail.modify mail", thread_trashed)
    google.api("GET", f"{ME}/settings/sendAs", READ + " gmail.settings.basic", senders)
    google.api("GET", f"{ME}/labels", READ + " gmail.labels", labels)
    google.api("POST", f"{ME}/messages/send", SEND, sent)
    google.api("POST", f"/resumable/upload{ME}/messages/send", SEND, sent_in_parts)
    google.api("POST", f"{ME}/drafts", compose, drafted)
    google.api("GET", f"{ME}/drafts", READ + " gmail.compose", drafts)
    google.api("POST", f"{ME}/drafts/send", compose, draft_sent)
    google.api("GET", a_draft, READ + " gmail.compose", draft)
    google.api("PUT", a_draft, compose, redrafted)
    google.api("DELETE", a_draft, compose, undrafted)
    google.api("POST", f"{ME}/messages/batchModify", "gmail.modify mail", batch_labelled)
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
