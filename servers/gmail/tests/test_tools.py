"""What each tool sends, and what it makes of the answer."""

from __future__ import annotations

import base64
import email
import email.policy
import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from flotilla.http.transport import Transport
from flotilla_servers.gmail.client import api
from flotilla_testing import Response, Session, connect
from flotilla_testing.client import MODES

ME = "https://gmail.googleapis.com/gmail/v1/users/me"
FIXTURES = Path(__file__).parent / "fixtures"
MARIE = "18f2a7c4d9e0b1a3"


def sent(session: Session) -> tuple[str, str, list[tuple[str, str]]]:
    """The last request: method, address without the query, query."""
    request = session.requests[-1]
    return request.method, request.url.partition("?")[0], request.query


def mail(session: Session) -> EmailMessage:
    """The mail in the last request, as a mail program reads it."""
    body = session.requests[-1].json()
    raw = base64.urlsafe_b64decode(body.get("message", body)["raw"])
    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


# -- reading ----------------------------------------------------------------------------------------------------------


async def test_search_messages(gmail: Session) -> None:
    page = await gmail.call_ok("search_messages", query="from:marie", limit=1)
    first, line = gmail.requests
    assert (first.url.partition("?")[0], dict(first.query)) == (
        f"{ME}/messages",
        {"q": "from:marie", "maxResults": "1"},
    )
    assert line.query == [("format", "metadata"), ("metadataHeaders", "From"), ("metadataHeaders", "Subject")]
    assert page["items"] == [
        {
            "id": MARIE,
            "thread": MARIE,
            "sender": "Marie Dupont <marie@client.example>",
            "subject": "Devis pour juin",
            "date": "2030-06-02T11:00:00Z",
            "snippet": "Bonjour Hélène, pouvez-vous m'envoyer le devis ?",
            "unread": True,
        }
    ]
    last = await gmail.call_ok("search_messages", query="from:marie", cursor=page["next_cursor"])
    assert [item["unread"] for item in last["items"]] == [False]
    assert "next_cursor" not in last


async def test_search_messages_without_arguments_lists_the_inbox(gmail: Session) -> None:
    await gmail.call_ok("search_messages")
    assert gmail.requests[0].query == [("labelIds", "INBOX"), ("maxResults", "10")]
    gmail.requests.clear()
    await gmail.call_ok("search_messages", label="clients/dupont", query="devis")
    assert dict(gmail.requests[1].query) == {"labelIds": "Label_12", "q": "devis", "maxResults": "10"}
    assert "There is no label `Nope`" in await gmail.call_error("search_messages", label="Nope")
    await gmail.call_ok("search_messages", label="Trash")
    assert ("includeSpamTrash", "true") in gmail.requests[-2].query


async def test_get_message(gmail: Session) -> None:
    result = await gmail.call_ok("get_message", message=MARIE)
    assert result["text"] == "Bonjour Hélène,\n\npouvez-vous m'envoyer le devis ?\n\nMarie"  # nothing invisible in it
    assert result["cc"] == "Paul <paul@client.example>, helene@atelier.example"
    assert result["attachments"] == [{"id": "1", "name": "besoins n° 1.pdf", "bytes": 31245}]


async def test_get_message_reduces_html_to_text(gmail: Session) -> None:
    result = await gmail.call_ok("get_message", message="18f2a7c4d9e0b1a4")
    assert result["text"] == "Votre facture\n\n- un\n- deux (https://x.example)"
    assert result["attachments"] == []


async def test_get_message_marks_untrusted_fields(gmail: Session) -> None:
    tools = {tool.name: tool for tool in await gmail.client.list_tools()}
    fields = (tools["gmail_get_message"].output_schema or {})["properties"]
    for name in ("sender", "to", "cc", "subject", "text"):
        assert "ntrusted" in fields[name]["description"], name


async def test_get_attachment(gmail: Session) -> None:
    saved = await gmail.call_ok("get_attachment", message=MARIE, attachment="1")
    assert sent(gmail)[1] == f"{ME}/messages/{MARIE}/attachments/ANGjdJ8"
    assert saved["path"] == f"mail/{MARIE}/besoins n_ 1.pdf"
    assert (gmail.data / saved["path"]).read_bytes() == b"%PDF-1.4\n% besoins\n"
    assert (await gmail.call_ok("get_attachment", message=MARIE, attachment="1", path="a/b.pdf"))["path"] == "a/b.pdf"
    assert "exists already" in await gmail.call_error("get_attachment", message=MARIE, attachment="1", path="a/b.pdf")
    assert "There are: besoins n° 1.pdf." in await gmail.call_error("get_attachment", message=MARIE, attachment="7")


async def test_get_attachment_same_names_saved_as_two_files(gmail: Session) -> None:
    raw = json.loads((FIXTURES / "message.json").read_text())
    raw["payload"]["parts"].append({**raw["payload"]["parts"][1], "partId": "2"})
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of(raw))
    paths = [(await gmail.call_ok("get_attachment", message=MARIE, attachment=n))["path"] for n in ("1", "2")]
    assert paths == [f"mail/{MARIE}/{n}-besoins n_ 1.pdf" for n in ("1", "2")]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/../../b", ".flotilla/oauth.json", "\u202efdp.exe"]
)
async def test_get_attachment_name_cannot_choose_the_folder(gmail: Session, name: str) -> None:
    raw = json.loads((FIXTURES / "message.json").read_text())
    raw["payload"]["parts"][1]["filename"] = name
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of(raw))
    saved = await gmail.call_ok("get_attachment", message=MARIE, attachment="1")
    assert saved["path"].count("/") == 2
    assert saved["path"].startswith(f"mail/{MARIE}/")


async def test_get_attachment_by_its_name(gmail: Session) -> None:
    saved = await gmail.call_ok("get_attachment", message=MARIE, attachment="Besoins n° 1.pdf")
    assert saved["path"] == f"mail/{MARIE}/besoins n_ 1.pdf"


