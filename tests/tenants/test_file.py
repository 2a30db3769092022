"""What stands in compose/compose.tenants.yaml; test_stack.py runs it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from flotilla_cli.generator.configuration import configuration_page
from flotilla_cli.generator.servers import server_of
from flotilla_cli.generator.tenants import CREATE_ROLE, OF_THE_OPERATOR, compose_tenants

TEXT = compose_tenants({"webhooks": server_of("webhooks")})
SERVICES = yaml.safe_load(TEXT)["services"]


def test_tenants_file_opens_no_other_port() -> None:
    for name, service in SERVICES.items():
        assert all(
            re.match(r"\$\{FLOTILLA_BIND:-127\.0\.0\.1\}:|127\.0\.0\.1:", p) for p in service.get("ports", ())
        ), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
    assert "ports" not in SERVICES["database"]
    assert SERVICES["database"]["networks"] == ["database"]
    assert yaml.safe_load(TEXT)["networks"]["database"] == {"internal": True}


def test_tenants_file_holds_no_secret() -> None:
    """Each comes from .env, and the stack does not start without those that it needs."""
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY", name):
                assert re.fullmatch(r"\$\{[A-Z_]+(:-|:\?.*)\}", value), name
    needed = set(re.findall(r"\$\{([A-Z_]+):\?", TEXT))
    assert needed == {"FLOTILLA_DATABASE_PASSWORD", "FLOTILLA_STATE_KEY"}
    assert "PASSWORD :'password'" in CREATE_ROLE


def test_tenants_file_takes_what_its_guide_names() -> None:
    """All of the operator's variables in docs/tenants.md, but those of a switchboard without Docker."""
    guide = (Path(__file__).parents[2] / "docs/tenants.md").read_text(encoding="utf-8")
    elsewhere = {"CALL_CREDENTIALS", "HTTP_TOKEN", "READ_ONLY", "REMOTE_TOKEN", "TENANTS_FILE", "TENANT_KEY_FILE"}
    named = set(re.findall(r"FLOTILLA_[A-Z_]*[A-Z]", guide)) - {f"FLOTILLA_{name}" for name in elsewhere}
    assert sorted(name for name in named if name not in TEXT) == []
    assert {"FLOTILLA_CONSOLE", "FLOTILLA_CONSOLE_TOKEN"} <= SERVICES["switchboard"]["environment"].keys()


def test_tenants_file_variables_are_documented() -> None:
    page = configuration_page({"webhooks": server_of("webhooks")})
    used = set(re.findall(r"\$\{([A-Z0-9_]+)", TEXT)) - set(OF_THE_OPERATOR)  # which stand in docs/tenants.md
    assert sorted(name for name in used if f"`{name}`" not in page) == []


def test_tenants_file_has_one_receiver_for_all() -> None:
    """It has the vault's key, and no tenant's setting: those are in the vault."""
    receiver = SERVICES["webhooks-receive"]
    assert "/fleet:" in receiver["image"]
    assert receiver["volumes"] == ["flotilla-tenants-state:/state"]
    for name in ("FLOTILLA_TENANTS", "FLOTILLA_TENANT_KEY", "PGPASSWORD", "WEBHOOKS_PUBLIC_URL"):
        assert receiver["environment"][name] == SERVICES["switchboard"]["environment"][name], name
    assert not receiver["environment"].keys() & {"WEBHOOKS_SECRETS", "WEBHOOKS_FORWARD_SECRET", "FLOTILLA_STATE_KEY"}
