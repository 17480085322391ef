"""What every bound on a score matrix begins with: the checks, and means over the pairs that do not belong together."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchcpc.contracts import CPCError


def checked(score_NN: Tensor, *, smallest: int = 2) -> Tensor:
    """The scores in float32 at least. Raises CPCError unless they are finite, square and of `smallest` pairs or more."""
    if score_NN.ndim != 2 or score_NN.shape[0] != score_NN.shape[1]:
        raise CPCError(
            f"scores of shape {tuple(score_NN.shape)}: a bound takes [N, N], rows contexts, columns candidates, positives on the "
            "diagonal; score every context with every candidate of the batch."
        )
    if len(score_NN) < smallest:
        raise CPCError(f"{len(score_NN)} pairs: this bound compares at least {smallest}; use a larger batch.")
    if not score_NN.is_floating_point() or not torch.isfinite(score_NN).all():
        raise CPCError(
            "scores must be finite floating-point numbers in nats; look for the overflow or the integers in the critic."
        )
    return score_NN.float() if score_NN.dtype in (torch.float16, torch.bfloat16) else score_NN


def checked_row(value_N: Tensor, score_NN: Tensor, name: str) -> Tensor:
    """One number per context (a scalar is one for all), in the type of the scores. Raises CPCError for anything else."""
    if value_N.shape not in ((), (len(score_NN),)) or not torch.isfinite(value_N).all():
        raise CPCError(
            f"{name} of shape {tuple(value_N.shape)}: give one finite number for each of the {len(score_NN)} contexts."
        )
    return value_N.to(score_NN).expand(len(score_NN))


def fraction(alpha: float, *, zero: bool) -> float:
    if not (0 <= alpha <= 1 and (zero or alpha > 0)):
        raise CPCError(f"alpha = {alpha}: choose it {'from' if zero else 'above'} 0 and up to 1.")
    return alpha


def off_diagonal(score_NN: Tensor) -> Tensor:
    """Row i without its column i: [N, N-1]."""
    N = len(score_NN)
    # Laid out flat, every diagonal element but the first starts a stretch of N+1.
    return score_NN.flatten()[1:].view(N - 1, N + 1)[:, :-1].reshape(N, N - 1)


def log_mean_exp(score: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    dims = (dim,) if isinstance(dim, int) else dim
    return torch.logsumexp(score, dim) - math.log(math.prod(score.shape[d] for d in dims))


def log_mean_exp_off(score_NN: Tensor) -> Tensor:
    """log of the mean of exp S over all pairs off the diagonal: scalar."""
    return log_mean_exp(off_diagonal(score_NN), (0, 1))


def valued(value: Tensor, objective: Tensor) -> Tensor:
    """The number of `value` with the gradient of `objective`: where training and evaluation are different formulas."""
    return value.detach() + (objective - objective.detach())
