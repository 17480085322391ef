"""A few hundred mutated files: none raises anything but a CPCError, hangs, or fills the memory. fuzz.py by hand takes any number."""

from __future__ import annotations

import faulthandler
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.fuzz import Tally, Verdict, fuzz, table
from tests.attacks.fuzz_seeds import Kind
from torchcpc.contracts import CPCError

SCRIPT = Path(__file__).with_name("fuzz.py")


def test_a_few_hundred_cases() -> None:
    """In a process of its own: the cases run in forks of it, which want one without threads."""
    done = subprocess.run([sys.executable, SCRIPT, "--cases", "300", "--seed", "20261127"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].split()[:2] == ["all", "300"]


def read(folder: Path) -> None:
    """Fails in a way of its own for each first letter."""
    match (folder / "x").read_bytes()[:1]:
        case b"r":
            raise CPCError("refused")
        case b"v":
            raise ValueError("foreign")
        case b"h":
            while True:
                pass
        case b"g":
            _ = b"x" * 200_000_000
        case b"d":
            faulthandler.disable()  # what pytest prints of a crash that was meant
            os.abort()


@pytest.mark.parametrize(
    ("letter", "what"),
    [("f", "fine"), ("r", "refused"), ("v", "ValueError"), ("h", "more than"), ("g", "grew by"), ("d", "died")],
)
def test_each_fault_is_caught_and_the_next_case_runs(
    tmp_path: Path, letter: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.attacks.fuzz.SLOWEST_S", 1.0)
    monkeypatch.setattr("tests.attacks.fuzz.GROWTH_MB", 100)
    monkeypatch.setattr("tests.attacks.fuzz.mutate", lambda content, *rest: content)
    found: list[Verdict] = list(fuzz([Kind("k", "x", read, ({"x": letter.encode()},))], 1, range(2), 1, tmp_path))
    assert [verdict.number for verdict in found] == [0, 1] and all(what in verdict.what for verdict in found)
    tally = Tally()
    for verdict in found:
        tally.add(verdict)
    assert (tally.fine, tally.refused, len(tally.faults)) == (
        2 * (letter == "f"),
        2 * (letter == "r"),
        2 * (letter not in "fr"),
    )
    assert "k" in table({"k": tally})
