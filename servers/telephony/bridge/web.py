"""The HTTP side: Twilio's voice webhook, the WebSocket of Media Streams, and whether the bridge lives."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from flotilla.audit import Audit

from . import stream
from .admission import Admission, Ticket
from .call import Call, HungUpError
from .settings import BridgeSettings
from .signature import is_signed
from .tools import Tools

VOICE, MEDIA = "/voice", "/media"
MOST_FORM = 65_536  # bytes of a webhook's form
MOST_TASK = 1_500  # characters of what the agent is to do, as the tool that makes the call allows
STARTING = 10.0  # seconds in which a stream must show its token
REFUSED, TOO_MANY = 1008, 1013  # codes of a WebSocket's end


class Bridge:
    """The routes, and what they share."""

    def __init__(self, settings: BridgeSettings, tools: Tools, audit: Audit) -> None:
        self._settings, self._tools, self._audit = settings, tools, audit
        self.admission = Admission(settings.bridge_calls)
        self.app = Starlette(
            routes=[
                Route(VOICE, self._voice, methods=["POST"]),
                WebSocketRoute(MEDIA, self._media),
                Route("/health", self._health, methods=["GET"]),
            ]
        )

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "calls": self.admission.running})

    async def _voice(self, request: Request) -> Response:
        """Answer the webhook of a call with TwiML that opens a stream; 403 for whoever is not Twilio."""
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        query = f"?{request.url.query}" if request.url.query else ""
        token = self._settings.auth_token.get_secret_value()
        if not is_signed(
            token, self._settings.public_url + VOICE + query, fields, request.headers.get("x-twilio-signature", "")
        ):
            self._audit.line("webhook refused", level="warning", reason="the signature is missing or wrong")
            return Response(
                "The signature does not fit: TELEPHONY_AUTH_TOKEN or TELEPHONY_BRIDGE_URL may be wrong.", 403
            )
        form, outbound = dict(fields), dict(fields).get("Direction", "").startswith("outbound")
        ticket = self.admission.issue(
            form.get("CallSid", ""),
            form.get("AccountSid", ""),
            caller=form.get("From", ""),
            called=form.get("To", ""),
            outbound=outbound,
            task=request.query_params.get("task", "")[:MOST_TASK]
            if outbound
            else "",  # Twilio has signed the query too
        )
        if ticket is None:
            self._audit.line("call refused", level="warning", call_sid=form.get("CallSid", ""), reason="too many calls")
            return Response(stream.busy_twiml(), media_type="text/xml")
        url = self._settings.public_url.replace("http", "ws", 1) + MEDIA
        return Response(stream.connect_twiml(url, ticket), media_type="text/xml")

    async def _media(self, websocket: WebSocket) -> None:
        """Carry a call for a stream that shows the token of one that was announced; any other is closed."""
        with self.admission.stranger() as room:
            if not room:
                await websocket.close(TOO_MANY)
                return
            await websocket.accept()
            caller = WebSocketCaller(websocket)
            admitted = await self._admit(caller)
        if admitted is None:
            self._audit.line("stream refused", level="warning", reason="no valid token in its start message")
            await caller.close(REFUSED)
            return
        stream_sid, ticket = admitted
        with self.admission.call():
            call = Call(caller, stream_sid, ticket, settings=self._settings, tools=self._tools, audit=self._audit)
            await call.run()
            await caller.close(1000)

    async def _admit(self, caller: WebSocketCaller) -> tuple[str, Ticket] | None:
        """Return the stream's id and its ticket; None for whoever does not show one in time."""
        try:
            async with asyncio.timeout(STARTING):
                message = stream.read(await caller.receive())
                if isinstance(message, stream.Connected):
                    message = stream.read(await caller.receive())
        except (TimeoutError, HungUpError, stream.MalformedError):
            return None
        if not isinstance(message, stream.Start):
            return None
        start = message.start
        ticket = self.admission.redeem(start.parameters.get("token", ""), start.call_sid, start.account_sid)
        return (start.stream_sid, ticket) if ticket else None


class WebSocketCaller:
    """Twilio's side of a call over Starlette's WebSocket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | None:
        """Return the next message; None for one that is no text. Raises HungUpError once the connection has ended."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise HungUpError
        text = message.get("text")
        return text if isinstance(text, str) else None

    async def send(self, text: str) -> None:
        """Send a message; raises HungUpError."""
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            raise HungUpError from None

    async def close(self, code: int) -> None:
        """Close the connection, if it is still there."""
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(code)


async def _body(request: Request) -> bytes | None:
    """Return the body; None for one that is too long or was cut off."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > MOST_FORM:
                return None
    except ClientDisconnect:
        return None
    return body
