"""How a webhook proves where it comes from, as data, and the check of it.

A vendor signs the raw bytes of the request (`Signature`), sends a secret that was agreed upon (`SharedSecret`), or has
Google sign a token (`GoogleToken`). Every comparison takes constant time, and every secret of an endpoint is tried.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, urlsplit, urlunsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .paths import moment, read_all

FORM = "application/x-www-form-urlencoded"
TOLERANCE = 300.0  # seconds
MOST_SIGNATURES = 50  # of one request that are looked at


class RefusedError(Exception):
    """The webhook does not prove where it comes from; the text is the reason, without any secret."""


@dataclass(frozen=True)
class Incoming:
    """A request as it was received. `url` is the public address with its query; `headers` have small letters."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_form(self) -> bool:
        """Whether the body is a form."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower() == FORM

    @cached_property
    def content(self) -> Any:
        """The body as JSON: a form as an object, anything else as an object with its text."""
        text = self.body.decode("utf-8", "replace")
        if self.is_form:
            return dict(parse_qsl(text, keep_blank_values=True))
        with suppress(ValueError, RecursionError):
            return json.loads(text)
        return {"text": text} if text else {}


GoogleKeys = Callable[[], Awaitable[Any]]  # returns Google's public keys (joserfc's KeySet), or raises RefusedError


@dataclass(frozen=True)
class Signature:
    """A signature in a header.

    `signed` is what is signed, with {body}, {timestamp}, {id}, {method}, {url} (the public address), {decoded_url}
    (HubSpot's form of it) and {form} (Twilio's: names and values in their order). `before` is what stands before the
    signature in the header. `field` names the signatures in a header such as `t=…,v1=…,v1=…`; with `list_of` the header
    holds several of them, separated by spaces. `timestamp` is the header of the time, or the field of the same header.
    `key` is base64 where the secret is (after `whsec_`). `public_key` is the vendor's published one (DER, base64),
    which takes the place of a secret.
    """

    header: str
    signed: str = "{body}"
    algorithm: Literal["sha256", "sha1", "ed25519"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    before: str = ""
    field: str = ""
    list_of: bool = False
    timestamp: str = ""
    tolerance: float | None = TOLERANCE  # seconds; None: the time is signed, but not reliable
    id: str = ""
    key: Literal["text", "base64"] = "text"
    public_key: str = ""

    async def check(self, incoming: Incoming, secrets: Sequence[str], now: float, google: GoogleKeys) -> None:
        """Raise RefusedError unless one of the secrets made the signature, and in time."""
        received = incoming.headers.get(self.header.lower(), "").strip()
        if not received:
            raise RefusedError(f"the header {self.header} is missing")
        fields = [part.strip().partition("=")[::2] for part in received.split(",")] if self.field else []
        stamp = dict(fields).get(self.timestamp) or incoming.headers.get(self.timestamp.lower(), "").strip()
        if self.timestamp:
            self._check_time(stamp, now)
        values = {"timestamp": stamp, "id": incoming.headers.get(self.id.lower(), "").strip() if self.id else ""}
        if self.id and not values["id"]:
            raise RefusedError(f"the header {self.id} is missing")
        texts = received.split() if self.list_of else [received]
        if self.field:
            texts = [value for name, value in fields if name == self.field]
        signatures = [
            text.removeprefix(self.before) for text in texts[:MOST_SIGNATURES] if text.startswith(self.before)
        ]
        messages = _messages(self.signed, incoming, values)
        matches = [self._matches(secret, message, signatures) for secret in secrets for message in messages]
        if not any(matches):
            raise RefusedError("the signature does not match")

    def check_secret(self, secret: str) -> None:
        """Raise ValueError for a secret that is not valid in this scheme."""
        if self.algorithm == "ed25519":
            load_der_public_key(b64decode(secret, validate=True))
        elif self.key == "base64":
            b64decode(secret.removeprefix("whsec_"), validate=True)

    def sign(self, secret: str, message: bytes) -> str:
        """Return the signature of a message, as it stands in the header."""
        digest = hmac.digest(self._key(secret), message, self.algorithm)
        return self.before + (digest.hex() if self.encoding == "hex" else b64encode(digest).decode())

    def _matches(self, secret: str, message: bytes, received: Sequence[str]) -> bool:
        """Tell whether the secret made one of the signatures."""
        if self.algorithm == "ed25519":
            return any(_verified(secret, message, one) for one in received)
        wanted = self.sign(secret, message).removeprefix(self.before).encode()
        matches = [hmac.compare_digest(wanted, one.encode("utf-8", "replace")) for one in received]
        return any(matches)

    def _key(self, secret: str) -> bytes:
        return b64decode(secret.removeprefix("whsec_")) if self.key == "base64" else secret.encode()

    def _check_time(self, stamp: str, now: float) -> None:
        seconds = moment(stamp)
        if not stamp or (self.tolerance and seconds is None):
            raise RefusedError("the time of the signature is missing or cannot be read")
        if self.tolerance and seconds is not None and abs(now - seconds) > self.tolerance:
            raise RefusedError("the signature is too old, or a clock is wrong")


@dataclass(frozen=True)
class SharedSecret:
    """A secret that comes with each request: in a header (`@Name`), or at a path of the body, in each of its items."""

    place: str
    before: str = ""
    encoding: Literal["", "base64"] = ""

    async def check(self, incoming: Incoming, secrets: Sequence[str], now: float, google: GoogleKeys) -> None:
        """Raise RefusedError unless one of the secrets stands in all places."""
        received = [str(value) for value in read_all(self.place, incoming.headers, incoming.content)]
        if not received:
            raise RefusedError("the secret is missing")
        expected = [self.before + (b64encode(s.encode()).decode() if self.encoding else s) for s in secrets]
        matches = [
            [hmac.compare_digest(one.encode("utf-8", "replace"), e.encode()) for e in expected] for one in received
        ]
        if not all(map(any, matches)):
            raise RefusedError("the secret does not match")


@dataclass(frozen=True)
class GoogleToken:
    """A token (JWT) of Google's in the Authorization header, made for our address by the service account `secret`.

    https://docs.cloud.google.com/pubsub/docs/authenticate-push-subscriptions
    """

    async def check(self, incoming: Incoming, secrets: Sequence[str], now: float, google: GoogleKeys) -> None:
        """Raise RefusedError unless Google signed the token for one of the service accounts, for this address."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        scheme, _, token = incoming.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise RefusedError("the Authorization header is missing")
        keys, claims = await google(), dict[str, Any]()
        with suppress(JoseError, ValueError):
            claims = jwt.decode(token.strip(), keys, algorithms=["RS256"]).claims
        if not claims:
            raise RefusedError("the token is not signed by Google")
        address = incoming.url.split("?")[0]
        if claims.get("iss") not in ("https://accounts.google.com", "accounts.google.com"):
            raise RefusedError("the token is not issued by Google")
        if claims.get("aud") != address:
            raise RefusedError("the token was issued for another address")
        if claims.get("email") not in secrets or claims.get("email_verified") is not True:
            raise RefusedError("the token belongs to another account")
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            raise RefusedError("the token does not say when it was issued and when it expires")
        if issued - TOLERANCE > now or expires + TOLERANCE < now:
            raise RefusedError("the token has expired, or a clock is wrong")


