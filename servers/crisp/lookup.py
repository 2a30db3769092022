"""Operators and people by the names that people use, and what stands in a row of each kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

from pydantic import Field
from pydantic_core import to_json

from flotilla import Phone, choose, connection_of, errors, readable, segment
from flotilla.parsing import folded, from_milliseconds, looks_like_phone

from .client import api, data, integration, pages, record
from .models import Profile, Row, Session, Thing

NOBODY = ("nobody", "none", "personne", "aucun")
ConversationId = Annotated[
    str,
    Field(
        pattern=r"^session_[0-9A-Za-z-]{1,60}$",
        description="Id from crisp_list_conversations or crisp_get_person.",
        examples=["session_19e5240f-0a8d-461e-a661-a3123fc6eec9"],
    ),
]
PersonRef = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="E-mail address, phone number, name, or id from crisp_search_people.",
        examples=["zoe@lefevre.example"],
    ),
]
Details = Annotated[dict[str, Any] | None, Field(description="Custom data by name, as text, number, true or false.")]
PEOPLE_ID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def full(row: Mapping[str, str | None]) -> Row:
    """Return a row without what is empty."""
    return {name: text for name, text in row.items() if text}


def time_of(value: Any) -> str:
    """Return a time of Crisp's, in milliseconds, as a local one; "" for anything else."""
    with suppress(ValueError, TypeError):
        if isinstance(value, int | float) and value > 0:
            return from_milliseconds(int(value), api.zone).isoformat(timespec="seconds")
    return ""


# -- operators --------------------------------------------------------------------------------------------------------


class Operator(Thing):
    """A colleague who answers conversations."""

    @property
    def id(self) -> str:
        """The user's id; the published client has two spellings of the names."""
        return self.text("details.user_id", "details.userID")

    @property
    def name(self) -> str:
        """First and last name, else the e-mail address."""
        first = self.text("details.first_name", "details.firstName")
        last = self.text("details.last_name", "details.lastName")
        return f"{first} {last}".strip() or self.email

    @property
    def email(self) -> str:
        """The e-mail address."""
        return self.text("details.email")


async def operators(renew: bool = False) -> list[Operator]:
    """Return the operators of the workspace, read once a process."""
    metadata = connection_of(integration).metadata
    if renew or "operators" not in metadata:
        rows = api.rows_in({"data": await data("GET", "/operators/list")}, "data", missing=True)
        metadata["operators"] = [one for one in readable(Operator, rows) if one.id]
    known: list[Operator] = metadata["operators"]
    return known


async def operator(name: str) -> Operator:
    """Return an operator by id, e-mail address, whole or first name; raises as `choose` does."""
    for renew in (False, True):
        known = await operators(renew)
        if of_mail := [one for one in known if folded(one.email) == folded(name)]:
            return of_mail[0]
        with suppress(errors.NotFoundError):
            return choose(name, known, kind="operator", parts=True)
    return choose(name, known, kind="operator", listed_by="crisp_list_operators")


async def operator_names() -> dict[str, str]:
    """Return the operators' names by id; nothing where the token may not read them."""
    with suppress(errors.PermissionDeniedError):
        return {one.id: one.name for one in await operators()}
    return {}


# -- people -----------------------------------------------------------------------------------------------------------


async def people(query: str, limit: int = 20, cursor: str | None = None) -> tuple[list[Profile], str | None]:
    """Return people by words of name or e-mail address, last active first."""
    params = {"search_text": query.strip(), "sort_field": "active", "sort_order": "descending"}
    return await pages("/people/profiles", Profile, limit, cursor, params)


def conditions(**wanted: str) -> str:
    """Return conditions of a people search as Crisp takes them: JSON in the query."""
    rows = [{"model": "people", "criterion": key, "operator": "eq", "query": [text]} for key, text in wanted.items()]
    return to_json(rows).decode()


async def by_email(address: str) -> list[Profile]:
    """Return the people with an e-mail address."""
    params = {"search_filter": conditions(email=address.strip()), "search_operator": "and"}
    rows, _ = await pages("/people/profiles", Profile, 20, None, params)
    return [one for one in rows if one.text("email").casefold() == address.strip().casefold()]


