"""Google Docs: documents that batches change, with revisions. The document itself is the one of the server's tests."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from flotilla_servers.google_docs.tests import play as _play
from flotilla_testing import Request

from .app import Google, Refusal, body

BASE = "/v1/documents"
READ = "documents documents.readonly drive drive.file drive.readonly"
WRITE = "documents drive drive.file"


@dataclass
class Text:
    """A document."""

    title: str
    play: Any = field(default_factory=_play.Play)
    revision: int = 1


@dataclass
class Texts:
    """All documents, by id."""

    texts: dict[str, Text] = field(default_factory=dict)
    ids: Any = field(default_factory=lambda: itertools.count(1))


def mount(google: Google) -> None:
    """Add the API."""
    mine = google.documents = Texts()

    def find(text: str) -> Text:
        if text not in mine.texts:
            raise Refusal(404, "notFound", "Requested entity was not found.")
        return mine.texts[text]

    def made(account: str, request: Request) -> dict[str, Any]:
        found = f"1Text{next(mine.ids)}"
        mine.texts[found] = Text(body(request)["title"])
        return {"documentId": found, "title": mine.texts[found].title}

    def got(account: str, request: Request, text: str) -> dict[str, Any]:
        about = {"documentId": text, "title": find(text).title, "revisionId": f"r{find(text).revision}"}
        return {**find(text).play.document(), **about}

    def changed(account: str, request: Request, text: str) -> dict[str, Any]:
        given, found = body(request), find(text)
        if given.get("writeControl", {}).get("requiredRevisionId", f"r{found.revision}") != f"r{found.revision}":
            raise Refusal(400, "failedPrecondition", "The required revision ID does not match the latest revision.")
        found.play.run(given["requests"])
        found.revision += 1
        return {"documentId": text, "replies": [{} for _ in given["requests"]]}

    one = rf"{BASE}/(?P<text>[^/:]+)"
    google.api("POST", BASE, WRITE, made)
    google.api("GET", one, READ, got)
    google.api("POST", f"{one}:batchUpdate", WRITE, changed)
