"""Webhooks by Zapier: data sent to a Zap's trigger. https://help.zapier.com/hc/en-us/articles/8496288690317"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, choose, errors, settings_of, sliced
from flotilla.settings import missing

from ..client import Settings, hooks_api, integration
from ..models import Hook, Triggered

tools = Toolset("hooks")
LARGEST = 200_000  # characters of the data: Zapier takes 2 MB, and a Zap's steps far less
ACCEPTED = (
    "Zapier took the data. That does not prove that a Zap ran: it answers so too where the Zap is switched off, paused "
    "or gone. Whether it ran, and with which result, stands in the Zap's history at zapier.com."
)


def named_hooks() -> list[tuple[str, str]]:
    """Return the webhooks of the settings, name and path; raises errors.ConfigurationError where there are none."""
    hooks = settings_of(integration).named_hooks
    if not hooks:
        raise missing(Settings, integration.slug, "hooks")
    return sorted(hooks.items())


@tools.reads(search="webhooks zaps automatisations liste déclencheurs quels zaps")
async def list_hooks(limit: Limit = 20, cursor: Cursor = None) -> Page[Hook]:
    """List the webhooks that the operator named in the settings, each of which starts a Zap.

    zapier_trigger_hook takes the name. What a Zap does with the data is known only to its maker: ask the user. Actions
    of Zapier MCP are listed by zapier_list_actions.
    """
    hooks = [Hook(name=name, silent="/silent/" in path) for name, path in named_hooks()]
    return sliced(hooks, limit, cursor)


@tools.writes(
    creates=True,
    additive=False,
    search="déclencher lancer zap webhook automatisation envoyer données start automation",
    examples=["Lance le Zap devis pour Jean Dupont.", "Trigger the lead webhook with this contact."],
)
async def trigger_hook(
    hook: Annotated[str, Field(description="Name of the webhook, from zapier_list_hooks.", examples=["devis"])],
    fields: Annotated[
        dict[str, Any],
        Field(
            min_length=1,
            max_length=100,
            description="Data for the Zap, by field name; lists and objects are possible.",
            examples=[{"nom": "Jean Dupont", "montant": 1250.5}],
        ),
    ],
) -> Triggered:
    """Send data to a Zap by one of the webhooks of the settings. It is sent once, and cannot be called back.

    Take the name from zapier_list_hooks. The answer only says that Zapier took the data: no result of the Zap comes
    back, and none proves that it ran. To run one action and get its result, use zapier_run_action.
    """
    if (size := len(str(fields))) > LARGEST:
        raise errors.InvalidInputError(
            f"The data has {size} characters, more than {LARGEST}.", "Send less, or a link to it."
        )
    name, path = choose(
        hook,
        named_hooks(),
        id=lambda one: one[0],
        name=lambda one: one[0],
        kind="webhook",
        listed_by="zapier_list_hooks",
    )
    answer = await hooks_api.request("POST", path, json=fields)
    body = answer if isinstance(answer, dict) else {}  # a silent webhook answers with nothing
    if (status := body.get("status")) not in (None, "success"):
        raise errors.UpstreamError(
            f"Zapier took the data, but says {errors.quoted(status, 60)}.", "Ask the user to look at the Zap's history."
        )
    number = body.get("request_id") or body.get("id")
    return Triggered(hook=name, request_id=str(number)[:80] if number else None, note=ACCEPTED)
