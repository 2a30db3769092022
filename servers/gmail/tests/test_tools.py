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


async def test_list_messages(gmail: Session) -> None:
    await gmail.call_ok("list_messages")
    assert ("labelIds", "INBOX") in gmail.requests[0].query
    gmail.requests.clear()
    await gmail.call_ok("list_messages", label="clients/dupont")
    assert ("labelIds", "Label_12") in gmail.requests[1].query
    assert "There is no label `Nope`" in await gmail.call_error("list_messages", label="Nope")


async def test_get_message(gmail: Session) -> None:
    found = await gmail.call_ok("get_message", message=MARIE)
    assert found["text"] == "Bonjour Hélène,\n\npouvez-vous m'envoyer le devis ?\n\nMarie"  # nothing invisible in it
    assert found["cc"] == "Paul <paul@client.example>, helene@atelier.example"
    assert found["attachments"] == [{"id": "1", "name": "besoins n° 1.pdf", "bytes": 31245}]


async def test_html_alone_is_reduced_to_text(gmail: Session) -> None:
    found = await gmail.call_ok("get_message", message="18f2a7c4d9e0b1a4")
    assert found["text"] == "Votre facture\n\n- un\n- deux (https://x.example)"
    assert found["attachments"] == []


async def test_what_others_wrote_is_marked(gmail: Session) -> None:
    tools = {tool.name: tool for tool in await gmail.client.list_tools()}
    fields = (tools["gmail_get_message"].output_schema or {})["properties"]
    for name in ("sender", "to", "cc", "subject", "text"):
        assert "UntrustedText" in fields[name]["description"], name


async def test_get_attachment(gmail: Session) -> None:
    saved = await gmail.call_ok("get_attachment", message=MARIE, attachment="1")
    assert sent(gmail)[1] == f"{ME}/messages/{MARIE}/attachments/ANGjdJ8"
    assert saved["path"] == f"mail/{MARIE}/besoins n_ 1.pdf"
    assert (gmail.data / saved["path"]).read_bytes() == b"%PDF-1.4\n% besoins\n"
    assert (await gmail.call_ok("get_attachment", message=MARIE, attachment="1", path="a/b.pdf"))["path"] == "a/b.pdf"
    assert "exists already" in await gmail.call_error("get_attachment", message=MARIE, attachment="1", path="a/b.pdf")
    assert "It has: 1." in await gmail.call_error("get_attachment", message=MARIE, attachment="7")


async def test_attachments_of_one_name_are_two_files(gmail: Session) -> None:
    raw = json.loads((FIXTURES / "message.json").read_text())
    raw["payload"]["parts"].append({**raw["payload"]["parts"][1], "partId": "2"})
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of(raw))
    paths = [(await gmail.call_ok("get_attachment", message=MARIE, attachment=n))["path"] for n in ("1", "2")]
    assert paths == [f"mail/{MARIE}/{n}-besoins n_ 1.pdf" for n in ("1", "2")]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/../../b", ".flotilla/oauth.json", "\u202efdp.exe"]
)
async def test_a_name_of_an_attachment_leads_nowhere_else(gmail: Session, name: str) -> None:
    raw = json.loads((FIXTURES / "message.json").read_text())
    raw["payload"]["parts"][1]["filename"] = name
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of(raw))
    saved = await gmail.call_ok("get_attachment", message=MARIE, attachment="1")
    assert saved["path"].count("/") == 2
    assert saved["path"].startswith(f"mail/{MARIE}/")


# -- writing ----------------------------------------------------------------------------------------------------------


async def test_mail_to_more_than_five_is_asked_about(gmail: Session) -> None:
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
    ("wrong", "said"),
    [
        ({"to": ["marie"]}, "is no e-mail address"),
        ({"to": ["Marie <marie@client.example>\r\nBcc: x@evil.example"]}, "holds a line break"),
        ({"subject": "x\r\nBcc: x@evil.example"}, "holds a line break"),
        ({"subject": "=?utf-8?q?x=0D=0ABcc:_x@evil.example?="}, "encoded word"),
        ({"subject": "x" * 1000}, "more than 900"),
        ({"text": "  "}, "has no body"),
        ({"attachments": ["nothing.pdf"]}, "nothing.pdf"),
        ({"attachments": ["../../../etc/passwd"]}, "Error:"),
    ],
)
async def test_what_is_not_sent(gmail: Session, wrong: dict[str, Any], said: str) -> None:
    assert said in await gmail.call_error("send_email", **{**MAIL, **wrong})
    assert gmail.writes == []


async def test_a_dry_run_shows_the_mail_and_not_its_base64(gmail: Session) -> None:
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


async def test_a_subject_that_others_broke_can_be_answered(gmail: Session) -> None:
    raw = json.loads((FIXTURES / "message.json").read_text())
    for header in raw["payload"]["headers"]:
        if header["name"] == "Subject":
            header["value"] = "Devis\tpour\r\n juin"
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of(raw))
    await gmail.call_ok("reply_to_message", message=MARIE, text="Le voici.")
    assert mail(gmail)["subject"] == "Re: Devis pour juin"


