"""Bytes to text and back, part by part; exact edits and their diffs. Everything here blocks."""

from __future__ import annotations

import base64
import binascii
import codecs
import difflib
import re
import shutil
import unicodedata
from contextlib import suppress

from flotilla import errors, files
from flotilla.text import cleaned, escaped, plain, unescaped

from .models import Deleted, Edit, FileContent, FileInfo

LARGEST_EDIT = 2 * 2**20  # bytes: a diff of more takes too long
LARGEST_APPEND = 32 * 2**20  # bytes: the file is written anew
LONGEST_DIFF = 20_000  # characters
LONGEST_PART = 200_000  # bytes of text in one answer
SPACES = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")  # that look like the ordinary one
_LIKE = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "‑": "-"})
_SAMPLE = 2**16  # bytes that an encoding is guessed from
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\f\r\x1b")


def guess(data: bytes) -> str:
    """Return the encoding that bytes seem to have; `base64` for what is not text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
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
    """Return Python's codec for an encoding; the start of the file tells the byte order of UTF-16.

    A byte order mark is read as a character of the text.
    """
    if encoding == "utf-8-sig":
        return "utf-8"
    if encoding != "utf-16":
        return encoding
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    big = start.startswith(codecs.BOM_UTF16_BE) if marked else start[::2].count(0) > start[1::2].count(0)
    return "utf-16-be" if big else "utf-16-le"


def read_part(path: str, encoding: str, offset: int, limit: int) -> FileContent:
    """Return up to `limit` bytes from `offset` on as text that ends at a line's or at least a character's end.

    Hidden characters of text are shown as ⟨U+200B⟩, which `whole` reads; the encoding of the result says whether there
    is a byte order mark.
    """
    with files.reader(path) as file:
        start = file.read(256)
        size = file.seek(0, 2)
        if offset > size:
            raise errors.InvalidInputError(
                f"{files.shown(path)} has only {size} bytes, so there is nothing at byte {offset}.",
                "Use an offset from next_offset.",
            )
        file.seek(offset)
        data = file.read(limit - limit % 3 if encoding == "base64" else limit)  # so that parts can be put together
    final = offset + len(data) >= size
    if encoding == "base64":
        text, used = base64.b64encode(data).decode(), len(data)
    else:
        text, used = _decoded(data, encoding, codec(encoding, start), final, path, offset)
        if not offset and text.startswith("\ufeff"):
            text, encoding = text[1:], {"utf-8": "utf-8-sig"}.get(encoding, encoding)
    following = None if final else offset + used
    content, hidden = (text, 0) if encoding == "base64" else (escaped(text), cleaned(text)[1])
    if hidden and len(content.encode()) > LONGEST_PART:
        return read_part(path, encoding, offset, limit // 2)  # shown, what is hidden takes more room
    return FileContent(
        path=files.shown(path),
        content=content,
        encoding=encoding,
        bytes=size,
        hidden=hidden or None,
        next_offset=following,
    )


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
        hint = f"It looks like {other}: call again with encoding={other}."
        if other == encoding or (offset and not wrong):
            hint = "Use an offset from next_offset, or encoding=base64."
        raise errors.InvalidInputError(
            f"{files.shown(path)} is not valid {encoding} text near byte {offset + wrong}.", hint
        )
    cut = text.rfind("\n", len(text) // 2) + 1
    if cut and not final:
        return text[:cut], len(text[:cut].encode(name))
    return text, used


def encoded(content: str, encoding: str) -> bytes:
    """Return text as bytes; raises errors.InvalidInputError when the encoding has no such character."""
    if encoding == "base64":
        try:
            return base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError):
            raise errors.InvalidInputError(
                "The content is not base64.", "Encode it again, or use encoding=utf-8."
            ) from None
    try:
        return content.encode(encoding)
    except UnicodeEncodeError as problem:
        letter = content[problem.start]
        name = unicodedata.name(letter, f"U+{ord(letter):04X}")
        raise errors.InvalidInputError(
            f"The encoding {encoding} has no character {name}.", "Use encoding=utf-8, or replace the character."
        ) from None


def whole(path: str, content: str, encoding: str, replaces: bool) -> bytes:
    """Return a new file's bytes, ⟨U+200B⟩ read as the character. One that began with a byte order mark keeps it."""
    if encoding == "base64":
        return encoded(content, encoding)
    text = unescaped(content)
    if encoding == "utf-8" and replaces:
        with files.reader(path) as old:
            encoding = "utf-8-sig" if old.read(3) == codecs.BOM_UTF8 else encoding
    return encoded(text.removeprefix("\ufeff") if encoding in ("utf-8-sig", "utf-16") else text, encoding)


