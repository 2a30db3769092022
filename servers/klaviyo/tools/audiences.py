"""Lists and segments, and who is in them. https://developers.klaviyo.com/en/reference/lists_api_overview"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, choose, confirm, errors, segment, sliced, will_ask
from flotilla.parsing import folded, listed

from ..client import LARGE, TINY, api, condition, flat, many, page, post, resource, send
from ..lookup import (
    AudienceRef,
    ListRef,
    PersonText,
    account_zone,
    audience_named,
    audiences,
    list_named,
    live_flows,
    profiles,
    within,
)
from ..models import Audience, ListChange, Profile, ProfileRow

tools = Toolset("audiences")
READ = ["accounts:read lists:read segments:read"]
MEMBERS = ["accounts:read lists:read segments:read profiles:read"]
WRITE = ["accounts:read lists:read segments:read profiles:read lists:write profiles:write"]
ADD = [f"{WRITE[0]} flows:read"]  # to tell which flows it starts
People = Annotated[
    list[PersonText],
    Field(
        min_length=1,
        max_length=100,
        description="E-mail addresses, phone numbers or profile ids.",
        examples=[["jean.dupont@exemple.fr"]],
    ),
]


class Members(Page[ProfileRow]):
    """People of a list or segment. `total` comes with the first page."""

    total: int | None = None


@tools.reads(
    scopes=READ,
    search=(
        "listes segments audiences newsletter groupes which lists quels de destinataires fichiers "
        "d'abonnés public cible mailing target groups available cherche trouve salon find fidèles loyal"
    ),
    examples=[
        "Quelles listes avons-nous ?",
        "Which segments are there?",
        "Quelles listes de diffusion existent ?",
        "À qui on peut envoyer des mails ?",
        "On a un segment pour les clients fidèles ?",
        "Montre nos groupes de destinataires",
        "Cherche la liste du salon",
        "What mailing lists do we have?",
        "Is there a segment for loyal customers?",
        "Show our target groups",
        "Which of our lists use double opt-in?",
    ],
)
async def list_audiences(
    query: Annotated[str | None, Field(description="Words that the name contains.")] = None,
    kind: Annotated[Literal["list", "segment"] | None, Field(description="Only lists or only segments.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Audience]:
    """List the lists and segments of the account by name, with the opt-in process of each list.

    People are added to lists by klaviyo_add_to_list; a segment fills itself by its conditions. For who is in one and
    how many they are, use klaviyo_list_members.
    """
    rows = [row for one in ("list", "segment") if kind in (None, one) for row in await audiences(one, fresh=True)]
    wanted = folded(query or "")
    fitting = [row for row in rows if wanted in folded(row.name)]
    result = sliced(fitting, limit, cursor)
    return result.model_copy(update={"items": await within(result.items)})


@tools.reads(
    scopes=MEMBERS,
    search=(
        "membres inscrits de la liste du segment combien abonnés qui est dans how many subscribers "
        "personnes destinataires effectif taille nouveaux depuis size of who is on it newest joined "
        "count big grande large"
    ),
    examples=[
        "Combien d'inscrits à la newsletter ?",
        "Who joined the VIP list this week?",
        "Combien de gens sont abonnés ?",
        "Qui est dans le segment VIP ?",
        "Montre les abonnés de la liste du salon",
        "Qui s'est inscrit à la liste depuis lundi ?",
        "Elle est grande comment, notre liste ?",
        "How many subscribers do we have?",
        "Who is on the trade fair list?",
        "How big is the VIP segment?",
        "Who signed up to the list since Monday?",
    ],
)
async def list_members(
    audience: AudienceRef,
    joined_after: Annotated[
        When | None, Field(description="Only people who joined on this day or time, or later.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Members:
    """List the people of a list or segment, those who joined last first, and how many there are in all.

    Returns each one's id, name and address; for consent and orders of one, use klaviyo_get_profile. The total counts
    everybody in it, not only who joined since joined_after.
    """
    wanted = await audience_named(audience)
    zone = await account_zone()
    where = f"/api/{wanted.kind}s/{segment(wanted.id)}"
    after = condition("greater-or-equal", "joined_group_at", joined_after.at(zone)) if joined_after else None
    params = {"filter": after, "sort": "-joined_group_at"}
    rows = await page(f"{where}/profiles", ProfileRow, params=params, limit=limit, cursor=cursor, cost=LARGE)
    total = None
    if not cursor:
        counted = {f"additional-fields[{wanted.kind}]": "profile_count", f"fields[{wanted.kind}]": "profile_count"}
        answer = flat((await api.get(where, params=counted, cost=TINY)).get("data"))
        count = answer.get("profile_count") if isinstance(answer, dict) else None
        total = count if isinstance(count, int) else None
    return Members(items=await within(rows.items), next_cursor=rows.next_cursor, total=total)


@tools.writes(
    creates=True,
    idempotent=True,
    asks=True,
    scopes=ADD,
    search=(
        "ajouter ajoute mettre dans la liste inscrire à la liste put into list mets le groupe range on "
        "add these people assign testeurs include group"
    ),
    examples=[
        "Ajoute jean@exemple.fr à la liste Salon 2030.",
        "Put these three people on the VIP list",
        "Mets-la dans la liste VIP",
        "Ajoute ces adresses à la liste du salon",
        "Range ce client dans les fidèles",
        "Rajoute-le au groupe des testeurs",
        "Ces trois personnes vont dans la liste presse",
        "Put her on the VIP list",
        "Add these addresses to the trade fair list",
        "Include him in the testers group",
        "They go on the press list",
    ],
)
async def add_to_list(audience: ListRef, people: People) -> ListChange:
    """Add people whom Klaviyo knows to a list, up to 100 at once. It subscribes nobody and records no consent.

    Where the list starts a live flow, which may send them messages, the user is asked first. For somebody who agreed
    to marketing, use klaviyo_add_subscription; unknown people are made with klaviyo_update_profile.
    """
    target, members = await list_named(audience), await profiles(people)
    if will_ask():
        flows = await live_flows("list", target.id)
        if flows or flows is None:
            await confirm(f"Add {_named(members)} to the list «{target.name}»? {started(flows)}")
    path = f"/api/lists/{segment(target.id)}/relationships/profiles"
    await send("POST", path, many("profile", [one.id for one in members]))
    return ListChange(audience=target.name, people=[one.address for one in members])


def started(flows: list[str] | None) -> str:
    """Return the sentence on flows that something starts; None where it is not known."""
    if flows is None:
        return "It may start flows, which send messages: the key may not read them."
    return f"It starts what is live and may send messages: {listed(flows)}."


def _named(members: list[Profile]) -> str:
    count = "1 person" if len(members) == 1 else f"{len(members)} people"
    return f"{count} ({listed((one.shown for one in members), 10)})"


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "retirer enlever sortir de la liste supprimer de la liste take out of list ôte vire plus dans "
        "le groupe off drop from no longer belongs"
    ),
    examples=[
        "Retire jean@exemple.fr de la liste Salon 2030.",
        "Take Marie off the VIP list",
        "Enlève-la de la liste VIP",
        "Sors ce client du groupe des testeurs",
        "Vire ces adresses de la liste presse",
        "Il n'a plus à être dans cette liste",
        "Ôte-le des fidèles, mais garde son abonnement",
        "Take him off the press list",
        "Drop these people from the list",
        "She no longer belongs on that list",
        "Remove them from the testers but keep them subscribed",
    ],
)
async def remove_from_list(audience: ListRef, people: People) -> ListChange:
    """Remove people from a list, up to 100 at once. Their profiles and their consent to marketing stay as they are.

    For somebody who wants no more marketing, use klaviyo_cancel_subscription. Nobody can be removed from a segment,
    which fills itself by its conditions.
    """
    target, members = await list_named(audience), await profiles(people)
    path = f"/api/lists/{segment(target.id)}/relationships/profiles"
    await send("DELETE", path, many("profile", [one.id for one in members]))
    return ListChange(audience=target.name, people=[one.address for one in members])


@tools.writes(
    core=False,
    creates=True,
    scopes=["accounts:read lists:read lists:write"],
    search=("créer nouvelle liste new list faire une vide ouvrir groupe mailing empty set up start make diffusion"),
    examples=[
        "Crée une liste Salon de Lyon.",
        "Make a new list for the trade fair",
        "Fais une nouvelle liste pour le Black Friday",
        "J'ai besoin d'une liste vide",
        "Ouvre un groupe de diffusion presse",
        "Nouvelle liste avec double confirmation",
        "Make an empty mailing list",
        "Set up a list for Black Friday",
        "I need a new group for the press",
        "Start a list with double opt-in",
    ],
)
async def create_list(
    name: Annotated[str, Field(min_length=1, max_length=255, description="Name of the list.", examples=["Salon 2030"])],
    opt_in: Annotated[
        Literal["single_opt_in", "double_opt_in"] | None,
        Field(description="Whether people confirm by a message (double) or not; the account's default without it."),
    ] = None,
) -> Audience:
    """Create an empty list. Fails where a list has this name already, also with other accents or capitals.

    Fill it with klaviyo_add_to_list, or with klaviyo_add_subscription where people agreed to marketing. Segments are
    made in Klaviyo itself.
    """
    if any(folded(one.name) == folded(name) for one in await audiences("list", fresh=True)):
        existing = choose(name, await audiences("list"), kind="list")
        raise errors.InvalidInputError(
            f"There is a list {existing.name} already ({existing.id}); nothing was done.",
            "Use it, or take another name.",
        )
    answer = await post("/api/lists", resource("list", {"name": name, "opt_in_process": opt_in}))
    api.connection.metadata.pop("lists", None)
    made = Audience.model_validate(flat(answer["data"]))
    return made.within(await account_zone())
