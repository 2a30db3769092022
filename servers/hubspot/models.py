"""What comes back. HubSpot keeps every value as text, so a record is a flat map of texts: `record` is its name here
(contact:51), the rest its properties by HubSpot's names, without the empty ones. Times are in the settings' zone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from flotilla import Model, Page, UntrustedText

from . import values

Row = dict[str, UntrustedText]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z")
_ALWAYS = (
    "hs_object_id",
    "createdate",
    "hs_createdate",
    "lastmodifieddate",
    "hs_lastmodifieddate",
)  # HubSpot adds them confirmation_pending


def flat(kind: str, raw: Mapping[str, Any], wanted: Iterable[str] = ()) -> Row:
    """Return HubSpot's object as a flat map; `wanted` are properties that were asked for by name."""
    asked = set(wanted)
    told = {"record": f"{kind}:{raw['id']}", "url": raw.get("url")}
    told |= {name: value for name, value in raw["properties"].items() if name in asked or name not in _ALWAYS}
    kept = {name: str(value) for name, value in told.items() if value not in (None, "")}
    return {name: values.told(value) or "" if _TIME.fullmatch(value) else value for name, value in kept.items()}


class Found(Page[Row]):
    """One page of a search. `note` says how many there are in all, and what a search cannot show of them."""

    note: str | None = None


class ContactDetail(Model):
    """A person, and the newest of what belongs to them: record, name (or text), at."""

    contact: Row
    linked: list[Row] | None = None


class Saved(Model):
    """What was created or changed."""

    record: str

    @classmethod
    def of(cls, kind: str, raw: Mapping[str, Any]) -> Saved:
        """Make it from HubSpot's object."""
        return cls(record=f"{kind}:{raw['id']}")


class Placed(Saved):
    """A deal or ticket that was created or changed, with the name of its stage."""

    stage: str | None = None


class Pipeline(Model):
    """Stages by id, in order. https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide"""

    id: str
    name: str
    stages: dict[str, str]


class Owner(Model):
    """A HubSpot user who can own records."""

    id: str
    name: str | None = None
    email: str | None = None


class Activity(Model):
    """A note, task or call that was added."""

    record: str
    at: str | None = None


class Associated(Model):
    """What was associated, and what was not, with the reason behind it."""

    associated: list[str]
    refused: list[str] = Field(default_factory=list)
