"""Results about the steps ahead: information per step k, PMI along one source, and ranked candidates. All values are in
nats.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from torchcpc.contracts import Estimand
from torchcpc.results import Array, Interval, Real, SavedResult, flat
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class Checks:
    """Checks of calibration at one horizon.

    Attributes:
        normalisation: E exp PMI, which is 1 if calibrated.
        by_bin: The same in equally filled bins of contexts.
        slope: The slope of the logistic regression, 1 if calibrated.
        intercept: Its intercept, 0 if calibrated.
        reliability: For each bin of PMI the stated share, the observed share, and the number of joint pairs.
        pairs: The numbers of joint and of product pairs.
    """

    normalisation: Real
    by_bin: tuple[float, ...]
    slope: Real
    intercept: Real
    reliability: tuple[tuple[float, float, int], ...]
    pairs: tuple[int, int]


@dataclass(frozen=True, slots=True)
class TruthComparison:
    """A comparison with the process that made the data, at one horizon.

    Attributes:
        information: The exact I(x_{t+k}; x_{<=t}).
        exact: The mean exact log ratio of the evaluated pairs.
        share: Mean PMI divided by `exact`. None if that is near 0.
        slope: The slope of PMI on the exact ratio.
        rmse: The root mean square of their difference.
    """

    information: Interval
    exact: Interval
    share: Interval | None
    slope: Real
    rmse: Real


@dataclass(frozen=True, slots=True)
class InformationRow:
    """One horizon k.

    Attributes:
        k: Steps ahead.
        infonce: The InfoNCE bound, log N - loss.
        pmi: The calibrated mean PMI.
        ceiling: log N, the largest value of the bound.
        candidates: N.
        n: The number of pairs.
        sources: The number of evaluated sources.
        effective: The median effective sample size (ESS) of log Z.
        dominated: The share of contexts where it is small.
        checks: Checks of calibration. None if there are too few steps.
        truth: The comparison with a known process. None if there is none.
    """

    k: int
    infonce: Interval
    pmi: Interval
    ceiling: float
    candidates: float
    n: int
    sources: int
    effective: float
    dominated: float
    checks: Checks | None = None
    truth: TruthComparison | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """The sorted scores of all candidates of one context.

    Attributes:
        source: The key of the source.
        step: The step of the context.
        information: KL(p(x|c) || p(x)) in nats, according to the score.
        rank: Ranks of the points of the curve, from 1.
        pmi: PMI at these points.
        true_rank: The rank of the true future.
        true_pmi: Its PMI.
        candidates: The number of candidates.
    """

    source: str
    step: int
    information: float
    rank: tuple[int, ...]
    pmi: tuple[float, ...]
    true_rank: int
    true_pmi: float
    candidates: int


def _with_current_name(estimand: object) -> object:
    """Return the fields of an estimand, where files of older versions call the marginal "proposal"."""
    if isinstance(estimand, Mapping) and "proposal" in estimand:
        return {"marginal" if name == "proposal" else name: value for name, value in estimand.items()}
    return estimand


@dataclass(frozen=True, slots=True)
class InformationTable(SavedResult):
    """Information about each step ahead: the InfoNCE bound and the mean PMI, with checks.

    Attributes:
        estimand: What is estimated, and from which sample.
        origin: Which sources were evaluated, in words.
        cautions: Reasons to read the numbers with care.
        rows: One row per horizon.
        profile_k: The horizon of `profiles`.
        profiles: The scores of candidates for some contexts.
    """

    FORMAT: ClassVar[int] = 2

    estimand: Annotated[Estimand, BeforeValidator(_with_current_name)]
    origin: str
    cautions: tuple[str, ...]
    rows: tuple[InformationRow, ...]
    profile_k: int
    profiles: tuple[Profile, ...]

    def records(self) -> Sequence[Mapping[str, object]]:
        """Return one record per horizon."""
        return [
            {
                **flat(row, without=("checks", "truth")),
                **{name: getattr(row.checks, name) if row.checks else None for name in ("normalisation", "slope", "intercept")},
                **flat(row.truth, "truth_"),
            }
            for row in self.rows
        ]

    def tables(self) -> Sequence[TextTable]:
        """Return the table of horizons, then the checks, then the comparison with a known process."""
        of, known = self.estimand, [(row.k, row.checks) for row in self.rows if row.checks]
        measured = TextTable(
            ("k", "InfoNCE bound", "ceiling", "N", "mean PMI", "n", "sources", "ESS"),
            [_cells(row) for row in self.rows],
            f"{of.name} per step k, in nats, on {self.origin}; 95 % intervals by source\n"
            f"log Z: {of.samples} samples of {of.sources} other sources, marginal {of.marginal!r}, correction {of.correction!r}",
            ["the bound assumes independent candidates; steps of one source are not, so N counts too many"],
        )
        checks = TextTable(
            ("k", "E exp PMI", "slope", "intercept"),
            [(f"{k}", f"{c.normalisation:.3f}", f"{c.slope:.2f}", f"{c.intercept:.2f}") for k, c in known],
            "whether the PMI can be read as a number (perfect: E exp PMI 1, slope 1, intercept 0)",
        )
        truth = TextTable(
            ("k", "exact I", "exact on these pairs", "share captured, %", "slope", "RMSE"),
            [_truth_cells(row.k, row.truth) for row in self.rows if row.truth],
            "against the process that made the data: exact I(x; past); the mean exact log ratio of the same pairs; mean PMI as a "
            "share of that; PMI against the exact log ratio, pair by pair (perfect: slope 1, RMSE 0)",
        )
        *others, last = (table for table in (measured, checks, truth) if table.rows)
        return [*others, replace(last, notes=[*last.notes, *(f"caution: {caution}" for caution in self.cautions)])]


def _cells(row: InformationRow) -> tuple[str, ...]:
    bound = (row.infonce.text(3), f"{row.ceiling:.3f}", f"{row.candidates:.0f}")
    return (str(row.k), *bound, row.pmi.text(3), str(row.n), str(row.sources), f"{row.effective:.0f}")


def _truth_cells(k: int, truth: TruthComparison) -> tuple[str, ...]:
    share = "-" if truth.share is None else truth.share.text(1, scale=100)
    slope = "-" if math.isnan(truth.slope) else f"{truth.slope:.3f}"
    return (str(k), f"{truth.information.mean:.3f}", truth.exact.text(3), share, slope, f"{truth.rmse:.3f}")


def _by_k(horizons: Sequence[int], pmi_K: Array) -> dict[str, float]:
    return {f"pmi_{k}": float(value) for k, value in zip(horizons, pmi_K, strict=True)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One step as a candidate for the future.

    Attributes:
        rank: Its rank by PMI, from 1.
        pmi: Its PMI in nats.
        time_s: When it begins in its source, in seconds.
        step: The number of the step.
        source: The key of its source.
        true: Whether it is the true future.
    """

    rank: int
    pmi: float
    time_s: float
    step: int
    source: str
    true: bool


