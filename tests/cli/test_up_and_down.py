"""`make up` and `make down` without an engine: found again, started again, stopped, and nothing left."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flotilla_cli import gateway, install, paths, servers, system
from flotilla_launcher.naming import image
from flotilla_launcher.processes import started

from .conftest import ROOT, Script


def url() -> str:
    return f"http://127.0.0.1:{os.environ['FLOTILLA_PORT']}/mcp"


def test_up_twice_and_down_twice(home: Path, script: Script) -> None:
    output = script("up").stdout
    first = gateway.Running.read()
    token = gateway.token()
    assert url() in output
    assert token in output
    assert "1 server, 11 tools" in output
    assert "read it back" in output
    for part in ("claude_desktop_config.json", "Code/User/mcp.json", ".cursor/mcp.json"):
        assert part in output
    assert next(paths.data_folder().iterdir()).read_text().startswith("# Bienvenue à bord")
    assert (paths.run_folder() / "token").stat().st_mode & 0o777 == 0o600
    assert (paths.run_folder() / "state-key").stat().st_mode & 0o777 == 0o600
    command_line = Path(f"/proc/{first.pid}/cmdline")
    if command_line.exists():
        assert token not in command_line.read_text(), "a token in a command line can be read by everybody"

    address = f"{url().removesuffix('/mcp')}/console/?token={gateway.console_token()}"
    assert address in output
    assert script("console").stdout == f"{address}\n"
    with urllib.request.urlopen(address, timeout=60) as page:
        assert page.status == 200

    output = script("up").stdout
    assert "running already" in output
    assert (gateway.Running.read().pid, gateway.token()) == (first.pid, token)
    assert json.loads(script("status", "--json").stdout)["running"] is True

    output = script("down").stdout
    assert "Stopped" in output
    assert started(first.pid) == ""
    assert system.port_is_free(int(os.environ["FLOTILLA_PORT"]))
    assert "Nothing was running" in script("down").stdout
    script("status", status=1)
    assert sorted(path.name for path in paths.run_folder().iterdir()) == ["console-token", "state-key", "token"]
    assert not system.processes(str(paths.data_folder())), "a server outlived its gateway"


@pytest.mark.slow
def test_up_restarts_the_gateway_after_a_change_of_settings(home: Path, script: Script) -> None:
    script("up")
    first, token = gateway.Running.read().pid, gateway.token()
    paths.write(paths.secrets_file(), "flotilla-filesystem.read_only=true\n")
    output = script("up").stdout
    assert "restarting" in output
    assert "Clients that are connected to its URL must connect again" in output
    assert "no file was written" in output
    paths.write(paths.secrets_file(), "flotilla-filesystem.dry_run=true\n")
    assert "its settings ask for dry runs, so no file was written" in script("up").stdout
    assert gateway.Running.read().pid != first
    assert gateway.token() == token
    assert started(first) == ""


@pytest.mark.slow
def test_up_restarts_a_killed_gateway(home: Path, script: Script) -> None:
    script("up")
    first = gateway.Running.read().pid
    os.kill(first, signal.SIGKILL)
    script("status", status=1)
    script("up")
    assert gateway.Running.read().pid != first


@pytest.mark.slow
def test_up_replaces_a_hanging_gateway(home: Path, script: Script) -> None:
    script("up")
    first = gateway.Running.read()
    os.kill(first.pid, signal.SIGSTOP)
    script("up")
    assert gateway.Running.read().pid != first.pid
    assert started(first.pid) == ""


@pytest.mark.slow
def test_up_twice_in_parallel_starts_one_gateway(home: Path, script: Script) -> None:
    with ThreadPoolExecutor(2) as pool:
        output = [done.stdout for done in pool.map(lambda _: script("up"), range(2))]
    assert sum("running already" in text for text in output) == 1
    assert len(system.processes(f"--port {os.environ['FLOTILLA_PORT']}")) == 1


@pytest.mark.slow
def test_down_spares_a_reused_process_id(home: Path, script: Script) -> None:
    """A process id that now belongs to another program is left alone."""
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        gateway.Running(kind="switchboard", run="process", url=url(), pid=bystander.pid, since="12345").save()
        script("down")
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.slow
def test_up_port_in_use(home: Path, script: Script) -> None:
    with socket.create_server(("127.0.0.1", int(os.environ["FLOTILLA_PORT"]))):
        output = script("up", status=1).stderr
    assert "in use by another program" in output
    assert "FLOTILLA_PORT=" in output


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FLOTILLA_GATEWAY", "window", "FLOTILLA_GATEWAY=window is not a valid gateway"),
        ("FLOTILLA_DOOR", "switchboard", "FLOTILLA_DOOR is now called FLOTILLA_GATEWAY"),
        ("FLOTILLA_GATEWAY", "docker", "needs a Docker engine"),
        ("FLOTILLA_SERVERS", "filesystem,nonsense", "names nonsense, which is not a server"),
        ("FLOTILLA_PORT", "80x", "FLOTILLA_PORT=80x is not a valid port"),
        ("FLOTILLA_PORT", "99999", "FLOTILLA_PORT=99999 is not a valid port"),
    ],
)
def test_up_impossible_settings_refused(
    home: Path, script: Script, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    assert says in script("up", status=1).stderr


def test_fingerprint_covers_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the servers get from the environment counts as a change."""
    before = gateway.fingerprint("switchboard", "process", ["filesystem"])
    monkeypatch.setenv("FLOTILLA_TIER", "all")
    assert gateway.fingerprint("switchboard", "process", ["filesystem"]) != before


