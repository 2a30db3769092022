"""Who and what is meant: people, channels and messages by the names, links and ids that people write."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import choose, errors, readable, settings_of
from flotilla.parsing import folded, listed, zone_or

from .client import api, call, integration, pages
from .models import Account, Conversation, Person

PAGES = 10  # of a thousand people or channels
PEOPLE_LISTED_BY, CHANNELS_LISTED_BY = "slack_search_people", "slack_search_channels"
PERSON_ID, CHANNEL_ID = re.compile(r"[UW][A-Z0-9]{6,}"), re.compile(r"[CGD][A-Z0-9]{6,}")
_ARCHIVE = re.compile(
    r"https://[\w.-]+\.slack(?:-gov)?\.com/archives/(?P<channel>[CGD][A-Z0-9]+)"
    r"(?:/p(?P<seconds>\d{10})(?P<rest>\d{6}))?(?:\?(?P<query>\S*))?",
    re.ASCII,
)
_MESSAGE = re.compile(
    r"(?P<channel>[CGD][A-Z0-9]{6,})/(?P<ts>\d{9,11}\.\d{1,6})(?:/(?P<thread>\d{9,11}\.\d{1,6}))?", re.ASCII
)
ME = ("me", "moi", "@me", "@moi")
T = TypeVar("T")

Channel = Annotated[
    str,
    Field(
        description="Channel (#ventes), id or link; or a person (@Marie, e-mail address) for the direct conversation.",
        examples=["#ventes"],
    ),
]
MessageId = Annotated[
    str,
    Field(
        description="Link of the message, or its id from slack_read_channel or a search.",
        examples=["C0123456789/1893456000.000100"],
    ),
]


async def cached(key: str, fetch: Callable[[], Awaitable[T]], renew: bool = False) -> T:
    """Return what is read once in a process; `renew` reads it again."""
    metadata = api.connection.metadata
    if renew or key not in metadata:
        metadata[key] = await fetch()
    value: T = metadata[key]
    return value


# -- whose token it is ------------------------------------------------------------------------------------------------


async def account() -> Account:
    """Return whose token reads: the user's where there is one, else the bot's."""

    async def fetch() -> Account:
        mine = Account.model_validate(await call("auth.test", reads=True))
        if mine.is_bot:
            return mine
        answer = await call("users.info", reads=True, user=mine.user_id)
        return mine.model_copy(update={"zone": str(answer["user"].get("tz") or "")})

    return await cached("account", fetch)


async def author() -> Account:
    """Return whose token writes: the app's bot may post where the user's own token reads."""

    async def fetch() -> Account:
        return Account.model_validate(await call("auth.test", reads=True, via=api))

    if not settings_of(integration).user_token.get_secret_value():
        return await account()
    return await cached("author", fetch)


async def account_zone() -> ZoneInfo:
    """Return the time zone in which times are read and shown: the user's in Slack, of a bot FLOTILLA_TIMEZONE."""
    return zone_or((await account()).zone, api.zone)


# -- people -----------------------------------------------------------------------------------------------------------


async def people(renew: bool = False) -> list[Person]:
    """Return everybody who has not left."""

    async def fetch() -> list[Person]:
        rows = await pages("users.list", "members", most=PAGES, limit=1000)
        return readable(Person, [row for row in rows if row.get("deleted") is not True])

    return await cached("people", fetch, renew)


async def names() -> dict[str, str]:
    """Return the names of people by id."""
    return {one.id: one.handle or one.name for one in await people()}


async def person(wanted: str) -> Person:
    """Return who is meant by a name, @handle, e-mail address or id; "me" is the token's owner.

    Raises errors.InvalidInputError with the candidates, errors.NotFoundError for a stranger.
    """
    text = wanted.strip()
    if folded(text) in ME:
        text = (await account()).user_id
    if "@" in text[1:]:
        answer = await call("users.lookupByEmail", reads=True, email=text.removeprefix("mailto:"))
        return Person.model_validate(answer["user"])
    text = text.removeprefix("<@").removesuffix(">").removeprefix("@")
    fresh = "people" not in api.connection.metadata
    everybody = await people()
    if not fresh and not _fitting(text, everybody):
        everybody = await people(renew=True)
    fitting = _fitting(text, everybody)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        candidates = listed(f"{one.name} ({one.email or one.id})" for one in fitting)
        raise errors.InvalidInputError(
            f"More than one person is called `{errors.excerpt(text, 60)}`: {candidates}.",
            "Pass the e-mail address or the id of one.",
        )
    return choose(text, everybody, kind="person", listed_by=PEOPLE_LISTED_BY)


def _fitting(text: str, everybody: Iterable[Person]) -> list[Person]:
    """Return those who are called so: by id, by a whole name, else by some of its words."""
    everybody, name = list(everybody), folded(text)
    exact = [one for one in everybody if one.id == text] or [one for one in everybody if name in one.known_as]
    terms = set(name.split())
    parts = [one for one in everybody if terms and any(terms <= set(known.split()) for known in one.known_as)]
    return exact or parts


# -- channels ---------------------------------------------------------------------------------------------------------


async def mine(renew: bool = False) -> list[Conversation]:
    """Return the channels and direct conversations that the token's owner is in; direct ones named by their people."""

    async def fetch() -> list[Conversation]:
        types = "public_channel,private_channel,mpim,im"
        rows = await pages("users.conversations", "channels", most=PAGES, types=types, exclude_archived=True, limit=999)
        return [one.model_copy(update={"member": True}) for one in readable(Conversation, rows)]

    return await cached("mine", fetch, renew)


