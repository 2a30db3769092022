"""Ask a person before something is destroyed, by the means that the client has.

| client | means |
|---|---|
| MCP 2026-07-28 with elicitation | the call's result is the question; the answer comes with the repeated call |
| before that, over stdio or stateful HTTP, with elicitation | `elicitation/create`, answered while the call waits |
| neither | a preview and a token bound to tool, arguments and question; a second call passes the token back |
| neither, under FLOTILLA_CONFIRM=strict | none: the model holds the token, and could say yes for the user |

In the first and the third case the tool runs again from the top: ask before the first side effect. A tool may ask more
than once; what was agreed to travels with the client, sealed, so that another worker can go on. Each token and each
sealed state bears a mark that is used up, for all processes of the same state, when it is accepted: one yes allows one
execution.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from typing import Any

from fastmcp.server.dependencies import get_context
from fastmcp.tools.base import InputRequiredToolResult, ToolResult
from mcp.server.request_state import InvalidRequestState
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from flotilla import errors, files
from flotilla.calls.context import Call, current, in_thread
from flotilla.calls.results import packed
from flotilla.connection import Connection
from flotilla.sealing import LazyCodec
from flotilla.state import digest
from flotilla.text import visible

TOKEN_SECONDS = 600
FEW = 5  # recipients of what cannot be called back; more are asked about
FORM = {
    "type": "object",
    "properties": {"confirm": {"type": "boolean", "description": "Set to true to go ahead."}},
    "required": ["confirm"],
}


class ConfirmationRequired(Exception):  # noqa: N818 - not an error: the question is the result
    """Ends the call with a question; `result` is what the client gets."""

    def __init__(self, result: ToolResult, outcome: str) -> None:
        super().__init__(outcome)
        self.result, self.outcome = result, outcome


class Confirmation:
    """Asks. Only the used answers are remembered here: all else is sealed in what the client sends back."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._codec = LazyCodec(lambda: connection.keys, "confirmations")
        self._spent: set[str] = set()  # where the key is of this process alone, so are the tokens

    async def ask(self, question: str, version: object = None, *, strict: bool = False) -> None:
        """Return after a yes. Raises ConfirmationRequired with the question, errors.InvalidInputError after a no or
        with a wrong token.

        `version` identifies the state of what the question is about. `strict`: only a person's own answer counts, so
        no token is given or taken; raises errors.ConfigurationError then. Raises errors.ConfigurationError when it
        cannot be recorded that an answer was used.
        """
        call, ctx, mine = current(), get_context(), digest(question, version)
        session = ctx.session
        caps = session.client_capabilities
        able = caps is not None and caps.elicitation is not None
        if call.confirm_token and not strict and mine in (claim := self._unsealed(call))[1]:
            self._spend(call, claim[0])
            call.agreed_questions.append(mine)
        elif able and session.protocol_version in MODERN_PROTOCOL_VERSIONS:
            mark, *earlier, last = (ctx.request_state or "- -").split()  # sealed by the SDK: it holds what we put there
            answer = (ctx.input_responses or {}).get("confirm")
            if mine not in earlier:
                if mine != last or answer is None:
                    raise ConfirmationRequired(_round(question, [*call.agreed_questions, mine]), "asked")
                _judge(answer)
            self._spend(call, mark)
            call.agreed_questions.append(mine)
        elif able and session.can_send_request:
            try:
                with call.pause_deadline():
                    answer = await session.elicit(question, FORM, related_request_id=ctx.request_id)
            except MCPError:  # a gateway says that it can ask, for clients that cannot
                raise self._without_asking(call, question, mine, strict) from None
            _judge(answer)
        else:
            raise self._without_asking(call, question, mine, strict)

    def _without_asking(self, call: Call, question: str, mine: str, strict: bool) -> Exception:
        if strict:
            return errors.ConfigurationError(
                "This needs a person's yes, and this client cannot ask for one (FLOTILLA_CONFIRM=strict): "
                "nothing was done.",
                "Tell the user to do it in the product itself, or from a client that supports elicitation.",
            )
        return ConfirmationRequired(self._preview(call, question, mine), "preview")

    def _spend(self, call: Call, mark: str) -> None:
        """Use an answer up; within the call that did so, it stands for its further questions."""
        if mark == call.spent_mark:
            return
        if self._connection.keys.shared:
            first = self._connection.state.spend(mark)
        else:
            first = mark not in self._spent
            self._spent.add(mark)
        if not first:
            raise errors.InvalidInputError(
                "This yes was used already, and one yes allows one execution.",
                "Look whether it was done; to do it again, call without confirm_token: the user is then asked again.",
            )
        call.spent_mark = mark

    def _preview(self, call: Call, question: str, mine: str) -> ToolResult:
        agreed = [*call.agreed_questions, mine]
        claim = [call.tool, digest(call.arguments), int(time.time()) + TOKEN_SECONDS, _mark(), agreed]
        alone = "" if self._connection.keys.shared else ", in this session: the server has no folder to keep its key in"
        preview = {
            "question": question,
            "confirm_token": self._codec.seal(json.dumps(claim).encode()),
            "next": "Nothing was done. Ask the user; after a yes, call again with the same arguments and confirm_token "
            f"within {TOKEN_SECONDS // 60} minutes{alone}.",
        }
        return packed({"preview": preview})

    def _unsealed(self, call: Call) -> tuple[str, list[str]]:
        """Return the mark of the call's token, and the digests of the questions that it stands for."""
        hint = "Call without confirm_token, show the user what it says, then pass the token it returns."
        try:
            tool, arguments, until, mark, agreed = json.loads(self._codec.unseal(call.confirm_token))
        except (InvalidRequestState, ValueError):
            raise errors.InvalidInputError("The confirm_token is not valid.", hint) from None
        if until < time.time():
            raise errors.InvalidInputError("The confirm_token has expired.", hint)
        if [tool, arguments] != [call.tool, digest(call.arguments)]:
            raise errors.InvalidInputError("The confirm_token was given for other arguments.", hint)
        return str(mark), list(agreed)


