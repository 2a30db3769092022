"""A fake n8n that keeps state. The same tests run against it and against a real n8n 2.8.4 (see tests/real).

    with FakeN8n() as n8n:
        …
        assert n8n.workflows["2tUt1wbLX592XDdX"]["active"]

A workflow is run node by node from its Webhook node: a stopAndError node fails, a wait node never ends, every other
node passes on what it gets. `licensed` adds what needs a licence: variables and projects.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

KEY, API = "n8n-test-key", "/api/v1"
HOOK = "n8n-nodes-base.webhook"
STATUSES = ("canceled", "error", "running", "success", "waiting")
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of n8n."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = Response.of({"message": message}, status)


def now() -> str:
    """Return the time as n8n writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FakeN8n(Served, FakeApi):
    """One instance, whose owner has the API key KEY."""

    def __init__(self, licensed: bool = False) -> None:
        super().__init__()
        self.vendor, self.licensed = FakeVendor(self), licensed
        self.workflows: dict[str, Thing] = {}
        self.executions: dict[str, Thing] = {}
        self.tags: dict[str, Thing] = {}
        self.variables: dict[str, Thing] = {}
        self.projects: dict[str, Thing] = {"VmwOO9HeTEj20kxM": {"id": "VmwOO9HeTEj20kxM", "name": "Atelier"}}
        self.secret: tuple[str, str] | None = None  # the header that webhooks with headerAuth want
        self.hidden = False  # whether the key may not list executions
        self.called: list[Request] = []
        self._last = 0
        for method, path, handler in ROUTES:
            self.on(method, API + path, self._checked(handler))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            self.on(method, r"/webhook(?P<test>-test)?/(?P<path>.+)", self.webhook)

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"N8N_BASE_URL": self.vendor.url, "N8N_API_KEY": KEY}

    def key(self) -> str:
        """Return a new id."""
        self._last += 1
        return f"n8n{self._last:013d}"

    # -- the public API

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def answer(request: Request, **named: str) -> Response:
            sent = request.headers.get("x-n8n-api-key")
            if sent != KEY:
                return Refusal(401, "unauthorized" if sent else "'X-N8N-API-KEY' header required").answer
            try:
                return handler(self, request, **named)
            except Refusal as refused:
                return refused.answer

        return answer

    def _page(self, request: Request, rows: list[Thing], *known: str) -> Response:
        query = dict(request.query)
        for name in query:
            if name not in ("limit", "cursor", *known):
                raise Refusal(400, f"Unknown query parameter '{name}'")
        limit = int(query.get("limit", 100))
        if limit > 250:
            raise Refusal(400, "request/query/limit must be <= 250")
        if not query.get("cursor", "0").isdecimal():
            raise Refusal(400, "An invalid cursor was provided")
        start = int(query.get("cursor", 0))
        following = str(start + limit) if start + limit < len(rows) else None
        return Response.of({"data": rows[start : start + limit], "nextCursor": following})

    def _one(self, things: dict[str, Thing], key: str) -> Thing:
        if key not in things:
            raise Refusal(404, "Not Found")
        return things[key]

    def _body(self, request: Request) -> Thing:
        body: Thing = request.json()
        for name in ("name", "nodes", "connections", "settings"):
            if name not in body:
                raise Refusal(400, f"request/body must have required property '{name}'")
        for name in sorted(set(body) - {"name", "nodes", "connections", "settings", "staticData"}):
            raise Refusal(400, f"request/body/{name} is read-only")
        if "binaryMode" in body["settings"]:
            raise Refusal(400, "request/body/settings must NOT have additional properties")
        for node in body["nodes"]:
            if set(node) & {"createdAt", "updatedAt"}:
                raise Refusal(400, "request/body/nodes/0/createdAt is read-only")
        return body

    def list_workflows(self, request: Request) -> Response:
        """GET /workflows: a name is a part of it."""
        query = dict(request.query)
        rows = list(reversed(self.workflows.values()))
        rows = [one for one in rows if query.get("name", "").lower() in one["name"].lower()]
        if "active" in query:
            rows = [one for one in rows if one["active"] is (query["active"] == "true")]
        wanted = set(query["tags"].split(",")) if "tags" in query else set()
        rows = [one for one in rows if wanted <= {tag["name"] for tag in one["tags"]}]
        return self._page(request, rows, "name", "active", "tags", "projectId", "excludePinnedData")

    def create_workflow(self, request: Request) -> Response:
        """POST /workflows: never active."""
        body, key = self._body(request), self.key()
        body["nodes"] = [{**node, "id": node.get("id") or self.key()} for node in body["nodes"]]
        more = {"id": key, "active": False, "isArchived": False, "tags": [], "createdAt": now(), "updatedAt": now()}
        self.workflows[key] = {**body, **more, "versionId": self.key()}
        return Response.of({name: value for name, value in self.workflows[key].items() if name != "tags"})

    def get_workflow(self, request: Request, key: str) -> Response:
        """GET /workflows/{id}."""
        return Response.of(self._one(self.workflows, key))

    def update_workflow(self, request: Request, key: str) -> Response:
        """PUT /workflows/{id}: the whole workflow."""
        workflow = self._one(self.workflows, key)
        workflow |= {**self._body(request), "updatedAt": now(), "versionId": self.key()}
        return Response.of(workflow)

    def delete_workflow(self, request: Request, key: str) -> Response:
        """DELETE /workflows/{id}: its executions go too."""
        workflow = self._one(self.workflows, key)
        del self.workflows[key]
        self.executions = {k: one for k, one in self.executions.items() if one["workflowId"] != key}
        return Response.of(workflow)

    def activate(self, request: Request, key: str) -> Response:
        """POST /workflows/{id}/activate: it needs a trigger, and webhooks of its own."""
        workflow = self._one(self.workflows, key)
        if not any(node["type"] == HOOK or "rigger" in node["type"] for node in workflow["nodes"]):
            raise Refusal(400, "Workflow cannot be activated because it has no trigger node.")
        workflow["active"] = True
        return Response.of(workflow)

    def deactivate(self, request: Request, key: str) -> Response:
        """POST /workflows/{id}/deactivate."""
        workflow = self._one(self.workflows, key)
        workflow["active"] = False
        return Response.of(workflow)

    def set_tags(self, request: Request, key: str) -> Response:
        """PUT /workflows/{id}/tags: all tags, by id."""
        workflow = self._one(self.workflows, key)
        workflow["tags"] = [self._one(self.tags, one["id"]) for one in request.json()]
        return Response.of(workflow["tags"])

    def list_executions(self, request: Request) -> Response:
        """GET /executions: running ones only where the status asks for them."""
        if self.hidden:
            raise Refusal(403, "Forbidden")
        query = dict(request.query)
        status = query.get("status")
        if status and status not in STATUSES:
            raise Refusal(
                400, f"request/query/status must be equal to one of the allowed values: {', '.join(STATUSES)}"
            )
        rows = [self._short(one) for one in reversed(self.executions.values())]
        rows = [one for one in rows if (one["status"] == status if status else one["status"] != "running")]
        rows = [one for one in rows if query.get("workflowId", one["workflowId"]) == one["workflowId"]]
        return self._page(request, rows, "status", "workflowId", "projectId", "includeData")

    @staticmethod
    def _short(execution: Thing) -> Thing:
        return {name: value for name, value in execution.items() if name not in ("data", "workflowData")}

    def get_execution(self, request: Request, key: str) -> Response:
        """GET /executions/{id}."""
        execution = self._one(self.executions, key)
        return Response.of(execution if dict(request.query).get("includeData") == "true" else self._short(execution))

    def delete_execution(self, request: Request, key: str) -> Response:
        """DELETE /executions/{id}."""
        execution = self._one(self.executions, key)
        del self.executions[key]
        return Response.of(self._short(execution))

    def retry(self, request: Request, key: str) -> Response:
        """POST /executions/{id}/retry: answers when the new execution has ended; also of one that was retried."""
        if key not in self.executions:
            raise Refusal(404, f'The execution with the ID "{key}" does not exist.')
        old = self.executions[key]
        if old["status"] == "success":
            raise Refusal(400, "The execution succeeded, so it cannot be retried.")
        workflow = self.workflows[old["workflowId"]] if (request.json() or {}).get("loadWorkflow") else None
        item = next(iter(old["data"]["resultData"]["runData"].values()))[0]["data"]["main"][0][0]["json"]
        new = self.run(workflow or old["workflowData"], item, "retry")
        new["retryOf"] = key
        if new["status"] == "success":
            old["retrySuccessId"] = new["id"]
        return Response.of({**new, "retryOf": int(key)})

    def list_tags(self, request: Request) -> Response:
        """GET /tags."""
        return self._page(request, list(self.tags.values()))

    def create_tag(self, request: Request) -> Response:
        """POST /tags."""
        name, key = request.json()["name"], self.key()
        if any(tag["name"] == name for tag in self.tags.values()):
            raise Refusal(409, "Tag already exists")
        self.tags[key] = {"id": key, "name": name, "createdAt": now(), "updatedAt": now()}
        return Response.of(self.tags[key], 201)

    def _licence(self, feature: str) -> None:
        if not self.licensed:
            message = f"Your license does not allow for feat:{feature}. To enable feat:{feature}, please upgrade to a "
            raise Refusal(403, message + "license that supports this feature.")

    def list_variables(self, request: Request) -> Response:
        """GET /variables."""
        self._licence("variables")
        query = dict(request.query)
        rows = [
            one for one in self.variables.values() if query.get("projectId") in (None, one.get("project", {}).get("id"))
        ]
        return self._page(request, rows, "projectId")

    def create_variable(self, request: Request) -> Response:
        """POST /variables: answers with nothing."""
        self._licence("variables")
        body, key = request.json(), self.key()
        project = {"project": self._one(self.projects, body["projectId"])} if body.get("projectId") else {}
        self.variables[key] = {"id": key, "key": body["key"], "value": body["value"], "type": "string", **project}
        return Response(201)

    def update_variable(self, request: Request, key: str) -> Response:
        """PUT /variables/{id}."""
        self._licence("variables")
        self._one(self.variables, key)["value"] = request.json()["value"]
        return Response(204)

    def list_projects(self, request: Request) -> Response:
        """GET /projects."""
        self._licence("projectRole:admin")
        return self._page(request, list(self.projects.values()))

    def list_credentials(self, request: Request) -> Response:
        """GET /credentials."""
        return self._page(request, [])

    def schema(self, request: Request, kind: str) -> Response:
        """GET /credentials/schema/{type}."""
        if kind != "githubApi":
            raise Refusal(404, "Not Found")
        fields = {name: {"type": "string"} for name in ("server", "user", "accessToken")}
        return Response.of({"additionalProperties": False, "type": "object", "properties": fields, "required": []})

    # -- webhooks and runs

    def webhook(self, request: Request, test: str, path: str) -> Response:
        """Run the workflow whose webhook this is; a test webhook needs somebody who listens, which nobody does."""
        self.called.append(request)
        matches = [
            (workflow, node)
            for workflow in self.workflows.values()
            for node in workflow["nodes"]
            if node["type"] == HOOK and node["parameters"]["path"] == path and workflow["active"] and not test
        ]
        if not matches:
            return Response.of({"code": 404, "message": f'The requested webhook "{path}" is not registered.'}, 404)
        workflow, node = matches[0]
        if node["parameters"].get("httpMethod", "GET") != request.method:
            message = f"This webhook is not registered for {request.method} requests."
            return Response.of({"code": 404, "message": message}, 404)
        if node["parameters"].get("authentication") == "headerAuth":
            name, value = self.secret or ("", "")
            if request.headers.get(name.lower()) != value:
                return Response(403, b"Authorization data is wrong!", {"content-type": "text/html"})
        body = request.json() if request.body else {}
        item = {"headers": dict(request.headers), "params": {}, "query": dict(request.query), "body": body}
        item |= {"webhookUrl": request.url, "executionMode": "production"}
        execution = self.run(workflow, item, "webhook")
        if node["parameters"].get("responseMode", "onReceived") == "onReceived":
            return Response.of({"message": "Workflow was started"})
        if execution["status"] == "error":
            return Response.of({"message": "Error in workflow"}, 500)
        return Response.of(item)

    def run(self, workflow: Thing, item: Thing, mode: str) -> Thing:
        """Run a workflow, keep the execution and return it."""
        runs: dict[str, Any] = {}
        status, failure = "success", None
        node = next(one for one in workflow["nodes"] if one["type"] == HOOK)
        while node:
            run: Thing = {"startTime": len(runs), "executionTime": 10, "executionStatus": "success", "source": []}
            runs[node["name"]] = [run]
            if node["type"].endswith("stopAndError"):
                message = node["parameters"]["errorMessage"]
                failure = {"name": "NodeOperationError", "message": message, "messages": [], "node": node}
                status, run["executionStatus"], run["error"] = "error", "error", failure
                break
            if node["type"].endswith(".wait"):
                status = "running"
                break
            run["data"] = {"main": [[{"json": copy.deepcopy(item), "pairedItem": {"item": 0}}]]}
            targets = workflow["connections"].get(node["name"], {}).get("main", [[]])[0]
            node = next((one for one in workflow["nodes"] if targets and one["name"] == targets[0]["node"]), None)
        key = str(len(self.executions) + 1)
        result = {"runData": runs, "lastNodeExecuted": list(runs)[-1], **({"error": failure} if failure else {})}
        self.executions[key] = {
            "id": key,
            "finished": status == "success",
            "mode": mode,
            "retryOf": None,
            "retrySuccessId": None,
            "status": status,
            "startedAt": now(),
            "stoppedAt": None if status == "running" else now(),
            "workflowId": workflow["id"],
            "waitTill": None,
            "data": json.loads(json.dumps({"version": 1, "startData": {}, "resultData": result})),
            "workflowData": copy.deepcopy(workflow),
        }
        return self.executions[key]

    def to(self, request: Request) -> Response:
        """Answer; a route that n8n does not have is "not found", in small letters."""
        answer = super().to(request)
        unknown = answer.status == 404 and b"Nobody answers" in answer.body
        return Response.of({"message": "not found"}, 404) if unknown else answer


