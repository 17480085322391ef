"""Reads mutated files of every kind, in processes that can be stopped: `python tests/attacks/fuzz.py --cases 100000 --seed 1 --jobs 2`.

A case is fine (the file was read, or skipped with a reason), refused (a CPCError), or a fault: another exception, more than 5 s, more than
1 GB of memory, or a process that died. A case follows from the seed and its number alone, so `--seed S --case N` runs it again.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.attacks.fuzz_runs import every_kind
from tests.attacks.fuzz_seeds import Kind
from tests.attacks.mutate import mutate
from torchcpc.contracts import CPCError

SLOWEST_S, GROWTH_MB = 5.0, 1024
# A process that waits and computes nothing is stopped later: on a busy machine it may only be waiting for its turn.
PATIENCE = 4
# Address space above what a process had at its start; what asks for more gets no memory.
SPACE = 8 << 30


@dataclass(frozen=True)
class Verdict:
    """What came of a case. what: fine, refused, or the fault; grew: by how many MB."""

    number: int
    kind: str
    what: str
    seconds: float = 0.0
    grew: float = 0.0
    detail: str = ""


@dataclass
class Tally:
    """All cases of a kind."""

    cases: int = 0
    fine: int = 0
    refused: int = 0
    slowest: float = 0.0
    grew: float = 0.0
    faults: list[Verdict] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        self.cases += 1
        self.slowest, self.grew = max(self.slowest, verdict.seconds), max(self.grew, verdict.grew)
        match verdict.what:
            case "fine":
                self.fine += 1
            case "refused":
                self.refused += 1
            case _:
                self.faults.append(verdict)


def case_of(kinds: Sequence[Kind], seed: int, number: int) -> tuple[Kind, dict[str, bytes]]:
    """The kind of a case and the files it stands among, one of them mutated."""
    rng = random.Random(f"{seed}:{number}")
    (kind,) = rng.choices(kinds, [kind.weight for kind in kinds])
    world, other = rng.choice(kind.worlds), rng.choice(rng.choice((kind, rng.choice(kinds))).worlds)
    spliced = other[rng.choice(sorted(other))]
    return kind, {**world, kind.target: mutate(world[kind.target], spliced, kind.form, rng)}


def run_case(kind: Kind, files: dict[str, bytes], folder: Path) -> tuple[str, str]:
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    try:
        kind.read(folder)
    except CPCError as error:
        return "refused", str(error)
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)
        own = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in where if "torchcpc" in frame.filename]
        return f"{type(error).__name__}", f"{str(error)[:160]!r} at {' '.join(own[-2:])}"
    return "fine", ""


def memory_mb(name: str) -> float:
    """VmRSS or VmHWM of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def work(kinds: Sequence[Kind], seed: int, numbers: Sequence[int], scratch: Path, report: Connection) -> None:
    """Runs cases one after the other and tells of each before and after it."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (1, 2):
        os.dup2(null, number)
    space = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (space + SPACE, space + SPACE))
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    for number in numbers:
        kind, files = case_of(kinds, seed, number)
        report.send(Verdict(number, kind.name, "begun"))
        Path("/proc/self/clear_refs").write_text("5")  # the peak of memory begins anew
        before, start = memory_mb("VmRSS"), time.perf_counter()
        what, detail = run_case(kind, files, scratch / "case")
        seconds, grew = time.perf_counter() - start, memory_mb("VmHWM") - before
        if grew > GROWTH_MB:
            what = f"grew by {grew:.0f} MB"
        report.send(Verdict(number, kind.name, what, seconds, grew, detail))
    report.close()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Worker:
    """A process that runs cases, and is ended and begun again after one that takes too long or kills it."""

    def __init__(self, kinds: Sequence[Kind], seed: int, numbers: Sequence[int], scratch: Path) -> None:
        self.kinds, self.seed, self.left, self.scratch = kinds, seed, list(numbers), scratch
        self.start()

    def start(self) -> None:
        self.reports, theirs = Pipe(duplex=False)
        self.begun: Verdict | None = None
        self.since = time.perf_counter(), 0.0
        self.pid = os.fork()
        if self.pid == 0:
            try:
                work(self.kinds, self.seed, self.left, self.scratch, theirs)
            finally:
                os._exit(0)
        theirs.close()

    def verdicts(self) -> Iterator[Verdict]:
        """The cases that have ended since the last call."""
        try:
            while self.reports.poll():
                verdict = self.reports.recv()
                if verdict.what == "begun":
                    self.begun, self.since = verdict, (time.perf_counter(), cpu_seconds(self.pid))
                else:
                    self.left, self.begun = self.left[1:], None
                    yield verdict
        except (EOFError, OSError):
            os.waitpid(self.pid, 0)
            if self.left:
                yield from self.ended("the process died")
            return
        if self.begun is not None and (self.took() or time.perf_counter() - self.since[0] > PATIENCE * SLOWEST_S):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            yield from self.ended(f"more than {SLOWEST_S:g} s")

    def took(self) -> bool:
        return cpu_seconds(self.pid) - self.since[1] > SLOWEST_S

    def ended(self, why: str) -> Iterator[Verdict]:
        number = self.left[0]
        kind, _ = case_of(self.kinds, self.seed, number)
        self.left = self.left[1:]
        yield Verdict(number, kind.name, why, time.perf_counter() - self.since[0])
        self.start()


def fuzz(kinds: Sequence[Kind], seed: int, numbers: Sequence[int], jobs: int, root: Path) -> Iterator[Verdict]:
    """The verdict of every case, as they come."""
    workers = [Worker(kinds, seed, numbers[job::jobs], root / f"job{job}") for job in range(jobs)]
    while busy := [worker for worker in workers if worker.left]:
        select.select([worker.reports for worker in busy], [], [], 0.2)
        for worker in busy:
            yield from worker.verdicts()
    for worker in workers:
        worker.reports.close()


def table(tallies: dict[str, Tally]) -> str:
    rows = [("kind", "cases", "fine", "refused", "faults", "slowest s", "growth MB")]
    total = Tally()
    for name, tally in sorted(tallies.items()):
        rows.append(
            (
                name,
                *map(str, (tally.cases, tally.fine, tally.refused, len(tally.faults))),
                f"{tally.slowest:.2f}",
                f"{tally.grew:.0f}",
            )
        )
        total.cases, total.fine, total.refused = (
            total.cases + tally.cases,
            total.fine + tally.fine,
            total.refused + tally.refused,
        )
        total.faults += tally.faults
        total.slowest, total.grew = max(total.slowest, tally.slowest), max(total.grew, tally.grew)
    rows.append(
        (
            "all",
            *map(str, (total.cases, total.fine, total.refused, len(total.faults))),
            f"{total.slowest:.2f}",
            f"{total.grew:.0f}",
        )
    )
    return "\n".join(f"{row[0]:28}" + "".join(f"{cell:>11}" for cell in row[1:]) for row in rows)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kind", default="", help="only kinds whose name contains this")
    parser.add_argument("--case", type=int, help="run this case again, here, with its traceback")
    parser.add_argument("--keep", type=Path, help="folder for the files of faults")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as name:
        root = Path(name)
        kinds = [kind for kind in every_kind(root / "seeds") if asked.kind in kind.name]
        if asked.case is not None:
            kind, files = case_of(kinds, asked.seed, asked.case)
            print(kind.name, files[kind.target][:999])
            print(run_case(Kind(kind.name, kind.target, loud(kind), kind.worlds), files, root / "case"))
            return 0
        tallies: dict[str, Tally] = defaultdict(Tally)
        for verdict in fuzz(kinds, asked.seed, range(asked.cases), asked.jobs, root):
            tallies[verdict.kind].add(verdict)
            if verdict.what not in ("fine", "refused"):
                print(f"case {verdict.number} ({verdict.kind}): {verdict.what} {verdict.detail}", flush=True)
                if asked.keep:
                    kind, files = case_of(kinds, asked.seed, verdict.number)
                    asked.keep.mkdir(parents=True, exist_ok=True)
                    (asked.keep / f"{verdict.number}-{kind.target.replace('/', '-')}").write_bytes(files[kind.target])
        print(table(tallies))
        return int(any(tally.faults for tally in tallies.values()))


def loud(kind: Kind):
    def read(folder: Path) -> None:
        try:
            kind.read(folder)
        except Exception:
            traceback.print_exc()
            raise

    return read


if __name__ == "__main__":
    sys.exit(main())
