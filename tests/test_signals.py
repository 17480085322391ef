"""A signal waits for the end of the work, and then acts as itself."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import torchcpc
import torchcpc.training.record as record
from torchcpc.cli import main
from torchcpc.signals import Terminated, deferred, terminate

SMALL = ["data.sources=29", "windows.batch=5", "candidates.count=11", "encoder.dim=3", "encoder.hidden=5", "training.steps=13"]
BOTH = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def handler(number: int, action: object) -> Iterator[None]:
    before = signal.signal(number, action)  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        assert signal.getsignal(number) is action
        signal.signal(number, before)


def test_ctrl_c_acts_at_the_end_of_the_outermost_block() -> None:
    done = []
    with handler(signal.SIGINT, signal.default_int_handler), pytest.raises(KeyboardInterrupt), deferred() as outer:
        with deferred() as inner:
            signal.raise_signal(signal.SIGINT)
            done.append(inner.number)
        done.append(outer.number)
    assert done == [signal.SIGINT, signal.SIGINT]


def test_a_second_signal_acts_at_once() -> None:
    done = []
    with handler(signal.SIGINT, signal.default_int_handler), pytest.raises(KeyboardInterrupt), deferred():
        signal.raise_signal(signal.SIGINT)
        done.append("first")
        signal.raise_signal(signal.SIGINT)
        done.append("second")
    assert done == ["first"]


def test_sigterm_of_a_command_is_its_exit_code() -> None:
    with handler(signal.SIGTERM, terminate), pytest.raises(Terminated) as caught, deferred() as asked:
        signal.raise_signal(signal.SIGTERM)
        assert asked.number == signal.SIGTERM
    assert caught.value.code == 143


@pytest.mark.parametrize("number", BOTH)
def test_a_handler_of_the_caller_acts_at_once_and_is_left_in_place(number: int) -> None:
    heard = []
    with handler(number, lambda number, frame: heard.append(number)), deferred() as asked:
        signal.raise_signal(number)
        assert heard == [number] and asked.number == 0


@pytest.mark.parametrize("number", BOTH)
def test_an_ignored_signal_stays_ignored(number: int) -> None:
    with handler(number, signal.SIG_IGN), deferred() as asked:
        signal.raise_signal(number)
        assert asked.number == 0


def test_a_thread_trains_without_handlers() -> None:
    found = []

    def work() -> None:
        with deferred() as asked:
            found.append((asked.number, signal.getsignal(signal.SIGTERM)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(0, before)]


@pytest.fixture
def press(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sends this process a signal after update 3 of every training."""
    event = record.Record.event

    def start(number: int) -> None:
        def then(self: record.Record, kind: str, step: int, metrics: dict) -> None:
            event(self, kind, step, metrics)
            if (kind, step) == ("step", 3):
                os.kill(os.getpid(), number)

        monkeypatch.setattr(record.Record, "event", then)

    return start


@pytest.mark.parametrize(("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")])
def test_a_command_saves_says_how_to_go_on_and_ends_with_the_code_of_the_signal(
    number: int, code: int, word: str, tmp_path: Path, press: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    press(number)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["train", "synthetic-ar1", *SMALL, "-o", str(tmp_path / "run")]) == code
    said = capsys.readouterr().err.splitlines()
    (line,) = (line for line in said if line.startswith("stopped after update 3 of 13 ("))
    assert line.endswith(f"; continue with: cpc train --resume {tmp_path / 'run'}")
    assert said[-1] == f"cpc train: {word}; what was saved is kept" and signal.getsignal(signal.SIGTERM) is before
    assert main(["train", "--resume", str(tmp_path / "run")]) == 0


def test_ctrl_c_ends_a_loop_that_forgives_errors(press: Callable[[int], None]) -> None:
    """A user's loop over pairs goes on after an error; Ctrl-C ends it."""
    z = np.random.default_rng(0).normal(size=(601, 1))
    press(signal.SIGINT)
    forgiven = []

    def loop() -> None:
        for _ in range(2):
            try:
                torchcpc.mutual_information(z**2, z)
            except Exception as error:
                forgiven.append(error)

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert forgiven == []


CHILD = """
import os, signal, sys, threading
import numpy as np
import torchcpc
def stop(event, *args):
    if event == "step":  # once: a second signal acts at once
        os.kill(os.getpid(), signal.SIGTERM)
model = torchcpc.CPC(max_iter=1_000_000, batch=4)
model._heard = stop
try:
    model.fit(np.random.default_rng(0).normal(size=(8, 31, 2)))
except BaseException as error:
    print("caught", type(error))
print("went on")
"""


def test_sigterm_ends_the_process_of_a_library_call(tmp_path: Path) -> None:
    """As the signal itself; no handler of ours turns it into something that can be caught. The folder of the fit is removed."""
    env = {**os.environ, "PYTHONPATH": str(Path(torchcpc.__file__).parents[1]), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", CHILD], env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")
    assert list(tmp_path.glob("tmp*")) == []  # torch may leave a cache of its own
