"""Account and collaborators. https://www.facturation.dev/api/account/"""

from __future__ import annotations

from flotilla import Cursor, Limit, Page, sliced

from .app import api, server
from .firm import ACCOUNT
from .models import Account, Collaborator, Order


@server.reads(core=False, group="account")
async def get_account() -> Account:
    """Who is connected, the firms (entreprises) of the account, and how many requests are left."""
    account = await api.get(ACCOUNT)
    firms = account.get("firms") or []
    in_use = server.settings.firm_id or (firms[0]["id"] if len(firms) == 1 else None)
    return Account.model_validate({**account, "firm_id": in_use, **api.allowance})


@server.reads(core=False, group="account")
async def list_orders(limit: Limit = 20, cursor: Cursor = None) -> Page[Order]:
    """List what the firm paid for Facturation.PRO itself (abonnement)."""
    return sliced([Order.model_validate(row) for row in await api.get("/orders.json")], limit, cursor)


@server.reads(core=False, group="collaborators")
async def list_collaborators(limit: Limit = 20, cursor: Cursor = None) -> Page[Collaborator]:
    """List who works in the firm, with their roles. Gives the user_id that quotes and invoices take."""
    return sliced([Collaborator.model_validate(row) for row in await api.get("/collaborators.json")], limit, cursor)