async def test_get_attachment_larger_than_the_usual_answer(gmail: Session) -> None:
    """Gmail takes mail of 25 MB and more, in base64: over the 10 MB that any other answer may have."""
    content = bytes(range(256)) * 40_000
    answer = Response.of({"size": len(content), "data": base64.urlsafe_b64encode(content).decode()})
    gmail.respond("GET /gmail/v1/users/me/messages/{id}/attachments/{attachment}", answer)
    saved = await gmail.call_ok("get_attachment", message=MARIE, attachment="1")
    assert (gmail.data / saved["path"]).read_bytes() == content


def part(kind: str, text: str = "", number: str = "0", **fields: Any) -> dict[str, Any]:
    """A part of a message, as Gmail gives it."""
    body = {"size": len(text.encode()), "data": base64.urlsafe_b64encode(text.encode()).decode()} if text else {}
    return {"partId": number, "mimeType": kind, "filename": "", "headers": [], "body": body or {"size": 0}, **fields}


def told_parts(gmail: Session, kind: str, *parts: dict[str, Any], **fields: Any) -> None:
    """Make Gmail answer with a message of these parts."""
    raw = json.loads((FIXTURES / "message.json").read_text())
    raw["payload"] |= {"mimeType": kind, "parts": list(parts)}
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of({**raw, **fields}))


APART = {"attachmentId": "ANGjdJ9", "size": 900_000}


@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
async def test_get_message_fetches_text_that_gmail_keeps_apart(gmail: Session, kind: str) -> None:
    told_parts(gmail, "multipart/mixed", part(kind, body=APART))
    data = base64.urlsafe_b64encode(b"<p>Un long texte</p>" if "html" in kind else b"Un long texte").decode()
    gmail.respond("GET /gmail/v1/users/me/messages/{id}/attachments/{attachment}", Response.of({"data": data}))
    result = await gmail.call_ok("get_message", message=MARIE)
    assert (result["text"], result["attachments"]) == ("Un long texte", [])
    assert [r.url.partition("?")[0] for r in gmail.requests][1] == f"{ME}/messages/{MARIE}/attachments/ANGjdJ9"


async def test_get_message_reads_every_part_that_is_no_twin(gmail: Session) -> None:
    """What a mailing list makes of an HTML mail: its footer is plain text beside it, not instead of it."""
    footer = part("text/plain", "_____ se désabonner", "1")
    told_parts(gmail, "multipart/mixed", part("text/html", "<p>Avancé à 9 h.</p>"), footer)
    assert (await gmail.call_ok("get_message", message=MARIE))["text"] == "Avancé à 9 h.\n\n_____ se désabonner"
    pdf = part("application/pdf", number="1", filename="a.pdf", body=APART)
    told_parts(gmail, "multipart/mixed", part("text/plain", "Intro."), pdf, part("text/html", "<p>Suite</p>", "2"))
    result = await gmail.call_ok("get_message", message=MARIE)
    assert result["text"] == "Intro.\n\nSuite"
    assert [file["name"] for file in result["attachments"]] == ["a.pdf"]


async def test_get_message_reads_one_of_the_alternatives(gmail: Session) -> None:
    image = part("image/png", number="1.1", body=APART)
    related = part("multipart/related", number="1", parts=[part("text/html", "<p>En HTML</p>", "1.0"), image])
    told_parts(gmail, "multipart/alternative", part("text/plain", "En clair"), related)
    result = await gmail.call_ok("get_message", message=MARIE)
    assert (result["text"], result["attachments"]) == (
        "En clair",
        [{"id": "1.1", "name": "image/png", "bytes": 900000}],
    )
    told_parts(gmail, "multipart/alternative", part("text/plain", "  "), related)
    assert (await gmail.call_ok("get_message", message=MARIE))["text"] == "En HTML"


INVITATION = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
DTSTART:19700101T000000
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY:Point\\, budget
DTSTART;TZID=Europe/Paris:20300604T1
 40000
LOCATION:Salle bleue
UID:1
END:VEVENT
END:VCALENDAR
"""


async def test_get_message_shows_an_invitation(gmail: Session) -> None:
    """Other vendors' invitations have no file name: date and place stand in a text/calendar part alone."""
    calendar = part("text/calendar", INVITATION.replace("\n", "\r\n"), "1")
    told_parts(gmail, "multipart/alternative", part("text/plain", "Vous êtes invitée."), calendar)
    assert (await gmail.call_ok("get_message", message=MARIE))["text"] == (
        "Vous êtes invitée.\n\nCalendar invitation:\nSUMMARY:Point, budget\n"
        "DTSTART;TZID=Europe/Paris:20300604T140000\nLOCATION:Salle bleue"
    )


async def test_get_message_long_text_comes_in_pages(gmail: Session) -> None:
    text = "".join(f"{n:06}\n" for n in range(20_000))
    told_parts(gmail, "multipart/mixed", part("text/plain", text))
    read, cursor = "", None
    for _ in range(10):
        page = await gmail.call_ok("get_message", message=MARIE, **({"cursor": cursor} if cursor else {}))
        read += page["text"]
        if not (cursor := page.get("next_cursor")):
            break
    assert read == text.strip()
    assert "cut" not in page
    assert "cursor is not valid" in await gmail.call_error("get_message", message=MARIE, cursor="x")


async def test_get_message_attached_mail_in_parts(gmail: Session) -> None:
    """Gmail gives some attached mail without its own content: it is read, and nothing is saved for it."""
    file = part("application/pdf", number="0.1", filename="a.pdf", body=APART)
    headers = [{"name": "Subject", "value": "Ancien"}, {"name": "From", "value": "paul@client.example"}]
    inner = [part("text/plain", "Le texte", "0.0"), file]
    mail = part("message/rfc822", filename="mail.eml", parts=inner, headers=headers)
    told_parts(gmail, "multipart/mixed", part("text/plain", "Voir ci-joint", "1"), mail)
    result = await gmail.call_ok("get_message", message=MARIE)
    heading = "---------- Attached message ----------\nFrom: paul@client.example\nSubject: Ancien"
    assert result["text"] == f"Voir ci-joint\n\n{heading}\n\nLe texte"
    assert [file["name"] for file in result["attachments"]] == ["a.pdf"]
    assert (await gmail.call_ok("get_attachment", message=MARIE, attachment="0.1"))["path"].endswith("/a.pdf")


