"""Questions by phone that are answered by a key. See `studio`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Toolset, errors, in_doubt, progress
from flotilla.calls.context import current

from ..client import studio
from ..models import Answer, Question
from ..people import Sender, Who, ask_first, calling_number, check_no_live_call, e164, readable_number
from ..speech import spoken
from ..studio import answer_to, create_flow, flow_named, name_of, question_form, start
from .calls import Language, VoiceName, manner

tools = Toolset("questions")
PAUSE = 2.0  # seconds between two looks
RESERVE = 5.0  # seconds of the call that are kept for what comes after the waiting


@tools.writes(
    creates=True,
    asks=True,
    search="demander confirmer rendez-vous par téléphone tapez 1 touche clavier sondage keypad press gather menu ivr",
    examples=[
        "Appelle Jean et demande-lui de confirmer son rendez-vous avec la touche 1 ou 2.",
        "Call the customer and ask to press 1 to confirm.",
    ],
)
async def start_question(
    to: Who,
    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1500,
            description="What is said, the keys to press included.",
            examples=["Votre rendez-vous est mardi à 14 heures. Pour confirmer, tapez 1. Pour annuler, tapez 2."],
        ),
    ],
    digits: Annotated[int, Field(ge=1, le=20, description="Number of keys to gather; # ends sooner.")] = 1,
    closing: Annotated[
        str | None, Field(max_length=500, description="What is said after a key; a word of thanks without it.")
    ] = None,
    language: Language = None,
    voice: VoiceName = None,
    sender: Sender = None,
) -> Question:
    """Call somebody, ask a question and gather the keys that they press. Then get the keys with tel_get_answer.

    No web server is needed: a flow of Twilio Studio does it, which the first question of a kind makes in the account
    (Studio has its own price). Somebody new is asked about first. To only say something, use tel_start_call.
    """
    number = e164(to)
    spoken_in, said_by = manner(text, language, voice)
    french = spoken_in.startswith("fr")
    thanks = closing if closing and closing.strip() else ("Merci. Au revoir." if french else "Thank you. Goodbye.")
    if not (question := spoken(text, spoken_in)):
        raise errors.InvalidInputError("The text has nothing that can be said.", "Pass a sentence as text.")
    caller = await calling_number(sender)
    fields = question_form(number, caller, question, spoken(thanks, spoken_in))
    await check_no_live_call(number)
    name = name_of(spoken_in, said_by, digits)
    flow = await flow_named(name)
    await ask_first([number], f"Call from {readable_number(caller)} and ask «{errors.excerpt(question, 300)}»")
    with in_doubt("Do not repeat it: look with tel_list_calls first.", "The call may have been made."):
        if not flow:
            flow = await create_flow(name, spoken_in, said_by, digits, start_form=fields)
        run = await start(flow, fields)
    return Question(question=run, to=number, sender=caller, language=spoken_in)


@tools.reads(
    search="réponse touche pressée confirmé a-t-il répondu résultat digits result keypress",
    examples=["Qu'est-ce qu'elle a tapé ?", "Did the customer press 1?"],
)
async def get_answer(
    question: Annotated[
        str,
        Field(
            description="Id of the question, from tel_start_question.",
            examples=["FW0123456789abcdef0123456789abcdef-FN0123456789abcdef0123456789abcdef"],
        ),
    ],
    wait: Annotated[int, Field(ge=0, le=35, description="Seconds to wait for the answer.")] = 30,
) -> Answer:
    """Get the keys that somebody pressed in answer to a question by phone, and wait for them a while.

    Take the id from tel_start_question. While state is waiting, the phone rings or the person listens: call this tool
    again. Who speaks in place of pressing answers with speech. no_key means that they picked up and did neither;
    not_reached that nobody picked up.
    """
    answer, waited = await answer_to(question), 0.0
    while answer.state == "waiting" and waited + PAUSE <= wait and current().left() > RESERVE + PAUSE:
        await progress(waited, wait)
        await studio.connection.network.retry.sleep(PAUSE)
        waited += PAUSE
        answer = await answer_to(question)
    return answer
