"""The parts of a model, and the model: torch modules that the other rooms know by these protocols alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from torch import Tensor, nn

    from torchcpc.contracts.batches import Layout, Steps, Window


class Encoder(Protocol):
    """x [B, S, ...] -> z_BTD. Step t may see raw positions up to and including (t+1)*stride - 1 and none after. z has layout.sequences rows
    for each window; the other rooms call the number of rows B."""

    dim: int
    stride: int
    receptive_field: int
    row_shape: tuple[int, ...]
    """Shape of one raw position: () for samples, (features,) for rows, (width, colours) for rows of pixels."""
    layout: Layout
    takes_missing: bool
    """Whether NaN in x is a missing value to it, as it is to encoders of sensors."""

    def __call__(self, x: Tensor) -> Tensor: ...

    def steps(self, window: Window) -> Steps:
        """The metadata of the steps that this encoder makes of a window."""
        ...


class Context(Protocol):
    """z_BTD -> c_BTC, causal in T; `state` resumes where an earlier call ended (None: at the start of a sequence). Built from the width of
    z and its Layout, since a context may look across the columns of one window."""

    dim: int

    def __call__(self, z_BTD: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]: ...


class Predictor(Protocol):
    """c_BTC -> p_BTKD, whose dot product with z_{t+k} is the score F_k in nats, for each k of `horizons`."""

    horizons: tuple[int, ...]

    def __call__(self, c_BTC: Tensor) -> Tensor: ...


class Model(Protocol):
    """Encoder, context and predictor as one torch module, in training or in evaluation mode."""

    encoder: Encoder
    context: Context
    predictor: Predictor
    training: bool

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x [B, S, ...] -> z_BTD, c_BTC, p_BTKD."""
        ...

    def train(self, mode: bool = True) -> Self: ...
    def eval(self) -> Self: ...
    def parameters(self) -> Iterator[nn.Parameter]: ...

    def score(self, c_AC: Tensor, z_ND: Tensor, log_partition: LogPartition) -> Tensor:
        """[A, N, K] calibrated log p(x_{t+k} | c) / p(x_{t+k}) in nats, for A contexts and N candidates."""
        ...


class LogPartition(Protocol):
    """p_AKD -> log_z_AK: log E_{p(x)} exp F_k(x, c) of A contexts with predictions p_k(c), in nats."""

    def __call__(self, p_AKD: Tensor, /) -> Tensor: ...
