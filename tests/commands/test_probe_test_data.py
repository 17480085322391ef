"""Training and test data in two files or folders: all of one trains, all of the other tests, and the table says so."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.commands.test_probe_text import labelled, runs, write_table
from tests.data.noise import write
from torchcpc.api import load
from torchcpc.cli import main
from torchcpc.contracts import CPCError

__all__ = ["runs"]
QUICK = ["--label", "label", "--seeds", "0", "--supervised-steps", "0", "--baselines"]


def kept(run: Path) -> dict:
    return json.loads((run / "probe.json").read_text())["tables"][-1]


def test_two_tables_of_sentences(runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, test = labelled(61), labelled(23, seed=1)
    # What the test repeats is left out of training; a sentence that is a test of its own takes no part.
    ours = write_table(
        tmp_path / "ours.tsv", [*((*line, "") for line in [*train, test[0]]), ("up", "a b c d", " TEST")], "label\ttext\tSplit"
    )
    theirs = write_table(tmp_path / "theirs.tsv", [(*line, "train") for line in test], "label\ttext\tsplit")
    assert main(["probe", str(runs[0]), str(ours), "--test-data", str(theirs), *QUICK]) == 0
    said, err = capsys.readouterr()
    entry = kept(runs[0])
    assert (entry["test"], entry["split"]["test_data"], entry["split"]["data"]) == (
        23,
        ["theirs.tsv"],
        ["ours.tsv", "theirs.tsv"],
    )
    assert entry["train"] <= 61 and entry["split"]["repeated"] >= 1 and "the test part is theirs.tsv" in " ".join(said.split())
    assert "not used for training or testing: 1 source of DATA that the split marks as test" in err


def test_names_of_two_tables_say_it(runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, count, seed in (("sst_train", 61, 0), ("sst.Test", 23, 1)):
        write_table(tmp_path / f"{name}.tsv", labelled(count, seed=seed))
    assert main(["probe", str(runs[0]), str(tmp_path / "sst_train.tsv"), str(tmp_path / "sst.Test.tsv"), *QUICK]) == 0
    said, err = capsys.readouterr()
    assert kept(runs[0])["test"] == 23 and "the test part is sst.Test.tsv" in " ".join(said.split())
    assert "its sources are the train part, as its name says" in err


def test_two_folders_of_recordings(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for number in range(11):
        write(ours / f"{'ab'[number % 2]}/{number}.wav", 4001 + number, seed=number)
    for number in range(5):
        write(theirs / f"{'ab'[number % 2]}/{number}.wav", 4001 + number, seed=100 + number)
    (ours / "a/again.wav").symlink_to(theirs / "a/0.wav")
    command = ["probe", str(trained), str(ours), "--test-data", str(theirs), "--label", "speaker", *QUICK[2:], "--curve", "1"]
    assert main([*command, "--probes", "linear"]) == 0
    said, err = capsys.readouterr()
    entry = kept(trained)
    assert (entry["train"] + entry["validation"], entry["test"]) == (11, 5)
    assert "by source: the test part is theirs" in " ".join(said.split())
    assert "again.wav: the same file as" in err  # tested on, so not trained on
    # A manifest of each, and data of one root twice.
    lists = [folder.with_suffix(".csv") for folder in (ours, theirs)]
    for folder, manifest in zip((ours, theirs), lists, strict=True):
        manifest.write_text(
            "Path\n" + "\n".join(f"{folder.name}/{p.relative_to(folder)}" for p in sorted(folder.rglob("[0-9]*.wav"))) + "\n"
        )
    sources = load(trained).trained.open(lists[0], [str(lists[1])])
    assert sorted(sources.labels("split")) == ["test"] * 5 + ["train"] * 11
    with pytest.raises(CPCError, match="is named as both DATA and test data"):
        load(trained).trained.open(lists[0], [str(lists[0])])
    with pytest.raises(CPCError, match="of open sources, label the test part"):
        load(trained).probe(sources, test_data=lists[1], label="speaker")
    with pytest.raises(CPCError, match="--test-data and --test-on: both choose the test part"):
        load(trained).probe(lists[0], test_data=lists[1], label="speaker", test_on="speaker")


@pytest.mark.parametrize("seed", range(5))
def test_no_source_of_the_test_data_ever_trains(trained: Path, tmp_path: Path, seed: int) -> None:
    """Manifests that overlap, with splits of any spelling: what the test data name is tested on."""
    rng = random.Random(seed)
    names = [f"{number}.wav" for number in range(13)]
    for number, name in enumerate(names):
        write(tmp_path / name, 4001, seed=number)
    chosen = [rng.sample(names, 9), rng.sample(names, 5)]
    splits = ("train", " TRAIN", "Test ", "", "dev", "odd")
    for place, rows in zip(("a.csv", "b.csv"), chosen, strict=True):
        (tmp_path / place).write_text("path, SPLIT \n" + "\n".join(f"{row},{rng.choice(splits)}" for row in rows) + "\n")
    sources = load(trained).trained.open(tmp_path / "a.csv", [str(tmp_path / "b.csv")])
    parts = {item.path.name: part for item, part in zip(sources.items, sources.labels("split"), strict=True) if item.path}
    assert {name for name, part in parts.items() if part == "test"} == set(chosen[1])
    assert set(parts) == set(chosen[0]) | set(chosen[1])


def test_an_unknown_label_lists_those_there_are(runs: list[Path], trained: Path, tmp_path: Path, refused) -> None:
    table = write_table(tmp_path / "s.tsv", [(*line, "x") for line in labelled(23)], "label\ttext\tauthor")
    said = refused("probe", runs[0], table, "--label", "labl")
    assert (
        "label 'labl': none of these sources has such a label. Their labels: author, group, label." in said
        and "Did you mean 'label'?" in said
    )
    assert "Their labels: group, speaker. Did you mean 'speaker'?" in refused("probe", trained, "--label", "speakers")
    assert "1 class in 23 sources; a probe needs 2" in refused("probe", runs[0], table, "--label", "Author")
