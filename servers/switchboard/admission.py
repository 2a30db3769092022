"""Whether a call may be made: what the permissions say, and where they say `ask`, a person's yes.

| client | how the person is asked |
|---|---|
| MCP 2026-07-28 that can be asked | the call's result is the question; the answer comes with the repeated call |
| before that, one that can be asked | `elicitation/create` while the call waits |
| one that cannot be asked | the call waits while a console is open; else its answer holds a token for `approve_call` |

Whoever answers first, client or console, decides. A tool of the fleet that asks by itself, with what it has looked up,
is not asked about here as well.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import time
from collections import OrderedDict
from contextlib import suppress
from typing import Any

from flotilla_launcher.environment import yes_or_no
from flotilla_launcher.naming import words_of
from flotilla_launcher.text import visible

from .action_log import shown
from .approvals import APPROVED, DECLINED, WAITING, Approval, Approvals, request_digest
from .call import Asked, Call
from .discovery import title
from .jsonrpc import Message, RpcError
from .own_tools import APPROVE, takes_tokens
from .permissions import Change, Permissions, Verdict, digest, kind_of
from .settings_file import SettingsFile
from .tool_search import failed

QUESTION = "flotilla_approval"  # the question's key in a result that asks
MOST_HELD = 200  # calls whose arguments are kept for `approve_call`
LINES = 20  # of what has changed, that a person is shown
TEXTS = {
    "en": {"allow": "Allow this call?", "changed": "Its definition has changed since it was looked at:",
           "confirm": "Set to true to allow it.", "remember": "Do not ask again for this tool until it changes."},
    "fr": {"allow": "Autoriser cet appel ?", "changed": "Sa définition a changé depuis qu’elle a été vue :",
           "confirm": "Mettre à vrai pour autoriser.",
           "remember": "Ne plus demander pour cet outil tant qu’il ne change pas."},
}  # fmt: skip


class Admission:
    """Decides about calls. `language` is that of the questions: en or fr."""

    def __init__(self, permissions: Permissions, approvals: Approvals, settings: SettingsFile, language: str) -> None:
        self.permissions, self.approvals, self.settings = permissions, approvals, settings
        self._texts = TEXTS[language]
        self._held: OrderedDict[str, Message] = OrderedDict()

    def close(self) -> None:
        """Close the database."""
        self.permissions.close()

    async def admit(self, call: Call) -> Message | None:
        """Return None for a call that may be made, else the result that ends it. Notes in the call how it was decided.

        The state of a result that asks is yet to be signed.
        """
        entry, tool, asked = call.backend.entry, call.tool, call.asked
        verdict = self.permissions.verdict(entry.slug, tool, foreign=call.backend.foreign)
        if verdict.decision == "deny":
            call.decision, call.outcome = "denied", "denied"
            return failed(
                f"`{call.name}` is not allowed ({verdict.reason}). Nothing was done. "
                "Tell the user, who can change this in the switchboard's settings or console."
            )
        if verdict.decision == "allow" or asks_itself(call):
            return None
        request = request_digest(entry.slug, digest(tool), call.params["arguments"])
        if asked.passed == request:  # the server behind has asked since then
            call.decision = "approved"
            return None
        by = self.approvals.use(request)
        if not by:
            approval = self._open(call, verdict, request)
            clock = time.perf_counter()
            result = await self._asked(call, verdict, approval)
            call.person_seconds += time.perf_counter() - clock
            if result is not None:
                return result
            if not (by := self.approvals.use(request)):
                call.outcome = "denied"
                return failed("This yes was used already, and one yes allows one call. Call again to ask anew.")
        asked.passed, asked.approval = request, ""
        call.decision = f"approved by {by}"
        return None

    def _open(self, call: Call, verdict: Verdict, request: str) -> Approval:
        entry = call.backend.entry
        return self.approvals.open(
            server=entry.slug,
            tool=call.name,
            title=title(entry),
            arguments=shown(call.params["arguments"], entry.secrets),
            request=request,
            client=call.client.client_name,
            reason=verdict.reason,
        )

    async def _asked(self, call: Call, verdict: Verdict, approval: Approval) -> Message | None:
        """Ask in whatever way there is; None after a yes, else the result that ends the call."""
        client, settings = call.client, self.settings.current().approvals
        question = self._question(call, verdict)
        able = settings.ask == "client" and type(client.capabilities.get("elicitation")) is dict
        if able and client.modern:
            answer = (call.params.get("inputResponses") or {}).get(QUESTION)
            if call.asked.approval != approval.id or answer is None:
                state = Asked(approval=approval.id, inner=call.asked.inner).written()
                call.decision, call.outcome = "waiting", "asked"
                return {"resultType": "input_required", "requestState": state, "inputRequests": {QUESTION: question}}
            return self._judged(call, verdict, approval, answer)
        if able:
            with suppress(RpcError):  # a gateway says that it can ask, for clients that cannot
                return await self._race(call, verdict, approval, question)
        if self.approvals.is_watched():
            state = await self.approvals.outcome_of(approval.id, settings.wait_seconds)
            if state != WAITING:
                return self._ended(call, state)
        return self._preview(call, approval, question["params"]["message"])

    async def _race(self, call: Call, verdict: Verdict, approval: Approval, question: Message) -> Message | None:
        """Ask the client, and let the console answer meanwhile."""
        client = asyncio.ensure_future(call.client.ask(question["method"], question["params"]))
        console = asyncio.ensure_future(self.approvals.outcome_of(approval.id, approval.expires - time.time()))
        try:
            await asyncio.wait([client, console], return_when=asyncio.FIRST_COMPLETED)
            if client.done():
                return self._judged(call, verdict, approval, client.result())
            return self._ended(call, console.result())
        finally:
            for task in (client, console):
                task.cancel()

    def _judged(self, call: Call, verdict: Verdict, approval: Approval, answer: Message) -> Message | None:
        """Note a client's answer; None for a yes."""
        accepted = answer.get("action") == "accept" and type(answer.get("content")) is dict
        content: Message = answer["content"] if accepted else {}
        yes = content.get("confirm") is True
        by = call.client.client_name or "client"
        self.approvals.answer(approval.id, yes, by)
        current = self.approvals.get(approval.id)  # the console may have answered first
        if not yes:
            return self._declined(call)
        if refused := self._ended(call, current.state if current else DECLINED):
            return refused
        if verdict.once and content.get("remember", True) is True:
            self.permissions.remember(call.backend.entry.slug, call.tool, by)
        return None

    def _ended(self, call: Call, state: str) -> Message | None:
        """Return None after a yes, else the result that ends the call."""
        if state == APPROVED:
            return None
        if state == DECLINED:
            return self._declined(call)
        call.decision, call.outcome = "expired", "denied"
        return failed(
            f"`{call.name}` was not allowed: nobody has answered in time, or another call has used the yes. "
            "Nothing was done. Call again to ask anew."
        )

    def _declined(self, call: Call) -> Message:
        call.decision, call.outcome = "declined", "denied"
        return failed(f"The user declined `{call.name}`. Nothing was done. Do not call it again unless the user asks.")

    def _preview(self, call: Call, approval: Approval, message: str) -> Message:
        call.decision, call.outcome = "waiting", "asked"
        if not takes_tokens(self.settings.current()):
            return failed(
                f"Nothing was done: `{call.name}` needs a yes in the switchboard's console "
                "(`scripts/flotilla console` opens it). Tell the user; after a yes, call again with the same arguments."
            )
        self._held[approval.id] = {"name": call.name, "arguments": call.params["arguments"]}
        while len(self._held) > MOST_HELD:
            self._held.popitem(last=False)
        return failed(
            f"Nothing was done: `{call.name}` needs the user's yes. Show the user what it would do, and ask:\n{message}"
            f"\nAfter a yes, call {APPROVE} with token {approval.id} within 10 minutes."
        )

    def approve(self, client_name: str, token: Any) -> Message:
        """Take the yes that a model passes on; return the held call, or an error result with `isError`."""
        approval = self.approvals.get(token) if type(token) is str else None
        if approval is None or not takes_tokens(self.settings.current()):
            return failed("There is no call with this token. Call the tool itself again, to get a new one.")
        held = self._held.pop(approval.id, None)
        if not self.approvals.answer(approval.id, True, client_name or "client") and approval.state != APPROVED:
            return failed(
                "This token was used, declined or has expired, and nothing was done now. "
                f"Look whether `{approval.tool}` was done before you call it again."
            )
        return held or failed(f"The user's yes is noted. Call `{approval.tool}` again now, with the same arguments.")

    def _question(self, call: Call, verdict: Verdict) -> Message:
        texts = self._texts
        properties: Message = {"confirm": {"type": "boolean", "description": texts["confirm"]}}
        if verdict.once:
            properties["remember"] = {"type": "boolean", "description": texts["remember"], "default": True}
        lines = [
            texts["allow"],
            f"{title(call.backend.entry)}: {action(call.tool, foreign=call.backend.foreign)} ({call.name})",
        ]
        lines += readable(shown(call.params["arguments"], call.backend.entry.secrets))
        if verdict.change:
            lines += [texts["changed"], *difference(verdict.change)]
        schema = {"type": "object", "properties": properties, "required": ["confirm"]}
        params = {"mode": "form", "message": "\n".join(visible(line, name=True) for line in lines)}
        return {"method": "elicitation/create", "params": {**params, "requestedSchema": schema}}


