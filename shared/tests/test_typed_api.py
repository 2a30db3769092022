"""Every keyword of a request is spelled: a typo is a type error, and so is a credential field that does not exist."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Unpack, get_type_hints

import pytest
from pydantic import HttpUrl

from flotilla import (
    Api,
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
from flotilla.http.auth import Auth
from flotilla.http.client import RequestOptions
from flotilla_testing.scratch import ScratchApi, ScratchServer

ROOT = Path(__file__).parents[2]
Make = Callable[..., ScratchServer]
SNIPPET = """
from flotilla import Api

async def ask(api: Api) -> None:
    await api.get("/x", params={"a": 1})
    await api.get("/x", parms={"a": 1})
    await api.post("/x", json={}, idempotant=True)
    await api.put("/x", header={})
    await api.patch("/x", body={})
    await api.delete("/x", query={})
    await api.request("GET", "/x", read=True)
    await api.send("GET", "/x", expect=(308,))
    async with api.stream("GET", "/x", timeout=3):
        pass
    await api.rows("/x", limit=3)
    await api.page("/x", object, limit=3, cursor=None, reads=True)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_api_misspelled_keywords_are_type_errors(tmp_path: Path) -> None:
    path = tmp_path / "snippet.py"
    path.write_text(SNIPPET)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--follow-imports", "silent", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # where mypy has its cache
    wrong = {int(line.split(":")[1]) for line in done.stdout.splitlines() if "snippet.py" in line and "error" in line}
    typos = {number for number, line in enumerate(SNIPPET.splitlines(), 1) if "api." in line and "params" not in line}
    assert wrong == typos, done.stdout


@pytest.mark.parametrize("name", ["get", "post", "put", "patch", "delete", "rows", "request", "send", "stream"])
def test_api_keywords_are_typed(name: str) -> None:
    assert get_type_hints(getattr(Api, name))["request"] == Unpack[RequestOptions]


async def test_api_misspelled_keyword_raises_type_error(acme: ScratchServer) -> None:
    api = ScratchApi(acme)
    with pytest.raises(TypeError, match="a request takes no idempotant, parms"):
        await api.post("/x", parms={}, idempotant=True)  # type: ignore[call-arg]


class Optional(ServerSettings):
    """Nothing is required."""

    token: SecretStr | None = None
    account: str = ""
    client_id: str = ""
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    base_url: HttpUrl = HttpUrl("https://api.acme.example")


@pytest.mark.parametrize(
    "auth",
    [
        Bearer("tokn"),
        HeaderKey("tokn", "X-Api-Key"),
        Basic("account", "tokn"),
        Basic("acount", ""),
        OAuth2("tokn_url"),
        JwtBearer("https://x.example", issuer="account", key="tokn"),
        FirstOf(Bearer("token"), Bearer("tokn")),
    ],
)
def test_auth_unknown_field_refused(make: Make, auth: Auth) -> None:
    with pytest.raises(TypeError, match=r"Optional has no field '(tokn|acount|tokn_url)'"):
        ScratchApi(make(settings=Optional), auth=auth)


def test_auth_without_client_fields_refused(make: Make) -> None:
    class Without(ServerSettings):
        """No client."""

        refresh_token: SecretStr | None = None
        base_url: HttpUrl = HttpUrl("https://api.acme.example")

    with pytest.raises(TypeError, match="has no field 'client_id'"):
        ScratchApi(make(settings=Without), auth=OAuth2("https://x.example/token"))


@pytest.mark.parametrize(
    ("auth", "variable"),
    [
        (Bearer("token"), "ACME_TOKEN"),
        (HeaderKey("token", "X-Api-Key"), "ACME_TOKEN"),
        (Basic("account", "token"), "ACME_ACCOUNT"),
        (OAuth2("https://api.acme.example/token"), "ACME_CLIENT_ID"),
        (FirstOf(Bearer("token"), Basic("account", "")), "ACME_ACCOUNT"),
    ],
)
async def test_auth_empty_credential_reported(
    make: Make, environ: pytest.MonkeyPatch, auth: Auth, variable: str
) -> None:
    environ.delenv("ACME_TOKEN")
    api = ScratchApi(make(settings=Optional, hosts=["api.acme.example:443"]), auth=auth)
    with pytest.raises(errors.ConfigurationError, match=f"{variable} is not set"):
        await api.get("/x")
