"""Online meetings. https://learn.microsoft.com/graph/api/application-post-onlinemeetings"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from flotilla import Toolset, When, errors
from flotilla.parsing import check_order, to_utc
from flotilla_servers._microsoft import owner

from ..client import SETTINGS, api, me, zone_for
from ..models import Meeting

tools = Toolset("meetings")

HALF_AN_HOUR = timedelta(minutes=30)


@tools.writes(
    creates=True,
    scopes=[f"OnlineMeetings.ReadWrite {SETTINGS}"],
    search="créer une réunion teams lien visio lien de réunion tout de suite",
    examples=["crée un lien Teams pour cet après-midi 15 h", "make a Teams meeting link"],
)
async def create_meeting(
    title: Annotated[str, Field(description="Title of the meeting.", examples=["Point devis"])],
    start: Annotated[When, Field(description="Start of the meeting.", examples=["2030-06-04T14:00:00+02:00"])],
    end: Annotated[When | None, Field(description="End of it; else half an hour later.")] = None,
) -> Meeting:
    """Create a Teams meeting and return the link with which anybody joins, and the numbers to dial if there are some.

    It stands in no calendar and invites nobody: send the link with teams_send_chat_message. A meeting with invitations
    is an event of Outlook, with its Teams link.
    """
    await me()
    if start.is_day or (end and end.is_day):
        raise errors.InvalidInputError("A meeting needs times, not days.", "Pass a time such as 2030-06-04T14:00.")
    zone = await zone_for(start, end)
    begins = start.at(zone, keep_offset=True)
    ends = end.at(zone, keep_offset=True) if end else begins + HALF_AN_HOUR
    check_order(begins, ends)
    body = {"subject": title, "startDateTime": to_utc(begins), "endDateTime": to_utc(ends)}
    result = Meeting.model_validate(await api.post(f"{owner(api)}/onlineMeetings", json=body))
    result.start, result.end = begins.isoformat(), ends.isoformat()
    return result
