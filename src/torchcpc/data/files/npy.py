"""Read npy and npz files from unknown sources.

No code in them is run, and no array larger than the file is allocated.
"""

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from torchcpc.contracts import CPCError, one_line
from torchcpc.data.files.limits import MOST_COLUMNS, check_memory, check_unpacked


@dataclass(frozen=True, slots=True)
class Arrays:
    """Contents of an npz file.

    Attributes:
        arrays: Array by name.
        refused: Reason by name, for members that are not arrays of plain values.
    """

    arrays: Mapping[str, np.ndarray]
    refused: Mapping[str, str]


def load_npy(path: Path) -> np.ndarray:
    """Return the array of an npy file.

    Args:
        path: The file.

    Raises:
        CPCError: If it is not a readable npy file. The message names no path.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path.stat().st_size)
    except Exception as error:  # numpy raises a dozen kinds of error for a damaged header
        raise CPCError(f"not a readable npy file: {one_line(error)}") from None


def load_npz(path: Path) -> Arrays:
    """Return the arrays of an npz file.

    Args:
        path: The file.

    Raises:
        CPCError: If it is no archive, or a decompression bomb. The message names no path.
    """
    arrays: dict[str, np.ndarray] = {}
    refused: dict[str, str] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST_COLUMNS:
                raise CPCError(f"{len(members):,} members, and at most {MOST_COLUMNS:,} are read. Stack them into one array")
            check_unpacked(sum(member.file_size for member in members), path.stat().st_size, "the archive")
            for member in members:
                name = member.filename.removesuffix(".npy")
                try:
                    with archive.open(member) as file:
                        arrays[name] = _read(file, member.file_size)
                except Exception as error:  # zipfile, numpy and the codecs raise a dozen kinds of error
                    refused[name] = one_line(error)
    except Exception as error:
        raise CPCError(f"not a readable npz file: {one_line(error)}") from None
    return Arrays(arrays, refused)


def _read(file: IO[bytes], size: int) -> np.ndarray:
    """Return the array in an open file, after a check of its header against the `size` of the file."""
    if file.read(len(npy.MAGIC_PREFIX)) != npy.MAGIC_PREFIX:
        raise CPCError("not a numpy array: its first bytes are wrong")
    file.seek(0)
    # The third version differs from the second only in the letters of field names.
    read_header = npy.read_array_header_1_0 if npy.read_magic(file) == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if dtype.hasobject:
        raise CPCError("pickled objects, which could run code; save numbers or texts")
    held, said = size - file.tell(), math.prod(shape) * dtype.itemsize
    # Elements of size zero take no memory here, but much where they become numbers.
    if min(shape, default=0) < 0 or said > held or (not dtype.itemsize and math.prod(shape) > held):
        raise CPCError(f"its header says {shape} of {dtype}, {said:,} bytes, and {held:,} are there")
    check_memory(said, f"an array of {shape}")
    file.seek(0)
    array = npy.read_array(file, allow_pickle=False)
    # numpy checks letters only when it converts them to text.
    if (
        dtype.kind == "U"
        and array.size
        and int(np.frombuffer(array.astype(dtype.newbyteorder("=")).tobytes(), np.uint32).max()) > 0x10FFFF
    ):
        raise CPCError("texts with invalid characters; save them again")
    return array
