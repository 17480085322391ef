"""The results that a run folder keeps: which file holds which type, how they are read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from torchcpc.anomalies.result import AnomalyTable
from torchcpc.atomic import write_json
from torchcpc.contracts import CPCError
from torchcpc.information.result import InformationTable
from torchcpc.information.timeline_result import Timeline
from torchcpc.probes.result import ProbeTable
from torchcpc.ranking.result import RankTable
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
# A run keeps one of these for each question, which these fields tell apart; of the other results it keeps the last.
QUESTION: dict[type[SavedResult], tuple[str, ...]] = {ProbeTable: ("label", "unit", "split", "test")}
QUESTION_FORMAT = 2

R = TypeVar("R", bound=SavedResult)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeptResults:
    """What a run folder holds, None or empty where a file is missing. problems: a line for each file that cannot be read."""

    probes: tuple[ProbeTable, ...] = ()
    ranking: RankTable | None = None
    information: InformationTable | None = None
    timeline: Timeline | None = None
    segments: SegmentTable | None = None
    anomalies: AnomalyTable | None = None
    problems: tuple[str, ...] = ()


def read_results(folder: Path) -> KeptResults:
    """Every result in a run folder."""
    problems: list[str] = []

    def read(kind: type[R]) -> R | None:
        return read_if_there(folder / FILES[kind], kind.from_json, problems)

    probes = read_if_there(folder / FILES[ProbeTable], lambda path: _read_questions(path, ProbeTable), problems)
    kept = (read(RankTable), read(InformationTable), read(Timeline), read(SegmentTable), read(AnomalyTable))
    return KeptResults(probes or (), *kept, problems=tuple(problems))


def keep(folder: Path, result: SavedResult) -> Path:
    """Writes a result into its file of a run folder, a probe table beside those of other questions; returns the path."""
    kind, path = type(result), folder / FILES[type(result)]
    if kind not in QUESTION:
        result.to_json(path)
        return path
    content = result.to_json()
    earlier = [table.to_json() for table in (_read_questions(path, kind) if path.exists() else ())]
    others = [table for table in earlier if any(table[name] != content[name] for name in QUESTION[kind])]
    write_json(path, {"format": QUESTION_FORMAT, "tables": [*others, content]})
    return path


def check_kept(folder: Path, kind: type[SavedResult]) -> None:
    """Raises CPCError where `keep` would, for a command that has yet to compute a result of this type."""
    path = folder / FILES[kind]
    if kind in QUESTION and path.exists():
        _read_questions(path, kind)


def read_if_there(path: Path, read: Callable[[Path], T], problems: list[str]) -> T | None:
    """What `read` makes of a file; None without one. A file that it refuses is a line of `problems`."""
    if not path.exists():
        return None
    try:
        return read(path)
    except CPCError as error:
        problems.append(str(error))
        return None


def _read_questions(path: Path, kind: type[R]) -> tuple[R, ...]:
    content = read_json(path)
    content = content if isinstance(content, dict) else {}
    found, tables = content.get("format"), content.get("tables")
    if found != QUESTION_FORMAT or not isinstance(tables, list):
        raise CPCError(
            f"{path} has format {found!r}; this version of torchcpc reads format {QUESTION_FORMAT}. Move the file away, then run "
            "the command that wrote it again."
        )
    try:
        return tuple(kind.from_json(entry) for entry in tables)
    except CPCError as error:
        raise CPCError(f"{path} holds a table that cannot be read: {error} Move the file away first.") from None
