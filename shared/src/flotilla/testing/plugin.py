"""What holds for every test (pytest: `-p flotilla.testing.plugin`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .. import settings


@pytest.fixture(autouse=True)
def secrets_of_its_own() -> Iterator[None]:
    """A secret that a test has set is no secret in the next one, where it may be an ordinary word."""
    before = set(settings._secrets)
    yield
    settings._secrets.intersection_update(before)
