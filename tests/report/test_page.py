"""report.html: whole, self-contained, safe with hostile names, and helpful where parts are missing."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from torchcpc.anomalies.result import AnomalyRow, AnomalyTable
from torchcpc.probes.result import Split
from torchcpc.report import build_report
from torchcpc.report.summary import amount
from torchcpc.results import Interval
from torchcpc.segmentation.result import SegmentQuality, SegmentRow, SegmentTable

from .fabricate import folder, full, information, layout, lines, ranking, table, timeline

DRAWN = {"path", "use", "text", "g", "rect"}
VOID = {"meta", "link", "br", "hr", "img", "input"}
SHORT = {"label": "a", "points": [[1, 2]], "labels": []}
HOSTILE = '<script>alert("x")</script>\n$\\frac{1$ ]]> -- ü \udcff'


class Page(HTMLParser):
    """The page's structure: raises on a tag that is closed out of turn, and collects what tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> while {self.open[-3:]} are open"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\N{NO-BREAK SPACE}", " ").split())

    def count(self, tag: str) -> int:
        return sum(each == tag for each, _ in self.tags)


def page(run: Path) -> tuple[str, Page]:
    path = build_report(run)
    assert path == run / "report.html"
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Page]:
    return page(full(tmp_path_factory.mktemp("runs") / "speech-waveform"))


def test_full_page_says_it_in_words(whole: tuple[str, Page]) -> None:
    text = whole[1].text
    for said in (
        "CPC run: speech-waveform",
        "This run trained recipe speech-waveform for 20,000 steps on 1,500 recordings (11 min) of 6 groups.",
        "On validation data the best mean bound, at step",
        "of at most 6.23 nats (8.99 bits)",
        "At k = 1 the true step came first among 509 candidates",
        "At k = 12 the true step came first among 509 candidates",
        "Probe for digit (300 test recordings): 98.1 % from CPC c, MLP (95 % interval 97.4 % to 98.8 %), "
        "against 87.4 % from log-mel means",
        "gradient clipped from 41.2 to 5 (step 30, and 2 times more)",
        "Skipped files or rows: 211; notes on the data: 3.",
        "What was read 1,500 recordings (11 min) of 6 groups. Skipped 140 files",
        "All that was skipped (211) The first 200 are listed.",
        "140 files, for instance audio/take 0001.wav: shorter than one window",
        "3 files, for instance audio/take 0000.wav: the header declares 0 frames more",
        "settings.encoder.strides [5, 4, 2, 2, 2]",
        "torch 2.13.0",
    ):
        assert said in text, said


def test_every_result_stands_on_the_page_with_its_tables(whole: tuple[str, Page]) -> None:
    text, read = whole
    for result in (timeline(), ranking(), information(), table("digit", 0.1), table("speaker", 1 / 6)):
        for own in result.tables():
            assert own.html() in text, own.caption
    for cell in ("23.1 (19.1 to 27.1)", "0.371 (0.341 to 0.401)", "17.2 (14.8 to 19.8)", "0.052"):
        assert cell in read.text, cell
    for title in ("How expected each step was", "Can the scores be read as numbers?", "Map of embeddings by digit"):
        assert f'aria-label="{title}"' in text


def test_boundaries_and_alarms_stand_on_the_page(tmp_path: Path) -> None:
    sides = SegmentQuality(0.5, 0.6, Interval(0.55, 0.5, 0.6), 0.2, Interval(0.61, 0.55, 0.67))
    rows = (SegmentRow("surprise", "cpc", "validation", 1, sides, sides, (0.3,)),)
    segments = SegmentTable(0.02, 1, 1, 10, 20, 300, Split("random"), rows)
    alarms = AnomalyTable(0.99, "", 4, 5, (AnomalyRow("surprise", "cpc", 3.25, 0.0125),))
    text, _ = page(folder(tmp_path / "run", lines(train=2, valid=2), segments, alarms))
    for own in (*segments.tables(), *alarms.tables()):
        assert own.html() in text, own.caption


def test_numbers_of_the_best_validation_stand_in_the_table(tmp_path: Path) -> None:
    entries = lines(train=3, valid=5)
    valid = [each for each in entries if each["event"] == "valid"]
    best = max(valid, key=lambda each: each["bound"])
    assert best is not valid[-1]
    _, read = page(folder(tmp_path / "run", entries))
    for name in ("bound_per_k", "loss_per_k"):
        for value in best[name]:
            assert f"{value:.3f}" in read.text
    assert f"{best['bound']:.2f} nats" in read.text and f"at step {best['step']:,}, was" in read.text


def test_page_asks_nothing_of_the_network_or_of_scripts(whole: tuple[str, Page]) -> None:
    text, read = whole
    assert "http://" not in text and "https://" not in text and "@import" not in text
    assert read.count("script") == read.count("iframe") == read.count("img") == 0
    for tag, attributes in read.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "src", "xlink:href", "data"):
                assert (value or "").startswith("#") or (tag, value) == ("link", "data:,"), (tag, value)
    assert all(reference.startswith("#") for reference in re.findall(r"url\(([^)]*)\)", text))
    assert "default-src 'none'" in text


