"""Estimates of mutual information from a score matrix S[i, j] = F(x_j, c_i): rows contexts, columns candidates, positives on the diagonal.

All of BOUNDS take S first and give a scalar in nats to be maximised (upper bounds: minimised); further arguments are what a bound
cannot do without. All raise CPCError for scores that are not finite, not square or of too few pairs.

Sources (arXiv): InfoNCE van den Oord, Li, Vinyals 2018, eq. 4 and 5 (1807.03748); its proof, TUBA, I_alpha, JS in value and leave-one-out
Poole et al. 2019 (1905.06922); alpha-CPC and ML-CPC Song and Ermon 2020 (2007.09852); SMILE Song and Ermon 2020 (1910.06222); FLO Guo
et al. 2022 (2107.01131); DV Donsker and Varadhan 1983; MINE Belghazi et al. 2018 (1801.04062); NWJ Nguyen, Wainwright, Jordan 2010
(0809.0853); JS as objective Nowozin et al. 2016 (1606.00709), Hjelm et al. 2019 (1808.06670); CLUB Cheng et al. 2020 (2006.12013).
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
    """Enters a formula into BOUNDS by its name, behind the check of the scores."""

    @wraps(formula)
    def of_checked(score_NN: Tensor, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        return formula(checked(score_NN), *args, **kwargs)

    BOUNDS[formula.__name__] = of_checked
    return of_checked


@bound
def infonce(score_NN: Tensor) -> Tensor:
    """mean_i( S_ii - log mean_j exp S_ij ). Lower bound in expectation, never above log N; biased low where I nears log N; low
    variance. Optimum S = log r + a(c), a free."""
    return (score_NN.diagonal() - torch.logsumexp(score_NN, dim=1)).mean() + math.log(len(score_NN))


@bound
def alpha_cpc(score_NN: Tensor, *, alpha: float = 0.5) -> Tensor:
    """mean_i( S_ii - log[ a/N exp S_ii + (N-a)/(N(N-1)) sum_{j!=i} exp S_ij ] ). NOT a bound for alpha < 1: with the exact ratio it
    can exceed I. alpha = 1 is InfoNCE. Never above log(N/alpha). Bias: the positive's weight is lowered inside each row."""
    if not 0 < alpha <= 1:
        raise CPCError(f"alpha = {alpha}: choose it above 0 and up to 1.")
    positive, others = _weighted(score_NN, alpha)
    return (score_NN.diagonal() - torch.logaddexp(positive, torch.logsumexp(others, dim=1))).mean()


@bound
def ml_cpc(score_NN: Tensor, *, alpha: float = 1.0) -> Tensor:
    """mean_i S_ii - log mean_i[ a/N exp S_ii + (N-a)/(N(N-1)) sum_{j!=i} exp S_ij ]. Lower bound for alpha from N/(N(N-1)+1) to 1
    (outside it an error); one softmax over the whole matrix, so its cap is above log N: log(N/alpha). alpha = 1 is looser than
    InfoNCE on the same scores, since a(c) no longer cancels."""
    N = len(score_NN)
    least = N / (N * (N - 1) + 1)
    if not least * (1 - 1e-9) <= alpha <= 1:
        raise CPCError(f"alpha = {alpha}: with {N} pairs ML-CPC is a lower bound from {least:.6g} to 1; choose it there.")
    positive, others = _weighted(score_NN, alpha)
    total = torch.logaddexp(torch.logsumexp(positive, dim=0), torch.logsumexp(others, dim=(0, 1)))
    return score_NN.diagonal().mean() - total + math.log(N)


@bound
def flo(score_NN: Tensor, u_N: Tensor) -> Tensor:
    """1 - mean_i( u_i + exp( -u_i - S_ii ) mean_{j!=i} exp S_ij ). u_N: u(x_i, c_i), learned beside the critic; its optimum is -(S_ii
    - log E_p(x) exp S) = -PMI. Lower bound for every u, unbiased (no log of a mean), no cap; gauge a(c) cancels. Variance below NWJ's
    while u fits, large where it does not."""
    u_N = checked_row(u_N, score_NN, "u")
    contrast_N = log_mean_off(score_NN, (1,)) - score_NN.diagonal()
    return 1 - (u_N + (contrast_N - u_N).exp()).mean()


@bound
def dv(score_NN: Tensor) -> Tensor:
    """mean_i S_ii - log mean_off exp S. Lower bound in the population, tight at S = log r + constant; on a batch the log of a sample
    mean makes it biased upward, so the value is neither. High variance: (e^I - 1)/n at least."""
    return score_NN.diagonal().mean() - log_mean_off(score_NN)


