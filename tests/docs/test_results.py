"""The pages of results are made from the figures, and their verdicts follow from them."""

import json
import re
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

ROOT = Path(__file__).parents[2]
FIGURES = sorted(path.stem for path in (ROOT / "benchmarks/results").glob("*.json"))


sys.path.insert(0, str(ROOT / "docs"))
import build_results  # noqa: E402
import result_figures  # noqa: E402


def test_the_pages_are_what_the_script_makes():
    made = build_results.pages()
    assert sorted(made) == sorted(path.stem for path in (ROOT / "docs/results").glob("*.md"))
    for page, text in made.items():
        written = (ROOT / f"docs/results/{page}.md").read_text(encoding="utf8")
        assert written == text, f"run python docs/build_results.py: docs/results/{page}.md is older than its figures"


def test_every_file_of_figures_is_used_by_one_page():
    used = [name for _, _, names in build_results.PAGES.values() for name in names]
    assert sorted(used) == FIGURES


@pytest.mark.parametrize("name", FIGURES)
def test_a_file_of_figures_holds_together(name):
    """Its rows and columns are of one kind and fit, its intervals hold their values, and its lines of the index exist."""
    task = result_figures.load(name)
    assert task.domain and task.claim.endswith(".") and len({table.name for table in task.tables}) == len(task.tables)
    for table in task.tables:
        columns, rows = [column.name for column in table.columns], [row.name for row in table.rows]
        assert len(set(columns)) == len(columns) and len(set(rows)) == len(rows), table.name
        assert all(len(row.cells) == len(columns) for row in table.rows), table.name
        for cell in (cell for row in table.rows for cell in row.cells):
            if isinstance(cell, result_figures.Measured):
                assert cell.interval[0] <= cell.value <= cell.interval[1], (table.name, cell)
    measured = any(
        isinstance(cell, result_figures.Measured) for table in task.tables for row in table.rows for cell in row.cells
    )
    assert not measured or task.intervals, "intervals without a unit"
    for entry in task.notebook:
        assert (ROOT / f"docs/notebook/{entry}.md").is_file(), entry
    for line in task.comparisons:
        table = task.table(line.table)
        roles = {row.name: row.role for row in table.rows}
        assert all(roles[row] == "cpc" for row in line.cpc)
        assert line.untrained is None or roles[line.untrained] == "untrained"
        assert all(roles[row] == "handmade" for row in line.handmade)
        if line.supervised:
            other = task.table(line.supervised.table)
            assert {row.name: row.role for row in other.rows}[line.supervised.row] == "supervised"
    for line in task.targets:
        task.table(line.figure.table).cell(line.figure.row, line.figure.column)
        assert (line.at_most is None) != (line.at_least is None)


@pytest.mark.parametrize("name", FIGURES)
def test_no_strong_baseline_is_left_out_of_a_verdict(name):
    """The index names the best handmade row of the table, among those that answer the same question."""
    task = result_figures.load(name)
    for line in task.comparisons:
        table = task.table(line.table)
        alike = [row.name for row in table.rows if row.role == "handmade" and same_question(row.name, line.handmade)]
        assert sorted(alike) == sorted(line.handmade), line.task


def same_question(row: str, chosen: list[str]) -> bool:
    """Whether a row has the suffix of the chosen ones, where the table asks several questions."""
    suffixes = ("without labels", "no reference", "reference of 400 rows")
    ends = [next((each for each in suffixes if each in name), "") for name in (row, *chosen)]
    return ends[0] == ends[1]


def test_the_notebook_lists_every_entry_once():
    listed = re.findall(r"\]\((\d{4}-\d\d-\d\d-[\w-]+)\.md\)", (ROOT / "docs/notebook/index.md").read_text(encoding="utf8"))
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "docs/notebook").glob("*.md") if path.stem != "index")
    assert listed == sorted(listed, key=lambda name: name[:10], reverse=True)


def table_of(cells):
    rows = [{"name": name, "role": name.rstrip("012"), "cells": [cell]} for name, cell in cells.items()]
    return {"name": "t", "corner": "features", "columns": [{"name": "accuracy", "decimals": 1}], "rows": rows}


def task_of(cells, handmade=("handmade",)):
    line = {"task": "x", "unit": "%", "table": "t", "column": "accuracy", "cpc": ["cpc"], "untrained": "untrained"}
    line |= {"handmade": handmade}
    record = {"domain": "d", "task": "T", "claim": "C.", "commands": [], "data": "D", "measured": "2026-11-27", "seeds": "1"}
    record |= {"tables": [table_of(cells)], "reading": ["a", "b", "c"], "missing": [], "comparisons": [line]}
    task = result_figures.Task.model_validate_json(json.dumps(record))
    return task, task.comparisons[0]


