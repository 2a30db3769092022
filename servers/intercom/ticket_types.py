"""Ticket types, their states and attributes, by the names that the workspace gave them.

https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/ticket-types
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pydantic import Field

from flotilla import Model, When, choose, errors, readable
from flotilla.parsing import folded, listed, read_number

from .attributes import NO, YES
from .client import api
from .lookup import account_zone

TITLE, DESCRIPTION = "_default_title_", "_default_description_"
CATEGORIES = ("submitted", "in_progress", "waiting_on_customer", "resolved")


class State(Model):
    """A state of tickets."""

    id: str
    category: str | None = None
    name: str | None = Field(None, alias="internal_label")


class Attribute(Model):
    """A field of a ticket type."""

    name: str
    type: str = Field("string", alias="data_type")
    required: bool = Field(False, alias="required_to_create")
    archived: bool | None = None
    input_options: dict[str, Any] | None = None

    @property
    def choices(self) -> dict[str, str]:
        """Return the ids of a list's items by their labels."""
        items = (self.input_options or {}).get("list_options") or (self.input_options or {}).get("list_items") or []
        return {
            str(one.get("label") or one.get("name")): str(one.get("id"))
            for one in items
            if isinstance(one, dict) and one.get("id")
        }


class TicketType(Model):
    """A ticket type with its states and attributes."""

    id: str
    name: str | None = None
    category: str | None = None
    archived: bool | None = None
    ticket_states: dict[str, Any] | None = None
    ticket_type_attributes: dict[str, Any] | None = None

    @property
    def states(self) -> list[State]:
        """Return the states of its tickets."""
        return readable(State, _objects((self.ticket_states or {}).get("data")))

    @property
    def attributes(self) -> list[Attribute]:
        """Return its own fields, without title and description."""
        box = self.ticket_type_attributes or {}
        rows = readable(Attribute, _objects(box.get("ticket_type_attributes") or box.get("data")))
        return [one for one in rows if not one.archived and not one.name.startswith("_default_")]


def _objects(rows: Any) -> list[Any]:
    return [row for row in rows or [] if isinstance(row, dict)]


async def types(fresh: bool = False) -> list[TicketType]:
    """Return the workspace's ticket types, read once in a process unless `fresh`."""
    metadata = api.connection.metadata
    if fresh or "ticket types" not in metadata:
        rows = readable(TicketType, await api.rows("/ticket_types", "data", missing=True))
        metadata["ticket types"] = [one for one in rows if not one.archived]
    result: list[TicketType] = metadata["ticket types"]
    return result


async def type_of(name: str | None, category: str = "Customer") -> TicketType:
    """Return the ticket type of a name; without one, the only type of the category.

    Raises errors.InvalidInputError with the names where the choice is open.
    """
    known = await types()
    if name:
        with suppress(errors.NotFoundError):
            return choose(name, known, name=lambda one: one.name or "", kind="ticket type")
        return choose(name, await types(fresh=True), name=lambda one: one.name or "", kind="ticket type")
    fitting = [one for one in known if one.category == category] or known
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise errors.InvalidInputError(
            "The workspace has no ticket type.", "Ask the user to make one in Intercom: Settings > Tickets."
        )
    raise errors.InvalidInputError(
        "There is more than one ticket type.", f"Pass one as type: {listed(one.name or one.id for one in fitting)}."
    )


def state_of(name: str, states: list[State]) -> State:
    """Return the state of a name, or of a category such as resolved; raises as `choose` does."""
    category = folded(name).replace(" ", "_")
    with suppress(errors.NotFoundError):
        return choose(name, states, name=lambda one: one.name or one.category or "", kind="ticket state")
    if fitting := [one for one in states if one.category == category]:
        return fitting[0]
    return choose(name, states, name=lambda one: one.name or one.category or "", kind="ticket state")


async def prepared(kind: TicketType, values: dict[str, Any] | None, complete: bool) -> dict[str, Any]:
    """Return a ticket's own fields as Intercom takes them; `complete`: all required ones must be there.

    Raises errors.NotFoundError for an unknown name, errors.InvalidInputError for a value that does not fit.
    """
    result: dict[str, Any] = {}
    for name, value in (values or {}).items():
        one = choose(
            name, kind.attributes, id=lambda a: a.name, name=lambda a: a.name, kind="field of this ticket type"
        )
        result[one.name] = await _converted(one, value)
    lacking = [one.name for one in kind.attributes if one.required and one.name not in result]
    if complete and lacking:
        raise errors.InvalidInputError(
            f"Tickets of the type {kind.name} need: {listed(lacking)}.", "Pass these in fields, by name."
        )
    return result


async def _converted(one: Attribute, value: Any) -> Any:
    text = str(value).strip()
    if one.type == "list" and one.choices:
        for label, number in one.choices.items():
            if folded(label) == folded(text) or number == text:
                return number
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` is not a value of {one.name}.", f"There are: {listed(one.choices)}."
        )
    if one.type == "boolean":
        if folded(text) not in YES + NO:
            raise errors.InvalidInputError(
                f"`{errors.excerpt(text, 60)}` is not yes or no, as {one.name} wants.", "Pass one."
            )
        return folded(text) in YES
    if one.type in ("integer", "decimal"):
        amount = read_number(value)
        return int(amount) if amount == int(amount) else float(amount)
    if one.type == "datetime":
        return int(When.read(text).at(await account_zone()).timestamp())
    return text
