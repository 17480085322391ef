"""Where does the time of a probe table go? 600 clips of one second at 16 kHz, 10 classes, 20 voices, a run of the recipe `speech`.

Prints the seconds of every part that the probe reports, in order, and their sum. The clips are synthetic: a class is a path of two
formants, a voice is a pitch and a size, and noise is added, so that rows differ and solvers have work to do.

python benchmarks/probe_default.py [--clips 600] [--steps 20] [--seconds-by-function] [-- options of cpc probe]
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import soundfile

RATE, CLASSES, VOICES = 16_000, 10, 20


class Stopwatch:
    """A Listener that keeps the seconds between one report of progress and the next."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, float]] = []
        self._name, self._begun = "opening", perf_counter()

    def turn(self, name: str) -> None:
        if name != self._name:
            now = perf_counter()
            self.parts.append((self._name, now - self._begun))
            self._name, self._begun = name, now

    @contextmanager
    def stage(self, name: str) -> Iterator[object]:
        self.turn(name)
        yield lambda done, total, note="": self.turn(note or name)
        self.turn("rest")

    def note(self, text: str) -> None:
        pass


def clip(kind: int, voice: int, rng: np.random.Generator) -> np.ndarray:
    """One second of a buzz at the voice's pitch whose two formants move as the class says, in noise: [RATE] float32."""
    time = np.arange(RATE) / RATE
    pitch = 90 + 8 * voice + 6 * rng.normal() + 10 * np.sin(2 * np.pi * (0.5 + rng.random()) * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    size = 0.85 + 0.3 * voice / VOICES
    ways = np.random.default_rng(kind).uniform(0, 1, (2, 3))
    sound = np.zeros(RATE)
    path = [np.interp(time, (0.1, 0.5, 0.9), way + 0.12 * rng.normal(size=3)) for way in ways]
    formants = [size * (300 + 600 * path[0]), size * (900 + 1800 * path[1])]
    for harmonic in range(1, 40):
        level = sum(np.exp(-0.5 * ((harmonic * pitch - formant) / 120) ** 2) for formant in formants)
        sound += level * np.sin(harmonic * phase)
    return (0.1 * sound * np.hanning(RATE) + 0.02 * rng.normal(size=RATE)).astype(np.float32).clip(-1, 1)


def write_clips(folder: Path, count: int) -> Path:
    """The clips and the table that labels them."""
    rng, lines = np.random.default_rng(0), ["path,digit,speaker"]
    for number in range(count):
        kind, voice = number % CLASSES, number // CLASSES % VOICES
        soundfile.write(folder / f"{number}.wav", clip(kind, voice, rng), RATE)
        lines.append(f"{number}.wav,{kind},s{voice}")
    table = folder / "labels.csv"
    table.write_text("\n".join(lines))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=600, help="how many (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=20, help="updates of the run (default: %(default)s)")
    parser.add_argument("--seconds-by-function", action="store_true", help="profile, too: slower")
    parser.add_argument("options", nargs="*", help="of cpc probe, after --")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        measure(Path(folder), given)


def measure(folder: Path, given: argparse.Namespace) -> None:
    import torchcpc
    from torchcpc.commands import options, probe
    from torchcpc.probes.question import ProbeRows

    table = write_clips(folder, given.clips)
    training = {"steps": given.steps, "warmup": 0, "validate_every": given.steps}
    trained = torchcpc.train("speech", data=table, out=folder / "run", training=training)
    parser, watch, profile = argparse.ArgumentParser(), Stopwatch(), cProfile.Profile()
    probe.arguments(parser)
    asked = parser.parse_args([str(trained.folder), str(table), "--label", "digit", *given.options])
    spec, rows = options.values(asked, *probe.QUESTION), ProbeRows(**options.values(asked, *probe.ROWS))
    spec |= {"label": asked.label, "unit": asked.unit, "delay_s": spec.pop("delay")}
    begun, of_processor = perf_counter(), os.times()
    if given.seconds_by_function:
        profile.enable()
    run = torchcpc.load(trained.folder, listener=watch)
    print(run.probe([str(table)], rows=rows, **spec).text())
    profile.disable()
    watch.turn("end")
    for name, seconds in watch.parts:
        print(f"{seconds:8.2f} s  {name}")
    used = sum(os.times()[:2]) - sum(of_processor[:2])
    print(f"{perf_counter() - begun:8.2f} s  in all, {used:.1f} s of processor")
    if given.seconds_by_function:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)


if __name__ == "__main__":
    main()
