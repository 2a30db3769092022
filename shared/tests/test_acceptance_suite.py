"""The acceptance suite can fail: a small good server keeps every rule, each way to spoil it breaks one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from textwrap import dedent
from typing import Any
from unittest.mock import patch

import pytest

import flotilla_servers
from flotilla import announce
from flotilla.http.retry import Retry
from flotilla_launcher.naming import module_of
from flotilla_testing.acceptance import wrong
from flotilla_testing.process import Process
from flotilla_testing.rules import RULES, Claim, quality_problems, read_quality
from flotilla_testing.subject import Subject

pytestmark = pytest.mark.slow

GOOD = dedent('''
    """Shelf: a vendor that nobody has."""

    from datetime import datetime, timedelta
    from typing import Annotated

    from flotilla import (
        Api, Bearer, ByCursor, Cursor, Integration, Limit, Model, Page, SecretStr, Server, ServerSettings, Toolset,
        announce, errors, files, segment
    )
    from pydantic import AwareDatetime, Field, HttpUrl


    class Settings(ServerSettings):
        """Read from the environment."""

        token: SecretStr = Field(description="Key of the shelf, from the carpenter")
        base_url: HttpUrl = HttpUrl("https://shelf.example")


    shelf = Integration(
        "SLUG", prefix="shelf", title="Shelf", description="A shelf.", category="things", settings=Settings,
        hosts=["shelf.example:443"],
    )
    api = Api(shelf, auth=Bearer("token"), paging=ByCursor("things", "next"))
    Id = Annotated[str, Field(description="Id of the thing, from shelf_list_things.", examples=["t1"])]
    tools = Toolset()


    class Thing(Model):
        """A thing."""

        id: str
        name: str
        since: AwareDatetime


    @tools.reads
    async def list_things(limit: Limit = 20, cursor: Cursor = None) -> Page[Thing]:
        """List the things on the shelf, page by page.

        Returns the ids that shelf_get_thing and shelf_delete_thing take. Use it first, to see what is there.
        """
        return await api.page("/things", Thing, limit=limit, cursor=cursor)


    @tools.reads
    async def get_thing(thing: Id) -> Thing:
        """Get one thing of the shelf by its id, with its name and since when it stands there. Nothing is changed."""
        return Thing.model_validate(await api.get(f"/things/{segment(thing)}"))


    @tools.writes(creates=True)
    async def create_thing(name: Annotated[str, Field(description="Name of the thing.", examples=["vase"])]) -> Thing:
        """Put a new thing on the shelf under a name of your choice. Returns the thing with its id and its time."""
        return Thing.model_validate(await api.post("/things", json={"name": name}))


    @tools.destroys
    async def delete_thing(thing: Id) -> Thing:
        """Take a thing off the shelf for good, after the user has agreed. It cannot be undone. Returns what it was."""
        return Thing.model_validate(await api.delete(f"/things/{segment(thing)}"))


    server = Server(shelf, toolsets=[tools])
''')  # fmt: skip
ANSWERS = """
    answers:
      GET /things: {json: {things: [{id: t1, name: vase, since: "2025-01-01T09:00:00+01:00"}], next: two}}
      GET /things?cursor=two: {json: {things: [{id: t2, name: cup, since: "2025-01-01T09:00:00Z"}]}}
      GET /things/{id}: {json: {id: t1, name: vase, since: "2025-01-01T09:00:00Z"}}
      POST /things: {status: 201, json: {id: t3, name: vase, since: "2025-01-01T09:00:00Z"}}
      DELETE /things/{id}: {json: {id: t1, name: vase, since: "2025-01-01T09:00:00Z"}}
