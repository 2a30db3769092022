"""OAuth 2: a refresh token, or a signed assertion, is exchanged for access tokens.

    api = Api(integration, auth=OAuth2("https://vendor.example/oauth/token"))          # a refresh token (RFC 6749 §6)
    api = Api(integration, auth=JwtBearer("token_url", issuer="account", key="key"))   # a signed assertion (RFC 7523)

A token URL is an address, or the settings field that holds one. Getting a user's consent is not part of
this module: see `consent` and scripts/login. Where the refresh token is GIVEN, the switchboard renews the tokens, and
an access token comes with each call.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx2 as httpx

from flotilla import errors
from flotilla.calls.context import current
from flotilla.calls.finishing import must_finish
from flotilla.http.auth import Auth
from flotilla.http.responses import patience
from flotilla.http.scopes import scopes
from flotilla.http.token_endpoint import LONGEST, client_of, not_renewed
from flotilla.settings import remember_secret
from flotilla.state import digest
from flotilla_launcher.protocol import GIVEN

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

AGAIN = 5.0  # seconds after a failed renewal in which it is not tried again
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SKEW = 60  # seconds that a clock may be off

_UNREADABLE = (KeyError, ValueError, TypeError, AttributeError, RecursionError)  # of a response without a token


@dataclass(eq=False)
class Tokens:
    """The tokens of one connection, as one grant holds them."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: dict[str, Any] = field(default_factory=dict)
    unsaved: bool = False  # a refresh token that is in memory alone
    refused: tuple[str, float, errors.FlotillaError] | None = None  # the refresh source, until when, the error


