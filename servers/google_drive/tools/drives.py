"""Shared drives, and the storage of the account.

API: https://developers.google.com/workspace/drive/api/reference/rest/v3/drives
https://developers.google.com/workspace/drive/api/reference/rest/v3/about
"""

from __future__ import annotations

from flotilla import Cursor, Limit, Page, Toolset

from ..client import DRIVES, LOOK, OWN, READ, api
from ..models import SharedDrive, Storage

tools = Toolset("drives")


@tools.reads(core=False, scopes=READ, search="drives partagés équipe")
async def list_shared_drives(limit: Limit = 20, cursor: Cursor = None) -> Page[SharedDrive]:
    """List the shared drives of which the connected account is a member.

    Returns the id that gdrive_list_files takes as `folder` and gdrive_search_files as `where`. It needs a consent that
    reads all of Drive.
    """
    return await api.page("/drives", SharedDrive, limit=limit, cursor=cursor, paging=DRIVES)


@tools.reads(
    scopes=LOOK, tolerated=OWN, search="espace de stockage quota place restante",
    examples=["Combien de place reste-t-il sur le Drive ?", "how full is my storage"],
)  # fmt: skip
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
