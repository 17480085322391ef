"""Where a run stands, as its folder tells it: read without torch, so that every command can say how far a run got."""

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
    """Where a run stands: updates done, and the best validation value so far (None before the first)."""

    step: Annotated[int, Field(ge=0)]
    best: float | None
    fingerprint: str = ""


def read_state(path: Path) -> RunState:
    """The state in the header of a checkpoint, without its tensors. Raises CPCError for a file that is none, or of another version."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="np") as file:
            return state_of(path, file.metadata() or {})
    except CPCError:
        raise
    except Exception as error:  # of safetensors and of the disk
        raise damaged(path, error) from None


def state_of(path: Path, metadata: Mapping[str, str]) -> RunState:
    """The state in these metadata of the checkpoint `path`. Raises CPCError where they hold none."""
    try:
        content = json.loads(metadata["state"])
        found = content.pop("format")
        if found == FORMAT:
            return TypeAdapter(RunState).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise damaged(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except Exception as error:  # of JSON that is anything
        raise damaged(path, error) from None
    raise CPCError(
        f"{path} has checkpoint format {shown(found)}; this version reads format {FORMAT}. Use the version that wrote it."
    )


def damaged(path: Path, fault: object) -> CPCError:
    """What is said of a file that is no checkpoint."""
    return CPCError(f"{path} is not a whole torchcpc checkpoint ({fault}). Restore it, or start the run anew.")


def best_of(validations: Sequence[Mapping[str, Any]]) -> int:
    """Position of the first of those with the highest bound, where None and NaN are the lowest. At least one is needed."""
    bounds = [-math.inf if (bound := entry["bound"]) is None or math.isnan(bound) else bound for entry in validations]
    return bounds.index(max(bounds))


def stale(validations: Sequence[Mapping[str, Any]]) -> int:
    """Validations since the best one. The untrained network is none of them: a first update that harms is no lack of progress."""
    trained = [entry for entry in validations if entry["step"] > 0]
    return len(trained) - 1 - best_of(trained) if trained else 0
