"""One server under test: its folder, the fakes around it, and its processes.

What a server needs is found in its folder, so that the one line in its test file stays one line: `tests/answers.yaml`
(what its vendor answers) and `tests/data/` (what its data folder holds). Servers that talk to something else than an
HTTP vendor give a `setup`: a function that returns a context manager, which starts it and yields its settings.
"""

from __future__ import annotations

import importlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager, redirect_stderr
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import mcp_types as mt
from fastmcp import Client
from mcp.shared.exceptions import MCPError

import flotilla_servers
from flotilla.http.client import Api
from flotilla.server import Server
from flotilla.settings import is_secret, variable
from flotilla_launcher.naming import module_of
from flotilla_testing.arguments import example_of
from flotilla_testing.client import MODES, OutputSchemas, Reply, client, text_of, tools_of
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.isolation import environment, impatient
from flotilla_testing.process import Process, command
from flotilla_testing.responses import RecordedResponses, Recorder, Request, Response
from flotilla_testing.rules import Claim, read_quality

WITHOUT_CONFIRMATION = {"FLOTILLA_CONFIRM": "off"}  # for trials in which nobody is asked
Environment = Callable[[Path], AbstractContextManager[Mapping[str, str]]]
CHECKOUT = Path(next(iter(flotilla_servers.__path__)))  # servers/


def _folder(slug: str) -> Path:
    folders = [Path(path) / module_of(slug) for path in flotilla_servers.__path__]
    return next((folder for folder in folders if folder.is_dir()), folders[-1])


def apis_of(server: Server[Any]) -> list[Api]:
    """Return the Apis of a server: those of its integration in the modules that are imported."""
    matches = (value for module in list(sys.modules.values()) for value in list(vars(module).values()))
    apis = {id(api): api for api in matches if isinstance(api, Api) and api.integration is server.integration}
    return list(apis.values())


