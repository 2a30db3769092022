"""Several accounts of one server: one list of tools, and calls that reach the account that they name alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from flotilla_servers.switchboard.action_log import read
from flotilla_servers.switchboard.approvals import Approvals
from flotilla_servers.switchboard.database import Database
from flotilla_servers.switchboard.options import arguments
from flotilla_servers.switchboard.selection import Account
from flotilla_servers.switchboard.server import build
from flotilla_servers.switchboard.tenants.sealed_remote import SealedRemote

from .conftest import BOTH

SECRETS = {"probe.token": "canary-main", "probe@lyon.token": "canary-lyon", "probe@paris.token": "canary-paris"}
WITHOUT_MAIN = {name: value for name, value in SECRETS.items() if name != "probe.token"}
KEY = "0123456789abcdef" * 4


@asynccontextmanager
async def serving(fleet: Any, secrets: dict[str, str], *more: str) -> AsyncIterator[Any]:
    """Build the gateway of a tenant with these secrets."""
    gateway, backends = build(arguments(fleet.options(*more)), Account(secrets, {}, tenant="acme-1"))
    try:
        yield gateway
    finally:
        await gateway.end(backends)


def properties(gateway: Any, tool: str = "probe_echo") -> Any:
    return gateway.input_schema(tool)["properties"]


@BOTH
async def test_calls_reach_the_account_that_they_name(fleet: Any, person: Any, era: str) -> None:
    names = ["main", "lyon", "paris"]
    async with serving(fleet, SECRETS) as gateway, (it := person(gateway, era, "marie")).client:

        async def about(**account: str) -> dict[str, Any]:
            return dict(json.loads(await it.call("probe_about", **account)))

        results = await asyncio.gather(*(about(use_account=name) for name in names * 5))
        assert [one["env"]["PROBE_TOKEN"] for one in results] == [f"canary-{name}" for name in names * 5]
        assert len({one["pid"] for one in results}) == 3
        states = [one["env"]["FLOTILLA_STATE"].removeprefix(str(fleet.folder)) for one in results[:3]]
        assert states == ["/state", "/state/@lyon", "/state/@paris"]
        for name, one in zip(names, results, strict=False):
            assert not [other for other in names if other != name and f"canary-{other}" in json.dumps(one)]
        assert (await about())["env"]["PROBE_TOKEN"] == "canary-main"
        answer = await it.call("probe_ask", question="Sure?", use_account="paris")
    assert answer.startswith("Sure?: accept marie")
    assert it.asked == ["[paris] Sure?"]  # the server does not know which account it works for
    rows = [json.loads(row["arguments"])["use_account"] for row in read(fleet.folder / "state")]
    assert (rows[0], set(rows)) == ("paris", set(names))  # also of the call that named none


async def test_tools_are_listed_once_whatever_the_number_of_accounts(fleet: Any) -> None:
    one = {"probe.token": "canary-main"}
    async with serving(fleet, one) as gateway:
        listed = gateway.listed("tools")
        assert "use_account" not in properties(gateway)
    async with serving(fleet, SECRETS) as gateway:
        assert [tool["name"] for tool in gateway.listed("tools")] == [tool["name"] for tool in listed]
        argument = properties(gateway)["use_account"]
        assert (argument["type"], argument["enum"]) == ("string", ["main", "lyon", "paris"])
        assert argument["description"] == "The account to work with. Without it: main."
        assert "use_account" not in gateway.input_schema("probe_echo").get("required", ())
    async with serving(fleet, WITHOUT_MAIN) as gateway:
        assert properties(gateway)["use_account"]["enum"] == ["lyon", "paris"]
        assert gateway.input_schema("probe_echo")["required"] == ["use_account"]


@pytest.mark.parametrize("name", ["rome", "", ["paris"], None])
async def test_call_for_no_account_is_not_sent(fleet: Any, person: Any, name: Any) -> None:
    async with serving(fleet, SECRETS) as gateway, (it := person(gateway, "2026-07-28")).client:
        refused = await it.call("probe_note", text="x", use_account=name)
        assert refused == (
            "Error: `use_account` must be the name of an account. `probe_note` has `main`, `lyon`, `paris`. "
            "Nothing was done. Call again with one."
        )
    assert fleet.lines("starts") == []


async def test_call_without_a_name_needs_the_account_without_one(fleet: Any, person: Any) -> None:
    async with serving(fleet, WITHOUT_MAIN) as gateway, (it := person(gateway, "2026-07-28")).client:
        for more in ({}, {"use_account": "main"}):
            assert "`probe_note` has `lyon`, `paris`" in await it.call("probe_note", text="x", **more)
        assert await it.call("probe_note", text="x", use_account="lyon") == "noted x"


@BOTH
async def test_yes_counts_for_the_account_that_was_shown(fleet: Any, person: Any, era: str) -> None:
    on = ("--permissions", "on")
    async with serving(fleet, SECRETS, *on) as gateway, (it := person(gateway, era)).client:
        assert "\n  use_account: paris\n" in await it.call("probe_delete", text="1", use_account="paris")
        approvals = Approvals(Database(fleet.folder / "state"))
        [waiting] = approvals.waiting()
        assert approvals.answer(waiting.id, True, "console")
        for more in ({}, {"use_account": "main"}, {"use_account": "lyon"}):
            assert "needs the user's yes" in await it.call("probe_delete", text="1", **more)
        assert fleet.lines("deleted") == []
        assert await it.call("probe_delete", text="1", use_account="paris") == "deleted 1"


async def test_each_account_has_the_tools_that_its_guards_leave(fleet: Any, person: Any) -> None:
    fleet.spec["secrets"].append({"name": "probe.deny", "env": "FLOTILLA_DENY"})
    secrets = {**SECRETS, "probe@paris.deny": "probe_note"}
    async with serving(fleet, secrets) as gateway, (it := person(gateway, "2026-07-28")).client:
        assert properties(gateway, "probe_note")["use_account"]["enum"] == ["main", "lyon"]
        assert properties(gateway)["use_account"]["enum"] == ["main", "lyon", "paris"]
        assert "`probe_note` has `main`, `lyon`." in await it.call("probe_note", text="x", use_account="paris")
    async with serving(fleet, {**SECRETS, "probe.deny": "probe_note"}) as gateway:  # for each that says nothing else
        assert gateway.input_schema("probe_note") is None


def test_no_tool_of_the_fleet_has_an_argument_of_this_name() -> None:
    files = list(Path(__file__).parents[2].glob("*/tools.json"))
    assert files
    assert not [path for path in files if '"use_account"' in path.read_text()]


def test_account_with_a_name_takes_guards_and_the_app_and_no_key() -> None:
    main = {"a.token": "t", "a.client_id": "i", "a.client_secret": "s", "a.read_only": "1", "b.token": "u"}
    paris = {"a@paris.refresh_token": "r", "b@paris.base_url": "https://b.example"}
    account = Account(main | paris, {}, tenant="acme-1")
    assert account.names() == {"paris": {"a", "b"}}
    assert account.of("").secrets == main
    app = {"a.client_id": "i", "a.client_secret": "s"}
    shared = {"a.read_only": "1", **app}
    assert account.of("paris").secrets == {**shared, "a.refresh_token": "r", "b.base_url": "https://b.example"}
    without_login = Account(main | {"a@paris.region": "eu"}, {})
    assert without_login.of("paris").secrets == {"a.read_only": "1", "a.region": "eu"}
    assert without_login.of("paris", connecting=True).secrets == {**shared, "a.region": "eu"}
    own_app = Account(main | {"a@paris.refresh_token": "r", "a@paris.client_id": "own"}, {})
    assert own_app.of("paris").secrets == {"a.read_only": "1", "a.refresh_token": "r", "a.client_id": "own"}


async def test_shared_server_gets_the_account_of_the_call(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_STATE_KEY", KEY)
    remote = ("--remote", "probe=http://127.0.0.1:1/mcp")
    _, backends = build(arguments(fleet.options(*remote)), Account(SECRETS, {}, tenant="acme-1"))
    credentials = [cast(SealedRemote, backend)._credentials for backend in backends]
    sent = [(one.tenant, one.environ["PROBE_TOKEN"]) for one in credentials]
    assert sent == [("acme-1", "canary-main"), ("acme-1@lyon", "canary-lyon"), ("acme-1@paris", "canary-paris")]