def asks_itself(call: Call) -> bool:
    """Tell whether a tool of the fleet asks by itself, or changes nothing in a dry run: it is not asked about here."""
    if call.backend.foreign:
        return False
    tool = call.tool
    properties = (tool.get("inputSchema") or {}).get("properties") or {}
    if "dry_run" in properties and call.params["arguments"].get("dry_run") is True:
        return True
    off = yes_or_no(call.backend.entry.env.get("FLOTILLA_CONFIRM", "")) is False
    return kind_of(tool) == "destroy" and "confirm_token" in properties and not off


def action(tool: Message, *, foreign: bool = False) -> str:
    """Return what a tool does, as a person reads it: its title, or the words of its name; the fleet's have a prefix."""
    name = tool.get("title") or (tool.get("annotations") or {}).get("title")
    return str(name or " ".join(words_of(str(tool["name"]), foreign=foreign)) or tool["name"])


def readable(arguments: str) -> list[str]:
    """Return the arguments of a call, a line each."""
    try:
        values = json.loads(arguments)
    except ValueError:  # cut
        return [f"  {arguments}"]
    return [
        f"  {name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in values.items()
    ]


def difference(change: Change) -> list[str]:
    """Return what has changed in a definition, as lines with - and +."""

    def lines(definition: Any) -> list[str]:
        return json.dumps(definition, ensure_ascii=False, indent=1, sort_keys=True).splitlines()

    changes = [line for line in difflib.unified_diff(lines(change.before), lines(change.after), lineterm="", n=0)
             if line[:2] not in ("--", "++", "@@")]  # fmt: skip
    return changes if len(changes) <= LINES else [*changes[:LINES], f"… {len(changes) - LINES}"]
