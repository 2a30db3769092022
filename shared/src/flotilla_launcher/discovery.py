"""Answers discovery from a file, before anything heavy is imported; hands everything else over, byte for byte.

Thirty servers that wait for a first call should cost neither thirty imports of FastMCP (1.5 s, 80 MB each) nor a
wrong answer. So one rule: answer only what is exactly understood. For whatever else comes the real server is started,
and gets every line that it must have seen; what it answers to those is compared and not sent (`handover.OutputStream`).

Only `os`, `_json` and what the interpreter has loaded anyway: `json` alone would double the start. The answers are
compared with FastMCP's for every protocol version (tests/launcher).
"""

from __future__ import annotations

import _json
import os

from flotilla_launcher.environment import SettingError, setting, yes_or_no
from flotilla_launcher.filters import check, visible
from flotilla_launcher.protocol import (
    CAPABILITIES_KEY,
    CLIENT_KEY,
    HANDSHAKE_VERSIONS,
    LIST_KEYS,
    LOG_LEVEL_KEY,
    LOG_LEVELS,
    MODERN_VERSION,
    VERSION_KEY,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1  # of discovery.json
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
    """Return the precomputed discovery, or None where there is none that this code understands."""
    try:
        with open(path, "rb") as file:
            precomputed = loads(file.read().decode())
        return precomputed if precomputed["format"] == FORMAT else None
    except Exception:  # whatever is wrong with the file: the real server answers then
        return None


class DiscoveryProxy:
    """Answers one client's discovery in the server's place.

    `precomputed` is what discovery.json holds; a gateway's has the lists of its `serialised` as text, filtered already.

    `replayed_lines` are what the real server must still see; `expected_responses`, by request id, what it will answer
    to them, which the client has already.
    """

    def __init__(self, precomputed: dict[str, Any], environ: Any = os.environ) -> None:
        self.precomputed, self.environ = precomputed, environ
        self.era = ""  # "handshake" or "modern", once the first request has decided it
        self.replayed_lines: list[bytes] = []
        self.expected_responses: dict[Any, Any] = {}

    def serve(
        self, read: Any = os.read, write: Any = os.write, idle: float = 0, may_start: Any = lambda: True
    ) -> bytes | None:
        """Answer until a message needs the real server; return the bytes that it starts with, None at end of input.

        Where the client, once it has asked something, says nothing for `idle` seconds, the real server starts all the
        same if `may_start` allows it; never for 0.
        """
        rest = b""
        while True:
            if idle and not rest and self.era and not _has_input(idle):
                if may_start():
                    return b"".join(self.replayed_lines)
                idle = 0
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
                return b"".join(self.replayed_lines) + rest
            rest = after
            try:
                while answer:
                    answer = answer[write(1, answer) :]
            except BrokenPipeError:
                return None

    def answer(self, line: bytes) -> bytes | None:
        """Return the answer to one line, empty for a notification; None, or an error, where the server must answer."""
        if _is_odd(line):
            return None
        message = loads(line.decode())
        method, params = message["method"], message.get("params", {})
        if message["jsonrpc"] != "2.0" or not ENVELOPE.issuperset(message) or type(params) is not dict:
            return None
        if "id" not in message:
            return self._on_notification(method, line)
        request_id = message["id"]
        if type(request_id) not in (int, str):
            return None
        opening = not self.era
        result = self._open(method, params) if opening else self._result(method, params)
        if result is None:
            self.era = "" if opening else self.era
            return None
        text = result if type(result) is str else dumps(result)
        if opening or method == "logging/setLevel":
            if request_id in self.expected_responses:
                return None
            self.replayed_lines.append(line + b"\n")
            self.expected_responses[request_id] = loads(text) if text is result else result
        return f'{{"jsonrpc":"2.0","id":{dumps(request_id)},"result":{text}}}\n'.encode()

    def _on_notification(self, method: str, line: bytes) -> bytes | None:
        if self.era != "handshake" or not method.startswith("notifications/"):
            return None
        if method not in ("notifications/cancelled", "notifications/progress"):  # those concern answered requests
            self.replayed_lines.append(line + b"\n")
        return b""

    def _open(self, method: str, params: dict[str, Any]) -> dict[str, Any] | str | None:
        """The first request decides the era of the connection."""
        if method != "initialize":
            self.era = "modern"
            return self._result(method, params)
        self.era = "handshake"
        if set(params) != {"protocolVersion", "capabilities", "clientInfo"}:
            return None
        if not _is_able(params["capabilities"]) or not _is_client(params["clientInfo"]):
            return None
        version = params["protocolVersion"]
        if type(version) is not str:
            return None
        agreed = version if version in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]
        return {**self.precomputed["initialize"], "protocolVersion": agreed}

    def _result(self, method: str, params: dict[str, Any]) -> dict[str, Any] | str | None:
        """Return a result, or its JSON; None where the server must answer."""
        meta = params.get("_meta", {})
        if not _is_meta(meta) or (not {"_meta"}.issuperset(params) and method != "logging/setLevel"):
            return None
        modern = self.era == "modern"
        if modern != (VERSION_KEY in meta):
            return None
        if modern:
            known = meta[VERSION_KEY] == MODERN_VERSION and _is_able(meta.get(CAPABILITIES_KEY))
            if not known or not _is_client(meta.get(CLIENT_KEY, {"name": "", "version": ""})):
                return None
            if method == "server/discover":
                return dict(self.precomputed["discover"])
        elif method == "ping":
            return {}
        elif method == "logging/setLevel":
            return {} if set(params) == {"level"} and params["level"] in LOG_LEVELS else None
        kind = LIST_KEYS.get(method)
        if kind is None:
            return None
        if text := self.precomputed.get("serialised", {}).get(kind):
            head = dumps(self.precomputed["modern"][kind])[1:-1] + "," if modern else ""
            return f'{{{head}"{kind}":{text}}}'
        self._check_guards()
        attributes = self.precomputed["attributes"].get(kind, {})
        items = [i for i in self.precomputed[kind] if visible(self.environ, attributes.get(i["name"], {}), i["name"])]
        return {**self.precomputed["modern"][kind], kind: items} if modern else {kind: items}

    def _check_guards(self) -> None:
        """Raise where a guard is unclear: the server itself then answers, with an error that names it."""
        attributes = self.precomputed["attributes"]
        known = {
            item["name"]: attributes.get(kind, {}).get(item["name"], {})
            for kind in LIST_KEYS.values()
            for item in self.precomputed[kind]
        }
        check(self.environ, known, self.precomputed.get("guards", ()))