"""
CONTRACT = {
    "openapi": "3.0.3",
    "info": {"title": "Shelf", "version": "1"},
    "servers": [{"url": "https://shelf.example"}],
    "paths": {
        "/things": {
            "get": {
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                    {"name": "cursor", "in": "query", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}
                },
            },
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {"name": {"type": "string"}},
                            }
                        }
                    },
                },
                "responses": {
                    "201": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}
                },
            },
        },
        "/things/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            **{
                method: {
                    "responses": {
                        "200": {
                            "description": "",
                            "content": {"application/json": {"schema": {"type": "object", "required": ["id"]}}},
                        }
                    }
                }
                for method in ("get", "delete")
            },
        },
    },
}
FRESH = count(1)
DONE = Claim("done")
Make = Callable[..., Subject]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make a case of the good server, spoilt by replacing `old` by `new` in its source."""
    monkeypatch.setattr(flotilla_servers, "__path__", [str(tmp_path / "servers"), *flotilla_servers.__path__])
    monkeypatch.setenv("FLOTILLA_SPECS", str(tmp_path))
    (tmp_path / "shelf.json").write_text(json.dumps(CONTRACT))
    opened: list[Subject] = []

    def make(*changes: tuple[str, str], kind: type[Subject] = Subject) -> Subject:
        slug = f"shelf{next(FRESH)}"  # each is a module of its own
        source = GOOD.replace("SLUG", slug)
        for old, new in changes:
            assert old in source
            source = source.replace(old, new)
        folder = tmp_path / "servers" / module_of(slug)
        (folder / "tests").mkdir(parents=True)
        (folder / "server.py").write_text(source)
        (folder / "tests" / "answers.yaml").write_text(dedent(ANSWERS))
        (folder / "tests" / "contract.yaml").write_text("spec: shelf.json\n")
        opened.append(kind(slug).__enter__())
        return opened[-1]

    yield make
    for case in opened:
        case.__exit__(None, None, None)


def rule(name: str) -> Any:
    return next(r for r in RULES if r.id == name)


async def broken(case: Subject, name: str) -> str:
    """Return what the suite finds under a rule."""
    return "\n".join(await wrong(case, rule(name), DONE))


async def test_suite_accepts_a_good_server(shelf: Make) -> None:
    case = shelf()
    result = {r.id: await wrong(case, r, DONE) for r in RULES if r.id != "unit_tests"}  # see test_plugin.py
    assert {name: problems for name, problems in result.items() if problems} == {}


# -- a server that is written badly -----------------------------------------------------------------------------------

