"""People who are written to for the first time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flotilla import Integration, confirm, connection_of


async def confirm_new(integration: Integration[Any], strangers: Iterable[str], doing: str) -> bool:
    """Ask before writing to people who are new to a conversation, where FLOTILLA_CONFIRM is new-recipients.

    Returns whether a question was asked. `doing` is its start: "Send the mail «Offre» to". Call it before the first
    side effect, in a tool that is registered with `asks=True`.
    """
    names = sorted(set(strangers))
    if names and connection_of(integration).fleet.confirm == "new-recipients":
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        await confirm(f"{doing} {', '.join(names[:10])}{more}? They are new to this conversation.")
        return True
    return False
