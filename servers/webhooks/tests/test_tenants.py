"""One receiver for all tenants of a database: nothing of one reaches another, and none waits for another one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from flotilla import errors
from flotilla.audit import Audit
from flotilla.sealing import Keys
from flotilla_launcher.environment import SettingError
from flotilla_servers.switchboard.tenants import administration
from flotilla_servers.switchboard.tenants.gateways import account_of
from flotilla_servers.switchboard.tenants.server_tenants import ServerTenants
from flotilla_servers.switchboard.tenants.setup import open_tenants
from flotilla_servers.switchboard.tenants.tenant import Settings, Tenant
from flotilla_servers.webhooks.client import InboxSettings
from flotilla_servers.webhooks.receive import tenants as receive_tenants
from flotilla_servers.webhooks.receive.page import Page
from flotilla_servers.webhooks.receive.tenants import OfTenants
from flotilla_servers.webhooks.server import server
from flotilla_servers.webhooks.store import Store
from flotilla_servers.webhooks.tests import senders
from flotilla_servers.webhooks.tests.conftest import Log, client_of, forwarders
from flotilla_servers.webhooks.tests.senders import PUBLIC, WHSEC, Sent, sent
from flotilla_testing import environment, results_of
from flotilla_testing.waiting import eventually

SECRETS = {"acme": "the-secret-of-acme", "zeta": "the-secret-of-zeta"}
FORWARDED = {"forward_url": "https://{}.example.com/in", "forward_secret": WHSEC}
PAGE_TOKEN = "a-password-of-the-operator"


class Agency:
    """The tenants acme and zeta on this machine, each with a secret of Calendly, and what a receiver sees of them."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database, self.environ = folder, database, dict(os.environ)
        self.tenants, self.vault = open_tenants(database, self.environ)
        for name, secret in SECRETS.items():
            self.create(name, secrets=f"calendly/main={secret}")

    def create(self, name: str, servers: tuple[str, ...] = ("webhooks",), **settings: str) -> Tenant:
        places = (self.folder / "template", self.folder / "data", self.folder / "state")
        made, _ = administration.create(self.tenants, self.vault, name, Settings(servers=servers).document(), *places)
        self.put(name, **settings)
        return made

    def put(self, name: str, **settings: str) -> None:
        values = {("flotilla-webhooks", key): value.format(name) for key, value in settings.items()}
        self.vault.put(self.tenants.named(name), values)

    def delete(self, name: str) -> None:
        administration.delete(self.tenants, self.tenants.named(name), self.folder / "data", self.folder / "state")

    def id(self, name: str) -> str:
        return self.tenants.named(name).id

    def state(self, tenant_id: str) -> Path:
        return self.folder / "state" / "tenants" / tenant_id

    def store(self, name: str) -> Store:
        """Return a tenant's database, as its tools open it."""
        folder = self.state(self.id(name)) / "webhooks"
        return Store(folder / "webhooks.db", Keys("webhooks", [(folder / "key").read_text()], shared=True))

    def inboxes(self, forwarder: Any = None) -> OfTenants:
        source = ServerTenants(self.database, "webhooks", InboxSettings.model_fields, self.environ)
        audit = Audit("webhooks-receive", frozenset())
        return OfTenants(source, frozenset(), audit, forwarder or forwarders())


