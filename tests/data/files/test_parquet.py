"""Parquet of others: read as it is, or refused before what it announces is made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.files.limits import amount, check_memory
from torchcpc.data.files.parquet import load_parquet


def written(path: Path, columns: dict[str, object], **options: object) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_a_table_is_read_with_its_texts_plain(tmp_path: Path) -> None:
    words = pa.array(["b", "a", None, "b", "b"])
    path = written(tmp_path / "a.parquet", {"x": [1.5, None, 3, 4, 5], "s": words, "category": words.dictionary_encode()})
    table = load_parquet(path)
    assert table.column_names == ["x", "s", "category"]
    assert table.schema.types == [pa.float64(), pa.string(), pa.string()]
    assert table.column("category").to_pylist() == table.column("s").to_pylist() == words.to_pylist()


def test_a_number_repeated_millions_of_times_is_a_bomb(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"x": np.zeros(20_000_003)})
    assert path.stat().st_size < 1_000_000
    with pytest.raises(CPCError, match="to 160 MB, more than 100 to 1: a decompression bomb.*do not change"):
        load_parquet(path)


def test_a_long_text_repeated_thousands_of_times_is_a_bomb(tmp_path: Path) -> None:
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(5003, np.int32)), pa.array(["x" * 1_000_000]))
    with pytest.raises(CPCError, match="to 5 GB, more than 100 to 1: a decompression bomb"):
        load_parquet(written(tmp_path / "a.parquet", {"s": words}, store_schema=False))


def test_a_table_of_thousands_of_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="10,001 columns, and at most 10,000 are read. Save them as one array"):
        load_parquet(written(tmp_path / "a.parquet", {f"{n}": [1] for n in range(10_001)}))


def test_texts_that_are_no_utf8_are_one_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"s": ["quite long and quite plain"]}, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(b"long", b"l\xffng"))
    with pytest.raises(CPCError, match="not a readable parquet table.*UTF8"):
        load_parquet(path)


def test_a_damaged_file_is_one_line_at_every_length(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"x": [1.5, 2.5]})
    whole = path.read_bytes()
    for length in range(0, len(whole), 41):
        path.write_bytes(whole[:length])
        with pytest.raises(CPCError, match="not a readable parquet table") as error:
            load_parquet(path)
        assert "\n" not in str(error.value)


def test_what_does_not_fit_into_memory_is_refused_with_both_numbers() -> None:
    with pytest.raises(CPCError, match=r"the model would take 8 PB of memory, and half of this machine's is \d"):
        check_memory(8 * 10**15, "the model")
    check_memory(1000, "the model")


def test_amounts_have_three_digits_and_a_unit() -> None:
    assert [amount(n) for n in (0, 999, 1500, 7_280_000_000_000, 10**18)] == [
        "0 bytes",
        "999 bytes",
        "1.5 kB",
        "7.28 TB",
        "1e+03 PB",
    ]
