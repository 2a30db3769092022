"""A fake Make that keeps state, built to the SDK's types and as strict as the documentation.

    with FakeMake() as make:
        …
        assert make.scenarios[925]["isActive"]

Its user is in Europe/Paris, with one organization and the teams Atelier and Boutique. A run ends with what `ends` says
of its scenario; where `slow` names it, it never ends. A failed run is stored as an incomplete execution.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

KEY, HOME = "93e2ad3f-7a8b-4c1d-9e0f-2b4c6d8e0a1c", "https://eu1.make.com"
STATES = {"SUCCESS": 1, "WARNING": 2, "ERROR": 3, "RUNNING": 0}
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Make."""

    def __init__(self, status: int, message: str, detail: str = "", *more: str) -> None:
        super().__init__(message)
        body = {
            "message": message,
            "detail": detail,
            "code": f"IM{status}",
            "suberrors": [{"message": m} for m in more],
        }
        self.answer = Response.of({name: value for name, value in body.items() if value}, status)


class FakeMake(Served, FakeApi):
    """The account of Zoé."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.token = f"Token {KEY}"
        self.scenarios: dict[int, Thing] = {}
        self.inputs: dict[int, list[Thing]] = {}
        self.ends: dict[int, str] = {}  # how a run of a scenario ends: SUCCESS without it
        self.slow: set[int] = set()  # scenarios whose runs never end
        self.logs: dict[int, list[Thing]] = {}
        self.incomplete: dict[str, Thing] = {}  # failed runs that can be retried
        self.hooks: dict[int, Thing] = {}
        self.stores: dict[int, Thing] = {}
        self.records: dict[int, dict[str, Thing]] = {}
        self.ran: list[Thing] = []  # the data of each run
        self._last = 900
        self.add("Relance des factures", inputs=[{"name": "client", "type": "text", "required": True, "default": None}])
        commande = self.add("Nouvelle commande", scheduling={"type": "immediately"})
        self.hook("Commandes du site", commande)
        self.add("Sauvegarde", team=216, active=False, isinvalid=True)
        self.stores[137] = {"id": 137, "name": "Clients", "size": "512", "maxSize": "1048576", "teamId": 215}
        self.records[137] = {"k1": {"nom": "Dupont", "montant": 1250.5}}
        for method, path, handler in ROUTES:
            self.on(method, f"/api/v2{path}", self._checked(handler))
        self.on("POST", "/(?P<udid>[a-z0-9]{32})", self.webhook)

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {
            "MAKE_ZONE": "eu1",
            "MAKE_API_KEY": KEY,
            "MAKE_BASE_URL": self.vendor.url,
            "MAKE_HOOKS_URL": self.vendor.url,
        }

    # -- what a test puts in

    def key(self) -> int:
        """Return a new number."""
        self._last += 1
        return self._last

    def add(
        self,
        name: str,
        *,
        team: int = 215,
        active: bool = True,
        scheduling: Thing | None = None,
        inputs: list[Thing] | None = None,
        **more: Any,
    ) -> int:
        """Add a scenario; returns its id."""
        number = self.key()
        usual = {"hookId": None, "isinvalid": False, "isPaused": False, "dlqCount": 0, "nextExec": None}
        self.scenarios[number] = {
            **usual,
            "id": number,
            "name": name,
            "teamId": team,
            "isActive": active,
            "scheduling": scheduling or {"type": "on-demand"},
            "lastEdit": "2026-09-22T06:40:56.692Z",
            **more,
        }
        self.inputs[number], self.logs[number] = inputs or [], []
        return number

    def hook(self, name: str, scenario: int | None, **more: Any) -> int:
        """Add a webhook of the team Atelier; returns its id."""
        number = self.key()
        udid = f"{number:032d}"
        self.hooks[number] = {
            "id": number,
            "name": name,
            "teamId": 215,
            "udid": udid,
            "type": "web",
            "typeName": "gateway-webhook",
            "enabled": True,
            "gone": False,
            "queueCount": 0,
            "scenarioId": scenario,
            **more,
        }
        if scenario:
            self.scenarios[scenario]["hookId"] = number
        return number

    def run(self, scenario: int, data: Thing) -> str:
        """Run a scenario; returns the id of the execution."""
        self.ran.append(data)
        execution = f"{self.key():032x}"
        state = "RUNNING" if scenario in self.slow else self.ends.get(scenario, "SUCCESS")
        log = {
            "id": execution,
            "imtId": f"{self._last}_scenario.{scenario}",
            "status": STATES[state],
            "duration": 1500,
            "operations": 3,
            "centicredits": 300,
            "type": "manual",
            "timestamp": "2026-09-23T04:35:44.497Z",
        }
        self.logs[scenario].insert(0, log)
        if state == "ERROR":
            self.incomplete[f"d{execution[1:]}"] = {
                "id": f"d{execution[1:]}",
                "scenarioId": scenario,
                "reason": "Le serveur de mail refuse le mot de passe.",
                "created": "2026-09-23T04:36:00.000Z",
                "executionId": execution,
                "resolved": False,
                "retry": False,
                "attempts": 0,
            }
            self.scenarios[scenario]["dlqCount"] += 1
        return execution

    # -- how it answers

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def answer(request: Request, **named: str) -> Response:
            if request.headers.get("authorization") != self.token:
                return Refusal(401, "Access denied.").answer
            try:
                return handler(
                    self, request, **{name: int(v) if v.isdecimal() and len(v) < 9 else v for name, v in named.items()}
                )
            except Refusal as refused:
                return refused.answer

        return answer

    def _one(self, things: dict[Any, Thing], key: Any, kind: str) -> Thing:
        if key not in things:
            raise Refusal(404, "Not found", f"The {kind} was not found.")
        return things[key]

    def _page(self, request: Request, name: str, rows: list[Thing], **more: Any) -> Response:
        query = dict(request.query)
        limit, offset = int(query.get("pg[limit]", 10_000)), int(query.get("pg[offset]", 0))
        return Response.of({name: rows[offset : offset + limit], **more, "pg": {"limit": limit, "offset": offset}})

    def me(self, request: Request) -> Response:
        """GET /users/me."""
        return Response.of({"authUser": {"id": 11, "name": "Zoé Lefèvre", "timezone": "Europe/Paris"}})

    def organizations(self, request: Request) -> Response:
        """GET /organizations."""
        return self._page(request, "organizations", [{"id": 5, "name": "Atelier Lefèvre", "timezoneId": 113}])

    def organization(self, request: Request) -> Response:
        """GET /organizations/5."""
        return Response.of({"organization": {"id": 5, "name": "Atelier Lefèvre", "license": {"operations": 10_000}}})

    def teams(self, request: Request) -> Response:
        """GET /teams: of one organization."""
        if dict(request.query).get("organizationId") != "5":
            raise Refusal(400, "Bad Request", "Validation failed.", "organizationId is needed")
        rows = [
            {"id": 215, "name": "Atelier", "organizationId": 5},
            {"id": 216, "name": "Boutique", "organizationId": 5},
        ]
        return self._page(request, "teams", rows)

    def usage(self, request: Request) -> Response:
        """GET …/usage."""
        day = {"date": "2026-09-23", "operations": 120, "dataTransfer": 67_890, "centicredits": 12_050}
        return Response.of({"data": [day, {**day, "date": "2026-09-22", "operations": 80}]})

    def list_scenarios(self, request: Request) -> Response:
        """GET /scenarios: of a team or of an organization."""
        query = dict(request.query)
        if not {"teamId", "organizationId"} & set(query):
            raise Refusal(400, "Bad Request", "Validation failed.", "teamId or organizationId is needed")
        rows = [one for one in self.scenarios.values() if query.get("teamId", str(one["teamId"])) == str(one["teamId"])]
        return self._page(request, "scenarios", rows)

    def create_scenario(self, request: Request) -> Response:
        """POST /scenarios: blueprint and scheduling are JSON as text."""
        body = request.json()
        if dict(request.query).get("confirmed") != "true":
            raise Refusal(400, "Bad Request", "Needs a confirmation.")
        if not isinstance(body["blueprint"], str) or not isinstance(body["scheduling"], str):
            raise Refusal(400, "Bad Request", "Validation failed.", "blueprint must be a string")
        plan = json.loads(body["blueprint"])
        schedule = json.loads(body["scheduling"])
        number = self.add(plan["name"], team=body["teamId"], active=False, scheduling=schedule)
        return Response.of({"scenario": self.scenarios[number]})

    def get_scenario(self, request: Request, key: int) -> Response:
        """GET /scenarios/{id}."""
        return Response.of({"scenario": self._one(self.scenarios, key, "scenario")})

    def interface(self, request: Request, key: int) -> Response:
        """GET /scenarios/{id}/interface: null where there are no inputs."""
        return Response.of({"interface": {"input": self.inputs[key] or None, "output": None}})

    def blueprint(self, request: Request, key: int) -> Response:
        """GET /scenarios/{id}/blueprint."""
        flow = [{"id": 1, "module": "datastore:SearchRecord"}, {"id": 2, "module": "email:ActionSendEmail"}]
        plan = {"name": self.scenarios[key]["name"], "flow": flow, "metadata": {"version": 1}}
        return Response.of({"code": "OK", "response": {"blueprint": plan}})

    def switch(self, request: Request, key: int, action: str) -> Response:
        """POST /scenarios/{id}/start or stop."""
        self._one(self.scenarios, key, "scenario")["isActive"] = action == "start"
        return Response.of({"scenario": {"id": key, "isActive": action == "start"}})

    def start_run(self, request: Request, key: int) -> Response:
        """POST /scenarios/{id}/run: the scenario must be active, and have its required inputs."""
        scenario, body = self._one(self.scenarios, key, "scenario"), request.json()
        if not scenario["isActive"]:
            raise Refusal(400, "Bad Request", "Scenario is not active.")
        lacking = [one["name"] for one in self.inputs[key] if one["required"] and one["name"] not in body["data"]]
        if lacking:
            raise Refusal(
                400, "Bad Request", "Validation failed.", f"Missing value of required parameter '{lacking[0]}'."
            )
        return Response.of({"executionId": self.run(key, body["data"])})

    def list_logs(self, request: Request, key: int) -> Response:
        """GET /scenarios/{id}/logs: newest first."""
        query = dict(request.query)
        rows = [one for one in self.logs[key] if query.get("status", str(one["status"])) == str(one["status"])]
        return self._page(request, "scenarioLogs", rows)

    def log(self, request: Request, key: int, execution: str) -> Response:
        """GET /scenarios/{id}/logs/{execution}."""
        by_id = {one["id"]: one for one in self.logs[key]}
        return Response.of({"scenarioLog": self._one(by_id, str(execution), "execution")})

    def result(self, request: Request, key: int, execution: str) -> Response:
        """GET /scenarios/{id}/executions/{execution}."""
        by_id = {one["id"]: one for one in self.logs[key]}
        number = self._one(by_id, str(execution), "execution")["status"]
        state = next(name for name, value in STATES.items() if value == number)
        answer: Thing = {"status": state}
        if state == "SUCCESS":
            answer["outputs"] = {"envoyes": 3}
        if state == "ERROR":
            cause = {"name": "Send an email", "appName": "Email"}
            message = "Le serveur de mail refuse le mot de passe."
            answer["error"] = {"name": "ConnectionError", "message": message, "causeModule": cause}
        return Response.of(answer)

    def list_kept(self, request: Request) -> Response:
        """GET /dlqs: of one scenario."""
        wanted = dict(request.query)["scenarioId"]
        return Response.of({"dlqs": [one for one in self.incomplete.values() if str(one["scenarioId"]) == wanted]})

    def get_kept(self, request: Request, key: str) -> Response:
        """GET /dlqs/{id}."""
        return Response.of({"dlq": self._one(self.incomplete, key, "incomplete execution")})

    def retry(self, request: Request, key: str) -> Response:
        """POST /dlqs/{id}/retry: it is resolved where its scenario succeeds now."""
        row = self._one(self.incomplete, key, "incomplete execution")
        row["attempts"] += 1
        row["resolved"] = self.ends.get(row["scenarioId"], "SUCCESS") == "SUCCESS"
        return Response.of({"dlq": key})

    def list_hooks(self, request: Request) -> Response:
        """GET /hooks: of one team."""
        wanted = dict(request.query)["teamId"]
        rows = [one for one in self.hooks.values() if str(one["teamId"]) == wanted]
        return self._page(request, "hooks", [{**one, "url": f"{self.vendor.url}/{one['udid']}"} for one in rows])

    def webhook(self, request: Request, udid: str) -> Response:
        """Take a call, and run the scenario where it is active."""
        hook = next((one for one in self.hooks.values() if one["udid"] == udid), None)
        assert "authorization" not in request.headers, "a webhook gets no key"
        if hook is None or hook["gone"]:
            return Response(410, b"There is no scenario listening for this webhook.")
        scenario = self.scenarios.get(hook["scenarioId"] or 0)
        if scenario and scenario["isActive"]:
            self.run(scenario["id"], request.json())
        else:
            hook["queueCount"] += 1
        return Response(200, b"Accepted")

    def list_stores(self, request: Request) -> Response:
        """GET /data-stores: of one team."""
        wanted = dict(request.query)["teamId"]
        rows = [
            {**one, "records": len(self.records[n])} for n, one in self.stores.items() if str(one["teamId"]) == wanted
        ]
        return self._page(request, "dataStores", rows)

    def get_store(self, request: Request, key: int) -> Response:
        """GET /data-stores/{id}."""
        return Response.of({"dataStore": self._one(self.stores, key, "data store")})

    def list_records(self, request: Request, key: int) -> Response:
        """GET /data-stores/{id}/data."""
        rows = [{"key": name, "data": data} for name, data in self.records[key].items()]
        return self._page(request, "records", rows, count=len(rows))

    def add_record(self, request: Request, key: int) -> Response:
        """POST /data-stores/{id}/data."""
        body = request.json()
        name = body.get("key") or f"k{self.key()}"
        if name in self.records[key]:
            raise Refusal(400, "Bad Request", "Key already exists.")
        self.records[key][name] = body["data"]
        return Response.of({"key": name, "data": body["data"]})

    def update_record(self, request: Request, key: int, record: str) -> Response:
        """PATCH /data-stores/{id}/data/{key}: fields that are not named stay."""
        data = self._one(self.records[key], str(record), "record")
        data |= request.json()
        return Response.of({"key": str(record), "data": data})

    def delete_records(self, request: Request, key: int) -> Response:
        """DELETE /data-stores/{id}/data: with the keys in the body."""
        if dict(request.query).get("confirmed") != "true":
            raise Refusal(400, "Bad Request", "Needs a confirmation.")
        for name in request.json()["keys"]:
            self.records[key].pop(name, None)
        return Response.of({"keys": request.json()["keys"]})

    def connections(self, request: Request) -> Response:
        """GET /connections: of one team."""
        row = {"id": 2, "name": "Mails", "accountLabel": "Google", "accountType": "oauth", "teamId": 215}
        return Response.of({"connections": [{**row, "metadata": {"type": "email", "value": "zoe@atelier.example"}}]})


ID, EXECUTION = r"(?P<key>[^/]+)", "(?P<execution>[^/]+)"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("GET", "/users/me", FakeMake.me),
    ("GET", "/organizations", FakeMake.organizations),
    ("GET", "/organizations/5", FakeMake.organization),
    ("GET", "/organizations/5/usage", FakeMake.usage),
    ("GET", "/teams", FakeMake.teams),
    ("GET", "/teams/21[56]/usage", FakeMake.usage),
    ("GET", "/scenarios", FakeMake.list_scenarios),
    ("POST", "/scenarios", FakeMake.create_scenario),
    ("GET", f"/scenarios/{ID}", FakeMake.get_scenario),
    ("GET", f"/scenarios/{ID}/interface", FakeMake.interface),
    ("GET", f"/scenarios/{ID}/blueprint", FakeMake.blueprint),
    ("POST", f"/scenarios/{ID}/(?P<action>start|stop)", FakeMake.switch),
    ("POST", f"/scenarios/{ID}/run", FakeMake.start_run),
    ("GET", f"/scenarios/{ID}/logs", FakeMake.list_logs),
    ("GET", f"/scenarios/{ID}/logs/{EXECUTION}", FakeMake.log),
    ("GET", f"/scenarios/{ID}/executions/{EXECUTION}", FakeMake.result),
    ("GET", "/dlqs", FakeMake.list_kept),
    ("GET", f"/dlqs/{ID}", FakeMake.get_kept),
    ("POST", f"/dlqs/{ID}/retry", FakeMake.retry),
    ("GET", "/hooks", FakeMake.list_hooks),
    ("GET", "/data-stores", FakeMake.list_stores),
    ("GET", f"/data-stores/{ID}", FakeMake.get_store),
    ("GET", f"/data-stores/{ID}/data", FakeMake.list_records),
    ("POST", f"/data-stores/{ID}/data", FakeMake.add_record),
    ("DELETE", f"/data-stores/{ID}/data", FakeMake.delete_records),
    ("PATCH", f"/data-stores/{ID}/data/(?P<record>[^/]+)", FakeMake.update_record),
    ("GET", "/connections", FakeMake.connections),
]
