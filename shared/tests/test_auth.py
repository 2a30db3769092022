"""How requests prove who sends them; OAuth 2 against a token endpoint on loopback, with a clock that can be set."""

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import HttpUrl

from flotilla import (
    Basic,
    Bearer,
    FirstOf,
    HeaderKey,
    JwtBearer,
    OAuth2,
    SecretStr,
    ServerSettings,
    errors,
)
from flotilla.calls.context import Call, entered
from flotilla.http.auth import Auth
from flotilla.http.oauth import Grant
from flotilla.http.scopes import fewest, scopes
from flotilla.settings import scrub
from flotilla.state import State
from flotilla_testing import faults
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.responses import RecordedResponses, Response
from flotilla_testing.scratch import ScratchApi, ScratchServer

Make = Callable[..., ScratchServer]


class Connected(ServerSettings):
    """What OAuth needs, and what the other ways need."""

    client_id: str = "client"
    client_secret: SecretStr
    refresh_token: SecretStr
    account: str = "acme"
    key: SecretStr
    base_url: HttpUrl


class Connection:
    """A vendor whose token endpoint rotates refresh tokens, and that accepts only the latest access token."""

    def __init__(self, vendor: FakeVendor) -> None:
        self.vendor, self.issued, self.now = vendor, 0, 1_000_000.0
        self.refresh, self.access, self.rotates, self.expires_in = "refresh-0", "", True, 3600
        vendor.fails(self._answer)

    async def _answer(self, exchange: faults.Exchange) -> None:
        request = exchange.request
        if request.path != "/token":
            good = request.headers.get("authorization") == f"Bearer {self.access}"
            await exchange.send(Response.of({"ok": True}) if good else Response.of({"message": "expired"}, 401))
            return
        await asyncio.sleep(0.05)
        form = {k: v[0] for k, v in parse_qs(request.body.decode()).items()}
        if form.get("refresh_token") != self.refresh:
            await exchange.send(Response.of({"error": "invalid_grant"}, 400))
            return
        self.issued += 1
        self.access = f"access-{self.issued}"
        message: dict[str, Any] = {"access_token": self.access, "token_type": "Bearer", "expires_in": self.expires_in}
        if self.rotates:
            self.refresh = message["refresh_token"] = f"refresh-{self.issued}"
        await exchange.send(Response.of(message))

    @property
    def renewals(self) -> list[dict[str, str]]:
        """The forms that reached the token endpoint."""
        requests = [r for r in self.vendor.requests if r.path == "/token"]
        return [{k: v[0] for k, v in parse_qs(r.body.decode()).items()} for r in requests]


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor(RecordedResponses({"GET /x": {"json": {}}, "POST /x": {"json": {}}})) as running:
        yield running


@pytest.fixture(autouse=True)
def secrets(environ: pytest.MonkeyPatch, vendor: FakeVendor) -> None:
    environ.setenv("ACME_CLIENT_SECRET", "client-canary")
    environ.setenv("ACME_REFRESH_TOKEN", "refresh-0")
    environ.setenv("ACME_KEY", "key-canary")
    environ.setenv("ACME_BASE_URL", vendor.url)


@pytest.fixture
def connection(vendor: FakeVendor) -> Connection:
    return Connection(vendor)


@pytest.fixture
def connect(make: Make, connection: Connection) -> Callable[..., ScratchApi]:
    def connected(**options: Any) -> ScratchApi:
        url = f"{connection.vendor.url}/token"
        return ScratchApi(make(settings=Connected), auth=OAuth2(url, now=lambda: connection.now, **options))

    return connected


