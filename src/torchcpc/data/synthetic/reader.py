"""The reader `synthetic`: processes with known truth as sources to train on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from torchcpc.contracts import CPCError, Item, OneOf, Progress, Whole, check_choice, silent
from torchcpc.data.arrays import Arrays
from torchcpc.data.synthetic import linear_gaussian as linear
from torchcpc.data.synthetic.derived import Nuisance, Speakers, Warped
from torchcpc.data.synthetic.hidden_markov import Clouds, HiddenMarkov, Symbols, markov_chain, symmetric
from torchcpc.data.synthetic.process import Process

_COVARIANCE = np.array([[1.0, 0.3, 0.0], [0.3, 1.0, -0.2], [0.0, -0.2, 1.0]])
_TURN = 0.9 * np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
# Largest number of rows, each of up to a thousand columns, all in memory.
_MOST_ROWS = 1 << 24
# One process of each kind, at sizes whose truth is published or easy to check.
PROCESSES: dict[str, Callable[[], Process]] = {
    "gaussian-pairs": lambda: linear.gaussian_pairs([0.9, 0.5]),
    "gaussian-vectors": lambda: linear.gaussian_vectors(
        _COVARIANCE, _COVARIANCE @ np.array([[0.7, 0.2, 0.0], [-0.1, 0.5, 0.2], [0.3, 0.0, 0.2]])
    ),
    "ar1": lambda: linear.autoregression([0.9]),
    "ar2-memory": lambda: linear.autoregression([0.0, 0.9]),
    "var1": lambda: linear.vector_autoregression(_TURN, np.array([[1.0, 0.4], [0.4, 0.6]])),
    # Signal and noise have unit variance.
    "state-space": lambda: linear.LinearGaussian(np.array([[0.95]]), np.eye(1), np.array([[1 - 0.95**2]]), np.eye(1)),
    "markov-chain": lambda: markov_chain(symmetric(4, 0.1)),
    "hmm-symbols": lambda: HiddenMarkov(symmetric(4, 0.1), Symbols(symmetric(4, 0.3))),
    "hmm-clouds": lambda: HiddenMarkov(symmetric(3, 0.1), Clouds(np.array([[0.0, 1.5], [1.3, -0.75], [-1.3, -0.75]]))),
    "speakers": Speakers,
    "speakers-same-group": lambda: Speakers(marginal="same_group"),
}


def named(process: str, *, bits: int = 0, warped: bool = False) -> Process:
    """Return the process of a given name.

    Args:
        process: Name, one of `PROCESSES`.
        bits: Unpredictable coins that are appended to each step.
        warped: Whether the steps are then put behind a nonlinearity.
    """
    check_choice("process", process, PROCESSES)
    plain = PROCESSES[process]()
    noisy = Nuisance(plain, bits=bits) if bits else plain
    return Warped(noisy) if warped else noisy


def simulate(
    roots: Sequence[str | Path] = (),
    cache: Path | None = None,
    progress: Progress = silent,
    *,
    process: Annotated[str, OneOf(PROCESSES)] = "ar1",
    sources: Annotated[int, Ge(5), Le(1 << 20)] = 512,
    steps: Annotated[int, Ge(2), Le(1 << 20)] = 128,
    seed: Whole = 0,
    bits: Annotated[int, Ge(0), Le(1000)] = 0,
    warped: bool = False,
) -> Arrays:
    """Sample independent sequences of a named process.

    The last fifth is labelled split=test. Nothing is read from a disk, and the rows depend only on the settings.

    Args:
        roots: Not used.
        cache: Not used.
        progress: Not used.
        process: Name of the process.
        sources: Sequences.
        steps: Rows of a sequence.
        seed: Seed of the random sequences.
        bits: Columns of coins that nothing predicts, appended to each row.
        warped: Whether the rows are seen through a nonlinearity.

    Raises:
        CPCError: If the sizes are too small, or the rows do not fit into memory.
    """
    if sources < 5 or steps < 2 or sources * steps > _MOST_ROWS:
        raise CPCError(
            f"data.sources = {sources}, data.steps = {steps}: at least 5 sources of 2 steps, and {_MOST_ROWS:,} rows in all at most."
        )
    x_BTD, group_B = named(process, bits=bits, warped=warped).sample(sources, steps, np.random.default_rng(seed))
    items = [
        Item(f"{process}-{i:06d}", f"{group:06d}", {"split": "test" if 5 * i >= 4 * sources else "train"})
        for i, group in enumerate(group_B.tolist())
    ]
    return Arrays(list(x_BTD), items)
