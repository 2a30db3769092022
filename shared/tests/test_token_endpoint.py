"""A token endpoint that fails in every way: the same rules hold for it as for the API."""

import base64
import json
from collections.abc import Callable, Iterator

import pytest
from pydantic import HttpUrl

from flotilla import OAuth2, SecretStr, ServerSettings, errors
from flotilla.calls.context import Call, entered
from flotilla.http import token_endpoint
from flotilla_testing import faults
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.responses import RecordedResponses, Response
from flotilla_testing.scratch import ScratchApi, ScratchServer

Make = Callable[..., ScratchServer]
GOOD = Response.of({"access_token": "access-1", "expires_in": 3600})


class Settings(ServerSettings):
    """What OAuth needs."""

    client_id: str = "client"
    client_secret: SecretStr
    refresh_token: SecretStr
    token_url: HttpUrl
    base_url: HttpUrl


@pytest.fixture
def vendor(environ: pytest.MonkeyPatch) -> Iterator[FakeVendor]:
    with FakeVendor(RecordedResponses({"GET /x": {"json": {"ok": True}}})) as running:
        running.answers.respond("POST /token", GOOD)
        environ.setenv("ACME_CLIENT_SECRET", "client-canary")
        environ.setenv("ACME_REFRESH_TOKEN", "refresh-0")
        environ.setenv("ACME_BASE_URL", running.url)
        environ.setenv("ACME_TOKEN_URL", f"{running.url}/token")
        yield running


@pytest.fixture
def api(make: Make, vendor: FakeVendor) -> ScratchApi:
    clock = [1000.0]
    api = ScratchApi(make(settings=Settings), auth=OAuth2("token_url", now=lambda: clock[0]))
    api.clock = clock  # type: ignore[attr-defined]
    return api


def asked(vendor: FakeVendor) -> int:
    return sum(request.path == "/token" for request in vendor.requests)


async def failed(api: ScratchApi) -> errors.FlotillaError:
    with entered(Call("acme_test")), pytest.raises(errors.FlotillaError) as caught:
        await api.get("/x")
    return caught.value


@pytest.mark.parametrize(
    "fault", [faults.status(503), faults.status(500), faults.rate(0), faults.rate(0, date=True), faults.html(502)]
)
async def test_token_endpoint_retried_once(api: ScratchApi, vendor: FakeVendor, fault: faults.Fault) -> None:
    vendor.fails(fault, times=1)
    assert await api.get("/x") == {"ok": True}
    assert asked(vendor) == 2


@pytest.mark.parametrize(
    ("fault", "kind", "times", "sentence"),
    [
        (
            faults.rate(),
            errors.RateLimitError,
            2,
            "Acme gives no access token for now (429). Wait 60 seconds, then retry.",
        ),
        (
            faults.rate(90),
            errors.RateLimitError,
            1,
            "Acme gives no access token for now (429). Wait 90 seconds, then retry.",
        ),
        (faults.status(503), errors.UpstreamError, 2, "The access token could not be renewed: 503. Try again later."),
        (
            faults.cut(),
            errors.UpstreamError,
            1,
            "The access token could not be renewed: the connection was cut. Try again",
        ),
        (
            faults.huge(3_000_000),
            errors.UpstreamError,
            1,
            "Acme answered with more than 1 MB to a renewal. Try again later",
        ),
        (
            faults.huge(60_000_000, compressed=True),
            errors.UpstreamError,
            1,
            "Acme answered with more than 1 MB to a renewal. Try again later",
        ),
        (faults.redirect("/token"), errors.UpstreamError, 1, "The access token could not be renewed: 302."),
        (
            faults.status(400, {"error": {"code": 1, "message": "bad"}}),
            errors.AuthenticationError,
            1,
            "No access token is given (no known code). Try again later; if it stays, tell the user.",
        ),
        (
            faults.status(400, {"error": "slow_down"}),
            errors.RateLimitError,
            1,
            "Acme gives no access token for now (slow_down).",
        ),
        (
            faults.answer(Response(200, b"[" * 100_000, {"content-type": "application/json"})),
            errors.UpstreamError,
            1,
            "The access token could not be renewed: ",
        ),
    ],
)
async def test_token_endpoint_failing(
    api: ScratchApi,
    vendor: FakeVendor,
    fault: faults.Fault,
    kind: type[errors.FlotillaError],
    times: int,
    sentence: str,
) -> None:
    vendor.fails(fault)
    problem = await failed(api)
    assert type(problem) is kind
    assert str(problem).startswith(sentence)
    assert asked(vendor) == times
    assert str(await failed(api)) == str(problem)  # remembered: nobody asks again at once
    assert asked(vendor) == times
    vendor.recovers()
    api.clock[0] += 6  # type: ignore[attr-defined]
    assert await api.get("/x") == {"ok": True}


