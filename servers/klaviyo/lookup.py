"""Things by the names that people give them: people by address, lists, segments, metrics, campaigns by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from flotilla import Address, Phone, Timed, choose, connection_of, errors, readable, segment
from flotilla.parsing import folded, listed, looks_like_phone, zone_or

from .client import LARGE, SMALL, TINY, all_of, api, condition, everything, flat, integration
from .models import Account, Audience, CampaignRow, Flow, Metric, Profile, ProfileRow, TemplateRow

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
ID = re.compile(r"[A-Za-z0-9_-]{4,64}")
MAIL, SMS = "email", "sms"
DETAILS = {"additional-fields[profile]": "subscriptions,predictive_analytics"}
T = TypeVar("T", bound=Timed)
Named = TypeVar("Named", Audience, Metric)


def written(person: str) -> str:
    """Return an e-mail address, phone number or id as it was written; raises ValueError for what is none of them."""
    text = person.strip()
    if "@" in text:
        Address.read(text)
    elif not looks_like_phone(text) and not ID.fullmatch(text):
        raise ValueError(
            f"`{errors.excerpt(person, 60)}` is not an e-mail address, a phone number or the id of a profile"
        )
    return text


PersonText = Annotated[str, AfterValidator(written)]
Person = Annotated[
    PersonText,
    Field(
        description="E-mail address, phone number or profile id of the person.",
        examples=["jean.dupont@exemple.fr"],
    ),
]
ListRef = Annotated[
    str, Field(description="Name or id of the list, from klaviyo_list_audiences.", examples=["Newsletter"])
]
AudienceRef = Annotated[
    str, Field(description="Name or id of a list or segment, from klaviyo_list_audiences.", examples=["Newsletter"])
]
CampaignRef = Annotated[
    str, Field(description="Name or id of the campaign, from klaviyo_list_campaigns.", examples=["Soldes d'été"])
]
MetricRef = Annotated[
    str, Field(description="Name or id of the metric, from klaviyo_list_metrics.", examples=["Placed Order"])
]


# -- the account ------------------------------------------------------------------------------------------------------


async def account() -> Account:
    """Return the account, asked for once in a process; an empty one where Klaviyo names none."""
    metadata = api.connection.metadata
    if "account" not in metadata:
        rows = await api.rows("/api/accounts", "data", cost=TINY)
        matches = readable(Account, [flat(row) for row in rows])
        metadata["account"] = matches[0] if matches else Account(id="")
    known: Account = metadata["account"]
    return known


async def account_zone() -> ZoneInfo:
    """Return the account's time zone, in which times are read and shown."""
    return zone_or((await account()).timezone, api.zone)


async def within(items: Sequence[T]) -> list[T]:
    """Return items with their times in the account's zone."""
    zone = await account_zone()
    return [item.within(zone) for item in items]


# -- people -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identifier:
    """What names a person: one of the three."""

    field: str  # email, phone_number or id
    value: str

    @property
    def attributes(self) -> dict[str, str]:
        """What a resource object says of a person who may be new."""
        return {} if self.field == "id" else {self.field: self.value}


def identifier(person: str) -> Identifier:
    """Return what a text names a person by; raises errors.InvalidInputError for a number that does not exist."""
    if "@" in person:
        return Identifier("email", Address.read(person).address.lower())
    if looks_like_phone(person):
        return Identifier("phone_number", e164(Phone.read(person)))
    return Identifier("id", person)


def e164(phone: Phone) -> str:
    """Return a phone number as Klaviyo keeps it, +33612345678; one without a calling code is of FLOTILLA_COUNTRY."""
    return phone.e164(connection_of(integration).fleet.country)


async def find(person: str, details: bool = False) -> Profile | None:
    """Return a person's profile, None where Klaviyo does not know the address; `details`: consents and figures too.

    Raises errors.NotFoundError for an id that does not exist.
    """
    who, params, cost = identifier(person), DETAILS if details else {}, 1 if details else LARGE
    if who.field == "id":
        answer = await api.get(f"/api/profiles/{segment(who.value)}", params=params, cost=cost)
        return Profile.model_validate(flat(answer["data"]))
    params = {**params, "filter": condition("equals", who.field, who.value)}
    rows = [flat(row) for row in await api.rows("/api/profiles", "data", params=params, cost=cost)]
    matches = readable(Profile, rows)
    return matches[0] if matches else None


async def profile(person: str, details: bool = False) -> Profile:
    """Return a person's profile; raises errors.NotFoundError where there is none."""
    if matches := await find(person, details):
        return matches
    raise errors.NotFoundError(
        f"Klaviyo has no profile with {identifier(person).value}.",
        "Ask for another address or number, or make one with klaviyo_update_profile.",
    )


async def profiles(people: Sequence[str]) -> list[Profile]:
    """Return the profiles of people, each once; raises errors.NotFoundError that names those who are not there."""
    who = list(dict.fromkeys(identifier(person) for person in people))
    matches: dict[Identifier, Profile] = {}
    for field in ("email", "phone_number", "id"):
        values = [one.value for one in who if one.field == field]
        if not values:
            continue
        params = {"filter": condition("any", field, values), "page[size]": 100}
        rows = [flat(row) for row in await api.rows("/api/profiles", "data", params=params, cost=LARGE)]
        for one in readable(Profile, rows):
            value = {"email": (one.email or "").lower(), "phone_number": one.phone or "", "id": one.id}[field]
            matches[Identifier(field, value)] = one
    if unknown := [one.value for one in who if one not in matches]:
        raise errors.NotFoundError(
            f"Klaviyo has no profile with {listed(unknown)}; nothing was done.",
            "Leave them out, or make their profiles with klaviyo_update_profile.",
        )
    return list({matches[one].id: matches[one] for one in who}.values())


