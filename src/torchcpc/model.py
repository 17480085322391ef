"""The model, whole: an encoder, a context and a predictor (arXiv:1807.03748, fig. 1 and eq. 3)."""

from torch import Tensor, nn

from torchcpc.contracts import Context, Encoder, LogPartition, Predictor
from torchcpc.streaming import Stream


class CPCModel(nn.Module):
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
        if self.training and self.encoder.layout.augmentations > 1:
            # Another variation of the same steps, as targets (Kharitonov et al. 2021).
            z_BTD = self.encoder(x)
        return z_BTD, c_BTC, self.predictor(c_BTC)

    def score(self, c_AC: Tensor, z_ND: Tensor, log_partition: LogPartition) -> Tensor:
        """[A, N, K] calibrated log p(x_{t+k} | c) / p(x_{t+k}) in nats, for A contexts and N candidates. log_partition: a
        `scores.calibration.Sample` of marginal steps, or its `scores.amortised.Amortised` form."""
        p_AKD = self.predictor(c_AC.unsqueeze(0)).squeeze(0)
        return (p_AKD @ z_ND.t() - log_partition(p_AKD).unsqueeze(-1)).transpose(1, 2)

    def stream(self, log_partition: LogPartition | None = None) -> Stream:
        """A new stream: `push` chunks as they arrive, take z, c and the score of every step as it was predicted k steps before.
        log_partition: as for `score`; without it there is the raw score and no PMI. In evaluation mode."""
        return Stream(self, log_partition)
