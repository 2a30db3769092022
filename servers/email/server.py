"""Email: send mail through any SMTP server, plain, from a template, with files. RFC 5321, 5322, 2045."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from flotilla import (
    CommaSeparated,
    Integration,
    Model,
    Preference,
    SecretStr,
    Server,
    ServerSettings,
    Toolset,
    UntrustedText,
    announce,
    confirm_recipients,
    errors,
    files,
    in_thread,
    settings_of,
)
from flotilla.calls.context import current
from flotilla.parsing.addresses import AddressList

from .message import Attachment, Draft, Mailbox, build, mailbox, mailboxes, permit
from .refusals import Route, Security, too_big
from .smtp import deliver, probe
from .templates import fill


class Settings(ServerSettings):
    """Read from EMAIL_SMTP_HOST, EMAIL_PASSWORD and so on."""

    smtp_host: str = Field(description="Mail server for sending", examples=["smtp.gmail.com"])
    smtp_port: int | None = Field(
        None, ge=1, le=65535, description="Port; 587 with starttls, 465 with tls, 25 with none when left out"
    )
    security: Security = Field("starttls", description="starttls, tls (encrypted from the start) or none")
    username: str = Field("", description="Login, most often the e-mail address; empty for a server that wants none")
    password: SecretStr | None = Field(
        None,
        description="Password of the mailbox; an app password for Gmail, iCloud, Yahoo (see the server's README)",
        examples=["abcd efgh ijkl mnop"],
    )
    sender: str = Field("", description="Address that mail comes from; the username when left out")
    sender_name: Annotated[str, Preference] = Field("", description="Name that readers see beside the sender's address")
    reply_to: str = Field("", description="Address that answers go to, when that is not the sender's")
    allowed_recipients: Annotated[list[str] | None, CommaSeparated] = Field(
        None, description="Addresses and domains that may be written to, with commas between them; all when left out"
    )
    ca_file: str = Field("", description="PEM file of a private certificate authority, beside the system's own")
    max_message_mb: Annotated[int, Preference] = Field(
        25, ge=1, le=50, description="Largest mail in MB, attachments included"
    )

    @field_validator("allowed_recipients")
    @classmethod
    def _are_recipients(cls, rules: list[str] | None) -> list[str] | None:
        """Refuse a list that nobody could ever match; raises errors.ConfigurationError."""
        permit((), rules or [])
        return rules


integration = Integration(
    "email",
    title="Email",
    description="Send mail through any SMTP server: text and HTML, templates, attachments from the data folder.",
    category="communication",
    tags=["email", "smtp", "mail", "templates"],
    network=True,  # the one host is the user's, from EMAIL_SMTP_HOST
    settings=Settings,
    files=True,
    instructions="Sends from one configured address. Attachments and templates are files of the data folder.",
)

To = Annotated[AddressList, Field(description="Address or Name <address>", examples=[["jean@exemple.fr"]])]
Copies = Annotated[AddressList | None, Field(description="Copies")]
Hidden = Annotated[AddressList | None, Field(description="Hidden copies")]
Subject = Annotated[str, Field(description="One line", examples=["Votre facture n° 2025-042"])]
Answers = Annotated[str | None, Field(description="Where answers go")]
Paths = Annotated[list[str] | None, Field(description="Files in /data")]


class Recipient(Model):
    """What became of one recipient; `deferred` may be accepted later. The reply is the server's last word on it."""

    address: str
    status: Literal["accepted", "deferred", "refused"]
    reply: UntrustedText


class Sent(Model):
    """A mail that the server took over, for one recipient at least."""

    message_id: str
    recipients: list[Recipient]


class Connection(Model):
    """A session that worked: what the server offers."""

    server: str
    security: str
    tls_version: str
    login: str
    sender: str
    max_message_bytes: int
    smtputf8: bool
    extensions: list[str]
    banner: UntrustedText


def sender() -> Mailbox:
    """Return who mail comes from; raises errors.ConfigurationError when that is not configured."""
    settings = settings_of(integration)
    if "@" not in (settings.sender or settings.username):
        raise errors.ConfigurationError(
            "EMAIL_SENDER is not set (secret `flotilla-email.sender` in the Docker catalog).",
            "Ask the user to set it to the address that mail comes from.",
        )
    return mailbox(settings.sender or settings.username, "EMAIL_SENDER", settings.sender_name)


def route() -> Route:
    """Return where mail goes and with which login.

    Raises errors.ConfigurationError when half of the login is missing.
    """
    settings = settings_of(integration)
    if settings.username and not settings.password:
        raise errors.ConfigurationError(
            "EMAIL_PASSWORD is not set (secret `flotilla-email.password` in the Docker catalog), "
            "but EMAIL_USERNAME is.",
            "Ask the user to set it: the mailbox's password, for Gmail, iCloud and Yahoo an app password.",
        )
    return Route(
        host=settings.smtp_host,
        port=settings.smtp_port or {"starttls": 587, "tls": 465, "none": 25}[settings.security],
        security=settings.security,
        hello=sender().domain,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password and settings.username else "",
        ca_file=settings.ca_file,
    )


