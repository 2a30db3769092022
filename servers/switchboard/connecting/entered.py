"""What a customer has entered: a form's fields, as the server's settings, and nothing that leads into the network."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from fastmcp.server.auth.ssrf import SSRFError, is_ip_allowed, resolve_hostname

from flotilla_launcher.environment import is_placeholder, name_set

from .offer import Offer
from .texts import Texts

LARGEST_FORM = 100_000  # bytes
LONGEST_VALUE = 5_000  # characters
URL = re.compile(r"https?://[^\s,;]+", re.IGNORECASE)


class RefusedError(Exception):
    """What was entered cannot be kept. The message is for the customer, in their language."""


async def entered(texts: Texts, offer: Offer, form: dict[str, str]) -> dict[str, str]:
    """Return the values of the form that was filled in, by field. Raises RefusedError."""
    number = form.get("number", "")
    fields = offer.forms[int(number) - 1] if number in map(str, range(1, len(offer.forms) + 1)) else ()
    values = {field.name: form.get(field.name, "").strip() for field in fields}
    if not fields or any(is_placeholder(values[field.name]) for field in fields if field.required):
        raise RefusedError(texts("incomplete"))
    for item in fields:
        value = values[item.name]
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise RefusedError(texts("one_line", label=item.label))
        addresses = URL.findall(value) if item.hidden else [value]  # nobody else is asked about a part of a secret
        for address in addresses:
            if not await leads_outside(address, item.name.endswith("host")):
                raise RefusedError(texts("private_address", label=item.label))
    return {name: value for name, value in values.items() if value}


async def leads_outside(value: str, is_host: bool) -> bool:
    """Tell whether a value names no address of this machine or its network: a server would ask there.

    A setting that is a host may be one word, as names in a network are, or an address of numbers alone. Hosts that the
    operator allows without TLS may be entered: FLOTILLA_PLAIN_HTTP.
    """
    is_url = "://" in value
    if is_host and not is_url and value.count(":") > 1:
        value = f"[{value.strip('[]')}]"  # an IPv6 address, which has no port
    try:
        parts = urlsplit(value if is_url else f"//{value}")
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        return not (is_url or is_host)
    if not (is_url or is_host) and ("@" in value or not ("." in host or host == "localhost")):
        return True  # an e-mail address, or the name of something else than a host
    if not host or host in name_set("FLOTILLA_PLAIN_HTTP", os.environ):
        return True
    try:
        return all(map(is_ip_allowed, await resolve_hostname(host, port)))
    except SSRFError:
        return True  # there is no such host: the trial says so
