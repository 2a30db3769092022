"""The console of many tenants' operator: creating and changing them, and that no page shows a secret or another one."""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastmcp.client.transports import StreamableHttpTransport
from starlette.applications import Starlette
from starlette.routing import Route

from flotilla_servers.switchboard.approvals import Approvals
from flotilla_servers.switchboard.console.__main__ import console_of
from flotilla_servers.switchboard.database import Database
from flotilla_servers.switchboard.options import arguments
from flotilla_servers.switchboard.tenants.connections import Connections
from flotilla_servers.switchboard.tenants.links import Links
from flotilla_servers.switchboard.tenants.setup import open_tenants
from flotilla_servers.switchboard.tenants.tenant import Settings, Tenant

from .console_client import ARGUMENTS, HOST, TOKEN, Visitor
from .test_console import log

KEY = "0123456789abcdef" * 4
TOKENS = re.compile(r"flt_[\w-]{20,}")
PAGES = ("settings", "approvals", "tools", "tools/probe", "activity")


class Customers:
    """The operator's console, and two tenants with a canary each among their credentials."""

    def __init__(self, fleet: Any) -> None:
        self.fleet, self.database = fleet, str(fleet.folder / "tenants.db")
        fleet.environ |= {"FLOTILLA_TENANT_KEY": KEY, "FLOTILLA_CONSOLE_TOKEN": TOKEN}
        self.options = arguments(fleet.options("--permissions", "on", "--tenants", self.database))
        self.tenants, self.vault = open_tenants(self.database, os.environ)
        self.tokens: dict[str, str] = {}
        for name in ("acme", "zeta"):
            tenant, self.tokens[name] = self.tenants.create(name, Settings())
            self.vault.put(tenant, {("probe", "token"): f"canary-{name}"})
        self.acme, self.zeta = self.tenants.all()

    def app(self) -> Starlette:
        routes = console_of(self.options).routes()
        return Starlette(routes=[Route(path, endpoint, methods=[method]) for path, method, endpoint in routes])

    def state(self, tenant: Tenant) -> Path:
        return Path(self.options.state) / "tenants" / tenant.id

    def approvals(self, tenant: Tenant) -> Approvals:
        return Approvals(Database(self.state(tenant)))

    def waiting(self, tenant: Tenant, **more: str) -> Any:
        """Let a call of a tenant wait for a yes."""
        call = {"server": "probe", "tool": "probe_block", "title": "Probe", "arguments": ARGUMENTS, "request": "r1",
                "client": f"agent of {tenant.name}", "reason": "default for tools that destroy"}  # fmt: skip
        return self.approvals(tenant).open(**{**call, **more})

    def log(self, tenant: Tenant, *tools: str) -> None:
        """Log calls of a tenant."""
        log(self.state(tenant), *tools, client=f"agent of {tenant.name}")


@pytest.fixture
def customers(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> Customers:
    monkeypatch.setenv("FLOTILLA_TENANT_KEY", KEY)
    monkeypatch.setenv("FLOTILLA_CONSOLE_TOKEN", TOKEN)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(fleet.folder / "config"))
    return Customers(fleet)


@pytest.fixture
async def visitor(customers: Customers) -> Visitor:
    return await Visitor(customers.app()).sign_in()


def hidden(text: str, name: str) -> str:
    """Return the value of a hidden field."""
    [value] = re.findall(rf'name="{name}" value="([^"]*)"', text)
    return html.unescape(value)


# -- all tenants ------------------------------------------------------------------------------------------------------


