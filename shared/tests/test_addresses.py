"""Addresses as they are pasted."""

from typing import Any

import pytest

from flotilla.parsing.addresses import split_addresses


@pytest.mark.parametrize(
    ("params", "addresses"),
    [
        ("a@x.fr, b@x.fr; c@x.fr", ["a@x.fr", "b@x.fr", "c@x.fr"]),
        (["a@x.fr, b@x.fr", "c@x.fr"], ["a@x.fr", "b@x.fr", "c@x.fr"]),
        ('"Dupont, Jean" <jean@exemple.fr>', ['"Dupont, Jean" <jean@exemple.fr>']),
        (['"Du\\"pont; J" <j@x.fr>,<k@x.fr>'], ['"Du\\"pont; J" <j@x.fr>', "<k@x.fr>"]),
        ('half "quoted, a@x.fr', ['half "quoted', "a@x.fr"]),
        (" , ;", []),
        ([1, None], [1, None]),
        (None, None),
    ],
)
def test_split_addresses(params: Any, addresses: Any) -> None:
    assert split_addresses(params) == addresses
