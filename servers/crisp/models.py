"""Shapes of results: flat rows of texts, empty values left out. Times are in FLOTILLA_TIMEZONE, with their offset."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from flotilla import Model, Page, UntrustedText

Row = dict[str, UntrustedText]


class Thing(Model):
    """An object as Crisp returns it: nothing in it is certain."""

    model_config = ConfigDict(extra="allow")

    def at(self, path: str) -> Any:
        """Return what stands at a dotted path, None where there is nothing."""
        value: Any = self.model_extra or {}
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def text(self, *paths: str) -> str:
        """Return the first text or number that stands at one of the paths, "" without one."""
        for path in paths:
            value = self.at(path)
            if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
                return str(value)
        return ""


class Session(Thing):
    """A conversation: its id is certain."""

    session_id: str


class Profile(Thing):
    """A profile of the people list: its id is certain."""

    people_id: str


class RowPage(Page[Row]):
    """One page of rows."""


class Saved(Model):
    """What was created or changed."""

    conversation: str | None = None
    person: str | None = None
    message: str | None = None
    state: str | None = None
    assigned: UntrustedText | None = None


class ConversationDetail(Model):
    """A conversation and its newest messages and notes, the oldest of them first."""

    details: Row
    messages: list[Row]
    note: str | None = None


class PersonDetail(Model):
    """A person, with custom data, newest conversations, and others who fit too."""

    details: Row
    conversations: list[Row] | None = None
    others: list[Row] | None = None
    note: str | None = None


class Article(Model):
    """An article of the help desk, as Markdown."""

    title: UntrustedText
    path: str
    text: UntrustedText
    url: str | None = None
    note: str | None = None


class Done(Model):
    """Whether it was done."""

    done: bool = True
