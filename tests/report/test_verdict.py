"""Verdicts in words, against the numbers of the table; and what a probe is called."""

import math
from dataclasses import replace

import pytest

from torchcpc.probes.result import Difference, ProbeTable, Split
from torchcpc.report.probe_titles import title, titles
from torchcpc.report.verdict import compared, headline, short_verdict, verdicts
from torchcpc.results import Interval

from .fabricate import around, row, table


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (Interval(0.004, -0.012, 0.02), "not shown to differ from the untrained network (+0.4 points, −1.2 to +2.0)"),
        (Interval(0.051, 0.031, 0.072), "better than the untrained network (+5.1 points, +3.1 to +7.2)"),
        (Interval(-0.05, -0.07, -0.01), "worse than the untrained network (−5.0 points, −7.0 to −1.0)"),
        (Interval(0.0, 0.0, 0.0), "not shown to differ from the untrained network (+0.0 points, +0.0 to +0.0)"),
    ],
)
def test_a_difference_is_shown_where_its_interval_leaves_out_zero(gap: Interval, said: str) -> None:
    assert compared(gap, "the untrained network") == said


@pytest.mark.parametrize(("mean", "side"), [(0.03, "above"), (-0.03, "below"), (0.0, "level with")])
def test_without_an_interval_nothing_is_shown(mean: float, side: str) -> None:
    said = compared(around(mean), "the untrained network", "random init c")
    assert said.startswith(f"{side} the untrained network, random init c on these test data")
    assert said.endswith("without an interval, no difference is shown") and "nan" not in said


def probed(**changes: object) -> ProbeTable:
    rows = (
        row("CPC c", "cpc", "linear", 32, 0.9),
        row("CPC c", "cpc", "MLP", 32, 0.93),
        row("CPC z", "cpc", "linear", 16, 0.8),
        row("random init c", "untrained", "linear", 32, 0.7),
        row("random init z", "untrained", "linear", 16, 0.85),
        row("MFCC", "handmade", "linear", 39, 0.6),
        row("log-mel", "handmade", "linear", 40, 0.75),
        row("log-mel", "handmade", "MLP", 40, 0.99),
        row("same network", "supervised", "supervised", None, 0.95),
    )
    gaps = tuple(
        Difference("CPC c", other.features, other.probe, around(round(0.9 - other.accuracy.mean, 3), 0.011))
        for other in rows[2:]
    )
    return replace(table("digit", 0.1), rows=rows, differences=gaps, **changes)


def test_the_rivals_are_the_same_part_untrained_the_best_handmade_and_the_labels() -> None:
    said = verdicts(probed())
    assert said[0] == "CPC c (linear) reaches 90.0\u00a0% (95 % interval 88.8\u00a0% to 91.2\u00a0%); chance is 10.0\u00a0%."
    assert said[1] == "It is better than the untrained network, random init c (linear) (+20.0 points, +18.9 to +21.1)."
    assert said[2] == "It is better than the best handmade features, log-mel (linear) (+15.0 points, +13.9 to +16.1)."
    assert said[3].startswith("It is worse than the same network trained on the labels (−5.0 points")
    short = short_verdict(probed())
    assert (
        short.startswith("90.0\u00a0% from CPC c (linear); better than the untrained network (+20.0") and "labels" not in short
    )


def test_what_was_not_probed_is_said() -> None:
    bare = replace(probed(), rows=probed().rows[:2], differences=(), gaps=())
    said = verdicts(bare)
    assert said[1:] == [
        "No untrained network was probed, so the gain by training is not known.",
        "No handmade features were probed.",
    ]
    assert headline(replace(bare, rows=())) is None and verdicts(replace(bare, rows=())) == ["No CPC row was probed."]


def test_a_table_without_intervals_has_a_verdict_without_any() -> None:
    entry = probed()
    rows = tuple(replace(each, accuracy=around(each.accuracy.mean)) for each in entry.rows)
    gaps = tuple(replace(gap, accuracy=around(gap.accuracy.mean)) for gap in entry.differences)
    said = " ".join(verdicts(replace(entry, rows=rows, differences=gaps, chance=math.nan)))
    assert "(no interval)" in said and "no difference is shown" in said
    assert "nan" not in said and "not a number" not in said and "chance" not in said


def test_titles_tell_questions_apart() -> None:
    plain = table("speaker", 0.25)
    assert title(plain) == "speaker per recording"
    assert (
        title(replace(plain, unit="clip", split=Split("random", standardised_by="room")))
        == "speaker per clip, normalised per room"
    )
    splits = (Split("test_on", column="room", value="3"), Split("test_on", column="room"), Split("within", share=0.5))
    several = [plain, *(replace(plain, split=split) for split in (*splits, Split("folds", folds=5, grouped_by="room")))]
    assert len(set(titles(several))) == len(several)
    alike = titles([plain, replace(plain, test=299), plain])
    assert len(set(alike)) == 3 and alike[1] == "speaker per recording, 299 test rows"
