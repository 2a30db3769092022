"""The HTTP side: what is refused, what a challenge is answered with, and what is stored before the 2xx."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from flotilla import errors, in_thread
from flotilla.audit import Audit

from ..endpoints import Endpoint
from ..payload import events_of
from ..schemes import GoogleKeys, Incoming, RefusedError
from ..store import Arrival
from ..vendors import VENDORS
from .inbox import Inbox, Inboxes, refused

MOST_BODY = 2_000_000  # bytes
MOST_AT_ONCE = 200  # requests that are read or stored; one more gets a 503, and comes again
LONGEST_READ = 30.0  # seconds of a body
LONGEST_ECHO = 1_000  # characters of a challenge
BUSY = {"Retry-After": "5"}
LAST = {"Connection": "close"}  # of an answer before the whole body is there


class Receiver:
    """The routes. Those of tenants hold the id of each: nothing says of an id whether there is such a tenant."""

    def __init__(
        self,
        inboxes: Inboxes,
        public_url: str,
        audit: Audit,
        *,
        of_tenants: bool = False,
        google: GoogleKeys,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._inboxes, self._public_url = inboxes, public_url.rstrip("/")
        self._audit, self._google, self._clock = audit, google, clock
        self._running = 0
        self._strangers: Counter[str] = Counter()  # refused requests for a tenant that there is not, by vendor
        root = "/t/{tenant}/hooks" if of_tenants else "/hooks"
        self.app = Starlette(
            routes=[
                Route("/health", self._health, methods=["GET"]),
                Route(f"{root}/{{vendor}}/{{endpoint}}", self._hook, methods=["GET", "POST"]),
                Route(f"{root}/{{vendor}}", self._hook, methods=["GET", "POST"]),
            ]
        )

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _hook(self, request: Request) -> Response:
        tenant, vendor = request.path_params.get("tenant", ""), request.path_params["vendor"]
        name = request.path_params.get("endpoint", "main")
        if vendor not in VENDORS:
            return PlainTextResponse("Nothing is at this address.", 404)
        if tenant in self._inboxes.problems:  # the log says what it is
            return PlainTextResponse("It could not be stored.", 503, BUSY)
        inbox = self._inboxes.by_tenant.get(tenant)
        endpoint = inbox.endpoints.get((vendor, name)) if inbox else None
        if inbox is None or endpoint is None:
            return self._refuse(inbox, vendor, name, "there is no secret for this endpoint")
        if self._running >= MOST_AT_ONCE or inbox.running >= inbox.most:
            return PlainTextResponse("Too many requests at once.", 503, BUSY)
        self._running += 1
        inbox.running += 1
        try:
            return await self._answer(inbox, endpoint, request)
        except RefusedError as refusal:
            return self._refuse(inbox, vendor, name, str(refusal))
        except (UnicodeError, RecursionError):
            return self._refuse(inbox, vendor, name, "its text is not valid, or it is nested too deeply", 400)
        except ClientDisconnect:
            return Response(status_code=400)
        except errors.ConfigurationError as error:
            inbox.audit.line("not stored", level="error", vendor=vendor, endpoint=name, reason=error.message)
            return PlainTextResponse("It could not be stored.", 503, BUSY)
        finally:
            self._running -= 1
            inbox.running -= 1

    async def _answer(self, inbox: Inbox, endpoint: Endpoint, request: Request) -> Response:
        if request.method == "HEAD":  # Intercom asks so whether the address is there
            return Response()
        try:
            body = await body_of(request, MOST_BODY)
        except TimeoutError:
            return PlainTextResponse(f"The body took longer than {LONGEST_READ:g} seconds.", 408, LAST)
        if body is None:
            return PlainTextResponse(f"The body has more than {MOST_BODY} bytes.", 413, LAST)
        query = f"?{request.url.query}" if request.url.query else ""
        headers = {name.lower(): value for name, value in request.headers.items()}
        incoming = Incoming(request.method, self._public_url + request.url.path + query, headers, body)
        if challenge := await self._unsigned_challenge(inbox, endpoint, incoming):
            return challenge
        if request.method != "POST":
            return PlainTextResponse("Webhooks are sent by POST.", 405, {"Allow": "POST"})
        if not endpoint.secrets:
            raise RefusedError("there is no secret for this endpoint")
        await endpoint.vendor.verification.check(incoming, endpoint.secrets, self._clock(), self._google)
        if text := _signed_challenge(endpoint, incoming):
            inbox.outcomes[endpoint.vendor.slug, endpoint.name, "challenge"] += 1
            return PlainTextResponse(text)
        arrivals = _arrivals(inbox, endpoint, incoming)
        if arrivals:
            await inbox.writer.add(arrivals)
            inbox.wake()
        media_type, content = endpoint.vendor.answer
        return Response(content, media_type=media_type)

    async def _unsigned_challenge(self, inbox: Inbox, endpoint: Endpoint, incoming: Incoming) -> Response | None:
        """Return the answer to what a vendor sends unsigned when an address is registered; None for all else."""
        challenge = endpoint.vendor.challenge
        if challenge is None:
            return None
        query = parse_qs(incoming.url.partition("?")[2], keep_blank_values=True)
        if challenge.echo and challenge.echo in query and incoming.method == challenge.method:
            received = query.get(challenge.token, [""])[0].encode()
            matches = [hmac.compare_digest(received, token.encode()) for token in endpoint.verify_tokens]
            if challenge.token and not any(matches):
                raise RefusedError("the verify token does not match")
            answer = query[challenge.echo][0][:LONGEST_ECHO]
        elif challenge.ping and incoming.is_form and set(incoming.content) == {challenge.ping}:
            answer = ""
        elif challenge.keep and not endpoint.secrets and _holds(incoming, challenge.keep):
            await in_thread(
                inbox.store.offer, endpoint.vendor.slug, endpoint.name, incoming.content[challenge.keep][:LONGEST_ECHO]
            )
            inbox.audit.line("secret offered", vendor=endpoint.vendor.slug, endpoint=endpoint.name)
            answer = ""
        else:
            return None
        inbox.outcomes[endpoint.vendor.slug, endpoint.name, "challenge"] += 1
        return PlainTextResponse(answer, headers={"X-Content-Type-Options": "nosniff"})

    def _refuse(self, inbox: Inbox | None, vendor: str, name: str, reason: str, status: int = 401) -> Response:
        """Answer with the reason; whoever floods the address costs neither the disk nor the log a line each."""
        if inbox:
            configured = (vendor, name) in inbox.endpoints
            inbox.outcomes[vendor, name if configured else "", f"refused: {reason}"] += 1
        else:
            self._strangers[vendor] += 1
        return JSONResponse({"error": reason}, status)

    async def tidy(self) -> None:
        """Count, log and delete what is due, see `Inbox.tidy`."""
        strangers, self._strangers = self._strangers, Counter()
        for vendor, number in strangers.items():
            refused(self._audit, vendor, "", "refused: there is no such tenant", number)
        for inbox in list(self._inboxes.by_tenant.values()):
            await inbox.tidy()


def _arrivals(inbox: Inbox, endpoint: Endpoint, incoming: Incoming) -> list[Arrival]:
    vendor = endpoint.vendor
    return [
        Arrival(
            vendor=vendor.slug,
            endpoint=endpoint.name,
            key=event.key,
            kind=event.kind,
            account=event.account,
            happened=event.happened,
            data=event.data,
            state="new" if endpoint.accepts(event.account) else "parked",
            signals=vendor.signals,
            forward=inbox.forwards(vendor.slug),
        )
        for event in events_of(vendor, incoming)
    ]


def _signed_challenge(endpoint: Endpoint, incoming: Incoming) -> str:
    challenge, content = endpoint.vendor.challenge, incoming.content
    if challenge and challenge.field and isinstance(content, dict):
        return str(content.get(challenge.field, ""))[:LONGEST_ECHO]
    return ""


def _holds(incoming: Incoming, name: str) -> bool:
    """Tell whether the body is an object that holds a text of this name and nothing else."""
    content = incoming.content
    return isinstance(content, dict) and set(content) == {name} and isinstance(content[name], str)


async def body_of(request: Request, most: int) -> bytes | None:
    """Return the body; None for one of more bytes than `most`.

    Raises TimeoutError for one that takes longer than LONGEST_READ, and ClientDisconnect.
    """
    parts, size = [], 0
    async with asyncio.timeout(LONGEST_READ):
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > most:
                return None
    return b"".join(parts)
