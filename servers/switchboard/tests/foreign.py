"""A foreign server of an older revision, by the standard library alone: over stdio, streamable HTTP or HTTP+SSE.

It is as strict as the specification of its revision: nothing before `initialize`, an id for each session, no question
to a client that has not announced that it can be asked. `--probe` says what it does with `server/discover`.
"""

import argparse
import itertools
import json
import os
import queue
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

READ = {"readOnlyHint": True}
FORM = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
TOOLS: list[dict[str, Any]] = [
    {"name": "echo", "description": "Echo\u200b a text.", "inputSchema": TEXT, "annotations": READ},
    {"name": "ask", "description": "Ask a person.", "inputSchema": TEXT},
    {"name": "sample", "description": "Ask a model.", "inputSchema": {"type": "object"}},
    {"name": "count", "description": "Count, with progress.", "inputSchema": {"type": "object"}, "annotations": READ},
    {"name": "grow", "description": "Add a tool.", "inputSchema": {"type": "object"}},
    {"name": "who", "description": "Tell what it knows.", "inputSchema": {"type": "object"}, "annotations": READ},
    {"name": "files.read", "description": "A name with a dot.", "inputSchema": {"type": "object"}, "annotations": READ},
    {"name": "broken", "description": "Not an object.", "inputSchema": {"type": "string"}},
    {"name": "end", "description": "End the process.", "inputSchema": {"type": "object"}},
]


