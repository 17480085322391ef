"""HTML pages that need neither torch nor a model: the report of a run, and the page of one source."""

from pathlib import Path

from torchcpc.atomic import write_text
from torchcpc.recording.result import RecordingView
from torchcpc.report.library import check_library

__all__ = ["build_report", "write_recording_page"]


def build_report(folder: Path) -> Path:
    """Write report.html into a run folder.

    Only metrics.jsonl is needed. The page names what else is missing, and the commands that add it. The same files
    give the same bytes.

    Args:
        folder: The run folder.

    Returns:
        The path of the page.

    Raises:
        CPCError: If the folder is not a run, or if the page cannot be written.
    """
    from torchcpc.report.page import render
    from torchcpc.report.results import read_folder

    folder = Path(folder)
    page = folder / "report.html"
    write_text(page, render(read_folder(folder)))
    return page


def write_recording_page(path: Path, view: RecordingView) -> Path:
    """Write the page of one source.

    Args:
        path: The file to write.
        view: The source.

    Returns:
        The path.

    Raises:
        CPCError: If bokeh is not installed, or if the page cannot be written.
    """
    check_library()
    from torchcpc.report.recording_page import render

    write_text(path, render(view))
    return path
