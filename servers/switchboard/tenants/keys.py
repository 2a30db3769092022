"""Key-encryption keys: what seals each tenant's data key. From a file or the environment, or OpenBao's transit engine.

FLOTILLA_TENANT_KEY (or FLOTILLA_TENANT_KEY_FILE) holds one key, or several with blanks or line ends between them: the
first one seals, all of them open. So a key is changed while the switchboards run: see `docs/tenants.md`. Where neither
is set, a key is made in the user's configuration folder, which no backup of the database or of the state holds.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from flotilla.mounts import is_kept
from flotilla_launcher.environment import SettingError, setting
from flotilla_launcher.key_files import key_in

VARIABLE = "FLOTILLA_TENANT_KEY"
NONCE = 12  # bytes, at the beginning of what is sealed
LOCAL = "local"


class VaultError(SettingError):
    """What was saved cannot be opened, or nothing can be saved. The message is a sentence, and what to do next."""


def seal(key: bytes, data: bytes, context: str) -> bytes:
    """Return data, sealed by AES-256-GCM; it opens with the same key in the same context only."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    """Reverse `seal`. Raises InvalidTag and ValueError."""
    return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())


class KeyEncryption(Protocol):
    """Seals and opens data keys. `context` is where the key belongs; it opens there only."""

    def wrap(self, key: bytes, context: str) -> str:
        """Return a data key, sealed. Raises VaultError."""

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """Return a sealed data key. Raises VaultError."""

    def rewrap(self, wrapped: str, context: str) -> str:
        """Return it sealed with the newest key-encryption key. Raises VaultError."""


class LocalKeys:
    """Keys that this process has: `read` returns their text, and is asked again where a key is not known."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._by_id: dict[str, bytes] = {}
        self._first = ""
        self._load()

    def _load(self) -> None:
        texts = self._read().split()
        if not texts or any(len(text) < 32 for text in texts):
            raise VaultError(f"{VARIABLE} has fewer than 32 characters.", "Set a longer one: `openssl rand -hex 32`.")
        info = b"flotilla/tenants/key-encryption"
        keys = [HKDF(SHA256(), length=32, salt=None, info=info).derive(text.encode()) for text in texts]
        named = {hashlib.sha256(b"id" + key).hexdigest()[:12]: key for key in keys}
        self._by_id, self._first = named, next(iter(named))

    def wrap(self, key: bytes, context: str) -> str:
        """Return `local:<id of the key>:<base64 of nonce and sealed key>`.

        The file is read again: what was sealed with a key that was replaced meanwhile would be lost with that one.
        """
        self._load()
        sealed = seal(self._by_id[self._first], key, context)
        return f"{LOCAL}:{self._first}:{base64.b64encode(sealed).decode()}"

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """Open it with the key that has sealed it."""
        kind, _, rest = wrapped.partition(":")
        name, _, text = rest.partition(":")
        if kind != LOCAL:
            raise VaultError("A tenant's key was sealed by OpenBao, which is not configured.", HINT)
        if name not in self._by_id:
            self._load()  # the file may have a new one
        if name not in self._by_id:
            raise VaultError(f"A tenant's key was sealed with a key that {VARIABLE} does not hold.", HINT)
        try:
            return unseal(self._by_id[name], base64.b64decode(text, validate=True), context)
        except (ValueError, InvalidTag):
            raise VaultError("A tenant's key does not open: it was changed, or belongs elsewhere.", HINT) from None

    def rewrap(self, wrapped: str, context: str) -> str:
        """Seal it with the first key."""
        return self.wrap(self.unwrap(wrapped, context), context)


class Transit:
    """OpenBao's transit engine. Its key must be made with `derived=true`, so that each tenant has one of its own.

    https://openbao.org/api-docs/secret/transit/
    """

    def __init__(self, url: str, token: str) -> None:
        import httpx2

        self._base, _, self._key = url.rpartition("/keys/")
        if not self._base or not self._key:
            raise VaultError(
                f"{VARIABLE}_URL is not the address of a key.",
                "It reads like https://bao:8200/v1/transit/keys/flotilla.",
            )
        self._http = httpx2.Client(headers={"X-Vault-Token": token}, timeout=10)

    def _ask(self, action: str, context: str, **fields: str) -> dict[str, Any]:
        import httpx2

        body = {**fields, "context": _base64(context.encode())}
        try:
            response = self._http.post(f"{self._base}/{action}/{self._key}", json=body)
            document = response.json()
        except (httpx2.HTTPError, ValueError):
            raise VaultError("OpenBao cannot be reached.", "Ask the operator to start and unseal it.") from None
        document = document if isinstance(document, dict) else {}  # something else answers at this address
        if response.status_code != 200 or not isinstance(document.get("data"), dict):
            reason = "; ".join(map(str, document.get("errors") or ())) or f"status {response.status_code}"
            raise VaultError(f"OpenBao refused to {action} a tenant's key: {' '.join(reason.split())[:200]}.", HINT)
        return dict(document["data"])

    def wrap(self, key: bytes, context: str) -> str:
        """Return OpenBao's ciphertext, `vault:v1:…`."""
        return str(self._ask("encrypt", context, plaintext=_base64(key))["ciphertext"])

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """Have OpenBao open it."""
        if wrapped.startswith(f"{LOCAL}:"):
            raise VaultError(f"A tenant's key was sealed with {VARIABLE}, and OpenBao is configured.", HINT)
        return base64.b64decode(self._ask("decrypt", context, ciphertext=wrapped)["plaintext"])

    def rewrap(self, wrapped: str, context: str) -> str:
        """Have OpenBao seal it with its newest version, without showing it."""
        return str(self._ask("rewrap", context, ciphertext=wrapped)["ciphertext"])


HINT = "Ask the operator to configure the key that it was sealed with: see docs/tenants.md."


def configured_keys(environ: Mapping[str, str]) -> KeyEncryption:
    """Return the key-encryption keys that the environment names. Raises VaultError."""
    if url := setting(f"{VARIABLE}_URL", environ, guard=True):
        return Transit(url, setting(f"{VARIABLE}_TOKEN", environ, guard=True) or "")
    if not setting(VARIABLE, environ, guard=True):
        path = own_key_file(environ)
        return LocalKeys(lambda: _made(path))
    return LocalKeys(lambda: setting(VARIABLE, environ, guard=True) or "")


def own_key_file(environ: Mapping[str, str]) -> Path:
    """Return where the key is kept that is made where none is configured."""
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "flotilla" / "tenants.key"


def _made(path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if is_kept(str(path.parent)):
            return key_in(path)
        problem = "it would be lost with the container"
    except (OSError, ValueError) as error:
        problem = str(error)
    raise VaultError(f"No key for tenants' credentials can be kept in {path}: {problem}.", f"Set {VARIABLE}_FILE.")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
