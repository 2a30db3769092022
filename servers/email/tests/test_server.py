"""The tools as a client sees them: dry run, one send a key, settings, and no secret anywhere."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from flotilla_servers.email.server import server
from flotilla_testing import FakeVendor, RecordedResponses
from flotilla_testing.checks.descriptions import handed_over

USER, PASSWORD = "facturation@exemple.fr", "canari-mot-de-passe-é-9321"
Call = Callable[..., Awaitable[Any]]
Start = Callable[..., Awaitable[Any]]
Configure = Callable[..., None]
LETTER = {"to": ["Jean Dupont <jean@exemple.fr>"], "subject": "Facture n° 42 : 1 250,50 €", "text": "Bonjour Hélène"}


def good(result: Any) -> dict[str, Any]:
    assert not result.is_error, result.content[0].text
    assert json.loads(result.content[0].text) == result.structured_content
    return dict(result.structured_content)


def bad(result: Any) -> str:
    assert result.is_error, result.content[0].text
    text = str(result.content[0].text)
    assert text.startswith("Error: ")
    assert PASSWORD not in text
    return text


async def test_send_email_delivers(sink: Start, configured: Configure, call: Call, data: Path) -> None:
    there = await sink()
    there.rcpt["inconnu@exemple.fr"] = "550 5.1.1 No such user \u202ehere"
    configured(there.port, REPLY_TO="compta@exemple.fr")
    (data / "factures").mkdir()
    (data / "factures" / "Reçu d’août.pdf").write_bytes(b"%PDF-1.7 " + bytes(range(256)))
    sent = good(
        await call(
            "send_email",
            **LETTER,
            html="<p>Bonjour <b>Hélène</b></p>",
            cc=["marie@société.fr", "inconnu@exemple.fr"],
            bcc=["secret@exemple.fr"],
            attachments=["factures/Reçu d’août.pdf"],
        )
    )
    (message,) = there.messages
    assert message["From"].addresses[0].display_name == "Hélène, Société Étoile"
    assert message["From"].addresses[0].addr_spec == USER
    assert message["Subject"] == LETTER["subject"]
    assert message["Reply-To"] == "compta@exemple.fr"
    assert message["Bcc"] is None
    assert message["Message-ID"] == sent["message_id"]
    assert message["Date"].datetime.utcoffset() is not None
    assert there.envelopes[0].rcpt_tos == ["jean@exemple.fr", "marie@xn--socit-esab.fr", "secret@exemple.fr"]
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("Reçu d’août.pdf", "application/pdf")
    assert [(r["address"], r["status"]) for r in sent["recipients"]] == [
        ("jean@exemple.fr", "accepted"),
        ("marie@xn--socit-esab.fr", "accepted"),
        ("inconnu@exemple.fr", "refused"),
        ("secret@exemple.fr", "accepted"),
    ]
    assert sent["recipients"][2]["reply"] == "550 5.1.1 No such user here"
    assert sent["recipients"][0]["reply"] == "250 2.0.0 Ok: queued as 00001"


async def test_send_template_delivers(sink: Start, configured: Configure, call: Call, data: Path) -> None:
    there = await sink("tls")
    configured(there.port, SECURITY="tls")
    (data / "templates").mkdir()
    (data / "templates" / "relance.html").write_text("<p>Bonjour {{ nom }},<br>il reste {{ montant }} €.</p>")
    missing = bad(await call("send_template", template="relance", to=["j@exemple.fr"], variables={"nom": "x"}))
    assert "needs variables that were not given: montant" in missing
    values = {"nom": "<Hélène>", "montant": "1 250,50"}
    no_subject = bad(await call("send_template", template="relance", to=["j@exemple.fr"], variables=values))
    assert "no subject file" in no_subject
    (data / "templates" / "relance.subject.txt").write_text("Relance : {{ montant }} €\n")
    good(await call("send_template", template="relance", to=["j@exemple.fr"], variables=json.dumps(values)))
    good(await call("send_template", template="relance", to=["j@exemple.fr"], variables=values, subject="Autre"))
    first, second = there.messages
    assert first["Subject"] == "Relance : 1 250,50 €"
    assert second["Subject"] == "Autre"
    assert first.get_body(("html",)).get_content().strip() == "<p>Bonjour &lt;Hélène&gt;,<br>il reste 1 250,50 €.</p>"
    assert first.get_body(("plain",)).get_content().replace("\r\n", "\n") == "Bonjour <Hélène>,\nil reste 1 250,50 €.\n"
    injected = {"nom": "x", "montant": "1\r\nBcc: evil@ailleurs.fr"}
    refused = bad(await call("send_template", template="relance", to=["j@exemple.fr"], variables=injected))
    assert "The subject holds a line break" in refused
    assert len(there.messages) == 2


async def test_verify_connection(sink: Start, configured: Configure, call: Call) -> None:
    there = await sink(limit=5_000_000)
    configured(there.port)
    matches = good(await call("verify_connection"))
    assert matches["server"] == f"localhost:{there.port}"
    assert (matches["security"], matches["login"], matches["max_message_bytes"]) == ("starttls", "PLAIN", 5_000_000)
    assert matches["sender"] == f'"Hélène, Société Étoile" <{USER}>'
    assert not there.envelopes
    configured(there.port, PASSWORD="faux-faux")
    assert "app password" in bad(await call("verify_connection"))


async def test_send_email_dry_run_opens_no_connection(
    configured: Configure, call: Call, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run shows the mail and opens no connection."""
    configured(2525)
    (data / "a.csv").write_text("prénom;montant\n")

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    shown = good(
        await call(
            "send_email",
            **LETTER,
            html="<p>é</p>",
            bcc=["secret@exemple.fr"],
            attachments=["a.csv"],
            dry_run=True,
            idempotency_key="k",
        )
    )["dry_run"]
    assert shown["server"] == "localhost:2525"
    assert shown["security"] == "starttls"
    assert shown["envelope"] == {"from": USER, "to": ["jean@exemple.fr", "secret@exemple.fr"]}
    assert shown["headers"]["From"] == f'"Hélène, Société Étoile" <{USER}>'
    assert shown["headers"]["To"] == "Jean Dupont <jean@exemple.fr>"
    assert shown["headers"]["Subject"] == LETTER["subject"]
    assert shown["headers"]["Message-ID"].endswith("@exemple.fr>")
    assert "secret" not in str(shown["headers"])
    assert (shown["text"], shown["html"]) == ("Bonjour Hélène", "<p>é</p>")
    assert shown["attachments"] == [{"name": "a.csv", "type": "text/csv", "bytes": 16}]
    assert 500 < shown["size_bytes"] < 3000
    assert PASSWORD not in json.dumps(shown, ensure_ascii=False)


