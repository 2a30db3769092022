"""Three ways to a refresh token: a browser here, a browser elsewhere, a code that is typed elsewhere.

authlib does the protocol: authorization codes with PKCE (RFC 7636), loopback redirect (RFC 8252), device
codes (RFC 8628).
"""

from __future__ import annotations

import secrets
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
from flotilla_cli import paths as place

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
PATIENCE = 300.0  # seconds that a person gets
DONE = b"<!doctype html><meta charset=utf-8><title>Flotilla</title><p>%s You may close this page."


class Refused(Exception):  # noqa: N818 - told to the user as it stands
    """It did not come to a consent; the text says why and what to do."""


def client(about: Consent, client_id: str, client_secret: str, scopes: Sequence[str]) -> OAuth2Client:
    """Return authlib's client for a vendor."""
    return OAuth2Client(
        client_id,
        client_secret or None,
        scope=about.separator.join(scopes),
        token_endpoint_auth_method=about.client_auth if client_secret else "none",
        revocation_endpoint_auth_method=about.client_auth if client_secret else "none",
        code_challenge_method="S256",
        timeout=30,
    )


def _asking(about: Consent, oauth: OAuth2Client, redirect: str) -> tuple[str, str, str]:
    """Return the address of the consent page, its state and its PKCE verifier."""
    oauth.redirect_uri = redirect
    verifier = secrets.token_urlsafe(48) if about.pkce else ""
    url, state = oauth.create_authorization_url(about.authorize_url, code_verifier=verifier or None, **about.extra)
    return url, state, verifier


def _traded(about: Consent, oauth: OAuth2Client, came: str, state: str, verifier: str) -> dict[str, Any]:
    """Trade the address that the browser was led to for tokens."""
    said = {name: values[0] for name, values in parse_qs(urlsplit(came).query).items()}
    if "error" in said:
        raise Refused(
            f"The consent page answered {said['error']}: {said.get('error_description', 'nothing was agreed to')}."
        )
    if not secrets.compare_digest(said.get("state", ""), state):
        raise Refused("That address belongs to another attempt (its state differs). Start again.")
    if "code" not in said:
        raise Refused("That address holds no code. Copy the whole address that the browser was led to.")
    more = {"code_verifier": verifier} if verifier else {}
    return dict(
        oauth.fetch_token(
            about.token_url, grant_type="authorization_code", code=said["code"], redirect_uri=oauth.redirect_uri, **more
        )
    )


def in_browser(
    about: Consent, oauth: OAuth2Client, show: Callable[[str], object] = webbrowser.open, patience: float = PATIENCE
) -> dict[str, Any]:
    """Open the page in a browser of this machine, and wait for it to come back to a port of ours."""
    came: list[str] = []
    arrived = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            asked = parse_qs(urlsplit(self.path).query)
            right = "code" in asked or "error" in asked
            self.send_response(200 if right else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if right:  # browsers ask for icons too
                self.wfile.write(DONE % (b"Connected." if "code" in asked else b"Nothing was connected."))
                came.append(self.path)
                arrived.set()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """The code must be in no log."""

    with _listening(about.ports, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        redirect = f"http://{about.redirect_host}:{server.server_port}/"
        url, state, verifier = _asking(about, oauth, redirect)
        place.say(f"Opening the consent page. If no browser comes up, open it yourself:\n\n  {url}\n")
        show(url)
        try:
            if not arrived.wait(patience):
                raise Refused(
                    f"Nothing came back within {patience / 60:.0f} minutes. Start again; --paste needs no port."
                )
        finally:
            server.shutdown()
            thread.join()
    return _traded(about, oauth, came[0], state, verifier)


def _listening(ports: Sequence[int], handler: type[BaseHTTPRequestHandler]) -> HTTPServer:
    for port in ports or (0,):
        try:
            return HTTPServer(("127.0.0.1", port), handler)
        except OSError:
            continue
    raise Refused(f"None of the ports {', '.join(map(str, ports))} is free, and the vendor leads to no other.")


def by_paste(about: Consent, oauth: OAuth2Client, read: Callable[[str], str] = input) -> dict[str, Any]:
    """Let the user open the page anywhere, and paste the address that it leads to, which no one needs to answer."""
    redirect = f"http://{about.redirect_host}:{(about.ports or (8765,))[0]}/"
    url, state, verifier = _asking(about, oauth, redirect)
    place.say(
        f"Open this page in any browser, on any machine, and agree:\n\n  {url}\n\n"
        "The browser is then led to a page that cannot be shown. Copy its whole address."
    )
    return _traded(about, oauth, read("Address: ").strip(), state, verifier)


def by_device(
    about: Consent, oauth: OAuth2Client, sleep: Callable[[float], object] = time.sleep, patience: float = PATIENCE * 2
) -> dict[str, Any]:
    """Show a code that the user types into the vendor's page, and ask until that is done (RFC 8628)."""
    if not about.device_url:
        raise Refused("This vendor has no device codes for these scopes. Use --paste: it needs no browser here either.")
    given = _posted(about.device_url, {"client_id": oauth.client_id, "scope": oauth.scope})
    page = given.get("verification_uri") or given.get("verification_url", "")
    place.say(f"Open {page} on any device, and type this code:\n\n  {given['user_code']}\n")
    pause, waited = float(given.get("interval", 5)), 0.0
    while waited < min(patience, float(given.get("expires_in", patience))):
        sleep(pause)
        waited += pause
        try:
            return dict(oauth.fetch_token(about.token_url, grant_type=DEVICE, device_code=given["device_code"]))
        except OAuthError as answer:
            if answer.error == "slow_down":
                pause += 5
            elif answer.error != "authorization_pending":
                raise
    raise Refused("The code was not typed in time. Start again.")


def _posted(url: str, form: Mapping[str, str]) -> dict[str, Any]:
    response = httpx.post(url, data=dict(form), timeout=30)
    answer = response.json()
    if response.status_code != 200:
        raise Refused(f"No device code was given: {answer.get('error_description') or answer.get('error')}.")
    return dict(answer)


def renewed(about: Consent, oauth: OAuth2Client, refresh_token: str) -> dict[str, Any]:
    """Return an access token of a connection that is there; raises OAuthError where it has ended."""
    return dict(oauth.refresh_token(about.token_url, refresh_token=refresh_token))


def who(about: Consent, access_token: str) -> str:
    """Ask whose account it is: the one call that checks a connection."""
    response = httpx.get(about.who_url, headers={"Authorization": f"Bearer {access_token}"}, timeout=30)
    if response.status_code == 401 and about.parameter:
        response = httpx.get(about.who_url, params={about.parameter: access_token}, timeout=30)
    if response.status_code != 200:
        raise Refused(f"The connection does not work: {urlsplit(about.who_url).netloc} answers {response.status_code}.")
    found: Any = response.json()
    for part in about.who.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return str(found or "somebody")
