"""A customer connects an account by a key, on a page that a one-time link opens."""

from __future__ import annotations

import re

import pytest

from flotilla_cli import tenant as command
from flotilla_servers.calendly.tests.fake import TOKEN, FakeCalendly
from flotilla_servers.switchboard.tenants.connections import Connections
from flotilla_servers.switchboard.tenants.store import StoreError

from .conftest import HOST, Agency

KEY = "flotilla-calendly.token"


async def test_keys_are_tried_and_kept_when_they_work(agency: Agency, calendly: FakeCalendly) -> None:
    path = f"/connect/{agency.links.create(agency.tenant(), 'calendly')}"
    async with agency.visitor() as http:
        page = await http.get(path)
        assert page.status_code == 200
        assert "Connect Calendly" in page.text
        assert re.search(r'name="token" type="password"', page.text)
        assert "refresh_token" not in page.text  # which a login gives, and nobody types
        wrong = await http.post(path, data={"number": "1", "token": "not-the-key-1"})
        assert wrong.status_code == 400
        assert "Calendly did not accept this, so nothing was kept" in wrong.text
        assert "not-the-key-1" not in wrong.text
        assert KEY not in agency.credentials()
        done = await http.post(path, data={"number": "1", "token": TOKEN})
        assert (done.status_code, "Connected as Zoé Lefèvre" in done.text) == (200, True)
        assert TOKEN not in done.text
        assert agency.credentials()[KEY] == TOKEN
        assert KEY not in agency.credentials("zeta")
        again = await http.post(path, data={"number": "1", "token": TOKEN})
        assert (again.status_code, "does not work any more" in again.text) == (404, True)
    [connected] = agency.connections.all(agency.tenant())
    assert (connected.server, connected.account[:12]) == ("calendly", "Zoé Lefèvre")
    assert agency.connections.all(agency.tenant("zeta")) == []
    assert list((agency.folder).rglob("flotilla-trial-*")) == []


async def test_keys_that_cannot_be_kept_leave_everything_as_it_was(
    agency: Agency, calendly: FakeCalendly, monkeypatch: pytest.MonkeyPatch
) -> None:
    agency.vault.put(agency.tenant(), {("flotilla-calendly", "login"): "{}"})  # of the account before
    before = agency.credentials()

    def full(*_: object) -> None:
        raise StoreError("The database of tenants cannot be used: disk full.", "Ask the operator.")

    path = f"/connect/{agency.links.create(agency.tenant(), 'calendly')}"
    async with agency.visitor() as http:
        with monkeypatch.context() as failing:
            failing.setattr(Connections, "note", full)
            page = await http.post(path, data={"number": "1", "token": TOKEN})
        assert (page.status_code, "Nothing was kept" in page.text) == (503, True)
        assert agency.credentials() == before
        assert (await http.post(path, data={"number": "1", "token": TOKEN})).status_code == 200


async def test_keys_pages_of_links_that_do_not_work(agency: Agency) -> None:
    async with agency.visitor("fr-FR,fr;q=0.9") as http:
        ended = await http.get(f"/connect/{agency.links.create(agency.tenant(), 'calendly', hours=-1)}")
        unknown = await http.post("/connect/unknown", data={"number": "1"})
        token = agency.links.create(agency.tenant(), "calendly")
        agency.tenants.suspend(agency.tenant())
        suspended = await http.get(f"/connect/{token}")
        assert [page.status_code for page in (ended, unknown, suspended)] == [404] * 3
        assert ended.text == suspended.text
        assert "Ce lien ne fonctionne plus" in ended.text


async def test_keys_pages_protect_themselves(agency: Agency) -> None:
    path = f"/connect/{agency.links.create(agency.tenant(), 'calendly')}"
    async with agency.visitor() as http:
        page = await http.get(path)
        assert "script" not in page.headers["content-security-policy"]
        assert "<script" not in page.text
        assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "same-origin")
        assert (await http.get(path, headers={"host": "evil.example"})).status_code == 421
        foreign = await http.post(path, data={"number": "1", "token": "k"}, headers={"origin": "https://evil.example"})
        assert foreign.status_code == 403
        assert (await http.get("/connect/static/style.css")).headers["content-type"].startswith("text/css")
        assert (await http.get("/connect/static/..%2Fapp.py")).status_code == 404
        for form in (
            {},
            {"number": "9"},
            {"number": "1"},
            {"number": "1", "token": " "},
            {"number": "1", "token": "a\nb"},
        ):
            assert (await http.post(path, data=form)).status_code == 400, form
        assert (await http.post(path, content=b"number=1&token=" + b"x" * 200_000)).status_code == 400
    assert KEY not in agency.credentials()


