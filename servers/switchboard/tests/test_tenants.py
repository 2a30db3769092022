"""Many tenants behind one switchboard: who they are, and that nothing of one reaches another."""

import asyncio
import hmac
import json
import os
import subprocess
import sys
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from fastmcp.client.messages import MessageHandler
from fastmcp.client.transports import StreamableHttpTransport
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from flotilla_launcher.environment import SettingError
from flotilla_servers.switchboard.catalog import CatalogError
from flotilla_servers.switchboard.commands import Commands
from flotilla_servers.switchboard.options import arguments
from flotilla_servers.switchboard.selection import selected
from flotilla_servers.switchboard.server import build, serve
from flotilla_servers.switchboard.tenants import store as store_module
from flotilla_servers.switchboard.tenants.authentication import authentication
from flotilla_servers.switchboard.tenants.gateways import TenantGateways, account_of
from flotilla_servers.switchboard.tenants.quotas import QuotaError, Quotas
from flotilla_servers.switchboard.tenants.setup import folders, open_tenants
from flotilla_servers.switchboard.tenants.store import Store, StoreError
from flotilla_servers.switchboard.tenants.tenant import Limits, Settings, Tenant, TenantError
from flotilla_servers.switchboard.tenants.tenants import Tenants

from .conftest import ERAS

KEY = "0123456789abcdef" * 4
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.fixture
def tenants(database: str) -> Tenants:
    return Tenants(Store(database))


# -- the table of tenants ---------------------------------------------------------------------------------------------


def test_tenant_of_token(tenants: Tenants) -> None:
    acme, token = tenants.create("acme", Settings(timezone="Europe/Paris", servers=("gmail",)))
    zeta, other = tenants.create("zeta", Settings())
    assert tenants.of_token(token) == acme
    assert tenants.of_token(other) == zeta
    assert tenants.of_token(token[:-1]) is None
    assert tenants.of_token("") is None
    assert [tenant.name for tenant in tenants.all()] == ["acme", "zeta"]


def test_tenant_token_rotation(tenants: Tenants) -> None:
    acme, first = tenants.create("acme", Settings())
    second = tenants.rotate_token(acme, keep_old=True)
    assert [tenants.of_token(token) for token in (first, second)] == [acme, acme]
    third = tenants.rotate_token(acme)
    assert [tenants.of_token(token) for token in (first, second, third)] == [None, None, acme]


def test_tenant_changes_grow_the_revision(tenants: Tenants) -> None:
    acme, token = tenants.create("acme", Settings())
    changed = tenants.change(acme, {"locale": "fr-FR", "tiers": {"gmail": "all"}})
    assert tenants.of_token(token) == changed
    assert (changed.settings.locale, changed.revision) == ("fr-FR", 2)
    tenants.suspend(acme)
    assert not tenants.named("acme").active
    tenants.resume(acme)
    assert tenants.named("acme").active
    assert tenants.named("acme").revision == 4


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("Acme", {}, "`Acme` cannot be the name of a tenant."),
        ("../etc", {}, "`../etc` cannot be the name of a tenant."),
        ("acme", {"colour": "red"}, "A tenant has no setting `colour`."),
        ("acme", {"locale": "de"}, "`de` is not a locale."),
        ("acme", {"timezone": "Mars"}, "`Mars` is not a time zone."),
        ("acme", {"tiers": {"gmail": "some"}}, "`some` is not a tier."),
        ("acme", {"limits": {"calls": 1}}, "A tenant has no limit `calls`."),
        ("acme", {"limits": {"calls_per_minute": -1}}, "A limit is not a whole number."),
    ],
)
def test_tenant_refused(tmp_path: Path, name: str, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TenantError) as error:
        Tenants(Store(str(tmp_path / "db"))).create(name, Settings.of(settings))
    assert error.value.message == sentence


def test_tenant_name_is_used_once(tenants: Tenants) -> None:
    tenants.create("acme", Settings())
    with pytest.raises(TenantError, match="There is a tenant `acme` already"):
        tenants.create("acme", Settings())