async def test_get_message_names_labels(gmail: Session) -> None:
    raw = json.loads((FIXTURES / "message.json").read_text())
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of({**raw, "labelIds": ["INBOX", "Label_12"]}))
    for _ in range(2):
        assert (await gmail.call_ok("get_message", message=MARIE))["labels"] == ["INBOX", "Clients/Dupont"]
    assert [r.url.endswith("/labels") for r in gmail.requests].count(True) == 1


async def test_search_messages_one_that_is_gone(gmail: Session) -> None:
    """A draft that is edited gets a new id, a message may be purged: the others are still listed."""
    listed = {"messages": [{"id": "gone", "threadId": "gone"}, {"id": MARIE, "threadId": MARIE}]}
    gmail.respond("GET /gmail/v1/users/me/messages", Response.of(listed))
    missing = {"error": {"code": 404, "errors": [{"reason": "notFound"}]}}
    gmail.respond("GET /gmail/v1/users/me/messages/gone", Response.of(missing, 404))
    page = await gmail.call_ok("search_messages", query="x")
    assert [line["id"] for line in page["items"]] == [MARIE]
    assert page["left_out"].startswith("1 item")
    failing = {"error": {"code": 500, "errors": [{"reason": "backendError"}]}}
    gmail.respond("GET /gmail/v1/users/me/messages/gone", Response.of(failing, 500))
    assert "Gmail failed (500)" in await gmail.call_error("search_messages", query="x")


@pytest.mark.parametrize(
    ("label", "wanted"),
    [("Drafts", "DRAFT"), ("Promotions", "CATEGORY_PROMOTIONS"), ("dupont", "Label_12"), ("Inbox", "INBOX")],
)
async def test_search_messages_label_as_people_say_it(gmail: Session, label: str, wanted: str) -> None:
    await gmail.call_ok("search_messages", label=label)
    (request,) = [r for r in gmail.requests if r.url.partition("?")[0] == f"{ME}/messages"]
    assert ("labelIds", wanted) in request.query


async def test_search_messages_own_label_before_a_spoken_one(gmail: Session) -> None:
    """A label that the user calls Promotions is meant before Gmail's category."""
    labels = [{"id": "Label_7", "name": "Promotions"}]
    gmail.respond("GET /gmail/v1/users/me/labels", Response.of({"labels": labels}))
    await gmail.call_ok("search_messages", label="promotions")
    assert ("labelIds", "Label_7") in gmail.requests[1].query


# -- writing ----------------------------------------------------------------------------------------------------------


async def test_send_email_to_more_than_five_needs_confirmation(gmail: Session) -> None:
    """What cannot be called back is asked about when it goes to many at once."""
    six = {"to": ["a@x.example, b@x.example"], "cc": "c@x.example; d@x.example", "bcc": ["e@x.example", "f@x.example"]}
    await gmail.call_ok("send_email", **six, subject="Offre", text="x")
    assert gmail.asked == [
        "Send the mail «Offre» to 6 recipients: a@x.example, b@x.example, c@x.example, d@x.example, e@x.example, "
        "f@x.example?"
    ]
    await gmail.call_ok("send_email", **six | {"bcc": "e@x.example"}, subject="Offre", text="x")
    assert len(gmail.asked) == 1


async def test_send_email(gmail: Session) -> None:
    (gmail.data / "été.pdf").write_bytes(b"%PDF-1.4")
    answer = await gmail.call_ok(
        "send_email",
        to=["Marie Dupont <marie@client.example>", "Éloïse Ça <eloise@bücher.example>"],
        subject="Devis n° 42 — « été »",
        text="Bonjour Marie,\nvoici le devis.\n\nHélène",
        html="<p>Bonjour Marie</p>",
        cc=["paul@client.example"],
        bcc=["compta@atelier.example"],
        attachments=["devis.pdf", "été.pdf"],
    )
    assert answer == {"id": "18f2a7c4d9e0b1ff", "thread": MARIE}
    assert sent(gmail)[:2] == ("POST", f"{ME}/messages/send")
    assert list(gmail.requests[-1].json()) == ["raw"]
    read = mail(gmail)
    assert read["subject"] == "Devis n° 42 — « été »"
    assert [(a.display_name, a.addr_spec) for a in read["to"].addresses] == [
        ("Marie Dupont", "marie@client.example"),
        ("Éloïse Ça", "eloise@xn--bcher-kva.example"),
    ]
    assert (read["cc"], read["bcc"]) == ("paul@client.example", "compta@atelier.example")
    plain, html = read.get_body(("plain",)), read.get_body(("html",))
    assert plain
    assert html
    assert plain.get_content().replace("\r\n", "\n") == "Bonjour Marie,\nvoici le devis.\n\nHélène\n"
    assert html.get_content().strip() == "<p>Bonjour Marie</p>"
    file, accented = read.iter_attachments()
    assert accented.get_filename() == "été.pdf"
    assert (file.get_filename(), file.get_content_type()) == ("devis.pdf", "application/pdf")
    assert file.get_content() == (gmail.data / "devis.pdf").read_bytes()
    assert gmail.asked == []


MAIL = {"to": ["marie@client.example"], "subject": "Devis", "text": "Bonjour"}


