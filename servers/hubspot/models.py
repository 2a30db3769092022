"""Shapes of results. HubSpot keeps every value as text, so that a record is a flat map of texts.

`record` is its kind and id (contact:51), the rest are its properties by HubSpot's names, without the empty ones. Times
are in the zone of the settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import Field, model_validator

from flotilla import Model, Page, UntrustedText

from . import values

Row = dict[str, UntrustedText]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z")
# HubSpot adds these unasked.
_ALWAYS = ("hs_object_id", "createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate")


class Saved(Model):
    """What was created or changed."""

    record: str


class CrmObject(Model):
    """A record as HubSpot returns it. https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide"""

    id: str
    properties: dict[str, Any] = Field(default_factory=dict)
    url: str | None = None

    def saved(self, kind: str) -> Saved:
        """Return what a tool tells of it after a change."""
        return Saved(record=f"{kind}:{self.id}")

    def row(self, kind: str, wanted: Iterable[str] = ()) -> Row:
        """Return it as a flat map; `wanted` are properties that were asked for by name."""
        asked = set(wanted)
        row = {"record": f"{kind}:{self.id}", "url": self.url}
        row |= {name: value for name, value in self.properties.items() if name in asked or name not in _ALWAYS}
        texts = {name: str(value) for name, value in row.items() if value not in (None, "")}
        return {name: values.local(text) or "" if _TIME.fullmatch(text) else text for name, text in texts.items()}


class SearchPage(Page[Row]):
    """One page of a search. `note` says how many there are in all, and what a search cannot show of them."""

    note: str | None = None


class RecordDetail(Model):
    """A record, and the newest that are linked to it: record, name or text, at, and stage or status.

    `note` says which linked ones are not shown.
    """

    details: Row
    linked: list[Row] | None = None
    note: str | None = None


class Done(Model):
    """Whether it was done."""

    done: bool = True


class PropertyInfo(Model):
    """A property of a kind of record: its own name, its label, its type, and its choices as value: label."""

    name: str
    label: str
    type: str
    read_only: bool | None = None
    choices: dict[str, str] | None = None


class Placed(Saved):
    """A deal or ticket that was created or changed, with the name of its stage."""

    stage: str | None = None


class PipelineSummary(Model):
    """A pipeline, and the names of its stages by id, in order."""

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
    """The records that were linked, and those that were not, each with the reason."""

    associated: list[str]
    refused: list[str] = Field(default_factory=list)


class Segment(Model):
    """A segment (list): manual, snapshot or dynamic. https://developers.hubspot.com/docs/api-reference/crm-lists-v3/guide"""

    id: str = Field(alias="listId")
    name: str
    type: str = Field(description="manual and snapshot take records, dynamic fills itself")
    object_type: str = Field(alias="objectTypeId", exclude=True)
    size: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        """Read type and size: a search has the size among further properties, one list by itself."""
        if not isinstance(raw, dict):
            return raw
        more = raw.get("additionalProperties")
        size = more.get("hs_list_size") if isinstance(more, dict) else None
        return {**raw, "type": str(raw.get("processingType") or "").lower(), "size": size or raw.get("size")}


class SegmentChange(Model):
    """Which records were added to a segment or removed from it, and for which nothing changed."""

    segment: str
    changed: list[str]
    unchanged: list[str] = Field(default_factory=list)
