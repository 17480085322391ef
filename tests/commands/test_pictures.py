"""Every command on pictures: the same ones as for sound, with a column for which sequence of a picture a row belongs to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from torchcpc.cli import main

CLASSES, TRAIN, TEST, COLUMNS = ("cat", "dog"), 11, 5, 7
SMALL = [
    'encoder.directions=["down"]',
    *("encoder.width=5", "encoder.blocks=[1]", "encoder.channels=[5]", "encoder.inner=[3]", "context.dim=5"),
    *("context.hidden=3", "context.blocks=1", "windows.batch=3", "candidates.count=13", "split.validation=0.2"),
    *("training.steps=3", "training.warmup=0"),
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for split, count in (("train", TRAIN), ("test", TEST)):
        for label, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 128, (37, 41, 3), dtype=np.uint8) + np.uint8(label * 120)
                Image.fromarray(pixels).save(root / split / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "a"
    place = ["--data", str(pictures), "-o", str(folder), "--precision", "32-true", "--accelerator", "cpu"]
    assert main(["train", "pictures", *SMALL, *place]) == 0
    return folder


def test_training_is_the_same_objective_and_report(trained: Path) -> None:
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    valid = next(line for line in lines if line["event"] == "valid")
    assert len(valid["bound_per_k"]) == 3 and (trained / "report.html").is_file()


def test_embeddings_name_the_column_of_every_step(trained: Path, pictures: Path, tmp_path: Path) -> None:
    assert main(["embed", str(trained), str(pictures), "-o", str(tmp_path / "e.parquet")]) == 0
    table = pq.read_table(tmp_path / "e.parquet").to_pydict()
    places = set(zip(table["source"], table["sequence"], table["step"], strict=True))
    assert len(places) == len(table["source"]) == len(CLASSES) * (TRAIN + TEST) * COLUMNS * COLUMNS
    # The first patch ends in the second stride of rows.
    assert set(table["sequence"]) == set(range(COLUMNS)) and set(table["step"]) == set(range(1, 1 + COLUMNS))


def test_a_probe_stands_beside_pixels_and_the_network_trained_on_few_labels(trained: Path, pictures: Path) -> None:
    settings = ["--label", "class", "--seeds", "1", "--probes", "linear", "--curve", "2", "--supervised-steps", "2"]
    assert main(["probe", str(trained), str(pictures), *settings, "--supervised-curve"]) == 0
    (table,) = json.loads((trained / "probe.json").read_text())["tables"]
    named = {row["features"]: row for row in table["rows"]}
    assert {"CPC c", "CPC z", "random init c", "random init z", "pixels 16x16", "same network"} <= named.keys()
    assert named["pixels 16x16"]["accuracy"]["mean"] == 1  # the classes differ in brightness
    points = [point["labels_per_class"] for point in table["efficiency"] if point["features"] == "same network"]
    assert points == [2, None]


def test_frame_labels_are_refused(trained: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", str(trained), str(pictures), "--label", "class", "--unit", "frame", "--curve"]) == 1
    assert "a picture has a label as a whole" in capsys.readouterr().err


def test_scores_and_information_count_pictures_not_columns(trained: Path, pictures: Path, tmp_path: Path) -> None:
    assert main(["score", str(trained), str(pictures), "-o", str(tmp_path / "s.parquet")]) == 0
    table = pq.read_table(tmp_path / "s.parquet").to_pydict()
    assert np.isfinite(table["pmi"]).all() and set(table["sequence"]) == set(range(COLUMNS))
    for k in (2, 3, 4):
        of_one = [s for s, h in zip(table["source"], table["k"], strict=True) if h == k].count(table["source"][0])
        assert of_one == COLUMNS * (COLUMNS - k)
    # Columns of one picture are no independent sources.
    assert main(["information", str(trained), str(pictures)]) == 0
