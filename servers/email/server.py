"""Email: send mail through any SMTP server, plain, from a template, with files. RFC 5321, 5322, 2045."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, Field, field_validator

from flotilla import (
    Address,
    Addresses,
    CommaSeparated,
    Cursor,
    Integration,
    Limit,
    Model,
    OAuth2,
    OfAccount,
    Page,
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
    sliced,
)
from flotilla.calls.context import current

from .message import LONGEST_NAME, Attachment, Draft, build, check_allowed, line
from .sent_folder import Mailbox
from .smtp import deliver, probe
from .smtp_errors import Route, Security, too_big_error
from .templates import described, fill


class Settings(ServerSettings):
    """Read from EMAIL_SMTP_HOST, EMAIL_PASSWORD and so on."""

    smtp_host: str = Field(description="Mail server for sending", examples=["smtp.gmail.com"])
    smtp_port: Annotated[int | None, OfAccount] = Field(
        None, ge=1, le=65535, description="Port; 587 with starttls, 465 with tls, 25 with none when left out"
    )
    security: Annotated[Security, OfAccount] = Field(
        "starttls", description="starttls, tls (encrypted from the start) or none"
    )
    username: Annotated[str, OfAccount] = Field(
        "", description="Login, most often the e-mail address; empty for a server without login"
    )
    password: Annotated[SecretStr | None, OfAccount] = Field(
        None,
        description="Password of the mailbox; an app password for Gmail, iCloud, Yahoo (see the server's README)",
        examples=["abcd efgh ijkl mnop"],
    )
    token_url: AnyHttpUrl | None = Field(
        None,
        description="For OAuth in place of a password: where access tokens come from (see the server's README)",
        examples=["https://login.microsoftonline.com/common/oauth2/v2.0/token"],
    )
    client_id: str = Field("", description="Id of the OAuth client")
    client_secret: SecretStr | None = Field(None, description="Secret of the OAuth client")
    refresh_token: SecretStr | None = Field(None, description="Refresh token of the mailbox's owner, for OAuth")
    imap_host: Annotated[str, OfAccount] = Field(
        "", description="IMAP server of the mailbox, to save a copy in the Sent folder; not needed for Gmail"
    )
    imap_port: Annotated[int, OfAccount] = Field(
        993, ge=1, le=65535, description="Port of IMAP; any other than 993 begins with STARTTLS"
    )
    sent_folder: str = Field("", description="Name of the Sent folder, where the server marks none as such")
    sender: Annotated[str, OfAccount] = Field(
        "", description="Address that mail comes from; the username when left out"
    )
    sender_name: Annotated[str, Preference] = Field("", description="Name that readers see beside the sender's address")
    reply_to: str = Field("", description="Address that answers go to, when that is not the sender's")
    allowed_recipients: Annotated[list[str] | None, CommaSeparated] = Field(
        None, description="Addresses and domains that may be written to, with commas between them; all when left out"
    )
    ca_file: str = Field("", description="PEM file of a private certificate authority, beside the system's own")
    max_message_mb: Annotated[int, Preference] = Field(
        25, ge=1, le=50, description="Largest mail in MB, attachments included"
    )

    @field_validator("sender", "reply_to")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return str(Address.read(value)) if value else ""

    @field_validator("allowed_recipients")
    @classmethod
    def _are_recipients(cls, rules: list[str] | None) -> list[str] | None:
        check_allowed((), rules or [])
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

# SASL XOAUTH2, of Exchange Online and Gmail, whose logins with a password end.
oauth = OAuth2(
    "token_url",
    revoked_hint="Ask the user to consent again, and to set the new EMAIL_REFRESH_TOKEN.",
    unknown_client_hint="Check EMAIL_CLIENT_ID and EMAIL_CLIENT_SECRET.",
)
oauth.bind(integration, "token_url")

To = Annotated[
    Addresses,
    Field(
        description="Recipients, who all see each other: address or Name <address>.",
        examples=[["Jean Dupont <jean@exemple.fr>"]],
    ),
]
Cc = Annotated[Addresses | None, Field(description="Recipients of a copy, whom everybody sees.")]
Bcc = Annotated[Addresses | None, Field(description="Recipients of a hidden copy.")]
Subject = Annotated[str, Field(description="Subject in one line.", examples=["Votre facture n° 2025-042"])]
ReplyTo = Annotated[Address | None, Field(description="Address for replies, if not the sender's.")]
Attachments = Annotated[
    list[str] | None, Field(description="Paths of files in the data folder; html shows one by src='cid:logo.png'.")
]


class Recipient(Model):
    """The result for one recipient; `deferred` may be accepted later. The reply is the server's last one about it."""

    address: str
    status: Literal["accepted", "deferred", "refused"]
    reply: UntrustedText