LIST = "    return await api.page("
KEEPING = f"    api._headers.setdefault('x-first', api.auth.header_value())\n{LIST}"  # a secret on the Api
GET = "    return Thing.model_validate(await api.get("
NINE = ", ".join(f"a{n}: Annotated[str, Field(description='A', examples=['a'])]" for n in range(9))
SPOILT = [  # rule, what is replaced in the source, by what, and what the suite must say
    ("names", "async def get_thing", "async def grab_thing", "the verb grab is not in the closed list"),
    ("hints", "@tools.reads\nasync def get_thing", "@tools.writes\nasync def get_thing", "sounds as if it only read"),
    ("hints", "@tools.destroys", "@tools.writes", "takes something away"),
    ("hints", "@tools.writes(creates=True)", "@tools.reads", "sounds as if it changed something"),
    ("hints", "async def create_thing", "async def update_thing", "changes what is there: register it with additive"),
    ("confirm", "@tools.writes(creates=True)", "@tools.writes(creates=True, replaces=True)", "asks 0 times"),
    (
        "arguments",
        'description="Name of the thing.", examples=["vase"]',
        'description="Name of the thing."',
        "name has no example",
    ),
    (
        "arguments",
        'description="Name of the thing.", examples=["vase"]',
        'examples=["vase"]',
        "name has no description",
    ),
    (
        "arguments",
        'description="Name of the thing.", ',
        'description="Name of the thing.", pattern="^x", ',
        "does not fit its schema",
    ),
    ("few_arguments", "get_thing(thing: Id)", f"get_thing(thing: Id, {NINE})", "takes 10 arguments"),
    ("portable_schemas", "    name: str\n", "    name: str\n    pair: tuple[int, str] = (1, 'a')\n", "prefixItems"),
    ("portable_schemas", "class Thing(Model):", "class Thing(Model, extra='forbid'):", "forbids other properties"),
    ("budget", "Nothing is changed.", "Really. " * 300, "more than 2,000"),
    ("budget", '"""A thing."""', "".join(f"f{n}: str = ''\n    " for n in range(250)), "output schemas have"),
    ("descriptions", "Nothing is changed.", "Really. " * 60, "characters, not 100 to 500"),
    ("descriptions", "Nothing is changed.", "Montre la fiche.", "a word of another language"),
    ("descriptions", "Id of the thing, from shelf_list_things.", "Id", "has fewer than 3 words"),
    ("closed_loop", "from shelf_list_things.", "from the shelf.", "no tool of the tier core is named"),
    ("closed_loop", "from shelf_list_things.", "from shelf_find_things.", "shelf_find_things, which does not exist"),
    (
        "closed_loop",
        "@tools.reads\nasync def list",
        "@tools.reads(core=False)\nasync def list",
        "is not in the tier core",
    ),
    (
        "odd_items",
        LIST,
        f"    for row in await api.rows('/things', 'things'):\n        row['name']\n{LIST}",
        "one item of a list",
    ),
    ("connection", LIST, KEEPING, "carries a secret of"),
    ("plain_source", "from typing", "import os\nfrom typing", "imports os"),
    ("plain_source", "from typing", "try:\n    pass\nfinally:\n    pass\nfrom typing", "has a try"),
    ("results", "    since: Aware", "    at: str = '2025-01-01T09:00'\n    since: Aware", "a time without an offset"),
    ("results", GET, "    return Thing.model_validate({} or await api.get(f'/none') or (", "with its examples answers"),
    ("paging", "limit: Limit = 20, cursor", "cursor", "must take limit and cursor"),
    ("paging", "limit: Limit = 20", 'limit: Annotated[int, Field(description="N", ge=1)] = 20', "needs a minimum"),
    ("paging", "cursor=cursor)", "cursor=None)", "the same next_cursor twice"),
    (
        "error_classes",
        '"next"))',
        '"next"), map_error=lambda status, body: errors.InvalidInputError("No.", "Go."))',
        "not auth",
    ),
    (
        "error_classes",
        '"next"))',
        '"next"), map_error=lambda status, body: errors.AuthenticationError("No", ""))',
        "is not a sentence",
    ),
    ("retries", '"/things", json', '"/things", idempotent=True, json', "sends a POST 3 times after cut"),
    ("hosts", '"shelf.example:443"', '"other.example:443"', "is not among the hosts"),
    ("hosts", GET, f"    __import__('socket').socket().connect_ex(('127.0.0.1', 9))\n{GET}", "contacts 127.0.0.1:9"),
    ("generated_arguments", GET, f"    int(thing[:1] or '0', 36)\n{GET}", "shows a bug of ours"),
    ("dry_run", '{"name": name}', '{"name": name + __import__("secrets").token_hex()}', "shows the body"),
    ("dry_run", "api.post(", "files.write('x', b'x') and await api.post(", "does something in a dry run"),
    ("idempotency", "@tools.writes(creates=True)", "@tools.writes", "register it with creates=True"),
    ("contract", '{"name": name}', '{"name": name, "colour": "red"}', "the field colour is unknown"),
    ("contract", '{"name": name}', "{}", "'name' is a required property"),
    ("contract", 'api.get(f"/things/', 'api.get(f"/thing/', "GET /thing/t1 is not in the contract"),
    ("contract", "await api.delete(", "await api.put(", "PUT /things/t1 is not in the contract"),
    ("contract", '"next"))', '"next", limit="count"))', "the query parameter count is unknown"),
    ("contract", "Limit = 20", 'Annotated[int, Field(description="N", examples=[200])] = 20', "200 is greater than"),
]


