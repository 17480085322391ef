"""probe.json as records: what a linear model (or another) reads off each kind of features, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of features under one probe: test accuracy (share), its 95 % interval, one accuracy and one penalty per seed."""

    features: str
    probe: str
    dim: int | None
    accuracies: tuple[float, ...]
    mean: float
    low: float
    high: float
    penalties: tuple[float, ...]

    @property
    def ours(self) -> bool:
        """Whether a CPC model made these features; their names begin so."""
        return self.features.startswith("CPC")

    @property
    def penalty(self) -> float | None:
        """The penalty of every seed, None where they differ or none is known."""
        return self.penalties[0] if len(set(self.penalties)) == 1 else None

    @property
    def name(self) -> str:
        return f"{self.features}, {self.probe}" if self.probe else self.features


@dataclass(frozen=True, slots=True)
class Few:
    """Accuracy from a number of labels of each class, or from all of them (labels None)."""

    features: str
    labels: int | None
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Accuracy of features minus that of against, on the same test items, with its 95 % interval."""

    features: str
    against: str
    probe: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Table:
    """All that was probed for one label. chance: accuracy of always naming the commonest class; rows: highest mean first."""

    label: str
    unit: str
    split: str
    chance: float | None
    classes: int | None
    sizes: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]
    efficiency: tuple[Few, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """Embeddings laid out in two dimensions: points [n][2] and the label of each."""

    label: str
    points: tuple[tuple[float, float], ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    tables: tuple[Table, ...]
    map: Map | None


def parse(path: Path, content: Any) -> Probe:
    """The content of probe.json as records. Raises CPCError naming the file and what is missing or of the wrong kind."""
    try:
        tables = tuple(table(entry) for entry in content["tables"])
        plan = content.get("map")
        return Probe(tables=tables, map=layout(plan) if plan else None)
    except KeyError as error:
        raise CPCError(f"{path} lacks {error}: write it again with cpc probe RUN DATA --label LABEL") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise CPCError(
            f"{path} is not a table of probes ({error}): write it again with cpc probe RUN DATA --label LABEL"
        ) from error


def table(entry: Mapping[str, Any]) -> Table:
    return Table(
        label=str(entry["label"]),
        unit=str(entry.get("unit", "item")),
        split=str(entry.get("split", "")),
        chance=entry.get("chance"),
        classes=entry.get("classes"),
        sizes=tuple((part, int(entry[part])) for part in ("train", "validation", "test") if entry.get(part) is not None),
        rows=tuple(sorted((row(each) for each in entry["rows"]), key=lambda each: -each.mean)),
        efficiency=tuple(few(each) for each in entry.get("efficiency") or ()),
        differences=tuple(difference(each) for each in entry.get("differences") or ()),
    )


def interval(entry: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(entry[key]) for key in ("mean", "low", "high")}


def row(entry: Mapping[str, Any]) -> Row:
    return Row(
        features=str(entry["features"]),
        probe=str(entry.get("probe", "")),
        dim=entry.get("dim"),
        accuracies=tuple(float(each) for each in entry.get("accuracies") or ()),
        penalties=tuple(float(each) for each in entry.get("penalties") or (entry.get("penalty"),) if each is not None),
        **interval(entry),
    )


def few(entry: Mapping[str, Any]) -> Few:
    labels = entry["labels_per_class"]
    return Few(features=str(entry["features"]), labels=None if labels == "all" else int(labels), **interval(entry))


def difference(entry: Mapping[str, Any]) -> Difference:
    return Difference(
        features=str(entry["features"]), against=str(entry["against"]), probe=str(entry.get("probe", "")), **interval(entry)
    )


def layout(entry: Mapping[str, Any]) -> Map:
    points = tuple((float(x), float(y)) for x, y in entry["points"])
    labels = tuple(str(each) for each in entry["labels"])
    if len(points) != len(labels):
        raise ValueError(f"the map has {len(points)} points and {len(labels)} labels")
    return Map(label=str(entry.get("label", "")), points=points, labels=labels)
