"""Permissions of files. API: https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Address, Toolset, confirm, segment, will_ask
from flotilla_servers._google import confirm_new, file_id

from ..client import EVERYWHERE, OWN, WRITE, api, integration
from ..models import SharedFile
from .files import FileId, get_file

tools = Toolset("sharing")


@tools.writes(replaces=True, scopes=WRITE, tolerated=OWN, search="partager donner accès lien droits")
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
    """Let a person, or everybody who has the link, read or change a file or folder. No tool takes access back.

    Asks the user before everybody gets access. A person without a Google account must be invited with notify=true.
    The address to pass on is in the result of gdrive_get_file.
    """
    target = file_id(file)
    if who.strip() == "anyone":
        if will_ask():
            name = (await get_file(file)).name
            await confirm(f"Let everybody who has the link be {role} of «{name}», without an account?")
        who, body, params = "anyone", {"type": "anyone", "role": role}, {}
    else:
        who = Address.read(who).address
        await confirm_new(integration, [who], f"Share the file {target} as {role} with")
        body = {"type": "user", "role": role, "emailAddress": who}
        params = {"sendNotificationEmail": "true" if notify else "false", "emailMessage": message if notify else None}
    answer = await api.post(f"/files/{segment(target)}/permissions", params={**params, **EVERYWHERE}, json=body)
    return SharedFile(file=target, who=who, role=role, permission=str(answer.get("id", "")))
