"""Every command on text: a vocabulary learned once, from the training documents, and kept with the run wherever it goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from tests.data.books import sentences, write_book
from torchcpc.cli import main
from torchcpc.commands.sources import open_sources
from torchcpc.data.tokens import load_tokenizer
from torchcpc.evaluation.embedding import frames
from torchcpc.pretrained import from_pretrained, save_pretrained

SMALL = [
    *("data.vocabulary=53", "data.width=7", "encoder.embedding=11", "encoder.dim=5", "context.dim=3", "windows.length=7"),
    *("windows.batch=4", "split.validation=0.2", "training.steps=4", "training.warmup=0", "training.save_every=1"),
]
CPU = ["--precision", "32-true", "--accelerator", "cpu"]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("books")
    for number in range(7):
        write_book(root / f"author{number % 2}" / f"{number}.txt", 23 + number, seed=number)
    return root


@pytest.fixture(scope="module")
def trained(books: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "a"
    assert main(["train", "text-small", *SMALL, "--data", str(books), "-o", str(folder), *CPU]) == 0
    return folder


def test_the_vocabulary_is_that_of_the_training_documents(trained: Path, books: Path) -> None:
    described = json.loads((trained / "settings.json").read_text(encoding="utf8"))
    tokenizer = load_tokenizer(trained / "tokenizer.json")
    settings = described["settings"]
    assert settings["data"]["tokenizer"] == "tokenizer.json"
    assert settings["encoder"]["vocabulary"] == tokenizer.get_vocab_size() == 53 and settings["encoder"]["width"] == 7
    assert load_file(trained / "model.safetensors")["encoder.embedding.weight"].shape == (53, 11)
    assert described["data"] | {"recordings": 7, "trained": 6, "validated": 1} == described["data"]


def test_a_run_that_was_moved_loads_and_reads_through_its_own_vocabulary(trained: Path, books: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(trained, moved)
    (model, config), (_, before) = from_pretrained(moved), from_pretrained(trained)
    assert config["data"]["tokenizer"] == str(moved / "tokenizer.json") != before["data"]["tokenizer"]
    save_pretrained(model, config, tmp_path / "copy")
    again, copied = from_pretrained(tmp_path / "copy")
    rows = [frames(m, open_sources(c["data"], [str(books)]))[0][0] for m, c in ((model, config), (again, copied))]
    assert rows[0].shape == (23, 5)
    np.testing.assert_array_equal(*rows)
    assert json.loads((tmp_path / "copy" / "config.json").read_text())["data"]["tokenizer"] == "tokenizer.json"


def test_a_stopped_run_goes_on_with_the_vocabulary_it_has(trained: Path, books: Path, tmp_path: Path) -> None:
    """The book that would have changed the vocabulary must not: the rows of the weights are its words."""
    part = tmp_path / "part"
    shutil.copytree(trained, part)
    place = ["--data", str(books), *CPU]
    assert main(["train", "text-small", *SMALL, "training.steps=2", "-o", str(tmp_path / "short"), *place]) == 0
    settings = json.loads((part / "settings.json").read_text())
    assert (tmp_path / "short" / "tokenizer.json").read_bytes() == (trained / "tokenizer.json").read_bytes()
    (part / "model.safetensors").unlink()
    assert main(["train", "--resume", str(part)]) == 0
    assert json.loads((part / "settings.json").read_text())["settings"] == settings["settings"]
    for name, tensor in load_file(trained / "model.safetensors").items():
        assert (load_file(part / "model.safetensors")[name] == tensor).all(), name


def test_a_table_of_sentences_is_embedded_row_by_row(trained: Path, tmp_path: Path) -> None:
    rows = sentences(5, seed=99)
    (tmp_path / "rows.tsv").write_text(
        "text\tlabel\n" + "".join(f"{row}\t{n % 2}\n" for n, row in enumerate(rows)), encoding="utf8"
    )
    assert main(["embed", str(trained), str(tmp_path / "rows.tsv"), "-o", str(tmp_path / "e.npz")]) == 0
    with np.load(tmp_path / "e.npz") as archive:
        assert sorted(archive["source"]) == [f"rows#{n}" for n in range(1, 6)] and archive["z"].shape == (5, 5)


def test_a_tokenizer_by_path_is_taken_as_it_is(trained: Path, books: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.json"
    shutil.copy(trained / "tokenizer.json", given)
    settings = [*SMALL, f"data.tokenizer={given}", "data.vocabulary=99"]
    assert main(["train", "text-small", *settings, "--data", str(books), "-o", str(tmp_path / "b"), *CPU]) == 0
    given.unlink()  # the run has a copy
    assert from_pretrained(tmp_path / "b")[0].encoder.embedding.weight.shape == (53, 11)
    assert main(["embed", str(tmp_path / "b"), str(books), "-o", str(tmp_path / "e.npz")]) == 0
