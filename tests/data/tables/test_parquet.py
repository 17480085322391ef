"""Parquet: types, the index of pandas, labels with gaps, and files that are too large for what they hold."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.tables.read import read_table


@pytest.mark.parametrize("name", [None, "id"])
def test_the_index_of_a_frame_is_no_column(tmp_path: Path, name: str | None) -> None:
    frame = pd.DataFrame({"a": [0.5, 1.5, 2.5], "b": ["x", None, "z"]}, index=pd.Index([11, 2, 7], name=name))
    frame.to_parquet(tmp_path / "x.parquet")
    table = read_table(tmp_path / "x.parquet")
    assert table.columns == ["a", "b"] and "numbers the rows" in table.notes[0]
    assert table.records() == [{"a": "0.5", "b": "x"}, {"a": "1.5", "b": ""}, {"a": "2.5", "b": "z"}]


def test_an_index_of_dates_is_kept(tmp_path: Path) -> None:
    index = pd.date_range("2024-02-28", periods=3, freq="D", name="when")
    pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=index).to_parquet(tmp_path / "x.parquet")
    table = read_table(tmp_path / "x.parquet")
    found = table.moments("when")
    assert set(table.columns) == {"a", "when"} and found is not None and np.diff(found[0]).tolist() == [86_400, 86_400]


def test_labels_with_gaps_are_those_without(tmp_path: Path) -> None:
    pq.write_table(pa.table({"age": [30.0, np.nan, 7.0], "x": [0.5, np.nan, 1.0]}), tmp_path / "x.parquet")
    assert [(row["age"], row["x"]) for row in read_table(tmp_path / "x.parquet").records()] == [
        ("30", "0.5"),
        ("", ""),
        ("7", "1.0"),
    ]
    (tmp_path / "x.csv").write_text("age,word,path\n30.0,na,NA\nnan, None ,b\n,none,c\n")
    assert read_table(tmp_path / "x.csv").records() == [
        {"age": "30", "word": "na", "path": "NA"},
        {"age": "", "word": "", "path": "b"},
        {"age": "", "word": "none", "path": "c"},
    ]


def test_every_type_of_number_is_read_and_others_are_named(tmp_path: Path) -> None:
    columns = {
        "whole": pa.array([1, None, 3], pa.int8()),
        "decimal": pa.array([1, 2, 3]).cast(pa.decimal128(25, 2)),
        "category": pa.array(["1.5", "2.5", "1.5"]).dictionary_encode(),
        "lists": pa.array([[1], [2], [3]]),
        "when": pa.array([1, 2, 3], pa.timestamp("s")),
        "spent": pa.array([1500, 0, 7], pa.duration("ms")),
    }
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    table = read_table(tmp_path / "x.parquet")
    np.testing.assert_array_equal(table.numbers("whole"), [1, np.nan, 3])
    np.testing.assert_array_equal(table.numbers("decimal"), [1, 2, 3])
    np.testing.assert_array_equal(table.numbers("category"), [1.5, 2.5, 1.5])
    found = table.moments("spent")
    assert found is not None and found[0].tolist() == [1.5, 0, 0.007]
    assert "lists" not in table.columns
    with pytest.raises(CPCError, match="column 'when' is of timestamp"):
        table.numbers("when")


def test_a_file_that_claims_far_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    column = pa.array(np.zeros(7_000_000, np.int8)).dictionary_encode()
    pq.write_table(pa.table({f"c{n}": column for n in range(11)}), tmp_path / "x.parquet", compression="zstd")
    with pytest.raises(CPCError, match="would unpack .* a decompression bomb"):
        read_table(tmp_path / "x.parquet")
