"""Where a server's requests go: to the declared addresses, and nowhere else."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx

from flotilla.http.auth import Auth, FirstOf
from flotilla.http.hosts import is_allowed
from flotilla.http.oauth import Grant
from flotilla_testing import faults
from flotilla_testing.checks import check
from flotilla_testing.checks.vendors import example_tools
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.responses import RecordedResponses
from flotilla_testing.subject import WITHOUT_CONFIRMATION, Subject


@check("hosts")
async def hosts(case: Subject) -> list[str]:
    """The declared addresses, and no socket to any other: with the examples, and after redirects."""
    problems = []
    for name, about in case.server.integration.settings_class.model_fields.items():
        if "HttpUrl" in str(about.annotation) and about.default and not about.is_required():
            url = urlsplit(str(about.default))
            address = f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}"
            if not any(fnmatchcase(address, host) for host in case.server.integration.hosts):
                problems.append(f"{case.variable(name)} is {address} by default, which is not among the hosts.")
    allowed, sockets = _ports(case), contacted()
    sockets.clear()
    for tool in await case.tools():
        async with case.session(WITHOUT_CONFIRMATION) as session:
            await session.call(tool["name"], **case.example(tool))
            problems += [f"{tool['name']} contacts {host}:{port}." for host, port in sockets if port not in allowed]
            sockets.clear()
    async with case.session(WITHOUT_CONFIRMATION):
        for grant in (option for api in case.apis for option in _options(api.auth) if isinstance(option, Grant)):
            token_url = httpx.URL(grant.token_url)
            if token_url.port not in allowed and not is_allowed(case.server.connection, token_url):
                problems.append(f"{token_url} is where tokens come from, which is not among the hosts.")
    if case.vendor and case.apis:
        problems += await _redirects(case, case.vendor)
    return problems


def _options(auth: Auth | None) -> list[Auth]:
    """Return every way to authenticate by itself."""
    return (
        [one for option in auth.options for one in _options(option)]
        if isinstance(auth, FirstOf)
        else [auth]
        if auth
        else []
    )


def _ports(case: Subject) -> set[int]:
    """Return the ports of this machine that the settings of the session name."""
    ports = [value.rstrip("/").rsplit(":", 1)[-1].split("/")[0] for value in case.settings().values()]
    return {int(port) for port in ports if port.isdecimal()}


async def _redirects(case: Subject, vendor: FakeVendor) -> list[str]:
    problems = []
    with FakeVendor(RecordedResponses()) as foreign:
        for tool, count, _ in await example_tools(case):
            for code in (302, 307):
                async with case.session(WITHOUT_CONFIRMATION) as session:
                    vendor.fails(faults.redirect(f"{foreign.url}/steal", code), after=count - 1)
                    result = await session.call(tool["name"], **case.example(tool))
                    if not result.is_error or foreign.requests:
                        problems.append(f"{tool['name']} follows a redirect ({code}) to a host that is not declared.")
                    foreign.recovers()
    return problems


def contacted() -> list[tuple[str, int]]:
    """Return the list to which every address that this process looks up or connects to is added from now on."""
    global _heard
    if _heard is None:
        _heard = []
        sys.addaudithook(_hear)
    return _heard


_heard: list[tuple[str, int]] | None = None


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _heard is None or event not in ("socket.connect", "socket.getaddrinfo"):
        return
    address = arguments[1] if event == "socket.connect" else arguments[:2]
    if isinstance(address, tuple):
        host = address[0].decode() if isinstance(address[0], bytes) else str(address[0])
        _heard.append((host, int(address[1] or 0)))
