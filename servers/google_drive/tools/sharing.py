"""Permissions of files. API: https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import (
    Address,
    Cursor,
    Limit,
    Page,
    Toolset,
    choose,
    confirm,
    confirm_new,
    errors,
    readable,
    segment,
    will_ask,
)
from flotilla_servers._google import EVERYWHERE, file_id

from ..client import LOOK, OWN, PERMISSIONS, WRITE, api
from ..models import Permission, SharedFile, UnsharedFile
from .files import FileId, get_file

tools = Toolset("sharing")

FIELDS = "id,type,role,emailAddress,domain,displayName,expirationTime,permissionDetails(inherited)"
PAGES = 10  # of 100 permissions; a file has 600 at most
ROLES = {"reader": "read", "commenter": "comment on", "writer": "change", "fileOrganizer": "organise"}


@tools.writes(
    replaces=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "partager donner accès lien droits donne ouvre lecteur commentateur éditeur équipe puisse modifier "
        "rends public obtenir inviter share give access edit view invite viewer editor anyone link partage "
        "partage-le open grant see"
    ),
    examples=[
        "Partage le devis avec Marie",
        "donne le lien à tout le monde",
        "donne accès au dossier à ma collègue",
        "que l'équipe puisse modifier ce document",
        "rends ce fichier public",
        "ouvre le dossier au comptable en lecture seule",
        "share this with my colleague",
        "let the team edit it",
        "give the accountant read access to the folder",
        "make it open to anyone with the link",
        "invite the client to view the presentation",
        "partage-le avec le client",
        "grant her edit rights",
    ],
)
async def share_file(
    file: FileId,
    who: Annotated[
        str,
        Field(
            description="E-mail address of a person; anyone for all who have the link.", examples=["marie@example.org"]
        ),
    ],
    role: Annotated[
        Literal["reader", "commenter", "writer"], Field(description="What they may do: read, comment, or change it.")
    ] = "reader",
    notify: Annotated[bool, Field(description="True to send the person an e-mail from Google.")] = False,
    message: Annotated[str | None, Field(description="Text for that e-mail; only with notify.")] = None,
) -> SharedFile:
    """Let a person, or everybody who has the link, read or change a file or folder.

    Asks the user before everybody gets access. A person without a Google account must be invited with notify=true.
    Returns the address to pass on. To take access back, use gdrive_unshare_file.
    """
    target = file_id(file)
    name = (await get_file(file)).name if will_ask() else target
    if who.strip().lower() == "anyone":
        await confirm(f"Let everybody who has the link be {role} of «{name}», without an account?")
        who, body, params = "anyone", {"type": "anyone", "role": role}, {}
    else:
        who = Address.read(who).address
        await confirm_new([who], f"Share «{name}» as {role} with")
        body = {"type": "user", "role": role, "emailAddress": who}
        params = {"sendNotificationEmail": "true" if notify else "false", "emailMessage": message if notify else None}
    answer = await api.post(f"/files/{segment(target)}/permissions", params={**params, **EVERYWHERE}, json=body)
    url = f"https://drive.google.com/open?id={target}"
    return SharedFile(file=target, who=who, role=role, permission=str(answer.get("id", "")), url=url)


@tools.reads(
    scopes=LOOK,
    tolerated=OWN,
    search=(
        "qui a accès droits partages permissions partagé peut voir modifier public autorisations who access "
        "shared whom can edit view dessus check sharing ouvert"
    ),
    examples=[
        "Qui a accès à ce dossier ?",
        "who can see this file",
        "avec qui c'est partagé",
        "qui peut modifier ce document",
        "est-ce que ce fichier est public",
        "le comptable a-t-il les droits dessus",
        "vérifie les accès du dossier",
        "who can edit this",
        "is it open to everyone",
        "who did I share the folder with",
        "does the accountant have access",
        "check the sharing of this document",
        "qui peut voir ça",
    ],
)
async def list_permissions(file: FileId, limit: Limit = 20, cursor: Cursor = None) -> Page[Permission]:
    """List who may read or change a file or folder, people, groups, domains and everybody with the link.

    Google gives this only to those who may change the file. Use it before gdrive_unshare_file.
    """
    path = f"/files/{segment(file_id(file))}/permissions"
    params = {"fields": f"nextPageToken,permissions({FIELDS})", **EVERYWHERE}
    return await api.page(path, Permission, params=params, limit=limit, cursor=cursor, paging=PERMISSIONS)


@tools.destroys(
    asks=True,
    idempotent=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "retirer accès arrêter partage lien public enlève coupe ferme droit voir arrête rends privé désactive "
        "remove access revoke stop sharing private longer see kick retire-lui shared"
    ),
    examples=[
        "Retire l'accès de Paul",
        "stop sharing this link",
        "coupe l'accès du stagiaire",
        "rends ce document privé",
        "ne partage plus ce dossier avec lui",
        "désactive le lien public",
        "il est parti, enlève-lui les droits",
        "revoke his access",
        "make it private again",
        "the intern shouldn't see this folder any more",
        "turn off the public link",
        "take her off this document",
        "je ne veux plus qu'il voie ce dossier",
    ],
)
async def unshare_file(
    file: FileId,
    who: Annotated[
        str,
        Field(
            description="E-mail address, domain or name, from gdrive_list_permissions; anyone for the public link.",
            examples=["marie@example.org"],
        ),
    ],
) -> UnsharedFile:
    """Take a person's, a group's, a domain's or everybody's access to a file or folder back, after the user's yes.

    What comes from a folder or a shared drive is taken back there. The owner's access stays.
    """
    target = file_id(file)
    permission = await _permission(target, who)
    shown = "everybody who has the link" if permission.type == "anyone" else permission.who or permission.name
    if permission.role == "owner":
        raise errors.InvalidInputError(f"{shown} owns the file.", "Only the owner can give it to somebody else.")
    if permission.inherited:
        raise errors.InvalidInputError(
            f"The access of {shown} comes from the folder or the shared drive.",
            "Take it back there: gdrive_get_file returns the folder.",
        )
    doing = ROLES.get(permission.role, permission.role)
    await confirm(f"Take back that {shown} may {doing} «{(await get_file(file)).name}»?")
    await api.delete(f"/files/{segment(target)}/permissions/{segment(permission.id)}", params=EVERYWHERE)
    return UnsharedFile(file=target, who=permission.who)


async def _permission(target: str, who: str) -> Permission:
    """Return the permission of somebody; raises errors.NotFoundError with those who have one."""
    permissions: list[Permission] = []
    params: dict[str, Any] = {"fields": f"nextPageToken,permissions({FIELDS})", "pageSize": 100, **EVERYWHERE}
    cursor: str | None = None
    for _ in range(PAGES):
        answer = await api.get(f"/files/{segment(target)}/permissions", params={**params, "pageToken": cursor})
        permissions += readable(Permission, api.rows_in(answer, "permissions", missing=True))
        if not (cursor := answer.get("nextPageToken")):
            break
    wanted = who.strip().lower()
    of_address = [one for one in permissions if wanted in (one.who.lower(), one.id)]
    return of_address[0] if len(of_address) == 1 else choose(
        who, permissions, id=lambda one: one.id, name=lambda one: one.name or one.who, kind="access", listed_by=""
    )  # fmt: skip
