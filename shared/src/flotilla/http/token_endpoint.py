"""The way to a token endpoint: authlib writes the request and reads the answer, what travels goes through here.

The same rules as for the API: declared hosts only, encrypted, an answer of limited size, one more try where that does
no harm, and an end in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2 as httpx

from flotilla import errors
from flotilla.http.hosts import check_encrypted, is_allowed, origin
from flotilla.http.responses import patience, retry_after
from flotilla.http.transport import HOP_HEADERS, NEVER_SENT
from flotilla_launcher.version import VERSION

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

    from flotilla.http.oauth import Grant

LONGEST = 15.0  # seconds of a whole renewal, so that no endpoint holds the lock that all processes wait for
LARGEST = 1_000_000  # bytes of an answer
TRIES = 2
WAIT = 5.0  # seconds of a Retry-After that are worth waiting for


class TokenEndpoint(httpx.AsyncBaseTransport):
    """What a grant's client sends through."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant
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
            then = patience(60 if asked is None else asked)
            raise errors.RateLimitError(f"{title} gives no access token for now (429).", then, again=False)
        return response

    def _check(self, url: httpx.URL) -> None:
        """Raise errors.ConfigurationError unless the address is declared, the operator's, or beside the API, and
        encrypted."""
        grant = self._grant
        connection = grant.connection
        own = [origin(httpx.URL(str(getattr(connection.settings, field)))) for field in grant.base_fields]
        if grant.token_url_field:
            check_encrypted(connection, url, grant.token_url_field)
            own.append(origin(httpx.URL(grant.token_url)))
        if not is_allowed(connection, url, *own):
            raise errors.ConfigurationError(
                f"The access tokens of {grant.integration.title} come from {errors.excerpt(origin(url), 80)}, which "
                "this server "
                "may not contact.",
                "Tell the operator: it must be among the server's hosts.",
            )

    async def _read(self, response: httpx.Response) -> httpx.Response:
        body = bytearray()
        try:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LARGEST:
                    what = (
                        f"{self._grant.integration.title} answered with more than {LARGEST // 1_000_000} MB to a "
                        "renewal."
                    )
                    raise errors.UpstreamError(what, "Try again later; if it stays, tell the user.")
        finally:
            await response.aclose()
        headers = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in HOP_HEADERS]
        return httpx.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)


def client_of(grant: Grant, client_auth: str) -> AsyncOAuth2Client:
    """Return authlib's client of a grant."""
    from authlib.integrations.httpx_client import AsyncOAuth2Client

    secret = [] if client_auth == "none" else [grant.needed("client_id"), grant.needed("client_secret")]
    endpoint = TokenEndpoint(grant)
    return AsyncOAuth2Client(*secret, token_endpoint_auth_method=client_auth, transport=endpoint, timeout=LONGEST)


def unrenewed(title: str, wrong: Exception) -> errors.UpstreamError:
    """Return the problem of a renewal that got no answer, or one that cannot be read."""
    how = f"the answer cannot be read ({type(wrong).__name__})"
    if isinstance(wrong, httpx.HTTPStatusError):
        how = f"{wrong.response.status_code}"
    elif isinstance(wrong, TimeoutError | httpx.TimeoutException):
        how = f"no answer within {LONGEST:g} seconds"
    elif isinstance(wrong, NEVER_SENT):
        how = f"{title} cannot be reached"
    elif isinstance(wrong, httpx.TransportError):
        how = "the connection was cut"
    return errors.UpstreamError(f"The access token could not be renewed: {how}.", "Try again later.")
