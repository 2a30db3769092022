"""Where requests and credentials may go: by scheme, host and port."""

from collections.abc import Callable
from typing import Any

import httpx2 as httpx
import pytest

from flotilla import HeaderKey, errors
from flotilla.connection import Network
from flotilla_testing.scratch import ScratchApi, ScratchServer

Make = Callable[..., ScratchServer]
HOSTS = ["api.acme.example:443", "*.files.acme.example:443", "up.acme.example:443"]


class Seen(httpx.AsyncBaseTransport):
    """Keeps the requests, and answers as configured."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.requests: list[httpx.Request] = []
        self.answers = list(answers)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else httpx.Response(200, json={})


def connected(make: Make, *answers: httpx.Response, **options: Any) -> tuple[ScratchApi, Seen]:
    api, seen = (
        ScratchApi(make(hosts=HOSTS, **options), auth=HeaderKey("token", "X-Api-Key"), headers={"X-More": "1"}),
        Seen(*answers),
    )
    api.connection.network = Network(seen)
    return api, seen


@pytest.mark.parametrize(
    "url", ["http://api.acme.example:443/x", "http://api.acme.example/x", "http://up.acme.example:443/x"]
)
async def test_host_over_plain_http_is_refused(make: Make, url: str) -> None:
    api, seen = connected(make)
    with pytest.raises(errors.UpstreamError, match="may not contact"):
        await api.get(url)
    assert seen.requests == []


async def test_redirect_from_https_to_http_is_refused(make: Make) -> None:
    to = {"location": "http://api.acme.example:443/plain"}
    api, seen = connected(make, httpx.Response(302, headers=to))
    with pytest.raises(errors.UpstreamError, match=r"http://api\.acme\.example:443, which this server may not contact"):
        await api.get("/x")
    assert len(seen.requests) == 1


async def test_redirect_from_https_to_http_is_refused_on_loopback_too(make: Make, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("ACME_BASE_URL", "https://127.0.0.1:8443")
    to = {"location": "http://127.0.0.1:8443/plain"}
    api, seen = connected(make, httpx.Response(302, headers=to))
    with pytest.raises(errors.UpstreamError, match="may not contact"):
        await api.get("/x")
    assert len(seen.requests) == 1


async def test_credentials_only_to_the_address_of_the_api(make: Make) -> None:
    """Other declared hosts are contacted without credentials."""
    api, seen = connected(make)
    await api.get("https://x.files.acme.example/d", headers={"Range": "bytes=1-"})
    (request,) = seen.requests
    assert "x-api-key" not in request.headers
    assert "x-more" not in request.headers
    assert request.headers["range"] == "bytes=1-"
    await api.get("https://api.acme.example/d")
    assert seen.requests[-1].headers["x-api-key"] == "canary-7f3a9c"


async def test_credential_hosts_receive_credentials(make: Make) -> None:
    api, seen = connected(make, credential_hosts=["up.acme.example:443"])
    await api.get("https://up.acme.example/d")
    assert seen.requests[-1].headers["x-api-key"] == "canary-7f3a9c"


def test_credential_hosts_must_be_hosts(make: Make) -> None:
    with pytest.raises(TypeError, match=r"among the hosts: evil\.example:443"):
        make(hosts=HOSTS, credential_hosts=["evil.example:443"])


async def test_base_url_over_plain_http_receives_no_credentials(make: Make, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("ACME_BASE_URL", "http://api.acme.test:8080/v1")
    api, seen = connected(make)
    with pytest.raises(errors.ConfigurationError) as caught:
        await api.get("/x")
    assert str(caught.value).startswith(
        "ACME_BASE_URL is wrong: it must begin with https://, since credentials go there"
    )
    assert "FLOTILLA_PLAIN_HTTP" in str(caught.value)
    assert seen.requests == []
    for named in ("api.acme.test", "api.acme.test:8080"):
        environ.setenv("FLOTILLA_PLAIN_HTTP", named)
        api.server.reset()
        await api.get("/x")
    assert len(seen.requests) == 2


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://proxy.acme.test"]
)
async def test_base_url_of_the_operator_receives_credentials(
    make: Make, environ: pytest.MonkeyPatch, base: str
) -> None:
    """An address that the operator sets is trusted with credentials."""
    environ.setenv("ACME_BASE_URL", base)
    api, seen = connected(make)
    await api.get("/x")
    assert seen.requests[0].headers["x-api-key"] == "canary-7f3a9c"


async def test_address_invalid(make: Make) -> None:
    api, seen = connected(make)
    with pytest.raises(errors.UpstreamError, match="pointed to an address that is not valid"):
        await api.get("https://[::1/x")
    assert seen.requests == []
