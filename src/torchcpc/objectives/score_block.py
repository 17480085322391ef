"""One block of scores: some anchors against a part of the pool, relative to one score of each anchor."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from torchcpc.objectives.masks import Mask

BITS = 1 / math.log(2)


def count_where(
    compare: Callable[..., Tensor], score_mn: Tensor, than_m1: Tensor, times_mn: Tensor | None, scratch: Tensor
) -> Tensor:
    """[m, 1] competitors whose score compares so, in floats."""
    true_mn = compare(score_mn, than_m1, out=scratch[: score_mn.numel()].view(score_mn.shape))
    return (true_mn if times_mn is None else true_mn.mul_(times_mn)).sum(dim=1, keepdim=True)


class ScoreBlock:
    """The anchors of `row`, scored against the members of the pool one part at a time."""

    def __init__(self, query_mD: Tensor, positive_mD: Tensor, pool: Tensor, mask: Mask, row: slice, exact: torch.dtype) -> None:
        self.query_mD, self.pool, self.mask, self.row, self.exact = query_mD, pool, mask, row, exact
        self.query, self.positive = query_mD.to(exact), positive_mD.to(exact)
        self.positive_m1 = (self.query * self.positive).sum(dim=1, keepdim=True)
        # Equal vectors score equal only up to the rounding of two different sums; without this margin a collapsed
        # encoder would be ranked by its rounding errors, anywhere between no and full accuracy.
        rounding_m1 = 6 * torch.finfo(exact).eps * (self.query.norm(dim=1) * self.positive.norm(dim=1))[:, None]
        self.level_m1 = rounding_m1 + torch.finfo(pool.dtype).eps * self.positive_m1.abs()

    def bits(self, column: slice, than_m1: Tensor, out: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """[m, n] scores less `than`, in powers of two, -inf for who does not compete; how many compete, and how often each does, as in
        `mask.restrict_`. out: memory that may be used, for new memory is dear."""
        pool_nD = self.pool[column]
        if self.pool.dtype == self.exact:
            out_mn = out[: len(than_m1) * len(pool_nD)].view(len(than_m1), len(pool_nD))
            bits_mn = torch.addmm(than_m1.mul(-BITS).expand_as(out_mn), self.query_mD, pool_nD.t(), alpha=BITS, out=out_mn)
        else:
            bits_mn = (self.query_mD @ pool_nD.t()).to(self.exact).sub_(than_m1).mul_(BITS)
        count_m1, times_mn = self.mask.restrict_(bits_mn, self.row, column)
        return bits_mn, count_m1, times_mn


# What exponentials are relative to: [m, 1] of a block, the parts of the pool that it meets, and scratch memory.
Reference = Callable[[ScoreBlock, list[slice], Tensor], Tensor]


def positive_reference(block: ScoreBlock, parts: list[slice], scratch: Tensor) -> Tensor:
    """The positive's score, known before all others. Exponentials are then the odds of the competitors."""
    return block.positive_m1


def max_reference(block: ScoreBlock, parts: list[slice], scratch: Tensor) -> Tensor:
    """The highest score, for odds beyond the range of floats. All scores are made once more for it."""
    than_m1, zero_m1 = block.positive_m1, torch.zeros_like(block.positive_m1)
    for column in parts:
        bits_mn, *_ = block.bits(column, zero_m1, scratch)
        than_m1 = torch.maximum(than_m1, bits_mn.amax(dim=1, keepdim=True) / BITS)
    return than_m1
