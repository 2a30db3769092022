"""Numbers as people say them: whom a call goes to, which number it comes from, and whether somebody is new."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from flotilla import Phone, choose, confirm, errors, readable, settings_of, will_ask
from flotilla.calls.confirmation import FEW
from flotilla.parsing import looks_like_phone

from .client import api, integration, messaging
from .models import Call, Message, OwnNumber, Service

PAGE = 100  # numbers of an account among which a name is looked for
RECENT = 600  # seconds in which the same text to the same person is taken for a repetition
Who = Annotated[
    Phone,
    Field(description="Phone number as people write it, best with its calling code.", examples=["+33 6 12 34 56 78"]),
]
Sender = Annotated[
    str | None,
    Field(description="Number or name of the account's own number, from tel_list_numbers; the usual one without it."),
]


def country() -> str:
    """Return the country in which numbers without a calling code are read: that of the account's number, if set."""
    import phonenumbers

    usual = settings_of(integration).from_number
    region = phonenumbers.region_code_for_number(phonenumbers.parse(usual)) if usual else None
    return region or api.connection.fleet.country


def e164(phone: Phone) -> str:
    """Return a number as + and digits; raises errors.InvalidInputError for what is none."""
    return phone.e164(country())


def readable_number(number: str) -> str:
    """Return a number as people read it, and any other text as it is."""
    return Phone.read(number).international(country()) if looks_like_phone(number) else number


async def own_numbers(*, verified: bool = False) -> list[OwnNumber]:
    """Return the account's numbers; with `verified`, also those that may only be shown as the caller."""
    rows = await api.rows("/IncomingPhoneNumbers.json", "incoming_phone_numbers", params={"PageSize": PAGE})
    numbers = readable(OwnNumber, rows)
    if verified:
        others = await api.rows("/OutgoingCallerIds.json", "outgoing_caller_ids", params={"PageSize": PAGE})
        numbers += [one.model_copy(update={"kind": "verified", "voice": True}) for one in readable(OwnNumber, others)]
    return numbers


async def calling_number(sender: str | None) -> str:
    """Return the number (E.164) from which a call is made.

    Raises errors.InvalidInputError with the candidates where the choice is open, errors.NotFoundError for none.
    """
    wanted = sender or settings_of(integration).from_number
    if wanted and looks_like_phone(wanted):
        return e164(Phone.read(wanted))
    able = [one for one in await own_numbers(verified=bool(wanted)) if one.voice is not False]
    return _one_of(able, wanted, "calls")


async def message_sender(sender: str | None) -> dict[str, str]:
    """Return the fields that say who sends a text: a number, or a messaging service by its name.

    Raises as `calling_number` does.
    """
    settings = settings_of(integration)
    wanted = sender or settings.messaging_service or settings.sender_name or settings.from_number
    if wanted and wanted.casefold() == settings.sender_name.casefold():
        return {"From": settings.sender_name}
    if wanted.startswith("MG") and len(wanted) == 34:
        return {"MessagingServiceSid": wanted}
    if wanted and looks_like_phone(wanted):
        return {"From": e164(Phone.read(wanted))}
    able = [one for one in await own_numbers() if one.sms is not False]
    if not wanted:
        return {"From": _one_of(able, wanted, "texts")}
    rows = await messaging.rows("/v1/Services", "services", params={"PageSize": PAGE})
    named: list[OwnNumber | Service] = [*able, *readable(Service, rows)]
    chosen = choose(wanted, named, kind="sender", listed_by="tel_list_numbers")
    return {"From": chosen.number} if isinstance(chosen, OwnNumber) else {"MessagingServiceSid": chosen.id}


