"""Real mail servers on loopback: aiosmtpd with TLS, and a scripted one that misbehaves."""

from __future__ import annotations

import asyncio
import email
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult
from fastmcp import Client

from flotilla_servers.email import smtp
from flotilla_servers.email.server import server
from flotilla_servers.email.smtp_errors import Route

USER, PASSWORD = "facturation@exemple.fr", "canari-mot-de-passe-é-9321"


class Sink:
    """aiosmtpd's handler: keeps what arrives, refuses whom the test names."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []
        self.logins: list[str] = []
        self.sessions = 0
        self.rcpt: dict[str, str] = {}
        self.mail = self.data = ""
        self.port = 0

    @property
    def messages(self) -> list[EmailMessage]:
        """What arrived, parsed."""
        return [email.message_from_bytes(e.content, policy=email.policy.default) for e in self.envelopes]

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:  # noqa: N802
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if self.mail:
            return self.mail
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data:
            return self.data
        envelope.tls = session.ssl is not None
        self.envelopes.append(envelope)
        return f"250 2.0.0 Ok: queued as {len(self.envelopes):05d}"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, auth: Any) -> AuthResult:
        """Accept the one login. `handled=False` lets aiosmtpd write the 535."""
        self.logins.append(mechanism)
        good = auth.login.decode() == USER and auth.password.decode() == PASSWORD
        return AuthResult(success=good, handled=good)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


Start = Callable[..., Awaitable[Sink]]


@pytest.fixture
async def sink(certificate: ssl.SSLContext) -> AsyncIterator[Start]:
    """Start mail servers: `await sink(security=…, login=…, limit=…, utf8=…)`."""
    async with AsyncExitStack() as stack:

        async def start(
            security: str = "starttls", login: bool = True, limit: int = 0, utf8: bool = True, **options: Any
        ) -> Sink:
            handler = Sink()
            params: dict[str, Any] = {
                "hostname": "sink.test",
                "enable_SMTPUTF8": utf8,
                "data_size_limit": limit or None,
                "authenticator": handler.authenticate if login else None,
                "auth_required": login,
                "auth_require_tls": security == "starttls",
                "require_starttls": security == "starttls",
                "tls_context": certificate if security == "starttls" else None,
                **options,
            }

            def make() -> SMTP:
                handler.sessions += 1
                return SMTP(handler, loop=asyncio.get_running_loop(), **params)

            running = await asyncio.get_running_loop().create_server(
                make, "127.0.0.1", 0, ssl=certificate if security == "tls" else None
            )
            stack.callback(running.close)
            handler.port = running.sockets[0].getsockname()[1]
            return handler

        yield start


class Script:
    """A mail server by script: command to reply. `drop` hangs up, `hang` says nothing more, `reset` breaks off."""

    def __init__(self, replies: dict[str, str | list[str]], extensions: tuple[str, ...]) -> None:
        self.replies = {k: list(v) if isinstance(v, list) else v for k, v in replies.items()}
        self.extensions = extensions
        self.sessions = 0
        self.commands: list[str] = []
        self.mails: list[bytes] = []
        self.port = 0

    def _next(self, verb: str, usual: str) -> str:
        reply = self.replies.get(verb, usual)
        if isinstance(reply, list):
            return reply.pop(0) if reply else usual
        return reply

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one session."""
        self.sessions += 1
        try:
            if not await self._say(writer, self._next("CONNECT", "220 script.test ESMTP")):
                return
            while line := (await reader.readline()).decode("utf-8", "replace").rstrip("\r\n"):
                verb = line.split(":")[0].upper()
                self.commands.append(line)
                usual = {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 ok")
                if verb.startswith("EHLO"):
                    usual = "".join(f"250-{name}\r\n" for name in ("script.test", *self.extensions)) + "250 HELP"
                    verb = "EHLO"
                if not await self._say(writer, self._next(verb, usual)):
                    return
                if verb == "DATA" and not await self._take(reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if "BODY" in self.replies:
            await reader.read(1000)
            return await self._say(writer, self._next("BODY", ""))
        self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
        return await self._say(writer, self._next(".", "250 2.0.0 queued"))

    async def _say(self, writer: asyncio.StreamWriter, reply: str) -> bool:
        if reply == "hang":
            await asyncio.sleep(30)
        if reply == "reset":
            writer.transport.abort()
        if reply in ("hang", "drop", "reset"):
            return False
        writer.write(reply.encode() + b"\r\n")
        await writer.drain()
        return True


@pytest.fixture
async def script() -> AsyncIterator[Callable[..., Awaitable[Script]]]:
    """Start scripted servers: `await script({"DATA": "drop"}, "SIZE 1000")`."""
    async with AsyncExitStack() as stack:

        async def start(replies: dict[str, str | list[str]], *extensions: str) -> Script:
            scripted = Script(replies, extensions)
            tasks: set[asyncio.Task[Any]] = set()

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task
                tasks.add(task)
                await scripted(reader, writer)

            running = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**24)
            stack.callback(lambda: [task.cancel() for task in tasks])
            stack.callback(running.close)
            scripted.port = running.sockets[0].getsockname()[1]
            return scripted

        yield start


@pytest.fixture
def route(ca_file: str) -> Callable[..., Route]:
    """Make a route to a port on loopback."""

    def make(port: int, security: Any = "none", login: bool = False, **more: Any) -> Route:
        params: dict[str, Any] = {"host": "localhost", "hello": "exemple.fr", "ca_file": ca_file, "step": 2, "total": 8}
        if login:
            params |= {"username": USER, "password": PASSWORD}
        return Route(port=port, security=security, **params | more)

    return make


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "PAUSE", 0.05)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("FLOTILLA_DATA", str(folder))
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("FLOTILLA_STATE", str(tmp_path / "state"))
    return folder


@pytest.fixture
def configured(data: Path, ca_file: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Configure the server: `configured(sink.port, SECURITY="tls")`; what was configured before is forgotten."""

    def configure(port: int = 0, **settings: str) -> None:
        usual = {
            "SMTP_HOST": "localhost",
            "SMTP_PORT": str(port) if port else "",
            "USERNAME": USER,
            "PASSWORD": PASSWORD,
            "SENDER_NAME": "Hélène, Société Étoile",
            "CA_FILE": ca_file,
        }
        for name, value in (usual | settings).items():
            monkeypatch.setenv(f"EMAIL_{name}", value)
        server.reset()

    server.reset()
    yield configure
    server.reset()


@asynccontextmanager
async def _calling() -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    async with Client(server._mcp) as client:

        async def call(tool: str, **arguments: Any) -> Any:
            return await client.call_tool_mcp(f"email_{tool}", arguments)

        yield call


@pytest.fixture
async def call() -> Callable[..., Awaitable[Any]]:
    """Call a tool as a client does: `await call("send_email", to=[…])` gives the wire result."""

    async def once(tool: str, **arguments: Any) -> Any:
        async with _calling() as calling:
            return await calling(tool, **arguments)

    return once
