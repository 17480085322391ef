"""The CPC objective: the predictions of a model, contrasted for every pair (t, t+k) that counts."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Draw, Model, Steps, Window
from torchcpc.objectives.streamed import Contrasted, contrast_pool


class Candidates(Protocol):
    """Chooses the competitors of each anchor. See `scores.candidates`."""

    def draw(self, steps: Steps, target_M: Tensor, generator: torch.Generator) -> Draw:
        """Return who competes for each target."""
        ...


class Anchors(NamedTuple):
    """The M pairs that count. All tensors are [M].

    Attributes:
        horizon_M: The index of the horizon.
        anchor_M: The position of step t in the flat layout [B*T].
        target_M: The position of step t+k in the flat layout.
    """

    horizon_M: Tensor
    anchor_M: Tensor
    target_M: Tensor


def anchors(steps: Steps, horizons: tuple[int, ...]) -> Anchors:
    """Return every pair (t, t+k), ordered by horizon. Both steps are valid, of one source and segment, and k apart in time."""
    B, T = steps.valid.shape
    position_BT = torch.arange(B * T, device=steps.valid.device).view(B, T)
    parts = []
    for index, k in enumerate(horizons):
        now, then = slice(0, max(0, T - k)), slice(k, None)
        counts = steps.valid[:, now] & steps.valid[:, then] & (steps.time[:, then] - steps.time[:, now] == k)
        for same in (steps.source, steps.segment):
            counts &= same[:, now] == same[:, then]
        anchor = position_BT[:, now][counts]
        parts.append((torch.full_like(anchor, index), anchor, position_BT[:, then][counts]))
    return Anchors(*(torch.cat(column) for column in zip(*parts, strict=True)))


class Contrast:
    """The mean InfoNCE loss over the pairs of each horizon, then over horizons.

    Calling it with (model, window, generator) returns the scalar loss in nats and a dict of metrics. Each metric is a
    tensor [K] over the horizons:

    - loss_per_k: the mean loss.
    - bound_per_k: mean log N minus the loss. N is counted for each row.
    - ceiling_per_k: mean log N.
    - accuracy_per_k: how often the positive scores above all competitors.
    - pairwise_per_k: how often it scores above a single competitor.
    - chance_per_k: mean 1/N.
    - pairs_per_k: the number of pairs.

    Ties count as a fair draw, so constant scores give exactly the chance level. A horizon without pairs is NaN and
    does not enter the mean.

    Args:
        candidates: Chooses the competitors.
    """

    def __init__(self, candidates: Candidates) -> None:
        self.candidates = candidates

    def __call__(self, model: Model, window: Window, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        pairs, rows = self.rows(model, window, generator)
        K = len(model.predictor.horizons)
        pairs_K = torch.bincount(pairs.horizon_M, minlength=K).to(rows.loss_M.dtype)

        def mean(values_M: Tensor) -> Tensor:
            return torch.zeros_like(pairs_K).index_add_(0, pairs.horizon_M, values_M) / pairs_K

        log_n_M = rows.candidates_M.log()
        return rows.loss, {
            "loss_per_k": mean(rows.loss_M),
            "bound_per_k": mean(log_n_M - rows.loss_M),
            "ceiling_per_k": mean(log_n_M),
            "accuracy_per_k": mean(top1(rows)),
            "pairwise_per_k": mean(pairwise(rows)),
            "chance_per_k": mean(1 / rows.candidates_M),
            "pairs_per_k": pairs_K,
        }

    def rows(self, model: Model, window: Window, generator: torch.Generator) -> tuple[Anchors, Contrasted]:
        """Return the pairs and their losses, one per anchor. Bounds with intervals by source need these.

        Raises:
            CPCError: If no pair of the batch counts.
        """
        z_BTD, _, p_BTKD = model(window.x)
        steps, horizons = model.encoder.steps(window), model.predictor.horizons
        pairs = anchors(steps, horizons)
        if len(pairs.anchor_M) == 0:
            raise CPCError(
                f"no pair (t, t+k) in this batch for any k of {horizons}: its longest sequence has {int(steps.valid.sum(1).max())} "
                f"steps, and at least {horizons[0] + 1} are needed. Use longer windows or predict fewer steps ahead."
            )
        draw = self.candidates.draw(steps, pairs.target_M, generator)
        if (spans := draw.spans) is not None:
            # Neighbouring anchors of one view or group meet their part of the pool without a gather.
            order_M = spans.order()
            pairs, spans = Anchors(*(column[order_M] for column in pairs)), spans.take(order_M)
        pairs_K = torch.bincount(pairs.horizon_M, minlength=len(horizons))
        weight_M = 1 / (pairs_K[pairs.horizon_M] * (pairs_K > 0).sum()).float()
        z_PD, p_QD = z_BTD.flatten(0, 1), p_BTKD.flatten(0, 2)
        query_MD = p_QD.index_select(0, pairs.anchor_M * len(horizons) + pairs.horizon_M)
        positive_MD, pool_ND = z_PD.index_select(0, pairs.target_M), z_PD.index_select(0, draw.pool_N)
        return pairs, contrast_pool(query_MD, positive_MD, pool_ND, draw.multiplicity, weight_M, spans)


def top1(rows: Contrasted) -> Tensor:
    """Return the probability that the positive ranks first, [M]. Ties are broken at random."""
    return torch.where(rows.above_M == 0, 1 / (1 + rows.tied_M), 0.0)


def pairwise(rows: Contrasted) -> Tensor:
    """Return the fraction of competitors that score below the positive, [M]. Ties count as half."""
    return 1 - (rows.above_M + rows.tied_M / 2) / (rows.candidates_M - 1)
