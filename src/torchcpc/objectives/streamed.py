"""InfoNCE of many anchors against one pool, exact, in memory that does not grow with anchors x candidates.

Blocks of scores are made, reduced by an online log-sum-exp and dropped; the gradient is taken in the same pass while the block is
still in cache, or from recomputed blocks where the pool is longer than one block. Dense InfoNCE keeps the whole score matrix
and several of its size for the backward pass: 3 GB at 12 x 1024 anchors and 16,384 candidates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from torchcpc.objectives.infonce import require_competitors

# Scores per block: 2 million float32 are 8 MB, about what the cores' caches hold; much smaller loses matrix-product efficiency.
BLOCK = 1 << 21


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
    *,
    rows: int | None = None,
    columns: int | None = None,
) -> Contrasted:
    """Exact InfoNCE (eq. 4) of each query against its positive and the pool.

    query_MD: p_k = W_k c; positive_MD: z_{t+k}; pool_ND: candidates; multiplicity(rows, columns) -> [m, n] how often each pool
    member competes for each anchor (bool where that is once at most), 0 for the positive itself; weight_M: weight of each anchor
    in the scalar loss (no gradient); rows, columns: size of a block, for tests (default: by the pool). Products follow the
    autocast; scores, sums and the loss are float32 (float64 for float64 input). Raises CPCError for an anchor with no competitor.
    """
    # As many anchors as let a block hold the whole pool, for then nothing is computed twice; but enough for a matrix product.
    rows = rows or min(512, max(64, BLOCK // max(1, len(pool_ND))))
    columns = columns or BLOCK // rows
    exact = torch.float64 if query_MD.dtype == torch.float64 else torch.float32
    if torch.is_autocast_enabled(query_MD.device.type):
        product = torch.get_autocast_dtype(query_MD.device.type)
        query_MD, positive_MD, pool_ND = query_MD.to(product), positive_MD.to(product), pool_ND.to(product)
    query, positive = query_MD.to(exact), positive_MD.to(exact)
    score_M = (query * positive).sum(dim=1)
    with torch.no_grad():
        # Equal vectors score equal only up to the rounding of two different sums; without this margin a collapsed
        # encoder would be ranked by its rounding errors, anywhere between no and full accuracy.
        rounding_M = 4 * torch.finfo(exact).eps * query.norm(dim=1) * positive.norm(dim=1)
        level_M = rounding_M + torch.finfo(query_MD.dtype).eps * score_M.abs()
    out = Contrasted(*_ContrastPool.apply(query_MD, pool_ND, score_M, level_M, weight_M.to(exact), multiplicity, rows, columns))
    require_competitors(out.candidates_M - 1)
    return out


def weigh_(score_mn: Tensor, times_mn: Tensor) -> None:
    """Adds log multiplicity to the scores in place; where every count is 0 or 1 (bool), that is leaving out the zeros."""
    if times_mn.dtype == torch.bool:
        score_mn.masked_fill_(~times_mn, -torch.inf)
    else:
        score_mn += times_mn.to(score_mn.dtype).log()


class _ContrastPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, query_MD, pool_ND, score_M, level_M, weight_M, multiplicity, rows, columns):
        M, N = len(query_MD), len(pool_ND)
        exact = score_M.dtype
        differentiate = any(ctx.needs_input_grad[:3])
        loss_M, candidates_M, above_M, tied_M = (torch.empty(M, dtype=exact, device=score_M.device) for _ in range(4))
        grad_query_MD = grad_pool_ND = grad_score_M = torch.empty(0)
        if differentiate:
            grad_query_MD = torch.zeros(query_MD.shape, dtype=exact, device=query_MD.device)
            grad_pool_ND = torch.zeros(pool_ND.shape, dtype=exact, device=pool_ND.device)
            grad_score_M = torch.empty_like(score_M)
        with torch.autocast(query_MD.device.type, enabled=False):
            for m in range(0, M, rows):
                row = slice(m, min(m + rows, M))
                query_mD, score_m, level_m = query_MD[row], score_M[row], level_M[row]
                total_m = score_m.clone()  # running log-sum-exp, begun with the positive
                count_m, above_m, tied_m = (torch.zeros_like(score_m) for _ in range(3))
                block = None
                for n in range(0, N, columns):
                    column = slice(n, min(n + columns, N))
                    times_mn = multiplicity(row, column)
                    block = (query_mD @ pool_ND[column].t()).to(exact)
                    count_m += times_mn.sum(dim=1)
                    above_m += (times_mn * (block > (score_m + level_m)[:, None])).sum(dim=1)
                    tied_m -= (times_mn * (block < (score_m - level_m)[:, None])).sum(dim=1)
                    weigh_(block, times_mn)
                    total_m = torch.logaddexp(total_m, block.logsumexp(dim=1))
                tied_m += count_m - above_m
                loss_m = total_m - score_m
                loss_M[row], candidates_M[row], above_M[row], tied_M[row] = loss_m, count_m + 1, above_m, tied_m
                if not differentiate:
                    continue
                weight_m = weight_M[row]
                grad_score_M[row] = weight_m * torch.expm1(-loss_m)  # softmax of the positive, minus one
                for n in range(0, N, columns):
                    column = slice(n, min(n + columns, N))
                    if N > columns or block is None:
                        block = (query_mD @ pool_ND[column].t()).to(exact)
                        weigh_(block, multiplicity(row, column))
                    # d loss / d score: the softmax, weighted; made in place, the block is not needed again.
                    block.sub_(total_m[:, None]).exp_().mul_(weight_m[:, None])
                    product_mn = block.to(query_mD.dtype)
                    grad_query_MD[row] += product_mn @ pool_ND[column]
                    grad_pool_ND[column] += product_mn.t() @ query_mD
        if differentiate:
            ctx.save_for_backward(grad_query_MD.to(query_MD.dtype), grad_pool_ND.to(pool_ND.dtype), grad_score_M)
        loss = (weight_M * loss_M).sum()
        ctx.mark_non_differentiable(loss_M, candidates_M, above_M, tied_M)
        return loss, loss_M, candidates_M, above_M, tied_M

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_loss, *_):  # pyright: ignore[reportIncompatibleMethodOverride]
        query_MD, pool_ND, score_M = ctx.saved_tensors
        return query_MD * grad_loss, pool_ND * grad_loss, score_M * grad_loss, None, None, None, None, None
