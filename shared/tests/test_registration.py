"""Registering a tool: what is set by itself, and what is refused at once."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from flotilla import VERSION, Model, Page
from flotilla_testing.client import MODES, call, client, tools_of
from flotilla_testing.scratch import ScratchServer

Make = Callable[..., ScratchServer]


class Thing(Model):
    """A thing."""

    id: str
    name: str | None = None


async def get_thing(thing: Annotated[str, Field(description="Its id", examples=["t1"])]) -> Thing:
    """Get one thing,
    with all it has.

    Call acme_list_things first."""
    return Thing(id=thing)


@pytest.mark.parametrize("mode", MODES)
async def test_tool_definition(acme: ScratchServer, mode: str) -> None:
    assert acme.reads(get_thing) is get_thing
    assert await tools_of(acme, mode) == [
        {
            "name": "acme_get_thing",
            "title": "Get thing",
            "description": "Get one thing, with all it has.\n\nCall acme_list_things first.",
            "inputSchema": {
                "type": "object",
                "properties": {"thing": {"type": "string", "description": "Its id", "examples": ["t1"]}},
                "required": ["thing"],
                "additionalProperties": False,
            },
            "outputSchema": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
                "required": ["id"],
            },
            "annotations": {
                "readOnlyHint": True,
                "destructiveHint": False,
                "idempotentHint": True,
                "openWorldHint": True,
            },
        }
    ]


@pytest.mark.parametrize(
    ("decorator", "options", "hints", "hidden"),
    [
        ("reads", {}, (True, False, True), set()),
        ("writes", {}, (False, False, False), {"dry_run"}),
        ("writes", {"idempotent": True}, (False, False, True), {"dry_run"}),
        ("writes", {"creates": True}, (False, False, False), {"dry_run", "idempotency_key"}),
        ("writes", {"asks": True}, (False, False, False), {"dry_run", "confirm_token"}),
        ("writes", {"additive": False}, (False, True, False), {"dry_run"}),
        ("writes", {"replaces": True}, (False, True, False), {"dry_run", "confirm_token"}),
        (
            "writes",
            {"replaces": True, "confirm": "Replace {thing}?"},
            (False, True, False),
            {"dry_run", "confirm_token"},
        ),
        ("destroys", {}, (False, True, False), {"dry_run", "confirm_token"}),
        ("destroys", {"idempotent": True}, (False, True, True), {"dry_run", "confirm_token"}),
    ],
)
async def test_tool_hints_and_added_arguments(
    make: Make, decorator: str, options: dict[str, Any], hints: tuple[bool, ...], hidden: set[str]
) -> None:
    server = make()
    getattr(server, decorator)(title="A title", **options)(get_thing)
    (tool,) = await tools_of(server)
    message = tool["annotations"]
    assert (
        message["readOnlyHint"],
        message["destructiveHint"],
        message["idempotentHint"],
        message["openWorldHint"],
    ) == (
        *hints,
        False,
    )
    assert set(tool["inputSchema"]["properties"]) == {"thing", *hidden}
    assert tool["inputSchema"]["required"] == ["thing"]
    assert ("required" in tool["outputSchema"]) == (decorator == "reads")  # previews must fit a write's
    assert tool["title"] == "A title"


async def test_server_identity(make: Make) -> None:
    server = make(slug="google-calendar", prefix="gcal", instructions="Read me.")
    server.reads(get_thing)
    async with client(server, "legacy") as c:
        assert [t.name for t in await c.list_tools()] == ["gcal_get_thing"]
        hello = c.initialize_result
        assert hello is not None
        assert (hello.server_info.name, hello.server_info.version) == ("flotilla-google-calendar", VERSION)
        assert hello.instructions == "Read me."
    assert make(slug="google-calendar").integration.prefix == "google_calendar"


def refused(why: str) -> Any:
    return pytest.raises(TypeError, match=why)


def test_tool_names(acme: ScratchServer, make: Make) -> None:
    async def Get_thing() -> Thing:  # noqa: N802
        """Get."""
        return Thing(id="1")

    with refused("acme_Get_thing must match"):
        acme.reads(Get_thing)
    Get_thing.__name__ = "g" * 41
    with refused("at most 45"):
        acme.reads(Get_thing)
    Get_thing.__name__ = "g" * 40
    acme.reads(Get_thing)
    with pytest.raises(ValueError, match="already exists"):
        acme.reads(Get_thing)
    with refused("9_get_thing must match"):
        make(prefix="9").reads(get_thing)


def test_tool_functions_must_be_async_typed_and_documented(acme: ScratchServer) -> None:
    def get_a() -> Thing:
        """Get."""
        return Thing(id="1")

    async def get_b() -> Thing:
        return Thing(id="1")

    async def get_c():  # type: ignore[no-untyped-def]
        """Get."""

    async def get_d() -> list[Thing]:
        """Get."""
        return []

    async def get_e() -> Any:
        """Get."""

    async def get_f(thing: str | None) -> Thing:
        """Get."""
        return Thing(id="1")

    async def get_g(dry_run: bool) -> Thing:
        """Get."""
        return Thing(id="1")

    async def get_h(path: str) -> Page[str | None]:
        """Get."""
        return Page(items=[None])

    wrong: list[tuple[Any, str]] = [
        (get_a, "async"),
        (get_b, "docstring"),
        (get_c, "return type"),
        (get_d, "must return an object, not array"),
        (get_e, "must return an object, not None"),
        (get_f, "`thing` may be null, so it needs a default"),
        (get_g, "must leave idempotency_key, dry_run, confirm_token to the library"),
        (get_h, "holds no nulls"),
    ]
    for fn, why in wrong:
        with refused(why):
            acme.reads(fn)
    with refused("asks about an argument"):
        acme.destroys(confirm="Delete {pfad}?")(get_thing)
    with refused("asks every time, so it must say replaces=True"):
        acme.writes(confirm="Replace {thing}?")(get_thing)
    assert acme.attributes == {}


async def test_tool_with_dict_result(acme: ScratchServer) -> None:
    class Args(BaseModel):
        """Not on the wire."""

        n: int = 1

    async def get_counts(args: Args | None = None) -> dict[str, int]:
        """Get."""
        return {"n": (args or Args()).n}

    get_counts.__annotations__["args"] = Args | None
    acme.reads(get_counts)
    (tool,) = await tools_of(acme)
    assert tool["outputSchema"] == {"type": "object", "additionalProperties": {"type": "integer"}}
    assert "Not on the wire" not in str(tool)
    result = await call(acme, "acme_get_counts", args={"n": 2})
    assert result.structured_content == {"n": 2}
