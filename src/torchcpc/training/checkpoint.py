"""Everything a stopped run needs to go on, in one safetensors file: written whole or not at all, read without running code.

Layout, format 1. Tensors: `model.<name>` for each entry of the module's state, `optimizer.<parameter number>.<name>` for each tensor of
the optimiser's. Header metadata `state`: JSON {"format": 1, "step": updates done, "best": best validation value or null, "fingerprint":
text that identifies the settings}. The learning rate, the order of the data and the candidates are functions of (seed, step) and need no
state."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from torchcpc.atomic import replacing
from torchcpc.contracts import CPCError

FORMAT = 1
_MODEL = "model."


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands: updates done, and the best validation value so far (None before the first)."""

    step: int
    best: float | None
    fingerprint: str = ""


def save(path: Path, model: nn.Module, state: RunState, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Weights, the state and the optimiser's moments as one file; an earlier one stays where the disk refuses. Raises CPCError then."""
    tensors = {f"{_MODEL}{name}": tensor for name, tensor in model.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items() if optimizer else ():
        tensors |= {f"optimizer.{number}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    try:
        write_tensors(path, tensors, {"state": json.dumps({"format": FORMAT, **asdict(state)})})
    except CPCError as error:
        kept = "The previous checkpoint is kept" if path.exists() else "Nothing was saved yet"
        raise CPCError(f"{error} {kept}: resume the run.") from None


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """One safetensors file, whole or not at all."""
    with replacing(path) as partial:
        try:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, partial, metadata)
        except SafetensorError as error:  # of the disk, too
            raise OSError(str(error)) from None


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None, *, fingerprint: str = "") -> RunState:
    """Puts the saved state into `model` and `optimizer` and says where it stood. Raises CPCError, changing nothing, if it does not fit."""
    tensors, state = read_tensors(path)
    if state.fingerprint != fingerprint:
        raise CPCError(f"{path} was written with other settings than this run's. Resume with the run's own settings.json.")
    weights = {name.removeprefix(_MODEL): tensor for name, tensor in tensors.items() if name.startswith(_MODEL)}
    require_fit(path, model, weights)
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".", 2)
            moments.setdefault(int(number), {})[key] = tensor
    model.load_state_dict(weights)
    if optimizer:
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return state


def read_tensors(path: Path) -> tuple[dict[str, Tensor], RunState]:
    """The tensors and the state of a checkpoint, checked for kind, damage and version."""
    if not path.is_file():
        raise CPCError(f"{path} does not exist: there is nothing to resume. Start the run anew.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        state = json.loads(metadata["state"])
        found = state.pop("format")
        if found == FORMAT:
            return tensors, RunState(**state)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CPCError(f"{path} is not a whole torchcpc checkpoint ({error}). Restore it, or start the run anew.") from None
    raise CPCError(
        f"{path} has checkpoint format {found!r}; this version reads format {FORMAT}. Use the version that wrote it."
    )


def require_fit(path: Path, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """All missing, unexpected and misshapen tensors in one CPCError."""
    expected = model.state_dict()
    faults = [f"missing {name}" for name in sorted(expected.keys() - weights.keys())]
    faults += [f"unexpected {name}" for name in sorted(weights.keys() - expected.keys())]
    faults += [
        f"{name} is {tuple(weights[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in sorted(expected.keys() & weights.keys())
        if weights[name].shape != expected[name].shape
    ]
    if faults:
        raise CPCError(f"{path} does not fit the model: {'; '.join(faults)}. The file belongs to a model of other settings.")
