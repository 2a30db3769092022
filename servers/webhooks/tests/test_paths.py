"""Times as vendors write them, and texts that a database can keep."""

from __future__ import annotations

import pytest

from flotilla_servers.webhooks.paths import moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1764410400", 1_764_410_400.0),
        ("1764410400.5", 1_764_410_400.5),
        ("1764410400000", 1_764_410_400.0),
        ("1764410400000000", 1_764_410_400.0),
        ("1764410400000000000", 1_764_410_400.0),
        ("2025-11-29T10:00:00Z", 1_764_410_400.0),
        ("2025-11-29T10:00:00", 1_764_410_400.0),
        ("2025-11-29T11:00:00.000000000+01:00", 1_764_410_400.0),
    ],
)
def test_moment_as_vendors_write_it(text: str, seconds: float) -> None:
    assert moment(text) == seconds


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "9" * 30,
        "9" * 400,
        "1" + "0" * 39,
        "inf",
        "nan",
        "-1",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00",
    ],
)
def test_moment_that_is_none(text: str) -> None:
    assert moment(text) is None


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-01:00", "9999-12-31T12:00:00Z"])
def test_moment_that_no_time_zone_could_show(text: str) -> None:
    assert moment(text) is None
