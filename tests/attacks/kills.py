"""Kills training runs, before each file event and at random instants, and compares what they become with a run that nobody disturbed.

    python tests/attacks/kills.py --instants 100 --processes 2

A killed run is resumed where it has a record, else the same call is made again. All files of the run must then hold the same bytes:
weights, checkpoints, settings, digests, tokenizer. metrics.jsonl is compared without `steps_per_second`, which is a measurement. Every
process is a fork of this one, which has loaded torch and computed nothing.
"""

import argparse
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from torchcpc import api
from torchcpc.runs.devices import Devices

# What the processes of a run have to end in when one of them was killed, before the launcher ends them; and a whole run.
PATIENCE, HANG = 10.0, 120.0
WORDS = ("red", "blue", "green", "one", "two", "three", "cat", "dog", "sees", "likes", "finds", "old")
SETTINGS = {
    "data_settings": {"tokens": "words", "vocabulary": 13, "width": 5},
    "encoder": {"embedding": 7, "dim": 5},
    "context": {"dim": 5},
    "predictor": {"count": 2},
    "windows": {"length": 7, "batch": 4},
    "candidates": {"name": "shared", "count": 11},
    "split": {"validation": 0.3},
    "training": {"steps": 7, "warmup": 0, "log_every": 1, "validate_every": 3, "save_every": 2},
}
EVENTS = (
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.chmod",
    "os.truncate",
    "tempfile.mkstemp",
    "shutil.rmtree",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one killed run. fault: "" where all was well; seconds: until the other processes had ended."""

    instant: str
    fault: str
    began_again: bool
    seconds: float


def write_documents(folder: Path) -> Path:
    rng = random.Random(0)
    folder.mkdir(parents=True)
    for number in range(11):
        text = " ".join(" ".join(rng.choices(WORDS, k=4)).capitalize() + "." for _ in range(29))
        (folder / f"{number}.txt").write_text(text)
    return folder


def run(data: Path, folder: Path, processes: int) -> None:
    """Begins or resumes the run in `folder`: what a user would do with the command."""
    devices = Devices(accelerator="cpu", devices=processes, precision="32-true")
    if (folder / "settings.json").exists():
        api.resume(folder, devices=devices)
    else:
        api.train("text", data=data, out=folder, devices=devices, **SETTINGS)


def fork(work: Callable[[], None], log: Path, **environment: str) -> int:
    """A process that does `work`; it ends with 1, and tells why in `log`, where that fails."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        with log.open("a") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        os.environ.update(environment)
        work()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def start(work: Callable[[], None], log: Path, processes: int) -> list[int]:
    """As many processes as torchrun would start."""
    if processes == 1:
        return [fork(work, log)]
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(processes), "GLOO_SOCKET_IFNAME": "lo"}
    shared |= {"LOCAL_WORLD_SIZE": str(processes), "TORCHELASTIC_RUN_ID": "kills", "GROUP_RANK": "0"}
    return [fork(work, log, **shared, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(processes)]


def ended(pids: list[int], seconds: float) -> list[int | None]:
    """Exit codes, negative for signals; None, and killed, where a process has not ended in time."""
    codes: dict[int, int | None] = {}
    deadline = time.monotonic() + seconds
    while len(codes) < len(pids) and time.monotonic() < deadline:
        for pid in set(pids) - codes.keys():
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                codes[pid] = os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    for pid in set(pids) - codes.keys():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        codes[pid] = None
    return [codes[pid] for pid in pids]


def killed_at_event(folder: Path, number: int, count: Path) -> None:
    """Ends this process before its event `number` (from 0) on the files of `folder`; `count` is told of every event."""
    begun, seen = os.fspath(folder), 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal seen
        if event not in EVENTS or not str(args[0]).startswith(begun):
            return
        if event == "open" and isinstance(args[2], int) and not args[2] & (os.O_WRONLY | os.O_RDWR):
            return
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1
        os.write(told, b".")

    told = os.open(count, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.addaudithook(hook)


def contents(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {path.name: path.read_bytes() for path in folder.iterdir()}
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    found["metrics.jsonl"] = [{k: v for k, v in line.items() if k != "steps_per_second"} for line in lines]
    return found


class Kills:
    """A run that nobody disturbed, and others that somebody did."""

    def __init__(self, base: Path, processes: int) -> None:
        self.base, self.processes, self.data = base, processes, write_documents(base / "documents")
        os.environ["XDG_CACHE_HOME"] = str(base / "cache")
        whole, count = base / "whole", base / "events"
        self._load_modules()  # and fill the cache of the scan
        begun = time.monotonic()
        codes = self._go(whole, lambda: killed_at_event(whole, -1, count))
        self.seconds = time.monotonic() - begun
        if codes != [0] * processes:
            raise AssertionError((base / "log").read_text())
        self.whole, self.events = contents(whole), len(count.read_bytes())

    def _load_modules(self) -> None:
        """Imports what a run imports, so that the others do not spend their time on it."""
        names = self.base / "modules"

        def work() -> None:
            run(self.data, self.base / "warm", 1)
            names.write_text("\n".join(sys.modules))

        if ended(start(work, self.base / "log", 1), HANG) != [0]:
            raise AssertionError((self.base / "log").read_text())
        for name in names.read_text().split():
            with suppress(Exception):
                import_module(name)

    def _go(self, folder: Path, before: Callable[[], None] = lambda: None) -> list[int | None]:
        def work() -> None:
            before()
            run(self.data, folder, self.processes)

        return ended(start(work, self.base / "log", self.processes), HANG)

    def at_event(self, number: int) -> Outcome:
        folder = self.base / f"event-{number}"

        def work() -> None:
            if os.environ.get("RANK", "0") == "0":
                killed_at_event(folder, number, self.base / "ignored")
            run(self.data, folder, self.processes)

        return self._recovered(f"file event {number}", folder, start(work, self.base / "log", self.processes), HANG / 4)

    def at_instant(self, seconds: float, rank: int) -> Outcome:
        folder = self.base / f"instant-{seconds:.4f}"
        pids = start(lambda: run(self.data, folder, self.processes), self.base / "log", self.processes)
        time.sleep(seconds)
        os.kill(pids[rank], signal.SIGKILL)
        return self._recovered(f"{seconds:.3f} s, process {rank}", folder, pids, PATIENCE)

    def _recovered(self, instant: str, folder: Path, pids: list[int], patience: float) -> Outcome:
        begun = time.monotonic()
        left = ended(pids, patience)
        met = self.processes > 1 and (folder / "settings.json").exists()
        waited = time.monotonic() - begun
        again = not (folder / "settings.json").exists()
        code = self._go(folder)
        # Before their first exchange nothing but the launcher could know that one has gone.
        fault = "the others did not end" if None in left and met else ""
        if code != [0] * self.processes:
            fault = f"it does not go on ({code}): {(self.base / 'log').read_text()[-500:]}"
        elif (found := contents(folder)) != self.whole:
            fault = f"other bytes: {sorted(n for n in found | self.whole if found.get(n) != self.whole.get(n))}"
        return Outcome(instant, fault, again, waited)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instants", type=int, default=100, help="random instants to kill at")
    parser.add_argument("--events", type=int, default=-1, help="file events to kill at, drawn at random; -1 for every one")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        kills = Kills(Path(folder).resolve(), arguments.processes)
        numbers = list(range(kills.events))
        chosen = numbers if arguments.events < 0 else sorted(rng.sample(numbers, min(arguments.events, len(numbers))))
        outcomes = [kills.at_event(number) for number in chosen]
        instants = sorted(rng.uniform(0, kills.seconds) for _ in range(arguments.instants))
        outcomes += [kills.at_instant(instant, rng.randrange(arguments.processes)) for instant in instants]
    faults = [outcome for outcome in outcomes if outcome.fault]
    for outcome in faults:
        print(f"{outcome.instant}: {outcome.fault}")
    again = sum(outcome.began_again for outcome in outcomes)
    print(
        f"{len(chosen)} of {kills.events} file events and {len(instants)} random instants of {kills.seconds:.2f} s, "
        f"{arguments.processes} processes, seed {arguments.seed}: {len(outcomes) - len(faults)} of {len(outcomes)} ended in equal bytes "
        f"({again} began again, the others resumed); the slowest end of the others took {max(o.seconds for o in outcomes):.1f} s"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