async def test_keys_that_lead_into_the_network_are_refused(agency: Agency) -> None:
    path = f"/connect/{agency.links.create(agency.tenant(), 'woocommerce')}"
    async with agency.visitor() as http:
        for address in ("http://169.254.169.254/latest", "https://localhost", "https://[::1]:8443/"):
            form = {"number": "1", "base_url": address, "consumer_key": "ck_1", "consumer_secret": "cs_1"}
            page = await http.post(path, data=form)
            assert (page.status_code, "cannot be reached from outside" in page.text) == (400, True), address


async def test_keys_that_an_account_may_need(agency: Agency) -> None:
    """A mail server needs its host; most need a login too, which the same form asks for."""
    path = f"/connect/{agency.links.create(agency.tenant(), 'email')}"
    async with agency.visitor() as http:
        page = (await http.get(path)).text
        fields = dict(re.findall(r'<input id="field-1-(\w+)" [^>]*?type="(\w+)"', page))
        assert fields["username"] == "text"
        assert fields["password"] == "password"
        assert len(re.findall(r'type="\w+" required', page)) == 1
        assert not {"token_url", "client_id", "refresh_token", "ca_file", "allowed_recipients"} & set(fields)
        form = {
            "number": "1",
            "smtp_host": "mail.example.com",
            "imap_host": "127.0.0.1",
            "username": "zoe@atelier.example",
        }
        refused = await http.post(path, data=form)
        assert (refused.status_code, "cannot be reached from outside" in refused.text) == (400, True)
        assert 'value="zoe@atelier.example"' in refused.text


@pytest.mark.parametrize("host", ["localhost", "::1", "[::1]", "2130706433", "0x7f000001", "x@127.0.0.1"])
async def test_keys_with_a_host_in_the_network_are_refused(agency: Agency, host: str) -> None:
    """A mail server's host may be a single word or a number, which leads to this machine or beside it as well."""
    path = f"/connect/{agency.links.create(agency.tenant(), 'email')}"
    async with agency.visitor() as http:
        page = await http.post(path, data={"number": "1", "smtp_host": host, "username": "a", "password": "b"})
        assert (page.status_code, "cannot be reached from outside" in page.text) == (400, True), page.text


@pytest.mark.parametrize(
    ("server", "field"), [("slack", "webhook_url"), ("zapier", "hooks"), ("gmail", "service_account")]
)
async def test_keys_are_hidden_whatever_their_names(agency: Agency, server: str, field: str) -> None:
    path = f"/connect/{agency.links.create(agency.tenant(), server)}"
    async with agency.visitor() as http:
        kinds = re.findall(rf'<input id="field-\d-{field}" [^>]*?type="(\w+)"', (await http.get(path)).text)
        assert set(kinds) == {"password"}


async def test_keys_that_are_addresses_lead_outside_too(agency: Agency) -> None:
    path = f"/connect/{agency.links.create(agency.tenant(), 'slack')}"
    async with agency.visitor() as http:
        page = await http.get(path)
        before, _, _ = page.text.partition('name="webhook_url"')
        number = re.findall(r'name="number" value="(\d)"', before)[-1]
        for address in ("https://127.0.0.1/services/T/B/x", "x, HTTPS://169.254.169.254/latest"):
            page = await http.post(path, data={"number": number, "webhook_url": address})
            assert (page.status_code, "cannot be reached from outside" in page.text) == (400, True), page.text
            assert address not in page.text


def test_keys_link_printed_by_the_command(agency: Agency, capsys: object) -> None:
    line = ["--tenants", agency.database, "connect", "acme", "Calendly", "--hours", "2"]
    assert command.main([*line, "--public-url", f"{HOST}/"]) == 0
    printed = capsys.readouterr().out  # type: ignore[attr-defined]
    [token] = re.findall(rf"{HOST}/connect/(\S+)", printed)
    link = agency.links.find(token)
    assert link
    assert (link.tenant.name, link.server) == ("acme", "calendly")
    assert token.encode() not in b"".join(path.read_bytes() for path in agency.folder.glob("tenants.db*"))
    assert command.main([*line[:4], "nothing"]) == 1
    assert command.main([*line[:4], "filesystem"]) == 1
    printed = capsys.readouterr().err  # type: ignore[attr-defined]
    assert "The catalog has no server `nothing`." in printed
    assert "has no account that a link could connect" in printed
