"""The question of a probe, and the rows of its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from torchcpc.contracts import CPCError, Sources, Written, check_rules, provides
from torchcpc.probes.exclusions import check_exclusions, excluded_by_folds

if TYPE_CHECKING:
    from torchcpc.data.alignment import Alignment

LABELS_PER_CLASS = (1, 2, 5, 10, 20, 50, 100)
LINEAR = ("linear",)
# Updates of the supervised network, if the training time of the run cannot decide.
SUPERVISED_STEPS = 1000


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """The question of a probe: which rows are classified, and how they are divided into training, validation and
    test.

    Attributes:
        label: The column of the labels. With `alignment` it is a column of that table.
        alignment: The labels of frames. None: labels of sources.
        unit: What a row is, "recording" or "frame" (one step). None: "frame" with an alignment, else "recording".
        clip_seconds: Sources are cut into clips of this length. 0: they stay whole.
        within: This first share of every source is for training, and the rest is the test part. 0: the split is by
            source, which is right if sources repeat their labels.
        test_data: Folders or files that are the test part, all of them.
        test_on: "column=value" names the test sources. "column" tests on each value in turn.
        pool: How the frames of a recording become one row: "mean", "mean+deviation" or "last".
        validation: The share of the sources outside the test that validates.
        every: Only every N-th frame is a row.
        delay_s: A frame is labelled by the moment this many seconds before its centre.
        per_event: Whether there is one clip for each event of the alignment. The clip ends `delay_s` after its event,
            and its last step is the row. So all steps have the same phase relative to their events.
        select_by: What selects the penalty, "accuracy" or "macro-F1".
        class_weight: "none", or "balanced" to give rare classes the same weight.
        validate_across: The values of this column are left out one after another to select the penalty. Networks need
            a validation part, which is one value.
        standardise_by: Frames get mean 0 and deviation 1 within each value of this column. No label is used.
        folds: The folds of a cross-validation of whole sources. 0: a single split. None: 10 for a table of sentences
            if no option excludes it, else 0.
        fold_by: Sources with the same value of this column share a fold.

    Raises:
        CPCError: If a value is not allowed, or if two options exclude each other.
    """

    label: str
    alignment: Alignment | None = None
    unit: str | None = None
    clip_seconds: float = 0.0
    within: float = 0.0
    test_data: str | Path | Sequence[str | Path] = ()
    test_on: str = ""
    pool: str = "mean+deviation"
    validation: float = 0.15
    every: int = 1
    delay_s: float = 0.0
    per_event: bool = False
    select_by: str = "accuracy"
    class_weight: str = "none"
    validate_across: str = ""
    standardise_by: str = ""
    folds: int | None = None
    fold_by: str = ""

    def __post_init__(self) -> None:
        check_rules(
            self,
            unit=(self.unit in (None, "recording", "frame"), "it must be recording or frame"),
            clip_seconds=(self.clip_seconds >= 0, "it must be at least 0"),
            within=(0 <= self.within < 1, "it must be a share below 1, or 0 to split by source"),
            validation=(0 < self.validation < 1, "it must be a share between 0 and 1"),
            every=(self.every >= 1, "it must be at least 1"),
        )
        check_exclusions(_given(self))
        if self.per_event and not (self.alignment and self.clip_seconds):
            raise CPCError(
                "--per-event: a clip for each event needs events (--alignment) and the length of a clip (--clip-seconds)."
            )

    @property
    def by_frame(self) -> bool:
        """Whether a row is a step."""
        return self.unit == "frame" or (self.unit is None and self.alignment is not None)


@dataclass(frozen=True, slots=True)
class ProbeRows:
    """The rows of a probe table.

    The defaults give linear probes only. With `full` there are more rows, unless a field says otherwise.

    Attributes:
        seeds: The number of untrained and of supervised networks. 0: no such rows.
        draws: The draws of labels at each point of the label-efficiency curve.
        full: Whether to add the MLP, the label-efficiency curve and the supervised row.
        probes: The probes, "linear" or "MLP". None: linear, or both with `full`.
        baselines: The names of handmade features. None: all of the domain.
        curve: The labels per class at each point of the label-efficiency curve. Empty: no curve. None: no curve, or
            `LABELS_PER_CLASS` with `full` or `supervised_curve`.
        supervised_steps: The updates of the network that is trained on the labels. 0: no such row. None: no such row,
            or with `full` or `supervised_curve` as many as the training time of the run allows. If that is not known,
            or if there are several folds or test groups, it is 1000.
        supervised_curve: Whether the supervised network is trained at each point of the curve, too.
    """

    seeds: int = 3
    draws: int = 5
    full: bool = False
    probes: Sequence[str] | None = None
    baselines: Sequence[str] | None = None
    curve: Sequence[int] | None = None
    supervised_steps: int | None = None
    supervised_curve: bool = False


def settled(spec: ProbeSpec, rows: ProbeRows, sources: Sources) -> tuple[ProbeSpec, ProbeRows]:
    """Fill in the defaults of a question and its rows.

    Args:
        spec: The question.
        rows: The rows.
        sources: The data, which decide whether there is a cross-validation.

    Raises:
        CPCError: If some options exclude each other.
    """
    given, folds = _given(spec) | _given_rows(rows), spec.folds
    if folds is None:
        # Sentences are often repeated in such tables. A single split by source would have copies in both parts.
        single = all(sources.length(i) == 1 for i in range(len(sources)))
        folds = 10 if single and not given & excluded_by_folds() and provides(sources, Written) else 0
    check_exclusions(given)
    more = rows.full or rows.supervised_curve
    steps = 0 if rows.supervised_steps is None and not (more and rows.seeds) else rows.supervised_steps
    if not rows.seeds and steps:
        raise CPCError("seeds = 0 with supervised_steps: seeds also counts the supervised networks. Change one of the two.")
    curve = LABELS_PER_CLASS if rows.curve is None and more else rows.curve or ()
    probes = rows.probes or (None if rows.full else LINEAR)
    if folds:
        probes, curve = LINEAR, ()
    return replace(spec, folds=folds), replace(rows, supervised_steps=steps, curve=curve, probes=probes)


def check_options(spec: ProbeSpec, rows: ProbeRows) -> None:
    """Check options before any data are read.

    Raises:
        CPCError: If two of them exclude each other.
    """
    check_exclusions(_given(spec) | _given_rows(rows))


def _given(spec: ProbeSpec) -> set[str]:
    """Return the options of a question that were set, as on the command line."""
    named = {f"--{name.removesuffix('_s').replace('_', '-')}" for name in _DEFAULTS if getattr(spec, name) != _DEFAULTS[name]}
    named |= {f"--unit {spec.unit}"} if spec.unit else set()
    return named - ({"--folds"} if not spec.folds else set()) - ({"--test-data"} if not spec.test_data else set())


def _given_rows(rows: ProbeRows) -> set[str]:
    named = {f"--probes {name}" for name in rows.probes or ()}
    return named | ({"--curve"} if rows.curve else set()) | ({"--supervised-curve"} if rows.supervised_curve else set())


# The defaults of a question, for options that are not given.
_DEFAULTS = {field.name: field.default for field in fields(ProbeSpec) if field.default is not MISSING}
