"""What repeats: its occurrences, and how a series is shifted, or parted so that its past stays as it was.

https://developers.google.com/workspace/calendar/api/guides/recurringevents
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import errors
from flotilla.parsing import Moment, to_utc, zone_or

from .client import api, path
from .models import moment_of

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
COPIED = (  # of a series, into the one that goes on from some day
    *("summary", "description", "location", "colorId", "attendees", "reminders", "transparency", "visibility"),
    *("guestsCanInviteOthers", "guestsCanModify", "guestsCanSeeOtherGuests", "extendedProperties", "source"),
    *("attachments",),
)
_VALUE = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")


@dataclass(frozen=True)
class Shift:
    """How much later occurrences begin, by the clock on the wall, and how many days that moves them on the calendar."""

    by: timedelta = timedelta()
    days: int = 0

    @classmethod
    def between(cls, old: datetime, new: datetime) -> Shift:
        """Return the shift from one time by the clock on the wall to another."""
        return cls(new - old, (new.date() - old.date()).days)


@dataclass(frozen=True)
class Occurrence:
    """One occurrence: where the rule puts it, and whether it was cancelled or changed by itself."""

    slot: Moment
    cancelled: bool = False
    changed: bool = False

    @property
    def past(self) -> bool:
        """True once it has begun."""
        now = datetime.now(UTC)
        return self.slot < now if isinstance(self.slot, datetime) else self.slot < now.date()


async def occurrences(series: str) -> list[Occurrence]:
    """Return all occurrences of a series in the order of its rule, cancelled ones too: COUNT counts them."""
    fields = "items(status,start,originalStartTime),nextPageToken"
    params: dict[str, Any] = {"maxResults": 2500, "showDeleted": "true", "fields": fields}
    result: list[Occurrence] = []
    while True:
        answer = await api.get(f"{path(series)}/instances", params=params)
        for one in api.rows_in(answer, "items", missing=True):
            original = one.get("originalStartTime") or one.get("start")
            if original:
                slot = moment_of(original)
                changed = bool(one.get("start")) and moment_of(one["start"]) != slot
                result.append(Occurrence(slot, one.get("status") == "cancelled", changed))
        following = answer.get("nextPageToken")
        if not following or following == params.get("pageToken"):
            return sorted(result, key=lambda one: _instant(one.slot))
        params["pageToken"] = following


def counted(standing: Sequence[Occurrence]) -> str:
    """Return how many occurrences there are, and how many of them are past, as a question says it."""
    past = sum(one.past for one in standing)
    return f"all {len(standing)} occurrences, {past} past ones too" if past else f"all {len(standing)} occurrences"


def zone_of_series(series: dict[str, Any]) -> ZoneInfo:
    """Return the time zone that a series repeats in."""
    return zone_or(series["start"].get("timeZone"), api.zone)


def ended(lines: Iterable[str], before: Moment, zone: ZoneInfo) -> list[str]:
    """Return the recurrence of a series that ends before one of its occurrences."""
    if isinstance(before, datetime):
        until = re.sub(r"[-:]", "", to_utc(before - timedelta(seconds=1)))
    else:
        until = f"{before - timedelta(days=1):%Y%m%d}"
    return [
        f"{_without(line, 'COUNT', 'UNTIL')};UNTIL={until}" if _is_rule(line) else line
        for line in _chosen(lines, lambda moment: _instant(moment) < _instant(before), zone)
    ]


def continued(
    lines: Iterable[str], slots: Sequence[Occurrence], start: Moment, shift: Shift, zone: ZoneInfo
) -> list[str]:
    """Return the recurrence of a series that goes on from the slot `start`, each occurrence later by `shift`.

    What was cancelled by itself from there on stays cancelled.
    """
    earlier = sum(_instant(one.slot) < _instant(start) for one in slots)
    later = _chosen(lines, lambda moment: _instant(moment) >= _instant(start), zone)
    counts = [_counting(line, earlier) for line in later]
    gone = [one.slot for one in slots if one.cancelled and _instant(one.slot) >= _instant(start)]
    return [*shifted(counts, shift), *(_exception(slot, shift, zone) for slot in gone)]


def shifted(lines: Iterable[str], shift: Shift) -> list[str]:
    """Return a recurrence with all its times and days of the week later by `shift`, by the wall clock.

    Raises errors.InvalidInputError for a rule whose days cannot simply be shifted.
    """
    return [_shifted_rule(line, shift) if _is_rule(line) else _shifted_list(line, shift) for line in lines]


def wall(moment: Moment, zone: ZoneInfo) -> datetime:
    """Return a moment by the clock on the wall in a zone, a day as its first minute."""
    if isinstance(moment, datetime):
        return moment.astimezone(zone).replace(tzinfo=None)
    return datetime.combine(moment, datetime.min.time())


def _is_rule(line: str) -> bool:
    return line.upper().startswith(("RRULE", "EXRULE"))


def _without(rule: str, *names: str) -> str:
    head, _, parts = rule.partition(":")
    return f"{head}:" + ";".join(part for part in parts.split(";") if part.partition("=")[0].upper() not in names)


def _counting(line: str, done: int) -> str:
    """Return a rule whose COUNT is less by what is done."""
    left = re.sub(r"COUNT=(\d+)", lambda count: f"COUNT={max(1, int(count[1]) - done)}", line)
    return left if _is_rule(line) else line


def _shifted_rule(rule: str, shift: Shift) -> str:
    rule = re.sub(r"UNTIL=([0-9TZ]+)", lambda until: f"UNTIL={_later(until[1], shift)}", rule)
    if not shift.days:
        return rule
    weekdays = re.search(r"BYDAY=([A-Z,]+)(;|$)", rule)
    if re.search(r";BY(?!DAY)", rule) or ("BYDAY=" in rule and not weekdays):
        raise errors.InvalidInputError(
            f"The series repeats by `{errors.excerpt(rule, 80)}`, which does not say on which days it is then.",
            "Pass the new rule in `recurrence` too.",
        )
    if weekdays:
        moved = [DAYS[(DAYS.index(day) + shift.days) % 7] for day in weekdays[1].split(",") if day in DAYS]
        rule = rule.replace(f"BYDAY={weekdays[1]}", f"BYDAY={','.join(moved)}")
    return rule


def _shifted_list(line: str, shift: Shift) -> str:
    head, _, values = line.partition(":")
    return f"{head}:{','.join(_later(value, shift) for value in values.split(','))}"


def _later(value: str, shift: Shift) -> str:
    written = _VALUE.fullmatch(value)
    if not written:
        return value
    if not written[2]:
        return f"{date.fromisoformat(value) + timedelta(days=shift.days):%Y%m%d}"
    moment = datetime.strptime(written[1] + written[2], "%Y%m%d%H%M%S") + shift.by
    return f"{moment:%Y%m%dT%H%M%S}{written[3]}"


def _chosen(lines: Iterable[str], wanted: Callable[[Moment], bool], zone: ZoneInfo) -> list[str]:
    """Return rules, and of the lists of single days those that are wanted."""
    result = []
    for line in lines:
        if _is_rule(line):
            result.append(line)
            continue
        head, _, values = line.partition(":")
        if chosen := [value for value in values.split(",") if (at := _read(value, head, zone)) is None or wanted(at)]:
            result.append(f"{head}:{','.join(chosen)}")
    return result


def _read(value: str, head: str, zone: ZoneInfo) -> Moment | None:
    written = _VALUE.fullmatch(value)
    if not written:
        return None
    if not written[2]:
        return date.fromisoformat(written[1])
    named = re.search(r"TZID=([^;:]+)", head)
    where = ZoneInfo("UTC") if written[3] else zone_or(named and named[1], zone)
    return datetime.strptime(written[1] + written[2], "%Y%m%d%H%M%S").replace(tzinfo=where)


def _exception(slot: Moment, shift: Shift, zone: ZoneInfo) -> str:
    at = wall(slot, zone) + shift.by
    if isinstance(slot, datetime):
        return f"EXDATE;TZID={zone.key}:{at:%Y%m%dT%H%M%S}"
    return f"EXDATE;VALUE=DATE:{at:%Y%m%d}"


def _instant(moment: Moment) -> datetime:
    """Return what two slots of one series are compared by."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return datetime.combine(moment, datetime.min.time(), UTC)