@pytest.fixture
def agency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log) -> Agency:
    for name in [name for name in os.environ if name.startswith(("FLOTILLA_", "WEBHOOKS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOTILLA_TENANT_KEY", "0123456789abcdef" * 4)
    monkeypatch.setenv("FLOTILLA_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WEBHOOKS_PUBLIC_URL", PUBLIC)
    return Agency(tmp_path, str(tmp_path / "tenants.db"))


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, agency: Agency, tmp_path: Path) -> Agency:
    """The same tenants in a file, and in a PostgreSQL server."""
    if request.param == "sqlite":
        return agency
    return Agency(tmp_path, request.getfixturevalue("postgresql")())


class Vendor:
    """Whoever calls the receiver, at the address of a tenant."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def posts(self, tenant_id: str, request: Sent) -> httpx.Response:
        return await self.client.post(
            f"/t/{tenant_id}{request.path}", content=request.body, headers=dict(request.headers)
        )


@asynccontextmanager
async def receiving(inboxes: OfTenants) -> AsyncIterator[Vendor]:
    await inboxes.start()
    async with client_of(inboxes, of_tenants=True) as client:
        yield Vendor(client)


def booking(name: str, of: str = "Émile") -> Sent:
    """Return Calendly's request with the secret of a tenant."""
    return sent("calendly", SECRETS[name], name=of)


# -- apart ------------------------------------------------------------------------------------------------------------


async def test_tenants_have_their_own_secrets_and_events(anywhere: Agency) -> None:
    """The same vendor, endpoint and event id at both: what one's secret has signed is nothing at the other's."""
    acme, zeta = anywhere.id("acme"), anywhere.id("zeta")
    async with receiving(anywhere.inboxes()) as vendor:
        assert (await vendor.posts(zeta, booking("acme"))).status_code == 401
        assert (await vendor.posts(acme, booking("zeta"))).status_code == 401
        assert [anywhere.store(name).events(state="") for name in SECRETS] == [[], []]
        answers = [await vendor.posts(tenant, booking(name)) for tenant, name in ((acme, "acme"), (zeta, "zeta")) * 2]
        assert [answer.status_code for answer in answers] == [200] * 4
    for name in SECRETS:
        [event] = anywhere.store(name).events()
        assert event.duplicates == 1
        outcomes = {outcome: number for *_, outcome, number in anywhere.store(name).outcomes()}
        assert outcomes == {"received": 1, "duplicate": 1, "refused: the signature does not match": 1}


async def test_tenants_that_are_not_received_for_look_like_an_endpoint_that_is_not_there(anywhere: Agency) -> None:
    """Nobody learns which tenants there are, and nothing is stored for them."""
    for name in ("suspended", "deleted", "without"):
        anywhere.create(name, servers=("hubspot",) if name == "without" else ("webhooks",), secrets="calendly/main=key")
    ids = {name: anywhere.id(name) for name in ("suspended", "deleted", "without")}
    inboxes = anywhere.inboxes()
    async with receiving(inboxes) as vendor:
        anywhere.tenants.suspend(anywhere.tenants.named("suspended"))
        anywhere.delete("deleted")
        await inboxes.look()
        missing = await vendor.client.post(f"/t/{anywhere.id('acme')}/hooks/calendly/other", content=b"{}")
        for tenant in (*ids.values(), "nobody-00000000", "acme", "%00"):
            answer = await vendor.posts(tenant, sent("calendly", "key"))
            assert (answer.status_code, answer.content) == (missing.status_code, missing.content)
            assert answer.headers == missing.headers
        assert (await vendor.posts(ids["suspended"], Sent("nobody"))).status_code == 404
        assert (await vendor.client.post("/hooks/calendly/main", content=b"{}")).status_code == 404
        assert anywhere.store("suspended").events(state="") == []
        assert not anywhere.state(ids["deleted"]).exists()

        anywhere.tenants.resume(anywhere.tenants.named("suspended"))
        await inboxes.look()
        assert (await vendor.posts(ids["suspended"], sent("calendly", "key"))).status_code == 200


async def test_tenants_settings_hold_from_the_next_look_on(anywhere: Agency) -> None:
    acme, inboxes = anywhere.id("acme"), anywhere.inboxes()
    async with receiving(inboxes) as vendor:
        assert (await vendor.posts(acme, booking("acme"))).status_code == 200
        anywhere.put("acme", secrets="calendly/main=newer-secret slack/team=another")
        await inboxes.look()
        assert (await vendor.posts(acme, booking("acme"))).status_code == 401
        assert (await vendor.posts(acme, sent("calendly", "newer-secret"))).status_code == 200
        new = anywhere.create("later", secrets="calendly/main=key")
        assert (await vendor.posts(new.id, sent("calendly", "key"))).status_code == 401
        await inboxes.look()
        assert (await vendor.posts(new.id, sent("calendly", "key"))).status_code == 200


async def test_tenants_wrong_settings_of_one_ask_its_vendors_to_come_again(agency: Agency, log: Log) -> None:
    """They are said once, without a value; the other tenants get what is theirs."""
    acme, zeta, inboxes = agency.id("acme"), agency.id("zeta"), agency.inboxes()
    async with receiving(inboxes) as vendor:
        agency.put("acme", secrets="calendly/main=CANARY nobody/main=CANARY")
        for _ in range(3):
            await inboxes.look()
        refused = await vendor.posts(acme, booking("acme"))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert (await vendor.posts(zeta, booking("zeta"))).status_code == 200
        [line] = [json.loads(line) for line in log.text.splitlines() if "not receiving" in line]
        assert line["tenant"] == acme
        assert "there is no vendor `nobody`" in line["reason"]
        assert "CANARY" not in log.text
        agency.put("acme", secrets=f"calendly/main={SECRETS['acme']}")
        await inboxes.look()
        assert (await vendor.posts(acme, booking("acme"))).status_code == 200


async def test_tenants_vendors_that_sign_the_address_sign_that_of_the_tenant(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = agency.id("acme")
    agency.put("acme", secrets="hubspot/main=client-secret")
    async with receiving(agency.inboxes()) as vendor:
        elsewhere = sent("hubspot", "client-secret")
        monkeypatch.setattr(senders, "PUBLIC", f"{PUBLIC}/t/{acme}")
        assert (await vendor.posts(acme, elsewhere)).status_code == 401
        assert (await vendor.posts(acme, sent("hubspot", "client-secret"))).status_code == 200


async def test_tenants_tools_show_the_address_that_is_received_at(agency: Agency, asked: list[str]) -> None:
    """The environment that the switchboard gives the tools, and the events that the receiver has stored."""
    acme = agency.tenants.named("acme")
    own = account_of(acme, agency.vault).variables["webhooks"]
    state = {"FLOTILLA_STATE": str(agency.state(acme.id)), "WEBHOOKS_SECRETS": f"calendly/main={SECRETS['acme']}"}
    async with receiving(agency.inboxes()) as vendor:
        with environment(server, **own, **state):
            tool = results_of(server, "wh", asked)
            [endpoint] = (await tool("list_endpoints"))["items"]
            assert endpoint["url"] == f"{PUBLIC}/t/{acme.id}/hooks/calendly/main"
            one = booking("acme")
            path = endpoint["url"].removeprefix(PUBLIC)
            assert (await vendor.client.post(path, content=one.body, headers=dict(one.headers))).status_code == 200
            [event] = (await tool("list_events"))["items"]
            details = await tool("get_event", event=event["event"])
    assert details["payload"]["payload"]["name"] == "Émile"


# -- a tenant that is deleted -----------------------------------------------------------------------------------------


async def test_tenants_deleted_one_is_let_go(agency: Agency) -> None:
    """What comes between the deletion and the next look is not stored, and makes no folder again."""
    acme, inboxes = agency.id("acme"), agency.inboxes()
    async with receiving(inboxes) as vendor:
        assert (await vendor.posts(acme, booking("acme"))).status_code == 200
        agency.delete("acme")
        assert (await vendor.posts(acme, booking("acme", "Zoé"))).status_code == 503
        await inboxes.look()
        assert (await vendor.posts(acme, booking("acme", "Zoé"))).status_code == 401
        assert acme not in inboxes.by_tenant
    assert [path.name for path in (agency.folder / "state" / "tenants").iterdir()] == [agency.id("zeta")]


# -- forwards ---------------------------------------------------------------------------------------------------------


async def test_tenants_forwards_go_to_each_ones_address(agency: Agency) -> None:
    for name in SECRETS:
        agency.put(name, **FORWARDED)
    sent_on: list[tuple[str, str]] = []

    def target(request: httpx.Request) -> httpx.Response:
        sent_on.append((request.headers["host"], json.loads(request.content)["data"]["payload"]["name"]))
        return httpx.Response(204)

    inboxes = agency.inboxes(forwarders(target))
    async with receiving(inboxes) as vendor:
        for name in SECRETS:
            await vendor.posts(agency.id(name), booking(name, f"guest of {name}"))
        await eventually(lambda: len(sent_on) == 2)
        agency.put("acme", forward_url="https://moved.example.com/in")
        await inboxes.look()
        await vendor.posts(agency.id("acme"), booking("acme", "later guest"))
        await eventually(lambda: len(sent_on) == 3)
        await eventually(lambda: agency.store("acme").forward_totals() == {"delivered": 2})
    assert sorted(sent_on) == [
        ("acme.example.com", "guest of acme"),
        ("moved.example.com", "later guest"),
        ("zeta.example.com", "guest of zeta"),
    ]


async def test_tenants_address_that_never_answers_holds_up_no_other(agency: Agency) -> None:
    """Ten events wait for acme's address; each of zeta's arrives. What waits stays acme's."""
    for name in SECRETS:
        agency.put(name, **FORWARDED)
    arrived: list[str] = []

    async def target(request: httpx.Request) -> httpx.Response:
        if request.headers["host"] == "acme.example.com":
            await asyncio.Event().wait()
        arrived.append(request.headers["host"])
        return httpx.Response(204)

    turns = asyncio.Semaphore(2)
    async with receiving(agency.inboxes(forwarders(target, at_once=2, turns=turns))) as vendor:  # type: ignore[arg-type]
        for number in range(10):
            await vendor.posts(agency.id("acme"), booking("acme", f"n{number}"))
        for number in range(10):
            await vendor.posts(agency.id("zeta"), booking("zeta", f"n{number}"))
        await eventually(lambda: len(arrived) == 10)
        await eventually(lambda: agency.store("zeta").forward_totals() == {"delivered": 10})
    assert set(arrived) == {"zeta.example.com"}
    assert agency.store("acme").forward_totals() == {"waiting": 10}


async def test_tenants_suspended_one_forwards_nothing_until_it_is_resumed(agency: Agency) -> None:
    agency.put("acme", **FORWARDED)
    arrived: list[str] = []

    def target(request: httpx.Request) -> httpx.Response:
        arrived.append(request.headers["webhook-id"])
        return httpx.Response(204)

    inboxes = agency.inboxes(forwarders(target))
    async with receiving(inboxes) as vendor:
        await vendor.posts(agency.id("acme"), booking("acme"))
        await eventually(lambda: agency.store("acme").forward_totals() == {"delivered": 1})
        inbox = inboxes.by_tenant[agency.id("acme")]
        agency.tenants.suspend(agency.tenants.named("acme"))
        await inboxes.look()
        agency.store("acme").forward_again([1])
        await eventually(lambda: not inbox._tasks)  # nobody looks any more
        assert agency.store("acme").forward_totals() == {"waiting": 1}
        agency.tenants.resume(agency.tenants.named("acme"))
        await inboxes.look()
        await eventually(lambda: agency.store("acme").forward_totals() == {"delivered": 1})
    assert len(arrived) == 2


# -- many -------------------------------------------------------------------------------------------------------------


async def test_tenants_flood_of_one_leaves_room_for_others(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive_tenants, "MOST_AT_ONCE", 3)
    acme, zeta, inboxes = agency.id("acme"), agency.id("zeta"), agency.inboxes()
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await go_on.wait()

    async with receiving(inboxes) as vendor:
        floods = [
            asyncio.create_task(vendor.client.post(f"/t/{acme}/hooks/calendly/main", content=slow())) for _ in range(3)
        ]
        await eventually(lambda: inboxes.by_tenant[acme].running == 3)
        assert (await vendor.posts(acme, booking("acme"))).status_code == 503
        assert (await vendor.posts(zeta, booking("zeta"))).status_code == 200
        go_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*floods)} == {401}
        assert (await vendor.posts(acme, booking("acme"))).status_code == 200


