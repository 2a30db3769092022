"""Deals and pipelines. API: https://developers.hubspot.com/docs/api-reference/crm-deals-v3/guide"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from flotilla import Cursor, Limit, Page, Toolset, sliced
from flotilla.parsing.money import MoneyValue, read_money

from . import records, setup
from .client import api
from .models import Found, Pipeline, Placed, Row, flat
from .records import Free, Query, Ref, Refs, StageOf, Where

tools = Toolset("deals")

USUAL = ("dealname", "amount", "deal_currency_code", "dealstage", "pipeline", "closedate", "hubspot_owner_id")
READ, WRITE = ["crm.objects.deals.read"], ["crm.objects.deals.read crm.objects.deals.write"]


def _amount(value: Any) -> Any:
    return value if value in (None, "") else read_money(value)  # "" clears it


Amount = Annotated[
    MoneyValue | str | None,
    PlainValidator(_amount, json_schema_input_type=str),
    Field(description="With currency", examples=["12500.50 EUR"]),
]
CloseDate = Annotated[str | None, Field(description="2030-06-30")]


def row(pipelines: list[dict[str, Any]], raw: dict[str, Any], wanted: list[str]) -> Row:
    """Return a deal with the names of its pipeline and stage, and with its currency beside its amount."""
    got = flat("deal", raw, wanted)
    pipeline, stage = setup.named(pipelines, got.get("pipeline"), got.pop("dealstage", None))
    money = {"currency": got.pop("deal_currency_code", "")}
    told = {**got, "pipeline": pipeline, "stage": stage, **money}
    return {name: value for name, value in told.items() if value}


def money(amount: MoneyValue | str | None) -> dict[str, Any]:
    """Return amount and currency as properties; an empty amount clears it."""
    if not isinstance(amount, MoneyValue):
        return {"amount": amount}
    return {"amount": amount.amount, "deal_currency_code": amount.currency}


@tools.reads(scopes=READ)
async def search_deals(
    query: Query = None,
    stage: StageOf = None,
    where: Where = None,
    linked_to: Annotated[Ref | None, Field(description="Such as contact:51")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Found:
    """Find deals: cherche, quelles affaires, transactions à l'étape …, by stage, amount, contact."""
    pipelines = await setup.pipelines("deals")
    filters = [records.equal("dealstage", (await setup.place("deals", stage)).stage)] if stage else []
    filters += [records.belongs(linked_to)] if linked_to else []
    return await records.search(
        "deals",
        lambda raw, wanted: row(pipelines, raw, wanted),
        usual=USUAL,
        query=query,
        where=where,
        filters=filters,
        limit=limit,
        cursor=cursor,
    )


@tools.writes(creates=True, scopes=WRITE)
async def create_deal(
    name: Annotated[str, Field(description="Name", examples=["Refonte du site"])],
    amount: Amount = None,
    stage: StageOf = None,
    close_date: CloseDate = None,
    linked_to: Refs = None,
    properties: Free = None,
) -> Placed:
    """Open a deal: crée, ouvre affaire, transaction, opportunité. Without stage, at the first one."""
    where = await setup.place("deals", stage)
    given = {"dealname": name, **money(amount), "closedate": close_date}
    given |= {"pipeline": where.pipeline, "dealstage": where.stage}
    ready = await records.prepared("deals", given, properties)
    return await _placed(await records.create("deals", ready, linked_to))


@tools.writes(additive=False, idempotent=True, scopes=WRITE)
async def update_deal(
    deal: Annotated[str, Field(description="Id", examples=["77"])],
    stage: StageOf = None,
    amount: Amount = None,
    close_date: CloseDate = None,
    properties: Free = None,
) -> Placed:
    """Change a deal: move it to another stage, won, lost (passe, avance affaire à l'étape), amount, date."""
    number = records.id_of(deal, "deal")
    given: dict[str, Any] = {**money(amount), "closedate": close_date}
    if stage:
        where = await setup.place("deals", stage, await _pipeline(number))
        given |= {"pipeline": where.pipeline, "dealstage": where.stage}
    ready = await records.prepared("deals", given, properties)
    return await _placed(await records.update("deals", number, ready))


async def _placed(raw: dict[str, Any]) -> Placed:
    got = raw["properties"]
    _, stage = setup.named(await setup.pipelines("deals"), got.get("pipeline"), got.get("dealstage"))
    return Placed(record=f"deal:{raw['id']}", stage=stage)


async def _pipeline(number: str) -> str | None:
    """Return the pipeline that a deal is in; where there is only one, nobody need ask."""
    if len(await setup.pipelines("deals")) < 2:
        return None
    raw = await api.get(f"/crm/v3/objects/deals/{number}", params={"properties": ["pipeline"]})
    return str(raw["properties"].get("pipeline") or "") or None


@tools.reads(core=False, scopes=[*READ, "tickets"])
async def list_pipelines(
    kind: Annotated[Literal["deals", "tickets"], Field(description="Of which")] = "deals",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Pipeline]:
    """List pipelines with their stages: étapes, phases, in order."""
    rows = await setup.pipelines(kind, renew=True)
    stages = {row["id"]: {step["id"]: step["label"] for step in row["stages"]} for row in rows}
    return sliced([Pipeline(id=r["id"], name=r["label"], stages=stages[r["id"]]) for r in rows], limit, cursor)