async def by_phone(text: str) -> list[Profile]:
    """Return the people with a phone number, however it is written; raises PhoneError for none."""
    phone, country = Phone.read(text), connection_of(integration).fleet.country
    for spelling in phone.spellings(country):
        rows, _ = await people(spelling)
        if same := [one for one in rows if phone.matches(one.text("person.phone"), country)]:
            return same
    return []


async def candidates(ref: str) -> list[Profile]:
    """Return the people whom an e-mail address, a phone number or a name may mean."""
    if "@" in ref:
        return await by_email(ref)
    if looks_like_phone(ref):
        return await by_phone(ref)
    return (await people(ref, 50))[0]


async def person(ref: str) -> Profile:
    """Return a person by id, e-mail address, phone number or name.

    Raises errors.InvalidInputError with the candidates where several fit, errors.NotFoundError where none does.
    """
    if is_people_id(ref):
        return Profile.model_validate({"people_id": ref, **await record("GET", f"/people/profile/{segment(ref)}")})
    rows = await candidates(ref)
    shown = errors.excerpt(ref, 60)
    if not rows:
        raise errors.NotFoundError(f"Nobody in Crisp fits `{shown}`.", "Check it, or create the person.")
    exact = [one for one in rows if folded(one.text("person.nickname")) == folded(ref)]
    fitting = exact if len(exact) == 1 else rows
    if len(fitting) > 1:
        names = ", ".join(f"{errors.excerpt(name_of(one), 60)} ({one.people_id})" for one in fitting[:20])
        raise errors.InvalidInputError(f"More than one person fits `{shown}`: {names}.", "Pass the id of one.")
    return fitting[0]


def is_people_id(text: str) -> bool:
    """Tell whether a text is the id of a person."""
    return re.fullmatch(PEOPLE_ID, text) is not None


def name_of(profile: Thing) -> str:
    """Return a person's name, else the e-mail address."""
    return profile.text("person.nickname", "email", "person.phone") or "without a name"


def listed_texts(value: Any) -> list[str]:
    """Return the texts of a list."""
    return [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []


def person_row(profile: Profile) -> Row:
    """Return what a list tells of a person."""
    return full(
        {
            "person": profile.people_id,
            "name": profile.text("person.nickname"),
            "email": profile.text("email"),
            "phone": profile.text("person.phone"),
            "company": profile.text("company.name", "person.employment.name"),
            "address": profile.text("person.address"),
            "segments": ", ".join(listed_texts(profile.at("segments"))),
            "notepad": profile.text("notepad"),
            "last_active": time_of(profile.at("active.last")),
        }
    )


def plain_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return custom data; raises errors.InvalidInputError for lists and objects, which Crisp does not take."""
    for name, value in details.items():
        if not isinstance(value, str | int | float | bool):
            raise errors.InvalidInputError(
                f"The value of `{errors.excerpt(name, 60)}` is not a text, a number, true or false.",
                "Pass one plain value for each name.",
            )
    return dict(details)


# -- conversations ----------------------------------------------------------------------------------------------------


def conversation_row(one: Session, names: Mapping[str, str]) -> Row:
    """Return what a list tells of a conversation; `names` are the operators'."""
    assigned, unread = one.text("assigned.user_id"), one.text("unread.operator")
    return full(
        {
            "conversation": one.session_id,
            "name": one.text("meta.nickname"),
            "email": one.text("meta.email"),
            "phone": one.text("meta.phone"),
            "subject": one.text("meta.subject", "topic"),
            "state": one.text("state"),
            "unread": unread if unread != "0" else "",
            "assigned": names.get(assigned, assigned),
            "segments": ", ".join(listed_texts(one.at("meta.segments"))),
            "last_message": one.text("last_message", "preview_message.excerpt"),
            "waiting_since": time_of(one.at("waiting_since")),
            "updated": time_of(one.at("updated_at")),
            "blocked": "yes" if one.at("is_blocked") is True else "",
        }
    )


def message_row(message: Thing) -> Row:
    """Return a message or note; a file as its name and address, other things by the text in them."""
    content = message.at("content")
    text = content if isinstance(content, str) else message.text("content.text", "content.name", "content.namespace")
    return full(
        {
            "message": message.text("fingerprint"),
            "type": message.text("type"),
            "from": message.text("user.nickname") or message.text("from"),
            "side": {"user": "customer", "operator": "us"}.get(message.text("from"), ""),
            "at": time_of(message.at("timestamp")),
            "text": text,
            "file": message.text("content.url"),
        }
    )
