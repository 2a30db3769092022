"""The part of COQL that a fake Zoho understands, as strictly as its pages describe it: conditions in pairs, quotation
marks doubled, known columns, a WHERE. https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
Test = Callable[[Row], bool]
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|!=|<=|>=|[=<>(),]|-?\d+(?:\.\d+)?(?![\w])|[\w$.>-]+)")


class CoqlError(Exception):
    """What Zoho refuses: a code, and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Query:
    """One query that was read: columns, module, the test of a row, order and window."""

    def __init__(self, text: str) -> None:
        self._tokens = self._split(text)
        self._columns_used: list[str] = []
        self._expect("select")
        self.columns = [self._take()]
        while self._peek() == ",":
            self._take()
            self.columns.append(self._take())
        self._expect("from")
        self.module = self._take()
        self._expect("where")
        self.test = self._pair()
        self.order: tuple[str, bool] | None = None
        if self._peek() == "order":
            self._take()
            self._expect("by")
            self.order = (self._take(), self._take() == "desc")
        self._expect("limit")
        self.offset = int(self._take())
        self._expect(",")
        self.limit = int(self._take())
        if self._tokens or self.limit > 2_000 or len(self.columns) > 50 or len(self._columns_used) > 25:
            raise CoqlError("SYNTAX_ERROR", "error occurred while parsing the query")

    @property
    def used(self) -> set[str]:
        """Every column that the query names."""
        return {*self.columns, *self._columns_used, *([self.order[0]] if self.order else [])}

    @staticmethod
    def _split(text: str) -> list[str]:
        tokens, at = [], 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if not match:
                raise CoqlError("SYNTAX_ERROR", f"unable to parse near {text[at : at + 20]}")
            tokens.append(match[1])
            at = match.end()
        return tokens

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _take(self) -> str:
        if not self._tokens:
            raise CoqlError("SYNTAX_ERROR", "the query is not complete")
        return self._tokens.pop(0)

    def _expect(self, word: str) -> None:
        if self._take() != word:
            raise CoqlError("SYNTAX_ERROR", f"missing clause: {word}")

    def _pair(self) -> Test:
        """Read one condition or two: more of them must stand in pairs."""
        first = self._operand()
        if self._peek() not in ("and", "or"):
            return first
        word, second = self._take(), self._operand()
        if word == "and":
            return lambda row: first(row) and second(row)
        return lambda row: first(row) or second(row)

    def _operand(self) -> Test:
        if self._peek() != "(":
            return self._condition()
        self._take()
        inner = self._pair()
        self._expect(")")
        return inner

    def _condition(self) -> Test:
        column, sign = self._take(), self._take()
        self._columns_used.append(column)
        if sign == "is":
            word = self._take()
            if word == "not":
                self._expect("null")
                return lambda row: _plain(row.get(column)) is not None
            return lambda row: _plain(row.get(column)) is None
        if sign == "in":
            values = self._values()
            return lambda row: _plain(row.get(column)) in values
        if sign == "like":
            part = str(self._value()).strip("%")
            return lambda row: part in str(_plain(row.get(column)) or "")
        if sign in ("between", "not"):
            if sign == "not":
                self._expect("between")
            first = self._value()
            self._expect("and")
            last = self._value()
            inside = sign == "between"
            return lambda row: (first <= (_plain(row.get(column)) or "") <= last) == inside
        return self._comparison(column, sign, self._value())

    @staticmethod
    def _comparison(column: str, sign: str, value: Any) -> Test:
        def compare(row: Row) -> bool:
            own = _plain(row.get(column))
            if sign in ("=", "!="):
                return (own == value) == (sign == "=")
            if own is None or isinstance(own, str) != isinstance(value, str):
                return False
            return {"<": own < value, "<=": own <= value, ">": own > value, ">=": own >= value}[sign]

        if sign not in ("=", "!=", "<", "<=", ">", ">="):
            raise CoqlError("SYNTAX_ERROR", f"unknown operator {sign}")
        return compare

    def _values(self) -> list[Any]:
        self._expect("(")
        values = [self._value()]
        while self._peek() == ",":
            self._take()
            values.append(self._value())
        self._expect(")")
        if len(values) > 50:
            raise CoqlError("LIMIT_EXCEEDED", "in takes 50 values")
        return values

    def _value(self) -> Any:
        token = self._take()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'").casefold()
        if not re.fullmatch(r"-?\d+(\.\d+)?", token):
            raise CoqlError("SYNTAX_ERROR", f"a text needs quotation marks: {token}")
        return float(token)


def _plain(value: Any) -> Any:
    """Return a value as conditions compare it: of a linked record its id, texts without their case."""
    if isinstance(value, Mapping):
        value = value.get("id")
    if isinstance(value, bool):
        return str(value).lower()
    return value.casefold() if isinstance(value, str) else value
