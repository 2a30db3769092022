"""What the account consists of: its users, pipelines, activity types and fields, read once a day.

It belongs to the credentials: another account is read anew. What a name does not fit is looked up once more.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from flotilla import Model, choose, connection_of, errors, readable, settings_of
from flotilla.parsing import folded, zone_or
from flotilla.state import digest

from .client import AUTH, CURSOR, V1, V2, accepted, api, integration

DAY = 86_400
MOST = 500  # rows that version 2 gives at a time
M = TypeVar("M", bound=Model)
T = TypeVar("T")


class Me(Model):
    """The person whose credentials these are. https://developers.pipedrive.com/docs/api/v1/Users#getCurrentUser"""

    id: int
    name: str = ""
    email: str = ""
    timezone_name: str | None = None
    default_currency: str | None = None
    company_domain: str | None = None


class User(Model):
    """A user of the company. https://developers.pipedrive.com/docs/api/v1/Users#getUsers"""

    id: int
    name: str = ""
    email: str = ""
    active_flag: bool = True


class Pipeline(Model):
    """A pipeline. https://developers.pipedrive.com/docs/api/v1/Pipelines#getPipelines"""

    id: int
    name: str
    order_nr: int | None = 0
    is_deleted: bool | None = False


class Stage(Model):
    """A stage of a pipeline. https://developers.pipedrive.com/docs/api/v1/Stages#getStages"""

    id: int
    name: str
    pipeline_id: int
    order_nr: int | None = 0
    is_deleted: bool | None = False


class ActivityType(Model):
    """A kind of activity. https://developers.pipedrive.com/docs/api/v1/ActivityTypes#getActivityTypes"""

    id: str = Field(alias="key_string")
    name: str
    active_flag: bool | None = True


class LeadLabel(Model):
    """A label of leads. https://developers.pipedrive.com/docs/api/v1/LeadLabels#getLeadLabels"""

    id: str
    name: str


class Option(Model):
    """One choice of a field."""

    id: int | str
    label: str = ""


class FieldInfo(Model):
    """A field of deals, persons or organizations. https://developers.pipedrive.com/docs/api/v1/DealFields"""

    model_config = ConfigDict(populate_by_name=True, extra="ignore")

    code: str = Field(alias="field_code")
    name: str = Field(alias="field_name")
    type: str = Field(alias="field_type")
    custom: bool = Field(False, alias="is_custom_field")
    options: list[Option] | None = None


class Place(NamedTuple):
    """A stage and its pipeline."""

    stage: int
    pipeline: int
    name: str  # pipeline/stage


async def cached(name: str, path: str, model: type[M], *, paged: bool = False, renew: bool = False) -> list[M]:
    """Return a list of the account's setup as it was read in the last day. `paged`: a list of version 2."""
    option = AUTH.chosen
    owner = digest(settings_of(integration).base_url, option.value("token") or option.value("refresh_token"))
    state = connection_of(integration).state
    saved = state.cached(name) or {}
    if not renew and saved.get("of") == owner and saved.get("at", 0) > time.time() - DAY:
        return [model.model_validate(row) for row in saved["rows"]]
    rows = readable(model, await _rows(path, paged))
    dumped = [row.model_dump(mode="json", by_alias=True) for row in rows]
    state.cache(name, {"of": owner, "at": time.time(), "rows": dumped})
    return rows


async def _rows(path: str, paged: bool) -> list[dict[str, Any]]:
    """Return all rows of a list, up to four pages of it."""
    if not paged:
        return api.rows_in(accepted(await api.get(path)), "data", missing=True)
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(4):
        answer = accepted(await api.get(path, params=CURSOR.query(MOST, cursor)))
        rows += api.rows_in(answer, "data", missing=True)
        if not (cursor := CURSOR.read(answer, {}, MOST, cursor)[1]):
            break
    return rows


async def renewed(read: Callable[[bool], Awaitable[T]]) -> T:
    """Return what `read(False)` makes of what is kept; what does not fit is read anew with True."""
    with suppress(errors.InvalidInputError, errors.NotFoundError):
        return await read(False)
    return await read(True)


async def me() -> Me:
    """Return whose credentials these are."""
    metadata = connection_of(integration).metadata
    if "me" not in metadata:
        metadata["me"] = Me.model_validate(accepted(await api.get(f"{V1}/users/me"))["data"])
    result: Me = metadata["me"]
    return result