@bound
def mine(score_NN: Tensor, log_average: Tensor | float | None = None) -> Tensor:
    """The value of `dv`; the gradient of mean_i S_ii - mean_off exp S / average. The gradient of a log of a batch mean is biased;
    with a moving average in the denominator (`moving_log_average`, already holding this batch) less so. None: this batch alone, which
    is the gradient of `dv`. Property, bias of the value and variance as `dv`; unstable where the target is easy."""
    log_mean, diagonal = log_mean_off(score_NN), score_NN.diagonal().mean()
    if log_average is None:
        return diagonal - log_mean
    denominator = torch.as_tensor(log_average).to(score_NN).detach()
    if denominator.ndim or not torch.isfinite(denominator):
        raise CPCError(f"log_average = {log_average}: one finite number is expected; begin with None and moving_log_average.")
    return valued(diagonal - log_mean, diagonal - (log_mean - denominator).exp())


def moving_log_average(score_NN: Tensor, log_average: Tensor | None = None, *, decay: float = 0.99) -> Tensor:
    """log( decay * average + (1 - decay) * mean_off exp S ), without gradient: the state that `mine` takes, kept by the caller. None,
    before the first batch, gives that batch's own mean."""
    if not 0 <= decay < 1:
        raise CPCError(f"decay = {decay}: choose it from 0 (this batch only) to below 1.")
    log_mean = log_mean_off(checked(score_NN)).detach()
    if log_average is None or decay == 0:
        return log_mean
    return torch.logaddexp(log_average.to(log_mean) + math.log(decay), log_mean + math.log1p(-decay))


def js_objective(score_NN: Tensor) -> Tensor:
    """mean_i -softplus(-S_ii) - mean_off softplus(S): tells joint from product pairs. At most 0, and not an estimate of I. Its
    optimum is S = log r itself, without gauge, since positives and others weigh equally."""
    score_NN = checked(score_NN)
    return -softplus(-score_NN.diagonal()).mean() - softplus(off_diagonal(score_NN)).mean()


@bound
def js(score_NN: Tensor) -> Tensor:
    """The value of NWJ at S + 1, 1 + mean_i S_ii - mean_off exp S, with the gradient of `js_objective`. Lower bound for any critic;
    no cap; stable to train, but the value keeps NWJ's variance."""
    return valued(nwj(score_NN + 1), js_objective(score_NN))


@bound
def smile(score_NN: Tensor, *, clip: float = 5.0) -> Tensor:
    """mean_i S_ii - log mean_off exp clip(S, -clip, clip), with the gradient of `js_objective`. NOT a bound: clipping bounds the
    variance of the partition and biases it (downward for a well-trained critic, so the value up). clip = inf is `dv` in value."""
    if not clip > 0:
        raise CPCError(f"clip = {clip}: choose it above 0 nats.")
    return valued(score_NN.diagonal().mean() - log_mean_off(score_NN.clamp(-clip, clip)), js_objective(score_NN))


@bound
def tuba(score_NN: Tensor, log_baseline_N: Tensor) -> Tensor:
    """1 + mean_i( S_ii - log a_i ) - mean_off exp( S_ij - log a_i ). log_baseline_N: log a(c_i), [N] or one number; the tightest is log
    E_p(x) exp S(x, c). Unbiased lower bound for every S and a that do not depend on the batch; no cap; variance of the order e^I."""
    shifted_NN = score_NN - checked_row(log_baseline_N, score_NN, "log_baseline")[:, None]
    return 1 + shifted_NN.diagonal().mean() - log_mean_off(shifted_NN).exp()


@bound
def nwj(score_NN: Tensor) -> Tensor:
    """mean_i S_ii - e^-1 mean_off exp S. TUBA at a = e. Unbiased lower bound, no cap, huge variance; tight only at S = 1 + log r."""
    return tuba(score_NN, score_NN.new_ones(()))


