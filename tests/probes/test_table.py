import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.probes.result import EmbeddingMap, ProbeTable, Split, are_unequal
from torchcpc.probes.table import Point, ProbeRow, differences

from .worlds import gaussian_classes


@pytest.fixture(scope="module")
def rows():
    task, _ = gaussian_classes()
    generator = np.random.default_rng(0)

    def row(features, role, kind, accuracy, penalties, **changes):
        right = generator.random((len(penalties), 211)) < accuracy
        predicted = np.where(right, task.test.y_M, (task.test.y_M + 1) % 3)
        return ProbeRow(features, role, kind, 7, predicted, task.test, penalties, **changes)

    return [
        row("CPC c", "cpc", "linear", 0.9, (0.1, 0.1, 0.1)),
        row("CPC c", "cpc", "MLP", 0.93, (0.1, 0.01, 0.1)),
        row("MFCC", "handmade", "linear", 0.6, (0.01,)),
        row("same network", "supervised", "supervised", 0.95, (None, None, None)),
        row("CPC c + MFCC", "cpc", "linear", 0.91, (0.1, 0.1, 0.1), added_to="MFCC"),
    ]


def table(rows, **changes):
    points = [Point("CPC c", "cpc", 5, rows[-1].hits), Point("CPC c", "cpc", None, rows[0].hits)]
    facts = {"label": "class", "unit": "row", "classes": 3, "chance": 1 / 3, "train": 397, "validation": 101, "test": 211}
    made = {"rows": tuple(row.summary("abc") for row in rows), "differences": differences(rows)}
    found = EmbeddingMap("class", np.array([[0.25, -1.5], [3.0, 2.0]]), ("a", "b"))
    return ProbeTable(
        **facts, split=Split("random"), efficiency=tuple(point.summary() for point in points), map=found, **made, **changes
    )


def test_the_table_comes_back_from_its_file(rows, tmp_path):
    made = table(rows)
    made.to_json(tmp_path / "probe.json")
    read = ProbeTable.from_json(tmp_path / "probe.json")
    assert read.text() == made.text() and read.rows == made.rows and read.differences == made.differences
    assert read.split == made.split and [point.labels_per_class for point in read.efficiency] == [5, None]
    np.testing.assert_array_equal(read.map.points, made.map.points)
    row = read.rows[0]
    assert row.accuracies == rows[0].accuracies and row.penalties == (0.1, 0.1, 0.1)
    assert row.accuracy.low < row.accuracy.mean < row.accuracy.high
    assert row.accuracy.mean == pytest.approx(np.mean(row.accuracies)) and set(row.f1) == set("abc")
    frame = made.to_pandas()
    assert (
        list(frame["features"]) == [*(row.features for row in rows), "CPC c"] and frame["accuracy_low"][0] == row.accuracy.low
    )
    with pytest.raises(CPCError, match="format 1"):
        ProbeTable.from_json({**made.to_json(), "format": 1})


def test_rows_are_compared_with_the_first_cpc_row_of_their_probe_and_with_what_they_are_added_to(rows):
    gaps = {(gap.features, gap.against, gap.probe): gap for gap in differences(rows)}
    assert list(gaps) == [
        ("CPC c", "MFCC", "linear"),
        ("CPC c", "same network", "supervised"),
        ("CPC c", "CPC c + MFCC", "linear"),
        ("CPC c + MFCC", "MFCC", "linear"),
    ]
    mfcc = gaps["CPC c", "MFCC", "linear"]
    assert mfcc.accuracy.mean == pytest.approx(np.mean(rows[0].accuracies) - np.mean(rows[2].accuracies))
    assert 0 < mfcc.accuracy.low < mfcc.accuracy.mean < mfcc.accuracy.high
    one, other = rows[0].confusions, rows[2].confusions
    assert mfcc.macro_f1.mean == pytest.approx(one.mean - other.mean)


def test_a_name_says_nothing_of_the_role(rows):
    renamed = [ProbeRow("CPC of others", "handmade", *(getattr(row, n) for n in FIELDS)) for row in rows]
    assert differences(renamed) == ()


FIELDS = ("probe", "dim", "predicted_RM", "test", "penalties")


