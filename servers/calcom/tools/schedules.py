"""The hours in which people can book. https://cal.com/docs/api-reference/v2/schedules"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, TimeZone, Toolset, choose, confirm, errors, sliced
from flotilla.parsing import listed

from ..client import api
from ..hours import changed, days_meant, schedule_of, spans_of
from ..models import Schedule

tools = Toolset("schedules")
READ = ["SCHEDULE_READ"]
WRITE = ["SCHEDULE_READ SCHEDULE_WRITE"]


@tools.reads(
    core=False, scopes=READ, search="horaires de travail disponibilités plages semaine working hours congés fermeture"
)
async def list_availability_schedules(limit: Limit = 20, cursor: Cursor = None) -> Page[Schedule]:
    """List the user's availability schedules: the hours of each weekday, and of single dates, that can be booked.

    They are hours of work, not free times: for these, use calcom_list_available_times. To change one, use
    calcom_update_availability_schedule.
    """
    return sliced(await _schedules(), limit, cursor)


async def _schedules() -> list[Schedule]:
    rows = await api.rows("/v2/schedules", "data")
    return [schedule_of(one) for one in rows if _whole(one)]


def _whole(raw: dict[str, Any]) -> bool:
    """Tell whether a schedule has what its hours are read from."""
    lists = (raw.get("availability"), raw.get("overrides") or [])
    return raw.get("id") is not None and all(
        isinstance(some, list) and all(isinstance(one, dict) and one.get("startTime") for one in some) for some in lists
    )


@tools.writes(
    core=False,
    replaces=True,
    idempotent=True,
    scopes=WRITE,
    search="changer horaires ouvrir fermer jour congés vacances férié plage disponibilité hours day off holiday close",
    examples=["Je ne travaille pas le 24 décembre.", "Ouvre le samedi de 9 h à 12 h.", "Close Friday afternoons."],
)
async def update_availability_schedule(
    days: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=60,
            description="Weekdays in English or French, or dates as YYYY-MM-DD.",
            examples=[["samedi"]],
        ),
    ],
    hours: Annotated[
        list[str],
        Field(
            max_length=10,
            description="Hours of each of these days, such as 09:00-12:30; an empty list closes them.",
            examples=[["09:00-12:30", "14:00-17:00"]],
        ),
    ],
    schedule: Annotated[
        str | None,
        Field(description="Name of the schedule, from calcom_list_availability_schedules; the usual one without it."),
    ] = None,
    timezone: Annotated[TimeZone | None, Field(description="New IANA zone of all hours of the schedule.")] = None,
) -> Schedule:
    """Set the hours in which people can book, for weekdays or for single dates such as a day off; it asks first.

    Only the days that are named change; bookings that are there stay. To see what holds now, use
    calcom_list_availability_schedules. A date wins over its weekday.
    """
    rows = [one for one in await api.rows("/v2/schedules", "data") if _whole(one)]
    usual = [one for one in rows if one.get("isDefault")]
    if not schedule and not usual:
        raise errors.InvalidInputError(
            "There is no usual schedule.", "Pass a name of calcom_list_availability_schedules."
        )
    raw = (
        choose(schedule, rows, kind="schedule", listed_by="calcom_list_availability_schedules")
        if schedule
        else usual[0]
    )
    meant, spans = days_meant(days), spans_of(hours)
    body = {**changed(raw, meant, spans), **({"timeZone": timezone} if timezone else {})}
    wanted = listed(f"{start}-{end}" for start, end in spans) or "closed"
    zone = f", in {timezone} from now on" if timezone else ""
    await confirm(f"Set {listed(meant)} of the schedule «{raw.get('name') or raw['id']}» to {wanted}{zone}?")
    return schedule_of(await api.data("PATCH", f"/v2/schedules/{raw['id']}", json=body))
