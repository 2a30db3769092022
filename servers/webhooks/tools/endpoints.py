"""Endpoints: the addresses that vendors call, and how much came in."""

from __future__ import annotations

import time
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, in_thread, settings_of, sliced

from ..client import integration
from ..models import Count, EndpointRow, Outcome, Statistics, endpoint_row
from ..store import DAY
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
    totals = await in_thread((await store()).totals)
    rows = []
    for key, endpoint in sorted(settings.endpoints.items()):
        if not wanted or endpoint.vendor.slug == wanted:
            own = [total for total in totals if total[:2] == key]
            new = sum(number for _, _, _, state, number, _, _ in own if state == "new")
            last = max((last for *_, last in own), default=None)
            rows.append(endpoint_row(endpoint, str(settings.public_url), new, last).within(zone()))
    return sliced(rows, limit, cursor)


@tools.reads(
    search="statistiques combien nombre doublons refusés erreurs stats how many duplicates refused",
    examples=["Combien de webhooks cette semaine ?", "Were any webhooks refused?"],
)
async def get_statistics(
    days: Annotated[int, Field(ge=1, le=90, description="Number of days that requests are counted over.")] = 7,
) -> Statistics:
    """Count the events that are there by vendor, kind and state, and what came in during the last days.

    It also says how many requests were refused and why, for instance by a wrong secret, how many were duplicates, and
    how many events wait to be forwarded. The events themselves are in wh_list_events.
    """
    database = await store()
    totals, counts, forwards = await in_thread(
        lambda: (database.totals(), database.counts(time.time() - (days - 1) * DAY), database.forward_totals())
    )
    return Statistics(
        events=[Count(vendor=v, endpoint=e, kind=k, state=s, number=n) for v, e, k, s, n, _, _ in totals],
        requests=[Outcome(vendor=v, endpoint=e, outcome=o, number=n) for v, e, o, n in counts],
        forwards=forwards,
    )
