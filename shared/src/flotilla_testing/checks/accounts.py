"""Odd data and several accounts: one broken item fails no list, and two connections of one process share nothing."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx

from flotilla.calls.context import Call, entered
from flotilla.connection import Connection, Network
from flotilla.http.retry import Retry
from flotilla_testing.checks import NothingToCheck, check
from flotilla_testing.client import text_of
from flotilla_testing.isolation import environment, no_pause
from flotilla_testing.responses import RecordedResponses, Recorder, Request, Response
from flotilla_testing.subject import WITHOUT_CONFIRMATION, Subject

ODD: tuple[Any, ...] = ({}, None, {"id": None})


class _WithOddItems(RecordedResponses):
    """The recorded responses, with broken items at the head of every list of objects that is not inside another one."""

    def __init__(self, real: RecordedResponses) -> None:
        self.real, self.changed = real, 0

    def seen(self, request: Request) -> Request:
        return self.real.seen(request)

    def to(self, request: Request) -> Response:
        response = self.real.to(request)
        if "json" not in response.headers.get("content-type", "") or not response.body or response.status >= 300:
            return response
        return Response.of(self._spoilt(json.loads(response.body)), response.status, response.headers)

    def _spoilt(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._spoilt(inner) for name, inner in value.items()}
        if isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
            self.changed += 1
            return [*ODD, *value]
        return value


@check("odd_items")
async def odd_items(case: Subject) -> list[str]:
    """A list with a broken item in it still gives the others."""
    if not case.answers:
        raise NothingToCheck
    problems, tried = [], 0
    for tool in await case.tools():
        if case.kind_of(tool) != "reads":
            continue
        async with case.session(WITHOUT_CONFIRMATION, recorded=True) as session:
            assert session.recorder
            session.recorder.answers = odd = _WithOddItems(case.answers)
            result = await session.call(tool["name"], **case.example(tool))
            tried += odd.changed
            if odd.changed and result.is_error:
                problems.append(f"{tool['name']} fails when one item of a list is broken: {text_of(result)[:200]}")
    if not tried:
        raise NothingToCheck
    return problems


class _Account:
    """One of two accounts: its secrets, its addresses, its folders, and what was sent for it."""

    def __init__(self, case: Subject, mark: str, port: int, folder: Path) -> None:
        self.mark, self.port = mark, port
        self.data, self.state = folder / f"data-{mark}", folder / f"state-{mark}"
        for path in (self.data, self.state):
            path.mkdir()
        case.seed(self.data)
        values = case.settings()
        self.secrets = {f"{value}-{mark}" for name, value in values.items() if name in case.canaries}
        environ = {
            name: f"{value}-{mark}" if name in case.canaries else self._address(value) for name, value in values.items()
        }
        environ |= {"FLOTILLA_DATA": str(self.data), "FLOTILLA_STATE": str(self.state), "FLOTILLA_TIER": "all"}
        self.recorder = Recorder(case.answers) if case.answers else None
        network = Network(
            self.recorder or httpx.AsyncHTTPTransport(), Retry(base=0.0005, jitter=0, sleep=no_pause), limits=False
        )
        self.connection = Connection(case.server.integration, {**environ, **WITHOUT_CONFIRMATION}, network)

    def _address(self, value: str) -> str:
        parts = urlsplit(value)
        return parts._replace(netloc=f"127.0.0.1:{self.port}").geturl() if parts.scheme == "http" else value

    async def call(self, case: Subject, name: str, arguments: Mapping[str, Any]) -> None:
        tool = await case.server._mcp.get_tool(name)
        assert tool
        with entered(Call(name, self.connection)):
            await tool.run(dict(arguments))

    def strays(self, other: _Account) -> list[str]:
        """Return what of the other account travelled with this one's requests."""
        matches = []
        for request in self.recorder.requests if self.recorder else []:
            sent = "\n".join([request.url, *map(str, request.headers.items()), request.body.decode("utf-8", "replace")])
            if any(secret in sent for secret in other.secrets):
                matches.append(
                    f"a request for {self.mark} carries a secret of {other.mark}: {request.method} {request.url}"
                )
            if f":{other.port}" in request.url:
                matches.append(f"a request for {self.mark} goes to the address of {other.mark}: {request.url}")
        return matches


@check("connection")
async def connection(case: Subject) -> list[str]:
    """Two accounts in one process, their calls interleaved: no secret, address, record or file crosses."""
    folder = case.new_folder()
    with environment(case.server), redirect_stderr(io.StringIO()):
        first, second = _Account(case, "first", 1001, folder), _Account(case, "second", 1002, folder)
        problems = []
        for tool in await case.tools():
            name, arguments = tool["name"], case.example(tool)
            await asyncio.gather(first.call(case, name, arguments), second.call(case, name, arguments))
            strays = {*first.strays(second), *second.strays(first)}
            problems += [f"{name}: {stray}." for stray in sorted(strays)]
            for account in (first, second):
                if account.recorder:
                    account.recorder.requests.clear()
        if first.connection.metadata is second.connection.metadata:
            problems.append("The accounts share their metadata.")
        before = _files(second)
        for tool in await case.tools():
            if case.kind_of(tool) != "reads":
                await first.call(case, tool["name"], case.example(tool))
        if _files(second) != before:
            problems.append("What was done for one account changed the files of the other.")
    return problems


def _files(account: _Account) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for root in (account.data, account.state)
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
