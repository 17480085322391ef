"""What cannot be read is said once a command, however often the data are opened, and rows are called rows, with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.test_probe_text import labelled, runs, write_table
from tests.commands.tiny import make_recordings
from torchcpc.api import load
from torchcpc.cli import main

__all__ = ["runs"]


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    folder = make_recordings(tmp_path / "rec")
    (folder / "speaker0/bad.wav").write_bytes(b"RIFFxx")
    return folder


@pytest.mark.parametrize("command", ["segment --alignment", "rank --seed-runs", "embed"])
def test_a_skipped_file_is_said_once(trained: Path, damaged: Path, tmp_path: Path, capsys, command: str) -> None:
    spans = [f"{n},{0.1 * a:.1f},{0.1 * a + 0.1:.1f},{'xy'[a]}\n" for n in range(6) for a in range(2)]
    (tmp_path / "phones.csv").write_text("Recording,start_s,end_s,phone\n" + "".join(spans), encoding="utf8")
    more = {"segment": ["--alignment", str(tmp_path / "phones.csv"), "-o", str(tmp_path / "b.csv"), "--samples", "64"]}
    more |= {"rank": ["--seed-runs", str(trained)], "embed": ["-o", str(tmp_path / "e.npz")]}
    assert main([(name := command.split()[0]), str(trained), str(damaged), *more[name]]) == 0
    err = capsys.readouterr().err
    assert err.count("skipped 1 of 7 files:") == 1 and err.count("bad.wav") == 1
    assert ("column 'Recording': it is read as 'recording'" in err) == (name == "segment")


def test_skipped_rows_are_rows_with_their_lines(runs: list[Path], tmp_path: Path, capsys) -> None:
    lines = [*labelled(29), ("up", " "), ("down", "")]
    table = write_table(tmp_path / "s.tsv", lines)
    assert main(["embed", str(runs[0]), str(table), "-o", str(tmp_path / "e.npz")]) == 0
    err = capsys.readouterr().err
    assert "skipped 2 of 31 rows:" in err and f"2 rows, for instance {table}, line 31: empty text" in err
    names = [Path(skip.path).name for skip in load(runs[0]).open(table).skipped]
    assert names == ["s.tsv, line 31", "s.tsv, line 32"]
