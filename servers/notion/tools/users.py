"""People of the workspace. API: https://developers.notion.com/reference/get-users"""

from __future__ import annotations

from flotilla import Cursor, Limit, Page, Toolset

from ..client import api
from ..models import User

tools = Toolset("users")


@tools.reads(
    core=False,
    search=(
        "membres utilisateurs équipe personnes people members workspace e-mails collègues membre annuaire "
        "compte adresse mail invité accès who colleagues teammates directory accounts"
    ),
    examples=[
        "qui fait partie de l'espace de travail",
        "c'est quoi l'adresse mail de mon collègue",
        "liste les gens de l'équipe",
        "combien d'utilisateurs avons-nous",
        "quels collègues ont un compte",
        "who is in our workspace",
        "what is my teammate's email address",
        "list everybody on the team",
        "how many people have an account",
        "which colleagues are here",
    ],
)
async def list_users(limit: Limit = 20, cursor: Cursor = None) -> Page[User]:
    """List the people and integrations of the workspace, each with name and e-mail address where Notion tells it.

    Use it to learn how a person is called before a property of people is set; guests are not listed.
    """
    return await api.page("/users", User, limit=limit, cursor=cursor)
