"""The core: answers a client's request, over stdio and over HTTP, from the discovery files or by the server behind it.

Requests and results are the protocol's JSON as dicts; nothing here imports FastMCP, mcp or pydantic.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from flotilla_launcher.protocol import ACCESS_KEY, LIST_KEYS, MODERN_VERSION, TIMINGS_KEY
from flotilla_launcher.version import VERSION

from . import own_tools
from .accounts import AccountError, Accounts, DisconnectedError
from .action_log import Action, ActionLog, shown, taken_vendor_ms
from .admission import QUESTION, Admission
from .backend import Backend, BrokenResultError, ConnectionLostError, NotStartedError
from .call import FORWARDED, Asked, Call
from .client_request import ClientRequest, invalid
from .discovery import title
from .in_doubt import how_to_look
from .jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, Message, RpcError
from .named_accounts import ARGUMENT, asked_for
from .note_save import NOTE_SAVE, NoteSave
from .offers import Offers
from .permissions import kind_of
from .reporting import report
from .request_state import RequestState
from .spoken import Sentences
from .time_limits import OutOfTimeError, TimeLimits, within
from .tool_search import SEARCH, ToolSearch, failed
from .tool_search import definitions as search_definitions

if TYPE_CHECKING:
    from .own_offers import OwnOffers

MAX_ROUNDS = 10  # times that one call may ask, as in the SDK's own clients
SERVER_INFO = {"name": "flotilla", "version": VERSION}
SERVER_INFO_KEY = "io.modelcontextprotocol/serverInfo"
CACHE = {"ttlMs": 60_000, "cacheScope": "private"}  # how long one account's client keeps a list, if it does not listen
CAPABILITIES = {  # nothing is announced that is never sent
    "logging": {},
    "prompts": {"listChanged": False},
    "resources": {"subscribe": False, "listChanged": False},
    "tools": {"listChanged": True},
}
LIST_CHANGED = "notifications/tools/list_changed"
LISTEN = "subscriptions/listen"  # by which a client of 2026-07-28 hears of changes
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId"
LOOK_EVERY = 1.0  # seconds: how often is looked whether settings or decisions have changed
ANSWERED = (*FORWARDED, *LIST_KEYS, "server/discover", LISTEN)


class Gateway:
    """What clients see of all servers, and the way to them. Without `admission` every call is allowed."""

    def __init__(
        self,
        state_key: str,
        note_call: Callable[[str], None] = lambda slug: None,
        log: ActionLog | None = None,
        sentences: Sentences | None = None,
        admission: Admission | None = None,
        telemetry: Any = None,  # the module `flotilla.serving.telemetry`, where calls are measured
    ) -> None:
        self._note_call = note_call  # gets the slug of each server that is called
        self._log, self._sentences, self._admission = log, sentences or Sentences(), admission
        self._telemetry = telemetry
        self._state = RequestState(state_key)
        self.offers = Offers(admission.permissions if admission else None)
        self.tool_search = ToolSearch(lambda: self.offers.listed("tools"), list)
        self._search_tools: dict[str, Message] = {}  # none where all tools are listed
        self.limits: Callable[[], TimeLimits] = TimeLimits
        self.notes: NoteSave | None = None
        self.accounts: Accounts | None = None  # where they have access tokens that the switchboard renews
        self.own: OwnOffers | None = None  # the own servers, while the switchboard follows its settings
        self.listeners: set[Callable[[], None]] = set()  # called when clients see other tools than before
        self.in_flight, self.last_request = 0, 0.0  # the second is a time of the event loop

    @property
    def tool_count(self) -> int:
        """How many tools of servers clients see."""
        return len(self.offers.listed("tools"))

    def own_tools(self) -> list[Message]:
        """Return the definitions of the gateway's own tools."""
        more = own_tools.definitions(self._admission.settings.current()) if self._admission else []
        return [*self._search_tools.values(), *more]

    def listed(self, kind: str) -> list[Message]:
        """Return the definitions of a kind that a client lists."""
        if kind != "tools":
            return self.offers.listed(kind)
        return self.own_tools() if self._search_tools else [*self.offers.listed(kind), *self.own_tools()]

    def input_schema(self, name: str) -> Message | None:
        """Return the input schema of a tool, None where there is no such tool."""
        tools = (*self.own_tools(), *self.offers.listed("tools"))
        return next((tool["inputSchema"] for tool in tools if tool["name"] == name), None)

    def search_instead(self, servers: Sequence[str]) -> None:
        """List four tools that search and call the others, in place of all of them.

        A tool can still be called by its own name. `servers` are the names that people know.
        """
        self._search_tools = {tool["name"]: tool for tool in search_definitions(servers)}

    def search_again(self) -> None:
        """Take it that other tools are offered than before: the next search reads them anew."""
        self.tool_search.renew()

    def bind_rules(self) -> None:
        """Bind new rules that allow to the tools as they are now, and report those that match nothing."""
        if self._admission:
            tools = self.offers.all_tools()
            self._admission.permissions.pin(tools)
            for rule in self._admission.permissions.unmatched((server, tool["name"]) for server, tool in tools):
                report(f"the rule {rule.server}/{rule.tool}: {rule.decision} matches no tool")

    async def watch(self) -> None:
        """Follow the settings, and call the listeners whenever clients see other tools than before; until cancelled."""
        version, names, problem = self.offers.version, self.listed("tools"), ""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                if self.own:
                    self.own.follow()
                if version == self.offers.version:
                    continue
                self.bind_rules()
                version, before, names = self.offers.version, names, self.listed("tools")
            except Exception as error:  # a file or the database cannot be read now: what was known stays in force
                if problem != (problem := f"changes of settings cannot be followed: {error}"):
                    report(problem)
                continue
            if names != before:
                for listener in list(self.listeners):
                    listener()

    async def _listen(self, client: ClientRequest, params: Message) -> Message:
        """Tell a client of 2026-07-28 of changes for as long as it listens: until it cancels its request."""
        wanted, meta = params.get("notifications"), {"_meta": {SUBSCRIPTION_KEY: client.request_id}}
        if type(wanted) is not dict:
            raise invalid()
        honored = {"toolsListChanged": True} if wanted.get("toolsListChanged") is True else {}
        client.notify(ACKNOWLEDGED, {"notifications": honored, **meta})
        changed = asyncio.Event()
        if honored:
            self.listeners.add(changed.set)
        try:
            while True:
                await changed.wait()
                changed.clear()
                client.notify(LIST_CHANGED, dict(meta))
        finally:
            self.listeners.discard(changed.set)

    async def end(self, backends: Iterable[Backend]) -> None:
        """Stop all servers, then close; what cannot be stopped is reported."""
        closing = [backend.close() for backend in backends]
        closing += [self.tool_search.close(), *([self.own.close()] if self.own else ())]
        results = await asyncio.gather(*closing, return_exceptions=True)
        results += await asyncio.gather(asyncio.to_thread(self.close), return_exceptions=True)
        for error in filter(None, results):
            report(f"not all could be stopped: {error!r}")

    def close(self) -> None:
        """Close the database; write the rows of the log, and send the measurements, that are waiting."""
        if self._admission:
            self._admission.close()
        if self._log:
            self._log.close()
        if self._telemetry:
            self._telemetry.flush()

    async def answer(self, client: ClientRequest, method: str, params: Message) -> Message:
        """Return the result of one of the methods ANSWERED, as the client's protocol wants it. Raises RpcError."""
        if method == LISTEN and client.modern:
            return await self._listen(client, params)
        self.in_flight += 1
        try:
            if method == "server/discover" and client.modern:
                result = {**CACHE, "supportedVersions": [MODERN_VERSION], "capabilities": CAPABILITIES}
            elif kind := LIST_KEYS.get(method):
                result = {**(CACHE if client.modern else {}), kind: self.listed(kind)}
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
        RpcError, AccountError, NotStartedError, ConnectionLostError, OutOfTimeError and BrokenResultError.
        """
        self._note_call(call.backend.entry.slug)
        params = {key: value for key, value in call.sent.items() if key != "requestState"}
        if call.asked.inner is not None:
            params["requestState"] = call.asked.inner
        if QUESTION in (params.get("inputResponses") or {}):  # an answer to a question of ours
            params["inputResponses"] = {k: v for k, v in params["inputResponses"].items() if k != QUESTION}
        for _ in range(MAX_ROUNDS):
            started, limit = time.perf_counter(), self.limits().of(call.name, call.backend.deadline(call.name))
            try:
                with self._sentences.meanwhile(call.client, call.terms, title(call.backend.entry), reads=call.reads):
                    async with within(limit, call.server_seconds, call.backend, call.client):
                        result = await self._sent(call, params)
            finally:
                call.server_seconds += time.perf_counter() - started
            if (vendor_ms := taken_vendor_ms(result)) is not None:
                call.vendor_ms = (call.vendor_ms or 0) + vendor_ms
            if result.get("resultType") != "input_required":
                return result
            if call.account:
                result = asked_for(call.account, result)
            if call.client.modern:
                state = Asked(passed=call.asked.passed, inner=result.get("requestState"))
                return self._signed(call, result, state.written())
            clock = time.perf_counter()
            params = {**call.sent, "inputResponses": await _ask(call, result)}
            call.person_seconds += time.perf_counter() - clock
            if "requestState" in result:
                params["requestState"] = result["requestState"]
        raise ConnectionLostError(f"{call.backend.entry.slug} asked more than {MAX_ROUNDS} times during the call")

    async def _sent(self, call: Call, params: Message) -> Message:
        """Send a request with the access token of its account, where there is one.

        One that is refused is renewed; what only reads is sent once more with the new one.
        """
        refused = ""
        for last in (False, True):
            access = await self.accounts.access(call.backend.entry, refused) if self.accounts else None
            if access:
                call.client.meta[ACCESS_KEY] = access
            result = await call.backend.send(call.client, call.method, params, call.safe)
            is_refused = type(meta := result.get("_meta")) is dict and meta.pop(ACCESS_KEY, None) is not None
            if not access or not is_refused or last:
                break
            refused = str(access["access_token"])
            if not call.safe and self.accounts:
                await self.accounts.access(call.backend.entry, refused)  # for the next call
                break
        return result

    def _takes_notes(self) -> bool:
        return bool(self._admission and self._admission.settings.current().notes.on)

    def _signed(self, call: Call, result: Message, state: str) -> Message:
        return {**result, "requestState": self._state.signed(state, call.request)}

    async def _call_tool(self, client: ClientRequest, params: Message) -> Message:
        """Call a tool. What goes wrong on the way is an error result that says what was done."""
        params = {"arguments": {}, **_known(params, "name", "arguments", client)}
        name, arguments = params["name"], params["arguments"]
        if type(arguments) is str:  # some clients send the arguments as JSON text
            with suppress(ValueError):
                params["arguments"] = arguments = json.loads(arguments)
        if type(arguments) is not dict:
            raise invalid()
        if name in self._search_tools:
            if name == SEARCH:
                return await self.tool_search.search(arguments)
            target = self.tool_search.target(name, arguments)
            if isinstance(target, dict):
                return target
            return await self._call_tool(client, {**params, "name": target[0], "arguments": target[1]})
        if name == own_tools.APPROVE and self._admission:
            held = self._admission.approve(client.client_name, arguments.get("token"))
            return held if held.get("isError") else await self._call_tool(client, held)
        if name == NOTE_SAVE and self.notes and self._takes_notes():
            return self.notes.call(client, arguments)
        owner = self.offers.tool(name)
        if owner is None:
            return failed(f"Unknown tool `{name}`. List the tools to see which ones exist.")
        backend, tool = owner
        account = ""
        if accounts := self.offers.accounts.get(backend):
            if (chosen := accounts.chosen(name, arguments)) is None:
                return failed(accounts.refusal(name))
            account, backend = chosen
            params["arguments"] = {**arguments, ARGUMENT: account}  # so that a person sees it, and a yes is for it
        safe = kind_of(tool) == "read" and not backend.foreign  # what a foreign server says of itself may be wrong
        call = Call(client, backend, "tools/call", params, safe, tool, account=account)
        if client.modern and params.get("requestState") is not None:
            call.asked = Asked.read(self._state.read(params["requestState"], call.request))
        return await self._measured(call)

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
        call.client.meta[TIMINGS_KEY] = True
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
                    decision=call.decision,
                    outcome=call.outcome,
                    latency_ms=round(latency * 1000, 1),
                    gateway_ms=round((latency - call.server_seconds - call.person_seconds) * 1000, 1),
                    server_ms=round(call.server_seconds * 1000, 1),
                    vendor_ms=call.vendor_ms,
                    mcp_response=json.dumps(result, ensure_ascii=False) if result and self._log.responses else None,
                )
            )

    async def _called(self, call: Call) -> Message:
        """Return a tool's result; what goes wrong on the way is an error result that says what was done."""
        if refusal := await call.backend.refusal(call.tool, call.params["arguments"]):
            call.outcome = "refused"
            return failed(refusal)
        for check in (self._has_account, self._is_admitted):
            if ending := await check(call):
                return ending
        try:
            result = await self.forward(call)
        except DisconnectedError as error:
            return await self._has_account(call, str(error)) or failed(str(error))
        except AccountError as error:
            call.outcome = "refused"
            return failed(str(error))
        except NotStartedError as error:
            call.outcome = "not_started"
            sentence = self._sentences.unreachable(title(call.backend.entry))
            offer = f" {NoteSave.offer(call.name, call.client.trace())}" if self._takes_notes() else ""
            return failed(f"{error}. Nothing was done. {error.next_step} {sentence}{offer}")
        except ConnectionLostError as error:
            call.outcome = "timeout" if isinstance(error, OutOfTimeError) else "lost"
            if call.safe:
                return failed(f"{error}. Nothing was changed. Try again later.")
            reads = self.offers.reads(call.backend)
            look = how_to_look(call.name, reads, foreign=call.backend.foreign)
            return failed(f"{error}: `{call.name}` may or may not have been done. {look}")
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

    async def _has_account(self, call: Call, problem: str = "") -> Message | None:
        """Return None for a call that has an account, else the result that ends it. Raises AccountConnectedError."""
        ending = await self.accounts.connected(call, problem) if self.accounts else None
        return self._with_state(call, ending)

    async def _is_admitted(self, call: Call) -> Message | None:
        """Return None for a call that may be made, else the result that ends it."""
        return self._with_state(call, await self._admission.admit(call) if self._admission else None)

    def _with_state(self, call: Call, ending: Message | None) -> Message | None:
        asks = ending is not None and ending.get("resultType") == "input_required"
        return self._signed(call, ending, ending["requestState"]) if ending and asks else ending

    async def _read(self, client: ClientRequest, method: str, params: Message) -> Message:
        """Get a prompt or read a resource, which changes nothing and has no error result."""
        params = _known(params, FORWARDED[method], "arguments", client)
        name = params[FORWARDED[method]]
        kind = "prompts" if method == "prompts/get" else "resources"
        backend = self.offers.owner(kind, name)
        if backend is None and kind == "prompts":
            raise RpcError(INVALID_PARAMS, f"Unknown prompt: {name!r}")
        if backend is None:
            raise RpcError(INVALID_PARAMS, f"Resource not found: {name!r}", {"uri": name})
        call = Call(client, backend, method, params, safe=True)
        if client.modern and params.get("requestState") is not None:
            call.asked = Asked.read(self._state.read(params["requestState"], call.request))
        try:
            result = await self.forward(call)
        except AccountError as error:
            raise RpcError(INTERNAL_ERROR, f"Error: {error}") from None
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
