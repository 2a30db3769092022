"""The values of a deal, as create and convert need them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flotilla import When
from flotilla.parsing import MoneyValue

from . import metadata, pipelines, records, values

USUAL_DAYS = 30  # until closing, where nobody says when


async def opened(name: str, amount: MoneyValue | None, stage: str | None, close_date: When | None) -> dict[str, Any]:
    """Return the fields of a new deal: Zoho wants a stage and a closing day.

    Raises errors.InvalidInputError for an unknown stage or a currency that the account does not have.
    """
    place = await pipelines.position(stage)
    zone = await metadata.account_zone()
    day = close_date.day(zone) if close_date else datetime.now(zone).date() + timedelta(days=USUAL_DAYS)
    fields: dict[str, Any] = {"Deal_Name": name, "Stage": place.stage, "Closing_Date": day.isoformat()}
    if place.pipeline:
        fields["Pipeline"] = place.pipeline
    return {**fields, **(await money(amount) if amount else {})}


async def money(amount: MoneyValue) -> dict[str, Any]:
    """Return an amount, and its currency where the account has several; raises errors.InvalidInputError."""
    currency = await records.in_currency("Deals", amount.currency) if amount.currency else {}
    return {"Amount": values.number(amount.amount), **currency}
