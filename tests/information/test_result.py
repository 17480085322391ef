"""What a table of information prints, keeps and gives to a data frame."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from torchcpc.contracts import Estimand
from torchcpc.information.result import (
    Checks,
    ContinuationTable,
    InformationRow,
    InformationTable,
    Profile,
    ShuffledStretch,
    Timeline,
    TruthComparison,
)
from torchcpc.results import Interval


@pytest.fixture
def table() -> InformationTable:
    bound, pmi = Interval(1.25, 1.125, 1.375), Interval(123.4567, 123.0, math.nan)
    checks = Checks(1.0625, (1.0, 1.125), 0.875, -0.25, ((0.25, 0.5, 7),), (7, 49))
    truth = TruthComparison(Interval(2.5, 2.5, 2.5), Interval(2.25, 2.0, 2.5), Interval(0.5, 0.25, 0.75), math.nan, 0.125)
    row = InformationRow(1, bound, pmi, math.log(402), 402.0, 123456, 20, 401.4, 0.0, checks, truth)
    other = InformationRow(12, bound, bound, math.log(402), 402.0, 7, 1, 400.6, 0.5)
    profile = Profile("a.wav", 3, 0.5, (1, 2), (2.0, -1.0), 1, 2.0, 2)
    estimand = Estimand("I(x; c)", "all", 401, 20, "delta")
    return InformationTable(estimand, "sources the run never saw", ("read with care",), (row, other), 1, (profile,))


def test_every_number_is_printed_within_the_width(table: InformationTable) -> None:
    said = table.text()
    assert max(map(len, said.splitlines())) <= 100
    for number in ("1.250 (1.125 to 1.375)", "123.457 ", "5.996", "402", "123456", "401", "1.062", "0.88", "-0.25"):
        assert number in said
    for number in ("2.500", "2.250 (2.000 to 2.500)", "50.0 (25.0 to 75.0)", "0.125"):
        assert number in said
    for words in (
        "I(x; c)",
        "sources the run never saw",
        "401 samples of 20 other sources",
        "'delta'",
        "caution: read with care",
    ):
        assert words in said


def test_a_file_with_the_old_name_of_the_marginal_is_read(table: InformationTable) -> None:
    content = table.to_json()
    assert content["estimand"]["marginal"] == "all"
    content["estimand"]["proposal"] = content["estimand"].pop("marginal")
    assert InformationTable.from_json(content).estimand == table.estimand


def test_a_table_without_checks_and_truth_keeps_its_cautions(table: InformationTable) -> None:
    bare = InformationTable(table.estimand, table.origin, table.cautions, table.rows[1:], 1, ())
    (shown,) = bare.tables()
    assert shown.notes[-1] == "caution: read with care"
    assert bare.records()[0]["slope"] is None


def test_json_gives_back_the_same(table: InformationTable) -> None:
    again = InformationTable.from_json(json.loads(json.dumps(table.to_json())))
    assert repr(again) == repr(table)  # NaN is not equal to itself


def test_a_data_frame_has_a_row_a_horizon(table: InformationTable) -> None:
    first = table.records()[0]
    assert (first["k"], first["pmi"], first["infonce_low"], first["slope"]) == (1, 123.4567, 1.125, 0.875)
    assert (first["truth_information"], first["truth_share_high"]) == (2.5, 0.75)
    assert len(table.to_pandas()) == 2


def test_a_timeline_shows_what_shuffling_cost() -> None:
    pmi_KT = np.array([[math.nan, 1.0, 2.0], [math.nan, math.nan, 3.0]])
    shuffled = ShuffledStretch(0, 2, pmi_KT, (1.5, 3.0), (0.5, -1.0), (0.125, 0.25))
    timeline = Timeline("a.txt", "sentence", 1, (1, 2), (1.5, 3.0), pmi_KT, ((1, "Chapter 1"),), shuffled)
    said = timeline.text()
    assert "sentence of a.txt" in said and all(number in said for number in ("1.500", "-1.000", "0.125"))
    assert max(map(len, said.splitlines())) <= 100
    again = Timeline.from_json(json.loads(json.dumps(timeline.to_json())))
    np.testing.assert_array_equal(again.pmi, pmi_KT)
    assert again.marks == timeline.marks and again.mean == timeline.mean
    assert timeline.records()[2] == {"step": 2, "pmi_1": 2.0, "pmi_2": 3.0}


def test_continuations_are_listed_best_first() -> None:
    table = ContinuationTable(3, 2, (1, 2), ("so it is.", "x " * 99), np.array([[0.25, 2.0], [1.0, -0.5]]))
    assert table.records()[1] == {"rank": 2, "candidate": "x " * 99, "pmi_1": 1.0, "pmi_2": -0.5}
    assert max(map(len, table.text().splitlines())) <= 100 and "best first at k = 2" in table.text()
