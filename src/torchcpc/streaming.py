"""The model on raw input as it arrives: the same z, c and scores as on the whole sequence, whatever the chunks, in constant memory.

A step sees `receptive_field` raw positions, so the encoder is run again over the few whole steps before the new ones, which are dropped. At
the very start nothing is held, and the encoder pads as it does for a whole sequence. Against a cache inside every layer that costs a
handful of steps a chunk; what it buys is that every encoder streams by its `receptive_field` alone.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from torchcpc.contracts import CPCError, LogPartition, Model, Window


class Streamed(NamedTuple):
    """The steps that one chunk completed, T of them and often none.

    first: number of the first of them since the stream began; score_BTK: F_k = p_k(c_{t-k}) . z_t, the raw score of each step as it was
    predicted k steps before, known up to a function of c_{t-k}; pmi_BTK: F_k - log Z_k(c_{t-k}), nats, None where the stream was given no
    log Z; surprise is -pmi. Where t - k lies before the stream began, and where nothing of the step was observed (sensors), both are NaN.
    """

    first: int
    z_BTD: Tensor
    c_BTC: Tensor
    score_BTK: Tensor
    pmi_BTK: Tensor | None


class Stream:
    """Takes chunks of B sequences, or of one, that go on where the last chunk ended; holds what the next step needs and no more.
    log_partition: log Z_k of a context's prediction (`scores.calibration.Sample` or its `scores.amortised.Amortised` form). The model is
    used as it is: put it into evaluation mode first."""

    def __init__(self, model: Model, log_partition: LogPartition | None = None) -> None:
        encoder, weight = model.encoder, next(model.parameters())
        if encoder.layout.sequences > 1:
            raise CPCError(
                f"a stream is one sequence, and this encoder makes {encoder.layout.sequences} of each input (a picture's columns). Give "
                "the model whole inputs instead."
            )
        self.encoder, self.context, self.predictor, self.log_partition = encoder, model.context, model.predictor, log_partition
        self.dtype, self.device = weight.dtype, weight.device
        # Whole steps, so that what is held begins where a step of the whole sequence does.
        self._history = -(-(encoder.receptive_field - encoder.stride) // encoder.stride)
        self._steps = 0
        self._raw: Tensor | None = None
        self._state: Tensor | None = None
        self._p_BTKD: Tensor | None = None
        self._log_z_BTK: Tensor | None = None

    @torch.inference_mode()
    def push(self, chunk: Tensor) -> Streamed:
        """The steps that `chunk` completes; it may be empty, of one position, or longer than any window. chunk: [S, ...] or [B, S, ...]
        of the encoder's rows (audio: [S] or [B, S]), the same B throughout. Raises CPCError, and leaves the stream as it was, for another
        shape or dtype and for values that are not finite; NaN is a missing value to encoders of sensors, and they take it."""
        raw = _joined(self._raw, self._checked(chunk))  # a copy, for the caller may reuse its buffer
        B, stride, held = len(raw), self.encoder.stride, min(self._steps, self._history)
        new = raw.shape[1] // stride - held
        if not new:
            self._raw, sizes = raw, (self.encoder.dim, self.context.dim, len(self.predictor.horizons))
            z_BTD, c_BTC, score_BTK = (torch.zeros(B, 0, size, dtype=self.dtype, device=self.device) for size in sizes)
            return Streamed(self._steps, z_BTD, c_BTC, score_BTK, None if self.log_partition is None else score_BTK)
        z_BTD = self.encoder(raw)[:, held:]
        c_BTC, self._state = self.context(z_BTD, self._state)
        # The steps of which anything was observed, as they count in training.
        zero_B = torch.zeros(B, dtype=torch.int64, device=raw.device)
        seen_BT = self.encoder.steps(Window(raw, zero_B, zero_B, zero_B, zero_B + raw.shape[1])).valid[:, held:]
        first, self._steps = self._steps, self._steps + new
        # A copy: a view would keep the whole chunk alive.
        self._raw = raw[:, (held + new - min(self._steps, self._history)) * stride :].clone()
        return Streamed(first, z_BTD, c_BTC, *self._scores(z_BTD, c_BTC, seen_BT))

    def _scores(self, z_BTD: Tensor, c_BTC: Tensor, seen_BT: Tensor) -> tuple[Tensor, Tensor | None]:
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
        chunk = torch.as_tensor(chunk)  # what hardware and files give is often numpy
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
    """The kept steps and the fresh ones behind them, as one copy."""
    return torch.cat([fresh] if kept is None else [kept, fresh], dim=1)
