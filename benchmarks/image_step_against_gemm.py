"""How far is a training step on pictures from what the machine's matrix products allow?

One whole step (forward, loss, backward, Adam) of the recipe image-small, against its own floating-point operations (counted by torch as
they run: convolutions and matrix products, forward and backward) at the best rate that square matrix products reach here. The two are
timed in turn, so that other work on the machine slows both; the ratio is of medians. Reads no data: noise costs the same as pictures.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter

import torch
from torch.utils.flop_counter import FlopCounterMode

from torchcpc.config import construct, load_recipe, override, resolve
from torchcpc.contracts import Window
from torchcpc.objectives import Contrast
from torchcpc.pretrained import build
from torchcpc.pretraining import SCHEMA
from torchcpc.scores import CANDIDATES

SIZES = (1024, 1536, 2048)


class Step:
    """One training step, with its model and optimiser."""

    def __init__(self, precision: torch.dtype, assignments: list[str]) -> None:
        settings = resolve(override(load_recipe("image-small"), assignments), SCHEMA)
        self.precision, self.model = precision, build(settings).train()
        self.contrast = Contrast(construct(CANDIDATES, settings["candidates"]))
        self.optimiser = torch.optim.Adam(self.model.parameters(), fused=True)
        batch, size = settings["windows"]["batch"], settings["data"]["size"]
        number = torch.arange(batch)
        x = torch.rand(batch, size, size, settings["encoder"]["colours"]) * 2 - 1
        self.window = Window(x, number, number, torch.zeros_like(number), torch.full_like(number, size))
        self.generator = torch.Generator().manual_seed(0)

    def __call__(self) -> None:
        with torch.autocast("cpu", self.precision, enabled=self.precision != torch.float32):
            loss, _ = self.contrast(self.model, self.window, self.generator)
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad()

    def flops(self) -> int:
        with FlopCounterMode(display=False) as counter:
            self()
        return counter.get_total_flops()


def seconds(work) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignments", nargs="*", metavar="section.key=value", help="settings of the recipe to change")
    parser.add_argument("--rounds", type=int, default=15, help="times that step and products are timed in turn")
    arguments = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        f"{'precision':<10} {'GFLOP':>6} {'GEMM GFLOP/s':>13} {'least s':>8} {'step s':>8} {'ratio':>6} {'ratio of best':>14}"
    )
    for precision in (torch.bfloat16, torch.float32):
        step = Step(precision, arguments.assignments)
        square = {n: torch.randn(n, n).to(precision) for n in SIZES}
        total = step.flops()
        taken = [
            (min(seconds(lambda a=a: a @ a) / (2 * n**3) for n, a in square.items()), seconds(step))
            for _ in range(arguments.rounds)
        ]
        per_flop, whole = (median(column) for column in zip(*taken, strict=True))
        least_per_flop, least_whole = (min(column) for column in zip(*taken, strict=True))
        print(
            f"{str(precision).removeprefix('torch.'):<10} {total / 1e9:>6.1f} {1e-9 / per_flop:>13.0f} {total * per_flop:>8.3f} "
            f"{whole:>8.3f} {whole / (total * per_flop):>6.2f} {least_whole / (total * least_per_flop):>14.2f}"
        )


if __name__ == "__main__":
    main()
