"""A server with every bad habit, for tests of a process's life. Started as the commands start a server, but for the
import of a package."""

import hashlib
import logging
import os
import sys
import threading
import time
from typing import Any

import anyio
from pydantic import Field

from flotilla import Model, SecretStr, ServerSettings, in_thread
from flotilla_testing.scratch import ScratchServer


class Settings(ServerSettings):
    """Nothing is needed, unless PROBE_STRICT is on."""

    secret: SecretStr | None = Field(None, description="Anything")


class Strict(ServerSettings):
    """One thing is needed."""

    secret: SecretStr = Field(description="Anything")


class Out(Model):
    """What was done."""

    done: str = "yes"


wanted: Any = Strict if os.environ.get("PROBE_STRICT") else Settings
server = ScratchServer("probe", title="Probe", description="Test.", category="test", settings=wanted)


@server.reads
async def get_pong(text: str = "pong") -> Out:
    """Response."""
    return Out(done=text)


def begun() -> None:
    """Tell the test that a call runs."""
    print("begun", file=sys.stderr, flush=True)


together: list[anyio.Event] = []


@server.reads
async def get_together(count: int) -> Out:
    """Wait until so many calls are in flight."""
    own = anyio.Event()
    together.append(own)
    if len(together) == count:
        for waiting in together:
            waiting.set()
    await own.wait()
    return Out()


@server.reads
async def get_sleep(seconds: float = 30) -> Out:
    """Sleep as one should."""
    begun()
    await anyio.sleep(seconds)
    return Out()


@server.reads
async def get_blocked(seconds: float = 30) -> Out:
    """Block the event loop."""
    begun()
    time.sleep(seconds)  # noqa: ASYNC251
    return Out()


@server.reads
async def get_busy(seconds: float = 30) -> Out:
    """Block the event loop in C code that lets no signal handler run."""
    begun()
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", int(seconds * 1_500_000))
    return Out()


@server.reads
async def get_thread(seconds: float = 30) -> Out:
    """Block a thread."""
    begun()
    await in_thread(time.sleep, seconds)
    return Out()


@server.reads
async def get_shielded(seconds: float = 30) -> Out:
    """Refuse to be cancelled, and leave a thread behind that is no daemon."""
    begun()
    threading.Thread(target=time.sleep, args=(seconds,)).start()
    with anyio.CancelScope(shield=True):
        await anyio.sleep(seconds)
    return Out()


@server.reads
async def get_noise() -> Out:
    """Write where nothing may be written."""
    print("noise from print")
    os.write(1, b"noise from os.write\n")
    sys.stdout.flush()
    if server.connection.settings.secret:
        logging.getLogger("some.library").warning(
            "the secret is %s", server.connection.settings.secret.get_secret_value()
        )
        logging.getLogger("some.library").info("not worth a line")
    return Out()


@server.destroys
async def delete_thing(name: str) -> Out:
    """Delete."""
    return Out(done=name)


if __name__ == "__main__":
    if os.environ.get("PROBE_ORPHANED_STDERR"):
        os.close(2)
    server.run()