ID = r"(?P<key>[^/]+)"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("GET", "/workflows", FakeN8n.list_workflows),
    ("POST", "/workflows", FakeN8n.create_workflow),
    ("GET", f"/workflows/{ID}", FakeN8n.get_workflow),
    ("PUT", f"/workflows/{ID}", FakeN8n.update_workflow),
    ("DELETE", f"/workflows/{ID}", FakeN8n.delete_workflow),
    ("POST", f"/workflows/{ID}/activate", FakeN8n.activate),
    ("POST", f"/workflows/{ID}/deactivate", FakeN8n.deactivate),
    ("PUT", f"/workflows/{ID}/tags", FakeN8n.set_tags),
    ("GET", "/executions", FakeN8n.list_executions),
    ("GET", f"/executions/{ID}", FakeN8n.get_execution),
    ("DELETE", f"/executions/{ID}", FakeN8n.delete_execution),
    ("POST", f"/executions/{ID}/retry", FakeN8n.retry),
    ("GET", "/tags", FakeN8n.list_tags),
    ("POST", "/tags", FakeN8n.create_tag),
    ("GET", "/variables", FakeN8n.list_variables),
    ("POST", "/variables", FakeN8n.create_variable),
    ("PUT", f"/variables/{ID}", FakeN8n.update_variable),
    ("GET", "/projects", FakeN8n.list_projects),
    ("GET", "/credentials", FakeN8n.list_credentials),
    ("GET", "/credentials/schema/(?P<kind>[^/]+)", FakeN8n.schema),
]
