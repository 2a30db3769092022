"""E-mail addresses as they are pasted: checked, named, in lists."""

from __future__ import annotations

import email
import re
from contextlib import suppress
from email import policy
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import BaseModel, Field

from flotilla import errors
from flotilla.parsing import Address, AddressError, Addresses, read_addresses
from flotilla_testing import call, text_of
from flotilla_testing.client import tools_of
from flotilla_testing.scratch import ScratchServer

# Text as an attacker writes it: line ends, other separators, encoded words, quotes, and anything else.
NASTY = some.lists(
    some.sampled_from(
        ["\r\n", "\n", "\0", "\x85", "\u2028", "\u202e", "Bcc: a@b.fr", "=?utf-8?q?=0d=0aBcc:_a=40b.fr?=", "=?", "?=",
         '"', "\\", "<", ">", ",", ";", ":", "@", " ", "é", "€", "\udc80", "x" * 80, "😀", "(", ")"]
    )
    | some.text(max_size=20),
    max_size=8,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "address", "name"),
    [
        ("jean@exemple.fr", "jean@exemple.fr", ""),
        (" jean@exemple.fr ", "jean@exemple.fr", ""),
        ("<jean@exemple.fr>", "jean@exemple.fr", ""),
        ("Jean Dupont <jean@exemple.fr>", "jean@exemple.fr", "Jean Dupont"),
        ("Hélène  Müller< helene@exemple.fr >", "helene@exemple.fr", "Hélène Müller"),
        ('"Dupont, Jean" <jean@exemple.fr>', "jean@exemple.fr", "Dupont, Jean"),
        ("Dupont, Jean <jean@exemple.fr>", "jean@exemple.fr", "Dupont, Jean"),
        ('"Jean \\"JD\\" Dupont" <jean@exemple.fr>', "jean@exemple.fr", 'Jean "JD" Dupont'),
        ("jean.dupont+devis@exemple.fr", "jean.dupont+devis@exemple.fr", ""),
        ("info@société.fr", "info@xn--socit-esab.fr", ""),
        ("info@xn--socit-esab.fr", "info@xn--socit-esab.fr", ""),
        ("o'brien+factures@exemple.fr", "o'brien+factures@exemple.fr", ""),
        ("Jean.Dupont@EXEMPLE.FR", "Jean.Dupont@exemple.fr", ""),
        ("hélène@exemple.fr", "hélène@exemple.fr", ""),
        ("jean@serveur.local", "jean@serveur.local", ""),
        ("jean@agence.example", "jean@agence.example", ""),
    ],
)
def test_address_read(text: str, address: str, name: str) -> None:
    result = Address.read(text)
    assert (result.address, result.name) == (address, name)
    assert Address.read(str(result)) == result
    assert result.is_ascii == address.isascii()


@pytest.mark.parametrize(
    "text",
    [
        "", "jean", "jean@", "@exemple.fr", "jean@exemple", "jean@@exemple.fr", "jean@exemple..fr", "jean dupont@x.fr",
        "jean@exemple.fr>", "Jean <jean>", "jean@exemple.fr <", '"jean dupont"@exemple.fr', "jean@[192.0.2.1]",
        "jean@-exemple.fr", f"{'x' * 65}@exemple.fr", "mailto:jean@exemple.fr?subject=x", "Jean <a@x.fr> <b@x.fr>",
        "jean@xn--a.fr", "<jean@exemple.fr", "j\u200bean@exemple.fr",
    ],
)  # fmt: skip
def test_address_read_not_valid(text: str) -> None:
    with pytest.raises(AddressError, match="is not a valid e-mail address"):
        Address.read(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jean@exemple.fr\r\nBcc: a@b.fr", r"holds a line break or a control character \(U\+000D\)"),
        ("jean@exemple.fr\n", "line break"),
        ("Jean\x00 <jean@exemple.fr>", r"U\+0000"),
        ("Jean\u2028 <jean@exemple.fr>", r"U\+2028"),
        ("rf.elpmexe@\u202enaej <jean@exemple.fr>", r"U\+202E"),
        ("=?utf-8?q?=0d=0aBcc:_a=40b.fr?= <jean@exemple.fr>", "encoded word"),
        (f"{'x' * 201} <jean@exemple.fr>", "name of `jean@exemple.fr` is too long"),
        ("x" * 700, "too long for an e-mail address"),
        ("jean@exemple.fr, marie@exemple.fr", "holds several e-mail addresses"),
        ("marie@exemple.fr, Jean <jean@exemple.fr>", "holds several e-mail addresses"),
        (None, "is not an e-mail address"),
    ],
)
def test_address_read_refused(text: Any, message: str) -> None:
    with pytest.raises(errors.InvalidInputError, match=message):
        Address.read(text)