class Grant(Auth):
    """Base: access tokens are renewed ahead of expiry, and once after a 401, by one caller at a time.

    They are saved in the server's state before they are used, together with a digest of the refresh source that they
    came from. Processes that share the state renew one after the other, and the end of a process never interrupts a
    renewal. A new refresh token that cannot be saved is used all the same; every result says so until a later call has
    saved it. `extra_fields` names further fields of the token endpoint's response, see `extra`. `revoked_hint` is the
    next step when the grant has ended (`{slug}` in it is the server's), `unknown_client_hint` when the client is
    refused.
    """

    def __init__(
        self,
        token_url: str,
        *,
        client_auth: str = "client_secret_post",
        leeway: float = 60,
        now: Callable[[], float] | None = None,
        extra_fields: Sequence[str] = (),
        revoked_hint: str = "Ask the user to connect the account again and to set the new refresh token.",
        unknown_client_hint: str = "Check client_id and client_secret.",
    ) -> None:
        super().__init__()
        self._token_url, self.client_auth, self.leeway = token_url, client_auth, leeway
        self._now, self._extra_fields = now, tuple(extra_fields)
        self.revoked_hint, self.unknown_client_hint = revoked_hint, unknown_client_hint

    @property
    def tokens(self) -> Tokens:
        """The tokens of the running call's connection."""
        return self.connection.resource(self, Tokens)

    def refresh_source(self) -> str:
        """Return what is exchanged for access tokens, as one text."""
        raise NotImplementedError

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the token endpoint's answer; `held` are the tokens so far. Raises authlib's OAuthError."""
        raise NotImplementedError

    def fields(self) -> Sequence[str]:
        """Return the settings fields that are read: that of the token URL, and those of the client."""
        client = () if self.client_auth == "none" else ("client_id", "client_secret")
        return (self.token_url_field, *client) if self.token_url_field else client

    @property
    def token_url_field(self) -> str:
        """The settings field that holds the token URL, so that it is the operator's; "" where it stands in the code."""
        return "" if "://" in self._token_url else self._token_url

    @property
    def token_url(self) -> str:
        """Where tokens come from."""
        return self.needed(self.token_url_field) if self.token_url_field else self._token_url

    def now(self) -> float:
        """Return the time in seconds: looked up each time, so that a test can set the clock."""
        return (self._now or time.time)()

    def configured(self) -> bool:
        """Tell whether there is something to exchange."""
        return bool(self.refresh_source())

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a valid access token; after a 401 renew it and send once more."""
        token = await self.access_token()
        request.headers[self.header] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:  # nothing was carried out, so a write may be sent again too
            await response.aread()
            request.headers[self.header] = f"Bearer {await self.access_token(instead_of=token)}"
            yield request

    async def access_token(self, instead_of: str = "") -> str:
        """Return a valid access token, another one than `instead_of`."""
        if self.refresh_source() == GIVEN:
            return self._given(instead_of)
        if self.tokens.unsaved or not self._good(self.tokens.token, instead_of):
            await must_finish(self._renew(instead_of))  # its answer may hold a new refresh token
        return str(self.tokens.token["access_token"])

    def _given(self, instead_of: str) -> str:
        """Return the access token that came with the running call."""
        call = current()
        token = str(call.access.get("access_token") or "")
        if token in ("", instead_of):
            call.access_refused = bool(token)
            raise errors.AuthenticationError(
                f"{self.integration.title} does not accept the access token of this account.",
                "Call again, which renews it; if it stays, ask the user to connect the account again.",
            )
        remember_secret(token)
        self.tokens.token = call.access
        return token

    async def _renew(self, instead_of: str) -> None:
        async with self.tokens.lock:
            if self._good(self.tokens.token, instead_of):
                if self.tokens.unsaved:
                    self._save(self.tokens.token)
                return
            async with self._alone():
                # Another process may have renewed it.
                held = self.tokens.token if self.tokens.unsaved else self._saved()
                self.tokens.token = held if self._good(held, instead_of) else await self._renewed(held)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Keep out other processes; without a state folder there is nothing that they could share."""
        async with AsyncExitStack() as stack:
            with suppress(errors.ConfigurationError):
                await stack.enter_async_context(self.connection.state.alone("oauth"))
            yield

    def extra(self, name: str) -> str:
        """Return a field that the token endpoint answered with, such as whose tokens they are; empty without one."""
        return str(self.tokens.token.get(name) or "")

    def _good(self, token: Mapping[str, Any], instead_of: str) -> bool:
        usable = token.get("access_token", "") not in ("", instead_of)
        return usable and bool(token["expires_at"] - self.leeway > self.now())

    def _saved(self) -> dict[str, Any]:
        """Return the saved tokens, unless the user has connected anew since."""
        saved = self.connection.state.get("oauth") or {}
        if saved.get("origin") != digest(self.refresh_source()):
            return {}
        remember_secret(saved["access_token"])
        remember_secret(saved["refresh_token"])
        return dict(saved)

    async def _renewed(self, held: Mapping[str, Any]) -> dict[str, Any]:
        from authlib.integrations.base_client import OAuthError

        source = digest(self.refresh_source())
        if self.tokens.refused and self.tokens.refused[0] == source and self.now() < self.tokens.refused[1]:
            raise self.tokens.refused[2]
        try:
            async with (
                asyncio.timeout(LONGEST),
                client_of(self, self.client_auth, self.token_url, self.token_url_field) as client,
            ):
                answer = await self.exchange_token(client, held)
            tokens: dict[str, Any] = {
                **{name: answer.get(name) or held.get(name) for name in self._extra_fields},
                "access_token": str(answer["access_token"]),
                "refresh_token": str(answer.get("refresh_token") or held.get("refresh_token") or ""),
                "expires_at": self.now() + float(answer.get("expires_in") or 3600),  # by our clock alone
                "origin": digest(self.refresh_source()),
            }
        except OAuthError as refusal:
            raise self._remembered(source, self._problem(refusal.error)) from None
        except errors.FlotillaError as problem:
            raise self._remembered(source, problem) from None
        except (httpx.HTTPError, TimeoutError, *_UNREADABLE) as error:
            raise self._remembered(source, not_renewed(self.integration.title, error)) from None
        remember_secret(tokens["access_token"])
        remember_secret(tokens["refresh_token"])
        self._save(tokens)  # before use: a rotated token that is lost locks the user out
        return tokens

    def _save(self, tokens: dict[str, Any]) -> None:
        """Save tokens, of the refresh token only another one than the configured one."""
        rotated = tokens["refresh_token"] not in ("", self.refresh_source())
        try:
            self.connection.state.put("oauth", tokens if rotated else {**tokens, "refresh_token": ""})
        except errors.ConfigurationError as problem:
            self.connection.audit.line("tokens not saved", level="error" if rotated else "warning", reason=str(problem))
            if rotated:
                self.connection.warnings["oauth"] = (
                    f"The renewed access to {self.integration.title} could not be saved: when this server ends it is "
                    f"lost, and the account must be connected again. {problem}"
                )
            self.tokens.unsaved = rotated
            return
        self.tokens.unsaved = False
        self.connection.warnings.pop("oauth", None)

    def _remembered(self, source: str, problem: errors.FlotillaError) -> errors.FlotillaError:
        """Note a renewal that failed, so that the next calls do not ask again at once; returns the problem."""
        self.tokens.refused = (source, self.now() + AGAIN, problem)
        return problem

    def _problem(self, error: object) -> errors.FlotillaError:
        """Return the problem that an OAuth error code is (RFC 6749 §5.2)."""
        code = error if isinstance(error, str) and re.fullmatch(r"[\w.:/-]{1,60}", error, re.ASCII) else "no known code"
        if code in ("invalid_client", "unauthorized_client"):
            return errors.AuthenticationError(f"The OAuth client is not accepted ({code}).", self.unknown_client_hint)
        if code in ("slow_down", "temporarily_unavailable"):
            return errors.RateLimitError(
                f"{self.integration.title} gives no access token for now ({code}).", patience(60), again=False
            )
        if code != "invalid_grant":  # a policy, a wrong scope: the grant itself may be good
            return errors.AuthenticationError(
                f"No access token is given ({code}).", "Try again later; if it stays, tell the user."
            )
        hint = self.revoked_hint.replace("{slug}", self.integration.slug)
        return errors.AuthenticationError(f"Access was revoked or has expired ({code}).", hint)


