"""Classifiers trained by gradient through the one training loop, keeping the weights that were best on the validation part."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError
from torchcpc.training import fit

Batch = tuple[Tensor, ...]
"""The classifier's arguments, and last its labels: [B] or [B, T], -1 where there is none."""


def fit_classifier(model: nn.Module, draw: Callable[[int, int], Batch], validation: Sequence[Batch], **settings: Any) -> float:
    """Trains `model(*arguments) -> scores [..., classes]` with cross-entropy (nats) and leaves the weights of the highest
    validation accuracy, the earliest of equals, in it; returns that accuracy. draw(step, rank) -> batch is a pure function;
    settings: those of `training.fit`.

    Raises CPCError when the training is interrupted: weights chosen from half a run would pass for a baseline.
    """
    best_accuracy, best_state = -1.0, model.state_dict()

    def validate(trained: nn.Module) -> dict[str, float]:
        nonlocal best_accuracy, best_state
        accuracy = answers(trained, validation).float().mean().item()
        if accuracy > best_accuracy:
            best_accuracy, best_state = accuracy, copy.deepcopy(trained.state_dict())
        return {"bound": accuracy, "accuracy": accuracy}

    outcome = fit(model, cross_entropy, draw, validate, **settings)
    if outcome.interrupted:
        raise CPCError(f"the classifier was interrupted after {outcome.step} updates; run the probe again.")
    model.load_state_dict(best_state)
    return best_accuracy


def cross_entropy(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
    """Mean of -log softmax(scores)[label] over the labelled places, in float32 and nats."""
    *arguments, label = batch
    if not bool((label >= 0).any()):
        raise CPCError("a batch without a single label teaches nothing: draw windows that hold labelled places.")
    scores = model(*arguments).float()
    loss = nn.functional.cross_entropy(scores.flatten(0, -2), label.flatten(), ignore_index=-1)
    return loss, {}


@torch.inference_mode()
def answers(model: nn.Module, batches: Sequence[Batch]) -> Tensor:
    """Whether each labelled place is answered correctly, in the order of the batches: [M] bool. Puts the mode back
    afterwards."""
    training = model.training
    model.eval()
    correct = []
    for *arguments, label in batches:
        predicted = model(*arguments).argmax(dim=-1)
        correct.append((predicted == label)[label >= 0])
    model.train(training)
    return torch.cat(correct)


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The module whose initial weights are a function of `seed`, leaving torch's global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
