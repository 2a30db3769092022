"""Shapes of results: what a conversation needs of GoHighLevel's objects. https://marketplace.gohighlevel.com/docs"""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, AwareDatetime, BeforeValidator, Field, field_validator, model_validator

from flotilla import Model, UntrustedText, readable


def _offset(value: Any) -> Any:
    """Read the times that come without an offset as what they are, UTC."""
    if isinstance(value, str) and "T" in value and datetime.fromisoformat(value).tzinfo is None:
        return value + "Z"
    return value


def _amount(value: Any) -> Any:
    return f"{Decimal(str(value)):.2f}" if isinstance(value, int | float) else value


Moment = Annotated[AwareDatetime, BeforeValidator(_offset)]
Amount = Annotated[str, BeforeValidator(_amount)]  # in the sub-account's currency, which the API does not tell


class Contact(Model):
    """A person; or a company, where nobody is named."""

    id: str
    name: UntrustedText | None = None
    email: str | None = None
    phone: str | None = None
    tags: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, contact: Any) -> Any:
        """Name it: each answer of the API has the name in another field."""
        if not isinstance(contact, dict):
            return contact
        both = " ".join(part for part in (contact.get("firstName"), contact.get("lastName")) if part)
        others = (contact.get(key) for key in ("contactName", "name", "fullNameLowerCase"))
        return {**contact, "name": both or next(filter(None, others), None), "tags": contact.get("tags") or []}


class Changed(Contact):
    """A contact after update_contact; `note` says what was not stored as it was sent."""

    note: str | None = None


class Saved(Changed):
    """A contact after create_contact; `created` is false for one that existed already and was not changed."""

    company: UntrustedText | None = Field(None, alias="companyName")
    created: bool = True


class CustomField(Model):
    """A field of the sub-account's own, with its value for one contact."""

    id: str
    name: UntrustedText | None = None
    value: UntrustedText

    @model_validator(mode="before")
    @classmethod
    def _text(cls, raw: Any) -> Any:
        """Write lists and numbers as text."""
        if not isinstance(raw, dict):
            return raw
        value = raw.get("value")
        text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
        return {**raw, "value": text}


class FieldDefinition(Model):
    """A field that the sub-account added to its contacts or opportunities."""

    id: str
    name: UntrustedText
    type: str = Field("TEXT", alias="dataType")
    belongs_to: str | None = Field(None, alias="model")
    options: list[str] | None = Field(None, alias="picklistOptions")


class Note(Model):
    """A note on a contact."""

    id: str
    body: UntrustedText = ""
    date_added: Moment | None = Field(None, alias="dateAdded")


class Task(Model):
    """Something to be done for a contact."""

    id: str = Field(validation_alias=AliasChoices("id", "_id"))
    title: UntrustedText | None = None
    body: UntrustedText | None = None
    due: Moment | None = Field(None, alias="dueDate")
    completed: bool = False
    contact_id: str | None = Field(None, alias="contactId")
    assigned_to: str | None = Field(None, alias="assignedTo")


class NoteOrTask(Model):
    """What ghl_add_note made: a note, or with a due date a task."""

    id: str
    kind: Literal["note", "task"]
    due: AwareDatetime | None = None


class Appointment(Model):
    """A booked time."""

    id: str
    title: UntrustedText | None = None
    start_time: Moment | None = Field(None, alias="startTime")
    end_time: Moment | None = Field(None, alias="endTime")
    status: str | None = Field(None, alias="appointmentStatus")
    place: UntrustedText | None = Field(None, alias="address")
    calendar_id: str | None = Field(None, alias="calendarId")
    contact_id: str | None = Field(None, alias="contactId")

    def within(self, zone: tzinfo | None) -> Self:
        """Return it with its times in a zone."""
        start, end = (time and time.astimezone(zone) for time in (self.start_time, self.end_time))
        return self.model_copy(update={"start_time": start, "end_time": end})


