"""Sensor series through the commands: the scale is that of the training sources, is written down, and is never fitted again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from torchcpc.cli import main
from torchcpc.data.series.series import scan_series
from torchcpc.data.splits import hold_out
from torchcpc.runs.saved import from_pretrained

SMALL = [
    *("encoder.dim=8", "context.dim=8", "predictor.count=2", "candidates.count=32", "training.steps=4"),
    *("windows.length=32", "windows.batch=4", "training.warmup=0", "training.log_every=1", "training.validate_every=2"),
]


def stamp(row: int) -> float:
    """When a row was taken: a row a second, and a minute of nothing before the 31st."""
    return 1000.0 + row + 60.0 * (row > 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("series")
    rng = np.random.default_rng(0)
    for number in range(9):
        rows = rng.normal(size=(41 + number, 3)) * [1, 10, 0.1] + [number, 50, 0]
        rows[5:9, 1] = np.nan
        rows[20] = np.nan
        lines = [",".join("" if np.isnan(v) else f"{v:.4f}" for v in row) for row in rows]
        text = "".join(f"{stamp(n)},{line},{int(n > 30)}\n" for n, line in enumerate(lines))
        (root / f"{number}.csv").write_text("time,a,b,c,anomaly\n" + text)
    (root / "bad.csv").write_text("time,a,b,c\n1,1,1,1\n0,1,1,1\n")
    table = "".join(f"{n}.csv,{'test' if n > 6 else 'train'},{'xy'[n % 2]}\n" for n in range(9))
    (root / "list.csv").write_text("path,split,kind\n" + table + "bad.csv,train,x\n")
    return root


def train(out: Path, folder: Path, *more: str) -> int:
    place = ["--data", str(folder / "list.csv"), "-o", str(out), "--precision", "32-true", "--accelerator", "cpu"]
    return main(["train", "series", *SMALL, *more, *place])


def test_from_files_to_embeddings_scores_and_probes(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert train(run, folder) == 0
    assert "skipped 1 of 10 files" in (said := capsys.readouterr().err) and "times out of order: row 1" in said
    described = json.loads((run / "settings.json").read_text())
    sources = scan_series([folder / "list.csv"], row_labels=["anomaly"])
    kept = hold_out(sources, described["seed"], **described["settings"]["split"]).train
    values = np.concatenate([sources.read(i, 0, 99) for i in kept]).astype(np.float64)
    encoder = described["settings"]["encoder"]
    np.testing.assert_allclose(encoder["mean"], np.nanmean(values, axis=0), rtol=1e-12)
    np.testing.assert_allclose(encoder["scale"], np.nanstd(values, axis=0), rtol=1e-12)
    model, config = from_pretrained(run)
    assert config["encoder"] == encoder and model.encoder.observed.mean.tolist() == pytest.approx(encoder["mean"])
    assert main(["embed", str(run), "-o", str(tmp_path / "e.npz")]) == 0
    embedded = np.load(tmp_path / "e.npz")
    assert embedded["z"].shape == (sum(41 + n for n in range(9)), 8)
    assert embedded["time_s"].tolist() == [stamp(step) for step in embedded["step"]]
    assert main(["score", str(run), "-o", str(tmp_path / "s.parquet")]) == 0
    pairs = pq.read_table(tmp_path / "s.parquet").to_pydict()
    assert pairs["time_s"] == [stamp(t + k) for t, k in zip(pairs["step"], pairs["k"], strict=True)]
    assert main(["anomalies", str(run), "--label", "anomaly", "--smooth", "3", "-o", str(tmp_path / "a.npz")]) == 0
    found = np.load(tmp_path / "a.npz")
    unseen = [sources.length(i) for i in (7, 8)]
    assert len(found["score"]) == sum(unseen) and np.isnan(found["score"][[0, 20]]).all()  # no past, and nothing observed
    assert found["time_s"].tolist() == [stamp(n) for rows in unseen for n in range(rows)]
    result = {row["score"]: row for row in json.loads((run / "anomalies.json").read_text())["rows"]}
    assert result.keys() == {"surprise", "z-score"} and 0 <= result["surprise"]["detection"]["auroc"]["mean"] <= 1
    np.testing.assert_array_equal(found["alarm"], found["score"] > np.float32(result["surprise"]["threshold"]))
    few = ["--seeds", "1", "--supervised-steps", "2", "--curve", "1", "--probes", "linear"]
    assert main(["probe", str(run), "--label", "kind", *few]) == 0


def test_resuming_keeps_the_scale_and_the_weights(tmp_path: Path, folder: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(whole, folder) == 0
    assert train(parts, folder, "training.steps=2") == 0
    described = json.loads((parts / "settings.json").read_text())
    assert described["settings"]["encoder"] == json.loads((whole / "settings.json").read_text())["settings"]["encoder"]
    before = (whole / "model.safetensors").read_bytes()
    assert main(["train", "--resume", str(whole)]) == 0
    assert (whole / "model.safetensors").read_bytes() == before


def test_beats_are_probed_by_their_samples(tmp_path: Path, folder: Path) -> None:
    run, other, beats = tmp_path / "run", tmp_path / "other", tmp_path / "beats.csv"
    assert train(run, folder) == 0 and train(other, folder, "--seed", "1") == 0
    beats.write_text("record,sample,beat\n" + "".join(f"{n},{s},{'NV'[s % 2]}\n" for n in range(9) for s in range(1, 35, 3)))
    few = ["--seeds", "1", "--supervised-steps", "2", "--curve", "--probes", "linear", "--clip-seconds", "10", "--delay", "1"]
    more = ["--seed-runs", str(other), "--validation", "0.4", "--select-by", "macro-F1"]
    assert main(["probe", str(run), "--label", "beat", "--alignment", str(beats), *few, *more]) == 0
    (table,) = json.loads((run / "probe.json").read_text())["tables"]
    # Twelve beats a source, each asked about one row later, be that in the next clip.
    assert table["test"] == 2 * 12 and {row["features"] for row in table["rows"]} >= {"CPC c", "raw 8 steps", "same network"}
    assert all(0 <= row["macro_f1"]["low"] <= row["macro_f1"]["mean"] <= 1 for row in table["rows"])
    alike = ["--class-weight", "balanced", "--draws", "2"]
    none = ["--seeds", "0", "--supervised-steps", "0", "--curve", "2", "--probes", "linear", "--clip-seconds", "10"]
    assert main(["probe", str(run), "--label", "beat", "--alignment", str(beats), *none, *alike]) == 0
    (table,) = json.loads((run / "probe.json").read_text())["tables"]
    assert not any(row["features"].startswith(("random", "same")) for row in table["rows"])
    once = ["--seeds", "1", "--supervised-steps", "2", "--curve", "--probes", "linear", "--clip-seconds", "5", "--delay", "2"]
    assert main(["probe", str(run), "--label", "beat", "--alignment", str(beats), "--per-event", *once]) == 0
    table = json.loads((run / "probe.json").read_text())["tables"][-1]
    # The first of the twelve has three rows and no five before the second after it; the last has two after it or fewer.
    assert table["test"] % 2 == 0 and 2 * 9 <= table["test"] < 2 * 12
    assert (table["split"]["event_seconds"], table["split"]["event_delay_s"]) == (5, 2)
    assert main(["probe", str(run), "--label", "beat", "--per-event", *once]) == 1


def test_a_channel_that_never_changes_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(5):
        (tmp_path / f"{number}.csv").write_text("a,b,c\n" + "".join(f"{n * number % 7},7,\n" for n in range(50)))
    out = tmp_path / "run"
    assert main(["train", "series", *SMALL, "--data", str(tmp_path), "-o", str(out)]) == 0
    said = capsys.readouterr().err
    assert "note: channels 1, 2 (from 0): constant or missing in all training sources, and not read" in said
    assert json.loads((out / "settings.json").read_text())["settings"]["encoder"]["scale"][1:] == [0, 0]
    for number in range(5):
        (tmp_path / f"{number}.csv").write_text("a\n" + "7\n" * 50)
    assert main(["train", "series", *SMALL, "--data", str(tmp_path), "-o", str(tmp_path / "other")]) == 1
    assert "none of the channels (1) varies in any of the 4 training sources" in capsys.readouterr().err
