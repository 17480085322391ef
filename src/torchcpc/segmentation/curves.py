"""Curves whose peaks are boundaries, and thresholds on the prominence of a peak.

A curve measures how badly a step fits the one before it. No threshold uses a label of a test recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from torchcpc.baselines.speech import RATE_HZ, log_mel
from torchcpc.contracts import CPCError, Encoder, Model
from torchcpc.information.scoring import score_pairs
from torchcpc.representations.embed import SourceSteps
from torchcpc.scores.calibration import Sample
from torchcpc.segmentation.matching import TOLERANCE_S, Counts, Quality, Truth, count


class Curve(NamedTuple):
    """A curve over the P pairs of steps of one source.

    Attributes:
        value_P: The values.
        time_P: The time between the two steps of each pair, in seconds.
    """

    value_P: np.ndarray
    time_P: np.ndarray


class StepTimes(NamedTuple):
    """The times of the steps of an encoder.

    Attributes:
        step_s: The distance of two steps, in seconds.
        centre_s: The centre of what step 0 sees, in seconds.
    """

    step_s: float
    centre_s: float

    @classmethod
    def of(cls, encoder: Encoder, rate: float) -> StepTimes:
        """Return the step times of an encoder.

        A causal step t sees positions up to (t + 1) * stride, so its centre lags by half of the receptive field. With
        the encoder of the paper (29 ms), a change shows 9.5 ms later than in centred frames.
        """
        return cls(encoder.stride / rate, (encoder.stride - encoder.receptive_field / 2) / rate)

    def middles(self, pairs: int, lag: int) -> np.ndarray:
        """Return the times halfway between the centres of steps t and t + lag, for t = 0 .. pairs - 1."""
        return self.centre_s + (np.arange(pairs) + lag / 2) * self.step_s


def _cosine(x_PD: np.ndarray, y_PD: np.ndarray) -> np.ndarray:
    """Return 1 - cosine, from 0 to 2. It is 1 if a vector is zero."""
    norm_P = np.linalg.norm(x_PD, axis=1) * np.linalg.norm(y_PD, axis=1)
    return 1 - (x_PD * y_PD).sum(axis=1) / np.maximum(norm_P, 1e-12)


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "cosine": _cosine,
    "dot": lambda x_PD, y_PD: -(x_PD * y_PD).sum(axis=1),
    # Between neighbouring frames of a log spectrum this is the spectral flux.
    "euclidean": lambda x_PD, y_PD: np.linalg.norm(x_PD - y_PD, axis=1),
}


def dissimilarity(x_TD: np.ndarray, times: StepTimes, *, metric: str, lag: int = 1) -> Curve:
    """Return the dissimilarity of steps t and t + lag, at the time halfway between the two."""
    x_TD = np.asarray(x_TD, dtype=np.float64)
    return Curve(METRICS[metric](x_TD[:-lag], x_TD[lag:]), times.middles(max(len(x_TD) - lag, 0), lag))


def surprise_curve(model: Model, sample: Sample, steps: SourceSteps, times: StepTimes, *, index: int) -> Curve:
    """Return -PMI of (c_t, z_{t+k}) in nats, at the time halfway between steps t and t + k.

    Args:
        model: The model.
        sample: Samples for log Z.
        steps: The steps of one source.
        times: The times of the steps.
        index: The index of the horizon k.
    """
    scored = score_pairs(model, sample, steps, [index])
    pmi_P = scored[0].pmi if scored else np.zeros(0)
    return Curve(-pmi_P, times.middles(len(pmi_P), model.predictor.horizons[index]))


def flux(x_S: np.ndarray, rate: float, *, lag: int = 1) -> Curve:
    """Return the spectral flux: the distance of log-mel frames t and t + lag. Frames have 40 bands and last 25 ms, every
    10 ms.

    Raises:
        CPCError: If this is no recording of one channel at 16 kHz.
    """
    if rate != RATE_HZ or x_S.ndim != 1:
        raise CPCError(
            f"spectral flux takes recordings of one channel at {RATE_HZ} Hz; these are rows of {x_S.shape[1:]} at {rate:g} Hz. Choose "
            "another curve."
        )
    return dissimilarity(log_mel(x_S), StepTimes(0.010, 0.005), metric="euclidean", lag=lag)


class Peaks(NamedTuple):
    """All local maxima of one curve, in order.

    Attributes:
        place: The position in the curve.
        time_s: The time in seconds.
        height: The value of the curve.
        prominence: The prominence.
    """

    place: np.ndarray
    time_s: np.ndarray
    height: np.ndarray
    prominence: np.ndarray

    def above(self, threshold: float) -> Peaks:
        """Return the peaks whose prominence is at least the threshold."""
        kept = self.prominence >= threshold
        return Peaks(*(column[kept] for column in self))


def find(curve: Curve) -> Peaks:
    """Return every local maximum with its prominence.

    The prominence is how far one must go down from a peak before one can go higher (find_peaks of scipy). It depends
    on the shape alone, so a slow drift of the curve moves no boundary.
    """
    from scipy.signal import find_peaks  # 0.5 s to load

    place, found = find_peaks(curve.value_P, prominence=(None, None))
    return Peaks(place, curve.time_P[place], curve.value_P[place], found["prominences"])


def threshold_by_labels(peaks: Sequence[Peaks], truths: Sequence[Truth], *, tolerance_s: float = TOLERANCE_S) -> float:
    """Return the prominence with the highest one-to-one R-value on labelled recordings. The reported recordings are
    others.

    It is one of the prominences found there. 200 are tried, spread evenly over their ranks.
    """

    def r_value(threshold: float) -> float:
        counts = [count(p.above(threshold).time_s, t, tolerance_s) for p, t in zip(peaks, truths, strict=True)]
        return Quality.of(Counts(*map(sum, zip(*counts, strict=True)))).r_value

    ordered = np.unique(_prominences(peaks))
    return max(ordered[np.unique(np.linspace(0, len(ordered) - 1, 200).astype(int))].tolist(), key=r_value)


def threshold_by_quantile(peaks: Sequence[Peaks], quantile: float) -> float:
    """Return the prominence that this share of all local maxima stays below. It needs no labels."""
    return float(np.quantile(_prominences(peaks), quantile))


def threshold_by_rate(peaks: Sequence[Peaks], seconds: float, per_second: float) -> float:
    """Return the prominence that leaves `per_second` boundaries per second. It needs no labels.

    If there are fewer local maxima, all are kept.

    Args:
        peaks: The peaks of all recordings.
        seconds: The length of all recordings.
        per_second: Boundaries per second.
    """
    prominences = np.sort(_prominences(peaks))[::-1]
    return float(prominences[min(max(round(per_second * seconds), 1), len(prominences)) - 1])


def _prominences(peaks: Sequence[Peaks]) -> np.ndarray:
    """Return the prominences of all peaks. Raises CPCError if there are none."""
    joined = np.concatenate([p.prominence for p in peaks]) if peaks else np.zeros(0)
    if not len(joined):
        raise CPCError("no curve has a local maximum: name more or longer sources to choose a threshold from.")
    return joined
