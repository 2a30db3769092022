"""Ask a person before something is destroyed, in whichever way the client can.

| client | way |
|---|---|
| MCP 2026-07-28 with elicitation | the call's result is the question; the answer comes with the repeated call |
| before that, over stdio or stateful HTTP, with elicitation | `elicitation/create`, answered while the call waits |
| neither | a preview and a token bound to tool, arguments and question; a second call passes the token back |
| neither, under FLOTILLA_CONFIRM=strict | none: the model holds the token, and could say yes for the user |

In the first and the last way the tool runs again from the top: ask before the first side effect. A tool may ask more
than once; what was agreed to travels with the client, sealed, so that another worker can go on.
"""

from __future__ import annotations

import json
import time
from typing import Any

from fastmcp.server.dependencies import get_context
from fastmcp.tools.base import InputRequiredToolResult, ToolResult
from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from . import errors
from .call import Call, current
from .results import packed
from .state import digest

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
    """Asks, and remembers nothing: what a later call must prove is sealed into what the client holds."""

    def __init__(self, key: bytes) -> None:
        self._codec = AESGCMRequestStateCodec([key])

    async def ask(self, question: str, strict: bool = False) -> None:
        """Return after a yes. Raises Unanswered with the question, errors.Input after a no or with a wrong token.

        `strict`: only a person's own answer counts, so no token is given or taken; raises errors.Setup then.
        """
        call, ctx, mine = current(), get_context(), digest(question)
        session = ctx.session
        caps = session.client_capabilities
        able = caps is not None and caps.elicitation is not None
        if call.confirm_token and not strict and mine in self._unsealed(call):
            call.agreed.append(mine)
        elif able and session.protocol_version in MODERN_PROTOCOL_VERSIONS:
            *earlier, last = (ctx.request_state or "-").split()  # sealed by the SDK: it holds what we put there
            answer = (ctx.input_responses or {}).get("confirm")
            if mine not in earlier:
                if mine != last or answer is None:
                    raise Unanswered(_round(question, [*call.agreed, mine]), "asked")
                _judge(answer)
            call.agreed.append(mine)
        elif able and session.can_send_request:
            try:
                with call.unhurried():
                    answer = await session.elicit(question, FORM, related_request_id=ctx.request_id)
            except MCPError:  # a gateway says that it can ask, for clients that cannot
                raise self._without_asking(call, question, strict) from None
            _judge(answer)
        else:
            raise self._without_asking(call, question, strict)

    def _without_asking(self, call: Call, question: str, strict: bool) -> Exception:
        if strict:
            return errors.Setup(
                "This needs a person's yes, and this client cannot ask for one (FLOTILLA_CONFIRM=strict): "
                "nothing was done.",
                "Tell the user to do it in the product itself, or from a client that supports elicitation.",
            )
        return Unanswered(self._preview(call, question), "preview")

    def _preview(self, call: Call, question: str) -> ToolResult:
        agreed = [*call.agreed, digest(question)]
        claim = [call.tool, digest(call.arguments), int(time.time()) + TOKEN_SECONDS, agreed]
        preview = {
            "question": question,
            "confirm_token": self._codec.seal(json.dumps(claim).encode()),
            "next": "Nothing was done. Ask the user; after a yes, call again with the same arguments and confirm_token "
            f"within {TOKEN_SECONDS // 60} minutes.",
        }
        return packed({"preview": preview})

    def _unsealed(self, call: Call) -> list[str]:
        """Return the digests of the questions that the call's token stands for."""
        then = "Call without confirm_token, show the user what it says, then pass the token it returns."
        try:
            tool, arguments, until, agreed = json.loads(self._codec.unseal(call.confirm_token))
        except (InvalidRequestState, ValueError):
            raise errors.Input("The confirm_token is not one of ours.", then) from None
        if until < time.time():
            raise errors.Input("The confirm_token has expired.", then)
        if [tool, arguments] != [call.tool, digest(call.arguments)]:
            raise errors.Input("The confirm_token was given for other arguments.", then)
        return list(agreed)


def _round(question: str, asked: list[str]) -> ToolResult:
    form = ElicitRequestFormParams(message=question, requested_schema=FORM)
    wanted = InputRequiredResult(input_requests={"confirm": ElicitRequest(params=form)}, request_state=" ".join(asked))
    return InputRequiredToolResult(wanted)


def _judge(answer: Any) -> None:
    """Raise errors.Input unless the answer is a yes."""
    content = getattr(answer, "content", None) or {}
    if getattr(answer, "action", "") != "accept" or content.get("confirm") is not True:
        raise errors.Input(
            "The user did not agree, so nothing was done.", "Do not try again unless the user asks for it."
        )
