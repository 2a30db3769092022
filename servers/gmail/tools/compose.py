"""New mail, answers and drafts. https://developers.google.com/workspace/gmail/api/guides/sending"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Addresses, Toolset, confirm_recipients, connection_of, errors, segment
from flotilla.parsing import unique_addresses
from flotilla_servers._google import confirm_new, scope

from .. import reading
from ..client import COST, ME, api, integration
from ..mime import Draft, addresses, line
from ..models import Drafted, Sent
from ..sending import attached, deliver, headers_of, must_have_recipients, threaded
from .messages import MessageId

tools = Toolset("compose")

EXAMPLE = [["Marie Dupont <marie@example.org>"]]
To = Annotated[Addresses, Field(description="Recipients: a@b.c or Name <a@b.c>.", examples=EXAMPLE)]
Cc = Annotated[Addresses | None, Field(description="Recipients of a copy: a@b.c or Name <a@b.c>.")]
Text = Annotated[str, Field(description="Body as plain text.", examples=["Bonjour, voici le devis."])]
Html = Annotated[str | None, Field(description="The same body as HTML, sent beside the plain text.")]
Files = Annotated[list[str] | None, Field(description="Paths of files in the data folder; 25 MB in all.")]


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    scopes=[scope(s) for s in ("gmail.send", "gmail.compose", "gmail.modify")],
    search="envoyer mail courriel écrire à pièce jointe nouveau message",
)
async def send_email(
    to: To,
    subject: Annotated[str, Field(description="Subject, one line of text.", examples=["Devis n° 42"])],
    text: Text,
    html: Html = None,
    cc: Cc = None,
    bcc: Annotated[Addresses | None, Field(description="Recipients of a copy whom nobody else sees.")] = None,
    attachments: Files = None,
) -> Sent:
    """Send a new mail from the connected mailbox, at once. It cannot be called back.

    To answer a message in its conversation, use gmail_reply_to_message; to let the user look first,
    gmail_create_draft. More than five recipients are asked about. Returns the ids of message and thread.
    """
    draft = Draft(
        to, line(subject, "subject"), text, html or "", cc or (), bcc or (), await attached(attachments or ())
    )
    await _ask(draft, draft.recipients, f"Send the mail «{errors.excerpt(subject, 80)}»")
    return Sent.model_validate(await deliver("send a mail", "/messages/send", draft))


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    scopes=[*map(scope, ("gmail.readonly gmail.send", "gmail.readonly gmail.compose", "gmail.modify"))],
    search="répondre à un mail réponse à tous dans le fil",
)
async def reply_to_message(
    message: MessageId,
    text: Text,
    html: Html = None,
    everybody: Annotated[bool, Field(description="Answer all its recipients too, not only the sender.")] = False,
    cc: Cc = None,
    attachments: Files = None,
) -> Sent:
    """Answer one message in its conversation, at once, with its subject. The earlier text is not quoted.

    It goes to the sender (or Reply-To); an own message is answered to its recipients. To let the user look first, use
    gmail_create_draft. More than five recipients are asked about.
    """
    raw = await headers_of(message)
    head, thread = reading.headers(raw), str(raw.get("threadId") or "")
    mine = "SENT" in (raw.get("labelIds") or ())
    to = addresses(head.get("To", "") if mine else head.get("Reply-To") or head.get("From", ""))
    copies = list(cc or ())
    if everybody:
        profile = await api.get(f"{ME}/profile", cost=COST["getProfile"])
        known = {profile["emailAddress"].casefold(), *(one.key for one in to)}
        others = addresses(f"{head.get('To', '')}, {head.get('Cc', '')}")
        copies = unique_addresses([*copies, *(one for one in others if one.key not in known)])
    files = await attached(attachments or ())
    draft = Draft(to, text=text, html=html or "", cc=copies, attachments=files, **threaded(raw))
    must_have_recipients(draft)
    there = await _participants(thread) if connection_of(integration).fleet.confirm == "new-recipients" else set[str]()
    strangers = [one for one in draft.recipients if one.casefold() not in there]
    await _ask(draft, strangers, f"Send the answer «{errors.excerpt(draft.subject, 80)}»")
    return Sent.model_validate(await deliver("answer a mail", "/messages/send", draft, thread, message))


async def _ask(draft: Draft, strangers: list[str], action: str) -> None:
    if not await confirm_new(integration, strangers, f"{action} to"):
        await confirm_recipients(draft.recipients, action)


async def _participants(thread: str) -> set[str]:
    """Return everybody who wrote or got a mail of a thread. Reply-To does not count: anybody can write there."""
    params = {"format": "metadata", "metadataHeaders": ["From", "To", "Cc"]}
    answer = await api.get(f"{ME}/threads/{segment(thread)}", params=params, cost=COST["threads.get"])
    heads = [reading.headers(one) for one in api.rows_in(answer, "messages", missing=True)]
    return {one.key for head in heads for name in ("From", "To", "Cc") for one in addresses(head.get(name, ""))}


@tools.writes(
    creates=True,
    scopes=[*map(scope, ("gmail.readonly gmail.compose", "gmail.modify"))],
    search="brouillon préparer un mail sans envoyer",
)
async def create_draft(
    text: Text,
    to: Annotated[Addresses | None, Field(description="Recipients; an answer's are known without.")] = None,
    subject: Annotated[str | None, Field(description="Subject of a new mail; an answer keeps its own.")] = None,
    html: Html = None,
    cc: Cc = None,
    attachments: Files = None,
    answers: Annotated[
        str | None, Field(description="Id of the message that the draft answers, from gmail_search_messages.")
    ] = None,
) -> Drafted:
    """Write a draft that the user sends from Gmail: a new mail, or the answer to a message. Nothing is sent.

    No tool changes or sends a draft: a second call makes a second one. To send at once, use gmail_send_email or
    gmail_reply_to_message. Returns the draft's id.
    """
    raw = await headers_of(answers) if answers else {}
    about = threaded(raw) if raw else {"subject": line(subject or "", "subject")}
    if raw and not to:
        head = reading.headers(raw)
        to = addresses(head.get("Reply-To") or head.get("From", ""))
    files = await attached(attachments or ())
    draft = Draft(to or (), text=text, html=html or "", cc=cc or (), attachments=files, **about)
    thread = str(raw.get("threadId") or "")
    return Drafted.model_validate(await deliver("write a draft", "/drafts", draft, thread, answers or ""))
