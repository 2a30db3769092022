"""What the doctor finds, on a machine on which everything that can be broken is."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli import clients, doctor
from flotilla_cli import gateway as door
from flotilla_cli import paths as place
from flotilla_cli import servers as fleet
from flotilla_cli import system as machine

from .conftest import Script

NAMES = {"flotilla-calendly.token", "flotilla-email.password"}


def levels(text: str) -> list[tuple[str, str]]:
    return [(finding.level, finding.says) for finding in doctor.secrets_lines(text, NAMES)]


def test_a_good_secrets_file() -> None:
    assert levels("# comment\n\nflotilla-calendly.token=a=b c#d\nflotilla-email.password=\n") == []


@pytest.mark.parametrize(
    ("text", "level", "says"),
    [
        ("flotilla-calendly.token=x\nnothing here", "problem", "Line 2: it has no `=`"),
        ("  # note", "problem", "comment must begin"),
        ("export flotilla-calendly.token=x", "problem", "`export`"),
        ("flotilla-calendly.token =x", "problem", "blanks around the name"),
        ("CALENDLY_TOKEN=x", "warning", "flotilla-calendly.token is meant"),
        ("calendly.token=x", "warning", "flotilla-calendly.token is meant"),
        ("flotilla-calendly.tokn=x", "warning", "flotilla-calendly.token is meant"),
        ('flotilla-calendly.token="x"', "warning", "quotes"),
        ("flotilla-calendly.token= x", "warning", "blanks before the value"),
        ("flotilla-calendly.token=x\nflotilla-calendly.token=y", "warning", "line 1 has the same name"),
    ],
)
def test_every_fault_of_a_secrets_file(text: str, level: str, says: str) -> None:
    found = levels(text)
    assert len(found) == 1, found
    assert found[0][0] == level
    assert says in found[0][1]


def test_no_value_of_a_secret_is_ever_shown(home: Path, script: Script) -> None:
    path = place.secrets_file()
    path.parent.mkdir(parents=True)
    path.write_text("Canary1\nexport flotilla-calendly.token=Canary2\nCanary3 =Canary4\nunknown.name='Canary5'\n")
    done = script("doctor", status=1)
    assert "Line 1" in done.stdout
    assert "Canary1" not in done.stdout + done.stderr
    assert all(f"Canary{n}" not in done.stdout + done.stderr for n in (2, 4, 5))


@pytest.mark.parametrize(
    ("config", "level", "says"),
    [
        (["a"], "problem", "must map servers"),
        ({"flotilla-emial": {}}, "warning", "flotilla-email is meant"),
        ({"email": {}}, "warning", "flotilla-email is meant"),
        ({"flotilla-email": "x"}, "problem", "must hold"),
        ({"flotilla-email": {"sender_nam": "x"}}, "warning", "sender_name is meant"),
        ({"flotilla-filesystem": {"nonsense": "x"}}, "warning", "no setting nonsense"),
        ({"flotilla-email": {"password": "x"}}, "problem", "flotilla-email.password is not used here"),
        ({"flotilla-email": {"smtp_host": "x"}}, "problem", "flotilla-email.smtp_host is not used here"),
        ({"flotilla-email": {"read_only": True}}, "problem", "flotilla-email.read_only is not used here"),
        ({"flotilla-filesystem": {"deny": ["x"]}}, "problem", "flotilla-filesystem.deny is not used here"),
        ({"flotilla-email": {"max_message_mb": "often"}}, "problem", "of type integer"),
        ({"flotilla-email": {"sender_name": True}}, "problem", "of type string"),
    ],
)
def test_every_fault_of_a_settings_file(config: Any, level: str, says: str) -> None:
    found = [(finding.level, finding.says) for finding in doctor.settings_problems(config)]
    assert len(found) == 1, found
    assert found[0][0] == level
    assert says in found[0][1]


def test_a_good_settings_file() -> None:
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
def test_a_guard_that_would_not_count(home: Path, script: Script, secrets: str, config: str, says: str) -> None:
    """doctor names it, and no door is started without it, whichever door that is."""
    place.write(place.secrets_file(), secrets)
    place.write(place.config_file(), config)
    (found,) = doctor.guards()
    assert (found.level, says in found.says) == ("problem", True)
    refused = script("up", status=1)
    assert says in refused.stderr
    assert "Door: starting" not in refused.stdout


def test_no_guard_is_wrong(home: Path) -> None:
    place.write(place.secrets_file(), "flotilla-filesystem.deny=[fs_delete_file]\n")
    assert list(doctor.guards()) == []


def test_a_client_that_knows_another_list(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clients.CLIENTS["cursor"].path()
    place.write(path, json.dumps({"mcpServers": {"flotilla": {"command": "docker", "args": ["--servers", "a,b"]}}}))
    (found,) = doctor.connected()
    assert (found.level, found.mend) == ("warning", "make connect CLIENT=cursor")
    for args in (["--servers", "filesystem"], ["--run", "process"], []):
        place.write(path, json.dumps({"mcpServers": {"flotilla": {"command": "docker", "args": args}}}))
        assert list(doctor.connected()) == []


FEATURES = "Available features:\n\n  oauth-interceptor    disabled\n  dynamic-tools        {}\n   Enable x\n"


@pytest.mark.parametrize(("state", "warned"), [("enabled", True), ("disabled", False)])
def test_dynamic_tools_are_told_of(monkeypatch: pytest.MonkeyPatch, home: Path, state: str, warned: bool) -> None:
    monkeypatch.delenv("FLOTILLA_ENGINE")
    says = {"info": "28", "mcp version": "2.0.1", "mcp feature ls": FEATURES.format(state), "mcp profile ls": "[]"}
    monkeypatch.setattr(machine, "docker", docker_says(says))
    found = [f for f in doctor.gateway() if f.level == "warning"]
    assert bool(found) is warned
    assert all(f.mend == "docker mcp feature disable dynamic-tools" and "mcp-config-set" in f.says for f in found)


def test_a_profile_that_is_older_than_the_catalog(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.delenv("FLOTILLA_ENGINE")

    def found(profile: str, **changed: Any) -> list[str]:
        name, entry = next(iter(fleet.registry().items()))
        kept = {"name": name, **entry, **changed}
        held = [{"id": profile, "servers": [{"snapshot": {"server": kept}}]}]
        answers = {"info": "28", "mcp version": "2", "mcp feature ls": "", "mcp profile ls": json.dumps(held)}
        monkeypatch.setattr(machine, "docker", docker_says(answers))
        return [f.says for f in doctor.gateway() if f.level == "warning"]

    assert found("flotilla") == []
    for changed in ({"image": "flotilla/old:0"}, {"tools": []}, {"secrets": []}):
        assert "keeps an older" in found("flotilla", **changed)[0]
        assert found("my-flotilla-test", **changed) == [], "another profile, whose name holds ours"


def test_all_faults_of_a_machine_at_once(home: Path, script: Script) -> None:
    script("install")
    place.installed_catalog().write_text("old")
    place.secrets_file().chmod(0o644)
    place.config_file().write_text("a: [")
    place.data_folder().parent.mkdir(parents=True)
    place.data_folder().write_text("a file where the folder should be")
    with socket.create_server(("127.0.0.1", int(os.environ["FLOTILLA_PORT"]))):
        found = json.loads(script("doctor", "--json", status=1).stdout)
    bad = {(f["what"], f["level"]): f for f in found if f["level"] in ("problem", "warning")}
    for key in [
        ("catalog", "warning"),
        ("secrets", "warning"),
        ("settings", "problem"),
        ("data", "problem"),
        ("port", "problem"),
    ]:
        assert bad[key]["mend"], key
    assert all(f["mend"] for f in found if f["level"] in ("problem", "warning"))


def test_a_link_in_place_of_the_catalog(home: Path) -> None:
    target = place.installed_catalog()
    target.parent.mkdir(parents=True)
    target.symlink_to(place.CATALOG)
    found = list(doctor.catalog())
    assert any(f.level == "problem" and "link" in f.says and f.mend == "make install" for f in found)


def test_a_name_in_two_servers(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(doctor.rules, "problems", lambda root: ["catalog/flotilla.yaml: b: the tool x is a's too; …"])
    assert any(f.level == "problem" and "the tool x" in f.says for f in doctor.catalog())


def docker_says(answers: dict[str, str]) -> Any:
    return lambda *args, **more: next(
        (says for asked, says in answers.items() if " ".join(args).startswith(asked)), None
    )


def test_an_engine_elsewhere_beside_dockers_gateway(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.delenv("FLOTILLA_ENGINE")
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2376")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/bin/{name}")
    says = {"info --format {{.Server": "28", "info": '["name=rootless"]', "mcp version": "2.0.1", "buildx": "ok"}
    monkeypatch.setattr(machine, "docker", docker_says(says))
    found = {f.level: f for f in doctor.engine()}
    assert "tcp://elsewhere:2376" in found["warning"].says
    assert "FLOTILLA_DOOR=switchboard" in found["warning"].mend
    assert "rootless" in found["note"].says


def test_an_engine_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.delenv("FLOTILLA_ENGINE")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(machine, "docker", docker_says({}))
    (found,) = doctor.engine()
    assert (found.level, bool(found.mend)) == ("problem", True)


def test_missing_images_are_named(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.delenv("FLOTILLA_ENGINE")
    monkeypatch.setattr(machine, "docker", docker_says({"info": "28"}))
    (found,) = doctor.images()
    assert found.level == "problem"
    assert all(slug in found.mend for slug in fleet.registry())


def test_a_door_that_ended_by_itself(home: Path) -> None:
    door.Running(kind="switchboard", run="process", url="http://127.0.0.1:1/mcp", pid=999_999_999, since="1").save()
    (found,) = doctor.running()
    assert (found.level, found.mend) == ("problem", "make up")
