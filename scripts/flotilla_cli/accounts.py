"""The account of one server: what it still lacks, what a value may look like, and whether a call succeeds with it."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from flotilla_cli import gateway, paths, secrets_file, servers
from flotilla_launcher.environment import is_placeholder
from flotilla_launcher.naming import catalog_name, module_of, slug_of
from flotilla_servers.switchboard import identity

if TYPE_CHECKING:  # the library takes two seconds to import: not for --help, or a name that is refused
    from flotilla import Server


class AccountError(Exception):
    """An account cannot be connected. The message says why and what to do."""


def known(name: str) -> Server[Any]:
    """Return the server of a name. Raises AccountError for a name that no server has."""
    slug = slug_of(name.replace("_", "-"))
    if slug not in servers.registry():
        raise AccountError(f"{name!r} is not a server. The servers are {', '.join(servers.registry())}.")
    from flotilla_cli.generator.servers import server_of

    return server_of(slug)


def auth_options(server: Server[Any]) -> list[list[str]]:
    """Return the settings of each way to connect the account; [[]] for a server that needs none."""
    options: list[list[str]] = server.integration.settings_class.required()
    return options


def by_consent(server: Server[Any], option: list[str]) -> bool:
    """Tell whether an option is the one that `flotilla login` takes."""
    return bool(server.integration.consent) and any("refresh_token" in name for name in option)


def secret(server: Server[Any], field: str) -> str:
    """Return the name under which a setting stands in the secrets file."""
    return f"{catalog_name(server.slug)}.{field}"


def present(server: Server[Any], field: str, saved: Mapping[str, str]) -> str:
    """Return the value that is there already, from the secrets file or the environment; "" for none."""
    from flotilla.settings import variable

    for value in (saved.get(secret(server, field), ""), os.environ.get(variable(server.slug, field), "")):
        if value and not is_placeholder(value):
            return value
    return ""


def about(server: Server[Any], field: str) -> str:
    """Return what a setting is and where to get it."""
    return (server.integration.settings_class.model_fields[field].description or field).rstrip(".")


def hidden(server: Server[Any], field: str) -> bool:
    """Tell whether a setting is typed without being shown."""
    from flotilla.settings import is_secret

    return is_secret(server.integration.settings_class.model_fields[field])


def checked(server: Server[Any], field: str, value: str) -> str:
    """Return a value as it is stored. Raises AccountError for one that the server would refuse."""
    from pydantic import TypeAdapter, ValidationError

    text, info = value.strip(), server.integration.settings_class.model_fields.get(field)
    if info is None:
        names = ", ".join(server.integration.settings_class.model_fields)
        raise AccountError(f"{server.slug} has no setting {field!r}. It has {names}.")
    if not text or is_placeholder(text) or "\n" in text or "\r" in text:
        raise AccountError(f"{field} must be one line of text, and not an example. Copy it again.")
    try:
        annotation: Any = info.annotation
        TypeAdapter(Annotated[annotation, info]).validate_python(text)
    except ValidationError as problem:
        reason = problem.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise AccountError(f"{field} is wrong: {reason}. {about(server, field)}.") from None
    return text


def try_call(slug: str) -> str:
    """Make one call that only reads; return whose account answered, as a sentence. Raises AccountError."""
    tool = trial_tool(slug)
    if not tool:
        return f"{slug} is set up. It has no tool that could be tried without arguments."
    try:
        result = asyncio.run(_called(slug, tool))
    except Exception as problem:  # whatever it is, it is shown: nothing was changed
        reason = str(problem).removeprefix(f"{tool}: ").removeprefix("Error: ").strip()
        raise AccountError(
            f"{slug} does not answer: {reason}\nIf a value is wrong: scripts/flotilla add {slug} --again"
        ) from None
    account = identity.account_name(tool, result)
    return f"Connected as {account}." if account else f"Connected: {tool} answered."


def trial_tool(slug: str) -> str:
    """Return a tool that only reads and needs no argument: one that says whose account it is, else the first."""
    return identity.trial_tool(paths.read_json(paths.ROOT / "servers" / module_of(slug) / "discovery.json"))


async def _called(slug: str, tool: str) -> dict[str, Any]:
    """Call a tool through a switchboard of its own, with the server as a process."""
    from flotilla_cli import client

    command = [*gateway.switchboard_command([slug], "process"), *gateway.user_files()]
    environ = {
        **os.environ,
        f"{slug.upper().replace('-', '_')}_TIER": "all",
        "FLOTILLA_LOG": "off",
        "FLOTILLA_WARM_DAYS": "0",
    }
    with tempfile.TemporaryDirectory() as folder:
        async with client.over_stdio(command, environ, Path(folder) / "log", timeout=60) as session:
            return await client.call(session, tool)


def forget(server: Server[Any], in_keychain: bool) -> list[str]:
    """Empty the settings of a server's account; return their names."""
    saved = secrets_file.read()
    names = [secret(server, field) for option in auth_options(server) for field in option]
    names = [n for n in dict.fromkeys(names) if in_keychain or not is_placeholder(saved.get(n, ""))]
    if names:
        secrets_file.forget(names, in_keychain)
    return names
