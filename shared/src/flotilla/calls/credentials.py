"""A call's credentials on their way from a gateway to a server that many tenants share, sealed for this call alone.

They travel in a header of the request, sealed by AES-256-GCM under a key that is derived from FLOTILLA_STATE_KEY, the
server's name and a random id. Bound to them are the server, the digest of the request's body and the second in which
they expire.
"""

from __future__ import annotations

import json
import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HEADER = "flotilla-credentials"
SUFFIX = "/tenants"  # of the path where such a server listens: one that has an account of its own does not know it
SECONDS = 60  # that sealed credentials are good for
LARGEST = 48_000  # characters of the header: servers read headers of 64 kB in all
ID, TIME = 16, 8  # bytes
NONCE = bytes(12)  # each key seals once


class CredentialsError(Exception):
    """Credentials that are not taken, or cannot be sent. The message is a clause about them, without a full stop."""


@dataclass(frozen=True)
class Credentials:
    """Whose call it is, by the tenant's id, and the variables that its server reads its settings from."""

    tenant: str
    environ: Mapping[str, str]


class CallSeal:
    """Seals and opens the credentials of one server's calls. `clock` returns Unix seconds."""

    def __init__(self, slug: str, state_key: str, clock: Callable[[], float] = time.time) -> None:
        self._slug, self._state_key, self._clock = slug, state_key.encode(), clock
        self._opened: dict[bytes, int] = {}  # the second in which each expires, by id, the oldest first

    def seal(self, credentials: Credentials, body: bytes) -> str:
        """Return credentials as the header of a request with this body. Raises CredentialsError."""
        identity, expires = os.urandom(ID), int(self._clock()) + SECONDS
        contents = json.dumps([credentials.tenant, dict(credentials.environ)]).encode()
        moment = expires.to_bytes(TIME)
        sealed = self._cipher(identity).encrypt(NONCE, contents, self._bound(body, moment))
        text = urlsafe_b64encode(identity + moment + sealed).decode()
        if len(text) > LARGEST:
            raise CredentialsError(f"they take {len(text)} characters, and {LARGEST} is the most")
        return text

    def open(self, header: str, body: bytes) -> Credentials:
        """Return the credentials of a request. Raises CredentialsError for all but the first opening in time."""
        if not header:
            raise CredentialsError("there are none")
        try:
            text = urlsafe_b64decode(header.encode())
            identity, moment, sealed = text[:ID], text[ID : ID + TIME], text[ID + TIME :]
            contents = self._cipher(identity).decrypt(NONCE, sealed, self._bound(body, moment))
        except (ValueError, InvalidTag):
            raise CredentialsError("they were not sealed for this call of this server with this key") from None
        now, expires = self._clock(), int.from_bytes(moment)
        if now >= expires:
            raise CredentialsError(f"they expired {now - expires:.0f} seconds ago")
        self._forget(now)
        if identity in self._opened:
            raise CredentialsError("they were used before")
        self._opened[identity] = expires
        tenant, environ = json.loads(contents)
        return Credentials(tenant, environ)

    def _cipher(self, identity: bytes) -> AESGCM:
        info = f"flotilla/{self._slug}/call".encode()
        return AESGCM(HKDF(SHA256(), length=32, salt=identity, info=info).derive(self._state_key))

    def _bound(self, body: bytes, moment: bytes) -> bytes:
        return sha256(body).digest() + moment + self._slug.encode()

    def _forget(self, now: float) -> None:
        """Forget those that have expired; one that stands behind a later one, since clocks differ, goes with that."""
        while self._opened and (first := next(iter(self._opened))) and self._opened[first] <= now:
            del self._opened[first]
