"""Who can own records: read once a day, and whose token it is.

https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide
"""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from flotilla import errors, settings_of

from .client import OAUTH, api, integration
from .models import Owner
from .properties import cached

MOST = 500  # owners that HubSpot gives at a time


class Person(Owner):
    """An owner; `user` is the id of the HubSpot user."""

    user: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "user" in raw:  # the latter: one that was kept
            return raw
        name = " ".join(str(raw[part]) for part in ("firstName", "lastName") if raw.get(part))
        return {**raw, "name": name or raw.get("email"), "user": raw.get("userId")}


async def everybody() -> list[Person]:
    """Return all owners, up to 500."""
    rows, _ = await cached("owners", f"/crm/v3/owners/?limit={MOST}", Person)
    return rows


async def mine() -> str:
    """Return the owner id of the person whose token it is; raises errors.NotFoundError where that is nobody.

    Of a private app that is who made it, of OAuth who gave consent.
    https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview
    """
    metadata = api.connection.metadata
    if "me" not in metadata:
        metadata["me"] = await _mine()
    owner: str = metadata["me"]
    return owner


async def _mine() -> str:
    people, settings = await everybody(), settings_of(integration)
    if token := settings.token.get_secret_value():
        path = "/oauth/v2/private-apps/get/access-token-info"
        about = await api.post(path, json={"tokenKey": token}, reads=True)
    else:
        form = {
            "token": await OAUTH.access_token(),
            "token_type_hint": "access_token",
            "client_id": settings.client_id.get_secret_value(),
            "client_secret": settings.client_secret.get_secret_value(),
        }
        about = await api.post("/oauth/v3/token/introspect", data=form, reads=True)
    user = about.get("userId") or about.get("user_id")
    for one in people:
        if user and one.user == str(user):
            return one.id
    raise errors.NotFoundError(
        "The person whose token HubSpot has got owns nothing there, so nobody is meant by `me`.",
        "Pass the e-mail address of an owner.",
    )