async def public(renew: bool = False) -> list[Conversation]:
    """Return all channels that the token's owner can see."""

    async def fetch() -> list[Conversation]:
        types = "public_channel,private_channel"
        rows = await pages("conversations.list", "channels", most=PAGES, types=types, exclude_archived=True, limit=999)
        return readable(Conversation, rows)

    return await cached("public", fetch, renew)


async def label(conversation: Conversation) -> str:
    """Return what people call a conversation: #ventes, @Marie Curie."""
    if conversation.user:
        known = await names()
        return f"@{known.get(conversation.user, conversation.user)}"
    return conversation.name or conversation.id


async def channel(wanted: str) -> Conversation:
    """Return the channel that is meant by #name, name, id or link; raises errors.NotFoundError with the names."""
    text = wanted.strip()
    if link := _ARCHIVE.fullmatch(text):
        text = link["channel"]
    text = text.removeprefix("<#").split("|")[0].removesuffix(">")
    if CHANNEL_ID.fullmatch(text):
        joined = [one for one in api.connection.metadata.get("mine", ()) if one.id == text]
        return joined[0] if joined else Conversation.model_validate(await _info(text))
    name = text.removeprefix("#")
    for where in (mine, public):
        for one in [one for one in await where() if not one.is_direct and _called(one, name)]:
            return one
    everything = [one for one in [*await mine(renew=True), *await public(renew=True)] if not one.is_direct]
    return choose(f"#{name}", everything, kind="channel", listed_by=CHANNELS_LISTED_BY)


def _called(conversation: Conversation, name: str) -> bool:
    return folded(conversation.name.removeprefix("#")) == folded(name)


async def _info(channel_id: str) -> dict[str, object]:
    answer = await call("conversations.info", reads=True, channel=channel_id)
    return dict(answer["channel"])


async def conversation(wanted: str) -> Conversation:
    """Return the channel or the direct conversation that is meant; raises errors.NotFoundError where there is none."""
    if not await is_person(wanted):
        return await channel(wanted)
    whom = await person(wanted)
    direct = await direct_with(whom)
    if direct is None:
        raise errors.NotFoundError(
            f"There is no direct conversation with {errors.excerpt(whom.name, 60)} yet.",
            "Write to them with slack_send_message, or read a channel.",
        )
    return direct


async def direct_with(*whom: Person) -> Conversation | None:
    """Return the conversation of the token's owner with these people and no others, None where there is none yet.

    Groups are recognized by their names, which hold the handles: mpdm-zoe--marie--paul-1.
    """
    for renew in (False, True):
        fresh = "mine" not in api.connection.metadata
        for one in await mine(renew=renew):
            if one.user and [one.user] == [each.id for each in whom]:
                return one
            if one.group and len(whom) > 1 and _logins(one.name) == {(await account()).user, *(p.login for p in whom)}:
                return one
        if fresh:
            break
    return None


def _logins(group: str) -> set[str]:
    return set(re.sub(r"^mpdm-|-\d+$", "", group).split("--"))


async def is_person(wanted: str) -> bool:
    """Tell whether a text names a person, not a channel; raises errors.InvalidInputError where it may be both."""
    text = wanted.strip()
    if text.startswith(("#", "<#", "https://")) or CHANNEL_ID.fullmatch(text):
        return False
    if "@" in text or PERSON_ID.fullmatch(text) or folded(text) in ME:
        return True
    channels = [one for one in [*await mine(), *await public()] if not one.is_direct and _called(one, text)]
    somebody = _fitting(text, await people())
    if channels and somebody:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` is a channel and a person: {channels[0].name} and "
            f"{listed(one.name for one in somebody)}.",
            f"Write {channels[0].name} or @{errors.excerpt(text, 60)}.",
        )
    return not channels and bool(somebody)


# -- messages ---------------------------------------------------------------------------------------------------------


def message_of(reference: str) -> tuple[str, str, str]:
    """Return channel, timestamp and the thread's timestamp ("" where the link names none) of a message.

    Raises errors.InvalidInputError for what is neither a link nor an id.
    """
    text = reference.strip()
    if match := _MESSAGE.fullmatch(text):
        return match["channel"], match["ts"], match["thread"] or ""
    if (match := _ARCHIVE.fullmatch(text)) and match["seconds"]:
        thread = re.search(r"thread_ts=(\d{9,11}\.\d{1,6})", match["query"] or "", re.ASCII)
        return match["channel"], f"{match['seconds']}.{match['rest']}", thread[1] if thread else ""
    raise errors.InvalidInputError(
        f"`{errors.excerpt(text, 80)}` is not a message.",
        "Pass its link, or the id that slack_read_channel returns, such as C0123456789/1893456000.000100.",
    )


def id_of(channel_id: str, ts: str, thread: str = "") -> str:
    """Return the id of a message, of a reply with the thread that it is in."""
    return f"{channel_id}/{ts}/{thread}" if thread and thread != ts else f"{channel_id}/{ts}"


def link_of(url: str, channel_id: str, ts: str, thread: str = "") -> str | None:
    """Return the address of a message, None where the workspace's is not known."""
    if not url:
        return None
    end = f"?thread_ts={thread}&cid={channel_id}" if thread and thread != ts else ""
    return f"{url.rstrip('/')}/archives/{channel_id}/p{ts.replace('.', '')}{end}"


def time_of(ts: object, zone: ZoneInfo) -> datetime | None:
    """Return the time that a timestamp of Slack is, None for something else."""
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(int(str(ts).split(".")[0]), UTC).astimezone(zone)
    return None


def words_in(text: str, names_of: Sequence[str | None]) -> bool:
    """Tell whether all words of a search begin words of a thing's names."""
    known = [word for name in names_of if name for word in folded(name).split()]
    return all(any(word.startswith(wanted) for word in known) for wanted in folded(text).split())
