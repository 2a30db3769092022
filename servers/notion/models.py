"""Shapes of results: titles, plain values and Markdown, with ids and addresses."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from flotilla import Model, Page, UntrustedText

from .richtext import marked
from .values import moment, plain_properties, title_of

Values = Annotated[dict[str, Any], Field(description="Untrusted text")]  # made safe in `values`


class Found(Model):
    """https://developers.notion.com/reference/post-search; `kind` is page or database."""

    id: str
    kind: str
    title: UntrustedText
    url: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, thing: Any) -> Any:
        if not isinstance(thing, dict):
            return thing
        return {**thing, "title": title_of(thing), "kind": "page" if thing["object"] == "page" else "database"}


class Row(Model):
    """A page of a database: https://developers.notion.com/reference/page"""

    id: str
    url: str | None = None
    properties: Values

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, page: Any) -> Any:
        if not isinstance(page, dict) or "properties" not in page:
            return page
        return {**page, "properties": plain_properties(page)}


class Rows(Page[Row]):
    """Rows, and why some may be missing."""

    note: str | None = None


class Property(Model):
    """https://developers.notion.com/reference/property-object; `database` is what a relation leads to."""

    name: UntrustedText
    type: str
    allowed: list[UntrustedText] | None = None
    database: str | None = None


class Database(Model):
    """A data source with its schema: https://developers.notion.com/reference/data-source"""

    id: str
    url: str | None = None
    properties: list[Property]


class Content(Row):
    """A page with its text."""

    markdown: UntrustedText
    next_cursor: str | None = None
    note: str | None = None


class Written(Model):
    """What was created or changed; `created` is false where it existed already."""

    id: str | None = None
    url: str | None = None
    created: bool | None = None
    note: str | None = None


class Comment(Model):
    """https://developers.notion.com/reference/comment-object; those of one discussion answer each other."""

    id: str
    discussion_id: str | None = None
    author: UntrustedText | None = None
    text: UntrustedText | None = None
    created_time: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, comment: Any) -> Any:
        if not isinstance(comment, dict):
            return comment
        author = (comment.get("display_name") or {}).get("resolved_name")
        text = marked(comment.get("rich_text") or (), set()) or None
        when = comment.get("created_time")
        return {**comment, "author": author, "text": text, "created_time": when and moment(str(when))}


class User(Model):
    """https://developers.notion.com/reference/user; bots are integrations."""

    id: str
    name: UntrustedText | None = None
    type: str | None = None
    email: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, user: Any) -> Any:
        if not isinstance(user, dict):
            return user
        return {**user, "email": (user.get("person") or {}).get("email")}
