"""Where one of several processes has gone, the others end within seconds and say so in one line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
# Process 1 ends as it is told after update 3; the first tells who it has started.
CHILD = """
import os, signal, sys
import torchcpc.training.record as record
from torchcpc.cli import main
event = record.Record.event
def end(self, kind, step, metrics):
    event(self, kind, step, metrics)
    if (kind, step, os.environ.get("LOCAL_RANK")) == ("step", 3, sys.argv[2]):
        if sys.argv[1] == "raise":
            raise RuntimeError("a fault of its own")
        os.kill(os.getpid(), signal.SIGKILL)
record.Record.event = end
if __name__ == "__main__":
    sys.exit(main(sys.argv[3:]))
"""
SMALL = ["data.sources=29", "windows.batch=5", "candidates.count=11", "encoder.dim=3", "encoder.hidden=7"]
SMALL += ["training.steps=1000000", "training.save_every=2", "training.validate_every=1000"]


@pytest.mark.parametrize(
    ("how", "rank", "said"),
    [("kill", "1", "process 1 of 2 was ended by SIGKILL"), ("raise", "1", "process 1 of 2 ended with exit code 1")],
)
def test_the_others_end_within_seconds_with_one_line(how: str, rank: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD)
    words = ["train", "synthetic-ar1", *SMALL, "-o", "run", "--accelerator", "cpu", "--devices", "2", "--precision", "32-true"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(SRC)}
    command = [sys.executable, "child.py", how, rank, *words]
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        while process.poll() is None and not (tmp_path / "run/latest.safetensors").exists():
            time.sleep(0.05)
        begun = time.monotonic()
        err = process.communicate(timeout=60)[1]
        assert process.returncode == 1 and time.monotonic() - begun < 30
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    lines = [line for line in err.splitlines() if "so the others end too" in line]
    assert len(lines) == 1 and lines[0].startswith(f"cpc train: {said}"), err
    assert "Traceback" not in err or how == "raise"  # that of the process itself
