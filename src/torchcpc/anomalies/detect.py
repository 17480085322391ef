"""Anomalies of sensor series: the scores of each method, its threshold, and alarms as rows of a file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from torchcpc.anomalies.labels import anomalous, column_of
from torchcpc.anomalies.result import AnomalyRow, AnomalyTable
from torchcpc.anomalies.scores import compare_with_labels, relative, row_surprise, smoothed, z_score
from torchcpc.anomalies.trace import traces
from torchcpc.contracts import CPCError, Listener, RowLabelled, Sources, Timed, check_rules, require
from torchcpc.information.scoring import SampleSpec, draw_sample, pmi_by_target, score_pairs, steps_in
from torchcpc.representations.write import Rows, write_rows
from torchcpc.runs.open_sources import Data, are_open, named_roots
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample

ROLES = {"surprise": "cpc", "z-score": "handmade"}
# No source of the sample has this number, because the scored sources are others.
_OTHER = -1


@dataclass(frozen=True, slots=True)
class AnomalySpec:
    """How anomalies are found.

    Attributes:
        label: The column of row labels to compare with, "" for none. "COLUMN=VALUE,VALUE" names the anomalous values.
        smooth: The number of last scores to average. Default: 1, no smoothing.
        reference: The number of first rows of each source that are known to be normal. Scores are relative to them,
            and thresholds come from them. Default: 0, no reference.
        quantile: The quantile of the scores that is the threshold. Default: 0.99.
        sample: How log Z is estimated.
    """

    label: str = ""
    smooth: int = 1
    reference: int = 0
    quantile: float = 0.99
    sample: SampleSpec = field(default_factory=SampleSpec)

    def __post_init__(self) -> None:
        check_rules(
            self,
            smooth=(self.smooth >= 1, "at least 1 row, the default"),
            reference=(self.reference >= 0, "at least 0 rows, the default"),
            quantile=(0 < self.quantile < 1, "between 0 and 1, neither included. Leave it out for 0.99"),
        )


def detect(run: TrainedRun, data: Data | None, spec: AnomalySpec) -> tuple[AnomalyTable, list[Rows]]:
    """Score every row of sensor series and raise alarms above a quantile of the validation sources.

    The model was not trained on the validation sources. Training sources would be less surprising than any others.

    Args:
        run: The run.
        data: The series to score. Default: the sources that the run never saw, else its validation sources.
        spec: How anomalies are found.

    Returns:
        The table, and the rows of each source with score and alarm.

    Raises:
        CPCError: If the run reads no sensor series, or has no validation sources.
    """
    if not run.config["encoder"].get("mean"):
        raise CPCError(
            f"{run.folder} reads {run.domain.name} with the encoder {run.config['encoder']['name']!r}, which holds no mean and scale of "
            "sensor channels; anomalies are found in these. Name a run on sensor series."
        )
    own, parts = run.open(), run.parts()
    if not parts.validation:
        raise CPCError(
            f"{run.folder} held out no validation source to set the threshold by (split.validation = 0). Train with split.validation "
            "above 0."
        )
    tested, normal = run.open(data) if are_open(data) or named_roots(data) else None, own.select(parts.validation)
    if tested is None and not parts.unseen:
        run.listener.note(
            "note: the run saw all of its sources, so the validation sources that set the threshold are scored; their share of alarms "
            "means nothing. Name DATA to score others."
        )
    tested = tested or own.select(parts.unseen or parts.validation)
    timed = require(tested, Timed, "anomalies are found in rows with times")
    sample = draw_sample(run, own, parts.train, spec.sample)
    normal_scores, scores = (row_scores(run, sample, sources, spec) for sources in (normal, tested))
    truth = row_truth(tested, spec) if spec.label else None
    rows = tuple(row_of(method, normal_scores[method], scores[method], truth, spec) for method in ROLES)
    made: list[Rows] = []
    for index, (item, score_S) in enumerate(zip(tested.items, scores["surprise"], strict=True)):
        place = {"source": [item.key] * len(score_S), "step": np.arange(len(score_S)), "time_s": timed.times(index)}
        made.append({**place, "score": score_S.astype(np.float32), "alarm": score_S > rows[0].threshold})
    times = [timed.times(index) for index in range(len(tested))]
    shown = traces(tested, times, scores["surprise"], rows[0].threshold, truth)
    return AnomalyTable(spec.quantile, spec.label, len(normal), len(tested), rows, shown), made


def row_scores(run: TrainedRun, sample: Sample, sources: Sources, spec: AnomalySpec) -> Mapping[str, list[np.ndarray]]:
    """Return one score per row of every source, by method.

    Scores are smoothed, and relative to the reference rows if there are any.
    """
    model, encoder = run.model, run.config["encoder"]
    pmi: dict[int, np.ndarray] = {}
    for steps in steps_in(run, sources, None, "scoring"):
        scored = score_pairs(model, sample, steps._replace(source=_OTHER))
        pmi[steps.source] = pmi_by_target(scored, model.predictor.horizons, len(steps.z_TD))
    found: dict[str, list[np.ndarray]] = {method: [] for method in ROLES}
    for index in range(len(sources)):
        x_SF = sources.read(index, 0, sources.length(index))
        raw = {
            "surprise": row_surprise(pmi[index], stride=model.encoder.stride, rows=len(x_SF)),
            "z-score": z_score(x_SF, encoder["mean"], encoder["scale"]),
        }
        # A row without an observed value has no score.
        missing_S = ~np.isfinite(x_SF).any(axis=1)
        for method, score_S in raw.items():
            score_S = smoothed(np.where(missing_S, np.nan, score_S), spec.smooth)
            found[method].append(relative(score_S, spec.reference) if spec.reference else score_S)
    return found


def row_of(
    method: str,
    normal: Sequence[np.ndarray],
    scores: Sequence[np.ndarray],
    truth: Sequence[np.ndarray | None] | None,
    spec: AnomalySpec,
) -> AnomalyRow:
    """Return the threshold of one method, and its alarms.

    The threshold is a quantile of the scores of the normal sources, or of their reference rows. Only rows after the
    reference are judged.

    Args:
        method: The method.
        normal: Scores of the validation sources.
        scores: Scores of the sources to judge.
        truth: Labels from `row_truth`. None without labels.
        spec: The quantile and the reference.

    Raises:
        CPCError: If no row of the normal sources has a score.
    """
    within = np.concatenate([score[: spec.reference or None] for score in normal])
    if not len(within := within[np.isfinite(within)]):
        raise CPCError(
            f"no row of {len(normal)} validation sources has a score, so none sets the threshold. Hold out longer sources."
        )
    threshold = float(np.quantile(within, spec.quantile))
    after, detection = [score[spec.reference :] for score in scores], None
    every = np.concatenate(after)
    alarms = float(np.mean(every[np.isfinite(every)] > threshold))
    if truth is not None:
        known = [(score, rows[spec.reference :]) for score, rows in zip(after, truth, strict=True) if rows is not None]
        # A row without a label or without a score is left out.
        labelled_scores = [np.where(np.isnan(rows), np.nan, score) for score, rows in known]
        detection = compare_with_labels(labelled_scores, [rows > 0 for _, rows in known], threshold)
    return AnomalyRow(method, ROLES[method], threshold, alarms, detection)


def row_truth(sources: Sources, spec: AnomalySpec) -> list[np.ndarray | None]:
    """Return the labels of the rows of each source: 1 for anomalous, 0 for normal, and NaN for unlabelled and reference
    rows.

    A source without such a column has None.

    Raises:
        CPCError: If no source has the column.
    """
    labelled = require(sources, RowLabelled, f"label {spec.label!r} is a column of row labels")
    column = column_of(spec.label)[0]
    rows = [labelled.row_labels(index, column) for index in range(len(sources))]
    after = [own[spec.reference :] for own in rows if own is not None]
    if not after:
        raise CPCError(f"label {column!r}: no source has such a column. Name it in data.row_labels when training.")
    judged = iter(anomalous(after, spec.label))
    return [None if own is None else np.r_[np.full(min(spec.reference, len(own)), np.nan), next(judged)] for own in rows]


def write_scores(path: Path, rows: Iterable[Rows], table: AnomalyTable, listener: Listener) -> None:
    """Write the scores to a file. If the disk refuses them, the table is reported, so that it is not lost."""
    try:
        listener.note(f"{write_rows(path, rows, nothing='nothing was scored.')} rows in {path}")
    except CPCError:
        for line in table.text().split("\n"):
            listener.note(line)
        raise
