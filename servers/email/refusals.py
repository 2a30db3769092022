"""What a mail server or the network says no with, told in the seven classes of `flotilla.errors`.

What a server says is untrusted text: it is cut to 300 characters, and the password is taken out of it, in every form
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
    ca_file: str = ""
    step: float = 15
    total: float = 40

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def clean(self, text: str) -> str:
        """Return a server's words in one line of at most 300 characters, without control characters or password."""
        if self.password:
            secret = self.password.encode()
            sent = (secret, b"\0" + self.username.encode() + b"\0" + secret)
            for form in (*(base64.b64encode(raw).decode() for raw in reversed(sent)), self.password):
                text = text.replace(form, "***")
        return errors.excerpt(text.encode("utf-8", "replace").decode())


class Passing(Exception):  # noqa: N818 - not an error yet: a second try may do
    """Nothing was sent, and a second try may help; `problem` is what to raise if it does not."""

    def __init__(self, problem: errors.FlotillaError) -> None:
        super().__init__(str(problem))
        self.problem = problem


@contextmanager
def explained(route: Route, stage: Stage) -> Iterator[None]:
    """Turn what aiosmtplib and the network raise into the seven classes, or into Passing."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as refusal:
        problem = refused(route, stage, refusal.code, refusal.message)
        if stage != "data" and (refusal.code == 421 or (400 <= refusal.code < 500 and stage in ("connect", "login"))):
            raise Passing(problem) from refusal
        raise problem from refusal
    except (aiosmtplib.SMTPException, OSError, UnicodeError) as trouble:
        raise _unreachable(route, stage, trouble) from trouble


def _unreachable(route: Route, stage: Stage, trouble: Exception) -> Exception:
    cause = trouble if isinstance(trouble, (ssl.SSLError, socket.gaierror)) else trouble.__cause__ or trouble
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
        problem = (errors.UpstreamError if again else errors.ConfigurationError)(
            f"The mail server's name {route.host} cannot be looked up.",
            "Ask the user to check EMAIL_SMTP_HOST" + (" and the network's name server." if again else "."),
        )
        return Passing(problem) if again else problem
    if isinstance(cause, UnicodeError):
        return errors.ConfigurationError(
            "EMAIL_SMTP_HOST is no host name.", "Ask the user to correct it, as in smtp.exemple.fr."
        )
    if stage == "starttls" and type(trouble) is aiosmtplib.SMTPException:
        return errors.ConfigurationError(
            f"{route} does not offer STARTTLS, and nothing is sent unencrypted.",
            "Ask the user to set EMAIL_SECURITY to tls, usually with EMAIL_SMTP_PORT 465.",
        )
    check = f"Ask the user to check EMAIL_SMTP_HOST and {PORTS}; some networks block these ports. Or try again later."
    if isinstance(trouble, TimeoutError):
        return Passing(errors.UpstreamError(f"{route} did not answer in time; nothing was sent.", check))
    if stage == "connect":
        return Passing(errors.UpstreamError(f"No connection can be made to {route}; nothing was sent.", check))
    return Passing(errors.UpstreamError(f"{route} broke the connection off; nothing was sent.", "Try again later."))


def too_big(size: int, limit: int, who: str) -> errors.InvalidInputError:
    """Return the error for a mail over a limit; both in octets."""
    return errors.InvalidInputError(
        f"The mail has {size / 1e6:.1f} MB, more than the {limit / 1e6:.1f} MB that {who} takes.",
        "Send fewer or smaller attachments (they grow by a third on the way), or a link.",
    )


def refused(route: Route, stage: Stage, code: int, words: str) -> errors.FlotillaError:
    """Return the error for a reply that ends the session; nothing was sent."""
    said = f"{code} {route.clean(words)}".rstrip(". ") if code > 0 else "an answer that is not SMTP"
    if code > 0 and _BUSY.search(words) and stage != "rcpt":
        return errors.RateLimitError(
            f"{route} takes no more for now: {said}.", "Nothing was sent. Wait some minutes at least."
        )
    if code < 0 or 400 <= code < 500:
        return errors.UpstreamError(f"{route} cannot take the mail now: {said}.", "Nothing was sent. Try again later.")
    if code in (530, 538) or stage in ("connect", "starttls", "hello"):
        return errors.ConfigurationError(
            f"{route} refuses the session: {said}.",
            "Ask the user to check EMAIL_SECURITY (starttls or tls), EMAIL_USERNAME and EMAIL_PASSWORD.",
        )
    if stage == "login":
        return errors.AuthenticationError(
            f"{route} refuses the login of {route.username}: {said}.",
            "Ask the user to check EMAIL_USERNAME and EMAIL_PASSWORD: Gmail, iCloud, Yahoo and accounts with two-step "
            "verification want an app password; Microsoft 365 wants SMTP AUTH switched on for the mailbox.",
        )
    if code == 552 or "5.3.4" in words:
        return errors.InvalidInputError(
            f"{route} finds the mail too big: {said}.", "Nothing was sent. Send fewer attachments."
        )
    if stage == "mail":
        return errors.PermissionDeniedError(
            f"{route} does not let this account send from the sender's address: {said}.",
            "Ask the user to set EMAIL_SENDER to an address of this account.",
        )
    return errors.InvalidInputError(
        f"{route} refuses the mail: {said}.", "Nothing was sent. Change what it objects to."
    )


def no_recipient(route: Route, verdicts: Sequence[tuple[str, int, str]]) -> errors.FlotillaError:
    """Return the error for a mail that no recipient was accepted for: (address, code, reply) each."""
    told = "; ".join(f"{address}: {code} {errors.excerpt(reply, 120)}" for address, code, reply in verdicts[:4])
    more = f"; and {len(verdicts) - 4} more" if len(verdicts) > 4 else ""
    what = f"{route} accepted no recipient, so nothing was sent ({told}{more})."
    if all(_NO_RELAY.search(reply) for _, _, reply in verdicts) and not route.username:
        return errors.ConfigurationError(
            what, "Ask the user to set EMAIL_USERNAME and EMAIL_PASSWORD: the server wants a login."
        )
    if any(_BUSY.search(reply) for _, _, reply in verdicts):
        return errors.RateLimitError(what, "Wait some minutes at least.")
    if any(400 <= code < 500 for _, code, _ in verdicts):
        return errors.UpstreamError(what, "Codes from 400 to 499 are for now only: try again in a quarter of an hour.")
    return errors.InvalidInputError(what, "Check the addresses with the user.")
