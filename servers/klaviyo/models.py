"""What Klaviyo's objects look like here: flat rows with their ids, times in the account's zone, no empty fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from flotilla import Model, Timed, UntrustedText

Details = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "description": "Untrusted values by name"})]


def _aware(moment: datetime) -> datetime:
    """Return a time with its zone: Klaviyo's pages show some of its times without one, which are in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Time = Annotated[datetime, AfterValidator(_aware)]


def inner(raw: Any, *path: str) -> Any:
    """Return what stands at a path of nested objects, None where there is nothing."""
    for part in path:
        raw = raw.get(part) if isinstance(raw, Mapping) else None
    return raw


class Account(Model):
    """https://developers.klaviyo.com/en/reference/get_accounts"""

    id: str
    organization: str | None = None
    default_sender_name: str | None = None
    default_sender_email: str | None = None
    website: str | None = None
    timezone: str | None = None
    currency: str | None = Field(default=None, alias="preferred_currency")
    test_account: bool = False

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        contact = inner(raw, "contact_information")
        if not isinstance(contact, Mapping):
            return raw
        names = {name: contact.get(name) for name in ("default_sender_name", "default_sender_email")}
        return {**raw, **names, "organization": contact.get("organization_name"), "website": contact.get("website_url")}


class ProfileRow(Timed):
    """A person in a list of people."""

    id: str
    email: str | None = None
    phone: str | None = Field(default=None, alias="phone_number")
    name: UntrustedText | None = None
    organization: UntrustedText | None = None
    city: UntrustedText | None = None
    country: UntrustedText | None = None
    created: Time | None = None
    last_event: Time | None = Field(default=None, alias="last_event_date")
    joined: Time | None = Field(default=None, alias="joined_group_at", description="When they joined the list")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        place = {name: inner(raw, "location", name) for name in ("city", "country")}
        name = " ".join(str(raw[part]) for part in ("first_name", "last_name") if raw.get(part))
        return {**place, **raw, "name": raw.get("name") or name or None}

    @property
    def shown(self) -> str:
        """The person as a question names them: name and address."""
        return " ".join(part for part in (self.name, f"({self.address})" if self.name else self.address) if part)

    @property
    def address(self) -> str:
        """The e-mail address, else the phone number, else the id."""
        return self.email or self.phone or self.id


class Consent(Timed):
    """Whether a person may be sent marketing on one channel."""

    status: str = Field(
        default="NEVER_SUBSCRIBED", alias="consent", description="SUBSCRIBED, UNSUBSCRIBED, NEVER_SUBSCRIBED"
    )
    since: Time | None = Field(default=None, alias="consent_timestamp")
    method: UntrustedText | None = None
    may_receive: bool | None = Field(
        default=None, description="False where Klaviyo would not send, such as after a bounce"
    )
    suppressed: list[str] = Field(default_factory=list, description="Reasons of suppressions")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        may = raw.get("can_receive_email_marketing", raw.get("can_receive_sms_marketing"))
        reasons = [str(one["reason"]) for one in raw.get("suppression") or [] if inner(one, "reason")]
        return {**raw, "may_receive": may, "suppressed": reasons}


