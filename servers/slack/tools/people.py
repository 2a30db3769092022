"""People of the workspace. https://docs.slack.dev/reference/methods/users.list"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, sliced

from ..client import call
from ..lookup import people, person, words_in
from ..models import Person

tools = Toolset("people")
SCOPES = ["users:read users:read.email"]


class Details(Person):
    """A person, and whether they are there."""

    present: bool | None = None


@tools.reads(
    scopes=SCOPES,
    search="qui est collègue équipe annuaire e-mail téléphone membre trouve personne find member phone",
    examples=["Quel est le numéro de Marie ?", "Who is Paul in our Slack?"],
)
async def search_people(
    query: Annotated[
        str,
        Field(
            description="Words of the name, title, e-mail address or phone number; empty for all.", examples=["Marie"]
        ),
    ] = "",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Person]:
    """Find people of the workspace by name, title, e-mail address or phone number, bots and guests included.

    Returns name, handle, title, addresses, status and time zone. Other tools take the name, @handle or e-mail address
    as it is, so call this only to look somebody up or where a name is not clear.
    """
    everybody = await people(renew=not cursor)
    digits = "".join(sign for sign in query if sign.isdigit())
    matches = [
        one
        for one in everybody
        if words_in(query.removeprefix("@"), [one.name, one.handle, one.title, one.email, one.id])
        or (query and one.email == query.strip().lower())
        or (len(digits) >= 6 and digits[-9:] in "".join(sign for sign in one.phone or "" if sign.isdigit()))
    ]
    return sliced(sorted(matches, key=lambda one: one.kind is not None), limit, cursor)


@tools.reads(core=False, scopes=SCOPES, search="présence en ligne disponible statut fuseau horaire heure online away")
async def get_person(
    who: Annotated[
        str, Field(description="@Marie, name, e-mail address or id; me for the token's owner.", examples=["@Marie"])
    ],
) -> Details:
    """Get one person with title, addresses, status, time zone, and whether they are active in Slack just now.

    Where several people have the name, these are listed. To look for people by words, use slack_search_people.
    """
    whom = await person(who)
    answer = await call("users.getPresence", reads=True, user=whom.id)
    return Details(**whom.model_dump(), present=answer.get("presence") == "active")
