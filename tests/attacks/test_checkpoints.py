"""Checkpoints that are missing, torn, hostile, of another version or of another model: one clear error each, nothing loaded."""

import json
import os
import pickle
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.training import tiny
from torchcpc.contracts import CPCError
from torchcpc.training import checkpoint
from torchcpc.training.loop import fit


@pytest.fixture
def run(tmp_path):
    fit(tiny.model(), tiny.loss, tiny.draw, folder=tmp_path, fingerprint="a", steps=3)
    return tmp_path / "latest.safetensors"


def load(path, model=None, fingerprint="a"):
    model = model or tiny.model()
    return checkpoint.load(path, model, torch.optim.Adam(model.parameters()), fingerprint=fingerprint)


def rewrite(path, change):
    tensors = load_file(path)
    state = {"format": checkpoint.FORMAT, "step": 3, "best": None, "fingerprint": "a"}
    change(tensors, state)
    save_file(tensors, path, metadata={"state": json.dumps(state)})


class Hostile:
    def __reduce__(self):
        return os.system, ("touch pwned",)


def test_missing(tmp_path):
    with pytest.raises(CPCError, match="does not exist.*Start the run anew"):
        load(tmp_path / "latest.safetensors")


@pytest.mark.parametrize(
    "content",
    [b"", b"abc", struct.pack("<Q", 1 << 62), pickle.dumps(Hostile()), struct.pack("<Q", 2) + b"{}"],
    ids=["empty", "short", "huge header", "pickle", "no metadata"],
)
def test_not_a_checkpoint(run, content, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run.write_bytes(content)
    with pytest.raises(CPCError, match="not a whole torchcpc checkpoint"):
        load(run)
    assert not (tmp_path / "pwned").exists()


def test_torn_at_every_length(run):
    whole = run.read_bytes()
    for length in range(0, len(whole), 97):
        run.write_bytes(whole[:length])
        with pytest.raises(CPCError, match="not a whole torchcpc checkpoint"):
            load(run)


def test_another_version(run):
    rewrite(run, lambda tensors, state: state.update(format=99))
    with pytest.raises(CPCError, match="format 99; this version reads format 1"):
        load(run)


def test_other_settings(run):
    with pytest.raises(CPCError, match="other settings"):
        load(run, fingerprint="b")


def test_every_misfit_is_told_at_once_and_nothing_is_changed(run):
    def change(tensors, state):
        tensors["model.weight"] = torch.zeros(2, 2)
        tensors["model.extra"] = tensors.pop("model.bias")

    rewrite(run, change)
    model = tiny.model()
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(CPCError, match=r"missing bias; unexpected extra; weight is \(2, 2\) instead of \(3, 7\)"):
        load(run, model)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_full_disk_keeps_the_previous_checkpoint(run, monkeypatch):
    before, names = run.read_bytes(), set(run.parent.iterdir())

    def full(tensors, path, metadata):
        path.write_bytes(b"part of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(CPCError, match=r"No space left on device.*previous checkpoint is kept"):
        fit(tiny.model(), tiny.loss, tiny.draw, folder=run.parent, fingerprint="a", steps=5)
    assert run.read_bytes() == before
    assert set(run.parent.iterdir()) == names
