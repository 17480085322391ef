"""report.html and the files it is made of: replaced whole, and made also where some of them cannot be read."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from torchcpc.contracts import CPCError
from torchcpc.report import build_report
from torchcpc.report.results import FILES

from .fabricate import folder, layout, lines, ranking, table, timeline
from .test_page import SHORT, page


def test_old_page_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", lines(train=2, valid=0))
    (run / "report.html").write_text("old")
    text, _ = page(run)
    assert "old" != text and sorted(each.name for each in run.iterdir()) == ["metrics.jsonl", "report.html"]


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", lines(train=2, valid=0))
    (run / "report.html").mkdir()
    with pytest.raises(CPCError, match=r"cannot write .*report\.html"):
        build_report(run)
    assert sorted(each.name for each in run.iterdir()) == ["metrics.jsonl", "report.html"]


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match=r"no run folder .*nowhere: give the folder that cpc train wrote"):
        build_report(tmp_path / "nowhere")
    with pytest.raises(CPCError, match=r"no metrics\.jsonl in"):
        build_report(tmp_path)
    (tmp_path / "settings.json").write_text("{}")
    assert build_report(tmp_path).exists(), "a run that was stopped before its first line"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("settings", "{", "JSON"),
        ("settings", "[1]", "object"),
        ("skipped", '[{"path": "a"}]', "path and reason"),
        ("skipped", '{"path": "a"}', "path and reason"),
        ("notes", '["a"]', "path and reason"),
        ("probe", "[]", "format None"),
        ("probe", '{"tables": [], "map": null}', "format 2"),
        ("probe", '{"format": 2, "tables": [{"label": "x"}]}', "ProbeTable"),
        ("information", "{", "JSON"),
        ("information", '{"format": 1}', "format 2"),
        ("timeline", '{"format": 2, "result": "Timeline", "source": 3}', "source"),
        ("timeline", json.dumps(timeline().to_json() | {"pmi": [[1.0, 2.0]]}), "shape"),
        ("timeline", json.dumps(timeline().to_json() | {"pmi": {"a": 1}}), "damaged"),
        (
            "probe",
            json.dumps({"format": 2, "tables": [table("a", 0.5, map=layout("a", 2)).to_json() | {"map": SHORT}]}),
            "shape",
        ),
        ("ranking", '{"format": 2, "result": "InformationTable"}', "RankTable"),
        ("segments", '{"format": 0, "result": "SegmentTable"}', "format 1"),
        ("anomalies", "[]", "AnomalyTable"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_warning_and_the_rest_stands(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    others = [result for result in (ranking(), timeline()) if name not in FILES[type(result)]]
    run = folder(tmp_path / "run", lines(train=1, valid=1), *others)
    (run / f"{name}.json").write_text(content)
    text, read = page(run)
    (alert,) = re.findall(r"<li>(.*?)</li>", text[text.index('role="alert"') : text.index('class="tiles"')])
    assert f"{name}.json" in alert and words in html.unescape(alert)
    assert all(own.html() in text for result in others for own in result.tables())


def test_no_torch_is_needed(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", lines(train=2, valid=2))
    code = "import sys; from torchcpc.report import build_report; build_report(sys.argv[1]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "matplotlib.figure" in modules and not modules & {"torch", "sklearn", "matplotlib.pyplot"}
