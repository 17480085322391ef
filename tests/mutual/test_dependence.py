"""Rows that depend on one another are told, and only those: sorted draws and series beside noise are draws."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import torchcpc
from torchcpc.cli import main
from torchcpc.mutual import CriticSettings
from torchcpc.mutual.dependence import row_dependence

Pair = tuple[np.ndarray, np.ndarray]
N = 601


def column(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=float).reshape(N, -1)


def series(rng: np.random.Generator, phi: float, columns: int = 1) -> np.ndarray:
    x = rng.normal(size=(N, columns))
    for t in range(1, N):
        x[t] += phi * x[t - 1]
    return x


def noisy(rng: np.random.Generator, x_N1: np.ndarray, noise: float = 0.5) -> np.ndarray:
    return x_N1 + noise * rng.normal(size=(N, 1))


def sorted_by(pair: Pair, side: int) -> Pair:
    order = np.argsort(pair[side][:, 0], kind="stable")
    return pair[0][order], pair[1][order]


def draws(rng: np.random.Generator, noise: float = 0.5) -> Pair:
    x = rng.normal(size=(N, 1))
    return x, noisy(rng, x, noise)


def classes(rng: np.random.Generator) -> Pair:
    y = np.repeat([2.0, 0.0, 1.0], N // 3 + 1)[:N, None]
    return rng.normal(size=(N, 3)) + 3 * y, y


INDEPENDENT: dict[str, Callable[[np.random.Generator], Pair]] = {
    "independent": lambda rng: (rng.normal(size=(N, 3)), rng.normal(size=(N, 2))),
    "dependent pairs": draws,
    "the same": lambda rng: (x := rng.normal(size=(N, 1)), x),
    "sorted by x": lambda rng: sorted_by(draws(rng), 0),
    "sorted by y": lambda rng: sorted_by(draws(rng), 1),
    "sorted, nearly a function": lambda rng: sorted_by(draws(rng, 1e-4), 0),
    "sorted, a function": lambda rng: (x := np.sort(rng.normal(size=(N, 1)), axis=0), np.sin(3 * x)),
    "sorted by one of three": lambda rng: sorted_by((x := rng.normal(size=(N, 3)), x + rng.normal(size=(N, 3))), 0),
    "blocks of classes": classes,
    "sorted counts": lambda rng: sorted_by((y := column(rng.integers(0, 5, N)), column(rng.poisson(3 + y))), 0),
    "a counter and a trend": lambda rng: (column(np.arange(N)), column(np.arange(N) / N + rng.normal(size=N))),
    "a series beside noise": lambda rng: (series(rng, 0.99), rng.normal(size=(N, 1))),
    "rare events": lambda rng: (x := column(rng.random(N) < 0.01), x),
    "categories": lambda rng: (column(rng.integers(0, 3, N)), column(rng.integers(0, 2, N))),
    "heavy tails": lambda rng: (rng.standard_cauchy((N, 1)), rng.standard_cauchy((N, 1))),
}
DEPENDENT: dict[str, Callable[[np.random.Generator], Pair]] = {
    "walks": lambda rng: (series(rng, 1.0), series(rng, 1.0)),
    "walks of several columns": lambda rng: (series(rng, 1.0, 3), series(rng, 1.0, 2)),
    "series": lambda rng: (series(rng, 0.7), series(rng, 0.7)),
    "a series and what follows it": lambda rng: (x := series(rng, 0.9), noisy(rng, x)),
    "a counter and a walk": lambda rng: (column(np.arange(N)), series(rng, 1.0)),
    "a clock beside noise, and a walk": lambda rng: (
        np.hstack([column(np.arange(N) * 0.1), rng.normal(size=(N, 1))]),
        series(rng, 1.0),
    ),
    "seasons": lambda rng: (column(np.sin(np.arange(N) / 9)), column(np.sin(np.arange(N) / 7) + 0.1 * rng.normal(size=N))),
    "subjects": lambda rng: tuple(np.repeat(rng.normal(size=(31, 1)), 20, axis=0)[:N] + rng.normal(size=(N, 1)) for _ in "xy"),
    "states": lambda rng: tuple(column((rng.random(N) < 0.05).cumsum() % 2) for _ in "xy"),
    "two series row by row": lambda rng: tuple(np.ravel([series(rng, 1.0)[:, 0] for _ in "ab"], "F")[:N, None] for _ in "xy"),
}


@pytest.mark.parametrize("kind", INDEPENDENT)
def test_no_false_alarm(kind: str) -> None:
    assert [found for seed in range(30) if (found := row_dependence(*INDEPENDENT[kind](np.random.default_rng(seed))))] == []


@pytest.mark.parametrize("kind", DEPENDENT)
def test_dependence_is_found(kind: str) -> None:
    found = [row_dependence(*DEPENDENT[kind](np.random.default_rng(seed))) for seed in range(30)]
    assert sum(each is not None for each in found) >= 29


def test_rows_are_worth_what_the_theory_says() -> None:
    """Bartlett: two independent AR(1) series of the same phi are worth n (1 - phi^2) / (1 + phi^2) rows."""
    rng = np.random.default_rng(1)
    found = [row_dependence(series(rng, 0.8), series(rng, 0.8)) for _ in range(20)]
    worth = np.mean([each.effective for each in found if each])
    assert worth == pytest.approx(N * (1 - 0.64) / (1 + 0.64), rel=0.15)


def test_two_independent_walks_claim_no_information(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    x, y = (rng.normal(size=307).cumsum() for _ in "xy")
    found = torchcpc.mutual_information(x, y, critic=CriticSettings(steps=20))
    assert found.value > 0.2 and found.low == 0 == found.detail["lower_bound"] and found.detail["independent_rows"] < 30
    assert found.detail["warnings"][0].startswith("the rows depend on one another (correlation with the next row 0.9")
    changes = torchcpc.mutual_information(np.diff(x), np.diff(y), critic=CriticSettings(steps=20))
    assert changes.low == 0 and changes.value < 0.05 and changes.detail["independent_rows"] == changes.n
    for name, values in (("x", x), ("y", y)):
        (tmp_path / f"{name}.csv").write_text(f"{name}\n" + "".join(f"{value!r}\n" for value in values.tolist()))
    assert main(["information", str(tmp_path / "x.csv"), str(tmp_path / "y.csv")]) == 0
    said = " ".join(capsys.readouterr().out.splitlines())
    assert said.startswith("warning: the rows depend on one another") and "lower bound 0.000 nats" in said
    assert "(0.000 to " in said and "no 95 % interval, because the rows depend on one another" in said
