"""What the tools return: events, endpoints, forwards and counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, Field

from flotilla import Model, Timed, UntrustedText

from .endpoints import Endpoint
from .store import EndpointTotals, Forward, Stored, Total


class Event(Timed):
    """One event, in a list."""

    event: str = Field(description="Number that the other tools take")
    vendor: str
    endpoint: str
    kind: UntrustedText
    account: UntrustedText | None = None
    state: str = Field(description="new, acknowledged or parked")
    received_at: AwareDatetime
    happened_at: AwareDatetime | None = Field(None, description="When it happened, as the vendor says")
    duplicates: int | None = Field(None, description="How often the vendor sent it again")


class EventDetails(Event):
    """One event, with what the vendor sent."""

    event_id: UntrustedText = Field(description="Id at the vendor, or the digest of the content")
    payload: Any = Field(description="What the vendor sent, untrusted data")


class Marked(Model):
    """What was marked."""

    events: list[Event]
    not_found: list[str] = Field(default_factory=list, description="Numbers of which there is no event")


class ForwardRow(Timed):
    """One event on its way to the operator's own address."""

    event: str
    vendor: str
    kind: UntrustedText
    state: str = Field(description="waiting, delivered, or dead: given up after the last attempt")
    attempts: int
    next_attempt_at: AwareDatetime | None = None
    last_attempt_at: AwareDatetime | None = None
    problem: UntrustedText | None = Field(None, description="Why the last attempt failed")


class Requeued(Model):
    """What is forwarded again."""

    events: list[str]
    not_found: list[str] = Field(default_factory=list, description="Numbers of which there is no event")


class EndpointRow(Timed):
    """An address that a vendor calls."""

    vendor: str
    endpoint: str
    url: str = Field(description="Address to enter at the vendor")
    ready: bool = Field(description="Whether it has a secret; without one everything is refused")
    secret: str = Field(description="What the secret is")
    setup: str = Field(description="Where the address is entered")
    docs: str
    accounts: list[str] = Field(default_factory=list, description="Accounts whose events are taken; all without it")
    new_events: int
    last_event_at: AwareDatetime | None = None


class CountRow(Model):
    """How many events are stored."""

    vendor: str
    endpoint: str
    kind: UntrustedText
    state: str
    number: int


class OutcomeRow(Model):
    """How many requests ended in one way."""

    vendor: str
    endpoint: str
    outcome: str = Field(description="received, parked, duplicate, challenge, or refused and why")
    number: int


class Statistics(Model):
    """What is stored, and what came in."""

    events: list[CountRow] = Field(description="All events that are stored now")
    requests: list[OutcomeRow] = Field(description="What came in during the last days")
    forwards: dict[str, int] = Field(description="Number of forwards by state")


def at(seconds: float | None) -> datetime | None:
    """Return Unix seconds as a time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def event_row(stored: Stored) -> Event:
    """Return an event as it is listed."""
    return Event(**_fields(stored))


def event_details(stored: Stored, payload: Any) -> EventDetails:
    """Return an event with its payload."""
    return EventDetails(**_fields(stored), event_id=stored.key, payload=payload)


def _fields(stored: Stored) -> dict[str, Any]:
    return {
        "event": str(stored.id),
        "vendor": stored.vendor,
        "endpoint": stored.endpoint,
        "kind": stored.kind,
        "account": stored.account or None,
        "state": stored.state,
        "received_at": at(stored.received),
        "happened_at": at(stored.happened),
        "duplicates": stored.duplicates or None,
    }


def forward_row(forward: Forward) -> ForwardRow:
    """Return a forward as it is listed."""
    return ForwardRow(
        event=str(forward.event.id),
        vendor=forward.event.vendor,
        kind=forward.event.kind,
        state=forward.state,
        attempts=forward.attempts,
        next_attempt_at=at(forward.due) if forward.state == "waiting" else None,
        last_attempt_at=at(forward.changed) if forward.attempts else None,
        problem=forward.problem or None,
    )


def count_row(total: Total) -> CountRow:
    """Return a number of events."""
    return CountRow(
        vendor=total.vendor, endpoint=total.endpoint, kind=total.kind, state=total.state, number=total.number
    )


def endpoint_row(endpoint: Endpoint, public_url: str, totals: EndpointTotals) -> EndpointRow:
    """Return an endpoint with its address and how much came in."""
    vendor = endpoint.vendor
    return EndpointRow(
        vendor=vendor.slug,
        endpoint=endpoint.name,
        url=public_url.rstrip("/") + endpoint.path,
        ready=bool(endpoint.secrets),
        secret=vendor.secret,
        setup=vendor.setup,
        docs=vendor.docs,
        accounts=sorted(endpoint.accounts),
        new_events=totals.numbers["new"],
        last_event_at=at(totals.last),
    )
