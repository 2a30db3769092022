"""Attached files (fichiers joints). https://www.facturation.dev/api/assets/"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors

from .arguments import AssetId, Filters, Sort, listed
from .client import api
from .documents import download
from .fields import Changes
from .models import Attachment, Document, Done

tools = Toolset("files")

Owner = Annotated[int | None, Field(description="Of this one only")]
Sorting = Annotated[Changes | None, Field(description="order: title, size, updated, created; sort: asc, desc")]


class FileFilters(Filters):
    """Query of the four lists."""

    customer_id: int | None = None
    invoice_id: int | None = None
    quote_id: int | None = None
    purchase_id: int | None = None
    sort: Sort | None = None
    order: Literal["title", "size", "updated", "created"] | None = None


async def _files(
    kind: str, owner: int | None, filters: Changes | None, limit: int, cursor: str | None
) -> Page[Attachment]:
    if set(filters or {}) - {"order", "sort"}:
        raise errors.InvalidInputError("These lists know the filters order and sort.", "Leave the others out.")
    given: dict[str, Any] = {f"{kind}_id": owner}
    return await listed(f"/assets/{kind}s.json", Attachment, FileFilters, limit, cursor, more=filters, **given)


@tools.reads(core=False)
async def list_customer_files(
    customer_id: Owner = None, filters: Sorting = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[Attachment]:
    """List files attached to customers. Next: facturation_download_file."""
    return await _files("customer", customer_id, filters, limit, cursor)


@tools.reads(core=False)
async def list_invoice_files(
    invoice_id: Owner = None, filters: Sorting = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[Attachment]:
    """List files attached to invoices. Next: facturation_download_file."""
    return await _files("invoice", invoice_id, filters, limit, cursor)


@tools.reads(core=False)
async def list_purchase_files(
    purchase_id: Owner = None, filters: Sorting = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[Attachment]:
    """List files attached to purchases (justificatifs). Next: facturation_download_file."""
    return await _files("purchase", purchase_id, filters, limit, cursor)


@tools.reads(core=False)
async def list_quote_files(
    quote_id: Owner = None, filters: Sorting = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[Attachment]:
    """List files attached to quotes. Next: facturation_download_file."""
    return await _files("quote", quote_id, filters, limit, cursor)


@tools.destroys(core=False, confirm="Delete the attached file {file_id} for good?")
async def delete_file(file_id: AssetId) -> Done:
    """Delete an attached file."""
    await api.send("DELETE", f"/assets/{file_id}.json")
    return Done(id=file_id, done="deleted")


@tools.reads(core=False, deadline=55)
async def download_file(file_id: AssetId) -> Document:
    """Save an attached file to the data folder, below facturation-pro/; returns its path."""
    return await download(f"/assets/{file_id}/download", f"file-{file_id}")
