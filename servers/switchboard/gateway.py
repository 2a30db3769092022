"""The core: answers a client's request, over stdio and over HTTP, from the discovery files or by the server behind it.

Requests and results are the protocol's JSON as dicts; nothing here imports FastMCP, mcp or pydantic.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flotilla_launcher.protocol import LIST_KEYS, LISTS, MODERN_VERSION
from flotilla_launcher.version import VERSION

from .action_log import Action, ActionLog, shown
from .backend import Backend, BrokenResultError, ConnectionLostError, NotStartedError
from .catalog import CatalogError
from .client_request import ClientRequest, invalid
from .discovery import DiscoveryError, title
from .jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, Message, RpcError
from .request_state import RequestState
from .spoken import Sentences
from .tool_index import Searchable
from .tool_search import SEARCH, ToolSearch, failed
from .tool_search import definitions as search_definitions

MAX_ROUNDS = 10  # times that one call may ask, as in the SDK's own clients
SERVER_INFO = {"name": "flotilla", "version": VERSION}
SERVER_INFO_KEY = "io.modelcontextprotocol/serverInfo"
CACHE = {"ttlMs": 60_000, "cacheScope": "public"}  # lists do not change while the switchboard runs
CAPABILITIES = {  # nothing is announced that is never sent
    "logging": {},
    "prompts": {"listChanged": False},
    "resources": {"subscribe": False, "listChanged": False},
    "tools": {"listChanged": False},
}
REQUIRED: dict[str, dict[str, type]] = {  # what the protocol requires of a definition
    "tools": {"name": str, "inputSchema": dict},
    "prompts": {"name": str},
    "resources": {"name": str, "uri": str},
    "resourceTemplates": {"name": str, "uriTemplate": str},
}
FORWARDED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}  # method: what it names
ANSWERED = (*FORWARDED, *LIST_KEYS, "server/discover")


@dataclass
class Call:
    """One request for a server: who asks, what, of which server. `safe` is what may be sent twice: it only reads.

    `outcome` and `server_seconds` are for the log: how it ended, and how long its server had it.
    """

    client: ClientRequest
    backend: Backend
    method: str
    params: Message
    safe: bool
    outcome: str = "cancelled"
    server_seconds: float = 0

    @property
    def name(self) -> str:
        """The name of the tool or prompt, or the URI of the resource."""
        return str(self.params[FORWARDED[self.method]])


class Gateway:
    """Everything that the servers offer, in the catalog's order, and the way to it."""

    def __init__(
        self,
        state_key: str,
        note_call: Callable[[str], None] = lambda slug: None,
        log: ActionLog | None = None,
        sentences: Sentences | None = None,
        telemetry: Any = None,  # the module `flotilla.serving.telemetry`, where calls are measured
    ) -> None:
        self._note_call = note_call  # gets the slug of each server that is called
        self._log, self._sentences, self._telemetry = log, sentences or Sentences(), telemetry
        self._state = RequestState(state_key)
        self._lists: dict[str, list[Message]] = {kind: [] for kind in LISTS}
        self._owners: dict[tuple[str, str], Backend] = {}
        self._safe: set[str] = set()
        self._templates: list[tuple[re.Pattern[str], Backend]] = []
        self._search: ToolSearch | None = None
        self._search_tools: dict[str, Message] = {}
        self.in_flight, self.last_request = 0, 0.0  # the second is a time of the event loop

    @property
    def tool_count(self) -> int:
        """How many tools are offered."""
        return len(self._lists["tools"])

    def input_schema(self, name: str) -> Message | None:
        """Return the input schema of a tool, None where there is no such tool."""
        tools = (*self._search_tools.values(), *self._lists["tools"])
        return next((tool["inputSchema"] for tool in tools if tool["name"] == name), None)

    def add(self, backend: Backend, definitions: Mapping[str, Sequence[Message]]) -> None:
        """Offer what a server offers: `definitions` by kind, as `discovery.definitions` returns them.

        Raises CatalogError for a name that another server has, and DiscoveryError for definitions that break the
        protocol.
        """
        for kind, item in [(kind, item) for kind, items in definitions.items() for item in items]:
            if any(type(item.get(field)) is not of_type for field, of_type in REQUIRED[kind].items()):
                raise DiscoveryError(
                    "its discovery.json holds a definition that breaks the protocol. "
                    "Run `make generate` to write it again."
                )
        for kind, items in definitions.items():
            for item in items:
                name = item.get("uri") or item.get("uriTemplate") or item["name"]
                other = self._owners.setdefault((kind, name), backend)
                if other is not backend:
                    raise CatalogError(
                        f"{backend.entry.slug} and {other.entry.slug} both offer `{name}`. "
                        "Name only one of them in --servers."
                    )
            self._lists[kind] += items
        self._safe |= {
            tool["name"] for tool in definitions["tools"] if (tool.get("annotations") or {}).get("readOnlyHint") is True
        }
        self._templates += [(template_pattern(i["uriTemplate"]), backend) for i in definitions["resourceTemplates"]]

    def search_instead(self, searchables: Callable[[], list[Searchable]], servers: Sequence[str]) -> None:
        """List four tools that search and call the others, in place of all of them.

        A tool can still be called by its own name. `servers` are the names that people know.
        """
        self._search = ToolSearch(self._lists["tools"], searchables)
        self._search_tools = {tool["name"]: tool for tool in search_definitions(servers)}

    def close(self) -> None:
        """Write the rows of the log, and send the measurements, that are waiting."""
        if self._log:
            self._log.close()
        if self._telemetry:
            self._telemetry.flush()

    async def answer(self, client: ClientRequest, method: str, params: Message) -> Message:
        """Return the result of one of the methods ANSWERED, as the client's protocol wants it. Raises RpcError."""
        self.in_flight += 1
        try:
            if method == "server/discover" and client.modern:
                result = {**CACHE, "supportedVersions": [MODERN_VERSION], "capabilities": CAPABILITIES}
            elif kind := LIST_KEYS.get(method):
                listed = list(self._search_tools.values()) if kind == "tools" and self._search else self._lists[kind]
                result = {**(CACHE if client.modern else {}), kind: listed}
            elif method == "tools/call":
                result = await self._call_tool(client, params)
            elif method in FORWARDED:
                result = await self._read(client, method, params)
            else:
                raise RpcError(METHOD_NOT_FOUND, "Method not found", method)
            return finished(client, result)
        finally:
            self.in_flight -= 1
            self.last_request = asyncio.get_running_loop().time()

    async def forward(self, call: Call) -> Message:
        """Send a request to its server and return the result: the one place that every call passes.

        Where the client's protocol knows no result that asks, its questions are put to the client here. Raises
        RpcError, NotStartedError, ConnectionLostError and BrokenResultError.
        """
        self._note_call(call.backend.entry.slug)
        params = dict(call.params)
        request = [call.method, call.name, params.get("arguments")]
        if call.client.modern and params.get("requestState") is not None:
            params["requestState"] = self._state.read(params["requestState"], request)
        for _ in range(MAX_ROUNDS):
            started = time.perf_counter()
            try:
                with self._sentences.meanwhile(call.client, title(call.backend.entry), reads=call.safe):
                    result = await call.backend.send(call.client, call.method, params, call.safe)
            finally:
                call.server_seconds += time.perf_counter() - started
            if result.get("resultType") != "input_required":
                return result
            if call.client.modern:
                if "requestState" in result:
                    result["requestState"] = self._state.signed(result["requestState"], request)
                return result
            params = {**call.params, "inputResponses": await _ask(call, result)}
            if "requestState" in result:
                params["requestState"] = result["requestState"]
        raise ConnectionLostError(f"{call.backend.entry.slug} asked more than {MAX_ROUNDS} times during the call")

    async def _call_tool(self, client: ClientRequest, params: Message) -> Message:
        """Call a tool. What goes wrong on the way is an error result that says what was done."""
        params = {"arguments": {}, **_known(params, "name", "arguments", client)}
        name, arguments = params["name"], params["arguments"]
        if type(arguments) is str:  # some clients send the arguments as JSON text
            with suppress(ValueError):
                params["arguments"] = arguments = json.loads(arguments)
        if type(arguments) is not dict:
            raise invalid()
        if self._search and name in self._search_tools:
            if name == SEARCH:
                return self._search.search(arguments)
            target = self._search.target(name, arguments)
            if isinstance(target, dict):
                return target
            return await self._call_tool(client, {**params, "name": target[0], "arguments": target[1]})
        backend = self._owners.get(("tools", name))
        if backend is None:
            return failed(f"Unknown tool `{name}`. List the tools to see which ones exist.")
        return await self._measured(Call(client, backend, "tools/call", params, name in self._safe))

    async def _measured(self, call: Call) -> Message:
        """Call a tool and log it; where that is asked for, in a span, and measured."""
        if self._telemetry is None:
            return await self._logged(call)
        started, labels = time.perf_counter(), {"server": call.backend.entry.slug}
        try:
            with self._telemetry.span(f"tools/call {call.name}", call.client.meta, **labels):
                return await self._logged(call)
        finally:
            seconds, named = time.perf_counter() - started, {"tool": call.name, "outcome": call.outcome}
            self._telemetry.measure(self._telemetry.GATEWAY_CALL, seconds, **labels, **named)
            self._telemetry.measure(self._telemetry.GATEWAY_SERVER, call.server_seconds, **labels)

    async def _logged(self, call: Call) -> Message:
        """Call a tool, and add a row to the log, however it ends."""
        if self._log is None:
            return await self._called(call)
        started, clock, result = time.time(), time.perf_counter(), None
        trace = call.client.trace()
        try:
            result = await self._called(call)
            return result
        finally:
            latency = time.perf_counter() - clock
            self._log.add(
                Action(
                    time=started,
                    trace_id=trace,
                    user_id=self._log.user,
                    client=call.client.client_name,
                    era=MODERN_VERSION if call.client.modern else "handshake",
                    mcp_server=call.backend.entry.slug,
                    tool_name=call.name,
                    arguments=shown(call.params["arguments"], call.backend.entry.secrets),
                    decision="allowed",
                    outcome=call.outcome,
                    latency_ms=round(latency * 1000, 1),
                    gateway_ms=round((latency - call.server_seconds) * 1000, 1),
                    server_ms=round(call.server_seconds * 1000, 1),
                    vendor_ms=None,
                    mcp_response=json.dumps(result, ensure_ascii=False) if result and self._log.responses else None,
                )
            )

    async def _called(self, call: Call) -> Message:
        """Return a tool's result; what goes wrong on the way is an error result that says what was done."""
        try:
            result = await self.forward(call)
        except NotStartedError as error:
            call.outcome = "not_started"
            sentence = self._sentences.unreachable(title(call.backend.entry))
            return failed(f"{error}. Nothing was done. Ask the user to fix it, then call again. {sentence}")
        except ConnectionLostError as error:
            call.outcome = "lost"
            if call.safe:
                return failed(f"{error}. Nothing was changed. Try again later.")
            return failed(
                f"{error}: `{call.name}` may or may not have been done. "
                "Check whether it was done before you call it again."
            )
        except BrokenResultError:
            call.outcome = "broken"
            return failed(
                f"{call.backend.entry.slug} answered `{call.name}` with a result that breaks the protocol. "
                "Ask the user to update this server."
            )
        except RpcError:
            call.outcome = "error"
            raise
        asks = result.get("resultType") == "input_required"
        call.outcome = "asked" if asks else "error" if result.get("isError") else "ok"
        return result

    async def _read(self, client: ClientRequest, method: str, params: Message) -> Message:
        """Get a prompt or read a resource, which changes nothing and has no error result."""
        params = _known(params, FORWARDED[method], "arguments", client)
        name = params[FORWARDED[method]]
        if method == "prompts/get":
            backend = self._owners.get(("prompts", name))
            missing = RpcError(INVALID_PARAMS, f"Unknown prompt: {name!r}")
        else:
            fitting = (backend for pattern, backend in self._templates if pattern.fullmatch(name))
            backend = self._owners.get(("resources", name)) or next(fitting, None)
            missing = RpcError(INVALID_PARAMS, f"Resource not found: {name!r}", {"uri": name})
        if backend is None:
            raise missing
        try:
            result = await self.forward(Call(client, backend, method, params, safe=True))
        except (NotStartedError, ConnectionLostError) as error:
            raise RpcError(INTERNAL_ERROR, f"Error: {error}. Nothing was changed. Try again later.") from None
        except BrokenResultError as error:
            raise RpcError(INTERNAL_ERROR, f"Error: {error}. Ask the user to update this server.") from None
        if method == "resources/read":
            cache = {key: result.pop(key, default) for key, default in (("ttlMs", 0), ("cacheScope", "private"))}
            return result | cache if client.modern else result
        return result


