"""The results that a run folder keeps: what comes back, what replaces what, and what is refused."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.probes.result import Split
from torchcpc.report.results import RunFolder, check_kept, keep, read_folder

from .fabricate import folder, information, layout, lines, ranking, table, timeline


def read(place: Path) -> RunFolder:
    """The folder, once it has metrics."""
    return read_folder(folder(place, lines(train=1, valid=1)))


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    for result in (ranking(), information(), timeline(), table("digit", 0.1, map=layout("digit", 10))):
        assert keep(tmp_path, result).parent == tmp_path
    found = read(tmp_path)
    assert found.problems == () and found.segments is None and found.anomalies is None
    assert repr(found.ranking) == repr(ranking()) and repr(found.information) == repr(information())
    assert found.timeline is not None and found.timeline.to_json() == timeline().to_json()
    assert np.isnan(found.timeline.pmi[1, :2]).all()
    (probe,) = found.probes
    assert probe.map is not None and probe.map.points.tolist() == layout("digit", 10).points.tolist()
    assert replace(probe, map=None) == table("digit", 0.1)


def test_a_probe_replaces_the_one_of_the_same_question(tmp_path: Path) -> None:
    first, speaker = table("digit", 0.1), table("speaker", 0.25)
    others = [speaker, replace(first, unit="frame"), replace(first, test=299), replace(first, split=Split("folds", folds=5))]
    again = replace(first, chance=0.125, train=3)
    for result in (first, *others, again):
        keep(tmp_path, result)
    assert list(read(tmp_path).probes) == [*others, again]
    content = json.loads((tmp_path / "probe.json").read_text())
    assert content["format"] == 2 and [entry["label"] for entry in content["tables"]] == ["speaker", *["digit"] * 4]


@pytest.mark.parametrize(
    "content", ['{"tables": [], "map": {}}', '{"format": 3, "tables": []}', "{", '{"format": 2, "tables": [{}]}']
)
def test_a_probe_file_of_another_format_is_kept_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "probe.json"
    path.write_text(content)
    for refused in (lambda: check_kept(tmp_path), lambda: keep(tmp_path, table("digit", 0.1))):
        with pytest.raises(CPCError, match=r"probe\.json") as caught:
            refused()
        assert "\n" not in str(caught.value)
    assert path.read_text() == content
    found = read(tmp_path)
    assert found.probes == () and len(found.problems) == 1 and "probe.json" in found.problems[0]


def test_what_is_replaced_whole_need_not_be_readable(tmp_path: Path) -> None:
    (tmp_path / "ranking.json").write_text("{")
    check_kept(tmp_path / "new")
    keep(tmp_path, ranking())
    assert read(tmp_path).ranking == ranking()


def test_checking_loads_nothing_heavy() -> None:
    code = (
        "import sys, torchcpc.report.results; print(*{'torch', 'matplotlib', 'sklearn', 'jinja2', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
