"""Hand a finished mail to an SMTP server: once, encrypted when that was chosen, with a verdict for each recipient.

What can be repeated safely is repeated once: everything before the DATA command. From DATA on nothing is repeated.
A connection that breaks before the final dot has sent nothing; one that breaks after it may or may not have.

RFC 5321 (SMTP), 3207 (STARTTLS), 4954 (AUTH), 1870 (SIZE), 6531 (SMTPUTF8).
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, cast

import aiosmtplib

from flotilla import errors
from flotilla.calls.context import current

from .message import Mail
from .smtp_errors import Route, TransientError, mapped_errors, no_recipient_error, refusal_error, too_big_error

T = TypeVar("T")
PAUSE = 1.0  # seconds before the second try, at most
CHUNK = 64 * 1024
_KEYWORD = re.compile(r"[a-z0-9-]{1,40}")
_LINE_START_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True)
class Verdict:
    """The server's last reply about one recipient; for those it accepted that is its reply to the mail itself."""

    address: str
    code: int
    reply: str

    @property
    def answer(self) -> str:
        """Code and text in one line."""
        return f"{self.code} {self.reply}".strip()

    @property
    def status(self) -> Literal["accepted", "deferred", "refused"]:
        """`deferred` may be accepted later (greylisting, a full mailbox); `refused` will not."""
        return "accepted" if 200 <= self.code < 300 else "deferred" if 400 <= self.code < 500 else "refused"


@dataclass(frozen=True)
class Abilities:
    """What a server offers after login. `size_limit` is in octets, 0 when none is announced."""

    banner: str
    extensions: tuple[str, ...]
    login: str
    tls: str
    size_limit: int
    smtputf8: bool


class _Clock:
    def __init__(self, route: Route) -> None:
        # This must end before the call's own deadline: only here it is known whether the mail was sent.
        self.end, self.limit = time.monotonic() + min(route.total, current().left() - 2), route.step

    def left(self) -> float:
        return max(0.05, self.end - time.monotonic())

    def step(self) -> float:
        return min(self.limit, self.left())


async def deliver(route: Route, mail: Mail) -> tuple[Verdict, ...]:
    """Send the mail once; at least one recipient was accepted when this returns. Raises the classes of `errors`.

    The verdicts are in the order of the recipients.
    """
    clock = _Clock(route)
    current().mark_not_sent()  # announced, but nothing is done before the final dot

    async def attempt() -> tuple[Verdict, ...]:
        async with _session(route, clock) as (client, _, _):
            verdicts = await _envelope(client, route, clock, mail)
            reply = await _data(client, route, clock, mail)
            return tuple(replace(v, code=250, reply=reply) if v.status == "accepted" else v for v in verdicts)

    return await _with_retry(attempt, clock)


async def probe(route: Route) -> Abilities:
    """Connect, encrypt, log in, see what the server can do, and leave; sends no mail. Raises as `deliver` does."""
    clock = _Clock(route)

    async def attempt() -> Abilities:
        async with _session(route, clock) as (client, banner, login):
            tls = client.get_transport_info("ssl_object")
            return Abilities(
                banner=route.clean(banner),
                extensions=tuple(sorted(n.upper() for n in client.esmtp_extensions if _KEYWORD.fullmatch(n)))[:50],
                login=login,
                tls=tls.version() if tls else "",
                size_limit=_size_limit(client),
                smtputf8=client.supports_extension("smtputf8"),
            )

    return await _with_retry(attempt, clock)


async def _with_retry(attempt: Callable[[], Awaitable[T]], clock: _Clock) -> T:
    try:
        with current().at_vendor():
            return await attempt()
    except TransientError as first:
        if clock.left() < 2 * PAUSE:
            raise first.error from None
    await asyncio.sleep(random.uniform(PAUSE / 3, PAUSE))
    try:
        with current().at_vendor():
            return await attempt()
    except TransientError as second:
        raise second.error from None