def test_tenant_changes_of_two_operators_are_both_kept(database: str) -> None:
    """Each has read the tenant before the other one's change."""
    tenants = Tenants(Store(database))
    seen, _ = tenants.create("acme", Settings())
    tenants.change(seen, {"locale": "fr"})
    changed = tenants.change(seen, lambda now: {"tiers": {**now.tiers, "gmail": "all"}})
    assert (changed.settings.locale, changed.settings.tiers, changed.revision) == ("fr", {"gmail": "all"}, 3)
    assert tenants.named("acme") == changed
    tenants.delete(seen)
    with pytest.raises(TenantError, match="There is no tenant `acme` any more"):
        tenants.change(seen, {"locale": "en"})


def test_tenant_name_that_is_taken_meanwhile_is_no_fault_of_the_database(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another operator creates it after this one has looked."""
    tenants = Tenants(Store(database))
    tenants.create("acme", Settings())
    monkeypatch.setattr(store_module.Transaction, "row", lambda *_, **__: None)
    with pytest.raises(TenantError, match="There is a tenant `acme` already"):
        tenants.create("acme", Settings())


def test_tenant_deleted_and_made_again_is_another_one(tenants: Tenants) -> None:
    first, token = tenants.create("acme", Settings())
    tenants.delete(first)
    assert tenants.of_token(token) is None
    assert tenants.find("acme") is None
    assert tenants.create("acme", Settings())[0].id != first.id


# -- the database -----------------------------------------------------------------------------------------------------


def test_store_migrates_from_version_1(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations, policies = store_module.MIGRATIONS, store_module.POLICIES
    monkeypatch.setattr(store_module, "MIGRATIONS", migrations[:1])
    monkeypatch.setattr(store_module, "POLICIES", policies[:1])
    acme, token = Tenants(Store(database)).create("acme", Settings())
    monkeypatch.setattr(store_module, "MIGRATIONS", (*migrations, "CREATE TABLE more (tenant TEXT)"))
    monkeypatch.setattr(store_module, "POLICIES", (*policies, {"more": store_module.OWN.format("tenant")}))
    store = Store(database)
    assert Tenants(store).of_token(token) == acme
    with store.of(acme, write=True) as transaction:
        transaction.run("INSERT INTO more (tenant) VALUES (:tenant)")
    monkeypatch.setattr(store_module, "MIGRATIONS", migrations)
    with pytest.raises(StoreError, match="made by a newer version"):
        Store(database)


def test_store_failed_migration_changes_nothing(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations = store_module.MIGRATIONS
    monkeypatch.setattr(store_module, "MIGRATIONS", (*migrations, "CREATE TABLE more (id TEXT); SELECT nonsense"))
    monkeypatch.setattr(store_module, "POLICIES", (*store_module.POLICIES, {}))
    with pytest.raises(StoreError):
        Store(database)
    monkeypatch.setattr(store_module, "MIGRATIONS", (*migrations, "CREATE TABLE more (id TEXT)"))
    Tenants(Store(database)).create("acme", Settings())


def test_store_transaction_that_fails_changes_nothing(database: str) -> None:
    store = Store(database)
    acme, _ = Tenants(store).create("acme", Settings())
    with pytest.raises(StoreError), store.of(acme, write=True) as transaction:
        [transaction.run(query) for query in ("DELETE FROM token WHERE tenant = :tenant", "nonsense")]
    with store.of(acme) as transaction:
        assert len(transaction.rows("SELECT hash FROM token WHERE tenant = :tenant")) == 1


def test_store_file_is_private(tmp_path: Path) -> None:
    Store(str(tmp_path / "state" / "tenants.db"))
    assert (tmp_path / "state" / "tenants.db").stat().st_mode & 0o777 == 0o600


# -- identity providers -----------------------------------------------------------------------------------------------

KEYS = {kind: RSAKey.generate_key(2048, {"kid": "1"}) for kind in ("provider", "other")}

OPAQUE: dict[str, dict[str, Any]] = {  # tokens that the provider is asked about
    "opaque-1": {"aud": "flotilla"},
    "opaque-several": {"aud": ["billing", "flotilla"]},
    "opaque-other": {"aud": "billing"},
    "opaque-without": {"sub": "bot"},
}


class IdentityProvider(BaseHTTPRequestHandler):
    """Publishes its keys, and answers token introspection (RFC 7662) to its one client."""

    def do_GET(self) -> None:
        self._send({"keys": [KEYS["provider"].as_dict(private=False, use="sig", alg="RS256")]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked_by = b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        [token] = parse_qs(body)["token"]
        about = OPAQUE.get(token) if asked_by == "flotilla:secret" else None
        self._send({"active": True, "client_id": "voice", "tenant": "acme", **about} if about else {"active": False})

    def _send(self, document: Any) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), IdentityProvider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def signed(key: str = "provider", **claims: Any) -> str:
    good = {"iss": "https://id.example", "aud": "flotilla", "sub": "bot", "exp": int(time.time()) + 600}
    return str(jwt.encode({"alg": "RS256", "kid": "1"}, {**good, "tenant": "acme", **claims}, KEYS[key]))


def unsigned() -> str:
    """Return a token that says of itself that nobody has signed it."""
    head = urlsafe_b64encode(json.dumps({"alg": "none", "kid": "1"}).encode()).decode().rstrip("=")
    return f"{head}.{signed().split('.')[1]}."


def by_the_public_key() -> str:
    """Return a token that is signed with what everybody knows of the provider, as if it were a shared secret."""
    head = urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "1"}).encode()).decode().rstrip("=")
    text = f"{head}.{signed().split('.')[1]}"
    signature = hmac.digest(KEYS["provider"].as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


async def test_tenant_of_an_identity_providers_token(tmp_path: Path, provider: str) -> None:
    tenants = Tenants(Store(str(tmp_path / "db")))
    acme, token = tenants.create("acme", Settings())
    tenants.create("zeta", Settings())
    auth = authentication(
        tenants,
        {
            "FLOTILLA_JWT_KEYS": f"{provider}/keys",
            "FLOTILLA_JWT_ISSUER": "https://id.example",
            "FLOTILLA_JWT_AUDIENCE": "flotilla",
            "FLOTILLA_INTROSPECTION_URL": f"{provider}/introspect",
            "FLOTILLA_INTROSPECTION_CLIENT_ID": "flotilla",
            "FLOTILLA_INTROSPECTION_CLIENT_SECRET": "secret",
        },
    )
    for good in (token, signed(), signed(nbf=int(time.time()) + 5)):
        checked = await auth.verify_token(good)
        assert checked
        assert (checked.tenant, checked.token, checked.client_id) == (acme, "", acme.id)
    for bad in (
        signed(tenant="nobody"),
        signed(tenant=["acme"]),
        signed(aud="another service"),
        signed(iss="https://evil.example"),
        signed(exp=int(time.time()) - 600),
        signed(exp=None),
        signed(exp="tomorrow"),
        signed(nbf=int(time.time()) + 600),
        signed(nbf="tomorrow"),
        unsigned(),
        by_the_public_key(),
        signed(key="other"),
        "opaque-2",
        "acme",
    ):
        assert await auth.verify_token(bad) is None, bad


async def test_tenant_of_a_token_that_is_asked_about(tmp_path: Path, provider: str) -> None:
    tenants = Tenants(Store(str(tmp_path / "db")))
    acme, _ = tenants.create("acme", Settings())
    environ = {
        "FLOTILLA_INTROSPECTION_URL": f"{provider}/introspect",
        "FLOTILLA_INTROSPECTION_CLIENT_ID": "flotilla",
        "FLOTILLA_INTROSPECTION_CLIENT_SECRET": "secret",
        "FLOTILLA_JWT_AUDIENCE": "flotilla",
    }
    auth = authentication(tenants, environ)
    for good in ("opaque-1", "opaque-several"):
        checked = await auth.verify_token(good)
        assert checked
        assert checked.tenant == acme
    for bad in ("opaque-other", "opaque-without", "opaque-unknown"):  # the first two are of other applications
        assert await auth.verify_token(bad) is None
    wrong = authentication(tenants, {**environ, "FLOTILLA_INTROSPECTION_CLIENT_SECRET": "wrong"})
    assert await wrong.verify_token("opaque-1") is None
    other_claim = authentication(tenants, {**environ, "FLOTILLA_TENANT_CLAIM": "org"})
    assert await other_claim.verify_token("opaque-1") is None


@pytest.mark.parametrize("name", ["FLOTILLA_JWT_KEYS", "FLOTILLA_INTROSPECTION_URL"])
def test_tenant_tokens_of_any_audience_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError, match=f"{name} is set without"):
        authentication(Tenants(Store(str(tmp_path / "db"))), {name: "https://id.example/x"})


async def test_tenant_authentication_without_the_database(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "db"))
    _, token = Tenants(store).create("acme", Settings())
    auth = authentication(Tenants(store), {})
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("served"))], middleware=auth.get_middleware())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as http:
        http.headers["Authorization"] = f"Bearer {token}"
        assert (await http.get("/")).text == "served"
        with store.of_all(write=True) as transaction:
            transaction.run("ALTER TABLE token RENAME TO moved")
        refused = await http.get("/")
        assert refused.status_code == 503
        assert refused.json()["error_description"].startswith("Accounts cannot be looked up at the moment.")


# -- quotas -----------------------------------------------------------------------------------------------------------


async def test_quota_calls_a_minute_hold_over_all_gateways(database: str) -> None:
    now = [60_000.0]
    tenants = [Tenants(Store(database)) for _ in range(2)]
    acme, _ = tenants[0].create("acme", Settings(limits=Limits(calls_per_minute=4)))
    zeta, _ = tenants[0].create("zeta", Settings(limits=Limits(calls_per_minute=1)))
    gateways = [Quotas(each, lambda: now[0]) for each in tenants]

    async def call(gateway: Quotas, tenant: Tenant) -> str:
        try:
            async with gateway.call(tenant):
                return "done"
        except QuotaError as error:
            return str(error)

    answers = await asyncio.gather(*(call(gateway, acme) for gateway in gateways * 5))
    refused = "This account has made 4 calls in this minute, which is its limit. Nothing was done. Call again in"
    assert sorted(answers) == [f"{refused} 60 seconds."] * 6 + ["done"] * 4
    assert await call(gateways[0], zeta) == "done"
    now[0] += 45
    assert await call(gateways[1], acme) == f"{refused} 15 seconds."
    now[0] += 15
    assert await call(gateways[1], acme) == "done"


async def test_quota_calls_a_minute_hold_where_clocks_differ(database: str) -> None:
    """A gateway whose clock is some seconds late is in the minute before, for as long, once a minute."""
    tenants = Tenants(Store(database))
    acme, _ = tenants.create("acme", Settings(limits=Limits(calls_per_minute=4)))
    now = [59.0]
    gateways = [Quotas(tenants, lambda late=late: now[0] - late) for late in (0, 3)]

    async def allowed() -> int:
        done = 0
        for gateway in gateways * 5:
            with suppress(QuotaError):
                async with gateway.call(acme):
                    done += 1
        return done

    assert await allowed() == 4
    now[0] = 61.0
    assert await allowed() == 4
    now[0] = 65.0
    assert await allowed() == 0
    now[0] = 121.0
    assert await allowed() == 4


async def test_quota_calls_in_flight_are_counted_until_they_end(tmp_path: Path) -> None:
    tenants = Tenants(Store(str(tmp_path / "db")))
    acme, _ = tenants.create("acme", Settings(limits=Limits(calls_per_minute=0, calls_in_flight=1)))
    zeta, _ = tenants.create("zeta", Settings())
    quotas = Quotas(tenants)
    async with quotas.call(acme), quotas.call(zeta):
        with pytest.raises(QuotaError, match="1 calls of this account are running, which is its limit"):
            await quotas.call(acme).__aenter__()
    async with quotas.call(acme):
        pass


@pytest.mark.parametrize(("megabytes", "quota"), [(0, "0"), (1, "1048576"), (10**12, str(10**12 * 2**20))])
def test_quota_of_data_reaches_the_servers(tmp_path: Path, megabytes: int, quota: str) -> None:
    """0 is any number, not what a server allows where nothing is set."""
    tenants, vault = open_tenants(str(tmp_path / "db"), {"FLOTILLA_TENANT_KEY": KEY})
    acme, _ = tenants.create("acme", Settings(limits=Limits(data_megabytes=megabytes)))
    assert account_of(acme, vault).environment["FLOTILLA_DATA_QUOTA"] == quota


# -- over HTTP --------------------------------------------------------------------------------------------------------


class Customers:
    """Tenants of one switchboard that listens, by name, with a canary each among their credentials."""

    def __init__(self, fleet: Any, names: tuple[str, ...]) -> None:
        self.fleet, self.database = fleet, str(fleet.folder / "tenants.db")
        fleet.environ |= {"FLOTILLA_TENANT_KEY": KEY, "FLOTILLA_LOG": "results"}
        self.tenants, self.vault = open_tenants(self.database, os.environ)
        self.tokens, self.ids = {}, {}
        for name in names:
            tenant, self.tokens[name] = self.tenants.create(name, Settings())
            self.ids[name] = tenant.id
            self.vault.put(tenant, {("probe", "token"): f"canary-{name}"})

    def options(self) -> tuple[str, ...]:
        return ("--tenants", self.database)

    def folder(self, name: str) -> Path:
        return Path(self.fleet.data / "tenants" / self.ids[name])


@pytest.fixture
def customers(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> Customers:
    monkeypatch.setenv("FLOTILLA_TENANT_KEY", KEY)
    return Customers(fleet, ("acme", "zeta"))


@pytest.mark.slow
async def test_tenants_see_nothing_of_each_other(customers: Customers, fleet: Any, person: Any) -> None:
    async with fleet.listening(*customers.options()) as (url, _), AsyncExitStack() as stack:
        people = {}
        for name, era in zip(("acme", "zeta"), ERAS, strict=True):
            people[name] = person(StreamableHttpTransport(url, auth=customers.tokens[name]), era, name)
            await stack.enter_async_context(people[name].client)
        about = {name: await one.about() for name, one in people.items()}
        calls = [(name, one.call("probe_echo", value=f"{name}-{n}")) for n in range(20) for name, one in people.items()]
        answers = await asyncio.gather(*(call for _, call in calls))
        assert [name in answer for (name, _), answer in zip(calls, answers, strict=True)] == [True] * 40
        for name, one in people.items():
            assert f"{name}?" in await one.call("probe_ask", question=f"{name}?")
    assert about["acme"]["pid"] != about["zeta"]["pid"]
    for name, other in (("acme", "zeta"), ("zeta", "acme")):
        env = about[name]["env"]
        assert (env["PROBE_TOKEN"], env["FLOTILLA_USER"]) == (f"canary-{name}", name)
        assert other not in json.dumps(about[name])
        folders = [customers.folder(name), fleet.folder / "state" / "tenants" / customers.ids[name]]
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        assert {path.name for path in files} >= {"asked", "key", "actions.db"}
        for path in files:
            assert other.encode() not in path.read_bytes(), path
    of_all = [path.name for path in (fleet.folder / "state" / "switchboard").iterdir()]
    assert of_all == ["console-token"]  # of the operator's console: no file of all tenants
    assert "canary" not in fleet.stderr_text()
    assert b"canary" not in b"".join(path.read_bytes() for path in fleet.folder.glob("tenants.db*"))


@pytest.mark.slow
async def test_tenant_authentication(customers: Customers, fleet: Any) -> None:
    accept = {"Accept": "application/json, text/event-stream"}
    acme = customers.tenants.named("acme")
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    initialize = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    async with fleet.listening(*customers.options()) as (url, _), httpx2.AsyncClient() as http:

        async def post(token: str, body: Any = PING, **headers: str) -> httpx2.Response:
            return await http.post(url, json=body, headers={**accept, "Authorization": f"Bearer {token}", **headers})

        assert (await http.post(url, json=PING, headers=accept)).status_code == 401
        assert (await post("client-token-1")).status_code == 401  # FLOTILLA_HTTP_TOKEN is nobody's
        assert (await post("flt_wrong")).status_code == 401
        session = (await post(customers.tokens["acme"], initialize)).headers["mcp-session-id"]
        headers = {"Mcp-Session-Id": session}
        assert (await post(customers.tokens["acme"], **headers)).status_code == 200
        assert (await post(customers.tokens["zeta"], **headers)).status_code == 404  # another one's session
        customers.tenants.suspend(acme)
        refused = await post(customers.tokens["acme"], **headers)
        assert refused.status_code == 403
        assert refused.json()["error_description"].startswith("This account is suspended.")
        assert (await post(customers.tokens["zeta"], initialize)).status_code == 200
        customers.tenants.resume(acme)
        assert (await post(customers.tokens["acme"], **headers)).status_code == 200
        customers.tenants.delete(acme)
        assert (await post(customers.tokens["acme"], **headers)).status_code == 401


class Listener(MessageHandler):
    """Notes whose tools have changed."""

    def __init__(self, changes: list[str], name: str) -> None:
        self._changes, self._name = changes, name

    async def on_tool_list_changed(self, message: Any) -> None:
        self._changes.append(self._name)


@pytest.mark.slow
async def test_tenant_changes_hold_from_the_next_request_on(customers: Customers, fleet: Any, person: Any) -> None:
    acme = customers.tenants.named("acme")
    async with fleet.listening(*customers.options()) as (url, _):
        one = person(StreamableHttpTransport(url, auth=customers.tokens["acme"]), "2026-07-28")
        changes: list[str] = []
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(one.client)
            for name in ("acme", "zeta"):
                listener = Listener(changes, name)
                transport = StreamableHttpTransport(url, auth=customers.tokens[name])
                await stack.enter_async_context(person(transport, "legacy", message_handler=listener).client)
            first = await one.about()
            waiting = asyncio.create_task(one.call("probe_wait", seconds=1, name="long"))
            await fleet.until(lambda: one.steps)
            customers.vault.put(acme, {("probe", "token"): "another"})
            customers.tenants.change(acme, {"timezone": "Europe/Paris", "tiers": {"probe": "all"}})
            second = await one.about()
            assert "probe_extra" in [tool.name for tool in await one.client.list_tools()]
            await fleet.until(lambda: changes[-1:] == ["acme"])
            assert "zeta" not in changes
            assert (await waiting).split() == ["long", str(first["pid"])]  # the old server ends after its last call
            assert (second["env"]["PROBE_TOKEN"], second["env"]["FLOTILLA_TIMEZONE"]) == ("another", "Europe/Paris")
            assert second["pid"] != first["pid"]
            await fleet.until(lambda: not Path(f"/proc/{first['pid']}").exists())
            with customers.vault._store.of(acme, write=True) as transaction:
                transaction.run("UPDATE credential SET sealed = :bad WHERE tenant = :tenant", bad=b"x" * 40)
                transaction.run("UPDATE tenant SET revision = revision + 1 WHERE id = :tenant")
            with pytest.raises(Exception, match="The saved token of probe does not open"):
                await one.call("probe_echo", value=1)


@pytest.mark.slow
async def test_tenant_over_its_quota_takes_nothing_from_others(customers: Customers, fleet: Any, person: Any) -> None:
    customers.tenants.change(customers.tenants.named("acme"), {"limits": {"calls_in_flight": 2}})
    async with fleet.listening(*customers.options()) as (url, _), AsyncExitStack() as stack:
        acme, zeta = (person(StreamableHttpTransport(url, auth=customers.tokens[n]), "auto") for n in ("acme", "zeta"))
        for one in (acme, zeta):
            await stack.enter_async_context(one.client)
        long = [asyncio.create_task(acme.call("probe_wait", seconds=20, name="long")) for _ in range(2)]
        await fleet.until(lambda: len(acme.steps) == 2)
        refused = await acme.client.call_tool_mcp("probe_die_writing", {})
        assert refused.is_error
        assert refused.content[0].text.startswith("Error: 2 calls of this account are running, which is its limit.")
        with pytest.raises(Exception, match="2 calls of this account are running"):
            await acme.client.read_resource("probe://fixed")
        assert len(await acme.client.list_tools()) > 3
        assert json.loads(await zeta.call("probe_echo", value=1)) == {"value": 1}
        for task in long:
            task.cancel()
        await asyncio.wait(long)
        await fleet.until(lambda: (customers.folder("acme") / "cancelled").exists())
        assert json.loads(await acme.call("probe_echo", value=2)) == {"value": 2}
    assert not (customers.folder("acme") / "written").exists()


# -- beside it --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def gateways(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TenantGateways]:
    monkeypatch.setenv("FLOTILLA_TENANT_KEY", KEY)
    options = arguments(fleet.options())
    tenants, vault = open_tenants(str(fleet.folder / "db"), os.environ)
    made = TenantGateways(options, tenants, vault, build, Commands(options), KEY)
    yield made
    await made.close()


async def idle(gateways: TenantGateways, name: str) -> Tenant:
    """Create a tenant whose gateway has had nothing to answer for a while."""
    tenant, _ = gateways._tenants.create(name, Settings(servers=("probe",)))
    (await gateways._current(tenant)).gateway.last_request -= 601
    return tenant


async def test_tenants_gateways_end_when_nobody_needs_them(fleet: Any, gateways: TenantGateways) -> None:
    tenants = gateways._tenants
    made = {name: tenants.create(name, Settings())[0] for name in ("busy", "deleted", "idle", "new", "suspended")}
    for tenant in made.values():
        await gateways._current(tenant)
    gateways._gateways[made["idle"].id].gateway.last_request -= 601
    gateways._gateways[made["busy"].id].gateway.last_request -= 601
    gateways._gateways[made["busy"].id].requests += 1
    tenants.delete(made["deleted"])
    tenants.suspend(made["suspended"])
    places = {name: folders(fleet.data, fleet.folder / "state", tenant.id) for name, tenant in made.items()}
    await gateways.close_unneeded()
    assert list(gateways._gateways) == [made["busy"].id, made["new"].id]
    assert [folder.exists() for folder in places["deleted"]] == [False, False]
    assert [folder.exists() for name in ("busy", "idle", "suspended") for folder in places[name]] == [True] * 6


async def test_tenants_gateways_that_cannot_be_closed_keep_no_others(
    fleet: Any, gateways: TenantGateways, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a disk is gone")

    async def fail_later() -> None:
        fail()

    monkeypatch.setattr("flotilla_servers.switchboard.tenants.gateways.SWEEP", 0)
    acme, zeta = await idle(gateways, "acme"), await idle(gateways, "zeta")
    monkeypatch.setattr(gateways._gateways[acme.id].gateway.tool_search, "close", fail_later)
    closed = list[bool]()
    monkeypatch.setattr(gateways._gateways[zeta.id].gateway, "close", lambda: closed.append(True))
    with monkeypatch.context() as broken:
        broken.setattr(gateways._tenants, "all", fail)
        sweeping = asyncio.create_task(gateways.sweep())
        await fleet.until(lambda: "idle accounts are not closed: a disk is gone" in capfd.readouterr().err)
    await fleet.until(lambda: closed)
    sweeping.cancel()
    assert gateways._gateways == {}
    assert "not all could be stopped: RuntimeError('a disk is gone')" in capfd.readouterr().err


async def test_tenants_sweep_leaves_a_tenant_alone_that_was_made_meanwhile(
    fleet: Any, gateways: TenantGateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, read = asyncio.get_running_loop(), gateways._tenants.all
    made: list[Tenant] = []

    def slow() -> list[Tenant]:
        tenants = read()
        made.append(gateways._tenants.create("new", Settings())[0])
        asyncio.run_coroutine_threadsafe(gateways._current(made[0]), loop).result()
        return tenants

    monkeypatch.setattr(gateways._tenants, "all", slow)
    await gateways.close_unneeded()
    assert list(gateways._gateways) == [made[0].id]
    assert all(folder.exists() for folder in folders(fleet.data, fleet.folder / "state", made[0].id))


async def test_tenants_sweep_leaves_a_gateway_alone_that_a_call_gets(
    gateways: TenantGateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, zeta = await idle(gateways, "acme"), await idle(gateways, "zeta")
    changed = gateways._tenants.change(zeta, {"locale": "fr-FR"})

    async def close() -> None:  # of another tenant's server takes its time
        await gateways._current(changed)

    monkeypatch.setattr(gateways._gateways[acme.id].backends[0], "close", close)
    await gateways.close_unneeded()
    assert [(tenant_id, made.tenant.revision) for tenant_id, made in gateways._gateways.items()] == [(zeta.id, 2)]


async def test_tenants_calls_get_one_gateway_while_the_sweep_closes_the_one_before(
    fleet: Any, gateways: TenantGateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await idle(gateways, "acme")
    changed = gateways._tenants.change(acme, {"locale": "fr-FR"})
    begun, may_end, make = list[Tenant](), threading.Event(), gateways._make

    def slow(tenant: Tenant) -> Any:
        begun.append(tenant)
        may_end.wait()
        return make(tenant)

    monkeypatch.setattr(gateways, "_make", slow)
    first = asyncio.create_task(gateways._current(changed))
    await fleet.until(lambda: begun)
    await gateways.close_unneeded()
    second = asyncio.create_task(gateways._current(changed))
    await asyncio.sleep(0)
    may_end.set()
    assert await first is await second
    assert begun == [changed]


async def test_tenants_containers_mount_folders_of_their_own(fleet: Any) -> None:
    fleet.spec["volumes"] = ["flotilla-data:/data", "flotilla-probe:/state", "/etc/ssl:/certificates:ro"]
    options = arguments(fleet.options("--run", "docker"))
    data, state = fleet.folder / "data" / "tenants" / "acme-1", fleet.folder / "state" / "tenants" / "acme-1"
    commands = Commands(options).in_folders(data, state)
    [entry] = selected(options)
    argv = (await commands.command(entry)).argv
    volumes = [value for option, value in pairwise(argv) if option == "-v"]
    assert volumes == [f"{data}:/data", f"{state}/probe:/state/probe", "/etc/ssl:/certificates:ro"]
    assert (state / "probe").is_dir()
    entry.volumes.append("cache:/cache")
    with pytest.raises(OSError, match="its volume cache:/cache would be shared with other accounts"):
        await commands.command(entry)


def test_one_person_imports_nothing_of_tenants() -> None:
    code = "import sys, flotilla_servers.switchboard.server; print([n for n in sys.modules if 'tenants' in n])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


async def test_tenants_need_http(fleet: Any) -> None:
    with pytest.raises(CatalogError, match="--tenants needs --transport http"):
        await serve(arguments(fleet.options("--tenants", str(fleet.folder / "db"), "--transport", "stdio")))
