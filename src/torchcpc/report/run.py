"""A RUN folder as one record; only metrics.jsonl has to be there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError
from torchcpc.report import metrics, probe


@dataclass(frozen=True, slots=True)
class Run:
    """settings: the content of settings.json, empty without one; skipped: (path, reason), None without skipped.json;
    information, course, ranking: the content of the JSON file of that name, None without one."""

    name: str
    metrics: metrics.Metrics
    settings: Mapping[str, Any]
    probe: probe.Probe | None
    skipped: tuple[tuple[str, str], ...] | None
    information: Mapping[str, Any] | None = None
    course: Mapping[str, Any] | None = None
    ranking: Mapping[str, Any] | None = None


def read(folder: Path) -> Run:
    """Read the folder. Raises CPCError where it does not exist, has no metrics, or holds a file that cannot be read."""
    if not folder.is_dir():
        raise CPCError(f"no run folder {folder}: give the folder that cpc train wrote, the one that holds metrics.jsonl")
    recorded = metrics.read(folder / "metrics.jsonl")
    settings = content(folder / "settings.json")
    if not isinstance(settings, dict | None):
        raise CPCError(f"{folder / 'settings.json'} must hold an object: restore the file that cpc train wrote")
    probed = content(folder / "probe.json")
    return Run(
        name=folder.resolve().name,
        metrics=recorded,
        settings=settings or {},
        probe=None if probed is None else probe.parse(folder / "probe.json", probed),
        skipped=skipped(folder / "skipped.json"),
        information=content(folder / "information.json"),
        course=content(folder / "course.json"),
        ranking=content(folder / "ranking.json"),
    )


def content(path: Path) -> Any:
    """What a JSON file holds, None where there is no such file."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CPCError(f"{path} cannot be read as JSON ({error}): restore it, or remove it to report without it") from error


def skipped(path: Path) -> tuple[tuple[str, str], ...] | None:
    entries = content(path)
    if entries is None:
        return None
    try:
        return tuple((str(entry["path"]), str(entry["reason"])) for entry in entries)
    except (KeyError, TypeError) as error:
        raise CPCError(
            f"{path} must be a list of objects with path and reason ({error}): restore it, or remove it to report without it"
        ) from error
