"""Zapier and how it is spoken to: named webhooks, and the MCP endpoint with the actions that the user allowed.

https://help.zapier.com/hc/en-us/articles/8496288690317 (webhooks), https://docs.zapier.com/mcp (MCP). NLA and AI
Actions, which came before the MCP endpoint, were withdrawn.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, HttpUrl, field_validator

from flotilla import Api, Bearer, CommaSeparated, Integration, SecretStr, ServerSettings, errors
from flotilla.http.loopback import is_loopback
from flotilla.http.responses import usual_message
from flotilla.parsing import folded
from flotilla.settings import remember_secret

HOOKS, MCP = "https://hooks.zapier.com", "https://mcp.zapier.com/api/v1/connect"
WITHDRAWN = ("nla.zapier.com", "actions.zapier.com")
_NAMED = re.compile(r"\s*(?P<name>[^=,;\n]{1,60}?)\s*=\s*(?P<url>[^\s,;=]+)\s*")
_PATH = re.compile(r"/hooks/catch(/\w{1,40}){1,2}(/silent)?/?", re.ASCII)


def read_hooks(text: str) -> dict[str, str]:
    """Return the paths of webhooks by their names; raises ValueError, which shows nothing of an address."""
    result: dict[str, str] = {}
    for number, part in enumerate((one for one in re.split(r"[,;\n]", text) if one.strip()), 1):
        named = _NAMED.fullmatch(part)
        if not named:
            raise ValueError(f"entry {number} is not name=address, such as devis={HOOKS}/hooks/catch/123/abc/")
        path = named["url"].removeprefix(HOOKS)
        if path == named["url"] or not _PATH.fullmatch(path):
            raise ValueError(f"the address of {named['name']} does not begin with {HOOKS}/hooks/catch/")
        if folded(named["name"]) in map(folded, result):
            raise ValueError(f"two webhooks are called {named['name']}")
        result[named["name"]] = path.rstrip("/") + "/"
    if not result:
        raise ValueError("it is set, but names nothing")
    return result


class Settings(ServerSettings):
    """Read from ZAPIER_HOOKS and ZAPIER_MCP_TOKEN. Either alone works, for the tools that need it."""

    auth_options = (("hooks",), ("mcp_token",))

    hooks: SecretStr = Field(
        description="Webhooks by name, name=address with commas between them; the address is that of the trigger "
        "Webhooks by Zapier > Catch Hook",
        examples=[f"devis={HOOKS}/hooks/catch/123456/b7c2xyz/"],
    )
    mcp_token: SecretStr = Field(
        description="Connection token of Zapier MCP, made at mcp.zapier.com > your server > Connect > Generate token",
        examples=["zap-0f2c81"],
    )
    unasked_actions: Annotated[list[str], CommaSeparated] = Field(
        [], description="Names of the actions of Zapier MCP that run without a question, with commas between them"
    )
    hooks_url: HttpUrl = Field(HttpUrl(HOOKS), description="Where webhooks are called")
    mcp_url: HttpUrl = Field(HttpUrl(MCP), description="Address of the MCP endpoint, without a token in it")

    @field_validator("hooks")
    @classmethod
    def _read(cls, value: SecretStr) -> SecretStr:
        """Check the webhooks, and have each address masked wherever it might be shown."""
        if value.get_secret_value():
            for path in read_hooks(value.get_secret_value()).values():
                remember_secret(path.removeprefix("/hooks/catch/").rstrip("/"))
        return value

    @field_validator("mcp_url")
    @classmethod
    def _is_the_endpoint(cls, value: HttpUrl) -> HttpUrl:
        """Refuse the addresses of what was withdrawn, other hosts, and an address that holds a token."""
        if value.host in WITHDRAWN:
            raise ValueError(f"NLA and AI Actions were withdrawn: the MCP endpoint is {MCP}")
        if value.host != "mcp.zapier.com" and not is_loopback(value.host or ""):
            raise ValueError(f"it must be at mcp.zapier.com, such as {MCP}")
        if value.query or value.username or "/s/" in (value.path or ""):
            raise ValueError("it holds a token, which belongs into ZAPIER_MCP_TOKEN")
        return value

    @property
    def named_hooks(self) -> dict[str, str]:
        """The paths of the webhooks by name, none where the setting is empty."""
        return read_hooks(self.hooks.get_secret_value()) if self.hooks.get_secret_value() else {}


integration = Integration(
    "zapier",
    title="Zapier",
    description="Trigger Zaps by their webhooks, and run the actions that the user allowed in Zapier MCP.",
    category="productivity",
    tags=["automation", "zaps", "webhooks"],
    hosts=["hooks.zapier.com:443", "mcp.zapier.com:443"],
    settings=Settings,
    docs="https://docs.zapier.com/mcp",
    instructions="zapier_trigger_hook starts a Zap by the name that the operator gave its webhook; zapier_run_action "
    "runs one action that the user allowed in Zapier MCP.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error response."""
    return usual_message(status, body)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a webhook that is gone."""
    if status in (404, 410):
        return errors.NotFoundError(
            "Zapier has no webhook at the address that the settings give for this name.",
            "Ask the operator to copy the address of the Zap's trigger into ZAPIER_HOOKS anew: it changes with the "
            "owner of the Zap.",
        )
    return None


hooks_api = Api(
    integration,
    base_url="hooks_url",
    limits=[(30, 1), (20_000, 300)],  # of a webhook, and of a user
    error_message=error_message,
    map_error=map_error,
)
mcp_auth = Bearer("mcp_token").bind(integration, "mcp_url")