async def test_operator_lists_tenants(customers: Customers, visitor: Visitor) -> None:
    customers.tenants.suspend(customers.zeta)
    customers.tenants.count_call(customers.acme, int(time.time()) // 60)
    customers.waiting(customers.acme)
    customers.log(customers.zeta, "probe_echo")
    text = await visitor.page("/tenants")
    acme, zeta = re.findall(r'<li class="card">(.*?)</li>', text, re.DOTALL)[:2]
    assert "Calls that wait for a yes: 1" in acme
    assert ("Calls this minute: 1" in acme) or int(time.time()) % 60 < 5  # the minute may have ended
    assert "no call in the log" in acme
    assert ("suspended" in zeta, "Last call" in zeta, "wait for a yes" in zeta) == (True, True, False)


async def test_operator_creates_a_tenant_whose_token_is_shown_once(customers: Customers, visitor: Visitor) -> None:
    form = {"name": "nova", "locale": "fr-FR", "timezone": "Europe/Paris", "server.probe": "true", "all.probe": "true"}
    created = await visitor.post("/tenants", **form)
    assert (created.status_code, created.headers["cache-control"]) == (200, "no-store")
    [token] = TOKENS.findall(created.text)
    nova = customers.tenants.of_token(token)
    assert nova
    assert nova.settings == Settings("fr-FR", "Europe/Paris", ("probe",), {"probe": "all"})
    for path in ("/tenants", f"/tenants/{nova.id}/settings"):
        assert not TOKENS.search(await visitor.page(path))
    again = await visitor.post("/tenants", **form)  # as when the page with the token is loaded again
    assert (again.status_code, TOKENS.findall(again.text)) == (400, [])
    assert "There is a tenant `nova` already. Choose another name." in again.text
    assert 'value="Europe/Paris"' in again.text


async def test_operator_creates_a_tenant_from_the_template(customers: Customers, visitor: Visitor) -> None:
    template = customers.fleet.folder / "config" / "flotilla" / "tenant-template"
    (template / "files").mkdir(parents=True)
    (template / "files" / "prices.csv").write_text("a,b\n")
    (template / "settings.yaml").write_text("locale: fr-FR\ntimezone: Europe/Paris\n")
    (template / "secrets.env").write_text("probe.token=ours\n")
    assert (await visitor.post("/tenants", name="nova", locale="", timezone="UTC")).status_code == 200
    nova = customers.tenants.named("nova")
    assert (nova.settings.locale, nova.settings.timezone) == ("fr-FR", "UTC")
    assert customers.vault.all(nova) == {"probe.token": "ours"}
    assert (customers.fleet.data / "tenants" / nova.id / "prices.csv").exists()


@pytest.mark.parametrize(
    ("form", "english", "french"),
    [
        ({"name": "No va"}, "`No va` cannot be the name of a tenant.", "`No va` ne peut être le nom d’une"),
        ({"name": "acme"}, "There is a tenant `acme` already.", "Il y a déjà une organisation `acme`."),
        ({"name": ""}, "Fill in the whole form", "Remplissez tout le formulaire"),
        ({"name": "nova", "locale": "de"}, "`de` is not a locale.", "`de` n’est pas une langue possible."),
        ({"name": "nova", "timezone": "Mars"}, "`Mars` is not a time zone.", "`Mars` n’est pas un fuseau"),
        ({"name": "nova", "server.nope": "true"}, "The catalog has no server nope.", "n’a pas de serveur nope."),
    ],
)
async def test_operator_is_told_why_a_tenant_is_refused(
    customers: Customers, form: dict[str, str], english: str, french: str
) -> None:
    for language, sentence in (("en", english), ("fr", french)):
        refused = await (await Visitor(customers.app(), language).sign_in()).post("/tenants", **form)
        assert (refused.status_code, sentence in html.unescape(refused.text)) == (400, True), refused.text
    assert [tenant.name for tenant in customers.tenants.all()] == ["acme", "zeta"]


# -- one tenant -------------------------------------------------------------------------------------------------------


async def test_operator_changes_settings(customers: Customers, visitor: Visitor) -> None:
    path = f"/tenants/{customers.acme.id}/settings"
    form = {"seen": hidden(await visitor.page(path), "seen"), "locale": "fr-CA", "timezone": "America/Toronto",
            "server.probe": "true", "all.probe": "true", "calls_per_minute": "1,200", "calls_in_flight": "4",
            "data_megabytes": "0"}  # fmt: skip
    assert (await visitor.post(path, **form)).headers["location"] == f"/console{path}?done=tenant_saved"
    assert customers.tenants.named("acme").settings.document() == {
        "locale": "fr-CA",
        "timezone": "America/Toronto",
        "servers": ("probe",),
        "tiers": {"probe": "all"},
        "limits": {"calls_per_minute": 1200, "calls_in_flight": 4, "data_megabytes": 0},
    }
    text = await visitor.page(path)
    assert text.count(" checked>") == 2
    late = await visitor.post(path, **form)  # it is about what stood there before
    assert (late.status_code, "This has changed since the page was opened." in late.text) == (400, True)
    form["seen"] = hidden(text, "seen")
    wrong = await visitor.post(path, **{**form, "calls_in_flight": "4.5"})
    assert "Calls at the same time: “4.5” is not a number" in wrong.text
    assert 'value="America/Toronto"' in wrong.text
    assert customers.tenants.named("zeta").settings == Settings()


async def test_operator_rotates_a_token(customers: Customers, visitor: Visitor) -> None:
    path = f"/tenants/{customers.acme.id}"
    page = await visitor.page(f"{path}/settings")
    renewed = await visitor.post(f"{path}/token", made=hidden(page, "made"), keep_old="true")
    [second] = TOKENS.findall(renewed.text)
    assert [customers.tenants.of_token(token) for token in (customers.tokens["acme"], second)] == [customers.acme] * 2
    twice = await visitor.post(f"{path}/token", made=hidden(page, "made"), keep_old="true")
    assert (twice.status_code, TOKENS.findall(twice.text)) == (400, [])
    page = await visitor.page(f"{path}/settings")
    assert "Older tokens that still work: 1." in page
    [third] = TOKENS.findall((await visitor.post(f"{path}/token", made=hidden(page, "made"))).text)
    works = [customers.tenants.of_token(token) for token in (customers.tokens["acme"], second, third)]
    assert works == [None, None, customers.acme]
    assert customers.tenants.of_token(customers.tokens["zeta"]) == customers.zeta


async def test_operator_makes_a_link_that_is_shown_once(customers: Customers, visitor: Visitor) -> None:
    path = f"/tenants/{customers.acme.id}"
    Connections(customers.tenants.store).note(customers.acme, "probe", "marie@acme.example")
    assert "marie@acme.example" in await visitor.page(f"{path}/settings")
    assert "marie" not in await visitor.page(f"/tenants/{customers.zeta.id}/settings")
    made = await visitor.post(f"{path}/link", server="probe")
    [secret] = re.findall(rf"{HOST}/connect/([\w-]+)<", made.text)
    link = Links(customers.tenants.store).find(secret)
    assert link
    assert (link.tenant.id, link.server) == (customers.acme.id, "probe")
    assert "/connect/" not in await visitor.page(f"{path}/settings")
    assert (await visitor.post(f"{path}/link", server="nope")).status_code == 400


async def test_operator_makes_a_link_for_a_further_account(customers: Customers, visitor: Visitor) -> None:
    path = f"/tenants/{customers.acme.id}"
    made = await visitor.post(f"{path}/link", server="probe", account=" Paris ")
    assert "A link to connect Probe (paris)" in made.text
    [secret] = re.findall(rf"{HOST}/connect/([\w-]+)<", made.text)
    link = Links(customers.tenants.store).find(secret)
    assert link
    assert link.server == "probe@paris"


@pytest.mark.parametrize("account", ["main", "à", "a b", "p@q", "x" * 21, "<i>"])
async def test_operator_is_told_why_a_name_of_an_account_is_refused(customers: Customers, account: str) -> None:
    path = f"/tenants/{customers.acme.id}"
    for language, sentence in (
        ("en", f"`{account}` cannot be the name of an account. The name of an account has at most 20"),
        ("fr", f"`{account}` ne peut être le nom d’un compte. Utilisez minuscules"),
    ):
        visitor = await Visitor(customers.app(), language).sign_in()
        refused = await visitor.post(f"{path}/link", server="probe", account=account)
        assert (refused.status_code, sentence in html.unescape(refused.text)) == (400, True), refused.text
        assert f'value="{html.escape(account)}"' in refused.text
        assert '<option value="probe" selected>' in refused.text
    with customers.tenants.store.of(customers.acme) as transaction:
        assert transaction.rows("SELECT 1 FROM connect_link WHERE tenant = :tenant") == []


async def test_operator_sees_the_state_of_each_account(customers: Customers, visitor: Visitor) -> None:
    """Those of links and those of imported credentials, the further ones too."""
    connections = Connections(customers.tenants.store)
    connections.note(customers.acme, "probe@paris", "marie@paris.example")
    connections.note(customers.acme, "probe@rome", "marco@rome.example")
    connections.revoke(customers.acme, "probe@rome")
    values = {("probe@paris", "token"): "p", ("probe@rome", "token"): "r", ("probe@lyon", "region"): "eu"}
    customers.vault.put(customers.acme, values)
    wanted = {
        "en": ("ready", "not connected: credentials are missing", "its vendor gives no more access: send a new link"),
        "fr": ("prêt", "non connecté : il manque", "son fournisseur ne donne plus accès : envoyez un nouveau lien"),
    }
    for language, (works, incomplete, ended) in wanted.items():
        page = await (await Visitor(customers.app(), language).sign_in()).page(f"/tenants/{customers.acme.id}/settings")
        section = page.partition('id="accounts"')[2].partition("</ul>")[0]
        lines = [html.unescape(re.sub(r"<[^>]*>", "", line)) for line in section.split("<li>")[1:]]
        starts = [f"Probe {works}", f"Probe (lyon) {incomplete}", f"Probe (paris) marie@paris.example {works}",
                  f"Probe (rome) marco@rome.example {ended}"]  # fmt: skip
        assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True] * 4, lines
    assert "marie" not in await visitor.page(f"/tenants/{customers.zeta.id}/settings")


