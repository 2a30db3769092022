"""What the account consists of: users and fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, sliced
from flotilla.parsing import folded

from .. import account
from ..models import FieldSummary, UserSummary
from ..values import WRITABLE

tools = Toolset("account")


@tools.reads(
    core=False,
    scopes=["users:read"],
    search=(
        "utilisateurs collègues commerciaux équipe propriétaires owners team qui dans l'équipe vendeurs "
        "membres collaborateurs à attribuer sales reps colleagues staff who can I assign"
    ),
    examples=[
        "Qui est dans l'équipe commerciale ?",
        "À qui je peux attribuer une affaire ?",
        "Liste mes collègues",
        "Quels vendeurs ont un accès ?",
        "C'est quoi le mail de mon collègue ?",
        "Who is on the sales team?",
        "Who can I assign this to?",
        "List my colleagues",
        "Which reps have a login?",
    ],
)
async def list_users(limit: Limit = 20, cursor: Cursor = None) -> Page[UserSummary]:
    """List the active users of the company with name and e-mail address: those who can own deals and activities.

    pipedrive_update_deal and other tools take an owner by name, first name or e-mail address.
    """
    rows = [
        UserSummary(id=str(one.id), name=one.name, email=one.email)
        for one in await account.users(renew=True)
        if one.active_flag
    ]
    return sliced(rows, limit, cursor)


@tools.reads(
    core=False,
    scopes=["deals:read contacts:read", "deals:full contacts:full"],
    search=(
        "champs personnalisés valeurs possibles options custom fields schema informations qu'on peut "
        "remplir cases rubriques propriétés menu déroulant choix motifs attributes dropdown columns "
        "which nom du champ secteur origine fill in sector"
    ),
    examples=[
        "Quels champs ont les affaires ?",
        "Quelles infos on peut remplir sur une personne ?",
        "Quels sont les choix possibles pour l'origine ?",
        "Liste les champs personnalisés",
        "Comment s'appelle le champ pour le secteur ?",
        "Quelles rubriques a une entreprise ?",
        "Which custom fields are there?",
        "What can I fill in on a deal?",
        "What are the options of that dropdown?",
        "What fields does a company have?",
    ],
)
async def list_fields(
    kind: Annotated[Literal["deal", "person", "organization"], Field(description="Kind of record.", examples=["deal"])],
    query: Annotated[str | None, Field(description="Part of the field's name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[FieldSummary]:
    """List the fields of deals, persons or organizations that `fields` of other tools takes, with their choices.

    These are the custom fields, by name, and some of Pipedrive's own. pipedrive_update_deal, pipedrive_create_person
    and others take them.
    """
    wanted = folded(query or "")
    rows = [
        FieldSummary(
            name=one.name, type=one.type, custom=one.custom, choices=[o.label for o in one.options or []] or None
        )
        for one in await account.fields(kind, renew=True)
        if (one.custom or one.code in WRITABLE[kind]) and wanted in folded(one.name)
    ]
    return sliced(rows, limit, cursor)