def _known(params: Message, key: str, more: str, client: ClientRequest) -> Message:
    """Return those parameters that a server gets. Raises RpcError where they have not the types of the protocol."""
    keys = (key, more, *(("inputResponses", "requestState") if client.modern else ()))
    known = {name: params[name] for name in keys if params.get(name) is not None}
    if type(known.get(key)) is not str or type(known.get("inputResponses", {})) is not dict:
        raise invalid()
    return known


async def _ask(call: Call, result: Message) -> Message:
    """Return a client's answers to the questions of a result."""
    questions = result.get("inputRequests") or {}
    if not questions:
        await asyncio.sleep(0.1)  # the server only wants to be asked again
    return {
        key: await call.client.ask(question["method"], question.get("params") or {})
        for key, question in questions.items()
    }


def finished(client: ClientRequest, result: Message) -> Message:
    """Return a result as the client's protocol has it; its server is the switchboard, not the one behind it."""
    result = dict(result)
    meta = {key: value for key, value in (result.pop("_meta", None) or {}).items() if key != SERVER_INFO_KEY}
    kind = result.pop("resultType", "complete")
    if client.modern:
        result["resultType"] = kind
        meta[SERVER_INFO_KEY] = SERVER_INFO
    return result | ({"_meta": meta} if meta else {})


def template_pattern(template: str) -> re.Pattern[str]:
    """Return what the URIs of a resource template match: `{name}` one segment, `{+name}` and `{name*}` any number."""
    parts = []
    for literal, expression in re.findall(r"([^{]+)|\{([^}]*)\}", template):
        if literal:
            parts.append(re.escape(literal))
        elif expression[:1] in "?&":
            parts.append(r"(?:[?&][^#]*)?")
        else:
            parts.append(".+" if expression[:1] in "+#/." or expression.endswith("*") else "[^/]+")
    return re.compile("".join(parts))
