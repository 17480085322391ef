"""Exact InfoNCE of many anchors against one pool. Memory grows with the pool, not with anchors x candidates.

Scores are computed in blocks, relative to the score of the positive. This needs no search for the highest score.
Their odds are summed while they are in the cache. They are kept until the sum of the anchor is known, and then give
the gradient of the pool. So there are three matrix products in all, and nothing is computed twice. Dense InfoNCE
keeps the whole score matrix and several copies for the backward pass. That is 3 GB at 12 x 1024 anchors and 16,384
candidates.

A block costs five light passes over its elements and one exponential. Slower operations are avoided. On a CPU, a mask
costs as much as two exponentials. A comparison to bytes costs as much as three to floats, and exp as much as two
exp2.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from torchcpc.contracts import Spans
from torchcpc.objectives.blocks import DenseMask, Mask, ScoreBlock, SpanMask
from torchcpc.objectives.infonce import require_competitors

# Scores per block. Half a million float32 are 2 MB, which stay in the cache while a block is computed.
BLOCK = 1 << 19
# The largest loss in nats whose odds, summed and multiplied by vectors, are well within the range of float32.
LARGEST_LOSS = 50.0


class Contrasted(NamedTuple):
    """The loss of many anchors. Only `loss` carries a gradient.

    Attributes:
        loss: The sum over anchors of weight_M * loss_M, a scalar.
        loss_M: The loss of each anchor in nats.
        candidates_M: The number N of candidates, with the positive.
        above_M: The number of competitors that score above the positive.
        tied_M: The number of competitors that tie with it, up to rounding.
    """

    loss: Tensor
    loss_M: Tensor
    candidates_M: Tensor
    above_M: Tensor
    tied_M: Tensor


def contrast_pool(
    query_MD: Tensor,
    positive_MD: Tensor,
    pool_ND: Tensor,
    multiplicity: Callable[[slice, slice], Tensor],
    weight_M: Tensor,
    spans: Spans | None = None,
    *,
    rows: int | None = None,
    columns: int | None = None,
) -> Contrasted:
    """Compute exact InfoNCE (eq. 4) of each query against its positive and the pool.

    Products follow the autocast. Scores, sums and the loss are float32, or float64 for float64 input.

    Args:
        query_MD: The predictions p_k = W_k c.
        positive_MD: The true steps z_{t+k}.
        pool_ND: The candidates.
        multiplicity: A function (rows, columns) that returns how often each member competes for each anchor, [m, n].
            It is bool where that is at most once. It is 0 for the positive itself.
        weight_M: The weight of each anchor in the scalar loss. It gets no gradient.
        spans: The same as multiplicity, for a sorted pool. If given, multiplicity is not called.
        rows: Anchors per block. Default: chosen by the size of the pool.
        columns: Members per block. Default: chosen by the size of the pool.

    Returns:
        The loss, and the values of each anchor.

    Raises:
        CPCError: If an anchor has no competitor.
    """
    # Exponentials of rows x N scores are kept. This many rows make them no larger than the pool, or than one block.
    N, D = pool_ND.shape
    rows = rows or min(1024, max(64, D, BLOCK // max(1, N)))
    columns = columns or max(1, BLOCK // rows)
    out = Contrasted(*_ContrastPool.apply(query_MD, positive_MD, pool_ND, weight_M, multiplicity, spans, rows, columns))
    require_competitors(out.candidates_M - 1)
    return out


def _contrast(
    vectors: tuple[Tensor, Tensor, Tensor], weight_M: Tensor, mask: Mask, rows: int, columns: int, grad: bool, beyond: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """Return [loss_M, candidates_M, above_M, tied_M] and the gradients of the three vectors. The gradients are empty
    unless `grad`.

    Exponentials are relative to the score of the positive. With `beyond` they are relative to the highest score, for
    odds beyond the range of floats. Then all scores are computed once more.
    """
    query_MD, positive_MD, pool_ND = vectors
    device, M = query_MD.device, len(query_MD)
    exact = torch.float64 if query_MD.dtype == torch.float64 else torch.float32
    product = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else query_MD.dtype
    pool = pool_ND.to(product)

    def empty(*shape: int) -> Tensor:
        return torch.empty(shape, dtype=exact, device=device)

    of_rows = [empty(M) for _ in range(4)]
    of_query, of_positive, of_pool = gradients = [empty(*(x.shape if grad else (0,))) for x in vectors]
    of_pool.zero_()
    scratch = empty(rows * columns)
    memory = [empty(scratch.numel() if product == exact else 0) for _ in range(0, len(pool), columns)]
    with torch.autocast(device.type, enabled=False):
        for row, span in mask.blocks(rows):
            block = ScoreBlock((query_MD, positive_MD, pool), mask, row, scratch)
            parts = [slice(n, min(n + columns, span.stop)) for n in range(span.start, span.stop, columns)]
            than_m1 = block.highest(parts) if beyond else block.positive_m1
            (count_m1, above_m1, tied_m1, total_m1), pull_mD, odds = block.sums(parts, than_m1, memory, grad)
            loss_m1 = F.softplus(total_m1.log() + (than_m1 - block.positive_m1))
            for whole_M, part_m1 in zip(of_rows, (loss_m1, count_m1 + 1, above_m1, tied_m1), strict=True):
                whole_M[row] = part_m1.squeeze(1)
            if not grad:
                continue
            # d loss / d score is the softmax over candidates: exp(score - than) times this share. The positive has one less.
            weight_m1 = weight_M[row, None].to(exact)
            share_m1 = weight_m1 / (total_m1 + (block.positive_m1 - than_m1).exp())
            grad_positive_m1 = weight_m1 * torch.expm1(-loss_m1)
            of_query[row] = pull_mD.mul_(share_m1).addcmul_(grad_positive_m1, block.positive)
            of_positive[row] = grad_positive_m1 * block.query
            share_mD = (block.query * share_m1).to(product)
            for column, odds_mn in odds:
                if product == exact:
                    of_pool[column].addmm_(odds_mn.t(), share_mD)
                else:
                    of_pool[column] += odds_mn.t() @ share_mD
    return of_rows, gradients


class _ContrastPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, query_MD, positive_MD, pool_ND, weight_M, multiplicity, spans, rows, columns):
        vectors, grad = (query_MD, positive_MD, pool_ND), any(ctx.needs_input_grad[:3])
        mask = SpanMask(spans) if spans else DenseMask(multiplicity, len(query_MD), len(pool_ND))
        given = (vectors, weight_M, mask, rows, columns, grad)
        of_rows, gradients = _contrast(*given, beyond=False)
        if not (of_rows[0] < LARGEST_LOSS).all():
            of_rows, gradients = _contrast(*given, beyond=True)
        if grad:
            ctx.save_for_backward(*(g.to(x.dtype) for g, x in zip(gradients, vectors, strict=True)))
        ctx.mark_non_differentiable(*of_rows)
        loss_M = of_rows[0]
        return (weight_M.to(loss_M.dtype) * loss_M).sum(), *of_rows

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_loss, *_):  # pyright: ignore[reportIncompatibleMethodOverride]
        return *(grad * grad_loss for grad in ctx.saved_tensors), None, None, None, None, None
