"""Check whether a picture can be used, by decoding it once.

The check also collects remarks about doubtful pictures.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import Lock

from PIL import Image, UnidentifiedImageError

from torchcpc.contracts import CPCError, one_line
from torchcpc.data.files.inspection import Facts
from torchcpc.data.pictures.decode import DECODING_ERRORS, extremes, plain, refusal, step_of
from torchcpc.data.pictures.formats import open_picture

# A picture of more pixels is decoded alone: several of the largest at once would fill the memory.
_LARGE = 1 << 24
_alone = Lock()

COLOUR, NARROW_16, NARROW = 2, 4, 8
_GREY = {"1", "L", "LA", "La", "I", "F"}


def inspect_picture(open_it: Callable[[], Image.Image]) -> Facts:
    """Decode a picture and return what was found.

    Faults are returned, not raised.

    Args:
        open_it: Opens the picture. Raises CPCError if it is none.

    Returns:
        Width and height as stored, and 1 plus the marks that `remarks` reads.
    """
    try:
        with open_it() as image:
            size = image.size
            with _alone if image.width * image.height > _LARGE else nullcontext():
                if fault := refusal(image):
                    return Facts((*size, 1), fault)
                return Facts((*size, 1 + _marks(image)))
    except CPCError as error:
        return Facts(fault=str(error))
    except UnidentifiedImageError:
        return Facts(fault="unreadable: not a picture in a format that is known")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return Facts(fault=f"refused as a decompression bomb: {one_line(error)}")
    except DECODING_ERRORS as error:
        # A fault of the content lasts; a fault of the file system does not.
        return Facts(fault=f"unreadable: {one_line(error)}", lasting=not (isinstance(error, OSError) and error.errno))


def inspect_file(path: Path) -> Facts:
    """Decode the picture in a file and return what was found.

    Args:
        path: The file.
    """
    return inspect_picture(partial(open_picture, path))


def _marks(image: Image.Image) -> int:
    """Decode a picture; return whether it is in colour, and whether it uses only a small part of its range."""
    image.load()
    grey = image.mode in _GREY or image.mode.startswith("I;") or (image.mode in ("P", "PA") and _grey_palette(image))
    marks = 0 if grey else COLOUR
    if image.mode.startswith("I") and step_of(image) > 1 and extremes(image)[1] < 1 << 14:
        return marks | NARROW_16
    bands = [band for band in plain(image, grey=False).getextrema() if isinstance(band, tuple)]
    low, high = min(band[0] for band in bands), max(band[1] for band in bands)
    return marks | (NARROW if high - low < 32 else 0)


def _grey_palette(image: Image.Image) -> bool:
    colours = image.getpalette() or []
    return colours[::3] == colours[1::3] == colours[2::3]


def remarks(numbers: tuple[int, ...], *, side: int, grey: bool) -> Iterator[str]:
    """Yield the remarks about a picture.

    Args:
        numbers: The numbers that `inspect_picture` returned.
        side: Pixels of the square that is read, each way.
        grey: Whether pictures are read in one colour.
    """
    width, height, marks = numbers
    if marks & NARROW_16:
        yield "its 16-bit pixels stay below a quarter of their range, as 12-bit cameras write them: it is read as nearly black"
    if marks & NARROW:
        yield "its pixels use less than an eighth of their range"
    if min(width, height) < side:
        yield f"enlarged: it has fewer than the {side} x {side} pixels that are read"
    if grey and marks & COLOUR:
        yield "its colours are read as grey"
    if not grey and not marks & COLOUR:
        yield "a grey picture, which is read as three equal colours"