async def failed(api: ScratchApi, method: str = "GET") -> tuple[type[errors.FlotillaError], str]:
    with entered(Call("acme_test")), pytest.raises(errors.FlotillaError) as caught:
        await api.request(method, "/x")
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (Bearer("key"), "authorization", "Bearer key-canary"),
        (HeaderKey("key", "X-Api-Key"), "x-api-key", "key-canary"),
        (HeaderKey("key", "Authorization", "Token "), "authorization", "Token key-canary"),
        (Basic("account", "key"), "authorization", "Basic " + base64.b64encode(b"acme:key-canary").decode()),
        (Basic("account", "key", "/t"), "authorization", "Basic " + base64.b64encode(b"acme/t:key-canary").decode()),
        (Basic("account", ""), "authorization", "Basic " + base64.b64encode(b"acme:").decode()),
    ],
)  # fmt: skip
async def test_auth_headers(make: Make, vendor: FakeVendor, auth: Auth, header: str, value: str) -> None:
    await ScratchApi(make(settings=Connected), auth=auth).get("/x")
    assert vendor.requests[0].headers[header] == value
    assert scrub(f"<{value}>").endswith("***>")


async def test_auth_missing_secret_reported_before_sending(
    make: Make, vendor: FakeVendor, environ: pytest.MonkeyPatch
) -> None:
    environ.delenv("ACME_KEY")
    assert (await failed(ScratchApi(make(settings=Connected), auth=Bearer("key"))))[0] is errors.ConfigurationError
    assert vendor.requests == []


def test_auth_subclass_must_define_proof(make: Make) -> None:
    with pytest.raises(NotImplementedError):
        Auth().header_value()


# --- OAuth 2


async def test_oauth2_first_call_gets_a_token(connect: Callable[..., ScratchApi], connection: Connection) -> None:
    assert await connect().get("/x") == {"ok": True}
    assert connection.renewals == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh-0",
            "client_id": "client",
            "client_secret": "client-canary",
        }
    ]
    assert "access-1" not in scrub("access-1 refresh-1")


async def test_oauth2_client_secret_basic(connect: Callable[..., ScratchApi], connection: Connection) -> None:
    await connect(client_auth="client_secret_basic").get("/x")
    (request,) = [r for r in connection.vendor.requests if r.path == "/token"]
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"client:client-canary").decode()
    assert b"client-canary" not in request.body


async def test_oauth2_renewed_ahead_of_expiry(connect: Callable[..., ScratchApi], connection: Connection) -> None:
    api = connect()
    for now, renewals in ((0, 1), (3539, 1), (3541, 2), (3600, 2), (9000, 3)):
        connection.now = 1_000_000.0 + now
        await api.get("/x")
        assert len(connection.renewals) == renewals, now
    assert [form["refresh_token"] for form in connection.renewals] == ["refresh-0", "refresh-1", "refresh-2"]


async def test_oauth2_renewed_once_after_a_401(connect: Callable[..., ScratchApi], connection: Connection) -> None:
    """Even for a POST."""
    api = connect()
    await api.get("/x")
    connection.access = "revoked early"
    assert await api.post("/x", json={"a": 1}) == {"ok": True}
    posts = [r for r in connection.vendor.requests if r.method == "POST" and r.path == "/x"]
    assert [r.json() for r in posts] == [{"a": 1}] * 2  # the first was refused, so nothing was done twice
    assert len(connection.renewals) == 2

    connection.vendor.fails(faults.status(401, {"message": "No."}), method="GET")
    connection.vendor._plans.reverse()  # now every GET is refused, whatever the token
    assert await failed(api) == (
        errors.AuthenticationError,
        'Acme does not accept the credentials: "No". Ask the user to renew them.',
    )
    assert len(connection.renewals) == 3  # once


async def test_oauth2_fifty_parallel_calls_renew_once(
    connect: Callable[..., ScratchApi], connection: Connection
) -> None:
    api = connect()
    await asyncio.gather(*(api.get("/x") for _ in range(50)))
    assert connection.issued == 1
    connection.access = "revoked early"
    await asyncio.gather(*(api.get("/x") for _ in range(50)))
    assert connection.issued == 2


def saved(tmp_path: Path) -> Path:
    return tmp_path / "acme" / "oauth.sealed"


