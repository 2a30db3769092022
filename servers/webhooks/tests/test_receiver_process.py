"""The receiver as its own process: killed again and again, and started with wrong settings."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx2 as httpx
import pytest

from flotilla.sealing import Keys
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


class Killed:
    """A receiver that is killed every so many webhooks, a vendor that sends again, and a consumer that acknowledges."""

    def __init__(self, folder: Path, number: int, every: int) -> None:
        self.folder, self.number, self.every, self.port = folder, number, every, free_port()
        self.left, self.accepted, self.kills = list(range(number)), set[int](), 0
        self.consumed: Counter[str] = Counter()
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
        environ = environ_of(self.folder, WEBHOOKS_RECEIVE_PORT=str(self.port))
        self.process = opened(environ, subprocess.DEVNULL)
        await answering(client, "/health")

    def _kill(self) -> None:
        if self.process and self.process.poll() is None:
            end(self.process)
            self.kills += 1

    async def _send(self, client: httpx.AsyncClient, until: int) -> None:
        """Send as a vendor does: what got no 2xx comes again. The one that reaches the number pulls the plug."""
        while self.left and self.process and self.process.poll() is None:
            one = self.left.pop()
            request = sent("calendly", name=f"Invité {one}")
            try:
                answer = await client.post(request.path, content=request.body, headers=dict(request.headers))
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

    async def _consume(self) -> None:
        ended = False
        while not ended:
            ended = self.ended  # before the last look
            if (self.folder / "webhooks" / "webhooks.db").exists():
                await asyncio.to_thread(self._acknowledge)
            await asyncio.sleep(0.05)

    def _acknowledge(self) -> None:
        store = Store(self.folder / "webhooks" / "webhooks.db", Keys("webhooks", [KEY], shared=True))
        while new := store.events(state="new", limit=100):
            for event in new:
                stored = store.event(event.id)
                assert stored
                self.consumed[stored[1]["payload"]["name"]] += 1
            store.mark([event.id for event in new], "acknowledged")


@pytest.mark.slow
@pytest.mark.timeout(1800)  # of 10,000 on a machine that is busy with other tests
async def test_receiver_killed_loses_nothing_and_repeats_nothing(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """1,000 webhooks with SIGKILL every 250; 10,000 with one every 500 under --every-tool."""
    many = request.config.getoption("--every-tool", default=False)
    killed = Killed(tmp_path, *((10_000, 500) if many else (1_000, 250)))
    begun = time.monotonic()
    await killed.run()
    print(f"{killed.number} webhooks, {killed.kills} kills, {time.monotonic() - begun:.0f} s")
    assert killed.kills >= killed.number // killed.every - 1
    assert len(killed.accepted) == killed.number
    assert killed.consumed == Counter({f"Invité {one}": 1 for one in range(killed.number)})


def start(folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a receiver that is to end at once."""
    return subprocess.run(COMMAND, env=dict(environ), capture_output=True, text=True, timeout=60, check=False)


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
    ],
)
def test_receiver_with_wrong_settings_says_so(tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    done = start(tmp_path, environ_of(tmp_path, **settings))
    assert done.returncode == 1
    assert done.stderr.startswith("flotilla-webhooks receive: ")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert "CANARY" not in done.stderr


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
