"""What the account has left, and what it used. https://www.twilio.com/docs/usage/api/usage-record"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from flotilla import Toolset, When, readable
from flotilla.parsing import check_order

from ..client import api
from ..models import Balance, Usage, UsageReport

tools = Toolset("account")
MOST = 40  # categories in one report


@tools.reads(core=False, search="solde crédit restant compte twilio argent balance credit money left")
async def get_balance() -> Balance:
    """Get the money that is left on the Twilio account, with its currency. Calls and texts are paid from it.

    When it is used up, nothing can be sent any more. To see what it was spent on, use tel_get_usage.
    """
    return Balance.model_validate(await api.get("/Balance.json"))


@tools.reads(
    core=False,
    search="consommation dépenses coût facture par mois appels sms spending cost costs month",
    examples=["Combien avons-nous dépensé en SMS ce mois-ci ?"],
)
async def get_usage(
    after: Annotated[When | None, Field(description="First day; the first of this month without it.")] = None,
    before: Annotated[When | None, Field(description="Last day, included; today without it.")] = None,
) -> UsageReport:
    """Get what the account used and what it cost: calls, texts, recordings, lookups, numbers; the dearest first.

    Categories overlap: calls holds calls-inbound and calls-outbound; total is the whole price. What is left on the
    account is in tel_get_balance.
    """
    today = datetime.now(api.zone).date()
    last = before.day(api.zone) if before else today
    first = after.day(api.zone) if after else last.replace(day=1)
    check_order(first, last + timedelta(days=1), "after", "before")
    params = {"StartDate": first.isoformat(), "EndDate": last.isoformat(), "PageSize": 1000}
    rows = await api.rows("/Usage/Records.json", "usage_records", params=params)
    total: dict[str, Any] = next((row for row in rows if row.get("category") == "totalprice"), {})
    used = [one for one in readable(Usage, rows) if one.category != "totalprice" and one.price]
    whole = next(iter(readable(Usage, [total])), None) if total else None
    return UsageReport(
        start=first.isoformat(),
        end=last.isoformat(),
        total=whole.price if whole else None,
        currency=str(total["price_unit"]).upper() if total.get("price_unit") else None,
        categories=sorted(used, key=lambda one: one.price or 0, reverse=True)[:MOST],
    )