class Sent(Model):
    """A mail that the server took over, for one recipient at least.

    `sent_folder` is where a copy was saved, if EMAIL_IMAP_HOST is set; `note` says why there is none.
    """

    message_id: str
    recipients: list[Recipient]
    sent_folder: str | None = None
    note: UntrustedText | None = None


class Template(Model):
    """A template: `parts` are subject, text and html; `variables` those that its files name."""

    name: str
    parts: list[str]
    variables: list[str]
    problem: UntrustedText | None = None


class Preview(Model):
    """A template filled in."""

    subject: UntrustedText
    text: UntrustedText
    html: UntrustedText


class MailServer(Model):
    """What a server offers, after a session that worked."""

    server: str
    security: str
    tls_version: str
    login: str
    sender: str
    max_message_bytes: int
    smtputf8: bool
    extensions: list[str]
    banner: UntrustedText
    sent_folder: str | None = None


def sender() -> Address:
    """Return who mail comes from; raises errors.ConfigurationError when that is not configured."""
    settings = settings_of(integration)
    if "@" not in (settings.sender or settings.username):
        raise errors.ConfigurationError(
            "EMAIL_SENDER is not set (secret `flotilla-email.sender` in the Docker catalog).",
            "Ask the user to set it to the address that mail comes from.",
        )
    address = Address.read(settings.sender or settings.username)
    name = address.name or line(settings.sender_name, "setting EMAIL_SENDER_NAME", LONGEST_NAME)
    return Address(address.address, name)


