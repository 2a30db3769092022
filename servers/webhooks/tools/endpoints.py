"""Endpoints: the addresses that vendors call, and how much came in."""

from __future__ import annotations

import time
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, in_thread, settings_of, sliced

from ..client import integration
from ..models import EndpointRow, OutcomeRow, Statistics, count_row, endpoint_row
from ..store import DAY, by_endpoint
from .events import VendorName, known_vendor, store, zone

tools = Toolset("endpoints")


@tools.reads(
    search="adresses url points d'entrée configurer installer brancher webhook setup where address vendor",
    examples=["Quelle adresse dois-je donner à Calendly ?", "Which webhook addresses do we have?"],
)
async def list_endpoints(vendor: VendorName = None, limit: Limit = 20, cursor: Cursor = None) -> Page[EndpointRow]:
    """List the addresses that vendors can call, with where to enter each, which secret it needs, and its last event.

    Only the operator adds endpoints and secrets (WEBHOOKS_SECRETS); secrets are not shown. An address is entered in the
    vendor's own settings.
    """
    settings = settings_of(integration)
    wanted = known_vendor(vendor)
    totals = by_endpoint(await in_thread((await store()).totals))
    rows = [
        endpoint_row(endpoint, str(settings.public_url), totals[key]).within(zone())
        for key, endpoint in sorted(settings.endpoints.items())
        if not wanted or endpoint.vendor.slug == wanted
    ]
    return sliced(rows, limit, cursor)


@tools.reads(
    search="statistiques combien nombre doublons refusés erreurs stats how many duplicates refused",
    examples=["Combien de webhooks cette semaine ?", "Were any webhooks refused?"],
)
async def get_statistics(
    days: Annotated[int, Field(ge=1, le=90, description="Number of days that requests are counted over.")] = 7,
) -> Statistics:
    """Count the stored events by vendor, kind and state, and the requests of the last days by how they ended.

    `events` are all that are stored now, whatever `days` says. `requests` also says how many were refused and why, for
    instance because of a wrong secret, and how many were duplicates; `forwards` how many events wait to be forwarded.
    The events themselves are in wh_list_events.
    """
    database = await store()
    since = time.time() - (days - 1) * DAY
    totals, outcomes, forwards = await in_thread(
        lambda: (database.totals(), database.outcomes(since), database.forward_totals())
    )
    return Statistics(
        events=[count_row(total) for total in totals],
        requests=[OutcomeRow(**outcome._asdict()) for outcome in outcomes],
        forwards=forwards,
    )
