"""The transport to a token endpoint: authlib writes the request and reads the response, this module sends it.

The same rules as for the API: declared hosts only, encrypted, a response of limited size, one more attempt where that
does no harm, and a time limit.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx2 as httpx

from flotilla import errors
from flotilla.http.auth import Auth
from flotilla.http.hosts import check_encrypted, is_allowed, origin
from flotilla.http.responses import patience, retry_after
from flotilla.http.transport import HOP_HEADERS, NEVER_SENT
from flotilla_launcher.version import VERSION

if TYPE_CHECKING:  # imported at run time only where it is needed
    from authlib.integrations.httpx_client import AsyncOAuth2Client

LONGEST = 15.0  # seconds of a whole renewal, so that no endpoint holds the lock that all processes wait for
LARGEST = 1_000_000  # bytes of an answer
TRIES = 2
WAIT = 5.0  # seconds of a Retry-After that are worth waiting for


class TokenEndpoint(httpx.AsyncBaseTransport):
    """Sends the requests of a grant. `token_url_field` is the settings field of the address, if it has one."""

    def __init__(self, grant: Auth, token_url: str, token_url_field: str) -> None:
        self._grant, self._token_url, self._token_url_field = grant, token_url, token_url_field
        self._client = httpx.AsyncClient(timeout=LONGEST)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and return the answer, its body read.

        Raises errors.RateLimitError, errors.ConfigurationError and errors.UpstreamError.
        """
        self._check(request.url)
        request.headers["User-Agent"] = f"flotilla-{self._grant.integration.slug}/{VERSION}"
        retry = self._grant.connection.network.retry
        for attempt in range(1, TRIES + 1):
            wait = retry.backoff(attempt)
            try:
                response = await self._read(await self._client.send(request, stream=True))
            except NEVER_SENT:
                if attempt == TRIES:
                    raise
            else:
                asked = retry_after(response)
                wait = wait if asked is None else asked
                if response.status_code != 429 and response.status_code < 500:
                    return response
                if attempt == TRIES or wait > WAIT:
                    return self._given_up(response, asked)
            await retry.sleep(wait)
        raise AssertionError

    def _given_up(self, response: httpx.Response, asked: float | None) -> httpx.Response:
        """Return an answer that failed to the end; raises errors.RateLimitError for one that refuses for now."""
        if response.status_code == 429:
            title = self._grant.integration.title
            hint = patience(60 if asked is None else asked)
            raise errors.RateLimitError(f"{title} gives no access token for now (429).", hint, again=False)
        return response

    def _check(self, url: httpx.URL) -> None:
        """Raise errors.ConfigurationError unless the address is the API's or the operator's, or declared."""
        grant = self._grant
        connection = grant.connection
        own = [origin(httpx.URL(str(getattr(connection.settings, field)))) for field in grant.base_fields]
        if self._token_url_field:
            check_encrypted(connection, url, self._token_url_field)
            own.append(origin(httpx.URL(self._token_url)))
        if not is_allowed(connection, url, *own):
            raise errors.ConfigurationError(
                f"The access tokens of {grant.integration.title} come from {errors.excerpt(origin(url), 80)}, "
                "which this server may not contact.",
                "Tell the operator: it must be among the server's hosts.",
            )

    async def _read(self, response: httpx.Response) -> httpx.Response:
        body = bytearray()
        try:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LARGEST:
                    title = self._grant.integration.title
                    raise errors.UpstreamError(
                        f"{title} answered with more than {LARGEST // 1_000_000} MB to a renewal.",
                        "Try again later; if it stays, tell the user.",
                    )
        finally:
            await response.aclose()
        headers = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in HOP_HEADERS]
        return readable(
            httpx.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)
        )


def readable(response: httpx.Response) -> httpx.Response:
    """Return the answer of a token endpoint without fields that are not what they should be, as if they were missing.

    authlib fails on a lifetime that is no number, and the refresh token that came with it would be lost: the vendor has
    ended the one before. A token that is null or empty is none, and never takes the place of another one.
    """
    try:
        document = response.json()
    except ValueError:
        return response
    if not isinstance(document, dict) or all(_is_usable(*field) for field in document.items()):
        return response
    usable = {name: value for name, value in document.items() if _is_usable(name, value)}
    return httpx.Response(response.status_code, json=usable, request=response.request)


def _is_usable(name: str, value: Any) -> bool:
    if name in ("access_token", "refresh_token"):
        return isinstance(value, str) and value != ""
    if name not in ("expires_in", "expires_at"):
        return True
    try:
        return int(value) > 0
    except (TypeError, ValueError, OverflowError):
        return False


def client_of(grant: Auth, client_auth: str, token_url: str, token_url_field: str) -> AsyncOAuth2Client:
    """Return authlib's client of a grant."""
    from authlib.integrations.httpx_client import AsyncOAuth2Client

    secret = [] if client_auth == "none" else [grant.needed("client_id"), grant.needed("client_secret")]
    endpoint = TokenEndpoint(grant, token_url, token_url_field)
    method = auth_method(client_auth)
    return AsyncOAuth2Client(*secret, token_endpoint_auth_method=method, transport=endpoint, timeout=LONGEST)


def auth_method(name: str) -> Any:
    """Return the way in which a client shows who it is, as authlib takes it: one of its own names, or a function.

    `client_secret_basic_json` is by Basic with the fields as JSON, for token endpoints that take no forms.
    """
    return _basic_and_json if name == "client_secret_basic_json" else name


def _basic_and_json(client: Any, method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, bytes]:
    credentials = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
    headers["Authorization"], headers["Content-Type"] = f"Basic {credentials}", "application/json"
    form = body.decode() if isinstance(body, bytes) else body or ""
    return uri, headers, json.dumps(dict(parse_qsl(form, keep_blank_values=True))).encode()


def not_renewed(title: str, error: Exception) -> errors.UpstreamError:
    """Return the error of a renewal that got no response, or one that cannot be read."""
    reason = f"the answer cannot be read ({type(error).__name__})"
    if isinstance(error, httpx.HTTPStatusError):
        reason = f"{error.response.status_code}"
    elif isinstance(error, TimeoutError | httpx.TimeoutException):
        reason = f"no answer within {LONGEST:g} seconds"
    elif isinstance(error, NEVER_SENT):
        reason = f"{title} cannot be reached"
    elif isinstance(error, httpx.TransportError):
        reason = "the connection was cut"
    return errors.UpstreamError(f"The access token could not be renewed: {reason}.", "Try again later.")
