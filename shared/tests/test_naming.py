"""The names that others see are written once: no other file has a registry or a catalog name of its own."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from flotilla_cli.generator.servers import ROOT, slugs
from flotilla_launcher.naming import GATEWAY_IMAGE, REGISTRY, catalog_name, image, module_of, slug_of
from flotilla_launcher.version import VERSION

NAMES = "|".join(["base", "build", "<slug>", r"\$\{?slug", r"\{slug", *slugs()])
# `flotilla/base` as an image, not the folder of the library nor the repository on GitHub
BARE = re.compile(rf"(?<![\w./~-])flotilla/({NAMES})(?![\w/.-])")


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_image_names_have_a_registry() -> None:
    """Docker takes a bare flotilla/base for docker.io/flotilla/base, a namespace that is not ours."""
    bare = [
        f"{path.relative_to(ROOT)}: {result[0]}"
        for path in committed()
        if path != Path(__file__) and (result := BARE.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert [line for line in bare if not line.startswith("shared/tests/test_rules.py")] == []


def test_image_names_without_registry_are_detected() -> None:
    for text in ("FROM flotilla/base", "docker run flotilla/filesystem:1", '"flotilla/{slug}"', "${X}flotilla/base:1"):
        assert BARE.search(text), text
    for text in (
        "src/flotilla/base.py",
        "github.com/flotilla-mcp/flotilla/base",
        ".flotilla/email",
        "flotilla/boot.py",
    ):
        assert not BARE.search(text), text


def test_registry_is_written_once() -> None:
    """What is generated has it from there, and so have the scripts; prose says where images come from."""
    own = [path for path in committed() if path.suffix in (".py", ".hcl", ".Dockerfile", ".sh", "") and path.is_file()]
    generated = "Written by `make generate`"
    result = {
        str(path.relative_to(ROOT))
        for path in own
        if REGISTRY in (text := path.read_text(encoding="utf-8", errors="replace")) and generated not in text
    }
    assert result == {"shared/src/flotilla_launcher/naming.py"}


def test_catalog_bake_and_compose_share_the_names() -> None:
    catalog = json.loads((ROOT / "catalog/flotilla.json").read_text(encoding="utf-8"))["registry"]
    for name, entry in catalog.items():
        assert name == catalog_name(slug_of(name)) != slug_of(name)
        assert entry["image"] == image(slug_of(name))
        assert {secret["name"].partition(".")[0] for secret in entry.get("secrets", ())} <= {name}
        assert {config["name"] for config in entry.get("config", ())} <= {name}
        assert {v for v in (e["value"] for e in entry.get("env", ())) if not v.startswith(f"{{{{{name}.")} == set()
    bake = (ROOT / "docker-bake.hcl").read_text(encoding="utf-8")
    assert f'variable "REGISTRY" {{ default = "{REGISTRY}" }}' in bake
    for slug in slugs():
        assert f'"${{REGISTRY}}/{slug}:${{VERSION}}"' in bake
    for stack in ("compose.yaml", "compose.switchboard.yaml"):
        services = yaml.safe_load((ROOT / "compose" / stack).read_text(encoding="utf-8"))["services"]
        for slug, service in services.items():
            server = slug.removesuffix("-receive")  # a second program of a server's image
            own = image(server, f"${{FLOTILLA_VERSION:-{VERSION}}}")
            assert service["image"] in (own, f"${{FLOTILLA_GATEWAY_IMAGE:-{GATEWAY_IMAGE}}}")


def test_gateway_image_has_a_tag() -> None:
    """Without one, what runs with the engine's socket would be whatever was pushed last."""
    assert re.fullmatch(r"docker/mcp-gateway:v\d+", GATEWAY_IMAGE)


def test_single_server_never_pulls_its_image() -> None:
    """The image was built here; one that is missing is an error, not a download that gets the user's secrets."""
    form = json.loads((ROOT / "catalog/clients/single-server.json").read_text(encoding="utf-8"))
    for server in form["mcpServers"].values():
        arguments = server["args"]
        assert arguments[arguments.index("--pull") + 1] == "never"
        assert arguments[-1] in (image("filesystem"), image("export"))
    for path in ("README.md", *(f"servers/{module_of(slug)}/README.md" for slug in slugs()), "docs/connecting.md"):
        for line in re.findall(r"`docker run [^`]*`", (ROOT / path).read_text(encoding="utf-8")):
            assert "--pull never" in line, path


def test_image_has_the_version() -> None:
    assert image("filesystem") == f"{REGISTRY}/filesystem:{VERSION}"
    assert image("base", "latest") == f"{REGISTRY}/base:latest"


@pytest.mark.parametrize("name", ["notion", "flotilla-notion"])
def test_slug_of_and_catalog_name(name: str) -> None:
    assert slug_of(name) == "notion"
    assert catalog_name(slug_of(name)) == "flotilla-notion"
