"""The MCP endpoint, spoken to by FastMCP's client, and the check of an action's arguments.

What its tools say of themselves is a third party's: names must fit a pattern, texts and schemas are bounded, hints
about what a tool does are not read at all. https://docs.zapier.com/mcp/concepts/how-tools-work
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx2 as httpx
import mcp_types as mt
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from jsonschema import Draft202012Validator
from mcp import MCPError

from flotilla import VERSION, errors, settings_of
from flotilla.calls.context import current
from flotilla.http.hosts import origin
from flotilla.http.responses import broken, unreachable

from .client import integration, mcp_auth
from .models import Argument, Remote

LARGEST = 5_000_000  # bytes of all answers of one session
MOST_TOOLS, MOST_ARGUMENTS, DEEPEST = 500, 80, 12
DESCRIPTION, RESULT = 4_000, 20_000  # characters
PATIENCE = 40.0  # seconds that one session may wait for an answer: fewer than a call has
# Tools that change which actions are allowed: the user does that at mcp.zapier.com, never a model.
MANAGING = ("enable_zapier_action", "disable_zapier_action", "add_tools", "edit_tools")
NAME = re.compile(r"[\w.-]{1,128}", re.ASCII)
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
# Words of a schema that are followed. References can lead elsewhere or in a circle, and expressions can take for ever.
SIMPLE: tuple[str, ...] = (
    "type",
    "enum",
    "const",
    "required",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
)
SIMPLE += ("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "multipleOf")
T = TypeVar("T")
VALID = Draft202012Validator(Draft202012Validator.META_SCHEMA)


class _Watch:
    """What one session may do: to the address of the settings, so many bytes; `problem` is what refused it."""

    def __init__(self, url: str) -> None:
        self._origin, self.received = origin(httpx.URL(url)), 0
        self.problem: errors.FlotillaError | None = None

    async def on_request(self, request: httpx.Request) -> None:
        """Raise httpx.UnsupportedProtocol for another address."""
        if origin(request.url) != self._origin:
            raise httpx.UnsupportedProtocol("another address", request=request)

    async def on_response(self, response: httpx.Response) -> None:
        """Note a refusal, and count what comes."""
        if refusal := _refusal(response):
            self.problem = refusal
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Counted(self, response.stream)


class _Counted(httpx.AsyncByteStream):
    """A body that ends with an error where it is too large."""

    def __init__(self, watch: _Watch, body: httpx.AsyncByteStream) -> None:
        self._watch, self._body = watch, body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            self._watch.received += len(part)
            if self._watch.received > LARGEST:
                self._watch.problem = errors.UpstreamError(
                    f"Zapier answered with more than {LARGEST // 1_000_000} MB.{current().uncertainty_note()}",
                    "Ask for less.",
                )
                raise httpx.DecodingError("too large")
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()


def _refusal(response: httpx.Response) -> errors.FlotillaError | None:
    """Return the error of a status that ends the session, None for one that MCP itself deals with."""
    status = response.status_code
    if status == 401:
        return errors.AuthenticationError(
            "Zapier does not accept the connection token.",
            "Ask the operator to make a new one at mcp.zapier.com (Connect > Rotate token) for ZAPIER_MCP_TOKEN.",
        )
    if status in (402, 403):
        return errors.PermissionDeniedError(
            f"Zapier does not allow this ({status}).", "Tell the user: the plan, or the rights of the connection."
        )
    if status == 429:
        return errors.RateLimitError("Zapier refuses more requests for now.", "Wait a minute, then try again.")
    if 300 <= status < 400:
        return errors.UpstreamError(
            f"Zapier answered with a redirect ({status}), which is not followed.",
            "If it stays, ask the operator to check ZAPIER_MCP_URL.",
        )
    if status >= 500:
        return errors.UpstreamError(f"Zapier failed ({status}).{current().uncertainty_note()}", "Try again later.")
    return None


async def in_session(work: Callable[[Client[Any]], Awaitable[T]]) -> T:
    """Connect to the endpoint, do the work and hang up; raises errors' classes for whatever fails.

    Raises errors.ConfigurationError where there is no token.
    """
    url, token = str(settings_of(integration).mcp_url), mcp_auth.header_value()
    watch = _Watch(url)
    # One context a connection: each new one reads all CA certificates.
    context = mcp_auth.connection.resource(mcp_auth, httpx.create_ssl_context)

    def make(
        headers: dict[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        auth: httpx.Auth | None = None,
        **_: Any,
    ) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers={**(headers or {}), "Authorization": token},
            timeout=httpx.Timeout(PATIENCE, connect=10),
            verify=context,
            follow_redirects=False,
            event_hooks={"request": [watch.on_request], "response": [watch.on_response]},
        )

    endpoint = StreamableHttpTransport(url, httpx_client_factory=make)
    info = mt.Implementation(name="flotilla-zapier", version=VERSION)
    try:
        async with Client(endpoint, client_info=info, timeout=PATIENCE, init_timeout=PATIENCE) as client:
            return await work(client)
    except errors.FlotillaError:
        raise
    except Exception as error:
        raise watch.problem or _problem(error) from None


def _problem(error: BaseException) -> errors.FlotillaError:
    """Return the error of what FastMCP's client, mcp's or HTTP's raises: the innermost that says something."""
    known = list(_chain(error))
    for one in known:
        if isinstance(one, NEVER_SENT):
            if not current().side_effect_confirmed:
                current().mark_not_sent()
            return unreachable(one, "Zapier")
        if isinstance(one, httpx.HTTPError):
            return broken(one, "Zapier")
    for one in known:
        if isinstance(one, MCPError):
            return errors.UpstreamError(
                f"Zapier's MCP endpoint says: {errors.quoted(one.error.message)}.{current().uncertainty_note()}",
                "Try again later; if it stays, tell the user.",
            )
        if isinstance(one, TimeoutError):
            return errors.UpstreamError(
                f"Zapier did not answer in time.{current().uncertainty_note()}", "Try again later."
            )
    return errors.UpstreamError(
        f"Zapier's MCP endpoint answered in a endpoint that cannot be read.{current().uncertainty_note()}",
        "Ask the operator to check ZAPIER_MCP_URL.",
    )


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception, those that it wraps, and those of its groups, each once."""
    result: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or any(one is known for known in result):
            continue
        result.append(one)
        waiting += [one.__cause__, one.__context__]
        waiting += list(one.exceptions) if isinstance(one, BaseExceptionGroup) else []
    return result


async def allowed_actions() -> list[Remote]:
    """Return the tools that the user allowed, by name, without those that change what is allowed."""

    async def ask(client: Client[Any]) -> list[Remote]:
        listed = await client.list_tools()
        return [
            Remote(name=tool.name, description=(tool.description or "")[:DESCRIPTION], input_schema=tool.input_schema)
            for tool in listed[:MOST_TOOLS]
            if NAME.fullmatch(tool.name) and tool.name not in MANAGING
        ]

    return sorted(await in_session(ask), key=lambda tool: tool.name)


async def call_action(name: str, arguments: Mapping[str, Any]) -> mt.CallToolResult:
    """Call a tool and return its result, an error result too. What may have been done is noted on the running call."""

    async def run(client: Client[Any]) -> mt.CallToolResult:
        return await client.call_tool_mcp(name, dict(arguments))

    return await in_session(run)


def plain_schema(schema: Any, depth: int = 0) -> dict[str, Any]:
    """Return what is checked of a schema that a third party wrote; {}, which fits everything, for the rest."""
    if depth > DEEPEST or not isinstance(schema, dict):
        return {}
    plain: dict[str, Any] = {key: schema[key] for key in SIMPLE if key in schema}
    if isinstance(schema.get("properties"), dict):
        plain["properties"] = {name: plain_schema(one, depth + 1) for name, one in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            plain[key] = plain_schema(schema[key], depth + 1) if schema[key] is not False else False
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(key), list):
            plain[key if key == "allOf" else "anyOf"] = [plain_schema(one, depth + 1) for one in schema[key]]
    return plain if VALID.is_valid(plain) else {}


def arguments_of(action: Remote) -> list[Argument]:
    """Return the arguments of an action, the required ones first."""
    properties = action.input_schema.get("properties")
    named = properties if isinstance(properties, dict) else {}
    needed = action.input_schema.get("required")
    required = [one for one in needed if isinstance(one, str)] if isinstance(needed, list) else []
    rows = [_argument(name, about, name in required) for name, about in named.items() if isinstance(about, dict)]
    return sorted(rows, key=lambda one: not one.required)[:MOST_ARGUMENTS]


def _argument(name: str, about: Mapping[str, Any], required: bool) -> Argument:
    either = about.get("anyOf") if isinstance(about.get("anyOf"), list) else []
    kinds = [one.get("type") for one in (about, *(either or [])) if isinstance(one, dict)]
    types = [one for kind in kinds for one in (kind if isinstance(kind, list) else [kind]) if isinstance(one, str)]
    choices = about.get("enum") if isinstance(about.get("enum"), list) else []
    return Argument(
        name=name[:128],
        type=" or ".join(one for one in dict.fromkeys(types) if one != "null") or "any",
        required=required,
        description=errors.excerpt(about.get("description") or "", 400) or None,
        choices=[errors.excerpt(one, 80) for one in choices or []][:50],
    )


def check_arguments(action: Remote, arguments: Mapping[str, Any]) -> None:
    """Raise errors.InvalidInputError, with what the action takes, unless the arguments fit its schema."""
    known = {one.name: one for one in arguments_of(action)}
    hint = f"Look at them with zapier_get_action: {action.name} takes {', '.join(known) or 'no arguments'}."
    if missing := [one.name for one in known.values() if one.required and one.name not in arguments]:
        raise errors.InvalidInputError(f"The action needs {', '.join(missing)}.", hint)
    open_to_more = action.input_schema.get("additionalProperties") not in (None, False)
    if (unknown := [name for name in arguments if name not in known]) and not open_to_more:
        raise errors.InvalidInputError(f"The action has no argument {errors.excerpt(', '.join(unknown), 80)}.", hint)
    schema = plain_schema(action.input_schema)
    wrong = next(iter(Draft202012Validator(schema).iter_errors(dict(arguments))), None)
    if wrong is not None:
        at = ".".join(str(part) for part in wrong.absolute_path) or "the arguments"
        raise errors.InvalidInputError(
            f"`{errors.excerpt(at, 60)}` does not fit: {errors.excerpt(wrong.message, 160)}.", hint
        )
