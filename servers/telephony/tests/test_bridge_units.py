"""The bridge's parts that need no connection: signature, tokens, audio, queues, what was heard, questions."""

from __future__ import annotations

import asyncio
import json
import math
from array import array

import pytest

from flotilla import errors
from flotilla_servers.telephony.bridge import realtime, stream
from flotilla_servers.telephony.bridge.admission import TOKEN_SECONDS, Admission
from flotilla_servers.telephony.bridge.answers import MOST, Answers, ArgumentsError
from flotilla_servers.telephony.bridge.audio import Pcm, Pcmu, audioop
from flotilla_servers.telephony.bridge.latency import Latency
from flotilla_servers.telephony.bridge.outbox import Control, Frame, Outbox, Piece
from flotilla_servers.telephony.bridge.playback import Cut, Playback
from flotilla_servers.telephony.bridge.signature import is_signed, signature
from flotilla_servers.telephony.bridge.tools import Tools
from flotilla_servers.telephony.tests.bridge_fakes import settings_of, twilio_signature

# The example of Twilio's documentation, with the token 12345.
EXAMPLE = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
EXAMPLE_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


def test_signature_of_the_documented_example() -> None:
    assert signature("12345", EXAMPLE_URL, list(EXAMPLE.items())) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert twilio_signature("12345", EXAMPLE_URL, EXAMPLE) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize("signed", ["https://a.example/voice", "https://a.example:443/voice"])
@pytest.mark.parametrize("configured", ["https://a.example/voice", "https://a.example:443/voice"])
def test_signature_with_and_without_port(signed: str, configured: str) -> None:
    fields = [("To", "+33"), ("From", "é")]
    assert is_signed("t", configured, fields, twilio_signature("t", signed, dict(fields)))
    assert not is_signed("t", configured, fields, twilio_signature("other", signed, dict(fields)))
    assert not is_signed("t", configured, [*fields, ("More", "1")], twilio_signature("t", signed, dict(fields)))


def test_signature_of_repeated_fields_counts_each_value_once() -> None:
    fields = [("Media", "b"), ("Media", "a"), ("Media", "b")]
    assert signature("t", "https://a.example/", fields) == signature("t", "https://a.example/", [("MediaaMedia", "b")])


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def issue(admission: Admission, call_sid: str) -> str | None:
    return admission.issue(call_sid, "AC1", caller="", called="", outbound=False)


def test_admission_token_serves_once_and_for_its_call_only() -> None:
    admission = Admission(5)
    token = issue(admission, "CA1")
    assert token
    ticket = admission.redeem(token, "CA1", "AC1")
    assert ticket
    assert ticket.call_sid == "CA1"
    assert admission.redeem(token, "CA1", "AC1") is None
    for call_sid, account_sid in (("CA3", "AC1"), ("CA2", "AC2")):
        token = issue(admission, "CA2")
        assert token
        assert admission.redeem(token, call_sid, account_sid) is None
        assert admission.redeem(token, "CA2", "AC1") is None  # one that was tried is used up


def test_admission_token_expires_and_makes_room() -> None:
    clock = Clock()
    admission = Admission(1, clock)
    token = issue(admission, "CA1")
    assert token
    assert issue(admission, "CA2") is None
    clock.now = TOKEN_SECONDS + 1
    assert admission.redeem(token, "CA1", "AC1") is None
    assert issue(admission, "CA2")


def test_admission_repeated_webhook_replaces_the_token() -> None:
    admission = Admission(1)
    first, second = issue(admission, "CA1"), issue(admission, "CA1")
    assert first
    assert second
    assert admission.redeem(first, "CA1", "AC1") is None
    assert admission.redeem(second, "CA1", "AC1")


def test_admission_counts_running_calls() -> None:
    admission = Admission(1)
    with admission.call():
        assert issue(admission, "CA1") is None
    assert issue(admission, "CA1")