async def test_oauth2_rotated_token_saved_before_use(
    connect: Callable[..., ScratchApi], connection: Connection, tmp_path: Path
) -> None:
    """It also survives a restart."""
    seen: list[Any] = []

    async def look(exchange: faults.Exchange) -> None:
        seen.append(State(str(tmp_path), "acme").get("oauth")["refresh_token"])
        await exchange.send(Response.of({}))

    connection.vendor.fails(look, method="GET", times=1)
    connection.vendor._plans.reverse()
    await connect().get("/x")
    assert seen == ["refresh-1"]
    assert saved(tmp_path).stat().st_mode & 0o077 == 0

    await connect().get("/x")  # as after a restart
    assert len(connection.renewals) == 1
    connection.now += 10_000
    await connect().get("/x")
    assert [form["refresh_token"] for form in connection.renewals] == ["refresh-0", "refresh-1"]


async def test_oauth2_token_set_anew_by_the_user_wins(
    connect: Callable[..., ScratchApi], connection: Connection, environ: pytest.MonkeyPatch
) -> None:
    await connect().get("/x")
    connection.refresh = "refresh-new"
    environ.setenv("ACME_REFRESH_TOKEN", "refresh-new")
    await connect().get("/x")
    assert [form["refresh_token"] for form in connection.renewals] == ["refresh-0", "refresh-new"]


async def test_oauth2_token_renewed_by_another_process_used(
    connect: Callable[..., ScratchApi], connection: Connection
) -> None:
    one, other = connect(), connect()
    await one.get("/x")
    await other.get("/x")
    assert connection.issued == 1
    connection.now += 10_000
    await other.get("/x")
    await one.get("/x")  # its own refresh token is spent: it must not try it
    assert [form["refresh_token"] for form in connection.renewals] == ["refresh-0", "refresh-1"]


async def test_oauth2_without_rotation(connect: Callable[..., ScratchApi], connection: Connection) -> None:
    """A vendor may keep its refresh token, and leave out when the access token expires."""
    connection.rotates, connection.expires_in = False, 0  # no expires_in counts as an hour
    api = connect()
    await api.get("/x")
    connection.now += 4000
    await api.get("/x")
    assert [form["refresh_token"] for form in connection.renewals] == ["refresh-0", "refresh-0"]


@pytest.mark.parametrize(
    ("fault", "kind", "sentence"),
    [
        (
            faults.status(400, {"error": "invalid_grant", "error_description": "x"}),
            errors.AuthenticationError,
            "Access was revoked or has expired (invalid_grant). Ask the user to connect the account again",
        ),
        (
            faults.status(401, {"error": "invalid_client"}),
            errors.AuthenticationError,
            "The OAuth client is not accepted (invalid_client). Check client_id and client_secret.",
        ),
        (
            faults.status(400, {"error": "unauthorized_client"}),
            errors.AuthenticationError,
            "The OAuth client is not accepted",
        ),
        (faults.status(503), errors.UpstreamError, "The access token could not be renewed: 503. Try again"),
        (faults.cut(), errors.UpstreamError, "The access token could not be renewed: the connection was cut. Try"),
        (faults.bad_json(), errors.UpstreamError, "The access token could not be renewed: the answer cannot be read ("),
        (
            faults.status(200, {"hello": 1}),
            errors.UpstreamError,
            "The access token could not be renewed: the answer cannot be read (",
        ),
        (
            faults.status(200, [1]),
            errors.UpstreamError,
            "The access token could not be renewed: the answer cannot be read (",
        ),
    ],
)
async def test_oauth2_renewal_failed(
    connect: Callable[..., ScratchApi],
    connection: Connection,
    tmp_path: Path,
    fault: faults.Fault,
    kind: type[errors.FlotillaError],
    sentence: str,
) -> None:
    connection.vendor.recovers()
    connection.vendor.fails(fault)
    message = await failed(connect(), "POST")
    assert message[0] is kind
    assert message[1].startswith(sentence)
    assert "may or may not" not in message[1]  # nothing was sent
    assert all(r.path == "/token" for r in connection.vendor.requests)
    assert not saved(tmp_path).exists()


