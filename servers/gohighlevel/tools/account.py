"""The sub-account itself: its forms and own fields, and which sub-accounts there are.

https://marketplace.gohighlevel.com/docs/ghl/forms/forms, https://marketplace.gohighlevel.com/docs/ghl/locations/locations
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, choose, cursor_number, errors, readable, sliced
from flotilla.parsing import folded

from ..client import account_zone, api, location
from ..fields import definitions
from ..models import FieldDefinition, SubAccount, Submission

tools = Toolset("account")

FORMS_AT_ONCE = 50  # the most that GET /forms/ takes
TECHNICAL = (
    "eventData",
    "fieldsOriSequance",
    "formId",
    "location_id",
    "sessionId",
    "sessionFingerprint",
    "disqualified",
)


async def all_forms() -> list[dict[str, Any]]:
    """Return all forms of the sub-account."""
    rows: list[Any] = []
    while True:
        params = {"locationId": await location(), "limit": FORMS_AT_ONCE, "skip": len(rows)}
        page = await api.rows("/forms/", "forms", params=params)
        rows += page
        if len(page) < FORMS_AT_ONCE:
            return [row for row in rows if isinstance(row, dict) and row.get("id")]


@tools.reads(
    core=False,
    scopes=["forms.readonly"],
    search=(
        "formulaires réponses soumissions demandes site web qui a rempli form submissions leads formulaire "
        "soumission inscrits landing page sondage questionnaire nouvelles reçues internet survey filled sent "
        "signups sign-ups submitted inquiries enquiries website"
    ),
    examples=[
        "Qui a rempli le formulaire de contact cette semaine ?",
        "Show me the latest form submissions",
        "qui s'est inscrit via le site cette semaine",
        "quelles demandes sont arrivées par le site",
        "qu'ont répondu les gens au questionnaire",
        "les dernières réponses de la landing page",
        "combien de formulaires remplis ce mois-ci",
        "who filled in the contact form",
        "what came in through the website this week",
        "show the answers people gave in the survey",
        "how many sign-ups from the landing page",
        "any new enquiries from the site",
    ],
)
async def list_form_submissions(
    form: Annotated[str | None, Field(description="Only this form, by name; all forms without it.")] = None,
    query: Annotated[str | None, Field(description="Only from this contact, by name or e-mail.")] = None,
    after: Annotated[When | None, Field(description="First day; one month ago without it.")] = None,
    before: Annotated[When | None, Field(description="Last day, which is included; today without it.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Submission]:
    """List what people sent through the sub-account's forms, newest first, each with its answers and its contact's id.

    Without `after` only the last month is looked at. An unknown form's name lists the existing ones.
    """
    page, local = cursor_number(cursor, 1), account_zone()
    forms = await all_forms()
    params = {
        "locationId": await location(),
        "formId": choose(form, forms, kind="form")["id"] if form else None,
        "q": query,
        "startAt": after.day(local).isoformat() if after else None,
        "endAt": before.day(local).isoformat() if before else None,
        "limit": limit,
        "page": page,
    }
    answer = await api.get("/forms/submissions", params=params)
    rows = api.rows_in(answer, "submissions")
    names: dict[str, str] = {str(one["id"]): str(one.get("name") or "") for one in forms}
    labels: dict[str, str] = {}
    with suppress(errors.PermissionDeniedError):  # another scope; fields are then shown by their ids
        labels = {one.id: one.name for one in await definitions()}
    items = readable(Submission, [_read(row, names, labels) for row in rows])
    return Page(items=items, next_cursor=str(page + 1) if len(rows) >= limit else None)


def _read(row: Any, forms: dict[str, str], labels: dict[str, str]) -> Any:
    """Return a submission with its form by name and its answers as a list of field and answer."""
    if not isinstance(row, dict):
        return row
    others: dict[str, Any] = row["others"] if isinstance(row.get("others"), dict) else {}
    shown = {key: value for key, value in others.items() if key not in TECHNICAL and value not in (None, "", [], {})}
    answers = [{"field": labels.get(key, key), "answer": _text(value)} for key, value in shown.items()]
    return {**row, "form": forms.get(str(row.get("formId"))), "answers": answers}


def _text(value: Any) -> str:
    return ", ".join(map(_text, value)) if isinstance(value, list) else str(value)


@tools.reads(
    core=False,
    scopes=["locations/customFields.readonly"],
    search=(
        "champs personnalisés custom fields propriétés options champ personnalisé perso attributs mesure "
        "valeurs possibles liste déroulante field attributes own dropdown choices available definitions"
    ),
    examples=[
        "Quels champs personnalisés avons-nous dans GHL ?",
        "quels champs peut-on remplir sur une fiche",
        "on a un champ pour la date d'anniversaire ?",
        "quelles options dans la liste Source",
        "liste les champs perso des opportunités",
        "quels attributs avons-nous créés",
        "which custom fields do we have",
        "is there a field for the birthday",
        "what choices does the Source dropdown have",
        "list the extra fields on opportunities",
        "what attributes did we define ourselves",
    ],
)
async def list_custom_fields(
    belongs_to: Annotated[
        Literal["contact", "opportunity"], Field(description="Whose fields: of contacts or of opportunities.")
    ] = "contact",
    query: Annotated[str | None, Field(description="Part of the field's name.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[FieldDefinition]:
    """List the fields that the sub-account added itself, each with its type and, where it has some, its options.

    ghl_update_contact writes those of contacts by their names; ghl_get_contact shows a contact's values.
    """
    rows = sorted(await definitions(belongs_to), key=lambda one: folded(one.name))
    return sliced([one for one in rows if folded(query or "") in folded(one.name)], limit, cursor)


@tools.reads(
    core=False,
    scopes=["locations.readonly"],
    search=(
        "sous-comptes clients de l'agence locations sub-accounts agency sous-compte établissements agence "
        "sites succursales comptes gérés actif location subaccount subaccounts branches accounts switch "
        "current which account"
    ),
    examples=[
        "Quels sous-comptes gère l'agence ?",
        "Which sub-accounts does this token reach?",
        "dans quel sous-compte on travaille là",
        "liste les comptes clients de l'agence",
        "combien d'établissements gérons-nous",
        "quel est le compte actif",
        "quels sites sont rattachés à l'agence",
        "which sub-account are we in",
        "list all the client accounts of the agency",
        "how many branches do we manage",
        "which location is the current one",
        "what accounts can you see",
    ],
)
async def list_locations(
    query: Annotated[str | None, Field(description="Part of the sub-account's name.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SubAccount]:
    """List the sub-accounts (locations) that the token reaches: one, or all of an agency, with name, city, time zone.

    All other tools work in one of them, which `in_use` marks. Another one is chosen in the settings of this server
    (location_id), not in a call.
    """
    skip = cursor_number(cursor, 0)
    rows = await api.rows("/locations/search", "locations", params={"limit": limit, "skip": skip})
    used = ""
    with suppress(errors.ConfigurationError):  # none is chosen yet: then no row is in use
        used = await location()
    items = [one.model_copy(update={"in_use": True if one.id == used else None}) for one in readable(SubAccount, rows)]
    wanted = [one for one in items if folded(query or "") in folded(one.name or "")]
    return Page(items=wanted, next_cursor=str(skip + limit) if len(rows) >= limit else None)
