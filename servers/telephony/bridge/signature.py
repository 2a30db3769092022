"""Whether a webhook comes from Twilio: https://www.twilio.com/docs/usage/security#validating-requests"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit


def signature(token: str, url: str, fields: Sequence[tuple[str, str]]) -> str:
    """Return X-Twilio-Signature: HMAC-SHA1, base64, of the address and the form's fields in the order of their names.

    A field that comes several times counts with each of its values once, in their order.
    """
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def is_signed(token: str, url: str, fields: Sequence[tuple[str, str]], given_signature: str) -> bool:
    """Tell whether the signature is right for the public address: Twilio signs it with its port, or without."""
    return any(
        hmac.compare_digest(signature(token, variant, fields).encode(), given_signature.encode())
        for variant in _with_and_without_port(url)
    )


def _with_and_without_port(url: str) -> list[str]:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    standard = {"https": 443, "http": 80}.get(parts.scheme, 0)
    hosts = [host, f"{host}:{parts.port or standard}"]
    return [urlunsplit(parts._replace(netloc=one)) for one in hosts]
