"""Shapes of results, and what is read of Intercom's objects.

https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from flotilla import Model, Page, UntrustedText

# -- what is read -----------------------------------------------------------------------------------------------------


class Named(Model):
    """Something that has a name: a teammate, a team, a tag, a segment, a macro, a ticket type."""

    id: str
    name: str | None = None
    email: str | None = None
    kind: str = ""
    away: bool | None = Field(default=None, alias="away_mode_enabled")


class Me(Named):
    """The token's owner and the workspace."""

    app: dict[str, Any] = Field(default_factory=dict)


class Attachment(Model):
    """A file of a message. The address is signed and ends after a while."""

    name: str
    url: str = Field(exclude=True)
    type: str | None = Field(None, alias="content_type")
    bytes: int | None = Field(None, alias="filesize")


class Author(Model):
    """Who wrote something: `type` is user, lead, contact, admin, bot or team."""

    type: str | None = None
    id: str | None = None
    name: str | None = None
    email: str | None = None


class Source(Model):
    """The first message of a conversation."""

    type: str | None = None
    delivered_as: str | None = None
    subject: str | None = None
    body: str | None = None
    author: Author | None = None
    attachments: list[Any] | None = None


class Item(Model):
    """What conversations and tickets have in common."""

    id: str
    title: str | None = None
    state: str | None = None
    open: bool | None = None
    priority: str | None = None
    source: Source | None = None
    contacts: dict[str, Any] | None = None
    tags: dict[str, Any] | None = None
    admin_assignee_id: str | None = None
    team_assignee_id: str | None = None
    created_at: int | None = None
    updated_at: int | None = None
    waiting_since: int | None = None
    snoozed_until: int | None = None
    parts: dict[str, Any] | None = Field(None, alias="conversation_parts")
    custom_attributes: dict[str, Any] | None = None


class TicketItem(Item):
    """A ticket as it comes."""

    number: str | None = Field(None, alias="ticket_id")
    parts: dict[str, Any] | None = Field(None, alias="ticket_parts")
    attributes: dict[str, Any] = Field(default_factory=dict, alias="ticket_attributes")
    ticket_state: dict[str, Any] | None = None
    ticket_type: dict[str, Any] | None = None
    category: str | None = None


class Part(Model):
    """One part of a conversation."""

    id: str
    part_type: str
    body: str | None = None
    created_at: int | None = None
    author: Author | None = None
    attachments: list[Any] | None = None
    assigned_to: dict[str, Any] | None = None


class Person(Model):
    """A contact as it comes."""

    id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    role: str | None = None
    external_id: str | None = None
    owner_id: str | None = None
    created_at: int | None = None
    last_seen_at: int | None = None
    last_contacted_at: int | None = None
    last_replied_at: int | None = None
    unsubscribed_from_emails: bool | None = None
    custom_attributes: dict[str, Any] | None = None
    location: dict[str, Any] | None = None
    tags: dict[str, Any] | None = None
    companies: dict[str, Any] | None = None

    @property
    def shown(self) -> str:
        """Return how a person is named in a question or a list."""
        return " ".join(dict.fromkeys(filter(None, (self.name, self.email or self.phone)))) or f"contact {self.id}"


class Firm(Model):
    """A company as it comes."""

    id: str
    name: str | None = None
    company_id: str | None = None
    website: str | None = None
    industry: str | None = None
    size: int | None = None
    monthly_spend: float | None = None
    user_count: int | None = None
    plan: dict[str, Any] | None = None
    created_at: int | None = None
    last_request_at: int | None = None
    custom_attributes: dict[str, Any] | None = None
    tags: dict[str, Any] | None = None


# -- what goes out ----------------------------------------------------------------------------------------------------

Row = dict[str, UntrustedText]
"""A flat row: texts by name, without the empty ones. `record` is what other tools take."""


class Rows(Page[Row]):
    """One page of rows; `note` says how many there are in all and what is not shown."""

    note: str | None = None


class Message(Model):
    """One message, note or change of a conversation, with who made it: customer, teammate or bot."""

    at: str | None = None
    by: UntrustedText | None = None
    role: str
    kind: str
    text: UntrustedText | None = None
    files: list[Attachment] = Field(default_factory=list)


class Thread(Page[Message]):
    """A conversation or ticket: its details and its messages, oldest first. next_cursor leads to earlier ones."""

    details: Row
    customer: Row | None = None


class ContactDetail(Model):
    """A person with companies, notes, and the latest conversations and tickets."""

    details: Row
    companies: list[Row] = Field(default_factory=list)
    notes: list[Row] = Field(default_factory=list)
    conversations: list[Row] = Field(default_factory=list)
    tickets: list[Row] = Field(default_factory=list)
    note: str | None = None


class CompanyDetail(Model):
    """A company with the people of it."""

    details: Row
    contacts: list[Row] = Field(default_factory=list)
    note: str | None = None


class Saved(Model):
    """What was changed, and what is true of it now."""

    record: str
    state: str | None = None
    assignee: str | None = None
    team: str | None = None
    snoozed_until: str | None = None
    tags: list[str] | None = None
    url: str | None = None
    note: str | None = None


class Event(Model):
    """Something that a person did, as the product reported it."""

    name: UntrustedText = Field(alias="event_name")
    at: str | None = None
    details: dict[str, UntrustedText] = Field(default_factory=dict)


class Option(Model):
    """A name that other tools take."""

    name: str
    id: str | None = None
    about: str | None = None
    choices: list[str] | None = None


class Article(Model):
    """An article of the help centre; `text` is Markdown."""

    id: str
    title: UntrustedText | None = None
    state: str | None = None
    description: UntrustedText | None = None
    url: str | None = None
    text: UntrustedText | None = None
    updated: str | None = None
    note: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _markdown(cls, raw: Any) -> Any:
        return {**raw, "text": raw.get("text") or raw.get("body_markdown")} if isinstance(raw, dict) else raw
