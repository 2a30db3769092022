"""Notes of what could not be done while a server could not be reached: Markdown files that a person reads and replays.

    <data>/notes/2026-11-29 ajoute Zoé Lefèvre dans HubSpot.md

A note has front matter (each value as JSON, which YAML reads too), the person's words, and the call's arguments in a
block of code. Standard library only. Each function takes the folder of the notes; all raise NoteError.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

MOST = 500  # notes
LONGEST_INTENT, LONGEST_ARGUMENTS, LONGEST_RESULT = 4_000, 32_000, 300  # characters
LONGEST_NAME = 60
OPEN, STARTED, DONE, FAILED = "open", "started", "done", "failed"
FENCE, TAIL = "\n## Arguments\n\n```json\n", "\n```\n"


class NoteError(Exception):
    """A note cannot be written, read or replayed. The message says why and what to do."""


@dataclass(frozen=True)
class Note:
    """One note. `name` is its file's, without `.md`; `saved` and `replayed` are times with an offset, "" for never.

    `state`: open, started (a replay began, and nobody knows how it ended), done or failed; `result` is the first line
    of what the call returned. `replayable` is false where there is no tool, or where arguments were masked.
    """

    name: str
    intent: str
    tool: str = ""
    server: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    trace_id: str = ""
    client: str = ""
    saved: str = ""
    replayable: bool = False
    state: str = OPEN
    replayed: str = ""
    result: str = ""


HEADER = ("saved", "state", "server", "tool", "trace_id", "client", "replayable", "replayed", "result")


def notes_folder(data: Path) -> Path:
    """Return where the notes of a data folder stand."""
    return data / "notes"


def list_notes(folder: Path) -> list[Note]:
    """Return all notes, the newest first; files that are none are left out."""
    notes = []
    for path in folder.glob("*.md"):
        with suppress(NoteError):
            notes.append(read_note(folder, path.stem))
    return sorted(notes, key=lambda note: (note.saved, note.name), reverse=True)


def read_note(folder: Path, name: str) -> Note:
    """Return the note of a name."""
    try:
        text = _path(folder, name).read_text(encoding="utf-8")
    except OSError:
        raise NoteError(f"There is no note {name!r}. List the notes to see which ones exist.") from None
    except ValueError:
        raise _unreadable(name) from None
    head, end, body = text.removeprefix("---\n").partition("\n---\n")
    intent, fence, block = body.rpartition(FENCE)
    try:
        if not end or not fence:
            raise _unreadable(name)
        values = {key: json.loads(value) for key, _, value in (line.partition(":") for line in head.splitlines())}
        arguments = json.loads(block.removesuffix(TAIL))
        known = {key: values[key] for key in HEADER}
        if type(arguments) is not dict or any(type(known[key]) is not (bool if key == "replayable" else str)
                                              for key in HEADER):  # fmt: skip
            raise _unreadable(name)
        return Note(name=name, intent=intent.strip(), arguments=arguments, **known)
    except (ValueError, KeyError, RecursionError):
        raise _unreadable(name) from None


def save_note(folder: Path, note: Note) -> Note:
    """Write a new note and return it with its name and time; never over another file."""
    if not note.intent.strip():
        raise NoteError("A note needs the user's words as `intent`.")
    shown = json.dumps(note.arguments, ensure_ascii=False)
    for name, length, most in (
        ("intent", len(note.intent), LONGEST_INTENT),
        ("arguments", len(shown), LONGEST_ARGUMENTS),
    ):
        if length > most:
            raise NoteError(
                f"`{name}` has {length} characters, and a note takes {most}. Keep what matters, save again."
            )
    now = datetime.now().astimezone()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(folder):
            if len(list(folder.glob("*.md"))) >= MOST:
                raise NoteError(f"There are {MOST} notes already. Ask the user to delete those that are done.")
            stem, number = f"{now:%Y-%m-%d} {_words(note.intent)}".strip(), 1
            while True:
                name = stem if number == 1 else f"{stem} {number}"
                note = replace(note, name=name, saved=now.isoformat(timespec="seconds"))
                try:
                    with os.fdopen(
                        os.open(_path(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
                    ) as out:
                        out.write(_text(note))
                    return note
                except FileExistsError:
                    number += 1
    except OSError as error:
        raise NoteError(
            f"The note cannot be written: {error.strerror}. Ask the user to check the data folder."
        ) from None


def begin_replay(folder: Path, name: str, again: bool = False) -> Note:
    """Mark a note as started, and return it: from now on only the caller may make its call.

    `again`: a person agreed to make the call once more. Without it, a note that is not open is refused.
    """
    with _locked(folder):
        note = read_note(folder, name)
        if not note.tool:
            raise NoteError("The note names no tool, so a person has to do what it says. Delete it when it is done.")
        if not note.replayable:
            raise NoteError(
                "The note cannot be replayed as it is, because secrets among its arguments were masked. Make the call "
                "again in a client, then delete the note."
            )
        if note.state != OPEN and not again:
            raise NoteError(
                f"The note was replayed on {note.replayed} ({note.state}), and the call could be made twice."
            )
        return _marked(folder, note, STARTED, "")


def mark_note(folder: Path, name: str, state: str, result: str = "") -> Note:
    """Write how a replay ended: done or failed, or open where nothing was done. The first line of `result` is kept."""
    with _locked(folder):
        return _marked(folder, read_note(folder, name), state, result)


def delete_note(folder: Path, name: str) -> None:
    """Delete a note."""
    try:
        _path(folder, name).unlink()
    except OSError:
        raise NoteError(f"There is no note {name!r}. List the notes to see which ones exist.") from None


def state_after(text: str, is_error: bool) -> str:
    """Return the state of a note by the text of its call's result."""
    if not is_error:
        return DONE
    return OPEN if "Nothing was done" in text or "Nothing was changed" in text else FAILED


