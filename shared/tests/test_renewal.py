"""Renewal of OAuth tokens where it is easily lost: cancelled calls, several processes, fields beside the tokens."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from flotilla import Api, OAuth2, Secret, Server, ServerSettings
from flotilla.state import State
from flotilla.testing import faults
from flotilla.testing.answers import Answer, Answers
from flotilla.testing.vendor import Vendor
from pydantic import HttpUrl

Make = Callable[..., Server[Any]]
SCRIPT = """
import asyncio, os
from flotilla import Api, OAuth2, Secret, Server, ServerSettings
from pydantic import HttpUrl
class Settings(ServerSettings):
    client_id: str = "client"
    client_secret: Secret
    refresh_token: Secret
    base_url: HttpUrl
server = Server("acme", title="Acme", description="Things.", category="test", settings=Settings)
api = Api(server, auth=OAuth2(os.environ["ACME_BASE_URL"] + "/token"))
print(asyncio.run(api.get("/x")))
"""


class Settings(ServerSettings):
    """What OAuth needs."""

    client_id: str = "client"
    client_secret: Secret
    refresh_token: Secret
    base_url: HttpUrl


@pytest.fixture
def vendor(environ: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """A token endpoint that takes each refresh token once."""
    valid = ["refresh-0"]

    async def answer(exchange: faults.Exchange) -> None:
        if exchange.request.path != "/token":
            await exchange.send(Answer.of({"ok": True}))
            return
        await asyncio.sleep(0.3)
        form = parse_qs(exchange.request.body.decode())
        if form["refresh_token"] != valid[-1:]:
            await exchange.send(Answer.of({"error": "invalid_grant"}, 400))
            return
        valid.append(f"refresh-{len(valid)}")
        told = {"access_token": f"access-{len(valid)}", "refresh_token": valid[-1], "expires_in": 3600}
        await exchange.send(Answer.of({**told, "instance": "eu-7"}))

    with Vendor(Answers()) as running:
        running.fails(answer)
        environ.setenv("ACME_CLIENT_SECRET", "client-canary")
        environ.setenv("ACME_REFRESH_TOKEN", "refresh-0")
        environ.setenv("ACME_BASE_URL", running.url)
        yield running


def renewals(vendor: Vendor) -> int:
    return sum(request.path == "/token" for request in vendor.requests)


async def test_a_cancelled_call_does_not_drop_the_answer(make: Make, vendor: Vendor, tmp_path: Path) -> None:
    api = Api(make(settings=Settings), auth=OAuth2(f"{vendor.url}/token"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(api.get("/x"), 0.1)
    assert await api.get("/x") == {"ok": True}
    assert renewals(vendor) == 1
    assert json.loads((tmp_path / ".flotilla/acme/oauth.json").read_text())["refresh_token"] == "refresh-1"


@pytest.mark.slow
async def test_processes_that_share_the_state_renew_once(vendor: Vendor) -> None:
    pipe = asyncio.subprocess.PIPE
    starts = [
        asyncio.create_subprocess_exec(sys.executable, "-c", SCRIPT, env=dict(os.environ), stdout=pipe, stderr=pipe)
        for _ in range(3)
    ]
    told = [await process.communicate() for process in await asyncio.gather(*starts)]
    assert [out.strip() for out, _ in told] == [b"{'ok': True}"] * 3, told
    assert renewals(vendor) == 1


async def test_fields_beside_the_tokens_are_kept(make: Make, vendor: Vendor) -> None:
    auth = OAuth2(f"{vendor.url}/token", keep=["instance", "nothing"])
    await Api(make(settings=Settings), auth=auth).get("/x")
    assert (auth.kept("instance"), auth.kept("nothing"), auth.kept("access")) == ("eu-7", "", "")
    later = OAuth2(f"{vendor.url}/token", keep=["instance"])
    await Api(make(settings=Settings), auth=later).get("/x")  # as after a restart
    assert later.kept("instance") == "eu-7"
    assert renewals(vendor) == 1


async def test_who_is_alone(tmp_path: Path) -> None:
    order: list[str] = []
    one, other = State(str(tmp_path), "acme"), State(str(tmp_path), "acme")

    async def work(state: State, name: str) -> None:
        async with state.alone("x"):
            order.append(f"{name} in")
            await asyncio.sleep(0.1)
            order.append(f"{name} out")

    await asyncio.gather(work(one, "a"), work(other, "b"))
    assert order in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])
    async with State(str(tmp_path / "nowhere"), "acme").alone("x"):
        pass  # no folder: nobody to keep out