def tone(frequency: float, rate: int) -> bytes:
    """A second of it, as PCM16."""
    return array("h", [round(8000 * math.sin(2 * math.pi * frequency * n / rate)) for n in range(rate)]).tobytes()


def level(pcm: bytes, rate: int) -> float:
    """How loud it is beside the tone, in dB, without its first tenth of a second."""
    return 20 * math.log10(max(audioop.rms(pcm[rate // 5 :], 2), 1) / (8000 / math.sqrt(2)))


def in_parts(convert: object, audio: bytes, size: int) -> bytes:
    return b"".join(convert(audio[n : n + size]) for n in range(0, len(audio), size))  # type: ignore[operator]


@pytest.mark.parametrize("frequency", [300, 1000, 2500])
def test_audio_keeps_the_telephone_band(frequency: int) -> None:
    up = in_parts(Pcm().to_model, audioop.lin2ulaw(tone(frequency, 8000), 2), 160)
    assert len(up) == 48_000
    assert abs(level(up, 24_000)) < 0.5
    down = in_parts(Pcm().to_caller, tone(frequency, 24_000), 960)
    assert len(down) == 8000
    assert abs(level(audioop.ulaw2lin(down, 2), 8000)) < 0.5


@pytest.mark.parametrize("frequency", [4600, 6000, 9000, 11_000])
def test_audio_leaves_out_what_a_telephone_cannot_carry(frequency: int) -> None:
    """Without a filter a tone of 6 kHz would come back as one of 2 kHz, as loud."""
    down = in_parts(Pcm().to_caller, tone(frequency, 24_000), 960)
    assert level(audioop.ulaw2lin(down, 2), 8000) < -40


def test_audio_does_not_depend_on_the_parts_it_comes_in() -> None:
    speech = audioop.lin2ulaw(tone(440, 8000), 2)
    assert in_parts(Pcm().to_model, speech, 160) == Pcm().to_model(speech)
    pcm = tone(440, 24_000)
    assert in_parts(Pcm().to_caller, pcm, 1001) == Pcm().to_caller(pcm)  # parts that end within a sample
    assert Pcmu().to_model(speech) == Pcmu().to_caller(speech) == speech


async def test_outbox_drops_the_oldest_audio_and_no_control() -> None:
    outbox: Outbox[Frame] = Outbox(2)
    outbox.put(Control("c"))
    for n in range(4):
        outbox.put(Frame(bytes([n])))
    items = [await outbox.get() for _ in range(3)]
    assert [getattr(i, "text", None) or i.audio for i in items] == ["c", b"\2", b"\3"]  # type: ignore[union-attr]
    assert outbox.dropped == 2
    waiting = asyncio.create_task(outbox.get())
    outbox.put(Control("later"))
    assert await waiting == Control("later")


def piece(item_id: str, end_ms: int) -> Piece:
    return Piece(item_id, 0, b"\xff" * 800, end_ms)


def test_playback_cuts_at_the_last_mark_that_came_back() -> None:
    playback = Playback()
    names = [playback.sent(piece("a", end)) for end in (100, 200, 300)]
    playback.acknowledge(names[0])
    playback.acknowledge(names[1])
    assert playback.interrupt([piece("a", 400), piece("b", 100)]) == [Cut("a", 0, 200), Cut("b", 0, 0)]
    playback.acknowledge(names[2])  # comes back because of the clear: it was not heard
    assert playback.interrupt([]) == []
    playback.sent(piece("c", 100))
    assert playback.interrupt([]) == [Cut("c", 0, 0)]


def test_latency_percentiles() -> None:
    latency = Latency()
    assert latency.summary() == {"count": 0}
    for n in range(1, 101):
        latency.add(n / 1000)
    assert latency.summary() == {"count": 100, "p50_ms": 50.0, "p95_ms": 95.0, "most_ms": 100.0}


def preview(token: str) -> dict[str, object]:
    document = {"preview": {"question": "Cancel?", "confirm_token": token, "next": "…"}}
    return {"content": [{"type": "text", "text": json.dumps(document)}], "structuredContent": document}


def test_answers_question_needs_the_callers_answer() -> None:
    answers = Answers()
    asked = json.loads(answers.output("shop_cancel", preview("long-sealed-token")))
    assert asked["question"] == "Cancel?"
    assert "shop_cancel" in asked["next"]
    assert "long-sealed-token" not in json.dumps(asked)
    again = json.dumps({"number": "7", "confirm_token": asked["confirm_token"]})
    with pytest.raises(ArgumentsError, match="has not answered"):
        answers.arguments(again)
    answers.caller_spoke()
    assert answers.arguments(again) == {"number": "7", "confirm_token": "long-sealed-token"}
    assert answers.arguments(again)["confirm_token"] == asked["confirm_token"]  # used up: the server refuses it
    other = json.loads(answers.output("shop_cancel", preview("another")))
    assert other["confirm_token"] != asked["confirm_token"]


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "7"])
def test_answers_arguments_that_are_no_object(text: str) -> None:
    with pytest.raises(ArgumentsError, match="not a JSON object"):
        Answers().arguments(text)


def test_answers_output_is_cut() -> None:
    long = Answers().output("t", {"content": [{"type": "text", "text": "é" * (MOST + 5)}]})
    assert long.endswith(f"(cut: {MOST + 5} characters)")
    assert Answers().output("t", {"structuredContent": {"a": "é"}}) == '{"a":"é"}'
    assert Answers().arguments("") == {}


@pytest.mark.parametrize(
    ("event", "shape"),
    [
        ({"type": "session.created", "session": {"type": "realtime", "audio": {}}}, "current"),
        ({"type": "session.created", "session": {"input_audio_format": "pcm16", "turn_detection": {}}}, "older"),
        ({"type": "session.created", "session": {"audio": {}, "turn_detection": None}}, "flat"),
        ({"type": "conversation.created", "conversation": {}}, "flat"),
        ({"type": "session.created"}, "current"),
    ],
)
def test_realtime_shape_is_seen_in_the_first_event(event: dict[str, object], shape: str) -> None:
    assert realtime.shape_of(event) == shape


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"type": 1}'])
def test_realtime_read_refuses_what_is_no_event(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of the JSON reader, or our own
        realtime.read(text)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "[]",
        '{"event": "media"}',
        '{"event": "media", "media": {"payload": 1}}',
        '{"event": "other"}',
        '{"event": "dtmf", "dtmf": {"digit": "12"}}',
        '{"event": "start", "start": {"streamSid": "MZ1"}}',
    ],
)
def test_stream_read_refuses(text: str | None) -> None:
    with pytest.raises(stream.MalformedError):
        stream.read(text)