async def test_idempotency_key_sends_once(sink: Start, configured: Configure, call: Call) -> None:
    there = await sink()
    configured(there.port)
    first = good(await call("send_email", **LETTER, idempotency_key="facture-42"))
    again = good(await call("send_email", **LETTER, idempotency_key="facture-42"))
    assert first == again
    assert len(there.messages) == 1
    other = bad(await call("send_email", **LETTER | {"text": "autre"}, idempotency_key="facture-42"))
    assert "other arguments" in other
    good(await call("send_email", **LETTER, idempotency_key="facture-43"))
    assert len({m["Message-ID"] for m in there.messages}) == 2
    server.connection.state.sweep("once-", -60)  # a lost note, or another day: the same Message-ID shows what it is
    server.reset()
    assert good(await call("send_email", **LETTER, idempotency_key="facture-42"))["message_id"] == first["message_id"]


async def test_idempotency_key_parallel_calls_send_once(sink: Start, configured: Configure, call: Call) -> None:
    there = await sink()
    configured(there.port)
    results = await asyncio.gather(*(call("send_email", **LETTER, idempotency_key="k") for _ in range(5)))
    assert len({good(r)["message_id"] for r in results}) == 1
    assert len(there.messages) == 1


async def test_idempotency_key_not_reused_when_mail_may_be_sent(
    script: Start, configured: Configure, call: Call
) -> None:
    """A mail that may have been sent is not sent again under its key."""
    there = await script({".": "drop"})
    configured(there.port, SECURITY="none", USERNAME="", SENDER=USER)
    assert "may or may not have been sent" in bad(await call("send_email", **LETTER, idempotency_key="k"))
    assert "may or may not have been done" in bad(await call("send_email", **LETTER, idempotency_key="k"))
    assert len(there.mails) == 1