def will_ask() -> bool:
    """Tell whether `confirm` asks in the running call; where not, what only the question needs is not fetched."""
    call = current()
    return bool(call.connection and call.connection.fleet.confirm) and not call.dry_run


async def confirm(question: str, version: object = None) -> None:
    """Go on only after a person's yes; ask before the first side effect, since the tool may run again from the top.

    One yes allows one execution. `version` is what tells one state of the thing from another (size and time, an
    etag): when it has changed since the question was asked, the question is asked again. Nobody is asked in a dry
    run, or under `FLOTILLA_CONFIRM=off`. Raises errors.InvalidInputError after a no. A tool that asks by itself is
    registered with `asks=True`, so that clients that cannot be asked have a way too; under `FLOTILLA_CONFIRM=strict`
    these get errors.ConfigurationError.
    """
    call = current()
    if call.may_have_side_effects:
        raise RuntimeError(f"{call.tool} must call confirm before it does anything")
    if will_ask() and (connection := call.connection):
        shown = visible(question, name=True)  # whole: a person must see what is meant
        confirmation = connection.resource(Confirmation, lambda: Confirmation(connection))
        await confirmation.ask(shown, version, strict=connection.fleet.confirm == "strict")
        call.confirmation_pending = False


async def confirm_replacing(path: str, overwrite: bool = True) -> None:
    """Ask before a file of the data folder is written over; where nothing would be lost, nobody is asked.

    Raises what `files.writer` would say about the path. For tools that are registered with `replaces=True`.
    """
    if lost := await in_thread(files.replaced, path, overwrite):
        await confirm(f"Replace {lost}? What it holds now is lost.", await in_thread(files.version, path))


async def confirm_recipients(recipients: Iterable[str], action: str) -> None:
    """Ask before something that cannot be called back goes to more than FEW people; `action`: "Send «Offre»".

    For tools that are registered with `asks=True`.
    """
    names = list(dict.fromkeys(recipients))
    if len(names) > FEW:
        more = f" and {len(names) - 50} more" if len(names) > 50 else ""
        await confirm(f"{action} to {len(names)} recipients: {', '.join(names[:50])}{more}?")


async def confirm_new(people: Iterable[str], doing: str) -> bool:
    """Ask before writing to people who are new to a conversation, where FLOTILLA_CONFIRM is new-recipients.

    Returns whether a question was asked. `doing` is its start: "Send the mail «Offre» to". Call it before the first
    side effect, in a tool that is registered with `asks=True`.
    """
    names, connection = sorted(set(people)), current().connection
    if names and connection and connection.fleet.confirm == "new-recipients":
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        await confirm(f"{doing} {', '.join(names[:10])}{more}? They are new to this conversation.")
        return True
    return False


def _mark() -> str:
    return secrets.token_hex(16)


def _round(question: str, asked: list[str]) -> ToolResult:
    form = ElicitRequestFormParams(message=question, requested_schema=FORM)
    state = " ".join([_mark(), *asked])
    wanted = InputRequiredResult(input_requests={"confirm": ElicitRequest(params=form)}, request_state=state)
    return InputRequiredToolResult(wanted)


def _judge(answer: Any) -> None:
    """Raise errors.InvalidInputError unless the answer is a yes."""
    content = getattr(answer, "content", None) or {}
    if getattr(answer, "action", "") != "accept" or content.get("confirm") is not True:
        raise errors.InvalidInputError(
            "The user did not agree, so nothing was done.", "Do not try again unless the user asks for it."
        )
