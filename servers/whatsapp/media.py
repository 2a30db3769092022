"""Files between WhatsApp and the data folder. https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media"""

from __future__ import annotations

import base64
import hashlib
from mimetypes import guess_extension
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from flotilla import errors, files, in_thread, segment, settings_of

from .client import MEDIA_HOST, api, downloads, integration, own
from .models import Media

Kind = Literal["image", "video", "audio", "document", "sticker"]
MB = 1_000_000
OFFICE = "application/vnd.openxmlformats-officedocument"
# What may be uploaded, and how many bytes a message of the kind takes.
LARGEST: dict[Kind, int] = {
    "image": 5 * MB,
    "video": 16 * MB,
    "audio": 16 * MB,
    "document": 100 * MB,
    "sticker": 500_000,
}
KINDS: dict[str, Kind] = {
    "image/jpeg": "image",
    "image/png": "image",
    "image/webp": "sticker",
    "video/mp4": "video",
    "video/3gpp": "video",
    "audio/aac": "audio",
    "audio/amr": "audio",
    "audio/mpeg": "audio",
    "audio/mp4": "audio",
    "audio/ogg": "audio",
    "application/pdf": "document",
    "text/plain": "document",
    "application/msword": "document",
    "application/vnd.ms-excel": "document",
    "application/vnd.ms-powerpoint": "document",
    f"{OFFICE}.wordprocessingml.document": "document",
    f"{OFFICE}.spreadsheetml.sheet": "document",
    f"{OFFICE}.presentationml.presentation": "document",
}
ENDINGS = {
    ".aac": "audio/aac",
    ".amr": "audio/amr",
    ".m4a": "audio/mp4",
    ".3gp": "video/3gpp",
    ".opus": "audio/ogg",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
}
TAKEN = "Send a JPEG, PNG, MP4, MP3, OGG, PDF, text or office document, or give a link."
MediaId = Annotated[str, Field(pattern=r"^[0-9]{5,30}$", examples=["4490709327384033"])]


def type_of(name: str) -> str:
    """Return the media type that a name's ending means, with those that phones make."""
    return ENDINGS.get(PurePosixPath(name).suffix.lower()) or files.content_type(name)


def kind_of(mime: str, wanted: Kind | None, name: str) -> Kind:
    """Return as what a file is sent: as what is wanted, where WhatsApp takes it so, else as its type says.

    Raises errors.InvalidInputError for a type that WhatsApp does not take.
    """
    natural = KINDS.get(mime.partition(";")[0].strip())
    if natural is None:
        raise errors.InvalidInputError(f"{name} is {mime}, which WhatsApp does not take as a file.", TAKEN)
    if wanted is None or wanted == natural:
        return natural
    if wanted == "document" and natural != "sticker":
        return wanted
    raise errors.InvalidInputError(f"{name} is {mime}, which cannot be sent as {wanted}.", f"Send it as {natural}.")


def kind_of_link(link: str, wanted: Kind | None) -> Kind:
    """Return as what the file behind a link is sent; raises errors.InvalidInputError where its ending does not tell."""
    kind = wanted or KINDS.get(type_of(urlsplit(link).path))
    if kind is None:
        raise errors.InvalidInputError("The link does not tell what kind of file it is.", "Pass kind too.")
    return kind


def name_of(place: str) -> str:
    """Return the file's name at the end of a path or link."""
    return unquote(PurePosixPath(urlsplit(place).path).name)[-100:] or "file"


async def local(path: str, wanted: Kind | None = None) -> tuple[bytes, str, Kind]:
    """Return content, media type and kind of a file of the data folder.

    Raises errors.InvalidInputError for one that WhatsApp would not take.
    """
    mime = type_of(path)
    kind = kind_of(mime, wanted, path)
    data = await in_thread(files.read, path, LARGEST[kind])
    if not data:
        raise errors.InvalidInputError(f"{path} is empty.", "Choose another file.")
    return data, mime, kind


async def upload(path: str, data: bytes, mime: str) -> str:
    """Upload a file's content, and return the id that messages take for 30 days."""
    form = {"messaging_product": "whatsapp", "type": mime}
    answer = await api.post(own("/media"), data=form, files={"file": (name_of(path), data, mime)})
    return str(answer["id"])


async def about(media_id: str) -> Media:
    """Return what WhatsApp tells of a file, with an address that is good for some minutes."""
    params = {"phone_number_id": settings_of(integration).phone_number_id}
    return Media.model_validate(await api.get(f"/{segment(media_id)}", params=params))


async def fetched(one: Media) -> bytes:
    """Return the content of a file of WhatsApp, whole.

    Raises errors.UpstreamError where it is not what its checksum says.
    """
    if not one.url:
        raise errors.UpstreamError("WhatsApp gave no address for the file.", "Try again later.")
    address = urlsplit(one.url)
    where = f"{address.path}?{address.query}" if address.netloc == MEDIA_HOST else one.url
    response = await downloads.send("GET", where, headers={"Accept": "*/*"}, largest=LARGEST["document"])
    digest = hashlib.sha256(response.content)
    if one.sha256 not in ("", digest.hexdigest(), base64.b64encode(digest.digest()).decode()):
        raise errors.UpstreamError("The file arrived damaged: its checksum differs.", "Fetch it again.")
    return response.content


def place_of(one: Media) -> str:
    """Return where a file is saved where no path is given."""
    mime = one.mime_type.partition(";")[0].strip().lower()
    ending = {"image/jpeg": ".jpg", "audio/ogg": ".ogg"}.get(mime) or guess_extension(mime) or ""
    return f"whatsapp/{one.id}{ending}"


def media_object(**fields: Any) -> dict[str, Any]:
    """Return a media object of a message without what is empty."""
    return {name: value for name, value in fields.items() if value}
