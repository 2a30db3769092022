"""Filesystem: read, write, edit, find, move and delete files of the shared data folder. No network."""

from __future__ import annotations

import time
from itertools import islice
from typing import Annotated

from pydantic import Field

from flotilla import (
    Cursor,
    Integration,
    Limit,
    Page,
    Server,
    ServerSettings,
    Toolset,
    announce,
    confirm,
    errors,
    files,
    in_thread,
)
from flotilla.files import Entry, FileRef

from .contents import Change, count, describe, read_part, whole
from .models import Deleted, Edit, Edited, Encoding, FileContent, FileInfo, Match, Place, TextEncoding
from .search import Search

tools = Toolset()

integration: Integration[ServerSettings] = Integration(
    "filesystem",
    prefix="fs",
    title="Filesystem",
    description="Read, write, edit, search, move and delete files in the data folder that Flotilla's servers share.",
    category="productivity",
    tags=["files", "documents", "text"],
    hosts=[],
    files=True,
    instructions="Paths are relative to the data folder, with / between folders. Links are not followed.",
)

LONGEST_SEARCH = 20  # seconds before a search answers with what it has, and how to go on

Path = Annotated[str, Field(description="In the data folder", examples=["reports/june.md"])]
NewPath = Annotated[str, Field(description="In the data folder", examples=["reports/july.md"])]
Folder = Annotated[str, Field(description="Folder")]
Overwrite = Annotated[bool, Field(description="Replace an existing file")]


@tools.reads
async def list_directory(path: Folder = ".", limit: Limit = 50, cursor: Cursor = None) -> Page[Entry]:
    """List what one folder holds, by name."""

    def page() -> list[Entry]:
        return list(islice(files.walk(path, start=cursor or ".", deep=False), limit + 1))

    found = await in_thread(page)
    return Page(items=found[:limit], next_cursor=found[limit].path if len(found) > limit else None)


@tools.reads(exact=["content"])
async def read_file(
    path: Path,
    encoding: Encoding = "utf-8",
    offset: Annotated[int, Field(ge=0, description="Byte to start at")] = 0,
    limit: Annotated[int, Field(ge=100, le=80_000, description="Bytes")] = 40_000,
) -> FileContent:
    """Read a file, or a part of it: text, or any bytes as base64. When next_offset comes back, there is more."""
    return await in_thread(read_part, path, encoding, offset, limit)


@tools.writes(creates=True, replaces=True)
async def write_file(
    path: NewPath,
    content: Annotated[
        str, Field(max_length=3_000_000, description="Whole content", examples=["# Juin\n\nTotal : 12 €"])
    ],
    encoding: Encoding = "utf-8",
    overwrite: Overwrite = False,
) -> FileRef:
    """Write a whole file; makes its folders. Refuses to replace a file unless overwrite=true. To change a part use
    fs_edit_file."""
    lost = await in_thread(files.replaced, path, overwrite)
    data = await in_thread(whole, path, content, encoding, bool(lost))
    if lost:
        await confirm(f"Replace {lost} by {len(data):,} bytes? What it holds now is lost.")
    shown = {"content": content[:1000], "encoding": encoding, "bytes": len(data), "overwrite": overwrite}
    announce(action="write_file", path=files.shown(path), **shown)
    return await in_thread(files.write, path, data, overwrite)


@tools.writes(additive=False, exact=["diff"])
async def edit_file(
    path: Path,
    edits: Annotated[
        list[Edit],
        Field(
            min_length=1,
            max_length=50,
            description="In order, all or none",
            examples=[[{"old_text": "Total : 12 €", "new_text": "Total : 13 €"}]],
        ),
    ],
    encoding: TextEncoding = "utf-8",
) -> Edited:
    """Replace passages of a text file and return the diff; dry_run shows it first. Spaces, accents and line ends may be
    of another kind; the note says so."""
    change = await in_thread(Change, path, edits, encoding)
    announce(action="edit_file", path=change.path, diff=change.diff, encoding=encoding)
    done = await in_thread(change.apply)
    return Edited(**done.model_dump(), diff=change.diff, note=" ".join(change.notes) or None)


@tools.reads
async def search_files(
    path: Folder = ".",
    pattern: Annotated[str, Field(description="*.md, or by path: 2024/**/*.csv")] = "*",
    text: Annotated[str | None, Field(description="Only lines of text files that hold this")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Match]:
    """Find files and folders below a folder by name, or lines by the text in them; case does not matter. A long
    search may return few items and a next_cursor: go on with it."""
    search, until = Search(path, pattern, text, limit, cursor), time.monotonic() + LONGEST_SEARCH
    while await in_thread(search.step) and time.monotonic() < until:
        pass
    return Page(items=search.items, next_cursor=search.cursor)


@tools.reads
async def get_file_info(path: Path) -> FileInfo:
    """Type, size, time, checksum and likely encoding of a file; entries of a folder; of . the room left."""
    return await in_thread(describe, path)


@tools.writes(creates=True, idempotent=True)
async def create_directory(
    path: Annotated[str, Field(description="In the data folder", examples=["reports/2025"])],
) -> Place:
    """Make a folder and those above it. One that is there stays as it is."""
    await in_thread(files.check_folder, path)
    announce(action="create_directory", path=files.shown(path))
    return Place.of(await in_thread(files.mkdir, path))


@tools.writes(replaces=True)
async def move_file(source: Path, destination: NewPath, overwrite: Overwrite = False) -> Place:
    """Move or rename a file or folder; destination is the whole new path."""
    moved = await in_thread(files.stat, source)
    if lost := await in_thread(files.replaced, destination, overwrite):
        await confirm(f"Replace {lost} by {moved.path}? What {files.shown(destination)} holds now is lost.")
    announce(action="move_file", source=files.shown(source), destination=files.shown(destination))
    return Place.of(await in_thread(files.move, source, destination, overwrite))


@tools.destroys(asks=True)
async def delete_file(
    path: Path,
    recursive: Annotated[bool, Field(description="A folder with all it holds")] = False,
) -> Deleted:
    """Delete a file or an empty folder for good; a folder that holds something only with recursive=true."""
    what = await in_thread(count, path)
    if what.type == "directory" and what.files and not recursive:
        raise errors.InvalidInputError(
            f"{what.path} holds {what.files} files.", "Pass recursive=true if all of them may go."
        )
    top = await in_thread(files.stat, path)
    held = f"the folder {what.path} with all it holds, {what.amount},"
    version = await in_thread(files.version, path)
    await confirm(f"Delete {held if top.type == 'directory' else files.about(top)} for good?", version)
    announce(action="delete_file", **what.model_dump())
    await in_thread(files.remove, path, recursive)
    return what


server = Server(integration, toolsets=[tools])
