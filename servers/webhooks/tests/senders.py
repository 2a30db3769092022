"""Requests as each vendor sends them, signed as its documentation says: written apart from the code that is tested."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

PUBLIC = "https://hooks.example.com"
ACCOUNT = "pusher@atelier.iam.gserviceaccount.com"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GHL_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
GOOGLE_KEY = RSAKey.generate_key(2048, {"kid": "google-1", "use": "sig", "alg": "RS256"})
GOOGLE_KEYS = KeySet([GOOGLE_KEY])


async def google() -> KeySet:
    """Return the pretended keys of Google."""
    return GOOGLE_KEYS


@dataclass(frozen=True)
class Sent:
    """One request: where to, with which headers and body."""

    vendor: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    query: str = ""

    @property
    def path(self) -> str:
        """The path with its query."""
        return f"/hooks/{self.vendor}/main" + (f"?{self.query}" if self.query else "")

    def flipped(self) -> Sent:
        """Return it with one bit of the body changed."""
        return replace(self, body=self.body[:-2] + bytes([self.body[-2] ^ 1]) + self.body[-1:])


def _hmac(secret: str | bytes, message: bytes, name: str = "sha256") -> bytes:
    return hmac.new(secret.encode() if isinstance(secret, str) else secret, message, name).digest()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()


def calcom(secret: str, now: float, name: str = "Émile") -> Sent:
    body = _json(
        {
            "triggerEvent": "BOOKING_CREATED",
            "createdAt": "2026-11-29T10:00:00Z",
            "payload": {"uid": "b1", "title": name, "organizer": {"email": "moi@exemple.fr"}},
        }
    )
    return Sent("calcom", {"X-Cal-Signature-256": _hmac(secret, body).hex()}, body)


def calendly(secret: str, now: float, name: str = "Émile", account: str = "https://api.calendly.com/users/U1") -> Sent:
    body = _json(
        {
            "event": "invitee.created",
            "created_at": "2026-11-29T10:00:00.000000Z",
            "created_by": account,
            "payload": {"name": name, "email": "emile@exemple.fr", "uri": f"https://api.calendly.com/invitees/{name}"},
        }
    )
    signature = _hmac(secret, f"{int(now)}.".encode() + body).hex()
    return Sent("calendly", {"Calendly-Webhook-Signature": f"t={int(now)},v1={signature}"}, body)


def crisp(secret: str, now: float) -> Sent:
    body, stamp = _json({"website_id": "w1", "event": "message:send", "timestamp": int(now * 1000)}), int(now * 1000)
    signature = _hmac(secret, f"[{stamp};".encode() + body + b"]").hex()
    return Sent("crisp", {"X-Crisp-Signature": signature, "X-Crisp-Request-Timestamp": str(stamp)}, body)


def freshdesk(secret: str, now: float) -> Sent:
    return Sent("freshdesk", {"Authorization": "Basic " + _b64(secret.encode())}, _json({"ticket_id": 5}))


def gmail(secret: str, now: float, **claims: Any) -> Sent:
    content = {
        "iss": "https://accounts.google.com",
        "aud": f"{PUBLIC}/hooks/gmail/main",
        "email": secret,
        "email_verified": True,
        "iat": int(now),
        "exp": int(now) + 3600,
        **claims,
    }
    token = jwt.encode({"alg": "RS256", "kid": "google-1"}, content, GOOGLE_KEY)
    data = _b64(_json({"emailAddress": "moi@exemple.fr", "historyId": 9876}))
    message = {"data": data, "messageId": "2070443601311540", "publishTime": "2026-11-29T10:00:00.5Z"}
    body = _json({"message": message, "subscription": "projects/p/subscriptions/gmail"})
    return Sent("gmail", {"Authorization": f"Bearer {token}"}, body)


def gohighlevel(secret: str, now: float) -> Sent:
    stamp = "2026-11-29T10:00:00.000Z"
    body = _json({"type": "ContactCreate", "locationId": "L1", "webhookId": "w-1", "timestamp": stamp})
    key = Ed25519PrivateKey.generate() if secret == "wrong" else GHL_KEY
    return Sent("gohighlevel", {"X-GHL-Signature": _b64(key.sign(body))}, body)


def google_channel(secret: str, now: float) -> Sent:
    headers = {"X-Goog-Channel-ID": "c1", "X-Goog-Message-Number": "7", "X-Goog-Resource-State": "exists"}
    return Sent("google", {**headers, "X-Goog-Resource-ID": "r1", "X-Goog-Channel-Token": secret})


def graph(secret: str, now: float) -> Sent:
    def one(resource: str) -> dict[str, Any]:
        return {"subscriptionId": "s1", "clientState": secret, "changeType": "updated", "resource": resource}

    return Sent("graph", {}, _json({"value": [one("me/messages/1"), one("me/messages/2")]}))


def hubspot(secret: str, now: float, attempt: int = 0) -> Sent:
    event = {"subscriptionType": "contact.creation", "objectId": 1, "portalId": 62515, "occurredAt": 1764410400000}
    body = _json([{**event, "eventId": number, "attemptNumber": attempt} for number in (100, 101)])
    stamp, url = str(int(now * 1000)), f"{PUBLIC}/hooks/hubspot/main?to=a:b"
    signature = _b64(_hmac(secret, f"POST{url}".encode() + body + stamp.encode()))
    headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}
    v1 = {"X-HubSpot-Signature": hashlib.sha256(secret.encode() + body).hexdigest()}
    return Sent("hubspot", {**headers, **v1, "X-HubSpot-Signature-Version": "v1"}, body, "to=a%3Ab")


def intercom(secret: str, now: float) -> Sent:
    body = _json({"type": "notification_event", "id": "notif_1", "topic": "contact.created", "app_id": "a1"})
    return Sent("intercom", {"X-Hub-Signature": "sha1=" + _hmac(secret, body, "sha1").hex()}, body)


def klaviyo(secret: str, now: float) -> Sent:
    topic, stamp = "event:klaviyo.opened_email", "Tue, 14 Apr 2026 03:50:12 GMT"
    events = [{"external_id": f"e{n}", "topic": topic, "payload": {"data": {"id": f"e{n}"}}} for n in (1, 2)]
    body = _json({"data": events, "meta": {"klaviyo_account_id": "K1"}})
    signature = _hmac(secret, body + stamp.encode()).hex()
    return Sent("klaviyo", {"Klaviyo-Signature": signature, "Klaviyo-Timestamp": stamp}, body)


def notion(secret: str, now: float) -> Sent:
    body = _json({"id": "n-1", "type": "page.created", "workspace_id": "ws", "timestamp": "2026-11-29T10:00:00Z"})
    return Sent("notion", {"X-Notion-Signature": "sha256=" + _hmac(secret, body).hex()}, body)


def pipedrive(secret: str, now: float) -> Sent:
    meta = {"id": "m-1", "webhook_id": "77", "action": "change", "entity": "deal", "company_id": "12"}
    return Sent("pipedrive", {"Authorization": "Basic " + _b64(secret.encode())}, _json({"meta": meta, "data": {}}))


def shopify(secret: str, now: float, webhook: str = "b54557e4") -> Sent:
    body = _json({"id": 1, "total_price": "12,50 €"})
    headers = {"X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": "atelier.myshopify.com"}
    headers |= {"X-Shopify-Webhook-Id": webhook, "X-Shopify-Triggered-At": "2026-11-29T10:00:00.123456789Z"}
    return Sent("shopify", {**headers, "X-Shopify-Hmac-Sha256": _b64(_hmac(secret, body))}, body)


def slack(secret: str, now: float, **content: Any) -> Sent:
    event = {"token": "legacy-token-of-slack", "team_id": "T1", "event_id": "Ev1", "event_time": 1764410400}
    body = _json({**event, "type": "event_callback", "event": {"type": "app_mention"}, **content})
    signature = "v0=" + _hmac(secret, f"v0:{int(now)}:".encode() + body).hex()
    return Sent("slack", {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": str(int(now))}, body)


def standard(secret: str, now: float) -> Sent:
    body, key = _json({"type": "invoice.paid", "data": {}}), base64.b64decode(secret.removeprefix("whsec_") + "==")
    signature = _b64(_hmac(key, f"msg_1.{int(now)}.".encode() + body))
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now))}
    return Sent("standard", {**headers, "webhook-signature": f"v1a,x v1,{signature}"}, body)


def stripe(secret: str, now: float) -> Sent:
    body = _json({"id": "evt_1", "type": "charge.succeeded", "created": 1764410400})
    signature = _hmac(secret, f"{int(now)}.".encode() + body).hex()
    return Sent("stripe", {"Stripe-Signature": f"t={int(now)},v1={signature},v0=00"}, body)


def token(secret: str, now: float) -> Sent:
    return Sent("token", {"Authorization": f"Bearer {secret}"}, _json({"type": "form", "name": "Émile"}))


def twilio(secret: str, now: float) -> Sent:
    fields = {"MessageSid": "SM1", "SmsStatus": "delivered", "AccountSid": "AC1", "Body": "Ça va ? 12,50 €"}
    url = f"{PUBLIC}/hooks/twilio/main" + "".join(name + fields[name] for name in sorted(fields))
    headers = {"X-Twilio-Signature": _b64(_hmac(secret, url.encode(), "sha1"))}
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    return Sent("twilio", {**headers, **form, "I-Twilio-Idempotency-Token": "i-1"}, urlencode(fields).encode())


def whatsapp(secret: str, now: float) -> Sent:
    value = {"metadata": {"phone_number_id": "P1"}, "messages": [{"id": "wamid.1", "timestamp": "1764410400"}]}
    status = {"metadata": {"phone_number_id": "P1"}, "statuses": [{"id": "wamid.0", "status": "read"}]}
    changes = [{"field": "messages", "value": value}, {"field": "messages", "value": status}]
    body = _json({"object": "whatsapp_business_account", "entry": [{"id": "E1", "changes": changes}]})
    return Sent("whatsapp", {"X-Hub-Signature-256": "sha256=" + _hmac(secret, body).hex()}, body)


def woocommerce(secret: str, now: float) -> Sent:
    body = _json({"id": 1, "date_modified_gmt": "2026-11-29T10:00:00"})
    headers = {"X-WC-Webhook-Topic": "order.created", "X-WC-Webhook-Source": "https://boutique.fr/"}
    headers |= {"X-WC-Webhook-Delivery-ID": "d1", "X-WC-Webhook-Signature": _b64(_hmac(secret, body))}
    return Sent("woocommerce", headers, body)


def zendesk(secret: str, now: float) -> Sent:
    body, stamp = (
        _json({"type": "zen:event-type:ticket.created"}),
        f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ}",
    )
    headers = {"X-Zendesk-Webhook-Signature-Timestamp": stamp, "X-Zendesk-Webhook-Invocation-Id": "01H"}
    signature = _b64(_hmac(secret, stamp.encode() + body))
    return Sent("zendesk", {**headers, "X-Zendesk-Account-Id": "9", "X-Zendesk-Webhook-Signature": signature}, body)


def zoho(secret: str, now: float) -> Sent:
    return Sent("zoho", {}, _json({"module": "Leads", "operation": "insert", "token": secret, "channel_id": "1"}))


SENDERS: dict[str, Callable[..., Sent]] = {
    **{fn.__name__: fn for fn in (calcom, calendly, crisp, freshdesk, gmail, gohighlevel, graph, hubspot, intercom)},
    **{fn.__name__: fn for fn in (klaviyo, notion, pipedrive, shopify, slack, standard, stripe, token, twilio)},
    **{fn.__name__: fn for fn in (whatsapp, woocommerce, zendesk, zoho)},
    "google": google_channel,
}
# Vendors that send a secret in place of a signature: a changed body is not noticed.
UNSIGNED_BODY = {"freshdesk", "gmail", "google", "graph", "pipedrive", "token", "zoho"}
TIMED = {"calendly", "crisp", "hubspot", "slack", "standard", "stripe", "zendesk"}
PUBLIC_KEY = _b64(GHL_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def secret_of(vendor: str) -> str:
    """Return the secret with which a vendor's requests are to be signed."""
    return {"gmail": ACCOUNT, "standard": WHSEC, "gohighlevel": PUBLIC_KEY}.get(vendor, f"canary-secret-{vendor}-4711")


def wrong_secret_of(vendor: str) -> str:
    """Return another secret."""
    return {"gmail": "other@evil.example", "standard": "whsec_" + "A" * 32, "gohighlevel": "wrong"}.get(vendor, "wrong")


def sent(vendor: str, secret: str = "", now: float | None = None, **more: Any) -> Sent:
    """Return a request of a vendor, signed with its secret and now unless said otherwise."""
    return SENDERS[vendor](secret or secret_of(vendor), time.time() if now is None else now, **more)
