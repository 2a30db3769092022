"""Tasks, events and calls. https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_task.htm"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, When, errors
from flotilla.parsing import folded, period, to_utc
from flotilla.parsing import span as read_span

from .. import people, queries, records, schema, stages
from ..models import Rows, Scheduled
from ..records import About, RecordRef

tools = Toolset("activities")

TASK = "Id, Subject, ActivityDate, Status, Priority, Description, IsClosed, Who.Name, What.Name, Owner.Name"
EVENT = (
    "Id, Subject, StartDateTime, EndDateTime, IsAllDayEvent, ActivityDate, Location, Description, Who.Name, What.Name, "
    "Owner.Name"
)
Owner = Annotated[str | None, Field(description="Who has to do it: a name, a mail address, or me.")]
Text = Annotated[str | None, Field(max_length=32_000, description="Details as plain text.")]
Whose = Annotated[str, Field(description="Whose: me, a name or mail address, or all.")]
Of = Annotated[RecordRef | None, Field(description="Only those of this record.")]


async def _owned(owner: str) -> list[str]:
    if folded(owner) in ("all", "tous", "toutes", "everybody"):
        return []
    return [f"OwnerId = {queries.text(await people.owner_id(owner))}"]


async def _of(record: str | None) -> list[str]:
    if not record:
        return []
    kind, number = await records.resolved(record)
    field = "WhoId" if kind in ("Contact", "Lead") else "AccountId" if kind == "Account" else "WhatId"
    return [f"{field} = {queries.text(number)}"]


@tools.reads(
    scopes=["api"],
    search=(
        "mes tâches à faire aujourd'hui en retard relances rappels todo overdue due ce qui m'attend "
        "échéances dois rappeler restantes liste de relancer plate to-dos chase what do I have to "
        "reminders late outstanding pense-bêtes colleague's collègue"
    ),
    examples=[
        "Quelles sont mes tâches aujourd'hui ?",
        "Which follow-ups are overdue?",
        "J'ai quoi à faire ce matin ?",
        "Qui est-ce que je dois relancer ?",
        "Qu'est-ce qui est en retard ?",
        "Il me reste des rappels pour cette affaire ?",
        "Quels pense-bêtes a mon collègue ?",
        "What's on my to-do list?",
        "Who do I have to chase today?",
        "Anything I'm late on?",
        "What's outstanding for this account?",
        "Show the reminders for Friday",
    ],
)
async def list_tasks(
    owner: Whose = "me",
    before: Annotated[When | None, Field(description="Only those due on or before this day.")] = None,
    status: Annotated[Literal["open", "done", "all"], Field(description="Which tasks, by their status.")] = "open",
    about: Of = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """List tasks by owner, due day, status or record, those due first at the top; those without a day come last.

    Returns the Id that salesforce_update_task takes, subject, due day (ActivityDate), status, person and record.
    """
    zone = await people.zone()
    where = await _owned(owner) + await _of(about)
    where += [] if status == "all" else [f"IsClosed = {'true' if status == 'done' else 'false'}"]
    where += [f"ActivityDate <= {before.day(zone)}"] if before else []
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    fields = await schema.seen("Task", TASK)
    soql = f"SELECT {fields} FROM Task{condition} ORDER BY ActivityDate ASC NULLS LAST, Id"
    return await queries.page(soql, limit, cursor, zone)


@tools.writes(
    creates=True,
    scopes=["api"],
    search=(
        "crée tâche rappel relance rappelle-moi prochaine activité remind reminder follow up pense-bête "
        "penser à n'oublie pas il faut que je chose faire échéance don't forget to-do need to chase "
        "callback plan a call assign donner confie give colleague"
    ),
    examples=[
        "Rappelle-moi d'appeler Marie Durand jeudi",
        "Create a follow-up for the Roy deal",
        "Fais-moi penser à envoyer le devis demain",
        "Il faut que je les relance dans quinze jours",
        "Mets un pense-bête pour vendredi",
        "Rappelle-moi de lui téléphoner lundi",
        "Donne ça à faire à ma collègue",
        "Don't let me forget the quote",
        "I need to call them back on Monday",
        "Put it on my to-do list for Friday",
        "Remind me to chase this customer",
        "Give that job to a colleague",
    ],
)
async def create_task(
    subject: Annotated[
        str, Field(min_length=1, max_length=255, description="What is to be done.", examples=["Appeler"])
    ],
    due: Annotated[When, Field(description="Day when it is due; a time sets a reminder.", examples=["2030-06-03"])],
    about: About = None,
    owner: Owner = None,
    text: Text = None,
) -> Scheduled:
    """Create a task, such as the next follow-up, on a contact or lead, an opportunity or another record, or on none.

    Without an owner it is the connected user's. A time of day becomes a reminder. For a meeting with start and end, use
    salesforce_create_event.
    """
    zone = await people.zone()
    params: dict[str, Any] = {"Subject": subject, "ActivityDate": due.day(zone).isoformat(), "Description": text}
    params |= await records.split_about(about)
    params["OwnerId"] = await people.owner_id(owner) if owner else None
    if not due.is_day:
        params |= {"IsReminderSet": True, "ReminderDateTime": to_utc(due.at(zone))}
    ready = await records.prepared("Task", {k: v for k, v in params.items() if v is not None}, creating=True)
    saved = await records.create("Task", ready)
    at = due.day(zone).isoformat() if due.is_day else due.at(zone).isoformat(timespec="seconds")
    return Scheduled(**{**saved.model_dump(), "name": subject}, at=at, owner=owner)


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=["api"],
    search=(
        "termine coche fait tâche faite repousse échéance complete done task reschedule c'est réglé "
        "effectué cocher rayer reporte décale rouvre plus tard réassigne tick off finished postpone "
        "snooze delay later hand over reopen donne confie push"
    ),
    examples=[
        "Marque la tâche comme faite",
        "Push my reminder to Friday",
        "C'est bon, je l'ai relancé, tu peux cocher",
        "Reporte mon rappel à la semaine prochaine",
        "Raye ça de ma liste",
        "Décale l'échéance à mardi",
        "Passe cette tâche à mon collègue",
        "I've called them, tick it off",
        "Snooze that one until Monday",
        "Hand this to-do over to somebody else",
        "Reopen the follow-up, it isn't finished",
        "That's done",
    ],
)
async def update_task(
    task: Annotated[
        str,
        Field(min_length=1, description="Subject, or id from salesforce_list_tasks.", examples=["00TAP00000tAsk1MAE"]),
    ],
    status: Annotated[str | None, Field(description="done, open, or a status by its name.", examples=["done"])] = None,
    due: Annotated[When | None, Field(description="New due day; a time sets a reminder.")] = None,
    subject: Annotated[str | None, Field(min_length=1, max_length=255, description="New subject of the task.")] = None,
    owner: Owner = None,
) -> Scheduled:
    """Change a task: mark it done or open again, move its due day, reword it, or hand it to somebody else.

    What is left out stays. done means the closed status of the org, whatever it is called.
    """
    _, number = await records.resolved(task, "Task")
    params: dict[str, Any] = {"Subject": subject}
    params["Status"] = (await stages.status("TaskStatus", status)).value if status else None
    params["OwnerId"] = await people.owner_id(owner) if owner else None
    if due:
        zone = await people.zone()
        params["ActivityDate"] = due.day(zone).isoformat()
        params |= {} if due.is_day else {"IsReminderSet": True, "ReminderDateTime": to_utc(due.at(zone))}
    ready = await records.prepared("Task", {k: v for k, v in params.items() if v is not None})
    saved = await records.update("Task", number, ready)
    return Scheduled(**saved.model_dump(), at=params.get("ActivityDate"))


@tools.writes(
    creates=True,
    scopes=["api"],
    search=(
        "rendez-vous réunion événement agenda planifie réserve calendrier book meeting appointment rdv "
        "caler fixer créneau démo déjeuner visite bloque prendre set up pencil in demo lunch visit slot "
        "schedule"
    ),
    examples=[
        "Planifie un rendez-vous mardi 14 h avec Marie Durand",
        "Book a meeting about the Roy deal",
        "Cale une démo avec eux jeudi matin",
        "Prends rendez-vous lundi à 9 h",
        "Bloque une heure demain pour la visite du site",
        "Mets un déjeuner mercredi dans l'agenda",
        "Fixe une réunion d'une heure avec l'acheteur",
        "Set up a demo next Tuesday",
        "Pencil in lunch on Wednesday",
        "Schedule a visit at their office",
        "Put an hour in the calendar with them",
        "Fix an appointment for Monday at nine",
    ],
)
async def create_event(
    subject: Annotated[str, Field(min_length=1, max_length=255, description="Title of the event.", examples=["Démo"])],
    start: Annotated[When, Field(description="Start; a day makes it all-day.", examples=["2030-06-04T14:00"])],
    end: Annotated[When | None, Field(description="End, or the last day of an all-day event.")] = None,
    minutes: Annotated[int | None, Field(ge=1, le=20_160, description="Length in minutes; 60 without end.")] = None,
    about: About = None,
    location: Annotated[str | None, Field(max_length=255, description="Where it takes place.")] = None,
    text: Text = None,
) -> Scheduled:
    """Book an event in the connected user's Salesforce calendar: a meeting or visit, with a person, about a deal.

    Local times are read in the user's time zone. Salesforce sends no invitation. For something to do by a day, use
    salesforce_create_task.
    """
    zone = await people.zone()
    if end and minutes:
        raise errors.InvalidInputError("Both end and minutes are given.", "Pass one of them.")
    length = timedelta(minutes=minutes) if minutes else None
    begin, until = read_span(start.moment(zone), end.moment(zone) if end else None, length)
    params: dict[str, Any] = {"Subject": subject, "Location": location, "Description": text}
    params |= await records.split_about(about)
    if isinstance(begin, datetime) and isinstance(until, datetime):
        if until.astimezone(UTC) - begin.astimezone(UTC) > timedelta(days=14):
            raise errors.InvalidInputError("An event of Salesforce lasts 14 days at most.", "Pass an earlier end.")
        params |= {"StartDateTime": to_utc(begin), "EndDateTime": to_utc(until), "IsAllDayEvent": False}
        at, last = begin.isoformat(timespec="seconds"), until.astimezone(zone).isoformat(timespec="seconds")
    else:
        final = until - timedelta(days=1)  # an all-day event names its last day, at midnight UTC
        params |= {"IsAllDayEvent": True, "StartDateTime": f"{begin}T00:00:00Z", "EndDateTime": f"{final}T00:00:00Z"}
        at, last = str(begin), str(final)
    saved = await records.create(
        "Event", await records.prepared("Event", {k: v for k, v in params.items() if v is not None}, creating=True)
    )
    return Scheduled(**{**saved.model_dump(), "name": subject}, at=at, end=last)


@tools.reads(
    core=False,
    scopes=["api"],
    search=(
        "agenda rendez-vous réunions semaine calendrier événements meetings calendar planning programme "
        "rdv demain prévu journée créneaux schedule appointments what's on tomorrow diary coming up see "
        "vois rencontre meet next"
    ),
    examples=[
        "Qu'est-ce que j'ai cette semaine ?",
        "Meetings with Boulangerie Roy",
        "J'ai quels rendez-vous demain ?",
        "C'est quoi mon planning de lundi ?",
        "Quand est-ce que je vois ce client ?",
        "À quelle heure est la prochaine réunion ?",
        "Qu'est-ce que ma collègue a de prévu jeudi ?",
        "What's in my diary tomorrow?",
        "When do I meet them next?",
        "What appointments are coming up?",
        "What's my schedule on Monday?",
    ],
)
async def list_events(
    owner: Whose = "me",
    start: Annotated[When | None, Field(description="From this time or day on; now without it.")] = None,
    end: Annotated[When | None, Field(description="Until this time or day, included.")] = None,
    about: Of = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """List events of the Salesforce calendar by owner, time or record, soonest first, with place, person and record.

    Without a start it lists those to come. To move one, change its StartDateTime and EndDateTime with
    salesforce_update_record.
    """
    zone = await people.zone()
    after, before = period(start, end, zone)
    where = await _owned(owner) + await _of(about)
    begin = after or datetime.now(UTC).replace(second=0, microsecond=0)
    where.append(_either(f"EndDateTime >= {to_utc(begin)}", f"EndDateTime >= {begin.astimezone(zone).date()}"))
    if before:
        last = (before - timedelta(microseconds=1)).astimezone(zone).date()
        where.append(_either(f"StartDateTime < {to_utc(before)}", f"StartDateTime <= {last}"))
    fields = await schema.seen("Event", EVENT)
    soql = f"SELECT {fields} FROM Event WHERE {' AND '.join(where)} ORDER BY StartDateTime, Id"
    return await queries.page(soql, limit, cursor, zone)


def _either(timed: str, day: str) -> str:
    """Return a condition for events with times, and one for all-day events, which stand at midnight UTC."""
    return f"((IsAllDayEvent = false AND {timed}) OR (IsAllDayEvent = true AND {day}T00:00:00Z))"


@tools.writes(
    core=False,
    creates=True,
    scopes=["api"],
    search=(
        "note appel téléphonique compte rendu journal consigne log call phone coup de fil je viens "
        "l'avoir eu au téléphone raccroché messagerie entretien échange consigner just spoke rang "
        "phoned talked voicemail hung up conversation took place write down appelé garde trace called"
    ),
    examples=[
        "Note l'appel avec Marie Durand : budget 12 000 €",
        "Je viens de l'avoir au téléphone, consigne-le",
        "J'ai eu l'acheteuse, elle réfléchit, mets ça dans l'historique",
        "Je suis tombé sur la messagerie",
        "On s'est parlé dix minutes, note-le",
        "Il m'a appelé ce matin, garde une trace",
        "I just spoke to her, write it down",
        "Log my conversation with them",
        "He phoned this morning, keep a record",
        "I only got the voicemail",
        "We talked for ten minutes about the price",
    ],
)
async def log_call(
    text: Annotated[str, Field(max_length=32_000, description="What was said.", examples=["Budget 12 000 €."])],
    about: Annotated[
        list[RecordRef],
        Field(min_length=1, description="Person and record that it is about.", examples=[["003AP000001dXyzYAE"]]),
    ],
    subject: Annotated[str, Field(max_length=255, description="Title of the entry.")] = "Call",
    inbound: Annotated[bool | None, Field(description="True if they called us.")] = None,
    minutes: Annotated[int | None, Field(ge=0, le=1440, description="Length of the call in minutes.")] = None,
    at: Annotated[When | None, Field(description="Day of the call; today without it.")] = None,
) -> Scheduled:
    """Log a phone call, or another talk that took place, in the history of a contact, lead, opportunity or account.

    It is stored as a task that is done. Find the record with salesforce_search_records; to plan a call, use
    salesforce_create_task.
    """
    zone = await people.zone()
    day = at.day(zone) if at else datetime.now(UTC).astimezone(zone).date()
    params: dict[str, Any] = {"Subject": subject, "Description": text, "ActivityDate": day.isoformat()}
    params |= {"TaskSubtype": "Call", "Status": (await stages.status("TaskStatus", "done")).value}
    params |= {"CallDurationInSeconds": minutes * 60} if minutes is not None else {}
    params |= {"CallType": "Inbound" if inbound else "Outbound"} if inbound is not None else {}
    ready = await records.prepared("Task", {**params, **await records.split_about(about)}, creating=True)
    saved = await records.create("Task", ready)
    return Scheduled(**{**saved.model_dump(), "name": subject}, at=day.isoformat())
