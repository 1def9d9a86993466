"""Pictures from strangers: decoded within bounds, and written anew with nothing but their pixels.

Pure: bytes in, bytes out. What a file holds beside its picture (places, names, cards, other files) is not written.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

MAX_BYTES = 20 * 1024 * 1024
MAX_SIDE = 4096
# Of one picture, or of all frames of a moving one together: 64 MB of memory.
MAX_PIXELS = 16 * 1024 * 1024
MAX_FRAMES = 300

READ = ("PNG", "JPEG", "WEBP", "GIF")
# What is stored. Photographs would grow tenfold as PNG; a WebP takes much memory to write, and cannot always be.
STORED = {"PNG": "image/png", "JPEG": "image/jpeg"}
HOW: dict[str, dict[str, Any]] = {"PNG": {}, "JPEG": {"quality": 92}}

# With the milliseconds that it stands for.
Frame = tuple[Image.Image, int]

PLAIN = (512, 768)
# The longest side of one that is written as PNG.
PHOTOGRAPH = 2048

# Pillow's own guard, against frames that are larger than the first one says. It warns from here, and refuses at twice
# that; the sizes that are accepted are looked at below.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    media_type: str
    width: int
    height: int
    # Whether there were more frames than are kept, so that only the first one is there.
    stilled: bool = False


class NotAPicture(ValueError):
    """`detail` tells people why; `code` is `too_big`, `too_many_pixels` or `not_a_picture`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def clean(data: bytes) -> Picture:
    """The picture in a PNG, APNG, JPEG, WebP or GIF, upright: as a JPEG where it was one, or a WebP that neither moves
    nor can be seen through, else as a PNG. Raises NotAPicture and nothing else."""
    if len(data) > MAX_BYTES:
        raise NotAPicture("too_big", f"The picture is larger than {MAX_BYTES // 2**20} MB.")
    try:
        return _clean(_bare(data))
    except NotAPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    # Decoders that are given broken files fail in every way there is; none of them is news.
    except Exception as error:
        raise NotAPicture("not_a_picture", "This is no PNG, JPEG, WebP or GIF that can be read.") from error


def as_png(data: bytes, media_type: str) -> bytes:
    """A stored picture as a PNG; a photograph in a size that does not make it a burden."""
    if media_type == STORED["PNG"]:
        return data
    with Image.open(io.BytesIO(data), formats=READ) as image:
        image.thumbnail((PHOTOGRAPH, PHOTOGRAPH))
        return _written([(image, 0)], "PNG", 0)


def plain(name: str) -> bytes:
    """A PNG for a character without a picture: the first letters of its name on a colour that follows from it."""
    words = [word for word in name.split() if word[0].isalnum()] or ["?"]
    letters = "".join(word[0].upper() for word in words[:2])
    hue = sum(name.encode()) * 37 % 360
    image = Image.new("RGB", PLAIN, f"hsl({hue}, 35%, 38%)")
    font = ImageFont.load_default(size=200)
    ImageDraw.Draw(image).text((PLAIN[0] / 2, PLAIN[1] / 2), letters, fill="#f4f1ea", anchor="mm", font=font)
    return _written([(image, 0)], "PNG", 0)


def _clean(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=READ) as image:
        width, height = image.size
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
            raise _too_many_pixels()
        lossy = image.format in ("JPEG", "MPO", "WEBP")
        loop = image.info.get("loop", 0)
        many = min(MAX_FRAMES, MAX_PIXELS // (width * height))
        frames: list[Frame] = []
        stilled = False
        for frame in _frames(image):
            if len(frames) >= many:
                frames, stilled = frames[:1], True
                break
            frames.append(frame)
            if image.format == "MPO":
                # A camera's JPEG with more of the same behind it, which is no movement.
                break
    form = "JPEG" if lossy and len(frames) == 1 and frames[0][0].mode != "RGBA" else "PNG"
    content = _written(frames, form, loop)
    if len(content) > MAX_BYTES and len(frames) > 1:
        frames, stilled = frames[:1], True
        content = _written(frames, form, loop)
    if len(content) > MAX_BYTES:
        raise NotAPicture("too_big", f"The picture is larger than {MAX_BYTES // 2**20} MB once it is decoded.")
    return Picture(content, STORED[form], *frames[0][0].size, stilled)


def _frames(image: Image.Image) -> Iterator[Frame]:
    """Each frame, upright, with its pixels alone. Not `n_frames`, which a file may say what it likes of."""
    size = image.size
    number = 0
    while True:
        image.load()
        if image.size != size:
            raise _too_many_pixels()
        duration = max(0, min(int(image.info.get("duration", 0) or 0), 60_000))
        upright = ImageOps.exif_transpose(image) if number == 0 else image
        if upright.mode.startswith("I"):
            upright = upright.convert("I").point(lambda value: value / 256).convert("L")
        see_through = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa")
        if upright.mode == "P":
            # As RGB, it would be written three times as large.
            frame = upright.copy()
        else:
            frame = upright.convert("RGBA" if see_through else "L" if upright.mode in ("1", "L") else "RGB")
        frame.info = {name: part for name, part in image.info.items() if name == "transparency" and frame.mode == "P"}
        yield frame, duration
        number += 1
        try:
            image.seek(number)
        except EOFError:
            return


def _written(frames: list[Frame], form: str, loop: int) -> bytes:
    file = io.BytesIO()
    images = [image for image, _ in frames]
    more: dict[str, Any] = {}
    if len(frames) > 1:
        # All of one kind: the first alone says which.
        images = [image.convert("RGBA") for image in images]
        more = {"save_all": True, "append_images": images[1:], "loop": loop}
        more["duration"] = [duration for _, duration in frames]
    images[0].save(file, form, **HOW[form], **more)
    return file.getvalue()


# Everything that a PNG's pixels need, with how it is turned; no text, which Pillow would unpack.
KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"eXIf", b"gAMA", b"sBIT"}
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _bare(data: bytes) -> bytes:
    """A PNG without what is no part of its picture; anything else as it is."""
    if not data.startswith(SIGNATURE):
        return data
    kept, place = [SIGNATURE], len(SIGNATURE)
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if kind in KEPT:
            kept.append(data[place:end])
        place = end
    return b"".join(kept)


def _too_many_pixels() -> NotAPicture:
    return NotAPicture(
        "too_many_pixels",
        f"The picture has more than {MAX_PIXELS // 2**20} million pixels, or a side of more than {MAX_SIDE:,}.",
    )