async def attached(paths: list[str] | None) -> tuple[Attachment, ...]:
    """Read files of the data folder, together no more than fits one mail (base64 makes four bytes of three)."""
    found, room = [], settings_of(integration).max_message_mb * 750_000
    for path in paths or []:
        content = await in_thread(files.read, path, room)
        found.append(Attachment(files.shown(path).rpartition("/")[2], content))
        room -= len(content)
    return tuple(found)


async def addressed(
    to: list[str], cc: list[str] | None, bcc: list[str] | None, reply_to: str | None, attachments: list[str] | None
) -> dict[str, Any]:
    """Return the parts of a draft that both sending tools share, checked."""
    answers = reply_to or settings_of(integration).reply_to
    given = {"to": to, "cc": cc or [], "bcc": bcc or [], "reply_to": [answers] if answers else []}
    boxes = {name: mailboxes(items, name) for name, items in given.items()}
    permit((box for items in boxes.values() for box in items), settings_of(integration).allowed_recipients or [])
    return {"sender": sender(), **boxes, "attachments": await attached(attachments)}


async def send(draft: Draft, **more: Any) -> Sent:
    """Build, announce (a dry run ends there, with no connection made), hand over. `more` is shown in a dry run too."""
    way = route()
    mail = await in_thread(build, draft, current().idempotency_key)
    limit = settings_of(integration).max_message_mb * 1_000_000
    if mail.size > limit:
        raise too_big(mail.size, limit, "EMAIL_MAX_MESSAGE_MB")
    await confirm_recipients(mail.recipients, f"Send the mail «{errors.excerpt(draft.subject, 80)}»")
    announce(
        action="send_email",
        **more,
        server=str(way),
        security=way.security,
        envelope={"from": mail.sender, "to": list(mail.recipients)},
        headers={**mail.headers, "Date": mail.date.isoformat(), "Message-ID": mail.message_id},
        text=mail.text[:1000],
        html=draft.html[:1000],
        attachments=[{"name": a.name, "type": a.type, "bytes": len(a.content)} for a in draft.attachments],
        size_bytes=mail.size,
    )
    done = await deliver(way, mail)
    verdicts = [Recipient(address=v.address, status=v.status, reply=v.said) for v in done]
    return Sent(message_id=mail.message_id, recipients=verdicts)


tools = Toolset()


@tools.writes(creates=True, additive=False, asks=True, deadline=55)
async def send_email(
    to: To,
    subject: Subject,
    text: Annotated[str | None, Field(description="Made from html if missing")] = None,
    html: Annotated[str | None, Field(description="HTML body")] = None,
    cc: Copies = None,
    bcc: Hidden = None,
    reply_to: Answers = None,
    attachments: Paths = None,
) -> Sent:
    """Send one mail (text, html or both). Send again only to recipients not accepted, and never after an error that
    says it may have been sent."""
    shared = await addressed(to, cc, bcc, reply_to, attachments)
    return await send(Draft(subject=subject, text=text or "", html=html or "", **shared))


@tools.writes(creates=True, additive=False, asks=True, deadline=55)
async def send_template(
    template: Annotated[str, Field(description="Name in templates/", examples=["relance"])],
    to: To,
    variables: Annotated[dict[str, Any] | None, Field(description="Its values")] = None,
    subject: Annotated[str | None, Field(description="If none there")] = None,
    cc: Copies = None,
    bcc: Hidden = None,
    reply_to: Answers = None,
    attachments: Paths = None,
) -> Sent:
    """Send one mail from a Jinja2 template; an error names missing variables or the templates there are."""
    shared = await addressed(to, cc, bcc, reply_to, attachments)
    filled = await in_thread(fill, template, variables or {})
    if not (subject or filled.subject):
        raise errors.InvalidInputError(f"The template `{template}` has no subject file.", "Give `subject`.")
    return await send(
        Draft(subject=subject or filled.subject, text=filled.text, html=filled.html, **shared), template=template
    )


@tools.reads(deadline=55)
async def verify_connection() -> Connection:
    """Check the mail settings: connect, encrypt, log in, and tell what the server offers. Sends nothing."""
    way = route()
    found = await probe(way)
    return Connection(
        server=str(way),
        security=way.security,
        tls_version=found.tls,
        login=found.login,
        sender=str(sender()),
        max_message_bytes=found.size_limit,
        smtputf8=found.smtputf8,
        extensions=list(found.extensions),
        banner=found.banner,
    )


server = Server(integration, toolsets=[tools])
