"""One picture file of any mode as 8-bit colour or grey, and whether it can be used."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# A few kilobytes can claim any size. More than this (Pillow's own first limit, 268 MB in colour) is refused before it is decoded.
MOST_PIXELS = 89_478_485
# What broken files raise in Pillow's decoders.
DECODING_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    MemoryError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """Width and height as stored; `fault` is empty for a picture that can be used; `lasting`: as in verdict.Facts."""

    width: int
    height: int
    fault: str = ""
    lasting: bool = True


def inspect_picture(path: Path) -> PictureFacts:
    """Decodes the whole file. A fault is told, not raised."""
    try:
        if not path.stat().st_size:
            return PictureFacts(0, 0, "the file is empty")
        with Image.open(path) as image:
            width, height = image.size
            fault = refusal(image)
            if not fault:
                plain(image, grey=False)
            return PictureFacts(width, height, fault)
    except UnidentifiedImageError:
        return PictureFacts(0, 0, "unreadable: not a picture in a format that is known")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return PictureFacts(0, 0, f"refused as a decompression bomb: {_one_line(error)}")
    except DECODING_ERRORS as error:
        # Rights and mounts come and go; what a decoder says of the content does not.
        return PictureFacts(0, 0, f"unreadable: {_one_line(error)}", lasting=getattr(error, "errno", None) is None)


@contextmanager
def bombs_refused() -> Iterator[None]:
    """Within, Pillow's warning of a picture that is too large is an error. Enter it outside threads: filters are global."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        # Odd metadata is no reason to leave a picture out, or to tell of it.
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        yield


def refusal(image: Image.Image) -> str:
    """Why a picture whose pixels are not read yet cannot be used, or nothing."""
    if image.width * image.height > MOST_PIXELS:
        size = f"{image.width} x {image.height} pixels"
        return f"refused as a decompression bomb: {size} are more than {MOST_PIXELS}; make it smaller"
    if image.mode == "F":
        return "floating-point pixels have no agreed range; convert it to 8 or 16 bit"
    return ""


def plain(image: Image.Image, *, grey: bool) -> Image.Image:
    """The first frame, upright, as mode L or RGB: 16 bit scaled to 8, palettes looked up, what is transparent laid on white."""
    image.load()
    # A broken orientation tag is no reason to refuse good pixels.
    try:
        image = ImageOps.exif_transpose(image)
    except DECODING_ERRORS:
        pass
    if image.mode.startswith("I"):
        # Mode I holds what Pillow read from 16 bits into 32.
        image = Image.fromarray((np.asarray(image).astype(np.int64).clip(0, 65535) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if grey else "RGB")


def square(image: Image.Image, side: int) -> Image.Image:
    """The largest square from the middle, `side` pixels each way. Cropped first: a line of a million pixels stays small."""
    width, height = image.size
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    if (width, height) == (side, side):
        return image
    return image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + edge, top + edge))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
