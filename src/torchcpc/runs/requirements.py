"""What data must hold so that a model can learn from them, checked before any update."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from torchcpc.contracts import CPCError, Model, Skipped, Sources, Window
from torchcpc.data.files.found import skip
from torchcpc.objectives import anchors
from torchcpc.scores import Full


def long_enough(sources: Sources, indices: Sequence[int], model: Model) -> tuple[list[int], list[Skipped]]:
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
    return found, [skip(sources.items[i].key, f"{steps[i]} steps, none of them {first} ahead of another") for i in short]


def require_competitors(strategy: str, model: Model, held_out: Sequence[Window]) -> None:
    """Raises CPCError where there is no validation window, and where steps of one would have no other to compete with."""
    if not held_out:
        raise CPCError("there is no validation window: hold out more sources (split.validation), or shorten the window.")
    everyone, generator, alone = Full(strategy=strategy), torch.Generator(), 0
    for window in held_out:
        steps = model.encoder.steps(window)
        spans = everyone.draw(steps, anchors(steps, model.predictor.horizons).target_M, generator).spans
        alone += spans is not None and bool((spans.count == 0).any())
    if alone:
        raise CPCError(
            f"{alone} of {len(held_out)} validation batches hold steps that no other may compete with: candidates.strategy = {strategy!r} "
            "leaves out their own sequence or stretch, or asks for others of their group, and there are none. Hold out more sources, "
            "or longer ones (split.validation), or choose another strategy."
        )
