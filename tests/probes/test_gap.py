"""The share of the gap between untrained and supervised that is closed, by a loop over resamples."""

from __future__ import annotations

import numpy as np
import pytest

from torchcpc.probes.gap import gap_closed
from torchcpc.probes.table import ProbeRow
from torchcpc.probes.task import Labels

ROWS, SOURCES = 211, 53


def row(features: str, role: str, right: float, *, seeds: int = 1, probe: str = "linear", sources: int = SOURCES) -> ProbeRow:
    generator = np.random.default_rng([seeds, round(100 * right)])
    y = np.arange(ROWS) % 3
    predicted = np.where(generator.random((seeds, ROWS)) < right, y, (y + 1) % 3)
    return ProbeRow(features, role, probe, 7, predicted, Labels(y, np.arange(ROWS) % sources), (None,))


def table(best: float = 0.9, sources: int = SOURCES) -> list[ProbeRow]:
    return [
        row("CPC c", "cpc", 0.7, sources=sources),
        row("CPC z", "cpc", 0.6, sources=sources),
        row("random init z", "untrained", 0.2, seeds=3, sources=sources),
        row("random init c", "untrained", 0.4, seeds=3, sources=sources),
        row("same network", "supervised", best, seeds=3, probe="supervised", sources=sources),
    ]


def test_the_share_is_of_the_same_representation_and_its_interval_of_paired_resamples() -> None:
    rows = table()
    found = gap_closed(rows)
    assert found and found.share and (found.features, found.untrained) == ("CPC c", "random init c")
    ours, low, best = (each.correct_RM.mean() for each in (rows[0], rows[3], rows[4]))
    assert found.share.mean == pytest.approx((ours - low) / (best - low))
    generator, shares = np.random.default_rng(0), []
    of_source = [np.flatnonzero(rows[0].test.source_M == source) for source in range(SOURCES)]
    for _ in range(2000):
        kept = np.concatenate([of_source[s] for s in generator.integers(SOURCES, size=SOURCES)])
        seeds = generator.integers(3, size=3)
        a = rows[0].correct_RM[:, kept].mean()
        b, c = (each.correct_RM[seeds][:, kept].mean() for each in (rows[3], rows[4]))
        shares.append((a - b) / (c - b))
    # The interval here allows for three seeds only, and is wider than that of the plain loop.
    low_end, high_end = np.quantile(shares, [0.025, 0.975])
    assert found.share.low < low_end + 0.05 and found.share.high > high_end - 0.05
    assert high_end - low_end < found.share.high - found.share.low < 3 * (high_end - low_end)
    assert "closes" in found.text()


def test_without_a_gap_nothing_is_closed() -> None:
    found = gap_closed(table(best=0.4))
    assert found and found.share is None and "not shown to be above zero" in found.text()


@pytest.mark.parametrize("missing", ["cpc", "supervised", "untrained"])
def test_all_three_rows_are_needed(missing: str) -> None:
    assert gap_closed([each for each in table() if each.role != missing]) is None
    assert gap_closed([]) is None
