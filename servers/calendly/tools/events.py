"""Booked meetings and who comes. https://developer.calendly.com/api-docs/calendly-api/scheduled-events"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Address, Cursor, Limit, Page, Toolset, When, confirm, errors
from flotilla.parsing import period, shown, to_utc

from ..client import HOME, api, id_of
from ..lookup import EventId, Whose, account_zone, owner, within
from ..models import Cancellation, Event, Invitee, NoShow

tools = Toolset("events")
INVITEE = re.compile(rf"{HOME}/scheduled_events/[\w-]+/invitees/[\w-]+", re.ASCII)
READ = ["users:read scheduled_events:read", "users:read scheduled_events:write"]
WRITE = ["users:read scheduled_events:write"]


@tools.reads(
    scopes=READ,
    search=(
        "réunions réservées agenda rendez-vous prévus qui vient semaine équipe week team programme planning "
        "rdv aujourd'hui demain journée prochain prochains passés vois-je calendrier combien schedule today "
        "tomorrow upcoming coming up appointments calendar next past who meet booked réunion appel démo "
        "entretien meeting appointment call demo"
    ),
    examples=[
        "Qu'est-ce que j'ai cette semaine ?",
        "Whose meetings are today?",
        "c'est quoi mon programme de demain",
        "j'ai quoi comme rendez-vous aujourd'hui",
        "avec qui je suis en rendez-vous cet après-midi",
        "combien de réunions la semaine prochaine",
        "c'est quand mon prochain rendez-vous",
        "what is on my schedule tomorrow",
        "what have I got coming up",
        "who am I meeting this afternoon",
        "how many calls are booked next week",
        "when is my next appointment",
    ],
)
async def list_events(
    whose: Whose = "me",
    status: Annotated[
        Literal["active", "canceled"] | None, Field(description="Only meetings with this status; both without it.")
    ] = None,
    invitee_email: Annotated[Address | None, Field(description="Only meetings that this person booked.")] = None,
    after: Annotated[When | None, Field(description="Only meetings that start on this day or time, or later.")] = None,
    before: Annotated[
        When | None, Field(description="Only meetings that start before this time; a day is included.")
    ] = None,
    newest_first: Annotated[bool, Field(description="Latest start first; without it, the soonest.")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Event]:
    """List booked meetings, soonest first, with their time, place, hosts, guests and status.

    Times are read and shown in the user's own time zone; for today, pass the day as after and before. To see who
    booked a meeting, use calendly_list_invitees with its uri.
    """
    zone = await account_zone()
    begin, end = period(after, before, zone, "after", "before")
    params: dict[str, Any] = {
        **await owner(whose),
        "status": status,
        "invitee_email": invitee_email.address if invitee_email else None,
        "min_start_time": to_utc(begin) if begin else None,
        "max_start_time": to_utc(end) if end else None,
        "sort": "start_time:desc" if newest_first else "start_time:asc",
    }
    return within(await api.page("/scheduled_events", Event, params=params, limit=limit, cursor=cursor), zone)


async def event_of(event: str) -> Event:
    """Return a meeting by its id or uri, with its times in the account's zone."""
    path = f"/scheduled_events/{id_of(event)}"
    zone = await account_zone()
    return Event.model_validate((await api.get(path))["resource"]).within(zone)


@tools.reads(
    scopes=READ,
    search=(
        "détail réunion rendez-vous lieu lien visio infos cette adresse zoom meet rejoindre quelle heure "
        "durée où combien details join where exact start video link address rdv appel démo entretien meeting "
        "appointment call demo passe confirmée confirmed end finit takes place time"
    ),
    examples=[
        "c'est quoi le lien visio de mon rendez-vous de 10 h",
        "où se passe la réunion de demain",
        "à quelle heure finit cet appel",
        "donne-moi les détails de ce rdv",
        "la réunion est toujours confirmée ?",
        "what is the video link for the ten o'clock",
        "where does tomorrow's meeting take place",
        "what time does that call end",
        "give me the details of this appointment",
        "how do I join the next one",
    ],
)
async def get_event(event: EventId) -> Event:
    """Get one booked meeting: its time, place or video link, hosts, guests, status and number of invitees.

    Take the id from calendly_list_events. To see who the invitees are, use calendly_list_invitees.
    """
    return await event_of(event)


