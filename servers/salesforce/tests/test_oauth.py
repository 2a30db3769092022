"""Four ways to authenticate, where the org is, and a session that ends: renewed once, and the call goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from flotilla_servers.salesforce import client as salesforce
from flotilla_servers.salesforce.client import AUTH, CONSENT, integration
from flotilla_servers.salesforce.login import SignedAssertion
from flotilla_servers.salesforce.server import server
from flotilla_servers.salesforce.tests.conftest import SCHEMAS
from flotilla_servers.salesforce.tests.fake import FakeSalesforce
from flotilla_testing import call, client, environment, impatient, text_of

CLIENT = {"SALESFORCE_CLIENT_ID": "3MVG9-4f1c", "SALESFORCE_CLIENT_SECRET": "shh-4711"}
REFRESH = {**CLIENT, "SALESFORCE_REFRESH_TOKEN": "lasting-refresh-token"}


@contextmanager
def opened(tmp_path: Path, **settings: str) -> Iterator[FakeSalesforce]:
    with FakeSalesforce() as org:
        org.tokens = set()
        values = {"SALESFORCE_INSTANCE_URL": org.vendor.url, "FLOTILLA_STATE": str(tmp_path), **settings}
        with environment(server, **values, FLOTILLA_TIER="all"), impatient(server):
            yield org


async def users() -> str:
    async with client(server, answer="accept") as mcp:
        with SCHEMAS.shared_with(mcp):
            return text_of(await call(mcp, "salesforce_list_users"))


async def test_refresh_token_renewed_once_and_after_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(AUTH.options[2], "_now", lambda: clock[0])
    with opened(tmp_path, **REFRESH) as org:
        assert all("chloe@agence.example" in one for one in await asyncio.gather(users(), users()))
        form = {**org.granted[0]}
        assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", "lasting-refresh-token")
        assert (form["client_id"], form["client_secret"], len(org.granted)) == ("3MVG9-4f1c", "shh-4711", 1)
        clock[0] += 3500
        await users()
        assert len(org.granted) == 1
        clock[0] += 100
        await users()
        assert len(org.granted) == 2
    with opened(tmp_path, **REFRESH) as org:  # a new process has the saved session, which this org does not know
        assert "chloe@agence.example" in await users()
        assert len(org.granted) == 1


async def test_session_that_ended_is_renewed_and_the_call_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path, **REFRESH) as org:
        await users()
        org.tokens = set()  # 401 INVALID_SESSION_ID
        assert "chloe@agence.example" in await users()
        assert len(org.granted) == 2


async def test_session_that_ended_before_the_conversion_is_renewed(tmp_path: Path) -> None:
    with opened(tmp_path, **REFRESH) as org:
        lead = org.add("Lead", LastName="Durand", Company="Atelier Durand")
        soap = org._soap
        ended = iter([True, False])

        def once(request: object) -> object:
            if next(ended):
                org.tokens = set()
            return soap(request)  # type: ignore[arg-type]

        org._soap = once  # type: ignore[method-assign,assignment]
        async with client(server, answer="accept") as mcp:
            result = await call(mcp, "salesforce_convert_lead", lead=lead)
        assert not result.is_error, text_of(result)
        assert (org.records["Lead"][lead]["IsConverted"], len(org.granted)) == (True, 2)


async def test_rotated_refresh_token_is_used_next(tmp_path: Path) -> None:
    with opened(tmp_path, **REFRESH) as org:
        org.rotates = True
        await users()
        org.tokens = set()
        await users()
        assert [form["refresh_token"] for form in org.granted] == ["lasting-refresh-token", "refresh-1"]


async def test_client_credentials_are_sent_to_the_org(tmp_path: Path) -> None:
    with opened(tmp_path, **CLIENT) as org:
        assert "chloe@agence.example" in await users()
        assert [form["grant_type"] for form in org.granted] == ["client_credentials"]


async def test_client_credentials_without_the_org_say_what_to_set(tmp_path: Path) -> None:
    with environment(server, **CLIENT, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)), impatient(server):
        message = await users()
    assert "SALESFORCE_INSTANCE_URL is not set" in message
    assert "https://acme.my.salesforce.com" in message


async def test_jwt_bearer_is_short_lived_and_for_the_login_host(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    values = {
        "SALESFORCE_CLIENT_ID": "3MVG9",
        "SALESFORCE_PRIVATE_KEY": key.decode(),
        "SALESFORCE_USERNAME": "chloe@org",
    }
    with opened(tmp_path, **values) as org:
        assert "chloe@agence.example" in await users()
        claims = dict(org.granted[0]["claims"])  # type: ignore[call-overload]
        assert (claims["iss"], claims["sub"], claims["exp"] - claims["iat"]) == ("3MVG9", "chloe@org", 180)
    with opened(tmp_path, **{**values, "SALESFORCE_PRIVATE_KEY": "not a key"}):
        message = await users()
        assert (
            message
            == "Error: The private key cannot be read. Ask the user to set it whole, with its BEGIN and END lines."
        )


@pytest.mark.parametrize(
    ("address", "audience"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
    ],
)
def test_jwt_audience_by_address(address: str, audience: str) -> None:
    with environment(server, SALESFORCE_INSTANCE_URL=address, SALESFORCE_ACCESS_TOKEN="x"):
        signed = AUTH.options[1]
        assert isinstance(signed, SignedAssertion)
        assert signed.audience == audience


async def test_org_is_where_the_token_endpoint_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the common login alone, the answer's instance_url is where requests go."""
    with opened(tmp_path, **REFRESH) as org:
        monkeypatch.setattr(salesforce, "COMMON", ("127.0.0.1",))
        monkeypatch.setattr("flotilla_servers.salesforce.login.COMMON", ("127.0.0.1",))
        await users()
        moved = {**AUTH.chosen.tokens.token, "instance_url": "https://acme.my.salesforce.com"}  # type: ignore[attr-defined]
        AUTH.chosen.tokens.token = moved  # type: ignore[attr-defined]
        assert salesforce.api.base == "https://acme.my.salesforce.com"
        assert org.granted


async def test_wrong_client_is_reported(tmp_path: Path) -> None:
    with opened(tmp_path, **{**REFRESH, "SALESFORCE_CLIENT_SECRET": "no"}):
        assert await users() == (
            "Error: The OAuth client is not accepted (invalid_client). Check client_id and client_secret."
        )


async def test_incomplete_settings_name_what_is_missing() -> None:
    with environment(server, SALESFORCE_REFRESH_TOKEN="lasting", FLOTILLA_TIER="all"):
        assert "SALESFORCE_CLIENT_ID is not set" in await users()


def test_instance_url_of_another_host_is_refused() -> None:
    with environment(server, SALESFORCE_ACCESS_TOKEN="x", SALESFORCE_INSTANCE_URL="https://evil.example"):
        with pytest.raises(Exception, match="it must be the org's My Domain"):
            _ = server.connection.settings


def test_consent_asks_for_the_scopes_of_the_readme() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert all(f"`{scope}`" in readme for scope in CONSENT.scopes)
    assert {scope for one in integration.scopes.values() for scope in one.sufficient} == {"api"}
