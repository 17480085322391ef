"""What `cpc information X Y` prints, in every format."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest

from torchcpc.cli import main
from torchcpc.contracts import Result
from torchcpc.mutual.table import MutualInformation
from torchcpc.results import Interval

DETAIL = {"bits": 0.5, "lower_bound": 0.25, "ceiling": 4.75, "candidates": 103, "independent_rows": 31.5}
FOUND = MutualInformation.of(
    Result("mutual information", 0.375, "nats", 307, 0.0, 0.625, {**DETAIL, "method": "copula", "warnings": ("odd", "few")})
)


def test_text_and_json() -> None:
    assert MutualInformation.from_json(FOUND.to_json()) == FOUND and FOUND.information == Interval(0.375, 0.0, 0.625)
    assert " ".join(FOUND.text().split("\n")) == (
        "warning: odd warning: few I(x; y) = 0.375 nats (0.000 to 0.625, no 95 % interval, because the rows depend on one another) = "
        "0.500 bits, n = 307 lower bound 0.250 nats, its ceiling log 103 = 4.75; copula"
    )
    assert max(map(len, FOUND.text().split("\n"))) <= 100


def test_the_command_writes_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / "x.npy", tmp_path / "y.npy"]
    x, noise = np.random.default_rng(0).normal(size=(2, 211))
    for file, values in zip(files, (x, x + noise), strict=True):
        np.save(file, values)

    def said(form: str) -> str:
        assert main(["information", *map(str, files), "--format", form]) == 0
        return capsys.readouterr().out

    read = MutualInformation.from_json(json.loads(said("json")))
    (row,) = csv.DictReader(io.StringIO(said("csv")))
    assert float(row["information"]) == read.information.mean == pytest.approx(read.bits * math.log(2))
    assert int(row["n"]) == read.n == 211 and float(row["information_low"]) == read.information.low
    assert f"I(x; y) = {read.information.mean:.3f} nats" in said("markdown")
