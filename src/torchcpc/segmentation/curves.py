"""Curves whose peaks are boundaries, how little a step fits the one before it; and how prominent a peak must be.

The ways to choose the prominence ask for no label of a test recording.
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
    """value_P of the pairs of steps of one source, and where between the two each pair lies, time_P in seconds."""

    value_P: np.ndarray
    time_P: np.ndarray


class StepTimes(NamedTuple):
    """When the steps of an encoder are, in seconds: their distance, and the centre of what step 0 sees."""

    step_s: float
    centre_s: float

    @classmethod
    def of(cls, encoder: Encoder, rate: float) -> StepTimes:
        """A causal step t sees up to (t + 1) * stride, so its centre lags by half of the receptive field. With the paper's encoder (29 ms)
        a change shows 9.5 ms after it would in centred frames."""
        return cls(encoder.stride / rate, (encoder.stride - encoder.receptive_field / 2) / rate)

    def middles(self, pairs: int, lag: int) -> np.ndarray:
        """Times halfway between the centres of steps t and t + lag, for t = 0 .. pairs - 1."""
        return self.centre_s + (np.arange(pairs) + lag / 2) * self.step_s


def _cosine(x_PD: np.ndarray, y_PD: np.ndarray) -> np.ndarray:
    """1 - cosine: from 0 to 2; 1 beside a vector of zeros."""
    norm_P = np.linalg.norm(x_PD, axis=1) * np.linalg.norm(y_PD, axis=1)
    return 1 - (x_PD * y_PD).sum(axis=1) / np.maximum(norm_P, 1e-12)


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "cosine": _cosine,
    "dot": lambda x_PD, y_PD: -(x_PD * y_PD).sum(axis=1),
    # Between neighbouring frames of a log spectrum this is the spectral flux.
    "euclidean": lambda x_PD, y_PD: np.linalg.norm(x_PD - y_PD, axis=1),
}


def dissimilarity(x_TD: np.ndarray, times: StepTimes, *, metric: str, lag: int = 1) -> Curve:
    """Of steps t and t + lag, at the middle of the two."""
    x_TD = np.asarray(x_TD, dtype=np.float64)
    return Curve(METRICS[metric](x_TD[:-lag], x_TD[lag:]), times.middles(max(len(x_TD) - lag, 0), lag))


def surprise_curve(model: Model, sample: Sample, steps: SourceSteps, times: StepTimes, *, index: int) -> Curve:
    """-PMI of (c_t, z_{t+k}) in nats for horizon `index` of the model, at the middle of steps t and t + k."""
    scored = score_pairs(model, sample, steps, [index])
    pmi_P = scored[0].pmi if scored else np.zeros(0)
    return Curve(-pmi_P, times.middles(len(pmi_P), model.predictor.horizons[index]))


def flux(x_S: np.ndarray, rate: float, *, lag: int = 1) -> Curve:
    """Spectral flux: how far the log-mel frames (40 bands, 25 ms, every 10 ms) t and t + lag lie apart. Raises CPCError unless 16 kHz."""
    if rate != RATE_HZ or x_S.ndim != 1:
        raise CPCError(
            f"spectral flux takes recordings of one channel at {RATE_HZ} Hz; these are rows of {x_S.shape[1:]} at {rate:g} Hz. Choose "
            "another curve."
        )
    return dissimilarity(log_mel(x_S), StepTimes(0.010, 0.005), metric="euclidean", lag=lag)


class Peaks(NamedTuple):
    """All local maxima of one curve, in order: place (position in the curve), time in seconds, height, prominence."""

    place: np.ndarray
    time_s: np.ndarray
    height: np.ndarray
    prominence: np.ndarray

    def above(self, threshold: float) -> Peaks:
        """Those at least as prominent as the threshold."""
        kept = self.prominence >= threshold
        return Peaks(*(column[kept] for column in self))


def find(curve: Curve) -> Peaks:
    """Every local maximum with its prominence: how far one must climb down from it before one can climb higher (find_peaks of scipy). A
    rule on prominence sees the shape alone, so a slow drift of the curve moves no boundary."""
    from scipy.signal import find_peaks  # 0.5 s to load

    place, found = find_peaks(curve.value_P, prominence=(None, None))
    return Peaks(place, curve.time_P[place], curve.value_P[place], found["prominences"])


def threshold_by_labels(peaks: Sequence[Peaks], truths: Sequence[Truth], *, tolerance_s: float = TOLERANCE_S) -> float:
    """The prominence with the highest one-to-one R-value on labelled recordings that are not the reported ones. It is one of those found
    there: 200 are tried, spread evenly over their ranks."""

    def r_value(threshold: float) -> float:
        counts = [count(p.above(threshold).time_s, t, tolerance_s) for p, t in zip(peaks, truths, strict=True)]
        return Quality.of(Counts(*map(sum, zip(*counts, strict=True)))).r_value

    ordered = np.unique(_prominences(peaks))
    return max(ordered[np.unique(np.linspace(0, len(ordered) - 1, 200).astype(int))].tolist(), key=r_value)


def threshold_by_quantile(peaks: Sequence[Peaks], quantile: float) -> float:
    """No labels: the prominence that this share of all local maxima stays below."""
    return float(np.quantile(_prominences(peaks), quantile))


def threshold_by_rate(peaks: Sequence[Peaks], seconds: float, per_second: float) -> float:
    """No labels: the prominence that leaves `per_second` boundaries a second, in recordings that last `seconds` together. Where there are
    fewer local maxima than that, all are kept."""
    prominences = np.sort(_prominences(peaks))[::-1]
    return float(prominences[min(max(round(per_second * seconds), 1), len(prominences)) - 1])


def _prominences(peaks: Sequence[Peaks]) -> np.ndarray:
    joined = np.concatenate([p.prominence for p in peaks]) if peaks else np.zeros(0)
    if not len(joined):
        raise CPCError("no curve has a local maximum: name more or longer sources to choose a threshold from.")
    return joined
