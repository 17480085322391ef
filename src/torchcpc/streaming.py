"""The model on input that arrives in chunks.

z, c and the scores are the same as on the whole sequence, whatever the size of the chunks. Memory stays constant.

A step sees `receptive_field` raw positions. So the encoder runs again over the few whole steps before the new ones,
and their output is dropped. At the start there is no history, and the encoder pads as it does for a whole sequence. A
cache inside every layer would save these few steps per chunk. Without one, any encoder can stream by its
`receptive_field` alone.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from torchcpc.contracts import CPCError, LogPartition, Model, Window


class Streamed(NamedTuple):
    """The T steps that one chunk completed. T is often 0.

    A score is NaN where t - k lies before the start of the stream. It is also NaN where no sensor was observed in the
    step.

    Attributes:
        first: The number of the first of these steps, counted from the start of the stream.
        z_BTD: The steps, [B, T, D].
        c_BTC: The contexts, [B, T, C].
        score_BTK: Raw scores F_k = p_k(c_{t-k}) . z_t of each step as predicted k steps before. They are known up to
            a function of c_{t-k}.
        pmi_BTK: F_k - log Z_k(c_{t-k}) in nats. None if the stream has no log Z. Surprise is -pmi.
    """

    first: int
    z_BTD: Tensor
    c_BTC: Tensor
    score_BTK: Tensor
    pmi_BTK: Tensor | None


class Stream:
    """A stream of B sequences that arrive in chunks. It stores only what the next step needs.

    The model is used in its present mode, so put it into evaluation mode first.

    Args:
        model: The model.
        log_partition: Gives log Z_k of a context: a `scores.calibration.Sample` or its `scores.amortised.Amortised`
            form. Default: no PMI.

    Raises:
        CPCError: If the encoder makes several sequences of one input, as for pictures.
    """

    def __init__(self, model: Model, log_partition: LogPartition | None = None) -> None:
        encoder, weight = model.encoder, next(model.parameters())
        if encoder.layout.sequences > 1:
            raise CPCError(
                f"a stream is one sequence, and this encoder makes {encoder.layout.sequences} of each input (a picture's columns). Give "
                "the model whole inputs instead."
            )
        self.encoder, self.context, self.predictor, self.log_partition = encoder, model.context, model.predictor, log_partition
        self.dtype, self.device = weight.dtype, weight.device
        # Whole steps, so that the history begins where a step of the whole sequence begins.
        self._history = -(-(encoder.receptive_field - encoder.stride) // encoder.stride)
        self._steps = 0
        self._raw: Tensor | None = None
        self._state: Tensor | None = None
        self._p_BTKD: Tensor | None = None
        self._log_z_BTK: Tensor | None = None

    @torch.inference_mode()
    def push(self, chunk: Tensor) -> Streamed:
        """Take the next chunk and return the steps that it completes.

        A chunk may be empty, a single position, or longer than any window. For encoders of sensors, NaN is a missing
        value.

        Args:
            chunk: New positions, [S, ...] or [B, S, ...] with the rows of the encoder. Audio is [S] or [B, S]. B
                stays the same in a stream.

        Returns:
            The completed steps with their scores.

        Raises:
            CPCError: If shape or dtype do not fit, or values are not finite. The stream stays as it was.
        """
        raw = _joined(self._raw, self._checked(chunk))  # a copy, because the caller may reuse its buffer
        B, stride, held = len(raw), self.encoder.stride, min(self._steps, self._history)
        new = raw.shape[1] // stride - held
        if not new:
            self._raw, sizes = raw, (self.encoder.dim, self.context.dim, len(self.predictor.horizons))
            z_BTD, c_BTC, score_BTK = (torch.zeros(B, 0, size, dtype=self.dtype, device=self.device) for size in sizes)
            return Streamed(self._steps, z_BTD, c_BTC, score_BTK, None if self.log_partition is None else score_BTK)
        z_BTD = self.encoder(raw)[:, held:]
        c_BTC, self._state = self.context(z_BTD, self._state)
        # Steps with at least one observed value. Training counts the same ones.
        zero_B = torch.zeros(B, dtype=torch.int64, device=raw.device)
        seen_BT = self.encoder.steps(Window(raw, zero_B, zero_B, zero_B, zero_B + raw.shape[1])).valid[:, held:]
        first, self._steps = self._steps, self._steps + new
        # A copy: a view would keep the whole chunk alive.
        self._raw = raw[:, (held + new - min(self._steps, self._history)) * stride :].clone()
        return Streamed(first, z_BTD, c_BTC, *self._scores(z_BTD, c_BTC, seen_BT))

    def _scores(self, z_BTD: Tensor, c_BTC: Tensor, seen_BT: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return raw scores and PMI of new steps, and store their predictions for later steps."""
        (B, T, _), horizons = z_BTD.shape, self.predictor.horizons
        p_BTKD = _joined(self._p_BTKD, self.predictor(c_BTC))
        before = p_BTKD.shape[1] - T
        score_BTK, pmi_BTK = z_BTD.new_full((B, T, len(horizons)), torch.nan), None
        known = [(index, max(k - before, 0), k) for index, k in enumerate(horizons) if k - before < T]
        for index, late, k in known:
            past_BTD = p_BTKD[:, before + late - k : before + T - k, index]
            score_BTK[:, late:, index] = (past_BTD * z_BTD[:, late:]).sum(dim=-1)
        score_BTK[~seen_BT] = torch.nan
        if self.log_partition is not None:
            fresh_BTK = self.log_partition(p_BTKD[:, before:].flatten(0, 1)).unflatten(0, (B, T))
            log_z_BTK, pmi_BTK = _joined(self._log_z_BTK, fresh_BTK), score_BTK.clone()
            for index, late, k in known:
                pmi_BTK[:, late:, index] -= log_z_BTK[:, before + late - k : before + T - k, index]
            self._log_z_BTK = log_z_BTK[:, -horizons[-1] :].clone()
        self._p_BTKD = p_BTKD[:, -horizons[-1] :].clone()
        return score_BTK, pmi_BTK

    def _checked(self, chunk: Tensor) -> Tensor:
        """Return a chunk as [B, S, ...] on the device of the model, or raise CPCError."""
        chunk = torch.as_tensor(chunk)  # hardware and files often give numpy arrays

        row = self.encoder.row_shape
        wanted = ", ".join(str(size) for size in ("positions", *row))
        if chunk.dim() not in (len(row) + 1, len(row) + 2) or chunk.shape[chunk.dim() - len(row) :] != row:
            raise CPCError(f"chunk of shape {tuple(chunk.shape)}: expected [{wanted}] or [batch, {wanted}].")
        if chunk.dtype != self.dtype and not (self.encoder.takes_missing and chunk.dtype == torch.float64):
            raise CPCError(
                f"chunk of {chunk.dtype}: the model takes {self.dtype}. Convert it as the training data was; 16-bit samples are "
                "divided by 32768."
            )
        if bool((chunk.isinf() if self.encoder.takes_missing else ~chunk.isfinite()).any()):
            raise CPCError(
                "a chunk holds NaN or infinity, which every later step would inherit: replace or leave out those positions."
            )
        chunk_BS = chunk if chunk.dim() == len(row) + 2 else chunk.unsqueeze(0)
        if self._raw is not None and len(chunk_BS) != len(self._raw):
            raise CPCError(
                f"a chunk of {len(chunk_BS)} sequences in a stream of {len(self._raw)}: start another stream for them."
            )
        return chunk_BS.to(self.device)


def _joined(kept: Tensor | None, fresh: Tensor) -> Tensor:
    """Return stored steps followed by new steps, as one copy."""
    return torch.cat([fresh] if kept is None else [kept, fresh], dim=1)
