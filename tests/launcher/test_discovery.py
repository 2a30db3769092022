"""The launcher and FastMCP must say the same: every server, every protocol version, every filter, odd conversations."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli.generator.discovery import META, described
from flotilla_cli.generator.servers import ROOT, integrations, server_of
from flotilla_launcher import discovery, handover, sources
from flotilla_launcher.naming import module_of
from flotilla_launcher.protocol import HANDSHAKE_VERSIONS, LOG_LEVELS
from flotilla_launcher.version import VERSION

SLUGS = integrations()
FILTERED, EVERYWHERE = ("calendly", "facturation-pro"), ("none", "mixture")
PROBE = "calendly"  # the odd conversations need one server; the lists are compared for all
LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
CLIENT = {"name": "test", "version": "1"}


class ForkServer:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "fork_server.py"), *SLUGS, "switchboard"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, slug: str, chunks: list[str], expected: int, **env: str) -> tuple[dict[str, Any], str]:
        """Return the answers by id (a list where one came twice) and what was logged."""
        assert self.process.stdin
        assert self.process.stdout
        job = {"slug": slug, "env": {"HOME": "/nonexistent", **env}, "chunks": chunks, "expected": expected}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        got = json.loads(self.process.stdout.readline())
        answers: dict[str, Any] = {}
        for line in got["out"].splitlines():
            message = json.loads(line)
            key = json.dumps(message.get("id", message.get("method")))
            assert key not in answers, f"two answers to {key}"
            answers[key] = message
        return answers, got["err"]


@pytest.fixture(scope="module")
def fork_server() -> Iterator[ForkServer]:
    fork_server = ForkServer()
    yield fork_server
    assert fork_server.process.stdin
    fork_server.process.stdin.close()
    fork_server.process.wait(10)


def line(method: str, number: Any = None, params: Any = None, **more: Any) -> str:
    message = {"jsonrpc": "2.0", "method": method, **more}
    if number is not None:
        message["id"] = number
    if params is not None:
        message["params"] = params
    return json.dumps(message, ensure_ascii=False) + "\n"


def hello(version: str, number: Any = 0, capabilities: Any = None, **client: Any) -> str:
    about = {"capabilities": capabilities or {}, "clientInfo": {**CLIENT, **client}}
    return line("initialize", number, {"protocolVersion": version, **about})


READY = line("notifications/initialized")


def old(version: str) -> list[str]:
    return [hello(version), READY, *(line(m, n) for n, m in enumerate(LISTS, 1)), line("ping", "p")]


def new() -> list[str]:
    return [line(m, n, {"_meta": META}) for n, m in enumerate(("server/discover", *LISTS))]


FILTERS: dict[str, dict[str, str]] = {
    "none": {},
    "all": {"FLOTILLA_TIER": "all"},
    "read-only": {"FLOTILLA_READ_ONLY": "1"},
    "not set": {"FLOTILLA_READ_ONLY": "<UNKNOWN>", "FLOTILLA_TIER": "<UNKNOWN>"},
    "unclear": {"FLOTILLA_TIER": "{{x.tier}}"},
    "groups": {"FLOTILLA_GROUPS": "invoices,quotes"},
    "a group, read-only": {"FLOTILLA_GROUPS": " invoices ,", "FLOTILLA_READ_ONLY": "true"},
    "read-only off": {"FLOTILLA_READ_ONLY": "Off", "FLOTILLA_TIER": "CORE"},
    "from a file": {"FLOTILLA_TIER_FILE": "{folder}/tier"},
    "mixture": {
        "FLOTILLA_READ_ONLY": "yes",
        "FLOTILLA_TIER": "ALL",
        "FLOTILLA_DENY": "calendly_get_event,fs_read_file",
    },
}


def first_tools(slug: str) -> str:
    result = json.loads((ROOT / "servers" / module_of(slug) / "discovery.json").read_text())
    return ",".join(tool["name"] for tool in result["tools"][:2])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every server with and without filters; each filter on those servers whose groups and tools it names.

    What a filter hides does not depend on the server: `--every-tool` tries each on all of them. Nor does the protocol's
    version, of which the FILTERED are tried with all.
    """
    if "filters" not in metafunc.fixturenames:
        return
    whole = metafunc.config.getoption("--every-tool")
    cases = [
        pytest.param(slug, name, marks=[] if name in EVERYWHERE else pytest.mark.slow)
        for name in (*FILTERS, "allow", "deny")
        for slug in (SLUGS if whole or name in EVERYWHERE else FILTERED)
    ]
    metafunc.parametrize(("slug", "filters"), cases)


