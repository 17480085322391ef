"""Calibrated scores as rows of a file: one for every pair (t, t+k), and the candidates for one context by rank.

Columns: `source` (key), `sequence` (0, or which of a picture's columns), `step` (t of the context), `k`, `time_s` (start of step t+k, as in
`embedding_files`), `pmi` (nats), `surprise` (-pmi), `effective` (samples that log Z of this context rests on).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from torchcpc.information.score_profiles import ranked
from torchcpc.information.scoring import Steps, score_pairs
from torchcpc.representations.files import Clock, Rows
from torchcpc.scores.calibration import Sample


def pair_rows(
    model: Any, sample: Sample, steps: Iterable[Steps], indices: Sequence[int], keys: Sequence[str], when: Clock
) -> Iterator[Rows]:
    """All pairs of every sequence of `steps`, whose numbers are positions in `indices`; `indices` are numbers of the sample."""
    horizons = model.predictor.horizons
    for each in steps:
        for scored in score_pairs(model, sample, each, indices[each.source])[0]:
            k = horizons[scored.horizon]
            yield {
                "source": [keys[scored.source]] * len(scored.step),
                "sequence": np.full(len(scored.step), each.sequence),
                "step": scored.step,
                "k": np.full(len(scored.step), k),
                "time_s": when(scored.source, scored.step + k),
                "pmi": scored.pmi.astype(np.float32),
                "surprise": -scored.pmi.astype(np.float32),
                "effective": scored.effective.astype(np.float32),
            }


def best_candidates(
    model: Any,
    context_C: Any,
    log_z: float,
    steps: Iterable[Steps],
    true: tuple[int, int],
    indices: Sequence[int],
    *,
    index: int,
    top: int,
) -> tuple[list[tuple[float, int, int]], int, int]:
    """The `top` steps of all sources as the future of one context, [(pmi, source, step)], best first; the rank (from 1) of the
    true one, (source, step); and how many candidates there were."""
    best: list[tuple[float, int, int]] = []
    true_pmi, scores, total = -np.inf, [], 0
    for each in steps:
        source, pmi_T = indices[each.source], ranked(model, context_C, log_z, each, index=index)
        order = np.argsort(-pmi_T, kind="stable")[:top]
        best = sorted([*best, *((float(pmi_T[t]), source, int(t)) for t in order)], key=lambda row: -row[0])[:top]
        if source == true[0]:
            true_pmi = float(pmi_T[true[1]])
        scores.append(pmi_T)
        total += len(pmi_T)
    return best, 1 + sum(int((pmi_T > true_pmi).sum()) for pmi_T in scores), total
