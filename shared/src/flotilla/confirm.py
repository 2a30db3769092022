"""Ask a person before something is destroyed, in whichever way the client can.

| client | way |
|---|---|
| MCP 2026-07-28 with elicitation | the call's result is the question; the answer comes with the repeated call |
| before that, over stdio or stateful HTTP, with elicitation | `elicitation/create`, answered while the call waits |
| neither | a preview and a token bound to tool and arguments; a second call passes the token back |

In the first and the last way the tool runs again from the top: ask before the first side effect.
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
from .call import current
from .results import packed

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

    async def ask(self, question: str, tool: str, arguments: dict[str, Any], token: str = "") -> None:
        """Return after a yes. Raises Unanswered with the question, errors.Input after a no or with a wrong token."""
        ctx = get_context()
        session = ctx.session
        caps = session.client_capabilities
        able = caps is not None and caps.elicitation is not None
        answer = None
        if token:
            self._check(token, tool, arguments)
            return
        if able and session.protocol_version in MODERN_PROTOCOL_VERSIONS:
            answer = (ctx.input_responses or {}).get("confirm")
            if answer is None or ctx.request_state is None:
                form = ElicitRequestFormParams(message=question, requested_schema=FORM)
                wanted = InputRequiredResult(
                    input_requests={"confirm": ElicitRequest(params=form)}, request_state="asked"
                )
                raise Unanswered(InputRequiredToolResult(wanted), "asked")
        elif able and session.can_send_request:
            with current().unhurried():
                try:
                    answer = await session.elicit(
                        message=question, requested_schema=FORM, related_request_id=ctx.request_id
                    )
                except MCPError:
                    answer = None  # a gateway says "can" for clients that cannot
        if answer is None:
            raise Unanswered(self._preview(question, tool, arguments), "preview")
        action, content = getattr(answer, "action", ""), getattr(answer, "content", None) or {}
        if action != "accept" or content.get("confirm") is not True:
            raise errors.Input(
                "The user did not agree, so nothing was done.", "Do not try again unless the user asks for it."
            )

    def _preview(self, question: str, tool: str, arguments: dict[str, Any]) -> ToolResult:
        claim = [tool, arguments, int(time.time()) + TOKEN_SECONDS]
        token = self._codec.seal(json.dumps(claim, sort_keys=True).encode())
        preview = {
            "question": question,
            "confirm_token": token,
            "next": f"Nothing was done. Ask the user; after a yes, call again with the same arguments and confirm_token "
            f"within {TOKEN_SECONDS // 60} minutes.",
        }
        return packed({"preview": preview})

    def _check(self, token: str, tool: str, arguments: dict[str, Any]) -> None:
        then = "Call without confirm_token, show the user what it says, then pass the token it returns."
        try:
            name, bound, until = json.loads(self._codec.unseal(token))
        except (InvalidRequestState, ValueError):
            raise errors.Input("The confirm_token is not one of ours.", then) from None
        if until < time.time():
            raise errors.Input("The confirm_token has expired.", then)
        if name != tool or bound != json.loads(json.dumps(arguments, sort_keys=True)):
            raise errors.Input("The confirm_token was given for other arguments.", then)
