"""Files: upload in three steps, download. https://docs.slack.dev/messaging/working-with-files"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from flotilla import Toolset, errors, files, follows, in_doubt, in_thread

from ..client import call, files_api, user_files_api
from ..models import SentFile
from ..sending import LOOK, Thread, To, ask_first, content_of, opened, target_of

tools = Toolset("files")
LARGEST = 100_000_000  # bytes
BINARY = {"Content-Type": "application/octet-stream"}
_ID = re.compile(r"(?:https://[\w.-]+\.slack(?:-gov)?\.com/files/[A-Z0-9]+/)?(F[A-Z0-9]{6,})(?:/\S*)?", re.ASCII)


@tools.writes(
    creates=True,
    asks=True,
    additive=False,
    deadline=55,
    scopes=["files:write im:write mpim:write users:read users:read.email channels:read groups:read im:read mpim:read"],
    search="envoie joins dépose partage fichier pdf document image upload attach",
    examples=["Envoie le devis.pdf dans #ventes", "Send the report to Marie on Slack"],
)
async def upload_file(
    path: Annotated[str, Field(description="Path of the file in the data folder.", examples=["devis.pdf"])],
    to: To = None,
    text: Annotated[str | None, Field(max_length=4000, description="Message beside the file, Markdown.")] = None,
    thread: Thread = None,
    title: Annotated[
        str | None, Field(max_length=250, description="Title in Slack; the file's name without it.")
    ] = None,
) -> SentFile:
    """Send a file of the data folder to a channel, a person or a thread, up to 100 MB, with a message beside it.

    Asks in the same cases as slack_send_message. Returns the file's id and link.
    """
    target = await target_of(to, thread)
    blocks, plain = await content_of(text) if text else ([], "")
    await ask_first(target, blocks, f"Send {files.shown(path)}")
    content = await in_thread(files.read, path, LARGEST)
    if not content:
        raise errors.InvalidInputError(f"{files.shown(path)} is empty.", "Choose another file.")
    name = files.parts_of(path)[-1]
    files_api.follows("POST", "/upload/v1/{key}", json=f"{len(content)} bytes")
    comment = {"initial_comment": plain} if plain else {}
    follows(action="share the uploaded file", channel=target.name, title=title or name, **comment)
    slot = await call("files.getUploadURLExternal", filename=name, length=len(content))
    await files_api.send("POST", _path(str(slot["upload_url"])), content=content, headers=BINARY)
    with in_doubt(LOOK):
        channel_id = await opened(target)
        answer = await call(
            "files.completeUploadExternal",
            files=[{"id": str(slot["file_id"]), "title": title or name}],
            channel_id=channel_id,
            thread_ts=target.thread or None,
            initial_comment=plain or None,
        )
    rows = [row for row in answer.get("files") or [] if isinstance(row, dict)]
    return SentFile(
        id=str(slot["file_id"]),
        name=title or name,
        bytes=len(content),
        channel=target.name,
        link=rows[0].get("permalink") if rows else None,
    )


@tools.reads(
    deadline=55,
    scopes=["files:read"],
    search="télécharge récupère fichier pièce jointe document enregistre save attachment",
    examples=["Récupère le PDF que Marie a envoyé"],
)
async def download_file(
    file: Annotated[
        str,
        Field(description="Id of the file, from a message's files, or its link.", examples=["F0123456789"]),
    ],
    path: Annotated[
        str | None, Field(description="New file of the data folder; slack/<id>/<name> without it.", examples=["a.pdf"])
    ] = None,
) -> files.FileRef:
    """Save a file that was sent in Slack in the data folder, up to 100 MB. Take the id from a message of
    slack_read_channel or slack_search_messages.

    Returns path, size and checksum, not the text: fs_read_document of the filesystem server reads PDF, Word, Excel and
    PowerPoint by the path.
    """
    match = _ID.fullmatch(file.strip())
    if not match:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(file, 80)}` is not a file of Slack.", "Take the id from a message's files."
        )
    about = (await call("files.info", reads=True, file=match[1]))["file"]
    name = str(about.get("name") or match[1])
    address = about.get("url_private_download") or about.get("url_private")
    size = about.get("size")
    if about.get("is_external") or not address:
        elsewhere = about.get("url_private") or about.get("permalink") or "its address is not known"
        raise errors.InvalidInputError(
            f"«{errors.excerpt(name, 80)}» is kept outside of Slack.",
            f"Open it there: {errors.excerpt(elsewhere, 200)}.",
        )
    if isinstance(size, int) and size > LARGEST:
        raise errors.InvalidInputError(
            f"The file has {size:,} bytes, more than the {LARGEST:,} that can be saved.", "Open it in Slack."
        )
    safe = re.sub(r"[^\w.,()+ -]+", "_", name).strip(". ")[-120:] or "file"
    target = path or f"slack/{match[1]}/{safe}"
    await in_thread(files.check, target, path is None)
    response = await user_files_api.send("GET", _path(str(address)), headers={"Accept": "*/*"}, largest=LARGEST)
    kind = response.headers.get("content-type", "")
    if "text/html" in kind and "html" not in str(about.get("mimetype") or ""):
        raise errors.PermissionDeniedError(
            "Slack shows its login page in place of the file: the token lacks the scope files:read, or may not see it.",
            "Ask the user to add the scope and to install the app again.",
        )
    return await in_thread(files.write, target, response.content, path is None)


def _path(address: str) -> str:
    """Return path and query of an address among Slack's files; raises errors.UpstreamError for another host."""
    parts = urlsplit(address)
    if parts.netloc not in ("files.slack.com", urlsplit(files_api.base).netloc):
        raise errors.UpstreamError("Slack pointed to another host for a file.", "Tell the user.")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
