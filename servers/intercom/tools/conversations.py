"""Conversations: what waits, what was said, replies, notes, who has it.

https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/conversations
"""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from datetime import UTC, datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import (
    Cursor,
    Limit,
    Toolset,
    When,
    confirm,
    cursor_number,
    errors,
    files,
    in_thread,
    link,
    readable,
    segment,
    sliced,
    will_ask,
)
from flotilla.parsing import folded, html_to_text, listed, shown

from .. import inbox, lookup
from ..client import api
from ..inbox import change, contact_ids, fetch
from ..lookup import Assignee, ContactRef, ItemRef, RecordRef, all_of, any_of, contains, equal
from ..models import Attachment, Item, Person, Row, Rows, Saved, Thread
from ..texts import as_html, filled

tools = Toolset("conversations")

PAGE, PAGES = 150, 3  # open conversations among which the waiting ones are looked for
MORNING = time(9)  # when a day is meant as the end of a snooze
MOST_FILES, LARGEST = 10, 10 * 2**20  # of a reply, bytes each
LARGEST_DOWN = 100 * 2**20  # bytes of a file that customers sent
FOLDER = "intercom"
MADE = "{id}"  # of a tag that is only made by an earlier request
Step = tuple[str, str, dict[str, Any] | None]


# -- reading ----------------------------------------------------------------------------------------------------------


