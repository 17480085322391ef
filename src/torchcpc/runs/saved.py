"""A model as a folder others can load: config.json says how to build it, model.safetensors holds the weights. No code is run.

config.json: {"format": 1, "torchcpc": version, "encoder": {"name": ..., settings}, "context": {...}, "predictor": {...},
"data": {...}}; model.safetensors: one float tensor per parameter or statistic, named as in the module tree; tokenizer.json for text, in
the form of the library tokenizers. Anything else is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from torchcpc import __version__
from torchcpc.settings import construct, resolve
from torchcpc.contexts import CONTEXTS
from torchcpc.contracts import CPCError
from torchcpc.data import READERS
from torchcpc.data.text.tokens import load_tokenizer, save_tokenizer
from torchcpc.encoders import ENCODERS
from torchcpc.model import CPCModel
from torchcpc.scores import PREDICTORS

FORMAT = 1
# Beside the weights where the data are text: what turns words into the numbers that the encoder takes.
TOKENIZER = "tokenizer.json"
PARTS = {"encoder": ENCODERS, "context": CONTEXTS, "predictor": PREDICTORS}


def build(settings: dict[str, dict[str, Any]], *, seed: int = 0) -> CPCModel:
    """A fresh model from resolved settings; the same seed gives the same weights and leaves torch's global generator alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = construct(ENCODERS, settings["encoder"])
        context = construct(CONTEXTS, settings["context"], encoder.dim, encoder.layout)
        return CPCModel(encoder, context, construct(PREDICTORS, settings["predictor"], context.dim, encoder.dim))


def save_pretrained(model: CPCModel, settings: dict[str, dict[str, Any]], folder: Path) -> None:
    """Writes model.safetensors, then config.json, each replaced atomically, and the tokenizer that `settings` names, if it is elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    data = settings["data"]
    if data.get("tokenizer", TOKENIZER) != TOKENIZER:
        save_tokenizer(load_tokenizer(Path(data["tokenizer"])), folder / TOKENIZER)
        data = {**data, "tokenizer": TOKENIZER}
    config = {"format": FORMAT, "torchcpc": __version__, **{part: settings[part] for part in PARTS}, "data": data}
    weights, text = folder / "model.safetensors.tmp", folder / "config.json.tmp"
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}, weights)
    weights.replace(folder / "model.safetensors")
    text.write_text(json.dumps(config, indent=2), encoding="utf8")
    text.replace(folder / "config.json")


def from_pretrained(name: str | Path) -> tuple[CPCModel, dict[str, Any]]:
    """The model in evaluation mode, and its config, from a folder (a run folder is one) or a Hugging Face Hub repository id.

    Settings that are newer than the file have their defaults in the config: runs of one recipe stay comparable.
    """
    folder = Path(name)
    if not folder.is_dir():
        folder = _download(str(name))
    config_path, weights_path = folder / "config.json", folder / "model.safetensors"
    for path in (config_path, weights_path):
        if not path.is_file():
            raise CPCError(f"{folder} holds no {path.name}: it is not a saved model. A finished `cpc train` run folder is one.")
    try:
        config = json.loads(config_path.read_text(encoding="utf8"))
        version = config["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise CPCError(f"{config_path} is damaged ({error!r}). Save the model again.") from None
    if version != FORMAT:
        raise CPCError(
            f"{config_path} has format {version!r}, this torchcpc {__version__} reads format {FORMAT}. Update torchcpc."
        )
    try:
        readers = {"data": READERS} if config["data"]["name"] in READERS else {}
        config |= resolve({part: config[part] for part in (*PARTS, *readers)}, {**PARTS, **readers})
        model = build(config)
    except (KeyError, TypeError, CPCError) as error:
        raise CPCError(f"{config_path} does not describe a model of this torchcpc {__version__}: {error}.") from None
    try:
        weights = load_file(weights_path)
    except (SafetensorError, OSError) as error:
        raise CPCError(f"{weights_path} is not a readable safetensors file: {error}. Copy it again.") from None
    expected = model.state_dict()
    wrong = sorted(expected.keys() ^ weights.keys()) + [
        f"{key}: {tuple(weights[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in expected.keys() & weights.keys()
        if weights[key].shape != expected[key].shape
    ]
    if wrong:
        raise CPCError(f"{weights_path} does not fit {config_path}: {'; '.join(wrong)}. The two files are of different models.")
    model.load_state_dict(weights)
    return model.eval(), {**config, "data": located(config["data"], folder)}


def located(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A resolved [data] section of the model in `folder`, whose tokenizer, named relative to it, is found from anywhere."""
    return {**data, "tokenizer": str(folder / data["tokenizer"])} if data.get("tokenizer") else data


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    if name.count("/") != 1:
        raise CPCError(f"{name!r} is neither a folder here nor a Hub repository id such as 'name/model'. Check the path.")
    try:
        return Path(snapshot_download(name, allow_patterns=["config.json", "model.safetensors", TOKENIZER]))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CPCError(
            f"{name!r} is not a folder here, and the Hub did not give it: {type(error).__name__}. Check the name."
        ) from None
