"""Data: readers that turn the world into sources, and cutters that turn sources into batches of windows.

What is named here is loaded when it is first used, since every reader has heavy libraries of its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchcpc.data.arrays import Arrays as Arrays
    from torchcpc.data.arrays import Item as Item
    from torchcpc.data.arrays import digits as digits
    from torchcpc.data.audio.recordings import Recordings as Recordings
    from torchcpc.data.audio.recordings import scan as scan
    from torchcpc.data.pictures.hub_images import hub_images as hub_images
    from torchcpc.data.pictures.images import Images as Images
    from torchcpc.data.pictures.images import scan_images as scan_images
    from torchcpc.data.series.series import Series as Series
    from torchcpc.data.series.series import cases as cases
    from torchcpc.data.series.series import scan_series as scan_series
    from torchcpc.data.synthetic.reader import simulate as simulate
    from torchcpc.data.text.texts import Texts as Texts
    from torchcpc.data.text.texts import scan_texts as scan_texts

_NAMES = {
    "arrays": ("Arrays", "Item", "digits"),
    "audio.recordings": ("Recordings", "scan"),
    "pictures.hub_images": ("hub_images",),
    "pictures.images": ("Images", "scan_images"),
    "series.series": ("Series", "cases", "scan_series"),
    "synthetic.reader": ("simulate",),
    "text.texts": ("Texts", "scan_texts"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_MODULES)
