"""Renewal of OAuth tokens where it is easily lost: cancelled calls, several processes, fields beside the tokens."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import HttpUrl

from flotilla import Model, OAuth2, SecretStr, ServerSettings, errors
from flotilla.calls import finishing
from flotilla.state import State
from flotilla_testing import faults
from flotilla_testing.client import call
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.process import Process
from flotilla_testing.responses import RecordedResponses, Response
from flotilla_testing.scratch import ScratchApi, ScratchServer
from flotilla_testing.waiting import wait_until

Make = Callable[..., ScratchServer]
PAUSE = [0.3]  # seconds that the token endpoint takes
Lines = Callable[[], list[dict[str, Any]]]
SCRIPT = """
import asyncio, os
from flotilla import Api, Integration, OAuth2, SecretStr, ServerSettings
from pydantic import HttpUrl
class Settings(ServerSettings):
    client_id: str = "client"
    client_secret: SecretStr
    refresh_token: SecretStr
    base_url: HttpUrl
acme = Integration("acme", title="Acme", description="Things.", category="test", settings=Settings)
api = Api(acme, auth=OAuth2(os.environ["ACME_BASE_URL"] + "/token"))
print(asyncio.run(api.get("/x")))
"""


SERVING = """
import asyncio, os, threading
from flotilla import Api, Integration, Model, OAuth2, SecretStr, Server, ServerSettings, Toolset
from pydantic import HttpUrl
class Settings(ServerSettings):
    client_id: str = "client"
    client_secret: SecretStr
    refresh_token: SecretStr
    base_url: HttpUrl
class Out(Model):
    ok: bool
acme = Integration("acme", title="Acme", description="Things.", category="test", settings=Settings)
api = Api(acme, auth=OAuth2(os.environ["ACME_BASE_URL"] + "/token"))
tools = Toolset()
@tools.reads
async def get_thing() -> Out:
    \"\"\"Get.\"\"\"
    return Out.model_validate(await api.get("/x"))
server = Server(acme, toolsets=[tools])
if os.environ["FLOTILLA_TRANSPORT"] == "http":
    os.environ["FLOTILLA_PORT"] = "0"
    run = server._mcp.run_async
    async def with_a_call(*args, **options):
        asyncio.ensure_future(api.get("/x"))
        await run(*args, **options)
    server._mcp.run_async = with_a_call
