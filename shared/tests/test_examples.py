"""The example files, used as their first lines say."""

from __future__ import annotations

import re

import yaml

from flotilla_cli.generator.servers import ROOT


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_config_example_settings_can_be_uncommented() -> None:
    example = text("catalog/config.example.yaml")
    assert set(yaml.safe_load(example).values()) == {None}
    one = example.replace('#  sender_name: ""', '  sender_name: "Ventes"')
    assert yaml.safe_load(one)["flotilla-email"] == {"sender_name": "Ventes"}
    every = yaml.safe_load(re.sub(r"(?m)^#  ", "  ", example))
    assert set(every["flotilla-email"]) == {"sender_name", "max_message_mb"}


def test_dotenv_example_values_are_no_comments() -> None:
    """No value of the example begins with a comment."""
    values = dict(re.findall(r"(?m)^([A-Z0-9_]+)=(.*)$", text(".env.example")))
    assert values.pop("FLOTILLA_PORT") == "8811"
    assert values.pop("COMPOSE_PROFILES") == "${FLOTILLA_SERVERS:-all}"
    assert set(values.values()) == {""}, "compose takes `NAME=  # words` for the value `# words`"


def test_bake_release_uses_bases_of_both_architectures() -> None:
    bake = text("docker-bake.hcl")
    assert bake.count('"linux/amd64", "linux/arm64"') == 1
    release = bake.split('target "release" {')[1].split("\n}")[0]
    assert '"_everywhere"' in release
    for kind in ("base", "build"):
        assert f'"target:everywhere-{kind}"' in release
        assert f'target "everywhere-{kind}" {{ inherits = ["{kind}", "_everywhere"] }}' in bake