@pytest.mark.parametrize(
    ("wrong", "statement"),
    [
        ({"to": ["marie"]}, "is not a valid e-mail address"),
        ({"to": ["Marie <marie@client.example>\r\nBcc: x@evil.example"]}, "holds a line break"),
        ({"subject": "x\r\nBcc: x@evil.example"}, "holds a line break"),
        ({"subject": "=?utf-8?q?x=0D=0ABcc:_x@evil.example?="}, "encoded word"),
        ({"subject": "x" * 1000}, "more than 900"),
        ({"text": "  "}, "has no body"),
        ({"attachments": ["nothing.pdf"]}, "nothing.pdf"),
        ({"attachments": ["../../../etc/passwd"]}, "Error:"),
    ],
)
async def test_send_email_refused(gmail: Session, wrong: dict[str, Any], statement: str) -> None:
    assert statement in await gmail.call_error("send_email", **{**MAIL, **wrong})
    assert gmail.writes == []


async def test_send_email_dry_run_shows_the_mail_without_base64(gmail: Session) -> None:
    shown = (await gmail.call_ok("send_email", **MAIL, attachments=["devis.pdf"], dry_run=True))["dry_run"]
    assert shown["to"] == ["marie@client.example"]
    assert (shown["subject"], shown["text"], shown["attachments"]) == ("Devis", "Bonjour", ["devis.pdf"])
    assert gmail.requests == []


async def test_reply_to_message_stays_in_the_thread(gmail: Session) -> None:
    await gmail.call_ok("reply_to_message", message=MARIE, text="Le voici.", attachments=["devis.pdf"])
    assert gmail.requests[-1].json()["threadId"] == MARIE
    read = mail(gmail)
    assert read["subject"] == "Re: Devis pour juin"
    assert (read["to"], read["cc"]) == ("marie@client.example", None)
    assert read["in-reply-to"] == "<CAF1@mail.client.example>"
    assert read["references"] == "<CAF0@mail.client.example> <CAF1@mail.client.example>"


async def test_reply_to_message_with_broken_subject(gmail: Session) -> None:
    """A line break or tab in the subject of the message does not prevent an answer."""
    raw = json.loads((FIXTURES / "message.json").read_text())
    for header in raw["payload"]["headers"]:
        if header["name"] == "Subject":
            header["value"] = "Devis\tpour\r\n juin"
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of(raw))
    await gmail.call_ok("reply_to_message", message=MARIE, text="Le voici.")
    assert mail(gmail)["subject"] == "Re: Devis pour juin"


def told_headers(gmail: Session, **values: str | None) -> None:
    """Make Gmail answer with other headers: Subject, From, Message-ID (as Message_ID). None takes one away."""
    wanted = {name.replace("_", "-"): value for name, value in values.items()}
    raw = json.loads((FIXTURES / "message.json").read_text())
    stored = [header for header in raw["payload"]["headers"] if header["name"] not in wanted]
    raw["payload"]["headers"] = [*stored, *({"name": n, "value": v} for n, v in wanted.items() if v is not None)]
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of(raw))


@pytest.mark.parametrize(
    ("subject", "answered"),
    [("De\x7fvis", "Re: De vis"), ("Devis\u2028juin", "Re: Devis juin"), ("=?x?q?a?=", "Re: =?x?q?a?=")],
)
async def test_reply_to_message_cleans_the_subject_of_others(gmail: Session, subject: str, answered: str) -> None:
    told_headers(gmail, Subject=subject)
    for tool, arguments in (("reply_to_message", {"message": MARIE}), ("create_draft", {"answers": MARIE})):
        await gmail.call_ok(tool, text="Le voici.", **arguments)
        assert mail(gmail)["subject"] == answered


@pytest.mark.parametrize("address", ["zoé@client.example", '"a b"@client.example'])
async def test_reply_to_message_unusual_addresses(gmail: Session, address: str) -> None:
    told_headers(gmail, Reply_To=address)
    await gmail.call_ok("reply_to_message", message=MARIE, text="Le voici.")
    body = gmail.requests[-1].json()
    assert f"To: {address}\r\n" in base64.urlsafe_b64decode(body["raw"]).decode()


async def test_reply_to_message_without_a_message_id(gmail: Session) -> None:
    """RFC 5322: the answer to a mail without Message-ID has no In-Reply-To."""
    told_headers(gmail, Message_ID=None)
    await gmail.call_ok("reply_to_message", message=MARIE, text="Le voici.")
    assert gmail.requests[-1].json()["threadId"] == MARIE
    assert (mail(gmail)["in-reply-to"], mail(gmail)["references"]) == (None, None)


async def test_reply_to_message_message_id_forges_no_header(gmail: Session) -> None:
    told_headers(gmail, Message_ID="<a@b.example>\r\nBcc: x@evil.example", References="<c@d.example\r\nBcc: y>")
    await gmail.call_ok("reply_to_message", message=MARIE, text="Le voici.")
    assert (mail(gmail)["bcc"], mail(gmail)["in-reply-to"]) == (None, "<a@b.example>")


async def test_reply_to_message_to_everybody_but_the_sender(gmail: Session) -> None:
    await gmail.call_ok("reply_to_message", message=MARIE, text="Le voici.", everybody=True)
    assert (mail(gmail)["to"], mail(gmail)["cc"]) == ("marie@client.example", "paul@client.example")


async def test_reply_to_message_to_own_mail_goes_to_its_recipients(gmail: Session) -> None:
    """An answer to the user's own mail goes to those whom the user wrote to."""
    raw = json.loads((FIXTURES / "message.json").read_text())
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of({**raw, "labelIds": ["SENT"]}))
    await gmail.call_ok("reply_to_message", message=MARIE, text="Encore un mot.")
    assert mail(gmail)["to"] == "helene@atelier.example"  # the To of that mail


