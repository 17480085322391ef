"""Runs in Python: every verb gives what its command writes or prints, as a result that shows itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from tests.commands.bigrams import word
from tests.conformance.worlds import World
from torchcpc.anomalies.result import AnomalyTable
from torchcpc.api import load
from torchcpc.cli import main
from torchcpc.contracts import CPCError
from torchcpc.information import result as information
from torchcpc.probes.question import ProbeRows
from torchcpc.probes.result import ProbeTable
from torchcpc.ranking.result import RankTable
from torchcpc.representations.result import Embedding, NearestTable
from torchcpc.results import SavedResult
from torchcpc.runs.devices import Devices
from torchcpc.segmentation.result import SegmentTable

FEW = ProbeRows(seeds=1, supervised_steps=2, probes=["linear"], curve=[2])
FEW_WORDS = ["--seeds", "1", "--supervised-steps", "2", "--probes", "linear", "--curve", "2"]
CPU = Devices(accelerator="cpu", precision="32-true")
TEXTS = [" ".join(word(state, n) for n in range(3)) for state in range(4)]


@pytest.fixture
def phones(tmp_path: Path) -> Path:
    path = tmp_path / "phones.csv"
    rows = [f"{n},{0.05 * m:.2f},{0.05 * (m + 1):.2f},{'ab'[m % 2]}\n" for n in range(12) for m in range(4)]
    path.write_text("recording,start_s,end_s,phone\n" + "".join(rows))
    return path


def same(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_array_equal(one, other)


class Question:
    """A verb, the type of its answer, the command that asks the same, and the file in the run that keeps the answer ("" for none)."""

    def __init__(
        self, world: str, kind: type[SavedResult], verb: Callable[..., SavedResult], command: str, file: str = ""
    ) -> None:
        self.world, self.kind, self.verb, self.command, self.file = world, kind, verb, command, file


QUESTIONS = {
    "probe": Question(
        "audio",
        ProbeTable,
        lambda run, data, _: run.probe(data, label="speaker", rows=FEW, seed_runs=[run], select_by="macro-F1"),
        "probe RUN DATA --label speaker --seed-runs RUN --select-by macro-F1 " + " ".join(FEW_WORDS),
        "probe.json",
    ),
    "probe of frames": Question(
        "audio",
        ProbeTable,
        lambda run, data, path: run.probe(data, label="phone", alignment=path, validation=0.4, rows=FEW),
        "probe RUN DATA --label phone --alignment PHONES --validation 0.4 " + " ".join(FEW_WORDS),
        "probe.json",
    ),
    "rank": Question(
        "audio",
        RankTable,
        lambda run, data, _: run.rank(candidates=5, contexts=3, ks=[1, 2], pools=["any source"], seed=7, seed_runs=[run]),
        "rank RUN --candidates 5 --contexts 3 --k 1 2 --seed 7 --seed-runs RUN --pool any_source",
        "ranking.json",
    ),
    "rank_step": Question(
        "audio",
        information.CandidateTable,
        lambda run, data, _: run.rank_step("speaker0/0.wav:3", data, k=2, top=7, samples=99),
        "rank RUN DATA --step speaker0/0.wav:3 --k 2 --top 7 --samples 99",
    ),
    "rank_texts": Question(
        "text",
        information.ContinuationTable,
        lambda run, data, _: run.rank_texts("\n".join(TEXTS[:2]), TEXTS, k=2, top=3),
        "rank RUN --context CONTEXT --candidates-file CANDIDATES --k 2 --top 3",
    ),
    "information": Question(
        "audio",
        information.InformationTable,
        lambda run, data, _: run.information(samples=99, correction="jackknife"),
        "information RUN --samples 99 --correction jackknife",
        "information.json",
    ),
    "segment": Question(
        "audio",
        SegmentTable,
        lambda run, data, path: run.segment(data, alignment=path, rate=10, lag=2, tolerance_s=0.03, seed_runs=[run]),
        "segment RUN DATA --alignment PHONES --rate 10 --lag 2 --tolerance 0.03 --seed-runs RUN",
        "segments.json",
    ),
    "anomalies": Question(
        "series",
        AnomalyTable,
        lambda run, data, _: run.anomalies(label="anomaly", smooth=3, quantile=0.9),
        "anomalies RUN --label anomaly --smooth 3 --quantile 0.9",
        "anomalies.json",
    ),
    "nearest": Question(
        "text",
        NearestTable,
        lambda run, data, _: run.nearest(data, sentences=(TEXTS[0],), steps=("walk00.txt:3",), by="c", top=4),
        "nearest RUN DATA --text TEXT --step walk00.txt:3 --by c --top 4",
    ),
    "timeline": Question(
        "text",
        information.Timeline,
        lambda run, data, _: run.timeline(shuffle=(0.4, 0.7), smooth=5, seed=3, samples=99),
        "timeline RUN --shuffle 0.4:0.7 --smooth 5 --seed 3 --samples 99",
        "timeline.json",
    ),
}


def check(result: SavedResult) -> None:
    """It prints in 100 columns, shows in a notebook, is a data frame, and comes back from JSON as it was."""
    kind, content = type(result), result.to_json()
    assert str(result) == result.text() and max(map(len, result.text().splitlines())) <= 100
    assert result._repr_html_().count("<table>") == len(result.tables()) > 0
    frame = result.to_pandas()
    assert len(frame) == len(result.records()) > 0 and set(frame.columns) == {name for row in result.records() for name in row}
    again = kind.from_json(json.loads(json.dumps(content, allow_nan=False)))
    assert type(again) is kind and again.to_json() == content and again.text() == result.text()
    assert content["format"] == kind.FORMAT


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_verb_gives_what_its_command_prints_and_keeps(
    name: str, worlds: Callable[[str], World], phones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = QUESTIONS[name]
    world = worlds(asked.world)
    run = load(world.run)
    result = asked.verb(run, world.data[0], phones)
    assert type(result) is asked.kind
    check(result)
    for file, lines in (("context.txt", TEXTS[:2]), ("candidates.txt", TEXTS)):
        (tmp_path / file).write_text("\n".join(lines))
    words = {"RUN": str(world.run), "DATA": world.data[0], "PHONES": str(phones), "TEXT": TEXTS[0], "any_source": "any source"}
    words |= {"CONTEXT": str(tmp_path / "context.txt"), "CANDIDATES": str(tmp_path / "candidates.txt")}
    capsys.readouterr()
    assert main([words.get(each, each) for each in asked.command.split()]) == 0
    assert capsys.readouterr().out == result.text() + "\n"
    if asked.file:
        path = world.run / asked.file
        content = json.loads(path.read_text())
        assert (content["tables"][-1] if "tables" in content else content) == result.to_json()
        written, page = path.read_bytes(), (world.run / "report.html").read_bytes()
        path.unlink() if "tables" not in content else None
        assert run.keep(result) == path and path.read_bytes() == written
        (world.run / "report.html").unlink()
        assert run.report() == world.run / "report.html" and (world.run / "report.html").read_bytes() == page
        if "tables" not in content:
            assert asked.kind.from_json(path).to_json() == content


@pytest.mark.parametrize(("name", "per", "total"), [("audio", "step", 12), ("series", "source", 13)])
def test_embeddings(worlds: Callable[[str], World], tmp_path: Path, name: str, per: str, total: int) -> None:
    world = worlds(name)
    run = load(world.run)
    found = run.embed(world.data[0], per=per)
    check(found)
    assert type(found) is Embedding and found.per == per
    assert main(["embed", str(world.run), world.data[0], "-o", str(tmp_path / "a.npz"), "--per", per]) == 0
    counts = run.write_embedding(str(tmp_path / "b.npz"), world.data[0], per=per)
    assert counts == (len(found.keys), total)
    with np.load(tmp_path / "a.npz") as one, np.load(tmp_path / "b.npz") as other:
        for archive in (one, other):
            same(archive["source"], np.array(found.keys))
            for column in ("z", "c", "step", "sequence", "time_s"):
                same(archive[column], getattr(found, column))
    keys = [item.key for item in run.open().items]
    for column, labels in found.labels.items():
        known = dict(zip(keys, run.open().labels(column), strict=True))
        assert labels == tuple(known[key] for key in found.keys)
    assert name == "audio" or set(found.labels["kind"]) == {"x", "y"}


def test_scores(worlds: Callable[[str], World], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from torchcpc.report import information_figures, panel

    world = worlds("audio")
    for data, named in ((None, []), (world.data[0], world.data)):
        scores = load(world.run).score(data, samples=199)
        paths = [str(tmp_path / name) for name in ("a.parquet", "a.png")]
        words = ["score", str(world.run), *named, "--samples", "199", "-o", paths[0], "--picture", paths[1], "--k", "2"]
        capsys.readouterr()
        assert main(words) == 0
        assert scores.estimate in capsys.readouterr().err
        pairs = scores.write(tmp_path / "b.parquet")
        table, other = (pq.read_table(tmp_path / name) for name in ("a.parquet", "b.parquet"))
        assert len(table) == pairs > 0 and table.equals(other)
        frame, of_file = scores.to_pandas(), table.to_pandas()
        assert list(frame) == list(of_file) and frame["pmi"].tolist() == of_file["pmi"].tolist()
        assert f"{len(scores.indices)} sources" in str(scores) and scores.estimate in str(scores)
        profiles, k = scores.profiles(2)
        assert k == 2 and len(profiles) > 1
        panel.save(tmp_path / "b.png", information_figures.profiles, profiles, k)
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_boundaries_and_row_scores_in_files(worlds: Callable[[str], World], tmp_path: Path) -> None:
    world = worlds("audio")
    assert (
        main(["segment", str(world.run), *world.data, "-o", str(tmp_path / "a.csv"), "--curve", "cosine", "--rate", "9"]) == 0
    )
    count, per_second, threshold = load(world.run).write_boundaries(
        str(tmp_path / "b.csv"), world.data[0], curve="cosine", rate=9
    )
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines == (tmp_path / "b.csv").read_text().splitlines() and len(lines) == 1 + count
    assert threshold == pytest.approx(min(float(line.split(",")[-1]) for line in lines[1:]), rel=1e-4)
    assert per_second == pytest.approx(9, abs=0.2)
    world = worlds("series")
    assert main(["anomalies", str(world.run), "-o", str(tmp_path / "a.npz"), "--smooth", "3"]) == 0
    load(world.run).anomalies(out=str(tmp_path / "b.npz"), smooth=3)
    with np.load(tmp_path / "a.npz") as one, np.load(tmp_path / "b.npz") as other:
        assert one.files == other.files and {"score", "alarm"} < set(one.files)
        for column in one.files:
            same(one[column], other[column])


def test_a_stream_gives_the_steps_of_the_embedding_and_the_scores_of_the_file(
    worlds: Callable[[str], World], tmp_path: Path
) -> None:
    world = worlds("series")
    run = load(world.run)
    sources, index, _ = run.trained.held_out()
    key, length = sources.items[index[0]].key, sources.length(index[0])
    x = torch.from_numpy(sources.read(index[0], 0, length))
    found = run.embed()
    stream, plain = run.stream(samples=99), run.stream(calibrated=False)
    pieces = [stream.push(x[start : start + 7]) for start in range(0, length, 7)]
    z, c = (torch.cat([getattr(piece, name)[0] for piece in pieces]).numpy() for name in ("z_BTD", "c_BTC"))
    own = np.array(found.keys) == key
    np.testing.assert_allclose(z, found.z[own], atol=1e-5)
    np.testing.assert_allclose(c, found.c[own], atol=1e-5)
    assert plain.push(x).pmi_BTK is None and all(piece.pmi_BTK is not None for piece in pieces)
    # Every step in a stream has log Z from all that was held out; in a file, from other sources: near, for the same sample sizes.
    pmi, score = (torch.cat([getattr(piece, name)[0] for piece in pieces]) for name in ("pmi_BTK", "score_BTK"))
    k = run.model.predictor.horizons[0]
    log_z = (score - pmi)[k:, 0]
    assert log_z.isfinite().all() and pmi[:k, 0].isnan().all()


def test_an_unknown_keyword_is_refused_with_the_nearest_name(worlds: Callable[[str], World], phones: Path) -> None:
    run = load(worlds("audio").run)
    refused: dict[str, tuple[Callable[[], object], str]] = {
        "lable": (lambda: run.probe(lable="speaker"), "label"),
        "sampels": (lambda: run.score(sampels=9), "samples"),
        "candidate": (lambda: run.rank(candidate=9), "candidates"),
        "corection": (lambda: run.information(corection="none"), "correction"),
        "tolerence_s": (lambda: run.segment(alignment=phones, tolerence_s=0.1), "tolerance_s"),
        "curves": (lambda: run.write_boundaries(phones, curves="dot"), "curve"),
        "smoth": (lambda: run.anomalies(smoth=3), "smooth"),
        "tops": (lambda: run.nearest(steps=("speaker0/0.wav:3",), tops=3), "top"),
        "marginl": (lambda: run.timeline(marginl="all"), "marginal"),
        "sample": (lambda: run.stream(sample=3), "samples"),
        "seeds": (lambda: run.rank_step("speaker0/0.wav:3", seeds=3), "seed"),
        "sedd": (lambda: run.rank_texts("a", ["b"], sedd=3), "seed"),
    }
    for wrong, (verb, meant) in refused.items():
        with pytest.raises(CPCError) as caught:
            verb()
        assert f"'{wrong}'" in str(caught.value) and f"Did you mean '{meant}'?" in str(caught.value), wrong
