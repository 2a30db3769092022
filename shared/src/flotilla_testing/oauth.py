"""An OAuth 2 authorization server for tests: authlib's server side, over HTTP on loopback.

    oauth = OAuthServer()
    with FakeVendor(oauth) as vendor: …       # /authorize /approve /token /revoke /device /userinfo

Authorization codes with PKCE, refresh tokens (rotated if `rotates`, then a reused one ends its whole family), signed
assertions, device codes, revocation, redirects that name the issuer. The clock is `now`; a refresh token ends `days`
after consent.
"""

# ruff: noqa: D102 - most methods are authlib's, which says what they are for
from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationCodeGrant,
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
    RefreshTokenGrant,
    TokenMixin,
)
from authlib.oauth2.rfc6749.errors import InvalidGrantError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7523 import JWTBearerGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialMixin

from flotilla_testing.fake_api import FakeApi, form_of
from flotilla_testing.responses import Request, Response

DAY = 86_400
AUTH = ["client_secret_post", "client_secret_basic", "none"]


@dataclass
class Client(ClientMixin):  # type: ignore[misc]
    """A registered client. Without a secret it is a public one. `key`: the public key of a service account, PEM."""

    id: str
    secret: str = ""
    key: str = ""

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Loopback, any port (RFC 8252 §7.3)."""
        return urlsplit(redirect_uri).hostname in ("127.0.0.1", "localhost")

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") != bool(self.secret)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return True


@dataclass
class Token(TokenMixin):  # type: ignore[misc]
    """An access token, and the refresh token that came with it or led to it."""

    client: str
    access: str
    refresh: str
    scope: str
    user: str
    ends: float
    family: float  # when consent was given: what all tokens of one consent share
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return self.client == client.id

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """An authorization code."""

    code: str
    client: str
    redirect_uri: str
    scope: str
    user: str
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Device(DeviceCredentialMixin):  # type: ignore[misc]
    """A device that waits for somebody to type its code."""

    client: str
    scope: str
    device_code: str
    user_code: str
    ends: float
    asked: int = 0

    def get_client_id(self) -> str:
        return self.client

    def get_scope(self) -> str:
        return self.scope

    def get_user_code(self) -> str:
        return self.user_code

    def is_expired(self) -> bool:
        return False


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, request: Request) -> None:
        super().__init__(
            request.method, request.url.replace("http://", "https://", 1), headers=_Headers(request.headers)
        )
        self._args, self._form = dict(request.query), form_of(request)
        self.payload = BasicOAuth2Payload({**self._args, **self._form})

    @property
    def args(self) -> dict[str, str]:
        return self._args

    @property
    def form(self) -> dict[str, str]:
        return self._form


class _Headers(dict[str, str]):
    """Header names in any case: ours are lower case, authlib asks for Authorization."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, provider: OAuthServer) -> None:
        super().__init__()
        self.provider = provider
        self.register_token_generator("default", provider.token_of)

    def query_client(self, client_id: str) -> Client | None:
        return self.provider.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        self.provider.keep(token, request)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Any) -> _Request:
        return request if isinstance(request, _Request) else _Request(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        text = json.dumps(body) if isinstance(body, dict) else str(body or "")
        date = formatdate(self.provider.now(), usegmt=True)
        return Response(status, text.encode(), {"date": date, **{k.lower(): v for k, v in headers}})


@dataclass
class OAuthServer(FakeApi):
    """The server. `user` is who sits at the browser; `refuses` makes that person say no."""

    clients: dict[str, Client] = field(default_factory=lambda: {"desktop": Client("desktop", "hush")})
    user: str = "helene@atelier.example"
    rotates: bool = False
    lifetime: int = 3600
    days: float = 180
    audience: str = ""
    now: Callable[[], float] = time.time
    refuses: bool = False
    issuer: str = ""  # that redirects name (RFC 9207)
    allowed: frozenset[str] | None = None  # scopes that service accounts may have; None: all
    tokens: list[Token] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    answered: dict[str, bool] = field(default_factory=dict)  # whether a device's user code was approved

    def __post_init__(self) -> None:
        super().__init__()
        self.server = _Server(self)
        self.server.register_grant(_code_grant(self), [CodeChallenge(required=True)])
        self.server.register_grant(_refresh_grant(self))
        self.server.register_grant(_jwt_grant(self))
        self.server.register_grant(_device_grant(self))
        self.server.register_endpoint(_revocation(self))
        self.server.register_endpoint(_device_endpoint(self))
        self.on("GET", "/authorize", self._asked)
        self.on("POST", "/approve", self._approved)
        self.on("POST", "/token", lambda request: self.server.create_token_response(request))
        self.on("POST", "/revoke", lambda request: self.server.create_endpoint_response("revocation", request))
        self.on(
            "POST", "/device", lambda request: self.server.create_endpoint_response("device_authorization", request)
        )
        self.on("GET", "/userinfo", self._userinfo)

    # -- tokens ---------------------------------------------------------------------------------------------------

    def token_of(self, grant_type: str, client: Client, **about: Any) -> dict[str, Any]:
        """Make a token answer."""
        token = {"token_type": "Bearer", "access_token": "at-" + secrets.token_urlsafe(16), "scope": about.get("scope")}
        if self.lifetime:
            token["expires_in"] = self.lifetime
        if about.get("include_refresh_token", True):
            token["refresh_token"] = "rt-" + secrets.token_urlsafe(16)
        return {name: value for name, value in token.items() if value is not None}

    def keep(self, token: dict[str, Any], request: Any) -> None:
        """Remember a token that was issued."""
        old: Token | None = request.refresh_token
        refresh = token.get("refresh_token") or (old.refresh if old else "")
        family = old.family if old else self.now()
        user, ends = str(request.user or ""), self.now() + self.lifetime
        scope = token.get("scope", "")
        self.tokens.append(Token(request.client.id, token["access_token"], refresh, scope, user, ends, family))
        if old and self.rotates:
            old.revoked = True

    def holder(self, request: Request) -> Token | None:
        """Return the valid token that a request carries."""
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        return next((t for t in self.tokens if t.access == bearer and not t.revoked and t.ends > self.now()), None)

    def refreshed_by(self, refresh: str) -> Token | None:
        """Return the grant of a refresh token; one that was rotated away ends all tokens of its consent."""
        of = [t for t in self.tokens if t.refresh == refresh and refresh]
        good = [t for t in of if not t.revoked and t.family + self.days * DAY > self.now()]
        if of and not good:
            self.end(of[-1])
        return good[-1] if good else None

    def end(self, token: Token) -> None:
        """Revoke every token of a consent."""
        for other in self.tokens:
            other.revoked |= (other.client, other.family) == (token.client, token.family)

    # -- what a browser sees --------------------------------------------------------------------------------------

    def _asked(self, request: Request) -> Response:
        try:
            self.server.get_consent_grant(request, self.user)
        except OAuth2Error as wrong:
            return Response(400, f"{wrong.error}: {wrong.description}".encode())
        query = escape(urlsplit(request.url).query)
        page = f'<form method="post" action="/approve?{query}"><button>Allow {escape(dict(request.query)["scope"])}'
        return Response(200, page.encode(), {"content-type": "text/html"})

    def _approved(self, request: Request) -> Response:
        grant = self.server.get_consent_grant(request, self.user)
        user = None if self.refuses else self.user
        answer: Response = self.server.create_authorization_response(grant.request, grant_user=user, grant=grant)
        location = answer.headers["location"] + (f"&{urlencode({'iss': self.issuer})}" if self.issuer else "")
        return replace(answer, headers={**answer.headers, "location": location})

    def _userinfo(self, request: Request) -> Response:
        token = self.holder(request)
        if token is None or "email" not in token.scope.split():
            return Response.of({"error": "invalid_token"}, 401)
        return Response.of({"sub": "1", "email": token.user})


def _code_grant(provider: OAuthServer) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = AUTH

        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            provider.codes[code] = Code(
                code,
                request.client.id,
                request.payload.redirect_uri,
                request.payload.scope,
                request.user,
                data.get("code_challenge"),
                data.get("code_challenge_method"),
            )

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            result = provider.codes.get(code)
            return result if result and result.client == client.id else None

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> str:
            return authorization_code.user

    return Grant


def _refresh_grant(provider: OAuthServer) -> type[RefreshTokenGrant]:
    class Grant(RefreshTokenGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = AUTH

        @property
        def INCLUDE_NEW_REFRESH_TOKEN(self) -> bool:  # noqa: N802 - authlib's name
            return provider.rotates

        def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
            return provider.refreshed_by(refresh_token)

        def authenticate_user(self, refresh_token: Token) -> str:
            return refresh_token.user

        def revoke_old_credential(self, refresh_token: Token) -> None:
            """`keep` does it."""

    return Grant


def _jwt_grant(provider: OAuthServer) -> type[JWTBearerGrant]:
    class Grant(JWTBearerGrant):  # type: ignore[misc]
        def resolve_issuer_client(self, issuer: str) -> Client | None:
            return provider.clients.get(issuer)

        def resolve_client_public_key(self, client: Client) -> Any:
            from joserfc.jwk import RSAKey

            return RSAKey.import_key(client.key)

        def verify_claims(self, claims: Any) -> None:
            now = provider.now()
            if claims["aud"] != provider.audience:
                raise InvalidGrantError(description="Wrong audience")
            if not (now - 3660 < claims["iat"] <= now and now < claims["exp"] <= claims["iat"] + 3600):
                raise InvalidGrantError(description="Token must be a short-lived token and in a reasonable timeframe")
            wanted = set(claims.get("scope", "").split())
            self.request.payload._data["scope"] = claims.get("scope", "")
            if provider.allowed is not None and not wanted <= provider.allowed:
                raise _unauthorized()

        def authenticate_user(self, subject: str) -> str:
            return subject

        def has_granted_permission(self, client: Client, user: str) -> bool:
            return True

    return Grant


def _unauthorized() -> OAuth2Error:
    from authlib.oauth2.rfc6749.errors import UnauthorizedClientError

    return UnauthorizedClientError("Client is unauthorized to retrieve access tokens using this method")


def _device_grant(provider: OAuthServer) -> type[DeviceCodeGrant]:
    class Grant(DeviceCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = AUTH

        def query_device_credential(self, device_code: str) -> Device | None:
            return provider.devices.get(device_code)

        def query_user_grant(self, user_code: str) -> tuple[str, bool] | None:
            approved = provider.answered.get(user_code)
            return None if approved is None else (provider.user, approved)

        def should_slow_down(self, credential: Device) -> bool:
            credential.asked += 1
            return credential.asked == 2

    return Grant


def _device_endpoint(provider: OAuthServer) -> type[DeviceAuthorizationEndpoint]:
    class Endpoint(DeviceAuthorizationEndpoint):  # type: ignore[misc]
        CLIENT_AUTH_METHODS = AUTH
        INTERVAL = 1

        def get_verification_uri(self) -> str:
            return "https://vendor.example/device"

        def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
            ends = provider.now() + data["expires_in"]
            device = Device(client_id, scope, data["device_code"], data["user_code"], ends)
            provider.devices[device.device_code] = device

    return Endpoint


def _revocation(provider: OAuthServer) -> type[RevocationEndpoint]:
    class Endpoint(RevocationEndpoint):  # type: ignore[misc]
        CLIENT_AUTH_METHODS = AUTH

        def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
            return next((t for t in provider.tokens if token_string in (t.access, t.refresh)), None)

        def revoke_token(self, token: Token, request: Any) -> None:
            provider.end(token)

    return Endpoint


def approve(get: Callable[..., Any], post: Callable[..., Any], url: str) -> str:
    """Do what a person at a browser does: open the page, press the button; return where it leads.

    `get` and `post` are a plain HTTP client's, which follows no redirects.
    """
    page = get(url)
    if page.status_code != 200:
        raise AssertionError(page.text)
    action = urlsplit(url)._replace(path="/approve", query=urlencode(parse_qsl(urlsplit(url).query))).geturl()
    return str(post(action).headers["location"])
