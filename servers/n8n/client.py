"""n8n and how it is spoken to: settings, the public API, the webhooks, errors. https://docs.n8n.io/api/"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any

import httpx2 as httpx
from pydantic import AnyUrl, Field, HttpUrl, UrlConstraints

from flotilla import Api, ByCursor, HeaderKey, Integration, SecretStr, ServerSettings, errors
from flotilla.http.auth import Auth

VERSION = "/api/v1"
HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"  # a token of RFC 9110
WebAddress = Annotated[AnyUrl, UrlConstraints(allowed_schemes=["https", "http"], host_required=True)]


class Settings(ServerSettings):
    """Read from N8N_BASE_URL, N8N_API_KEY and, where webhooks want it, N8N_WEBHOOK_SECRET and the like."""

    base_url: HttpUrl = Field(
        description="Address of n8n, as its users open it, with the folder where it stands in one",
        examples=["https://atelier.app.n8n.cloud"],
    )
    api_key: SecretStr = Field(
        description="API key, from n8n > Settings > n8n API > Create an API key", examples=["eyJhbGciOiJIUzI1NiIs"]
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="Value of the header that webhooks with authentication want; none is sent without it"
    )
    webhook_header: str = Field(
        "Authorization", pattern=HEADER_NAME, description="Name of the header that webhooks with authentication want"
    )
    webhook_url: WebAddress | None = Field(
        None, description="Address of the webhooks, where n8n's own WEBHOOK_URL is not the address of n8n"
    )

    @property
    def home(self) -> str:
        """Where n8n stands, without a slash at the end."""
        return str(self.base_url).rstrip("/").removesuffix(VERSION)

    @property
    def api_url(self) -> str:
        """Where the public API stands."""
        return self.home + VERSION

    @property
    def hooks_url(self) -> str:
        """Where the webhooks stand, without a slash at the end."""
        return str(self.webhook_url).rstrip("/") if self.webhook_url else self.home


class WebhookHeader(Auth):
    """The header that the operator set for webhooks; none where there is no value for it."""

    @property
    def header(self) -> str:  # type: ignore[override]
        """The header's name."""
        return self.value("webhook_header")

    def fields(self) -> Sequence[str]:
        """Return name and value."""
        return ("webhook_header", "webhook_secret")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the header where it is set, and send the request."""
        if secret := self.value("webhook_secret"):
            request.headers[self.header] = secret
        yield request


integration = Integration(
    "n8n",
    title="N8n",  # as the registry wants it: with a capital letter
    description="Start n8n workflows by their webhooks, see which executions failed and why, retry them, and manage "
    "workflows, tags, variables and projects.",
    category="productivity",
    tags=["automation", "workflows", "webhooks", "executions"],
    network=True,  # the only host is that of the instance, which the settings name
    settings=Settings,
    docs="https://docs.n8n.io/api/",
    instructions="The API cannot run a workflow: n8n_trigger_webhook starts one that has a Webhook node. Workflows go "
    "by name. n8n_get_execution says why one failed.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error response, with its hint or description."""
    if not isinstance(body, dict):
        return str(body or "")
    texts = dict.fromkeys(str(body.get(name) or "").strip() for name in ("message", "description", "hint"))
    return " ".join(text for text in texts if text)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a licence, of an old version or of a state, which the status alone does not tell."""
    plain = error_message(status, body)
    message, lower = errors.quoted(plain), plain.lower()
    if status in (402, 403) and ("license" in lower or "licence" in lower or "feat:" in lower or "plan" in lower):
        return errors.PermissionDeniedError(
            f"This n8n's licence does not include this: {message}.", "Tell the user; other arguments will not help."
        )
    if status == 403:
        return errors.PermissionDeniedError(
            f"n8n does not allow this{': ' + message if message else ''}.",
            "Ask the user for an API key with the scope that it needs, made by an owner or admin.",
        )
    if status == 405 or (status == 404 and plain == "not found"):  # a thing that is not there is "Not Found"
        return errors.UpstreamError(
            f"This version of n8n does not offer this ({message or 'method not allowed'}).",
            "Tell the user: a newer n8n may have it.",
        )
    if status == 409:
        return errors.InvalidInputError(f"n8n refuses this in its present state: {message}.", "Look at it first.")
    if status == 400 and "cursor" in lower:
        return errors.InvalidInputError("The cursor is not valid.", "Leave it out to start at the first page.")
    if status == 404 and re.search(r"with the ID \"", plain):
        return errors.NotFoundError(f"n8n does not have this: {message}.", "Check the id, or list first.")
    return None


api = Api(
    integration,
    auth=HeaderKey("api_key", header="X-N8N-API-KEY"),
    base_url="api_url",
    paging=ByCursor("data", "nextCursor"),
    error_message=error_message,
    map_error=map_error,
)


class FailedWorkflowError(errors.UpstreamError):
    """The workflow that a webhook started has run, and failed."""


def map_webhook_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a webhook's answer: which one n8n does not know, which header it wants, what failed."""
    message = errors.quoted(error_message(status, body))
    if status == 404 and "not registered" in message:
        return errors.NotFoundError(
            f"n8n does not know this webhook: {message}.",
            "For a production webhook activate the workflow (n8n_activate_workflow) and check path and method "
            "(n8n_get_workflow); for a test one, ask the user to press «Listen for test event» in the editor, which "
            "lasts for one call.",
        )
    if status == 500 and "Error in workflow" in message:
        return FailedWorkflowError(
            "The workflow was started, and failed.",
            "n8n_list_executions with status=error shows the execution, and n8n_get_execution says why.",
        )
    if status in (401, 403):
        return errors.AuthenticationError(
            f"The webhook wants other credentials{': ' + message if message else ''}; nothing was started.",
            "Ask the operator to set N8N_WEBHOOK_HEADER and N8N_WEBHOOK_SECRET as the Webhook node's credential has "
            "them.",
        )
    return None


webhooks = Api(
    integration,
    auth=WebhookHeader(),
    base_url="hooks_url",
    error_message=error_message,
    map_error=map_webhook_error,
    read_timeout=50,  # a webhook that answers when its last node has ended may take its time
)
