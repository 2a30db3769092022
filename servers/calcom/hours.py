"""Weekly hours and single dates of a schedule, as people say them: "lundi", "vendredi 9h-12h30", "2030-12-24"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from flotilla import When, errors
from flotilla.parsing import folded, listed

from .client import api
from .models import Hours, Schedule

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FRENCH = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
SEVERAL = {
    **dict.fromkeys(("weekdays", "en semaine", "semaine", "jours ouvres"), WEEKDAYS[:5]),
    **dict.fromkeys(("weekend", "week end", "le week end"), WEEKDAYS[5:]),
    **dict.fromkeys(("every day", "everyday", "tous les jours"), WEEKDAYS),
}
NAMES = {
    **{folded(name): (day,) for day, name in zip(WEEKDAYS, FRENCH, strict=True)},
    **{folded(day): (day,) for day in WEEKDAYS},
    **{day[:3].lower(): (day,) for day in WEEKDAYS},
    **SEVERAL,
}
CLOSED = "00:00"  # start and end of a date on which nothing can be booked
_SPAN = re.compile(
    r"(\d{1,2})\s*(?:[:hH]\s*(\d{2})?)?\s*(?:-|–|to|until|à|a)\s*(\d{1,2})\s*(?:[:hH]\s*(\d{2})?)?", re.IGNORECASE
)


def schedule_of(raw: dict[str, Any]) -> Schedule:
    """Return a schedule of the API with its hours by day: the weekdays in order, then the dates."""
    week = {
        day: [_shown(one) for one in raw.get("availability") or [] if day in one.get("days", ())] for day in WEEKDAYS
    }
    dates: dict[str, list[str]] = {}
    for one in raw.get("overrides") or []:
        closed = one["startTime"] == one["endTime"]
        dates.setdefault(one["date"], []).extend([] if closed else [_shown(one)])
    days = [Hours(day=day.lower(), hours=sorted(hours)) for day, hours in week.items()]
    days += [Hours(day=day, hours=sorted(hours)) for day, hours in sorted(dates.items())]
    return Schedule.model_validate({**raw, "days": days})


def _shown(span: dict[str, Any]) -> str:
    return f"{span['startTime']}-{span['endTime']}"


def days_meant(days: Sequence[str]) -> list[str | date]:
    """Return weekdays (English, capitalized) and dates; raises errors.InvalidInputError for anything else."""
    result: list[str | date] = []
    for text in days:
        name = folded(text).removeprefix("le ").removeprefix("les ")
        if meant := NAMES.get(name) or NAMES.get(name.removesuffix("s")):
            result += meant
        elif re.match(r"\d{4}-", text.strip()):
            result.append(When.read(text).day(api.zone))
        else:
            raise errors.InvalidInputError(
                f"`{errors.excerpt(text, 40)}` is not a day.",
                "Write a weekday (monday, lundi), weekdays (en semaine), or a date (2030-12-24).",
            )
    return list(dict.fromkeys(result))


def spans_of(hours: Sequence[str]) -> list[tuple[str, str]]:
    """Return spans of hours in order, each as HH:MM twice; raises errors.InvalidInputError where they do not fit."""
    spans = sorted(_span(text) for text in hours)
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise errors.InvalidInputError(f"The hours {listed(hours)} overlap.", "Correct them.")
    return spans


def _span(text: str) -> tuple[str, str]:
    parts = _SPAN.fullmatch(text.strip().removeprefix("de "))
    start, end = (_clock(parts[1], parts[2]), _clock(parts[3], parts[4])) if parts else ("", "")
    if not parts or not "" < start < end:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 40)}` is not a span of hours of one day.", "Write it like 09:00-12:30."
        )
    return start, end


def _clock(hour: str, minute: str | None) -> str:
    """Return HH:MM, "" for what no clock shows; the end of a day is 23:59, as Cal.com has it."""
    if (int(hour), int(minute or 0)) == (24, 0):
        return "23:59"
    return f"{int(hour):02}:{minute or '00'}" if int(hour) < 24 and int(minute or 0) < 60 else ""


def changed(raw: dict[str, Any], days: Sequence[str | date], spans: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the parts of a schedule that have other hours on these days; what is not named stays.

    The API replaces each list whole, so all of it is sent. Without spans, nothing can be booked on these days.
    """
    body: dict[str, Any] = {}
    weekdays = [day for day in days if isinstance(day, str)]
    dates = [day.isoformat() for day in days if not isinstance(day, str)]
    if weekdays:
        remaining = [
            {**one, "days": [day for day in one["days"] if day not in weekdays]}
            for one in raw.get("availability") or []
        ]
        added = [{"days": weekdays, "startTime": start, "endTime": end} for start, end in spans]
        body["availability"] = [one for one in remaining if one["days"]] + added
    if dates:
        other_dates = [one for one in raw.get("overrides") or [] if one["date"] not in dates]
        body["overrides"] = other_dates + [
            {"date": day, "startTime": start, "endTime": end}
            for day in dates
            for start, end in spans or [(CLOSED, CLOSED)]
        ]
    return body
