"""What the operator writes in WEBHOOKS_SECRETS and WEBHOOKS_ACCOUNTS."""

from __future__ import annotations

import pytest

from flotilla import errors
from flotilla.settings import load, scrub
from flotilla_servers.webhooks.client import ReceiverSettings, Settings
from flotilla_servers.webhooks.endpoints import check_accounts, check_secrets, endpoints_of
from flotilla_servers.webhooks.vendors import VENDORS


def test_endpoints_of_a_text() -> None:
    endpoints = endpoints_of(
        "calendly=one calendly/sales=two\ncalendly/sales=three= whatsapp=app whatsapp:verify=token gohighlevel notion",
        ["calendly/sales=U1", "calendly/sales=U2"],
    )
    assert sorted(endpoints) == [
        ("calendly", "main"),
        ("calendly", "sales"),
        ("gohighlevel", "main"),
        ("notion", "main"),
        ("whatsapp", "main"),
    ]
    sales = endpoints["calendly", "sales"]
    assert (sales.secrets, sales.accounts) == (["two", "three="], {"U1", "U2"})
    assert sales.accepts("U2")
    assert not sales.accepts("U3")
    assert endpoints["whatsapp", "main"].verify_tokens == ["token"]
    assert endpoints["gohighlevel", "main"].secrets == [VENDORS["gohighlevel"].public_key]
    assert endpoints["notion", "main"].secrets == []
    assert scrub("a three= of it") == "a *** of it"


@pytest.mark.parametrize(
    "text",
    [
        "calendly",
        "calendly/main",
        "nobody/main=x",
        "Calendly/main=x",
        "calendly/ma in=x",
        "=x",
        "whatsapp:verify=x",
        "standard=whsec_-",
        "gohighlevel=AAAA",
    ],
)
def test_endpoints_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"secret|vendor"):
        check_secrets(text)


def test_endpoints_refusal_shows_no_secret() -> None:
    with pytest.raises(ValueError, match="entry") as refused:
        check_secrets("calendly/main=ok CANARY-4711")
    assert "CANARY" not in str(refused.value)


def test_accounts_refused() -> None:
    with pytest.raises(ValueError, match="names no account"):
        check_accounts(["calendly/main"])
    with pytest.raises(ValueError, match="calendly/other"):
        endpoints_of("calendly/main=x", ["calendly/other=U1"])


@pytest.mark.parametrize("settings", [Settings, ReceiverSettings])
def test_settings_refuse_a_wrong_entry(settings: type[Settings]) -> None:
    environ = {"WEBHOOKS_SECRETS": "calendli=x", "WEBHOOKS_PUBLIC_URL": "https://hooks.example.com"}
    with pytest.raises(errors.ConfigurationError, match="WEBHOOKS_SECRETS is wrong: there is no vendor `calendli`"):
        load(settings, "webhooks", environ)


def test_settings_of_both_fit_together() -> None:
    """An account of an endpoint that has no secret is a wrong setting, not a surprise at the first request."""
    environ = {"WEBHOOKS_SECRETS": "calendly=x", "WEBHOOKS_PUBLIC_URL": "https://hooks.example.com"}
    with pytest.raises(errors.ConfigurationError, match="calendly/other"):
        load(Settings, "webhooks", environ | {"WEBHOOKS_ACCOUNTS": "calendly/other=U1"})
