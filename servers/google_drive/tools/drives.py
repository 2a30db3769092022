"""Shared drives, and the storage of the account.

API: https://developers.google.com/workspace/drive/api/reference/rest/v3/drives
https://developers.google.com/workspace/drive/api/reference/rest/v3/about
"""

from __future__ import annotations

from flotilla import Cursor, Limit, Page, Toolset

from ..client import DRIVES, LOOK, OWN, READ, api
from ..models import SharedDrive, Storage

tools = Toolset("drives")


@tools.reads(
    core=False,
    scopes=READ,
    search="drives partagés équipe drive disques espaces communs team shared belong company",
    examples=[
        "quels drives partagés j'ai",
        "à quels espaces d'équipe j'ai accès",
        "est-ce qu'il y a un drive commun pour la compta",
        "montre les disques partagés de la boîte",
        "de quels drive d'équipe je suis membre",
        "which shared drives am I in",
        "list the team drives",
        "is there a company drive for accounting",
        "what common drives do we have",
        "show the drives of the organisation",
    ],
)
async def list_shared_drives(limit: Limit = 20, cursor: Cursor = None) -> Page[SharedDrive]:
    """List the shared drives of which the connected account is a member.

    Returns the id that gdrive_list_files takes as `folder` and gdrive_search_files as `where`. It needs a consent that
    reads all of Drive.
    """
    return await api.page("/drives", SharedDrive, limit=limit, cursor=cursor, paging=DRIVES)


@tools.reads(
    scopes=LOOK,
    tolerated=OWN,
    search=(
        "espace de stockage quota place restante plein saturé gigas utilisés libre combien reste disque full "
        "left free used GB running space"
    ),
    examples=[
        "Combien de place reste-t-il sur le Drive ?",
        "how full is my storage",
        "mon espace est-il plein",
        "il me reste combien de gigas",
        "j'utilise combien de stockage",
        "est-ce que je suis bientôt à court de place",
        "on a encore de la place pour les vidéos ?",
        "how much space do I have left",
        "am I running out of room",
        "how many gigabytes are used",
        "is my account full",
    ],
)
async def get_storage() -> Storage:
    """Get how much storage the Google account uses and how much is free, in bytes: Drive, Gmail and Photos together.

    Files in the trash count until they are deleted for good. Of an organisation with shared storage, Google gives the
    user's own part only.
    """
    answer = await api.get("/about", params={"fields": "user(emailAddress),storageQuota"})
    quota = {name: int(value) for name, value in (answer.get("storageQuota") or {}).items()}
    used, limit = quota.get("usage", 0), quota.get("limit")
    return Storage(
        account=(answer.get("user") or {}).get("emailAddress", ""),
        used=used,
        in_drive=quota.get("usageInDrive", 0),
        in_trash=quota.get("usageInDriveTrash", 0),
        limit=limit,
        free=None if limit is None else max(0, limit - used),
    )
