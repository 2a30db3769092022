"""The receiver as its own process: killed again and again, and started with wrong settings."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import pytest

from flotilla.sealing import Keys
from flotilla_launcher.key_files import read_key
from flotilla_servers.switchboard.tenants import administration
from flotilla_servers.switchboard.tenants.setup import open_tenants
from flotilla_servers.switchboard.tenants.tenant import Settings
from flotilla_servers.webhooks.store import Store
from flotilla_servers.webhooks.tests.senders import secret_of, sent
from flotilla_testing.ports import free_port

KEY = "a-state-key-of-thirty-two-characters"
COMMAND = [sys.executable, "-m", "flotilla_launcher.__main__", "webhooks", "receive"]
AT_ONCE = 25


def environ_of(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a receiver."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("FLOTILLA_", "WEBHOOKS_"))}
    return {
        **plain,
        "WEBHOOKS_SECRETS": f"calendly/main={secret_of('calendly')}",
        "WEBHOOKS_PUBLIC_URL": "https://hooks.example.com",
        "FLOTILLA_STATE": str(folder),
        "FLOTILLA_STATE_KEY": KEY,
        **more,
    }


def opened(environ: Mapping[str, str], stderr: int) -> subprocess.Popen[str]:
    """Start a receiver."""
    return subprocess.Popen(COMMAND, env=dict(environ), stderr=stderr, text=True)


def end(process: subprocess.Popen[str]) -> None:
    """Kill a process, and wait until it is gone."""
    process.kill()
    process.wait(timeout=60)


async def answering(client: httpx.AsyncClient, url: str) -> None:
    """Wait until a receiver answers."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with suppress(httpx.HTTPError):
            await client.get(url)
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the receiver does not start")


@dataclass
class Account:
    """Whom webhooks are sent to: below which path, signed with which secret, and where they are stored."""

    root: str
    secret: str
    state: Path
    key: str = ""  # else that in the folder

    def store(self) -> Store | None:
        """Return the database, as the tools open it, once it is there."""
        folder = self.state / "webhooks"
        if not (folder / "webhooks.db").exists():
            return None
        return Store(folder / "webhooks.db", Keys("webhooks", [self.key or read_key(folder / "key")], shared=True))


class Killed:
    """A receiver that is killed every so many webhooks, a vendor that sends again, and a consumer that acknowledges."""

    def __init__(self, accounts: Sequence[Account], environ: Mapping[str, str], number: int, every: int) -> None:
        self.accounts, self.number, self.every, self.port = accounts, number, every, free_port()
        self.environ = {**environ, "WEBHOOKS_RECEIVE_PORT": str(self.port)}
        self.left, self.accepted, self.kills = list(range(number)), set[int](), 0
        self.consumed: Counter[tuple[str, str]] = Counter()  # by the account's path and the guest's name
        self.process: subprocess.Popen[str] | None = None
        self.ended = False

    async def run(self) -> None:
        """Send everything, and consume it beside."""
        consumer = asyncio.create_task(self._consume())
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=30) as client:
                while self.left:
                    await self._start(client)
                    until = len(self.accepted) + self.every
                    senders = [asyncio.create_task(self._send(client, until)) for _ in range(AT_ONCE)]
                    await asyncio.gather(*senders)
        finally:
            self._kill()
            self.ended = True
            await consumer

    async def _start(self, client: httpx.AsyncClient) -> None:
        self.process = opened(self.environ, subprocess.DEVNULL)
        await answering(client, "/health")

    def _kill(self) -> None:
        if self.process and self.process.poll() is None:
            end(self.process)
            self.kills += 1

    async def _send(self, client: httpx.AsyncClient, until: int) -> None:
        """Send as a vendor does: what got no 2xx comes again. The one that reaches the number pulls the plug."""
        while self.left and self.process and self.process.poll() is None:
            one = self.left.pop()
            account = self.account_of(one)
            request = sent("calendly", account.secret, name=f"Invité {one}")
            try:
                answer = await client.post(
                    account.root + request.path, content=request.body, headers=dict(request.headers)
                )
                assert answer.status_code in (200, 503), answer.text
                taken = answer.is_success
            except httpx.HTTPError:
                taken = False
            if taken:
                self.accepted.add(one)
            else:
                self.left.append(one)
            if len(self.accepted) >= until and self.left:
                self._kill()

    def account_of(self, one: int) -> Account:
        """Return to whom a webhook is sent."""
        return self.accounts[one % len(self.accounts)]

    def expected(self) -> Counter[tuple[str, str]]:
        """Return what is to be consumed: each webhook once, by whom it was sent to."""
        return Counter({(self.account_of(one).root, f"Invité {one}"): 1 for one in range(self.number)})

    async def _consume(self) -> None:
        ended = False
        while not ended:
            ended = self.ended  # before the last look
            for account in self.accounts:
                await asyncio.to_thread(self._acknowledge, account)
            await asyncio.sleep(0.05)

    def _acknowledge(self, account: Account) -> None:
        store = account.store()
        while store and (new := store.events(state="new", limit=100)):
            for event in new:
                stored = store.event(event.id)
                assert stored
                self.consumed[account.root, stored[1]["payload"]["name"]] += 1
            store.mark([event.id for event in new], "acknowledged")


