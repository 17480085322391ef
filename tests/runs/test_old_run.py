"""A run folder that the version before `RunRecord` wrote: it loads, embeds, resumes and gives the same weights.

settings.json, config.json, model, best and latest.safetensors, metrics.jsonl and skipped.json are of `cpc train digits-demo` with a tiny
network, seed 3, 16 updates, at commit be571b9; stopped_at_8.safetensors is the checkpoint of its eighth update.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from torchcpc.runs.devices import Devices
from torchcpc.runs.pretrain import pretrain, resume
from torchcpc.runs.record import RunRecord
from torchcpc.runs.run import load_run
from torchcpc.training.checkpoint import read_tensors

OLD = Path(__file__).parent / "old_run"
CPU = Devices(accelerator="cpu", precision="32-true")


def assert_same_weights(folder: Path) -> None:
    for name in ("model.safetensors", "best.safetensors", "latest.safetensors"):
        found, expected = load_file(folder / name), load_file(OLD / name)
        assert found.keys() == expected.keys()
        for key in expected:  # to the bit on one machine; others round otherwise
            torch.testing.assert_close(found[key], expected[key], rtol=1e-4, atol=1e-6)


def bounds(folder: Path) -> list[tuple[int, float]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line["bound"]) for line in lines if line["event"] == "valid"]


def test_it_loads() -> None:
    run = load_run(OLD)
    assert run.record is not None and run.record.recipe == "digits-demo" and run.record.seed == 3
    assert (run.domain.name, run.strategy, run.marginal, run.first_disjoint_horizon) == ("digits", "mixed", "all", 0)
    assert run.record.fingerprint() == read_tensors(OLD / "latest.safetensors")[1].fingerprint
    sources, indices, origin = run.held_out()
    assert len(indices) == run.record.data["unseen"] == 360 and "never saw" in origin and sources is run.open()
    x = torch.from_numpy(np.stack([sources.read(index, 0, 8) for index in indices[:3]]))
    z, c, p = run.model(x)
    assert z.shape == (3, 8, 6) and c.shape == (3, 8, 7) and p.shape == (3, 8, 3, 6)


def test_a_stopped_one_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(OLD, folder)
    shutil.copyfile(folder / "stopped_at_8.safetensors", folder / "latest.safetensors")
    (folder / "model.safetensors").unlink()
    described = (folder / "settings.json").read_bytes()
    trained = resume(folder, devices=CPU)
    assert trained.outcome.step == 16
    assert_same_weights(folder)
    assert bounds(folder) == [(step, pytest.approx(bound, rel=1e-4)) for step, bound in bounds(OLD)]
    assert (folder / "settings.json").read_bytes() == described


def test_the_same_settings_make_the_same_run_now(tmp_path: Path) -> None:
    old = RunRecord.read(OLD)
    trained = pretrain(old.settings, None, tmp_path / "run", recipe=old.recipe, seed=old.seed, devices=CPU)
    assert_same_weights(tmp_path / "run")
    new = RunRecord.read(tmp_path / "run")
    assert new.data == {**old.data, "rate": 1.0}  # the rate is told since
    assert (new.settings, new.roots, new.fingerprint()) == (old.settings, old.roots, old.fingerprint())
    files = {path.name for path in OLD.iterdir()} - {"stopped_at_8.safetensors"}
    assert {path.name for path in (tmp_path / "run").iterdir()} == files | {"notes.json", "sources.json"}
    for name, weight in load_run(tmp_path / "run").model.state_dict().items():
        assert torch.equal(weight, trained.run.model.state_dict()[name])
