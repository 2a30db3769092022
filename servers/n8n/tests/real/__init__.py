"""The real n8n, where FLOTILLA_N8N names a folder with an installation of it.

`package.json` and `package-lock.json` beside this file pin what is installed; it takes some 1.7 GB and ten minutes:

    mkdir -p ~/.cache/flotilla/n8n && cp servers/n8n/tests/real/{package*.json,.npmrc} ~/.cache/flotilla/n8n
    cd ~/.cache/flotilla/n8n && npm ci && npm rebuild sqlite3 --ignore-scripts=false
    FLOTILLA_N8N=~/.cache/flotilla/n8n .venv/bin/python -m pytest servers/n8n/tests/test_real.py
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx

from flotilla_testing.ports import free_port
from flotilla_testing.waiting import wait_until

OWNER = {"email": "zoe@atelier.example", "firstName": "Zoé", "lastName": "Lefèvre", "password": "Atelier-2030"}
OFF = (
    "DIAGNOSTICS_ENABLED",
    "VERSION_NOTIFICATIONS_ENABLED",
    "TEMPLATES_ENABLED",
    "SECURE_COOKIE",
    "PERSONALIZATION_ENABLED",
)


def installation() -> Path | None:
    """Return the script that starts n8n, None where none is installed."""
    folder = os.environ.get("FLOTILLA_N8N", "")
    script = Path(folder).expanduser() / "node_modules" / "n8n" / "bin" / "n8n"
    return script if folder and script.is_file() and shutil.which("node") else None


def why_not() -> str:
    """Return why n8n cannot be started here; "" where it can."""
    return "" if installation() else "FLOTILLA_N8N names no folder with an installation of n8n (see tests/real)"


@contextmanager
def started(folder: Path) -> Iterator[dict[str, str]]:
    """Start n8n with an owner and an API key, its data in `folder`; yields the server's settings."""
    script = installation()
    assert script, why_not()
    port, broker = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "N8N_USER_FOLDER": str(folder),
        "N8N_PORT": str(port),
        "N8N_LISTEN_ADDRESS": "127.0.0.1",
        "N8N_RUNNERS_BROKER_PORT": str(broker),
        **{f"N8N_{name}": "false" for name in OFF},
    }
    log = (folder / "n8n.log").open("w")
    process = subprocess.Popen(
        ["node", str(script), "start"], env=environ, cwd=folder, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield {"N8N_BASE_URL": url, "N8N_API_KEY": _key(url, process)}
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
        log.close()


def _key(url: str, process: subprocess.Popen[bytes]) -> str:
    """Return an API key of a new owner, once n8n is ready."""
    with httpx.Client(base_url=url, headers={"browser-id": "flotilla"}, timeout=30, trust_env=False) as client:

        def ready() -> bool:
            assert process.poll() is None, "n8n has ended, see n8n.log"
            try:
                return "json" in client.get("/rest/settings").headers.get("content-type", "")
            except httpx.TransportError:
                return False

        wait_until(ready, 120)
        client.post("/rest/owner/setup", json=OWNER).raise_for_status()
        scopes = client.get("/rest/api-keys/scopes").raise_for_status().json()["data"]
        answer = client.post("/rest/api-keys", json={"label": "flotilla", "expiresAt": None, "scopes": scopes})
        data: dict[str, Any] = answer.raise_for_status().json()["data"]
        return str(data["rawApiKey"])
