"""Tensors with their metadata: a batch of windows, the steps made of it, and who competes with whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Window:
    """B stretches of raw input, cut from their sources, padded at the end to one length S. x: [B, S, ...] float; source: [B] int64, which
    recording (document, subject) each came from; group: [B] int64, for instance the speaker; start: [B] int64, raw position of x[:, 0]
    within the source; length: [B] int64, how many of the S positions are real."""

    x: Tensor
    source: Tensor
    group: Tensor
    start: Tensor
    length: Tensor

    def to(self, device: torch.device | str) -> Self:
        # Apple's devices have no float64, in which series come.
        single = str(device).startswith("mps")
        columns = (getattr(self, field.name) for field in fields(self))
        return type(self)(*(x.float().to(device) if single and x.is_floating_point() else x.to(device) for x in columns))


@dataclass(frozen=True, slots=True)
class Steps:
    """What is known of every step of z_BTD: all [B, T]; valid is bool, the others int64.

    Two steps are the same event exactly when source, segment and time agree, wherever in the batch they sit. A pair (t, t+k)
    counts when both are valid, of one source and segment, and their times differ by k. Where an encoder reads its source in
    several orders (a picture downwards, upwards, ...), view says which: steps of different views never compete, so that each
    event stands once among the candidates of an anchor.
    """

    source: Tensor
    group: Tensor
    segment: Tensor
    time: Tensor
    valid: Tensor
    view: Tensor

    def flat(self) -> Steps:
        """The same steps with [B, T] laid out as [B*T]."""
        return Steps(*(getattr(self, f.name).reshape(-1) for f in fields(self)))

    def take(self, index: Tensor) -> Steps:
        """The steps at `index` of the flat layout, in the shape of `index`."""
        return Steps(*(getattr(self, f.name).reshape(-1)[index] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Layout:
    """How many sequences an encoder makes of one window, as neighbouring rows of z_BTD: window by window, view by view, and within a view
    column by column. A sentence, a recording, a row of sensors is one; a picture is as many as it has columns.

    augmentations: how often training lays out the same steps, each time varied anew. With 2, targets are of another variation than the
    steps that predict them, so that what varies cannot help to predict.
    """

    views: int = 1
    columns: int = 1
    augmentations: int = 1

    @property
    def sequences(self) -> int:
        return self.views * self.columns


ONE_SEQUENCE = Layout()


@dataclass(frozen=True, slots=True)
class Spans:
    """Who competes for each of M anchors, where a pool of `size` members is sorted so that competitors are neighbours: the members n with
    first <= n < last, once each, but for the hole skip <= n < resume within them. All [M] int64. As a function it is the mask [m, n] of a
    block of anchors and members."""

    first: Tensor
    last: Tensor
    skip: Tensor
    resume: Tensor
    size: int

    def __call__(self, rows: slice, columns: slice) -> Tensor:
        first, last, skip, resume = (column[rows, None] for column in (self.first, self.last, self.skip, self.resume))
        member = self.first.new_ones(self.size).cumsum(0)[columns] - 1
        return (first <= member) & (member < last) & ~((skip <= member) & (member < resume))

    def order(self) -> Tensor:
        """[M] the anchors, those of one span behind each other."""
        return (self.first * (self.size + 1) + self.last).argsort(stable=True)

    def take(self, index: Tensor) -> Spans:
        """The spans of the anchors at `index`."""
        return Spans(*(column[index] for column in (self.first, self.last, self.skip, self.resume)), size=self.size)

    @property
    def count(self) -> Tensor:
        """[M] competitors of each anchor."""
        return self.last - self.first - (self.resume - self.skip)


@dataclass(frozen=True, slots=True)
class Draw:
    """Who competes for M anchors. pool_N: positions in the flat layout [B*T] of the N members; multiplicity(rows, columns): block [m, n],
    bool or float32, how often each member competes for each anchor; it need never exist whole; spans: the same, where the pool is sorted so
    that it can be said so."""

    pool_N: Tensor
    multiplicity: Callable[[slice, slice], Tensor]
    spans: Spans | None = None
