"""Arrays from npy and npz files of others. Nothing in them is run, and nothing is made that the file does not hold."""

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
    """What an npz file holds. arrays: by name; refused: members that are no arrays of plain values, and why."""

    arrays: Mapping[str, np.ndarray]
    refused: Mapping[str, str]


def load_npy(path: Path) -> np.ndarray:
    """The array of an npy file. Raises CPCError, without the path, for anything else."""
    try:
        with path.open("rb") as file:
            return _read(file, path.stat().st_size)
    except Exception as error:  # numpy raises a dozen kinds for a damaged header
        raise CPCError(f"not a readable npy file: {one_line(error)}") from None


def load_npz(path: Path) -> Arrays:
    """The arrays of an npz file. Raises CPCError, without the path, for a file that is no archive, and for a decompression bomb."""
    arrays: dict[str, np.ndarray] = {}
    refused: dict[str, str] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST_COLUMNS:
                raise CPCError(f"{len(members):,} members, of at most {MOST_COLUMNS:,}. Stack them into one array")
            check_unpacked(sum(member.file_size for member in members), path.stat().st_size, "the archive")
            for member in members:
                name = member.filename.removesuffix(".npy")
                try:
                    with archive.open(member) as file:
                        arrays[name] = _read(file, member.file_size)
                except Exception as error:  # zipfile, numpy and the codecs raise a dozen kinds for a damaged member
                    refused[name] = one_line(error)
    except Exception as error:
        raise CPCError(f"not a readable npz file: {one_line(error)}") from None
    return Arrays(arrays, refused)


def _read(file: IO[bytes], size: int) -> np.ndarray:
    """The array in an open file of `size` bytes, whose header is checked against them."""
    if file.read(len(npy.MAGIC_PREFIX)) != npy.MAGIC_PREFIX:
        raise CPCError("no array of numpy: it does not begin as one")
    file.seek(0)
    # The third version differs from the second in the letters of field names alone.
    read_header = npy.read_array_header_1_0 if npy.read_magic(file) == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if dtype.hasobject:
        raise CPCError("pickled objects, which could run code; save numbers or texts")
    held, said = size - file.tell(), math.prod(shape) * dtype.itemsize
    # Elements of no size cost nothing here and all the more where they become numbers.
    if min(shape, default=0) < 0 or said > held or (not dtype.itemsize and math.prod(shape) > held):
        raise CPCError(f"its header says {shape} of {dtype}, {said:,} bytes, and {held:,} are there")
    check_memory(said, f"an array of {shape}")
    file.seek(0)
    array = npy.read_array(file, allow_pickle=False)
    # numpy looks at letters only when they are made to text.
    if (
        dtype.kind == "U"
        and array.size
        and int(np.frombuffer(array.astype(dtype.newbyteorder("=")).tobytes(), np.uint32).max()) > 0x10FFFF
    ):
        raise CPCError("texts with letters that no alphabet has; save them again")
    return array
