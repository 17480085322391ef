"""Every command on text: a vocabulary learned once, from the training documents, and kept with the run wherever it goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from tests.data.books import sentences, write_book
from torchcpc.api import load
from torchcpc.cli import main
from torchcpc.data.text.tokenizer_files import load_tokenizer, save_tokenizer
from torchcpc.data.text.tokens import learn
from torchcpc.representations.embed import frames
from torchcpc.runs.saved import from_pretrained, save_pretrained

SMALL = [
    *("data.vocabulary=53", "data.width=7", "encoder.embedding=11", "encoder.dim=5", "context.dim=3", "windows.length=7"),
    *("windows.batch=4", "split.validation=0.3", "training.steps=4", "training.warmup=0", "training.save_every=1"),
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
    assert main(["train", "text", *SMALL, "--data", str(books), "-o", str(folder), *CPU]) == 0
    return folder


def test_the_vocabulary_is_that_of_the_training_documents(trained: Path, books: Path) -> None:
    described = json.loads((trained / "settings.json").read_text(encoding="utf8"))
    tokenizer = load_tokenizer(trained / "tokenizer.json")
    settings = described["settings"]
    assert settings["data"]["tokenizer"] == "tokenizer.json"
    assert settings["encoder"]["vocabulary"] == tokenizer.get_vocab_size() == 53 and settings["encoder"]["width"] == 7
    assert load_file(trained / "model.safetensors")["encoder.embedding.weight"].shape == (53, 11)
    assert described["data"] | {"recordings": 7, "trained": 5, "validated": 2} == described["data"]


def test_sentences_of_a_table_are_left_out_of_training_and_told(books: Path, tmp_path: Path, refused) -> None:
    """Nothing comes after a sentence that stands alone: beside books it is no source to learn from, and alone there is nothing to learn."""
    table = tmp_path / "ok.tsv"
    table.write_text("text\n" + "".join(f"{line}\n" for line in sentences(19, seed=3)), encoding="utf8")
    run = tmp_path / "run"
    assert main(["train", "text", *SMALL, "--data", str(books), str(table), "-o", str(run), *CPU]) == 0
    skipped = json.loads((run / "skipped.json").read_text(encoding="utf8"))
    alone = [entry for entry in skipped if entry["reason"] == "1 steps, none of them 1 ahead of another"]
    described = json.loads((run / "settings.json").read_text(encoding="utf8"))["data"]
    assert alone and described["trained"] + len(alone) + described["validated"] == 7 + 19
    said = refused("train", "text", *SMALL, "--data", table, "-o", tmp_path / "none", *CPU)
    assert "training sources is longer than 1 steps" in said and "documents, one file each" in said
    # Refused behind the making of the folder, and yet nothing is left in the way of the next try.
    assert not (tmp_path / "none").exists()


def test_a_table_of_sentences_is_probed_by_folds_that_keep_copies_together(trained: Path, tmp_path: Path, refused) -> None:
    """Without being told to: split by source, every sentence of this table would be in the training and in the test."""
    run, table = tmp_path / "run", tmp_path / "twice.tsv"
    shutil.copytree(trained, run)
    rows = [f"{'ab'[n % 2]}\t{line}\n" for n, line in enumerate(sentences(31, seed=3))]
    table.write_text("label\ttext\n" + "".join(rows * 2), encoding="utf8")
    assert main(["probe", str(run), str(table), "--label", "label", "--seeds", "0"]) == 0
    (entry,) = json.loads((run / "probe.json").read_text(encoding="utf8"))["tables"]
    assert entry["test"] == 62
    assert (entry["split"]["kind"], entry["split"]["folds"], entry["split"]["repeated"]) == ("folds", 10, 31)
    assert "TF-IDF" in {row["features"] for row in entry["rows"]}
    other = shutil.copy(table, tmp_path / "other.tsv")
    assert main(["probe", str(run), str(other), "--label", "label", "--seeds", "0"]) == 0
    tables = json.loads((run / "probe.json").read_text(encoding="utf8"))["tables"]
    assert [each["split"]["data"] for each in tables] == [["twice.tsv"], ["other.tsv"]], "each table is kept"
    for option in (["--curve", "5"], ["--probes", "MLP"], ["--unit", "frame"]):
        assert f"--folds and {option[0]}" in refused("probe", run, table, "--label", "label", "--folds", "3", *option)


def test_a_run_that_was_moved_loads_and_reads_through_its_own_vocabulary(trained: Path, books: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(trained, moved)
    (model, config), (_, before) = from_pretrained(moved), from_pretrained(trained)
    assert config["data"]["tokenizer"] == str(moved / "tokenizer.json") != before["data"]["tokenizer"]
    save_pretrained(model, config, tmp_path / "copy")
    again, copied = from_pretrained(tmp_path / "copy")
    assert copied["encoder"] == config["encoder"]
    rows = [frames(m, load(run).open(str(books)))[0][0] for m, run in ((model, moved), (again, tmp_path / "copy"))]
    assert rows[0].shape == (23, 5)
    np.testing.assert_array_equal(*rows)
    assert json.loads((tmp_path / "copy" / "config.json").read_text())["data"]["tokenizer"] == "tokenizer.json"


def test_a_run_that_begins_again_takes_the_vocabulary_it_has(trained: Path, tmp_path: Path) -> None:
    """Killed before its first checkpoint, it comes to the same weights; another vocabulary that lay there is used, not learned anew."""
    same, other = tmp_path / "same", tmp_path / "other"
    for run in (same, other):
        shutil.copytree(trained, run)
        for weights in run.glob("*.safetensors"):
            weights.unlink()
    save_tokenizer(learn(lambda: sentences(31, seed=7), kind="words", size=41), other / "tokenizer.json")
    # As it is between writing the vocabulary and writing its name into the settings.
    settings = json.loads((other / "settings.json").read_text(encoding="utf8"))
    settings["settings"]["data"]["tokenizer"] = ""
    (other / "settings.json").write_text(json.dumps(settings), encoding="utf8")
    for run in (same, other):
        kept = (run / "tokenizer.json").read_bytes()
        assert main(["train", "--resume", str(run)]) == 0
        assert (run / "tokenizer.json").read_bytes() == kept
    wanted, found = load_file(trained / "model.safetensors"), load_file(same / "model.safetensors")
    assert wanted.keys() == found.keys() and all((found[name] == tensor).all() for name, tensor in wanted.items())
    assert load_file(other / "model.safetensors")["encoder.embedding.weight"].shape == (41, 11)


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
    assert main(["train", "text", *settings, "--data", str(books), "-o", str(tmp_path / "b"), *CPU]) == 0
    given.unlink()  # the run has a copy
    assert from_pretrained(tmp_path / "b")[0].encoder.embedding.weight.shape == (53, 11)
    assert main(["embed", str(tmp_path / "b"), str(books), "-o", str(tmp_path / "e.npz")]) == 0


def test_one_held_out_document_without_a_rival_is_refused_before_training(
    books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [*SMALL, "split.validation=0.1"]
    assert main(["train", "text", *settings, "--data", str(books), "-o", str(tmp_path / "a"), *CPU]) == 1
    error = capsys.readouterr().err
    assert (
        "1 of 1 validation batches hold steps that no other may compete with" in error and "'mixed_excluding_stretch'" in error
    )
    assert not (tmp_path / "a" / "metrics.jsonl").exists()
    # Every document is a group of its own: none has another of its group.
    lone = [*SMALL, "candidates.strategy=same_group_excluding"]
    assert main(["train", "text", *lone, "--data", str(books), "-o", str(tmp_path / "c"), *CPU]) == 1
    assert "no other may compete with: candidates.strategy = 'same_group_excluding'" in capsys.readouterr().err
    alone = [*settings, "candidates.strategy=mixed", "predictor.identity_scale=0"]
    assert main(["train", "text", *alone, "--data", str(books), "-o", str(tmp_path / "b"), *CPU]) == 0
