"""Opening the tenants' database with its keys, for the switchboard and for the operator's commands."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from flotilla_launcher.environment import setting

from .keys import configured_keys
from .store import Store
from .tenants import Tenants
from .vault import Vault


def open_tenants(url: str, environ: Mapping[str, str]) -> tuple[Tenants, Vault]:
    """Return the tenants of a database (see `Store`), and their vault. Raises StoreError and VaultError."""
    store = Store(url)
    return Tenants(store), Vault(store, configured_keys(environ))


def database(state: Path) -> str:
    """Return what FLOTILLA_TENANTS names, else the file in the switchboard's state folder."""
    return setting("FLOTILLA_TENANTS") or str(state / "switchboard" / "tenants.db")


def folders(data: Path, state: Path, tenant_id: str) -> tuple[Path, Path]:
    """Return where the files and the state of one tenant are, in the folders of all."""
    return data / "tenants" / tenant_id, state / "tenants" / tenant_id


def own_variables(tenant_id: str, environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what only the id of a tenant gives its servers, by their slugs: the address of its webhooks.

    WEBHOOKS_PUBLIC_URL is that of the receiver of all tenants (`flotilla-webhooks receive --tenants`).
    """
    receiver = setting("WEBHOOKS_PUBLIC_URL", environ)
    return {"webhooks": {"WEBHOOKS_PUBLIC_URL": f"{receiver.rstrip('/')}/t/{tenant_id}"}} if receiver else {}


def left_folders(data: Path, state: Path, tenant_id: str) -> list[Path]:
    """Return which folders of one tenant are still there after `remove_folders` has failed."""
    places = folders(data, state, tenant_id)
    return [place for folder in places for place in (folder, _removed(folder)) if place.exists()]


def _removed(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.deleted")


def remove_folders(data: Path, state: Path, tenant_id: str) -> None:
    """Delete the files and the state of one tenant.

    Each folder leaves its place at once, so that no program that works there makes a file while it is emptied.
    """
    for folder in folders(data, state, tenant_id):
        removed = _removed(folder)
        with suppress(FileNotFoundError):
            shutil.rmtree(removed)  # of an attempt that failed
        with suppress(FileNotFoundError):
            folder.rename(removed)
            shutil.rmtree(removed)
