"""Refusals of a mail server and failures of the network, as the classes of `flotilla.errors`.

A server's reply is untrusted text: it is cut to 300 characters, and the password is taken out of it, in every form
in which it was sent.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiosmtplib

from flotilla import errors

Security = Literal["starttls", "tls", "none"]
Stage = Literal["connect", "starttls", "hello", "login", "mail", "rcpt", "data"]
_BUSY = re.compile(
    r"too many|rate.?limit|throttl|concurrent|5\.4\.5|"
    r"(sending|daily|hourly|submission|outbound)[ _]?(\w+ )?(limit|quota)",
    re.IGNORECASE,
)
_NO_RELAY = re.compile(r"relay|authenticat", re.IGNORECASE)
PORTS = "EMAIL_SMTP_PORT (587 goes with starttls, 465 with tls)"


@dataclass(frozen=True)
class Route:
    """Where mail goes and who sends it. `step` and `total` are seconds: for one command, and for the whole call."""

    host: str
    port: int
    security: Security
    hello: str
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)  # an OAuth access token, in place of the password
    ca_file: str = ""
    step: float = 15
    total: float = 40

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def clean(self, text: str) -> str:
        """Return a server's reply in one line of at most 300 characters, without control characters or password."""
        if self.token:
            bearer = f"user={self.username}\1auth=Bearer {self.token}\1\1".encode()
            text = text.replace(base64.b64encode(bearer).decode(), "***").replace(self.token, "***")
        if self.password:
            secret = self.password.encode()
            logins = (secret, b"\0" + self.username.encode() + b"\0" + secret)
            for form in (*(base64.b64encode(raw).decode() for raw in reversed(logins)), self.password):
                text = text.replace(form, "***")
        return errors.excerpt(text.encode("utf-8", "replace").decode())