@bound
def interpolated(score_NN: Tensor, log_baseline_N: Tensor, *, alpha: float = 0.5) -> Tensor:
    """I_alpha: TUBA whose baseline is alpha * m + (1 - alpha) * a(c), m a mean of exp S over N-1 candidates. 1 + mean_i[ mean_{j!=i}
    log( exp S_ii / b_i,-j ) - mean_{j!=i} exp S_ij / b_i,-i ], b_i,-j = alpha * mean_{l!=j} exp S_il + (1 - alpha) * a_i. So the
    first term's mean holds the positive beside N-2 others, the second's none, as the proof asks. log_baseline_N as in `tuba`. Lower
    bound in expectation; alpha = 1 is InfoNCE with N-1 candidates, 0 is TUBA: bias against variance. Never above 1 +
    log((N-1)/alpha). Takes N >= 3."""
    if not 0 <= alpha <= 1:
        raise CPCError(f"alpha = {alpha}: choose it from 0 and up to 1.")
    score_NN = checked(score_NN, smallest=3)
    log_a_N = checked_row(log_baseline_N, score_NN, "log_baseline")
    if alpha == 0:
        return tuba(score_NN, log_a_N)
    # [i, j]: log mean_{l != j} exp S_il, from sums on either side of j: subtracting exp S_ij would lose all digits where it dominates.
    left_NN = torch.logcumsumexp(score_NN[:, :-1], dim=1)
    right_NN = torch.logcumsumexp(score_NN[:, 1:].flip(1), dim=1).flip(1)
    middle = torch.logaddexp(left_NN[:, :-1], right_NN[:, 1:])
    # The ends have one side only; an empty sum there (-inf) would make the gradient of logaddexp NaN.
    left_out_NN = torch.cat([right_NN[:, :1], middle, left_NN[:, -1:]], dim=1) - math.log(len(score_NN) - 1)
    log_b_NN = left_out_NN + math.log(alpha)
    if alpha < 1:
        log_b_NN = torch.logaddexp(log_b_NN, (log_a_N + math.log1p(-alpha))[:, None])
    joint = score_NN.diagonal() - off_diagonal(log_b_NN).mean(dim=1)
    product = log_mean_off(score_NN, (1,)) - log_b_NN.diagonal()
    return 1 + joint.mean() - product.exp().mean()


@bound
def leave_one_out(score_NN: Tensor) -> Tensor:
    """mean_i( log p(x_i|c_i) - log mean_{j!=i} p(x_i|c_j) ), for scores S[i, j] = log p(x_j | c_i) up to a function of x_j. Upper
    bound in expectation when p is the true conditional density, and nothing for a learned critic; bias and variance grow like e^I /
    N. Note that it averages over contexts (columns of S)."""
    return (score_NN.diagonal() - log_mean_off(score_NN.T, (1,))).mean()


@bound
def club(score_NN: Tensor) -> Tensor:
    """mean_i log q(x_i|c_i) - mean_off log q(x_j|c_i), for scores as in `leave_one_out`. Upper bound only if q is the true conditional
    density or close to it; loose (no log of a mean: by far more than I at strong dependence), of low variance. Made to be minimised."""
    return score_NN.diagonal().mean() - off_diagonal(score_NN).mean()


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
        raise CPCError("scores must be finite floats in nats; look for the overflow or the integers in the critic.")
    return score_NN.float() if score_NN.dtype in (torch.float16, torch.bfloat16) else score_NN


def checked_row(value_N: Tensor, score_NN: Tensor, name: str) -> Tensor:
    """One number per context (a scalar is one for all), in the type of the scores. Raises CPCError for anything else."""
    if value_N.shape not in ((), (len(score_NN),)) or not torch.isfinite(value_N).all():
        raise CPCError(f"{name} of shape {tuple(value_N.shape)}: give one finite number for each of {len(score_NN)} contexts.")
    return value_N.to(score_NN).expand(len(score_NN))


def off_diagonal(score_NN: Tensor) -> Tensor:
    """Row i without its column i: [N, N-1]."""
    N = len(score_NN)
    # Laid out flat, every diagonal element but the first starts a stretch of N+1.
    return score_NN.flatten()[1:].view(N - 1, N + 1)[:, :-1].reshape(N, N - 1)


def log_mean_off(score_NN: Tensor, dim: tuple[int, ...] = (0, 1)) -> Tensor:
    """log of the mean of exp S off the diagonal: over all pairs, scalar, or with (1,) within each row, [N]."""
    others = off_diagonal(score_NN)
    return others.logsumexp(dim) - math.log(math.prod(others.shape[d] for d in dim))


def valued(value: Tensor, objective: Tensor) -> Tensor:
    """The number of `value` with the gradient of `objective`: where training and evaluation are different formulas."""
    return value.detach() + (objective - objective.detach())


def _weighted(score_NN: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Log terms of the row sums: the positives' [N] and the others' [N, N-1]."""
    N = len(score_NN)
    positive = score_NN.diagonal() + math.log(alpha / N)
    return positive, off_diagonal(score_NN) + math.log((N - alpha) / (N * (N - 1)))
