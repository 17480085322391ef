"""What contexts say about the steps ahead, per step k, in nats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from torchcpc.contracts import Estimand
from torchcpc.results import Interval, Real, SavedResult, flat
from torchcpc.text_table import TextTable

# The numbers of the checks that stand in a table.
CHECKED = ("normalisation", "slope", "intercept")


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


@dataclass(frozen=True, slots=True)
class InformationTable(SavedResult):
    """origin: which sources were evaluated, in words; cautions: why the numbers should be read with care; profile_k: the horizon of
    `profiles`."""

    FORMAT: ClassVar[int] = 2

    estimand: Estimand
    origin: str
    cautions: tuple[str, ...]
    rows: tuple[InformationRow, ...]
    profile_k: int
    profiles: tuple[Profile, ...]

    def records(self) -> Sequence[Mapping[str, object]]:
        return [
            {
                **{name: value for name, value in flat(row) if name not in ("checks", "truth")},
                **{name: getattr(row.checks, name) if row.checks else None for name in CHECKED},
                **{f"truth_{name}": value for name, value in (flat(row.truth) if row.truth else ())},
            }
            for row in self.rows
        ]

    def tables(self) -> Sequence[TextTable]:
        estimand = self.estimand
        measured = TextTable(
            ("k", "InfoNCE bound", "ceiling", "N", "mean PMI", "n", "sources", "eff."),
            [_cells(row) for row in self.rows],
            f"{estimand.name} per step k, in nats, on {self.origin}; 95 % intervals by source\n"
            f"log Z: {estimand.samples} samples of {estimand.sources} other sources, proposal {estimand.proposal!r}, "
            f"correction {estimand.correction!r}",
            ["the bound holds for independent candidates; steps of one source are not, so N is smaller than it looks"],
        )
        checks = TextTable(
            ("k", "E exp PMI", "slope", "intercept"),
            [
                (str(row.k), f"{row.checks.normalisation:.3f}", f"{row.checks.slope:.2f}", f"{row.checks.intercept:.2f}")
                for row in self.rows
                if row.checks
            ],
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
