"""The report of a run: one self-contained HTML page, rebuilt from the files of the RUN folder without torch or a model."""

from torchcpc.report.page import build

__all__ = ["build"]
