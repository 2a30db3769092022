"""Notes, tasks, meetings and calls. https://www.zoho.com/crm/developer/docs/api/v8/insert-records.html"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Addresses, Cursor, Limit, Toolset, When, confirm, cursor_number, errors
from flotilla.parsing import folded, listed, span, start_of_day

from .. import metadata, query, records, scopes, values
from ..models import Activity, RecordPage
from ..records import LinkedTo, OwnerRef, RecordRef

tools = Toolset("activities")

LONGEST = 65_535  # characters of a note
Text = Annotated[str | None, Field(description="Details as plain text.")]
About = Annotated[
    RecordRef,
    Field(description="Record that it is about, by number or name.", examples=["contact:5725767000000376007"]),
]


@tools.writes(
    creates=True,
    scopes=scopes.CREATE,
    search=(
        "ajoute note compte rendu commentaire écris sur la fiche put write down inscris marque résumé "
        "il m'a dit retiens remarque mention mémo jot log remark summary she said keep in mind memo"
    ),
    examples=[
        "Note sur la fiche de Jean : budget 12 000 €",
        "Add a note to this deal",
        "Écris qu'il préfère être appelé le matin",
        "Marque sur le dossier qu'elle hésite encore",
        "Fais un petit compte rendu sur la fiche",
        "Retiens qu'ils paient toujours en retard",
        "Mets un mot sur ce compte",
        "Jot down what she told me",
        "Write on his record that he prefers mornings",
        "Leave a remark on the account",
        "Keep in mind that they pay late",
        "Put a summary of our talk on the deal",
    ],
)
async def add_note(
    record: About,
    text: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST, description="Plain text of the note.", examples=["Budget 12 000 €."]),
    ],
    title: Annotated[str | None, Field(max_length=120, description="Title of the note.")] = None,
) -> Activity:
    """Add a note to a lead, contact, deal or any other record, such as what was said on the phone.

    Notes are read with zoho_get_record. For something to be done, use zoho_create_task.
    """
    module, number = await records.resolved(record)
    note = {"Note_Content": text, "Parent_Id": {"module": {"api_name": module}, "id": number}}
    made = await records.create("Notes", {**({"Note_Title": title} if title else {}), **note})
    return Activity(record=records.ref_of("Notes", made))


@tools.writes(
    creates=True,
    scopes=scopes.CREATE,
    search=(
        "crée tâche rappel relance rappelle-moi à faire remind reminder follow up todo pense-bête chose "
        "échéance penser n'oublie pas il faut que je don't forget due chase set assign to-do need to "
        "préparer envoyer rendre list prepare send"
    ),
    examples=[
        "Rappelle-moi de relancer Dupont jeudi à 9 h",
        "Create a follow-up task",
        "Il faut que j'envoie le devis demain, mets-le dans mes tâches",
        "Fais-moi penser à les relancer dans une semaine",
        "Pense-bête : préparer l'offre pour vendredi",
        "Donne à ma collègue le dossier à préparer",
        "N'oublie pas de me rappeler la facture",
        "Don't let me forget the quote",
        "Remind me to chase them next week",
        "I need to send the contract by Friday, put it on my list",
        "Give this to-do to my colleague",
    ],
)
async def create_task(
    title: Annotated[str, Field(min_length=1, description="What is to be done.", examples=["Envoyer le devis"])],
    due: Annotated[
        When,
        Field(description="Day it is due; with a time, the owner is reminded then.", examples=["2030-06-03T09:00"]),
    ],
    linked_to: LinkedTo = None,
    text: Text = None,
    priority: Annotated[Literal["High", "Normal", "Low"] | None, Field(description="Priority of the task.")] = None,
    owner: OwnerRef = None,
) -> Activity:
    """Create a task or follow-up that is due on a day, about a contact, lead, deal or account, or about nothing.

    It belongs to the user of this login unless an owner is named. For a meeting use zoho_create_event, for a call
    zoho_create_call; to see tasks, zoho_query_records; to complete one, zoho_update_record.
    """
    zone = await metadata.account_zone()
    day = due.day(zone).isoformat()
    body: dict[str, Any] = {
        "Subject": title,
        "Due_Date": day,
        "Status": "Not Started",
        **await _shared(linked_to, "task", text, owner),
    }
    if priority:
        body["Priority"] = priority
    if not due.is_day:
        trigger = values.stamp(due.at(zone))
        body["Remind_At"] = {"ALARM": f"FREQ=NONE;ACTION=POPUP;TRIGGER=DATE-TIME:{trigger}"}
    return Activity(record=records.ref_of("Tasks", await records.create("Tasks", body)), at=day)


@tools.writes(
    creates=True,
    asks=True,
    scopes=scopes.CREATE,
    search=(
        "crée réunion rendez-vous rencontre visite planifie meeting appointment book schedule visio rdv "
        "caler fixer démo déjeuner salle inviter créneau calendrier set up demo lunch calendar invite "
        "slot on-site visit"
    ),
    examples=[
        "Planifie un rendez-vous avec Zoé mardi à 14 h",
        "Book a meeting with this customer",
        "Cale un rendez-vous avec eux mercredi matin",
        "Bloque une visite chez le client lundi à 9 h",
        "Organise une démo en visio",
        "Fixe un déjeuner avec l'acheteuse et invite-la",
        "Mets une réunion d'une heure demain",
        "Set up a demo next Tuesday",
        "Put an appointment in for Monday at nine",
        "Invite her to lunch on Thursday",
        "Schedule an on-site visit",
        "Get a slot with them this week",
    ],
)
async def create_event(
    title: Annotated[str, Field(min_length=1, description="Title of the meeting.", examples=["Démonstration"])],
    start: Annotated[When, Field(description="Start; a day alone means all day.", examples=["2030-06-03T14:00"])],
    end: Annotated[When | None, Field(description="End, an hour after the start without it.")] = None,
    linked_to: LinkedTo = None,
    place: Annotated[str | None, Field(description="Address or room of the meeting.")] = None,
    text: Text = None,
    invite: Annotated[Addresses | None, Field(max_length=50, description="E-mail addresses of guests.")] = None,
) -> Activity:
    """Book a meeting in Zoho's calendar, about a contact, lead, deal or account. Returns its record (event:5725…).

    Guests get an invitation by e-mail, after the user agreed to it. Times are read in the user's time zone. It does not
    check who is free. For a phone call use zoho_create_call.
    """
    zone = await metadata.account_zone()
    first, last = span(start.moment(zone), end.moment(zone) if end else None, timedelta(hours=1))
    body: dict[str, Any] = {"Event_Title": title, **await _shared(linked_to, "meeting", text, None)}
    if isinstance(first, datetime) and isinstance(last, datetime):
        body |= {"Start_DateTime": values.stamp(first), "End_DateTime": values.stamp(last)}
    else:
        begins, ends = start_of_day(first, zone), start_of_day(last, zone) - timedelta(minutes=1)
        body |= {"All_day": True, "Start_DateTime": values.stamp(begins), "End_DateTime": values.stamp(ends)}
    if place:
        body["Venue"] = place
    if invite:
        body["Participants"] = [{"type": "email", "participant": one.address} for one in invite]
        body["$send_notification"] = True
        guests = listed((one.address for one in invite), 50)
        await confirm(f"Invite {guests} by e-mail to «{title}» on {body['Start_DateTime']}?")
    return Activity(record=records.ref_of("Events", await records.create("Events", body)), at=body["Start_DateTime"])


@tools.writes(
    creates=True,
    scopes=scopes.CREATE,
    search=(
        "enregistre consigne appel téléphonique planifie appel rappeler journal log phone call schedule "
        "callback coup de fil j'ai eu au téléphone je viens l'avoir raccroché entrant sortant "
        "messagerie just spoke rang phoned inbound outbound voicemail ring back"
    ),
    examples=[
        "Consigne l'appel de 10 minutes avec Zoé",
        "Schedule a call with him on Friday at 10",
        "Je viens de l'avoir au téléphone, note-le",
        "Prévois un coup de fil lundi à 10 h",
        "J'ai appelé, je suis tombé sur la messagerie",
        "Il faut le rappeler demain matin, planifie",
        "Inscris l'appel entrant de tout à l'heure",
        "I just spoke to her for ten minutes",
        "Plan a callback for Monday",
        "He rang this morning, put it in the log",
        "I got her voicemail",
        "Set up a phone call on Friday",
    ],
)
async def create_call(
    linked_to: Annotated[
        list[RecordRef],
        Field(
            min_length=1,
            description="Whom it is with: a contact or lead, by number or name.",
            examples=[["contact:5725767000000376007"]],
        ),
    ],
    at: Annotated[When, Field(description="When it took place, or is to take place.", examples=["2030-06-03T09:00"])],
    minutes: Annotated[float | None, Field(ge=0, le=1440, description="Length of a past call in minutes.")] = None,
    inbound: Annotated[bool, Field(description="True where the other side called.")] = False,
    text: Text = None,
    result: Annotated[str | None, Field(description="Result of a past call by its label.")] = None,
) -> Activity:
    """Log a phone call that took place, or schedule one: a time to come schedules it. It does not call anybody.

    Returns its record (call:5725…). For what was said apart from a call use zoho_add_note, for a meeting
    zoho_create_event.
    """
    zone = await metadata.account_zone()
    moment = at.at(zone, time_of_day=values.NOON)
    planned = moment > datetime.now(zone)
    if planned and (inbound or result or minutes):
        raise errors.InvalidInputError(
            "A call that is still to come has no length, result or inbound side.",
            "Leave these out, or pass the time at which the call took place.",
        )
    body: dict[str, Any] = {"Subject": "Call", "Call_Type": "Inbound" if inbound else "Outbound"}
    body |= {"Call_Start_Time": values.stamp(moment), **await _shared(linked_to, "call", text, None)}
    if not planned:
        seconds = round((minutes or 0) * 60)
        body["Call_Duration"] = f"{seconds // 60:02d}:{seconds % 60:02d}"
    if not inbound:
        body[await _status_field()] = "Scheduled" if planned else "Completed"
    if result:
        body |= await records.prepared("Calls", {"Call_Result": result})
    made = await records.create("Calls", body)
    return Activity(record=records.ref_of("Calls", made), at=body["Call_Start_Time"])


async def _status_field() -> str:
    """Return what this account calls the status of an outgoing call: Zoho's own pages have two names."""
    known = await metadata.fields_of("Calls")
    return next(
        (one for one in ("Outgoing_Call_Status", "Outbound_Call_Status") if one in known), "Outgoing_Call_Status"
    )


