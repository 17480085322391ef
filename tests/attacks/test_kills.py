"""A small share of the killed runs of `kills.py`, which kills any number by hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "words", [("--events", "7", "--instants", "4"), ("--events", "2", "--instants", "1", "--processes", "2")]
)
def test_killed_runs_end_in_the_bytes_of_one_that_nobody_disturbed(words: tuple[str, ...]) -> None:
    env = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, HERE / "kills.py", "--seed", "3", *words], env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
