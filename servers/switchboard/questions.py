"""Questions that a server of an older revision asks in the middle of a call.

Before 2026-07-28 a server asks while its call runs (`elicitation/create`); since then a question is the result of the
call, and the call is sent again with the answer. So a call that asks is parked here: its client gets the question as
the result, and the call that comes with the answer goes on with the parked one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from .client_request import ClientRequest
from .jsonrpc import INVALID_REQUEST, METHOD_NOT_FOUND, Message, OnProgress, RpcError

PATIENCE = 300.0  # seconds that a parked call waits for its answer
KEY = "question"
ASKING = "elicitation/create"
ANNOUNCED: Message = {"elicitation": {}}  # what a server may ask of a client: a form


class QuestionGoneError(Exception):
    """The call that has asked does not run any more."""


class OpenCall:
    """A call that runs on a server, for the client that waits for it now."""

    def __init__(self, client: ClientRequest, on_progress: OnProgress) -> None:
        self.client, self._on_progress = client, on_progress
        self.task: asyncio.Future[Message]
        self._question: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    def on_progress(self, params: Message) -> None:
        """Pass progress on."""
        self._on_progress(params)

    async def ask(self, method: str, params: Message) -> Message:
        """Return the person's answer to a question of the server. Raises RpcError where nobody can be asked."""
        if method != ASKING:
            raise RpcError(METHOD_NOT_FOUND, f"The switchboard does not offer {method}.", method)
        if type(self.client.capabilities.get("elicitation")) is not dict:
            raise RpcError(INVALID_REQUEST, "The client cannot ask a person. Do without, or say what is missing.")
        if params.get("mode", "form") != "form":
            raise RpcError(INVALID_REQUEST, "Only questions with a form can be asked.")
        self._question.set_result(params)
        return await self._answer

    async def next_question(self) -> Message | None:
        """Return the next question; None once the call has ended. Cancelling the caller cancels the call."""
        try:
            await asyncio.wait([self.task, self._question], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self.task.cancel()
            raise
        return None if self.task.done() else self._question.result()

    def go_on(self, client: ClientRequest, on_progress: OnProgress, answer: Any) -> None:
        """Give the server the answer; from now on another request waits for the call."""
        self.client, self._on_progress = client, on_progress
        before, loop = self._answer, asyncio.get_running_loop()
        self._question, self._answer = loop.create_future(), loop.create_future()
        before.set_result(answer if type(answer) is dict else {"action": "cancel"})


class ParkedCalls:
    """The calls of one server that wait for an answer, by the state that their clients hold.

    `running` is the call that runs, where only one does at a time.
    """

    def __init__(self) -> None:
        self.running: OpenCall | None = None
        self._parked: dict[str, tuple[OpenCall, asyncio.TimerHandle]] = {}

    async def send(
        self,
        client: ClientRequest,
        params: Message,
        on_progress: OnProgress,
        start: Callable[[OpenCall], Awaitable[Message]],
    ) -> Message:
        """Return the result of a call, or its next question as a result. `start` begins a call that is not parked.

        Raises QuestionGoneError for an answer to a call that has ended, and what the call raises.
        """
        state = params.get("requestState")
        if state is None:
            call = OpenCall(client, on_progress)
            call.task = asyncio.ensure_future(start(call))
        else:
            if state not in self._parked or self._parked[state][0].task.done():
                raise QuestionGoneError
            call, timer = self._parked.pop(state)
            timer.cancel()
            call.go_on(client, on_progress, (params.get("inputResponses") or {}).get(KEY))
        self.running = call
        try:
            question = await call.next_question()
        finally:
            self.running = None
        if question is None:
            return call.task.result()
        state = secrets.token_urlsafe(24)
        self._parked[state] = call, asyncio.get_running_loop().call_later(PATIENCE, self._give_up, state)
        call.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody may come back for it
        return {
            "resultType": "input_required",
            "inputRequests": {KEY: {"method": ASKING, "params": question}},
            "requestState": state,
        }

    def _give_up(self, state: str) -> None:
        call, _ = self._parked.pop(state)
        call.task.cancel()

    def close(self) -> None:
        """Cancel all calls."""
        for call, timer in self._parked.values():
            timer.cancel()
            call.task.cancel()
        self._parked.clear()