@pytest.mark.slow
@pytest.mark.timeout(1800)  # of 10,000 on a machine that is busy with other tests
async def test_receiver_killed_loses_nothing_and_repeats_nothing(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """1,000 webhooks with SIGKILL every 250; 10,000 with one every 500 under --every-tool."""
    many = request.config.getoption("--every-tool", default=False)
    own = Account("", secret_of("calendly"), tmp_path, KEY)
    await loses_nothing(Killed([own], environ_of(tmp_path), *((10_000, 500) if many else (1_000, 250))))


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_receiver_of_tenants_killed_loses_nothing_and_repeats_nothing(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The same with the webhooks of five tenants in between each other."""
    many = request.config.getoption("--every-tool", default=False)
    keys = {"FLOTILLA_TENANT_KEY": "0123456789abcdef" * 4}
    tenants, vault = open_tenants(str(tmp_path / "tenants.db"), keys)
    accounts = []
    for number in range(5):
        settings = Settings(servers=("webhooks",)).document()
        places = (tmp_path / "template", tmp_path / "data", tmp_path / "state")
        tenant, _ = administration.create(tenants, vault, f"t{number}", settings, *places)
        vault.put(tenant, {("flotilla-webhooks", "secrets"): f"calendly/main=secret-of-{number}"})
        state = tmp_path / "state" / "tenants" / tenant.id
        accounts.append(Account(f"/t/{tenant.id}", f"secret-of-{number}", state))
    environ = environ_of(tmp_path / "state", FLOTILLA_TENANTS=str(tmp_path / "tenants.db"), **keys)
    await loses_nothing(Killed(accounts, environ, *((10_000, 500) if many else (1_000, 250))))


async def loses_nothing(killed: Killed) -> None:
    """Run it, and see that each webhook was consumed once, where it belongs."""
    begun = time.monotonic()
    await killed.run()
    print(f"{killed.number} webhooks, {killed.kills} kills, {time.monotonic() - begun:.0f} s")
    assert killed.kills >= killed.number // killed.every - 1
    assert len(killed.accepted) == killed.number
    assert killed.consumed == killed.expected()


def start(environ: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run a receiver that is to end at once."""
    return subprocess.run(
        [*COMMAND, *options], env=dict(environ), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"WEBHOOKS_SECRETS": ""}, "WEBHOOKS_SECRETS is not set"),
        ({"WEBHOOKS_SECRETS": "calendly=CANARY slack"}, "WEBHOOKS_SECRETS is wrong: slack/main has no secret"),
        ({"WEBHOOKS_FORWARD_URL": "https://inbox.example.com"}, "WEBHOOKS_FORWARD_SECRET is not"),
        ({"WEBHOOKS_FORWARD_SECRET": "whsec_CANARY"}, "WEBHOOKS_FORWARD_SECRET is wrong"),
        ({"WEBHOOKS_FORWARD_URL": "http://inbox.example.com"}, "must begin with https://"),
        ({"WEBHOOKS_RECEIVE_HOST": "203.0.113.1"}, "it cannot listen"),
        ({"FLOTILLA_STATE": "/nowhere"}, "The state folder /nowhere cannot be written"),
        ({"FLOTILLA_TENANTS": "tenants.db", "WEBHOOKS_PUBLIC_URL": ""}, "WEBHOOKS_PUBLIC_URL is not set"),
        ({"FLOTILLA_TENANTS": "postgresql://nobody@127.0.0.1:1/x"}, "The database of tenants cannot be used"),
    ],
)
def test_receiver_with_wrong_settings_says_so(tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    done = start(environ_of(tmp_path, **settings))
    assert done.returncode == 1
    assert done.stderr.startswith("flotilla-webhooks receive: ")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert "CANARY" not in done.stderr


@pytest.mark.slow
def test_receiver_option_names_the_tenants_database(tmp_path: Path) -> None:
    done = start(environ_of(tmp_path), "--tenants", str(tmp_path))
    assert (done.returncode, done.stderr.count("The database of tenants cannot be used")) == (1, 1)


@pytest.mark.slow
async def test_receiver_with_a_page_and_a_clean_end(tmp_path: Path) -> None:
    port, page = free_port(), free_port()
    ports = {"WEBHOOKS_RECEIVE_PORT": str(port), "WEBHOOKS_PAGE_PORT": str(page)}
    environ = environ_of(tmp_path, WEBHOOKS_PAGE_TOKEN="a-password-of-the-operator", **ports)
    process = opened(environ, subprocess.PIPE)
    try:
        await use(port, page)
        process.terminate()
        _, log = process.communicate(timeout=30)
    finally:
        end(process)
    assert process.returncode in (0, -signal.SIGTERM)
    assert "webhook refused" in log
    assert "Traceback" not in log


async def use(port: int, page: int) -> None:
    """Send a webhook that is good and one that is not, and look at the page."""
    async with httpx.AsyncClient(timeout=30) as client:
        await answering(client, f"http://127.0.0.1:{port}/health")
        shown = await client.get(f"http://127.0.0.1:{page}/", auth=("x", "a-password-of-the-operator"))
        assert "calendly/main" in shown.text
        assert (await client.get(f"http://127.0.0.1:{port}/", auth=("x", "x"))).status_code == 404
        assert (await client.get(f"http://127.0.0.1:{page}/health")).status_code == 401
        request = sent("calendly")
        url = f"http://127.0.0.1:{port}{request.path}"
        assert (await client.post(url, content=request.body, headers=dict(request.headers))).status_code == 200
        assert (await client.post(url, content=b"{}")).status_code == 401
