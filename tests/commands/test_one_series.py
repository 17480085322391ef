"""One source is enough: it is cut in time for training and asked whole."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.commands.test_series import SMALL
from tests.data.noise import write
from torchcpc.cli import main
from torchcpc.data.audio.recordings import scan
from torchcpc.data.series.series import scan_series
from torchcpc.runs.run import load_run

ROWS = 331


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, folder = np.random.default_rng(3), tmp_path_factory.mktemp("machine")
    faults = (np.arange(ROWS) % 53 > 47).astype(int)
    rows = zip(np.arange(ROWS) * 0.5, rng.normal(size=ROWS).cumsum(), rng.normal(size=ROWS), faults, strict=True)
    (folder / "machine.csv").write_text(
        "time,flow,temp,anomaly\n" + "".join(f"{t},{a:.4f},{b:.4f},{f}\n" for t, a, b, f in rows)
    )
    assert main(["train", "series", *SMALL, "--data", str(folder / "machine.csv"), "-o", str(folder / "run")]) == 0
    return folder


def test_a_single_series_is_cut_in_time_and_split(machine: Path) -> None:
    run = load_run(machine / "run")
    own, parts = run.open(), run.parts()
    assert len(own) > 2 and sum(own.length(i) for i in range(len(own))) == ROWS
    whole = scan_series([machine / "machine.csv"], row_labels=["anomaly"])
    np.testing.assert_array_equal(np.concatenate([own.read(i, 0, ROWS) for i in range(len(own))]), whole.read(0, 0, ROWS))
    assert parts.train and parts.validation and not parts.unseen
    assert [item.part_of for item in own.items] == ["machine.csv"] * len(own) and own.items[1].begin_s == own.length(0) * 0.5


def test_what_is_asked_of_its_data_is_asked_of_stretches_it_did_not_train_on(
    machine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, data = str(machine / "run"), str(machine / "machine.csv")
    assert main(["anomalies", run, "--label", "anomaly", "-o", str(tmp_path / "a.parquet")]) == 0
    kept = load_run(run)
    scored = set(pq.read_table(tmp_path / "a.parquet")["source"].to_pylist())
    trained = {kept.open().items[i].key for i in kept.parts().train}
    assert scored and not scored & trained
    assert main(["embed", run, data, "-o", str(tmp_path / "e.parquet")]) == 0
    table = pq.read_table(tmp_path / "e.parquet")
    assert set(table["source"].to_pylist()) == {"machine.csv"} and len(table) == ROWS
    capsys.readouterr()


def test_stretches_of_a_recording_are_those_of_the_whole(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 48_017, seed=5)
    whole = scan([tmp_path])
    cut = whole.divided(0, [0, 7_001, 29_009])
    found = np.concatenate([cut.read(i, 0, 99_999) for i in range(3)])
    np.testing.assert_array_equal(found, whole.read(0, 0, 99_999))
    assert [item.key for item in cut.items] == ["a.wav@0-7001", "a.wav@7001-29009", "a.wav@29009-48017"]
