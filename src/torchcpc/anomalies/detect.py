"""From a trained run to anomalies: scores of whole sources by each method, their threshold, and alarms as rows of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from torchcpc.anomalies.scores import Detection, detection, relative, smoothed, surprise, z_score
from torchcpc.contracts import CPCError
from torchcpc.information.scoring import score_pairs, steps_of
from torchcpc.representations.files import Rows

METHODS = ("surprise", "z-score")
# No source of the marginal sample has this number: the sources scored are others.
_OTHER = -1


@dataclass(frozen=True, slots=True)
class Detected:
    """The threshold, the share of rows above it, and how alarms agree with the labels where there are any."""

    threshold: float
    alarms: float
    detection: Detection | None


def scores_of(
    model: Any,
    sample: Any,
    sources: Any,
    *,
    encoder: Mapping[str, Any],
    smooth: int,
    reference: int,
    device: str,
    progress: Callable[[int, int], None],
) -> dict[str, list[np.ndarray]]:
    """Method -> one score per row of every source, smoothed, and relative to the source's own first `reference` rows if above 0.

    encoder: its settings, whose mean and scale the z-score uses too.
    """
    stride, horizons = model.encoder.stride, model.predictor.horizons
    found: dict[str, list[np.ndarray]] = {method: [] for method in METHODS}
    pairs = {
        steps.source: (score_pairs(model, sample, steps, _OTHER)[0], len(steps.z_TD))
        for steps in steps_of(model, sources, device=device, progress=progress)
    }
    for index in range(len(sources)):
        x_SF = sources.read(index, 0, sources.length(index))
        scored, steps = pairs[index]
        raw = (
            surprise(scored, horizons, steps=steps, stride=stride, rows=len(x_SF)),
            z_score(x_SF, encoder["mean"], encoder["scale"]),
        )
        # What was not observed was not surprising either.
        missing_S = ~np.isfinite(x_SF).any(axis=1)
        for method, score_S in zip(METHODS, raw, strict=True):
            score_S = smoothed(np.where(missing_S, np.nan, score_S), smooth)
            found[method].append(relative(score_S, reference) if reference else score_S)
    return found


def detect(
    normal: Sequence[np.ndarray],
    scores: Sequence[np.ndarray],
    sources: Any,
    *,
    quantile: float,
    label: str | None,
    reference: int,
) -> Detected:
    """Threshold: the quantile of the scores of the `normal` sources, of their reference rows where there are any. Only the rows after
    the reference are judged."""
    within = np.concatenate([score[:reference] if reference else score for score in normal])
    threshold = float(np.quantile(within[np.isfinite(within)], quantile))
    after = [score[reference:] for score in scores]
    every = np.concatenate(after)
    alarms = float(np.mean(every[np.isfinite(every)] > threshold))
    if label is None:
        return Detected(threshold, alarms, None)
    given = [(score, sources.row_labels(i, label)) for i, score in enumerate(after)]
    known = [score for score, rows in given if rows is not None]
    truth = [np.asarray(rows)[reference:] > 0 for _, rows in given if rows is not None]
    if not known:
        raise CPCError(f"--label {label!r}: no source has such a column. Name it in data.row_labels when training.")
    return Detected(threshold, alarms, detection(known, truth, threshold))


def rows_of(scores: Sequence[np.ndarray], threshold: float, sources: Any) -> Iterator[Rows]:
    """Columns source (key), step (row of the file), time_s (as stamped), score and alarm."""
    for index, score in enumerate(scores):
        yield {
            "source": [sources.items[index].key] * len(score),
            "step": np.arange(len(score)),
            "time_s": sources.times(index),
            "score": score.astype(np.float32),
            "alarm": score > threshold,
        }
