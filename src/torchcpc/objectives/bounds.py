"""Estimates of mutual information from a score matrix S[i, j] = F(x_j, c_i).

Rows are contexts, columns are candidates, and the diagonal holds the positives. Each function of BOUNDS takes S first
and returns a scalar in nats. Maximise it, or minimise it if it is an upper bound. All raise CPCError unless the
scores are finite, square and of enough pairs. In the formulas, mean_off is the mean over all i != j, and r is the
density ratio.

Sources:

- InfoNCE: van den Oord, Li, Vinyals 2018, eq. 4 and 5 (arXiv:1807.03748).
- Its proof, TUBA, I_alpha, JS in value, leave-one-out: Poole et al. 2019 (arXiv:1905.06922).
- alpha-CPC, ML-CPC: Song and Ermon 2020 (arXiv:2007.09852).
- SMILE: Song and Ermon 2020 (arXiv:1910.06222).
- FLO: Guo et al. 2022 (arXiv:2107.01131).
- DV: Donsker and Varadhan 1983.
- MINE: Belghazi et al. 2018 (arXiv:1801.04062).
- NWJ: Nguyen, Wainwright, Jordan 2010 (arXiv:0809.0853).
- JS as objective: Nowozin et al. 2016 (arXiv:1606.00709), Hjelm et al. 2019 (arXiv:1808.06670).
- CLUB: Cheng et al. 2020 (arXiv:2006.12013).
"""

import math
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import torch
from torch import Tensor
from torch.nn.functional import softplus

from torchcpc.contracts import CPCError

P = ParamSpec("P")
Bound = Callable[Concatenate[Tensor, P], Tensor]
BOUNDS: dict[str, Callable[..., Tensor]] = {}