async def test_token_endpoint_slow_response_ends_in_time(
    api: ScratchApi, vendor: FakeVendor, environ: pytest.MonkeyPatch
) -> None:
    environ.setattr("flotilla.http.oauth.LONGEST", 1.5)
    vendor.fails(faults.drip(0.2))
    problem = await failed(api)
    assert str(problem) == "The access token could not be renewed: no answer within 15 seconds. Try again later."
    vendor.recovers()
    api.clock[0] += 6  # type: ignore[attr-defined]
    assert await api.get("/x") == {"ok": True}  # the lock is free again


async def test_token_endpoint_asked_at_once_after_new_settings(
    api: ScratchApi, vendor: FakeVendor, environ: pytest.MonkeyPatch
) -> None:
    vendor.fails(faults.status(400, {"error": "invalid_grant"}), times=1)
    assert type(await failed(api)) is errors.AuthenticationError
    environ.setenv("ACME_REFRESH_TOKEN", "refresh-new")
    api.server.reset()
    assert await api.get("/x") == {"ok": True}


async def test_token_endpoint_on_another_host_refused(make: Make, vendor: FakeVendor) -> None:
    with FakeVendor(RecordedResponses()) as other:
        api = ScratchApi(make(settings=Settings), auth=OAuth2(f"{other.url}/token"))
        problem = await failed(api)
        assert type(problem) is errors.ConfigurationError
        assert str(problem).startswith(f"The access tokens of Acme come from {other.url}, which this server may not")
        assert other.requests == []


async def test_token_endpoint_over_plain_http_refused(
    api: ScratchApi, vendor: FakeVendor, environ: pytest.MonkeyPatch
) -> None:
    environ.setenv("ACME_TOKEN_URL", "http://login.acme.test/token")
    api.server.reset()
    problem = await failed(api)
    assert type(problem) is errors.ConfigurationError
    assert str(problem).startswith("ACME_TOKEN_URL is wrong: it must begin with https://, since credentials go there")


async def test_token_endpoint_of_the_operator_is_used(
    api: ScratchApi, vendor: FakeVendor, environ: pytest.MonkeyPatch
) -> None:
    with FakeVendor(RecordedResponses()) as other:
        other.answers.respond("POST /token", GOOD)
        environ.setenv("ACME_TOKEN_URL", f"{other.url}/token")
        api.server.reset()
        assert await api.get("/x") == {"ok": True}
        assert len(other.requests) == 1


def test_token_endpoint_limits() -> None:
    assert (token_endpoint.LONGEST, token_endpoint.LARGEST, token_endpoint.TRIES) == (15, 1_000_000, 2)


def test_auth_method_basic_and_json() -> None:
    """The fields of a form arrive as JSON, and the client's secret as Basic."""
    from authlib.oauth2.auth import ClientAuth

    auth = ClientAuth("client", "sécret", token_endpoint.auth_method("client_secret_basic_json"))
    _, headers, body = auth.prepare("POST", "https://vendor.example/token", {}, b"grant_type=refresh_token&code=a%2Bb")
    assert json.loads(body) == {"grant_type": "refresh_token", "code": "a+b"}
    assert headers["Content-Type"] == "application/json"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == "client:sécret"
    assert token_endpoint.auth_method("client_secret_post") == "client_secret_post"
