"""Answers discovery from a file, before anything heavy is imported; hands everything else over, byte for byte.

Thirty servers that wait for a first call should cost neither thirty imports of FastMCP (1.5 s, 80 MB each) nor a
wrong answer. So one rule: answer only what is exactly understood. Whatever else comes, the real server is started and
gets every line that it must have seen; what it answers to those is dropped (and compared: see `start.Sink`).

Only `os`, `_json` and what the interpreter has loaded anyway: `json` alone would double the start. The protocol facts
are tested against FastMCP for every version (tests/launcher).
"""

from __future__ import annotations

import _json
import os

from flotilla_launcher.environment import SettingError, setting
from flotilla_launcher.filters import check, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1  # of discovery.json
HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN = "2026-07-28"
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
CLIENT_KEY = "io.modelcontextprotocol/clientInfo"
LEVEL_KEY = "io.modelcontextprotocol/logLevel"
LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
ENVELOPE = {"jsonrpc", "id", "method", "params"}


class _Scanner:
    """What the C scanner of `json` asks its decoder for."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner wants this attribute


_scan = _json.make_scanner(_Scanner)  # type: ignore[arg-type]
_encode = _json.make_encoder(
    None,
    None,  # type: ignore[arg-type]
    _json.encode_basestring,
    None,
    ":",
    ",",
    False,
    False,
    True,
)


def loads(text: str) -> Any:
    """Decode one JSON value; raises some exception for anything else (which one depends on the Python version)."""
    value, end = _scan(text, len(text) - len(text.lstrip(" \t\r\n")))
    if text[end:].strip(" \t\r\n"):
        raise ValueError("more than one value")
    return value


def dumps(value: Any) -> str:
    """Encode compactly."""
    return "".join(_encode(value, 0))


def read(path: str) -> dict[str, Any] | None:
    """Return the baked discovery, or None where there is none that this code understands."""
    try:
        with open(path, "rb") as file:
            baked = loads(file.read().decode())
        return baked if baked["format"] == FORMAT else None
    except Exception:  # whatever is wrong with the file: the real server answers then
        return None


class Launcher:
    """One client's discovery. `kept` are the lines the real server must see; `drop` what it will answer to them."""

    def __init__(self, baked: dict[str, Any], environ: Any = os.environ) -> None:
        self.baked, self.environ = baked, environ
        self.era = ""
        self.kept: list[bytes] = []
        self.drop: dict[Any, Any] = {}

    def serve(self, read: Any = os.read, write: Any = os.write) -> bytes | None:
        """Answer until a message is not ours; return the bytes the real server starts with, None at end of input."""
        rest = b""
        while True:
            if b"\n" not in rest:
                parts = [rest]
                while b"\n" not in parts[-1]:
                    more = read(0, 65536)
                    if not more and not any(parts):
                        return None
                    parts.append(more or b"\n")  # the last line may lack its end
                rest = b"".join(parts)
            line, after = rest.split(b"\n", 1)
            try:
                answer = self.answer(line)
            except Exception:  # not understood
                answer = None
            if answer is None:
                return b"".join(self.kept) + rest
            rest = after
            try:
                while answer:
                    answer = answer[write(1, answer) :]
            except BrokenPipeError:
                return None

    def answer(self, line: bytes) -> bytes | None:
        """Return the answer to one line, nothing for a notification, None (or raise) for what is not ours."""
        if _is_odd(line):
            return None
        message = loads(line.decode())
        method, params = message["method"], message.get("params", {})
        if message["jsonrpc"] != "2.0" or not ENVELOPE.issuperset(message) or type(params) is not dict:
            return None
        if "id" not in message:
            return self._notified(method, line)
        number = message["id"]
        if type(number) not in (int, str):
            return None
        opening = not self.era
        result = self._opened(method, params) if opening else self._asked(method, params)
        if result is None:
            self.era = "" if opening else self.era
            return None
        answer = (dumps({"jsonrpc": "2.0", "id": number, "result": result}) + "\n").encode()
        if opening or method == "logging/setLevel":
            if number in self.drop:
                return None
            self.kept.append(line + b"\n")
            self.drop[number] = result
        return answer

    def _notified(self, method: str, line: bytes) -> bytes | None:
        if self.era != "old" or not method.startswith("notifications/"):
            return None
        if method not in ("notifications/cancelled", "notifications/progress"):  # those concern answered requests
            self.kept.append(line + b"\n")
        return b""

    def _opened(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """The first request decides the era of the connection."""
        if method != "initialize":
            self.era = "new"
            return self._asked(method, params)
        self.era = "old"
        if set(params) != {"protocolVersion", "capabilities", "clientInfo"}:
            return None
        if not _is_able(params["capabilities"]) or not _is_client(params["clientInfo"]):
            return None
        version = params["protocolVersion"]
        if type(version) is not str:
            return None
        return {**self.baked["initialize"], "protocolVersion": version if version in HANDSHAKE else HANDSHAKE[-1]}

    def _asked(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        meta = params.get("_meta", {})
        if not _is_meta(meta) or (not {"_meta"}.issuperset(params) and method != "logging/setLevel"):
            return None
        modern = self.era == "new"
        if modern != (VERSION_KEY in meta):
            return None
        if modern:
            known = meta[VERSION_KEY] == MODERN and _is_able(meta.get(CAPABILITIES_KEY))
            if not known or not _is_client(meta.get(CLIENT_KEY, {"name": "", "version": ""})):
                return None
            if method == "server/discover":
                return dict(self.baked["discover"])
        elif method == "ping":
            return {}
        elif method == "logging/setLevel":
            return {} if set(params) == {"level"} and params["level"] in LEVELS else None
        kind = LISTS.get(method)
        if kind is None:
            return None
        self._checked()
        about = self.baked["attributes"].get(kind, {})
        items = [i for i in self.baked[kind] if visible(self.environ, about.get(i["name"], {}), i["name"])]
        return {**self.baked["modern"][kind], kind: items} if modern else {kind: items}

    def _checked(self) -> None:
        """Raise where a guard is unclear: the server itself says which, in place of a list."""
        about = self.baked["attributes"]
        known = {i["name"]: about.get(kind, {}).get(i["name"], {}) for kind in LISTS.values() for i in self.baked[kind]}
        check(self.environ, known, self.baked.get("guards", ()))


def _is_odd(line: bytes) -> bool:
    """Tell what JSON parsers and line readers see differently: half a surrogate, a bare CR, deep nesting."""
    return b"\\ud" in line.lower() or b"\r" in line[:-1] or line.count(b"[") + line.count(b"{") > 100


def _is_meta(meta: Any) -> bool:
    known = type(meta) is dict and type(meta.get("progressToken", 0)) in (int, str)
    return known and meta.get(LEVEL_KEY, LEVELS[0]) in LEVELS


def _is_able(capabilities: Any) -> bool:
    """Tell whether each capability is an object that holds objects, and perhaps the flag `listChanged`."""
    return type(capabilities) is dict and all(
        type(about) is dict
        and all(type(what) is dict or (name == "listChanged" and type(what) is bool) for name, what in about.items())
        for about in capabilities.values()
    )


def _is_client(info: Any) -> bool:
    if type(info) is not dict or type(info.get("name")) is not str or type(info.get("version")) is not str:
        return False
    texts = [info.get(name) for name in ("title", "description", "websiteUrl")]
    for icon in info.get("icons", ()):
        if not {"src", "mimeType"}.issuperset(icon):
            return False
        texts += [icon["src"], icon.get("mimeType")]
    return all(text is None or type(text) is str for text in texts)


def wanted(environ: Any = os.environ) -> bool:
    """Tell whether discovery is to be answered from the file: over stdio, unless FLOTILLA_BAKED=off."""
    try:
        off = (setting("FLOTILLA_BAKED", environ) or "").lower() in ("off", "0", "false", "no")
        return not off and (setting("FLOTILLA_TRANSPORT", environ) or "stdio") == "stdio"
    except SettingError:  # a file that is named and cannot be read: the real server says so
        return False