async def test_create_draft(gmail: Session) -> None:
    made = await gmail.call_ok("create_draft", text="Bonjour", to=["marie@client.example"], subject="x")
    assert made == {"id": "r-42", "message": "18f2a7c4d9e0b1fe", "thread": "18f2a7c4d9e0b1fe"}
    assert list(gmail.requests[-1].json()) == ["message"]
    assert "keeps the subject" in await gmail.call_error("create_draft", text="x", answers=MARIE, subject="y")
    await gmail.call_ok("create_draft", text="Bonjour", answers=MARIE)
    assert gmail.requests[-1].json()["message"]["threadId"] == MARIE
    assert (mail(gmail)["to"], mail(gmail)["subject"]) == ("marie@client.example", "Re: Devis pour juin")


async def test_list_labels_modify_labels_and_create_label(gmail: Session) -> None:
    page = await gmail.call_ok("list_labels", limit=2)
    assert [label["id"] for label in page["items"]] == ["INBOX", "UNREAD"]
    changed = await gmail.call_ok("modify_labels", messages=MARIE, add=["clients/dupont"], remove=["inbox", "UNREAD"])
    assert changed == {"messages": [MARIE], "threads": [], "add": ["Clients/Dupont"], "remove": ["INBOX", "UNREAD"]}
    (write,) = gmail.writes
    assert write.url == f"{ME}/messages/{MARIE}/modify"
    assert write.json() == {"addLabelIds": ["Label_12"], "removeLabelIds": ["INBOX", "UNREAD"]}
    assert "There is nothing to change" in await gmail.call_error("modify_labels", messages=MARIE)
    assert (await gmail.call_ok("create_label", name="Clients/Durand"))["id"] == "Label_13"


async def test_modify_labels_refuses_trash(gmail: Session) -> None:
    reported = await gmail.call_error("modify_labels", messages=MARIE, add=["trash"])
    assert reported == "Error: TRASH cannot be added as a label. Use gmail_trash_message, which asks the user first."
    assert gmail.requests == []


async def test_modify_labels_refuses_an_ambiguous_label(gmail: Session) -> None:
    """The name of one label may be the id of another."""
    labels = [{"id": "Label_5", "name": "Clients"}, {"id": "Label_6", "name": "Label_5"}]
    gmail.respond("GET /gmail/v1/users/me/labels", Response.of({"labels": labels}))
    reported = await gmail.call_error("modify_labels", messages=MARIE, add=["Label_5"])
    assert "is the id of one label and the name of another: Clients (Label_5), Label_5 (Label_6)" in reported
    await gmail.call_ok("modify_labels", messages=MARIE, add=["Label_6"])
    assert gmail.writes[-1].json() == {"addLabelIds": ["Label_6"]}


@pytest.mark.parametrize(
    ("tool", "arguments", "units"),
    [
        ("search_messages", {}, [5, 20]),
        ("get_message", {"message": MARIE}, [20]),
        ("get_thread", {"thread": MARIE}, [40]),
        ("get_attachment", {"message": MARIE, "attachment": "1"}, [20, 20]),
        ("send_email", MAIL, [100]),
        ("create_draft", {"text": "x"}, [10]),
        ("list_labels", {}, [1]),
        ("modify_labels", {"messages": MARIE, "add": ["STARRED"]}, [5]),
        ("modify_labels", {"messages": [MARIE, "b"], "threads": MARIE, "add": ["STARRED"]}, [50, 10]),
        ("send_draft", {"draft": "r-42"}, [20, 100]),
        ("update_draft", {"draft": "r-42", "subject": "x"}, [20, 15]),
    ],
)
async def test_requests_cost_quota_units(
    gmail: Session, monkeypatch: pytest.MonkeyPatch, tool: str, arguments: dict[str, Any], units: list[int]
) -> None:
    """Gmail's limit counts units, not requests: https://developers.google.com/gmail/api/reference/quota"""
    spent = []

    async def turn(transport: Transport, cost: float, path: str) -> None:
        spent.append(cost)

    monkeypatch.setattr(Transport, "_turn", turn)
    await gmail.call_ok(tool, **arguments)
    assert spent == units
    assert api.transport.limits == ((6_000, 60),)


async def test_trash_message_and_restore_message(gmail: Session) -> None:
    assert await gmail.call_ok("trash_message", messages=MARIE) == {"messages": [MARIE], "threads": []}
    assert gmail.asked == ["Move the mail «Devis pour juin» from Marie Dupont <marie@client.example> to the trash?"]
    assert gmail.writes[-1].url == f"{ME}/messages/{MARIE}/trash"
    await gmail.call_ok("restore_message", messages=MARIE, threads="18f2a7c4d9e0b1a4")
    urls = [f"{ME}/messages/{MARIE}/untrash", f"{ME}/threads/18f2a7c4d9e0b1a4/untrash"]
    assert [request.url for request in gmail.writes[-2:]] == urls


async def test_trash_message_many_and_a_conversation(gmail: Session) -> None:
    """One question names everything; several messages go in one request."""
    result = await gmail.call_ok("trash_message", messages=[MARIE, "18f2a7c4d9e0b1a4"], threads=[MARIE])
    assert gmail.asked == [
        "Move 2 mails («Devis pour juin» from Marie Dupont <marie@client.example>; «Votre facture» from Fournisseur "
        "<facture@fournisseur.example>) and the whole conversation «Devis pour juin» (2 messages) with Marie Dupont "
        "<marie@client.example>, Hélène Martin <helene@atelier.example> to the trash?"
    ]
    batch, conversation = gmail.writes
    assert batch.url == f"{ME}/messages/batchModify"
    assert batch.json() == {
        "ids": [MARIE, "18f2a7c4d9e0b1a4"],
        "addLabelIds": ["TRASH"],
        "removeLabelIds": ["INBOX"],
    }
    assert conversation.url == f"{ME}/threads/{MARIE}/trash"
    assert result == {"messages": [MARIE, "18f2a7c4d9e0b1a4"], "threads": [MARIE]}
    assert "No message is named" in await gmail.call_error("trash_message")


