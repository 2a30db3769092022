"""Activities: calls, meetings, tasks, and when they are due. https://developers.pipedrive.com/docs/api/v1/Activities"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, When, errors
from flotilla.parsing import folded, period

from .. import account, records, values
from ..client import V2, record
from ..models import Row, RowPage, Saved, Thing
from ..records import OwnerRef, RecordRef

tools = Toolset("activities")
READ = ["activities:read deals:read contacts:read users:read", "activities:full deals:full contacts:full users:read"]
WRITE = [
    "search:read activities:full deals:read contacts:read users:read",
    "search:read activities:full deals:full contacts:full users:read",
]
PAGES = 5  # that are read for a page of results, where most rows are outside of the period
FIELDS = {"deal": "deal_id", "person": "person_id", "organization": "org_id", "lead": "lead_id"}
Type = Annotated[str | None, Field(description="Type by name, such as Call.")]
Minutes = Annotated[int | None, Field(ge=1, le=1439, description="Length in minutes.")]


@tools.reads(
    scopes=READ,
    search=(
        "mes activités tâches rappels rendez-vous à faire aujourd'hui en retard agenda todo overdue due "
        "planning journée programme ce qui m'attend rdv prévu échéance coups de fil relances restantes "
        "schedule upcoming to-dos follow-ups late my day calls left appointments plate rappeler demain "
        "matin tomorrow supposed ring"
    ),
    examples=[
        "Qu'est-ce que j'ai à faire aujourd'hui ?",
        "Which calls are overdue?",
        "J'ai quoi de prévu demain ?",
        "C'est quoi mon programme cette semaine ?",
        "Qui est-ce que je dois rappeler ce matin ?",
        "Est-ce que j'ai des relances en retard ?",
        "Il me reste des trucs à faire avant ce soir ?",
        "What's on my plate today?",
        "What do I have coming up this week?",
        "Who am I supposed to ring back?",
        "Anything I forgot to do?",
        "Show the team's appointments for Monday",
    ],
)
async def list_activities(
    owner: Annotated[str, Field(description="Whose: me, a name or e-mail, or all.")] = "me",
    status: Annotated[Literal["open", "done", "all"], Field(description="To be done, done, or both.")] = "open",
    start: Annotated[When | None, Field(description="Only those due from this time or day on.")] = None,
    end: Annotated[When | None, Field(description="Only those due before this time or day's end.")] = None,
    about: Annotated[RecordRef | None, Field(description="Only those of this record, by number or name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """List activities (calls, meetings, tasks) by when they are due, the earliest first.

    Without `start` overdue ones come first. Returns rows with person, deal and the record (activity:401) that
    pipedrive_update_activity takes.
    """
    at = await account.zone()
    after, before = period(start, end, at)
    params: dict[str, Any] = {
        "owner_id": None if folded(owner) in ("all", "tous", "toutes") else await account.owner_id(owner),
        "done": {"open": "false", "done": "true"}.get(status),
        "sort_by": "due_date",
        "sort_direction": "asc",
    }
    if about:
        kind, key = await records.resolved(about)
        params[FIELDS[kind]] = key
    rows: list[Row] = []
    for _ in range(PAGES):
        things, cursor = await records.listed(f"{V2}/activities", limit, cursor, params)
        rows = await records.activity_rows([one for one in things if _inside(one, after, before, at)])
        if before and things and (last := _due(things[-1], at)) and last >= before:
            cursor = None  # they come in order: all others are later
        if rows or not cursor:
            break
    return RowPage(items=rows, next_cursor=cursor)


def _due(thing: Thing, at: ZoneInfo) -> datetime | None:
    """Return when an activity is due, None where it is not said."""
    text = values.due(thing.text("due_date"), thing.text("due_time"), at)
    return When.read(text).at(at) if text[:4].isdecimal() and len(text) in (10, 25) else None


def _inside(thing: Thing, after: datetime | None, before: datetime | None, at: ZoneInfo) -> bool:
    if not (after or before):
        return True
    moment = _due(thing, at)
    return moment is not None and (after is None or moment >= after) and (before is None or moment < before)


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "planifie crée ajoute activité appel rappel rendez-vous tâche relance prochaine schedule book "
        "call meeting rdv rappelle-moi pense-bête programmer caler fixer noter prendre déjeuner "
        "échéance remind reminder follow-up set up plan callback lunch demo appointment to-do faut que "
        "je rappelle dans jours semaine in days next week"
    ),
    examples=[
        "Prévois un appel avec Zoé jeudi à 10 h",
        "Book the next call for Friday at nine",
        "Rappelle-moi de le relancer lundi",
        "Cale un rendez-vous avec eux mercredi matin",
        "Mets une tâche pour envoyer le devis demain",
        "Il faut que je la rappelle dans quinze jours",
        "Fixe une démo la semaine prochaine à 14 h",
        "Remind me to chase this client on Monday",
        "Set up a meeting with them next Tuesday",
        "Put a to-do for sending the quote",
        "I need to call her back in two weeks",
        "Pencil in a lunch with the buyer",
    ],
)
async def create_activity(
    subject: Annotated[str, Field(min_length=1, description="What is to be done.", examples=["Appeler pour le devis"])],
    due: Annotated[When, Field(description="When: a time, or a day for the whole day.", examples=["2030-06-03T09:00"])],
    about: Annotated[
        list[RecordRef] | None,
        Field(description="Deal, lead, person, organization, one of each.", examples=[["deal:77"]]),
    ] = None,
    type: Type = None,  # noqa: A002 - Pipedrive's word
    minutes: Minutes = None,
    owner: OwnerRef = None,
    text: Annotated[str | None, Field(description="Notes for colleagues only.")] = None,
) -> Saved:
    """Book an activity (call, meeting, task) with its time, on a deal, lead, person or organization. Nobody is invited.

    A deal alone brings its person and organization along. A time without an offset is in the user's own zone.
    """
    body: dict[str, Any] = {
        "subject": subject.strip(),
        "type": await account.activity_type(type) if type else None,
        "owner_id": await account.owner_id(owner),
        **await _about(about or []),
        **_times(due, await account.zone()),
        "duration": _duration(minutes),
        "note": values.as_html(text) if text else None,
    }
    return await _saved(await record("POST", f"{V2}/activities", json=body))


async def _about(refs: list[str]) -> dict[str, Any]:
    """Return what an activity is linked to; a deal alone brings its person and organization along."""
    links: dict[str, str] = {}
    for kind, key in [await records.resolved(ref) for ref in dict.fromkeys(refs)]:
        if links.setdefault(kind, key) != key:
            raise errors.InvalidInputError(f"An activity has one {kind}.", "Make another activity for the second one.")
    person, organization = links.get("person"), links.get("organization")
    if set(links) == {"deal"}:
        deal = await records.one("deal", links["deal"])
        person, organization = deal.text("person_id"), deal.text("org_id")
    return {
        "deal_id": int(links["deal"]) if "deal" in links else None,
        "lead_id": links.get("lead"),
        "org_id": int(organization) if organization else None,
        "participants": [{"person_id": int(person), "primary": True}] if person else None,
    }


def _times(due: When, at: ZoneInfo) -> dict[str, str]:
    """Return day and time as Pipedrive keeps them: the time of the day in UTC; a whole day has none."""
    if due.is_day:
        return {"due_date": due.day(at).isoformat()}
    moment = due.at(at).astimezone(UTC)
    return {"due_date": moment.date().isoformat(), "due_time": f"{moment:%H:%M}"}


def _duration(minutes: int | None) -> str | None:
    return f"{minutes // 60:02}:{minutes % 60:02}" if minutes else None


async def _saved(result: dict[str, Any]) -> Saved:
    thing = Thing.model_validate(result)
    due = values.due(thing.text("due_date"), thing.text("due_time"), await account.zone())
    status = {True: "done", False: "open"}.get(thing.get("done"))
    return records.saved("activity", thing, due=due or None, status=status)


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "termine coche fait activité tâche faite repousse décale déplace appel complete done reschedule "
        "postpone c'est réglé fini effectué reporte décaler avance annulé plus tard rouvre réassigne "
        "cocher rayer finished tick check off mark as delay move later reopen reassign snooze donne "
        "confie autre collègue hand give somebody else"
    ),
    examples=[
        "Marque l'appel comme fait",
        "Push the call to Friday at ten",
        "C'est bon, je l'ai rappelé, tu peux cocher",
        "Décale mon rendez-vous de demain à jeudi",
        "Reporte la relance à la semaine prochaine",
        "La visite est faite",
        "Donne cette tâche à ma collègue",
        "Tick off the demo, it went well",
        "I've called them, it's done",
        "Delay that follow-up until next week",
        "Move my ten o'clock to the afternoon",
        "Hand this task to somebody else",
    ],
)
async def update_activity(
    activity: Annotated[str, Field(description="Record from pipedrive_list_activities.", examples=["activity:401"])],
    done: Annotated[bool | None, Field(description="True when it is done, false to open it again.")] = None,
    due: Annotated[When | None, Field(description="New time; a day alone keeps the time of the day.")] = None,
    subject: Annotated[str | None, Field(min_length=1, description="New subject of the activity.")] = None,
    type: Type = None,  # noqa: A002 - Pipedrive's word
    owner: OwnerRef = None,
    text: Annotated[str | None, Field(description="Notes in place of those that are there.")] = None,
) -> Saved:
    """Mark an activity as done, open it again, move it to another time, or change subject, type, owner or notes.

    What is left out stays. The next one is booked with pipedrive_create_activity.
    """
    key = activity.strip().removeprefix("activity:")
    if not records.is_id("activity", key):
        raise errors.InvalidInputError(f"`{errors.excerpt(activity, 60)}` is not an activity.", "Write activity:401.")
    changes: dict[str, Any] = {
        "done": done,
        "subject": subject,
        "type": await account.activity_type(type) if type else None,
        "owner_id": await account.owner_id(owner),
        "note": values.as_html(text) if text else None,
        **(await _moved(due, key) if due else {}),
    }
    body = {name: value for name, value in changes.items() if value is not None}
    if not body:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    await account.me()
    result = await record("PATCH", f"{V2}/activities/{key}", json=body)
    return await _saved({"id": key, **result})


async def _moved(due: When, key: str) -> dict[str, str]:
    """Return the new time; of a day alone, with the time of the day that the activity has where it lives."""
    at = await account.zone()
    if due.is_day:
        thing = Thing.model_validate(await record("GET", f"{V2}/activities/{key}"))
        old = values.due(thing.text("due_date"), thing.text("due_time"), at)
        if len(old) == 25:  # a time with its offset
            return _times(When.read(f"{due.day(at).isoformat()}T{old[11:16]}"), at)
    return _times(due, at)
