"""Things by the names that people give them: teammates, teams, tags, people, companies, conversations, tickets."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from flotilla import Address, Phone, choose, connection_of, errors, readable, segment, settings_of
from flotilla.parsing import PhoneError, folded, listed, looks_like_phone, zone_or

from .client import api, integration
from .models import Firm, Me, Named, Person

CONTACT_ID = re.compile(r"[0-9a-f]{24}")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24}")
MACRO_PAGES = 6  # of fifty
COMPANY_PAGES = 5  # of fifty, among which a name is looked for
LISTS = {
    "teammate": ("/admins", "admins"),
    "team": ("/teams", "teams"),
    "tag": ("/tags", "data"),
    "segment": ("/segments", "segments"),
}
_ITEM = re.compile(r"(?:(?P<kind>conversation|ticket)s?\s*[:#/ ]\s*|#)?(?P<number>\d{1,20})")
_LINK = re.compile(r"https://app\.(?:eu\.|au\.)?intercom\.com/\S*?/conversations?/(?P<number>\d{1,20})\b")


def checked_item(text: str) -> str:
    """Return a conversation or ticket as conversation:215 or ticket:12; raises ValueError."""
    written = _ITEM.fullmatch(text.strip().lower()) or _LINK.match(text.strip())
    if not written:
        raise ValueError(
            f"`{errors.excerpt(text, 60)}` is not a conversation or ticket; write conversation:215 or ticket:12"
        )
    return f"{written.groupdict().get('kind') or 'conversation'}:{written['number']}"


def checked_record(text: str) -> str:
    """Return a conversation, ticket, contact or company as kind:name; raises ValueError.

    A number is a conversation, an e-mail address or phone number with + a contact.
    """
    kind, colon, name = text.strip().partition(":")
    if colon and kind.lower() in ("contact", "company") and name.strip():
        return f"{kind.lower()}:{name.strip()}"
    if "@" in text or text.strip().startswith("+"):
        return f"contact:{text.strip()}"
    with suppress(ValueError):
        return checked_item(text)
    raise ValueError(
        f"`{errors.excerpt(text, 60)}` names nothing; write conversation:215, ticket:12, contact:jean@dupont.example "
        "or company:Boulangerie Roy"
    )


ItemRef = Annotated[
    str,
    AfterValidator(checked_item),
    Field(
        description="Conversation or ticket, from intercom_list_conversations.",
        examples=["conversation:215"],
    ),
]
RecordRef = Annotated[
    str,
    AfterValidator(checked_record),
    Field(
        description="conversation:215, ticket:12, contact:jean@dupont.example or company:Boulangerie Roy.",
        examples=["conversation:215"],
    ),
]
ContactRef = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        description="E-mail address, phone number, name or external number of the person.",
        examples=["jean@dupont.example"],
    ),
]
Assignee = Annotated[str, Field(description="me, nobody, or the name of a teammate or team.", examples=["Support"])]


def split(ref: str) -> tuple[str, str]:
    """Return kind and number or name of a record."""
    kind, _, name = ref.partition(":")
    return kind, name


# -- the account ------------------------------------------------------------------------------------------------------


async def me() -> Me:
    """Return the token's owner with the workspace, asked for once in a process."""
    metadata = api.connection.metadata
    if "me" not in metadata:
        metadata["me"] = Me.model_validate(await api.get("/me"))
    owner: Me = metadata["me"]
    return owner


async def writer_id() -> str:
    """Return the id of the teammate in whose name is written: that of the settings, else the token's owner."""
    if name := settings_of(integration).teammate:
        return (await pick("teammate", name)).id
    return (await me()).id


async def account_zone() -> ZoneInfo:
    """Return the workspace's time zone, in which times are read and shown."""
    return zone_or(str((await me()).app.get("timezone") or ""), api.zone)


async def link_to(kind: str, number: str) -> str | None:
    """Return the address of a conversation or contact in Intercom, None where the workspace's code is not known."""
    app = (await me()).app
    if not app.get("id_code"):
        return None
    region = {"EU": "eu.", "AU": "au."}.get(str(app.get("region") or "").upper(), "")
    inbox = f"https://app.{region}intercom.com/a/inbox/{app['id_code']}/inbox/conversation/{number}"
    people = f"https://app.{region}intercom.com/a/apps/{app['id_code']}/users/{number}/all-conversations"
    return people if kind == "contact" else inbox