def test_the_terminal_shows_every_number_of_every_row_best_first(rows):
    made = table(rows)
    accuracies, scores, few = (block.splitlines() for block in made.text().split("\n\n"))
    assert all(len(line) <= 100 for line in accuracies + scores + few)
    five, whole = (point.accuracy.text(1, scale=100) for point in made.efficiency)
    assert [line.split() for line in few[1:]] == [["features", "5", "all"], ["CPC", "c", *five.split(), *whole.split()]]
    assert accuracies[0].startswith("class: 211 test rows (train 397, validation 101), 3 classes, chance 33.3 % ")
    order = ["same network", "CPC c", "CPC c + MFCC", "CPC c", "MFCC"]
    body = [line for line in accuracies if "linear" in line or "MLP" in line or "supervised" in line]
    assert [line.split("  ")[0] for line in body[:5]] == order
    for row in made.rows:
        for interval in (row.accuracy, row.macro_f1):
            shown = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
            assert any(f"{100 * interval.mean:.1f}" in line and shown in line for line in accuracies + scores)
    gap = made.differences[0].accuracy
    assert f"+{100 * gap.mean:.1f} (+{100 * gap.low:.1f} to +{100 * gap.high:.1f})" in body[4]
    assert accuracies[-1].startswith("CPC c + MFCC minus MFCC, linear: +") and scores[-1].startswith("CPC c + MFCC minus MFCC")
    assert len({line.find("linear") for line in body[:5] if "linear" in line}) == 1  # columns line up


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (Split("random"), ["by source", "a random fifth"]),
        (Split("column", data=("a.csv", "b")), ["the split column of the data", "data: a.csv, b"]),
        (Split("test_on", column="speaker", value="s1"), ["the test part is speaker=s1"]),
        (
            Split("test_on", column="speaker", validate_across="town", standardised_by="mouth"),
            ["each speaker in turn", "held-out values of town", "normalised per mouth"],
        ),
        (Split("within", share=0.7), ["split in time", "70%"]),
        (
            Split("random", event_seconds=5, event_delay_s=0.5, events_skipped=3),
            ["clips of 5 s", "0.5 s after an event", "(3 skipped)"],
        ),
        (
            Split("folds", folds=7, inner_folds=(2, 5), grouped_by="author", repeated=19),
            ["7-fold cross-validation by author", "(19)", "2 to 5-fold"],
        ),
        (Split("column_folds", inner_folds=(5, 5), repeated=4), ["a 5-fold cross-validation", "4 training sources"]),
    ],
)
def test_a_split_says_what_it_is(split: Split, words: list[str]):
    assert all(word in split.text() for word in words), split.text()


def test_the_table_is_written_for_machines_and_for_pages(rows, tmp_path):
    made = table(rows)
    read = list(csv.DictReader(io.StringIO(made.to_csv(tmp_path / "probe.csv"))))
    assert (tmp_path / "probe.csv").read_text() == made.to_csv() and len(read) == len(made.rows) + 1
    for line, row in zip(read, made.rows, strict=False):
        assert line["features"] == row.features and float(line["accuracy_low"]) == row.accuracy.low
        assert json.loads(line["accuracies"]) == list(row.accuracies) and json.loads(line["f1"]) == dict(row.f1)
    assert json.loads(made.formatted("json")) == made.to_json()
    lines = made.to_markdown().splitlines()
    cells = [line for line in lines if line.startswith("|")]
    assert cells.pop(-3) == "| features | 5 | all |" and cells.pop(-2).count("|") == cells.pop(-1).count("|") == 4
    assert {line.count("|") for line in cells} == {8} and cells[1] == "|" + " --- |" * 7
    with pytest.raises(CPCError, match="format"):
        made.formatted("cvs")


@pytest.mark.parametrize(
    ("counts", "unequal"),
    [
        ((60, 60, 60), False),
        ((149, 100, 100), False),  # beyond chance, but by less than half
        ((5, 3, 2), False),  # twice and a half, as chance has it in ten rows
        ((151, 100), True),
        ((700, 31, 7), True),
        ((700, 600, 0), False),  # a class that the test lacks
        ((17,), False),
        ((), False),
    ],
)
def test_unequal_classes_are_those_that_accuracy_hides(counts: tuple[int, ...], unequal: bool):
    assert are_unequal(counts) is unequal


def test_macro_f1_is_shown_where_classes_are_unequal_unknown_or_judged_by_it_and_always_kept(rows):
    equal, unequal = {"a": 71, "b": 70, "c": 70}, {"a": 151, "b": 53, "c": 7}
    for changes, shown in (
        ({"test_counts": equal}, False),
        ({"test_counts": unequal}, True),
        ({"test_counts": equal, "select_by": "macro-F1"}, True),
        ({}, True),
    ):
        made = table(rows, **changes)
        assert ("macro-F1" in made.text()) is ("macro-F1" in made.to_markdown()) is shown and len(
            made.accuracy_tables()
        ) == 1 + shown
        assert all(record["macro_f1"] == row.macro_f1.mean for record, row in zip(made.records(), made.rows, strict=False))
        assert ProbeTable.from_json(made.to_json()).to_json() == made.to_json()
    old = {name: value for name, value in table(rows).to_json().items() if name not in ("test_counts", "select_by")}
    assert ProbeTable.from_json(old).test_counts == {}


def test_the_caption_says_what_the_intervals_are_over(rows):
    several, one = table(rows), table(rows[2:3])
    for made, words in (
        (several, "95 % intervals over 11 speakers, and over seeds if a row has several"),
        (one, "95 % intervals over 11 speakers\n"),
    ):
        assert words in replace(made, split=Split("random", units={"speaker": 11})).text()
    assert "one test speaker: no interval\n" in replace(several, split=Split("random", units={"speaker": 1})).text()


def test_a_long_curve_continues_below_and_a_missing_point_is_a_dash(rows):
    numbers = (1, 2, 5, 10, 20, 50, 100, None)
    points = [Point(row.features, row.role, n, row.hits).summary() for row in (rows[0], rows[2]) for n in numbers]
    (found,) = replace(table(rows), efficiency=tuple(points[:-2] + points[-1:])).curve_tables()
    lines = found.text().splitlines()
    assert all(len(line) <= 100 for line in lines) and sum(line.startswith("features") for line in lines) == 2
    assert [row[0] for row in found.rows] == ["CPC c", "MFCC"] and found.rows[1][7] == "-"
    assert found.header == ("features", "1", "2", "5", "10", "20", "50", "100", "all")
