"""One picture file of any mode as 8-bit colour or grey, and whether it can be used."""

import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from torchcpc.contracts import CPCError, one_line
from torchcpc.data.files.inspection import Facts

# A few kilobytes can claim any size. More than this (Pillow's own first limit, 268 MB in colour) is refused before it is decoded.
MOST_PIXELS = 89_478_485
# What broken files raise in Pillow's decoders.
DECODING_ERRORS = (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, struct.error, MemoryError, OverflowError)


def inspect_picture(open_it: Callable[[], Image.Image]) -> Facts:
    """Width and height as stored. The whole picture is decoded; faults are not raised. `open_it` raises CPCError for what is none."""
    try:
        with open_it() as image:
            fault = refusal(image)
            if not fault:
                plain(image, grey=False)
            return Facts(image.size, fault)
    except CPCError as error:
        return Facts(fault=str(error))
    except UnidentifiedImageError:
        return Facts(fault="unreadable: not a picture in a format that is known")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return Facts(fault=f"refused as a decompression bomb: {one_line(error)}")
    except DECODING_ERRORS as error:
        # What a decoder says of the content lasts; what the file system says does not.
        return Facts(fault=f"unreadable: {one_line(error)}", lasting=not (isinstance(error, OSError) and error.errno))


def inspect_file(path: Path) -> Facts:
    """The same of a file."""

    def opened() -> Image.Image:
        if not path.stat().st_size:
            raise CPCError("the file is empty")
        return Image.open(path)

    return inspect_picture(opened)


@contextmanager
def bombs_refused() -> Iterator[None]:
    """Within, Pillow's warning of a picture that is too large is an error. Enter it outside threads: filters are global."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        # Odd metadata is no reason to leave a picture out, or to tell of it.
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        yield


def refusal(image: Image.Image) -> str:
    """Why a picture cannot be used, or nothing. Pixels are read only of a mode that leaves their range open."""
    if image.width * image.height > MOST_PIXELS:
        size = f"{image.width} x {image.height} pixels"
        return f"refused as a decompression bomb: {size} are more than {MOST_PIXELS}; make it smaller"
    if image.mode == "F":
        return "floating-point pixels have no agreed range; convert it to 8 or 16 bit"
    return _beyond_16_bits(image) if image.mode == "I" else ""


def _beyond_16_bits(image: Image.Image) -> str:
    low, high = _extremes(image)
    fault = f"32-bit pixels from {low} to {high} have no agreed range (0 to 65535 would be read); convert it to 8 or 16 bit"
    return "" if 0 <= low and high <= 65535 else fault


def plain(image: Image.Image, *, grey: bool) -> Image.Image:
    """The first frame, upright, as mode L or RGB: 16 bit scaled to 8, palettes looked up, what is transparent laid on white. 32-bit
    integers are read as 8 bits if none is above 255, else as 16 bits. Raises ValueError for those beyond 16 bits."""
    image.load()
    wide = image.mode.startswith("I")
    step = _step(image) if wide else 1  # before it is turned: a picture that was turned has lost its format
    # A broken orientation tag is no reason to refuse good pixels.
    try:
        image = ImageOps.exif_transpose(image)
    except DECODING_ERRORS:
        pass
    if wide:
        # Divided as they are: at the most pixels there may be, one copy in 64 bits is 700 MB.
        image = Image.fromarray((np.asarray(image) // step).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if grey else "RGB")


def _step(image: Image.Image) -> int:
    """How many levels of an integer grey picture are one of 8 bits."""
    if image.mode == "I":
        if fault := _beyond_16_bits(image):
            raise ValueError(fault)
        # Pillow itself scales pgm files of more than 8 bits to 16, so there small values are dark.
        if image.format != "PPM" and _extremes(image)[1] <= 255:
            return 1
    return 257


def _extremes(image: Image.Image) -> tuple[int, int]:
    return cast(tuple[int, int], image.getextrema())


def square(image: Image.Image, side: int) -> Image.Image:
    """The largest square from the middle, `side` pixels each way. Cropped first: a line of a million pixels stays small."""
    width, height = image.size
    if (width, height) == (side, side):
        return image
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    return image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + edge, top + edge))
