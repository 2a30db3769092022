"""scripts/login for a vendor whose tokens rotate only where the app's owner says so, and whose bots have a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from flotilla import Consent
from flotilla_cli import consent, login, paths, secrets_file
from flotilla_cli.generator.servers import server_of
from flotilla_testing import FakeVendor
from flotilla_testing.responses import RecordedResponses

ABOUT = Consent(
    account="acme",
    authorize_url="https://acme.example/authorize",
    token_url="",
    who_url="https://acme.example/me",
    who="name",
    rotation_optional=True,
    rotates=True,
    tokens_in="authed_user",
    redirect_host="localhost",
    redirect_scheme="https",
    ports=(8976,),
)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """What the token endpoint answers after the user has agreed; `about` is the consent that was asked for."""
    result = {"access_token": "xoxp-1", "scope": "chat:write,search:read"}

    def agreed(about: Consent, oauth: Any, *more: Any) -> dict[str, str]:
        result["authorize_url"], result["asked"] = about.authorize_url, oauth.scope
        return result

    monkeypatch.setenv("FLOTILLA_SECRETS", str(tmp_path / "secrets.env"))
    monkeypatch.setenv("FLOTILLA_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "hush")
    monkeypatch.setattr(login, "connectable", lambda: {"slack": server_of("slack")})
    monkeypatch.setattr(login, "browser", lambda: True)
    monkeypatch.setattr(secrets_file, "has_keychain", lambda: False)
    monkeypatch.setattr(consent, "in_browser", agreed)
    monkeypatch.setattr(consent, "by_paste", agreed)
    monkeypatch.setattr(consent, "account_name", lambda about, token: f"zoe by {token['access_token']}")
    return result


def run(*more: str) -> Mapping[str, str]:
    assert login.main(["--client-id", "12.34", "slack", *more]) == 0
    return secrets_file.read()


def test_login_without_rotation_stores_the_access_token(answer: dict[str, str], capsys: Any) -> None:
    stored = run()
    assert stored["flotilla-slack.token"] == "xoxp-1"
    assert "flotilla-slack.refresh_token" not in stored
    assert "v2_user" in answer["authorize_url"]
    assert "search:read" in answer["asked"].split(",")
    capsys.readouterr()
    assert login.main(["--list"]) == 0
    assert capsys.readouterr().out.startswith("slack: connected as zoe by xoxp-1")
    assert login.main(["--revoke", "slack"]) == 0
    assert secrets_file.read()["flotilla-slack.token"] == ""


def test_login_with_rotation_stores_the_refresh_token(answer: dict[str, str], capsys: Any) -> None:
    answer["refresh_token"] = "xoxe-1"
    stored = run()
    assert stored["flotilla-slack.refresh_token"] == "xoxe-1"
    assert "flotilla-slack.token" not in stored
    capsys.readouterr()
    assert login.main(["--list"]) == 0
    assert capsys.readouterr().out == "slack: connected\n"


def test_login_at_another_level_asks_on_its_own_page(answer: dict[str, str]) -> None:
    assert run("--identity", "app")["flotilla-slack.identity"] == "app"
    assert answer["authorize_url"] == "https://slack.com/oauth/v2/authorize"
    assert not {"search:read", "reminders:write"} & set(answer["asked"].split(","))
    run()  # as chosen before
    assert answer["authorize_url"] == "https://slack.com/oauth/v2/authorize"


def test_paste_with_https_redirect_and_nested_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(paths, "say", shown.append)
    nested = {"ok": True, "authed_user": {"access_token": "xoxp-1", "scope": "chat:write"}}
    with FakeVendor(RecordedResponses({"POST /token": {"json": nested}})) as vendor:
        about = Consent(**{**vars(ABOUT), "token_url": f"{vendor.url}/token"})

        def read(prompt: str) -> str:
            url = next(word for word in shown[0].split() if word.startswith("https://acme.example"))
            query = parse_qs(urlsplit(url).query)
            assert query["redirect_uri"] == ["https://localhost:8976/"]
            return f"https://localhost:8976/?code=c-1&state={query['state'][0]}"

        with consent.client(about, "12.34", "hush", ["chat:write"]) as oauth:
            token = consent.by_paste(about, oauth, read)
    assert (token["access_token"], token["scope"]) == ("xoxp-1", "chat:write")
