"""Tables from parquet files of others: what they announce is checked before they are read, and what was read before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from torchcpc.contracts import CPCError, one_line
from torchcpc.data.files.limits import check_columns, check_unpacked

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# Of a number, or of where a text ends.
_WIDTH = 8
_REMEDY = "Leave out the columns that do not change"


def load_parquet(path: Path) -> pa.Table:
    """The whole table, texts as plain texts. Raises CPCError, without the path, for a file that cannot be used."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # read_table would add columns for folders on the way that are named like `lang=en`.
        with pq.ParquetFile(path) as file:
            check_columns(file.metadata.num_columns)
            stored = path.stat().st_size
            check_unpacked(_announced(file.metadata), stored, "the table", remedy=_REMEDY)
            texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
            # Lists and structs are of no use here, and nobody knows before how many values are in them.
            flat = [field.name for field in file.schema_arrow if not pa.types.is_nested(field.type)]
        # A text that is repeated a million times is in the file once: it is counted before it is copied.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            table = file.read(columns=flat)
        table.validate(full=True)
        check_unpacked(sum(map(_copied, table.columns)), stored, "the table", remedy=_REMEDY)
        for place, column in enumerate(table.columns):
            if pa.types.is_dictionary(column.type):
                table = table.set_column(place, table.field(place).name, column.cast(column.type.value_type))
        return table
    except Exception as error:  # of pyarrow, of the codecs, and of names that are no UTF-8
        raise CPCError(f"not a readable parquet table: {one_line(error)}") from None


def _announced(metadata: pq.FileMetaData) -> int:
    """Bytes that the columns say they have, as stored and as numbers: what repeats is stored once and read as often as it is there."""
    # Not column by column: pyarrow ends the process over damaged statistics of one.
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return max(_WIDTH * metadata.num_rows * metadata.num_columns, sum(group.total_byte_size for group in groups))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)


def _copied(column: pa.ChunkedArray) -> int:
    """Bytes of a column of repeated texts where each row has its own copy."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return 0
    sizes = [pc.call_function("binary_length", [chunk.dictionary]).take(chunk.indices) for chunk in column.chunks]
    return sum(int(np.nansum(each.to_numpy(zero_copy_only=False), dtype=np.float64)) for each in sizes)
