"""Arrays of samples from files, and files that are none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from torchcpc.contracts import CPCError
from torchcpc.mutual import read_array


def test_each_format_gives_the_same_numbers(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((7, 2))
    np.save(tmp_path / "x.npy", x)
    (tmp_path / "x.csv").write_text("a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in x.tolist()))
    pq.write_table(pa.table({"a": x[:, 0], "b": x[:, 1]}), tmp_path / "x.parquet")
    np.savez(tmp_path / "x.npz", x=x)
    for name in ("x.npy", "x.npz", "x.csv", "x.parquet"):
        found = read_array(tmp_path / name)
        np.testing.assert_array_equal(found.values, x)
        assert list(found.notes) == []


def test_what_is_no_array_of_numbers_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "texts.npy", np.array(["a", "b"]))
    np.save(tmp_path / "empty.npy", np.zeros((0, 2)))
    np.savez(tmp_path / "two.npz", x=np.zeros(3), y=np.zeros(3))
    for name, word in (
        ("objects.npy", "cannot be read"),
        ("two.npz", "it holds x, y, and not one array"),
        ("texts.npy", "expected numbers"),
        ("empty.npy", "expected numbers"),
        ("none.csv", "cannot be read"),
        ("x.txt", ".npy, .npz, .csv, .tsv, .parquet"),
    ):
        with pytest.raises(CPCError, match=word):
            read_array(tmp_path / name)


def test_columns_that_number_or_date_the_rows_are_no_samples(tmp_path: Path) -> None:
    x = np.random.default_rng(3).normal(size=11).round(3)
    frame = pd.DataFrame({"x": x})
    dated = frame.set_index(pd.date_range("2024-02-27", periods=11, freq="h"))
    for name, content, said in (
        ("index", frame.to_csv(), "numbers the rows"),
        ("dates", dated.to_csv(), "dates the rows"),
        ("time", frame.assign(time=np.arange(11) / 8).to_csv(index=False), "'time' counts the rows"),
        ("first", "case,x\n" + "".join(f"{n + 5},{value}\n" for n, value in enumerate(x)), "'case' counts the rows"),
        ("no header", frame.reset_index().to_csv(index=False, header=False), "numbers the rows"),
        ("comma", frame.to_csv(sep=";", decimal=","), "numbers the rows"),
    ):
        (tmp_path / "x.csv").write_text(content)
        found = read_array(tmp_path / "x.csv")
        np.testing.assert_array_equal(found.values, x[:, None], err_msg=name)
        assert said in " ".join(found.notes), (name, found.notes)
    dated.to_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(read_array(tmp_path / "x.parquet").values, x[:, None])
    # A single column may well count: it is what there is.
    (tmp_path / "x.csv").write_text("x\n" + "".join(f"{n}\n" for n in range(7)))
    assert read_array(tmp_path / "x.csv").values[:, 0].tolist() == list(range(7))


def test_a_column_of_words_is_refused_by_name_and_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x,kind\n1.5,a\n2.5,b\n")
    with pytest.raises(CPCError, match=r"x.csv cannot be read as an array \(column 'kind' is not of numbers .*'a' on line 2"):
        read_array(tmp_path / "x.csv")
