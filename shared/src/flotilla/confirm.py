"""Ask a person before something is destroyed, in whichever way the client can.

| client | way |
|---|---|
| MCP 2026-07-28 with elicitation | the call's result is the question; the answer comes with the repeated call |
| before that, over stdio or stateful HTTP, with elicitation | `elicitation/create`, answered while the call waits |
| neither | a preview and a token bound to tool, arguments and question; a second call passes the token back |
| neither, under FLOTILLA_CONFIRM=strict | none: the model holds the token, and could say yes for the user |

In the first and the last way the tool runs again from the top: ask before the first side effect. A tool may ask more
than once; what was agreed to travels with the client, sealed, so that another worker can go on. Each token and each
sealed state bears a mark that is used up, for all processes of the same state, when it is accepted: a yes is worth one
execution.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from fastmcp.server.dependencies import get_context
from fastmcp.tools.base import InputRequiredToolResult, ToolResult
from mcp.server.request_state import InvalidRequestState
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from . import errors
from .call import Call, current
from .results import packed
from .sealing import LazyCodec
from .state import digest

if TYPE_CHECKING:
    from .server import Server

TOKEN_SECONDS = 600
FORM = {
    "type": "object",
    "properties": {"confirm": {"type": "boolean", "description": "Yes, do it"}},
    "required": ["confirm"],
}


class Unanswered(Exception):  # noqa: N818 - no error: the question is the result
    """Ends the call with a question; `result` is what the client gets."""

    def __init__(self, result: ToolResult, outcome: str) -> None:
        super().__init__(outcome)
        self.result, self.outcome = result, outcome


class Confirmation:
    """Asks, and remembers only which answers were used: what else must be proved is sealed in what the client holds."""

    def __init__(self, server: Server[Any], codec: LazyCodec) -> None:
        self._server, self._codec = server, codec
        self._spent: set[str] = set()  # where the key is of this process alone, so are the tokens

    async def ask(self, question: str, version: object = None, *, strict: bool = False) -> None:
        """Return after a yes. Raises Unanswered with the question, errors.Input after a no or with a wrong token.

        `version` identifies the state of what the question is about. `strict`: only a person's own answer counts, so
        no token is given or taken; raises errors.Setup then. Raises errors.Setup when it cannot be recorded
        that an answer was used.
        """
        call, ctx, mine = current(), get_context(), digest(question, version)
        session = ctx.session
        caps = session.client_capabilities
        able = caps is not None and caps.elicitation is not None
        if call.confirm_token and not strict and mine in (claim := self._unsealed(call))[1]:
            self._spend(call, claim[0])
            call.agreed.append(mine)
        elif able and session.protocol_version in MODERN_PROTOCOL_VERSIONS:
            mark, *earlier, last = (ctx.request_state or "- -").split()  # sealed by the SDK: it holds what we put there
            answer = (ctx.input_responses or {}).get("confirm")
            if mine not in earlier:
                if mine != last or answer is None:
                    raise Unanswered(_round(question, [*call.agreed, mine]), "asked")
                _judge(answer)
            self._spend(call, mark)
            call.agreed.append(mine)
        elif able and session.can_send_request:
            try:
                with call.unhurried():
                    answer = await session.elicit(question, FORM, related_request_id=ctx.request_id)
            except MCPError:  # a gateway says that it can ask, for clients that cannot
                raise self._without_asking(call, question, mine, strict) from None
            _judge(answer)
        else:
            raise self._without_asking(call, question, mine, strict)

    def _without_asking(self, call: Call, question: str, mine: str, strict: bool) -> Exception:
        if strict:
            return errors.Setup(
                "This needs a person's yes, and this client cannot ask for one (FLOTILLA_CONFIRM=strict): "
                "nothing was done.",
                "Tell the user to do it in the product itself, or from a client that supports elicitation.",
            )
        return Unanswered(self._preview(call, question, mine), "preview")

    def _spend(self, call: Call, mark: str) -> None:
        """Use an answer up; within the call that did so, it stands for its further questions."""
        if mark == call.spent:
            return
        if self._server.keys.shared:
            first = self._server.state.spend(mark)
        else:
            first = mark not in self._spent
            self._spent.add(mark)
        if not first:
            raise errors.Input(
                "This yes was used already, and one yes is worth one execution.",
                "Look whether it was done; to do it again, call without confirm_token: the user is then asked again.",
            )
        call.spent = mark

    def _preview(self, call: Call, question: str, mine: str) -> ToolResult:
        agreed = [*call.agreed, mine]
        claim = [call.tool, digest(call.arguments), int(time.time()) + TOKEN_SECONDS, _mark(), agreed]
        alone = "" if self._server.keys.shared else ", in this session: the server has no folder to keep its key in"
        preview = {
            "question": question,
            "confirm_token": self._codec.seal(json.dumps(claim).encode()),
            "next": "Nothing was done. Ask the user; after a yes, call again with the same arguments and confirm_token "
            f"within {TOKEN_SECONDS // 60} minutes{alone}.",
        }
        return packed({"preview": preview})

    def _unsealed(self, call: Call) -> tuple[str, list[str]]:
        """Return the mark of the call's token, and the digests of the questions that it stands for."""
        then = "Call without confirm_token, show the user what it says, then pass the token it returns."
        try:
            tool, arguments, until, mark, agreed = json.loads(self._codec.unseal(call.confirm_token))
        except (InvalidRequestState, ValueError):
            raise errors.Input("The confirm_token is not one of ours.", then) from None
        if until < time.time():
            raise errors.Input("The confirm_token has expired.", then)
        if [tool, arguments] != [call.tool, digest(call.arguments)]:
            raise errors.Input("The confirm_token was given for other arguments.", then)
        return str(mark), list(agreed)


def _mark() -> str:
    return secrets.token_hex(16)


def _round(question: str, asked: list[str]) -> ToolResult:
    form = ElicitRequestFormParams(message=question, requested_schema=FORM)
    state = " ".join([_mark(), *asked])
    wanted = InputRequiredResult(input_requests={"confirm": ElicitRequest(params=form)}, request_state=state)
    return InputRequiredToolResult(wanted)


def _judge(answer: Any) -> None:
    """Raise errors.Input unless the answer is a yes."""
    content = getattr(answer, "content", None) or {}
    if getattr(answer, "action", "") != "accept" or content.get("confirm") is not True:
        raise errors.Input(
            "The user did not agree, so nothing was done.", "Do not try again unless the user asks for it."
        )
