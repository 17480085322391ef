"""Readers that turn files and arrays into sources, and functions that cut sources into batches of windows.

Each name is loaded at its first use, since every reader needs heavy libraries of its own.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchcpc.data.arrays import Arrays, Item, digits
    from torchcpc.data.audio.recordings import Recordings, scan
    from torchcpc.data.pictures.hub_images import hub_images
    from torchcpc.data.pictures.images import Images, scan_images
    from torchcpc.data.series.series import Series, cases, scan_series
    from torchcpc.data.synthetic.reader import simulate
    from torchcpc.data.text.texts import Texts, scan_texts

__all__ = ["Arrays", "Images", "Item", "Recordings", "Series", "Texts", "cases", "digits", "hub_images"]
__all__ += ["scan", "scan_images", "scan_series", "scan_texts", "simulate"]
_MODULES = {
    "arrays": ("Arrays", "Item", "digits"),
    "audio.recordings": ("Recordings", "scan"),
    "pictures.hub_images": ("hub_images",),
    "pictures.images": ("Images", "scan_images"),
    "series.series": ("Series", "cases", "scan_series"),
    "synthetic.reader": ("simulate",),
    "text.texts": ("Texts", "scan_texts"),
}


def __getattr__(name: str) -> object:
    if module := next((module for module, names in _MODULES.items() if name in names), None):
        return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
