"""Every vendor's verification: published examples, a changed byte, a skewed clock, a wrong secret, no secret."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

import pytest

from flotilla_servers.webhooks.schemes import FORM, MOST_SIGNATURES, Incoming, RefusedError, Signature
from flotilla_servers.webhooks.tests.senders import (
    ACCOUNT,
    PUBLIC,
    SENDERS,
    TIMED,
    UNSIGNED_BODY,
    Sent,
    google,
    secret_of,
    sent,
    wrong_secret_of,
)
from flotilla_servers.webhooks.vendors import VENDORS

NOW = 1_764_410_400.0


async def check(request: Sent, *secrets: str, now: float = NOW, url: str = "") -> None:
    """Hold a request against its vendor's verification."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    incoming = Incoming("POST", url or PUBLIC + request.path, headers, request.body)
    await VENDORS[request.vendor].verification.check(incoming, secrets or [secret_of(request.vendor)], now, google)


def test_senders_cover_every_vendor() -> None:
    assert set(SENDERS) == set(VENDORS)
    with_time = {
        slug for slug, one in VENDORS.items() if isinstance(one.verification, Signature) and one.verification.timestamp
    }
    assert with_time - TIMED == {"klaviyo"}


@pytest.mark.parametrize("vendor", sorted(SENDERS))
class TestEveryVendor:
    async def test_check_right(self, vendor: str) -> None:
        await check(sent(vendor, now=NOW))

    async def test_check_one_of_two_secrets_during_rotation(self, vendor: str) -> None:
        other = secret_of("gohighlevel") if vendor == "gohighlevel" else "whsec_" + "B" * 32
        await check(sent(vendor, now=NOW), other, secret_of(vendor))

    async def test_check_wrong_secret(self, vendor: str) -> None:
        with pytest.raises(RefusedError, match=r"match|account"):
            await check(sent(vendor, wrong_secret_of(vendor), NOW))

    async def test_check_no_headers_at_all(self, vendor: str) -> None:
        request = sent(vendor, now=NOW)
        body = b"{}" if vendor in ("graph", "zoho") else request.body
        with pytest.raises(RefusedError, match="missing"):
            await check(replace(request, headers={}, body=body))

    async def test_check_empty_secret_list_refuses(self, vendor: str) -> None:
        request = sent(vendor, now=NOW)
        headers = {name.lower(): value for name, value in request.headers.items()}
        incoming = Incoming("POST", PUBLIC + request.path, headers, request.body)
        with pytest.raises(RefusedError):
            await VENDORS[vendor].verification.check(incoming, [], NOW, google)


@pytest.mark.parametrize("vendor", sorted(set(SENDERS) - UNSIGNED_BODY))
async def test_signature_flipped_byte(vendor: str) -> None:
    with pytest.raises(RefusedError, match="does not"):
        await check(sent(vendor, now=NOW).flipped())


@pytest.mark.parametrize("vendor", sorted(TIMED | {"gmail"}))
@pytest.mark.parametrize("skew", [-7200, 7200])
async def test_signature_skewed_clock(vendor: str, skew: float) -> None:
    with pytest.raises(RefusedError, match="clock"):
        await check(sent(vendor, now=NOW), now=NOW + skew)


@pytest.mark.parametrize("vendor", sorted(TIMED))
async def test_signature_time_is_signed(vendor: str) -> None:
    """An old delivery with a fresh time in its headers is refused."""
    old, fresh = sent(vendor, now=NOW - 7200), sent(vendor, now=NOW)
    scheme = VENDORS[vendor].verification
    assert isinstance(scheme, Signature)
    if scheme.field:
        signature = old.headers[scheme.header].partition(",")[2]
        headers: Mapping[str, str] = {scheme.header: f"t={int(NOW)},{signature}"}
    else:
        headers = {**old.headers, scheme.timestamp: fresh.headers[scheme.timestamp]}
    with pytest.raises(RefusedError, match="does not match"):
        await check(replace(old, headers=headers))


@pytest.mark.parametrize("stamp", ["", "soon", "-1", "９９", "1e400", "99999999999999999999", "9" * 400])
async def test_signature_time_that_cannot_be_read(stamp: str) -> None:
    request = sent("slack", now=NOW)
    with pytest.raises(RefusedError, match=r"time|clock"):
        await check(replace(request, headers={**request.headers, "X-Slack-Request-Timestamp": stamp}))


@pytest.mark.parametrize("signature", ["é", "sha256=", "\udc80", "=" * 70_000])
async def test_signature_that_is_no_signature(signature: str) -> None:
    with pytest.raises(RefusedError):
        await check(replace(sent("whatsapp", now=NOW), headers={"X-Hub-Signature-256": signature}))


