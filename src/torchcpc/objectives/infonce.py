"""InfoNCE on a matrix of scores, short enough to check by eye. `streamed` computes the same faster."""

import torch
from torch import Tensor

from torchcpc.contracts import CPCError


def infonce(score_MN: Tensor, multiplicity_MN: Tensor | None = None) -> Tensor:
    """Return the InfoNCE loss of each anchor (eq. 4 of the paper): -log softmax of the positive among the candidates.

    The softmax runs over the candidates of one fixed context. The optimal score is log p(x|c)/p(x) + a(c). If
    candidates are independent draws from p(x), log N - loss is a lower bound of the mutual information (eq. 5).

    Args:
        score_MN: Scores in nats, [M, N]. Column 0 holds the positive.
        multiplicity_MN: How often each candidate competes, [M, N]. 0 means not at all. Default: once each.

    Returns:
        The losses in nats, [M], in float32 or float64. At chance their mean is log N.

    Raises:
        CPCError: If an anchor has no competitor.
    """
    score_MN = score_MN.float() if score_MN.dtype in (torch.float16, torch.bfloat16) else score_MN
    multiplicity_MN = torch.ones_like(score_MN) if multiplicity_MN is None else multiplicity_MN
    require_competitors(multiplicity_MN[:, 1:].sum(dim=1))
    return torch.logsumexp(score_MN + multiplicity_MN.log(), dim=1) - score_MN[:, 0]


def symmetric_infonce(score_FnN: Tensor) -> Tensor:
    """Return the mean of two InfoNCE losses: rows as contexts, and columns as contexts.

    The optimal score is log p(x, y) / p(x) p(y) up to one constant. For independent rows, log n - loss is a lower
    bound of the mutual information.

    Args:
        score_FnN: Square score matrices, [..., n, n], with positives on the diagonal.

    Returns:
        The losses in nats, [..., n]. At chance their mean is log n.
    """
    return (score_FnN.logsumexp(-1) + score_FnN.logsumexp(-2)) / 2 - torch.diagonal(score_FnN, dim1=-2, dim2=-1)


def require_competitors(competitors_M: Tensor) -> None:
    """Raise CPCError if an anchor has no competitor. Its loss would be zero."""
    if lonely := int((competitors_M == 0).sum()):
        raise CPCError(
            f"{lonely} of {len(competitors_M)} anchors have no candidate to compete with the positive: the strategy forbids every "
            "step of this batch. Use a larger batch, raise windows_per_group, or choose the strategy 'mixed'."
        )
