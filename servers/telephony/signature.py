"""Whether a request comes from Twilio: the signature that it puts on its webhooks.

https://www.twilio.com/docs/usage/security#validating-requests
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

HEADER = "X-Twilio-Signature"


def signature(auth_token: str, url: str, fields: Iterable[tuple[str, str]] = ()) -> str:
    """Return the signature of a request to a whole address, with the fields of its form; of a WebSocket without any."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def is_genuine(header: str, auth_token: str, url: str, fields: Iterable[tuple[str, str]] = ()) -> bool:
    """Tell whether a signature is Twilio's own: `url` is the address that Twilio was given, query included.

    The auth token of the account signs, whichever API key made the call; without one nothing is genuine.
    """
    return bool(auth_token) and hmac.compare_digest(header.encode(), signature(auth_token, url, fields).encode())
