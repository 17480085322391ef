"""`cpc probe --test-on COLUMN`: every value of a column in turn, penalties selected across the others, frames standardised by it."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tests.commands.tiny import train
from torchcpc.cli import main


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Three speakers of three tones, each louder or softer and higher or lower; a label says which of the tones it is."""
    root = tmp_path_factory.mktemp("voices")
    lines, generator = ["path,speaker,tone"], np.random.default_rng(0)
    for speaker, (level, height) in enumerate([(0.02, 1.0), (0.1, 1.1), (0.4, 1.2)]):
        for tone, hz in enumerate([300, 900, 2700]):
            for take in range(7):
                phase, name = generator.uniform(0, 6), f"s{speaker}/{tone}-{take}.wav"
                wave = level * np.sin(2 * np.pi * hz * height * np.arange(4001) / 16_000 + phase)
                (root / f"s{speaker}").mkdir(exist_ok=True)
                sf.write(root / name, wave + 0.001 * generator.normal(size=4001), 16_000)
                lines.append(f"{name},s{speaker},{tone}")
    (root / "labels.csv").write_text("\n".join(lines), encoding="utf8")
    run = root.parent / "run"
    assert train(run, root) == 0
    return run, root


def table_of(run: Path) -> dict:
    return json.loads((run / "probe.json").read_text(encoding="utf8"))["tables"][-1]


def test_every_speaker_is_tested_once(voices: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    run, data = voices
    asked = ["probe", str(run), str(data), "--label", "tone", "--probes", "linear", "--seeds", "1", "--supervised-steps", "3"]
    asked += ["--baselines", "log-mel", "--curve", "2"]
    across = ["--validate-across", "speaker", "--standardise-by", "speaker"]
    assert main([*asked, "--test-on", "speaker", *across]) == 0
    assert "the test part is each speaker in turn" in " ".join(capsys.readouterr().out.split())
    whole = table_of(run)
    assert (whole["train"], whole["validation"], whole["test"]) == (21, 21, 63)
    split = whole["split"]
    assert (split["kind"], split["column"], split["value"]) == ("test_on", "speaker", "")
    assert (split["validate_across"], split["standardised_by"]) == ("speaker", "speaker")
    each = []
    for speaker in ("s0", "s1", "s2"):
        assert main([*asked, "--test-on", f"speaker={speaker}", *across]) == 0
        each.append(table_of(run))
    for number, row in enumerate(whole["rows"]):
        assert row["accuracy"]["mean"] == pytest.approx(np.mean([part["rows"][number]["accuracy"]["mean"] for part in each]))
        assert row["penalties"] == [penalty for part in each for penalty in part["rows"][number]["penalties"]]
    assert {point["labels_per_class"] for point in whole["efficiency"]} == {2, None}
    levelled = next(row["accuracy"]["mean"] for row in whole["rows"] if row["features"] == "log-mel")
    assert levelled > 0.75  # tones lie two octaves apart, speakers a quarter of one


def test_what_cannot_be_left_out_is_named(voices: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    run, data = voices
    asked = ["probe", str(run), str(data), "--label", "tone"]
    assert main([*asked, "--test-on", "town"]) == 1
    assert "test on 'town': none of these sources" in capsys.readouterr().err
    assert main([*asked, "--test-on", "speaker=s0", "--validate-across", "town"]) == 1
    assert "validate across 'town': none of these sources" in capsys.readouterr().err
