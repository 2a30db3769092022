"""Whose account it is: one of work or school, a personal one, for which Graph offers less, or an app without a user."""

from __future__ import annotations

import re
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Api, Model, UntrustedText, errors, segment, settings_of
from flotilla.settings import missing

from .responses import app_only
from .zones import iana_zone

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
FIELDS = "id,displayName,mail,userPrincipalName"


class Account(Model):
    """The connected account. https://learn.microsoft.com/graph/api/resources/user"""

    id: str
    name: UntrustedText = Field("", alias="displayName")
    mail: str | None = None
    user: str = Field("", alias="userPrincipalName")

    @property
    def kind(self) -> Literal["work", "personal"]:
        """Return which kind of account it is: the ids of organizations' users are GUIDs, those of personal ones not."""
        return "work" if _GUID.fullmatch(self.id) else "personal"

    @property
    def address(self) -> str:
        """The address that it gets mail at."""
        return self.mail or self.user


def owner(api: Api) -> str:
    """Return the path of whoever is worked for: /me, or /users/<address> where the settings name somebody.

    Raises errors.ConfigurationError where the app acts by itself and nobody is named: it has no /me.
    """
    user = str(settings_of(api.integration).user)
    if not user and app_only(api):
        raise missing(api.integration.settings_class, api.integration.slug, "user")
    return f"/users/{segment(user)}" if user else "/me"


async def account(api: Api) -> Account:
    """Return the account that is worked for; asked for once in a process."""
    metadata = api.connection.metadata
    if "account" not in metadata:
        metadata["account"] = Account.model_validate(await api.get(owner(api), params={"$select": FIELDS}))
    known: Account = metadata["account"]
    return known


async def mailbox_zone(api: Api) -> ZoneInfo:
    """Return the time zone of the mailbox, in which local times are read; asked for once in a process.

    It needs the scope MailboxSettings.Read.
    """
    metadata = api.connection.metadata
    if "zone" not in metadata:
        raw = await api.get(f"{owner(api)}/mailboxSettings", params={"$select": "timeZone"})
        metadata["zone"] = iana_zone(raw.get("timeZone"), api.zone)
    known: ZoneInfo = metadata["zone"]
    return known


async def work_only(api: Api, doing: str) -> None:
    """Raise errors.PermissionDeniedError for a personal account; `doing` completes "cannot …": "see others' time"."""
    if not app_only(api) and (await account(api)).kind == "personal":
        raise errors.PermissionDeniedError(
            f"This is a personal Microsoft account, which cannot {doing}: Microsoft offers it to accounts of work "
            "and school only.",
            "Tell the user, or connect an account of an organization.",
        )
