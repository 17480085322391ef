"""Build a model from resolved settings, and list the sections of a recipe."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks

from torchcpc.contexts import CONTEXTS
from torchcpc.contracts import CPCError, one_line
from torchcpc.data.files.limits import amount, memory_bytes
from torchcpc.data.splits import hold_out
from torchcpc.data.windows import RandomWindows
from torchcpc.domains import DOMAINS
from torchcpc.encoders import ENCODERS
from torchcpc.model import CPCModel
from torchcpc.scores import CANDIDATES, PREDICTORS
from torchcpc.settings import Schema, Settings, construct, resolve
from torchcpc.training.loop import fit

# A residual network of a thousand layers has about as many. The largest model of a shipped recipe has 706.
MOST_TENSORS = 10_000
MODEL_PARTS = {"encoder": ENCODERS, "context": CONTEXTS, "predictor": PREDICTORS}


def schema() -> Schema:
    """Return the sections of a recipe. Its readers are those of the domains that are registered now."""
    return {
        "data": {name: domain.reader for name, domain in DOMAINS.items()},
        **MODEL_PARTS,
        "candidates": CANDIDATES,
        "windows": RandomWindows,
        "split": hold_out,
        "training": fit,
    }


def build(settings: Settings, *, seed: int = 0, most_bytes: int | None = None) -> CPCModel:
    """Build an untrained model. torch's global random generator is not changed.

    Args:
        settings: Resolved settings.
        seed: Seed of the weights. The same seed gives the same weights.
        most_bytes: Largest size of the weights, by default half of the memory of this machine.

    Raises:
        CPCError: If the settings do not make a model, or make a larger one.
    """
    most = memory_bytes() // 2 if most_bytes is None else most_bytes
    try:
        with torch.random.fork_rng(devices=[]), _at_most(most, _largest(settings)):
            torch.manual_seed(seed)
            encoder = construct(ENCODERS, settings["encoder"])
            context = construct(CONTEXTS, settings["context"], encoder.dim, encoder.layout)
            return CPCModel(encoder, context, construct(PREDICTORS, settings["predictor"], context.dim, encoder.dim))
    except CPCError:
        raise
    except Exception as error:  # torch's modules raise many kinds of errors for impossible sizes
        why = "more weights than memory holds" if "alloc" in str(error) else one_line(error)
        raise CPCError(f"these settings make no model ({why}). Correct the sizes; {_largest(settings)}.") from None


def _largest(settings: Settings) -> str:
    """Return the largest size among the settings, which is probably the mistake."""
    sizes = [
        (number, f"{part}.{name}")
        for part in MODEL_PARTS
        for name, value in settings[part].items()
        for number in (value if isinstance(value, list | tuple) else [value])
        if isinstance(number, int)
    ]
    number, name = max(sizes, default=(0, "none"))
    return f"the largest is {name} = {number:,}"


@contextmanager
def _at_most(most: int, largest: str) -> Iterator[None]:
    """Refuse modules of this thread as soon as their tensors are too many or too large.

    Most tensors are registered before they are written to, so refused tensors take no memory.

    Args:
        most: Largest size of all tensors, in bytes.
        largest: The setting that is probably wrong, in words.
    """
    total, thread, tensors = 0, get_ident(), 0

    def count(module: nn.Module, name: str, tensor: Tensor | None) -> None:
        nonlocal total, tensors
        if tensor is None or get_ident() != thread:
            return
        total, tensors = total + tensor.numel() * tensor.element_size(), tensors + 1
        if total > most or tensors > MOST_TENSORS:
            size = (
                f"{amount(total)} of weights, of at most {amount(most)}" if total > most else f"{tensors:,} tensors of weights"
            )
            raise CPCError(f"these settings make a model of at least {size}. Make it smaller; {largest}.")

    kept = hooks.register_module_parameter_registration_hook(count), hooks.register_module_buffer_registration_hook(count)
    try:
        yield
    finally:
        for each in kept:
            each.remove()


def changed(recipe: Mapping[str, Mapping[str, object]], sections: Mapping[str, Mapping[str, object]]) -> Settings:
    """Return the checked settings of a recipe, some of which `sections` replace."""
    replaced = {section: {**recipe.get(section, {}), **settings} for section, settings in sections.items()}
    return resolve({**recipe, **replaced}, schema())
