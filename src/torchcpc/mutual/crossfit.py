"""Every row is scored by a critic that never saw it: F critics, each trained on all folds but its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError
from torchcpc.mutual.critic import Critic, features
from torchcpc.mutual.elliptical import Copula, degrees_of_freedom, fit_copula, margins
from torchcpc.mutual.pointwise import Pointwise, pointwise
from torchcpc.objectives.square import symmetric_infonce
from torchcpc.training import fit
from torchcpc.training.schedule import learning_rate as rate_at

LEARNING_RATE, WARMUP, SCHEDULE = 4e-3, 20, "cosine"
# Decoupled decay (AdamW): ten thousand rows are few, and without it a critic knows them by heart in two hundred updates.
WEIGHT_DECAY = 1.0
AVERAGED_UPDATES = 33
VALIDATE_EVERY, PATIENCE = 25, 6
# What was learned replaces the copula only if it is better on the validation parts by so many standard errors: the best of twenty
# looks at a few hundred rows is better by luck.
CLEARLY = 3.0
# Effective candidates below which a log partition is too rough to be read: five pairs of correlation 0.9 came out 0.03 nats too high.
FEW = 50


@dataclass(frozen=True, slots=True)
class CrossFit:
    """held_out: log ratios of every row, fold by fold, by the critic that did not see it, and the InfoNCE bound; in_sample:
    the mean log ratio on rows the critics were trained on; copula: that of the copula alone on rows it was not fitted to;
    candidates: N of the bound; learned: whether anything beat the copula.
    """

    held_out: Pointwise
    in_sample: float
    copula: float
    candidates: int
    learned: bool
    nu: float
    correlations: int


@dataclass(frozen=True, slots=True)
class Fold:
    test: np.ndarray
    train: np.ndarray
    validation: np.ndarray


def folds_of(n: int, folds: int, rng: np.random.Generator) -> list[Fold]:
    """Test parts that share out all n rows; an eighth of the rest of each is for validation."""
    parts = np.array_split(rng.permutation(n), folds)
    made = []
    for f, test in enumerate(parts):
        rest = rng.permutation(np.concatenate([part for g, part in enumerate(parts) if g != f]))
        made.append(Fold(test, rest[len(rest) // 8 :], rest[: len(rest) // 8]))
    return made


def cross_fit(
    x_ND: np.ndarray,
    y_NE: np.ndarray,
    *,
    folds: int,
    steps: int,
    batch: int,
    width: int,
    layers: int,
    product: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> CrossFit:
    """Fits, trains and scores. The degrees of freedom, one number of eight, are chosen once,
    on the first fold."""
    rng = np.random.default_rng([seed, 2])
    parts = folds_of(len(x_ND), folds, rng)
    nu = degrees_of_freedom(np.hstack([x_ND, y_NE])[parts[0].train])
    inputs, copulas = inputs_of(x_ND, y_NE, parts, nu)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        critic = Critic(copulas, width=width, layers=layers, product=product)
    shortest = min(len(part.train) for part in parts)
    batch = min(batch, shortest)
    per_epoch = shortest // batch
    weights = Averaged(critic, steps)

    def draw(step: int, rank: int) -> list[Tensor]:
        epoch, place = divmod(step, per_epoch)
        order = [np.random.default_rng([seed, epoch, rank, f]).permutation(part.train) for f, part in enumerate(parts)]
        return inputs.take([rows[place * batch : (place + 1) * batch] for rows in order])

    def loss(model: Any, drawn: list[Tensor], generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
        return symmetric_infonce(model(*drawn)).mean(-1).sum(), {}

    few = min(len(part.validation) for part in parts)
    validation = inputs.take([part.validation[:few] for part in parts])

    @torch.no_grad()
    def validated() -> Tensor:
        return math.log(few) - symmetric_infonce(critic(*validation))

    def validate(model: nn.Module) -> dict[str, float]:
        return {"bound": weights.measure(lambda: validated().mean(-1))}

    def on_event(event: str, step: int, metrics: dict[str, Any]) -> None:
        if event == "step":
            weights.update(step)
            progress(step, steps)

    validate(critic)  # the copula alone is the first to beat
    copula_Fn = validated()
    outcome = fit(
        critic, loss, draw, validate, on_event=on_event, seed=seed,
        steps=steps, learning_rate=LEARNING_RATE, warmup=WARMUP, schedule=SCHEDULE, validate_every=VALIDATE_EVERY, patience=PATIENCE,
    )  # fmt: skip
    if outcome.interrupted:
        raise CPCError(f"the estimate was interrupted after {outcome.step} updates; run it again.")
    weights.put(weights.best)
    gain = (validated() - copula_Fn).flatten()
    learned = bool(gain.mean() > CLEARLY * gain.std() / len(gain) ** 0.5)
    if not learned:
        weights.put(weights.first)
    return _scored(critic, inputs, parts, learned, copulas)


class Averaged:
    """Decay of the weights, their moving average, and of that the best a fold has seen on its validation part."""

    def __init__(self, model: nn.Module, steps: int) -> None:
        self.parameters, self.steps = list(model.parameters()), steps
        self.average = [p.detach().clone() for p in self.parameters]
        self.best = [p.detach().clone() for p in self.parameters]
        self.first = [p.detach().clone() for p in self.parameters]
        self.best_F = torch.full((len(self.parameters[0]),), -math.inf)

    @torch.no_grad()
    def update(self, step: int) -> None:
        rate = rate_at(step - 1, peak=LEARNING_RATE, steps=self.steps, warmup=WARMUP, schedule=SCHEDULE)
        for p in self.parameters:
            if p.shape[1] > 1 and p.dim() == 3:  # weights, not biases or correlations
                p.mul_(1 - rate * WEIGHT_DECAY)
        share = max(1 / AVERAGED_UPDATES, 10 / (step + 10))
        for average, p in zip(self.average, self.parameters, strict=True):
            average.lerp_(p.detach(), share)

    @torch.no_grad()
    def measure(self, bound_F: Callable[[], Tensor]) -> float:
        """Mean over folds of the bound with the averaged weights; keeps each fold's best."""
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
        for p, value in zip(self.parameters, values, strict=True):
            p.copy_(value)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the critics read, [F, N, .] each: coordinates and features of x, then of y, in the coordinates of each fold's copula."""

    columns: tuple[Tensor, Tensor, Tensor, Tensor]

    def take(self, rows_F: list[np.ndarray]) -> list[Tensor]:
        index = torch.from_numpy(np.stack(rows_F))
        fold = torch.arange(len(rows_F))[:, None]
        return [column[fold, index] for column in self.columns]


