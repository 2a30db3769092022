"""What a running server answers to discovery. Standard library only: an image's build runs this file in the image.

python answers.py <slug> <folder>     compare the answers with the discovery.json that the image holds, and write
                                      the verified file below the folder; fails when they differ
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = 1
VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN = "2026-07-28"
LISTS = {
    "tools": "tools/list",
    "prompts": "prompts/list",
    "resources": "resources/list",
    "resourceTemplates": "resources/templates/list",
}
CLIENT = {"name": "flotilla-generate", "version": "1"}
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}
HELLO = {"protocolVersion": VERSIONS[-1], "capabilities": {}, "clientInfo": CLIENT}


def converse(command: list[str], messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Start a server as its users do, over stdio; return its results in order."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    answers = []
    for message in messages:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
        if "id" in message:
            line = process.stdout.readline()
            answer = json.loads(line) if line else {}
            if "result" not in answer:
                process.kill()
                raise RuntimeError(f"{message['method']}: {answer or process.stderr.read().decode()[-2000:]}")
            answers.append(answer["result"])
    process.stdin.close()
    process.wait(10)
    return answers


def environment() -> dict[str, str]:
    """Return the environment in which a server shows all that it has: no setting of this machine counts."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    return {**kept, "FLOTILLA_TIER": "all", "FLOTILLA_BAKED": "off"}


def answers(ask: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> dict[str, Any]:
    """Return a server's answers in both protocol eras: each list once, and what 2026-07-28 adds around it.

    `ask` sends messages to a new session of the server, and returns the results of the requests among them.
    """
    old: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        *({"id": n, "method": method, "params": {}} for n, method in enumerate(LISTS.values(), 1)),
    ]
    new: list[dict[str, Any]] = [
        {"id": n, "method": method, "params": {"_meta": META}}
        for n, method in enumerate(("server/discover", *LISTS.values()))
    ]
    (hello, *lists), (discover, *modern) = ask(old), ask(new)
    found = {key: result[key] for key, result in zip(LISTS, lists, strict=True)}
    around = {}
    for key, result in zip(LISTS, modern, strict=True):
        if result.pop(key) != found[key]:
            raise RuntimeError(f"{key} differ between the protocol eras, so one file cannot hold both")
        around[key] = result
    return {
        "format": FORMAT,
        "version": hello["serverInfo"]["version"],
        "initialize": hello,
        "discover": discover,
        "modern": around,
        **found,
    }


def attributes(module: str, found: dict[str, Any], *flags: str, lib: str = "/app/lib") -> dict[str, Any]:
    """Return what the code says of each tool and prompt that is listed: effect, tier and group, by which filters go."""
    code = (
        f"import json, sys; sys.path.append({lib!r}); from {module} import server; print(json.dumps(server.attributes))"
    )
    done = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, check=True)
    real = json.loads(done.stdout)
    return {kind: {item["name"]: real[item["name"]] for item in found[kind]} for kind in ("tools", "prompts")}


def verify(slug: str, target: str) -> int:
    """Compare the image's own answers with its file; 1 when they differ."""
    module = f"app/lib/flotilla_servers/{slug.replace('-', '_')}"
    with open(f"/{module}/discovery.json", encoding="utf-8") as file:
        text = file.read()
    baked = json.loads(text)
    real = answers(lambda messages: converse([sys.executable, "-I", "-S", "/app/boot.pyc", slug], messages))
    package = f"flotilla_servers.{slug.replace('-', '_')}.server"
    real["attributes"] = attributes(package, real, "-I", "-S")
    wrong = [key for key in real if real[key] != baked.get(key)]
    if wrong:
        print(f"{slug}: discovery.json is out of date ({', '.join(wrong)}). Run `make generate`.", file=sys.stderr)
        return 1
    os.makedirs(f"{target}/{module}")
    with open(f"{target}/{module}/discovery.json", "w", encoding="utf-8") as file:
        file.write(json.dumps(baked, ensure_ascii=False, separators=(",", ":")))
    for folder, _, names in os.walk(target):  # the same bytes whenever it is built
        for name in (*names, "."):
            os.utime(f"{folder}/{name}", (0, 0))
    return 0


if __name__ == "__main__":
    sys.exit(verify(*sys.argv[1:]))