class Profile(ProfileRow):
    """https://developers.klaviyo.com/en/reference/profiles_api_overview"""

    url: str | None = None
    title: UntrustedText | None = None
    external_id: str | None = None
    locale: str | None = None
    timezone: str | None = None
    updated: Time | None = None
    email_consent: Consent | None = None
    sms_consent: Consent | None = None
    lists: list[str] = Field(default_factory=list, description="Names of the lists that the person is in")
    orders: float | None = Field(default=None, description="Number of orders so far")
    spent: float | None = Field(default=None, description="Total of all orders, in the account's currency")
    next_order: Time | None = Field(default=None, description="When Klaviyo expects the next order")
    properties: Details = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _details(cls, raw: Any) -> Any:
        """Take the two consents and the few figures that a conversation needs out of the nested objects."""
        if not isinstance(raw, Mapping) or "subscriptions" not in raw:
            return raw
        email, sms = (inner(raw, "subscriptions", channel, "marketing") for channel in ("email", "sms"))
        orders = inner(raw, "predictive_analytics", "historic_number_of_orders")
        return {
            **raw,
            "url": f"https://www.klaviyo.com/profile/{raw.get('id')}",
            "timezone": inner(raw, "location", "timezone"),
            "email_consent": email,
            "sms_consent": sms,
            "orders": orders,
            "spent": inner(raw, "predictive_analytics", "historic_clv"),
            "next_order": inner(raw, "predictive_analytics", "expected_date_of_next_order"),
            "properties": raw.get("properties") or {},
        }

    def consent(self, channel: str) -> Consent:
        """Return the consent to a channel, email or sms."""
        return (self.email_consent if channel == "email" else self.sms_consent) or Consent()


class Saved(Model):
    """A profile that was created or changed."""

    id: str
    created: bool = Field(default=False, description="True where the person was not in Klaviyo before")
    email: str | None = None
    phone: str | None = None
    name: UntrustedText | None = None


class Subscription(Model):
    """A subscription or its end that Klaviyo was asked for: it carries it out within seconds."""

    person: str
    channels: list[str]
    audience: str | None = Field(default=None, description="The list")
    status: str = Field(default="requested", description="requested, or unchanged where it was so already")
    note: str | None = None


class Audience(Timed):
    """A list or a segment. https://developers.klaviyo.com/en/reference/lists_api_overview"""

    id: str
    name: UntrustedText
    kind: str = Field(default="list", description="list or segment")
    opt_in: str | None = Field(
        default=None, alias="opt_in_process", description="double_opt_in or single_opt_in, of a list"
    )
    active: bool | None = Field(default=None, alias="is_active", description="Of a segment")
    created: Time | None = None
    updated: Time | None = None


class ListChange(Model):
    """Who was added to a list or removed from it."""

    audience: str = Field(description="The list")
    people: list[str]


class Metric(Model):
    """A kind of event. https://developers.klaviyo.com/en/reference/metrics_api_overview"""

    id: str
    name: UntrustedText
    source: str | None = Field(default=None, description="The integration that sends it, such as Shopify")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return {**raw, "source": inner(raw, "integration", "name")} if isinstance(raw, Mapping) else raw


class Event(Timed):
    """Something that a person did. https://developers.klaviyo.com/en/reference/events_api_overview"""

    id: str
    at: Time | None = Field(default=None, alias="datetime")
    metric: str | None = Field(default=None, description="What happened, such as Placed Order")
    value: float | None = None
    profile: str | None = Field(default=None, description="Id of the person")
    properties: Details = Field(default_factory=dict)


class Tracked(Model):
    """An event that Klaviyo took in: it stands in the person's history some seconds later."""

    metric: str
    person: str
    status: str = "accepted"


class Point(Model):
    """The figures of one period, or of all of them."""

    period: str | None = Field(default=None, description="Start of the period")
    group: UntrustedText | None = None
    count: float | None = None
    unique: float | None = Field(default=None, description="Different people")
    value: float | None = Field(default=None, description="Sum of the events' values")


class Series(Model):
    """https://developers.klaviyo.com/en/reference/query_metric_aggregates"""

    metric: str
    timezone: str
    total: Point
    points: list[Point]


class Message(Model):
    """What a campaign sends on one channel."""

    id: str
    channel: str | None = None
    subject: str | None = None
    preview_text: str | None = None
    sender: str | None = None
    text: str | None = Field(default=None, description="Text of an SMS")
    template: str | None = Field(default=None, description="Id of the campaign's own copy of a template")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        definition = inner(raw, "definition")
        if not isinstance(definition, Mapping):
            return raw
        raw_content = definition.get("content")
        content = raw_content if isinstance(raw_content, Mapping) else {}
        sender = " ".join(str(content[part]) for part in ("from_label", "from_email") if content.get(part))
        return {
            "id": raw.get("id"),
            "channel": definition.get("channel"),
            "subject": content.get("subject"),
            "preview_text": content.get("preview_text"),
            "sender": sender or None,
            "text": content.get("body"),
            "template": next(iter(inner(raw, "related", "template") or []), None),
        }


