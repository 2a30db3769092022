"""Tickets. API: https://developers.hubspot.com/docs/api-reference/crm-tickets-v3/guide"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Toolset

from .. import pipelines, records
from ..models import CrmObject, Placed, Row, SearchPage
from ..records import LinkedTo, Properties, Query, RecordRef, StageRef, Where

tools = Toolset("tickets")

USUAL = ("subject", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", "createdate", "hubspot_owner_id")


def ticket_row(known: list[pipelines.Pipeline], ticket: CrmObject, wanted: list[str]) -> Row:
    """Return a ticket with the names of its pipeline and stage."""
    row = ticket.row("ticket", [*wanted, "createdate"])
    pipeline, stage = pipelines.names(known, row.pop("hs_pipeline", None), row.pop("hs_pipeline_stage", None))
    return {name: value for name, value in {**row, "pipeline": pipeline, "stage": stage}.items() if value}


@tools.reads(
    core=False,
    scopes=["tickets"],
    search=(
        "cherche trouve liste tickets réclamations support ouverts incidents ticket réclamation incident "
        "problème SAV plainte plaintes demandes bugs attente urgents résolus find search list open issues "
        "complaints cases pending urgent unresolved client problem complaint issue customer"
    ),
    examples=[
        "Quels tickets sont ouverts ?",
        "Find the ticket about the login problem",
        "quelles réclamations sont en attente",
        "y a des problèmes urgents au support",
        "montre les tickets de ce client",
        "retrouve la plainte sur la livraison",
        "combien d'incidents non résolus",
        "which support cases are pending",
        "any urgent issues",
        "show this customer's tickets",
        "find the complaint about the delivery",
        "how many issues are unresolved",
    ],
)
async def search_tickets(
    query: Query = None,
    stage: StageRef = None,
    where: Where = None,
    linked_to: Annotated[RecordRef | None, Field(description="Only those of this record, by number or name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> SearchPage:
    """Search support tickets by subject, stage, priority, linked contact or any property, last changed first.

    Returns rows with stage, priority and the record (ticket:5). To close one, use hubspot_update_record with
    `stage` closed; for its text and notes, hubspot_get_record.
    """
    known = await pipelines.fetch("tickets")
    filters = [records.equal("hs_pipeline_stage", (await pipelines.position("tickets", stage)).stage)] if stage else []
    filters += [await records.linked_with(linked_to)] if linked_to else []
    return await records.search(
        "tickets", lambda one, wanted: ticket_row(known, one, wanted), usual=USUAL, query=query, where=where,
        filters=filters, limit=limit, cursor=cursor,
    )  # fmt: skip


@tools.writes(
    creates=True,
    core=False,
    scopes=["tickets"],
    search=(
        "ouvre crée ticket réclamation support incident ouvrir créer nouveau signale déclare enregistre "
        "problème plainte bug SAV demande open create new file log report raise issue complaint case urgent "
        "client problem customer"
    ),
    examples=[
        "ouvre un ticket : le client n'arrive pas à se connecter",
        "signale un problème de livraison",
        "crée une réclamation pour cette cliente",
        "enregistre une plainte au SAV",
        "nouveau ticket urgent",
        "open a ticket, the customer cannot log in",
        "report a problem with the delivery",
        "file a complaint for this client",
        "raise a support issue",
        "log a new case with high priority",
    ],
)
async def create_ticket(
    subject: Annotated[str, Field(description="Subject of the ticket.", examples=["Accès refusé"])],
    text: Annotated[str | None, Field(description="What the customer reports.")] = None,
    stage: StageRef = None,
    priority: Annotated[str | None, Field(description="Priority by its name, such as LOW, MEDIUM or HIGH.")] = None,
    linked_to: LinkedTo = None,
    properties: Properties = None,
) -> Placed:
    """Create a support ticket, linked to contacts, companies or deals in the same step.

    Returns its record (ticket:5) and its stage; without a stage it begins at the first one of the first pipeline, see
    hubspot_list_pipelines. The customer is not notified by this tool.
    """
    place = await pipelines.position("tickets", stage)
    arguments = {
        "subject": subject,
        "content": text,
        "hs_pipeline": place.pipeline,
        "hs_pipeline_stage": place.stage,
        "hs_ticket_priority": priority,
    }
    made = await records.create("tickets", await records.prepared("tickets", arguments, properties), linked_to)
    known = await pipelines.fetch("tickets")
    _, name = pipelines.names(known, made.properties.get("hs_pipeline"), made.properties.get("hs_pipeline_stage"))
    return Placed(record=f"ticket:{made.id}", stage=name)