def exists(path: str) -> bool:
    """Tell whether there is a file or folder."""
    with suppress(errors.NotFoundError):
        files.stat(path)
        return True
    return False


def copy(source: str, destination: str, overwrite: bool) -> files.FileRef:
    """Copy a file; raises as `files.reader` and `files.writer` do."""
    with files.reader(source) as old, files.writer(destination, overwrite) as new:
        shutil.copyfileobj(old, new, 2**20)
    return new.ref


class Addition:
    """Text that goes to the end of a file, on a line of its own; bytes (base64) go there as they are."""

    def __init__(self, path: str, content: str, encoding: str) -> None:
        self.path, self.content, self.encoding = path, content, encoding
        self.changed(b"")  # raises the error of content that the encoding cannot hold

    def changed(self, data: bytes) -> bytes:
        """Return a file's bytes with the addition."""
        if self.encoding == "base64":
            return data + encoded(self.content, self.encoding)
        name = codec(self.encoding, data[:256])
        line_end = encoded("\n", name)
        separate = data and not data.endswith(line_end)
        return data + (line_end if separate else b"") + encoded(unescaped(self.content), name)

    def apply(self) -> files.FileRef:
        """Write the file, with whatever others added meanwhile."""
        return files.rewrite(self.path, self.changed, LARGEST_APPEND)


class Change:
    """The edits of one file: `diff` shows them, `notes` say how a passage differs, `apply` writes the file."""

    def __init__(self, path: str, edits: list[Edit], encoding: str) -> None:
        self.path, self.edits, self.encoding = files.shown(path), edits, encoding
        self.diff, self.notes = "", list[str]()
        self.plan()

    def plan(self) -> bytes:
        """Return the edited file's bytes; raises errors.InvalidInputError when an edit does not fit."""
        return self.changed(files.read(self.path, LARGEST_EDIT))

    def changed(self, data: bytes) -> bytes:
        """Return what the edits make of a file's bytes."""
        name = codec(self.encoding, data[:256])
        before, _ = _decoded(data, self.encoding, name, True, self.path, 0)
        after, self.notes = before, []
        for number, edit in enumerate(self.edits, 1):
            after = self._replaced(after, edit, number)
        if after == before:
            raise errors.InvalidInputError("The edits change nothing.", "Give a new_text that differs from old_text.")
        self.diff = escaped(diff(before, after, self.path))
        return encoded(after, name)

    def _replaced(self, text: str, edit: Edit, number: int) -> str:
        """Replace the one place that is the passage, or the one that differs from it only in spaces and accents."""
        old, new = unescaped(edit.old_text), unescaped(edit.new_text)
        ranges = _exactly(text, old) or _alike(text, old)
        if not ranges:
            raise self._absent(text, old, number)
        start, end = ranges[0]
        passage = text[start:end]
        if len(ranges) > 1:
            lines = ", ".join(str(text.count("\n", 0, at) + 1) for at, _ in ranges[:5])
            message = f"The old_text of edit {number} occurs more than once, at lines {lines}"
            if passage != old:
                message += f", where all spaces and accents count alike ({_difference(passage, old)})"
            raise errors.InvalidInputError(f"{message}.", "Include more of the text around the one you mean.")
        if passage.replace("\r\n", "\n") != old.replace("\r\n", "\n"):
            self.notes.append(f"Edit {number}: {_difference(passage, old)}.")
        if _windows(text, start):
            new = new.replace("\r\n", "\n").replace("\n", "\r\n")
        return text[:start] + new + text[end:]

    def _absent(self, text: str, old: str, number: int) -> errors.InvalidInputError:
        message = f"The old_text of edit {number} is not in {self.path}"
        if near := _alike(text, old, loose=True):
            start, end = near[0]
            line = text.count("\n", 0, start) + 1
            message += f"; line {line} is nearly the same: {_difference(text[start:end], old)}"
        return errors.InvalidInputError(f"{message}.", "Read the file again and copy a passage exactly.")

    def apply(self) -> files.FileRef:
        """Write the file, with the edits made anew on what it holds now."""
        return files.rewrite(self.path, self.changed, LARGEST_EDIT)