def test_launcher_lists_same_as_server(fork_server: ForkServer, slug: str, filters: str, tmp_path: Path) -> None:
    (tmp_path / "tier").write_text("all\n")
    env = FILTERS.get(filters) or ({f"FLOTILLA_{filters.upper()}": first_tools(slug)} if filters != "none" else {})
    env = {name: value.replace("{folder}", str(tmp_path)) for name, value in env.items()}
    versions = (*HANDSHAKE_VERSIONS, "1999-01-01", "2026-07-28") if slug in FILTERED else HANDSHAKE_VERSIONS[-1:]
    for lines in (*(old(version) for version in versions), new()):
        expected = sum(statement.count('"id"') for statement in lines)
        precomputed, log = fork_server.run(slug, lines, expected, **env)
        real, _ = fork_server.run(slug, lines, expected, FLOTILLA_PRECOMPUTED="off", **env)
        assert len(real) == expected
        assert precomputed == real
        assert "differs" not in log


def call(number: Any = 9, name: str = "calendly_get_event", arguments: Any = None, **params: Any) -> str:
    return line(
        "tools/call", number, {"name": name, "arguments": {"event": "x"} if arguments is None else arguments, **params}
    )


START = [hello("2025-11-25"), READY]
ODD: dict[str, list[str]] = {
    "call after lists": [*old("2025-06-18"), call()],
    "call in the new era": [
        *new(),
        line("tools/call", 9, {"name": "calendly_get_event", "arguments": {}, "_meta": META}),
    ],
    "call first": [call()],
    "call first in the new era": [line("tools/call", 9, {"name": "x", "arguments": {}, "_meta": META})],
    "everything at once": ["".join([*old("2025-06-18"), call(), line("tools/list", 99)])],
    "byte by byte": list("".join([hello("2025-11-25"), READY, line("tools/list", 1)])),
    "a part stays": [*START, line("tools/list", 1), call()[:20], call()[20:]],
    "log level before the first call": [*START, line("logging/setLevel", 1, {"level": "debug"}), call()],
    "unknown log level": [*START, line("logging/setLevel", 1, {"level": "loud"}), line("ping", 2)],
    "unknown method": [*START, line("no/such", 1), line("ping", 2)],
    "unknown method first": [line("no/such", 1), line("ping", 2)],
    "ping first": [line("ping", 1), line("tools/list", 2)],
    "list before initialize": [line("tools/list", 1), hello("2025-11-25", 2)],
    "list before initialized": [hello("2025-11-25"), line("tools/list", 1)],
    "initialize twice": [*START, hello("2025-06-18", 5), line("tools/list", 6)],
    "initialize without client": [line("initialize", 0, {"protocolVersion": "2025-11-25", "capabilities": {}})],
    "initialize with more": [
        line("initialize", 0, {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT, "x": 1}),
        line("tools/list", 1),
    ],
    "initialize with a number as version": [
        line("initialize", 0, {"protocolVersion": 1, "capabilities": {}, "clientInfo": CLIENT})
    ],
    "no parameters at all": [line("initialize", 0)],
    "cursor": [*START, line("tools/list", 1, {"cursor": "x"}), line("tools/list", 2)],
    "progress token": [*START, line("tools/list", 1, {"_meta": {"progressToken": 7}})],
    "extra parameter": [*START, line("tools/list", 1, {"x": 1})],
    "parameters as a list": [*START, line("tools/list", 1, []), line("ping", 2)],
    "text id": [*START, line("tools/list", "é€"), line("ping", "")],
    "odd ids": [*START, line("ping", True), line("ping", 1.5), line("ping", -3), line("ping", 2**60)],
    "null id": [*START, '{"jsonrpc":"2.0","id":null,"method":"ping"}\n', line("ping", 2)],
    "no JSON": [*START, "hello\n", line("ping", 2)],
    "no JSON first": ["hello\n", *START, line("ping", 2)],
    "empty lines": [*START, "\n", "  \n", line("ping", 2)],
    "batch": [*START, f"[{line('ping', 1).strip()},{line('ping', 2).strip()}]\n", line("ping", 3)],
    "no version": [*START, '{"id":1,"method":"ping"}\n', line("ping", 2)],
    "version 1.0": [*START, '{"jsonrpc":"1.0","id":1,"method":"ping"}\n', line("ping", 2)],
    "extra member": [*START, line("ping", 1, extra=True), line("ping", 2)],
    "answer nobody asked for": [*START, '{"jsonrpc":"2.0","id":4,"result":{}}\n', line("ping", 2)],
    "cancel of an answered request": [
        *START,
        line("notifications/cancelled", None, {"requestId": 0}),
        line("ping", 2),
        call(),
    ],
    "roots changed": [*START, line("notifications/roots/list_changed"), call()],
    "unknown notification": [*START, line("notifications/nonsense"), line("ping", 2)],
    "every capability": [
        hello(
            "2025-11-25",
            capabilities={
                "roots": {"listChanged": True},
                "sampling": {"tools": {}},
                "elicitation": {"form": {}, "url": {}},
                "extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html"]}},
            },
            title="T",
            icons=[{"src": "https://x/y.png", "mimeType": "image/png"}],
        ),
        line("tools/list", 1),
        call(),
    ],
    "a wrong capability": [hello("2025-11-25", capabilities={"roots": 5}), line("tools/list", 1)],
    "a wrong flag": [hello("2025-11-25", capabilities={"roots": {"listChanged": "x"}}), line("tools/list", 1)],
    "a flag for an object": [hello("2025-11-25", capabilities={"elicitation": {"form": True}}), line("ping", 1)],
    "a wrong title": [hello("2025-11-25", title=5), line("tools/list", 1)],
    "a wrong icon": [hello("2025-11-25", icons="x"), line("tools/list", 1)],
    "a wrong progress token": [*START, line("tools/list", 1, {"_meta": {"progressToken": {}}})],
    "a wrong log level in the new era": [
        line("tools/list", 0, {"_meta": {**META, "io.modelcontextprotocol/logLevel": "loud"}})
    ],
    "wrong capabilities in the new era": [
        line("tools/list", 0, {"_meta": {**META, "io.modelcontextprotocol/clientCapabilities": {"roots": 5}}})
    ],
    "half a surrogate": [hello("2025-11-25").replace('"1"', '"\\ud800"'), line("ping", 2)],
    "a bare CR": [*START, '{"jsonrpc":"2.0",\r"id":1,"method":"ping"}\n', line("ping", 2)],
    "deep nesting": [*START, line("ping", 1, {"_meta": {"x": json.loads("[" * 400 + "]" * 400)}}), line("ping", 2)],
    "broken UTF-8": [*START, '{"jsonrpc":"2.0","id":"a\udcff","method":"ping"}\n', line("ping", 2)],
    "a byte order mark": ["\ufeff" + hello("2025-11-25"), line("ping", 2)],
    "NaN": [*START, '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"x":NaN}}}\n', line("ping", 2)],
    "escapes": [*START, '{"jsonrpc":"2.0","id":"\\u00e9\\ud83d\\ude00","method":"ping"}\n'],
    "old question in the new era": [*new(), line("ping", 11), line("tools/list", 12)],
    "ping in the new era": [*new(), line("ping", 11, {"_meta": META})],
    "new question in the old era": [*START, line("tools/list", 1, {"_meta": META})],
    "discover without capabilities": [
        line("server/discover", 0, {"_meta": {k: v for k, v in META.items() if "Capab" not in k}})
    ],
    "discover of another version": [
        line("server/discover", 0, {"_meta": {**META, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}})
    ],
    "initialize after discover": [*new()[:1], hello("2025-11-25", 5)],
    "arguments as text": [*START, call(arguments='{"event":"x"}')],
    "unknown tool": [*START, call(name="no_such_tool")],
    "spaces around": [*START, "   " + line("ping", 1).strip() + "  \r\n", line("ping", 2)],
    "a very long line": [*START, line("ping", 1, {"_meta": {"x": "é" * 30_000}}), line("ping", 2)],
}


