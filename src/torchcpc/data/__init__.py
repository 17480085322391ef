"""Data: readers that turn the world into sources, and cutters that turn sources into batches of windows."""

from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.audio.recordings import Recording, Recordings, scan
from torchcpc.data.digits import digits
from torchcpc.data.files.found import Skipped
from torchcpc.data.pictures.hub_images import hub_images
from torchcpc.data.pictures.images import Images, Picture, scan_images
from torchcpc.data.series.series import Series, cases, scan_series
from torchcpc.data.synthetic import simulate
from torchcpc.data.text.texts import Document, Texts, scan_texts

# Each reader takes (roots, cache file, progress) from the program and its settings by keyword.
READERS = {
    "audio": scan,
    "digits": digits,
    "hub_images": hub_images,
    "images": scan_images,
    "series": scan_series,
    "synthetic": simulate,
    "text": scan_texts,
}
# Readers that make or bring their data and take no roots.
WITHOUT_ROOTS = frozenset({"digits", "hub_images", "synthetic"})

__all__ = [
    "READERS",
    "WITHOUT_ROOTS",
    "Arrays",
    "Document",
    "Images",
    "Item",
    "Picture",
    "Recording",
    "Recordings",
    "Series",
    "Skipped",
    "Texts",
    "cases",
    "digits",
    "hub_images",
    "scan",
    "scan_images",
    "scan_series",
    "scan_texts",
    "simulate",
]
