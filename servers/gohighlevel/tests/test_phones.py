"""What people write for a phone number, and what is none."""

import pytest

from flotilla import errors
from flotilla_servers.gohighlevel.phones import PLANS, e164, looks_like_one


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06.12.34.56.78", "FR", "+33612345678"),
        ("+33 6 12 34 56 78", "FR", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "DE", "+33612345678"),
        ("+33 06 12 34 56 78", "FR", "+33612345678"),
        ("0033 6 12 34 56 78", "FR", "+33612345678"),
        ("(04) 78 00 00 00", "FR", "+33478000000"),
        ("06\u202f12\u00a034\u202f56\u202f78", "FR", "+33612345678"),
        ("612345678", "FR", "+33612345678"),
        ("0470 12 34 56", "BE", "+32470123456"),
        ("079 123 45 67", "CH", "+41791234567"),
        ("07400 123456", "GB", "+447400123456"),
        ("06 6982", "IT", "+39066982"),
        ("612 34 56 78", "ES", "+34612345678"),
        ("(514) 555-0123", "CA", "+15145550123"),
        ("1-514-555-0123", "US", "+15145550123"),
        ("011 33 6 12 34 56 78", "US", "+33612345678"),
        ("06 20 123 4567", "HU", "+36201234567"),
        ("+687 26 12 34", "FR", "+687261234"),
    ],
)
def test_numbers(text: str, country: str, number: str) -> None:
    assert e164(text, country) == number
    assert e164(number, "FR") == number
    assert looks_like_one(text)


@pytest.mark.parametrize(
    "text",
    ["", "06 12 34", "06 12 34 56 78 9", "+33 6 12 34", "demain", "06 12 34 56 7x", "+", "+0612345678", "+999",
     "+1" * 9, "06;DROP", "\n", "1" * 40, "٠٦١٢"],
)  # fmt: skip
def test_no_numbers(text: str) -> None:
    with pytest.raises(errors.InvalidInputError):
        e164(text, "FR")


def test_a_country_that_is_not_known_needs_the_code() -> None:
    with pytest.raises(errors.InvalidInputError, match="has no country code"):
        e164("26 12 34", "NC")
    assert e164("+687 26 12 34", "NC") == "+687261234"


def test_no_calling_code_begins_with_another_one() -> None:
    codes = {plan.code for plan in PLANS.values()}
    assert not [(a, b) for a in codes for b in codes if a != b and b.startswith(a)]


@pytest.mark.parametrize("text", ["Jean Dupont", "jean@exemple.fr", "Dupont 2030", "12", ""])
def test_what_is_searched_as_words(text: str) -> None:
    assert not looks_like_one(text)