@pytest.mark.parametrize(("name", "old", "new", "message"), SPOILT, ids=[f"{s[0]}-{n}" for n, s in enumerate(SPOILT)])
async def test_suite_detects_a_bad_server(shelf: Make, name: str, old: str, new: str, message: str) -> None:
    result = await broken(shelf((old, new)), name)
    assert result, f"nothing is wrong under {name}"
    assert message in result


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("confirm", "@tools.destroys", "@tools.writes"),
        ("canary", "token: SecretStr", "token: str"),
        ("missing_secret", "token: SecretStr = Field(", 'token: str = Field("none", '),
    ],
)
async def test_suite_requires_exemption_where_a_rule_does_not_apply(shelf: Make, name: str, old: str, new: str) -> None:
    assert f"exempt the server from {name}" in await broken(shelf((old, new)), name)


# -- a library that is broken -----------------------------------------------------------------------------------------


async def nothing(*_: Any, **__: Any) -> None:
    return None


async def handed_on(self: Any, context: Any, call_next: Any) -> Any:
    return await call_next(context)


def nothing_noted(call: Any) -> None:
    """Do not note that a write was done."""


def same(text: str) -> str:
    return text


RETRY = "flotilla_testing.isolation.Retry"  # what every session makes its connection with
BROKEN = [  # rule, what is broken in the library, and what the suite must say
    (
        "retries",
        {"flotilla.http.transport.SAFE": {"GET", "POST"}, "flotilla.http.client.SAFE": {"GET", "POST"}},
        "a POST 3 times",
    ),
    ("retries", {RETRY: partial(Retry, attempts=1)}, "gives up on a read"),
    ("retries", {RETRY: partial(Retry, attempts=6)}, "tries a read 6 times"),
    ("retries", {RETRY: partial(Retry, longest=0.5)}, "does not wait as Retry-After says"),
    (
        "retries",
        {"flotilla.http.transport.retry_after": lambda response, header: 0.01},
        "does not wait as Retry-After says",
    ),
    ("error_classes", {"flotilla.http.client.LARGEST": 10**9}, "takes no notice of"),
    (
        "error_classes",
        {"flotilla.calls.context.Call.uncertainty_note": lambda self: ""},
        "must say that it may or may not",
    ),
    (
        "error_classes",
        {"flotilla.calls.context.Call.mark_done": nothing_noted},
        "after null: the error must say that it was done",
    ),
    (
        "error_classes",
        {"flotilla.calls.context.Call.mark_done": nothing_noted},
        "after a huge answer: the error must say that it was",
    ),
    (
        "error_classes",
        {"flotilla.http.client.object_of": lambda data, _: data, "flotilla.calls.execution.ValidationError": KeyError},
        "after a list: the error shows a bug of ours",
    ),
    ("error_classes", {"flotilla.http.responses._REFUSALS": {}}, "calls 402 input, not scope"),
    (
        "error_classes",
        {"flotilla.http.transport.UNCLEAR": range(300, 400)},
        "after 408: the error must say that it may or may",
    ),
    (
        "canary",
        {"flotilla.calls.results.scrub": same, "flotilla.http.responses.scrub": same},
        "a secret is in the answer after 401",
    ),
    ("hosts", {"flotilla.http.transport.Transport._guard": nothing}, "follows a redirect (302)"),
    ("generated_arguments", {"flotilla.tool.FleetTool._validated": lambda self, params: params}, "shows a bug of ours"),
    ("confirm", {"flotilla.calls.confirmation.Confirmation.ask": nothing}, "asks 0 times"),
    ("confirm", {"flotilla.calls.confirmation._judge": lambda answer: None}, "after decline it answers"),
    (
        "confirm",
        {"flotilla.calls.confirmation.Confirmation._unsealed": lambda *_: []},
        "the right token does not run it",
    ),
    ("dry_run", {"flotilla.http.client.announce": lambda **_: None}, "does something in a dry run"),
    (
        "dry_run",
        {"flotilla.http.client.announce": lambda **message: announce(**message | {"url": "?"})},
        "shows POST ?, and sends",
    ),
    ("idempotency", {"flotilla.calls.idempotency.Idempotency.once": lambda self, act: act()}, "are done twice"),
    (
        "read_only",
        {"flotilla.connection.visible": lambda *_: True},
        "shelf_create_thing is listed in read-only mode",
    ),
    ("filters", {"flotilla.connection.visible": lambda *_: True}, "can be called with"),
    ("audit", {"flotilla.audit.Audit.call": lambda *_, **__: None}, "wrote 0 audit lines"),
    ("missing_secret", {"flotilla.settings.catalog_name": lambda slug: "it"}, "must name the variable"),
    ("results", {"flotilla.tool.without_nulls": lambda data, schema: {**data, "gone": None}}, "result.gone is null"),
    ("results", {"flotilla.tool.safe": lambda data, exact: data}, "lets hidden characters out"),
    ("both_eras", {"flotilla_testing.checks.calls.REVISIONS": ("2024-10-07",)}, "2024-10-07 is not spoken"),
]