async def test_operator_suspends_and_resumes(customers: Customers, visitor: Visitor) -> None:
    path = f"/tenants/{customers.acme.id}"
    assert (await visitor.post(f"{path}/suspend")).status_code == 303
    assert not customers.tenants.named("acme").active
    assert customers.tenants.named("zeta").active
    assert "Its clients are refused now." in await visitor.page(f"{path}/settings", done="tenant_suspended")
    assert (await visitor.post(f"{path}/resume")).status_code == 303
    assert customers.tenants.named("acme").active


async def test_operator_deletes_a_tenant_after_its_name_was_typed(customers: Customers, visitor: Visitor) -> None:
    path = f"/tenants/{customers.acme.id}"
    customers.waiting(customers.acme)
    for name in ("", "zeta", "ACME"):
        refused = await visitor.post(f"{path}/delete", name=name)
        assert "Nothing was deleted: what was typed is not the name acme." in refused.text
    assert customers.tenants.find("acme")
    assert (await visitor.post(f"{path}/delete", name="acme")).headers["location"] == (
        "/console/tenants?done=tenant_deleted"
    )
    assert customers.tenants.find("acme") is None
    assert not customers.state(customers.acme).exists()
    assert customers.vault.all(customers.zeta) == {"probe.token": "canary-zeta"}
    customers.tenants.create("acme", Settings())  # its pages have other addresses
    for page in (*PAGES, "events", "activity.csv"):
        assert (await visitor.get(f"{path}/{page}")).status_code == 404
    assert (await visitor.post(f"{path}/suspend")).status_code == 404


