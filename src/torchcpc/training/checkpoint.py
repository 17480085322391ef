"""Checkpoints: one safetensors file holds everything that a stopped run needs to continue.

The file is written whole or not at all. Reading it runs no code. Format 1 has this layout:

- Tensors `model.<name>`, one for each entry of the module's state.
- Tensors `optimizer.<parameter number>.<name>`, one for each tensor of the optimiser's state.
- Metadata `state` in the header, a JSON object with four keys. `format` is 1. `step` is the number of updates done. `best` is the best
  validation value, or null. `fingerprint` is a text that identifies the settings.

The learning rate, the data order and the candidates are functions of (seed, step), so they need no state.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from torchcpc.atomic import replacing
from torchcpc.contracts import CPCError
from torchcpc.training.state import FORMAT, RunState, damaged, state_of

_MODEL = "model."
_OPTIMIZER = "optimizer."
# Faults that a message lists, and characters of each.
_MOST_FAULTS, _LONGEST = 20, 160


def save(path: Path, model: nn.Module, state: RunState, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Write the weights, the state and the optimiser's moments to one file.

    Raises:
        CPCError: If the disk refuses the file. An earlier file is then kept.
    """
    tensors = {f"{_MODEL}{name}": tensor for name, tensor in model.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items() if optimizer else ():
        tensors |= {f"{_OPTIMIZER}{number}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    try:
        write_tensors(path, tensors, {"state": json.dumps({"format": FORMAT, **asdict(state)})})
    except CPCError as error:
        kept = "The previous checkpoint is kept" if path.exists() else "Nothing was saved yet"
        raise CPCError(f"{error} {kept}: resume the run.") from None


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write one safetensors file, whole or not at all."""
    with replacing(path) as partial:
        try:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, partial, metadata)
        except SafetensorError as error:  # it also stands for errors of the disk
            raise OSError(str(error)) from None


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None, *, fingerprint: str = "") -> RunState:
    """Load a checkpoint into `model` and `optimizer`.

    Args:
        path: The checkpoint.
        model: Receives the weights.
        optimizer: Receives its moments, if given.
        fingerprint: Identifies the settings that the checkpoint must belong to.

    Returns:
        The state of the run at the checkpoint.

    Raises:
        CPCError: If the checkpoint does not fit. Nothing is changed then.
    """
    tensors, state = read_tensors(path)
    if state.fingerprint != fingerprint:
        raise CPCError(f"{path} was written with other settings than this run's. Resume with the run's own settings.json.")
    weights = {name.removeprefix(_MODEL): tensor for name, tensor in tensors.items() if name.startswith(_MODEL)}
    require_fit(path, model, weights)
    moments = _moments(path, tensors, optimizer) if optimizer else {}
    model.load_state_dict(weights)
    if optimizer:
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return state


def _moments(path: Path, tensors: Mapping[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Tensor]]:
    """Return the optimiser's moments of each parameter, or nothing for a run without an update.

    Raises:
        CPCError: If only some of the moments are there, or if they do not fit.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    expected = {
        f"{_OPTIMIZER}{number}.{key}": shape
        for number, parameter in enumerate(parameters)
        for key, shape in (("step", ()), ("exp_avg", tuple(parameter.shape)), ("exp_avg_sq", tuple(parameter.shape)))
    }
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items() if name.startswith(_OPTIMIZER)}
    if (found and found != expected) or any(not tensors[name].is_floating_point() for name in found):
        wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise CPCError(
            f"{path} does not fit the optimiser: {_few(wrong or sorted(found))}. Restore the file, or start the run anew."
        )
    moments: dict[int, dict[str, Tensor]] = {}
    for name in found:
        number, key = name.removeprefix(_OPTIMIZER).split(".")
        moments.setdefault(int(number), {})[key] = tensors[name]
    return moments


def read_tensors(path: Path) -> tuple[dict[str, Tensor], RunState]:
    """Read the tensors and the state of a checkpoint.

    Raises:
        CPCError: For a file that is missing, damaged, no checkpoint, or of another format.
    """
    if not path.is_file():
        raise CPCError(f"{path} does not exist: there is nothing to resume. Start the run anew.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except Exception as error:  # safetensors raises its own errors, and torch raises some for unknown types
        raise damaged(path, error) from None
    return tensors, state_of(path, metadata)


def require_fit(path: Path, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Check that `weights` fit `model`.

    Raises:
        CPCError: Lists all tensors that are missing, unexpected, or of another shape or kind of numbers.
    """
    expected = model.state_dict()
    faults = [f"missing {name}" for name in sorted(expected.keys() - weights.keys())]
    faults += [f"unexpected {name}" for name in sorted(weights.keys() - expected.keys())]
    for name in sorted(expected.keys() & weights.keys()):
        if weights[name].shape != expected[name].shape:
            faults.append(f"{name} is {tuple(weights[name].shape)} instead of {tuple(expected[name].shape)}")
        elif weights[name].is_floating_point() != expected[name].is_floating_point() or weights[name].is_complex():
            faults.append(f"{name} is of {weights[name].dtype} instead of {expected[name].dtype}")
    if faults:
        raise CPCError(f"{path} does not fit the model: {_few(faults)}. The file belongs to a model of other settings.")


def _few(faults: Sequence[str]) -> str:
    more = f"; and {len(faults) - _MOST_FAULTS:,} more" if len(faults) > _MOST_FAULTS else ""
    return "; ".join(name[:_LONGEST] for name in faults[:_MOST_FAULTS]) + more
