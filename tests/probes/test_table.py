import json

import numpy as np
import pytest

from torchcpc.probes.label_efficiency import Point
from torchcpc.probes.probe_result import Row
from torchcpc.probes.table import table, text
from torchcpc.report.probe import parse

from .worlds import gaussian_classes


@pytest.fixture
def entry():
    task, _ = gaussian_classes()
    generator = np.random.default_rng(0)

    def row(features, kind, accuracy, penalties):
        correct = generator.random((len(penalties), 211)) < accuracy
        return Row(features, kind, 7, correct, task.test.source_M, penalties)

    rows = [
        row("CPC c", "linear", 0.9, (0.1, 0.1, 0.1)),
        row("CPC c", "MLP", 0.93, (0.1, 0.01, 0.1)),
        row("MFCC", "linear", 0.6, (0.01,)),
        row("same network", "supervised", 0.95, (None, None, None)),
    ]
    points = [Point("CPC c", 5, rows[2].hits), Point("CPC c", None, rows[0].hits)]
    return task, rows, table(task, rows, points)


def test_the_table_is_json_that_the_report_reads(entry, tmp_path):
    task, rows, made = entry
    read = parse(tmp_path, json.loads(json.dumps({"tables": [made], "map": None}, allow_nan=False))).tables[0]
    assert dict(read.sizes) == {"train": 397, "validation": 101, "test": 211}
    assert {row.name for row in read.rows} == {"CPC c, linear", "CPC c, MLP", "MFCC, linear", "same network, supervised"}
    assert [few.labels for few in read.efficiency] == [5, None]
    best = next(row for row in read.rows if row.name == "CPC c, linear")
    assert best.accuracies == rows[0].accuracies
    assert best.low < best.mean < best.high
    assert best.mean == pytest.approx(np.mean(best.accuracies))
    assert best.penalty == 0.1
    assert next(row for row in read.rows if row.name == "CPC c, MLP").penalty is None  # seeds disagree
    assert made["chance"] == task.chance


def test_rows_are_compared_with_the_first_cpc_row_of_their_probe(entry):
    _, rows, made = entry
    gaps = {gap["against"]: gap for gap in made["differences"]}
    assert set(gaps) == {"MFCC", "same network"}
    mfcc = gaps["MFCC"]
    assert mfcc["mean"] == pytest.approx(np.mean(rows[0].accuracies) - np.mean(rows[2].accuracies))
    assert 0 < mfcc["low"] < mfcc["mean"] < mfcc["high"]


def test_a_table_without_cpc_has_no_differences(entry):
    task, rows, _ = entry
    assert table(task, rows[2:])["differences"] == []


def test_the_terminal_shows_every_row_best_first(entry):
    _, rows, made = entry
    lines = text(made).splitlines()
    assert lines[0].startswith("class: 211 test rows, 3 classes, always the commonest ")
    assert [line.split("  ")[0] for line in lines[2:]] == ["same network", "CPC c", "CPC c", "MFCC"]
    mfcc = lines[-1]
    assert f"{100 * rows[2].accuracies[0]:.1f}" in mfcc
    assert f"+{100 * made['differences'][0]['mean']:.1f} (+" in mfcc
    assert len({line.find("linear") for line in lines if "linear" in line}) == 1  # columns line up
