"""Every reader of files: a run knows its data in another place, refuses others, and goes on with them where it is told to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conformance.worlds import WORLDS, World
from torchcpc import api
from torchcpc.cli import main
from torchcpc.contracts import CPCError
from torchcpc.data.arrays import Arrays, Item
from torchcpc.runs.record import RunRecord

CPU = ("--accelerator", "cpu")


@pytest.mark.parametrize("name", sorted({*WORLDS} - {"hub_images", "digits", "synthetic"}))
def test_data_in_another_place_are_the_same_and_others_are_refused(
    worlds: Callable[[str], World], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, run = worlds(name), tmp_path / "run"
    shutil.copytree(world.run, run)
    root = Path(world.data[0])
    moved = tmp_path / "moved"
    shutil.copytree(root if root.is_dir() else root.parent, moved)
    place = moved if root.is_dir() else moved / root.name
    again = ["train", "--resume", str(run), "--data", str(place), *CPU]
    assert main(again) == 0 and RunRecord.read(run).roots == [str(place.resolve())]
    one, other = sorted(path for path in moved.rglob("*") if path.is_file() and path.name != place.name)[:2]
    shutil.copyfile(other, one)
    described = (run / "settings.json").read_bytes()
    assert main(again) == 1
    said = capsys.readouterr().err
    assert "changed since it began: 1 changed (for instance" in said and one.name in said and "--accept-changed-data" in said
    assert (run / "settings.json").read_bytes() == described
    assert main([*again, "--accept-changed-data"]) == 0 and "changed since it began: 1 changed" in capsys.readouterr().err
    assert main(again) == 0
    assert [said.partition(" (")[0] for said in RunRecord.read(run).accepted] == ["1 changed"]


def test_sources_in_memory_are_handed_over_again(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(23, 31, 1)).astype(np.float32)
    items = [Item(str(number), str(number)) for number in range(23)]
    recipe = {
        "data": {"name": "arrays"},
        "encoder": {"name": "vectors", "features": 1, "dim": 3},
        "context": {"name": "gru", "dim": 3},
        "predictor": {"name": "bilinear", "count": 2},
        "candidates": {"name": "shared", "count": 11, "strategy": "mixed"},
        "windows": {"length": 7, "batch": 5},
        "split": {"validation": 0.2},
        "training": {"steps": 2},
    }
    api.train(recipe, data=Arrays(list(rows), items), out=tmp_path / "run")
    assert api.resume(tmp_path / "run", Arrays(list(rows), items)).folder == tmp_path / "run"
    fewer = Arrays(list(rows[:-1]), items[:-1])
    with pytest.raises(CPCError, match=r"1 gone \(for instance 22\)"):
        api.resume(tmp_path / "run", fewer)
    api.resume(tmp_path / "run", fewer, accept_changed_data=True)
    with pytest.raises(CPCError, match=r"1 added \(for instance 22\)"):
        api.resume(tmp_path / "run", Arrays(list(rows), items))


def test_words_on_what_changed_are_not_needed_to_refuse(tmp_path: Path, worlds: Callable[[str], World]) -> None:
    run = tmp_path / "run"
    shutil.copytree(worlds("synthetic").run, run)
    (run / "sources.json").write_text("{")
    assert main(["train", "--resume", str(run), *CPU]) == 0
    text = (run / "settings.json").read_text()
    digest = RunRecord.read(run).sources
    (run / "settings.json").write_text(text.replace(digest, "0" * len(digest)))
    with pytest.raises(CPCError, match=r"sources.json does not tell how; then they were \d+, now \d+"):
        api.resume(run, api.load(run).open())  # a finished run is asked about its data where they are named
