"""Masks: who competes in a block of scores, anchors by members of the pool. The streamed objective asks block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from torchcpc.contracts import Spans


class DenseMask:
    """Any multiplicity (rows, columns) -> [m, n], made block by block."""

    def __init__(self, multiplicity: Callable[[slice, slice], Tensor], anchors: int, members: int) -> None:
        self.multiplicity, self.anchors, self.members = multiplicity, anchors, members

    def blocks(self, rows: int) -> Iterator[tuple[slice, slice]]:
        """Every anchor once, at most `rows` at a time, with the members of the pool outside which none of them competes."""
        for m in range(0, self.anchors, rows):
            yield slice(m, min(m + rows, self.anchors)), slice(0, self.members)

    def restrict_(self, score_mn: Tensor, row: slice, column: slice) -> tuple[Tensor, Tensor | None]:
        """Sets the scores of those who do not compete to -inf, in place. Returns how many compete, [m, 1], and how often each does,
        [m, n], where that may be more than once."""
        times_mn = self.multiplicity(row, column)
        once = times_mn.dtype == torch.bool
        score_mn.masked_fill_(~times_mn if once else times_mn == 0, -torch.inf)
        return times_mn.sum(dim=1, keepdim=True), None if once else times_mn


class SpanMask:
    """Spans of a sorted pool. Anchors with one span meet only the members of that span, and only holes are left out of it."""

    def __init__(self, spans: Spans) -> None:
        self.spans = spans

    def blocks(self, rows: int) -> Iterator[tuple[slice, slice]]:
        """As for `DenseMask`. Anchors in the order of their spans make the fewest blocks, and the largest."""
        width = self.spans.size + 1
        distinct, counts = (self.spans.first * width + self.spans.last).unique_consecutive(return_counts=True)
        begin = 0
        for span, count in zip(distinct.tolist(), counts.tolist(), strict=True):
            for m in range(begin, begin + count, rows):
                yield slice(m, min(m + rows, begin + count)), slice(*divmod(span, width))
            begin += count

    def restrict_(self, score_mn: Tensor, row: slice, column: slice) -> tuple[Tensor, None]:
        """As for `DenseMask`."""
        skip_m, resume_m = (end[row].clamp(column.start, column.stop) for end in (self.spans.skip, self.spans.resume))
        hole_m = resume_m - skip_m
        if score_mn.device.type == "cpu":
            # A hole is a few members, and writing to them costs less than a mask of all by far.
            anchor = torch.arange(len(hole_m)).repeat_interleave(hole_m)
            before_m = hole_m.cumsum(0) - hole_m
            member = torch.arange(len(anchor)) + (skip_m - before_m - column.start)[anchor]
            score_mn[anchor, member] = -torch.inf
        else:  # where counting them would make the device wait
            member = torch.arange(column.start, column.stop, device=score_mn.device)
            score_mn.masked_fill_((skip_m[:, None] <= member) & (member < resume_m[:, None]), -torch.inf)
        return (column.stop - column.start - hole_m)[:, None], None


Mask = DenseMask | SpanMask
