"""Every pair of the table of exclusions is refused with its reason, from Python and from the command line, and the help names it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from torchcpc.cli import main
from torchcpc.contracts import CPCError
from torchcpc.data.alignment import Alignment
from torchcpc.data.arrays import Arrays, Item
from torchcpc.probes.exclusions import EXCLUSIONS, Exclusion, check_exclusions, help_text
from torchcpc.probes.question import ProbeRows, ProbeSpec, settled

# Option -> its words on the command line, its field of a specification or of the rows, and a value.
OPTIONS = {
    "--folds": (["--folds", "3"], "folds", 3),
    "--alignment": (["--alignment", "phones.csv"], "alignment", Alignment((), {})),
    "--unit frame": (["--unit", "frame"], "unit", "frame"),
    "--unit recording": (["--unit", "recording"], "unit", "recording"),
    "--delay": (["--delay", "0.5"], "delay_s", 0.5),
    "--every": (["--every", "7"], "every", 7),
    "--per-event": (["--per-event"], "per_event", True),
    "--clip-seconds": (["--clip-seconds", "2"], "clip_seconds", 2.0),
    "--within": (["--within", "0.5"], "within", 0.5),
    "--test-on": (["--test-on", "who"], "test_on", "who"),
    "--test-data": (["--test-data", "."], "test_data", ["."]),
    "--validate-across": (["--validate-across", "who"], "validate_across", "who"),
    "--validation": (["--validation", "0.3"], "validation", 0.3),
    "--standardise-by": (["--standardise-by", "who"], "standardise_by", "who"),
    "--class-weight": (["--class-weight", "balanced"], "class_weight", "balanced"),
    "--probes MLP": (["--probes", "MLP"], "probes", ["MLP"]),
    "--curve": (["--curve", "1"], "curve", [1]),
    "--supervised-curve": (["--supervised-curve"], "supervised_curve", True),
}
PAIRS = [pytest.param(pair, id=f"{pair.one} {pair.other}") for pair in EXCLUSIONS]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair_is_refused_from_python(pair: Exclusion) -> None:
    given = {field: value for _, field, value in (OPTIONS[pair.one], OPTIONS[pair.other])}
    rows = {name: given.pop(name) for name in ("probes", "curve", "supervised_curve") if name in given}
    sources = Arrays([np.zeros((3, 1), np.float32)], [Item("0", "all")])
    with pytest.raises(CPCError) as refused:
        settled(ProbeSpec("who", **given), ProbeRows(**rows), sources)
    assert f"{pair.one} and {pair.other}: {pair.reason}. Leave one of them out." in str(refused.value)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair_is_refused_from_the_command_line_before_a_run_is_loaded(
    pair: Exclusion, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = [word for option in (pair.one, pair.other) for word in OPTIONS[option][0]]
    assert main(["probe", str(tmp_path / "none"), "--label", "who", *words]) == 1
    assert f"{pair.one} and {pair.other}: {pair.reason}" in capsys.readouterr().err


def test_the_help_names_every_pair(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["probe", "--help"])
    said = capsys.readouterr().out
    assert help_text() in said
    assert max(map(len, help_text().splitlines())) < 80
    for one, other, _ in EXCLUSIONS:
        (own,) = [line for line in help_text().split("\n  --") if line.startswith(f"{one.removeprefix('--')} with ")]
        assert other in " ".join(own.split())


def test_other_pairs_are_allowed() -> None:
    listed = {frozenset(pair[:2]) for pair in EXCLUSIONS}
    for one in OPTIONS:
        for other in OPTIONS:
            if frozenset((one, other)) not in listed:
                check_exclusions({one, other})