@tools.reads(
    search=(
        "boîte de réception attente en ouvertes non répondues sans réponse liste conversations chats messages "
        "fermées cherche trouve inbox waiting unanswered open closed list who writes about"
    ),
    examples=[
        "Qu'est-ce qui attend une réponse ?",
        "What waits in the inbox?",
        "Les conversations ouvertes de Zoé",
        "Qui attend qu'on lui réponde ?",
        "Qu'est-ce que j'ai dans ma boîte ?",
        "Quoi de neuf dans les chats ?",
        "Retrouve l'échange sur la facture",
        "Combien de conversations ouvertes ?",
        "Who is still waiting for an answer?",
        "Any new chats?",
        "Find the chat about the invoice",
        "Show me what is assigned to me",
    ],
)
async def list_conversations(
    state: Annotated[
        Literal["open", "snoozed", "closed", "all"], Field(description="Only those in this state.")
    ] = "open",
    waiting: Annotated[bool, Field(description="True: only where the customer waits for an answer.")] = False,
    assigned_to: Annotated[
        str | None, Field(description="Only those of me, nobody, or a teammate or team by name.")
    ] = None,
    contact: Annotated[str | None, Field(description="Only those of this person: e-mail, phone or name.")] = None,
    tag: Annotated[str | None, Field(description="Only those with this tag.")] = None,
    query: Annotated[str | None, Field(description="Words of the subject, first message or customer's name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """List or search conversations of the inbox, each with customer, assignee, tags and the first message.

    With `waiting`, those that wait for the team's answer come first who waited longest. To read one, use
    intercom_get_conversation; for one person with everything, intercom_get_contact.
    """
    zone = await lookup.account_zone()
    filters = [] if state == "all" else [equal("state", state)]
    whose = await lookup.assignee(assigned_to) if assigned_to else None
    if whose and whose.id != "0":
        field = "team_assignee_id" if whose.kind == "team" else "admin_assignee_id"
        filters.append(equal(field, int(whose.id) if whose.id.isdecimal() else whose.id))
    if contact:
        filters.append(equal("contact_ids", (await lookup.person(contact)).id))
    if tag:
        filters.append(equal("tag_ids", (await lookup.pick("tag", tag)).id))
    if query:
        longest = max(query.split() or [query], key=len)  # the body is compared word by word
        fields = ("source.subject", "source.author.name", "source.author.email")
        filters.append(any_of([*(contains(field, query) for field in fields), contains("source.body", longest)]))
    wanted = all_of(filters or [{"field": "created_at", "operator": ">", "value": 0}])
    if waiting or (whose and whose.id == "0"):
        return await _picked(wanted, zone, waiting, bool(whose and whose.id == "0"), limit, cursor)
    answer = await lookup.search("conversations", wanted, limit, cursor)
    rows = await _rows(readable(Item, api.rows_in(answer, "conversations", missing=True)), zone)
    return Rows(items=rows, next_cursor=lookup.next_cursor(answer), note=_total(answer))


async def _rows(items: list[Item], zone: ZoneInfo) -> list[Row]:
    return [await inbox.row_of(item, zone) for item in items]


def _total(answer: dict[str, Any]) -> str | None:
    count = answer.get("total_count")
    return f"{count} in all" if isinstance(count, int) else None


async def _picked(
    wanted: dict[str, Any], zone: ZoneInfo, waiting: bool, unassigned: bool, limit: int, cursor: str | None
) -> Rows:
    """Return those that wait, longest first, or that nobody has: Intercom has no filter for either."""
    cursor_number(cursor, 0)
    matches: list[Item] = []
    following: str | None = None
    for _ in range(PAGES):
        answer = await lookup.search("conversations", wanted, PAGE, following)
        matches += readable(Item, api.rows_in(answer, "conversations", missing=True))
        following = lookup.next_cursor(answer)
        if not following:
            break
    if waiting:
        matches = sorted((one for one in matches if one.waiting_since), key=lambda one: one.waiting_since or 0)
    if unassigned:
        matches = [one for one in matches if {one.admin_assignee_id, one.team_assignee_id} <= {None, "0"}]
    page = sliced(matches, limit, cursor)
    note = f"{len(matches)} in all" + (
        f" among the first {PAGE * PAGES}; narrow the search to see others" if following else ""
    )
    return Rows(items=await _rows(page.items, zone), next_cursor=page.next_cursor, note=note)


@tools.reads(
    search=(
        "lis lire ouvre conversation ticket fil messages échange historique résume que dit raconte thread read "
        "open what was said summarize chat"
    ),
    examples=[
        "Lis-moi la conversation 215",
        "What did Jean write?",
        "Résume-moi l'échange avec ce client",
        "Qu'est-ce qu'il raconte, Jean ?",
        "Ouvre le dernier chat",
        "Où en est le ticket 12 ?",
        "Qu'est-ce qu'on lui a répondu ?",
        "Read me conversation 215",
        "Catch me up on this chat",
        "What did we answer her?",
        "Open ticket 12 with its messages",
    ],
)
async def get_conversation(
    conversation: ItemRef,
    limit: Annotated[int, Field(ge=1, le=100, description="Maximum messages, counted from the latest.")] = 30,
    cursor: Cursor = None,
) -> Thread:
    """Read one conversation or ticket: its state, assignee and customer, then messages, notes and changes.

    Messages come oldest first, notes are internal. Intercom keeps at most the last 500 parts. Attached files are named;
    use intercom_reply_to_conversation to answer, intercom_add_note for the team.
    """
    item, zone = await fetch(conversation), await lookup.account_zone()
    messages = inbox.messages_of(item, zone)[::-1]
    page = sliced(messages, limit, cursor)
    return Thread(
        details=await inbox.details_of(item, zone),
        customer=await _customer(item),
        items=page.items[::-1],
        next_cursor=page.next_cursor,
    )


async def _person(item: Item) -> Person | None:
    """Return the first customer of a conversation, None where Intercom does not have one any more."""
    ids = contact_ids(item)
    if not ids:
        return None
    with suppress(errors.NotFoundError):
        return Person.model_validate(await api.get(f"/contacts/{segment(ids[0])}"))
    return None


async def _customer(item: Item) -> Row | None:
    person = await _person(item)
    if not person:
        return None
    row = {"record": f"contact:{person.id}", "name": person.name, "email": person.email, "phone": person.phone}
    others = len(contact_ids(item)) - 1
    return inbox.compact({**row, "others": f"{others} more people take part" if others else None})


# -- writing ----------------------------------------------------------------------------------------------------------


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    deadline=55,
    search=(
        "réponds répondre réponse écris au client dis-lui macro enregistrée envoie rassure relance answer reply "
        "respond customer write back tell him saved"
    ),
    examples=[
        "Réponds à Jean que sa commande part demain",
        "Answer 215 with the macro Delivery delay",
        "Dis-lui qu'on s'en occupe",
        "Envoie la macro Retard dans cette conversation",
        "Demande au client une photo",
        "Réponds et ferme la conversation",
        "Rassure-la, le remboursement est en route",
        "Write back that we're on it",
        "Ask the customer for a picture",
        "Answer her with the saved reply about delays",
        "Reply that it's fixed and close the chat",
    ],
)
async def reply_to_conversation(
    conversation: ItemRef,
    text: Annotated[str | None, Field(min_length=1, description="Plain text that the customer reads.")] = None,
    macro: Annotated[str | None, Field(description="Name of a saved reply to send in place of a text.")] = None,
    attachments: Annotated[
        list[str] | None, Field(max_length=MOST_FILES, description="Paths of files in the data folder, to attach.")
    ] = None,
    close: Annotated[bool, Field(description="True closes the conversation after the reply.")] = False,
) -> Saved:
    """Answer the customer in a conversation or ticket, by a text or a saved reply (macro), after the user agreed.

    It goes out in the customer's channel, chat or e-mail, and cannot be called back. What only the team may read is
    written with intercom_add_note. Read the conversation first with intercom_get_conversation.
    """
    if (text is None) is (macro is None):
        raise errors.InvalidInputError("A reply needs either a text or a macro.", "Pass one of them.")
    item = await fetch(conversation) if macro or will_ask() else None
    person = await _person(item) if item else None
    if macro:
        chosen = await lookup.pick("macro", macro)
        answer = await api.get(f"/macros/{chosen.id}")
        body = filled(str(answer.get("body") or ""), person)
    else:
        body = as_html(text or "")
    await confirm(_question(conversation, item, person, body, attachments or []))
    message: dict[str, Any] = {"message_type": "comment", "body": body}
    if attachments:
        message["attachment_files"] = [await in_thread(_file, path) for path in attachments]
    closing: dict[str, Any] = {"message_type": "close", "type": "admin"}
    if close:
        await change(conversation, closing, {"open": False}, only_declare=True)
    await inbox.write(conversation, message)
    if close:
        return await change(conversation, closing, {"open": False})
    return Saved(record=conversation)


def _question(ref: str, item: Item | None, person: Person | None, body: str, attached: list[str]) -> str:
    source = item.source if item else None
    author = source.author if source and inbox.is_customer(source.author) else None
    who = person.shown if person else (author.name or author.email or "the customer") if author else "the customer"
    others = len(contact_ids(item)) - 1 if item else 0
    more = f" and {others} others" if others > 0 else ""
    with_files = f", with {listed(attached)}" if attached else ""
    text = errors.excerpt(html_to_text(body), 1000)
    return f"Send this reply to {who}{more} in {ref.replace(':', ' ')}{with_files}: «{text}»?"


def _file(path: str) -> dict[str, str]:
    """Return a file of the data folder as Intercom takes it; blocks."""
    data = files.read(path, LARGEST)
    name = path.rsplit("/", 1)[-1]
    return {"name": name, "content_type": files.content_type(path), "data": base64.b64encode(data).decode()}


@tools.writes(
    creates=True,
    search=(
        "note interne commentaire privé équipe ajoute mot remarque mémo entre nous collègues internal private "
        "comment colleague team only jot down memo"
    ),
    examples=[
        "Note sur la conversation 215 : client rappelé",
        "Leave a note on Jean's profile",
        "Écris pour les collègues que c'est urgent",
        "Laisse un mot à l'équipe",
        "Commentaire interne, il a rappelé",
        "Note sur sa fiche qu'elle parle anglais",
        "Que le client ne voie pas ça, c'est pour nous",
        "Leave a word for the team",
        "Jot down that we're waiting for the part",
        "Private note, he is a VIP",
        "Internal comment on ticket 12",
    ],
)
async def add_note(
    to: RecordRef,
    text: Annotated[str, Field(min_length=1, description="Plain text of it.", examples=["Rappeler vendredi."])],
) -> Saved:
    """Add an internal note to a conversation, ticket, contact or company; only the team reads it.

    To answer the customer, use intercom_reply_to_conversation. Conversations come from
    intercom_list_conversations, people go by name too (contact:Jean Dupont).
    """
    kind, name = lookup.split(to)
    if kind in ("conversation", "ticket"):
        await inbox.write(to, {"message_type": "note", "body": as_html(text)})
        return Saved(record=to)
    admin = await lookup.writer_id()
    if kind == "contact":
        number, path = (await lookup.person(name)).id, "contacts"
    else:
        number, path = (await lookup.company(name)).id, "companies"
    await api.post(f"/{path}/{number}/notes", json={"body": as_html(text), "admin_id": admin})
    return Saved(record=f"{kind}:{number}")


@tools.writes(
    additive=False,
    idempotent=True,
    search=(
        "assigne assigner attribue transfère confie passe donne équipe collègue prends moi désassigne assign "
        "transfer hand over take give pass unassign route to teammate"
    ),
    examples=[
        "Assigne la 215 à Zoé",
        "Give this one to the billing team",
        "Passe-la à l'équipe facturation",
        "Confie ce chat à Zoé",
        "Je prends cette conversation",
        "Enlève-moi de la 215, que personne ne l'ait",
        "Transfère au support technique",
        "Hand this over to Zoé",
        "I'll take this one",
        "Route it to technical support",
        "Pass the chat to a colleague",
    ],
)
async def assign_conversation(conversation: ItemRef, to: Assignee) -> Saved:
    """Assign a conversation or ticket to a teammate or a team by name, to me, or to nobody.

    A conversation can have a teammate and a team; each is set by itself. An unknown name is refused with the names that
    there are. To tell colleagues why, use intercom_add_note.
    """
    whom = await lookup.assignee(to)
    kind = "team" if whom.kind == "team" else "admin"
    part = {"message_type": "assignment", "type": kind, "assignee_id": whom.id}
    return await change(conversation, part, {"assignee_id": whom.id})


@tools.writes(
    additive=False,
    idempotent=True,
    search="ferme fermer clôture clos termine terminé fini résolu réglé done close finished resolve end",
    examples=[
        "C'est réglé, ferme la 215",
        "Clôture cette conversation",
        "On a fini avec ce client",
        "Termine le chat",
        "Close 215",
        "This one is done",
        "We're finished here, end the chat",
        "It's sorted, resolve the conversation",
    ],
)
async def close_conversation(conversation: ItemRef) -> Saved:
    """Close a conversation or ticket that is done; the customer is not notified by this.

    It opens again when the customer writes, or with intercom_reopen_conversation. To answer and close in one step, use
    intercom_reply_to_conversation with close.
    """
    return await change(conversation, {"message_type": "close", "type": "admin"}, {"open": False})


@tools.writes(
    additive=False,
    idempotent=True,
    title="Snooze conversation",
    search=(
        "snooze reporte reporter mets en pause mettre de côté rappelle-moi remets plus tard demain lundi veille "
        "attente jusqu'à later until remind me come back tomorrow put aside"
    ),
    examples=[
        "Mets la 215 en pause jusqu'à lundi",
        "Snooze it until tomorrow 9",
        "Remets ça à demain",
        "Rappelle-moi cette conversation lundi matin",
        "Mets le ticket de côté pour trois heures",
        "Je verrai ça plus tard",
        "Bring it back on Monday",
        "Remind me of this chat tomorrow",
        "Put this one aside for three hours",
        "I'll deal with it later",
    ],
)
async def pause_conversation(
    conversation: ItemRef,
    until: Annotated[When, Field(description="When it comes back; a day means 09:00.", examples=["2030-06-03T09:00"])],
) -> Saved:
    """Snooze a conversation or ticket: it leaves the inbox and comes back at a time, or when the customer writes.

    A time without an offset is read in the workspace's time zone; the result shows it with its offset. To end a snooze,
    use intercom_reopen_conversation.
    """
    zone = await lookup.account_zone()
    end = until.at(zone, time_of_day=MORNING)
    if end <= datetime.now(UTC):
        raise errors.InvalidInputError(f"{shown(end, zone)} is in the past.", "Pass a time to come.")
    seconds = int(end.timestamp())
    return await change(conversation, {"message_type": "snoozed", "snoozed_until": seconds}, {"snoozed_until": seconds})


@tools.writes(
    additive=False,
    idempotent=True,
    search=(
        "rouvre rouvrir réouvre reprend reprendre fin de pause remettre dans la boîte open again reopen unsnooze "
        "bring back into the inbox"
    ),
    examples=[
        "Rouvre la 215",
        "Le problème est revenu, reprends la conversation",
        "J'ai fermé trop vite, rouvre-la",
        "Sors-la de la pause",
        "Reopen 215",
        "I closed it too early, open it again",
        "The problem came back, reopen the chat",
        "Take it out of snooze",
    ],
)
async def reopen_conversation(conversation: ItemRef) -> Saved:
    """Open a conversation or ticket again that is closed or snoozed, so that it is back in the inbox.

    Closed ones are found with intercom_list_conversations and its state closed. The customer is not notified.
    """
    return await change(conversation, {"message_type": "open"}, {"open": True})


@tools.writes(
    additive=False,
    idempotent=True,
    search=(
        "étiquette étiquettes tag tags catégorise marque libellé retire enlève label untag mark categorize remove add"
    ),
    examples=[
        "Mets le tag Urgent sur la 215",
        "Tag Jean as VIP",
        "Marque cette conversation comme urgente",
        "Enlève l'étiquette Facturation",
        "Colle le tag VIP à cette cliente",
        "Classe ce ticket en bug",
        "Étiquette la société Roy comme partenaire",
        "Label this chat as billing",
        "Take the tag off",
        "Mark her as VIP",
        "Categorize this as a bug",
    ],
)
async def update_tags(
    to: RecordRef,
    add: Annotated[list[str] | None, Field(description="Names of tags to add.", examples=[["Urgent"]])] = None,
    remove: Annotated[list[str] | None, Field(description="Names of tags to take away.")] = None,
    create: Annotated[bool, Field(description="True makes tags that do not exist yet.")] = False,
) -> Saved:
    """Add tags to a conversation, ticket, contact or company by name, or take them away; other tags stay.

    An unknown tag is refused with the names that there are, unless create is set. Conversations come from
    intercom_list_conversations; people are named by address, phone number or name (contact:Jean Dupont).
    """
    if not (add or remove):
        raise errors.InvalidInputError("No tag is named.", "Pass add or remove.")
    known = {folded(one.name or "") for one in await lookup.known("tag")} if create else set()
    new = [name for name in add or [] if create and folded(name) not in known]
    adding = [await lookup.pick("tag", name) for name in add or [] if name not in new]
    removing = [await lookup.pick("tag", name) for name in remove or []]
    kind, name = lookup.split(to)
    if kind == "company":
        number = (await lookup.company(name)).id
        names = [*(one.name or one.id for one in adding), *new]
        requests: list[Step] = [("POST", "/tags", {"name": one, "companies": [{"id": number}]}) for one in names]
        untagged = [{"id": number, "untag": True}]
        requests += [("POST", "/tags", {"name": one.name or one.id, "companies": untagged}) for one in removing]
    else:
        number = (await lookup.person(name)).id if kind == "contact" else name
        path = f"/{kind}s/{number}/tags"
        admin = {} if kind == "contact" else {"admin_id": await lookup.writer_id()}
        requests = [("POST", path, {"id": one.id, **admin}) for one in adding]
        requests += [("DELETE", f"{path}/{one.id}", admin or None) for one in removing]
        for one in new:
            requests += [("POST", "/tags", {"name": one}), ("POST", path, {"id": MADE, **admin})]
    await _in_turn(requests)
    if new:
        api.connection.metadata.pop("tag", None)
    return Saved(record=f"{kind}:{number}", tags=[*(one.name or one.id for one in adding), *new])


async def _in_turn(requests: list[Step]) -> None:
    """Send one request after the other; MADE is the id of the tag that the one before it made."""
    for method, path, body in requests[1:]:
        api.follows(method, path, json=body)
    made = ""
    for method, path, body in requests:
        ready = {**body, "id": made} if body and body.get("id") == MADE else body
        answer = await api.request(method, path, json=ready)
        made = str(answer.get("id") or "") if isinstance(answer, dict) else ""


# -- messages and files -----------------------------------------------------------------------------------------------


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    core=False,
    search=(
        "écris écrire à un client nouveau message contacte contacter démarre e-mail mail sortant premier prévenir "
        "annonce outbound new write to first contact proactively start reach out"
    ),
    examples=[
        "Écris à Jean que son colis est arrivé",
        "Email the customer about the delay",
        "Contacte Marie pour lui proposer un rendez-vous",
        "Envoie un mail à ce client, il ne nous a rien demandé",
        "Préviens Jean qu'on passe demain",
        "Démarre une discussion avec ce prospect",
        "Reach out to this lead",
        "Send Jean an e-mail about his renewal",
        "Write to her first, she doesn't know yet",
        "Message the customer that we're coming tomorrow",
    ],
)
async def send_message(
    contact: ContactRef,
    text: Annotated[str, Field(min_length=1, description="Plain text of the message.", examples=["Bonjour Jean !"])],
    subject: Annotated[
        str | None, Field(description="Subject of an e-mail; without it a chat message is sent.")
    ] = None,
) -> Saved:
    """Write to a person who did not ask: an e-mail where a subject is given, else a message in the Messenger.

    It is sent after the user agreed, and cannot be called back. A conversation begins when the person answers. To
    answer an existing one, use intercom_reply_to_conversation; to find people, intercom_search_contacts.
    """
    admin, person = await lookup.writer_id(), await lookup.person(contact, exact=True)
    if subject and not person.email:
        raise errors.InvalidInputError(
            f"{person.shown} has no e-mail address.", "Leave the subject out for a chat message."
        )
    action = f"the e-mail «{subject}»" if subject else "this message"
    await confirm(f"Send {action} to {person.shown}: «{errors.excerpt(text, 1000)}»?")
    body = {
        "message_type": "email" if subject else "in_app",
        "subject": subject,
        "template": "plain" if subject else None,
        "body": as_html(text),
        "from": {"type": "admin", "id": int(admin) if admin.isdecimal() else admin},
        "to": {"type": "lead" if person.role == "lead" else "user", "id": person.id},
    }
    answer = await api.post("/messages", json=body)
    number = answer.get("conversation_id")
    return Saved(record=f"conversation:{number}" if number else f"contact:{person.id}")


@tools.reads(
    core=False,
    deadline=55,
    search=(
        "télécharge télécharger récupère enregistre pièces jointes fichiers capture photo image PDF document "
        "envoyé download save attachments files screenshot picture sent"
    ),
    examples=[
        "Récupère la photo que le client a envoyée",
        "Télécharge les fichiers de la conversation",
        "Enregistre la capture d'écran jointe",
        "Je veux le PDF qu'il a mis dans le chat",
        "Download the picture she sent",
        "Save the files of this chat",
        "Get me the screenshot",
        "Fetch the PDF he attached",
    ],
)
async def download_attachments(
    conversation: ItemRef,
    name: Annotated[str | None, Field(description="Only files with these words in their name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """Save the files that were attached to a conversation or ticket in the data folder, below intercom/.

    Returns path, size and checksum of each; fs_read_document of the filesystem server reads PDF, Word, Excel and mails.
    Which files there are, intercom_get_conversation says. An older copy is replaced.
    """
    item = await fetch(conversation)
    matches = [*inbox.files_of(item.source.attachments if item.source else None)]
    parts = (item.parts or {}).get("conversation_parts") or (item.parts or {}).get("ticket_parts") or []
    for part in parts:
        matches += inbox.files_of(part.get("attachments") if isinstance(part, dict) else None)
    wanted = [one for one in matches if not name or folded(name) in folded(one.name)]
    page = sliced(wanted, limit, cursor)
    folder = f"{FOLDER}/{conversation.replace(':', '-')}"
    rows = []
    for number, one in enumerate(page.items, cursor_number(cursor, 0) + 1):
        ref = await _download(one, f"{folder}/{number}-{_safe(one.name)}")
        link(ref)
        rows.append(inbox.compact({"name": one.name, **ref.model_dump()}))
    return Rows(items=rows, next_cursor=page.next_cursor, note=f"{len(wanted)} files in all")


def _safe(name: str) -> str:
    return re.sub(r"[^\w.,()+ -]+", "_", name).strip(". ")[-100:] or "file"


async def _download(one: Attachment, path: str) -> files.FileRef:
    """Write a file into the data folder. Its address is signed, and takes no credentials."""
    answer = await api.send("GET", one.url, headers={"Accept": "*/*"}, largest=LARGEST_DOWN)
    return await in_thread(files.write, path, answer.content, True)
