"""What the doctor finds, on a machine on which everything that can be broken is."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli import clients, doctor, gateway, paths, servers, system

from .conftest import Script

NAMES = {"flotilla-calendly.token", "flotilla-email.password"}


def levels(text: str) -> list[tuple[str, str]]:
    return [(finding.level, finding.message) for finding in doctor.secrets_problems(text, NAMES)]


def test_doctor_secrets_file_good() -> None:
    assert levels("# comment\n\nflotilla-calendly.token=a=b c#d\nflotilla-email.password=\n") == []


@pytest.mark.parametrize(
    ("text", "level", "says"),
    [
        ("flotilla-calendly.token=x\nnothing here", "problem", "Line 2: it has no `=`"),
        ("  # note", "problem", "comment must begin"),
        ("export flotilla-calendly.token=x", "problem", "`export`"),
        ("flotilla-calendly.token =x", "problem", "spaces around the name"),
        ("CALENDLY_TOKEN=x", "warning", "flotilla-calendly.token?"),
        ("calendly.token=x", "warning", "flotilla-calendly.token?"),
        ("flotilla-calendly.tokn=x", "warning", "flotilla-calendly.token?"),
        ('flotilla-calendly.token="x"', "warning", "quotes"),
        ("flotilla-calendly.token= x", "warning", "spaces before the value"),
        ("flotilla-calendly.token=x\nflotilla-calendly.token=y", "warning", "line 1 has the same name"),
    ],
)
def test_doctor_secrets_file_faults(text: str, level: str, says: str) -> None:
    result = levels(text)
    assert len(result) == 1, result
    assert result[0][0] == level
    assert says in result[0][1]


def test_doctor_never_shows_secret_values(home: Path, script: Script) -> None:
    path = paths.secrets_file()
    path.parent.mkdir(parents=True)
    path.write_text("Canary1\nexport flotilla-calendly.token=Canary2\nCanary3 =Canary4\nunknown.name='Canary5'\n")
    done = script("doctor", status=1)
    assert "Line 1" in done.stdout
    assert "Canary1" not in done.stdout + done.stderr
    assert all(f"Canary{n}" not in done.stdout + done.stderr for n in (2, 4, 5))


@pytest.mark.parametrize(
    ("config", "level", "says"),
    [
        (["a"], "problem", "a mapping of servers"),
        ({"flotilla-emial": {}}, "warning", "flotilla-email?"),
        ({"email": {}}, "warning", "flotilla-email?"),
        ({"flotilla-email": "x"}, "problem", "must contain"),
        ({"flotilla-email": {"sender_nam": "x"}}, "warning", "sender_name?"),
        ({"flotilla-filesystem": {"nonsense": "x"}}, "warning", "no setting nonsense"),
        ({"flotilla-email": {"password": "x"}}, "problem", "flotilla-email.password has no effect"),
        ({"flotilla-email": {"smtp_host": "x"}}, "problem", "flotilla-email.smtp_host has no effect"),
        ({"flotilla-email": {"read_only": True}}, "problem", "flotilla-email.read_only has no effect"),
        ({"flotilla-filesystem": {"deny": ["x"]}}, "problem", "flotilla-filesystem.deny has no effect"),
        ({"flotilla-email": {"max_message_mb": "often"}}, "problem", "of type integer"),
        ({"flotilla-email": {"sender_name": True}}, "problem", "of type string"),
    ],
)
def test_doctor_settings_file_faults(config: Any, level: str, says: str) -> None:
    result = [(finding.level, finding.message) for finding in doctor.settings_problems(config)]
    assert len(result) == 1, result
    assert result[0][0] == level
    assert says in result[0][1]


def test_doctor_settings_file_good() -> None:
    assert (
        list(
            doctor.settings_problems(
                {"flotilla-email": {"sender_name": "x", "max_message_mb": 5}, "flotilla-filesystem": None}
            )
        )
        == []
    )


@pytest.mark.parametrize(
    ("secrets", "config", "says"),
    [
        ("flotilla-filesystem.deny=fs_delet_file\n", "", "FLOTILLA_DENY names fs_delet_file"),
        ("flotilla-filesystem.read_only=tru\n", "", "FLOTILLA_READ_ONLY must be yes or no"),
        ("", "flotilla-filesystem:\n  read_only: true\n", "flotilla-filesystem.read_only stands in the settings file"),
    ],
)
def test_doctor_guard_ineffective(home: Path, script: Script, secrets: str, config: str, says: str) -> None:
    """doctor names it, and no gateway is started without it, whichever gateway that is."""
    paths.write(paths.secrets_file(), secrets)
    paths.write(paths.config_file(), config)
    (result,) = doctor.check_guards()
    assert (result.level, says in result.message) == ("problem", True)
    refused = script("up", status=1)
    assert says in refused.stderr
    assert "Gateway: starting" not in refused.stdout


def test_doctor_guards_good(home: Path) -> None:
    paths.write(paths.secrets_file(), "flotilla-filesystem.deny=[fs_delete_file]\n")
    assert list(doctor.check_guards()) == []


def test_doctor_client_with_an_outdated_server_list(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clients.CLIENTS["cursor"].path()
    paths.write(path, json.dumps({"mcpServers": {"flotilla": {"command": "docker", "args": ["--servers", "a,b"]}}}))
    (result,) = doctor.check_clients()
    assert (result.level, result.fix) == ("warning", "make connect CLIENT=cursor")
    for args in (["--servers", "filesystem"], ["--servers", "flotilla-filesystem"], ["--run", "process"], []):
        paths.write(path, json.dumps({"mcpServers": {"flotilla": {"command": "docker", "args": args}}}))
        assert list(doctor.check_clients()) == []


FEATURES = "Available features:\n\n  oauth-interceptor    disabled\n  dynamic-tools        {}\n   Enable x\n"


@pytest.mark.parametrize(("state", "warned"), [("enabled", True), ("disabled", False)])
def test_doctor_dynamic_tools_warning(monkeypatch: pytest.MonkeyPatch, home: Path, state: str, warned: bool) -> None:
    monkeypatch.delenv("FLOTILLA_ENGINE")
    says = {"info": "28", "mcp version": "2.0.1", "mcp feature ls": FEATURES.format(state), "mcp profile ls": "[]"}
    monkeypatch.setattr(system, "docker", docker_says(says))
    result = [f for f in doctor.check_gateway() if f.level == "warning"]
    assert bool(result) is warned
    assert all(f.fix == "docker mcp feature disable dynamic-tools" and "mcp-config-set" in f.message for f in result)


def test_doctor_profile_older_than_the_catalog(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.delenv("FLOTILLA_ENGINE")

    def result(profile: str, **changed: Any) -> list[str]:
        name, entry = next(iter(servers.registry_with_tools().items()))
        saved = {"name": name, **entry, **changed}
        held = [{"id": profile, "servers": [{"snapshot": {"server": saved}}]}]
        answers = {"info": "28", "mcp version": "2", "mcp feature ls": "", "mcp profile ls": json.dumps(held)}
        monkeypatch.setattr(system, "docker", docker_says(answers))
        return [f.message for f in doctor.check_gateway() if f.level == "warning"]

    assert result("flotilla") == []
    for changed in ({"image": "flotilla/old:0"}, {"tools": []}, {"secrets": []}):
        assert "has an older" in result("flotilla", **changed)[0]
        assert result("my-flotilla-test", **changed) == [], "another profile, whose name holds ours"


def test_doctor_many_faults_at_once(home: Path, script: Script) -> None:
    script("install")
    paths.installed_catalog().write_text("old")
    paths.secrets_file().chmod(0o644)
    paths.config_file().write_text("a: [")
    paths.data_folder().parent.mkdir(parents=True)
    paths.data_folder().write_text("a file where the folder should be")
    with socket.create_server(("127.0.0.1", int(os.environ["FLOTILLA_PORT"]))):
        result = json.loads(script("doctor", "--json", status=1).stdout)
    bad = {(f["subject"], f["level"]): f for f in result if f["level"] in ("problem", "warning")}
    for key in [
        ("catalog", "warning"),
        ("secrets", "warning"),
        ("settings", "problem"),
        ("data", "problem"),
        ("port", "problem"),
    ]:
        assert bad[key]["fix"], key
    assert all(f["fix"] for f in result if f["level"] in ("problem", "warning"))


def test_doctor_catalog_is_a_symlink(home: Path) -> None:
    target = paths.installed_catalog()
    target.parent.mkdir(parents=True)
    target.symlink_to(paths.CATALOG)
    result = list(doctor.check_catalog())
    assert any(f.level == "problem" and "link" in f.message and f.fix == "make install" for f in result)


def test_doctor_tool_name_in_two_servers(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(
        doctor.registry_rules, "problems", lambda root: ["catalog/flotilla.yaml: b: the tool x is a's too; …"]
    )
    assert any(f.level == "problem" and "the tool x" in f.message for f in doctor.check_catalog())


def docker_says(answers: dict[str, str]) -> Any:
    return lambda *args, **more: next(
        (says for asked, says in answers.items() if " ".join(args).startswith(asked)), None
    )


def test_doctor_remote_engine_with_docker_gateway(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.delenv("FLOTILLA_ENGINE")
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2376")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/bin/{name}")
    says = {"info --format {{.Server": "28", "info": '["name=rootless"]', "mcp version": "2.0.1", "buildx": "ok"}
    monkeypatch.setattr(system, "docker", docker_says(says))
    result = {f.level: f for f in doctor.check_engine()}
    assert "tcp://elsewhere:2376" in result["warning"].message
    assert "FLOTILLA_GATEWAY=switchboard" in result["warning"].fix
    assert "rootless" in result["note"].message


def test_doctor_engine_not_responding(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.delenv("FLOTILLA_ENGINE")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(system, "docker", docker_says({}))
    (result,) = doctor.check_engine()
    assert (result.level, bool(result.fix)) == ("problem", True)


def test_doctor_missing_images_named(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.delenv("FLOTILLA_ENGINE")
    monkeypatch.setenv("FLOTILLA_SERVERS", "all")
    monkeypatch.setattr(system, "docker", docker_says({"info": "28"}))
    (result,) = doctor.check_images()
    assert result.level == "problem"
    assert all(slug in result.fix for slug in servers.registry())


def test_doctor_missing_images_of_other_servers_no_problem(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """`make up` builds what it starts; the doctor asks for no more."""
    monkeypatch.delenv("FLOTILLA_ENGINE")
    monkeypatch.setenv("FLOTILLA_SERVERS", "filesystem,export")
    built = {
        f"image inspect --format {{{{.Id}}}} {servers.registry()[slug]['image']}": slug
        for slug in ("filesystem", "export")
    }
    monkeypatch.setattr(system, "docker", docker_says({"info": "28", **built}))
    messages = {finding.level: finding.message for finding in doctor.check_images()}
    assert messages.keys() == {"note", "ok"}
    assert "hubspot" in messages["note"]
    assert "filesystem" not in messages["note"]


def test_doctor_gateway_ended_by_itself(home: Path) -> None:
    gateway.Running(kind="switchboard", run="process", url="http://127.0.0.1:1/mcp", pid=999_999_999, since="1").save()
    (result,) = doctor.check_running()
    assert (result.level, result.fix) == ("problem", "make up")


def test_doctor_reports_a_setting_that_was_renamed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_DOOR", "switchboard")
    (result,) = doctor.check_gateway()
    assert (result.level, result.fix) == ("problem", "unset FLOTILLA_DOOR")
    assert "FLOTILLA_GATEWAY" in result.message