Verification = Signature | SharedSecret | GoogleToken


def _verified(public_key: str, message: bytes, received: str) -> bool:
    with suppress(ValueError, InvalidSignature):
        load_der_public_key(b64decode(public_key)).verify(b64decode(received, validate=True), message)  # type: ignore[union-attr, call-arg]
        return True
    return False


def _messages(signed: str, incoming: Incoming, values: Mapping[str, str]) -> list[bytes]:
    """Return what may have been signed: one text, or two where a vendor writes the address with its port or without."""
    addresses = _with_and_without_port(incoming.url) if "{form}" in signed else [incoming.url]
    return [b"".join(_part(part, incoming, values, address) for part in _parts(signed)) for address in addresses]


def _parts(signed: str) -> list[str]:
    return [part for part in re.split(r"(\{\w+\})", signed) if part]


def _part(part: str, incoming: Incoming, values: Mapping[str, str], address: str) -> bytes:
    match part:
        case "{body}":
            return incoming.body
        case "{method}":
            return incoming.method.encode()
        case "{url}":
            return address.encode()
        case "{decoded_url}":
            return re.sub(r"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", _decoded, address, flags=re.IGNORECASE).encode()
        case "{form}":
            return _form(incoming)
        case "{timestamp}" | "{id}":
            return values[part.strip("{}")].encode("utf-8", "replace")
    return part.encode()


def _decoded(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def _form(incoming: Incoming) -> bytes:
    """Return a form's names and values in the order of the names; any other body is signed by a digest in the query.

    https://www.twilio.com/docs/usage/security#validating-requests
    """
    if incoming.is_form:
        pairs = parse_qsl(incoming.body.decode("utf-8", "replace"), keep_blank_values=True)
        return "".join(name + value for name, value in sorted(set(pairs))).encode()
    received = parse_qs(urlsplit(incoming.url).query).get("bodySHA256", [""])[0]
    if not hmac.compare_digest(hashlib.sha256(incoming.body).hexdigest().encode(), received.lower().encode()):
        raise RefusedError("the body is not the one that was signed")
    return b""


def _with_and_without_port(url: str) -> list[str]:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return [urlunsplit(parts._replace(netloc=one)) for one in (host, f"{host}:{port}")]
