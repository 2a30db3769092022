"""A server at a URL that many tenants share: each request brings the settings and credentials of one, sealed."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from flotilla.calls.credentials import HEADER, SUFFIX, CallSeal, Credentials, CredentialsError

from ..backend import NotStartedError
from ..catalog import Entry
from ..remote import Remote


class SealedRemote(Remote):
    """Such a server, as one tenant reaches it. `state_key` is the FLOTILLA_STATE_KEY that the server has too."""

    def __init__(self, entry: Entry, url: str, headers: Mapping[str, str], tenant_id: str, state_key: str) -> None:
        super().__init__(entry, url.rstrip("/") + SUFFIX, headers)
        self._credentials = Credentials(tenant_id, entry.env)
        self._call_seal = CallSeal(entry.slug, state_key)

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:
            super()._client().event_hooks = {"request": [self._seal], "response": [self._check]}
        return super()._client()

    async def _seal(self, request: httpx2.Request) -> None:
        try:
            request.headers[HEADER] = self._call_seal.seal(self._credentials, await request.aread())
        except CredentialsError as problem:
            raise NotStartedError(f"the settings of {self.entry.slug} cannot be sent to it: {problem}") from None

    async def _check(self, response: httpx2.Response) -> None:
        if response.status_code == 404 and not response.headers.get("content-type", "").startswith("application/json"):
            raise NotStartedError(f"{self._name} is not there, or runs without FLOTILLA_CALL_CREDENTIALS=on")
        await super()._check(response)