async def test_idempotency_key_free_when_mail_was_surely_not_sent(
    script: Start, configured: Configure, call: Call
) -> None:
    there = await script({"DATA": ["drop", "451 4.3.0 later", "354 go on"], ".": ["554 5.6.0 no", "250 ok"]})
    configured(there.port, SECURITY="none", USERNAME="", SENDER=USER)
    for says in ("it was not sent", "451 4.3.0 later", "554 5.6.0 no"):
        assert says in bad(await call("send_email", **LETTER, idempotency_key="k"))
    good(await call("send_email", **LETTER, idempotency_key="k"))
    assert len(there.mails) == 2  # the refused one, and the one that was taken


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"SMTP_HOST": ""}, "EMAIL_SMTP_HOST is not set"),
        ({"SMTP_HOST": "<UNKNOWN>"}, "EMAIL_SMTP_HOST is not set"),
        (
            {"PASSWORD": "<UNKNOWN>"},
            "EMAIL_PASSWORD is not set (secret `flotilla-email.password` in the Docker catalog)",
        ),
        ({"USERNAME": "", "SENDER": ""}, "EMAIL_SENDER is not set"),
        ({"SENDER": "pas une adresse@"}, "EMAIL_SENDER"),
        ({"SECURITY": "ssl"}, "EMAIL_SECURITY is wrong"),
        ({"SMTP_PORT": "70000"}, "EMAIL_SMTP_PORT is wrong"),
        ({"ALLOWED_RECIPIENTS": "pas un domaine"}, "EMAIL_ALLOWED_RECIPIENTS"),
    ],
)
async def test_settings_wrong_are_named(configured: Configure, call: Call, settings: dict[str, str], says: str) -> None:
    configured(**settings)
    assert says in bad(await call("send_email", **LETTER))


async def test_settings_missing_are_named(configured: Configure, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMTP_HOST", "SMTP_PORT", "USERNAME", "PASSWORD", "SENDER_NAME", "CA_FILE"):
        monkeypatch.delenv(f"EMAIL_{name}", raising=False)
    for tool, arguments in (("send_email", LETTER), ("verify_connection", {})):
        assert "EMAIL_SMTP_HOST is not set" in bad(await call(tool, **arguments))


async def test_smtp_port_follows_security(configured: Configure, call: Call) -> None:
    for security, port in (("starttls", 587), ("tls", 465), ("none", 25)):
        configured(SECURITY=security)
        assert good(await call("send_email", **LETTER, dry_run=True))["dry_run"]["server"] == f"localhost:{port}"


@pytest.mark.parametrize(
    "rules", ["[exemple.fr paul@ailleurs.fr]", "Exemple.fr;Paul@ailleurs.fr", "exemple.fr,paul@ailleurs.fr"]
)
async def test_allowed_recipients_accepted_notations(
    sink: Start, configured: Configure, call: Call, rules: str
) -> None:
    there = await sink()
    configured(there.port, ALLOWED_RECIPIENTS=rules)
    good(await call("send_email", **LETTER, bcc=["paul@ailleurs.fr"]))
    assert "eve@ailleurs.fr is not among" in bad(await call("send_email", **LETTER, cc=["eve@ailleurs.fr"]))


@pytest.mark.parametrize(
    "rules", ["*", ";", "[]", "exemple.fr *", "se://docker/mcp/email.allowed_recipients", "<domains>"]
)
async def test_allowed_recipients_naming_nobody_refused(
    sink: Start, configured: Configure, call: Call, rules: str
) -> None:
    """The check of the settings says so too, not only the first mail."""
    there = await sink()
    configured(there.port, ALLOWED_RECIPIENTS=rules)
    for answer in (await call("verify_connection"), await call("send_email", **LETTER)):
        assert bad(answer).startswith("Error: EMAIL_ALLOWED_RECIPIENTS ")
    assert there.messages == []


async def test_allowed_recipients_enforced_for_every_field(sink: Start, configured: Configure, call: Call) -> None:
    there = await sink()
    configured(there.port, ALLOWED_RECIPIENTS="exemple.fr, paul@ailleurs.fr")
    good(await call("send_email", **LETTER, bcc=["paul@ailleurs.fr"]))
    for field in ("cc", "bcc"):
        assert "eve@ailleurs.fr is not among" in bad(await call("send_email", **LETTER, **{field: ["eve@ailleurs.fr"]}))
    assert "eve@ailleurs.fr is not among" in bad(await call("send_email", **LETTER, reply_to="eve@ailleurs.fr"))
    assert len(there.messages) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"to": ["pas une adresse"]}, "is not a valid e-mail address"),
        ({"to": []}, "no recipient"),
        ({"to": ["a@exemple.fr\r\nBcc: b@exemple.fr"]}, "line break"),
        ({"subject": "x\nBcc: b@exemple.fr"}, "line break"),
        ({"reply_to": "x <y@exemple.fr>\n"}, "line break"),
        ({"text": None}, "no body"),
        ({"attachments": ["absent.pdf"]}, "absent.pdf does not exist"),
        ({"attachments": ["../../etc/passwd"]}, "leads out of the data folder"),
        ({"attachments": [".flotilla/email/x.json"]}, "reserved"),
        ({"attachments": ["dossier"]}, "is a folder"),
        ({"attachments": ["gros.bin"]}, "more than 750000 bytes"),
        ({"html": "x" * 1_100_000}, "more than the 1.0 MB that EMAIL_MAX_MESSAGE_MB takes"),
    ],
)
async def test_send_email_refused_before_any_connection(
    configured: Configure, call: Call, data: Path, change: dict[str, Any], says: str, sink: Start
) -> None:
    """What cannot be sent reaches no server."""
    there = await sink()
    configured(there.port, MAX_MESSAGE_MB="1")
    (data / "dossier").mkdir()
    (data / "gros.bin").write_bytes(b"x" * 750_001)
    assert says in bad(await call("send_email", **LETTER | change))
    assert there.sessions == 0


