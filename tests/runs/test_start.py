"""A folder until its record is written: what a killed start left counts as new, and a refused one leaves nothing."""

from pathlib import Path

import pytest
from torch import nn

from torchcpc.contracts import CPCError
from torchcpc.runs.start import require_new, starting
from torchcpc.training import checkpoint
from torchcpc.training.state import RunState


def test_what_a_killed_start_left_counts_as_new(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    require_new(folder)
    folder.mkdir()
    require_new(folder)
    (folder / ".latest.safetensors.a1b2.part.safetensors").write_bytes(b"half")
    require_new(folder)
    with starting(folder, first=True):
        assert [path.name for path in folder.iterdir()] == [".start.part"]
        (folder / "tokenizer.json").touch()
        (folder / "latest.safetensors").touch()
    (folder / "latest.safetensors").unlink()
    require_new(folder)  # killed between its tokenizer and its record
    with starting(folder, first=True):
        assert not (folder / "tokenizer.json").exists()


@pytest.mark.parametrize("name", ["tokenizer.json", "thesis.tex", "settings.json", ".hidden"])
def test_a_folder_with_a_file_of_others_is_in_use_and_left_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(CPCError, match="exists and is not empty"), starting(tmp_path, first=True):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [name] and (tmp_path / name).read_text() == "mine"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(CPCError, match="is a file, not a folder"):
        require_new(tmp_path / "run")


def test_a_start_that_fails_removes_the_folders_that_it_made(tmp_path: Path) -> None:
    with pytest.raises(CPCError), starting(tmp_path / "runs/of/mine", first=True):
        raise CPCError("no")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "runs").mkdir()
    with pytest.raises(KeyboardInterrupt), starting(tmp_path / "runs/mine", first=True):
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


@pytest.mark.parametrize(("name", "step", "kept"), [("latest", 1, True), ("best", 5, True), ("best", 0, False)])
def test_what_was_learned_is_kept_and_an_untrained_network_is_not(tmp_path: Path, name: str, step: int, kept: bool) -> None:
    path = tmp_path / f"run/{name}.safetensors"
    with pytest.raises(KeyboardInterrupt), starting(tmp_path / "run", first=True):
        checkpoint.save(path, nn.Linear(2, 3), RunState(step=step, best=0.5))
        raise KeyboardInterrupt
    assert path.exists() == kept == (tmp_path / "run").exists()
