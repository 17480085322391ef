"""From ranks to a table: seeds that answered the same questions are crossed, others are pooled."""

from __future__ import annotations

import numpy as np
import pytest

from torchcpc.ranking.compare import RunRanks, table
from torchcpc.ranking.methods import rank
from torchcpc.ranking.questions import Questions
from torchcpc.ranking.result import RankTable


def answers(seed: int, *, keys: tuple[str, ...] = ("a", "b", "c"), more: tuple[str, ...] = (), note: str = "n") -> RunRanks:
    rng = np.random.default_rng(seed)
    source_A = np.repeat(np.arange(3), 11)
    questions = Questions(source_A, source_A * 20, np.arange(33), np.arange(33)[:, None] + np.arange(5))
    scores = {"CPC": rng.normal(size=(33, 5)) + np.eye(5)[0], **{name: rng.normal(size=(33, 5)) for name in more}}
    methods = {name: rank(score, role="cpc" if name == "CPC" else "handmade") for name, score in scores.items()}
    methods["chance"] = rank(np.zeros((33, 5)), role="chance")
    return RunRanks("these", keys, {("any source", 2): (questions, methods)}, (note,))


def test_means_are_over_questions_and_seeds() -> None:
    runs = [answers(0), answers(1)]
    found = table(runs)
    assert found.same_sources and (found.runs, found.origin, found.notes) == (2, "these", ("n",))
    (block,) = found.blocks
    assert (block.pool, block.k, block.candidates, block.contexts, block.sources) == ("any source", 2, 5, 33, 3)
    cpc, chance = block.rows
    assert [(row.name, row.role) for row in block.rows] == [("CPC", "cpc"), ("chance", "chance")]
    first = np.mean([run.asked["any source", 2][1]["CPC"].above_A == 0 for run in runs])
    assert cpc.top1.mean == pytest.approx(first) and cpc.gap is None
    assert chance.gap and chance.gap.mean == pytest.approx(first - 0.2) and chance.rank.mean == pytest.approx(3)
    assert 0 <= cpc.top1.low < cpc.top1.mean < cpc.top1.high <= 1


def test_other_sources_are_pooled_and_what_one_run_lacks_is_left_out() -> None:
    found = table([answers(0, more=("TF-IDF overlap, last 1",)), answers(1, keys=("c", "d", "e"), note="m")])
    (block,) = found.blocks
    assert not found.same_sources and (block.contexts, block.sources) == (66, 5) and found.notes == ("n", "m")
    assert [row.name for row in block.rows] == ["CPC", "chance"]


def test_the_table_is_text_of_bounded_width_and_comes_back_from_json() -> None:
    found = table([answers(0, more=("similarity of z, last 1", "TF-IDF overlap, last 5"))])
    lines = found.text().splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0] == "these; 1 run; 95 % intervals by source" and lines[-1] == "note: n"
    top1 = found.blocks[0].rows[0].top1
    assert f"{100 * top1.mean:.1f} ({100 * top1.low:.1f} to {100 * top1.high:.1f})" in found.text()
    assert RankTable.from_json(found.to_json()) == found
    assert len(found.to_pandas()) == 4 and "gap_low" in found.to_pandas()
