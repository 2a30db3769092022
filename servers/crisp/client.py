"""Crisp and how it is spoken to: settings, authentication by tiers, pages, errors.

https://docs.crisp.chat/references/rest-api/v1/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Unpack

from pydantic import Field, HttpUrl

from flotilla import Api, Basic, Integration, SecretStr, ServerSettings, errors, readable, segment, settings_of
from flotilla.http.client import RequestOptions
from flotilla.http.responses import object_of
from flotilla.pagination import M

_POSITION = re.compile(r"([1-9]\d{0,5})-(\d{1,4})", re.ASCII)


class Settings(ServerSettings):
    """Read from CRISP_IDENTIFIER and the like: a token is a pair of identifier and key, of one tier."""

    identifier: SecretStr = Field(
        description="Identifier of the token, from Crisp > Settings > Workspace Settings > Advanced configuration",
        examples=["13937834-f6ce-4556-ae4f-9e0c54faf038"],
    )
    key: SecretStr = Field(
        description="Key of the token, shown once beside the identifier",
        examples=["eb6c3623245521d7a6c35f5b29f3fa756e893f034ed551d84518961c5ff16dec"],
    )
    website_id: str = Field(
        description="Id of the workspace, from Crisp > Settings > Workspace Settings > Setup instructions",
        examples=["8c842203-7ed8-4e29-a608-7cf78a7d2fcc"],
    )
    token_tier: Literal["website", "plugin", "user"] = Field(
        "website", description="Tier of the token: website for one of the settings, plugin for one of the Marketplace"
    )
    base_url: HttpUrl = Field(HttpUrl("https://api.crisp.chat/v1"), description="Address of the API")


integration = Integration(
    "crisp",
    title="Crisp",
    description="Read and answer Crisp conversations, assign and resolve them, keep people and search the help desk.",
    category="communication",
    tags=["chat", "support", "helpdesk", "conversations"],
    hosts=["api.crisp.chat:443"],
    settings=Settings,
    docs="https://docs.crisp.chat/references/rest-api/v1/",
    instructions="A message that is sent is read by the customer; a note is read by colleagues only.",
)


def error_message(status: int, body: Any) -> str:
    """Return the reason of an error response as words, and Crisp's message about it."""
    if not isinstance(body, Mapping):
        return str(body or "")
    details = body.get("data")
    message = str(details.get("message") or "") if isinstance(details, Mapping) else ""
    return " ".join(part for part in (str(body.get("reason") or "").replace("_", " "), message) if part)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a wrong tier or of too many requests; None for all others."""
    message = errors.quoted(error_message(status, body), 200)
    tier = settings_of(integration).token_tier
    other = "plugin" if tier == "website" else "website"
    if status == 401:
        return errors.AuthenticationError(
            f"Crisp does not accept the token as one of the tier {tier}: {message or 'it gave no reason'}.",
            f"Ask the user to check identifier and key, and whether CRISP_TOKEN_TIER should be {other}.",
        )
    if status == 403:
        return errors.PermissionDeniedError(
            f"Crisp does not allow this to a token of the tier {tier}: {message or 'it gave no reason'}.",
            "Ask the user to check the scopes of the token, the workspace's id and CRISP_TOKEN_TIER.",
        )
    if status == 420 or (status == 429 and "quota" in message.lower()):
        return errors.RateLimitError(
            f"Crisp takes no more requests for now: {message or 'it gave no reason'}.",
            "Nothing was done; try again later, with a plugin's token at the latest tomorrow.",
            again=False,
        )
    return None


api = Api(
    integration, auth=Basic("identifier", "key"), limits=[(10, 1)], error_message=error_message, map_error=map_error
)


async def data(method: str, path: str, **request: Unpack[RequestOptions]) -> Any:
    """Send to a path of the workspace, with the tier; return the answer's `data`, None where there is none.

    Raises the errors' classes; errors.InvalidInputError for a refusal inside of a success.
    """
    settings = settings_of(integration)
    whole = f"/website/{segment(settings.website_id)}{path}"
    options: RequestOptions = {**request, "headers": {"X-Crisp-Tier": settings.token_tier}}
    answer = await api.request(method, whole, **options)
    result = object_of(answer, integration.title)
    if result.get("error") is True:
        message = errors.quoted(error_message(200, result)) or "it gave no reason"
        raise errors.InvalidInputError(f"Crisp refuses this: {message}.", "Correct the arguments and try again.")
    return result.get("data")


async def record(method: str, path: str, **request: Unpack[RequestOptions]) -> dict[str, Any]:
    """Send, and return the object that stands in the answer's `data`; raises errors.UpstreamError without one."""
    return object_of(await data(method, path, **request), integration.title)


async def pages(
    path: str, item: type[M], limit: int, cursor: str | None, params: Mapping[str, Any] | None = None
) -> tuple[list[M], str | None]:
    """Return up to `limit` rows of a list that comes in pages of Crisp's own size, and the cursor of those behind.

    The number of the page is the last part of the path; a cursor is page-row. The list ends with an empty page.
    """
    place = _POSITION.fullmatch(cursor or "1-0")
    if not place:
        raise errors.InvalidInputError("The cursor is not valid.", "Leave it out to start at the first page.")
    number, start = int(place[1]), int(place[2])
    answer = {"data": await data("GET", f"{path}/{number}", params=params)}
    rows = api.rows_in(answer, "data", missing=True)
    following = f"{number}-{start + limit}" if start + limit < len(rows) else f"{number + 1}-0" if rows else None
    return readable(item, rows[start : start + limit]), following
