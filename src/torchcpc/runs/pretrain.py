"""From resolved settings to a trained run folder: every room put together once, for every domain."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from torchcpc import __version__
from torchcpc.settings import Settings, construct
from torchcpc.contexts import CONTEXTS
from torchcpc.contracts import CPCError, Window
from torchcpc.data import READERS
from torchcpc.data.files.found import Skipped, left_out
from torchcpc.data.scaling import channel_scale
from torchcpc.data.splits import hold_out
from torchcpc.data.text.tokens import learn, load_tokenizer, save_tokenizer
from torchcpc.data.windows import RandomWindows, sequential
from torchcpc.encoders import ENCODERS
from torchcpc.training.validation import held_out_bound
from torchcpc.objectives import Contrast, anchors
from torchcpc.runs.saved import TOKENIZER, build, save_pretrained
from torchcpc.scores import CANDIDATES, PREDICTORS, Full
from torchcpc.training import Outcome, checkpoint, fit

SCHEMA = {
    "data": READERS,
    "encoder": ENCODERS,
    "context": CONTEXTS,
    "predictor": PREDICTORS,
    "candidates": CANDIDATES,
    "windows": RandomWindows,
    "split": hold_out,
    "training": fit,
}
# Hears (event, step, metrics): "vocabulary" for each document, in each pass over the text before training, then what
# `training.loop.fit` reports.
Listener = Callable[[str, int, dict[str, Any]], None]
# Enough for a bound with a standard error of a few hundredths of a nat, few enough to validate in seconds.
VALIDATION_WINDOWS = 256
LIBRARIES = ("torch", "lightning-fabric", "numpy", "scikit-learn", "soundfile", "soxr", "pillow", "safetensors")


def create_run(
    folder: Path, settings: Settings, *, recipe: str, roots: Sequence[str], seed: int, precision: str, processes: int = 1
) -> None:
    """A new run folder that holds its settings and nothing else yet. Raises CPCError if the folder is in use."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CPCError(
            f"{folder} exists and is not empty. Continue it with `cpc train --resume {folder}`, or choose another with -o."
        )
    folder.mkdir(parents=True, exist_ok=True)
    described = {
        "recipe": recipe,
        "seed": seed,
        "precision": precision,
        "processes": processes,
        "roots": [str(Path(root).resolve()) for root in roots],
        "settings": settings,
        "versions": {
            "torchcpc": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }
    write_json(folder / "settings.json", described)


def read_run(folder: Path) -> dict[str, Any]:
    """The settings.json of a run folder."""
    path = folder / "settings.json"
    try:
        return json.loads(path.read_text(encoding="utf8"))
    except FileNotFoundError:
        raise CPCError(f"{folder} is not a run folder: it holds no settings.json. Start one with `cpc train RECIPE`.") from None
    except ValueError as error:
        raise CPCError(f"{path} is damaged: {error}. Restore it, or start a new run.") from None


def pretrain(
    folder: Path,
    sources: Any,
    *,
    fabric: Fabric,
    on_event: Listener = lambda event, step, metrics: None,
) -> Outcome:
    """Trains what `folder`/settings.json describes on `sources`, from where it stopped if it did; leaves the best model in `folder`.

    Validation is in float32 on fixed windows of held-out sources. Raises CPCError for settings that cannot work on these sources.
    """
    described = read_run(folder)
    seed = described["seed"]
    parts = hold_out(sources, seed, **described["settings"]["split"])
    settings, sources = fitted(described["settings"], sources, parts.train, folder, fabric, on_event)
    described = {**described, "settings": settings}
    model = build(settings, seed=seed)
    contrast = Contrast(construct(CANDIDATES, settings["candidates"]))
    windows = settings["windows"]
    train, short = long_enough(sources, parts.train, model)
    order = RandomWindows(sources.select(train), model.encoder.stride, seed, **windows)
    held_out = sequential(
        sources.select(parts.validation), length=windows["length"], batch=windows["batch"], limit=VALIDATION_WINDOWS
    )
    check_competitors(settings, model, held_out)
    if fabric.is_global_zero:
        write_json(folder / "skipped.json", [{"path": s.path, "reason": s.reason} for s in (*sources.skipped, *short)])
        data = {
            "recordings": len(sources),
            "trained": len(train),
            "validated": len(parts.validation),
            "unseen": len(parts.unseen),
            "groups": len(sources.groups),
            "hours": sources.hours,
            "skipped": len(sources.skipped) + len(short),
        }
        write_json(folder / "settings.json", {**described, "data": data})

    def loss(model: Any, window: Window, generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
        value, metrics = contrast(model, window, generator)
        return value, {**metrics, "horizons": list(model.predictor.horizons), "positions": window.length.sum()}

    outcome = fit(
        model,
        loss,
        order.draw,
        lambda model: held_out_bound(model, contrast, held_out, seed=seed, device=fabric.device),
        folder,
        fabric,
        on_event,
        fingerprint(described),
        seed,
        **settings["training"],
    )
    if fabric.is_global_zero and (folder / "best.safetensors").exists():
        tensors, _ = checkpoint.read_tensors(folder / "best.safetensors")
        model.load_state_dict({name.removeprefix("model."): tensor for name, tensor in tensors.items()})
        save_pretrained(model, settings, folder)
    return outcome


def long_enough(sources: Any, indices: Sequence[int], model: Any) -> tuple[list[int], list[Skipped]]:
    """Of the sources at `indices` those that hold a pair (t, t+k) to learn from, and why not the others. Raises CPCError if none does."""
    first, stride = min(model.predictor.horizons), model.encoder.stride
    steps = {index: sources.length(index) // stride for index in indices}
    found = [index for index in indices if steps[index] > first]
    if not found:
        raise CPCError(
            f"none of {len(indices)} training sources is longer than {first} steps (of {stride}), so there is nothing to predict: name "
            "longer ones. A row of a table of sentences is a source of one step; text is learned from documents, one file each."
        )
    short = [index for index in indices if steps[index] <= first]
    return found, [left_out(sources.items[i].key, f"{steps[i]} steps, none of them {first} ahead of another") for i in short]


def check_competitors(settings: Settings, model: Any, held_out: Sequence[Window]) -> None:
    """Raises CPCError, before any update, where steps of a validation batch would have no other to compete with."""
    strategy, horizons = settings["candidates"]["strategy"], model.predictor.horizons
    everyone, generator, alone = Full(strategy=strategy), torch.Generator(), 0
    for window in held_out:
        steps = model.encoder.steps(window)
        spans = everyone.draw(steps, anchors(steps, horizons).target_M, generator).spans
        alone += spans is not None and bool((spans.count == 0).any())
    if alone:
        raise CPCError(
            f"{alone} of {len(held_out)} validation batches hold steps that no other may compete with: candidates.strategy = {strategy!r} "
            "leaves out their own sequence or stretch, or asks for others of their group, and there are none. Hold out more sources, "
            "or longer ones (split.validation), or choose another strategy."
        )


def fitted(
    settings: Settings, sources: Any, train: Sequence[int], folder: Path, fabric: Fabric, on_event: Listener
) -> tuple[Settings, Any]:
    """The settings, and the sources, with what is learned from the training sources before the first update: the scale of every
    channel, where the encoder has such settings and they are still empty; the vocabulary of text, kept in `folder`. Done once, so that
    everything built from the settings later takes the same input alike."""
    encoder, data = settings["encoder"], settings["data"]
    if not encoder.get("scale", True):
        mean, scale = channel_scale(sources.select(train))
        return {**settings, "encoder": {**encoder, "mean": mean, "scale": scale}}, sources
    return with_vocabulary(settings, sources, train, folder, fabric, on_event) if "tokenizer" in data else (settings, sources)


def with_vocabulary(
    settings: Settings, sources: Any, train: Sequence[int], folder: Path, fabric: Fabric, on_event: Listener
) -> tuple[Settings, Any]:
    """The same for text: the vocabulary that the sources came with, or one learned from the training documents, as a file of `folder`."""
    data, path = settings["data"], folder / TOKENIZER
    if fabric.is_global_zero and not path.exists():

        def sentences() -> Iterator[str]:
            return sources.select(train).every_sentence(
                lambda done, documents: on_event("vocabulary", done, {"documents": documents})
            )

        save_tokenizer(sources.tokenizer or learn(sentences, kind=data["tokens"], size=data["vocabulary"]), path)
    fabric.barrier()
    tokenizer = load_tokenizer(path)
    encoder = {**settings["encoder"], "vocabulary": tokenizer.get_vocab_size(), "width": data["width"]}
    settings = {**settings, "encoder": encoder, "data": {**data, "tokenizer": TOKENIZER}}
    return settings, sources.with_tokenizer(tokenizer)


def fingerprint(described: dict[str, Any]) -> str:
    """Identifies what a checkpoint belongs to: the settings, the seed, the data and the precision, not the versions."""
    kept = {key: described[key] for key in ("settings", "seed", "roots", "precision")}
    return blake2b(json.dumps(kept, sort_keys=True).encode(), digest_size=16).hexdigest()


def write_json(path: Path, value: Any) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf8")
    partial.replace(path)
