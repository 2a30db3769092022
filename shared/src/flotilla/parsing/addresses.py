"""E-mail addresses as people paste them: bare, with a name, several in one text.

    Address      one: `jean@exemple.fr` or `Jean Dupont <jean@exemple.fr>`
    Addresses    a list of them; one text may hold several, with commas or semicolons between them
    AddressList  the same as texts, only split and not checked

What RFC 5321 allows is `email_validator`'s to say, which is imported when it is first needed. Whether a domain exists
is the mail server's to say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from email.header import Header
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from flotilla import errors
from flotilla.parsing.text_value import TextValue

LONGEST = 600  # characters of an address and its name
LONGEST_NAME = 200
_ONE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,;"<]|["<])+')  # commas in quotes and brackets do not part
_NAMED = re.compile(r"\s*(?P<name>.*?)\s*<(?P<address>[^<>]*)>\s*", re.DOTALL)
_ENCODED_WORD = re.compile(r"=\?[^?]*\?[bq]\?", re.IGNORECASE)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")  # a display name that needs no quotes in a header
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,."]')  # what makes a display name need quotes where people read it
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # make a name read as another one
_FORMS = "Write jean@exemple.fr or Jean Dupont <jean@exemple.fr>."


class AddressError(errors.InvalidInputError, ValueError):
    """The text is not an e-mail address. A ValueError too, so that pydantic names the argument."""


@dataclass(frozen=True, slots=True)
class Address(TextValue):
    """An e-mail address, its domain as it goes over the wire (punycode), and the name beside it ("" for none)."""

    address: str
    name: str = ""

    @classmethod
    def read(cls, value: Any) -> Address:
        """Return the address that a text writes; raises AddressError, also for several in one text."""
        if isinstance(value, Address):
            return value
        if not isinstance(value, str):
            raise AddressError(f"`{errors.excerpt(value, 80)}` is not an e-mail address.", _FORMS)
        _check_line(value)
        named = _NAMED.fullmatch(value)
        if sum("@" in part for part in split_addresses(value)) > 1:
            raise AddressError(f"`{errors.excerpt(value, 80)}` holds several e-mail addresses.", "Write one.")
        name, address = (named["name"], named["address"].strip()) if named else ("", value.strip())
        if len(name) > 1 and name[0] == name[-1] == '"':
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        elif re.search("[<>]", name):  # a second address
            raise AddressError(f"`{errors.excerpt(value, 80)}` is not a valid e-mail address.", _FORMS)
        name = " ".join(name.split())
        if len(name) > LONGEST_NAME:
            raise AddressError(f"The name of `{errors.excerpt(address, 80)}` is too long.", "Shorten it.")
        return cls(_checked(address, value), name)

    @property
    def domain(self) -> str:
        """The part after the @, in ASCII."""
        return self.address.rpartition("@")[2]

    @property
    def is_ascii(self) -> bool:
        """False when the part before the @ is not ASCII, which only a server with SMTPUTF8 takes (RFC 6531)."""
        return self.address.isascii()

    @property
    def key(self) -> str:
        """The address without capitals: two addresses with one key reach one mailbox."""
        return self.address.casefold()

    def header(self) -> str:
        r"""Return the address as it stands in a mail's header: the name quoted or encoded, folded by \r\n."""
        if not self.name:
            return self.address
        if not self.name.isascii():
            return f"{Header(self.name, 'utf-8').encode(linesep=chr(13) + chr(10))} <{self.address}>"
        if _ATOMS.fullmatch(self.name):
            return f"{self.name} <{self.address}>"
        return f"{_quoted(self.name)} <{self.address}>"

    def __str__(self) -> str:
        """Return the address as people write it; `read` takes it back."""
        if not self.name:
            return self.address
        return f"{_quoted(self.name) if _SPECIAL.search(self.name) else self.name} <{self.address}>"


def _quoted(name: str) -> str:
    escaped = re.sub(r'([\\"])', r"\\\1", name)
    return f'"{escaped}"'


def _check_line(text: str) -> None:
    """Raise AddressError for what cannot stand in one line of a header, or would not be read as it is written."""
    if len(text) > LONGEST:
        raise AddressError(f"`{errors.excerpt(text, 80)}` is too long for an e-mail address.", _FORMS)
    bad = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in _REORDERING), None)
    if bad:
        raise AddressError(
            f"`{errors.excerpt(text, 80)}` holds a line break or a control character (U+{ord(bad):04X}).",
            "Write it as one line of plain text.",
        )
    if _ENCODED_WORD.search(text):
        raise AddressError(
            f"`{errors.excerpt(text, 80)}` holds an encoded word (=?…?=).", "Write the name itself, with its accents."
        )


def _checked(address: str, written: str) -> str:
    """Return an address with its domain in ASCII; raises AddressError."""
    import email_validator

    for intranet in ("local", "test"):  # email_validator's own way to let them pass
        if intranet in email_validator.SPECIAL_USE_DOMAIN_NAMES:
            email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(intranet)
    try:
        result = email_validator.validate_email(
            address, check_deliverability=False, globally_deliverable=False, strict=True
        )
    except email_validator.EmailNotValidError as problem:
        why = errors.excerpt(problem, 160).rstrip(".")
        raise AddressError(f"`{errors.excerpt(written, 80)}` is not a valid e-mail address: {why}.", _FORMS) from None
    if not result.ascii_domain or "." not in result.ascii_domain:
        raise AddressError(
            f"`{errors.excerpt(written, 80)}` is not a valid e-mail address: its domain has no dot.",
            "Write the full address.",
        )
    return f"{result.local_part}@{result.ascii_domain}"


def split_addresses(value: Any) -> Any:
    """Return each address of a text, or of each text of a list, by itself; other values are left to the validator.

    `"Dupont, Jean" <jean@exemple.fr>; marie@exemple.fr` is two.
    """
    if isinstance(value, str):
        return [part.strip() for part in _ONE.findall(value) if part.strip()]
    if isinstance(value, list):
        return [part for item in value for part in (split_addresses(item) if isinstance(item, str) else [item])]
    return value


def _listed(value: Any) -> Any:
    """Return a list of what is to be read: also of a single Address, and of a surname and a first name put together.

    In `Dupont, Jean <jean@exemple.fr>` the comma parts nothing: `Dupont` alone is not an address.
    """
    if isinstance(value, Address):
        return [value]
    parts = split_addresses(value)
    if not isinstance(parts, list):
        return value
    joined: list[Any] = []
    for part in parts:
        before = joined[-1] if joined else None
        if isinstance(before, str) and "@" not in before and isinstance(part, str) and _NAMED.fullmatch(part):
            joined[-1] = f"{before}, {part}"
        else:
            joined.append(part)
    return joined


def unique_addresses(addresses: Iterable[Address]) -> list[Address]:
    """Return each address once, capitals aside, the first spelling of it."""
    result: dict[str, Address] = {}
    for address in addresses:
        result.setdefault(address.key, address)
    return list(result.values())


def read_addresses(value: Any) -> list[Address]:
    """Return the addresses of a text or a list, each once; raises AddressError for one that is not valid."""
    parts = _listed(value)
    return unique_addresses(map(Address.read, parts if isinstance(parts, list) else [parts]))


Addresses = Annotated[list[Address], BeforeValidator(_listed), AfterValidator(unique_addresses)]
"""Addresses, each once; a text may hold several, with commas or semicolons between them."""
AddressList = Annotated[list[str], BeforeValidator(split_addresses)]
"""Addresses as texts, each `jean@exemple.fr` or `Jean Dupont <jean@exemple.fr>`: split, not checked."""
