"""Classifiers trained by gradient through the one training loop, keeping the weights that the validation part judged best.

The MLP probe has one hidden layer between frozen features and the label, for what is there but not linearly so (72.5 against 64.6 % of
phones in section 3.1 of arXiv:1807.03748). The validation part selects weight decay and number of updates, as it does the linear penalty.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError
from torchcpc.probes.task import JUDGES, SPLIT_PARTS, Answers, Features, Judge, Task
from torchcpc.statistics.standardise import Scale
from torchcpc.training.loop import fit

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
    """Trains `model(*arguments) -> scores [..., classes]` with cross-entropy (nats). The model is left with the weights that `judge`
    finds best on the validation part, the earliest of equals; returns that value. draw(step, rank) -> batch is a pure function;
    weight_K: how much each class counts (None: all alike)."""
    best_value, best_state = -1.0, model.state_dict()

    def validate(trained: nn.Module) -> dict[str, float]:
        nonlocal best_value, best_state
        value = judge(*answers(trained, validation))
        if value > best_value:
            best_value, best_state = value, copy.deepcopy(trained.state_dict())
        return {"bound": value}

    loss = partial(cross_entropy, weight_K=None if weight_K is None else torch.from_numpy(weight_K))
    fit(model, loss, draw, validate, seed=seed, **asdict(updates))
    model.load_state_dict(best_state)
    return best_value


def cross_entropy(
    model: nn.Module, batch: Batch, generator: torch.Generator, weight_K: Tensor | None = None
) -> tuple[Tensor, dict[str, float]]:
    """Mean of -log softmax(scores)[label] over the labelled places, each times the weight of its class, in float32 and nats."""
    *arguments, label = batch
    if not bool((label >= 0).any()):
        raise CPCError("a batch without a single label teaches nothing: draw windows that hold labelled places.")
    scores = model(*arguments).float().flatten(0, -2)
    if weight_K is None:
        return nn.functional.cross_entropy(scores, label.flatten(), ignore_index=-1), {}
    # torch's own mean with weights divides by their sum in the batch, which takes them away again where a batch is of one class.
    loss = nn.functional.cross_entropy(scores, label.flatten(), weight_K.to(scores.device), ignore_index=-1, reduction="sum")
    return loss / (label >= 0).sum(), {}


@torch.inference_mode()
def answers(model: nn.Module, batches: Sequence[Batch]) -> tuple[np.ndarray, np.ndarray]:
    """The class that each labelled place is taken for and its label, in the order of the batches: both [M]. Puts the mode back."""
    training = model.training
    model.eval()
    found = [(model(*arguments).argmax(dim=-1)[label >= 0], label[label >= 0]) for *arguments, label in batches]
    model.train(training)
    predicted_M, label_M = (torch.cat(each).cpu().numpy() for each in zip(*found, strict=True))
    return predicted_M, label_M


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The module whose initial weights are a function of `seed`, leaving torch's global generator as it was."""
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
    """Answers on the test part, and the weight decay (an L2 term in Adam's gradient) that the validation part selected. width: units
    of the hidden layer (ReLU); batch: rows drawn with replacement for each update."""
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
        value = fit_classifier(model, draw, [validation], updates=decayed, judge=task.judge, weight_K=weight_K, seed=seed)
        tried.append((value, decay, model))
    _, decay, best = max(tried, key=lambda each: each[0])  # the first, strongest, of equals
    return Answers(answers(best, [test])[0], task.test.y_M, (decay,))
