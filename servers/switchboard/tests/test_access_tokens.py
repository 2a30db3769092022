"""Access tokens of logins: renewed once for all callers, saved before use, and marked where their access has ended."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from flotilla_launcher.protocol import GIVEN
from flotilla_servers.switchboard.accounts import AccountError
from flotilla_servers.switchboard.connecting.access_tokens import AccessTokens, RevokedError
from flotilla_servers.switchboard.options import DISCOVERY, arguments
from flotilla_servers.switchboard.tenants.connections import Connections
from flotilla_servers.switchboard.tenants.gateways import account_of
from flotilla_servers.switchboard.tenants.setup import open_tenants
from flotilla_servers.switchboard.tenants.store import StoreError
from flotilla_servers.switchboard.tenants.tenant import Settings
from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.oauth import OAuthServer, Token

CALLERS = 25  # in each of two processes
SCRIPT = """
import asyncio, json, os, sys
from flotilla_servers.switchboard.connecting.access_tokens import AccessTokens
from flotilla_servers.switchboard.options import arguments
from flotilla_servers.switchboard.tenants.connections import Connections
from flotilla_servers.switchboard.tenants.setup import open_tenants

class Watched(Connections):
    def hold(self, *about):
        if held := super().hold(*about):
            return held
        print("waits", flush=True)
        return held

async def main():
    tenants, vault = open_tenants(sys.argv[1], os.environ)
    options = arguments(["--discovery", sys.argv[2], "--state", sys.argv[3]])
    tokens = AccessTokens(options, Watched(tenants.store), vault)
    acme = tenants.named("acme")
    print("ready", flush=True)
    sys.stdin.readline()
    got = await asyncio.gather(*(tokens.of(acme, "gmail") for _ in range(int(sys.argv[4]))))
    print(json.dumps([one["access_token"] for one in got]))

asyncio.run(main())
"""


class Account:
    """acme's account at a vendor that rotates refresh tokens; its access token has expired."""

    def __init__(self, folder: Path, database: str, oauth: OAuthServer, vendor: FakeVendor) -> None:
        self.folder, self.database, self.oauth, self.vendor = folder, database, oauth, vendor
        self.discovery = folder / "discovery"
        (self.discovery / "gmail").mkdir(parents=True)
        document = json.loads((DISCOVERY / "gmail" / "discovery.json").read_text())
        (self.discovery / "gmail" / "discovery.json").write_text(json.dumps(document))
        self.tenants, self.vault = open_tenants(database, os.environ)
        self.connections = Connections(self.tenants.store)
        self.acme, _ = self.tenants.create("acme", Settings())
        self.zeta, _ = self.tenants.create("zeta", Settings())
        client = {"client_id": "desktop", "client_secret": "hush", "token_url": f"{vendor.url}/token"}
        self.vault.put(self.acme, {("flotilla-gmail", name): value for name, value in client.items()})
        self.connect()

    def connect(self) -> None:
        """Let the person agree, so long ago that the access token has expired."""
        self.oauth.tokens.append(Token("desktop", "at-1", "rt-1", "email", "helene", time.time() - 1, time.time()))
        self.connections.note(self.acme, "gmail", "helene")
        tokens = {"access_token": "at-1", "refresh_token": "rt-1", "expires_at": time.time() - 1}
        self.access().save(self.acme, "gmail", tokens, announce=True)
        self.acme = self.tenants.named("acme")

    def options(self) -> argparse.Namespace:
        return arguments(["--discovery", str(self.discovery), "--state", str(self.folder / "state")])

    def access(self) -> AccessTokens:
        return AccessTokens(self.options(), self.connections, self.vault)

    def saved(self) -> dict[str, Any]:
        return dict(json.loads(self.vault.all(self.acme)["flotilla-gmail.login"]))

    def renewals(self) -> int:
        return len([request for request in self.vendor.requests if request.url.endswith("/token")])


