"""RUN folders made up for tests, with numbers of the size that real runs have."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

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
        made |= {"learning_rate": 2e-4, "gradient_norm": float(np.exp(rng.normal(1.2 - step / total, 0.3))), "throughput": 23.7}
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


def folder(place: Path, metrics: list[dict[str, Any]], **files: Any) -> Path:
    """A RUN folder: metrics.jsonl and any of settings, skipped, probe as NAME.json."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in metrics), encoding="utf-8")
    for name, content in files.items():
        (place / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return place


def row(features: str, probe: str, dim: int, mean: float, spread: float = 0.012, seeds: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(len(features) + dim)
    return {
        "features": features,
        "probe": probe,
        "dim": dim,
        "accuracies": np.clip(mean + rng.normal(0, spread / 3, seeds), 0, 1).tolist(),
        "mean": mean,
        "low": max(0.0, mean - spread),
        "high": min(1.0, mean + spread),
        "penalty": 0.01,
    }


def table(label: str, chance: float) -> dict[str, Any]:
    rows = [
        row("log-mel means", "linear", 80, 0.874, 0.017),
        row("CPC c", "linear", 256, 0.973, 0.008),
        row("CPC z", "linear", 256, 0.931, 0.012),
        row("MFCC", "linear", 39, 0.842, 0.02),
        row("random encoder c", "linear", 256, 0.713, 0.025),
        row("CPC c", "MLP", 256, 0.981, 0.007),
        row("majority class", "", 0, chance + 0.004, 0.006),
    ]
    few = []
    for features, start, end in (
        ("log-mel means", 0.35, 0.874),
        ("CPC c", 0.62, 0.973),
        ("CPC z", 0.52, 0.931),
        ("random encoder c", 0.2, 0.713),
    ):
        for i, labels in enumerate((1, 2, 5, 10, 20, 50, "all")):
            mean = end - (end - start) * math.exp(-0.6 * i)
            wide = 0.05 * math.exp(-0.35 * i) + 0.008
            few.append(
                {
                    "features": features,
                    "labels_per_class": labels,
                    "mean": mean,
                    "low": mean - wide,
                    "high": min(1.0, mean + wide),
                }
            )
    differences = [
        {"features": "CPC c", "against": "log-mel means", "probe": "linear", "mean": 0.099, "low": 0.083, "high": 0.117},
        {"features": "CPC c", "against": "CPC z", "probe": "linear", "mean": 0.042, "low": -0.003, "high": 0.061},
    ]
    sizes = {"train": 1050, "validation": 150, "test": 300}
    split = "by recording, stratified by speaker"
    return {"label": label, "unit": "recording", "classes": round(1 / chance), "chance": chance, "split": split, **sizes} | {
        "rows": rows,
        "efficiency": few,
        "differences": differences,
    }


def layout(label: str, classes: int, points: int = 700) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    which = rng.integers(0, classes, points)
    centres = 9 * rng.normal(size=(classes, 2))
    return {
        "label": label,
        "points": (centres[which] + rng.normal(size=(points, 2))).tolist(),
        "labels": [str(each) for each in which],
    }


def course(*, shuffled: bool = True, steps: int = 997, marks: int = 5) -> dict[str, Any]:
    """The course of a document of `steps` sentences at k = 1 and 2, its first steps unpredicted."""
    rng = np.random.default_rng(13)
    pmi = [[None] * k + rng.normal(1.0 / k, 0.2, steps - k).tolist() for k in (1, 2)]
    mixed = {
        "first": 300,
        "last": 500,
        "pmi": [[None if value is None else value - 0.5 for value in row] for row in pmi],
        "ordered_mean": [1.0, 0.5],
        "shuffled_mean": [0.4, 0.125],
        "error": [0.1, 0.05],
    }
    return {
        "source": "books/emma.txt",
        "unit": "sentence",
        "smooth": 9,
        "horizons": [1, 2],
        "mean": [1.0, 0.5],
        "pmi": pmi,
        "marks": [[steps * n // marks, f"CHAPTER {n + 1}"] for n in range(marks)],
        "shuffled": mixed if shuffled else None,
    }


def ranking() -> dict[str, Any]:
    def value(mean: float, wide: float | None) -> dict[str, float | None]:
        return {"mean": mean, "low": None if wide is None else mean - wide, "high": None if wide is None else mean + wide}

    rows = [
        {"row": "CPC", "top-1": value(0.231, 0.04), "reciprocal": value(0.371, 0.03), "rank": value(17.25, 2.5), "gap": None},
        {
            "row": "chance",
            "top-1": value(0.01, 0.0),
            "reciprocal": value(0.052, None),
            "rank": value(50.5, 0.0),
            "gap": value(0.2, 0.1),
        },
    ]
    block = {"pool": "same source", "k": 1, "candidates": 100, "contexts": 1000, "sources": 5, "rows": rows}
    return {"origin": "validation sources", "runs": 3, "same_sources": False, "blocks": [block]}


def full(place: Path) -> Path:
    """A run with everything a report can show, warnings and skipped files among it."""
    warnings = [{"event": "warning", "step": step, "reason": "gradient clipped from 41.2 to 5"} for step in (30, 70, 90)]
    return folder(
        place,
        [*lines(train=1000, valid=20, total=20000), *warnings],
        settings={
            "recipe": "speech-small",
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
        course=course(),
        ranking=ranking(),
        probe={"tables": [table("digit", 0.1), table("speaker", 1 / 6)], "map": layout("digit", 10)},
    )