async def test_modify_labels_of_a_conversation_and_of_many(gmail: Session) -> None:
    """Archiving one message leaves its conversation in the inbox: a conversation is archived as one."""
    await gmail.call_ok("modify_labels", threads=[MARIE, "b"], remove=["INBOX"])
    assert [(w.url, w.json()) for w in gmail.writes] == [
        (f"{ME}/threads/{one}/modify", {"removeLabelIds": ["INBOX"]}) for one in (MARIE, "b")
    ]
    await gmail.call_ok("modify_labels", messages=[MARIE, "b", MARIE], remove=["UNREAD"])
    assert gmail.writes[-1].url == f"{ME}/messages/batchModify"
    assert gmail.writes[-1].json() == {"ids": [MARIE, "b"], "removeLabelIds": ["UNREAD"]}


# -- conversations ----------------------------------------------------------------------------------------------------


async def test_get_thread(gmail: Session) -> None:
    thread = await gmail.call_ok("get_thread", thread=MARIE)
    assert sent(gmail)[1:] == (f"{ME}/threads/{MARIE}", [("format", "full")])
    assert thread["subject"] == "Devis pour juin"
    first, draft = thread["messages"]
    assert first["text"].startswith("Bonjour Hélène")
    assert first["attachments"] == [{"id": "1", "name": "besoins n° 1.pdf", "bytes": 31245}]
    assert (draft["text"], draft["labels"]) == ("Voici", ["DRAFT"])
    assert "next_cursor" not in thread


async def test_get_thread_pages_and_fetches_text_kept_apart(gmail: Session) -> None:
    """A page ends after some 60,000 characters; a message that is longer alone is read on with get_message."""

    def row(number: int, text: str = "", **fields: Any) -> dict[str, Any]:
        payload = part("text/plain", text, **fields)
        return {"id": f"m{number}", "threadId": "t", "internalDate": "1906628400000", "payload": payload}

    rows = [row(0, "a" * 40_000), row(1, body=APART), row(2, "Fin")]
    gmail.respond("GET /gmail/v1/users/me/threads/{id}", Response.of({"id": "t", "messages": rows}))
    data = base64.urlsafe_b64encode(b"b" * 70_000).decode()
    gmail.respond("GET /gmail/v1/users/me/messages/{id}/attachments/{attachment}", Response.of({"data": data}))
    page = await gmail.call_ok("get_thread", thread="t")
    assert [len(one["text"]) for one in page["messages"]] == [40_000, 60_000]
    assert page["messages"][1]["next_cursor"] == "60000"
    rest = await gmail.call_ok("get_thread", thread="t", cursor=page["next_cursor"])
    assert ([one["text"] for one in rest["messages"]], rest.get("next_cursor")) == (["Fin"], None)


# -- drafts -----------------------------------------------------------------------------------------------------------


async def test_list_drafts(gmail: Session) -> None:
    page = await gmail.call_ok("list_drafts", limit=1)
    assert page["items"] == [
        {
            "id": "r-42",
            "message": "18f2a7c4d9e0b1fe",
            "thread": MARIE,
            "to": "Marie Dupont <marie@client.example>",
            "subject": "Devis détaillé",
            "date": "2030-06-02T12:00:00Z",
            "snippet": "Voici l'été.",
        }
    ]
    last = await gmail.call_ok("list_drafts", cursor=page["next_cursor"], query="subject:relance")
    assert [one["subject"] for one in last["items"]] == ["Relance"]


async def test_update_draft_keeps_what_is_left_out(gmail: Session) -> None:
    """Gmail replaces a whole draft: text, files, names and the place in the conversation must not get lost."""
    await gmail.call_ok("update_draft", draft="r-42", cc="Paul <paul@client.example>", subject="Devis, corrigé")
    assert (gmail.writes[-1].method, gmail.writes[-1].url) == ("PUT", f"{ME}/drafts/r-42")
    assert gmail.writes[-1].json()["message"]["threadId"] == MARIE
    read = mail(gmail)
    assert (read["subject"], read["to"], read["cc"]) == (
        "Devis, corrigé",
        "Marie Dupont <marie@client.example>",
        "Paul <paul@client.example>",
    )
    assert (read["from"], read["in-reply-to"]) == (
        "Hélène Martin <helene@atelier.example>",
        "<CAF1@mail.client.example>",
    )
    assert len(read.get_all("subject") or ()) == 1
    body = read.get_body(("plain",))
    assert body
    assert body.get_content().strip() == "Voici l'été."
    assert [file.get_filename() for file in read.iter_attachments()] == ["plan.pdf"]


async def test_update_draft_new_text_and_files(gmail: Session) -> None:
    await gmail.call_ok("update_draft", draft="r-42", attachments=["devis.pdf"])
    read = mail(gmail)
    assert [file.get_filename() for file in read.iter_attachments()] == ["plan.pdf", "devis.pdf"]
    plain = read.get_body(("plain",))
    assert plain
    assert plain.get_content().strip() == "Voici l'été."
    assert read["references"] == "<CAF0@mail.client.example> <CAF1@mail.client.example>"
    await gmail.call_ok("update_draft", draft="r-42", text="Voici, à 1 250,50 €.")
    read = mail(gmail)
    body = read.get_body(("plain",))
    assert body
    assert body.get_content().strip() == "Voici, à 1 250,50 €."
    (file,) = read.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("plan.pdf", b"%PDF-1.4\n")
    assert read["to"] == "Marie Dupont <marie@client.example>"
    assert len(read.get_all("content-type") or ()) == 1
    assert "There is nothing to change" in await gmail.call_error("update_draft", draft="r-42")


async def test_send_draft(gmail: Session) -> None:
    assert (await gmail.call_ok("send_draft", draft="r-42"))["id"] == "18f2a7c4d9e0b1ff"
    assert (gmail.writes[-1].url, gmail.writes[-1].json()) == (f"{ME}/drafts/send", {"id": "r-42"})
    assert gmail.asked == []
    assert "The draft has no recipient" in await gmail.call_error("send_draft", draft="r-43")
    many = ", ".join(f"g{n}@x.example" for n in range(6))
    payload = {"headers": [{"name": "To", "value": many}, {"name": "Subject", "value": "Fête"}]}
    message = {"id": "m", "threadId": "m", "payload": payload}
    gmail.respond("GET /gmail/v1/users/me/drafts/{id}", Response.of({"id": "r-44", "message": message}))
    await gmail.call_ok("send_draft", draft="r-44")
    assert gmail.asked == [f"Send the draft «Fête» to 6 recipients: {many}?"]


