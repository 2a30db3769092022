"""A Google on loopback, a login by scripts/login, and every kind of gateway that this machine has."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import email.message
import json
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
import yaml
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport

from flotilla_cli import consent, login, paths, secrets_file, system
from flotilla_cli.generator.documents import catalog_entry
from flotilla_cli.generator.servers import server_of
from flotilla_launcher.naming import catalog_name, image, module_of
from flotilla_testing import FakeVendor
from flotilla_testing.oauth import approve

from .fake_google import Google
from .fake_google import google as new_google

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]

SERVERS = ("gmail", "google-calendar", "google-drive", "google-sheets", "google-docs")
OWNER = f"flotilla-test-google-{secrets.token_hex(3)}"  # of this run alone
HELENE, MARIE = "helene@atelier.example", "marie@client.example"
GATEWAYS = (
    "process",
    *(pytest.param(gateway_kind, marks=pytest.mark.docker) for gateway_kind in ("docker", "gateway")),
)


def missing(gateway_kind: str) -> str:
    """Return why a kind of gateway cannot be tested on this machine; nothing when it can."""
    if gateway_kind == "process":
        return ""
    if system.docker("info", "--format", "{{.ServerVersion}}", timeout=20) is None:
        return "no Docker engine answers here: scripts/engine"
    if gateway_kind == "gateway" and system.gateway_plugin() is None:
        return "the Docker MCP plugin is not here"
    lacking = [slug for slug in SERVERS if not system.docker("image", "inspect", image(slug))]
    return f"no image of {', '.join(lacking)}: make build S='{' '.join(lacking)}'" if lacking else ""


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


class Office:
    """Hélène's machine: her files, and a way to the fleet. `asked` are the questions that she got."""

    def __init__(self, folder: Path, gateway_kind: str, vendor: FakeVendor, url: str) -> None:
        self.folder, self.gateway, self.vendor, self.url = folder, gateway_kind, vendor, url
        self.asked: list[str] = []
        self.settings: dict[str, dict[str, str]] = {
            "gmail": {"base_url": f"{url}/gmail/v1", "token_url": f"{url}/token"},
            "google-calendar": {"base_url": f"{url}/calendar/v3", "token_url": f"{url}/token"},
            "google-drive": {"base_url": f"{url}/drive/v3", "token_url": f"{url}/token"},
            "google-sheets": {"base_url": f"{url}/v4", "drive_url": f"{url}/drive/v3", "token_url": f"{url}/token"},
            "google-docs": {"base_url": f"{url}/v1", "drive_url": f"{url}/drive/v3", "token_url": f"{url}/token"},
        }

    def _catalog(self) -> Path:
        registry = {}
        supplied = [str(value) for mine in self.settings.values() for value in mine.values()]
        clear = {urlsplit(url).netloc for url in supplied if url.startswith("http://")}  # stand-ins speak no TLS
        for slug in SERVERS:
            result = json.loads((ROOT / "servers" / module_of(slug) / "discovery.json").read_text(encoding="utf-8"))
            entry = {**catalog_entry(server_of(slug), result), "volumes": [f"{OWNER}:/data", f"{OWNER}:/state"]}
            entry.pop("allowHosts", None)  # of the real Google
            plain = {"name": "FLOTILLA_PLAIN_HTTP", "value": ",".join(sorted(clear))}
            registry[catalog_name(slug)] = {**entry, "env": [*entry.get("env", []), plain]}
        path = self.folder / "catalog.yaml"
        if self.gateway == "gateway":
            path = paths.mcp_home() / "catalogs" / f"{OWNER}.yaml"
        paths.write(path, yaml.safe_dump({"name": OWNER, "registry": registry}, allow_unicode=True))
        return path

    def _command(self) -> list[str]:
        catalog = self._catalog()
        (self.folder / "config.yaml").write_text("{}")
        guards = {
            f"{catalog_name(slug)}.{name}": value
            for slug, mine in self.settings.items()
            for name, value in mine.items()
        }
        saved = self.folder / "secrets.env"  # of scripts/login
        lines = [saved.read_text()] if saved.exists() else []
        lines += [f"{name}={value}\n" for name, value in guards.items()]
        paths.write(self.folder / "gateway.env", "".join(lines))
        files = ["--secrets", str(self.folder / "gateway.env"), "--config", str(self.folder / "config.yaml")]
        names = ",".join(map(catalog_name, SERVERS))
        if self.gateway == "gateway":
            return ["docker", "mcp", "gateway", "run", "--catalog", catalog.name, "--servers", names, *files]
        board = str(paths.VENV / "flotilla-switchboard")
        run = ["--run", self.gateway, "--owner", OWNER, "--data", str(self.folder / "data")]
        run += ["--state", str(self.folder / "state")]
        return [board, "--catalog", str(catalog), "--servers", names, *files, *run]

    @asynccontextmanager
    async def client(self, answer: bool | None = None, mode: str = "2026-07-28") -> AsyncIterator[Client[Any]]:
        """Open the gateway with a client in front of it.

        `answer`: what Hélène says when she is asked, if she can be.
        """
        (self.folder / "data").mkdir(exist_ok=True)

        async def reply(message: str, *_: Any) -> ElicitResult:
            self.asked.append(message)
            return ElicitResult(action="accept" if answer else "decline", content={"confirm": True} if answer else None)

        command = self._command()
        saved = {
            name: value for name, value in os.environ.items() if not name.startswith(("FLOTILLA_", "GMAIL_", "GOOGLE_"))
        }
        transport = StdioTransport(
            command[0], command[1:], env=saved, keep_alive=False, log_file=self.folder / "gateway.log"
        )
        mode = "legacy" if self.gateway == "gateway" else mode  # Docker's gateway speaks up to 2025-11-25
        handler = reply if answer is not None else None
        async with Client(transport, timeout=60, mode=mode, elicitation_handler=handler) as client:
            yield client


@pytest.fixture(params=GATEWAYS)
def office(
    request: pytest.FixtureRequest, tmp_path: Path, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """Hélène's machine, connected by scripts/login: she pressed the button in her browser."""
    if why := missing(request.param):
        pytest.skip(why)
    with contextlib.ExitStack() as stack:
        url = vendor.url if request.param == "process" else stack.enter_context(bridged(vendor.url))
        connected(tmp_path, vendor, monkeypatch)
        yield Office(tmp_path, request.param, vendor, url)
    if request.param != "process":
        system.docker("volume", "rm", "--force", OWNER)


def connected(folder: Path, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run `scripts/login google`."""
    for name in [n for n in os.environ if n.startswith(("GMAIL_", "GOOGLE_", "FLOTILLA_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOTILLA_SECRETS", str(folder / "secrets.env"))
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
