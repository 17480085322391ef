"""`cpc probe --folds` on a table of labelled sentences: the rows, what is never on both sides, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.data.books import WORDS, write_book
from torchcpc.api import load
from torchcpc.cli import main
from torchcpc.contracts import CPCError
from torchcpc.probes.cross_validation import folded_task
from torchcpc.probes.nested_cv import FoldedTask
from torchcpc.probes.question import ProbeSpec

SMALL = [
    *("data.vocabulary=53", "data.width=7", "encoder.embedding=11", "encoder.dim=5", "context.dim=3", "windows.length=7"),
    *("windows.batch=4", "split.validation=0.3", "training.steps=3", "training.warmup=0"),
]
ROWS = {"CPC z", "CPC c", "random init z", "random init c", "mean of word embeddings", "TF-IDF", "CPC z + TF-IDF"}


def write_table(path: Path, lines: list[tuple[str, ...]], header: str = "label\ttext") -> Path:
    path.write_text("\n".join([header, *("\t".join(line) for line in lines)]) + "\n", encoding="utf8")
    return path


def labelled(count: int, *, seed: int = 0) -> list[tuple[str, str]]:
    """Sentences of four words of one half of the vocabulary or the other, as the label says."""
    rng = np.random.default_rng(seed)
    halves = np.array_split(np.array(WORDS), 2)
    names = rng.permutation(np.arange(count) % 2)
    return [(("down", "up")[k], " ".join(rng.choice(halves[k], 4))) for k in names]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two seeds, each with the vocabulary of its own training documents."""
    root = tmp_path_factory.mktemp("books")
    for number in range(7):
        write_book(root / f"{number}.txt", 23 + number, seed=number)
    folders = [tmp_path_factory.mktemp("runs") / str(seed) for seed in range(2)]
    for seed, folder in enumerate(folders):
        place = ["--data", str(root), "-o", str(folder), "--seed", str(seed), "--precision", "32-true", "--accelerator", "cpu"]
        assert main(["train", "text", *SMALL, *place]) == 0
    return folders


