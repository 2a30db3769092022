"""Teams, scenarios, webhooks and data stores by the names that people give them; times in the user's own zone."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import choose, errors, readable, settings_of
from flotilla.parsing import listed, zone_or

from .client import api, integration
from .models import DataStore, Hook, Organization, Team

PAGES, MOST = 10, 1000  # pages of a list among which a name is looked for, and items of one

TeamRef = Annotated[
    str | None, Field(description="Name or id of the team, from make_list_teams; the usual one without it.")
]
ScenarioRef = Annotated[
    str, Field(description="Name or id of the scenario, from make_list_scenarios.", examples=["925"])
]
DataStoreRef = Annotated[
    str, Field(description="Name or id of the data store, from make_list_data_stores.", examples=["137"])
]


async def account_zone() -> ZoneInfo:
    """Return the time zone of the connected user, in which times are read and shown."""
    metadata = api.connection.metadata
    if "zone" not in metadata:
        user = (await api.get("/users/me")).get("authUser")
        metadata["zone"] = zone_or(user.get("timezone") if isinstance(user, dict) else None, api.zone)
    zone: ZoneInfo = metadata["zone"]
    return zone


async def everything(path: str, at: str, **params: str) -> list[dict[str, Any]]:
    """Return the items of all pages of a list."""
    items: list[dict[str, Any]] = []
    for page in range(PAGES):
        paged = {**params, "pg[limit]": MOST, "pg[offset]": page * MOST}
        rows = await api.rows(path, at, params=paged, missing=True)
        items += rows
        if len(rows) < MOST:
            break
    return items


async def organizations() -> list[Organization]:
    """Return the organizations of the connected user, who is asked for once in a process."""
    metadata = api.connection.metadata
    if "organizations" not in metadata:
        metadata["organizations"] = readable(Organization, await everything("/organizations", "organizations"))
    known: list[Organization] = metadata["organizations"]
    return known


async def teams() -> list[Team]:
    """Return the teams of the connected user, with the names of their organizations."""
    metadata = api.connection.metadata
    if "teams" not in metadata:
        members: list[Team] = []
        for one in await organizations():
            rows = readable(Team, await everything("/teams", "teams", organizationId=one.id))
            members += [row.model_copy(update={"organization": one.name, "organization_id": one.id}) for row in rows]
        metadata["teams"] = members
    known: list[Team] = metadata["teams"]
    return known


async def team_of(ref: str | None) -> str:
    """Return the id of a team by its id or name; without one that of the settings, or the only one.

    Raises what `choose` does, and errors.InvalidInputError where several teams could be meant.
    """
    wanted = (ref or settings_of(integration).team).strip()
    if wanted.isascii() and wanted.isdecimal():
        return wanted
    known = await teams()
    if wanted:
        return choose(wanted, known, kind="team", listed_by="make_list_teams").id
    if len(known) != 1:
        raise errors.InvalidInputError(
            f"There are {len(known)} teams, and none is named.",
            f"Pass one as team: {listed(one.name for one in known)}." if known else "Ask the user for a team in Make.",
        )
    return known[0].id


async def scenarios(team: str | None) -> list[dict[str, Any]]:
    """Return the scenarios of a team, or of all teams where neither the call nor the settings name one."""
    if team or settings_of(integration).team:
        return await everything("/scenarios", "scenarios", teamId=await team_of(team))
    rows: list[dict[str, Any]] = []
    for one in await organizations():
        rows += await everything("/scenarios", "scenarios", organizationId=one.id)
    return rows


async def scenario_of(ref: str) -> dict[str, Any]:
    """Return a scenario by its id or name; raises what `choose` does."""
    wanted = ref.strip()
    if not (wanted.isascii() and wanted.isdecimal()):
        known = [one for one in await scenarios(None) if one.get("id")]
        wanted = str(choose(wanted, known, kind="scenario", listed_by="make_list_scenarios")["id"])
    scenario = (await api.get(f"/scenarios/{wanted}"))["scenario"]
    if not isinstance(scenario, dict) or not scenario.get("id"):
        raise errors.UpstreamError("Make answered without the scenario.", "Try again; if it stays, tell the user.")
    return scenario


async def scenario_id(ref: str) -> str:
    """Return the id of a scenario by its id or name; raises what `choose` does."""
    wanted = ref.strip()
    return wanted if wanted.isascii() and wanted.isdecimal() else str((await scenario_of(wanted))["id"])


async def hooks(team: str) -> list[Hook]:
    """Return the webhooks of a team."""
    return readable(Hook, await everything("/hooks", "hooks", teamId=team))


async def data_store_of(ref: str) -> str:
    """Return the id of a data store by its id or name, of any team; raises what `choose` does."""
    wanted = ref.strip()
    if wanted.isascii() and wanted.isdecimal():
        return wanted
    rows: list[dict[str, Any]] = []
    ids = [await team_of(None)] if settings_of(integration).team else [one.id for one in await teams()]
    for one in ids:
        rows += await everything("/data-stores", "dataStores", teamId=one)
    return choose(wanted, readable(DataStore, rows), kind="data store", listed_by="make_list_data_stores").id
