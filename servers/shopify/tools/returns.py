"""Returns: what customers send back. https://shopify.dev/docs/apps/build/orders-fulfillment/returns-apps"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Model, Page, Record, Toolset, choose, confirm, errors, readable

from ..client import api
from ..documents import PAGE_INFO, USER_ERRORS
from ..graphql import gid, mutate, one, query
from ..lookup import LineRef, OrderRef, find_order, pick_line
from ..models import Order, Return, dig, nodes
from .orders import person

tools = Toolset("returns")
READ = ["read_returns read_orders read_customers"]
WRITE = ["write_returns read_orders read_customers"]

RETURN = """
fragment Return on Return {
  id name status
  returnLineItems(first: 50) { nodes {
    quantity customerNote
    returnReasonDefinition { name }
    ... on ReturnLineItem { fulfillmentLineItem { lineItem { name } } }
  } }
}"""
LIST = f"""
query ListReturns($id: ID!, $first: Int!, $after: String) {{
  order(id: $id) {{ returns(first: $first, after: $after) {{ nodes {{ ...Return }} {PAGE_INFO} }} }}
}}
{RETURN}"""
RETURNABLE = """
query Returnable($id: ID!) {
  returnableFulfillments(orderId: $id, first: 20) { nodes { returnableFulfillmentLineItems(first: 50) { nodes {
    quantity fulfillmentLineItem { id lineItem { id name sku } }
  } } } }
  returnReasonDefinitions(first: 100) { nodes { id name handle } }
}"""
CREATE = f"""
mutation CreateReturn($input: ReturnInput!) {{
  returnCreate(returnInput: $input) {{ return {{ ...Return }} {USER_ERRORS} }}
}}
{RETURN}"""
BY_ID = f"query ReturnById($id: ID!) {{ return(id: $id) {{ ...Return order {{ name }} }} }} {RETURN}"
CLOSE = f"""
mutation CloseReturn($id: ID!) {{
  returnClose(id: $id) {{ return {{ ...Return }} {USER_ERRORS} }}
}}
{RETURN}"""


class ReturnItem(Model):
    """An item that comes back, as an argument."""

    item: LineRef
    quantity: int | None = Field(None, ge=1, description="Number of pieces; all that were sent without it.")
    reason: str | None = Field(None, description="Reason as the shop calls it; a wrong one lists them.")
    note: str | None = Field(None, max_length=255, description="What the customer says about it.")


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "retours renvois commande état liste articles renvoyés attendus reçus motif en cours returned "
        "items sent back pending which reason revenir returning coming way"
    ),
    examples=[
        "Quels retours sont en cours sur cette commande ?",
        "Pourquoi elle a renvoyé la chemise ?",
        "Est-ce que le retour est arrivé ?",
        "Montre les renvois de la 1042",
        "Qu'est-ce qui doit revenir ?",
        "Are there returns on order 1042?",
        "Why was the shirt sent back?",
        "Has the return arrived?",
        "What's on its way back to us?",
    ],
)
async def list_returns(order: OrderRef, limit: Limit = 20, cursor: Cursor = None) -> Page[Return]:
    """List the returns of an order, with status, items and reasons.

    Money goes back by shopify_refund_order, which does not depend on a return. To register one use
    shopify_create_return.
    """
    target = await find_order(order)
    data = await query(LIST, {"id": target["id"], "first": limit, "after": cursor})
    rows = api.rows_in(data, "order.returns.nodes")
    info = dig(data, "order", "returns", "pageInfo")
    more = dig(info, "endCursor") if dig(info, "hasNextPage") else None
    return Page(items=readable(Return, rows), next_cursor=more)


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    scopes=WRITE,
    search=(
        "retour renvoyer échange article défectueux taille enregistrer retour veut rendre renvoie ne va "
        "pas trop grand défaut rétractation wants to send back return exchange doesn't fit faulty "
        "register RMA"
    ),
    examples=[
        "Enregistre le retour de la chemise de la commande 1001, trop petite.",
        "Elle veut renvoyer la robe, trop grande",
        "Le client se rétracte, note le retour",
        "Il renvoie un article défectueux",
        "La taille ne va pas, elle veut rendre la chemise",
        "Ouvre un retour pour deux articles",
        "She wants to send the dress back",
        "The shoes don't fit, set up a return",
        "He's returning a faulty item",
        "Register a return for order 1042",
        "They want to exchange it for another size",
    ],
)
async def create_return(
    order: OrderRef,
    items: Annotated[
        list[ReturnItem],
        Field(min_length=1, max_length=50, description="What comes back.", examples=[[{"item": "LIN-M"}]]),
    ],
) -> Return:
    """Register that items of an order that were sent come back. A person is asked first; no money is refunded yet.

    When they have arrived, refund them with shopify_refund_order and end it with shopify_close_return. Items that were
    not sent are refunded or cancelled at once.
    """
    target = await find_order(order)
    shown = Order.model_validate(target)
    data = await query(RETURNABLE, {"id": target["id"]})
    lines = [
        Record({**(dig(row, "fulfillmentLineItem", "lineItem") or {}), "sent": row})
        for group in api.rows_in(data, "returnableFulfillments.nodes")
        for row in nodes(group.get("returnableFulfillmentLineItems"))
        if row.get("quantity")
    ]
    if not lines:
        raise errors.InvalidInputError(
            f"Nothing of order {shown.number} can come back: nothing was sent, or all is returned.",
            "Look at it with shopify_get_order.",
        )
    reasons = [Record(row) for row in nodes(data.get("returnReasonDefinitions")) if row.get("id")]
    wanted, names = [], []
    for item in items:
        line = pick_line(item.item, lines)
        left = int(line["sent"]["quantity"])
        count = item.quantity or left
        if count > left:
            raise errors.InvalidInputError(
                f"Of «{line.get('name')}» {left} pieces can come back.", "Pass a smaller quantity."
            )
        wanted.append(_input(line, count, item, reasons))
        names.append(f"{count} × {line.get('name')}")
    await confirm(f"Register a return of {', '.join(names)} for order {shown.number} of {person(shown)}?", wanted)
    answer = await mutate(CREATE, {"input": {"orderId": target["id"], "returnLineItems": wanted}})
    return Return.model_validate(answer["returnCreate"]["return"])


def _input(line: Record, count: int, item: ReturnItem, reasons: list[Record]) -> dict[str, Any]:
    """Return the input of an item; without a reason the shop's "other" or first one, since one is needed."""
    if item.reason:
        reason = choose(item.reason, reasons, kind="reason of return")["id"]
    else:
        other = [row["id"] for row in reasons if "other" in str(row.get("handle"))]
        reason = (other or [row["id"] for row in reasons] or [None])[0]
    return {
        "fulfillmentLineItemId": line["sent"]["fulfillmentLineItem"]["id"],
        "quantity": count,
        **({"returnReasonDefinitionId": reason} if reason else {}),
        **({"returnReasonNote": item.note} if item.note else {}),
    }


@tools.writes(
    core=False,
    additive=False,
    scopes=WRITE,
    search=(
        "clore fermer terminer retour reçu colis revenu bien arrivé terminé clôture dossier finish "
        "close done return arrived came back finir clôturer viendra never"
    ),
    examples=[
        "Le retour est arrivé, clôture-le",
        "Ferme le dossier de retour",
        "La robe est bien revenue, c'est terminé",
        "Le renvoi ne viendra jamais, clos-le",
        "Termine ce retour",
        "The return came back, close it",
        "Finish that return",
        "It never arrived, close the return anyway",
        "The returned dress is here, we're done",
    ],
)
async def close_return(
    return_id: Annotated[
        str,
        Field(description="Id of the return, from shopify_list_returns.", examples=["gid://shopify/Return/945000954"]),
    ],
) -> Return:
    """End a return whose items have arrived or will not come. It refunds nothing: shopify_refund_order does that.

    The id comes from shopify_list_returns.
    """
    key = gid("Return", return_id, "shopify_list_returns")
    one(await query(BY_ID, {"id": key}), "return", "return", "Find it with shopify_list_returns.")
    data = await mutate(CLOSE, {"id": key})
    return Return.model_validate(data["returnClose"]["return"])
