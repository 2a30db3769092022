"""scripts/install, `add` and `remove`: what is asked, where it is stored, and the call that proves it."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import pty
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli import accounts, add, assist, remove, secrets_file
from flotilla_cli.__main__ import main as cli_main
from flotilla_cli.accounts import AccountError
from flotilla_cli.servers import registry
from flotilla_testing import faults
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.responses import RecordedResponses

ROOT = Path(__file__).resolve().parents[2]
Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = home / "secrets.env"
    path.write_text("# mine\n")
    path.chmod(0o600)
    monkeypatch.setenv("FLOTILLA_SECRETS", str(path))
    return path


@pytest.fixture
def vendor(secrets: Path) -> Iterator[FakeVendor]:
    with FakeVendor(RecordedResponses({"GET /users/me": {"json": {"resource": {
        "uri": "https://api.calendly.com/users/U1", "name": "Marie Curie", "email": "marie@example.fr",
        "scheduling_url": "https://calendly.com/marie", "timezone": "Europe/Paris", "slug": "marie",
        "current_organization": "https://api.calendly.com/organizations/O1",
    }}}})) as running:  # fmt: skip
        secrets.write_text(f"flotilla-calendly.base_url={running.url}\n")
        yield running


def test_add_stores_tries_and_says_whose_account_it_is(
    script: Script, secrets: Path, vendor: FakeVendor, capsys: pytest.CaptureFixture[str]
) -> None:
    key = secrets.with_name("key")
    key.write_text("eyJ-canary-token\n")
    done = script("add", "calendly", "--key", "--set", f"token=@{key}")
    assert "Connected as Marie Curie" in done.stdout
    assert "canary" not in done.stdout + done.stderr
    assert "flotilla-calendly.token=eyJ-canary-token\n" in secrets.read_text()
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert vendor.requests[-1].headers["authorization"] == "Bearer eyJ-canary-token"
    assert add.main(["calendly", "--no-check"]) == 0  # asks nothing: there is no terminal, and all is there
    assert "token: is set already." in capsys.readouterr().out


def test_add_says_what_a_vendor_refuses(vendor: FakeVendor, capsys: pytest.CaptureFixture[str]) -> None:
    vendor.fails(faults.status(401))
    assert add.main(["calendly", "--set", "token=wrong-token"]) == 1
    printed = capsys.readouterr()
    assert "calendly does not answer" in printed.err
    assert "scripts/flotilla add calendly --again" in printed.err
    assert "wrong-token" not in printed.out + printed.err


def test_add_keeps_the_key_that_worked_until_a_new_one_does(
    secrets: Path, vendor: FakeVendor, capsys: pytest.CaptureFixture[str]
) -> None:
    before = f"{secrets.read_text()}flotilla-calendly.token=the-good-one\n"
    secrets.write_text(before)
    vendor.fails(faults.status(401))
    options = argparse.Namespace(again=False, no_check=False, store="file")
    assert add.main(["calendly", "--set", "token=wrong-token"]) == 1
    assert assist.connect_accounts(["calendly"], options, {"calendly": {"token": "wrong-token"}}) == []
    printed = capsys.readouterr()
    for shown in (printed.err, printed.out):
        assert "Until then what was set before is kept: flotilla-calendly.token." in shown
        assert "the-good-one" not in shown
    assert secrets.read_text() == before


def test_add_in_a_terminal_hides_what_is_typed(home: Path, secrets: Path) -> None:
    """A value that does not fit is asked again; the key is not echoed."""
    keyboard, screen = pty.openpty()
    command = [sys.executable, str(ROOT / "scripts" / "flotilla_cli"), "add", "facturation-pro", "--no-check", "--key"]
    process = subprocess.Popen(command, stdin=screen, stdout=screen, stderr=screen, start_new_session=True, cwd=ROOT)
    os.close(screen)
    shown = ""

    def answer(question: str, text: str) -> None:
        nonlocal shown
        while not shown.rstrip().endswith(question):
            shown += os.read(keyboard, 4096).decode()
        os.write(keyboard, f"{text}\n".encode())

    answer("identifier:", "")
    answer("identifier:", "12345")
    answer("api_key (not shown):", "canary-key-1")
    assert process.wait(60) == 0
    while not shown.rstrip().endswith("`make up`."):
        shown += os.read(keyboard, 4096).decode()
    os.close(keyboard)
    assert "Error: identifier must be one line of text" in shown
    assert "canary" not in shown
    assert "flotilla-facturation-pro.api_key=canary-key-1\n" in secrets.read_text()


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["gmial"], "is not a server"),
        (["facturation-pro"], "facturation-pro needs identifier"),
        (["facturation-pro", "--set", "identifier=1", "--set", "canary"], "needs name=value: number 2"),
        (["facturation-pro", "--set", "api_key=@/nonexistent"], "cannot be read"),
        (["facturation-pro", "--set", "firm=1"], "has no setting 'firm'"),
        (["facturation-pro", "--set", "firm_id=one"], "firm_id is wrong"),
        (["intercom", "--login"], "cannot be connected by consent"),
    ],
)
def test_add_refuses(secrets: Path, args: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = secrets.read_text()
    assert add.main(args) == 1
    printed = capsys.readouterr().err
    assert problem in printed
    assert "canary" not in printed  # what has another form may be a key
    assert secrets.read_text() == before


def test_add_keeps_the_ends_of_lines(secrets: Path) -> None:
    secrets.write_bytes(b"# mine\r\nflotilla-calendly.token=\r\nflotilla-hubspot.token=a\r\n")
    assert add.main(["calendly", "--no-check", "--set", "token=eyJ abc€#$'\"=x"]) == 0
    mine, calendly, hubspot, end = secrets.read_bytes().split(b"\r\n")
    assert (mine, calendly, hubspot, end) == (
        b"# mine", "flotilla-calendly.token=eyJ abc€#$'\"=x".encode(), b"flotilla-hubspot.token=a", b"",
    )  # fmt: skip


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0b", "\x1c"])
def test_a_value_comes_back_whole(secrets: Path, sign: str) -> None:
    """Python counts these as ends of lines; gateways do not."""
    assert add.main(["calendly", "--no-check", "--set", f"token=a{sign}b"]) == 0
    assert secrets_file.read()["flotilla-calendly.token"] == f"a{sign}b"
    assert add.main(["calendly", "--no-check", "--set", "token=c"]) == 0
    assert secrets.read_text() == "# mine\nflotilla-calendly.token=c\n"


def test_add_says_that_the_secrets_file_is_not_utf8(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets.write_bytes("# clés\n".encode("latin-1"))
    assert add.main(["calendly", "--no-check", "--set", "token=abc"]) == 1
    assert "is not UTF-8. Save it as UTF-8" in capsys.readouterr().err


def test_remove_forgets_only_when_told(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets.write_text("flotilla-calendly.token=abcdef\nflotilla-gmail.client_id=stays\n")
    assert remove.main(["calendly"]) == 1
    assert "Pass --yes" in capsys.readouterr().err
    assert "abcdef" in secrets.read_text()
    assert remove.main(["calendly", "--yes"]) == 0
    assert secrets.read_text() == "flotilla-calendly.token=\nflotilla-gmail.client_id=stays\n"
    assert remove.main(["export", "--yes"]) == 1
    assert "no account" in capsys.readouterr().err


def test_every_server_has_a_call_to_try() -> None:
    without = [slug for slug in registry() if not accounts.trial_tool(slug)]
    assert without == ["export"]


def install(*args: str, file: Path = ROOT / "scripts" / "install", status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["sh", str(file), *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=240
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def test_install_asks_nothing_and_ends_with_a_call(home: Path, secrets: Path) -> None:
    (home / ".cursor").mkdir()
    done = install("--servers", "filesystem,export", "--clients", "found")
    entry = json.loads((home / ".cursor" / "mcp.json").read_text())["mcpServers"]["flotilla"]
    assert "--servers" not in entry["args"]  # they are what is ready, and so is what is added later
    assert "Cursor gets" in done.stdout
    assert "the first call was answered" in done.stdout
    assert "Done: 2 of 2 servers." in done.stdout
    assert re.search(r"^Time: accounts \d+ s, images \d+ s, clients \d+ s, call \d+ s\.$", done.stdout, re.MULTILINE)


def test_install_ends_with_a_call_without_a_client_too(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert assist.main(["--servers", "filesystem", "--clients", "none"]) == 0
    assert "A client gets 11 tools, and the first call was answered (fs_" in capsys.readouterr().out


def test_install_says_why_a_gateway_does_not_answer(tmp_path: Path) -> None:
    entry = {"command": "sh", "args": ["-c", "echo the reason >&2; exit 1"]}
    with pytest.raises(AccountError, match="Cursor gets no answer: the reason"):
        assist.call_as("Cursor", entry, [])


def test_install_refuses_an_unclear_guard(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets.write_text("flotilla-filesystem.deny=nonsense\n")
    assert assist.main(["--servers", "filesystem", "--clients", "none"]) == 1
    assert "FLOTILLA_DENY names nonsense" in capsys.readouterr().err


def test_install_asks_about_no_client_that_is_connected(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".cursor").mkdir()
    (home / ".cursor" / "mcp.json").write_text('{"mcpServers": {"flotilla": {"command": "x"}}}')
    (home / ".gemini").mkdir()
    asked = list[str]()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: str(asked.append(question) or ""))
    assert assist.chosen_clients(argparse.Namespace(clients=None, yes=False)) == ["cursor", "gemini"]
    assert asked == ["Connect Gemini CLI? [Y/n] "]


def test_add_and_remove_change_the_lists_of_clients(home: Path, secrets: Path) -> None:
    """Whoever chose some servers at the installation gets a new one too; the other settings stay."""
    for folder, args in ((".cursor", ["--servers", "flotilla-export", "--run", "docker"]), (".gemini", ["--run"])):
        (home / folder).mkdir()
        path = home / folder / ("mcp.json" if folder == ".cursor" else "settings.json")
        path.write_text(json.dumps({"mcpServers": {"flotilla": {"command": "x", "args": args}, "mine": {"url": "y"}}}))
    gemini = path.read_text()

    def cursor() -> dict[str, Any]:
        held: dict[str, Any] = json.loads((home / ".cursor" / "mcp.json").read_text())["mcpServers"]
        return held

    for _ in range(2):
        assert add.main(["calendly", "--no-check", "--set", "token=abc"]) == 0
        assert cursor()["flotilla"]["args"] == ["--servers", "flotilla-export,flotilla-calendly", "--run", "docker"]
    assert remove.main(["calendly", "--yes"]) == 0
    assert cursor()["flotilla"]["args"] == ["--servers", "flotilla-export", "--run", "docker"]
    assert cursor()["mine"] == {"url": "y"}
    assert path.read_text() == gemini


def test_add_stores_what_the_environment_has(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is started from a desktop does not have this shell's environment."""
    monkeypatch.setenv("CALENDLY_TOKEN", "abc")
    assert add.main(["calendly", "--no-check"]) == 0
    assert secrets_file.read()["flotilla-calendly.token"] == "abc"


