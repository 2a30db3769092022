"""New mail, answers and drafts. https://developers.google.com/workspace/gmail/api/guides/sending"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Address, Addresses, Toolset, confirm_new, confirm_recipients, connection_of, errors, segment
from flotilla.parsing import unique_addresses
from flotilla_servers._google import scope

from .. import forwarding, reading
from ..client import COST, ME, api, integration
from ..content import whole_message
from ..mime import Draft, addresses, line
from ..models import Sent
from ..senders import own_addresses
from ..senders import sender as sender_of
from ..sending import attached, deliver, headers_of, must_have_recipients, threaded
from .messages import MessageId

tools = Toolset("compose")

EXAMPLE = [["Marie Dupont <marie@example.org>"]]
To = Annotated[Addresses, Field(description="Recipients: a@b.c or Name <a@b.c>.", examples=EXAMPLE)]
Cc = Annotated[Addresses | None, Field(description="Recipients of a copy.")]
Bcc = Annotated[Addresses | None, Field(description="Recipients hidden from the others.")]
Sender = Annotated[Address | None, Field(description="Own alias to send from, else the default.")]
Text = Annotated[str, Field(description="Body as plain text.", examples=["Bonjour, voici le devis."])]
Html = Annotated[str | None, Field(description="The same body as HTML.")]
Files = Annotated[list[str] | None, Field(description="Paths in the data folder; 25 MB in all.")]


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    scopes=[scope(s) for s in ("gmail.send", "gmail.compose", "gmail.modify")],
    search=(
        "envoyer mail courriel écrire à pièce jointe nouveau message expédier rédiger adresser écris "
        "quelqu'un prévenir contacter informer balancer mèl courrier électronique nouvel e-mail destinataire "
        "objet cc cci copie cachée compose write shoot drop line notify tell email bcc informe préviens "
        "adresse avertir avertis know inform"
    ),
    examples=[
        "écris à la compta que la facture est payée",
        "balance un mail à toute l'équipe pour dire que je suis en retard",
        "préviens le fournisseur par mail que la livraison est repoussée",
        "envoie-lui le contrat en pièce jointe",
        "contacte le proprio par courriel pour le chauffage",
        "informe les clients qu'on ferme lundi",
        "shoot an email to the accountant about the invoice",
        "drop them a line to say I'm running late",
        "let the supplier know by email that we need it sooner",
        "email the report to the whole team",
        "send an email to the school about Friday",
        "avertis le garage par mail que je passe demain",
    ],
)
async def send_email(
    to: To,
    subject: Annotated[str, Field(description="Subject, one line of text.", examples=["Devis n° 42"])],
    text: Text,
    html: Html = None,
    cc: Cc = None,
    bcc: Bcc = None,
    attachments: Files = None,
    sender: Sender = None,
) -> Sent:
    """Send a new mail from the connected mailbox, at once. It cannot be called back.

    To answer a message, use gmail_reply_to_message; to pass one on, gmail_forward_message; to let the user look first,
    gmail_create_draft. More than five recipients are asked about. Returns the ids of message and thread.
    """
    draft = Draft(
        to,
        line(subject, "subject"),
        text,
        html or "",
        cc or (),
        bcc or (),
        await attached(attachments or ()),
        await sender_of(sender),
    )
    await ask(draft.recipients, draft.recipients, f"Send the mail «{errors.excerpt(subject, 80)}»")
    return Sent.model_validate(await deliver("send a mail", "/messages/send", draft))


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    scopes=[*map(scope, ("gmail.readonly gmail.send", "gmail.readonly gmail.compose", "gmail.modify"))],
    search=(
        "répondre à un mail réponse à tous dans le fil réponds dire accuser réception remercier retour "
        "renvoyer mot reply answer respond write back acknowledge"
    ),
    examples=[
        "réponds-lui que c'est d'accord",
        "dis-lui oui pour jeudi en réponse à son mail",
        "réponds à tout le monde que je serai là",
        "fais-lui un retour sur son message",
        "accuse réception de ce qu'il m'a envoyé",
        "remercie-la pour son mail",
        "write back and say yes",
        "get back to him about the quote",
        "answer her last email with a thank you",
        "reply all that I'll be there",
        "respond that we accept the offer",
    ],
)
async def reply_to_message(
    message: MessageId,
    text: Text,
    html: Html = None,
    everybody: Annotated[bool, Field(description="Answer all its recipients too, not only the sender.")] = False,
    cc: Cc = None,
    bcc: Bcc = None,
    attachments: Files = None,
    sender: Sender = None,
) -> Sent:
    """Answer one message in its conversation, at once, with its subject. The earlier text is not quoted.

    It goes to the sender, or to Reply-To; an own message to its recipients. To let the user look first, use
    gmail_create_draft. More than five recipients are asked about.
    """
    raw = await headers_of(message)
    head, thread = reading.headers(raw), str(raw.get("threadId") or "")
    mine = "SENT" in (raw.get("labelIds") or ())
    to = addresses(head.get("To", "") if mine else head.get("Reply-To") or head.get("From", ""))
    copies = list(cc or ())
    if everybody:
        known = {*await own_addresses(), *(one.key for one in to)}
        others = addresses(f"{head.get('To', '')}, {head.get('Cc', '')}")
        copies = unique_addresses([*copies, *(one for one in others if one.key not in known)])
    draft = Draft(
        to,
        text=text,
        html=html or "",
        cc=copies,
        bcc=bcc or (),
        attachments=await attached(attachments or ()),
        sender=await sender_of(sender),
        **threaded(raw),
    )
    must_have_recipients(draft)
    strangers = await strangers_to(thread, draft.recipients)
    await ask(draft.recipients, strangers, f"Send the answer «{errors.excerpt(draft.subject, 80)}»")
    return Sent.model_validate(await deliver("answer a mail", "/messages/send", draft, thread, message))


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    scopes=[*map(scope, ("gmail.readonly gmail.send", "gmail.readonly gmail.compose", "gmail.modify"))],
    search=(
        "transférer faire suivre un mail à quelqu'un passer renvoyer rediriger partager reçu tr fwd fw pass "
        "along send share email transmettre transmets retransmettre montrer someone else"
    ),
    examples=[
        "transfère ce mail à la comptabilité",
        "forward this to Paul",
        "fais suivre ça au comptable",
        "passe ce message à l'équipe support",
        "renvoie la facture qu'on m'a envoyée à la compta",
        "mon associé doit voir ce mail, envoie-le-lui",
        "fais passer le courriel du client à mon chef",
        "pass this email along to my boss",
        "send that message on to legal",
        "fwd it to the team with a short note",
        "let my colleague have a look at the mail I got",
        "transmets-le au service juridique",
        "send the client's mail on to the workshop",
    ],
)
async def forward_message(
    message: MessageId,
    to: To,
    text: Annotated[str | None, Field(description="Own words above the forwarded mail.")] = None,
    cc: Cc = None,
    bcc: Bcc = None,
    sender: Sender = None,
) -> Sent:
    """Pass one message on to other people, at once, with its text, its formatting and all of its attachments.

    It cannot be called back. More than five recipients are asked about. To answer the message instead, use
    gmail_reply_to_message.
    """
    raw = await whole_message(message)
    subject = forwarding.subject(raw)
    draft = Draft(
        to,
        subject,
        forwarding.text(raw, text or ""),
        forwarding.html(raw, text or ""),
        cc or (),
        bcc or (),
        await forwarding.attachments(message, raw),
        await sender_of(sender),
    )
    await ask(draft.recipients, draft.recipients, f"Forward the mail «{errors.excerpt(subject, 80)}»")
    return Sent.model_validate(
        await deliver("forward a mail", "/messages/send", draft, forwards=message, own=text or "")
    )


async def ask(recipients: list[str], strangers: list[str], action: str) -> None:
    """Ask before a mail goes to people who are new to a conversation, where that is set, or to many at once."""
    if not await confirm_new(strangers, f"{action} to"):
        await confirm_recipients(recipients, action)


async def strangers_to(thread: str, recipients: list[str]) -> list[str]:
    """Return the recipients who are new to a conversation; all of them where nobody is to be asked about them.

    Who wrote or got a mail of it is not new. Reply-To does not count, since anybody can write there; drafts neither.
    """
    if connection_of(integration).fleet.confirm != "new-recipients":
        return recipients
    params = {"format": "metadata", "metadataHeaders": ["From", "To", "Cc"]}
    answer = await api.get(f"{ME}/threads/{segment(thread)}", params=params, cost=COST["threads.get"])
    mails = [one for one in api.rows_in(answer, "messages", missing=True) if "DRAFT" not in (one.get("labelIds") or ())]
    heads = [reading.headers(one) for one in mails]
    there = {one.key for head in heads for name in ("From", "To", "Cc") for one in addresses(head.get(name, ""))}
    return [one for one in recipients if one.casefold() not in there]
