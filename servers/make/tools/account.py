"""Teams, connections and usage. https://developers.make.com/api-documentation/api-reference"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, choose, errors, readable, sliced

from ..client import api
from ..lookup import TeamRef, organizations, team_of, teams
from ..models import Connection, DayOfUsage, Team, Usage

tools = Toolset("account")


@tools.reads(scopes=["organizations:read teams:read"], search="équipes organisations espaces teams organizations")
async def list_teams(limit: Limit = 50, cursor: Cursor = None) -> Page[Team]:
    """List the teams that the user is in, each with its organization. Other tools take the name of a team.

    Scenarios, webhooks and data stores belong to a team: see make_list_scenarios for what is in one.
    """
    return sliced(await teams(), limit, cursor)


@tools.reads(core=False, scopes=["connections:read"], search="connexions comptes identifiants services connections")
async def list_connections(team: TeamRef = None, limit: Limit = 20, cursor: Cursor = None) -> Page[Connection]:
    """List the connections of a team to other services, with the app, the account and when they expire.

    What they hold is never shown. A connection is made or renewed in Make itself; take the team from make_list_teams.
    """
    rows = await api.rows("/connections", "connections", params={"teamId": await team_of(team)}, missing=True)
    return sliced(readable(Connection, rows), limit, cursor)


@tools.reads(core=False, scopes=["organizations:read teams:read"], search="consommation crédits opérations quota usage")
async def get_usage(
    team: TeamRef = None,
    organization: Annotated[
        str | None, Field(description="Name of the organization, from make_list_teams; for all of its teams.")
    ] = None,
) -> Usage:
    """Get the operations, credits and bytes of the last 30 days, by day, of a team or of a whole organization.

    Without either it is the only organization. For one scenario's runs, use make_list_executions.
    """
    if team:
        key = await team_of(team)
        return _usage(f"team {team}", await _days(f"/teams/{key}/usage"), None)
    known = await organizations()
    if organization is None and len(known) != 1:
        raise errors.InvalidInputError(
            f"There are {len(known)} organizations, and none is named.", "Pass one of make_list_teams as organization."
        )
    one = choose(organization, known, kind="organization", listed_by="make_list_teams") if organization else known[0]
    about = (await api.get(f"/organizations/{one.id}")).get("organization")
    licence = about.get("license") if isinstance(about, dict) else None
    limit = licence.get("operations") if isinstance(licence, dict) else None
    rows = await _days(f"/organizations/{one.id}/usage")
    return _usage(one.name, rows, limit if isinstance(limit, int) else None)


async def _days(path: str) -> list[DayOfUsage]:
    """Return the days of a usage, the newest last."""
    return sorted(readable(DayOfUsage, await api.rows(path, "data", missing=True)), key=lambda day: day.date)


def _usage(of: str, days: list[DayOfUsage], limit: int | None) -> Usage:
    return Usage(
        of=of,
        operations=sum(day.operations for day in days),
        credits=round(sum(day.credits for day in days), 2),
        bytes=sum(day.bytes for day in days),
        operations_limit=limit,
        days=days,
    )
