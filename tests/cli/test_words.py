"""`flotilla words`: names and phrases of the old dialect do not come back."""

from __future__ import annotations

import pytest

from flotilla_cli import words


def test_words_project_is_clean() -> None:
    assert words.findings() == []


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("t" + "old = 1\n", "t" + "old"),
        ("def f() -> None:\n    '''It is n" + "o number.'''\n", "is n" + "o n"),
        ("# the user must m" + "end it\n", "m" + "end"),
    ],
)
def test_in_python_finds(source: str, word: str) -> None:
    assert word in [hit for _, _, hit, _ in words.in_python("servers/acme/server.py", source)]


def test_in_python_allows_the_decorator_of_hypothesis() -> None:
    assert list(words.in_python("a.py", "from hypothesis import given\n\n@given\ndef test_a() -> None: ...\n")) == []
