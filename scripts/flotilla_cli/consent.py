"""Get a refresh token: with a browser here, with a browser elsewhere, or with a code that is typed elsewhere.

authlib implements the protocol: authorization codes with PKCE (RFC 7636), loopback redirect (RFC 8252), device
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
from urllib.parse import parse_qs, quote, urlsplit

import httpx2 as httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from flotilla import Consent
from flotilla.http.token_endpoint import auth_method
from flotilla_cli import paths

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
TIMEOUT = 300.0  # seconds that a person has
REGION = "flotilla_region"  # the key of a token with the region that the redirect named
PAGE = b"<!doctype html><meta charset=utf-8><title>Flotilla</title><p>%s You may close this page."


class ConsentError(Exception):
    """No consent was given. The message says why and what to do."""


def client(about: Consent, client_id: str, client_secret: str, scopes: Sequence[str]) -> OAuth2Client:
    """Return authlib's client for a vendor."""
    return OAuth2Client(
        client_id,
        client_secret or None,
        scope=about.separator.join(scopes),
        token_endpoint_auth_method=auth_method(about.client_auth) if client_secret else "none",
        revocation_endpoint_auth_method=auth_method(about.client_auth) if client_secret else "none",
        code_challenge_method="S256",
        timeout=30,
    )


def _authorization(about: Consent, oauth: OAuth2Client, redirect: str) -> tuple[str, str, str]:
    """Return the address of the consent page, its state and its PKCE verifier."""
    oauth.redirect_uri = redirect
    verifier = secrets.token_urlsafe(48) if about.pkce else ""
    url, state = oauth.create_authorization_url(about.authorize_url, code_verifier=verifier or None, **about.extra)
    return url, state, verifier


def _exchange(about: Consent, oauth: OAuth2Client, address: str, state: str, verifier: str) -> dict[str, Any]:
    """Exchange the code in the address that the browser was redirected to for tokens."""
    params = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    if "error" in params:
        raise ConsentError(
            f"The consent page answered {params['error']}: {params.get('error_description', 'no consent was given')}."
        )
    if not secrets.compare_digest(params.get("state", ""), state):
        raise ConsentError("This address belongs to another attempt (its state differs). Start again.")
    if "code" not in params:
        raise ConsentError("This address contains no code. Copy the whole address that the browser was redirected to.")
    pkce = {"code_verifier": verifier} if verifier else {}
    region = _region(about, params)
    token = oauth.fetch_token(
        about.in_region(region).token_url,
        grant_type="authorization_code",
        code=params["code"],
        redirect_uri=oauth.redirect_uri,
        **pkce,
    )
    nested = token.get(about.tokens_in) if about.tokens_in else None
    if isinstance(nested, Mapping) and nested.get("access_token"):
        token = {**token, **nested}
    return {**token, **({REGION: region} if region else {})}


def _region(about: Consent, params: Mapping[str, str]) -> str:
    """Return the region that a redirect names, "" where it names none; the code goes to no server that is unknown."""
    server = params.get(about.regions.parameter, "") if about.regions else ""
    region = about.region_at(server)
    if server and not region:
        raise ConsentError(f"The account is at {server}, which this server does not know. Nothing was sent there.")
    return region


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
        url, state, verifier = _authorization(about, oauth, redirect)
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
    return _exchange(about, oauth, addresses[0], state, verifier)


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
    url, state, verifier = _authorization(about, oauth, redirect)
    paths.say(
        f"Open this page in any browser, on any machine, and agree:\n\n  {url}\n\n"
        "The browser is then redirected to a page that cannot be shown. Copy its whole address."
    )
    return _exchange(about, oauth, read("Address: ").strip(), state, verifier)


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


def refresh(about: Consent, oauth: OAuth2Client, refresh_token: str) -> dict[str, Any]:
    """Return the token response for a refresh token. Raises OAuthError where the consent has ended."""
    return dict(oauth.refresh_token(about.token_url, refresh_token=refresh_token))


def account_name(about: Consent, token: Mapping[str, Any]) -> str:
    """Ask the vendor whose account it is, which also checks the connection. `token` is the token endpoint's answer.

    Raises ConsentError, also where the answer lacks a field that the vendor's address needs.
    """
    try:
        url = about.who_url.format_map({name: quote(str(value), safe="") for name, value in token.items() if value})
    except KeyError as missing:
        raise ConsentError(
            f"The consent names no {missing.args[0]}, so it was given for another kind of account than this server "
            "works with. Start again, and choose another one on the consent page."
        ) from None
    headers = {**about.who_headers, about.header: f"{about.scheme} {token['access_token']}".strip()}
    response = httpx.get(url, headers=headers, timeout=30)
    if response.status_code == 401 and about.parameter:
        response = httpx.get(url, params={about.parameter: token["access_token"]}, timeout=30)
    if response.status_code != 200:
        raise ConsentError(
            f"The connection does not work: {urlsplit(about.who_url).netloc} answers {response.status_code}. Start "
            "again."
        )
    value: Any = response.json()
    for part in about.who.split("."):
        if isinstance(value, list):  # in which a part is a position
            value = dict(enumerate(value)).get(int(part)) if part.isdecimal() else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return str(value or "an account without a name")
