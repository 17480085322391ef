"""How far is a training step from what the machine's matrix products allow?

One whole step is timed in bfloat16 autocast: forward, loss, backward and Adam. The model is the paper's speech model at 256 channels,
or with `--model series` the recipe `series-ecg`. The floor is the time of its floating-point operations at the best rate that square
matrix products reach on this machine. The two are timed in turn, so that other work on the machine slows both. The ratio is one of
medians. No data are read, because noise costs the same.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import torch
from training_step import PRECISIONS, Step, in_turn

from torchcpc.contexts import RecurrentContext
from torchcpc.contracts import Window
from torchcpc.encoders import SensorFrames, WaveformEncoder
from torchcpc.model import CPCModel
from torchcpc.objectives import Contrast
from torchcpc.runs.build import schema
from torchcpc.scores import Bilinear, Shared
from torchcpc.settings import load_recipe, resolve


@dataclass(frozen=True)
class Case:
    """Sizes of one model: `inputs` numbers arrive at its first layer for every raw position, `rate` positions are a second."""

    windows: int
    positions: int
    inputs: int
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    channels: int
    context: int
    rate: int
    horizons: int = 12
    pool: int = 512

    @classmethod
    def of_recipe(cls, name: str, inputs: int, rate: int) -> Case:
        settings = resolve(load_recipe(name), schema())
        encoder, windows = settings["encoder"], settings["windows"]
        return cls(
            windows["batch"],
            windows["length"],
            inputs,
            tuple(encoder["kernels"]),
            tuple(encoder["strides"]),
            encoder["dim"],
            settings["context"]["dim"],
            rate,
            settings["predictor"]["count"],
            settings["candidates"]["count"],
        )

    def encoder(self):
        if self.inputs == 1:
            return WaveformEncoder(channels=self.channels, kernels=self.kernels, strides=self.strides)
        half = self.inputs // 2  # values, and a mask for each
        return SensorFrames(
            dim=self.channels, kernels=self.kernels, strides=self.strides, mean=[0.0] * half, scale=[1.0] * half
        )

    def flops(self) -> dict[str, float]:
        """Multiplications and additions of the step's matrix products; a backward pass costs its forward twice."""
        steps, inputs, encoder, D = self.positions, self.inputs, 0.0, self.channels
        for number, (kernel, stride) in enumerate(zip(self.kernels, self.strides, strict=True)):
            steps //= stride
            passes = 3 if number else 2  # nobody asks for the gradient of the input itself
            encoder += passes * 2 * self.windows * steps * kernel * inputs * D
            inputs = D
        anchors = self.windows * sum(steps - k for k in range(1, self.horizons + 1))
        return {
            "encoder": encoder,
            "context": 3 * 2 * self.windows * steps * 3 * self.context * (D + self.context),
            "predictor": 3 * 2 * self.windows * steps * self.context * self.horizons * D,
            "objective": 3 * 2 * anchors * self.pool * D,
        }


CASES = {
    "speech": lambda: Case(8, 20_480, 1, (10, 8, 4, 4, 4), (5, 4, 2, 2, 2), 256, 256, 16_000),
    "series": lambda: Case.of_recipe("series-ecg", 4, 360),
}


def step_of(case: Case, precision: torch.dtype) -> Step:
    """The step of a model of these sizes, on noise."""
    torch.manual_seed(0)
    context = RecurrentContext(case.channels, dim=case.context)
    model = CPCModel(case.encoder(), context, Bilinear(case.context, case.channels, count=case.horizons))
    number = torch.arange(case.windows)
    window = Window(
        x=0.1 * torch.randn(case.windows, case.positions, *model.encoder.row_shape),
        source=number,
        group=number,
        start=torch.zeros_like(number),
        length=torch.full_like(number, case.positions),
    )
    return Step(model, Contrast(Shared(count=case.pool)), window, precision)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="times that step and products are timed in turn")
    parser.add_argument("--model", choices=CASES, default="speech", help="whose step is timed (default: %(default)s)")
    parser.add_argument(
        "--precision", nargs="*", choices=PRECISIONS, default=list(PRECISIONS), help="default: one after the other"
    )
    arguments = parser.parse_args()
    rounds, case = arguments.rounds, CASES[arguments.model]()
    flops = case.flops()
    total = sum(flops.values())
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        "GFLOP per step: "
        + ", ".join(f"{name} {value / 1e9:.1f}" for name, value in flops.items())
        + f"; all {total / 1e9:.1f}"
    )
    print(
        f"{'precision':<10} {'GEMM GFLOP/s':>13} {'least s':>8} {'step s':>8} {'ratio':>6} {'ratio of best':>14} {'data s/s':>10}"
    )
    for precision in map(PRECISIONS.__getitem__, arguments.precision):
        taken = in_turn(step_of(case, precision), rounds)
        ratio, ratio_of_best = taken.ratios(total)
        print(
            f"{str(precision).removeprefix('torch.'):<10} {1e-9 / taken.per_flop:>13.0f} {total * taken.per_flop:>8.3f} "
            f"{taken.whole:>8.3f} {ratio:>6.2f} {ratio_of_best:>14.2f} "
            f"{case.windows * case.positions / case.rate / taken.whole:>10.1f}"
        )


if __name__ == "__main__":
    main()
