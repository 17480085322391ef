"""A gated recurrent unit joined with running means of the steps.

It suits pasts in which content matters more than order.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from annotated_types import Ge, Le, MinLen
from torch import Tensor, nn

from torchcpc.contexts.recurrent import Layers, RecurrentContext
from torchcpc.contracts import ONE_SEQUENCE, CPCError, Layout, Size

# Added to the variance, as in batch norm. Otherwise, a column that was silent in training would become huge at the first
# word that activates it.
_LEAST = 1e-5
# Share of the newest batch in the statistics, which thus cover about the last hundred batches while the encoder changes.
_NEWEST = 0.02
# Steps averaged by one product. A longer sequence continues from the mean that they leave.
_TOGETHER = 64
# Standardised steps and means of a few steps are larger than the outputs of a GRU. At a tenth of their size, one learning
# rate serves the predictor of both.
_GAIN = 0.1


class Standardised(nn.Module):
    """z [..., D] -> (z - mean_D) / deviation_D, with unit variance and without the part that all steps share.

    After a rectifier, the mean of the words of a sentence is nearly the same vector for all sentences. Only a small
    remainder distinguishes them. A recurrence or a predictor on the raw vectors learns little until it has learned what to
    ignore.

    In training, statistics are averages over past batches, never over the present one. Steps of a batch therefore tell each
    other nothing (Henaff et al. 2020, arXiv:1905.09272, section 4.1, on batch norm). Steps that are all zero, such as those
    after the end of a short text, do not count. The statistics are buffers that are saved with the weights and fixed in
    evaluation. With several processes, all use those of the first. No gradient passes through them. The first batch of all
    passes through unchanged.

    Args:
        dim: Width D.
    """

    mean_D: Tensor
    square_D: Tensor
    seen: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean_D", torch.zeros(dim))
        self.register_buffer("square_D", torch.zeros(dim))
        # In the first few hundred batches, the weights of the averages so far sum to this, not to 1.
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, z: Tensor) -> Tensor:
        """Standardise steps, and in training learn from them.

        Args:
            z: Steps, [..., D].
        """
        weight = self.seen.clamp(min=_NEWEST)
        mean_D = self.mean_D / weight
        variance_D = torch.where(self.seen > 0, (self.square_D / weight - mean_D.square()).clamp(min=0) + _LEAST, 1.0)
        if self.training:
            self._learn(z.detach().flatten(0, -2).to(self.mean_D.dtype))
        return (z - mean_D) / variance_D.sqrt()

    @torch.no_grad()
    def _learn(self, z_MD: Tensor) -> None:
        real_M1 = (z_MD != 0).any(dim=1, keepdim=True)
        share_M1, newest = real_M1 / real_M1.sum().clamp(min=1), _NEWEST * real_M1.any()
        self.mean_D.lerp_((share_M1 * z_MD).sum(dim=0), newest)
        self.square_D.lerp_((share_M1 * z_MD.square()).sum(dim=0), newest)
        self.seen.lerp_(torch.ones_like(self.seen), newest)


class RunningMeans(nn.Module):
    """z_BTD -> c_BTC = [GRU(x)_t, 0.1 m_t for each of `spans`].

    x is the standardised z, and m_t = m_{t-1} + (x_t - m_{t-1}) / span. A span of 1 is the step itself. C = dim + D *
    number of spans.

    Words that return from one sentence to the next are a bilinear score of means, so a GRU need not copy them. `Bilinear`
    can begin with that score (`identity_scale`). The steps of which a mean was just made are then no fair candidates
    (docs/notebook/2026-11-26-reasons-text.md). Like the state of a GRU, means start at zero, which is the average step. The returned state
    continues a sequence that was cut.

    Args:
        latent_dim: Width of z.
        layout: How many sequences the encoder makes of one window.
        dim: Width of the GRU's part of c.
        layers: Recurrent layers on top of each other.
        spans: Steps that each running mean looks back over. 1 is the step itself.
    """

    def __init__(
        self,
        latent_dim: int,
        layout: Layout = ONE_SEQUENCE,
        *,
        dim: Size = 256,
        layers: Layers = 1,
        spans: Annotated[Sequence[Annotated[float, Ge(1), Le(1e6)]], MinLen(1)] = (1, 5),
    ) -> None:
        super().__init__()
        if not spans or min(spans) < 1:
            raise CPCError(f"context.spans = {list(spans)}: one or more numbers of steps, each at least 1 (the step itself).")
        self.standardised = Standardised(latent_dim)
        self.recurrent = RecurrentContext(latent_dim, layout, dim=dim, layers=layers)
        self.spans, self.dim = tuple(spans), dim + len(spans) * latent_dim
        self._parts = (layers * dim, *[latent_dim] * len(spans))

    def forward(self, z_BTD: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return c and the state after the last step.

        Args:
            z_BTD: Steps.
            state: State of an earlier call, [1, B, layers * dim + D * spans]. None at the start of a sequence.
        """
        # As for a GRU, sums over time are float32 under any autocast.
        with torch.autocast(z_BTD.device.type, enabled=False):
            x_BTD = self.standardised(z_BTD.float())
            # shape[0] and not len, because the first stays a variable in an exported graph.
            begun = x_BTD.new_zeros(1, x_BTD.shape[0], sum(self._parts)) if state is None else state
            of_gru, *means = begun[0].split(self._parts, dim=1)
            c_BTC, of_gru = self.recurrent(x_BTD, of_gru.unflatten(1, (-1, self.recurrent.dim)).transpose(0, 1).contiguous())
            made, kept = [c_BTC], [of_gru.transpose(0, 1).flatten(1)]
            for span, mean_BD in zip(self.spans, means, strict=True):
                m_BTD = running_mean(x_BTD, mean_BD, span)
                made.append(_GAIN * m_BTD)
                kept.append(m_BTD[:, -1])
            return torch.cat(made, dim=2), torch.cat(kept, dim=1).unsqueeze(0)


def running_mean(x_BTD: Tensor, mean_BD: Tensor, span: float) -> Tensor:
    """Return the means m_t = m_{t-1} + (x_t - m_{t-1}) / span.

    Each stretch of steps is one product with a lower triangular matrix.

    Args:
        x_BTD: Steps.
        mean_BD: Mean before the first step.
        span: Steps that the mean looks back over.
    """
    stay = 1 - 1 / span
    made = []
    # An exported graph has no loop whose length depends on its input. There all steps are one stretch, with T x T weights.
    for part_BtD in (x_BTD,) if torch.onnx.is_in_onnx_export() else x_BTD.split(_TOGETHER, dim=1):
        t = torch.arange(part_BtD.shape[1], dtype=x_BTD.dtype, device=x_BTD.device)
        ago_tt = t[:, None] - t
        weight_tt = torch.where(ago_tt >= 0, stay ** ago_tt.clamp(min=0), 0.0) / span
        m_BtD = weight_tt @ part_BtD + (stay ** (t + 1))[:, None] * mean_BD[:, None]
        mean_BD = m_BtD[:, -1]
        made.append(m_BtD)
    return torch.cat(made, dim=1)
