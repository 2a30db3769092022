"""List the notes of what could not be done while a server was down; show one, make its call, or delete it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from mcp import MCPError

from flotilla_cli import client, gateway, paths
from flotilla_servers.switchboard import notes
from flotilla_servers.switchboard.notes import Note, NoteError


def main(argv: list[str]) -> int:
    """Run one of the four; 1 where it could not be done."""
    parser = argparse.ArgumentParser(prog="scripts/flotilla notes", description=__doc__)
    parser.add_argument("action", nargs="?", default="list", choices=("list", "show", "replay", "delete"))
    parser.add_argument("note", nargs="?", default="", help="name of the note, or its beginning")
    parser.add_argument("--data", type=Path, default=paths.data_folder(), help="the data folder")
    parser.add_argument("--json", action="store_true", help="list: print JSON lines")
    options = parser.parse_args(argv)
    folder = notes.notes_folder(options.data)
    try:
        if options.action == "list":
            return _list(folder, options.json)
        note = _found(folder, options.note)
        if options.action == "show":
            print((folder / f"{note.name}.md").read_text(encoding="utf-8"), end="")
        elif options.action == "delete":
            notes.delete_note(folder, note.name)
            print(f"Deleted: {note.name}")
        else:
            return _replay(folder, note)
    except (NoteError, gateway.GatewayError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def _list(folder: Path, as_json: bool) -> int:
    saved = notes.list_notes(folder)
    for note in saved:
        print(json.dumps(notes.shown(note), ensure_ascii=False) if as_json else _line(note))
    if not saved and not as_json:
        print("There are no notes. A client saves one, with your yes, when a server cannot be reached.")
    return 0


def _line(note: Note) -> str:
    kind = note.state if note.state != notes.OPEN or note.replayable else "for you to do"
    return f"{note.name}  [{kind}]  {note.tool}{f'  {note.result}' if note.result else ''}"


def _found(folder: Path, name: str) -> Note:
    names = [note.name for note in notes.list_notes(folder)]
    fitting = [name] if name in names else [one for one in names if name and one.startswith(name)]
    if len(fitting) > 1:
        raise NoteError(f"{len(fitting)} notes begin with {name!r}. Write more of the name.")
    return notes.read_note(folder, fitting[0] if fitting else name)


def _replay(folder: Path, note: Note) -> int:
    """Make a note's call through the gateway, and write into the note how it ended."""
    again = False
    if note.state != notes.OPEN:
        again = _agreed(f"It was replayed on {note.replayed} ({note.state}: {note.result}). Make the call once more?")
        if not again:
            return 1
    note = notes.begin_replay(folder, note.name, again)
    text, is_error = asyncio.run(_call(note))
    note = notes.mark_note(folder, note.name, notes.state_after(text, is_error), text)
    print(text)
    return 1 if is_error else 0


async def _call(note: Note) -> tuple[str, bool]:
    """Return the text of a note's call, and whether it is an error."""
    async with AsyncExitStack() as stack:
        try:
            session = await stack.enter_async_context(_connected(note.server))
        except Exception as problem:  # whatever it is, the note must not stay as begun
            return f"Error: the gateway cannot be reached ({problem}). Nothing was done. Run `make doctor`.", True
        try:
            result = await session.call_tool_mcp(note.tool, note.arguments)
        except MCPError as problem:
            return f"Error: {problem}", True
    return "".join(getattr(part, "text", "") for part in result.content), result.is_error


def _connected(server: str) -> Client[Any]:
    """Return a client of the gateway that runs, else of a switchboard of its own with that server."""
    running = gateway.Running.read()
    if running.healthy() and server in running.servers:
        return client.over_http(running.url, gateway.token(), elicitation_handler=_ask)
    command = gateway.switchboard_command([server], running.run or "auto")
    log = gateway.log_file().with_name("notes.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    return client.over_stdio([*command, *gateway.user_files()], dict(os.environ), log, elicitation_handler=_ask)


async def _ask(message: str, _: Any, params: Any, *more: Any) -> Any:
    if await asyncio.to_thread(_agreed, message):
        once = {"remember": False} if "remember" in params.requested_schema.get("properties", {}) else {}
        return {"confirm": True, **once}
    return ElicitResult(action="decline")


def _agreed(question: str) -> bool:
    """Ask the person at the terminal; nobody there is a no."""
    print(f"{question} [y/N] ", end="", flush=True)
    return sys.stdin.isatty() and sys.stdin.readline().strip().lower() in ("y", "yes", "o", "oui")
