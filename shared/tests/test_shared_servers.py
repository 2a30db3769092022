"""A server that tenants share: each call works for the tenant whose sealed credentials it brings, and for no other."""

import asyncio
import errno
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from flotilla import Api, Bearer, Model
from flotilla.calls.context import current, sealed_access
from flotilla.calls.credentials import HEADER, SECONDS, CallSeal, Credentials, CredentialsError
from flotilla.calls.results import given_access
from flotilla.calls.used_ids import UsedIds
from flotilla.connection import Connection, Network
from flotilla.serving.tenants import TenantConnections, share
from flotilla.settings import remember_secret, scrub
from flotilla_cli.generator.discovery import META
from flotilla_testing.scratch import ScratchApi, ScratchServer

Make = Callable[..., ScratchServer]
KEY = "0123456789abcdef" * 2
ACME, ZETA = (Credentials(f"{name}-1", {"ACME_TOKEN": f"canary-{name}"}) for name in ("acme", "zeta"))
NEXT = "Ask the operator to compare FLOTILLA_STATE_KEY and the clocks of the switchboard and of the server."


# -- sealing ----------------------------------------------------------------------------------------------------------


def test_credentials_open_once_for_their_call() -> None:
    seal = CallSeal("acme", KEY)
    header = seal.seal(ACME, b"{}")
    assert "canary" not in header
    assert seal.open(header, b"{}") == ACME
    with pytest.raises(CredentialsError, match="they were used before"):
        seal.open(header, b"{}")
    assert seal.open(seal.seal(ACME, b"{}"), b"{}") == ACME  # the same call, sent again


def test_credentials_hold_the_access_token_of_their_account() -> None:
    sent = Credentials("acme-1", {}, {"access_token": "canary-access"})
    credentials = CallSeal("acme", KEY).open(CallSeal("acme", KEY).seal(sent, b"{}"), b"{}")
    assert credentials == sent
    token = sealed_access.set(credentials.access)
    assert given_access() == {"access_token": "canary-access"}
    sealed_access.reset(token)


def test_credentials_of_another_call_server_or_key_are_refused() -> None:
    seal = CallSeal("acme", KEY)
    header = seal.seal(ACME, b"{}")
    for other, body in (
        (seal, b"{ }"),
        (seal, b""),
        (CallSeal("acm", KEY), b"{}"),
        (CallSeal("zoho", KEY), b"{}"),
        (CallSeal("acme", KEY[:-1] + "0"), b"{}"),
    ):
        with pytest.raises(CredentialsError, match="they were not sealed for this call of this server with this key"):
            other.open(header, body)
    assert seal.open(header, b"{}") == ACME


def test_credentials_with_a_flipped_bit_are_refused() -> None:
    seal = CallSeal("acme", KEY)
    raw = urlsafe_b64decode(seal.seal(ACME, b"{}"))
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(CredentialsError, match="they were not sealed for this call"):
            seal.open(urlsafe_b64encode(changed).decode(), b"{}")
    for header in ("x", "é€", "A" * 40, urlsafe_b64encode(raw[:-1]).decode()):
        with pytest.raises(CredentialsError, match="they were not sealed for this call"):
            seal.open(header, b"{}")
    with pytest.raises(CredentialsError, match="there are none"):
        seal.open("", b"{}")


