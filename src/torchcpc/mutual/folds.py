"""The folds of a cross-fit, and what the critic of each reads: all rows in the coordinates of its own copula."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from torchcpc.mutual.critic import features
from torchcpc.mutual.elliptical import Copula, fit_copula, margins


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
