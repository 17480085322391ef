"""Decode one picture of any mode as 8-bit colour or grey."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
from PIL import Image, ImageOps

# A picture of more pixels is refused before it is decoded, since a few kilobytes can claim any size. This is Pillow's own
# first limit, 268 MB in colour.
MOST_PIXELS = 89_478_485
# Pixels that are converted at a time, so that memory holds a large picture only once.
_STRIP = 1 << 22
# Errors of Pillow's decoders for broken files. There are forty decoders, and each raises its own kinds.
DECODING_ERRORS = (Exception,)


@contextmanager
def bombs_refused() -> Iterator[None]:
    """Make an error of Pillow's warning about a picture that is too large.

    Enter it outside threads, since warning filters are global.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        # Odd metadata is no reason to skip a picture or to mention it.
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        yield


def refusal(image: Image.Image) -> str:
    """Return why a picture cannot be used, or "".

    Pixels are read only if the mode leaves their range open.

    Args:
        image: The picture.
    """
    if image.width * image.height > MOST_PIXELS:
        size = f"{image.width} x {image.height} pixels"
        return f"refused as a decompression bomb: {size} are more than {MOST_PIXELS}; make it smaller"
    if image.mode == "F":
        return "floating-point pixels have no agreed range; convert it to 8 or 16 bit"
    return _beyond_16_bits(image) if image.mode == "I" else ""


def _beyond_16_bits(image: Image.Image) -> str:
    low, high = extremes(image)
    fault = f"32-bit pixels from {low} to {high} have no agreed range (0 to 65535 would be read); convert it to 8 or 16 bit"
    return "" if 0 <= low and high <= 65535 else fault


def plain(image: Image.Image, *, grey: bool) -> Image.Image:
    """Return the first frame, upright, in mode L or RGB.

    16 bits are scaled to 8, palettes are resolved, and transparent pixels are put on white. 32-bit integers count as 8 bits
    if none is above 255, otherwise as 16 bits.

    Args:
        image: The picture.
        grey: Whether to return mode L.

    Raises:
        ValueError: If pixels have more than 16 bits.
    """
    image.load()
    wide = image.mode.startswith("I")
    step = step_of(image) if wide else 1
    # A broken orientation tag is no reason to refuse good pixels.
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except DECODING_ERRORS:
        pass
    if wide:
        image = _in_strips(image, "L", lambda strip: Image.fromarray((np.asarray(strip) // step).astype(np.uint8)))
    mode = "L" if grey else "RGB"
    if image.has_transparency_data:
        return _in_strips(image, mode, lambda strip: _on_white(strip.convert("RGBA")).convert(mode))
    return image if image.mode == mode else image.convert(mode)


def _on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _in_strips(image: Image.Image, mode: str, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Return the whole picture in `mode`, converted some rows at a time."""
    width, height = image.size
    rows = max(1, _STRIP // width)
    if rows >= height:
        return convert(image)
    made = Image.new(mode, image.size)
    for top in range(0, height, rows):
        made.paste(convert(image.crop((0, top, width, min(height, top + rows)))), (0, top))
    return made


def step_of(image: Image.Image) -> int:
    """Return how many levels of an integer grey picture make one level of 8 bits.

    Args:
        image: The picture.
    """
    if image.mode == "I":
        if fault := _beyond_16_bits(image):
            raise ValueError(fault)
        # Pillow scales pgm files of more than 8 bits to 16, so small values are dark there.
        if image.format != "PPM" and extremes(image)[1] <= 255:
            return 1
    return 257


def extremes(image: Image.Image) -> tuple[int, int]:
    """Return the lowest and the highest pixel of a picture with one channel."""
    return cast(tuple[int, int], image.getextrema())


def square(image: Image.Image, side: int) -> Image.Image:
    """Return the largest square from the middle of a picture, resized.

    The picture is cropped first, so that a line of a million pixels stays small.

    Args:
        image: The picture.
        side: Pixels each way.
    """
    width, height = image.size
    if (width, height) == (side, side):
        return image
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    return image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + edge, top + edge))
