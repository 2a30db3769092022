"""What a program beside the switchboard sees of the tenants: the receiver of webhooks, for all of them."""

import shutil
from pathlib import Path

import pytest

from flotilla_servers.switchboard.tenants import administration
from flotilla_servers.switchboard.tenants.gateways import account_of
from flotilla_servers.switchboard.tenants.keys import VaultError
from flotilla_servers.switchboard.tenants.server_tenants import ServerTenants
from flotilla_servers.switchboard.tenants.setup import folders, open_tenants, remove_folders
from flotilla_servers.switchboard.tenants.tenant import Settings, TenantError
from flotilla_servers.switchboard.tenants.tenants import Tenants
from flotilla_servers.switchboard.tenants.vault import Vault

ENVIRON = {
    "FLOTILLA_TENANT_KEY": "0123456789abcdef" * 4,
    "FLOTILLA_STATE": "/srv/state",
    "WEBHOOKS_PUBLIC_URL": "https://hooks.example.com/",
}
SECRETS = ("flotilla-webhooks", "secrets")


@pytest.fixture
def opened(database: str) -> tuple[Tenants, Vault]:
    return open_tenants(database, ENVIRON)


@pytest.fixture
def webhooks(database: str) -> ServerTenants:
    return ServerTenants(database, "webhooks", ["secrets", "keep_days"], ENVIRON)


def test_server_tenants_are_those_that_have_the_server(opened: tuple[Tenants, Vault], webhooks: ServerTenants) -> None:
    tenants, _ = opened
    servers = {"acme": ("hubspot", "webhooks"), "named": ("flotilla-webhooks",), "open": (), "whole": ("all",)}
    for name, enabled in {**servers, "without": ("hubspot",), "suspended": ("webhooks",)}.items():
        tenants.create(name, Settings(servers=enabled))
    tenants.suspend(tenants.named("suspended"))
    assert sorted(tenant.name for tenant in webhooks.served().values()) == sorted(servers)


def test_server_tenants_variables(opened: tuple[Tenants, Vault], webhooks: ServerTenants) -> None:
    """Its settings, its own address and folder; no file that a credential could name, and nothing else."""
    tenants, vault = opened
    acme, _ = tenants.create("acme", Settings())
    values = {"secrets": "slack/main=x", "public_url": "https://elsewhere.example", "secrets_file": "/etc/passwd"}
    vault.put(acme, {("flotilla-webhooks", name): value for name, value in values.items()})
    assert webhooks.variables(acme) == {
        "WEBHOOKS_SECRETS": "slack/main=x",
        "WEBHOOKS_PUBLIC_URL": f"https://hooks.example.com/t/{acme.id}",
        "FLOTILLA_STATE": f"/srv/state/tenants/{acme.id}",
    }


def test_server_tenants_open_the_credentials_of_that_server_alone(
    opened: tuple[Tenants, Vault], webhooks: ServerTenants
) -> None:
    """One that does not open, of another server, is never tried."""
    tenants, vault = opened
    acme, _ = tenants.create("acme", Settings())
    vault.put(acme, {SECRETS: "slack/main=x", ("flotilla-hubspot", "token"): "canary"})
    with tenants.store.of(acme, write=True) as transaction:
        transaction.run("UPDATE credential SET sealed = :new WHERE server = 'flotilla-hubspot'", new=b"\0" * 40)
    with pytest.raises(VaultError):
        vault.all(acme)
    assert webhooks.variables(acme)["WEBHOOKS_SECRETS"] == "slack/main=x"


def test_account_of_a_tenant_has_the_address_of_its_webhooks(
    opened: tuple[Tenants, Vault], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a receiver for all tenants the tenant's own setting counts."""
    tenants, vault = opened
    acme, _ = tenants.create("acme", Settings(tiers={"webhooks": "all"}))
    monkeypatch.delenv("WEBHOOKS_PUBLIC_URL", raising=False)
    assert account_of(acme, vault).variables == {"webhooks": {"FLOTILLA_TIER": "all"}}
    monkeypatch.setenv("WEBHOOKS_PUBLIC_URL", "https://hooks.example.com")
    address = f"https://hooks.example.com/t/{acme.id}"
    assert account_of(acme, vault).variables == {"webhooks": {"FLOTILLA_TIER": "all", "WEBHOOKS_PUBLIC_URL": address}}


def test_removed_folders_leave_their_place_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that works in one meanwhile makes no file there, which would keep the folder."""
    places = folders(tmp_path / "data", tmp_path / "state", "acme-1")
    for place in places:
        (place / "webhooks").mkdir(parents=True)
    remove = shutil.rmtree

    def removing(path: Path) -> None:
        assert path not in places
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", removing)
    remove_folders(tmp_path / "data", tmp_path / "state", "acme-1")
    assert [list(place.parent.iterdir()) for place in places] == [[], []]
    remove_folders(tmp_path / "data", tmp_path / "state", "acme-1")  # nothing is left to be removed


def test_removed_folders_after_an_attempt_that_failed(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names what is left, and the next attempt removes it."""
    tenants, vault = open_tenants(database, ENVIRON)
    roots = tmp_path / "data", tmp_path / "state"
    acme, _ = administration.create(tenants, vault, "acme", {}, tmp_path / "template", *roots)
    remove = shutil.rmtree

    def fail(path: Path) -> None:
        if path.exists() and path.parent == roots[1] / "tenants":
            raise PermissionError(13, "Permission denied", str(path))
        remove(path)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", fail)
        with pytest.raises(TenantError) as problem:
            administration.delete(tenants, acme, *roots)
    assert problem.value.hint == f"Delete {roots[1] / 'tenants' / acme.id}.deleted."
    remove_folders(*roots, acme.id)
    assert [list((root / "tenants").iterdir()) for root in roots] == [[], []]