# -- its calls --------------------------------------------------------------------------------------------------------


async def test_operator_answers_for_one_tenant_alone(customers: Customers, visitor: Visitor) -> None:
    waiting = customers.waiting(customers.acme)
    path = f"/tenants/{customers.acme.id}/approvals"
    assert "70451" in await visitor.page(path)
    watched = [customers.approvals(tenant).is_watched() for tenant in (customers.acme, customers.zeta)]
    assert watched == [True, False]
    elsewhere = await visitor.post(f"/tenants/{customers.zeta.id}/approvals/{waiting.id}", answer="approve")
    assert (elsewhere.status_code, "This call does not wait any more" in elsewhere.text) == (400, True)
    done = await visitor.post(f"{path}/{waiting.id}", answer="approve")
    assert done.headers["location"] == f"/console{path}?done=approved"
    answered = customers.approvals(customers.acme).get(waiting.id)
    assert answered
    assert (answered.state, answered.by) == ("approved", "console")


async def test_operator_decides_about_a_tool_of_one_tenant(customers: Customers, visitor: Visitor) -> None:
    path = f"/tenants/{customers.acme.id}/tools/probe"
    form = re.search(r'name="number" value="(\d+)"><input type="hidden" name="digest" value="(\w+)">\s*'
                     r"<label[^>]*>Decision for probe_block", await visitor.page(path))  # fmt: skip
    assert form
    saved = await visitor.post(f"{path}/decide", number=form[1], digest=form[2], decision="deny")
    assert saved.headers["location"] == f"/console{path}?done=saved"
    denied = '<strong class="decision deny">'
    assert denied in await visitor.page(path)
    assert denied not in await visitor.page(f"/tenants/{customers.zeta.id}/tools/probe")


