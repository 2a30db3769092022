"""Notes, tasks and calls. API: https://developers.hubspot.com/docs/api-reference/crm-notes-v3/guide"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, When, errors
from flotilla.parsing import folded, html_to_text, to_milliseconds, to_utc

from .. import records, values
from ..client import account_zone
from ..models import Activity, CrmObject, Row, SearchPage
from ..records import LinkedTo, OwnerRef, RecordRef

tools = Toolset("activities")

WRITE = ["crm.objects.contacts.read crm.objects.contacts.write"]
READ_TASKS = ["crm.objects.contacts.read crm.objects.owners.read"]
TASK = {  # HubSpot's properties by what a result calls them
    "hs_task_subject": "title",
    "hs_timestamp": "due",
    "hs_task_status": "status",
    "hs_task_priority": "priority",
    "hs_task_body": "text",
    "hubspot_owner_id": "owner_id",
}
About = Annotated[
    list[RecordRef], Field(description="Records that it is about, by number or name.", examples=[["contact:51"]])
]
LONGEST = 65_536  # characters of HTML: what HubSpot keeps of a text


async def _added(kind: str, name: str, arguments: dict[str, Any], refs: list[str] | None) -> Activity:
    """Create an activity on its records; only a task needs none."""
    if not refs and kind != "tasks":
        raise errors.InvalidInputError(f"A {name} belongs to a record.", "Pass one, such as contact:51.")
    texts = {name: str(value) for name, value in arguments.items() if value is not None}
    if any(len(value) > LONGEST for value in texts.values()):
        raise errors.InvalidInputError(
            f"The text is longer than HubSpot takes ({LONGEST:,} characters).", "Shorten it."
        )
    made = await records.create(kind, texts, refs)
    at = values.local(made.properties.get("hs_timestamp") or texts["hs_timestamp"])
    return Activity(record=f"{name}:{made.id}", at=at)


def _sent(at: When) -> str:
    """Return a time as HubSpot takes it; a day is its noon."""
    return to_utc(at.at(account_zone(), time_of_day=values.NOON))


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "ajoute note compte rendu commentaire put notes consigne écris mémo résumé réunion noter dit fiche "
        "timeline historique write jot down log memo meeting summary minutes record said comment mot dossier "
        "file"
    ),
    examples=[
        "note qu'il veut une remise",
        "écris un résumé de la réunion sur leur fiche",
        "consigne qu'elle rappelle en septembre",
        "mets un mot dans le dossier : contrat en relecture",
        "ajoute le compte rendu sur l'affaire",
        "jot down that he wants a discount",
        "write up the meeting on their record",
        "put a comment on the deal",
        "log what she said at lunch",
        "note for the file: contract under review",
    ],
)
async def add_note(
    text: Annotated[str, Field(description="Plain text of the note.", examples=["Budget 12 000 €."])],
    linked_to: About,
    at: Annotated[When | None, Field(description="When it was said; now without it.")] = None,
) -> Activity:
    """Add a note to the timeline of contacts, companies, deals or tickets, such as what was said in a meeting.

    For something to be done, use hubspot_create_task; to read notes, hubspot_get_record.
    """
    arguments = {
        "hs_note_body": values.as_html(text),
        "hs_timestamp": _sent(at) if at else to_utc(values.this_minute()),
    }
    return await _added("notes", "note", arguments, linked_to)


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "crée tâche rappel relance rappelle-moi remind reminder follow up tâches rappels rappeler relancer "
        "fais-moi penser échéance faire planifie pense-bête ajoute nouvelle task to-do todo chase call back "
        "don't forget set add new due friday vendredi send envoyer préparer prepare"
    ),
    examples=[
        "rappelle-moi de l'appeler demain à 9 h",
        "fais-moi penser à relancer ce prospect",
        "mets-moi une tâche pour envoyer le contrat vendredi",
        "ajoute un pense-bête : préparer la démo",
        "planifie une relance dans deux semaines",
        "remind me to ring him tomorrow at nine",
        "add a to-do: send the contract by Friday",
        "set a follow-up in two weeks",
        "don't let me forget to prepare the demo",
        "put a reminder on this deal",
    ],
)
async def create_task(
    title: Annotated[str, Field(description="What is to be done.", examples=["Envoyer le devis"])],
    due: Annotated[When, Field(description="When it is due; a day means noon.", examples=["2030-06-03T09:00"])],
    linked_to: LinkedTo = None,
    text: Annotated[str | None, Field(description="Details of the task; no formatting.")] = None,
    priority: Annotated[Literal["LOW", "MEDIUM", "HIGH"] | None, Field(description="Priority of the task.")] = None,
    owner: OwnerRef = None,
) -> Activity:
    """Create a task, reminder or follow-up with a due time, on contacts, companies, deals or tickets, or on none.

    HubSpot reminds the owner: the token's owner, unless another one is named. A time without an offset is read in the
    account's time zone; the result shows it with its offset. To see tasks, use hubspot_list_tasks.
    """
    arguments = {
        "hs_task_subject": title,
        "hs_task_body": values.as_html(text) if text else None,
        "hs_timestamp": _sent(due),
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
        "hs_task_priority": priority,
        "hubspot_owner_id": await _owner(owner),
    }
    return await _added("tasks", "task", arguments, linked_to)


async def _owner(owner: str | None) -> str | None:
    """Return who is reminded; without a name the token's owner, nobody where that person owns nothing in HubSpot."""
    if owner:
        return await records.owner_id(owner)
    with suppress(errors.NotFoundError):  # a task without an owner is better than none
        return await records.owner_id("me")
    return None


