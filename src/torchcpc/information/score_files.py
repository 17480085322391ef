"""Calibrated scores as rows of a file: one for every pair (t, t+k).

Columns: `source` (key), `sequence` (0, or which of a picture's columns), `step` (t of the context), `k`, `time_s` (start of step t+k, as in
`representations.rows`), `pmi` (nats), `surprise` (-pmi), `effective` (samples that log Z of this context rests on).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from torchcpc.contracts import Sources
from torchcpc.information.scoring import score_pairs
from torchcpc.representations.embed import steps_of
from torchcpc.representations.rows import Rows, clock
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample


def scores_of(run: TrainedRun, sources: Sources, indices: Sequence[int], sample: Sample) -> Iterator[Rows]:
    """All pairs of every sequence of the sources at `indices`; sample: its source numbers are positions in `sources`."""
    horizons, when = run.model.predictor.horizons, clock(sources, run.model.encoder.stride)
    with run.listener.stage("scoring") as progress:
        for steps in steps_of(run.model, sources.select(list(indices)), device=run.device, progress=progress):
            number = indices[steps.source]
            for pairs in score_pairs(run.model, sample, steps, number)[0]:
                k, count = horizons[pairs.horizon], len(pairs.step)
                yield {
                    "source": [sources.items[number].key] * count,
                    "sequence": np.full(count, steps.sequence),
                    "step": pairs.step,
                    "k": np.full(count, k),
                    "time_s": when(number, pairs.step + k),
                    "pmi": pairs.pmi.astype(np.float32),
                    "surprise": -pairs.pmi.astype(np.float32),
                    "effective": pairs.effective.astype(np.float32),
                }
