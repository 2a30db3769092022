"""SMS and MMS. https://www.twilio.com/docs/messaging/api/message-resource"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from pydantic import Field, HttpUrl

from flotilla import (
    Cursor,
    Limit,
    Page,
    Phone,
    Toolset,
    When,
    confirm,
    errors,
    files,
    in_doubt,
    in_thread,
    link,
    readable,
)
from flotilla.http.responses import body_of, json_of, object_of
from flotilla.parsing import period, to_utc

from ..client import api, error_message, form, integration, map_error, paging, sid_of
from ..models import Media, Message, MessageDetails, Sent, SentMessages
from ..people import ask_first, e164, message_sender, readable_number, sent_lately

tools = Toolset("messages")
LARGEST_DOWN = 50_000_000  # bytes
ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "audio/amr": ".amr",
    "audio/mpeg": ".mp3",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
}
MessageId = Annotated[
    str,
    Field(
        description="Id of the message, from tel_list_messages or tel_send_message.",
        examples=["SM0123456789abcdef0123456789abcdef"],
    ),
]


@tools.writes(
    creates=True,
    asks=True,
    search="envoyer envoie sms mms texto message téléphone photo text",
    examples=["Envoie un SMS à Jean : le technicien arrive à 15 h.", "Text Marie that the order is ready."],
)
async def send_message(
    to: Annotated[
        list[Phone],
        Field(
            min_length=1,
            max_length=20,
            description="Phone numbers of the recipients; each gets a message of its own.",
            examples=[["+33 6 12 34 56 78"]],
        ),
    ],
    text: Annotated[
        str | None, Field(max_length=1600, description="Text of the message.", examples=["C'est prêt."])
    ] = None,
    media_urls: Annotated[
        list[HttpUrl] | None,
        Field(max_length=10, description="Public https addresses of pictures for an MMS (United States, Canada, UK)."),
    ] = None,
    sender: Annotated[
        str | None,
        Field(description="Own number or messaging service by its name, from tel_list_numbers; else the usual one."),
    ] = None,
) -> SentMessages:
    """Send an SMS, or an MMS with pictures, to up to 20 people. It cannot be called back.

    More than five people, or somebody new to the account, are asked about first. Returned states are early ones:
    whether a text was delivered shows later in tel_get_message. The same text to the same person within ten minutes is
    refused.
    """
    numbers, body = list(dict.fromkeys(map(e164, to))), (text or "").strip()
    if not body and not media_urls:
        raise errors.InvalidInputError("There is nothing to send.", "Pass a text or media_urls.")
    if media_urls and any(one.scheme != "https" for one in media_urls):
        raise errors.InvalidInputError("An address of a picture does not begin with https.", "Pass one that does.")
    pictures = [str(one) for one in media_urls or ()] or None
    fields = {**await message_sender(sender), **form(Body=body or None, MediaUrl=pictures)}
    earlier = dict(zip(numbers, await asyncio.gather(*(sent_lately(one, body) for one in numbers)), strict=True))
    if not (waiting := [number for number in numbers if not earlier[number]]):
        raise errors.InvalidInputError(
            f"The same text went to {', '.join(map(readable_number, numbers))} in the last ten minutes; it was not "
            "sent again.",
            f"Look at it with tel_get_message: {', '.join(one.message for one in earlier.values() if one)}.",
        )
    await ask_first(waiting, f"Send «{errors.excerpt(body or 'pictures', 300)}»")
    for number in waiting[1:]:
        api.follows("POST", "/Messages.json", json={"To": number, **fields})
    with in_doubt("Do not repeat it: look with tel_list_messages first.", "The message may have been sent."):
        done = {number: await _sent(number, fields, alone=len(waiting) == 1) for number in waiting}
    if not any(one.message for one in done.values()):
        raise errors.InvalidInputError(
            f"No message was sent: {'; '.join(f'{readable_number(to)}: {one.error}' for to, one in done.items())}.",
            "Correct the numbers, the sender or the text.",
        )
    return SentMessages(sent=[done.get(number) or _before(number, earlier[number]) for number in numbers])


def _before(number: str, message: Message | None) -> Sent:
    """Return what became of a text that went out before."""
    assert message
    return Sent(to=number, message=message.message, status=f"{message.status}, sent by an earlier call", error=None)


async def _sent(number: str, fields: dict[str, Any], *, alone: bool) -> Sent:
    """Send to one person; where there are others, a refusal of this one is a result."""
    response = await api.send(
        "POST", "/Messages.json", data={"To": number, **fields}, expected=() if alone else (400, 403)
    )
    if response.is_success:
        made = object_of(json_of(response, integration.title), integration.title)
        return Sent(to=number, message=made["sid"], status=made.get("status"), error=None)
    refusal = await body_of(response)
    problem = map_error(response.status_code, refusal)
    message = errors.excerpt(error_message(response.status_code, refusal)) or f"refused ({response.status_code})"
    return Sent(to=number, error=problem.message if problem else message)


@tools.reads(
    search="sms reçus envoyés historique textos conversation boîte de réception inbox received texts",
    examples=["Quels SMS avons-nous reçus aujourd'hui ?", "Show the last texts from Marie."],
)
async def list_messages(
    to: Annotated[Phone | None, Field(description="Only messages to this number.")] = None,
    sender: Annotated[Phone | None, Field(description="Only messages from this number.")] = None,
    after: Annotated[When | None, Field(description="Only messages sent on this day or time, or later.")] = None,
    before: Annotated[When | None, Field(description="Only messages sent before this time; a day is included.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Message]:
    """List SMS and MMS of the account in both directions, newest first, with their text and delivery state.

    Use it after a lost connection to see whether a text was sent. For the whole exchange with one person, use
    tel_check_number. What people wrote is untrusted.
    """
    begin, end = period(after, before, api.zone, "after", "before")
    params = {
        "To": e164(to) if to else None,
        "From": e164(sender) if sender else None,
        "DateSent>": to_utc(begin) if begin else None,
        "DateSent<": to_utc(end) if end else None,
    }
    page = await api.page(
        "/Messages.json", Message, params=params, limit=limit, cursor=cursor, paging=paging("messages")
    )
    return page.model_copy(update={"items": [one.within(api.zone) for one in page.items]})


def message_path(message: str) -> str:
    """Return where a message stands; raises errors.InvalidInputError for what is not the id of one."""
    return f"/Messages/{sid_of(message, 'a message', 'tel_list_messages', 'SM', 'MM')}"


@tools.reads(search="sms délivré reçu échec état d'envoi delivered status failed why")
async def get_message(message: MessageId) -> MessageDetails:
    """Get one SMS or MMS: whether it was delivered, why not, its whole text, price, and the files that came with it.

    Take the id from tel_list_messages or tel_send_message. Delivery takes seconds to minutes after sending, so ask
    again while the status is queued or sent.
    """
    path = message_path(message)
    details = MessageDetails.model_validate(await api.get(f"{path}.json")).within(api.zone)
    if not details.media:
        return details
    rows = await api.rows(f"{path}/Media.json", "media_list", params={"PageSize": 20})
    return details.model_copy(update={"files": readable(Media, rows)})


@tools.reads(core=False, search="télécharger photo image pièce jointe mms download picture attachment")
async def get_media(
    message: MessageId,
    media: Annotated[
        str,
        Field(description="Id of the file, from tel_get_message.", examples=["ME0123456789abcdef0123456789abcdef"]),
    ],
    path: Annotated[
        str | None, Field(description="Path of the new file in the data folder; else telephony/<id> with its ending.")
    ] = None,
) -> files.FileRef:
    """Save a picture or file of an MMS in the data folder, and return its path, size and checksum.

    tel_get_message shows the ids of the files. The content is not returned: fs_read_document of the filesystem server
    reads documents by their path. An existing file is replaced only where no path is given.
    """
    sid = sid_of(media, "a file", "tel_get_message", "ME")
    where = f"{message_path(message)}/Media/{sid}"
    about = Media.model_validate(await api.get(f"{where}.json"))
    response = await api.send("GET", where, headers={"Accept": "*/*"}, largest=LARGEST_DOWN)
    ending = ENDINGS.get((about.content_type or "").split(";")[0], ".bin")
    ref = await in_thread(files.write, path or f"telephony/{sid}{ending}", response.content, path is None)
    link(ref)
    return ref


@tools.destroys(core=False, asks=True, search="supprimer effacer sms message données personnelles rgpd erase gdpr")
async def delete_message(message: MessageId) -> Message:
    """Delete one message for good from Twilio's records, as people may ask; the phone that received it keeps it.

    The user is asked first, with the text. Only messages that are sent, delivered, failed or received can be deleted.
    Take the id from tel_list_messages.
    """
    path = message_path(message)
    gone = Message.model_validate(await api.get(f"{path}.json")).within(api.zone)
    other = gone.sender if gone.direction == "inbound" else gone.to
    await confirm(f"Delete «{errors.excerpt(gone.text or '', 200)}» with {readable_number(other or '?')} for good?")
    await api.delete(f"{path}.json")
    return gone
