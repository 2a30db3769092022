"""The TypeScript SDKs as clients of every gateway and of one container, with real servers behind them."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from flotilla_launcher.naming import image

from .conftest import HARDENED, RUN, Fleet

pytestmark = pytest.mark.node
SDKS = [("v1", None), ("v2", "legacy"), ("v2", "auto")]
Run = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(("sdk", "mode"), SDKS)
def test_sdk_with_each_gateway(typescript: Run, fleet: Fleet, sdk: str, mode: str | None) -> None:
    command = fleet.command("probe", "filesystem", "export")
    got = typescript(
        sdk=sdk,
        mode=mode,
        stdio={"command": command[0], "args": command[1:], "env": fleet.environment()},
        answer={"confirm": True},
        steps=[
            {"list": True},
            {"call": "probe_get_settings"},
            {"call": "probe_delete_thing", "arguments": {"name": "é"}},
            {"call": "probe_get_later", "arguments": {"seconds": 0.8, "name": "p"}},
            {"call": "probe_get_later", "arguments": {"seconds": 30, "name": "ts"}, "cancelAfter": 700},
            {"call": "export_create_csv", "arguments": {"path": "t.csv", "columns": ["€"], "rows": [["œ"], ["1,5"]]}},
            {"call": "fs_read_file", "arguments": {"path": "t.csv"}},
        ],
    )
    listed, settings, deleted, later, cancelled, made, read = got["results"]
    assert {tool["name"].split("_")[0] for tool in listed} == {"probe", "fs", "export"}
    assert settings["structuredContent"] == {"text": "Été 7"}
    assert got["asked"] == ["Delete é for good?"]
    assert deleted["structuredContent"] == {"text": "deleted é"}
    assert later["steps"] == [1, 2, 3, 4]
    assert "thrown" in cancelled
    assert made["structuredContent"]["rows"] == 2
    assert "œ" in read["structuredContent"]["content"]
    assert fleet.read("cancelled-ts.txt") == "cancelled ts\n"


@pytest.mark.parametrize(("sdk", "mode"), SDKS)
def test_sdk_with_one_container(typescript: Run, volume: str, sdk: str, mode: str | None) -> None:
    args = [
        "run",
        "-i",
        "--rm",
        "--name",
        f"{RUN}-{secrets.token_hex(3)}",
        *HARDENED,
        "-v",
        f"{volume}:/data",
    ]
    env = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}
    got = typescript(
        sdk=sdk,
        mode=mode,
        stdio={"command": "docker", "args": [*args, image("filesystem")], "env": env},
        steps=[
            {"call": "fs_write_file", "arguments": {"path": "é.txt", "content": "œuf"}},
            {"call": "fs_list_directory", "arguments": {"path": "."}},
        ],
    )
    assert "é.txt" in json.dumps(got["results"][1]["structuredContent"], ensure_ascii=False)