@tools.reads(
    scopes=[*READ_TASKS],
    search=(
        "tâches à faire aujourd'hui en retard relances rappels mes tasks todo overdue due tâche liste quoi "
        "restent échues semaine rappeler plate agenda day left pending outstanding list my show reminders "
        "what have today who call back"
    ),
    examples=[
        "Quelles sont mes tâches aujourd'hui ?",
        "Which tasks are overdue?",
        "qu'est-ce que j'ai à faire aujourd'hui",
        "qui dois-je rappeler",
        "quelles relances sont en retard",
        "il me reste quoi cette semaine",
        "montre les tâches de l'équipe",
        "what do I have to do today",
        "who do I need to call back",
        "what is left on my list this week",
        "show me the outstanding follow-ups",
        "what is on my colleague's plate",
    ],
)
async def list_tasks(
    owner: Annotated[str, Field(description="Whose tasks: me, a name or e-mail, or all.")] = "me",
    before: Annotated[When | None, Field(description="Only those due before this time or day's end.")] = None,
    status: Annotated[Literal["open", "done", "all"], Field(description="Which tasks, by their status.")] = "open",
    linked_to: Annotated[RecordRef | None, Field(description="Only those of this record, by number or name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> SearchPage:
    """List tasks by owner, due time and status, those due first at the top, each with its record (task:401).

    To mark one as done or move its due time, use hubspot_update_task. New tasks appear a few seconds late.
    """
    filters: list[dict[str, Any]] = []
    if folded(owner) not in ("all", "tous", "toutes"):
        filters.append(records.equal("hubspot_owner_id", await records.owner_id(owner) or ""))
    if status != "all":
        operator = "NEQ" if status == "open" else "EQ"
        filters.append({"propertyName": "hs_task_status", "operator": operator, "value": "COMPLETED"})
    if before:
        last = str(to_milliseconds(before.end(account_zone())))
        filters.append({"propertyName": "hs_timestamp", "operator": "LT", "value": last})
    if linked_to:
        filters.append(await records.linked_with(linked_to))
    return await records.search(
        "tasks", lambda one, wanted: _task_row(one), usual=list(TASK), query=None, where=None, filters=filters,
        limit=limit, cursor=cursor, sorts=["hs_timestamp"],
    )  # fmt: skip


def _task_row(task: CrmObject) -> Row:
    values_of = {name: task.properties.get(key) for key, name in TASK.items()}
    texts = {"record": f"task:{task.id}", **values_of, "due": values.local(values_of["due"])}
    texts["text"] = html_to_text(str(texts["text"] or ""))
    return {name: str(text) for name, text in texts.items() if text}


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "termine coche fait tâche faite repousse échéance complete done task terminer terminée finie cochée "
        "réglé reporte décale rouvre réassigne renomme finish finished tick off check postpone push snooze "
        "reopen reassign"
    ),
    examples=[
        "Marque la tâche comme faite",
        "Push my reminder to Friday",
        "c'est fait, coche-la",
        "j'ai fini cette tâche",
        "décale le rappel à demain",
        "rouvre la tâche, ce n'est pas réglé",
        "confie cette tâche à un collègue",
        "tick that task off",
        "I have done it, mark it complete",
        "snooze the reminder until tomorrow",
        "reopen that to-do",
        "hand this task over to a colleague",
    ],
)
async def update_task(
    task: Annotated[str, Field(description="Record of the task, from hubspot_list_tasks.", examples=["task:401"])],
    status: Annotated[Literal["open", "done"] | None, Field(description="done when it is, open to reopen it.")] = None,
    title: Annotated[str | None, Field(min_length=1, description="New title of the task.")] = None,
    due: Annotated[When | None, Field(description="New due time; a day means noon.")] = None,
    owner: OwnerRef = None,
) -> Activity:
    """Mark a task as done, open it again, or change its title, due time or owner; the rest stays as it is.

    Find the task with hubspot_list_tasks or on its record with hubspot_get_record.
    """
    number = task.strip().removeprefix("task:")
    if not (number.isascii() and number.isdecimal()):
        raise errors.InvalidInputError(f"`{errors.excerpt(task, 60)}` is not a task.", "Write task:401.")
    changes = {
        "hs_task_status": {"open": "NOT_STARTED", "done": "COMPLETED"}.get(status or ""),
        "hs_task_subject": title,
        "hs_timestamp": _sent(due) if due else None,
        "hubspot_owner_id": await records.owner_id(owner),
    }
    made = await records.update("tasks", number, {name: text for name, text in changes.items() if text})
    return Activity(record=f"task:{made.id}", at=values.local(made.properties.get("hs_timestamp")))


@tools.writes(
    creates=True,
    core=False,
    scopes=WRITE,
    search=(
        "enregistre consigne note appel téléphonique phone call log enregistrer consigner coup fil téléphone "
        "téléphoné appelé eu minutes sans réponse messagerie répondeur called phoned rang spoke voicemail no "
        "answer record"
    ),
    examples=[
        "je viens de l'avoir au téléphone, consigne-le",
        "enregistre mon appel de dix minutes",
        "je l'ai appelé mais ça n'a pas répondu",
        "note le coup de fil de ce matin",
        "je suis tombé sur la messagerie",
        "I just got off the phone with her, log it",
        "log my ten minute call",
        "I rang him, no answer",
        "record this morning's phone call",
        "I left a voicemail",
    ],
)
async def log_call(
    linked_to: About,
    at: Annotated[When, Field(description="When the call took place.", examples=["2030-06-03T09:00"])],
    text: Annotated[str | None, Field(description="What was said; no formatting.")] = None,
    inbound: Annotated[bool, Field(description="True where the other side called.")] = False,
    minutes: Annotated[float | None, Field(ge=0, le=1440, description="Length of the call in minutes.")] = None,
    outcome: Annotated[
        str | None, Field(description="Outcome by its name in HubSpot, such as Connected or No answer.")
    ] = None,
) -> Activity:
    """Log a phone call that took place, with its length, direction and outcome, on contacts, companies or deals.

    It does not call anybody. An unknown outcome is refused with the names that there are. For other conversations use
    hubspot_add_note, for a call that is still to be made hubspot_create_task.
    """
    ready = await records.prepared("calls", {"hs_call_disposition": outcome}, None) if outcome else {}
    arguments = {
        "hs_timestamp": _sent(at),
        "hs_call_body": values.as_html(text) if text else None,
        "hs_call_direction": "INBOUND" if inbound else "OUTBOUND",
        "hs_call_status": "COMPLETED",
        "hs_call_duration": round(minutes * 60_000) if minutes is not None else None,
        **ready,
    }
    return await _added("calls", "call", arguments, linked_to)
