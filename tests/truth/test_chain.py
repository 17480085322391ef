"""The whole path, model to metrics, on Markov chains: the exact score is a table, so every expected value is a finite sum."""

import math
from math import comb

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from torchcpc.contexts import NoContext
from torchcpc.contracts import Layout, Window
from torchcpc.encoders.strided import strided_steps
from torchcpc.model import CPCModel
from torchcpc.objectives import Contrast
from torchcpc.scores import Bilinear, Full, Sampled

STATES, FLIP, HORIZONS = 4, 0.1, (1, 2, 3)


def stay(k: int, flip: float) -> float:
    """Probability that a symmetric chain is in the same state k steps later."""
    return 1 / STATES + (1 - 1 / STATES) * (1 - flip * STATES / (STATES - 1)) ** k


def information(k: int, flip: float) -> float:
    d = stay(k, flip)
    return math.log(STATES) + d * math.log(d) + (1 - d) * math.log((1 - d) / (STATES - 1))


def oracle(n: int, k: int, flip: float) -> float:
    """E[log r(x+, c) - log mean_j r(x_j, c)] with n - 1 independent negatives, m of which happen to equal c."""
    d, q = stay(k, flip), 1 / STATES
    same, other = STATES * d, STATES * (1 - d) / (STATES - 1)
    total = 0.0
    for m in range(n):
        chance = comb(n - 1, m) * q**m * (1 - q) ** (n - 1 - m)
        rest = m * same + (n - 1 - m) * other
        for probability, ratio in ((d, same), (1 - d, other)):
            total += chance * probability * (math.log(ratio) - math.log((ratio + rest) / n))
    return total


def test_the_finite_sum_agrees_with_the_published_simulation():
    assert information(1, FLIP) == pytest.approx(0.951, abs=0.001)
    for n, value in {2: 0.378, 8: 0.803, 32: 0.911, 128: 0.945}.items():
        assert oracle(n, 1, FLIP) == pytest.approx(value, abs=0.012)
        assert oracle(n, 1, FLIP) < min(math.log(n), information(1, FLIP))


class OneHot(nn.Module):
    """x [B, S] of state numbers -> z [B, S, dim]."""

    stride, receptive_field, layout = 1, 1, Layout()

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.one_hot(x.long(), self.dim).float()

    def steps(self, window):
        return strided_steps(window, 1)


def table_model(tables: list[np.ndarray]) -> CPCModel:
    """The score of candidate state j in context state i, k steps ahead, is tables[k - 1][i, j]."""
    dim = len(tables[0])
    predictor = Bilinear(dim, dim, count=len(tables))
    with torch.no_grad():
        predictor.weight.copy_(torch.tensor(np.stack(tables)).transpose(1, 2))
    return CPCModel(OneHot(dim), NoContext(dim), predictor)


def log_ratio(k: int, flip: float) -> np.ndarray:
    d = stay(k, flip)
    table = np.full((STATES, STATES), math.log(STATES * (1 - d) / (STATES - 1)))
    np.fill_diagonal(table, math.log(STATES * d))
    return table


def chains(rng: np.random.Generator, sources: int, steps: int, flip: float) -> np.ndarray:
    x = rng.integers(STATES, size=(sources, steps))
    for t in range(1, steps):
        moved = rng.random(sources) < flip
        x[:, t] = np.where(moved, (x[:, t - 1] + rng.integers(1, STATES, size=sources)) % STATES, x[:, t - 1])
    return x


def window(x: np.ndarray, group: np.ndarray) -> Window:
    B, T = x.shape
    zero = torch.zeros(B, dtype=torch.int64)
    return Window(torch.from_numpy(x).float(), torch.arange(B), torch.from_numpy(group), zero, zero + T)


