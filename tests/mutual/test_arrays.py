"""Arrays of samples from files, and files that are none."""

from pathlib import Path

import numpy as np
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
    for name in ("x.npy", "x.csv", "x.parquet"):
        np.testing.assert_array_equal(read_array(tmp_path / name), x)


def test_what_is_no_array_of_numbers_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "texts.npy", np.array(["a", "b"]))
    np.save(tmp_path / "empty.npy", np.zeros((0, 2)))
    for name, word in (
        ("objects.npy", "cannot be read"),
        ("texts.npy", "expected numbers"),
        ("empty.npy", "expected numbers"),
        ("none.csv", "cannot be read"),
        ("x.txt", ".npy, .csv, .parquet"),
    ):
        with pytest.raises(CPCError, match=word):
            read_array(tmp_path / name)
