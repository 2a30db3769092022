"""Columns that are computed from others of their row: [Quantity]*[Price], with + - * / and parentheses.

The value is computed here, so that every kind of file shows it; a workbook gets the formula beside it. Anything that
is not arithmetic is refused: a formula could call programs and addresses.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any

from flotilla import errors

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_REFERENCE = re.compile(r"\[([^\[\]]+)\]")
_MOST = 500  # characters


@dataclass(frozen=True)
class Formula:
    """`text` is the formula with {0}, {1} … for the cells of the columns `places`; `places` count from 0."""

    text: str
    places: tuple[int, ...]
    tree: ast.expr
    digits: int | None  # that the value is rounded to

    def value(self, row: Sequence[Any]) -> Decimal | None:
        """Return the value for a row, an empty cell being 0; None where a cell is not a number or a divisor is 0."""
        cells = [row[place] if row[place] not in (None, "") else 0 for place in self.places]
        if any(isinstance(cell, bool) or not isinstance(cell, int | Decimal) for cell in cells):
            return None
        try:
            result = _computed(self.tree, [Decimal(cell) for cell in cells])
            return round(result, 6 if self.digits is None else self.digits)
        except (DecimalException, ZeroDivisionError):
            return None

    def excel(self, row: int, letter: Callable[[int], str]) -> str:
        """Return the formula of a row, counted from 1, as Excel writes it."""
        text = self.text.format(*(f"{letter(place)}{row}" for place in self.places))
        return f"=ROUND({text},{self.digits})" if self.digits is not None else f"={text}"


def formula(text: str, names: Sequence[str], digits: int | None) -> Formula:
    """Return a formula from what a caller wrote; raises errors.InvalidInputError."""
    places: list[int] = []

    def place(match: re.Match[str]) -> str:
        wanted = match[1].strip().casefold()
        at = next((n for n, name in enumerate(names) if name.strip().casefold() == wanted), None)
        if at is None:
            raise errors.InvalidInputError(
                f"The formula `{errors.excerpt(text, 80)}` names a column that is not there: {match[1]}.",
                f"Columns: {errors.excerpt(', '.join(names), 200)}.",
            )
        places.append(at)
        return f"c{len(places) - 1}"

    body = text.strip().removeprefix("=")
    wrong = errors.InvalidInputError(
        f"`{errors.excerpt(text, 80)}` is not a formula that can be computed.",
        "Use columns in brackets, numbers, + - * / and parentheses: =[Quantity]*[Price].",
    )
    code = _REFERENCE.sub(place, body)
    if len(code) > _MOST or not re.fullmatch(r"[0-9c.+\-*/() ]+", code) or "**" in code or "//" in code:
        raise wrong
    try:
        tree = ast.parse(code.strip(), mode="eval").body
        _computed(tree, [Decimal(1)] * len(places))
    except (SyntaxError, KeyError, TypeError, ValueError, RecursionError):
        raise wrong from None
    except (DecimalException, ZeroDivisionError):
        pass  # the numbers of this trial, not the formula
    return Formula(re.sub(r"c(\d+)", r"{\1}", code.strip()), tuple(places), tree, digits)


def _computed(tree: ast.expr, cells: Sequence[Decimal]) -> Decimal:
    match tree:
        case ast.BinOp(left, sign, right):
            result: Decimal = _OPERATORS[type(sign)](_computed(left, cells), _computed(right, cells))
            return result
        case ast.UnaryOp(ast.USub(), operand):
            return -_computed(operand, cells)
        case ast.Constant(int() | float() as number):
            return Decimal(str(number))
        case ast.Name(name):
            return cells[int(name[1:])]
        case _:
            raise ValueError
