"""From a matrix of scores to log density ratios of its positives: the diagonal less the log-partition of its row and column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Pointwise:
    """ratio_N: calibrated log p(x_i, y_i) / p(x_i) p(y_i) in nats; infonce: log N - loss of the same matrix, a lower bound;
    effective_N: how many equal candidates the log partition of the row or of the column rests on, the fewer of the two."""

    ratio_N: np.ndarray
    infonce: float
    effective_N: np.ndarray


def pointwise(score_NN: Tensor) -> Pointwise:
    """Log ratios of the diagonal of a square score matrix, mean of both directions.

    log Z_i = log E exp F(x_i, y) over the other candidates, the positive left out: with it, the estimate is capped at log N; without
    it, log of a mean is too small by half its relative variance, which is taken off to first order (the delta method). Both
    the score's offset a(x) and its offset b(y) drop out of one direction and are averaged over the other.
    """
    N = len(score_NN)
    positive_N = score_NN.diagonal().clone()
    others_NN = score_NN.clone()
    others_NN.fill_diagonal_(-torch.inf)
    ratio_N, infonce = torch.zeros_like(positive_N, dtype=torch.float64), 0.0
    effective_N = torch.full_like(ratio_N, torch.inf)
    for dim in (0, 1):
        top = others_NN.amax(dim, keepdim=True)
        share_NN = (others_NN - top).exp_()
        total_N = share_NN.sum(dim, dtype=torch.float64)
        log_sum_N = total_N.log() + top.squeeze(dim)
        relative_variance_N = (N - 1) * share_NN.square_().sum(dim, dtype=torch.float64) / total_N**2 - 1
        log_z_N = log_sum_N - np.log(N - 1) + 0.5 * relative_variance_N / (N - 1)
        effective_N = torch.minimum(effective_N, (N - 1) / (1 + relative_variance_N))
        ratio_N += (positive_N - log_z_N) / 2
        infonce += float((positive_N - torch.logaddexp(log_sum_N, positive_N.double()) + np.log(N)).mean()) / 2
    return Pointwise(ratio_N.numpy(), infonce, effective_N.numpy())
