"""Who asks, for which firm: the key, OAuth in both ways a token may travel, discovery, headers, limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flotilla.http.auth import FirstOf
from flotilla_servers.facturation_pro.auth import TokenAuth
from flotilla_servers.facturation_pro.client import LIMITS, api, error_message
from flotilla_servers.facturation_pro.server import server
from flotilla_testing import client, environment, impatient, text_of

OAUTH = {
    "FACTURATION_PRO_CLIENT_ID": "app",
    "FACTURATION_PRO_CLIENT_SECRET": "app-secret",
    "FACTURATION_PRO_REFRESH_TOKEN": "refresh-0",
}
KEY = ("FACTURATION_PRO_IDENTIFIER", "FACTURATION_PRO_API_KEY")


async def reported(settings: dict[str, str], tool: str = "facturation_list_customers", **arguments: Any) -> Any:
    with environment(server, **settings), impatient(server):
        async with client(server) as connected:
            return await connected.call_tool_mcp(tool, arguments)


async def test_api_key_and_contact(settings: dict[str, str], vendor: Any) -> None:
    result = await reported({**settings, "FACTURATION_PRO_CONTACT": "zoé@exemple.fr"}, "facturation_get_account")
    assert result.structured_content["firm_id"] == 7
    agent = vendor.requests[0].headers["user-agent"]
    assert agent == "Flotilla facturation-pro/0.1.0 (zoe@exemple.fr)"
    result = await reported({**settings, "FACTURATION_PRO_API_KEY": "wrong"})
    assert "Access denied" in text_of(result)


@pytest.mark.parametrize("token_in", ["header", "query"])
async def test_oauth_token_in_header_or_query(settings: dict[str, str], vendor: Any, books: Any, token_in: str) -> None:
    """OAuth works wherever the vendor looks for the token."""
    books.token_in = token_in
    alone = {name: value for name, value in settings.items() if name not in KEY} | OAUTH
    customer = {"company_name": "Atelier Lefèvre"}
    made = await reported(alone, "facturation_create_customer", **customer)
    assert not made.is_error, text_of(made)
    own = {"customer_id": made.structured_content["id"]}  # the vendor redirects
    again = await reported(alone, "facturation_list_invoices", other_filters=own)
    assert again.structured_content == {"items": []}
    assert len(books.rows["customers"]) == 1
    shown = await reported(alone, "facturation_create_customer", company_name="Acme", dry_run=True)
    assert "token" not in text_of(shown)


async def test_oauth_preferred_and_incomplete_oauth_leaves_the_key(settings: dict[str, str], vendor: Any) -> None:
    await reported({**settings, **OAUTH})
    assert vendor.requests[0].path == "/oauth/token"
    vendor.recovers()
    half = {name: value for name, value in OAUTH.items() if not name.endswith("SECRET")}
    await reported({**settings, **half})
    assert vendor.requests[0].headers["authorization"].startswith("Basic ")


async def test_oauth_revoked_grant(settings: dict[str, str], books: Any) -> None:
    books.refresh = "refresh-9"
    result = await reported({**settings, **OAUTH})
    assert "connect the account again" in text_of(result)


async def test_oauth_tokens_renewed_in_time(settings: dict[str, str], vendor: Any, books: Any) -> None:
    """Ahead of the end by a fake clock; after a 401; and the rotated refresh token outlives the process."""
    assert isinstance(api.transport.auth, FirstOf)
    option, clock = api.transport.auth.options[0], [1_000_000.0]
    assert isinstance(option, TokenAuth)
    renewals = lambda: len([r for r in vendor.requests if r.path == "/oauth/token"])  # noqa: E731
    option._now, before = (lambda: clock[0]), option._now
    try:
        with environment(server, **settings, **OAUTH), impatient(server):
            async with client(server) as connected:
                await connected.call_tool_mcp("facturation_list_customers", {})
                clock[0] += 7_100
                await connected.call_tool_mcp("facturation_list_customers", {})
                assert renewals() == 1
                clock[0] += 60
                await connected.call_tool_mcp("facturation_list_customers", {})
                assert renewals() == 2
                books.token = "revoked"
                result = await connected.call_tool_mcp("facturation_list_customers", {})
                assert renewals() == 3
                assert not result.is_error
        await reported({**settings, **OAUTH})
        assert renewals() == 3
        assert books.refresh == "refresh-3"
    finally:
        option._now = before


async def test_firm_id_required_for_several_firms(settings: dict[str, str], books: Any, vendor: Any) -> None:
    books.firms = [{"id": 7, "name": "Atelier"}, {"id": 8, "name": "Holding"}]
    result = await reported(settings)
    assert "7 Atelier; 8 Holding" in text_of(result)
    assert "FACTURATION_PRO_FIRM_ID" in text_of(result)
    vendor.recovers()
    await reported({**settings, "FACTURATION_PRO_FIRM_ID": "8"})
    assert [request.path for request in vendor.requests] == ["/firms/8/customers.json"]
    books.firms = []
    assert "none" in text_of(await reported(settings))


async def test_firm_looked_up_once(firm: Any) -> None:
    await firm.ask("list_customers")
    await firm.ask("list_products")
    assert [request.path for request in firm.vendor.requests].count("/account.json") == 1
    assert (await firm.ask("get_account"))["requests_left"] == 577


async def test_upstream_refusal_reason_passed_on(firm: Any) -> None:
    line = [{"title": "x", "quantity": "1", "unit_price": "1", "vat": "20"}]
    message = await firm.no("create_quote", customer_id=5, items=line)
    assert message == (
        'Error: Facturation.PRO refuses the request (422): "customer_id: n\'est pas valide". '
        "Correct the arguments and try again."
    )
    assert "does not have this" in await firm.no("get_quote", quote_id=5)


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ({"errors": {"title": ["est trop long", "est pris"], "base": ["Non"]}}, "title: est trop long, est pris; Non"),
        ({"title": ["est trop long"]}, "title: est trop long"),
        ({"errors": {"title": "est trop long"}}, "title: est trop long"),
        ({"errors": ["Non", "Jamais"]}, "Non, Jamais"),
        ({"errors": "Non"}, "Non"),
        ({"error": "Non"}, "Non"),
        ("Retry later", "Retry later"),
    ],
)
def test_upstream_error_body_shapes(body: Any, reported: str) -> None:
    assert error_message(422, body) == reported


async def test_not_found_reason_from_the_status_line(firm: Any) -> None:
    """A 404 says its reason in its first line."""

    async def fake(exchange: Any) -> None:
        await exchange.write(b"HTTP/1.1 404 The record could not be found\r\ncontent-length: 0\r\n\r\n")

    firm.vendor.fails(fake)
    assert 'does not have this: "The record could not be found".' in await firm.no("get_account")


async def test_rate_limit_counts_every_request(firm: Any, customer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the second one of a redirect: the limits count what the vendor counts, whoever asks beside."""
    turns, turn = [], api.transport._turn

    async def counted(cost: float, path: str) -> None:
        turns.append(cost)
        await turn(cost, path)

    monkeypatch.setattr(api.transport, "_turn", counted)
    firm.vendor.requests.clear()
    own = {"customer_id": customer}
    await asyncio.gather(*(firm.ask("list_invoices", other_filters=own) for _ in range(3)))
    assert sum(turns) == len(firm.vendor.requests) == 6


@pytest.mark.parametrize(("window", "allowed"), [(300, 600), (86_400, 10_000)])
def test_rate_limit_within_every_vendor_window(window: float, allowed: float) -> None:
    """A leaky bucket passes its capacity and then its rate: the strictest one counts."""
    assert min(most + most / seconds * window for most, seconds in LIMITS) <= allowed


async def test_audit_omits_sepa_data(firm: Any, customer: int, capsys: pytest.CaptureFixture[str]) -> None:
    iban = "FR7630006000011234567890189"
    await firm.ask("update_customer", customer_id=customer, other_fields={"sepa_iban": iban, "sepa_bic": "AGRIFRPP"})
    shown = await firm.ask("update_customer", customer_id=customer, other_fields={"sepa_iban": iban}, dry_run=True)
    assert iban not in capsys.readouterr().err
    assert shown["dry_run"]["body"] == {"sepa_iban": "***"}
