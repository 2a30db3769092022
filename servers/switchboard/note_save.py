"""The switchboard's own tool `note_save`: it keeps what a person wants while the server for it cannot be reached.

What writes notes is imported with the first one, since the launcher lists the tool too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flotilla_launcher.discovery import dumps

from .tool_search import failed

if TYPE_CHECKING:
    from .client_request import ClientRequest
    from .offers import Offers

NOTE_SAVE = "note_save"
TEXT = {"type": "string"}
DEFINITION: dict[str, Any] = {
    "name": NOTE_SAVE,
    "description": "Keep what failed because a server cannot be reached, once the user agreed. A person can replay it.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "intent": {**TEXT, "description": "What is wanted, in the user's words."},
            "tool": {**TEXT, "description": "The tool that failed."},
            "arguments": {"type": "object", "description": "Its arguments."},
            "trace_id": {**TEXT, "description": "From its answer."},
        },
        "required": ["intent"],
    },
    "annotations": {"readOnlyHint": False, "destructiveHint": False, "openWorldHint": False},
}


class NoteSave:
    """The tool over one data folder, for calls of the tools that clients see."""

    def __init__(self, data: Path, offers: Offers) -> None:
        self._data, self._offers = data, offers

    @staticmethod
    def offer(tool: str, trace_id: str) -> str:
        """Return the sentence by which a failed call offers to keep what is wanted."""
        return (
            f"Or offer to keep it for later: `{NOTE_SAVE}` with the user's words as intent, tool `{tool}`, the same "
            f"arguments and trace_id {trace_id}."
        )

    def call(self, client: ClientRequest, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a call of the tool."""
        from difflib import get_close_matches

        from .action_log import masked_text
        from .notes import Note, NoteError, notes_folder, save_note

        intent, tool, trace = (arguments.get(name) or "" for name in ("intent", "tool", "trace_id"))
        values = arguments.get("arguments") or {}
        if any(type(text) is not str for text in (intent, tool, trace)) or type(values) is not dict:
            return failed("`intent`, `tool` and `trace_id` must be text, `arguments` an object. Correct them.")
        owner = self._offers.tool(tool)
        if tool and owner is None:
            near = get_close_matches(tool, [item["name"] for item in self._offers.listed("tools")], 1)
            hint = f"Did you mean {near[0]}?" if near else "Leave `tool` out to keep the words alone."
            return failed(f"There is no tool `{tool}`, so nothing was saved. {hint}")
        entries = [owner[0].entry] if owner else [backend.entry for backend in self._offers.backends()]
        of_accounts = [one for entry in entries for one in (entry, *entry.others.values())]
        secrets = {value for entry in of_accounts for value in entry.secrets}
        try:
            shown = json.loads(masked_text(values, secrets))
            note = Note(
                name="",
                intent=json.loads(masked_text(intent, secrets)),
                tool=tool,
                server=owner[0].entry.slug if owner else "",
                arguments=shown,
                trace_id=trace[:32],
                client=client.client_name[:100],
                replayable=bool(tool) and shown == values,
            )
            note = save_note(notes_folder(self._data), note)
        except NoteError as error:
            return failed(str(error))
        except (ValueError, RecursionError):
            return failed("The arguments cannot be kept. Save the user's words alone.")
        how = "A person replays it: `scripts/flotilla notes`, or the console."
        if tool and not note.replayable:
            how = "Secrets were masked, so it cannot be replayed as it is: the call must be made again."
        content = {"note": note.name, "replayable": note.replayable, "next": f"Nothing was done yet. {how}"}
        return {"content": [{"type": "text", "text": dumps(content)}], "structuredContent": content}
