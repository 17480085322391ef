"""The report of a run: one self-contained HTML page, rebuilt from the files of the RUN folder without torch or a model."""

from pathlib import Path

from torchcpc.atomic import write_text

__all__ = ["build_report"]


def build_report(folder: Path) -> Path:
    """Writes report.html into a run folder, of which only metrics.jsonl is needed, and returns its path. The page names what else is
    missing and the command that adds it. The same files give the same bytes. Raises CPCError for no run, or no place to write."""
    from torchcpc.report.page import render
    from torchcpc.report.results import read_folder

    folder = Path(folder)
    page = folder / "report.html"
    write_text(page, render(read_folder(folder)))
    return page
