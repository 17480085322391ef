"""report.html: whole, self-contained, safe with hostile names, and helpful where parts are missing."""

import html
import json
import math
import re
import struct
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from torchcpc.report import build_report
from torchcpc.report.glossary import TERMS, occurring, plain_text
from torchcpc.report.summary import amount
from torchcpc.text_table import distinct

from .fabricate import anomalies, folder, full, information, layout, lines, ranking, segments, table, timeline

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
        "Probe for digit per recording (300 test rows): 97.3 % from CPC c (linear); better than the best handmade features "
        "(+9.9 points, +8.3 to +11.7).",
        "Probe for digit per recording, normalised per speaker (300 test rows): 97.3 %",
        "gradient clipped from 41.2 to 5 (step 30, and 2 times more)",
        "Skipped files or rows: 211; notes on the data: 3.",
        "1,500 recordings (11 min) of 6 groups. Skipped 140 files",
        "All that was skipped (211) The first 200 are listed.",
        "140 files, for instance audio/take 0001.wav: shorter than one window",
        "3 files, for instance audio/take 0000.wav: the header declares 0 frames more",
        "settings.encoder.strides [5, 4, 2, 2, 2]",
        "torch 2.13.0",
    ):
        assert said in text, said


def test_every_result_stands_on_the_page_with_its_tables(whole: tuple[str, Page]) -> None:
    text, read = whole
    probes = table("digit", 0.1), table("speaker", 1 / 6)
    for result in (timeline(), ranking(), information(), *probes, segments(), anomalies()):
        for own in distinct(result.tables()):
            assert own.html() in text, own.caption
    assert "CPC c closes 94 (91 to 96) % of the gap from random init c to same network." in read.text
    assert "<summary>Gap closed</summary>" in text
    for cell in ("23.1 (19.1 to 27.1)", "0.371 (0.341 to 0.401)", "17.2 (14.8 to 19.8)", "0.052"):
        assert cell in read.text, cell
    for title in (
        "PMI along books/emma.txt",
        "R-value of each curve",
        "Series pumps/7.csv",
        "Can the scores be read as numbers?",
        "Map of embeddings by digit",
    ):
        assert f'aria-label="{title}"' in text


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
    # bound over steps and over k, and both in detail; ranks and gradient; information; timeline; ranking; two of each probe and two
    # maps; two of boundaries; two series
    assert read.count("svg") == read.count("figure") == read.count("figcaption") == 4 + 2 + 3 + 1 + 1 + 6 + 2 + 2 + 2
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
    assert "Not measured yet (6)" in read.text


def test_headings_are_in_order_and_the_contents_lead_to_every_card(whole: tuple[str, Page]) -> None:
    _, read = whole
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and all(after <= before + 1 for before, after in pairwise(levels))
    ids = {attributes.get("id") for tag, attributes in read.tags if tag in ("section", "article")} - {None}
    linked = {str(attributes.get("href")).removeprefix("#") for tag, attributes in read.tags if tag == "a"}
    assert (
        ids <= linked
        and {"card-probe-0", "card-probe-1", "card-probe-2", "card-anomalies", "card-segments", "card-timeline"} <= ids
    )


def test_every_probe_has_its_card_and_none_is_called_like_another(whole: tuple[str, Page]) -> None:
    titles = re.findall(r'<article class="card" id="card-probe-\d">\s*<h3>(.*?)</h3>', whole[0])
    assert titles == ["digit per recording", "speaker per recording", "digit per recording, normalised per speaker"]


def test_details_are_folded(whole: tuple[str, Page]) -> None:
    text, read = whole
    assert not [attributes for tag, attributes in read.tags if tag == "details" and "open" in attributes]
    outside = re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL)
    assert "<table" not in outside, "tables of numbers open when they are asked for"
    assert outside.count("<svg") == 14


