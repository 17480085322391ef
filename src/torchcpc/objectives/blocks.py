"""Blocks of scores: some anchors against a part of the pool. Masks say who competes in a block."""

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

import torch
from torch import Tensor

from torchcpc.contracts import Spans

BITS = 1 / math.log(2)


class DenseMask:
    """A mask from any multiplicity, made block by block.

    Args:
        multiplicity: A function (rows, columns) that returns how often each member competes, [m, n].
        anchors: The number of anchors.
        members: The number of members in the pool.
    """

    def __init__(self, multiplicity: Callable[[slice, slice], Tensor], anchors: int, members: int) -> None:
        self.multiplicity, self.anchors, self.members = multiplicity, anchors, members

    def blocks(self, rows: int) -> Iterator[tuple[slice, slice]]:
        """Iterate over blocks (anchors, members). Each anchor occurs once, with at most `rows` anchors per block."""
        for m in range(0, self.anchors, rows):
            yield slice(m, min(m + rows, self.anchors)), slice(0, self.members)

    def restrict_(self, score_mn: Tensor, row: slice, column: slice) -> tuple[Tensor, Tensor | None]:
        """Set the scores of members that do not compete to -inf, in place.

        Args:
            score_mn: The scores of a block, [m, n].
            row: The anchors of the block.
            column: The members of the block.

        Returns:
            The number of competitors [m, 1], and how often each competes [m, n]. The second is None where that is at
            most once.
        """
        times_mn = self.multiplicity(row, column)
        once = times_mn.dtype == torch.bool
        score_mn.masked_fill_(~times_mn if once else times_mn == 0, -torch.inf)
        return times_mn.sum(dim=1, keepdim=True), None if once else times_mn


class SpanMask:
    """A mask of a sorted pool. Anchors with the same span meet only the members of that span.

    Args:
        spans: The competitors of each anchor.
    """

    def __init__(self, spans: Spans) -> None:
        self.spans = spans

    def blocks(self, rows: int) -> Iterator[tuple[slice, slice]]:
        """Iterate over blocks. The order of the spans gives the fewest and largest blocks."""
        width = self.spans.size + 1
        distinct, counts = (self.spans.first * width + self.spans.last).unique_consecutive(return_counts=True)
        begin = 0
        for span, count in zip(distinct.tolist(), counts.tolist(), strict=True):
            for m in range(begin, begin + count, rows):
                yield slice(m, min(m + rows, begin + count)), slice(*divmod(span, width))
            begin += count

    def restrict_(self, score_mn: Tensor, row: slice, column: slice) -> tuple[Tensor, None]:
        """Set the scores in the holes to -inf, in place. Arguments and results are those of `DenseMask`."""
        skip_m, resume_m = (end[row].clamp(column.start, column.stop) for end in (self.spans.skip, self.spans.resume))
        hole_m = resume_m - skip_m
        if score_mn.device.type == "cpu":
            # A hole has few members. Writing to them costs far less than a mask of all members.
            anchor = torch.arange(len(hole_m)).repeat_interleave(hole_m)
            before_m = hole_m.cumsum(0) - hole_m
            member = torch.arange(len(anchor)) + (skip_m - before_m - column.start)[anchor]
            score_mn[anchor, member] = -torch.inf
        else:  # on a GPU, counting them would force a synchronisation
            member = torch.arange(column.start, column.stop, device=score_mn.device)
            score_mn.masked_fill_((skip_m[:, None] <= member) & (member < resume_m[:, None]), -torch.inf)
        return (column.stop - column.start - hole_m)[:, None], None


Mask: TypeAlias = DenseMask | SpanMask