async def test_oauth2_revoked_sentence(connect: Callable[..., ScratchApi], connection: Connection) -> None:
    """The server may set its own sentence for a revoked grant."""
    connection.refresh = "another"
    assert (await failed(connect(revoked_hint="Run make connect.")))[1].endswith("(invalid_grant). Run make connect.")


# --- one of several ways, signed assertions, scopes


async def test_first_of_uses_the_first_configured(
    make: Make, connection: Connection, environ: pytest.MonkeyPatch
) -> None:
    class Ways(Connected):
        """An access token is enough."""

        refresh_token: SecretStr | None = None  # type: ignore[assignment]
        access_token: SecretStr | None = None

    grant = OAuth2(f"{connection.vendor.url}/token", now=lambda: connection.now)
    api = ScratchApi(make(settings=Ways), auth=FirstOf(Bearer("access_token"), grant))
    await api.get("/x")
    assert len(connection.renewals) == 1
    connection.access = "given-by-hand"
    environ.setenv("ACME_ACCESS_TOKEN", "given-by-hand")
    api.server.reset()
    await api.get("/x")
    assert len(connection.renewals) == 1
    environ.delenv("ACME_ACCESS_TOKEN")
    environ.delenv("ACME_REFRESH_TOKEN")
    api.server.reset()
    assert isinstance(api.auth, FirstOf)
    assert not api.auth.configured()
    assert api.auth.chosen is grant


async def test_first_of_header_keys_and_passwords(make: Make, environ: pytest.MonkeyPatch) -> None:
    """Each counts as configured where all of its settings are there, and has a header of its own."""

    class Ways(ServerSettings):
        auth_options = (("key",), ("user", "password"), ("token",))
        key: SecretStr | None = None
        user: str = ""
        password: SecretStr | None = None
        token: SecretStr | None = None

    options = (HeaderKey("key", "X-Key"), Basic("user", "password"), Bearer("token"))
    api = ScratchApi(make(settings=Ways), auth=FirstOf(*options))
    assert isinstance(api.auth, FirstOf)
    for values, chosen, header in (
        ({"KEY": "k"}, 0, "X-Key"),
        ({"USER": "u", "PASSWORD": "p"}, 1, "Authorization"),
        ({"USER": "u", "TOKEN": "t"}, 2, "Authorization"),
        ({}, 2, "Authorization"),
    ):
        for name in ("KEY", "USER", "PASSWORD", "TOKEN"):
            environ.delenv(f"ACME_{name}", raising=False)
        for name, value in values.items():
            environ.setenv(f"ACME_{name}", value)
        api.server.reset()
        assert api.auth.chosen is options[chosen]
        assert api.auth.header == header
        assert api.auth.configured() is bool(values)


KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


class Robot(ServerSettings):
    """A service account."""

    account: str = "robot@acme.example"
    key: SecretStr
    subject: str = ""
    token_url: str
    base_url: HttpUrl


class Endpoint:
    """A token endpoint that checks assertions as the standard says, by its own clock."""

    def __init__(self, vendor: FakeVendor, read_ahead: float = 0) -> None:
        self.vendor, self.early, self.claims = vendor, read_ahead, list[dict[str, Any]]()
        vendor.fails(self._answer)

    async def _answer(self, exchange: faults.Exchange) -> None:
        if exchange.request.path != "/token":
            await exchange.send(Response.of({"ok": exchange.request.headers["authorization"] == "Bearer granted"}))
            return
        form = {k: v[0] for k, v in parse_qs(exchange.request.body.decode()).items()}
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        now = time.time() + self.early
        unchecked: Any = dict.fromkeys(("verify_aud", "verify_exp", "verify_iat"), False)
        claims = jwt.decode(form["assertion"], KEY.public_key(), ["RS256"], options=unchecked)
        assert claims["aud"] == f"{self.vendor.url}/token"
        self.claims.append(claims)
        date = {"date": formatdate(now, usegmt=True)}
        if not claims["iat"] <= now <= claims["exp"]:
            await exchange.send(Response.of({"error": "invalid_grant"}, 400, date))
        else:
            await exchange.send(Response.of({"access_token": "granted", "expires_in": 3600}, 200, date))


