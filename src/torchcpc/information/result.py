"""What contexts say about the steps ahead, per step k, in nats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torchcpc.contracts import Estimand
from torchcpc.results import Interval, Real, SavedResult
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
class TruthRow:
    """Beside a known process. information: I(x_{t+k}; x_{<=t}); exact: the mean exact log ratio of the evaluated pairs; share: mean
    PMI over `exact`; slope of PMI on the exact ratio; rmse: root mean square of their difference."""

    information: float
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
    truth: TruthRow | None = None


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
        raise AssertionError("not written yet")

    def tables(self) -> Sequence[TextTable]:
        raise AssertionError("not written yet")