@pytest.mark.parametrize(("name", "changes", "message"), BROKEN, ids=[f"{b[0]}-{n}" for n, b in enumerate(BROKEN)])
async def test_suite_detects_a_broken_library(shelf: Make, name: str, changes: dict[str, Any], message: str) -> None:
    case = shelf()
    with ExitStack() as stack:
        for target, value in changes.items():
            stack.enter_context(patch(target, value))
        assert message in await broken(case, name)


# -- a dry run that shows something else ------------------------------------------------------------------------------

JSON = 'json={"name": name}'
SENT: dict[str, str] = {  # ways to send something, each as the good server does it
    "json": 'json={"name": name, "colour": "red"}',
    "form": 'data={"name": name, "colour": "rouge vif"}',
    "text": 'content=f"name={name}"',
    "bytes": "content=name.encode()",
    "file": 'data={"name": name}, files={"picture": ("été.png", b"1234", "image/png")}',
}
FILE = {"field": "picture", "name": "été.png", "bytes": 4, "type": "image/png"}


@pytest.mark.parametrize("kind", SENT)
async def test_dry_run_equal_bodies_pass(shelf: Make, kind: str) -> None:
    assert await broken(shelf((JSON, SENT[kind])), "dry_run") == ""


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("json", {}),
        ("json", None),
        ("json", {"name": "vase"}),
        ("json", {"name": "vase", "colour": "blue"}),
        ("json", {"name": "vase", "colour": "red", "size": None}),
        ("form", {}),
        ("form", {"name": "vase"}),
        ("form", {"name": "vase", "colour": "blue"}),
        ("form", "any words"),
        ("text", "name=cup"),
        ("text", None),
        ("bytes", "5 bytes"),
        ("file", "383 bytes"),
        ("file", {"fields": {}, "files": [FILE]}),
        ("file", {"fields": {"name": "vase"}, "files": []}),
        ("file", {"fields": {"name": "vase"}, "files": [FILE | {"bytes": 5}]}),
        ("file", {"fields": {"name": "vase"}, "files": [FILE | {"name": "ete.png"}]}),
    ],
)
async def test_dry_run_different_body_detected(shelf: Make, kind: str, shown: Any) -> None:
    with patch("flotilla.http.client._shown", lambda parts: shown):
        assert "shelf_create_thing shows the body" in await broken(shelf((JSON, SENT[kind])), "dry_run")


POST = "    return Thing.model_validate(await api.post("
TWICE = (POST, '    await api.delete(f"/things/{name[:1]}1")\n' + POST)
FOLLOWS = '    api.follows("POST", "/{kind}", json={"name": name, "none": None})\n'


