"""Train the critics, one per fold, side by side. Each reads all rows in the coordinates of its copula.

The best averaged weights of each are kept, and only if they are clearly better than the copula.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from torchcpc.contracts import Progress, check_rules
from torchcpc.mutual.critic import Critic, features
from torchcpc.mutual.elliptical import Copula, fit_copula, margins
from torchcpc.objectives import symmetric_infonce
from torchcpc.training.loop import fit
from torchcpc.training.record import Metrics
from torchcpc.training.schedule import learning_rate as rate_at

LEARNING_RATE, WARMUP, SCHEDULE = 4e-3, 20, "cosine"
# Decoupled weight decay (AdamW). Without it a critic memorises ten thousand rows in two hundred updates.
WEIGHT_DECAY = 1.0
AVERAGED_UPDATES = 33
VALIDATE_EVERY, PATIENCE = 25, 6
# The critics replace the copula only if they are better on validation rows by so many standard errors. The best of twenty
# validations on a few hundred rows is better by luck.
CLEARLY = 3.0


@dataclass(frozen=True, slots=True)
class CriticSettings:
    """How the critics are trained.

    Attributes:
        folds: Folds of the cross-fit.
        steps: The largest number of updates.
        batch: Rows that compete in one update.
        width: The width of hidden layers.
        layers: The number of hidden layers.
        product: The dimension of f(x) . g(y).
    """

    folds: int = 3
    steps: int = 700
    batch: int = 512
    width: int = 128
    layers: int = 3
    product: int = 8

    def __post_init__(self) -> None:
        fewest = {"folds": 2, "steps": 1, "batch": 2, "width": 1, "layers": 1, "product": 1}
        check_rules(self, **{name: (getattr(self, name) >= least, f"at least {least}") for name, least in fewest.items()})


def train_critics(
    critic: Critic, inputs: list[Tensor], parts: list[Fold], settings: CriticSettings, seed: int, progress: Progress
) -> bool:
    """Train the critics and leave them with their best weights.

    Returns:
        Whether they are clearly better than the copula. If not, they are left untrained.
    """
    shortest = min(len(part.train) for part in parts)
    batch = min(settings.batch, shortest)
    per_epoch = shortest // batch
    weights = Averaged(critic, settings.steps)

    def draw(step: int, rank: int) -> list[Tensor]:
        epoch, place = divmod(step, per_epoch)
        order = [np.random.default_rng([seed, epoch, rank, f]).permutation(part.train) for f, part in enumerate(parts)]
        return take(inputs, [rows[place * batch : (place + 1) * batch] for rows in order])

    def loss(model: Critic, drawn: list[Tensor], generator: torch.Generator) -> tuple[Tensor, Metrics]:
        return symmetric_infonce(model(*drawn)).mean(-1).sum(), {}

    few = min(len(part.validation) for part in parts)
    validation = take(inputs, [part.validation[:few] for part in parts])

    @torch.no_grad()
    def validated() -> Tensor:
        return math.log(few) - symmetric_infonce(critic(*validation))

    def validate(model: nn.Module) -> Metrics:
        return {"bound": weights.measure(lambda: validated().mean(-1))}

    def on_event(event: str, step: int, metrics: Metrics) -> None:
        if event == "step":
            weights.update(step)
            progress(step, settings.steps)

    validate(critic)  # the copula alone is the first result to improve on
    copula_Fn = validated()
    fit(
        critic, loss=loss, draw=draw, validate=validate, on_event=on_event, seed=seed, steps=settings.steps,
        learning_rate=LEARNING_RATE, warmup=WARMUP, schedule=SCHEDULE, validate_every=VALIDATE_EVERY, patience=PATIENCE,
    )  # fmt: skip
    weights.put(weights.best)
    gain = (validated() - copula_Fn).flatten()
    learned = bool(gain.mean() > CLEARLY * gain.std() / len(gain) ** 0.5)
    if not learned:
        weights.put(weights.first)
    return learned


class Averaged:
    """The weight decay, the moving average of the weights, and the best average of each fold on its validation part."""

    def __init__(self, model: nn.Module, steps: int) -> None:
        self.parameters, self.steps = list(model.parameters()), steps
        self.average, self.best, self.first = ([p.detach().clone() for p in self.parameters] for _ in range(3))
        self.best_F = torch.full((len(self.parameters[0]),), -math.inf)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Decay the weights after an update and move the average."""
        rate = rate_at(step - 1, peak=LEARNING_RATE, steps=self.steps, warmup=WARMUP, schedule=SCHEDULE)
        for p in self.parameters:
            if p.shape[1] > 1 and p.dim() == 3:  # weights, not biases or correlations
                p.mul_(1 - rate * WEIGHT_DECAY)
        share = max(1 / AVERAGED_UPDATES, 10 / (step + 10))
        for average, p in zip(self.average, self.parameters, strict=True):
            average.lerp_(p.detach(), share)

    @torch.no_grad()
    def measure(self, bound_F: Callable[[], Tensor]) -> float:
        """Return the mean over folds of the bound with the averaged weights. The best average of each fold is kept."""
        own = [p.detach().clone() for p in self.parameters]
        self.put(self.average)
        measured_F = bound_F()
        self.put(own)
        better_F = measured_F > self.best_F
        for best, average in zip(self.best, self.average, strict=True):
            best[better_F] = average[better_F]
        self.best_F = torch.where(better_F, measured_F, self.best_F)
        return float(measured_F.mean())

    @torch.no_grad()
    def put(self, values: list[Tensor]) -> None:
        """Copy values into the parameters."""
        for p, value in zip(self.parameters, values, strict=True):
            p.copy_(value)


