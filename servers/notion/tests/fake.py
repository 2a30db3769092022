"""A Notion in memory, spoken to over real HTTP: it keeps what is written, and refuses what the real one refuses.

    with FakeNotion() as notion:                              # notion.url is NOTION_BASE_URL
        clients = notion.database("Clients", {"Nom": "title", "Statut": ["Lead chaud", "Client"]})
        notion.row(clients, {"Nom": "Dupont SARL"})
        notion.call_error(429, times=1, after=1)             # the second request is refused, and does nothing
        notion.vendor.fails(faults.cut(), method="write")  # the answer is lost, after the work was done
        …
        assert notion.titles(clients) == ["Dupont SARL", …]

Built to the published contract (API version 2026-03-11): the tests hold its answers against it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flotilla_testing import FakeVendor, RecordedResponses, Request, Response
from flotilla_testing.fake_api import Served

NOW = "2030-06-02T09:30:00.000Z"
TOKEN = "ntn_test"
CLIENT = ("1f8d872b-594c-80a4-b2f4-00370af2b13f", "secret_4711")
VERSION = "2026-03-11"
BOT = {"object": "user", "id": "b0b0b0b0-0000-4000-8000-000000000000"}
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Notion."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = Response.of({"object": "error", "status": status, "code": code, "message": message}, status)


def invalid(message: str) -> Refusal:
    return Refusal(400, "validation_error", f"body failed validation: {message}.")


@dataclass
class Refusing:
    """Requests to refuse: a status, how many, after how many others, of which method ("" or "write": any)."""

    status: int
    times: int
    after: int
    method: str

    def accepts(self, request: Request) -> bool:
        fits = self.method in ("", request.method) or (self.method == "write" and request.writes)
        if not (self.times and fits):
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= self.times > 0
        return True


class FakeNotion(Served, RecordedResponses):
    """The workspace: pages, databases, blocks, comments, people."""

    def __init__(self) -> None:
        super().__init__(reads=["POST /v1/search", "POST /v1/data_sources/{id}/query"])
        self.vendor = FakeVendor(self)
        self.pages: dict[str, Thing] = {}
        self.sources: dict[str, Thing] = {}
        self.databases: dict[str, Thing] = {}
        self.blocks: dict[str, Thing] = {}
        self.below: dict[str, list[str]] = {}
        self.comments: list[Thing] = []
        self.people: list[Thing] = []
        self.plans: list[Refusing] = []
        self.tokens = {TOKEN}  # access tokens that are accepted
        self.refresh_token = "nrt_first"
        self.refreshed: list[Thing] = []  # what was sent for new tokens
        self.owner = ""  # who connected the account; nobody for an internal integration
        self._last = 0

    @property
    def url(self) -> str:
        """What NOTION_BASE_URL is set to."""
        return f"{self.vendor.url}/v1"

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"NOTION_TOKEN": TOKEN, "NOTION_BASE_URL": self.url}

    def call_error(self, status: int, *, times: int = 1, after: int = 0, method: str = "") -> None:
        """Refuse requests without doing them."""
        self.plans.append(Refusing(status, times, after, method))

    # -- what a test puts in and looks at

    def new_id(self) -> str:
        self._last += 1
        return f"{self._last:08x}-2cf9-4fdf-8782-e53db20768a5"

    def person(self, name: str, email: str) -> str:
        """Add a person."""
        who = {"object": "user", "id": self.new_id(), "type": "person", "name": name, "avatar_url": None}
        self.people.append({**who, "person": {"email": email}})
        return str(who["id"])

    def page(self, title: str, parent: str = "") -> str:
        """Add a page, to the workspace or into a page."""
        above = {"type": "page_id", "page_id": parent} if parent else {"type": "workspace", "workspace": True}
        return str(
            self._page(above, {"title": {"title": text(title)}}, {"title": {"id": "title", "type": "title"}})["id"]
        )

    def database(self, name: str, schema: Mapping[str, Any]) -> str:
        """Add a database; returns the id of its data source.

        A property is a type, a list of options, or `("relation", data source)`.
        """
        database, source = self.new_id(), self.new_id()
        made: dict[str, Thing] = {}
        for number, (label, reported) in enumerate(schema.items()):
            kind = "select" if isinstance(reported, list) else reported[0] if isinstance(reported, tuple) else reported
            inner: Thing = {}
            if isinstance(reported, list):
                inner = {"options": [option(one, n) for n, one in enumerate(reported)]}
            if kind == "multi_select":
                inner = {"options": [option(one, n) for n, one in enumerate(reported[1])]}
            if kind == "status":
                inner = status(reported[1])
            if kind == "relation":
                inner = {"data_source_id": reported[1], "type": "single_property", "single_property": {}}
                inner["database_id"] = self.sources[reported[1]]["parent"]["database_id"]
            if kind == "number":
                inner = {"format": "number"}
            if kind == "formula":
                inner = {"expression": "1 + 1"}
            if kind == "unique_id":
                inner = {"prefix": "T"}
            own = "title" if kind == "title" else f"p%3A{number}"
            made[label] = {"id": own, "name": label, "description": None, "type": kind, kind: inner}
        base = {
            "title": rich_text(text(name)), "description": [], "is_inline": False, "icon": None, "cover": None,
            "url": f"https://www.notion.so/{database.replace('-', '')}", "public_url": None, **stamps(),
        }  # fmt: skip
        workspace = {"type": "workspace", "workspace": True}
        parent = {"type": "database_id", "database_id": database}
        self.sources[source] = {
            "object": "data_source", "id": source, **base, "parent": parent, "database_parent": workspace,
            "properties": made,
        }  # fmt: skip
        reported = {k: v for k, v in base.items() if k not in ("created_by", "last_edited_by")}
        self.databases[database] = {
            "object": "database", "id": database, **reported, "parent": workspace, "is_locked": False,
            "data_sources": [{"id": source, "name": name}],
        }  # fmt: skip
        return source

    def row(self, source: str, properties: Mapping[str, Any]) -> str:
        """Add a row; values as the API takes them, a text for the title."""
        made = {k: {"title": text(v)} if isinstance(v, str) else v for k, v in properties.items()}
        parent = {"type": "data_source_id", "data_source_id": source}
        return str(self._page(parent, made, self.sources[source]["properties"])["id"])

    def rows(self, source: str) -> list[Thing]:
        """Return the pages of a database that are not in the trash, oldest first."""
        return [p for p in self.pages.values() if p["parent"].get("data_source_id") == source and not p["in_trash"]]

    def titles(self, source: str) -> list[str]:
        """Return the titles of a database's pages."""
        return [title(page) for page in self.rows(source)]

    def tree(self, parent: str) -> list[Any]:
        """Return the blocks below a page or block as [kind, words, children]."""
        result = []
        for block in (self.blocks[one] for one in self.below.get(parent, ())):
            inner = block[block["type"]]
            terms = "".join(part["plain_text"] for part in inner.get("rich_text", ())) or inner.get("title", "")
            terms = terms or inner.get("expression", "")
            result.append([block["type"], terms, self.tree(block["id"])])
        return result

    # -- HTTP

    def to(self, request: Request) -> Response:
        """Response a request, and do what it asks."""
        plan = next((plan for plan in self.plans if plan.accepts(request)), None)
        try:
            if plan:
                code = {409: "conflict_error", 429: "rate_limited", 529: "service_overload"}.get(plan.status)
                raise Refusal(plan.status, code or "internal_server_error", "Refused on purpose")
            if request.path == "/v1/oauth/token":
                return self.token(request)
            if request.headers.get("authorization") not in {f"Bearer {one}" for one in self.tokens}:
                raise Refusal(401, "unauthorized", "API token is invalid.")
            if request.headers.get("notion-version") != VERSION:
                raise Refusal(400, "missing_version", "Notion-Version header should be defined.")
            for method, pattern, handler in ROUTES:
                result = re.fullmatch(pattern, request.path)
                if result and method == request.method:
                    return Response.of(handler(self, request, *(plain_id(one) for one in result.groups())))
            raise Refusal(400, "invalid_request_url", "Invalid request URL.")
        except Refusal as refusal:
            return refusal.answer

    def token(self, request: Request) -> Response:
        """Exchange a refresh token, which then ends: https://developers.notion.com/reference/create-a-token"""
        basic = base64.b64encode(f"{CLIENT[0]}:{CLIENT[1]}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return Response.of({"error": "invalid_client"}, 401)
        if request.headers.get("content-type") != "application/json":
            return Response.of({"error": "invalid_request"}, 400)
        body = request.json()
        self.refreshed.append(body)
        if body != {"grant_type": "refresh_token", "refresh_token": self.refresh_token}:
            return Response.of({"error": "invalid_grant"}, 400)
        access, self.refresh_token = f"ntn_{len(self.refreshed)}", f"nrt_{len(self.refreshed)}"
        self.tokens.add(access)
        owner = {"type": "user", "user": {"object": "user", "id": BOT["id"]}}
        return Response.of({
            "access_token": access, "token_type": "bearer", "refresh_token": self.refresh_token, "bot_id": BOT["id"],
            "workspace_id": BOT["id"], "workspace_name": "Agence Zoé", "workspace_icon": None, "owner": owner,
            "duplicated_template_id": None,
        })  # fmt: skip

    def search(self, request: Request) -> Thing:
        body = request.json()
        things = [*self.sources.values(), *self.pages.values()]
        wanted = (body.get("filter") or {}).get("value")
        query = body.get("query", "").casefold()
        hits = [t for t in things if not wanted or t["object"] == wanted]
        hits = [t for t in hits if not t["in_trash"] and all(word in title(t).casefold() for word in query.split())]
        return paged(hits, body, "page_or_data_source")

    def get_source(self, request: Request, one: str) -> Thing:
        return there(self.sources, one, "data_source")

    def get_database(self, request: Request, one: str) -> Thing:
        return there(self.databases, one, "database")

    def query(self, request: Request, one: str) -> Thing:
        from .fake_filter import order, passes

        schema, body = there(self.sources, one, "data_source")["properties"], request.json()
        hits = [page for page in self.rows(one) if passes(page, body.get("filter"), schema)]
        return paged(order(hits, body.get("sorts") or ()), body, "page_or_data_source")

    def get_page(self, request: Request, one: str) -> Thing:
        return there(self.pages, one, "page")

    def create_page(self, request: Request) -> Thing:
        body = request.json()
        parent = body["parent"]
        if source := parent.get("data_source_id"):
            schema = there(self.sources, source, "data_source")["properties"]
        else:
            there(self.pages, parent["page_id"], "page")
            schema = {"title": {"id": "title", "type": "title"}}
        limits(body.get("children") or [])
        page = self._page(parent, body.get("properties") or {}, schema)
        self._put(page["id"], body.get("children") or [], {"type": "page_id", "page_id": page["id"]})
        return page

    def update_page(self, request: Request, one: str) -> Thing:
        page, body = there(self.pages, one, "page"), request.json()
        source = page["parent"].get("data_source_id")
        schema = self.sources[source]["properties"] if source else {"title": {"id": "title", "type": "title"}}
        page["properties"].update({k: self._value(schema, k, v) for k, v in (body.get("properties") or {}).items()})
        if "in_trash" in body:
            page["in_trash"] = page["archived"] = body["in_trash"]
        return page

    def children(self, request: Request, one: str) -> Thing:
        if one not in self.pages:
            there(self.blocks, one, "block")
        return paged([self.blocks[b] for b in self.below.get(one, ())], dict(request.query), "block")

    def append(self, request: Request, one: str) -> Thing:
        if one not in self.pages:
            there(self.blocks, one, "block")
        body = request.json()
        limits(body["children"])
        if "after" in body:
            raise invalid("body.after should be not present: use body.position")
        kind = "page_id" if one in self.pages else "block_id"
        at = self._position(one, body.get("position") or {"type": "end"})
        made = self._put(one, body["children"], {"type": kind, kind: one}, at)
        return {"object": "list", "results": made, "has_more": False, "next_cursor": None, "type": "block", "block": {}}

    def _position(self, parent: str, position: Thing) -> int:
        siblings = self.below.get(parent, [])
        if position["type"] == "after_block":
            before = plain_id(position["after_block"]["id"])
            if before not in siblings:
                raise invalid("position.after_block.id should be a child of the parent")
            return siblings.index(before) + 1
        return 0 if position["type"] == "start" else len(siblings)

    def update_block(self, request: Request, one: str) -> Thing:
        block, body = there(self.blocks, one, "block"), request.json()
        kind = block["type"]
        if kind not in body or block["in_trash"]:
            raise invalid(f"body.{kind} should be defined, and the block not in the trash")
        new = dict(body[kind])
        lengths(new.get("rich_text") or [])
        if "rich_text" in new:
            new["rich_text"] = rich_text(new["rich_text"])
        if "cells" in new:
            if len(new["cells"]) != len(block[kind]["cells"]):
                raise invalid("table_row.cells should be as many as the table's width")
            new["cells"] = [rich_text(cell) for cell in new["cells"]]
        block[kind] = {**block[kind], **new}
        return block

    def delete_block(self, request: Request, one: str) -> Thing:
        block = there(self.blocks, one, "block")
        if block["in_trash"]:
            raise invalid("the block is in the trash already")
        block["in_trash"] = block["archived"] = True
        for siblings in self.below.values():
            if one in siblings:
                siblings.remove(one)
        return block

    def move_page(self, request: Request, one: str) -> Thing:
        page, parent = there(self.pages, one, "page"), request.json()["parent"]
        title_text = title(page)
        for siblings in self.below.values():
            if one in siblings:
                siblings.remove(one)
        if source := parent.get("data_source_id"):
            schema = there(self.sources, source, "data_source")["properties"]
            known = {name: {**prop, "name": name} for name, prop in schema.items()}
            same = {
                name: page["properties"][name]
                for name, prop in schema.items()
                if page["properties"].get(name, {}).get("type") == prop["type"] != "title"
            }
            made = {name: {"id": prop["id"], **blank(prop["type"], self._last)} for name, prop in known.items()}
            own = next(name for name, prop in schema.items() if prop["type"] == "title")
            made = {**made, **same, own: self._value(known, own, {"title": text(title_text)})}
            parent = {**parent, "database_id": self.sources[source]["parent"]["database_id"]}
        else:
            there(self.pages, parent["page_id"], "page")
            made = {
                "title": self._value({"title": {"id": "title", "type": "title"}}, "title", {"title": text(title_text)})
            }
            child = {"type": "child_page", "child_page": {"title": title_text}}
            self._block(parent["page_id"], child, {"type": "page_id", "page_id": parent["page_id"]}, one)
        page["parent"], page["properties"] = parent, made
        return page

    def create_database(self, request: Request) -> Thing:
        body = request.json()
        there(self.pages, body["parent"]["page_id"], "page")
        columns = body["initial_data_source"]["properties"]
        if sum("title" in column for column in columns.values()) != 1:
            raise invalid("initial_data_source.properties should have one title")
        name = "".join(part["text"]["content"] for part in body["title"])
        source = self.database(name, {})
        database = self.sources[source]["parent"]["database_id"]
        self.databases[database]["parent"] = body["parent"]
        self.sources[source]["properties"] = {
            name: self._column(name, column, number) for number, (name, column) in enumerate(columns.items())
        }
        child = {"type": "child_database", "child_database": {"title": name}}
        self._block(body["parent"]["page_id"], child, body["parent"], database)
        return self.databases[database]

    def update_source(self, request: Request, one: str) -> Thing:
        source, body = there(self.sources, one, "data_source"), request.json()
        schema = source["properties"]
        if "title" in body:
            source["title"] = rich_text(body["title"])
        for name, change in (body.get("properties") or {}).items():
            if change is None:
                if schema[name]["type"] == "title":
                    raise invalid("the title cannot be removed")
                del schema[name]
                for page in self.rows(one):
                    page["properties"].pop(name, None)
                continue
            if name not in schema:
                schema[name] = self._column(name, change, len(schema) + 50)
                continue
            kind = schema[name]["type"]
            if kind in change:  # the options that are not named are gone
                held = {o["id"]: o for o in schema[name][kind]["options"]}
                schema[name][kind]["options"] = [
                    held[o["id"]] if "id" in o else option(o["name"], n) for n, o in enumerate(change[kind]["options"])
                ]
            if new := change.get("name"):
                schema[new] = {**schema.pop(name), "name": new}
                for page in self.rows(one):
                    page["properties"][new] = page["properties"].pop(name)
        return source

    def _column(self, name: str, column: Thing, number: int) -> Thing:
        (kind,) = [key for key in column if key not in ("name", "description", "type")]
        inner = column[kind]
        if "options" in inner or kind in ("select", "multi_select"):
            inner = {"options": [option(one["name"], n) for n, one in enumerate(inner.get("options") or [])]}
        if kind == "status":
            inner = status([one["name"] for one in inner.get("options") or [{"name": "Not started"}, {"name": "Done"}]])
        if kind == "relation":
            inner = {**inner, "database_id": there(self.sources, inner["data_source_id"], "x")["parent"]["database_id"]}
        own = "title" if kind == "title" else f"q%3A{number}"
        return {"id": own, "name": name, "description": None, "type": kind, kind: inner}

    def me(self, request: Request) -> Thing:
        owner: Thing = {"type": "workspace", "workspace": True}
        if self.owner:
            owner = {"type": "user", "user": next(who for who in self.people if who["id"] == self.owner)}
        limit = {"max_file_upload_size_in_bytes": 5242880}
        bot = {"owner": owner, "workspace_id": BOT["id"], "workspace_limits": limit, "workspace_name": "Agence Zoé"}
        return {**BOT, "type": "bot", "name": "Flotilla", "avatar_url": None, "bot": bot}

    def list_comments(self, request: Request) -> Thing:
        asked = dict(request.query)
        of_block = [c for c in self.comments if c["parent"][c["parent"]["type"]] == plain_id(asked["block_id"])]
        return paged(of_block, asked, "comment")

    def comment(self, request: Request) -> Thing:
        body = request.json()
        discussion = self.new_id()
        if "discussion_id" in body:
            discussion = plain_id(body["discussion_id"])
            first = next((c for c in self.comments if c["discussion_id"] == discussion), None)
            if first is None:
                raise Refusal(404, "object_not_found", f"Could not find discussion with ID: {discussion}.")
            body = {**body, "parent": first["parent"]}
        there(self.pages, body["parent"]["page_id"], "page")
        made = {
            "object": "comment", "id": self.new_id(), "discussion_id": discussion, "created_time": NOW,
            "last_edited_time": NOW, "created_by": BOT, "parent": {**body["parent"], "type": "page_id"},
            "rich_text": rich_text(body["rich_text"]),
            "display_name": {"type": "integration", "resolved_name": "Flotilla"},
        }  # fmt: skip
        self.comments.append(made)
        return made

    def users(self, request: Request) -> Thing:
        return paged(self.people, dict(request.query), "user")

    # -- what is kept

    def _page(self, parent: Thing, properties: Mapping[str, Any], schema: Mapping[str, Thing]) -> Thing:
        one = self.new_id()
        known = {name: {**reported, "name": name} for name, reported in schema.items()}
        made = {name: {"id": reported["id"], **blank(reported["type"], self._last)} for name, reported in known.items()}
        made |= {name: self._value(known, name, value) for name, value in properties.items()}
        if source := parent.get("data_source_id"):
            parent = {**parent, "database_id": self.sources[source]["parent"]["database_id"]}
        page = {
            "object": "page", "id": one, "parent": parent, "properties": made, "icon": None, "cover": None,
            "is_archived": False, "is_locked": False, "url": f"https://www.notion.so/{one.replace('-', '')}",
            "public_url": None, **stamps(),
        }  # fmt: skip
        self.pages[one] = page
        if parent.get("page_id"):
            child = {"type": "child_page", "child_page": {"title": title(page)}}
            self._block(parent["page_id"], child, {"type": "page_id", "page_id": parent["page_id"]}, one)
        return page

    def _value(self, schema: Mapping[str, Thing], name: str, value: Thing) -> Thing:
        result = next((n for n, reported in schema.items() if name in (n, reported["id"])), None)
        if result is None:
            raise invalid(f"{name} is not a property that exists")
        reported = schema[result]
        kind = reported["type"]
        if kind not in value or kind in ("formula", "created_time", "unique_id"):
            raise invalid(f"{name} is expected to be {kind}")
        inner = value[kind]
        if kind in ("title", "rich_text"):
            lengths(inner)
            inner = rich_text(inner)
        if kind in ("select", "status") and inner:
            inner = next(
                (o for o in reported[kind]["options"] if o["name"] == inner["name"]), option(inner["name"], 99)
            )
        if kind in ("select", "multi_select") and inner:  # names that are not there yet become options
            known = {o["name"] for o in reported[kind]["options"]}
            for one in [inner] if kind == "select" else inner:
                if "," in one["name"]:
                    raise invalid("option names should contain no comma")
                if one["name"] not in known:
                    reported[kind]["options"].append(option(one["name"], len(known)))
        if kind == "status" and inner and inner["name"] not in {o["name"] for o in reported[kind]["options"]}:
            raise invalid(f"{name} is not an option that exists")
        if kind == "multi_select":
            inner = [next(o for o in reported[kind]["options"] if o["name"] == one["name"]) for one in inner]
        if kind in ("select", "status") and inner:  # a value does not repeat the option's description
            inner = {k: v for k, v in inner.items() if k != "description"}
        if kind == "multi_select":
            inner = [{k: v for k, v in one.items() if k != "description"} for one in inner]
        if kind == "date" and inner:
            inner = {"end": None, "time_zone": None, **inner}
        if kind == "people":
            inner = [next(p for p in self.people if p["id"] == one["id"]) for one in inner]
        return {"id": reported["id"], "type": kind, kind: inner}

    def _put(self, parent: str, blocks: list[Thing], above: Thing, at: int | None = None) -> list[Thing]:
        made = []
        for number, block in enumerate(blocks):
            kind = block["type"]
            inner = {k: v for k, v in block[kind].items() if k != "children"}
            if "rich_text" in inner:
                inner = {"color": "default", **inner, "rich_text": rich_text(inner["rich_text"])}
            if kind == "paragraph":
                inner["icon"] = None
            if kind.startswith("heading"):
                inner["is_toggleable"] = False
            if kind == "code":
                inner = {"caption": [], **{k: v for k, v in inner.items() if k != "color"}}
            if kind == "table_row":
                inner = {"cells": [rich_text(cell) for cell in inner["cells"]]}
            if kind == "image":
                inner = {**inner, "caption": rich_text(inner.get("caption") or [])}
            if kind == "callout":
                inner = {"icon": None, **inner}
            saved = self._block(parent, {"type": kind, kind: inner}, above, at=None if at is None else at + number)
            under = self._put(
                saved["id"], block[kind].get("children") or [], {"type": "block_id", "block_id": saved["id"]}
            )
            saved["has_children"] = bool(under)
            made.append(saved)
        if parent in self.blocks:
            self.blocks[parent]["has_children"] = bool(self.below.get(parent))
        return made

    def _block(self, parent: str, block: Thing, above: Thing, own: str = "", at: int | None = None) -> Thing:
        one = own or self.new_id()
        self.blocks[one] = {"object": "block", "id": one, "parent": above, "has_children": False, **stamps(), **block}
        siblings = self.below.setdefault(parent, [])
        siblings.insert(len(siblings) if at is None else at, one)
        return self.blocks[one]


# -- shapes


def stamps() -> Thing:
    moments = {"created_time": NOW, "last_edited_time": NOW, "created_by": BOT, "last_edited_by": BOT}
    return {**moments, "in_trash": False, "archived": False}


def text(terms: str) -> list[Thing]:
    return [{"type": "text", "text": {"content": terms}}]


def rich_text(items: list[Thing]) -> list[Thing]:
    """Return rich text as it is answered: with all annotations and the plain text."""
    off = dict.fromkeys(("bold", "italic", "strikethrough", "underline", "code"), False)
    reported = []
    for item in items:
        looks = {**off, "color": "default", **item.get("annotations", {})}
        if item["type"] == "equation":
            terms = item["equation"]["expression"]
            reported.append({**item, "annotations": looks, "plain_text": terms, "href": None})
            continue
        if item["type"] == "mention":
            mention = item["mention"]
            if mention["type"] == "user":
                mention = {"type": "user", "user": {"object": "user", **mention["user"]}}
            reported.append({**item, "mention": mention, "annotations": looks, "plain_text": "@Marie", "href": None})
            continue
        link = item["text"].get("link")
        terms = item["text"]["content"]
        inner = {"content": terms, "link": link}
        reported.append({
            "type": "text", "text": inner, "annotations": looks, "plain_text": terms, "href": link and link["url"],
        })  # fmt: skip
    return reported


def option(name: str, number: int) -> Thing:
    return {"id": f"o{number}", "name": name, "color": "default", "description": None}


def status(names: list[str]) -> Thing:
    """Return a status property: its last option is the one that means done."""
    made = [option(one, n) for n, one in enumerate(names)]
    groups = [
        {"id": "g0", "name": "To-do", "color": "gray", "option_ids": [one["id"] for one in made[:-1]]},
        {"id": "g1", "name": "Complete", "color": "green", "option_ids": [one["id"] for one in made[-1:]]},
    ]
    return {"options": made, "groups": groups}


def blank(kind: str, number: int) -> Thing:
    """Return an empty value, or what Notion fills in."""
    lists = ("title", "rich_text", "multi_select", "people", "relation", "files")
    filled: Thing = {
        "checkbox": False, "created_time": NOW, "last_edited_time": NOW,
        "unique_id": {"prefix": "T", "number": number}, "formula": {"type": "number", "number": 2},
    }  # fmt: skip
    return {"type": kind, kind: [] if kind in lists else filled.get(kind)}


def title(thing: Thing) -> str:
    items = thing.get("title") or next(p["title"] for p in thing["properties"].values() if p["type"] == "title")
    return "".join(part["plain_text"] for part in items)


def plain_id(one: str) -> str:
    bare = one.replace("-", "").lower()
    return "-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:]))


def there(saved: Mapping[str, Thing], one: str, kind: str) -> Thing:
    if one not in saved:
        message = f"Could not find {kind} with ID: {one}. Make sure it is shared with your integration."
        raise Refusal(404, "object_not_found", message)
    return saved[one]


def paged(things: list[Thing], asked: Mapping[str, Any], kind: str) -> Thing:
    size, start = int(asked.get("page_size") or 100), int(str(asked.get("start_cursor") or "c0")[1:])
    more = start + size < len(things)
    return {
        "object": "list", "results": things[start : start + size], "has_more": more,
        "next_cursor": f"c{start + size}" if more else None, "type": kind, kind: {},
    }  # fmt: skip


def lengths(items: list[Thing]) -> None:
    if len(items) > 100:
        raise invalid("rich_text.length should be ≤ 100")
    if any(len(item["text"]["content"].encode("utf-16-le")) // 2 > 2000 for item in items if item["type"] == "text"):
        raise invalid("text.content.length should be ≤ 2000")
    if any(len(item["equation"]["expression"]) > 1000 for item in items if item["type"] == "equation"):
        raise invalid("equation.expression.length should be ≤ 1000")


def limits(blocks: list[Thing], level: int = 0) -> int:
    """Refuse what one request may not carry; return how many blocks there are."""
    if len(blocks) > 100:
        raise invalid("children.length should be ≤ 100")
    if level > 2 and blocks:
        raise invalid("children may be nested two levels deep")
    total = len(blocks)
    for block in blocks:
        inner = block[block["type"]]
        lengths(inner.get("rich_text") or [])
        for cell in inner.get("cells") or ():
            lengths(cell)
        if block["type"] == "table" and not inner.get("children"):
            raise invalid("table.children.length should be ≥ 1")
        total += limits(inner.get("children") or [], level + 1)
    if total > 1000:
        raise invalid("a request takes 1000 blocks")
    return total


ID = "([0-9a-fA-F-]{32,36})"
ROUTES: list[tuple[str, str, Callable[..., Thing]]] = [
    ("POST", "/v1/search", FakeNotion.search),
    ("GET", f"/v1/data_sources/{ID}", FakeNotion.get_source),
    ("POST", f"/v1/data_sources/{ID}/query", FakeNotion.query),
    ("GET", f"/v1/databases/{ID}", FakeNotion.get_database),
    ("POST", "/v1/pages", FakeNotion.create_page),
    ("GET", f"/v1/pages/{ID}", FakeNotion.get_page),
    ("PATCH", f"/v1/pages/{ID}", FakeNotion.update_page),
    ("GET", f"/v1/blocks/{ID}/children", FakeNotion.children),
    ("PATCH", f"/v1/blocks/{ID}/children", FakeNotion.append),
    ("GET", "/v1/comments", FakeNotion.list_comments),
    ("POST", "/v1/comments", FakeNotion.comment),
    ("GET", "/v1/users", FakeNotion.users),
    ("GET", "/v1/users/me", FakeNotion.me),
    ("PATCH", f"/v1/blocks/{ID}", FakeNotion.update_block),
    ("DELETE", f"/v1/blocks/{ID}", FakeNotion.delete_block),
    ("POST", f"/v1/pages/{ID}/move", FakeNotion.move_page),
    ("POST", "/v1/databases", FakeNotion.create_database),
    ("PATCH", f"/v1/data_sources/{ID}", FakeNotion.update_source),
]
