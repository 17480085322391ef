"""What contexts say about the steps ahead: per step k, along one source, and which candidates go on best from a context; all in nats."""

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
    """normalisation: E exp PMI (1 if calibrated); by_bin: the same in equally filled bins of contexts; slope and intercept of the
    logistic regression (1 and 0); reliability: (stated, observed, joint pairs) per bin of PMI; pairs: joint, product."""

    normalisation: Real
    by_bin: tuple[float, ...]
    slope: Real
    intercept: Real
    reliability: tuple[tuple[float, float, int], ...]
    pairs: tuple[int, int]


@dataclass(frozen=True, slots=True)
class TruthComparison:
    """Beside a known process. information: I(x_{t+k}; x_{<=t}); exact: the mean exact log ratio of the evaluated pairs; share: mean
    PMI over `exact`; slope of PMI on the exact ratio; rmse: root mean square of their difference."""

    information: Interval
    exact: Interval
    share: Interval | None
    slope: Real
    rmse: Real


@dataclass(frozen=True, slots=True)
class InformationRow:
    """One horizon k. infonce: log N - loss; pmi: calibrated mean PMI; ceiling: log N; candidates: N; n: pairs; effective: median effective
    sample size of log Z; dominated: share of contexts where it is small."""

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
    """The sorted scores of all candidates of one context. source: its key; information: KL(p(x|c) || p(x)) in nats as the score says; rank
    (from 1) and pmi: points of the curve; true_rank and true_pmi: of the true future."""

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
    """origin: which sources were evaluated, in words; cautions: why the numbers should be read with care; profile_k: the horizon of
    `profiles`."""

    FORMAT: ClassVar[int] = 2

    estimand: Annotated[Estimand, BeforeValidator(_with_current_name)]
    origin: str
    cautions: tuple[str, ...]
    rows: tuple[InformationRow, ...]
    profile_k: int
    profiles: tuple[Profile, ...]

    def records(self) -> Sequence[Mapping[str, object]]:
        return [
            {
                **flat(row, without=("checks", "truth")),
                **{name: getattr(row.checks, name) if row.checks else None for name in ("normalisation", "slope", "intercept")},
                **flat(row.truth, "truth_"),
            }
            for row in self.rows
        ]

    def tables(self) -> Sequence[TextTable]:
        of, known = self.estimand, [(row.k, row.checks) for row in self.rows if row.checks]
        measured = TextTable(
            ("k", "InfoNCE bound", "ceiling", "N", "mean PMI", "n", "sources", "ESS"),
            [_cells(row) for row in self.rows],
            f"{of.name} per step k, in nats, on {self.origin}; 95 % intervals by source\n"
            f"log Z: {of.samples} samples of {of.sources} other sources, marginal {of.marginal!r}, correction {of.correction!r}",
            ["the bound holds for independent candidates; steps of one source are not, so N is smaller than it looks"],
        )
        checks = TextTable(
            ("k", "E exp PMI", "slope", "intercept"),
            [(f"{k}", f"{c.normalisation:.3f}", f"{c.slope:.2f}", f"{c.intercept:.2f}") for k, c in known],
            "whether the PMI can be read as a number: 1, slope 1 and intercept 0 would be perfect",
        )
        truth = TextTable(
            ("k", "exact I", "exact on these pairs", "share captured, %", "slope", "RMSE"),
            [_truth_cells(row.k, row.truth) for row in self.rows if row.truth],
            "beside the process that made the data: exact I(x; past); the mean exact log ratio of the very pairs above; mean PMI as "
            "a share of that; PMI against the exact log ratio, pair by pair (slope 1 and RMSE 0 would be perfect)",
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
    """One step, `rank` from 1 by its PMI in nats. time_s: where it begins in its source (key); true: whether it is what came."""

    rank: int
    pmi: float
    time_s: float
    step: int
    source: str
    true: bool


@dataclass(frozen=True, slots=True)
class CandidateTable(SavedResult):
    """The best candidates for k steps after `step` of `source`, and the rank of the true one among `total`."""

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
    """Candidates for what follows a context of so many sentences, best first at k; pmi [N, K]: of each at each of `horizons`, nats."""

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
    """Steps first .. last - 1 of the same source in a random order: smoothed pmi [K, T], the mean in order and shuffled at each horizon,
    and the standard error of the mean difference."""

    first: int
    last: int
    pmi: Array
    ordered_mean: tuple[Real, ...]
    shuffled_mean: tuple[Real, ...]
    error: tuple[Real, ...]


@dataclass(frozen=True, slots=True)
class Timeline(SavedResult):
    """source: its key; unit: the word for a step; smooth: steps that are averaged; mean: PMI at each horizon, nats; pmi [K, T]:
    smoothed, NaN where nothing was predicted; marks: (step, name) of headings."""

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
        return [{"step": step, **_by_k(self.horizons, pmi_K)} for step, pmi_K in enumerate(self.pmi.T)]

    def tables(self) -> Sequence[TextTable]:
        rows = [(str(k), f"{mean:.3f}") for k, mean in zip(self.horizons, self.mean, strict=True)]
        header, caption = ("k", "mean PMI"), f"PMI in nats of each {self.unit} of {self.source}, as predicted k steps before"
        if found := self.shuffled:
            header = (*header, "in order", "shuffled", "s.e.")
            costs = zip(found.ordered_mean, found.shuffled_mean, found.error, strict=True)
            rows = [(*row, *(f"{value:.3f}" for value in cost)) for row, cost in zip(rows, costs, strict=True)]
            caption += f"; steps {found.first} to {found.last} in order and shuffled, and the standard error of the difference"
        return [TextTable(header, rows, caption)]