class Fold(NamedTuple):
    """The rows of one fold.

    Attributes:
        test: Rows that the critic of this fold scores.
        train: Rows that it is trained on.
        validation: Rows that choose its weights.
    """

    test: np.ndarray
    train: np.ndarray
    validation: np.ndarray


def folds_of(n: int, folds: int, rng: np.random.Generator) -> list[Fold]:
    """Divide n rows into folds. The test parts cover all rows, and an eighth of the other rows of each fold is for
    validation.
    """
    parts = np.array_split(rng.permutation(n), folds)
    made = []
    for f, test in enumerate(parts):
        rest = rng.permutation(np.concatenate([part for g, part in enumerate(parts) if g != f]))
        made.append(Fold(test, rest[len(rest) // 8 :], rest[: len(rest) // 8]))
    return made


def take(inputs: list[Tensor], rows_F: list[np.ndarray]) -> list[Tensor]:
    """Return some rows of each fold from all inputs of the critics."""
    index, fold = torch.from_numpy(np.stack(rows_F)), torch.arange(len(rows_F))[:, None]
    return [column[fold, index] for column in inputs]


def inputs_of(x_ND: np.ndarray, y_NE: np.ndarray, parts: list[Fold], nu: float) -> tuple[list[Tensor], list[Copula]]:
    """Fit the copulas and return the inputs of the critics.

    Returns:
        Coordinates and features of x, then of y, [F, N, .] each, in the coordinates of each fold's copula. Also the
        copulas, each fitted to the training rows of its fold.
    """
    t, normal = ([margins(x_ND, degrees), margins(y_NE, degrees)] for degrees in (nu, np.inf))
    fits = [(t[0][part.train], t[1][part.train], nu) for part in parts]
    fits += [(normal[0][part.train], normal[1][part.train], np.inf) for part in parts] if np.isfinite(nu) else []
    fitted = [fit_copula(*given) for given in fits]
    # Columns that nearly repeat one another may count as one in some folds only, but all folds have networks of one size.
    most = min(copula.to_u.shape[1] for copula in fitted), min(copula.to_v.shape[1] for copula in fitted)
    if any((copula.to_u.shape[1], copula.to_v.shape[1]) != most for copula in fitted):
        fitted = [fit_copula(*given, most=most) for given in fits]
    copulas, plain = fitted[: len(parts)], fitted[-len(parts) :]
    columns = (
        [(t[0] @ copula.to_u).astype(np.float32) for copula in copulas],
        [features(normal[0] @ copula.to_u) for copula in plain],
        [(t[1] @ copula.to_v).astype(np.float32) for copula in copulas],
        [features(normal[1] @ copula.to_v) for copula in plain],
    )
    return [torch.from_numpy(np.stack(column)) for column in columns], copulas
