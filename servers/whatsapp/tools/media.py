"""Files: fetched, uploaded, deleted. https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Toolset, confirm, files, in_thread, link, segment, settings_of

from .. import media
from ..client import api, integration
from ..models import Done, Uploaded

tools = Toolset("media")
MediaId = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{5,30}$",
        description="Media id from the customer's message in the user's webhook, or from an earlier upload.",
        examples=["4490709327384033"],
    ),
]


@tools.reads(
    deadline=55,
    search="télécharge récupère photo image document vocal du client pièce jointe download picture voice file",
    examples=["Récupère la photo que Jean a envoyée", "Get the picture the customer sent"],
)
async def download_media(
    media_id: MediaId,
    path: Annotated[
        str | None, Field(description="Path of the new file in the data folder; else whatsapp/<media id>.jpg or so.")
    ] = None,
) -> files.FileRef:
    """Save a picture, voice message or document of a customer in the data folder; returns path, size and checksum.

    No tool lists media: the user's webhook receives the media id. A mail tool attaches the file by its path;
    fs_read_document of the filesystem server reads documents. whatsapp_send_media sends it on.
    """
    one = await media.about(media_id)
    content = await media.fetched(one)
    ref = await in_thread(files.write, path or media.place_of(one), content, path is None)
    link(ref)
    return ref


@tools.writes(core=False, creates=True, deadline=55, search="téléverse charge fichier dépose upload file media id")
async def upload_media(
    path: Annotated[str, Field(min_length=1, description="Path in the data folder.", examples=["tarifs.pdf"])],
) -> Uploaded:
    """Upload a file of the data folder to WhatsApp, and return the media_id by which it can be sent to many.

    whatsapp_send_media uploads a file by itself, and sends one that was uploaded without doing so again. WhatsApp keeps
    it for 30 days.
    """
    data, mime, _ = await media.local(path)
    return Uploaded(media_id=await media.upload(path, data, mime), path=path, bytes=len(data), content_type=mime)


@tools.destroys(core=False, asks=True, idempotent=True, search="supprime efface fichier média delete media")
async def delete_media(media_id: MediaId) -> Done:
    """Delete an uploaded file at WhatsApp. It asks with type and size first; messages already sent keep the file.

    The id comes from whatsapp_upload_media or whatsapp_send_media. WhatsApp itself deletes files after 30 days.
    """
    one = await media.about(media_id)
    await confirm(
        f"Delete the file {one.id} ({one.mime_type or 'of unknown type'}, {one.file_size:,} bytes) at WhatsApp?"
    )
    params = {"phone_number_id": settings_of(integration).phone_number_id}
    await api.delete(f"/{segment(media_id)}", params=params)
    return Done()