@pytest.mark.slow
async def test_tenants_two_hundred_hold_no_files_open(agency: Agency) -> None:
    for number in range(200):
        agency.create(f"t{number}", secrets=f"calendly/main=key-{number}", **FORWARDED)
    inboxes = agency.inboxes(forwarders(lambda _: httpx.Response(204), turns=asyncio.Semaphore(25)))
    ids = {number: agency.id(f"t{number}") for number in range(200)}
    before = len(os.listdir("/proc/self/fd"))
    async with receiving(inboxes) as vendor:
        answers = await asyncio.gather(
            *(vendor.posts(tenant, sent("calendly", f"key-{number}")) for number, tenant in ids.items())
        )
        assert [answer.status_code for answer in answers] == [200] * 200
        stores = [inboxes.by_tenant[tenant].store for tenant in ids.values()]
        await eventually(lambda: all(store.forward_totals() == {"delivered": 1} for store in stores))
        await eventually(lambda: len(os.listdir("/proc/self/fd")) < before + 20)


async def test_tenants_database_that_cannot_be_reached_changes_nothing(
    agency: Agency, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """What was known stays so; it is said once, and what has changed is seen when it is back."""
    monkeypatch.setattr(receive_tenants, "PAUSE", 0.0)
    inboxes, looks = agency.inboxes(), []
    served = inboxes._tenants.served

    def broken() -> dict[str, Tenant]:
        looks.append(1)
        raise SettingError("The database of tenants cannot be used: it is gone.", "Ask the operator.")

    async with receiving(inboxes) as vendor:
        monkeypatch.setattr(inboxes._tenants, "served", broken)
        following = asyncio.create_task(inboxes.follow())
        await eventually(lambda: len(looks) > 2)
        assert (await vendor.posts(agency.id("acme"), booking("acme"))).status_code == 200
        assert log.text.count("tenants not read") == 1
        agency.tenants.suspend(agency.tenants.named("acme"))
        monkeypatch.setattr(inboxes._tenants, "served", served)
        await eventually(lambda: agency.id("acme") not in inboxes.by_tenant)
        following.cancel()


# -- the page ---------------------------------------------------------------------------------------------------------


async def test_tenants_page_shows_all_and_each(agency: Agency) -> None:
    agency.put("acme", **FORWARDED)
    attempts: list[str] = []

    def gone(request: httpx.Request) -> httpx.Response:
        attempts.append(request.headers["webhook-id"])
        return httpx.Response(410)

    inboxes = agency.inboxes(forwarders(gone))
    async with receiving(inboxes) as vendor:
        await vendor.posts(agency.id("acme"), booking("acme"))
        for number in range(2):
            await vendor.posts(agency.id("zeta"), booking("zeta", f"n{number}"))
        await eventually(lambda: agency.store("acme").forward_totals() == {"dead": 1})
        agency.create("wrong", secrets="nobody/main=x")
        await inboxes.look()

        async def receiver(scope: object, receive: object, send: object) -> None:
            raise AssertionError("the page's port serves the page alone")

        transport = httpx.ASGITransport(Page(inboxes, PAGE_TOKEN).beside(receiver, 8086))
        base, acme = "http://127.0.0.1:8086", agency.id("acme")
        async with httpx.AsyncClient(transport=transport, base_url=base, auth=("x", PAGE_TOKEN)) as browser:
            shown = (await browser.get("/")).text
            assert f"<a href='/t/{acme}'>{acme}</a><td>1<td>1<td>0<td>0<td>0<td>1<td>" in shown
            assert "<td>all<td><td>3<td>0<td>0<td>0<td>1<td>" in shown
            assert "there is no vendor `nobody`" in shown
            own = (await browser.get(f"/t/{acme}")).text
            assert "it answered 410" in own
            assert "calendly/main" in own
            assert (await browser.get("/t/nobody-00000000")).status_code == 404
            assert (await browser.get("/", auth=("x", "wrong"))).status_code == 401
            answer = await browser.post(f"/t/{acme}/again", data={"event": "1"}, headers={"origin": base})
            assert (answer.status_code, answer.headers["location"]) == (303, f"/t/{acme}")
            await eventually(lambda: len(attempts) == 2)
            assert agency.store("zeta").forward_totals() == {}


# -- without the switchboard ------------------------------------------------------------------------------------------


def test_tenants_need_the_switchboard_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flotilla_servers.switchboard.tenants.server_tenants", None)
    with pytest.raises(errors.ConfigurationError, match="image `fleet`"):
        receive_tenants.open_tenants("tenants.db")


def test_receiver_of_one_person_imports_no_switchboard() -> None:
    """It is not in the image `webhooks`."""
    code = (
        "import sys; from flotilla_servers.webhooks.receive import serving\n"
        "sys.exit(str([name for name in sys.modules if 'switchboard' in name] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.strip()) == (1, "")
