"""scripts/login for a vendor without refresh tokens: the access token is what is stored, checked and forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flotilla import Consent
from flotilla_cli import consent, login, secrets_file
from flotilla_cli.generator.servers import server_of


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """What the token endpoint answers after the user has agreed."""
    result = {"access_token": "at-1", "token": "at-1", "token_type": "Bearer"}

    def account_name(about: Consent, token: Mapping[str, Any]) -> str:
        return f"the account of {token['access_token']}"

    monkeypatch.setenv("FLOTILLA_SECRETS", str(tmp_path / "secrets.env"))
    monkeypatch.setenv("FLOTILLA_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("INTERCOM_CLIENT_SECRET", "hush")
    monkeypatch.setattr(login, "connectable", lambda: {"intercom": server_of("intercom")})
    monkeypatch.setattr(login, "browser", lambda: True)
    monkeypatch.setattr(secrets_file, "has_keychain", lambda: False)
    monkeypatch.setattr(consent, "in_browser", lambda about, oauth: result)
    monkeypatch.setattr(consent, "account_name", account_name)
    return result


def test_login_stores_the_access_token(answer: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert login.main(["--client-id", "app-1", "intercom"]) == 0
    stored = secrets_file.read()
    assert stored["flotilla-intercom.token"] == "at-1"
    assert stored["flotilla-intercom.client_id"] == "app-1"
    assert "flotilla-intercom.refresh_token" not in stored
    assert "Connected: the account of at-1" in capsys.readouterr().out


def test_login_list_checks_the_access_token(answer: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    login.main(["--client-id", "app-1", "intercom"])
    capsys.readouterr()
    assert login.main(["--list"]) == 0
    assert capsys.readouterr().out.splitlines() == ["intercom: connected as the account of at-1"]


def test_login_revoke_forgets_the_access_token(answer: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    login.main(["--client-id", "app-1", "intercom"])
    assert login.main(["--revoke", "intercom"]) == 0
    assert secrets_file.read()["flotilla-intercom.token"] == ""
    assert "remove the app in the account's settings" in capsys.readouterr().out


def test_login_without_any_token_refused(answer: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    answer.clear()
    assert login.main(["--client-id", "app-1", "intercom"]) == 1
    assert "gave no access token" in capsys.readouterr().err
