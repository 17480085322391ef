"""How much a file from elsewhere may ask for. What it says of its size is checked before anything of that size is made.

A few kilobytes can announce terabytes: by a header that lies, or by packing what repeats. Both are refused by what the file holds on disk.
"""

import os

from torchcpc.contracts import CPCError

# A table is read whole, column by column. Nobody names so many sensors; files of genes or of pixels are arrays.
MOST_COLUMNS = 10_000
# Below this size anything goes: masks and empty channels of ordinary recordings pack a thousand to one, too.
FREE_BYTES = 1 << 27
# Sensor values pack ten to one at most.
MOST_PACKED = 100


def memory_bytes() -> int:
    """Of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def amount(count: float) -> str:
    """1500 -> '1.5 kB'."""
    size, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if size < 1000 or unit == "PB":
            break
        size /= 1000
    return f"{size:.3g} {unit}"


def check_memory(needed: int, what: str) -> None:
    """Raises CPCError, without a path, for what does not fit into half of the memory of this machine."""
    if needed > (most := memory_bytes() // 2):
        raise CPCError(f"{what} would take {amount(needed)} of memory, and half of this machine's is {amount(most)}")


def check_unpacked(needed: int, stored: int, what: str, *, remedy: str = "Save it without compression") -> None:
    """Raises CPCError, without a path, for contents that are out of proportion to the `stored` bytes of their file. remedy: the next
    step."""
    if needed > max(FREE_BYTES, MOST_PACKED * stored):
        raise CPCError(
            f"{what} would unpack {amount(stored)} to {amount(needed)}, more than {MOST_PACKED} to 1: a decompression bomb, or data "
            f"that are all alike. {remedy}"
        )
    check_memory(needed, what)


def check_columns(count: int) -> None:
    """Raises CPCError, without a path, for a table that is too wide."""
    if count > MOST_COLUMNS:
        raise CPCError(
            f"{count:,} columns, of at most {MOST_COLUMNS:,}. Save them as one array (.npy), or keep the columns you need"
        )
