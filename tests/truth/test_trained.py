"""Small models trained from scratch must find what there is to find, no more, and nothing where there is nothing."""

import math

import numpy as np
import pytest
import torch

from tests.truth.gaussian import exact_model, information
from torchcpc.contexts import NoContext, RecurrentContext
from torchcpc.contracts import Window
from torchcpc.encoders import VectorEncoder
from torchcpc.model import CPCModel
from torchcpc.objectives import Contrast, infonce
from torchcpc.scores import Bilinear, Sampled

PHI, N = 0.9, 8
CONTRAST = Contrast(Sampled(count=N - 1, strategy="mixed_excluding"))


def series(seed: int, *, lag: int, batch: int = 128, steps: int = 3) -> Window:
    """x_t = PHI x_{t-lag} + noise, stationary with unit variance; every row of the batch a source of its own."""
    x = np.random.default_rng(seed).normal(size=(batch, steps, 1)).astype(np.float32)
    for t in range(lag, steps):
        x[:, t] = PHI * x[:, t - lag] + math.sqrt(1 - PHI**2) * x[:, t]
    zero = torch.zeros(batch, dtype=torch.int64)
    return Window(torch.from_numpy(x), torch.arange(batch), zero, zero, zero + steps)


def shuffled(window: Window) -> Window:
    """The same values, every step from another source: what is left of the past says nothing about the future."""
    x = torch.stack([window.x[:, t].roll(7 * t, dims=0) for t in range(window.x.shape[1])], dim=1)
    return Window(x, window.source, window.group, window.start, window.length)


def train(model: CPCModel, draw, *, updates: int, rate: float = 6e-3) -> CPCModel:
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    for update in range(updates):
        loss, _ = CONTRAST(model, draw(update), torch.Generator().manual_seed(update))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


@torch.no_grad()
def measure(model: CPCModel, draw, count: int = 100) -> torch.Tensor:
    """[count, K] bounds on batches never trained on."""
    return torch.stack(
        [CONTRAST(model, draw(100_000 + n), torch.Generator().manual_seed(n))[1]["bound_per_k"] for n in range(count)]
    )


def error(values: torch.Tensor) -> float:
    return values.std().item() / len(values) ** 0.5


def oracle(k: int, rows: int = 200_000) -> tuple[float, float]:
    """The exact ratio's bound at N = 8, without any of the package but eq. 4, and its standard error."""
    rng, rho = np.random.default_rng(k), PHI**k
    c = rng.normal(size=(rows, 1))
    x = rng.normal(size=(rows, N))
    x[:, :1] = rho * c + math.sqrt(1 - rho**2) * x[:, :1]
    score = -0.5 * math.log(1 - rho**2) - (rho**2 * x**2 - 2 * rho * x * c + rho**2 * c**2) / (2 * (1 - rho**2))
    values = math.log(N) - infonce(torch.from_numpy(score))
    return values.mean().item(), error(values)


@pytest.fixture(scope="module")
def trained() -> CPCModel:
    torch.manual_seed(0)
    model = CPCModel(VectorEncoder(features=1, dim=16, hidden=64), NoContext(16), Bilinear(16, 16, count=2))
    return train(model, lambda update: series(update, lag=1), updates=500)


def test_the_oracle_is_the_published_one():
    assert oracle(1)[0] == pytest.approx(0.682, abs=0.011)


def test_a_trained_model_reaches_the_oracle_and_does_not_pass_it(trained):
    draw = lambda seed: series(seed, lag=1)  # noqa: E731
    values, best = measure(trained, draw), measure(exact_model(PHI, horizons=2), draw)
    for index in range(2):
        found, (exact, exact_error) = values[:, index].mean().item(), oracle(index + 1)
        slack = 3 * math.hypot(error(values[:, index]), exact_error)
        assert exact - slack - 0.03 < found < exact + slack
        assert found < min(information(PHI, index + 1) + slack, math.log(N))
        # On the same rows and the same competitors the exact ratio is no worse, and hardly better.
        regret = best[:, index] - values[:, index]
        assert -3 * error(regret) < regret.mean().item() < 0.01 + 3 * error(regret)


def test_shuffled_targets_leave_nothing(trained):
    values = measure(trained, lambda seed: shuffled(series(seed, lag=1)))
    for index in range(2):
        assert values[:, index].mean().item() < 3 * error(values[:, index])


def test_training_on_shuffled_targets_finds_nothing():
    torch.manual_seed(0)
    model = CPCModel(VectorEncoder(features=1, dim=16, hidden=64), NoContext(16), Bilinear(16, 16, count=2))
    train(model, lambda update: shuffled(series(update, lag=1)), updates=100)
    values = measure(model, lambda seed: shuffled(series(seed, lag=1)))
    for index in range(2):
        assert values[:, index].mean().item() < 3 * error(values[:, index])


@pytest.mark.parametrize(("context", "expected"), [("gru", 0.68), ("none", 0.0)])
def test_memory_is_what_a_context_adds(context, expected):
    """x_{t+1} depends on x_{t-1} alone: without memory there is nothing to say, with it nearly all of 0.68 nats.

    Most of a window must lie after the first two steps, before which not even the best context knows anything.
    """
    torch.manual_seed(0)
    encoder = VectorEncoder(features=1, dim=16, hidden=64)
    part = {"gru": lambda: RecurrentContext(16, dim=24), "none": lambda: NoContext(16)}[context]()
    model = train(
        CPCModel(encoder, part, Bilinear(part.dim, 16, count=1)),
        lambda update: series(update, lag=2, batch=32, steps=9),
        updates={"gru": 500, "none": 100}[context],
    )
    values = measure(model, lambda seed: series(seed, lag=2, batch=64, steps=9), count=50)[:, 0]
    # 7 of the 8 pairs have the step they depend on in view.
    ceiling = expected * 7 / 8
    assert (
        ceiling - 0.1 * (expected > 0) - 0.03 - 3 * error(values) < values.mean().item() < ceiling + 3 * error(values) + 0.011
    )
