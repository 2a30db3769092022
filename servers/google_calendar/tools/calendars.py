"""The account's calendars. https://developers.google.com/workspace/calendar/api/v3/reference/calendarList"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, TimeZone, Toolset, errors, segment
from flotilla.parsing import folded
from flotilla_servers._google import scope

from ..client import api
from ..models import Calendar, CalendarInfo

tools = Toolset("calendars")

CalendarId = Annotated[str, Field(description="Id of the calendar, from gcal_list_calendars; primary is the own one.")]


@tools.reads(
    scopes=[scope(s) for s in ("calendar.calendarlist.readonly", "calendar.readonly", "calendar")],
    search=(
        "mes agendas calendriers partagés autres abonnements jours fériés agenda perso pro famille calendars "
        "have shared holidays other montre liste list"
    ),
    examples=[
        "quels agendas j'ai",
        "à quels calendriers j'ai accès",
        "est-ce que l'agenda de l'équipe est là",
        "montre les agendas partagés avec moi",
        "j'ai un calendrier famille quelque part ?",
        "which calendars can you see",
        "what calendars are shared with me",
        "do I have a separate work calendar",
        "list my other calendars",
        "is the team calendar there",
    ],
)
async def list_calendars(limit: Limit = 20, cursor: Cursor = None) -> Page[Calendar]:
    """List the calendars that the account sees: its own, which is also called primary, shared ones, holidays.

    Returns ids for the `calendar` argument of gcal_list_events, gcal_search_events and gcal_create_event, with each
    calendar's time zone and what the account may do in it.
    """
    return await api.page("/users/me/calendarList", Calendar, limit=limit, cursor=cursor)


@tools.reads(
    core=False,
    scopes=[scope(s) for s in ("calendar.calendars.readonly", "calendar.readonly", "calendar")],
    search=(
        "fuseau horaire de l'agenda réglages agenda heure Paris décalage nom lieu time zone settings calendar name"
    ),
    examples=[
        "mon agenda est réglé sur quel fuseau",
        "l'agenda est à l'heure de Paris ou de Londres",
        "c'est quoi le décalage horaire de ce calendrier",
        "comment s'appelle mon agenda principal",
        "les heures que tu donnes sont dans quel fuseau horaire",
        "what time zone is my calendar in",
        "which timezone does this calendar use",
        "what is my main calendar called",
        "is the calendar set to Paris time",
        "show the settings of that calendar",
    ],
)
async def get_calendar(calendar: CalendarId = "primary") -> CalendarInfo:
    """Get the name, place and time zone of one calendar. Without an argument, it is the account's own.

    The time zone is that in which the other tools read times without an offset. gcal_list_calendars lists all
    calendars.
    """
    return CalendarInfo.model_validate(await api.get(f"/calendars/{segment(calendar)}"))


@tools.writes(
    core=False,
    creates=True,
    scopes=[
        scope("calendar.app.created calendar.calendarlist.readonly"),
        scope("calendar.calendars calendar.calendarlist.readonly"),
        scope("calendar"),
    ],
    search=(
        "créer un nouvel agenda calendrier secondaire ajouter séparé part nouveau équipe congés sport new "
        "separate extra calendar add set"
    ),
    examples=[
        "crée un agenda pour les congés de l'équipe",
        "je veux un calendrier à part pour le sport",
        "ajoute un nouvel agenda Chantiers",
        "fais-moi un agenda séparé pour la famille",
        "il me faut un autre calendrier pour les livraisons",
        "make a new calendar for holidays",
        "I want a separate calendar for sports",
        "add another calendar called Projects",
        "set up a family calendar",
        "new calendar for deliveries",
    ],
)
async def create_calendar(
    name: Annotated[str, Field(min_length=1, max_length=200, description="Name of the calendar.", examples=["Congés"])],
    timezone: Annotated[TimeZone | None, Field(description="IANA name of its zone; else the main one's.")] = None,
    description: Annotated[str | None, Field(description="What the calendar is for.")] = None,
) -> CalendarInfo:
    """Create a calendar of the account beside its main one. A name that an own calendar has already is refused.

    Returns the id that gcal_create_event takes. It is not shared with anybody: the user does that in Google Calendar.
    """
    rows = await api.rows("/users/me/calendarList", "items", missing=True, params={"maxResults": 250})
    names = {folded(str(row.get("summary"))): row.get("id") for row in rows if row.get("accessRole") == "owner"}
    if known := names.get(folded(name)):
        raise errors.InvalidInputError(
            f"There is a calendar «{errors.excerpt(name, 80)}» already: {known}.", "Use that one, or another name."
        )
    if timezone is None:
        timezone = next((row.get("timeZone") for row in rows if row.get("primary")), None)
    body = {"summary": name, "timeZone": timezone, "description": description}
    return CalendarInfo.model_validate(await api.post("/calendars", json=body))
