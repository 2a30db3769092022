"""What a mail is made of: headers that cannot be forged, addresses, bodies, attachments."""

from __future__ import annotations

import email
import re
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flotilla import Address, errors
from flotilla.parsing import read_addresses
from flotilla_servers.email.message import (
    MOST_ATTACHMENTS,
    Attachment,
    Draft,
    Mail,
    build,
    check_allowed,
    line,
)

ME = Address("facturation@exemple.fr", "Hélène, Société Étoile")
JEAN = Address("jean@exemple.fr", "Jean Dupont")
# Text as an attacker writes it: line ends, other separators, encoded words, quotes, and anything else.
NASTY = st.lists(
    st.sampled_from(
        ["\r\n", "\n", "\r", "\0", "\x0b", "\x85", "\u2028", "\u202e", "Bcc: a@b.fr", "=?utf-8?q?=0d=0aBcc:_a=40b.fr?=",
         "=?", "?=", '"', "\\", "<", ">", ",", ";", ":", "@", " ", "é", "€", "Subject", "\udc80", "x" * 80, "😀"]
    )
    | st.text(max_size=20),
    max_size=8,
).map("".join)  # fmt: skip


def draft(**more: object) -> Draft:
    return Draft(**{"sender": ME, "to": (JEAN,), "subject": "Facture", "text": "Bonjour", **more})  # type: ignore[arg-type]


def parsed(mail: Mail) -> EmailMessage:
    return email.message_from_bytes(mail.content, policy=policy.default)


def header_names(mail: Mail) -> list[str]:
    head = mail.content.split(b"\r\n\r\n", 1)[0]
    return [raw.split(b":")[0].decode() for raw in re.split(rb"\r\n(?![ \t])", head)]


USUAL = ["From", "To", "Subject", "Date", "Message-ID", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]


@settings(max_examples=300, deadline=None)
@given(NASTY)
def test_subject_refused_or_kept_as_given(subject: str) -> None:
    try:
        mail = build(draft(subject=subject))
    except errors.InvalidInputError:
        return
    assert header_names(mail) == USUAL
    assert parsed(mail)["Subject"] == subject.strip()
    assert mail.content.isascii()
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998


@settings(max_examples=300, deadline=None)
@given(NASTY)
def test_display_name_refused_or_kept_as_given(name: str) -> None:
    try:
        box = Address.read(f"{name} <jean@exemple.fr>")
        mail = build(draft(to=(box,), cc=(box,), reply_to=(box,)))
    except errors.InvalidInputError:
        return
    assert header_names(mail) == ["From", "To", "Cc", "Reply-To", *USUAL[2:]]
    for header in ("To", "Cc", "Reply-To"):
        (there,) = parsed(mail)[header].addresses
        assert there.addr_spec == "jean@exemple.fr"
        # Python's parser keeps the blank between two encoded words of a name, which RFC 2047 §6.2 says to drop.
        assert there.display_name.replace(" ", "") == box.name.replace(" ", "")


@settings(max_examples=300, deadline=None)
@given(NASTY)
def test_address_refused_or_exactly_one(given: str) -> None:
    for text in (given, f"a@{given}", f"{given}@exemple.fr", f"<{given}>"):
        try:
            box = Address.read(text)
        except errors.InvalidInputError:
            continue
        assert not re.search(r"[\s<>\x00-\x1f,]", box.address)
        assert box.address.count("@") == 1
        mail = build(draft(to=(box,)))
        assert header_names(mail) == USUAL
        assert mail.recipients == (box.address,)


@settings(max_examples=300, deadline=None)
@given(NASTY)
def test_attachment_name_refused_or_kept_as_given(name: str) -> None:
    try:
        mail = build(draft(attachments=(Attachment(name, b"1"),)))
    except errors.InvalidInputError:
        return
    (file,) = parsed(mail).iter_attachments()
    assert file.get_filename() == (name.strip().translate(str.maketrans('"\\/', "'__")) or "file")
    assert file.get_content_disposition() == "attachment"
    assert header_names(mail) == [*USUAL[:5], "MIME-Version", "Content-Type"]