def route() -> Route:
    """Return where mail goes and with which login.

    Raises errors.ConfigurationError when half of the login is missing.
    """
    settings = settings_of(integration)
    if settings.username and not (settings.password or settings.token_url):
        raise errors.ConfigurationError(
            "EMAIL_PASSWORD is not set (secret `flotilla-email.password` in the Docker catalog), "
            "but EMAIL_USERNAME is.",
            "Ask the user to set it: the mailbox's password, for Gmail, iCloud and Yahoo an app password; "
            "or to set up OAuth.",
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


async def authorized(target: Route) -> Route:
    """Return the route with an access token where EMAIL_TOKEN_URL is set; raises errors.AuthenticationError."""
    if not (target.username and settings_of(integration).token_url):
        return target
    return replace(target, token=await oauth.access_token())


def mailbox(target: Route) -> Mailbox | None:
    """Return where copies of sent mail are saved, with the login of the route; None when that is not configured."""
    settings = settings_of(integration)
    if not settings.imap_host:
        return None
    seconds = min(15, current().left() / 3)
    return Mailbox(settings.imap_host, settings.imap_port, settings.sent_folder, target, seconds)


async def read_attachments(paths: list[str] | None) -> tuple[Attachment, ...]:
    """Read files of the data folder, together no more than fits one mail (base64 makes four bytes of three)."""
    attachments, room = [], settings_of(integration).max_message_mb * 750_000
    for path in paths or []:
        content = await in_thread(files.read, path, room)
        attachments.append(Attachment(files.shown(path).rpartition("/")[2], content))
        room -= len(content)
    return tuple(attachments)


async def draft_parts(
    to: list[Address],
    cc: list[Address] | None,
    bcc: list[Address] | None,
    reply_to: Address | None,
    attachments: list[str] | None,
) -> dict[str, Any]:
    """Return the parts of a draft that both sending tools share, checked against the allowed recipients."""
    settings = settings_of(integration)
    replies = reply_to or (Address.read(settings.reply_to) if settings.reply_to else None)
    parts = {"to": to, "cc": cc or [], "bcc": bcc or [], "reply_to": [replies] if replies else []}
    check_allowed((one for addresses in parts.values() for one in addresses), settings.allowed_recipients or [])
    lists = {name: tuple(addresses) for name, addresses in parts.items()}
    return {"sender": sender(), **lists, "attachments": await read_attachments(attachments)}


async def send(draft: Draft, **more: Any) -> Sent:
    """Build a mail, announce it (a dry run ends there, without a connection), hand it over.

    `more` is shown in a dry run too.
    """
    target = route()
    mail = await in_thread(build, draft, current().idempotency_key)
    limit = settings_of(integration).max_message_mb * 1_000_000
    if mail.size > limit:
        raise too_big_error(mail.size, limit, "EMAIL_MAX_MESSAGE_MB")
    await confirm_recipients(mail.recipients, f"Send the mail «{errors.excerpt(draft.subject, 80)}»")
    announce(
        action="send_email",
        **more,
        server=str(target),
        security=target.security,
        envelope={"from": mail.sender, "to": list(mail.recipients)},
        headers={**mail.headers, "Date": mail.date.isoformat(), "Message-ID": mail.message_id},
        text=mail.text[:1000],
        html=draft.html[:1000],
        attachments=[{"name": a.name, "type": a.type, "bytes": len(a.content)} for a in draft.attachments],
        size_bytes=mail.size,
    )
    target = await authorized(target)
    verdicts = await deliver(target, mail)
    recipients = [Recipient(address=v.address, status=v.status, reply=v.answer) for v in verdicts]
    sent = Sent(message_id=mail.message_id, recipients=recipients)
    if box := mailbox(target):
        with current().at_vendor():
            sent.sent_folder, sent.note = await in_thread(box.save, mail)
    return sent


tools = Toolset()


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    deadline=55,
    search=(
        "envoyer mail courriel message pièce jointe facture par e-mail expédier écris adresser prévenir "
        "informer balancer mèl smtp destinataire objet copie cc cci write shoot drop line notify tell email "
        "attach compose bcc"
    ),
    examples=[
        "écris au client que sa commande est prête",
        "envoie la facture par mail avec le PDF",
        "balance un e-mail à l'équipe",
        "préviens par courriel que le magasin est fermé demain",
        "adresse le devis à ce client",
        "email the invoice to the customer",
        "shoot a message to the team",
        "write to the supplier that we are late",
        "send them the quote as an attachment",
        "let the client know by email that it's ready",
        "drop a note to the office",
    ],
)
async def send_email(
    to: To,
    subject: Subject,
    text: Annotated[str | None, Field(description="Body as plain text; made from html if left out.")] = None,
    html: Annotated[str | None, Field(description="Body as HTML, shown instead of the text.")] = None,
    cc: Cc = None,
    bcc: Bcc = None,
    reply_to: ReplyTo = None,
    attachments: Attachments = None,
) -> Sent:
    """Send one e-mail as text, HTML or both, with files of the data folder attached. It goes out at once.

    The user is asked first when it has more than five recipients. Returns for each recipient whether the mail server
    accepted it: send again only to those that were not accepted, and never after an error that says it may have been
    sent. To fill in a template file, use email_send_template.
    """
    parts = await draft_parts(to, cc, bcc, reply_to, attachments)
    return await send(Draft(subject=subject, text=text or "", html=html or "", **parts))


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    deadline=55,
    search=(
        "envoyer modèle relance mail type publipostage courrier impayé lettre bienvenue gabarit personnalisé "
        "envoie template canned standard reminder welcome merge personalised"
    ),
    examples=[
        "envoie la relance type à ce client",
        "fais partir le mail de bienvenue",
        "utilise le modèle de rappel pour cet impayé",
        "envoie-lui le message standard de confirmation",
        "relance-le avec la lettre type",
        "send the standard reminder",
        "send the welcome template to the new customer",
        "use the canned reply for this one",
        "mail them the confirmation form letter",
        "send the usual payment reminder to this client",
    ],
)
async def send_template(
    template: Annotated[str, Field(description="Name of a template in the folder templates/.", examples=["relance"])],
    to: To,
    variables: Annotated[dict[str, Any] | None, Field(description="Values of the template's variables.")] = None,
    subject: Annotated[str | None, Field(description="Subject, if the template has none.")] = None,
    cc: Cc = None,
    bcc: Bcc = None,
    reply_to: ReplyTo = None,
    attachments: Attachments = None,
) -> Sent:
    """Send one e-mail made from a template of the data folder: templates/<name>.html or .txt, written in Jinja2.

    Call it once for each person. An unknown template fails with the list of those that exist, a missing variable with
    its name; nothing is sent then. For a mail without a template, use email_send_email.
    """
    parts = await draft_parts(to, cc, bcc, reply_to, attachments)
    filled = await in_thread(fill, template, variables or {})
    if not (subject or filled.subject):
        raise errors.InvalidInputError(f"The template '{template}' has no subject file.", "Give a `subject`.")
    draft = Draft(subject=subject or filled.subject, text=filled.text, html=filled.html, **parts)
    return await send(draft, template=template)


