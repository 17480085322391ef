"""InfoNCE of many anchors against one pool, exact, in memory of the order of the pool, not of anchors x candidates.

Blocks of scores are made, reduced by an online log-sum-exp while they are in cache, and their exponentials kept until the anchors'
log-sum-exp is known, when they give the pool's gradient: three matrix products in all, and nothing made twice. Dense InfoNCE keeps
the whole score matrix and several of its size for the backward pass: 3 GB at 12 x 1024 anchors and 16,384 candidates.

Element by element, a block costs six light passes and one exponential. What would cost more than they is left out: on a CPU a
mask is as dear as two exponentials, a comparison into bytes as three into floats, and exp as two exp2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from torchcpc.contracts import Spans
from torchcpc.objectives.competition import Ranges, Table
from torchcpc.objectives.infonce import require_competitors

# Scores per block: half a million float32 are 2 MB, which stay in the cores' caches while a block is worked on.
BLOCK = 1 << 19
BITS = 1 / math.log(2)


class Contrasted(NamedTuple):
    """loss: scalar, differentiable: sum over anchors of weight_M * loss_M. The rest carries no gradient, one entry per anchor:
    loss_M in nats, candidates_M = N (positive counted), above_M = competitors that score above the positive, tied_M = those level with
    it up to rounding.
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
    """Exact InfoNCE (eq. 4) of each query against its positive and the pool.

    query_MD: p_k = W_k c; positive_MD: z_{t+k}; pool_ND: candidates; multiplicity(rows, columns) -> [m, n] how often each pool
    member competes for each anchor (bool where that is once at most), 0 for the positive itself; weight_M: weight of each anchor
    in the scalar loss (no gradient); spans: the same as multiplicity, which is then not called; rows, columns: size of a block, for
    tests (default: by the pool). Products follow the autocast; scores, sums and the loss are float32 (float64 for float64 input).
    Raises CPCError for an anchor with no competitor.
    """
    # Exponentials of rows x N scores are kept: as many rows as make them no larger than the pool itself, or than one block.
    N, D = pool_ND.shape
    rows = rows or min(1024, max(64, D, BLOCK // max(1, N)))
    columns = columns or max(1, BLOCK // rows)
    out = Contrasted(*_ContrastPool.apply(query_MD, positive_MD, pool_ND, weight_M, multiplicity, spans, rows, columns))
    require_competitors(out.candidates_M - 1)
    return out


def number(
    compare: Callable[..., Tensor], score_mn: Tensor, than_m1: Tensor, times_mn: Tensor | None, scratch: Tensor
) -> Tensor:
    """[m, 1] competitors whose score compares so, in floats."""
    true_mn = compare(score_mn, than_m1, out=scratch[: score_mn.numel()].view(score_mn.shape))
    return (true_mn if times_mn is None else true_mn.mul_(times_mn)).sum(dim=1, keepdim=True)


class _ContrastPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, query_MD, positive_MD, pool_ND, weight_M, multiplicity, spans, rows, columns):
        device, M, N = query_MD.device, len(query_MD), len(pool_ND)
        exact = torch.float64 if query_MD.dtype == torch.float64 else torch.float32
        product = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else query_MD.dtype
        pool = pool_ND.to(product)
        competition = Ranges(spans) if spans else Table(multiplicity, M, N)
        differentiate = any(ctx.needs_input_grad[:3])
        loss_M, candidates_M, above_M, tied_M = (torch.empty(M, dtype=exact, device=device) for _ in range(4))
        grads = [torch.empty(0)] * 3
        if differentiate:
            grads = [torch.zeros(x.shape, dtype=exact, device=device) for x in (query_MD, positive_MD, pool_ND)]
        compared = torch.empty(rows * columns, dtype=exact, device=device)
        with torch.autocast(device.type, enabled=False):
            for row, span in competition.blocks(rows):
                query_mD, positive_mD = query_MD[row].to(product), positive_MD[row].to(product)
                query, positive = query_mD.to(exact), positive_mD.to(exact)
                own_m1 = (query * positive).sum(dim=1, keepdim=True)
                # Equal vectors score equal only up to the rounding of two different sums; without this margin a collapsed
                # encoder would be ranked by its rounding errors, anywhere between no and full accuracy.
                rounding_m1 = 4 * torch.finfo(exact).eps * (query.norm(dim=1) * positive.norm(dim=1))[:, None]
                level_m1 = rounding_m1 + torch.finfo(product).eps * own_m1.abs()
                count_m1, above_m1, level_or_above_m1 = (torch.zeros_like(own_m1) for _ in range(3))
                # Log-sum-exp as it grows, begun with the positive: high + log(total).
                high_m1, total_m1, pull_mD = own_m1, torch.ones_like(own_m1), torch.zeros_like(query)
                kept = []
                for n in range(span.start, span.stop, columns):
                    column = slice(n, min(n + columns, span.stop))
                    block = (query_mD @ pool[column].t()).to(exact)
                    block_count_m1, times_mn = competition.restrict_(block, row, column)
                    count_m1 += block_count_m1
                    above_m1 += number(torch.gt, block, own_m1 + level_m1, times_mn, compared)
                    level_or_above_m1 += number(torch.ge, block, own_m1 - level_m1, times_mn, compared)
                    higher_m1 = torch.maximum(high_m1, block.amax(dim=1, keepdim=True))
                    shrink_m1 = (high_m1 - higher_m1).exp_()
                    high_m1 = higher_m1
                    block.sub_(high_m1).mul_(BITS).exp2_()
                    if times_mn is not None:
                        block.mul_(times_mn)
                    total_m1 = total_m1 * shrink_m1 + block.sum(dim=1, keepdim=True)
                    if differentiate:
                        block = block.to(product)
                        pull_mD.mul_(shrink_m1).add_(block @ pool[column])
                        kept.append((column, block, high_m1))
                loss_m1 = (high_m1 - own_m1) + total_m1.log()
                for whole_M, part_m1 in (
                    (loss_M, loss_m1),
                    (candidates_M, count_m1 + 1),
                    (above_M, above_m1),
                    (tied_M, level_or_above_m1 - above_m1),
                ):
                    whole_M[row] = part_m1.squeeze(1)
                if not differentiate:
                    continue
                # d loss / d score: the softmax over candidates, which is exp(score - high) times this; for the positive less one.
                weight_m1 = weight_M[row, None].to(exact)
                share_m1 = weight_m1 / total_m1
                grad_own_m1 = weight_m1 * torch.expm1(-loss_m1)
                grads[0][row] = pull_mD.mul_(share_m1).addcmul_(grad_own_m1, positive)
                grads[1][row] = grad_own_m1 * query
                for column, block, high_then_m1 in kept:
                    share_mD = (query * (share_m1 * (high_then_m1 - high_m1).exp_())).to(product)
                    if product == exact:
                        grads[2][column].addmm_(block.t(), share_mD)
                    else:
                        grads[2][column] += block.t() @ share_mD
        if differentiate:
            ctx.save_for_backward(*(g.to(x.dtype) for g, x in zip(grads, (query_MD, positive_MD, pool_ND), strict=True)))
        ctx.mark_non_differentiable(loss_M, candidates_M, above_M, tied_M)
        return (weight_M.to(exact) * loss_M).sum(), loss_M, candidates_M, above_M, tied_M

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_loss, *_):  # pyright: ignore[reportIncompatibleMethodOverride]
        return *(grad * grad_loss for grad in ctx.saved_tensors), None, None, None, None, None
