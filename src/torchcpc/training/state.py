"""The state of a run, read from its folder without torch. So every command can say how far a run got."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from torchcpc.contracts import CPCError, shown

FORMAT = 1
LATEST, BEST = "latest.safetensors", "best.safetensors"


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run.

    Attributes:
        step: Updates done.
        best: Best validation value so far, None before the first validation.
        fingerprint: Identifies the settings of the run.
    """

    step: Annotated[int, Field(ge=0)]
    best: float | None
    fingerprint: str = ""


def read_state(path: Path) -> RunState:
    """Read the state in the header of a checkpoint, without its tensors.

    Raises:
        CPCError: For a file that is no checkpoint, or has another format.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, framework="np") as file:
            return state_of(path, file.metadata() or {})
    except CPCError:
        raise
    except Exception as error:  # from safetensors or from the disk
        raise damaged(path, error) from None


def state_of(path: Path, metadata: Mapping[str, str]) -> RunState:
    """Return the state in the metadata of the checkpoint `path`.

    Raises:
        CPCError: If the metadata hold no state, or have another format.
    """
    try:
        content = json.loads(metadata["state"])
        found = content.pop("format")
        if found == FORMAT:
            return TypeAdapter(RunState).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise damaged(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except Exception as error:  # the JSON may hold anything
        raise damaged(path, error) from None
    raise CPCError(
        f"{path} has checkpoint format {shown(found)}; this version reads format {FORMAT}. Use the version that wrote it."
    )


def damaged(path: Path, fault: object) -> CPCError:
    """Return the error for a file that is no checkpoint."""
    return CPCError(f"{path} is not a whole torchcpc checkpoint ({fault}). Restore it, or start the run anew.")


def best_of(validations: Sequence[Mapping[str, Any]]) -> int:
    """Return the position of the first validation with the highest bound. None and NaN count as the lowest.

    Args:
        validations: At least one validation.
    """
    bounds = [-math.inf if (bound := entry["bound"]) is None or math.isnan(bound) else bound for entry in validations]
    return bounds.index(max(bounds))


def stale(validations: Sequence[Mapping[str, Any]]) -> int:
    """Return the number of validations since the best one.

    The validation of the untrained network does not count: a bad first update is no lack of progress.
    """
    trained = [entry for entry in validations if entry["step"] > 0]
    return len(trained) - 1 - best_of(trained) if trained else 0
