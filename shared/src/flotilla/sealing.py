"""Sealing: saved documents, and texts that clients hold, are encrypted (AES-GCM) under the server's state key.

The state key is FLOTILLA_STATE_KEY, else a random one that is made once in the server's state folder. For each use
(documents, confirmations, …) of each server a key of its own is derived from it. A configured key seals; the folder's
key still opens what was sealed before there was a configured one.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from mcp.server.request_state import AESGCMRequestStateCodec

MARK = b"flotilla-sealed-1\n"
NONCE = 12  # bytes


class Keys:
    """The state keys of one server, the sealing one first.

    `shared`: another process with the same state has them too; else they end with this one.
    """

    def __init__(self, slug: str, keys: Sequence[str], shared: bool) -> None:
        self._slug, self._keys, self.shared = slug, tuple(dict.fromkeys(keys)), shared
        self._derived = cache(self._derive)

    @classmethod
    def of_this_process(cls, slug: str) -> Keys:
        """Return random keys that end with the process."""
        return cls(slug, [secrets.token_hex(32)], shared=False)

    def _derive(self, use: str) -> list[bytes]:
        info = f"flotilla/{self._slug}/{use}".encode()
        return [HKDF(SHA256(), length=32, salt=None, info=info).derive(key.encode()) for key in self._keys]

    def codec(self, use: str) -> AESGCMRequestStateCodec:
        """Return the codec of texts that clients hold."""
        return AESGCMRequestStateCodec(self._derived(use))

    def seal(self, data: bytes, name: str) -> bytes:
        """Seal a document; it opens under this name only."""
        nonce = os.urandom(NONCE)
        return MARK + nonce + AESGCM(self._derived("documents")[0]).encrypt(nonce, data, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """Return a document. Raises ValueError when it was sealed with another key, for another name, or changed."""
        nonce, data = sealed[len(MARK) : len(MARK) + NONCE], sealed[len(MARK) + NONCE :]
        if sealed.startswith(MARK) and len(nonce) == NONCE:
            for key in self._derived("documents"):
                with suppress(InvalidTag):
                    return AESGCM(key).decrypt(nonce, data, name.encode())
        raise ValueError("not sealed with these keys")


class LazyCodec:
    """A codec whose keys are looked up when it is used: making a server touches no state folder."""

    def __init__(self, keys: Callable[[], Keys], use: str) -> None:
        self._keys, self._use = keys, use

    def seal(self, payload: bytes) -> str:
        """Return a text that a client can hold."""
        return self._keys().codec(self._use).seal(payload)

    def unseal(self, token: str) -> bytes:
        """Reverse `seal`; raises InvalidRequestState."""
        return self._keys().codec(self._use).unseal(token)