def test_choose_server_named_twice_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_SERVERS", "filesystem, flotilla-export,flotilla-filesystem")
    assert servers.choose() == ["filesystem", "export"]


def test_choose_refuses_settings_under_a_short_server_name(home: Path) -> None:
    """`filesystem: {read_only: true}` would count for nothing, and the server would write."""
    paths.write(paths.config_file(), "filesystem:\n  read_only: true\n")
    with pytest.raises(ValueError, match="Rename it to `flotilla-filesystem`"):
        servers.choose()


def test_engine_setting_without_meaning_installs_nothing(
    home: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOTILLA_ENGINE", "no")
    assert "FLOTILLA_ENGINE=no is not a valid value" in script("engine", status=1).stderr


@pytest.mark.slow
def test_up_with_an_unwritable_settings_folder(home: Path, script: Script) -> None:
    (home / ".docker").write_text("a file where Docker's folder should be")
    output = script("up").stdout
    assert "Catalog: not installed" in output
    assert "Flotilla is up" in output


@pytest.mark.slow
def test_up_start_failure_explained(home: Path, script: Script) -> None:
    script("install")
    paths.secrets_file().write_text("a line that is broken\n")
    output = script("up", status=1).stderr
    assert "line 1" in output
    assert "a line that is broken" not in output
    assert not gateway.Running.read().pid


def test_choose_leaves_out_servers_without_account(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOTILLA_SERVERS")
    assert servers.choose() == ["export", "filesystem"]
    paths.write(paths.secrets_file(), "flotilla-calendly.token=your_token\n")
    assert "calendly" not in servers.choose()
    paths.write(paths.secrets_file(), "flotilla-calendly.token=eyJ\n")
    assert "calendly" in servers.choose()
    assert "email" not in servers.choose()
    paths.write(paths.secrets_file(), "flotilla-email.smtp_host=mail.exemple.fr\n")
    assert "email" in servers.choose()
    monkeypatch.setenv("FLOTILLA_SERVERS", "all")
    assert servers.choose() == list(servers.registry())


@pytest.mark.slow
def test_down_stops_busy_servers(home: Path, script: Script) -> None:
    """SIGTERM reaches the gateway; its servers must be gone when `make down` says so."""
    script("up")
    pid = gateway.Running.read().pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("no list of child processes here")
    before = [int(child) for child in children.read_text().split()]
    assert before
    script("down")
    end = time.monotonic() + 2
    while any(started(child) for child in before) and time.monotonic() < end:
        time.sleep(0.05)
    assert [child for child in before if started(child)] == []


def test_help_lists_every_target() -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "help"], cwd=ROOT, env=outside, capture_output=True, text=True, check=True)
    output = done.stdout
    makefile = (ROOT / "Makefile").read_text()
    targets = {line.split(":")[0] for line in makefile.splitlines() if line[:1].isalpha() and ":" in line.split(" ")[0]}
    assert targets
    assert {line.split()[1] for line in output.splitlines()} == targets


@pytest.mark.parametrize(
    "name", sorted(p.name for p in (ROOT / "scripts").iterdir() if p.is_file() and "." not in p.name)
)
def test_script_help(name: str) -> None:
    text = (ROOT / "scripts" / name).read_text()
    assert text.startswith(("#!/usr/bin/env bash\n# ", "#!/bin/sh\n# "))
    done = subprocess.run(
        [str(ROOT / "scripts" / name), "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 60


def test_install_names_missing_images(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Docker's gateway would fetch what is missing by itself, with nobody having been told."""
    folder = {image("filesystem"): "sha256:1"}
    monkeypatch.setattr(system, "engine", lambda: "26.1")
    monkeypatch.setattr(system, "image_ids", lambda images: {name: folder[name] for name in images if name in folder})
    assert install.main([]) == 0
    output = capsys.readouterr().out
    assert output.index(image("gmail")) < output.index("Catalog: installed")
    assert image("filesystem") not in output
    assert f"make build S='{' '.join(slug for slug in servers.registry() if slug != 'filesystem')}'" in output
    folder |= dict.fromkeys(servers.images(list(servers.registry())), "sha256:2")
    assert install.missing_images(list(servers.registry())) == []
