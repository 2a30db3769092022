"""The Google servers against a real OAuth 2 server: renewal ahead of time and after a 401, rotation, revocation,
service accounts, clocks that are wrong. Nothing waits: both sides' clocks are set."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from flotilla.http.auth import FirstOf
from flotilla.http.oauth import Grant
from flotilla_launcher.protocol import ACCESS_KEY, GIVEN
from flotilla_servers.gmail.client import api as gmail_api
from flotilla_servers.gmail.server import server as gmail
from flotilla_servers.google_calendar.server import server as gcal
from flotilla_testing import FakeVendor, Request, Response, call, client, environment, faults, impatient, text_of
from flotilla_testing.oauth import OAuthServer, Token

DAY = 86_400


@pytest.fixture
def consented(oauth: OAuthServer, clock: Any) -> Token:
    """A consent that was given a minute ago, and whose access token is used up."""
    token = Token("desktop", "at-old", "rt-first", "openid email", oauth.user, clock.now - 1, clock.now - 60)
    oauth.tokens.append(token)
    return token


@pytest.fixture
def connected(vendor: FakeVendor, oauth: OAuthServer, clock: Any, consented: Token) -> Iterator[None]:
    """Gmail with that consent, and a mailbox behind it that asks for a valid access token."""

    def mailbox(request: Request) -> Response:
        if oauth.holder(request) is None:
            return Response.of({"error": {"code": 401, "message": "Invalid Credentials"}}, 401)
        return Response.of({"emailAddress": "helene@atelier.example", "messagesTotal": 3})

    oauth.on("GET", "/gmail/v1/users/me/profile", mailbox)
    oauth.on("GET", "/gmail/v1/users/me/settings/sendAs", mailbox)
    with ExitStack() as stack:
        stack.enter_context(settings(vendor))
        stack.enter_context(clock_of_gmail(clock))
        yield


@contextmanager
def clock_of_gmail(clock: Any) -> Iterator[None]:
    """Let Gmail's grants read the time of a test's clock."""
    assert isinstance(gmail_api.auth, FirstOf)
    with pytest.MonkeyPatch.context() as patch:
        for option in gmail_api.auth.options:
            if isinstance(option, Grant):
                patch.setattr(option, "_now", clock.local)
        yield


def settings(vendor: FakeVendor, **more: str) -> Any:
    import os

    params = {
        "GMAIL_CLIENT_ID": "desktop",
        "GMAIL_CLIENT_SECRET": "hush",
        "GMAIL_REFRESH_TOKEN": "rt-first",
        "GMAIL_TOKEN_URL": f"{vendor.url}/token",
        "GMAIL_BASE_URL": f"{vendor.url}/gmail/v1",
        "FLOTILLA_TIER": "all",
        "FLOTILLA_DATA": os.environ["FLOTILLA_DATA"],
        "FLOTILLA_STATE": os.environ["FLOTILLA_STATE"],
    }
    stack = ExitStack()
    stack.enter_context(environment(gmail, **{k: v for k, v in {**params, **more}.items() if v}))
    stack.enter_context(impatient(gmail))
    return stack


async def asked() -> str:
    """Call the simplest tool, and return the address or the error."""
    result = await call(gmail, "gmail_get_current_user")
    return text_of(result) if result.is_error else str((result.structured_content or {})["email"])


def renewals(vendor: FakeVendor) -> int:
    return sum(request.path == "/token" for request in vendor.requests)


@pytest.mark.usefixtures("connected")
class TestRefreshToken:
    async def test_renewal_ahead_of_expiry_and_not_before(self, vendor: FakeVendor, clock: Any) -> None:
        start = clock.now
        for after, count in ((0, 1), (3539, 1), (3541, 2), (3600, 2), (9000, 3)):
            clock.now = start + after
            assert await asked() == "helene@atelier.example"
            assert renewals(vendor) == count, after
        assert not [r for r in vendor.requests if r.path != "/token" and "at-old" in str(r.headers)]

    async def test_renewal_once_for_fifty_calls(self, vendor: FakeVendor, oauth: OAuthServer) -> None:
        async def slow(exchange: faults.Exchange) -> None:
            await asyncio.sleep(0.3)  # so that all of them are under way before the first token is there
            await exchange.send(exchange.usual)

        vendor.fails(slow, method="POST")
        async with client(gmail) as one:
            results = await asyncio.gather(*(call(one, "gmail_get_current_user") for _ in range(50)))
            assert not any(result.is_error for result in results)
            assert renewals(vendor) == 1, vendor.requests
            for token in oauth.tokens:
                token.ends = 0  # the vendor ends them early
            await asyncio.gather(*(call(one, "gmail_get_current_user") for _ in range(50)))
            assert renewals(vendor) == 2

    async def test_renewal_rotation_survives_a_restart(
        self, vendor: FakeVendor, oauth: OAuthServer, clock: Any
    ) -> None:
        oauth.rotates = True
        for _ in range(4):
            assert await asked() == "helene@atelier.example"
            gmail.reset()  # as a restart: what is not on disk is gone
            clock.now += 4000
        sent = [r.body.decode().partition("refresh_token=")[2].partition("&")[0] for r in vendor.requests if r.body]
        assert len(set(sent)) == len(sent) == 4  # none was used twice, which would have ended them all

    @pytest.mark.parametrize("odd", [{"expires_in": "soon"}, {"expires_in": [1]}, {"expires_at": {}}])
    async def test_renewal_with_an_odd_lifetime_keeps_the_new_refresh_token(
        self, vendor: FakeVendor, oauth: OAuthServer, odd: dict[str, Any]
    ) -> None:
        """The vendor has ended the old one, whatever else stands in its answer."""

        async def oddly(exchange: faults.Exchange) -> None:
            await exchange.send(Response.of({**json.loads(exchange.usual.body), **odd}))

        oauth.rotates = True
        vendor.fails(oddly, method="POST", times=1)
        assert await asked() == "helene@atelier.example"
        gmail.reset()
        for token in oauth.tokens:
            token.ends = 0
        assert await asked() == "helene@atelier.example"

    async def test_renewal_with_a_token_that_is_null_uses_none(self, vendor: FakeVendor) -> None:
        vendor.fails(faults.status(200, {"access_token": None, "token_type": "Bearer"}), method="POST")
        assert "The access token could not be renewed" in await asked()
        assert not [request for request in vendor.requests if "None" in str(request.headers)]

    async def test_revoked_consent_is_one_clear_sentence(self, oauth: OAuthServer, clock: Any) -> None:
        assert await asked() == "helene@atelier.example"
        oauth.end(oauth.tokens[-1])
        assert await asked() == (
            "Error: Access was revoked or has expired (invalid_grant). It ends after 7 days while the consent screen "
            "is in testing: ask the user to run `scripts/login gmail` again."
        )

    async def test_consent_in_testing_ends_after_seven_days(self, oauth: OAuthServer, clock: Any) -> None:
        oauth.days = 7
        clock.now += 6 * DAY
        assert await asked() == "helene@atelier.example"
        clock.now += 2 * DAY
        assert "(invalid_grant)" in await asked()

    async def test_renewal_other_refusal_is_no_revocation(self, vendor: FakeVendor) -> None:
        vendor.fails(faults.status(400, {"error": "admin_policy_enforced"}), method="POST")
        assert (await asked()).startswith("Error: No access token is given (admin_policy_enforced). Try again later")

    @pytest.mark.parametrize("off", [-7200, 7200, 400 * DAY])
    async def test_renewal_with_a_wrong_clock(self, vendor: FakeVendor, clock: Any, off: float) -> None:
        """A wrong clock of this machine changes nothing."""
        clock.ours = off
        start = clock.now
        for after, count in ((0, 1), (3500, 1), (3541, 2)):
            clock.now = start + after
            assert await asked() == "helene@atelier.example"
            assert renewals(vendor) == count

    async def test_renewal_after_a_clock_set_back(self, vendor: FakeVendor, clock: Any) -> None:
        """It costs one 401."""
        await asked()
        clock.now += 3700
        clock.ours = -3700  # as a machine that slept
        assert await asked() == "helene@atelier.example"
        assert renewals(vendor) == 2

    async def test_refresh_token_new_login_replaces_the_saved_one(
        self, vendor: FakeVendor, oauth: OAuthServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await asked()
        oauth.end(oauth.tokens[0])
        assert "(invalid_grant)" in await asked()
        oauth.tokens.append(Token("desktop", "at-x", "rt-second", "openid email", oauth.user, oauth.now(), oauth.now()))
        monkeypatch.setenv("GMAIL_REFRESH_TOKEN", "rt-second")
        gmail.reset()
        assert await asked() == "helene@atelier.example"


@pytest.mark.parametrize(("name", "value"), [("GMAIL_CLIENT_ID", "another"), ("GMAIL_CLIENT_SECRET", "wrong")])
async def test_oauth_wrong_client(vendor: FakeVendor, consented: Token, name: str, value: str) -> None:
    with settings(vendor, **{name: value}):
        assert (await asked()).startswith(
            "Error: The OAuth client is not accepted (invalid_client). Ask the user to check"
        )


async def test_refresh_token_missing_points_to_login(vendor: FakeVendor) -> None:
    with settings(vendor, GMAIL_REFRESH_TOKEN=""):
        message = await asked()
    assert message.startswith(
        "Error: GMAIL_REFRESH_TOKEN is not set (secret `flotilla-gmail.refresh_token` in the Docker catalog)."
    )
    assert "scripts/login google" in message
    assert vendor.requests == []


async def test_access_token_setting_needs_no_renewal(vendor: FakeVendor, oauth: OAuthServer) -> None:
    for path in ("profile", "settings/sendAs"):
        oauth.on("GET", f"/gmail/v1/users/me/{path}", lambda request: Response.of({"emailAddress": "a@b.example"}))
    empty = dict.fromkeys(("GMAIL_CLIENT_ID", "GMAIL_CLIENT_SECRET", "GMAIL_REFRESH_TOKEN"), "")
    with settings(vendor, **empty, GMAIL_ACCESS_TOKEN="mine-0123"):
        assert not (await asked()).startswith("Error")
    assert {r.headers["authorization"] for r in vendor.requests} == {"Bearer mine-0123"}


# -- service accounts -------------------------------------------------------------------------------------------------


@pytest.fixture
async def robot(
    vendor: FakeVendor, oauth: OAuthServer, clock: Any, service: str, keys: tuple[str, str], tmp_path: Path
) -> AsyncIterator[Path]:
    """Gmail with a service account that works for Hélène; its key is in a file."""
    oauth.audience = f"{vendor.url}/token"
    for path in ("profile", "settings/sendAs"):
        oauth.on("GET", f"/gmail/v1/users/me/{path}", lambda r: _whose(oauth, r))
    file = tmp_path / "key.json"
    file.write_text(json.dumps({"type": "service_account", "client_email": service, "private_key": keys[0]}))
    empty = dict.fromkeys(("GMAIL_CLIENT_ID", "GMAIL_CLIENT_SECRET", "GMAIL_REFRESH_TOKEN"), "")
    with settings(vendor, **empty, GMAIL_SERVICE_ACCOUNT_FILE=str(file), GMAIL_SUBJECT="paul@atelier.example"):
        with clock_of_gmail(clock):
            yield file


def _whose(oauth: OAuthServer, request: Request) -> Response:
    token = oauth.holder(request)
    return Response.of({"emailAddress": token.user}) if token else Response.of({"error": {"code": 401}}, 401)


async def test_service_account_acts_for_its_subject(
    robot: Path, vendor: FakeVendor, oauth: OAuthServer, clock: Any
) -> None:
    assert await asked() == "paul@atelier.example"
    prefix = "https://www.googleapis.com/auth/"  # what the enabled tools need
    assert set(oauth.tokens[-1].scope.split()) == {f"{prefix}gmail.modify", f"{prefix}gmail.settings.basic"}
    await asked()
    assert renewals(vendor) == 1
    clock.now += 3600
    await asked()
    assert renewals(vendor) == 2


async def test_service_account_scopes_follow_the_filters(
    robot: Path, oauth: OAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOTILLA_READ_ONLY", "1")
    await asked()
    assert oauth.tokens[-1].scope == "https://www.googleapis.com/auth/gmail.readonly"


@pytest.mark.parametrize(("off", "tries"), [(0, 1), (30, 1), (-30, 1), (7200, 2), (-7200, 2)])
async def test_service_account_with_a_wrong_clock_signs_once_more(
    robot: Path, vendor: FakeVendor, clock: Any, off: float, tries: int
) -> None:
    clock.ours = off
    assert await asked() == "paul@atelier.example"
    assert renewals(vendor) == tries


async def test_service_account_scopes_not_allowed_by_the_admin(robot: Path, oauth: OAuthServer) -> None:
    oauth.allowed = frozenset()
    message = await asked()
    assert message.startswith("Error: The OAuth client is not accepted (unauthorized_client). Ask a Workspace admin")
    assert "Domain-wide delegation" in message


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"client_email": "x"}'])
async def test_service_account_file_that_is_no_key(robot: Path, text: str) -> None:
    robot.write_text(text)
    gmail.reset()
    assert (await asked()).startswith("Error: GMAIL_SERVICE_ACCOUNT is not a valid JSON key of a service account.")


@pytest.mark.parametrize("key", ["x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
async def test_service_account_unreadable_private_key(robot: Path, key: str) -> None:
    robot.write_text(json.dumps({"client_email": "robot@atelier.iam.example", "private_key": key}))
    gmail.reset()
    assert (await asked()).startswith("Error: The private key cannot be read. Ask the user")


def test_consent_same_for_gmail_and_calendar() -> None:
    """One consent serves both servers."""
    assert gmail.integration.consent == gcal.integration.consent


class TestGivenTokens:
    """The switchboard renews the tokens of tenants, and an access token comes with each call."""

    async def called(self, access: dict[str, Any] | None) -> Any:
        async with client(gmail) as one:
            meta = {ACCESS_KEY: access} if access else None
            return await one.call_tool_mcp("gmail_get_current_user", {}, meta=meta)

    async def test_given_token_is_used_and_none_renewed(
        self, connected: None, vendor: FakeVendor, oauth: OAuthServer, clock: Any
    ) -> None:
        oauth.tokens.append(Token("desktop", "at-given", "rt-2", "email", oauth.user, clock.now + 3600, clock.now))
        with settings(vendor, GMAIL_REFRESH_TOKEN=GIVEN):
            result = await self.called({"access_token": "at-given"})
            assert result.structured_content["email"] == "helene@atelier.example"
            refused = await self.called({"access_token": "at-unknown"})
            assert "Gmail does not accept the access token of this account. Call again" in text_of(refused)
            assert refused.meta[ACCESS_KEY] == "refused"
            missing = await self.called(None)
            assert (missing.is_error, (missing.meta or {}).get(ACCESS_KEY)) == (True, None)
        assert renewals(vendor) == 0

    async def test_given_token_is_ignored_by_a_server_with_tokens_of_its_own(
        self, connected: None, vendor: FakeVendor
    ) -> None:
        assert not (await self.called({"access_token": "at-of-a-client"})).is_error
        assert not [request for request in vendor.requests if "at-of-a-client" in str(request.headers)]
