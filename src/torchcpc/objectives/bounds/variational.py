"""Unnormalised bounds: the log partition is replaced by a tangent at a baseline a(c). No log of a mean, so no bias, much variance."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchcpc.objectives.bounds.matrix import checked, checked_row, fraction, log_mean_exp, log_mean_exp_off, off_diagonal


def tuba(score_NN: Tensor, log_baseline_N: Tensor) -> Tensor:
    """1 + mean_i( S_ii - log a_i ) - mean_off exp( S_ij - log a_i ), nats: scalar.

    log_baseline_N: log a(c_i), [N] or one number; the tightest is log E_p(x) exp S(x, c). Unbiased lower bound for every S and a
    that do not depend on the batch; no cap; variance of the order e^I.
    Source: Poole et al. 2019 (arXiv:1905.06922).
    """
    score_NN = checked(score_NN)
    shifted_NN = score_NN - checked_row(log_baseline_N, score_NN, "log_baseline")[:, None]
    return 1 + shifted_NN.diagonal().mean() - log_mean_exp_off(shifted_NN).exp()


def nwj(score_NN: Tensor) -> Tensor:
    """mean_i S_ii - e^-1 mean_off exp S, nats: scalar.

    TUBA at a = e. Unbiased lower bound, no cap, huge variance; tight only at S = 1 + log r.
    Source: Nguyen, Wainwright, Jordan 2010 (arXiv:0809.0853).
    """
    score_NN = checked(score_NN)
    return tuba(score_NN, score_NN.new_ones(()))


def interpolated(score_NN: Tensor, log_baseline_N: Tensor, *, alpha: float = 0.5) -> Tensor:
    """I_alpha: TUBA whose baseline is alpha * m + (1 - alpha) * a(c), m a mean of exp S over N-1 candidates, nats: scalar.

    1 + mean_i[ mean_{j!=i} log( exp S_ii / b_i,-j ) - mean_{j!=i} exp S_ij / b_i,-i ], b_i,-j = alpha * mean_{l!=j} exp S_il +
    (1 - alpha) * a_i. So the first term's mean holds the positive beside N-2 others, the second's none, as the proof
    asks. log_baseline_N as in `tuba`. Lower bound in expectation; alpha = 1 is InfoNCE with
    N-1 candidates, 0 is TUBA: bias against variance. Never above 1 + log((N-1)/alpha). Takes N >= 3.
    Source: Poole et al. 2019 (arXiv:1905.06922).
    """
    score_NN, alpha = checked(score_NN, smallest=3), fraction(alpha, zero=True)
    log_a_N = checked_row(log_baseline_N, score_NN, "log_baseline")
    if alpha == 0:
        return tuba(score_NN, log_a_N)
    log_b_NN = log_left_out_mean(score_NN) + math.log(alpha)
    if alpha < 1:
        log_b_NN = torch.logaddexp(log_b_NN, (log_a_N + math.log1p(-alpha))[:, None])
    joint = score_NN.diagonal() - off_diagonal(log_b_NN).mean(dim=1)
    product = log_mean_exp(off_diagonal(score_NN), 1) - log_b_NN.diagonal()
    return 1 + joint.mean() - product.exp().mean()


def log_left_out_mean(score_NN: Tensor) -> Tensor:
    """[i, j]: log mean_{l != j} exp S_il, from sums on either side of j: subtracting exp S_ij would lose all digits where it dominates."""
    left_NN = torch.logcumsumexp(score_NN[:, :-1], dim=1)
    right_NN = torch.logcumsumexp(score_NN[:, 1:].flip(1), dim=1).flip(1)
    middle = torch.logaddexp(left_NN[:, :-1], right_NN[:, 1:])
    # The ends have one side only; an empty sum there (-inf) would make the gradient of logaddexp NaN.
    return torch.cat([right_NN[:, :1], middle, left_NN[:, -1:]], dim=1) - math.log(len(score_NN) - 1)