@given(NASTY, NASTY)
def test_bodies_kept_and_cannot_end_the_mail_early(text: str, html: str) -> None:
    try:
        mail = build(draft(text=f"x{text}\n.\n", html=f"x{html}\r\n.\r\n"))
    except errors.InvalidInputError:
        assert re.search("[\ud800-\udfff]", text + html)
        return
    assert mail.content.replace(b"\r\n", b"").count(b"\n") == 0
    assert mail.content.replace(b"\r\n", b"").count(b"\r") == 0
    assert mail.content.isascii()
    whole = parsed(mail)
    for kind, sent in (("plain", text), ("html", html)):
        body = whole.get_body((kind,))
        assert body
        arrived = body.get_payload(decode=True).decode()  # type: ignore[union-attr]
        assert "".join(arrived.split()) == "".join(f"x{sent}.".split())


@pytest.mark.parametrize(
    "subject",
    [
        "a\r\nBcc: x@y.fr",
        "a\n",
        "\ra",
        "a\x00",
        "a\u2028b",
        "a\tb",
        "=?utf-8?q?=0aBcc:_x?=",
        "x=?US-ASCII?B?eA",
        "\u202eevil",
    ],
)
def test_subject_header_injection_refused_with_reason(subject: str) -> None:
    with pytest.raises(
        errors.InvalidInputError, match=r"The subject holds (a line break or a control character|an encoded word)"
    ):
        build(draft(subject=subject))


def test_build_refuses_line_breaks_in_unchecked_addresses() -> None:
    """The last check holds when the first was bypassed."""
    for box in (
        Address("jean@exemple.fr", "x\r\nBcc: a"),
        Address("jean@exemple.fr\nBcc: a@b.fr"),
        Address("a@b.fr\r\n "),
    ):
        with pytest.raises(errors.InvalidInputError, match="would hold a line break"):
            build(draft(to=(box,)))


def test_subject_resembling_an_encoded_word_accepted() -> None:
    assert line("2 + 2 =? 4 ?", "subject") == "2 + 2 =? 4 ?"


def test_build_keeps_french_text_and_euro_sign() -> None:
    text = "Bonjour Hélène,\n\nVotre facture n° 2025-042 s’élève à 1 250,50 € — œuvre, Noël, ça.\n" + "é" * 3000 + "\n"
    subject = "Relance : facture n° 2025-042 de 1 250,50 € à régler avant Noël — œuvres complètes " * 2
    html = "<p>Déjà payé&nbsp;? Total : <b>1 250,50 €</b></p>"
    mail = build(draft(subject=subject, text=text, html=html))
    whole = parsed(mail)
    assert whole["Subject"] == subject.strip()
    assert whole["From"].addresses[0].display_name == "Hélène, Société Étoile"
    assert [part.get_content_type() for part in whole.iter_parts()] == ["text/plain", "text/html"]
    assert whole.get_body(("plain",)).get_content().replace("\r\n", "\n") == text  # type: ignore[union-attr]
    assert whole.get_body(("html",)).get_content().strip() == html  # type: ignore[union-attr]


def test_recipients_fifty_accented_names_kept() -> None:
    # The standard library's own folding encodes the comma between two of them (CVE-2025-1795).
    boxes = tuple(read_addresses([f"Émile Lefèvre, {i} <e{i}@exemple.fr>" for i in range(50)]))
    there = parsed(build(draft(to=boxes)))["To"].addresses
    assert [a.addr_spec for a in there] == [f"e{i}@exemple.fr" for i in range(50)]
    assert there[7].display_name == "Émile Lefèvre, 7"


def test_bcc_only_in_the_envelope() -> None:
    """Nobody else sees who gets a blind copy."""
    mail = build(draft(cc=(Address("marie@exemple.fr"),), bcc=(Address("secret@ailleurs.fr", "Secrète"),)))
    assert mail.recipients == ("jean@exemple.fr", "marie@exemple.fr", "secret@ailleurs.fr")
    assert b"secret" not in mail.content.lower()
    assert b"bcc" not in mail.content.lower()
    assert "secret" not in str(mail.headers).lower()


def test_recipients_deduplicated() -> None:
    """One person gets one copy."""
    twice = Address("Jean@exemple.fr")
    assert build(draft(cc=(twice,), bcc=(twice,))).recipients == ("jean@exemple.fr",)
    assert len(tuple(read_addresses(["a@exemple.fr", "A@exemple.fr", "b@exemple.fr"]))) == 2