class ScoreBlock:
    """The anchors of `row`, scored against the pool one part at a time.

    Args:
        vectors: Queries [M, D], positives [M, D] and the pool [N, D].
        mask: Who competes.
        row: The anchors of this block.
        scratch: Memory for one part, because allocating memory is slow.
    """

    def __init__(self, vectors: tuple[Tensor, Tensor, Tensor], mask: Mask, row: slice, scratch: Tensor) -> None:
        query, positive, self.pool = vectors
        self.query_mD, self.mask, self.row = query[row].to(self.pool), mask, row
        self.scratch, self.exact = scratch, scratch.dtype
        # query_mD has the precision of the products, query that of the sums.
        self.query, self.positive = self.query_mD.to(self.exact), positive[row].to(self.pool).to(self.exact)
        self.positive_m1 = (self.query * self.positive).sum(dim=1, keepdim=True)
        # Equal vectors have equal scores only up to rounding. Without this margin, rounding errors would rank the candidates
        # of a collapsed encoder, and its accuracy could be anything.
        rounding_m1 = 6 * torch.finfo(self.exact).eps * (self.query.norm(dim=1) * self.positive.norm(dim=1))[:, None]
        self.level_m1 = rounding_m1 + torch.finfo(self.pool.dtype).eps * self.positive_m1.abs()

    def highest(self, parts: list[slice]) -> Tensor:
        """Return the highest score of each anchor, [m, 1]."""
        than_m1, zero_m1 = self.positive_m1, torch.zeros_like(self.positive_m1)
        for column in parts:
            bits_mn, *_ = self._bits(column, zero_m1, self.scratch)
            than_m1 = torch.maximum(than_m1, bits_mn.amax(dim=1, keepdim=True) / BITS)
        return than_m1

    def sums(
        self, parts: list[slice], than_m1: Tensor, memory: list[Tensor], keep: bool
    ) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor, list[tuple[slice, Tensor]]]:
        """Pass over parts of the pool once and sum over the competitors of each anchor.

        Args:
            parts: The parts of the pool.
            than_m1: The reference score of each anchor, [m, 1].
            memory: Memory for the scores of each part.
            keep: Whether to keep what the gradients need.

        Returns:
            Four sums [m, 1], a pull [m, D], and the odds of each part. The sums are the number of competitors, the
            number above the positive, the number tied with it, and their odds. The odds are exp(score - than). The
            pull is the sum of the competitors' vectors, weighted by odds. Without `keep`, the pull is zero and there
            are no odds.
        """
        high_m1, low_m1 = ((self.positive_m1 + side - than_m1) * BITS for side in (self.level_m1, -self.level_m1))
        count_m1, above_m1, above_or_level_m1, total_m1 = (torch.zeros_like(than_m1) for _ in range(4))
        pull_mD, kept = torch.zeros_like(self.query), []
        for column, buffer in zip(parts, memory, strict=False):
            odds_mn, part_count_m1, times_mn = self._bits(column, than_m1, buffer)
            count_m1 += part_count_m1
            above_m1 += self._count(torch.gt, odds_mn, high_m1, times_mn)
            above_or_level_m1 += self._count(torch.ge, odds_mn, low_m1, times_mn)
            odds_mn.exp2_()
            if times_mn is not None:
                odds_mn.mul_(times_mn)
            total_m1 += odds_mn.sum(dim=1, keepdim=True)
            if keep:
                odds_mn = odds_mn.to(self.pool.dtype)
                pull_mD += odds_mn @ self.pool[column]
                kept.append((column, odds_mn))
        return (count_m1, above_m1, above_or_level_m1 - above_m1, total_m1), pull_mD, kept

    def _bits(self, column: slice, than_m1: Tensor, out: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return scores minus `than` in powers of two, [m, n], with -inf for members that do not compete.

        The other two results are those of `mask.restrict_`. The memory `out` may be used.
        """
        pool_nD = self.pool[column]
        if self.pool.dtype == self.exact:
            out_mn = out[: len(than_m1) * len(pool_nD)].view(len(than_m1), len(pool_nD))
            bits_mn = torch.addmm(than_m1.mul(-BITS).expand_as(out_mn), self.query_mD, pool_nD.t(), alpha=BITS, out=out_mn)
        else:
            bits_mn = (self.query_mD @ pool_nD.t()).to(self.exact).sub_(than_m1).mul_(BITS)
        count_m1, times_mn = self.mask.restrict_(bits_mn, self.row, column)
        return bits_mn, count_m1, times_mn

    def _count(self, compare: Callable[..., Tensor], bits_mn: Tensor, than_m1: Tensor, times_mn: Tensor | None) -> Tensor:
        """Return the number of competitors whose score passes the comparison, [m, 1], as floats."""
        true_mn = compare(bits_mn, than_m1, out=self.scratch[: bits_mn.numel()].view(bits_mn.shape))
        return (true_mn if times_mn is None else true_mn.mul_(times_mn)).sum(dim=1, keepdim=True)
