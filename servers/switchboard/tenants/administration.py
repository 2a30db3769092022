"""Creating a tenant from a template, and deleting one with its folders: for the operator's commands and the console."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flotilla_launcher.user_files import read_document

from .setup import folders, left_folders, remove_folders
from .tenant import Settings, Tenant, TenantError
from .tenants import Tenants
from .vault import Vault


def template_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of what a new tenant gets: settings.yaml, secrets.env and files/, each of which may be missing.

    A folder that is not there is an empty template.
    """
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "flotilla" / "tenant-template"


def template_settings(template: Path) -> dict[str, Any]:
    """Return the settings of a template. Raises TenantError where they cannot be read."""
    path = template / "settings.yaml"
    try:
        document = read_document(path) if path.exists() else {}
        Settings.of(document)
    except (OSError, ValueError, TenantError) as error:
        problem = str(error).rstrip(".")
        raise TenantError(f"The template's {path} cannot be used: {problem}.", "Correct it, then try again.") from None
    return document


def create(
    tenants: Tenants, vault: Vault, name: str, settings: Mapping[str, Any], template: Path, data: Path, state: Path
) -> tuple[Tenant, str]:
    """Create a tenant with these settings and the template's secrets and files; all of it or nothing.

    `data` and `state` are the folders of all tenants. Returns the tenant and its client's token, which is not kept.
    Raises TenantError, VaultError and StoreError.
    """
    tenant, token = tenants.create(name, Settings.of(settings))
    places = folders(data, state, tenant.id)
    try:
        if (template / "secrets.env").exists():
            vault.import_file(tenant, (template / "secrets.env").read_text(encoding="utf-8"))
        for place in places:
            place.mkdir(parents=True, mode=0o700)
        if (template / "files").is_dir():
            shutil.copytree(template / "files", places[0], dirs_exist_ok=True)
    except Exception as error:
        tenants.delete(tenant)
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
        if isinstance(error, OSError | UnicodeError):
            raise TenantError(f"The template cannot be used: {error}.", "Correct it, then try again.") from None
        raise
    return tenant, token


def delete(tenants: Tenants, tenant: Tenant, data: Path, state: Path) -> None:
    """Delete a tenant: keys, credentials, tokens, files, state and log. Raises TenantError and StoreError.

    `data` and `state` are the folders of all tenants.
    """
    tenants.delete(tenant)
    try:
        remove_folders(data, state, tenant.id)
    except OSError as error:
        places = " and ".join(map(str, left_folders(data, state, tenant.id)))
        problem = f"{tenant.name} is deleted, but not all of its files: {error}."
        raise TenantError(problem, f"Delete {places}.") from None
