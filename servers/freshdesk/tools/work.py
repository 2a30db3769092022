"""Time that was spent on tickets, and how customers rated the help.

https://developers.freshdesk.com/api/#time-entries
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, errors
from flotilla.parsing import period, to_utc

from ..client import V2, api
from ..lookup import TicketNumber, account_zone, agent_number, known_names, me, names, number_of
from ..models import Rating, TimeEntry

tools = Toolset("work")


@tools.writes(
    creates=True,
    search=(
        "temps passé note noter saisir saisie compter heures minutes facturable pointer durée travaillé log time "
        "spent record hours worked billable timesheet"
    ),
    examples=[
        "Note 20 minutes sur le ticket 35",
        "Log an hour on ticket 42",
        "J'ai passé une heure sur le 42",
        "Compte trente minutes de travail pour ce client",
        "Ajoute 1 h 30 non facturable au ticket",
        "Pointe un quart d'heure sur la panne",
        "Saisis mon temps sur le 35",
        "I spent half an hour on this one",
        "Record ninety minutes of work for 35",
        "Put down a quarter of an hour, not billable",
        "Enter my time on that ticket",
    ],
)
async def log_time(
    ticket: TicketNumber,
    time_spent: Annotated[str, Field(description="Hours and minutes, such as 1:30, or 20 min.", examples=["0:20"])],
    note: Annotated[str | None, Field(description="What was done in that time.")] = None,
    billable: Annotated[bool, Field(description="False for time that is not charged.")] = True,
    agent: Annotated[str | None, Field(description="Agent by name; whose key it is without it.")] = None,
    at: Annotated[When | None, Field(description="When it was done; now without it.")] = None,
) -> TimeEntry:
    """Log time that was spent on a ticket. It starts no timer, and the customer is not told.

    What was logged before stands in Freshdesk. To write what was done without a time, use freshdesk_add_note.
    """
    zone, mine = await account_zone(), await me()
    number = await agent_number(agent) if agent else int(mine.id)
    body = {
        "time_spent": _hours(time_spent),
        "note": note,
        "billable": billable,
        "agent_id": number,
        "executed_at": to_utc(at.at(zone)) if at else None,
    }
    path = f"{V2}/tickets/{number_of(ticket)}/time_entries"
    raw = await api.post(path, json=body)
    return _with_name(TimeEntry.model_validate(raw), {**known_names(), mine.id: mine.name}).within(zone)


def _hours(text: str) -> str:
    """Return a length of time as hh:mm; raises errors.InvalidInputError for what is none."""
    match = re.fullmatch(
        r"(?:(?P<h>\d{1,3})\s*(?::|h|hours?|heures?))?\s*(?:(?P<m>\d{1,4})\s*(?:m|min|minutes?)?)?",
        text.strip(),
        re.IGNORECASE | re.ASCII,
    )
    minutes = int(match["h"] or 0) * 60 + int(match["m"] or 0) if match else 0
    if not 0 < minutes < 100 * 60:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 40)}` is not a length of time.", "Write it like 1:30 or 20 min."
        )
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _with_name(entry: TimeEntry, people: dict[str, str]) -> TimeEntry:
    """Return an entry with its agent's name in place of the number."""
    agent = people.get(entry.agent, f"agent {entry.agent}") if entry.agent else None
    return entry.model_copy(update={"agent": agent})


@tools.reads(
    core=False,
    search=(
        "temps passé combien d'heures saisies relevé heures facturables pointées total durée par agent time "
        "entries timesheet how many hours long worked billable report spent so far"
    ),
    examples=[
        "Combien de temps a-t-on passé sur le 35 ?",
        "Combien d'heures Marie a-t-elle faites cette semaine ?",
        "Montre le relevé des heures facturables",
        "Qui a travaillé sur ce ticket et combien de temps ?",
        "How long did we work on 35?",
        "How many hours did Marie log this week?",
        "Show the timesheet for last month",
        "How much of that is billable?",
    ],
)
async def list_time_entries(
    ticket: Annotated[str | None, Field(description="Only those of this ticket, by its number.")] = None,
    agent: Annotated[str | None, Field(description="Only those of this agent, by name, or me.")] = None,
    after: Annotated[When | None, Field(description="Only work of this day or time, or later.")] = None,
    before: Annotated[When | None, Field(description="Only work before this time; a day is included.")] = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> Page[TimeEntry]:
    """List time that was logged, of one ticket, of one agent or of some days.

    Of one ticket all of it comes, and the other conditions do not count. To log time use freshdesk_log_time.
    """
    zone, people = await account_zone(), await names()
    if ticket:
        path, params = f"{V2}/tickets/{number_of(ticket)}/time_entries", dict[str, Any]()
    else:
        begin, end = period(after, before, zone, "after", "before")
        path = f"{V2}/time_entries"
        params = {
            "agent_id": await agent_number(agent) if agent else None,
            "executed_after": to_utc(begin) if begin else None,
            "executed_before": to_utc(end) if end else None,
        }
    page = await api.page(path, TimeEntry, params=params, limit=limit, cursor=cursor)
    return page.model_copy(update={"items": [_with_name(one, people).within(zone) for one in page.items]})


@tools.reads(
    core=False,
    search=(
        "satisfaction avis notes évaluations csat clients mécontents contents râlent se plaignent pensent de nous "
        "enquête ratings happy unhappy customers feedback reviews score survey complaints what do they think"
    ),
    examples=[
        "Les clients sont contents de nous ?",
        "Qui nous a mis une mauvaise note ?",
        "Quels avis avons-nous reçus cette semaine ?",
        "Montre les clients mécontents",
        "Que répondent les gens à l'enquête ?",
        "Are customers happy with us?",
        "Who gave us a bad score?",
        "Show me this week's feedback",
        "How did people rate our support?",
    ],
)
async def list_satisfaction_ratings(
    since: Annotated[When | None, Field(description="Only ratings of this day or time, or later.")] = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> Page[Rating]:
    """List how customers rated the help they got, with their feedback and the numbers of the tickets.

    Use it for what customers thought lately. The feedback is the customers' own words. Read the ticket of one with
    freshdesk_get_ticket.
    """
    zone = await account_zone()
    params = {"created_since": to_utc(since.at(zone)) if since else None}
    page = await api.page(f"{V2}/surveys/satisfaction_ratings", Rating, params=params, limit=limit, cursor=cursor)
    return page.model_copy(update={"items": [one.within(zone) for one in page.items]})
