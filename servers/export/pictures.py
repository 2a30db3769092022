"""Images of a report: read from the data folder, made no bigger than paper needs."""

from __future__ import annotations

import io
import posixpath
from typing import Any, NamedTuple
from urllib.parse import unquote

from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from flotilla import errors, files

MOST_BYTES = 20 * 2**20
MOST_PIXELS = {"JPEG": 80_000_000}  # a JPEG is made smaller while it is read
_MOST_OTHERS = 16_000_000
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
_SHARP = 300 / 72  # dots a point: more is not seen on paper
_SCREEN = 96 / 72  # dots a point that images are taken to have


class Prepared(NamedTuple):
    """An image file ready to be drawn, width and height in points."""

    data: bytes
    width: float
    height: float


def prepared(source: str, folder: str, width: float, height: float) -> Prepared:
    """Return an image fitted into `width` × `height` points; `folder` is what its path is relative to.

    Raises errors.InvalidInputError or errors.NotFoundError with the reason where it cannot be shown.
    """
    if "://" in source or source.startswith(("data:", "//")):
        raise errors.InvalidInputError("It is not in the data folder.")
    path = unquote(source)
    raw = files.read(path if path.startswith("/") else posixpath.join(folder, path), MOST_BYTES)
    try:
        image: Any = Pillow.open(io.BytesIO(raw), formats=_FORMATS)
        kind, dots = str(image.format), (image.width, image.height)
        if dots[0] * dots[1] > MOST_PIXELS.get(kind, _MOST_OTHERS):
            raise errors.InvalidInputError(f"It has {dots[0]} × {dots[1]} pixels, which is too many.")
        image.draft("RGB", _sharp(*_fitted(dots, max(width, height), max(width, height))))
        image = ImageOps.exif_transpose(image)  # how the camera was held
        turned = dots[::-1] if (image.width > image.height) != (dots[0] > dots[1]) else dots
        size = _fitted(turned, width, height)
        image = image.convert("RGBA" if "A" in image.mode or "transparency" in image.info else "RGB")
        image.thumbnail(_sharp(*size))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as problem:
        raise errors.InvalidInputError(
            "It is not a PNG, JPEG, GIF, WebP, BMP or TIFF image that can be read."
        ) from problem
    out = io.BytesIO()
    if kind == "JPEG":
        image.save(out, "JPEG", quality=88)
    else:
        image.save(out, "PNG", compress_level=1)
    return Prepared(out.getvalue(), *size)


def _fitted(dots: tuple[int, int], width: float, height: float) -> tuple[float, float]:
    scale = min(width / dots[0] * _SCREEN, height / dots[1] * _SCREEN, 1.0)
    return dots[0] * scale / _SCREEN, dots[1] * scale / _SCREEN


def _sharp(width: float, height: float) -> tuple[int, int]:
    return max(1, round(width * _SHARP)), max(1, round(height * _SHARP))
