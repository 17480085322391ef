"""What the rooms agree on: axes, the shape of a batch, the parts of a model, and the one exception.

Axes, everywhere: B batch, T steps, D latent, C context, K horizons, M anchors, N candidates, S raw positions (samples, rows).
A name carries its axes as a suffix (`z_BTD`) where the axes are not obvious. Scores, losses and bounds are in nats.

This module imports nothing from the package, so that every room can lean on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor


class CPCError(Exception):
    """Anything the caller can mend. The message names the value, the rule it breaks and the next step."""


@dataclass(frozen=True, slots=True)
class Window:
    """B stretches of raw input, cut from their sources, padded at the end to one length S.

    x: [B, S, ...] float; source: [B] int64, which recording (document, subject) each came from; group: [B] int64, for instance
    the speaker; start: [B] int64, raw position of x[:, 0] within the source; length: [B] int64, how many of the S positions are real.
    """

    x: Tensor
    source: Tensor
    group: Tensor
    start: Tensor
    length: Tensor

    def to(self, device: torch.device | str) -> Self:
        return type(self)(*(getattr(self, f.name).to(device) for f in fields(self)))


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
    """How many sequences an encoder makes of one window, as neighbouring rows of z_BTD: window by window, view by view, and
    within a view column by column. A sentence, a recording, a row of sensors is one; a picture is as many as it has columns.

    voices: how often training lays out the same steps, each time varied anew. With 2, targets are of another variation than the
    steps that predict them, so that what varies cannot help to predict.
    """

    views: int = 1
    columns: int = 1
    voices: int = 1

    @property
    def sequences(self) -> int:
        return self.views * self.columns


ONE_SEQUENCE = Layout()


class Sequences(Protocol):
    """A collection of sources that can be read by position: what every reader offers and every cutter of windows takes."""

    def __len__(self) -> int: ...

    def length(self, index: int) -> int:
        """Raw positions in source `index`."""
        ...

    def group(self, index: int) -> int:
        """The group (speaker, subject) of source `index`, as a number from 0."""
        ...

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Positions start .. start+count of source `index`: float32 [count, ...]; shorter where the source ends.

        rng: for a training window, from which a reader that varies its sources (crops, flips) draws the variation.
        """
        ...


class Encoder(Protocol):
    """x [B, S, ...] -> z_BTD. Step t may see raw positions up to and including (t+1)*stride - 1 and none after.

    z has layout.sequences rows for each window; the other rooms call the number of rows B.
    """

    dim: int
    stride: int
    receptive_field: int
    row_shape: tuple[int, ...]
    """Shape of one raw position: () for samples, (features,) for rows, (width, colours) for rows of pixels."""
    layout: Layout

    def __call__(self, x: Tensor) -> Tensor: ...

    def steps(self, window: Window) -> Steps:
        """The metadata of the steps that this encoder makes of a window."""
        ...


class Context(Protocol):
    """z_BTD -> c_BTC, causal in T; `state` resumes where an earlier call ended (None: at the start of a sequence).

    Built from the width of z and its Layout, since a context may look across the columns of one window.
    """

    dim: int

    def __call__(self, z_BTD: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]: ...


class Predictor(Protocol):
    """c_BTC -> p_BTKD, whose dot product with z_{t+k} is the score F_k in nats, for each k of `horizons`."""

    horizons: tuple[int, ...]

    def __call__(self, c_BTC: Tensor) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Spans:
    """Who competes for each of M anchors, where a pool of `size` members is sorted so that competitors are neighbours: the members
    first <= n < last, once each, but for the hole skip <= n < resume within them. All [M] int64.

    As a function it is the mask [m, n] of a block of anchors and members.
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
        """[M] the anchors, those of one span behind each other."""
        return (self.first * (self.size + 1) + self.last).argsort(stable=True)

    def take(self, index: Tensor) -> Spans:
        """The spans of the anchors at `index`."""
        return Spans(*(column[index] for column in (self.first, self.last, self.skip, self.resume)), size=self.size)

    @property
    def count(self) -> Tensor:
        """[M] competitors of each anchor."""
        return self.last - self.first - (self.resume - self.skip)


class LogPartition(Protocol):
    """p_AKD -> log_z_AK: log E_{p(x)} exp F_k(x, c) of A contexts with predictions p_k(c), in nats."""

    def __call__(self, p_AKD: Tensor, /) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number: never without its unit, its sample size and, where there is one, its 95 % interval."""

    name: str
    value: float
    unit: str
    n: int
    low: float | None = None
    high: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
