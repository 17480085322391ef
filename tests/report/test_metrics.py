"""metrics.jsonl: what is read, and one test for each way in which it may be broken."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.report import metrics

from .fabricate import folder, line, lines


def written(place: Path, text: str | bytes) -> Path:
    path = place / "metrics.jsonl"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def whole() -> list[str]:
    return [json.dumps(each) for each in lines(train=7, valid=3)]


def test_arrays_hold_the_numbers_of_the_lines_in_order_of_step(tmp_path: Path) -> None:
    entries = lines(train=7, valid=3)
    run = folder(tmp_path, entries[::-1])
    read = metrics.read_metrics(run / "metrics.jsonl")
    assert read.train is not None and read.valid is not None
    trains = [each for each in entries if each["event"] == "train"]
    assert read.train.step.tolist() == [each["step"] for each in trains]
    for name in metrics.PER_HORIZON:
        assert read.train.per_k[name].tolist() == [each[name] for each in trains]
    assert len(read.valid) == 3 and read.last == 1000 and not read.torn


def test_the_later_line_of_a_repeated_step_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first, again = line("train", 10, rng), line("train", 10, rng)
    read = metrics.read_metrics(folder(tmp_path, [first, line("train", 20, rng), again]) / "metrics.jsonl").train
    assert read is not None and read.step.tolist() == [10, 20]
    assert read.per_k["bound_per_k"][0].tolist() == again["bound_per_k"] != first["bound_per_k"]


def test_null_is_a_gap_and_leaves_the_mean_of_the_rest(tmp_path: Path) -> None:
    entry = line("valid", 5, np.random.default_rng(0), horizons=(1, 2, 3))
    entry["bound_per_k"] = [1.5, None, 2.5]
    read = metrics.read_metrics(folder(tmp_path, [entry]) / "metrics.jsonl").valid
    assert read is not None and np.isnan(read.per_k["bound_per_k"][0, 1])
    assert read.mean("bound_per_k").tolist() == [2.0]
    assert np.isnan(read.single["gradient_norm"]).all()


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_torn_last_line_is_left_out(tmp_path: Path, cut: int) -> None:
    kept = "\n".join(whole()) + "\n"
    path = written(tmp_path, kept)
    before = metrics.read_metrics(path)
    read = metrics.read_metrics(written(tmp_path, kept + whole()[0][:cut]))
    assert read.torn and not before.torn
    assert read.train is not None and before.train is not None and read.train.step.tolist() == before.train.step.tolist()


def test_a_last_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    read = metrics.read_metrics(written(tmp_path, "\n".join(whole())))
    assert not read.torn and read.train is not None and read.valid is not None and len(read.train) + len(read.valid) == 10


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ('{"event": "tra', "line 3 is not JSON"),
        ("\udc80".encode("utf-8", "surrogateescape") + b"{}", "line 3 is not JSON"),
        ("[" * 100_000, "line 3 is not JSON"),
        (f'{{"event": "train", "step": {10**30}}}', "line 3 is not a metrics line"),
        ('{"event": "train", "step": true}', "line 3 is not a metrics line"),
        ("[1, 2]", "line 3 is not a metrics line"),
        ("null", "line 3 is not a metrics line"),
        ('{"event": "train"}', "line 3 is not a metrics line"),
        ('{"event": "party", "step": 3}', "event among train, valid, warning"),
        ('{"event": "train", "step": 1, "horizons": [1]}', "line 3 loss_per_k, bound_per_k"),
        (json.dumps(line("train", 999, np.random.default_rng(0), horizons=(1, 2))), "line 3 the horizons must be"),
        (
            json.dumps(line("train", 1, np.random.default_rng(0)) | {"bound_per_k": ["x"] * 12}),
            "line 3 bound_per_k is not made of",
        ),
        (
            json.dumps(line("train", 1, np.random.default_rng(0)) | {"gradient_norm": "much"}),
            "line 3 gradient_norm is not made of",
        ),
    ],
)
def test_a_damaged_line_in_the_middle_is_left_out_and_named(tmp_path: Path, damage: str | bytes, told: str) -> None:
    good = whole()
    text = damage.encode() if isinstance(damage, str) else damage
    path = written(tmp_path, "\n".join(good[:2]).encode() + b"\n" + text + b"\n" + "\n".join(good[2:]).encode() + b"\n")
    read = metrics.read_metrics(path)
    assert read.train is not None and read.valid is not None and (len(read.train), len(read.valid)) == (7, 3)
    (said,) = read.damaged
    assert told in said and not read.torn


def test_a_damaged_first_line_does_not_set_the_horizons(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    entries = [line("train", 1, rng, horizons=(1, 2)), *lines(train=7, valid=3)]
    read = metrics.read_metrics(folder(tmp_path, entries) / "metrics.jsonl")
    assert read.train is not None and len(read.train.horizons) == 12 and len(read.train) == 7 and len(read.damaged) == 1


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "metrics.jsonl")
    with pytest.raises(CPCError, match="it is not a file; check"):
        metrics.read_metrics(tmp_path / "metrics.jsonl")


@pytest.mark.parametrize("text", ["", "\n\n", '{"event": "warning", "step": 1, "reason": "slow"}\n', '{"event"'])
def test_a_log_without_a_known_line_is_empty(tmp_path: Path, text: str) -> None:
    read = metrics.read_metrics(written(tmp_path, text))
    assert read.splits == {} and read.best is None and read.last == 0
    assert read.torn == (text == '{"event"') and len(read.warnings) == ("slow" in text)


def test_a_missing_file_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match=r"no metrics\.jsonl in .*RUN folder that cpc train has written"):
        metrics.read_metrics(tmp_path / "metrics.jsonl")
