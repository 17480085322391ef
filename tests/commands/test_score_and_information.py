"""`cpc score` and `cpc information` from end to end on six tiny recordings: what they write, print and refuse."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.commands.tiny import LENGTHS, train
from torchcpc.cli import main


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, recordings: Path) -> Path:
    """Two recordings to train on, four held out."""
    folder = tmp_path_factory.mktemp("runs") / "a"
    assert train(folder, recordings, "split.validation=0.67") == 0
    return folder


def test_every_pair_is_a_row(tmp_path: Path, trained: Path, recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(trained), str(recordings), "-o", str(tmp_path / "s.parquet")]) == 0
    assert "trained on these sources, so their numbers are too good" in capsys.readouterr().err
    table = pq.read_table(tmp_path / "s.parquet").to_pydict()
    assert list(table) == ["source", "sequence", "step", "k", "time_s", "pmi", "surprise", "effective"]
    found = {(source, k): 0 for source in table["source"] for k in (1, 2)}
    for source, k in zip(table["source"], table["k"], strict=True):
        found[source, k] += 1
    assert found == {(f"speaker{n % 2}/{n}.wav", k): length // 160 - k for n, length in enumerate(LENGTHS) for k in (1, 2)}
    np.testing.assert_allclose(table["time_s"], (np.array(table["step"]) + table["k"]) * 0.01)
    np.testing.assert_array_equal(table["surprise"], -np.array(table["pmi"]))
    assert np.isfinite(table["pmi"]).all() and np.array(table["effective"]).min() >= 1


def test_without_data_only_held_out_sources_are_scored(tmp_path: Path, trained: Path) -> None:
    assert main(["score", str(trained), "-o", str(tmp_path / "s.npz")]) == 0
    with np.load(tmp_path / "s.npz") as archive:
        assert len(set(archive["source"])) == 2


def test_a_speaker_with_one_recording_is_scored_against_all_speakers(
    tmp_path: Path, recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trained against candidates of the same speaker, of whom one has no second recording: a note, and not an error."""
    (tmp_path / "some" / "ann").mkdir(parents=True)
    for number, (name, path) in enumerate([("ann", "speaker0/0.wav"), ("ann", "speaker0/2.wav"), ("ben", "speaker1/1.wav")]):
        (tmp_path / "some" / name).mkdir(exist_ok=True)
        (tmp_path / "some" / name / f"{number}.wav").write_bytes((recordings / path).read_bytes())
    assert train(tmp_path / "run", recordings, "candidates.strategy=same_group", "split.validation=0.67") == 0
    assert main(["score", str(tmp_path / "run"), str(tmp_path / "some"), "-o", str(tmp_path / "s.npz")]) == 0
    captured = capsys.readouterr()
    assert "note: 1 group (ben) without another source to draw from, so log Z is drawn from all groups." in captured.err
    assert (
        main(
            ["score", str(tmp_path / "run"), str(tmp_path / "some"), "--marginal", "same_group", "-o", str(tmp_path / "t.npz")]
        )
        == 1
    )
    assert "contexts have fewer than 8 marginal samples of group" in capsys.readouterr().err


