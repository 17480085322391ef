"""`cpc segment` from end to end on six tiny recordings: what it writes, prints and refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.commands.tiny import LENGTHS
from torchcpc.cli import main


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interval every 50 ms; the last 20 ms or more of each recording are unlabelled."""
    path = tmp_path_factory.mktemp("alignment") / "phones.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["recording", "start_s", "end_s", "phone"])
        for number, length in enumerate(LENGTHS):
            for n in range(int((length / 16000 - 0.02) / 0.05)):
                writer.writerow([number, f"{0.05 * n:.2f}", f"{0.05 * (n + 1):.2f}", "ab"[n % 2]])
    return path


def test_boundaries_of_unlabelled_data(
    tmp_path: Path, trained: Path, recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for curve in ("surprise", "cosine", "spectral flux"):
        command = ["segment", str(trained), str(recordings), "--curve", curve, "--rate", "10"]
        assert main([*command, "-o", str(tmp_path / "b.csv")]) == 0
        rows = list(csv.DictReader((tmp_path / "b.csv").read_text().splitlines()))
        assert len(rows) == round(10 * sum(LENGTHS) / 16000)
        assert f"{len(rows)} boundaries, " in capsys.readouterr().err
        assert list(rows[0]) == ["source", "step", "time_s", "height", "prominence"]
        seconds = {f"speaker{n % 2}/{n}.wav": length / 16000 for n, length in enumerate(LENGTHS)}
        assert all(0 < float(row["time_s"]) < seconds[row["source"]] for row in rows)
        low = min(float(row["prominence"]) for row in rows)
        assert main([*command, "--prominence", str(low + 1e-6), "-o", str(tmp_path / "b.parquet")]) == 0
        table = pq.read_table(tmp_path / "b.parquet").to_pydict()
        assert len(table["step"]) < len(rows) and np.min(table["prominence"]) > low


def test_a_table_beside_known_boundaries(
    trained: Path, recordings: Path, phones: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "segment",
        str(trained),
        str(recordings),
        "--alignment",
        str(phones),
        "--rate",
        "10",
        "--seed-runs",
        str(trained),
    ]
    assert main(command) == 0
    out = capsys.readouterr().out
    said = " ".join(out.split())
    assert " boundaries in 1 test sources, tolerance 20 ms, surprise at k = 2" in said and "learned curves of 2 seeds" in said
    kept = json.loads((trained / "segments.json").read_text())
    assert (kept["tolerance_s"], kept["k"], kept["lag"], kept["test"]) == (0.02, 2, 1, 1)
    curves = ("surprise", "cosine", "dot", "euclidean", "spectral flux")
    assert len(kept["rows"]) == 2 * len(curves) + 1
    # The lenient numbers are printed where they differ.
    strict, lenient = out.split("Lenient: ")
    same = all(
        row["one_to_one"][measure]["mean"] == row["lenient"][measure]["mean"]
        for row in kept["rows"]
        for measure in ("f1", "r_value")
    )
    assert ("Its rows are those of the table above." in lenient) is same
    for table in [strict] if same else [strict, lenient]:
        head, *lines = table[table.index("curve  ") :].splitlines()
        assert head.split()[:2] == ["curve", "threshold"]
        for curve in curves:
            assert sum(line.startswith(f"{curve}  ") for line in lines) == 2
        assert sum(line.startswith("evenly spaced") for line in lines) == 1
    for curve in curves:
        own = [row for row in kept["rows"] if row["curve"] == curve]
        assert [row["threshold"] for row in own].count("no labels, 10 per second") == 1
        # Handmade curves are the same for every seed.
        assert {row["seeds"] for row in own} == {1 if curve == "spectral flux" else 2}


def test_a_file_of_boundaries_takes_the_threshold_that_labels_chose(
    tmp_path: Path, trained: Path, recordings: Path, phones: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def written(*more: str) -> list[float]:
        assert main(["segment", str(trained), str(recordings), *more, "-o", str(tmp_path / "b.csv")]) == 0
        return [float(row["prominence"]) for row in csv.DictReader((tmp_path / "b.csv").read_text().splitlines())]

    known = ["--alignment", str(phones), "--curve", "cosine"]
    found = written(*known)
    assert "chosen with the labels" in capsys.readouterr().err
    rows = json.loads((trained / "segments.json").read_text())["rows"]
    (chosen,) = next(row["thresholds"] for row in rows if (row["curve"], row["threshold"]) == ("cosine", "validation labels"))
    everything = written("--curve", "cosine", "--peak-quantile", "0")
    # The chosen one is itself a prominence, which another batch rounds otherwise.
    fewest, most = (sum(prominence >= chosen * (1 + slack) for prominence in everything) for slack in (1e-4, -1e-4))
    assert 0 < fewest <= len(found) <= most < len(everything) and min(found) >= chosen * (1 - 1e-4)
    # What the user names goes first; without either, speech has its usual rate.
    assert len(written(*known, "--rate", "5")) == round(5 * sum(LENGTHS) / 16000)
    assert len(written()) == round(10 * sum(LENGTHS) / 16000)


def test_refusals(tmp_path: Path, trained: Path, recordings: Path, phones: Path, refused) -> None:
    assert "nothing to do" in refused("segment", trained, recordings)
    out = ["-o", tmp_path / "b.csv"]
    assert "Choose one of surprise, cosine" in refused("segment", trained, recordings, *out, "--curve", "magic")
    assert "predicts 1 to 2 steps ahead" in refused("segment", trained, recordings, *out, "--k", "3")
    assert "lag = 0: at least 1" in refused("segment", trained, recordings, *out, "--lag", "0")
    assert "rate = 0.0: boundaries per second, above 0" in refused("segment", trained, recordings, *out, "--rate", "0")
    assert "lower --prominence" in refused("segment", trained, recordings, *out, "--prominence", "1e9")
    assert "End it in .csv, .parquet or .npz" in refused("segment", trained, recordings, "-o", tmp_path / "b.txt")
    assert "no column word" in refused("segment", trained, recordings, "--alignment", phones, "--label", "word")
    assert not list(tmp_path.iterdir())
