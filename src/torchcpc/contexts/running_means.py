"""A gated recurrent unit beside running means of the steps, for pasts of which it matters more what was said than in what order."""

from collections.abc import Sequence
from typing import Annotated

import torch
from annotated_types import Ge, Le, MinLen
from torch import Tensor, nn

from torchcpc.contexts.recurrent import Layers, RecurrentContext
from torchcpc.contracts import ONE_SEQUENCE, CPCError, Layout, Size

# Added to the variance, as in batch norm: a column that was silent in training must not be made a giant by the first word that wakes it.
_LEAST = 1e-5
# Share of the newest batch in the statistics: those of the last hundred batches or so, as the encoder goes on changing.
_NEWEST = 0.02
# Steps averaged by one product; a longer sequence goes on from the mean that they leave.
_TOGETHER = 64
# Standardised steps, and means of a few, enter beside a GRU's small outputs: at a tenth one learning rate serves the predictor of both.
_GAIN = 0.1


class Standardised(nn.Module):
    """z [..., D] -> (z - mean_D) / deviation_D, of unit variance and without the part that all steps have in common.

    The mean of a sentence's words behind a rectifier is nearly the same vector for all sentences, and what tells them apart is a
    small rest: a recurrence, or a predictor, on the raw vectors learns little until it has found out what to ignore.

    Statistics are averages over past batches in training, never over the present one: steps of a batch tell each other nothing (Henaff et
    al. 2020, arXiv:1905.09272, section 4.1, on batch norm). Steps that are all zero, as behind the end of a short text, do not count.
    They are buffers, saved with the weights, and stand still in evaluation; of several processes, those of the first are everyone's. No
    gradient passes through them. The first batch of all goes through unchanged."""

    mean_D: Tensor
    square_D: Tensor
    seen: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean_D", torch.zeros(dim))
        self.register_buffer("square_D", torch.zeros(dim))
        # The weights of all averages so far add up to this, not to 1, in the first few hundred batches.
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, z: Tensor) -> Tensor:
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
    """z_BTD -> c_BTC = [GRU(x)_t, 0.1 m_t for each of `spans`], x the standardised z and m_t = m_{t-1} + (x_t - m_{t-1}) / span.

    A span of 1 is the step itself. Words that come back from one sentence to the next are a bilinear score of means, without a GRU's
    having to copy them, and `Bilinear` can begin with that score (`identity_scale`). The steps a mean was just made of are then no
    fair candidates (docs/decisions.md, Text). C = dim + D * number of spans.

    Like a GRU's state, means start at zero, which is the average step, and the
    returned state goes on where a sequence was cut.

    Args:
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
        """state: [1, B, layers * dim + D * spans]."""
        # As for a GRU: sums over time are float32 whatever the autocast.
        with torch.autocast(z_BTD.device.type, enabled=False):
            x_BTD = self.standardised(z_BTD.float())
            # shape[0], not len: in an exported graph the first stays a variable.
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
    """m_BTD of m_t = m_{t-1} + (x_t - m_{t-1}) / span, begun with mean_BD: a lower triangular product for every stretch of steps."""
    stay = 1 - 1 / span
    made = []
    # An exported graph has no loop whose turns depend on its input: there all steps are one stretch, whose weights are T x T.
    for part_BtD in (x_BTD,) if torch.onnx.is_in_onnx_export() else x_BTD.split(_TOGETHER, dim=1):
        t = torch.arange(part_BtD.shape[1], dtype=x_BTD.dtype, device=x_BTD.device)
        ago_tt = t[:, None] - t
        weight_tt = torch.where(ago_tt >= 0, stay ** ago_tt.clamp(min=0), 0.0) / span
        m_BtD = weight_tt @ part_BtD + (stay ** (t + 1))[:, None] * mean_BD[:, None]
        mean_BD = m_BtD[:, -1]
        made.append(m_BtD)
    return torch.cat(made, dim=1)
