"""What Zendesk's objects look like here: the fields that a support conversation needs, numbers and links kept.

Texts that customers wrote are marked as untrusted. Times are in the time zone of the connected agent.
"""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from flotilla import Model, Page, Timed, UntrustedText, readable


class TicketRow(Timed):
    """https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#json-format"""

    ticket: str = Field(alias="id")
    subject: UntrustedText | None = None
    status: str | None = None
    priority: str | None = None
    requester: UntrustedText | None = None
    assignee: str | None = None
    group: str | None = None
    updated_at: AwareDatetime | None = None
    url: str | None = Field(None, alias="link")


class Attachment(Model):
    """A file of a comment."""

    id: str
    name: UntrustedText | None = Field(None, alias="file_name")
    bytes: int | None = Field(None, alias="size")


class Comment(Timed):
    """https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/#json-format"""

    author: UntrustedText | None = None
    public: bool = True
    at: AwareDatetime | None = Field(None, alias="created_at")
    text: UntrustedText = ""
    attachments: list[Attachment] | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {**raw, "text": raw.get("plain_body") or raw.get("body") or "", "attachments": _attachments(raw)}


def _attachments(raw: dict[str, Any]) -> list[Attachment] | None:
    rows = [one for one in raw.get("attachments") or [] if isinstance(one, dict)]
    return readable(Attachment, rows) or None


class Sla(Timed):
    """A target of the service level: what is measured, and when it is missed."""

    metric: str
    stage: str | None = None
    breach_at: AwareDatetime | None = None


class TicketDetails(TicketRow):
    """A ticket and its newest comments. `next_cursor` gives older ones."""

    type: str | None = None
    organization: str | None = None
    created_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    tags: list[str] | None = None
    fields: dict[str, UntrustedText] | None = Field(None, alias="labelled")
    satisfaction: UntrustedText | None = None
    sla: list[Sla] | None = None
    comments: list[Comment]
    next_cursor: str | None = None


class Changed(Model):
    """A ticket that was created or changed."""

    ticket: str = Field(alias="id")
    status: str | None = None
    priority: str | None = None
    assigned_to: str | None = None
    tags: list[str] | None = None
    url: str | None = Field(None, alias="link")


class Opened(Changed):
    """A ticket that was opened, and for whom."""

    requester: UntrustedText | None = None


class Done(Model):
    """What was done, and how many tickets it concerned."""

    done: bool = True
    tickets: int | None = None
    failed: list[str] | None = None
    job: str | None = Field(default=None, description="Zendesk works on it still")


class Macro(Model):
    """https://developer.zendesk.com/api-reference/ticketing/business-rules/macros/#json-format"""

    name: str = Field(alias="title")
    description: str | None = None
    does: str | None = Field(None, description="What it sets")

    @model_validator(mode="before")
    @classmethod
    def _summed_up(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        actions = [one for one in raw.get("actions") or [] if isinstance(one, dict)]
        texts = [f"{one.get('field')}: {str(one.get('value'))[:120]}" for one in actions]
        return {**raw, "does": "; ".join(texts)[:400] or None}


class View(Model):
    """https://developer.zendesk.com/api-reference/ticketing/business-rules/views/#json-format"""

    name: str = Field(alias="title")
    tickets: int | None = None


class User(Timed):
    """https://developer.zendesk.com/api-reference/ticketing/users/users/#json-format"""

    user: str
    name: UntrustedText | None = None
    email: UntrustedText | None = None
    phone: UntrustedText | None = None
    role: str | None = None
    organization: UntrustedText | None = None
    notes: str | None = None
    suspended: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _referred(cls, raw: Any) -> Any:
        """Write the number as user:35, so that it is not taken for a phone number."""
        return {**raw, "user": f"user:{raw['id']}"} if isinstance(raw, dict) and raw.get("id") else raw


class UserPage(Page[User]):
    """People that were found; of the only one the newest tickets too."""

    tickets: list[TicketRow] | None = None


class Organization(Model):
    """https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/#json-format"""

    organization: str = Field(alias="id")
    name: str
    domains: list[str] | None = Field(None, alias="domain_names")
    details: str | None = None
    notes: str | None = None
    tags: list[str] | None = None


class Agent(Model):
    """A person who answers tickets."""

    name: str
    email: str | None = None
    role: str | None = None


class Group(Model):
    """https://developer.zendesk.com/api-reference/ticketing/groups/groups/#json-format"""

    name: str
    description: str | None = None


class FieldInfo(Model):
    """A field of tickets: its label, its type, and the choices that it has."""

    label: str
    type: str
    required: bool | None = None
    choices: list[str] | None = None


class Rating(Timed):
    """https://developer.zendesk.com/api-reference/ticketing/ticket-management/satisfaction_ratings/#json-format"""

    ticket: str = Field(alias="ticket_id")
    score: str
    comment: UntrustedText | None = None
    reason: str | None = None
    at: AwareDatetime | None = Field(None, alias="created_at")


class Suspended(Timed):
    """https://developer.zendesk.com/api-reference/ticketing/tickets/suspended_tickets/#json-format"""

    suspended: str = Field(alias="id")
    subject: UntrustedText | None = None
    author: UntrustedText | None = None
    cause: str | None = None
    text: UntrustedText | None = Field(None, alias="content")
    at: AwareDatetime | None = Field(None, alias="created_at")

    @model_validator(mode="before")
    @classmethod
    def _written_by(cls, raw: Any) -> Any:
        author = raw.get("author") if isinstance(raw, dict) else None
        if not isinstance(author, dict):
            return raw
        text = str(raw.get("content") or "")
        shown = " ".join(str(part) for part in (author.get("name"), author.get("email")) if part)
        return {**raw, "author": shown or None, "content": text[:500] or None}


class Article(Timed):
    """https://developer.zendesk.com/api-reference/help_center/help-center-api/articles/#json-format"""

    article: str = Field(alias="id")
    title: str
    excerpt: str | None = None
    draft: bool | None = None
    updated_at: AwareDatetime | None = None
    url: str | None = Field(None, alias="html_url")


class ArticleText(Article):
    """An article with its text."""

    text: str = ""


class Job(Model):
    """https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/#json-format"""

    id: str
    status: str = ""
    message: str | None = None
    results: Any = None
