"""Shapes of results. A record is a flat map of texts: `record` is its kind and id, the rest its fields."""

from __future__ import annotations

from pydantic import Field

from flotilla import Model, Page, UntrustedText

Row = dict[str, UntrustedText]


class RecordPage(Page[Row]):
    """One page of records. `note` says what is not shown."""

    note: str | None = None


class RecordDetail(Model):
    """A record, and the newest that are linked to it: notes, activities, deals, people."""

    details: Row
    linked: list[Row] | None = None
    note: str | None = None


class Saved(Model):
    """What was created or changed."""

    record: str


class Placed(Saved):
    """What was created or changed; of a deal its stage and closing day."""

    stage: str | None = None
    closing: str | None = None


class Activity(Saved):
    """A note, task, meeting or call that was added, and when it is."""

    at: str | None = None


class Converted(Model):
    """What a lead became; the deal with its stage and closing day."""

    contact: str | None = None
    account: str | None = None
    deal: str | None = None
    stage: str | None = None
    closing: str | None = None
    note: str | None = None


class Imported(Model):
    """How many records were created and updated, and those that were refused, each with the reason."""

    created: int
    updated: int
    records: list[str] = Field(default_factory=list)
    refused: list[UntrustedText] = Field(default_factory=list)


class Done(Model):
    """Whether it was done."""

    done: bool = True


class Tagged(Saved):
    """A record, and the tags that were added or removed."""

    tags: list[str]


class ModuleInfo(Model):
    """A module: its name in the API, and what people call it."""

    name: str
    singular: str
    plural: str


class FieldInfo(Model):
    """A field of a module: its name, label and type, and its choices."""

    name: str
    label: str
    type: str
    required: bool | None = None
    read_only: bool | None = None
    choices: list[str] | None = None


class PipelineInfo(Model):
    """A pipeline, and its stages in order."""

    name: str
    default: bool | None = None
    stages: list[str]


class UserInfo(Model):
    """A user of Zoho CRM."""

    id: str
    name: str | None = None
    email: str | None = None
    active: bool | None = None


class Attachment(Model):
    """A file that is attached to a record."""

    id: str
    name: UntrustedText
    bytes: int | None = None
    at: str | None = None
    by: UntrustedText | None = None


class Attached(Saved):
    """A record, and the id of the file that was attached to it."""

    attachment: str
