"""Audio between the phone (mu-law, 8 kHz) and a model that wants PCM16 at 24 kHz.

`audioop` (audioop-lts where Python has none) does the arithmetic. Its own `ratecv` interpolates without a filter, so
that what a voice has above 4 kHz would come back as noise; here a low-pass filter of 48 taps is put together from its
`mul` and `add`, a third of it for each of the three phases.
"""

from __future__ import annotations

import math
import warnings
from array import array
from typing import Protocol

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

FACTOR = 3  # 24 kHz to 8 kHz
TAPS = 48
CUTOFF = 3_700.0  # Hz: the telephone's band ends at 3.4 kHz


class Codec(Protocol):
    """Audio of one call in both directions. `name` is that of the format: pcmu or pcm."""

    name: str

    def to_model(self, audio: bytes) -> bytes:
        """Return mu-law samples in the model's format."""
        ...

    def to_caller(self, audio: bytes) -> bytes:
        """Return the model's audio as mu-law samples."""
        ...


class Pcmu:
    """The model speaks what the phone does: nothing is converted."""

    name = "pcmu"

    def to_model(self, audio: bytes) -> bytes:
        """Return the samples as they are."""
        return audio

    def to_caller(self, audio: bytes) -> bytes:
        """Return the samples as they are."""
        return audio


class Pcm:
    """The model speaks PCM16, little endian, at 24 kHz. Keeps the end of each direction, so that frames join."""

    name = "pcm"

    def __init__(self) -> None:
        self._from_caller = bytes(2 * (TAPS // FACTOR - 1))
        self._from_model = bytes(2 * (TAPS - 1))
        self._rest = b""

    def to_model(self, audio: bytes) -> bytes:
        """Return mu-law samples as PCM16, three times as many."""
        buffer = self._from_caller + audioop.ulaw2lin(audio, 2)
        self._from_caller = buffer[-len(self._from_caller) :]
        result = array("h", bytes(2 * FACTOR * len(audio)))
        for phase in range(FACTOR):
            weights = [FACTOR * weight for weight in _WEIGHTS[phase::FACTOR]]
            result[phase::FACTOR] = array("h", _filtered([memoryview(buffer)], weights, len(audio)))
        return result.tobytes()

    def to_caller(self, audio: bytes) -> bytes:
        """Return PCM16 as mu-law samples, a third as many; what is left over waits for the next part."""
        audio = self._rest + audio
        count = len(audio) // (2 * FACTOR)
        self._rest, audio = audio[count * 2 * FACTOR :], audio[: count * 2 * FACTOR]
        buffer = self._from_model + audio
        self._from_model = buffer[-len(self._from_model) :]
        inputs = array("h", buffer)
        phases = [memoryview(inputs[phase::FACTOR].tobytes()) for phase in range(FACTOR)]
        return audioop.lin2ulaw(_filtered(phases, _WEIGHTS, count), 2)


def _low_pass() -> list[float]:
    """Return the taps of a windowed sinc (Hamming) whose sum is 1."""
    middle, cutoff = (TAPS - 1) / 2, CUTOFF / 24_000
    taps = [
        2 * cutoff * _sinc(2 * cutoff * (n - middle)) * (0.54 - 0.46 * math.cos(2 * math.pi * n / (TAPS - 1)))
        for n in range(TAPS)
    ]
    return [tap / sum(taps) for tap in taps]


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0


def _filtered(phases: list[memoryview], weights: list[float], count: int) -> bytes:
    """Return `count` samples, each the weighted sum of as many neighbours as there are weights.

    The samples come dealt out to `phases` in turn, so that those of one weight lie side by side.
    """
    total = bytes(2 * count)
    for place, weight in enumerate(reversed(weights)):  # the last weight belongs to the oldest sample
        offset = place // len(phases) * 2
        part = phases[place % len(phases)][offset : offset + 2 * count]
        total = audioop.add(total, audioop.mul(part, 2, weight), 2)
    return total


_WEIGHTS = _low_pass()
