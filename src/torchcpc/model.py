"""The model: an encoder, a context and a predictor (arXiv:1807.03748, fig. 1 and eq. 3)."""

from torch import Tensor, nn

from torchcpc.contracts import Context, Encoder, LogPartition, Predictor
from torchcpc.streaming import Stream


class CPCModel(nn.Module):
    """The CPC model as one torch module.

    The input x [B, S, ...] passes through the encoder (z_BTD), the context (c_BTC) and the predictor (p_BTKD). The
    score of a candidate z at horizon k is the dot product of p_k and z, in nats.

    Args:
        encoder: Maps raw positions to steps z.
        context: Summarises all steps so far as c.
        predictor: Predicts the steps ahead from c, one vector per horizon.
    """

    encoder: Encoder
    context: Context
    predictor: Predictor

    def __init__(self, encoder: Encoder, context: Context, predictor: Predictor) -> None:
        super().__init__()
        self.encoder, self.context, self.predictor = encoder, context, predictor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return z [B, T, D], c [B, T, C] and predictions p [B, T, K, D].

        In training mode, an encoder with several augmentations encodes x twice. The second version gives the targets
        z.

        Args:
            x: A batch of input [B, S, ...], with the rows that the encoder takes.
        """
        z_BTD = self.encoder(x)
        c_BTC, _ = self.context(z_BTD)
        if self.training and self.encoder.layout.augmentations > 1:
            # Another augmentation of the same steps gives the targets (Kharitonov et al. 2021).
            z_BTD = self.encoder(x)
        return z_BTD, c_BTC, self.predictor(c_BTC)

    def score(self, c_AC: Tensor, z_ND: Tensor, log_partition: LogPartition) -> Tensor:
        """Return calibrated scores log p(x_{t+k} | c) / p(x_{t+k}), in nats.

        Args:
            c_AC: A contexts, [A, C].
            z_ND: N candidates, [N, D].
            log_partition: Gives log Z of a context: a `scores.calibration.Sample`, or its
                `scores.amortised.Amortised` form.

        Returns:
            The scores [A, N, K], one for each context, candidate and horizon.
        """
        p_AKD = self.predictor(c_AC.unsqueeze(0)).squeeze(0)
        return (p_AKD @ z_ND.t() - log_partition(p_AKD).unsqueeze(-1)).transpose(1, 2)

    def stream(self, log_partition: LogPartition | None = None) -> Stream:
        """Start a stream that takes chunks of input as they arrive. Put the model into evaluation mode first.

        Args:
            log_partition: Gives log Z, as in `score`. Default: no PMI, only raw scores.

        Returns:
            A new stream.
        """
        return Stream(self, log_partition)
