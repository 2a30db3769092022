"""Tickets. https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/tickets"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Address, Cursor, Limit, Toolset, errors, readable
from flotilla.parsing import folded

from .. import inbox, lookup
from ..client import api
from ..lookup import ContactRef, ItemRef, all_of, any_of, contains, equal
from ..models import Named, Rows, Saved, TicketItem
from ..ticket_types import DESCRIPTION, TITLE, TicketType, prepared, state_of, type_of, types

tools = Toolset("tickets")

Fields = Annotated[dict[str, Any] | None, Field(description="Further fields of the ticket type, by name.")]


@tools.writes(
    creates=True,
    search=(
        "ouvre ouvrir crée créer nouveau ticket réclamation incident panne problème signaler signale déclarer "
        "support open new raise log file report for issue bug complaint problem"
    ),
    examples=[
        "Ouvre un ticket pour jean@dupont.example : colis abîmé",
        "Open a ticket for this caller",
        "Un client appelle, sa lampe ne marche plus",
        "Je veux faire une réclamation",
        "Signale un bug pour cette dame",
        "Transforme cette conversation en ticket",
        "Enregistre un incident de livraison",
        "Report a problem for this caller",
        "I'd like to file a complaint",
        "Turn this chat into a ticket",
        "Log a bug for Jean",
    ],
)
async def create_ticket(
    contact: ContactRef,
    title: Annotated[str, Field(min_length=1, description="Title of the ticket.", examples=["Colis abîmé"])],
    text: Annotated[str | None, Field(description="What the customer reports, as plain text.")] = None,
    type: Annotated[str | None, Field(description="Ticket type by name, where there are several.")] = None,  # noqa: A002
    assign_to: Annotated[str | None, Field(description="Teammate or team by name, or me.")] = None,
    conversation: Annotated[
        str | None, Field(description="Conversation that it comes from, as conversation:215.")
    ] = None,
    fields: Fields = None,
) -> Saved:
    """Open a ticket for a person, found by e-mail address, phone number or name.

    With a conversation, a customer's ticket is made out of it, another kind is linked to it.
    Fails where this person has an open ticket of this title already. Intercom may notify the customer, as the workspace
    is set. intercom_add_note, intercom_assign_conversation and intercom_close_conversation take the ticket too.
    """
    kind = await type_of(type)
    own = await prepared(kind, fields, complete=True)
    whom = await lookup.assignee(assign_to) if assign_to else None
    linked = lookup.split(_conversation(conversation))[1] if conversation else None
    person = await _person(contact)
    if "id" in person:
        await _check_new(person["id"], title)
    if linked and kind.category == "Customer":
        attributes = {TITLE: " ".join(title.split()), **({DESCRIPTION: text} if text else {}), **own}
        return await _converted(linked, person.get("id", ""), kind, attributes, whom)
    body: dict[str, Any] = {
        "ticket_type_id": kind.id,
        "contacts": [person],
        "conversation_to_link_id": linked,
        "ticket_attributes": {TITLE: " ".join(title.split()), **({DESCRIPTION: text} if text else {}), **own},
        "assignment": {f"{'team' if whom.kind == 'team' else 'admin'}_assignee_id": whom.id} if whom else None,
    }
    return await _saved(await api.post("/tickets", json=body))


def _conversation(text: str) -> str:
    with suppress(ValueError):
        if (ref := lookup.checked_item(text)).startswith("conversation:"):
            return ref
    raise errors.InvalidInputError(
        f"`{errors.excerpt(text, 60)}` is not a conversation.", "Write it as intercom_list_conversations shows it."
    )


async def _converted(
    conversation: str, person: str, kind: TicketType, attributes: dict[str, Any], whom: Named | None
) -> Saved:
    """Make a ticket out of a conversation of this person: Intercom links other kinds of tickets alone."""
    item = await inbox.fetch(f"conversation:{conversation}")
    if person not in inbox.contact_ids(item):
        raise errors.InvalidInputError(
            f"conversation:{conversation} is not one of this person.", "Pass the person who takes part in it."
        )
    part: dict[str, Any] = {"assignee_id": whom.id if whom else None}
    if whom:
        await inbox.change("ticket:{id}", {}, part, only_declare=True)
    body = {"ticket_type_id": kind.id, "attributes": attributes}
    made = TicketItem.model_validate(await api.post(f"/conversations/{conversation}/convert", json=body))
    if whom:
        await inbox.change(f"ticket:{made.id}", {}, part)
    return await _saved(await api.get(f"/tickets/{made.id}"))


async def _person(contact: str) -> dict[str, str]:
    """Return who the ticket is for; Intercom makes a contact of an e-mail address that it does not know."""
    if "@" not in contact:
        return {"id": (await lookup.person(contact)).id}
    with suppress(errors.NotFoundError):
        return {"id": (await lookup.person(contact)).id}
    return {"email": Address.read(contact).address.lower()}


async def _check_new(contact: str, title: str) -> None:
    answer = await lookup.search("tickets", all_of([equal("contact_ids", contact), equal("open", True)]), 50)
    for one in readable(TicketItem, api.rows_in(answer, "tickets", missing=True)):
        if folded(str(one.attributes.get(TITLE) or "")) == folded(title):
            raise errors.InvalidInputError(
                f"This person has an open ticket of this title already: ticket:{one.id}; nothing was done.",
                "Add to it with intercom_add_note, or choose another title.",
            )


async def _saved(answer: dict[str, Any]) -> Saved:
    item = TicketItem.model_validate(answer)
    state = item.ticket_state or {}
    done = await inbox.saved(f"ticket:{item.id}", item)
    return done.model_copy(
        update={
            "state": state.get("internal_label") or state.get("category") or done.state,
            "note": f"number {item.number} in the Inbox" if item.number else None,
        }
    )


@tools.reads(
    core=False,
    search=(
        "liste cherche tickets ouverts réclamations incidents bugs en cours résolus attente quels find list open "
        "which in progress resolved waiting issues"
    ),
    examples=[
        "Quels tickets sont ouverts ?",
        "Tickets of the billing team",
        "Quelles réclamations sont en cours ?",
        "Combien de tickets résolus ?",
        "Montre les bugs signalés",
        "Est-ce que ce client a un ticket ouvert ?",
        "Which issues are still in progress?",
        "Show all resolved tickets",
        "Does she have an open ticket?",
        "List the reported bugs",
    ],
)
async def list_tickets(
    query: Annotated[str | None, Field(description="Words of the title or description.")] = None,
    state: Annotated[
        Literal["open", "submitted", "in_progress", "waiting_on_customer", "resolved", "all"],
        Field(description="Only those in this state; open means not closed."),
    ] = "open",
    type: Annotated[str | None, Field(description="Only those of this ticket type, by name.")] = None,  # noqa: A002
    assigned_to: Annotated[str | None, Field(description="Only those of me, or a teammate or team by name.")] = None,
    contact: Annotated[str | None, Field(description="Only those of this person: e-mail, phone or name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """List or search tickets by words, state, type, assignee or person, each with its state and the record.

    To read one, use intercom_get_conversation with its record (ticket:12); to change it, intercom_update_ticket.
    """
    zone = await lookup.account_zone()
    filters: list[dict[str, Any]] = []
    if query:
        filters.append(any_of([contains("title", query), contains("description", query)]))
    if state == "open":
        filters.append(equal("open", True))
    elif state != "all":
        filters.append(equal("state", state))
    if type:
        filters.append(equal("ticket_type_id", (await type_of(type)).id))
    if assigned_to:
        whom = await lookup.assignee(assigned_to)
        filters.append(equal(f"{'team' if whom.kind == 'team' else 'admin'}_assignee_id", whom.id))
    if contact:
        filters.append(equal("contact_ids", (await lookup.person(contact)).id))
    wanted = all_of(filters or [{"field": "created_at", "operator": ">", "value": 0}])
    answer = await lookup.search("tickets", wanted, limit, cursor)
    items = readable(TicketItem, api.rows_in(answer, "tickets", missing=True))
    total = answer.get("total_count")
    return Rows(
        items=[await inbox.row_of(one, zone) for one in items],
        next_cursor=lookup.next_cursor(answer),
        note=f"{total} in all" if isinstance(total, int) else None,
    )


@tools.writes(
    additive=False,
    idempotent=True,
    core=False,
    search=(
        "change état statut avancement ticket résolu en cours soumis attente du client titre description champ "
        "avance partage status state resolve in progress submitted waiting on customer title field move"
    ),
    examples=[
        "Passe le ticket 12 en résolu",
        "Set ticket 12 to waiting on customer",
        "Le ticket 12 est en cours",
        "On attend le client, change l'état du ticket",
        "Corrige le titre du ticket 12",
        "Fais avancer le ticket",
        "Remplis le champ numéro de série du ticket",
        "Mark ticket 12 as in progress",
        "The ticket is resolved",
        "Rename ticket 12",
        "Move the ticket to submitted",
        "Let the customer see the ticket",
    ],
)
async def update_ticket(
    ticket: ItemRef,
    state: Annotated[
        str | None,
        Field(description="New state by its name, or submitted, in_progress, waiting_on_customer, resolved."),
    ] = None,
    title: Annotated[str | None, Field(min_length=1, description="New title of the ticket.")] = None,
    text: Annotated[str | None, Field(min_length=1, description="New description, as plain text.")] = None,
    fields: Fields = None,
    shared: Annotated[
        bool | None, Field(description="True: the customer sees the ticket; false: the team only.")
    ] = None,
) -> Saved:
    """Change a ticket: its state by name, title, description or fields; the rest stays.

    Take it from intercom_list_tickets. Customers may be notified of a new state, as the workspace is set. For who has
    it, use intercom_assign_conversation; to close or snooze it, intercom_close_conversation and
    intercom_pause_conversation.
    """
    if not ticket.startswith("ticket:"):
        number = lookup.split(ticket)[1]
        raise errors.InvalidInputError(f"{ticket} is not a ticket.", f"Write ticket:{number} where that is meant.")
    attributes: dict[str, Any] = {}
    body: dict[str, Any] = {"is_shared": shared}
    if state or fields:
        kind = await _type_of_ticket(ticket)
        attributes |= await prepared(kind, fields, complete=False)
        body["ticket_state_id"] = state_of(state, kind.states).id if state else None
    attributes |= {name: value for name, value in ((TITLE, title), (DESCRIPTION, text)) if value}
    body["ticket_attributes"] = attributes or None
    if all(value is None for value in body.values()):
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    admin = await lookup.writer_id()
    answer = await api.put(inbox.path_of(ticket), json={**body, "admin_id": int(admin) if admin.isdecimal() else admin})
    return await _saved({"id": lookup.split(ticket)[1], **answer})


async def _type_of_ticket(ticket: str) -> TicketType:
    raw = await api.get(inbox.path_of(ticket))
    own = TicketType.model_validate(raw["ticket_type"])
    return next((one for one in await types() if one.id == own.id), own)
