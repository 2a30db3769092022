"""Tools ranked by meaning, where the operator names an embeddings API (OpenAI's form): an addition to the words.

Each tool is embedded once and kept in the state folder by the hash of its text. Whatever goes wrong or takes long, the
search goes on by words alone. httpx2 is imported only where an address is set.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from operator import mul
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .circuit import Circuit
from .reporting import report

if TYPE_CHECKING:
    import sqlite3

    import httpx2

    from .settings_file import Search

TOKEN = "FLOTILLA_EMBEDDINGS_TOKEN"  # the variable
WAIT = 0.150  # seconds that a query waits for its embedding
PATIENCE = 60.0  # seconds that a batch of tools may take
BATCH = 64  # tools in one request
MOST_ROWS = 20_000  # vectors that are kept
LONGEST = 8_000  # characters of one text
LOOPBACK = ("127.0.0.1", "localhost", "::1")
BUSY = 5.0  # seconds that a writer waits for another switchboard's write


class EmbeddingsError(Exception):
    """The API cannot be used, or answered with something that is not its form."""


class Embeddings:
    """Vectors of texts, by one API. `settings` returns the address and the model as they are set now."""

    def __init__(self, state: Path, settings: Callable[[], Search], token: str = "") -> None:
        self._path, self._settings, self._token = state / "switchboard" / "embeddings.db", settings, token
        self._vectors: dict[str, array[float]] = {}  # by the hash of the text
        self._http: httpx2.AsyncClient | None = None
        self._circuit, self._reported = Circuit(), ""
        self._task: asyncio.Task[None] | None = None

    @property
    def wanted(self) -> bool:
        """Whether an address is set."""
        return bool(self._settings().embeddings_url)

    def prepare(self, texts: Mapping[str, str]) -> None:
        """Begin to embed what is new among the texts, by name, in the background; nothing where no address is set."""
        wanted = self._settings()
        self._begin(wanted, {self._key(wanted, text): text for text in texts.values()})

    def _begin(self, wanted: Search, texts: Mapping[str, str]) -> None:
        missing = {key: text for key, text in texts.items() if key not in self._vectors}
        idle = self._task is None or self._task.done()
        if wanted.embeddings_url and missing and idle and not self._circuit.left():
            self._task = asyncio.create_task(self._prepare(wanted, missing))

    async def ranked(self, query: str, texts: Mapping[str, str]) -> list[str]:
        """Return the names of the texts, those nearest to the query first; none where that cannot be told in time."""
        wanted = self._settings()
        if not wanted.embeddings_url:
            return []
        keys = {name: self._key(wanted, text) for name, text in texts.items()}
        self._begin(wanted, {keys[name]: text for name, text in texts.items()})
        vectors = {name: self._vectors[key] for name, key in keys.items() if key in self._vectors}
        if not vectors or self._http is None or self._circuit.left():
            return []
        began = self._circuit.now()
        try:
            async with asyncio.timeout(WAIT):
                [vector] = await self._embedded(wanted, [query])
        except (EmbeddingsError, TimeoutError) as error:
            self._failed(str(error) or f"it took longer than {WAIT * 1000:.0f} ms", began)
            return []
        self._circuit.note(reached=True, began=began)
        return await asyncio.to_thread(_nearest, vector, vectors)

    async def close(self) -> None:
        """End what goes on, and close the connections."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._http:
            await self._http.aclose()

    @staticmethod
    def _key(wanted: Search, text: str) -> str:
        return hashlib.sha256(f"{wanted.embeddings_url}\0{wanted.embeddings_model}\0{text}".encode()).hexdigest()

    def _failed(self, reason: str, began: float) -> None:
        self._circuit.note(reached=False, began=began)
        if reason != self._reported:
            self._reported = reason
            report(f"tools are searched by words alone: {self._settings().embeddings_url}: {reason}")

    async def _prepare(self, wanted: Search, texts: Mapping[str, str]) -> None:
        """Read the vectors that are kept of the texts, by key, ask the API for the others, and keep them."""
        began = self._circuit.now()
        try:
            if self._http is None:
                httpx2 = await asyncio.to_thread(__import__, "httpx2")
                self._http = await asyncio.to_thread(httpx2.AsyncClient)  # which reads all CA certificates
            stored = await asyncio.to_thread(self._read, list(texts))
            self._vectors |= stored
            new = [key for key in texts if key not in stored]
            for start in range(0, len(new), BATCH):
                batch = new[start : start + BATCH]
                async with asyncio.timeout(PATIENCE):
                    vectors = await self._embedded(wanted, [texts[key] for key in batch])
                made = dict(zip(batch, vectors, strict=True))
                self._vectors |= made
                await asyncio.to_thread(self._keep, made)
            self._circuit.note(reached=True, began=began)
        except TimeoutError:
            self._failed(f"it took longer than {PATIENCE:.0f} seconds", began)
        except Exception as error:  # whatever it is, words are enough
            self._failed(str(error) or type(error).__name__, began)

    async def _embedded(self, wanted: Search, texts: Sequence[str]) -> list[array[float]]:
        """Return the vector of each text, of length 1. Raises EmbeddingsError."""
        assert self._http, "made before anything is embedded"
        url = urlsplit(wanted.embeddings_url)
        if self._token and url.scheme != "https" and url.hostname not in LOOPBACK:
            raise EmbeddingsError(f"{TOKEN} would go over plain HTTP; set an address with https")
        try:
            response = await self._http.post(
                f"{wanted.embeddings_url.rstrip('/')}/embeddings",
                json={"model": wanted.embeddings_model, "input": [text[:LONGEST] or " " for text in texts]},
                headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
                timeout=PATIENCE,
            )
            if not response.is_success:
                raise EmbeddingsError(f"it answered with status {response.status_code}")
            document = response.json()
        except EmbeddingsError:
            raise
        except Exception as error:  # of the network, or no JSON
            raise EmbeddingsError(type(error).__name__) from None
        return _vectors_of(document, len(texts))

    def _read(self, keys: Sequence[str]) -> dict[str, array[float]]:
        stored = {}
        with closing(_open(self._path)) as db:
            for key in keys:
                if row := db.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone():
                    stored[key] = array("f", row[0])
        return stored

    def _keep(self, vectors: Mapping[str, array[float]]) -> None:
        with closing(_open(self._path)) as db, db:
            rows = [(key, vector.tobytes(), time.time()) for key, vector in vectors.items()]
            db.executemany("INSERT OR REPLACE INTO vectors (key, vector, made) VALUES (?, ?, ?)", rows)
            newest = "SELECT rowid FROM vectors ORDER BY rowid DESC LIMIT ?"
            db.execute(f"DELETE FROM vectors WHERE rowid NOT IN ({newest})", (MOST_ROWS,))


