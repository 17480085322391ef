"""Classifiers that are trained by gradient with the shared training loop. The best weights on the validation part are
kept.

The MLP probe has one hidden layer between frozen features and the label. It finds what is present but not linearly
(72.5 against 64.6 % of phones in section 3.1 of arXiv:1807.03748). The validation part selects the weight decay and
the number of updates, as it selects the penalty of the linear probe.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError
from torchcpc.probes.task import JUDGES, SPLIT_PARTS, Answers, Features, Judge, Task
from torchcpc.statistics.standardise import Scale
from torchcpc.training.loop import fit

M = TypeVar("M", bound=nn.Module)
Batch = tuple[Tensor, ...]
"""The classifier's arguments, followed by the labels: [B] or [B, T]. -1 means no label."""


@dataclass(frozen=True, slots=True)
class Updates:
    """How a classifier is trained. All fields are settings of `training.fit`.

    Attributes:
        steps: The number of updates.
        learning_rate: The highest learning rate.
        weight_decay: The factor of the L2 term.
        clip: The largest norm of a gradient. 0: no clipping.
        warmup: The updates during which the learning rate rises.
        schedule: How the learning rate falls.
        validate_every: The updates between two validations.
        patience: Training stops after so many validations without a new best. 0: it never stops early.
    """

    steps: int
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    clip: float = 0.0
    warmup: int = 0
    schedule: str = "cosine"
    validate_every: int = 100
    patience: int = 0


class Trained(NamedTuple):
    """How the training of a classifier went.

    Attributes:
        value: The best value of the validation part, which the weights that are kept have.
        best: The update that had it.
        updates: The updates that were done.
        seconds: The time they took, without the validations.
    """

    value: float
    best: int
    updates: int
    seconds: float


def fit_classifier(
    model: nn.Module,
    draw: Callable[[int, int], Batch],
    validation: Sequence[Batch],
    *,
    updates: Updates,
    judge: Judge = JUDGES["accuracy"],
    weight_K: np.ndarray | None = None,
    seed: int = 0,
) -> Trained:
    """Train a classifier with cross-entropy.

    Afterwards the model has the weights that were best on the validation part, the earliest if several are equal.

    Args:
        model: Maps its arguments to scores, [..., classes].
        draw: Returns the batch of (step, rank). It must be a pure function.
        validation: The batches of the validation part.
        updates: How to train.
        judge: Compares predicted with true classes.
        weight_K: The weight of each class. None: all are equal.
        seed: The seed of the training.

    Returns:
        How the training went. Its value is that of `judge` for the weights that are kept.
    """
    best_value, best_state, best, count, judging = -1.0, model.state_dict(), 0, 0, 0.0

    def validate(trained: nn.Module) -> dict[str, float]:
        nonlocal best_value, best_state, best, count, judging
        began, count = time.perf_counter(), count + 1
        value = judge(*answers(trained, validation))
        if value > best_value:
            best_value, best_state = value, copy.deepcopy(trained.state_dict())
            best = min(count * updates.validate_every, updates.steps)  # the last update is validated, too
        judging += time.perf_counter() - began
        return {"bound": value}

    loss = partial(cross_entropy, weight_K=None if weight_K is None else torch.from_numpy(weight_K))
    began = time.perf_counter()
    done = fit(model, loss, draw, validate, seed=seed, **asdict(updates)).step
    seconds = time.perf_counter() - began - judging
    model.load_state_dict(best_state)
    return Trained(best_value, best, done, seconds)


def cross_entropy(
    model: nn.Module, batch: Batch, generator: torch.Generator, weight_K: Tensor | None = None
) -> tuple[Tensor, dict[str, float]]:
    """Return the weighted mean cross-entropy over the labelled places of a batch, in nats."""
    *arguments, label = batch
    if not bool((label >= 0).any()):
        raise CPCError("a batch without a single label teaches nothing: draw windows that hold labelled places.")
    scores = model(*arguments).float().flatten(0, -2)
    if weight_K is None:
        return nn.functional.cross_entropy(scores, label.flatten(), ignore_index=-1), {}
    # The weighted mean of torch divides by the sum of the weights in a batch. In a batch of one class, the weight would cancel out.
    loss = nn.functional.cross_entropy(scores, label.flatten(), weight_K.to(scores.device), ignore_index=-1, reduction="sum")
    return loss / (label >= 0).sum(), {}


@torch.inference_mode()
def answers(model: nn.Module, batches: Sequence[Batch]) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted and the true class of each labelled place, both [M], in the order of the batches.

    The training mode of the model is restored.
    """
    training = model.training
    model.eval()
    found = [(model(*arguments).argmax(dim=-1)[label >= 0], label[label >= 0]) for *arguments, label in batches]
    model.train(training)
    predicted_M, label_M = (torch.cat(each).cpu().numpy() for each in zip(*found, strict=True))
    return predicted_M, label_M


def seeded(make: Callable[[], M], seed: int) -> M:
    """Return a new module whose initial weights depend on `seed` alone. The global generator of torch stays
    unchanged.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


WEIGHT_DECAYS = (1e-2, 1e-3, 1e-4)


def mlp_probe(
    features: Features,
    task: Task,
    *,
    width: int = 256,
    weight_decays: Sequence[float] = WEIGHT_DECAYS,
    batch: int = 512,
    updates: Updates = Updates(steps=1500),
    seed: int = 0,
) -> Answers:
    """Train MLP probes and answer the test part with the best.

    Args:
        features: The features.
        task: The classification.
        width: The units of the hidden layer (ReLU).
        weight_decays: The candidates for the weight decay, an L2 term in Adam's gradient. The validation part selects
            one.
        batch: The rows of each update, drawn with replacement.
        updates: How to train.
        seed: The seed of the initial weights and of the batches.

    Returns:
        The answers on the test part, and the weight decay.

    Raises:
        CPCError: If a size is below 1, or the features do not fit the task.
    """
    if width < 1 or batch < 1 or not weight_decays:
        raise CPCError(f"width = {width}, batch = {batch}, weight_decays = {list(weight_decays)}: each needs at least one.")
    features.check(task)
    standardised = Scale.of(features.train).astype(np.float32)
    (x_MD, y_M), validation, test = (
        (torch.from_numpy(standardised(getattr(features, part))), torch.from_numpy(getattr(task, part).y_M).long())
        for part in SPLIT_PARTS
    )

    def draw(step: int, rank: int) -> tuple[Tensor, Tensor]:
        rows = torch.from_numpy(np.random.default_rng([seed, step, rank]).integers(len(y_M), size=batch))
        return x_MD[rows], y_M[rows]

    def network() -> nn.Module:
        return nn.Sequential(nn.Linear(features.dim, width), nn.ReLU(), nn.Linear(width, task.classes))

    weight_K, tried = task.weight_K(task.train.y_M), []
    for decay in sorted(weight_decays, reverse=True):
        model, decayed = seeded(network, seed), replace(updates, weight_decay=decay)
        value = fit_classifier(model, draw, [validation], updates=decayed, judge=task.judge, weight_K=weight_K, seed=seed).value
        tried.append((value, decay, model))
    _, decay, best = max(tried, key=lambda each: each[0])  # of equal ones the first, which is the strongest
    return Answers(answers(best, [test])[0], task.test.y_M, (decay,))