@pytest.fixture
def account(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in [name for name in os.environ if name.startswith(("FLOTILLA_", "GMAIL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOTILLA_TENANT_KEY", "0123456789abcdef" * 4)
    oauth = OAuthServer(rotates=True)
    with FakeVendor(oauth) as vendor:
        yield Account(tmp_path, database, oauth, vendor)


def test_access_tokens_renewed_once_for_callers_of_two_processes(account: Account) -> None:
    one_waits, renew = threading.Event(), account.oauth.server.create_token_response

    def renew_late(request: Request) -> Response:
        assert one_waits.wait(30)
        response: Response = renew(request)
        return response

    account.oauth.on("POST", "/token", renew_late, first=True)
    command = [sys.executable, "-c", SCRIPT, account.database, str(account.discovery), str(account.folder)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = [subprocess.Popen([*command, str(CALLERS)], **pipes) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    [waiting], _, _ = select.select([process.stdout for process in processes], [], [], 30)
    assert waiting.readline() == b"waits\n"
    one_waits.set()
    answers = [process.communicate(timeout=60)[0].splitlines()[-1] for process in processes]
    tokens = [token for answer in answers for token in json.loads(answer)]
    assert len(tokens) == 2 * CALLERS
    assert set(tokens) == {account.oauth.tokens[-1].access}
    assert account.renewals() == 1
    assert account.saved()["refresh_token"] == account.oauth.tokens[-1].refresh != "rt-1"


async def test_access_tokens_never_hold_the_refresh_token(account: Account) -> None:
    tokens = await account.access().of(account.acme, "gmail")
    assert set(tokens) == {"access_token", "expires_at", "scope", "token_type"}
    assert tokens["access_token"] == account.saved()["access_token"]
    secrets = account_of(account.acme, account.vault).secrets
    assert secrets["flotilla-gmail.refresh_token"] == GIVEN
    assert not any(account.saved()["refresh_token"] in value for value in secrets.values())
    with pytest.raises(RevokedError):
        await account.access().of(account.zeta, "gmail")


async def test_access_token_that_is_refused_is_renewed(account: Account) -> None:
    access = account.access()
    first = await access.of(account.acme, "gmail")
    again, other = await access.of(account.acme, "gmail"), await account.access().of(account.acme, "gmail")
    assert (again, other, account.renewals()) == (first, first, 1)
    second = await access.of(account.acme, "gmail", first["access_token"])
    assert second["access_token"] != first["access_token"]
    assert (await account.access().of(account.acme, "gmail", first["access_token"])) == second  # saved meanwhile
    assert account.renewals() == 2


async def test_access_that_was_revoked_is_marked_and_not_asked_for_again(account: Account) -> None:
    account.oauth.end(account.oauth.tokens[-1])
    access = account.access()
    for _ in range(2):
        with pytest.raises(RevokedError, match="was revoked or has ended"):
            await access.of(account.acme, "gmail")
    assert account.renewals() == 1
    [connected] = account.connections.all(account.acme)
    assert connected.revoked
    account.oauth.tokens.clear()
    account.connect()
    assert (await access.of(account.acme, "gmail"))["access_token"] == account.oauth.tokens[-1].access
    assert not account.connections.all(account.acme)[0].revoked


async def test_access_tokens_while_the_vendor_is_down(account: Account) -> None:
    access, url = account.access(), account.vendor.url
    account.vault.put(account.acme, {("flotilla-gmail", "token_url"): f"{url}/nothing"})
    with pytest.raises(AccountError, match="Gmail gives no access token for now"):
        await access.of(account.acme, "gmail")
    account.vault.put(account.acme, {("flotilla-gmail", "token_url"): f"{url}/token"})
    assert (await access.of(account.acme, "gmail"))["access_token"] == account.oauth.tokens[-1].access
    assert not account.connections.all(account.acme)[0].revoked


async def test_access_token_that_cannot_be_saved_is_not_used(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    access, put = account.access(), account.vault.put

    def full(*_: Any) -> None:
        raise StoreError("The database of tenants cannot be used: disk full.", "Ask the operator.")

    monkeypatch.setattr(account.vault, "put", full)
    for _ in range(2):
        with pytest.raises(StoreError):
            await access.of(account.acme, "gmail")
    monkeypatch.setattr(account.vault, "put", put)
    assert (await access.of(account.acme, "gmail"))["access_token"] == account.oauth.tokens[-1].access
    assert account.saved()["refresh_token"] == account.oauth.tokens[-1].refresh
    assert account.renewals() == 1


async def test_access_tokens_of_a_caller_that_is_gone_are_saved(account: Account) -> None:
    access = account.access()
    caller = asyncio.create_task(access.of(account.acme, "gmail"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait([caller])
    await access.close()
    assert account.saved()["refresh_token"] == account.oauth.tokens[-1].refresh
    assert account.renewals() == 1


def test_connection_is_held_by_one_at_a_time(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    connections, acme = account.connections, account.acme
    assert [connections.hold(acme, "gmail", holder) for holder in ("first", "second")] == [True, False]
    connections.release(acme, "gmail", "second")  # not its own
    assert not connections.hold(acme, "gmail", "second")
    connections.release(acme, "gmail", "first")
    assert connections.hold(acme, "gmail", "second")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)  # its process was killed
    assert connections.hold(acme, "gmail", "third")


@pytest.mark.parametrize(
    "odd", [{"expires_in": "soon"}, {"expires_in": [3600]}, {"expires_in": "NaN"}, {"expires_in": None}, {"scope": 7}]
)
async def test_access_tokens_with_an_odd_lifetime_keep_the_new_refresh_token(account: Account, odd: Any) -> None:
    """The vendor has ended the old one, whatever else stands in its answer."""
    answers = [{"access_token": "at-2", "refresh_token": "rt-2", "token_type": "bearer", **odd}]
    account.oauth.on("POST", "/token", lambda _: Response.of(answers[-1]), first=True)
    assert (await account.access().of(account.acme, "gmail"))["access_token"] == "at-2"
    assert account.saved()["refresh_token"] == "rt-2"
    assert 3000 < account.saved()["expires_at"] - time.time() <= 3600


@pytest.mark.parametrize("empty", ["", None])
async def test_access_tokens_that_come_without_a_refresh_token_keep_the_old_one(account: Account, empty: Any) -> None:
    answer = {"access_token": "at-2", "refresh_token": empty, "expires_in": "3600"}
    account.oauth.on("POST", "/token", lambda _: Response.of(answer), first=True)
    assert (await account.access().of(account.acme, "gmail"))["access_token"] == "at-2"
    assert account.saved()["refresh_token"] == "rt-1"


@pytest.mark.parametrize("answer", [{"access_token": None}, {"access_token": ""}, {"access_token": ["a"]}, {}, [1], 7])
async def test_access_tokens_that_are_none_are_not_used(account: Account, answer: Any) -> None:
    account.oauth.on("POST", "/token", lambda _: Response.of(answer), first=True)
    with pytest.raises(AccountError, match="gives no access token for now"):
        await account.access().of(account.acme, "gmail")
    assert account.saved()["access_token"] == "at-1"


@pytest.mark.parametrize("ends", [False, True])
async def test_renewal_leaves_an_account_alone_that_was_connected_meanwhile(account: Account, ends: bool) -> None:
    """While the vendor takes its time, the customer connects another account by a link."""
    newest = {"access_token": "at-9", "refresh_token": "rt-9", "expires_at": time.time() + 3600}

    def late(_: Request) -> Response:
        account.connections.note(account.acme, "gmail", "zoe")
        account.access().save(account.acme, "gmail", newest, announce=True)
        renewed = {"access_token": "at-2", "refresh_token": "rt-2", "expires_in": 3600}
        return Response.of({"error": "invalid_grant"}, 400) if ends else Response.of(renewed)

    account.oauth.on("POST", "/token", late, first=True)
    access = account.access()
    with pytest.raises(AccountError):
        await access.of(account.acme, "gmail")
    assert account.saved() == newest
    [connected] = account.connections.all(account.acme)
    assert (connected.account, connected.revoked) == ("zoe", None)
    assert (await access.of(account.acme, "gmail"))["access_token"] == "at-9"
    assert account.renewals() == 1


async def test_login_that_was_imported_is_renewed(account: Account) -> None:
    """Such as from the export of another switchboard, for a tenant of which no page has noted an account."""
    text = account.vault.export_file(account.acme)
    account.tenants.delete(account.acme)
    account.acme, _ = account.tenants.create("acme", Settings())
    account.vault.import_file(account.acme, text)
    assert (await account.access().of(account.acme, "gmail"))["access_token"] == account.oauth.tokens[-1].access
    assert account.saved()["refresh_token"] == account.oauth.tokens[-1].refresh


@pytest.mark.parametrize("text", ["x", "[]", "{}", '{"access_token": "a", "refresh_token": "", "expires_at": 1}'])
async def test_login_that_cannot_be_read_must_be_connected_again(account: Account, text: str) -> None:
    account.vault.put(account.acme, {("flotilla-gmail", "login"): text})
    with pytest.raises(RevokedError, match="is not complete"):
        await account.access().of(account.acme, "gmail")


async def test_renewals_that_wait_for_their_vendor_take_no_thread(account: Account) -> None:
    """Threads are what looks up whose token a request brings: a vendor that is slow must not hold them."""
    running = asyncio.Event()
    loop, go_on = asyncio.get_running_loop(), threading.Event()
    renew = account.oauth.server.create_token_response

    def late(request: Request) -> Response:
        loop.call_soon_threadsafe(running.set)
        assert go_on.wait(30)
        response: Response = renew(request)
        return response

    account.oauth.on("POST", "/token", late, first=True)
    with ThreadPoolExecutor(1) as only:
        loop.set_default_executor(only)
        renewal = asyncio.create_task(account.access().of(account.acme, "gmail"))
        await asyncio.wait_for(running.wait(), 30)
        try:
            tenant = await asyncio.wait_for(asyncio.to_thread(account.tenants.find, "acme"), 10)
        finally:
            go_on.set()
        assert tenant
        assert (await renewal)["access_token"] == account.oauth.tokens[-1].access


@pytest.mark.parametrize("name", ["zo\x00e", "zo\ud800e", "z" * 5_000, "Zoé \u202e"])
def test_connected_account_may_have_any_name(account: Account, name: str) -> None:
    account.connections.note(account.acme, "gmail", name)
    [connected] = account.connections.all(account.acme)
    assert connected.account.strip("…").startswith("z" if name[0] == "z" else "Z")
    assert len(connected.account) < 1_100
