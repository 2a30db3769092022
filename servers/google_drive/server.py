"""Google Drive: find, download, upload, share, move, trash.

API: https://developers.google.com/workspace/drive/api/reference/rest/v3
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from flotilla import Cursor, Limit, Page, Server, Toolset, confirm, errors, files, segment, will_ask
from flotilla_servers._google import confirm_new, file_id, scope

from . import query
from .client import DRIVES, EVERYWHERE, FILES, api, integration
from .download import named, saved
from .formats import APPS, TYPES, Format, exported
from .models import FIELDS, Done, Drive, File, Line, Shared, Trashed
from .upload import sent

tools = Toolset()

LOOK = [scope(s) for s in ("drive.file", "drive.metadata.readonly", "drive.readonly", "drive")]
READ = [scope(s) for s in ("drive.file", "drive.readonly", "drive")]
WRITE = [scope(s) for s in ("drive.file", "drive")]
MAIL = r"^(anyone|[^@\s]+@[^@\s]+\.[^@\s]+)$"

FileId = Annotated[str, Field(description="Id or address", examples=["1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"])]
FolderId = Annotated[str, Field(description="Id or address; root is My Drive")]
Path = Annotated[str, Field(description="Path in the data folder", examples=["devis.pdf"])]
Name = Annotated[str, Field(min_length=1, max_length=500, description="Name", examples=["Devis 2030"])]
SharedDrive = Annotated[str | None, Field(description="Id of a shared drive, to look there")]


@tools.reads(scopes=LOOK)
async def list_files(
    folder: FolderId = "root", shared_drive: SharedDrive = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[Line]:
    """List a folder, folders first."""
    here = file_id(shared_drive) if shared_drive and folder == "root" else file_id(folder)
    return await _listed(query.inside(here), shared_drive, limit, cursor, "folder,name")


@tools.reads(scopes=LOOK)
async def search_files(
    words: Annotated[str, Field(description="In the name")] = "",
    in_text: Annotated[bool, Field(description="Look for them in the contents too")] = False,
    kind: Annotated[
        Literal["folder", "document", "spreadsheet", "presentation", "pdf", "image"] | None, Field(description="Only")
    ] = None,
    folder: Annotated[str | None, Field(description="Only directly in it")] = None,
    modified_after: Annotated[AwareDatetime | None, Field(description="With offset")] = None,
    shared_drive: SharedDrive = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Line]:
    """Find files, changed last first. Finds what Flotilla made or was given, unless consent covers all of Drive."""
    q = query.search(words, in_text, kind, file_id(folder) if folder else None, modified_after)
    order = None if words and in_text else "modifiedTime desc"  # the API sorts a search of contents by itself
    return await _listed(q, shared_drive, limit, cursor, order)


async def _listed(q: str, drive: str | None, limit: int, cursor: str | None, order: str | None) -> Page[Line]:
    where = {"corpora": "drive", "driveId": file_id(drive)} if drive else {}
    params = {"q": q, "orderBy": order, "fields": f"nextPageToken,files({FIELDS})", **where, **EVERYWHERE}
    params["includeItemsFromAllDrives"] = "true"
    return await api.page("/files", Line, params=params, limit=limit, cursor=cursor, paging=FILES)


@tools.reads(scopes=LOOK)
async def get_file(file: FileId) -> File:
    """Get a file's name, size, folder, owner and address."""
    return File.model_validate(await _about(file))


async def _about(file: str) -> dict[str, Any]:
    params = {"fields": FIELDS, **EVERYWHERE}
    found: dict[str, Any] = await api.get(f"/files/{segment(file_id(file))}", params=params)
    return found


@tools.reads(scopes=READ, deadline=55)
async def download_file(
    file: FileId,
    path: Annotated[str | None, Field(description="New file; else drive/<id>/<name>")] = None,
    format: Annotated[Format | None, Field(description="For Google's own formats; else pdf, sheets xlsx")] = None,  # noqa: A002
) -> files.FileRef:
    """Save a file in the data folder; a Google document, sheet or presentation is exported."""
    about = await _about(file)
    if target := (about.get("shortcutDetails") or {}).get("targetId"):
        raise errors.InvalidInputError(
            "It is a shortcut.", f"Download the file that it leads to: {errors.excerpt(target, 80)}."
        )
    ending = exported(str(about.get("mimeType", "")), format)
    place = path or named(str(about["id"]), str(about.get("name", "")), ending)
    url = f"/files/{segment(str(about['id']))}"
    if ending:
        return await saved(f"{url}/export", {"mimeType": TYPES[ending]}, place, path is None, 0)
    params = {"alt": "media", **EVERYWHERE}
    return await saved(url, params, place, path is None, int(about.get("size", 0)), str(about.get("md5Checksum", "")))


