"""An agency with two customers, vendors that stand in for the real ones, and the pages behind its links."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from starlette.applications import Starlette
from starlette.routing import Route

from flotilla_cli import paths
from flotilla_servers.calendly.tests.fake import FakeCalendly
from flotilla_servers.switchboard.commands import Commands
from flotilla_servers.switchboard.connecting.access_tokens import AccessTokens
from flotilla_servers.switchboard.connecting.app import ConnectPages
from flotilla_servers.switchboard.options import DISCOVERY, arguments
from flotilla_servers.switchboard.tenants.connections import Connections
from flotilla_servers.switchboard.tenants.links import Links
from flotilla_servers.switchboard.tenants.setup import open_tenants
from flotilla_servers.switchboard.tenants.tenant import Settings, Tenant
from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.oauth import OAuthServer, Token
from flotilla_testing.waiting import eventually

HOST = "http://127.0.0.1:8811"
SERVERS = ("calendly", "gmail", "woocommerce", "email", "intercom", "slack", "zapier")


class Agency:
    """One switchboard's files on this machine, with the tenants acme and zeta; nothing runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database = folder, str(folder / "tenants.db")
        self.tenants, self.vault = open_tenants(self.database, os.environ)
        self.links, self.connections = Links(self.tenants.store), Connections(self.tenants.store)
        self.tokens: dict[str, str] = {}
        for name in ("acme", "zeta"):
            _, self.tokens[name] = self.tenants.create(name, Settings(servers=SERVERS))
        self.discovery = folder / "discovery"
        for slug in SERVERS:
            (self.discovery / slug).mkdir(parents=True)
            shutil.copy(DISCOVERY / slug / "discovery.json", self.discovery / slug)

    def tenant(self, name: str = "acme") -> Tenant:
        return self.tenants.named(name)

    def argv(self, public_url: str = HOST) -> list[str]:
        """Return the switchboard's options, beside those of its transport."""
        named = {
            "tenants": self.database,
            "data": self.folder / "data",
            "state": self.folder / "state",
            "bin": paths.VENV / "bin" if (paths.VENV / "bin").is_dir() else paths.VENV,
            "settings": self.folder / "settings.json",
            "discovery": self.discovery,
            "run": "process",
            "permissions": "off",
            "search": "off",
            "public-url": public_url,
        }
        return [part for name, value in named.items() for part in (f"--{name}", str(value))]

    def options(self) -> argparse.Namespace:
        return arguments(self.argv())

    def visitor(self, language: str = "en") -> httpx2.AsyncClient:
        """Return a browser without a screen: it sends forms as a page of ours does."""
        options = self.options()
        tokens = AccessTokens(options, self.connections, self.vault)
        pages = ConnectPages(options, self.tenants, self.vault, Commands(options), tokens)
        app = Starlette(routes=[Route(path, endpoint, methods=[method]) for path, method, endpoint in pages.routes()])
        transport = httpx2.ASGITransport(app=app)  # type: ignore[arg-type]
        headers = {"accept-language": language, "origin": HOST}
        return httpx2.AsyncClient(transport=transport, base_url=HOST, headers=headers)

    def log_in_at(self, slug: str, vendor: FakeVendor, **consent: Any) -> None:
        """Have the discovery data of a server name a stand-in as its vendor; further fields of its consent differ."""
        path = self.discovery / slug / "discovery.json"
        document = json.loads(path.read_text())
        places = {"authorize_url": "authorize", "token_url": "token", "revoke_url": "revoke", "who_url": "userinfo"}
        places = {name: f"{vendor.url}/{place}" for name, place in places.items()}
        document["login"]["consent"] |= {**places, "issuer": vendor.url, **consent}
        path.write_text(json.dumps(document))

    def connect_gmail(self, name: str, vendor: FakeVendor) -> Token:
        """Keep a login of a person who has agreed at the vendor, as the pages do."""
        assert isinstance(vendor.answers, OAuthServer)
        now, person = time.time(), f"{name}@atelier.example"
        token = Token("desktop", f"at-{name}", f"rt-{name}", "openid email", person, now + 3600, now)
        vendor.answers.tokens.append(token)
        tokens = {"access_token": token.access, "refresh_token": token.refresh, "expires_at": token.ends}
        self.connections.note(self.tenant(name), "gmail", person)
        AccessTokens(self.options(), self.connections, self.vault).save(self.tenant(name), "gmail", tokens, True)
        return token

    @asynccontextmanager
    async def served(self, public_url: str = HOST) -> AsyncIterator[str]:
        """Start the switchboard in a process of its own; give the address of its clients."""
        log = self.folder / "switchboard.log"
        with log.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "flotilla_launcher.__main__", "switchboard", *self.argv(public_url)),
                *("--transport", "http", "--port", "0"),
                stdin=asyncio.subprocess.DEVNULL,
                stderr=stderr,
            )

        def address() -> str:
            assert process.returncode is None, log.read_text()
            match = re.search(r"http://\S+?/mcp", log.read_text())
            return match[0] if match else ""

        try:
            await eventually(address)
            yield address()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    def client(self, address: str, name: str, **more: Any) -> Client[Any]:
        """Return the client of a tenant."""
        return Client(StreamableHttpTransport(address, auth=self.tokens[name]), timeout=60, **more)

    def credentials(self, name: str = "acme") -> Mapping[str, str]:
        return self.vault.all(self.tenant(name))


@pytest.fixture
def agency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agency:
    for name in [name for name in os.environ if name.startswith(("FLOTILLA_", "CALENDLY_", "GMAIL_"))]:
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


class Mailbox(OAuthServer):
    """Gmail of whoever agrees, behind an authorization server that says who it is, and rotates refresh tokens."""

    def __init__(self) -> None:
        super().__init__(rotates=True)
        for path in ("profile", "settings/sendAs"):
            self.on("GET", f"/gmail/v1/users/me/{path}", self._profile)

    def _profile(self, request: Request) -> Response:
        token = self.holder(request)
        if token is None:
            return Response.of({"error": {"code": 401, "message": "Invalid Credentials"}}, 401)
        return Response.of({"emailAddress": token.user, "messagesTotal": 3})


@pytest.fixture
def gmail(agency: Agency) -> Iterator[FakeVendor]:
    """A stand-in for Google, which the discovery data of Gmail names; the agency has an app there."""
    mailbox = Mailbox()
    with FakeVendor(mailbox) as running:
        mailbox.issuer = running.url
        agency.log_in_at("gmail", running)
        app = {"client_id": "desktop", "client_secret": "hush", "base_url": f"{running.url}/gmail/v1"}
        for name in ("acme", "zeta"):
            values = {("flotilla-gmail", key): value for key, value in app.items()}
            agency.vault.put(agency.tenant(name), values)
        yield running
