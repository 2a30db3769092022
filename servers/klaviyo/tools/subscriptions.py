"""Consent to marketing: given and taken back. https://developers.klaviyo.com/en/docs/collect_email_and_sms_consent_via_api"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Toolset, confirm, errors
from flotilla.parsing import shown

from ..client import LARGE, resource, send
from ..lookup import MAIL, ListRef, Person, account_zone, find, identifier, list_named, lists_of, profile
from ..models import Audience, Profile, Subscription

tools = Toolset("subscriptions")
WRITE = ["accounts:read profiles:read lists:read lists:write profiles:write subscriptions:write"]
FIELDS = {"email": "email", "sms": "phone_number"}
WORDS = {"email": "e-mail", "sms": "SMS"}
Channel = Literal["email", "sms"]
Channels = Annotated[
    list[Channel],
    Field(min_length=1, description="Channels of marketing: email, sms, or both of them.", examples=[["email"]]),
]


@tools.writes(
    creates=True,
    asks=True,
    scopes=WRITE,
    search=(
        "inscrire inscris abonner abonne newsletter consentement accord opt-in subscribe sign up "
        "accepte veut recevoir nos mails SMS s'abonner infolettre a dit oui agreed wants to receive opt "
        "in texts join"
    ),
    examples=[
        "Inscris jean@exemple.fr à la newsletter, il est d'accord.",
        "Subscribe this caller to text messages",
        "Elle veut recevoir nos mails",
        "Abonne-le aux SMS, il a dit oui",
        "Il est d'accord pour l'infolettre",
        "Ajoute-la à la newsletter, elle me l'a demandé",
        "Cette cliente accepte nos offres par texto",
        "She wants our newsletter",
        "He agreed to get texts from us",
        "Opt her in to e-mails",
        "Sign this caller up, they said yes",
        "They'd like to receive our offers",
    ],
)
async def add_subscription(
    person: Person,
    consent: Annotated[
        str,
        Field(
            min_length=3,
            max_length=200,
            description="How and when the person agreed; Klaviyo keeps it as the source of the consent.",
            examples=["Asked for it on the phone on 3 June 2030"],
        ),
    ],
    audience: Annotated[ListRef | None, Field(description="Name of a list that they join with it.")] = None,
    channels: Channels = ["email"],  # noqa: B006 - a default of the schema, never changed
) -> Subscription:
    """Subscribe a person who has agreed to e-mail or SMS marketing, and add them to a list. The user is asked first.

    Never call it without the person's own consent. A list with double opt-in sends them a message to confirm. To put
    somebody into a list without consent, use klaviyo_add_to_list; klaviyo_get_profile shows the result.
    """
    result = await find(person, details=True)
    wanted: list[str] = list(dict.fromkeys(channels))
    addresses = {FIELDS[channel]: address_of(person, result, channel) for channel in wanted}
    target = await list_named(audience) if audience else None
    label = result.shown if result else identifier(person).value
    if result and await unchanged(result, wanted, target):
        return Subscription(
            person=label,
            channels=wanted,
            audience=target.name if target else None,
            status="unchanged",
            note="They are subscribed already; nothing was sent.",
        )
    await confirm(question(label, result, wanted, target, consent))
    who = resource(
        "profile",
        {**addresses, "subscriptions": {channel: {"marketing": {"consent": "SUBSCRIBED"}} for channel in wanted}},
        id=result.id if result else None,
    )
    job = resource(
        "profile-subscription-bulk-create-job",
        {"custom_source": consent, "profiles": {"data": [who]}},
    )
    await send("POST", "/api/profile-subscription-bulk-create-jobs", on_list(job, target), cost=LARGE)
    return Subscription(
        person=label,
        channels=wanted,
        audience=target.name if target else None,
        note=opt_in(target),
    )


def address_of(person: str, result: Profile | None, channel: str) -> str:
    """Return where a person is reached on a channel; raises errors.InvalidInputError where that is not known."""
    field = FIELDS[channel]
    if (who := identifier(person)).field == field:
        return who.value
    value = (result.email if channel == MAIL else result.phone) if result else None
    if not value:
        missing = "e-mail address" if channel == MAIL else "phone number"
        raise errors.InvalidInputError(
            f"Klaviyo knows no {missing} of this person, which {WORDS[channel]} marketing needs; nothing was done.",
            "Ask for it and set it with klaviyo_update_profile first.",
        )
    return value


async def unchanged(result: Profile, channels: list[str], target: Audience | None) -> bool:
    """Tell whether a person is subscribed on all channels already, and in the list."""
    if any(result.consent(channel).status != "SUBSCRIBED" for channel in channels):
        return False
    return target is None or target.id in [one.id for one in await lists_of(result)]


def question(label: str, result: Profile | None, channels: list[str], target: Audience | None, consent: str) -> str:
    """Return what a person is asked before somebody is subscribed."""
    named = " and ".join(WORDS[channel] for channel in channels)
    before = [c for c in channels if result and result.consent(c).status == "UNSUBSCRIBED"]
    ended = (
        f" They had unsubscribed from {' and '.join(WORDS[c] for c in before)}: this takes it back." if before else ""
    )
    where = f" and add them to the list «{target.name}»" if target else ""
    return f"Subscribe {label} to {named} marketing{where}? Consent: «{consent}».{ended} {opt_in(target)}"


def opt_in(target: Audience | None) -> str:
    """Return what happens next to somebody who is subscribed."""
    if target is None or target.opt_in is None:
        return "Whether Klaviyo asks them to confirm is a setting of the account."
    if target.opt_in == "double_opt_in":
        return "Klaviyo sends them a message in which they must confirm."
    return "They are subscribed at once."


def on_list(job: dict[str, Any], target: Audience | None) -> dict[str, Any]:
    """Return a job with the list that it is for."""
    if target is None:
        return job
    return {**job, "relationships": {"list": {"data": resource("list", id=target.id)}}}


@tools.destroys(
    asks=True,
    scopes=WRITE,
    search=(
        "désinscrire désabonner ne plus recevoir stop arrêter mails newsletter unsubscribe opt out "
        "marre trop de envie désabonnement arrêtez m'écrire enough mailing no more texts take off"
    ),
    examples=[
        "Désinscris jean@exemple.fr de la newsletter.",
        "This customer wants no more text messages",
        "Elle ne veut plus recevoir nos mails",
        "Il en a marre de nos SMS, désabonne-le",
        "Arrête de lui envoyer la newsletter",
        "Désabonnement demandé par ce client",
        "Plus de pub pour cette dame",
        "She wants off our mailing list",
        "Stop sending him texts",
        "Opt her out",
        "He's had enough of our e-mails",
        "Unsubscribe this caller from everything",
    ],
)
async def cancel_subscription(
    person: Person,
    channels: Channels = ["email"],  # noqa: B006 - a default of the schema, never changed
    audience: Annotated[
        ListRef | None, Field(description="Name of a list; only its marketing ends then, not all of it.")
    ] = None,
) -> Subscription:
    """Unsubscribe a person from e-mail or SMS marketing: from all of it, or from one list alone. The user is asked.

    Only a new consent of the person can take it back. To take somebody out of a
    list without changing the consent, use klaviyo_remove_from_list.
    """
    result = await profile(person, details=True)
    wanted: list[str] = list(dict.fromkeys(channels))
    addresses = {FIELDS[channel]: address_of(person, result, channel) for channel in wanted}
    target = await list_named(audience) if audience else None
    if target and target.id not in [one.id for one in await lists_of(result)]:
        raise errors.InvalidInputError(
            f"{result.shown} is not in the list {target.name}, and Klaviyo would end all of their subscriptions; "
            "nothing was done.",
            "Ask the user whether all marketing shall end, and then leave the list out.",
        )
    named = " and ".join(WORDS[channel] for channel in wanted)
    scope = f"{named} marketing of the list «{target.name}»" if target else f"all {named} marketing"
    since = result.consent(wanted[0]).since
    known = f" They are subscribed since {shown(since.date(), await account_zone())}." if since else ""
    await confirm(f"Unsubscribe {result.shown} from {scope}?{known} Only a new consent takes it back.")
    ended = {channel: {"marketing": {"consent": "UNSUBSCRIBED"}} for channel in wanted}
    who = resource("profile", {**addresses, "subscriptions": ended})
    job = resource("profile-subscription-bulk-delete-job", {"profiles": {"data": [who]}})
    await send("POST", "/api/profile-subscription-bulk-delete-jobs", on_list(job, target), cost=LARGE)
    return Subscription(person=result.shown, channels=wanted, audience=target.name if target else None)


@tools.writes(
    core=False,
    additive=False,
    asks=True,
    scopes=["accounts:read profiles:read profiles:write subscriptions:write"],
    search=(
        "bloquer suppression liste noire ne plus envoyer exclure débloquer suppress block blacklist "
        "interdit d'envoi lever le blocage réautoriser blacklister do not mail unblock lift allow again "
        "ban never"
    ),
    examples=[
        "Bloque les mails à jean@exemple.fr.",
        "Lift the suppression of this customer",
        "Mets cette adresse sur liste noire",
        "Interdis tout envoi à ce contact",
        "Débloque cette adresse",
        "Lève le blocage sur cette cliente",
        "Exclus-le des envois sans toucher à son consentement",
        "Blacklist this address",
        "Suppress this contact",
        "Unblock her, it was set by mistake",
        "Never mail this address, whatever the consent says",
    ],
)
async def set_suppression(
    person: Person,
    suppressed: Annotated[
        bool, Field(description="True blocks marketing e-mails; False lifts a block set by hand.", examples=[True])
    ],
) -> Subscription:
    """Block marketing e-mails to a person whatever their consent is, or lift a block that was set by hand. Asks first.

    It changes no consent: for somebody who wants no more marketing, use klaviyo_cancel_subscription. Blocks after
    bounces or an unsubscription cannot be lifted. klaviyo_get_profile shows the reasons.
    """
    result = await profile(person)
    address = address_of(person, result, MAIL)
    verb, kind = ("Block", "create") if suppressed else ("Allow", "delete")
    await confirm(f"{verb} marketing e-mails to {result.shown}? Their consent stays as it is.")
    job = f"profile-suppression-bulk-{kind}-job"
    data = resource(job, {"profiles": {"data": [resource("profile", {"email": address})]}})
    await send("POST", f"/api/{job}s", data, cost=LARGE)
    return Subscription(person=result.shown, channels=[MAIL])
