"""How campaigns and flows did, and the account. https://developers.klaviyo.com/en/reference/reporting_api_overview"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Toolset, readable

from ..client import CONTENT, condition, report_api, resource
from ..lookup import CampaignRef, account, campaign_named, metric_named
from ..models import Account, Figures, Report
from .flows import FlowRef, flow_named

tools = Toolset("reports")
STATISTICS = [
    "recipients",
    "delivered",
    "open_rate",
    "click_rate",
    "bounce_rate",
    "unsubscribe_rate",
    "conversions",
    "conversion_value",
]
Period = Annotated[
    Literal[
        "today",
        "yesterday",
        "this_week",
        "last_7_days",
        "this_month",
        "last_month",
        "last_30_days",
        "last_90_days",
        "last_12_months",
    ],
    Field(description="When the messages were sent, in the account's time zone."),
]
Conversion = Annotated[str, Field(description="Metric that counts as success, a name from klaviyo_list_metrics.")]


@tools.reads(
    core=False,
    scopes=["accounts:read campaigns:read metrics:read"],
    search=(
        "statistiques résultats performance taux d'ouverture clics campagne newsletter chiffre "
        "d'affaires stats bilan dernier envoi mailing qui a cliqué marché rapporté désabonnements "
        "rebonds results perform click rate revenue made bounces how did it go"
    ),
    examples=[
        "Comment a marché la dernière newsletter ?",
        "Open rates of the last 30 days",
        "Quel taux d'ouverture pour le dernier mail ?",
        "Combien a rapporté la newsletter ?",
        "Fais le bilan des envois du mois",
        "L'emailing des soldes a bien marché ?",
        "Combien de clics et de désabonnements ?",
        "How did the last mailing do?",
        "What was the click rate?",
        "How much money did the newsletter make?",
        "Did many people unsubscribe after it?",
        "Which of our campaigns performed best?",
    ],
)
async def get_campaign_report(
    campaign: Annotated[CampaignRef | None, Field(description="Only this campaign, by name; all without it.")] = None,
    period: Period = "last_30_days",
    conversion_metric: Conversion = "Placed Order",
) -> Report:
    """Get how campaigns did: recipients, open, click, bounce and unsubscribe rates, conversions and revenue.

    Klaviyo allows two reports a minute and 225 a day, so ask once for a period rather than for each campaign. For
    flows, use klaviyo_get_flow_report; for counts by day, klaviyo_query_metric.
    """
    known = await campaign_named(campaign) if campaign else None
    return await _report("campaign", known.id if known else None, period, conversion_metric)


@tools.reads(
    core=False,
    scopes=["accounts:read flows:read metrics:read"],
    search=(
        "statistiques résultats performance scénario flux automation taux d'ouverture stats bilan "
        "séquence mails automatiques rapporte relance panier abandonné bienvenue results automated "
        "sequence revenue perform earn abandoned basket welcome series"
    ),
    examples=[
        "Que rapporte le scénario panier abandonné ?",
        "How did the welcome flow do last month?",
        "La séquence de bienvenue marche bien ?",
        "Combien rapportent nos mails automatiques ?",
        "Quel taux de clic sur la relance de panier ?",
        "Bilan des automatisations ce mois-ci",
        "Laquelle de nos relances convertit le mieux ?",
        "How much do our automated e-mails earn?",
        "Is the welcome sequence any good?",
        "Click rate of the abandoned basket series",
        "Which automation performs best?",
    ],
)
async def get_flow_report(
    flow: Annotated[FlowRef | None, Field(description="Only this flow, by name; all without it.")] = None,
    period: Period = "last_30_days",
    conversion_metric: Conversion = "Placed Order",
) -> Report:
    """Get how the messages of flows did: recipients, open, click and unsubscribe rates, conversions and revenue.

    Klaviyo allows two reports a minute and 225 a day, so ask once for a period rather than for each flow. For
    campaigns, use klaviyo_get_campaign_report.
    """
    known = await flow_named(flow) if flow else None
    return await _report("flow", known.id if known else None, period, conversion_metric)


async def _report(kind: str, one: str | None, period: str, conversion_metric: str) -> Report:
    metric = await metric_named(conversion_metric)
    attributes = {
        "statistics": STATISTICS,
        "timeframe": {"key": period},
        "conversion_metric_id": metric.id,
        "group_by": [f"{kind}_id", f"{kind}_message_id", f"{kind}_message_name", "send_channel"],
        "filter": condition("equals", f"{kind}_id", one) if one else None,
    }
    answer = await report_api.post(
        f"/api/{kind}-values-reports",
        json={"data": resource(f"{kind}-values-report", attributes)},
        headers=CONTENT,
        reads=True,
    )
    rows = report_api.rows_in(answer, "data.attributes.results", missing=True)
    return Report(
        period=period,
        conversion_metric=metric.name,
        messages=readable(Figures, [_figures(kind, row) for row in rows]),
    )


def _figures(kind: str, row: Any) -> Any:
    groups, figures = row.get("groupings"), row.get("statistics")
    if not isinstance(groups, Mapping) or not isinstance(figures, Mapping):
        return None
    return {
        **figures,
        "id": groups.get(f"{kind}_id"),
        "message": groups.get(f"{kind}_message_name"),
        "channel": groups.get("send_channel"),
    }


@tools.reads(
    core=False,
    scopes=["accounts:read"],
    search=(
        "compte entreprise expéditeur fuseau horaire devise connecté which account branché société "
        "monnaie site web adresse d'envoi de qui partent nos mails connected organisation sender "
        "address currency timezone website"
    ),
    examples=[
        "Quel compte Klaviyo est connecté ?",
        "Which sender do our mails have?",
        "Quel compte est branché ?",
        "De quelle adresse partent nos mails ?",
        "Dans quelle devise sont les montants ?",
        "Quel est le nom de l'expéditeur ?",
        "On est dans quel fuseau horaire ?",
        "Whose account is connected?",
        "What's our default sender address?",
        "Which currency are the figures in?",
        "What time zone are we in?",
    ],
)
async def get_account() -> Account:
    """Get the connected Klaviyo account: organization, default sender, website, time zone and currency.

    Use it to learn whose account it is, in which zone times are read, and in which currency amounts are.
    """
    return await account()
