"""The switchboard's own tools beside the four that search. Standard library only: the launcher lists them too."""

from __future__ import annotations

from typing import Any

from . import note_save
from .settings_file import Settings

APPROVE = "approve_call"
DEFINITION = {
    "name": APPROVE,
    "description": "Make a call that was held back for the user's yes. Only after an answer that gave a token, when "
    "the user has seen what the call would do and agreed.",
    "inputSchema": {
        "type": "object",
        "properties": {"token": {"type": "string", "description": "From that answer."}},
        "required": ["token"],
    },
    "annotations": {"readOnlyHint": False, "destructiveHint": True},
}


def takes_tokens(settings: Settings) -> bool:
    """Tell whether a client that cannot be asked may pass a person's yes on: where anything is asked about at all."""
    asks = "ask" in (settings.defaults.read, settings.defaults.write, settings.defaults.destroy)
    asks = asks or any(rule.decision == "ask" for rule in settings.permissions) or bool(settings.servers)
    return asks and settings.approvals.by_token and settings.approvals.ask == "client"


def definitions(settings: Settings) -> list[dict[str, Any]]:
    """Return those that are offered."""
    approve = [DEFINITION] if takes_tokens(settings) else []
    return [*approve, note_save.DEFINITION] if settings.notes.on else approve
