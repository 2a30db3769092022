"""One reader of numbers and money, which refuses what can be read in two ways."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import BaseModel, Field

from flotilla import Amount, Money, Number, Percent, errors
from flotilla.parsing.money import AmbiguousNumberError, MoneyValue, NumberError, read_money, read_number
from flotilla_testing import ScratchServer, call, text_of
from flotilla_testing.amounts import NUMBERS, READ, TWO_WAYS
from flotilla_testing.client import tools_of


@pytest.mark.parametrize(("text", "amount"), READ.items())
def test_read_money_amounts(text: str, amount: Decimal) -> None:
    assert read_money(text).amount == amount


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1 250 dollars", "1250", "USD"),
        ("$1,250.50", "1250.50", "USD"),
        ("US$ 12", "12", "USD"),
        ("chf 12", "12", "CHF"),
        ("12 zł", "12", "PLN"),
        ("-12,50 €", "-12.50", "EUR"),
        ("\u221212,50 €", "-12.50", "EUR"),
        ("-€12.50", "-12.50", "EUR"),
        ("€-12.50", "-12.50", "EUR"),
        ("- 5", "-5", None),
        ("+5", "5", None),
        ("(12,50)", "-12.50", None),
        ("(12,50) €", "-12.50", "EUR"),
        ("(12,50 €)", "-12.50", "EUR"),
        ("€(12.50)", "-12.50", "EUR"),
        ("1'234.50", "1234.50", None),
        ("1’234,50", "1234.50", None),
        ("1 234,567", "1234.567", None),
        ("1234,567", "1234.567", None),
        ("0,125", "0.125", None),
        ("1.234.567", "1234567", None),
        ("1,234,567.8", "1234567.8", None),
        ("1,5", "1.5", None),
        (".5", "0.5", None),
        ("1e3", "1000", None),
    ],
)
def test_read_money_signs_and_currencies(text: str, amount: str, currency: str | None) -> None:
    assert read_money(text) == MoneyValue(Decimal(amount), currency)


@pytest.mark.parametrize(("text", "readings"), TWO_WAYS.items())
def test_read_money_ambiguous(text: str, readings: str) -> None:
    with pytest.raises(AmbiguousNumberError, match="can be read in two ways") as message:
        read_money(text)
    assert readings.split(" or ")[0] in str(message.value)
    for option in message.value.hint.removeprefix("Write ").removesuffix(", whichever is meant.").split(" or "):
        read_money(option)  # what is proposed is read


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "abc", "€", "12 € EUR", "12k€", "12 € HT", "12 XYZ", "1.2.3", "1,2.5", "12 34", "--5", "(-5)", "(5",
        "5)", "-", "٣", "NaN", "Infinity", "1e9999", "12.", "5 %", "1 234 €/h", "=1+1", "0x10", "9" * 101, "12\n3",
        "€12 €",
    ],
)  # fmt: skip
def test_read_money_no_number(text: str) -> None:
    with pytest.raises(NumberError, match="is not a number"):
        read_money(text)


@pytest.mark.parametrize("value", [True, None, [], {}, float("nan"), float("inf")])
def test_read_money_other_json_values_refused(value: Any) -> None:
    with pytest.raises(errors.InvalidInputError, match="is not a number"):
        read_money(value)


@pytest.mark.parametrize("value", NUMBERS)
def test_read_money_json_numbers(value: float) -> None:
    assert read_money(value) == MoneyValue(Decimal(str(value)))


def test_read_number_percent_currency_and_hint() -> None:
    assert read_number("5,5 %", percent=True) == Decimal("5.5")
    assert read_number("1,234", decimal=",") == Decimal("1.234")
    assert read_number("1.234", decimal=".") == Decimal("1.234")
    for text, hint in (("5 %", ""), ("5 €", ""), ("1.234", ","), ("1,234", ".")):
        with pytest.raises(NumberError):
            read_number(text, decimal=hint)


@given(some.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=2))
def test_read_money_french_and_english(value: Decimal) -> None:
    english = f"{value:,.2f}"
    french = english.replace(",", "\u202f").replace(".", ",")
    assert read_money(english).amount == read_money(french).amount == value
    assert read_money(f"{french} €") == MoneyValue(value, "EUR")


@given(some.text(max_size=20) | some.text("0123456789.,'() -+€$eE%", max_size=12))
def test_read_money_never_fails_otherwise(text: str) -> None:
    with suppress(NumberError):
        read_money(text)


class Line(BaseModel):
    price: Amount | None = None
    quantity: Number = Decimal(1)


class Sum(BaseModel):
    total: str


server: ScratchServer = ScratchServer("till", title="Till", description="Adds up.", category="productivity", hosts=[])


@server.reads
async def add_up(
    total: Annotated[Money, Field(description="The amount that was paid", examples=["12.50 EUR"])],
    rate: Annotated[Percent | None, Field(description="The rate in percent")] = None,
    lines: list[Line] | None = None,
) -> Sum:
    """Add up."""
    return Sum(total=f"{total.amount} {total.currency} {rate} {[f'{one.quantity}*{one.price}' for one in lines or []]}")


async def test_money_argument_types() -> None:
    (tool,) = await tools_of(server)
    schema = tool["inputSchema"]["properties"]
    assert schema["total"] == {
        "type": "string", "description": "The amount that was paid", "examples": ["12.50 EUR"]
    }  # fmt: skip
    assert schema["rate"]["type"] == "string"
    assert schema["lines"]["items"]["properties"]["price"] == {"type": "string"}
    assert "anyOf" not in str(schema)
    given = {"total": "1 250,50 €", "rate": "5,5 %", "lines": [{"price": 1.125, "quantity": "1,5"}]}
    assert (await call(server, "till_add_up", **given)).structured_content == {"total": "1250.50 EUR 5.5 ['1.5*1.125']"}
    refused = text_of(await call(server, "till_add_up", total="12.500"))
    assert refused == (
        "Error: Argument `total` does not fit: `12.500` can be read in two ways. "
        "Write 12500 or 12.50, whichever is meant. Correct it and call again."
    )
    inner = text_of(await call(server, "till_add_up", total="1", lines=[{"price": "1,234"}]))
    assert inner.startswith("Error: Argument `lines.0.price` does not fit: `1,234` can be read in two ways.")
