"""The account, its calendars and its categories. https://learn.microsoft.com/graph/api/user-list-calendars"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors, readable, sliced
from flotilla.parsing import folded
from flotilla_servers._microsoft import account, app_only, owner

from ..client import READ, SETTINGS, WRITE, api, calendars, mailbox_zone
from ..models import AccountInfo, Calendar, Category

tools = Toolset("calendars")

CalendarId = Annotated[
    str,
    Field(description="Name, from outlook_list_calendars, or a colleague's address."),
]
PERSONAL = (
    "A personal account sees its own calendars only: no free and busy times of others, no proposed meeting times, no "
    "rooms, no Teams links."
)
BY_ITSELF = "The app acts by itself, without a user: it has no inbox of invitations but this mailbox's."
COLORS = {
    "red": "preset0",
    "orange": "preset1",
    "yellow": "preset3",
    "green": "preset4",
    "blue": "preset7",
    "purple": "preset8",
    "gray": "preset12",
    "black": "preset14",
}  # https://learn.microsoft.com/graph/api/resources/outlookcategory


@tools.reads(
    scopes=[f"User.Read {SETTINGS}"],
    search="mon compte quel compte outlook fuseau horaire professionnel ou personnel",
)
async def get_account() -> AccountInfo:
    """Get the connected account: name, address, time zone, and whether it is of work or personal.

    `limits` says what this kind of account cannot do. The time zone is that in which the other tools read times
    without an offset. Calendars are listed by outlook_list_calendars.
    """
    zone = (await mailbox_zone()).key
    me = await account(api)
    kind = "app" if app_only(api) else me.kind
    limits = {"app": BY_ITSELF, "personal": PERSONAL}.get(kind)
    return AccountInfo(name=me.name, address=me.address, kind=kind, timezone=zone, limits=limits)


@tools.reads(scopes=READ, search="mes agendas calendriers partagés")
async def list_calendars(limit: Limit = 20, cursor: Cursor = None) -> Page[Calendar]:
    """List the calendars of the account: its own, which is also called primary, further and shared ones, holidays.

    Returns names and ids for the `calendar` argument of outlook_list_events, outlook_search_events and
    outlook_create_event, and whether the account may change what is in them.
    """
    return await api.page(f"{owner(api)}/calendars", Calendar, limit=limit, cursor=cursor)


@tools.writes(core=False, creates=True, scopes=WRITE, search="créer un nouvel agenda calendrier secondaire")
async def create_calendar(
    name: Annotated[str, Field(min_length=1, max_length=200, description="Name of the calendar.", examples=["Congés"])],
) -> Calendar:
    """Create a calendar of the account beside its main one. A name that a calendar has already is refused.

    Returns the id that outlook_create_event takes. It is not shared with anybody: the user does that in Outlook.
    """
    names = {folded(str(row.get("name"))): row["id"] for row in await calendars()}
    if known := names.get(folded(name)):
        raise errors.InvalidInputError(
            f"There is a calendar «{errors.excerpt(name, 80)}» already: {known}.", "Use that one, or another name."
        )
    return Calendar.model_validate(await api.post(f"{owner(api)}/calendars", json={"name": name}))


@tools.reads(scopes=[SETTINGS], search="catégories couleurs étiquettes")
async def list_categories(limit: Limit = 20, cursor: Cursor = None) -> Page[Category]:
    """List the colour categories of the mailbox, by which its owner sorts events.

    Returns the names that outlook_create_event and outlook_update_event take in `categories`.
    """
    return sliced(readable(Category, await categories()), limit, cursor)


@tools.writes(core=False, creates=True, scopes=["MailboxSettings.ReadWrite"], search="créer une catégorie de couleur")
async def create_category(
    name: Annotated[
        str, Field(min_length=1, max_length=255, description="Name of the category.", examples=["Chantier"])
    ],
    color: Annotated[
        Literal["red", "orange", "yellow", "green", "blue", "purple", "gray", "black"],
        Field(description="Colour that Outlook shows."),
    ] = "blue",
) -> Category:
    """Create a colour category of the mailbox, which events can have then. A name that is there already is refused.

    Existing ones are listed by outlook_list_categories; they cannot be renamed here.
    """
    known = {folded(str(row.get("displayName"))) for row in await categories()}
    if folded(name) in known:
        raise errors.InvalidInputError(
            f"There is a category «{errors.excerpt(name, 80)}» already.", "Use that one, or another name."
        )
    body = {"displayName": name, "color": COLORS[color]}
    return Category.model_validate(await api.post(f"{owner(api)}/outlook/masterCategories", json=body))


async def categories() -> list[Any]:
    """Return the categories of the mailbox, as the API gives them."""
    return await api.rows(f"{owner(api)}/outlook/masterCategories", "value", missing=True)
