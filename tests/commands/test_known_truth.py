"""`cpc information RUN` where a process made the data: how much of the exact information was captured, printed, kept and drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from torchcpc.cli import main


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """x_t = 0.9 x_{t-1} + noise, two steps ahead, a few seconds of training."""
    folder = tmp_path_factory.mktemp("runs") / "ar1"
    changes = ["data.sources=1200", "data.steps=8", "windows.length=8", "predictor.count=2", "training.steps=250"]
    changes += ["training.warmup=20", "candidates.count=64"]
    assert main(["train", "synthetic-ar1", "-o", str(folder), "--precision", "32-true", *changes]) == 0
    return folder


def test_what_was_captured_is_told(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["information", str(trained)]) == 0
    said, kept = capsys.readouterr().out, json.loads((trained / "information.json").read_text())
    assert "share captured, %" in said
    for row, exact in zip(kept["rows"], (0.830, 0.534), strict=True):
        truth = row["truth"]
        assert truth["information"]["mean"] == pytest.approx(exact, abs=1e-3) and f"{exact:.3f}" in said
        # 240 held-out sources, half of them for log Z: the pairs' own exact mean is near the truth, and most of it is captured.
        assert truth["exact"]["low"] < exact < truth["exact"]["high"]
        assert truth["share"]["mean"] == pytest.approx(row["pmi"]["mean"] / truth["exact"]["mean"])
        assert truth["share"]["low"] < truth["share"]["mean"] < truth["share"]["high"] and truth["share"]["low"] > 0.5
        assert truth["slope"] == pytest.approx(1, abs=0.3) and truth["rmse"] < 0.5
        assert f"{100 * truth['share']['mean']:.1f} (" in said
    page = (trained / "report.html").read_text()
    assert "against the process that made the data" in page and "exact I(x; past)" in page


def test_an_older_record_without_truth_is_still_drawn(trained: Path) -> None:
    path = trained / "information.json"
    kept = json.loads(path.read_text())
    for row in kept["rows"]:
        row.pop("truth")
    path.write_text(json.dumps(kept))
    assert main(["report", str(trained)]) == 0
    page = (trained / "report.html").read_text()
    assert "against the process that made the data" not in page and "exact I(x; past)" not in page
