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


@tools.reads(core=False, search="catégories ventes achats")
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


@tools.writes(core=False, creates=True, search="créer catégorie")
async def create_category(
    title: Annotated[str, Field(max_length=255, description="Title of the category.", examples=["Conseil"])],
    status: Annotated[CategoryUse, about(Use)] = "both",
) -> Category:
    """Create a category for sales, for purchases or for both.

    Look with facturation_list_categories first: a second one of the same title is not refused.
    """
    return await categories.create(title, status)


@tools.reads(core=False, search="détail catégorie")
async def get_category(category_id: CategoryId) -> Category:
    """Get one category: its title, and whether it is used for sales, purchases or both.

    Take the id from facturation_list_categories, which shows the same fields.
    """
    return await categories.get(category_id)


@tools.writes(core=False, additive=False, search="renommer catégorie")
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


@tools.destroys(core=False, asks=True, search="supprimer catégorie")
async def delete_category(category_id: CategoryId) -> Done:
    """Delete a category, after the user agreed. Documents that have it stay, without the category.

    Take the id from facturation_list_categories.
    """
    return await categories.delete(category_id)
