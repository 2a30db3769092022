"""Phone numbers as people write them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import BaseModel, Field, TypeAdapter

from flotilla import errors
from flotilla.parsing import Phone, PhoneError, looks_like_phone
from flotilla_testing import call, text_of
from flotilla_testing.client import tools_of
from flotilla_testing.scratch import ScratchServer


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06.12.34.56.78", "FR", "+33612345678"),
        ("06-12-34-56-78", "FR", "+33612345678"),
        ("06/12/34/56/78", "fr", "+33612345678"),
        ("+33 6 12 34 56 78", "FR", "+33612345678"),
        ("tel:+33-6-12-34-56-78", "FR", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "DE", "+33612345678"),
        ("+33 (0)6 12-34.56 78", "FR", "+33612345678"),
        ("+33 06 12 34 56 78", "FR", "+33612345678"),
        ("0033 6 12 34 56 78", "FR", "+33612345678"),
        ("0033 (0)6 12 34 56 78", "FR", "+33612345678"),
        ("0033 6 12 34 56 78", "US", "+33612345678"),  # 011 is dialled there, but many write 00
        ("(04) 78 00 00 00", "FR", "+33478000000"),
        ("06\u202f12\u00a034\u202f56\u201178", "FR", "+33612345678"),
        ("612345678", "FR", "+33612345678"),
        ("06 39 98 12 34", "FR", "+33639981234"),  # kept free for films: a number all the same
        ("0470 12 34 56", "BE", "+32470123456"),
        ("079 123 45 67", "CH", "+41791234567"),
        ("07400 123456", "GB", "+447400123456"),
        ("06 6982", "IT", "+39066982"),
        ("612 34 56 78", "ES", "+34612345678"),
        ("(514) 555-0123", "CA", "+15145550123"),
        ("1-514-555-0123", "US", "+15145550123"),
        ("011 33 6 12 34 56 78", "US", "+33612345678"),
        ("06 20 123 4567", "HU", "+36201234567"),
        ("26 12 34", "NC", "+687261234"),
        ("+687 26 12 34", "XX", "+687261234"),
    ],
)
def test_phone_e164(text: str, region: str, number: str) -> None:
    assert looks_like_phone(text)
    assert Phone.read(text).e164(region) == number
    assert Phone.read(number).e164("FR") == number


@pytest.mark.parametrize(
    "text",
    ["", "06 12", "demain", "06 12 34 56 7x", "+", "+1" * 9, "06;DROP TABLE", "\n", "1" * 41, "٠٦١٢٣٤٥٦٧٨",
     "06 12 34 56 78 poste 12", "Jean Dupont", "jean@exemple.fr", "Dupont 2030"],
)  # fmt: skip
def test_phone_read_no_number(text: str) -> None:
    assert not looks_like_phone(text)
    with pytest.raises(PhoneError, match="is not a phone number. Write its digits"):  # noqa: RUF043
        Phone.read(text)


@pytest.mark.parametrize(
    ("text", "region", "message"),
    [
        ("06 12 34", "FR", r"numbers of \+33 have more digits\. Write it like \+33 1 23 45 67 89"),
        ("06 12 34 56 78 9", "FR", r"numbers of \+33 have fewer digits"),
        ("+33 6 12 34", "FR", r"numbers of \+33 have more digits"),
        ("+0612345678", "FR", "does not begin with the calling code of a country"),
        ("+999 123 456", "FR", "does not begin with the calling code of a country"),
        ("555-0123", "US", r"the area code is missing\. Write it like \+1 "),
        ("26 12 34", "XX", "has no calling code, and `XX` is not a known country"),
        ("06 12 34 56 78", "France", "`FRANCE` is not a known country"),
    ],
)
def test_phone_e164_no_number_there(text: str, region: str, message: str) -> None:
    for method in ("e164", "international", "spellings"):
        with pytest.raises(errors.InvalidInputError, match=message):
            getattr(Phone.read(text), method)(region)


@pytest.mark.parametrize("value", [None, True, 612345678.5, [], {}])
def test_phone_read_no_text(value: Any) -> None:
    with pytest.raises(PhoneError):
        Phone.read(value)


def test_phone_read_json_number() -> None:
    assert Phone.read(612345678).e164("FR") == "+33612345678"
    assert Phone.read(Phone("0612345678")) == Phone("0612345678")


def test_phone_international() -> None:
    assert Phone.read("0612345678").international("FR") == "+33 6 12 34 56 78"
    assert str(Phone.read(" 06 12 34 56 78 ")) == "06 12 34 56 78"


@pytest.mark.parametrize(
    "text", ["+33 6 12 34 56 78", "06 12 34 56 78", "0612345678", "06.12.34.56.78", "0033612345678"]
)
def test_phone_spellings(text: str) -> None:
    """Whichever way the number is written, the usual ways to store it are among its spellings."""
    result = Phone.read(text).spellings("FR")
    assert result[0] == "+33612345678"
    assert text in result
    assert {"0612345678", "06 12 34 56 78", "06.12.34.56.78", "06-12-34-56-78", "+33 6 12 34 56 78"} <= set(result)
    assert "0033612345678" in result
    assert len(result) == len(set(result)) <= 10


def test_phone_spellings_north_america() -> None:
    result = Phone.read("+15145550123").spellings("FR")
    assert {"(514) 555-0123", "514-555-0123", "5145550123", "+1 514-555-0123", "+1 514 555 0123"} <= set(result)


@given(some.text("0123456789+() -./", max_size=24), some.sampled_from(["FR", "US", "IT", "NC", "XX"]))
def test_phone_never_fails_otherwise(text: str, region: str) -> None:
    with suppress(PhoneError):
        number = Phone.read(text).e164(region)
        assert number.startswith("+")
        assert Phone.read(number).e164(region) == number


def test_import_does_not_load_the_tables() -> None:
    """The numbering plans and the address rules are loaded when they are first needed."""
    program = "import sys, flotilla.parsing; print(*({'phonenumbers', 'email_validator'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


class Saved(BaseModel):
    phone: str


server: ScratchServer = ScratchServer(
    "book", title="Book", description="Keeps numbers.", category="productivity", hosts=[]
)


@server.reads
async def get_number(phone: Annotated[Phone, Field(description="The number to look up")]) -> Saved:
    """Look up."""
    return Saved(phone=phone.e164("FR"))


async def test_types_of_arguments() -> None:
    (tool,) = await tools_of(server)
    assert tool["inputSchema"]["properties"]["phone"] == {"type": "string", "description": "The number to look up"}
    done = await call(server, "book_get_number", phone="06 12 34 56 78")
    assert done.structured_content == {"phone": "+33612345678"}
    assert text_of(await call(server, "book_get_number", phone="demain")) == (
        "Error: Argument `phone` does not fit: `demain` is not a phone number. Write its digits, best with the "
        "calling code: +33 6 12 34 56 78. Correct it and call again."
    )
    assert text_of(await call(server, "book_get_number", phone="06 12 34")) == (
        "Error: `06 12 34` is not a phone number: numbers of +33 have more digits. Write it like +33 1 23 45 67 89."
    )


def test_phone_serializes_as_text() -> None:
    assert TypeAdapter(Phone).dump_python(Phone("0612345678"), mode="json") == "0612345678"


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("+33612345678", True),
        ("06 12 34 56 78", True),
        ("06.12.34.56.78", True),
        ("+33 (0)6 12 34 56 78", True),
        ("0033 6 12 34 56 78", True),
        ("33612345678", True),
        (33612345678, True),
        ("06 12 34 56 79", False),
        ("12345678", False),
        ("", False),
        (None, False),
        ("rappeler demain", False),
        ({"value": "0612345678"}, False),
    ],
)
def test_phone_matches_however_it_is_written(written: Any, same: bool) -> None:
    assert Phone.read("06 12 34 56 78").matches(written, "FR") is same
    assert Phone.read("+33612345678").matches(written, "FR") is same
