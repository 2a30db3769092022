"""Write answers.yaml and its fixtures again, from what the fake shop answers to every tool.

    .venv/bin/python -m flotilla_servers.shopify.tests.record

For when a document asks for other fields than before.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from flotilla_servers.shopify.server import server
from flotilla_servers.shopify.tests.examples import ARGUMENTS
from flotilla_servers.shopify.tests.fake import PATH, FakeShopify
from flotilla_testing import Request, Response, call, client, environment, impatient, text_of
from flotilla_testing.arguments import example_of
from flotilla_testing.client import tools_of

FOLDER = Path(__file__).parent
CHOSEN = ("variables.query", "1002")  # the search for the order that is not paid yet has an answer of its own
ERRORS = {
    "auth": {"status": 401, "json": {"errors": "[API] Invalid API key or access token (unrecognized login)"}},
    "scope": {
        "status": 200,
        "json": {
            "errors": [
                {
                    "message": "Access denied for orders field. Required access: `read_orders` access scope.",
                    "extensions": {"code": "ACCESS_DENIED"},
                }
            ]
        },
    },
    "not_found": {"status": 404, "json": {"errors": "Not Found"}},
    "input": {
        "status": 200,
        "json": {
            "errors": [
                {"message": "Variable $id was provided invalid value", "extensions": {"code": "INVALID_VARIABLE"}}
            ]
        },
    },
    "rate": {
        "status": 200,
        "json": {
            "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
            "extensions": {
                "cost": {
                    "requestedQueryCost": 90,
                    "actualQueryCost": None,
                    "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 40, "restoreRate": 100.0},
                }
            },
        },
    },
    "upstream": {"status": 500, "json": {"errors": "Internal Server Error"}},
}


class Recorded(FakeShopify):
    """The fake shop, and what it answered first to each operation."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Any] = {}
        self.reads: set[str] = set()
        self.recording = False

    def answer(self, request: Request) -> Response:
        """Answer, and keep it."""
        response = super().answer(request)
        body, data = request.json(), json.loads(response.body)
        variables = body.get("variables") or {}
        route = f"POST {PATH}?operationName={body['operationName']}"
        if variables.get("after"):
            route += f"&variables.after={variables['after']}"
        if CHOSEN[1] in str(variables.get("query")):
            route += f"&variables.query={quote(variables['query'])}"
        if (self.recording or body["operationName"] == "Shop") and "errors" not in data:
            self.answers.setdefault(route, data)
            if body["query"].lstrip().startswith("query"):
                self.reads.add(f"POST {PATH}?operationName={body['operationName']}")
        return response


async def record() -> None:
    """Call every tool, lists page by page, and write what came back."""
    with tempfile.TemporaryDirectory() as state, Recorded() as fake:
        order = fake.orders[0]
        order["lines"][0]["quantity"], order["lines"][1]["quantity"], order["paid"] = 3, 4, fake.total(order)
        values = {**fake.settings, "FLOTILLA_TIER": "all", "FLOTILLA_STATE": state, "FLOTILLA_CONFIRM": "off"}
        with environment(server, **values), impatient(server):
            async with client(server) as connected:

                async def run(name: str, **arguments: Any) -> Any:
                    result = await call(connected, name, **arguments)
                    assert not result.is_error, f"{name}: {text_of(result)}"
                    return result.structured_content

                await run("shopify_create_fulfillment", order="1001", tracking_number="8R1", carrier="Colissimo",
                          items=[{"item": "SOIE"}])  # fmt: skip
                for _ in range(2):
                    await run("shopify_create_draft_order", customer="marie@exemple.fr", items=[{"item": "LIN-M"}])
                    await run("shopify_create_return", order="1001", items=[{"item": "SOIE", "quantity": 1}])
                for code in ("ETE10", "NOEL"):
                    await run("shopify_create_discount", code=code, percent="10")
                    await run("shopify_create_gift_card", amount="25", customer="marie@exemple.fr")
                fake.recording = True
                tools = {tool["name"]: tool for tool in await tools_of(server)}
                # What only reads first, and what ends things last.
                last = ("cancel", "complete", "delete", "refund", "deactivate", "close", "create_fulfillment")
                order_of = sorted(
                    tools,
                    key=lambda name: (any(word in name for word in last), server.attributes[name]["effect"] != "reads"),
                )
                fake.discounts[1]["code"] = "ETE11"  # so that creating the example is not a duplicate
                for name in order_of:
                    arguments = example_of(tools[name], ARGUMENTS.get(name))
                    if name == "shopify_create_discount":
                        arguments["code"] = "NOUVEAU"
                    if name == "shopify_cancel_order":
                        arguments["order"] = "1002"  # the other one was sent in part
                    if name == "shopify_deactivate_gift_card":
                        arguments["gift_card"] = fake.cards[0]["id"]
                    if name == "shopify_close_return":
                        arguments["return_id"] = fake.orders[0]["returns"][0]["id"]
                    paged = {"limit": 1} if "cursor" in tools[name]["inputSchema"]["properties"] else {}
                    page = await run(name, **arguments, **paged)
                    while paged and page.get("next_cursor"):
                        page = await run(name, **arguments, **paged, cursor=page["next_cursor"])
        write(fake)


def write(fake: Recorded) -> None:
    """Write the routes and the fixtures."""
    for old in (FOLDER / "fixtures").glob("*.json"):
        old.unlink()
    answers = {}
    for route, data in sorted(fake.answers.items()):
        name = re.search(r"operationName=(\w+)", route)
        assert name
        file = re.sub(r"(?<!^)(?=[A-Z])", "_", name[1]).lower()
        file += "_last" if "variables.after" in route else "_unpaid" if "variables.query" in route else ""
        text = json.dumps(data, ensure_ascii=False, indent=1)
        (FOLDER / "fixtures" / f"{file}.json").write_text(text + "\n", encoding="utf-8")
        answers[route] = f"{file}.json"
    head = "# What the fake shop answers, written by record.py: change that, not this.\n"
    document = yaml.safe_dump(
        {"answers": answers, "reads": sorted(fake.reads), "errors": ERRORS},
        allow_unicode=True,
        width=120,
        sort_keys=False,
    )
    (FOLDER / "answers.yaml").write_text(head + document, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(record())
