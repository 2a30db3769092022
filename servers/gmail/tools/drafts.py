"""Drafts. https://developers.google.com/workspace/gmail/api/guides/drafts"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import (
    Addresses,
    ByCursor,
    Cursor,
    Limit,
    Model,
    Page,
    Toolset,
    confirm,
    errors,
    fetch_each,
    in_thread,
    segment,
    will_ask,
)
from flotilla_servers._google import scope

from .. import reading
from ..client import COST, LARGEST, ME, api
from ..mime import Changes, Draft, addresses, changed, line
from ..models import Deleted, Drafted, DraftLine, Sent
from ..senders import sender as sender_of
from ..sending import attached, deliver, headers_of, put, threaded
from .compose import Bcc, Cc, Files, Html, Sender, Text, ask, strangers_to

tools = Toolset("drafts")

COMPOSE = [scope("gmail.compose"), scope("gmail.modify")]
PAGES = ByCursor("drafts", "nextPageToken", cursor="pageToken", limit="maxResults")
DraftId = Annotated[str, Field(description="Id of the draft, from gmail_list_drafts.", examples=["r-42"])]


class Listed(Model):
    """A draft as the API lists it: with the id of its message alone."""

    id: str
    message: dict[str, Any]


@tools.reads(
    scopes=[scope("gmail.readonly"), *COMPOSE],
    search=(
        "mes brouillons lister brouillons en cours mails envoyés non commencés inachevés attente envoi drafts "
        "unsent unfinished pending waiting"
    ),
    examples=[
        "qu'est-ce que j'ai en brouillon",
        "quels mails j'ai commencés sans les envoyer",
        "il me reste des messages pas partis ?",
        "où est le mail que j'ai préparé hier",
        "montre les mails en attente de relecture",
        "what drafts do I have",
        "which emails did I start and never send",
        "any unsent messages left",
        "find the unfinished mail to the bank",
        "show what is waiting to go out",
        "lis la liste de mes brouillons",
    ],
)
async def list_drafts(
    query: Annotated[
        str | None, Field(description="Words and operators, as in Gmail's search box; else all drafts.")
    ] = None,
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Page[DraftLine]:
    """List the drafts, newest first: their ids, recipients, subject, date and first words.

    Read the text of one with gmail_get_message and its `message`; it gets another one with every change.
    gmail_update_draft changes a draft, gmail_send_draft sends it.
    """
    cost, params = COST["drafts.list"], {"q": query}
    page = await api.page(f"{ME}/drafts", Listed, params=params, limit=limit, cursor=cursor, paging=PAGES, cost=cost)

    async def row(draft: str) -> DraftLine:
        raw = await api.get(f"{ME}/drafts/{segment(draft)}", params={"format": "metadata"}, cost=COST["drafts.get"])
        return DraftLine.line(draft, raw["message"])

    return Page(items=await fetch_each([one.id for one in page.items], row), next_cursor=page.next_cursor)


@tools.writes(
    creates=True,
    scopes=[*map(scope, ("gmail.readonly gmail.compose", "gmail.modify"))],
    search=(
        "brouillon préparer un mail sans envoyer prépare rédige ébauche projet réponse avant valider draft "
        "write prepare compose send review first save garde"
    ),
    examples=[
        "prépare-moi un mail pour la banque, je le relis avant",
        "rédige une réponse mais ne l'envoie pas",
        "fais-moi une ébauche de relance",
        "mets en brouillon un message pour le client",
        "écris un projet de réponse que je validerai",
        "draft an email to the bank",
        "write up an answer but don't send it yet",
        "prepare a reply, I want to check it first",
        "put together a mail for me to review",
        "start a message to the landlord and leave it unsent",
        "garde-le en brouillon pour l'instant",
        "save it as a draft for now",
    ],
)
async def create_draft(
    text: Text,
    to: Annotated[Addresses | None, Field(description="Recipients; an answer's are known without.")] = None,
    subject: Annotated[str | None, Field(description="Subject of a new mail; not with `answers`.")] = None,
    html: Html = None,
    cc: Cc = None,
    bcc: Bcc = None,
    attachments: Files = None,
    answers: Annotated[
        str | None, Field(description="Id of the message to answer, from gmail_search_messages.")
    ] = None,
    sender: Sender = None,
) -> Drafted:
    """Write a draft that the user looks at first: a new mail, or the answer to a message. Nothing is sent.

    Correct it with gmail_update_draft instead of writing another one, send it with gmail_send_draft. To send at once,
    use gmail_send_email or gmail_reply_to_message.
    """
    if answers and subject:
        raise errors.InvalidInputError(
            "An answer keeps the subject of its message.", "Leave out `subject`, or `answers` for a new mail."
        )
    raw = await headers_of(answers) if answers else {}
    about = threaded(raw) if raw else {"subject": line(subject or "", "subject")}
    if raw and not to:
        head = reading.headers(raw)
        to = addresses(head.get("Reply-To") or head.get("From", ""))
    draft = Draft(
        to or (),
        text=text,
        html=html or "",
        cc=cc or (),
        bcc=bcc or (),
        attachments=await attached(attachments or ()),
        sender=await sender_of(sender),
        **about,
    )
    thread = str(raw.get("threadId") or "")
    return Drafted.model_validate(await deliver("write a draft", "/drafts", draft, thread, answers or ""))


@tools.writes(
    additive=False,
    scopes=COMPOSE,
    search=(
        "corriger modifier brouillon changer le texte du brouillon retouche reformule raccourcis complète "
        "ajoute change objet destinataire edit fix reword shorten amend draft"
    ),
    examples=[
        "corrige le brouillon",
        "add Paul in copy to the draft",
        "change l'objet du brouillon",
        "raccourcis le mail que tu as préparé",
        "reformule le brouillon, c'est trop sec",
        "ajoute le devis en pièce jointe au brouillon",
        "mets ma collègue en copie du mail que tu viens de préparer",
        "make the draft shorter",
        "reword the mail you wrote before I send it",
        "change the recipient of the draft",
        "fix the typo in my unsent message",
        "ajoute quelqu'un en copie du brouillon",
    ],
)
async def update_draft(
    draft: DraftId,
    to: Annotated[Addresses | None, Field(description="All recipients, in place of the old ones.")] = None,
    subject: Annotated[str | None, Field(description="New subject, one line of text.")] = None,
    text: Annotated[str | None, Field(description="Whole new body as plain text.")] = None,
    html: Html = None,
    cc: Annotated[Addresses | None, Field(description="All recipients of a copy.")] = None,
    bcc: Annotated[Addresses | None, Field(description="All hidden recipients.")] = None,
    attachments: Annotated[list[str] | None, Field(description="Paths in the data folder, to add.")] = None,
) -> Drafted:
    """Change a draft; what is left out stays as it is, its attachments and its conversation too.

    A new `text` replaces the whole body: read the old one with gmail_get_message first. gmail_send_draft sends it.
    """
    if all(value is None for value in (to, subject, text, html, cc, bcc, attachments)):
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one new value.")
    path = f"/drafts/{segment(draft)}"
    answer = await api.get(f"{ME}{path}", params={"format": "raw"}, cost=COST["drafts.get"], largest=LARGEST)
    old = reading.decoded(answer["message"]["raw"])
    files = await attached(attachments or ())
    changes = Changes(to, subject and line(subject, "subject"), text, html, cc, bcc, files)
    mail = await in_thread(changed, old, changes)
    thread = str(answer["message"].get("threadId") or "")
    shown = {
        "draft": draft,
        "to": [str(address) for address in to or ()],
        "subject": subject,
        "text": text,
        "html": html,
        "cc": [str(address) for address in cc or ()],
        "bcc": [str(address) for address in bcc or ()],
        "attachments": [name for name, _ in files],
        "thread": thread,
    }
    return Drafted.model_validate(await put("change a draft", "PUT", path, mail, thread, shown))


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    scopes=COMPOSE,
    search="envoyer le brouillon partir valide expédie mail préparé send ahead looks good draft",
    examples=[
        "envoie le brouillon",
        "send the draft as it is",
        "c'est bon, tu peux l'envoyer",
        "fais partir le mail préparé",
        "valide et expédie le brouillon",
        "le mail que tu as rédigé est parfait, envoie",
        "envoie le message qui attend en brouillon",
        "looks good, send it",
        "go ahead and send the mail you prepared",
        "send out that draft now",
        "the draft is fine, let it go",
    ],
)
async def send_draft(draft: DraftId) -> Sent:
    """Send a draft as it stands, at once. It cannot be called back.

    Find it with gmail_list_drafts, correct it with gmail_update_draft. More than five recipients are asked about.
    """
    raw = await _headers(draft)
    head = reading.headers(raw)
    recipients = [one.address for one in addresses(", ".join(head.get(name, "") for name in ("To", "Cc", "Bcc")))]
    if not recipients:
        raise errors.InvalidInputError("The draft has no recipient.", "Add one with gmail_update_draft.")
    strangers = await strangers_to(str(raw.get("threadId") or ""), recipients)
    await ask(recipients, strangers, f"Send the draft «{errors.excerpt(head.get('Subject', ''), 80)}»")
    answer = await api.post(f"{ME}/drafts/send", json={"id": draft}, cost=COST["drafts.send"])
    return Sent.model_validate(answer)


@tools.destroys(
    core=False,
    asks=True,
    scopes=COMPOSE,
    idempotent=True,
    search=(
        "supprimer brouillon jeter brouillon abandonner effacer laisser tomber virer mail préparé discard "
        "drop throw away scrap bin draft unsent"
    ),
    examples=[
        "laisse tomber le mail que tu as préparé",
        "jette le brouillon",
        "supprime ce brouillon, je n'en ai plus besoin",
        "efface le mail non envoyé à la banque",
        "vire l'ébauche de relance",
        "discard the draft",
        "scrap that unsent email",
        "throw away the message I started",
        "forget the draft, delete it",
        "drop the answer you prepared",
    ],
)
async def delete_draft(draft: DraftId) -> Deleted:
    """Delete a draft for good, after the user agreed: it does not go to the trash. Nothing is sent.

    Find drafts with gmail_list_drafts. To correct one instead, use gmail_update_draft.
    """
    if will_ask():
        head = reading.headers(await _headers(draft))
        to = f" to {head['To']}" if head.get("To") else ""
        await confirm(f"Delete the draft «{head.get('Subject', '')}»{to} for good?")
    await api.delete(f"{ME}/drafts/{segment(draft)}", cost=COST["drafts.delete"])
    return Deleted(deleted=draft)


async def _headers(draft: str) -> dict[str, Any]:
    """Return a draft's message of the API, without its text."""
    answer = await api.get(f"{ME}/drafts/{segment(draft)}", params={"format": "metadata"}, cost=COST["drafts.get"])
    message: dict[str, Any] = answer["message"]
    return message
