"""What a probe is asked, and what stands in its table."""

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
SUPERVISED_STEPS = 1000


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """Which rows are classified, and how they are divided into training, validation and test."""

    label: str  # column of the labels, or of the alignment's table
    alignment: Alignment | None = None  # frame labels; None: labels of sources
    unit: str | None = None  # "recording", or "frame" for a row a step; None: "frame" with an alignment
    clip_seconds: float = 0.0  # sources are first cut into clips this long; 0: whole
    # The first share of every source trains, the rest tests. 0: split by source, as is right wherever sources repeat their labels.
    within: float = 0.0
    test_data: str | Path | Sequence[str | Path] = ()  # folders or files that are the test part, all of them
    test_on: str = ""  # "column=value" names the test sources, "column" tests every value in turn
    pool: str = "mean+deviation"  # how the frames of a recording become one row
    validation: float = 0.15  # share of the sources outside the test
    every: int = 1  # every so many frames one is a row
    delay_s: float = 0.0  # how far behind the centre of a frame the moment lies that it is asked about
    # A clip for each event of the alignment in place of clips end to end. It ends `delay_s` after the event and is asked at its last
    # step, so that all steps meet their events at one phase, as they do not on a fixed grid.
    per_event: bool = False
    select_by: str = "accuracy"  # of task.JUDGES
    class_weight: str = "none"  # of task.CLASS_WEIGHTS
    # Column of which one value after another is left out to select a penalty. Networks need a validation part: it is one value.
    validate_across: str = ""
    # Column by whose values, labels unseen, frames of all features are brought to mean 0 and deviation 1.
    standardise_by: str = ""
    # Of a cross-validation of whole sources; 0: a single split. None: 10 for a table of sentences, which come back in such tables,
    # where no option speaks against it.
    folds: int | None = None
    fold_by: str = ""  # sources of one value of this column share a fold

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
                "--per-event: a clip for each event takes events (--alignment) and the length of a clip (--clip-seconds)."
            )

    @property
    def by_frame(self) -> bool:
        """Whether a row is a step."""
        return self.unit == "frame" or (self.unit is None and self.alignment is not None)


@dataclass(frozen=True, slots=True)
class ProbeRows:
    """What stands in the table."""

    seeds: int = 3  # untrained networks, and supervised ones; 0: no such rows
    draws: int = 5  # of labels at each point of the efficiency curve
    full: bool = False  # also the MLP, the curve and the supervised row, where these are not set
    probes: Sequence[str] | None = None  # of single_split.PROBES; None: linear, with `full` all
    baselines: Sequence[str] | None = None  # names of handmade features; None: all that there are
    # Labels per class at the points of the curve; empty: no curve. None: none, with `full` or `supervised_curve` LABELS_PER_CLASS.
    curve: Sequence[int] | None = None
    # Updates of the same network trained on the labels; 0: no such row. None: 0, with `full` or `supervised_curve` SUPERVISED_STEPS.
    supervised_steps: int | None = None
    supervised_curve: bool = False  # train that network at the points of the curve, too


def settled(spec: ProbeSpec, rows: ProbeRows, sources: Sources) -> tuple[ProbeSpec, ProbeRows]:
    """Both with their defaults filled in. Raises CPCError for what does not go together."""
    given, folds = _given(spec) | _given_rows(rows), spec.folds
    if folds is None:
        # Sentences come back in such tables, and one split by source would have copies on both sides.
        single = all(sources.length(i) == 1 for i in range(len(sources)))
        folds = 10 if single and not given & excluded_by_folds() and provides(sources, Written) else 0
    check_exclusions(given)
    more = rows.full or rows.supervised_curve
    steps = rows.supervised_steps if rows.supervised_steps is not None else SUPERVISED_STEPS * (more and rows.seeds > 0)
    if not rows.seeds and steps:
        raise CPCError("seeds = 0 with supervised_steps: they count the supervised networks, too. Set one of them otherwise.")
    curve = LABELS_PER_CLASS if rows.curve is None and more else rows.curve or ()
    probes = rows.probes or (None if rows.full else LINEAR)
    if folds:
        probes, curve = LINEAR, ()
    return replace(spec, folds=folds), replace(rows, supervised_steps=steps, curve=curve, probes=probes)


def check_options(spec: ProbeSpec, rows: ProbeRows) -> None:
    """Raises CPCError for options that exclude each other, before any data are read."""
    check_exclusions(_given(spec) | _given_rows(rows))


def _given(spec: ProbeSpec) -> set[str]:
    """The options of a specification that were set, as the command line writes them."""
    named = {f"--{name.removesuffix('_s').replace('_', '-')}" for name in _DEFAULTS if getattr(spec, name) != _DEFAULTS[name]}
    named |= {f"--unit {spec.unit}"} if spec.unit else set()
    return named - ({"--folds"} if not spec.folds else set()) - ({"--test-data"} if not spec.test_data else set())


def _given_rows(rows: ProbeRows) -> set[str]:
    named = {f"--probes {name}" for name in rows.probes or ()}
    return named | ({"--curve"} if rows.curve else set()) | ({"--supervised-curve"} if rows.supervised_curve else set())


# What a specification has where an option is not given.
_DEFAULTS = {field.name: field.default for field in fields(ProbeSpec) if field.default is not MISSING}
