"""Slack and how it is spoken to: settings, tokens, limits, and errors inside of successes.

https://docs.slack.dev/apis/web-api/ · https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field, HttpUrl
from pydantic_core import to_json

from flotilla import (
    Api,
    Bearer,
    FirstOf,
    Integration,
    Page,
    SecretStr,
    ServerSettings,
    errors,
    readable,
)
from flotilla.calls.context import current
from flotilla.http.responses import unreadable
from flotilla.settings import remember_secret

from .access import ACCESS, CONSENT, SlackOAuth
from .problems import EXPIRED, UNCLEAR, problem_of, webhook_problem

WEBHOOKS = ("https://hooks.slack.com/services/", "https://hooks.slack-gov.com/services/")
JSON = {"Content-Type": "application/json; charset=utf-8"}  # without the charset Slack warns in every answer
# Requests a minute of each method: https://docs.slack.dev/apis/web-api/rate-limits
TIER_2, TIER_3, TIER_4 = (20, 60), (50, 60), (100, 60)
ONE_A_SECOND = (1, 1)  # of messages, in one channel; Slack bears short bursts
LIMITS = {
    "users.list": TIER_2,
    "users.conversations": TIER_3,
    "users.info": TIER_4,
    "users.lookupByEmail": TIER_3,
    "users.getPresence": TIER_3,
    "users.profile.set": TIER_3,
    "conversations.list": TIER_2,
    "conversations.info": TIER_3,
    "conversations.history": TIER_3,
    "conversations.replies": TIER_3,
    "conversations.members": TIER_4,
    "conversations.open": TIER_3,
    "conversations.join": TIER_3,
    "conversations.invite": TIER_3,
    "conversations.create": TIER_2,
    "conversations.setTopic": TIER_2,
    "conversations.mark": TIER_3,
    "chat.postMessage": ONE_A_SECOND,
    "chat.scheduleMessage": TIER_3,
    "chat.scheduledMessages.list": TIER_3,
    "chat.deleteScheduledMessage": TIER_3,
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "reactions.add": TIER_3,
    "reactions.remove": TIER_2,
    "search.messages": TIER_2,
    "search.files": TIER_2,
    "files.info": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.completeUploadExternal": TIER_4,
    "reminders.add": TIER_2,
    "reminders.list": TIER_2,
    "reminders.complete": TIER_2,
    "reminders.delete": TIER_2,
}
PATH_LIMITS = {f"/{method}": window for method, window in LIMITS.items()}
M = TypeVar("M", bound=BaseModel)


def _webhook(value: SecretStr) -> SecretStr:
    """Refuse an address that is not one of Slack's webhooks; its end alone, T…/B…/…, is taken too."""
    text = value.get_secret_value()
    if "://" in text and not text.startswith(WEBHOOKS):
        raise ValueError("it must begin with https://hooks.slack.com/services/")
    return value


class Settings(ServerSettings):
    """Read from SLACK_TOKEN and the like: a token, OAuth with rotating tokens, or the address of a webhook alone."""

    auth_options = (("token",), ("user_token",), ("refresh_token", "client_id", "client_secret"), ("webhook_url",))

    token: SecretStr = Field(
        description="Bot token (xoxb-…) or user token (xoxp-…), from api.slack.com/apps > app > OAuth & Permissions",
        examples=["xoxb-0000000000-example"],
    )
    user_token: SecretStr = Field(
        description="User token (xoxp-…) beside a bot's, for search, what is unread, status and reminders"
    )
    refresh_token: SecretStr = Field(
        description="Refresh token, where the app rotates its tokens; it needs the next two"
    )
    client_id: SecretStr = Field(description=f"OAuth client, from {CONSENT.register}")
    client_secret: SecretStr = Field(description="Secret of the OAuth client")
    webhook_url: Annotated[SecretStr, AfterValidator(_webhook)] = Field(
        description="Incoming webhook, in place of all tokens: it posts in its own channel, and nothing else"
    )
    identity: Literal["person", "app"] = Field(
        "person", description="Whose token scripts/login gets: person, or app for its bot"
    )
    token_url: HttpUrl = Field(
        HttpUrl("https://slack.com/api/oauth.v2.access"), description="Where tokens are renewed that rotate"
    )
    base_url: HttpUrl = Field(HttpUrl("https://slack.com/api"), description="Address of the API")
    files_url: HttpUrl = Field(HttpUrl("https://files.slack.com"), description="Address of the files")
    hooks_url: HttpUrl = Field(
        HttpUrl("https://hooks.slack.com/services"), description="Address of the incoming webhooks"
    )


integration = Integration(
    "slack",
    title="Slack",
    description="Read and search channels, threads and what is unread in Slack, post, schedule and edit messages, send "
    "and fetch files, find people and channels.",
    category="communication",
    tags=["chat", "messages", "channels", "team", "notifications"],
    hosts=["slack.com:443", "files.slack.com:443", "hooks.slack.com:443"],
    credential_hosts=["files.slack.com:443"],
    settings=Settings,
    files=True,
    consent=CONSENT,
    access=ACCESS,
    docs="https://docs.slack.dev/reference/methods",
    instructions="Channels are written #ventes, people @Marie, by name or by e-mail address; a message by its link or "
    "by the id that reading and searching return. Texts are Markdown.",
)

