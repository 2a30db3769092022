"""What repeats: its occurrences, and which of them a change is about.

https://learn.microsoft.com/graph/outlook-schedule-recurring-events
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import errors
from flotilla.parsing import Moment, to_utc

from .client import api, mailbox_zone, path, prefer, standing_event, with_place
from .models import moment_of, own_zone
from .recurrence import last_day

WINDOW = timedelta(days=1800)  # Graph shows at most five years at once
COPIED = (  # of a series, into the one that goes on from some day
    *("subject", "location", "locations", "showAs", "sensitivity", "importance", "categories", "isReminderOn"),
    *("reminderMinutesBeforeStart", "allowNewTimeProposals", "hideAttendees", "responseRequested"),
)


@dataclass(frozen=True)
class Occurrence:
    """One occurrence that stands: where the rule puts it, and whether it was changed by itself."""

    id: str
    slot: Moment
    changed: bool = False

    @property
    def past(self) -> bool:
        """True once it has begun."""
        now = datetime.now(UTC)
        return self.slot < now if isinstance(self.slot, datetime) else self.slot < now.date()


@dataclass(frozen=True)
class Part:
    """What a change of a series is about: all of it, or what begins with the slot `start`."""

    id: str
    series: dict[str, Any]
    start: Moment  # the slot of the occurrence that was named; of a series that was named, its first one
    slots: list[Occurrence]
    cancelled: list[date]  # days of occurrences that were cancelled by themselves
    following: bool
    named: bool  # the series itself was named, and no occurrence
    mailbox: ZoneInfo

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that it repeats in."""
        return own_zone(self.series, self.mailbox)

    @property
    def name(self) -> str:
        """The title, as a question says it."""
        return errors.excerpt(self.series.get("subject") or "", 80)

    @property
    def recurrence(self) -> dict[str, Any]:
        """How it repeats, as the API gives it."""
        return dict(self.series["recurrence"])

    def standing(self, *, later: bool) -> list[Occurrence]:
        """Return the occurrences that stand: from `start` on, or all."""
        first = wall(self.start, self.zone)
        return [one for one in self.slots if not later or wall(one.slot, self.zone) >= first]


async def part_of(event: str, old: dict[str, Any], scope: str) -> Part | None:
    """Return what of a series is meant; None where it is one event alone."""
    named = old.get("type") == "seriesMaster"
    if not named and (scope == "this" or not old.get("seriesMasterId")):
        return None
    if named and scope == "this_and_following":
        raise errors.InvalidInputError(
            "This is the id of a whole series, which does not say from which occurrence on.",
            "Pass the id of that occurrence, from outlook_list_events.",
        )
    series_id = event if named else str(with_place(old, event)["seriesMasterId"])
    series = old if named else await standing_event(series_id)
    mailbox = await mailbox_zone()
    start = moment_of(series, "start") if named else slot_of(old)
    slots = await occurrences(series_id, series)
    gone = await api.get(path(series_id), params={"$select": "id,cancelledOccurrences"})
    zone = own_zone(series, mailbox)
    earlier = any(wall(one.slot, zone) < wall(start, zone) for one in slots)
    following = scope == "this_and_following" and earlier
    return Part(series_id, series, start, slots, _days(gone.get("cancelledOccurrences")), following, named, mailbox)


async def occurrences(series_id: str, series: dict[str, Any]) -> list[Occurrence]:
    """Return the occurrences of a series that stand, in the order of their slots; of one without an end, a year's."""
    recurrence = series["recurrence"]
    begin = datetime.fromisoformat(f"{recurrence['range']['startDate']}T00:00:00+00:00") - timedelta(days=2)
    today = datetime.now(UTC).date()
    end = datetime.combine(last_day(recurrence, today), datetime.min.time(), UTC) + timedelta(days=2)
    result: dict[str, Occurrence] = {}
    while begin < end:
        until = min(begin + WINDOW, end)
        for one in await _instances(series_id, begin, until):
            changed = one.get("type") == "exception"
            result[one["id"]] = Occurrence(one["id"], slot_of(one), changed)
        begin = until
    return sorted(result.values(), key=lambda one: _instant(one.slot))


async def _instances(series_id: str, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    params: dict[str, Any] = {
        "startDateTime": to_utc(begin),
        "endDateTime": to_utc(end),
        "$top": 200,
        "$skip": 0,
        "$select": "id,start,end,isAllDay,type,originalStart,isCancelled",
    }
    headers, rows = prefer(await mailbox_zone()), list[dict[str, Any]]()
    while True:
        answer = await api.get(f"{path(series_id)}/instances", params=params, headers=headers)
        page = api.rows_in(answer, "value", missing=True)
        rows += [one for one in page if one.get("id") and one.get("start") and not one.get("isCancelled")]
        if not page or not answer.get("@odata.nextLink"):
            return rows
        params["$skip"] += len(page)


def slot_of(raw: dict[str, Any]) -> Moment:
    """Return where the rule puts an occurrence: another time than its own where it was moved by itself."""
    if raw.get("type") != "exception" or not raw.get("originalStart"):
        return moment_of(raw, "start")
    original = datetime.fromisoformat(str(raw["originalStart"]).replace("Z", "+00:00"))
    # Of a day it is midnight in some zone: half a day later it is that day in UTC too.
    return (original + timedelta(hours=12)).date() if raw.get("isAllDay") else original


def counted(standing: Sequence[Occurrence]) -> str:
    """Return how many occurrences there are, and how many of them are past, as a question says it."""
    past = sum(one.past for one in standing)
    return f"all {len(standing)} occurrences, {past} past ones too" if past else f"all {len(standing)} occurrences"


def number(slots: Sequence[Occurrence]) -> str:
    """Return how many occurrences there are."""
    return f"{len(slots)} occurrence{'' if len(slots) == 1 else 's'}"


def wall(moment: Moment, zone: ZoneInfo) -> datetime:
    """Return a moment by the clock on the wall in a zone, a day as its first minute."""
    if isinstance(moment, datetime):
        return moment.astimezone(zone).replace(tzinfo=None)
    return datetime.combine(moment, datetime.min.time())


def _days(ids: Any) -> list[date]:
    """Return the days of cancelled occurrences, whose ids end with them: OID.<series>.2030-06-11."""
    texts = [str(one).rpartition(".")[2] for one in ids or ()]
    return [date.fromisoformat(text) for text in texts if len(text) == 10 and text[4] == text[7] == "-"]


def _instant(moment: Moment) -> datetime:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return datetime.combine(moment, datetime.min.time(), UTC)
