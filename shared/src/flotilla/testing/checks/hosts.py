"""Where a server's requests go: to the declared addresses, and nowhere else."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx

from ...auth import Auth, FirstOf
from ...hosts import is_allowed
from ...oauth import Grant
from .. import faults
from ..answers import Answers
from ..case import UNASKED, Case
from ..vendor import Vendor
from . import check
from .vendors import usual


@check("hosts")
async def hosts(case: Case) -> list[str]:
    """The declared addresses, and no socket to any other: with the examples, and after redirects."""
    problems = []
    for name, about in case.server.settings_class.model_fields.items():
        if "HttpUrl" in str(about.annotation) and about.default:
            url = urlsplit(str(about.default))
            address = f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}"
            if address not in case.server.hosts:
                problems.append(f"{case.variable(name)} is {address} by default, which is not among the hosts.")
    allowed, heard = _ports(case), contacted()
    heard.clear()
    for tool in await case.tools():
        async with case.trial(UNASKED) as trial:
            await trial.call(tool["name"], **case.example(tool))
            problems += [f"{tool['name']} contacts {host}:{port}." for host, port in heard if port not in allowed]
            heard.clear()
    async with case.trial(UNASKED):
        for grant in (way for api in case.server.apis for way in _ways(api.auth) if isinstance(way, Grant)):
            token_url = httpx.URL(grant.token_url)
            if token_url.port not in allowed and not is_allowed(case.server, token_url):
                problems.append(f"{token_url} is where tokens come from, which is not among the hosts.")
    if case.vendor and case.server.apis:
        problems += await _redirects(case, case.vendor)
    return problems


def _ways(auth: Auth | None) -> list[Auth]:
    """Return the ways in, each by itself."""
    return [one for way in auth.ways for one in _ways(way)] if isinstance(auth, FirstOf) else [auth] if auth else []


def _ports(case: Case) -> set[int]:
    """Return the ports of this machine that the settings of the trial name."""
    told = [value.rstrip("/").rsplit(":", 1)[-1].split("/")[0] for value in case.settings().values()]
    return {int(port) for port in told if port.isdecimal()}


async def _redirects(case: Case, vendor: Vendor) -> list[str]:
    problems = []
    with Vendor(Answers()) as foreign:
        for tool, count, _ in await usual(case):
            for code in (302, 307):
                async with case.trial(UNASKED) as trial:
                    vendor.fails(faults.redirect(f"{foreign.url}/steal", code), after=count - 1)
                    result = await trial.call(tool["name"], **case.example(tool))
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