def _open(path: Path) -> sqlite3.Connection:
    import sqlite3

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = sqlite3.connect(path, timeout=BUSY)
    db.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB, made REAL)")
    return db


def _vectors_of(document: Any, count: int) -> list[array[float]]:
    """Return the vectors of an answer, in the order of its texts. Raises EmbeddingsError."""
    try:
        items = sorted(document["data"], key=lambda item: item["index"])
        vectors = [array("f", item["embedding"]) for item in items]
        if [item["index"] for item in items] != list(range(count)) or len({len(vector) for vector in vectors}) != 1:
            raise ValueError
        return [_normal(vector) for vector in vectors]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise EmbeddingsError("it answered with something else than embeddings") from None


def _normal(vector: array[float]) -> array[float]:
    """Return a vector of length 1. Raises ValueError where there is none."""
    length = math.sqrt(sum(map(mul, vector, vector)))
    if not length or not math.isfinite(length):
        raise ValueError
    return array("f", [value / length for value in vector])


def _nearest(query: array[float], vectors: Mapping[str, array[float]]) -> list[str]:
    """Return the names whose vectors are nearest, best first; those of another length than the query's are left out."""
    fitting = {name: vector for name, vector in vectors.items() if len(vector) == len(query)}
    return sorted(fitting, key=lambda name: -sum(map(mul, query, fitting[name])))
