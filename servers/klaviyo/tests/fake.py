"""A fake Klaviyo that keeps state, built to the published contract and at least as strict.

    with FakeKlaviyo() as klaviyo:
        …
        assert klaviyo.members["LnEws1"] == [klaviyo.id_of("jean@exemple.fr")]

Its account is in Europe/Paris. It wants the revision header, the media type of JSON:API, types and ids that agree,
filters of the fields and operators that each endpoint has, and page sizes that it allows. What Klaviyo does some
seconds later (a subscription, a deletion) it does at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

KEY, HOME, JSON_API = "pk_test_key", "https://a.klaviyo.com", "application/vnd.api+json"
Thing = dict[str, Any]
# What may be filtered, by the list that is asked for: https://developers.klaviyo.com/en/reference
FILTERS: dict[str, dict[str, set[str]]] = {
    "profiles": {
        **{name: {"equals", "any"} for name in ("id", "email", "phone_number", "external_id")},
        **{name: {"greater-than", "less-than"} for name in ("created", "updated")},
    },
    "lists": {"name": {"equals", "any"}, "id": {"equals", "any"}},
    "segments": {"name": {"equals", "any"}, "id": {"equals", "any"}},
    "members": {
        "email": {"equals", "any"},
        "phone_number": {"equals", "any"},
        "joined_group_at": {"greater-or-equal", "greater-than", "less-or-equal", "less-than"},
    },
    "events": {
        "profile_id": {"equals"},
        "metric_id": {"equals"},
        "datetime": {"greater-or-equal", "greater-than", "less-or-equal", "less-than"},
    },
    "campaigns": {"messages.channel": {"equals"}, "name": {"contains"}, "status": {"equals", "any"}, "id": {"any"}},
    "templates": {"id": {"equals", "any"}, "name": {"equals", "any", "contains"}},
    "flows": {
        "name": {"equals", "contains", "starts-with", "ends-with"},
        "status": {"equals"},
        "archived": {"equals"},
    },
    "metrics": {},
}
SIZES = {"profiles": 100, "members": 100, "lists": 10, "segments": 10, "events": 1000, "campaigns": 100}
SIZES |= {"templates": 10, "flows": 50, "metrics": 0}


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Klaviyo."""

    def __init__(self, status: int, code: str, detail: str, pointer: str = "/data/", **meta: str) -> None:
        super().__init__(detail)
        row = {"id": "e1", "status": status, "code": code, "title": code, "detail": detail, "links": {}, "meta": meta}
        self.answer = Response.of({"errors": [{**row, "source": {"pointer": pointer}}]}, status)


def invalid(detail: str, pointer: str = "/data/") -> Refusal:
    """Return the refusal of a request that is not valid."""
    return Refusal(400, "invalid", detail, pointer)


def answer(data: Any, status: int = 200, links: Thing | None = None, **more: Any) -> Response:
    """Return a JSON:API document."""
    body = {"data": data, "links": {"self": f"{HOME}/api/", **(links or {})}, **more}
    return Response.of(body, status, {"content-type": JSON_API})


def conditions(text: str) -> list[tuple[str, str, Any]]:
    """Return the conditions of a filter: operator, field and value."""
    whole = re.fullmatch(r"and\((.*)\)", text)
    text, result = whole[1] if whole else text, []
    one = re.compile(r'([a-z-]+)\(([\w.]+),("(?:[^"\\]|\\.)*"|\[[^]]*\]|[^(),"\[\]]+)\)(?:,|$)')
    while text:
        match = one.match(text)
        if not match:
            raise invalid(f"The filter cannot be read at {text}", "filter")
        result.append((match[1], match[2], value_of(match[3])))
        text = text[match.end() :]
    return result


