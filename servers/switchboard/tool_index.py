"""Find the tools that a request in people's own words needs, French or English: a lexical index, without any model.

A tool's words are weighed by BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009), together
with their pieces of four letters, which match across endings, compounds and misspellings. Standard library only.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

K1, B = 1.2, 0.75
GRAM, GRAM_WEIGHT = 4, 0.35  # a word has some five pieces, which together count somewhat more than the word
FEW = 3  # servers whose descriptions may use a word that names one of them
NOBODY = "\0"  # stands in no query
STEM = 6  # letters of a word that count: what follows is its ending
NAMED, HINTED = 3.0, 1.4  # factors for the tools of a server that the query names, wholly or by one word of its name
_WORD = re.compile(r"[a-z0-9]+")
# Words that say nothing about which tool is meant.
_COMMON = frozenset(
    (
        "a", "an", "the", "of", "to", "for", "in", "on", "at", "by", "with", "from", "and", "or", "is", "are",
        "was", "be", "do", "does", "did", "i", "me", "my", "we", "our", "you", "your", "he", "she", "it", "its",
        "they", "them", "this", "that", "these", "those", "what", "which", "who", "how", "can", "could",
        "would", "please", "s", "t", "re", "ve", "ll",
        "le", "la", "les", "l", "un", "une", "des", "du", "de", "d", "et", "ou", "au", "aux", "en", "dans",
        "sur", "pour", "par", "avec", "sans", "est", "sont", "ce", "cet", "cette", "ces", "il", "elle", "nous",
        "vous", "ils", "elles", "je", "j", "tu", "moi", "te", "se", "lui", "leur", "mon", "ma", "mes", "ton",
        "ta", "tes", "son", "sa", "ses", "notre", "nos", "votre", "vos", "que", "qu", "qui", "quoi", "quel",
        "quelle", "quels", "quelles", "ne", "n", "pas", "plus", "y", "c", "m",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Searchable:
    """A tool as the index reads it. `search` are its separate search words and examples, which no list shows."""

    name: str
    server: str  # how people call the server, such as Google Calendar
    description: str = ""
    search: str = ""
    arguments: str = ""


def terms(text: str, without: Collection[str] = ()) -> Counter[str]:
    """Return the words of a text, without accents and endings, and their pieces, each with its weight."""
    weights: Counter[str] = Counter()
    for word in _words(text):
        if word in without:
            continue
        weights[word[:STEM]] += 1
        padded = f"^{word}"
        for start in range(len(padded) - GRAM + 1):
            weights["~" + padded[start : start + GRAM]] += GRAM_WEIGHT  # type: ignore[assignment]
    return weights


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("_", " "))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [word for word in _WORD.findall(plain) if word not in _COMMON]


class ToolIndex:
    """All tools of a gateway, ranked for a query in well under two milliseconds."""

    def __init__(self, tools: Iterable[Searchable]) -> None:
        self._tools = list(tools)
        self._names = {tool.name: number for number, tool in enumerate(self._tools)}
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        documents = [self._document(tool) for tool in self._tools]
        average = sum(map(sum, (d.values() for d in documents))) / (len(documents) or 1)
        for number, document in enumerate(documents):
            length = 1 - B + B * sum(document.values()) / (average or 1)
            for term, count in document.items():
                self._postings[term].append((number, count * (K1 + 1) / (count + K1 * length)))
        total = len(self._tools)
        self._rarity = {t: math.log(1 + (total - len(p) + 0.5) / (len(p) + 0.5)) for t, p in self._postings.items()}
        self._servers = _names(self._tools)

    @staticmethod
    def _document(tool: Searchable) -> Counter[str]:
        name = tool.name.partition("_")[2] or tool.name  # without the server's prefix, which would drown the rest
        document = terms(f"{name} {name} {tool.description} {tool.search}")
        for term, weight in terms(tool.arguments).items():
            document[term] += weight / 2  # type: ignore[assignment]
        return document

    def search(self, query: str, limit: int = 5, allowed: Collection[str] | None = None) -> list[str]:
        """Return the names of the best tools, best first; of those in `allowed` only, where it is not None.

        A tool whose exact name stands in the query comes first.
        """
        return [name for name, _ in self.ranked(query, limit, allowed)]

    def ranked(self, query: str, limit: int, allowed: Collection[str] | None = None) -> list[tuple[str, float]]:
        """Return what `search` returns, each with its score, which compares within one query only."""
        scores: dict[int, float] = defaultdict(float)
        factors = self._factors(query)
        named = {word for server, factor in factors.items() if factor == NAMED for word in self._servers[server].own}
        for term, weight in terms(query, without=named).items():
            rarity = self._rarity.get(term, 0) * weight
            for number, value in self._postings.get(term, ()):
                scores[number] += rarity * value
        for number in scores:
            scores[number] *= factors.get(self._tools[number].server, 1)
        first = max(scores.values(), default=0) + 1
        for exact in self.named(query):
            scores[self._names[exact]] = first
        ranked = sorted(scores, key=lambda number: (-scores[number], number))
        pairs = ((self._tools[number].name, scores[number]) for number in ranked)
        return [pair for pair in pairs if allowed is None or pair[0] in allowed][:limit]

    def named(self, query: str) -> set[str]:
        """Return the tools whose exact names stand in a query."""
        return set(re.findall(r"\w+", query)) & self._names.keys()

    def texts(self, names: Collection[str]) -> dict[str, str]:
        """Return what tools say about themselves in a sentence or more, by name: for a model that reads meanings."""
        tools = (self._tools[self._names[name]] for name in names if name in self._names)
        return {t.name: f"{t.server}: {t.name.replace('_', ' ')}. {t.description} {t.search}".strip() for t in tools}

    def _factors(self, query: str) -> dict[str, float]:
        """Return by how much the tools of each server that a query names count more."""
        tokens = _words(query)
        together = "".join(tokens)
        return {
            server: NAMED if name.prefix in tokens or name.whole in together else HINTED
            for server, name in self._servers.items()
            if name.prefix in tokens or name.whole in together or name.own & set(tokens)
        }


@dataclass(frozen=True)
class Name:
    """What a server is called: the prefix of its tools, its whole name in one piece, and the terms that only it has.

    A word that many servers' tools use, such as "email", names no server.
    """

    prefix: str
    whole: str
    own: frozenset[str]


def _names(tools: list[Searchable]) -> dict[str, Name]:
    servers = {tool.server: tool.name.partition("_")[0] for tool in tools}
    users: dict[str, set[str]] = defaultdict(set)  # of each word
    for tool in tools:
        for word in {*_words(tool.description), *_words(tool.server)}:
            users[word].add(tool.server)
    names = {}
    for server, prefix in servers.items():
        own = frozenset(word for word in _words(server) if len(users[word]) <= FEW)
        whole = "".join(_words(server))
        names[server] = Name(prefix if len(users[prefix]) <= FEW else NOBODY, whole if own else NOBODY, own)
    return names
