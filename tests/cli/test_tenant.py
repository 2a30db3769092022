"""`scripts/flotilla tenant`: what the operator does, and what is left of a tenant that was deleted."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from flotilla_cli import log as log_command
from flotilla_cli import tenant as command
from flotilla_servers.switchboard.action_log import COLUMNS, Action, ActionLog
from flotilla_servers.switchboard.tenants.setup import open_tenants

SECRET = "canary-0123456789"


class Operator:
    """Runs commands on a machine of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.places = ["--tenants", str(folder / "tenants.db")]
        self.places += ["--state", str(folder / "state"), "--data", str(folder / "data")]

    def __call__(self, *line: str) -> str:
        """Run a command that works; return what it prints."""
        assert command.main([*self.places, *line]) == 0
        return self._capsys.readouterr().out

    def refused(self, *line: str) -> str:
        """Run a command that fails; return the error."""
        assert command.main([*self.places, *line]) == 1
        return self._capsys.readouterr().err

    def show(self) -> dict[str, object]:
        return dict(json.loads(self("show", "acme")))


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("FLOTILLA_TENANTS", "FLOTILLA_TENANT_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Operator(tmp_path, capsys)


def test_tenant_created_from_a_template(operator: Operator) -> None:
    template = operator.folder / "config" / "flotilla" / "tenant-template"
    (template / "files").mkdir(parents=True)
    (template / "files" / "prices.csv").write_text("a,b\n")
    (template / "settings.yaml").write_text("locale: fr-FR\nservers: [gmail]\nlimits: {calls_in_flight: 3}\n")
    (template / "secrets.env").write_text("flotilla-gmail.client_id=ours\n")
    printed = operator("create", "acme", "--timezone", "Europe/Paris", "--tier", "gmail=all", "--limit",
                       "calls_per_minute=9")  # fmt: skip
    assert "flt_" in printed
    shown = operator.show()
    assert shown["settings"] == {
        "locale": "fr-FR",
        "timezone": "Europe/Paris",
        "servers": ["gmail"],
        "tiers": {"gmail": "all"},
        "limits": {"calls_per_minute": 9, "calls_in_flight": 3, "data_megabytes": 2048},
    }
    assert [item["name"] for item in shown["credentials"]] == ["flotilla-gmail.client_id"]  # type: ignore[attr-defined]
    assert (operator.folder / "data" / "tenants" / str(shown["id"]) / "prices.csv").exists()


def test_tenant_is_not_created_by_halves(operator: Operator) -> None:
    template = operator.folder / "config" / "flotilla" / "tenant-template"
    template.mkdir(parents=True)
    (template / "secrets.env").write_text("no equals sign\n")
    assert "The secrets file cannot be used: line 1" in operator.refused("create", "acme")
    assert "There is no tenant." in operator("list")
    (template / "secrets.env").unlink()
    (template / "settings.yaml").write_text("[1")
    assert "settings.yaml cannot be used" in operator.refused("create", "acme")


def test_tenant_changes(operator: Operator) -> None:
    operator("create", "acme")
    operator("set", "acme", "--servers", "gmail, hubspot", "--tier", "hubspot=all")
    operator("set", "acme", "--locale", "fr")
    assert operator.show()["settings"]["servers"] == ["gmail", "hubspot"]  # type: ignore[index]
    assert operator.show()["settings"]["tiers"] == {"hubspot": "all"}  # type: ignore[index]
    operator("suspend", "acme")
    assert "suspended" in operator("list")
    operator("resume", "acme")
    assert "flt_" in operator("rotate-token", "acme")
    assert "`Paris` is not a time zone." in operator.refused("set", "acme", "--timezone", "Paris")
    assert "There is no tenant `zeta`." in operator.refused("suspend", "zeta")


def test_tenant_credentials_are_never_printed(operator: Operator) -> None:
    operator("create", "acme")
    file = operator.folder / "secrets.env"
    printed = []
    for value in (SECRET, f"{SECRET}-2"):
        file.write_text(f"flotilla-hubspot.token={value}\n")
        printed.append(operator("import", "acme", str(file)))
    printed.append(operator("restore", "acme", "flotilla-hubspot.token", "1"))
    printed.append(operator("rotate-keys", "--data-keys"))
    printed.append(operator("show", "acme"))
    printed.append(operator("export", "acme", str(operator.folder / "out"), "--secrets", str(operator.folder / "env")))
    assert (operator.folder / "env").read_text() == f"flotilla-hubspot.token={SECRET}\n"
    assert (operator.folder / "env").stat().st_mode & 0o777 == 0o600
    printed.append((operator.folder / "out" / "tenant.json").read_text())
    printed.append(operator("forget", "acme", "flotilla-hubspot.token"))
    assert SECRET not in "".join(printed)
    assert operator.show()["credentials"] == []


def test_tenant_credentials_that_no_server_has_are_refused(operator: Operator) -> None:
    """A tenant that has one is not served at all: the gateway refuses what it cannot use."""
    operator("create", "acme")
    file = operator.folder / "secrets.env"
    for line, sentence in {
        "flotilla-hubspot.tokn=a": "Did you mean flotilla-hubspot.token?",
        "flotilla-hubspot@paris.tokn=a": "Did you mean flotilla-hubspot.token?",
        "flotilla-hubspt.token=a": "flotilla-hubspt.token: the catalog has no such server. Nothing was saved.",
        "hubspot.token=a": "The lines read flotilla-hubspot.token=",
        "": "has no credential",
    }.items():
        file.write_text(f"{line}\n")
        assert sentence in operator.refused("import", "acme", str(file))
    file.write_bytes("flotilla-hubspot.token=é".encode("latin-1"))
    assert "is not UTF-8 text. Save it as UTF-8" in operator.refused("import", "acme", str(file))
    assert operator.show()["credentials"] == []
    file.write_text("\ufeffflotilla-hubspot.token=a\nflotilla-hubspot@paris.token=b\nflotilla-gohighlevel.login={}\n")
    assert "3 credentials" in operator("import", "acme", str(file))


def test_tenant_servers_that_the_catalog_lacks_are_refused(operator: Operator) -> None:
    assert "The catalog has no server `nope`." in operator.refused("create", "acme", "--servers", "gmail,nope")
    operator("create", "acme", "--servers", "flotilla-gmail,hubspot")
    assert "The catalog has no server `nope`." in operator.refused("set", "acme", "--tier", "nope=all")
    assert operator.show()["settings"]["servers"] == ["flotilla-gmail", "hubspot"]  # type: ignore[index]


def test_tenant_mistakes_are_explained(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    operator("create", "acme")
    assert "There is no version 9" in operator.refused("restore", "acme", "hubspot.token", "9")
    assert "cannot be used" in operator.refused("restore", "acme", "hubspot.token", "9" * 30)
    unknown = "There is no credential flotilla-hubspot.token. `scripts/flotilla tenant show` lists them."
    assert unknown in operator.refused("forget", "acme", "hubspot.token")
    for hours in ("nan", "inf", "-3", "0", "x"):
        with pytest.raises(SystemExit):
            operator("connect", "acme", "hubspot", f"--hours={hours}")
    assert "invalid literal" not in capsys.readouterr().err
    (operator.folder / "there").write_text("mine")
    for line in (("out", "--secrets", "there"), ("there",)):
        places = [part if part.startswith("-") else str(operator.folder / part) for part in line]
        assert "there exists already. Nothing was exported." in operator.refused("export", "acme", *places)
    assert not (operator.folder / "out").exists()
    tenants, vault = open_tenants(str(operator.folder / "tenants.db"), os.environ)
    vault.put(tenants.named("acme"), {("flotilla-hubspot", "token"): "two\nlines"})
    places = [str(operator.folder / name) for name in ("out", "env")]
    assert "has a line break" in operator.refused("export", "acme", places[0], "--secrets", places[1])
    assert [place for place in places if Path(place).exists()] == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("servers: gmail", "`servers` is not a list of names."),
        ("servers: [1]", "`servers` is not a list of names."),
        ("tiers: [gmail]", "`tiers` does not name servers."),
        ("limits: 5", "`limits` does not name limits."),
        ("limits: {1: 2}", "A tenant has no limit `1`."),
        ("1: 2", "A tenant has no setting `1`."),
        ("tiers: {gmail: [all]}", "is not a tier."),
    ],
)
def test_tenant_template_that_is_broken_is_explained(operator: Operator, text: str, sentence: str) -> None:
    template = operator.folder / "config" / "flotilla" / "tenant-template"
    template.mkdir(parents=True)
    (template / "settings.yaml").write_text(text)
    assert sentence in operator.refused("create", "acme")
    assert "There is no tenant." in operator("list")


