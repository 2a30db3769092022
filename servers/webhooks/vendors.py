"""What each vendor's webhooks look like, as data: how they are signed, and where ids, kinds, times and accounts stand.

Each `docs` is the page of the vendor that says so. Places are written as `paths` explains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .schemes import GoogleToken, SharedSecret, Signature, Verification


@dataclass(frozen=True)
class Challenge:
    """What a vendor sends to see whether an address is ours, and how it is answered.

    `echo` answers with the value of this parameter of the address, `field` with that of a field of the body (which is
    verified first). `token` is the parameter that must hold the endpoint's verify token. `keep` is the field
    of a secret that the vendor makes up and sends: it waits on the page until the operator has looked at it. `ping` is
    a form that holds this field alone and is not signed: it is answered, and nothing is stored.
    """

    method: Literal["GET", "POST"] = "POST"
    echo: str = ""
    token: str = ""
    field: str = ""
    keep: str = ""
    ping: str = ""


@dataclass(frozen=True)
class Vendor:
    """One vendor.

    `secret` says what the secret is, and `setup` where the address is entered. `items` is the list whose parts are the
    events, `embedded` a field that holds JSON in base64, `dropped` are fields that hold a secret and are not stored.
    Where there is no id, events are compared by their content; `signals`: the content only says that something
    changed, so that one which equals an acknowledged event is new. `answer` is the body of the 2xx, with its type.
    """

    slug: str
    title: str
    docs: str
    verification: Verification
    secret: str
    setup: str
    id: str = ""
    kind: str = ""
    time: str = ""
    account: str = ""
    items: str = ""
    embedded: str = ""
    dropped: tuple[str, ...] = ()
    signals: bool = False
    challenge: Challenge | None = None
    answer: tuple[str, str] = ("application/json", '{"ok":true}')

    @property
    def public_key(self) -> str:
        """The key that the vendor publishes, where no secret is needed."""
        return self.verification.public_key if isinstance(self.verification, Signature) else ""


_VENDORS = [
    Vendor(
        "calcom",
        "Cal.com",
        docs="https://cal.com/docs/core-features/webhooks",
        verification=Signature("X-Cal-Signature-256"),
        secret="the secret that you enter with the webhook",
        setup="Settings > Developer > Webhooks, or calcom_create_webhook",
        kind="triggerEvent",
        time="createdAt",
        account="payload.organizer.email",
    ),
    Vendor(
        "calendly",
        "Calendly",
        docs="https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures",
        verification=Signature(
            "Calendly-Webhook-Signature", "{timestamp}.{body}", field="v1", timestamp="t", tolerance=180
        ),
        secret="the signing_key of the webhook subscription",
        setup="POST https://api.calendly.com/webhook_subscriptions with this url and a signing_key of yours",
        kind="event",
        time="created_at",
        account="created_by",
    ),
    Vendor(
        "crisp",
        "Crisp",
        docs="https://docs.crisp.chat/guides/web-hooks/plugin-hooks",
        verification=Signature("X-Crisp-Signature", "[{timestamp};{body}]", timestamp="X-Crisp-Request-Timestamp"),
        secret="the signing secret of the plugin's web hooks",
        setup="marketplace.crisp.chat > your plugin > Web Hooks",
        kind="event",
        time="timestamp",
        account="website_id",
    ),
    Vendor(
        "freshdesk",
        "Freshdesk",
        docs="https://support.freshdesk.com/support/solutions/articles/132589-using-webhooks-in-automation-rules",
        verification=SharedSecret("@Authorization", before="Basic ", encoding="base64"),
        secret="user:password of your choice, entered as the webhook's authentication",
        setup="Admin > Workflows > Automations > Trigger webhook, POST, JSON, requires authentication",
        kind="event|triggered_event|freshdesk_webhook.triggered_event",
        account="freshdesk_webhook.ticket_portal_url",
        signals=True,
    ),
    Vendor(
        "gmail",
        "Gmail (Pub/Sub)",
        docs="https://docs.cloud.google.com/pubsub/docs/authenticate-push-subscriptions",
        verification=GoogleToken(),
        secret="the e-mail address of the service account that the push subscription authenticates with",
        setup="Pub/Sub > push subscription with authentication, audience left empty; then Gmail's watch on its topic",
        embedded="message.data",
        id="message.messageId|message.message_id",
        kind="subscription",
        time="message.publishTime|message.publish_time",
        account="decoded.emailAddress",
    ),
    Vendor(
        "gohighlevel",
        "GoHighLevel",
        docs="https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide",
        verification=Signature(
            "X-GHL-Signature",
            algorithm="ed25519",
            encoding="base64",
            public_key="MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=",
        ),
        secret="none: HighLevel's public key is known here; name the location in WEBHOOKS_ACCOUNTS",
        setup="marketplace.gohighlevel.com > your app > Advanced settings > Webhooks",
        id="webhookId",
        kind="type",
        time="timestamp",
        account="locationId|companyId",
    ),
    Vendor(
        "google",
        "Google Calendar and Drive",
        docs="https://developers.google.com/workspace/calendar/api/guides/push",
        verification=SharedSecret("@X-Goog-Channel-Token"),
        secret="the token of the notification channel",
        setup="the watch call of the Calendar or Drive API with this address and a token of yours",
        id="@X-Goog-Channel-ID+@X-Goog-Message-Number",
        kind="@X-Goog-Resource-State",
        account="@X-Goog-Resource-ID",
    ),
    Vendor(
        "graph",
        "Microsoft Graph",
        docs="https://learn.microsoft.com/graph/change-notifications-delivery-webhooks",
        verification=SharedSecret("value.*.clientState"),
        secret="the clientState of the subscription",
        setup="POST https://graph.microsoft.com/v1.0/subscriptions, this notificationUrl and a clientState of yours",
        items="value.*",
        id="id",
        kind="lifecycleEvent|changeType",
        account="tenantId",
        dropped=("clientState",),
        signals=True,
        challenge=Challenge(echo="validationToken"),
    ),
    Vendor(
        "hubspot",
        "HubSpot",
        docs="https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation",
        verification=Signature(
            "X-HubSpot-Signature-v3",
            "{method}{decoded_url}{body}{timestamp}",
            encoding="base64",
            timestamp="X-HubSpot-Request-Timestamp",
        ),
        secret="the client secret of the app",
        setup="your app's settings > Webhooks > Target URL",
        items="*",
        id="subscriptionType+eventId+objectId+occurredAt",
        kind="subscriptionType",
        time="occurredAt",
        account="portalId",
    ),
    Vendor(
        "intercom",
        "Intercom",
        docs="https://developers.intercom.com/docs/webhooks/webhook-notifications",
        verification=Signature("X-Hub-Signature", algorithm="sha1", before="sha1="),
        secret="the client secret of the app",
        setup="Developer Hub > your app > Webhooks",
        id="id",
        kind="topic",
        time="created_at",
        account="app_id",
    ),
    Vendor(
        "klaviyo",
        "Klaviyo",
        docs="https://developers.klaviyo.com/en/docs/working_with_system_webhooks",
        # Its Klaviyo-Timestamp was seen hours apart from the time of sending: it is signed, and not relied upon.
        verification=Signature("Klaviyo-Signature", "{body}{timestamp}", timestamp="Klaviyo-Timestamp", tolerance=None),
        secret="the secret_key of the webhook",
        setup="POST https://a.klaviyo.com/api/webhooks with this endpoint_url and a secret_key of yours",
        items="data.*",
        id="topic+external_id",
        kind="topic",
        time="payload.data.attributes.datetime|payload.attributes.datetime|^meta.timestamp",
        account="^meta.klaviyo_account_id",
    ),
    Vendor(
        "notion",
        "Notion",
        docs="https://developers.notion.com/reference/webhooks",
        verification=Signature("X-Notion-Signature", before="sha256="),
        secret="the verification_token that Notion sends; until you have it, name the endpoint without a secret",
        setup="your integration's settings > Webhooks; the token it sends then is shown on the receiver's page",
        id="id",
        kind="type",
        time="timestamp",
        account="workspace_id",
        challenge=Challenge(keep="verification_token"),
    ),
    Vendor(
        "pipedrive",
        "Pipedrive",
        docs="https://pipedrive.readme.io/docs/guide-for-webhooks-v2",
        verification=SharedSecret("@Authorization", before="Basic ", encoding="base64"),
        secret="user:password, the webhook's HTTP Auth fields",
        setup="Settings > Tools and apps > Webhooks, version 2",
        id="meta.id+meta.webhook_id",
        kind="meta.action+meta.entity",
        time="meta.timestamp",
        account="meta.company_id|meta.host",
    ),
    Vendor(
        "shopify",
        "Shopify",
        docs="https://shopify.dev/docs/apps/build/webhooks/verify-deliveries",
        verification=Signature("X-Shopify-Hmac-Sha256", encoding="base64"),
        secret="the client secret of the app; for webhooks of the admin page, the key shown below them",
        setup="the app's webhook subscriptions, or Settings > Notifications > Webhooks",
        id="@X-Shopify-Webhook-Id",
        kind="@X-Shopify-Topic",
        time="@X-Shopify-Triggered-At",
        account="@X-Shopify-Shop-Domain",
    ),
    Vendor(
        "slack",
        "Slack",
        docs="https://docs.slack.dev/authentication/verifying-requests-from-slack",
        verification=Signature(
            "X-Slack-Signature", "v0:{timestamp}:{body}", before="v0=", timestamp="X-Slack-Request-Timestamp"
        ),
        secret="the signing secret of the app",
        setup="api.slack.com/apps > your app > Event Subscriptions > Request URL",
        id="event_id|trigger_id",
        kind="event.type|command|type",
        time="event_time",
        account="team_id",
        dropped=("token",),
        challenge=Challenge(field="challenge"),
    ),
    Vendor(
        "standard",
        "Standard Webhooks",
        docs="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
        verification=Signature(
            "webhook-signature",
            "{id}.{timestamp}.{body}",
            encoding="base64",
            before="v1,",
            list_of=True,
            timestamp="webhook-timestamp",
            id="webhook-id",
            key="base64",
        ),
        secret="the signing secret, whsec_ and base64",
        setup="wherever the sender takes an address; many do so by Svix",
        id="@webhook-id",
        kind="type|event_type",
        time="timestamp",
    ),
    Vendor(
        "stripe",
        "Stripe",
        docs="https://docs.stripe.com/webhooks/signature",
        verification=Signature("Stripe-Signature", "{timestamp}.{body}", field="v1", timestamp="t"),
        secret="the signing secret of the endpoint (whsec_…)",
        setup="Workbench > Webhooks > Add destination",
        id="id",
        kind="type",
        time="created",
        account="account",
    ),
    Vendor(
        "token",
        "Any sender with a token",
        docs="https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.httprequest/",
        verification=SharedSecret("@Authorization", before="Bearer "),
        secret="a token of your choice, which the sender puts into the header Authorization: Bearer …",
        setup="an HTTP request step of n8n, Make or Zapier",
        id="@Idempotency-Key|@webhook-id",
        kind="@X-Event-Type|type|event",
        time="timestamp|created_at",
        signals=True,
    ),
    Vendor(
        "twilio",
        "Twilio",
        docs="https://www.twilio.com/docs/usage/security#validating-requests",
        verification=Signature("X-Twilio-Signature", "{url}{form}", algorithm="sha1", encoding="base64"),
        secret="the auth token of the account",
        setup="the number's Messaging or Voice webhook, or a status callback",
        id="@I-Twilio-Idempotency-Token",
        kind="EventType|MessageStatus|SmsStatus|CallStatus|type",
        account="AccountSid",
        answer=("text/xml", "<Response/>"),
    ),
    Vendor(
        "whatsapp",
        "WhatsApp",
        docs="https://developers.facebook.com/docs/graph-api/webhooks/getting-started",
        verification=Signature("X-Hub-Signature-256", before="sha256="),
        secret="the app secret; the verify token stands in an entry of its own, whatsapp/main:verify=…",
        setup="developers.facebook.com > your app > WhatsApp > Configuration > Webhook",
        items="entry.*.changes.*",
        kind="field",
        time="value.messages.0.timestamp|value.statuses.0.timestamp",
        account="value.metadata.phone_number_id|^entry.0.id",
        challenge=Challenge("GET", echo="hub.challenge", token="hub.verify_token"),
    ),
    Vendor(
        "woocommerce",
        "WooCommerce",
        docs="https://woocommerce.com/document/webhooks/",
        verification=Signature("X-WC-Webhook-Signature", encoding="base64"),
        secret="the secret of the webhook",
        setup="WooCommerce > Settings > Advanced > Webhooks, or POST /wp-json/wc/v3/webhooks",
        id="@X-WC-Webhook-Delivery-ID",
        kind="@X-WC-Webhook-Topic",
        time="date_modified_gmt",
        account="@X-WC-Webhook-Source",
        challenge=Challenge(ping="webhook_id"),
    ),
    Vendor(
        "zendesk",
        "Zendesk",
        docs="https://developer.zendesk.com/documentation/webhooks/verifying/",
        verification=Signature(
            "X-Zendesk-Webhook-Signature",
            "{timestamp}{body}",
            encoding="base64",
            timestamp="X-Zendesk-Webhook-Signature-Timestamp",
        ),
        secret="the signing secret of the webhook",
        setup="Admin Center > Apps and integrations > Webhooks",
        id="@X-Zendesk-Webhook-Invocation-Id",
        kind="type",
        time="time",
        account="@X-Zendesk-Account-Id",
    ),
    Vendor(
        "zoho",
        "Zoho CRM",
        docs="https://www.zoho.com/crm/developer/docs/api/v8/notifications/overview.html",
        verification=SharedSecret("token"),
        secret="the token of the notification channel",
        setup="POST /crm/v8/actions/watch with this notify_url and a token of yours",
        kind="module+operation",
        time="server_time",
        account="channel_id",
        dropped=("token",),
    ),
]
VENDORS = {vendor.slug: vendor for vendor in _VENDORS}