def value_of(text: str) -> Any:
    """Return a value of a filter."""
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text.startswith("["):
        return [value_of(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', text)]
    return {"true": True, "false": False}.get(text) if text in ("true", "false") else datetime.fromisoformat(text)


def fits(operator: str, have: Any, wanted: Any) -> bool:
    """Tell whether a value meets a condition."""
    if isinstance(wanted, datetime):
        moment = datetime.fromisoformat(have)
        return {
            "greater-or-equal": moment >= wanted,
            "greater-than": moment > wanted,
            "less-or-equal": moment <= wanted,
            "less-than": moment < wanted,
        }[operator]
    if operator == "any":
        return have in wanted
    if operator == "contains":
        return str(wanted).lower() in str(have).lower()
    return bool(have == wanted)


class FakeKlaviyo(Served, FakeApi):
    """The account of the Atelier Lefèvre."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.profiles: dict[str, Thing] = {}
        self.members: dict[str, dict[str, str]] = {}  # by list or segment: profile and when it joined
        self.lists: dict[str, Thing] = {}
        self.segments: dict[str, Thing] = {}
        self.metrics: dict[str, Thing] = {}
        self.flows: dict[str, Thing] = {}
        self.triggers: dict[str, list[str]] = {}  # by list or metric: flows
        self.events: list[Thing] = []
        self.campaigns: dict[str, Thing] = {}
        self.messages: dict[str, Thing] = {}
        self.templates: dict[str, Thing] = {}
        self.sources: list[str] = []  # how people agreed
        self.merged: list[tuple[str, str]] = []
        self.polls = 0  # times that an estimation says it is not complete yet
        self.forbidden: set[str] = set()  # paths that the key may not read
        self.revision = ""
        self._last = 0
        for name, opt_in in (("Newsletter", "double_opt_in"), ("VIP", "single_opt_in")):
            self.add_list(name, opt_in)
        self.segments["Seng01"] = {"name": "Clients fidèles", "is_active": True, "created": None, "updated": None}
        self.members["Seng01"] = {}
        for name in ("Placed Order", "Opened Email", "Visite du showroom"):
            self.metrics[self.key("M", 6)] = {"name": name, "integration": {"name": "Shopify"}}
        self.templates["TmpL01"] = {"name": "Soldes d’été", "editor_type": "CODE", "html": "<p>Bonjour {{ name }}</p>"}
        for method, path, handler in ROUTES:
            self.on(method, path, self._checked(handler))

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"KLAVIYO_API_KEY": KEY, "KLAVIYO_BASE_URL": self.vendor.url}

    @property
    def writes(self) -> list[Request]:
        """What arrived and changed something."""
        asking = ("estimation-jobs", "template-render", "aggregates", "reports")
        return [one for one in self.vendor.requests if one.method != "GET" and not one.path.endswith(asking)]

    # -- what a test puts in

    def key(self, prefix: str, length: int = 26) -> str:
        """Return a new id."""
        self._last += 1
        return f"{prefix}{self._last:0{length - len(prefix)}d}"

    def add_list(self, name: str, opt_in: str = "single_opt_in") -> str:
        """Add a list, and return its id."""
        key = self.key("L", 6)
        self.lists[key] = {"name": name, "opt_in_process": opt_in, "created": None, "updated": None}
        self.members[key] = {}
        return key

    def add_person(self, email: str | None = None, phone: str | None = None, **more: Any) -> str:
        """Add a profile, and return its id."""
        key = self.key("01J0")
        self.profiles[key] = {
            "email": email,
            "phone_number": phone,
            "first_name": None,
            "last_name": None,
            "created": "2030-01-01T00:00:00+00:00",
            "properties": {},
            "consent": {"email": "NEVER_SUBSCRIBED", "sms": "NEVER_SUBSCRIBED"},
            **more,
        }
        return key

    def add_event(self, person: str, metric: str, at: str, **properties: Any) -> None:
        """Add an event of a profile."""
        event = {"profile": person, "metric": self.metric(metric), "datetime": at, "event_properties": properties}
        self.events.append({"id": self.key("5e", 8), **event})

    def add_flow(self, name: str, trigger: str, status: str = "live") -> str:
        """Add a flow that a list or metric starts, and return its id."""
        key = self.key("F", 6)
        self.flows[key] = {"name": name, "status": status, "archived": False, "trigger_type": "Added to List"}
        self.triggers.setdefault(trigger, []).append(key)
        return key

    def add_campaign(self, name: str, lists: list[str], *, status: str = "Draft", subject: str = "Soldes") -> str:
        """Add an e-mail campaign with a template, and return its id."""
        key, message = self.key("01J1"), self.key("01J2")
        content = {"subject": subject, "preview_text": None, "from_email": "bonjour@atelier.example"}
        definition = {"channel": "email", "label": None, "content": content}
        self.messages[message] = {"campaign": key, "definition": definition, "template": "TmpL01"}
        self.campaigns[key] = {
            "name": name,
            "status": status,
            "archived": False,
            "audiences": {"included": lists, "excluded": []},
            "send_options": {"use_smart_sending": True},
            "send_strategy": {"method": "static", "datetime": "2030-06-04T07:00:00+00:00"},
            "created_at": "2030-01-01T00:00:00+00:00",
            "updated_at": "2030-01-01T00:00:00+00:00",
            "scheduled_at": None,
            "send_time": None,
        }
        return key

    def id_of(self, address: str) -> str:
        """Return the profile with an e-mail address or phone number."""
        return next(k for k, one in self.profiles.items() if address in (one["email"], one["phone_number"]))

    def metric(self, name: str) -> str:
        """Return the id of a metric."""
        return next(key for key, one in self.metrics.items() if one["name"] == name)

    # -- how it answers

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def respond(request: Request, **named: str) -> Response:
            try:
                self._check(request, named.get("key"))
                return handler(self, request, **named)
            except Refusal as refused:
                return refused.answer

        return respond

    def _check(self, request: Request, key: str | None) -> None:
        self.revision = request.headers.get("revision", "")
        if request.headers.get("authorization") != f"Klaviyo-API-Key {KEY}":
            raise Refusal(401, "authentication_failed", "The API key is not valid.")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", self.revision):
            raise invalid("The revision header is missing.")
        if any(request.path.endswith(path) for path in self.forbidden):
            raise Refusal(403, "permission_denied", "The key lacks a scope.")
        if request.method == "GET":
            return
        if request.headers.get("content-type") != JSON_API:
            raise Refusal(415, "unsupported_media_type", "The media type is not that of JSON:API.")
        data = request.json()["data"]
        if request.method == "PATCH" and data.get("id") != key:
            raise invalid("The id does not agree with the address.", "/data/id")

    def _page(self, request: Request, of: str, rows: list[tuple[Thing, Thing]], **more: Any) -> Response:
        """Answer with one page of resources, each with the values that filters see."""
        query = dict(request.query)
        size, largest = int(query.get("page[size]", min(20, SIZES[of] or 200))), SIZES[of]
        if "page[size]" in query and not 1 <= size <= largest:
            raise invalid(f"page[size] must be between 1 and {largest}", "page[size]")
        wanted = conditions(query["filter"]) if "filter" in query else []
        for operator, field, _ in wanted:
            if operator not in FILTERS[of].get(field, set()):
                raise invalid(f"{operator}({field}) is not a filter of {of}", "filter")
        if of == "campaigns" and not any(field == "messages.channel" for _, field, _ in wanted):
            raise invalid("A filter of messages.channel is needed.", "filter")
        fitting = [shown for shown, seen in rows if all(fits(op, seen.get(field), v) for op, field, v in wanted)]
        start = int(query.get("page[cursor]", 0))
        links = {}
        if start + size < len(fitting):
            links["next"] = f"{HOME}{request.path}?page%5Bcursor%5D={start + size}"
        return answer(fitting[start : start + size], links=links, **more)

    def _resource(self, kind: str, key: str, attributes: Thing, **related: Any) -> Thing:
        links = {"self": f"{HOME}/api/{kind}s/{key}"}
        result = {"type": kind, "id": key, "attributes": attributes, "links": links}
        if related:
            both = {"self": links["self"], "related": links["self"]}
            result["relationships"] = {n.replace("_", "-"): {"data": d, "links": both} for n, d in related.items()}
        return result

    def _one(self, things: dict[str, Thing], key: str) -> Thing:
        if key not in things:
            raise Refusal(404, "not_found", "A resource with this id does not exist.")
        return things[key]

    def _data(self, request: Request, kind: str) -> Thing:
        data: Thing = request.json()["data"]
        if data.get("type") != kind:
            raise invalid(f"The type must be {kind}.", "/data/type")
        return data

    def accounts(self, request: Request) -> Response:
        contact = {
            "default_sender_name": "Atelier Lefèvre",
            "default_sender_email": "bonjour@atelier.example",
            "organization_name": "Atelier Lefèvre",
            "street_address": {},
        }
        zone = {"timezone": "Europe/Paris", "preferred_currency": "EUR", "public_api_key": "AbC123", "locale": "fr-FR"}
        return answer(
            [self._resource("account", "AbC123", {"test_account": False, "contact_information": contact, **zone})]
        )

    def profile(self, key: str, joined: str | None = None, details: bool = True) -> Thing:
        """Return a profile as a resource."""
        result = self._one(self.profiles, key)
        attributes = {name: value for name, value in result.items() if name not in ("consent", "suppression")}
        if joined:
            attributes["joined_group_at"] = joined
        if details:
            marketing: Thing = {
                channel: {f"can_receive_{channel}_marketing": True, "consent": result["consent"][channel]}
                for channel in ("email", "sms")
            }
            marketing["email"]["suppression"] = result.get("suppression", [])
            attributes["subscriptions"] = {channel: {"marketing": one} for channel, one in marketing.items()}
        return self._resource("profile", key, attributes)

    def get_profiles(self, request: Request) -> Response:
        details = "subscriptions" in dict(request.query).get("additional-fields[profile]", "")
        rows = [(self.profile(key, details=details), {**one, "id": key}) for key, one in self.profiles.items()]
        return self._page(request, "profiles", rows)

    def get_profile(self, request: Request, key: str) -> Response:
        return answer(self.profile(key))

    def lists_of(self, request: Request, key: str) -> Response:
        self._one(self.profiles, key)
        return answer(
            [self._resource("list", one, about) for one, about in self.lists.items() if key in self.members[one]]
        )

    def import_profile(self, request: Request) -> Response:
        data = self._data(request, "profile")
        attributes, key = data["attributes"], data.get("id")
        known = key if key else self._same(attributes)
        if key:
            self._one(self.profiles, key)
            other = self._same(attributes)
            if other and other != key:
                message = "A profile already exists with one of these identifiers."
                raise Refusal(409, "duplicate_profile", message, duplicate_profile_id=other)
        if not known:
            if not {"email", "phone_number"} & set(attributes):
                raise invalid("An identifier is needed.", "/data/attributes")
            known = self.add_person()
        properties = {**self.profiles[known]["properties"], **attributes.get("properties", {})}
        for name in data.get("meta", {}).get("patch_properties", {}).get("unset", []):
            properties.pop(name, None)
        self.profiles[known].update({**attributes, "properties": properties})
        return answer(self.profile(known, details=False), 200 if key else 201)

    def _same(self, attributes: Thing) -> str | None:
        for field in ("email", "phone_number"):
            for key, one in self.profiles.items():
                if attributes.get(field) and one[field] == attributes[field]:
                    return key
        return None

    def merge(self, request: Request) -> Response:
        data = self._data(request, "profile-merge")
        (source,) = data["relationships"]["profiles"]["data"]
        self._one(self.profiles, data["id"])
        self._one(self.profiles, source["id"])
        del self.profiles[source["id"]]
        self.merged.append((data["id"], source["id"]))
        return answer({"type": "profile", "id": data["id"], "links": {"self": f"{HOME}/api/"}}, 201)

    def forget(self, request: Request) -> Response:
        about = self._data(request, "data-privacy-deletion-job")["attributes"]["profile"]["data"]
        if bool(about.get("id")) + len(about["attributes"]) != 1:
            raise invalid("Exactly one identifier is needed.")
        self.profiles.pop(about["id"], None)
        return Response(202)

    def subscribe(self, request: Request) -> Response:
        data = self._data(request, "profile-subscription-bulk-create-job")
        target = data.get("relationships", {}).get("list", {}).get("data", {}).get("id")
        if target:
            self._one(self.lists, target)
        self.sources.append(data["attributes"].get("custom_source", ""))
        for one in data["attributes"]["profiles"]["data"]:
            key = one.get("id") or self._same(one["attributes"]) or self.add_person()
            for channel, wanted in one["attributes"]["subscriptions"].items():
                field = {"email": "email", "sms": "phone_number"}[channel]
                if wanted != {"marketing": {"consent": "SUBSCRIBED"}} or not one["attributes"].get(field):
                    raise invalid(f"{channel} needs a consent and an address")
                self.profiles[key][field] = one["attributes"][field]
                self.profiles[key]["consent"][channel] = "SUBSCRIBED"
            if target:
                self.members[target][key] = "2030-06-01T08:00:00+00:00"
        return Response(202)

    def unsubscribe(self, request: Request) -> Response:
        data = self._data(request, "profile-subscription-bulk-delete-job")
        target = data.get("relationships", {}).get("list", {}).get("data", {}).get("id")
        for one in data["attributes"]["profiles"]["data"]:
            key = self._same(one["attributes"])
            if not key:
                raise invalid("There is no such profile")
            if target and key in self.members[target]:
                del self.members[target][key]
                continue
            for channel in one["attributes"]["subscriptions"]:  # who is not in the list loses all of them
                self.profiles[key]["consent"][channel] = "UNSUBSCRIBED"
        return Response(202)

    def suppress(self, request: Request, kind: str) -> Response:
        job = f"profile-suppression-bulk-{kind}-job"
        for one in self._data(request, job)["attributes"]["profiles"]["data"]:
            key = self._same({"email": one["attributes"]["email"]})
            if not key:
                raise invalid("There is no such profile")
            self.profiles[key]["suppression"] = [{"reason": "USER_SUPPRESSED"}] if kind == "create" else []
        return answer(self._resource(job, "sup-1", {"status": "queued"}), 202)

    def get_lists(self, request: Request) -> Response:
        return self._page(request, "lists", self._rows("list", self.lists))

    def get_segments(self, request: Request) -> Response:
        return self._page(request, "segments", self._rows("segment", self.segments))

    def _rows(self, kind: str, things: dict[str, Thing]) -> list[tuple[Thing, Thing]]:
        return [(self._resource(kind, key, one), {**one, "id": key}) for key, one in things.items()]

    def get_list(self, request: Request, key: str) -> Response:
        kind, things = ("list", self.lists) if key in self.lists else ("segment", self.segments)
        count = {"profile_count": len(self.members[key])}
        return answer(self._resource(kind, key, {**self._one(things, key), **count}))

    def create_list(self, request: Request) -> Response:
        wanted = self._data(request, "list")["attributes"]
        key = self.add_list(wanted["name"], wanted.get("opt_in_process", "double_opt_in"))
        return answer(self._resource("list", key, self.lists[key]), 201)

    def get_members(self, request: Request, key: str) -> Response:
        joined = self.members[key]
        rows = [
            (self.profile(one, at, False), {**self.profiles[one], "joined_group_at": at}) for one, at in joined.items()
        ]
        return self._page(request, "members", rows)

    def change_members(self, request: Request, key: str) -> Response:
        self._one(self.lists, key)
        for one in request.json()["data"]:
            if one["type"] != "profile":
                raise invalid("The type must be profile.")
            self._one(self.profiles, one["id"])
            if request.method == "POST":
                self.members[key].setdefault(one["id"], "2030-06-01T08:00:00+00:00")
            else:
                self.members[key].pop(one["id"], None)
        return Response(204)

    def flow_triggers(self, request: Request, key: str) -> Response:
        return answer([self._resource("flow", one, self.flows[one]) for one in self.triggers.get(key, [])])

    def get_flows(self, request: Request) -> Response:
        return self._page(request, "flows", self._rows("flow", self.flows))

    def set_flow(self, request: Request, key: str) -> Response:
        self._one(self.flows, key)["status"] = self._data(request, "flow")["attributes"]["status"]
        return answer(self._resource("flow", key, self.flows[key]))

    def get_metrics(self, request: Request) -> Response:
        return self._page(request, "metrics", self._rows("metric", self.metrics))

    def get_events(self, request: Request) -> Response:
        rows, used = [], set()
        for one in sorted(self.events, key=lambda one: str(one["datetime"]), reverse=True):
            used.add(one["metric"])
            attributes = {"datetime": one["datetime"], "event_properties": one["event_properties"], "timestamp": 1}
            related = {name: {"type": name, "id": one[name]} for name in ("profile", "metric")}
            seen = {"profile_id": one["profile"], "metric_id": one["metric"], "datetime": one["datetime"]}
            rows.append((self._resource("event", one["id"], attributes, **related), seen))
        included = [self._resource("metric", key, self.metrics[key]) for key in sorted(used)]
        return self._page(request, "events", rows, included=included)

    def create_event(self, request: Request) -> Response:
        about = self._data(request, "event")["attributes"]
        who = about["profile"]["data"]
        person = (
            who.get("id")
            or self._same(who["attributes"])
            or self.add_person(
                **{{"phone_number": "phone"}.get(name, name): value for name, value in who["attributes"].items()}
            )
        )
        name = about["metric"]["data"]["attributes"]["name"]
        if name not in [one["name"] for one in self.metrics.values()]:
            self.metrics[self.key("M", 6)] = {"name": name, "integration": None}
        value = {"$value": about["value"]} if "value" in about else {}
        self.add_event(person, name, about.get("time", "2030-06-01T08:00:00+00:00"), **about["properties"], **value)
        return Response(202)

    def aggregate(self, request: Request) -> Response:
        wanted = self._data(request, "metric-aggregate")["attributes"]
        self._one(self.metrics, wanted["metric_id"])
        asked = [conditions(one)[0] for one in wanted["filter"]]
        if {operator for operator, _, _ in asked} != {"greater-or-equal", "less-than"}:
            raise invalid("A time range is needed.", "/data/attributes/filter")
        result = [
            one
            for one in self.events
            if one["metric"] == wanted["metric_id"] and all(fits(op, one["datetime"], value) for op, _, value in asked)
        ]
        values = [one["event_properties"].get("$value", 0) for one in result]
        figures = {
            "count": [len(result)],
            "unique": [len({one["profile"] for one in result})],
            "sum_value": [sum(values)],
        }
        data = {"dates": ["2030-05-01T00:00:00+02:00"], "data": [{"dimensions": [], "measurements": figures}]}
        return answer(self._resource("metric-aggregate", "a1", data))

    def campaign(self, key: str) -> Thing:
        """Return a campaign as a resource."""
        messages = [{"type": "campaign-message", "id": k} for k, one in self.messages.items() if one["campaign"] == key]
        return self._resource("campaign", key, self._one(self.campaigns, key), campaign_messages=messages)

    def get_campaigns(self, request: Request) -> Response:
        channels = {one["campaign"]: one["definition"]["channel"] for one in self.messages.values()}
        rows = [
            (self.campaign(key), {**one, "id": key, "messages.channel": channels.get(key)})
            for key, one in self.campaigns.items()
        ]
        return self._page(request, "campaigns", rows[::-1])

    def get_campaign(self, request: Request, key: str) -> Response:
        return answer(self.campaign(key))

    def create_campaign(self, request: Request) -> Response:
        wanted = self._data(request, "campaign")["attributes"]
        for one in [*wanted["audiences"]["included"], *wanted["audiences"].get("excluded", [])]:
            if one not in self.members:
                raise invalid("There is no such list or segment.", "/data/attributes/audiences")
        key = self.add_campaign(wanted["name"], wanted["audiences"]["included"])
        self.campaigns[key]["audiences"] = wanted["audiences"]
        self.campaigns[key]["send_strategy"] = {"method": "immediate"}
        (message,) = wanted["campaign-messages"]["data"]
        made = next(one for one in self.messages.values() if one["campaign"] == key)
        made.update(definition=message["attributes"]["definition"], template=None)
        return answer(self.campaign(key), 201)

    def clone_campaign(self, request: Request) -> Response:
        data = self._data(request, "campaign")
        old = self._one(self.campaigns, data["id"])
        key = self.add_campaign(data["attributes"]["new_name"], old["audiences"]["included"])
        source = next(one for one in self.messages.values() if one["campaign"] == data["id"])
        copy = next(one for one in self.messages.values() if one["campaign"] == key)
        copy.update(definition=source["definition"], template=source["template"])
        return answer(self.campaign(key), 201)

    def update_campaign(self, request: Request, key: str) -> Response:
        if self._one(self.campaigns, key)["status"] != "Draft":
            raise invalid("Only a draft can be changed.")
        self.campaigns[key].update(self._data(request, "campaign")["attributes"])
        return answer(self.campaign(key))

    def get_messages(self, request: Request, key: str) -> Response:
        self._one(self.campaigns, key)
        rows = []
        for one, about in self.messages.items():
            template = {"type": "template", "id": about["template"]} if about["template"] else None
            if about["campaign"] == key:
                rows.append(
                    self._resource("campaign-message", one, {"definition": about["definition"]}, template=template)
                )
        return answer(rows)

    def update_message(self, request: Request, key: str) -> Response:
        definition = self._data(request, "campaign-message")["attributes"]["definition"]
        self._one(self.messages, key)["definition"] = definition
        return answer(self._resource("campaign-message", key, {"definition": definition}))

    def assign(self, request: Request) -> Response:
        data = self._data(request, "campaign-message")
        template = data["relationships"]["template"]["data"]["id"]
        self._one(self.templates, template)
        self._one(self.messages, data["id"])["template"] = template
        return answer(self._resource("campaign-message", data["id"], {"label": "", "channel": "email", "content": {}}))

    def estimate(self, request: Request, key: str = "") -> Response:
        kind = "campaign-recipient-estimation-job"
        key = key or self._data(request, kind)["id"]
        self._one(self.campaigns, key)
        self.polls -= 1
        return answer(self._resource(kind, key, {"status": "processing" if self.polls >= 0 else "complete"}))

    def estimation(self, request: Request, key: str) -> Response:
        audiences = self._one(self.campaigns, key)["audiences"]
        people = {one for name in audiences["included"] for one in self.members[name]}
        people -= {one for name in audiences.get("excluded") or [] for one in self.members[name]}
        return answer(self._resource("campaign-recipient-estimation", key, {"estimated_recipient_count": len(people)}))

    def send_campaign(self, request: Request) -> Response:
        key = self._data(request, "campaign-send-job")["id"]
        result = self._one(self.campaigns, key)
        if result["status"] != "Draft":
            raise invalid("Only a draft can be sent.")
        strategy = result["send_strategy"]
        if strategy["method"] == "static" and datetime.fromisoformat(strategy["datetime"]) <= datetime.now(UTC):
            raise invalid("The time is past.")
        result["status"] = "Scheduled" if strategy["method"] == "static" else "Sending"
        result["send_time"] = strategy.get("datetime")
        return answer(self._resource("campaign-send-job", key, {"status": "queued"}), 202)

    def stop_campaign(self, request: Request, key: str) -> Response:
        result = self._one(self.campaigns, key)
        action = self._data(request, "campaign-send-job")["attributes"]["action"]
        if result["status"] not in ("Scheduled", "Sending"):
            raise invalid("There is nothing to cancel.")
        result.update(status="Draft" if action == "revert" else "Cancelled", send_time=None)
        return Response(204)

    def get_templates(self, request: Request) -> Response:
        return self._page(request, "templates", self._rows("template", self.templates))

    def render(self, request: Request) -> Response:
        data = self._data(request, "template")
        result = self._one(self.templates, data["id"])
        context = data["attributes"]["context"]
        html = re.sub(r"{{ (\w+) }}", lambda match: str(context.get(match[1], "")), result["html"])
        return answer(self._resource("template", data["id"], {**result, "html": html}), 201)


ONE = r"(?P<key>[^/]+)"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("GET", "/api/accounts", FakeKlaviyo.accounts),
    ("GET", "/api/profiles", FakeKlaviyo.get_profiles),
    ("GET", f"/api/profiles/{ONE}", FakeKlaviyo.get_profile),
    ("GET", f"/api/profiles/{ONE}/lists", FakeKlaviyo.lists_of),
    ("POST", "/api/profile-import", FakeKlaviyo.import_profile),
    ("POST", "/api/profile-merge", FakeKlaviyo.merge),
    ("POST", "/api/data-privacy-deletion-jobs", FakeKlaviyo.forget),
    ("POST", "/api/profile-subscription-bulk-create-jobs", FakeKlaviyo.subscribe),
    ("POST", "/api/profile-subscription-bulk-delete-jobs", FakeKlaviyo.unsubscribe),
    ("POST", "/api/profile-suppression-bulk-(?P<kind>create|delete)-jobs", FakeKlaviyo.suppress),
    ("GET", "/api/lists", FakeKlaviyo.get_lists),
    ("POST", "/api/lists", FakeKlaviyo.create_list),
    ("GET", "/api/segments", FakeKlaviyo.get_segments),
    ("GET", f"/api/(?:lists|segments)/{ONE}", FakeKlaviyo.get_list),
    ("GET", f"/api/(?:lists|segments)/{ONE}/profiles", FakeKlaviyo.get_members),
    ("POST", f"/api/lists/{ONE}/relationships/profiles", FakeKlaviyo.change_members),
    ("DELETE", f"/api/lists/{ONE}/relationships/profiles", FakeKlaviyo.change_members),
    ("GET", f"/api/(?:lists|metrics)/{ONE}/flow-triggers", FakeKlaviyo.flow_triggers),
    ("GET", "/api/flows", FakeKlaviyo.get_flows),
    ("PATCH", f"/api/flows/{ONE}", FakeKlaviyo.set_flow),
    ("GET", "/api/metrics", FakeKlaviyo.get_metrics),
    ("POST", "/api/metric-aggregates", FakeKlaviyo.aggregate),
    ("GET", "/api/events", FakeKlaviyo.get_events),
    ("POST", "/api/events", FakeKlaviyo.create_event),
    ("GET", "/api/campaigns", FakeKlaviyo.get_campaigns),
    ("POST", "/api/campaigns", FakeKlaviyo.create_campaign),
    ("POST", "/api/campaign-clone", FakeKlaviyo.clone_campaign),
    ("GET", f"/api/campaigns/{ONE}", FakeKlaviyo.get_campaign),
    ("PATCH", f"/api/campaigns/{ONE}", FakeKlaviyo.update_campaign),
    ("GET", f"/api/campaigns/{ONE}/campaign-messages", FakeKlaviyo.get_messages),
    ("PATCH", f"/api/campaign-messages/{ONE}", FakeKlaviyo.update_message),
    ("POST", "/api/campaign-message-assign-template", FakeKlaviyo.assign),
    ("POST", "/api/campaign-recipient-estimation-jobs", FakeKlaviyo.estimate),
    ("GET", f"/api/campaign-recipient-estimation-jobs/{ONE}", FakeKlaviyo.estimate),
    ("GET", f"/api/campaign-recipient-estimations/{ONE}", FakeKlaviyo.estimation),
    ("POST", "/api/campaign-send-jobs", FakeKlaviyo.send_campaign),
    ("PATCH", f"/api/campaign-send-jobs/{ONE}", FakeKlaviyo.stop_campaign),
    ("GET", "/api/templates", FakeKlaviyo.get_templates),
    ("POST", "/api/template-render", FakeKlaviyo.render),
]
