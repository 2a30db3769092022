"""Where a server may send requests, and where its credentials may go: compared by scheme, host and port.

Declared hosts are contacted over https. Plain http is for this machine, and for hosts that the operator names in
FLOTILLA_PLAIN_HTTP. Credentials go to the API's own address, and to those of `credential_hosts`.
"""

from __future__ import annotations

from typing import Any

import httpx2 as httpx

from flotilla import errors
from flotilla.connection import Connection
from flotilla.http.loopback import is_loopback
from flotilla.settings import variable


def address(url: httpx.URL) -> str:
    """Return host:port."""
    return f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"


def origin(url: httpx.URL) -> str:
    """Return scheme://host:port."""
    return f"{url.scheme}://{address(url)}"


def is_encrypted(connection: Connection[Any], url: httpx.URL) -> bool:
    """Tell whether what is sent is encrypted, or the operator allowed plain http to this host."""
    plain = {url.host, address(url)} & set(connection.fleet.plain_http)
    return url.scheme == "https" or (url.scheme == "http" and (bool(plain) or is_loopback(url.host)))


def is_allowed(connection: Connection[Any], url: httpx.URL, *own: str) -> bool:
    """Tell whether a server may send a request to an address. `own` are origins that its settings name."""
    if origin(url) in own:
        return True
    target = address(url)
    declared = any(
        target == host or (host.startswith("*.") and target.endswith(host[1:])) for host in connection.integration.hosts
    )
    return declared and is_encrypted(connection, url)


def may_hold_credentials(connection: Connection[Any], url: httpx.URL, base: httpx.URL) -> bool:
    """Tell whether credentials may go to an address: the API's own one, or a host that is declared to take them."""
    return origin(url) == origin(base) or (
        address(url) in connection.integration.credential_hosts and is_encrypted(connection, url)
    )


def check_encrypted(connection: Connection[Any], url: httpx.URL, field: str) -> None:
    """Raise errors.ConfigurationError that names the settings field unless an address is encrypted."""
    if not is_encrypted(connection, url):
        name = variable(connection.integration.slug, field)
        raise errors.ConfigurationError(
            f"{name} is {errors.excerpt(origin(url), 80)}: credentials do not go over an unencrypted connection.",
            "Ask the user to set it to an https address, or to name the host in FLOTILLA_PLAIN_HTTP.",
        )