def tls_context(route: Route) -> ssl.SSLContext:
    """Return how certificates are checked; raises errors.ConfigurationError where EMAIL_CA_FILE cannot be read."""
    context = ssl.create_default_context()
    if route.ca_file:
        try:
            context.load_verify_locations(route.ca_file)
        except OSError as error:
            reason = error.strerror if not isinstance(error, ssl.SSLError) and error.strerror else "no PEM inside"
            raise errors.ConfigurationError(
                f"The certificates of EMAIL_CA_FILE ({route.ca_file}) cannot be read: {reason}.",
                "Ask the user to correct the path; the server must be able to read the file, and it must be PEM.",
            ) from None
    return context


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@asynccontextmanager
async def _session(route: Route, clock: _Clock) -> AsyncIterator[tuple[aiosmtplib.SMTP, str, str]]:
    """Yield a client that is encrypted and logged in, the banner, and the login method; leave nothing open."""
    if (route.password or route.token) and route.security == "none" and not _loopback(route.host):
        raise errors.ConfigurationError(
            "EMAIL_SECURITY is `none`, which would send the password unencrypted.",
            "Ask the user to set starttls (usual with port 587) or tls (port 465), or to remove EMAIL_PASSWORD.",
        )
    client = aiosmtplib.SMTP(
        hostname=route.host,
        port=route.port,
        local_hostname=route.hello,
        use_tls=route.security == "tls",
        start_tls=False,  # done below, where a refusal ends the session: nothing goes out without it
        tls_context=None if route.security == "none" else await asyncio.to_thread(tls_context, route),
        timeout=clock.step(),
    )
    try:
        with mapped_errors(route, "connect"):
            banner = (await client.connect()).message
        if route.security == "starttls":
            with mapped_errors(route, "starttls"):
                await client.ehlo(timeout=clock.step())
                await client.starttls(timeout=clock.step())
        with mapped_errors(route, "hello"):
            await client.ehlo(timeout=clock.step())
        login = await _login(client, route, clock) if route.username else ""
        yield client, banner, login
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=min(2, clock.left()))
    finally:
        _drop(client)


def _drop(client: aiosmtplib.SMTP) -> None:
    # abort, not close: close would go on sending what is still buffered, after the failure was reported.
    if client.transport is not None:
        cast(asyncio.WriteTransport, client.transport).abort()
    client.close()


async def _login(client: aiosmtplib.SMTP, route: Route, clock: _Clock) -> str:
    if route.token:
        if "xoauth2" not in client.server_auth_methods:
            raise errors.ConfigurationError(
                f"{route} offers no login with OAuth (AUTH XOAUTH2).",
                "Ask the user to remove EMAIL_TOKEN_URL and to set EMAIL_PASSWORD, or to check EMAIL_SMTP_HOST.",
            )
        with mapped_errors(route, "login"):
            await client.auth_xoauth2(route.username, route.token, timeout=clock.step())
        return "XOAUTH2"
    offered = [name for name in ("plain", "login") if name in client.server_auth_methods]
    if not offered:
        hint = "Ask the user to set EMAIL_SECURITY to starttls or tls: many servers offer a login only then."
        if route.security != "none":
            hint = "Ask the user to check EMAIL_SMTP_HOST and EMAIL_SMTP_PORT, or to remove EMAIL_USERNAME."
        raise errors.ConfigurationError(f"{route} offers no login with a password (AUTH PLAIN or LOGIN).", hint)
    with mapped_errors(route, "login"):
        while True:
            method = client.auth_plain if offered[0] == "plain" else client.auth_login
            try:
                await method(route.username, route.password, timeout=clock.step())
            except aiosmtplib.SMTPAuthenticationError as refusal:
                # Only "no such mechanism" leads to the next one: a second wrong password may lock the account.
                if refusal.code != 504 or len(offered) == 1:
                    raise
                del offered[0]
            else:
                return offered[0].upper()


def _size_limit(client: aiosmtplib.SMTP) -> int:
    announced = client.esmtp_extensions.get("size", "").strip()
    return int(announced) if announced.isdecimal() and announced.isascii() else 0


