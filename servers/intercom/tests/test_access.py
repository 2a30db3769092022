"""Settings: the region's address, the version header, and what a refused token says."""

from __future__ import annotations

import pytest

from flotilla.settings import load
from flotilla_servers.intercom.client import Settings, map_error
from flotilla_servers.intercom.server import server
from flotilla_servers.intercom.tests.fake import FakeIntercom
from flotilla_testing import call, environment, text_of


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({}, "https://api.intercom.io/"),
        ({"INTERCOM_REGION": "EU"}, "https://api.eu.intercom.io/"),
        ({"INTERCOM_REGION": "au"}, "https://api.au.intercom.io/"),
        ({"INTERCOM_BASE_URL": "https://api.eu.intercom.io"}, "https://api.eu.intercom.io/"),
    ],
)
def test_region_decides_the_address(values: dict[str, str], address: str) -> None:
    assert str(load(Settings, "intercom", {"INTERCOM_TOKEN": "t", **values}).base_url) == address


@pytest.mark.parametrize(
    ("name", "value"), [("INTERCOM_REGION", "fr"), ("INTERCOM_BASE_URL", "https://api.intercom.example")]
)
def test_region_unknown_refused(name: str, value: str) -> None:
    with pytest.raises(Exception, match=f"{name} is wrong"):
        load(Settings, "intercom", {"INTERCOM_TOKEN": "t", name: value})


async def test_version_goes_with_every_request(fake: FakeIntercom) -> None:
    assert not (await call(server, "intercom_list_conversations", waiting=True)).is_error
    assert {request.headers["intercom-version"] for request in fake.vendor.requests} == {"2.16"}


async def test_token_missing_says_where_to_get_it() -> None:
    with environment(server):
        message = text_of(await call(server, "intercom_list_conversations"))
    assert "INTERCOM_TOKEN is not set" in message
    assert "Developer Hub" in message


def test_map_error_of_a_foreign_token_names_the_region() -> None:
    error = map_error(401, {"type": "error.list", "errors": [{"code": "token_not_found", "message": "Unauthorized"}]})
    assert error
    assert "region" in error.hint


def test_map_error_of_a_plan() -> None:
    error = map_error(403, {"errors": [{"code": "api_plan_restricted", "message": "Active subscription needed."}]})
    assert error
    assert "plan does not include this" in error.message
