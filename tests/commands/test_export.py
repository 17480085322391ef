"""`cpc export`: what ONNX Runtime computes is what torch computes, for every shipped recipe and any number of steps."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import torchcpc
from torchcpc.cli import main
from torchcpc.contracts import CPCError
from torchcpc.encoders import SentenceEncoder
from torchcpc.runs.build import build, schema
from torchcpc.runs.onnx import export_onnx
from torchcpc.runs.saved import from_pretrained
from torchcpc.settings import load_recipe, recipes, resolve

# Speech and text at the paper's sizes have the parts of the small recipes; pictures are refused.
RECIPES = sorted(name for name in set(recipes()) - {"speech-paper", "text-paper"} if not name.startswith("pictures"))


def session(path: Path):
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def agrees(model, run, batch: int, positions: int) -> None:
    x_BS = np.random.default_rng(positions).normal(size=(batch, positions, *model.encoder.row_shape))
    # A sentence is a row of token numbers, 0 after its end.
    x = torch.from_numpy((np.abs(99 * x_BS).round() if isinstance(model.encoder, SentenceEncoder) else x_BS).astype("f4"))
    with torch.inference_mode():
        wanted = model(x)[:2]
    for found, true in zip(run.run(["z", "c"], {"x": x.numpy()}), wanted, strict=True):
        assert found.shape == true.shape
        np.testing.assert_allclose(found, true, atol=1e-5)


@pytest.mark.parametrize("recipe", RECIPES)
def test_other_batches_and_lengths_than_those_it_was_traced_with(recipe: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    model = build(resolve(load_recipe(recipe), schema()), seed=3)
    # Statistics, where a context has any; seeded, for some draws round one of 19,008 numbers to 1.1e-5.
    model.context.train()(1 + torch.rand(13, 7, model.encoder.dim, generator=torch.Generator().manual_seed(3)))
    model.eval()
    export_onnx(model, tmp_path / "m.onnx", names={})
    run = session(tmp_path / "m.onnx")
    for batch, steps in ((1, 1), (3, 11), (2, 101)):
        agrees(model, run, batch, steps * model.encoder.stride + model.encoder.stride // 2)


def test_the_command_writes_one_file_that_says_what_it_is(trained: Path, tmp_path: Path, capsys) -> None:
    pytest.importorskip("onnx")
    assert main(["export", str(trained), "-o", str(tmp_path / "new" / "m.onnx")]) == 0
    assert "a step every 160 positions" in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["m.onnx"]
    run = session(tmp_path / "new" / "m.onnx")
    about = run.get_modelmeta().custom_metadata_map
    del about["torchcpc"]
    assert about == {
        **{"domain": "audio", "encoder": "waveform", "context": "gru", "stride": "160", "receptive_field": "465"},
        **{"z": "8", "c": "8", "horizons": "1 2", "sample_rate": "16000", "step_seconds": "0.01"},
    }
    agrees(from_pretrained(trained)[0], run, 2, 3203)


def test_the_rate_of_series_is_that_of_their_times_and_unknown_without(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    small = {"windows": {"length": 16, "batch": 3}, "candidates": {"count": 101}, "training": {"steps": 1}}
    small |= {"context": {"dim": 5}, "encoder": {"dim": 7}}
    for rate, known, seconds in ((250.0, "250", "0.004"), (None, "unknown", "unknown")):
        arrays = [np.random.default_rng(n).normal(size=(97, 3)) for n in range(7)]
        own = torchcpc.cases(arrays, **({"rate": rate} if rate else {}))
        run = torchcpc.train("series", data=own, out=tmp_path / f"run {rate}", **small)
        run.export(tmp_path / "m.onnx")
        about = session(tmp_path / "m.onnx").get_modelmeta().custom_metadata_map
        assert (about["domain"], about["sample_rate"], about["step_seconds"]) == ("series", known, seconds)


def test_pictures_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    with pytest.raises(CPCError, match="28 sequences of one window"):
        export_onnx(build(resolve(load_recipe("pictures"), schema())), tmp_path / "m.onnx", names={})


def test_faults_are_named(trained: Path, tmp_path: Path, refused, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "End it in .onnx" in refused("export", trained, "-o", tmp_path / "m.pt")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(CPCError, match=r"pip install 'torchcpc\[onnx\]'"):
        export_onnx(from_pretrained(trained)[0], tmp_path / "m.onnx", names={})
    assert list(tmp_path.iterdir()) == []
