"""RUN folders made up for tests, with numbers of the size that real runs have."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from torchcpc.anomalies.result import AnomalyRow, AnomalyTable, Detection, SeriesTrace
from torchcpc.contracts import Estimand
from torchcpc.information.result import (
    Checks,
    InformationRow,
    InformationTable,
    Profile,
    ShuffledStretch,
    Timeline,
    TruthComparison,
)
from torchcpc.probes.gap.result import Effort, GapClosed
from torchcpc.probes.result import Difference, EfficiencyPoint, EmbeddingMap, ProbeTable, RowSummary, Split
from torchcpc.ranking.result import RankBlock, RankRow, RankTable
from torchcpc.report.results import keep
from torchcpc.results import Interval, SavedResult
from torchcpc.segmentation.result import SegmentQuality, SegmentRow, SegmentTable

HORIZONS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
CANDIDATES = 509


def line(
    event: str, step: int, rng: np.random.Generator, *, total: int = 1000, horizons: tuple[int, ...] = HORIZONS
) -> dict[str, Any]:
    """One train or valid line of a run that learns: far horizons less, validation behind training late on."""
    k = np.array(horizons, dtype=float)
    ceiling = math.log(CANDIDATES)
    reached = (0.86 * ceiling * np.exp(-0.085 * (k - 1))) * (1 - np.exp(-6 * step / total))
    gap = 0.35 * step / total if event == "valid" else 0.0
    bound = reached - 0.6 * np.exp(-25 * step / total) - gap + rng.normal(0, 0.07 if event == "train" else 0.02, len(k))
    accuracy = np.clip(1 / CANDIDATES + 0.9 * np.clip(bound, 0, None) / ceiling * 0.9, 0, 1)
    made: dict[str, Any] = {
        "event": event,
        "step": step,
        "horizons": list(horizons),
        "loss": float(ceiling - bound.mean()),
        "loss_per_k": (ceiling - bound).tolist(),
        "bound_per_k": bound.tolist(),
        "ceiling_per_k": [ceiling] * len(k),
        "accuracy_per_k": accuracy.tolist(),
        "pairwise_per_k": np.clip(0.5 + bound / 12, 0, 1).tolist(),
        "chance_per_k": [1 / CANDIDATES] * len(k),
    }
    if event == "train":
        made |= {"learning_rate": 2e-4, "gradient_norm": float(np.exp(rng.normal(1.2 - step / total, 0.3)))}
    else:
        made |= {
            "bound": float(bound.mean()),
            "rank_z": 61 - 30 * math.exp(-5 * step / total),
            "rank_c": 38 - 30 * math.exp(-4 * step / total),
        }
    return made


def lines(*, train: int = 100, valid: int = 10, total: int = 1000, seed: int = 7) -> list[dict[str, Any]]:
    """`train` training and `valid` validation lines, evenly spread over `total` steps."""
    rng = np.random.default_rng(seed)
    made = [line("train", total * (i + 1) // train, rng, total=total) for i in range(train)]
    made += [line("valid", total * (i + 1) // valid, rng, total=total) for i in range(valid)]
    return sorted(made, key=lambda each: each["step"])


def folder(place: Path, metrics: list[dict[str, Any]], *results: SavedResult, **files: Any) -> Path:
    """A RUN folder: metrics.jsonl, results, and any of settings, skipped, notes as NAME.json."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in metrics), encoding="utf-8")
    for name, content in files.items():
        (place / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    for result in results:
        keep(place, result)
    return place


def around(mean: float, wide: float = math.nan, *, least: float = -math.inf, most: float = math.inf) -> Interval:
    """An interval of half width `wide`; without one nothing is known of the error."""
    return Interval(mean, max(least, mean - wide) if wide == wide else wide, min(most, mean + wide) if wide == wide else wide)


def row(features: str, role: str, probe: str, dim: int | None, mean: float, wide: float = 0.012, seeds: int = 5) -> RowSummary:
    rng = np.random.default_rng(len(features) + (dim or 0))
    accuracies = np.clip(mean + rng.normal(0, wide / 3, seeds), 0, 1).tolist()
    return RowSummary(features, role, probe, dim, tuple(accuracies), around(mean, wide, least=0, most=1), (0.01,) * seeds)


def table(label: str, chance: float, *, map: EmbeddingMap | None = None) -> ProbeTable:
    rows = (
        row("log-mel means", "handmade", "linear", 80, 0.874, 0.017),
        row("CPC c", "cpc", "linear", 256, 0.973, 0.008),
        row("CPC z", "cpc", "linear", 256, 0.931, 0.012),
        row("MFCC", "handmade", "linear", 39, 0.842, 0.02),
        row("random init c", "untrained", "linear", 256, 0.713, 0.025),
        row("CPC c", "cpc", "MLP", 256, 0.981, 0.007),
        row("majority class", "handmade", "", None, chance + 0.004, 0.006),
    )
    few = []
    for features, role, start, end in (
        ("log-mel means", "handmade", 0.35, 0.874),
        ("CPC c", "cpc", 0.62, 0.973),
        ("CPC z", "cpc", 0.52, 0.931),
        ("random init c", "untrained", 0.2, 0.713),
    ):
        for i, labels in enumerate((1, 2, 5, 10, 20, 50, None)):
            mean = end - (end - start) * math.exp(-0.6 * i)
            few.append(EfficiencyPoint(features, role, labels, around(mean, 0.05 * math.exp(-0.35 * i) + 0.008, most=1)))
    differences = (
        Difference("CPC c", "log-mel means", "linear", Interval(0.099, 0.083, 0.117)),
        Difference("CPC c", "CPC z", "linear", Interval(0.042, -0.003, 0.061)),
    )
    ends = (around(0.973, 0.008), around(0.713, 0.025), around(0.991, 0.004))
    gap = GapClosed("CPC c", "random init c", "same network", None, *ends, around(0.278, 0.02), Interval(0.935, 0.91, 0.961))
    few_labels = GapClosed("CPC c", "random init c", "same network", 5, *ends[:2], None, None, None)
    sizes = {"train": 1050, "validation": 150, "test": 300}
    return ProbeTable(
        label=label,
        unit="recording",
        classes=round(1 / chance),
        chance=chance,
        **sizes,
        split=Split("random"),
        rows=rows,
        differences=differences,
        efficiency=tuple(few),
        map=map,
        gaps=(replace(gap, handmade="MFCC", handmade_accuracy=ends[0], above_handmade=Interval(0.099, 0.08, 0.12)), few_labels),
        efforts=(Effort("CPC", 1, 20_000, 25.2), Effort("supervised", 3, 3_000, 24.8, 1_250)),
    )


def layout(label: str, classes: int, points: int = 700) -> EmbeddingMap:
    rng = np.random.default_rng(3)
    which = rng.integers(0, classes, points)
    centres = 9 * rng.normal(size=(classes, 2))
    keys = tuple(f"take {i:04d}.wav" for i in range(points))
    return EmbeddingMap(label, centres[which] + rng.normal(size=(points, 2)), tuple(str(each) for each in which), keys)


def timeline(*, shuffled: bool = True, steps: int = 997, marks: int = 5) -> Timeline:
    """The timeline of a document of `steps` sentences at k = 1 and 2, its first steps unpredicted."""
    rng = np.random.default_rng(13)
    pmi = np.stack([np.r_[[math.nan] * k, rng.normal(1.0 / k, 0.2, steps - k)] for k in (1, 2)])
    mixed = ShuffledStretch(300, 500, pmi - 0.5, (1.0, 0.5), (0.4, 0.125), (0.1, math.nan))
    return Timeline(
        source="books/emma.txt",
        unit="sentence",
        smooth=9,
        horizons=(1, 2),
        mean=(1.0, 0.5),
        pmi=pmi,
        marks=tuple((steps * n // marks, f"CHAPTER {n + 1}") for n in range(marks)),
        shuffled=mixed if shuffled else None,
    )


def ranking() -> RankTable:
    chance = RankRow("chance", "chance", around(0.01, 0.0), around(0.052), around(50.5, 0.0), around(0.2, 0.1))
    cpc = RankRow("CPC", "cpc", around(0.231, 0.04), around(0.371, 0.03), around(17.25, 2.5), None)
    return RankTable("validation sources", 3, False, (RankBlock("same source", 1, 100, 1000, 5, (cpc, chance)),))


def information(*, known: bool = True) -> InformationTable:
    """Calibrated scores at k = 1, 2 and 4, beside a known truth if asked."""
    checks = Checks(1.0234, (1.0,), 0.981, -0.023, ((0.2, 0.25, 90), (0.7, 0.65, 80)), (500, 500))
    truth = TruthComparison(Interval(2.125, 2.125, 2.125), around(2.1, 0.05), around(0.913, 0.02), math.nan, 0.312)
    rows = tuple(
        InformationRow(
            k, around(1.9 / k, 0.1), around(2.0 / k, 0.2), 6.25, 518.0, 4000, 40, 300.0, 0.0, checks, truth if known else None
        )
        for k in (1, 2, 4)
    )
    profiles = tuple(Profile(f"a{i}", 3, 2.0 - i, (1, 10, 400), (3.0 - i, 1.0, -4.0), 2, 2.5 - i, 400) for i in range(2))
    estimand = Estimand("I(x; c)", "all", 2048, 30, "none")
    return InformationTable(estimand, "30 validation sources", ("few sources",), rows, 1, profiles)


def segments() -> SegmentTable:
    """Boundaries by a learned curve and by a handmade one."""
    made = []
    for curve, role, share in (("surprise", "cpc", 0.61), ("spectral flux", "handmade", 0.47)):
        quality = SegmentQuality(0.53, 0.59, around(share - 0.06, 0.05), 0.2, around(share, 0.06))
        made.append(SegmentRow(curve, role, "validation labels", 1, quality, quality, (0.3,)))
    return SegmentTable(0.02, 1, 1, 11, 23, 307, Split("random"), tuple(made))


def trace(source: str = "pumps/7.csv", bins: int = 211) -> SeriesTrace:
    """A series of two channels, five rows a bin, with alarms where its surprise exceeds 2, in and beside a labelled stretch."""
    rng = np.random.default_rng(17)
    level, bin_B = rng.normal(size=(2, bins)), np.arange(bins)
    surprise = np.where((bin_B > 100) & (bin_B < 113), 2.5, rng.uniform(-0.5, 0.5, bins))
    surprise[0] = math.nan
    known = ((bin_B > 97) & (bin_B < 120)).astype(int)
    alarms = np.where(surprise > 2, 3, 0)
    return SeriesTrace(
        source, 5, 5 * bins, 5.0 * bin_B, ("pressure", "flow"), 1, level - 0.1, level + 0.1, surprise, alarms, known
    )


def anomalies(*traces: SeriesTrace) -> AnomalyTable:
    found = Detection(around(0.31, 0.1), around(0.5), around(0.4), around(0.013), around(0.79, 0.05), around(0.37), 1055, 110)
    rows = (AnomalyRow("surprise", "cpc", 2.0, 0.0125, found), AnomalyRow("z-score", "handmade", 3.25, 0.017, found))
    return AnomalyTable(0.99, "fault", 5, 7, rows, traces)


def full(place: Path) -> Path:
    """A run with everything a report can show, warnings and skipped files among it."""
    plain = table("digit", 0.1, map=layout("digit", 10))
    normalised = replace(plain, split=replace(plain.split, standardised_by="speaker"))
    probes = plain, table("speaker", 1 / 6), normalised
    warnings = [{"event": "warning", "step": step, "reason": "gradient clipped from 41.2 to 5"} for step in (30, 70, 90)]
    return folder(
        place,
        [*lines(train=1000, valid=20, total=20000), *warnings],
        *(timeline(), ranking(), information(), *probes, segments(), anomalies(trace(), trace("pumps/9.csv"))),
        settings={
            "recipe": "speech-waveform",
            "settings": {
                "encoder": {"name": "waveform", "dim": 256, "strides": [5, 4, 2, 2, 2]},
                "training": {"steps": 20000, "learning_rate": 2e-4, "half": None},
            },
            "versions": {"python": "3.11.9", "torch": "2.13.0", "torchcpc": "0.1.0"},
            "data": {"recordings": 1500, "hours": 0.182, "groups": 6},
        },
        skipped=[
            {"path": f"audio/take {i:04d}.wav", "reason": "shorter than one window" if i % 3 else "not a sound file"}
            for i in range(211)
        ],
        notes=[{"path": f"audio/take {i:04d}.wav", "reason": f"the header declares {i} frames more"} for i in range(3)],
    )
