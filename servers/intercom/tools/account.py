"""What the workspace has names for: teammates, teams, tags, segments, macros, ticket types, attributes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors, sliced

from .. import lookup
from ..attributes import definitions
from ..models import Option
from ..ticket_types import types

tools = Toolset("account")

Kind = Literal[
    "teammates", "teams", "tags", "segments", "macros", "ticket types", "contact attributes", "company attributes"
]


@tools.reads(
    core=False,
    search=(
        "équipe équipes collègues coéquipiers qui travaille étiquettes tags segments macros réponses enregistrées "
        "types de ticket états attributs champs admins existent disponibles teammates teams which saved replies "
        "states attributes fields are there list of"
    ),
    examples=[
        "Quelles macros avons-nous ?",
        "Who is on the team?",
        "Which tags exist?",
        "Qui est dans l'équipe ?",
        "Quelles étiquettes peut-on mettre ?",
        "Quels segments existent ?",
        "Y a-t-il une réponse enregistrée pour les retards ?",
        "Quels champs personnalisés a un contact ?",
        "Quels types de tickets avons-nous ?",
        "What teams can I hand this to?",
        "Do we have a saved reply about delays?",
        "Which ticket states are there?",
        "Which custom fields do companies have?",
    ],
)
async def list_options(
    kind: Annotated[Kind, Field(description="What to list.", examples=["teammates"])],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Option]:
    """List the names that other tools take: teammates, teams, tags, segments, macros (saved replies), ticket types with
    their states and fields, and the custom attributes of contacts and companies.

    Names are read anew each time. A macro is sent with intercom_reply_to_conversation.
    """
    return sliced(await _options(kind), limit, cursor)


async def _options(kind: str) -> list[Option]:
    if kind == "ticket types":
        return [
            Option(
                name=one.name or one.id,
                id=one.id,
                about=_about({"category": one.category, "fields": ", ".join(a.name for a in one.attributes)}),
                choices=[state.name or state.category or state.id for state in one.states],
            )
            for one in await types(fresh=True)
        ]
    if kind.endswith("attributes"):
        return [
            Option(
                name=one.label or one.name, id=one.name, about=one.type, choices=[*map(str, one.options or [])] or None
            )
            for one in await definitions(kind.split(" ")[0], fresh=True)
        ]
    result = []
    for named in await lookup.known(kind.removesuffix("s"), fresh=True):
        about = _about({"e-mail": named.email, "away": "yes" if named.away else None})
        result.append(Option(name=errors.excerpt(named.name or named.id), id=named.id, about=about))
    return result


def _about(parts: dict[str, str | None]) -> str | None:
    return "; ".join(f"{name}: {value}" for name, value in parts.items() if value) or None
