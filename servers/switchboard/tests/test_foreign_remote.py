"""Own servers at a URL: which addresses are reached, redirects, and OAuth logins."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from flotilla_servers.switchboard import browser_login, foreign_remote, own_servers
from flotilla_servers.switchboard.backend import NotStartedError
from flotilla_servers.switchboard.client_request import ClientRequest
from flotilla_servers.switchboard.own_backends import backend_of, refresh
from flotilla_servers.switchboard.saved_login import LOGIN
from flotilla_testing.ports import free_port, is_served
from flotilla_testing.waiting import wait_until

HERE = Path(__file__).parent
HELLO = {"name": "hello", "arguments": {}}


def client() -> ClientRequest:
    return ClientRequest({}, modern=True, client_id=1, capabilities={}, log_level=None)


def backend(value: dict[str, Any], state: Path) -> Any:
    return backend_of(own_servers.parsed("crm", value), state, None, 0, 20)  # type: ignore[arg-type]


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["169.254.169.254"], ["::1"]])
async def test_address_of_this_network_is_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    async def resolved(*_: Any) -> list[str]:
        return addresses

    monkeypatch.setattr(foreign_remote, "resolve_hostname", resolved)
    remote = backend({"url": "https://crm.example/mcp"}, tmp_path)
    with pytest.raises(NotStartedError, match=r"crm\.example is an address of this machine or network"):
        await refresh(remote, tmp_path)
    await remote.close()


async def test_address_that_was_checked_is_the_one_that_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, sent = iter([["93.184.215.14"], ["127.0.0.1"]]), list[httpx2.Request]()

    async def resolved(*_: Any) -> list[str]:
        return next(answers)

    async def handle(_: Any, request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200)

    monkeypatch.setattr(foreign_remote, "resolve_hostname", resolved)
    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", handle)
    async with httpx2.AsyncClient(transport=foreign_remote.PublicAddresses()) as http:
        await http.get("https://crm.example/mcp")
        with pytest.raises(NotStartedError):
            await http.get("https://crm.example/mcp")
    [request] = sent
    assert (request.url.host, request.headers["Host"]) == ("93.184.215.14", "crm.example")
    assert request.extensions["sni_hostname"] == "crm.example"


@pytest.fixture
def foreign() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, str(HERE / "foreign.py"), "--http"], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        port = process.stdout.readline().strip()
        assert port, "foreign.py has ended before it named its port; what it says stands above"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


async def test_redirect_to_another_host_is_not_followed(tmp_path: Path, foreign: str) -> None:
    remote = backend({"url": f"{foreign}/moved", "local": True, "transport": "http"}, tmp_path)
    with pytest.raises(NotStartedError, match="not followed"):
        await refresh(remote, tmp_path)
    await remote.close()


@pytest.fixture
def oauth(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Start a server whose tokens hold for `request.param` seconds; give its declaration."""
    port = free_port()
    process = subprocess.Popen([sys.executable, str(HERE / "oauth_server.py"), str(port), str(request.param)])
    try:
        wait_until(lambda: is_served(port) or process.poll() is not None)
        assert process.poll() is None, "oauth_server.py has ended; what it says stands above"
        yield {"url": f"http://127.0.0.1:{port}/mcp", "auth": "oauth", "local": True}
    finally:
        process.kill()
        process.wait()


def say_yes(url: str) -> None:
    """Do what a person's browser does, as soon as somebody waits for its answer."""
    answer = httpx2.get(url).headers["location"]

    def is_taken() -> bool:
        try:
            httpx2.get(answer)
        except httpx2.ConnectError:
            return False
        return True

    wait_until(is_taken)


@pytest.mark.parametrize("oauth", [20], indirect=True)
async def test_login_is_used_and_renewed_and_never_asked_for_in_a_call(
    tmp_path: Path, oauth: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, pages = own_servers.parsed("crm", oauth), list[str]()
    remote = backend(oauth, tmp_path)
    with pytest.raises(NotStartedError, match="crm is not logged in; the user must run `scripts/flotilla servers con"):
        await remote.send(client(), "tools/call", HELLO, True)

    def browse(url: str) -> None:
        asyncio.get_running_loop().run_in_executor(None, say_yes, url)

    monkeypatch.setattr(browser_login.webbrowser, "open", browse)
    await browser_login.log_in(server, tmp_path, pages.append)
    first = own_servers.read_private(tmp_path, server, LOGIN)
    result = await remote.send(client(), "tools/call", HELLO, True)  # its token ends within half a minute
    second = own_servers.read_private(tmp_path, server, LOGIN)
    await remote.close()
    assert pages[0].startswith(oauth["url"].removesuffix("mcp"))
    assert result["content"][0]["text"] == "hello"
    assert first["access_token"] != second["access_token"]
    path = own_servers.private_path(tmp_path, "crm", LOGIN)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not own_servers.read_private(
        tmp_path, own_servers.parsed("crm", {**oauth, "url": "https://b.example"}), LOGIN
    )


@pytest.mark.parametrize("oauth", [3_600], indirect=True)
async def test_login_that_has_ended_says_what_to_do(tmp_path: Path, oauth: dict[str, Any]) -> None:
    server = own_servers.parsed("crm", oauth)
    token_url = oauth["url"].replace("/mcp", "/token")
    login = {"access_token": "old", "refresh_token": "old", "token_url": token_url, "client_id": "gone"}
    own_servers.write_private(tmp_path, server, LOGIN, login)
    remote = backend(oauth, tmp_path)
    with pytest.raises(NotStartedError, match="not logged in"):
        await remote.send(client(), "tools/call", HELLO, True)
    await remote.close()
    assert json.loads(own_servers.private_path(tmp_path, "crm", LOGIN).read_text())["values"] == login
