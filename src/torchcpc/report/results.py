"""The files of a run folder: which file holds which result, and how they are read and written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from torchcpc.anomalies.result import AnomalyTable
from torchcpc.atomic import write_json
from torchcpc.contracts import CPCError, Skipped
from torchcpc.information.result import InformationTable, Timeline
from torchcpc.probes.result import ProbeTable
from torchcpc.ranking.result import RankTable
from torchcpc.report.how_far import HowFar, checkpoint_step, how_far
from torchcpc.report.metrics import LoggedMetrics, read_metrics
from torchcpc.results import SavedResult, read_json
from torchcpc.segmentation.result import SegmentTable

FILES: dict[type[SavedResult], str] = {
    ProbeTable: "probe.json",
    RankTable: "ranking.json",
    InformationTable: "information.json",
    Timeline: "timeline.json",
    SegmentTable: "segments.json",
    AnomalyTable: "anomalies.json",
}
# A run keeps one probe table for each question. Of other results it keeps the last one.
QUESTION_FORMAT = 2

R = TypeVar("R", bound=SavedResult)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The content of a run folder. A result whose file is missing is None or empty.

    Attributes:
        name: The name of the folder.
        metrics: The training log.
        settings: The content of settings.json, or empty.
        how_far: How far the training got.
        skipped: What was skipped when the data were read. None: there is no skipped.json.
        notes: Remarks on the data. None: there is no notes.json.
        probes: The probe tables.
        ranking: The ranking.
        information: The information per step.
        timeline: The timeline of one source.
        segments: The boundaries.
        anomalies: The alarms.
        problems: One line for each file that cannot be read.
    """

    name: str
    metrics: LoggedMetrics
    settings: Mapping[str, object]
    how_far: HowFar
    skipped: tuple[Skipped, ...] | None
    notes: tuple[Skipped, ...] | None
    probes: tuple[ProbeTable, ...]
    ranking: RankTable | None
    information: InformationTable | None
    timeline: Timeline | None
    segments: SegmentTable | None
    anomalies: AnomalyTable | None
    problems: tuple[str, ...]


def read_folder(folder: Path) -> RunFolder:
    """Read a run folder.

    It needs metrics.jsonl or settings.json. A run that was stopped early has no metrics yet.

    Args:
        folder: The folder.

    Raises:
        CPCError: If the folder does not exist, or if both files are missing.
    """
    if not folder.is_dir():
        raise CPCError(f"no run folder {folder}: give the folder that cpc train wrote, the one that holds metrics.jsonl")
    log, problems = folder / "metrics.jsonl", []
    begun = (folder / "settings.json").is_file() and not log.exists()
    metrics = LoggedMetrics(None, None, (), torn=False) if begun else read_metrics(log)

    def read(name: str, how: Callable[[Path], T]) -> T | None:
        try:
            return how(folder / name) if (folder / name).exists() else None
        except CPCError as error:
            problems.append(str(error))

    def result(kind: type[R]) -> R | None:
        return read(FILES[kind], kind.from_json)

    settings = read("settings.json", _settings) or {}
    return RunFolder(
        folder.resolve().name,
        metrics,
        settings,
        how_far(metrics, settings, checkpoint_step(folder / "latest.safetensors")),
        probes=read(FILES[ProbeTable], _probes) or (),
        ranking=result(RankTable),
        information=result(InformationTable),
        timeline=result(Timeline),
        segments=result(SegmentTable),
        anomalies=result(AnomalyTable),
        skipped=read("skipped.json", _facts),
        notes=read("notes.json", _facts),
        problems=tuple(problems),
    )


def keep(folder: Path, result: SavedResult) -> Path:
    """Write a result into its file of a run folder.

    Probe tables of other questions stay in the file.

    Args:
        folder: The run folder.
        result: The result.

    Returns:
        The path of the file.
    """
    kind, path = type(result), folder / FILES[type(result)]
    if kind is not ProbeTable:
        result.to_json(path)
        return path
    content = result.to_json()
    earlier = [table.to_json() for table in (_probes(path) if path.exists() else ())]
    others = [table for table in earlier if _question(table) != _question(content)]
    write_json(path, {"format": QUESTION_FORMAT, "tables": [*others, content]})
    return path


def _question(table: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what distinguishes the question of a probe table from others.

    Independent units and the word for a row follow from the rest.
    """
    split = {name: value for name, value in table["split"].items() if name != "units"}
    return table["label"], table["test"], table["unit"] == "frame", split


def check_kept(folder: Path) -> None:
    """Check that `keep` would accept a probe table. A command calls this before it computes one.

    Raises:
        CPCError: If the existing file cannot be read.
    """
    if (folder / FILES[ProbeTable]).exists():
        _probes(folder / FILES[ProbeTable])


def _probes(path: Path) -> tuple[ProbeTable, ...]:
    content = read_json(path)
    content = content if isinstance(content, dict) else {}
    found, tables = content.get("format"), content.get("tables")
    if found != QUESTION_FORMAT or not isinstance(tables, list):
        raise CPCError(
            f"{path} has format {found!r}; this version of torchcpc reads format {QUESTION_FORMAT}. Move the file away, then run "
            "the command that wrote it again."
        )
    try:
        return tuple(ProbeTable.from_json(entry) for entry in tables)
    except CPCError as error:
        raise CPCError(f"{path} holds a table that cannot be read: {error} Move the file away first.") from None


def _settings(path: Path) -> dict[str, object]:
    if isinstance(content := read_json(path), dict):
        return content
    raise CPCError(f"{path} must hold an object. Restore the file that cpc train wrote.")


def _facts(path: Path) -> tuple[Skipped, ...]:
    try:
        return tuple(Skipped(str(entry["path"]), str(entry["reason"])) for entry in read_json(path))
    except (KeyError, TypeError) as error:
        raise CPCError(f"{path} must be a list of objects with path and reason ({error}). Restore it, or remove it.") from None
