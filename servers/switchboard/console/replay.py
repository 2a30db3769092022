"""Making a note's call: through the switchboard around the console, else through one that is started for this call."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from flotilla_launcher.protocol import CLIENT_KEY

from ..backend import BrokenResultError, ConnectionLostError, NotStartedError, Process
from ..catalog import Entry
from ..client_request import ClientRequest
from ..commands import Commands
from ..jsonrpc import METHOD_NOT_FOUND, Message, RpcError
from ..notes import Note, NoteError, begin_replay, delete_note, mark_note, state_after
from ..options import OPTIONS
from .host import Host
from .pages import RefusedError, Visit

NOT_HANDED_ON = ("transport", "host", "port", "console", "servers", "run", "fork")  # options of the console itself


class Replay(ClientRequest):
    """The console as a client: nobody can be asked by it, so what needs a yes waits among the approvals."""

    def __init__(self) -> None:
        meta = {CLIENT_KEY: {"name": "console", "version": "1"}}
        super().__init__({"_meta": meta}, modern=True, client_id=None, capabilities={}, log_level=None)

    def notify(self, method: str, params: Message) -> None:
        """Show nothing: the note says how it ended."""

    async def ask(self, method: str, params: Message) -> Message:
        """Refuse."""
        raise RpcError(METHOD_NOT_FOUND, "Method not found", method)


def delete(host: Host, visit: Visit) -> str:
    """Delete a note. Raises RefusedError."""
    try:
        delete_note(host.notes, visit.path["note"])
    except NoteError as error:
        raise RefusedError(str(error)) from None
    return "note_deleted"


async def replay(host: Host, visit: Visit) -> str:
    """Begin to make a note's call; the note says later how it ended. Raises RefusedError."""
    try:
        note = begin_replay(host.notes, visit.path["note"], again=visit.form.get("again") == "true")
    except NoteError as error:
        raise RefusedError(str(error)) from None
    task = asyncio.create_task(_made(host, note))
    host.tasks.add(task)
    task.add_done_callback(host.tasks.discard)
    return "replay_begun"


async def _made(host: Host, note: Note) -> None:
    """Make the call, and write into the note how it ended."""
    params = {"name": note.tool, "arguments": note.arguments}
    try:
        result = await (
            host.gateway.answer(Replay(), "tools/call", params) if host.gateway else _alone(host, note, params)
        )
        text = "".join(str(part.get("text", "")) for part in result.get("content") or () if isinstance(part, dict))
        failed = result.get("isError") is True or result.get("resultType") == "input_required"
    except NotStartedError as error:
        text, failed = f"Error: {error}. Nothing was done.", True
    except (ConnectionLostError, BrokenResultError, RpcError) as error:
        text, failed = f"Error: {error}", True
    mark_note(host.notes, note.name, state_after(text, failed), text)


async def _alone(host: Host, note: Note, params: Message) -> dict[str, Any]:
    """Make a call through a switchboard of its own with that server alone."""
    options = vars(host.options)
    servers = host.options.servers if note.server in host.settings.current().servers else note.server
    argv = [f"--{name}={options[name.replace('-', '_')]}" for name in OPTIONS
            if name not in NOT_HANDED_ON and options[name.replace("-", "_")] is not None]  # fmt: skip
    environ = {name: value for name, value in os.environ.items() if name.startswith("FLOTILLA_")}
    entry = Entry("switchboard", {}, environ, [*argv, f"--servers={servers}", f"--run={options['run']}"], [], {},
                  frozenset(), ready=True)  # fmt: skip
    alone = argparse.Namespace(**{**options, "bin": Path(sys.executable).parent, "run": "process", "fork": "off"})
    backend = Process(entry, Commands(alone), 0, host.options.start_timeout)
    try:
        return await backend.send(Replay(), "tools/call", params, safe=False)
    finally:
        await backend.close()
