"""InfoNCE of many anchors against one pool, exact, in memory of the order of the pool, not of anchors x candidates.

Blocks of scores are made relative to the positive's own, which needs no look for the highest one, summed as odds while they are in cache,
and kept until the anchor's sum is known, when they give the pool's gradient: three matrix products in all, and nothing made twice. Dense
InfoNCE keeps the whole score matrix and several of its size for the backward pass: 3 GB at 12 x 1024 anchors and 16,384 candidates.

Element by element, a block costs five light passes and one exponential. What would cost more than they is left out: on a CPU a mask is as
dear as two exponentials, a comparison into bytes as three into floats, and exp as two exp2.
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

# Scores per block: half a million float32 are 2 MB, which stay in the cores' caches while a block is worked on.
BLOCK = 1 << 19
# A loss in nats, which is the logarithm of odds that are summed and multiplied by vectors well within the range of float32.
LARGEST_LOSS = 50.0


class Contrasted(NamedTuple):
    """loss: scalar, differentiable: sum over anchors of weight_M * loss_M. The rest carries no gradient, one entry per anchor: loss_M in
    nats, candidates_M = N (positive counted), above_M = competitors that score above the positive, tied_M = those level with it up to
    rounding."""

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
    """Exact InfoNCE (eq. 4) of each query against its positive and the pool. query_MD: p_k = W_k c; positive_MD: z_{t+k}; pool_ND:
    candidates; multiplicity(rows, columns) -> [m, n] how often each pool member competes for each anchor (bool where that is once at
    most), 0 for the positive itself; weight_M: weight of each anchor in the scalar loss (no gradient); spans: the same as multiplicity,
    which is then not called; rows, columns: size of a block (default: by the pool). Products follow the autocast; scores, sums and the
    loss are float32 (float64 for float64 input). Raises CPCError for an anchor with no competitor."""
    # Exponentials of rows x N scores are kept: as many rows as make them no larger than the pool itself, or than one block.
    N, D = pool_ND.shape
    rows = rows or min(1024, max(64, D, BLOCK // max(1, N)))
    columns = columns or max(1, BLOCK // rows)
    out = Contrasted(*_ContrastPool.apply(query_MD, positive_MD, pool_ND, weight_M, multiplicity, spans, rows, columns))
    require_competitors(out.candidates_M - 1)
    return out


def _contrast(
    vectors: tuple[Tensor, Tensor, Tensor], weight_M: Tensor, mask: Mask, rows: int, columns: int, grad: bool, beyond: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """[loss_M, candidates_M, above_M, tied_M], and the gradients of the three vectors, which are empty unless asked for. Exponentials are
    relative to the positive's score, known before all others, and so the odds of the competitors. beyond: relative to the highest score,
    for odds beyond the range of floats; all scores are made once more for it."""
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
            # d loss / d score: the softmax over candidates, which is exp(score - than) times this; for the positive less one.
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
