"""The race of benchmarks/quality_per_minute.py on made-up recordings, with hundredths of a minute."""

import json
import os
import signal
from itertools import count

import numpy as np
import pytest
import soundfile
import torch

from tests.benchmarks.scripts import load
from torchcpc.contracts import CPCError
from torchcpc.training.schedule import learning_rate

cpc_audio, contenders, points, quality = load("cpc_audio", "quality_contenders", "quality_points", "quality_per_minute")
SMALL = "encoder.channels=7 context.dim=5 predictor.count=2 candidates.count=11 windows.length=1600 windows.batch=4"
SMALL += " windows.windows_per_group=2 training.warmup=2 split.validation=0.25"
PUBLISHED = cpc_audio.Published(
    channels=6, context=6, horizons=2, attention_heads=2, hidden=11, negatives=13, window=1600, batch=4
)
# After 4 and after 8 updates.
MINUTES, TICK = ["0.002", "0.004"], 0.031


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Recordings of three speakers, in which two phones of 0.1 s alternate: a low and a high buzz in noise."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    table, labels = ["path,speaker,split"], ["recording,start_s,end_s,phone"]
    for number in range(18):
        parts = []
        for place in range(5 + number % 3):
            phone = int(rng.integers(2))
            hz = (310, 1700)[phone] * (1 + 0.1 * (number % 3))
            parts.append(0.2 * np.sin(2 * np.pi * hz * np.arange(1600) / 16_000) + 0.05 * rng.normal(size=1600))
            labels.append(f"r{number},{place / 10},{(place + 1) / 10},{'ab'[phone]}")
        soundfile.write(folder / f"r{number}.wav", np.concatenate(parts).clip(-1, 1), 16_000)
        table.append(f"r{number}.wav,s{number % 3},{'test' if number > 11 else 'train'}")
    (folder / "labels.csv").write_text("\n".join(table))
    (folder / "phones.csv").write_text("\n".join(labels))
    return folder


@pytest.fixture(autouse=True)
def calm(monkeypatch, tmp_path):
    """Small published settings, a clock by which each update takes `TICK` seconds, and the number of threads as it was."""
    monkeypatch.setattr(quality, "Published", lambda: PUBLISHED)
    monkeypatch.setattr(quality, "perf_counter", map(TICK.__mul__, count()).__next__)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def words(data, out, *more, ours=(f"along: speech {SMALL} training.steps=3",), minutes=MINUTES):
    own = [word for text in ours for word in ("--ours", text)]
    return [
        str(data / "labels.csv"),
        "--alignment",
        str(data / "phones.csv"),
        "-o",
        str(out),
        "--minutes",
        *minutes,
        *own,
        *more,
    ]


