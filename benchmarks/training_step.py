"""One whole training step (forward, loss, backward, Adam), and its time beside that of square matrix products, taken in turn."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import torch

from torchcpc.contracts import Window
from torchcpc.objectives import Contrast

SIZES = (1024, 1536, 2048)
PRECISIONS = {"bfloat16": torch.bfloat16, "float32": torch.float32}


class Step:
    """Called, it takes one update of `model` on `window`, always the same."""

    def __init__(self, model: Any, contrast: Contrast, window: Window, precision: torch.dtype) -> None:
        self.model, self.contrast, self.window, self.precision = model, contrast, window, precision
        self.optimiser = torch.optim.Adam(model.parameters(), lr=2e-4, fused=True)
        self.generator = torch.Generator().manual_seed(0)

    def __call__(self) -> None:
        with torch.autocast("cpu", self.precision, enabled=self.precision != torch.float32):
            loss, _ = self.contrast(self.model, self.window, self.generator)
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad()


class Taken(NamedTuple):
    """Seconds: per floating-point operation at the best size of product, and of the step; medians, then the shortest of each."""

    per_flop: float
    whole: float
    least_per_flop: float
    least_whole: float

    def ratios(self, flops: float) -> tuple[float, float]:
        """Time of the step over that of `flops` operations at the products' rate: of medians, and of the shortest."""
        return self.whole / (flops * self.per_flop), self.least_whole / (flops * self.least_per_flop)


def in_turn(step: Step, rounds: int) -> Taken:
    """Products and step one after the other, `rounds` times, so that other work on the machine slows both."""
    square = {n: torch.randn(n, n).to(step.precision) for n in SIZES}
    step()
    taken = [(min(seconds(lambda a=a: a @ a) / (2 * n**3) for n, a in square.items()), seconds(step)) for _ in range(rounds)]
    columns = list(zip(*taken, strict=True))
    return Taken(*(median(column) for column in columns), *(min(column) for column in columns))


def seconds(work: Callable[[], object]) -> float:
    """By the clock; with a single thread by processor time, which leaves out the turns that other processes take."""
    now = process_time if torch.get_num_threads() == 1 else perf_counter
    start = now()
    work()
    return now() - start
