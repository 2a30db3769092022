"""The connected user, the members of the organization and when they work.

https://developer.calendly.com/api-docs/calendly-api/availability
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Address, Cursor, Limit, Page, Toolset, When, readable, sliced
from flotilla.parsing import to_utc

from ..client import api
from ..lookup import Whom, account, account_zone, all_within, days_of, user_uri
from ..models import BusyTime, Member, Schedule, User

tools = Toolset("account")
AVAILABILITY = ["users:read availability:read", "users:read availability:write"]


@tools.reads(
    scopes=["users:read"],
    search=(
        "moi mon compte utilisateur connecté fuseau horaire lien de réservation suis-je profil connexion "
        "public page perso partager agenda adresse who am my profile account link timezone logged signed "
        "booking url share"
    ),
    examples=[
        "c'est quoi mon lien de réservation",
        "je suis connecté avec quel compte",
        "donne-moi l'adresse de ma page publique",
        "dans quel fuseau horaire est réglé mon agenda",
        "quel est mon profil",
        "what is my booking page",
        "which account am I signed in with",
        "give me the link to my own page",
        "what time zone am I set to",
        "who am I logged in as",
    ],
)
async def get_current_user() -> User:
    """Get the connected Calendly user: name, e-mail address, time zone and public booking page.

    Use it to learn in which time zone the user works, or to share the booking page.
    """
    return User.model_validate((await api.get("/users/me"))["resource"])


@tools.reads(
    core=False,
    scopes=["users:read organizations:read"],
    search=(
        "membres équipe collègues organisation team membre équipiers annuaire adresses utilisateurs "
        "commerciaux personnes admins colleagues teammates who people users hosts directory"
    ),
    examples=[
        "qui est dans notre organisation",
        "liste les gens de l'équipe",
        "quels collègues ont un compte",
        "trouve l'adresse mail de mon collègue",
        "combien sommes-nous dans l'organisation",
        "who is in our organization",
        "which teammates have an account",
        "list everyone on the team",
        "what email does my colleague use",
        "how many people are in the organization",
    ],
)
async def list_members(
    email: Annotated[Address | None, Field(description="Only the member with this address.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Member]:
    """List the members of the organization, each with the e-mail address that other tools take.

    Use it to learn whose event types, meetings or busy times can be looked up. Calendly shows them to admins only.
    """
    params = {"organization": (await account()).current_organization, "email": email.address if email else None}
    return await api.page("/organization_memberships", Member, params=params, limit=limit, cursor=cursor)


@tools.reads(
    core=False,
    scopes=AVAILABILITY,
    search=(
        "occupé occupée indisponible agenda busy conflits pris prise occupations bloqué surchargé chargé "
        "réunions conflit unavailable taken blocked booked up tied clash prises déjà packed plages thursday "
        "friday afternoon already"
    ),
    examples=[
        "Quand suis-je occupé demain ?",
        "When is Marie busy this week?",
        "est-ce que je suis pris jeudi après-midi",
        "à quels moments mon collègue est bloqué",
        "quelles plages sont déjà prises cette semaine",
        "ai-je un conflit mercredi matin",
        "ma journée de vendredi est-elle chargée",
        "am I tied up on Thursday afternoon",
        "which hours are blocked on my calendar",
        "is there a clash on Wednesday morning",
        "how packed is my Friday",
        "when is my colleague not available",
    ],
)
async def list_busy_times(
    start: Annotated[
        When | None, Field(description="First time or day to look at, in the future; now without it.")
    ] = None,
    days: Annotated[int, Field(ge=1, le=7, description="Number of days to look at.")] = 1,
    whose: Whom = "me",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BusyTime]:
    """List when somebody is busy, by Calendly meetings and by events of the calendars that are checked for conflicts.

    External events come without a title. For times that can be booked, use calendly_list_available_times; for the
    hours in which somebody works, use calendly_list_availability_schedules.
    """
    zone = await account_zone()
    begin, end = days_of(start, days, 7, zone)
    params = {"user": await user_uri(whose), "start_time": to_utc(begin), "end_time": to_utc(end)}
    rows = await api.rows("/user_busy_times", "collection", params=params)
    return sliced(all_within(readable(BusyTime, rows), zone), limit, cursor)


@tools.reads(
    core=False,
    scopes=AVAILABILITY,
    search=(
        "horaires de travail disponibilités plages semaine working hours horaire travaille heures ouverture "
        "jours ouvrés règles disponibilité planning hebdomadaire work weekdays schedule availability rules "
        "opening office weekly réserver when can people book saturday samedi heure from until weekend lunch"
    ),
    examples=[
        "quels sont mes horaires de travail",
        "à partir de quelle heure peut-on me réserver",
        "est-ce que je prends des rendez-vous le samedi",
        "quelles sont les heures d'ouverture de mon agenda",
        "montre mes règles de disponibilité",
        "what are my working hours",
        "from what time can people book me",
        "do I take meetings on Saturdays",
        "which weekdays am I open for bookings",
        "show my weekly availability rules",
    ],
)
async def list_availability_schedules(whose: Whom = "me", limit: Limit = 20, cursor: Cursor = None) -> Page[Schedule]:
    """List the availability schedules of somebody: the hours of each weekday or date in which meetings can be booked.

    They are hours of work, not free times: for these, use calendly_list_available_times. No tool changes a schedule.
    """
    rows = await api.rows("/user_availability_schedules", "collection", params={"user": await user_uri(whose)})
    return sliced(readable(Schedule, rows), limit, cursor)
