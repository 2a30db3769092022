"""Categories of purchases and sales. https://www.facturation.dev/api/categories/"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm

from .arguments import CategoryId, Filters, changed, listed, read
from .client import api
from .enums import CategoryUse
from .fields import CategoryFields, body
from .models import Category, Done

tools = Toolset("categories")

Title = Annotated[str, Field(max_length=255, description="Libellé", examples=["Conseil"])]


class CategoryFilters(Filters):
    """Query of the list."""

    title: str | None = None
    status: CategoryUse = "both"


@tools.reads(core=False)
async def list_categories(
    title: Annotated[str | None, Field(description="Part of it")] = None,
    status: Annotated[CategoryUse | None, Field(description="Used for")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Category]:
    """List the categories of sales and purchases."""
    return await listed("/categories.json", Category, CategoryFilters, limit, cursor, title=title, status=status)


@tools.writes(core=False, creates=True)
async def create_category(
    title: Title, status: Annotated[CategoryUse, Field(description="Used for")] = "both"
) -> Category:
    """Make a category (catégorie)."""
    return read(Category, await api.post("/categories.json", json=body(CategoryFields, title=title, status=status)))


@tools.reads(core=False)
async def get_category(category_id: CategoryId) -> Category:
    """Get one category."""
    return read(Category, await api.get(f"/categories/{category_id}.json"))


@tools.writes(core=False, additive=False)
async def update_category(
    category_id: CategoryId,
    title: Annotated[str | None, Field(max_length=255, description="Libellé", examples=["Formation"])] = None,
    status: Annotated[CategoryUse | None, Field(description="Used for")] = None,
) -> Category:
    """Rename a category, or change what it is used for."""
    changes = changed(CategoryFields, title=title, status=status)
    return read(
        Category,
        await api.request("PATCH", f"/categories/{category_id}.json", json=changes, nulls=True),
        id=category_id,
    )


@tools.destroys(core=False, asks=True)
async def delete_category(category_id: CategoryId) -> Done:
    """Delete a category."""
    await confirm(f"Delete the category «{(await get_category(category_id)).title}»?")
    await api.send("DELETE", f"/categories/{category_id}.json")
    return Done(id=category_id, done="deleted")
