"""Events: what people did in the product.

https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/data-events
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, readable, sliced

from .. import lookup
from ..client import api
from ..lookup import ContactRef
from ..models import Event, Saved

tools = Toolset("events")


@tools.reads(
    core=False,
    search=(
        "événements activité actions dans le produit utilisation historique connexion dernière fois a fait events "
        "activity did usage used logged in history what has he done"
    ),
    examples=[
        "Qu'est-ce que Jean a fait dans l'application ?",
        "Quand s'est-elle connectée la dernière fois ?",
        "Est-ce qu'il utilise le produit ?",
        "Montre l'activité de cette cliente",
        "What did he do in the app?",
        "When did she last log in?",
        "Has this user placed an order lately?",
        "Show the activity of that person",
    ],
)
async def list_events(contact: ContactRef, limit: Limit = 20, cursor: Cursor = None) -> Page[Event]:
    """List what a person did in the product, latest first, of the last 90 days, with the details of each event.

    Conversations are not events: for these use intercom_get_contact. To add one, use intercom_record_event.
    """
    zone, person = await lookup.account_zone(), await lookup.person(contact)
    params = {"type": "user", "intercom_user_id": person.id}
    rows = await api.rows("/events", "events", params=params, missing=True)
    page = sliced([_flat(row, zone) for row in rows], limit, cursor)
    return Page(items=readable(Event, page.items), next_cursor=page.next_cursor)


def _flat(row: dict[str, Any], zone: Any) -> dict[str, Any]:
    details = row.get("metadata") if isinstance(row.get("metadata"), dict) else {}
    texts = {name: str(value) for name, value in (details or {}).items() if value is not None}
    return {"event_name": row.get("event_name"), "at": lookup.local(row.get("created_at"), zone), "details": texts}


@tools.writes(
    creates=True,
    core=False,
    search=(
        "enregistre enregistrer consigne événement action achat suivi ajoute a payé commandé track record event "
        "custom log he bought signed up"
    ),
    examples=[
        "Enregistre que Jean a passé une commande",
        "Consigne un achat pour cette cliente",
        "Ajoute un événement d'inscription",
        "Elle vient de renouveler, garde-en la trace",
        "Track that he placed an order",
        "Log a purchase for this person",
        "Record that she signed up",
        "Add a renewal event",
    ],
)
async def record_event(
    contact: ContactRef,
    name: Annotated[
        str,
        Field(min_length=1, max_length=120, description="Name of the event, as verb-noun.", examples=["placed-order"]),
    ],
    at: Annotated[When | None, Field(description="When it happened; now without it.")] = None,
    details: Annotated[
        dict[str, str] | None, Field(description="Details by name, as texts.", examples=[{"order": "1042"}])
    ] = None,
) -> Saved:
    """Record that a person did something in the product, which segments and campaigns of Intercom may react to.

    Use the name that earlier events have: intercom_list_events shows them. What a customer said is a note, see
    intercom_add_note.
    """
    zone, person = await lookup.account_zone(), await lookup.person(contact)
    moment = at.at(zone) if at else datetime.now(UTC).replace(second=0, microsecond=0)
    body = {"event_name": name, "created_at": int(moment.timestamp()), "id": person.id, "metadata": details}
    await api.send("POST", "/events", json=body)
    return Saved(record=f"contact:{person.id}")