def test_credentials_expire_and_only_then_are_forgotten() -> None:
    now = [1_000.0]
    seal = CallSeal("acme", KEY, lambda: now[0])
    late, used = seal.seal(ACME, b"{}"), seal.seal(ACME, b"{}")
    now[0] += SECONDS - 1
    assert seal.open(used, b"{}") == ACME
    with pytest.raises(CredentialsError, match="used before"):
        seal.open(used, b"{}")
    now[0] += 1
    for header in (late, used):
        with pytest.raises(CredentialsError, match="they expired 0 seconds ago"):
            seal.open(header, b"{}")
    assert list(seal._used._minutes) == [1_060 // 60]
    now[0] += 2 * SECONDS  # by all clocks
    seal.open(seal.seal(ACME, b"{}"), b"{}")
    assert list(seal._used._minutes) == [1_240 // 60]


@pytest.mark.parametrize(("fast", "taken"), [(-SECONDS, False), (1 - SECONDS, True), (SECONDS, True), (61, False)])
def test_credentials_of_a_clock_that_differs(fast: int, taken: bool) -> None:
    """One that is far fast would make them good for as long."""
    header = CallSeal("acme", KEY, lambda: 1_000.0 + fast).seal(ACME, b"{}")
    server = CallSeal("acme", KEY, lambda: 1_000.0)
    if taken:
        assert server.open(header, b"{}") == ACME
    else:
        with pytest.raises(CredentialsError, match=r"they expired 0 seconds ago|they were sealed 61 seconds from now"):
            server.open(header, b"{}")


def test_credentials_open_at_one_of_the_replicas_that_share_a_state_folder(acme: ScratchServer, tmp_path: Path) -> None:
    now = [1_000.0]

    def replica(clock: Callable[[], float]) -> CallSeal:
        return CallSeal("acme", KEY, clock, UsedIds(Connection(acme.integration, environ).state))

    environ = {"FLOTILLA_STATE": str(tmp_path)}
    first, second = replica(lambda: now[0]), replica(lambda: now[0] - SECONDS + 1)
    headers = [first.seal(ACME, b"{}") for _ in range(3)]
    for header, opens, refuses in zip(headers, (first, second, first), (second, first, second), strict=True):
        assert opens.open(header, b"{}") == ACME
        for each in (refuses, opens, replica(lambda: now[0])):
            with pytest.raises(CredentialsError, match="they were used before"):
                each.open(header, b"{}")
    assert [path.name for path in (tmp_path / "acme").iterdir()] == ["used-ids-17"]
    now[0] += 2 * SECONDS - 2
    first.open(first.seal(ACME, b"{}"), b"{}")
    with pytest.raises(CredentialsError, match="they were used before"):  # while its clock says that they are good
        second.open(headers[0], b"{}")
    (tmp_path / "acme" / "used-ids-copy").touch()
    now[0] += SECONDS
    first.open(first.seal(ACME, b"{}"), b"{}")
    files = sorted(path.name for path in (tmp_path / "acme").iterdir())
    assert files == ["used-ids-19", "used-ids-20", "used-ids-copy"]


def test_credentials_open_once_of_many_attempts_at_many_replicas(acme: ScratchServer, tmp_path: Path) -> None:
    environ = {"FLOTILLA_STATE": str(tmp_path)}
    replicas = [CallSeal("acme", KEY, used=UsedIds(Connection(acme.integration, environ).state)) for _ in range(4)]
    headers = [replicas[0].seal(ACME, b"{}") for _ in range(50)]

    def opened(seal: CallSeal) -> list[str]:
        taken = []
        for header in headers:
            with suppress(CredentialsError):
                seal.open(header, b"{}")
                taken.append(header)
        return taken

    with ThreadPoolExecutor(len(replicas)) as pool:
        taken = [header for each in pool.map(opened, replicas) for header in each]
    assert sorted(taken) == sorted(headers)


@pytest.mark.parametrize("problem", ["missing", "full"])
def test_credentials_open_where_no_state_can_be_written(
    acme: ScratchServer, tmp_path: Path, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    state = tmp_path
    if problem == "missing":
        state /= "missing"
    else:
        monkeypatch.setattr("flotilla.calls.used_ids.os.write", full)
    reasons: list[str] = []
    used = UsedIds(Connection(acme.integration, {"FLOTILLA_STATE": str(state)}).state, reasons.append)
    seal = CallSeal("acme", KEY, used=used)
    for _ in range(2):
        header = seal.seal(ACME, b"{}")
        assert seal.open(header, b"{}") == ACME
        with pytest.raises(CredentialsError, match="they were used before"):
            seal.open(header, b"{}")
    [reason] = reasons
    assert ("there is no such folder" if problem == "missing" else "No space left on device") in reason


def test_credentials_that_no_header_can_hold_are_refused() -> None:
    with pytest.raises(CredentialsError, match="and 48000 is the most"):
        CallSeal("acme", KEY).seal(Credentials("acme-1", {"ACME_TOKEN": "x" * 40_000}), b"{}")


# -- a shared server --------------------------------------------------------------------------------------------------


class Out(Model):
    """What a call saw."""

    values: list[str]


def vendor(request: httpx.Request) -> httpx.Response:
    """Say whose token came."""
    return httpx.Response(200, json={"owner": request.headers["authorization"].removeprefix("Bearer ")})


class Shared:
    """A shared server, and calls of it as a switchboard sends them."""

    def __init__(self, server: ScratchServer, http: httpx.AsyncClient) -> None:
        self.server, self.http, self.seal = server, http, CallSeal("acme", KEY)
        self.bodies = 0

    async def post(self, header: str | None, body: bytes, name: str, method: str = "tools/call") -> dict[str, Any]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": method,
            **({"Mcp-Name": name} if name else {}),
            **({} if header is None else {HEADER: header}),
        }
        response = await self.http.post("/mcp", content=body, headers=headers)
        lines = [line for line in response.text.splitlines() if line.startswith("data: ")]
        document: dict[str, Any] = json.loads(lines[-1].removeprefix("data: ") if lines else response.text)
        return document

    def body(self, tool: str, arguments: dict[str, Any], **params: Any) -> bytes:
        self.bodies += 1
        asked = {**META, "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
        params |= {"name": tool, "arguments": arguments, "_meta": asked}
        return json.dumps({"jsonrpc": "2.0", "id": self.bodies, "method": "tools/call", "params": params}).encode()

    async def call(self, who: Credentials, tool: str, params: Any = None, /, **arguments: Any) -> dict[str, Any]:
        body = self.body(tool, arguments, **(params or {}))
        answer = await self.post(self.seal.seal(who, body), body, tool)
        assert "result" in answer, answer
        return dict(answer["result"])

    async def ask(self, who: Credentials, method: str, name: str = "", **params: Any) -> dict[str, Any]:
        self.bodies += 1
        request = {"jsonrpc": "2.0", "id": self.bodies, "method": method, "params": {**params, "_meta": META}}
        body = json.dumps(request).encode()
        return dict((await self.post(self.seal.seal(who, body), body, name, method))["result"])

    async def values(self, who: Credentials, tool: str, **arguments: Any) -> list[str]:
        result = await self.call(who, tool, **arguments)
        assert "structuredContent" in result, result
        return list(result["structuredContent"]["values"])


Sharing = Callable[[], AbstractAsyncContextManager[Shared]]


@pytest.fixture
def sharing(make: Make, environ: pytest.MonkeyPatch, tmp_path: Path) -> Sharing:
    """Return what starts a shared server in this process."""
    environ.delenv("ACME_TOKEN")
    environ.setenv("FLOTILLA_STATE_KEY", KEY)
    environ.setenv("FLOTILLA_TRANSPORT", "http")
    environ.setenv("FLOTILLA_DATA", str(tmp_path / "data"))
    environ.setenv("FLOTILLA_STATE", str(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    server = make(hosts=["api.acme.example:443"])
    server.connection.network = Network(transport=httpx.MockTransport(vendor))
    _tools(server, ScratchApi(server, auth=Bearer("token")))

    @asynccontextmanager
    async def shared() -> AsyncIterator[Shared]:
        server.connect = share(server._mcp, server.connection)
        app = server._mcp.http_app(path="/mcp", stateless_http=True)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http,
        ):
            yield Shared(server, http)
        server._mcp._mcp_server.middleware.pop(0)

    return shared


def _tools(server: ScratchServer, api: Api) -> None:
    @server.reads
    async def see_account() -> Out:
        """Say whose account it is, of the vendor, of what was kept, and of the folder, slowly."""
        connection = api.connection
        owner = (await api.get("/me"))["owner"]
        connection.metadata.setdefault("owner", owner)
        await asyncio.sleep(0)  # others run meanwhile
        files = [path.read_text() for path in sorted(Path(connection.fleet.data).iterdir())]
        return Out(values=[owner, connection.metadata["owner"], *files])

    @server.writes(creates=True)
    async def save_file(name: str) -> Out:
        """Save a file of the account's token."""
        connection = api.connection
        token = connection.settings.token.get_secret_value()
        Path(connection.fleet.data, name).write_text(token)
        return Out(values=[token])

    @server.destroys
    async def delete_file(name: str) -> Out:
        """Delete a file; the library asks first."""
        Path(api.connection.fleet.data, name).unlink()
        return Out(values=[name])

    @server.reads
    async def fail_badly() -> Out:
        """Fail with what no log may show."""
        raise RuntimeError(
            f"{api.connection.settings.token.get_secret_value()} and {dict(current().connection.environ)}"
        )  # type: ignore[union-attr]


async def test_tenants_on_one_server_get_nothing_of_each_other(sharing: Sharing, tmp_path: Path) -> None:
    async with sharing() as shared:
        both = (ACME, ZETA)
        saved = await asyncio.gather(
            *(shared.values(who, "acme_save_file", name="a", idempotency_key="same") for who in both * 2)
        )
        assert saved == [["canary-acme"], ["canary-zeta"]] * 2
        seen = await asyncio.gather(*(shared.values(who, "acme_see_account") for who in both * 20))
        assert seen == [["canary-acme"] * 3, ["canary-zeta"] * 3] * 20
        for who in both:
            [file] = (tmp_path / "data" / "tenants" / who.tenant).iterdir()
            assert file.read_text() == who.environ["ACME_TOKEN"]
            assert len(list((tmp_path / "state" / "tenants" / who.tenant / "acme").glob("once-*.sealed"))) == 1
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["acme", "tenants", "tenants"]
    assert {path.name[:9] for path in (tmp_path / "state" / "acme").iterdir()} == {"used-ids-"}


async def test_nothing_of_a_tenant_may_be_cached_for_another(sharing: Sharing) -> None:
    async with sharing() as shared:
        server = shared.server

        @server.resource("acme://owner")
        async def owner() -> str:
            """Say whose account it is."""
            return Path(server.connect().fleet.data).name

        for who in (ACME, ZETA):
            read = await shared.ask(who, "resources/read", "acme://owner", uri="acme://owner")
            assert read["contents"][0]["text"] == who.tenant
            listed = [await shared.ask(who, f"{kind}/list") for kind in ("tools", "prompts", "resources")]
            assert [result["cacheScope"] for result in [read, *listed]] == ["private"] * 4


async def test_accounts_of_one_tenant_share_its_files_alone(sharing: Sharing, tmp_path: Path) -> None:
    paris = Credentials(f"{ACME.tenant}@paris", {"ACME_TOKEN": "canary-paris"})
    async with sharing() as shared:
        for who, name in ((ACME, "a"), (paris, "b")):
            saved = await shared.values(who, "acme_save_file", name=name, idempotency_key="same")
            assert saved == [who.environ["ACME_TOKEN"]]  # a key counts for its account
        for who in (ACME, paris) * 2:
            own = who.environ["ACME_TOKEN"]
            assert await shared.values(who, "acme_see_account") == [own, own, "canary-acme", "canary-paris"]
    state = tmp_path / "state" / "tenants" / ACME.tenant
    assert [len(list((place / "acme").glob("once-*.sealed"))) for place in (state, state / "@paris")] == [1, 1]


async def test_answer_to_a_question_is_of_no_use_to_another_tenant(sharing: Sharing) -> None:
    async with sharing() as shared:
        for who in (ACME, ZETA):
            await shared.call(who, "acme_save_file", name="a")
        asked = await shared.call(ACME, "acme_delete_file", name="a")
        assert asked["resultType"] == "input_required"
        key = next(iter(asked["inputRequests"]))
        answer = {
            "requestState": asked["requestState"],
            "inputResponses": {key: {"action": "accept", "content": {"confirm": True}}},
        }
        body = shared.body("acme_delete_file", {"name": "a"}, **answer)
        refused = await shared.post(shared.seal.seal(ZETA, body), body, "acme_delete_file")
        assert "error" in refused
        assert await shared.values(ZETA, "acme_see_account") == ["canary-zeta"] * 3  # with its file
        done = await shared.call(ACME, "acme_delete_file", answer, name="a")
        assert done["structuredContent"] == {"values": ["a"]}


async def test_call_without_credentials_of_its_own_is_refused(sharing: Sharing, capsys: Any) -> None:
    async with sharing() as shared:
        tool, body = "acme_see_account", shared.body("acme_see_account", {})
        used = shared.seal.seal(ACME, body)
        await shared.post(used, body, tool)
        late = CallSeal("acme", KEY, lambda: 1_000.0).seal(ACME, body)
        for header, why in (
            (None, "there are none"),
            (used, "they were used before"),
            (late, "they expired "),
            (shared.seal.seal(ACME, body + b" "), "they were not sealed for this call"),
            (CallSeal("zoho", KEY).seal(ACME, body), "they were not sealed for this call"),
            (shared.seal.seal(Credentials("../acme", {}), body), "they name no tenant"),
        ):
            error = (await shared.post(header, body, tool))["error"]
            assert error["message"].startswith(f"Error: The credentials of this call were refused: {why}")
            assert error["message"].endswith(f". Nothing was done. {NEXT}")
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert [line["event"] for line in lines] == ["call"] + ["call refused"] * 6
        lists = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28"}
        listed = await shared.http.post("/mcp", json=lists, headers={**headers, "Mcp-Method": "tools/list"})
        assert "there are none" in listed.text


async def test_call_is_not_repeated_at_another_replica(sharing: Sharing) -> None:
    async with sharing() as shared:
        body = shared.body("acme_save_file", {"name": "a"})
        header = shared.seal.seal(ACME, body)
        assert "result" in await shared.post(header, body, "acme_save_file")
    async with sharing() as shared:
        error = (await shared.post(header, body, "acme_save_file"))["error"]
        assert "they were used before. Nothing was done." in error["message"]


async def test_no_log_shows_credentials(sharing: Sharing, capsys: Any) -> None:
    async with sharing() as shared:
        body = shared.body("acme_fail_badly", {})
        header = shared.seal.seal(ACME, body)
        await shared.post(header, body, "acme_fail_badly")
        await shared.post(header, body, "acme_fail_badly")
        written = capsys.readouterr()
        assert "RuntimeError" in written.err
        assert "used before" in written.err
        for text in ("canary", header, KEY):
            assert text not in written.err + written.out


async def test_changed_settings_hold_from_the_next_call_on(sharing: Sharing) -> None:
    async with sharing() as shared:
        assert (await shared.values(ACME, "acme_see_account"))[:2] == ["canary-acme"] * 2
        changed = Credentials(ACME.tenant, {"ACME_TOKEN": "canary-new", "FLOTILLA_DENY": "acme_save_file"})
        assert (await shared.values(changed, "acme_see_account"))[:2] == ["canary-new"] * 2
        refused = await shared.call(changed, "acme_save_file", name="b")
        assert "There is no tool acme_save_file" in refused["content"][0]["text"]
        assert await shared.values(ZETA, "acme_save_file", name="b") == ["canary-zeta"]


async def test_guards_of_the_server_hold_for_every_tenant(sharing: Sharing) -> None:
    async with sharing() as shared:
        guarded = Connection(shared.server.integration, {**os.environ, "FLOTILLA_READ_ONLY": "on", "ACME_TOKEN": "own"})
        connections = TenantConnections(guarded)
        tier = Credentials("acme-1", {"FLOTILLA_TIER": "all"})
        environ = connections._of(tier).connection.environ
        assert (environ["FLOTILLA_READ_ONLY"], environ["FLOTILLA_TIER"]) == ("on", "all")
        assert "ACME_TOKEN" not in environ


async def test_connections_are_bounded_and_closed_after_their_last_call(sharing: Sharing) -> None:
    async with sharing() as shared:
        closed: list[str] = []

        class Resource:
            def __init__(self, name: str) -> None:
                self.name = name

            async def aclose(self) -> None:
                closed.append(self.name)

        connections = TenantConnections(shared.server.connection, most=2)

        def called(number: int) -> Any:
            who = Credentials(f"t-{number}", {"ACME_TOKEN": f"token-{number}"})
            connections._of(who).connection.resource(Resource, lambda: Resource(who.tenant))
            return connections.entered(who)

        with called(1):
            for number in (2, 3):
                with called(number):
                    pass
            assert list(connections._tenants) == ["t-2", "t-3"]
            await asyncio.sleep(0)
            assert closed == []
        await asyncio.gather(*connections._closing)
        assert closed == ["t-1"]
        with called(2), called(4):
            pass
        await asyncio.gather(*connections._closing)
        assert closed == ["t-1", "t-3"]


async def test_secrets_of_one_tenant_are_masked_in_its_texts(sharing: Sharing) -> None:
    async with sharing() as shared:
        connections = TenantConnections(shared.server.connection)
        with connections.entered(ACME):
            remember_secret("token-of-acme")
            assert scrub("token-of-acme") == "***"
        with connections.entered(ZETA):
            assert scrub("token-of-acme") == "token-of-acme"  # it never comes here, and is forgotten with the tenant
        with connections.entered(ACME):
            assert scrub("token-of-acme") == "***"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"FLOTILLA_TRANSPORT": "stdio"}, "FLOTILLA_CALL_CREDENTIALS needs FLOTILLA_TRANSPORT=http"),
        ({"FLOTILLA_STATEFUL": "on"}, "FLOTILLA_CALL_CREDENTIALS needs FLOTILLA_TRANSPORT=http"),
        ({"FLOTILLA_STATE_KEY": ""}, "FLOTILLA_CALL_CREDENTIALS needs FLOTILLA_STATE_KEY"),
        ({"ACME_TOKEN": "own"}, "so ACME_TOKEN would have no effect: it comes with each call. Unset it."),
    ],
)
def test_server_with_an_account_of_its_own_is_not_shared(acme: ScratchServer, variables: Any, sentence: str) -> None:
    environ = {"FLOTILLA_TRANSPORT": "http", "FLOTILLA_STATE_KEY": KEY, **variables}
    with pytest.raises(SystemExit, match=sentence):
        share(acme._mcp, Connection(acme.integration, environ))
