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
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from flotilla.calls.used_ids import ID, SKEW, UsedIds

HEADER = "flotilla-credentials"
SUFFIX = "/tenants"  # of the path where such a server listens: one that has an account of its own does not know it
SECONDS = 60  # that sealed credentials are good for
LARGEST = 48_000  # characters of the header: servers read headers of 64 kB in all
TIME = 8  # bytes
NONCE = bytes(12)  # each key seals once


class CredentialsError(Exception):
    """Credentials that are not taken, or cannot be sent. The message is a clause about them, without a full stop."""


@dataclass(frozen=True)
class Credentials:
    """Whose call it is, by the tenant's id, and the variables that its server reads its settings from.

    `access` holds the tokens of its account, where the gateway renews them.
    """

    tenant: str
    environ: Mapping[str, str]
    access: Mapping[str, Any] = field(default_factory=dict)


class CallSeal:
    """Seals and opens the credentials of one server's calls, each once. `clock` returns Unix seconds."""

    def __init__(
        self, slug: str, state_key: str, clock: Callable[[], float] = time.time, used: UsedIds | None = None
    ) -> None:
        self._slug, self._state_key, self._clock, self._used = slug, state_key.encode(), clock, used or UsedIds()

    def seal(self, credentials: Credentials, body: bytes) -> str:
        """Return credentials as the header of a request with this body. Raises CredentialsError."""
        identity, expires = os.urandom(ID), int(self._clock()) + SECONDS
        contents = json.dumps([credentials.tenant, dict(credentials.environ), dict(credentials.access)]).encode()
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
        if expires > now + SECONDS + SKEW:
            raise CredentialsError(f"they were sealed {expires - SECONDS - now:.0f} seconds from now")
        if not self._used.claim(identity, expires, now):
            raise CredentialsError("they were used before")
        return Credentials(*json.loads(contents))

    def _cipher(self, identity: bytes) -> AESGCM:
        info = f"flotilla/{self._slug}/call".encode()
        return AESGCM(HKDF(SHA256(), length=32, salt=identity, info=info).derive(self._state_key))

    def _bound(self, body: bytes, moment: bytes) -> bytes:
        return sha256(body).digest() + moment + self._slug.encode()
