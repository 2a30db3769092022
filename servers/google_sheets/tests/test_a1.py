"""Ranges: what is understood, how it is said to the API, and what is refused before the call."""

from __future__ import annotations

import pytest

from flotilla import errors
from flotilla_servers._google import file_id
from flotilla_servers.google_sheets.a1 import area


@pytest.mark.parametrize(
    ("params", "reported"),
    [
        ("A1", "A1"),
        ("b2", "B2"),
        ("$A$1:$C$3", "A1:C3"),
        ("C3:A1", "A1:C3"),
        ("A:C", "A:C"),
        ("2:5", "2:5"),
        ("A2:C", "A2:C"),
        ("A:C5", "A1:C5"),
        ("ZZZ10", "ZZZ10"),
        ("Suivi", "'Suivi'"),
        ("Feb", "'Feb'"),
        ("2030", "'2030'"),
        ("Suivi 2030!A1", "'Suivi 2030'!A1"),
        ("'L''été'!A:B", "'L''été'!A:B"),
        ("L'été!A:B", "'L''été'!A:B"),
        ("'L''été'", "'L''été'"),
        ("Qui ? Quoi !!A1", "'Qui ? Quoi !'!A1"),
    ],
)
def test_range_accepted_notations(params: str, reported: str) -> None:
    assert str(area(params)) == reported
    assert area(reported) == area(params)


@pytest.mark.parametrize(
    "params",
    ["", " ", "A0", "A0:B2", "A1:", ":A1", "A1:B2:C3", "AAAA1:B2", "Suivi!", "!A1", "Suivi!A", "A1:5", "A:5", "1:A",
     "A1:B99999999", "Suivi!Total", "x\ny", "a" * 101, "''!A1"],
)  # fmt: skip
def test_range_refused(params: str) -> None:
    with pytest.raises(errors.InvalidInputError) as message:
        area(params)
    assert "is not a valid range" in str(message.value)


def test_range_size() -> None:
    where = area("Suivi!B2:D11")
    assert (where.width, where.height) == (3, 10)
    assert (area("B:D").width, area("B:D").height) == (3, None)
    assert str(area("Suivi!B2").sized(3, 2)) == "'Suivi'!B2:C4"


@pytest.mark.parametrize(
    ("params", "reported"),
    [
        ("1Bxi_-x", "1Bxi_-x"),
        (" https://docs.google.com/spreadsheets/d/1Bxi/edit?gid=0#gid=0 ", "1Bxi"),
        ("https://docs.google.com/document/u/1/d/1Bxi/edit", "1Bxi"),
        ("https://drive.google.com/drive/folders/0Bq?usp=sharing", "0Bq"),
        ("https://drive.google.com/open?id=0Bq", "0Bq"),
    ],
)
def test_file_id_accepted_notations(params: str, reported: str) -> None:
    assert file_id(params) == reported


@pytest.mark.parametrize("params", ["", "a/b", "..", "https://evil.example/d/1Bxi", "x y", "https://docs.google.com/"])
def test_file_id_refused(params: str) -> None:
    with pytest.raises(errors.InvalidInputError):
        file_id(params)