@dataclass
class Session:
    """A connected client, and everything that its calls left behind."""

    case: Subject
    client: Client[Any]
    data: Path
    log: io.StringIO
    asked: list[str]
    recorder: Recorder | None = None
    texts: list[str] = field(default_factory=list)  # the text of every answer

    async def call(self, name: str, /, **arguments: Any) -> mt.CallToolResult:
        """Call a tool; an error is a result."""
        result = await self.client.call_tool_mcp(name, arguments)
        self.texts.append(result.model_dump_json(by_alias=True))
        return result

    async def render(self, name: str, /, **arguments: Any) -> tuple[str, bool]:
        """Get a prompt; returns its text, or that of the error, and whether it is one."""
        try:
            result = await self.client.get_prompt(name, arguments)
        except MCPError as refusal:
            text, failed = refusal.error.message, True
        else:
            text, failed = "".join(getattr(message.content, "text", "") for message in result.messages), False
        self.texts.append(text)
        return text, failed

    async def read(self, uri: str) -> tuple[str, bool]:
        """Read a resource; returns its text, or that of the error, and whether it is one."""
        try:
            parts = await self.client.read_resource(uri)
        except MCPError as refusal:
            text, failed = refusal.error.message, True
        else:
            text, failed = "".join(getattr(part, "text", "") for part in parts), False
        self.texts.append(text)
        return text, failed

    async def call_ok(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool by its name without the prefix, and return its result; an error fails the test."""
        result = await self.call(f"{self.case.server.integration.prefix}_{name}", **arguments)
        assert not result.is_error, text_of(result)
        return dict(result.structured_content or {})

    async def call_error(self, name: str, /, **arguments: Any) -> str:
        """Call a tool by its name without the prefix, and return the text of its error; a result fails the test."""
        result = await self.call(f"{self.case.server.integration.prefix}_{name}", **arguments)
        assert result.is_error, text_of(result)
        return text_of(result)

    def respond(self, route: str, answer: Response) -> None:
        """Have the recorded vendor answer a route in this way."""
        assert self.recorder, "only a recorded session has a fake vendor to respond"
        self.recorder.answers.respond(route, answer)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What stands on stderr, each line as JSON; another line fails the test."""
        return [json.loads(line) for line in self.log.getvalue().splitlines() if line.strip()]

    @property
    def outcome(self) -> str:
        """How the last call ended, from its audit line."""
        calls = [line for line in self.lines if line.get("event") == "call"]
        return str(calls[-1]["outcome"]) if calls else "no audit line"

    @property
    def requests(self) -> list[Request]:
        """What the vendor received."""
        source = self.recorder or self.case.vendor
        return source.requests if source else []

    @property
    def writes(self) -> list[Request]:
        """What the vendor received and may have changed something."""
        return [request for request in self.requests if request.writes]

    def effects(self) -> tuple[int, str]:
        """Return a fingerprint of what was done so far: writing requests, and the files of the data folder."""
        files = sorted(p for p in self.data.rglob("*") if ".flotilla" not in p.relative_to(self.data).parts)
        contents = [(str(p), p.read_bytes() if p.is_file() and not p.is_symlink() else b"") for p in files]
        return len(self.writes), sha256(repr(contents).encode()).hexdigest()


class Subject:
    """One server and all it takes to try it. A context manager: it owns a vendor and processes.

    `every_tool`: try on every tool what is otherwise tried once for each kind of request (pytest: `--every-tool`).
    """

    def __init__(
        self,
        slug: str,
        *,
        setup: Environment | None = None,
        arguments: Mapping[str, Mapping[str, Any]] | None = None,
        lossy: Mapping[str, Mapping[str, Any]] | None = None,
        every_tool: bool = False,
    ) -> None:
        self.every_tool = every_tool
        self.examples: frozenset[str] = frozenset()  # tools on which everything is tried in any case
        self.slug, self._setup, self._arguments, self._lossy = slug, setup, arguments or {}, lossy or {}
        self.folder: Path = _folder(slug)
        routes = self.folder / "tests" / "answers.yaml"
        self.answers = RecordedResponses.load(routes) if routes.is_file() else None
        self.vendor = FakeVendor(self.answers) if self.answers else None
        self.shared: dict[str, Any] = {}  # what one check leaves for the next, such as processes
        self._stack = ExitStack()
        self._sessions = 0  # those that are open
        self._tools: dict[tuple[tuple[str, str], ...], list[dict[str, Any]]] = {}  # by environment
        self._output_schemas = OutputSchemas()

    def __enter__(self) -> Subject:
        if self.vendor:
            self._stack.enter_context(self.vendor)
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._settings = dict(self._stack.enter_context(self._setup(self._folder)) if self._setup else {})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, bug: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @cached_property
    def server(self) -> Server[Any]:
        """The server, imported."""
        module = importlib.import_module(f"flotilla_servers.{module_of(self.slug)}.server")
        server: Server[Any] = module.server
        return server

    @cached_property
    def apis(self) -> list[Api]:
        """The Apis of the server's modules."""
        return apis_of(self.server)

    @cached_property
    def quality(self) -> dict[str, Claim]:
        """What quality.yaml says."""
        return read_quality(self.folder / "quality.yaml")

    # -- settings and arguments -----------------------------------------------------------------------------------

    @cached_property
    def canaries(self) -> dict[str, str]:
        """Variables of the server's secrets, with values that are found again wherever they leak."""
        fields = self.server.integration.settings_class.model_fields
        return {
            self.variable(n): f"canary-{n}-{sha256(n.encode()).hexdigest()[:16]}"
            for n, f in fields.items()
            if is_secret(f)
        }

    def variable(self, field: str) -> str:
        """Return the environment variable of a settings field."""
        return variable(self.slug, field)

    def settings(self, *, recorded: bool = False) -> dict[str, str]:
        """Return an environment in which everything works: canaries for secrets, the fake vendor for addresses.

        `recorded`: the addresses are the real ones, since nothing leaves the process.
        """
        matches = dict(self.canaries)
        for name, about in self.server.integration.settings_class.model_fields.items():
            if self.vendor and "HttpUrl" in str(about.annotation):
                required = about.is_required()  # an address that the account chooses, shown by an example
                usual = str((about.examples or [""])[0] if required else about.default)
                if recorded and required:
                    matches[self.variable(name)] = usual
                elif not recorded or not about.default:
                    matches[self.variable(name)] = self.vendor.url + urlsplit(usual).path.rstrip("/")
            elif about.is_required() and self.variable(name) not in matches:
                matches[self.variable(name)] = str((about.examples or [""])[0])
        return {**matches, **self._settings}

    def secrets(self) -> list[str]:
        """Return the values that must never be seen."""
        return [value for name, value in self.settings().items() if name in self.canaries and value]

    def example(self, tool: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Return arguments that work for a tool."""
        return {**example_of(tool, self.known(tool)), **more}

    def lossy(self, tool: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments with which a tool would lose something, so that it must ask."""
        return self.example(tool, **self._lossy.get(tool["name"], {}))

    async def replaces(self, tool: Mapping[str, Any]) -> bool:
        """Tell whether a tool is registered with replaces=True."""
        return bool(getattr(await self.server._mcp.get_tool(tool["name"]), "replaces", False))

    def known(self, tool: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments that the server's test file gives for a tool."""
        return self._arguments.get(tool["name"], {})

    async def tools(self, **environ: str) -> list[dict[str, Any]]:
        """Return the tools on the wire, of every tier unless `environ` says else. Not within a session."""
        key = tuple(sorted(environ.items()))
        if key not in self._tools:
            with self._listing(**environ):
                self._tools[key] = await tools_of(self.server)
        return self._tools[key]

    @contextmanager
    def _listing(self, **environ: str) -> Iterator[None]:
        """Run in an environment without settings, which would take that of a session, and its network, away."""
        assert not self._sessions, "list before the session begins"
        with environment(self.server, **{"FLOTILLA_TIER": "all", **environ}):
            yield

    async def prompts(self) -> list[dict[str, Any]]:
        """Return the prompts on the wire. Not within a session."""
        with self._listing():
            async with client(self.server) as connected:
                listed = await connected.list_prompts()
        return [prompt.model_dump(mode="json", by_alias=True, exclude_none=True) for prompt in listed]

    async def resources(self) -> list[str]:
        """Return the addresses of the resources on the wire; templates have none that is known here.

        Not within a session.
        """
        with self._listing():
            async with client(self.server) as connected:
                return [str(resource.uri) for resource in await connected.list_resources()]

    async def prompts_and_resources(self) -> list[tuple[str, Callable[[Session], Awaitable[tuple[str, bool]]]]]:
        """Return what runs beside the tools, prompts and resources: a name, and how it is run in a session."""
        rendered = [(p["name"], partial(_render, name=p["name"], known=self.known(p))) for p in await self.prompts()]
        return [*rendered, *((uri, partial(_read, uri=uri)) for uri in await self.resources())]

    def kind_of(self, tool: Mapping[str, Any]) -> str:
        """Return reads, writes or destroys."""
        return self.server.attributes[tool["name"]]["effect"]

    # -- trials ---------------------------------------------------------------------------------------------------

    def _new_state(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))

    def new_folder(self) -> Path:
        """Return an empty folder that is gone with the case."""
        return Path(tempfile.mkdtemp(dir=self._folder))

    def seed(self, folder: Path) -> None:
        """Fill a data folder with what the server's tests have for it."""
        seed = self.folder / "tests" / "data"
        if seed.is_dir():
            shutil.copytree(seed, folder, dirs_exist_ok=True)

    def _new_data(self) -> Path:
        folder = self.new_folder()
        self.seed(folder)
        return folder

    @asynccontextmanager
    async def session(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        mode: str = MODES[-1],
        answer: Reply | None = None,
        recorded: bool = False,
    ) -> AsyncIterator[Session]:
        """Connect a client in an environment of its own; `recorded`: recorded responses stand in for the network."""
        recorder = Recorder(self.answers) if recorded and self.answers else None
        if self.vendor:
            self.vendor.recovers()
        data, log, asked = self._new_data(), io.StringIO(), list[str]()
        values = {
            **self.settings(recorded=recorder is not None),
            "FLOTILLA_DATA": str(data),
            "FLOTILLA_STATE": str(self._new_state()),
            "FLOTILLA_TIER": "all",
            **(environ or {}),
        }
        with environment(self.server, **values), impatient(self.server, recorder, self.vendor), _captured(log):
            async with client(self.server, mode, answer, asked) as connected:
                with self._output_schemas.shared_with(connected):
                    self._sessions += 1
                    try:
                        yield Session(self, connected, data, log, asked, recorder)
                    finally:
                        self._sessions -= 1

    def process(self, environ: Mapping[str, str], revision: str = "2025-11-25") -> Process:
        """Start the server as a process that ends with the case at the latest."""
        own = command(self.slug)
        if self.folder.parent != CHECKOUT:  # a server that was made up for a test
            start = "import sys, flotilla_servers as f; f.__path__.insert(0, sys.argv.pop()); "
            start += "from flotilla_launcher.__main__ import main; sys.argv[0] = 'flotilla'; main()"
            own = [sys.executable, "-c", start, self.slug, str(self.folder.parent)]
        values = {"FLOTILLA_DATA": str(self._new_data()), "FLOTILLA_STATE": str(self._new_state()), **environ}
        return self._stack.enter_context(Process(own, values, revision))


async def _render(session: Session, name: str, known: Mapping[str, Any]) -> tuple[str, bool]:
    return await session.render(name, **known)


async def _read(session: Session, uri: str) -> tuple[str, bool]:
    return await session.read(uri)


@contextmanager
def _captured(log: io.StringIO) -> Iterator[None]:
    """Send what is written on stderr to a log; the audit by name too, since pytest changes stderr after fixtures."""
    with redirect_stderr(log), patch("flotilla.audit.sys", SimpleNamespace(stderr=log)):
        yield


@asynccontextmanager
async def connect(slug: str, environ: Mapping[str, str] | None = None, **options: Any) -> AsyncIterator[Session]:
    """Connect to a server whose vendor answers with recorded responses, for the server's own tests.

    `options` are those of `Subject.session`. `session.requests` is what the server sent, `session.recorder` what it
    answers.
    """
    with Subject(slug) as case:
        async with case.session(environ, recorded=True, **options) as session:
            yield session
