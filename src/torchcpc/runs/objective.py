"""The loss and the validation of a prepared training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from torchcpc.contracts import Model, Window
from torchcpc.objectives import Contrast
from torchcpc.runs.prepare import Prepared
from torchcpc.scores import CANDIDATES
from torchcpc.settings import construct
from torchcpc.training.health import Metrics
from torchcpc.training.loop import Loss, Validate
from torchcpc.training.validation import held_out_bound

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def objective_of(prepared: Prepared, fabric: Fabric) -> tuple[Loss, Validate]:
    """Return the loss and the validation, as `training.loop.fit` takes them."""
    record = prepared.record
    contrast = Contrast(construct(CANDIDATES, record.settings["candidates"]))

    def loss(model: Model, window: Window, generator: torch.Generator) -> tuple[Tensor, Metrics]:
        value, metrics = contrast(model, window, generator)
        positions = window.length.sum() * fabric.world_size
        return value, {**metrics, "horizons": list(model.predictor.horizons), "positions": positions}

    def validate(model: Model) -> Metrics:
        return held_out_bound(model, contrast, prepared.held_out, seed=record.seed, device=fabric.device)

    return loss, validate
