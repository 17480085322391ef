"""Curves whose peaks are boundaries: how little a step fits the one before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from torchcpc.baselines.speech import RATE_HZ, log_mel
from torchcpc.contracts import CPCError, Encoder, Model
from torchcpc.information.scoring import pmi_of_pairs
from torchcpc.representations.embed import SourceSteps
from torchcpc.scores.calibration import Sample


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
        """A causal step t sees up to (t + 1) * stride, so its centre lags by half of the receptive field.

        With the paper's encoder (29 ms) a change shows 9.5 ms after it would in centred frames.
        """
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


def surprise(model: Model, sample: Sample, steps: SourceSteps, number: int, times: StepTimes, *, index: int) -> Curve:
    """-PMI of (c_t, z_{t+k}) in nats for horizon `index` of the model, at the middle of steps t and t + k.

    number: the position of the source in the numbers of the sample.
    """
    pmi_P = pmi_of_pairs(model, sample, steps, number, index)
    return Curve(-pmi_P, times.middles(len(pmi_P), model.predictor.horizons[index]))


def flux(x_S: np.ndarray, rate: float, *, lag: int = 1) -> Curve:
    """Spectral flux: how far the log-mel frames (40 bands, 25 ms, every 10 ms) t and t + lag lie apart. Raises CPCError unless 16 kHz."""
    if rate != RATE_HZ or x_S.ndim != 1:
        raise CPCError(
            f"spectral flux takes recordings of one channel at {RATE_HZ} Hz; these are rows of {x_S.shape[1:]} at {rate:g} Hz. Choose "
            "another curve."
        )
    return dissimilarity(log_mel(x_S), StepTimes(0.010, 0.005), metric="euclidean", lag=lag)
