"""Tasks of contacts: https://marketplace.gohighlevel.com/docs/ghl/contacts/get-all-tasks

Here they are listed and changed; ghl_add_note adds them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, cursor_number, errors, readable, segment
from flotilla.parsing import to_utc

from ..client import ContactId, account_zone, api, location
from ..models import Task
from .contacts import MORNING, WRITE, path_of

tools = Toolset("tasks")


@tools.reads(
    core=False,
    scopes=["locations/tasks.readonly"],
    search=(
        "tâches à faire relances rappels du jour todo tasks reminders overdue tâche liste échues retard "
        "aujourd'hui reste rappeler attente task list what pending left call today due outstanding back have "
        "to-do"
    ),
    examples=[
        "Quelles tâches me restent dans GHL ?",
        "What is on my to-do list in GoHighLevel?",
        "qu'est-ce que j'ai à faire aujourd'hui",
        "qui dois-je rappeler",
        "quelles tâches sont en retard",
        "il me reste quoi sur ma liste",
        "quels rappels pour ce client",
        "what do I have to do today",
        "whom do I have to call back",
        "which tasks are overdue",
        "what is left on my list",
        "any reminders for this client",
    ],
)
async def list_tasks(
    query: Annotated[str | None, Field(description="Words from the title of the task.")] = None,
    status: Annotated[Literal["open", "done", "all"], Field(description="Which tasks, by their status.")] = "open",
    contact_id: Annotated[str | None, Field(description="Only of this contact, from ghl_search_contacts.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Task]:
    """List the tasks of all contacts or of one, open ones unless `status` says otherwise, with due time and contact.

    To mark one as done or move its date, use ghl_update_task; to add one, ghl_add_note with `due`.
    """
    skip = cursor_number(cursor, 0)
    body = {
        "contactId": [contact_id] if contact_id else None,
        "completed": {"open": False, "done": True}.get(status),
        "query": query,
        "limit": limit,
        "skip": skip,
    }
    answer = await api.post(f"/locations/{segment(await location())}/tasks/search", json=body, reads=True)
    rows = api.rows_in(answer, "tasks")
    return Page(items=readable(Task, rows), next_cursor=str(skip + limit) if len(rows) >= limit else None)


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "termine coche fait tâche repousse échéance complete done task terminer terminée finie cochée réglé "
        "clôture reporte décale rouvre renomme finish finished tick off check postpone push snooze reopen "
        "rename due date mark as rappel rappels tâches reminder"
    ),
    examples=[
        "Marque la tâche comme faite",
        "Push that reminder to Friday",
        "c'est fait, coche-la",
        "j'ai fini cette tâche",
        "décale le rappel à demain",
        "rouvre la tâche, ce n'est pas réglé",
        "repousse l'échéance d'une semaine",
        "tick that task off",
        "I have done it, close the task",
        "snooze the reminder until tomorrow",
        "reopen it, it is not settled",
    ],
)
async def update_task(
    contact_id: ContactId,
    task_id: Annotated[
        str, Field(description="Id of the task, from ghl_list_tasks.", examples=["lJpzYrWdpkC2hX6t2yue"])
    ],
    completed: Annotated[bool | None, Field(description="True when it is done, false to open it again.")] = None,
    title: Annotated[str | None, Field(min_length=1, description="New title of the task.")] = None,
    due: Annotated[When | None, Field(description="New time or day by which it is to be done.")] = None,
) -> Task:
    """Mark a task of a contact as done, open it again, or change its title or due date; the rest stays as it is.

    Both ids come from ghl_list_tasks. A time without an offset is read in the account's time zone; a day means 9:00.
    """
    moment = due.at(account_zone(), time_of_day=MORNING) if due else None
    body = {"title": title, "dueDate": to_utc(moment) if moment else None, "completed": completed}
    if all(value is None for value in body.values()):
        raise errors.InvalidInputError("There is nothing to change.", "Pass completed, title or due.")
    return Task.model_validate((await api.put(path_of(contact_id, "tasks", segment(task_id)), json=body))["task"])
