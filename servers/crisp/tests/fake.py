"""A fake Crisp that keeps state: conversations with their messages, and people.

It is at least as strict as the documentation: both headers must be right, conditions of a search are JSON, custom data
is plain, a phone number is found by its stored spelling alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flotilla_testing import Request, Response
from flotilla_testing.fake_api import FakeApi

WEBSITE, OTHER = "8c842203-7ed8-4e29-a608-7cf78a7d2fcc", "session_22222222-0a8d-461e-a661-a3123fc6eec9"
SESSION, ZOE = "session_19e5240f-0a8d-461e-a661-a3123fc6eec9", "c3b5f1a0-1111-4222-8333-944445555666"
MARC, CHLOE = "a4c32c68-be91-4e29-b05a-976e93abbe3f", "b5c32c68-be91-4e29-b05a-976e93abbe3f"
FIXTURES = Path(__file__).parent / "fixtures"
Thing = dict[str, Any]


def fixture(name: str) -> Any:
    """Return a recorded answer's data."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))["data"]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        body = {"error": True, "reason": reason, "data": {"namespace": "response", "message": f"{reason}."}}
        self.answer = Response.of(body, status)


class FakeCrisp(FakeApi):
    """A workspace with one conversation of Zoé, and her profile."""

    def __init__(self) -> None:
        super().__init__()
        self.tier = "website"
        self.wrapped = False  # whether custom data of people comes inside of `data`: sources differ
        self.sessions: dict[str, Thing] = {SESSION: fixture("conversation")}
        self.messages: dict[str, list[Thing]] = {SESSION: fixture("messages")}
        self.people: dict[str, Thing] = {ZOE: fixture("profile")}
        self.data: dict[str, Thing] = {ZOE: {"points": 120}}
        self.events: list[Thing] = []
        self.reminders: list[Thing] = []
        self.requests: list[Request] = []
        site, session, page = f"/v1/website/{WEBSITE}", "(?P<session>session_[^/]+)", "(?P<page>[0-9]+)"
        person = "(?P<person>[^/]+)"
        self._add("GET", f"{site}/conversations/{page}", self.conversations)
        self._add("POST", f"{site}/conversation", self.create)
        self._add("GET", f"{site}/conversation/{session}", lambda request, session: self._session(session))
        self._add("DELETE", f"{site}/conversation/{session}", self.delete)
        self._add("GET", f"{site}/conversation/{session}/messages", self.read)
        self._add("POST", f"{site}/conversation/{session}/message", self.send)
        self._add("PATCH", f"{site}/conversation/{session}/(?P<part>state|meta|routing)", self.change)
        self._add("POST", f"{site}/conversation/{session}/reminder", self.remind)
        self._add("GET", f"{site}/people/profiles/{page}", self.profiles)
        self._add("POST", f"{site}/people/profile", self.add_person)
        self._add("GET", f"{site}/people/profile/{person}", lambda request, person: self._person(person))
        self._add("PATCH", f"{site}/people/profile/{person}", self.change_person)
        self._add("DELETE", f"{site}/people/profile/{person}", lambda request, person: self.people.pop(person) and {})
        self._add("GET", f"{site}/people/data/{person}", lambda request, person: {"data": self.data.get(person, {})})
        self._add("PATCH", f"{site}/people/data/{person}", self.change_data)
        self._add("GET", f"{site}/people/conversations/{person}/list/1", self.sessions_of)
        self._add("POST", f"{site}/people/events/{person}", self.add_event)
        self._add("GET", f"{site}/people/events/{person}/list/{page}", self.list_events)
        for path, name in (
            ("operators/list", "operators"), ("helpdesk/locales/1", "locales"), ("campaigns/list/1", "campaigns"),
            ("helpdesk/tree/list/fr/article/1", "articles"), ("people/suggest/segments/1", "segments"),
            ("helpdesk/tree/content/fr/article/commandes/retours", "article_content"),
            ("helpdesk/tree/metadata/fr/article/commandes/retours", "article_meta"),
        ):  # fmt: skip
            self._add("GET", f"{site}/{path}", lambda request, name=name: fixture(name))

    @property
    def writes(self) -> list[Request]:
        """What arrived and may have changed something."""
        return [request for request in self.requests if request.writes]

    def _add(self, method: str, path: str, handler: Callable[..., Any]) -> None:
        def carried_out(request: Request, **names: str) -> Response:
            try:
                if request.headers.get("x-crisp-tier") != self.tier:
                    raise Refusal(401, "invalid_session")
                if request.headers.get("authorization") != "Basic aWQtMTprZXktMQ==":  # id-1:key-1
                    raise Refusal(401, "invalid_session")
                return Response.of({"error": False, "reason": "done", "data": handler(request, **names)})
            except Refusal as refusal:
                return refusal.answer

        self.on(method, path, carried_out)

    def to(self, request: Request) -> Response:
        """Carry a request out."""
        self.requests.append(request)
        return super().to(request)

    def _session(self, key: str) -> Thing:
        if key not in self.sessions:
            raise Refusal(404, "session_not_found")
        return self.sessions[key]

    def _person(self, key: str) -> Thing:
        if key not in self.people:
            raise Refusal(404, "people_not_found")
        return self.people[key]

    def conversations(self, request: Request, page: str) -> list[Thing]:
        """Return a page of conversations, filtered; the second page is empty."""
        query = dict(request.query)
        if not 20 <= int(query["per_page"]) <= 50:
            raise Refusal(400, "invalid_data")
        rows = list(self.sessions.values()) if page == "1" else []
        if query.get("filter_resolved") == "1":
            rows = [row for row in rows if row["state"] == "resolved"]
        if query.get("filter_not_resolved") == "1":
            rows = [row for row in rows if row["state"] != "resolved"]
        if query.get("filter_unassigned") == "1":
            rows = [row for row in rows if not row.get("assigned")]
        if "filter_assigned" in query:
            rows = [row for row in rows if (row.get("assigned") or {}).get("user_id") == query["filter_assigned"]]
        if query.get("search_type") == "text":
            rows = [row for row in rows if query["search_query"].casefold() in row["last_message"].casefold()]
        if query.get("search_type") == "segment":
            rows = [row for row in rows if query["search_query"] in row["meta"]["segments"]]
        return rows

    def create(self, request: Request) -> Thing:
        """Begin a conversation."""
        self.sessions[OTHER] = {"session_id": OTHER, "state": "pending", "meta": {}, "last_message": ""}
        self.messages[OTHER] = []
        return {"session_id": OTHER}

    def delete(self, request: Request, session: str) -> Thing:
        """Delete a conversation."""
        self._session(session)
        del self.sessions[session]
        return {}

    def read(self, request: Request, session: str) -> list[Thing]:
        """Return the messages before a time."""
        before = int(dict(request.query).get("timestamp_before", 10**15))
        return [one for one in self.messages[session] if one["timestamp"] < before]

    def send(self, request: Request, session: str) -> Thing:
        """Add a message or a note."""
        self._session(session)
        body = request.json()
        if not {"type", "from", "origin", "content"} <= set(body) or body["type"] not in ("text", "note"):
            raise Refusal(400, "invalid_data")
        self.messages[session].append({**body, "fingerprint": 77, "timestamp": 1906012809000})
        return {"fingerprint": 77}

    def change(self, request: Request, session: str, part: str) -> Thing:
        """Change state, meta or routing."""
        one, body = self._session(session), request.json()
        if part == "meta":
            if any(isinstance(value, dict | list) for value in body.get("data", {}).values()):
                raise Refusal(400, "invalid_data")
            one["meta"] |= body
        elif part == "state" and body["state"] in ("pending", "unresolved", "resolved"):
            one["state"] = body["state"]
        elif part == "routing" and "assigned" in body:
            one["assigned"] = body["assigned"]
        else:
            raise Refusal(400, "invalid_data")
        return {}

    def remind(self, request: Request, session: str) -> Thing:
        """Keep a reminder."""
        self.reminders.append(request.json())
        return {}

    def profiles(self, request: Request, page: str) -> list[Thing]:
        """Return a page of people, by words as they are stored, or by conditions."""
        query, rows = dict(request.query), list(self.people.values()) if page == "1" else []
        if text := query.get("search_text", "").casefold():
            rows = [
                row for row in rows
                if any(text in one.casefold() for one in (row["email"], *map(str, row["person"].values())))
            ]  # fmt: skip
        for condition in json.loads(query.get("search_filter", "[]")):
            if (condition["model"], condition["operator"]) != ("people", "eq"):
                raise Refusal(400, "invalid_data")
            (wanted,) = condition["query"]
            rows = [
                row for row in rows
                if (wanted in row["segments"] if condition["criterion"] == "segments" else row["email"] == wanted)
            ]  # fmt: skip
        return rows

    def add_person(self, request: Request) -> Thing:
        """Create a profile."""
        key = "d4b5f1a0-1111-4222-8333-944445555666"
        self.people[key] = {"people_id": key, "segments": [], **request.json()}
        return {"people_id": key}

    def change_person(self, request: Request, person: str) -> Thing:
        """Merge changes into a profile."""
        one, body = self._person(person), request.json()
        one["person"] |= body.pop("person", {})
        one |= body
        return {}

    def change_data(self, request: Request, person: str) -> Thing:
        """Merge custom data."""
        body = request.json()
        if self.wrapped:
            if not isinstance(body.get("data"), dict):
                raise Refusal(400, "invalid_data")
            body = body["data"]
        if any(isinstance(value, dict | list) for value in body.values()):
            raise Refusal(400, "invalid_data")
        self.data[person] = {**self.data.get(person, {}), **body}
        return {}

    def sessions_of(self, request: Request, person: str) -> list[str]:
        """Return the ids of a person's conversations."""
        return [key for key, one in self.sessions.items() if one.get("people_id") == person]

    def add_event(self, request: Request, person: str) -> Thing:
        """Keep an event."""
        self._person(person)
        self.events.append({**request.json(), "timestamp": 1906012809000})
        return {}

    def list_events(self, request: Request, person: str, page: str) -> list[Thing]:
        """Return the events of a person."""
        return self.events if page == "1" else []