def bounds(model: CPCModel, batch: Window, candidates) -> list[tuple[float, float]]:
    """Mean of log N - loss at each horizon, and its standard error with sources as the independent units."""
    with torch.no_grad():
        found, rows = Contrast(candidates).rows(model, batch, torch.Generator().manual_seed(1))
    out = []
    for horizon in range(len(model.predictor.horizons)):
        mine = found.horizon_M == horizon
        values, source = (rows.candidates_M.log() - rows.loss_M)[mine], found.anchor_M[mine] // batch.x.shape[1]
        count = torch.bincount(source)
        per_source = torch.zeros(len(count)).index_add_(0, source, values) / count
        out.append((per_source.mean().item(), per_source.std().item() / len(count) ** 0.5))
    return out


@pytest.mark.parametrize("n", [2, 8, 32])
def test_exact_scores_give_the_exact_bound_at_every_horizon(n):
    rng = np.random.default_rng(n)
    x = chains(rng, sources=1021, steps=5, flip=FLIP)
    model = table_model([log_ratio(k, FLIP) for k in HORIZONS])
    candidates = Sampled(count=n - 1, strategy="mixed_excluding")
    for k, (mean, error) in zip(HORIZONS, bounds(model, window(x, np.zeros(1021, dtype=np.int64)), candidates), strict=True):
        assert 0 < error < 0.04
        assert mean == pytest.approx(oracle(n, k, FLIP), abs=3 * error), (n, k)
        assert mean < math.log(n)


def test_what_depends_on_the_context_alone_changes_no_metric():
    """The gauge a(c) of eq. 4, through the whole objective; a term of the candidate instead must lower the bound."""
    x = chains(np.random.default_rng(5), sources=509, steps=5, flip=FLIP)
    batch, table = window(x, np.zeros(509, dtype=np.int64)), log_ratio(1, FLIP)
    gauge = np.array([2.0, -1.0, 0.5, 3.0])
    ((plain, _),) = bounds(table_model([table]), batch, Full(strategy="mixed_excluding"))
    ((of_context, _),) = bounds(table_model([table + gauge[:, None]]), batch, Full(strategy="mixed_excluding"))
    ((of_candidate, _),) = bounds(table_model([table + gauge[None, :]]), batch, Full(strategy="mixed_excluding"))
    assert of_context == pytest.approx(plain, abs=1e-5)
    assert of_candidate < plain - 0.2


SPEAKERS, SPEAKER_FLIP = 4, 0.3


def test_the_strategy_decides_what_is_estimated():
    """Four speakers, each with four states of its own: 1.832 nats among all speakers, 0.446 within one."""
    rng = np.random.default_rng(3)
    sources = 512
    speaker = np.arange(sources) % SPEAKERS
    x = chains(rng, sources, steps=3, flip=SPEAKER_FLIP) + STATES * speaker[:, None]
    batch = window(x, speaker)
    within = information(1, SPEAKER_FLIP)
    assert (within, within + math.log(SPEAKERS)) == (pytest.approx(0.446, abs=5e-4), pytest.approx(1.832, abs=5e-4))
    phones = np.tile(log_ratio(1, SPEAKER_FLIP), (SPEAKERS, SPEAKERS))
    own = np.kron(np.eye(SPEAKERS), np.ones((STATES, STATES))) > 0
    knows_speaker = table_model([np.where(own, phones + math.log(SPEAKERS), -50.0)])
    ignores_speaker = table_model([phones])
    for model, strategy, expected in (
        (knows_speaker, "mixed_excluding", within + math.log(SPEAKERS)),
        (knows_speaker, "same_group_excluding", within),
        (ignores_speaker, "same_group_excluding", within),  # nothing is lost by forgetting the speaker
        (ignores_speaker, "mixed_excluding", within),  # here log 4 is
    ):
        ((mean, error),) = bounds(model, batch, Full(strategy=strategy))
        # Competitors are 381 at least: log of their mean ratio is biased by less than 0.01 (half the chi-square over N).
        assert mean == pytest.approx(expected, abs=3 * error + 0.01), strategy