async def test_dry_run_second_write_must_be_shown(shelf: Make) -> None:
    result = await broken(shelf(TWICE), "dry_run")
    assert "shelf_create_thing sends POST https://shelf.example/things too, which no dry run shows" in result


async def test_dry_run_second_write_shown_passes(shelf: Make) -> None:
    assert await broken(shelf((POST, FOLLOWS + TWICE[1])), "dry_run") == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"POST", "/{kind}"', '"PUT", "/{kind}"', "shows PUT https://shelf.example/{kind}, and sends POST"),
        ('"/{kind}"', '"/{kind}/more"', "shows POST https://shelf.example/{kind}/more, and sends POST"),
        ('"name": name, "none"', '"none"', "shows the body {}, and sends"),
    ],
)
async def test_dry_run_second_write_is_compared(shelf: Make, old: str, new: str, message: str) -> None:
    assert message in await broken(shelf((POST, FOLLOWS.replace(old, new) + TWICE[1])), "dry_run")


async def test_dry_run_second_write_never_sent_detected(shelf: Make) -> None:
    result = await broken(shelf((POST, FOLLOWS + POST)), "dry_run")
    assert "shows 2 requests in a dry run, and sends 1 without" in result


async def test_dry_run_headers_are_compared(shelf: Make) -> None:
    def bare(**message: Any) -> None:
        announce(**{name: value for name, value in message.items() if name != "headers"})

    with patch("flotilla.http.client.announce", bare):
        assert "shows the headers {}, and sends" in await broken(shelf(), "dry_run")


ACTION = '    announce(action="make a thing", name=name)\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", ""),
        ("name=name", "size=len(name)", "where name='vase' is missing"),
        ("name=name", "name=name, colour='blue'", "shows 'blue' in a dry run, and does not send it"),
    ],
)
async def test_dry_run_action_holds_every_argument(shelf: Make, old: str, new: str, message: str) -> None:
    result = await broken(shelf((POST, ACTION.replace(old, new) + POST)), "dry_run")
    assert message in result
    assert bool(message) == bool(result)


PROMPT = dedent("""
    @tools.prompt
    async def plan_things(number: Annotated[int, Field(description="How many")] = 3) -> str:
        '''Plan.'''
        return str([await api.get("/things"), number])


    @tools.resource(shelf.slug + "://about")
    async def about() -> str:
        '''About.'''
        return str(await api.get("/things"))


    @tools.destroys
""").strip("\n")
BROKEN_PROMPTS = [
    (
        "audit",
        {"flotilla.calls.middleware.CallMiddleware.on_get_prompt": handed_on},
        "shelf_plan_things wrote 0 audit lines",
    ),
    ("audit", {"flotilla.calls.middleware.CallMiddleware.on_read_resource": handed_on}, "://about wrote 0 audit lines"),
    ("error_classes", {"flotilla.calls.execution.sentence": str}, "shelf_plan_things after auth"),
    (
        "generated_arguments",
        {"flotilla.calls.execution.validated": lambda name, accepts, schema, params: params},
        "a bug of ours",
    ),
    (
        "canary",
        {"flotilla.calls.execution.scrub": same},
        "shelf_plan_things: a secret is in the answer or the audit after 200",
    ),
]


@pytest.mark.parametrize(
    ("name", "changes", "message"), BROKEN_PROMPTS, ids=[f"{b[0]}-{n}" for n, b in enumerate(BROKEN_PROMPTS)]
)
async def test_suite_detects_a_broken_prompt(shelf: Make, name: str, changes: dict[str, Any], message: str) -> None:
    case = shelf(("@tools.destroys", PROMPT))
    assert await broken(case, name) == ""
    with ExitStack() as stack:
        for target, value in changes.items():
            stack.enter_context(patch(target, value))
        assert message in await broken(case, name)


# -- a process that misbehaves ----------------------------------------------------------------------------------------