def test_the_table_has_every_row_over_the_same_folds(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = labelled(101)
    lines += [(label, f"  {text.upper()}") for label, text in lines[:19]] + [("up", " ")]
    table = write_table(tmp_path / "s.tsv", lines)
    command = [
        "probe",
        str(runs[0]),
        str(table),
        "--seed-runs",
        str(runs[1]),
        "--label",
        "label",
        "--folds",
        "5",
        "--seeds",
        "1",
    ]
    assert main([*command, "--supervised-steps", "2"]) == 0
    said, err = capsys.readouterr()
    assert "CPC z + TF-IDF minus TF-IDF, linear: " in said and "empty text" in err
    (entry,) = json.loads((runs[0] / "probe.json").read_text())["tables"]
    assert {row["features"] for row in entry["rows"]} == ROWS | {"same network"}
    rows = {row["features"]: row for row in entry["rows"]}
    assert entry["test"] == 120 and entry["unit"] == "sentence" and entry["split"]["repeated"] == 19
    assert len(rows["CPC z"]["accuracies"]) == len(rows["CPC z + TF-IDF"]["accuracies"]) == 2
    assert len(rows["CPC z"]["penalties"]) == 2 * 5 and len(rows["TF-IDF"]["penalties"]) == 5
    # c: 3 numbers of the GRU beside a running mean of z.
    assert (rows["CPC z"]["dim"], rows["CPC c"]["dim"], rows["mean of word embeddings"]["dim"]) == (5, 3 + 5, 11)
    assert rows["TF-IDF"]["accuracy"]["mean"] > 0.8  # its words tell
    assert "same network" in (runs[0] / "report.html").read_text()


def test_copies_share_a_fold_and_a_given_split_leaves_them_out_of_the_training(runs: list[Path], tmp_path: Path) -> None:
    run = load(runs[0])
    lines = labelled(101)
    copies = [(label, text.title() + "  ") for label, text in lines[:19]]
    sources = run.open(write_table(tmp_path / "s.tsv", lines + copies))
    task, chosen, repeated = folded_task(sources, ProbeSpec("label", folds=7))
    assert chosen == list(range(120)) and repeated == 19
    np.testing.assert_array_equal(task.fold_M[:19], task.fold_M[101:])
    split = [(*line, "test" if n >= 101 or n % 3 == 0 else "train") for n, line in enumerate(lines + copies)]
    table = write_table(tmp_path / "t.tsv", split, "label\ttext\tsplit")
    task, chosen, repeated = folded_task(run.open(table), ProbeSpec("label", folds=7))
    left = [n for n in range(19) if n % 3]
    assert chosen == [n for n in range(120) if n not in left] and list(task.folds) == [0]
    assert repeated == len(left) > 0


def given(run: Path, path: Path, rows: list[tuple[str, str, str]]) -> FoldedTask:
    return folded_task(load(run).open(write_table(path, rows, "label\ttext\tsplit")), ProbeSpec("label", folds=3))[0]


def test_a_given_split_is_read_in_any_case_and_must_show_each_class_to_the_training(runs: list[Path], tmp_path: Path) -> None:
    lines = list({text.lower(): (label, text) for label, text in labelled(101)}.values())
    marks = [("Test ", "TRAIN", " train")[n % 3] for n in range(len(lines))]
    task = given(runs[0], tmp_path / "a.tsv", [(*line, mark) for line, mark in zip(lines, marks, strict=True)])
    np.testing.assert_array_equal(task.fold_M == 0, np.arange(len(lines)) % 3 == 0)
    assert [task.inner_count(fold) for fold in task.folds] == [5]
    rows = [(label, text, "test" if label == "up" else "train") for label, text in lines]
    with pytest.raises(CPCError, match=r"the training part \(column split\) has 1 classes"):
        given(runs[0], tmp_path / "b.tsv", rows)
    rows = [*rows[:-1], ("odd", "three more words", "train")]
    with pytest.raises(CPCError, match=r"class 'up' \(1 such\) is in the test part .* and not in the training part"):
        given(runs[0], tmp_path / "c.tsv", rows)


def test_fewer_inner_folds_are_told_with_the_table(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = list({text.lower(): (label, text) for label, text in labelled(101)}.values())
    rare = [("rare", f"Of {word} a few") for word in ("one", "two", "three", "four")]
    rows = [(*line, ("test", "train", "train")[n % 3]) for n, line in enumerate(lines)] + [(*line, "train") for line in rare]
    task = given(runs[0], tmp_path / "a.tsv", rows)
    assert [task.inner_count(fold) for fold in task.folds] == [4]
    table = write_table(tmp_path / "b.tsv", [*lines, *rare])
    task, _, _ = folded_task(load(runs[0]).open(table), ProbeSpec("label", folds=3))
    assert sorted({task.inner_count(fold) for fold in task.folds}) == [2, 3]
    assert main(["probe", str(runs[0]), str(table), "--label", "label", "--folds", "3", "--seeds", "0", "--baselines"]) == 0
    entry = json.loads((runs[0] / "probe.json").read_text())["tables"][-1]
    assert entry["split"]["inner_folds"] == [2, 3] and "inner 2 to 3-fold" in capsys.readouterr().out
    lone = given(runs[0], tmp_path / "c.tsv", rows[:-3])
    with pytest.raises(CPCError, match="inner folds: class 'rare' has 1 of"):
        lone.inner_count(0)
    assert main(["probe", str(runs[0]), str(tmp_path / "c.tsv"), "--label", "label", "--seeds", "0"]) == 1
    assert "inner folds: class 'rare' has 1 of" in capsys.readouterr().err


def test_sources_of_one_value_share_a_fold(runs: list[Path], tmp_path: Path) -> None:
    lines = [(*line, f"author{n % 13}") for n, line in enumerate(labelled(101))]
    sources = load(runs[0]).open(write_table(tmp_path / "s.tsv", lines, "label\ttext\tauthor"))
    task, _, _ = folded_task(sources, ProbeSpec("label", folds=3, fold_by="author"))
    assert all(len(set(task.fold_M[np.arange(101) % 13 == n])) == 1 for n in range(13))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--label", "mood"], "label 'mood': none of these sources"),
        (["--label", "label", "--fold-by", "author"], "fold by 'author': none of these sources has such a label"),
        (["--label", "rare"], "11 folds: class odd has 2 of 23 groups"),
        (["--label", "label", "--folds", "1"], "folds = 1"),
        (["--label", "label", "--folds", "29"], "29 folds: class down"),
        (["--label", "label", "--within", "0.5"], "--folds and --within"),
        (
            ["--label", "label", "--baselines", "LSA"],
            "baseline 'LSA' is unknown. Choose among: mean of word embeddings, TF-IDF",
        ),
        (["--label", "label", "--select-by", "luck"], "select_by = 'luck'"),
    ],
)
def test_what_cannot_be_asked_is_refused(runs: list[Path], tmp_path: Path, refused, more: list[str], message: str) -> None:
    lines = [(*line, "odd" if n in (3, 5) else "even") for n, line in enumerate(labelled(23))]
    table = write_table(tmp_path / "s.tsv", lines, "label\ttext\trare")
    folds = [] if "--folds" in more else ["--folds", "11"]
    assert message in refused("probe", runs[0], table, *folds, *more)


def test_another_domain_is_cross_validated_alike(tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    small = ["training.steps=2", "training.warmup=0", "encoder.dim=5", "context.dim=5"]
    assert main(["train", "digits", *small, "-o", str(folder), "--precision", "32-true", "--accelerator", "cpu"]) == 0
    assert main(["probe", str(folder), "--label", "digit", "--folds", "3", "--seeds", "1"]) == 0
    (entry,) = json.loads((folder / "probe.json").read_text())["tables"]
    assert {"CPC z", "random init z", "raw rows", "pixels"} <= {row["features"] for row in entry["rows"]}
    assert entry["unit"] == "picture" and entry["classes"] == 10
