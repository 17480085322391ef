"""Limits on the memory that an unknown file may demand.

A file of a few kilobytes can announce terabytes, by a false header or by packed repetitions. The announced size is checked
against the size on disk before memory is allocated.
"""

import os

from torchcpc.contracts import CPCError

# A table is read whole, column by column. No sensor table is this wide; files of genes or pixels should be arrays.
MOST_COLUMNS = 10_000
# Smaller contents are never refused: masks and empty channels of ordinary recordings can pack a thousand to one.
FREE_BYTES = 1 << 27
# Sensor values pack ten to one at most.
MOST_PACKED = 100


def memory_bytes() -> int:
    """Return the memory of this machine in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def amount(count: float) -> str:
    """Return a number of bytes in words, such as "1.5 kB" for 1500.

    Args:
        count: Number of bytes.
    """
    size, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if size < 1000 or unit == "PB":
            break
        size /= 1000
    return f"{size:.3g} {unit}"


def check_memory(needed: int, what: str) -> None:
    """Check that an amount of memory is at most half of this machine's.

    Args:
        needed: Bytes.
        what: Subject of the error message.

    Raises:
        CPCError: If it is more. The message names no path.
    """
    if needed > (most := memory_bytes() // 2):
        raise CPCError(f"{what} would take {amount(needed)} of memory, and half of this machine's is {amount(most)}")


def check_unpacked(needed: int, stored: int, what: str, *, remedy: str = "Save it without compression") -> None:
    """Check that the contents of a file are in proportion to its size.

    Args:
        needed: Bytes of the contents.
        stored: Bytes of the file.
        what: Subject of the error message.
        remedy: Next step in the message.

    Raises:
        CPCError: If they are not, or do not fit into memory. The message names no path.
    """
    if needed > max(FREE_BYTES, MOST_PACKED * stored):
        raise CPCError(
            f"{what} would unpack {amount(stored)} to {amount(needed)}, more than {MOST_PACKED} to 1: a decompression bomb, or data "
            f"that are all alike. {remedy}"
        )
    check_memory(needed, what)


def check_columns(count: int) -> None:
    """Check that a table is not too wide.

    Args:
        count: Number of columns.

    Raises:
        CPCError: If it is. The message names no path.
    """
    if count > MOST_COLUMNS:
        raise CPCError(
            f"{count:,} columns, and at most {MOST_COLUMNS:,} are read. Save them as one array (.npy), or keep the columns you need"
        )