@dataclass(frozen=True, slots=True)
class CandidateTable(SavedResult):
    """The best candidates for k steps after one context.

    Attributes:
        source: The key of the source of the context.
        step: The step of the context.
        k: Steps ahead.
        rows: The best candidates.
        true_rank: The rank of the true future.
        total: The number of candidates.
    """

    source: str
    step: int
    k: int
    rows: tuple[Candidate, ...]
    true_rank: int
    total: int

    def records(self) -> Sequence[Mapping[str, object]]:
        return [asdict(row) for row in self.rows]

    def tables(self) -> Sequence[TextTable]:
        header = ("rank", "PMI (nats)", "time_s", "step", "source")
        rows = [
            (str(row.rank), f"{row.pmi:.3f}", f"{row.time_s:.3f}", str(row.step), row.source + " <- the true future" * row.true)
            for row in self.rows
        ]
        caption = f"candidates for {self.source}, step {self.step} + {self.k}; the true future has rank {self.true_rank} of {self.total}"
        return [TextTable(header, rows, caption)]


@dataclass(frozen=True, slots=True)
class ContinuationTable(SavedResult):
    """Candidate sentences that may follow a text, best first at horizon `k`.

    Attributes:
        sentences: The number of sentences in the context.
        k: The horizon that sorts the candidates.
        horizons: The horizons of the model.
        candidates: The candidates.
        pmi: PMI of each candidate at each horizon, [N, K], in nats.
    """

    sentences: int
    k: int
    horizons: tuple[int, ...]
    candidates: tuple[str, ...]
    pmi: Array

    def records(self) -> Sequence[Mapping[str, object]]:
        named = enumerate(zip(self.candidates, self.pmi, strict=True), start=1)
        return [{"rank": rank, "candidate": name, **_by_k(self.horizons, pmi_K)} for rank, (name, pmi_K) in named]

    def tables(self) -> Sequence[TextTable]:
        header = ("rank", *(f"k = {k}" for k in self.horizons), "candidate")
        named = enumerate(zip(self.candidates, self.pmi, strict=True), start=1)
        rows = [(str(rank), *(f"{value:.3f}" for value in pmi_K), name) for rank, (name, pmi_K) in named]
        return [TextTable(header, rows, f"PMI in nats after {self.sentences} sentences, best first at k = {self.k}")]