@pytest.mark.parametrize("name", ODD)
def test_launcher_odd_conversations_same_as_server(fork_server: ForkServer, name: str) -> None:
    expected = sum(statement.count('"id"') for statement in ODD[name])
    precomputed, log = fork_server.run(PROBE, ODD[name], expected)
    real, _ = fork_server.run(PROBE, ODD[name], expected, FLOTILLA_PRECOMPUTED="off")
    assert precomputed == real
    assert real or "first" in name or "no JSON" in name
    assert "differs" not in log


GATEWAY = "switchboard"


@pytest.mark.parametrize("env", [{}, {"FLOTILLA_READ_ONLY": "1", "FLOTILLA_TIER": "all"}], ids=["plain", "read-only"])
@pytest.mark.parametrize("servers", ["all", "", "filesystem", "nonsense"])
def test_launcher_lists_same_as_gateway(fork_server: ForkServer, servers: str, env: dict[str, str]) -> None:
    env = {**env, "FLOTILLA_SERVERS": servers, "FLOTILLA_RUN": "process"}
    for lines in (old("2025-06-18"), old("1999-01-01"), new()):
        expected = sum(statement.count('"id"') for statement in lines) if servers != "nonsense" else 0
        precomputed, log = fork_server.run(GATEWAY, lines, expected, **env)
        real, _ = fork_server.run(GATEWAY, lines, expected, FLOTILLA_PRECOMPUTED="off", **env)
        assert len(real) == expected
        assert precomputed == real
        assert "differs" not in log


