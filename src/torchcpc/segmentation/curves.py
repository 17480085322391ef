"""Curves whose peaks are boundaries: how little a step fits the one before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from torchcpc.information.scoring import Steps
from torchcpc.scores.calibration import Sample


class Curve(NamedTuple):
    """value_P of the pairs of steps of one source, and where between the two each pair lies, time_P in seconds."""

    value_P: np.ndarray
    time_P: np.ndarray


def cosine(x_PD: np.ndarray, y_PD: np.ndarray) -> np.ndarray:
    """1 - cosine: from 0 to 2; 1 beside a vector of zeros."""
    norm_P = np.linalg.norm(x_PD, axis=1) * np.linalg.norm(y_PD, axis=1)
    return 1 - (x_PD * y_PD).sum(axis=1) / np.maximum(norm_P, 1e-12)


def dot(x_PD: np.ndarray, y_PD: np.ndarray) -> np.ndarray:
    """-x . y."""
    return -(x_PD * y_PD).sum(axis=1)


def euclidean(x_PD: np.ndarray, y_PD: np.ndarray) -> np.ndarray:
    """|x - y|; between neighbouring frames of a log spectrum this is the spectral flux."""
    return np.linalg.norm(x_PD - y_PD, axis=1)


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"cosine": cosine, "dot": dot, "euclidean": euclidean}


def dissimilarity(x_TD: np.ndarray, *, metric: str, seconds_per_step: float, centre_s: float, lag: int = 1) -> Curve:
    """Of steps t and t + lag, at the middle of the two. centre_s: where the centre of what step 0 has seen lies in time."""
    x_TD = np.asarray(x_TD, dtype=np.float64)
    return Curve(METRICS[metric](x_TD[:-lag], x_TD[lag:]), middles(max(len(x_TD) - lag, 0), seconds_per_step, centre_s, lag))


@torch.inference_mode()
def surprise(
    model: Any, sample: Sample, steps: Steps, number: int, *, index: int, seconds_per_step: float, centre_s: float
) -> Curve:
    """-PMI of (c_t, z_{t+k}) in nats for horizon `index` of the model, at the middle of steps t and t + k; number: the position of
    the source in the numbers of the sample."""
    k = model.predictor.horizons[index]
    device = sample.z_MD.device
    now = max(len(steps.z_TD) - k, 0)
    p_A1D = model.predictor(steps.c_TC.to(device).unsqueeze(0))[0, :now, index : index + 1]
    source_A, group_A = (torch.full((now,), value, device=device) for value in (number, steps.group))
    score_A: Tensor = (p_A1D[:, 0] * steps.z_TD[k:].to(device)).sum(dim=-1)
    log_z_A = sample(p_A1D, source_A, group_A)[:, 0] if now else score_A
    return Curve((log_z_A - score_A).double().cpu().numpy(), middles(now, seconds_per_step, centre_s, k))


def middles(pairs: int, seconds_per_step: float, centre_s: float, lag: int) -> np.ndarray:
    """Times halfway between the centres of steps t and t + lag, for t = 0 .. pairs - 1."""
    return centre_s + (np.arange(pairs) + lag / 2) * seconds_per_step


def centre_of(encoder: Any, rate: float) -> float:
    """Where the centre of what step 0 of an encoder sees lies, in seconds. A causal step t sees up to (t + 1) * stride, so the centre
    lags by half of the receptive field; with the paper's encoder (29 ms) a change shows 9.5 ms after it would in centred frames."""
    return (encoder.stride - encoder.receptive_field / 2) / rate
