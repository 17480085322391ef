"""The table of boundaries: its numbers, its width, and its way to JSON and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from torchcpc.probes.result import Split
from torchcpc.segmentation.boundaries import SegmentSpec
from torchcpc.segmentation.compare import _row
from torchcpc.segmentation.matching import Counts, Quality, Truth, count
from torchcpc.segmentation.result import SegmentTable

RNG = np.random.default_rng(0)
TRUTHS = [Truth(np.sort(RNG.uniform(0, 4, 19)), np.array([[0.0, 4.0]])) for _ in range(5)]


def times(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.sort(np.concatenate([truth.true_s[::2] + rng.normal(0, 0.01, 10), rng.uniform(0, 4, 7)])) for truth in TRUTHS]


def test_a_row_is_the_mean_over_seeds_of_counts_over_sources() -> None:
    spec = SegmentSpec()
    row = _row("cosine", "validation labels", [times(0), times(1)], TRUTHS, spec, [0.1, 0.2])
    assert (row.role, row.seeds, row.thresholds) == ("cpc", 2, (0.1, 0.2))
    for found, lenient in ((row.one_to_one, False), (row.lenient, True)):
        counts = [np.sum([count(t, truth) for t, truth in zip(times(seed), TRUTHS, strict=True)], axis=0) for seed in (0, 1)]
        seeds = [Quality.of(Counts(*own), lenient=lenient) for own in counts]
        for name in ("precision", "recall", "over_segmentation"):
            np.testing.assert_allclose(getattr(found, name), np.mean([getattr(own, name) for own in seeds]))
        for name in ("f1", "r_value"):
            interval = getattr(found, name)
            np.testing.assert_allclose(interval.mean, np.mean([getattr(own, name) for own in seeds]))
            assert interval.low < interval.mean < interval.high
    assert _row("spectral flux", "", [times(0)], TRUTHS, spec, []).role == "handmade"


def test_text_and_json() -> None:
    spec = SegmentSpec()
    rows = tuple(_row(name, "no labels, 50% of peaks", [times(0)], TRUTHS, spec, [0.1]) for name in ("spectral flux", "cosine"))
    found = SegmentTable(0.02, 2, 1, 3, 5, 95, Split("random"), rows)
    assert SegmentTable.from_json(found.to_json()) == found
    assert max(map(len, found.text().splitlines())) <= 100
    one = rows[0].one_to_one
    assert f"{100 * one.f1.mean:.1f} ({100 * one.f1.low:.1f} to {100 * one.f1.high:.1f})" in found.text()
    assert {"curve", "role", "f1", "f1_low", "lenient_r_value_high"} <= set(found.to_pandas())


def test_lenient_numbers_are_printed_where_they_differ() -> None:
    row = _row("cosine", "no labels", [times(0)], TRUTHS, SegmentSpec(), [0.1])
    assert row.one_to_one != row.lenient
    for lenient, shown in ((row.lenient, 2), (row.one_to_one, 1)):
        found = SegmentTable(0.02, 2, 1, 3, 5, 95, Split("random"), (replace(row, lenient=lenient),))
        for text in (found.text(), found.to_markdown()):
            assert text.count("R-value") == shown and "Lenient: two marks" in text
            assert ("Its rows are those of the table above." in text) is (shown == 1)