async def test_signature_among_many_costs_one_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many signatures a stranger sends, the body is read once for each secret."""
    request, signed, sign = sent("standard", now=NOW), list[str](), Signature.sign

    def counted(self: Signature, secret: str, message: bytes) -> str:
        signed.append(secret)
        return sign(self, secret, message)

    monkeypatch.setattr(Signature, "sign", counted)

    async def check_after(others: int) -> None:
        signatures = " ".join(["v1,AAAA"] * others + [request.headers["webhook-signature"].split()[-1]])
        await check(replace(request, headers={**request.headers, "webhook-signature": signatures}))

    await check_after(MOST_SIGNATURES - 1)
    assert signed == [secret_of("standard")]
    with pytest.raises(RefusedError, match="does not match"):
        await check_after(MOST_SIGNATURES)
    assert len(signed) == 2


@pytest.mark.parametrize("place", [0, 1])
async def test_signature_of_each_secret_during_rotation(place: int) -> None:
    """https://docs.stripe.com/webhooks/signature: one v1 for each secret that is active."""
    pairs = sent("stripe", now=NOW).headers["Stripe-Signature"].split(",")
    pairs.insert(1 + place, f"v1={'0' * 64}")
    await check(replace(sent("stripe", now=NOW), headers={"Stripe-Signature": ",".join(pairs)}))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://elsewhere.example/hooks/gmail/main"},
        {"iss": "https://evil.example"},
        {"email_verified": False},
        {"email": "other@evil.example"},
        {"exp": None},
    ],
)
async def test_google_token_with_another_claim(claims: dict[str, object]) -> None:
    with pytest.raises(RefusedError):
        await check(sent("gmail", ACCOUNT, NOW, **claims))


async def test_google_token_without_a_signature() -> None:
    """A token that says `alg: none` is refused."""
    head = b64encode(b'{"alg":"none"}').decode().rstrip("=")
    body = sent("gmail", now=NOW).headers["Authorization"].split(".")[1]
    with pytest.raises(RefusedError, match="not signed"):
        await check(replace(sent("gmail", now=NOW), headers={"Authorization": f"Bearer {head}.{body}."}))


async def test_hubspot_older_signature_alone() -> None:
    """Versions 1 and 2 sign no time, and HubSpot sends them beside version 3: without that one all is refused."""
    request = sent("hubspot", now=NOW)
    older = {name: value for name, value in request.headers.items() if "v3" not in name}
    with pytest.raises(RefusedError, match="header X-HubSpot-Signature-v3 is missing"):
        await check(replace(request, headers=older))


async def test_graph_each_item_needs_the_secret() -> None:
    request = sent("graph", now=NOW)
    with pytest.raises(RefusedError, match="does not match"):
        await check(replace(request, body=request.body.replace(secret_of("graph").encode(), b"x", 1)))


# -- examples that were published -----------------------------------------------------------------------------------


async def test_slack_published_example() -> None:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": "1531420618", "Content-Type": FORM}
    await check(Sent("slack", headers, body), "8f742231b10e8888abcd99yyyzzz85a5", now=1_531_420_700)


@pytest.mark.parametrize("port", ["", ":443"])
async def test_twilio_published_example(port: str) -> None:
    """https://www.twilio.com/docs/usage/security#validating-requests, whichever way the port is written."""
    body = b"Digits=1234&To=%2B18005551212&From=%2B14158675310&Caller=%2B14158675310&CallSid=CA1234567890ABCDE"
    headers = {"X-Twilio-Signature": "GvWf1cFY/Q7PnoempGyD5oXAezc=", "Content-Type": FORM}
    url = f"https://mycompany.com{port}/myapp.php?foo=1&bar=2"
    await check(Sent("twilio", headers, body), "12345", url=url)


async def test_twilio_json_is_signed_by_its_digest() -> None:
    """https://www.twilio.com/docs/usage/webhooks/webhooks-security: a JSON body's digest is a part of the address."""
    body = b'{"specversion":"1.0","id":"EZ1"}'
    url = f"{PUBLIC}/hooks/twilio/main?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"X-Twilio-Signature": b64encode(hmac.digest(b"12345", url.encode(), "sha1")).decode()}
    await check(Sent("twilio", headers, body), "12345", url=url)
    with pytest.raises(RefusedError, match="not the one that was signed"):
        await check(Sent("twilio", headers, body + b" "), "12345", url=url)
    with pytest.raises(RefusedError, match="not the one that was signed"):
        await check(Sent("twilio", headers, body), "12345", url=f"{PUBLIC}/hooks/twilio/main?bodySHA256=%C3%A9")


async def test_standard_webhooks_published_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks, libraries/python/tests/test_webhooks.py"""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    request = Sent("standard", headers, b'{"test": 2432232314}')
    await check(request, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", now=1_614_265_330)


async def test_hmac_sha256_published_example() -> None:
    """RFC 4231, test case 2, which all vendors that sign the body alone stand on."""
    signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    body = b"what do ya want for nothing?"
    await check(Sent("calcom", {"X-Cal-Signature-256": signature}, body), "Jefe")
    await check(Sent("whatsapp", {"X-Hub-Signature-256": f"sha256={signature}"}, body), "Jefe")
    await check(Sent("notion", {"X-Notion-Signature": f"sha256={signature}"}, body), "Jefe")
    encoded = b64encode(bytes.fromhex(signature)).decode()
    await check(Sent("shopify", {"X-Shopify-Hmac-Sha256": encoded}, body), "Jefe")
    await check(Sent("woocommerce", {"X-WC-Webhook-Signature": encoded}, body), "Jefe")


async def test_hmac_sha1_published_example() -> None:
    """RFC 2202, test case 2, which Intercom's signature stands on."""
    headers = {"X-Hub-Signature": "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"}
    await check(Sent("intercom", headers, b"what do ya want for nothing?"), "Jefe")


async def test_ed25519_published_example() -> None:
    """RFC 8032, section 7.1, test 2, which HighLevel's signature stands on."""
    public = "302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    headers = {"X-GHL-Signature": b64encode(bytes.fromhex(signature)).decode()}
    await check(Sent("gohighlevel", headers, b"\x72"), b64encode(bytes.fromhex(public)).decode())
    with pytest.raises(RefusedError):
        await check(Sent("gohighlevel", headers, b"\x73"), b64encode(bytes.fromhex(public)).decode())
