"""Bounds by picking the positive among N: low variance, and a cap that grows with log N only."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchcpc.contracts import CPCError
from torchcpc.objectives.bounds.matrix import checked, fraction, off_diagonal


def info_nce(score_NN: Tensor) -> Tensor:
    """mean_i( S_ii - log mean_j exp S_ij ), nats: scalar.

    Lower bound in expectation, never above log N; biased low where I nears log N; low variance. Optimum S = log r + a(c), a free.
    Source: van den Oord, Li, Vinyals 2018, eq. 4 and 5 (arXiv:1807.03748); proof Poole et al. 2019 (arXiv:1905.06922).
    """
    score_NN = checked(score_NN)
    return (score_NN.diagonal() - torch.logsumexp(score_NN, dim=1)).mean() + math.log(len(score_NN))


def alpha_cpc(score_NN: Tensor, *, alpha: float = 0.5) -> Tensor:
    """mean_i( S_ii - log[ a/N exp S_ii + (N-a)/(N(N-1)) sum_{j!=i} exp S_ij ] ), nats: scalar.

    NOT a bound for alpha < 1: with the exact ratio it can exceed I. alpha = 1 is InfoNCE. Never above log(N/alpha). Bias: the
    positive's weight is lowered inside each row. Source: Song and Ermon 2020 (arXiv:2007.09852).
    """
    score_NN, alpha = checked(score_NN), fraction(alpha, zero=False)
    positive, others = _weighted(score_NN, alpha)
    return (score_NN.diagonal() - torch.logaddexp(positive, torch.logsumexp(others, dim=1))).mean()


def ml_cpc(score_NN: Tensor, *, alpha: float = 1.0) -> Tensor:
    """mean_i S_ii - log mean_i[ a/N exp S_ii + (N-a)/(N(N-1)) sum_{j!=i} exp S_ij ], nats: scalar.

    Lower bound for alpha from N/(N(N-1)+1) to 1 (outside it an error); one softmax over the whole matrix, so its cap is above
    log N: log(N/alpha). alpha = 1 is looser than InfoNCE on the same scores, since a(c) no longer cancels. Source: Song and Ermon 2020
    (arXiv:2007.09852).
    """
    score_NN = checked(score_NN)
    N = len(score_NN)
    least = N / (N * (N - 1) + 1)
    if not least * (1 - 1e-9) <= alpha <= 1:
        raise CPCError(f"alpha = {alpha}: with {N} pairs ML-CPC is a lower bound from {least:.6g} to 1; choose it there.")
    positive, others = _weighted(score_NN, alpha)
    total = torch.logaddexp(torch.logsumexp(positive, dim=0), torch.logsumexp(others, dim=(0, 1)))
    return score_NN.diagonal().mean() - total + math.log(N)


def _weighted(score_NN: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Log terms of the row sums: the positives' [N] and the others' [N, N-1]."""
    N = len(score_NN)
    positive = score_NN.diagonal() + math.log(alpha / N)
    return positive, off_diagonal(score_NN) + math.log((N - alpha) / (N * (N - 1)))
