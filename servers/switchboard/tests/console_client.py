"""The console of a test's fleet: in this process for its routes, and on a port of its own for a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

TOKEN = "console-token-1"
HOST = "http://127.0.0.1:8812"
ARGUMENTS = '{"contact_id": "70451", "filter": "status = inactive"}'


def console(fleet: Any, *more: str) -> tuple[Any, Starlette]:
    """Return the console's host, by which a test looks at what was done, and the application."""
    from flotilla_servers.switchboard.console.app import Console
    from flotilla_servers.switchboard.console.host import Host
    from flotilla_servers.switchboard.options import arguments

    options = arguments(fleet.options("--permissions", "on", *more))
    made = Console(options)
    routes = [Route(path, endpoint, methods=[method]) for path, method, endpoint in made.routes()]
    return Host(options), Starlette(routes=routes)


class Visitor:
    """A browser without a screen: keeps its cookies, and sends forms as a page of the console does."""

    def __init__(self, app: Starlette, language: str = "en") -> None:
        headers = {"accept-language": language}
        transport = httpx2.ASGITransport(app=app)  # type: ignore[arg-type]
        self.http = httpx2.AsyncClient(transport=transport, base_url=HOST, headers=headers)

    async def sign_in(self) -> Visitor:
        assert (await self.get("/", token=TOKEN)).status_code == 200
        return self

    async def get(self, path: str, **query: str) -> httpx2.Response:
        return await self.http.get(f"/console{path}", params=query)

    async def page(self, path: str, **query: str) -> str:
        """Return the text of a page that is there."""
        response = await self.get(path, **query)
        assert response.status_code == 200, response.text
        return response.text

    async def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> httpx2.Response:
        return await self.http.post(
            f"/console{path}", data=form, headers={"origin": HOST} if headers is None else headers
        )


class Server(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
        self.ready = threading.Event()

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def listening(app: Starlette) -> Iterator[str]:
    """Serve an application on a free port, in a thread; gives its address."""
    server = Server(app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.ready.wait(20)
    [socket] = server.servers[0].sockets
    yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