def test_ids_are_unique_and_references_lead_somewhere(whole: tuple[str, Page]) -> None:
    text, read = whole
    ids = [str(attributes["id"]) for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', text)
    assert wanted and {a or b for a, b in wanted} <= set(ids)


def test_structure(whole: tuple[str, Page]) -> None:
    text, read = whole
    assert text.lstrip().startswith("<!DOCTYPE html>")
    assert read.count("main") == read.count("h1") == 1
    # mean, two profiles, bound and accuracy of two splits, loss; two of each table; map; ranks and gradient; timeline; information
    assert read.count("svg") == read.count("figure") == read.count("figcaption") == 8 + 4 + 1 + 2 + 1 + 3
    labels = [attributes.get("aria-label") for tag, attributes in read.tags if tag == "svg"]
    assert all(labels)
    assert "font-family" in text and "DejaVu Sans" in text and "<metadata" not in text
    assert len(text) < 2_000_000


def test_colours_follow_the_theme(whole: tuple[str, Page]) -> None:
    styles = [str(attributes["style"]) for tag, attributes in whole[1].tags if "style" in attributes and tag in DRAWN]
    assert any("var(--k0)" in style for style in styles) and any("var(--ink)" in style for style in styles)
    assert [style for style in styles if re.search(r"#[0-9a-f]{3,8}\b", style.replace("url(#", ""))] == []


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    first, again = (build_report(full(tmp_path / place / "run")).read_bytes() for place in ("a", "b"))
    assert first == again


def test_hostile_names_are_text(tmp_path: Path) -> None:
    entry = table(HOSTILE, 0.1)
    entry = replace(
        entry,
        unit=HOSTILE,
        rows=tuple(replace(row, features=HOSTILE, probe=HOSTILE) for row in entry.rows),
        efficiency=tuple(replace(point, features=HOSTILE) for point in entry.efficiency[:7]),
        differences=(replace(entry.differences[0], against=HOSTILE),),
        map=replace(layout("phone", 5, 100), label=HOSTILE, labels=tuple(HOSTILE + str(i % 5) for i in range(100))),
    )
    read_out = replace(timeline(), source=HOSTILE, marks=((3, HOSTILE),))
    run = folder(
        tmp_path / '<script>alert("x")<',
        [*lines(train=3, valid=2), {"event": "warning", "step": 2, "reason": HOSTILE}],
        *(entry, read_out, replace(ranking(), origin=HOSTILE), replace(information(), cautions=(HOSTILE,))),
        settings={"recipe": HOSTILE, "settings": {HOSTILE: HOSTILE}, "versions": {HOSTILE: [HOSTILE]}, "data": HOSTILE},
        skipped=[{"path": HOSTILE, "reason": HOSTILE}],
        notes=[{"path": HOSTILE, "reason": HOSTILE}],
    )
    text, read = page(run)
    assert read.count("script") == 0 and "<script" not in text
    assert read.text.count('<script>alert("x")</script>') >= 10
    assert "\\udcff" in text and "\udcff" not in text


@pytest.mark.parametrize(
    "settings", [None, {}, {"data": {"hours": 3}}, {"settings": {"a": {}, "b": []}, "versions": {}}, {"versions": "old"}]
)
def test_minimal_run_names_the_commands_that_add_the_rest(tmp_path: Path, settings: dict | None) -> None:
    files = {} if settings is None else {"settings": settings}
    _, read = page(folder(tmp_path / "run", lines(train=2, valid=0), **files))
    for said in ("cpc probe RUN DATA --label", "no validation lines", "split.validation=0.1", "There is no skipped.json"):
        assert said in read.text, said
    assert ("There is no settings.json" in read.text) == (not settings)
    assert "lower bound on what the context says" not in read.text, "training data bounds nothing"


def test_parts_of_a_probe_may_be_missing(tmp_path: Path) -> None:
    bare = replace(table("digit", 0.1), differences=(), efficiency=())
    _, read = page(folder(tmp_path / "a", lines(train=2, valid=2), bare, skipped=[]))
    assert "Nothing: every file was read." in read.text and "98.1 %" in read.text and read.text.count("Map of") == 0
    _, read = page(folder(tmp_path / "b", lines(train=2, valid=2), replace(bare, rows=(), chance=math.nan)))
    assert "no rows" in read.text and "chance is" not in read.text


def test_trouble_is_told_first(tmp_path: Path) -> None:
    entries = [*lines(train=4, valid=2), {"event": "warning", "step": 250, "reason": "collapse: rank 1.2"}]
    entries[1]["loss_per_k"] = [None] * 12
    run = folder(tmp_path / "run", entries)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"event": "tra')
    text, read = page(run)
    assert "3 warnings collapse: rank 1.2 (step 250) 1 training line of 4 held a value that is not a finite number" in read.text
    assert "last line of metrics.jsonl was cut short" in read.text
    assert text.index("collapse: rank") < text.index("Training steps") < text.index("<svg")


def test_a_bound_near_its_ceiling_is_called_so(tmp_path: Path) -> None:
    entry = next(each for each in lines(train=1, valid=1) if each["event"] == "valid")
    entry["bound_per_k"] = [6.0] * 12
    assert "limited by N" in page(folder(tmp_path / "run", [entry]))[1].text
    assert "limited by N" not in page(folder(tmp_path / "far", lines(train=1, valid=1)))[1].text


def test_number_of_candidates_is_exact_only_where_it_is_constant(tmp_path: Path) -> None:
    entries = lines(train=0, valid=1)
    assert "among 509 candidates" in page(folder(tmp_path / "run", entries))[1].text
    entries[0]["chance_per_k"] = [1.1 / 509] * 12  # the mean of 1/N exceeds 1/exp(mean log N) where N varies
    assert "among about 509 candidates" in page(folder(tmp_path / "varies", entries))[1].text


def test_what_has_no_clock_is_no_recording() -> None:
    assert amount({"recordings": 45, "hours": 0.0, "groups": 45}) == "45 sources"
    assert amount({"recordings": 45, "hours": 0.0, "groups": 7}) == "45 sources of 7 groups"
    assert amount({"recordings": 6, "hours": 0.182, "groups": 6}) == "6 recordings (11 min)"
    assert (
        amount({"recordings": 7500, "trained": 5700, "hours": 0.0, "groups": 7500})
        == "7,500 sources, 5,700 of them for training"
    )
    assert amount({}) == ""
