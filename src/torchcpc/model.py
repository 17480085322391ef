"""The model, whole: an encoder, a context and a predictor (arXiv:1807.03748, fig. 1 and eq. 3)."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from torchcpc.contracts import Context, Encoder, Predictor


class CPC(nn.Module):
    """x [B, S, ...] -> encoder -> z_BTD -> context -> c_BTC -> predictor -> p_BTKD; the score of candidate z is p . z, in nats."""

    def __init__(self, encoder: Encoder, context: Context, predictor: Predictor) -> None:
        super().__init__()
        # Parts are modules; the casts only tell the type checker so, because a Protocol cannot require a base class.
        self.encoder, self.context, self.predictor = (cast(nn.Module, part) for part in (encoder, context, predictor))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z_BTD = self.encoder(x)
        c_BTC, _ = self.context(z_BTD)
        return z_BTD, c_BTC, self.predictor(c_BTC)
