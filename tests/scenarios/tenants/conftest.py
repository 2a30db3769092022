"""An agency with two customers, vendors that stand in for the real ones, and the pages behind its links."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from flotilla_cli import paths
from flotilla_cli import tenant as command
from flotilla_servers.calendly.tests.fake import FakeCalendly
from flotilla_servers.switchboard.commands import Commands
from flotilla_servers.switchboard.connecting.app import ConnectPages
from flotilla_servers.switchboard.options import arguments
from flotilla_servers.switchboard.tenants.links import Links
from flotilla_servers.switchboard.tenants.tenant import Settings, Tenant

HOST = "http://127.0.0.1:8811"


class Agency:
    """One switchboard's files on this machine, with the tenants acme and zeta; nothing runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database = folder, str(folder / "tenants.db")
        self.tenants, self.vault = command.open_tenants(self.database, os.environ)
        self.links = Links(self.tenants.store)
        self.tokens: dict[str, str] = {}
        for name in ("acme", "zeta"):
            _, self.tokens[name] = self.tenants.create(name, Settings(servers=("calendly",)))

    def tenant(self, name: str = "acme") -> Tenant:
        return self.tenants.named(name)

    def argv(self) -> list[str]:
        """Return the switchboard's options, beside those of its transport."""
        named = {
            "tenants": self.database,
            "data": self.folder / "data",
            "state": self.folder / "state",
            "bin": paths.VENV / "bin" if (paths.VENV / "bin").is_dir() else paths.VENV,
            "settings": self.folder / "settings.json",
            "run": "process",
            "permissions": "off",
            "search": "off",
            "public-url": HOST,
        }
        return [part for name, value in named.items() for part in (f"--{name}", str(value))]

    def options(self) -> argparse.Namespace:
        return arguments(self.argv())

    def visitor(self, language: str = "en") -> httpx2.AsyncClient:
        """Return a browser without a screen: it sends forms as a page of ours does."""
        options = self.options()
        pages = ConnectPages(options, self.tenants, self.vault, Commands(options))
        app = Starlette(routes=[Route(path, endpoint, methods=[method]) for path, method, endpoint in pages.routes()])
        transport = httpx2.ASGITransport(app=app)  # type: ignore[arg-type]
        headers = {"accept-language": language, "origin": HOST}
        return httpx2.AsyncClient(transport=transport, base_url=HOST, headers=headers)

    def credentials(self, name: str = "acme") -> Mapping[str, str]:
        return self.vault.all(self.tenant(name))


@pytest.fixture
def agency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agency:
    for name in [name for name in os.environ if name.startswith(("FLOTILLA_", "CALENDLY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOTILLA_TENANT_KEY", "0123456789abcdef" * 4)
    return Agency(tmp_path)


@pytest.fixture
def calendly(agency: Agency) -> Iterator[FakeCalendly]:
    """A stand-in whose address the operator has set for each tenant."""
    with FakeCalendly() as running:
        for name in ("acme", "zeta"):
            agency.vault.put(agency.tenant(name), {("flotilla-calendly", "base_url"): running.vendor.url})
        yield running
