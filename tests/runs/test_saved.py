"""Saved models load as they were, or say what does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from torchcpc.contracts import CPCError
from torchcpc.runs.run import load_run
from torchcpc.runs.saved import from_pretrained, save_pretrained

OLD = Path(__file__).parent / "old_run"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((OLD / name).read_bytes())
    return tmp_path


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(CPCError, match=f"holds no {name}: it is not a saved model"):
        from_pretrained(saved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:40], "config.json is damaged"),
        (lambda text: "[]", "config.json is damaged"),
        (lambda text: "{}", "config.json is damaged"),
        (
            lambda text: text.replace('"format": 1', '"format": 2'),
            "has format 2, this torchcpc .* reads format 1. Update torchcpc",
        ),
        (lambda text: text.replace('"vectors"', '"os.system"'), "does not describe a model of this torchcpc"),
        (lambda text: text.replace('"hidden"', '"hiden"'), "does not describe a model of this torchcpc"),
        (lambda text: text.replace('"hidden": 5', '"hidden": 11'), "does not fit .*instead of"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(saved: Path, change, words: str) -> None:
    text = (saved / "config.json").read_text()
    (saved / "config.json").write_text(change(text))
    assert (saved / "config.json").read_text() != text
    with pytest.raises(CPCError, match=words):
        from_pretrained(saved)


def test_weights_that_do_not_fit_are_refused(saved: Path) -> None:
    weights = load_file(saved / "model.safetensors")
    name = sorted(weights)[0]
    save_file({("other" if key == name else key): value for key, value in weights.items()}, saved / "model.safetensors")
    with pytest.raises(CPCError, match=rf"does not fit .*missing {name}; unexpected other"):
        from_pretrained(saved)
    (saved / "model.safetensors").write_bytes(b"PK\x03\x04 a pickle, perhaps")
    with pytest.raises(CPCError, match="is not a readable safetensors file"):
        from_pretrained(saved)


def test_settings_that_are_newer_than_a_file_have_their_defaults(saved: Path) -> None:
    """Else a run of before, named beside one of now, would be refused as of other sizes."""
    _, now = from_pretrained(saved)
    config = json.loads((saved / "config.json").read_text())
    for part, setting in (("predictor", "echo"), ("context", "layers")):
        del config[part][setting]
    (saved / "config.json").write_text(json.dumps(config))
    _, before = from_pretrained(saved)
    assert before == now


def test_a_saved_model_is_the_one_that_was_trained(saved: Path) -> None:
    run = load_run(saved)
    assert not run.model.training and run.config["encoder"]["dim"] == 6 and run.record is None and run.marginal == "all"
    for name, weight in load_file(OLD / "model.safetensors").items():
        assert torch.equal(run.model.state_dict()[name], weight)
    with pytest.raises(CPCError, match="no settings.json"):
        run.parts()


def test_what_is_saved_again_is_the_same(saved: Path, tmp_path: Path) -> None:
    model, config = from_pretrained(saved)
    save_pretrained(model, config, tmp_path / "copy")
    assert (tmp_path / "copy/model.safetensors").read_bytes() == (saved / "model.safetensors").read_bytes()
    assert from_pretrained(tmp_path / "copy")[1] == config


def test_data_of_an_unknown_kind(saved: Path) -> None:
    text = (saved / "config.json").read_text()
    (saved / "config.json").write_text(text.replace('"digits"', '"digit"'))
    assert from_pretrained(saved)[1]["data"] == {"name": "digit"}  # the model alone needs none
    with pytest.raises(CPCError, match="data.name = 'digit' is unknown. Did you mean 'digits'"):
        load_run(saved)


def test_neither_a_folder_nor_a_hub_id(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="neither a folder here nor a Hub repository id"):
        load_run(tmp_path / "nowhere/at/all")