Ranges = list[tuple[int, int]]  # where passages begin and end


def _exactly(text: str, old: str) -> Ranges:
    ranges: Ranges = []
    at = text.find(old)
    while at >= 0 and len(ranges) < 6:
        ranges.append((at, at + len(old)))
        at = text.find(old, at + 1)
    return ranges


def _alike(text: str, old: str, loose: bool = False) -> Ranges:
    """Return where a passage stands when all spaces, line ends and ways to write an accent count alike.

    `loose`: also kinds of quotes and dashes, upper case, and with hidden characters left out.
    """
    folded, places = _folded(text, loose)
    wanted = _folded(old, loose)[0]
    places.append(len(text))
    ranges: Ranges = []
    at = folded.find(wanted) if wanted else -1
    while at >= 0 and len(ranges) < 6:
        end = at + len(wanted)
        within = (at > 0 and places[at - 1] == places[at]) or places[end - 1] == places[end]
        if not (within or _combines(folded, at) or _combines(folded, end)):  # never half of a letter
            ranges.append((places[at], places[end]))
        at = folded.find(wanted, at + 1)
    return ranges


def _folded(text: str, loose: bool) -> tuple[str, list[int]]:
    """Return text as it is compared, and for each of its characters where that stands in the text."""
    if loose:
        text = text.translate(_LIKE)  # of the same length
    letters, places = list[str](), list[int]()
    for at, letter in enumerate(text):
        like = letter
        if letter == "\n" and text[at - 1 : at] == "\r":
            continue  # "\r" stands for both
        if letter == "\r" and text[at + 1 : at + 2] == "\n":
            like = "\n"
        elif not letter.isascii():
            if loose and not plain(letter):
                continue
            like = unicodedata.normalize("NFD", SPACES.sub(" ", letter))
        for one in like.casefold() if loose else like:
            letters.append(one)
            places.append(at)
    return "".join(letters), places


def _combines(text: str, at: int) -> bool:
    return at < len(text) and unicodedata.combining(text[at]) > 0


def _difference(passage: str, old: str) -> str:
    """Return a phrase on where a passage of a file first differs from what was asked for, and how."""
    there, asked = passage.replace("\r\n", "\n"), old.replace("\r\n", "\n")
    at = next((n for n, (a, b) in enumerate(zip(there, asked, strict=False)) if a != b), min(len(there), len(asked)))
    at = next((n for n in range(at, 0, -1) if not (_combines(there, n) or _combines(asked, n))), 0)
    before = escaped(there[max(0, at - 20) : at], name=True)
    where = f" after {before!r}" if before else " at its beginning"
    return f"the file has {_spelled(there, at)} where old_text has {_spelled(asked, at)}{where}"


def _spelled(text: str, at: int) -> str:
    """Name a character and the accents that follow it."""
    end = at + 1
    while _combines(text, end):
        end += 1
    names = [f"U+{ord(one):04X} ({unicodedata.name(one, 'no name').lower()})" for one in text[at:end]]
    return " and ".join(names) or "nothing more"


def _windows(text: str, at: int) -> bool:
    """Tell whether lines around a place end as Windows ends them."""
    end = text.find("\n", at)
    end = end if end >= 0 else text.rfind("\n", 0, at)
    return end > 0 and text[end - 1] == "\r"


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
    """Return how many files and bytes a path and everything below it have."""
    top = files.stat(path)
    below = [e for e in files.walk(path) if e.type != "directory"] if top.type == "directory" else [top]
    total = sum(entry.bytes or 0 for entry in below)
    return Deleted(path=top.path, type=top.type, files=len(below), bytes=total)
