"""Follow-ups of quotes and invoices. https://www.facturation.dev/api/followups/"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset

from ..arguments import FollowupId
from ..enums import FollowupUse
from ..fields import FollowupFields, about
from ..labels import Labels
from ..models import Done, Followup

tools = Toolset("followups")
followups = Labels("/followups", Followup, FollowupFields, "follow-up")

Use = "Used for quotes, invoices or both."


@tools.reads(
    core=False,
    search=(
        "suivis commerciaux devis factures suivi étapes internes commercial liste quels statuts maison "
        "relancer étiquettes steps stages follow-up internal tracking which étape statut interne step stage "
        "lister quelles combien montre list what find show have all"
    ),
    examples=[
        "quels suivis avons-nous",
        "liste nos étapes de suivi commercial",
        "quels suivis peut-on mettre sur un devis",
        "montre les statuts internes",
        "par quelles étapes suit-on un dossier",
        "which follow-ups do we have",
        "list our internal tracking steps",
        "what steps can a quote be at",
        "show our own stages",
        "how do we track the work on a document",
    ],
)
async def list_followups(
    title: Annotated[str | None, about("Part of the title.")] = None,
    status: Annotated[FollowupUse | None, about(Use)] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Followup]:
    """List the follow-ups: the firm's own steps of its work on a quote or invoice, such as "to call".

    A document is at one of them, its field followup_id: set it with facturation_update_quote or
    facturation_update_invoice, and list the documents at a step by the filter followup_id. Two are built in and not
    listed: 0 (in progress) and -1 (done). Whether a document is accepted or paid is not a follow-up.
    """
    return await followups.list(title, status, limit, cursor)


@tools.writes(
    core=False,
    creates=True,
    search=(
        "créer suivi nouveau nouvelle étape ajoute crée ajouter statut interne new add step stage create "
        "follow-up tracking internal enregistre rentre il faut register enter set up need make"
    ),
    examples=[
        "crée un nouveau suivi À rappeler",
        "ajoute une étape de suivi En attente d'accord",
        "il me faut un suivi pour les devis",
        "nouvelle étape interne : Relancé",
        "ajoute un suivi Litige pour les factures",
        "create a follow-up called To call back",
        "add a tracking step Waiting for approval",
        "I need one more stage for quotes",
        "new internal step: Reminded",
        "set up a follow-up named Dispute",
    ],
)
async def create_followup(
    title: Annotated[str, Field(max_length=255, description="Title of the follow-up.", examples=["À relancer"])],
    status: Annotated[FollowupUse, about(Use)] = "both",
) -> Followup:
    """Create a follow-up: a step of the firm's own work on quotes, invoices or both, such as "to call".

    Look with facturation_list_followups first: a second one of the same title is not refused.
    """
    return await followups.create(title, status)


@tools.reads(
    core=False,
    search=(
        "détail suivi cette étape infos sert quoi seul that one step details used statut interne follow-up "
        "tracking stage internal ouvre affiche montre open show this number numéro"
    ),
    examples=[
        "à quoi sert ce suivi",
        "montre le suivi numéro 4",
        "cette étape vaut pour les devis ou les factures",
        "donne le détail de ce suivi",
        "quel est le titre du suivi 4",
        "what is that follow-up used for",
        "show follow-up number 4",
        "is this step for quotes or invoices",
        "details of one tracking step",
        "what is follow-up 4 called",
    ],
)
async def get_followup(followup_id: FollowupId) -> Followup:
    """Get one follow-up: its title, and whether it is used for quotes, invoices or both.

    Take the id from facturation_list_followups, which shows the same fields.
    """
    return await followups.get(followup_id)


@tools.writes(
    core=False,
    additive=False,
    search=(
        "renommer suivi renomme étape change nom intitulé modifie modifier rename retitle edit name step "
        "stage statut interne follow-up tracking internal changer corrige corriger mets mise jour met passe "
        "rectifie update correct set fix"
    ),
    examples=[
        "renomme le suivi en À rappeler",
        "change le nom de cette étape",
        "le suivi doit aussi servir aux factures",
        "modifie l'intitulé du suivi",
        "appelle cette étape autrement",
        "rename the follow-up to To call back",
        "change the name of that step",
        "let this follow-up be used for both",
        "edit the title of the tracking step",
        "call that stage something else",
    ],
)
async def update_followup(
    followup_id: FollowupId,
    title: Annotated[
        str | None, Field(max_length=255, description="New title of the follow-up.", examples=["À facturer"])
    ] = None,
    status: Annotated[FollowupUse | None, about(Use)] = None,
) -> Followup:
    """Rename a follow-up, or change what it is used for. Documents that have it keep it.

    Take the id from facturation_list_followups.
    """
    return await followups.update(followup_id, title, status)


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer suivi supprime étape enlève retire vire efface delete remove drop step stage get rid "
        "statut interne follow-up tracking internal effacer jette débarrasse erase discard throw away take "
        "out off bin mistake wrong erreur doublon duplicate"
    ),
    examples=[
        "supprime le suivi Litige",
        "enlève cette étape de suivi",
        "vire le suivi qui ne sert plus",
        "efface ce statut interne",
        "retire l'étape À rappeler",
        "delete the follow-up Dispute",
        "remove that tracking step",
        "drop the follow-up nobody uses",
        "get rid of this internal stage",
        "erase the step To call back",
    ],
)
async def delete_followup(followup_id: FollowupId) -> Done:
    """Delete a follow-up, after the user agreed. Documents that have it stay, without the follow-up.

    Take the id from facturation_list_followups.
    """
    return await followups.delete(followup_id)
