"""Microsoft Teams: who the vendor is and how it is spoken to.

https://learn.microsoft.com/graph/api/resources/teams-api-overview
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import When, errors
from flotilla.calls.context import current
from flotilla_servers._microsoft import (
    Account,
    MicrosoftSettings,
    account,
    app_only,
    graph,
    mailbox_zone,
    microsoft_integration,
    work_only,
)

CHATS, CHAT_WRITE = ["Chat.Read", "Chat.ReadWrite"], ["Chat.ReadWrite"]
TEAMS = "Team.ReadBasic.All Channel.ReadBasic.All"
CHANNELS = [f"{TEAMS} ChannelMessage.Read.All MailboxSettings.Read"]
PEOPLE = "User.ReadBasic.All"
SETTINGS = "MailboxSettings.Read"  # the mailbox's time zone


class Settings(MicrosoftSettings):
    """Read from TEAMS_REFRESH_TOKEN and the like."""


integration = microsoft_integration(
    "teams",
    Settings,
    prefix="teams",
    title="Microsoft Teams",
    description="Read and write in chats and channels of Microsoft Teams, find people and see whether they are there, "
    "create meetings.",
    category="communication",
    tags=["chat", "messages", "meetings", "microsoft", "teams"],
    docs="https://learn.microsoft.com/graph/api/resources/teams-api-overview",
    instructions="People, chats, teams and channels go by their names (@Marie, #ventes) or ids. A message is read "
    "at once by those whom it is sent to.",
)
api = graph(integration, limits=((20, 1),))  # of messages in chats, for all of an organization


async def me() -> Account:
    """Return the account that is worked for; raises errors.PermissionDeniedError for a personal one."""
    await work_only(api, "use Teams through Microsoft Graph")
    return await account(api)


def users_only(doing: str) -> None:
    """Raise errors.PermissionDeniedError where the app acts by itself; `doing` completes "lets only users …"."""
    if app_only(api):
        raise errors.PermissionDeniedError(
            f"Here the app acts by itself, without a user, and Microsoft lets only users {doing}.",
            "Ask the user to connect an account by consent: `scripts/login teams`.",
        )


async def zone_for(*times: When | None) -> ZoneInfo:
    """Return the zone in which times are read: that of the mailbox, which only a local time or a day needs."""
    return await mailbox_zone(api) if any(one and (one.is_local or one.is_day) for one in times) else api.zone


async def sent(request: Awaitable[dict[str, Any]], look: str) -> dict[str, Any]:
    """Await the sending of a message; where nobody knows whether it was sent, the error says how to look."""
    outcome: dict[str, Any] | BaseException = (await asyncio.gather(request, return_exceptions=True))[0]
    if isinstance(outcome, errors.UpstreamError) and current().may_have_side_effects:
        outcome.hint = f"Look with {look} whether it was sent before you send it again."
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
