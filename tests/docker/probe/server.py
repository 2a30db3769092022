"""A server made with the library that shows what it can see, waits, blocks and asks."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated, Any

from fastmcp.server.dependencies import get_context
from pydantic import Field

from flotilla import (
    Integration,
    Model,
    SecretStr,
    Server,
    ServerSettings,
    Toolset,
    announce,
    files,
    in_thread,
    settings_of,
)


class Settings(ServerSettings):
    """PROBE_TOKEN, and one plain setting."""

    token: SecretStr = Field(description="A token, from nowhere", examples=["tok_123"])
    word: str = Field("none", description="Any word")


probe = Integration(
    "probe",
    title="Probe",
    description="Shows what a server can see.",
    category="test",
    settings=Settings,
    files=True,
)
tools = Toolset()


class Self(Model):
    """What the process sees of itself."""

    pid: int
    uid: int
    variables: list[str]
    privileges: list[str]
    writable: list[str]
    interfaces: list[str]
    memory: str
    cpus: str


class Text(Model):
    """A text."""

    text: str


Seconds = Annotated[float, Field(description="How long", examples=[1])]


def _limit(*names: str) -> str:
    paths = (path for name in names if (path := Path("/sys/fs/cgroup", name)).exists())
    return next((path.read_text().strip() for path in paths), "")


def _writable() -> list[str]:
    writable = []
    for folder in ("/", "/app", "/usr", "/tmp", "/data"):
        try:
            path = Path(folder, ".probe")
            path.write_text("x")
            path.unlink()
            writable.append(folder)
        except OSError:
            continue
    return writable


@tools.reads
async def get_self() -> Self:
    """Show what the process sees."""
    status = Path("/proc/self/status").read_text().splitlines()
    return Self(
        pid=os.getpid(),
        uid=os.getuid(),
        variables=sorted(os.environ),
        privileges=[line for line in status if line.startswith(("CapEff", "CapBnd", "NoNewPrivs"))],
        writable=_writable(),
        interfaces=sorted(path.name for path in Path("/sys/class/net").iterdir()),
        memory=_limit("memory.max", "memory/memory.limit_in_bytes"),
        cpus=_limit("cpu.max", "cpu/cpu.cfs_quota_us"),
    )


@tools.reads
async def get_settings() -> Text:
    """Return the plain setting, and the length of the token."""
    settings = settings_of(probe)
    return Text(text=f"{settings.word} {len(settings.token.get_secret_value())}")


@tools.reads
async def get_later(seconds: Seconds, name: Annotated[str, Field(description="Name")] = "") -> Text:
    """Wait, with progress; a note is left when the call is cancelled."""
    try:
        for step in range(4):
            await get_context().report_progress(step + 1, 4)
            await asyncio.sleep(seconds / 4)
    except asyncio.CancelledError:
        note = f"cancelled {name}\n".encode()
        await asyncio.shield(in_thread(files.write, f"cancelled-{name}.txt", note, True))
        raise
    return Text(text=name)


@tools.reads
async def get_blocked(seconds: Seconds) -> Text:
    """Block the whole server, so that it hears nothing."""
    time.sleep(seconds)  # noqa: ASYNC251 - that is the point
    return Text(text="done")


@tools.writes
async def add_line(text: Annotated[str, Field(description="Line", examples=["x"])], wait: Seconds = 0) -> Text:
    """Add a line to lines.txt, then wait."""

    def add() -> str:
        try:
            before = files.read("lines.txt", 1_000_000)
        except Exception:
            before = b""
        files.write("lines.txt", before + text.encode() + b"\n", True)
        return text

    announce(action="add_line", text=text)
    await in_thread(add)
    await asyncio.sleep(wait)
    return Text(text=text)


@tools.destroys(confirm="Delete {name} for good?")
async def delete_thing(name: Annotated[str, Field(description="Name", examples=["x"])]) -> Text:
    """Delete nothing, but ask first."""
    announce(action="delete_thing", name=name)
    return Text(text=f"deleted {name}")


@tools.reads
async def get_echo(value: Annotated[dict[str, Any], Field(description="Anything", examples=[{"a": 1}])]) -> Text:
    """Return what came in, as text."""
    return Text(text=repr(value))


server = Server(probe, toolsets=[tools])
