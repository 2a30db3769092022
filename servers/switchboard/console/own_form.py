"""The form by which a server of one's own is added, and what is done with one: read its lists, log in, remove it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from .. import own_servers
from ..backend import BrokenResultError, ConnectionLostError, NotStartedError
from ..commands import Commands
from ..discovery import DiscoveryError
from ..jsonrpc import RpcError
from ..own_servers import OwnServer, Secrets
from ..reporting import report
from ..settings_file import SettingsError
from .host import Host, MissingError
from .pages import RefusedError, Visit

LONGEST_WAIT = 30.0  # seconds until a server must have said where to log in
FAILURES = (NotStartedError, ConnectionLostError, BrokenResultError, RpcError, DiscoveryError, OSError)


def add(host: Host, visit: Visit) -> str:
    """Declare a server. Raises SettingsError for what cannot be meant; nothing is started."""
    form, name = visit.form, visit.form.get("name", "").strip()
    value = {
        "url": form.get("url", "").strip(),
        "command": _parts(form.get("command", "")),
        "image": form.get("image", "").strip(),
        "title": form.get("title", "").strip(),
        "transport": form.get("transport", ""),
        "auth": form.get("auth", ""),
        "headers": _pairs(form.get("headers", ""), visit),
        "args": _parts(form.get("args", "")),
        "volumes": form.get("volumes", "").split(),
        "env": _pairs(form.get("env", ""), visit),
        "local": form.get("local") == "true",
    }
    secrets = Secrets(form.get("token", "").strip(), _pairs(form.get("secrets", ""), visit))
    before = host.settings.current().servers.get(name)
    if before is not None and form.get("replace") != "true":
        raise RefusedError(visit.text("name_is_taken", name=name))
    own_servers.add(host.settings, host.state, name, value, secrets, host.fleet())
    if before is not None and host.settings.current().servers[name] != before:
        host.permissions.forget(name)  # it may be another server now
    return "server_added"


def remove(host: Host, visit: Visit) -> str:
    """Remove a server, its secrets and the decisions about it."""
    own_servers.remove(host.settings, host.state, visit.path["server"])
    host.permissions.forget(visit.path["server"])
    return "server_removed"


def own_server(host: Host, name: str) -> OwnServer:
    """Return a server of one's own. Raises MissingError, and SettingsError for one that is declared wrongly."""
    value = host.settings.current().servers.get(name)
    if value is None:
        raise MissingError
    return own_servers.parsed(name, value, host.fleet())


async def read(host: Host, visit: Visit) -> str:
    """Read what a server offers; it is started for that, or connected to. Raises RefusedError."""
    from ..own_backends import backend_of, refresh  # not at the top: it is needed for this alone

    server = own_server(host, visit.path.get("server") or visit.form.get("name", "").strip())
    if server.auth == "oauth" and not own_servers.read_private(host.state, server, "login"):
        return "server_to_log_in"
    backend = backend_of(server, host.state, Commands(host.options), 0, host.options.start_timeout)
    try:
        await refresh(backend, Path(host.options.discovery))
    except FAILURES as error:
        raise RefusedError(visit.text("not_read", name=server.name, reason=_sentence(error))) from None
    finally:
        await backend.close()
    return "server_read"


class Logins:
    """Logins that are under way: a browser has their address, and this process waits for what comes back."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[str]] = {}

    async def begin(self, host: Host, visit: Visit) -> str:
        """Begin a login, and return the address where the person goes on. Raises RefusedError."""
        server = own_server(host, visit.path["server"])
        if (before := self._tasks.pop(server.name, None)) is not None:
            before.cancel()
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def show(url: str) -> None:
            if not address.done():
                address.set_result(url)

        task = self._tasks[server.name] = asyncio.create_task(_log_in(host, visit, server, show))
        await asyncio.wait({task, address}, timeout=LONGEST_WAIT, return_when=asyncio.FIRST_COMPLETED)
        if address.done():
            return address.result()
        failure = task.result() if task.done() and not task.cancelled() else ""
        task.cancel()
        raise RefusedError(failure or visit.text("no_login_address", name=server.name))


async def _log_in(host: Host, visit: Visit, server: OwnServer, show: Callable[[str], None]) -> str:
    """Log in to a server and read its lists; return why that failed, which is also reported, or nothing."""
    from ..browser_login import LoginError, log_in  # not at the top: FastMCP's client takes a second

    try:
        await log_in(server, host.state, show)
        await read(host, visit)
    except RefusedError as error:
        failure = str(error)
    except LoginError as error:
        text = "login_failed" if error.reason else "no_login_wanted"
        failure = visit.text(text, name=server.name, reason=error.reason)
    except Exception as error:  # whatever it is, the person who waits must see it
        failure = visit.text("login_failed", name=server.name, reason=_sentence(error))
    else:
        return ""
    report(failure)
    return failure


def _sentence(error: BaseException) -> str:
    text = str(error.strerror or error) if isinstance(error, OSError) else str(error) or type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _parts(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise SettingsError(f"{text}: {error}. Close every quotation mark.") from None


def _pairs(text: str, visit: Visit) -> dict[str, str]:
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    if any(not equals or not name.strip() for name, equals, _ in pairs):
        raise SettingsError(visit.text("not_name_value"))  # without the line: it may be a secret
    return {name.strip(): value.strip() for name, _, value in pairs}


def shown(form: Mapping[str, str]) -> dict[str, str]:
    """Return a refused form without its secrets: the person types them again."""
    return {name: value for name, value in form.items() if name not in ("token", "secrets")}
