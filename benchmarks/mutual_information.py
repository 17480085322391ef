"""How near does `mutual_information` come to known truths, how long does it take, and how often does its interval hold the truth?

python benchmarks/mutual_information.py [--samples 10000] [--draws 1] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from families import FAMILIES

from torchcpc import mutual_information


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--first-draw", type=int, default=1_000)
    parser.add_argument("--only", nargs="+", choices=FAMILIES, default=list(FAMILIES), metavar="NAME")
    arguments = parser.parse_args()
    errors, seconds, held = [], [], []
    for name in arguments.only:
        draw, truth = FAMILIES[name]
        for number in range(arguments.draws):
            x, y = draw(arguments.samples, np.random.default_rng([arguments.first_draw, number]))
            start = time.perf_counter()
            found = mutual_information(x, y)
            seconds.append(time.perf_counter() - start)
            errors.append(found.value - truth)
            # The truth of independent samples is 0 and the end of the interval is 0: equal up to rounding.
            held.append(found.low - 1e-9 <= truth <= found.high + 1e-9)
            print(
                f"{name:30s} truth {truth:6.3f}  error {errors[-1]:+.3f}  [{found.low:.3f}, {found.high:.3f}]{' ' if held[-1] else '!'} "
                f"{seconds[-1]:5.1f} s  {found.detail['method']}",
                flush=True,
            )
    size = np.abs(errors)
    print(
        f"{len(size)} tasks of {arguments.samples} samples: mean absolute error {size.mean():.4f}, largest {size.max():.3f} nats;"
    )
    print(
        f"median {np.median(seconds):.1f} s, longest {max(seconds):.1f} s; the interval held the truth in {np.mean(held):.0%}"
    )


if __name__ == "__main__":
    main()
