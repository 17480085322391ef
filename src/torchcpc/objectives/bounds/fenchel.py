"""FLO: the Fenchel-Legendre form of the contrastive bound, with a learned value for each pair in place of a partition."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchcpc.objectives.bounds.matrix import checked, checked_row, off_diagonal


def flo(score_NN: Tensor, u_N: Tensor) -> Tensor:
    """1 - mean_i( u_i + exp( -u_i - S_ii ) mean_{j!=i} exp S_ij ), nats: scalar.

    u_N: u(x_i, c_i), learned beside the critic; its optimum is -(S_ii - log E_p(x) exp S) = -PMI. Lower bound for every u, unbiased
    (no log of a mean), no cap; gauge a(c) cancels. Variance below NWJ's while u fits, large where it does not.
    Source: Guo et al. 2022 (arXiv:2107.01131).
    """
    score_NN = checked(score_NN)
    u_N = checked_row(u_N, score_NN, "u")
    contrast_N = torch.logsumexp(off_diagonal(score_NN), dim=1) - math.log(len(score_NN) - 1) - score_NN.diagonal()
    return 1 - (u_N + (contrast_N - u_N).exp()).mean()