def test_a_pointer_on_a_point_of_the_map_shows_its_key(whole: tuple[str, Page]) -> None:
    hints = re.findall(r"<title>(take \d{4}\.wav: \d+)</title>", whole[0])
    plan = layout("digit", 10)
    expected = {f"{key}: {label}" for key, label in zip(plan.keys, plan.labels, strict=True)}
    assert len(hints) == 2 * len(expected) and set(hints) == expected


def test_the_glossary_explains_what_the_page_says_and_nothing_else(whole: tuple[str, Page], tmp_path: Path) -> None:
    text, _ = whole
    body, words = text.split('<details id="glossary">')
    said = plain_text(body)
    names = re.findall(r"<dt>(.*?)</dt>", words)
    assert {"gap closed", "PMI", "log Z", "group", "nat", "t-SNE"} <= set(names)
    assert names == [html.escape(term.name, quote=False) for term in occurring(said)]
    # Abbreviations of ours: not the names of headings and kinds in the data.
    found = set(re.findall(r"\b(?:[A-Z]{2,}(?:-[A-Z]{2,})?|[A-Z]\d|[a-z]\.[a-z]\.|t-SNE|macro-F1)", said)) - {"CHAPTER"}
    explained = " ".join(names)
    assert found >= {"PMI", "MLP", "AUROC"} and [short for short in found if short not in explained] == []
    small = page(folder(tmp_path / "run", lines(train=2, valid=0)))[0]
    assert "<dt>PMI</dt>" not in small and "<dt>N, candidates</dt>" in small


def test_every_term_is_met_where_it_belongs(whole: tuple[str, Page]) -> None:
    """No term is listed that no page could show: those that this page lacks stand in the tables of other domains."""
    said = plain_text(whole[0])
    absent = {term.name for term in TERMS} - {term.name for term in occurring(said)}
    assert absent <= {"TF-IDF", "same network", "macro-F1", "untrained network, random init"}, absent


def test_a_run_that_goes_on_says_how_far_it_got(tmp_path: Path) -> None:
    planned = {"settings": {"training": {"steps": 2000, "patience": 0}}}
    _, read = page(folder(tmp_path / "run", lines(train=4, valid=2), settings=planned))
    assert "It is not finished: 1,000 of 2,000 updates are done." in read.text and "cpc train --resume RUN" in read.text
    done = {"settings": {"training": {"steps": 1000, "patience": 0}}}
    for settings in (done, {"recipe": "mine"}):
        _, read = page(
            folder(tmp_path / f"done {len(settings)}{'recipe' in settings}", lines(train=4, valid=2), settings=settings)
        )
        assert "not finished" not in read.text and "--resume" not in read.text


@pytest.mark.parametrize("logged", [None, "", '{"event": "party"}\n'])
def test_a_run_without_a_line_of_metrics_has_a_page_with_the_rest(tmp_path: Path, logged: str | None) -> None:
    settings = {"settings": {"training": {"steps": 20}}}
    run = folder(tmp_path / "run", [], table("digit", 0.1), settings=settings)
    (run / "metrics.jsonl").unlink()
    if logged is not None:
        (run / "metrics.jsonl").write_text(logged)
    header = json.dumps({"__metadata__": {"state": json.dumps({"format": 1, "step": 20, "best": None})}}).encode()
    (run / "latest.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    _, read = page(run)
    assert "holds no training or validation line" in read.text and "digit per recording" in read.text
    assert "for 20 steps" in read.text and "--resume" not in read.text, "a finished run is not to be resumed"


def test_parts_of_a_probe_may_be_missing(tmp_path: Path) -> None:
    bare = replace(table("digit", 0.1), differences=(), efficiency=())
    _, read = page(folder(tmp_path / "a", lines(train=2, valid=2), bare, skipped=[]))
    assert "Nothing: every file was read." in read.text and "98.1 %" in read.text and read.text.count("Map of") == 0
    _, read = page(folder(tmp_path / "b", lines(train=2, valid=2), replace(bare, rows=(), chance=math.nan)))
    assert "No CPC row was probed." in read.text and "chance is" not in read.text


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