def _one_of(numbers: Sequence[OwnNumber], wanted: str | None, use: str) -> str:
    """Return the number that is meant, or the only one."""
    if wanted:
        return choose(wanted, numbers, kind="number", listed_by="tel_list_numbers").number
    if len(numbers) == 1:
        return numbers[0].number
    if not numbers:
        raise errors.NotFoundError(
            f"The account has no number for {use}.", "Ask the user to buy one in the console of Twilio."
        )
    shown = ", ".join(f"{one.number} ({errors.excerpt(one.name or '', 40)})" for one in numbers[:20])
    raise errors.InvalidInputError(f"Several numbers of the account can be used: {shown}.", "Pass one as sender.")


# -- what was last said with somebody ---------------------------------------------------------------------------------


async def last_calls(number: str, most: int = 5) -> list[Call]:
    """Return the last calls with a number in both directions, newest first."""
    made, received = await asyncio.gather(_calls("To", number, most), _calls("From", number, most))
    calls = {one.call: one for one in [*made, *received]}
    return sorted(calls.values(), key=lambda one: one.start_time or datetime.max.replace(tzinfo=UTC), reverse=True)[
        :most
    ]


async def _calls(side: str, number: str, most: int) -> list[Call]:
    return readable(Call, await api.rows("/Calls.json", "calls", params={side: number, "PageSize": most}))


async def last_messages(number: str, most: int = 5) -> list[Message]:
    """Return the last texts with a number in both directions, newest first."""
    sent, received = await asyncio.gather(_messages("To", number, most), _messages("From", number, most))
    texts = {one.message: one for one in [*sent, *received]}
    return sorted(texts.values(), key=lambda one: one.time or datetime.max.replace(tzinfo=UTC), reverse=True)[:most]


async def _messages(side: str, number: str, most: int) -> list[Message]:
    return readable(Message, await api.rows("/Messages.json", "messages", params={side: number, "PageSize": most}))


async def is_new(number: str) -> bool:
    """Tell whether the account has never called or written to a number, nor heard from it."""
    for side in ("To", "From"):
        if await _calls(side, number, 1) or await _messages(side, number, 1):
            return False
    return True


async def ask_first(numbers: Sequence[str], action: str) -> None:
    """Ask before a call or a text reaches somebody new, more than five people, or a number at a premium rate.

    `action` begins the question ("Send «…»"), which names who is new. Nobody is asked where FLOTILLA_CONFIRM says so,
    and nothing is looked up then.
    """
    if not will_ask():
        return
    unknown_ones = await asyncio.gather(*(is_new(number) for number in numbers))
    new = [readable_number(number) for number, unknown in zip(numbers, unknown_ones, strict=True) if unknown]
    dear = [readable_number(number) for number in numbers if is_premium(number)]
    if not (new or dear or len(numbers) > FEW):
        return
    notes = f" New to this account: {', '.join(new)}." if new else ""
    notes += f" At a premium rate: {', '.join(dear)}." if dear else ""
    shown = ", ".join(map(readable_number, numbers))
    await confirm(f"{action} to {shown}?{notes} It costs money and cannot be taken back.")


def is_premium(number: str) -> bool:
    """Tell whether a number (E.164) costs more than a call, such as French ones that begin with 089."""
    import phonenumbers

    kind = phonenumbers.number_type(phonenumbers.parse(number))
    return bool(kind == phonenumbers.PhoneNumberType.PREMIUM_RATE)


async def check_no_live_call(number: str) -> None:
    """Raise errors.InvalidInputError where a call to a number is under way: Twilio would make a second one."""
    live = next((one for one in await _calls("To", number, 5) if one.live), None)
    if live:
        raise errors.InvalidInputError(
            f"A call to {readable_number(number)} is under way already ({live.status}); no other one was made.",
            f"Look at it with tel_get_call, or end it with tel_stop_call: {live.call}.",
        )


async def sent_lately(number: str, text: str) -> Message | None:
    """Return the message that took the same text to a number a moment ago: Twilio would send it again."""
    for one in await _messages("To", number, 5) if text else ():
        age = (datetime.now(UTC) - one.time).total_seconds() if one.time else 0.0
        if (one.text or "").endswith(text) and age < RECENT and one.status not in ("failed", "undelivered", "canceled"):
            return one
    return None