def lines(out):
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_a_race_measures_each_point_once(data, tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    given = words(data, out, ours=(f"along: speech {SMALL} training.steps=6", f"clock: speech {SMALL} training.steps=budget"))
    quality.main([*given, "--handmade", "MFCC"])
    said, found = capsys.readouterr().out, lines(out)
    names = {"along", "clock", "CPC_audio, transformer heads"}
    assert {(one["contender"], one["minutes"]) for one in found} == {
        *((name, minutes) for name in names for minutes in (0.0, 0.002, 0.004)),
        ("MFCC", 0.0),
    }
    assert len({tuple(one["of"]) for one in found}) == 1  # the same test rows for all
    assert all(
        0 <= right <= rows for one in found for own in one["right"].values() for right, rows in zip(own, one["of"], strict=True)
    )
    by_name = {name: {one["minutes"]: one for one in found if one["contender"] == name} for name in names}
    updates = {name: [own[m]["updates"] for m in (0.0, 0.002, 0.004)] for name, own in by_name.items()}
    assert updates == {"along": [0, 4, 6], "clock": [0, 4, 8], "CPC_audio, transformer heads": [0, 4, 8]}
    facts = [[by_name["along"][m][fact] for m in (0.0, 0.002, 0.004)] for fact in ("schedule_done", "ended", "clock_minutes")]
    assert facts == [[0.0, pytest.approx(4 / 6), 1.0], [False, False, True], pytest.approx([0, 4 * TICK / 60, 6 * TICK / 60])]
    assert [by_name["clock"][m]["schedule_done"] for m in (0.0, 0.002, 0.004)] == [0.0, 1.0, 1.0]
    assert "CPC_audio, transformer heads, seed 0, 0.004 min" in said and "c: points above CPC_audio" in said
    assert " =" in said and " ~" in said and "Updates done" in said
    assert out.with_suffix(".svg").read_text().startswith("<?xml")
    assert not out.with_suffix(".state").exists()
    before = out.read_bytes()
    quality.main([*given, "--handmade", "MFCC"])
    assert out.read_bytes() == before
    assert "seed 0" not in capsys.readouterr().out  # nothing was measured again


def test_the_training_never_hears_the_test_part(data):
    sources = quality.open_sources(contenders.OurRecipe.parse("speech").settings["data"], [str(data / "labels.csv")])
    split = contenders.OurRecipe.parse(f"speech {SMALL}").settings["split"]
    peer = contenders.CPCAudio("peer", PUBLISHED, split).start(sources, 1, 1.0)
    ours = contenders.OurRecipe.parse(f"speech {SMALL}").start(sources, 1, 1.0)
    theirs = {key.key for key in ours._draw.__self__.sources.items}
    heard = sum(map(len, peer.windows.samples))
    assert heard == sum(sources.length(i) for i, item in enumerate(sources.items) if item.key in theirs)
    assert all(item.labels["split"] == "train" for item in sources.items if item.key in theirs)
    ours.close()


@pytest.mark.parametrize("peer", [True, False])
def test_an_interrupted_race_goes_on(data, tmp_path, monkeypatch, peer):
    """The sixth update is interrupted, between the two points. Afterwards the points are those of a race without an interrupt."""
    ours, out, through = f"along: speech {SMALL} training.steps=9", tmp_path / "out.jsonl", tmp_path / "through.jsonl"
    given = words(data, out, "--handmade", *([] if peer else ["--cpc-audio"]), ours=(ours,))
    training = cpc_audio.Training if peer else contenders.OurTraining
    update, steps = training.update, []

    def noted(self, seconds):
        steps.append(self.step)
        update(self, seconds)
        if len(steps) == 6:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(training, "update", noted)
    with pytest.raises(KeyboardInterrupt):
        quality.main(given)
    assert [one["minutes"] for one in lines(out)][-2:] == [0.0, 0.002]
    assert out.with_suffix(".state").exists()
    quality.main(given)
    assert steps == list(range(8))
    assert not out.with_suffix(".state").exists()
    quality.main([str(through) if word == str(out) else word for word in given])
    assert [one["right"] for one in lines(out)] == [one["right"] for one in lines(through)]


def test_other_settings_data_and_names_are_refused(data, tmp_path):
    out = tmp_path / "out.jsonl"
    quality.main(words(data, out, "--cpc-audio", "--handmade", minutes=["0.001"]))
    with pytest.raises(CPCError, match="holds 'along' with other settings"):
        other = (f"along: speech {SMALL} training.steps=2",)
        quality.main(words(data, out, "--cpc-audio", "--handmade", minutes=["0.001"], ours=other))
    with pytest.raises(CPCError, match="points of other data, labels, frames or threads"):
        quality.main(words(data, out, "--every", "3"))
    with pytest.raises(CPCError, match="two contenders have the same name"):
        quality.main(words(data, out, ours=("speech", "speech")))
    with pytest.raises(CPCError, match=r"its \[split\] differs from that of speech"):
        quality.main(words(data, out, ours=("speech", "other: speech split.validation=0.3")))
    with pytest.raises(CPCError, match="a step of 80 samples at 16000 Hz"):
        quality.main(words(data, out, ours=(f"half: speech {SMALL} encoder.stride=80",)))


def test_the_rate_follows_the_updates_or_the_clock(data):
    sources = quality.open_sources(contenders.OurRecipe.parse("speech").settings["data"], [str(data / "labels.csv")])
    along = contenders.OurRecipe.parse(f"speech {SMALL} training.steps=11").start(sources, 0, 7.0)
    for step in (0, 1, 5, 10):
        along.step = step
        assert along.rate(99.0) == learning_rate(step, peak=1e-3, steps=11, warmup=2, schedule="cosine")
        assert along.schedule_done(99.0) == pytest.approx(step / 11)
    clock = contenders.OurRecipe.parse(f"speech {SMALL} training.steps=budget").start(sources, 0, 7.0)
    assert clock.rate(0.0) == pytest.approx(0.5e-3)  # the first of two updates of warm-up
    clock.step = 5
    assert [clock.rate(seconds) for seconds in (0.0, 3.5, 7.0, 9.0)] == pytest.approx([1e-3, 0.5e-3, 0, 0])
    assert not clock.ended
    along.close()
    clock.close()


def point(**changes):
    given = {"contender": "a", "identity": "", "rows": "r", "seed": 0, "minutes": 2.0, "right": {"c": [1, 2]}, "of": [3, 5]}
    return points.Point(**{**given, **changes})


def test_tables_join_seeds_and_pair_rows(tmp_path):
    own = points.Points(tmp_path / "a.jsonl", "r")
    for seed, right in enumerate(([1, 2], [3, 4])):
        own.add(point(seed=seed, right={"c": right, "z": [0, 0]}, schedule_done=0.5))
        own.add(point(contender="b", seed=seed, right={"c": [1, 1], "z": [0, 0]}))
    board = points.Board(own, ["a", "b"], [], [2.0], 2)
    assert board.cells("a", "c")[1].startswith("62.5 (") and board.cells("a", "c")[1].endswith(" ~")
    assert board.cells("a", "c")[0] == "-"
    assert board.differences().rows[0][1].startswith("+37.5 (")
    assert points.mark([point(ended=True)]) == " ="
    assert points.mark([point()]) == points.mark([point(minutes=0.0, schedule_done=0.0)]) == ""