def inputs_of(x_ND: np.ndarray, y_NE: np.ndarray, parts: list[Fold], nu: float) -> tuple[Inputs, list[Copula]]:
    """Each fold's copula, fitted to its training rows, and all rows in its coordinates."""
    x_t, y_t = margins(x_ND, nu), margins(y_NE, nu)
    x_normal, y_normal = margins(x_ND, np.inf), margins(y_NE, np.inf)
    fits = [(x_t[part.train], y_t[part.train], nu) for part in parts]
    fits += [(x_normal[part.train], y_normal[part.train], np.inf) for part in parts] if np.isfinite(nu) else []
    fitted = [fit_copula(*given) for given in fits]
    # Columns that nearly repeat one another may count as one in some folds only; the folds' networks are of one size.
    most = min(copula.to_u.shape[1] for copula in fitted), min(copula.to_v.shape[1] for copula in fitted)
    if any((copula.to_u.shape[1], copula.to_v.shape[1]) != most for copula in fitted):
        fitted = [fit_copula(*given, most=most) for given in fits]
    copulas, columns = fitted[: len(parts)], []
    for copula, normal in zip(copulas, fitted[-len(parts) :], strict=True):
        columns.append(
            (
                (x_t @ copula.to_u).astype(np.float32),
                features(x_normal @ normal.to_u),
                (y_t @ copula.to_v).astype(np.float32),
                features(y_normal @ normal.to_v),
            )
        )
    stacked = [torch.from_numpy(np.stack(column)) for column in zip(*columns, strict=True)]
    return Inputs((stacked[0], stacked[1], stacked[2], stacked[3])), copulas


@torch.no_grad()
def _scored(critic: Critic, inputs: Inputs, parts: list[Fold], learned: bool, copulas: list[Copula]) -> CrossFit:
    """Log ratios of all rows by the critic of their own fold, and of as many training rows by the critic that was trained on them.

    Where the folds are not all of one size, the longer ones are cut by a row. Where nothing was learned, rows whose log partition
    rests on a handful of candidates take the copula's own ratio, which needs no partition.
    """
    size = min(len(part.test) for part in parts)
    found, alone = [], []
    for rows in ([part.test[:size] for part in parts], [part.train[:size] for part in parts]):
        taken = inputs.take(rows)
        scored = [pointwise(score) for score in critic(*taken)]
        known = [c.log_ratio(u.numpy(), v.numpy()) for c, u, v in zip(copulas, taken[0], taken[2], strict=True)]
        alone.append(float(np.mean([own.mean() for own in known])))
        if not learned:
            scored = [
                replace(each, ratio_N=np.where(each.effective_N < FEW, own, each.ratio_N))
                for each, own in zip(scored, known, strict=True)
            ]
        found.append(scored)
    unseen, seen = found
    return CrossFit(
        Pointwise(
            np.concatenate([each.ratio_N for each in unseen]),
            float(np.mean([each.infonce for each in unseen])),
            np.concatenate([each.effective_N for each in unseen]),
        ),
        in_sample=float(np.mean([each.ratio_N.mean() for each in seen])),
        copula=alone[0],
        candidates=size,
        learned=learned,
        nu=copulas[0].nu,
        correlations=max(int((copula.rho_R > 0).sum()) for copula in copulas),
    )
