"""Protocols of the model and its parts. Other rooms know these torch modules by the protocols alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from torch import Tensor, nn

    from torchcpc.contracts.batches import Layout, Steps, Window


class Encoder(Protocol):
    """Maps raw input x [B, S, ...] to steps z_BTD.

    Step t may see raw positions up to and including (t+1)*stride - 1, and none after. z has `layout.sequences` rows
    for each window. Other rooms call the number of these rows B.

    Attributes:
        dim: The width D of z.
        stride: Raw positions per step.
        receptive_field: Raw positions that one step sees.
        row_shape: The shape of one raw position: () for samples, (features,) for rows, (width, colours) for rows of
            pixels.
        layout: How many sequences one window gives.
        takes_missing: Whether NaN in x counts as a missing value, as for sensors.
    """

    dim: int
    stride: int
    receptive_field: int
    row_shape: tuple[int, ...]
    layout: Layout
    takes_missing: bool

    def __call__(self, x: Tensor) -> Tensor: ...

    def steps(self, window: Window) -> Steps:
        """Return the metadata of the steps that the encoder makes of a window."""
        ...


class Context(Protocol):
    """Maps steps z_BTD to contexts c_BTC, causally in T.

    A context is built from the width of z and the layout of the encoder, because it may look across the columns of
    one window. The returned state continues a sequence in a later call. A state of None means the start of a
    sequence.

    Attributes:
        dim: The width C of c.
    """

    dim: int

    def __call__(self, z_BTD: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]: ...


class Predictor(Protocol):
    """Maps contexts c_BTC to predictions p_BTKD. The score F_k is the dot product of p_k with z_{t+k}, in nats.

    Attributes:
        horizons: The steps ahead k that are predicted.
    """

    horizons: tuple[int, ...]

    def __call__(self, c_BTC: Tensor) -> Tensor: ...


class Model(Protocol):
    """Encoder, context and predictor as one torch module, in training or in evaluation mode."""

    encoder: Encoder
    context: Context
    predictor: Predictor
    training: bool

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map x [B, S, ...] to z_BTD, c_BTC and p_BTKD."""
        ...

    def train(self, mode: bool = True) -> Self: ...
    def eval(self) -> Self: ...
    def parameters(self) -> Iterator[nn.Parameter]: ...

    def score(self, c_AC: Tensor, z_ND: Tensor, log_partition: LogPartition) -> Tensor:
        """Return calibrated log p(x_{t+k} | c) / p(x_{t+k}) in nats, [A, N, K], for A contexts and N candidates."""
        ...


class LogPartition(Protocol):
    """Maps predictions p_AKD of A contexts to log Z [A, K] = log E_{p(x)} exp F_k(x, c), in nats."""

    def __call__(self, p_AKD: Tensor, /) -> Tensor: ...
