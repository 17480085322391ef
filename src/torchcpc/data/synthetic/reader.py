"""Processes with a known truth as sources to train on: the reader `synthetic`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from torchcpc.contracts import CPCError, Item, Progress, silent
from torchcpc.data.arrays import Arrays
from torchcpc.data.synthetic.emissions import Clouds, Symbols
from torchcpc.data.synthetic.gaussian import autoregression, gaussian_pairs, gaussian_vectors, vector_autoregression
from torchcpc.data.synthetic.hidden_markov import HiddenMarkov, markov_chain, symmetric
from torchcpc.data.synthetic.linear_gaussian import LinearGaussian
from torchcpc.data.synthetic.nuisance import Nuisance
from torchcpc.data.synthetic.process import Process
from torchcpc.data.synthetic.speakers import Speakers
from torchcpc.data.synthetic.warped import Warped


def _vectors() -> Process:
    S = np.array([[1.0, 0.3, 0.0], [0.3, 1.0, -0.2], [0.0, -0.2, 1.0]])
    return gaussian_vectors(S, S @ np.array([[0.7, 0.2, 0.0], [-0.1, 0.5, 0.2], [0.3, 0.0, 0.2]]))


def _rotation() -> Process:
    turn = 0.9 * np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    return vector_autoregression(turn, np.array([[1.0, 0.4], [0.4, 0.6]]))


def _symbols() -> Process:
    return HiddenMarkov(symmetric(4, 0.1), Symbols(symmetric(4, 0.3)))


def _clouds() -> Process:
    return HiddenMarkov(symmetric(3, 0.1), Clouds(np.array([[0.0, 1.5], [1.3, -0.75], [-1.3, -0.75]])))


# One of each kind, at sizes whose truth is published or easy to check.
PROCESSES: dict[str, Callable[[], Process]] = {
    "gaussian-pairs": lambda: gaussian_pairs([0.9, 0.5]),
    "gaussian-vectors": _vectors,
    "ar1": lambda: autoregression([0.9]),
    "ar2-memory": lambda: autoregression([0.0, 0.9]),
    "var1": _rotation,
    "state-space": lambda: LinearGaussian(
        np.array([[0.95]]), np.eye(1), np.array([[1 - 0.95**2]]), np.eye(1)
    ),  # signal and noise of unit variance
    "markov-chain": lambda: markov_chain(symmetric(4, 0.1)),
    "hmm-symbols": _symbols,
    "hmm-clouds": _clouds,
    "speakers": lambda: Speakers(),
    "speakers-same-group": lambda: Speakers(proposal="same_group"),
}


def named(process: str, *, bits: int = 0, warped: bool = False) -> Process:
    """The process of that name, with `bits` coins appended that nothing predicts, then put behind a nonlinearity if warped."""
    if process not in PROCESSES:
        raise CPCError(f"process = {process!r} is unknown. Choose one of {', '.join(PROCESSES)}.")
    plain = PROCESSES[process]()
    noisy = Nuisance(plain, bits=bits) if bits else plain
    return Warped(noisy) if warped else noisy


@runtime_checkable
class KnownProcess(Protocol):
    """Sources of which it is known which process made them."""

    def process(self, proposal: str) -> Process:
        """The process, its exact ratios taken under a proposal ("all", "same_group") of `scores.calibration`."""
        ...


class Simulated(Arrays):
    """Sources that `simulate` made; they know their process."""

    made_by: tuple[str, int, bool] = ("ar1", 0, False)

    def process(self, proposal: str) -> Process:
        name, bits, warped = self.made_by
        # Speakers are the one process with groups, so the one whose ratio depends on the proposal.
        if name.startswith("speakers"):
            name = {"all": "speakers", "same_group": "speakers-same-group"}[proposal]
        return named(name, bits=bits, warped=warped)


def simulate(
    roots: Sequence[str | Path] = (),
    cache: Path | None = None,
    progress: Progress = silent,
    *,
    process: str = "ar1",
    sources: int = 512,
    steps: int = 128,
    seed: int = 0,
    bits: int = 0,
    warped: bool = False,
) -> Simulated:
    """`sources` independent sequences of `steps` rows of a named process, the last fifth labelled split=test; group as sampled.

    The arguments are those of every reader; nothing is read from a disk, and the rows are a function of the settings.
    """
    if sources < 5 or steps < 2:
        raise CPCError(f"data.sources = {sources}, data.steps = {steps}: at least 5 sources of at least 2 steps.")
    x_BTD, group_B = named(process, bits=bits, warped=warped).sample(sources, steps, np.random.default_rng(seed))
    items = [
        Item(f"{process}-{i:06d}", f"{group:06d}", {"split": "test" if 5 * i >= 4 * sources else "train"})
        for i, group in enumerate(group_B.tolist())
    ]
    simulated = Simulated(list(x_BTD), items)
    simulated.made_by = (process, bits, warped)
    return simulated