def test_date_header_has_an_offset() -> None:
    paris = datetime(2025, 7, 14, 9, 30, 15, 999, tzinfo=timezone(timedelta(hours=2)))
    mail = build(draft(), now=paris)
    assert parsed(mail)["Date"].datetime == paris.replace(microsecond=0)
    assert mail.date.utcoffset() is not None
    assert re.search(rb"Date: \w{3}, 1[34] Jul 2025 .* [+-]\d{4}\r\n", mail.content)
    assert abs(build(draft()).date - datetime.now(UTC)) < timedelta(seconds=10)


def test_message_id_derived_from_idempotency_key() -> None:
    one = build(draft(), "clé-1").message_id
    assert one == build(draft(), "clé-1").message_id
    assert re.fullmatch(r"<[0-9a-f]{40}@exemple\.fr>", one)
    assert one not in (build(draft(), "clé-2").message_id, build(draft(subject="Autre"), "clé-1").message_id)
    assert one != build(draft(bcc=(Address("x@exemple.fr"),)), "clé-1").message_id
    assert build(draft()).message_id != build(draft()).message_id
    assert parsed(build(draft(), "clé-1"))["Message-ID"] == one


@pytest.mark.parametrize(
    ("given", "address", "name"),
    [
        ("jean@exemple.fr", "jean@exemple.fr", ""),
        (" Jean Dupont  <jean@exemple.fr> ", "jean@exemple.fr", "Jean Dupont"),
        ('"Dupont, \\"Jean\\"" <jean@exemple.fr>', "jean@exemple.fr", 'Dupont, "Jean"'),
        ("Dupont, Jean <jean@exemple.fr>", "jean@exemple.fr", "Dupont, Jean"),
        ("info@société.fr", "info@xn--socit-esab.fr", ""),
        ("info@xn--socit-esab.fr", "info@xn--socit-esab.fr", ""),
        ("hélène@exemple.fr", "hélène@exemple.fr", ""),
        ("o'brien+factures@EXEMPLE.fr", "o'brien+factures@exemple.fr", ""),
        ("root@serveur.local", "root@serveur.local", ""),
    ],
)
def test_mailbox_accepted_addresses(given: str, address: str, name: str) -> None:
    assert Address.read(given) == Address(address, name)


@pytest.mark.parametrize(
    "given",
    ["", "jean", "jean@", "@exemple.fr", "jean@exemple", "a@b@exemple.fr", "jean@exemple..fr", "a@x.fr, b@x.fr",
     "a b@exemple.fr", "jean@-exemple.fr", "jean@xn--a.fr", "<jean@exemple.fr", "jean@[127.0.0.1]",
     "j\u200bean@exemple.fr", "x" * 65 + "@exemple.fr"],
)  # fmt: skip
def test_mailbox_refused_addresses(given: str) -> None:
    with pytest.raises(errors.InvalidInputError, match=r"is not a valid|holds several"):
        Address.read(given)


def test_smtputf8_needed_for_accent_before_the_at() -> None:
    mail = build(draft(to=(Address("hélène@exemple.fr", "Hélène"),)))
    assert mail.utf8
    assert "<hélène@exemple.fr>\r\n".encode() in mail.content
    assert not build(draft(to=(Address.read("Hélène <info@société.fr>"),))).utf8


def test_attachments_keep_name_type_and_bytes() -> None:
    files = (
        Attachment(
            "Résumé été 2025 – très long nom de fichier, avec des accents éèà et « guillemets ».xlsx",
            bytes(range(256)) * 40,
        ),
        Attachment("données.csv", "prénom;montant\nHélène;12,50 €\n".encode()),
        Attachment("latin.csv", "prénom\n".encode("latin-1")),
        Attachment("Facture.PDF", b"%PDF-1.7"),
        Attachment("archive.tar.gz", b"\x1f\x8b"),
        Attachment("mail.eml", b"Subject: x\r\n\r\nx"),
        Attachment("sans-fin", b""),
    )
    result = list(parsed(build(draft(html="<p>x</p>", attachments=files))).iter_attachments())
    assert [part.get_filename() for part in result] == [file.name for file in files]
    assert [part.get_payload(decode=True) for part in result] == [file.content for file in files]
    assert [part.get_content_type() for part in result] == [
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "text/csv",
        "text/csv",
        "application/pdf",
        "application/octet-stream",
        "application/octet-stream",
        "application/octet-stream",
    ]
    assert [part.get_content_charset() for part in result[:3]] == [None, "utf-8", None]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"text": " \n"}, "no body"),
        ({"to": ()}, "no recipient"),
        ({"subject": "  "}, "subject is empty"),
        ({"subject": "x" * 501}, "501 characters"),
        ({"to": tuple(Address(f"u{i}@exemple.fr") for i in range(101))}, "101 recipients"),
        ({"attachments": (Attachment("a", b""),) * (MOST_ATTACHMENTS + 1)}, "21 attachments"),
        ({"html": "\ud83d"}, "half a character"),
    ],
)
def test_build_explains_what_cannot_be_sent(more: dict[str, object], says: str) -> None:
    with pytest.raises(errors.InvalidInputError, match=says):
        build(draft(**more))


