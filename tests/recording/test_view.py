"""The view of one source of every kind of data, against what the run says through its other verbs."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.conformance.worlds import World
from torchcpc.anomalies.detect import AnomalySpec, detect
from torchcpc.api import Run, load
from torchcpc.contracts import CPCError
from torchcpc.recording.result import RecordingView
from torchcpc.recording.view import ViewSpec, view_source


def viewed(run: Run, **view: float) -> RecordingView:
    return view_source(run.trained, None, ViewSpec(smooth=1, samples=61, **view))


def test_a_recording(worlds: Callable[[str], World]) -> None:
    run = load(worlds("audio").run)
    view = viewed(run)
    assert view.axis.name == "second" and view.sound is not None and view.spectrogram is not None
    assert len(view.sound.sample_S) == round(view.axis.last * view.sound.rate) and view.sentences == ()
    first = run.trained.first_disjoint_horizon
    assert [pair.raw.name for pair in view.pmi] == [f"k = {k}" for k in view.timeline.horizons[first:]]
    np.testing.assert_allclose(view.pmi[0].raw.y_P, view.timeline.pmi[first], atol=1e-4)
    np.testing.assert_allclose(view.surprise.raw.y_P, -view.timeline.pmi[first], atol=1e-4)
    # Ten boundaries a second, or all peaks where there are fewer.
    assert 0 < len(view.boundaries) <= 10 * view.axis.last and np.isnan(view.threshold)
    part = viewed(run, start=0.1, end=0.3, rate=5.0)
    assert (part.axis.first, part.axis.last) == (0.1, 0.3) and part.sound is not None
    rate = part.sound.rate
    np.testing.assert_array_equal(part.sound.sample_S, view.sound.sample_S[round(0.1 * rate) : round(0.3 * rate)])
    assert set(part.boundaries) <= set(view.boundaries)
    inside = (view.pmi[0].raw.x_P >= 0.1) & (view.pmi[0].raw.x_P < 0.3)
    np.testing.assert_array_equal(part.pmi[0].raw.y_P, view.pmi[0].raw.y_P[inside])


def test_a_series_with_the_alarms_of_the_command(worlds: Callable[[str], World]) -> None:
    run = load(worlds("series").run)
    view = viewed(run, quantile=0.6)
    assert [trace.name for trace in view.signal] == ["a", "b", "c"] and view.sound is None
    sources, indices, _ = run.trained.evaluated()
    number = max(indices, key=sources.length)
    table, (rows,) = detect(run.trained, sources.select([number]), AnomalySpec(quantile=0.6))
    assert view.threshold == table.rows[0].threshold
    np.testing.assert_allclose(view.surprise.raw.y_P, rows["score"])
    alarm = np.asarray(rows["alarm"])
    assert alarm.any() and len(view.alarms) == int((np.diff(np.r_[0, alarm.astype(int)]) > 0).sum())
    np.testing.assert_array_equal(view.signal[0].y_P, sources.read(number, 0, len(alarm))[:, 0])


def test_a_text_bears_the_surprise_of_each_sentence(worlds: Callable[[str], World]) -> None:
    run = load(worlds("text").run)
    view = viewed(run, start=3, end=17)
    assert (view.axis.name, view.axis.first, view.axis.last) == ("sentence", 2.5, 17.5) and view.signal == ()
    assert len(view.sentences) == 15
    np.testing.assert_allclose([surprise for _, surprise in view.sentences], -view.timeline.pmi[0, 2:17], atol=1e-4)
    np.testing.assert_allclose(view.surprise.raw.y_P, [surprise for _, surprise in view.sentences])


def test_rows_without_a_clock_and_pictures(worlds: Callable[[str], World]) -> None:
    view = viewed(load(worlds("synthetic").run))
    assert view.axis.name == "row" and view.alarms == () and view.signal[0].name == "value 0"
    with pytest.raises(CPCError, match="no single timeline"):
        viewed(load(worlds("images").run))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"start": -1.0}, "start = -1"),
        ({"start": 3.0, "end": 2.0}, "end = 2"),
        ({"quantile": 1.0}, "quantile = 1"),
        ({"rate": 0.0}, "rate = 0"),
    ],
)
def test_impossible_stretches_are_refused(spec: dict[str, float], words: str) -> None:
    with pytest.raises(CPCError, match=words):
        ViewSpec(**spec)
