"""What people did, and how often: events and metrics. https://developers.klaviyo.com/en/reference/events_api_overview"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Money, Page, Toolset, When, choose, confirm, errors, readable, sliced, will_ask
from flotilla.parsing import folded, period, to_utc

from ..client import SMALL, all_of, api, condition, flat, next_cursor, post, related_ids, resource, send
from ..lookup import (
    MetricRef,
    Person,
    account_zone,
    identifier,
    live_flows,
    metric_named,
    metrics,
    profile,
)
from ..models import Event, Metric, Point, Series, Tracked
from .audiences import started

tools = Toolset("events")
READ = ["accounts:read profiles:read events:read metrics:read"]
HUGE = 0.05  # cost of the endpoints that allow most
LONGEST = 300  # characters of one value of an event
GROUPS = {
    "channel": "$attributed_channel",
    "message": "$attributed_message",
    "flow": "$attributed_flow",
    "campaign": "Campaign Name",
    "list": "List",
    "link": "URL",
}


@tools.reads(
    scopes=READ,
    search=(
        "historique activité commandes achats ouvertures clics derniers événements what did they buy "
        "open order a-t-il ouvert cliqué acheté commandé visité panier fait quoi parcours opened "
        "clicked bought ordered visited abandoned timeline behaviour abandonné who basket"
    ),
    examples=[
        "Qu'a acheté jean@exemple.fr dernièrement ?",
        "What did this customer do last?",
        "Est-ce qu'il a ouvert notre mail ?",
        "Qu'est-ce qu'elle a commandé ?",
        "Elle a cliqué sur quoi ?",
        "Qui a abandonné son panier aujourd'hui ?",
        "Quand a-t-il acheté pour la dernière fois ?",
        "Did she open our e-mail?",
        "What has he ordered so far?",
        "Who abandoned a basket today?",
        "What links did they click?",
        "When did she last buy something?",
    ],
)
async def list_events(
    person: Annotated[Person | None, Field(description="Only events of this person, by address, number or id.")] = None,
    metric: Annotated[
        str | None, Field(description="Only events of this kind, by its name.", examples=["Placed Order"])
    ] = None,
    after: Annotated[When | None, Field(description="Only events of this day or time, or later.")] = None,
    before: Annotated[When | None, Field(description="Only events before this time; a day is included.")] = None,
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Page[Event]:
    """List what a person did, newest first: orders, opened e-mails, clicks, visits, subscriptions, with their values.

    Without a person it lists the events of everybody. Kinds of event have the names that the results show, such as
    Placed Order or Opened Email. For who the person is, use klaviyo_get_profile.
    """
    zone = await account_zone()
    begin, end = period(after, before, zone, "after", "before")
    conditions = [
        *([condition("equals", "profile_id", (await profile(person)).id)] if person else []),
        *([condition("equals", "metric_id", (await _metric(metric)).id)] if metric else []),
        *([condition("greater-or-equal", "datetime", begin)] if begin else []),
        *([condition("less-than", "datetime", end)] if end else []),
    ]
    params = {
        "filter": all_of(conditions),
        "include": "metric",
        "sort": "-datetime",
        "page[size]": limit,
        "page[cursor]": cursor,
    }
    answer = await api.get("/api/events", params=params, cost=HUGE)
    names = {one.id: one.name for one in readable(Metric, [flat(r) for r in _metrics_in(answer)])}
    rows = [_event(row, names) for row in api.rows_in(answer, "data")]
    items = [one.within(zone) for one in readable(Event, rows)]
    return Page(items=items, next_cursor=next_cursor(answer))


async def _metric(ref: str) -> Metric:
    """Return a metric for a filter; in the core tier no tool lists metrics, so that the error names them."""
    known = await metrics()
    if not any(ref.strip() == one.id or folded(ref) == folded(one.name) for one in known):
        known = await metrics(fresh=True)
    return choose(ref, known, kind="metric")


def _metrics_in(answer: Mapping[str, Any]) -> list[Any]:
    included = answer.get("included")
    rows = included if isinstance(included, list) else []
    return [row for row in rows if isinstance(row, Mapping) and row.get("type") == "metric" and row.get("id")]


def _event(row: Any, names: Mapping[str, str]) -> Any:
    """Return an event with the name of its metric, and of its properties those that a person reads."""
    raw = flat(row)
    if not isinstance(raw, Mapping) or "related" not in raw:
        return raw
    matches = raw.get("event_properties")
    properties = matches if isinstance(matches, Mapping) else {}
    ids = related_ids(row, "metric")
    return {
        **raw,
        "metric": names.get(ids[0], ids[0]) if ids else None,
        "profile": next(iter(related_ids(row, "profile")), None),
        "value": _number(properties.get("$value")),
        "properties": dict(_readable(properties)),
    }


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _readable(properties: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield values that are short; what begins with $ is Klaviyo's own, or the whole order of a shop."""
    for name, value in properties.items():
        if str(name).startswith("$") or value in (None, "", [], {}):
            continue
        if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
            yield name, ", ".join(str(part) for part in value)[:LONGEST]
        elif isinstance(value, str):
            yield name, value[:LONGEST]
        elif isinstance(value, int | float):
            yield name, value


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    scopes=["accounts:read events:write metrics:read flows:read"],
    search=(
        "enregistrer événement suivre action tracker track event log consigne note que est venu a "
        "assisté visite participation déclenche record attended came visited took part happened "
        "register rempli questionnaire essai survey filled trial"
    ),
    examples=[
        "Note que Jean a visité le showroom.",
        "Track a showroom visit for this customer",
        "Note que la cliente est venue à l'atelier",
        "Elle a assisté au webinaire, enregistre-le",
        "Consigne un achat en boutique de 50 €",
        "Il a rempli le questionnaire, marque-le",
        "Ajoute à son historique : essai gratuit commencé",
        "She attended the webinar, record it",
        "Log an in-store purchase of fifty euros",
        "He came to the workshop, put that down",
        "Record that they started a trial",
    ],
)
async def create_event(
    person: Person,
    metric: Annotated[MetricRef, Field(description="Name of what happened, from klaviyo_list_metrics.")],
    properties: Annotated[dict[str, Any] | None, Field(description="Details by name, short texts or numbers.")] = None,
    value: Annotated[Money | None, Field(description="Amount that it is worth, such as 49,90 €.")] = None,
    at: Annotated[When | None, Field(description="Time when it happened; now without it.")] = None,
    unique_id: Annotated[
        str | None, Field(max_length=255, description="Key of the event, such as an order number: it counts once.")
    ] = None,
    new_metric: Annotated[bool, Field(description="True makes a metric that does not exist yet.")] = False,
) -> Tracked:
    """Record that a person did something. A person whom Klaviyo does not know is created with it.

    A live flow that starts with this metric may send messages, so the user is asked then. The event shows in
    klaviyo_list_events some seconds later. For a subscription, use klaviyo_add_subscription.
    """
    zone, who = await account_zone(), identifier(person)
    name = metric.strip()
    known = None if new_metric and not await _exists(name) else await metric_named(name)
    if will_ask() and known:
        flows = await live_flows("metric", known.id)
        if flows or flows is None:
            await confirm(f"Record «{known.name}» for {who.value}? {started(flows)}")
    time = at.at(zone) if at else None
    attributes = {
        "properties": properties or {},
        "time": to_utc(time) if time else None,
        "value": float(value.amount) if value else None,
        "value_currency": value.currency if value else None,
        "unique_id": unique_id,
        "metric": {"data": resource("metric", {"name": known.name if known else name})},
        "profile": {"data": resource("profile", who.attributes, id=who.value if who.field == "id" else None)},
    }
    await send("POST", "/api/events", resource("event", attributes), cost=HUGE)
    return Tracked(metric=known.name if known else name, person=who.value)


