"""Get a refresh token: with a browser here, with a browser elsewhere, or with a code that is typed elsewhere.

A browser here is redirected to a port of this machine (RFC 8252); device codes are RFC 8628. What all logins share is
in the switchboard's `consent_flow`.
"""

from __future__ import annotations

import threading
import time
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from flotilla import Consent
from flotilla_cli import paths
from flotilla_servers.switchboard.consent_flow import (
    REGION,
    ConsentError,
    account_name,
    authorization,
    client,
    exchange,
    new_verifier,
    refresh,
)

__all__ = [
    "REGION",
    "ConsentError",
    "account_name",
    "by_device",
    "by_paste",
    "client",
    "in_browser",
    "refresh",
]

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
TIMEOUT = 300.0  # seconds that a person has
PAGE = b"<!doctype html><meta charset=utf-8><title>Flotilla</title><p>%s You may close this page."


def in_browser(
    about: Consent, oauth: OAuth2Client, show: Callable[[str], object] = webbrowser.open, timeout: float = TIMEOUT
) -> dict[str, Any]:
    """Open the page in a browser of this machine, and wait until it is redirected to a port of ours."""
    addresses: list[str] = []
    arrived = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            params = parse_qs(urlsplit(self.path).query)
            expected = "code" in params or "error" in params  # browsers ask for icons too
            self.send_response(200 if expected else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if expected:
                self.wfile.write(PAGE % (b"Connected." if "code" in params else b"Nothing was connected."))
                addresses.append(self.path)
                arrived.set()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """The code must not be logged."""

    with _listening(about.ports, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        redirect = f"http://{about.redirect_host}:{server.server_port}/"
        verifier = new_verifier(about)
        url, state = authorization(about, oauth, redirect, verifier)
        paths.say(f"Opening the consent page. If no browser opens, open it yourself:\n\n  {url}\n")
        show(url)
        try:
            if not arrived.wait(timeout):
                raise ConsentError(
                    f"No answer came within {timeout / 60:.0f} minutes. Start again, or use --paste, which needs "
                    "no port."
                )
        finally:
            server.shutdown()
            thread.join()
    return exchange(about, oauth, addresses[0], state, verifier)


def _listening(ports: Sequence[int], handler: type[BaseHTTPRequestHandler]) -> HTTPServer:
    for port in ports or (0,):
        try:
            return HTTPServer(("127.0.0.1", port), handler)
        except OSError:
            continue
    raise ConsentError(
        f"None of the ports {', '.join(map(str, ports))} is free, and the vendor redirects to no other. Stop the "
        "program that uses one, or use --paste."
    )


def by_paste(about: Consent, oauth: OAuth2Client, read: Callable[[str], str] = input) -> dict[str, Any]:
    """Let the user open the page anywhere and paste the address that it redirects to, where nothing needs to answer."""
    redirect = f"{about.redirect_scheme}://{about.redirect_host}:{(about.ports or (8765,))[0]}/"
    verifier = new_verifier(about)
    url, state = authorization(about, oauth, redirect, verifier)
    paths.say(
        f"Open this page in any browser, on any machine, and agree:\n\n  {url}\n\n"
        "The browser is then redirected to a page that cannot be shown. Copy its whole address."
    )
    return exchange(about, oauth, read("Address: ").strip(), state, verifier)


def by_device(
    about: Consent, oauth: OAuth2Client, sleep: Callable[[float], object] = time.sleep, timeout: float = TIMEOUT * 2
) -> dict[str, Any]:
    """Show a code that the user types into the vendor's page, and poll until that is done (RFC 8628)."""
    if not about.device_url:
        raise ConsentError(
            "This vendor has no device codes for these scopes. Use --paste, which needs no browser here either."
        )
    device = _device_code(about.device_url, {"client_id": oauth.client_id, "scope": oauth.scope})
    page = device.get("verification_uri") or device.get("verification_url", "")
    paths.say(f"Open {page} on any device, and type this code:\n\n  {device['user_code']}\n")
    pause, waited = float(device.get("interval", 5)), 0.0
    while waited < min(timeout, float(device.get("expires_in", timeout))):
        sleep(pause)
        waited += pause
        try:
            return dict(oauth.fetch_token(about.token_url, grant_type=DEVICE, device_code=device["device_code"]))
        except OAuthError as answer:
            if answer.error == "slow_down":
                pause += 5
            elif answer.error != "authorization_pending":
                raise
    raise ConsentError("The code was not typed in time. Start again.")


def _device_code(url: str, form: Mapping[str, str]) -> dict[str, Any]:
    response = httpx.post(url, data=dict(form), timeout=30)
    payload = response.json()
    if response.status_code != 200:
        reason = payload.get("error_description") or payload.get("error")
        raise ConsentError(f"The vendor gave no device code: {reason}. Use --paste instead.")
    return dict(payload)
