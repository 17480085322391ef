"""Upper bounds, for a score that is a conditional density: S[i, j] = log p(x_j | c_i), up to any function of x_j alone."""

from __future__ import annotations

from torch import Tensor

from torchcpc.objectives.bounds.matrix import checked, log_mean_exp, off_diagonal


def leave_one_out(score_NN: Tensor) -> Tensor:
    """mean_i( log p(x_i|c_i) - log mean_{j!=i} p(x_i|c_j) ), nats: scalar.

    Upper bound in expectation when p is the true conditional density, and nothing for a learned critic; bias and variance grow like
    e^I / N. Note that it averages over contexts (columns of S). Source: Poole et al. 2019 (arXiv:1905.06922).
    """
    score_NN = checked(score_NN)
    return (score_NN.diagonal() - log_mean_exp(off_diagonal(score_NN.T), 1)).mean()


def club(score_NN: Tensor) -> Tensor:
    """mean_i log q(x_i|c_i) - mean_off log q(x_j|c_i), nats: scalar.

    Upper bound only if q is the true conditional density or close to it; loose (no log of a mean: by far more than I at strong
    dependence), of low variance. Made to be minimised. Source: Cheng et al. 2020 (arXiv:2006.12013).
    """
    score_NN = checked(score_NN)
    return score_NN.diagonal().mean() - off_diagonal(score_NN).mean()
