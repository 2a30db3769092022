"""What each page of the operator's console shows. Those of one tenant's calls and tools are of `pages`."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flotilla_launcher.environment import SettingError

from ..tenants.tenant import Settings, Tenant
from . import pages, tenants_form
from .access import ROOT
from .host import MissingError
from .pages import Visit
from .tenants_host import Operator

OF_TENANT = ("settings", "approvals", "tools", "activity")  # the pages of one tenant


def common(operator: Operator, visit: Visit, section: str) -> dict[str, Any]:
    """Return what stands on every page: the name and pages of the tenant that it is about, if there is one."""
    try:
        tenant = operator.tenant(visit) if "tenant" in visit.path else None
    except (MissingError, SettingError):  # the page says so
        tenant = None
    values = {
        "base": f"{ROOT}/tenants/{quote(tenant.id)}" if tenant else ROOT,
        "tenant": tenant,
        "live": tenant is not None,
        "navigation": OF_TENANT if tenant else ("tenants",),
        "waiting": operator.waiting(tenant) if tenant else 0,
    }
    return {**values, **pages.frame(operator.settings, visit, section)}


def tenants(operator: Operator, visit: Visit) -> dict[str, Any]:
    """Every tenant, and a form that creates one."""
    titles, calls = operator.servers(), operator.calls_now()
    return {
        "tenants": [_tenant(operator, tenant, titles, calls.get(tenant.id, 0)) for tenant in operator.tenants.all()],
        "choices": tenants_form.choices(titles, Settings(), visit.form),
    }


def _tenant(operator: Operator, tenant: Tenant, titles: dict[str, str], calls: int) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "name": tenant.name,
        "active": tenant.active,
        "servers": [titles.get(name, name) for name in tenant.settings.servers],
        "waiting": operator.waiting(tenant),
        "calls": calls,
        "last": operator.last_call(tenant),
    }


def settings(operator: Operator, visit: Visit) -> dict[str, Any]:
    """One tenant: its settings, token, connected accounts and credentials, without a value of theirs."""
    tenant, titles = operator.tenant(visit), operator.servers()
    return {
        "settings": tenant.settings,
        "sent": tenants_form.is_sent(visit.form),
        "choices": tenants_form.choices(titles, tenant.settings, visit.form),
        "limits": tenants_form.limits(tenant.settings, visit.text, visit.form),
        "seen": tenants_form.digest(tenant.settings),
        "tokens": operator.tenants.token_times(tenant),
        "accounts": operator.accounts(tenant),
        "asked": visit.form,  # for a link that was refused
        "connectable": operator.connectable(),
        "credentials": operator.vault.listed(tenant),
    }


PAGES: list[tuple[str, str, str, pages.Context]] = [
    ("/", "tenants.html", "tenants", tenants),
    ("/tenants", "tenants.html", "tenants", tenants),
    ("/tenants/{tenant}/settings", "tenant.html", "settings", settings),
]
CALLS: list[tuple[str, str, str, pages.Context]] = [  # beneath /tenants/{tenant}
    ("/approvals", "approvals.html", "approvals", pages.approvals),
    ("/approvals/waiting", "waiting.html", "approvals", pages.approvals),
    ("/tools", "tools.html", "tools", pages.tools),
    ("/tools/{server}", "tools_server.html", "tools", pages.tools_of),
    ("/activity", "activity.html", "activity", pages.activity),
]
