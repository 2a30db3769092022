"""scripts/login with an access level: what it asks for, stores and says. The consent itself is in test_login."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flotilla.calls.context import Call, entered
from flotilla.connection import Connection
from flotilla_cli import consent, login, secrets_file
from flotilla_cli.generator.servers import server_of
from flotilla_servers._google import limit_note
from flotilla_servers.google_drive import client as drive

SLUGS = ("gmail", "google-docs", "google-drive", "google-sheets")
STORED = "flotilla-google-drive.access"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[set[str]]:
    """The short names of the scopes that each login asked for; the user agrees to all of them."""
    result: list[set[str]] = []

    def agree(about: Any, oauth: Any) -> dict[str, str]:
        result.append({scope.rsplit("/", 1)[-1] for scope in oauth.scope.split()})
        return {"access_token": "at-1", "refresh_token": "rt-1", "scope": oauth.scope}

    monkeypatch.setenv("FLOTILLA_SECRETS", str(tmp_path / "secrets.env"))
    monkeypatch.setenv("FLOTILLA_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("GMAIL_CLIENT_SECRET", "hush")
    monkeypatch.setattr(login, "connectable", lambda: {slug: server_of(slug) for slug in SLUGS})
    monkeypatch.setattr(login, "browser", lambda: True)
    monkeypatch.setattr(secrets_file, "has_keychain", lambda: False)
    monkeypatch.setattr(consent, "in_browser", agree)
    monkeypatch.setattr(consent, "account_name", lambda *_: "helene@atelier.example")
    return result


def run(*argv: str) -> int:
    return login.main(["--client-id", "desktop", *argv])


def test_login_opens_own_files_of_drive_and_says_so(asked: list[set[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("google") == 0
    assert {"spreadsheets", "documents", "drive.file", "drive.metadata.readonly"} <= asked[0]
    assert "drive.readonly" not in asked[0]
    assert STORED not in secrets_file.read()
    out = capsys.readouterr().out
    assert "With this consent gdrive_read_file, gdrive_download_file, gdrive_upload_file" in out
    assert (
        "of google-drive reach only files that Flotilla made. "
        "To open more, run `scripts/login google-drive` again with --drive read or --drive all." in out
    )
    assert "tools of google-sheets reach" not in out


def test_login_stores_the_level_and_follows_it_the_next_time(asked: list[set[str]]) -> None:
    assert run("google", "--drive", "read") == 0
    assert secrets_file.read()[STORED] == "read"
    assert run("google-drive") == 0
    assert run("google-drive", "--drive", "own") == 0
    assert run("google-drive") == 0
    levels = [scopes & {"drive.file", "drive.readonly"} for scopes in asked]
    read, own = {"drive.file", "drive.readonly"}, {"drive.file"}
    assert levels == [read, read, own, own]


def test_login_with_all_of_drive_asks_for_nothing_that_it_covers(asked: list[set[str]], capsys: Any) -> None:
    assert run("google", "--drive", "all") == 0
    assert asked[0] == {"openid", "email", "gmail.modify", "drive"}
    assert " reach " not in capsys.readouterr().out


def test_login_refuses_a_level_of_another_server_or_an_unknown_one(asked: list[set[str]], capsys: Any) -> None:
    assert run("gmail", "--drive", "read") == 1
    error = capsys.readouterr().err
    assert "--drive is an option of google-docs and google-drive. Run `scripts/login google-drive` with it." in error
    with pytest.raises(SystemExit):
        run("google", "--drive", "everything")
    assert asked == []


def test_login_with_a_shared_option_stores_it_for_the_servers_that_are_connected(asked: list[set[str]]) -> None:
    assert run("google-docs", "--drive", "all") == 0
    assert secrets_file.read()["flotilla-google-docs.access"] == "all"
    assert STORED not in secrets_file.read()
    assert run("google", "--drive", "read") == 0
    saved = secrets_file.read()
    assert (saved["flotilla-google-docs.access"], saved[STORED]) == ("read", "read")
    assert {"documents", "drive.readonly", "drive.file"} <= asked[1]
    assert not {"drive", "drive.metadata.readonly"} & asked[1]


@pytest.mark.parametrize(
    ("level", "note"),
    [
        (
            "own",
            "The consent reaches only files that Flotilla made. "
            "To open more, ask the user to set GOOGLE_DRIVE_ACCESS to read or all.",
        ),
        ("read", ""),
    ],
)
def test_limit_note_names_the_setting_of_a_service_account(level: str, note: str) -> None:
    key = '{"client_email": "robot@atelier.iam.example", "private_key": "none"}'
    environ = {"GOOGLE_DRIVE_SERVICE_ACCOUNT": key, "GOOGLE_DRIVE_ACCESS": level}
    with entered(Call("gdrive_search_files", Connection(drive.integration, environ))):
        assert limit_note(drive.api) == note
