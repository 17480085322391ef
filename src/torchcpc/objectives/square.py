"""InfoNCE on a square matrix of scores, positives on the diagonal: every row's candidates are the others' positives."""

from __future__ import annotations

import torch
from torch import Tensor


def symmetric_infonce(score_FnN: Tensor) -> Tensor:
    """Eq. 4 with rows as contexts and with columns as contexts, averaged: [..., n, n] -> [..., n] nats, log n at chance.

    Its optimum is log p(x, y) / p(x) p(y) up to one constant, for an offset a(x) is free in one direction only. log n - loss is a
    lower bound of the mutual information for independent rows (the mean of two such bounds).
    """
    return (score_FnN.logsumexp(-1) + score_FnN.logsumexp(-2)) / 2 - torch.diagonal(score_FnN, dim1=-2, dim2=-1)