class TransientError(Exception):
    """Nothing was sent, and a second try may help; `error` is what to raise if it does not."""

    def __init__(self, error: errors.FlotillaError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def mapped_errors(route: Route, stage: Stage) -> Iterator[None]:
    """Raise what aiosmtplib and the network raise as classes of `flotilla.errors`, or as TransientError."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as refusal:
        error = refusal_error(route, stage, refusal.code, refusal.message)
        if stage != "data" and (refusal.code == 421 or (400 <= refusal.code < 500 and stage in ("connect", "login"))):
            raise TransientError(error) from refusal
        raise error from refusal
    except (aiosmtplib.SMTPException, OSError, UnicodeError) as failure:
        raise _unreachable(route, stage, failure) from failure


def _unreachable(route: Route, stage: Stage, failure: Exception) -> Exception:
    cause = failure if isinstance(failure, (ssl.SSLError, socket.gaierror)) else failure.__cause__ or failure
    if isinstance(cause, ssl.SSLCertVerificationError):
        return errors.ConfigurationError(
            f"The certificate of {route} is not accepted: {errors.excerpt(cause.verify_message)}.",
            "Ask the user to check that EMAIL_SMTP_HOST is the name in the certificate, or to set EMAIL_CA_FILE "
            "for a private authority.",
        )
    if isinstance(cause, ssl.SSLError):
        return errors.ConfigurationError(
            f"No TLS connection can be made with {route} ({errors.excerpt(cause.reason or 'handshake failed', 80)}).",
            f"Ask the user to check EMAIL_SECURITY (starttls or tls) and {PORTS}.",
        )
    if isinstance(cause, socket.gaierror):
        again = cause.errno == socket.EAI_AGAIN
        error = (errors.UpstreamError if again else errors.ConfigurationError)(
            f"The mail server's name {route.host} cannot be looked up.",
            "Ask the user to check EMAIL_SMTP_HOST" + (" and the network's name server." if again else "."),
        )
        return TransientError(error) if again else error
    if isinstance(cause, UnicodeError):
        return errors.ConfigurationError(
            "EMAIL_SMTP_HOST is not a valid host name.", "Ask the user to correct it, as in smtp.exemple.fr."
        )
    if stage == "starttls" and type(failure) is aiosmtplib.SMTPException:
        return errors.ConfigurationError(
            f"{route} does not offer STARTTLS, and nothing is sent unencrypted.",
            "Ask the user to set EMAIL_SECURITY to tls, usually with EMAIL_SMTP_PORT 465.",
        )
    check = f"Ask the user to check EMAIL_SMTP_HOST and {PORTS}; some networks block these ports. Or try again later."
    if isinstance(failure, TimeoutError):
        return TransientError(errors.UpstreamError(f"{route} did not answer in time; nothing was sent.", check))
    if stage == "connect":
        return TransientError(errors.UpstreamError(f"No connection can be made to {route}; nothing was sent.", check))
    return TransientError(
        errors.UpstreamError(f"{route} broke the connection off; nothing was sent.", "Try again later.")
    )


def too_big_error(size: int, limit: int, who: str) -> errors.InvalidInputError:
    """Return the error for a mail over a limit; both in octets."""
    return errors.InvalidInputError(
        f"The mail has {size / 1e6:.1f} MB, more than the {limit / 1e6:.1f} MB that {who} takes.",
        "Send fewer or smaller attachments (they grow by a third on the way), or a link.",
    )


def refusal_error(route: Route, stage: Stage, code: int, reply: str) -> errors.FlotillaError:
    """Return the error for a reply that ends the session; nothing was sent."""
    answer = f"{code} {route.clean(reply)}".rstrip(". ") if code > 0 else "an answer that is not SMTP"
    if code > 0 and _BUSY.search(reply) and stage != "rcpt":
        return errors.RateLimitError(
            f"{route} takes no more mail for now: {answer}.", "Nothing was sent. Wait some minutes at least."
        )
    if code < 0 or 400 <= code < 500:
        return errors.UpstreamError(
            f"{route} cannot take the mail now: {answer}.", "Nothing was sent. Try again later."
        )
    if code in (530, 538) or stage in ("connect", "starttls", "hello"):
        return errors.ConfigurationError(
            f"{route} refuses the session: {answer}.",
            "Ask the user to check EMAIL_SECURITY (starttls or tls), EMAIL_USERNAME and EMAIL_PASSWORD.",
        )
    if stage == "login" and route.token:
        return errors.AuthenticationError(
            f"{route} refuses the access token for {route.username}: {answer}.",
            "Ask the user to check that the token is of this mailbox and for mail: the scope "
            "https://outlook.office.com/SMTP.Send for Exchange Online, https://mail.google.com/ for Gmail; Exchange "
            "also needs SMTP AUTH switched on for the mailbox.",
        )
    if stage == "login":
        return errors.AuthenticationError(
            f"{route} refuses the login of {route.username}: {answer}.",
            "Ask the user to check EMAIL_USERNAME and EMAIL_PASSWORD: Gmail, iCloud, Yahoo and accounts with two-step "
            "verification need an app password; Microsoft 365 needs SMTP AUTH switched on for the mailbox.",
        )
    if code == 552 or "5.3.4" in reply:
        return errors.InvalidInputError(
            f"{route} refuses the mail as too big: {answer}.", "Nothing was sent. Send fewer attachments."
        )
    if stage == "mail":
        return errors.PermissionDeniedError(
            f"{route} does not let this account send from the sender's address: {answer}.",
            "Ask the user to set EMAIL_SENDER to an address of this account.",
        )
    return errors.InvalidInputError(
        f"{route} refuses the mail: {answer}.", "Nothing was sent. Change what the reply names."
    )


def no_recipient_error(route: Route, verdicts: Sequence[tuple[str, int, str]]) -> errors.FlotillaError:
    """Return the error for a mail that no recipient was accepted for: (address, code, reply) each."""
    replies = "; ".join(f"{address}: {code} {errors.excerpt(reply, 120)}" for address, code, reply in verdicts[:4])
    more = f"; and {len(verdicts) - 4} more" if len(verdicts) > 4 else ""
    message = f"{route} accepted no recipient, so nothing was sent ({replies}{more})."
    if all(_NO_RELAY.search(reply) for _, _, reply in verdicts) and not route.username:
        return errors.ConfigurationError(
            message, "Ask the user to set EMAIL_USERNAME and EMAIL_PASSWORD: the server asks for a login."
        )
    if any(_BUSY.search(reply) for _, _, reply in verdicts):
        return errors.RateLimitError(message, "Wait some minutes at least.")
    if any(400 <= code < 500 for _, code, _ in verdicts):
        return errors.UpstreamError(message, "Codes from 400 to 499 are temporary: try again in a quarter of an hour.")
    return errors.InvalidInputError(message, "Check the addresses with the user.")
