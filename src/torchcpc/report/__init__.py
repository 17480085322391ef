"""The report of a run: one self-contained HTML page, rebuilt from the files of the RUN folder without torch or a model."""

from __future__ import annotations

from pathlib import Path

from torchcpc.atomic import write_text

__all__ = ["build"]


def build(folder: Path) -> Path:
    """Writes report.html into a run folder and returns its path.

    Only metrics.jsonl is needed. The page names what else is missing and the command that adds it. The same files give the same
    bytes. Raises CPCError for a folder that is no run, or a page that cannot be written.
    """
    from torchcpc.report.page import render
    from torchcpc.report.run_folder import read_folder

    folder = Path(folder)
    page = folder / "report.html"
    write_text(page, render(read_folder(folder)))
    return page
