"""The accountant's machine: Facturation.PRO, with what writes and reads files, behind each gateway of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flotilla_servers.facturation_pro.tests.fake import Accounts
from flotilla_testing import FakeVendor
from flotilla_testing.leftovers import name_of_run
from tests.scenarios.harness import KINDS, Gateway, host_address, unavailable

SERVERS = ("facturation-pro", "export", "filesystem")


@pytest.fixture(params=KINDS)
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Gateway, Accounts]]:
    """A gateway, and the accounts at the fake vendor."""
    if reason := unavailable(request.param, SERVERS):
        pytest.skip(reason)
    accounts = Accounts()
    with FakeVendor(accounts, host=host_address(request.param)) as vendor:
        settings = {
            "facturation-pro": {"api_key": "clef-de-test", "base_url": vendor.url, "identifier": "12345"},
            "export": {},
            "filesystem": {},
        }
        name = name_of_run("facturation")
        gateway = Gateway(request.param, name, tmp_path, SERVERS, settings, urlsplit(vendor.url).netloc)
        yield gateway, accounts
    gateway.close()
