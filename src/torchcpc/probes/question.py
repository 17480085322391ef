"""What a probe is asked, and what stands in its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torchcpc.contracts import CPCError, Sources, Written, provides

if TYPE_CHECKING:
    from torchcpc.data.alignment import Alignment

LABELS_PER_CLASS = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """Which rows are classified, and how they are divided into training, validation and test.

    label: column of the labels, or of the alignment's table; alignment: frame labels, None for labels of sources; unit: "recording", or
    "frame" for a row a step (None: "frame" with an alignment); clip_seconds: sources are first cut into clips this long (0: whole);
    within: the first share of every source trains and the rest tests (0: split by source, as is right wherever sources repeat their
    labels); test_on: "column=value" names the test sources, "column" tests every value in turn; pool: how the frames of a recording
    become one row; validation: share of the sources outside the test; every: every so many frames one is a row; delay_s: how far behind
    the centre of a frame the moment lies that it is asked about.

    per_event: a clip for each event of the alignment in place of clips end to end. It ends `delay_s` after the event and is asked at its
    last step, so that all steps meet their events at one phase, as they do not on a fixed grid.

    select_by, class_weight: see `task.Task`; validate_across: column of which one value after another is left out to select a penalty
    (the validation part, which networks need, is one value of it); standardise_by: column by whose values, labels unseen, the frames of
    all features are brought to mean 0 and deviation 1; folds: of a cross-validation of whole sources, 0 for a single split (None: 10 for a
    table of sentences, which come back in such tables, where no option speaks against it); fold_by: sources of one value of this column
    share a fold.
    """

    label: str
    alignment: Alignment | None = None
    unit: str | None = None
    clip_seconds: float = 0.0
    within: float = 0.0
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
        rules = (
            ("unit", self.unit in (None, "recording", "frame"), "recording or frame"),
            ("clip_seconds", self.clip_seconds >= 0, "at least 0"),
            ("within", 0 <= self.within < 1, "a share below 1, or 0 to split by source"),
            ("validation", 0 < self.validation < 1, "a share between 0 and 1"),
            ("every", self.every >= 1, "at least 1"),
        )
        for name, kept, rule in rules:
            if not kept:
                raise CPCError(f"{name} = {getattr(self, name)}: it must be {rule}.")
        if self.per_event and (not self.alignment or not self.clip_seconds or self.within or not self.by_frame):
            raise CPCError(
                "--per-event: a clip for each event takes events (--alignment), the length of a clip (--clip-seconds), sources split "
                "whole (no --within) and a row per step."
            )

    @property
    def by_frame(self) -> bool:
        """Whether a row is a step."""
        return self.unit == "frame" or (self.unit is None and self.alignment is not None)


@dataclass(frozen=True, slots=True)
class ProbeRows:
    """What stands in the table.

    seeds: untrained networks, 0 for no such rows; draws: of labels at each point of the efficiency curve; probes: of `probe.PROBES`
    (None: all); baselines: names of handmade features (None: all that there are); curve: labels per class at the points of the curve
    (None: `LABELS_PER_CLASS`; empty: no curve); supervised_steps: updates of the same network trained on the labels, 0 for no such row
    (None: 1000, with folds 0); supervised_curve: train that network at the points of the curve, too.
    """

    seeds: int = 3
    draws: int = 5
    probes: Sequence[str] | None = None
    baselines: Sequence[str] | None = None
    curve: Sequence[int] | None = None
    supervised_steps: int | None = None
    supervised_curve: bool = False


ALL_ROWS = ProbeRows()


def settled(spec: ProbeSpec, rows: ProbeRows, sources: Sources) -> tuple[ProbeSpec, ProbeRows]:
    """Both with their defaults filled in. Raises CPCError for what does not go together."""
    others = _against_folds(spec, rows)
    folds = spec.folds
    if folds is None:
        # Sentences come back in such tables, and one split by source would have copies on both sides.
        single = all(sources.length(i) == 1 for i in range(len(sources)))
        folds = 10 if single and not others and provides(sources, Written) else 0
    elif folds and others:
        raise CPCError(f"--folds {folds} and {others[0]}: folds are made of whole sources with one label each. Leave one out.")
    steps = rows.supervised_steps if rows.supervised_steps is not None else 0 if folds else 1000
    if not rows.seeds and steps:
        raise CPCError("seeds = 0 with supervised_steps: they count the supervised networks, too. Set one of them otherwise.")
    curve = LABELS_PER_CLASS if rows.curve is None else rows.curve
    return replace(spec, folds=folds), replace(rows, supervised_steps=steps, curve=curve)


def _against_folds(spec: ProbeSpec, rows: ProbeRows) -> list[str]:
    """The options given that a cross-validation of whole sources cannot meet."""
    given = {
        "alignment": spec.alignment,
        "within": spec.within,
        "test-on": spec.test_on,
        "clip-seconds": spec.clip_seconds,
        "supervised-curve": rows.supervised_curve,
        "validate-across": spec.validate_across,
        "standardise-by": spec.standardise_by,
        "class-weight": spec.class_weight != "none",
        "per-event": spec.per_event,
        "probes": rows.probes,
        "curve": rows.curve,
        "unit": spec.unit,
        "delay": spec.delay_s,
    }
    return [f"--{name}" for name, value in given.items() if value]
