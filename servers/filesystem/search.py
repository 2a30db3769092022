"""Search by name and by text, in steps short enough that a cancelled call stops soon. Everything here blocks."""

from __future__ import annotations

import io
import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from flotilla import errors, files

from .contents import SPACES, codec, guess
from .models import Match

STEP = 0.2  # seconds
AROUND = 100  # characters shown on each side of a match
LARGEST = 64 * 2**20  # bytes searched of one file: a search that goes on in it has to read up to there again
_PIECE = 2**16  # characters of a line looked at together: some files are one line


def folded(text: str) -> str:
    """Return text in the form that is compared: accents composed, no upper case, all spaces alike."""
    return SPACES.sub(" ", unicodedata.normalize("NFC", text)).casefold()


def matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether the names along a path match a pattern's; `**` stands for any number of names, also none."""

    def skip_stars(states: set[int]) -> set[int]:
        for state in sorted(states):
            while state < len(pattern) and pattern[state] == "**":
                state += 1
                states.add(state)
        return states

    states = skip_stars({0})
    for name in names:
        states = {s for s in states if s < len(pattern) and (pattern[s] == "**" or fnmatchcase(name, pattern[s]))}
        states = skip_stars({s if pattern[s] == "**" else s + 1 for s in states})
    return len(pattern) in states


class Search:
    """One page of matches, collected step by step."""

    def __init__(self, path: str, pattern: str, text: str | None, limit: int, cursor: str | None) -> None:
        position = re.fullmatch(r"(\d{1,12}):(.+)", cursor or "0:.", re.DOTALL)
        if not position:
            raise errors.InvalidInputError("The cursor is not valid.", "Leave it out to start at the first page.")
        self.line, self.start = int(position[1]), files.shown(position[2])
        self.top, self.limit, self.text = files.parts_of(path), limit, folded(text or "")
        names = [name for name in folded(pattern).split("/") if name]
        self.pattern = names if "/" in pattern else ["**", *names]
        self.items: list[Match] = []
        self.at, self.done = (self.line, self.start), False
        self._matches = self._all()

    @property
    def cursor(self) -> str | None:
        """Line and path at which the next page begins; None when everything was searched."""
        return None if self.done else "{}:{}".format(*self.at)

    def step(self) -> bool:
        """Search for STEP seconds; false when the page is full or everything was searched."""
        until = time.monotonic() + STEP
        for match in self._matches:
            if match and len(self.items) == self.limit:
                return False
            if match:
                self.items.append(match)
            elif time.monotonic() > until:  # never right after a match, where the cursor would repeat it
                return True
        self.done = True
        return False

    def _all(self) -> Iterator[Match | None]:
        """Yield every match, and None now and then, so that the search can be stopped in between."""
        for entry in files.walk(files.joined(self.top), start=self.start):
            self.at = (0, entry.path)
            if not matches([folded(name) for name in files.parts_of(entry.path)[len(self.top) :]], self.pattern):
                if entry.path != self.start:  # no stop before the search has advanced
                    yield None
            elif not self.text:
                yield Match(**entry.model_dump())
            elif entry.type == "file":
                yield from self._lines(entry)

    def _lines(self, entry: files.Entry) -> Iterator[Match | None]:
        skipped = self.line if entry.path == self.start else 0
        try:
            with files.reader(entry.path) as file:
                sample = file.read(_PIECE)
                encoding = guess(sample)
                if encoding == "base64":
                    return
                file.seek(0)
                lines = io.TextIOWrapper(file, codec(encoding, sample), errors="replace")
                number, matched = 1, skipped - 1
                for count, piece in enumerate(iter(lambda: lines.readline(_PIECE), "")):
                    if count % 1000 == 0 and file.tell() > LARGEST:
                        return
                    self.at = (number, entry.path)
                    piece = unicodedata.normalize("NFC", piece)
                    at = folded(piece).find(self.text) if number > matched else -1
                    if at >= 0:
                        matched = number
                        excerpt = piece[max(0, at - AROUND) : at + len(self.text) + AROUND].strip()
                        yield Match(**entry.model_dump(), line=number, text=excerpt)
                    elif count % 1000 == 0 and number > skipped:
                        yield None
                    number += piece.endswith("\n")
        except errors.FlotillaError:  # gone or locked since it was listed
            return