def _marked(folder: Path, note: Note, state: str, result: str) -> Note:
    when = datetime.now().astimezone().isoformat(timespec="seconds") if state == STARTED else note.replayed
    line = next(iter(result.strip().splitlines()), "")[:LONGEST_RESULT]
    note = replace(note, state=state, replayed=when, result=line)
    path = _path(folder, note.name)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(_text(note))
    part.chmod(0o600)
    part.replace(path)
    return note


def _text(note: Note) -> bytes:
    head = "\n".join(f"{key}: {json.dumps(getattr(note, key), ensure_ascii=False)}" for key in HEADER)
    arguments = json.dumps(note.arguments, ensure_ascii=False, indent=2)
    text = f"---\n{head}\n---\n\n{note.intent.strip()}\n{FENCE}{arguments}{TAIL}"
    return text.encode(errors="replace")  # half a surrogate pair has no place in a file


def _path(folder: Path, name: str) -> Path:
    if not name or name.startswith(".") or Path(name).name != name or "\0" in name:
        raise NoteError(f"{name!r} is not a valid name of a note. List the notes to see which ones exist.")
    return folder / f"{name}.md"


def _words(intent: str) -> str:
    """Return the beginning of the person's words as they may stand in a file name, letters with accents too."""
    parts = re.sub(r"[^\w'’@-]+", " ", unicodedata.normalize("NFC", intent)).replace("_", " ").split()
    name = " ".join(parts)
    while len(name) > LONGEST_NAME and parts[1:]:
        parts.pop()
        name = " ".join(parts)
    return name[:LONGEST_NAME]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep a command and the console from changing the notes at the same time."""
    try:
        lock = (folder / ".lock").open("w")
    except OSError:
        raise NoteError("There are no notes.") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unreadable(name: str) -> NoteError:
    return NoteError(f"The note {name!r} was changed so that it cannot be read. Correct the file, or delete it.")


def shown(note: Note) -> Mapping[str, Any]:
    """Return a note as JSON data."""
    return {"name": note.name, "intent": note.intent, "arguments": note.arguments} | {
        key: getattr(note, key) for key in HEADER
    }
