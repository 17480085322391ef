"""Data: readers that turn the world into sources, and cutters that turn sources into batches of windows."""

from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.audio import Recordings, scan
from torchcpc.data.digits import digits

# Each reader takes (roots, cache file, progress) from the program and its settings by keyword.
READERS = {"audio": scan, "digits": digits}

__all__ = ["READERS", "Arrays", "Item", "Recordings", "digits", "scan"]