class CampaignRow(Timed):
    """A campaign in a list of campaigns."""

    id: str
    name: str
    status: str
    send_at: Time | None = Field(default=None, description="When it is or was sent")
    updated: Time | None = Field(default=None, alias="updated_at")
    strategy: Details = Field(default_factory=dict, exclude=True)
    included: list[str] = Field(default_factory=list, exclude=True)
    excluded: list[str] = Field(default_factory=list, exclude=True)
    smart: bool | None = Field(default=None, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or "strategy" in raw:
            return raw
        strategy = raw.get("send_strategy") if isinstance(raw.get("send_strategy"), Mapping) else {}
        return {
            **{name: value for name, value in raw.items() if name != "audiences"},
            "send_at": raw.get("send_time") or (strategy or {}).get("datetime"),
            "strategy": strategy,
            "included": inner(raw, "audiences", "included") or [],
            "excluded": inner(raw, "audiences", "excluded") or [],
            "smart": inner(raw, "send_options", "use_smart_sending"),
        }


class Campaign(CampaignRow):
    """https://developers.klaviyo.com/en/reference/campaigns_api_overview"""

    audiences: list[str] = Field(default_factory=list, description="Names of the lists and segments it goes to")
    without: list[str] = Field(default_factory=list, description="Names of those that are left out")
    smart_sending: bool | None = Field(default=None, description="Skips people who got a mail lately")
    messages: list[Message] = Field(default_factory=list)


class Scheduled(Timed):
    """A campaign that is to be sent."""

    id: str
    name: str
    send_at: Time | None = Field(default=None, description="Left out where it is sent at once")
    estimated_recipients: int | None = None
    status: str = Field(default="queued", description="State of the job that schedules or sends it")


class Estimation(Model):
    """https://developers.klaviyo.com/en/reference/get_campaign_recipient_estimation"""

    recipients: int = Field(alias="estimated_recipient_count")


class Recipients(Model):
    """How many people a campaign would reach."""

    campaign: str
    estimated_recipients: int


class Changed(Model):
    """A campaign or flow after a change."""

    id: str
    name: str
    status: str


class TemplateRow(Timed):
    """An e-mail template. https://developers.klaviyo.com/en/reference/templates_api_overview"""

    id: str
    name: str
    editor: str | None = Field(default=None, alias="editor_type")
    created: Time | None = None
    updated: Time | None = None


class Preview(Model):
    """A template as a reader would see it."""

    id: str
    name: str
    text: UntrustedText


class Flow(Timed):
    """An automation. https://developers.klaviyo.com/en/reference/flows_api_overview"""

    id: str
    name: str
    status: str | None = Field(default=None, description="draft, manual or live")
    trigger: str | None = Field(default=None, alias="trigger_type")
    archived: bool = False
    updated: Time | None = None


class Figures(Model):
    """How one message did. Rates are shares from 0 to 1; money is in the account's currency."""

    id: str | None = Field(default=None, description="Id of the campaign or flow")
    message: UntrustedText | None = None
    channel: str | None = None
    recipients: float | None = None
    delivered: float | None = None
    open_rate: float | None = None
    click_rate: float | None = None
    bounce_rate: float | None = None
    unsubscribe_rate: float | None = None
    conversions: float | None = None
    revenue: float | None = Field(default=None, alias="conversion_value")


class Report(Model):
    """https://developers.klaviyo.com/en/reference/reporting_api_overview"""

    period: str
    conversion_metric: str
    messages: list[Figures]