async def test_send_draft_recipient_of_a_draft_alone_is_new() -> None:
    """A draft in the thread makes nobody a participant: else every recipient of a draft would be known."""
    payload = {"headers": [{"name": "To", "value": "autre@evil.example"}, {"name": "Subject", "value": "x"}]}
    message = {"id": "m", "threadId": MARIE, "payload": payload}
    async with connect("gmail", {"FLOTILLA_CONFIRM": "new-recipients"}, answer="decline") as session:
        session.respond("GET /gmail/v1/users/me/drafts/{id}", Response.of({"id": "r-44", "message": message}))
        assert "did not agree" in await session.call_error("send_draft", draft="r-44")
        assert session.asked == ["Send the draft «x» to autre@evil.example? They are new to this conversation."]


async def test_delete_draft(gmail: Session) -> None:
    assert await gmail.call_ok("delete_draft", draft="r-42") == {"deleted": "r-42"}
    assert gmail.asked == ["Delete the draft «Devis détaillé» to Marie Dupont <marie@client.example> for good?"]
    assert sent(gmail)[:2] == ("DELETE", f"{ME}/drafts/r-42")


# -- aliases and forwarding -------------------------------------------------------------------------------------------


async def test_sender_is_one_of_the_accounts_addresses(gmail: Session) -> None:
    """Gmail writes its default over an address that it does not know, without a word."""
    await gmail.call_ok(
        "reply_to_message", message=MARIE, text="x", sender="contact@atelier.example", bcc="b@x.example"
    )
    assert (mail(gmail)["from"], mail(gmail)["bcc"]) == ("Atelier Martin <contact@atelier.example>", "b@x.example")
    await gmail.call_ok("send_email", **MAIL, sender="Nous <contact@atelier.example>")
    assert mail(gmail)["from"] == "Nous <contact@atelier.example>"
    await gmail.call_ok("create_draft", text="x", sender="helene@atelier.example")
    assert mail(gmail)["from"] == "Hélène Martin <helene@atelier.example>"
    writes = len(gmail.writes)
    assert await gmail.call_error("send_email", **MAIL, sender="x@evil.example") == (
        "Error: `x@evil.example` is not an address of this account: it sends from helene@atelier.example, "
        "contact@atelier.example. Choose one of these, or ask the user to add it in Gmail: Settings > Accounts > "
        "Send mail as."
    )
    assert "is not verified yet" in await gmail.call_error("send_email", **MAIL, sender="helene@ancien.example")
    assert len(gmail.writes) == writes


async def test_reply_to_message_everybody_leaves_out_own_aliases(gmail: Session) -> None:
    told_headers(gmail, To="Contact@atelier.example, Luc <luc@client.example>", Cc="helene@atelier.example")
    await gmail.call_ok("reply_to_message", message=MARIE, text="Le voici.", everybody=True)
    assert (mail(gmail)["to"], mail(gmail)["cc"]) == ("marie@client.example", "luc@client.example")


async def test_forward_message(gmail: Session) -> None:
    await gmail.call_ok("forward_message", message=MARIE, to="compta@atelier.example", text="À payer <vite>")
    assert gmail.writes[-1].url == f"{ME}/messages/send"
    assert "threadId" not in gmail.writes[-1].json()
    read = mail(gmail)
    assert (read["subject"], read["to"]) == ("Fwd: Devis pour juin", "compta@atelier.example")
    plain, html = read.get_body(("plain",)), read.get_body(("html",))
    assert plain
    assert html
    text = plain.get_content().replace("\r\n", "\n")
    assert text.startswith(
        "À payer <vite>\n\n---------- Forwarded message ---------\nFrom: Marie Dupont <marie@client.example>\n"
        "Date: Sun, 02 Jun 2030 09:00:00 +0200\nSubject: Devis pour juin\n"
    )
    assert "pouvez-vous m'envoyer le devis" in text
    assert html.get_content().startswith("<div>À payer &lt;vite&gt;</div><br><div>---------- Forwarded")
    assert "<p>Bonjour Hélène,</p>" in html.get_content()
    (file,) = read.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("besoins n° 1.pdf", b"%PDF-1.4\n% besoins\n")


async def test_forward_message_refused_where_too_large_and_asked_about(gmail: Session) -> None:
    many = ", ".join(f"g{n}@x.example" for n in range(6))
    await gmail.call_ok("forward_message", message=MARIE, to=many)
    assert gmail.asked == [f"Forward the mail «Fwd: Devis pour juin» to 6 recipients: {many}?"]
    big = part("application/zip", number="1", filename="a.zip", body={"attachmentId": "x", "size": 30_000_000})
    told_parts(gmail, "multipart/mixed", part("text/plain", "x"), big)
    assert "more than Gmail sends" in await gmail.call_error("forward_message", message=MARIE, to="a@x.example")
    assert len(gmail.writes) == 1


# -- settings ---------------------------------------------------------------------------------------------------------


async def test_list_filters(gmail: Session) -> None:
    page = await gmail.call_ok("list_filters")
    assert page["items"] == [
        {
            "id": "ANe1Bmj8",
            "matches": 'from:news@presse.example subject:"lettre du jour" has:attachment',
            "add": ["Clients/Dupont"],
            "remove": ["INBOX"],
        },
        {
            "id": "ANe1Bmj9",
            "matches": "unsubscribe larger:1000000",
            "add": [],
            "remove": [],
            "forwarded_to": "paul@client.example",
        },
    ]


