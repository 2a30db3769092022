"""Runs in a server's image, or on the host: starts servers as processes and prints what it measured as JSON.

Standard library only. Arguments: a JSON object {"runs", "calls", "tool", "arguments", "commands": {name: [argv]}}.
Runs are interleaved, so that a change of the machine's speed meets every command alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}


class Session:
    """A server over stdio, spoken to in plain JSON-RPC."""

    def __init__(self, command: list[str], env: dict[str, str] | None = None) -> None:
        self.began = time.perf_counter()
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        environ = {**os.environ, **(env or {})}
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet, env=environ)
        self.number = 0

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.number += 1
        message = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params or {}}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()
        while line := self.process.stdout.readline():
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == self.number:
                return answer
        raise RuntimeError(f"no answer to {method}")

    def tell(self, method: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", "method": method}).encode() + b"\n")
        self.process.stdin.flush()

    def listed(self) -> float:
        """Shake hands and list the tools; return the seconds since the start."""
        self.ask("initialize", HELLO)
        self.tell("notifications/initialized")
        self.ask("tools/list")
        return time.perf_counter() - self.began

    def rss(self) -> float:
        """Return the resident memory in MB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) / 1000 for line in status if line.startswith("VmRSS"))

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(20)


def measure(job: dict[str, Any]) -> dict[str, dict[str, list[float]]]:
    result: dict[str, dict[str, list[float]]] = {
        name: {"list": [], "first_call": [], "call": [], "rss_idle": [], "rss_called": []} for name in job["commands"]
    }
    result["python"] = {"list": []}
    for _ in range(job["runs"]):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
        result["python"]["list"].append(time.perf_counter() - began)
        for name, (command, tool, arguments, env) in job["commands"].items():
            row, session = result[name], Session(command, env)
            row["list"].append(session.listed())
            row["rss_idle"].append(session.rss())
            session.ask("tools/call", {"name": tool, "arguments": arguments})
            row["first_call"].append(time.perf_counter() - session.began)
            for _ in range(job["calls"]):
                began = time.perf_counter()
                session.ask("tools/call", {"name": tool, "arguments": arguments})
                row["call"].append(time.perf_counter() - began)
            row["rss_called"].append(session.rss())
            session.close()
    return result


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