class OAuth2(Grant):
    """A refresh token: the settings fields client_id, client_secret and refresh_token.

    A rotated refresh token wins over the configured one until that one changes.
    """

    def fields(self) -> Sequence[str]:
        """Return what every grant reads, and the refresh token."""
        return (*super().fields(), "refresh_token")

    def refresh_source(self) -> str:
        """Return the refresh token that the user set."""
        return self.value("refresh_token")

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refresh (RFC 6749 §6)."""
        newest = held.get("refresh_token") or self.needed("refresh_token")
        answer: Mapping[str, Any] = await client.refresh_token(self.token_url, refresh_token=newest)
        return {"refresh_token": newest, **answer}


class JwtBearer(Grant):
    """An assertion that this server signs, for service accounts (RFC 7523 §2.1).

    `issuer`, `key` (PEM) and `subject`, whom it acts for, are names of settings fields. It asks for the scopes that
    the tools on show need.
    """

    def __init__(
        self, token_url: str, *, issuer: str = "", key: str = "", subject: str = "", alg: str = "RS256", **more: Any
    ) -> None:
        super().__init__(token_url, client_auth="none", **more)
        self._issuer, self._key, self._subject, self.alg = issuer, key, subject, alg

    def fields(self) -> Sequence[str]:
        """Return what every grant reads, and the fields that were named."""
        return (*super().fields(), *(name for name in (self._issuer, self._key, self._subject) if name))

    def identity(self) -> tuple[str, str]:
        """Return the issuer and its private key, both empty where they are not configured."""
        return self.value(self._issuer), self.value(self._key)

    def refresh_source(self) -> str:
        """Return all that decides which token comes back."""
        issuer, key = self.identity()
        parts = (issuer, key, self.value(self._subject), *scopes(self.integration, self.connection.environ))
        return "\n".join(parts) if key else ""

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Sign and send; where this machine's clock is wrong, once more by the clock of the token endpoint."""
        from authlib.integrations.base_client import OAuthError

        dates: list[float] = []

        def note(response: httpx.Response) -> httpx.Response:
            with suppress(KeyError, ValueError, OverflowError):
                dates.append(parsedate_to_datetime(response.headers["date"]).timestamp())
            return response

        client.register_compliance_hook("access_token_response", note)
        try:
            return await self._sent(client, self.now())
        except OAuthError as refusal:
            off = bool(dates) and abs(dates[-1] - self.now()) > SKEW
            if refusal.error != "invalid_grant" or not off:
                raise
        return await self._sent(client, dates[-1])

    async def _sent(self, client: AsyncOAuth2Client, now: float) -> Mapping[str, Any]:
        from authlib.oauth2.rfc7523 import JWTBearerGrant
        from joserfc.errors import JoseError
        from joserfc.jwk import import_key

        issuer, key = self.identity()
        if not key and self._key:
            self.needed(self._key)
        try:
            assertion = JWTBearerGrant.sign(
                import_key(key, "EC" if self.alg.startswith("ES") else "RSA"),
                issuer,
                self.token_url,
                subject=self.value(self._subject) or None,
                issued_at=int(now) - SKEW,  # one that is "from the future" is refused
                claims={"scope": " ".join(scopes(self.integration, self.connection.environ))},
                alg=self.alg,
            )
        except (JoseError, ValueError, TypeError):
            raise errors.ConfigurationError(
                "The private key cannot be read.", "Ask the user to set it whole, as it was given."
            ) from None
        answer: Mapping[str, Any] = await client.fetch_token(self.token_url, grant_type=JWT_BEARER, assertion=assertion)
        return answer
