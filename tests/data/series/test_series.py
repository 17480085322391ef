"""Sensor series from every kind of file and from memory: what is read is what was written, and what cannot be used is told."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.scaling import channel_scale
from torchcpc.data.series.series import Series, cases, scan_series

NAN = np.nan
VALUES = np.array([[1.5, NAN], [NAN, NAN], [2.0, -3.0], [4.0, 5.0], [0.25, 7.0]], np.float32)
STAMPS = np.array(
    ["2021-03-04T05:06:07.5", "2021-03-04T05:06:08", "2021-03-04T05:06:08.5", "2021-03-04T05:06:09", "2021-03-04T05:07"]
)


def text(delimiter: str, missing: str, times: list[str] | None = None) -> str:
    rows = [["when" if times is None else "DateTime", "a", "fault", "b"]]
    for n, (a, b) in enumerate(VALUES):
        cell = [missing if np.isnan(v) else f"{v}" for v in (a, b)]
        rows.append([str(n / 2) if times is None else times[n], cell[0], str(n % 2), cell[1]])
    return "".join(delimiter.join(row) + "\n" for row in rows)


@pytest.mark.parametrize(("delimiter", "missing"), [(",", ""), (";", "NA"), ("\t", "NaN"), (",", "?")])
def test_csv_of_any_delimiter_with_gaps_times_and_row_labels(tmp_path: Path, delimiter: str, missing: str) -> None:
    times = [stamp.replace("T", " ") if len(stamp) > 16 else stamp.replace("T", " ") + ":00" for stamp in STAMPS]
    (tmp_path / "x.csv").write_text(text(delimiter, missing, times), encoding="utf-8-sig")
    series = scan_series([tmp_path], row_labels=["fault", "not there"])
    assert series.channels == ("a", "b") and series.rate == 2.0 and len(series) == 1
    np.testing.assert_array_equal(series.read(0, 0, 99), VALUES)
    np.testing.assert_array_equal(series.read(0, 2, 2), VALUES[2:4])
    np.testing.assert_allclose(series.times(0) - series.times(0)[0], [0, 0.5, 1, 1.5, 52.5])
    assert series.times(0)[0] == 1614834367.5
    assert series.row_labels(0, "fault").tolist() == [0, 1, 0, 1, 0] and series.row_labels(0, "not there") is None


def test_csv_without_a_header_and_with_a_named_time(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2\n3,\n5,6\n")
    series = scan_series([tmp_path])
    assert series.channels == ("0", "1") and series.rate == 1.0 and series.times(0).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(series.read(0, 0, 3), [[1, 2], [3, NAN], [5, 6]])
    (tmp_path / "x.csv").write_text(text(",", ""))
    series = scan_series([tmp_path], time="when", channels=["b"])
    assert series.channels == ("b",) and series.rate == 2.0


def test_parquet_and_numpy_files_hold_the_same(tmp_path: Path) -> None:
    columns = {"time": STAMPS.astype("datetime64[ms]"), "a": pa.array(VALUES[:, 0], from_pandas=True), "b": VALUES[:, 1]}
    pq.write_table(pa.table(columns), tmp_path / "1.parquet")
    # Columns in another order are put into that of the first file.
    np.savez(tmp_path / "2.npz", x=VALUES[:, ::-1], channels=["b", "a"], fs=2.0, fault=np.arange(5))
    series = scan_series([tmp_path], row_labels=["fault"])
    assert [item.key for item in series.items] == ["1.parquet", "2.npz"] and series.skipped == []
    for index in range(2):
        np.testing.assert_array_equal(series.read(index, 0, 5), VALUES)
    assert series.times(0)[0] == 1614834367.5 and series.times(1).tolist() == [0, 0.5, 1, 1.5, 2]
    assert series.row_labels(1, "fault").tolist() == [0, 1, 2, 3, 4]


def test_cases_of_one_array_are_sources_of_their_own_lengths(tmp_path: Path) -> None:
    padded = np.full((3, 7, 2), NAN, np.float32)
    padded[0, :5], padded[1, :2], padded[2, 3:] = VALUES, 11, 13
    np.save(tmp_path / "x.npy", padded)
    files, memory = scan_series([tmp_path]), cases(padded)
    assert [item.key for item in files.items] == ["x.npy#0", "x.npy#1", "x.npy#2"]
    assert [files.length(i) for i in range(3)] == [5, 2, 7]
    ragged = cases([padded[0, :5], padded[1, :2], padded[2]], labels={"y": [3, 5, 3], "group": ["q", "p", "q"]})
    for index in range(3):
        np.testing.assert_array_equal(files.read(index, 0, 9), ragged.read(index, 0, 9))
        np.testing.assert_array_equal(files.read(index, 0, 9), memory.read(index, 0, 9))
    assert ragged.labels("y") == ["3", "5", "3"] and [ragged.group(i) for i in range(3)] == [1, 0, 1]
    assert ragged.select([1]).group(0) == 0 and ragged.labels("group") == ["q", "p", "q"]


def test_faults_are_skipped_counted_and_told(tmp_path: Path) -> None:
    good = "time,a,b\n0,1,2\n1,2,3\n2,4,\n"
    files = {
        "0-good.csv": good,
        "back.csv": "time,a,b\n0,1,2\n2,2,3\n1,4,5\n",
        "twice.csv": "time,a,b\n0,1,2\n0,2,3\n1,4,5\n",
        "unstamped.csv": "time,a,b\n0,1,2\n,2,3\n1,4,5\n",
        "missing.csv": "time,a,b\n0,,\n1,,\n",
        "empty.csv": "time,a,b\n",
        "words.csv": "time,a,b\n0,1,high\n1,2,low\n",
        "infinite.csv": "time,a,b\n0,1,2\n1,inf,2\n",
        "other.csv": "time,a,c\n0,1,2\n",
        "fast.csv": "time,a,b\n0,1,2\n0.5,2,3\n",
        "ragged.csv": "time,a,b\n0,1\n",
        "bytes.csv": "time,a,b\n0,1,2\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "bytes.csv").write_bytes(b"time,a,b\n\xff\xfe,1,2\n")
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 no more")
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    np.savez(tmp_path / "two.npz", x=VALUES, y=VALUES)
    np.savez(tmp_path / "complex.npz", x=VALUES * 1j)
    series = scan_series([tmp_path])
    said = {Path(s.path).name: s.reason for s in series.skipped}
    assert [item.key for item in series.items] == ["0-good.csv"] and said.keys() == {p.name for p in tmp_path.iterdir()} - {
        "0-good.csv"
    }
    expected = {
        "back.csv": "times out of order: row 2 is 1 s before row 1.*1 such.*sort",
        "twice.csv": "out of order: row 1 is 0 s before row 0 or at the same time",
        "unstamped.csv": "3 rows need one time each",
        "missing.csv": "all 2 rows are missing in every channel",
        "empty.csv": "not rows",
        "words.csv": "1 channel a instead of a, b .the column 'b' holds words.*data.channels",
        "infinite.csv": "infinite value in row 1, channel 0",
        "other.csv": "channels a, c instead of a, b",
        "fast.csv": "2 rows per second instead of 1",
        "ragged.csv": "the row on line 2 has fewer fields",
        "bytes.csv": "not a readable|not of numbers",
        "damaged.npz": "not a readable npz",
        "objects.npy": "not a readable npy",
        "two.npz": "arrays x, y: name the one with the values",
        "complex.npz": "array of complex64",
    }
    for name, pattern in expected.items():
        assert re.search(pattern, said[name]), (name, said[name])


def reasons(series: Series) -> dict[str, str]:
    return {Path(skip.path).name: skip.reason for skip in series.skipped}


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ({"time": ["2021-01-01", "2021-01-02", "2021-01-03", "2021-01-04", "2021-01-05"]}, "'time' is an array of <U10; write"),
        ({"time": np.arange(5) * 1j}, "'time' is an array of complex128; write seconds"),
        ({"time": np.arange(5).astype("timedelta64[ms]")}, "'time' is an array of timedelta64.*write seconds"),
        ({"time": np.array(0.5)}, r"'time' has shape \(\) for 5 rows"),
        (
            {"rate": "100Hz"},
            "rate = '100Hz': rows per second are a number above 0; write it as one, or remove it and set data.rate",
        ),
        ({"fs": NAN}, "fs = nan: rows per second"),
        ({"rate": np.inf}, "rate = inf: rows per second"),
        ({"rate": 0}, "rate = 0: rows per second"),
        ({"fs": -7.0}, "fs = -7.0: rows per second"),
        ({"channels": np.array("a")}, "cannot be converted"),
    ],
)
def test_an_odd_npz_is_one_counted_skip(tmp_path: Path, beside: dict, message: str) -> None:
    np.save(tmp_path / "good.npy", VALUES)
    np.savez(tmp_path / "odd.npz", x=VALUES, **beside)
    series = scan_series([tmp_path])
    assert [item.key for item in series.items] == ["good.npy"] and reasons(series).keys() == {"odd.npz"}
    assert re.search(message, reasons(series)["odd.npz"]), reasons(series)


def test_a_column_that_cannot_be_converted_is_one_counted_skip(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1.0, 2.0]}), tmp_path / "good.parquet")
    # No date of Python's: the library cannot show an example of what is no number.
    pq.write_table(pa.table({"a": pa.array([10**12], pa.timestamp("s"))}), tmp_path / "odd.parquet")
    series = scan_series([tmp_path])
    assert len(series) == 1 and "no channel besides its times" in reasons(series)["odd.parquet"]


def test_integers_beyond_doubles_are_rounded(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text(f"a,b\n{2**53 + 1},2\n,{2**63 - 1}\n")
    pq.write_table(pa.table({"a": pa.array([2**53 + 1, None]), "b": pa.array([2, 2**63 - 1])}), tmp_path / "2.parquet")
    series = scan_series([tmp_path])
    assert series.skipped == []
    for index in range(2):
        np.testing.assert_allclose(series.read(index, 0, 2), [[2.0**53, 2], [NAN, 2.0**63]], rtol=1e-7)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_of_any_unit_and_century(tmp_path: Path, unit: str) -> None:
    days = ["2021-01-01", "2021-01-02", "2021-01-04"] if unit == "ns" else ["2400-01-01", "2400-01-02", "2400-01-04"]
    stamps = np.array(days, f"datetime64[{unit}]")
    pq.write_table(pa.table({"time": stamps, "a": [1.0, 2.0, 3.0]}), tmp_path / "1.parquet")
    np.savez(tmp_path / "2.npz", x=[1.0, 2.0, 3.0], time=stamps, channels=["a"])
    np.savez(tmp_path / "3.npz", x=[1.0, 2.0, 3.0], time=stamps.astype("datetime64[D]"), channels=["a"])
    first = (stamps[0] - np.datetime64("1970-01-01")) / np.timedelta64(1, "s")
    pq.write_table(pa.table({"date": pa.array(np.array(days, "datetime64[D]")), "a": [1.0, 2.0, 3.0]}), tmp_path / "4.parquet")
    series = scan_series([tmp_path])
    assert series.skipped == [] and len(series) == 4
    for index in range(4):
        assert series.times(index).tolist() == [first, first + 86400, first + 3 * 86400]


def test_a_case_without_a_value_is_left_out_and_the_others_kept(tmp_path: Path) -> None:
    padded = np.full((3, 7, 2), NAN, np.float32)
    padded[0, :5], padded[2, :3] = VALUES, 11
    np.savez(tmp_path / "a.npz", x=padded)
    np.save(tmp_path / "b.npy", padded[[1, 1]])
    np.save(tmp_path / "c.npy", np.zeros((0, 7, 2)))
    np.save(tmp_path / "d.npy", np.zeros((11, 7, 3)))
    series = scan_series([tmp_path])
    assert [item.key for item in series.items] == ["a.npz#0", "a.npz#2"] and [series.length(i) for i in range(2)] == [5, 3]
    # What all cases of a file share is told once.
    assert reasons(series) == {
        "a.npz#1": "all 7 rows are missing in every channel",
        "b.npy": "all 7 rows are missing in every channel",
        "c.npy": "an array of shape (0, 7, 2) holds no case; remove the file, or write cases to it",
        "d.npy": "3 channels 0, 1, 2 instead of 0, 1; name those that all have (data.channels)",
    }


def test_a_blank_line_of_one_column_is_a_missing_value(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a\n1\n\n\n3\n")
    (tmp_path / "2.csv").write_text("a\r\n1\r\n\r\nNA\r\n3")
    (tmp_path / "two.csv").write_text("a,b\n1,2\n\n3,\n")
    series = scan_series([tmp_path], channels=["a"])
    for index in range(2):
        np.testing.assert_array_equal(series.read(index, 0, 9)[:, 0], [1, NAN, NAN, 3])
    np.testing.assert_array_equal(series.read(2, 0, 9)[:, 0], [1, 3])


def test_a_column_without_a_name_is_a_channel_unless_it_counts_the_rows(tmp_path: Path) -> None:
    for name, content, channels in (
        ("middle", "a,,b\n1,2,3\n2,3,5\n", ("a", "", "b")),
        ("first", ",a\n3.5,2\n-7,3\n", ("", "a")),
        ("rows of a larger table", ",a\n7,2\n3,3\n", ("a",)),
        ("numbers", ",a\n5,2\n6,3\n", ("a",)),
        ("numbers and times", ",time,a\n0,2,3\n1,3,5\n", ("a",)),
    ):
        (tmp_path / "x.csv").write_text(content)
        assert scan_series([tmp_path]).channels == channels, name


def test_nothing_usable_and_unusable_arrays_are_errors(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("time,a\n0,\n")
    with pytest.raises(CPCError, match="none of 1 files can be used: .*all 1 rows are missing"):
        scan_series([tmp_path])
    with pytest.raises(CPCError, match="data.rate = -1"):
        scan_series([tmp_path], rate=-1.0)
    for arrays, message in (
        ([np.full((3, 2), NAN)], "case-000000: all 3 rows are missing"),
        ([np.zeros((3, 2)), np.zeros((3, 5))], "case-000001: 5 channels"),
        ([np.full(3, np.inf)], "case-000000: infinite value in row 0"),
        ([np.zeros((0, 2))], "case-000000: values of shape"),
        ([np.array(["a"])], "case-000000: an array of <U1; expected real numbers"),
        ([np.arange(3) + 1j], "case-000000: an array of complex128; expected real numbers"),
        ([np.array([1.5, object()])], "case-000000: an array of object with values that are not real numbers"),
        ([], "no case was given"),
    ):
        with pytest.raises(CPCError, match=message):
            cases(arrays)
    with pytest.raises(CPCError, match="case-000000: no array of .time, channels."):
        cases([[[1, 2], [3]]])  # pyright: ignore[reportArgumentType]
    with pytest.raises(CPCError, match="labels 'y': 1 values for 2 cases"):
        cases(np.zeros((2, 3, 1)), labels={"y": [1]})


def test_a_label_column_names_the_groups(tmp_path: Path) -> None:
    for name in ("1.csv", "2.csv"):
        (tmp_path / name).write_text("a\n1\n2\n")
    (tmp_path / "list.csv").write_text("path,patient\n1.csv,q\n2.csv,p\n")
    series = scan_series([tmp_path / "list.csv"], group="patient")
    assert series.groups == ["p", "q"] and [series.group(0), series.group(1)] == [1, 0]
    with pytest.raises(CPCError, match=r"data.group = 'machine': 1.csv has no such label \(labels: patient\)"):
        scan_series([tmp_path / "list.csv"], group="machine")


def test_gain_stretches_training_windows_only(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VALUES)
    series = scan_series([tmp_path], gain=0.7).select([0])
    np.testing.assert_array_equal(series.read(0, 0, 5), VALUES)
    found = series.read(0, 0, 5, np.random.default_rng(5))
    factor = np.exp(np.random.default_rng(5).uniform(-0.7, 0.7, size=2))
    mean = np.nanmean(VALUES, axis=0)
    np.testing.assert_allclose(found, mean + (VALUES - mean) * factor, rtol=1e-5)
    with pytest.raises(CPCError, match="data.gain = -1"):
        scan_series([tmp_path], gain=-1.0)


def test_scale_is_that_of_the_observed_values() -> None:
    rng = np.random.default_rng(3)
    # A large mean beside a small spread, which float32 sums would lose.
    rows = [(rng.normal(size=(n, 3)) * [1, 0.5, 20] + [0, 1e3, -5]).astype(np.float32) for n in (70_001, 13, 101)]
    for array in rows:
        array[rng.random(array.shape) < 0.1] = NAN
    mean, scale = channel_scale(cases(rows))
    together = np.concatenate(rows).astype(np.float64)
    np.testing.assert_allclose(mean, np.nanmean(together, axis=0), rtol=1e-9)
    np.testing.assert_allclose(scale, np.nanstd(together, axis=0), rtol=1e-9)


@pytest.mark.parametrize("column", [7.25, NAN])
def test_a_channel_with_nothing_to_learn_has_no_scale(column: float) -> None:
    rows = np.arange(20.0).reshape(2, 5, 2)
    rows[..., 1] = column
    mean, scale = channel_scale(cases(rows))
    assert (mean[0], scale[0]) == (9.0, pytest.approx(np.arange(0, 20, 2).std())) and scale[1] == 0
    with pytest.raises(CPCError, match="none of the channels .1. varies in any of the 2 training sources"):
        channel_scale(cases(rows[..., 1:]) if column == column else cases(np.full((2, 5, 1), 3.0)))