def test_allowed_recipients_by_address_and_domain() -> None:
    rules = ["exemple.fr", "@société.fr", "marie@ailleurs.fr"]
    fine = ["jean@EXEMPLE.fr", "info@xn--socit-esab.fr", "Marie@ailleurs.fr"]
    check_allowed(tuple(read_addresses(fine)), rules)
    check_allowed(tuple(read_addresses(["qui@vous.voulez.fr"])), [])
    for other in ("paul@ailleurs.fr", "jean@sous.exemple.fr", "jean@notexemple.fr", "jean@exemple.fr.evil.com"):
        with pytest.raises(errors.PermissionDeniedError, match="EMAIL_ALLOWED_RECIPIENTS"):
            check_allowed(tuple(read_addresses([*fine, other])), rules)
    with pytest.raises(errors.ConfigurationError, match="neither an address nor a domain"):
        check_allowed(tuple(read_addresses(fine)), ["pas un domaine"])


def test_html_text_alternative() -> None:
    """The plain text made from an HTML body."""
    html = """<html><head><title>T</title><style>p {}</style></head><body>
    <h1>Facture&nbsp;n° 42</h1><p>Bonjour <b>Hélène</b>,<br>voici&#8239;: 12&nbsp;€</p>
    <ul><li>un</li><li>deux</li></ul><script>evil()</script>
    <table><tr><th>Article</th><th>Prix</th></tr><tr><td>Stylo</td><td>2 €</td></tr></table>
    <a href="https://exemple.fr/payer">Payer</a> <a href="https://exemple.fr">https://exemple.fr</a>
    <a href="mailto:a@b.fr">écrire</a> <a href="javascript:x">non</a> <a href="https://img.fr"><img src="x"></a>
    <hr><pre>a
  b</pre><img alt="Logo"></body></html>"""
    mail = build(draft(text="", html=html))
    assert mail.text.replace("\xa0", " ").replace("\u202f", " ") == (
        "Facture n° 42\n\nBonjour Hélène,\nvoici : 12 €\n\n- un\n- deux\n\nArticle | Prix\nStylo | 2 €\n\n"
        "Payer (https://exemple.fr/payer) https://exemple.fr écrire (a@b.fr) non https://img.fr\n----\n\na\nb\n\nLogo"
    )
    assert parsed(mail).get_body(("plain",)).get_content().replace("\r\n", "\n").strip() == mail.text  # type: ignore[union-attr]


def test_build_picture_that_the_html_shows_stands_inside_the_mail() -> None:
    """multipart/mixed around multipart/alternative, whose HTML is multipart/related with its picture."""
    files = (Attachment("Logo été.png", b"\x89PNG"), Attachment("plan.png", b"\x89PNG2"), Attachment("d.pdf", b"%PDF"))
    draft = Draft(
        sender=Address("a@exemple.fr"),
        to=(Address("b@exemple.fr"),),
        subject="x",
        html='<p>Bonjour</p><img src="cid:Logo été.png">',
        attachments=files,
    )
    whole = email.message_from_bytes(build(draft).content, policy=policy.default)
    assert [part.get_content_type() for part in whole.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "image/png", "application/pdf",
    ]  # fmt: skip
    page, picture, *others = [part for part in whole.walk() if not part.is_multipart()][1:]
    assert f'src="cid:{picture["Content-ID"][1:-1]}"' in page.get_content()
    assert (picture.get_content_disposition(), picture.get_content()) == ("inline", b"\x89PNG")
    assert [part.get_filename() for part in others] == ["plan.png", "d.pdf"]
