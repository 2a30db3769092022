"""Categories of sales and purchases. https://www.facturation.dev/api/categories/"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset

from ..arguments import CategoryId
from ..enums import CategoryUse
from ..fields import CategoryFields, about
from ..labels import Labels
from ..models import Category, Done

tools = Toolset("categories")
categories = Labels("/categories", Category, CategoryFields, "category")

Use = "Used for sales, purchases or both."


@tools.reads(
    core=False,
    search=(
        "catégories ventes achats catégorie rubriques postes classement types dépenses ventilation liste "
        "quelles which category sections headings kinds expense list rubrique poste heading kind lister quels "
        "combien montre what find show have all"
    ),
    examples=[
        "quelles catégories avons-nous",
        "liste les rubriques de dépenses",
        "comment sont classées nos ventes",
        "dans quels postes je peux ranger un achat",
        "on a une rubrique Formation ?",
        "which categories do we have",
        "list the expense headings",
        "how are our sales sorted",
        "what kinds of expense can I choose",
        "is there a category called Training",
    ],
)
async def list_categories(
    title: Annotated[str | None, about("Part of the title.")] = None,
    status: Annotated[CategoryUse | None, about(Use)] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Category]:
    """List the categories of sales and purchases, by which the firm sorts its documents.

    Returns the ids that documents, products and suppliers take as category_id.
    """
    return await categories.list(title, status, limit, cursor)


@tools.writes(
    core=False,
    creates=True,
    search=(
        "créer catégorie nouvelle rubrique poste ajoute ajouter crée category new add heading create kind "
        "dépenses ventes expense enregistre rentre nouveau il faut register enter set up need make"
    ),
    examples=[
        "crée une nouvelle catégorie Déplacements",
        "ajoute une rubrique pour les logiciels",
        "il me faut un poste Formation pour les achats",
        "nouvelle catégorie de ventes",
        "j'aimerais une rubrique en plus",
        "create a category called Travel",
        "add a heading for software",
        "I need a new kind of expense, Training",
        "make another category for sales",
        "set up a new heading for purchases",
    ],
)
async def create_category(
    title: Annotated[str, Field(max_length=255, description="Title of the category.", examples=["Conseil"])],
    status: Annotated[CategoryUse, about(Use)] = "both",
) -> Category:
    """Create a category for sales, for purchases or for both.

    Look with facturation_list_categories first: a second one of the same title is not refused.
    """
    return await categories.create(title, status)


@tools.reads(
    core=False,
    search=(
        "détail catégorie cette rubrique sert quoi usage infos seule that category used one details poste "
        "dépenses ventes heading kind expense ouvre affiche montre open show this number numéro"
    ),
    examples=[
        "à quoi sert cette catégorie",
        "montre la catégorie numéro 12",
        "cette rubrique vaut pour les achats ou les ventes",
        "détail de cette catégorie",
        "donne les infos sur cette rubrique",
        "what is that category used for",
        "show category number 12",
        "is this heading for sales or purchases",
        "details of one category",
        "tell me about this heading",
    ],
)
async def get_category(category_id: CategoryId) -> Category:
    """Get one category: its title, and whether it is used for sales, purchases or both.

    Take the id from facturation_list_categories, which shows the same fields.
    """
    return await categories.get(category_id)


@tools.writes(
    core=False,
    additive=False,
    search=(
        "renommer catégorie renomme rubrique change nom intitulé modifie modifier rename retitle name edit "
        "label poste dépenses ventes category heading kind expense changer corrige corriger mets mise jour "
        "met passe rectifie update correct set fix"
    ),
    examples=[
        "renomme la catégorie en Frais de route",
        "change le nom de cette rubrique",
        "la catégorie doit aussi valoir pour les achats",
        "modifie l'intitulé de la rubrique",
        "appelle-la plutôt Divers",
        "rename the category to Road costs",
        "change the name of that heading",
        "let this category be used for both",
        "edit the title of the heading",
        "call it Miscellaneous instead",
    ],
)
async def update_category(
    category_id: CategoryId,
    title: Annotated[
        str | None, Field(max_length=255, description="New title of the category.", examples=["Formation"])
    ] = None,
    status: Annotated[CategoryUse | None, about(Use)] = None,
) -> Category:
    """Rename a category, or change what it is used for. Documents that have it keep it.

    Take the id from facturation_list_categories.
    """
    return await categories.update(category_id, title, status)


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer catégorie supprime rubrique enlève vire efface retire delete remove drop heading get rid "
        "poste dépenses ventes category kind expense effacer jette débarrasse erase discard throw away take "
        "out off bin mistake wrong erreur doublon duplicate"
    ),
    examples=[
        "supprime la catégorie Divers",
        "enlève cette rubrique",
        "vire la catégorie qui ne sert plus",
        "efface ce poste de dépenses",
        "débarrasse-nous de cette rubrique",
        "delete the category Misc",
        "remove that heading",
        "drop the category nobody uses",
        "get rid of this expense heading",
        "erase the old category",
    ],
)
async def delete_category(category_id: CategoryId) -> Done:
    """Delete a category, after the user agreed. Documents that have it stay, without the category.

    Take the id from facturation_list_categories.
    """
    return await categories.delete(category_id)
