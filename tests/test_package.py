"""The names of the package: which there are, how soon they are here, and that type checkers see them."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import torchcpc
from torchcpc.api import load


def fresh(code: str, *words: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_names_of_the_package() -> None:
    assert dir(torchcpc) == sorted(torchcpc.__all__)
    assert {"load", "train", "resume", "Run", "CPC", "CPCError", "mutual_information"} <= set(torchcpc.__all__)
    for name in torchcpc.__all__:
        assert getattr(torchcpc, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        torchcpc.lod  # noqa: B018
    assert torchcpc.load is load and torchcpc.cases is importlib.import_module("torchcpc.data.series.series").cases


def test_importing_the_package_is_instant() -> None:
    code = "import time\nstart = time.perf_counter()\nimport torchcpc\nspent = time.perf_counter() - start\n"
    code += "import sys\nprint(spent, sorted({'torch', 'numpy', 'pydantic', 'matplotlib'} & set(sys.modules)))"
    spent, _, loaded = min(fresh(code) for _ in range(3)).partition(" ")
    assert float(spent) < 0.3 and loaded.strip() == "[]"


def test_a_type_checker_sees_the_names(tmp_path: Path) -> None:
    pytest.importorskip("pyright")
    lines = ["import torchcpc", *(f"torchcpc.{name}" for name in torchcpc.__all__), 'run = torchcpc.load("x")']
    lines += ["reveal_type(run)", 'reveal_type(run.probe(label="speaker"))', "reveal_type(run.embed().z)"]
    (tmp_path / "user.py").write_text("\n".join(lines) + "\n")
    checker = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "user.py"]
    done = subprocess.run(checker, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    found = [(each["range"]["start"]["line"], each["message"]) for each in json.loads(done.stdout)["generalDiagnostics"]]
    said = {line: message for line, message in found if "is not accessed" not in message and "value is unused" not in message}
    last = len(lines) - 1
    assert said.keys() == {last - 2, last - 1, last}, said
    assert said[last - 2] == 'Type of "run" is "Run"' and '"ProbeTable"' in said[last - 1] and "ndarray" in said[last]
