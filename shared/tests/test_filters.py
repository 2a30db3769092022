"""What an operator hides is neither listed nor called; and prompts."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from mcp.shared.exceptions import MCPError
from pydantic import Field

from flotilla import Integration, Model, SecretStr, Server, ServerSettings, Toolset
from flotilla_launcher.discovery import DiscoveryProxy
from flotilla_launcher.environment import SettingError
from flotilla_launcher.filters import SETTINGS, check, visible
from flotilla_testing.client import MODES, call, client, text_of
from flotilla_testing.scratch import ScratchServer

Make = Callable[..., ScratchServer]


class Out(Model):
    ok: bool = True


@pytest.fixture
def fleet(acme: ScratchServer) -> ScratchServer:
    ran: list[str] = []

    def tool(name: str) -> Any:
        async def fn() -> Out:
            """Do it."""
            ran.append(name)
            return Out()

        fn.__name__ = name
        return fn

    acme.reads(tool("list_things"))
    acme.reads(core=False, group="reports")(tool("get_report"))
    acme.writes(group="reports")(tool("create_report"))
    acme.destroys(core=False)(tool("delete_thing"))
    acme.ran = ran  # type: ignore[attr-defined]

    @acme.prompt
    async def plan_week(
        day: Annotated[str, Field(description="First day")] = "Monday",
    ) -> str:
        """Plan a week."""
        return f"Plan the week from {day}."

    return acme


ALL = ["acme_list_things", "acme_get_report", "acme_create_report", "acme_delete_thing"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("variables", "shown", "prompt"),
    [
        ({}, [0, 2], True),
        ({"TIER": "core"}, [0, 2], True),
        ({"TIER": "ALL"}, [0, 1, 2, 3], True),
        ({"TIER": "<UNKNOWN>", "ALLOW": "<UNKNOWN>"}, [0, 2], True),
        ({"READ_ONLY": "true"}, [0], True),
        ({"READ_ONLY": "0"}, [0, 2], True),
        ({"READ_ONLY": "on", "TIER": "all"}, [0, 1], True),
        ({"GROUPS": "reports"}, [1, 2], False),
        ({"GROUPS": "reports", "READ_ONLY": "1"}, [1], False),
        ({"READ_ONLY": '"true"'}, [0], True),
        ({"ALLOW": "acme_delete_thing, acme_list_things"}, [0, 3], False),
        ({"ALLOW": "[acme_delete_thing ACME_list_things]"}, [0, 3], False),
        ({"DENY": "[acme_list_things]"}, [2], True),
        ({"DENY": "acme_list_things;acme_create_report"}, [], True),
        ({"GROUPS": "[Reports]"}, [1, 2], False),
        ({"ALLOW": "acme_delete_thing", "READ_ONLY": "1"}, [], False),
        ({"DENY": "acme_list_things"}, [2], True),
        ({"DENY": "acme_list_things,acme_plan_week", "ALLOW": "acme_list_things,acme_get_report"}, [1], False),
    ],
)
async def test_filters_hidden_tools_and_prompts_are_refused(
    fleet: ScratchServer,
    environ: pytest.MonkeyPatch,
    variables: dict[str, str],
    shown: list[int],
    prompt: bool,
    mode: str,
) -> None:
    for name, value in variables.items():
        assert f"FLOTILLA_{name}" in SETTINGS
        environ.setenv(f"FLOTILLA_{name}", value)
    expected = [ALL[n] for n in shown]
    async with client(fleet, mode, answer="accept") as c:
        assert [tool.name for tool in await c.list_tools()] == expected
        for name in ALL:
            result = await call(c, name)
            assert result.is_error == (name not in expected), name
            if result.is_error:
                assert text_of(result).startswith(f"Error: There is no tool {name}. ")
        assert fleet.ran == [name.removeprefix("acme_") for name in expected]  # type: ignore[attr-defined]
        assert [p.name for p in await c.list_prompts()] == (["acme_plan_week"] if prompt else [])
        if prompt:
            got = await c.get_prompt("acme_plan_week", {"day": "Tuesday"})
            assert got.messages[0].content.text == "Plan the week from Tuesday."  # type: ignore[union-attr]
        else:
            with pytest.raises(MCPError):
                await c.get_prompt("acme_plan_week")


@pytest.mark.parametrize("mode", MODES)
async def test_prompt_definition(fleet: ScratchServer, mode: str) -> None:
    async with client(fleet, mode) as c:
        (prompt,) = await c.list_prompts()
        assert (prompt.name, prompt.title, prompt.description) == ("acme_plan_week", "Plan week", "Plan a week.")
        (argument,) = prompt.arguments or []
        assert (argument.name, argument.description, argument.required) == ("day", "First day", False)
        with pytest.raises(MCPError):
            await c.get_prompt("acme_unknown")


UNCLEAR = [
    ({"DENY": "acme_delet_thing"}, "FLOTILLA_DENY names acme_delet_thing, but there is no such tool or prompt."),
    ({"DENY": "<acme_delete_thing>"}, "FLOTILLA_DENY holds what looks like a placeholder"),
    ({"ALLOW": "x"}, "FLOTILLA_ALLOW names x"),
    ({"ALLOW": ","}, "FLOTILLA_ALLOW is set, but names nothing."),
    ({"GROUPS": "report"}, "FLOTILLA_GROUPS names report, but there is no such group."),
    ({"TIER": "bogus"}, "FLOTILLA_TIER must be core or all."),
    ({"TIER": "{{acme.tier}}"}, "FLOTILLA_TIER holds what looks like a placeholder"),
    ({"READ_ONLY": "tru"}, "FLOTILLA_READ_ONLY must be yes or no"),
    ({"READ_ONLY": "se://docker/mcp/acme.read_only"}, "FLOTILLA_READ_ONLY holds a reference (se://…)"),
    ({"READ_ONLY_FILE": "/nonexistent"}, "FLOTILLA_READ_ONLY_FILE names a file that cannot be read"),
    ({"DENY_FILE": "/nonexistent"}, "FLOTILLA_DENY_FILE names a file that cannot be read"),
    ({"CONFIRM": "perhaps"}, "FLOTILLA_CONFIRM "),
    ({"DRY_RUN": "perhaps"}, "FLOTILLA_DRY_RUN "),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("variables", "sentence"), UNCLEAR)
async def test_guard_unclear_refuses_everything(
    fleet: ScratchServer, environ: pytest.MonkeyPatch, variables: dict[str, str], sentence: str, mode: str
) -> None:
    """A guard never fails open: nothing is listed, called, read or prompted, and each answer says which setting."""
    for name, value in variables.items():
        environ.setenv(f"FLOTILLA_{name}", value)
    fleet.reset()
    async with client(fleet, mode) as c:
        for listing in (c.list_tools, c.list_prompts, c.list_resources, c.list_resource_templates):
            with pytest.raises(MCPError) as refused:
                await listing()
            assert refused.value.error.message.startswith(f"Error: {sentence}")
        for name in ALL:
            assert text_of(await call(c, name)).startswith(f"Error: {sentence}")
        with pytest.raises(MCPError) as refused:
            await c.get_prompt("acme_plan_week")
        assert sentence in refused.value.error.message
    assert fleet.ran == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(("variables", "sentence"), UNCLEAR)
def test_launcher_leaves_an_unclear_guard_to_the_server(variables: dict[str, str], sentence: str) -> None:
    """It lists nothing by itself, so that the server refuses in its own words."""
    tool = {"name": "acme_delete_thing"}
    lists: dict[str, Any] = {"tools": [tool], "prompts": [], "resources": [], "resourceTemplates": []}
    attributes = {"tools": {"acme_delete_thing": {"effect": "destroys", "group": "reports"}}, "prompts": {}}
    precomputed = {"initialize": {}, **lists, "attributes": attributes}
    asked = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'

    def gateway(**variables: str) -> DiscoveryProxy:
        made = DiscoveryProxy(precomputed, {f"FLOTILLA_{name}": value for name, value in variables.items()})
        made.era = "old"
        return made

    assert b"acme_delete_thing" in (gateway().answer(asked) or b"")
    with pytest.raises(SettingError, match=r"^FLOTILLA_") as refused:
        gateway(**variables).answer(asked)
    assert str(refused.value).startswith(sentence)


def test_launcher_leaves_an_unclear_server_guard_to_the_server() -> None:
    precomputed: dict[str, Any] = {kind: [] for kind in ("tools", "prompts", "resources", "resourceTemplates")}
    gateway = DiscoveryProxy(
        {**precomputed, "attributes": {}, "guards": ["ACME_BASE_URL"]}, {"ACME_BASE_URL": "se://x"}
    )
    gateway.era = "old"
    with pytest.raises(SettingError, match="ACME_BASE_URL holds a reference"):
        gateway.answer(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}')


def test_check_offers_the_nearest_name() -> None:
    with pytest.raises(SettingError, match="fs_delete_file is meant"):
        check({"FLOTILLA_DENY": "fs_delet_file"}, {"fs_delete_file": {}, "fs_read_file": {}})


def test_visible_is_a_pure_function() -> None:
    assert visible({}, {}, "x")
    assert not visible({"FLOTILLA_DENY": "x"}, {}, "x")
    assert not visible({"FLOTILLA_READ_ONLY": "1"}, {"effect": "destroys"}, "x")


# --- resources


@pytest.fixture
def shelf(acme: ScratchServer) -> ScratchServer:
    @acme.resource("acme://about")
    async def about() -> str:
        """What this is."""
        return "Acme"

    @acme.reads(group="x")
    async def get_else() -> Out:
        """Something else, so that a filter may name it."""
        return Out()

    @acme.resource("acme://pictures/{name}", mime="image/png")
    async def picture(name: str) -> bytes:
        """A picture."""
        return name.encode()

    return acme


@pytest.mark.parametrize("mode", MODES)
async def test_resources(shelf: ScratchServer, mode: str) -> None:
    async with client(shelf, mode) as c:
        (about,) = await c.list_resources()
        assert (about.name, about.title, about.description) == ("acme_about", "About", "What this is.")
        (picture,) = await c.list_resource_templates()
        assert (picture.name, picture.uri_template, picture.mime_type) == (
            "acme_picture",
            "acme://pictures/{name}",
            "image/png",
        )
        (text,) = await c.read_resource("acme://about")
        assert text.text == "Acme"  # type: ignore[union-attr]
        (blob,) = await c.read_resource("acme://pictures/x")
        assert blob.blob == "eA=="  # type: ignore[union-attr]
        with pytest.raises(MCPError):
            await c.read_resource("acme://nothing")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "variables", [{"DENY": "acme_about,acme_picture"}, {"ALLOW": "acme_get_else"}, {"GROUPS": "x"}]
)
async def test_resources_hidden_are_refused(
    shelf: ScratchServer, environ: pytest.MonkeyPatch, variables: dict[str, str], mode: str
) -> None:
    for name, value in variables.items():
        environ.setenv(f"FLOTILLA_{name}", value)
    async with client(shelf, mode) as c:
        assert await c.list_resources() == []
        assert await c.list_resource_templates() == []
        for uri in ("acme://about", "acme://pictures/x"):
            with pytest.raises(MCPError):
                await c.read_resource(uri)


def test_resource_uri_must_have_the_scheme_of_the_server(acme: ScratchServer) -> None:
    with pytest.raises(TypeError, match="other://x must begin with acme://"):

        @acme.resource("other://x")
        async def about() -> str:
            """About."""
            return ""


def test_visible_lone_credential_offers_its_tools_only() -> None:
    others = {"effect": "reads", "tier": "core", "alone": "ACME_HOOK ACME_TOKEN"}
    hook = {**others, "effect": "writes", "tier": "all", "credential": "ACME_HOOK"}
    lone = {"ACME_HOOK": "T/B/x"}
    assert [visible(lone, one, "acme_x") for one in (others, hook)] == [False, True]
    both = {**lone, "ACME_TOKEN": "acme_live_1"}
    assert [visible(both, one, "acme_x") for one in (others, hook)] == [True, False]
    for unset in ({}, {"ACME_HOOK": "<UNKNOWN>"}):
        assert [visible(unset, one, "acme_x") for one in (others, hook)] == [True, False]
    assert not visible({**lone, "FLOTILLA_READ_ONLY": "on"}, hook, "acme_x")


async def test_server_marks_tools_of_a_lone_credential() -> None:
    class Either(ServerSettings):
        auth_options = (("token",), ("hook",))
        token: SecretStr = Field(description="API token")
        hook: SecretStr = Field(description="Address of a webhook")

    tools = Toolset("things")

    @tools.reads
    async def list_things() -> Out:
        """List things."""
        return Out()

    @tools.writes(core=False, credential="hook")
    async def send_hook() -> Out:
        """Send."""
        return Out()

    about = Integration("acme", title="Acme", description="Things.", category="test", settings=Either)
    server = Server(about, toolsets=[tools])
    assert server.attributes["acme_list_things"]["alone"] == "ACME_HOOK ACME_TOKEN"
    assert "credential" not in server.attributes["acme_list_things"]
    assert server.attributes["acme_send_hook"]["credential"] == "ACME_HOOK"


async def test_changed_variable_counts_from_the_next_call(
    fleet: ScratchServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with client(fleet, "legacy") as user:

        async def is_called() -> bool:
            return "There is no tool" not in text_of(await call(user, "acme_list_things"))

        assert await is_called()
        monkeypatch.setenv("FLOTILLA_DENY", "acme_list_things")
        assert not await is_called()
        monkeypatch.setenv("FLOTILLA_DENY", "acme_create_report")
        assert await is_called()
        monkeypatch.delenv("FLOTILLA_DENY")
        assert await is_called()
        names = tmp_path / "names"  # the variable stays as it is
        names.write_text("acme_create_report")
        monkeypatch.setenv("FLOTILLA_DENY_FILE", str(names))
        assert await is_called()
        names.write_text("acme_list_things")
        assert not await is_called()
