"""Both notebooks run from the first cell to the last, and say what is right."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
import notebooks


def outputs(notebook: dict) -> str:
    return "\n".join(notebooks.text_of(output) for cell in notebook["cells"] for output in cell.get("outputs", []))


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))


@pytest.mark.filterwarnings("default")  # of the libraries that run a kernel
def test_speech_learns_words_of_speakers_without_labels(tmp_path: Path) -> None:
    said = outputs(notebooks.executed("speech", tmp_path))
    before, *_, after = map(float, re.search(r"^\[([-\d., ]+)\]$", said, re.MULTILINE)[1].split(","))
    assert abs(before) < 0.1 < 0.4 < after  # nats
    rows = dict(re.findall(r"^(CPC c|CPC z)  +linear  +\d+  +([\d.]+) ", said, re.MULTILINE))
    assert float(rows["CPC c"]) > 60 > float(rows["CPC z"])  # percent; chance is 16.7


@pytest.mark.filterwarnings("default")
def test_the_information_of_gaussian_pairs_is_near_the_truth(tmp_path: Path) -> None:
    said = outputs(notebooks.executed("mutual-information", tmp_path))
    rows = re.findall(r"^ +[\d.]+  ([\d.]+) +([\d.]+)  ([\d.]+) to ([\d.]+)$", said, re.MULTILINE)
    assert len(rows) == 3
    for truth, value, low, high in (map(float, row) for row in rows):
        assert low <= truth <= high and abs(value - truth) < 0.1
    value, low, _ = map(float, re.search(r"^([\d.]+) nats \(([\d.]+) to ([\d.]+)\)$", said, re.MULTILINE).groups())
    assert value < 0.05 and low == 0


@pytest.mark.parametrize("name", notebooks.NOTEBOOKS)
def test_a_notebook_holds_text_alone_and_has_its_page(name: str) -> None:
    notebook = notebooks.read(name)
    assert notebook == notebooks.with_text_only(notebook)
    page = notebooks.page(name)
    assert page.startswith("# ") and f"({name}.ipynb)" in page
    assert all("".join(cell["source"]) in page for cell in notebook["cells"] if cell["cell_type"] == "code")
