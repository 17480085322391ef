"""Classifiers trained by gradient through the one training loop, keeping the weights that the validation part judged best."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError
from torchcpc.probes.task import JUDGES, Judge
from torchcpc.training import fit

Batch = tuple[Tensor, ...]
"""The classifier's arguments, and last its labels: [B] or [B, T], -1 where there is none."""


@dataclass(frozen=True, slots=True)
class Updates:
    """How a classifier is trained; all are settings of `training.fit`."""

    steps: int
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    clip: float = 0.0
    warmup: int = 0
    schedule: str = "cosine"
    validate_every: int = 100


def fit_classifier(
    model: nn.Module,
    draw: Callable[[int, int], Batch],
    validation: Sequence[Batch],
    *,
    updates: Updates,
    judge: Judge = JUDGES["accuracy"],
    weight_K: np.ndarray | None = None,
    seed: int = 0,
) -> float:
    """Trains `model(*arguments) -> scores [..., classes]` with cross-entropy (nats).

    The model is left with the weights that `judge` finds best on the validation part, the earliest of equals; returns that value.
    draw(step, rank) -> batch is a pure function; weight_K: how much each class counts (None: all alike). Raises CPCError when the
    training is interrupted: weights of half a run would pass for a baseline.
    """
    best_value, best_state = -1.0, model.state_dict()

    def validate(trained: nn.Module) -> dict[str, float]:
        nonlocal best_value, best_state
        predicted_M, label_M = (found.cpu().numpy() for found in answers(trained, validation))
        value = judge(predicted_M, label_M)
        if value > best_value:
            best_value, best_state = value, copy.deepcopy(trained.state_dict())
        return {"bound": value}

    loss = partial(cross_entropy, weight_K=None if weight_K is None else torch.from_numpy(weight_K))
    outcome = fit(model, loss, draw, validate, seed=seed, **asdict(updates))
    if outcome.interrupted:
        raise CPCError(f"the classifier was interrupted after {outcome.step} updates; run the probe again.")
    model.load_state_dict(best_state)
    return best_value


def cross_entropy(
    model: nn.Module, batch: Batch, generator: torch.Generator, weight_K: Tensor | None = None
) -> tuple[Tensor, dict[str, float]]:
    """Mean of -log softmax(scores)[label] over the labelled places, each times the weight of its class, in float32 and nats."""
    *arguments, label = batch
    if not bool((label >= 0).any()):
        raise CPCError("a batch without a single label teaches nothing: draw windows that hold labelled places.")
    scores = model(*arguments).float()
    if weight_K is None:
        return nn.functional.cross_entropy(scores.flatten(0, -2), label.flatten(), ignore_index=-1), {}
    # torch's own mean with weights divides by their sum in the batch, which takes them away again where a batch is of one class.
    settings = {"ignore_index": -1, "weight": weight_K.to(scores.device), "reduction": "sum"}
    return nn.functional.cross_entropy(scores.flatten(0, -2), label.flatten(), **settings) / (label >= 0).sum(), {}


@torch.inference_mode()
def answers(model: nn.Module, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
    """The class that each labelled place is taken for and its label, in the order of the batches: both [M] int64. Puts the mode back
    afterwards."""
    training = model.training
    model.eval()
    predicted, labels = [], []
    for *arguments, label in batches:
        predicted.append(model(*arguments).argmax(dim=-1)[label >= 0])
        labels.append(label[label >= 0])
    model.train(training)
    return torch.cat(predicted), torch.cat(labels)


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The module whose initial weights are a function of `seed`, leaving torch's global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
