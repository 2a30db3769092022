"""The OAuth login of an own server: its token is sent with each request, and renewed when it has expired.

A person logs in with `scripts/flotilla servers connect`, never in the middle of a call. The login stands in the state
folder, where every switchboard reads it; one of them renews it at a time.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from .own_servers import OwnServer, private_path, read_private, write_private

LOGIN = "login"
EARLY = 30.0  # seconds before its end that a token is renewed
RETRIED = "flotilla.retried"  # extension of a request that is sent with a renewed token


class SavedLogin(httpx2.Auth):
    """Adds the access token of a saved login to requests. Raises what `refusal` returns where none holds any more."""

    def __init__(self, server: OwnServer, state: Path, refusal: Callable[[], Exception]) -> None:
        self._server, self._state, self._refusal = server, state, refusal

    def is_spent(self, request: httpx2.Request) -> bool:
        """Tell whether a request was sent with a renewed token already."""
        return bool(request.extensions.get(RETRIED))

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send a request with the token; with a renewed one where it has expired or is refused."""
        login = read_private(self._state, self._server, LOGIN)
        if not login.get("access_token"):
            raise self._refusal()
        if (login.get("expires_at") or time.time() + 2 * EARLY) < time.time() + EARLY:
            async with self._alone(login["access_token"]) as newer:
                login = newer or await self._saved(login, (yield self._renewal(login)))
        request.headers["Authorization"] = f"Bearer {login['access_token']}"
        response = yield request
        if response.status_code != 401:
            return
        async with self._alone(login["access_token"]) as newer:
            login = newer or await self._saved(login, (yield self._renewal(login)))
        request.headers["Authorization"] = f"Bearer {login['access_token']}"
        request.extensions[RETRIED] = True
        yield request

    @asynccontextmanager
    async def _alone(self, token: str) -> AsyncIterator[dict[str, Any] | None]:
        """Hold the login against other processes; give the one that another process has renewed meanwhile, if any."""
        path = private_path(self._state, self._server.name, LOGIN).with_suffix(".lock")
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.05)
            login = read_private(self._state, self._server, LOGIN)
            yield login if login.get("access_token") not in (None, token) else None
        finally:
            os.close(fd)

    def _renewal(self, login: Mapping[str, Any]) -> httpx2.Request:
        if not login.get("refresh_token") or not login.get("token_url"):
            raise self._refusal()
        return renewal(login)

    async def _saved(self, login: Mapping[str, Any], response: httpx2.Response) -> dict[str, Any]:
        """Keep what the token endpoint has given; raise where it refuses."""
        await response.aread()
        try:
            response_values = response.json() if response.status_code == 200 else {}
        except ValueError:
            response_values = {}
        if not isinstance(response_values, dict) or not isinstance(response_values.get("access_token"), str):
            raise self._refusal()
        new = {**login, **granted(response_values)}
        write_private(self._state, self._server, LOGIN, new, again=True)
        return new


def granted(token: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a token response; `expires_at` is in Unix seconds, None where nobody knows."""
    values = {key: token[key] for key in ("access_token", "refresh_token", "scope") if token.get(key)}
    seconds = token.get("expires_in")
    return {**values, "expires_at": time.time() + seconds if isinstance(seconds, int | float) else None}


def renewal(login: Mapping[str, Any]) -> httpx2.Request:
    """Return the request that renews a login (RFC 6749, section 6)."""
    data = {"grant_type": "refresh_token", "refresh_token": login["refresh_token"], "client_id": login["client_id"]}
    data |= {"resource": login["resource"]} if login.get("resource") else {}
    headers, secret = {"Accept": "application/json"}, login.get("client_secret")
    if secret and login.get("auth_method") == "client_secret_basic":
        pair = f"{quote(login['client_id'], safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    elif secret:
        data["client_secret"] = secret
    return httpx2.Request("POST", login["token_url"], data=data, headers=headers)
