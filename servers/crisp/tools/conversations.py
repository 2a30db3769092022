"""Conversations: found, read, answered, assigned, resolved. https://docs.crisp.chat/references/rest-api/v1/"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Address, Cursor, Limit, Phone, Toolset, When, confirm, connection_of, errors, readable, settings_of
from flotilla.parsing import folded, period, shown, to_utc

from .. import lookup
from ..client import api, data, integration, pages, record
from ..lookup import NOBODY, ConversationId
from ..models import ConversationDetail, Done, RowPage, Saved, Session, Thing

tools = Toolset("conversations")

PER_PAGE = 50  # rows that Crisp gives at a time, its most
LONGEST = 10_000  # characters of a message
SHOWN = 30  # messages
State = Literal["pending", "unresolved", "resolved"]
Text = Annotated[
    str, Field(min_length=1, max_length=LONGEST, description="Text, Markdown allowed.", examples=["Bonjour !"])
]
Segments = Annotated[list[str] | None, Field(description="All segments (tags); they replace the old ones.")]


@tools.reads(
    search=(
        "liste conversations chats discussions messages en attente non lues ouvertes résolues sans réponse boîte "
        "de réception inbox support nouveaux cherche trouve waiting unread open unanswered new list who wrote "
        "about"
    ),
    examples=[
        "Qu'est-ce qui attend une réponse ?",
        "Show unread chats",
        "Find the conversation about the invoice",
        "Qui nous a écrit ?",
        "Quoi de neuf sur le chat ?",
        "Combien de discussions ne sont pas lues ?",
        "Qu'est-ce que personne n'a pris ?",
        "Retrouve l'échange sur la facture",
        "Any new messages?",
        "Who is waiting for an answer?",
        "What is nobody looking after?",
        "Show the chats assigned to Marc",
    ],
)
async def list_conversations(
    query: Annotated[str | None, Field(description="Words from messages, name or e-mail address.")] = None,
    state: Annotated[Literal["open", "resolved", "all"], Field(description="open: all not resolved.")] = "open",
    unread: Annotated[bool, Field(description="True for those with unread messages only.")] = False,
    assigned: Annotated[str | None, Field(description="Operator by name or e-mail, or nobody.")] = None,
    segment: Annotated[str | None, Field(description="Segment (tag); without query only.")] = None,
    since: Annotated[When | None, Field(description="Only those active since this time or day.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """List support conversations, those that wait or were active last first, by words, state, operator or segment.

    Returns rows with customer, state, last message and the id that crisp_get_conversation and the others take.
    """
    if query and segment:
        raise errors.InvalidInputError("Crisp searches by words or by segment.", "Pass one of both.")
    after, _ = period(since, None, api.zone)
    free = folded(assigned or "") in NOBODY
    params: dict[str, Any] = {
        "per_page": PER_PAGE,
        "filter_resolved": 1 if state == "resolved" else None,
        "filter_not_resolved": 1 if state == "open" else None,
        "filter_unread": 1 if unread else None,
        "filter_unassigned": 1 if free else None,
        "filter_assigned": (await lookup.operator(assigned)).id if assigned and not free else None,
        "filter_date_start": to_utc(after) if after else None,
        "order_date_updated": 1,
        "search_query": query or segment,
        "search_type": "text" if query else "segment" if segment else None,
    }
    rows, following = await pages("/conversations", Session, limit, cursor, params)
    names = await lookup.operator_names() if rows else {}
    return RowPage(items=[lookup.conversation_row(one, names) for one in rows], next_cursor=following)


async def conversation(key: str) -> Session:
    """Return a conversation by its id."""
    return Session.model_validate({"session_id": key, **await record("GET", f"/conversation/{key}")})


@tools.reads(
    search=(
        "lis lire ouvre conversation discussion messages historique chat fil échange résume raconte read open "
        "thread history what was said summarize"
    ),
    examples=[
        "Que dit la cliente ?",
        "Read me the last chat",
        "Résume-moi la discussion",
        "Lis-moi le dernier chat",
        "Qu'est-ce qu'on lui a répondu ?",
        "Ouvre l'échange avec ce visiteur",
        "Qu'est-ce qu'il voulait ?",
        "Catch me up on this chat",
        "What did the visitor want?",
        "What did we answer her?",
        "Open the thread",
    ],
)
async def get_conversation(
    conversation_id: ConversationId,
    before: Annotated[str | None, Field(description="Older ones: next from the last result's note.")] = None,
    limit: Annotated[int, Field(ge=1, le=SHOWN, description="Maximum messages, the newest of them.")] = SHOWN,
) -> ConversationDetail:
    """Read one conversation: who it is, state, operator, and the newest messages and notes, in the order of time.

    Find it with crisp_list_conversations. Answer with crisp_send_message; crisp_add_note is for colleagues.
    """
    if before is not None and not (before.isascii() and before.isdecimal() and len(before) < 16):
        raise errors.InvalidInputError("`before` is not valid.", "Pass the number that the last result's note names.")
    one = await conversation(conversation_id)
    params = {"timestamp_before": before}
    answer = {"data": await data("GET", f"/conversation/{conversation_id}/messages", params=params)}
    rows = readable(Thing, api.rows_in(answer, "data", missing=True))
    ordered = sorted(rows, key=lambda row: row.at("timestamp") if isinstance(row.at("timestamp"), int) else 0)
    newest = ordered[-limit:]
    first = newest[0].text("timestamp") if newest else ""
    note = f"For older messages pass before={first}." if first else None
    names = await lookup.operator_names()
    return ConversationDetail(
        details=lookup.conversation_row(one, names), messages=[lookup.message_row(row) for row in newest], note=note
    )


@tools.writes(
    creates=True,
    additive=False,
    search=(
        "réponds répondre réponse envoie dis-lui message client visiteur chat rassure demande reply answer send "
        "write back tell"
    ),
    examples=[
        "Réponds que le colis part demain",
        "Tell the customer it is fixed",
        "Dis-lui qu'on s'en occupe",
        "Demande au client une photo",
        "Rassure-la, le remboursement est en route",
        "Réponds au visiteur qu'on est ouverts samedi",
        "Write back that we're on it",
        "Ask the customer for a picture",
        "Answer the visitor that we open on Saturday",
        "Reply that his refund is coming",
    ],
)
async def send_message(conversation_id: ConversationId, text: Text) -> Saved:
    """Answer the customer in a conversation: it is read in the chat, or comes by mail or another channel.

    It cannot be called back. Read the conversation with crisp_get_conversation first. For something that only
    colleagues may read use crisp_add_note; to write to somebody first, crisp_create_conversation.
    """
    return await _sent(conversation_id, "text", text)


@tools.writes(
    creates=True,
    search=(
        "ajoute note interne privée commentaire collègues équipe mot remarque mémo entre nous mentionne private "
        "internal comment team only jot down memo mention"
    ),
    examples=[
        "Note que le remboursement est accordé",
        "Leave a note for Marc",
        "Laisse un mot pour les collègues",
        "Commentaire interne, il a rappelé",
        "Que le client ne voie pas ça, c'est pour nous",
        "Écris à l'équipe que c'est urgent",
        "Mentionne Marc dans une remarque",
        "Internal comment, he called back",
        "Jot down that we're waiting for the part",
        "Private note, she is a VIP",
        "Ping Marc in a remark the customer can't see",
    ],
)
async def add_note(
    conversation_id: ConversationId,
    text: Text,
    mention: Annotated[str | None, Field(description="Operator who is notified, by name or e-mail.")] = None,
) -> Saved:
    """Add a private note to a conversation: colleagues read it, the customer never does.

    To answer the customer use crisp_send_message. The id comes from crisp_list_conversations.
    """
    mentions = [(await lookup.operator(mention)).id] if mention else None
    return await _sent(conversation_id, "note", text, mentions)


async def _sent(key: str, kind: str, text: str, mentions: list[str] | None = None) -> Saved:
    body = {"type": kind, "from": "operator", "origin": "chat", "content": text, "mentions": mentions}
    body = {name: value for name, value in body.items() if value is not None}
    result = await record("POST", f"/conversation/{key}/message", json=body)
    return Saved(conversation=key, message=str(result.get("fingerprint") or "") or None)


@tools.writes(
    creates=True,
    asks=True,
    search=(
        "nouvelle conversation discussion écris écrire contacte contacter premier message mail prévenir démarre "
        "entame client start begin new chat first reach out e-mail write to somebody"
    ),
    examples=[
        "Écris à zoe@lefevre.example que sa commande est prête",
        "Contacte cette cliente par mail",
        "Préviens Jean qu'on passe demain, il ne nous a pas écrit",
        "Entame une discussion avec ce prospect",
        "Envoie un premier message à marie@exemple.fr",
        "Reach out to this lead",
        "Start a new chat with marie@exemple.fr",
        "Email her first, she hasn't written yet",
        "Write to this person that his order is ready",
    ],
)
async def create_conversation(
    email: Annotated[Address, Field(description="E-mail address of the customer.", examples=["zoe@lefevre.example"])],
    text: Text,
    name: Annotated[str | None, Field(description="Name of the customer.")] = None,
    subject: Annotated[str | None, Field(description="Subject of the conversation.")] = None,
    phone: Annotated[Phone | None, Field(description="Phone number of the customer.")] = None,
) -> Saved:
    """Begin a conversation with a customer by e-mail, with a first message. It asks before anything is sent.

    Look with crisp_list_conversations whether one is open already: then answer there with crisp_send_message.
    """
    country = connection_of(integration).fleet.country
    meta = {
        "nickname": name or email.address.partition("@")[0],
        "email": email.address,
        "subject": subject,
        "phone": phone.e164(country) if phone else None,
    }
    meta = {field: value for field, value in meta.items() if value}
    message = {"type": "text", "from": "operator", "origin": "email", "content": text}
    place = f"/website/{settings_of(integration).website_id}/conversation/{{conversation}}"
    api.follows("PATCH", f"{place}/meta", json=meta)
    api.follows("POST", f"{place}/message", json=message)
    await confirm(f"Send «{errors.excerpt(text, 200)}» to {email.address} as a new conversation?")
    key = str((await record("POST", "/conversation"))["session_id"])
    await data("PATCH", f"/conversation/{key}/meta", json=meta)
    result = await record("POST", f"/conversation/{key}/message", json=message)
    return Saved(conversation=key, message=str(result.get("fingerprint") or "") or None)


@tools.writes(
    additive=False,
    idempotent=True,
    search=(
        "résous résolu résolue réglé clôture ferme termine rouvre rouvrir conversation état en attente resolve "
        "resolved close done end reopen open again pending state"
    ),
    examples=[
        "Marque la conversation comme résolue",
        "Reopen this chat",
        "C'est réglé, ferme le chat",
        "Clôture cette discussion",
        "Rouvre la conversation, le problème est revenu",
        "Mets-la en attente",
        "On a fini avec ce client",
        "Close this chat, it's done",
        "I closed it too early, open it again",
        "Put it on pending",
        "We're finished here",
    ],
)
async def set_conversation_state(
    conversation_id: ConversationId,
    state: Annotated[State, Field(description="pending, unresolved or resolved.", examples=["resolved"])],
) -> Saved:
    """Resolve a conversation, open it again, or mark it as pending. The customer is not told by this.

    To say goodbye use crisp_send_message before. The id comes from crisp_list_conversations.
    """
    await data("PATCH", f"/conversation/{conversation_id}/state", json={"state": state})
    return Saved(conversation=conversation_id, state=state)


@tools.writes(
    additive=False,
    idempotent=True,
    search=(
        "assigne assigner attribue confie passe donne transfère conversation opérateur collègue prends moi "
        "désassigne assign route transfer hand over take give pass unassign operator"
    ),
    examples=[
        "Assigne la conversation à Marc",
        "Give this chat to nobody",
        "Passe ce chat à un collègue",
        "Confie la discussion à Zoé",
        "Je prends cette conversation",
        "Transfère au technicien",
        "Enlève l'opérateur de cette conversation",
        "Hand this over to Zoé",
        "I'll take this chat",
        "Route it to somebody in sales",
        "Unassign the conversation",
    ],
)
async def assign_conversation(
    conversation_id: ConversationId,
    operator: Annotated[str, Field(min_length=1, description="Name or e-mail, or nobody.", examples=["Marc"])],
) -> Saved:
    """Assign a conversation to an operator, or to nobody again. An unknown name is refused with the known ones.

    The operator is notified by Crisp. To leave a word for the operator use crisp_add_note.
    """
    if folded(operator) in NOBODY:
        await data("PATCH", f"/conversation/{conversation_id}/routing", json={"assigned": None}, nulls=True)
        return Saved(conversation=conversation_id, assigned="nobody")
    one = await lookup.operator(operator)
    await data("PATCH", f"/conversation/{conversation_id}/routing", json={"assigned": {"user_id": one.id}})
    return Saved(conversation=conversation_id, assigned=one.name)


@tools.writes(
    additive=False,
    idempotent=True,
    search=(
        "client modifie change conversation sujet objet étiquettes segments nom téléphone du visiteur données "
        "metadata tag subject visitor name phone e-mail of the chat custom data label"
    ),
    examples=[
        "Ajoute l'étiquette facturation",
        "Set the customer's phone number",
        "Change le sujet de la discussion",
        "Le visiteur s'appelle Paul, note-le dans le chat",
        "Marque la conversation comme urgente",
        "Ajoute son mail à la conversation",
        "Label this chat as billing",
        "Change the subject of the conversation",
        "The visitor is called Paul, put it in the chat",
        "Save his e-mail on this conversation",
    ],
)
async def update_conversation(
    conversation_id: ConversationId,
    name: Annotated[str | None, Field(min_length=1, description="Name of the customer.")] = None,
    email: Annotated[Address | None, Field(description="E-mail address of the customer.")] = None,
    phone: Annotated[Phone | None, Field(description="Phone number of the customer.")] = None,
    subject: Annotated[str | None, Field(description="Subject of the conversation.")] = None,
    segments: Segments = None,
    details: lookup.Details = None,
) -> Saved:
    """Change what a conversation says of the customer: name, e-mail, phone, subject, segments, custom data.

    What is left out stays. Segments are replaced: read them with crisp_get_conversation first. For the profile of the
    person use crisp_update_person.
    """
    country = connection_of(integration).fleet.country
    changes = {
        "nickname": name,
        "email": email.address if email else None,
        "phone": phone.e164(country) if phone else None,
        "subject": subject,
        "segments": segments,
    }
    body: dict[str, Any] = {field: value for field, value in changes.items() if value is not None}
    if details:
        old = (await conversation(conversation_id)).at("meta.data")
        body["data"] = {**(old if isinstance(old, dict) else {}), **lookup.plain_details(details)}
    if not body:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    await data("PATCH", f"/conversation/{conversation_id}/meta", json=body)
    return Saved(conversation=conversation_id)


@tools.writes(
    core=False,
    creates=True,
    search=(
        "rappel rappelle rappelle-moi reporte remets à plus tard demain lundi conversation relancer reminder "
        "remind me snooze later follow up tomorrow come back to"
    ),
    examples=[
        "Rappelle-moi cette discussion lundi matin",
        "Remets ça à demain",
        "Fais-moi penser à relancer ce client vendredi",
        "Je verrai ce chat plus tard, à 15 heures",
        "Mets un rappel dans deux jours",
        "Remind me of this chat tomorrow at nine",
        "Snooze it until Monday",
        "Bring this back on Friday so I follow up",
        "Set a reminder in two days",
    ],
)
async def schedule_reminder(
    conversation_id: ConversationId,
    at: Annotated[When, Field(description="When to be reminded.", examples=["2030-06-03T09:00"])],
    text: Annotated[str, Field(min_length=1, description="What to remember.", examples=["Relancer"])],
) -> Saved:
    """Set a reminder on a conversation for a time: Crisp brings it back then, with the text.

    A time without an offset is in FLOTILLA_TIMEZONE. The id comes from crisp_list_conversations.
    """
    body = {"date": to_utc(at.at(api.zone)), "note": text}
    await data("POST", f"/conversation/{conversation_id}/reminder", json=body)
    return Saved(conversation=conversation_id)


@tools.destroys(
    core=False,
    asks=True,
    idempotent=True,
    search="supprime supprimer efface jette conversation discussion chat messages delete remove erase throw away",
    examples=[
        "Efface cette discussion",
        "Supprime le chat, c'est du spam",
        "Jette la conversation de test",
        "Fais disparaître tous ces messages",
        "Delete this chat",
        "That conversation is spam, remove it",
        "Throw away the test chat",
        "Erase the whole thread",
    ],
)
async def delete_conversation(conversation_id: ConversationId) -> Done:
    """Delete a conversation with all of its messages for good. It asks with the customer's name first.

    To close one, use crisp_set_conversation_state in place of it. The id comes from crisp_list_conversations.
    """
    one = await conversation(conversation_id)
    name = one.text("meta.nickname", "meta.email") or "somebody without a name"
    at = lookup.time_of(one.at("updated_at"))
    when = f", last active {shown(When.read(at).at(api.zone), api.zone)}" if at else ""
    await confirm(f"Delete the conversation with {errors.excerpt(name, 80)}{when} for good?")
    await data("DELETE", f"/conversation/{conversation_id}")
    return Done()
