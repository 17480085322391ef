"""Tensors with their metadata: a batch of windows, the steps made of it, and the competitors of each anchor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Window:
    """A batch of B stretches of raw input, padded at the end to one length S.

    Attributes:
        x: The input, [B, S, ...] float.
        source: The number of the source of each stretch, [B] int64. A source is a recording, a document or a series.
        group: The number of the group, such as the speaker, [B] int64.
        start: The raw position of x[:, 0] within the source, [B] int64.
        length: How many of the S positions are not padding, [B] int64.
    """

    x: Tensor
    source: Tensor
    group: Tensor
    start: Tensor
    length: Tensor

    def to(self, device: torch.device | str) -> Self:
        """Return the window on another device. Apple's devices have no float64, so there x becomes float32."""
        single = str(device).startswith("mps")
        columns = (getattr(self, field.name) for field in fields(self))
        return type(self)(*(x.float().to(device) if single and x.is_floating_point() else x.to(device) for x in columns))


@dataclass(frozen=True, slots=True)
class Steps:
    """The metadata of every step of z_BTD.

    Two steps are the same event if source, segment and time agree, wherever they are in the batch. A pair (t, t+k)
    counts if both steps are valid, of one source and segment, and k apart in time.

    Attributes:
        source: The number of the source, [B, T] int64.
        group: The number of the group, [B, T] int64.
        segment: The number of the segment within the source, [B, T] int64.
        time: The time of the step within the segment, in steps, [B, T] int64.
        valid: Whether the step was observed and is not padding, [B, T] bool.
        view: The order in which the encoder read the source, [B, T] int64. A picture may be read downwards and
            upwards. Steps of different views never compete, so each event occurs once among the candidates of an
            anchor.
    """

    source: Tensor
    group: Tensor
    segment: Tensor
    time: Tensor
    valid: Tensor
    view: Tensor

    def flat(self) -> Steps:
        """Return the same steps with [B, T] flattened to [B*T]."""
        return Steps(*(getattr(self, f.name).reshape(-1) for f in fields(self)))

    def take(self, index: Tensor) -> Steps:
        """Return the steps at positions `index` of the flat layout, in the shape of `index`."""
        return Steps(*(getattr(self, f.name).reshape(-1)[index] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Layout:
    """How many sequences an encoder makes of one window.

    A sentence, a recording or a series gives one sequence. A picture gives one per column. The sequences are
    neighbouring rows of z_BTD, ordered by window, then view, then column.

    Attributes:
        views: The number of orders in which a window is read.
        columns: The number of sequences per view.
        augmentations: How often training encodes the same steps, each time with another random augmentation. With 2,
            targets and predictions see different augmentations, so what varies cannot help to predict.
    """

    views: int = 1
    columns: int = 1
    augmentations: int = 1

    @property
    def sequences(self) -> int:
        """The number of sequences per window."""
        return self.views * self.columns


ONE_SEQUENCE = Layout()


@dataclass(frozen=True, slots=True)
class Spans:
    """The competitors of M anchors, as spans of a sorted pool.

    The pool of `size` members is sorted so that the competitors of an anchor are neighbours. These are the members
    first <= n < last, without the hole skip <= n < resume. All tensors are [M] int64. Calling it with a block of
    anchors and members returns the mask [m, n].

    Attributes:
        first: The first competitor.
        last: One past the last competitor.
        skip: The first member of the hole.
        resume: One past the last member of the hole.
        size: The number of members in the pool.
    """

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
        """Return the order [M] that puts anchors with the same span next to each other."""
        return (self.first * (self.size + 1) + self.last).argsort(stable=True)

    def take(self, index: Tensor) -> Spans:
        """Return the spans of the anchors at `index`."""
        return Spans(*(column[index] for column in (self.first, self.last, self.skip, self.resume)), size=self.size)

    @property
    def count(self) -> Tensor:
        """The number of competitors of each anchor, [M]."""
        return self.last - self.first - (self.resume - self.skip)


@dataclass(frozen=True, slots=True)
class Draw:
    """The competitors of M anchors.

    Attributes:
        pool_N: Positions of the N members in the flat layout [B*T].
        multiplicity: A function (rows, columns) that returns a block [m, n], bool or float32: how often each member
            competes for each anchor. The whole matrix is never needed at once.
        spans: The same competitors as spans, where the pool is sorted. Otherwise None.
    """

    pool_N: Tensor
    multiplicity: Callable[[slice, slice], Tensor]
    spans: Spans | None = None
