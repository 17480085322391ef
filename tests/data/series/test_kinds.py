"""Series as people have them: columns of words and dates, times in other units, odd files among many, and values far from zero."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from torchcpc.data.series.series import Series, cases, scan_series
from torchcpc.data.windows import cut
from torchcpc.encoders.sensors import Observed

FLOW = np.random.default_rng(5).normal(size=(11, 2)).round(3)
STAMPS = pd.date_range("2024-02-27 22:00", periods=11, freq="30min")


def notes(series: Series) -> str:
    return " / ".join(note.reason for note in series.notes)


def written(folder: Path, frame: pd.DataFrame, name: str = "x.csv", **how: object) -> Path:
    frame.to_csv(folder / name, index=False, **how)  # pyright: ignore[reportCallIssue, reportArgumentType]
    return folder / name


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({"time": np.arange(11) * 1800}, ""),
        ({"Time (s)": np.arange(11) * 1800.0}, ""),
        ({"time_ms": np.arange(11) * 1_800_000}, "read in ms"),
        ({"timestamp [min]": np.arange(11) * 30}, "read in min"),
        ({"timestamp": STAMPS.astype("int64") // (1000 if STAMPS.unit == "us" else 10**6)}, "read in ms since 1970"),
        ({"date": STAMPS.strftime("%d/%m/%Y %H:%M")}, "read as day/month/year"),
        ({"date": STAMPS.strftime("%d.%m.%Y"), "time": STAMPS.strftime("%H:%M:%S")}, "'date' and 'time' together"),
        ({"when": STAMPS.strftime("%Y-%m-%d %H:%M")}, "'when' is read as the times"),
        ({"": STAMPS.strftime("%Y-%m-%d %H:%M")}, ""),
        ({"": np.arange(11) * 1800 + 0.5}, ""),
        ({"clock": STAMPS.strftime("%H:%M:%S")}, ""),
    ],
)
def test_times_of_every_form_give_the_rate_and_are_no_channel(tmp_path: Path, times: dict, said: str) -> None:
    written(tmp_path, pd.DataFrame({**times, "flow": FLOW[:, 0], "temp": FLOW[:, 1]}))
    series = scan_series([tmp_path])
    assert series.channels == ("flow", "temp") and series.rate == pytest.approx(1 / 1800)
    np.testing.assert_array_equal(series.read(0, 0, 11), FLOW)
    np.testing.assert_allclose(np.diff(series.times(0)), 1800)
    assert said in notes(series)


def test_times_that_cannot_be_read_may_be_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": ["soon"] * 11, "flow": FLOW[:, 0]})
    written(tmp_path, frame)
    np.save(tmp_path / "y.npy", FLOW[:, 0])
    (skipped,) = scan_series([tmp_path]).skipped
    assert "'time' holds times that cannot be read (for instance 'soon' on line 2)" in skipped.reason
    assert "data.row_labels" in skipped.reason
    series = scan_series([tmp_path / "x.csv"], row_labels=["time"])
    assert series.channels == ("flow",) and series.row_labels(0, "time") is not None


def test_columns_of_words_are_left_out_and_labels_are_found_whatever_their_case(tmp_path: Path) -> None:
    frame = pd.DataFrame({"machine": ["a", "b"] * 5 + ["c"], "flow": FLOW[:, 0], "Anomaly": [0] * 10 + [1]})
    written(tmp_path, frame)
    series = scan_series([tmp_path], row_labels=["anomaly"])
    labels = series.row_labels(0, "anomaly")
    assert series.channels == ("flow",) and labels is not None and labels.tolist() == [0] * 10 + [1]
    assert "'machine' holds words and is not read" in notes(series) and "'Anomaly' is read as 'anomaly'" in notes(series)


def test_one_odd_file_does_not_shut_out_the_others(tmp_path: Path) -> None:
    for number in range(5):
        frame = pd.DataFrame({"time": np.arange(11.0), "flow": FLOW[:, 0], "temp": FLOW[:, 1]})
        if number == 0:
            frame = frame.rename(columns={"temp": "pressure"})
        if number == 1:
            frame["time"] *= 1000
        written(tmp_path, frame, f"{number}.csv")
    series = scan_series([tmp_path])
    assert [item.key for item in series.items] == ["2.csv", "3.csv", "4.csv"] and series.rate == 1
    first, second = (skip.reason for skip in series.skipped)
    assert "2 channels flow, pressure instead of flow, temp" in first
    assert "0.001 rows per second instead of 1 (as if one of them were in milliseconds)" in second


def test_shapes_that_are_implausible_are_reported(tmp_path: Path) -> None:
    np.save(tmp_path / "turned.npy", np.random.default_rng(0).normal(size=(3, 7, 11)))
    assert "more channels (11) than rows (7)" in notes(scan_series([tmp_path / "turned.npy"]))
    np.save(tmp_path / "counted.npy", np.column_stack([np.arange(11), FLOW]))
    assert "channel '0' goes up by one from row to row" in notes(scan_series([tmp_path / "counted.npy"]))
    np.save(tmp_path / "plain.npy", FLOW)
    assert not notes(scan_series([tmp_path / "plain.npy"]))


def test_a_large_mean_costs_no_digits(tmp_path: Path) -> None:
    far = FLOW + 1e9
    np.save(tmp_path / "x.npy", far)
    pd.DataFrame(far, columns=["a", "b"]).to_parquet(tmp_path / "y.parquet")
    for series in (scan_series([tmp_path / "x.npy"]), scan_series([tmp_path / "y.parquet"]), cases([far])):
        window = cut(series, [0], [0], 11)
        observed = Observed(far.mean(axis=0).tolist(), far.std(axis=0).tolist())(window.x)
        expected = (FLOW - FLOW.mean(axis=0)) / FLOW.std(axis=0)
        # What float64 holds of a billion: about 1e-7 of one.
        np.testing.assert_allclose(observed[0, :, :2].numpy(), expected, atol=1e-6)
        assert observed.dtype == torch.float32
