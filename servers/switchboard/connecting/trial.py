"""Trying an account before it is kept: one call that only reads, made by the server itself."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from flotilla_launcher.environment import SettingError

from ..backend import BrokenResultError, ConnectionLostError, NotStartedError, Process
from ..catalog import Entry
from ..client_request import ClientRequest
from ..commands import Commands
from ..discovery import discovery
from ..identity import account_name, trial_tool
from ..jsonrpc import METHOD_NOT_FOUND, Message, RpcError

LONGEST = 60.0  # seconds of the whole trial, a start included


class TrialError(Exception):
    """The account does not work. The message is what the server says."""


class NotTriedError(SettingError):
    """The account cannot be tried, which is the operator's concern."""


class _Trial(ClientRequest):
    """A client that nobody can be asked by."""

    def __init__(self) -> None:
        super().__init__({}, modern=True, client_id=None, capabilities={}, log_level=None)

    def notify(self, method: str, params: Message) -> None:
        """Show nothing."""

    async def ask(self, method: str, params: Message) -> Message:
        """Refuse."""
        raise RpcError(METHOD_NOT_FOUND, "Method not found", method)


async def try_account(entry: Entry, commands: Commands, folder: Path, start_timeout: float) -> str:
    """Start a server with the settings of `entry`, and let it make one call; return whose account it is, if it says.

    It gets empty folders, which are removed. `folder` holds the discovery files. Raises TrialError and
    NotTriedError.
    """
    tool = trial_tool(discovery(entry, folder))
    if not tool:
        return ""
    with tempfile.TemporaryDirectory(prefix="flotilla-trial-", ignore_cleanup_errors=True) as place:
        data, state = Path(place) / "data", Path(place) / "state"
        for made in (data, state):
            made.mkdir(mode=0o700)
        backend = Process(entry, commands.in_folders(data, state), 0, start_timeout)
        try:
            async with asyncio.timeout(LONGEST):
                result = await backend.send(_Trial(), "tools/call", {"name": tool, "arguments": {}}, safe=True)
        except TimeoutError:
            raise NotTriedError(f"{entry.slug} did not answer within {LONGEST:g} seconds.") from None
        except (NotStartedError, ConnectionLostError, BrokenResultError, RpcError, OSError) as error:
            raise NotTriedError(f"{error}.") from None
        finally:
            await backend.close()
    if result.get("isError"):
        raise TrialError(_text(result).removeprefix("Error: "))
    return account_name(tool, result.get("structuredContent"))


def _text(result: Message) -> str:
    parts: list[Any] = [part.get("text") for part in result["content"]]
    return " ".join(part for part in parts if isinstance(part, str))