@tools.reads(
    search=(
        "modèles de mail liste gabarits champs variables mails types existent messages prêts disponibles "
        "templates exist available canned ready-made form letters list"
    ),
    examples=[
        "quels mails types on a",
        "j'ai un modèle pour les relances ?",
        "donne les gabarits disponibles",
        "qu'est-ce qu'on a comme messages tout prêts",
        "quels champs il faut remplir dans le modèle de relance",
        "which mail templates are there",
        "do we have a form letter for reminders",
        "list the ready-made messages",
        "what fields does the welcome template need",
        "what canned emails can I use",
    ],
)
async def list_templates(limit: Limit = 20, cursor: Cursor = None) -> Page[Template]:
    """List the mail templates of the data folder (templates/), with the variables that each one takes.

    Use it before email_send_template. What a template makes of them is shown by email_preview_template.
    """
    return sliced([Template(**one) for one in await in_thread(described)], limit, cursor)


@tools.reads(
    search=(
        "aperçu prévisualiser modèle mail rendu montre ressemble avant envoyer voir essai preview show how "
        "looks before sending render test"
    ),
    examples=[
        "montre-moi le mail avant de l'envoyer",
        "à quoi ressemble la relance avec son nom",
        "fais voir le rendu du message type",
        "je veux vérifier le texte du modèle d'abord",
        "donne un aperçu du mail de bienvenue",
        "show me how it looks before sending",
        "preview the reminder for this customer",
        "what would the welcome mail look like",
        "let me check the filled-in template first",
        "render it without sending",
    ],
)
async def preview_template(
    template: Annotated[str, Field(description="Name of a template, from email_list_templates.", examples=["relance"])],
    variables: Annotated[dict[str, Any] | None, Field(description="Values of the template's variables.")] = None,
) -> Preview:
    """Fill in a mail template and return its subject, text and HTML, without any recipient. Nothing is sent.

    Fails with the names of the variables that are missing. To send it, use email_send_template.
    """
    filled = await in_thread(fill, template, variables or {})
    return Preview(subject=filled.subject, text=filled.text, html=filled.html)


@tools.reads(
    deadline=55,
    search=(
        "tester connexion SMTP vérifier réglages messagerie marche fonctionne problème panne arrive envoyer "
        "serveur identifiants mot passe configuration works broken login settings check test mail server "
        "diagnose pourquoi why send fails échec"
    ),
    examples=[
        "est-ce que l'envoi de mails marche",
        "pourquoi les mails ne partent pas",
        "teste la connexion au serveur de messagerie",
        "vérifie que la boîte d'envoi est bien configurée",
        "de quelle adresse partent les messages",
        "is the mail server working",
        "why can't I send mail",
        "test the email settings",
        "check that we can log in to SMTP",
        "which address do our emails go out from",
    ],
)
async def verify_connection() -> MailServer:
    """Check the mail settings: connect to the mail server, encrypt, log in, and disconnect. It sends nothing.

    Use it when sending fails, or before the first mail. Returns the sender's address and what the server offers, such
    as the largest mail that it takes.
    """
    target = await authorized(route())
    abilities = await probe(target)
    box = mailbox(target)
    return MailServer(
        server=str(target),
        security=target.security,
        tls_version=abilities.tls,
        login=abilities.login,
        sender=str(sender()),
        max_message_bytes=abilities.size_limit,
        smtputf8=abilities.smtputf8,
        extensions=list(abilities.extensions),
        banner=abilities.banner,
        sent_folder=await in_thread(box.look) if box else None,
    )


server = Server(integration, toolsets=[tools])