async def test_create_filter(gmail: Session) -> None:
    await gmail.call_ok("create_filter", sender="news@presse.example", add=["dupont"], remove=["INBOX"])
    assert gmail.writes[-1].json() == {
        "criteria": {"from": "news@presse.example"},
        "action": {"addLabelIds": ["Label_12"], "removeLabelIds": ["INBOX"]},
    }
    assert gmail.asked == []
    await gmail.call_ok("create_filter", sender="news@presse.example", add=["TRASH"])
    assert gmail.asked == ["Put all future mail that fits from:news@presse.example into the trash?"]
    assert "something to look for" in await gmail.call_error("create_filter", add=["STARRED"])


async def test_delete_filter(gmail: Session) -> None:
    assert await gmail.call_ok("delete_filter", filter="ANe1Bmj8") == {"deleted": "ANe1Bmj8"}
    assert gmail.asked == [
        'Delete the filter for from:news@presse.example subject:"lettre du jour" has:attachment, which adds '
        "Clients/Dupont and removes INBOX?"
    ]


async def test_get_vacation_reply(gmail: Session) -> None:
    assert await gmail.call_ok("get_vacation_reply") == {
        "enabled": False,
        "subject": "Absence",
        "text": "Je suis absente.",
        "start": "2030-06-02T11:00:00Z",
        "end": "2030-06-09T11:00:00Z",
        "contacts_only": True,
        "domain_only": False,
    }


async def test_set_vacation_reply() -> None:
    async with connect("gmail", {"FLOTILLA_TIMEZONE": "Europe/Paris"}) as session:
        await session.call_ok(
            "set_vacation_reply", enabled=True, text="De retour lundi.", start="2030-07-01", end="2030-07-07"
        )
        same = {"enableAutoReply": True, "responseSubject": "Absence", "restrictToContacts": True}
        assert session.writes[-1].json() == {
            **same,
            "restrictToDomain": False,
            "responseBodyPlainText": "De retour lundi.",
            "startTime": "1909087200000",
            "endTime": "1909692000000",  # midnight after the last day
        }
        await session.call_ok("set_vacation_reply", enabled=True)  # the days of the last absence do not count
        assert session.writes[-1].json().keys() >= {"responseBodyHtml"}
        assert not session.writes[-1].json().keys() & {"startTime", "endTime"}
        await session.call_ok("set_vacation_reply", enabled=False)
        assert session.writes[-1].json()["startTime"] == "1906628400000"
        session.respond("GET /gmail/v1/users/me/settings/vacation", Response.of({"enableAutoReply": False}))
        assert "The answer has no text" in await session.call_error("set_vacation_reply", enabled=True)


async def test_get_current_user(gmail: Session) -> None:
    user = await gmail.call_ok("get_current_user")
    assert user["email"] == "helene@atelier.example"
    assert user["senders"] == ["helene@atelier.example", "contact@atelier.example"]


# -- people who are new to the thread ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
async def test_confirmation_of_new_recipients_setting(mode: str) -> None:
    """New recipients are asked about where the operator says so."""
    wary = {"FLOTILLA_CONFIRM": "new-recipients"}
    async with connect("gmail", wary, mode=mode, answer="decline") as session:
        await session.call_ok("reply_to_message", message=MARIE, text="Le voici.", everybody=True)  # all were there
        assert session.asked == []
        writes = len(session.writes)
        assert "did not agree" in await session.call_error("send_email", **MAIL)
        await session.call_error("reply_to_message", message=MARIE, text="x", cc=["autre@evil.example"])
        assert session.asked == [
            "Send the mail «Devis» to marie@client.example? They are new to this conversation.",
            "Send the answer «Re: Devis pour juin» to autre@evil.example? They are new to this conversation.",
        ]
        assert len(session.writes) == writes


async def test_reply_to_message_unknown_reply_to_counts_as_new() -> None:
    raw = json.loads((FIXTURES / "message.json").read_text())
    for header in raw["payload"]["headers"]:
        if header["name"] == "Reply-To":
            header["value"] = "marie@c1ient.example"
    async with connect("gmail", {"FLOTILLA_CONFIRM": "new-recipients"}, answer="decline") as session:
        session.respond("GET /gmail/v1/users/me/messages/{id}", Response.of(raw))
        await session.call_error("reply_to_message", message=MARIE, text="Le voici.")
        assert "marie@c1ient.example" in session.asked[0]


# -- how Google says no -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "statement"),
    [
        (
            403,
            {"code": 403, "errors": [{"reason": "insufficientPermissions"}]},
            "Error: The consent does not cover this: it needs the scope gmail.readonly or gmail.modify. "
            "Ask the user to run `scripts/login gmail` again",
        ),
        (403, {"code": 403, "details": [{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}, "Error: The consent does not"),
        (403, {"code": 403, "errors": [{"reason": "accessNotConfigured"}]}, "Error: The API of Gmail is switched off"),
        (403, {"code": 403, "errors": [{"reason": "dailyLimitExceeded"}]}, "Error: The Google project has used up"),
        (403, {"code": 403, "errors": [{"reason": "userRateLimitExceeded"}]}, "Error: Google refuses more requests"),
        (403, {"code": 403, "message": "Delegation denied"}, 'Error: Gmail does not allow this: "Delegation denied".'),
        (401, {"code": 401, "message": "Invalid Credentials"}, 'Error: Google does not accept the access: "Invalid'),
    ],
)
async def test_upstream_refusal_explained_by_its_reason(
    gmail: Session, status: int, error: dict[str, Any], statement: str
) -> None:
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of({"error": error}, status))
    assert (await gmail.call_error("get_message", message=MARIE)).startswith(statement)


async def test_rate_limit_403_waited_for_like_a_429(gmail: Session) -> None:
    refusal = Response.of({"error": {"code": 403, "errors": [{"reason": "rateLimitExceeded"}]}}, 403)
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", refusal)
    await gmail.call_error("get_message", message=MARIE)
    assert len(gmail.requests) == 3
