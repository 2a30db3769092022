"""Four tools in place of hundreds: one that finds tools by what is wanted, and three that call one of them.

Three, so that a client may approve reads by itself and still ask about the rest: their hints are those of the tools
that they call. Nothing else changes on a call's way: progress, questions and errors are the called tool's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flotilla_launcher.discovery import dumps

from .permissions import kind_of

if TYPE_CHECKING:
    from .embeddings import Embeddings
    from .tool_index import Searchable, ToolIndex

Message = dict[str, Any]
SEARCH, READ, WRITE, DESTROY = "search_tools", "call_read_tool", "call_write_tool", "call_destructive_tool"
MANY = 40  # tools that a client lists in full: above that, models choose worse and pay for each definition
RESULTS, MOST_RESULTS = 5, 20
RANKS = 60  # how little the first ranks count more than the next ones: the usual constant of reciprocal rank fusion


def is_on(option: str, count: int) -> bool:
    """Tell whether that many tools are searched in place of listed, with --search on, off or auto."""
    return option == "on" or (option == "auto" and count > MANY)


def caller_of(tool: Mapping[str, Any]) -> str:
    """Return which of the three calls a tool, by its hints; one without hints may destroy."""
    return {"read": READ, "write": WRITE, "destroy": DESTROY}[kind_of(tool)]


def definitions(servers: Iterable[str]) -> list[Message]:
    """Return the four tools as a client lists them; the first one names the servers."""
    arguments = {"type": "object", "description": "By its inputSchema."}
    target = {"name": {"type": "string"}, "arguments": arguments}
    call = {"type": "object", "properties": target, "required": ["name"]}
    search = {
        "query": {
            "type": "string",
            "description": "What is to be done, in the user's words, with the product's name if it was said.",
        },
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST_RESULTS, "default": RESULTS},
    }
    return [
        {
            "name": SEARCH,
            "description": "Find the tools for a task, before calling a server's tool. Returns the best ones with "
            f"their description, inputSchema and `call_with`, the tool that calls them; without a query, all names. "
            f"If none fits, try other words. There are tools for: {', '.join(servers)}.",
            "inputSchema": {"type": "object", "properties": search},
            "annotations": {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False},
        },
        _caller(READ, "Call a tool that only reads", call, read=True, destroys=False),
        _caller(WRITE, "Call a tool that creates or changes something", call, read=False, destroys=False),
        _caller(DESTROY, "Call a tool that deletes, overwrites or cannot be taken back", call, read=False,
                destroys=True),
    ]  # fmt: skip


def _caller(name: str, does: str, schema: Message, *, read: bool, destroys: bool) -> Message:
    return {
        "name": name,
        "description": f"{does}: one that {SEARCH} gave `call_with` {name}.",
        "inputSchema": schema,
        "annotations": {"readOnlyHint": read, "destructiveHint": destroys},
    }


class ToolSearch:
    """The search over the tools that `seen` returns, and the four tools for it.

    `searchables` makes the index's texts, at the first search. With `embeddings`, what is ranked by meaning is fused
    with what is ranked by words: reciprocal ranks (Cormack and others, 2009).
    """

    def __init__(
        self,
        seen: Callable[[], list[Message]],
        searchables: Callable[[], list[Searchable]],
        embeddings: Embeddings | None = None,
    ) -> None:
        self._seen, self._searchables, self._embeddings = seen, searchables, embeddings

    @property
    def _tools(self) -> dict[str, Message]:
        return {tool["name"]: tool for tool in self._seen()}

    @cached_property
    def index(self) -> ToolIndex:
        """The index, made when it is first asked: it takes longer than a list may take."""
        from .tool_index import ToolIndex  # not at the top: the launcher only lists

        return ToolIndex(self._searchables())

    def renew(self) -> None:
        """Make the index anew at the next search: there are other tools."""
        self.__dict__.pop("index", None)

    async def matches(self, query: str, limit: int) -> list[tuple[Message, float]]:
        """Return the tools that fit a query, best first, each with its score, which compares within one query only."""
        seen, index = self._tools, self.index
        meanings = self._embeddings if self._embeddings and self._embeddings.wanted else None
        ranked = index.ranked(query, len(seen) if meanings else limit, seen)
        near = await meanings.ranked(query, index.texts(seen)) if meanings else []
        if near:
            scores = dict.fromkeys(near, 0.0)
            for names in ([name for name, _ in ranked], near):
                for rank, name in enumerate(names, 1):
                    scores[name] = scores.get(name, 0) + 1 / (RANKS + rank)
            scores |= dict.fromkeys(index.named(query) & seen.keys(), 1.0)
            ranked = sorted(scores.items(), key=lambda pair: -pair[1])
        return [(seen[name], score) for name, score in ranked[:limit]]

    def prepare(self) -> None:
        """Begin to embed the tools in the background, where embeddings are set."""
        if self._embeddings and self._embeddings.wanted:
            self._embeddings.prepare(self.index.texts(self._tools))

    async def close(self) -> None:
        """End what goes on."""
        if self._embeddings:
            await self._embeddings.close()

    async def search(self, arguments: Mapping[str, Any]) -> Message:
        """Return the result of `search_tools`."""
        query, limit = arguments.get("query") or "", arguments.get("limit", RESULTS)
        if type(query) is not str or type(limit) is not int or not 1 <= limit <= MOST_RESULTS:
            return failed(f"`query` must be text, `limit` a number from 1 to {MOST_RESULTS}. Correct it, call again.")
        if not query.strip():
            return _result({"names": list(self._tools)})
        tools = [tool for tool, _ in await self.matches(query, limit)]
        shown = ("name", "description", "inputSchema")
        return _result({"tools": [{**{k: tool[k] for k in shown if k in tool}, "call_with": caller_of(tool)}
                                  for tool in tools]})  # fmt: skip

    def target(self, caller: str, arguments: Mapping[str, Any]) -> tuple[str, Any] | Message:
        """Return the tool that one of the three is to call, with its arguments; an error result where it may not."""
        name = arguments.get("name")
        seen = self._tools
        tool = seen.get(name) if type(name) is str else None
        if tool is None:
            from difflib import get_close_matches

            near = get_close_matches(str(name), seen, 3)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Find it with {SEARCH}."
            return failed(f"There is no tool `{name}`. {hint}")
        if caller != caller_of(tool):
            return failed(f"`{name}` is called with {caller_of(tool)}. Nothing was done; call it so.")
        return str(name), arguments.get("arguments") or {}


def failed(text: str) -> Message:
    """Return an error result of a tool."""
    return {"content": [{"type": "text", "text": f"Error: {text}"}], "isError": True}


def _result(content: Message) -> Message:
    return {"content": [{"type": "text", "text": dumps(content)}], "structuredContent": content}
