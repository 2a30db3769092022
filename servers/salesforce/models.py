"""Shapes of results. A record is a flat map of texts by Salesforce's API names; empty fields are left out."""

from __future__ import annotations

from pydantic import Field

from flotilla import Model, Page, UntrustedText

Row = dict[str, UntrustedText]


class Rows(Page[Row]):
    """One page of records; times are in the user's time zone. `note` says what pages do not show."""

    note: str | None = None


class RecordDetail(Model):
    """A record with its fields, and the newest of what belongs to it: object, id, name, at, status and text."""

    object: str
    id: str
    url: str
    fields: Row
    related: list[Row] | None = None


class Saved(Model):
    """A record that was created or changed."""

    object: str
    id: str
    url: str | None = None
    name: UntrustedText | None = None
    created: bool | None = None
    note: str | None = None


class Staged(Saved):
    """An opportunity that was created or changed, with its stage, and whether that counts as closed or won."""

    stage: str | None = None
    closed: bool | None = None
    won: bool | None = None


class Scheduled(Saved):
    """A task or event, with its day or time."""

    at: str | None = None
    end: str | None = None
    owner: UntrustedText | None = None


class Converted(Model):
    """What became of a lead: the ids of its account, contact and opportunity."""

    lead: str
    account: str | None = None
    contact: str | None = None
    opportunity: str | None = None
    url: str | None = None
    converted: bool = Field(True, description="False where it was converted before")


class Deleted(Model):
    """A record that is in the recycle bin now."""

    object: str
    id: str
    deleted: bool = True


class FieldDetail(Model):
    """A field of an object: its API name, label, type, and the values that it allows."""

    name: str
    label: str
    type: str
    required: bool | None = None
    read_only: bool | None = None
    refers_to: list[str] | None = None
    external_id: bool | None = None
    choices: list[str] | None = None


class ObjectDetail(Model):
    """A kind of record."""

    name: str
    label: str
    custom: bool = False


class Person(Model):
    """A Salesforce user."""

    id: str
    name: str
    email: str | None = None
    username: str | None = None
    title: str | None = None


class Job(Model):
    """A bulk job: its state, how many records it did, and the file in the data folder."""

    job: str | None = None
    state: str | None = None
    records: int | None = None
    failed: int | None = None
    path: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    read_with: str | None = None
    note: str | None = None


class ReportInfo(Model):
    """A saved report."""

    id: str
    name: UntrustedText
    folder: str | None = None
    description: UntrustedText | None = None
    last_run: str | None = None


class ReportRun(Model):
    """A report that was run: its totals, its groups with theirs, and its rows."""

    name: UntrustedText
    totals: Row
    items: list[Row]
    note: str | None = None


class AttachedFile(Model):
    """A file on a record; `id` is what the download takes."""

    id: str
    name: UntrustedText
    type: str | None = None
    bytes: int | None = None
    at: str | None = None