@pytest.mark.parametrize("payload", ["", "*", "AAA", "A" * 12_000])
def test_stream_samples_refuses(payload: str) -> None:
    with pytest.raises(stream.MalformedError):
        stream.samples(payload)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("model_url", "https://api.example/v1", "must begin with wss://"),
        ("model_url", "ws://api.example/v1", "wss://"),
        ("url", "http://phone.example", "https://"),
        ("tools", "shop_*", "TELEPHONY_BRIDGE_SWITCHBOARD_URL is not set"),
        ("switchboard_url", "http://board.example/mcp", "https://"),
        ("calls", "0", "TELEPHONY_BRIDGE_CALLS"),
        ("voice", "<voice>", "placeholder"),
    ],
)
def test_settings_refuse(name: str, value: str, problem: str) -> None:
    values = {"url": "https://phone.example", "model_url": "wss://api.example/v1"} | {name: value}
    with pytest.raises(errors.ConfigurationError, match=problem):
        settings_of(**values)


def test_tools_of_a_pattern_and_the_way_to_approve_them() -> None:
    tools = Tools("http://127.0.0.1:1/mcp", "", ["shop_*"])
    names = ("shop_book_visit", "approve_call", "note_save", "fs_read_file")
    assert [name for name in names if tools._is_allowed(name)] == ["shop_book_visit", "approve_call"]
