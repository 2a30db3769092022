"""The consent that the Microsoft servers share: the tenant is a setting, and common where nobody set it."""

from __future__ import annotations

from pathlib import Path

import pytest

from flotilla_cli import login
from flotilla_cli.generator.servers import server_of

LOGIN = "https://login.microsoftonline.com"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's files, in a folder of the test."""
    monkeypatch.setenv("FLOTILLA_SECRETS", str(tmp_path / "secrets.env"))
    monkeypatch.setenv("FLOTILLA_CONFIG", str(tmp_path / "config.yaml"))
    return tmp_path


def test_about_of_tenant_is_the_default_where_it_is_not_set() -> None:
    about = login.about_of({"outlook-calendar": server_of("outlook-calendar")})
    assert about.authorize_url == f"{LOGIN}/common/oauth2/v2.0/authorize"
    assert about.token_url == f"{LOGIN}/common/oauth2/v2.0/token"
    assert about.device_url == f"{LOGIN}/common/oauth2/v2.0/devicecode"


def test_about_of_tenant_of_the_secrets_file_wins(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLOOK_CALENDAR_TENANT", "client.example")
    servers = {"outlook-calendar": server_of("outlook-calendar")}
    assert login.about_of(servers).token_url == f"{LOGIN}/client.example/oauth2/v2.0/token"
    (files / "secrets.env").write_text("flotilla-outlook-calendar.tenant=atelier.example\n")
    assert login.about_of(servers).token_url == f"{LOGIN}/atelier.example/oauth2/v2.0/token"


def test_about_of_tenant_that_leads_elsewhere_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLOOK_CALENDAR_TENANT", "x/../evil.example")
    assert "{tenant}" in login.about_of({"outlook-calendar": server_of("outlook-calendar")}).token_url
