"""Which tenant calls: from the bearer token alone. Tokens made here, or of an identity provider.

An identity provider's tokens are checked by FastMCP's verifiers, against its keys (JWKS) or by asking it (token
introspection); the claim FLOTILLA_TENANT_CLAIM names the tenant.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

from fastmcp.server.auth import AccessToken, AuthProvider, MultiAuth, TokenVerifier
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier
from fastmcp.server.auth.providers.jwt import JWTVerifier
from pydantic import Field
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Send

from flotilla_launcher.environment import setting, wrong

from ..reporting import report
from .store import StoreError
from .tenant import Tenant
from .tenants import PREFIX, Tenants

CLOCKS = 60.0  # seconds that a provider's clock may be ahead of ours
CLAIM = "tenant"  # where FLOTILLA_TENANT_CLAIM is not set
UNAVAILABLE = "Accounts cannot be looked up at the moment. Nothing was done. Try again in a minute."
SUSPENDED = "This account is suspended. Ask whoever gave you the token to resume it."
OTHERWISE = "otherwise a token that was made for another service would be taken."


class TenantToken(AccessToken):
    """A checked token, and the tenant that it stands for."""

    tenant: Any = Field(exclude=True)


class SignedTokens(JWTVerifier):
    """FastMCP's check of a JWT, and of its times: it must end, and must have begun (RFC 9068, RFC 7519)."""

    async def load_access_token(self, token: str) -> AccessToken | None:
        """Return what stands in a token, None where it is not good."""
        checked = await super().load_access_token(token)
        if checked is None or checked.expires_at is None:
            return None
        begins = checked.claims.get("nbf", 0)
        is_begun = isinstance(begins, int | float) and begins <= time.time() + CLOCKS
        return checked if is_begun else None


class TenantAuth(TokenVerifier):
    """Checks bearer tokens. A suspended tenant's client gets 403 with a sentence, on every path."""

    def __init__(self, tenants: Tenants, others: TokenVerifier | AuthProvider | None, claim: str) -> None:
        super().__init__()
        self._tenants, self._others, self._claim = tenants, others, claim

    async def verify_token(self, token: str) -> TenantToken | None:
        """Return whose token it is, None where it is nobody's."""
        if token.startswith(PREFIX):
            return _checked(await asyncio.to_thread(self._tenants.of_token, token), None)
        checked = await self._others.verify_token(token) if self._others else None
        name = checked.claims.get(self._claim) if checked else None
        if not checked or type(name) is not str:
            return None
        return _checked(await asyncio.to_thread(self._tenants.find, name), checked)

    def get_middleware(self) -> list[Any]:
        """Refuse suspended tenants right after the token is checked, and everybody while that cannot be done."""
        return [Middleware(_SayUnavailable), *super().get_middleware(), Middleware(_RefuseSuspended)]


def _checked(tenant: Tenant | None, checked: AccessToken | None) -> TenantToken | None:
    if tenant is None:
        return None
    expires = checked.expires_at if checked else None
    subject = checked.subject if checked else None
    # The token itself is not kept. A session belongs to this tenant and subject: mcp compares them.
    return TenantToken(token="", client_id=tenant.id, scopes=[], expires_at=expires, subject=subject, tenant=tenant)


class _SayUnavailable:
    """Answers 503 where the database cannot be asked whose a token is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except StoreError as error:
            report(str(error))
            response = JSONResponse({"error": "temporarily_unavailable", "error_description": UNAVAILABLE}, 503)
            await response(scope, receive, send)


class _RefuseSuspended:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        token = getattr(scope.get("user"), "access_token", None)
        if isinstance(token, TenantToken) and not token.tenant.active:
            response = JSONResponse({"error": "access_denied", "error_description": SUSPENDED}, 403)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)


def authentication(tenants: Tenants, environ: Mapping[str, str]) -> TenantAuth:
    """Return the check of tokens that the environment asks for. Raises SettingError."""

    def value(name: str) -> str:
        return setting(name, environ, guard=True) or ""

    verifiers: list[TokenVerifier] = []
    audience = value("FLOTILLA_JWT_AUDIENCE")
    if keys := value("FLOTILLA_JWT_KEYS"):
        issuer = value("FLOTILLA_JWT_ISSUER")
        if not issuer or not audience:
            raise wrong(
                "FLOTILLA_JWT_KEYS is set without FLOTILLA_JWT_ISSUER and FLOTILLA_JWT_AUDIENCE.",
                f"Set both: {OTHERWISE}",
            )
        verifiers.append(SignedTokens(jwks_uri=keys, issuer=issuer, audience=audience))
    if url := value("FLOTILLA_INTROSPECTION_URL"):
        if not audience:
            raise wrong("FLOTILLA_INTROSPECTION_URL is set without FLOTILLA_JWT_AUDIENCE.", f"Set it: {OTHERWISE}")
        verifiers.append(
            IntrospectionTokenVerifier(
                introspection_url=url,
                client_id=value("FLOTILLA_INTROSPECTION_CLIENT_ID"),
                client_secret=value("FLOTILLA_INTROSPECTION_CLIENT_SECRET"),
                audience=audience,
            )
        )
    others = MultiAuth(verifiers=verifiers) if verifiers else None
    return TenantAuth(tenants, others, value("FLOTILLA_TENANT_CLAIM") or CLAIM)
