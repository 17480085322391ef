"""How far is a training step from what the machine's matrix products allow?

One whole step (forward, loss, backward, Adam) of the paper's speech model at 256 channels, in bfloat16 autocast, against its own
floating-point operations at the best rate that square matrix products reach here. The two are timed in turn, so that other work on the
machine slows both; the ratio is of medians. Reads no data: noise costs the same as speech.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter

import torch

from torchcpc.contexts import RecurrentContext
from torchcpc.contracts import Window
from torchcpc.encoders import WaveformEncoder
from torchcpc.model import CPC
from torchcpc.objectives import Contrast
from torchcpc.scores import Bilinear, Shared

WINDOWS, SAMPLES, CHANNELS, HORIZONS, POOL = 8, 20_480, 256, 12, 512
SIZES = (1024, 1536, 2048)


def step_flops() -> dict[str, float]:
    """Multiplications and additions of the step's matrix products; a backward pass costs its forward twice."""
    steps, inputs, encoder = SAMPLES, 1, 0.0
    for kernel, stride in zip((10, 8, 4, 4, 4), (5, 4, 2, 2, 2), strict=True):
        steps //= stride
        passes = 2 if inputs == 1 else 3  # nobody asks for the gradient of the sound itself
        encoder += passes * 2 * WINDOWS * steps * kernel * inputs * CHANNELS
        inputs = CHANNELS
    anchors = WINDOWS * sum(steps - k for k in range(1, HORIZONS + 1))
    return {
        "encoder": encoder,
        "context": 3 * 2 * WINDOWS * steps * 3 * CHANNELS * 2 * CHANNELS,
        "predictor": 3 * 2 * WINDOWS * steps * CHANNELS * HORIZONS * CHANNELS,
        "objective": 3 * 2 * anchors * POOL * CHANNELS,
    }


class Step:
    """One training step, with its model and optimiser."""

    def __init__(self, precision: torch.dtype) -> None:
        torch.manual_seed(0)
        self.precision = precision
        self.model = CPC(
            WaveformEncoder(channels=CHANNELS),
            RecurrentContext(CHANNELS, dim=256),
            Bilinear(256, CHANNELS, count=HORIZONS),
        )
        self.contrast = Contrast(Shared(count=POOL))
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=2e-4, fused=True)
        number = torch.arange(WINDOWS)
        self.window = Window(
            x=0.1 * torch.randn(WINDOWS, SAMPLES),
            source=number,
            group=number,
            start=torch.zeros_like(number),
            length=torch.full_like(number, SAMPLES),
        )
        self.generator = torch.Generator().manual_seed(0)

    def __call__(self) -> None:
        with torch.autocast("cpu", self.precision, enabled=self.precision != torch.float32):
            loss, _ = self.contrast(self.model, self.window, self.generator)
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad()


def seconds(work) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="times that step and products are timed in turn")
    rounds = parser.parse_args().rounds
    flops = step_flops()
    total = sum(flops.values())
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        "GFLOP per step: "
        + ", ".join(f"{name} {value / 1e9:.1f}" for name, value in flops.items())
        + f"; all {total / 1e9:.1f}"
    )
    print(
        f"{'precision':<10} {'GEMM GFLOP/s':>13} {'least s':>8} {'step s':>8} {'ratio':>6} {'ratio of best':>14} {'audio s/s':>10}"
    )
    for precision in (torch.bfloat16, torch.float32):
        step = Step(precision)
        square = {n: torch.randn(n, n).to(precision) for n in SIZES}
        step()
        taken = [
            (min(seconds(lambda a=a: a @ a) / (2 * n**3) for n, a in square.items()), seconds(step)) for _ in range(rounds)
        ]
        per_flop, whole = (median(column) for column in zip(*taken, strict=True))
        least_per_flop, least_whole = (min(column) for column in zip(*taken, strict=True))
        print(
            f"{str(precision).removeprefix('torch.'):<10} {1e-9 / per_flop:>13.0f} {total * per_flop:>8.3f} {whole:>8.3f} "
            f"{whole / (total * per_flop):>6.2f} {least_whole / (total * least_per_flop):>14.2f} "
            f"{WINDOWS * SAMPLES / 16_000 / whole:>10.1f}"
        )


if __name__ == "__main__":
    main()
