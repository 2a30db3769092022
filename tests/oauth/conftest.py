from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from flotilla_testing import FakeVendor
from flotilla_testing.oauth import Client, OAuthServer


class Clock:
    """A clock for both sides; `ours` is how far this machine's is off."""

    def __init__(self) -> None:
        self.now, self.ours = 1_900_000_000.0, 0.0

    def local(self) -> float:
        return self.now + self.ours


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def oauth(clock: Clock) -> OAuthServer:
    return OAuthServer(now=lambda: clock.now)


@pytest.fixture
def vendor(oauth: OAuthServer) -> Iterator[FakeVendor]:
    with FakeVendor(oauth) as running:
        yield running


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the user's: no variables, no files."""
    for name in [n for n in os.environ if n.startswith(("GMAIL_", "GOOGLE_", "FLOTILLA_"))]:
        if name != "FLOTILLA_SPECS":  # where the contracts are is not a setting of a server
            monkeypatch.delenv(name)
    monkeypatch.setenv("FLOTILLA_DATA", str(tmp_path / "data"))
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("FLOTILLA_STATE", str(tmp_path / "state"))
    (tmp_path / "data").mkdir()


@pytest.fixture(scope="session")
def keys() -> tuple[str, str]:
    """A private key and its public one, PEM."""
    key: Any = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@pytest.fixture
def service(oauth: OAuthServer, keys: tuple[str, str]) -> str:
    """The e-mail address of a service account."""
    name = "robot@atelier.iam.example"
    oauth.clients[name] = Client(name, key=keys[1])
    return name
