"""A whole release of two servers, against a registry of this run: pushed, signed, verified, pulled and run."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flotilla_cli.release import __main__ as release_command
from flotilla_cli.release import images
from flotilla_cli.release.progress import Release, ReleaseError
from flotilla_launcher.naming import registry_name
from flotilla_launcher.version import VERSION
from tests.docker.conftest import HARDENED, hello, speak
from tests.release.conftest import RUN

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]
SLUGS = ["calendly", "switchboard"]


@pytest.fixture(scope="module")
def released(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release of this checkout as it is: what must not be released is refused in test_refusals.py."""
    folder = tmp_path_factory.mktemp("release")
    release = Release(VERSION, registry, SLUGS, key=str(folder / "cosign.key"), into=folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSIGN_PASSWORD", "")
        patch.setattr(release_command, "check", lambda _: None)
        release.run("cosign", "generate-key-pair", "--output-key-prefix", str(folder / "cosign"))
        assert release_command.perform(release) == 0
    return release


def test_pushed_image_runs_by_its_digest(released: Release) -> None:
    name = released.pinned("calendly")
    subprocess.run(
        ["docker", "run", "--rm", "--pull=always", "--entrypoint=/usr/bin/python3.13", name, "-V"], check=True
    )
    answers = speak(
        ["docker", "run", "-i", "--rm", "--pull=never", "--name", f"{RUN}-pushed", *HARDENED, name],
        *hello(),
        {"id": 1, "method": "tools/list", "params": {}},
    )
    assert answers[1]["result"]["tools"]
    (labels,) = json.loads(
        subprocess.check_output(["docker", "image", "inspect", name, "-f", "[{{json .Config.Labels}}]"])
    )
    assert labels["io.modelcontextprotocol.server.name"] == registry_name("calendly")


def test_every_tag_leads_to_the_signed_image(released: Release) -> None:
    for slug in SLUGS:
        for tag in (VERSION, *images.tags(VERSION)):
            assert images.digest(released, f"{released.registry}/{slug}:{tag}") == released.done[f"push {slug}"]


def attested(release: Release, slug: str, kind: str) -> Any:
    """Return what a verified attestation says."""
    options = [*images.public_options(release), "--type", kind, release.pinned(slug)]
    payload = json.loads(release.read("cosign", "verify-attestation", *options))["payload"]
    return json.loads(base64.b64decode(payload))["predicate"]


def test_bill_of_materials_and_provenance_are_attested(released: Release) -> None:
    names = {one["name"] for one in attested(released, "calendly", "cyclonedx")["components"]}
    assert {"fastmcp", "mcp", "libc6", "python3-cryptography"} <= names
    built = attested(released, "calendly", "slsaprovenance1")["buildDefinition"]
    assert built["resolvedDependencies"][0]["digest"] == {"gitCommit": released.commit}


def test_signature_of_another_key_is_refused(
    released: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    released.run("cosign", "generate-key-pair", "--output-key-prefix", str(tmp_path / "other"))
    with pytest.raises(ReleaseError, match=r"no matching signatures|invalid signature"):
        released.read(
            "cosign", "verify", "--key", str(tmp_path / "other.pub"), "--insecure-ignore-tlog=true",
            released.pinned("calendly"),
        )  # fmt: skip


def test_release_goes_on_where_it_stopped(released: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done twice; only the step that is taken out of the state is done again."""
    monkeypatch.setattr(release_command, "check", lambda _: None)
    state = released.folder / "state.json"
    content = json.loads(state.read_text(encoding="utf-8"))
    del content["done"]["notes"]
    state.write_text(json.dumps(content), encoding="utf-8")
    (released.folder / "NOTES.md").unlink()
    monkeypatch.setenv("PATH", "/nonexistent")  # no docker, cosign or oras: they would be asked again
    monkeypatch.setattr(Release, "commit", content["commit"])
    again = Release(VERSION, released.registry, SLUGS, into=released.into)
    assert release_command.perform(again) == 0
    assert (released.folder / "NOTES.md").is_file()


def test_release_of_another_commit_is_refused(released: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Release, "commit", "0" * 40)
    with pytest.raises(ReleaseError, match="delete the folder"):
        Release(VERSION, released.registry, SLUGS, into=released.into).resume()


def test_version_is_not_released_twice(released: Release) -> None:
    assert images.exists(released, released.image("calendly"))
    assert not images.exists(released, f"{released.registry}/calendly:9.9.9")


def test_catalog_names_images_by_digest(released: Release) -> None:
    catalog = yaml.safe_load((released.folder / "flotilla.yaml").read_text(encoding="utf-8"))["registry"]
    assert {name: entry["image"] for name, entry in catalog.items()} == {
        "flotilla-calendly": released.pinned("calendly")
    }
    fetched = json.loads(released.read("oras", "manifest", "fetch", released.image("catalog")))
    assert fetched["artifactType"] == "application/vnd.docker.mcp.catalog.v1+json"
    (layer,) = fetched["layers"]
    content = json.loads(
        released.read("oras", "blob", "fetch", "--output", "-", f"{released.registry}/catalog@{layer['digest']}")
    )
    assert content["servers"][0]["snapshot"]["server"]["name"] == "flotilla-calendly"


def test_checksums_are_signed_and_right(released: Release) -> None:
    sums = released.folder / "SHA256SUMS"
    key = [*images.public_options(released), "--signature", f"{sums}.sig"]
    released.read("cosign", "verify-blob", *key, str(sums))
    names = {line.split()[1] for line in sums.read_text(encoding="utf-8").splitlines()}
    assert {"switchboard.mcpb", "files.mcpb", "flotilla.yaml", "install", f"flotilla-{VERSION}.tar.gz"} <= names
    for name in ("install", f"flotilla-{VERSION}.tar.gz"):
        (line,) = [line for line in sums.read_text(encoding="utf-8").splitlines() if line.endswith(f"  {name}")]
        assert line.split()[0] == hashlib.sha256((released.folder / name).read_bytes()).hexdigest()
    assert len([name for name in names if name.endswith(".whl")]) == 2


def test_server_json_names_what_was_pushed(released: Release) -> None:
    files = released.folder / "mcp-registry"
    image = json.loads((files / "calendly" / "server.json").read_text(encoding="utf-8"))["packages"][0]
    assert image["identifier"].endswith(released.done["push calendly"])
    bundle = json.loads((files / "switchboard" / "server.json").read_text(encoding="utf-8"))["packages"][1]
    assert bundle["fileSha256"] == released.done["packages"]["switchboard.mcpb"]


def test_bundle_unpacked_and_run(released: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the packages of this environment in place of those that uv would install."""
    shutil.unpack_archive(released.folder / "files.mcpb", tmp_path, "zip")
    config = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["server"]["mcp_config"]
    assert config["command"] == "uv"
    arguments = config["args"][config["args"].index("main.py") + 1 :]
    wheels = sorted((tmp_path / "wheels").iterdir())
    assert [path.name.split("-")[0] for path in wheels] == ["flotilla_fleet", "flotilla_mcp"]
    for path in wheels:
        shutil.unpack_archive(path, tmp_path / "site", "zip")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in config["env"]:
        monkeypatch.setenv(name, str(tmp_path / "data"))
    monkeypatch.setenv("FLOTILLA_PERMISSIONS", "off")  # nobody is here to be asked
    write = {"name": "fs_write_file", "arguments": {"path": "é.txt", "content": "œuf"}}
    answers = speak(
        [sys.executable, str(tmp_path / "main.py"), *arguments],
        *hello(),
        {"id": 1, "method": "tools/list", "params": {}},
        {"id": 2, "method": "tools/call", "params": write},
    )
    assert {tool["name"].split("_")[0] for tool in answers[1]["result"]["tools"]} == {"fs", "export", "note"}
    assert not answers[2]["result"].get("isError"), answers[2]
    assert (tmp_path / "data" / "é.txt").read_text(encoding="utf-8") == "œuf"