async def test_send_email_lists_accepted_as_text(sink: Start, configured: Configure, call: Call) -> None:
    there = await sink()
    configured(there.port)
    good(await call("send_email", **LETTER | {"to": "a@exemple.fr, b@exemple.fr; c@exemple.fr"}))
    good(await call("send_email", **LETTER | {"to": '["d@exemple.fr"]'}))
    assert there.envelopes[0].rcpt_tos == ["a@exemple.fr", "b@exemple.fr", "c@exemple.fr"]
    assert there.envelopes[1].rcpt_tos == ["d@exemple.fr"]
    good(
        await call(
            "send_email", **LETTER | {"to": '"Dupont, Jean" <e@exemple.fr>', "cc": ["f@exemple.fr, g@exemple.fr"]}
        )
    )
    assert there.envelopes[2].rcpt_tos == ["e@exemple.fr", "f@exemple.fr", "g@exemple.fr"]
    good(await call("send_email", **LETTER | {"cc": "", "attachments": ["null"]}))
    assert there.envelopes[3].rcpt_tos == ["jean@exemple.fr"]


async def test_confirmation_for_more_than_five_recipients(sink: Start, configured: Configure, call: Call) -> None:
    """What cannot be called back is asked about when it goes to many at once."""
    there = await sink()
    configured(there.port)
    many = {"to": [f"a{n}@exemple.fr" for n in range(3)], "cc": "b@exemple.fr, c@exemple.fr", "bcc": "d@exemple.fr"}
    preview = good(await call("send_email", **LETTER | many))["preview"]
    assert preview["question"] == (
        "Send the mail «Facture n° 42 : 1 250,50 €» to 6 recipients: a0@exemple.fr, a1@exemple.fr, a2@exemple.fr, "
        "b@exemple.fr, c@exemple.fr, d@exemple.fr?"
    )
    assert there.envelopes == []
    good(await call("send_email", **LETTER | many, confirm_token=preview["confirm_token"]))
    assert len(there.envelopes) == 1
    good(await call("send_email", **LETTER | many | {"bcc": ""}))
    assert len(there.envelopes) == 2


async def test_password_absent_from_output(
    sink: Start, configured: Configure, call: Call, capfd: pytest.CaptureFixture[str]
) -> None:
    there = await sink()
    configured(there.port)
    good(await call("send_email", **LETTER))
    there.mail = f"550 5.7.1 {PASSWORD} is not allowed"
    bad(await call("send_email", **LETTER))
    out, err = capfd.readouterr()
    assert "send_email" in err
    assert PASSWORD not in out + err


