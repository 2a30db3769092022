"""A Google on loopback, a login by scripts/login, and every kind of gateway that this machine has."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import email.message
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest

from flotilla_cli import consent, login, secrets_file, system
from flotilla_cli.generator.servers import server_of
from flotilla_testing import FakeVendor
from flotilla_testing.leftovers import name_of_run
from flotilla_testing.oauth import approve
from tests.scenarios.harness import KINDS, Gateway, unavailable

from .fake_google import Google
from .fake_google import google as new_google

SERVERS = ("gmail", "google-calendar", "google-drive", "google-sheets", "google-docs")
HELENE, MARIE = "helene@atelier.example", "marie@client.example"


@pytest.fixture
def google() -> Google:
    """Hélène and Marie, who has written about a quote, and both of their weeks."""
    app = new_google()
    app.mail.boxes |= {HELENE: [], MARIE: []}
    app.calendars.shared.add(MARIE)
    for subject, text in (("Bonjour", "Bonne année !"), ("Devis pour juin", "Pouvez-vous relire nos besoins ?")):
        mail = email.message.EmailMessage()
        mail["To"], mail["Subject"] = f"Hélène Martin <{HELENE}>", subject
        mail["From"] = f"Marie Dupont <{MARIE}>"
        mail.set_content(text)
        if "Devis" in subject:
            mail.add_attachment(b"%PDF-1.4 besoins", maintype="application", subtype="pdf", filename="besoins.pdf")
        app.mail.deliver(MARIE, mail)
    for who, start, end in (
        (HELENE, "2030-06-04T09:00:00+02:00", "2030-06-04T12:00:00+02:00"),
        (MARIE, "2030-06-04T11:30:00+02:00", "2030-06-04T14:00:00+02:00"),
    ):
        app.calendars.put(who, {"summary": "Pris", "start": {"dateTime": start}, "end": {"dateTime": end}})
    return app


@pytest.fixture
def vendor(google: Google) -> Iterator[FakeVendor]:
    with FakeVendor(google) as running:
        yield running


def settings_at(url: str) -> dict[str, dict[str, str]]:
    """Return the settings by server with which the fleet speaks to a Google at an address."""
    drive = {"drive_url": f"{url}/drive/v3"}
    of_server = {
        "gmail": {"base_url": f"{url}/gmail/v1"},
        "google-calendar": {"base_url": f"{url}/calendar/v3"},
        "google-drive": {"base_url": f"{url}/drive/v3"},
        "google-sheets": {"base_url": f"{url}/v4", **drive},
        "google-docs": {"base_url": f"{url}/v1", **drive},
    }
    return {slug: {**settings, "token_url": f"{url}/token"} for slug, settings in of_server.items()}


@pytest.fixture(params=KINDS)
def office(
    request: pytest.FixtureRequest, tmp_path: Path, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    """Hélène's machine, connected by scripts/login: she pressed the button in her browser.

    A module that needs other servers names them in OFFICE, and adds their settings and the hosts of their vendors.
    """
    servers = getattr(request.module, "OFFICE", SERVERS)
    if why := unavailable(request.param, servers):
        pytest.skip(why)
    with contextlib.ExitStack() as stack:
        url = vendor.url if request.param == "process" else stack.enter_context(bridged(vendor.url))
        saved = connected(tmp_path, vendor, monkeypatch)
        settings = {slug: its for slug, its in settings_at(url).items() if slug in servers}
        name = name_of_run("google")
        gateway = Gateway(request.param, name, tmp_path, servers, settings, urlsplit(url).netloc, saved)
        stack.callback(gateway.close)
        yield gateway


def connected(folder: Path, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run `scripts/login google`; return the secrets file that it wrote."""
    for name in [n for n in os.environ if n.startswith(("GMAIL_", "GOOGLE_", "FLOTILLA_"))]:
        monkeypatch.delenv(name)
    saved = folder / "login.env"
    monkeypatch.setenv("FLOTILLA_SECRETS", str(saved))
    monkeypatch.setenv("FLOTILLA_CONFIG", str(folder / "none.yaml"))
    monkeypatch.setenv("GMAIL_CLIENT_SECRET", "hush")
    servers = {slug: server_of(slug) for slug in SERVERS}
    about = servers["gmail"].integration.consent
    assert about
    readings = {"authorize_url": "authorize", "token_url": "token", "revoke_url": "revoke", "who_url": "userinfo"}
    current_place = dataclasses.replace(about, **{name: f"{vendor.url}/{path}" for name, path in readings.items()})  # type: ignore[arg-type]
    for server in servers.values():
        monkeypatch.setattr(server.integration, "consent", current_place)
    monkeypatch.setattr(login, "connectable", lambda: servers)
    monkeypatch.setattr(login, "browser", lambda: True)
    monkeypatch.setattr(secrets_file, "has_keychain", lambda: False)
    original: Callable[..., Any] = consent.in_browser

    def press(url: str) -> None:
        with httpx.Client() as http:
            http.get(approve(http.get, http.post, url))

    monkeypatch.setattr(consent, "in_browser", lambda about, oauth: original(about, oauth, press, 10))
    assert login.main(["google", "--client-id", "desktop"]) == 0
    monkeypatch.undo()
    return saved


@contextlib.contextmanager
def bridged(url: str) -> Iterator[str]:
    """Yield an address at which containers reach what listens on this machine's loopback."""
    gateway = system.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}") or ""
    host, port = url.removeprefix("http://").split(":")
    loop = asyncio.new_event_loop()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))

    server = loop.run_until_complete(asyncio.start_server(serve, gateway, 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{gateway}:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
