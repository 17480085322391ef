"""The MLP probe: one hidden layer between frozen features and the label, for what is there but not linearly so (72.5 against
64.6 % of phones in section 3.1 of arXiv:1807.03748).

The columns are standardised as for the linear probe. The validation part selects the weight decay and, by keeping the best
weights, the number of updates, from one grid for every row of a table. The test part is answered once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError
from torchcpc.probes.classifier import Updates, answers, fit_classifier, seeded
from torchcpc.probes.probe_result import Answers
from torchcpc.probes.task import Features, Labels, Task
from torchcpc.statistics.standardise import Scale

WEIGHT_DECAYS = (1e-2, 1e-3, 1e-4)
UPDATES = Updates(steps=1500)


def mlp_probe(
    features: Features,
    task: Task,
    *,
    width: int = 256,
    weight_decays: Sequence[float] = WEIGHT_DECAYS,
    batch: int = 512,
    updates: Updates = UPDATES,
    seed: int = 0,
) -> Answers:
    """Answers on the test part, and the weight decay (an L2 term in Adam's gradient) that the validation part selected.

    width: units of the hidden layer (ReLU); batch: rows drawn with replacement for each update.
    """
    if width < 1 or batch < 1 or not weight_decays:
        raise CPCError(f"width = {width}, batch = {batch}, weight_decays = {list(weight_decays)}: each needs at least one.")
    features.check(task)
    standardised = Scale.of(features.train).astype(np.float32)
    x_MD, y_M = _batch(standardised(features.train), task.train)
    validation = [_batch(standardised(features.validation), task.validation)]

    def draw(step: int, rank: int) -> tuple[Tensor, Tensor]:
        rows = torch.from_numpy(np.random.default_rng([seed, step, rank]).integers(len(y_M), size=batch))
        return x_MD[rows], y_M[rows]

    best_value, best_decay, best = -1.0, weight_decays[0], None
    for decay in sorted(weight_decays, reverse=True):
        model = seeded(lambda: _network(features.dim, width, task.classes), seed)
        decayed, weight_K = replace(updates, weight_decay=decay), task.weight_K(task.train.y_M)
        value = fit_classifier(model, draw, validation, updates=decayed, judge=task.judge, weight_K=weight_K, seed=seed)
        if value > best_value:
            best_value, best_decay, best = value, decay, model
    assert best is not None  # no judge goes below 0
    predicted_M, _ = answers(best, [_batch(standardised(features.test), task.test)])
    return Answers(predicted_M.numpy(), task.test.y_M, (best_decay,))


def _network(dim: int, width: int, classes: int) -> nn.Module:
    return nn.Sequential(nn.Linear(dim, width), nn.ReLU(), nn.Linear(width, classes))


def _batch(x_MD: np.ndarray, labels: Labels) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(x_MD), torch.from_numpy(labels.y_M).long()