def test_address_domain_and_key() -> None:
    result = Address.read("Jean <Jean@Société.FR>")
    assert (result.domain, result.key) == ("xn--socit-esab.fr", "jean@xn--socit-esab.fr")
    assert Address.read(result) is result


@pytest.mark.parametrize(
    ("address", "header"),
    [
        (Address("jean@exemple.fr"), "jean@exemple.fr"),
        (Address("jean@exemple.fr", "Jean Dupont"), "Jean Dupont <jean@exemple.fr>"),
        (Address("jean@exemple.fr", "Dupont, Jean"), '"Dupont, Jean" <jean@exemple.fr>'),
        (Address("jean@exemple.fr", 'J "D" \\'), '"J \\"D\\" \\\\" <jean@exemple.fr>'),
        (Address("helene@exemple.fr", "Hélène"), "=?utf-8?b?SMOpbMOobmU=?= <helene@exemple.fr>"),
    ],
)
def test_address_header(address: Address, header: str) -> None:
    assert address.header() == header


@settings(max_examples=300, deadline=None)
@given(NASTY)
def test_address_header_cannot_be_forged(name: str) -> None:
    """A name is refused, or arrives in one header as it was."""
    try:
        result = Address.read(f"{name} <jean@exemple.fr>")
    except AddressError:
        return
    assert Address.read(str(result)) == result
    mail = email.message_from_bytes(f"To: {result.header()}\r\n\r\n".encode(), policy=policy.default)
    assert mail.keys() == ["To"]
    (there,) = mail["To"].addresses
    assert there.addr_spec == "jean@exemple.fr"
    # Python's parser keeps the blank between two encoded words of a name, which RFC 2047 §6.2 says to drop.
    assert there.display_name.replace(" ", "") == result.name.replace(" ", "")


@settings(max_examples=300, deadline=None)
@given(NASTY)
def test_address_read_never_fails_otherwise(text: str) -> None:
    for written in (text, f"a@{text}", f"{text}@exemple.fr", f"<{text}>"):
        with suppress(AddressError):
            result = Address.read(written)
            assert not re.search(r"[\s<>\x00-\x1f,]", result.address)
            assert result.address.count("@") == 1


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("a@x.fr, b@x.fr; c@x.fr", ["a@x.fr", "b@x.fr", "c@x.fr"]),
        (["a@x.fr, b@x.fr", "c@x.fr"], ["a@x.fr", "b@x.fr", "c@x.fr"]),
        ("a@x.fr, A@X.fr", ["a@x.fr"]),
        ('"Dupont, Jean" <j@x.fr>; m@x.fr', ['"Dupont, Jean" <j@x.fr>', "m@x.fr"]),
        ("m@x.fr, Dupont, Jean <j@x.fr>", ["m@x.fr", '"Dupont, Jean" <j@x.fr>']),
        (Address("a@x.fr"), ["a@x.fr"]),
        ([Address("a@x.fr"), "b@x.fr"], ["a@x.fr", "b@x.fr"]),
        (" , ;", []),
        ([], []),
    ],
)
def test_read_addresses(value: Any, addresses: list[str]) -> None:
    assert [str(result) for result in read_addresses(value)] == addresses


@pytest.mark.parametrize("value", ["a@x.fr, Dupont", "Dupont, b@x.fr", ["a@x.fr", 1], 1, None, {"a": 1}])
def test_read_addresses_refused(value: Any) -> None:
    with pytest.raises(AddressError):
        read_addresses(value)


class Sent(BaseModel):
    to: list[str]


server: ScratchServer = ScratchServer("post", title="Post", description="Sends.", category="productivity", hosts=[])


@server.reads
async def get_recipients(
    to: Annotated[Addresses, Field(description="Who gets it")],
    cc: Addresses | None = None,
    sender: Address | None = None,
) -> Sent:
    """Send."""
    return Sent(to=[str(one) for one in [*to, *(cc or []), *([sender] if sender else [])]])


async def test_types_of_arguments() -> None:
    (tool,) = await tools_of(server)
    schema = tool["inputSchema"]["properties"]
    assert schema["to"] == {"type": "array", "items": {"type": "string"}, "description": "Who gets it"}
    assert "anyOf" not in str(schema)
    assert schema["sender"]["type"] == "string"
    done = await call(server, "post_get_recipients", to="a@x.fr; B <b@x.fr>", cc=["c@x.fr,d@x.fr"], sender="e@x.fr")
    assert done.structured_content == {"to": ["a@x.fr", "B <b@x.fr>", "c@x.fr", "d@x.fr", "e@x.fr"]}
    refused = text_of(await call(server, "post_get_recipients", to=["a@x.fr", "jean"]))
    assert refused.startswith("Error: Argument `to.1` does not fit: `jean` is not a valid e-mail address: ")