def test_candidates_are_ranked(trained: Path, recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The true future, whose rank is announced, stands at that rank; the list is sorted."""
    total = sum(length // 160 for length in LENGTHS)
    command = ["rank", str(trained), str(recordings), "--step", "speaker1/3.wav:7", "--k", "2", "--top", str(total)]
    assert main(command) == 0
    head, _, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("candidates for speaker1/3.wav, step 7 + 2; ") and head.endswith(f" of {total}")
    assert len(lines) == total
    pmi = [float(line.split()[1]) for line in lines]
    assert pmi == sorted(pmi, reverse=True)
    (true,) = [line for line in lines if "<- the true future" in line]
    assert true.split()[3:5] == ["9", "speaker1/3.wav"]
    assert int(true.split()[0]) == int(head.split()[-3])


def test_information_prints_a_table_and_adds_to_the_report(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["information", str(trained)]) == 0
    said, err = capsys.readouterr()
    assert "I(x; c) per step k, in nats, on validation sources" in said and "report: " in err
    assert "caution: log Z rests on 2 sources, too few to know its error" in " ".join(said.split())
    kept = json.loads((trained / "information.json").read_text())
    assert [row["k"] for row in kept["rows"]] == [1, 2] and kept["estimand"]["sources"] == 2
    for row in kept["rows"]:
        assert row["infonce"]["mean"] < row["ceiling"] == pytest.approx(np.log(row["candidates"]))
        assert row["pmi"]["low"] < row["pmi"]["mean"] < row["pmi"]["high"] and row["sources"] == 2
        assert f"{row['pmi']['mean']:.3f}" in said
    page = (trained / "report.html").read_text()
    for words in ("What the context says about steps ahead", "Can the scores be read as numbers?", "Peaks and plateaus"):
        assert page.count(f'aria-label="{words}') == 1
    assert main(["report", str(trained)]) == 0 and (trained / "report.html").read_text() == page


def test_information_of_named_data_and_other_marginals(trained: Path, recordings: Path, tmp_path: Path) -> None:
    before = (trained / "information.json").read_bytes() if (trained / "information.json").exists() else None
    assert main(["information", str(trained), str(recordings), "--correction", "jackknife", "--samples", "50"]) == 0
    kept = json.loads((trained / "information.json").read_text())
    assert (kept["estimand"]["samples"], kept["estimand"]["correction"]) == (50, "jackknife")
    if before:
        (trained / "information.json").write_bytes(before)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_picture(tmp_path: Path, trained: Path, ending: str) -> None:
    path = tmp_path / f"peaks.{ending}"
    assert main(["score", str(trained), "--picture", str(path)]) == 0
    if ending == "svg":
        text = path.read_text()
        ElementTree.fromstring(text)
        assert all(f'id="profile-{order}"' in text for order in range(5))
    else:
        assert path.read_bytes().startswith(b"\x89PNG")


def test_what_is_refused(tmp_path: Path, trained: Path, recordings: Path, refused) -> None:
    one = tmp_path / "one"
    one.mkdir()
    (one / "a.wav").write_bytes((recordings / "speaker0/0.wav").read_bytes())
    out = ["-o", tmp_path / "s.npz"]
    assert "nothing to do: name a file with -o" in refused("score", trained)
    assert "k = 5: this model predicts 1 to 2 steps ahead" in refused(
        "score", trained, "--picture", tmp_path / "p.svg", "--k", "5"
    )
    assert "marginal = 'speaker' is unknown" in refused("score", trained, *out, "--marginal", "speaker")
    assert "3 marginal samples: log Z needs at least 8" in refused("information", trained, "--samples", "3")
    assert "contexts have fewer than 8 marginal samples from other sources" in refused("score", trained, one, *out)
    assert "so at least 2 are needed" in refused("information", trained, one)
    assert "'nobody:3': expected SOURCE:STEP" in refused("rank", trained, recordings, "--step", "nobody:3")
    said = refused("rank", trained, recordings, "--step", "speaker0/0.wav:48", "--k", "2")
    assert "'speaker0/0.wav:48'" in said and "has 50 steps, so its last context for k = 2 is 47" in said
    assert "cannot draw a '.gif' file" in refused("score", trained, "--picture", tmp_path / "p.gif")
    assert "cannot tell the format from '.txt'" in refused("score", trained, "-o", tmp_path / "s.txt")
    assert f"{tmp_path} holds no config.json" in refused("information", tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["one"]


def test_a_group_without_samples_is_named(tmp_path: Path, trained: Path, recordings: Path, refused) -> None:
    place = tmp_path / "data"
    for name in ("a/0.wav", "a/2.wav", "b/1.wav"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes((recordings / f"speaker{int(name[2]) % 2}" / name[2:]).read_bytes())
    said = refused("score", trained, place, "--marginal", "same_group", "-o", tmp_path / "s.npz")
    assert "of group 1 from other sources. Name more sources" in said and not (tmp_path / "s.npz").exists()


def test_a_run_without_a_predictor_is_refused(tmp_path: Path, trained: Path, refused) -> None:
    for name in ("config.json", "model.safetensors", "settings.json"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    del config["predictor"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    for argv in (["score", tmp_path, "-o", tmp_path / "s.npz"], ["information", tmp_path]):
        assert "does not describe a model of this torchcpc" in refused(*argv)


def test_a_damaged_result_is_named_on_the_page_and_costs_only_itself(tmp_path: Path, trained: Path) -> None:
    for name in ("metrics.jsonl", "settings.json"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    assert main(["report", str(tmp_path)]) == 0
    whole = (tmp_path / "report.html").read_text()
    for content, reason in (('{"rows": [], "cautions": []}', "has format None"), ('{"format": 2', "cannot be read as JSON")):
        (tmp_path / "information.json").write_text(content)
        assert main(["report", str(tmp_path)]) == 0
        page = (tmp_path / "report.html").read_text()
        assert f"{tmp_path / 'information.json'} {reason}" in page and reason not in whole
        assert page.count("<figure") == whole.count("<figure") > 0


def test_arrays_are_told_from_runs(tmp_path: Path, refused, capsys: pytest.CaptureFixture[str]) -> None:
    x, y, bad = (str(tmp_path / name) for name in ("x.npy", "y.npy", "bad.npy"))
    np.save(x, np.arange(6.0).reshape(3, 2))
    np.save(y, np.arange(3.0))
    np.save(bad, np.array([{}], dtype=object), allow_pickle=True)
    assert "1 array files: name two" in refused("information", x)
    assert "bad.npy cannot be read as an array (not a readable npy file: pickled objects" in refused("information", x, bad)
    assert "does not exist" in refused("information", x, tmp_path / "none.npy")
    np.save(bad, np.arange(5))
    assert "has 3 rows and" in refused("information", x, bad)
    np.save(bad, np.array(["a", "b", "c"]))
    assert "expected numbers [pairs, ...]" in refused("information", x, bad)
    assert "3 samples: at least 50" in refused("information", x, y)
    table = tmp_path / "y.csv"
    rng = np.random.default_rng(0)
    np.save(x, a := rng.standard_normal(211))
    table.write_text("one,two\n" + "".join(f"{v + rng.standard_normal():.5f},{rng.standard_normal():.5f}\n" for v in a))
    assert main(["information", x, str(table)]) == 0
    said = capsys.readouterr().out
    assert "nats (" in said and "bits, n = 211" in said and "warning: only 211 samples" in said
