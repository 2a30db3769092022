"""Shapes of results, and of what the Cloud API returns. https://developers.facebook.com/docs/whatsapp/cloud-api"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from flotilla import Model


class Sent(Model):
    """A message that WhatsApp has accepted, which is not yet delivered."""

    message_id: Annotated[str | None, Field(description="Id of the message, wamid.…")] = None
    to: str
    status: str = "accepted"
    media_id: Annotated[str | None, Field(description="The uploaded file, which can be sent again for 30 days")] = None
    text: Annotated[str | None, Field(description="The template's text with the values")] = None
    note: str | None = None


class Done(Model):
    """Whether it was done."""

    done: bool = True


class Template(Model):
    """A message template: https://developers.facebook.com/docs/graph-api/reference/whats-app-business-hsm/"""

    id: str
    name: str
    language: str = ""
    status: str = ""
    category: str = ""
    parameter_format: str = ""
    rejected_reason: str = ""
    quality: str = ""
    components: list[dict[str, Any]] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        """Take odd components out, and the score out of its object."""
        if not isinstance(raw, dict):
            return raw
        parts = raw.get("components")
        score = raw.get("quality_score")
        quality = score.get("score") if isinstance(score, dict) else None
        texts = {name: raw.get(name) or "" for name in ("language", "status", "category", "parameter_format")}
        reason = str(raw.get("rejected_reason") or "")
        return {
            **raw,
            **{name: text if isinstance(text, str) else "" for name, text in texts.items()},
            "components": [one for one in parts if isinstance(one, dict)] if isinstance(parts, list) else [],
            "rejected_reason": "" if reason == "NONE" else reason,
            "quality": quality if isinstance(quality, str) and quality != "UNKNOWN" else "",
        }


class PlaceholderRow(Model):
    """What a template leaves open."""

    placeholder: str = Field(description="The key to pass in values")
    content: str = Field(description="What to pass")
    example: str | None = None


class TemplateRow(Model):
    """A template in a list."""

    name: str
    language: str
    status: str
    category: str
    text: str
    placeholders: list[str] | None = None
    rejected_reason: str | None = None


class TemplateDetail(TemplateRow):
    """A template as a whole."""

    id: str
    header: str | None = None
    footer: str | None = None
    buttons: list[str] | None = None
    values: list[PlaceholderRow] | None = None
    quality: str | None = None
    cannot_be_sent: str | None = None
    other_languages: list[str] | None = None


class TemplateSaved(Model):
    """A template that was handed in."""

    id: str | None = None
    name: str | None = None
    language: str | None = None
    status: str | None = None
    category: str | None = None


class NumberRow(Model):
    """A phone number of the account: https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account-to-number-current-status/"""

    id: str
    number: str | None = Field(None, alias="display_phone_number")
    name: str | None = Field(None, alias="verified_name")
    sends: bool = Field(False, description="Whether these tools send from it")
    status: str | None = None
    quality: str | None = Field(None, alias="quality_rating")
    limit: str | None = Field(None, alias="messaging_limit_tier")
    verified: str | None = Field(None, alias="code_verification_status")
    name_status: str | None = None
    mode: str | None = Field(None, alias="account_mode")

    @field_validator("limit", mode="before")
    @classmethod
    def _people(cls, tier: Any) -> str | None:
        return people(tier)


def people(tier: Any) -> str | None:
    """Return what a messaging tier allows, as a phrase; None for what is not one."""
    if not isinstance(tier, str):
        return None
    size = tier.removeprefix("TIER_").replace("K", ",000")
    if size == "UNLIMITED":
        return "no limit"
    return f"{size} people a day" if size[:1].isdigit() else tier


class Profile(Model):
    """The business profile: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/business-profiles"""

    about: str | None = None
    description: str | None = None
    address: str | None = None
    email: str | None = None
    websites: list[str] | None = None
    vertical: str | None = Field(None, description="Line of business")
    profile_picture_url: str | None = None


class Blocked(Model):
    """A blocked number."""

    number: str = Field(alias="wa_id")

    @field_validator("number", mode="after")
    @classmethod
    def _e164(cls, number: str) -> str:
        return "+" + number.lstrip("+")


class Media(Model):
    """A file at WhatsApp: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media"""

    id: str
    url: str = ""
    mime_type: str = ""
    sha256: str = ""
    file_size: int = 0


class Uploaded(Model):
    """A file that was uploaded."""

    media_id: str | None = Field(None, description="For whatsapp_send_media and headers of templates, for 30 days")
    path: str | None = None
    bytes: int | None = None
    content_type: str | None = None