STUBBORN = """
    import json, os, signal, sys, time
    signal.signal(signal.SIGTERM, lambda *_: None)
    print("Shelf 1.0 starts")
    sys.stderr.write("token " + os.environ.get("TOKEN", "") + chr(10))
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" in asked:
            tools = [{"name": "shelf_" + os.environ["PYTHONHASHSEED"], "inputSchema": {"type": "object"}}]
            result = {"tools": tools, "content": [{"type": "text", "text": "Error: Not configured."}], "isError": True}
            print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
    if os.environ["PYTHONHASHSEED"] == "3":
        sys.exit(3)
    time.sleep(3600)
"""


class Stubborn(Subject):
    """Its processes are another program, with every fault that a process can have."""

    def process(self, environ: Mapping[str, str], revision: str = "2025-11-25") -> Process:
        token = next((value for name, value in environ.items() if name.endswith("_TOKEN")), "")
        argv = [sys.executable, "-c", dedent(STUBBORN)]
        return self._stack.enter_context(Process(argv, {**environ, "TOKEN": token}, revision))


async def test_suite_detects_a_misbehaving_process(shelf: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flotilla_testing.checks.processes.LONGEST", 0.5)
    case = shelf(kind=Stubborn)
    case.every_tool = True
    assert "lists shelf_1" in await broken(case, "stable_list")
    assert "b'Shelf 1.0 starts" in await broken(case, "clean_stdout")
    assert "A secret stands on stderr" in await broken(case, "canary")
    result = await broken(case, "quick_exit")
    assert "The bare process did not end after end of input." in result
    assert "The placeholders process did not end after SIGTERM." in result
    assert "The ready process ended with 3 after end of input in mid-call" in result


# -- quality.yaml -----------------------------------------------------------------------------------------------------


EVIDENCE = "oauth_refresh: {exempt: It needs no account.}\nreal_server: {exempt: There is no real server.}"


def quality(folder: Path, text: str) -> list[str]:
    """Return what is wrong with a file that says `text`."""
    (folder / "quality.yaml").write_text(text)
    return quality_problems(read_quality(folder / "quality.yaml"), folder)


def test_quality_yaml(tmp_path: Path) -> None:
    """Only exceptions are written down, each with its reason.

    What the suite cannot try names the test that shows it.
    """
    assert quality(tmp_path, EVIDENCE) == []
    assert [line.split()[1] for line in quality(tmp_path, "")] == ["oauth_refresh", "real_server"]
    assert "needs a reason" in quality(tmp_path, f"names: {{exempt: no}}\n{EVIDENCE}")[0]
    assert "needs a reason" in quality(tmp_path, f"names: {{except: {{x_do: no}}}}\n{EVIDENCE}")[0]
    assert "there is no rule colours" in quality(tmp_path, f"colours: {{exempt: For some good reason.}}\n{EVIDENCE}")[0]
    shown = EVIDENCE.replace("{exempt: There is no real server.}", "{shown_by: tests/test_real.py}")
    assert "needs the test that shows it" in quality(tmp_path, shown)[0]
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_real.py").touch()
    assert quality(tmp_path, shown) == []


@pytest.mark.parametrize(
    "text", ["names: done", "names: maybe", "names: [done]", "just words", "names: {exempt: x, because: y}"]
)
def test_quality_yaml_that_cannot_be_understood(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"quality\.yaml"):
        quality(tmp_path, text)


async def test_tool_excepted_with_a_reason(shelf: Make) -> None:
    case = shelf(("get_thing(thing: Id)", f"get_thing(thing: Id, {NINE})"))
    few = rule("few_arguments")
    assert await wrong(case, few, Claim("done", excepted={"shelf_get_thing": "The vendor wants them all."})) == []
    idle = await wrong(case, few, Claim("done", excepted={"shelf_list_things": "The vendor wants them all."}))
    assert "shelf_get_thing takes 10 arguments, more than 8." in idle
    assert "shelf_list_things is excepted from few_arguments, and keeps it." in idle