@pytest.mark.parametrize(
    ("expected", "question"),
    [
        ("met", {"cpc": 3.0, "untrained": 1.0, "handmade": 2.0}),
        ("met", {"cpc": {"value": 3.0, "interval": [1.0, 5.0]}, "untrained": 1.0, "handmade": 2.0}),
        ("missed", {"cpc": 3.0, "untrained": 3.5, "handmade": 2.0}),
        ("missed", {"cpc": 3.0, "untrained": 1.0, "handmade": 3.0}),  # a tie is no win
        ("missed", {"cpc": [4.0, 2.5], "untrained": 1.0, "handmade": 3.0}),  # each seed is asked
        ("not run", {"cpc": 3.0, "untrained": None, "handmade": 2.0}),
        ("not run", {"cpc": 3.0, "untrained": 1.0, "handmade": None}),
        ("not run", {"cpc": None, "untrained": 1.0, "handmade": 2.0}),
        ("missed", {"cpc": 3.0, "untrained": None, "handmade": 3.5}),  # what is missing does not hide a miss
    ],
)
def test_the_verdict_follows_from_the_numbers(expected, question):
    assert build_results.verdict(*task_of(question)) == expected


@pytest.mark.parametrize(
    ("expected", "cells"),
    [
        ("187 %", ([97.7], [58.9], [79.7])),  # more than all of it
        ("50 %", ([[1.0, 3.0]], [1.0], [3.0])),  # the mean over seeds
        ("25 %", ([1.0, 2.0], [1.0], [3.0])),  # two rows of CPC
        ("-50 %", ([0.0], [1.0], [3.0])),
        ("supervised below untrained", ([52.5], [44.6], [32.9])),
        ("supervised not shown above untrained", ([5.0], [4.0], [4.0])),
        ("", ([5.0], [None], [4.0])),
        ("", ([5.0], [], [4.0])),
        ("", ([5.0], [3.0], [])),
    ],
)
def test_the_gap_closed_follows_from_the_three_figures(expected, cells):
    assert build_results.gap_closed(*map(list, cells)) == expected


@pytest.mark.parametrize(("low", "expected"), [(3.4, "50 %"), (2.9, "supervised not shown above untrained")])
def test_a_gap_within_the_intervals_is_none(low, expected):
    below, above = (
        result_figures.Measured(value=2.0, interval=(1.0, 3.0)),
        result_figures.Measured(value=4.0, interval=(low, 5.0)),
    )
    assert build_results.gap_closed([3.0], [below], [above]) == expected


def test_the_best_of_several_handmade_rows_counts():
    question = {"cpc": 3.0, "untrained": 1.0, "handmade1": 2.0, "handmade2": 4.0}
    assert build_results.verdict(*task_of(question, handmade=("handmade1", "handmade2"))) == "missed"
    assert build_results.verdict(*task_of(question, handmade=("handmade1",))) == "met"


def test_the_index_holds_every_line_with_its_verdict():
    """Read back from the page: as many lines as the figures have, and no verdict but those of the numbers."""
    index = (ROOT / "docs/results/index.md").read_text(encoding="utf8")
    verdicts = [
        line.split(" | ")[-2].strip("*") for line in index.splitlines() if line.count(".md#") == 1 and line.startswith("| ")
    ]
    tasks = [result_figures.load(name) for _, _, names in build_results.PAGES.values() for name in names]
    expected = [build_results.verdict(task, line) for task in tasks for line in task.comparisons]
    expected += [build_results.target_verdict(task, line) for task in tasks for line in task.targets]
    assert verdicts == expected
    assert {"met", "missed", "not run"} == set(verdicts)


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError):
        result_figures.Row.model_validate_json('{"name": "x", "cells": [1], "accuracy": 3}')


def test_cells_are_shown_as_they_were_measured():
    shown = build_results.cell_text
    assert shown(result_figures.Measured(value=76.1, interval=(61.2, 87.3)), 1) == "76.1 (61.2 to 87.3)"
    assert shown(result_figures.Measured(value=0.0, interval=(-1.5, 1.3)), 1, True) == "+0.0 (-1.5 to +1.3)"
    assert shown([-0.0, -0.001], 3, True) == "-0.000, -0.001"
    assert shown(98.0, 1) == "98.0" and shown(12981) == "12,981" and shown(None) == "" and shown("a | b") == "a \\| b"
