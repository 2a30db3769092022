"""Webhooks: addresses that Cal.com tells of bookings. https://cal.com/docs/api-reference/v2/webhooks"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, HttpUrl

from flotilla import ByNumber, Cursor, Limit, Page, Toolset, choose, confirm, errors, readable
from flotilla.parsing import listed

from ..client import api
from ..models import Webhook

tools = Toolset("webhooks")
READ = ["WEBHOOK_READ"]
WRITE = ["WEBHOOK_READ WEBHOOK_WRITE"]
Event = Literal[
    "BOOKING_CREATED",
    "BOOKING_REQUESTED",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "BOOKING_REJECTED",
    "BOOKING_PAID",
    "BOOKING_NO_SHOW_UPDATED",
    "MEETING_STARTED",
    "MEETING_ENDED",
    "RECORDING_READY",
    "FORM_SUBMITTED",
]


@tools.reads(core=False, scopes=READ, search="webhooks notifications automatisation adresse appelée")
async def list_webhooks(limit: Limit = 20, cursor: Cursor = None) -> Page[Webhook]:
    """List the addresses that Cal.com calls when something happens to a booking, each with its events.

    Use it before calcom_create_webhook, or to find what calcom_delete_webhook takes. Secrets are not shown.
    """
    style = ByNumber("data", page="skip", limit="take", offset=True, first=0)
    return await api.page("/v2/webhooks", Webhook, limit=limit, cursor=cursor, paging=style)


@tools.writes(core=False, creates=True, asks=True, scopes=WRITE, search="créer webhook prévenir automatiser notifier")
async def create_webhook(
    url: Annotated[
        HttpUrl, Field(description="Address to call, with https.", examples=["https://exemple.fr/hooks/calcom"])
    ],
    events: Annotated[
        list[Event],
        Field(min_length=1, max_length=11, description="What Cal.com is to tell of.", examples=[["BOOKING_CREATED"]]),
    ],
    secret: Annotated[
        str | None, Field(min_length=8, description="Text with which the messages are signed, known to the receiver.")
    ] = None,
) -> Webhook:
    """Have Cal.com call an address whenever something happens to a booking of the user; it asks first.

    The address then gets names, e-mail addresses and answers of everybody who books, until the webhook is deleted with
    calcom_delete_webhook. To see what is there, use calcom_list_webhooks.
    """
    if url.scheme != "https":
        raise errors.InvalidInputError("What people book would travel unencrypted.", "Pass an https address.")
    known = [one for one in await _all() if one.url.rstrip("/") == str(url).rstrip("/")]
    if known:
        raise errors.InvalidInputError(
            f"There is a webhook to this address already (id {known[0].id}); nothing was done.",
            "Delete it first with calcom_delete_webhook where its events are to change.",
        )
    await confirm(f"Send all bookings of the user to {url.host} ({url}) from now on: {listed(events)}?")
    body = {"subscriberUrl": str(url), "triggers": events, "active": True, "secret": secret}
    return Webhook.model_validate(await api.data("POST", "/v2/webhooks", json=body))


@tools.destroys(core=False, asks=True, scopes=WRITE, search="supprimer webhook arrêter notifications")
async def delete_webhook(
    webhook: Annotated[
        str, Field(description="Id or address of the webhook, from calcom_list_webhooks.", examples=["4021"])
    ],
) -> Webhook:
    """Delete a webhook: Cal.com no longer calls its address. It asks first and cannot be undone.

    Take the id from calcom_list_webhooks. Returns the webhook that was deleted; bookings are not touched.
    """
    one = choose(webhook, await _all(), name=lambda w: w.url, kind="webhook", listed_by="calcom_list_webhooks")
    await confirm(f"Delete the webhook to {one.url} ({listed(one.events)})?")
    await api.send("DELETE", f"/v2/webhooks/{one.id}")
    return one


async def _all() -> list[Webhook]:
    return readable(Webhook, await api.rows("/v2/webhooks", "data", params={"take": 250}))
