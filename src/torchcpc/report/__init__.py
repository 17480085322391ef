"""Pages without torch or a model: the report of a run, rebuilt from the files of its folder, and the page of one source."""

from pathlib import Path

from torchcpc.atomic import write_text
from torchcpc.recording.result import RecordingView
from torchcpc.report.library import check_library

__all__ = ["build_report", "write_recording_page"]


def build_report(folder: Path) -> Path:
    """Writes report.html into a run folder, of which only metrics.jsonl is needed, and returns its path. The page names what else is
    missing and the command that adds it. The same files give the same bytes. Raises CPCError for no run, or no place to write."""
    from torchcpc.report.page import render
    from torchcpc.report.results import read_folder

    folder = Path(folder)
    page = folder / "report.html"
    write_text(page, render(read_folder(folder)))
    return page


def write_recording_page(path: Path, view: RecordingView) -> Path:
    """Writes the page of one source and returns its path. Raises CPCError without bokeh, and for a place that cannot be written."""
    check_library()
    from torchcpc.report.recording_page import render

    write_text(path, render(view))
    return path