async def lists_of(person: ProfileRow) -> list[Audience]:
    """Return the lists that a person is in."""
    rows = await api.rows(f"/api/profiles/{segment(person.id)}/lists", "data", cost=SMALL)
    return readable(Audience, [flat(row) for row in rows])


# -- lists, segments, metrics: read whole, and kept -------------------------------------------------------------------


async def audiences(kind: str, fresh: bool = False) -> list[Audience]:
    """Return all lists, or all segments, by name. `fresh`: asked for now."""
    metadata, key = api.connection.metadata, f"{kind}s"
    if fresh or key not in metadata:
        rows = await everything(f"/api/{kind}s", Audience, params={"sort": "name"}, largest=10, cost=LARGE)
        metadata[key] = [row.model_copy(update={"kind": kind}) for row in rows]
    known: list[Audience] = metadata[key]
    return known


async def metrics(fresh: bool = False) -> list[Metric]:
    """Return all metrics. `fresh`: asked for now."""
    metadata = api.connection.metadata
    if fresh or "metrics" not in metadata:
        metadata["metrics"] = await everything("/api/metrics", Metric, largest=0)
    known: list[Metric] = metadata["metrics"]
    return known


def _has(ref: str, items: Sequence[Named]) -> bool:
    return any(ref.strip() == item.id or folded(ref) == folded(item.name) for item in items)


async def list_named(ref: str) -> Audience:
    """Return a list by name or id; raises what `choose` does, and says so where it is a segment."""
    known = await audiences("list")
    if not _has(ref, known):  # made since
        known = await audiences("list", fresh=True)
        if not _has(ref, known) and _has(ref, await audiences("segment")):
            raise errors.InvalidInputError(
                f"`{errors.excerpt(ref, 60)}` is a segment, which fills itself by its conditions.",
                "Pass a list of klaviyo_list_audiences.",
            )
    return choose(ref, known, kind="list", listed_by="klaviyo_list_audiences")


async def audience_named(ref: str) -> Audience:
    """Return a list or segment by name or id; raises what `choose` does."""
    known = [*await audiences("list"), *await audiences("segment")]
    if not _has(ref, known):
        known = [*await audiences("list", fresh=True), *await audiences("segment", fresh=True)]
    return choose(ref, known, kind="list or segment", listed_by="klaviyo_list_audiences")


async def metric_named(ref: str) -> Metric:
    """Return a metric by name or id; raises what `choose` does."""
    known = await metrics()
    if not _has(ref, known):
        known = await metrics(fresh=True)
    return choose(ref, known, kind="metric", listed_by="klaviyo_list_metrics")


async def live_flows(kind: str, thing: str) -> list[str] | None:
    """Return the names of the live flows that a list or metric starts; None where the key may not read flows."""
    path = f"/api/{kind}s/{segment(thing)}/flow-triggers"
    answer = await api.get(path, expected=(403,), cost=SMALL if kind == "list" else 1)
    if "data" not in answer:
        return None
    flows = readable(Flow, [flat(row) for row in api.rows_in(answer, "data")])
    return [flow.name for flow in flows if flow.status == "live" and not flow.archived]


# -- campaigns and templates: looked for by name ----------------------------------------------------------------------


async def campaign_named(ref: str) -> CampaignRow:
    """Return a campaign by name or id, the newest hundred of each channel; raises what `choose` does."""
    if ULID.fullmatch(ref.strip()):
        answer = await api.get(f"/api/campaigns/{segment(ref.strip())}")
        return CampaignRow.model_validate(flat(answer["data"]))
    matches: list[CampaignRow] = []
    for channel in (MAIL, SMS):
        matches += await _campaigns(channel, ref)
    if not any(folded(one.name) == folded(ref) for one in matches):  # accents may be written in another way
        for channel in (MAIL, SMS):
            matches += await _campaigns(channel)
    return choose(ref, matches, kind="campaign", listed_by="klaviyo_list_campaigns")


async def _campaigns(channel: str, name: str = "") -> list[CampaignRow]:
    conditions = [condition("equals", "messages.channel", channel)]
    if name:
        conditions.append(condition("contains", "name", name.strip()))
    params: dict[str, Any] = {"filter": all_of(conditions), "sort": "-created_at"}
    return await everything("/api/campaigns", CampaignRow, params=params, most=1)


async def template_named(ref: str) -> TemplateRow:
    """Return a template by name or id; raises what `choose` does."""
    text = ref.strip()
    narrow = condition("any", "id", [text]) if re.fullmatch(r"[A-Za-z0-9]{6}", text) else None
    for only in (narrow, condition("contains", "name", text)):
        if only and (matches := await _templates(only, 3)):
            return choose(ref, matches, kind="template")
    return choose(ref, await _templates(None, 100), kind="template")


async def _templates(only: str | None, most: int) -> list[TemplateRow]:
    params = {"filter": only, "sort": "-updated"}
    return await everything("/api/templates", TemplateRow, params=params, largest=10, most=most, cost=LARGE)
