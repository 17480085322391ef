"""Every row is scored by a critic that never saw it: F critics, each trained on all folds but its own.

A matrix of scores becomes log density ratios of its positives: the diagonal less the log-partition of its row and column.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from torchcpc.contracts import Progress
from torchcpc.mutual.critic import Critic
from torchcpc.mutual.elliptical import Copula, degrees_of_freedom
from torchcpc.mutual.train_critics import CriticSettings, Fold, folds_of, inputs_of, take, train_critics

# Effective candidates below which a log partition is too rough to be read: five pairs of correlation 0.9 came out 0.03 nats too high.
FEW_CANDIDATES = 50


class LogRatios(NamedTuple):
    """ratio_N: calibrated log p(x_i, y_i) / p(x_i) p(y_i) in nats; infonce: log N - loss of the same matrix, a lower bound;
    effective_N: how many equal candidates the log partition of the row or of the column rests on, the fewer of the two."""

    ratio_N: np.ndarray
    infonce: float
    effective_N: np.ndarray


def pointwise(score_NN: Tensor) -> LogRatios:
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
    return LogRatios(ratio_N.numpy(), infonce, effective_N.numpy())


@dataclass(frozen=True, slots=True)
class CrossFit:
    """ratio_N, infonce: log ratios of every row, fold by fold, by the critic that did not see it, and their bound among so many candidates;
    in_sample: the mean log ratio on rows the critics were trained on; copula: by the copula alone on rows it was not fitted to."""

    ratio_N: np.ndarray
    infonce: float
    in_sample: float
    copula: float
    candidates: int
    learned: bool
    nu: float
    correlations: int


def cross_fit(x_ND: np.ndarray, y_NE: np.ndarray, settings: CriticSettings, *, seed: int, progress: Progress) -> CrossFit:
    """Fits, trains and scores. The degrees of freedom, one number of eight, are chosen once, on the first fold."""
    parts = folds_of(len(x_ND), settings.folds, np.random.default_rng([seed, 2]))
    nu = degrees_of_freedom(np.hstack([x_ND, y_NE])[parts[0].train])
    inputs, copulas = inputs_of(x_ND, y_NE, parts, nu)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        critic = Critic(copulas, width=settings.width, layers=settings.layers, product=settings.product)
    learned = train_critics(critic, inputs, parts, settings, seed, progress)
    return _scored(critic, inputs, parts, learned, copulas)


@torch.no_grad()
def _scored(critic: Critic, inputs: list[Tensor], parts: list[Fold], learned: bool, copulas: list[Copula]) -> CrossFit:
    """Of all rows by the critic of their own fold (longer folds are cut by a row), and of as many training rows. Where nothing was learned,
    rows whose log partition rests on a handful of candidates take the copula's own ratio, which needs no partition."""
    size = min(len(part.test) for part in parts)

    def scored(rows_F: list[np.ndarray]) -> tuple[list[LogRatios], float]:
        """Of each fold; and the mean by the copulas alone."""
        taken = take(inputs, rows_F)
        found = [pointwise(score) for score in critic(*taken)]
        known = [c.log_ratio(u.numpy(), v.numpy()) for c, u, v in zip(copulas, taken[0], taken[2], strict=True)]
        if not learned:
            for fold, (each, own) in enumerate(zip(found, known, strict=True)):
                found[fold] = each._replace(ratio_N=np.where(each.effective_N < FEW_CANDIDATES, own, each.ratio_N))
        return found, float(np.mean([own.mean() for own in known]))

    unseen, copula = scored([part.test[:size] for part in parts])
    seen, _ = scored([part.train[:size] for part in parts])
    ratio_N, infonce = np.concatenate([each.ratio_N for each in unseen]), float(np.mean([each.infonce for each in unseen]))
    in_sample = float(np.mean([each.ratio_N.mean() for each in seen]))
    correlations = max(int((own.rho_R > 0).sum()) for own in copulas)
    return CrossFit(ratio_N, infonce, in_sample, copula, size, learned, copulas[0].nu, correlations)
