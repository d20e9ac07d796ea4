"""Make thumbnails: the only form in which an uploaded image is ever shown in a page.

The image is re-encoded, so only its pixels survive: no metadata, no trailing script. Its dimensions are checked
before it is decoded; decoding runs in a bounded number of threads.
"""

import asyncio
import io

import filetype  # type: ignore[import-untyped]
from PIL import Image, ImageOps

from feedback.errors import NoThumbnail
from feedback.settings import Settings

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
MEDIA_TYPE = "image/webp"


def image_type(head: bytes) -> str | None:
    """Return the media type of bytes that begin like an image we show, or None."""
    guessed = filetype.guess_mime(head)
    return guessed if guessed in FORMATS else None


def render(data: bytes, *, pixels_max: int, side: int) -> bytes:
    """Return a WebP of at most `side` pixels a side; raise NoThumbnail for anything but a supported image."""
    kind = image_type(data[:262])
    if kind is None:
        raise NoThumbnail
    try:
        with Image.open(io.BytesIO(data), formats=[FORMATS[kind]]) as image:
            width, height = image.size
            if width * height > pixels_max or min(width, height) < 1:
                raise NoThumbnail("The image is too large for a thumbnail.")
            small = _shrunk(image, side)
            ImageOps.exif_transpose(small, in_place=True)
            small.info.clear()
            target = io.BytesIO()
            small.save(target, "WEBP", quality=80, exif=b"", icc_profile=b"", xmp=b"")
            return target.getvalue()
    except NoThumbnail:
        raise
    except Exception as error:  # decoders raise anything on bad files
        raise NoThumbnail from error


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    """Shrink an image to fit a square, decoding at reduced size where the format allows it."""
    image.draft("RGB", (side * 2, side * 2))
    if image.mode in {"RGB", "RGBA"} and "transparency" not in image.info:
        image.thumbnail((side, side))
        return image
    small = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    image.close()
    small.thumbnail((side, side))
    return small


class Thumbnails:
    """Makes thumbnails off the event loop; one of `slots` is held while an image's bytes are in memory."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.slots = asyncio.Semaphore(settings.images_at_once_max)

    async def make(self, data: bytes) -> bytes:
        """Return a thumbnail of an image; raises NoThumbnail. The caller holds a slot."""
        settings = self._settings
        pixels_max, side = settings.image_pixels_max, settings.thumbnail_pixels
        return await asyncio.to_thread(render, data, pixels_max=pixels_max, side=side)
