"""Data: readers that turn the world into sources, and cutters that turn sources into batches of windows."""

from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.audio import Recording, Recordings, scan
from torchcpc.data.digits import digits
from torchcpc.data.listed import Skipped

# Each reader takes (roots, cache file, progress) from the program and its settings by keyword.
READERS = {"audio": scan, "digits": digits}

__all__ = ["READERS", "Arrays", "Item", "Recording", "Recordings", "Skipped", "digits", "scan"]
