"""Forwards: events that the receiver sends on to an address of the operator's, signed by Standard Webhooks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import (
    Cursor,
    Limit,
    Page,
    Toolset,
    announce,
    cursor_number,
    errors,
    in_thread,
    settings_of,
)

from ..client import integration
from ..models import ForwardRow, Requeued, forward_row
from ..store import number_of
from .events import Numbers, store, zone

tools = Toolset("forwards")


@tools.reads(
    core=False, search="transferts relais échecs tentatives file attente dead letters retries failed forwarding"
)
async def list_forwards(
    state: Annotated[
        Literal["waiting", "delivered", "dead"] | None,
        Field(description="waiting for its next attempt, delivered, or dead: given up."),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ForwardRow]:
    """List events that are forwarded to the operator's own address: how often that was tried, and why it failed.

    The receiver tries for three days. To try one again after it was given up, use wh_forward_events.
    """
    database = await store()
    beyond = cursor_number(cursor, 0)
    rows = await in_thread(lambda: database.forwards(state or "", beyond, limit + 1))
    items = [forward_row(row).within(zone()) for row in rows[:limit]]
    return Page(items=items, next_cursor=items[-1].event if len(rows) > limit else None)


@tools.writes(
    core=False,
    search="transférer renvoyer relancer rejouer événement send again redeliver replay",
    examples=["Renvoie cet événement à notre serveur.", "Deliver the failed ones again."],
)
async def forward_events(events: Numbers) -> Requeued:
    """Have the receiver send events once more to the operator's own address, also those that were delivered.

    Each call sends them again and begins a new series of attempts. They keep their webhook-id, so that the program at
    that address can drop what it has seen. Numbers come from wh_list_events or wh_list_forwards; the latter shows how
    it went.
    """
    numbers = [number_of(event) for event in events]
    if settings_of(integration).forward_url is None:
        raise errors.ConfigurationError(
            "Events are not forwarded: WEBHOOKS_FORWARD_URL is not set.",
            "Ask the operator to set it, for the receiver too.",
        )
    database = await store()
    announce(action="forward_events", events=[str(number) for number in numbers])
    queued = set(await in_thread(database.forward_again, numbers))
    return Requeued(
        events=[str(number) for number in dict.fromkeys(numbers) if number in queued],
        not_found=[str(number) for number in dict.fromkeys(numbers) if number not in queued],
    )
