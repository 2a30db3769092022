"""What is a person's own: status and reminders. https://docs.slack.dev/reference/methods/reminders.add"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, errors, readable, sliced
from flotilla.parsing import shown

from ..client import call, user_api
from ..emoji import emoji_name
from ..lookup import account_zone, time_of
from ..models import Done, Reminder, Status

tools = Toolset("personal")
REMIND = ["reminders:write users:read"]

ReminderId = Annotated[
    str,
    Field(pattern=r"^Rm[A-Za-z0-9]+$", description="Id from slack_list_reminders.", examples=["Rm0123456789"]),
]


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=["users.profile:write users:read"],
    search="statut absent congés réunion vacances télétravail occupé away status",
    examples=["Mets-moi en congé sur Slack jusqu'à vendredi"],
)
async def set_status(
    text: Annotated[str, Field(max_length=100, description="Status; empty clears it.", examples=["En congé"])],
    emoji: Annotated[str | None, Field(description="Emoji by name or itself, such as palm_tree.")] = None,
    until: Annotated[
        When | None, Field(description="When it ends: a time, or a day, which is included; never without it.")
    ] = None,
) -> Status:
    """Set the status beside the user's own name, with an emoji and an end; an empty text clears it.

    Needs a user token. The old status is replaced. slack_get_person shows what others see of somebody.
    """
    zone = await account_zone()
    end = until.end(zone) if until else None
    if end and end <= datetime.now(UTC):
        raise errors.InvalidInputError(f"{shown(end, zone)} is in the past.", "Pass a time to come.")
    name = emoji_name(emoji) if emoji else ""
    if name and not text:
        raise errors.InvalidInputError("A status needs a text.", "Pass a text, or leave the emoji out to clear it.")
    profile: dict[str, Any] = {
        "status_text": text,
        "status_emoji": f":{name}:" if name else "",
        "status_expiration": int(end.timestamp()) if end else 0,
    }
    await call("users.profile.set", via=user_api, json=True, profile=profile)
    return Status(text=text, emoji=name, until=end)


@tools.writes(
    core=False,
    creates=True,
    scopes=REMIND,
    search="rappelle-moi rappel penser à remind me",
    examples=["Rappelle-moi d'appeler Marie demain à 9 h"],
)
async def create_reminder(
    text: Annotated[
        str, Field(min_length=1, max_length=500, description="What to be reminded of.", examples=["Appeler Marie"])
    ],
    at: Annotated[
        When,
        Field(description="When: a time, or a day, which is 9 o'clock then.", examples=["2030-06-04T09:00"]),
    ],
) -> Reminder:
    """Create a reminder for the user, which Slackbot gives at its time. It needs a user token.

    Reminders for others are not possible: send or schedule them a message with slack_send_message or
    slack_schedule_message.
    """
    zone = await account_zone()
    moment = at.at(zone, time_of_day=datetime(2000, 1, 1, 9).time())
    if moment <= datetime.now(UTC):
        raise errors.InvalidInputError(f"{shown(moment, zone)} is in the past.", "Pass a time to come.")
    answer = await call("reminders.add", via=user_api, text=text, time=int(moment.timestamp()))
    return Reminder.model_validate(_fields(answer["reminder"], zone))


@tools.reads(core=False, scopes=["reminders:read users:read"], search="mes rappels liste à faire reminders")
async def list_reminders(
    completed: Annotated[bool, Field(description="True shows those that are done too.")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Reminder]:
    """List the user's reminders, the soonest first, each with its text and time. Needs a user token.

    To mark one as done, use slack_complete_reminder; to remove one, slack_delete_reminder.
    """
    answer = await call("reminders.list", reads=True)
    zone = await account_zone()
    items = readable(Reminder, [_fields(row, zone) for row in user_api.rows_in(answer, "reminders")])
    rows = [one for one in items if completed or not one.completed]
    rows.sort(key=lambda one: one.at.timestamp() if one.at else float("inf"))
    return sliced(rows, limit, cursor)


@tools.writes(core=False, additive=False, idempotent=True, scopes=REMIND, search="rappel fait terminé coché done")
async def complete_reminder(reminder: ReminderId) -> Done:
    """Mark one of the user's reminders as done. A recurring one cannot be marked, only deleted.

    Take the id from slack_list_reminders.
    """
    await call("reminders.complete", via=user_api, reminder=reminder)
    return Done(done="The reminder is marked as done.")


@tools.destroys(core=False, scopes=REMIND, confirm="Delete the reminder {reminder}?", search="supprime rappel remove")
async def delete_reminder(reminder: ReminderId) -> Done:
    """Delete one of the user's reminders, a recurring one with all its times. It cannot be brought back.

    Take the id from slack_list_reminders. To mark one as done, use slack_complete_reminder.
    """
    await call("reminders.delete", via=user_api, reminder=reminder)
    return Done(done="The reminder was deleted.")


def _fields(row: Any, zone: Any) -> dict[str, Any]:
    completed = row.get("complete_ts")
    return {
        "id": row.get("id"),
        "text": row.get("text"),
        "at": time_of(row["time"], zone) if row.get("time") else None,
        "completed": bool(completed) if isinstance(completed, int) else None,
        "recurring": row.get("recurring") if isinstance(row.get("recurring"), bool) else None,
    }