class Opportunity(Model):
    """A deal."""

    id: str
    name: UntrustedText | None = None
    amount: Amount | None = Field(None, alias="monetaryValue")
    status: str | None = None
    pipeline: UntrustedText | None = None
    stage: UntrustedText | None = None
    contact_id: str | None = Field(None, alias="contactId")
    contact: UntrustedText | None = None

    @field_validator("contact", mode="before")
    @classmethod
    def _name(cls, contact: Any) -> Any:
        return contact.get("name") or contact.get("email") if isinstance(contact, dict) else contact


class MadeOpportunity(Opportunity):
    """An opportunity after create_opportunity; `created` is false for one that existed already and was not changed."""

    created: bool = True
    note: str | None = None


class Details(Contact):
    """A contact with everything that is shown of it, the newest notes, tasks, appointments and opportunities."""

    company: UntrustedText | None = Field(None, alias="companyName")
    address: UntrustedText | None = Field(None, alias="address1")
    postal_code: str | None = Field(None, alias="postalCode")
    city: UntrustedText | None = None
    country: str | None = None
    source: UntrustedText | None = None
    assigned_to: str | None = Field(None, alias="assignedTo")
    date_added: Moment | None = Field(None, alias="dateAdded")
    custom_fields: list[CustomField] = Field(default_factory=list, alias="customFields")
    notes: list[Note] | None = None
    tasks: list[Task] | None = None
    appointments: list[Appointment] | None = None
    opportunities: list[Opportunity] | None = None
    note: str | None = None  # what is not shown

    @field_validator("custom_fields", mode="before")
    @classmethod
    def _readable(cls, rows: Any) -> Any:
        return readable(CustomField, rows if isinstance(rows, list) else [])


class Tags(Model):
    """The tags of a contact."""

    tags: list[str]


class Workflow(Model):
    """An automation; only published ones run."""

    id: str
    name: UntrustedText
    status: str


class Done(Model):
    """Whether it was done."""

    done: bool = Field(True, validation_alias=AliasChoices("succeded", "succeeded", "done"))  # the first is the API's


class Calendar(Model):
    """A calendar that can be booked."""

    id: str
    name: UntrustedText


class Slot(Model):
    """A free time."""

    time: datetime


class Stage(Model):
    """A step of a pipeline."""

    id: str
    name: UntrustedText


class Pipeline(Model):
    """A sales pipeline with its stages."""

    id: str
    name: UntrustedText
    stages: list[Stage] = Field(default_factory=list)

    @field_validator("stages", mode="before")
    @classmethod
    def _readable(cls, rows: Any) -> Any:
        return readable(Stage, rows if isinstance(rows, list) else [])


class SentMessage(Model):
    """A message that was sent."""

    message_id: str = Field(alias="messageId")


class Message(Model):
    """A message to or from a contact; `unread` counts the unread ones of its conversation."""

    contact_id: str | None = None
    contact: UntrustedText | None = None
    direction: str | None = None
    channel: str | None = None
    time: Moment | None = None
    subject: UntrustedText | None = None
    text: UntrustedText | None = None
    attachments: list[str] | None = None
    status: str | None = None
    unread: int | None = None


class Answer(Model):
    """One field of a form, as it was filled in."""

    field: UntrustedText
    answer: UntrustedText


class Submission(Model):
    """A form that somebody sent."""

    id: str
    form: UntrustedText | None = None
    contact_id: str | None = Field(None, alias="contactId")
    name: UntrustedText | None = None
    email: str | None = None
    time: Moment | None = Field(None, alias="createdAt")
    answers: list[Answer] = Field(default_factory=list)


class SubAccount(Model):
    """A sub-account (location) that the token reaches; `in_use` marks the one that all other tools work in."""

    id: str
    name: UntrustedText | None = None
    email: str | None = None
    city: UntrustedText | None = None
    country: str | None = None
    timezone: str | None = None
    in_use: bool | None = None
