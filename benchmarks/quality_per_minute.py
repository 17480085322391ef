"""Accuracy of the linear probe against minutes of training, for our recipes and for the settings of CPC_audio.

    python benchmarks/quality_per_minute.py MBOSHI --alignment MBOSHI/phones.csv -o OUT.jsonl --ours speech \\
        --ours "wide: speech encoder.channels=256 training.steps=budget" --minutes 2 5 10 20 40 60 --seeds 3

Contenders train one after another in this process, with the same number of threads. They hear the same recordings: the
training part of `split.*` with the same seed, never the test part. At the given minutes the weights are frozen. The probe of
torchcpc then reads the labels of the same frames from z and from c. Training time is the time of the updates, with the reading
of their windows. Probes do not count, and neither does the first reading of all recordings by CPC_audio. No contender
validates: the current weights count, not the best. Minute 0 is the untrained network. `cpc_audio.py` lists the settings of
CPC_audio, where they come from, and what differs.

A learning rate that falls makes the points of one run unequal. So there are two ways:

- A recipe as it is: one run of `training.steps` updates. Its points are read along this run. "~" marks a point whose schedule
  is not finished. "=" marks a point after the last update, whose weights are those of the end of the run.
- With `training.steps=budget`: one run for each number of minutes. The schedule follows the clock and ends with the budget.
  The warm-up still has `training.warmup` updates, and multiplies the rate.

CPC_audio has a constant rate, so a point along its run is a finished one.

OUT.jsonl has one line for each point. Finished points are skipped when the command runs again, and an interrupted run goes on
from OUT.state. Tables are printed at the end, and OUT.svg is the figure. Measure on a calm machine: minutes are those of the
clock. Each point keeps the load of the machine and the minutes of processor time.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time

import torch
from cpc_audio import Published
from quality_contenders import Contender, CPCAudio, OurRecipe, Training, check_alike
from quality_points import Board, Point, Points

from torchcpc.atomic import check_suffix, check_writable, replacing
from torchcpc.baselines.speech import HANDMADE
from torchcpc.contracts import CPCError, Sources
from torchcpc.data.alignment import read_alignment
from torchcpc.probes.features import Clipped
from torchcpc.probes.question import ProbeRows, ProbeSpec
from torchcpc.probes.rows import ClipFeatures
from torchcpc.probes.seed_features import SeedFeatures
from torchcpc.probes.single_split import SingleSplit
from torchcpc.probes.stored import RowStore, key_of
from torchcpc.runs.open_sources import open_sources
from torchcpc.signals import deferred

# Samples of a step of all contenders, 10 ms at 16 kHz.
STRIDE, RATE = 160, 16_000


class Probe:
    """The question that all contenders answer: labels of frames, by the linear probe of torchcpc.

    Args:
        sources: The recordings.
        alignment: File of the labels.
        column: Column of the labels.
        every: Only every N-th frame is a row.
        threads: Threads of training.

    Attributes:
        key: Digest of the question.
    """

    def __init__(self, sources: Sources, alignment: Path, *, column: str, every: int, threads: int) -> None:
        labels = read_alignment(alignment, column=column, rate=RATE).matched(sources)
        spec = ProbeSpec(column, alignment=labels, unit="frame", every=every)
        self.design = SingleSplit(sources, spec, ProbeRows(probes=["linear"], curve=()), STRIDE)
        self.key = key_of(Clipped(sources, self.design).key, alignment.read_bytes(), column, threads)

    def answers(self, made: Sequence[ClipFeatures], names: Sequence[str]) -> tuple[dict[str, list[int]], list[int]]:
        """Return the right answers in each test unit by the name of the features, and the rows of each unit."""
        right, rows = {}, []
        for name, own in zip(names, made, strict=True):
            features = SeedFeatures(name, "cpc", name, lambda own=own: own)
            found = self.design.answer("linear", features, RowStore(None)).hits
            right[name], rows = found.hits_RS[0].astype(int).tolist(), found.rows_S.astype(int).tolist()
        return right, rows

    def read(self, training: Training) -> tuple[dict[str, list[int]], list[int]]:
        """Probe the frozen network of a training."""
        frames = ((index, (z_TD, c_TC)) for index, z_TD, c_TC in training.embed(self.design.clips))
        z, c = self.design.gather(frames)
        return self.answers((c, z), ("c", "z"))

    def read_handmade(self, name: str) -> tuple[dict[str, list[int]], list[int]]:
        """Probe handmade features."""
        clips, function = self.design.clips, HANDMADE[name]
        frames = ((i, (function(clips.read(i, 0, clips.length(i)), STRIDE),)) for i in range(len(clips)))
        return self.answers(self.design.gather(frames), ("frames",))


class Clock:
    """The time that a training took so far.

    Attributes:
        seconds: Seconds by the clock.
        core_seconds: Seconds of processor time, over all threads.
    """

    def __init__(self) -> None:
        self.seconds = self.core_seconds = 0.0

    def update(self, training: Training) -> None:
        """Make one update and add its time."""
        wall, cores = perf_counter(), process_time()
        training.update(self.seconds)
        self.seconds, self.core_seconds = self.seconds + perf_counter() - wall, self.core_seconds + process_time() - cores


class Race:
    """The measurement of all contenders.

    Args:
        sources: The recordings.
        probe: The question.
        points: The finished points.
        minutes: Minutes of training, in order.
    """

    def __init__(self, sources: Sources, probe: Probe, points: Points, minutes: Sequence[float]) -> None:
        self.sources, self.probe, self.points, self.minutes = sources, probe, points, minutes
        self.state = points.path.with_suffix(".state")
        self.read: tuple[Training, int, dict[str, list[int]], list[int]] | None = None

    def measure_handmade(self, name: str) -> None:
        """Add the point of handmade features, unless it is there."""
        if not self.points.has(name, "", 0, 0.0):
            right, of = self.probe.read_handmade(name)
            self.points.add(Point(contender=name, identity="", rows=self.points.rows, seed=0, minutes=0.0, right=right, of=of))
            print(f"{name}: {100 * self.points.all[-1].accuracy('frames'):.1f} %", flush=True)

    def measure(self, contender: Contender, seed: int) -> None:
        """Add all missing points of a contender and a seed."""
        identity = key_of(contender.identity())
        runs = [[minutes] for minutes in self.minutes] if contender.by_clock else [list(self.minutes)]
        for run in runs:
            missing = [m for m in (0.0, *run) if not self.points.has(contender.label, identity, seed, m)]
            if missing:
                self.train(contender, identity, seed, run, missing)

    def train(self, contender: Contender, identity: str, seed: int, run: Sequence[float], missing: Sequence[float]) -> None:
        """Train once, and add the missing points along the way."""
        key, clock = key_of(identity, self.points.rows, seed, run[-1] if contender.by_clock else 0), Clock()
        with closing(contender.start(self.sources, seed, 60 * run[-1])) as training:
            self.check(contender, training)
            self.load(key, training, clock, min(missing))
            for minutes in (0.0, *run):
                if minutes > max(missing):
                    break
                if minutes and clock.seconds < 60 * minutes:
                    self.train_until(minutes, key, training, clock)
                if minutes in missing:
                    self.add(contender, identity, seed, minutes, training, clock)
        self.state.unlink(missing_ok=True)

    def check(self, contender: Contender, training: Training) -> None:
        """Check that the steps of our recipe are those of the probe.

        Raises:
            CPCError: If they are not.
        """
        stride = getattr(training.model.encoder, "stride", STRIDE)
        if stride != STRIDE or self.sources.rate != RATE:
            raise CPCError(
                f"{contender.label}: a step of {stride} samples at {self.sources.rate:g} Hz. All need {STRIDE} at {RATE} Hz."
            )

    def train_until(self, minutes: float, key: str, training: Training, clock: Clock) -> None:
        """Train until so many minutes in all, or to the end of the run. A signal waits for the state to be saved."""
        with deferred() as asked:
            while clock.seconds < 60 * minutes and not training.ended and not asked.number:
                clock.update(training)
            reached = clock.seconds / 60 if asked.number and clock.seconds < 60 * minutes else minutes
            self.save(key, training, clock, reached)

    def add(self, contender: Contender, identity: str, seed: int, minutes: float, training: Training, clock: Clock) -> None:
        """Probe the network as it is, and add the point."""
        load, read = os.getloadavg()[0], self.read
        if read is None or read[:2] != (training, training.step):  # after its end, a run is not read again
            read = self.read = (training, training.step, *self.probe.read(training))
        right, of = read[2:]
        work = {"updates": training.step, "clock_minutes": clock.seconds / 60, "core_minutes": clock.core_seconds / 60}
        ended = training.ended and clock.seconds < 60 * minutes
        facts = {"schedule_done": training.schedule_done(clock.seconds), "ended": ended, "load": load}
        names = {"contender": contender.label, "identity": identity, "rows": self.points.rows, "seed": seed, "minutes": minutes}
        point = Point(**names, right=right, of=of, **work, **facts)
        self.points.add(point)
        accuracies = ", ".join(f"{name} {100 * point.accuracy(name):.1f} %" for name in right)
        print(
            f"{contender.label}, seed {seed}, {minutes:g} min, {training.step:,} updates: {accuracies}, load {load:.1f}",
            flush=True,
        )

    def save(self, key: str, training: Training, clock: Clock, reached: float) -> None:
        """Save the state of a training. `reached` says which point it belongs to, or how far behind it is."""
        times = {"seconds": clock.seconds, "core_seconds": clock.core_seconds, "reached": reached}
        networks = {"model": training.model.state_dict(), "optimizer": training.optimizer.state_dict()}
        with replacing(self.state) as partial:
            torch.save({"key": key, "step": training.step, **times, **networks}, partial)

    def load(self, key: str, training: Training, clock: Clock, first: float) -> None:
        """Continue from a saved state if it is of the same run, and not beyond the first missing point."""
        if not self.state.exists():
            return
        saved = torch.load(self.state, weights_only=True)
        if saved["key"] == key and saved["reached"] <= first:
            training.model.load_state_dict(saved["model"])
            training.optimizer.load_state_dict(saved["optimizer"])
            training.step, clock.seconds, clock.core_seconds = saved["step"], saved["seconds"], saved["core_seconds"]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA", nargs="+", help="folders or manifests of recordings with speakers and a split")
    parser.add_argument(
        "--alignment", type=Path, required=True, metavar="FILE", help="labels of frames: recording,start_s,end_s,phone"
    )
    parser.add_argument("--column", default="phone", help="column of the labels (default: %(default)s)")
    parser.add_argument("--every", type=int, default=4, help="only every N-th labelled frame is a row (default: %(default)s)")
    parser.add_argument(
        "--ours",
        action="append",
        metavar="TEXT",
        help='"NAME: RECIPE section.key=value ...", may be repeated (default: speech)',
    )
    parser.add_argument(
        "--cpc-audio",
        nargs="*",
        choices=("transformer", "linear"),
        default=["transformer"],
        help="heads of CPC_audio, none to leave it out (default: transformer)",
    )
    parser.add_argument("--minutes", nargs="+", type=float, default=[2, 5, 10, 20, 40, 60], help="minutes of training")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of each contender (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each contender (default: %(default)s)")
    parser.add_argument(
        "--handmade", nargs="*", choices=HANDMADE, default=["MFCC", "MFCC mean-normalised 11 frames"], metavar="NAME"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.jsonl", help="file of the points")
    compare(parser.parse_args(arguments), Published())


def compare(given: argparse.Namespace, published: Published) -> None:
    """Measure all contenders, and print the tables."""
    check_suffix(given.out, (".jsonl",))
    check_writable(given.out)
    torch.set_num_threads(given.threads)
    minutes = sorted({m for m in given.minutes if m > 0})
    ours = [OurRecipe.parse(text) for text in given.ours or ["speech"]]
    check_alike(ours)
    first = ours[0].settings
    peers = [
        CPCAudio(f"CPC_audio, {heads} heads", replace(published, heads=heads), first["split"]) for heads in given.cpc_audio
    ]
    contenders: list[Contender] = [*ours, *peers]
    if len({own.label for own in contenders}) != len(contenders):
        raise CPCError("two contenders have the same name. Begin one with another: --ours 'NAME: RECIPE ...'.")
    sources = open_sources(first["data"], given.data)
    probe = Probe(sources, given.alignment, column=given.column, every=given.every, threads=given.threads)
    points = Points(given.out, probe.key)
    race = Race(sources, probe, points, minutes)
    for name in given.handmade:
        race.measure_handmade(name)
    for seed in range(given.seeds):
        for contender in contenders:
            race.measure(contender, seed)
    board = Board(points, [own.label for own in contenders], given.handmade, minutes, given.threads)
    print()
    for table in (board.accuracies(), *([board.differences()] if peers else []), board.work()):
        print(table.text(140), end="\n\n")
    board.draw(given.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