async def zone() -> ZoneInfo:
    """Return the person's own time zone: that of times without an offset, and of those in results."""
    return zone_or((await me()).timezone_name, api.zone)


def known_me() -> Me | None:
    """Return whose credentials these are, None where that was not read yet."""
    result: Me | None = connection_of(integration).metadata.get("me")
    return result


async def users(renew: bool = False) -> list[User]:
    """Return the company's users."""
    return await cached("users", f"{V1}/users", User, renew=renew)


async def owner_id(text: str | None) -> int | None:
    """Return a user's id, by id, e-mail address, whole or first name; `me` is the person itself.

    Raises errors.InvalidInputError with the candidates where several fit, errors.NotFoundError where none does.
    """
    if text is None:
        return None
    if folded(text) in ("me", "moi"):
        return (await me()).id

    async def read(renew: bool) -> int:
        people = [one for one in await users(renew) if one.active_flag]
        of_mail = [one for one in people if folded(one.email) == folded(text)]
        return (of_mail[0] if of_mail else choose(text, people, kind="user", parts=True)).id

    return await renewed(read)


async def user_names() -> dict[int, str]:
    """Return the users' names by id; nothing where the credentials may not read them."""
    with suppress(errors.PermissionDeniedError):
        return {one.id: one.name for one in await users()}
    return {}


async def pipelines(renew: bool = False) -> list[Pipeline]:
    """Return the pipelines in use, in order."""
    rows = await cached("pipelines", f"{V2}/pipelines", Pipeline, paged=True, renew=renew)
    return sorted((one for one in rows if not one.is_deleted), key=lambda one: (one.order_nr or 0, one.id))


async def stages(renew: bool = False) -> list[Stage]:
    """Return the stages in use, in order."""
    rows = await cached("stages", f"{V2}/stages", Stage, paged=True, renew=renew)
    return sorted((one for one in rows if not one.is_deleted), key=lambda one: (one.order_nr or 0, one.id))


async def places(renew: bool = False) -> list[Place]:
    """Return every stage with its pipeline, in order."""
    steps = await stages(renew)
    lines = await pipelines(renew)
    return [
        Place(step.id, line.id, f"{line.name}/{step.name}")
        for line in lines for step in steps if step.pipeline_id == line.id
    ]  # fmt: skip


async def pipeline_id(name: str) -> int:
    """Return a pipeline's id by its name; raises as `choose` does."""

    async def read(renew: bool) -> int:
        return choose(name, await pipelines(renew), kind="pipeline").id

    return await renewed(read)


async def place(stage: str, pipeline: int | None = None) -> Place:
    """Return the stage of a name or of "pipeline/stage"; `pipeline` is the id of the one whose stages go first.

    Raises errors.InvalidInputError where several stages fit, errors.NotFoundError where none does.
    """

    async def read(renew: bool) -> Place:
        known = await places(renew)
        own = [one for one in known if one.pipeline == pipeline]
        with suppress(errors.NotFoundError):
            return _chosen(stage, own)
        return _chosen(stage, known)

    return await renewed(read)


def _chosen(stage: str, known: list[Place]) -> Place:
    return choose(stage, known, id=lambda one: str(one.stage), name=lambda one: one.name, kind="stage")


async def activity_types(renew: bool = False) -> list[ActivityType]:
    """Return the kinds of activity in use."""
    rows = await cached("activity-types", f"{V1}/activityTypes", ActivityType, renew=renew)
    return [one for one in rows if one.active_flag is not False]


async def activity_type(name: str) -> str:
    """Return the key of a kind of activity by its name or key; raises as `choose` does."""

    async def read(renew: bool) -> str:
        known = await activity_types(renew)
        own = [one for one in known if folded(one.id) == folded(name)]
        return (own[0] if own else choose(name, known, kind="activity type")).id

    return await renewed(read)


async def lead_label_ids(names: list[str]) -> list[str]:
    """Return the ids of leads' labels by their names; raises as `choose` does."""

    async def read(renew: bool) -> list[str]:
        known = await cached("lead-labels", f"{V1}/leadLabels", LeadLabel, renew=renew)
        return [choose(name, known, kind="lead label").id for name in names]

    return await renewed(read)


async def fields(kind: str, renew: bool = False) -> list[FieldInfo]:
    """Return the fields of "deal", "person", "organization" or "product"."""
    return await cached(f"fields-{kind}", f"{V2}/{kind}Fields", FieldInfo, paged=True, renew=renew)
