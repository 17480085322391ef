"""A RUN folder as one record. Only metrics.jsonl has to be there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torchcpc.contracts import CPCError
from torchcpc.report.metrics import Metrics, read_metrics
from torchcpc.report.results import KeptResults, read_if_there, read_results
from torchcpc.results import read_json


@dataclass(frozen=True, slots=True)
class RunFolder:
    """settings: the content of settings.json, empty without one; skipped: (path, reason), None without skipped.json; problems: a line
    for each file that cannot be read."""

    name: str
    metrics: Metrics
    settings: Mapping[str, object]
    skipped: tuple[tuple[str, str], ...] | None
    results: KeptResults
    problems: tuple[str, ...]


def read_folder(folder: Path) -> RunFolder:
    """Reads a run folder. Raises CPCError where it does not exist or has no metrics."""
    if not folder.is_dir():
        raise CPCError(f"no run folder {folder}: give the folder that cpc train wrote, the one that holds metrics.jsonl")
    metrics, results = read_metrics(folder / "metrics.jsonl"), read_results(folder)
    problems = list(results.problems)
    settings = read_if_there(folder / "settings.json", _settings, problems) or {}
    skipped = read_if_there(folder / "skipped.json", _skipped, problems)
    return RunFolder(folder.resolve().name, metrics, settings, skipped, results, tuple(problems))


def _settings(path: Path) -> dict[str, object]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise CPCError(f"{path} must hold an object. Restore the file that cpc train wrote.")
    return content


def _skipped(path: Path) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((str(entry["path"]), str(entry["reason"])) for entry in read_json(path))
    except (KeyError, TypeError) as error:
        raise CPCError(f"{path} must be a list of objects with path and reason ({error}). Restore it, or remove it.") from None
