"""The time zone and the country of a fleet: preferences, which a gateway's configuration may hold."""

from __future__ import annotations

import pytest

from flotilla import errors
from flotilla.settings import FleetSettings, is_preference, load


def test_timezone_and_country(environ: pytest.MonkeyPatch) -> None:
    assert (load(FleetSettings, "flotilla").timezone, load(FleetSettings, "flotilla").country) == ("UTC", "FR")
    environ.setenv("FLOTILLA_TIMEZONE", " Europe/Paris ")
    environ.setenv("FLOTILLA_COUNTRY", "be")
    loaded = load(FleetSettings, "flotilla")
    assert (loaded.timezone, loaded.country) == ("Europe/Paris", "BE")


def test_timezone_and_country_are_preferences(environ: pytest.MonkeyPatch) -> None:
    """A placeholder means that they are not set; among the other fleet settings it is an error."""
    assert [n for n, f in FleetSettings.model_fields.items() if is_preference(f)] == ["timezone", "country"]
    environ.setenv("FLOTILLA_TIMEZONE", "<UNKNOWN>")
    environ.setenv("FLOTILLA_COUNTRY", "{{flotilla.country}}")
    assert (load(FleetSettings, "flotilla").timezone, load(FleetSettings, "flotilla").country) == ("UTC", "FR")
    environ.setenv("FLOTILLA_DRY_RUN", "<yes>")
    with pytest.raises(errors.ConfigurationError, match=r"^FLOTILLA_DRY_RUN holds "):
        load(FleetSettings, "flotilla")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TIMEZONE", "Paris", "`Paris` is not a known time zone. Write an IANA name, such as Europe/Paris"),
        ("COUNTRY", "France", "it must be a country's two letters, such as FR"),
        ("COUNTRY", "33", "it must be a country's two letters, such as FR"),
    ],
)
def test_timezone_and_country_wrong(environ: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    environ.setenv(f"FLOTILLA_{name}", value)
    with pytest.raises(errors.ConfigurationError) as problem:
        load(FleetSettings, "flotilla")
    assert problem.value.message == f"FLOTILLA_{name} is wrong: {message}."