def test_tenant_exported_and_deleted(operator: Operator) -> None:
    operator("create", "acme")
    identity = str(operator.show()["id"])
    data, state = (operator.folder / name / "tenants" / identity for name in ("data", "state"))
    (data / "notes").mkdir()
    (data / "notes" / "a.txt").write_text("a")
    operator("export", "acme", str(operator.folder / "out"))
    assert (operator.folder / "out" / "files" / "notes" / "a.txt").read_text() == "a"
    assert json.loads((operator.folder / "out" / "tenant.json").read_text())["name"] == "acme"
    assert "Confirm it: --confirm acme" in operator.refused("delete", "acme", "--confirm", "other")
    assert "Confirm it: --confirm acme" in operator.refused("delete", "acme")
    assert data.exists()
    operator("delete", "acme", "--confirm", "acme")
    assert not data.exists()
    assert not state.exists()
    assert "There is no tenant" in operator("list")


def test_tenant_log(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    database = operator.folder / "state" / "switchboard" / "tenants.db"
    operator.places[1] = str(database)
    operator("create", "acme")
    folder = operator.folder / "state" / "tenants" / str(operator.show()["id"])
    log = ActionLog(folder)
    call = dict.fromkeys(COLUMNS, "") | {
        "time": time.time(),
        "latency_ms": 1.0,
        "tool_name": "gmail_send",
        "user_id": "acme",
    }
    log.add(Action(**call))  # type: ignore[arg-type]
    log.close()
    assert log_command.main(["--state", str(operator.folder / "state"), "--tenant", "acme"]) == 0
    assert "gmail_send" in capsys.readouterr().out
    assert log_command.main(["--state", str(operator.folder / "state"), "--tenant", "zeta"]) == 1
    assert "There is no tenant `zeta`." in capsys.readouterr().err


def test_tenant_log_makes_no_database(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    state = operator.folder / "state"
    assert log_command.main(["--state", str(state), "--tenant", "acme"]) == 1
    assert "tenants.db does not exist" in capsys.readouterr().err
    assert not state.exists()