def local(seconds: Any, zone: ZoneInfo) -> str | None:
    """Return Unix seconds as a time in a zone; None for none."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds:
        return None
    with suppress(OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(int(seconds), UTC).astimezone(zone).isoformat()
    return None


# -- names ------------------------------------------------------------------------------------------------------------


async def known(kind: str, fresh: bool = False) -> list[Named]:
    """Return all teammates, teams, tags, segments or macros, read once in a process unless `fresh`."""
    metadata = api.connection.metadata
    if fresh or kind not in metadata:
        rows = await _macros() if kind == "macro" else await api.rows(*LISTS[kind], missing=True)
        metadata[kind] = [one.model_copy(update={"kind": kind}) for one in readable(Named, rows)]
    result: list[Named] = metadata[kind]
    return result


async def _macros() -> list[Any]:
    rows: list[Any] = []
    cursor: str | None = None
    for _ in range(MACRO_PAGES):
        answer = await api.get("/macros", params={"per_page": 50, "starting_after": cursor})
        rows += api.rows_in(answer, "data", missing=True)
        cursor = next_cursor(answer)
        if not cursor:
            break
    return rows


async def pick(kind: str, text: str) -> Named:
    """Return the teammate, team, tag, segment or macro that is meant; read anew where none is.

    Raises errors.InvalidInputError with the candidates where several fit, errors.NotFoundError where none does.
    """
    with suppress(errors.NotFoundError):
        return _chosen(kind, text, await known(kind))
    return _chosen(kind, text, await known(kind, fresh=True))


def _chosen(kind: str, text: str, items: list[Named]) -> Named:
    if of_mail := [one for one in items if one.email and one.email.casefold() == text.strip().casefold()]:
        return of_mail[0]
    parts = kind in ("teammate", "macro")
    return choose(text, items, name=lambda one: one.name or "", kind=kind, parts=parts)


async def assignee(text: str) -> Named:
    """Return whom a person means: a teammate or a team; `me` is the token's owner, `nobody` has the id 0.

    Raises errors.InvalidInputError where a teammate and a team have the name: write team:Support then.
    """
    kind, colon, name = (part.strip() for part in text.partition(":"))
    if colon and kind.lower() in ("team", "teammate"):
        return await pick(kind.lower(), name)
    if folded(text) in ("nobody", "none", "unassigned", "personne"):
        return _named("0", "nobody")
    if folded(text) in ("me", "moi"):
        number = await writer_id()
        return _named(number, await name_of("teammate", number))
    for fresh in (False, True):
        people, teams = await known("teammate", fresh), await known("team", fresh)
        matching = []
        for items in (people, teams):
            with suppress(errors.NotFoundError):
                matching.append(_chosen(items[0].kind if items else "teammate", text, items))
        if len(matching) == 1:
            return matching[0]
        if matching:
            raise errors.InvalidInputError(
                f"`{errors.excerpt(text, 60)}` is a teammate and a team.",
                f"Write teammate:{matching[0].id} or team:{matching[1].id}.",
            )
    names = listed(one.name or one.id for one in (*people, *teams))
    raise errors.NotFoundError(f"No teammate or team is called `{errors.excerpt(text, 60)}`.", f"There are: {names}.")


def _named(number: str, name: str | None) -> Named:
    return Named.model_validate({"id": number, "name": name, "kind": "teammate"})


async def name_of(kind: str, number: str | None) -> str | None:
    """Return the name of a teammate or team by its id, the id where it is not known, None for none."""
    if not number or number == "0":
        return None
    return next((one.name for one in await known(kind) if one.id == number and one.name), number)


# -- searches ---------------------------------------------------------------------------------------------------------


def equal(field: str, value: Any) -> dict[str, Any]:
    """Return a filter: the field has this value, or one of these."""
    return {"field": field, "operator": "IN" if isinstance(value, list) else "=", "value": value}


def contains(field: str, value: str) -> dict[str, Any]:
    """Return a filter: the text is part of the field."""
    return {"field": field, "operator": "~", "value": value}


def any_of(filters: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a filter that lets pass what fits one of these."""
    return filters[0] if len(filters) == 1 else {"operator": "OR", "value": filters}


