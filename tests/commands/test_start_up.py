"""How soon a command answers: what it loads, what that costs, and that what is wrong is said before anything heavy is loaded."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

# Runs a command and ends with the modules of interest that it loaded, one a line of the error stream.
LOADED = """
import sys
from torchcpc.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as error:
    code = error.code
print("loaded", *sorted(WATCHED & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


def started(watched: set[str], *argv: str | Path) -> tuple[int, str, set[str], float, float]:
    """Exit code, what it said, which of the modules it loaded, seconds of the processors and of the clock."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    code = LOADED.replace("WATCHED", repr(watched))
    done = subprocess.run([sys.executable, "-c", code, *map(str, argv)], capture_output=True, text=True, timeout=120)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    *said, last = done.stderr.splitlines()
    name, *loaded = last.split()
    assert name == "loaded", done.stderr
    return done.returncode, "\n".join(said), set(loaded), processor, wall


def test_one_short_file_is_embedded_at_once(trained: Path, recordings: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    shutil.copy(recordings / "speaker0/0.wav", tmp_path / "one")
    heavy = {"sklearn", "matplotlib", "lightning_fabric", "pandas", "torch"}
    spent = []
    for number in range(2):
        out = tmp_path / f"{number}.npz"
        code, said, loaded, processor, _ = started(heavy, "embed", trained, tmp_path / "one", "-o", out)
        assert code == 0, said
        assert loaded == {"torch"}
        spent.append(processor)
        with np.load(out) as archive:
            assert len(archive["z"]) == 50
    assert min(spent) < 4, spent


WRONG = {
    "an unknown option": (["embed", "RUN", "-o", "x.npz", "--bogus"], 2, "--bogus"),
    "an old option": (["probe", "RUN", "--label", "a", "--leave-out", "b"], 2, "--test-on"),
    "an unknown command": (["embde", "RUN"], 2, "embde"),
    "a run that is not there": (["embed", "nowhere", "-o", "x.npz"], 1, "nowhere"),
    "a run by its whole path that is not there": (["embed", "/nowhere", "-o", "x.npz"], 1, "neither a folder"),
    "data that are not there": (["probe", "RUN", "nowhere", "--label", "a"], 1, "nowhere does not exist"),
    "data to train on that are not there": (["train", "speech-waveform", "--data", "nowhere"], 1, "nowhere does not exist"),
    "a folder without a model": (["embed", "FOLDER", "-o", "x.npz"], 1, "holds no config.json"),
    "a folder that is no run": (["train", "--resume", "FOLDER"], 1, "is not a run folder"),
    "settings for a run that goes on": (["train", "--resume", "RUN", "training.steps=9"], 1, "--resume takes"),
    "a seed for a run that goes on": (["train", "--resume", "RUN", "--seed", "0"], 1, "--resume takes"),
    "an unknown recipe": (["train", "speech-smal"], 1, "'speech'"),
    "no recipe": (["train"], 1, "name a recipe"),
    "a malformed setting": (["train", "speech", "steps=3"], 1, "expected section.key=value"),
    "a timeline of no known kind": (["timeline", "RUN", "-o", "x.gif"], 1, "End the name in .html, .svg or .png"),
    "a stretch of a picture": (["timeline", "RUN", "-o", "x.svg", "--start", "3"], 1, "--start applies to a page only"),
    "nothing to do": (["score", "RUN"], 1, "nothing to do"),
    "one text without the other": (["rank", "RUN", "--context", "x.txt"], 1, "go together"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_within_a_second_and_without_torch(name: str, trained: Path, tmp_path: Path) -> None:
    argv, wanted, words = WRONG[name]
    argv = [{"RUN": str(trained), "FOLDER": str(tmp_path)}.get(word, word) for word in argv]
    beyond = []
    for _ in range(3):  # the fastest of three: other work on the machine is no fault of the command
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        python = time.perf_counter() - begin
        code, said, loaded, _, wall = started({"torch", "sklearn", "matplotlib", "lightning_fabric"}, *argv)
        assert code == wanted and words in said and "Traceback" not in said and loaded == set(), (said, loaded)
        beyond.append(wall - python)
        if beyond[-1] < 1:
            break
    assert min(beyond) < 1, beyond
