"""Shared drives. API: https://developers.google.com/workspace/drive/api/reference/rest/v3/drives"""

from __future__ import annotations

from flotilla import Cursor, Limit, Page, Toolset

from ..client import DRIVES, READ, api
from ..models import SharedDrive

tools = Toolset("drives")


@tools.reads(core=False, scopes=READ, search="drives partagés équipe")
async def list_shared_drives(limit: Limit = 20, cursor: Cursor = None) -> Page[SharedDrive]:
    """List the shared drives of which the connected account is a member.

    Returns the id that gdrive_list_files and gdrive_search_files take as `shared_drive`. It needs a consent that reads
    all of Drive.
    """
    return await api.page("/drives", SharedDrive, limit=limit, cursor=cursor, paging=DRIVES)
