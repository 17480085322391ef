"""Series that are kept for a picture: bins against the rows themselves, which sources, and files of older versions."""

import json

import numpy as np
import pytest

from torchcpc.anomalies.result import AnomalyRow, AnomalyTable
from torchcpc.anomalies.trace import MOST_BINS, MOST_CHANNELS, MOST_SOURCES, trace, traces
from torchcpc.contracts import CPCError
from torchcpc.data.series.series import Series, cases


def walks(lengths: list[int], channels: int = 2) -> Series:
    rng = np.random.default_rng(5)
    names = [f"sensor {i}" for i in range(channels)]
    return cases([rng.normal(size=(length, channels)).cumsum(axis=0) for length in lengths], channels=names)


def scores(lengths: list[int]) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    return [rng.normal(size=length) for length in lengths]


def test_bins_hold_the_range_of_their_rows() -> None:
    length = 2 * MOST_BINS + 17  # three rows a bin, and a last one of fewer
    sources, (score_S,) = walks([length]), scores([length])
    score_S[:4] = np.nan
    truth_S = np.zeros(length)
    truth_S[[100, 500]] = 1, np.nan
    found = trace(sources, 0, np.arange(length) / 4, score_S, 1.0, truth_S)
    x_SF = sources.read(0, 0, length)
    assert found.every == 3 and found.rows == length and found.channels == ("sensor 0", "sensor 1")
    for bin in (0, 1, 33, len(found.time_s) - 1):
        rows = slice(3 * bin, 3 * bin + 3)
        assert found.time_s[bin] == 3 * bin / 4
        np.testing.assert_allclose(found.low[:, bin], x_SF[rows].min(axis=0), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(found.high[:, bin], x_SF[rows].max(axis=0), rtol=1e-3, atol=1e-3)
        assert found.alarms[bin] == (score_S[rows] > 1).sum()
        if bin:
            assert found.surprise[bin] == pytest.approx(np.nanmax(score_S[rows]), abs=1e-4)
    assert np.isnan(found.surprise[0]) and np.flatnonzero(found.known).tolist() == [33]
    assert found.alarms.sum() == (score_S > 1).sum()


def test_a_short_series_keeps_its_rows_and_gaps() -> None:
    x_SF = np.array([[1.0, np.nan], [np.nan, np.nan], [2.0, 5.0]])
    found = trace(cases([x_SF]), 0, np.arange(3.0), np.array([0.5, np.nan, 2.0]), 1.0, None)
    assert found.every == 1 and len(found.known) == 0 and found.alarms.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(found.low, found.high)
    np.testing.assert_array_equal(found.low, x_SF.T)


def test_the_sources_with_most_alarms_are_kept_and_few_channels() -> None:
    lengths = [41, 43, 47, 53, 59]
    sources, own = walks(lengths, MOST_CHANNELS + 3), [np.zeros(length) for length in lengths]
    for index, alarms in ((1, 2), (2, 11), (3, 5), (4, 3)):
        own[index][:alarms] = 9.0
    times = [np.arange(length, dtype=float) for length in lengths]
    found = traces(sources, times, own, 1.0, None)
    assert [each.source for each in found] == [sources.items[i].key for i in (2, 3, 4)] and len(found) == MOST_SOURCES
    assert found[0].channels_left_out == 3 and found[0].low.shape == (MOST_CHANNELS, 47)
    quiet = traces(sources, times, [np.zeros(length) for length in lengths], 1.0, None)
    assert [each.source for each in quiet] == [sources.items[0].key]


def test_what_is_kept_is_small_and_comes_back() -> None:
    lengths = [20_000]
    found = traces(walks(lengths, 8), [np.arange(20_000.0)], scores(lengths), 2.0, [np.ones(20_000)])
    table = AnomalyTable(0.99, "", 3, 1, (AnomalyRow("surprise", "cpc", 2.0, 0.01),), found)
    content = json.loads(json.dumps(table.to_json()))
    assert len(json.dumps(content)) < 120_000
    again = AnomalyTable.from_json(content)
    assert again.to_json() == table.to_json() and again.traces[0].surprise.shape == found[0].surprise.shape
    content.pop("traces")
    assert AnomalyTable.from_json(content).traces == (), "files of an older version still read"
    broken = table.to_json()
    broken["traces"][0]["surprise"] = [1.0]
    with pytest.raises(CPCError, match="trace of 500 bins"):
        AnomalyTable.from_json(broken)