def bound(formula: Bound[P]) -> Bound[P]:
    """Add a formula to BOUNDS under its name, with the check of the scores in front."""

    @wraps(formula)
    def of_checked(score_NN: Tensor, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        return formula(checked(score_NN), *args, **kwargs)

    BOUNDS[formula.__name__] = of_checked
    return of_checked


@bound
def infonce(score_NN: Tensor) -> Tensor:
    """Lower bound InfoNCE.

    The formula is::

        mean_i( S_ii - log mean_j exp S_ij )

    It is a lower bound in expectation and never exceeds log N. It is too low where I is close to log N. The variance
    is low. The optimum is S = log r + a(c) with any function a.
    """
    return (score_NN.diagonal() - torch.logsumexp(score_NN, dim=1)).mean() + math.log(len(score_NN))


@bound
def alpha_cpc(score_NN: Tensor, *, alpha: float = 0.5) -> Tensor:
    """InfoNCE with a smaller weight alpha on the positive in the denominator.

    The formula is::

        mean_i( S_ii - log[ a/N exp S_ii + (N-a)/(N(N-1)) sum_{j!=i} exp S_ij ] )

    For alpha < 1 it is not a bound: with the exact ratio it can exceed I. alpha = 1 is InfoNCE. It never exceeds
    log(N/alpha).

    Args:
        score_NN: The scores in nats.
        alpha: The weight, above 0 and up to 1.

    Raises:
        CPCError: If `alpha` is out of range, or the scores are unsuited.
    """
    if not 0 < alpha <= 1:
        raise CPCError(f"alpha = {alpha}: choose it above 0 and up to 1.")
    positive, others = _weighted(score_NN, alpha)
    return (score_NN.diagonal() - torch.logaddexp(positive, torch.logsumexp(others, dim=1))).mean()


@bound
def ml_cpc(score_NN: Tensor, *, alpha: float = 1.0) -> Tensor:
    """Lower bound ML-CPC, with one softmax over the whole matrix.

    The formula is::

        mean_i S_ii - log mean_i[ a/N exp S_ii + (N-a)/(N(N-1)) sum_{j!=i} exp S_ij ]

    It never exceeds log(N/alpha), which is above log N. With alpha = 1 it is looser than InfoNCE on the same scores,
    because a(c) no longer cancels.

    Args:
        score_NN: The scores in nats.
        alpha: The weight, from N/(N(N-1)+1) to 1. Other values raise CPCError, because the bound does not hold there.
    """
    N = len(score_NN)
    least = N / (N * (N - 1) + 1)
    if not least * (1 - 1e-9) <= alpha <= 1:
        raise CPCError(f"alpha = {alpha}: with {N} pairs ML-CPC is a lower bound from {least:.6g} to 1; choose it there.")
    positive, others = _weighted(score_NN, alpha)
    total = torch.logaddexp(torch.logsumexp(positive, dim=0), torch.logsumexp(others, dim=(0, 1)))
    return score_NN.diagonal().mean() - total + math.log(N)


@bound
def flo(score_NN: Tensor, u_N: Tensor) -> Tensor:
    """Lower bound FLO, with a learned u(x, c).

    The formula is::

        1 - mean_i( u_i + exp( -u_i - S_ii ) mean_{j!=i} exp S_ij )

    It is a lower bound for every u. It has no log of a mean, so it is unbiased, and it has no ceiling. Any a(c)
    cancels. The variance is below that of NWJ where u fits, and large where it does not.

    Args:
        score_NN: The scores in nats.
        u_N: u(x_i, c_i), learned together with the critic. Its optimum is -(S_ii - log E_p(x) exp S) = -PMI.
    """
    u_N = checked_row(u_N, score_NN, "u")
    contrast_N = log_mean_off(score_NN, (1,)) - score_NN.diagonal()
    return 1 - (u_N + (contrast_N - u_N).exp()).mean()


@bound
def dv(score_NN: Tensor) -> Tensor:
    """Donsker-Varadhan estimate.

    The formula is::

        mean_i S_ii - log mean_off exp S

    It is a lower bound in the population, tight at S = log r + constant. On a batch the log of a sample mean biases
    it upwards, so the value is no bound. The variance is high, at least (e^I - 1)/n.
    """
    return score_NN.diagonal().mean() - log_mean_off(score_NN)


@bound
def mine(score_NN: Tensor, log_average: Tensor | float | None = None) -> Tensor:
    """Return the value of `dv` with the gradient of MINE.

    The gradient is that of::

        mean_i S_ii - mean_off exp S / average

    The gradient of the log of a batch mean is biased. A moving average in the denominator reduces this. Bias and
    variance of the value are those of `dv`. Training is unstable where the target is easy.

    Args:
        score_NN: The scores in nats.
        log_average: The log of the moving average that `moving_log_average` returned for this batch. None: this batch
            alone, which has the gradient of `dv`.

    Raises:
        CPCError: If `log_average` is not one finite number, or the scores are unsuited.
    """
    log_mean, diagonal = log_mean_off(score_NN), score_NN.diagonal().mean()
    if log_average is None:
        return diagonal - log_mean
    denominator = torch.as_tensor(log_average).to(score_NN).detach()
    if denominator.ndim or not torch.isfinite(denominator):
        raise CPCError(f"log_average = {log_average}: one finite number is expected; begin with None and moving_log_average.")
    return valued(diagonal - log_mean, diagonal - (log_mean - denominator).exp())


def moving_log_average(score_NN: Tensor, log_average: Tensor | None = None, *, decay: float = 0.99) -> Tensor:
    """Update the moving average of exp S that `mine` takes. It has no gradient, and the caller keeps it.

    The formula is::

        log( decay * average + (1 - decay) * mean_off exp S )

    Args:
        score_NN: The scores in nats.
        log_average: The log of the average so far. None: before the first batch, which gives the mean of that batch.
        decay: The weight of the average so far, from 0 to below 1.

    Returns:
        The log of the new average, a scalar.

    Raises:
        CPCError: If `decay` is out of range, or the scores are unsuited.
    """
    if not 0 <= decay < 1:
        raise CPCError(f"decay = {decay}: choose it from 0 (this batch only) to below 1.")
    log_mean = log_mean_off(checked(score_NN)).detach()
    if log_average is None or decay == 0:
        return log_mean
    return torch.logaddexp(log_average.to(log_mean) + math.log(decay), log_mean + math.log1p(-decay))


def js_objective(score_NN: Tensor) -> Tensor:
    """Jensen-Shannon objective: it classifies joint pairs against product pairs.

    The formula is::

        mean_i -softplus(-S_ii) - mean_off softplus(S)

    It is at most 0, and not an estimate of I. Positives and negatives weigh the same, so its optimum is S = log r
    itself.
    """
    score_NN = checked(score_NN)
    return -softplus(-score_NN.diagonal()).mean() - softplus(off_diagonal(score_NN)).mean()


@bound
def js(score_NN: Tensor) -> Tensor:
    """Return the value of NWJ at S + 1, with the gradient of `js_objective`.

    The value is::

        1 + mean_i S_ii - mean_off exp S

    It is a lower bound for any critic, without a ceiling. Training is stable, but the value has the variance of NWJ.
    """
    return valued(nwj(score_NN + 1), js_objective(score_NN))


@bound
def smile(score_NN: Tensor, *, clip: float = 5.0) -> Tensor:
    """SMILE estimate: DV with clipped scores in the denominator, and the gradient of `js_objective`.

    The value is::

        mean_i S_ii - log mean_off exp clip(S, -clip, clip)

    It is not a bound. Clipping limits the variance of the partition and biases it. For a well-trained critic the
    value becomes too high. clip = inf gives the value of `dv`.

    Args:
        score_NN: The scores in nats.
        clip: The largest score in nats, above 0.

    Raises:
        CPCError: If `clip` is not above 0, or the scores are unsuited.
    """
    if not clip > 0:
        raise CPCError(f"clip = {clip}: choose it above 0 nats.")
    return valued(score_NN.diagonal().mean() - log_mean_off(score_NN.clamp(-clip, clip)), js_objective(score_NN))


@bound
def tuba(score_NN: Tensor, log_baseline_N: Tensor) -> Tensor:
    """Lower bound TUBA, with a baseline a(c).

    The formula is::

        1 + mean_i( S_ii - log a_i ) - mean_off exp( S_ij - log a_i )

    It is an unbiased lower bound for all S and a that do not depend on the batch. It has no ceiling. The variance is
    of the order e^I.

    Args:
        score_NN: The scores in nats.
        log_baseline_N: log a(c_i), [N] or one number. The tightest is log E_p(x) exp S(x, c).
    """
    shifted_NN = score_NN - checked_row(log_baseline_N, score_NN, "log_baseline")[:, None]
    return 1 + shifted_NN.diagonal().mean() - log_mean_off(shifted_NN).exp()


@bound
def nwj(score_NN: Tensor) -> Tensor:
    """Lower bound NWJ, which is TUBA with a = e.

    The formula is::

        mean_i S_ii - e^-1 mean_off exp S

    It is unbiased and has no ceiling, but the variance is huge. It is tight only at S = 1 + log r.
    """
    return tuba(score_NN, score_NN.new_ones(()))


@bound
def interpolated(score_NN: Tensor, log_baseline_N: Tensor, *, alpha: float = 0.5) -> Tensor:
    """Lower bound I_alpha, which interpolates between InfoNCE and TUBA.

    The formula is::

        1 + mean_i[ mean_{j!=i} log( exp S_ii / b_i,-j ) - mean_{j!=i} exp S_ij / b_i,-i ]
        b_i,-j = alpha * mean_{l!=j} exp S_il + (1 - alpha) * a_i

    The mean in the first term holds the positive and N-2 other candidates. The mean in the second term holds no
    positive, as the proof requires. It is a lower bound in expectation. alpha = 1 is InfoNCE with N-1 candidates, and
    alpha = 0 is TUBA. So alpha trades bias against variance. It never exceeds 1 + log((N-1)/alpha), and needs N >= 3.

    Args:
        score_NN: The scores in nats.
        log_baseline_N: log a(c_i), as in `tuba`.
        alpha: The weight of InfoNCE, from 0 to 1.

    Raises:
        CPCError: If `alpha` is out of range, or the scores are unsuited.
    """
    if not 0 <= alpha <= 1:
        raise CPCError(f"alpha = {alpha}: choose it from 0 and up to 1.")
    score_NN = checked(score_NN, smallest=3)
    log_a_N = checked_row(log_baseline_N, score_NN, "log_baseline")
    if alpha == 0:
        return tuba(score_NN, log_a_N)
    # [i, j]: log mean_{l != j} exp S_il, from the sums on both sides of j. Subtracting exp S_ij would lose all digits where it
    # dominates.
    left_NN = torch.logcumsumexp(score_NN[:, :-1], dim=1)
    right_NN = torch.logcumsumexp(score_NN[:, 1:].flip(1), dim=1).flip(1)
    middle = torch.logaddexp(left_NN[:, :-1], right_NN[:, 1:])
    # The ends have one side only. An empty sum there (-inf) would make the gradient of logaddexp NaN.
    left_out_NN = torch.cat([right_NN[:, :1], middle, left_NN[:, -1:]], dim=1) - math.log(len(score_NN) - 1)
    log_b_NN = left_out_NN + math.log(alpha)
    if alpha < 1:
        log_b_NN = torch.logaddexp(log_b_NN, (log_a_N + math.log1p(-alpha))[:, None])
    joint = score_NN.diagonal() - off_diagonal(log_b_NN).mean(dim=1)
    product = log_mean_off(score_NN, (1,)) - log_b_NN.diagonal()
    return 1 + joint.mean() - product.exp().mean()


@bound
def leave_one_out(score_NN: Tensor) -> Tensor:
    """Upper bound leave-one-out, for scores S[i, j] = log p(x_j | c_i) up to a function of x_j.

    The formula is::

        mean_i( log p(x_i|c_i) - log mean_{j!=i} p(x_i|c_j) )

    It is an upper bound in expectation if p is the true conditional density. For a learned critic it is no bound.
    Bias and variance grow like e^I / N. The inner mean is over contexts, which is over a column of S.
    """
    return (score_NN.diagonal() - log_mean_off(score_NN.T, (1,))).mean()


@bound
def club(score_NN: Tensor) -> Tensor:
    """Upper bound CLUB, for scores as in `leave_one_out`.

    The formula is::

        mean_i log q(x_i|c_i) - mean_off log q(x_j|c_i)

    It is an upper bound only if q is the true conditional density or close to it. The variance is low. It has no log
    of a mean, so at strong dependence it exceeds I by far. It is made to be minimised.
    """
    return score_NN.diagonal().mean() - off_diagonal(score_NN).mean()


def checked(score_NN: Tensor, *, smallest: int = 2) -> Tensor:
    """Return the scores in float32 or float64.

    Args:
        score_NN: The scores.
        smallest: The least number of pairs.

    Raises:
        CPCError: If they are not finite, not square, or of too few pairs.
    """
    if score_NN.ndim != 2 or score_NN.shape[0] != score_NN.shape[1]:
        raise CPCError(
            f"scores of shape {tuple(score_NN.shape)}: a bound takes [N, N], rows contexts, columns candidates, positives on the "
            "diagonal; score every context with every candidate of the batch."
        )
    if len(score_NN) < smallest:
        raise CPCError(f"{len(score_NN)} pairs: this bound compares at least {smallest}; use a larger batch.")
    if not score_NN.is_floating_point() or not torch.isfinite(score_NN).all():
        raise CPCError("scores must be finite floats in nats; look for the overflow or the integers in the critic.")
    return score_NN.float() if score_NN.dtype in (torch.float16, torch.bfloat16) else score_NN


def checked_row(value_N: Tensor, score_NN: Tensor, name: str) -> Tensor:
    """Return one number per context, with the type of the scores. A scalar counts for all contexts.

    Raises:
        CPCError: If the shape is another one, or a number is not finite.
    """
    if value_N.shape not in ((), (len(score_NN),)) or not torch.isfinite(value_N).all():
        raise CPCError(f"{name} of shape {tuple(value_N.shape)}: give one finite number for each of {len(score_NN)} contexts.")
    return value_N.to(score_NN).expand(len(score_NN))


def off_diagonal(score_NN: Tensor) -> Tensor:
    """Return the matrix without its diagonal, [N, N-1]."""
    N = len(score_NN)
    # In the flat layout, every diagonal element except the first starts a stretch of N+1.
    return score_NN.flatten()[1:].view(N - 1, N + 1)[:, :-1].reshape(N, N - 1)


def log_mean_off(score_NN: Tensor, dim: tuple[int, ...] = (0, 1)) -> Tensor:
    """Return the log of the mean of exp S off the diagonal.

    With dim (0, 1) it is a scalar over all pairs. With dim (1,) it is [N], one number per row.
    """
    others = off_diagonal(score_NN)
    return others.logsumexp(dim) - math.log(math.prod(others.shape[d] for d in dim))


def valued(value: Tensor, objective: Tensor) -> Tensor:
    """Return the number of `value` with the gradient of `objective`. Some bounds train with another formula than they
    evaluate.
    """
    return value.detach() + (objective - objective.detach())


def _weighted(score_NN: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Return the log terms of the row sums: [N] of the positives and [N, N-1] of the others."""
    N = len(score_NN)
    positive = score_NN.diagonal() + math.log(alpha / N)
    return positive, off_diagonal(score_NN) + math.log((N - alpha) / (N * (N - 1)))