async def _shared(refs: list[str] | None, kind: str, text: str | None, owner: str | None) -> dict[str, Any]:
    """Return the fields that every activity may have."""
    fields = await records.links(refs, kind)
    if text:
        fields["Description"] = text
    if owner:
        fields["Owner"] = {"id": (await metadata.user_of(owner)).id}
    return fields


# By kind: module, field of its time, further fields that are shown.
_LISTED = {
    "tasks": ("Tasks", "Due_Date", ("Subject", "Status", "Priority", "Who_Id", "What_Id", "Owner")),
    "events": ("Events", "Start_DateTime", ("Event_Title", "End_DateTime", "Venue", "Who_Id", "What_Id", "Owner")),
    "calls": ("Calls", "Call_Start_Time", ("Subject", "Call_Type", "Call_Duration", "Who_Id", "What_Id", "Owner")),
}


@tools.reads(
    core=False,
    scopes=scopes.READ,
    search=(
        "mes tâches aujourd'hui en retard réunions rendez-vous appels prévus agenda journée my day "
        "overdue due todo programme planning ce qui m'attend prévu semaine échéances relances restantes "
        "schedule what's on upcoming follow-ups calendar late plate dois rappeler matin collègue "
        "appointments colleague's"
    ),
    examples=[
        "Quelles sont mes tâches aujourd'hui ?",
        "Which meetings do I have tomorrow?",
        "J'ai quoi de prévu demain ?",
        "C'est quoi mon programme cette semaine ?",
        "Qui est-ce que je dois rappeler ce matin ?",
        "Des relances en retard ?",
        "Quels rendez-vous a ma collègue lundi ?",
        "What's on my plate today?",
        "Which calls are planned for this afternoon?",
        "Anything overdue?",
        "What does my week look like?",
        "Show my colleague's appointments",
    ],
)
async def list_activities(
    kind: Annotated[
        Literal["tasks", "events", "calls"], Field(description="Tasks, meetings (events) or calls.")
    ] = "tasks",
    owner: Annotated[str, Field(description="Whose: me, a user's name or e-mail address, or all.")] = "me",
    after: Annotated[When | None, Field(description="Only those from this time or day on.")] = None,
    before: Annotated[When | None, Field(description="Only those until this time or the end of this day.")] = None,
    status: Annotated[
        Literal["open", "done", "all"], Field(description="Open: not completed, or still to come.")
    ] = "open",
    linked_to: Annotated[RecordRef | None, Field(description="Only those of this record, by number or name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RecordPage:
    """List tasks, meetings or calls by owner, time and status, the earliest first, each with its record (task:5725…).

    To complete a task, use zoho_update_record with its record and {"Status": "Completed"}; to move one, with a new
    Due_Date or Start_DateTime. For those of one person, zoho_get_record shows them too.
    """
    module, time, names = _LISTED[kind]
    zone = await metadata.account_zone()
    is_day = module == "Tasks"
    conditions = []
    if folded(owner) not in ("all", "tous", "toutes"):
        conditions.append(f"Owner = {query.quoted((await metadata.user_of(owner)).id)}")
    if linked_to:
        target, number = await records.resolved(linked_to)
        conditions.append(f"{'Who_Id' if target == 'Contacts' else 'What_Id'} = {query.quoted(number)}")
    if after:
        first = after.day(zone).isoformat() if is_day else values.stamp(after.at(zone))
        conditions.append(f"{time} >= {query.quoted(first)}")
    if before:
        last = before.day(zone).isoformat() if is_day else values.stamp(before.end(zone) - timedelta(seconds=1))
        conditions.append(f"{time} <= {query.quoted(last)}")
    if status != "all":
        conditions.append(_status(module, status == "open", values.stamp(values.this_minute().astimezone(zone))))
    start = cursor_number(cursor, 0)
    if start + limit > query.DEEPEST:
        raise errors.InvalidInputError(f"Zoho CRM shows {query.DEEPEST:,} at most.", "Narrow the times.")
    rows, more = await query.select(
        module, [*names, time], query.both(conditions), order=f"{time} asc", offset=start, limit=limit
    )
    items = records.rows_of(module, await records.with_owners(rows))
    return RecordPage(items=items, next_cursor=str(start + limit) if more else None)


def _status(module: str, is_open: bool, now: str) -> str:
    if module == "Tasks":
        return f"Status {'!=' if is_open else '='} 'Completed'"
    time = "End_DateTime" if module == "Events" else "Call_Start_Time"
    return f"{time} {'>=' if is_open else '<'} {query.quoted(now)}"