@dataclass(frozen=True, slots=True)
class ShuffledStretch:
    """A stretch of the same source in random order, and what the shuffle costs.

    Attributes:
        first: The first step of the stretch.
        last: One past its last step.
        pmi: Smoothed PMI of the shuffled source, [K, T].
        ordered_mean: Mean PMI in the original order, at each horizon.
        shuffled_mean: Mean PMI in random order, at each horizon.
        error: The standard error of the mean difference.
    """

    first: int
    last: int
    pmi: Array
    ordered_mean: tuple[Real, ...]
    shuffled_mean: tuple[Real, ...]
    error: tuple[Real, ...]


@dataclass(frozen=True, slots=True)
class Timeline(SavedResult):
    """PMI along one source.

    Attributes:
        source: The key of the source.
        unit: The word for a step.
        smooth: The number of steps that are averaged.
        horizons: The horizons of the model.
        mean: Mean PMI at each horizon, in nats.
        pmi: Smoothed PMI, [K, T]. NaN where nothing was predicted.
        marks: The step and name of each heading.
        shuffled: A shuffled stretch. None if there is none.
    """

    FORMAT: ClassVar[int] = 2

    source: str
    unit: str
    smooth: int
    horizons: tuple[int, ...]
    mean: tuple[Real, ...]
    pmi: Array
    marks: tuple[tuple[int, str], ...] = ()
    shuffled: ShuffledStretch | None = None

    def __post_init__(self) -> None:
        shapes = {self.pmi.shape, self.shuffled.pmi.shape if self.shuffled else self.pmi.shape}
        if len(shapes) > 1 or self.pmi.ndim != 2 or len(self.pmi) != len(self.horizons):
            raise ValueError(f"pmi of shape {shapes} for {len(self.horizons)} horizons")

    def records(self) -> Sequence[Mapping[str, object]]:
        """Return one record per step."""
        return [{"step": step, **_by_k(self.horizons, pmi_K)} for step, pmi_K in enumerate(self.pmi.T)]

    def tables(self) -> Sequence[TextTable]:
        """Return the mean PMI of each horizon, and the costs of a shuffle."""
        rows = [(str(k), f"{mean:.3f}") for k, mean in zip(self.horizons, self.mean, strict=True)]
        header, caption = ("k", "mean PMI"), f"PMI in nats of each {self.unit} of {self.source}, as predicted k steps earlier"
        if found := self.shuffled:
            header = (*header, "in order", "shuffled", "s.e.")
            costs = zip(found.ordered_mean, found.shuffled_mean, found.error, strict=True)
            rows = [(*row, *(f"{value:.3f}" for value in cost)) for row, cost in zip(rows, costs, strict=True)]
            caption += f"; steps {found.first} to {found.last} in order and shuffled, and the standard error of the difference"
        return [TextTable(header, rows, caption)]
