"""What Freshdesk's objects look like here: the fields that a support conversation needs, numbers and links kept.

Texts that customers wrote are marked as untrusted. Times are in the time zone of the connected agent.
"""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from flotilla import Model, Page, Timed, UntrustedText, readable


class TicketRow(Timed):
    """https://developers.freshdesk.com/api/#tickets"""

    ticket: str = Field(alias="id")
    subject: UntrustedText | None = None
    status: str | None = Field(None, alias="status_name")
    priority: str | None = Field(None, alias="priority_name")
    requester: UntrustedText | None = Field(None, alias="requester_name")
    assignee: str | None = None
    group: str | None = None
    due_by: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    url: str | None = Field(None, alias="link")


class AnyTicket(Model):
    """A ticket of a list as it came, all of its fields kept."""

    model_config = ConfigDict(extra="allow")


class Attachment(Model):
    """A file of a message."""

    id: str
    name: UntrustedText | None = None
    bytes: int | None = Field(None, alias="size")


class Message(Timed):
    """https://developers.freshdesk.com/api/#conversations"""

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
        rows = raw.get("attachments")
        files = [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
        text = raw.get("body_text") or raw.get("description_text") or ""
        return {
            **raw,
            "text": text,
            "public": not raw.get("private", False),
            "attachments": readable(Attachment, files) or None,
        }


class TicketDetails(TicketRow):
    """A ticket and its newest messages. `next_cursor` gives older ones."""

    type: str | None = None
    company: UntrustedText | None = None
    contact: str | None = None
    created_at: AwareDatetime | None = None
    first_response_due_by: AwareDatetime | None = Field(None, alias="fr_due_by")
    escalated: bool | None = Field(None, alias="is_escalated")
    tags: list[str] | None = None
    fields: dict[str, UntrustedText] | None = Field(None, alias="labelled")
    messages: list[Message]
    next_cursor: str | None = None


class Changed(Model):
    """A ticket that was created or changed."""

    ticket: str = Field(alias="id")
    status: str | None = Field(None, alias="status_name")
    priority: str | None = Field(None, alias="priority_name")
    assigned_to: str | None = None
    tags: list[str] | None = None
    url: str | None = Field(None, alias="link")


class Sent(Model):
    """A reply or note that was added to a ticket, and what was changed with it."""

    ticket: str
    text: str | None = None
    status: str | None = None
    assigned_to: str | None = None


class Done(Model):
    """What was done, and how many tickets it concerned."""

    done: bool = True
    tickets: int | None = None
    job: str | None = Field(default=None, description="Freshdesk works on it still")


class CannedResponse(Model):
    """https://developers.freshdesk.com/api/#canned-responses"""

    name: str
    folder: str | None = None


class Contact(Model):
    """https://developers.freshdesk.com/api/#contacts"""

    contact: str
    name: UntrustedText | None = None
    email: UntrustedText | None = None
    phone: UntrustedText | None = None
    mobile: UntrustedText | None = None
    company: str | None = None
    job_title: UntrustedText | None = None
    description: UntrustedText | None = None

    @model_validator(mode="before")
    @classmethod
    def _referred(cls, raw: Any) -> Any:
        """Write the number as contact:35, so that it is not taken for a phone number."""
        if not isinstance(raw, dict) or not raw.get("id"):
            return raw
        company = f"company:{raw['company_id']}" if raw.get("company_id") else None
        return {**raw, "contact": f"contact:{raw['id']}", "company": raw.get("company") or company}


class ContactPage(Page[Contact]):
    """People that were found; of the only one the newest tickets too."""

    tickets: list[TicketRow] | None = None


class Company(Model):
    """https://developers.freshdesk.com/api/#companies"""

    company: str = Field(alias="id")
    name: str
    domains: list[str] | None = None
    description: str | None = None
    note: str | None = None


class Agent(Model):
    """A person who answers tickets."""

    name: str
    email: str | None = None


class Group(Model):
    """https://developers.freshdesk.com/api/#groups"""

    name: str
    description: str | None = None


class FieldInfo(Model):
    """A field of tickets: its label, its type, and the choices that it has."""

    label: str
    type: str
    required: bool | None = None
    choices: list[str] | None = None


class TimeEntry(Timed):
    """https://developers.freshdesk.com/api/#time-entries"""

    id: str
    ticket: str | None = Field(None, alias="ticket_id")
    agent: str | None = Field(None, alias="agent_id")
    time_spent: str | None = Field(None, description="Hours and minutes")
    billable: bool | None = None
    running: bool | None = Field(None, alias="timer_running")
    note: UntrustedText | None = None
    at: AwareDatetime | None = Field(None, alias="executed_at")


class Rating(Timed):
    """https://developers.freshdesk.com/api/#surveys"""

    ticket: str = Field(alias="ticket_id")
    score: str
    feedback: UntrustedText | None = None
    at: AwareDatetime | None = Field(None, alias="created_at")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        """Read the main rating: 103 to -103, or 1 to 3 in a classic survey."""
        ratings = raw.get("ratings") if isinstance(raw, dict) else None
        if not isinstance(ratings, dict):
            return raw
        number = ratings.get("default_question")
        return {**raw, "score": SCORES.get(number, str(number)) if isinstance(number, int) else str(number)}


SCORES = {
    103: "extremely happy", 102: "very happy", 101: "happy", 100: "neutral", -101: "unhappy", -102: "very unhappy",
    -103: "extremely unhappy", 1: "happy", 2: "neutral", 3: "unhappy",
}  # fmt: skip


class Article(Timed):
    """https://developers.freshdesk.com/api/#solutions"""

    article: str = Field(alias="id")
    title: str
    excerpt: str | None = None
    draft: bool | None = None
    folder: str | None = Field(None, alias="folder_name")
    updated_at: AwareDatetime | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_status(cls, raw: Any) -> Any:
        """Read the status: 1 is a draft, 2 is published."""
        return {**raw, "draft": raw.get("status") == 1} if isinstance(raw, dict) and "status" in raw else raw


class ArticleText(Article):
    """An article with its text."""

    text: str = ""


class Job(Model):
    """https://developers.freshdesk.com/api/#jobs"""

    id: str
    status: str = ""
