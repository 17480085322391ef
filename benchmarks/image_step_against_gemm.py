"""How far is a training step on pictures from what the machine's matrix products allow?

One whole step of the recipe `pictures` is timed: forward, loss, backward and Adam. Its floating-point operations are counted by torch
as they run, over convolutions and matrix products. The floor is the time of those operations at the best rate that square matrix
products reach on this machine. The two are timed in turn, so that other work on the machine slows both. The ratio is one of medians.
No data are read, because noise costs the same as pictures.
"""

from __future__ import annotations

import argparse

import torch
from torch.utils.flop_counter import FlopCounterMode
from training_step import PRECISIONS, Step, in_turn

from torchcpc.contracts import Window
from torchcpc.objectives import Contrast
from torchcpc.runs.build import build, schema
from torchcpc.scores import CANDIDATES
from torchcpc.settings import construct, load_recipe, override, resolve


def step_of(precision: torch.dtype, assignments: list[str]) -> Step:
    """The step of the recipe pictures, with some of its settings changed."""
    settings = resolve(override(load_recipe("pictures"), assignments), schema())
    batch, size = settings["windows"]["batch"], settings["data"]["size"]
    number = torch.arange(batch)
    x = torch.rand(batch, size, size, settings["encoder"]["colours"]) * 2 - 1
    window = Window(x, number, number, torch.zeros_like(number), torch.full_like(number, size))
    return Step(build(settings).train(), Contrast(construct(CANDIDATES, settings["candidates"])), window, precision)


def flops_of(step: Step) -> int:
    """Counted by torch while one step is taken."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignments", nargs="*", metavar="section.key=value", help="settings of the recipe to change")
    parser.add_argument("--rounds", type=int, default=15, help="times that step and products are timed in turn")
    parser.add_argument(
        "--precision", nargs="*", choices=PRECISIONS, default=list(PRECISIONS), help="default: one after the other"
    )
    arguments = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        f"{'precision':<10} {'GFLOP':>6} {'GEMM GFLOP/s':>13} {'least s':>8} {'step s':>8} {'ratio':>6} {'ratio of best':>14}"
    )
    for precision in map(PRECISIONS.__getitem__, arguments.precision):
        step = step_of(precision, arguments.assignments)
        total, taken = flops_of(step), in_turn(step, arguments.rounds)
        ratio, ratio_of_best = taken.ratios(total)
        print(
            f"{str(precision).removeprefix('torch.'):<10} {total / 1e9:>6.1f} {1e-9 / taken.per_flop:>13.0f} "
            f"{total * taken.per_flop:>8.3f} {taken.whole:>8.3f} {ratio:>6.2f} {ratio_of_best:>14.2f}"
        )


if __name__ == "__main__":
    main()
