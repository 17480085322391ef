"""Read tables from parquet files of unknown sources.

The announced size is checked before reading, and the content before use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from torchcpc.contracts import CPCError, one_line
from torchcpc.data.files.limits import check_columns, check_unpacked

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# Bytes of a number, or of the position at which a text ends.
_WIDTH = 8
_REMEDY = "Leave out the columns that do not change"


def load_parquet(path: Path) -> pa.Table:
    """Return the whole table, with texts as plain texts.

    Columns of lists and structs are left out.

    Args:
        path: The file.

    Raises:
        CPCError: If the file cannot be used. The message names no path.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # read_table would add columns for parent folders named like `lang=en`.
        with pq.ParquetFile(path) as file:
            check_columns(file.metadata.num_columns)
            stored = path.stat().st_size
            check_unpacked(_announced(file.metadata), stored, "the table", remedy=_REMEDY)
            texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
            # Lists and structs are not used, and nobody can tell before reading how many values they hold.
            flat = [field.name for field in file.schema_arrow if not pa.types.is_nested(field.type)]
        # A text that is repeated a million times is stored once. Its copies are counted before they are made.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            table = file.read(columns=flat)
        table.validate(full=True)
        check_unpacked(sum(map(_copied, table.columns)), stored, "the table", remedy=_REMEDY)
        for place, column in enumerate(table.columns):
            if pa.types.is_dictionary(column.type):
                table = table.set_column(place, table.field(place).name, column.cast(column.type.value_type))
        return table
    except Exception as error:  # errors of pyarrow, of the codecs, and of names that are not UTF-8
        raise CPCError(f"not a readable parquet table: {one_line(error)}") from None


def _announced(metadata: pq.FileMetaData) -> int:
    """Return the announced bytes of the columns, as stored or as numbers, whichever is more.

    Repeated values are stored once but read for every row.
    """
    # Not column by column: pyarrow ends the process if the statistics of a column are damaged.
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return max(_WIDTH * metadata.num_rows * metadata.num_columns, sum(group.total_byte_size for group in groups))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)


def _copied(column: pa.ChunkedArray) -> int:
    """Return the bytes of a column of repeated texts if each row has its own copy."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return 0
    sizes = [pc.call_function("binary_length", [chunk.dictionary]).take(chunk.indices) for chunk in column.chunks]
    return sum(int(np.nansum(each.to_numpy(zero_copy_only=False), dtype=np.float64)) for each in sizes)