async def test_everybody_is_everybody_but_me(gmail: Session) -> None:
    await gmail.call_ok("reply_to_message", message=MARIE, text="Le voici.", everybody=True)
    assert (mail(gmail)["to"], mail(gmail)["cc"]) == ("marie@client.example", "paul@client.example")


async def test_an_answer_to_my_own_mail_goes_to_whom_i_wrote(gmail: Session) -> None:
    raw = json.loads((FIXTURES / "message.json").read_text())
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of({**raw, "labelIds": ["SENT"]}))
    await gmail.call_ok("reply_to_message", message=MARIE, text="Encore un mot.")
    assert mail(gmail)["to"] == "helene@atelier.example"  # the To of that mail


async def test_create_draft(gmail: Session) -> None:
    assert await gmail.call_ok("create_draft", text="Bonjour", to=["marie@client.example"], subject="x") == {
        "id": "r-42"
    }
    assert list(gmail.requests[-1].json()) == ["message"]
    await gmail.call_ok("create_draft", text="Bonjour", answers=MARIE)
    assert gmail.requests[-1].json()["message"]["threadId"] == MARIE
    assert (mail(gmail)["to"], mail(gmail)["subject"]) == ("marie@client.example", "Re: Devis pour juin")


async def test_labels(gmail: Session) -> None:
    page = await gmail.call_ok("list_labels", limit=2)
    assert [label["id"] for label in page["items"]] == ["INBOX", "UNREAD"]
    await gmail.call_ok("modify_labels", message=MARIE, add=["Clients/Dupont"], remove=["inbox", "UNREAD"])
    assert sent(gmail)[1] == f"{ME}/messages/{MARIE}/modify"
    assert gmail.requests[-1].json() == {"addLabelIds": ["Label_12"], "removeLabelIds": ["INBOX", "UNREAD"]}
    assert "Nothing is to be changed" in await gmail.call_error("modify_labels", message=MARIE)
    assert (await gmail.call_ok("create_label", name="Clients/Durand"))["id"] == "Label_13"


async def test_modify_labels_does_not_trash_unasked(gmail: Session) -> None:
    told = await gmail.call_error("modify_labels", message=MARIE, add=["trash"])
    assert told == "Error: TRASH is no label to add. Use gmail_trash_message, which asks first."
    assert gmail.requests == []


async def test_modify_labels_refuses_a_name_that_is_the_id_of_another(gmail: Session) -> None:
    labels = [{"id": "Label_5", "name": "Clients"}, {"id": "Label_6", "name": "Label_5"}]
    gmail.respond("GET /gmail/v1/users/me/labels", Response.of({"labels": labels}))
    told = await gmail.call_error("modify_labels", message=MARIE, add=["Label_5"])
    assert "is the id of one label and the name of another (Label_6)" in told
    await gmail.call_ok("modify_labels", message=MARIE, add=["Label_6"])
    assert gmail.requests[-1].json() == {"addLabelIds": ["Label_6"]}


async def test_trash_message_and_restore_message(gmail: Session) -> None:
    assert await gmail.call_ok("trash_message", message=MARIE) == {"trashed": MARIE}
    assert gmail.asked == ["Move the mail «Devis pour juin» from Marie Dupont <marie@client.example> to the trash?"]
    await gmail.call_ok("restore_message", message=MARIE)
    assert sent(gmail)[:2] == ("POST", f"{ME}/messages/{MARIE}/untrash")


async def test_get_current_user(gmail: Session) -> None:
    assert (await gmail.call_ok("get_current_user"))["email"] == "helene@atelier.example"


# -- people who are new to the thread ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
async def test_who_is_new_is_asked_about_where_the_operator_says_so(mode: str) -> None:
    wary = {"FLOTILLA_CONFIRM": "new-recipients"}
    async with connect("gmail", wary, mode=mode, answer="decline") as session:
        await session.call_ok("reply_to_message", message=MARIE, text="Le voici.", everybody=True)  # all were there
        assert session.asked == []
        writes = len(session.writes)
        assert "did not agree" in await session.call_error("send_email", **MAIL)
        await session.call_error("reply_to_message", message=MARIE, text="x", cc=["autre@evil.example"])
        assert session.asked == [
            "Send the mail «Devis» to marie@client.example? They are new to this conversation.",
            "Response «Re: Devis pour juin» to autre@evil.example? They are new to this conversation.",
        ]
        assert len(session.writes) == writes


async def test_a_reply_to_that_nobody_knows_is_new() -> None:
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
    ("status", "error", "said"),
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
async def test_a_refusal_is_told_by_its_reason(gmail: Session, status: int, error: dict[str, Any], said: str) -> None:
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", Response.of({"error": error}, status))
    assert (await gmail.call_error("get_message", message=MARIE)).startswith(said)


async def test_a_limit_is_waited_for_like_a_429(gmail: Session) -> None:
    refusal = Response.of({"error": {"code": 403, "errors": [{"reason": "rateLimitExceeded"}]}}, 403)
    gmail.respond("GET /gmail/v1/users/me/messages/{id}", refusal)
    await gmail.call_error("get_message", message=MARIE)
    assert len(gmail.requests) == 3