async def _envelope(client: aiosmtplib.SMTP, route: Route, clock: _Clock, mail: Mail) -> tuple[Verdict, ...]:
    """MAIL FROM and one RCPT TO for each recipient; raises when none of them is accepted."""
    limit, options = _size_limit(client), []
    if limit and mail.size > limit:
        raise too_big_error(mail.size, limit, str(route))
    if client.supports_extension("size"):
        options.append(f"SIZE={mail.size}")
    if mail.utf8:
        if not client.supports_extension("smtputf8"):
            raise errors.InvalidInputError(
                f"{route} does not take addresses with accents before the @ (no SMTPUTF8).",
                "Use an address without them; accents in names and domains are fine.",
            )
        options += ["BODY=8BITMIME", "SMTPUTF8"] if client.supports_extension("8bitmime") else ["SMTPUTF8"]
    encoding = "utf-8" if mail.utf8 else "ascii"
    with mapped_errors(route, "mail"):
        await client.mail(mail.sender, options=options, encoding=encoding, timeout=clock.step())
    verdicts = []
    for address in mail.recipients:
        with mapped_errors(route, "rcpt"):
            try:
                code, reply = await client.rcpt(address, encoding=encoding, timeout=clock.step())
            except aiosmtplib.SMTPRecipientRefused as refusal:
                code, reply = refusal.code, refusal.message
                if code == 421 or code < 0:
                    raise
        verdicts.append(Verdict(address, code, route.clean(reply)))
    if not any(verdict.status == "accepted" for verdict in verdicts):
        raise no_recipient_error(route, [(v.address, v.code, v.reply) for v in verdicts])
    return tuple(verdicts)


async def _data(client: aiosmtplib.SMTP, route: Route, clock: _Clock, mail: Mail) -> str:
    """DATA, the mail, the final dot; returns the server's last reply. Nothing in here is ever tried again."""
    call = current()
    body = _LINE_START_DOT.sub(b"..", mail.content)
    try:
        start = await client.execute_command(b"DATA", timeout=clock.step())
        if start.code != 354:
            raise refusal_error(route, "data", start.code, start.message)
        protocol, transport = client.protocol, cast(asyncio.WriteTransport, client.transport)
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        # The reader starts first: a server may refuse in the middle of a mail, and hang up.
        end = asyncio.ensure_future(protocol.read_response(timeout=clock.left()))
        try:
            await asyncio.sleep(0)
            for start_of_chunk in range(0, len(body), CHUNK):
                protocol.write(body[start_of_chunk : start_of_chunk + CHUNK])
                # asyncio's own signal that a buffer has emptied is for the protocol alone, which is not ours.
                while transport.get_write_buffer_size() > CHUNK and not end.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                if end.done():
                    break
            if not end.done():
                call.may_have_side_effects = True  # from here on it may have been sent, whatever happens
                protocol.write(b".\r\n")
            code, reply = await end
        finally:
            end.cancel()
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _broken(route, mail, error, call.may_have_side_effects) from None
    if 400 <= code < 600:
        call.mark_not_sent()
        raise refusal_error(route, "data", code, reply)
    if code != 250:
        raise _broken(route, mail, aiosmtplib.SMTPServerDisconnected("nonsense"), call.may_have_side_effects)
    call.mark_done()
    return route.clean(reply)


def _broken(route: Route, mail: Mail, error: Exception, may_be_sent: bool) -> errors.UpstreamError:
    how = "did not answer in time" if isinstance(error, TimeoutError) else "broke off the connection"
    if not may_be_sent:
        return errors.UpstreamError(
            f"{route} {how} while the mail was being handed over: it was not sent.", "It is safe to send it again."
        )
    return errors.UpstreamError(
        f"{route} {how} after the mail had been handed over: it may or may not have been sent "
        f"(Message-ID {mail.message_id}).",
        "Do not send it again before the user has looked into the sent folder or asked a recipient.",
    )
