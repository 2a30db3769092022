"""Notes, tasks and calls. API: https://developers.hubspot.com/docs/api-reference/crm-notes-v3/guide"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from flotilla import Toolset, errors

from . import records, setup, values
from .models import Activity
from .records import OwnerOf, Ref, Refs

tools = Toolset("activities")

WRITE = ["crm.objects.contacts.read crm.objects.contacts.write"]
Body = Annotated[str | None, Field(description="Plain text")]
About = Annotated[list[Ref], Field(description="Records", examples=[["contact:51"]])]
LONGEST = 65_536  # characters of HTML: what HubSpot keeps of a text


async def added(kind: str, name: str, given: dict[str, Any], refs: list[str] | None) -> Activity:
    """Create an activity on its records; one that hangs on nothing is a task."""
    if not refs and kind != "tasks":
        raise errors.InvalidInputError(f"A {name} belongs to a record.", "Pass one, such as contact:51.")
    told = {name: str(value) for name, value in given.items() if value is not None}
    if any(len(value) > LONGEST for value in told.values()):
        raise errors.InvalidInputError(
            f"The text is longer than HubSpot takes ({LONGEST:,} characters).", "Shorten it."
        )
    raw = await records.create(kind, told, refs)
    at = values.told(raw["properties"].get("hs_timestamp") or told["hs_timestamp"])
    return Activity(record=f"{name}:{raw['id']}", at=at)


@tools.writes(creates=True, scopes=WRITE)
async def add_note(
    text: Annotated[str, Field(description="Text", examples=["Budget 12 000 €."])],
    linked_to: About,
    at: Annotated[AwareDatetime | None, Field(description="Else now")] = None,
) -> Activity:
    """Put a note on a contact, company, deal or ticket: ajoute note, compte rendu."""
    given = {"hs_note_body": values.as_html(text), "hs_timestamp": values.sent(at or values.now())}
    return await added("notes", "note", given, linked_to)


@tools.writes(creates=True, scopes=WRITE)
async def create_task(
    title: Annotated[str, Field(description="Title", examples=["Envoyer le devis"])],
    due: Annotated[AwareDatetime, Field(description="With offset", examples=["2030-06-03T09:00:00+02:00"])],
    linked_to: Refs = None,
    text: Body = None,
    priority: Annotated[Literal["LOW", "MEDIUM", "HIGH"] | None, Field(description="Priority")] = None,
    owner: OwnerOf = None,
) -> Activity:
    """Add a task, reminder, follow-up: crée tâche, rappel, relance, remind me."""
    given = {
        "hs_task_subject": title,
        "hs_task_body": values.as_html(text) if text else None,
        "hs_timestamp": values.sent(due),
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
        "hs_task_priority": priority,
        "hubspot_owner_id": await setup.owner(owner),
    }
    return await added("tasks", "task", given, linked_to)


@tools.writes(creates=True, core=False, scopes=WRITE)
async def log_call(
    linked_to: About,
    at: Annotated[AwareDatetime, Field(description="With offset", examples=["2030-06-03T09:00:00+02:00"])],
    text: Body = None,
    inbound: Annotated[bool, Field(description="They called")] = False,
    minutes: Annotated[float | None, Field(ge=0, le=1440, description="Length")] = None,
    outcome: Annotated[str | None, Field(description="Such as Connected, No answer")] = None,
) -> Activity:
    """Log a phone call that took place: enregistre, note appel téléphonique."""
    ready = await records.prepared("calls", {"hs_call_disposition": outcome}, None) if outcome else {}
    given = {
        "hs_timestamp": values.sent(at),
        "hs_call_body": values.as_html(text) if text else None,
        "hs_call_direction": "INBOUND" if inbound else "OUTBOUND",
        "hs_call_status": "COMPLETED",
        "hs_call_duration": round(minutes * 60_000) if minutes is not None else None,
        **ready,
    }
    return await added("calls", "call", given, linked_to)
