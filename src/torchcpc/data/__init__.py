"""Data: readers that turn the world into sources, and cutters that turn sources into batches of windows."""

from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.audio import Recording, Recordings, scan
from torchcpc.data.digits import digits
from torchcpc.data.listed import Skipped
from torchcpc.data.series import Series, cases, scan_series
from torchcpc.data.synthetic import simulate

# Each reader takes (roots, cache file, progress) from the program and its settings by keyword.
READERS = {"audio": scan, "digits": digits, "series": scan_series, "synthetic": simulate}
# Readers that make or bring their data and take no roots.
WITHOUT_ROOTS = frozenset({"digits", "synthetic"})

__all__ = [
    "READERS",
    "WITHOUT_ROOTS",
    "Arrays",
    "Item",
    "Recording",
    "Recordings",
    "Series",
    "Skipped",
    "cases",
    "digits",
    "scan",
    "scan_series",
    "simulate",
]
