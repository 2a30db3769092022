"""Bytes to text and back, part by part; exact edits and their diffs. Everything here blocks."""

from __future__ import annotations

import base64
import binascii
import codecs
import difflib
import unicodedata

from flotilla import errors, files
from flotilla.text import plain

from .models import Deleted, Edit, FileContent, FileInfo

LARGEST_EDIT = 2 * 2**20  # bytes: a diff of more takes too long
LONGEST_DIFF = 20_000  # characters
_SAMPLE = 2**16  # bytes that an encoding is guessed from
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\f\r\x1b")


def guess(data: bytes) -> str:
    """Return the encoding that bytes seem to have; `base64` for what is no text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in data:
        halves = (data[::2].count(0), data[1::2].count(0))  # Western text in UTF-16: every other byte is 0
        return "utf-16" if max(halves) > len(data) // 3 and min(halves) * 8 < max(halves) else "base64"
    if len(data.translate(None, _CONTROLS)) * 50 < len(data) * 49:
        return "base64"
    for encoding in ("utf-8", "cp1252"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(data)  # not the end: the last character may be cut
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def codec(encoding: str, start: bytes) -> str:
    """Return Python's codec for an encoding; the start of the file tells the byte order of UTF-16."""
    if encoding != "utf-16":
        return encoding
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    big = start.startswith(codecs.BOM_UTF16_BE) if marked else start[::2].count(0) > start[1::2].count(0)
    return "utf-16-be" if big else "utf-16-le"


def read_part(path: str, encoding: str, offset: int, limit: int) -> FileContent:
    """Return up to `limit` bytes from `offset` on as text that ends at a line's or at least a character's end."""
    with files.reader(path) as file:
        start = file.read(256)
        size = file.seek(0, 2)
        if offset > size:
            raise errors.Input(f"{files.shown(path)} has only {size} bytes.", "Use an offset that next_offset gave.")
        file.seek(offset)
        data = file.read(limit - limit % 3 if encoding == "base64" else limit)  # so that parts can be put together
    final = offset + len(data) >= size
    if encoding == "base64":
        text, used = base64.b64encode(data).decode(), len(data)
    else:
        text, used = _decoded(data, encoding, codec(encoding, start), final, path, offset)
    following = None if final else offset + used
    return FileContent(path=files.shown(path), content=text, encoding=encoding, bytes=size, next_offset=following)


def _decoded(data: bytes, encoding: str, name: str, final: bool, path: str, offset: int) -> tuple[str, int]:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        text = decoder.decode(data, final)
        used = len(data) - len(decoder.getstate()[0])
        wrong = text.find("\0")
    except UnicodeDecodeError as problem:
        wrong = problem.start
    if wrong >= 0:
        other = guess(data)
        then = f"It looks like {other}: call again with encoding={other}."
        if other == encoding or (offset and not wrong):
            then = "Use an offset that next_offset gave, or encoding=base64."
        raise errors.Input(f"{files.shown(path)} is no {encoding} text near byte {offset + wrong}.", then)
    cut = text.rfind("\n", len(text) // 2) + 1
    if cut and not final:
        return text[:cut], len(text[:cut].encode(name))
    return text, used


def encoded(content: str, encoding: str) -> bytes:
    """Return text as bytes; raises errors.Input when the encoding has no such character."""
    if encoding == "base64":
        try:
            return base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError):
            raise errors.Input("The content is not base64.", "Encode it again, or use encoding=utf-8.") from None
    try:
        return content.encode(encoding)
    except UnicodeEncodeError as problem:
        letter = content[problem.start]
        name = unicodedata.name(letter, f"U+{ord(letter):04X}")
        raise errors.Input(f"{encoding} has no {name}.", "Use encoding=utf-8, or other words.") from None


class Change:
    """The edits of one file: `diff` shows them, `apply` does them."""

    def __init__(self, path: str, edits: list[Edit], encoding: str) -> None:
        self.path, self.edits, self.encoding = files.shown(path), edits, encoding
        self.diff = ""
        self.plan()

    def plan(self) -> bytes:
        """Return the file as it will be; raises errors.Input when an edit does not fit."""
        return self.changed(files.read(self.path, LARGEST_EDIT))

    def changed(self, data: bytes) -> bytes:
        """Return what the edits make of a file's bytes."""
        name = codec(self.encoding, data[:256])
        before, _ = _decoded(data, self.encoding, name, True, self.path, 0)
        after = before
        for number, edit in enumerate(self.edits, 1):
            after = self._replaced(after, edit, number)
        if after == before:
            raise errors.Input("The edits change nothing.", "Give a new_text that differs from old_text.")
        self.diff = diff(before, after, self.path)
        return encoded(after, name)

    def _replaced(self, text: str, edit: Edit, number: int) -> str:
        old, new = edit.old_text, edit.new_text
        if old not in text and "\r\n" in text:  # Windows lines, which models write as Unix ones
            old, new = (part.replace("\r\n", "\n").replace("\n", "\r\n") for part in (old, new))
        first = text.find(old)
        if first < 0:
            why, then = "not", "Read the file again and copy a passage exactly."
            if plain(old) in plain(text):  # which reading does not show
                why, then = "only with invisible characters inside", "Choose another passage, or write the whole file."
            raise errors.Input(f"The old_text of edit {number} is {why} in {self.path}.", then)
        if text.find(old, first + 1) >= 0:
            places: list[str] = []
            at = first
            while at >= 0 and len(places) < 5:
                places.append(str(text.count("\n", 0, at) + 1))
                at = text.find(old, at + 1)
            what = f"The old_text of edit {number} occurs more than once, at lines {', '.join(places)}."
            raise errors.Input(what, "Include more of what stands around the one you mean.")
        return text[:first] + new + text[first + len(old) :]

    def apply(self) -> files.FileRef:
        """Do it, on what the file holds now."""
        return files.rewrite(self.path, self.changed, LARGEST_EDIT)


def diff(before: str, after: str, path: str) -> str:
    """Return a unified diff, cut at LONGEST_DIFF characters."""
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), path, path, lineterm="")
    text = "\n".join(line.rstrip("\r") for line in lines)
    return text if len(text) <= LONGEST_DIFF else text[:LONGEST_DIFF] + "\n… the diff goes on"


def describe(path: str) -> FileInfo:
    """Return what is known of a path: of a file its checksum and encoding, of a folder how much is in it."""
    entry = files.stat(path)
    info = FileInfo(**entry.model_dump())
    if entry.type == "file":
        info.content_type = files.content_type(entry.path)
        with files.reader(path) as file:
            info.likely_encoding = guess(file.read(_SAMPLE))
        if (entry.bytes or 0) <= files.MAX_FILE:  # larger ones, put there by others, would take too long
            info.sha256 = files.ref(path).sha256
    elif entry.type == "directory":
        info.entries = sum(1 for _ in files.walk(path, deep=False))
        if entry.path == "." and files.quota():
            info.free_bytes = max(0, files.quota() - files.usage())
    return info


def count(path: str) -> Deleted:
    """Return what a path and all below it amount to."""
    top = files.stat(path)
    below = [e for e in files.walk(path) if e.type != "directory"] if top.type == "directory" else [top]
    total = sum(entry.bytes or 0 for entry in below)
    return Deleted(path=top.path, type=top.type, files=len(below), bytes=total)
