"""The parts of a view against numbers that are known: thinned curves, a tone in a spectrogram, positions on an axis."""

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.encoders import VectorEncoder, WaveformEncoder
from torchcpc.recording.axis import Clock, Shown
from torchcpc.recording.spectrogram import MOST_COLUMNS, spectrogram
from torchcpc.recording.thin import trace


def test_a_thinned_curve_keeps_every_peak_where_it_was() -> None:
    rng = np.random.default_rng(0)
    x_P, y_P = np.arange(10_007) / 7, rng.normal(size=10_007)
    y_P[[37, 5003, 9999]] = 50, -50, 70
    y_P[2000:2500] = np.nan
    found = trace("a", x_P, y_P, 401)
    assert len(found.x_P) <= 401 and (np.diff(found.x_P) >= 0).all() and found.per_point == 25.5
    for place in (37, 5003, 9999):
        assert y_P[place] in found.y_P[found.x_P == x_P[place]]
    # Every point is one of the curve's own, and the gap stays.
    assert np.isin(found.x_P, x_P).all()
    own = dict(zip(x_P.tolist(), y_P.tolist(), strict=True))
    np.testing.assert_array_equal(found.y_P, [own[x] for x in found.x_P.tolist()])
    inside = (found.x_P > 2060 / 7) & (found.x_P < 2440 / 7)
    assert inside.any() and np.isnan(found.y_P[inside]).all()
    same = trace("a", x_P[:401], y_P[:401], 401)
    assert same.per_point == 1 and same.y_P is not y_P and len(same.x_P) == 401


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_tone_shows_at_its_frequency_and_its_time(rate: int) -> None:
    t_S = np.arange(3 * rate) / rate
    sample_S = (1e-4 * np.random.default_rng(0).normal(size=len(t_S))).astype(np.float32)
    heard = (t_S > 1) & (t_S < 2)
    sample_S[heard] += np.sin(2 * np.pi * 1500 * t_S[heard]).astype(np.float32)
    found = spectrogram(sample_S, rate)
    F, T = found.level_FT.shape
    assert F <= 128 and T == pytest.approx(298, abs=2) and found.step_s == pytest.approx(0.01, rel=0.01)
    hertz = (found.level_FT[:, 150].argmax() + 0.5) * found.top_hz / F
    assert hertz == pytest.approx(1500, abs=1.5 * found.top_hz / F)
    loud_T = found.level_FT.max(axis=0) > 200
    assert loud_T[105:190].all() and not loud_T[:90].any() and not loud_T[210:].any()


def test_a_long_recording_has_no_more_columns_and_a_short_one_has_one() -> None:
    long = spectrogram(np.zeros(8000 * 170, np.float32), 8000)
    assert long.level_FT.shape[1] <= MOST_COLUMNS and long.step_s > 0.01
    assert spectrogram(np.ones(31, np.float32), 8000).level_FT.shape[1] == 1


def test_steps_of_a_recording_stand_at_the_middle_of_what_they_see() -> None:
    encoder = WaveformEncoder(channels=3)
    shown = Shown.of(Clock("second", 16_000), 16_000, encoder, 0.25, 0.5, None)
    step_T, x_T = shown.steps(100)
    assert (shown.axis.first, shown.axis.last) == (0.25, 0.5)
    np.testing.assert_allclose(x_T, ((step_T + 1) * encoder.stride - encoder.receptive_field / 2) / 16_000)
    assert ((x_T >= 0.25) & (x_T < 0.5)).all() and len(x_T) == 25


def test_sentences_are_numbered_from_one_and_rows_from_zero() -> None:
    one = VectorEncoder(features=2, dim=3, hidden=5)
    sentences = Shown.of(Clock("sentence", 1.0), 31, one, 5, 11, None)
    assert (sentences.first, sentences.last) == (4, 11)
    np.testing.assert_array_equal(sentences.steps(31)[1], np.arange(5, 12))
    # A boundary after the fifth sentence lies between numbers 5 and 6.
    assert sentences.within(np.array([5.0])).tolist() == [5.5]
    rows = Shown.of(Clock("row", 1.0), 31, one, 5, 11, None)
    np.testing.assert_array_equal(rows.steps(31)[1], np.arange(5, 11))
    np.testing.assert_array_equal(rows.rows(), np.arange(5, 11))
    assert rows.stretches(np.array([0, 1, 1, 0, 0, 1], bool)) == ((5.5, 7.5), (9.5, 10.5))


def test_stamped_rows_stand_at_their_times_gaps_too() -> None:
    stamp_S = np.r_[np.arange(7.0), np.arange(100.0, 113.0)] + 1.7e9
    shown = Shown.of(Clock("date", 1.0, stamp_S), 20, VectorEncoder(features=2, dim=3, hidden=5), 2, 105, None)
    assert (shown.first, shown.last) == (2, 12)
    np.testing.assert_array_equal(shown.steps(20)[1], stamp_S[2:12])
    np.testing.assert_array_equal(shown.rows(), stamp_S[2:12])


def test_what_is_cut_is_said_and_what_is_empty_is_refused() -> None:
    one = VectorEncoder(features=2, dim=3, hidden=5)
    shown = Shown.of(Clock("sentence", 1.0), 101, one, 20, None, 31)
    assert (shown.first, shown.last) == (19, 50) and "sentences 20 to 50 of 101" in shown.note
    for start, end in ((200, None), (None, 0.5), (7.0, 7.4)):
        with pytest.raises(CPCError, match="fewer than two steps"):
            Shown.of(Clock("row", 1.0), 101, one, start, end, None)
