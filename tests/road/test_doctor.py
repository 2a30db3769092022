"""What the doctor finds, on a machine on which everything that can be broken is."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from road import doctor, door, fleet, machine, place

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
        ({"flotilla-email": {"smtp_hosst": "x"}}, "warning", "smtp_host is meant"),
        ({"flotilla-email": {"password": "x"}}, "warning", "no setting password"),
        ({"flotilla-email": {"smtp_port": "often"}}, "problem", "of type integer"),
        ({"flotilla-email": {"read_only": "yes"}}, "problem", "of type boolean"),
        ({"flotilla-email": {"smtp_host": True}}, "problem", "of type string"),
    ],
)
def test_every_fault_of_a_settings_file(config: Any, level: str, says: str) -> None:
    found = [(finding.level, finding.says) for finding in doctor.settings_problems(config)]
    assert len(found) == 1, found
    assert found[0][0] == level
    assert says in found[0][1]


def test_a_good_settings_file() -> None:
    settings = {"flotilla-email": {"smtp_host": "x", "smtp_port": 25}, "flotilla-filesystem": None}
    assert list(doctor.settings_problems(settings)) == []


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