async def test_tools_public_surface(configured: Configure) -> None:
    from fastmcp import Client

    async with Client(server._mcp) as client:
        tools = {tool.name: tool for tool in (await client.list_tools_mcp()).tools}
    assert list(tools) == [
        "email_send_email",
        "email_send_template",
        "email_list_templates",
        "email_preview_template",
        "email_verify_connection",
    ]
    sizes = []
    for name, tool in tools.items():
        hints = tool.annotations
        assert hints.read_only_hint is not name.startswith("email_send")
        assert (hints.destructive_hint, hints.open_world_hint) == (name.startswith("email_send"), True)
        sizes.append(len(handed_over(tool.model_dump(by_alias=True, exclude_none=True))))
        assert all("description" in p for p in tool.input_schema["properties"].values())
    assert max(sizes) <= 2_000
    assert sum(sizes) <= 5_500


async def test_list_templates_and_preview_template(configured: Configure, call: Call, data: Path) -> None:
    configured(25)
    (data / "templates").mkdir()
    for n in range(3):
        (data / "templates" / f"t{n}.txt").write_text("Bonjour {{ nom }}")
    first = good(await call("list_templates", limit=2))
    assert [one["name"] for one in first["items"]] == ["t0", "t1"]
    assert good(await call("list_templates", limit=2, cursor=first["next_cursor"]))["items"] == [
        {"name": "t2", "parts": ["text"], "variables": ["nom"]}
    ]
    assert good(await call("preview_template", template="t0", variables={"nom": "Hélène"}))["text"] == "Bonjour Hélène"
    assert "needs variables that were not given: nom" in bad(await call("preview_template", template="t0"))


@pytest.mark.parametrize("accepted", [True, False])
async def test_send_email_with_oauth(
    sink: Start, configured: Configure, call: Call, data: Path, accepted: bool
) -> None:
    """AUTH XOAUTH2: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol"""
    there = await sink()
    seen: list[str] = []

    async def xoauth2(server: Any, args: list[str]) -> AuthResult:
        seen.append(base64.b64decode(args[1]).decode())
        return AuthResult(success=accepted, handled=False, auth_data=USER)

    there.auth_XOAUTH2 = xoauth2
    tokens = RecordedResponses({"POST /token": {"json": {"access_token": "canary-token-77", "expires_in": 3600}}})
    with FakeVendor(tokens) as vendor:
        configured(
            there.port, PASSWORD="", TOKEN_URL=f"{vendor.url}/token", CLIENT_ID="client", CLIENT_SECRET="secret-5",
            REFRESH_TOKEN="refresh-9",
        )  # fmt: skip
        assert "dry_run" in good(await call("send_email", **LETTER, dry_run=True))
        assert not vendor.requests  # a dry run asks for no token
        if accepted:
            assert good(await call("send_email", **LETTER))["recipients"][0]["status"] == "accepted"
            assert good(await call("verify_connection"))["login"] == "XOAUTH2"
            assert set(seen) == {f"user={USER}\x01auth=Bearer canary-token-77\x01\x01"}
            assert len(vendor.requests) == 1
        else:
            text = bad(await call("send_email", **LETTER))
            assert "refuses the access token for facturation@exemple.fr" in text
            assert "SMTP.Send" in text
            assert "canary-token-77" not in text


async def test_send_email_with_oauth_that_the_server_does_not_offer(
    sink: Start, configured: Configure, call: Call, data: Path
) -> None:
    there = await sink()
    tokens = RecordedResponses({"POST /token": {"json": {"access_token": "canary-token-77", "expires_in": 3600}}})
    with FakeVendor(tokens) as vendor:
        configured(
            there.port,
            TOKEN_URL=f"{vendor.url}/token",
            CLIENT_ID="c",
            CLIENT_SECRET="secret-5",
            REFRESH_TOKEN="refresh-9",
        )
        assert "offers no login with OAuth (AUTH XOAUTH2)" in bad(await call("send_email", **LETTER))
    assert not there.logins  # the password is not tried in its place
