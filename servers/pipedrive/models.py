"""Shapes of results. A record is a flat map of texts: `record` is its kind and id (deal:77), empty values are left out.

Times are in the person's own zone, with their offset; custom fields stand under their names.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from flotilla import Model, Page, UntrustedText

Row = dict[str, UntrustedText]


class Thing(Model):
    """An object as Pipedrive returns it: only its id is certain."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    id: str

    def get(self, name: str) -> Any:
        """Return one of its values, None where it has none."""
        return (self.model_extra or {}).get(name)

    def text(self, name: str) -> str:
        """Return one of its values as text, "" where it has none."""
        value = self.get(name)
        return "" if value is None or isinstance(value, dict | list) else str(value)

    def number(self, name: str) -> int | None:
        """Return one of its values that is an id, None where it has none."""
        value = self.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def inner(self, name: str, key: str) -> str:
        """Return a value of one of its objects as text, "" where there is none."""
        value = self.get(name)
        result = value.get(key) if isinstance(value, dict) else None
        return "" if result is None or isinstance(result, dict | list) else str(result)


class RowPage(Page[Row]):
    """One page of rows."""


class Saved(Model):
    """What was created or changed, with its link in Pipedrive."""

    record: str
    name: UntrustedText | None = None
    url: str | None = None
    stage: UntrustedText | None = None
    status: str | None = None
    due: str | None = None


class RecordDetail(Model):
    """A record, and what belongs to it: newest notes, activities to be done, open deals, leads, people.

    `others` are further records that fit what was asked for; `note` says what is not shown.
    """

    details: Row
    deals: list[Row] | None = None
    leads: list[Row] | None = None
    persons: list[Row] | None = None
    activities: list[Row] | None = None
    notes: list[Row] | None = None
    products: list[Row] | None = None
    others: list[Row] | None = None
    note: str | None = None


class Deleted(Model):
    """What was deleted."""

    record: str
    deleted: bool = True


class SavedFile(Model):
    """A file of Pipedrive that was saved in the data folder; fs_read_document of the filesystem server reads it."""

    path: str
    bytes: int
    sha256: str
    content_type: str
    next: str = "Read it with fs_read_document."


class FieldSummary(Model):
    """A field by its name, with its type and the names of its choices."""

    name: UntrustedText
    type: str
    custom: bool = False
    choices: list[UntrustedText] | None = None


class PipelineSummary(Model):
    """A pipeline and the names of its stages, in order."""

    id: str
    name: UntrustedText
    stages: list[UntrustedText] = Field(default_factory=list)


class UserSummary(Model):
    """A user of the company."""

    id: str
    name: UntrustedText
    email: str


class DealTotals(Model):
    """How many deals there are and what they are worth, by currency; `weighted` counts their probability."""

    count: int
    total: dict[str, str]
    weighted: dict[str, str]
