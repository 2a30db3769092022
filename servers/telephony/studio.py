"""Questions by phone: a flow of Twilio Studio says them, gathers the keys that are pressed, and keeps them.

A `<Gather>` of TwiML sends its keys to a public address, which a server like this one has not; the log of what was
sent there (Call Events) opens 15 minutes after the call. A flow runs at Twilio and holds the keys in its context,
which can be read while the call goes on. https://www.twilio.com/docs/studio/rest-api/v2/execution
"""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from flotilla import errors, segment

from .client import api, form, product_paging, sid_of, studio
from .models import Answer, Call, Service

PAGES = 10  # of a hundred flows, among which ours is looked for
CALL, ASK, THANK = "call_person", "ask", "thank"  # the widgets of our flow
RING = 30  # seconds
WAIT = 8  # seconds for the first key
NOT_REACHED = ("busy", "no-answer", "failed", "canceled")


def definition(language: str, voice: str, digits: int) -> dict[str, Any]:
    """Return the flow that asks one question: call, say the text twice while it waits for keys, thank, hang up.

    Studio listens for speech too: what somebody says in place of a key is an answer as well.

    What is said comes with each question as flow.data; language, voice and the number of keys are the flow's own, for
    Studio takes no variable there. https://www.twilio.com/docs/studio/widget-library
    """
    manner = {"language": language, **({"voice": voice} if voice else {})}
    return {
        "description": "Asks one question by phone and keeps the keys that are pressed. Made by Flotilla.",
        "initial_state": "Trigger",
        "flags": {"allow_concurrent_calls": True},
        "states": [
            {
                "name": "Trigger",
                "type": "trigger",
                "transitions": [
                    {"event": "incomingMessage"},
                    {"event": "incomingCall"},
                    {"event": "incomingConversationMessage"},
                    {"event": "incomingRequest", "next": CALL},
                    {"event": "incomingParent"},
                ],
                "properties": {"offset": {"x": 0, "y": 0}},
            },
            {
                "name": CALL,
                "type": "make-outgoing-call-v2",
                "transitions": [
                    {"event": "answered", "next": ASK},
                    {"event": "busy"},
                    {"event": "noAnswer"},
                    {"event": "failed"},
                ],
                "properties": {
                    "offset": {"x": 0, "y": 200},
                    "to": "{{contact.channel.address}}",
                    "from": "{{flow.channel.address}}",
                    "timeout": RING,
                    "record": False,
                    "recording_channels": "mono",
                    "trim": "do-not-trim",
                    "detect_answering_machine": False,
                    "machine_detection": "Enable",
                    "machine_detection_timeout": "30",
                    "machine_detection_silence_timeout": "5000",
                    "machine_detection_speech_threshold": "2400",
                    "machine_detection_speech_end_threshold": "1200",
                },
            },
            {
                "name": ASK,
                "type": "gather-input-on-call",
                "transitions": [
                    {"event": "keypress", "next": THANK},
                    {"event": "speech", "next": THANK},
                    {"event": "timeout"},
                ],
                "properties": {
                    "offset": {"x": 0, "y": 400},
                    "say": "{{flow.data.text}}",
                    **manner,
                    "loop": 2,
                    "number_of_digits": digits,
                    "finish_on_key": "#",
                    "stop_gather": True,
                    "timeout": WAIT,
                    "gather_language": language,
                    "speech_timeout": "auto",
                    "profanity_filter": "true",
                },
            },
            {
                "name": THANK,
                "type": "say-play",
                "transitions": [{"event": "audioComplete"}],
                "properties": {"offset": {"x": 0, "y": 600}, "say": "{{flow.data.closing}}", **manner, "loop": 1},
            },
        ],
    }


def name_of(language: str, voice: str, digits: int) -> str:
    """Return the name of the flow for a language, a voice and a number of keys: one that changes gets another name."""
    keys = "1 key" if digits == 1 else f"{digits} keys"
    return f"Flotilla question 1: {language}, {voice or 'default voice'}, {keys}"


