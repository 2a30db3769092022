"""What a cell may hold: types that are kept, texts that are read only where a column says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flotilla import errors
from flotilla_servers.export.cells import Column, column, number, plain, read
from flotilla_testing.amounts import NUMBERS, READ, TWO_WAYS

PARIS = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234.5", "1234.5"),
        ("-5", "-5"),
        ("\u22125", "-5"),
        ("1 234,50", "1234.50"),
        ("1\u202f234\u202f567,89", "1234567.89"),
        ("1\u00a0234", "1234"),
        ("1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("1'234.50", "1234.50"),
        ("12,5", "12.5"),
        ("1e3", "1E+3"),
        (".5", "0.5"),
    ],
)
def test_number_accepted_notations(text: str, value: str) -> None:
    assert number(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "1,234", "1.234", "12.500", "12 34", "abc", "1.2.3", "=1+1", "1e9999999", "9" * 400, "0x10", "١٢", "-"]
)
def test_number_refused_or_ambiguous(text: str) -> None:
    """What is not a number, or may be two."""
    assert number(text) is None


def test_number_decimal_sign_given_by_the_file() -> None:
    """A semicolon-separated file settles what a comma means."""
    assert number("1,234") is None
    assert number("1,234", ",") == Decimal("1.234")
    assert number("1.234", ",") is None
    assert number("1.234", ".") == Decimal("1.234")
    assert number("1,234", ".") is None


@pytest.mark.parametrize(
    ("kind", "value", "want", "fits"),
    [
        ("", "2026-03-01", "2026-03-01", True),  # text stays text unless its column says else
        ("", "007", "007", True),
        ("", 0.1, Decimal("0.1"), True),
        ("", float("nan"), None, True),
        ("", {"a": [1]}, '{"a":[1]}', True),
        ("text", 12.5, "12.5", True),
        ("text", True, "true", True),
        ("integer", "12.0", 12, True),
        ("integer", "1 234", 1234, True),
        ("integer", 12.5, Decimal("12.5"), False),
        ("integer", "12.5", "12.5", False),
        ("integer", True, True, False),
        ("decimal", "", None, True),
        ("decimal", "abc", "abc", False),
        ("money EUR", "1 234,50 €", Decimal("1234.50"), True),
        ("money eur", "12.00 EUR", Decimal("12.00"), True),
        ("money EUR", "$12", "$12", False),
        ("money EUR", "12.500 €", "12.500 €", False),
        ("money EUR", "12.500", "12.500", False),
        ("money EUR", "-12,50 €", Decimal("-12.50"), True),
        ("money EUR", "(12,50)", Decimal("-12.50"), True),
        ("money EUR", "12 euros", Decimal(12), True),
        ("money", "12 €", "12 €", False),  # a column without a currency would lose it
        ("integer", "12.000", "12.000", False),
        ("money", "12", Decimal(12), True),
        ("date", "2026-02-28", date(2026, 2, 28), True),
        ("date", "2026-02-31", "2026-02-31", False),
        ("date", "31/12/2026", "31/12/2026", False),  # or is it the 12th of a 31st month: it must be said
        ("date dd/mm/yyyy", "31/12/2026", date(2026, 12, 31), True),
        ("date mm/dd/yyyy", "12/31/2026", date(2026, 12, 31), True),
        ("date mm/dd/yyyy", "31/12/2026", "31/12/2026", False),
        ("date", "2026-03-01T00:00:00", date(2026, 3, 1), True),
        ("date", "2026-03-01T08:00:00", "2026-03-01T08:00:00", False),  # the hour must not get lost
        ("datetime", "2026-03-01T09:30:00+01:00", datetime(2026, 3, 1, 9, 30, tzinfo=PARIS), True),
        ("datetime", "2026-03-01 09:30Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC), True),
        ("datetime", "2026-03-01", date(2026, 3, 1), True),
        ("datetime", "yesterday", "yesterday", False),
        ("boolean", "oui", True, True),
        ("boolean", 0, False, True),
        ("boolean", "peut-être", "peut-être", False),
    ],
)
def test_cell_types(kind: str, value: Any, want: Any, fits: bool) -> None:
    got = read(value, column("C", kind))
    assert got == (want, fits)
    assert type(got[0]) is type(want)


def test_money_read_as_in_every_server() -> None:
    """One table for all servers; what has two readings stays text."""
    for text, amount in READ.items():
        assert read(text, column("C", "money EUR")) == (amount, True), text
    for text in TWO_WAYS:
        assert read(text, column("C", "money EUR")) == (text, False)
        assert read(text, column("C", "decimal")) == (text, False)
    for value in NUMBERS:
        assert read(value, column("C", "money EUR")) == (Decimal(str(value)), True)


@pytest.mark.parametrize("kind", ["dollars", "money EURO", "date yyyy", "text 5", "integer EUR"])
def test_column_type_unknown_lists_types(kind: str) -> None:
    with pytest.raises(errors.InvalidInputError, match=r"is not a valid column type\. Types: auto, text, integer"):
        column("C", kind)


@given(
    some.one_of(
        some.none(), some.text(), some.booleans(), some.integers(), some.floats(), some.dates(), some.datetimes()
    ),
    some.sampled_from(
        ["", "text", "integer", "decimal", "money EUR", "date", "date dd/mm/yyyy", "datetime", "boolean"]
    ),
    some.sampled_from(["", ",", "."]),
)
def test_read_keeps_what_does_not_fit(value: Any, kind: str, decimal: str) -> None:
    """What does not fit its type stays as it was, and nothing fails."""
    got, fits = read(value, column("C", kind), decimal)
    plain(got)
    if not fits and isinstance(value, str):
        assert got == value


@given(some.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4))
def test_decimal_round_trip(value: Decimal) -> None:
    assert Decimal(plain(read(plain(value), Column("C", "decimal"))[0])) == value