async def _exists(name: str) -> bool:
    return any(folded(one.name) == folded(name) or one.id == name for one in await metrics(fresh=True))


@tools.reads(
    core=False,
    scopes=["accounts:read metrics:read"],
    search=(
        "métriques événements types indicateurs what is tracked quels suivis mesures sortes d'actions "
        "intégrations which events measures kinds integration available données sources viennent data "
        "comes"
    ),
    examples=[
        "Quelles métriques sont suivies ?",
        "Which kinds of event are there?",
        "Quels événements on suit ?",
        "Qu'est-ce qui est mesuré ?",
        "D'où viennent nos données ?",
        "Liste les sortes d'actions enregistrées",
        "On suit les paniers abandonnés ?",
        "What events are being tracked?",
        "What can we measure?",
        "Do we track abandoned carts?",
        "Which integrations send us data?",
    ],
)
async def list_metrics(
    query: Annotated[str | None, Field(description="Words that the name contains.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Metric]:
    """List the kinds of event (metrics) of the account, each with the integration that sends it.

    Their names are what klaviyo_query_metric, klaviyo_list_events and the reports take.
    """
    wanted = folded(query or "")
    return sliced([one for one in await metrics(fresh=True) if wanted in folded(one.name)], limit, cursor)


@tools.reads(
    core=False,
    scopes=["accounts:read metrics:read"],
    search=(
        "combien de commandes chiffre d'affaires par jour semaine mois statistiques how many orders "
        "revenue per day évolution courbe ventes CA nombre d'ouvertures désabonnements inscriptions "
        "trend sales over time count weekly monthly number of sign-ups opens"
    ),
    examples=[
        "Combien de commandes par semaine en mai ?",
        "Revenue by channel last month",
        "Combien de ventes par jour la semaine dernière ?",
        "Quel chiffre d'affaires en mars ?",
        "Combien d'inscriptions par mois cette année ?",
        "Évolution des désabonnements",
        "Combien de mails ouverts hier ?",
        "How many sales per day last week?",
        "What did we turn over in March?",
        "Sign-ups by month this year",
        "How many people unsubscribed in May?",
        "Trend of abandoned carts",
    ],
)
async def query_metric(
    metric: MetricRef,
    after: Annotated[When | None, Field(description="First day or time; 30 days ago without it.")] = None,
    before: Annotated[When | None, Field(description="End of the period, a day is included; now without it.")] = None,
    interval: Annotated[
        Literal["day", "week", "month"], Field(description="Length of the periods that are counted.")
    ] = "week",
    by: Annotated[
        Literal["channel", "message", "flow", "campaign", "list", "link"] | None,
        Field(description="What the figures are split by, where the metric has it."),
    ] = None,
) -> Series:
    """Count the events of one metric by day, week or month: how many, by how many people, and the sum of their values.

    Use it for numbers of orders, revenue, opens or sign-ups over up to a year, in the account's time zone. For how
    campaigns did, use klaviyo_get_campaign_report; for single events, klaviyo_list_events.
    """
    zone, wanted = await account_zone(), await metric_named(metric)
    begin, end = period(after, before, zone, "after", "before")
    end = end or datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    begin = begin or end - timedelta(days=30)
    if end.astimezone(UTC) - begin.astimezone(UTC) > timedelta(days=366):
        raise errors.InvalidInputError("Klaviyo counts over a year at most.", "Ask for a shorter period.")
    if end.astimezone(UTC) <= begin.astimezone(UTC):
        raise errors.InvalidInputError("The period ends before it begins.", "Pass an earlier `after`.")
    attributes = {
        "metric_id": wanted.id,
        "measurements": ["count", "unique", "sum_value"],
        "interval": interval,
        "by": [GROUPS[by]] if by else None,
        "filter": [condition("greater-or-equal", "datetime", begin), condition("less-than", "datetime", end)],
        "timezone": zone.key,
        "page_size": 500,
    }
    data = resource("metric-aggregate", attributes)
    answer = flat((await post("/api/metric-aggregates", data, reads=True, cost=SMALL))["data"])
    points = list(_points(answer)) if isinstance(answer, Mapping) else []
    total = Point(count=sum(one.count or 0 for one in points), value=sum(one.value or 0 for one in points))
    return Series(metric=wanted.name, timezone=zone.key, total=total, points=points)


def _points(answer: Mapping[str, Any]) -> Iterable[Point]:
    """Yield the figures of every group and period in which something happened."""
    dates, groups = answer.get("dates") or [], answer.get("data") or []
    for group in (one for one in groups if isinstance(one, Mapping)):
        label = ", ".join(str(part) for part in group.get("dimensions") or []) or None
        matches = group.get("measurements")
        measures = matches if isinstance(matches, Mapping) else {}
        columns = {name: measures.get(name) or [] for name in ("count", "unique", "sum_value")}
        for number, start in enumerate(dates):
            figures = {name: _number(values[number]) for name, values in columns.items() if number < len(values)}
            if any(figures.values()):
                yield Point(
                    period=str(start),
                    group=label,
                    count=figures.get("count"),
                    unique=figures.get("unique"),
                    value=figures.get("sum_value"),
                )