@pytest.mark.parametrize(
    ("problem", "status", "sentence"),
    [
        (KeyboardInterrupt(), 130, "\nError: Interrupted."),
        (PermissionError(13, "Permission denied", "/x/y"), 1, "Error: /x/y: Permission denied. Correct that"),
    ],
)
def test_every_command_ends_with_a_sentence(
    problem: BaseException,
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(argv: list[str]) -> int:
        raise problem

    monkeypatch.setattr("flotilla_cli.status.main", fails)
    assert cli_main(["status"]) == status
    assert capsys.readouterr().err.startswith(sentence)


def test_install_leaves_out_what_cannot_be_connected(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert assist.main(["--servers", "export,intercom", "--clients", "none"]) == 0
    printed = capsys.readouterr().out
    assert "intercom needs token" in printed
    assert "Done: 1 of 2 servers. Not yet: intercom." in printed


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--servers", "nowhere"], "'nowhere' is not a server"),
        (["--clients", "emacs"], "'emacs' is not a client"),
        (["--set", "token=1"], "--set takes server.name=value"),
        (["--servers", "export", "--set", "notion.token=1"], "--set names notion, which is not among the servers"),
    ],
)
def test_install_refuses(secrets: Path, args: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert assist.main(args) == 1
    assert problem in capsys.readouterr().err


def release(folder: Path) -> tuple[Path, str]:
    """A release's archive: its command says how it was called."""
    path = folder / "flotilla.tar.gz"
    script = b'#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n'
    with tarfile.open(path, "w:gz") as archive:
        for name, mode in (
            ("flotilla-1/scripts/flotilla", 0o755),
            ("flotilla-1/scripts/flotilla_cli/assist.py", 0o644),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(script), mode
            archive.addfile(member, io.BytesIO(script))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_install_without_a_checkout(home: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone" / "install"
    alone.parent.mkdir()
    alone.write_bytes((ROOT / "scripts" / "install").read_bytes())
    archive, sum_ = release(tmp_path)
    into = home / "app"
    options = ["--from", str(archive), "--into", str(into)]
    token, dotenv = into / "build" / "run" / "token", into / ".env"  # by which clients are connected; settings
    for again in (False, True):  # the second time it takes the place of the first
        done = install("--servers", "a b", *options, "--sha256", sum_, file=alone)
        assert token.exists() is dotenv.exists() is again
        token.parent.mkdir(parents=True, exist_ok=True)
        token.write_text("x")
        dotenv.touch()
        assert done.stdout.splitlines() == [f"{into}/scripts/flotilla", "assist", "--servers", "a b"]
    changed = "0" * 64
    assert "the archive's checksum is not" in install(*options, "--sha256", changed, file=alone, status=1).stderr
    assert "belongs to no release" in install(file=alone, status=1).stderr
    assert "Pass it with --sha256" in install(*options, file=alone, status=1).stderr
    assert "needs a value" in install("--from", file=alone, status=1).stderr
    insecure = ["--from", "http://example.com/f.tar.gz", "--sha256", changed]
    assert "is not an https address" in install(*insecure, file=alone, status=1).stderr


@pytest.mark.parametrize("held", ["scripts", ".git", "scripts/flotilla_cli,.git"])
def test_install_leaves_a_folder_of_something_else(home: Path, tmp_path: Path, held: str) -> None:
    """Another project has a folder `scripts` too, and a checkout may hold work of its own."""
    archive, sum_ = release(tmp_path)
    into = home / "project"
    for name in held.split(","):
        (into / name).mkdir(parents=True)
    (into / "mine.txt").write_text("x")
    refused = install("--from", str(archive), "--sha256", sum_, "--into", str(into), status=1)
    assert "holds something else" in refused.stderr
    assert (into / "mine.txt").read_text() == "x"
    assert not (home / "project.new").exists()


@pytest.mark.parametrize("moved", [False, True])
def test_install_interrupted_loses_nothing(home: Path, tmp_path: Path, moved: bool) -> None:
    """The run before ended while it replaced the files: what is the user's is still there, and it begins again."""
    archive, sum_ = release(tmp_path)
    into, new = home / "app", home / "app.new"
    (into / "build").mkdir(parents=True)
    (into / ".env").write_text("mine")
    (new / "older").mkdir(parents=True)
    if moved:
        (into / "scripts").mkdir()
    done = install("--from", str(archive), "--sha256", sum_, "--into", str(into))
    assert done.stdout.splitlines() == [f"{into}/scripts/flotilla", "assist"]
    assert sorted(path.name for path in into.iterdir()) == [".env", "build", "scripts"]
    assert (into / ".env").read_text() == "mine"
    assert not new.exists()


def test_install_help_names_every_option_and_does_nothing(home: Path, tmp_path: Path) -> None:
    alone = tmp_path / "install"
    alone.write_bytes((ROOT / "scripts" / "install").read_bytes())
    shown = install("--servers", "export", "--help", file=alone).stdout
    with pytest.raises(SystemExit), contextlib.redirect_stdout(io.StringIO()) as usage:
        assist.main(["--help"])
    options = set(re.findall(r"--[a-z-]+", usage.getvalue()))
    assert options - set(re.findall(r"--[a-z-]+", shown)) == {"--help"}
    assert list(home.iterdir()) == []


def test_install_is_posix() -> None:
    for shell in ("dash", "sh"):
        if subprocess.run(["sh", "-c", f"command -v {shell}"], capture_output=True).returncode == 0:
            subprocess.run([shell, "-n", str(ROOT / "scripts" / "install")], check=True)
