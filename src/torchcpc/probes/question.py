"""What a probe is asked, and what stands in its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from torchcpc.contracts import CPCError, Sources, Written, check_rules, provides

if TYPE_CHECKING:
    from torchcpc.data.alignment import Alignment

LABELS_PER_CLASS = (1, 2, 5, 10, 20, 50, 100)
# Fields of a ProbeSpec that a cross-validation of whole sources cannot meet.
UNMET = ("alignment", "within", "test_on", "clip_seconds", "validate_across", "standardise_by", "per_event", "unit", "delay_s")


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
        if self.test_data and (self.test_on or self.within):
            raise CPCError(
                f"--test-data and --{'test-on' if self.test_on else 'within'} both say what is tested on: leave one out."
            )
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
    """What stands in the table."""

    seeds: int = 3  # untrained networks, and supervised ones; 0: no such rows
    draws: int = 5  # of labels at each point of the efficiency curve
    probes: Sequence[str] | None = None  # "linear", "MLP"; None: all
    baselines: Sequence[str] | None = None  # names of handmade features; None: all that there are
    curve: Sequence[int] | None = None  # labels per class at the points of the curve; None: LABELS_PER_CLASS; empty: no curve
    # Updates of the same network trained on the labels; 0: no such row; None: 1000, with folds 0.
    supervised_steps: int | None = None
    supervised_curve: bool = False  # train that network at the points of the curve, too


def settled(spec: ProbeSpec, rows: ProbeRows, sources: Sources) -> tuple[ProbeSpec, ProbeRows]:
    """Both with their defaults filled in. Raises CPCError for what does not go together."""
    given = {name.removesuffix("_s").replace("_", "-"): getattr(spec, name) for name in UNMET}
    given |= {"class-weight": spec.class_weight != "none", "probes": rows.probes, "curve": rows.curve}
    given |= {"supervised-curve": rows.supervised_curve}
    others, folds = [name for name, value in given.items() if value], spec.folds
    if folds is None:
        # Sentences come back in such tables, and one split by source would have copies on both sides.
        single = all(sources.length(i) == 1 for i in range(len(sources)))
        folds = 10 if single and not others and provides(sources, Written) else 0
    elif folds and others:
        raise CPCError(f"--folds {folds} and --{others[0]}: folds are of whole sources with one label each. Leave one out.")
    steps = rows.supervised_steps if rows.supervised_steps is not None else 0 if folds else 1000
    if not rows.seeds and steps:
        raise CPCError("seeds = 0 with supervised_steps: they count the supervised networks, too. Set one of them otherwise.")
    curve = LABELS_PER_CLASS if rows.curve is None else rows.curve
    return replace(spec, folds=folds), replace(rows, supervised_steps=steps, curve=curve)
