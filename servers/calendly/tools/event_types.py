"""Event types, their free times and links. https://developer.calendly.com/api-docs/calendly-api/event-types"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, TimeZone, Toolset, When, errors, sliced
from flotilla.parsing import check_order

from ..booking import free_slots
from ..client import api, id_of
from ..lookup import (
    EventTypeRef,
    Whose,
    account,
    account_zone,
    all_within,
    days_of,
    event_type_details,
    event_type_uri,
    owner,
)
from ..models import EventType, EventTypeDetails, SchedulingLink, Slot

tools = Toolset("event_types")
READ = ["users:read event_types:read", "users:read event_types:write"]
WRITE = ["users:read event_types:write"]
Minutes = Annotated[int | None, Field(ge=1, le=720, description="Length of a meeting in minutes.")]


@tools.reads(
    scopes=READ,
    search=(
        "types d'événement rendez-vous durée page de réservation quels formules prestations propose "
        "consultation durées offre catalogue modèles kinds which offer services lengths templates meeting "
        "event type bookable links prendre"
    ),
    examples=[
        "quels rendez-vous peut-on prendre avec moi",
        "qu'est-ce que je propose comme consultations",
        "quelles durées de réunion avons-nous",
        "liste mes types d'événements",
        "quelles formules sont actives",
        "which kinds of meeting can people book with me",
        "what do I offer on my booking page",
        "list my event types",
        "what lengths of call are there",
        "which of my meeting types are switched on",
    ],
)
async def list_event_types(
    whose: Whose = "me",
    active: Annotated[bool | None, Field(description="True for bookable ones only, false for the others.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[EventType]:
    """List the kinds of meeting that people can book, each with its length in minutes and its booking page.

    The other tools take their name or uri. For the questions and places of one, use calendly_get_event_type.
    """
    wanted = await owner(whose)
    if "user" in wanted:
        wanted.pop("organization", None)
    return await api.page("/event_types", EventType, params={**wanted, "active": active}, limit=limit, cursor=cursor)


@tools.reads(
    scopes=READ,
    search=(
        "questions formulaire lieu lieux détail type de rendez-vous form questions location réglages "
        "configuration quelles demande infos renseigner durée téléphone visio adresse settings details asked "
        "fields where held zoom venue premier échange consultation démo passe ask people"
    ),
    examples=[
        "quelles questions pose-t-on à la réservation",
        "l'entretien se fait en visio ou par téléphone",
        "quelles infos faut-il donner pour la démo",
        "montre les détails du type Consultation",
        "où se passe le premier échange",
        "what do we ask people when they book",
        "is the intro call on Zoom or by phone",
        "show the settings of the consultation type",
        "which fields are mandatory on that form",
        "where can the demo be held",
    ],
)
async def get_event_type(event_type: EventTypeRef) -> EventTypeDetails:
    """Get one event type with the questions of its booking form and the places where it can be held.

    Use it before calendly_book_event where the form has required questions or there are several places. To see the
    free times, use calendly_list_available_times.
    """
    return await event_type_details(event_type)


@tools.reads(
    scopes=["users:read event_types:read availability:read"],
    search=(
        "créneaux libres disponibilités disponible prochain rendez-vous aujourd'hui demain dispo dispos place "
        "libre trou créneau quand possible matin après-midi mardi prochaine date plage horaire proposer free "
        "open opening openings availability any room next slot when could vacant quelque chose reste left "
        "anything still remaining morning afternoon jeudi"
    ),
    examples=[
        "Quand suis-je libre demain pour un premier échange ?",
        "What slots are free today?",
        "y a-t-il de la place mardi",
        "c'est quoi ton prochain trou dispo",
        "il te reste quelque chose jeudi matin",
        "quels horaires je peux lui proposer",
        "t'es dispo quand la semaine prochaine",
        "any room on Tuesday",
        "when is the next opening",
        "do you have anything left on Thursday morning",
        "what times could I offer her",
        "is 3 pm still free",
    ],
)
async def list_available_times(
    event_type: EventTypeRef,
    start: Annotated[
        When | None,
        Field(description="First time or day to look at; now without it.", examples=["2030-06-01T09:00:00+02:00"]),
    ] = None,
    days: Annotated[int, Field(ge=1, le=31, description="Number of days to look at.")] = 7,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Slot]:
    """List the free slots of one event type, in the user's own time zone, from now on where the start is past.

    Nothing is reserved. Book one with calendly_book_event, or give the invitee the link of a slot. To see meetings
    that are booked already, use calendly_list_events.
    """
    zone = await account_zone()
    begin, end = days_of(start, days, 31, zone)
    slots = await free_slots(await event_type_uri(event_type), begin, end)
    return sliced(all_within(slots, zone), limit, cursor)


@tools.writes(
    creates=True,
    scopes=["users:read event_types:read scheduling_links:write"],
    search=(
        "lien de réservation unique envoyer url partage génère usage lui choisisse choisir son horaire "
        "invitation link single use one-time generate share pick own time self booking let choose"
    ),
    examples=[
        "génère un lien pour qu'il choisisse son créneau",
        "fais-moi un lien à usage unique pour la démo",
        "je veux qu'elle réserve elle-même",
        "crée une URL de réservation pour ce prospect",
        "il me faut un lien à lui envoyer",
        "make a link so that he can pick a time",
        "give me a one-time link for the demo",
        "let her choose the time by herself",
        "generate a booking URL for this lead",
        "I need a single-use link to share",
    ],
)
async def create_scheduling_link(event_type: EventTypeRef) -> SchedulingLink:
    """Create a link with which one person can book this event type once. Returns the link; nothing is sent.

    Use it where the invitee is to choose the time. To book a time yourself, use calendly_book_event.
    """
    body = {"max_event_count": 1, "owner": await event_type_uri(event_type), "owner_type": "EventType"}
    return SchedulingLink.model_validate((await api.post("/scheduling_links", json=body))["resource"])


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "activer désactiver renommer type de rendez-vous fermer les réservations enable disable switch off "
        "désactive active réactive suspend coupe pause rouvre ferme rallonge durée description renomme "
        "modifie turn reopen rename lengthen minutes longer shorter change edit hide"
    ),
    examples=[
        "Désactive le type « Premier échange » pendant mes vacances.",
        "Switch the demo event type off.",
        "coupe les réservations de démo pour l'instant",
        "rouvre la consultation, je suis de retour",
        "passe l'entretien de 30 à 45 minutes",
        "renomme ce type en Appel découverte",
        "change la description de la visite",
        "turn bookings for the consultation back on",
        "pause that meeting type while I am away",
        "make the intro call 45 minutes long",
        "rename it to Discovery call",
        "change the description of the workshop",
    ],
)
async def update_event_type(
    event_type: EventTypeRef,
    active: Annotated[bool | None, Field(description="False takes its booking page away, true brings it back.")] = None,
    name: Annotated[str | None, Field(min_length=1, max_length=55, description="Its new name.")] = None,
    description: Annotated[str | None, Field(description="Its new description, as plain text.")] = None,
    duration: Minutes = None,
) -> EventType:
    """Switch an event type on or off, rename it, or change its description or length. Only what is passed changes.

    Meetings that are booked already stay. Calendly allows it for event types of one host; those of a team are changed
    in Calendly itself.
    """
    changes = {"active": active, "name": name, "description": description, "duration": duration}
    if all(value is None for value in changes.values()):
        raise errors.InvalidInputError("No change is named.", "Pass active, name, description or duration.")
    answer = await api.patch(f"/event_types/{id_of(await event_type_uri(event_type))}", json=changes)
    return EventType.model_validate(answer["resource"])


@tools.writes(
    core=False,
    creates=True,
    scopes=WRITE,
    search=(
        "rendez-vous ponctuel unique exceptionnel créer page de réservation one-off ad hoc ponctuelle ad-hoc "
        "occasion spéciale jamais exceptionnelle seule fois personnalisé hors catalogue special custom once "
        "only several days temporary particular visite proposer offer"
    ),
    examples=[
        "Crée un rendez-vous ponctuel de 45 minutes la semaine prochaine.",
        "fais un rendez-vous exceptionnel d'une heure, entre lundi et mercredi",
        "il me faut une page juste pour cette réunion-là",
        "prépare un entretien hors catalogue de 20 minutes",
        "propose une visite unique au bureau jeudi ou vendredi",
        "crée une réunion spéciale pour le notaire",
        "set up a special 45 minute meeting for next week only",
        "I need a one-off page for this occasion",
        "make an ad hoc meeting, bookable Monday to Wednesday",
        "create a custom appointment that is not in my list",
        "offer a single visit on Thursday or Friday",
    ],
)
async def create_one_off_event_type(
    name: Annotated[str, Field(min_length=1, max_length=55, description="Name of the meeting.", examples=["Chantier"])],
    duration: Annotated[int, Field(ge=1, le=720, description="Length of the meeting in minutes.", examples=[45])],
    first_day: Annotated[When, Field(description="First day that can be booked.", examples=["2030-06-03"])],
    last_day: Annotated[When, Field(description="Last day that can be booked, included.", examples=["2030-06-07"])],
    place: Annotated[
        Literal[
            "physical",
            "custom",
            "ask_invitee",
            "inbound_call",
            "outbound_call",
            "google_conference",
            "zoom_conference",
            "microsoft_teams_conference",
            "webex_conference",
            "gotomeeting_conference",
        ]
        | None,
        Field(description="Kind of place; a conference needs its connection in Calendly."),
    ] = None,
    address: Annotated[
        str | None, Field(description="The address of a physical place, or the text of a custom one.")
    ] = None,
    timezone: Annotated[
        TimeZone | None, Field(description="IANA zone of the meeting; the user's own without it.")
    ] = None,
) -> EventType:
    """Create an event type for one occasion, of which the user is the host, bookable on some days only.

    Returns its booking page, which is listed nowhere: send the link to the invitee. Which hours are free follows from
    the user's availability. For a link to an event type that is there, use calendly_create_scheduling_link.
    """
    zone = await account_zone()
    first, last = first_day.day(zone), last_day.day(zone)
    check_order(first, last, "first_day", "last_day")
    if bool(address) is not (place in ("physical", "custom")):
        raise errors.InvalidInputError(
            "Address and place do not fit.", "Pass both for a physical or custom place only."
        )
    location: dict[str, Any] | None = {"kind": place, **({"location": address} if address else {})} if place else None
    body = {
        "name": name,
        "host": (await account()).uri,
        "duration": duration,
        "timezone": timezone or zone.key,
        "date_setting": {"type": "date_range", "start_date": first.isoformat(), "end_date": last.isoformat()},
        "location": location,
    }
    return EventType.model_validate((await api.post("/one_off_event_types", json=body))["resource"])
