"""How events repeat: RFC 5545's rules, which people's tools write, and Graph's patterns, which Outlook keeps.

https://learn.microsoft.com/graph/api/resources/patternedrecurrence
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import errors

DAYS = {
    "MO": "monday",
    "TU": "tuesday",
    "WE": "wednesday",
    "TH": "thursday",
    "FR": "friday",
    "SA": "saturday",
    "SU": "sunday",
}
CODES = {name: code for code, name in DAYS.items()}
NAMES = list(DAYS.values())
PLACES = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
_PARTS = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "COUNT", "UNTIL", "WKST")
_PART = re.compile(r"([A-Z]+)=([A-Z0-9,+-]+)")
_DAY = re.compile(r"([+-]?\d)?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"(\d{8})(T\d{6}Z)?")
_NUMBER = re.compile(r"[1-9]\d{0,2}")


def recurrence_of(rule: str, start: date, zone: ZoneInfo) -> dict[str, Any]:
    """Return a rule as Graph takes it; `start` is the first day, `zone` that in which the event repeats.

    Raises errors.InvalidInputError for what is not a rule, and for a rule that Outlook cannot keep.
    """
    parts = _read(rule)
    pattern: dict[str, Any] = {"interval": int(parts.get("INTERVAL", "1"))}
    pattern |= _pattern(rule, parts, start)
    until, count = parts.get("UNTIL"), parts.get("COUNT")
    limits: dict[str, Any] = {"type": "noEnd"}
    if until and count:
        raise _refused(rule, "has both COUNT and UNTIL")
    if count:
        limits = {"type": "numbered", "numberOfOccurrences": int(count)}
    if until:
        limits = {"type": "endDate", "endDate": _last_day(rule, until, zone).isoformat()}
    return {"pattern": pattern, "range": {"startDate": start.isoformat(), **limits}}


def rule_of(recurrence: Any) -> str | None:
    """Return Graph's recurrence as a rule, RRULE:FREQ=WEEKLY;BYDAY=TU; None for none, or one that cannot be read."""
    if not isinstance(recurrence, Mapping) or not isinstance(recurrence.get("pattern"), Mapping):
        return None
    pattern, limits = recurrence["pattern"], recurrence.get("range") or {}
    kind, days = str(pattern.get("type")), [CODES[day] for day in pattern.get("daysOfWeek") or () if day in CODES]
    frequency = {"daily": "DAILY", "weekly": "WEEKLY"}.get(kind) or ("MONTHLY" if "onthly" in kind else "YEARLY")
    parts = [f"FREQ={frequency}"]
    parts += [f"INTERVAL={pattern['interval']}"] if int(pattern.get("interval") or 1) > 1 else []
    parts += [f"BYMONTH={pattern['month']}"] if frequency == "YEARLY" and pattern.get("month") else []
    if kind.startswith("absolute"):
        parts.append(f"BYMONTHDAY={pattern.get('dayOfMonth')}")
    elif kind.startswith("relative"):
        place = {name: number for number, name in PLACES.items()}.get(str(pattern.get("index")), 1)
        parts += (
            ["BYMONTHDAY=-1"] if place == -1 and len(days) == 7 else [f"BYDAY={','.join(days)}", f"BYSETPOS={place}"]
        )
        if len(days) == 1:
            parts[-2:] = [f"BYDAY={place}{days[0]}"]
    elif kind == "weekly" and days:
        parts.append(f"BYDAY={','.join(days)}")
    if limits.get("type") == "numbered":
        parts.append(f"COUNT={limits.get('numberOfOccurrences')}")
    if limits.get("type") == "endDate":
        parts.append(f"UNTIL={str(limits.get('endDate')).replace('-', '')}")
    return f"RRULE:{';'.join(parts)}"


def ended(recurrence: Mapping[str, Any], last: date) -> dict[str, Any]:
    """Return the recurrence of a series that ends on a day, included."""
    limits = {name: value for name, value in _range(recurrence).items() if name != "numberOfOccurrences"}
    return {**recurrence, "range": {**limits, "type": "endDate", "endDate": last.isoformat()}}


def continued(recurrence: Mapping[str, Any], start: date, last: date | None, days: int) -> dict[str, Any]:
    """Return the recurrence of a series that goes on from a day, its days moved by so many.

    `last` is the day of the last occurrence before they are moved, None for a series without an end.
    """
    moved = shifted(recurrence, start, days)
    limits = {"startDate": start.isoformat(), "type": "noEnd"}
    if last:
        limits |= {"type": "endDate", "endDate": (last + timedelta(days=days)).isoformat()}
    zone = _range(recurrence).get("recurrenceTimeZone")
    return {**moved, "range": {**limits, **({"recurrenceTimeZone": zone} if zone else {})}}


def shifted(recurrence: Mapping[str, Any], start: date, days: int) -> dict[str, Any]:
    """Return a recurrence whose first day is `start`, which is so many days later than before.

    Raises errors.InvalidInputError for a pattern that does not say on which days it would be then.
    """
    pattern, limits = dict(recurrence["pattern"]), {**_range(recurrence), "startDate": start.isoformat()}
    if days and str(pattern.get("type")).startswith("relative"):
        raise errors.InvalidInputError(
            f"The series repeats by `{rule_of(recurrence)}`, which does not say on which days it is then.",
            "Pass the new rule in `recurrence` too.",
        )
    if days and pattern.get("type") == "weekly":
        names = [day for day in pattern.get("daysOfWeek") or () if day in NAMES]
        pattern["daysOfWeek"] = [NAMES[(NAMES.index(day) + days) % 7] for day in names]
    if days and str(pattern.get("type")).startswith("absolute"):
        pattern["dayOfMonth"] = start.day
        pattern |= {"month": start.month} if pattern.get("type") == "absoluteYearly" else {}
    if days and limits.get("type") == "endDate" and limits.get("endDate"):
        limits["endDate"] = (date.fromisoformat(limits["endDate"]) + timedelta(days=days)).isoformat()
    return {**recurrence, "pattern": pattern, "range": limits}


