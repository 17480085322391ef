"""Decide which files are pictures, and open them by their content.

Only formats that Pillow itself decodes are read.
"""

import re
from functools import cache
from pathlib import Path

from PIL import Image, features

from torchcpc.contracts import CPCError
from torchcpc.data.files.found import FileKind

# Formats that Pillow itself does not decode: PostScript runs a program, and the others need a handler or are films.
_REFUSED = {"BUFR", "EPS", "FPX", "GRIB", "HDF5", "IPTC", "MIC", "MPEG", "PDF", "WMF"}
_UNREAD = (
    ".heic .heif .svg .svgz .cr2 .cr3 .nef .dng .arw .orf .raf .rw2 .pdf .eps .ps .ai .wmf .emf .jxl .jxr .exr .xcf .dcm .nii"
)
_HEADER = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|RIFF....WEBP|....ftypavif|\0\0\0\x0cjP  |qoif|8BPS|P[1-6][ \t\r\n][0-9#]|"
    rb"BM....\0\0\0\0",
    re.DOTALL,
)


def pictures() -> FileKind:
    """Return the kinds of file that the installed Pillow reads, and those that it does not.

    .avif came with version 11.3, and not in every build. The call loads all of Pillow's formats, which takes a tenth of a
    second.
    """
    avif = {".avif", ".avifs"}
    can = "avif" in features.modules and features.check("avif")
    read = {suffix for suffix, form in Image.registered_extensions().items() if form in Image.OPEN and form not in _REFUSED}
    read = read | avif if can else read - avif
    unread = {*_UNREAD.split(), *(() if can else avif)} - read
    usual = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp")
    return FileKind("picture", (*usual, *sorted(read - set(usual))), tuple(sorted(unread)), group_columns=(), header=_HEADER)


@cache
def _formats() -> tuple[str, ...]:
    """Return the formats to try, the usual ones first."""
    Image.init()
    usual = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM")
    return (*usual, *sorted(set(Image.OPEN) - _REFUSED - set(usual)))


def open_picture(path: Path) -> Image.Image:
    """Open the picture in a file, whatever its suffix, without decoding it.

    Args:
        path: The file.

    Raises:
        CPCError: If the file is empty.
        Exception: Errors of Pillow for broken files.
    """
    if not path.stat().st_size:
        raise CPCError("the file is empty")
    return Image.open(path, formats=_formats())