@tools.reads(
    scopes=READ,
    search=(
        "invités participants réponses qui vient inscrits participant inscrit répondu formulaire personne "
        "réservé coordonnées email liens annulation who booked attendees signed up answers contact attending "
        "rendez-vous rdv réunion appel démo entretien meeting appointment call demo person adresse mail"
    ),
    examples=[
        "qui a réservé ce rendez-vous",
        "qui est inscrit au webinaire de jeudi",
        "qu'ont-ils répondu dans le formulaire",
        "quelle est l'adresse mail de la personne de 14 h",
        "combien de participants à l'atelier",
        "who booked that meeting",
        "who signed up for Thursday's webinar",
        "what did she write in the form",
        "what is the email of my two o'clock",
        "how many attendees does the workshop have",
    ],
)
async def list_invitees(
    event: EventId,
    status: Annotated[
        Literal["active", "canceled"] | None, Field(description="Only invitees with this status; both without it.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Invitee]:
    """List who booked a meeting, with their answers to the booking form and their links to reschedule or cancel.

    Take the id from calendly_list_events. To move a meeting, use calendly_reschedule_event, or send the invitee the
    reschedule_url so that they choose the time. Guests without a booking of their own stand in calendly_get_event.
    """
    path = f"/scheduled_events/{id_of(event)}/invitees"
    return await api.page(path, Invitee, params={"status": status}, limit=limit, cursor=cursor)


@tools.destroys(
    asks=True,
    idempotent=False,
    scopes=WRITE,
    search=(
        "annuler annule rendez-vous réunion annulation supprime enlève laisse tomber décommande plus possible "
        "call off scrap drop cancel delete remove won't make rdv appel démo entretien meeting appointment "
        "demo demain matin tomorrow morning décommander"
    ),
    examples=[
        "annule mon rendez-vous de demain matin",
        "décommande la réunion de 16 h",
        "je ne peux plus, laisse tomber notre appel",
        "supprime ce rdv et dis-leur que je suis malade",
        "on n'a plus besoin de se voir, annule",
        "call off tomorrow morning's appointment",
        "cancel my four o'clock",
        "drop that call, I am ill",
        "scrap the meeting with them",
        "I won't make it, take it off and tell them why",
    ],
)
async def cancel_event(
    event: EventId,
    reason: Annotated[
        str | None, Field(max_length=10_000, description="Why it is cancelled; the invitees read it.")
    ] = None,
) -> Cancellation:
    """Cancel a booked meeting for everybody; Calendly notifies the invitees by e-mail. It cannot be undone.

    Take the id from calendly_list_events. To move a meeting to another time, use calendly_reschedule_event.
    """
    meeting = await event_of(event)
    must_stand(meeting)
    start = shown(meeting.start_time, await account_zone())
    notified = "1 invitee" if meeting.invitees == 1 else f"{meeting.invitees} invitees"
    await confirm(f"Cancel «{meeting.name}» of {start}? {notified} will be notified by e-mail.")
    answer = await api.post(f"/scheduled_events/{id_of(event)}/cancellation", json={"reason": reason})
    return Cancellation.model_validate(answer["resource"])


def must_stand(meeting: Event) -> None:
    """Raise errors.InvalidInputError for a meeting that is cancelled."""
    if meeting.status == "canceled":
        raise errors.InvalidInputError(
            "This meeting is cancelled already; nothing was done.", "Look at it with calendly_get_event."
        )


@tools.writes(
    additive=False,
    scopes=WRITE,
    search=(
        "absent pas venu lapin finalement venu annuler l'absence undo absence manqué raté ne s'est présenté "
        "présentée posé jamais là missed didn't show up stood never came turned rendez-vous rdv réunion appel "
        "démo entretien meeting appointment call demo n'est venue"
    ),
    examples=[
        "il ne s'est pas présenté à l'appel",
        "la cliente m'a posé un lapin",
        "note qu'elle n'est pas venue ce matin",
        "personne n'était là à 14 h, marque l'absence",
        "finalement il est venu, enlève l'absence",
        "he did not turn up for the call",
        "the client stood me up",
        "note that she never came this morning",
        "mark my two o'clock as a no-show",
        "he did come after all, undo the no-show",
    ],
)
async def mark_no_show(
    invitee: Annotated[
        str,
        Field(
            description="The invitee's uri, from calendly_list_invitees.",
            examples=[f"{HOME}/scheduled_events/GBGBDCAADAEDCRZ2/invitees/CCCCCCCCCCCCCCCC"],
        ),
    ],
    undo: Annotated[bool, Field(description="True takes the mark back: the invitee did come.")] = False,
) -> NoShow:
    """Mark an invitee as a no-show after a meeting that they missed, or take that mark back with undo.

    Calendly's reports count it; the invitee is not notified. Take the uri from calendly_list_invitees, which also says
    who is marked.
    """
    if not INVITEE.fullmatch(invitee):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(invitee, 120)}` is not an invitee's uri.", "Pass one of calendly_list_invitees."
        )
    zone = await account_zone()
    if not undo:
        answer = await api.post("/invitee_no_shows", json={"invitee": invitee})
        return NoShow.model_validate(answer["resource"]).within(zone)
    mark = (await api.get(invitee.removeprefix(HOME)))["resource"].get("no_show") or {}
    if not mark.get("uri"):
        raise errors.InvalidInputError("This invitee is not marked as a no-show.", "There is nothing to take back.")
    await api.send("DELETE", f"/invitee_no_shows/{id_of(mark['uri'])}")
    return NoShow(marked=False)
