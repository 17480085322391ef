"""metrics.jsonl as a run goes on from it: torn and foreign lines are left out, and a disk that refuses ends the run in one line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from torchcpc.contracts import CPCError
from torchcpc.training.health import warnings
from torchcpc.training.record import Record, ignore

GOOD = [
    {"event": "train", "step": 1, "loss": 2.5},
    {"event": "valid", "step": 2, "bound": 0.5, "ceiling_per_k": [5.0, None]},
    {"event": "warning", "step": 2, "reason": "collapse: of z"},
    {"event": "valid", "step": 4, "bound": None, "ceiling_per_k": [None]},
]
FOREIGN = [
    "",
    "{",
    "[" * 100_000,
    "null",
    "[1]",
    '{"step": 1}',
    '{"event": "valid", "step": 1}\0',
    '{"event": "train", "step": "1"}',
    '{"event": "train", "step": true}',
    '{"event": ["train"], "step": 1}',
    '{"event": "valid", "step": 1}',
    '{"event": "valid", "step": 1, "bound": "x"}',
    '{"event": "valid", "step": 1, "bound": [1]}',
    f'{{"event": "valid", "step": 1, "bound": {10**400}}}',
    '{"event": "valid", "step": 1, "bound": 1.5, "ceiling_per_k": 5}',
    '{"event": "valid", "step": 1, "bound": 1.5, "rank_z": {}}',
    '{"event": "warning", "step": 1}',
    '{"event": "warning", "step": 1, "reason": 5}',
]


@pytest.mark.parametrize("line", FOREIGN)
def test_a_line_that_is_none_of_ours_is_left_out(tmp_path: Path, line: str) -> None:
    path, lines = tmp_path / "metrics.jsonl", [json.dumps(entry) for entry in GOOD]
    path.write_text("\n".join([lines[0], line, *lines[1:]]) + "\n")
    record = Record(tmp_path, ignore)
    record.rewind(4)
    assert path.read_text() == "".join(f"{line}\n" for line in lines)
    assert record.warned == {"collapse"} and record.stale == 1
    assert [entry["step"] for entry in record.validations] == [2, 4] and math.isnan(record.validations[1]["bound"])
    assert warnings([{**entry, "rank_z": None} for entry in record.validations]) == []


def test_bytes_that_are_no_text_and_a_torn_end_are_left_out(tmp_path: Path) -> None:
    lines = [json.dumps(entry).encode() for entry in GOOD]
    (tmp_path / "metrics.jsonl").write_bytes(lines[0] + b"\n\xff\xfe\n" + lines[1] + b"\n" + lines[2][:20])
    record = Record(tmp_path, ignore)
    record.rewind(4)
    assert (tmp_path / "metrics.jsonl").read_bytes() == lines[0] + b"\n" + lines[1] + b"\n"


def test_a_folder_in_its_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(CPCError, match="metrics.jsonl is not a file. Move it away"):
        Record(tmp_path, ignore).rewind(4)
    with pytest.raises(
        CPCError, match="cannot write .*metrics.jsonl: Is a directory. The last checkpoint is kept.*resume the run"
    ):
        Record(tmp_path, ignore).event("train", 1, {})
