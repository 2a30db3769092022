"""Google Docs: documents that batches change, with revisions. The document itself is the one of the server's tests."""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, field
from typing import Any

from flotilla_servers.google_docs.tests.fake import FakeDocument
from flotilla_testing import Request

from .app import Google, Refusal, body

BASE = "/v1/documents"
READ = "documents documents.readonly drive drive.file drive.readonly"
WRITE = "documents drive drive.file"
WHOLE = {"documents", "documents.readonly", "drive", "drive.readonly"}


@dataclass
class Text:
    """A document."""

    title: str
    document: FakeDocument = field(default_factory=FakeDocument)
    revision: int = 1
    made: bool = False  # by the app, which is all that drive.file sees

    @property
    def plain(self) -> str:
        """The characters of the document."""
        return "".join(unit.text for unit in self.document.units if len(unit.text) == 1)

    def copied(self, title: str) -> Text:
        """Return a copy that the app made."""
        return Text(title, copy.deepcopy(self.document), made=True)


@dataclass
class Texts:
    """All documents, by id."""

    texts: dict[str, Text] = field(default_factory=dict)
    ids: Any = field(default_factory=lambda: itertools.count(1))

    def put(self, title: str, *, made: bool = False) -> str:
        """Store an empty document; returns its id."""
        result = f"1Text{next(self.ids)}"
        self.texts[result] = Text(title, made=made)
        return result


def mount(google: Google) -> None:
    """Add the API."""
    mine = google.documents = Texts()

    def find(request: Request, text: str) -> Text:
        result = mine.texts.get(text)
        if not result or not (result.made or google.scopes_of(request) & WHOLE):
            raise Refusal(404, "notFound", "Requested entity was not found.")
        return result

    def made(account: str, request: Request) -> dict[str, Any]:
        title = body(request)["title"]
        return {"documentId": mine.put(title, made=True), "title": title}

    def got(account: str, request: Request, text: str) -> dict[str, Any]:
        result = find(request, text)
        about = {"documentId": text, "title": result.title, "revisionId": f"r{result.revision}"}
        return {**result.document.document(), **about}

    def changed(account: str, request: Request, text: str) -> dict[str, Any]:
        params, result = body(request), find(request, text)
        if params.get("writeControl", {}).get("requiredRevisionId", f"r{result.revision}") != f"r{result.revision}":
            raise Refusal(400, "failedPrecondition", "The required revision ID does not match the latest revision.")
        replies = result.document.run(params["requests"])
        result.revision += 1
        return {"documentId": text, "replies": replies}

    one = rf"{BASE}/(?P<text>[^/:]+)"
    google.api("POST", BASE, WRITE, made)
    google.api("GET", one, READ, got)
    google.api("POST", f"{one}:batchUpdate", WRITE, changed)