def _has_input(seconds: float) -> bool:
    import select

    return bool(select.select([0], [], [], seconds)[0])


def _is_odd(line: bytes) -> bool:
    """Return whether parsers could read the line differently: half a surrogate, a bare CR, deep nesting."""
    return b"\\ud" in line.lower() or b"\r" in line[:-1] or line.count(b"[") + line.count(b"{") > 100


def _is_meta(meta: Any) -> bool:
    known = type(meta) is dict and type(meta.get("progressToken", 0)) in (int, str)
    return known and meta.get(LOG_LEVEL_KEY, LOG_LEVELS[0]) in LOG_LEVELS


def _is_able(capabilities: Any) -> bool:
    """Return whether each capability is an object that holds objects, and perhaps the flag `listChanged`."""
    return type(capabilities) is dict and all(
        type(options) is dict and all(_is_option(name, value) for name, value in options.items())
        for options in capabilities.values()
    )


def _is_option(name: str, value: Any) -> bool:
    return type(value) is dict or (name == "listChanged" and type(value) is bool)


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
    """Return whether discovery is answered from the file: over stdio, unless FLOTILLA_PRECOMPUTED=off."""
    try:
        text = setting("FLOTILLA_PRECOMPUTED", environ) or setting("FLOTILLA_BAKED", environ) or ""  # its old name
        return yes_or_no(text) is not False and (setting("FLOTILLA_TRANSPORT", environ) or "stdio") == "stdio"
    except SettingError:  # a file that is named and cannot be read: the real server says so
        return False
