"""Flows, which send messages by themselves. https://developers.klaviyo.com/en/reference/flows_api_overview"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, choose, confirm, segment
from flotilla.parsing import folded

from ..client import SMALL, all_of, condition, everything, page, resource, send
from ..lookup import within
from ..models import Changed, Flow

tools = Toolset("flows")
READ = ["accounts:read flows:read"]
FlowRef = Annotated[str, Field(description="Name or id of the flow, from klaviyo_list_flows.", examples=["Bienvenue"])]


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "flux automatisations scénarios automations bienvenue panier abandonné welcome series séquences "
        "mails automatiques relances quels tournent actifs automatisés automated sequences running drip "
        "autoresponders which active tout seul après inscription itself after sign-up trigger"
    ),
    examples=[
        "Quels scénarios sont actifs ?",
        "Which flows are live?",
        "Quels mails automatiques tournent ?",
        "On a une relance de panier abandonné ?",
        "Liste nos automatisations",
        "Quelles séquences sont en brouillon ?",
        "Qu'est-ce qui part tout seul quand quelqu'un s'inscrit ?",
        "Which automations are running?",
        "Do we have a welcome sequence?",
        "List our automated e-mails",
        "What goes out by itself after a sign-up?",
    ],
)
async def list_flows(
    query: Annotated[str | None, Field(description="Words that the name contains.")] = None,
    status: Annotated[Literal["draft", "manual", "live"] | None, Field(description="Only flows in this state.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Flow]:
    """List the flows (automations) with their state and what starts them, last changed first; no archived ones.

    To switch one on or off, use klaviyo_set_flow_status; for how one did, klaviyo_get_flow_report. Flows are built in
    Klaviyo itself.
    """
    conditions = [
        condition("equals", "archived", False),
        *([condition("contains", "name", query.strip())] if query and query.strip() else []),
        *([condition("equals", "status", status)] if status else []),
    ]
    params = {"filter": all_of(conditions), "sort": "-updated"}
    rows = await page("/api/flows", Flow, params=params, limit=limit, cursor=cursor, largest=50, cost=SMALL)
    return rows.model_copy(update={"items": await within(rows.items)})


async def flow_named(ref: str) -> Flow:
    """Return a flow by name or id; raises what `choose` does."""
    known = await everything("/api/flows", Flow, params={"sort": "-updated"}, largest=50, most=10, cost=SMALL)
    current = [one for one in known if not one.archived or one.id == ref.strip()]
    return choose(ref, current, kind="flow", listed_by="klaviyo_list_flows")


@tools.writes(
    core=False,
    additive=False,
    replaces=True,
    idempotent=True,
    asks=True,
    scopes=["accounts:read flows:read flows:write"],
    search=(
        "activer désactiver arrêter scénario flux automation turn on off pause allume éteins coupe mets "
        "en relance automatique démarre séquence mails automatiques switch enable disable stop start "
        "automated sequence"
    ),
    examples=[
        "Désactive le scénario de bienvenue.",
        "Turn the abandoned cart flow on",
        "Coupe les mails de panier abandonné",
        "Mets la séquence de bienvenue en pause",
        "Active la relance automatique",
        "Éteins l'automatisation d'anniversaire",
        "Remets le scénario en route",
        "Switch off the welcome e-mails",
        "Pause the abandoned basket sequence",
        "Start the birthday automation",
        "Stop those automatic mails",
        "Enable the win-back",
    ],
)
async def set_flow_status(
    flow: FlowRef,
    status: Annotated[
        Literal["draft", "manual", "live"],
        Field(description="live sends, draft stops, manual keeps messages for a review.", examples=["draft"]),
    ],
) -> Changed:
    """Switch a flow and all of its actions to live, manual or draft. The user is asked first.

    A live flow sends messages to everybody who starts it; a draft sends none. Find the flow with klaviyo_list_flows.
    """
    known = await flow_named(flow)
    consequence = {
        "live": "It then sends its messages to people by itself.",
        "manual": "Its messages then wait for a review.",
        "draft": "It then sends nothing, and people who are in it get no further messages.",
    }[status]
    await confirm(f"Set the flow «{known.name}» from {folded(known.status or 'unknown')} to {status}? {consequence}")
    data = resource("flow", {"status": status}, id=known.id)
    await send("PATCH", f"/api/flows/{segment(known.id)}", data, cost=SMALL)
    return Changed(id=known.id, name=known.name, status=status)
