"""Webhooks: which there are, what is sent, and what the answer proves."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.zapier.client import read_hooks
from flotilla_servers.zapier.server import server
from flotilla_servers.zapier.tests.fake import HOOKS, TOKEN, FakeHooks
from flotilla_testing import Response, Tool, call, environment, text_of

SECRETS = ("b7c2xyz", "c8d3abc")


async def test_list_hooks_shows_names_and_no_address(tool: Tool) -> None:
    page = await tool("list_hooks")
    assert page == {"items": [{"name": "Relance clients", "silent": True}, {"name": "devis", "silent": False}]}


async def test_trigger_hook(hooks: FakeHooks, tool: Tool, asked: list[str]) -> None:
    fields = {"nom": "Zoé Lefèvre", "montant": 1250.5, "lignes": [{"ref": "A1", "prix": "12,50 €"}]}
    done = await tool("trigger_hook", hook="DEVIS", fields=fields)
    assert hooks.received == [("b7c2xyz", fields)]
    assert hooks.vendor.requests[-1].path == "/hooks/catch/123456/b7c2xyz/"
    assert done["accepted"] is True
    assert done["request_id"] == "01J-1"
    assert "That does not prove that a Zap ran" in done["note"]
    assert asked == []  # the operator named the webhook for this


async def test_trigger_hook_silent_one_answers_nothing(hooks: FakeHooks, tool: Tool) -> None:
    done = await tool("trigger_hook", hook="relance clients", fields={"id": 7})
    assert hooks.received == [("c8d3abc", {"id": 7})]
    assert "request_id" not in done


async def test_trigger_hook_unknown_name_lists_names(hooks: FakeHooks, problem: Tool) -> None:
    message = await problem("trigger_hook", hook="facture", fields={"id": 7})
    assert message == "Error: There is no webhook `facture`. There are: Relance clients, devis."
    assert hooks.received == []


async def test_trigger_hook_with_idempotency_key_is_sent_once(hooks: FakeHooks, tool: Tool) -> None:
    arguments = {"hook": "devis", "fields": {"id": 7}, "idempotency_key": "k1"}
    assert await tool("trigger_hook", **arguments) == await tool("trigger_hook", **arguments)
    assert len(hooks.received) == 1


async def test_trigger_hook_dry_run_shows_no_secret(hooks: FakeHooks, tool: Tool) -> None:
    shown = await tool("trigger_hook", hook="devis", fields={"id": 7}, dry_run=True)
    assert shown["dry_run"]["body"] == {"id": 7}
    assert not any(secret in str(shown) for secret in SECRETS)
    assert hooks.received == []


async def test_trigger_hook_failure_is_not_repeated_and_shows_no_secret(hooks: FakeHooks, problem: Tool) -> None:
    hooks.refuse.append(Response.of({"message": "no"}, 500))
    message = await problem("trigger_hook", hook="devis", fields={"id": 7})
    assert "It may or may not have been done: look before you repeat it." in message
    assert not any(secret in message for secret in SECRETS)
    assert len(hooks.writes) == 1


async def test_trigger_hook_that_is_gone(hooks: FakeHooks, problem: Tool) -> None:
    hooks.refuse.append(Response.of({"message": "gone"}, 410))
    message = await problem("trigger_hook", hook="devis", fields={"id": 7})
    assert "Ask the operator to copy the address of the Zap's trigger into ZAPIER_HOOKS anew" in message


async def test_trigger_hook_other_status_in_a_success_is_an_error(hooks: FakeHooks, problem: Tool) -> None:
    hooks.refuse.append(Response.of({"status": "ignored"}))
    message = await problem("trigger_hook", hook="devis", fields={"id": 7})
    assert 'Zapier took the data, but says "ignored".' in message


async def test_trigger_hook_too_much_data(hooks: FakeHooks, problem: Tool) -> None:
    assert "more than 200000" in await problem("trigger_hook", hook="devis", fields={"text": "x" * 200_001})
    assert "`fields`" in await problem("trigger_hook", hook="devis", fields={})
    assert hooks.received == []


async def test_hooks_alone_say_what_actions_need(settings: dict[str, str]) -> None:
    with environment(server, **{**settings, "ZAPIER_MCP_TOKEN": ""}):
        assert not (await call(server, "zapier_list_hooks")).is_error
        result = await call(server, "zapier_list_actions")
    assert result.is_error
    assert "ZAPIER_MCP_TOKEN is not set" in text_of(result)
    assert "mcp.zapier.com" in text_of(result)


async def test_token_alone_says_what_webhooks_need(settings: dict[str, str]) -> None:
    with environment(server, **{**settings, "ZAPIER_HOOKS": ""}):
        assert not (await call(server, "zapier_list_actions")).is_error
        for name, arguments in (("list_hooks", {}), ("trigger_hook", {"hook": "devis", "fields": {"a": 1}})):
            result = await call(server, f"zapier_{name}", **arguments)
            assert result.is_error
            assert "ZAPIER_HOOKS is not set" in text_of(result)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (f"a={HOOKS}/1/x", {"a": "/hooks/catch/1/x/"}),
        (
            f"a={HOOKS}/1/x/ ,\n b c = {HOOKS}/2/y/silent/",
            {"a": "/hooks/catch/1/x/", "b c": "/hooks/catch/2/y/silent/"},
        ),
        (f"old={HOOKS}/abcdef/", {"old": "/hooks/catch/abcdef/"}),
    ],
)
def test_read_hooks(text: str, paths: dict[str, str]) -> None:
    assert read_hooks(text) == paths


@pytest.mark.parametrize(
    "wrong",
    [
        "s3cr3t",
        "a=https://evil.example/hooks/catch/1/s3cr3t/",
        "a=https://hooks.zapier.com.evil.example/hooks/catch/1/s3cr3t/",
        "a=http://hooks.zapier.com/hooks/catch/1/s3cr3t/",
        f"a={HOOKS}/1/s3cr3t/../../x",
        f"a={HOOKS}/1/s3cr3t/?x=1",
        f"a={HOOKS}/1/s3cr3t/, A={HOOKS}/2/s3cr3t/",
        ", ,",
    ],
)
async def test_hooks_setting_wrong_shows_nothing_of_an_address(settings: dict[str, Any], wrong: str) -> None:
    with environment(server, **{**settings, "ZAPIER_HOOKS": wrong}):
        result = await call(server, "zapier_list_hooks")
    assert result.is_error
    assert "ZAPIER_HOOKS" in text_of(result)
    assert "s3cr3t" not in text_of(result)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://nla.zapier.com/api/v1", "NLA and AI Actions were withdrawn"),
        ("https://actions.zapier.com/api/v1/exposed/", "NLA and AI Actions were withdrawn"),
        ("https://mcp.zapier.example/api/v1/connect", "it must be at mcp.zapier.com"),
        ("https://mcp.zapier.com/api/mcp/s/s3cr3t/mcp", "which belongs into ZAPIER_MCP_TOKEN"),
    ],
)
async def test_mcp_url_checked(url: str, message: str) -> None:
    with environment(server, ZAPIER_MCP_TOKEN=TOKEN, ZAPIER_MCP_URL=url):
        result = await call(server, "zapier_list_actions")
    assert "ZAPIER_MCP_URL is wrong" in text_of(result)
    assert message in text_of(result)
    assert "s3cr3t" not in text_of(result)
