"""A login at a vendor, whoever asks for it: the address of the consent page, and tokens for what comes back.

authlib implements the protocol: authorization codes with PKCE (RFC 7636). The state and the issuer (RFC 9207) of what
comes back are checked before a code goes anywhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx2 as httpx
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client

from flotilla import Consent
from flotilla.http.token_endpoint import auth_method, readable

REGION = "flotilla_region"  # the key of a token with the region that the redirect named


class ConsentError(Exception):
    """No consent was given. The message says why and what to do."""


def client(about: Consent, client_id: str, client_secret: str, scopes: Sequence[str]) -> OAuth2Client:
    """Return authlib's client for a vendor."""
    oauth = OAuth2Client(client_id, **_options(about, client_secret, scopes))
    for answer in ("access_token_response", "refresh_token_response"):
        oauth.register_compliance_hook(answer, readable)
    return oauth


def _options(about: Consent, client_secret: str, scopes: Sequence[str]) -> dict[str, Any]:
    method = auth_method(about.client_auth) if client_secret else "none"
    return {
        "client_secret": client_secret or None,
        "scope": about.separator.join(scopes),
        "token_endpoint_auth_method": method,
        "revocation_endpoint_auth_method": method,
        "code_challenge_method": "S256",
        "timeout": 30,
    }


def new_verifier(about: Consent) -> str:
    """Return a PKCE verifier, "" for a vendor that knows none."""
    return secrets.token_urlsafe(48) if about.pkce else ""


def authorization(
    about: Consent, oauth: OAuth2Client, redirect: str, verifier: str, state: str | None = None
) -> tuple[str, str]:
    """Return the address of the consent page, and the state in it: the one that is given, or a random one."""
    oauth.redirect_uri = redirect
    url, state = oauth.create_authorization_url(
        about.authorize_url, state=state, code_verifier=verifier or None, **about.extra
    )
    return url, state


def exchange(about: Consent, oauth: OAuth2Client, address: str, state: str, verifier: str) -> dict[str, Any]:
    """Exchange the code in the address that the browser was redirected to for tokens. Raises ConsentError, OAuthError.

    The address must have the state of this attempt, and come from the vendor, as far as it says.
    """
    params = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    if not about.is_issuer(params.get("iss")):
        raise ConsentError("The answer comes from somebody else (its issuer differs). Nothing was sent. Start again.")
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
    return {**_whole(about, token), **({REGION: region} if region else {})}


def _whole(about: Consent, token: Mapping[str, Any]) -> dict[str, Any]:
    """Return a token response with the tokens on top, where a vendor has them in one of its fields."""
    nested = token.get(about.tokens_in) if about.tokens_in else None
    return {**token, **nested} if isinstance(nested, Mapping) and nested.get("access_token") else dict(token)


def _region(about: Consent, params: Mapping[str, str]) -> str:
    """Return the region that a redirect names, "" where it names none; the code goes to no server that is unknown."""
    server = params.get(about.regions.parameter, "") if about.regions else ""
    region = about.region_at(server)
    if server and not region:
        raise ConsentError(f"The account is at {server}, which this server does not know. Nothing was sent there.")
    return region


def refresh(about: Consent, oauth: OAuth2Client, refresh_token: str) -> dict[str, Any]:
    """Return the token response for a refresh token. Raises OAuthError where the consent has ended."""
    return _whole(about, oauth.refresh_token(about.token_url, refresh_token=refresh_token))


async def refresh_async(about: Consent, client_id: str, client_secret: str, refresh_token: str) -> dict[str, Any]:
    """Return the same, as a switchboard does it: no thread waits for the vendor."""
    async with AsyncOAuth2Client(client_id, **_options(about, client_secret, [])) as oauth:
        oauth.register_compliance_hook("refresh_token_response", readable)
        return _whole(about, await oauth.refresh_token(about.token_url, refresh_token=refresh_token))


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