OAUTH = SlackOAuth(
    "token_url",
    client_auth="client_secret_basic",
    revoked_hint="Ask the user to run `scripts/login {slug}` again.",
)
AUTH = FirstOf(Bearer("token"), OAUTH, Bearer("user_token"))
USER_AUTH = FirstOf(Bearer("user_token"), Bearer("token"), OAUTH)
api = Api(integration, auth=AUTH, path_limits=PATH_LIMITS)
user_api = Api(integration, auth=USER_AUTH, path_limits=PATH_LIMITS)  # for reading, and for what only people have
files_api = Api(integration, auth=AUTH, base_url="files_url", read_timeout=50)
user_files_api = Api(integration, auth=USER_AUTH, base_url="files_url", read_timeout=50)
hooks = Api(integration, base_url="hooks_url", path_limits={}, limits=[ONE_A_SECOND], map_error=webhook_problem)


async def call(
    method: str,
    *,
    reads: bool = False,
    via: Api | None = None,
    json: bool = False,
    tolerated: Sequence[str] = (),
    **arguments: Any,
) -> dict[str, Any]:
    """Call a method of the Web API; returns its answer.

    `reads`: it only asks, and is asked with the user's own token where there is one; `via`: with this Api's in any
    case. `json`: one of the few methods that take JSON. None among the arguments is left out; lists become JSON.
    Slack answers 200 to what it refuses: raises the errors' classes, except for the `tolerated` errors, whose answer
    is returned.
    """
    through = via or (user_api if reads else api)
    earlier = current().side_effect_confirmed
    for attempt in (1, 2):
        used = OAUTH.tokens.token.get("access_token") if _rotates(through) else None
        answer = await _sent(through, method, reads, json, arguments)
        if answer["ok"] is True:
            return answer
        error = str(answer.get("error") or "unknown_error")
        if not reads:
            _not_done(earlier, unclear=error in UNCLEAR)
        if error in tolerated:
            return answer
        if not (used and error in EXPIRED and attempt == 1):
            break
        await OAUTH.access_token(instead_of=used)  # nothing was carried out
    raise problem_of(answer, error, method, current().uncertainty_note() if error in UNCLEAR else "")


def _rotates(through: Api) -> bool:
    return isinstance(through.auth, FirstOf) and through.auth.chosen is OAUTH


async def _sent(through: Api, method: str, reads: bool, json: bool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in arguments.items() if value is not None}
    if json:
        answer = await through.post(f"/{method}", json=values, headers=JSON, reads=reads)
    else:
        form = {n: to_json(v).decode() if isinstance(v, list | dict) else v for n, v in values.items()}
        answer = await through.post(f"/{method}", data=form, reads=reads)
    if not isinstance(answer.get("ok"), bool):
        raise unreadable(integration.title, "answered without `ok`")
    return answer


def _not_done(earlier: bool, *, unclear: bool) -> None:
    """Note that a write whose answer was a success did nothing, or, after an accident at Slack's, perhaps something."""
    running = current()
    running.side_effect_confirmed = running.newer_effect = earlier
    if unclear:
        running.outcome_known = False
    else:
        running.mark_not_sent()


async def pages(
    method: str, at: str, *, most: int = 10, via: Api | None = None, **arguments: Any
) -> list[dict[str, Any]]:
    """Return the rows of a list that comes by cursor, of at most `most` pages."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(most):
        answer = await call(method, reads=True, via=via, cursor=cursor, **arguments)
        rows += api.rows_in(answer, at)
        cursor = cursor_of(answer)
        if not cursor:
            break
    return rows


def cursor_of(answer: Mapping[str, Any]) -> str | None:
    """Return the cursor of the next page; Slack writes an empty text behind the last one."""
    metadata = answer.get("response_metadata")
    return str(metadata.get("next_cursor") or "") or None if isinstance(metadata, Mapping) else None


async def page(method: str, at: str, item: type[M], **arguments: Any) -> Page[M]:
    """Return one page of a list that comes by cursor, as models."""
    answer = await call(method, reads=True, **arguments)
    return Page(items=readable(item, api.rows_in(answer, at)), next_cursor=cursor_of(answer))


def webhook_path(value: str) -> str:
    """Return the secret end of a webhook's address as a path."""
    end = value.split("/services/", 1)[-1].strip("/")
    remember_secret(end)
    if not re.fullmatch(r"[\w-]+(?:/[\w-]+)*", end, re.ASCII):
        raise errors.ConfigurationError(
            "SLACK_WEBHOOK_URL is not the address of a webhook.", "Ask the user to copy it whole from the app's page."
        )
    return f"/{end}"