def last_day(recurrence: Mapping[str, Any], today: date) -> date:
    """Return a day after which a series has no occurrence; of one without an end, a year from today."""
    limits, pattern = _range(recurrence), recurrence.get("pattern") or {}
    if limits.get("type") == "endDate" and limits.get("endDate"):
        return date.fromisoformat(limits["endDate"])
    start = date.fromisoformat(str(limits.get("startDate") or today.isoformat()))
    if limits.get("type") != "numbered":
        return max(start, today) + timedelta(days=366)
    unit = {"daily": 1, "weekly": 7}.get(str(pattern.get("type"))) or (366 if "early" in str(pattern["type"]) else 31)
    count = int(limits.get("numberOfOccurrences") or 1) * int(pattern.get("interval") or 1)
    return start + timedelta(days=min(unit * (count + 1), 36_500))


def endless(recurrence: Mapping[str, Any]) -> bool:
    """Tell whether a series has no end."""
    return _range(recurrence).get("type") not in ("numbered", "endDate")


def _range(recurrence: Mapping[str, Any]) -> Mapping[str, Any]:
    limits = recurrence.get("range")
    return limits if isinstance(limits, Mapping) else {}


def _read(rule: str) -> dict[str, str]:
    text = rule.strip().upper().removeprefix("RRULE:")
    if "\n" in text or text.startswith(("EXDATE", "RDATE", "EXRULE")):
        raise _refused(rule, "has lines beside the rule, which Outlook does not know")
    matches = [_PART.fullmatch(part) for part in text.split(";")]
    parts = {str(match[1]): str(match[2]) for match in matches if match}
    if len(parts) != len(matches) or parts.get("FREQ") not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        raise _refused(rule, "is not a valid recurrence rule")
    if unknown := set(parts) - set(_PARTS):
        raise _refused(rule, f"has {', '.join(sorted(unknown))}, which Outlook does not know")
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not _NUMBER.fullmatch(parts[name]):
            raise _refused(rule, f"has a wrong {name}, which is a number from 1 to 999")
    return parts


def _pattern(rule: str, parts: Mapping[str, str], start: date) -> dict[str, Any]:
    frequency, places, days = parts["FREQ"], set[int](), list[str]()
    for text in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        if not (day := _DAY.fullmatch(text)):
            raise _refused(rule, "has a wrong BYDAY")
        days.append(DAYS[day[2]])
        places |= {int(day[1])} if day[1] else set()
    if "BYSETPOS" in parts:
        places |= {int(parts["BYSETPOS"])} if re.fullmatch(r"[+-]?\d", parts["BYSETPOS"]) else {0}
    if frequency in ("DAILY", "WEEKLY"):
        if places or "BYMONTHDAY" in parts or "BYMONTH" in parts:
            raise _refused(rule, "is not one that Outlook can keep")
        if frequency == "DAILY" and not days:
            return {"type": "daily"}
        if frequency == "DAILY" and parts.get("INTERVAL", "1") != "1":
            raise _refused(rule, "is not one that Outlook can keep")
        first = DAYS.get(parts.get("WKST", "MO"), "monday")
        return {"type": "weekly", "daysOfWeek": days or [NAMES[start.weekday()]], "firstDayOfWeek": first}
    month = _month(rule, parts, start) if frequency == "YEARLY" else {}
    kind = frequency.capitalize()
    if parts.get("BYMONTHDAY") == "-1" and not days:
        return {"type": f"relative{kind}", "daysOfWeek": NAMES, "index": "last", **month}
    if days:
        if "BYMONTHDAY" in parts or len(places) != 1 or not places <= set(PLACES):
            raise _refused(rule, "does not name one place in the month, such as BYDAY=2TU or BYDAY=-1FR")
        return {"type": f"relative{kind}", "daysOfWeek": days, "index": PLACES[places.pop()], **month}
    number = parts.get("BYMONTHDAY", str(start.day))
    if not re.fullmatch(r"[1-9]|[12]\d|3[01]", number) or places:
        raise _refused(rule, "has more than one day of the month, or a wrong one")
    return {"type": f"absolute{kind}", "dayOfMonth": int(number), **month}


def _month(rule: str, parts: Mapping[str, str], start: date) -> dict[str, int]:
    month = parts.get("BYMONTH", str(start.month))
    if not re.fullmatch(r"[1-9]|1[0-2]", month):
        raise _refused(rule, "has more than one month, or a wrong one")
    return {"month": int(month)}


def _last_day(rule: str, until: str, zone: ZoneInfo) -> date:
    written = _UNTIL.fullmatch(until)
    if not written or not re.fullmatch(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", written[1]):
        raise errors.InvalidInputError(
            f"UNTIL in `{errors.excerpt(rule, 80)}` is not a day or a time in UTC.", "Write UNTIL=20301231T225959Z."
        )
    if not written[2]:
        return datetime.strptime(until, "%Y%m%d").date()
    return datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).date()


def _refused(rule: str, problem: str) -> errors.InvalidInputError:
    return errors.InvalidInputError(
        f"`{errors.excerpt(rule, 80)}` {problem}.", "Pass one rule such as RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=10."
    )
