"""Search by meaning beside the words: a real HTTP stand-in for the API, that can be right, wrong, slow and broken."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.switchboard import embeddings as module
from flotilla_servers.switchboard.circuit import FAILURES
from flotilla_servers.switchboard.embeddings import Embeddings
from flotilla_servers.switchboard.settings_file import Search
from flotilla_servers.switchboard.tool_index import Searchable
from flotilla_servers.switchboard.tool_search import ToolSearch
from flotilla_testing.waiting import eventually

ABOUT = ("invoice facture unpaid relance money", "calendar slot room free place", "mail send courriel")  # dimensions
TOOLS = [
    Searchable("books_list_invoices", "Books", "List each invoice."),
    Searchable("gcal_check_availability", "Calendar", "Find a free slot."),
    Searchable("mail_send_email", "Mail", "Send a mail."),
]
DEFINITIONS = [{"name": tool.name, "description": tool.description, "inputSchema": {}} for tool in TOOLS]


class StandIn:
    """An embeddings API that knows three meanings. `answer` replaces what it says; `held` holds it back."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.answer: tuple[int, bytes] | None = None
        self.held = threading.Event()
        self.held.set()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                stand_in.requests.append(asked)
                stand_in.tokens.append(self.headers.get("authorization", ""))
                stand_in.held.wait(20)
                vectors = [stand_in.vector(text) for text in asked["input"]]
                data = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(vectors)]
                usual = 200, json.dumps({"object": "list", "data": data[::-1], "model": asked["model"]}).encode()
                known = self.path == "/v1/embeddings" and asked["model"] == "m"
                status, body = stand_in.answer or (usual if known else (404, b"{}"))
                try:
                    self.send_response(status)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:  # who asked has given up
                    pass

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @staticmethod
    def vector(text: str) -> list[float]:
        parts = text.lower().replace(".", " ").replace(":", " ").split()
        return [0.01 + sum(word in about.split() for word in parts) for about in ABOUT]

    def close(self) -> None:
        self.held.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def api() -> Iterator[StandIn]:
    stand_in = StandIn()
    yield stand_in
    stand_in.close()


class Searched:
    """A search over the three tools, by words and by meaning."""

    def __init__(self, state: Path, url: str, token: str = "", model: str = "m") -> None:
        self.settings = Search(embeddings_url=url, embeddings_model=model)
        self.embeddings = Embeddings(state, lambda: self.settings, token)
        self.search = ToolSearch(lambda: DEFINITIONS, lambda: TOOLS, self.embeddings)

    async def names(self, query: str) -> list[str]:
        return [tool["name"] for tool, _ in await self.search.matches(query, 3)]

    async def ready(self) -> None:
        self.search.prepare()
        await eventually(lambda: self.embeddings._task and self.embeddings._task.done())


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy must not look like an API that is slow."""
    monkeypatch.setattr(module, "WAIT", 20.0)


async def test_meaning_finds_what_no_word_names(api: StandIn, tmp_path: Path) -> None:
    it = Searched(tmp_path, api.url, "s3cret")
    assert await it.names("place") == []  # nothing is embedded yet
    await it.ready()
    assert (await it.names("place"))[0] == "gcal_check_availability"
    assert (await it.names("mail_send_email place"))[0] == "mail_send_email"  # its exact name comes first
    assert set(api.tokens) == {"Bearer s3cret"}
    assert api.requests[0]["input"][0].startswith("Books: books list invoices. List each invoice.")
    await it.search.close()


async def test_tools_are_embedded_once_and_kept(api: StandIn, tmp_path: Path) -> None:
    first = Searched(tmp_path, api.url)
    await first.ready()
    await first.search.close()
    assert [len(asked["input"]) for asked in api.requests] == [3]
    again = Searched(tmp_path, api.url)
    await again.ready()
    assert (await again.names("place"))[0] == "gcal_check_availability"
    assert [len(asked["input"]) for asked in api.requests] == [3, 1]
    again.settings = Search(embeddings_url=api.url, embeddings_model="other")  # of which nothing is kept
    assert await again.names("send") == ["mail_send_email"]
    await eventually(lambda: len(api.requests) == 3)
    await again.search.close()


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"{}"),
        (200, b"no json"),
        (200, b"[]"),
        (200, b'{"data": []}'),
        (200, b'{"data": [{"index": 1, "embedding": [1, 2, 3]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": ["a"]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": []}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [0, 0, 0]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [NaN, 1, 1]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [1e999, 1, 1]}]}'),
    ],
)
async def test_wrong_answer_leaves_the_words(
    api: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: tuple[int, bytes]
) -> None:
    it = Searched(tmp_path, api.url)
    await it.ready()
    api.answer = answer
    before = len(api.requests)
    for _ in range(FAILURES + 2):
        assert await it.names("send") == ["mail_send_email"]
    assert len(api.requests) == before + FAILURES  # then it is left alone for a while
    assert capsys.readouterr().err.count("tools are searched by words alone") == 1
    await it.search.close()


async def test_vector_of_another_length_leaves_the_words(api: StandIn, tmp_path: Path) -> None:
    it = Searched(tmp_path, api.url)
    await it.ready()
    api.answer = 200, b'{"data": [{"index": 0, "embedding": [1, 1]}]}'
    assert await it.names("send") == ["mail_send_email"]
    await it.search.close()


async def test_slow_answer_leaves_the_words(api: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    it = Searched(tmp_path, api.url)
    await it.ready()
    api.held.clear()
    monkeypatch.setattr(module, "WAIT", 0.01)
    assert await it.names("send") == ["mail_send_email"]
    await it.search.close()


async def test_api_that_cannot_be_reached_leaves_the_words(
    tmp_path: Path, unused_tcp_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    it = Searched(tmp_path, f"http://127.0.0.1:{unused_tcp_port}")
    await it.ready()
    assert await it.names("send") == ["mail_send_email"]
    assert "ConnectError" in capsys.readouterr().err
    await it.search.close()


async def test_token_never_goes_over_plain_http(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    it = Searched(tmp_path, "http://embeddings.example/v1", "s3cret")
    await it.ready()
    assert "would go over plain HTTP" in capsys.readouterr().err
    await it.search.close()


async def test_nothing_is_imported_or_asked_without_an_address(tmp_path: Path) -> None:
    it = Searched(tmp_path, "")
    it.search.prepare()
    assert await it.names("send") == ["mail_send_email"]
    assert (it.embeddings._http, it.embeddings._task) == (None, None)
    await it.search.close()
    assert list(tmp_path.iterdir()) == []