def robot(make: Make, vendor: FakeVendor, environ: pytest.MonkeyPatch) -> ScratchApi:
    environ.setenv("ACME_KEY", PEM)
    environ.setenv("ACME_TOKEN_URL", f"{vendor.url}/token")
    api = ScratchApi(make(settings=Robot), auth=JwtBearer("token_url", issuer="account", key="key", subject="subject"))

    @api.server.reads(scopes=["read", "read write"])
    async def get_it() -> dict[str, Any]:
        """It."""
        return dict(await api.get("/x"))

    return api


@pytest.mark.parametrize(("read_ahead", "requests"), [(0, 1), (30, 1), (86_400, 2), (-86_400, 2)])
async def test_jwt_bearer_assertion_signed(
    make: Make, vendor: FakeVendor, environ: pytest.MonkeyPatch, read_ahead: float, requests: int
) -> None:
    """A machine whose clock is a day off asks again by the clock of the token endpoint."""
    endpoint = Endpoint(vendor, read_ahead)
    environ.setenv("ACME_SUBJECT", "dana@acme.example")
    api = robot(make, vendor, environ)
    assert await api.get("/x") == {"ok": True}
    assert await api.get("/x") == {"ok": True}  # the token is kept
    assert len(endpoint.claims) == requests
    last = endpoint.claims[-1]
    assert (last["iss"], last["sub"], last["scope"]) == ("robot@acme.example", "dana@acme.example", "read")


async def test_jwt_bearer_assertion_refused(make: Make, vendor: FakeVendor, environ: pytest.MonkeyPatch) -> None:
    vendor.fails(faults.status(400, {"error": "invalid_grant"}))
    api = robot(make, vendor, environ)
    assert await failed(api) == (
        errors.AuthenticationError,
        "Access was revoked or has expired (invalid_grant). "
        "Ask the user to connect the account again and to set the new refresh token.",
    )
    assert len(vendor.requests) == 1  # its clock and ours agree


async def test_jwt_bearer_without_key_not_configured(
    make: Make, vendor: FakeVendor, environ: pytest.MonkeyPatch
) -> None:
    class Without(Robot):
        """No key."""

        key: SecretStr | None = None  # type: ignore[assignment]

    environ.setenv("ACME_TOKEN_URL", f"{vendor.url}/token")
    environ.delenv("ACME_KEY")
    grant = JwtBearer("token_url", issuer="account", key="key", subject="subject")
    ScratchApi(make(settings=Without), auth=grant)
    assert not grant.configured()


def test_grant_subclass_must_define_lasting_and_trade() -> None:
    with pytest.raises(NotImplementedError):
        Grant("https://x.example").refresh_source()
    with pytest.raises(NotImplementedError):
        asyncio.run(Grant("https://x.example").exchange_token(None, {}))


@pytest.mark.parametrize(
    ("needs", "chosen"),
    [
        ([], []),
        ([()], []),
        ([["a"], ["b"]], ["a", "b"]),
        ([["a", "b"], ["b"]], ["b"]),  # b is enough for both
        ([["a b"], ["a"]], ["a", "b"]),
        ([["a", "a b"], ["c", "b"]], ["a", "c"]),
    ],
)
def test_fewest_scopes(needs: list[list[str]], chosen: list[str]) -> None:
    assert fewest(needs) == chosen


async def test_scopes_of_hidden_tools_not_needed(make: Make, vendor: FakeVendor, environ: pytest.MonkeyPatch) -> None:
    server = robot(make, vendor, environ).server
    assert scopes(server.integration, {}) == ["read"]
    assert scopes(server.integration, {"FLOTILLA_DENY": "acme_get_it"}) == []
