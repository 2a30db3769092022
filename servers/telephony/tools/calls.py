"""Calls: made, looked at, transferred, ended. https://www.twilio.com/docs/voice/api/call-resource"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import Field, HttpUrl

from flotilla import Cursor, Limit, Page, Phone, Toolset, When, confirm, errors, in_doubt, readable, settings_of
from flotilla.parsing import period, to_utc

from ..client import api, form, integration, paging, sid_of
from ..models import Call, CallDetails, CallRequest, Recording
from ..people import Sender, Who, ask_first, calling_number, check_no_live_call, e164, readable_number
from ..speech import LANGUAGE, VOICE, Twiml, language_of, voice_of

tools = Toolset("calls")
CallId = Annotated[
    str,
    Field(
        description="Id of the call, from tel_list_calls or the tool that made it.",
        examples=["CA0123456789abcdef0123456789abcdef"],
    ),
]
Text = Annotated[str | None, Field(max_length=3500, description="What is said, as plain text.")]
Audio = Annotated[
    HttpUrl | None, Field(description="Public https address of an MP3 or WAV file that follows the text.")
]
Language = Annotated[
    str | None,
    Field(
        pattern=LANGUAGE,
        description="Language of the text; recognized from the text without it.",
        examples=["fr-FR"],
    ),
]
VoiceName = Annotated[
    str | None,
    Field(pattern=VOICE, description="Voice of Twilio; the usual one without it.", examples=["Polly.Lea-Neural"]),
]


def manner(text: str, language: str | None, voice: str | None) -> tuple[str, str]:
    """Return language and voice of what is said: as passed, else as the text and the settings have it."""
    settings = settings_of(integration)
    spoken_in = language or language_of(text, settings.language)
    return spoken_in, voice or voice_of(spoken_in, settings.language, settings.voice)


def spoken_twiml(text: str | None, audio_url: HttpUrl | None, language: str | None, voice: str | None) -> Twiml:
    """Return what a call hears: a text, then a file; raises errors.InvalidInputError for neither."""
    plain = (text or "").strip()
    if not plain and audio_url is None:
        raise errors.InvalidInputError("There is nothing to say or to play.", "Pass a text or an audio_url.")
    if audio_url is not None and audio_url.scheme != "https":
        raise errors.InvalidInputError("The address of the sound does not begin with https.", "Pass one that does.")
    document = Twiml()
    if plain:
        document.say(plain, *manner(plain, language, voice))
    return document.play_file(str(audio_url)) if audio_url is not None else document


def shown_in_question(text: str | None, audio_url: HttpUrl | None) -> str:
    """Return what a person hears, for a question about it."""
    first = f"say «{errors.excerpt(text, 300)}»" if text and text.strip() else ""
    played = f"play {errors.excerpt(audio_url, 120)}" if audio_url is not None else ""
    return " and ".join(part for part in (first, played) if part)


@tools.writes(
    creates=True,
    asks=True,
    search="appeler appelle téléphoner passer un appel vocal message dire annoncer phone ring dial",
    examples=["Appelle Mme Roy et dis-lui que sa commande est prête.", "Call +33 6 12 34 56 78 and say we are late."],
)
async def start_call(
    to: Who,
    text: Text = None,
    audio_url: Audio = None,
    language: Language = None,
    voice: VoiceName = None,
    sender: Sender = None,
    record: Annotated[bool, Field(description="True records the call; the person must be told so.")] = False,
) -> Call:
    """Call somebody and say a text, or play a sound file, then hang up. The person is only spoken to.

    Somebody new to the account is asked about first. Returns at once, while it rings: tel_get_call says how it ends. To
    ask a question that is answered by a key, use tel_start_question. No second call is made to a number while one is
    under way.
    """
    number, document = e164(to), str(spoken_twiml(text, audio_url, language, voice))
    caller = await calling_number(sender)
    await check_no_live_call(number)
    await ask_first([number], f"Call from {readable_number(caller)} and {shown_in_question(text, audio_url)}")
    fields = form(To=number, From=caller, Twiml=document, Record=True if record else None)
    with in_doubt("Do not repeat it: look with tel_list_calls first.", "The call may have been made."):
        made = await api.post("/Calls.json", data=fields)
    return Call.model_validate(made).within(api.zone)


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    search="agent vocal appelle pour moi conversation assistant intelligent voice bot conversation realtime",
    examples=["Fais appeler M. Roy par l'agent pour déplacer son rendez-vous.", "Let the voice agent call Paul."],
)
async def start_agent_call(
    to: Who,
    task: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1500,
            description="What the agent is to do on this call, in full sentences: whom it calls, why, what to ask.",
            examples=["Appelle M. Roy pour déplacer son rendez-vous de mardi à jeudi 14 heures."],
        ),
    ],
    sender: Sender = None,
) -> Call:
    """Call somebody and let the voice agent of the media bridge speak with them, with the tools that it was given.

    The user is asked first. Returns at once, while it rings: tel_get_call says how it ends, not what was said. To only
    say a text use tel_start_call; to ask one question that is answered by a key, tel_start_question.
    """
    bridge = settings_of(integration).bridge_url
    if not bridge:
        raise errors.ConfigurationError(
            "No voice agent is connected.",
            "Ask the operator to run the media bridge and to set TELEPHONY_BRIDGE_URL; or use tel_start_call.",
        )
    number = e164(to)
    caller = await calling_number(sender)
    await check_no_live_call(number)
    question = f"Let the voice agent call {readable_number(number)} from {readable_number(caller)}: "
    await confirm(f"{question}«{errors.excerpt(task, 300)}»?")
    address = f"{bridge.rstrip('/')}/voice?{urlencode({'task': task})}"
    with in_doubt("Do not repeat it: look with tel_list_calls first.", "The call may have been made."):
        made = await api.post("/Calls.json", data=form(To=number, From=caller, Url=address))
    return Call.model_validate(made).within(api.zone)


@tools.reads(search="état de l'appel décroché en cours terminé durée coût live status picked up")
async def get_call(call: CallId) -> CallDetails:
    """Get one call as it is now: ringing, in progress or how it ended, its length, price, recordings and other legs.

    Take the id from tel_list_calls or from the tool that made the call. To save a recording, its id goes to the tools
    for recordings.
    """
    sid = sid_of(call, "a call", "tel_list_calls", "CA")
    current = await api.get(f"/Calls/{sid}.json")
    legs, recordings = await asyncio.gather(
        api.rows("/Calls.json", "calls", params={"ParentCallSid": sid, "PageSize": 20}),
        api.rows(f"/Calls/{sid}/Recordings.json", "recordings", params={"PageSize": 20}),
    )
    details = CallDetails.model_validate(current).within(api.zone)
    return details.model_copy(
        update={
            "legs": [one.within(api.zone) for one in readable(Call, legs)],
            "recordings": [one.within(api.zone) for one in readable(Recording, recordings)],
        }
    )


@tools.reads(
    search="historique appels manqués journal reçus émis qui a appelé call log missed history",
    examples=["Qui a appelé ce matin ?", "Did we call Jean yesterday?"],
)
async def list_calls(
    to: Annotated[Phone | None, Field(description="Only calls to this number.")] = None,
    caller: Annotated[Phone | None, Field(description="Only calls from this number.")] = None,
    status: Annotated[
        Literal["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"] | None,
        Field(description="Only calls with this status."),
    ] = None,
    after: Annotated[When | None, Field(description="Only calls that began on this day or time, or later.")] = None,
    before: Annotated[
        When | None, Field(description="Only calls that began before this time; a day is included.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Call]:
    """List calls of the account, newest first, with both numbers, status, length and price.

    Use it after a lost connection to see whether a call was made. For all that was last said with one person in both
    directions, use tel_check_number; for the state of one call, tel_get_call.
    """
    begin, end = period(after, before, api.zone, "after", "before")
    params = {
        "To": e164(to) if to else None,
        "From": e164(caller) if caller else None,
        "Status": status,
        "StartTime>": to_utc(begin) if begin else None,
        "StartTime<": to_utc(end) if end else None,
    }
    page = await api.page("/Calls.json", Call, params=params, limit=limit, cursor=cursor, paging=paging("calls"))
    return page.model_copy(update={"items": [one.within(api.zone) for one in page.items]})


async def live_call(call: str) -> Call:
    """Return a call that is not over; raises errors.InvalidInputError for one that is."""
    sid = sid_of(call, "a call", "tel_list_calls", "CA")
    current = Call.model_validate(await api.get(f"/Calls/{sid}.json"))
    if not current.live:
        raise errors.InvalidInputError(
            f"This call is over already ({current.status}); nothing was done.", "Look at it with tel_get_call."
        )
    return current


@tools.writes(
    additive=False,
    asks=True,
    search="transférer transfère passer l'appel mettre en relation rediriger renvoyer transfer connect redirect",
    examples=["Passe l'appel à Paul au 06 98 76 54 32.", "Transfer this call to my mobile."],
)
async def forward_call(
    call: CallId,
    to: Who,
    text: Annotated[str | None, Field(max_length=1000, description="What the person on the line hears first.")] = None,
) -> Call:
    """Transfer a live call to another number: whatever it was doing stops, and both people are joined.

    Take the id from tel_list_calls with status="in-progress". The number that is called sees the account's number.
    Somebody new is asked about first. What becomes of it shows in the legs of tel_get_call.
    """
    current, number = await live_call(call), e164(to)
    own = str((current.to if current.direction == "inbound" else current.sender) or "")
    document = Twiml()
    if text and text.strip():
        document.say(text.strip(), *manner(text, None, None))
    document.dial(number, own if own.startswith("+") else "")
    await ask_first([number], f"Transfer the call with {_other_side(current)}")
    with in_doubt("Do not repeat it: look with tel_get_call first.", "The call may have been transferred."):
        changed = await api.post(f"/Calls/{current.call}.json", data=form(Twiml=str(document)))
    return Call.model_validate(changed).within(api.zone)


def _other_side(call: Call) -> str:
    number = (call.sender if call.direction == "inbound" else call.to) or "an unknown number"
    return readable_number(number)


@tools.writes(
    additive=False, idempotent=True, search="raccrocher raccroche terminer l'appel annuler hang up end cancel"
)
async def stop_call(call: CallId) -> Call:
    """End a call: hang up one that is in progress, or cancel one that is queued or still rings.

    Take the id from tel_list_calls or from the tool that made it. A call that is over already stays as it is, and the
    error says how it ended.
    """
    current = await live_call(call)
    status = "canceled" if current.status == "queued" else "completed"
    ended = await api.post(f"/Calls/{current.call}.json", data={"Status": status})
    return Call.model_validate(ended).within(api.zone)


@tools.writes(
    core=False,
    additive=False,
    search="dire pendant l'appel annoncer jouer un son en cours say play during live",
    examples=["Dis à la personne en ligne qu'un conseiller arrive."],
)
async def update_call(
    call: CallId,
    text: Text = None,
    audio_url: Audio = None,
    language: Language = None,
    voice: VoiceName = None,
    seconds: Annotated[
        int, Field(ge=0, le=600, description="Seconds of silence after it, during which the line stays open.")
    ] = 0,
) -> Call:
    """Say a text or play a sound file in a live call; whatever it was doing stops, and the call ends afterwards.

    Pass seconds to keep the line open, and go on with another call of this tool or with tel_forward_call. Take the id
    from tel_list_calls.
    """
    current, document = await live_call(call), spoken_twiml(text, audio_url, language, voice)
    if seconds:
        document.pause(seconds)
    with in_doubt("Look with tel_get_call whether the call goes on.", "It may be heard already."):
        changed = await api.post(f"/Calls/{current.call}.json", data=form(Twiml=str(document)))
    return Call.model_validate(changed).within(api.zone)


@tools.writes(
    core=False,
    creates=True,
    additive=False,
    search="enregistrer enregistrement pause reprendre arrêter conversation recording",
    examples=["Enregistre cet appel.", "Pause the recording."],
)
async def record_call(
    call: CallId,
    action: Annotated[
        Literal["start", "pause", "resume", "stop"], Field(description="What is to be done with the recording.")
    ] = "start",
) -> Recording:
    """Start, pause, resume or stop the recording of a call that is in progress. It is done at once.

    In most countries the person must be told and agree. Take the id from tel_list_calls with status="in-progress". The
    file comes with tel_get_recording once the recording is completed.
    """
    current = await live_call(call)
    path = f"/Calls/{current.call}/Recordings"
    rows = readable(Recording, await api.rows(f"{path}.json", "recordings", params={"PageSize": 20}))
    running = next((one for one in rows if one.status in ("in-progress", "paused")), None)
    if action == "start":
        if running:
            raise errors.InvalidInputError(
                f"This call is being recorded already ({running.status}).", "Pause, resume or stop the recording."
            )
        with in_doubt("Look with tel_get_call first.", "The recording may have begun."):
            made = await api.post(f"{path}.json", data={"RecordingChannels": "dual"})
        return Recording.model_validate(made).within(api.zone)
    if not running:
        raise errors.InvalidInputError("This call is not being recorded.", 'Start it with action="start".')
    status = {"pause": "paused", "resume": "in-progress", "stop": "stopped"}[action]
    done = await api.post(f"{path}/{running.recording}.json", data={"Status": status})
    return Recording.model_validate(done).within(api.zone)


@tools.reads(core=False, search="touches pressées webhook requêtes événements de l'appel digits pressed debugger")
async def list_call_requests(call: CallId, limit: Limit = 20, cursor: Cursor = None) -> Page[CallRequest]:
    """List what Twilio asked the account's own web application during a call: addresses, keys pressed, answers.

    It shows only what went to a web application, 15 minutes after the call's end at the earliest. Take the id from
    tel_list_calls. The keys of a question by phone are in tel_get_answer at once.
    """
    sid = sid_of(call, "a call", "tel_list_calls", "CA")
    return await api.page(f"/Calls/{sid}/Events.json", CallRequest, limit=limit, cursor=cursor, paging=paging("events"))
