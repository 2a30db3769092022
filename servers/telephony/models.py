"""What Twilio's objects look like here: ids kept, times with their offset, prices positive, numbers as numbers."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from flotilla import Model, Timed, UntrustedText


def _moment(value: Any) -> Any:
    """Read a time as the account's API writes it, Fri, 13 Aug 2010 01:16:24 +0000; others are left to pydantic."""
    return parsedate_to_datetime(value) if isinstance(value, str) and "," in value else value


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]


def price_of(raw: Any) -> str | None:
    """Return what a thing cost, such as "0.0075 USD": Twilio writes -0.0075, and null until it knows."""
    amount = str(raw.get("price") or "").removeprefix("-") if isinstance(raw, dict) else ""
    return f"{amount} {raw.get('price_unit') or 'USD'}".upper() if amount else None


def _seconds(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isdecimal() else None


class Call(Timed):
    """https://www.twilio.com/docs/voice/api/call-resource"""

    call: str = Field(alias="sid")
    direction: str | None = Field(None, description="inbound, or outbound-api and outbound-dial for those made")
    sender: str | None = Field(None, alias="from", description="Number that calls")
    to: str | None = None
    status: str = Field(description="queued, ringing, in-progress; completed, busy, no-answer, failed, canceled")
    start_time: Moment | None = None
    end_time: Moment | None = None
    seconds: int | None = Field(None, alias="duration", description="Length of the call, once it is over")
    answered_by: str | None = None
    price: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {**raw, "duration": _seconds(raw.get("duration")), "price": price_of(raw)}

    @property
    def live(self) -> bool:
        """Whether it is not over."""
        return self.status in ("queued", "initiated", "ringing", "in-progress")


class Recording(Timed):
    """https://www.twilio.com/docs/voice/api/recording"""

    recording: str = Field(alias="sid")
    call: str | None = Field(None, alias="call_sid")
    status: str | None = None
    start_time: Moment | None = None
    seconds: int | None = Field(None, alias="duration")
    channels: int | None = None
    price: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {**raw, "duration": _seconds(raw.get("duration")), "price": price_of(raw)}


class CallDetails(Call):
    """One call with what belongs to it."""

    legs: list[Call] = Field(default_factory=list, description="Calls that it was joined with, such as a transfer")
    recordings: list[Recording] = Field(default_factory=list)


class Message(Timed):
    """https://www.twilio.com/docs/messaging/api/message-resource"""

    message: str = Field(alias="sid")
    direction: str | None = None
    sender: str | None = Field(None, alias="from")
    to: str | None = None
    text: UntrustedText | None = Field(None, alias="body")
    status: str = Field(description="queued, sent, delivered, undelivered, failed, received and the like")
    time: Moment | None = None
    media: int = Field(0, description="Number of pictures and files")
    segments: int | None = None
    error: str | None = Field(None, description="Why it was not delivered")
    price: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        code = raw.get("error_code")
        error = " ".join(str(part) for part in (code, raw.get("error_message")) if part)
        return {
            **raw,
            "time": raw.get("date_sent") or raw.get("date_created"),
            "media": _seconds(raw.get("num_media")) or 0,
            "segments": _seconds(raw.get("num_segments")),
            "error": error or None,
            "price": price_of(raw),
        }


class Media(Model):
    """https://www.twilio.com/docs/messaging/api/media-resource"""

    media: str = Field(alias="sid")
    content_type: str | None = None


class MessageDetails(Message):
    """One message with its pictures and files."""

    files: list[Media] = Field(default_factory=list)


class Sent(Model):
    """What became of a text for one person."""

    to: str
    message: str | None = None
    status: str | None = None
    error: str | None = Field(default=None, description="Why this one was refused")


class SentMessages(Model):
    """What became of a text, person by person."""

    sent: list[Sent]


class OwnNumber(Model):
    """https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource"""

    id: str = Field(alias="sid")
    name: str | None = Field(None, alias="friendly_name")
    number: str = Field(alias="phone_number")
    voice: bool | None = None
    sms: bool | None = None
    mms: bool | None = None
    kind: str = Field("owned", description="owned, or verified for numbers that may only be shown as the caller")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        capabilities = raw.get("capabilities") if isinstance(raw, dict) else None
        if not isinstance(capabilities, dict):
            return raw
        return {**raw, **{str(k).lower(): v for k, v in capabilities.items() if isinstance(v, bool)}}


class Service(Model):
    """A messaging service: https://www.twilio.com/docs/messaging/api/service-resource; or one of Verify."""

    id: str = Field(alias="sid")
    name: str = Field(alias="friendly_name")


class NumberReport(Model):
    """Whose number it is, and what was last said with it."""

    number: str
    valid: bool = Field(description="Whether such a number can exist")
    national: str | None = None
    country: str | None = None
    line_type: str | None = Field(None, description="mobile, landline, fixedVoip, nonFixedVoip, tollFree and the like")
    carrier: str | None = None
    caller_name: UntrustedText | None = None
    caller_type: str | None = None
    problems: list[str] = Field(default_factory=list, description="What is wrong with an invalid number")
    calls: list[Call] = Field(default_factory=list, description="Last calls in both directions, newest first")
    messages: list[Message] = Field(default_factory=list, description="Last texts in both directions, newest first")


class Answer(Model):
    """Where a question on the phone stands."""

    question: str
    state: str = Field(description="waiting, answered, no_key (picked up, pressed nothing) or not_reached")
    digits: str | None = Field(None, description="Keys that were pressed")
    speech: UntrustedText | None = None
    call: str | None = None
    call_status: str | None = None


class Question(Model):
    """A question that goes out by phone."""

    question: str = Field(description="Id that tel_get_answer takes")
    to: str
    sender: str
    language: str
    state: str = "waiting"


class Verification(Model):
    """https://www.twilio.com/docs/verify/api/verification"""

    verification: str = Field(alias="sid")
    to: str | None = None
    channel: str | None = None
    status: str = Field(description="pending, approved, canceled, expired and the like")


class CodeCheck(Model):
    """Whether a code was right."""

    to: str | None = None
    right: bool = Field(alias="valid")
    status: str


class Transcript(Timed):
    """https://www.twilio.com/docs/voice/api/recording-transcription"""

    transcript: str = Field(alias="sid")
    recording: str | None = Field(None, alias="recording_sid")
    status: str | None = None
    time: Moment | None = Field(None, alias="date_created")
    text: UntrustedText | None = Field(None, alias="transcription_text")
    path: str | None = Field(None, description="Where the whole text was saved in the data folder")


class Balance(Model):
    """https://www.twilio.com/docs/usage/api/account-balance"""

    balance: str
    currency: str | None = None


class Usage(Model):
    """https://www.twilio.com/docs/usage/api/usage-record"""

    category: str
    description: str | None = None
    usage: str | None = None
    unit: str | None = Field(None, alias="usage_unit")
    count: str | None = None
    price: float | None = None


class UsageReport(Model):
    """What was used and what it cost, the dearest first."""

    start: str | None = None
    end: str | None = None
    total: float | None = None
    currency: str | None = None
    categories: list[Usage]


class CallRequest(Model):
    """One request that Twilio made during a call, and what it was answered."""

    url: str | None = None
    digits: str | None = Field(None, description="Keys that were pressed")
    speech: UntrustedText | None = None
    status: str | None = Field(None, description="State of the call then")
    response_code: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        request, response = raw.get("request"), raw.get("response")
        if not isinstance(request, dict):
            raise ValueError("it holds no request")
        values = request.get("parameters")
        parameters = values if isinstance(values, dict) else {}
        return {
            "url": request.get("url"),
            "digits": parameters.get("digits"),
            "speech": parameters.get("speech_result"),
            "status": parameters.get("call_status"),
            "response_code": response.get("response_code") if isinstance(response, dict) else None,
        }