async def flow_named(name: str) -> str | None:
    """Return the id of a published flow, which is looked for once a process; None where the account has none."""
    known: dict[str, str] = studio.connection.metadata.setdefault("flows", {})
    cursor: str | None = None
    for _ in range(PAGES if name not in known else 0):
        page = await studio.page("/v2/Flows", Service, limit=100, cursor=cursor, paging=product_paging("flows"))
        known.update({one.name: one.id for one in page.items})
        cursor = page.next_cursor
        if name in known or not cursor:
            break
    return known.get(name)


async def create_flow(name: str, language: str, voice: str, digits: int, start_form: dict[str, Any]) -> str:
    """Make the flow in the account, and return its id; `start_form` is what starts it, for a dry run."""
    text = to_json(definition(language, voice, digits)).decode()
    studio.follows("POST", "/v2/Flows/{FlowSid}/Executions", json=start_form)
    made = await studio.post("/v2/Flows", data=form(FriendlyName=name, Status="published", Definition=text))
    studio.connection.metadata.setdefault("flows", {})[name] = made["sid"]
    return str(made["sid"])


def question_form(to: str, sender: str, text: str, closing: str) -> dict[str, Any]:
    """Return the form that starts a flow: what is said travels as data, in which no variable is looked for."""
    return form(To=to, From=sender, Parameters=to_json({"text": text, "closing": closing}).decode())


async def start(flow: str, fields: dict[str, Any]) -> str:
    """Start a flow, which calls at once; returns the id of the question."""
    made = await studio.post(f"/v2/Flows/{segment(flow)}/Executions", data=fields)
    return f"{flow}-{made['sid']}"


def path_of(question: str) -> str:
    """Return where a question stands; raises errors.InvalidInputError for what is not the id of one."""
    flow, _, run = question.strip().partition("-")
    if not (flow.startswith("FW") and run.startswith("FN")):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(question, 80)}` is not the id of a question.",
            "Pass the one that tel_start_question returned.",
        )
    tool = "tel_start_question"
    return f"/v2/Flows/{sid_of(flow, 'a flow', tool, 'FW')}/Executions/{sid_of(run, 'a question', tool, 'FN')}"


async def answer_to(question: str) -> Answer:
    """Return where a question stands now: the run of its flow, and what the flow's widgets hold."""
    path = path_of(question)
    ended = (await studio.get(path)).get("status") == "ended"
    context = (await studio.get(f"{path}/Context")).get("context")
    widgets = context.get("widgets") if isinstance(context, dict) else None
    call, asked, thanked = (_widget(widgets, name) for name in (CALL, ASK, THANK))
    last = thanked or asked or call
    digits, speech = str(asked.get("Digits") or ""), str(asked.get("SpeechResult") or "")
    status = str(last.get("CallStatus") or "")
    state = "waiting"
    if digits or speech:
        state = "answered"
    elif ended:
        state = "no_key" if asked else "not_reached"
    if state != "answered" and status in NOT_REACHED:
        state = "not_reached"
    sid = call.get("CallSid") or asked.get("CallSid")
    if state == "waiting" and sid:  # a flow may miss that somebody hung up, and stay open
        real = Call.model_validate(await api.get(f"/Calls/{segment(str(sid))}.json"))
        state, status = state if real.live else ("not_reached" if real.status in NOT_REACHED else "no_key"), real.status
    return Answer(
        question=question.strip(),
        state=state,
        digits=digits or None,
        speech=speech or None,
        call=str(sid) if sid else None,
        call_status=status or None,
    )


def _widget(widgets: Any, name: str) -> dict[str, Any]:
    """Return what a widget holds: nothing before the flow has come to it."""
    held = widgets.get(name) if isinstance(widgets, dict) else None
    return held if isinstance(held, dict) else {}
