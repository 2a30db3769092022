"""Attached files (fichiers joints). https://www.facturation.dev/api/assets/"""

from __future__ import annotations

from typing import Annotated, Literal

from flotilla import Cursor, Limit, Page
from pydantic import Field

from .app import api, server
from .arguments import AssetId, Filters, Sort, listed
from .documents import download
from .models import Attachment, Document, Done

Owner = Annotated[int | None, Field(description="Of this one only")]
Order = Annotated[Literal["title", "size", "updated", "created"] | None, Field(description="Sort by")]
Direction = Annotated[Sort | None, Field(description="Direction")]


class FileFilters(Filters):
    """Query of the four lists."""

    customer_id: int | None = None
    invoice_id: int | None = None
    quote_id: int | None = None
    purchase_id: int | None = None
    sort: Sort | None = None
    order: Literal["title", "size", "updated", "created"] | None = None


async def _files(
    kind: str, owner: int | None, order: str | None, sort: str | None, limit: int, cursor: str | None
) -> Page[Attachment]:
    given = {f"{kind}_id": owner, "order": order, "sort": sort}
    return await listed(f"/assets/{kind}s.json", Attachment, FileFilters, limit, cursor, **given)


@server.reads(core=False, group="files")
async def list_customer_files(
    customer_id: Owner = None, order: Order = None, sort: Direction = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[Attachment]:
    """List files attached to customers. Get one with facturation_download_file."""
    return await _files("customer", customer_id, order, sort, limit, cursor)


@server.reads(core=False, group="files")
async def list_invoice_files(
    invoice_id: Owner = None, order: Order = None, sort: Direction = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[Attachment]:
    """List files attached to invoices. Get one with facturation_download_file."""
    return await _files("invoice", invoice_id, order, sort, limit, cursor)


@server.reads(core=False, group="files")
async def list_purchase_files(
    purchase_id: Owner = None, order: Order = None, sort: Direction = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[Attachment]:
    """List files attached to purchases (justificatifs). Get one with facturation_download_file."""
    return await _files("purchase", purchase_id, order, sort, limit, cursor)


@server.reads(core=False, group="files")
async def list_quote_files(
    quote_id: Owner = None, order: Order = None, sort: Direction = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[Attachment]:
    """List files attached to quotes. Get one with facturation_download_file."""
    return await _files("quote", quote_id, order, sort, limit, cursor)


@server.destroys(core=False, group="files", confirm="Delete the attached file {id}?")
async def delete_file(id: AssetId) -> Done:
    """Delete an attached file."""
    await api.delete(f"/assets/{id}.json")
    return Done(id=id, done="deleted")


@server.reads(core=False, group="files", deadline=55)
async def download_file(id: AssetId) -> Document:
    """Save an attached file to the data folder, below facturation-pro/; returns its path."""
    return await download(f"/assets/{id}/download", f"file-{id}")
