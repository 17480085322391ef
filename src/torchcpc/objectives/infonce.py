"""InfoNCE on a matrix of scores, short enough to check by eye; `streamed` is the fast equal."""

import torch
from torch import Tensor

from torchcpc.contracts import CPCError


def infonce(score_MN: Tensor, multiplicity_MN: Tensor | None = None) -> Tensor:
    """The paper's eq. 4: -log softmax of the positive among candidates, per anchor: [M, N] -> [M] nats, log N on average at chance.
    score_MN: log f_k(x_j, c_m) in nats, positive first (column 0). The softmax runs over the candidates x_j of one fixed context c_m; the
    optimum is log p(x|c)/p(x) + a(c). multiplicity_MN: how often each candidate competes, 0 for not at all (default: once each). log N -
    loss is a lower bound of the mutual information when candidates are independent draws from p(x) (eq. 5). Float32 at least, whatever the
    input. Raises CPCError for an anchor that has no competitor."""
    score_MN = score_MN.float() if score_MN.dtype in (torch.float16, torch.bfloat16) else score_MN
    multiplicity_MN = torch.ones_like(score_MN) if multiplicity_MN is None else multiplicity_MN
    require_competitors(multiplicity_MN[:, 1:].sum(dim=1))
    return torch.logsumexp(score_MN + multiplicity_MN.log(), dim=1) - score_MN[:, 0]


def symmetric_infonce(score_FnN: Tensor) -> Tensor:
    """Eq. 4 on square matrices, positives on the diagonal, with rows as contexts and with columns as contexts, averaged: [..., n, n] ->
    [..., n] nats, log n at chance. Its optimum is log p(x, y) / p(x) p(y) up to one constant, for an offset a(x) is free in one direction
    only. log n - loss is a lower bound of the mutual information for independent rows (the mean of two such bounds)."""
    return (score_FnN.logsumexp(-1) + score_FnN.logsumexp(-2)) / 2 - torch.diagonal(score_FnN, dim1=-2, dim2=-1)


def require_competitors(competitors_M: Tensor) -> None:
    """An anchor without competitors would count as a loss of zero; it is an error of the batch instead."""
    if lonely := int((competitors_M == 0).sum()):
        raise CPCError(
            f"{lonely} of {len(competitors_M)} anchors have no candidate to compete with the positive: the strategy forbids every "
            "step of this batch. Use a larger batch, raise windows_per_group, or choose the strategy 'mixed'."
        )