server.run()
"""


class Out(Model):
    """What was got."""

    ok: bool


class Settings(ServerSettings):
    """What OAuth needs."""

    client_id: str = "client"
    client_secret: SecretStr
    refresh_token: SecretStr
    base_url: HttpUrl


@pytest.fixture
def vendor(environ: pytest.MonkeyPatch) -> Iterator[FakeVendor]:
    """A token endpoint that takes each refresh token once."""
    valid = ["refresh-0"]

    async def answer(exchange: faults.Exchange) -> None:
        if exchange.request.path != "/token":
            await exchange.send(Response.of({"ok": True}))
            return
        await asyncio.sleep(PAUSE[0])
        form = parse_qs(exchange.request.body.decode())
        if form["refresh_token"] != valid[-1:]:
            await exchange.send(Response.of({"error": "invalid_grant"}, 400))
            return
        valid.append(f"refresh-{len(valid)}")
        message = {"access_token": f"access-{len(valid)}", "refresh_token": valid[-1], "expires_in": 3600}
        await exchange.send(Response.of({**message, "instance": "eu-7"}))

    with FakeVendor(RecordedResponses()) as running:
        running.fails(answer)
        environ.setenv("ACME_CLIENT_SECRET", "client-canary")
        environ.setenv("ACME_REFRESH_TOKEN", "refresh-0")
        environ.setenv("ACME_BASE_URL", running.url)
        yield running


def renewals(vendor: FakeVendor) -> int:
    return sum(request.path == "/token" for request in vendor.requests)


async def test_renewal_survives_a_cancelled_call(make: Make, vendor: FakeVendor, tmp_path: Path) -> None:
    api = ScratchApi(make(settings=Settings), auth=OAuth2(f"{vendor.url}/token"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(api.get("/x"), 0.1)
    assert await api.get("/x") == {"ok": True}
    assert renewals(vendor) == 1
    assert State(str(tmp_path), "acme").get("oauth")["refresh_token"] == "refresh-1"


@pytest.mark.slow
async def test_renewal_once_for_processes_that_share_the_state(vendor: FakeVendor) -> None:
    pipe = asyncio.subprocess.PIPE
    starts = [
        asyncio.create_subprocess_exec(sys.executable, "-c", SCRIPT, env=dict(os.environ), stdout=pipe, stderr=pipe)
        for _ in range(3)
    ]
    message = [await process.communicate() for process in await asyncio.gather(*starts)]
    assert [out.strip() for out, _ in message] == [b"{'ok': True}"] * 3, message
    assert renewals(vendor) == 1


async def test_renewal_keeps_other_fields(make: Make, vendor: FakeVendor) -> None:
    auth = OAuth2(f"{vendor.url}/token", extra_fields=["instance", "nothing"])
    await ScratchApi(make(settings=Settings), auth=auth).get("/x")
    assert (auth.extra("instance"), auth.extra("nothing"), auth.extra("access")) == ("eu-7", "", "")
    later = OAuth2(f"{vendor.url}/token", extra_fields=["instance"])
    await ScratchApi(make(settings=Settings), auth=later).get("/x")  # as after a restart
    assert later.extra("instance") == "eu-7"
    assert renewals(vendor) == 1


# --- what cannot be saved


def no_room(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


async def test_renewal_reports_a_rotated_token_that_cannot_be_saved(
    make: Make, vendor: FakeVendor, environ: pytest.MonkeyPatch, tmp_path: Path, audit: Lines
) -> None:
    """The call goes on; the next process would be locked out, so every result says so."""
    server = make(settings=Settings)
    api = ScratchApi(server, auth=OAuth2(f"{vendor.url}/token"))

    @server.reads
    async def get_thing(wrong: bool = False) -> Out:
        """Get."""
        await api.get("/x")
        if wrong:
            raise errors.InvalidInputError("Wrong.")
        return Out(ok=True)

    environ.setattr(os, "fsync", no_room)
    for wrong in (False, True):
        result = await call(server, "acme_get_thing", wrong=wrong)
        assert result.is_error == wrong
        first, warning = result.content
        assert first.text == ("Error: Wrong." if wrong else '{"ok":true}')
        assert warning.text.startswith("Warning: The renewed access to Acme could not be saved: when this server ends")
        assert "No space left on device" in warning.text
    lines = [line for line in audit() if line["event"] == "tokens not saved"]
    assert {line["level"] for line in lines} == {"error"}
    assert len(lines) == 2  # each call tries again
    environ.undo()
    environ.setenv("FLOTILLA_STATE", str(tmp_path))
    assert len((await call(server, "acme_get_thing")).content) == 1
    assert State(str(tmp_path), "acme").get("oauth")["refresh_token"] == "refresh-1"
    assert renewals(vendor) == 1


async def test_renewal_without_state_folder(
    make: Make, vendor: FakeVendor, environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environ.setenv("FLOTILLA_STATE", str(tmp_path / "nowhere"))
    server = make(settings=Settings)
    api = ScratchApi(server, auth=OAuth2(f"{vendor.url}/token"))
    assert await api.get("/x") == {"ok": True}
    assert "could not be saved" in server.connection.warnings["oauth"]
    assert renewals(vendor) == 1


async def test_renewal_refused_when_saved_tokens_cannot_be_opened(
    make: Make, vendor: FakeVendor, tmp_path: Path
) -> None:
    """A spent refresh token would lock the user out."""
    await ScratchApi(make(settings=Settings), auth=OAuth2(f"{vendor.url}/token")).get("/x")
    (tmp_path / "acme" / "key").write_text("another key of enough characters to be one")
    with pytest.raises(errors.ConfigurationError, match="The saved tokens of acme cannot be opened"):
        await ScratchApi(make(settings=Settings), auth=OAuth2(f"{vendor.url}/token")).get("/x")
    assert renewals(vendor) == 1


async def test_refresh_token_from_settings_not_saved(make: Make, vendor: FakeVendor, tmp_path: Path) -> None:
    """Only a rotated token is written to the disk."""

    async def same(exchange: faults.Exchange) -> None:
        message = {"access_token": "access", "expires_in": 3600} if exchange.request.path == "/token" else {"ok": True}
        await exchange.send(Response.of(message))

    vendor.recovers()
    vendor.fails(same)
    await ScratchApi(make(settings=Settings), auth=OAuth2(f"{vendor.url}/token")).get("/x")
    held = State(str(tmp_path), "acme").get("oauth")
    assert (held["access_token"], held["refresh_token"]) == ("access", "")


# --- the end of a process


@pytest.mark.slow
@pytest.mark.parametrize("how", ["end of input", signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_renewal_finished_before_the_process_ends(
    vendor: FakeVendor, tmp_path: Path, how: str | signal.Signals, transport: str, environ: pytest.MonkeyPatch
) -> None:
    """The vendor has rotated the refresh token by then: unsaved, the user would be locked out."""
    if transport == "http" and how == "end of input":
        pytest.skip("HTTP has no input that ends")
    environ.setattr(sys.modules[__name__], "PAUSE", [1.5])  # longer than calls in flight are waited for
    values = {name: value for name, value in os.environ.items() if name.startswith(("ACME_", "FLOTILLA_"))}
    with Process([sys.executable, "-c", SERVING], {**values, "FLOTILLA_TRANSPORT": transport}) as process:
        if transport == "stdio":
            process.start()
            process.ask("tools/call", name="acme_get_thing", arguments={})
        wait_until(lambda: renewals(vendor) == 1)
        process.hang_up() if how == "end of input" else process.terminate(signal.Signals(how))
        assert process.ended(20) == 0, process.err
    assert State(str(tmp_path), "acme").get("oauth")["refresh_token"] == "refresh-1"


async def test_finished_waits_only_for_what_must_finish() -> None:
    done: list[str] = []
    released = asyncio.Event()

    async def work(name: str) -> None:
        await released.wait()
        done.append(name)

    other = asyncio.ensure_future(asyncio.sleep(3600))
    call_ = asyncio.ensure_future(finishing.must_finish(work("a")))
    await asyncio.sleep(0)
    call_.cancel()
    released.set()
    await finishing.finished(5)
    assert done == ["a"]
    assert not other.done()
    other.cancel()


async def test_finished_gives_up() -> None:
    work = asyncio.ensure_future(finishing.must_finish(asyncio.sleep(3600)))
    await asyncio.sleep(0)
    await finishing.finished(0.05)
    assert not work.done()
    for task in finishing._left():
        task.cancel()
    work.cancel()
