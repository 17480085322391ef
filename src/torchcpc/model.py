"""The model, whole: an encoder, a context and a predictor (arXiv:1807.03748, fig. 1 and eq. 3)."""

from __future__ import annotations

from torch import Tensor, nn

from torchcpc.contracts import Context, Encoder, Predictor


class CPC(nn.Module):
    """x [B, S, ...] -> encoder -> z_BTD -> context -> c_BTC -> predictor -> p_BTKD; the score of candidate z is p . z, in nats."""

    encoder: Encoder
    context: Context
    predictor: Predictor

    def __init__(self, encoder: Encoder, context: Context, predictor: Predictor) -> None:
        super().__init__()
        self.encoder, self.context, self.predictor = encoder, context, predictor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z_BTD = self.encoder(x)
        c_BTC, _ = self.context(z_BTD)
        return z_BTD, c_BTC, self.predictor(c_BTC)