@tools.writes(creates=True, replaces=True, scopes=WRITE, deadline=55)
async def upload_file(
    path: Path,
    folder: FolderId = "root",
    name: Annotated[str | None, Field(description="Else the file's own")] = None,
    convert: Annotated[bool, Field(description="Into a Google document, sheet or presentation")] = False,
    replaces: Annotated[str | None, Field(description="Id of the file whose content it becomes")] = None,
) -> Done:
    """Upload a file of the data folder; asks before it replaces the content of another one."""
    if replaces and will_ask():
        old = await get_file(replaces)
        size = (
            f" ({old.bytes:,} bytes, changed {old.modified:%d %B %Y, %H:%M %Z})" if old.bytes and old.modified else ""
        )
        await confirm(f"Replace what «{old.name}»{size} holds in Drive by {files.shown(path)}?")
    return Done.model_validate(
        await sent(path, file_id(folder), name, convert, file_id(replaces) if replaces else None)
    )


@tools.writes(creates=True, scopes=WRITE)
async def create_folder(name: Name, folder: FolderId = "root") -> Done:
    """Make a folder."""
    body = {"name": name, "mimeType": f"{APPS}folder", "parents": [file_id(folder)]}
    return Done.model_validate(await api.post("/files", params={"fields": FIELDS, **EVERYWHERE}, json=body))


@tools.writes(replaces=True, scopes=WRITE)
async def share_file(
    file: FileId,
    who: Annotated[
        str, Field(pattern=MAIL, description="Address; anyone: all who have the link", examples=["marie@example.org"])
    ],
    role: Annotated[Literal["reader", "commenter", "writer"], Field(description="Role")] = "reader",
    notify: Annotated[bool, Field(description="Send mail")] = False,
    message: Annotated[str | None, Field(description="In that mail")] = None,
) -> Shared:
    """Let somebody see or change a file or folder."""
    target = file_id(file)
    if who == "anyone":
        if will_ask():
            name = (await get_file(file)).name
            await confirm(f"Let everybody who has the link be {role} of «{name}», without an account?")
        body, params = {"type": "anyone", "role": role}, {}
    else:
        await confirm_new(integration, [who], f"Share the file {target} as {role} with")
        body = {"type": "user", "role": role, "emailAddress": who}
        params = {"sendNotificationEmail": "true" if notify else "false", "emailMessage": message if notify else None}
    answer = await api.post(f"/files/{segment(target)}/permissions", params={**params, **EVERYWHERE}, json=body)
    return Shared(file=target, who=who, role=role, permission=str(answer.get("id", "")))


@tools.writes(additive=False, idempotent=True, scopes=WRITE)
async def move_file(
    file: FileId,
    folder: Annotated[str, Field(description="Where to; root is My Drive", examples=["root"])],
    name: Annotated[str | None, Field(description="New name")] = None,
) -> Done:
    """Move a file or folder, and rename it if you like."""
    about = await _about(file)
    to = (await _about(folder))["id"] if folder == "root" else file_id(folder)  # a file's parents hold no aliases
    old = [one for one in about.get("parents", ()) if one != to]
    params = {"addParents": to, "removeParents": ",".join(old) or None, "fields": FIELDS, **EVERYWHERE}
    path = f"/files/{segment(str(about['id']))}"
    return Done.model_validate(await api.patch(path, params=params, json={"name": name}))


@tools.destroys(asks=True, idempotent=True, scopes=WRITE)
async def trash_file(file: FileId) -> Trashed:
    """Move a file or folder to the trash; Drive deletes it after 30 days."""
    await confirm(f"Move «{(await get_file(file)).name}» to the trash?")
    target = file_id(file)
    await api.send("PATCH", f"/files/{segment(target)}", params=EVERYWHERE, json={"trashed": True})
    return Trashed(trashed=target)


@tools.writes(core=False, idempotent=True, scopes=WRITE)
async def restore_file(file: FileId) -> Done:
    """Take a file out of the trash."""
    params = {"fields": FIELDS, **EVERYWHERE}
    path = f"/files/{segment(file_id(file))}"
    return Done.model_validate(await api.patch(path, params=params, json={"trashed": False}))


@tools.reads(core=False, scopes=[scope("drive.readonly"), scope("drive")])
async def list_shared_drives(limit: Limit = 20, cursor: Cursor = None) -> Page[Drive]:
    """List the shared drives that the account may see."""
    return await api.page("/drives", Drive, limit=limit, cursor=cursor, paging=DRIVES)


server = Server(integration, toolsets=[tools])
