"""What GoHighLevel's objects look like here: what a conversation needs, ids kept. https://marketplace.gohighlevel.com/docs"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AliasChoices, AwareDatetime, BeforeValidator, Field, model_validator

from flotilla import Model, UntrustedText


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
    """A contact after update_contact; `note` says what was not kept as it was given."""

    note: str | None = None


class Saved(Changed):
    """A contact after create_contact; `created` is false for one that was there already and is as it was."""

    company: UntrustedText | None = Field(None, alias="companyName")
    created: bool = True


class CustomField(Model):
    """A field of the sub-account's own."""

    id: str
    value: UntrustedText

    @model_validator(mode="before")
    @classmethod
    def _text(cls, given: Any) -> Any:
        """Write lists and numbers as text."""
        value = given.get("value") if isinstance(given, dict) else None
        told = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
        return {**given, "value": told} if isinstance(given, dict) else given


class Details(Contact):
    """A contact with all that is shown of it."""

    company: UntrustedText | None = Field(None, alias="companyName")
    address: UntrustedText | None = Field(None, alias="address1")
    postal_code: str | None = Field(None, alias="postalCode")
    city: UntrustedText | None = None
    country: str | None = None
    source: UntrustedText | None = None
    assigned_to: str | None = Field(None, alias="assignedTo")
    date_added: Moment | None = Field(None, alias="dateAdded")
    custom_fields: list[CustomField] = Field(default_factory=list, alias="customFields")


class Tags(Model):
    """The tags of a contact."""

    tags: list[str]


class Note(Model):
    """A note on a contact."""

    id: str


class Workflow(Model):
    """An automation; only published ones run."""

    id: str
    name: UntrustedText
    status: str


class Done(Model):
    """What was asked for was done."""

    done: bool = Field(True, validation_alias=AliasChoices("succeded", "succeeded", "done"))  # the first is the API's


class Calendar(Model):
    """What appointments are booked in."""

    id: str
    name: UntrustedText


class Appointment(Model):
    """A booked time."""

    id: str
    start_time: Moment | None = Field(None, alias="startTime")
    end_time: Moment | None = Field(None, alias="endTime")
    status: str | None = Field(None, alias="appointmentStatus")


class Stage(Model):
    """A step of a pipeline."""

    id: str
    name: UntrustedText


class Pipeline(Model):
    """Where opportunities stand."""

    id: str
    name: UntrustedText
    stages: list[Stage] = Field(default_factory=list)


class Opportunity(Model):
    """A deal."""

    id: str
    amount: Amount | None = Field(None, alias="monetaryValue")
    status: str | None = None
    stage_id: str | None = Field(None, alias="pipelineStageId")


class Message(Model):
    """A message that was handed over."""

    message_id: str = Field(alias="messageId")
