"""Runs in Python: trained, resumed, loaded, and written in other forms."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.commands import tiny
from tests.conformance.worlds import World
from torchcpc.api import Run, load, resume, train
from torchcpc.cli import main
from torchcpc.contracts import CPCError
from torchcpc.runs.devices import Devices
from torchcpc.settings import load_recipe, override

CPU = Devices(accelerator="cpu", precision="32-true")


def test_models_in_other_forms(worlds: Callable[[str], World], tmp_path: Path) -> None:
    world = worlds("text")
    run, vectors = load(world.run), tmp_path / "vectors.txt"
    known = sorted({each for text in Path(world.data[0]).glob("*.txt") for each in text.read_text().split()})
    vectors.write_text("".join(f"{each} {n % 7} {n % 11}\n" for n, each in enumerate([*known, "novelty"])))
    assert main(["expand", str(world.run), str(vectors), "-o", str(tmp_path / "a"), "--seed", "3"]) == 0
    expanded = run.expand(vectors, tmp_path / "b", seed=3)
    assert expanded.added == 1 and "1 new words" in expanded.text()
    for name in ("model.safetensors", "tokenizer.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    # What was enlarged is a run like any other.
    assert load(tmp_path / "b").embed(world.data[0]).z.shape == run.embed(world.data[0]).z.shape
    pytest.importorskip("onnx")
    assert main(["export", str(world.run), "-o", str(tmp_path / "a.onnx")]) == 0
    run.export(tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="neither a folder here nor a Hub repository id"):
        load(tmp_path / "nowhere")
    with pytest.raises(CPCError, match=r"holds no config\.json"):
        load(tmp_path)
    with pytest.raises(CPCError, match=r"is not a run folder: it holds no settings\.json"):
        resume(tmp_path)
    with pytest.raises(CPCError, match="'speech-smal' is neither .* Did you mean 'speech'"):
        train("speech-smal", out=tmp_path / "run")
    with pytest.raises(CPCError, match="training.step is not a setting. Did you mean 'steps'"):
        train("speech-waveform", out=tmp_path / "run", training={"step": 3})
    with pytest.raises(CPCError, match=r"\[trainings\] is not a section. Did you mean 'training'"):
        train("speech-waveform", out=tmp_path / "run", trainings={"steps": 3})
    assert not (tmp_path / "run").exists()


SECTIONS = {
    "encoder": {"channels": 8},
    "context": {"dim": 8},
    "predictor": {"count": 2},
    "candidates": {"count": 32},
    "windows": {"length": 3200, "batch": 4},
    "training": {"steps": 6, "warmup": 0, "log_every": 1},
    "split": {"validation": 0.67},
}


def test_training_is_that_of_the_command_and_goes_on_after_a_stop(worlds: Callable[[str], World], tmp_path: Path) -> None:
    world, heard = worlds("audio"), []

    def press(event: str, step: int, metrics: object) -> None:
        heard.append((event, step))
        if (event, step) == ("step", 3) and heard.count((event, step)) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    assert [f"{s}.{name}={value}" for s, own in SECTIONS.items() if s != "split" for name, value in own.items()] == tiny.SMALL
    run = train("speech-waveform", data=world.data[0], out=tmp_path / "a", devices=CPU, **SECTIONS)
    wanted = (world.run / "model.safetensors").read_bytes()
    assert type(run) is Run and run.folder == tmp_path / "a" and (tmp_path / "a/model.safetensors").read_bytes() == wanted
    assert not run.model.training
    with pytest.raises(KeyboardInterrupt):
        train("speech-waveform", data=world.data, out=tmp_path / "b", devices=CPU, on_event=press, **SECTIONS)
    # The untrained network is a model from the start on.
    assert (tmp_path / "b/model.safetensors").exists() and ("step", 4) not in heard
    again = resume(tmp_path / "b", devices=CPU)
    assert (tmp_path / "b/model.safetensors").read_bytes() == wanted
    np.testing.assert_array_equal(again.embed(per="source").c, run.embed(per="source").c)
    # A recipe by its sections, and settings of [data].
    changed = override(load_recipe("speech-waveform"), [*tiny.SMALL, "split.validation=0.67", "data.sample_rate=8000"])
    train(changed, name="mine", data=world.data[0], out=tmp_path / "c", devices=CPU)
    train("speech-waveform", data=world.data, out=tmp_path / "d", devices=CPU, data_settings={"sample_rate": 8000}, **SECTIONS)
    assert (tmp_path / "c/model.safetensors").read_bytes() == (tmp_path / "d/model.safetensors").read_bytes() != wanted
    recipes = [json.loads((tmp_path / name / "settings.json").read_text())["recipe"] for name in "cd"]
    assert recipes == ["mine", "speech-waveform"]