def test_launcher_reports_outdated_discovery(
    fork_server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ROOT / "servers" / PROBE / "discovery.json"
    true = path.read_text(encoding="utf-8")
    stale = json.loads(true)
    stale["initialize"]["serverInfo"]["version"] = "0.0.0"
    try:
        path.write_text(json.dumps(stale), encoding="utf-8")
        answers, log = fork_server.run(PROBE, [*START, call()], 2)
    finally:
        path.write_text(true, encoding="utf-8")
    assert answers["0"]["result"]["serverInfo"]["version"] == "0.0.0"
    assert "precomputed discovery differs" in log


def served(*chunks: bytes) -> tuple[bytes | None, bytes]:
    """Return what the launcher hands over for a client that says this and hangs up, and what it wrote."""
    precomputed = discovery.read(str(ROOT / "servers" / PROBE / "discovery.json"))
    assert precomputed
    statement, wrote = iter((*chunks, b"", b"")), bytearray()

    def write(_: int, data: bytes) -> int:
        wrote.extend(data[:100])  # a pipe takes what it has room for
        return min(len(data), 100)

    return discovery.DiscoveryProxy(precomputed, {}).serve(lambda *_: next(statement), write), bytes(wrote)


def test_launcher_last_line_without_newline() -> None:
    opening = "".join(START).encode()
    read_ahead, wrote = served(opening, line("ping", 1).strip().encode())
    assert read_ahead is None
    assert json.loads(wrote.splitlines()[-1]) == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert served(opening, b'{"jsonrpc"') == (opening + b'{"jsonrpc"\n', wrote.splitlines(keepends=True)[0])


def test_launcher_long_line_not_copied_repeatedly() -> None:
    chunk = b"x" * 65_536
    before = time.process_time()
    read_ahead, _ = served(*[chunk] * 800, b"\n")
    assert read_ahead
    raw, left = handover.InputStream(-1, read_ahead), len(read_ahead)
    while left:
        left -= raw.readinto(bytearray(8192))
    assert time.process_time() - before < 2  # 50 MB; in the square of its length it would take a minute


def test_launcher_leaves_a_repeated_request_id_to_the_server() -> None:
    read_ahead, _ = served(
        "".join([*START, *(line("logging/setLevel", 1, {"level": at}) for at in LOG_LEVELS[:2])]).encode()
    )
    assert read_ahead
    assert read_ahead.count(b"setLevel") == 2


def test_launcher_with_non_blocking_streams() -> None:
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    theirs.setblocking(False)
    with (
        ours,
        subprocess.Popen(
            [sys.executable, "-m", "flotilla_launcher.__main__", PROBE], stdin=theirs, stdout=theirs
        ) as process,
    ):
        theirs.close()
        time.sleep(0.3)  # it finds nothing to read
        ours.sendall("".join([*START, line("tools/list", 1)]).encode())
        time.sleep(0.3)  # it finds no room to write
        lines = ours.makefile("rb")
        assert [json.loads(next(lines))["id"] for _ in range(2)] == [0, 1]
        lines.close()
        ours.shutdown(socket.SHUT_RDWR)
        assert process.wait(5) == 0


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of one server, whose discovery.json holds a mark that the real server does not answer with."""
    ignored = shutil.ignore_patterns("__pycache__", "tests", "*.egg-info")
    for name in ("shared/src", "scripts/flotilla_cli/generator", f"servers/{PROBE}"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("requirements/base.txt", "servers/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    path = tmp_path / "servers" / PROBE / "discovery.json"
    data = json.loads((ROOT / "servers" / PROBE / "discovery.json").read_text(encoding="utf-8"))
    data["initialize"]["serverInfo"]["version"] = "from the file"
    path.write_text(json.dumps(data | {"sources": sources.digest(str(tmp_path), PROBE)}), encoding="utf-8")
    return tmp_path


def version_in(checkout: Path) -> str:
    """Return the version that the real entry point of a checkout answers with."""
    program = (
        f"import sys; sys.path.insert(0, {str(checkout / 'scripts')!r}); sys.argv = ['flotilla', {PROBE!r}];"
        "from pathlib import Path; from flotilla_cli.generator.sources import import_from_checkout;"
        f"import_from_checkout(Path({str(checkout)!r})); from flotilla_launcher.__main__ import main; main()"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=hello("2025-06-18"), capture_output=True, text=True, check=True)
    return str(json.loads(done.stdout)["result"]["serverInfo"]["version"])


def test_discovery_answered_from_the_file_whatever_the_dates_of_its_sources(checkout: Path) -> None:
    """As after a pull, or a switch of branches and back."""
    for path in checkout.rglob("*.py"):
        os.utime(path, (2_000_000_000, 2_000_000_000))
    assert version_in(checkout) == "from the file"


@pytest.mark.parametrize(
    "name", [f"servers/{PROBE}/server.py", "shared/src/flotilla/text.py", "requirements/base.txt", "servers/_new/a.py"]
)
def test_discovery_answered_by_the_server_after_a_change_of_a_source(checkout: Path, name: str) -> None:
    """One byte is enough, though size and date are what they were."""
    path = checkout / name
    if path.exists():
        data, info = path.read_bytes(), path.stat()
        position = data.index(b".")  # in the first docstring, or in a version
        path.write_bytes(data[:position] + b"!" + data[position + 1 :])
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    else:
        path.parent.mkdir()
        path.touch()
    assert version_in(checkout) == VERSION


def test_attributes_read_from_the_code() -> None:
    result = json.loads((ROOT / "servers" / PROBE / "discovery.json").read_text())
    read = json.loads(json.dumps(described(server_of(PROBE), result)))
    assert read.items() <= result.items()


def test_launcher_imports_nothing_heavy_before_the_first_call() -> None:
    """Not even after the lists, as the real entry point runs."""
    program = (
        f"import sys, os; sys.path.insert(0, {str(ROOT / 'shared/src')!r}); sys.argv = ['flotilla', {PROBE!r}];"
        "os._exit = lambda _: (sys.stderr.write(' '.join(sys.modules)), sys.stderr.flush(), sys.exit());"
        "from flotilla_launcher.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        input="".join(old("2025-06-18")).encode(),
        capture_output=True,
        check=True,
    )
    assert done.stdout.count(b"\n") == len(LISTS) + 2
    heavy = {
        "re",
        "enum",
        "json",
        "signal",
        "logging",
        "asyncio",
        "typing",
        "pathlib",
        "collections",
        "fastmcp",
        "pydantic",
    }
    assert not heavy & set(done.stderr.decode().split())
