"""Does the command line answer at once? Medians of fresh processes: `cpc --help`, `import torchcpc`, and Python alone."""

import subprocess
import sys
from statistics import median
from time import perf_counter

COMMANDS = {
    "python alone": [sys.executable, "-c", "pass"],
    "import torchcpc": [sys.executable, "-c", "import torchcpc"],
    "cpc --help": [sys.executable, "-m", "torchcpc", "--help"],
    "cpc train --help": [sys.executable, "-m", "torchcpc", "train", "--help"],
}


def main() -> None:
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(11):
        for name, command in COMMANDS.items():
            begun = perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(perf_counter() - begun)
    for name, times in seconds.items():
        print(f"{name:<20} {median(times):.3f} s (of 11 runs, {min(times):.3f} to {max(times):.3f})")


if __name__ == "__main__":
    main()
