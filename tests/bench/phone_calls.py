"""What the media bridge adds to a frame of audio: twenty calls at once, with it and without it.

Both ends stand in this process, the bridge in one of its own. Once all calls stand, each sends a frame in 20 ms, as a
phone does, not all at the same moment; the model answers each with as much speech. Without the bridge the frames go
straight from one end to the other.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from flotilla_servers.telephony.tests.bridge_fakes import PUBLIC, FakeTwilio, bridge_process

Row = tuple[str, str, str]
CALLS, FRAMES, PACE = 20, 150, 0.02  # calls at once, frames of each, seconds between them
SPEECH = {"pcmu": 160, "pcm": 960}  # bytes of 20 ms


_places = count()


class Times:
    """When frames were sent, and how long each was under way, in both directions."""

    def __init__(self) -> None:
        self.to_model: list[float] = []
        self.to_caller: list[float] = []

    def p95(self) -> tuple[float, float]:
        """Return the 95th percentile of each direction in milliseconds."""
        return tuple(sorted(times)[int(len(times) * 0.95)] * 1000 for times in (self.to_model, self.to_caller))  # type: ignore[return-value]


class Stream:
    """One call: when each frame on its way was sent, in order."""

    def __init__(self, times: Times) -> None:
        self.times, self.left = times, FRAMES
        self.to_model: deque[float] = deque()
        self.to_caller: deque[float] = deque()
        self.ready, self.done = asyncio.Event(), asyncio.Event()

    async def answer(self, connection: Any, delta: str) -> None:
        """A frame has arrived at the model, which says as much."""
        now = time.perf_counter()
        self.times.to_model.append(now - self.to_model.popleft())
        self.to_caller.append(time.perf_counter())
        await connection.send(delta)

    def arrived(self) -> None:
        """Speech of the model has arrived at the caller."""
        self.times.to_caller.append(time.perf_counter() - self.to_caller.popleft())
        self.left -= 1
        if not self.left:
            self.done.set()


class Caller(FakeTwilio):
    """Takes the time of what arrives, and keeps nothing."""

    stream: Stream

    async def _take(self, text: str | bytes) -> None:
        if '"media"' in str(text[:40]):
            self.stream.arrived()

    async def talk(self) -> None:
        """Send all frames at their pace, and wait until the last answer is there."""
        began = time.perf_counter() + next(_places) % CALLS * PACE / CALLS
        payload = base64.b64encode(b"\xff" * 160).decode()
        message = {"event": "media", "streamSid": self.stream_sid, "media": {"track": "inbound", "payload": payload}}
        text = json.dumps(message)
        for number in range(FRAMES):
            await asyncio.sleep(max(began + number * PACE - time.perf_counter(), 0))
            self.stream.to_model.append(time.perf_counter())
            await self.send(text)
        await self.stream.done.wait()


def delta(audio: str) -> str:
    """Return 20 ms of speech as the model sends them."""
    payload = base64.b64encode(bytes(SPEECH[audio])).decode()
    item = {"item_id": "item_1", "content_index": 0, "delta": payload}
    return json.dumps({"type": "response.output_audio.delta", **item})


@asynccontextmanager
async def model(audio: str, streams: dict[str, Stream]) -> AsyncIterator[str]:
    """Run the model's side; a session knows its call by the number that the instructions name."""

    async def session(connection: ServerConnection) -> None:
        stream, speech = None, delta(audio)
        await connection.send('{"type":"session.created","session":{"type":"realtime"}}')
        async for text in connection:
            if '"input_audio_buffer.append"' in str(text[:60]):
                assert stream
                await stream.answer(connection, speech)
            elif '"session.update"' in str(text[:60]):
                update = json.loads(text)["session"]
                stream = next(own for number, own in streams.items() if number in update["instructions"])
                await connection.send(json.dumps({"type": "session.updated", "session": update}))
                stream.ready.set()

    async with serve(session, "127.0.0.1", 0, compression=None) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def through_the_bridge(audio: str) -> Times:
    """Carry all calls through a bridge."""
    times = Times()
    streams = {f"+336000000{number:02}": Stream(times) for number in range(CALLS)}
    async with (
        model(audio, streams) as address,
        bridge_process(address, audio=audio, greets="off", calls=str(CALLS)) as (_, url),
    ):

        async def call(phone: str) -> None:
            caller = Caller(url, PUBLIC)
            caller.stream = streams[phone]
            await caller.announce(From=phone)
            await caller.open()
            await asyncio.gather(*(stream.ready.wait() for stream in streams.values()))
            await caller.talk()
            await caller.hang_up()

        await asyncio.gather(*(call(phone) for phone in streams))
    return times


async def directly() -> Times:
    """Carry the same frames from one end to the other, with nothing between."""
    times, speech = Times(), delta("pcmu")
    streams: deque[Stream] = deque()

    async def session(connection: ServerConnection) -> None:
        stream = streams.popleft()
        async for _ in connection:
            await stream.answer(connection, speech)

    async with serve(session, "127.0.0.1", 0, compression=None) as server:
        address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

        async def call() -> None:
            caller = Caller("")
            caller.stream = Stream(times)
            streams.append(caller.stream)
            async with connect(address, compression=None) as socket:
                caller._socket = socket

                async def read() -> None:
                    async for _ in socket:
                        caller.stream.arrived()

                reading = asyncio.create_task(read())
                await caller.talk()
            await reading

        await asyncio.gather(*(call() for _ in range(CALLS)))
    return times


def measure(rows: list[Row]) -> dict[str, Any]:
    """Measure both formats of the model's audio beside no bridge at all."""
    base = asyncio.run(directly()).p95()
    out: dict[str, Any] = {"directly": base}
    for audio, label in (("pcmu", "as on the phone"), ("pcm", "converted to 24 kHz")):
        out[audio] = through = asyncio.run(through_the_bridge(audio)).p95()
        added = max(slow - fast for slow, fast in zip(through, base, strict=True))
        name = f"media bridge, {CALLS} calls: added to a frame, 95th percentile, {label}"
        rows.append((name, f"{added:.1f} ms", "< 5 ms"))
    return out