def all_of(filters: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a filter that lets pass what fits all of these; Intercom does not mix groups with single filters."""
    if len(filters) == 1:
        return filters[0]
    groups, single = [one for one in filters if "field" not in one], [one for one in filters if "field" in one]
    if groups and single:
        filters = [{"operator": "AND", "value": single}, *groups]
    return {"operator": "AND", "value": filters}


async def search(noun: str, query: dict[str, Any], limit: int, cursor: str | None = None) -> dict[str, Any]:
    """Search contacts, conversations or tickets; the answer has `pages` and `total_count`."""
    paging = {"per_page": limit, **({"starting_after": cursor} if cursor else {})}
    return await api.post(f"/{noun}/search", json={"query": query, "pagination": paging}, reads=True)


def next_cursor(answer: Any) -> str | None:
    """Return the cursor of the next page."""
    pages = answer.get("pages") if isinstance(answer, dict) else None
    following = pages.get("next") if isinstance(pages, dict) else None
    cursor = following.get("starting_after") if isinstance(following, dict) else None
    return str(cursor) if cursor else None


# -- people -----------------------------------------------------------------------------------------------------------


def phone_filters(text: str) -> list[dict[str, Any]]:
    """Return the filters for a phone number in its usual spellings; [] for what is not one."""
    if not looks_like_phone(text):
        return []
    with suppress(PhoneError):
        return [equal("phone", Phone.read(text).spellings(connection_of(integration).fleet.country)[:15])]
    return []


def email_filter(address: Address) -> dict[str, Any]:
    """Return the filter for an e-mail address, as it is written and in small letters."""
    spellings = list(dict.fromkeys([address.address.lower(), address.address]))
    return equal("email", spellings if len(spellings) > 1 else spellings[0])


def person_filters(text: str) -> list[dict[str, Any]]:
    """Return the filters for a person by e-mail address, phone number, external id or name: one of them must fit."""
    if "@" in text:
        return [email_filter(Address.read(text))]
    filters = [*phone_filters(text), equal("external_id", text.strip())]
    return filters if len(filters) > 1 else [*filters, contains("name", text.strip())]


async def people(text: str, limit: int = 20) -> list[Person]:
    """Return those who may be meant, by id, e-mail address, phone number, external id or name."""
    number = text.strip().removeprefix("contact:").strip()
    if CONTACT_ID.fullmatch(number):
        return [Person.model_validate(await api.get(f"/contacts/{segment(number)}"))]
    answer = await search("contacts", any_of(person_filters(number)), limit)
    return readable(Person, api.rows_in(answer, "data", missing=True))


async def person(text: str, exact: bool = False) -> Person:
    """Return the one who is meant. A user goes before leads of the same address, unless `exact`.

    Raises errors.NotFoundError where nobody is found, errors.InvalidInputError with the candidates where several are.
    """
    rows = await people(text)
    shown = errors.excerpt(text, 60)
    if not rows:
        raise errors.NotFoundError(
            f"Intercom has no contact `{shown}`.",
            "Check how it is written, or create one with intercom_create_contact; a new one is found after a minute.",
        )
    users = [one for one in rows if one.role == "user"]
    same = [one for one in rows if folded(one.name or "") == folded(text)]
    if len(rows) == 1:
        return rows[0]
    if len(same) == 1:
        return same[0]
    if not exact and len(users) == 1 and _same_person(rows):
        return users[0]
    names = _candidates([(one.shown, f"{one.role}, {one.id}") for one in rows])
    raise errors.InvalidInputError(f"More than one contact fits `{shown}`: {names}.", "Pass the number in brackets.")


def _candidates(rows: list[tuple[str, str]], most: int = 10) -> str:
    """Return names with their numbers in one line; the numbers stay whole."""
    shown = [f"{errors.excerpt(name, 60)} ({number})" for name, number in rows[:most]]
    return ", ".join(shown) + (f" and {len(rows) - most} more" if len(rows) > most else "")


def _same_person(rows: list[Person]) -> bool:
    return len({(one.email or one.phone or one.id).casefold() for one in rows}) == 1


# -- companies --------------------------------------------------------------------------------------------------------


async def companies(text: str) -> list[Firm]:
    """Return companies by Intercom's id, your own id, or name: exactly, else as a part of it."""
    name = text.strip().removeprefix("company:").strip()
    if UUID.fullmatch(name):
        return [Firm.model_validate(await api.get(f"/companies/{segment(name)}"))]
    for params in ({"name": name}, {"company_id": name}):
        with suppress(errors.NotFoundError):
            answer = await api.get("/companies", params=params)
            rows = answer["data"] if isinstance(answer.get("data"), list) else [answer]  # one comes by itself
            if matches := readable(Firm, [row for row in rows if isinstance(row, dict)]):
                return matches
    matches = []
    for page in range(1, COMPANY_PAGES + 1):
        answer = await api.post("/companies/list", params={"per_page": 50, "page": page}, reads=True)
        rows = api.rows_in(answer, "data", missing=True)
        matches += [one for one in readable(Firm, rows) if folded(name) in folded(one.name or "")]
        if len(rows) < 50:
            break
    return matches


async def company(text: str) -> Firm:
    """Return the company that is meant; raises as `person` does."""
    rows = await companies(text)
    if len(rows) == 1:
        return rows[0]
    shown = errors.excerpt(text.removeprefix("company:"), 60)
    if not rows:
        raise errors.NotFoundError(
            f"Intercom has no company `{shown}`.", "Check how it is written: it lists companies that have people only."
        )
    names = _candidates([(one.name or "", one.id) for one in rows])
    raise errors.InvalidInputError(f"More than one company fits `{shown}`: {names}.", "Pass the number in brackets.")