class Session:
    """One client's session. `send` takes the messages for it; `sink` those of one request, over HTTP."""

    def __init__(self, options: argparse.Namespace, send: Any, headers: dict[str, str] | None = None) -> None:
        self.options, self.send, self.headers = options, send, headers or {}
        self.ready, self.capabilities = False, dict[str, Any]()
        self.tools = list(TOOLS)
        self.ids, self.waiting = itertools.count(1000), dict[Any, queue.Queue[Any]]()

    def handle(self, message: dict[str, Any], sink: Any) -> None:
        """Take one message; a request is answered to the sink, from a thread of its own where that may take long."""
        if "method" not in message:
            self.waiting[message["id"]].put(message)
            return
        if "id" not in message:
            return
        threading.Thread(target=self.answer, args=(message, sink), daemon=True).start()

    def answer(self, message: dict[str, Any], sink: Any) -> None:
        try:
            body = {"result": self.result(message["method"], message.get("params") or {}, sink)}
        except LookupError as error:
            body = {"error": {"code": -32601, "message": f"Method not found: {error}"}}
        except ValueError as error:
            body = {"error": {"code": -32602, "message": str(error)}}
        sink({"jsonrpc": "2.0", "id": message["id"], **body}, last=True)

    def result(self, method: str, params: dict[str, Any], sink: Any) -> dict[str, Any]:
        if method == "initialize":
            self.ready, self.capabilities = True, params["capabilities"]
            about = {"name": "foreign", "version": "1"}
            capabilities = {"tools": {"listChanged": True}, "prompts": {}}
            return {"protocolVersion": self.options.version, "capabilities": capabilities, "serverInfo": about}
        if method == "server/discover" and self.options.probe == "exit":
            os._exit(3)
        if method == "server/discover" and self.options.probe == "silent":
            threading.Event().wait()
        if method == "server/discover" or not self.ready:
            raise LookupError(method)
        if method == "ping":
            return {}
        if method == "tools/list":  # three a page
            start = int(params.get("cursor") or 0)
            more = {"nextCursor": str(start + 3)} if start + 3 < len(self.tools) else {}
            return {"tools": self.tools[start : start + 3], **more}
        if method == "prompts/list":
            return {"prompts": [{"name": "echo", "description": "A prompt."}]}
        if method == "prompts/get":
            text = {"role": "user", "content": {"type": "text", "text": f"prompt {params['name']}"}}
            return {"messages": [text]}
        if method == "tools/call":
            return self.call(params["name"], params.get("arguments") or {}, params.get("_meta") or {}, sink)
        raise LookupError(method)

    def call(self, name: str, arguments: dict[str, Any], meta: dict[str, Any], sink: Any) -> dict[str, Any]:
        if self.options.calls:
            with Path(self.options.calls).open("a") as file:
                file.write(json.dumps([name, arguments]) + "\n")
        if name == "echo":
            time.sleep(arguments["text"] == "slow")
            return text(arguments["text"] + "\u202e")
        if name == "ask":
            if "elicitation" not in self.capabilities:
                return text("nobody can be asked", failed=True)
            params = {"message": arguments["text"], "requestedSchema": FORM}
            got = self.request("elicitation/create", params, sink)
            return text(json.dumps(got.get("result") or got["error"]))
        if name == "sample":
            got = self.request("sampling/createMessage", {"messages": [], "maxTokens": 1}, sink)
            return text(got["error"]["message"])
        if name == "count":
            for step in (1, 2):
                note = {"progressToken": meta.get("progressToken"), "progress": step, "total": 2}
                sink({"jsonrpc": "2.0", "method": "notifications/progress", "params": note})
            return text("counted")
        if name == "grow":
            self.tools.append({"name": "grown", "description": "New.", "inputSchema": {"type": "object"}})
            TOOLS[:] = self.tools
            sink({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
            return text("grown")
        if name == "end":
            os._exit(0)
        if name == "who":
            known = {"env": dict(os.environ), "headers": self.headers, "pid": os.getpid(), "argv": sys.argv[1:]}
            return text(json.dumps(known))
        if name == "files.read":
            return text("read")
        raise ValueError(f"Unknown tool: {name}")

    def request(self, method: str, params: dict[str, Any], sink: Any) -> dict[str, Any]:
        number = next(self.ids)
        self.waiting[number] = queue.Queue()
        sink({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return dict(self.waiting[number].get())


def text(value: str, failed: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": value}], **({"isError": True} if failed else {})}


def stdio(options: argparse.Namespace) -> None:
    lock = threading.Lock()

    def send(message: dict[str, Any], last: bool = False) -> None:
        with lock:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    session = Session(options, send)
    for line in sys.stdin:
        session.handle(json.loads(line), send)


class Handler(BaseHTTPRequestHandler):
    """Streamable HTTP at /mcp, HTTP+SSE at /sse, and a redirect to another host at /moved."""

    protocol_version = "HTTP/1.1"
    options: argparse.Namespace
    sessions: dict[str, Session] = {}  # noqa: RUF012
    streams: dict[str, queue.Queue[Any]] = {}  # noqa: RUF012

    def log_message(self, *_: Any) -> None:
        pass

    def refuse(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def allowed(self) -> bool:
        wanted = self.options.token
        if not wanted or self.headers.get("Authorization") == f"Bearer {wanted}":
            return True
        self.refuse(401, **{"WWW-Authenticate": "Bearer"})
        return False

    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def stream(self, messages: "queue.Queue[Any]", first: bytes = b"", **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(first)
        self.wfile.flush()
        self.close_connection = True
        while (message := messages.get()) is not None:
            self.wfile.write(f"event: message\ndata: {json.dumps(message)}\n\n".encode())
            self.wfile.flush()

    def do_GET(self) -> None:
        if not self.allowed():
            return
        if self.path != "/sse" or not self.options.sse:
            self.refuse(405)
            return
        key, messages = os.urandom(8).hex(), queue.Queue[Any]()
        self.sessions[key] = Session(self.options, messages.put, dict(self.headers))
        self.streams[key] = messages
        self.stream(messages, f"event: endpoint\ndata: /message?sessionId={key}\n\n".encode())

    def do_POST(self) -> None:
        if not self.allowed():
            return
        parts = urlsplit(self.path)
        if parts.path == "/moved":
            self.body()
            self.refuse(307, Location="http://localhost:1/mcp")
        elif parts.path == "/message":
            key = parse_qs(parts.query)["sessionId"][0]
            message = self.body()
            self.refuse(202)
            self.sessions[key].handle(message, lambda message, last=False: self.streams[key].put(message))
        elif parts.path == "/mcp" and not self.options.sse:
            self.post()
        else:
            self.body()
            self.refuse(404)

    def post(self) -> None:
        message, key = self.body(), self.headers.get("Mcp-Session-Id", "")
        if message.get("method") == "initialize":
            key = os.urandom(8).hex()
            self.sessions[key] = Session(self.options, None, dict(self.headers))
        if key not in self.sessions:  # as the TypeScript SDK says it
            error = {"code": -32000, "message": "Bad Request: Server not initialized"}
            body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
            self.send_response(400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        if "id" not in message or "method" not in message:
            self.sessions[key].handle(message, None)
            self.refuse(202)
            return
        messages = queue.Queue[Any]()

        def sink(message: dict[str, Any], last: bool = False) -> None:
            messages.put(message)
            if last:
                messages.put(None)

        self.sessions[key].handle(message, sink)
        self.stream(messages, **{"Mcp-Session-Id": key})

    def do_DELETE(self) -> None:
        self.sessions.pop(self.headers.get("Mcp-Session-Id", ""), None)
        self.refuse(200)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", default="2025-11-25")
    parser.add_argument("--probe", choices=("refuse", "silent", "exit"), default="refuse")
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--sse", action="store_true")
    parser.add_argument("--token", default="")
    parser.add_argument("--calls", default="")
    options = parser.parse_args()
    if not (options.http or options.sse):
        stdio(options)
        return
    Handler.options = options
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
