"""Categories and follow-ups: titles with a use, which the vendor keeps in two places in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from flotilla import Page, confirm

from .client import api
from .fields import Fields, body, changes_of
from .models import Category, Done, Followup
from .records import listed, read

L = TypeVar("L", Category, Followup)


@dataclass(frozen=True)
class Labels(Generic[L]):
    """The labels of one kind. `fields` are also the filters of their list; `noun` is for a person."""

    path: str
    model: type[L]
    fields: type[Fields]
    noun: str

    async def list(self, title: str | None, status: str | None, limit: int, cursor: str | None) -> Page[L]:
        """Return a page of the labels."""
        return await listed(f"{self.path}.json", self.model, self.fields, limit, cursor, title=title, status=status)

    async def get(self, label_id: int) -> L:
        """Return one label."""
        return read(self.model, await api.get(f"{self.path}/{label_id}.json"))

    async def create(self, title: str, status: str) -> L:
        """Create a label."""
        record = body(self.fields, title=title, status=status)
        return read(self.model, await api.post(f"{self.path}.json", json=record))

    async def update(self, label_id: int, title: str | None, status: str | None) -> L:
        """Change a label; raises errors.InvalidInputError for a change of nothing."""
        record = changes_of(self.fields, title=title, status=status)
        answer = await api.request("PATCH", f"{self.path}/{label_id}.json", json=record, nulls=True)
        return read(self.model, answer, id=label_id)

    async def delete(self, label_id: int) -> Done:
        """Delete a label, after the user agreed."""
        await confirm(f"Delete the {self.noun} «{(await self.get(label_id)).title}»?")
        await api.send("DELETE", f"{self.path}/{label_id}.json")
        return Done(id=label_id, done="deleted")