async def test_operator_pages_show_one_tenant_and_no_secret(customers: Customers, visitor: Visitor) -> None:
    own = {"servers": {"crm": {"url": "https://crm.example/mcp"}}}
    (customers.fleet.folder / "settings.json").write_text(json.dumps(own))  # the operator's own servers are no tenant's
    for tenant in (customers.acme, customers.zeta):
        customers.waiting(tenant, arguments=json.dumps({"contact_id": f"contact of {tenant.name}"}))
        customers.log(tenant, "probe_echo")
    for tenant, other in ((customers.acme, "zeta"), (customers.zeta, "acme")):
        texts = {page: await visitor.page(f"/tenants/{tenant.id}/{page}") for page in PAGES}
        for kind in ("csv", "json"):
            texts[kind] = (await visitor.get(f"/tenants/{tenant.id}/activity.{kind}")).text
        assert f"contact of {tenant.name}" in texts["approvals"]
        assert f"agent of {tenant.name}" in texts["csv"]
        assert ("Probe" in texts["tools"], "crm" in texts["tools"]) == (True, False)
        assert "probe.token" in texts["settings"]  # which ones there are
        for page, text in texts.items():
            assert (other in text, "canary" in text, TOKEN in text) == (False, False, False), page
            assert not TOKENS.search(text), page


async def test_operator_pages_are_private_and_their_own(customers: Customers, visitor: Visitor) -> None:
    settings = f"/tenants/{customers.acme.id}/settings"
    stranger = Visitor(customers.app())
    for path in ("/", "/tenants", *(f"/tenants/{customers.acme.id}/{page}" for page in (*PAGES, "events"))):
        refused = await stranger.get(path)
        assert (refused.status_code, "acme<" in refused.text) == (401, False), path
    assert (await visitor.http.get(f"/console{settings}", headers={"host": "evil.example"})).status_code == 421
    for form in ("suspend", "token", "link", "delete", "settings", "approvals/x"):
        sent = await visitor.post(
            f"/tenants/{customers.acme.id}/{form}", {"origin": "http://evil.example"}, name="acme"
        )
        assert sent.status_code == 403, form
    assert (await visitor.post("/tenants", {"origin": "null"}, name="nova")).status_code == 403
    page = await visitor.get(settings)
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert not re.search(r"<script(?! src)|\son\w+=|\sstyle=", page.text)
    assert (await visitor.get("/settings")).status_code == 404  # one person's pages are not here
    assert [tenant.revision for tenant in customers.tenants.all()] == [2, 2]  # nothing was done


# -- inside a switchboard ---------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_operator_answers_a_call_that_waits(customers: Customers, fleet: Any, person: Any) -> None:
    """A yes in the console reaches the call of the tenant's client; tokens stand in no log."""
    path = f"/console/tenants/{customers.acme.id}"
    async with fleet.listening("--permissions", "on", "--tenants", customers.database) as (url, _):
        address = url.removesuffix("/mcp")
        client = person(StreamableHttpTransport(url, auth=customers.tokens["acme"]), "2026-07-28").client
        async with httpx2.AsyncClient(base_url=address, headers={"origin": address}) as http, client:
            assert (await http.get("/console/", params={"token": TOKEN})).status_code == 200
            assert (await http.get(f"{path}/approvals")).status_code == 200  # from now on calls wait
            call = asyncio.create_task(client.call_tool_mcp("probe_delete", {"text": "reçu €"}))
            waiting = await fleet.until(lambda: customers.approvals(customers.acme).waiting())
            assert "reçu €" in (await http.get(f"{path}/approvals")).text
            assert (await http.post(f"{path}/approvals/{waiting[0].id}", data={"answer": "approve"})).status_code == 303
            result = await call
            assert (result.is_error, result.content[0].text) == (False, "deleted reçu €")
            created = await http.post("/console/tenants", data={"name": "nova"})
            [token] = TOKENS.findall(created.text)
            async with person(StreamableHttpTransport(url, auth=token), "2026-07-28").client as nova:
                assert await nova.list_tools() is not None
            assert (await http.post("/console/sign-out")).status_code == 303
    assert f"the console: {address}/console/\n" in fleet.stderr_text()
    assert not TOKENS.search(fleet.stderr_text())
    files = [path for path in fleet.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if token.encode() in path.read_bytes()]
