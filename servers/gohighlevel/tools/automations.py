"""Workflows, which the API lets contacts into and out of: https://marketplace.gohighlevel.com/docs/ghl/workflows"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, choose, errors, readable, segment, sliced
from flotilla.parsing import folded, listed

from ..client import ContactId, api, location
from ..models import Done, Workflow
from .contacts import path_of

tools = Toolset("automations")

WorkflowRef = Annotated[
    str, Field(min_length=1, description="Name of the workflow (automation).", examples=["Nurturing leads chauds"])
]


async def all_workflows() -> list[Workflow]:
    """Return all workflows, drafts too."""
    return readable(Workflow, await api.rows("/workflows/", "workflows", params={"locationId": await location()}))


@tools.reads(
    core=False,
    scopes=["workflows.readonly"],
    search=(
        "automatisations workflows automations scénarios nurturing automatisation workflow liste existants "
        "actifs publiés brouillons séquences campagnes tunnels scénario robots quels which available "
        "published automation sequences campaigns drips flows"
    ),
    examples=[
        "quelles automatisations avons-nous",
        "liste les séquences qui tournent",
        "quels scénarios sont publiés",
        "montre les workflows en brouillon",
        "c'est quoi nos campagnes automatiques",
        "which automations do we have",
        "list the sequences that are running",
        "what drip campaigns exist",
        "show me the flows still in draft",
        "which workflows are live",
    ],
)
async def list_workflows(
    query: Annotated[str | None, Field(description="Part of the workflow's name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Workflow]:
    """List the workflows (automations) of the sub-account by name, drafts too, each with its id and status.

    Use it to learn which workflows ghl_trigger_automation can start. Only published ones run.
    """
    rows = sorted(await all_workflows(), key=lambda one: folded(one.name))
    return sliced([one for one in rows if folded(query or "") in folded(one.name)], limit, cursor)


@tools.writes(
    creates=True,
    additive=False,
    scopes=["contacts.write workflows.readonly"],
    search=(
        "mets workflow nurturing automatisation lance put into start déclenche déclencher démarre inscrire "
        "inscris séquence campagne enrôle ajoute lancer scénario automatiques trigger launch enroll enrol "
        "kick off sequence campaign drip run add"
    ),
    examples=[
        "mets ce contact dans la séquence de bienvenue",
        "lance le workflow de relance pour elle",
        "démarre la campagne de nurturing avec ce prospect",
        "inscris-le dans l'automatisation Avis Google",
        "déclenche le scénario d'onboarding",
        "put this lead into the welcome sequence",
        "start the nurture campaign for her",
        "enroll him in the onboarding flow",
        "kick off the review request automation",
        "trigger the follow-up workflow",
    ],
)
async def trigger_automation(contact_id: ContactId, workflow: WorkflowRef) -> Done:
    """Put a contact into a workflow, which starts at once: it may send messages that cannot be called back.

    Repeated, it starts again. A draft is refused, since it would not run; an unknown name lists the existing ones.
    """
    there = await all_workflows()
    drafts = [one for one in there if one.status == "draft"]
    published = [one for one in there if one.status != "draft"]
    # The API takes a draft and says that it was done, but nothing runs.
    draft = next((one for one in drafts if _same(one, workflow)), None)
    if draft and not any(_same(one, workflow) for one in published):
        others = listed(one.name for one in published)
        raise errors.InvalidInputError(
            f"The workflow «{errors.excerpt(draft.name, 60)}» is a draft, so it would not run.",
            f"Ask the user to publish it in GoHighLevel, or choose another one: {others}.",
        )
    path = path_of(contact_id, "workflow", segment(choose(workflow, published, kind="published workflow").id))
    return Done.model_validate(await api.request("POST", path, json={}) or {})


def _same(workflow: Workflow, wanted: str) -> bool:
    return workflow.id == wanted.strip() or folded(workflow.name) == folded(wanted)


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=["contacts.write workflows.readonly"],
    search=(
        "retire sors arrête workflow automatisation sortir stoppe enlève désinscrire désinscris interrompt "
        "interromps coupe séquence campagne plus recevoir remove stop pull take out unenroll halt sequence "
        "campaign quit"
    ),
    examples=[
        "sors-le de la séquence",
        "arrête les relances automatiques pour ce client",
        "elle ne doit plus recevoir la campagne",
        "enlève ce contact du workflow",
        "stoppe le scénario pour lui, il a signé",
        "take her out of the sequence",
        "stop the automated follow-ups for this client",
        "pull him from the nurture campaign",
        "unenroll this lead",
        "he signed, so halt the drip for him",
    ],
)
async def remove_from_automation(contact_id: ContactId, workflow: WorkflowRef) -> Done:
    """Take a contact out of a workflow, so that what the workflow has not sent yet is not sent.

    What was sent already stays sent. Find the workflow with ghl_list_workflows.
    """
    chosen = choose(workflow, await all_workflows(), kind="workflow", listed_by="ghl_list_workflows")
    path = path_of(contact_id, "workflow", segment(chosen.id))
    return Done.model_validate(await api.delete(path, json={}) or {})
