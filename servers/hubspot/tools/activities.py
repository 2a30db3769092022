"""Notes, tasks and calls. API: https://developers.hubspot.com/docs/api-reference/crm-notes-v3/guide"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Toolset, When, errors
from flotilla.parsing import to_utc

from .. import records, values
from ..client import account_zone
from ..models import Activity
from ..records import LinkedTo, OwnerRef, RecordRef

tools = Toolset("activities")

WRITE = ["crm.objects.contacts.read crm.objects.contacts.write"]
About = Annotated[list[RecordRef], Field(description="Records that it is about.", examples=[["contact:51"]])]
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


@tools.writes(creates=True, scopes=WRITE, search="ajoute note compte rendu commentaire put")
async def add_note(
    text: Annotated[str, Field(description="Plain text of the note.", examples=["Budget 12 000 €."])],
    linked_to: About,
    at: Annotated[When | None, Field(description="When it was said; now without it.")] = None,
) -> Activity:
    """Add a note to the timeline of contacts, companies, deals or tickets, such as what was said in a meeting.

    Find the record with hubspot_search_contacts. For something to be done, use hubspot_create_task.
    """
    arguments = {
        "hs_note_body": values.as_html(text),
        "hs_timestamp": _sent(at) if at else to_utc(values.this_minute()),
    }
    return await _added("notes", "note", arguments, linked_to)


@tools.writes(creates=True, scopes=WRITE, search="crée tâche rappel relance rappelle-moi remind reminder follow up")
async def create_task(
    title: Annotated[str, Field(description="What is to be done.", examples=["Envoyer le devis"])],
    due: Annotated[When, Field(description="When it is due; a day means noon.", examples=["2030-06-03T09:00"])],
    linked_to: LinkedTo = None,
    text: Annotated[str | None, Field(description="Details of the task; no formatting.")] = None,
    priority: Annotated[
        Literal["LOW", "MEDIUM", "HIGH"] | None, Field(description="Priority of the task; none without it.")
    ] = None,
    owner: OwnerRef = None,
) -> Activity:
    """Create a task, reminder or follow-up with a due time, on contacts, companies, deals or tickets, or on none.

    HubSpot reminds the owner, so pass one where somebody is to be reminded. A time without an offset is read in the
    account's time zone; the result shows it with its offset. Find people with hubspot_search_contacts.
    """
    arguments = {
        "hs_task_subject": title,
        "hs_task_body": values.as_html(text) if text else None,
        "hs_timestamp": _sent(due),
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
        "hs_task_priority": priority,
        "hubspot_owner_id": await records.owner_id(owner),
    }
    return await _added("tasks", "task", arguments, linked_to)


@tools.writes(
    creates=True, core=False, scopes=WRITE, search="enregistre consigne note appel téléphonique phone call log"
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
