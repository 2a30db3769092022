"""The bridge's settings, from TELEPHONY_… variables."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AnyUrl, Field, model_validator

from flotilla import CommaSeparated, SecretStr, ServerSettings
from flotilla.http.loopback import is_loopback
from flotilla.parsing import zone_or
from flotilla.settings import Switch
from flotilla_launcher.environment import name_set, setting

SLUG = "telephony"
INSTRUCTIONS = (
    "You answer the phone for a company. Speak the caller's language, in short sentences, without lists or symbols. "
    "Ask one question at a time. Say numbers, dates and amounts as people say them."
)


def _websocket_url(url: str) -> str:
    """Refuse what is not a WebSocket address, and one to which the key would travel without encryption."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError("it must begin with wss://")
    plain = name_set("FLOTILLA_PLAIN_HTTP")
    if parts.scheme == "ws" and not is_loopback(parts.hostname) and not {parts.hostname, parts.netloc} & plain:
        raise ValueError(
            "it must begin with wss://, since speech and the key go there (ws:// only on this machine, or for a host "
            "that FLOTILLA_PLAIN_HTTP names)"
        )
    return url


class BridgeSettings(ServerSettings):
    """What the bridge needs; a wrong value ends it at the start."""

    strict = True

    auth_token: SecretStr = Field(description="Auth token of the Twilio account, with which it signs its webhooks")
    bridge_url: AnyUrl = Field(description="Public https:// address under which Twilio reaches the bridge")
    bridge_host: str = Field("127.0.0.1", description="Address to listen on")
    bridge_port: int = Field(8090, ge=0, le=65535, description="Port to listen on")
    bridge_model_url: Annotated[str, AfterValidator(_websocket_url)] = Field(
        description="Address of the realtime model, such as wss://api.openai.com/v1/realtime?model=gpt-realtime"
    )
    bridge_model_key: SecretStr | None = Field(None, description="API key of the realtime model")
    bridge_voice: str = Field("", description="Voice of the model; empty: its own default")
    bridge_instructions: str = Field(INSTRUCTIONS, max_length=16_000, description="Who the agent is and what it does")
    bridge_greets: Switch = Field(True, description="off: the agent waits until the caller has spoken")
    bridge_audio: Literal["auto", "pcmu", "pcm"] = Field(
        "auto",
        description="Audio of the model: pcmu (as on the phone), pcm (24 kHz), or auto (the first that it takes)",
    )
    bridge_switchboard_url: AnyUrl | None = Field(
        None, description="MCP address of the switchboard, such as http://127.0.0.1:8811/mcp; empty: no tools"
    )
    bridge_switchboard_token: SecretStr | None = Field(None, description="Bearer token of the switchboard")
    bridge_tools: Annotated[list[str], CommaSeparated] = Field(
        [], description="Tools that callers may use: names, or patterns such as calcom_*; * for all"
    )
    bridge_calls: int = Field(20, ge=1, le=500, description="Most calls at once; one more hears that the line is busy")
    bridge_minutes: float = Field(30, gt=0, le=240, description="Longest time of a call in minutes")

    @model_validator(mode="after")
    def _tools_have_a_source(self) -> BridgeSettings:
        if self.bridge_tools and self.bridge_switchboard_url is None:
            raise ValueError("TELEPHONY_BRIDGE_TOOLS names tools, but TELEPHONY_BRIDGE_SWITCHBOARD_URL is not set")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the date that the agent gets: that of FLOTILLA_TIMEZONE."""
        return zone_or(setting("FLOTILLA_TIMEZONE"), ZoneInfo("UTC"))

    @property
    def public_url(self) -> str:
        """The public address without a slash at its end."""
        return str(self.bridge_url).rstrip("/")
