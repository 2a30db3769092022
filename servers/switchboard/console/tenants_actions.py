"""What the forms of the operator's console do. Those about one tenant's calls and tools are of `actions`."""

from __future__ import annotations

from typing import Any

from ..tenants import administration
from ..tenants.links import HOURS
from ..tenants.tenant import Settings, place_of
from . import actions, tenants_form, tenants_pages
from .actions import Action, Answer
from .pages import RefusedError, Visit
from .tenants_host import Operator


def create(operator: Operator, visit: Visit) -> Answer:
    """Create a tenant; what the form leaves empty comes from the template. Its client's token is shown this once."""
    name = visit.form.get("name", "").strip()
    if not name:
        raise RefusedError(visit.text("incomplete"))
    asked = {
        key: value for key, value in tenants_form.read(visit.form, visit.text, operator.servers()).items() if value
    }
    settings = {**administration.template_settings(operator.template), **asked}
    tenant, token = administration.create(
        operator.tenants, operator.vault, name, settings, operator.template, operator.data, operator.state
    )
    return Answer("tenant_token.html", {"name": tenant.name, "id": tenant.id, "token": token, "created": True})


def save(operator: Operator, visit: Visit) -> str:
    """Change the settings that the person saw."""
    tenant = operator.tenant(visit)
    known = {item.slug for item in tenants_form.choices(operator.servers(), tenant.settings, {})}
    asked = tenants_form.read(visit.form, visit.text, known)
    if not {"locale", "timezone"} <= asked.keys() or asked["limits"].keys() != set(tenants_form.LIMITS):
        raise RefusedError(visit.text("incomplete"))

    def asked_of(settings: Settings) -> dict[str, Any]:
        if visit.form.get("seen") != tenants_form.digest(settings):
            visit.form = {}  # so that the page shows what has changed
            raise RefusedError(visit.text("changed_meanwhile"))
        return asked

    operator.tenants.change(tenant, asked_of)
    return "tenant_saved"


def suspend(operator: Operator, visit: Visit) -> str:
    """Refuse its clients from now on."""
    operator.tenants.suspend(operator.tenant(visit))
    return "tenant_suspended"


def resume(operator: Operator, visit: Visit) -> str:
    """Serve its clients again."""
    operator.tenants.resume(operator.tenant(visit))
    return "tenant_resumed"


def rotate_token(operator: Operator, visit: Visit) -> Answer:
    """Make a new token, and show it this once; not twice, where the form is sent twice."""
    tenant = operator.tenant(visit)
    if visit.form.get("made") != str(max(operator.tenants.token_times(tenant), default="")):
        raise RefusedError(visit.text("changed_meanwhile"))
    token = operator.tenants.rotate_token(tenant, visit.form.get("keep_old") == "true")
    return Answer("tenant_token.html", {"name": tenant.name, "id": tenant.id, "token": token, "created": False})


def link(operator: Operator, visit: Visit) -> Answer:
    """Make a one-time link by which the customer connects an account; it is shown this once."""
    tenant, server = operator.tenant(visit), visit.form.get("server", "")
    if (title := operator.connectable().get(server)) is None:
        raise RefusedError(visit.text("incomplete"))
    account = visit.form.get("account", "").strip().lower()
    made = operator.link(tenant, place_of(server, account or None), visit.origin)
    title = f"{title} ({account})" if account else title
    return Answer("tenant_link.html", {"id": tenant.id, "title": title, "link": made, "hours": HOURS})


def delete(operator: Operator, visit: Visit) -> str:
    """Delete a tenant for good, after its name was typed."""
    tenant = operator.tenant(visit)
    if visit.form.get("name", "").strip() != tenant.name:
        raise RefusedError(visit.text("name_not_typed", name=tenant.name))
    administration.delete(operator.tenants, tenant, operator.data, operator.state)
    return "tenant_deleted"


TENANTS, SETTINGS = ("tenants.html", tenants_pages.tenants), ("tenant.html", tenants_pages.settings)
OF_TENANT = "/tenants/{tenant}/settings"
ACTIONS = {
    "/tenants": Action(create, "tenants", TENANTS, "/tenants"),
    OF_TENANT: Action(save, "settings", SETTINGS, OF_TENANT),
    "/tenants/{tenant}/suspend": Action(suspend, "settings", SETTINGS, OF_TENANT),
    "/tenants/{tenant}/resume": Action(resume, "settings", SETTINGS, OF_TENANT),
    "/tenants/{tenant}/token": Action(rotate_token, "settings", SETTINGS, OF_TENANT),
    "/tenants/{tenant}/link": Action(link, "settings", SETTINGS, OF_TENANT),
    "/tenants/{tenant}/delete": Action(delete, "settings", SETTINGS, "/tenants"),
}
ON_CALLS = ("/approvals/{approval}", "/tools/{server}/decide", "/tools/{server}/accept")  # beneath /tenants/{tenant}
CALLS = {path: actions.ACTIONS[path] for path in ON_CALLS}
